//! The strict frame of an HTTP/1 request stream (RFC 9112): where each request begins and ends, and whether anything
//! about that is ambiguous. Pure: bytes in, verdict out; `gate.rs` puts it in front of hyper.
//!
//! ```text
//! Head ──► Head                      no body
//!      ──► Body{left} ──► Head       Content-Length
//!      ──► ChunkSize ─► ChunkData{left} ─► ChunkEnd ─► ChunkSize … ─► Trailers ─► Head
//! any  ──► Broken                    refused: nothing after it is read
//! ```
//!
//! Whatever two readers might frame differently is refused, not repaired. Lines are judged whole and in order, lengths
//! before contents, so the verdict does not depend on how the bytes were split on their way here (a property test holds
//! that). A complete line is looked at once; what has been looked at is not looked at again when more arrives.

use std::ops::Range;

use crate::http::limits::Limits;
use crate::http::refusal::Refusal;
use crate::http::target;

/// What a request line has besides its target: a method, two spaces, a version and the line's end.
const REQUEST_LINE_REST_BYTES_MAX: usize = 64;

/// Follows the frame of one connection's requests.
pub struct Framer {
    head_bytes_max: usize,
    fields_max: usize,
    uri_bytes_max: usize,
    chunk_line_bytes_max: usize,
    state: State,
    head: Head,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Head,
    Body { left: u64 },
    ChunkSize,
    ChunkData { left: u64 },
    ChunkEnd,
    Trailers { bytes: usize, fields: usize },
    Broken,
}

/// What is known of a head that may not be complete. Offsets count from the first byte of the head.
#[derive(Default)]
struct Head {
    line_start: usize,
    /// No line end lies before this.
    scanned: usize,
    blank_line_seen: bool,
    request_line: Option<RequestLine>,
    fields: usize,
    /// Where the value of Host is.
    host: Option<Range<usize>>,
    content_length: Option<u64>,
    chunked: bool,
}

struct RequestLine {
    is_http_1_0: bool,
    /// The authority of a target in absolute form.
    authority: Option<Range<usize>>,
}

/// What can be said after more bytes have come.
#[derive(Debug, PartialEq, Eq)]
pub struct Advance {
    /// So many bytes from the front are framed and may be read; the rest is an incomplete line or head, to be presented
    /// again with what follows it.
    pub pass: usize,
    /// How many heads were completed.
    pub heads: u64,
    pub refusal: Option<Refusal>,
    /// What was refused is a head, which nobody has seen; otherwise it is the body of a request that has begun.
    pub refused_in_head: bool,
}

impl Framer {
    pub fn new(limits: &Limits) -> Framer {
        Framer {
            head_bytes_max: limits.head_bytes_max,
            fields_max: limits.head_fields_max,
            uri_bytes_max: limits.uri_bytes_max,
            chunk_line_bytes_max: limits.chunk_line_bytes_max,
            state: State::Head,
            head: Head::default(),
        }
    }

    /// The next byte begins a new request, or is one of a head that is not complete.
    pub fn is_in_head(&self) -> bool {
        self.state == State::Head
    }

    /// Takes everything that has not passed yet, what was presented before and did not pass included.
    pub fn advance(&mut self, pending: &[u8]) -> Advance {
        let mut advance = Advance { pass: 0, heads: 0, refusal: None, refused_in_head: false };
        while advance.pass < pending.len() {
            let in_head = self.is_in_head();
            match self.step(&pending[advance.pass..]) {
                Ok(0) => break,
                Ok(passed) => {
                    advance.heads += u64::from(in_head);
                    advance.pass += passed;
                }
                Err(refusal) => {
                    self.state = State::Broken;
                    advance.refusal = Some(refusal);
                    advance.refused_in_head = in_head;
                    break;
                }
            }
        }
        advance
    }

