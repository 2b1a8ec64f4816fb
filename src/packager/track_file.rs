//! The file of one track, read with our own parser from its init segment on, segment by segment. A file that is still
//! being written is read as far as its segments are whole, and further the next time; nothing is read twice.
//!
//! A segment counts once all of it lies there: `moof` and `mdat` within the file, as many bytes as its samples have, a
//! sync sample at its beginning, and that where the segment before it ends.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};

use crate::base::error::{Error, Result};
use crate::media::cmaf::Fragment;
use crate::media::codec::codec_string;
use crate::media::isobmff::{BoxHeader, BoxSize, FourCc, Reader};
use crate::media::rendition::{SegmentIndex, TrackIndex, TrackMedia};
use crate::media::time::{Ticks, Timescale};
use crate::packager::protocol::TrackDraft;

/// No box but `mdat` is larger.
const BOX_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// How many segments are the beginning of a track.
pub const BEGINNING_SEGMENTS: usize = 3;

/// A track as far as it was read.
pub struct TrackFile {
    file: Arc<File>,
    id: String,
    media: TrackMedia,
    /// Where the next box begins.
    at: u64,
    init: Option<Init>,
    segments: Vec<SegmentIndex>,
    start_ticks: Ticks,
    /// Where the last segment ends.
    end_ticks: Ticks,
    /// Over the init segment and the first `moof`s, which name the size and the time of every sample.
    beginning: Context,
}

struct Init {
    bytes: u64,
    codec: String,
    timescale: Timescale,
}

