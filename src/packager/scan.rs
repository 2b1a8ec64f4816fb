//! One pass over all packets before anything is written: where the closed sync samples are, where picture and sound
//! begin and end, and what speaks against copying either. Only times are kept, never payloads.

use std::fs::File;

use ffmpeg_next::codec::Id;
use ffmpeg_next::format::Pixel;
use ffmpeg_next::format::context::Input;
use ffmpeg_next::{Packet, frame};

use crate::base::error::Result;
use crate::base::limits;
use crate::media::aac::{self, AacConfig, AdtsHeader};
use crate::media::avc::{self, AvcConfig};
use crate::media::dolby::{self, DolbyConfig, DolbyFrame};
use crate::media::time::{self, Ticks, Timescale};
use crate::packager::captions::Captions;
use crate::packager::film_reader::{PlainFilm, SampleSeen};
use crate::packager::hdr::Hdr;
use crate::packager::libav;
use crate::packager::probe::{self, AudioSource, Container, Source, TimeBase, VideoSource};
use crate::packager::refusal::Refusal;

/// Audio that begins later than this after the picture is encoded, with silence before it.
const LATE_MS_MAX: i64 = 100;
/// Audio that ends earlier than this before the picture is encoded, with silence after it.
const EARLY_END_MS_MAX: i64 = 500;
/// A gap in the sound that is wider than this is filled with silence; a narrower one is left to the timestamps.
const GAP_MS_MAX: i64 = 100;

/// What the pass found.
pub struct Scan {
    pub timescale: Timescale,
    /// The source's timestamp, in its own units, at which presentation begins.
    pub origin: Origin,
    /// Presentation times from 0, in order; ticks of `timescale`.
    pub presented: Vec<Ticks>,
    /// Closed sync samples, from 0; not all of them where something speaks against copying.
    pub syncs: Vec<Ticks>,
    /// Where the decoder can begin, closed or not.
    pub entries: Vec<Ticks>,
    /// Where presentation ends.
    pub end: Ticks,
    pub video_bytes: u64,
    /// Why the picture cannot be copied, in words.
    pub copy_obstacle: Option<String>,
    /// The sample entry's configuration when it can.
    pub avc: Option<AvcConfig>,
    pub is_interlaced: bool,
    /// The container's average frame rate in thousandths, as far as it says; 0 otherwise.
    pub said_frame_rate_milli: u32,
    pub audio: Vec<AudioScan>,
}

/// The instant that becomes 0 in every track.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    pts: i64,
    time_base: TimeBase,
}

#[derive(Clone, Debug)]
pub struct AudioScan {
    pub copy_obstacle: Option<String>,
    /// What its samples are, where that is something that can be copied.
    pub format: Option<AudioFormat>,
    /// Bits per second over the whole track.
    pub bits_per_s: u32,
    pub packets: u64,
}

/// Sound whose samples can stand in a track of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AudioFormat {
    Aac(AacConfig),
    Dolby(DolbyConfig),
}

impl AudioFormat {
    pub fn sample_rate(&self) -> u32 {
        match self {
            AudioFormat::Aac(config) => config.sample_rate,
            AudioFormat::Dolby(config) => config.sample_rate(),
        }
    }

    fn channels(&self) -> u32 {
        match self {
            AudioFormat::Aac(config) => u32::from(config.channels),
            AudioFormat::Dolby(config) => config.channels(),
        }
    }

    /// How many samples of sound are in a sample of the track.
    pub fn frame_samples(&self) -> Ticks {
        Ticks::from(match self {
            AudioFormat::Aac(_) => aac::FRAME_SAMPLES,
            AudioFormat::Dolby(_) => dolby::FRAME_SAMPLES,
        })
    }
}

impl Scan {
    pub fn end_ms(&self) -> u64 {
        self.timescale.rescale(self.end, Timescale::MILLISECONDS).max(0) as u64
    }
}

