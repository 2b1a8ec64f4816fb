//! The chapters of a film as libav finds them: in the chapter track or the `chpl` box of an MP4 or MOV, in the first
//! edition of a Matroska file. libav opens every film, whoever reads its samples.

use ffmpeg_next::Rational;
use ffmpeg_next::format::chapter::Chapter as LibavChapter;
use ffmpeg_next::format::context::Input;

use crate::media::chapters::{self, Chapter};
use crate::media::time::Timescale;
use crate::packager::probe::TimeBase;
use crate::packager::scan::Scan;

/// More than any film has by far; how many are kept is another matter.
const SAID_MAX: usize = 65_536;

/// A chapter as its container says it.
#[derive(Clone, Debug)]
pub struct SaidChapter {
    start: i64,
    time_base: TimeBase,
    title: String,
}

pub fn said(input: &Input) -> Vec<SaidChapter> {
    input.chapters().take(SAID_MAX).filter_map(|chapter| SaidChapter::read(&chapter)).collect()
}

impl SaidChapter {
    fn read(chapter: &LibavChapter<'_>) -> Option<SaidChapter> {
        let Rational(num, den) = chapter.time_base();
        let time_base = (num > 0 && den > 0).then_some(TimeBase { num: num.into(), den: den.into() })?;
        let title = chapter.metadata().get("title").unwrap_or_default().to_owned();
        Some(SaidChapter { start: chapter.start(), time_base, title })
    }
}

/// Those that are kept of a film, and a word on the others.
pub fn kept(said: &[SaidChapter], film: &Scan) -> (Vec<Chapter>, Option<String>) {
    let from_first = |chapter: &SaidChapter| {
        let start_ms = film.origin.since(chapter.start, chapter.time_base, Timescale::MILLISECONDS);
        (start_ms, chapter.title.clone())
    };
    let kept = chapters::sound(said.iter().map(from_first), film.end_ms());
    let warning = (kept.len() < said.len()).then(|| {
        let (kept, said) = (kept.len(), said.len());
        format!("{kept} of {said} chapters are kept; the others begin after the film or together, or are too many.")
    });
    (kept, warning)
}
