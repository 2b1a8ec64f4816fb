//! tus uploads and the jobs they become.

use std::convert::Infallible;

use axum::body::Body;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures_util::stream;
use http::{Method, StatusCode};
use marquee::base::limits;
use serde_json::json;

use super::cinema::{Answer, Cinema};

pub async fn open(cinema: &Cinema, length: u64) -> (String, Answer) {
    open_as(cinema, length, &[("filename", "bunny.mp4")]).await
}

async fn open_as(cinema: &Cinema, length: u64, metadata: &[(&str, &str)]) -> (String, Answer) {
    let request = cinema.request(Method::POST, "/operator/uploads", &cinema.operator);
    let request = request.header("tus-resumable", "1.0.0").header("upload-length", length);
    let metadata = metadata.iter().map(|(key, value)| format!("{key} {}", BASE64_STANDARD.encode(value)));
    let request = request.header("upload-metadata", metadata.collect::<Vec<_>>().join(","));
    let answer = cinema.send(request.body(Body::empty()).unwrap()).await;
    (answer.header("location").to_owned(), answer)
}

fn patch(cinema: &Cinema, url: &str, offset: u64, body: Body) -> http::Request<Body> {
    let request = cinema.request(Method::PATCH, url, &cinema.operator).header("tus-resumable", "1.0.0");
    let request = request.header("upload-offset", offset).header("content-type", "application/offset+octet-stream");
    request.body(body).unwrap()
}

pub async fn append(cinema: &Cinema, url: &str, offset: u64, bytes: &'static str) -> Answer {
    cinema.send(patch(cinema, url, offset, Body::from(bytes))).await
}

async fn simple(cinema: &Cinema, method: Method, url: &str) -> Answer {
    let request = cinema.request(method, url, &cinema.operator).header("tus-resumable", "1.0.0");
    cinema.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_film_arrives_in_pieces_and_becomes_an_asset() {
    let cinema = Cinema::open().await;
    let (url, made) = open(&cinema, 10).await;
    assert_eq!(made.status, StatusCode::CREATED);
    assert_eq!(made.header("tus-resumable"), "1.0.0");
    assert_eq!(made.header("upload-expires"), "Sat, 16 Jan 2027 12:00:00 GMT");
    let first = append(&cinema, &url, 0, "0123").await;
    assert_eq!((first.status, first.header("upload-offset")), (StatusCode::NO_CONTENT, "4"));
    let conflict = append(&cinema, &url, 0, "0123").await;
    assert_eq!((conflict.status, conflict.code()), (StatusCode::CONFLICT, "UPLOAD_OFFSET_CONFLICT"));
    assert_eq!(conflict.header("upload-offset"), "4");
    let head = simple(&cinema, Method::HEAD, &url).await;
    assert_eq!((head.header("upload-offset"), head.header("upload-length")), ("4", "10"));
    assert_eq!(head.header("cache-control"), "no-store");
    let last = append(&cinema, &url, 4, "456789").await;
    assert_eq!(last.header("upload-offset"), "10");
    let job = format!("/operator/jobs/{}", last.header("marquee-job"));
    assert_eq!(cinema.get(&job, &cinema.operator).await.body["status"], "queued");

    assert!(cinema.jobs.work_once().await.unwrap());
    assert!(!cinema.jobs.work_once().await.unwrap());
    let done = cinema.get(&job, &cinema.operator).await.body;
    assert_eq!((done["status"].as_str(), &done["progress"]), (Some("done"), &json!(1.0)));
    let asset = cinema.get(&format!("/operator/assets/{}", done["asset_id"].as_str().unwrap()), &cinema.operator).await;
    assert_eq!((&asset.body["source_name"], &asset.body["duration_ms"]), (&json!("bunny.mp4"), &json!(10)));
    let upload = done["upload_id"].as_str().unwrap().parse().unwrap();
    assert!(!cinema.uploads.path(upload).exists(), "the file is removed");
    assert_eq!(simple(&cinema, Method::DELETE, &url).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_film_that_cannot_be_packaged_says_why() {
    let cinema = Cinema::open().await;
    let (url, _) = open(&cinema, 3).await;
    append(&cinema, &url, 0, "bad").await;
    assert!(cinema.jobs.work_once().await.unwrap());
    let jobs = cinema.get("/operator/jobs", &cinema.operator).await;
    let job = &jobs.body["data"][0];
    assert_eq!(job["status"], "failed");
    assert_eq!(job["error"], json!({"code": "INPUT_NOT_A_FILM", "message": "This is not a film."}));
    assert!(!cinema.uploads.path(job["upload_id"].as_str().unwrap().parse().unwrap()).exists());
}

#[tokio::test]
async fn what_arrived_of_a_broken_body_is_kept() {
    let cinema = Cinema::open().await;
    let (url, _) = open(&cinema, 10).await;
    let broken = stream::iter([Ok(Bytes::from_static(b"012")), Err(std::io::Error::other("cut"))]);
    let cut = cinema.send(patch(&cinema, &url, 0, Body::from_stream(broken))).await;
    assert_eq!((cut.status, cut.code()), (StatusCode::BAD_REQUEST, "BODY_INCOMPLETE"));
    assert_eq!(simple(&cinema, Method::HEAD, &url).await.header("upload-offset"), "3");
    assert_eq!(append(&cinema, &url, 3, "3456789").await.header("upload-offset"), "10");
}

#[tokio::test]
async fn more_than_was_declared_is_refused() {
    let cinema = Cinema::open().await;
    let (url, _) = open(&cinema, 4).await;
    let chunks = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"012")), Ok(Bytes::from_static(b"345"))]);
    let long = cinema.send(patch(&cinema, &url, 0, Body::from_stream(chunks))).await;
    assert_eq!((long.status, long.code()), (StatusCode::PAYLOAD_TOO_LARGE, "UPLOAD_TOO_LONG"));
    assert_eq!(simple(&cinema, Method::HEAD, &url).await.header("upload-offset"), "0");
    let mut declared = patch(&cinema, &url, 0, Body::empty());
    declared.headers_mut().insert("content-length", "5".parse().unwrap());
    assert_eq!(cinema.send(declared).await.code(), "UPLOAD_TOO_LONG");
    let (_, huge) = open(&cinema, limits::UPLOAD_BYTES_MAX + 1).await;
    assert_eq!((huge.status, huge.code()), (StatusCode::PAYLOAD_TOO_LARGE, "UPLOAD_TOO_LARGE"));
}

