//! Files of sound and subtitles that are uploaded beside a film, by the real program.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::film;
use crate::process::ServerProcess;
use crate::recovery::{Desk, names, until};

fn tone(path: &Path) {
    let tone = ["-f", "lavfi", "-i", "sine=frequency=880:sample_rate=48000:duration=6", "-c:a", "flac"];
    let made = Command::new("ffmpeg").args(["-v", "error", "-y"]).args(tone).arg(path).status().unwrap();
    assert!(made.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dub_and_subtitles_become_tracks_of_the_film_that_names_them() {
    marquee::http::tls::install_provider();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let at = |name: &str| folder.path().join(name);
    tone(&at("dub.flac"));
    fs::write(at("words.srt"), "1\n00:00:01,000 --> 00:00:02,000\n你好\n").unwrap();
    fs::write(at("noise.srt"), "Once upon a time there was a rabbit.\n").unwrap();
    let desk = Desk::open(at("data")).await;
    let server = ServerProcess::start(&desk.data);
    let beside = async |name: &str, kind: &str, language: &str| {
        let metadata = [("filename", name), ("kind", kind), ("language", language)];
        let (id, job) = desk.upload_as(&server, &at(name), &metadata).await;
        assert_eq!(job, None, "it makes no job of its own");
        id
    };
    let ids = [beside("dub.flac", "audio", "fr").await, beside("words.srt", "subtitles", "zh-Hans").await];
    let film = [("filename", "film.mp4"), ("beside", &ids.join(" "))];
    let (_, job) = desk.upload_as(&server, &film::file(), &film).await;
    let done = desk.finished(&server, &job.unwrap()).await;
    assert_eq!((&done["status"], &done["source_name"]), (&json!("done"), &json!("film.mp4")), "{done}");
    let said = |place: usize, name, kind, language| json!({"upload_id": ids[place], "file_name": name, "kind": kind, "language": language});
    assert_eq!(
        done["beside"],
        json!([said(0, "dub.flac", "audio", "fr"), said(1, "words.srt", "subtitles", "zh-Hans")])
    );
    let index = desk.assets().join(done["asset_id"].as_str().unwrap()).join("index.json");
    let index: Value = serde_json::from_slice(&fs::read(index).unwrap()).unwrap();
    let tracks: Vec<&str> =
        index["tracks"].as_array().unwrap().iter().map(|track| track["id"].as_str().unwrap()).collect();
    assert_eq!(tracks, ["v360", "a-und-2", "a-fr-2", "t-en", "t-zh-hans"]);
    let uploads = desk.data.join("uploads");
    until("none of their files", || names(&uploads).is_empty());

    // What cannot be read fails the job, which names the file as the operator does.
    let id = beside("noise.srt", "subtitles", "zh").await;
    let (_, job) = desk.upload_as(&server, &film::file(), &[("beside", &id)]).await;
    let failed = desk.finished(&server, &job.unwrap()).await;
    assert_eq!((&failed["status"], &failed["error"]["code"]), (&json!("failed"), &json!("SUBTITLE_UNREADABLE")));
    let message = failed["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("noise.srt "), "{message}");
    until("none of their files", || names(&uploads).is_empty());
    server.kill();
}
