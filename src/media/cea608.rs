//! Captions of line 21 (CTA-608-E) as cues. Each of the two fields carries pairs of bytes for two caption channels, CC1
//! and CC2, CC3 and CC4; the text channels and the XDS packets that share the fields are passed over.
//!
//! A channel has two memories of 15 rows by 32 columns, one displayed and one not. Commands choose the style:
//!
//! | style | words go | and are seen |
//! |---|---|---|
//! | pop-on (RCL) | into the memory that is not displayed | when the memories change places (EOC) |
//! | roll-up (RU2–RU4) | into the lowest of two to four displayed rows | at once; CR moves the rows up |
//! | paint-on (RDC) | into the displayed memory | at once |
//!
//! What is seen at once grows letter by letter. A cue shows it as it is when it is complete, from its first letter on.

mod letters;
mod screen;

use crate::media::cea608::letters::{extended, special, standard};
use crate::media::cea608::screen::{Pen, ROWS, Screen};
use crate::media::cue_text::Face;
use crate::media::webvtt::{Cue, CuePlace};

/// How long captions stay of which nothing more is heard (CTA-608-E, C.9).
const SILENCE_MAX_MS: u64 = 16_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    First,
    Second,
}

/// Two bytes of a field, each with its parity bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    pub field: Field,
    pub bytes: [u8; 2],
}

impl Pair {
    /// Padding is two zeros.
    pub fn says_something(self) -> bool {
        self.bytes.iter().any(|byte| byte & 0x7f != 0)
    }

    /// Without parity; a letter whose parity is wrong is a block, a pair whose second byte is wrong is none.
    fn checked(self) -> Option<[u8; 2]> {
        let is_odd = |byte: u8| byte.count_ones() % 2 == 1;
        let [first, second] = self.bytes;
        is_odd(second).then_some([if is_odd(first) { first & 0x7f } else { 0x7f }, second & 0x7f])
    }
}

/// The four caption channels.
#[derive(Default)]
pub struct Decoder {
    fields: [FieldDecoder; 2],
}

#[derive(Default)]
struct FieldDecoder {
    channels: [Channel; 2],
    /// Which of the channels letters are for.
    current: usize,
    /// A command is sent twice, and the second time says nothing.
    last_command: Option<[u8; 2]>,
    is_xds: bool,
}

impl Decoder {
    /// `at_ms` never goes back.
    pub fn take(&mut self, pair: Pair, at_ms: u64) {
        let Some(bytes) = pair.checked() else { return };
        self.fields[usize::from(pair.field == Field::Second)].take(pair.field, bytes, at_ms);
    }

    /// The cues of CC1 to CC4; what is shown at the end stays until `end_ms`.
    pub fn finish(self, end_ms: u64) -> [Vec<Cue>; 4] {
        let [first, second] = self.fields;
        let ([cc1, cc2], [cc3, cc4]) = (first.channels, second.channels);
        [cc1, cc2, cc3, cc4].map(|channel| channel.finish(end_ms))
    }
}

