//! Reads columns as what they stand for. A value that cannot be read is damage, and the error names the column.

use std::str::FromStr;

use serde::de::DeserializeOwned;
use sqlx::Row as _;

use super::Row;
use super::error::corrupt;
use crate::base::clock::UtcMs;
use crate::base::error::{Error, Result};
use crate::base::money::Money;
use crate::rights::grant::GrantClock;

/// Sorts after every id: where a list that is newest first begins.
pub const AFTER_ALL: &str = "~";

pub trait Columns {
    fn text(&self, column: &str) -> Result<String>;
    fn text_opt(&self, column: &str) -> Result<Option<String>>;
    fn int(&self, column: &str) -> Result<i64>;
    fn int_opt(&self, column: &str) -> Result<Option<i64>>;

    /// An id, a territory, an account: anything with one text.
    fn parsed<T: FromStr<Err = Error>>(&self, column: &str) -> Result<T> {
        self.text(column)?.parse().map_err(|error: Error| damaged(column).with_source(error))
    }

    fn parsed_opt<T: FromStr<Err = Error>>(&self, column: &str) -> Result<Option<T>> {
        let text = self.text_opt(column)?;
        text.map(|text| text.parse().map_err(|error: Error| damaged(column).with_source(error))).transpose()
    }

    /// One of an enum's words.
    fn word<T>(&self, column: &str, parse: fn(&str) -> Option<T>) -> Result<T> {
        parse(&self.text(column)?).ok_or_else(|| damaged(column))
    }

    fn word_opt<T>(&self, column: &str, parse: fn(&str) -> Option<T>) -> Result<Option<T>> {
        self.text_opt(column)?.map(|text| parse(&text).ok_or_else(|| damaged(column))).transpose()
    }

    fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T> {
        serde_json::from_str(&self.text(column)?).map_err(|error| damaged(column).with_source(error))
    }

    fn json_opt<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>> {
        let text = self.text_opt(column)?;
        text.map(|text| serde_json::from_str(&text).map_err(|error| damaged(column).with_source(error))).transpose()
    }

    fn instant(&self, column: &str) -> Result<UtcMs> {
        self.int(column).map(UtcMs)
    }

    fn instant_opt(&self, column: &str) -> Result<Option<UtcMs>> {
        Ok(self.int_opt(column)?.map(UtcMs))
    }

    fn flag(&self, column: &str) -> Result<bool> {
        Ok(self.int(column)? != 0)
    }

    fn count<T: TryFrom<i64>>(&self, column: &str) -> Result<T> {
        T::try_from(self.int(column)?).map_err(|_| damaged(column))
    }

    /// An amount and the currency beside it.
    fn money(&self, minor: &str) -> Result<Money> {
        Ok(Money::new(self.int(minor)?, self.parsed("currency")?))
    }

    fn grant_clock(&self) -> Result<GrantClock> {
        let Some(watch_ms) = self.int_opt("watch_ms")? else { return Ok(GrantClock::Forever) };
        Ok(match self.int_opt("start_within_ms")? {
            _ if self.flag("until_members")? => GrantClock::UntilMembers { watch_ms },
            None => GrantClock::OnPurchase { watch_ms },
            Some(start_within_ms) => GrantClock::OnFirstPlay { start_within_ms, watch_ms },
        })
    }

    /// SHA-256 in hex.
    fn hash(&self, column: &str) -> Result<[u8; 32]> {
        from_hex(&self.text(column)?).ok_or_else(|| damaged(column))
    }
}

impl Columns for Row {
    fn text(&self, column: &str) -> Result<String> {
        self.try_get(column).map_err(|error| damaged(column).with_source(error))
    }

    fn text_opt(&self, column: &str) -> Result<Option<String>> {
        self.try_get(column).map_err(|error| damaged(column).with_source(error))
    }

    fn int(&self, column: &str) -> Result<i64> {
        self.try_get(column).map_err(|error| damaged(column).with_source(error))
    }

    fn int_opt(&self, column: &str) -> Result<Option<i64>> {
        self.try_get(column).map_err(|error| damaged(column).with_source(error))
    }
}

/// `(start_within_ms, watch_ms, until_members)`, as a clock is stored.
pub fn clock_columns(clock: GrantClock) -> (Option<i64>, Option<i64>, i64) {
    match clock {
        GrantClock::OnPurchase { watch_ms } => (None, Some(watch_ms), 0),
        GrantClock::UntilMembers { watch_ms } => (None, Some(watch_ms), 1),
        GrantClock::OnFirstPlay { start_within_ms, watch_ms } => (Some(start_within_ms), Some(watch_ms), 0),
        GrantClock::Forever => (None, None, 0),
    }
}

pub fn to_json<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::internal("a value as JSON").with_source(error))
}

pub fn to_hex(hash: &[u8; 32]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    hash.iter()
        .flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]])
        .map(char::from)
        .collect()
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut hash = [0; 32];
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(hash)
}

fn damaged(column: &str) -> Error {
    corrupt("A row of the database is damaged; run `marquee check`.").with_internal(format!("column {column}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_read_back_and_anything_else_is_not_one() {
        let hash = std::array::from_fn(|index| (index * 37) as u8);
        assert_eq!(from_hex(&to_hex(&hash)), Some(hash));
        for wrong in ["", "00", &"+1".repeat(32), &"é0".repeat(22)] {
            assert_eq!(from_hex(wrong), None, "{wrong}");
        }
    }
}
