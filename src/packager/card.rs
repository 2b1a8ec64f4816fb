//! The release card: a still of a few seconds that says under which licence a film is shown, as an asset with the tracks
//! of the film that it opens. Each rung is encoded in its size and at its frame rate, each audio track is silence in its
//! rate and layout.
//!
//! The card says the licence's kind and number and the film's name, in a plain form of our own; it copies no emblem.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use ffmpeg_next::format::Pixel;
use ffmpeg_next::{ChannelLayout, Packet, format, frame};

use crate::base::error::Result;
use crate::base::limits;
use crate::media::aac::AacConfig;
use crate::media::cmaf::InitMedia;
use crate::media::dolby::{self, DolbyFrame};
use crate::media::rendition::{AudioIndex, TrackMedia, VideoIndex};
use crate::media::time::{Ticks, Timescale};
use crate::packager::audio;
use crate::packager::encoder::{AvcConformance, EncoderSettings, VideoCodec};
use crate::packager::hdr;
use crate::packager::ladder::Rung;
use crate::packager::lettering::{Canvas, Font, Line};
use crate::packager::libav;
use crate::packager::mux::{Payload, Sample, TrackWriter};
use crate::packager::poster;
use crate::packager::protocol::{CardText, CardTrack, TrackDraft};
use crate::packager::readback::POSTER_FILE;
use crate::packager::refusal::{self, Refusal};
use crate::packager::renditions::AUDIO_FRAME_SAMPLES;
use crate::packager::rung::{RungHandle, RungSettings};
use crate::packager::segmenter::Grid;

/// A rung's rate is capped at that of the film's, and at no less than this.
const RATE_CAP_BITS_PER_S_MIN: u64 = 500_000;
const SILENCE_BITS_PER_S: u32 = 64_000;
/// Of AC-3 and E-AC-3, which have few rates.
const SURROUND_SILENCE_BITS_PER_S: u32 = 192_000;
const SYNC_EVERY_S: u32 = 2;
/// Vermilion, and ink that is nearly white.
const GROUND: [f32; 3] = [196.0, 52.0, 32.0];
const INK: [f32; 3] = [255.0, 250.0, 240.0];
/// The part of the picture's width that words may fill.
const FILLED: f32 = 0.86;

/// Writes the tracks of the card and a still of it into `dir`.
pub fn write(font: &File, dir: &Path, text: &CardText, tracks: &[CardTrack]) -> Result<()> {
    let font = read_font(font)?;
    let lines = text.lines();
    let words: String = lines.iter().map(|(words, _)| words.as_str()).collect();
    let font = Font::open(&font, &words)?;
    let Some((first, _)) = videos(tracks).next() else {
        return Err(Refusal::Internal.error("A card for a film without a picture."));
    };
    let length = Length::of(first.frame_rate_milli)?;
    for (video, track) in videos(tracks) {
        let picture = draw(&font, &lines, even(video.width), even(video.height));
        encode(dir, track, &picture, video, &length)?;
    }
    let still = draw(&font, &lines, even(first.width), even(first.height));
    let jpeg = poster::jpeg(&poster::scale(&still, "", still.width(), still.height())?)?;
    let mut out = File::create_new(dir.join(POSTER_FILE)).map_err(refusal::of_write)?;
    out.write_all(&jpeg).and_then(|()| out.sync_all()).map_err(refusal::of_write)?;
    for track in tracks {
        if let TrackMedia::Audio(audio) = &track.media {
            silence(dir, track, audio, &length)?;
        }
    }
    Ok(())
}

/// What [`write()`] leaves in its folder.
pub fn drafts(tracks: &[CardTrack]) -> Vec<TrackDraft> {
    let drafts = tracks.iter().map(|track| TrackDraft {
        id: track.id.clone(),
        is_copied: false,
        media: match &track.media {
            TrackMedia::Video(video) => {
                TrackMedia::Video(VideoIndex { width: even(video.width), height: even(video.height), ..video.clone() })
            }
            other => other.clone(),
        },
    });
    drafts.collect()
}

fn videos(tracks: &[CardTrack]) -> impl Iterator<Item = (&VideoIndex, &CardTrack)> {
    tracks.iter().filter_map(|track| match &track.media {
        TrackMedia::Video(video) => Some((video, track)),
        TrackMedia::Audio(_) | TrackMedia::Text(_) => None,
    })
}

fn read_font(file: &File) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = file.take(limits::CARD_FONT_BYTES_MAX + 1).read_to_end(&mut bytes);
    let unusable = |why: &str| Refusal::CardFontMissing.error(format!("The font for release cards {why}."));
    read.map_err(|error| unusable("cannot be read").with_source(error))?;
    if bytes.len() as u64 > limits::CARD_FONT_BYTES_MAX {
        return Err(unusable("is larger than any font is"));
    }
    Ok(bytes)
}