impl FieldDecoder {
    fn take(&mut self, field: Field, [first, second]: [u8; 2], at_ms: u64) {
        match first {
            0x10..=0x1f => {
                self.is_xds = false;
                if self.last_command.take() == Some([first, second]) {
                    return;
                }
                self.last_command = Some([first, second]);
                self.current = usize::from(first & 0x08 != 0);
                self.channels[self.current].hear(at_ms);
                self.channels[self.current].command(first & 0x17, second, at_ms);
            }
            0x01..=0x0f if field == Field::Second => self.is_xds = first != 0x0f,
            0x20..=0x7f if !self.is_xds => {
                self.last_command = None;
                let channel = &mut self.channels[self.current];
                channel.hear(at_ms);
                for byte in [first, second] {
                    if byte >= 0x20 {
                        channel.letter(standard(byte), at_ms);
                    }
                }
            }
            _ => {}
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    PopOn,
    RollUp {
        rows: usize,
    },
    PaintOn,
    /// Not captions.
    None,
}

struct Channel {
    style: Style,
    displayed: Screen,
    hidden: Screen,
    pen: Pen,
    /// When what is seen at once began to be written.
    writing_since_ms: Option<u64>,
    heard_at_ms: u64,
    showing_since_ms: u64,
    showing: Vec<(CuePlace, String)>,
    cues: Vec<Cue>,
}

impl Default for Channel {
    fn default() -> Channel {
        Channel {
            // What a film begins in the middle of is most likely this.
            style: Style::PopOn,
            displayed: Screen::default(),
            hidden: Screen::default(),
            pen: Pen::default(),
            writing_since_ms: None,
            heard_at_ms: 0,
            showing_since_ms: 0,
            showing: Vec::new(),
            cues: Vec::new(),
        }
    }
}

impl Channel {
    /// Clears the display where nothing was heard for too long.
    fn hear(&mut self, at_ms: u64) {
        if at_ms > self.heard_at_ms + SILENCE_MAX_MS {
            self.clear_display(self.heard_at_ms + SILENCE_MAX_MS);
        }
        self.heard_at_ms = at_ms;
    }

    /// `first` is without the bit of the channel.
    fn command(&mut self, first: u8, second: u8, at_ms: u64) {
        match (first, second) {
            (0x14 | 0x15, 0x20..=0x2f) => self.miscellaneous(second, at_ms),
            // Tab offsets.
            (0x17, 0x21..=0x23) => self.pen.go_right(usize::from(second - 0x20)),
            (0x11, 0x20..=0x2f) => {
                // Colours end italics; the command itself takes a place.
                self.pen.face = Face { italic: second & 0x0e == 0x0e, underline: second & 1 == 1, bold: false };
                self.letter(' ', at_ms);
            }
            (0x11, 0x30..=0x3f) => self.letter(special(second), at_ms),
            (0x12 | 0x13, 0x20..=0x3f) => {
                // It stands for the plainer letter before it.
                self.pen.go_left();
                self.letter(extended(first, second), at_ms);
            }
            (_, 0x40..=0x7f) => self.preamble(first, second),
            _ => {}
        }
    }

    /// A preamble address code: a row, and an indent or a look.
    fn preamble(&mut self, first: u8, second: u8) {
        const FIRST_ROWS: [usize; 8] = [11, 1, 3, 12, 14, 5, 7, 9];
        let row = FIRST_ROWS[usize::from(first & 0x07)] + usize::from(second & 0x20 != 0 && first & 0x07 != 0) - 1;
        let said = second & 0x1f;
        let is_indent = said & 0x10 != 0;
        let face = Face { italic: said & 0x1e == 0x0e, underline: said & 1 == 1, bold: false };
        if let Style::RollUp { rows } = self.style
            && row != self.pen.row
        {
            self.displayed.move_rows(self.pen.row, row.max(rows - 1), rows);
        }
        let row = if let Style::RollUp { rows } = self.style { row.max(rows - 1) } else { row };
        self.pen = Pen { row, column: if is_indent { usize::from(said >> 1 & 0x07) * 4 } else { 0 }, face };
    }

    fn miscellaneous(&mut self, second: u8, at_ms: u64) {
        match second {
            0x20 => self.begin(Style::PopOn),
            0x21 => {
                if let Some((screen, pen)) = self.active() {
                    pen.go_left();
                    screen.erase(pen);
                }
            }
            0x24 => {
                if let Some((screen, pen)) = self.active() {
                    screen.erase_to_end(pen);
                }
            }
            0x25..=0x27 => {
                let rows = usize::from(second - 0x23);
                if !matches!(self.style, Style::RollUp { .. }) {
                    self.clear_display(at_ms);
                    self.hidden = Screen::default();
                    self.pen = Pen { row: ROWS - 1, column: 0, face: Face::default() };
                }
                self.begin(Style::RollUp { rows });
            }
            0x29 => self.begin(Style::PaintOn),
            // The text channels.
            0x2a | 0x2b => self.begin(Style::None),
            0x2c => self.clear_display(at_ms),
            0x2d => {
                if let Style::RollUp { rows } = self.style {
                    self.complete();
                    self.displayed.roll_up(self.pen.row, rows);
                    self.pen = Pen { row: self.pen.row, column: 0, face: Face::default() };
                }
            }
            0x2e => self.hidden = Screen::default(),
            0x2f => {
                self.complete();
                self.style = Style::PopOn;
                std::mem::swap(&mut self.displayed, &mut self.hidden);
                self.show(at_ms);
            }
            _ => {}
        }
    }

    fn begin(&mut self, style: Style) {
        self.complete();
        self.style = style;
    }

    /// The memory that is written to.
    fn active(&mut self) -> Option<(&mut Screen, &mut Pen)> {
        match self.style {
            Style::PopOn => Some((&mut self.hidden, &mut self.pen)),
            Style::RollUp { .. } | Style::PaintOn => Some((&mut self.displayed, &mut self.pen)),
            Style::None => None,
        }
    }

    fn letter(&mut self, letter: char, at_ms: u64) {
        let is_seen = matches!(self.style, Style::RollUp { .. } | Style::PaintOn);
        let Some((screen, pen)) = self.active() else { return };
        screen.write(pen, letter);
        if is_seen {
            self.writing_since_ms.get_or_insert(at_ms);
        }
    }

    /// What was written is whole.
    fn complete(&mut self) {
        if let Some(since_ms) = self.writing_since_ms.take() {
            self.show(since_ms);
        }
    }

    fn clear_display(&mut self, at_ms: u64) {
        self.complete();
        self.displayed = Screen::default();
        self.show(at_ms);
    }

    /// From now on the displayed memory is seen as it is.
    fn show(&mut self, at_ms: u64) {
        let seen = self.displayed.words();
        if seen != self.showing {
            let (start_ms, shown) = (self.showing_since_ms, std::mem::replace(&mut self.showing, seen));
            self.showing_since_ms = at_ms;
            let cues = shown.into_iter().map(|(place, text)| Cue { start_ms, end_ms: at_ms, place, text });
            self.cues.extend(cues.filter(|cue| cue.start_ms < cue.end_ms));
        }
    }

    fn finish(mut self, end_ms: u64) -> Vec<Cue> {
        self.hear(end_ms);
        self.clear_display(end_ms);
        self.cues
    }
}

#[cfg(test)]
mod tests;
