//! An ISO file: its boxes and its tracks. Only `mdat` is passed over; every other box is read whole, within bounds.

use serde::Serialize;
use url::Url;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::limits;
use crate::inspect::boxes::{BoxNode, Tree};
use crate::inspect::check;
use crate::inspect::fragment;
use crate::inspect::movie::{self, TrackSummary};
use crate::inspect::report::Findings;
use crate::inspect::source::{Source, spoken_from};
use crate::media::isobmff::{BoxAt, BoxHeader, BoxSize, FourCc, Reader, text};

/// What lies in the file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FileSummary {
    pub bytes: u64,
    pub boxes: Vec<BoxNode>,
    pub tracks: Vec<TrackSummary>,
}

const CMAF_BRANDS: &[&FourCc] = &[b"cmfc", b"cmf2"];

/// Whether these can be the first bytes of an ISO file.
pub fn is_iso_file(beginning: &[u8]) -> bool {
    const FIRST: &[&[u8]] = &[b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"sidx"];
    beginning.get(4..8).is_some_and(|kind| FIRST.contains(&kind))
}

/// Reads the file at `url`.
pub async fn read(source: &dyn Source, url: &Url, findings: &mut Findings) -> Result<FileSummary> {
    let subject = spoken_from(url, url);
    let mut summary = FileSummary { bytes: 0, boxes: Vec::new(), tracks: Vec::new() };
    let mut left = limits::INSPECT_BOXES_MAX;
    let (mut at, mut has_moov, mut walked) = (0, false, 0);
    let mut brands: Vec<FourCc> = Vec::new();
    loop {
        let part = source.read(url, at..at + 16).await?;
        summary.bytes = part.total_bytes;
        if at == 0 && !is_iso_file(&part.bytes) {
            let detail = format!("{subject} is neither an MP4 file nor an HLS playlist.");
            return Err(Error::new(ErrorKind::Unsupported, "INSPECT_UNKNOWN_FORMAT", detail));
        }
        if at >= summary.bytes {
            break;
        }
        walked += 1;
        if walked > limits::INSPECT_TOP_BOXES_MAX {
            let message = format!("The boxes behind the first {} are not read.", limits::INSPECT_TOP_BOXES_MAX);
            findings.note(check::BOX_MALFORMED, &subject, format_args!(": byte {at}"), message);
            break;
        }
        let rest = summary.bytes - at;
        let Ok(header) = BoxHeader::read(&mut Reader::at(&part.bytes, at)) else {
            findings.note(check::BOX_OVERRUN, &subject, format_args!(": byte {at}"), "There is no box.".to_owned());
            break;
        };
        let size = match header.size {
            BoxSize::Bytes(size) => size,
            BoxSize::ToEnd => rest,
        };
        let place = format!(": {} at {at}", text(header.kind));
        if size > rest {
            let message = format!("It says {size} bytes, and {rest} are left.");
            findings.note(check::BOX_OVERRUN, &subject, &place, message);
        }
        if at == 0 && !matches!(&header.kind, b"ftyp" | b"styp") {
            findings.note(check::FILE_TYPE_FIRST, &subject, &place, "It comes first.".to_owned());
        }
        let wanted = size.min(rest);
        if &header.kind == b"mdat" || size > rest || wanted > limits::INSPECT_BOX_BYTES_MAX {
            if &header.kind != b"mdat" && size <= rest {
                let message = format!("It has {size} bytes, more than are read.");
                findings.note(check::BOX_MALFORMED, &subject, &place, message);
            }
            if left > 0 {
                left -= 1;
                let (kind, fields, boxes) = (text(header.kind), serde_json::Map::new(), Vec::new());
                summary.boxes.push(BoxNode { kind, offset: at, bytes: size, fields, boxes });
            }
        } else {
            let part = source.read(url, at..at + wanted).await?;
            let mut reader = Reader::at(&part.bytes, at);
            match reader.next_box() {
                Ok(Some(found)) => {
                    // What is not told of is read all the same.
                    let mut tree = Tree { subject: &subject, findings, left };
                    let node = tree.node(&found, *b"    ", 0);
                    if left > 0 {
                        summary.boxes.push(BoxNode { bytes: size, ..node });
                    }
                    left = tree.left;
                    match &found.kind {
                        b"ftyp" => {
                            let words = found.payload.rest().chunks_exact(4);
                            brands = words.filter_map(|brand| brand.try_into().ok()).collect();
                        }
                        b"moov" => {
                            has_moov = true;
                            summary.tracks = movie::tracks(found.payload, summary.bytes, &subject, findings);
                        }
                        b"moof" => take_fragments(&found, &mut summary.tracks, &subject, findings),
                        _ => {}
                    }
                }
                _ => findings.note(check::BOX_MALFORMED, &subject, &place, "It breaks off.".to_owned()),
            }
        }
        at = at.saturating_add(size);
    }
    if !has_moov {
        findings.note(check::BOX_MISSING, &subject, "", "It has no moov.".to_owned());
    }
    if CMAF_BRANDS.iter().any(|brand| brands.contains(*brand)) && summary.tracks.len() != 1 {
        findings.note(check::CMAF_TRACKS, &subject, "", format!("It has {}.", summary.tracks.len()));
    }
    for track in &mut summary.tracks {
        track.finish();
    }
    Ok(summary)
}

fn take_fragments(moof: &BoxAt<'_>, tracks: &mut [TrackSummary], subject: &str, findings: &mut Findings) {
    let defaults =
        |id| tracks.iter().find(|track| track.track_id == id).map(|track| track.defaults).unwrap_or_default();
    match fragment::read(moof, defaults) {
        Ok(fragments) => {
            for fragment in fragments {
                if let Some(track) = tracks.iter_mut().find(|track| track.track_id == fragment.track_id) {
                    track.take(&fragment, moof.offset, subject, findings);
                }
            }
        }
        Err(error) => {
            findings.note(
                check::BOX_MALFORMED,
                subject,
                format_args!(": moof at {}", moof.offset),
                error.message().to_owned(),
            );
        }
    }
}
