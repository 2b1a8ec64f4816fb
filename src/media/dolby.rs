//! AC-3 and E-AC-3 as they lie in files (ETSI TS 102 366): the header of a syncframe, and the box that a sample entry
//! says it with (`dac3`, F.4; `dec3`, F.6). An E-AC-3 frame that brings objects says so in its last header field (ETSI TS
//! 103 420, 8.3).

use crate::base::error::Result;
use crate::media::isobmff::Writer;
use crate::media::malformed;

/// Samples of one frame with all six blocks: the only one that is a sample of a track.
pub const FRAME_SAMPLES: u32 = 1536;

const SYNC_WORD: u32 = 0x0b77;
const SAMPLE_RATES: [u32; 3] = [48_000, 44_100, 32_000];
/// By half of `frmsizecod`.
const AC3_KBITS_PER_S: [u32; 19] =
    [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DolbyCodec {
    Ac3,
    Eac3,
}

/// What every frame of a track says alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DolbyConfig {
    pub codec: DolbyCodec,
    fscod: u8,
    bsid: u8,
    bsmod: u8,
    acmod: u8,
    lfeon: bool,
    /// Of AC-3 the index of the bit rate.
    bit_rate_code: u8,
    kbits_per_s: u32,
    /// Of E-AC-3 with joint object coding, the complexity index: how many objects there are at most.
    pub joc_objects: Option<u8>,
}

/// A syncframe's header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DolbyFrame {
    pub config: DolbyConfig,
    pub bytes: usize,
}

impl DolbyCodec {
    /// RFC 6381: the sample entry's four letters.
    pub fn codec_string(self) -> &'static str {
        match self {
            DolbyCodec::Ac3 => "ac-3",
            DolbyCodec::Eac3 => "ec-3",
        }
    }
}

impl DolbyConfig {
    pub fn sample_rate(&self) -> u32 {
        SAMPLE_RATES[usize::from(self.fscod)]
    }

    /// Whether frames that say this belong to one track; their sizes may differ.
    pub fn is_alike(&self, other: &DolbyConfig) -> bool {
        DolbyConfig { kbits_per_s: other.kbits_per_s, ..self.clone() } == *other
    }

    pub fn channels(&self) -> u32 {
        channels(self.acmod, self.lfeon)
    }

    /// Writes the `dac3` or `dec3` of the sample entry.
    pub fn write_box(&self, entry: &mut Writer) {
        let [fscod, bsid, bsmod, acmod] = [self.fscod, self.bsid, self.bsmod, self.acmod].map(u32::from);
        let lfeon = u32::from(self.lfeon);
        match self.codec {
            DolbyCodec::Ac3 => entry.nest(b"dac3", |dac3| {
                let bits = fscod << 22
                    | bsid << 17
                    | bsmod << 14
                    | acmod << 11
                    | lfeon << 10
                    | u32::from(self.bit_rate_code) << 5;
                dac3.raw(&bits.to_be_bytes()[1..]);
            }),
            DolbyCodec::Eac3 => entry.nest(b"dec3", |dec3| {
                // One independent substream, none that depends on it.
                dec3.u16((self.kbits_per_s.min(0x1fff) << 3) as u16);
                let bits = fscod << 22 | bsid << 17 | bsmod << 12 | acmod << 9 | lfeon << 8;
                dec3.raw(&bits.to_be_bytes()[1..]);
                if let Some(objects) = self.joc_objects {
                    dec3.raw(&[1, objects]);
                }
            }),
        }
    }
}

impl DolbyFrame {
    /// The frame at the start of `bytes`. Half rates, fewer than six blocks and dependent substreams are not read.
    pub fn read(bytes: &[u8]) -> Result<DolbyFrame> {
        let mut bits = Bits { bytes, at: 0 };
        if bits.take(16)? != SYNC_WORD {
            return Err(malformed("AC-3: no sync word."));
        }
        match bytes.get(5).map(|byte| byte >> 3) {
            Some(bsid @ 0..=8) => ac3(bits, bsid),
            Some(bsid @ 11..=16) => eac3(bits, bsid),
            _ => Err(malformed("AC-3: a bit stream identification outside of 0 to 8 and 11 to 16.")),
        }
    }
}

