//! The chapters of a film, as FFmpeg reads them in it, in the index of the package and in what its playlists name.

use std::fmt::Write as _;
use std::fs;
use std::future::pending;
use std::path::{Path, PathBuf};
use std::process::Command;

use marquee::base::limits;
use marquee::packager::job::{self, Encoding, FilmReader, PackageRequest, Packaged};
use serde_json::Value;

use crate::film;
use crate::packager::presented_us;

async fn package(film: &Path, out: &Path) -> Packaged {
    let mut request = PackageRequest::new(env!("CARGO_BIN_EXE_marquee-worker"), film, out, Encoding::CopyOnly);
    request.pictures = false;
    job::package(request, |_| {}, pending()).await.unwrap()
}

/// The test film without its own chapters and with these: where each begins and ends, in milliseconds, and its title.
fn with_chapters(folder: &Path, name: &str, chapters: &[(i64, i64, &str)]) -> PathBuf {
    let mut text = ";FFMETADATA1\n".to_owned();
    for (start_ms, end_ms, title) in chapters {
        writeln!(text, "[CHAPTER]\nTIMEBASE=1/1000\nSTART={start_ms}\nEND={end_ms}\ntitle={title}").unwrap();
    }
    let said = folder.join("chapters.txt");
    fs::write(&said, text).unwrap();
    let film = folder.join(name);
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-i"])
        .arg(film::file())
        .args(["-f", "ffmetadata", "-i"])
        .arg(&said)
        .args(["-map", "0:v", "-map", "0:a", "-map_chapters", "1", "-c", "copy"])
        .arg(&film)
        .status();
    assert!(made.unwrap().success(), "{name}");
    film
}

/// What FFmpeg reads, counted from the first picture and without what begins after the film.
fn theirs(film: &Path, film_ms: u64) -> Vec<(u64, String)> {
    let args = ["-v", "error", "-show_chapters", "-of", "json"];
    let output = Command::new("ffprobe").args(args).arg(film).output().unwrap();
    let chapters: Value = serde_json::from_slice(&output.stdout).unwrap();
    let begins_ms = presented_us(film, "v:0")[0] as u64 / 1000;
    let read = chapters["chapters"].as_array().unwrap().iter().map(|chapter| {
        let start_s: f64 = chapter["start_time"].as_str().unwrap().parse().unwrap();
        (
            ((start_s * 1e3).round() as u64).saturating_sub(begins_ms),
            chapter["tags"]["title"].as_str().unwrap_or_default().to_owned(),
        )
    });
    read.filter(|(start_ms, _)| *start_ms < film_ms).collect()
}

fn ours(packaged: &Packaged) -> Vec<(u64, String)> {
    packaged.index.chapters.iter().map(|chapter| (chapter.start_ms, chapter.title.clone())).collect()
}

#[tokio::test]
async fn chapters_are_those_that_ffmpeg_reads_whoever_reads_the_film() {
    let root = tempfile::tempdir().unwrap();
    let chapters = [(0, 6_000, "Dawn"), (6_000, 15_250, "白天 & night"), (15_250, 24_000, "Coda")];
    for (name, reader) in
        [("film.mp4", FilmReader::Marquee), ("film.mov", FilmReader::Marquee), ("film.mkv", FilmReader::Libav)]
    {
        let film = with_chapters(root.path(), name, &chapters);
        let packaged = package(&film, &root.path().join(format!("{name}-out"))).await;
        assert_eq!(packaged.reader, reader, "{name}");
        let theirs = theirs(&film, packaged.index.duration_ms);
        assert_eq!(theirs.len(), 3, "{name}");
        assert_eq!(ours(&packaged), theirs, "{name}");
        assert_eq!(packaged.warnings, [""; 0], "{name}");

        let main = fs::read_to_string(packaged.dir.join("main.m3u8")).unwrap();
        let line = "#EXT-X-SESSION-DATA:DATA-ID=\"com.apple.hls.chapters\",URI=\"chapters.json\"\n";
        assert_eq!(main.matches(line).count(), 1, "{main}");
        let json: Value = serde_json::from_slice(&fs::read(packaged.dir.join("chapters.json")).unwrap()).unwrap();
        assert_eq!(json[1]["start-time"], theirs[1].0 as f64 / 1e3, "{name}");
        assert_eq!(json[1]["duration"], 9.25, "{name}");
        assert_eq!(json[1]["titles"][0]["title"], "白天 & night");
        let index = fs::read_to_string(packaged.dir.join("index.json")).unwrap();
        assert!(index.contains("\"chapters\":[{\"start_ms\":0,\"title\":\"Dawn\"}"), "{index}");
    }
}

#[tokio::test]
async fn a_film_without_chapters_names_none() {
    let root = tempfile::tempdir().unwrap();
    let film = with_chapters(root.path(), "film.mp4", &[]);
    let packaged = package(&film, &root.path().join("out")).await;
    assert_eq!(packaged.index.chapters, []);
    let written = fs::read_to_string(packaged.dir.join("main.m3u8")).unwrap();
    assert!(!written.contains("SESSION-DATA") && !packaged.dir.join("chapters.json").exists());
}

/// Chapters that overlap, begin together or after the film, without a title or with a huge one, and thousands of them.
#[tokio::test]
async fn a_bad_table_of_chapters_is_bounded_and_told() {
    let root = tempfile::tempdir().unwrap();
    let huge = "x".repeat(5_000);
    let odd = [
        (0, 20_000, "one"),
        (5_000, 9_000, ""),
        (5_000, 6_000, "again"),
        (7_000, 8_000, huge.as_str()),
        (90_000, 95_000, "after the end"),
    ];
    for name in ["odd.mp4", "odd.mkv"] {
        let film = with_chapters(root.path(), name, &odd);
        let packaged = package(&film, &root.path().join(format!("{name}-out"))).await;
        let kept = ours(&packaged);
        assert_eq!(kept[0], (0, "one".to_owned()), "{name}");
        assert!(kept.iter().all(|(start_ms, _)| *start_ms < packaged.index.duration_ms), "{name}: {kept:?}");
        assert!(kept.is_sorted_by(|one, other| one.0 < other.0), "{name}: {kept:?}");
        let longest = kept.iter().map(|(_, title)| title.chars().count()).max();
        // The title of an MP4's `chpl` has at most 255 bytes.
        assert_eq!(longest, Some(limits::CHAPTER_TITLE_LETTERS_MAX), "{name}: {kept:?}");
        assert_eq!(packaged.warnings.len(), 1, "{name}: {:?}", packaged.warnings);
        assert!(packaged.warnings[0].contains("chapters are kept"), "{name}: {:?}", packaged.warnings);
    }
    let many: Vec<(i64, i64, &str)> = (0..4_000).map(|n| (n * 5, n * 5 + 5, "part")).collect();
    let film = with_chapters(root.path(), "many.mkv", &many);
    let packaged = package(&film, &root.path().join("many")).await;
    assert_eq!(packaged.index.chapters.len(), limits::CHAPTERS_MAX);
    let said = "256 of 4000 chapters are kept; the others begin after the film or together, or are too many.";
    assert_eq!(packaged.warnings, [said]);
}
