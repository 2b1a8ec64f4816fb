//! One encoded video track: pictures come in over a bounded queue, are encoded and written as CMAF. Each rung
//! runs on a thread of its own, so that decoding and the other rungs do not wait for it. From time to time it notes how far
//! its file is on the disk; a job that is begun again goes on from there.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use ffmpeg_next::{Packet, encoder, frame, picture};

use crate::base::clock::Clock;
use crate::base::error::Result;
use crate::base::limits;
use crate::media::av1::{self, Av1Config};
use crate::media::avc::{self, AvcConfig};
use crate::media::cmaf::{Colour, InitMedia};
use crate::media::hevc::{self, HevcConfig};
use crate::media::time::Ticks;
use crate::packager::checkpoint::{self, Checkpoint};
use crate::packager::encoder::{EncoderSettings, VideoCodec};
use crate::packager::ladder::Rung;
use crate::packager::libav;
use crate::packager::mux::{Payload, Sample, TrackWriter};
use crate::packager::refusal::Refusal;
use crate::packager::segmenter::{Cursor, Grid};

/// Pictures that wait for an encoder.
const QUEUE_PICTURES: usize = 8;

/// What every rung of a job shares.
#[derive(Clone)]
pub struct RungSettings {
    pub dir: PathBuf,
    pub grid: Grid,
    pub end: Ticks,
    pub encoder: EncoderSettings,
    /// What the film is known by.
    pub film: String,
}

/// The sending end of a rung that runs.
pub struct RungHandle {
    queue: Option<SyncSender<frame::Video>>,
    thread: Option<JoinHandle<Result<()>>>,
    begins_at: Ticks,
}

impl RungHandle {
    pub fn start(rung: &Rung, settings: &RungSettings) -> Result<RungHandle> {
        let worker = RungWorker::open(rung, settings)?;
        let begins_at = worker.begins_at;
        let (queue, pictures) = sync_channel(QUEUE_PICTURES);
        let thread = std::thread::Builder::new()
            .name(rung.id.clone())
            .spawn(move || worker.run(&pictures))
            .map_err(|error| Refusal::Internal.error("No thread could be started.").with_source(error))?;
        Ok(RungHandle { queue: Some(queue), thread: Some(thread), begins_at })
    }

    /// The first picture that it has not encoded already.
    pub fn begins_at(&self) -> Ticks {
        self.begins_at
    }

    /// Hands over a picture whose presentation time is in ticks.
    pub fn push(&mut self, picture: frame::Video) -> Result<()> {
        match &self.queue {
            Some(queue) if queue.send(picture).is_ok() => Ok(()),
            // The thread has ended early; its result says why.
            _ => self.finish(),
        }
    }

    pub fn finish(&mut self) -> Result<()> {
        self.queue = None;
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(Refusal::Internal.error("An encoder's thread panicked.")),
            None => Ok(()),
        }
    }
}

struct RungWorker {
    rung: Rung,
    settings: RungSettings,
    encoder: encoder::video::Encoder,
    /// From the first sample on: only that says what all of an AV1 track is.
    writer: Option<TrackWriter>,
    syncs: Cursor,
    begins_at: Ticks,
    made_of: String,
    clock: Clock,
    noted_at: Duration,
}

impl RungWorker {
    fn open(rung: &Rung, settings: &RungSettings) -> Result<RungWorker> {
        let encoder = settings.encoder.open(rung.codec, rung.width, rung.height, Some(rung.max_bits_per_s))?;
        let RungSettings { dir, grid, end, encoder: decided, film } = settings;
        // Whatever number of threads goes on with it.
        let decided = EncoderSettings { threads: 0, ..decided.clone() };
        let decided = format!("{rung:?} {decided:?} {grid:?} {end}");
        let made_of = checkpoint::made_of(film, &decided, &libav::encoder_extradata(&encoder));
        let known = Checkpoint::read(dir, &rung.id).filter(|known| known.made_of == made_of);
        if known.is_none() {
            checkpoint::forget(dir, &rung.id)?;
        }
        let resume = |known: Checkpoint| TrackWriter::resume(dir, &rung.id, grid.boundaries.clone(), known.extent);
        let writer = known.map(resume).transpose()?;
        let clock = Clock::system();
        Ok(RungWorker {
            rung: rung.clone(),
            settings: settings.clone(),
            encoder,
            begins_at: writer.as_ref().map_or(0, |writer| writer.written().end),
            writer,
            syncs: Cursor::new(grid.syncs.clone()),
            made_of,
            noted_at: clock.monotonic(),
            clock,
        })
    }