#[tokio::test]
async fn two_requests_do_not_write_at_once() {
    let cinema = Cinema::open().await;
    let (url, _) = open(&cinema, 10).await;
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Bytes, Infallible>>(1);
    let slow = Body::from_stream(tokio_stream::wrappers::ReceiverStream::new(receiver));
    let (slow, ()) = tokio::join!(cinema.send(patch(&cinema, &url, 0, slow)), async {
        sender.send(Ok(Bytes::from_static(b"01234"))).await.unwrap();
        // The channel holds one chunk: once another fits in, the first one has been taken.
        sender.send(Ok(Bytes::from_static(b"56789"))).await.unwrap();
        let locked = append(&cinema, &url, 0, "x").await;
        assert_eq!((locked.status, locked.code()), (StatusCode::LOCKED, "UPLOAD_LOCKED"));
        assert_eq!(simple(&cinema, Method::DELETE, &url).await.status, StatusCode::LOCKED);
        drop(sender);
    });
    assert_eq!(slow.header("upload-offset"), "10");
}

#[tokio::test]
async fn an_upload_that_nobody_finishes_expires() {
    let cinema = Cinema::open().await;
    let (url, _) = open(&cinema, 10).await;
    append(&cinema, &url, 0, "01").await;
    let id = url.rsplit('/').next().unwrap().parse().unwrap();
    cinema.sim.advance(limits::UPLOAD_KEPT.saturating_sub(std::time::Duration::from_millis(1)));
    cinema.uploads.sweep().await.unwrap();
    assert_eq!(simple(&cinema, Method::HEAD, &url).await.status, StatusCode::NO_CONTENT);
    cinema.sim.advance(std::time::Duration::from_millis(1));
    assert_eq!(simple(&cinema, Method::HEAD, &url).await.status, StatusCode::NOT_FOUND);
    assert!(cinema.uploads.path(id).exists());
    cinema.uploads.sweep().await.unwrap();
    assert!(!cinema.uploads.path(id).exists());
    assert!(cinema.api.db.open_uploads().await.unwrap().is_empty());
}

