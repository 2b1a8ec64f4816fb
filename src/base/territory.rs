//! ISO 3166-1 territories, sets of them, and such sets with exclusions, as avails state them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::base::error::{Error, ErrorKind, Result};

/// Every officially assigned ISO 3166-1 alpha-2 code, sorted.
const ASSIGNED: &str = "ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZCACCCDCFCGCHCICKCLCMCNCOCRCUCVCWCXCYCZ\
DEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFRGAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHUIDIEILIMINIOIQIRISITJEJMJOJPKEKGKHKIKMKNKPKRKWKYKZ\
LALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMTMUMVMWMXMYMZNANCNENFNGNINLNONPNRNUNZOMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURW\
SASBSCSDSESGSHSISJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTGTHTJTKTLTMTNTOTRTTTVTWTZUAUGUMUSUYUZVAVCVEVGVIVNVUWFWSYEYTZAZMZW";

const COUNT: usize = ASSIGNED.len() / 2;
/// Where no territory is.
const UNASSIGNED: u8 = u8::MAX;
/// The place of each two letters in [`ASSIGNED`].
const PLACES: [u8; 26 * 26] = places();

const fn places() -> [u8; 26 * 26] {
    let (letters, mut places, mut n) = (ASSIGNED.as_bytes(), [UNASSIGNED; 26 * 26], 0);
    while n < COUNT {
        places[cell(letters[2 * n], letters[2 * n + 1])] = n as u8;
        n += 1;
    }
    places
}

const fn cell(first: u8, second: u8) -> usize {
    (first - b'A') as usize * 26 + (second - b'A') as usize
}

/// A territory by its ISO 3166-1 alpha-2 code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Territory([u8; 2]);

impl Territory {
    pub const CHINA: Territory = Territory(*b"CN");

    /// The two upper-case letters.
    pub fn code(&self) -> &str {
        // Only two ASCII letters ever get in.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Its place among all.
    fn place(self) -> usize {
        usize::from(PLACES[cell(self.0[0], self.0[1])])
    }
}

impl FromStr for Territory {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let unknown = || {
            Error::new(
                ErrorKind::Invalid,
                "TERRITORY_INVALID",
                format!("\"{text}\" is not an ISO 3166-1 alpha-2 code such as CN or DE."),
            )
        };
        let code: [u8; 2] = text.as_bytes().try_into().map_err(|_| unknown())?;
        let is_assigned = code.iter().all(u8::is_ascii_uppercase) && PLACES[cell(code[0], code[1])] != UNASSIGNED;
        if is_assigned { Ok(Territory(code)) } else { Err(unknown()) }
    }
}

impl fmt::Display for Territory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Territory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Territory {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Territory {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A set of territories: one bit for each there is.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Territories([u64; 4]);

/// The territories of an avail: all of the world or the listed ones, less the excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TerritorySet {
    /// Empty means the whole world.
    #[serde(default)]
    pub include: Territories,
    #[serde(default)]
    pub exclude: Territories,
}

impl Territories {
    fn all() -> Territories {
        ASSIGNED.as_bytes().chunks_exact(2).map(|code| Territory([code[0], code[1]])).collect()
    }

    pub fn insert(&mut self, territory: Territory) {
        let place = territory.place();
        self.0[place / 64] |= 1 << (place % 64);
    }

    pub fn contains(&self, territory: Territory) -> bool {
        let place = territory.place();
        self.0[place / 64] >> (place % 64) & 1 == 1
    }

    pub fn is_empty(&self) -> bool {
        self.0 == [0; 4]
    }

    /// In the order of their codes.
    pub fn iter(&self) -> impl Iterator<Item = Territory> + '_ {
        let all = ASSIGNED.as_bytes().chunks_exact(2).map(|code| Territory([code[0], code[1]]));
        all.filter(|territory| self.contains(*territory))
    }

    fn each(self, other: Territories, combine: fn(u64, u64) -> u64) -> Territories {
        Territories(std::array::from_fn(|n| combine(self.0[n], other.0[n])))
    }
}

impl FromIterator<Territory> for Territories {
    fn from_iter<I: IntoIterator<Item = Territory>>(territories: I) -> Territories {
        let mut set = Territories::default();
        territories.into_iter().for_each(|territory| set.insert(territory));
        set
    }
}

