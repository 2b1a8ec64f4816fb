//! The storyboard of an asset: small pictures of its film at even distances, side by side on JPEG sheets, and the
//! WebVTT file that names the part of a sheet for each instant (Media Fragments URI 1.0, 4.2.2). Players show it over
//! their seek bar.
//!
//! ```text
//! sheet 0              sheet 1
//!  0  1  2  3  4       25 26 27 28 29
//!  5  6  7  8  9       30 31           ← cut below the last row in use
//!  …                   picture n is that of the instant n × interval_ms
//! 20 21 22 23 24
//! ```

use std::fmt::Write;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::base::limits;
use crate::media::webvtt::stamp;

/// Pictures beside each other on a sheet. (What is unwrapped here is looked at by the compiler.)
const COLUMNS: NonZeroU32 = NonZeroU32::new(5).unwrap();
/// Rows of a whole sheet.
const ROWS: NonZeroU32 = NonZeroU32::new(5).unwrap();

/// Where each picture lies; sheets are numbered from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Storyboard {
    pub interval_ms: u64,
    /// Pictures on all sheets together.
    pub count: u32,
    /// Pixels of one picture.
    pub tile_width: u32,
    pub tile_height: u32,
    pub columns: NonZeroU32,
    pub rows: NonZeroU32,
    pub sheets: u32,
}

/// The place of a picture: its sheet, and its upper left corner there in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tile {
    pub sheet: u32,
    pub x: u32,
    pub y: u32,
}

impl Storyboard {
    /// For a film of this length and pictures of this size: whole seconds apart, not nearer than
    /// [`limits::STORYBOARD_INTERVAL_MIN`] and not more than [`limits::STORYBOARD_PICTURES_MAX`].
    pub fn of_film(duration_ms: u64, tile_width: u32, tile_height: u32) -> Storyboard {
        let even_ms = duration_ms.div_ceil(u64::from(limits::STORYBOARD_PICTURES_MAX)).next_multiple_of(1000);
        let interval_ms = even_ms.max(limits::STORYBOARD_INTERVAL_MIN.as_millis() as u64);
        let count = duration_ms.div_ceil(interval_ms).max(1) as u32;
        let sheets = count.div_ceil(COLUMNS.get() * ROWS.get());
        Storyboard { interval_ms, count, tile_width, tile_height, columns: COLUMNS, rows: ROWS, sheets }
    }

    /// Where picture `n` lies.
    pub fn tile(&self, n: u32) -> Tile {
        let (row, column) = (n / self.columns, n % self.columns);
        Tile { sheet: row / self.rows, x: column * self.tile_width, y: row % self.rows * self.tile_height }
    }

    /// Width and height of a sheet.
    pub fn sheet_size(&self, sheet: u32) -> (u32, u32) {
        let rows_before = sheet * self.rows.get();
        let rows = self.count.div_ceil(self.columns.get()).saturating_sub(rows_before).min(self.rows.get());
        (self.columns.get() * self.tile_width, rows * self.tile_height)
    }

    /// The file of a sheet in a packaged folder.
    pub fn file_name(sheet: u32) -> String {
        format!("storyboard-{sheet}.jpg")
    }

    /// The WebVTT file, where sheets have these URLs. Its last cue ends with the film.
    pub fn to_webvtt(&self, duration_ms: u64, url_of_sheet: impl Fn(u32) -> String) -> String {
        let mut text = String::from("WEBVTT\n");
        let Storyboard { interval_ms, tile_width, tile_height, .. } = *self;
        for n in 0..self.count {
            let Tile { sheet, x, y } = self.tile(n);
            let start_ms = u64::from(n) * interval_ms;
            let end_ms = if n + 1 == self.count { duration_ms.max(start_ms + 1) } else { start_ms + interval_ms };
            let (start, end, url) = (stamp(start_ms), stamp(end_ms), url_of_sheet(sheet));
            // Writing to a String cannot fail.
            let _ = write!(text, "\n{start} --> {end}\n{url}#xywh={x},{y},{tile_width},{tile_height}\n");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIX_HOURS_MS: u64 = limits::FILM_DURATION_MAX.as_millis() as u64;

    #[test]
    fn pictures_are_two_seconds_apart_or_as_far_as_keeps_them_few() {
        let plan = |duration_ms| {
            let storyboard = Storyboard::of_film(duration_ms, 160, 90);
            (storyboard.interval_ms, storyboard.count, storyboard.sheets)
        };
        assert_eq!(plan(0), (2_000, 1, 1));
        assert_eq!(plan(1), (2_000, 1, 1));
        assert_eq!(plan(2_000), (2_000, 1, 1));
        assert_eq!(plan(2_001), (2_000, 2, 1));
        assert_eq!(plan(50_000), (2_000, 25, 1));
        assert_eq!(plan(50_001), (2_000, 26, 2));
        assert_eq!(plan(400_000), (2_000, 200, 8));
        assert_eq!(plan(400_001), (3_000, 134, 6));
        assert_eq!(plan(600_000), (3_000, 200, 8));
        assert_eq!(plan(2 * 3_600_000), (36_000, 200, 8));
        assert_eq!(plan(SIX_HOURS_MS), (108_000, 200, 8));
    }

    #[test]
    fn every_instant_has_its_part_of_a_sheet() {
        let storyboard = Storyboard::of_film(63_456, 160, 66);
        assert_eq!((storyboard.count, storyboard.sheets), (32, 2));
        assert_eq!([0, 1].map(|sheet| storyboard.sheet_size(sheet)), [(800, 330), (800, 132)]);
        assert_eq!(storyboard.tile(24), Tile { sheet: 0, x: 640, y: 264 });
        assert_eq!(storyboard.tile(25), Tile { sheet: 1, x: 0, y: 0 });
        let text = storyboard.to_webvtt(63_456, Storyboard::file_name);
        let cues: Vec<&str> = text.split("\n\n").collect();
        assert_eq!((cues[0], cues.len()), ("WEBVTT", 33));
        assert_eq!(cues[1], "00:00:00.000 --> 00:00:02.000\nstoryboard-0.jpg#xywh=0,0,160,66");
        assert_eq!(cues[7], "00:00:12.000 --> 00:00:14.000\nstoryboard-0.jpg#xywh=160,66,160,66");
        assert_eq!(cues[26], "00:00:50.000 --> 00:00:52.000\nstoryboard-1.jpg#xywh=0,0,160,66");
        assert_eq!(cues[32], "00:01:02.000 --> 00:01:03.456\nstoryboard-1.jpg#xywh=160,66,160,66\n");
    }

    #[test]
    fn the_longest_film_ends_with_its_last_cue() {
        let storyboard = Storyboard::of_film(SIX_HOURS_MS, 160, 90);
        let text = storyboard.to_webvtt(SIX_HOURS_MS, |sheet| format!("storyboard/{sheet}.jpg"));
        assert!(text.ends_with("\n05:58:12.000 --> 06:00:00.000\nstoryboard/7.jpg#xywh=640,360,160,90\n"), "{text}");
    }
}
