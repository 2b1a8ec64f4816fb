//! What a title cost to make, and in which province of China it was filed: by that the regulator tells large productions
//! from small ones.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::money::{Currency, Money};

/// ISO 3166-2:CN, without what is not under the regulator's provinces.
const PROVINCES: [&str; 31] = [
    "AH", "BJ", "CQ", "FJ", "GD", "GS", "GX", "GZ", "HA", "HB", "HE", "HI", "HL", "HN", "JL", "JS", "JX", "LN", "NM",
    "NX", "QH", "SC", "SD", "SH", "SN", "SX", "TJ", "XJ", "XZ", "YN", "ZJ",
];

/// How it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Production {
    /// In yuan: CNY.
    pub cost: Money,
    pub province: Province,
}

/// A province, autonomous region or municipality, by its two letters (`ZJ`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Province(&'static str);

impl Production {
    /// Refuses what no operator can have meant.
    pub fn check(&self) -> Result<()> {
        if self.cost.currency == Currency::CNY && self.cost.minor > 0 {
            return Ok(());
        }
        let message = "What it cost is said in CNY, and is more than nothing.";
        Err(Error::new(ErrorKind::Unprocessable, "TITLE_INVALID", message).with_param("production"))
    }
}

impl FromStr for Province {
    type Err = Error;

    fn from_str(text: &str) -> Result<Province> {
        let found = PROVINCES.into_iter().find(|code| *code == text);
        found.map(Province).ok_or_else(|| {
            Error::new(
                ErrorKind::Invalid,
                "PROVINCE_INVALID",
                "A province is two letters of ISO 3166-2:CN, such as ZJ.",
            )
        })
    }
}

impl fmt::Display for Province {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Serialize for Province {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

impl<'de> Deserialize<'de> for Province {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_production_is_said_in_yuan_and_in_a_province_that_there_is() {
        let cost = |minor, currency| Production { cost: Money::new(minor, currency), province: Province("ZJ") };
        assert!(cost(1, Currency::CNY).check().is_ok());
        for wrong in [cost(0, Currency::CNY), cost(-1, Currency::CNY), cost(1, Currency::USD)] {
            assert_eq!(wrong.check().unwrap_err().param(), Some("production"));
        }
        assert_eq!("ZJ".parse::<Province>().unwrap().to_string(), "ZJ");
        for wrong in ["zj", "HK", "XX", "", "*"] {
            assert_eq!(wrong.parse::<Province>().unwrap_err().code(), "PROVINCE_INVALID");
        }
        assert!(PROVINCES.is_sorted());
    }
}
