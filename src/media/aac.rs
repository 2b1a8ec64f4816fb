//! AAC as it lies in files: the AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1) and the ADTS header that MPEG-TS puts
//! before each frame (1.A.3.2).

use crate::base::error::Result;
use crate::media::malformed;

const RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];
const AOT_LC: u8 = 2;

/// Samples in one frame of the AAC we handle.
pub const FRAME_SAMPLES: u32 = 1024;

/// An AudioSpecificConfig with the fields we need read out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AacConfig {
    asc: Vec<u8>,
    pub object_type: u8,
    pub sample_rate: u32,
    pub channels: u8,
    frame_samples: u32,
}

impl AacConfig {
    pub fn from_asc(asc: &[u8]) -> Result<AacConfig> {
        let (Some(&first), Some(&second)) = (asc.first(), asc.get(1)) else {
            return Err(malformed("AudioSpecificConfig: shorter than two bytes."));
        };
        let object_type = first >> 3;
        let rate_index = (first & 7) << 1 | second >> 7;
        let Some(&sample_rate) = RATES.get(usize::from(rate_index)) else {
            return Err(malformed("AudioSpecificConfig: an explicit or reserved sample rate."));
        };
        let channels = match second >> 3 & 15 {
            configuration @ 1..=6 => configuration,
            7 => 8,
            _ => return Err(malformed("AudioSpecificConfig: a channel layout outside the table.")),
        };
        let frame_samples = if second & 4 == 0 { FRAME_SAMPLES } else { 960 };
        Ok(AacConfig { asc: asc.to_vec(), object_type, sample_rate, channels, frame_samples })
    }

    pub fn asc(&self) -> &[u8] {
        &self.asc
    }

    /// `mp4a.40.2` (RFC 6381, 3.3).
    pub fn codec_string(&self) -> String {
        format!("mp4a.40.{}", self.object_type)
    }

    /// Low complexity, 1,024 samples a frame: what every client decodes and what may be copied.
    pub fn is_low_complexity(&self) -> bool {
        self.object_type == AOT_LC && self.frame_samples == FRAME_SAMPLES
    }
}

/// An ADTS header: what it says, and how many bytes it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdtsHeader {
    pub config: AacConfig,
    pub header_bytes: usize,
}

impl AdtsHeader {
    /// The header at the start of `frame`, or `None` when there is none that holds exactly one raw data block.
    pub fn read(frame: &[u8]) -> Option<AdtsHeader> {
        let head: &[u8; 7] = frame.first_chunk()?;
        if head[0] != 0xff || head[1] & 0xf6 != 0xf0 || head[6] & 3 != 0 {
            return None;
        }
        let header_bytes = if head[1] & 1 == 1 { 7 } else { 9 };
        let frame_bytes = usize::from(head[3] & 3) << 11 | usize::from(head[4]) << 3 | usize::from(head[5] >> 5);
        if frame_bytes != frame.len() || frame.len() <= header_bytes {
            return None;
        }
        let (object_type, rate_index) = ((head[2] >> 6) + 1, head[2] >> 2 & 15);
        let channels = (head[2] & 1) << 2 | head[3] >> 6;
        let asc = [object_type << 3 | rate_index >> 1, (rate_index & 1) << 7 | channels << 3];
        Some(AdtsHeader { config: AacConfig::from_asc(&asc).ok()?, header_bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_stereo_48k_low_complexity_config_is_read() {
        let config = AacConfig::from_asc(&[0x11, 0x90]).unwrap();
        assert_eq!((config.sample_rate, config.channels, config.is_low_complexity()), (48_000, 2, true));
        assert_eq!(config.codec_string(), "mp4a.40.2");
        assert!(!AacConfig::from_asc(&[0x2b, 0x92]).unwrap().is_low_complexity());
    }

    #[test]
    fn an_adts_header_says_the_same_as_the_config() {
        let frame = [0xff, 0xf1, 0x4c, 0x80, 0x01, 0x3f, 0xfc, 1, 2];
        let header = AdtsHeader::read(&frame).unwrap();
        assert_eq!((header.header_bytes, header.config.asc()), (7, &[0x11, 0x90][..]));
        assert_eq!(AdtsHeader::read(&frame[..8]), None);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = AacConfig::from_asc(&bytes);
            let _ = AdtsHeader::read(&bytes);
        }
    }
}
