//! An explanation is the decision: over plans at random, and step by step where it matters.

use proptest::prelude::*;

use super::languages::allow;
use super::*;
use crate::base::id::{DealId, PartyId};
use crate::rights::conflict::{findings, held_back};
use crate::rights::deal::{Carriage, Deal, Exclusivity, Medium};
use crate::rights::holdback::{self, Holdback, HoldbackEvent};
use crate::rights::language_terms::{Sound, TrackUse};
use crate::rights::trace::{Check, Outcome};

fn any_instant() -> impl Strategy<Value = UtcMs> {
    (-3i64..30).prop_map(|days| UtcMs(pvod_start().0 + days * DAY_MS))
}

fn any_avail(title_id: TitleId) -> impl Strategy<Value = Avail> {
    let kind = proptest::sample::select(LicenseType::ALL.to_vec());
    let languages = prop_oneof![3 => Just(None), 1 => Just(Some("zh")), 1 => Just(Some("fr"))];
    (kind, any_instant(), 1i64..20, proptest::option::of(1i64..25), any::<bool>(), languages).prop_map(
        move |(kind, start_at, days, hard, is_here, languages)| {
            let end_at = Some(UtcMs(start_at.0 + days * DAY_MS));
            let mut made = avail(title_id, kind, window(start_at, end_at));
            made.hard_end_at = hard.map(|days| UtcMs(start_at.0 + days * DAY_MS));
            made.caps = languages.and_then(allow);
            if !is_here {
                made.territories = TerritorySet::of(["DE".parse().unwrap()]);
            }
            made
        },
    )
}

/// Also ones that the plan does not keep: a decision keeps them all the same.
fn any_holdback() -> impl Strategy<Value = Holdback> {
    let after = prop_oneof![
        any_instant().prop_map(|opens_at| HoldbackEvent::CinemaOpening { opens_at, zone: "Asia/Shanghai".into() }),
        any::<bool>().prop_map(|is_here| HoldbackEvent::WindowOpening {
            license_type: LicenseType::Vod,
            territory: if is_here { cn() } else { "DE".parse().unwrap() },
        }),
    ];
    let kinds =
        prop_oneof![Just(vec![]), Just(vec![LicenseType::Svod]), Just(vec![LicenseType::Vod, LicenseType::Avod])];
    (after, 0u16..12, kinds, any::<bool>()).prop_map(|(event, lag_days, license_types, is_here)| Holdback {
        id: HoldbackId::new(UtcMs(1)),
        title_id: TitleId::new(UtcMs(7)),
        party: "横店院线".into(),
        contract: None,
        event,
        lag_days,
        territories: TerritorySet::of([if is_here { cn() } else { "DE".parse().unwrap() }]),
        license_types,
    })
}

/// A grant of whoever is drawn later, in the window at a place in the plan: with any clock, what outages have added to it,
/// and a hard end of its own, wherever that lies.
fn any_grant() -> impl Strategy<Value = (usize, Grant)> {
    let clock = prop_oneof![
        Just(GrantClock::OnPurchase { watch_ms: 2 * DAY_MS }),
        Just(GrantClock::OnFirstPlay { start_within_ms: 5 * DAY_MS, watch_ms: 2 * DAY_MS }),
        Just(GrantClock::UntilMembers { watch_ms: 20 * DAY_MS }),
        Just(GrantClock::Forever),
    ];
    let hard_end = proptest::option::of(0i64..12);
    let extended = (0i64..3, 0i64..3);
    (0usize..5, any_instant(), clock, any::<bool>(), prop::bool::weighted(0.2), hard_end, extended).prop_map(
        |(avail, issued_at, clock, is_started, is_revoked, hard, (extended, start_extended))| {
            let grant = Grant {
                first_play_at: is_started.then_some(issued_at),
                hard_end_at: hard.map(|days| UtcMs(issued_at.0 + days * DAY_MS)),
                revoked_at: is_revoked.then_some(issued_at),
                extended_ms: extended * DAY_MS,
                start_extended_ms: start_extended * DAY_MS,
                ..cinema().grant(clock, issued_at)
            };
            (avail, grant)
        },
    )
}

