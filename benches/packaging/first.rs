//! How soon a film can be played: the job of two hours beside that of thirty seconds.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use marquee::packager::job::{self, Encoding, PackageRequest, Progress};

use crate::run;

const TIMES: u32 = 240;
const ROUNDS: usize = 5;

#[derive(Clone, Copy)]
struct First {
    after_ms: f64,
    memory_mib: f64,
}

pub fn run(film: &Path, folder: &Path) {
    let long = folder.join("two_hours.mp4");
    run::repeated(film, TIMES, &long);
    for film in [film, &long] {
        run::warm(film);
    }
    println!(
        "\nfirst playable segments of a ladder whose top rung is copied, from the start of the job, median of {ROUNDS}"
    );
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (mut of_short, mut of_long) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        of_short.push(runtime.block_on(first(film, &folder.join("first"))));
        of_long.push(runtime.block_on(first(&long, &folder.join("first"))));
    }
    let (short, long) = (median(of_short), median(of_long));
    for (name, first) in [("30 s", short), ("2 h", long)] {
        println!("  {name:<5} {:6.0} ms  worker {:4.0} MiB", first.after_ms, first.memory_mib);
    }
    println!(
        "  2 h takes {:+.0} ms (at most 150) and {:+.0} MiB (at most 32)",
        long.after_ms - short.after_ms,
        long.memory_mib - short.memory_mib
    );
}

fn median(mut all: Vec<First>) -> First {
    all.sort_by(|a, b| a.after_ms.total_cmp(&b.after_ms));
    all[all.len() / 2]
}

/// Packages until the film can be played, and stops.
async fn first(film: &Path, out: &Path) -> First {
    let request = PackageRequest::new(env!("CARGO_BIN_EXE_marquee-worker"), film, out, Encoding::Ladder);
    let (found, is_there) = (Arc::new(Mutex::new(None)), Arc::new(tokio::sync::Notify::new()));
    let start = Instant::now();
    let on_progress = {
        let (found, is_there) = (found.clone(), is_there.clone());
        move |progress: &Progress| {
            let mut found = found.lock().unwrap();
            if progress.grown.is_some() && found.is_none() {
                *found = Some(First {
                    after_ms: start.elapsed().as_secs_f64() * 1e3,
                    memory_mib: run::peak_of_worker().unwrap_or(0.0),
                });
                is_there.notify_one();
            }
        }
    };
    let stopped = job::package(request, on_progress, is_there.notified()).await;
    assert_eq!(stopped.unwrap_err().code(), "CANCELLED");
    let _ = fs::remove_dir_all(out.with_file_name(format!(".{}.partial", out.file_name().unwrap().to_str().unwrap())));
    let first = *found.lock().unwrap();
    first.expect("the film could be played")
}