impl TrackFile {
    pub fn new(file: Arc<File>, draft: &TrackDraft) -> TrackFile {
        TrackFile {
            file,
            id: draft.id.clone(),
            media: draft.media.clone(),
            at: 0,
            init: None,
            segments: Vec::new(),
            start_ticks: 0,
            end_ticks: 0,
            beginning: Context::new(&SHA256),
        }
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn file(&self) -> &Arc<File> {
        &self.file
    }

    /// Where each segment that was read begins, and where it ends.
    pub fn spans(&self) -> impl Iterator<Item = (Ticks, Ticks)> {
        self.segments.iter().scan(self.start_ticks, |start, segment| {
            let begins = *start;
            *start += segment.duration_ticks as Ticks;
            Some((begins, *start))
        })
    }

    /// Reads on, up to the last segment that is whole. An error says that the file is not of our form, not that it is
    /// short.
    pub fn read_on(&mut self) -> Result<()> {
        let len = self.file.metadata().map_err(|error| self.broken("it cannot be read").with_source(error))?.len();
        if self.init.is_none() && !self.read_init(len)? {
            return Ok(());
        }
        while self.read_segment(len)? {}
        Ok(())
    }

    /// The index of a track that is not written any more and was read to its end.
    pub fn finished(self) -> Result<TrackIndex> {
        let len = self.file.metadata().map_err(|error| self.broken("it cannot be read").with_source(error))?.len();
        if self.at != len {
            return Err(self.broken(&format!("it ends inside the segment that begins at {}", self.at)));
        }
        self.so_far().ok_or_else(|| self.broken("it has no segments"))
    }

    /// The index as far as the track was read; none before its first segment.
    pub fn so_far(&self) -> Option<TrackIndex> {
        let init = self.init.as_ref().filter(|_| !self.segments.is_empty())?;
        let mut track = TrackIndex {
            id: self.id.clone(),
            codec: init.codec.clone(),
            timescale: init.timescale,
            init_bytes: init.bytes,
            start_ticks: self.start_ticks,
            peak_bits_per_s: 0,
            average_bits_per_s: 0,
            media: self.media.clone(),
            segments: self.segments.clone(),
        };
        track.measure();
        Some(track)
    }

    /// SHA-256 of how the track begins, over no more than [`BEGINNING_SEGMENTS`]: another film, or another way to write
    /// it, has another.
    pub fn beginning(&self) -> [u8; 32] {
        let mut beginning = [0; 32];
        beginning.copy_from_slice(self.beginning.clone().finish().as_ref());
        beginning
    }

    /// Once the init segment was read.
    pub fn timescale(&self) -> Option<Timescale> {
        self.init.as_ref().map(|init| init.timescale)
    }

    /// False when it is not all there.
    fn read_init(&mut self, len: u64) -> Result<bool> {
        let Some(ftyp) = self.small(0, len, *b"ftyp")? else { return Ok(false) };
        let Some(moov) = self.small(ftyp.len() as u64, len, *b"moov")? else { return Ok(false) };
        let init = [ftyp, moov].concat();
        let codec = codec_string(&init)?;
        let mut mdhd = Reader::new(&init).path(&[b"moov", b"trak", b"mdia", b"mdhd"])?;
        mdhd.take(12)?;
        let timescale = Timescale::new(mdhd.u32()?)?;
        self.beginning.update(&init);
        self.at = init.len() as u64;
        self.init = Some(Init { bytes: self.at, codec, timescale });
        Ok(true)
    }

    /// Reads the next segment; false when it is not all there.
    fn read_segment(&mut self, len: u64) -> Result<bool> {
        let offset = self.at;
        let Some(moof) = self.small(offset, len, *b"moof")? else { return Ok(false) };
        let data_offset = offset + moof.len() as u64;
        let Some((size, header_bytes)) = self.header(data_offset, len, *b"mdat")? else { return Ok(false) };
        let payload = Reader::at(&moof, offset).next_box()?.ok_or_else(|| self.broken("a moof is empty"))?.payload;
        let fragment = Fragment::read(payload)?;
        let number = self.segments.len();
        let (start, begins_with_sync) = fragment.start();
        if !begins_with_sync || start != fragment.decode_time as Ticks {
            return Err(self.broken(&format!("segment {number} does not begin with a sync sample")));
        }
        let is_video = matches!(self.media, TrackMedia::Video(_));
        if number == 0 {
            if start != 0 && is_video {
                return Err(self.broken("the picture does not begin at 0"));
            }
            self.start_ticks = start;
        } else if start != self.end_ticks {
            return Err(self.broken(&format!("segment {number} does not begin where the one before it ends")));
        }
        if size - header_bytes != fragment.data_bytes() {
            return Err(self.broken(&format!("segment {number} has more or fewer bytes than its samples")));
        }
        let first_bytes = fragment.samples.first().map_or(0, |sample| u64::from(sample.bytes));
        let sync_bytes = if is_video { data_offset + header_bytes + first_bytes - offset } else { 0 };
        self.end_ticks = start + fragment.duration_ticks() as Ticks;
        self.at = data_offset + size;
        if number < BEGINNING_SEGMENTS {
            self.beginning.update(&moof);
        }
        self.segments.push(SegmentIndex {
            duration_ticks: fragment.duration_ticks(),
            offset,
            bytes: self.at - offset,
            sync_bytes,
            sync_offset: None,
        });
        Ok(true)
    }

    /// The box at `at`, which must be `kind`, as bytes; none when it does not end before `len`.
    fn small(&self, at: u64, len: u64, kind: FourCc) -> Result<Option<Vec<u8>>> {
        let Some((size, _)) = self.header(at, len, kind)? else { return Ok(None) };
        if size > BOX_BYTES_MAX {
            return Err(self.broken(&format!("its box at {at} is too large")));
        }
        let mut bytes = vec![0; size as usize];
        self.read_at(&mut bytes, at)?;
        Ok(Some(bytes))
    }

    /// The size of the box at `at`, which must be `kind`, and that of its header; none when it does not end before `len`.
    fn header(&self, at: u64, len: u64, kind: FourCc) -> Result<Option<(u64, u64)>> {
        let mut head = [0; 16];
        let there = len.saturating_sub(at).min(16) as usize;
        let (Some(head), 8..) = (head.get_mut(..there), there) else { return Ok(None) };
        self.read_at(head, at)?;
        if there < 16 && head.starts_with(&[0, 0, 0, 1]) {
            return Ok(None);
        }
        let header = BoxHeader::read(&mut Reader::at(head, at))?;
        match header.size {
            BoxSize::Bytes(size) if header.kind == kind => {
                Ok((size <= len - at).then_some((size, header.header_bytes)))
            }
            _ => Err(self.broken(&format!("its box at {at} is not the one that belongs there"))),
        }
    }

    fn read_at(&self, bytes: &mut [u8], at: u64) -> Result<()> {
        self.file.read_exact_at(bytes, at).map_err(|error| self.broken("it cannot be read").with_source(error))
    }

    fn broken(&self, what: &str) -> Error {
        wrong(&self.id, what)
    }
}

/// Why a track cannot be published.
pub fn wrong(id: &str, what: &str) -> Error {
    Error::internal(format!("track {id} is not publishable: {what}"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::media::cmaf::{InitMedia, SampleTiming, write_fragment_head, write_init};
    use crate::media::rendition::{AudioIndex, AudioRole};

    fn draft() -> TrackDraft {
        let audio = AudioIndex {
            channels: 2,
            sample_rate: 48_000,
            language: None,
            name: "Audio".into(),
            is_default: true,
            group: "stereo".into(),
            role: AudioRole::Main,
            joc_objects: None,
        };
        TrackDraft { id: "a-und-2".into(), is_copied: true, media: TrackMedia::Audio(audio) }
    }

    /// The init segment, and a segment of three bytes of sound for each span.
    fn pieces(spans: &[(Ticks, Ticks)]) -> Vec<Vec<u8>> {
        let media = InitMedia::Aac { asc: vec![0x11, 0x90], channels: 2, sample_rate: 48_000, bits_per_s: 1 };
        let mut pieces = vec![write_init(&media, Timescale::new(48_000).unwrap(), None)];
        pieces.extend(spans.iter().map(|&(start, end)| {
            let sample = SampleTiming { pts: start, bytes: 3, is_sync: true };
            [write_fragment_head(1, &[sample], end).unwrap(), b"abc".to_vec()].concat()
        }));
        pieces
    }

    fn open(bytes: &[u8]) -> (File, TrackFile) {
        let mut written = tempfile::tempfile().unwrap();
        written.write_all(bytes).unwrap();
        let read = Arc::new(written.try_clone().unwrap());
        (written, TrackFile::new(read, &draft()))
    }

    fn read(bytes: &[u8]) -> Result<TrackIndex> {
        let (_, mut track) = open(bytes);
        track.read_on()?;
        track.finished()
    }

    #[test]
    fn a_track_is_read_back_with_its_segments() {
        let track = read(&pieces(&[(10, 1034), (1034, 2058)]).concat()).unwrap();
        assert_eq!((track.codec.as_str(), track.start_ticks, track.duration_ticks()), ("mp4a.40.2", 10, 2048));
        assert_eq!(track.segments[0].offset, track.init_bytes);
        assert_eq!(track.segments[1].offset, track.init_bytes + track.segments[0].bytes);
    }

    #[test]
    fn a_gap_between_segments_or_a_cut_file_is_not_published() {
        let gap = read(&pieces(&[(0, 1024), (1025, 2048)]).concat()).unwrap_err();
        assert!(gap.log_line().contains("does not begin where the one before it ends"));
        let whole = pieces(&[(0, 1024)]).concat();
        let cut = read(&whole[..whole.len() - 1]).unwrap_err();
        assert!(cut.log_line().contains("it ends inside the segment"));
    }

    #[test]
    fn a_growing_file_is_read_as_far_as_its_segments_are_whole_byte_by_byte() {
        let pieces = pieces(&[(0, 1024), (1024, 2048)]);
        let (mut written, mut track) = open(&[]);
        let mut counts = Vec::new();
        for piece in &pieces {
            for byte in piece {
                track.read_on().unwrap();
                counts.push(track.spans().count());
                written.write_all(&[*byte]).unwrap();
            }
        }
        track.read_on().unwrap();
        // Each segment is seen with its last byte and not before.
        let (init, first) = (pieces[0].len(), pieces[1].len());
        assert_eq!(counts.iter().position(|&count| count == 1), Some(init + first));
        assert!(!counts.contains(&2));
        assert_eq!(track.spans().collect::<Vec<_>>(), [(0, 1024), (1024, 2048)]);
        assert_eq!(track.so_far().unwrap(), read(&pieces.concat()).unwrap());
        assert_eq!(track.finished().unwrap(), read(&pieces.concat()).unwrap());
    }

    #[test]
    fn a_beginning_tells_tracks_apart_and_is_known_after_three_segments() {
        let of = |spans: &[(Ticks, Ticks)]| {
            let (_, mut track) = open(&pieces(spans).concat());
            track.read_on().unwrap();
            track.beginning()
        };
        let spans = [(0, 1024), (1024, 2048), (2048, 3072), (3072, 4096)];
        assert_eq!(of(&spans[..3]), of(&spans));
        assert_ne!(of(&spans[..2]), of(&spans));
        assert_ne!(of(&[(0, 1024), (1024, 2048), (2048, 3073)]), of(&spans));
    }

    #[test]
    fn a_file_of_another_form_is_an_error_as_soon_as_it_is_seen() {
        let mut bytes = pieces(&[(0, 1024)]).concat();
        bytes.extend_from_slice(&[0; 16]);
        let (_, mut track) = open(&bytes);
        assert!(track.read_on().is_err());
        assert!(open(b"\0\0\0\x08free\0\0\0\0").1.read_on().is_err());
    }
}
