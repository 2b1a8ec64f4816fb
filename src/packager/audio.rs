//! Audio tracks: AAC, AC-3 and E-AC-3 copied sample by sample, or decoded once, mixed and encoded as AAC. Either way time is a count of
//! samples from the film's origin, so sound stays with the picture without edit lists: what lies before the origin
//! (priming) is dropped, gaps are filled with silence where we encode.

use std::fs::File;
use std::path::Path;

use ffmpeg_next::filter::{self, Graph};
use ffmpeg_next::{ChannelLayout, Packet, Rational, Stream, codec, decoder, encoder, format, frame};

use crate::base::error::Result;
use crate::media::aac::{AacConfig, AdtsHeader};
use crate::media::cmaf::InitMedia;
use crate::media::time::{Ticks, Timescale};
use crate::packager::film_reader::SampleTaken;
use crate::packager::libav;
use crate::packager::mux::{Payload, Sample, TrackWriter};
use crate::packager::plan::Plan;
use crate::packager::probe::{self, AudioSource};
use crate::packager::refusal::Refusal;
use crate::packager::renditions::{AUDIO_FRAME_SAMPLES, AudioAction, AudioPlan, ENCODED_SAMPLE_RATE};
use crate::packager::scan::{AudioFormat, AudioScan, Origin, Scan};

pub const AAC_ENCODER: &str = "aac";
const STEREO_BITS_PER_S: u32 = 128_000;
const SURROUND_BITS_PER_S: u32 = 384_000;
/// A timestamp further than this from the count of samples moves the count.
const JITTER_MS_MAX: u64 = 10;
/// So many packets a decoder may take before it gives a frame.
const FRAMES_LATE: u64 = 4;

/// What all audio tracks of a job share.
pub struct AudioSettings<'a> {
    pub dir: &'a Path,
    pub origin: Origin,
    /// Video boundaries and end of presentation, with their scale.
    pub boundaries: &'a [Ticks],
    pub end: Ticks,
    pub timescale: Timescale,
}

impl<'a> AudioSettings<'a> {
    pub fn new(dir: &'a Path, scan: &Scan, plan: &'a Plan) -> AudioSettings<'a> {
        let boundaries = &plan.grid.boundaries;
        AudioSettings { dir, origin: scan.origin, boundaries, end: scan.end, timescale: scan.timescale }
    }

    fn writer(&self, plan: &AudioPlan, source: &AudioSource, media: &InitMedia, rate: u32) -> Result<TrackWriter> {
        let scale = Timescale::new(rate)?;
        // The first sample at or after the video boundary: round up.
        let boundaries = self.boundaries.iter().map(|&boundary| ceil(boundary, self.timescale, scale)).collect();
        TrackWriter::create(self.dir, &plan.id, media, scale, source.language.as_deref(), boundaries)
    }
}

fn ceil(ticks: Ticks, from: Timescale, to: Timescale) -> Ticks {
    let product = i128::from(ticks) * i128::from(to.per_second());
    let from = i128::from(from.per_second());
    Ticks::try_from((product + from - 1).div_euclid(from)).unwrap_or(Ticks::MAX)
}

/// A track whose samples are the source's.
pub struct CopiedAudio {
    source: AudioSource,
    origin: Origin,
    scale: Timescale,
    writer: TrackWriter,
    next: Option<Ticks>,
    end: Ticks,
    frame_samples: Ticks,
    has_adts: bool,
}

impl CopiedAudio {
    pub fn start(
        plan: &AudioPlan,
        source: &AudioSource,
        scan: &AudioScan,
        settings: &AudioSettings<'_>,
    ) -> Result<CopiedAudio> {
        let format = scan.format.as_ref().ok_or_else(|| Refusal::Internal.error("Sound of no known format."))?;
        let (media, has_adts) = match format {
            AudioFormat::Aac(config) => (init_of(config, scan.bits_per_s), source.extradata.is_empty()),
            AudioFormat::Dolby(config) => (InitMedia::Dolby(config.clone()), false),
        };
        let writer = settings.writer(plan, source, &media, format.sample_rate())?;
        let scale = Timescale::new(format.sample_rate())?;
        Ok(CopiedAudio {
            source: source.clone(),
            origin: source.origin(settings.origin),
            scale,
            writer,
            next: None,
            end: ceil(settings.end, settings.timescale, scale),
            frame_samples: format.frame_samples(),
            has_adts,
        })
    }

