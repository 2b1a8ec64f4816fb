//! A memory of caption letters, 15 rows of 32, and the pen that writes into it.

use crate::media::cue_text::{CueText, Face};
use crate::media::webvtt::CuePlace;

pub const ROWS: usize = 15;
const COLUMNS: usize = 32;

type Row = [Option<(char, Face)>; COLUMNS];

pub struct Screen {
    rows: Box<[Row; ROWS]>,
}

impl Default for Screen {
    fn default() -> Screen {
        Screen { rows: Box::new([[None; COLUMNS]; ROWS]) }
    }
}

/// Where the next letter goes, and how it looks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pen {
    /// From 0; always less than [`ROWS`].
    pub row: usize,
    /// From 0; always less than [`COLUMNS`].
    pub column: usize,
    pub face: Face,
}

impl Pen {
    pub fn go_right(&mut self, columns: usize) {
        self.column = (self.column + columns).min(COLUMNS - 1);
    }

    pub fn go_left(&mut self) {
        self.column = self.column.saturating_sub(1);
    }
}

impl Screen {
    /// At the end of a row letters overwrite the last one.
    pub fn write(&mut self, pen: &mut Pen, letter: char) {
        self.rows[pen.row][pen.column] = Some((letter, pen.face));
        pen.go_right(1);
    }

    pub fn erase(&mut self, pen: &Pen) {
        self.rows[pen.row][pen.column] = None;
    }

    pub fn erase_to_end(&mut self, pen: &Pen) {
        self.rows[pen.row][pen.column..].fill(None);
    }

    /// The rows that end with `base` go up by one; nothing else stays.
    pub fn roll_up(&mut self, base: usize, rows: usize) {
        let mut rolled = Screen::default();
        for row in (base + 1).saturating_sub(rows)..base {
            rolled.rows[row] = self.rows[row + 1];
        }
        *self = rolled;
    }

    /// The rows that end with `from` end with `to`; nothing else stays.
    pub fn move_rows(&mut self, from: usize, to: usize, rows: usize) {
        let mut moved = Screen::default();
        for up in 0..rows.min(from + 1).min(to + 1) {
            moved.rows[to - up] = self.rows[from - up];
        }
        *self = moved;
    }

    /// What can be read in each third of the picture, from the top.
    pub fn words(&self) -> Vec<(CuePlace, String)> {
        let thirds = [(0..5, CuePlace::Top), (5..10, CuePlace::Middle), (10..ROWS, CuePlace::Bottom)];
        let words = thirds.into_iter().filter_map(|(rows, place)| {
            let mut text = CueText::default();
            for row in &self.rows[rows] {
                // A gap between letters is a space.
                let first = row.iter().position(Option::is_some).unwrap_or(COLUMNS);
                let last = row.iter().rposition(Option::is_some).map_or(first, |last| last + 1);
                for cell in &row[first..last] {
                    let (letter, face) = cell.unwrap_or((' ', Face::default()));
                    text.push(letter, face);
                }
                text.end_line();
            }
            Some((place, text.finish()?))
        });
        words.collect()
    }
}
