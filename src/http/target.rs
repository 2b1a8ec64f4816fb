//! Request targets and authorities (RFC 9112 section 3.2, RFC 3986), as strictly as hyper's own parser and a little
//! more: what passes here, it takes.

use std::ops::Range;

use crate::http::refusal::Refusal;

/// Judges a target. In absolute form it names an authority itself: where in the target that is.
pub fn authority_of(method: &[u8], target: &[u8]) -> Result<Option<Range<usize>>, Refusal> {
    match target.first() {
        Some(b'/') => judge_path(target).map(|()| None),
        Some(b'*') if target.len() == 1 && method == b"OPTIONS" => Ok(None),
        _ => absolute_authority(target).map(Some),
    }
}

fn absolute_authority(target: &[u8]) -> Result<Range<usize>, Refusal> {
    let scheme_end = [&b"http://"[..], b"https://"]
        .iter()
        .find(|scheme| target.len() > scheme.len() && target[..scheme.len()].eq_ignore_ascii_case(scheme))
        .map(|scheme| scheme.len())
        .ok_or(Refusal::TargetInvalid)?;
    let rest = &target[scheme_end..];
    let length = rest.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#')).unwrap_or(rest.len());
    if !is_authority(&rest[..length]) {
        return Err(Refusal::TargetInvalid);
    }
    if length < rest.len() {
        judge_path(&rest[length..])?;
    }
    Ok(scheme_end..scheme_end + length)
}

/// A path, which begins with `/` or is empty, and a query. A fragment is never sent to a server. Every byte is looked
/// at, the good ones of nearly every target, because a loop without an early end takes many bytes at once.
fn judge_path(target: &[u8]) -> Result<(), Refusal> {
    let path_end = memchr::memchr(b'?', target).unwrap_or(target.len());
    let (path, query) = target.split_at(path_end);
    let path_is_good = path.iter().fold(true, |good, &byte| {
        good & matches!(byte, b'!' | b'$'..=b';' | b'=' | b'@'..=b'_' | b'a'..=b'z' | b'|' | b'~')
    });
    let query_is_good =
        query.iter().fold(true, |good, &byte| good & matches!(byte, b'!' | b'$'..=b';' | b'=' | b'?'..=b'~'));
    if path_is_good && query_is_good { Ok(()) } else { Err(Refusal::TargetInvalid) }
}

/// `host[:port]` without user information; the host is a name, an IPv4 address or an IPv6 address in brackets.
pub fn is_authority(text: &[u8]) -> bool {
    let (host, port) = split_port(text);
    let host_is_good = match host {
        [b'[', inner @ .., b']'] => {
            std::str::from_utf8(inner).is_ok_and(|inner| inner.parse::<std::net::Ipv6Addr>().is_ok())
        }
        _ => {
            !host.is_empty()
                && host.len() <= 255
                && host.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~'))
        }
    };
    host_is_good
        && port.is_none_or(|port| {
            port.iter().all(u8::is_ascii_digit)
                && std::str::from_utf8(port).is_ok_and(|digits| digits.parse::<u16>().is_ok())
        })
}

/// Two authorities name one place: hosts without regard to case, and a port of 80 or 443 is the same as none.
pub fn is_same_authority(one: &[u8], other: &[u8]) -> bool {
    let ((one_host, one_port), (other_host, other_port)) = (split_port(one), split_port(other));
    let given = |port: Option<&[u8]>| port.is_some_and(|port| port != b"80" && port != b"443");
    let ports_are_same = if given(one_port) || given(other_port) { one_port == other_port } else { true };
    one_host.eq_ignore_ascii_case(other_host) && ports_are_same
}

fn split_port(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    match memchr::memrchr(b':', text) {
        // A colon inside the brackets of an IPv6 address is not a port's.
        Some(colon) if !text[colon..].contains(&b']') => (&text[..colon], Some(&text[colon + 1..])),
        _ => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_authority_is_a_host_and_perhaps_a_port() {
        for good in ["a", "example.com", "example.com:8443", "127.0.0.1:1", "[::1]", "[::1]:443", "under_score.local"] {
            assert!(is_authority(good.as_bytes()), "{good}");
        }
        for bad in ["", ":80", "a:", "a:65536", "a:-1", "u@a", "a b", "a/b", "[::1", "[::1]x", "::1", "a,b", "[]", "ä"]
        {
            assert!(!is_authority(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn a_default_port_is_the_same_as_none() {
        assert!(is_same_authority(b"Example.com", b"example.COM:80"));
        assert!(is_same_authority(b"example.com:8443", b"example.com:8443"));
        assert!(!is_same_authority(b"example.com:8443", b"example.com"));
        assert!(!is_same_authority(b"example.com", b"example.org"));
    }

    #[test]
    fn targets_have_three_forms() {
        for (method, target, verdict) in [
            ("GET", "/", Ok(None)),
            ("GET", "/a?b=/c?d[]", Ok(None)),
            ("OPTIONS", "*", Ok(None)),
            ("GET", "http://a.b:1/c", Ok(Some(7..12))),
            ("GET", "HTTPS://a", Ok(Some(8..9))),
            ("GET", "http://a?q", Ok(Some(7..8))),
            ("GET", "*", Err(Refusal::TargetInvalid)),
            ("GET", "", Err(Refusal::TargetInvalid)),
            ("GET", "a/b", Err(Refusal::TargetInvalid)),
            ("GET", "/a#b", Err(Refusal::TargetInvalid)),
            ("GET", "/a\u{e4}", Err(Refusal::TargetInvalid)),
            ("GET", "ftp://a/", Err(Refusal::TargetInvalid)),
            ("GET", "http://u@a/", Err(Refusal::TargetInvalid)),
            ("GET", "http:///a", Err(Refusal::TargetInvalid)),
        ] {
            assert_eq!(authority_of(method.as_bytes(), target.as_bytes()), verdict, "{method} {target}");
        }
    }

    proptest! {
        #[test]
        fn what_passes_is_a_uri_to_the_http_crate(target in "(/|http://a|https://\\[::1\\]:8)[!-~]{0,20}") {
            if authority_of(b"GET", target.as_bytes()).is_ok() {
                prop_assert!(target.parse::<http::Uri>().is_ok(), "{}", target);
            }
        }
    }
}