    /// All samples lie in this film as they are to be.
    pub fn copy_from(&mut self, film: &File) -> Result<()> {
        self.writer.copy_from(film)
    }

    pub fn push(&mut self, sample: SampleTaken) -> Result<()> {
        let Some(pts) = sample.pts else { return Ok(()) };
        let at = self.origin.since(pts, self.source.time_base, self.scale);
        let jitter = self.scale.ticks_of_ms(JITTER_MS_MAX);
        // Containers round timestamps to milliseconds; the count of samples does not.
        let at = self.next.filter(|next| (at - next).abs() <= jitter).unwrap_or(at);
        if self.next.is_some_and(|next| at < next) || at < 0 || at >= self.end {
            return Ok(());
        }
        self.next = Some(at + self.frame_samples);
        let mut payload = sample.payload;
        if self.has_adts
            && let Payload::Packet { packet, skip } = &mut payload
        {
            *skip = AdtsHeader::read(packet.data().unwrap_or_default()).map_or(0, |header| header.header_bytes);
        }
        self.writer.push(Sample { pts: at, is_sync: true, payload })
    }

    pub fn finish(self) -> Result<()> {
        self.writer.finish(self.next.unwrap_or(0))
    }
}

/// What a track of this AAC begins with.
pub fn init_of(config: &AacConfig, bits_per_s: u32) -> InitMedia {
    InitMedia::Aac {
        asc: config.asc().to_vec(),
        channels: u16::from(config.channels),
        sample_rate: config.sample_rate,
        bits_per_s,
    }
}

/// A source's sound on its way through one decoder to the tracks that are made of it.
pub struct EncodedAudio {
    source: AudioSource,
    origin: Origin,
    decoder: decoder::Audio,
    /// What the first frame was like, which alone says what the decoder gives.
    shape: Option<Shape>,
    tracks: Vec<EncodedTrack>,
    end_us: i64,
    packets: u64,
    frames: u64,
    samples: u64,
    damaged: u64,
}

/// How decoding went.
pub struct Heard {
    /// The number of packets that did not decode.
    pub damaged: u64,
    pub warning: Option<String>,
}

/// What a filter graph is made for.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Shape {
    rate: u32,
    format: format::Sample,
    layout: ChannelLayout,
}

impl EncodedAudio {
    pub fn start(
        source: &AudioSource,
        stream: &Stream<'_>,
        settings: &AudioSettings<'_>,
        first: EncodedTrack,
    ) -> Result<EncodedAudio> {
        let decoder = probe::open_decoder(stream)?.audio().map_err(libav::fault("opening the audio decoder"))?;
        Ok(EncodedAudio {
            source: source.clone(),
            origin: source.origin(settings.origin),
            decoder,
            shape: None,
            tracks: vec![first],
            end_us: settings.timescale.rescale(settings.end, Timescale::MICROSECONDS),
            packets: 0,
            frames: 0,
            samples: 0,
            damaged: 0,
        })
    }

    /// Another track of the same sound, before any of it was pushed.
    pub fn add(&mut self, track: EncodedTrack) {
        self.tracks.push(track);
    }

    pub fn push(&mut self, packet: &Packet) -> Result<()> {
        self.packets += 1;
        if self.decoder.send_packet(packet).is_err() {
            self.damaged += 1;
            return Ok(());
        }
        self.decode()
    }

