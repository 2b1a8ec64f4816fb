//! Text tracks: libav reads SubRip, ASS, WebVTT and mov_text and hands all of them out as lines of ASS; this makes cues
//! of WebVTT of them. Kept are words, line breaks, italics, bold, underline, and whether they stand at the bottom, in the
//! middle or at the top. Fonts, colours, positions and drawings are not.

use std::fmt::Write;

use ffmpeg_next::codec::Id;
use ffmpeg_next::{Packet, Stream, decoder};

use crate::base::error::Result;
use crate::base::limits;
use crate::media::time::Timescale;
use crate::media::webvtt::{self, Cue, CuePlace};
use crate::packager::libav;
use crate::packager::probe::{self, TextSource};
use crate::packager::scan::Origin;

/// How long words stay whose end the source does not say.
const UNSAID_MS: u64 = 4_000;

/// Whether these are words that can become cues; pictures of words cannot.
pub fn is_text(codec: Id) -> bool {
    matches!(codec, Id::SUBRIP | Id::SRT | Id::ASS | Id::SSA | Id::WEBVTT | Id::MOV_TEXT | Id::TEXT)
}

/// One track on its way from packets to cues.
pub struct TextTrack {
    source: TextSource,
    origin: Origin,
    decoder: decoder::subtitle::Subtitle,
    cues: Vec<Cue>,
    bytes: usize,
    end_ms: u64,
    left_out: u64,
}

impl TextTrack {
    /// `end_ms` is the film's; what comes later is not shown.
    pub fn start(source: &TextSource, stream: &Stream<'_>, origin: Origin, end_ms: u64) -> Result<TextTrack> {
        let decoder = probe::open_decoder(stream)?.subtitle().map_err(libav::fault("opening the subtitle decoder"))?;
        Ok(TextTrack { source: source.clone(), origin, decoder, cues: Vec::new(), bytes: 0, end_ms, left_out: 0 })
    }

    pub fn push(&mut self, packet: &Packet) {
        let Some(pts) = packet.pts() else { return };
        let ms = |pts| self.origin.since(pts, self.source.time_base, Timescale::MILLISECONDS);
        let (start_ms, said_end_ms) = (ms(pts), ms(pts.saturating_add(packet.duration().max(0))));
        let Ok(lines) = libav::ass_lines(&mut self.decoder, packet) else {
            self.left_out += 1;
            return;
        };
        let end_ms = if said_end_ms > start_ms { said_end_ms } else { start_ms.saturating_add(UNSAID_MS as i64) };
        let (start_ms, end_ms) = (start_ms.max(0) as u64, (end_ms.max(0) as u64).min(self.end_ms));
        for (place, text) in lines.iter().filter_map(|line| cue_text(line)) {
            let cue = Cue { start_ms, end_ms, place, text };
            if !webvtt::is_sound(&cue) {
                continue;
            }
            self.bytes += cue.text.len();
            if self.bytes > limits::TEXT_BYTES_MAX || self.cues.len() == limits::TEXT_CUES_MAX {
                self.left_out += 1;
                continue;
            }
            self.cues.push(cue);
        }
    }

    /// The cues in the order they appear, and how many packets are not among them.
    pub fn finish(mut self) -> (Vec<Cue>, u64) {
        self.cues.sort_by_key(|cue| (cue.start_ms, cue.end_ms));
        self.cues.dedup();
        (self.cues, self.left_out)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Face {
    bold: bool,
    italic: bool,
    underline: bool,
}

/// What one event says as WebVTT, and where; `None` where nothing would be read. `line` is libav's form:
/// `ReadOrder,Layer,Style,Name,MarginL,MarginR,MarginV,Effect,Text`.
fn cue_text(line: &str) -> Option<(CuePlace, String)> {
    let said = line.splitn(9, ',').nth(8)?;
    let mut place = CuePlace::Bottom;
    let mut face = Face::default();
    let mut is_drawing = false;
    let mut lines = vec![Line::default()];
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
            lines.push(Line::default());
            rest = after;
        } else {
            let (letter, after) =
                rest.strip_prefix("\\h").map_or((first, &rest[first.len_utf8()..]), |after| ('\u{a0}', after));
            if !is_drawing && let Some(line) = lines.last_mut() {
                line.push(letter, face);
            }
            rest = after;
        }
    }
    // An empty line would end the cue.
    let kept: Vec<String> = lines.into_iter().map(Line::finish).filter(|line| !line.is_empty()).collect();
    (!kept.is_empty()).then(|| (place, kept.join("\n")))
}

/// One line of a cue: letters, and the markup that is open around them.
#[derive(Default)]
struct Line {
    text: String,
    has_letters: bool,
    face: Face,
}

impl Line {
    fn push(&mut self, letter: char, face: Face) {
        if self.face != face {
            self.close();
            for (_, name) in marks(face).iter().filter(|(is_on, _)| *is_on) {
                // Writing to a String cannot fail.
                let _ = write!(self.text, "<{name}>");
            }
            self.face = face;
        }
        self.has_letters |= !letter.is_whitespace() && !letter.is_control();
        match letter {
            '&' => self.text.push_str("&amp;"),
            '<' => self.text.push_str("&lt;"),
            '>' => self.text.push_str("&gt;"),
            letter if letter.is_control() => self.text.push(' '),
            letter => self.text.push(letter),
        }
    }

    /// What is open is closed in the reverse order, as WebVTT wants it.
    fn close(&mut self) {
        for (_, name) in marks(self.face).iter().rev().filter(|(is_on, _)| *is_on) {
            let _ = write!(self.text, "</{name}>");
        }
        self.face = Face::default();
    }

    fn finish(mut self) -> String {
        self.close();
        if self.has_letters { self.text.trim().to_owned() } else { String::new() }
    }
}

fn marks(face: Face) -> [(bool, char); 3] {
    [(face.bold, 'b'), (face.italic, 'i'), (face.underline, 'u')]
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
