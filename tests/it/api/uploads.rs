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
    let request = cinema.request(Method::POST, "/operator/uploads", &cinema.operator);
    let request = request.header("tus-resumable", "1.0.0").header("upload-length", length);
    let request = request.header("upload-metadata", format!("filename {}", BASE64_STANDARD.encode("bunny.mp4")));
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
