//! A playlist as text (RFC 8216bis, 4): read line by line, so that what is wrong is said with its line. A crate that
//! gives back a finished playlist has already forgotten what these checks are about: duplicates, quotes, order.

mod attributes;
mod version;

use std::ops::Range;

use crate::base::error::{Error, ErrorKind, Result};
use crate::inspect::check;
use crate::inspect::report::Findings;

pub use crate::inspect::playlist::attributes::Attributes;

/// A playlist of either kind.
#[derive(Clone, Debug)]
pub enum Playlist {
    Multivariant(Multivariant),
    Media(Media),
}

/// A Multivariant Playlist (4.4.6).
#[derive(Clone, Debug, Default)]
pub struct Multivariant {
    pub is_independent: bool,
    pub renditions: Vec<Tagged>,
    pub variants: Vec<Tagged>,
    pub iframe_variants: Vec<Tagged>,
}

/// An EXT-X-MEDIA, EXT-X-STREAM-INF or EXT-X-I-FRAME-STREAM-INF.
#[derive(Clone, Debug)]
pub struct Tagged {
    pub line: usize,
    pub attributes: Attributes,
    /// The URI attribute, or the line behind EXT-X-STREAM-INF.
    pub uri: Option<String>,
}

/// A Media Playlist (4.4.3, 4.4.4).
#[derive(Clone, Debug, Default)]
pub struct Media {
    pub version: Option<u64>,
    pub target_duration_s: Option<u64>,
    pub playlist_type: Option<String>,
    pub is_independent: bool,
    pub is_iframes_only: bool,
    pub has_ended: bool,
    pub maps: Vec<Map>,
    pub keys: Vec<Key>,
    pub segments: Vec<MediaSegment>,
}

/// EXT-X-MAP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map {
    pub line: usize,
    pub uri: String,
    pub range: Option<Range<u64>>,
    /// Its place among [`Media::keys`].
    pub key: Option<usize>,
}

/// EXT-X-KEY, unless its METHOD is NONE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub line: usize,
    pub method: String,
    pub uri: Option<String>,
    pub iv: Option<[u8; 16]>,
}

/// EXTINF, what stands with it, and the URI line.
#[derive(Clone, Debug, PartialEq)]
pub struct MediaSegment {
    /// Of the URI.
    pub line: usize,
    /// Media sequence number.
    pub msn: u64,
    pub duration_s: f64,
    pub uri: String,
    pub range: Option<Range<u64>>,
    /// Places among [`Media::maps`] and [`Media::keys`].
    pub map: Option<usize>,
    pub key: Option<usize>,
    pub is_discontinuity: bool,
    pub is_gap: bool,
}

const MULTIVARIANT_TAGS: &[&str] = &[
    "EXT-X-MEDIA",
    "EXT-X-STREAM-INF",
    "EXT-X-I-FRAME-STREAM-INF",
    "EXT-X-SESSION-DATA",
    "EXT-X-SESSION-KEY",
    "EXT-X-CONTENT-STEERING",
];
const MEDIA_TAGS: &[&str] = &[
    "EXTINF",
    "EXT-X-BYTERANGE",
    "EXT-X-DISCONTINUITY",
    "EXT-X-KEY",
    "EXT-X-MAP",
    "EXT-X-PROGRAM-DATE-TIME",
    "EXT-X-GAP",
    "EXT-X-BITRATE",
    "EXT-X-PART",
    "EXT-X-TARGETDURATION",
    "EXT-X-MEDIA-SEQUENCE",
    "EXT-X-DISCONTINUITY-SEQUENCE",
    "EXT-X-ENDLIST",
    "EXT-X-PLAYLIST-TYPE",
    "EXT-X-I-FRAMES-ONLY",
    "EXT-X-PART-INF",
    "EXT-X-SERVER-CONTROL",
    "EXT-X-DATERANGE",
    "EXT-X-SKIP",
    "EXT-X-PRELOAD-HINT",
    "EXT-X-RENDITION-REPORT",
];
/// At most one of each in a playlist.
const SINGLE_TAGS: &[&str] = &[
    "EXTM3U",
    "EXT-X-VERSION",
    "EXT-X-INDEPENDENT-SEGMENTS",
    "EXT-X-START",
    "EXT-X-TARGETDURATION",
    "EXT-X-MEDIA-SEQUENCE",
    "EXT-X-DISCONTINUITY-SEQUENCE",
    "EXT-X-ENDLIST",
    "EXT-X-PLAYLIST-TYPE",
    "EXT-X-I-FRAMES-ONLY",
    "EXT-X-PART-INF",
    "EXT-X-SERVER-CONTROL",
    "EXT-X-CONTENT-STEERING",
];