#[cfg(test)]
impl AudioScan {
    pub const COPYABLE: AudioScan = AudioScan { copy_obstacle: None, format: None, bits_per_s: 128_000, packets: 1 };
}

impl Origin {
    /// Of what counts from the first picture already.
    pub fn zero(time_base: TimeBase) -> Origin {
        Origin::at(0, time_base)
    }

    pub fn at(pts: i64, time_base: TimeBase) -> Origin {
        Origin { pts, time_base }
    }

    /// The source's own timestamp of an instant, in microseconds.
    pub fn absolute_us(&self, at: Ticks, timescale: Timescale) -> i64 {
        let origin_us = time::rescale(self.pts, self.time_base.num * 1_000_000, self.time_base.den);
        origin_us.saturating_add(timescale.rescale(at, Timescale::MICROSECONDS))
    }

    /// `pts` of a stream, from the origin, in ticks of `timescale`.
    pub fn since(&self, pts: i64, base: TimeBase, timescale: Timescale) -> Ticks {
        let scale = i64::from(timescale.per_second());
        if base == self.time_base {
            return time::rescale(pts.saturating_sub(self.pts), base.num * scale, base.den);
        }
        // One rounding for the difference, not one for each: both over the product of the denominators.
        let difference = i128::from(pts) * i128::from(base.num) * i128::from(self.time_base.den)
            - i128::from(self.pts) * i128::from(self.time_base.num) * i128::from(base.den);
        let denominator = i128::from(base.den) * i128::from(self.time_base.den);
        let scaled = difference.saturating_mul(i128::from(scale));
        let half = denominator / 2;
        let rounded = if scaled < 0 { (scaled - half) / denominator } else { (scaled + half) / denominator };
        Ticks::try_from(rounded).unwrap_or(if rounded < 0 { Ticks::MIN } else { Ticks::MAX })
    }
}

/// The scale that holds a stream's timestamps exactly and is fine enough for a playlist.
fn timescale_of(base: TimeBase) -> Result<Timescale> {
    let fine = if base.num == 1 { base.den * (10_000 + base.den - 1).div_euclid(base.den).max(1) } else { 90_000 };
    Timescale::new(u32::try_from(fine).unwrap_or(90_000))
}

