//! H.264 as it lies in files (ISO/IEC 14496-15): the decoder configuration record (`avcC`), NAL units behind lengths
//! or behind Annex B start codes, and which of them make a closed sync sample.

use crate::base::error::Result;
use crate::media::isobmff::Reader;
use crate::media::malformed;

pub(crate) const NAL_IDR: u8 = 5;
pub(crate) const NAL_SPS: u8 = 7;
pub(crate) const NAL_PPS: u8 = 8;

/// An `AVCDecoderConfigurationRecord`, kept as its bytes with the few fields we need read out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AvcConfig {
    record: Vec<u8>,
    nal_length_bytes: u8,
    parameter_sets: Vec<Vec<u8>>,
}

impl AvcConfig {
    /// Reads `extradata` in either form: the record itself, or parameter sets behind start codes.
    pub fn from_extradata(extradata: &[u8]) -> Result<AvcConfig> {
        match extradata.first() {
            Some(1) => AvcConfig::from_record(extradata),
            Some(0) => AvcConfig::from_parameter_sets(annex_b_units(extradata)),
            _ => Err(malformed("The H.264 parameter sets are missing.")),
        }
    }

    pub fn from_record(record: &[u8]) -> Result<AvcConfig> {
        let mut reader = Reader::new(record);
        let head = reader.take(5)?;
        if head[0] != 1 {
            return Err(malformed("avcC: configurationVersion is not 1."));
        }
        let mut parameter_sets = Vec::new();
        for mask in [0x1f, 0xff] {
            for _ in 0..reader.u8()? & mask {
                let len = reader.u16()?;
                parameter_sets.push(reader.take(usize::from(len))?.to_vec());
            }
        }
        if !parameter_sets.iter().any(|unit| nal_type(unit) == NAL_SPS) {
            return Err(malformed("avcC: no sequence parameter set."));
        }
        Ok(AvcConfig { record: record.to_vec(), nal_length_bytes: (head[4] & 3) + 1, parameter_sets })
    }

    /// Builds the record from the SPS and PPS among `units`.
    pub fn from_parameter_sets<'a>(units: impl Iterator<Item = &'a [u8]>) -> Result<AvcConfig> {
        let (mut sps, mut pps) = (Vec::new(), Vec::new());
        for unit in units {
            match nal_type(unit) {
                NAL_SPS if unit.len() >= 4 && !sps.contains(&unit) => sps.push(unit),
                NAL_PPS if !pps.contains(&unit) => pps.push(unit),
                _ => {}
            }
        }
        let Some(first) = sps.first() else {
            return Err(malformed("H.264 without a sequence parameter set."));
        };
        let (profile, compatibility, level) = (first[1], first[2], first[3]);
        let mut record = vec![1, profile, compatibility, level, 0xff];
        for (mark, sets) in [(0xe0, &sps), (0, &pps)] {
            record.push(mark | sets.len() as u8);
            for set in sets {
                record.extend_from_slice(&(set.len() as u16).to_be_bytes());
                record.extend_from_slice(set);
            }
        }
        if matches!(profile, 100 | 110 | 122 | 144) {
            // 4:2:0 and eight bits: the only form this project writes or copies.
            record.extend_from_slice(&[0xfd, 0xf8, 0xf8, 0]);
        }
        AvcConfig::from_record(&record)
    }

    pub fn record(&self) -> &[u8] {
        &self.record
    }

    /// `avc1.PPCCLL` (RFC 6381, 3.3).
    pub fn codec_string(&self) -> String {
        format!("avc1.{:02X}{:02X}{:02X}", self.record[1], self.record[2], self.record[3])
    }

    /// The parameter sets the record holds, SPS first.
    pub fn parameter_sets(&self) -> impl Iterator<Item = &[u8]> {
        self.parameter_sets.iter().map(Vec::as_slice)
    }

    pub fn nal_length_bytes(&self) -> u8 {
        self.nal_length_bytes
    }

    /// The NAL units of a sample in the form the record describes.
    pub fn units<'a>(&self, sample: &'a [u8]) -> LengthUnits<'a> {
        self.units_in_beginning(sample, sample.len() as u64)
    }

    /// The NAL units that begin in the beginning of a sample of `sample_bytes`; the last may be cut.
    pub fn units_in_beginning<'a>(&self, beginning: &'a [u8], sample_bytes: u64) -> LengthUnits<'a> {
        let length_bytes = usize::from(self.nal_length_bytes);
        LengthUnits { rest: beginning, beyond: sample_bytes.saturating_sub(beginning.len() as u64), length_bytes }
    }

    /// Whether any unit brings a parameter set that the record does not hold: such a track needs more than one
    /// sample entry.
    pub fn is_changed_by<'a>(&self, mut units: impl Iterator<Item = &'a [u8]>) -> bool {
        units.any(|unit| {
            matches!(nal_type(unit), NAL_SPS | NAL_PPS) && !self.parameter_sets.iter().any(|set| set == unit)
        })
    }
}

/// NAL units behind length fields; ends at the first that does not end in the sample.
pub struct LengthUnits<'a> {
    rest: &'a [u8],
    /// Bytes of the sample behind `rest`.
    beyond: u64,
    length_bytes: usize,
}

