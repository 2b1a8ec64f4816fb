//! The boxes of an ISO file (ISO/IEC 14496-12) as a tree with the fields that a reader asks for first.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::base::error::Result;
use crate::base::limits;
use crate::inspect::check;
use crate::inspect::report::Findings;
use crate::inspect::sample_entry::SampleEntry;
use crate::media::isobmff::{BoxAt, FourCc, Reader, text};

/// A box with its fields and the boxes in it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BoxNode {
    #[serde(rename = "type")]
    pub kind: String,
    pub offset: u64,
    /// Header included.
    pub bytes: u64,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub fields: Map<String, Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub boxes: Vec<BoxNode>,
}

/// Boxes that hold boxes and nothing else.
const CONTAINERS: &[&FourCc] = &[
    b"moov", b"trak", b"mdia", b"minf", b"dinf", b"stbl", b"edts", b"mvex", b"moof", b"traf", b"mfra", b"udta",
    b"sinf", b"schi", b"tref",
];

/// Grows a tree, and stops at a bound.
pub struct Tree<'a> {
    pub subject: &'a str,
    pub findings: &'a mut Findings,
    /// Boxes that may still be told of.
    pub left: usize,
}

impl Tree<'_> {
    /// The node of `found`, whose handler is `handler` where it lies in a track.
    pub fn node(&mut self, found: &BoxAt<'_>, handler: FourCc, depth: usize) -> BoxNode {
        self.left = self.left.saturating_sub(1);
        let mut node = BoxNode {
            kind: text(found.kind),
            offset: found.offset,
            bytes: found.payload.len() as u64 + 8,
            fields: Map::new(),
            boxes: Vec::new(),
        };
        match fields(found.kind, found.payload) {
            Ok(fields) => node.fields = fields,
            Err(error) => self.malformed(found, error.message()),
        }
        if CONTAINERS.contains(&&found.kind) {
            let handler = match found.payload.find(b"hdlr") {
                Ok(Some(mut hdlr)) => hdlr.take(8).and_then(|_| hdlr.fourcc()).unwrap_or(handler),
                _ => handler,
            };
            self.children(found.payload, handler, depth, &mut node);
        } else if &found.kind == b"stsd" {
            let mut entries = found.payload;
            if entries.take(8).is_ok() {
                self.entries(entries, handler, &mut node);
            }
        }
        node
    }

    fn children(&mut self, mut boxes: Reader<'_>, handler: FourCc, depth: usize, node: &mut BoxNode) {
        if depth >= limits::INSPECT_DEPTH_MAX {
            node.fields.insert("truncated".to_owned(), json!("boxes deeper than this are not told of"));
            return;
        }
        loop {
            if self.left == 0 {
                node.fields.insert("truncated".to_owned(), json!("further boxes are not told of"));
                return;
            }
            // Writers of `udta` end it with four zero bytes.
            if boxes.len() == 4 && boxes.rest() == [0; 4] {
                return;
            }
            match boxes.next_box() {
                Ok(Some(child)) => {
                    let child = self.node(&child, handler, depth + 1);
                    node.boxes.push(child);
                }
                Ok(None) => return,
                Err(error) => {
                    let place = format_args!(": {} at {}", node.kind, node.offset);
                    self.findings.note(check::BOX_OVERRUN, self.subject, place, error.message().to_owned());
                    return;
                }
            }
        }
    }

    fn entries(&mut self, mut entries: Reader<'_>, handler: FourCc, node: &mut BoxNode) {
        while let Ok(Some(entry)) = entries.next_box() {
            if self.left == 0 {
                return;
            }
            self.left -= 1;
            let mut fields = Map::new();
            match SampleEntry::read(&entry, handler) {
                Ok(read) => {
                    fields.insert("codec".to_owned(), json!(read.codec));
                    if let Some(scheme) = read.scheme {
                        fields.insert("scheme".to_owned(), json!(text(scheme)));
                    }
                    read.media.describe(&mut fields);
                }
                Err(error) => {
                    let place = format!(": {} at {}", text(entry.kind), entry.offset);
                    self.findings.note(check::SAMPLE_ENTRY_WRONG, self.subject, place, error.message().to_owned());
                }
            }
            let bytes = entry.payload.len() as u64 + 8;
            node.boxes.push(BoxNode { kind: text(entry.kind), offset: entry.offset, bytes, fields, boxes: Vec::new() });
        }
    }

    fn malformed(&mut self, found: &BoxAt<'_>, message: &str) {
        let place = format!(": {} at {}", text(found.kind), found.offset);
        self.findings.note(check::BOX_MALFORMED, self.subject, place, message.to_owned());
    }
}

