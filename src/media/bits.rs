//! The bits of an H.26x NAL unit: fixed-length and Exp-Golomb codes, with the emulation prevention bytes (00 00 03) passed
//! over (ITU-T H.264, 7.3.1 and 9.1). Positions are those of the unit as it is stored, with these bytes.

use crate::base::error::Result;
use crate::media::malformed;

/// Reads a NAL unit from its first byte on.
#[derive(Clone, Debug)]
pub struct BitReader<'a> {
    unit: &'a [u8],
    /// The byte that the next bit is in.
    byte: usize,
    /// How many bits of it have been read.
    bit: u32,
    /// Zero bytes that stand right before it.
    zeros: u32,
    has_prevention: bool,
}

impl<'a> BitReader<'a> {
    pub fn new(unit: &'a [u8]) -> BitReader<'a> {
        BitReader { unit, byte: 0, bit: 0, zeros: 0, has_prevention: true }
    }

    /// Reads what has no emulation prevention bytes.
    pub fn without_prevention(unit: &'a [u8]) -> BitReader<'a> {
        BitReader { has_prevention: false, ..BitReader::new(unit) }
    }

    /// The stored bytes of which at least one bit has been read.
    pub fn bytes_begun(&self) -> usize {
        self.byte + usize::from(self.bit > 0)
    }

    pub fn flag(&mut self) -> Result<bool> {
        Ok(self.bits(1)? == 1)
    }

    /// `u(count)`, at most 32 bits.
    pub fn bits(&mut self, count: u32) -> Result<u32> {
        let mut value = 0;
        for _ in 0..count {
            value = value << 1 | self.bit()?;
        }
        Ok(value)
    }

    /// `ue(v)`
    pub fn unsigned(&mut self) -> Result<u32> {
        let mut zeros = 0;
        while self.bit()? == 0 {
            zeros += 1;
            if zeros == 32 {
                return Err(malformed("An Exp-Golomb code of more than 32 bits."));
            }
        }
        Ok(((1_u64 << zeros) - 1) as u32 + self.bits(zeros)?)
    }

    /// `se(v)`
    pub fn signed(&mut self) -> Result<i32> {
        let code = i64::from(self.unsigned()?);
        Ok((if code % 2 == 1 { code / 2 + 1 } else { -code / 2 }) as i32)
    }

    fn bit(&mut self) -> Result<u32> {
        if self.has_prevention && self.bit == 0 && self.zeros >= 2 && self.unit.get(self.byte) == Some(&3) {
            self.byte += 1;
            self.zeros = 0;
        }
        let byte = *self.unit.get(self.byte).ok_or_else(|| malformed("A NAL unit that ends within its header."))?;
        let bit = u32::from(byte >> (7 - self.bit) & 1);
        self.bit += 1;
        if self.bit == 8 {
            self.bit = 0;
            self.byte += 1;
            self.zeros = if byte == 0 { self.zeros + 1 } else { 0 };
        }
        Ok(bit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn codes_are_read_and_prevention_bytes_are_not() {
        // 1 010 011 00100 00101, then ones.
        let mut reader = BitReader::new(&[0b1010_0110, 0b0100_0010, 0b1111_1111]);
        assert_eq!([0; 4].map(|_| reader.unsigned().unwrap()), [0, 1, 2, 3]);
        assert_eq!(reader.signed().unwrap(), -2);
        assert_eq!(reader.bytes_begun(), 3);
        let mut reader = BitReader::new(&[0, 0, 3, 1, 0, 0, 3]);
        assert_eq!(reader.bits(24).unwrap(), 1);
        assert_eq!(reader.bytes_begun(), 4);
        assert_eq!(reader.bits(16).unwrap(), 0);
        assert!(reader.flag().is_err(), "a prevention byte may be the last, and is no data");
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let mut reader = BitReader::new(&bytes);
            while reader.unsigned().is_ok() && reader.signed().is_ok() {}
            prop_assert!(reader.bytes_begun() <= bytes.len());
        }
    }
}
