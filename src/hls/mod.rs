//! HLS playlists (draft-pantos-hls-rfc8216bis) as data, written tag by tag. Uses `base` and `media`; no I/O. No
//! playlist text is made anywhere else.

pub mod build;
pub mod chapters;
pub mod key_tag;
pub mod media;
pub mod multivariant;
pub mod tag;
