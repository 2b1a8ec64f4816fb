//! What a viewer had at an instant that is over, told from what they have now: nothing that was given, begun, unlocked or
//! offered later, and nothing that was taken back, ended or first played later. Each of these counts from its own instant on.
//!
//! A membership counts from its start, also where it was recorded after that. What outages have given back, and where a
//! viewer lives, is as it is now: nothing keeps when that was another.

use crate::base::clock::UtcMs;
use crate::rights::entitlement::ViewerRights;
use crate::rights::grant::Grant;
use crate::rights::membership::Membership;
use crate::rights::screener::Screener;
use crate::rights::session::PlaybackSession;

impl ViewerRights {
    pub fn as_of(self, at: UtcMs) -> ViewerRights {
        let ViewerRights { grants, memberships, unlocks, screeners, external, home, wanted } = self;
        ViewerRights {
            grants: grants.into_iter().filter_map(|grant| grant.as_of(at)).collect(),
            memberships: memberships.into_iter().filter_map(|membership| membership.as_of(at)).collect(),
            unlocks: unlocks.into_iter().filter(|unlock| unlock.unlocked_at <= at).collect(),
            screeners: screeners.into_iter().filter_map(|screener| screener.as_of(at)).collect(),
            external,
            home,
            wanted,
        }
    }
}

impl Grant {
    pub fn as_of(self, at: UtcMs) -> Option<Grant> {
        let (first_play_at, revoked_at) = (by(self.first_play_at, at), by(self.revoked_at, at));
        (self.issued_at <= at).then_some(Grant { first_play_at, revoked_at, ..self })
    }
}

impl Membership {
    pub fn as_of(self, at: UtcMs) -> Option<Membership> {
        let revoked_at = by(self.revoked_at, at);
        (self.starts_at <= at).then_some(Membership { revoked_at, ..self })
    }
}

impl Screener {
    /// One that had not begun was known of: its viewer was told when it would.
    pub fn as_of(self, at: UtcMs) -> Option<Screener> {
        let revoked_at = by(self.revoked_at, at);
        (self.created_at <= at).then_some(Screener { revoked_at, ..self })
    }
}

impl PlaybackSession {
    /// None before it was opened.
    pub fn as_of(self, at: UtcMs) -> Option<PlaybackSession> {
        let (revoked_at, ended_at) = (by(self.revoked_at, at), by(self.ended_at, at));
        (self.opened_at <= at).then_some(PlaybackSession { revoked_at, ended_at, ..self })
    }
}