/// Reads everything once. `on_progress` gets the seconds of film passed.
pub fn scan(
    file: &File,
    first: FirstPicture,
    plain: Option<&PlainFilm>,
    source: &mut Source,
    mut on_progress: impl FnMut(f64),
) -> Result<Scan> {
    let timescale = timescale_of(source.video.time_base)?;
    let FirstPicture { pts: first_pts, picture } = first;
    let looks_interlaced = picture.is_interlaced();
    source.video.colour = libav::picture_colour(&picture, source.video.colour);
    source.video.hdr = Hdr::of(&picture, source.video.colour)?;
    let origin = Origin { pts: first_pts, time_base: source.video.time_base };
    let mut video = VideoPass::new(&source.video, origin, timescale);
    let mut audio: Vec<AudioPass> = source.audio.iter().map(|source| AudioPass::new(source, origin)).collect();
    let captions = source.captions.iter().filter(|_| plain.is_none());
    let mut captions: Vec<Captions> = captions.map(|source| Captions::of(source.clone(), origin)).collect();
    let mut errors = 0;
    let mut last_ms = 0;
    let mut see = |stream: usize, sample: SampleSeen<'_>| {
        if let Some(captions) = captions.iter_mut().find(|captions| captions.source.stream == stream) {
            captions.take(sample.pts, sample.data);
        }
        if stream == source.video.stream {
            video.take(&sample);
            on_progress(timescale.seconds(video.last_pts));
        } else if let Some(pass) = audio.iter_mut().find(|pass| pass.source.is_of_film(stream)) {
            pass.take(&sample);
        }
    };
    if let Some(film) = plain {
        film.each_seen(see)?;
    } else {
        let mut input = probe::demux(file)?;
        loop {
            // A packet for each read: libav overwrites what it is handed without releasing it.
            let mut packet = Packet::empty();
            match packet.read(&mut input) {
                Ok(()) => {}
                Err(ffmpeg_next::Error::Eof) => break,
                Err(error) => {
                    errors += 1;
                    if errors > 100 || error != ffmpeg_next::Error::InvalidData {
                        return Err(Refusal::InputDamaged
                            .error("The film cannot be read to its end.")
                            .with_internal(format!("libav: {error}")));
                    }
                    continue;
                }
            }
            if let (Some(pts), Some(stream)) = (packet.pts(), input.stream(packet.stream())) {
                let end = pts.saturating_add(packet.duration().max(0));
                last_ms = last_ms.max(origin.since(end, probe::time_base(&stream), Timescale::MILLISECONDS));
            }
            see(packet.stream(), SampleSeen::from(&packet));
        }
    }
    for pass in &mut audio {
        let source = pass.source;
        if let Some(beside) = &source.beside {
            beside.each_packet(source.stream, |packet| {
                pass.take(&SampleSeen::from(&packet));
                Ok(())
            })?;
        }
    }
    let declared_s = source.duration_us as f64 / 1e6;
    let found_s = timescale.seconds(video.end);
    // What a container declares is the longest of its tracks, which may be sound or words.
    let reached_s = found_s.max(last_ms as f64 / 1e3);
    if source.container == Container::Matroska && source.duration_us > 0 && reached_s + 3.0 < declared_s * 0.95 {
        return Err(Refusal::InputTruncated.error(format!(
            "The film is cut off: it says it is {declared_s:.0} s long and ends after {reached_s:.0} s. Copy it again."
        )));
    }
    if found_s > limits::FILM_DURATION_MAX.as_secs_f64() {
        return Err(Refusal::InputTooLarge
            .error(format!("The film is longer than {} hours.", limits::FILM_DURATION_MAX.as_secs() / 3600)));
    }
    if errors > 0 {
        video.obstacle("some of the film cannot be read");
    }
    let end = video.end;
    let audio = audio.into_iter().map(|pass| pass.finish(timescale, end)).collect();
    let scan = video.finish(source.video.is_interlaced || looks_interlaced, audio)?;
    source.text.extend(captions.into_iter().flat_map(|captions| captions.finish(scan.end_ms())));
    Ok(scan)
}

/// A picture and its presentation timestamp.
pub struct FirstPicture {
    pts: i64,
    picture: frame::Video,
}

/// The first picture that decodes, and its presentation timestamp: pictures before the first sync sample, and those an
/// edit list hides, are not part of the film.
pub fn first_picture(input: &mut Input, video: &VideoSource) -> Result<FirstPicture> {
    let stream =
        input.stream(video.stream).ok_or_else(|| Refusal::InputDamaged.error("The film changes as it is read."))?;
    let mut decoder = probe::open_decoder(&stream)?.video().map_err(libav::fault("opening the decoder"))?;
    let mut picture = frame::Video::empty();
    let mut taken = 0;
    loop {
        let mut packet = Packet::empty();
        match packet.read(input) {
            Ok(()) if packet.stream() == video.stream => {
                taken += 1;
                // A packet that does not decode is passed over; the next sync sample will.
                let _ = decoder.send_packet(&packet);
            }
            Ok(()) | Err(ffmpeg_next::Error::InvalidData) => continue,
            Err(_) => {
                let _ = decoder.send_eof();
                taken = u32::MAX;
            }
        }
        while decoder.receive_frame(&mut picture).is_ok() {
            if let Some(pts) = picture.timestamp() {
                return Ok(FirstPicture { pts, picture });
            }
        }
        if taken > 2_000 {
            return Err(Refusal::InputDamaged.error("No picture of this film can be decoded."));
        }
    }
}

struct VideoPass<'a> {
    source: &'a VideoSource,
    origin: Origin,
    timescale: Timescale,
    presented: Vec<Ticks>,
    syncs: Vec<Ticks>,
    entries: Vec<Ticks>,
    end: Ticks,
    last_pts: Ticks,
    gop_max: Ticks,
    bytes: u64,
    config: Option<AvcConfig>,
    obstacle: Option<String>,
}

