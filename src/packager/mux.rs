//! Writes one CMAF track: the init segment at once, then a fragment whenever a segment is complete. A segment is held
//! until the first sample of the next says where it ends, so memory is bounded by one segment; of samples that are copied
//! from the film as they lie there only the places are held.

use std::fs::{File, OpenOptions};
use std::io::{IoSlice, Seek, SeekFrom, Write};
use std::path::Path;

use ffmpeg_next::Packet;

use crate::base::error::Result;
use crate::base::limits;
use crate::media::cmaf::{self, InitMedia, SampleTiming};
use crate::media::time::{Ticks, Timescale};
use crate::packager::checkpoint::Extent;
use crate::packager::film_bytes::{self, FilmCopy, Place};
use crate::packager::refusal::{self, Refusal};
use crate::packager::segmenter::Cursor;

/// The bytes of a sample: as libav holds them, converted, or still in the film.
pub enum Payload {
    Packet { packet: Packet, skip: usize },
    Bytes(Vec<u8>),
    Film(Place),
}

impl Payload {
    fn len(&self) -> u64 {
        match self {
            Payload::Film(place) => u64::from(place.bytes),
            Payload::Packet { .. } | Payload::Bytes(_) => self.held().len() as u64,
        }
    }

    /// What is in memory.
    pub fn held(&self) -> &[u8] {
        match self {
            Payload::Packet { packet, skip } => packet.data().and_then(|data| data.get(*skip..)).unwrap_or_default(),
            Payload::Bytes(bytes) => bytes,
            Payload::Film(_) => &[],
        }
    }

    fn place(&self) -> Option<Place> {
        match self {
            Payload::Film(place) => Some(*place),
            Payload::Packet { .. } | Payload::Bytes(_) => None,
        }
    }
}

/// A sample in decode order.
pub struct Sample {
    pub pts: Ticks,
    pub is_sync: bool,
    pub payload: Payload,
}

/// The file of one track while it is written.
pub struct TrackWriter {
    file: File,
    /// Where samples lie that are not in memory.
    film: Option<FilmCopy>,
    boundaries: Cursor,
    samples: Vec<Sample>,
    held_bytes: u64,
    written: Extent,
}

impl TrackWriter {
    /// Creates `{id}.mp4` in `dir` with its init segment. `boundaries` are in ticks of the track.
    pub fn create(
        dir: &Path,
        id: &str,
        media: &InitMedia,
        timescale: Timescale,
        language: Option<&str>,
        boundaries: Vec<Ticks>,
    ) -> Result<TrackWriter> {
        let mut file = File::create_new(dir.join(format!("{id}.mp4"))).map_err(refusal::of_write)?;
        let init = cmaf::write_init(media, timescale, language);
        file.write_all(&init).map_err(refusal::of_write)?;
        let written = Extent { bytes: init.len() as u64, segments: 0, end: 0 };
        let boundaries = Cursor::new(boundaries);
        Ok(TrackWriter { file, film: None, boundaries, samples: Vec::new(), held_bytes: 0, written })
    }

    /// Goes on with a file that is there as far; what lies behind is cut off. The next sample begins a segment where the
    /// last one ends.
    pub fn resume(dir: &Path, id: &str, boundaries: Vec<Ticks>, written: Extent) -> Result<TrackWriter> {
        let open = || {
            let mut file = OpenOptions::new().write(true).open(dir.join(format!("{id}.mp4")))?;
            file.set_len(written.bytes)?;
            file.seek(SeekFrom::Start(written.bytes)).map(|_| file)
        };
        let (file, boundaries) = (open().map_err(refusal::of_write)?, Cursor::new(boundaries));
        Ok(TrackWriter { file, film: None, boundaries, samples: Vec::new(), held_bytes: 0, written })
    }

    /// All samples will be [`Payload::Film`], in this film.
    pub fn copy_from(&mut self, film: &File) -> Result<()> {
        self.film = Some(FilmCopy::start(film, &self.file)?);
        Ok(())
    }

    /// What has been written: whole segments.
    pub fn written(&self) -> Extent {
        self.written
    }

    /// Makes what has been written durable.
    pub fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(refusal::of_write)
    }

    pub fn push(&mut self, sample: Sample) -> Result<()> {
        if sample.is_sync && self.boundaries.is_reached_by(sample.pts) && !self.samples.is_empty() {
            self.flush(sample.pts)?;
        }
        self.held_bytes += sample.payload.len();
        if self.held_bytes > limits::SEGMENT_BYTES_MAX {
            return Err(Refusal::InputTooLarge.error(format!(
                "One segment of the film is larger than {} MiB; its bit rate is too high to deliver.",
                limits::SEGMENT_BYTES_MAX >> 20
            )));
        }
        self.samples.push(sample);
        Ok(())
    }

    /// Writes the last segment, which ends at `end`, and makes the file durable.
    pub fn finish(mut self, end: Ticks) -> Result<()> {
        if !self.samples.is_empty() {
            let last = self.samples.iter().map(|sample| sample.pts).max().unwrap_or(0);
            self.flush(end.max(last + 1))?;
        }
        self.film.map_or(Ok(()), FilmCopy::finish)?;
        self.file.sync_all().map_err(refusal::of_write)
    }

    /// Writes the segment that is held. Whoever plays the film while it is made sees it at once.
    fn flush(&mut self, end: Ticks) -> Result<()> {
        let timings: Vec<SampleTiming> = self
            .samples
            .iter()
            .map(|sample| SampleTiming { pts: sample.pts, bytes: sample.payload.len() as u32, is_sync: sample.is_sync })
            .collect();
        let sequence = self.written.segments + 1;
        let head = cmaf::write_fragment_head(sequence, &timings, end).map_err(|error| {
            Refusal::InputDamaged.error("The film's timestamps contradict each other.").with_source(error)
        })?;
        let bytes = head.len() as u64 + self.held_bytes;
        if let Some(film) = &mut self.film {
            film.push(head, self.samples.iter().filter_map(|sample| sample.payload.place()))?;
        } else {
            let payloads = self.samples.iter().map(|sample| sample.payload.held());
            let mut slices: Vec<IoSlice<'_>> = std::iter::once(&head[..]).chain(payloads).map(IoSlice::new).collect();
            film_bytes::write_all(&mut self.file, &mut slices)?;
        }
        self.samples.clear();
        self.written = Extent { bytes: self.written.bytes + bytes, segments: sequence, end };
        self.held_bytes = 0;
        Ok(())
    }
}