/// What had happened by then.
fn by(happened_at: Option<UtcMs>, at: UtcMs) -> Option<UtcMs> {
    happened_at.filter(|happened_at| *happened_at <= at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::{
        AssetId, AvailId, GrantId, MembershipId, OfferId, PlanId, PurchaseId, ScreenerId, SessionId, TitleId, UnlockId,
        ViewerId,
    };
    use crate::rights::entitlement::{Cause, Entitlement};
    use crate::rights::grant::{GrantCause, GrantClock, GrantPhase};
    use crate::rights::screener::ScreenerKind;
    use crate::rights::unlock::{Unlock, UnlockMeans};

    const GIVEN: UtcMs = UtcMs(1_000);
    const PLAYED: UtcMs = UtcMs(2_000);
    const TAKEN: UtcMs = UtcMs(3_000);

    fn around<T>(instant: UtcMs, ask: impl Fn(UtcMs) -> T) -> [T; 3] {
        [-1, 0, 1].map(|ms| ask(UtcMs(instant.0 + ms)))
    }

    fn grant() -> Grant {
        Grant {
            id: GrantId::new(GIVEN),
            viewer_id: ViewerId::new(GIVEN),
            title_id: TitleId::new(GIVEN),
            avail_id: AvailId::new(GIVEN),
            offer_id: OfferId::new(GIVEN),
            cause: GrantCause::Purchase(PurchaseId::new(GIVEN)),
            clock: GrantClock::OnFirstPlay { start_within_ms: 5_000, watch_ms: 5_000 },
            issued_at: GIVEN,
            available_at: GIVEN,
            first_play_at: Some(PLAYED),
            hard_end_at: None,
            streams: 1,
            revoked_at: Some(TAKEN),
            extended_ms: 0,
            start_extended_ms: 0,
            livemode: false,
        }
    }

    fn membership() -> Membership {
        Membership {
            id: MembershipId::new(GIVEN),
            viewer_id: ViewerId::new(GIVEN),
            plan_id: PlanId::new(GIVEN),
            streams: 1,
            starts_at: GIVEN,
            ends_at: UtcMs(9_000),
            revoked_at: Some(TAKEN),
            purchase_id: None,
        }
    }

    fn screener() -> Screener {
        Screener {
            id: ScreenerId::new(GIVEN),
            title_id: TitleId::new(GIVEN),
            viewer_id: ViewerId::new(GIVEN),
            kind: ScreenerKind::Press,
            starts_at: PLAYED,
            ends_at: UtcMs(9_000),
            streams: 1,
            territories: None,
            note: None,
            created_at: GIVEN,
            revoked_at: Some(TAKEN),
        }
    }

    fn session() -> PlaybackSession {
        PlaybackSession {
            id: SessionId::new(GIVEN),
            viewer_id: None,
            device: "Test".into(),
            title_id: TitleId::new(GIVEN),
            part: 1,
            asset_id: AssetId::new(GIVEN),
            card: None,
            territory: None,
            entitlement: Entitlement {
                cause: Cause::Free,
                avail_id: None,
                deal_id: None,
                ends_at: None,
                starts_clock: false,
                streams: 0,
                beside: None,
                home: None,
                preview_ms: None,
                protection: None,
                caps: None,
                reference: None,
            },
            campaign: None,
            opened_at: GIVEN,
            expires_at: UtcMs(9_000),
            revoked_at: Some(TAKEN),
            ended_at: Some(PLAYED),
        }
    }

    #[test]
    fn a_grant_is_what_it_was_at_each_instant() {
        use GrantPhase::{Revoked, Running, Unstarted};
        let phase = |at| grant().as_of(at).map(|grant| grant.phase(at));
        assert_eq!(around(GIVEN, phase), [None, Some(Unstarted), Some(Unstarted)]);
        assert_eq!(around(PLAYED, phase), [Some(Unstarted), Some(Running), Some(Running)]);
        assert_eq!(around(TAKEN, phase), [Some(Running), Some(Revoked), Some(Revoked)]);
    }

    #[test]
    fn what_else_a_viewer_has_counts_from_its_instant_until_it_is_taken_back() {
        let is_member = |at| membership().as_of(at).map(|membership| membership.is_active(at));
        assert_eq!(around(GIVEN, is_member), [None, Some(true), Some(true)]);
        assert_eq!(around(TAKEN, is_member), [Some(true), Some(false), Some(false)]);
        // Known of from the invitation on, and not from its beginning.
        let is_invited = |at| screener().as_of(at).map(|screener| screener.is_alive(at));
        assert_eq!(around(GIVEN, is_invited), [None, Some(true), Some(true)]);
        assert_eq!(around(PLAYED, is_invited), [Some(true); 3]);
        assert_eq!(around(TAKEN, is_invited), [Some(true), Some(false), Some(false)]);
        let is_open = |at| session().as_of(at).map(|session| session.ended_at.is_none());
        assert_eq!(around(GIVEN, is_open), [None, Some(true), Some(true)]);
        assert_eq!(around(PLAYED, is_open), [Some(true), Some(false), Some(false)]);
        let stands = |at| session().as_of(at).map(|session| session.revoked_at.is_none());
        assert_eq!(around(TAKEN, stands), [Some(true), Some(false), Some(false)]);
    }

    #[test]
    fn all_that_a_viewer_brings_is_looked_at() {
        let unlock = Unlock {
            id: UnlockId::new(GIVEN),
            viewer_id: ViewerId::new(GIVEN),
            title_id: TitleId::new(GIVEN),
            part: 1,
            avail_id: AvailId::new(GIVEN),
            means: UnlockMeans::Reward,
            unlocked_at: GIVEN,
            livemode: false,
        };
        let all = ViewerRights {
            grants: vec![grant()],
            memberships: vec![membership()],
            unlocks: vec![unlock],
            screeners: vec![screener()],
            external: None,
            home: Some("DE".parse().unwrap()),
            wanted: None,
        };
        let counted = |at| {
            let then = all.clone().as_of(at);
            assert_eq!(then.home, all.home);
            [then.grants.len(), then.memberships.len(), then.unlocks.len(), then.screeners.len()]
        };
        assert_eq!(around(GIVEN, counted), [[0; 4], [1; 4], [1; 4]]);
    }
}
