//! How connections and servers end without cutting a request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use marquee::http::limits::Limits;
use marquee::http::listener::{Listener, Sharing};

use super::TestServer;
use super::client::{H2_PREFACE, Raw, frame, frames, headers, polite};

const HELLO: &str = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";

#[tokio::test]
async fn a_drain_lets_requests_end_and_refuses_new_connections() {
    let server = TestServer::start(Limits::default());
    let mut plain = Raw::plain(server.plain).await;
    plain.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let mut used = Raw::tls(server.tls, b"http/1.1").await;
    used.send(HELLO).await;
    used.read_until("safely").await;
    let mut h2 = Raw::tls(server.tls, b"h2").await;
    h2.send([H2_PREFACE, &frame(4, 0, 0, &[]), &headers(1, "GET", "/slow", true)].concat()).await;
    let unused = Raw::plain(server.plain).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.shutdown.begin();
    tokio::time::sleep(Duration::from_millis(100)).await;
    // A request that was on its way on a kept-alive connection is answered, as its last.
    used.send(HELLO).await;
    let last = used.text_to_end().await.to_ascii_lowercase();
    assert!(last.contains("connection: close") && last.ends_with("safely"), "{last}");
    let slow = plain.text_to_end().await.to_ascii_lowercase();
    assert!(slow.contains("connection: close") && slow.ends_with("slow"), "{slow}");
    // The h2 client acknowledges the PING of a graceful end.
    let mut answer = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(3);
    while Instant::now() < deadline && !frames(&answer).iter().any(|(kind, ..)| *kind == 0) {
        let mut bytes = [0; 1024];
        let read = tokio::io::AsyncReadExt::read(&mut h2.0, &mut bytes).await.unwrap();
        for (kind, flags, _, payload) in frames(&bytes[..read]) {
            if kind == 6 && flags == 0 {
                h2.send(frame(6, 1, 0, &payload)).await;
            }
        }
        answer.extend_from_slice(&bytes[..read]);
    }
    let seen = frames(&answer);
    assert!(seen.iter().any(|(kind, ..)| *kind == 7), "a GOAWAY comes");
    assert!(seen.iter().any(|(kind, _, _, payload)| *kind == 0 && payload == b"slow"), "and the response");
    drop(h2);
    assert!(tokio::net::TcpStream::connect(server.plain).await.is_err());
    tokio::time::timeout(Duration::from_secs(3), server.running.drained()).await.expect("the drain ends");
    drop(unused);
}

#[tokio::test]
async fn whoever_does_not_end_is_cut_when_the_drain_is_over() {
    let server = TestServer::start(Limits { drain_timeout: Duration::from_millis(300), ..Limits::default() });
    let mut events = Raw::plain(server.plain).await;
    events.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n").await;
    events.read_until("data: 1").await;
    server.shutdown.begin();
    tokio::time::timeout(Duration::from_secs(2), server.running.drained()).await.expect("the drain ends");
    events.read_to_end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hands_its_socket_over_loses_no_request() {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let heir = socket.try_clone().unwrap();
    let old = TestServer::serve(vec![Listener::adopt(socket, None).unwrap()], Limits::default());
    let url = format!("http://{}/hello", old.plain);
    let (stop, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..8)
        .map(|index| {
            let (url, stop, served) = (url.clone(), stop.clone(), served.clone());
            tokio::spawn(async move {
                let client = polite(false);
                while !stop.load(Relaxed) {
                    // Half of the clients open a connection for every request.
                    let one_shot = polite(false);
                    let client = if index % 2 == 0 { &client } else { &one_shot };
                    assert_eq!(client.get(&url).send().await.expect("no request is lost").status(), 200);
                    served.fetch_add(1, Relaxed);
                }
            })
        })
        .collect();
    let more_than = async |count: usize| {
        while served.load(Relaxed) <= count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let patience = Duration::from_secs(30);
    tokio::time::timeout(patience, more_than(50)).await.expect("the old server serves");
    let new = TestServer::serve(vec![Listener::adopt(heir, None).unwrap()], Limits::default());
    old.shutdown.begin();
    old.running.drained().await;
    tokio::time::timeout(patience, more_than(served.load(Relaxed))).await.expect("the new server serves");
    stop.store(true, Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    drop(new);
}

#[tokio::test]
async fn a_new_server_may_bind_beside_one_that_drains() {
    let bind = |address: &str| Listener::bind(address.parse().unwrap(), Sharing::Shared, None).unwrap();
    let old = TestServer::serve(vec![bind("127.0.0.1:0")], Limits::default());
    let address = old.plain;
    let new = TestServer::serve(vec![bind(&address.to_string())], Limits::default());
    old.shutdown.begin();
    old.running.drained().await;
    let answer = polite(false).get(format!("http://{address}/hello")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    drop(new);
}

#[tokio::test]
async fn the_ten_thousandth_request_is_the_last_of_its_connection() {
    let server = TestServer::start(Limits::default());
    let stream = tokio::net::TcpStream::connect(server.plain).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let sender = tokio::spawn(async move {
        let _ = tokio::io::AsyncWriteExt::write_all(&mut writer, HELLO.repeat(10_010).as_bytes()).await;
        writer
    });
    let mut bytes = Vec::new();
    let _ = tokio::io::AsyncReadExt::read_to_end(&mut reader, &mut bytes).await;
    let answers = String::from_utf8(bytes).unwrap().to_ascii_lowercase();
    assert_eq!(answers.matches("http/1.1 200 ok").count(), 10_000);
    assert_eq!(answers.matches("connection: close").count(), 1);
    drop(sender.await.unwrap());
}

#[tokio::test]
async fn the_last_request_over_http_2_brings_a_goaway() {
    let server = TestServer::start(Limits { requests_per_connection_max: 2, ..Limits::default() });
    let mut h2 = Raw::tls(server.tls, b"h2").await;
    h2.send([H2_PREFACE, &frame(4, 0, 0, &[]), &headers(1, "GET", "/hello", true)].concat()).await;
    h2.read_until("safely").await;
    h2.send(headers(3, "GET", "/hello", true)).await;
    let mut answer = Vec::new();
    while !frames(&answer).iter().any(|(kind, ..)| *kind == 7) {
        answer.push(tokio::io::AsyncReadExt::read_u8(&mut h2.0).await.unwrap());
    }
}
