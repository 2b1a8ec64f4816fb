//! One encoded video track: pictures come in over a bounded queue, are encoded by libx264 and written as CMAF. Each rung
//! runs on a thread of its own, so that decoding and the other rungs do not wait for it.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use ffmpeg_next::{Packet, encoder, frame, picture};

use crate::base::error::Result;
use crate::media::avc::{self, AvcConfig};
use crate::media::cmaf::{Colour, InitMedia};
use crate::media::time::Ticks;
use crate::packager::encoder::EncoderSettings;
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
}

/// The sending end of a rung that runs.
pub struct RungHandle {
    queue: Option<SyncSender<frame::Video>>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl RungHandle {
    pub fn start(rung: &Rung, settings: &RungSettings) -> Result<RungHandle> {
        let worker = RungWorker::open(rung, settings)?;
        let (queue, pictures) = sync_channel(QUEUE_PICTURES);
        let thread = std::thread::Builder::new()
            .name(rung.id.clone())
            .spawn(move || worker.run(&pictures))
            .map_err(|error| Refusal::Internal.error("No thread could be started.").with_source(error))?;
        Ok(RungHandle { queue: Some(queue), thread: Some(thread) })
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
    encoder: encoder::video::Encoder,
    writer: TrackWriter,
    syncs: Cursor,
    end: Ticks,
}

impl RungWorker {
    fn open(rung: &Rung, settings: &RungSettings) -> Result<RungWorker> {
        let encoder = settings.encoder.open(rung.width, rung.height, Some(rung.max_bits_per_s))?;
        let config = AvcConfig::from_extradata(&libav::encoder_extradata(&encoder)).map_err(|error| {
            Refusal::EncoderMissing.error("The H.264 encoder of this libav made no parameter sets.").with_source(error)
        })?;
        let media = InitMedia::Avc {
            config,
            width: rung.width as u16,
            height: rung.height as u16,
            sample_aspect: (1, 1),
            colour: Some(Colour { full_range: false, ..settings.encoder.colour }),
        };
        let writer = create_writer(&settings.dir, &rung.id, &media, settings)?;
        Ok(RungWorker { encoder, writer, syncs: Cursor::new(settings.grid.syncs.clone()), end: settings.end })
    }

    fn run(mut self, pictures: &Receiver<frame::Video>) -> Result<()> {
        let encoding = libav::fault("encoding the picture");
        while let Ok(mut picture) = pictures.recv() {
            let is_sync = picture.pts().is_some_and(|pts| self.syncs.is_reached_by(pts));
            picture.set_kind(if is_sync { picture::Type::I } else { picture::Type::None });
            self.encoder.send_frame(&picture).map_err(&encoding)?;
            self.drain()?;
        }
        self.encoder.send_eof().map_err(&encoding)?;
        self.drain()?;
        self.writer.finish(self.end)
    }

    fn drain(&mut self) -> Result<()> {
        let mut packet = Packet::empty();
        while self.encoder.receive_packet(&mut packet).is_ok() {
            let data = packet.data().unwrap_or_default();
            let is_sync = packet.is_key() && avc::is_idr(avc::annex_b_units(data));
            let payload = Payload::Bytes(avc::annex_b_to_lengths(data));
            self.writer.push(Sample { pts: packet.pts().unwrap_or(0), is_sync, payload })?;
        }
        Ok(())
    }
}

fn create_writer(dir: &Path, id: &str, media: &InitMedia, settings: &RungSettings) -> Result<TrackWriter> {
    TrackWriter::create(dir, id, media, settings.encoder.timescale, None, settings.grid.boundaries.clone())
}
