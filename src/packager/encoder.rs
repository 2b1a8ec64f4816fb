//! The encoder of pictures, libx264, as every rung has it.

use ffmpeg_next::format::Pixel;
use ffmpeg_next::{Dictionary, Rational, codec, encoder};

use crate::base::error::Result;
use crate::media::cmaf::Colour;
use crate::media::time::Timescale;
use crate::packager::libav;
use crate::packager::refusal::Refusal;

/// Found by name, so that a libav without it still builds and runs everything that needs no encoding.
const ENCODER: &str = "libx264";

/// What all encoders of a job share.
#[derive(Clone)]
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
    pub fn open(&self, width: u32, height: u32, cap: Option<u64>) -> Result<encoder::video::Encoder> {
        let Some(codec) = encoder::find_by_name(ENCODER) else {
            return Err(Refusal::EncoderMissing.error(
                "This libav has no libx264; install one that has it, or package with --copy what needs no encoding.",
            ));
        };
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
        let mut options = Dictionary::new();
        options.set("preset", "veryfast");
        options.set("profile", self.conformance.map_or("high", |conformance| conformance.profile));
        if let Some(AvcConformance { level, .. }) = self.conformance {
            options.set("level", &level.to_string());
        }
        options.set("crf", "22");
        if let Some(cap) = cap {
            encoder.set_max_bit_rate(cap as usize);
            options.set("bufsize", &(cap * 3 / 2).to_string());
        }
        // The picture type I of a forced picture means IDR; nothing else makes a sync sample.
        options.set("forced-idr", "1");
        options.set("x264-params", "scenecut=0:keyint=infinite:min-keyint=1:open-gop=0");
        let Colour { primaries, transfer, matrix, .. } = self.colour;
        options.set("color_primaries", &primaries.to_string());
        options.set("color_trc", &transfer.to_string());
        options.set("colorspace", &matrix.to_string());
        encoder.open_as_with(codec, options).map_err(fault)
    }
}
