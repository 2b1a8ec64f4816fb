//! The segment grid: pure arithmetic on presentation times, before anything is written.
//!
//! Copied rung: its own closed sync samples are the grid, a boundary at the first at least 4 s after the last, gaps up to
//! 12 s. Encoded only: a boundary at the first sample at or after every 6 s. Either way encoded rungs get a sync sample at
//! each boundary and every 2 s between.

use crate::base::limits;
use crate::media::time::{Ticks, Timescale};

/// Where segments begin and where encoders put sync samples, in ticks of the video's timescale from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    /// First presentation time of each segment; the first is 0.
    pub boundaries: Vec<Ticks>,
    /// Boundaries and the sync samples between them.
    pub syncs: Vec<Ticks>,
}

/// Why closed sync samples cannot be a grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GapTooWide {
    pub from: Ticks,
    pub to: Ticks,
}

/// The grid of a copied rung; `syncs` are its closed sync samples in order, from 0.
pub fn copied(syncs: &[Ticks], end: Ticks, timescale: Timescale) -> Result<Grid, GapTooWide> {
    let minimum = timescale.ticks_of_ms(limits::COPIED_SEGMENT_MIN.as_millis() as u64);
    let gap_max = timescale.ticks_of_ms(limits::COPIED_SYNC_GAP_MAX.as_millis() as u64);
    let mut boundaries = vec![0];
    let mut last_sync = 0;
    let mut last_boundary = 0;
    for &sync in syncs {
        if sync - last_sync > gap_max {
            return Err(GapTooWide { from: last_sync, to: sync });
        }
        last_sync = sync;
        if sync - last_boundary >= minimum {
            boundaries.push(sync);
            last_boundary = sync;
        }
    }
    if end - last_sync > gap_max {
        return Err(GapTooWide { from: last_sync, to: end });
    }
    Ok(Grid { syncs: fill(&boundaries, end, timescale), boundaries })
}

/// The grid of rungs that are all encoded; `presented` are the presentation times in order, from 0.
pub fn encoded(presented: &[Ticks], end: Ticks, timescale: Timescale) -> Grid {
    let target_ms = limits::SEGMENT_TARGET.as_millis() as u64;
    // A last segment shorter than this is joined to the one before it.
    let tail = timescale.ticks_of_ms(limits::SYNC_EVERY.as_millis() as u64) / 2;
    let mut boundaries = vec![0];
    let mut wanted = 1;
    for &pts in presented {
        if pts >= timescale.ticks_of_ms(wanted * target_ms) {
            while pts >= timescale.ticks_of_ms(wanted * target_ms) {
                wanted += 1;
            }
            if end - pts >= tail {
                boundaries.push(pts);
            }
        }
    }
    Grid { syncs: fill(&boundaries, end, timescale), boundaries }
}

/// `boundaries` and an instant every 2 s between two of them, none closer than 1 s to the next boundary.
fn fill(boundaries: &[Ticks], end: Ticks, timescale: Timescale) -> Vec<Ticks> {
    let every = timescale.ticks_of_ms(limits::SYNC_EVERY.as_millis() as u64);
    let mut syncs = Vec::new();
    for (place, &start) in boundaries.iter().enumerate() {
        let stop = boundaries.get(place + 1).copied().unwrap_or(end);
        syncs.push(start);
        let mut sync = start + every;
        while sync + every / 2 <= stop {
            syncs.push(sync);
            sync += every;
        }
    }
    syncs
}

/// Walks a sorted list of instants: whether `pts` is the first at or after the next of them.
#[derive(Clone, Debug)]
pub struct Cursor {
    instants: Vec<Ticks>,
    next: usize,
}

impl Cursor {
    pub fn new(instants: Vec<Ticks>) -> Cursor {
        Cursor { instants, next: 0 }
    }

    pub fn is_reached_by(&mut self, pts: Ticks) -> bool {
        let before = self.next;
        while self.instants.get(self.next).is_some_and(|&instant| pts >= instant) {
            self.next += 1;
        }
        self.next > before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale() -> Timescale {
        Timescale::new(1000).unwrap()
    }

    #[test]
    fn a_copied_boundary_is_the_first_sync_sample_four_seconds_on() {
        let syncs = [0, 1000, 3999, 4000, 5000, 9000, 20_000];
        let grid = copied(&syncs, 23_000, scale()).unwrap();
        assert_eq!(grid.boundaries, [0, 4000, 9000, 20_000]);
        assert_eq!(
            grid.syncs,
            [0, 2000, 4000, 6000, 8000, 9000, 11_000, 13_000, 15_000, 17_000, 19_000, 20_000, 22_000]
        );
    }

    #[test]
    fn a_gap_of_twelve_seconds_is_accepted_and_a_millisecond_more_is_not() {
        assert!(copied(&[0, 12_000], 13_000, scale()).is_ok());
        assert_eq!(copied(&[0, 12_001], 13_000, scale()), Err(GapTooWide { from: 0, to: 12_001 }));
        assert_eq!(copied(&[0], 12_001, scale()), Err(GapTooWide { from: 0, to: 12_001 }));
    }

    #[test]
    fn an_encoded_grid_is_every_six_seconds_and_joins_a_short_tail() {
        let presented: Vec<Ticks> = (0..18_500).step_by(40).collect();
        let grid = encoded(&presented, 18_500, scale());
        assert_eq!(grid.boundaries, [0, 6000, 12_000]);
        assert_eq!(grid.syncs, [0, 2000, 4000, 6000, 8000, 10_000, 12_000, 14_000, 16_000]);
        assert_eq!(encoded(&[0, 25_000], 30_000, scale()).boundaries, [0, 25_000]);
    }

    #[test]
    fn a_cursor_reports_each_instant_once() {
        let mut cursor = Cursor::new(vec![0, 10, 20, 30]);
        let hits: Vec<bool> = [0, 5, 11, 12, 35, 40].map(|pts| cursor.is_reached_by(pts)).to_vec();
        assert_eq!(hits, [true, false, true, false, true, false]);
    }
}
