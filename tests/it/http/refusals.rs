//! What the gate refuses, as a client sees it: a status, a code, and a closed connection, over plain HTTP and over TLS.

use marquee::http::limits::Limits;

use super::TestServer;
use super::client::{Raw, polite};

/// What is sent, and the status and code it gets.
fn table() -> Vec<(String, u16, &'static str)> {
    let post = |fields: &str, body: &str| format!("POST /echo HTTP/1.1\r\nHost: a\r\n{fields}\r\n{body}");
    let chunked = |body: &str| post("Transfer-Encoding: chunked\r\n", body);
    vec![
        (post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400, "LENGTH_AND_ENCODING"),
        (post("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "0\r\n\r\n"), 400, "LENGTH_AND_ENCODING"),
        (post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"), 400, "LENGTH_REPEATED"),
        (post("Content-Length: 3\r\nContent-Length: 4\r\n", "abc"), 400, "LENGTH_REPEATED"),
        (post("Content-Length: 0x3\r\n", "abc"), 400, "LENGTH_INVALID"),
        (post("Content-Length: +3\r\n", "abc"), 400, "LENGTH_INVALID"),
        (post("Content-Length: 3, 3\r\n", "abc"), 400, "LENGTH_INVALID"),
        (post("Transfer-Encoding: xchunked\r\n", ""), 400, "ENCODING_INVALID"),
        (post("Transfer-Encoding: gzip, chunked\r\n", ""), 501, "ENCODING_UNSUPPORTED"),
        ("POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".into(), 400, "ENCODING_INVALID"),
        (post("Expect: a-miracle\r\n", ""), 417, "EXPECTATION_UNKNOWN"),
        ("GET /hello HTTP/1.1\r\n\r\n".into(), 400, "HOST_MISSING"),
        (post("Host: a\r\n", ""), 400, "HOST_REPEATED"),
        ("GET /hello HTTP/1.1\r\nHost: a b\r\n\r\n".into(), 400, "HOST_INVALID"),
        ("GET http://b/hello HTTP/1.1\r\nHost: a\r\n\r\n".into(), 400, "HOST_MISMATCH"),
        ("GET /hello HTTP/1.1\nHost: a\n\n".into(), 400, "BARE_LF"),
        ("GET /hello HTTP/1.1\r\nHost: a\r\nA: b\rc\r\n\r\n".into(), 400, "BARE_CR"),
        (post("A: b\r\n c\r\n", ""), 400, "FIELD_FOLDED"),
        (post("A : b\r\n", ""), 400, "FIELD_INVALID"),
        (post("A: \0\r\n", ""), 400, "CONTROL_CHARACTER"),
        ("TRACE /hello HTTP/1.1\r\nHost: a\r\n\r\n".into(), 405, "METHOD_REFUSED"),
        ("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n".into(), 405, "METHOD_REFUSED"),
        ("GET /hello\r\n".into(), 400, "REQUEST_LINE_INVALID"),
        ("GET /hello HTTP/3.0\r\nHost: a\r\n\r\n".into(), 505, "VERSION_UNSUPPORTED"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(), 505, "VERSION_UNSUPPORTED"),
        (format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(5000)), 414, "URI_TOO_LONG"),
        (post(&format!("A: {}\r\n", "a".repeat(20_000)), ""), 431, "HEAD_TOO_LARGE"),
        (post(&"A: b\r\n".repeat(64), ""), 431, "FIELDS_TOO_MANY"),
        (chunked("zz\r\n"), 400, "CHUNK_INVALID"),
        (chunked("3\r\nabcd\r\n0\r\n\r\n"), 400, "CHUNK_INVALID"),
        (chunked("3\nabc\r\n0\r\n\r\n"), 400, "BARE_LF"),
        (chunked("0\r\nContent-Length: 3\r\n\r\n"), 400, "TRAILER_INVALID"),
    ]
}

fn check(request: &str, answer: &str, status: u16, code: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request:?}: {answer}");
    assert!(answer.contains(&format!("\"code\":\"{code}\"")), "{request:?}: {answer}");
    assert!(answer.to_ascii_lowercase().contains("connection: close"), "{request:?}: {answer}");
    assert_eq!(answer.matches("\r\ndate: ").count(), 1, "{request:?} is answered once: {answer}");
}

#[tokio::test]
async fn what_is_ambiguous_is_refused_and_the_connection_closed() {
    let server = TestServer::start(Limits::default());
    for (request, status, code) in table() {
        // What follows a refused request is not a request, whatever it looks like.
        let smuggled = format!("{request}GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
        let mut plain = Raw::plain(server.plain).await;
        plain.send(&smuggled).await;
        check(&request, &plain.text_to_end().await, status, code);
        let mut tls = Raw::tls(server.tls, b"http/1.1").await;
        tls.send(&smuggled).await;
        check(&request, &tls.text_to_end().await, status, code);
    }
}

#[tokio::test]
async fn a_refusal_is_the_same_when_bytes_come_one_at_a_time() {
    let server = TestServer::start(Limits::default());
    for (request, status, code) in table().into_iter().filter(|(request, ..)| request.len() < 200) {
        let mut plain = Raw::plain(server.plain).await;
        for byte in request.as_bytes() {
            plain.send([*byte]).await;
            tokio::task::yield_now().await;
        }
        check(&request, &plain.text_to_end().await, status, code);
    }
}

#[tokio::test]
async fn requests_before_a_refused_one_are_answered_first() {
    let server = TestServer::start(Limits::default());
    let mut plain = Raw::plain(server.plain).await;
    let good = "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n";
    plain.send(format!("{good}{good}GET /hello HTTP/1.1\r\n\r\n{good}")).await;
    let answer = plain.text_to_end().await;
    let statuses: Vec<&str> = answer.match_indices("HTTP/1.1 ").map(|(at, _)| &answer[at + 9..at + 12]).collect();
    assert_eq!(statuses, ["200", "200", "400"]);
}

#[tokio::test]
async fn a_body_that_turns_bad_later_is_a_400_whatever_the_handler_says() {
    let server = TestServer::start(Limits::default());
    let mut plain = Raw::plain(server.plain).await;
    plain.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n").await;
    tokio::time::sleep(std::time::Duration::from_millis(30)).await;
    plain.send("nonsense\r\n").await;
    check("later", &plain.text_to_end().await, 400, "CHUNK_INVALID");
}

#[tokio::test]
async fn what_is_plain_is_served_in_any_pieces() {
    let server = TestServer::start(Limits::default());
    let stream = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n123\
                  POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\n456\r\n1\r\n7\r\n0\r\nT: u\r\n\r\n\
                  \r\nGET http://A:80/hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    for piece in [1, 2, 7, 64, 10_000] {
        let mut plain = Raw::plain(server.plain).await;
        for bytes in stream.as_bytes().chunks(piece) {
            plain.send(bytes).await;
            tokio::task::yield_now().await;
        }
        let answer = plain.text_to_end().await;
        assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 3, "{piece}: {answer}");
        let bodies: Vec<&str> = answer.split("\r\n\r\n").skip(1).collect();
        assert!(bodies[0].starts_with("123") && bodies[1].starts_with("4567") && bodies[2].starts_with("hello"));
    }
}

