//! AV1 as it lies in files ("AV1 Codec ISO Media File Format Binding"): the configuration record (`av1C`) with the
//! sequence header in it, and samples that are temporal units without their delimiters.

use crate::base::error::Result;
use crate::media::bits::BitReader;
use crate::media::isobmff::Reader;
use crate::media::malformed;

const SEQUENCE_HEADER: u8 = 1;
const TEMPORAL_DELIMITER: u8 = 2;
const TILE_LIST: u8 = 8;
const PADDING: u8 = 15;
/// Primaries, transfer and matrix of RGB, which is not subsampled.
const SRGB: (u32, u32, u32) = (1, 13, 0);

/// An `AV1CodecConfigurationRecord`, kept as its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Av1Config {
    record: Vec<u8>,
}

impl Av1Config {
    pub fn from_record(record: &[u8]) -> Result<Av1Config> {
        if Reader::new(record).take(4)?[0] != 0x81 {
            return Err(malformed("av1C: neither marker nor version 1."));
        }
        Ok(Av1Config { record: record.to_vec() })
    }

    /// Builds the record from the sequence header among the OBUs in `bytes`.
    pub fn from_obus(bytes: &[u8]) -> Result<Av1Config> {
        let header = Obus { rest: bytes }.find(|obu| obu.kind == SEQUENCE_HEADER);
        let header = header.ok_or_else(|| malformed("AV1 without a sequence header."))?;
        let mut record = vec![0x81];
        record.extend_from_slice(&sequence(header.payload)?);
        // No initial presentation delay.
        record.push(0);
        header.write(&mut record);
        Av1Config::from_record(&record)
    }

    pub fn record(&self) -> &[u8] {
        &self.record
    }

    /// `av01.P.LLT.DD` (section 5 of the binding).
    pub fn codec_string(&self) -> String {
        let (profile_level, form) = (self.record[1], self.record[2]);
        let depth = match (form >> 6 & 1, form >> 5 & 1) {
            (0, _) => 8,
            (_, 0) => 10,
            _ => 12,
        };
        let tier = if form >> 7 == 1 { 'H' } else { 'M' };
        format!("av01.{}.{:02}{tier}.{depth:02}", profile_level >> 5, profile_level & 0x1f)
    }
}

/// A temporal unit as a sample: what the binding forbids in one is left out.
pub fn sample(unit: &[u8]) -> Vec<u8> {
    let mut sample = Vec::with_capacity(unit.len());
    for obu in (Obus { rest: unit }) {
        if !matches!(obu.kind, TEMPORAL_DELIMITER | TILE_LIST | PADDING) {
            obu.write(&mut sample);
        }
    }
    sample
}

/// An open bitstream unit (AV1, 5.3).
struct Obu<'a> {
    kind: u8,
    /// The header without its size: one byte, or two.
    header: &'a [u8],
    payload: &'a [u8],
}

impl Obu<'_> {
    /// Writes the unit with its size.
    fn write(&self, out: &mut Vec<u8>) {
        out.push(self.header[0] | 2);
        out.extend_from_slice(&self.header[1..]);
        let mut size = self.payload.len();
        while size >= 0x80 {
            out.push(size as u8 | 0x80);
            size >>= 7;
        }
        out.push(size as u8);
        out.extend_from_slice(self.payload);
    }
}

/// Units one after another; ends at the first that is not whole.
struct Obus<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Obus<'a> {
    type Item = Obu<'a>;

    fn next(&mut self) -> Option<Obu<'a>> {
        let first = *self.rest.first()?;
        let (header, mut rest) = self.rest.split_at_checked(1 + usize::from(first >> 2 & 1))?;
        let mut size = rest.len();
        if first & 2 != 0 {
            // leb128(), eight bytes at most.
            let mut said = 0_u64;
            for place in 0..8 {
                let (&byte, after) = rest.split_first()?;
                said |= u64::from(byte & 0x7f) << (7 * place);
                rest = after;
                if byte & 0x80 == 0 {
                    break;
                }
            }
            size = usize::try_from(said).ok()?;
        }
        let (payload, rest) = rest.split_at_checked(size)?;
        self.rest = rest;
        Some(Obu { kind: first >> 3 & 0xf, header, payload })
    }
}

