//! HTTP/2 clients that send what costs them nothing.

use std::time::Duration;

use marquee::http::limits::Limits;

use super::TestServer;
use super::client::{H2_PREFACE, Raw, frame, frames, headers};

async fn connected(server: &TestServer) -> Raw {
    let mut raw = Raw::tls(server.tls, b"h2").await;
    raw.send([H2_PREFACE, &frame(4, 0, 0, &[])].concat()).await;
    raw
}

#[tokio::test]
async fn a_flood_of_control_frames_is_cut() {
    let server = TestServer::start(Limits { h2_control_frames_max: 200, ..Limits::default() });
    let mut rapid_reset = Vec::new();
    for index in 0..400 {
        rapid_reset.extend(headers(index * 2 + 1, "GET", "/slow", true));
        rapid_reset.extend(frame(3, 0, index * 2 + 1, &8u32.to_be_bytes()));
    }
    let open = headers(1, "POST", "/echo", false);
    for (name, flood) in [
        ("PING", frame(6, 0, 0, &[0; 8]).repeat(400)),
        ("SETTINGS", frame(4, 0, 0, &[]).repeat(400)),
        ("PRIORITY", frame(2, 0, 3, &[0, 0, 0, 0, 16]).repeat(400)),
        ("WINDOW_UPDATE", frame(8, 0, 0, &1u32.to_be_bytes()).repeat(400)),
        ("unknown", frame(0xEE, 0, 0, &[0; 4]).repeat(400)),
        ("empty DATA", [open.clone(), frame(0, 0, 1, &[]).repeat(400)].concat()),
        ("rapid reset", rapid_reset),
    ] {
        let mut raw = connected(&server).await;
        raw.send(flood).await;
        raw.read_to_end().await;
        println!("{name} was cut");
    }
}

#[tokio::test]
async fn an_honest_number_of_control_frames_is_not() {
    let limits =
        Limits { h2_control_frames_max: 200, h2_control_window: Duration::from_millis(80), ..Limits::default() };
    let server = TestServer::start(limits);
    let mut raw = connected(&server).await;
    for _ in 0..4 {
        raw.send(frame(6, 0, 0, &[0; 8]).repeat(150)).await;
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    raw.send([headers(1, "GET", "/hello", true), frame(7, 0, 0, &[0; 8])].concat()).await;
    let answer = raw.read_to_end().await;
    assert!(
        frames(&answer)
            .iter()
            .any(|(kind, _, stream, payload)| (*kind, *stream) == (0, 1) && payload == b"hello, safely")
    );
}

#[tokio::test]
async fn a_field_block_without_end_is_cut() {
    let server = TestServer::start(Limits { h2_control_frames_max: 200, ..Limits::default() });
    let mut raw = connected(&server).await;
    let mut begun = headers(1, "GET", "/hello", true);
    begun[4] &= !4;
    raw.send([begun, frame(9, 0, 1, &[]).repeat(400)].concat()).await;
    raw.read_to_end().await;

    let server = TestServer::start(Limits { head_timeout: Duration::from_millis(200), ..Limits::default() });
    let mut raw = connected(&server).await;
    let mut begun = headers(1, "GET", "/hello", true);
    begun[4] &= !4;
    raw.send(begun).await;
    raw.read_to_end().await;
}
