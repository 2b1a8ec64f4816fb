//! When the money of a purchase goes back whole, without anybody deciding it in the single case. The first rule that holds is
//! the answer; where none does, an operator may refund all the same.

use std::time::Duration;

use serde::Serialize;

use crate::base::clock::UtcMs;

/// Of a film that is watched so far it was watched whole.
pub const COMPLETED_PERMILLE: u64 = 900;
/// Nothing of it was watched, and it was bought no longer ago.
const UNSTARTED_WITHIN: Duration = Duration::from_secs(7 * 24 * 3600);
/// Hardly anything of it was watched: no more than a preview by custom has.
const TRIED_MS_MAX: u64 = 360_000;
const TRIED_WITHIN: Duration = Duration::from_secs(48 * 3600);

/// Why the money goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundRule {
    /// An outage left less of it than the film is long, and it had not been watched whole.
    Outage,
    /// The licence was revoked while it could be watched, and it had not been watched whole.
    LicenceWithdrawn,
    /// It was not begun, can still be watched, and was bought within seven days.
    Unstarted,
    /// No more than six minutes of it were watched, and it was bought within 48 hours.
    Tried,
}

/// What is known of a purchase that was paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefundFacts {
    pub paid_at: UtcMs,
    /// When what it gave ends, as things stand; none where it was bought for good.
    pub expires_at: Option<UtcMs>,
    /// When an outage of its viewing period was recorded, less was left than the film is long.
    pub is_cut_short: bool,
    /// When its licence was revoked where it was bought, if it was.
    pub licence_revoked_at: Option<UtcMs>,
    /// Of the film, under what it gave.
    pub watched_ms: u64,
    /// How far into the film something was played; none where nothing was.
    pub furthest_permille: Option<u64>,
}

impl RefundRule {
    pub fn of(facts: &RefundFacts, now: UtcMs) -> Option<RefundRule> {
        let is_started = facts.furthest_permille.is_some() || facts.watched_ms > 0;
        let is_completed = facts.furthest_permille.is_some_and(|furthest| furthest >= COMPLETED_PERMILLE);
        let age = now.since(facts.paid_at);
        let lasts = |at: UtcMs| facts.expires_at.is_none_or(|expires_at| at < expires_at);
        if facts.is_cut_short && !is_completed {
            return Some(RefundRule::Outage);
        }
        if facts.licence_revoked_at.is_some_and(|at| facts.paid_at <= at && lasts(at)) && !is_completed {
            return Some(RefundRule::LicenceWithdrawn);
        }
        if !is_started && lasts(now) && age <= UNSTARTED_WITHIN {
            return Some(RefundRule::Unstarted);
        }
        (is_started && facts.watched_ms <= TRIED_MS_MAX && age <= TRIED_WITHIN).then_some(RefundRule::Tried)
    }
}

#[cfg(test)]
mod tests {
    use super::RefundRule::{LicenceWithdrawn, Outage, Tried, Unstarted};
    use super::*;

    const DAY: i64 = 24 * 3_600_000;
    const PAID: UtcMs = UtcMs(1_000 * DAY);

    fn facts() -> RefundFacts {
        RefundFacts {
            paid_at: PAID,
            expires_at: Some(UtcMs(PAID.0 + 30 * DAY)),
            is_cut_short: false,
            licence_revoked_at: None,
            watched_ms: 0,
            furthest_permille: None,
        }
    }

    fn after(facts: &RefundFacts, ms: i64) -> Option<RefundRule> {
        RefundRule::of(facts, UtcMs(PAID.0 + ms))
    }

    #[test]
    fn each_rule_holds_up_to_its_instant() {
        let unstarted = facts();
        assert_eq!(
            [7 * DAY - 1, 7 * DAY, 7 * DAY + 1].map(|ms| after(&unstarted, ms)),
            [Some(Unstarted), Some(Unstarted), None]
        );
        let short = RefundFacts { expires_at: Some(UtcMs(PAID.0 + 2 * DAY)), ..facts() };
        assert_eq!([2 * DAY - 1, 2 * DAY, 2 * DAY + 1].map(|ms| after(&short, ms)), [Some(Unstarted), None, None]);
        let tried = |watched_ms| RefundFacts { watched_ms, furthest_permille: Some(60), ..facts() };
        assert_eq!(
            [2 * DAY - 1, 2 * DAY, 2 * DAY + 1].map(|ms| after(&tried(10), ms)),
            [Some(Tried), Some(Tried), None]
        );
        assert_eq!([359_999, 360_000, 360_001].map(|ms| after(&tried(ms), 1)), [Some(Tried), Some(Tried), None]);
    }

    #[test]
    fn a_licence_that_is_withdrawn_gives_back_what_could_still_be_watched_and_was_not_watched_whole() {
        let revoked = |ms: i64, furthest_permille| RefundFacts {
            licence_revoked_at: Some(UtcMs(PAID.0 + ms)),
            watched_ms: 3_600_000,
            furthest_permille,
            ..facts()
        };
        let late = 300 * DAY;
        for (facts, expected) in [
            (revoked(DAY, None), Some(LicenceWithdrawn)),
            (revoked(DAY, Some(899)), Some(LicenceWithdrawn)),
            (revoked(DAY, Some(900)), None),
            (revoked(0, None), Some(LicenceWithdrawn)),
            (revoked(-1, None), None),
            (revoked(30 * DAY - 1, None), Some(LicenceWithdrawn)),
            (revoked(30 * DAY, None), None),
        ] {
            assert_eq!(after(&facts, late), expected, "{facts:?}");
        }
        // It comes before the two below, and after an outage.
        assert_eq!(after(&RefundFacts { watched_ms: 0, ..revoked(0, None) }, 1), Some(LicenceWithdrawn));
        assert_eq!(after(&RefundFacts { is_cut_short: true, ..revoked(0, None) }, 1), Some(Outage));
    }

    #[test]
    fn an_outage_gives_back_what_it_left_too_little_of() {
        let cut =
            |furthest_permille| RefundFacts { is_cut_short: true, watched_ms: 3_600_000, furthest_permille, ..facts() };
        for (facts, expected) in
            [(cut(None), Some(Outage)), (cut(Some(899)), Some(Outage)), (cut(Some(900)), None), (facts(), None)]
        {
            assert_eq!(after(&facts, 300 * DAY), expected, "{facts:?}");
        }
    }
}
