//! The host that a request was sent to.

use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, Uri};

/// `host[:port]` as the client wrote it; empty where it named none, which the gate refuses before any room is asked.
pub fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> &'a str {
    let header = || headers.get(HOST).and_then(|value| value.to_str().ok());
    uri.authority().map(Authority::as_str).or_else(header).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_authority_of_http2_comes_before_the_header_of_http1() {
        let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static("one.example:80"))]);
        assert_eq!(host(&Uri::from_static("/a"), &headers), "one.example:80");
        assert_eq!(host(&Uri::from_static("https://two.example/a"), &headers), "two.example");
        assert_eq!(host(&Uri::from_static("/a"), &HeaderMap::new()), "");
    }
}
