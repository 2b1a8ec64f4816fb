//! An outage: time in which viewers could not watch what they had, on our own platform or with another party. What it took
//! of a clock that ran is given back, rounded up to the minute, and never past a hard end.
//!
//! ```text
//! clock      ├──────────────────────────────┤+++++++++
//! outage                 ├───────┤              as much
//! ```
//!
//! Our own outage is everybody's; a party's is that of whoever redeemed its vouchers, and of its viewers who play from us.
//! **Invariant:** what two outages have in common is given back once.

use serde::{Deserialize, Serialize};

use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{OperatorId, OutageId, PartyId, TitleId};
use crate::base::limits;

const MINUTE_MS: i64 = 60_000;

/// Time in which viewers could not watch, in `[from, to)`. It is recorded when it is over, and never changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    pub id: OutageId,
    /// Whose it was; our own where nobody is named.
    pub party_id: Option<PartyId>,
    /// Of these titles only; of all, where none are named.
    pub title_ids: Option<Vec<TitleId>>,
    pub from: UtcMs,
    pub to: UtcMs,
    pub reason: String,
    pub created_at: UtcMs,
    pub created_by: OperatorId,
}

impl Outage {
    /// Refuses what cannot have been.
    pub fn check(&self) -> Result<()> {
        let invalid = |param, message: String| {
            Err(Error::new(ErrorKind::Unprocessable, "OUTAGE_INVALID", message).with_param(param))
        };
        if self.from >= self.to {
            return invalid("from", "An outage begins before it ends.".into());
        }
        if self.to > self.created_at {
            return invalid("to", "Record an outage once it is over: its end is still to come.".into());
        }
        if self.to.since(self.from) > limits::OUTAGE_MAX {
            let days = limits::OUTAGE_MAX.as_secs() / 86_400;
            return invalid("from", format!("An outage lasts {days} days at most; record a longer one in pieces."));
        }
        match self.title_ids.as_ref().map(Vec::len) {
            Some(0) => invalid("title_ids", "Name the titles that were away, or say nothing for all of them.".into()),
            Some(count) if count > limits::OUTAGE_TITLES_MAX => {
                let message =
                    format!("Name at most {} titles, or say nothing for all of them.", limits::OUTAGE_TITLES_MAX);
                invalid("title_ids", message)
            }
            _ => Ok(()),
        }
    }

    /// Whether it kept people from this title who have it of `party`, or of us where none is named.
    pub fn is_about(&self, title: TitleId, party: Option<PartyId>) -> bool {
        (self.party_id.is_none() || self.party_id == party)
            && self.title_ids.as_ref().is_none_or(|titles| titles.contains(&title))
    }

    pub fn overlaps(&self, other: &Outage) -> bool {
        self.from < other.to && other.from < self.to
    }

    /// How much of the time that ran in `[running.0, running.1)` it took, rounded up to the minute; without what
    /// `earlier` outages about the same have been counted for.
    pub fn lost_ms(&self, running: (UtcMs, UtcMs), earlier: &[&Outage]) -> i64 {
        let mut spans: Vec<(i64, i64)> =
            earlier.iter().filter(|other| other.overlaps(self)).map(|other| clipped(other, running)).collect();
        let before_ms = covered_ms(&mut spans);
        spans.push(clipped(self, running));
        let after_ms = covered_ms(&mut spans);
        (minutes_ms(after_ms) - minutes_ms(before_ms)).max(0)
    }
}

fn clipped(outage: &Outage, running: (UtcMs, UtcMs)) -> (i64, i64) {
    (outage.from.max(running.0).0, outage.to.min(running.1).0)
}

/// The length of the union; spans that end before they begin have none.
fn covered_ms(spans: &mut [(i64, i64)]) -> i64 {
    spans.sort_unstable();
    let (mut sum, mut reached) = (0, i64::MIN);
    for (from, to) in spans.iter() {
        let from = (*from).max(reached);
        if from < *to {
            sum += to - from;
            reached = *to;
        }
    }
    sum
}