fn even(side: u32) -> u32 {
    side.max(2) & !1
}

impl CardText {
    /// From top to bottom, with the size wanted, in parts of the picture's shorter side.
    fn lines(&self) -> [(String, f32); 3] {
        [(self.kind.clone(), 0.115), (self.number.clone(), 0.085), (format!("《{}》", self.name), 0.07)]
    }
}

/// Between lines, in parts of the picture's shorter side.
const LEADING: f32 = 0.075;

/// The card as 8-bit 4:2:0 in BT.709 and video range.
fn draw(font: &Font<'_>, lines: &[(String, f32)], width: u32, height: u32) -> frame::Video {
    let side = width.min(height) as f32;
    let fits =
        |(words, wanted): &(String, f32)| Canvas::size_that_fits(font, words, wanted * side, width as f32 * FILLED);
    let sizes: Vec<f32> = lines.iter().map(fits).collect();
    let leading = LEADING * side;
    let mut top = (height as f32 - sizes.iter().sum::<f32>() - leading * (lines.len() as f32 - 1.0)) / 2.0;
    let mut canvas = Canvas::new(width, height);
    for ((words, _), size) in lines.iter().zip(sizes) {
        canvas.draw(font, &Line { words, top, size });
        top += size + leading;
    }
    paint(&canvas.coverage(), width as usize, height as usize)
}

/// Ink on the ground, by how much of each pixel it covers; chroma by the mean of its four pixels.
fn paint(coverage: &[f32], width: usize, height: usize) -> frame::Video {
    let mut picture = frame::Video::new(Pixel::YUV420P, width as u32, height as u32);
    let (ground, ink) = (ycbcr(GROUND), ycbcr(INK));
    let mixed = |plane: usize, covered: f32| (ground[plane] + (ink[plane] - ground[plane]) * covered).round() as u8;
    let covered = |x: usize, y: usize| coverage.get(y * width + x).copied().unwrap_or(0.0);
    for plane in 0..3 {
        let stride = picture.stride(plane).max(1);
        let step = if plane == 0 { 1 } else { 2 };
        for (y, row) in picture.data_mut(plane).chunks_mut(stride).take(height / step).enumerate() {
            for (x, cell) in row.iter_mut().take(width / step).enumerate() {
                let (x, y) = (x * step, y * step);
                let whole = if step == 1 {
                    covered(x, y)
                } else {
                    (covered(x, y) + covered(x + 1, y) + covered(x, y + 1) + covered(x + 1, y + 1)) / 4.0
                };
                *cell = mixed(plane, whole);
            }
        }
    }
    picture
}

/// 8-bit BT.709 in video range (ITU-R BT.709, 3).
fn ycbcr([r, g, b]: [f32; 3]) -> [f32; 3] {
    let y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    [16.0 + y * 219.0 / 255.0, 128.0 + (b - y) / 1.8556 * 224.0 / 255.0, 128.0 + (r - y) / 1.5748 * 224.0 / 255.0]
}

/// How long a card is at a frame rate: whole pictures, and never shorter than it must be.
struct Length {
    timescale: Timescale,
    picture_ticks: Ticks,
    pictures: i64,
}

impl Length {
    fn of(frame_rate_milli: u32) -> Result<Length> {
        // 23.976 and its kin are multiples of 1000/1001.
        let (per_second, picture_ticks) = match frame_rate_milli {
            23_976 => (24_000, 1001),
            29_970 => (30_000, 1001),
            59_940 => (60_000, 1001),
            milli => (milli.max(1), 1000),
        };
        let wanted = i64::from(per_second) * limits::RELEASE_CARD.as_millis() as i64;
        let pictures = (wanted + picture_ticks * 1000 - 1) / (picture_ticks * 1000);
        Ok(Length { timescale: Timescale::new(per_second)?, picture_ticks, pictures })
    }

    fn end(&self) -> Ticks {
        self.pictures * self.picture_ticks
    }
}

fn encode(dir: &Path, track: &CardTrack, picture: &frame::Video, video: &VideoIndex, length: &Length) -> Result<()> {
    let conformance = AvcConformance::of_codec(&track.codec).ok_or_else(|| unsupported(&track.codec))?;
    let every = (length.timescale.per_second() * SYNC_EVERY_S) as usize;
    let settings = RungSettings {
        dir: dir.to_owned(),
        grid: Grid { boundaries: vec![0], syncs: (0..length.end()).step_by(every).collect() },
        end: length.end(),
        encoder: EncoderSettings {
            timescale: length.timescale,
            frame_rate: (video.frame_rate_milli as i32, 1000),
            colour: hdr::SDR,
            threads: 0,
            conformance: Some(conformance),
        },
        film: String::new(),
    };
    let rung = Rung {
        id: track.id.clone(),
        codec: VideoCodec::H264,
        width: picture.width(),
        height: picture.height(),
        max_bits_per_s: track.peak_bits_per_s.max(RATE_CAP_BITS_PER_S_MIN),
    };
    let mut handle = RungHandle::start(&rung, &settings)?;
    for n in 0..length.pictures {
        let mut picture = picture.clone();
        picture.set_pts(Some(n * length.picture_ticks));
        handle.push(picture)?;
    }
    handle.finish()
}

