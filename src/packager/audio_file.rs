//! Sound in a file beside the film, such as a dub. Its first instant is that of the film's first picture; where it is
//! shorter than the film, silence follows, and what is longer is cut.

use std::fs::File;
use std::sync::Arc;

use ffmpeg_next::{Packet, Stream, format, media};

use crate::base::error::{Error, Result};
use crate::packager::libav;
use crate::packager::probe::{self, AudioSource};
use crate::packager::protocol::SidecarOrder;
use crate::packager::refusal::Refusal;
use crate::packager::scan::Origin;

/// libav's names of what such a file may be.
const DEMUXERS: &str = "mov,matroska,webm,mp3,aac,ac3,eac3,flac,wav,ogg";

/// A file that was opened once.
#[derive(Debug)]
pub struct AudioFile {
    file: File,
    /// For people.
    name: String,
    /// How long it says that it is; none where that is reckoned from its bytes.
    declared_s: Option<f64>,
    /// The timestamp of its first instant.
    pub origin: Origin,
}

/// Those of which libav only reckons how long they are.
const RECKONED: [&str; 4] = ["mp3", "aac", "ac3", "eac3"];
/// What may be missing of it before that is said.
const MISSING_S: f64 = 1.0;

/// Opens the file of an order and looks for its first track of sound.
pub fn open(order: &SidecarOrder, file: File) -> Result<AudioSource> {
    let input = demux(&file, &order.name)?;
    let stream = input.streams().find(|stream| stream.parameters().medium() == media::Type::Audio);
    let stream = stream.ok_or_else(|| unreadable(&order.name))?;
    let source = probe::audio_source(&stream)?.ok_or_else(|| unreadable(&order.name))?;
    // Of MP3 the samples before the first instant are counted, and then dropped by the decoder.
    let first_pts = if input.format().name() == "mp3" { stream.start_time().max(0) } else { 0 };
    let origin = Origin::at(first_pts, source.time_base);
    let is_reckoned = RECKONED.contains(&input.format().name());
    let declared_s = (!is_reckoned && input.duration() > 0).then(|| input.duration() as f64 / 1e6);
    Ok(AudioSource {
        language: Some(order.language.clone()),
        is_default: false,
        beside: Some(Arc::new(AudioFile { file, name: order.name.clone(), declared_s, origin })),
        ..source
    })
}

impl AudioFile {
    /// Why nothing can be made of it; `what` is as much as can be decoded.
    pub fn undecodable(&self, what: &str) -> Error {
        Refusal::AudioUnreadable.error(format!("Only {what} of the sound of {} can be decoded.", self.name))
    }

    /// What to say where it decodes to less than it says that it has.
    pub fn missing(&self, heard_s: f64) -> Option<String> {
        let declared_s = self.declared_s.filter(|declared_s| heard_s < declared_s - MISSING_S)?;
        let name = &self.name;
        Some(format!("Only {heard_s:.1} s of the {declared_s:.1} s of {name} can be decoded; the rest is silence."))
    }

    /// Hands out the stream, as a decoder needs it.
    pub fn with_stream<T>(&self, stream: usize, use_it: impl FnOnce(&Stream<'_>) -> Result<T>) -> Result<T> {
        let input = demux(&self.file, &self.name)?;
        let stream = input.stream(stream).ok_or_else(|| unreadable(&self.name))?;
        use_it(&stream)
    }

    /// Hands out every packet of the stream.
    pub fn each_packet(&self, stream: usize, mut take: impl FnMut(Packet) -> Result<()>) -> Result<()> {
        let mut input = demux(&self.file, &self.name)?;
        let failed = |error| unreadable(&self.name).with_internal(format!("libav: {error}"));
        while let Some(packet) = libav::next_packet(&mut input).map_err(failed)? {
            if packet.stream() == stream {
                take(packet)?;
            }
        }
        Ok(())
    }
}

fn demux(file: &File, name: &str) -> Result<format::context::Input> {
    let (input, _) = probe::input(file, DEMUXERS, probe::DECODERS)?;
    input.map_err(|error| unreadable(name).with_internal(format!("libav: {error}")))
}

fn unreadable(name: &str) -> Error {
    Refusal::AudioUnreadable.error(format!(
        "{name} holds no sound that can be read: AAC, AC-3, E-AC-3, MP3, Opus, Vorbis, FLAC, ALAC and PCM in MP4, Matroska, \
         WebM, Ogg, WAV or files of their own can."
    ))
}
