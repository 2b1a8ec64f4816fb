//! A small film for tests, made by FFmpeg's own sources and packaged once per run: 24 s of a counting test picture with
//! closed GOPs of 2 s, a stereo tone, English subtitles, and three chapters.

use std::path::{Path, PathBuf};
use std::process::Command;

use marquee::packager::job::{self, Encoding, PackageRequest, Packaged};
use tokio::sync::OnceCell;

pub const DURATION_S: u32 = 24;
pub const TEXT_HEADER: &str = "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0\n";
const WORDS: &str = "1\n00:00:03,500 --> 00:00:09,000\n<i>Over</i> two boundaries\n\n\
    2\n00:00:13,000 --> 00:00:14,000\nAfter silence\n";

const CHAPTERS: &str = ";FFMETADATA1\n\
    [CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=9500\ntitle=Opening\n\
    [CHAPTER]\nTIMEBASE=1/1000\nSTART=9500\nEND=16000\ntitle=第二章\n\
    [CHAPTER]\nTIMEBASE=1/1000\nSTART=16000\nEND=24000\n";

/// The packaged film; its folder stays until the test process ends.
pub async fn packaged() -> &'static Packaged {
    static FILM: OnceCell<Packaged> = OnceCell::const_new();
    FILM.get_or_init(|| async {
        let folder = scratch();
        let film = folder.join("film.mp4");
        make(&film);
        let request =
            PackageRequest::new(env!("CARGO_BIN_EXE_marquee-worker"), &film, folder.join("packaged"), Encoding::Ladder);
        job::package(request, |_| {}, std::future::pending()).await.expect("the test film is packaged")
    })
    .await
}

/// The film as a file, for uploads.
pub fn file() -> PathBuf {
    static FILE: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    FILE.get_or_init(|| {
        let film = scratch().join("upload.mp4");
        make(&film);
        film
    })
    .clone()
}

pub fn binary() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_marquee"))
}

/// One folder per process below cargo's own temporary folder, so that nothing piles up elsewhere.
fn scratch() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("film-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn make(film: &Path) {
    let picture = format!("testsrc2=size=640x360:rate=24:duration={DURATION_S}");
    let tone = format!("sine=frequency=440:sample_rate=48000:duration={DURATION_S}");
    let words = film.with_extension("srt");
    std::fs::write(&words, WORDS).unwrap();
    let chapters = film.with_extension("txt");
    std::fs::write(&chapters, CHAPTERS).unwrap();
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &tone])
        .arg("-i")
        .arg(&words)
        .args(["-f", "ffmetadata", "-i"])
        .arg(&chapters)
        .args(["-map_chapters", "3"])
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-g", "48", "-keyint_min", "48", "-sc_threshold", "0"])
        .args(["-pix_fmt", "yuv420p", "-c:a", "aac", "-ac", "2"])
        .args(["-c:s", "mov_text", "-metadata:s:s:0", "language=eng"])
        .arg(film)
        .status()
        .expect("ffmpeg runs: apt-get install ffmpeg");
    assert!(status.success());
}