impl<'a> VideoPass<'a> {
    fn new(source: &'a VideoSource, origin: Origin, timescale: Timescale) -> VideoPass<'a> {
        let mut pass = VideoPass {
            source,
            origin,
            timescale,
            presented: Vec::new(),
            syncs: Vec::new(),
            entries: Vec::new(),
            end: 0,
            last_pts: 0,
            gop_max: Ticks::MIN,
            bytes: 0,
            config: source.avc.clone(),
            obstacle: None,
        };
        if source.codec != Id::H264 {
            pass.obstacle(&format!("the picture is {:?}, not H.264", source.codec));
        } else if !matches!(source.pixel, Pixel::YUV420P | Pixel::YUVJ420P) {
            pass.obstacle("the picture is not 8-bit 4:2:0");
        } else if let Some(hdr) = source.hdr {
            pass.obstacle(&format!("the picture is HDR ({})", hdr.transfer.name()));
        } else if source.is_mirrored {
            pass.obstacle("the picture is mirrored");
        } else if source.rotation != 0 {
            pass.obstacle(&format!("the picture has to be turned by {}°", source.rotation));
        }
        pass
    }

    fn obstacle(&mut self, what: &str) {
        self.obstacle.get_or_insert_with(|| what.to_owned());
    }

    fn take(&mut self, sample: &SampleSeen<'_>) {
        let Some(pts) = sample.pts else {
            self.obstacle("a picture has no presentation time");
            return;
        };
        let since = |pts| self.origin.since(pts, self.source.time_base, self.timescale);
        let at = since(pts);
        let hidden = sample.is_hidden;
        if !hidden && at >= 0 {
            self.presented.push(at);
            self.last_pts = at;
            self.end = self.end.max(since(pts.saturating_add(sample.duration.max(0))));
        }
        self.bytes += sample.bytes;
        if sample.is_sync {
            self.entries.push(at);
        }
        if self.obstacle.is_some() {
            return;
        }
        if hidden || at < 0 {
            self.obstacle("it begins or ends inside a group of pictures");
        } else if sample.is_damaged {
            self.obstacle("some of the film is damaged");
        } else if sample.changes_format {
            self.obstacle("its parameter sets change");
        }
        if sample.is_sync {
            self.take_sync(sample, at);
        } else if self.syncs.last().is_none_or(|&sync| at <= sync) {
            self.obstacle("its groups of pictures are open");
        }
        self.gop_max = self.gop_max.max(at);
    }

    fn take_sync(&mut self, sample: &SampleSeen<'_>, at: Ticks) {
        let data = sample.data;
        let annex_b = self.source.has_start_codes && avc::is_annex_b(data);
        if self.config.is_none() && annex_b {
            self.config = AvcConfig::from_parameter_sets(avc::annex_b_units(data)).ok();
        }
        let Some(config) = &self.config else {
            self.obstacle("its parameter sets are missing");
            return;
        };
        let (is_idr, changes) = if annex_b {
            (avc::is_idr(avc::annex_b_units(data)), config.is_changed_by(avc::annex_b_units(data)))
        } else {
            let units = || config.units_in_beginning(data, sample.bytes);
            (avc::is_idr(units()), config.is_changed_by(units()))
        };
        if changes {
            self.obstacle("its parameter sets change");
        } else if is_idr {
            if at <= self.gop_max {
                self.obstacle("its groups of pictures are open");
            }
            self.syncs.push(at);
        } else if self.syncs.is_empty() {
            self.obstacle("it does not begin with a closed group of pictures");
        }
    }

    fn finish(mut self, is_interlaced: bool, audio: Vec<AudioScan>) -> Result<Scan> {
        if self.presented.is_empty() {
            return Err(Refusal::InputDamaged.error("The picture track has no pictures."));
        }
        if is_interlaced {
            self.obstacle("the picture is interlaced");
        }
        self.presented.sort_unstable();
        let before = self.presented.len();
        self.presented.dedup();
        if self.presented.len() != before {
            self.obstacle("two pictures have the same presentation time");
        }
        if self.presented.first() != Some(&0) || self.syncs.first() != Some(&0) {
            self.obstacle("it does not begin with a closed group of pictures");
        }
        let pictures_per_s = self.presented.len() as f64 / self.timescale.seconds(self.end).max(0.001);
        if self.presented.len() > 10 && pictures_per_s > f64::from(limits::VIDEO_FPS_MAX) + 1.0 {
            return Err(Refusal::InputTooLarge
                .error(format!("More than {} pictures a second are not accepted.", limits::VIDEO_FPS_MAX)));
        }
        self.end = end_of(&self.presented, self.end, self.timescale);
        Ok(Scan {
            timescale: self.timescale,
            origin: self.origin,
            presented: self.presented,
            syncs: self.syncs,
            entries: self.entries,
            end: self.end,
            video_bytes: self.bytes,
            copy_obstacle: self.obstacle,
            avc: self.config,
            is_interlaced,
            said_frame_rate_milli: self.source.said_frame_rate_milli,
            audio,
        })
    }
}

/// Where presentation ends. A last picture that is said to last less than any may has no duration to speak of (Matroska
/// often says 1 ms or nothing), and lasts as long as the one before it.
fn end_of(presented: &[Ticks], said: Ticks, timescale: Timescale) -> Ticks {
    let per_second = Ticks::from(timescale.per_second());
    let last = presented.last().copied().unwrap_or(0);
    if said - last >= per_second / Ticks::from(limits::VIDEO_FPS_MAX) {
        return said;
    }
    let step = presented.iter().rev().nth(1).map_or(per_second / 25, |&before| last - before);
    last + step.max(1)
}

struct AudioPass<'a> {
    source: &'a AudioSource,
    origin: Origin,
    scale: Timescale,
    format: Option<AudioFormat>,
    first: Option<Ticks>,
    next: Option<Ticks>,
    end: Ticks,
    bytes: u64,
    packets: u64,
    obstacle: Option<String>,
}

