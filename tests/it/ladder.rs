//! The rates of the ladder follow the film: what is hard to encode gets more than an ordinary film, what is easy less.

use std::future::pending;
use std::path::{Path, PathBuf};
use std::process::Command;

use marquee::packager::job::{self, Encoding, PackageRequest, Packaged, Phase};

use crate::film;

/// Pictures of 704×396 with a sync sample every 2 s; `noise` says when its pictures are all noise.
fn make(dir: &Path, name: &str, seconds: u32, noise: &str) -> PathBuf {
    let film = dir.join(name);
    let filter = format!("noise=alls=60:allf=t:enable='{noise}'");
    let bars = format!("smptebars=size=704x396:rate=24:duration={seconds}");
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", &bars, "-vf", &filter])
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-g", "48", "-sc_threshold", "0", "-pix_fmt", "yuv420p"])
        .arg(&film)
        .status()
        .unwrap();
    assert!(status.success());
    film
}

async fn package(film: &Path, out: &Path, encoding: Encoding) -> (Packaged, Vec<Phase>) {
    let mut request = PackageRequest::new(film, out, encoding).unwrap();
    request.worker = film::binary();
    let mut phases = Vec::new();
    let packaged = job::package(request, |progress| phases.push(progress.phase), pending()).await.unwrap();
    phases.dedup();
    (packaged, phases)
}

/// Average and peak of the 360p rung in kbit/s.
fn rates(packaged: &Packaged) -> (u64, u64) {
    let rung = packaged.index.track("v360").unwrap();
    (rung.average_bits_per_s / 1000, rung.peak_bits_per_s / 1000)
}

#[tokio::test(flavor = "multi_thread")]
async fn hard_films_get_more_than_ordinary_ones_and_easy_films_less() {
    let root = tempfile::tempdir().unwrap();
    let hard = make(root.path(), "hard.mp4", 12, "1");
    let (measured, phases) = package(&hard, &root.path().join("hard"), Encoding::Ladder).await;
    assert!(phases.windows(2).any(|pair| pair == [Phase::Copying, Phase::Measuring]), "{phases:?}");
    // The limit is half as much again as the 800 kbit/s of an ordinary film.
    assert!((1_000..1_300).contains(&rates(&measured).0), "{:?}", rates(&measured));
    let (fixed, phases) = package(&hard, &root.path().join("fixed"), Encoding::FixedLadder).await;
    assert!(!phases.contains(&Phase::Measuring));
    assert!((700..900).contains(&rates(&fixed).0), "{:?}", rates(&fixed));

    // The burst lies between two of the stretches that are measured.
    let easy = make(root.path(), "easy.mp4", 30, "between(t,2.1,3.9)");
    let (measured, _) = package(&easy, &root.path().join("easy"), Encoding::Ladder).await;
    let (fixed, _) = package(&easy, &root.path().join("easy-fixed"), Encoding::FixedLadder).await;
    assert!(rates(&measured).1 * 2 < rates(&fixed).1, "{:?}, {:?}", rates(&measured), rates(&fixed));
    let (_, phases) = package(&easy, &root.path().join("copied"), Encoding::CopyOnly).await;
    assert!(!phases.contains(&Phase::Measuring), "nothing is encoded");
}
