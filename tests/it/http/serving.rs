//! What is served, over all three ways.

use http::header::{CONTENT_LENGTH, CONTENT_RANGE, DATE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use marquee::base::error::ErrorKind;
use marquee::http::limits::Limits;
use marquee::http::listener::{Listener, Sharing};

use super::client::{self, Raw, polite};
use super::{TestServer, pattern};

fn ways(server: &TestServer) -> [(reqwest::Client, String); 3] {
    [
        (polite(false), format!("http://{}", server.plain)),
        (polite(false), format!("https://{}", server.tls)),
        (polite(true), format!("https://{}", server.tls)),
    ]
}

#[tokio::test]
async fn bodies_arrive_whole_in_part_and_not_for_head() {
    let server = TestServer::start(Limits::default());
    for (client, url) in ways(&server) {
        let big = format!("{url}/big");
        let whole = client.get(&big).send().await.unwrap();
        assert_eq!(whole.headers()[CONTENT_LENGTH], "4000000");
        assert_eq!(whole.headers()[X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(whole.headers()[REFERRER_POLICY], "no-referrer");
        assert!(whole.headers().contains_key(DATE));
        assert!(whole.bytes().await.unwrap() == pattern(4_000_000));

        let part = client.get(&big).header("range", "bytes=1000000-1999999").send().await.unwrap();
        assert_eq!(
            (part.status().as_u16(), &part.headers()[CONTENT_RANGE]),
            (206, &"bytes 1000000-1999999/4000000".parse().unwrap())
        );
        assert!(part.bytes().await.unwrap() == pattern(4_000_000)[1_000_000..2_000_000]);

        for (name, value, status) in [
            ("range", "bytes=4000000-", 416),
            ("if-none-match", "\"big\"", 304),
            ("if-match", "\"small\"", 412),
            ("range", "bytes=0-1,3-4", 200),
        ] {
            let answer = client.get(&big).header(name, value).send().await.unwrap();
            assert_eq!(answer.status(), status, "{name}: {value}");
        }

        let head = client.head(&big).send().await.unwrap();
        assert_eq!((head.status().as_u16(), head.headers()[CONTENT_LENGTH].to_str().unwrap()), (200, "4000000"));
        assert!(head.bytes().await.unwrap().is_empty());

        let echoed = client.post(format!("{url}/echo")).body(pattern(300_000)).send().await.unwrap();
        assert!(echoed.bytes().await.unwrap() == pattern(300_000));
        assert_eq!(client.get(format!("{url}/nothing")).send().await.unwrap().status(), 404);
    }
}

#[tokio::test]
async fn a_panic_is_a_500_and_the_server_goes_on() {
    let server = TestServer::start(Limits::default());
    for (client, url) in ways(&server) {
        let answer = client.get(format!("{url}/panic")).send().await.unwrap();
        assert_eq!(answer.status(), 500);
        let text = answer.text().await.unwrap();
        assert!(text.contains("\"code\":\"INTERNAL\"") && !text.contains("as the test asked"), "{text}");
        assert_eq!(client.get(format!("{url}/hello")).send().await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn tls_chooses_the_cheapest_cipher_and_speaks_both_protocols() {
    let server = TestServer::start(Limits::default());
    for (alpn, agreed) in [(&b"h2"[..], &b"h2"[..]), (b"http/1.1", b"http/1.1")] {
        let stream = client::tls(server.tls, alpn).await;
        let session = stream.get_ref().1;
        assert_eq!(session.alpn_protocol(), Some(agreed));
        let suite = session.negotiated_cipher_suite().unwrap().suite();
        assert_eq!(suite, rustls::CipherSuite::TLS13_AES_128_GCM_SHA256);
    }
}

#[tokio::test]
async fn a_taken_port_is_said_so() {
    let server = TestServer::start(Limits::default());
    for sharing in [Sharing::Exclusive, Sharing::Shared] {
        let error = Listener::bind(server.plain, sharing, None).err().unwrap();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Config, "PORT_TAKEN"));
        assert!(error.message().contains(&server.plain.to_string()), "{}", error.message());
    }
}

#[tokio::test]
async fn an_address_has_so_many_connections() {
    let server = TestServer::start(Limits { connections_per_address_max: Some(2), ..Limits::default() });
    let mut first = Raw::plain(server.plain).await;
    let mut second = Raw::tls(server.tls, b"http/1.1").await;
    let mut third = Raw::plain(server.plain).await;
    assert_eq!(third.text_to_end().await, "");
    for raw in [&mut first, &mut second] {
        raw.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n").await;
        raw.read_until("hello").await;
    }
    drop(first);
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let mut fourth = Raw::plain(server.plain).await;
    fourth.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n").await;
    fourth.read_until("hello").await;
}
