//! Frame-exactness: picture n of every rung is picture n of the source. The film shows its own clock; the instants that
//! are looked at are those where the clock changes, so that a picture too early or too late is seen.

use std::path::Path;
use std::process::Command;

use marquee::media::rendition::TrackIndex;
use marquee::packager::job::Encoding;

use crate::packager::{check, film, output, package};

/// The size at which pictures are compared.
const WIDTH: usize = 160;
const HEIGHT: usize = 120;
const PICTURE: usize = WIDTH * HEIGHT;
const POINTS: usize = 10;
const PICTURES_PER_S: i64 = 24;

/// The luma of every picture, in the order of presentation.
fn pictures(file: &Path) -> Vec<Vec<u8>> {
    let scale = format!("scale={WIDTH}:{HEIGHT}:flags=area,format=gray");
    let decoded = Command::new("ffmpeg")
        .args(["-v", "error", "-xerror", "-i", file.to_str().unwrap(), "-map", "0:v:0", "-vf", &scale])
        .args(["-vsync", "passthrough", "-f", "rawvideo", "-"])
        .output()
        .unwrap();
    assert!(decoded.status.success(), "{}", String::from_utf8_lossy(&decoded.stderr));
    decoded.stdout.chunks_exact(PICTURE).map(<[u8]>::to_vec).collect()
}

/// The mean difference of two pictures, in steps of luma.
fn difference(one: &[u8], other: &[u8]) -> f64 {
    let sum: u64 = one.iter().zip(other).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / PICTURE as f64
}

/// The segment that shows picture `n`, as a file of its own, and which of its pictures that is.
fn segment_of(dir: &Path, track: &TrackIndex, n: usize) -> (std::path::PathBuf, usize) {
    let per_picture = i64::from(track.timescale.per_second()) / PICTURES_PER_S;
    let at = n as i64 * per_picture;
    let place = (0..track.segments.len()).rfind(|&place| track.segment_start(place) <= at).unwrap();
    let bytes = std::fs::read(dir.join(track.file_name())).unwrap();
    let segment = &track.segments[place];
    let from = segment.offset as usize;
    let alone = dir.join("alone.mp4");
    let parts = [&bytes[..track.init_bytes as usize], &bytes[from..from + segment.bytes as usize]];
    std::fs::write(&alone, parts.concat()).unwrap();
    (alone, ((at - track.segment_start(place)) / per_picture) as usize)
}

/// Ten instants of `source` at which its clock changes, drawn with `seed`.
fn changes(source: &[Vec<u8>], seed: u64) -> Vec<usize> {
    let mut found: Vec<usize> = (1..source.len()).filter(|&n| difference(&source[n - 1], &source[n]) > 1.0).collect();
    let mut state = seed;
    let mut drawn = Vec::new();
    while drawn.len() < POINTS {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        drawn.push(found.swap_remove((state >> 33) as usize % found.len()));
    }
    drawn
}

async fn is_exact(input: &Path, encoding: Encoding, rungs: &[&str]) {
    let root = tempfile::tempdir().unwrap();
    let packaged = package(input, &root.path().join("out"), encoding).await.unwrap();
    check(&packaged.dir, &packaged.index);
    let source = pictures(input);
    let seed = u64::from(std::process::id());
    let tracks: Vec<&TrackIndex> = packaged.index.video().map(|(track, _)| track).collect();
    assert_eq!(tracks.iter().map(|track| track.id.as_str()).collect::<Vec<_>>(), rungs);
    for track in tracks {
        for n in changes(&source, seed) {
            let (segment, place) = segment_of(&packaged.dir, track, n);
            let shown = pictures(&segment);
            let off = |other: usize| difference(&shown[place], &source[other]);
            let says = format!("{} at {n}, seed {seed}: {:.2}, before {:.2}", track.id, off(n), off(n - 1));
            assert!(off(n) * 3.0 < off(n - 1), "{says}");
            if let Some(before) = place.checked_sub(1) {
                assert!(difference(&shown[before], &source[n - 1]) < 2.0, "{says}");
            }
            println!("{says}");
        }
    }
}

/// Twelve seconds of the timer, cut in the middle of a second and enlarged so that there are several rungs.
fn enlarged(root: &Path, codec: &[&str]) -> Option<std::path::PathBuf> {
    let timer = film("films/timer-5min-avc-aac.mp4")?;
    let made = root.join("timer.mp4");
    let mut args = vec!["-v", "error", "-ss", "30.4", "-t", "12", "-i", timer.to_str().unwrap()];
    args.extend(["-map", "0:v:0", "-vf", "scale=960:720:flags=neighbor"]);
    args.extend(codec);
    args.extend(["-y", made.to_str().unwrap()]);
    output("ffmpeg", &args);
    Some(made)
}

#[tokio::test]
async fn picture_n_of_a_copied_rung_and_of_the_rungs_below_it_is_picture_n_of_the_source() {
    let root = tempfile::tempdir().unwrap();
    let Some(input) = enlarged(root.path(), &["-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "48"])
    else {
        return;
    };
    is_exact(&input, Encoding::Ladder, &["v720", "v480", "v360"]).await;
}

#[tokio::test]
async fn picture_n_of_an_encoded_ladder_is_picture_n_of_the_source() {
    let root = tempfile::tempdir().unwrap();
    let Some(input) = enlarged(root.path(), &["-c:v", "mpeg4", "-q:v", "3", "-bf", "2"]) else { return };
    is_exact(&input, Encoding::Ladder, &["v720", "v480", "v360"]).await;
}

#[tokio::test]
async fn picture_n_of_the_five_minutes_of_the_timer_is_picture_n_of_the_source() {
    let Some(input) = film("films/timer-5min-avc-aac.mp4") else { return };
    is_exact(&input, Encoding::CopyOnly, &["v240"]).await;
}