/// A line that says something.
enum Line<'a> {
    Tag { line: usize, name: &'a str, value: &'a str },
    Uri { line: usize, uri: &'a str },
}

impl Playlist {
    /// Reads what lies at `subject`. An error means that it is no playlist; what is wrong with one is noted.
    pub fn read(bytes: &[u8], subject: &str, findings: &mut Findings) -> Result<Playlist> {
        let lossy = String::from_utf8_lossy(bytes);
        if std::str::from_utf8(bytes).is_err() {
            findings.note(check::PLAYLIST_ENCODING, subject, "", "It is not UTF-8.".to_owned());
        }
        let text = match lossy.strip_prefix('\u{feff}') {
            Some(text) => {
                findings.note(check::PLAYLIST_ENCODING, subject, ":1", "It begins with a byte order mark.".to_owned());
                text
            }
            None => &lossy,
        };
        if let Some(control) = text.chars().find(|&letter| letter.is_control() && !matches!(letter, '\n' | '\r')) {
            let message = format!("It has the control character U+{:04X}.", u32::from(control));
            findings.note(check::PLAYLIST_ENCODING, subject, "", message);
        }
        let lines = lines(text);
        let has =
            |names: &[&str]| lines.iter().any(|line| matches!(line, Line::Tag { name, .. } if names.contains(name)));
        if !has(&["EXTM3U"]) && !has(MULTIVARIANT_TAGS) && !has(MEDIA_TAGS) {
            let detail = format!("{subject} is no playlist: it has no #EXTM3U.");
            return Err(Error::new(ErrorKind::Invalid, "INSPECT_NOT_A_PLAYLIST", detail));
        }
        if !matches!(text.lines().next(), Some("#EXTM3U")) {
            findings.note(check::PLAYLIST_HEADER, subject, ":1", "The first line is another one.".to_owned());
        }
        let is_multivariant = has(&["EXT-X-STREAM-INF", "EXT-X-I-FRAME-STREAM-INF", "EXT-X-MEDIA"]);
        for (place, line) in lines.iter().enumerate() {
            let Line::Tag { line, name, .. } = line else { continue };
            let foreign = if is_multivariant { MEDIA_TAGS } else { MULTIVARIANT_TAGS };
            if foreign.contains(name) {
                let kind = if is_multivariant { "Multivariant" } else { "Media" };
                findings.note(
                    check::PLAYLIST_MIXED,
                    subject,
                    format_args!(":{line}"),
                    format!("{name} is in a {kind} Playlist."),
                );
            }
            let earlier = &lines[..place];
            let again = earlier.iter().any(|other| matches!(other, Line::Tag { name: other, .. } if other == name));
            if again && SINGLE_TAGS.contains(name) {
                findings.note(check::TAG_DUPLICATE, subject, format_args!(":{line}"), format!("{name} comes again."));
            }
        }
        let mut reader = Reader { subject, findings };
        let (playlist, needed) = if is_multivariant {
            let (playlist, needed) = reader.multivariant(&lines);
            (Playlist::Multivariant(playlist), needed)
        } else {
            let (playlist, needed) = reader.media(&lines);
            (Playlist::Media(playlist), needed)
        };
        reader.check_version(&lines, needed);
        Ok(playlist)
    }
}

fn lines(text: &str) -> Vec<Line<'_>> {
    let numbered = text.lines().enumerate().map(|(place, line)| (place + 1, line.trim_end()));
    numbered
        .filter_map(|(line, text)| {
            let Some(tag) = text.strip_prefix('#') else {
                return (!text.is_empty()).then_some(Line::Uri { line, uri: text });
            };
            let (name, value) = tag.split_once(':').unwrap_or((tag, ""));
            // Everything else behind a # is a comment.
            name.starts_with("EXT").then_some(Line::Tag { line, name, value })
        })
        .collect()
}

struct Reader<'a> {
    subject: &'a str,
    findings: &'a mut Findings,
}

