//! Something with bytes and an entity tag, answered in full or in part: preconditions, then content coding, then range.

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, ETAG, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use crate::http::body::Body;
use crate::http::range::{self, Precondition, Selection};
use crate::http::respond::Problem;

/// Bytes, their type and how long they may be kept. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Entity {
    pub content_type: HeaderValue,
    pub cache_control: HeaderValue,
    /// Strong, quotes included. The compressed form gets a tag of its own from it.
    pub etag: HeaderValue,
    pub identity: Bytes,
    /// The same bytes, compressed once; None for what does not compress.
    pub gzip: Option<Bytes>,
}

impl Entity {
    /// Answers GET and HEAD; anything else is 405.
    pub fn respond(&self, method: &Method, headers: &HeaderMap) -> Response<Body> {
        if !matches!(*method, Method::GET | Method::HEAD) {
            let detail = "This resource is read with GET or HEAD.";
            return Problem::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", detail)
                .with_header(ALLOW, HeaderValue::from_static("GET, HEAD"))
                .into_response();
        }
        let gzip = self.gzip.as_ref().filter(|_| prefers_gzip(headers));
        let etag = if gzip.is_some() { gzip_tag(&self.etag) } else { self.etag.clone() };
        let tag = etag.to_str().unwrap_or_default();
        match range::precondition(method, headers, tag) {
            Precondition::Proceed => {}
            Precondition::NotModified => return self.not_modified(etag),
            Precondition::Failed => {
                let detail = "The entity tag is another one.";
                return Problem::new(StatusCode::PRECONDITION_FAILED, "PRECONDITION_FAILED", detail).into_response();
            }
        }
        let whole = gzip.unwrap_or(&self.identity);
        let length = whole.len() as u64;
        let selection = range::selection(method, headers, tag, length);
        if selection == Selection::Unsatisfiable {
            let range = content_range(format_args!("*/{length}"));
            return Problem::new(
                StatusCode::RANGE_NOT_SATISFIABLE,
                "RANGE_UNSATISFIABLE",
                "The body ends before that.",
            )
            .with_header(CONTENT_RANGE, range)
            .into_response();
        }
        let mut response = Response::new(Body::empty());
        self.describe(response.headers_mut(), etag);
        response.headers_mut().insert(CONTENT_TYPE, self.content_type.clone());
        response.headers_mut().insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        if gzip.is_some() {
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if let Selection::Part(part) = selection {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            let range = content_range(format_args!("{}-{}/{length}", part.start, part.end - 1));
            response.headers_mut().insert(CONTENT_RANGE, range);
            *response.body_mut() = Body::full(whole.slice(part.start as usize..part.end as usize));
        } else {
            // To HEAD as well: hyper takes the length from it and leaves the bytes out.
            *response.body_mut() = Body::full(whole.clone());
        }
        response
    }

    fn not_modified(&self, etag: HeaderValue) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        self.describe(response.headers_mut(), etag);
        response
    }

    /// The headers a 304 carries as well (RFC 9110 section 15.4.5).
    fn describe(&self, headers: &mut HeaderMap, etag: HeaderValue) {
        headers.insert(ETAG, etag);
        headers.insert(CACHE_CONTROL, self.cache_control.clone());
        if self.gzip.is_some() {
            headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
        }
    }
}

/// `"abc"` becomes `"abc-gz"`: a strong tag is of one sequence of bytes.
fn gzip_tag(etag: &HeaderValue) -> HeaderValue {
    let inner = etag.as_bytes().strip_suffix(b"\"").unwrap_or(etag.as_bytes());
    let tag = [inner, b"-gz\""].concat();
    HeaderValue::from_bytes(&tag).unwrap_or_else(|_| etag.clone())
}

fn content_range(range: std::fmt::Arguments<'_>) -> HeaderValue {
    // Digits, `-`, `/` and `*` make a header value whatever the numbers are.
    HeaderValue::try_from(format!("bytes {range}")).unwrap_or(HeaderValue::from_static("bytes */*"))
}

