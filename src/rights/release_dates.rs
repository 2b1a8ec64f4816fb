//! Release dates: days that name no hour, as distributors agree on them. Each territory opens, and closes, at the midnight
//! of its own zone; those that do so at the same instants share a window.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::base::territory::Territories;
use crate::base::territory_zone::{midnight, zone_of};
use crate::rights::window::Window;

/// The windows of `[start, end)` in these territories, the one that opens first coming first. Each is declared in the zone
/// of the first territory in it.
pub fn windows(territories: Territories, start: Date, end: Option<Date>) -> Result<Vec<(Territories, Window)>> {
    let mut groups: BTreeMap<(UtcMs, Option<UtcMs>), (Territories, &str)> = BTreeMap::new();
    for territory in territories.iter() {
        let zone = zone_of(territory);
        let ends = end.map(|end| midnight(end, zone)).transpose()?;
        groups.entry((midnight(start, zone)?, ends)).or_insert((Territories::default(), zone)).0.insert(territory);
    }
    let window = |((start_at, end_at), (territories, zone)): (_, (_, &str))| {
        (territories, Window { start_at, end_at, zone: zone.to_owned() })
    };
    Ok(groups.into_iter().map(window).collect())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn territories_that_open_and_close_together_share_a_window() {
        let territories = ["US", "DE", "FR", "GB", "JP"].map(|code| code.parse().unwrap()).into();
        let found = windows(territories, date(2027, 4, 2), Some(date(2027, 12, 1))).unwrap();
        let said: Vec<String> = found
            .iter()
            .map(|(territories, window)| format!("{territories:?} {} {}", window.start_at, window.end_at.unwrap()))
            .collect();
        assert_eq!(
            said,
            [
                "{JP} 2027-04-01T15:00:00.000Z 2027-11-30T15:00:00.000Z",
                "{DE, FR} 2027-04-01T22:00:00.000Z 2027-11-30T23:00:00.000Z",
                "{GB} 2027-04-01T23:00:00.000Z 2027-12-01T00:00:00.000Z",
                "{US} 2027-04-02T04:00:00.000Z 2027-12-01T05:00:00.000Z",
            ]
        );
        assert_eq!(found[1].1.zone, "Europe/Berlin");
        assert_eq!(windows(Territories::default(), date(2027, 4, 2), None).unwrap(), []);
    }
}