    fn run(mut self, pictures: &Receiver<frame::Video>) -> Result<()> {
        let encoding = libav::fault("encoding the picture");
        while let Ok(mut picture) = pictures.recv() {
            if picture.pts().is_some_and(|pts| pts < self.begins_at) {
                continue;
            }
            let is_sync = picture.pts().is_some_and(|pts| self.syncs.is_reached_by(pts));
            picture.set_kind(if is_sync { picture::Type::I } else { picture::Type::None });
            self.encoder.send_frame(&picture).map_err(&encoding)?;
            self.drain()?;
        }
        self.encoder.send_eof().map_err(&encoding)?;
        self.drain()?;
        self.writer.map_or(Ok(()), |writer| writer.finish(self.settings.end))
    }

    fn drain(&mut self) -> Result<()> {
        let mut packet = Packet::empty();
        while self.encoder.receive_packet(&mut packet).is_ok() {
            let data = packet.data().unwrap_or_default();
            let (bytes, is_closed) = match self.rung.codec {
                VideoCodec::H264 => (avc::annex_b_to_lengths(data), avc::is_idr(avc::annex_b_units(data))),
                VideoCodec::Hevc => hevc::annex_b_to_lengths(data),
                VideoCodec::Av1 => (av1::sample(data), true),
            };
            let is_sync = packet.is_key() && is_closed;
            let payload = Payload::Bytes(bytes);
            let writer = match &mut self.writer {
                Some(writer) => writer,
                none => none.insert(create_writer(&self.rung, &self.settings, &self.encoder, data)?),
            };
            let before = writer.written();
            writer.push(Sample { pts: packet.pts().unwrap_or(0), is_sync, payload })?;
            let (extent, now) = (writer.written(), self.clock.monotonic());
            if extent != before && now >= self.noted_at + limits::CHECKPOINT_EVERY {
                writer.sync()?;
                let checkpoint = Checkpoint { made_of: self.made_of.clone(), extent };
                checkpoint.write(&self.settings.dir, &self.rung.id)?;
                self.noted_at = now;
            }
        }
        Ok(())
    }
}

/// The track's file; its parameter sets are what the encoder says, or its first sample.
fn create_writer(
    rung: &Rung,
    settings: &RungSettings,
    encoder: &encoder::video::Encoder,
    first: &[u8],
) -> Result<TrackWriter> {
    let (width, height) = (rung.width as u16, rung.height as u16);
    let colour = Some(Colour { full_range: false, ..settings.encoder.colour });
    let said = libav::encoder_extradata(encoder);
    let media = match rung.codec {
        VideoCodec::H264 => {
            let config = AvcConfig::from_extradata(&said);
            config.map(|config| InitMedia::Avc { config, width, height, sample_aspect: (1, 1), colour })
        }
        VideoCodec::Hevc => {
            HevcConfig::from_parameter_sets(&said).map(|config| InitMedia::Hevc { config, width, height, colour })
        }
        VideoCodec::Av1 => Av1Config::from_obus(first).map(|config| InitMedia::Av1 { config, width, height, colour }),
    };
    let media = media.map_err(|error| {
        let name = rung.codec.as_str();
        let message = format!("The {name} encoder of this libav made no parameter sets.");
        Refusal::EncoderMissing.error(message).with_source(error)
    })?;
    let boundaries = settings.grid.boundaries.clone();
    TrackWriter::create(&settings.dir, &rung.id, &media, settings.encoder.timescale, None, boundaries)
}
