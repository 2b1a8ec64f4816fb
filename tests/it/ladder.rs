//! The rates of the ladder follow the film: what is hard to encode gets more than an ordinary film, what is easy less.

use std::future::pending;
use std::path::{Path, PathBuf};
use std::process::Command;

use marquee::base::protection::ProtectionScheme;
use marquee::packager::job::{self, Encoding, PackageRequest, Packaged, Phase, VideoCodec};
use marquee::packager::sealing::Sealing;

use crate::{film, packager};

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
    let request = PackageRequest::new(env!("CARGO_BIN_EXE_marquee-worker"), film, out, encoding);
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

/// The payload of the first box of this kind, wherever it is.
fn box_of(bytes: &[u8], kind: &[u8]) -> Vec<u8> {
    let at = bytes.windows(4).position(|window| window == kind).unwrap();
    let size = u32::from_be_bytes(bytes[at - 4..at].try_into().unwrap()) as usize;
    bytes[at + 4..at - 4 + size].to_vec()
}

/// The configuration record that FFmpeg's muxer makes of a track when it has nothing but the elementary stream.
fn record_by_ffmpeg(track: &Path, codec: &str, kind: &[u8]) -> Vec<u8> {
    let (bare, muxed) = (track.with_extension(codec), track.with_extension("muxed.mp4"));
    let run = |from: &Path, to: &Path, more: &[&str]| {
        let status = Command::new("ffmpeg")
            .args(["-v", "fatal", "-i"])
            .arg(from)
            .args(["-c", "copy"])
            .args(more)
            .arg(to)
            .status();
        assert!(status.unwrap().success(), "{}", to.display());
    };
    run(track, &bare, &["-f", codec]);
    run(&bare, &muxed, if kind == b"hvcC".as_slice() { &["-tag:v", "hvc1"] } else { &[] });
    box_of(&std::fs::read(muxed).unwrap(), kind)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_codec_has_a_ladder_of_its_own_on_the_same_boundaries() {
    let root = tempfile::tempdir().unwrap();
    let film = make(root.path(), "film.mp4", 9, "between(t,2,2.3)");
    let out = root.path().join("out");
    let mut request = PackageRequest::new(env!("CARGO_BIN_EXE_marquee-worker"), &film, &out, Encoding::Ladder);
    request.codecs = VideoCodec::ALL.to_vec();
    let packaged = job::package(request, |_| {}, pending()).await.unwrap();
    packager::check(&out, &packaged.index);
    let ids: Vec<&str> = packaged.index.tracks.iter().map(|track| track.id.as_str()).collect();
    assert_eq!(ids, ["v396", "v360", "v396-hevc", "v360-hevc", "v396-av1", "v360-av1"]);
    assert_eq!(packaged.copied, ["v396"]);
    let multivariant = std::fs::read_to_string(out.join("main.m3u8")).unwrap();
    let presented = packager::presented_us(&out.join("v396.mp4"), "v:0");
    assert_eq!(presented.len(), 9 * 24);
    for (id, codec, kind, sample_entry) in [
        ("v360-hevc", "hevc", b"hvcC", "hvc1"),
        ("v396-hevc", "hevc", b"hvcC", "hvc1"),
        ("v360-av1", "obu", b"av1C", "av01"),
        ("v396-av1", "obu", b"av1C", "av01"),
    ] {
        let track = packaged.index.track(id).unwrap();
        let file = out.join(track.file_name());
        assert_eq!(packager::presented_us(&file, "v:0"), presented, "{id}");
        let (ours, theirs) = (box_of(&std::fs::read(&file).unwrap(), kind), record_by_ffmpeg(&file, codec, kind));
        // FFmpeg takes a zero of the next start code for a byte of the last parameter set.
        let compared = if kind == b"hvcC".as_slice() { ours.len() - 9 } else { ours.len() };
        assert_eq!(ours[..compared], theirs[..compared], "{id}");
        assert!(track.codec.starts_with(sample_entry), "{}", track.codec);
        assert!(multivariant.contains(&format!("CODECS=\"{}\"", track.codec)), "{multivariant}");
        assert!(out.join(format!("{id}-iframes.m3u8")).exists());
        let args = ["-v", "error", "-show_entries", "packet=pts_time,flags", "-of", "csv=p=0"];
        let syncs = packager::output("ffprobe", &[&args[..], &[file.to_str().unwrap()]].concat());
        let syncs: Vec<&str> = syncs.lines().filter_map(|line| line.split_once(",K")).map(|(at, _)| at).collect();
        assert_eq!(syncs, ["0.000000", "2.000000", "4.000000", "6.000000", "8.000000"], "{id}");
    }
}

#[tokio::test]
async fn what_cannot_be_sealed_is_refused_before_it_is_encoded() {
    let root = tempfile::tempdir().unwrap();
    let film = film::file();
    let mut request =
        PackageRequest::new(env!("CARGO_BIN_EXE_marquee-worker"), &film, root.path().join("out"), Encoding::Ladder);
    request.codecs = vec![VideoCodec::H264, VideoCodec::Hevc];
    let (scheme, key_file) = (ProtectionScheme::Cbcs, root.path().join("key"));
    request.sealing = Some(Sealing { scheme, key_file, key_uri: "key".to_owned() });
    let refused = job::package(request, |progress| panic!("{progress:?}"), pending()).await.unwrap_err();
    assert_eq!(refused.code(), "CBCS_CODEC_UNSUPPORTED");
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
}