fn silence(dir: &Path, track: &CardTrack, audio: &AudioIndex, length: &Length) -> Result<()> {
    let fault = libav::fault("encoding silence");
    let layout = match audio.channels {
        // The order of AAC's own channel configuration 7, which libav's default for eight is not.
        8 => ChannelLayout::_7POINT1_WIDE_BACK,
        channels @ 1..=6 => ChannelLayout::default(channels as i32),
        _ => return Err(unsupported(&track.codec)),
    };
    let scale = Timescale::new(audio.sample_rate)?;
    let create =
        |media: &InitMedia| TrackWriter::create(dir, &track.id, media, scale, audio.language.as_deref(), vec![0]);
    let (name, bits_per_s, frame_samples) = match track.codec.as_str() {
        "ac-3" => ("ac3", SURROUND_SILENCE_BITS_PER_S, Ticks::from(dolby::FRAME_SAMPLES)),
        "ec-3" => ("eac3", SURROUND_SILENCE_BITS_PER_S, Ticks::from(dolby::FRAME_SAMPLES)),
        _ => (audio::AAC_ENCODER, SILENCE_BITS_PER_S, AUDIO_FRAME_SAMPLES),
    };
    let mut encoder = audio::open_encoder(name, audio.sample_rate, layout, bits_per_s)?;
    let mut writer = None;
    if name == audio::AAC_ENCODER {
        let config = AacConfig::from_asc(&libav::encoder_extradata(&encoder))?;
        if config.codec_string() != track.codec {
            return Err(unsupported(&track.codec));
        }
        writer = Some(create(&audio::init_of(&config, bits_per_s))?);
    }
    let frames = (length.timescale.rescale(length.end(), scale) + frame_samples - 1) / frame_samples;
    let form = format::Sample::F32(format::sample::Type::Planar);
    let mut sound = frame::Audio::new(form, frame_samples as usize, layout);
    sound.set_rate(audio.sample_rate);
    for plane in 0..sound.planes() {
        sound.data_mut(plane).fill(0);
    }
    let (mut sent, mut kept) = (0, 0);
    let mut packet = Packet::empty();
    // What the encoder says first is its priming; it is fed until the track is full.
    while kept < frames {
        sound.set_pts(Some(sent * frame_samples));
        encoder.send_frame(&sound).map_err(&fault)?;
        sent += 1;
        while kept < frames && encoder.receive_packet(&mut packet).is_ok() {
            if packet.pts().is_none_or(|pts| pts < 0) {
                continue;
            }
            let packet = std::mem::replace(&mut packet, Packet::empty());
            if writer.is_none() {
                // Only a frame of AC-3 says what its sample entry has to.
                let frame = DolbyFrame::read(packet.data().unwrap_or_default())?;
                writer = Some(create(&InitMedia::Dolby(frame.config))?);
            }
            if let Some(writer) = &mut writer {
                let payload = Payload::Packet { packet, skip: 0 };
                writer.push(Sample { pts: kept * frame_samples, is_sync: true, payload })?;
                kept += 1;
            }
        }
    }
    writer.map_or(Ok(()), |writer| writer.finish(frames * frame_samples))
}

fn unsupported(codec: &str) -> crate::base::error::Error {
    Refusal::CardUnsupported
        .error(format!("The film has a track in {codec}, in which no release card can be made. Package the film anew."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_whole_pictures_and_never_shorter_than_it_must_be() {
        for (milli, pictures) in [(24_000, 120), (23_976, 120), (25_000, 125), (29_970, 150), (60_000, 300), (1, 1)] {
            let length = Length::of(milli).unwrap();
            assert_eq!(length.pictures, pictures, "{milli}");
            let ms = length.timescale.rescale(length.end(), Timescale::MILLISECONDS);
            assert!(ms >= 5_000, "{milli}: {ms}");
        }
    }

    #[test]
    fn colours_are_bt_709_in_video_range() {
        let rounded = |rgb| ycbcr(rgb).map(|value| value.round() as u8);
        assert_eq!(rounded([0.0; 3]), [16, 128, 128]);
        assert_eq!(rounded([255.0; 3]), [235, 128, 128]);
        assert_eq!(rounded([255.0, 0.0, 0.0]), [63, 102, 240]);
    }
}
