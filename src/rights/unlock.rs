//! An unlock: one episode of a series that a viewer had for coins or for watching advertising. It is paid once and lasts as
//! long as the title may be shown to the viewer at all.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::base::clock::UtcMs;
use crate::base::id::{AvailId, TitleId, UnlockId, ViewerId};

/// One episode of one viewer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unlock {
    pub id: UnlockId,
    pub viewer_id: ViewerId,
    pub title_id: TitleId,
    /// Counted from 1.
    pub part: u32,
    /// The window it was had in.
    pub avail_id: AvailId,
    pub means: UnlockMeans,
    pub unlocked_at: UtcMs,
    /// Given by a live server; a live server honours no other.
    pub livemode: bool,
}

/// What an unlock was had for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnlockMeans {
    Coins(u32),
    /// For advertising that was watched to its end.
    Reward,
}

impl UnlockMeans {
    pub fn coins(self) -> u32 {
        match self {
            UnlockMeans::Coins(coins) => coins,
            UnlockMeans::Reward => 0,
        }
    }
}

/// How many of a title's unlocks were rewards of the day that `now` is in, in the zone of a window.
pub fn rewards_of_day(unlocks: &[Unlock], zone: &str, now: UtcMs) -> u32 {
    let begun_at = day_begins(zone, now);
    let is_of_today = |unlock: &&Unlock| unlock.means == UnlockMeans::Reward && unlock.unlocked_at >= begun_at;
    unlocks.iter().filter(is_of_today).count() as u32
}

/// When the day that `now` is in began in a zone.
pub fn day_begins(zone: &str, now: UtcMs) -> UtcMs {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let now = Timestamp::from_millisecond(now.0).unwrap_or_default().to_zoned(zone);
    UtcMs(now.start_of_day().unwrap_or(now).timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_of_rewards_ends_at_midnight_where_the_window_was_agreed() {
        let at = |text: &str| UtcMs::parse(text).unwrap();
        let had = |means, text: &str| Unlock {
            id: UnlockId::new(at(text)),
            viewer_id: ViewerId::new(UtcMs(1)),
            title_id: TitleId::new(UtcMs(1)),
            part: 11,
            avail_id: AvailId::new(UtcMs(1)),
            means,
            unlocked_at: at(text),
            livemode: false,
        };
        // Midnight in Shanghai is 16:00 in UTC.
        let unlocks = [
            had(UnlockMeans::Reward, "2027-01-15T15:59:59.999Z"),
            had(UnlockMeans::Reward, "2027-01-15T16:00:00Z"),
            had(UnlockMeans::Coins(60), "2027-01-15T17:00:00Z"),
            had(UnlockMeans::Reward, "2027-01-16T15:59:59.999Z"),
        ];
        for (zone, now, used) in [
            ("Asia/Shanghai", "2027-01-16T15:59:59.999Z", 2),
            ("Asia/Shanghai", "2027-01-16T16:00:00Z", 0),
            ("UTC", "2027-01-15T23:59:59.999Z", 3),
            ("UTC", "2027-01-16T00:00:00Z", 1),
            ("UTC", "2027-01-17T00:00:00Z", 0),
        ] {
            assert_eq!(rewards_of_day(&unlocks, zone, at(now)), used, "{zone} {now}");
        }
    }
}