    /// Frames one piece from the front of `rest`; zero bytes means that more are needed.
    fn step(&mut self, rest: &[u8]) -> Result<usize, Refusal> {
        match self.state {
            State::Head => self.step_head(rest),
            State::Body { left } => {
                let (taken, left) = take(rest, left);
                self.state = if left == 0 { self.next_request() } else { State::Body { left } };
                Ok(taken)
            }
            State::ChunkSize => self.step_chunk_size(rest),
            State::ChunkData { left } => {
                let (taken, left) = take(rest, left);
                self.state = if left == 0 { State::ChunkEnd } else { State::ChunkData { left } };
                Ok(taken)
            }
            State::ChunkEnd => match rest {
                [b'\r'] => Ok(0),
                [b'\r', b'\n', ..] => {
                    self.state = State::ChunkSize;
                    Ok(2)
                }
                _ => Err(Refusal::ChunkInvalid),
            },
            State::Trailers { bytes, fields } => self.step_trailer(rest, bytes, fields),
            State::Broken => Ok(0),
        }
    }

    fn next_request(&mut self) -> State {
        self.head = Head::default();
        State::Head
    }

    fn step_head(&mut self, rest: &[u8]) -> Result<usize, Refusal> {
        // A TLS hello or an HTTP/2 preface on the wrong port need not wait for a line's end that may never come.
        if !is_token_byte(rest[0]) && !matches!(rest[0], b'\r' | b'\n') {
            return Err(Refusal::RequestLineInvalid);
        }
        loop {
            let start = self.head.line_start;
            let line_end = memchr::memchr(b'\n', &rest[self.head.scanned..]).map(|found| self.head.scanned + found);
            let seen = line_end.map_or(rest.len(), |end| end + 1);
            if self.head.request_line.is_none() && seen - start > self.uri_bytes_max + REQUEST_LINE_REST_BYTES_MAX {
                return Err(Refusal::UriTooLong);
            }
            if seen > self.head_bytes_max {
                return Err(Refusal::HeadTooLarge);
            }
            self.head.scanned = seen;
            let Some(end) = line_end else { return Ok(0) };
            let line = line_content(&rest[start..end])?;
            self.head.line_start = end + 1;
            if self.head.request_line.is_none() {
                self.take_request_line(rest, start..start + line.len())?;
            } else if line.is_empty() {
                self.state = self.finish_head(rest)?;
                return Ok(end + 1);
            } else {
                self.take_field(rest, start..start + line.len())?;
            }
        }
    }

