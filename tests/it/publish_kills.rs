//! Packaging under fire: the worker or the whole server is killed at random moments. After every kill an asset is listed
//! and whole, or listed as partial with its job at work, or not listed; a job that was not finished goes on with the next
//! server, and nothing lies about.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use marquee::base::clock::Clock;
use marquee::base::id::AssetId;
use serde_json::Value;

use crate::crash::Dice;
use crate::film;
use crate::process::{ServerProcess, sound_report};
use crate::recovery::{Desk, names, orphaned_workers, until};

/// The worker of this server, while it has one.
pub fn worker_of(server: u32) -> Option<u32> {
    names(Path::new("/proc")).iter().filter_map(|process| process.parse().ok()).find(|process: &u32| {
        let of = |what: &str| std::fs::read_to_string(format!("/proc/{process}/{what}")).unwrap_or_default();
        let parent = of("status").lines().find_map(|line| line.strip_prefix("PPid:\t")?.parse::<u32>().ok());
        parent == Some(server) && of("cmdline").ends_with("marquee-worker\0")
    })
}

/// What the server lists: the assets that are complete, each with all its files, and those that are there in part.
async fn listed(desk: &Desk, server: &ServerProcess) -> (BTreeSet<String>, BTreeSet<String>) {
    let assets = desk.get(server, "assets?limit=200").await;
    let of = |status: &str| -> BTreeSet<String> {
        let assets = assets["data"].as_array().unwrap().iter().filter(|asset| asset["status"] == status);
        assets.map(|asset| asset["id"].as_str().unwrap().to_owned()).collect()
    };
    let (ids, partial) = (of("complete"), of("partial"));
    assert_eq!(assets["data"].as_array().unwrap().len(), ids.len() + partial.len(), "{assets}");
    for id in &ids {
        let stored = names(&desk.assets().join(id));
        for file in ["index.json", "poster.jpg", "storyboard-0.jpg", "t-en.vtt", "v360.mp4"] {
            assert!(stored.iter().any(|name| name == file), "{id} is listed and lacks {file}: {stored:?}");
        }
    }
    (ids, partial)
}

fn is_over(job: &Value) -> bool {
    !matches!(job["status"].as_str(), Some("queued" | "running"))
}

async fn kill_while_publishing(kills: usize) {
    marquee::http::tls::install_provider();
    let seed = Clock::system().now().0 as u64;
    println!("seed {seed}");
    let mut dice = Dice(seed);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let desk = Desk::open(folder.path().join("data")).await;
    film::file();

    // How long a job takes that nobody kills.
    let mut server = ServerProcess::start(&desk.data);
    let start = Instant::now();
    let job = desk.upload(&server).await;
    assert_eq!(desk.finished(&server, &job).await["status"], "done");
    let usual = start.elapsed();

    let mut published = 1;
    let mut job = desk.upload(&server).await;
    let (mut servers, mut workers, mut in_part) = (0, 0, 0);
    while servers + workers < kills {
        tokio::time::sleep(usual.mul_f64(dice.below(1000) as f64 / 1000.0)).await;
        if dice.below(3) == 0 {
            let Some(worker) = worker_of(server.id()) else { continue };
            // It may have ended meanwhile.
            let killed = Command::new("kill").args(["-KILL", &worker.to_string()]).status().unwrap();
            workers += usize::from(killed.success());
        } else {
            let killed = server.id();
            server.kill();
            servers += 1;
            until("no worker without its server", || orphaned_workers(killed).is_empty());
            desk.let_leases_run_out().await;
            server = ServerProcess::start(&desk.data);
        }
        let (known, partial) = listed(&desk, &server).await;
        let shown = desk.get(&server, &format!("jobs/{job}")).await;
        let being_made = AssetId::of_job(job.parse().unwrap()).to_string();
        assert!(partial.iter().all(|id| *id == being_made), "{partial:?} is listed, and {job} is the only job");
        in_part += partial.len();
        let unlisted = names(&desk.assets()).into_iter().filter(|name| !known.contains(name)).count();
        assert!(unlisted <= 1, "only the job that runs may have an asset that is not listed");
        if is_over(&shown) {
            // A job whose worker was killed says so; what it would have published is not there.
            match shown["status"].as_str() {
                Some("done") => published += 1,
                _ => assert_eq!(shown["error"]["code"], "WORKER_KILLED", "{shown}"),
            }
            job = desk.upload(&server).await;
        }
    }
    published += usize::from(desk.finished(&server, &job).await["status"] == "done");
    println!(
        "{servers} servers and {workers} workers killed, {in_part} films found in part, {published} films published"
    );

    let (known, partial) = listed(&desk, &server).await;
    assert_eq!((known.len(), partial.len()), (published, 0));
    server.terminate();
    server.ended();
    // What a killed process left is gone at the latest after the next start.
    desk.let_leases_run_out().await;
    let server = ServerProcess::start(&desk.data);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(listed(&desk, &server).await, (known.clone(), BTreeSet::new()));
    assert_eq!(names(&desk.assets()).into_iter().collect::<BTreeSet<_>>(), known, "orphans in the store");
    assert_eq!(names(&desk.work()), [] as [String; 0]);
    assert_eq!(names(&desk.data.join("uploads")), [] as [String; 0]);
    server.terminate();
    server.ended();
    sound_report(&desk.data);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_8_times_while_publishing_publishes_everything_whole_and_leaves_nothing() {
    kill_while_publishing(8).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "minutes; ./dev soak runs it"]
async fn soak_a_server_killed_100_times_while_publishing_publishes_everything_whole_and_leaves_nothing() {
    if std::env::var_os("MARQUEE_TEST_SOAK").is_some() {
        kill_while_publishing(100).await;
    }
}
