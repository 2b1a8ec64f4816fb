//! Reads back what a worker wrote, with our own parser, and makes the asset's index from it. What a playlist will say is
//! what lies in the files; a track that breaks a rule of the format is never published. Of text the worker leaves cues,
//! and the file is written here.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::base::error::{Error, Result};
use crate::base::limits;
use crate::media::cmaf::Fragment;
use crate::media::codec::codec_string;
use crate::media::isobmff::{BoxHeader, BoxSize, FourCc, Reader};
use crate::media::rendition::{AssetIndex, SegmentIndex, TrackIndex, TrackMedia};
use crate::media::storyboard::Storyboard;
use crate::media::time::{Ticks, Timescale};
use crate::packager::protocol::TrackDraft;
use crate::packager::text_file;

/// No box but `mdat` is larger.
const BOX_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// The marker that every JPEG begins with.
pub const JPEG_START: [u8; 3] = [0xff, 0xd8, 0xff];

/// The index of the asset whose tracks lie in `dir`.
pub fn index(dir: &Path, drafts: Vec<TrackDraft>) -> Result<AssetIndex> {
    let words = drafts.iter().filter(|draft| matches!(draft.media, TrackMedia::Text(_))).count();
    if words > 2 * limits::TEXT_TRACKS_MAX {
        return Err(Error::internal("the worker names more text tracks than there can be"));
    }
    let mut tracks = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let is_plain =
            !draft.id.is_empty() && draft.id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if !is_plain || tracks.iter().any(|track: &TrackIndex| track.id == draft.id) {
            return Err(wrong(&draft.id, "its id is not usable"));
        }
        if let TrackMedia::Text(words) = draft.media {
            let Some(film) = tracks.first() else { return Err(wrong(&draft.id, "it comes before the picture")) };
            tracks.push(text_file::write(dir, draft.id, words, film)?);
            continue;
        }
        let path = dir.join(format!("{}.mp4", draft.id));
        let file = File::open(&path).map_err(|error| wrong(&draft.id, "it cannot be opened").with_source(error))?;
        tracks.push(track(&file, draft)?);
    }
    check_switching_set(&tracks)?;
    Ok(AssetIndex::new(tracks))
}

/// Whether the sheets in `dir` can be those of a film of this length. Of what the worker says only the size of a
/// picture is news.
pub fn storyboard(dir: &Path, said: &Storyboard, duration_ms: u64) -> Result<()> {
    let is_tile = |side| (1..=limits::STORYBOARD_SIDE_MAX).contains(&side);
    let Storyboard { tile_width, tile_height, sheets, .. } = *said;
    if !is_tile(tile_width)
        || !is_tile(tile_height)
        || *said != Storyboard::of_film(duration_ms, tile_width, tile_height)
    {
        return Err(Error::internal(format!("{said:?} is no storyboard of a film of {duration_ms} ms")));
    }
    for sheet in 0..sheets {
        let mut jpeg = Vec::new();
        let read = File::open(dir.join(Storyboard::file_name(sheet)))
            .and_then(|file| file.take(limits::STORYBOARD_SHEET_BYTES_MAX + 1).read_to_end(&mut jpeg));
        read.map_err(|error| Error::internal("a storyboard's sheet cannot be read").with_source(error))?;
        if !jpeg.starts_with(&JPEG_START) || jpeg.len() as u64 > limits::STORYBOARD_SHEET_BYTES_MAX {
            return Err(Error::internal(format!("sheet {sheet} of the storyboard is no picture")));
        }
    }
    Ok(())
}

/// Every video track begins its segments at the same instants.
fn check_switching_set(tracks: &[TrackIndex]) -> Result<()> {
    let mut reference: Option<(&TrackIndex, Vec<Ticks>)> = None;
    for track in tracks.iter().filter(|track| matches!(track.media, TrackMedia::Video(_))) {
        let starts: Vec<Ticks> = starts(track);
        match &reference {
            None => reference = Some((track, starts)),
            Some((first, expected)) => {
                if first.timescale != track.timescale || *expected != starts {
                    return Err(wrong(&track.id, &format!("its segments do not begin where those of {} do", first.id)));
                }
            }
        }
    }
    if reference.is_none() { Err(Error::internal("an asset without video")) } else { Ok(()) }
}

