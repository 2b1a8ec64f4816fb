//! Copies samples from the film's file into a track's: few large reads, and writes that gather what belongs to the track
//! from what was read.
//!
//! ```text
//! film    … V V a V V V a V …        read as one window, with the gaps that are narrow
//! track      V V   V V V   V         written from it in one call
//! ```

use std::fs::File;
use std::io::{self, IoSlice, Write};
use std::os::unix::fs::FileExt;

use crate::base::error::Result;
use crate::packager::refusal::{self, Refusal};

/// What is read before it is written: enough that calls cost nothing beside the copying, and little enough to stay in a
/// processor's cache between the two.
const WINDOW_BYTES: usize = 512 * 1024;
/// Bytes of other tracks that are read along rather than passed over.
const GAP_BYTES_MAX: u64 = 16 * 1024;

/// Where a sample lies in the film.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub at: u64,
    pub bytes: u32,
}

/// The film's file as one track is copied from it.
pub struct FilmBytes {
    film: File,
    window: Vec<u8>,
    /// What is in the window, or will be: parts of the film, one behind the other.
    reads: Vec<Part>,
    /// What of the window is the track's.
    keeps: Vec<Part>,
    used: usize,
}

/// Bytes of the film at a place in the window.
#[derive(Clone, Copy, Debug)]
struct Part {
    at: u64,
    start: usize,
    bytes: usize,
}

impl FilmBytes {
    pub fn new(film: &File) -> Result<FilmBytes> {
        let film = film.try_clone().map_err(unreadable)?;
        Ok(FilmBytes { film, window: Vec::new(), reads: Vec::new(), keeps: Vec::new(), used: 0 })
    }

    /// Writes `head` and then the bytes at `places`, in their order.
    pub fn copy(&mut self, to: &mut File, head: &[u8], places: impl Iterator<Item = Place>) -> Result<()> {
        self.window.resize(WINDOW_BYTES, 0);
        let mut head = head;
        for place in places {
            let (mut at, mut left) = (place.at, place.bytes as usize);
            while left > 0 {
                let bytes = left.min(self.room(at));
                if bytes == 0 {
                    self.pass_on(to, std::mem::take(&mut head))?;
                    continue;
                }
                self.take(at, bytes);
                (at, left) = (at + bytes as u64, left - bytes);
            }
        }
        self.pass_on(to, head)
    }

    /// How many bytes from `at` on the window has room for.
    fn room(&self, at: u64) -> usize {
        let gap = self.gap_before(at).unwrap_or(0);
        WINDOW_BYTES.saturating_sub(self.used + gap)
    }

    /// The bytes between what is read and `at`, where they are few enough to be read along.
    fn gap_before(&self, at: u64) -> Option<usize> {
        let last = self.reads.last()?;
        let gap = at.checked_sub(last.at + last.bytes as u64)?;
        (gap <= GAP_BYTES_MAX).then_some(gap as usize)
    }

    fn take(&mut self, at: u64, bytes: usize) {
        let gap = self.gap_before(at);
        let start = self.used + gap.unwrap_or(0);
        match (gap, self.reads.last_mut()) {
            (Some(gap), Some(last)) => last.bytes += gap + bytes,
            _ => self.reads.push(Part { at, start, bytes }),
        }
        match self.keeps.last_mut() {
            Some(last) if last.start + last.bytes == start => last.bytes += bytes,
            _ => self.keeps.push(Part { at, start, bytes }),
        }
        self.used = start + bytes;
    }

    /// Reads what the window is to hold, and writes `head` and the track's part of it.
    fn pass_on(&mut self, to: &mut File, head: &[u8]) -> Result<()> {
        for part in &self.reads {
            let room = self.window.get_mut(part.start..part.start + part.bytes).unwrap_or_default();
            self.film.read_exact_at(room, part.at).map_err(unreadable)?;
        }
        let kept = self.keeps.iter().filter_map(|part| self.window.get(part.start..part.start + part.bytes));
        let mut slices: Vec<IoSlice<'_>> = std::iter::once(head).chain(kept).map(IoSlice::new).collect();
        write_all(to, &mut slices)?;
        self.reads.clear();
        self.keeps.clear();
        self.used = 0;
        Ok(())
    }
}

/// Writes all of them, one behind the other.
pub fn write_all(to: &mut File, slices: &mut [IoSlice<'_>]) -> Result<()> {
    let mut rest = slices;
    // Nothing is left of empty ones.
    IoSlice::advance_slices(&mut rest, 0);
    while !rest.is_empty() {
        match to.write_vectored(rest) {
            Ok(0) => return Err(refusal::of_write(io::ErrorKind::WriteZero.into())),
            Ok(written) => IoSlice::advance_slices(&mut rest, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(refusal::of_write(error)),
        }
    }
    Ok(())
}

fn unreadable(error: io::Error) -> crate::base::error::Error {
    Refusal::InputUnreadable.error("The film cannot be read to its end.").with_source(error)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Places in a film of 3 MiB: close together, far apart, backwards, larger than a window.
    #[test]
    fn what_is_written_is_what_lies_at_the_places() {
        let dir = tempfile::tempdir().unwrap();
        let film: Vec<u8> = (0..3 << 20).map(|place: u32| (place.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        fs::write(dir.path().join("film"), &film).unwrap();
        let mut bytes = FilmBytes::new(&File::open(dir.path().join("film")).unwrap()).unwrap();
        let mut places = vec![(5, 10), (15, 1), (40, 100), (200_000, 3), (100, 7), (1 << 20, 1_200_000), (0, 0)];
        places.extend((0..300).map(|n| (n * 9_000, 3_000 + n as u32)));
        places.extend((0..100).map(|n| (n * 30_000, 1)));
        let mut expected = b"head".to_vec();
        for &(at, len) in &places {
            expected.extend(&film[at as usize..at as usize + len as usize]);
        }
        let mut out = File::create_new(dir.path().join("out")).unwrap();
        bytes.copy(&mut out, b"head", places.iter().map(|&(at, bytes)| Place { at, bytes })).unwrap();
        assert!(fs::read(dir.path().join("out")).unwrap() == expected);
        let beyond = Place { at: (3 << 20) - 4, bytes: 5 };
        let error = bytes.copy(&mut out, b"", std::iter::once(beyond)).unwrap_err();
        assert_eq!(error.code(), "INPUT_UNREADABLE");
    }
}
