//! The text of a cue as WebVTT (W3C, WebVTT, 3.2), written letter by letter: bold, italics and underline as nested tags
//! that are closed at the end of each line, what would be markup escaped, and no empty line, which would end the cue.

use std::fmt::Write;

/// How letters look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Face {
    pub bold: bool,
    pub italic: bool,
    pub underline: bool,
}

impl Face {
    /// In the order in which they are opened.
    fn marks(self) -> [(bool, char); 3] {
        [(self.bold, 'b'), (self.italic, 'i'), (self.underline, 'u')]
    }
}

/// The lines of one cue.
#[derive(Default)]
pub struct CueText {
    kept: Vec<String>,
    line: Line,
}

impl CueText {
    /// A control character becomes a space.
    pub fn push(&mut self, letter: char, face: Face) {
        self.line.push(letter, face);
    }

    pub fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line).finish();
        if !line.is_empty() {
            self.kept.push(line);
        }
    }

    /// Nothing where nothing would be read.
    pub fn finish(mut self) -> Option<String> {
        self.end_line();
        (!self.kept.is_empty()).then(|| self.kept.join("\n"))
    }
}

/// Letters, and the markup that is open around them.
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
            for (_, name) in face.marks().iter().filter(|(is_on, _)| *is_on) {
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

    /// What is open is closed in the reverse order.
    fn close(&mut self) {
        for (_, name) in self.face.marks().iter().rev().filter(|(is_on, _)| *is_on) {
            let _ = write!(self.text, "</{name}>");
        }
        self.face = Face::default();
    }

    /// Empty where it has no letter.
    fn finish(mut self) -> String {
        self.close();
        if self.has_letters { self.text.trim().to_owned() } else { String::new() }
    }
}