fn minutes_ms(ms: i64) -> i64 {
    ms.div_euclid(MINUTE_MS) * MINUTE_MS + if ms.rem_euclid(MINUTE_MS) == 0 { 0 } else { MINUTE_MS }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::{AvailId, GrantId, OfferId, PurchaseId, ViewerId};
    use crate::rights::grant::{Grant, GrantCause, GrantClock, GrantPhase};

    const HOUR: i64 = 3_600_000;
    const NOW: UtcMs = UtcMs(1_000 * HOUR);

    fn outage(from_ms: i64, to_ms: i64) -> Outage {
        Outage {
            id: OutageId::new(NOW),
            party_id: None,
            title_ids: None,
            from: UtcMs(NOW.0 + from_ms),
            to: UtcMs(NOW.0 + to_ms),
            reason: "a power cut".into(),
            created_at: UtcMs(NOW.0 + 1_000 * HOUR),
            created_by: OperatorId::new(NOW),
        }
    }

    fn grant(clock: GrantClock, hard_end_ms: Option<i64>) -> Grant {
        Grant {
            id: GrantId::new(NOW),
            viewer_id: ViewerId::new(NOW),
            title_id: TitleId::new(NOW),
            avail_id: AvailId::new(NOW),
            offer_id: OfferId::new(NOW),
            cause: GrantCause::Purchase(PurchaseId::new(NOW)),
            clock,
            issued_at: NOW,
            available_at: NOW,
            first_play_at: None,
            hard_end_at: hard_end_ms.map(|ms| UtcMs(NOW.0 + ms)),
            streams: 1,
            revoked_at: None,
            extended_ms: 0,
            start_extended_ms: 0,
            livemode: false,
        }
    }

    #[test]
    fn it_has_its_bounds() {
        let day = 24 * HOUR;
        for (from_ms, to_ms, is_good) in [
            (0, 1, true),
            (1, 1, false),
            (2, 1, false),
            (0, 31 * day, true),
            (0, 31 * day + 1, false),
            (999 * HOUR, 1_000 * HOUR, true),
            (999 * HOUR, 1_000 * HOUR + 1, false),
        ] {
            assert_eq!(outage(from_ms, to_ms).check().is_ok(), is_good, "{from_ms} {to_ms}");
        }
        let named = |titles: usize| Outage { title_ids: Some(vec![TitleId::new(NOW); titles]), ..outage(0, 1) };
        let max = limits::OUTAGE_TITLES_MAX;
        assert_eq!([0, 1, max, max + 1].map(|titles| named(titles).check().is_ok()), [false, true, true, false]);
    }

    #[test]
    fn whom_it_is_about_depends_on_whose_it_was() {
        let (title, other) = (TitleId::new(NOW), TitleId::new(NOW));
        let (theirs, others) = (PartyId::new(NOW), PartyId::new(NOW));
        let own = Outage { title_ids: Some(vec![title]), ..outage(0, 1) };
        assert_eq!(
            [own.is_about(title, None), own.is_about(title, Some(theirs)), own.is_about(other, None)],
            [true, true, false]
        );
        let party = Outage { party_id: Some(theirs), ..outage(0, 1) };
        assert_eq!(
            [Some(theirs), Some(others), None].map(|party_id| party.is_about(title, party_id)),
            [true, false, false]
        );
    }

    #[test]
    fn what_it_took_is_rounded_up_to_the_minute() {
        let running = (NOW, UtcMs(NOW.0 + HOUR));
        for (from_ms, to_ms, lost_ms) in [
            (-HOUR, 0, 0),
            (-HOUR, 1, MINUTE_MS),
            (0, MINUTE_MS, MINUTE_MS),
            (0, MINUTE_MS + 1, 2 * MINUTE_MS),
            (HOUR - 1, 2 * HOUR, MINUTE_MS),
            (HOUR, 2 * HOUR, 0),
            (-HOUR, 2 * HOUR, HOUR),
        ] {
            assert_eq!(outage(from_ms, to_ms).lost_ms(running, &[]), lost_ms, "{from_ms} {to_ms}");
        }
    }

    #[test]
    fn no_minute_is_given_back_twice() {
        let running = (NOW, UtcMs(NOW.0 + HOUR));
        let whole = outage(0, 90_000);
        for (from_ms, to_ms, lost_ms) in [
            (0, 90_000, 0),
            (30_000, 60_000, 0),
            // Two minutes have been given for ninety seconds.
            (60_000, 120_000, 0),
            (60_000, 120_001, MINUTE_MS),
            (-HOUR, 90_000, 0),
            // What only follows it counts for itself.
            (90_000, 90_001, MINUTE_MS),
        ] {
            assert_eq!(outage(from_ms, to_ms).lost_ms(running, &[&whole]), lost_ms, "{from_ms} {to_ms}");
        }
        let [a, b] = [outage(0, 60_000), outage(120_000, 180_000)];
        assert_eq!(outage(0, 180_000).lost_ms(running, &[&b, &a]), MINUTE_MS);
    }

    #[test]
    fn each_clock_is_extended_where_it_runs() {
        let ends = |grant: &Grant| grant.expires_at().map(|at| at.0 - NOW.0);
        let bought = grant(GrantClock::OnPurchase { watch_ms: 48 * HOUR }, None);
        let more = bought.extended(2 * HOUR);
        assert_eq!((ends(&more), more.extension_ms()), (Some(50 * HOUR), 2 * HOUR));
        // It lives again.
        let late = UtcMs(NOW.0 + 49 * HOUR);
        assert_eq!([bought.phase(late), more.phase(late)], [GrantPhase::Expired, GrantPhase::Running]);
        assert_eq!([bought.left_ms(late), more.left_ms(late)], [Some(0), Some(HOUR)]);

        let waiting = grant(GrantClock::OnFirstPlay { start_within_ms: 24 * HOUR, watch_ms: 48 * HOUR }, None);
        let more = waiting.extended(HOUR);
        assert_eq!(
            (ends(&more), more.extension_ms(), more.running()),
            (Some(25 * HOUR), HOUR, Some((NOW, UtcMs(NOW.0 + 25 * HOUR))))
        );
        assert_eq!(more.left_ms(NOW), Some(48 * HOUR));
        // What was added to the time to start in is not added to the time to watch in.
        let started = Grant { first_play_at: Some(UtcMs(NOW.0 + 10 * HOUR)), ..more };
        assert_eq!((ends(&started), started.extension_ms()), (Some(58 * HOUR), 0));
        assert_eq!(ends(&started.extended(HOUR)), Some(59 * HOUR));
        assert_eq!(started.running(), Some((UtcMs(NOW.0 + 10 * HOUR), UtcMs(NOW.0 + 58 * HOUR))));

        // Never past the hard end, and what is bought for good loses nothing.
        let held = grant(GrantClock::UntilMembers { watch_ms: 48 * HOUR }, Some(49 * HOUR)).extended(2 * HOUR);
        assert_eq!((ends(&held), held.extended_ms), (Some(49 * HOUR), HOUR));
        assert_eq!(held.extended(HOUR), held);
        let ended = grant(GrantClock::OnPurchase { watch_ms: 48 * HOUR }, Some(HOUR)).extended(2 * HOUR);
        assert_eq!((ends(&ended), ended.extended_ms), (Some(HOUR), 0));
        let forever = grant(GrantClock::Forever, Some(HOUR));
        assert_eq!((forever.running(), forever.extended(HOUR)), (None, forever.clone()));
    }
}