impl<'a> AudioPass<'a> {
    fn new(source: &'a AudioSource, origin: Origin) -> AudioPass<'a> {
        let scale = Timescale::new(source.sample_rate).unwrap_or(Timescale::MILLISECONDS);
        let config = AacConfig::from_asc(&source.extradata).ok().filter(|_| source.codec == Id::AAC);
        let format = config.map(AudioFormat::Aac);
        let origin = source.origin(origin);
        // What every client plays is AAC; of the other two only surround is kept, beside it.
        let is_dolby = matches!(source.codec, Id::AC3 | Id::EAC3) && source.channels > 2;
        let obstacle =
            (source.codec != Id::AAC && !is_dolby).then(|| format!("the sound is {:?}, not AAC", source.codec));
        AudioPass { source, origin, scale, format, first: None, next: None, end: 0, bytes: 0, packets: 0, obstacle }
    }

    fn obstacle(&mut self, what: String) {
        self.obstacle.get_or_insert(what);
    }

    fn take(&mut self, sample: &SampleSeen<'_>) {
        self.packets += 1;
        let Some(pts) = sample.pts else {
            self.obstacle("a sound sample has no presentation time".into());
            return;
        };
        let at = self.origin.since(pts, self.source.time_base, self.scale);
        self.take_format(sample.data);
        if sample.changes_format {
            self.obstacle("the sound's format changes".into());
        }
        let frame = self.format.as_ref().map_or(Ticks::from(aac::FRAME_SAMPLES), AudioFormat::frame_samples);
        let gap_max = self.scale.ticks_of_ms(GAP_MS_MAX as u64);
        if self.next.is_some_and(|next| (at - next).abs() > gap_max) {
            self.obstacle("the sound has gaps".into());
        }
        self.next = Some(at + frame);
        self.end = at + frame;
        if at >= 0 {
            self.bytes += sample.bytes;
            self.first.get_or_insert(at);
        }
    }

    /// What a sample says of itself.
    fn take_format(&mut self, sample: &[u8]) {
        if matches!(self.source.codec, Id::AC3 | Id::EAC3) {
            match DolbyFrame::read(sample) {
                Ok(frame) if frame.bytes == sample.len() => match &self.format {
                    Some(AudioFormat::Dolby(config)) if !config.is_alike(&frame.config) => {
                        self.obstacle("the sound's format changes".into());
                    }
                    Some(_) => {}
                    None => self.format = Some(AudioFormat::Dolby(frame.config)),
                },
                Ok(_) => self.obstacle("the sound has further substreams".into()),
                Err(error) => self.obstacle(format!("the sound cannot be kept ({})", error.message())),
            }
        } else if let Some(header) = AdtsHeader::read(sample)
            && self.source.extradata.is_empty()
        {
            let format = AudioFormat::Aac(header.config);
            if self.format.as_ref().is_some_and(|known| *known != format) {
                self.obstacle("the sound's format changes".into());
            }
            self.format.get_or_insert(format);
        } else if self.format.is_none() {
            self.obstacle("the sound's format is not said".into());
        }
    }

    fn finish(mut self, video_scale: Timescale, video_end: Ticks) -> AudioScan {
        let milliseconds = |ticks| self.scale.rescale(ticks, Timescale::MILLISECONDS);
        let video_end_ms = video_scale.rescale(video_end, Timescale::MILLISECONDS);
        let late = self.first.map_or(i64::MAX, milliseconds);
        let early = video_end_ms - milliseconds(self.end);
        match &self.format {
            Some(AudioFormat::Aac(config)) if !config.is_low_complexity() => {
                self.obstacle("the sound is not AAC-LC".into());
            }
            Some(format)
                if format.sample_rate() != self.source.sample_rate || format.channels() != self.source.channels =>
            {
                self.obstacle("the sound's format is not what it says".into());
            }
            _ if late > LATE_MS_MAX => self.obstacle(format!("the sound begins {late} ms after the picture")),
            _ if early > EARLY_END_MS_MAX => self.obstacle(format!("the sound ends {early} ms before the picture")),
            _ => {}
        }
        let seconds = self.scale.seconds(self.end).max(0.1);
        AudioScan {
            copy_obstacle: self.obstacle,
            format: self.format,
            bits_per_s: (self.bytes as f64 * 8.0 / seconds) as u32,
            packets: self.packets,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_is_exact_and_fine_enough() {
        let scale = |den| timescale_of(TimeBase { num: 1, den }).unwrap().per_second();
        assert_eq!(
            [scale(12_288), scale(90_000), scale(1000), scale(24), scale(1)],
            [12_288, 90_000, 10_000, 10_008, 10_000]
        );
    }

    #[test]
    fn a_last_picture_of_a_millisecond_lasts_as_long_as_the_one_before_it() {
        let scale = Timescale::new(10_000).unwrap();
        assert_eq!(end_of(&[0, 330, 670], 680, scale), 1_010);
        assert_eq!(end_of(&[0, 330, 670], 670, scale), 1_010);
        assert_eq!(end_of(&[0, 83], 166, scale), 166, "120 pictures a second");
        assert_eq!(end_of(&[0], 0, scale), 400);
    }

    #[test]
    fn an_instant_is_rounded_once_across_time_bases() {
        let origin = Origin { pts: -5_718, time_base: TimeBase { num: 1, den: 1000 } };
        let scale = Timescale::new(48_000).unwrap();
        assert_eq!(origin.since(-514_620, TimeBase { num: 1, den: 90_000 }, scale), 0);
        assert_eq!(origin.since(-5_717, TimeBase { num: 1, den: 1000 }, scale), 48);
    }
}