    fn take_request_line(&mut self, head: &[u8], at: Range<usize>) -> Result<(), Refusal> {
        let line = &head[at.clone()];
        if line.is_empty() {
            // RFC 9112 section 2.2: one empty line before a request is forgiven.
            return if std::mem::replace(&mut self.head.blank_line_seen, true) {
                Err(Refusal::RequestLineInvalid)
            } else {
                Ok(())
            };
        }
        let mut parts = line.split(|&byte| byte == b' ');
        let (Some(method), Some(target), Some(version), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Refusal::RequestLineInvalid);
        };
        let is_http_1_0 = match version {
            b"HTTP/1.1" => false,
            b"HTTP/1.0" => true,
            [b'H', b'T', b'T', b'P', b'/', major, b'.', minor] if major.is_ascii_digit() && minor.is_ascii_digit() => {
                return Err(Refusal::VersionUnsupported);
            }
            _ => return Err(Refusal::RequestLineInvalid),
        };
        if method.is_empty() || !method.iter().copied().all(is_token_byte) {
            return Err(Refusal::RequestLineInvalid);
        }
        if matches!(method, b"TRACE" | b"CONNECT") {
            return Err(Refusal::MethodRefused);
        }
        if target.len() > self.uri_bytes_max {
            return Err(Refusal::UriTooLong);
        }
        let target_start = at.start + method.len() + 1;
        let authority = target::authority_of(method, target)?
            .map(|authority| target_start + authority.start..target_start + authority.end);
        self.head.request_line = Some(RequestLine { is_http_1_0, authority });
        Ok(())
    }

    fn take_field(&mut self, head: &[u8], at: Range<usize>) -> Result<(), Refusal> {
        self.head.fields += 1;
        if self.head.fields > self.fields_max {
            return Err(Refusal::FieldsTooMany);
        }
        let (name, value) = split_field(&head[at.clone()])?;
        let is_http_1_0 = self.head.request_line.as_ref().is_some_and(|line| line.is_http_1_0);
        // The four names that decide about the frame differ in length, so most fields cost one comparison.
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => {
                if self.head.host.is_some() {
                    return Err(Refusal::HostRepeated);
                }
                if !target::is_authority(value) {
                    return Err(Refusal::HostInvalid);
                }
                let start = at.start + offset_in(&head[at], value);
                self.head.host = Some(start..start + value.len());
            }
            6 if name.eq_ignore_ascii_case(b"expect")
                && !is_http_1_0
                && !value.eq_ignore_ascii_case(b"100-continue") =>
            {
                return Err(Refusal::ExpectationUnknown);
            }
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                if self.head.content_length.is_some() {
                    return Err(Refusal::LengthRepeated);
                }
                if self.head.chunked {
                    return Err(Refusal::LengthAndEncoding);
                }
                self.head.content_length = Some(parse_length(value)?);
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                if self.head.content_length.is_some() {
                    return Err(Refusal::LengthAndEncoding);
                }
                if is_http_1_0 || self.head.chunked {
                    return Err(Refusal::EncodingInvalid);
                }
                judge_encoding(value)?;
                self.head.chunked = true;
            }
            _ => {}
        }
        Ok(())
    }

    fn finish_head(&mut self, bytes: &[u8]) -> Result<State, Refusal> {
        let head = std::mem::take(&mut self.head);
        let Some(line) = head.request_line else { return Err(Refusal::RequestLineInvalid) };
        let host = head.host.map(|range| &bytes[range]);
        match (host, line.authority.map(|range| &bytes[range])) {
            (None, _) if !line.is_http_1_0 => return Err(Refusal::HostMissing),
            (Some(host), Some(authority)) if !target::is_same_authority(authority, host) => {
                return Err(Refusal::HostMismatch);
            }
            _ => {}
        }
        Ok(match (head.chunked, head.content_length) {
            (true, _) => State::ChunkSize,
            (false, Some(left)) if left > 0 => State::Body { left },
            _ => State::Head,
        })
    }

    fn step_chunk_size(&mut self, rest: &[u8]) -> Result<usize, Refusal> {
        let line_end = memchr::memchr(b'\n', rest);
        if line_end.map_or(rest.len(), |end| end + 1) > self.chunk_line_bytes_max {
            return Err(Refusal::ChunkInvalid);
        }
        let Some(end) = line_end else { return Ok(0) };
        let line = line_content(&rest[..end])?;
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        // Fifteen digits cannot overflow; extensions are allowed and mean nothing to us.
        if digits == 0 || digits > 15 || !matches!(line.get(digits), None | Some(b';')) {
            return Err(Refusal::ChunkInvalid);
        }
        let size = line[..digits]
            .iter()
            .fold(0u64, |size, &digit| size << 4 | u64::from(char::from(digit).to_digit(16).unwrap_or_default()));
        self.state = if size == 0 { State::Trailers { bytes: 0, fields: 0 } } else { State::ChunkData { left: size } };
        Ok(end + 1)
    }

    fn step_trailer(&mut self, rest: &[u8], bytes: usize, fields: usize) -> Result<usize, Refusal> {
        let line_end = memchr::memchr(b'\n', rest);
        let bytes_seen = bytes + line_end.map_or(rest.len(), |end| end + 1);
        if bytes_seen > self.head_bytes_max {
            return Err(Refusal::TrailerInvalid);
        }
        let Some(end) = line_end else { return Ok(0) };
        let line = line_content(&rest[..end])?;
        if line.is_empty() {
            self.state = self.next_request();
            return Ok(end + 1);
        }
        let (name, _) = split_field(line)?;
        let decides_the_frame = [&b"host"[..], b"expect", b"content-length", b"transfer-encoding"]
            .iter()
            .any(|framing| name.eq_ignore_ascii_case(framing));
        if decides_the_frame || fields + 1 > self.fields_max {
            return Err(Refusal::TrailerInvalid);
        }
        self.state = State::Trailers { bytes: bytes_seen, fields: fields + 1 };
        Ok(end + 1)
    }
}

