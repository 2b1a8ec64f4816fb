//! A grant: what a purchase or a voucher gave. It has exactly one cause, a clock, and an end that never lies after its hard end.
//!
//! ```text
//! issued ─ available ─ first play ─> running ─> expired     on_purchase grants run once they are available
//!    └──────── revoked <──────────────┘
//! ```
//!
//! A grant is available from its issue, or, when it was sold before the window opened, from the opening. Its clock counts
//! from then. An outage gives back what it took of the clock: see [`crate::rights::outage`].

use serde::{Deserialize, Serialize};

use crate::base::clock::UtcMs;
use crate::base::id::{AvailId, GrantId, OfferId, PurchaseId, TitleId, ViewerId, VoucherId};

/// What gives the viewer the right to watch, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    pub id: GrantId,
    pub viewer_id: ViewerId,
    pub title_id: TitleId,
    pub avail_id: AvailId,
    pub offer_id: OfferId,
    pub cause: GrantCause,
    pub clock: GrantClock,
    pub issued_at: UtcMs,
    /// `issued_at`, or the opening of its window where it was bought before.
    pub available_at: UtcMs,
    /// When the first key of the film proper was given out.
    pub first_play_at: Option<UtcMs>,
    pub hard_end_at: Option<UtcMs>,
    pub streams: u32,
    pub revoked_at: Option<UtcMs>,
    /// What outages have added to its viewing period.
    #[serde(default)]
    pub extended_ms: i64,
    /// What outages have added to the time in which it must be started.
    #[serde(default)]
    pub start_extended_ms: i64,
    /// Given by a live server; a live server honours no other.
    pub livemode: bool,
}

/// What gave a grant: one thing, which gave no other grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantCause {
    Purchase(PurchaseId),
    Voucher(VoucherId),
}

impl GrantCause {
    pub fn purchase_id(self) -> Option<PurchaseId> {
        match self {
            GrantCause::Purchase(id) => Some(id),
            GrantCause::Voucher(_) => None,
        }
    }

    pub fn voucher_id(self) -> Option<VoucherId> {
        match self {
            GrantCause::Purchase(_) => None,
            GrantCause::Voucher(id) => Some(id),
        }
    }
}

/// When the viewing period begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantClock {
    /// At the purchase: `[available_at, available_at + watch_ms)`.
    OnPurchase { watch_ms: i64 },
    /// At the purchase, for as long as its owner is a member and members do not have the title anyway, and no longer than
    /// `watch_ms`: early access for members.
    UntilMembers { watch_ms: i64 },
    /// At first play, which must come before `available_at + start_within_ms`.
    OnFirstPlay { start_within_ms: i64, watch_ms: i64 },
    /// It has no end of its own: bought for good.
    Forever,
}

impl GrantClock {
    /// Whether it plays beside a membership only.
    pub fn needs_membership(self) -> bool {
        matches!(self, GrantClock::UntilMembers { .. })
    }
}

/// Where a grant stands at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantPhase {
    /// Bought before its window opened; it waits for the opening.
    Upcoming,
    /// Its clock has not been started.
    Unstarted,
    Running,
    /// The viewing period or the hard end is over.
    Expired,
    /// It was not started in time.
    StartByPassed,
    Revoked,
}

impl Grant {
    /// The instant from which nothing plays under this grant, as things stand; none where it was bought for good.
    pub fn expires_at(&self) -> Option<UtcMs> {
        self.clock_end().into_iter().chain(self.hard_end_at).min()
    }

    fn clock_end(&self) -> Option<UtcMs> {
        let clock_end = match (self.clock, self.first_play_at) {
            (GrantClock::OnPurchase { watch_ms } | GrantClock::UntilMembers { watch_ms }, _) => {
                plus(self.available_at, watch_ms)
            }
            (GrantClock::OnFirstPlay { start_within_ms, .. }, None) => plus(self.available_at, start_within_ms),
            (GrantClock::OnFirstPlay { watch_ms, .. }, Some(first_play_at)) => plus(first_play_at, watch_ms),
            (GrantClock::Forever, _) => return None,
        };
        Some(plus(clock_end, self.extension_ms()))
    }

    /// What outages have added to the period that counts now: to start it in, or to watch in.
    pub fn extension_ms(&self) -> i64 {
        if self.is_started() { self.extended_ms } else { self.start_extended_ms }
    }

    /// Between which instants time is lost where it cannot be watched; none where it was bought for good.
    pub fn running(&self) -> Option<(UtcMs, UtcMs)> {
        let begins_at = self.first_play_at.filter(|_| matches!(self.clock, GrantClock::OnFirstPlay { .. }));
        self.clock_end()?;
        Some((begins_at.unwrap_or(self.available_at), self.expires_at()?))
    }

    /// The same with `lost_ms` more to the period that counts now, and nothing past the hard end.
    pub fn extended(&self, lost_ms: i64) -> Grant {
        let Some(clock_end) = self.clock_end() else { return self.clone() };
        let room_ms = self.hard_end_at.map_or(i64::MAX, |hard_end_at| hard_end_at.0.saturating_sub(clock_end.0).max(0));
        let more_ms = lost_ms.min(room_ms);
        let mut grant = self.clone();
        if self.is_started() {
            grant.extended_ms = self.extended_ms.saturating_add(more_ms);
        } else {
            grant.start_extended_ms = self.start_extended_ms.saturating_add(more_ms);
        }
        grant
    }

    /// How long it can be watched by whoever begins at `now`; none where that has no end.
    pub fn left_ms(&self, now: UtcMs) -> Option<i64> {
        if !self.is_live(now) {
            return Some(0);
        }
        Some(self.expires_at_if_played(now)?.0 - now.0)
    }

    /// The same as an instant to compare with others: after all of them where there is no end.
    pub fn lasts_until(&self) -> UtcMs {
        self.expires_at().unwrap_or(UtcMs(i64::MAX))
    }

    /// The same where first play is at `now`, unless it has been.
    pub fn expires_at_if_played(&self, now: UtcMs) -> Option<UtcMs> {
        Grant { first_play_at: self.first_play_at.or(Some(now)), ..self.clone() }.expires_at()
    }

    pub fn is_started(&self) -> bool {
        !matches!(self.clock, GrantClock::OnFirstPlay { .. }) || self.first_play_at.is_some()
    }

    /// Given before its window opened. Any other grant plays at once, also on a clock that has gone back a little since.
    fn is_presale(&self) -> bool {
        self.available_at > self.issued_at
    }

    pub fn phase(&self, now: UtcMs) -> GrantPhase {
        if self.revoked_at.is_some() {
            return GrantPhase::Revoked;
        }
        match (now < self.lasts_until(), self.is_started()) {
            (true, _) if self.is_presale() && now < self.available_at => GrantPhase::Upcoming,
            (true, true) => GrantPhase::Running,
            (true, false) => GrantPhase::Unstarted,
            (false, false) if self.hard_end_at.is_none_or(|hard_end_at| now < hard_end_at) => GrantPhase::StartByPassed,
            (false, _) => GrantPhase::Expired,
        }
    }

    pub fn is_live(&self, now: UtcMs) -> bool {
        matches!(self.phase(now), GrantPhase::Upcoming | GrantPhase::Unstarted | GrantPhase::Running)
    }
}

fn plus(instant: UtcMs, ms: i64) -> UtcMs {
    UtcMs(instant.0.saturating_add(ms))
}