    /// Ends the tracks.
    pub fn finish(mut self) -> Result<Heard> {
        // A decoder that is drained already has nothing more to give.
        let _ = self.decoder.send_eof();
        self.decode()?;
        let (frames, packets) = (self.frames, self.packets);
        if frames == 0 || (frames + FRAMES_LATE) * 100 < packets * 80 {
            let what = format!("{frames} of {packets} frames");
            return Err(match &self.source.beside {
                Some(beside) => beside.undecodable(&what),
                None => Refusal::InputDamaged
                    .error(format!("Only {what} of the sound of track {} can be decoded.", self.source.stream)),
            });
        }
        for track in self.tracks {
            track.finish()?;
        }
        let heard_s = self.shape.map_or(0.0, |shape| self.samples as f64 / f64::from(shape.rate));
        let warning = self.source.beside.as_ref().and_then(|beside| beside.missing(heard_s));
        Ok(Heard { damaged: self.damaged, warning })
    }

    fn decode(&mut self) -> Result<()> {
        let mut sound = frame::Audio::empty();
        while self.decoder.receive_frame(&mut sound).is_ok() {
            self.frames += 1;
            self.samples += sound.samples() as u64;
            if sound.channel_layout().bits() == 0 {
                sound.set_channel_layout(ChannelLayout::default(i32::from(sound.channels())));
            }
            let shape = Shape { rate: sound.rate(), format: sound.format(), layout: sound.channel_layout() };
            let scale = Timescale::new(shape.rate)?;
            let pts = sound.timestamp().map(|pts| self.origin.since(pts, self.source.time_base, scale));
            sound.set_pts(pts);
            match self.shape {
                Some(known) if known == shape => {}
                Some(_) => {
                    return Err(Refusal::InputUnsupported
                        .error("The sound changes its format within the film; that is not handled yet."));
                }
                None => {
                    self.shape = Some(shape);
                    for track in &mut self.tracks {
                        track.graph = Some(mixing_graph(shape, track.layout, self.end_us)?);
                    }
                }
            }
            for track in &mut self.tracks {
                track.push(&sound)?;
            }
        }
        Ok(())
    }
}

/// A track that is mixed and encoded.
pub struct EncodedTrack {
    layout: ChannelLayout,
    /// Made from the first frame of the sound.
    graph: Option<Graph>,
    encoder: encoder::audio::Encoder,
    writer: TrackWriter,
    next: Ticks,
}

impl EncodedTrack {
    pub fn start(plan: &AudioPlan, source: &AudioSource, settings: &AudioSettings<'_>) -> Result<EncodedTrack> {
        let (layout, bits_per_s) = match plan.action {
            // The only layout of six channels that AAC has without a description of its own.
            AudioAction::EncodeSurround => (ChannelLayout::_5POINT1_BACK, SURROUND_BITS_PER_S),
            AudioAction::EncodeStereo | AudioAction::Copy => (ChannelLayout::STEREO, STEREO_BITS_PER_S),
        };
        let encoder = open_encoder(AAC_ENCODER, ENCODED_SAMPLE_RATE, layout, bits_per_s)?;
        let config = AacConfig::from_asc(&libav::encoder_extradata(&encoder))?;
        let media = init_of(&config, bits_per_s);
        let writer = settings.writer(plan, source, &media, ENCODED_SAMPLE_RATE)?;
        Ok(EncodedTrack { layout, graph: None, encoder, writer, next: 0 })
    }

    fn push(&mut self, sound: &frame::Audio) -> Result<()> {
        if let Some(mut source) = self.graph.as_mut().and_then(|graph| graph.get("in")) {
            // The filter takes the frame it is given.
            let shared = libav::shared(sound);
            shared.and_then(|sound| source.source().add(&sound)).map_err(libav::fault("mixing the sound"))?;
        }
        self.filtered()
    }

    fn finish(mut self) -> Result<()> {
        let fault = libav::fault("encoding the sound");
        if let Some(graph) = &mut self.graph {
            if let Some(mut source) = graph.get("in") {
                source.source().flush().map_err(&fault)?;
            }
            self.filtered()?;
        }
        self.encoder.send_eof().map_err(&fault)?;
        self.encoded()?;
        self.writer.finish(self.next)
    }

