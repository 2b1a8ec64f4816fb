//! The release card as media: made for a packaged film, read back by FFmpeg.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use marquee::media::rendition::{AssetIndex, TrackMedia};
use marquee::packager::job::{self, Card, CardRequest, CardText};

use serde_json::json;

use crate::film;
use crate::packager::output;
use crate::process::{ServerProcess, sound_report};
use crate::recovery::{Desk, names};

pub const FONT: &str = "/usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc";

fn request(film: AssetIndex, scratch: &Path) -> CardRequest {
    CardRequest {
        film,
        text: CardText {
            kind: "网络剧片发行许可证".into(),
            number: "（总局）网影审字（2022）第001号".into(),
            name: "雾港孤刀".into(),
        },
        font: FONT.into(),
        scratch: scratch.join("card"),
        worker: env!("CARGO_BIN_EXE_marquee-worker").into(),
    }
}

fn seconds(file: &Path) -> f64 {
    let file = file.to_str().unwrap();
    let said = output("ffprobe", &["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", file]);
    said.trim().parse().unwrap()
}

/// The picture at `at_s` as 8-bit luma, row by row.
fn luma(file: &Path, at_s: &str) -> Vec<u8> {
    let done = Command::new("ffmpeg")
        .args(["-v", "error", "-ss", at_s, "-i", file.to_str().unwrap(), "-frames:v", "1"])
        .args(["-f", "rawvideo", "-pix_fmt", "gray", "-"])
        .output()
        .unwrap();
    assert!(done.status.success() && !done.stdout.is_empty(), "{}: nothing at {at_s}", file.display());
    done.stdout
}

