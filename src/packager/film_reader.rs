//! The samples of a film in turn: read by ourselves where the film is a plain MP4 or MOV whose tracks can be copied, and
//! by libav otherwise. Both say the same of a film.

use std::fs::File;
use std::os::unix::fs::FileExt;

use ffmpeg_next::Packet;
use ffmpeg_next::codec::Id;
use ffmpeg_next::codec::packet::side_data::Type as SideDataType;

use crate::base::error::{Error, Result};
use crate::base::limits;
use crate::media::captions::{self, Coding};
use crate::media::isobmff::Reader;
use crate::media::movie::{self, MovieSample};
use crate::packager::film_bytes::Place;
use crate::packager::libav;
use crate::packager::mux::Payload;
use crate::packager::probe::{Container, Source};
use crate::packager::refusal::Refusal;

/// Parameter sets and captions of a picture are mostly shorter than this.
const BEGINNING_BYTES: usize = 1024;

/// What a pass over a film sees of a sample.
pub struct SampleSeen<'a> {
    /// In the stream's time base.
    pub pts: Option<i64>,
    pub duration: i64,
    pub is_sync: bool,
    /// Decoded, but not shown.
    pub is_hidden: bool,
    pub is_damaged: bool,
    pub changes_format: bool,
    pub bytes: u64,
    /// As much as the pass needs: nothing, the beginning of a picture up to its first slice, or all.
    pub data: &'a [u8],
}

impl<'a> From<&'a Packet> for SampleSeen<'a> {
    fn from(packet: &'a Packet) -> SampleSeen<'a> {
        SampleSeen {
            pts: packet.pts(),
            duration: packet.duration(),
            is_sync: packet.is_key(),
            is_hidden: libav::is_hidden(packet),
            is_damaged: packet.is_corrupt() || packet.size() == 0,
            changes_format: packet.side_data().any(|data| data.kind() == SideDataType::NewExtraData),
            bytes: packet.size() as u64,
            data: packet.data().unwrap_or_default(),
        }
    }
}

/// A sample to be written elsewhere.
pub struct SampleTaken {
    /// In the stream's time base.
    pub pts: Option<i64>,
    pub is_sync: bool,
    pub payload: Payload,
}

impl From<Packet> for SampleTaken {
    fn from(packet: Packet) -> SampleTaken {
        SampleTaken { pts: packet.pts(), is_sync: packet.is_key(), payload: Payload::Packet { packet, skip: 0 } }
    }
}

/// A film that needs no libav to be read.
pub struct PlainFilm {
    file: File,
    /// How its pictures are made of units.
    coding: Coding,
    tracks: Vec<PlainTrack>,
}

struct PlainTrack {
    stream: usize,
    /// Whether every sample has to be looked into, and not only the beginnings of the picture's sync samples.
    says_format: bool,
    is_video: bool,
    samples: Vec<MovieSample>,
}

impl PlainFilm {
    /// `ids` are those of its streams. `None` where the film is not plain: libav reads it then, or says what is wrong with it.
    pub fn open(file: &File, ids: &[i32], source: &Source) -> Option<PlainFilm> {
        let of_film = source.audio.iter().filter(|audio| audio.beside.is_none());
        let is_plain = source.container == Container::IsoBmff
            && source.video.codec == Id::H264
            && !source.video.has_start_codes
            // No track of captions.
            && source.captions.iter().all(|captions| captions.stream == source.video.stream)
            && of_film.clone().all(|audio| match audio.codec {
                Id::AAC => !audio.extradata.is_empty(),
                Id::AC3 | Id::EAC3 => true,
                _ => false,
            });
        if !is_plain {
            return None;
        }
        let coding = Coding::H264 { length_bytes: source.video.avc.as_ref()?.nal_length_bytes() };
        let film_bytes = file.metadata().ok()?.len();
        let moov = read_moov(file, film_bytes)?;
        let streams: Vec<usize> =
            std::iter::once(source.video.stream).chain(of_film.map(|audio| audio.stream)).collect();
        let id_of = |stream: usize| u32::try_from(*ids.get(stream)?).ok();
        let tracks: Vec<u32> = streams.iter().map(|&stream| id_of(stream)).collect::<Option<_>>()?;
        let mut found = movie::tracks(Reader::new(&moov), &tracks).ok()?;
        drop(moov);
        let mut plain = Vec::new();
        for (&stream, id) in streams.iter().zip(tracks) {
            let track = found.swap_remove(found.iter().position(|track| track.id == id)?);
            let is_video = stream == source.video.stream;
            let in_file = |sample: &MovieSample| sample.offset.saturating_add(sample.bytes.into()) <= film_bytes;
            let is_known = match &track.entry {
                b"avc1" => is_video,
                b"mp4a" | b"ac-3" | b"ec-3" => !is_video,
                _ => false,
            };
            if !is_known || !track.samples.iter().all(in_file) {
                return None;
            }
            let says_format = matches!(&track.entry, b"ac-3" | b"ec-3");
            plain.push(PlainTrack { stream, says_format, is_video, samples: track.samples });
        }
        // Samples that lie upon one another could be read for ever.
        let bytes = plain.iter().flat_map(|track| &track.samples).map(|sample| u64::from(sample.bytes)).sum::<u64>();
        if bytes > film_bytes {
            return None;
        }
        Some(PlainFilm { file: file.try_clone().ok()?, coding, tracks: plain })
    }