#[tokio::test]
async fn only_the_one_version_is_spoken() {
    let cinema = Cinema::open().await;
    let (url, _) = open(&cinema, 10).await;
    for version in [None, Some("0.2.2")] {
        let request = cinema.request(Method::HEAD, &url, &cinema.operator);
        let request = match version {
            Some(version) => request.header("tus-resumable", version),
            None => request,
        };
        let refused = cinema.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!((refused.status, refused.header("tus-version")), (StatusCode::PRECONDITION_FAILED, "1.0.0"));
    }
    let options = cinema.request(Method::OPTIONS, "/operator/uploads", "").body(Body::empty()).unwrap();
    let options = cinema.send(options).await;
    assert_eq!(options.header("tus-extension"), "creation,termination,expiration");
    let mut wrong_type = patch(&cinema, &url, 0, Body::from("x"));
    wrong_type.headers_mut().insert("content-type", "video/mp4".parse().unwrap());
    assert_eq!(cinema.send(wrong_type).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

fn id_of(url: &str) -> &str {
    url.rsplit('/').next().unwrap()
}

#[tokio::test]
async fn files_of_sound_and_subtitles_wait_for_the_film_that_names_them() {
    let cinema = Cinema::open().await;
    let dub = [("filename", "dub.m4a"), ("kind", "audio"), ("language", "fr")];
    let (audio, made) = open_as(&cinema, 4, &dub).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let words = [("filename", "words.srt"), ("kind", "subtitles"), ("language", "zh-Hans")];
    let (subtitles, _) = open_as(&cinema, 5, &words).await;
    let whole = append(&cinema, &audio, 0, "beep").await;
    assert_eq!((whole.header("upload-offset"), whole.header("marquee-job")), ("4", ""), "no job of its own");
    append(&cinema, &subtitles, 0, "wor").await;

    let beside = format!("{} {}", id_of(&audio), id_of(&subtitles));
    let film = [("filename", "bunny.mp4"), ("beside", beside.as_str())];
    let (_, early) = open_as(&cinema, 10, &film).await;
    assert_eq!((early.status, early.code()), (StatusCode::CONFLICT, "SIDECAR_NOT_WHOLE"));
    append(&cinema, &subtitles, 3, "ds").await;
    let (url, made) = open_as(&cinema, 10, &film).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let (_, again) = open_as(&cinema, 10, &film).await;
    assert_eq!((again.status, again.code()), (StatusCode::CONFLICT, "SIDECAR_TAKEN"));
    let kept = simple(&cinema, Method::DELETE, &audio).await;
    assert_eq!((kept.status, kept.code()), (StatusCode::CONFLICT, "UPLOAD_BESIDE_FILM"));
    let listed = cinema.get("/operator/uploads", &cinema.operator).await;
    let said = |id: &str| {
        let uploads = listed.body["data"].as_array().unwrap();
        let upload = uploads.iter().find(|upload| upload["id"] == id).unwrap();
        (upload["kind"].clone(), upload["language"].clone(), upload["beside"].as_array().unwrap().len())
    };
    assert_eq!(said(id_of(&audio)), (json!("audio"), json!("fr"), 0));
    assert_eq!(said(id_of(&subtitles)), (json!("subtitles"), json!("zh-Hans"), 0));
    assert_eq!(said(id_of(&url)), (json!("film"), json!(null), 2));

    // However long the film takes, they stay as long as it may.
    cinema.sim.advance(limits::UPLOAD_KEPT.saturating_sub(std::time::Duration::from_millis(1)));
    let last = append(&cinema, &url, 0, "0123456789").await;
    cinema.sim.advance(std::time::Duration::from_millis(1));
    cinema.uploads.sweep().await.unwrap();
    assert!(cinema.jobs.work_once().await.unwrap());
    let done = cinema.get(&format!("/operator/jobs/{}", last.header("marquee-job")), &cinema.operator).await.body;
    assert_eq!(done["status"], "done", "{done}");
    let (other, _) = open(&cinema, 1).await;
    append(&cinema, &other, 0, "x").await;
    let jobs = cinema.get("/operator/jobs", &cinema.operator).await;
    assert_eq!([&jobs.body["data"][0]["beside"], &jobs.body["data"][1]["beside"]], [&json!([]), &done["beside"]]);
    let names = done["beside"].as_array().unwrap().iter().map(|file| (&file["file_name"], &file["language"]));
    let expected = [(&json!("dub.m4a"), &json!("fr")), (&json!("words.srt"), &json!("zh-Hans"))];
    assert_eq!(names.collect::<Vec<_>>(), expected);
    let asset = cinema.get(&format!("/operator/assets/{}", done["asset_id"].as_str().unwrap()), &cinema.operator).await;
    assert_eq!(asset.body["duration_ms"], 2_010, "both files were beside it");
    for url in [&audio, &subtitles, &url] {
        assert!(!cinema.uploads.path(id_of(url).parse().unwrap()).exists(), "the file is removed");
    }
}

#[tokio::test]
async fn a_file_beside_no_film_expires_and_one_beside_a_film_outlives_its_day() {
    let cinema = Cinema::open().await;
    let words = [("kind", "subtitles"), ("language", "zh")];
    let (idle, _) = open_as(&cinema, 2, &words).await;
    let (used, _) = open_as(&cinema, 2, &words).await;
    for url in [&idle, &used] {
        append(&cinema, url, 0, "ab").await;
    }
    cinema.sim.advance(limits::UPLOAD_KEPT / 2);
    let (film, _) = open_as(&cinema, 3, &[("beside", id_of(&used))]).await;
    cinema.sim.advance(limits::UPLOAD_KEPT / 2);
    cinema.uploads.sweep().await.unwrap();
    let exists = |url: &str| cinema.uploads.path(id_of(url).parse().unwrap()).exists();
    assert_eq!([exists(&idle), exists(&used), exists(&film)], [false, true, true]);
    cinema.sim.advance(limits::UPLOAD_KEPT / 2);
    cinema.uploads.sweep().await.unwrap();
    cinema.uploads.sweep().await.unwrap();
    assert_eq!([exists(&used), exists(&film)], [false, false], "with the film that nobody finished");
}

#[tokio::test]
async fn what_cannot_stand_beside_a_film_is_refused() {
    let cinema = Cinema::open().await;
    let (film, _) = open(&cinema, 10).await;
    let taken = id_of(&film);
    let none = "upl_00000000000000000000000001";
    for (metadata, status, code) in [
        (&[("kind", "poster")][..], 400, "UPLOAD_METADATA_INVALID"),
        (&[("kind", "audio")], 400, "UPLOAD_METADATA_INVALID"),
        (&[("kind", "audio"), ("language", "und")], 400, "UPLOAD_METADATA_INVALID"),
        (&[("language", "fr")], 400, "UPLOAD_METADATA_INVALID"),
        (&[("kind", "audio"), ("language", "fr"), ("beside", taken)], 400, "UPLOAD_METADATA_INVALID"),
        (&[("beside", "film.srt")], 400, "UPLOAD_METADATA_INVALID"),
        (&[("beside", taken)], 422, "SIDECAR_UNKNOWN"),
        (&[("beside", none)], 422, "SIDECAR_UNKNOWN"),
    ] {
        let (_, refused) = open_as(&cinema, 10, metadata).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (status, code), "{metadata:?}");
    }
    let words = [("kind", "subtitles"), ("language", "zh")];
    let (_, large) = open_as(&cinema, limits::TEXT_FILE_BYTES_MAX + 1, &words).await;
    assert_eq!((large.status, large.code()), (StatusCode::PAYLOAD_TOO_LARGE, "UPLOAD_TOO_LARGE"));
    let mut many = Vec::new();
    for _ in 0..=limits::AUDIO_TRACKS_MAX {
        let (url, _) = open_as(&cinema, 1, &[("kind", "audio"), ("language", "fr")]).await;
        append(&cinema, &url, 0, "x").await;
        many.push(id_of(&url).to_owned());
    }
    let (_, refused) = open_as(&cinema, 10, &[("beside", &many.join(" "))]).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::UNPROCESSABLE_ENTITY, "SIDECARS_TOO_MANY"));
    let (_, made) = open_as(&cinema, 10, &[("beside", &many[1..].join(" "))]).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
}
