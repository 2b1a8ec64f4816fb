//! Money: integer minor units of an ISO 4217 currency. Never a float; arithmetic is checked, and two currencies never
//! meet in one sum.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::base::error::{Error, ErrorKind, Result};

/// An ISO 4217 currency.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    pub const CNY: Currency = Currency(iso_currency::Currency::CNY);
    pub const USD: Currency = Currency(iso_currency::Currency::USD);

    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// Digits after the point: 2 for CNY, 0 for JPY, 3 for KWD.
    pub fn exponent(self) -> u32 {
        u32::from(self.0.exponent().unwrap_or(0))
    }
}

impl FromStr for Currency {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        iso_currency::Currency::from_code(text).map(Currency).ok_or_else(|| {
            Error::new(ErrorKind::Invalid, "CURRENCY_INVALID", format!("\"{text}\" is not an ISO 4217 currency code."))
        })
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl PartialOrd for Currency {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Currency {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.code().cmp(other.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// An amount in minor units (fen, cents). In JSON `{"amount": 1800, "currency": "CNY"}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    #[serde(rename = "amount")]
    pub minor: i64,
    pub currency: Currency,
}

impl Money {
    pub const fn new(minor: i64, currency: Currency) -> Money {
        Money { minor, currency }
    }

    /// As a decimal number in its currency: `12.00`, `-0.05`, `300`.
    pub fn to_decimal(self) -> String {
        let (exponent, minor) = (self.currency.exponent(), self.minor.unsigned_abs());
        let (unit, sign) = (10u64.pow(exponent), if self.minor < 0 { "-" } else { "" });
        match exponent as usize {
            0 => format!("{sign}{minor}"),
            width => format!("{sign}{}.{:0width$}", minor / unit, minor % unit),
        }
    }

    /// The same amount with the other sign.
    pub fn negated(self) -> Result<Money> {
        let minor = self.minor.checked_neg().ok_or_else(overflow)?;
        Ok(Money { minor, ..self })
    }

    /// The sum, when both are of one currency and it fits.
    pub fn checked_add(self, other: Money) -> Result<Money> {
        if self.currency != other.currency {
            return Err(Error::internal(format!("{} added to {}", other.currency, self.currency)));
        }
        let minor = self.minor.checked_add(other.minor).ok_or_else(overflow)?;
        Ok(Money { minor, ..self })
    }

    /// Divides the amount by `weights` with the largest-remainder method: the parts sum to the whole exactly, and a
    /// remaining unit goes to the largest fraction, on a tie to the earlier party.
    ///
    /// # Panics
    /// When the weights sum to zero.
    pub fn split(self, weights: &[u32]) -> Vec<Money> {
        let total: i128 = weights.iter().map(|&weight| i128::from(weight)).sum();
        assert!(total > 0, "an amount cannot be split by weights that sum to zero");
        let whole = i128::from(self.minor.unsigned_abs());
        let mut parts: Vec<(i128, i128)> = weights
            .iter()
            .map(|&weight| (whole * i128::from(weight) / total, whole * i128::from(weight) % total))
            .collect();
        let mut left = whole - parts.iter().map(|part| part.0).sum::<i128>();
        let mut order: Vec<usize> = (0..parts.len()).collect();
        order.sort_by_key(|&index| std::cmp::Reverse(parts[index].1));
        for index in order {
            if left == 0 {
                break;
            }
            parts[index].0 += 1;
            left -= 1;
        }
        let sign = if self.minor < 0 { -1 } else { 1 };
        parts.iter().map(|part| Money { minor: (part.0 * sign) as i64, ..self }).collect()
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.currency, self.to_decimal())
    }
}

fn overflow() -> Error {
    Error::new(ErrorKind::Unprocessable, "AMOUNT_TOO_LARGE", "The amount is too large.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn amounts_are_printed_with_the_digits_of_their_currency() {
        assert_eq!(Money::new(1800, Currency::CNY).to_string(), "CNY 18.00");
        assert_eq!(Money::new(-5, Currency::USD).to_string(), "USD -0.05");
        assert_eq!(Money::new(300, "JPY".parse().unwrap()).to_string(), "JPY 300");
    }

    #[test]
    fn currencies_do_not_mix_and_sums_do_not_wrap() {
        let fen = Money::new(1, Currency::CNY);
        assert!(fen.checked_add(Money::new(1, Currency::USD)).is_err());
        assert_eq!(Money::new(i64::MAX, Currency::CNY).checked_add(fen).unwrap_err().code(), "AMOUNT_TOO_LARGE");
    }

    proptest! {
        #[test]
        fn parts_sum_to_the_whole(minor in -1_000_000_000i64..1_000_000_000, weights in prop::collection::vec(1u32..10_000, 1..8)) {
            let whole = Money::new(minor, Currency::CNY);
            let parts = whole.split(&weights);
            prop_assert_eq!(parts.iter().map(|part| part.minor).sum::<i64>(), minor);
        }
    }
}
