//! CMAF as data: pure functions over bytes, without files and without libav. Uses `base` only.

pub mod aac;
pub mod av1;
pub mod avc;
pub mod avc_slice;
pub mod bits;
pub mod captions;
pub mod cbcs;
pub mod cea608;
pub mod chapters;
pub mod cmaf;
pub mod codec;
pub mod cue_text;
pub mod dolby;
pub mod growth;
pub mod hevc;
pub mod isobmff;
pub mod language;
pub mod movie;
pub mod preview;
pub mod protect;
pub mod rate;
pub mod rendition;
pub mod seal;
pub mod selection;
pub mod storyboard;
pub mod time;
pub mod timeline;
pub mod ttml;
pub mod webvtt;

use crate::base::error::{Error, ErrorKind};

/// Bytes that are not what the format says; `what` names the place: offset, box path, what was expected.
pub(crate) fn malformed(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::Invalid, "MEDIA_MALFORMED", what)
}
