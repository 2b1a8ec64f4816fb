//! Captions of line 21 on their way from samples to cues: what the scan finds in the pictures, or in a track of captions
//! as QuickTime has it; of a plain film, whose pictures the scan does not look into, what the copying finds. Pictures
//! come in the order of decoding, captions go by that of presentation; so the pairs are gathered, a few bytes for each
//! picture, and read when all are there.

use ffmpeg_next::codec::Id;

use crate::base::limits;
use crate::media::captions::{self, Coding};
use crate::media::cea608::{Decoder, Pair};
use crate::media::time::Timescale;
use crate::packager::probe::{TextPlace, TextSource, TimeBase};
use crate::packager::scan::Origin;

/// A track that may have captions in it.
#[derive(Clone, Debug)]
pub struct CaptionSource {
    pub stream: usize,
    pub time_base: TimeBase,
    pub coding: Coding,
    /// ISO 639, as the container has it.
    pub language: Option<String>,
}

/// What was found in one track.
pub struct Captions {
    pub source: CaptionSource,
    origin: Origin,
    /// Milliseconds from the first picture, which may be less than none.
    pairs: Vec<(i64, Pair)>,
}

impl Captions {
    pub fn of(source: CaptionSource, origin: Origin) -> Captions {
        Captions { source, origin, pairs: Vec::new() }
    }

    pub fn take(&mut self, pts: Option<i64>, data: &[u8]) {
        let Some(pts) = pts else { return };
        let at_ms = self.origin.since(pts, self.source.time_base, Timescale::MILLISECONDS);
        let pairs = &mut self.pairs;
        captions::pairs(self.source.coding, data, |after_ms, pair| {
            if pairs.len() < limits::CAPTION_PAIRS_MAX {
                pairs.push((at_ms.saturating_add(after_ms), pair));
            }
        });
    }

    /// A text track for each caption channel that says something before `end_ms`.
    pub fn finish(mut self, end_ms: u64) -> Vec<TextSource> {
        self.pairs.sort_by_key(|(at_ms, _)| *at_ms);
        let mut decoder = Decoder::default();
        for (at_ms, pair) in self.pairs {
            decoder.take(pair, at_ms.max(0) as u64);
        }
        let channels = decoder.finish(end_ms).into_iter().filter(|cues| !cues.is_empty());
        let language = self.source.language;
        let source = |cues| TextSource {
            place: TextPlace::Captions(cues),
            time_base: self.source.time_base,
            codec: Id::EIA_608,
            title: language.is_none().then(|| "Captions".to_owned()),
            language: language.clone(),
            is_forced: false,
            describes_sound: true,
        };
        channels.map(source).collect()
    }
}