/// Takes up to `left` bytes of `rest`: how many there were, and how many remain to come.
fn take(rest: &[u8], left: u64) -> (usize, u64) {
    let taken = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
    (taken, left - taken as u64)
}

/// A line without its end, which has to be CRLF; nothing in it may be a control character.
fn line_content(line: &[u8]) -> Result<&[u8], Refusal> {
    let Some((b'\r', content)) = line.split_last() else { return Err(Refusal::BareLf) };
    // Most lines have neither; only one that has is looked at again to say which. A loop without an early end takes many
    // bytes at once, and the request line, with a token in it, is long.
    let is_text = |byte: u8| byte >= 0x20 && byte != 0x7F || byte == b'\t';
    if content.iter().fold(true, |good, &byte| good & is_text(byte)) {
        Ok(content)
    } else if content.contains(&b'\r') {
        Err(Refusal::BareCr)
    } else {
        Err(Refusal::ControlCharacter)
    }
}

/// A field line as name and value, the value without the white space around it (RFC 9112 section 5).
fn split_field(line: &[u8]) -> Result<(&[u8], &[u8]), Refusal> {
    if matches!(line.first(), Some(b' ' | b'\t')) {
        return Err(Refusal::FoldedField);
    }
    let colon = memchr::memchr(b':', line).ok_or(Refusal::FieldInvalid)?;
    let name = &line[..colon];
    if name.is_empty() || !name.iter().copied().all(is_token_byte) {
        return Err(Refusal::FieldInvalid);
    }
    Ok((name, line[colon + 1..].trim_ascii()))
}

fn parse_length(value: &[u8]) -> Result<u64, Refusal> {
    // Eighteen digits cannot overflow and are more than any body.
    if value.is_empty() || value.len() > 18 || !value.iter().all(u8::is_ascii_digit) {
        return Err(Refusal::LengthInvalid);
    }
    Ok(value.iter().fold(0, |length, digit| length * 10 + u64::from(digit - b'0')))
}

/// Only `chunked` is understood. Another coding before a final `chunked` is one we do not implement (501); anything
/// else leaves the end of the body unknown (400). RFC 9112 section 6.1 and 6.3.
fn judge_encoding(value: &[u8]) -> Result<(), Refusal> {
    if value.eq_ignore_ascii_case(b"chunked") {
        return Ok(());
    }
    let mut codings = value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
    let last_is_chunked = codings.next_back().is_some_and(|coding| coding.eq_ignore_ascii_case(b"chunked"));
    let others_are_names = codings.all(|coding| {
        !coding.is_empty() && coding.iter().copied().all(is_token_byte) && !coding.eq_ignore_ascii_case(b"chunked")
    });
    Err(if last_is_chunked && others_are_names { Refusal::EncodingUnsupported } else { Refusal::EncodingInvalid })
}

/// Where `part`, a subslice of `whole`, begins in it.
fn offset_in(whole: &[u8], part: &[u8]) -> usize {
    (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize)
}

/// tchar of RFC 9110 section 5.6.2.
pub(crate) fn is_token_byte(byte: u8) -> bool {
    const TOKEN: [bool; 256] = {
        let mut table = [false; 256];
        let mut byte = 0;
        while byte < 256 {
            table[byte] = (byte as u8).is_ascii_alphanumeric();
            byte += 1;
        }
        let marks = b"!#$%&'*+-.^_`|~";
        let mut index = 0;
        while index < marks.len() {
            table[marks[index] as usize] = true;
            index += 1;
        }
        table
    };
    TOKEN[usize::from(byte)]
}

#[cfg(test)]
mod tests;