fn ac3(mut bits: Bits<'_>, bsid: u8) -> Result<DolbyFrame> {
    bits.take(16)?;
    let fscod = bits.take(2)? as u8;
    let frmsizecod = bits.take(6)?;
    bits.take(5)?;
    let bsmod = bits.take(3)? as u8;
    let acmod = bits.take(3)? as u8;
    let has_centre = acmod & 1 == 1 && acmod != 1;
    let mix_bits = 2 * (u32::from(has_centre) + u32::from(acmod & 4 == 4) + u32::from(acmod == 2));
    bits.take(mix_bits)?;
    let lfeon = bits.take(1)? == 1;
    let Some(&kbits_per_s) = AC3_KBITS_PER_S.get(frmsizecod as usize >> 1) else {
        return Err(malformed("AC-3: a reserved frame size."));
    };
    let words = match fscod {
        0 => kbits_per_s * 2,
        1 => kbits_per_s * 1000 * FRAME_SAMPLES / SAMPLE_RATES[1] / 16 + (frmsizecod & 1),
        2 => kbits_per_s * 3,
        _ => return Err(malformed("AC-3: a reserved sample rate.")),
    };
    let bit_rate_code = (frmsizecod >> 1) as u8;
    let config = DolbyConfig {
        codec: DolbyCodec::Ac3,
        fscod,
        bsid,
        bsmod,
        acmod,
        lfeon,
        bit_rate_code,
        kbits_per_s,
        joc_objects: None,
    };
    Ok(DolbyFrame { config, bytes: words as usize * 2 })
}

fn eac3(mut bits: Bits<'_>, bsid: u8) -> Result<DolbyFrame> {
    let is_converted = match (bits.take(2)?, bits.take(3)?) {
        (0, 0) => false,
        (2, 0) => true,
        _ => return Err(malformed("E-AC-3: a substream beside the first.")),
    };
    let bytes = (bits.take(11)? as usize + 1) * 2;
    let fscod = bits.take(2)? as u8;
    if fscod == 3 {
        return Err(malformed("E-AC-3: a reduced sample rate."));
    }
    if bits.take(2)? != 3 {
        return Err(malformed("E-AC-3: a frame of fewer than six blocks."));
    }
    let acmod = bits.take(3)? as u8;
    let lfeon = bits.take(1)? == 1;
    bits.take(5)?;
    let programs = if acmod == 0 { 2 } else { 1 };
    for _ in 0..programs {
        bits.take(5)?;
        bits.take_if(8)?;
    }
    if bits.take(1)? == 1 {
        pass_mixing(&mut bits, acmod, lfeon, is_converted, programs)?;
    }
    let mut bsmod = 0;
    if bits.take(1)? == 1 {
        bsmod = bits.take(3)? as u8;
        bits.take(2)?;
        if acmod == 2 {
            bits.take(4)?;
        }
        if acmod >= 6 {
            bits.take(2)?;
        }
        for _ in 0..programs {
            bits.take_if(8)?;
        }
        bits.take(1)?;
    }
    if is_converted {
        bits.take(6)?;
    }
    let mut joc_objects = None;
    if bits.take(1)? == 1 {
        let additional_bytes = bits.take(6)? + 1;
        bits.take(7)?;
        if bits.take(1)? == 1 && additional_bytes >= 2 {
            joc_objects = Some(bits.take(8)? as u8);
        }
    }
    let kbits_per_s = (bytes as u64 * 8 * u64::from(SAMPLE_RATES[usize::from(fscod)])).div_ceil(1000 * 1536) as u32;
    let config = DolbyConfig {
        codec: DolbyCodec::Eac3,
        fscod,
        bsid,
        bsmod,
        acmod,
        lfeon,
        bit_rate_code: 0,
        kbits_per_s,
        joc_objects,
    };
    Ok(DolbyFrame { config, bytes })
}

/// Passes over the mixing metadata of an E-AC-3 frame of six blocks (E.1.2.2).
fn pass_mixing(bits: &mut Bits<'_>, acmod: u8, lfeon: bool, is_converted: bool, programs: u32) -> Result<()> {
    if acmod > 2 {
        bits.take(2)?;
        if acmod & 1 == 1 {
            bits.take(6)?;
        }
        if acmod & 4 == 4 {
            bits.take(6)?;
        }
    }
    if lfeon {
        bits.take_if(5)?;
    }
    if is_converted {
        return Ok(());
    }
    for _ in 0..programs {
        bits.take_if(6)?;
    }
    bits.take_if(6)?;
    match bits.take(2)? {
        0 => {}
        1 => bits.pass(5)?,
        2 => bits.pass(12)?,
        _ => {
            let data_bytes = bits.take(5)? + 2;
            bits.pass(data_bytes * 8)?;
        }
    }
    if acmod < 2 {
        for _ in 0..programs {
            bits.take_if(14)?;
        }
    }
    if bits.take(1)? == 1 {
        for _ in 0..6 {
            bits.take_if(5)?;
        }
    }
    Ok(())
}

