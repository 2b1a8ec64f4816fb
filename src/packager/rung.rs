//! One encoded video track: pictures come in over a bounded queue, are encoded by libx264 and written as CMAF. Each rung
//! runs on a thread of its own, so that decoding and the other rungs do not wait for it.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use ffmpeg_next::format::Pixel;
use ffmpeg_next::{Dictionary, Packet, Rational, codec, encoder, frame, picture};

use crate::base::error::Result;
use crate::media::avc::{self, AvcConfig};
use crate::media::cmaf::{Colour, InitMedia};
use crate::media::time::{Ticks, Timescale};
use crate::packager::ladder::Rung;
use crate::packager::libav;
use crate::packager::mux::{Payload, Sample, TrackWriter};
use crate::packager::refusal::Refusal;
use crate::packager::segmenter::{Cursor, Grid};

/// Found by name, so that a libav without it still builds and runs everything that needs no encoding.
const ENCODER: &str = "libx264";
/// Pictures that wait for an encoder.
const QUEUE_PICTURES: usize = 8;

/// What every rung of a job shares.
#[derive(Clone)]
pub struct RungSettings {
    pub dir: PathBuf,
    pub timescale: Timescale,
    pub grid: Grid,
    pub end: Ticks,
    pub frame_rate: (i32, i32),
    pub colour: Colour,
    /// Threads of one encoder; 0 lets it choose.
    pub threads: usize,
    /// What the track says it conforms to, where that is not the encoder's to choose.
    pub conformance: Option<AvcConformance>,
}

/// An H.264 profile and level, so that a track can say what another one says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvcConformance {
    profile: &'static str,
    level: u8,
}

impl AvcConformance {
    /// Of an RFC 6381 string; `None` when the encoder makes no such track.
    pub fn of_codec(codec: &str) -> Option<AvcConformance> {
        let (profile, level) = codec.strip_prefix("avc1.")?.split_at_checked(4)?;
        let profile = match profile.get(..2)?.to_ascii_uppercase().as_str() {
            "42" => "baseline",
            "4D" => "main",
            "64" => "high",
            _ => return None,
        };
        Some(AvcConformance { profile, level: u8::from_str_radix(level, 16).ok()? })
    }
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
        let encoder = open_encoder(rung, settings)?;
        let config = AvcConfig::from_extradata(&libav::encoder_extradata(&encoder)).map_err(|error| {
            Refusal::EncoderMissing.error("The H.264 encoder of this libav made no parameter sets.").with_source(error)
        })?;
        let media = InitMedia::Avc {
            config,
            width: rung.width as u16,
            height: rung.height as u16,
            sample_aspect: (1, 1),
            colour: Some(Colour { full_range: false, ..settings.colour }),
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
    TrackWriter::create(dir, id, media, settings.timescale, None, settings.grid.boundaries.clone())
}

fn open_encoder(rung: &Rung, settings: &RungSettings) -> Result<encoder::video::Encoder> {
    let Some(codec) = encoder::find_by_name(ENCODER) else {
        return Err(Refusal::EncoderMissing.error(
            "This libav has no libx264; install one that has it, or package with --copy what needs no encoding.",
        ));
    };
    let fault = libav::fault("opening the encoder");
    let mut context = codec::Context::new_with_codec(codec);
    context.set_flags(codec::Flags::GLOBAL_HEADER | codec::Flags::CLOSED_GOP);
    context.set_time_base(Rational::new(1, settings.timescale.per_second() as i32));
    context.set_frame_rate(Some(Rational::new(settings.frame_rate.0, settings.frame_rate.1)));
    context.set_threading(codec::threading::Config::count(settings.threads));
    let mut encoder = context.encoder().video().map_err(&fault)?;
    encoder.set_width(rung.width);
    encoder.set_height(rung.height);
    encoder.set_format(Pixel::YUV420P);
    encoder.set_aspect_ratio(Rational::new(1, 1));
    encoder.set_max_bit_rate(rung.max_bits_per_s as usize);
    encoder.set_color_range(ffmpeg_next::color::Range::MPEG);
    let mut options = Dictionary::new();
    options.set("preset", "veryfast");
    options.set("profile", settings.conformance.map_or("high", |conformance| conformance.profile));
    if let Some(AvcConformance { level, .. }) = settings.conformance {
        options.set("level", &level.to_string());
    }
    options.set("crf", "22");
    options.set("bufsize", &(rung.max_bits_per_s * 3 / 2).to_string());
    // The picture type I of a forced picture means IDR; nothing else makes a sync sample.
    options.set("forced-idr", "1");
    options.set("x264-params", "scenecut=0:keyint=infinite:min-keyint=1:open-gop=0");
    let Colour { primaries, transfer, matrix, .. } = settings.colour;
    options.set("color_primaries", &primaries.to_string());
    options.set("color_trc", &transfer.to_string());
    options.set("colorspace", &matrix.to_string());
    encoder.open_as_with(codec, options).map_err(fault)
}
