//! Clients that take their time: which are cut, and which are not.

use std::time::{Duration, Instant};

use marquee::http::limits::Limits;

use super::TestServer;
use super::client::{H2_PREFACE, Raw, frame, headers};

const HELLO: &str = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";

fn impatient() -> Limits {
    Limits {
        head_timeout: Duration::from_millis(200),
        tls_handshake_timeout: Duration::from_millis(200),
        keep_alive_idle_max: Duration::from_millis(300),
        slow_grace: Duration::from_millis(400),
        slow_bytes_per_s_min: 500,
        ..Limits::default()
    }
}

#[tokio::test]
async fn a_head_that_does_not_end_is_cut() {
    let server = TestServer::start(impatient());
    // Nothing at all; half a head; one byte now and then; a second head that stops.
    let mut silent = Raw::plain(server.plain).await;
    silent.read_to_end().await;
    let mut half = Raw::tls(server.tls, b"http/1.1").await;
    half.send("GET /hello HTTP/1.1\r\nHost: ").await;
    half.read_to_end().await;
    let mut trickle = Raw::plain(server.plain).await;
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(500) {
        trickle.send("a").await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    trickle.read_to_end().await;
    let mut second = Raw::plain(server.plain).await;
    second.send(format!("{HELLO}GET /he")).await;
    assert!(second.text_to_end().await.ends_with("hello"));
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_cut() {
    let server = TestServer::start(impatient());
    let mut raw = Raw::plain(server.tls).await;
    raw.send([0x16, 3, 1]).await;
    raw.read_to_end().await;
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let server = TestServer::start(impatient());
    let began = Instant::now();
    let mut plain = Raw::plain(server.plain).await;
    plain.send(HELLO).await;
    assert!(plain.text_to_end().await.ends_with("hello"));
    let mut h2 = Raw::tls(server.tls, b"h2").await;
    h2.send([H2_PREFACE, &frame(4, 0, 0, &[]), &headers(1, "GET", "/hello", true)].concat()).await;
    h2.read_to_end().await;
    assert!(began.elapsed() >= Duration::from_millis(600));
}

#[tokio::test]
async fn a_body_that_trickles_is_cut_and_one_that_flows_is_not() {
    let server = TestServer::start(impatient());
    let head = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n";
    let mut slow = Raw::plain(server.plain).await;
    slow.send(head).await;
    for _ in 0..50 {
        slow.send("x").await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(slow.text_to_end().await, "");
    let mut steady = Raw::plain(server.plain).await;
    steady.send(head).await;
    for _ in 0..50 {
        steady.send("x".repeat(20)).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    steady.read_until("xxxx").await;

    let mut h2 = Raw::tls(server.tls, b"h2").await;
    h2.send([H2_PREFACE, &frame(4, 0, 0, &[]), &headers(1, "POST", "/echo", false)].concat()).await;
    h2.read_to_end().await;
}

#[tokio::test]
async fn a_client_that_does_not_take_its_response_is_cut() {
    let server = TestServer::start(impatient());
    let requests = "GET /big HTTP/1.1\r\nHost: a\r\n\r\n".repeat(4);
    for mut raw in [Raw::plain(server.plain).await, Raw::tls(server.tls, b"http/1.1").await] {
        raw.send(&requests).await;
        // The bound, and time for a busy machine to fill the connection's buffers before it.
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert!(raw.read_to_end().await.len() < 16_000_000);
    }
    // Over HTTP/2 a client can make no room at all: the initial window is 0.
    let mut h2 = Raw::tls(server.tls, b"h2").await;
    h2.send([H2_PREFACE, &frame(4, 0, 0, &[0, 4, 0, 0, 0, 0]), &headers(1, "GET", "/hello", true)].concat()).await;
    h2.read_to_end().await;
    // Or too little of it.
    let mut h2 = Raw::tls(server.tls, b"h2").await;
    h2.send([H2_PREFACE, &frame(4, 0, 0, &[0, 4, 0, 0, 0, 9]), &headers(1, "GET", "/big", true)].concat()).await;
    h2.read_to_end().await;
}

#[tokio::test]
async fn an_event_stream_with_nothing_to_say_is_not_cut() {
    let server = TestServer::start(impatient());
    let mut plain = Raw::plain(server.plain).await;
    plain.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n").await;
    plain.read_until("data: 1\n\n\r\n").await;
    let mut h2 = Raw::tls(server.tls, b"h2").await;
    h2.send([H2_PREFACE, &frame(4, 0, 0, &[]), &headers(1, "GET", "/events", true)].concat()).await;
    h2.read_until("data: 1\n\n").await;
    let (plain_stays, h2_stays) = tokio::join!(
        plain.stays_open_for(Duration::from_millis(1_200)),
        h2.stays_open_for(Duration::from_millis(1_200))
    );
    assert!(plain_stays && h2_stays);
}