impl<'a> Iterator for LengthUnits<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.rest.split_at_checked(self.length_bytes)?;
        let length = length.iter().fold(0_usize, |sum, &byte| sum << 8 | usize::from(byte));
        if length as u64 > rest.len() as u64 + self.beyond {
            return None;
        }
        let (unit, rest) = rest.split_at(length.min(rest.len()));
        self.rest = rest;
        Some(unit)
    }
}

/// The NAL units between Annex B start codes, trailing zeros stripped.
pub fn annex_b_units(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = after_start_code(bytes);
    std::iter::from_fn(move || {
        let current = rest?;
        let end = find_start_code(current).unwrap_or(current.len());
        rest = after_start_code(&current[end..]);
        let unit = &current[..end];
        let len = unit.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        Some(&unit[..len])
    })
    .filter(|unit| !unit.is_empty())
}

/// Whether a sample begins with a start code rather than a length.
pub fn is_annex_b(sample: &[u8]) -> bool {
    sample.starts_with(&[0, 0, 1]) || sample.starts_with(&[0, 0, 0, 1])
}

/// An access unit with four-byte lengths in place of its start codes; access unit delimiters are dropped.
pub fn annex_b_to_lengths(bytes: &[u8]) -> Vec<u8> {
    let mut sample = Vec::with_capacity(bytes.len() + 16);
    for unit in annex_b_units(bytes).filter(|unit| nal_type(unit) != 9) {
        sample.extend_from_slice(&(unit.len() as u32).to_be_bytes());
        sample.extend_from_slice(unit);
    }
    sample
}

/// Whether these units are an IDR picture: the only sync sample nothing before it can be needed after.
pub fn is_idr<'a>(mut units: impl Iterator<Item = &'a [u8]>) -> bool {
    units.find_map(|unit| match nal_type(unit) {
        NAL_IDR => Some(true),
        1..=4 => Some(false),
        _ => None,
    }) == Some(true)
}

pub(crate) fn nal_type(unit: &[u8]) -> u8 {
    unit.first().map_or(0, |byte| byte & 0x1f)
}

fn find_start_code(bytes: &[u8]) -> Option<usize> {
    // Most bytes are not zero, so look at every third and step back.
    let mut at = 2;
    while at < bytes.len() {
        match bytes[at] {
            0 => at += 1,
            1 if bytes[at - 1] == 0 && bytes[at - 2] == 0 => return Some(at - 2),
            _ => at += 3,
        }
    }
    None
}

fn after_start_code(bytes: &[u8]) -> Option<&[u8]> {
    find_start_code(bytes).map(|at| &bytes[at + 3..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SPS: &[u8] = &[0x67, 0x64, 0x00, 0x1f, 0xac];
    const PPS: &[u8] = &[0x68, 0xeb];

    fn annex_b(units: &[&[u8]]) -> Vec<u8> {
        units.iter().flat_map(|unit| [&[0, 0, 0, 1], *unit].concat()).collect()
    }

    #[test]
    fn a_record_is_built_from_parameter_sets_and_read_back() {
        let config = AvcConfig::from_extradata(&annex_b(&[SPS, PPS])).unwrap();
        assert_eq!(config.codec_string(), "avc1.64001F");
        assert_eq!(config.nal_length_bytes(), 4);
        assert_eq!(AvcConfig::from_record(config.record()).unwrap(), config);
        assert!(!config.is_changed_by([SPS, PPS].into_iter()));
        assert!(config.is_changed_by([&[0x67, 0x4d, 0, 31][..]].into_iter()));
        assert!(AvcConfig::from_extradata(&[]).is_err());
    }

    #[test]
    fn start_codes_become_lengths_and_an_idr_is_told_from_a_recovery_point() {
        let idr = annex_b(&[&[0x09, 0x10], SPS, PPS, &[0x65, 1, 2, 3]]);
        let sample = annex_b_to_lengths(&idr);
        let config = AvcConfig::from_extradata(&idr).unwrap();
        let units: Vec<_> = config.units(&sample).collect();
        assert_eq!(units, [SPS, PPS, &[0x65, 1, 2, 3]]);
        assert!(is_idr(units.into_iter()));
        // Of a beginning the last unit is cut; of a sample that is too short it is none.
        let cut = &sample[..sample.len() - 2];
        let units: Vec<_> = config.units_in_beginning(cut, sample.len() as u64).collect();
        assert_eq!(units, [SPS, PPS, &[0x65, 1]]);
        assert_eq!(config.units(cut).count(), 2);
        assert_eq!(config.units_in_beginning(cut, sample.len() as u64 - 1).count(), 2);
        let recovery = annex_b(&[SPS, &[0x06, 0x06, 0x01, 0x80], &[0x41, 1, 2]]);
        assert!(!is_idr(annex_b_units(&recovery)));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = AvcConfig::from_extradata(&bytes);
            let _ = annex_b_to_lengths(&bytes);
            for length_bytes in 1..=4 {
                let _ = LengthUnits { rest: &bytes, beyond: 0, length_bytes }.count();
            }
        }

        #[test]
        fn every_start_code_is_found(mut units in proptest::collection::vec(proptest::collection::vec(1_u8.., 1..9), 1..9)) {
            for unit in &mut units { unit[0] = 0x65; }
            let slices: Vec<&[u8]> = units.iter().map(Vec::as_slice).collect();
            let bytes = annex_b(&slices);
            prop_assert_eq!(annex_b_units(&bytes).collect::<Vec<_>>(), slices);
        }
    }
}