/// The second and third byte of the record, from `sequence_header_obu()` (AV1, 5.5).
fn sequence(payload: &[u8]) -> Result<[u8; 2]> {
    let mut bits = BitReader::without_prevention(payload);
    let profile = bits.bits(3)?;
    bits.flag()?;
    let is_reduced = bits.flag()?;
    let (mut level, mut tier) = (0, 0);
    if is_reduced {
        level = bits.bits(5)?;
    } else {
        let mut delay_bits = None;
        if bits.flag()? {
            bits.bits(32)?;
            bits.bits(32)?;
            if bits.flag()? {
                bits.unsigned()?;
            }
            if bits.flag()? {
                delay_bits = Some(bits.bits(5)? + 1);
                bits.bits(32)?;
                bits.bits(10)?;
            }
        }
        let has_display_delay = bits.flag()?;
        for point in 0..=bits.bits(5)? {
            bits.bits(12)?;
            let this_level = bits.bits(5)?;
            let this_tier = if this_level > 7 { bits.bits(1)? } else { 0 };
            if point == 0 {
                (level, tier) = (this_level, this_tier);
            }
            if let Some(delay_bits) = delay_bits
                && bits.flag()?
            {
                bits.bits(delay_bits)?;
                bits.bits(delay_bits)?;
                bits.flag()?;
            }
            if has_display_delay && bits.flag()? {
                bits.bits(4)?;
            }
        }
    }
    let (width_bits, height_bits) = (bits.bits(4)? + 1, bits.bits(4)? + 1);
    bits.bits(width_bits)?;
    bits.bits(height_bits)?;
    if !is_reduced && bits.flag()? {
        bits.bits(4 + 3)?;
    }
    // Superblocks of 128, filtered intra prediction, intra edge filter.
    bits.bits(3)?;
    if !is_reduced {
        // Interintra, masked and warped motion, dual filter.
        bits.bits(4)?;
        if bits.flag()? {
            bits.bits(2)?;
            tools(&mut bits)?;
            bits.bits(3)?;
        } else {
            tools(&mut bits)?;
        }
    }
    // Superresolution, CDEF, restoration.
    bits.bits(3)?;
    Ok([(profile << 5 | level) as u8, (tier << 7) as u8 | colour(&mut bits, profile)?])
}

/// The choice of screen content tools and integer motion vectors.
fn tools(bits: &mut BitReader<'_>) -> Result<()> {
    let is_chosen = bits.flag()? || bits.flag()?;
    if is_chosen && !bits.flag()? {
        bits.flag()?;
    }
    Ok(())
}

/// `color_config()` as the low seven bits of the record's third byte.
fn colour(bits: &mut BitReader<'_>, profile: u32) -> Result<u8> {
    let is_high = bits.flag()?;
    let is_twelve = profile == 2 && is_high && bits.flag()?;
    let is_grey = profile != 1 && bits.flag()?;
    let description = if bits.flag()? { (bits.bits(8)?, bits.bits(8)?, bits.bits(8)?) } else { (2, 2, 2) };
    let (mut across, mut down, mut position) = (true, true, 0);
    if is_grey {
        bits.flag()?;
    } else if description == SRGB {
        (across, down) = (false, false);
    } else {
        bits.flag()?;
        (across, down) = match profile {
            0 => (true, true),
            1 => (false, false),
            _ if is_twelve => {
                let across = bits.flag()?;
                (across, across && bits.flag()?)
            }
            _ => (true, false),
        };
        if across && down {
            position = bits.bits(2)? as u8;
        }
    }
    let flags = [is_high, is_twelve, is_grey, across, down];
    Ok(flags.into_iter().fold(0, |sum, flag| sum << 1 | u8::from(flag)) << 2 | position)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What libaom made of 854×480; the record around it is the one that FFmpeg 5.1's muxer made.
    const HEADER: [u8; 13] = [0x0a, 0x0b, 0, 0, 0, 0x24, 0xc6, 0xab, 0xdf, 0x36, 0xbe, 0x40, 0x10];

    #[test]
    fn the_record_is_the_one_that_ffmpeg_makes() {
        let config = Av1Config::from_obus(&HEADER).unwrap();
        assert_eq!(config.record(), [&[0x81, 0x04, 0x0c, 0][..], &HEADER].concat());
        assert_eq!(config.codec_string(), "av01.0.04M.08");
        assert!(Av1Config::from_obus(&[]).is_err());
    }

    #[test]
    fn samples_have_no_delimiters_and_every_unit_says_its_size() {
        // A delimiter, and a frame without a size.
        assert_eq!(sample(&[0x12, 0, 0x30, 7, 8]), [0x32, 2, 7, 8]);
        let long = [&[0x32, 0x81, 0x01][..], &[9; 129]].concat();
        assert_eq!(sample(&long), long);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = Av1Config::from_record(&bytes).map(|config| config.codec_string());
            let _ = Av1Config::from_obus(&[&[0x08][..], &bytes].concat());
            let _ = sample(&bytes);
        }
    }
}
