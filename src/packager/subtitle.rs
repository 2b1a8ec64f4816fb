//! Text tracks: libav reads SubRip, ASS, WebVTT and mov_text and hands all of them out as lines of ASS; this makes cues
//! of WebVTT of them, and of the documents of TTML, which our own reader reads. Kept are words, line breaks, italics, bold, underline, and whether they stand at the bottom, in the
//! middle or at the top. Fonts, colours, positions and drawings are not.

use ffmpeg_next::codec::Id;
use ffmpeg_next::{Packet, Stream, decoder};

use crate::base::error::Result;
use crate::base::limits;
use crate::media::cue_text::{CueText, Face};
use crate::media::time::Timescale;
use crate::media::ttml;
use crate::media::webvtt::{self, Cue, CuePlace};
use crate::packager::libav;
use crate::packager::probe::{self, TextSource, TimeBase};
use crate::packager::scan::Origin;

/// How long words stay whose end the source does not say.
const UNSAID_MS: u64 = 4_000;
/// Cues at the end of a sample that may go on in the next one.
const TOGETHER_MAX: usize = 32;
const MILLISECONDS: TimeBase = TimeBase { num: 1, den: 1_000 };

/// Whether these are words that can become cues; pictures of words cannot.
pub fn is_text(codec: Id) -> bool {
    matches!(codec, Id::SUBRIP | Id::SRT | Id::ASS | Id::SSA | Id::WEBVTT | Id::MOV_TEXT | Id::TEXT | Id::TTML)
}

/// One track on its way from packets to cues.
pub struct TextTrack {
    time_base: TimeBase,
    origin: Origin,
    reader: Reader,
    cues: Vec<Cue>,
    bytes: usize,
    end_ms: u64,
    left_out: u64,
    reason: Option<String>,
}

enum Reader {
    Libav(decoder::subtitle::Subtitle),
    Ttml,
    /// All is read.
    None,
}

/// What a track said.
pub struct Said {
    /// In the order they appear.
    pub cues: Vec<Cue>,
    /// Packets, or cues, that are not among them.
    pub left_out: u64,
    /// Why, where it is known.
    pub reason: Option<String>,
}

impl TextTrack {
    /// `end_ms` is the film's; what comes later is not shown.
    pub fn start(source: &TextSource, stream: &Stream<'_>, origin: Origin, end_ms: u64) -> Result<TextTrack> {
        let reader = if source.codec == Id::TTML {
            Reader::Ttml
        } else {
            let decoder = probe::open_decoder(stream)?;
            Reader::Libav(decoder.subtitle().map_err(libav::fault("opening the subtitle decoder"))?)
        };
        Ok(TextTrack::with(reader, source, origin, end_ms))
    }

    /// Of a document of TTML in a file of its own.
    pub fn of_document(source: &TextSource, document: &str, end_ms: u64) -> TextTrack {
        let mut track = TextTrack::with(Reader::Ttml, source, Origin::zero(source.time_base), end_ms);
        track.push_document(document, 0, u64::MAX);
        track
    }

    /// Of cues whose times count from the first picture.
    pub fn of_cues(source: &TextSource, cues: &[Cue], end_ms: u64) -> TextTrack {
        let mut track = TextTrack::with(Reader::None, source, Origin::zero(source.time_base), end_ms);
        for cue in cues {
            track.keep(cue.clone());
        }
        track
    }

    fn with(reader: Reader, source: &TextSource, origin: Origin, end_ms: u64) -> TextTrack {
        let (cues, reason) = (Vec::new(), None);
        TextTrack { time_base: source.time_base, origin, reader, cues, bytes: 0, end_ms, left_out: 0, reason }
    }

    pub fn push(&mut self, packet: &Packet) {
        let Some(pts) = packet.pts() else { return };
        let ms = |pts| self.origin.since(pts, self.time_base, Timescale::MILLISECONDS);
        let (start_ms, said_end_ms) = (ms(pts), ms(pts.saturating_add(packet.duration().max(0))));
        let (from_ms, is_ended) = (start_ms.max(0) as u64, said_end_ms > start_ms);
        match &mut self.reader {
            Reader::None => {}
            Reader::Libav(decoder) => {
                let Ok(lines) = libav::ass_lines(decoder, packet) else {
                    self.left_out += 1;
                    return;
                };
                let end_ms = if is_ended { said_end_ms } else { start_ms.saturating_add(UNSAID_MS as i64) };
                let end_ms = end_ms.max(0) as u64;
                for (place, text) in lines.iter().filter_map(|line| cue_text(line)) {
                    self.keep(Cue { start_ms: from_ms, end_ms, place, text });
                }
            }
            Reader::Ttml => {
                let Ok(document) = std::str::from_utf8(packet.data().unwrap_or_default()) else {
                    self.left_out += 1;
                    self.reason = Some("it is not UTF-8".to_owned());
                    return;
                };
                self.push_document(document, from_ms, if is_ended { said_end_ms.max(0) as u64 } else { u64::MAX });
            }
        }
    }