    /// Every sample in the order of the file, with its stream.
    pub fn each_seen(&self, mut see: impl FnMut(usize, SampleSeen<'_>)) -> Result<()> {
        let mut data = Vec::new();
        for (track, sample) in self.in_order(|_| true) {
            let place = Place { at: sample.offset, bytes: sample.bytes };
            data.clear();
            if track.says_format {
                data.resize(sample.bytes as usize, 0);
                self.file.read_exact_at(&mut data, sample.offset).map_err(changed)?;
            } else if track.is_video && sample.is_sync {
                self.read_before_slices(place, &mut data)?;
            }
            let seen = SampleSeen {
                pts: Some(sample.pts),
                duration: sample.duration.into(),
                is_sync: sample.is_sync,
                is_hidden: false,
                is_damaged: track.is_video
                    && sample.is_sync
                    && !captions::has_whole_units(self.coding, &data, sample.bytes),
                changes_format: false,
                bytes: sample.bytes.into(),
                data: &data,
            };
            see(track.stream, seen);
        }
        Ok(())
    }

    /// Every sample of the streams that are `wanted`, and where it lies, in the order of the file.
    pub fn each_taken(
        &self,
        wanted: impl Fn(usize) -> bool,
        mut take: impl FnMut(usize, SampleTaken) -> Result<()>,
    ) -> Result<()> {
        self.in_order(wanted).try_for_each(|(track, sample)| {
            let payload = Payload::Film(Place { at: sample.offset, bytes: sample.bytes });
            take(track.stream, SampleTaken { pts: Some(sample.pts), is_sync: sample.is_sync, payload })
        })
    }

    /// So much of a picture that its first slice begins in it, or all.
    pub fn before_slices(&self, payload: &Payload) -> Result<Vec<u8>> {
        let mut picture = Vec::new();
        if let Payload::Film(place) = *payload {
            self.read_before_slices(place, &mut picture)?;
        }
        Ok(picture)
    }

    fn read_before_slices(&self, Place { at, bytes }: Place, picture: &mut Vec<u8>) -> Result<()> {
        picture.resize(BEGINNING_BYTES.min(bytes as usize), 0);
        self.file.read_exact_at(picture, at).map_err(changed)?;
        if !captions::reaches_slice(self.coding, picture) {
            picture.resize(bytes as usize, 0);
            self.file.read_exact_at(picture, at).map_err(changed)?;
        }
        Ok(())
    }

    /// For whoever writes its samples.
    pub fn file(&self) -> &File {
        &self.file
    }

    fn in_order(&self, wanted: impl Fn(usize) -> bool) -> impl Iterator<Item = (&PlainTrack, MovieSample)> {
        let mut tracks: Vec<_> = self
            .tracks
            .iter()
            .filter(|track| wanted(track.stream))
            .map(|track| (track, track.samples.iter()))
            .collect();
        std::iter::from_fn(move || {
            let offset = |rest: &std::slice::Iter<'_, MovieSample>| rest.as_slice().first().map(|sample| sample.offset);
            let next = tracks.iter_mut().filter(|(_, rest)| !rest.as_slice().is_empty());
            let (track, rest) = next.min_by_key(|(_, rest)| offset(rest))?;
            Some((*track, *rest.next()?))
        })
    }
}

/// The payload of the film's `moov` box.
fn read_moov(file: &File, film_bytes: u64) -> Option<Vec<u8>> {
    let mut at = 0;
    while at + 8 <= film_bytes {
        let mut head = [0; 16];
        let head_bytes = (film_bytes - at).min(16) as usize;
        file.read_exact_at(&mut head[..head_bytes], at).ok()?;
        let short = u32::from_be_bytes(head[..4].try_into().ok()?);
        let (header, size) = match short {
            0 => (8, film_bytes - at),
            1 => (16, u64::from_be_bytes(head[8..].try_into().ok()?)),
            size => (8, u64::from(size)),
        };
        if size < header || size > film_bytes - at {
            return None;
        }
        if &head[4..8] == b"moov" {
            let payload = size - header;
            if payload > limits::MOVIE_BOX_BYTES_MAX {
                return None;
            }
            let mut moov = vec![0; payload as usize];
            file.read_exact_at(&mut moov, at + header).ok()?;
            return Some(moov);
        }
        at += size;
    }
    None
}

fn changed(error: std::io::Error) -> Error {
    Refusal::InputDamaged.error("The film changes as it is read.").with_source(error)
}