/// Bits from the most significant on.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    /// The next `count` bits, at most 32.
    fn take(&mut self, count: u32) -> Result<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8).ok_or_else(|| malformed("AC-3: the frame ends in its header."))?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Ok(value)
    }

    /// `count` bits, where one before them says that they are there.
    fn take_if(&mut self, count: u32) -> Result<()> {
        if self.take(1)? == 1 { self.pass(count) } else { Ok(()) }
    }

    fn pass(&mut self, count: u32) -> Result<()> {
        self.at += count as usize;
        if self.at > self.bytes.len() * 8 { Err(malformed("AC-3: the frame ends in its header.")) } else { Ok(()) }
    }
}

/// Channels of a coding mode (ETSI TS 102 366, 4.4.2.3) and its low-frequency channel.
pub(crate) fn channels(acmod: u8, lfeon: bool) -> u32 {
    [2, 1, 2, 3, 3, 4, 4, 5][usize::from(acmod & 7)] + u32::from(lfeon)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;
    use proptest::prelude::*;

    fn written(config: &DolbyConfig) -> Vec<u8> {
        let mut writer = Writer::new();
        config.write_box(&mut writer);
        writer.into_bytes()
    }

    /// Bits as they are written in the standard's tables.
    fn packed(fields: &[(u32, u32)]) -> Vec<u8> {
        let mut bits = String::new();
        for (value, count) in fields {
            write!(bits, "{value:0width$b}", width = *count as usize).unwrap();
        }
        let whole = bits.len().div_ceil(8) * 8;
        let bits = format!("{bits:0<whole$}");
        (0..whole).step_by(8).map(|at| u8::from_str_radix(&bits[at..at + 8], 2).unwrap()).collect()
    }

    #[test]
    fn an_ac3_frame_says_its_size_and_its_box() {
        // 448 kbit/s, 5.1, 48 kHz: the header of a broadcast.
        let head = packed(&[(SYNC_WORD, 16), (0, 16), (0, 2), (30, 6), (8, 5), (0, 3), (7, 3), (1, 2), (1, 2), (1, 1)]);
        let frame = DolbyFrame::read(&head).unwrap();
        let config = &frame.config;
        assert_eq!((frame.bytes, config.channels(), config.sample_rate()), (1792, 6, 48_000));
        assert_eq!(written(config), [&[0, 0, 0, 11][..], b"dac3", &[0x10, 0x3d, 0xe0]].concat());
    }

    #[test]
    fn objects_are_found_behind_all_that_may_stand_before_them() {
        let head = |mixing: &[(u32, u32)], additional: &[(u32, u32)]| {
            let start = [(SYNC_WORD, 16), (0, 2), (0, 3), (1023, 11), (0, 2), (3, 2), (7, 3), (1, 1), (16, 5), (27, 5)];
            packed(
                &[
                    &start[..],
                    &[(1, 1), (200, 8)],
                    mixing,
                    &[(1, 1), (0, 3), (3, 2), (0, 2), (1, 1), (9, 8), (0, 1)],
                    additional,
                ]
                .concat(),
            )
        };
        let all = [(1, 1), (1, 2), (9, 6), (9, 6), (1, 1), (3, 5), (0, 1), (0, 1), (3, 2), (0, 5), (77, 16), (0, 1)];
        for mixing in [&[(0, 1)][..], &all] {
            let with = DolbyFrame::read(&head(mixing, &[(1, 1), (1, 6), (0, 7), (1, 1), (16, 8)])).unwrap();
            assert_eq!((with.bytes, with.config.channels(), with.config.joc_objects), (2048, 6, Some(16)));
            let bytes = written(&with.config);
            assert_eq!(bytes[4..], [&b"dec3"[..], &[0x10, 0x00, 0x20, 0x0f, 0x00, 1, 16]].concat());
            let without = DolbyFrame::read(&head(mixing, &[(0, 1)])).unwrap();
            assert_eq!(without.config, DolbyConfig { joc_objects: None, ..with.config });
        }
    }

    #[test]
    fn what_is_no_whole_sample_is_not_read() {
        let head = |strmtyp, blocks| {
            packed(&[
                (SYNC_WORD, 16),
                (strmtyp, 2),
                (0, 3),
                (383, 11),
                (0, 2),
                (blocks, 2),
                (2, 3),
                (0, 1),
                (16, 5),
                (0, 24),
            ])
        };
        assert!(DolbyFrame::read(&head(0, 3)).is_ok());
        assert!(DolbyFrame::read(&head(1, 3)).is_err(), "a dependent substream");
        assert!(DolbyFrame::read(&head(0, 2)).is_err(), "three blocks");
        assert!(DolbyFrame::read(&head(0, 3)[..6]).is_err(), "cut off");
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = DolbyFrame::read(&[&[0x0b, 0x77][..], &bytes].concat()).map(|frame| written(&frame.config));
        }
    }
}