fn fields(kind: FourCc, mut payload: Reader<'_>) -> Result<Map<String, Value>> {
    let mut fields = Map::new();
    let mut set = |name: &str, value: Value| {
        fields.insert(name.to_owned(), value);
    };
    match &kind {
        b"ftyp" | b"styp" => {
            set("major_brand", json!(text(payload.fourcc()?)));
            set("minor_version", json!(payload.u32()?));
            let brands: Vec<String> = payload
                .rest()
                .chunks_exact(4)
                .take(32)
                .map(|brand| text([brand[0], brand[1], brand[2], brand[3]]))
                .collect();
            set("compatible_brands", json!(brands));
        }
        b"mvhd" | b"mdhd" => {
            let wide = payload.version_and_flags()?.0 == 1;
            payload.take(if wide { 16 } else { 8 })?;
            set("timescale", json!(payload.u32()?));
            set("duration", json!(if wide { payload.u64()? } else { u64::from(payload.u32()?) }));
            if &kind == b"mdhd" {
                let packed = payload.u16()?;
                let language: String =
                    [10, 5, 0].iter().map(|shift| ((packed >> shift & 31) as u8 + 0x60) as char).collect();
                set("language", json!(language));
            }
        }
        b"tkhd" => {
            let (version, flags) = payload.version_and_flags()?;
            payload.take(if version == 1 { 16 } else { 8 })?;
            set("track_id", json!(payload.u32()?));
            set("enabled", json!(flags & 1 == 1));
            payload.take(4)?;
            set("duration", json!(if version == 1 { payload.u64()? } else { u64::from(payload.u32()?) }));
            payload.take(52)?;
            set("width", json!(f64::from(payload.u32()?) / 65_536.0));
            set("height", json!(f64::from(payload.u32()?) / 65_536.0));
        }
        b"hdlr" => {
            payload.take(8)?;
            set("handler", json!(text(payload.fourcc()?)));
        }
        b"elst" => {
            let wide = payload.version_and_flags()?.0 == 1;
            let count = payload.u32()?;
            set("count", json!(count));
            let mut edits = Vec::new();
            for _ in 0..count.min(8) {
                let (duration, start) = if wide {
                    (payload.u64()?, payload.u64()? as i64)
                } else {
                    (u64::from(payload.u32()?), i64::from(payload.u32()? as i32))
                };
                payload.take(4)?;
                edits.push(json!({"duration": duration, "media_time": start}));
            }
            set("edits", json!(edits));
        }
        b"stts" | b"ctts" | b"stss" | b"stsc" | b"stco" | b"co64" | b"stsd" | b"dref" => {
            payload.version_and_flags()?;
            set("count", json!(payload.u32()?));
        }
        b"stsz" => {
            payload.version_and_flags()?;
            set("sample_bytes", json!(payload.u32()?));
            set("count", json!(payload.u32()?));
        }
        b"trex" => {
            payload.version_and_flags()?;
            for name in ["track_id", "description", "duration", "bytes", "flags"] {
                set(name, json!(payload.u32()?));
            }
        }
        b"mfhd" => {
            payload.version_and_flags()?;
            set("sequence", json!(payload.u32()?));
        }
        b"tfhd" => {
            let (_, flags) = payload.version_and_flags()?;
            set("track_id", json!(payload.u32()?));
            set("flags", json!(format!("{flags:#08x}")));
        }
        b"tfdt" => {
            let wide = payload.version_and_flags()?.0 == 1;
            set("decode_time", json!(if wide { payload.u64()? } else { u64::from(payload.u32()?) }));
        }
        b"trun" => {
            let (version, flags) = payload.version_and_flags()?;
            set("version", json!(version));
            set("flags", json!(format!("{flags:#08x}")));
            set("count", json!(payload.u32()?));
        }
        b"sidx" => {
            let wide = payload.version_and_flags()?.0 == 1;
            payload.take(4)?;
            set("timescale", json!(payload.u32()?));
            payload.take(if wide { 18 } else { 10 })?;
            set("count", json!(payload.u16()?));
        }
        b"schm" => {
            payload.version_and_flags()?;
            set("scheme", json!(text(payload.fourcc()?)));
        }
        b"frma" => set("format", json!(text(payload.fourcc()?))),
        b"pssh" => {
            payload.version_and_flags()?;
            let id = payload.take(16)?.iter().fold(0_u128, |id, &byte| id << 8 | u128::from(byte));
            set("system_id", json!(format!("{id:032x}")));
        }
        _ => {}
    }
    Ok(fields)
}
