//! Byte ranges and conditional requests (RFC 9110 sections 13 and 14), over strong entity tags only.
//!
//! One range is served as 206; several, or anything that is not a range of bytes, are ignored and the whole is sent,
//! as section 14.2 allows. Preconditions are judged in the order of section 13.2.2, before ranges.

use std::ops::Range;

use http::header::{IF_MATCH, IF_NONE_MATCH, IF_RANGE, RANGE};
use http::{HeaderMap, HeaderName, Method};

/// What the preconditions of a request come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precondition {
    Proceed,
    /// The client has it already: 304.
    NotModified,
    /// 412.
    Failed,
}

/// What part of a body is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    Whole,
    /// Not empty, and within the body: 206.
    Part(Range<u64>),
    /// 416.
    Unsatisfiable,
}

/// Judges `If-Match` and `If-None-Match` for something that exists and whose strong entity tag is `etag`, quotes
/// included. Dates are not judged: nothing here has a `Last-Modified`.
pub fn precondition(method: &Method, headers: &HeaderMap, etag: &str) -> Precondition {
    if headers.contains_key(IF_MATCH) && !tags(headers, IF_MATCH).any(|tag| tag == "*" || tag == etag) {
        return Precondition::Failed;
    }
    let matches = |tag: &str| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag;
    if tags(headers, IF_NONE_MATCH).any(matches) {
        return match *method {
            Method::GET | Method::HEAD => Precondition::NotModified,
            _ => Precondition::Failed,
        };
    }
    Precondition::Proceed
}

/// The entity tags of a list. Ours hold no comma, so a tag that does can be torn apart without harm.
fn tags(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim)
}

/// Reads `Range` and `If-Range` for a body of `length` bytes.
pub fn selection(method: &Method, headers: &HeaderMap, etag: &str, length: u64) -> Selection {
    // Ranges are defined for GET alone (section 14.2).
    let Some(range) = headers.get(RANGE).filter(|_| *method == Method::GET) else { return Selection::Whole };
    // A date, a weak tag or another tag: the client's part is not of this body.
    if headers.get(IF_RANGE).is_some_and(|tag| tag.as_bytes() != etag.as_bytes()) {
        return Selection::Whole;
    }
    let specs = range.to_str().ok().and_then(strip_unit);
    match specs.map(str::trim) {
        Some(spec) if !spec.contains(',') => select(spec, length),
        _ => Selection::Whole,
    }
}

fn strip_unit(range: &str) -> Option<&str> {
    let (unit, specs) = range.split_once('=')?;
    unit.eq_ignore_ascii_case("bytes").then_some(specs)
}

fn select(spec: &str, length: u64) -> Selection {
    let Some((first, last)) = spec.split_once('-') else { return Selection::Whole };
    let range = match (number(first), number(last)) {
        (Some(first), Some(last)) if first > last => return Selection::Whole,
        (Some(first), Some(last)) => first..last.saturating_add(1).min(length),
        (Some(first), None) if last.is_empty() => first..length,
        (None, Some(suffix)) if first.is_empty() => length.saturating_sub(suffix)..length,
        _ => return Selection::Whole,
    };
    if range.is_empty() { Selection::Unsatisfiable } else { Selection::Part(range) }
}

/// Digits only; more of them than fit mean "to the end".
fn number(digits: &str) -> Option<u64> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ETAG: &str = "\"v1-abc\"";

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn preconditions_are_judged_in_order() {
        use Precondition::{Failed, NotModified, Proceed};
        for (method, pairs, expected) in [
            ("GET", &[][..], Proceed),
            ("GET", &[("if-none-match", "\"v1-abc\"")], NotModified),
            ("HEAD", &[("if-none-match", "\"x\", W/\"v1-abc\"")], NotModified),
            ("GET", &[("if-none-match", "*")], NotModified),
            ("PUT", &[("if-none-match", "*")], Failed),
            ("GET", &[("if-none-match", "\"x\"")], Proceed),
            ("GET", &[("if-none-match", "v1-abc")], Proceed),
            ("GET", &[("if-match", "\"v1-abc\"")], Proceed),
            ("GET", &[("if-match", "*")], Proceed),
            ("GET", &[("if-match", "W/\"v1-abc\"")], Failed),
            ("GET", &[("if-match", "\"x\"")], Failed),
            ("GET", &[("if-match", "\"x\""), ("if-none-match", "\"v1-abc\"")], Failed),
            ("GET", &[("if-match", "\"v1-abc\""), ("if-none-match", "\"v1-abc\"")], NotModified),
            ("GET", &[("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT")], Proceed),
        ] {
            let method = method.parse().unwrap();
            assert_eq!(precondition(&method, &headers(pairs), ETAG), expected, "{method} {pairs:?}");
        }
    }

    #[test]
    fn one_range_of_bytes_is_a_part() {
        use Selection::{Part, Unsatisfiable, Whole};
        for (range, expected) in [
            ("bytes=0-0", Part(0..1)),
            ("bytes=0-9", Part(0..10)),
            ("bytes=0-99", Part(0..10)),
            ("BYTES=3-", Part(3..10)),
            ("bytes=-3", Part(7..10)),
            ("bytes=-99", Part(0..10)),
            ("bytes= 2-3 ", Part(2..4)),
            ("bytes=0-99999999999999999999999", Part(0..10)),
            ("bytes=10-", Unsatisfiable),
            ("bytes=10-20", Unsatisfiable),
            ("bytes=-0", Unsatisfiable),
            ("bytes=5-4", Whole),
            ("bytes=0-1,3-4", Whole),
            ("bytes=", Whole),
            ("bytes=-", Whole),
            ("bytes=a-b", Whole),
            ("bytes=+1-2", Whole),
            ("bytes 0-1", Whole),
            ("lines=0-1", Whole),
        ] {
            assert_eq!(selection(&Method::GET, &headers(&[("range", range)]), ETAG, 10), expected, "{range}");
        }
        assert_eq!(selection(&Method::HEAD, &headers(&[("range", "bytes=0-1")]), ETAG, 10), Whole);
        assert_eq!(selection(&Method::GET, &headers(&[("range", "bytes=0-")]), ETAG, 0), Unsatisfiable);
    }

    #[test]
    fn a_range_of_another_body_gets_the_whole() {
        for (if_range, expected) in [
            ("\"v1-abc\"", Selection::Part(0..2)),
            ("W/\"v1-abc\"", Selection::Whole),
            ("\"v2\"", Selection::Whole),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Selection::Whole),
        ] {
            let headers = headers(&[("range", "bytes=0-1"), ("if-range", if_range)]);
            assert_eq!(selection(&Method::GET, &headers, ETAG, 10), expected, "{if_range}");
        }
    }

    proptest! {
        #[test]
        fn a_part_is_never_empty_and_never_outside(range in "bytes=[0-9]{0,4}-[0-9]{0,4}", length in 0u64..5_000) {
            let headers = headers(&[("range", &range)]);
            if let Selection::Part(part) = selection(&Method::GET, &headers, ETAG, length) {
                prop_assert!(part.start < part.end && part.end <= length);
            }
        }
    }
}
