//! HEVC as it lies in files (ISO/IEC 14496-15): the decoder configuration record (`hvcC`) with all parameter sets in it,
//! and samples of NAL units behind four-byte lengths without them (`hvc1`).

use std::fmt::Write;

use crate::base::error::Result;
use crate::media::avc::annex_b_units;
use crate::media::bits::BitReader;
use crate::media::isobmff::Reader;
use crate::media::malformed;

const IDR_W_RADL: u8 = 19;
const IDR_N_LP: u8 = 20;
const VPS: u8 = 32;
const SPS: u8 = 33;
const PPS: u8 = 34;
const DELIMITER: u8 = 35;
/// `general_profile_space` to `general_level_idc`.
const PROFILE_BYTES: usize = 12;

/// An `HEVCDecoderConfigurationRecord`, kept as its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HevcConfig {
    record: Vec<u8>,
}

impl HevcConfig {
    pub fn from_record(record: &[u8]) -> Result<HevcConfig> {
        let head = Reader::new(record).take(23)?;
        if head[0] != 1 {
            return Err(malformed("hvcC: configurationVersion is not 1."));
        }
        Ok(HevcConfig { record: record.to_vec() })
    }

    /// Builds the record from the parameter sets in `bytes`, behind start codes.
    pub fn from_parameter_sets(bytes: &[u8]) -> Result<HevcConfig> {
        let sets = |kind| annex_b_units(bytes).filter(move |unit| nal_type(unit) == kind);
        let sps = sets(SPS).next().ok_or_else(|| malformed("HEVC without a sequence parameter set."))?;
        let sps = Sps::read(sps)?;
        let mut record = vec![1];
        record.extend_from_slice(&sps.profile);
        // Nothing is said about spatial segments and parallelism.
        record.extend_from_slice(&[0xf0, 0, 0xfc, 0xfc | sps.chroma, 0xf8 | sps.luma_depth, 0xf8 | sps.chroma_depth]);
        // No average frame rate; lengths of four bytes; three arrays.
        record.extend_from_slice(&[0, 0, sps.layers << 3 | u8::from(sps.is_nested) << 2 | 3, 3]);
        for kind in [VPS, SPS, PPS] {
            // array_completeness: there are no others in the samples.
            record.push(0x80 | kind);
            record.extend_from_slice(&(sets(kind).count() as u16).to_be_bytes());
            for set in sets(kind) {
                record.extend_from_slice(&(set.len() as u16).to_be_bytes());
                record.extend_from_slice(set);
            }
        }
        HevcConfig::from_record(&record)
    }

    pub fn record(&self) -> &[u8] {
        &self.record
    }

    /// `hvc1.P.CCCC.TLL.…` (ISO/IEC 14496-15, Annex E).
    pub fn codec_string(&self) -> String {
        let [profile, flags @ .., level] = &self.record[1..=PROFILE_BYTES] else { return String::new() };
        let (compatibility, constraints) = flags.split_at(4);
        let compatibility = compatibility.iter().fold(0_u32, |sum, &byte| sum << 8 | u32::from(byte)).reverse_bits();
        let space = ["", "A", "B", "C"][usize::from(profile >> 6)];
        let tier = if profile >> 5 & 1 == 1 { 'H' } else { 'L' };
        let mut codec = format!("hvc1.{space}{}.{compatibility:X}.{tier}{level}", profile & 0x1f);
        let kept = constraints.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        for byte in &constraints[..kept] {
            // Writing to a String cannot fail.
            let _ = write!(codec, ".{byte:X}");
        }
        codec
    }
}

/// What the record repeats of a sequence parameter set (ITU-T H.265, 7.3.2.2).
struct Sps {
    profile: [u8; PROFILE_BYTES],
    layers: u8,
    is_nested: bool,
    chroma: u8,
    luma_depth: u8,
    chroma_depth: u8,
}