/// Another party's, which may have it alone: also where a window of ours is, as no plan that was saved would let it.
fn any_deal() -> impl Strategy<Value = Deal> {
    let kind = proptest::sample::select(LicenseType::ALL.to_vec());
    let exclusivity = proptest::option::of(any::<bool>());
    (kind, any_instant(), 1i64..10, exclusivity, any::<bool>(), prop::bool::weighted(0.2)).prop_map(
        |(license_type, start_at, days, exclusivity, is_here, is_revoked)| Deal {
            id: DealId::new(UtcMs(1)),
            title_id: TitleId::new(UtcMs(7)),
            party_id: PartyId::new(UtcMs(1)),
            contract: None,
            carriage: Carriage::Platform { license_type, price: None, streams: None },
            territories: TerritorySet::of([if is_here { cn() } else { "DE".parse().unwrap() }]),
            caps: None,
            window: window(start_at, Some(UtcMs(start_at.0 + days * DAY_MS))),
            exclusivity: exclusivity.map(|with_us| Exclusivity { with_us, ..Exclusivity::default() }),
            opened_at: None,
            revoked_at: is_revoked.then_some(start_at),
        },
    )
}

prop_compose! {
    fn any_case()(
        avails in proptest::collection::vec(any_avail(TitleId::new(UtcMs(7))), 0..4),
        status in prop_oneof![8 => Just(TitleStatus::Live), 1 => Just(TitleStatus::Draft), 1 => Just(TitleStatus::Suspended)],
        grants in proptest::collection::vec(any_grant(), 0..4),
        member in proptest::option::of((any_instant(), 1i64..20)),
        now in any_instant(),
        (is_here, wanted) in (prop::bool::weighted(0.9), proptest::option::of(prop::sample::select(vec!["zh", "fr", "en"]))),
        (is_chinese, is_ordinary, is_licensed) in any::<(bool, bool, bool)>(),
        revoked_at in proptest::option::weighted(0.2, any_instant()),
        (holdbacks, deals) in (proptest::collection::vec(any_holdback(), 0..3), proptest::collection::vec(any_deal(), 0..2)),
        series in proptest::option::of((0u32..3, proptest::option::of(any_instant()), proptest::option::of(any_instant()))),
    ) -> (TitleRights, ViewerRights, Option<Territory>, UtcMs) {
        let cinema = cinema();
        let mut rights = cinema.rights.clone();
        rights.title.status = status;
        rights.avails.extend(avails);
        rights.holdbacks = holdbacks;
        rights.deals = deals;
        rights.title.details.country = is_chinese.then(cn);
        let licence = Licence { kind: LicenceKind::OnlineFiling, number: "V31001572104501".into() };
        let film = LicensedFilm::of(&rights.title);
        let confirmation = Confirmation { by: OperatorId::new(UtcMs(1)), at: UtcMs(1), film };
        rights.title.details.compliance = Compliance {
            confirmation: is_licensed.then_some(confirmation),
            is_ordinary,
            revocations: revoked_at
                .map(|at| Revocation { licence: licence.clone(), at, reason: String::new() })
                .into_iter()
                .collect(),
            ..Compliance::default()
        };
        rights.title.details.licence = is_licensed.then_some(licence);
        let (viewer_id, title_id) = (cinema.viewer_id, rights.title.id);
        let grants = grants.into_iter().map(|(avail, grant)| {
            Grant { viewer_id, title_id, avail_id: rights.avails[avail % rights.avails.len()].id, ..grant }
        }).collect();
        let memberships = member.into_iter().map(|(starts_at, days)| Membership {
            id: MembershipId::new(starts_at),
            viewer_id: cinema.viewer_id,
            plan_id: PlanId::new(starts_at),
            streams: 2,
            starts_at,
            ends_at: UtcMs(starts_at.0 + days * DAY_MS),
            revoked_at: None,
            purchase_id: None,
        }).collect();
        let mut unlocks = Vec::new();
        if let Some((free, opens_at, unlocked_at)) = series {
            rights.title.parts.push(AssetId::new(UtcMs(2)));
            rights.title.details.part_opens_at = vec![None, opens_at];
            rights.title.details.episodes = Some(EpisodeTerms { free, coins: 60, rewarded_per_day: 1 });
            unlocks.extend(unlocked_at.map(|at| cinema.unlocked(2, UnlockMeans::Reward, at)));
        }
        let wanted = wanted.map(|tag| LanguageRange::parse(tag).unwrap());
        let sound = || Sound(vec![Some("zh".into()), Some("en".into())]);
        rights.sounds = rights.title.parts.iter().map(|part| (*part, sound())).collect();
        (rights, ViewerRights { grants, memberships, unlocks, screeners: vec![], external: None, home: None, wanted }, is_here.then(cn), now)
    }
}

