//! The Media Playlist (RFC 8216bis, 4.4.1 to 4.4.5): one track's segments.

use std::fmt::Write;
use std::ops::Range;

use crate::base::drm_system::DrmSystem;
use crate::hls::key_tag::KeyTag;
use crate::hls::tag::Tag;
use crate::media::protect::Iv;

#[derive(Clone, Debug)]
pub struct MediaPlaylist {
    pub kind: SegmentKind,
    pub extent: Extent,
    /// Of the longest segment in any playlist of the presentation: they all say the same target duration (6.2.4).
    pub presentation_target_s: u64,
    /// With a discontinuity between any two.
    pub runs: Vec<Run>,
}

/// Segments under one init segment and one key.
#[derive(Clone, Debug)]
pub struct Run {
    /// EXT-X-MAP; WebVTT has none.
    pub init: Option<Resource>,
    /// Each says the same key in the words of another key system; none where the segments are clear.
    pub keys: Vec<Key>,
    pub segments: Vec<MediaSegment>,
}

/// What each segment holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentKind {
    Whole,
    /// A single sync sample (EXT-X-I-FRAMES-ONLY).
    SyncSample,
}

/// Whether all segments are here (EXT-X-PLAYLIST-TYPE, EXT-X-ENDLIST).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    Whole,
    /// Segments are still being added, at the end.
    Growing,
    /// The last segment of what has grown is here. It stays an EVENT: a playlist never changes its type (6.2.1).
    Grown,
}

/// A URI, or a byte range of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    pub uri: String,
    pub range: Option<Range<u64>>,
}

/// EXT-X-KEY.
#[derive(Clone, Debug)]
pub struct Key {
    pub method: KeyMethod,
    pub uri: String,
    pub format: KeyFormat,
    pub iv: Option<Iv>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyMethod {
    Aes128,
    /// Of fragmented MP4: `cbcs`.
    SampleAes,
}

/// KEYFORMAT: how the URI leads to the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyFormat {
    /// It gives the sixteen bytes.
    Identity,
    /// It is the key's id, for a licence of the W3C's ClearKey.
    ClearKey,
    /// It is what a DRM system's key server has said, for a licence of that system.
    System { system: DrmSystem, versions: String, key_id: Option<String> },
}

/// EXTINF, EXT-X-BYTERANGE and the URI line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaSegment {
    pub duration_us: u64,
    pub resource: Resource,
}

impl MediaPlaylist {
    /// The lowest EXT-X-VERSION that has every feature in use (RFC 8216bis, 8).
    pub fn version(&self) -> u32 {
        const FRACTIONS: u32 = 3;
        const BYTE_RANGES: u32 = 4;
        const KEY_FORMATS: u32 = 5;
        // Of whole segments a map needs version 6, and of I-frames one less.
        let map = match (self.runs.iter().any(|run| run.init.is_some()), self.kind) {
            (false, _) => 0,
            (true, SegmentKind::SyncSample) => 5,
            (true, SegmentKind::Whole) => 6,
        };
        let ranges = self.segments().any(|segment| segment.resource.range.is_some());
        let formats = self.runs.iter().flat_map(|run| &run.keys).any(|key| key.method == KeyMethod::SampleAes);
        FRACTIONS.max(if ranges { BYTE_RANGES } else { 0 }).max(if formats { KEY_FORMATS } else { 0 }).max(map)
    }

    /// EXT-X-TARGETDURATION: every EXTINF, rounded to the nearest second, is at most this (4.4.3.1).
    pub fn target_duration_s(&self) -> u64 {
        let own = self.segments().map(|segment| target_s(segment.duration_us));
        own.max().unwrap_or(0).max(self.presentation_target_s).max(1)
    }

    fn segments(&self) -> impl Iterator<Item = &MediaSegment> {
        self.runs.iter().flat_map(|run| &run.segments)
    }