    /// Its times are those of the track, and it is shown no longer than its sample lasts (ISO/IEC 14496-30, 5.2 and 5.3).
    fn push_document(&mut self, document: &str, from_ms: u64, to_ms: u64) {
        let cues = match ttml::cues(document.strip_prefix('\u{feff}').unwrap_or(document)) {
            Ok(cues) => cues,
            Err(error) => {
                self.left_out += 1;
                self.reason.get_or_insert(error.to_string());
                return;
            }
        };
        let zero = self.origin;
        let in_film = |ms: u64| match i64::try_from(ms) {
            Ok(ms) => zero.since(ms, MILLISECONDS, Timescale::MILLISECONDS).max(0) as u64,
            Err(_) => u64::MAX,
        };
        for cue in cues {
            let (start_ms, end_ms) = (in_film(cue.start_ms).max(from_ms), in_film(cue.end_ms).min(to_ms));
            // What goes on in the next sample stands in both.
            let is_continued =
                |before: &&mut Cue| before.end_ms == start_ms && before.place == cue.place && before.text == cue.text;
            if let Some(before) = self.cues.iter_mut().rev().take(TOGETHER_MAX).find(is_continued) {
                before.end_ms = before.end_ms.max(end_ms.min(self.end_ms));
            } else {
                self.keep(Cue { start_ms, end_ms, ..cue });
            }
        }
    }

    fn keep(&mut self, cue: Cue) {
        let cue = Cue { end_ms: cue.end_ms.min(self.end_ms), ..cue };
        if !webvtt::is_sound(&cue) {
            return;
        }
        self.bytes += cue.text.len();
        if self.bytes > limits::TEXT_BYTES_MAX || self.cues.len() == limits::TEXT_CUES_MAX {
            self.left_out += 1;
            return;
        }
        self.cues.push(cue);
    }

    pub fn finish(mut self) -> Said {
        self.cues.sort_by_key(|cue| (cue.start_ms, cue.end_ms));
        self.cues.dedup();
        Said { cues: self.cues, left_out: self.left_out, reason: self.reason }
    }
}

