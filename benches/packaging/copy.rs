//! Copying ten minutes of film: what is read and written is the same for everybody, and so is what is made durable.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::run::{self, Took, ffmpeg, marquee, measure, median, text};

const TIMES: u32 = 20;
const ROUNDS: usize = 5;

pub fn run(film: &Path, folder: &Path) {
    let long = folder.join("long.mp4");
    run::repeated(film, TIMES, &long);
    // Whoever is first reads from memory like everybody after him.
    let bytes = run::warm(&long);
    println!(
        "\ncopy: {} MB, {TIMES} times {}, page cache hot, all of it durable, median of {ROUNDS}",
        bytes / 1_000_000,
        film.display()
    );
    let out = folder.join("out");
    let ours = || marquee(&["package", text(&long), "--out", text(&out), "--copy", "--no-pictures"]);
    let cp = || {
        let mut command = Command::new("cp");
        command.args(["--reflink=never", text(&long), text(&out.join("copy"))]);
        command
    };
    let hls = out.join("film.m3u8");
    let ffmpeg = || {
        let mut command = ffmpeg(&["-i", text(&long), "-c", "copy", "-f", "hls", "-hls_segment_type", "fmp4"]);
        command.args(["-hls_time", "4", "-hls_playlist_type", "vod", text(&hls)]);
        command
    };
    let shaka = || {
        let track = |stream: &str, name: &str| {
            format!(
                "in={},stream={stream},init_segment={}/{name}-init.mp4,segment_template={}/{name}-$Number$.m4s",
                text(&long),
                text(&out),
                text(&out)
            )
        };
        let mut command = Command::new(std::env::var_os("MARQUEE_BENCH_SHAKA")?);
        command.args([track("video", "v"), track("audio", "a")]).arg("--segment_duration=4");
        command.arg(format!("--hls_master_playlist_output={}", text(&out.join("main.m3u8"))));
        Some(command)
    };
    // A fresh folder each; ours makes its own.
    let round = |command: &mut Command, is_ours: bool| {
        let _ = fs::remove_dir_all(&out);
        if !is_ours {
            fs::create_dir(&out).unwrap();
        }
        let start = Instant::now();
        let took = measure(command);
        if !is_ours {
            run::sync(&out);
        }
        Took { wall_s: start.elapsed().as_secs_f64(), ..took }
    };
    let mut all: [Vec<Took>; 4] = Default::default();
    for _ in 0..ROUNDS {
        all[0].push(round(&mut cp(), false));
        all[1].push(round(&mut ours(), true));
        all[2].push(round(&mut ffmpeg(), false));
        if let Some(mut shaka) = shaka() {
            all[3].push(round(&mut shaka, false));
        }
    }
    let _ = fs::remove_dir_all(&out);
    let [cp, ours, rest @ ..] = all;
    let (cp, ours) = (median(cp), median(ours));
    let line = |name: &str, took: Took, ratio: String| {
        println!("  {name:<16} {:6.2} s  cpu {:5.2} s  {:5.0} MiB  {ratio}", took.wall_s, took.cpu_s, took.memory_mib);
    };
    line("cp", cp, String::new());
    line("marquee", ours, format!("{:.2} × cp (at most 2.00)", ours.wall_s / cp.wall_s));
    for (name, peer) in ["ffmpeg fMP4 HLS", "shaka-packager"].into_iter().zip(rest).filter(|(_, peer)| !peer.is_empty())
    {
        let peer = median(peer);
        line(name, peer, format!("{:.2} × marquee (at least 3.00)", peer.wall_s / ours.wall_s));
    }
}
