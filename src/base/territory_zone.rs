//! The zone of each territory: where a date that names no hour begins there. Of several zones it is the one whose
//! midnight comes first; islands of a few thousand people that are ahead of the mainland (Lord Howe, the Chathams) do
//! not count.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::base::clock::UtcMs;
use crate::base::error::{Error, Result};
use crate::base::territory::Territory;

/// A line for each territory, by its code: the code, a tab, the IANA zone.
const TABLE: &str = include_str!("territory_zones.tsv");

/// All territories with their zones, in the order of their codes.
pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE.lines().filter_map(|line| line.split_once('\t'))
}

/// The IANA zone.
pub fn zone_of(territory: Territory) -> &'static str {
    all().find(|(code, _)| *code == territory.code()).map_or("UTC", |(_, zone)| zone)
}

/// When a date begins in a zone.
pub fn midnight(date: Date, zone: &str) -> Result<UtcMs> {
    let failed = |error: jiff::Error| Error::internal(format!("{date} in {zone}")).with_source(error);
    let zoned = date.to_zoned(TimeZone::get(zone).map_err(failed)?).map_err(failed)?;
    Ok(UtcMs(zoned.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::territory::TerritorySet;

    #[test]
    fn every_territory_has_a_zone_that_there_is() {
        let codes: Vec<String> =
            TerritorySet::world().members().iter().map(|territory| territory.to_string()).collect();
        assert_eq!(all().map(|(code, _)| code).collect::<Vec<_>>(), codes);
        for (code, zone) in all() {
            midnight(jiff::civil::date(2027, 4, 2), zone).unwrap_or_else(|error| panic!("{code}: {error:?}"));
        }
    }

    /// Scenario 10 of the domain.
    #[test]
    fn a_date_begins_where_the_sun_rises_first() {
        for (code, opens) in [
            ("AU", "2027-04-01T13:00:00Z"),
            ("JP", "2027-04-01T15:00:00Z"),
            ("CN", "2027-04-01T16:00:00Z"),
            ("DE", "2027-04-01T22:00:00Z"),
            ("US", "2027-04-02T04:00:00Z"),
        ] {
            let zone = zone_of(code.parse().unwrap());
            assert_eq!(midnight(jiff::civil::date(2027, 4, 2), zone).unwrap(), UtcMs::parse(opens).unwrap(), "{code}");
        }
    }
}