/// What one event says as WebVTT, and where; `None` where nothing would be read. `line` is libav's form:
/// `ReadOrder,Layer,Style,Name,MarginL,MarginR,MarginV,Effect,Text`.
fn cue_text(line: &str) -> Option<(CuePlace, String)> {
    let said = line.splitn(9, ',').nth(8)?;
    let mut place = CuePlace::Bottom;
    let mut face = Face::default();
    let mut is_drawing = false;
    let mut text = CueText::default();
    let mut rest = said;
    // Once nothing closes a brace, nothing closes a later one.
    let mut has_closing = true;
    while let Some(first) = rest.chars().next() {
        let block = rest.strip_prefix('{').filter(|_| has_closing).map(|inner| inner.split_once('}'));
        has_closing &= block != Some(None);
        if let Some(Some((tags, after))) = block {
            for tag in tags.split('\\').skip(1) {
                match tag {
                    "i0" | "i" => face.italic = false,
                    "i1" => face.italic = true,
                    "b0" | "b" => face.bold = false,
                    "b1" => face.bold = true,
                    "u0" | "u" => face.underline = false,
                    "u1" => face.underline = true,
                    "an4" | "an5" | "an6" => place = CuePlace::Middle,
                    "an7" | "an8" | "an9" => place = CuePlace::Top,
                    "p0" => is_drawing = false,
                    tag if tag.starts_with('r') => face = Face::default(),
                    // `\p1` and above draw; `\pos` and `\pbo` do not.
                    tag if tag.strip_prefix('p').is_some_and(|scale| scale.parse::<u8>().is_ok()) => is_drawing = true,
                    _ => {}
                }
            }
            rest = after;
        } else if let Some(after) = rest.strip_prefix("\\N").or_else(|| rest.strip_prefix("\\n")) {
            text.end_line();
            rest = after;
        } else {
            let (letter, after) =
                rest.strip_prefix("\\h").map_or((first, &rest[first.len_utf8()..]), |after| ('\u{a0}', after));
            if !is_drawing {
                text.push(letter, face);
            }
            rest = after;
        }
    }
    Some((place, text.finish()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Option<(CuePlace, String)> {
        cue_text(&format!("0,0,Default,,0,0,0,,{text}"))
    }

    #[test]
    fn words_breaks_and_faces_are_kept() {
        let bottom = |text: &str| Some((CuePlace::Bottom, text.to_owned()));
        assert_eq!(said("One, two"), bottom("One, two"));
        assert_eq!(said("One\\Ntwo\\N\\N three "), bottom("One\ntwo\nthree"));
        assert_eq!(
            said("{\\i1}in{\\b1}both{\\i0}bold\\Nnext"),
            bottom("<i>in</i><b><i>both</i></b><b>bold</b>\n<b>next</b>")
        );
        assert_eq!(said("a < b & c --> d"), bottom("a &lt; b &amp; c --&gt; d"));
        assert_eq!(said("你好\\h世界"), bottom("你好\u{a0}世界"));
        assert_eq!(said("{not a tag} {\\c&H00FF00&\\fs20}x"), bottom("x"));
        assert_eq!(said("a\u{0}b\rc"), bottom("a b c"));
        assert_eq!(said("{ open"), bottom("{ open"));
        let many = "{".repeat(100_000);
        assert_eq!(said(&many), bottom(&many), "in one pass");
    }

    #[test]
    fn the_place_is_kept_and_drawings_are_not() {
        assert_eq!(said("{\\an8}top"), Some((CuePlace::Top, "top".into())));
        assert_eq!(said("{\\an5\\pos(1,2)}middle"), Some((CuePlace::Middle, "middle".into())));
        assert_eq!(said("{\\p1}m 0 0 l 10 10{\\p0}"), None);
        assert_eq!(said("{\\i1} {\\i0}"), None);
        assert_eq!(cue_text("0,0,Default"), None);
    }

    #[test]
    fn a_document_is_shown_no_longer_than_its_sample_and_goes_on_in_the_next() {
        let origin = Origin::at(2_000, MILLISECONDS);
        let place = crate::packager::probe::TextPlace::Stream(1);
        let source = TextSource {
            place,
            time_base: MILLISECONDS,
            codec: Id::TTML,
            language: None,
            title: None,
            is_forced: false,
            describes_sound: false,
        };
        let mut track = TextTrack::with(Reader::Ttml, &source, origin, 20_000);
        let document =
            |words: &str| format!("<tt xmlns='http://www.w3.org/ns/ttml'><body><div>{words}</div></body></tt>");
        // The track begins 2 s before the film; its samples, from the film on, last 6 s each.
        track.push_document(&document("<p begin='1s' end='4s'>early</p><p begin='7s' end='9s'>over</p>"), 0, 6_000);
        track.push_document(&document("<p begin='7s' end='9s'>over</p><p begin='12s'>last</p>"), 6_000, 12_000);
        track.push_document(&document("<p begin='12s'>last</p><p begin='1s' end='2s'>gone</p>"), 12_000, 18_000);
        track.push_document("<html/>", 18_000, 24_000);
        let said = track.finish();
        let cue = |start_ms, end_ms, text: &str| Cue { start_ms, end_ms, place: CuePlace::Bottom, text: text.into() };
        assert_eq!(said.cues, [cue(0, 2_000, "early"), cue(5_000, 7_000, "over"), cue(10_000, 18_000, "last")]);
        assert_eq!((said.left_out, said.reason.as_deref()), (1, Some("it is XML, but not TTML")));
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_said_is_a_sound_cue_or_none(text in "[ a-zäß中{}\\\\Nnhipb01r<>&,\\-\r\n\u{0}\u{85}\u{2028}]{0,60}") {
            if let Some((place, text)) = said(&text) {
                let cue = Cue { start_ms: 0, end_ms: 1, place, text };
                proptest::prop_assert!(webvtt::is_sound(&cue), "{:?}", cue.text);
            }
        }
    }
}