#[tokio::test]
async fn expect_100_is_answered_and_a_large_refused_upload_still_reads_its_refusal() {
    let server = TestServer::start(Limits::default());
    let mut plain = Raw::plain(server.plain).await;
    plain.send("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n").await;
    plain.read_until("HTTP/1.1 100 Continue\r\n\r\n").await;
    plain.send("abc").await;
    plain.read_until("abc").await;

    let mut plain = Raw::plain(server.plain).await;
    let upload = "x".repeat(600_000);
    plain.send(format!("POST /echo HTTP/1.1\r\nContent-Length: 600000\r\n\r\n{upload}")).await;
    check("large", &plain.text_to_end().await, 400, "HOST_MISSING");
}

#[tokio::test]
async fn http_2_is_held_to_the_same_limits() {
    let server = TestServer::start(Limits::default());
    let client = polite(true);
    let url = format!("https://{}", server.tls);
    let long = client.get(format!("{url}/{}", "a".repeat(4_096))).send().await.unwrap();
    assert_eq!(long.status(), 414);
    let mut many = client.get(format!("{url}/hello"));
    for index in 0..70 {
        many = many.header(format!("x-{index}"), "y");
    }
    assert_eq!(many.send().await.unwrap().status(), 431);
    let large = client.get(format!("{url}/hello")).header("x", "y".repeat(20_000)).send().await.unwrap();
    assert_eq!(large.status(), 431);
    let other = client.get(format!("{url}/hello")).header("host", "other").send().await.unwrap();
    assert_eq!(other.status(), 400);
    let trace = client.request(http::Method::TRACE, format!("{url}/hello")).send().await.unwrap();
    assert_eq!(trace.status(), 405);
    assert_eq!(client.get(format!("{url}/hello")).send().await.unwrap().status(), 200);
}