fn starts(track: &TrackIndex) -> Vec<Ticks> {
    let durations = track.segments.iter().map(|segment| segment.duration_ticks as Ticks);
    durations
        .scan(track.start_ticks, |start, duration| {
            let this = *start;
            *start += duration;
            Some(this)
        })
        .collect()
}

fn track(file: &File, draft: TrackDraft) -> Result<TrackIndex> {
    let id = draft.id;
    let broken = |what: &str| wrong(&id, what);
    let len = file.metadata().map_err(|error| broken("it cannot be read").with_source(error))?.len();
    let mut walk = Walk { file, at: 0, len };
    let (ftyp, moov) = (walk.small(*b"ftyp")?, walk.small(*b"moov")?);
    let init_bytes = walk.at;
    let init = [ftyp, moov].concat();
    let codec = codec_string(&init)?;
    let mut mdhd = Reader::new(&init).path(&[b"moov", b"trak", b"mdia", b"mdhd"])?;
    mdhd.take(12)?;
    let timescale = Timescale::new(mdhd.u32()?)?;
    let is_video = matches!(draft.media, TrackMedia::Video(_));
    let mut segments = Vec::new();
    let mut start_ticks = None;
    let mut expected = None;
    while walk.at < len {
        let offset = walk.at;
        let moof = walk.small(*b"moof")?;
        let mut reader = Reader::at(&moof, offset);
        let payload = reader.next_box()?.ok_or_else(|| broken("a moof is empty"))?.payload;
        let fragment = Fragment::read(payload)?;
        let (start, begins_with_sync) = fragment.start();
        if !begins_with_sync || start != fragment.decode_time as Ticks {
            return Err(broken(&format!("segment {} does not begin with a sync sample", segments.len())));
        }
        if expected.is_some_and(|expected| expected != start) {
            return Err(broken(&format!("segment {} does not begin where the one before it ends", segments.len())));
        }
        start_ticks.get_or_insert(start);
        expected = Some(start + fragment.duration_ticks() as Ticks);
        let (data_at, data_bytes) = walk.skip(*b"mdat")?;
        if data_bytes != fragment.data_bytes() {
            return Err(broken(&format!("segment {} has more or fewer bytes than its samples", segments.len())));
        }
        let first_bytes = fragment.samples.first().map_or(0, |sample| u64::from(sample.bytes));
        let sync_bytes = if is_video { data_at + first_bytes - offset } else { 0 };
        segments.push(SegmentIndex {
            duration_ticks: fragment.duration_ticks(),
            offset,
            bytes: walk.at - offset,
            sync_bytes,
            sync_offset: None,
        });
    }
    let start_ticks = start_ticks.ok_or_else(|| broken("it has no segments"))?;
    if start_ticks != 0 && is_video {
        return Err(broken("the picture does not begin at 0"));
    }
    let mut track = TrackIndex {
        id,
        codec,
        timescale,
        init_bytes,
        start_ticks,
        peak_bits_per_s: 0,
        average_bits_per_s: 0,
        media: draft.media,
        segments,
    };
    track.measure();
    Ok(track)
}

/// Goes over the top-level boxes of a file.
struct Walk<'a> {
    file: &'a File,
    at: u64,
    len: u64,
}

impl Walk<'_> {
    /// The next box, which must be `kind`, as bytes.
    fn small(&mut self, kind: FourCc) -> Result<Vec<u8>> {
        let (size, _) = self.header(kind)?;
        if size > BOX_BYTES_MAX {
            return Err(Error::internal("a box of the output is too large"));
        }
        let mut bytes = vec![0; size as usize];
        self.file
            .read_exact_at(&mut bytes, self.at)
            .map_err(|error| Error::internal("the output cannot be read").with_source(error))?;
        self.at += size;
        Ok(bytes)
    }

    /// Passes over the next box, which must be `kind`; where its payload begins, and its bytes.
    fn skip(&mut self, kind: FourCc) -> Result<(u64, u64)> {
        let (size, header_bytes) = self.header(kind)?;
        let payload_at = self.at + header_bytes;
        self.at += size;
        Ok((payload_at, size - header_bytes))
    }

    fn header(&self, kind: FourCc) -> Result<(u64, u64)> {
        let mut head = [0; 16];
        let wanted = usize::try_from(self.len - self.at).unwrap_or(16).min(16);
        self.file
            .read_exact_at(&mut head[..wanted], self.at)
            .map_err(|error| Error::internal("the output cannot be read").with_source(error))?;
        let header = BoxHeader::read(&mut Reader::at(&head[..wanted], self.at))?;
        match header.size {
            BoxSize::Bytes(size) if header.kind == kind && size <= self.len - self.at => {
                Ok((size, header.header_bytes))
            }
            _ => Err(Error::internal(format!("the output's box at {} is not the one that belongs there", self.at))),
        }
    }
}

