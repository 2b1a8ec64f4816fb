//! A whole ladder of H.264, beside FFmpeg's own program making the same rungs in one process: the same sizes, encoder,
//! settings and caps.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use marquee::packager::job::{Encoding, FilmReader};
use marquee::packager::ladder::{self, Rung};

use crate::run::{self, Took, ffmpeg, measure, text};

const ROUNDS: usize = 3;
const FRAME_RATE_MILLI: u32 = 24_000;

pub fn run(film: &Path, folder: &Path) {
    // Open groups of pictures cannot be copied; everything is encoded then, from a source as good as the film.
    let open = folder.join("open.mkv");
    let params = "open-gop=1:bframes=3:keyint=96:scenecut=0";
    let source = ["-i", text(film), "-map", "0:v:0", "-map", "0:a:0", "-c:v", "libx264", "-preset", "veryfast"];
    measure(&mut ffmpeg(
        &[&source[..], &["-crf", "14", "-x264-params", params, "-c:a", "aac", "-ac", "2", text(&open)]].concat(),
    ));
    let rungs = rungs();
    let names: Vec<&str> = rungs.iter().map(|rung| rung.id.as_str()).collect();
    println!("\nladder: {} of 30 s of 1080p, libx264 veryfast, no pictures, median of {ROUNDS}", names.join(", "));
    let (ours, peer, copied) = (folder.join("ours"), folder.join("peer"), folder.join("copied"));
    let mut all: [Vec<Took>; 3] = Default::default();
    for _ in 0..ROUNDS {
        all[0].push(run::job(&open, &ours, Encoding::FixedLadder, FilmReader::Marquee));
        let _ = fs::remove_dir_all(&peer);
        fs::create_dir(&peer).unwrap();
        all[1].push(measure(&mut peers(&open, &peer, &rungs)));
        all[2].push(run::job(film, &copied, Encoding::FixedLadder, FilmReader::Marquee));
    }
    let [all_ours, all_peers, all_copied] = all;
    let (took, peers, with_copy) = (run::median(all_ours), run::median(all_peers), run::median(all_copied));
    for (name, took) in [("ffmpeg", peers), ("marquee", took), ("marquee, top rung copied", with_copy)] {
        println!("  {name:<25} {:6.2} s  cpu {:6.2} s  {:5.0} MiB", took.wall_s, took.cpu_s, took.memory_mib);
    }
    println!(
        "  cpu {:.3} × ffmpeg (at most 1.02), wall {:.3} × (at most 1.00), memory {:.2} × (at most 1.50); copying the top rung saves {:.0} % of the cpu",
        took.cpu_s / peers.cpu_s,
        took.wall_s / peers.wall_s,
        took.memory_mib / peers.memory_mib,
        100.0 * (1.0 - with_copy.cpu_s / took.cpu_s)
    );
    for Rung { id, width, height, .. } in &rungs {
        let file = format!("{id}.mp4");
        let (a, b) = (ours.join(&file), peer.join(&file));
        let bytes = |file: &Path| fs::metadata(file).unwrap().len();
        let ssim = |track: &Path| run::ssim(track, &open, *width, *height);
        println!(
            "  {id:<6} SSIM {:.5} and ffmpeg's {:.5}, bytes {:.3} × ffmpeg's",
            ssim(&a),
            ssim(&b),
            bytes(&a) as f64 / bytes(&b) as f64
        );
    }
}

/// What a job makes of a 1080p film that it cannot copy.
fn rungs() -> Vec<Rung> {
    let lower = ladder::lower_rungs(1920, 1080);
    let top = Rung { id: "v1080".into(), width: 1920, height: 1080, max_bits_per_s: 6_000_000, ..lower[0].clone() };
    let mut rungs: Vec<Rung> = std::iter::once(top).chain(lower).collect();
    ladder::rate(&mut rungs, FRAME_RATE_MILLI, None, None);
    rungs
}

fn peers(film: &Path, out: &Path, rungs: &[Rung]) -> std::process::Command {
    let (mut graph, mut scaled) = (format!("[0:v:0]split={}", rungs.len()), String::new());
    for (n, Rung { width, height, .. }) in rungs.iter().enumerate() {
        write!(graph, "[s{n}]").unwrap();
        write!(scaled, ";[s{n}]scale={width}:{height}:flags=bicubic:out_range=tv,format=yuv420p,setsar=1[v{n}]")
            .unwrap();
    }
    graph.push_str(&scaled);
    let mut command = ffmpeg(&["-i", text(film), "-filter_complex", &graph]);
    for (n, rung) in rungs.iter().enumerate() {
        command.args(["-map", &format!("[v{n}]")]);
        run::encode_as_we_do(&mut command, rung.max_bits_per_s);
        command.args(["-movflags", "+frag_keyframe+empty_moov+default_base_moof"]);
        command.arg(out.join(format!("{}.mp4", rung.id)));
    }
    command.args(["-map", "0:a:0", "-c:a", "aac", "-b:a", "128k"]).arg(out.join("a.mp4"));
    command
}