impl Sps {
    fn read(unit: &[u8]) -> Result<Sps> {
        let mut bits = BitReader::new(unit);
        bits.bits(16 + 4)?;
        let more_layers = bits.bits(3)? as u8;
        let is_nested = bits.flag()?;
        let mut profile = [0; PROFILE_BYTES];
        for byte in &mut profile {
            *byte = bits.bits(8)? as u8;
        }
        if more_layers > 0 {
            let mut said = Vec::new();
            for _ in 0..8 {
                said.push((bits.flag()?, bits.flag()?));
            }
            for (has_profile, has_level) in said.into_iter().take(usize::from(more_layers)) {
                for _ in 0..if has_profile { 11 } else { 0 } + i32::from(has_level) {
                    bits.bits(8)?;
                }
            }
        }
        bits.unsigned()?;
        let chroma = bits.unsigned()? as u8 & 3;
        if chroma == 3 {
            bits.flag()?;
        }
        bits.unsigned()?;
        bits.unsigned()?;
        if bits.flag()? {
            for _ in 0..4 {
                bits.unsigned()?;
            }
        }
        let (luma_depth, chroma_depth) = (bits.unsigned()? as u8 & 7, bits.unsigned()? as u8 & 7);
        Ok(Sps { profile, layers: more_layers + 1, is_nested, chroma, luma_depth, chroma_depth })
    }
}

/// An access unit with four-byte lengths in place of its start codes, and whether it is an IDR picture. Delimiters are
/// dropped, and parameter sets: the record has them.
pub fn annex_b_to_lengths(bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut sample = Vec::with_capacity(bytes.len() + 16);
    let mut is_idr = false;
    for unit in annex_b_units(bytes) {
        match nal_type(unit) {
            VPS | SPS | PPS | DELIMITER => continue,
            IDR_W_RADL | IDR_N_LP => is_idr = true,
            _ => {}
        }
        sample.extend_from_slice(&(unit.len() as u32).to_be_bytes());
        sample.extend_from_slice(unit);
    }
    (sample, is_idr)
}

fn nal_type(unit: &[u8]) -> u8 {
    unit.first().map_or(0, |byte| byte >> 1 & 0x3f)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unhex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    /// What libx265 made of 854×480, and the record that FFmpeg 5.1's muxer made of that.
    const VPS_HEX: &str = "40010c01ffff01600000030090000003000003005a959809";
    const SPS_HEX: &str = "42010101600000030090000003000003005aa006b201e1d796566924caf0169c2000000300200000030301";
    const PPS_HEX: &str = "4401c172b46240";

    #[test]
    fn the_record_is_the_one_that_ffmpeg_makes() {
        let start = [0, 0, 0, 1];
        let sets = [VPS_HEX, SPS_HEX, PPS_HEX].map(unhex);
        let bytes = [&start[..], &sets[0], &start, &sets[1], &start, &sets[2]].concat();
        let config = HevcConfig::from_parameter_sets(&bytes).unwrap();
        let expected = "0101600000009000000000005af000fcfdf8f800000f03".to_owned()
            + "a000010018"
            + VPS_HEX
            + "a10001002b"
            + SPS_HEX
            + "a200010007"
            + PPS_HEX;
        assert_eq!(config.record(), unhex(&expected));
        assert_eq!(config.codec_string(), "hvc1.1.6.L90.90");
        assert!(HevcConfig::from_parameter_sets(&[]).is_err());
    }

    #[test]
    fn samples_hold_no_parameter_sets_and_an_idr_is_known() {
        let idr = [&[0, 0, 1][..], &unhex(VPS_HEX), &[0, 0, 1, 0x46, 1, 0x10, 0, 0, 1, 0x26, 1, 7, 8]].concat();
        assert_eq!(annex_b_to_lengths(&idr), (vec![0, 0, 0, 4, 0x26, 1, 7, 8], true));
        assert_eq!(annex_b_to_lengths(&[0, 0, 1, 0x2a, 1, 7]), (vec![0, 0, 0, 3, 0x2a, 1, 7], false), "a CRA is open");
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = HevcConfig::from_record(&bytes).map(|config| config.codec_string());
            let _ = HevcConfig::from_parameter_sets(&[&[0, 0, 1, 0x42][..], &bytes].concat());
            let _ = annex_b_to_lengths(&bytes);
        }
    }
}