fn wrong(id: &str, what: &str) -> Error {
    Error::internal(format!("track {id} is not publishable: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::cmaf::{InitMedia, SampleTiming, write_fragment_head, write_init};
    use crate::media::rendition::{AudioIndex, AudioRole};

    fn audio_draft() -> TrackDraft {
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

    fn write_track(dir: &Path, starts: &[(Ticks, Ticks)]) {
        let media = InitMedia::Aac { asc: vec![0x11, 0x90], channels: 2, sample_rate: 48_000, bits_per_s: 1 };
        let mut bytes = write_init(&media, Timescale::new(48_000).unwrap(), None);
        for &(start, end) in starts {
            let sample = SampleTiming { pts: start, bytes: 3, is_sync: true };
            bytes.extend(write_fragment_head(1, &[sample], end).unwrap());
            bytes.extend(b"abc");
        }
        std::fs::write(dir.join("a-und-2.mp4"), bytes).unwrap();
    }

    fn read(dir: &Path) -> Result<TrackIndex> {
        track(&File::open(dir.join("a-und-2.mp4")).unwrap(), audio_draft())
    }

    #[test]
    fn a_track_is_read_back_with_its_segments() {
        let dir = tempfile::tempdir().unwrap();
        write_track(dir.path(), &[(10, 1034), (1034, 2058)]);
        let track = read(dir.path()).unwrap();
        assert_eq!((track.codec.as_str(), track.start_ticks, track.duration_ticks()), ("mp4a.40.2", 10, 2048));
        assert_eq!(track.segments[0].offset, track.init_bytes);
        assert_eq!(track.segments[1].offset, track.init_bytes + track.segments[0].bytes);
    }

    #[test]
    fn a_gap_between_segments_or_a_cut_file_is_not_published() {
        let dir = tempfile::tempdir().unwrap();
        write_track(dir.path(), &[(0, 1024), (1025, 2048)]);
        assert!(read(dir.path()).unwrap_err().log_line().contains("does not begin where the one before it ends"));
        write_track(dir.path(), &[(0, 1024)]);
        let path = dir.path().join("a-und-2.mp4");
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        assert!(read(dir.path()).is_err());
    }
    #[test]
    fn a_storyboard_is_what_its_film_gives_and_made_of_bounded_pictures() {
        let dir = tempfile::tempdir().unwrap();
        let said = Storyboard::of_film(60_000, 160, 90);
        let check = |said: &Storyboard| storyboard(dir.path(), said, 60_000).map_err(|error| error.log_line());
        let sheet =
            |number, bytes: &[u8]| std::fs::write(dir.path().join(Storyboard::file_name(number)), bytes).unwrap();
        sheet(0, &JPEG_START);
        assert!(check(&said).unwrap_err().contains("cannot be read"), "the second sheet is missing");
        sheet(1, &JPEG_START);
        check(&said).unwrap();
        for lie in [
            Storyboard { count: 31, ..said },
            Storyboard { sheets: u32::MAX, ..said },
            Storyboard { interval_ms: 0, ..said },
            Storyboard { tile_height: 0, ..said },
            Storyboard { tile_width: 161, ..said },
            Storyboard { rows: said.rows.saturating_add(1), ..said },
        ] {
            assert!(check(&lie).unwrap_err().contains("is no storyboard of a film"), "{lie:?}");
        }
        sheet(1, b"GIF89a");
        assert!(check(&said).unwrap_err().contains("is no picture"));
        let mut large = vec![0; limits::STORYBOARD_SHEET_BYTES_MAX as usize + 1];
        large[..3].copy_from_slice(&JPEG_START);
        sheet(1, &large);
        assert!(check(&said).unwrap_err().contains("is no picture"));
        sheet(1, &large[1..]);
        assert!(check(&said).is_err());
        large.pop();
        sheet(1, &large);
        check(&said).unwrap();
    }
}
