//! ISO 3166-1 territories and sets of them with exclusions, as avails state them.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::base::error::{Error, ErrorKind, Result};

/// Every officially assigned ISO 3166-1 alpha-2 code, sorted.
const ASSIGNED: &str = "ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZCACCCDCFCGCHCICKCLCMCNCOCRCUCVCWCXCYCZ\
DEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFRGAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHUIDIEILIMINIOIQIRISITJEJMJOJPKEKGKHKIKMKNKPKRKWKYKZ\
LALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMTMUMVMWMXMYMZNANCNENFNGNINLNONPNRNUNZOMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURW\
SASBSCSDSESGSHSISJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTGTHTJTKTLTMTNTOTRTTTVTWTZUAUGUMUSUYUZVAVCVEVGVIVNVUWFWSYEYTZAZMZW";

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
        let assigned = ASSIGNED.as_bytes().chunks_exact(2).any(|known| known == code);
        if assigned { Ok(Territory(code)) } else { Err(unknown()) }
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

/// The territories of an avail: all of the world or the listed ones, less the excluded.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TerritorySet {
    /// Empty means the whole world.
    #[serde(default)]
    pub include: BTreeSet<Territory>,
    #[serde(default)]
    pub exclude: BTreeSet<Territory>,
}

impl TerritorySet {
    /// The whole world.
    pub fn world() -> TerritorySet {
        TerritorySet::default()
    }

    /// Exactly these.
    pub fn of(territories: impl IntoIterator<Item = Territory>) -> TerritorySet {
        TerritorySet { include: territories.into_iter().collect(), exclude: BTreeSet::new() }
    }

    /// Whether some territory is in both.
    pub fn meets(&self, other: &TerritorySet) -> bool {
        let is_in_both = |territory: Territory| self.contains(territory) && other.contains(territory);
        match (self.include.is_empty(), other.include.is_empty()) {
            (false, _) => self.include.iter().copied().any(is_in_both),
            (true, false) => other.include.iter().copied().any(is_in_both),
            (true, true) => ASSIGNED.as_bytes().chunks_exact(2).any(|code| is_in_both(Territory([code[0], code[1]]))),
        }
    }

    pub fn contains(&self, territory: Territory) -> bool {
        (self.include.is_empty() || self.include.contains(&territory)) && !self.exclude.contains(&territory)
    }

    /// What both sets have, or nothing.
    pub fn common(&self, other: &TerritorySet) -> Option<TerritorySet> {
        if self.include.is_empty() && other.include.is_empty() {
            let exclude: BTreeSet<Territory> = self.exclude.union(&other.exclude).copied().collect();
            return (exclude.len() < ASSIGNED.len() / 2).then(|| TerritorySet { include: BTreeSet::new(), exclude });
        }
        let listed = self.include.iter().chain(&other.include).copied();
        let include: BTreeSet<Territory> =
            listed.filter(|code| self.contains(*code) && other.contains(*code)).collect();
        (!include.is_empty()).then(|| TerritorySet { include, exclude: BTreeSet::new() })
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
