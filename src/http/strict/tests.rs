use super::*;
use proptest::prelude::*;

const HOST: &str = "Host: a\r\n";

fn verdict(bytes: &[u8]) -> (usize, u64, Option<Refusal>) {
    verdict_of_pieces([bytes])
}

/// Feeds pieces as the gate does: what has not passed is presented again with what follows.
fn verdict_of_pieces<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (usize, u64, Option<Refusal>) {
    let mut framer = Framer::new(&Limits::default());
    let (mut held, mut passed, mut heads) = (Vec::new(), 0, 0);
    for piece in pieces {
        held.extend_from_slice(piece);
        let advance = framer.advance(&held);
        held.drain(..advance.pass);
        passed += advance.pass;
        heads += advance.heads;
        if advance.refusal.is_some() {
            return (passed, heads, advance.refusal);
        }
    }
    (passed, heads, None)
}

/// Every refusal, as bytes a client might send and what they get.
fn refused() -> Vec<(Vec<u8>, Refusal)> {
    let line = |line: &str| format!("{line}\r\n{HOST}\r\n").into_bytes();
    let field = |field: &str| format!("POST / HTTP/1.1\r\n{HOST}{field}\r\n\r\n").into_bytes();
    let body = |body: &str| format!("POST / HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n{body}").into_bytes();
    let many = "A: b\r\n".repeat(64);
    vec![
        (line("GET /"), Refusal::RequestLineInvalid),
        (line("GET  / HTTP/1.1"), Refusal::RequestLineInvalid),
        (line("GET / HTTP/1.1 "), Refusal::RequestLineInvalid),
        (line("GET / http/1.1"), Refusal::RequestLineInvalid),
        (line("G(T / HTTP/1.1"), Refusal::RequestLineInvalid),
        (line(" GET / HTTP/1.1"), Refusal::RequestLineInvalid),
        (b"\x16\x03\x01".to_vec(), Refusal::RequestLineInvalid),
        (b"\r\n\r\nGET / HTTP/1.1\r\n".to_vec(), Refusal::RequestLineInvalid),
        (line("GET / HTTP/1.2"), Refusal::VersionUnsupported),
        (line("GET / HTTP/0.9"), Refusal::VersionUnsupported),
        (line("PRI * HTTP/2.0"), Refusal::VersionUnsupported),
        (line("TRACE / HTTP/1.1"), Refusal::MethodRefused),
        (line("CONNECT a:443 HTTP/1.1"), Refusal::MethodRefused),
        (line("GET a HTTP/1.1"), Refusal::TargetInvalid),
        (line("GET /#a HTTP/1.1"), Refusal::TargetInvalid),
        (line("GET /\u{e4} HTTP/1.1"), Refusal::TargetInvalid),
        (line(&format!("GET /{} HTTP/1.1", "a".repeat(4096))), Refusal::UriTooLong),
        (format!("GET /{}", "a".repeat(5000)).into_bytes(), Refusal::UriTooLong),
        (field(&format!("A: {}", "a".repeat(16 * 1024))), Refusal::HeadTooLarge),
        (field(&many), Refusal::FieldsTooMany),
        (field("A : b"), Refusal::FieldInvalid),
        (field("A"), Refusal::FieldInvalid),
        (field(": b"), Refusal::FieldInvalid),
        (field("A: b\r\n c"), Refusal::FoldedField),
        (field("A: b\r\n\tc: d"), Refusal::FoldedField),
        (field("A: b\nC: d"), Refusal::BareLf),
        (b"GET / HTTP/1.1\nHost: a\n\n".to_vec(), Refusal::BareLf),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\n".to_vec(), Refusal::BareLf),
        (field("A: b\rC: d"), Refusal::BareCr),
        (line("GET /\r HTTP/1.1"), Refusal::BareCr),
        (field("A: b\0"), Refusal::ControlCharacter),
        (field("A\0: b"), Refusal::ControlCharacter),
        (field("A: \x7f"), Refusal::ControlCharacter),
        (line("GET /\0 HTTP/1.1"), Refusal::ControlCharacter),
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), Refusal::HostMissing),
        (field("host: a"), Refusal::HostRepeated),
        (b"GET / HTTP/1.1\r\nHost:\r\n\r\n".to_vec(), Refusal::HostInvalid),
        (b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n".to_vec(), Refusal::HostInvalid),
        (b"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n".to_vec(), Refusal::HostInvalid),
        (line("GET http://b/ HTTP/1.1"), Refusal::HostMismatch),
        (field("Content-Length: 1x"), Refusal::LengthInvalid),
        (field("Content-Length: +1"), Refusal::LengthInvalid),
        (field("Content-Length: -1"), Refusal::LengthInvalid),
        (field("Content-Length:"), Refusal::LengthInvalid),
        (field("Content-Length: 1, 1"), Refusal::LengthInvalid),
        (field("Content-Length: 99999999999999999999"), Refusal::LengthInvalid),
        (field("Content-Length: 1\r\nContent-Length: 1"), Refusal::LengthRepeated),
        (field("Content-Length: 1\r\nTransfer-Encoding: chunked"), Refusal::LengthAndEncoding),
        (field("Transfer-Encoding: chunked\r\nContent-Length: 1"), Refusal::LengthAndEncoding),
        (field("Transfer-Encoding: chunked, chunked"), Refusal::EncodingInvalid),
        (field("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), Refusal::EncodingInvalid),
        (field("Transfer-Encoding: identity"), Refusal::EncodingInvalid),
        (field("Transfer-Encoding: chunked, gzip"), Refusal::EncodingInvalid),
        (field("Transfer-Encoding: xchunked"), Refusal::EncodingInvalid),
        (field("Transfer-Encoding: \"chunked\""), Refusal::EncodingInvalid),
        (b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec(), Refusal::EncodingInvalid),
        (field("Transfer-Encoding: gzip, chunked"), Refusal::EncodingUnsupported),
        (field("Expect: 200-ok"), Refusal::ExpectationUnknown),
        (body("x\r\n"), Refusal::ChunkInvalid),
        (body("\r\n"), Refusal::ChunkInvalid),
        (body("1 \r\na\r\n"), Refusal::ChunkInvalid),
        (body("0x1\r\na\r\n"), Refusal::ChunkInvalid),
        (body("1\r\nab\r\n"), Refusal::ChunkInvalid),
        (body("1\r\na\n0\r\n\r\n"), Refusal::ChunkInvalid),
        (body("1000000000000000\r\n"), Refusal::ChunkInvalid),
        (body(&format!("1;{}\r\n", "a".repeat(300))), Refusal::ChunkInvalid),
        (body("1\na\r\n"), Refusal::BareLf),
        (body("1;a\rb\r\n"), Refusal::BareCr),
        (body("0\r\nContent-Length: 1\r\n\r\n"), Refusal::TrailerInvalid),
        (body("0\r\nA : b\r\n\r\n"), Refusal::FieldInvalid),
        (body(&format!("0\r\n{many}A: b\r\n\r\n")), Refusal::TrailerInvalid),
    ]
}

fn accepted() -> Vec<(Vec<u8>, u64)> {
    [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 1),
        ("GET / HTTP/1.0\r\n\r\n", 1),
        ("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 1),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\nHEAD /b?c HTTP/1.1\r\nhost:[::1]:80\r\nX:\t y\t\r\n\r\n", 2),
        ("GET http://A:80/b HTTP/1.1\r\nHost: a\r\n\r\n", 1),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 1),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n\r\n\0GET / HTTP/1.1\r\nHost: a\r\n\r\n", 2),
        ("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 0\r\n\r\n", 1),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n3;x=y\r\n\r\n\0\r\n0A\r\n0123456789\r\n0\r\nA: b\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 2),
    ]
    .map(|(text, heads)| (text.as_bytes().to_vec(), heads))
    .into()
}

