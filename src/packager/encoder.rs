//! The encoders of pictures, one for each codec, as every rung has them.

use ffmpeg_next::format::Pixel;
use ffmpeg_next::{Codec, Dictionary, Rational, codec, encoder};
use serde::{Deserialize, Serialize};

use crate::base::error::Result;
use crate::media::cmaf::Colour;
use crate::media::time::Timescale;
use crate::packager::libav;
use crate::packager::refusal::Refusal;

/// What a rung is encoded in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VideoCodec {
    H264,
    Hevc,
    Av1,
}

impl VideoCodec {
    pub const ALL: [VideoCodec; 3] = [VideoCodec::H264, VideoCodec::Hevc, VideoCodec::Av1];

    pub fn as_str(self) -> &'static str {
        match self {
            VideoCodec::H264 => "h264",
            VideoCodec::Hevc => "hevc",
            VideoCodec::Av1 => "av1",
        }
    }

    /// libav's name of the encoder. Found by name, so that a libav without it still builds and runs what does not need it.
    fn encoder(self) -> &'static str {
        match self {
            VideoCodec::H264 => "libx264",
            VideoCodec::Hevc => "libx265",
            VideoCodec::Av1 => "libaom-av1",
        }
    }

    /// What it needs of the bits that H.264 needs for the same picture.
    pub fn thrift(self) -> f64 {
        match self {
            VideoCodec::H264 => 1.0,
            VideoCodec::Hevc => 0.7,
            VideoCodec::Av1 => 0.6,
        }
    }

    /// The encoder, or a refusal that names it.
    pub fn find(self) -> Result<Codec> {
        let name = self.encoder();
        encoder::find_by_name(name).ok_or_else(|| {
            let instead = match self {
                VideoCodec::H264 => "package with --copy what needs no encoding",
                VideoCodec::Hevc | VideoCodec::Av1 => "leave the codec out of --codec",
            };
            Refusal::EncoderMissing.error(format!("This libav has no {name}; install one that has it, or {instead}."))
        })
    }
}

/// What all encoders of a job share.
#[derive(Clone, Debug)]
pub struct EncoderSettings {
    pub timescale: Timescale,
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

impl EncoderSettings {
    /// An encoder for pictures of this size: of the same quality throughout, as far as the cap in bits per second allows.
    pub fn open(
        &self,
        coded: VideoCodec,
        width: u32,
        height: u32,
        cap: Option<u64>,
    ) -> Result<encoder::video::Encoder> {
        let codec = coded.find()?;
        let fault = libav::fault("opening the encoder");
        let mut context = codec::Context::new_with_codec(codec);
        context.set_flags(codec::Flags::GLOBAL_HEADER | codec::Flags::CLOSED_GOP);
        context.set_time_base(Rational::new(1, self.timescale.per_second() as i32));
        context.set_frame_rate(Some(Rational::new(self.frame_rate.0, self.frame_rate.1)));
        context.set_threading(codec::threading::Config::count(self.threads));
        let mut encoder = context.encoder().video().map_err(&fault)?;
        encoder.set_width(width);
        encoder.set_height(height);
        encoder.set_format(Pixel::YUV420P);
        encoder.set_aspect_ratio(Rational::new(1, 1));
        encoder.set_color_range(ffmpeg_next::color::Range::MPEG);
        if let Some(cap) = cap {
            encoder.set_max_bit_rate(cap as usize);
        }
        let mut options = self.options(coded);
        if let Some(cap) = cap {
            options.set("bufsize", &(cap * 3 / 2).to_string());
            if coded == VideoCodec::Av1 {
                // libaom holds a quality under a rate when it is given both.
                options.set("b", &cap.to_string());
            }
        }
        let Colour { primaries, transfer, matrix, .. } = self.colour;
        options.set("color_primaries", &primaries.to_string());
        options.set("color_trc", &transfer.to_string());
        options.set("colorspace", &matrix.to_string());
        encoder.open_as_with(codec, options).map_err(fault)
    }

    /// A picture of type I is a sync sample that nothing after it reaches across; the encoder makes none of its own.
    fn options(&self, coded: VideoCodec) -> Dictionary<'static> {
        let mut options = Dictionary::new();
        match coded {
            VideoCodec::H264 => {
                options.set("preset", "veryfast");
                options.set("profile", self.conformance.map_or("high", |conformance| conformance.profile));
                if let Some(AvcConformance { level, .. }) = self.conformance {
                    options.set("level", &level.to_string());
                }
                options.set("crf", "22");
                options.set("forced-idr", "1");
                // Captions of the source have a track of their own.
                options.set("a53cc", "0");
                options.set("x264-params", "scenecut=0:keyint=infinite:min-keyint=1:open-gop=0");
            }
            VideoCodec::Hevc => {
                options.set("preset", "veryfast");
                options.set("crf", "24");
                options.set("forced-idr", "1");
                options.set(
                    "x265-params",
                    "scenecut=0:keyint=-1:min-keyint=1:open-gop=0:info=0:repeat-headers=0:log-level=none",
                );
            }
            VideoCodec::Av1 => {
                // Its slower usage follows every forced sync sample with a second one.
                options.set("usage", "realtime");
                options.set("cpu-used", "6");
                options.set("row-mt", "1");
                options.set("crf", "30");
                options.set("g", "9999");
                options.set("keyint_min", "9999");
            }
        }
        options
    }
}
