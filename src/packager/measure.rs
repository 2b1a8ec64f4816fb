//! How hard a film is to encode: a few short stretches, spread over it, are encoded small, at the quality of the ladder
//! and without a cap. What they cost tells what every rung will (`ladder::rate`).
//!
//! ```text
//! film      |---####------####------####------####---|   stretches of 2 s, each from the sync sample before its place
//! ```

use std::fs::File;

use ffmpeg_next::format::context::Input;
use ffmpeg_next::{Packet, codec, decoder, encoder, frame, picture};

use crate::base::error::Result;
use crate::base::limits;
use crate::media::time::Ticks;
use crate::packager::encoder::EncoderSettings;
use crate::packager::ladder::{self, Complexity, Rung};
use crate::packager::probe::{self, VideoSource};
use crate::packager::scaling::{self, Scaler};
use crate::packager::scan::Scan;
use crate::packager::segmenter::Cursor;
use crate::packager::{libav, plan};

const STRETCHES: i64 = 8;
/// Packets read in search of a stretch and its end.
const PACKETS_MAX: usize = 4_000;

/// Measures the film, all of it where it is shorter than the stretches are; `None` where nothing decodes. `on_progress`
/// gets the share that is done.
pub fn measure(
    file: &File,
    source: &VideoSource,
    scan: &Scan,
    mut on_progress: impl FnMut(f64),
) -> Result<Option<Complexity>> {
    let (width, height) = source.displayed();
    let frame = ladder::measured_frame(width, height);
    let length = scan.timescale.ticks_of_ms(limits::SYNC_EVERY.as_millis() as u64);
    let mut measuring = Measuring::start(&frame, source, scan)?;
    let mut input = probe::demux(file)?;
    if scan.end <= STRETCHES * length {
        measuring.stretch(&mut input, scan.end)?;
        return measuring.finish();
    }
    for nth in 0..STRETCHES {
        on_progress(nth as f64 / STRETCHES as f64);
        let from = (2 * nth + 1) * scan.end / (2 * STRETCHES) - length / 2;
        let at_us = scan.origin.absolute_us(from, scan.timescale);
        // A film that cannot be entered here is measured elsewhere.
        if input.seek(at_us, ..at_us).is_ok() {
            measuring.stretch(&mut input, length)?;
        }
    }
    measuring.finish()
}

struct Measuring<'a> {
    frame: &'a Rung,
    source: &'a VideoSource,
    scan: &'a Scan,
    encoder: encoder::video::Encoder,
    /// What the encoder has been given, in ticks: one stretch follows the other.
    length: Ticks,
    bytes: u64,
}