pub async fn made(film: AssetIndex, scratch: &Path) -> Card {
    job::card(request(film, scratch)).await.expect("apt-get install fonts-noto-cjk")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_has_the_tracks_of_its_film() {
    let root = tempfile::tempdir().unwrap();
    let packaged = film::packaged().await;
    let card = made(packaged.index.clone(), root.path()).await;
    let ids = |index: &AssetIndex| -> Vec<(String, String)> {
        index.tracks.iter().map(|track| (track.id.clone(), track.codec.clone())).collect()
    };
    assert_eq!(ids(&card.index), ids(&packaged.index));
    assert_eq!(card.index.duration_ms, 5_000);
    for (track, of_film) in card.index.tracks.iter().zip(&packaged.index.tracks) {
        assert_eq!(track.media, of_film.media);
        assert_eq!(track.segments.len(), 1, "{}", track.id);
        let file = card.dir().join(track.file_name());
        if track.is_text() {
            assert_eq!(std::fs::read_to_string(file).unwrap(), film::TEXT_HEADER);
            continue;
        }
        assert!((5.0..5.03).contains(&seconds(&file)), "{}: {}", track.id, seconds(&file));
    }
    for (track, video) in card.index.video() {
        let file = card.dir().join(track.file_name());
        let (first, last) = (luma(&file, "0"), luma(&file, "4.9"));
        assert_eq!(first.len(), (video.width * video.height) as usize);
        let ground = i32::from(first[0]);
        let inked = |picture: &[u8]| picture.iter().filter(|&&cell| i32::from(cell) > ground + 80).count();
        assert!(inked(&first) * 100 > first.len(), "{}: {} of {} are ink", track.id, inked(&first), first.len());
        assert!(inked(&first).abs_diff(inked(&last)) * 50 < inked(&first), "{}: the card is a still", track.id);
        let margin = first[..video.width as usize * video.height as usize / 8].iter();
        assert!(margin.max().unwrap().abs_diff(first[0]) < 12, "{}: nothing is cut off", track.id);
    }
    let sound = card.index.audio().next().unwrap().0;
    let file = card.dir().join(sound.file_name());
    let done = Command::new("ffmpeg")
        .args(["-v", "error", "-i", file.to_str().unwrap(), "-f", "s16le", "-"])
        .output()
        .unwrap();
    assert!(done.stdout.len() > 5 * 48_000 * 4 && done.stdout.iter().all(|&byte| byte == 0), "silence");
    let dir = PathBuf::from(card.dir());
    drop(card);
    assert!(!dir.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_silence_is_dolby_where_the_sound_of_the_film_is() {
    for codec in ["ac-3", "ec-3"] {
        let root = tempfile::tempdir().unwrap();
        let mut film = film::packaged().await.index.clone();
        let smallest = film.video().last().unwrap().0.id.clone();
        let sound = film.audio().next().unwrap().0.id.clone();
        film.tracks.retain(|track| track.id == smallest || track.id == sound);
        let track = film.tracks.last_mut().unwrap();
        track.codec = codec.into();
        let TrackMedia::Audio(audio) = &mut track.media else { unreachable!() };
        audio.channels = 6;
        let card = made(film, root.path()).await;
        let track = card.index.track(&sound).unwrap();
        assert_eq!(track.codec, codec);
        let file = card.dir().join(track.file_name());
        assert!((5.0..5.04).contains(&seconds(&file)), "{codec}: {}", seconds(&file));
        let args = ["-v", "error", "-i", file.to_str().unwrap(), "-f", "s16le", "-"];
        let done = Command::new("ffmpeg").args(args).output().unwrap();
        assert!(done.stdout.len() > 5 * 48_000 * 12 && done.stdout.iter().all(|&byte| byte == 0), "{codec}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_font_for_its_words_there_is_no_card() {
    let root = tempfile::tempdir().unwrap();
    let film = &film::packaged().await.index;
    let absent = CardRequest { font: root.path().join("absent.ttc"), ..request(film.clone(), root.path()) };
    let latin = root.path().join("latin.ttf");
    std::fs::write(&latin, b"no font at all").unwrap();
    let wrong = CardRequest { font: latin, ..request(film.clone(), root.path()) };
    for request in [absent, wrong] {
        let refused = job::card(request).await.err().unwrap();
        assert_eq!(refused.code(), "CARD_FONT_MISSING");
        assert!(refused.message().contains("fonts-noto-cjk"), "{}", refused.message());
    }
    let mut unknown = film.clone();
    unknown.tracks[0].codec = "vp09.00.10.08".into();
    let refused = job::card(request(unknown, root.path())).await.err().unwrap();
    assert_eq!(refused.code(), "CARD_UNSUPPORTED");
    assert!(!root.path().join("card").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_licence_becomes_a_card_though_the_server_is_killed() {
    marquee::http::tls::install_provider();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut title = None;
    let desk = Desk::open_after(folder.path().join("data"), async |server| {
        title = Some(server.title(server.asset().await).await);
    })
    .await;
    let path = format!("titles/{}/licence", title.unwrap());
    let server = ServerProcess::start(&desk.data);
    let licence = json!({"kind": "online_release", "number": "（总局）网影审字（2022）第001号"});
    let queued = desk.put(&server, &path, &licence).await;
    assert_eq!(queued["card_territories"], json!(["CN"]), "{queued}");
    server.kill();
    desk.let_leases_run_out().await;
    let server = ServerProcess::start(&desk.data);
    let start = Instant::now();
    let card = loop {
        let card = desk.get(&server, &path).await["cards"][0].clone();
        match card["status"].as_str().unwrap() {
            "ready" => break card,
            status => assert!(status != "failed" && start.elapsed() < Duration::from_secs(60), "{card}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(card["duration_ms"], 5_000);
    assert_eq!(desk.get(&server, "jobs").await["data"].as_array().unwrap().len(), 1);
    server.terminate();
    server.ended();
    assert_eq!(names(&desk.assets()).len(), 2, "the film and its card");
    assert_eq!(names(&desk.work()), [] as [String; 0]);
    sound_report(&desk.data);
}