#[test]
fn whatever_is_ambiguous_is_refused_by_its_name() {
    for (bytes, refusal) in refused() {
        assert_eq!(verdict(&bytes).2, Some(refusal), "{}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn every_refusal_is_reached() {
    let reached: std::collections::HashSet<_> = refused().into_iter().map(|(_, refusal)| refusal.code()).collect();
    assert_eq!(reached.len(), 24);
}

#[test]
fn whatever_is_plain_passes_whole() {
    for (bytes, heads) in accepted() {
        assert_eq!(verdict(&bytes), (bytes.len(), heads, None), "{}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn the_verdict_is_the_same_byte_by_byte() {
    let all = refused().into_iter().map(|(bytes, _)| bytes).chain(accepted().into_iter().map(|(bytes, _)| bytes));
    for bytes in all {
        assert_eq!(verdict_of_pieces(bytes.chunks(1)), verdict(&bytes), "{}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn nothing_is_read_after_a_refusal() {
    let mut framer = Framer::new(&Limits::default());
    assert_eq!(framer.advance(b"GET /\r\n").refusal, Some(Refusal::RequestLineInvalid));
    let after = framer.advance(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(after, Advance { pass: 0, heads: 0, refusal: None, refused_in_head: false });
}

/// Streams of requests, mutated: most of them almost right.
fn almost_requests() -> impl Strategy<Value = Vec<u8>> {
    let known = refused().into_iter().map(|(bytes, _)| bytes).chain(accepted().into_iter().map(|(bytes, _)| bytes));
    let one = prop::sample::select(known.filter(|bytes| bytes.len() < 400).collect::<Vec<_>>());
    let marks = prop::sample::select(b"\r\n :,;0a\0\t".to_vec());
    (prop::collection::vec(one, 1..4), prop::collection::vec((any::<prop::sample::Index>(), marks), 0..3)).prop_map(
        |(parts, changes)| {
            let mut bytes = parts.concat();
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            bytes
        },
    )
}

proptest! {
    #[test]
    fn a_split_never_changes_the_verdict(
        bytes in almost_requests(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]);
        prop_assert_eq!(verdict_of_pieces(pieces), verdict(&bytes));
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        verdict(&bytes);
    }

    #[test]
    fn a_head_that_passes_is_one_to_hyper_too(bytes in almost_requests()) {
        let mut framer = Framer::new(&Limits::default());
        let advance = framer.advance(&bytes);
        if advance.heads > 0 {
            let mut fields = [httparse::EMPTY_HEADER; 100];
            let mut request = httparse::Request::new(&mut fields);
            let parsed = request.parse(&bytes);
            prop_assert!(matches!(parsed, Ok(httparse::Status::Complete(_))), "{:?}", parsed);
            prop_assert!(request.path.is_some_and(|path| path.parse::<http::Uri>().is_ok()));
        }
    }
}