impl<const N: usize> From<[Territory; N]> for Territories {
    fn from(territories: [Territory; N]) -> Territories {
        territories.into_iter().collect()
    }
}

impl fmt::Debug for Territories {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl Serialize for Territories {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Territories {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<Territory>::deserialize(deserializer)?.into_iter().collect())
    }
}

impl TerritorySet {
    /// The whole world.
    pub fn world() -> TerritorySet {
        TerritorySet::default()
    }

    /// Exactly these.
    pub fn of(territories: impl IntoIterator<Item = Territory>) -> TerritorySet {
        TerritorySet { include: territories.into_iter().collect(), exclude: Territories::default() }
    }

    /// Those that are in it, one by one.
    pub fn members(&self) -> Territories {
        let listed = if self.include.is_empty() { Territories::all() } else { self.include };
        listed.each(self.exclude, |listed, excluded| listed & !excluded)
    }

    /// Whether some territory is in both.
    pub fn meets(&self, other: &TerritorySet) -> bool {
        !self.members().each(other.members(), |one, other| one & other).is_empty()
    }

    pub fn contains(&self, territory: Territory) -> bool {
        (self.include.is_empty() || self.include.contains(territory)) && !self.exclude.contains(territory)
    }

    /// What both sets have, or nothing.
    pub fn common(&self, other: &TerritorySet) -> Option<TerritorySet> {
        let common = self.members().each(other.members(), |one, other| one & other);
        if common.is_empty() {
            return None;
        }
        if self.include.is_empty() && other.include.is_empty() {
            let exclude = self.exclude.each(other.exclude, |one, other| one | other);
            return Some(TerritorySet { include: Territories::default(), exclude });
        }
        Some(TerritorySet { include: common, exclude: Territories::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn territory(code: &str) -> Territory {
        code.parse().unwrap()
    }

    #[test]
    fn only_assigned_codes_are_territories() {
        assert_eq!(ASSIGNED.len(), 2 * 249);
        assert_eq!(territory("CN").to_string(), "CN");
        for wrong in ["cn", "XX", "CHN", "", "中"] {
            assert_eq!(wrong.parse::<Territory>().unwrap_err().code(), "TERRITORY_INVALID", "{wrong}");
        }
    }

    #[test]
    fn the_common_part_of_two_sets_is_what_lies_in_both() {
        let (cn, de, us) = (territory("CN"), territory("DE"), territory("US"));
        let without = |code| TerritorySet { exclude: [code].into(), ..TerritorySet::world() };
        let some = TerritorySet::of([cn, de]);
        assert_eq!(some.common(&TerritorySet::of([de, us])), Some(TerritorySet::of([de])));
        assert_eq!(some.common(&TerritorySet::of([us])), None);
        assert_eq!(some.common(&without(cn)), Some(TerritorySet::of([de])));
        assert_eq!(TerritorySet::of([cn]).common(&without(cn)), None);
        let both = without(cn).common(&without(de)).unwrap();
        assert_eq!(both.exclude, [cn, de].into());
        assert!(both.include.is_empty() && both.contains(us));
    }

    #[test]
    fn a_set_is_what_is_listed_less_what_is_excluded() {
        let mut set = TerritorySet::world();
        set.exclude.insert(territory("CN"));
        assert!(set.contains(territory("DE")));
        assert!(!set.contains(territory("CN")));
        let set = TerritorySet::of([territory("CN")]);
        assert!(set.contains(territory("CN")));
        assert!(!set.contains(territory("DE")));
    }

    #[test]
    fn two_sets_meet_where_one_territory_is_in_both() {
        let (china, germany) = (TerritorySet::of([territory("CN")]), TerritorySet::of([territory("DE")]));
        let mut abroad = TerritorySet::world();
        abroad.exclude.insert(territory("CN"));
        assert!(china.meets(&TerritorySet::world()) && TerritorySet::world().meets(&china));
        assert!(!china.meets(&germany) && !germany.meets(&china));
        assert!(!china.meets(&abroad) && !abroad.meets(&china));
        assert!(germany.meets(&abroad) && abroad.meets(&TerritorySet::world()));
    }
}
