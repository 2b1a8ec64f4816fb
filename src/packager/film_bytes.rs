//! Copies samples from the film's file into a track's: few large reads, and writes that gather what belongs to the track
//! from what was read. One thread reads while another writes what was read before.
//!
//! ```text
//! film    … V V a V V V a V …        read as one window, with the gaps that are narrow
//! track      V V   V V V   V         written from it in one call
//! ```

use std::fs::File;
use std::io::{self, IoSlice, Write};
use std::os::unix::fs::FileExt;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::{self, JoinHandle};

use crate::base::error::Result;
use crate::packager::refusal::{self, Refusal};
use crate::packager::writeback::Writeback;

/// What is read before it is written: enough that calls cost nothing beside the copying, and little enough to stay in a
/// processor's cache between the two.
const WINDOW_BYTES: usize = 512 * 1024;
/// One is read, one is written, and one waits.
const WINDOWS: usize = 3;
/// Bytes of other tracks that are read along rather than passed over.
const GAP_BYTES_MAX: u64 = 16 * 1024;

/// Where a sample lies in the film.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub at: u64,
    pub bytes: u32,
}

/// A track as it is copied from the film's file.
pub struct FilmCopy {
    film: File,
    window: Window,
    read: Option<SyncSender<Window>>,
    written: Receiver<Window>,
    writer: Option<JoinHandle<Result<()>>>,
}

/// What lies between the two files, or will.
#[derive(Default)]
struct Window {
    /// Written before the rest.
    head: Vec<u8>,
    bytes: Vec<u8>,
    /// Parts of the film, one behind the other.
    reads: Vec<Part>,
    /// What of them is the track's.
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

impl FilmCopy {
    pub fn start(film: &File, to: &File) -> Result<FilmCopy> {
        let film = film.try_clone().map_err(unreadable)?;
        let mut to = to.try_clone().map_err(refusal::of_write)?;
        let mut writeback = Writeback::of(&to).map_err(refusal::of_write)?;
        let (read, to_write) = mpsc::sync_channel::<Window>(WINDOWS);
        let (emptied, written) = mpsc::sync_channel(WINDOWS);
        for _ in 1..WINDOWS {
            // Nobody has it yet, and there is room.
            let _ = emptied.send(Window::default());
        }
        let write = move || {
            for mut window in to_write {
                writeback.wrote(window.write(&mut to)?);
                // The reader may have ended.
                let _ = emptied.send(window);
            }
            writeback.finish().map_err(refusal::of_write)
        };
        let writer = thread::Builder::new().name("copy".into()).spawn(write).map_err(refusal::of_write)?;
        Ok(FilmCopy { film, window: Window::default(), read: Some(read), written, writer: Some(writer) })
    }

    /// Writes `head` and then the bytes at `places`, in their order: soon, and at the latest when the copy is finished.
    pub fn push(&mut self, head: Vec<u8>, places: impl Iterator<Item = Place>) -> Result<()> {
        self.window.head = head;
        for place in places {
            let (mut at, mut left) = (place.at, place.bytes as usize);
            while left > 0 {
                let bytes = left.min(self.window.room(at));
                if bytes == 0 {
                    self.pass_on()?;
                    continue;
                }
                self.window.take(at, bytes);
                (at, left) = (at + bytes as u64, left - bytes);
            }
        }
        self.pass_on()
    }

    /// Ends when all is written, as far as the file's own sync.
    pub fn finish(mut self) -> Result<()> {
        self.read = None;
        self.ended()
    }

    fn pass_on(&mut self) -> Result<()> {
        self.window.read(&self.film)?;
        let Ok(empty) = self.written.recv() else { return self.ended() };
        let full = std::mem::replace(&mut self.window, empty);
        match &self.read {
            Some(read) if read.send(full).is_ok() => Ok(()),
            _ => self.ended(),
        }
    }

    /// How writing ended.
    fn ended(&mut self) -> Result<()> {
        match self.writer.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(Refusal::Internal.error("The thread that copies the film panicked.")),
            None => Err(Refusal::Internal.error("The copy of the film has ended before.")),
        }
    }
}

impl Window {
    /// How many bytes from `at` on there is room for.
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

    fn read(&mut self, film: &File) -> Result<()> {
        self.bytes.resize(WINDOW_BYTES, 0);
        for part in &self.reads {
            let room = self.bytes.get_mut(part.start..part.start + part.bytes).unwrap_or_default();
            film.read_exact_at(room, part.at).map_err(unreadable)?;
        }
        Ok(())
    }

    /// Writes the track's part of it, after which it is empty; how many bytes that was.
    fn write(&mut self, to: &mut File) -> Result<u64> {
        let kept = self.keeps.iter().filter_map(|part| self.bytes.get(part.start..part.start + part.bytes));
        let mut slices: Vec<IoSlice<'_>> = std::iter::once(&self.head[..]).chain(kept).map(IoSlice::new).collect();
        let written = slices.iter().map(|slice| slice.len() as u64).sum();
        write_all(to, &mut slices)?;
        self.head.clear();
        self.reads.clear();
        self.keeps.clear();
        self.used = 0;
        Ok(written)
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
        let from = File::open(dir.path().join("film")).unwrap();
        let mut places = vec![(5, 10), (15, 1), (40, 100), (200_000, 3), (100, 7), (1 << 20, 1_200_000), (0, 0)];
        places.extend((0..300).map(|n| (n * 9_000, 3_000 + n as u32)));
        places.extend((0..100).map(|n| (n * 30_000, 1)));
        let mut expected = b"head".to_vec();
        for &(at, len) in &places {
            expected.extend(&film[at as usize..at as usize + len as usize]);
        }
        let out = File::create_new(dir.path().join("out")).unwrap();
        let mut copy = FilmCopy::start(&from, &out).unwrap();
        let all: Vec<Place> = places.iter().map(|&(at, bytes)| Place { at, bytes }).collect();
        let (first, second) = all.split_at(200);
        copy.push(b"head".to_vec(), first.iter().copied()).unwrap();
        copy.push(Vec::new(), second.iter().copied()).unwrap();
        copy.finish().unwrap();
        assert!(fs::read(dir.path().join("out")).unwrap() == expected);
        let beyond = Place { at: (3 << 20) - 4, bytes: 5 };
        let mut copy = FilmCopy::start(&from, &out).unwrap();
        let error = copy.push(Vec::new(), std::iter::once(beyond)).unwrap_err();
        assert_eq!(error.code(), "INPUT_UNREADABLE");
    }

    /// It is said by the next push or by the end, whichever comes first.
    #[test]
    fn what_cannot_be_written_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("film"), vec![7; 4 << 20]).unwrap();
        let from = File::open(dir.path().join("film")).unwrap();
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut copy = FilmCopy::start(&from, &full).unwrap();
        let place = Place { at: 0, bytes: 4 << 20 };
        let pushed = copy.push(b"head".to_vec(), [place; 8].into_iter());
        assert_eq!(pushed.unwrap_err().code(), "DISK_FULL");
        let mut copy = FilmCopy::start(&from, &full).unwrap();
        copy.push(b"head".to_vec(), std::iter::empty()).unwrap();
        assert_eq!(copy.finish().unwrap_err().code(), "DISK_FULL");
    }
}