impl Reader<'_> {
    fn note(&mut self, check: &'static check::Check, line: usize, message: String) {
        self.findings.note(check, self.subject, format_args!(":{line}"), message);
    }

    fn multivariant(&mut self, lines: &[Line<'_>]) -> (Multivariant, u64) {
        let mut playlist = Multivariant::default();
        let mut needed = 1;
        let mut waiting: Option<Tagged> = None;
        for line in lines {
            match *line {
                Line::Uri { line, uri } => match waiting.take() {
                    Some(variant) => playlist.variants.push(Tagged { uri: Some(uri.to_owned()), ..variant }),
                    None => self.note(check::TAG_SYNTAX, line, "A URI stands behind no EXT-X-STREAM-INF.".to_owned()),
                },
                Line::Tag { line, name, value } => {
                    if let Some(variant) = waiting.take_if(|_| MULTIVARIANT_TAGS.contains(&name)) {
                        let message = "Another tag stands where its URI should.".to_owned();
                        self.note(check::VARIANT_URI_MISSING, variant.line, message);
                        playlist.variants.push(variant);
                    }
                    let mut tagged = || {
                        let attributes = self.attributes(line, name, value);
                        let uri = attributes.quoted("URI").map(str::to_owned);
                        Tagged { line, attributes, uri }
                    };
                    match name {
                        "EXT-X-MEDIA" => playlist.renditions.push(tagged()),
                        "EXT-X-STREAM-INF" => waiting = Some(tagged()),
                        "EXT-X-I-FRAME-STREAM-INF" => playlist.iframe_variants.push(tagged()),
                        "EXT-X-INDEPENDENT-SEGMENTS" => playlist.is_independent = true,
                        "EXT-X-DEFINE" => needed = needed.max(version::of_define(value)),
                        _ => {}
                    }
                }
            }
        }
        if let Some(variant) = waiting {
            self.note(
                check::VARIANT_URI_MISSING,
                variant.line,
                "The playlist ends where its URI should be.".to_owned(),
            );
            playlist.variants.push(variant);
        }
        let services = playlist.renditions.iter().filter_map(|media| media.attributes.quoted("INSTREAM-ID"));
        if services.into_iter().any(|id| id.starts_with("SERVICE")) {
            needed = needed.max(version::SERVICES);
        }
        (playlist, needed)
    }

    fn media(&mut self, lines: &[Line<'_>]) -> (Media, u64) {
        let mut playlist = Media::default();
        let mut needed = 1;
        let mut next_msn = 0;
        let mut duration_s: Option<f64> = None;
        let mut ranged: Option<(u64, Option<u64>)> = None;
        let (mut map, mut key) = (None, None);
        let (mut is_discontinuity, mut is_gap) = (false, false);
        // Where the last range of which resource ended.
        let mut range_end: Option<(String, u64)> = None;
        for line in lines {
            let (line, name, value) = match *line {
                Line::Tag { line, name, value } => (line, name, value),
                Line::Uri { line, uri } => {
                    if duration_s.is_none() {
                        self.note(check::EXTINF_MISSING, line, "No EXTINF stands before this segment.".to_owned());
                    }
                    let range = ranged.take().map(|(len, offset)| {
                        let start = offset.or_else(|| {
                            range_end.as_ref().filter(|(resource, _)| resource == uri).map(|(_, end)| *end)
                        });
                        if start.is_none() {
                            let message = "No range of the same resource comes before it.".to_owned();
                            self.note(check::BYTERANGE_BASE, line, message);
                        }
                        let start = start.unwrap_or(0);
                        start..start.saturating_add(len)
                    });
                    range_end = range.as_ref().map(|range| (uri.to_owned(), range.end));
                    playlist.segments.push(MediaSegment {
                        line,
                        msn: next_msn,
                        duration_s: duration_s.take().unwrap_or(0.0),
                        uri: uri.to_owned(),
                        range,
                        map,
                        key,
                        is_discontinuity: std::mem::take(&mut is_discontinuity),
                        is_gap: std::mem::take(&mut is_gap),
                    });
                    next_msn += 1;
                    continue;
                }
            };
            let mut number = || {
                let number = value.parse::<u64>().ok();
                if number.is_none() {
                    self.note(check::TAG_SYNTAX, line, format!("{name} has no decimal number."));
                }
                number
            };
            match name {
                "EXT-X-VERSION" => playlist.version = number(),
                "EXT-X-TARGETDURATION" => playlist.target_duration_s = number(),
                "EXT-X-MEDIA-SEQUENCE" => next_msn = number().unwrap_or(0),
                "EXT-X-PLAYLIST-TYPE" => {
                    if !matches!(value, "VOD" | "EVENT") {
                        self.note(check::TAG_SYNTAX, line, format!("{name} is neither VOD nor EVENT."));
                    }
                    playlist.playlist_type = Some(value.to_owned());
                }
                "EXT-X-INDEPENDENT-SEGMENTS" => playlist.is_independent = true,
                "EXT-X-I-FRAMES-ONLY" => {
                    needed = needed.max(version::BYTE_RANGES);
                    playlist.is_iframes_only = true;
                }
                "EXT-X-ENDLIST" => playlist.has_ended = true,
                "EXT-X-DISCONTINUITY" => is_discontinuity = true,
                "EXT-X-GAP" => is_gap = true,
                "EXTINF" => {
                    let text = value.split(',').next().unwrap_or_default();
                    if text.contains('.') {
                        needed = needed.max(version::FRACTIONS);
                    }
                    let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
                    duration_s = text.parse().ok().filter(|_| is_decimal);
                    if duration_s.is_none() || !value.contains(',') {
                        let message = "EXTINF has no decimal duration, or no comma behind it.".to_owned();
                        self.note(check::TAG_SYNTAX, line, message);
                        duration_s = duration_s.or(Some(0.0));
                    }
                }
                "EXT-X-BYTERANGE" => {
                    needed = needed.max(version::BYTE_RANGES);
                    ranged = byte_range(value);
                    if ranged.is_none() {
                        self.note(
                            check::TAG_SYNTAX,
                            line,
                            "EXT-X-BYTERANGE is not LENGTH or LENGTH@OFFSET.".to_owned(),
                        );
                    }
                }
                "EXT-X-KEY" => {
                    let attributes = self.attributes(line, name, value);
                    needed = needed.max(version::of_key(&attributes));
                    key = self.key(line, &attributes).map(|key| {
                        playlist.keys.push(key);
                        playlist.keys.len() - 1
                    });
                }
                "EXT-X-MAP" => {
                    needed = needed.max(version::MAP_OF_IFRAMES);
                    let attributes = self.attributes(line, name, value);
                    let range = attributes.quoted("BYTERANGE").and_then(byte_range);
                    let range = range.map(|(len, offset)| offset.unwrap_or(0)..offset.unwrap_or(0).saturating_add(len));
                    let uri = attributes.quoted("URI").unwrap_or_default().to_owned();
                    playlist.maps.push(Map { line, uri, range, key });
                    map = Some(playlist.maps.len() - 1);
                }
                "EXT-X-SKIP" => needed = needed.max(version::SKIP),
                "EXT-X-DEFINE" => needed = needed.max(version::of_define(value)),
                _ => {}
            }
        }
        if !playlist.maps.is_empty() && !playlist.is_iframes_only {
            needed = needed.max(version::MAP);
        }
        (playlist, needed)
    }

    fn key(&mut self, line: usize, attributes: &Attributes) -> Option<Key> {
        let method = attributes.plain("METHOD")?.to_owned();
        if method == "NONE" {
            return None;
        }
        let uri = attributes.quoted("URI").map(str::to_owned);
        if uri.is_none() {
            self.note(check::ATTRIBUTE_MISSING, line, "EXT-X-KEY has no URI.".to_owned());
        }
        Some(Key { line, method, uri, iv: attributes.plain("IV").and_then(attributes::hexadecimal_128) })
    }

    fn attributes(&mut self, line: usize, tag: &str, value: &str) -> Attributes {
        let (attributes, faults) = Attributes::read(tag, value);
        for (check, message) in faults {
            self.note(check, line, format!("{tag}: {message}"));
        }
        attributes
    }

    fn check_version(&mut self, lines: &[Line<'_>], needed: u64) {
        let said = lines.iter().find_map(|line| match *line {
            Line::Tag { line, name: "EXT-X-VERSION", value } => Some((line, value.parse().unwrap_or(1))),
            _ => None,
        });
        let (line, version) = said.unwrap_or((1, 1));
        if version < needed {
            self.note(
                check::VERSION_TOO_LOW,
                line,
                format!("It says version {version}, and what it uses needs {needed}."),
            );
        } else if version > needed {
            let message = format!("It says version {version}, and what it uses needs no more than {needed}.");
            self.note(check::VERSION_NOT_MINIMAL, line, message);
        }
    }
}

/// `LENGTH[@OFFSET]`
fn byte_range(value: &str) -> Option<(u64, Option<u64>)> {
    match value.split_once('@') {
        Some((len, offset)) => Some((len.parse().ok()?, Some(offset.parse().ok()?))),
        None => Some((value.parse().ok()?, None)),
    }
}

#[cfg(test)]
mod tests;
