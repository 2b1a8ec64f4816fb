//! The order of titles on the shelf: what is on now, then what opens, the soonest first, then the rest; among equals the
//! operator's rank, then the newest.
//!
//! A page ends with the place of its last title in this order. The next page begins after that place, so a cursor stays
//! good whatever has moved, come or gone meanwhile.

use std::fmt;

use crate::api::titles::TitleState;
use crate::base::clock::UtcMs;
use crate::base::id::TitleId;
use crate::base::limits;
use crate::catalog::title::Title;

/// Instants up to here have twelve hexadecimal digits.
const INSTANT_MAX: i64 = 0xffff_ffff_ffff;
const KEY_CHARS: usize = 1 + 12 + 5 + 12;

/// A title's place. Its text sorts as it does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(String);

impl Place {
    /// `opens_at` counts for a title that opens later only.
    pub fn of(title: &Title, state: TitleState, opens_at: Option<UtcMs>) -> Place {
        let (group, opens_at) = match state {
            TitleState::ForSale | TitleState::Member | TitleState::Free | TitleState::Acquired => (0, 0),
            TitleState::OpensLater => (1, opens_at.map_or(INSTANT_MAX, |at| at.0.clamp(0, INSTANT_MAX))),
            TitleState::NotAvailable => (2, 0),
        };
        let rank = i64::from(title.details.rank) + i64::from(limits::RANK_MAX);
        let newest = INSTANT_MAX - title.created_at.0.clamp(0, INSTANT_MAX);
        Place(format!("{group}{opens_at:012x}{rank:05}{newest:012x}{}", title.id))
    }

    /// The place that a cursor names.
    pub fn parse(text: &str) -> Option<Place> {
        let (key, id) = text.split_at_checked(KEY_CHARS)?;
        let is_key = key.bytes().all(|byte| byte.is_ascii_hexdigit());
        (is_key && id.parse::<TitleId>().is_ok()).then(|| Place(text.to_owned()))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::details::TitleDetails;
    use crate::catalog::title::TitleStatus;

    fn title(created_at: i64, rank: i32) -> Title {
        Title {
            id: TitleId::new(UtcMs(created_at)),
            name: [].into(),
            synopsis: [].into(),
            status: TitleStatus::Live,
            parts: Vec::new(),
            runtime_ms: 0,
            details: TitleDetails { rank, ..TitleDetails::default() },
            created_at: UtcMs(created_at),
            version: 1,
        }
    }

    #[test]
    fn places_sort_as_they_should_and_survive_their_text() {
        let now = 1_800_000_000_000;
        let later = |ms| Some(UtcMs(now + ms));
        let in_order = [
            Place::of(&title(now, -10_000), TitleState::Free, None),
            Place::of(&title(now - 5, -1), TitleState::ForSale, None),
            Place::of(&title(now, 0), TitleState::Acquired, later(1)),
            Place::of(&title(now - 1, 0), TitleState::Member, None),
            Place::of(&title(now, 10_000), TitleState::Free, None),
            Place::of(&title(now, 9), TitleState::OpensLater, later(1)),
            Place::of(&title(now, -9), TitleState::OpensLater, later(2)),
            Place::of(&title(now, -9), TitleState::OpensLater, None),
            Place::of(&title(now, -10_000), TitleState::NotAvailable, None),
        ];
        assert!(in_order.is_sorted(), "{in_order:?}");
        for place in &in_order {
            assert!(place.to_string().len() <= 64);
            assert_eq!(Place::parse(&place.to_string()).as_ref(), Some(place));
        }
        assert_eq!(Place::parse("ttl_01"), None);
        assert_eq!(Place::parse(&title(now, 0).id.to_string()), None);
    }
}
