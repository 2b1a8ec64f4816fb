//! Time on a media timeline: [`Ticks`] of a [`Timescale`] (ISO/IEC 14496-12, 8.4.2). Conversions go through 128-bit
//! integers and round to nearest, so that an instant survives the way to another scale and back.

use serde::{Deserialize, Serialize};

use crate::base::error::Result;
use crate::media::malformed;

/// Ticks of some [`Timescale`]; signed, because composition offsets and source timestamps are.
pub type Ticks = i64;

/// Ticks per second; never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Timescale(u32);

impl Timescale {
    pub const MILLISECONDS: Timescale = Timescale(1_000);
    pub const MICROSECONDS: Timescale = Timescale(1_000_000);

    pub fn new(per_second: u32) -> Result<Timescale> {
        if per_second == 0 {
            Err(malformed("A timescale of zero ticks per second."))
        } else {
            Ok(Timescale(per_second))
        }
    }

    pub fn per_second(self) -> u32 {
        self.0
    }

    /// `ticks` of this scale in ticks of `other`, rounded to nearest, halves away from zero.
    pub fn rescale(self, ticks: Ticks, other: Timescale) -> Ticks {
        rescale(ticks, i64::from(other.0), i64::from(self.0))
    }

    pub fn seconds(self, ticks: Ticks) -> f64 {
        ticks as f64 / f64::from(self.0)
    }

    /// The first tick at or after `milliseconds`.
    pub fn ticks_of_ms(self, milliseconds: u64) -> Ticks {
        let ticks = (u128::from(milliseconds) * u128::from(self.0)).div_ceil(1000);
        Ticks::try_from(ticks).unwrap_or(Ticks::MAX)
    }
}

impl TryFrom<u32> for Timescale {
    type Error = crate::base::error::Error;

    fn try_from(per_second: u32) -> Result<Timescale> {
        Timescale::new(per_second)
    }
}

impl From<Timescale> for u32 {
    fn from(scale: Timescale) -> u32 {
        scale.0
    }
}

/// `value * numerator / denominator`, rounded to nearest, halves away from zero, saturating.
///
/// # Panics
/// When `denominator` is not positive.
pub fn rescale(value: i64, numerator: i64, denominator: i64) -> i64 {
    assert!(denominator > 0, "a scale is positive");
    let product = i128::from(value) * i128::from(numerator);
    let half = i128::from(denominator) / 2;
    let rounded = (product.abs() + half) / i128::from(denominator);
    let signed = if product < 0 { -rounded } else { rounded };
    i64::try_from(signed).unwrap_or(if signed < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rounding_is_to_nearest_and_symmetric() {
        assert_eq!(rescale(1, 1, 2), 1);
        assert_eq!(rescale(-1, 1, 2), -1);
        assert_eq!(rescale(1001, 90_000, 30_000), 3003);
        assert_eq!(rescale(i64::MAX, 2, 1), i64::MAX);
        assert_eq!(Timescale::new(24_000).unwrap().ticks_of_ms(2001), 48_024);
        assert!(Timescale::new(0).is_err());
    }

    proptest! {
        #[test]
        fn a_finer_scale_and_back_is_the_same_instant(ticks in -1_000_000_000_i64..1_000_000_000, scale in 1_u32..1_000_000) {
            let coarse = Timescale::new(scale).unwrap();
            let fine = Timescale::new(scale * 3).unwrap();
            prop_assert_eq!(fine.rescale(coarse.rescale(ticks, fine), coarse), ticks);
        }
    }
}
