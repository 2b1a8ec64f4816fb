//! What of a title can be played: a part of the film, a trailer, a clip, or the beginning.

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::AssetId;
use crate::catalog::title::Title;

/// What of a title is to be played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// A part of the film, counted from 1.
    Part(u32),
    Trailer,
    /// A clip, counted from 1.
    Clip(u32),
    /// The beginning of part 1.
    Preview,
}

/// Whether it is a part, and the title has no such one.
pub fn is_missing(title: &Title, feature: Feature) -> bool {
    matches!(feature, Feature::Part(part) if title.part(part).is_none())
}

/// What is played of a title.
pub struct Featured {
    /// 1 for all that is no part.
    pub part: u32,
    pub asset_id: AssetId,
    pub film_ms: i64,
}

/// Finds it, or says that it is not there.
pub fn featured(title: &Title, feature: Feature) -> Result<Featured> {
    let not_found = |code, param, message: String| Error::new(ErrorKind::NotFound, code, message).with_param(param);
    match feature {
        Feature::Part(part) => {
            let found = |asset_id| Featured { part, asset_id, film_ms: title.part_runtime_ms(part) };
            title.part(part).map(found).ok_or_else(|| {
                let message = format!("This title has {} parts; there is no part {part}.", title.parts.len());
                not_found("PART_NOT_FOUND", "part", message)
            })
        }
        Feature::Preview => {
            let (asset_id, film_ms) = title.part(1).zip(title.preview_ms()).ok_or_else(no_preview)?;
            Ok(Featured { part: 1, asset_id, film_ms })
        }
        Feature::Trailer => {
            let trailer = title
                .details
                .trailer
                .ok_or_else(|| not_found("TRAILER_NOT_FOUND", "trailer", "This title has no trailer.".to_owned()))?;
            Ok(Featured { part: 1, asset_id: trailer.asset_id, film_ms: trailer.runtime_ms })
        }
        Feature::Clip(number) => {
            let clips = &title.details.clips;
            let clip = number.checked_sub(1).and_then(|place| clips.get(place as usize)).ok_or_else(|| {
                let message = format!("This title has {} clips; there is no clip {number}.", clips.len());
                not_found("CLIP_NOT_FOUND", "clip", message)
            })?;
            Ok(Featured { part: 1, asset_id: clip.asset_id, film_ms: clip.runtime_ms })
        }
    }
}

pub fn no_preview() -> Error {
    Error::new(ErrorKind::NotFound, "PREVIEW_NOT_FOUND", "This title has no preview.").with_param("preview")
}