impl<'a> Measuring<'a> {
    fn start(frame: &'a Rung, source: &'a VideoSource, scan: &'a Scan) -> Result<Measuring<'a>> {
        let settings = EncoderSettings {
            timescale: scan.timescale,
            frame_rate: (plan::frame_rate_milli(scan) as i32, 1000),
            colour: scaling::rung_colour(source),
            threads: 0,
            conformance: None,
        };
        let encoder = settings.open(frame.codec, frame.width, frame.height, None)?;
        Ok(Measuring { frame, source, scan, encoder, length: 0, bytes: 0 })
    }

    /// Encodes this much from the next sync sample of `input` on.
    fn stretch(&mut self, input: &mut Input, length: Ticks) -> Result<()> {
        let Some(stream) = input.stream(self.source.stream) else { return Ok(()) };
        let mut decoder = probe::open_decoder(&stream)?;
        let (kind, count) = (codec::threading::Type::Frame, 2);
        decoder.set_threading(codec::threading::Config { kind, count, ..Default::default() });
        let mut decoder = decoder.video().map_err(libav::fault("opening the decoder"))?;
        let mut scaler = Scaler::new(self.source, self.scan, std::slice::from_ref(self.frame))?;
        let mut stretch = Stretch::new(length, self.scan);
        let mut is_synced = false;
        for _ in 0..PACKETS_MAX {
            let Some(packet) = libav::next_packet(input).ok().flatten() else { break };
            if packet.stream() != self.source.stream {
                continue;
            }
            is_synced |= packet.is_key();
            // A packet that does not decode is passed over.
            if is_synced && decoder.send_packet(&packet).is_ok() {
                self.take(&mut decoder, &mut scaler, &mut stretch)?;
            }
            if stretch.is_whole {
                break;
            }
        }
        // A decoder that is drained already has nothing more to give.
        let _ = decoder.send_eof();
        self.take(&mut decoder, &mut scaler, &mut stretch)?;
        scaler.push(None, |_, picture| self.encode(picture, &mut stretch))?;
        self.length += stretch.taken();
        Ok(())
    }

    fn take(&mut self, decoder: &mut decoder::Video, scaler: &mut Scaler, stretch: &mut Stretch) -> Result<()> {
        let mut picture = frame::Video::empty();
        while !stretch.is_whole && decoder.receive_frame(&mut picture).is_ok() {
            let is_alike = (picture.width(), picture.height()) == (self.source.width, self.source.height)
                && picture.format() == self.source.pixel;
            let Some(pts) = picture.timestamp().filter(|_| is_alike && !picture.is_corrupt()) else { continue };
            let pts = self.scan.origin.since(pts, self.source.time_base, self.scan.timescale);
            if stretch.admits(pts) {
                picture.set_pts(Some(pts));
                scaler.push(Some(&picture), |_, picture| self.encode(picture, stretch))?;
            }
        }
        Ok(())
    }

    fn encode(&mut self, mut picture: frame::Video, stretch: &mut Stretch) -> Result<()> {
        let Some(at) = picture.pts().map(|pts| pts - stretch.first) else { return Ok(()) };
        picture.set_kind(if stretch.syncs.is_reached_by(at) { picture::Type::I } else { picture::Type::None });
        picture.set_pts(Some(self.length + at));
        self.encoder.send_frame(&picture).map_err(libav::fault("measuring the film"))?;
        self.drain();
        Ok(())
    }

    fn drain(&mut self) {
        let mut packet = Packet::empty();
        while self.encoder.receive_packet(&mut packet).is_ok() {
            self.bytes += packet.size() as u64;
        }
    }

    fn finish(mut self) -> Result<Option<Complexity>> {
        self.encoder.send_eof().map_err(libav::fault("measuring the film"))?;
        self.drain();
        let seconds = self.scan.timescale.seconds(self.length);
        let pixels = u64::from(self.frame.width) * u64::from(self.frame.height);
        let measured = || Complexity { bits_per_s: (self.bytes as f64 * 8.0 / seconds) as u64, pixels };
        Ok((self.bytes > 0 && seconds > 0.0).then(measured))
    }
}

/// What has been taken of a stretch, and where its sync samples go.
struct Stretch {
    length: Ticks,
    first: Ticks,
    last: Option<Ticks>,
    step: Ticks,
    syncs: Cursor,
    is_whole: bool,
}

impl Stretch {
    fn new(length: Ticks, scan: &Scan) -> Stretch {
        let every = scan.timescale.ticks_of_ms(limits::SYNC_EVERY.as_millis() as u64);
        let syncs = Cursor::new((0..length.max(1)).step_by(every.max(1) as usize).collect());
        Stretch { length, first: 0, last: None, step: 1, syncs, is_whole: false }
    }

    /// Whether a picture of this instant is the next of it.
    fn admits(&mut self, pts: Ticks) -> bool {
        match self.last {
            None => self.first = pts,
            Some(last) if pts <= last => return false,
            Some(_) if pts - self.first >= self.length => {
                self.is_whole = true;
                return false;
            }
            Some(last) => self.step = pts - last,
        }
        self.last = Some(pts);
        true
    }

    fn taken(&self) -> Ticks {
        self.last.map_or(0, |last| last - self.first + self.step)
    }
}