    fn filtered(&mut self) -> Result<()> {
        let Some(mut sink) = self.graph.as_mut().and_then(|graph| graph.get("out")) else { return Ok(()) };
        let mut sound = frame::Audio::empty();
        while sink.sink().frame(&mut sound).is_ok() {
            self.encoder.send_frame(&sound).map_err(libav::fault("encoding the sound"))?;
            self.encoded()?;
        }
        Ok(())
    }

    fn encoded(&mut self) -> Result<()> {
        let mut packet = Packet::empty();
        while self.encoder.receive_packet(&mut packet).is_ok() {
            // The encoder's priming lies before zero.
            if packet.pts().is_none_or(|pts| pts < 0) {
                continue;
            }
            let pts = self.next;
            self.next += AUDIO_FRAME_SAMPLES;
            let taken = std::mem::replace(&mut packet, Packet::empty());
            self.writer.push(Sample { pts, is_sync: true, payload: Payload::Packet { packet: taken, skip: 0 } })?;
        }
        Ok(())
    }
}

/// The encoder of this name, of planar floats.
pub fn open_encoder(name: &str, rate: u32, layout: ChannelLayout, bits_per_s: u32) -> Result<encoder::audio::Encoder> {
    let Some(codec) = encoder::find_by_name(name) else {
        return Err(Refusal::EncoderMissing.error(format!("This libav has no encoder named {name}.")));
    };
    let fault = libav::fault("opening the audio encoder");
    let mut context = codec::Context::new_with_codec(codec);
    context.set_flags(codec::Flags::GLOBAL_HEADER);
    context.set_time_base(Rational::new(1, rate as i32));
    let mut encoder = context.encoder().audio().map_err(&fault)?;
    encoder.set_rate(rate as i32);
    encoder.set_format(format::Sample::F32(format::sample::Type::Planar));
    encoder.set_channel_layout(layout);
    encoder.set_bit_rate(bits_per_s as usize);
    encoder.open_as(codec).map_err(fault)
}

/// Any sound to 48 kHz in this layout that begins at 0 and ends with the picture, gaps filled with silence.
fn mixing_graph(shape: Shape, layout: ChannelLayout, end_us: i64) -> Result<Graph> {
    let fault = libav::fault("making the audio filters");
    let missing = || Refusal::EncoderMissing.error("This libav lacks its basic audio filters.");
    let mut graph = Graph::new();
    let rate = shape.rate;
    let args = format!(
        "time_base=1/{rate}:sample_rate={rate}:sample_fmt={}:channel_layout=0x{:x}",
        shape.format.name(),
        shape.layout.bits()
    );
    graph.add(&filter::find("abuffer").ok_or_else(missing)?, "in", &args).map_err(&fault)?;
    graph.add(&filter::find("abuffersink").ok_or_else(missing)?, "out", "").map_err(&fault)?;
    let chain = format!(
        "aresample={ENCODED_SAMPLE_RATE}:async=1:min_hard_comp=0.010:first_pts=0,\
         aformat=sample_fmts=fltp:sample_rates={ENCODED_SAMPLE_RATE}:channel_layouts=0x{:x},\
         apad=whole_dur={end_us}us,atrim=end={end_us}us,asetpts=N",
        layout.bits()
    );
    graph
        .output("in", 0)
        .and_then(|parser| parser.input("out", 0))
        .and_then(|parser| parser.parse(&chain))
        .map_err(&fault)?;
    graph.validate().map_err(&fault)?;
    if let Some(mut sink) = graph.get("out") {
        sink.sink().set_frame_size(AUDIO_FRAME_SAMPLES as u32);
    }
    Ok(graph)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_audio_boundary_is_never_before_the_picture() {
        let video = Timescale::new(24_000).unwrap();
        let audio = Timescale::new(44_100).unwrap();
        assert_eq!(ceil(1001, video, audio), 1840);
        assert_eq!(ceil(24_000, video, audio), 44_100);
    }
}