/// The client takes gzip and does not like identity better (RFC 9110 section 12.5.3). Without the header it gets
/// identity.
fn prefers_gzip(headers: &HeaderMap) -> bool {
    let (mut gzip, mut identity, mut any) = (None, None, None);
    let lines = headers.get_all(ACCEPT_ENCODING).into_iter().filter_map(|line| line.to_str().ok());
    for coding in lines.flat_map(|line| line.split(',')) {
        let mut parts = coding.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let weight = parts.find_map(weight_of).unwrap_or(1000);
        if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") {
            gzip = Some(weight);
        } else if name.eq_ignore_ascii_case("identity") {
            identity = Some(weight);
        } else if name == "*" {
            any = Some(weight);
        }
    }
    let gzip = gzip.or(any).unwrap_or(0);
    gzip > 0 && gzip >= identity.unwrap_or(0)
}

/// `q=0.5` in thousandths; something that is not a weight is 0, so that it never wins.
fn weight_of(parameter: &str) -> Option<u32> {
    let (name, value) = parameter.split_once('=')?;
    if !name.trim().eq_ignore_ascii_case("q") {
        return None;
    }
    let weight: f32 = value.trim().parse().unwrap_or(0.0);
    Some(if (0.0..=1.0).contains(&weight) { (weight * 1000.0).round() as u32 } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;
    use http_body_util::BodyExt;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    fn entity() -> Entity {
        Entity {
            content_type: HeaderValue::from_static("text/plain"),
            cache_control: HeaderValue::from_static("no-cache"),
            etag: HeaderValue::from_static("\"a\""),
            identity: Bytes::from_static(b"0123456789"),
            gzip: Some(Bytes::from_static(b"zip")),
        }
    }

    /// Status, the headers that vary, and the body.
    async fn answer(method: Method, pairs: &[(&'static str, &'static str)]) -> String {
        let response = entity().respond(&method, &headers(pairs));
        let mut text = response.status().as_str().to_owned();
        for name in [ETAG, CONTENT_ENCODING, CONTENT_RANGE, VARY, ALLOW] {
            if let Some(value) = response.headers().get(&name) {
                text = format!("{text} {name}={}", value.to_str().unwrap());
            }
        }
        let is_problem = response.status().is_client_error();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        if is_problem { text } else { format!("{text} {}", String::from_utf8_lossy(&body)) }
    }

    #[tokio::test]
    async fn an_entity_answers_in_full_in_part_or_not_at_all() {
        let get = Method::GET;
        for (pairs, expected) in [
            (&[][..], "200 etag=\"a\" vary=Accept-Encoding 0123456789"),
            (&[("accept-encoding", "gzip")], "200 etag=\"a-gz\" content-encoding=gzip vary=Accept-Encoding zip"),
            (&[("range", "bytes=2-4")], "206 etag=\"a\" content-range=bytes 2-4/10 vary=Accept-Encoding 234"),
            (
                &[("range", "bytes=1-"), ("accept-encoding", "gzip")],
                "206 etag=\"a-gz\" content-encoding=gzip content-range=bytes 1-2/3 vary=Accept-Encoding ip",
            ),
            (&[("range", "bytes=10-")], "416 content-range=bytes */10"),
            (&[("range", "bytes=0-1"), ("if-range", "\"b\"")], "200 etag=\"a\" vary=Accept-Encoding 0123456789"),
            (&[("if-none-match", "\"a\"")], "304 etag=\"a\" vary=Accept-Encoding "),
            (&[("if-none-match", "\"a-gz\"")], "200 etag=\"a\" vary=Accept-Encoding 0123456789"),
            (&[("if-none-match", "\"a\""), ("range", "bytes=0-1")], "304 etag=\"a\" vary=Accept-Encoding "),
            (&[("if-match", "\"b\"")], "412"),
        ] {
            assert_eq!(answer(get.clone(), pairs).await, expected, "{pairs:?}");
        }
        assert_eq!(answer(Method::POST, &[]).await, "405 allow=GET, HEAD");
    }

    #[test]
    fn gzip_is_sent_to_those_who_want_it() {
        for (accept, expected) in [
            ("gzip", true),
            ("GZIP;q=0.5", true),
            ("br, gzip", true),
            ("*", true),
            ("identity;q=0.5, gzip;q=0.6", true),
            ("gzip;q=0.5, identity", false),
            ("gzip;q=0", false),
            ("gzip; q=0.000", false),
            ("*;q=0", false),
            ("*, gzip;q=0", false),
            ("identity", false),
            ("gzip;q=NaN", false),
            ("gzip;q=7", false),
            ("", false),
        ] {
            assert_eq!(prefers_gzip(&headers(&[("accept-encoding", accept)])), expected, "{accept}");
        }
        assert!(!prefers_gzip(&HeaderMap::new()));
    }
}