    pub fn to_text(&self) -> String {
        let mut text = String::with_capacity(256 + 64 * self.segments().count());
        Tag::new("EXTM3U").write(&mut text);
        Tag::with_value("EXT-X-VERSION", self.version()).write(&mut text);
        Tag::with_value("EXT-X-TARGETDURATION", self.target_duration_s()).write(&mut text);
        Tag::with_value("EXT-X-MEDIA-SEQUENCE", 0).write(&mut text);
        let has_grown = self.extent != Extent::Whole;
        Tag::with_value("EXT-X-PLAYLIST-TYPE", if has_grown { "EVENT" } else { "VOD" }).write(&mut text);
        Tag::new(match self.kind {
            SegmentKind::Whole => "EXT-X-INDEPENDENT-SEGMENTS",
            SegmentKind::SyncSample => "EXT-X-I-FRAMES-ONLY",
        })
        .write(&mut text);
        if has_grown {
            // A player would begin where a broadcast is now.
            Tag::new("EXT-X-START").plain("TIME-OFFSET", 0).write(&mut text);
        }
        let has_keys = self.runs.iter().any(|run| !run.keys.is_empty());
        for (place, run) in self.runs.iter().enumerate() {
            if place > 0 {
                Tag::new("EXT-X-DISCONTINUITY").write(&mut text);
            }
            let follows_keys = place > 0 && !self.runs[place - 1].keys.is_empty();
            // A key holds for what comes after it, init segments too, until another one or none is named.
            if follows_keys || (has_keys && run.keys.is_empty()) {
                Tag::new("EXT-X-KEY").plain("METHOD", "NONE").write(&mut text);
            }
            run.write(&mut text);
        }
        if self.extent != Extent::Growing {
            Tag::new("EXT-X-ENDLIST").write(&mut text);
        }
        text
    }
}

impl Run {
    fn write(&self, text: &mut String) {
        // Before EXT-X-KEY, so that the init segment is clear.
        if let Some(init) = &self.init {
            let mut map = Tag::new("EXT-X-MAP").quoted("URI", &init.uri);
            if let Some(range) = &init.range {
                map = map.quoted("BYTERANGE", &format!("{}@{}", range.end - range.start, range.start));
            }
            map.write(text);
        }
        for key in &self.keys {
            key.write(text);
        }
        for segment in &self.segments {
            segment.write(text);
        }
    }
}

impl Key {
    /// What a DRM system is told: its IV is in the init segment.
    pub fn of_system(system: DrmSystem, tag: &KeyTag) -> Key {
        let format =
            KeyFormat::System { system, versions: tag.key_format_versions.clone(), key_id: tag.key_id.clone() };
        Key { method: KeyMethod::SampleAes, uri: tag.uri.clone(), format, iv: None }
    }

    fn write(&self, text: &mut String) {
        let (method, names_format) = match self.method {
            KeyMethod::Aes128 => ("AES-128", false),
            KeyMethod::SampleAes => ("SAMPLE-AES", true),
        };
        let mut tag = Tag::new("EXT-X-KEY").plain("METHOD", method).quoted("URI", &self.uri);
        if let Some(iv) = &self.iv {
            let iv = iv.expose().iter().fold(String::from("0x"), |mut hex, byte| {
                // Writing to a String cannot fail.
                let _ = write!(hex, "{byte:02X}");
                hex
            });
            tag = tag.plain("IV", iv);
        }
        if names_format {
            let (format, versions) = match &self.format {
                KeyFormat::Identity => ("identity", "1"),
                KeyFormat::ClearKey => ("org.w3.clearkey", "1"),
                KeyFormat::System { system, versions, key_id } => {
                    if let Some(key_id) = key_id {
                        tag = tag.plain("KEYID", key_id);
                    }
                    (system.key_format(), versions.as_str())
                }
            };
            tag = tag.quoted("KEYFORMAT", format).quoted("KEYFORMATVERSIONS", versions);
        }
        tag.write(text);
    }
}

/// A duration as a target duration counts it: to the nearest second.
pub fn target_s(duration_us: u64) -> u64 {
    (duration_us + 500_000) / 1_000_000
}

impl MediaSegment {
    fn write(&self, text: &mut String) {
        let (seconds, fraction) = (self.duration_us / 1_000_000, self.duration_us % 1_000_000);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "#EXTINF:{seconds}.{fraction:06},");
        if let Some(range) = &self.resource.range {
            Tag::with_value("EXT-X-BYTERANGE", format_args!("{}@{}", range.end - range.start, range.start)).write(text);
        }
        text.push_str(&self.resource.uri);
        text.push('\n');
    }
}