/// Paid for once: what happens to its window afterwards does not take it away.
fn is_had(cause: Cause) -> bool {
    matches!(cause, Cause::Grant(_) | Cause::Unlock(_))
}

proptest! {
    /// What a plan lets through window by window has no two windows of a kind at once in a territory, and none that opens
    /// before its holdbacks lift.
    #[test]
    fn a_plan_that_is_made_window_by_window_keeps_itself(
        avails in proptest::collection::vec(any_avail(TitleId::new(UtcMs(7))), 0..8),
        holdbacks in proptest::collection::vec(any_holdback(), 0..3),
        at in any_instant(),
    ) {
        let mut plan: Vec<Avail> = Vec::new();
        for avail in avails {
            if findings(&avail, &plan, &holdbacks, &[], UtcMs(0)).conflicts.is_empty() {
                plan.push(avail);
            }
        }
        prop_assert!(held_back(&plan, &holdbacks, &[], UtcMs(0)).is_empty());
        for territory in [cn(), "DE".parse().unwrap()] {
            for kind in [LicenseType::Vod, LicenseType::Svod, LicenseType::Avod] {
                let open: Vec<_> = plan.iter().filter(|avail| {
                    avail.license_type == kind && avail.territories.contains(territory) && avail.window.is_open(at)
                }).collect();
                let lift = holdback::lift(&holdbacks, &plan, &[], kind, territory);
                for language in ["zh", "fr", "en"] {
                    let terms = |avail: &Avail| avail.caps.as_ref().and_then(|caps| caps.languages.clone());
                    let is_heard = |avail: &&&Avail| {
                        terms(avail).is_none_or(|terms| terms.let_out(Some(language), TrackUse::Heard))
                    };
                    let count = open.iter().filter(is_heard).count();
                    prop_assert!(count <= 1, "{count} windows of one kind in {language}");
                }
                prop_assert!(open.is_empty() || lift.is_none_or(|lift| !lift.holds(at)));
            }
        }
    }

    #[test]
    fn an_explanation_is_the_decision(
        (rights, viewer, territory, now) in any_case(),
        part in 1u32..3,
        later in any_instant(),
    ) {
        let decision = decide_part(&rights, part, &viewer, territory, now);
        let (explained, steps) = explain(&rights, part, &viewer, territory, now);
        prop_assert_eq!(&explained, &decision);
        let last = steps.last().unwrap();
        let any = ViewerRights { wanted: None, ..viewer.clone() };
        let is_allowed = |decision: &Decision| matches!(decision, Decision::Allow(_));
        let without = decide_part(&rights, part, &any, territory, now);
        prop_assert_eq!(is_allowed(&without), is_allowed(&decision), "what is wanted refuses nothing");
        if let Decision::Allow(right) = &decision {
            let avail = right.avail_id.and_then(|id| rights.avail(id)).unwrap();
            prop_assert!(!avail.has_hard_ended(now), "nothing outlives a hard end");
            prop_assert!(avail.hard_end_at.is_none_or(|end| right.ends_at.is_some_and(|ends_at| ends_at <= end)));
            prop_assert_eq!(rights.title.part_opening(part, now), None, "nothing plays before it opens");
            let clearance = Clearance::of(&rights.title, territory, now);
            prop_assert_eq!(clearance.denial(), None);
            prop_assert!(clearance.allows(avail) || is_had(right.cause));
            let holds = |holdback: &&Holdback| {
                holdback.of(avail).is_some_and(|held| held.contains(territory.unwrap()))
                    && holdback.lift(&rights.avails, &rights.deals).holds(now)
            };
            let is_held = rights.holdbacks.iter().any(|holdback| holds(&holdback));
            prop_assert!(!is_held || is_had(right.cause), "nothing opens that is held back");
            let is_theirs = rights.deals.iter().any(|deal| {
                deal.carriage.medium() == Medium::of(avail.license_type)
                    && deal.exclusivity.as_ref().is_some_and(|group| !group.with_us)
                    && deal.revoked_at.is_none()
                    && deal.territories.contains(territory.unwrap())
                    && deal.window.is_open(now)
            });
            prop_assert!(!is_theirs || is_had(right.cause), "nothing opens that is another party's alone");
            let is_there = rights.title.part(part).is_some();
            prop_assert!(!is_there || avail.caps != allow("fr"), "nothing plays of which nothing may be heard");
            if let Some(grant) = viewer.grants.iter().find(|grant| right.grant_id() == Some(grant.id)) {
                prop_assert!(grant.revoked_at.is_none());
                let end = grant.hard_end_at.unwrap_or(UtcMs(i64::MAX));
                prop_assert!(now < end && right.ends_at.unwrap_or(UtcMs(i64::MAX)) <= end, "no grant outlives its hard end");
            }
        }
        if let Decision::Deny(denial) = &decision {
            for next in &denial.next {
                if let NextOption::Wait { opens_at } = next {
                    prop_assert!(*opens_at > now, "nobody is told to wait for what is past");
                }
            }
        }
        match &decision {
            Decision::Allow(_) => prop_assert_eq!((last.check, last.outcome), (Check::Window, Outcome::Pass)),
            Decision::Deny(denial) => prop_assert_eq!((last.outcome, last.code), (Outcome::Fail, Some(denial.code))),
        }
        if let Decision::Allow(entitlement) = decision {
            let session = PlaybackSession {
                id: SessionId::new(now),
                viewer_id: None,
                device: String::new(),
                title_id: rights.title.id,
                part: 1,
                asset_id: AssetId::new(now),
                card: None,
                territory,
                entitlement,
                campaign: None,
                opened_at: now,
                expires_at: UtcMs(now.0 + DAY_MS),
                revoked_at: None,
                ended_at: None,
            };
            let grant = match session.entitlement.cause {
                Cause::Grant(id) => viewer.grants.iter().find(|grant| grant.id == id),
                Cause::Membership(_)
                | Cause::Unlock(_)
                | Cause::Partner(_)
                | Cause::Screener(_)
                | Cause::Free
                | Cause::External
                | Cause::Trailer
                | Cause::Preview => None,
            };
            let member = viewer.memberships.first();
            let answer = still_entitled(&session, &rights, grant, member, territory, later);
            let (explained, steps) = explain_going_on(&session, &rights, grant, member, territory, later);
            prop_assert_eq!(explained, answer);
            if answer.is_ok() {
                let avail = session.entitlement.avail_id.and_then(|id| rights.avail(id)).unwrap();
                let ends = [avail.hard_end_at, grant.and_then(|grant| grant.hard_end_at)];
                prop_assert!(ends.into_iter().flatten().all(|end| later < end), "nor does a session");
            }
            prop_assert_eq!(steps.last().unwrap().code, answer.err());
            prop_assert!(steps[..steps.len() - 1].iter().all(|step| step.outcome == Outcome::Pass));
        }
    }
}

#[test]
fn the_steps_stop_where_the_decision_does() {
    use Check::{Free, Grant, Licence, Membership, Territory, Title, Window};
    use Outcome::{Fail, Pass};

    let cinema = cinema();
    let checks = |territory| {
        let (_, steps) = explain(&cinema.rights, 1, &nobody(), territory, pvod_start());
        steps.iter().map(|step| (step.check, step.outcome)).collect::<Vec<_>>()
    };
    assert_eq!(checks(None), [(Title, Pass), (Licence, Pass), (Territory, Fail)]);
    assert_eq!(
        checks(Some(cn())),
        [
            (Title, Pass),
            (Licence, Pass),
            (Territory, Pass),
            (Grant, Fail),
            (Membership, Fail),
            (Free, Fail),
            (Grant, Fail),
            (Window, Fail)
        ]
    );
}
