//! The decision as tables: each boundary one millisecond before, at and after, and the precedence of entitlements.

use super::*;
use crate::base::id::{
    AssetId, HoldbackId, OfferId, OperatorId, PlanId, PurchaseId, SessionId, TitleId, UnlockId, ViewerId,
};
use crate::base::money::{Currency, Money};
use crate::base::territory::TerritorySet;
use crate::catalog::compliance::{Compliance, Confirmation, LicensedFilm, Revocation};
use crate::catalog::details::TitleDetails;
use crate::catalog::episodes::EpisodeTerms;
use crate::catalog::licence::{Licence, LicenceKind};
use crate::catalog::title::Title;
use crate::rights::avail::Avail;
use crate::rights::denial::NextOption;
use crate::rights::grant::{GrantCause, GrantClock};
use crate::rights::holdback::{Holdback, HoldbackEvent};
use crate::rights::offer::{Offer, OfferKind};
use crate::rights::sale::quote;
use crate::rights::teaser::{decide_preview, decide_trailer};
use crate::rights::unlock::{Unlock, UnlockMeans};
use crate::rights::window::Window;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// 《雾港孤刀》: PVOD ¥18 / ¥9 over `[15 Jan 20:00, 29 Jan 20:00)` +08:00, then for members until 28 July.
struct Cinema {
    rights: TitleRights,
    pvod: AvailId,
    svod: AvailId,
    viewer_id: ViewerId,
}

fn at(text: &str) -> UtcMs {
    UtcMs::parse(text).unwrap()
}

fn pvod_start() -> UtcMs {
    at("2027-01-15T20:00:00+08:00")
}

fn pvod_end() -> UtcMs {
    at("2027-01-29T20:00:00+08:00")
}

fn cn() -> Territory {
    "CN".parse().unwrap()
}

fn window(start_at: UtcMs, end_at: Option<UtcMs>) -> Window {
    Window { start_at, end_at, zone: "Asia/Shanghai".into() }
}

fn avail(title_id: TitleId, license_type: LicenseType, window: Window) -> Avail {
    Avail {
        id: AvailId::new(UtcMs(1)),
        title_id,
        license_type,
        description: None,
        territories: TerritorySet::of([cn()]),
        window,
        hard_end_at: None,
        caps: None,
    }
}

fn cinema() -> Cinema {
    let title_id = TitleId::new(UtcMs(1));
    let pvod = avail(title_id, LicenseType::Vod, window(pvod_start(), Some(pvod_end())));
    let svod_end = at("2027-07-28T20:00:00+08:00");
    let svod = avail(title_id, LicenseType::Svod, window(pvod_end(), Some(svod_end)));
    let offer = Offer {
        id: OfferId::new(UtcMs(1)),
        title_id,
        avail_id: pvod.id,
        kind: OfferKind::Pvod,
        list_price: Money::new(1800, Currency::CNY),
        member_price: Some(Money::new(900, Currency::CNY)),
        clock: GrantClock::OnPurchase { watch_ms: 48 * HOUR_MS },
        streams: 1,
        presale_from_at: None,
        sales_cutoff_ms: 0,
        withdrawn_at: None,
    };
    let title = Title {
        id: title_id,
        name: [("zh-CN".to_owned(), "雾港孤刀".to_owned())].into(),
        synopsis: [].into(),
        status: TitleStatus::Live,
        parts: vec![AssetId::new(UtcMs(1))],
        runtime_ms: 92 * 60_000,
        details: TitleDetails { country: Some("NL".parse().unwrap()), ..TitleDetails::default() },
        created_at: UtcMs(1),
        version: 1,
    };
    let (pvod_id, svod_id) = (pvod.id, svod.id);
    let rights = TitleRights { avails: vec![pvod, svod], offers: vec![offer], ..TitleRights::of(title) };
    Cinema { rights, pvod: pvod_id, svod: svod_id, viewer_id: ViewerId::new(UtcMs(1)) }
}

impl Cinema {
    fn grant(&self, clock: GrantClock, issued_at: UtcMs) -> Grant {
        Grant {
            id: GrantId::new(issued_at),
            viewer_id: self.viewer_id,
            title_id: self.rights.title.id,
            avail_id: self.pvod,
            offer_id: self.rights.offers[0].id,
            cause: GrantCause::Purchase(PurchaseId::new(issued_at)),
            clock,
            issued_at,
            available_at: issued_at,
            first_play_at: None,
            hard_end_at: None,
            streams: 1,
            revoked_at: None,
            extended_ms: 0,
            start_extended_ms: 0,
            livemode: false,
        }
    }

    fn bought(&self, issued_at: UtcMs) -> Grant {
        self.grant(GrantClock::OnPurchase { watch_ms: 48 * HOUR_MS }, issued_at)
    }

    fn rented(&self, issued_at: UtcMs) -> Grant {
        self.grant(GrantClock::OnFirstPlay { start_within_ms: 30 * DAY_MS, watch_ms: 48 * HOUR_MS }, issued_at)
    }

    fn member(&self, ends_at: UtcMs) -> Membership {
        Membership {
            id: MembershipId::new(UtcMs(1)),
            viewer_id: self.viewer_id,
            plan_id: PlanId::new(UtcMs(1)),
            streams: 2,
            starts_at: UtcMs(0),
            ends_at,
            revoked_at: None,
            purchase_id: None,
        }
    }

    fn unlocked(&self, part: u32, means: UnlockMeans, unlocked_at: UtcMs) -> Unlock {
        Unlock {
            id: UnlockId::new(unlocked_at),
            viewer_id: self.viewer_id,
            title_id: self.rights.title.id,
            part,
            avail_id: self.pvod,
            means,
            unlocked_at,
            livemode: false,
        }
    }

    fn answer(&self, viewer: &ViewerRights, now: UtcMs) -> String {
        self.answer_in(viewer, Some(cn()), now)
    }

    /// `grant`, `membership`, `free`, or the code of the denial.
    fn answer_in(&self, viewer: &ViewerRights, territory: Option<Territory>, now: UtcMs) -> String {
        match decide(&self.rights, viewer, territory, now) {
            Decision::Allow(right) => right.cause.rule().into(),
            Decision::Deny(denial) => denial.code.as_str().into(),
        }
    }

    /// The answers one millisecond before `instant`, at it, and one after.
    fn around(&self, viewer: &ViewerRights, instant: UtcMs) -> [String; 3] {
        [-1, 0, 1].map(|ms| self.answer(viewer, UtcMs(instant.0 + ms)))
    }

    fn session(&self, viewer: &ViewerRights, now: UtcMs) -> PlaybackSession {
        let Decision::Allow(entitlement) = decide(&self.rights, viewer, Some(cn()), now) else { panic!("denied") };
        self.session_under(entitlement, now)
    }

    fn session_under(&self, entitlement: Entitlement, now: UtcMs) -> PlaybackSession {
        PlaybackSession {
            id: SessionId::new(now),
            viewer_id: Some(self.viewer_id),
            device: "Chrome on Linux".into(),
            title_id: self.rights.title.id,
            part: 1,
            asset_id: self.rights.title.parts[0],
            card: None,
            territory: Some(cn()),
            entitlement,
            campaign: None,
            opened_at: now,
            expires_at: UtcMs(i64::MAX),
            revoked_at: None,
            ended_at: None,
        }
    }
}

fn nobody() -> ViewerRights {
    ViewerRights::default()
}

fn with(grants: Vec<Grant>, memberships: Vec<Membership>) -> ViewerRights {
    ViewerRights { grants, memberships, ..ViewerRights::default() }
}

#[test]
fn nobody_is_told_of_a_title_before_it_is_announced() {
    let mut cinema = cinema();
    let announced_at = UtcMs(pvod_start().0 + DAY_MS);
    let buyer = with(vec![cinema.bought(pvod_start())], vec![]);
    let session = cinema.session(&buyer, pvod_start());
    cinema.rights.title.details.announced_at = Some(announced_at);
    assert_eq!(cinema.around(&nobody(), announced_at), ["TITLE_NOT_FOUND", "PAYMENT_REQUIRED", "PAYMENT_REQUIRED"]);
    assert_eq!(cinema.around(&buyer, announced_at), ["TITLE_NOT_FOUND", "grant", "grant"]);
    let before = UtcMs(announced_at.0 - 1);
    let offer = &cinema.rights.offers[0];
    let sold = |now| quote(&cinema.rights, offer, &nobody(), Some(cn()), now).map_err(|denial| denial.code);
    assert_eq!(sold(before).unwrap_err(), DenialCode::TitleNotListed);
    assert!(sold(announced_at).is_ok());
    let trailer = |now| decide_trailer(&cinema.rights.title, Some(cn()), now);
    assert_eq!(trailer(before), Decision::Deny(Denial::of(DenialCode::TitleNotListed)));
    assert!(matches!(trailer(announced_at), Decision::Allow(_)));
    let goes_on = |now| still_entitled(&session, &cinema.rights, buyer.grants.first(), None, Some(cn()), now);
    assert_eq!(goes_on(before), Err(DenialCode::TitleNotListed), "it was put off");
    assert_eq!(goes_on(announced_at), Ok(()));
    cinema.rights.title.status = TitleStatus::Withdrawn;
    assert_eq!(cinema.answer(&nobody(), before), "TITLE_WITHDRAWN", "who is gone is gone");
}

#[test]
fn windows_open_and_close_at_their_instants() {
    let cinema = cinema();
    let opening = cinema.around(&nobody(), pvod_start());
    assert_eq!(opening, ["WINDOW_NOT_OPEN", "PAYMENT_REQUIRED", "PAYMENT_REQUIRED"]);
    let flip = cinema.around(&nobody(), pvod_end());
    assert_eq!(flip, ["PAYMENT_REQUIRED", "MEMBERSHIP_REQUIRED", "MEMBERSHIP_REQUIRED"]);
    let member = with(vec![], vec![cinema.member(UtcMs(i64::MAX))]);
    assert_eq!(cinema.around(&member, pvod_end()), ["PAYMENT_REQUIRED", "membership", "membership"]);
    let end = at("2027-07-28T20:00:00+08:00");
    assert_eq!(cinema.around(&member, end), ["membership", "WINDOW_CLOSED", "WINDOW_CLOSED"]);
}

#[test]
fn a_denial_says_what_would_help() {
    let cinema = cinema();
    let next = |viewer: &ViewerRights, now| match decide(&cinema.rights, viewer, Some(cn()), now) {
        Decision::Deny(denial) => denial.next,
        Decision::Allow(_) => panic!("allowed"),
    };
    let offer_id = cinema.rights.offers[0].id;
    let before = UtcMs(pvod_start().0 - 1);
    assert_eq!(next(&nobody(), before), [NextOption::Wait { opens_at: pvod_start() }]);
    let list = NextOption::Buy { offer_id, price: Money::new(1800, Currency::CNY) };
    assert_eq!(next(&nobody(), pvod_start()), [list]);
    let member = with(vec![], vec![cinema.member(pvod_end())]);
    let half = NextOption::Buy { offer_id, price: Money::new(900, Currency::CNY) };
    assert_eq!(next(&member, pvod_start()), [half]);
    assert_eq!(next(&nobody(), pvod_end()), [NextOption::Join]);
}

#[test]
fn territory_comes_before_entitlement_and_unknown_is_nowhere() {
    let cinema = cinema();
    let viewer = with(vec![cinema.bought(pvod_start())], vec![]);
    let us = Some("US".parse().unwrap());
    assert_eq!(cinema.answer_in(&viewer, Some(cn()), pvod_start()), "grant");
    assert_eq!(cinema.answer_in(&viewer, us, pvod_start()), "GEO_NOT_LICENSED");
    assert_eq!(cinema.answer_in(&viewer, None, pvod_start()), "GEO_NOT_LICENSED");
}

#[test]
fn the_state_of_the_title_comes_first() {
    let mut cinema = cinema();
    let viewer = with(vec![cinema.bought(pvod_start())], vec![]);
    for (status, code) in [
        (TitleStatus::Draft, "TITLE_NOT_FOUND"),
        (TitleStatus::Suspended, "TITLE_SUSPENDED"),
        (TitleStatus::Withdrawn, "TITLE_WITHDRAWN"),
    ] {
        cinema.rights.title.status = status;
        assert_eq!(cinema.answer_in(&viewer, None, pvod_start()), code);
    }
}

/// Scenario 1 of the domain: bought for ¥9 as a member, whose membership lapses the day after.
#[test]
fn a_purchase_runs_48_hours_whatever_becomes_of_the_membership() {
    let cinema = cinema();
    let bought_at = at("2027-01-16T21:00:00+08:00");
    let membership = cinema.member(at("2027-01-17T00:00:00+08:00"));
    let viewer = with(vec![cinema.bought(bought_at)], vec![membership]);
    assert_eq!(cinema.answer(&viewer, at("2027-01-17T22:00:00+08:00")), "grant");
    let end = at("2027-01-18T21:00:00+08:00");
    assert_eq!(cinema.around(&viewer, end), ["grant", "RENTAL_EXPIRED", "RENTAL_EXPIRED"]);
}

/// Scenario 2: a rental may be started up to 30 days after its purchase and then runs 48 hours.
#[test]
fn a_rental_starts_by_one_instant_and_ends_by_another() {
    let cinema = cinema();
    let bought_at = pvod_start();
    let start_by = UtcMs(bought_at.0 + 30 * DAY_MS);
    let viewer = with(vec![cinema.rented(bought_at)], vec![]);
    assert_eq!(cinema.around(&viewer, start_by), ["grant", "START_BY_PASSED", "START_BY_PASSED"]);

    let first_play_at = UtcMs(start_by.0 - 60_000);
    let started = Grant { first_play_at: Some(first_play_at), ..cinema.rented(bought_at) };
    let expires_at = UtcMs(first_play_at.0 + 48 * HOUR_MS);
    assert_eq!(started.expires_at(), Some(expires_at));
    let viewer = with(vec![started.clone()], vec![]);
    assert_eq!(cinema.around(&viewer, expires_at), ["grant", "RENTAL_EXPIRED", "RENTAL_EXPIRED"]);

    let hard_end_at = UtcMs(start_by.0 + HOUR_MS);
    let cut = Grant { hard_end_at: Some(hard_end_at), ..started };
    assert_eq!(cut.expires_at(), Some(hard_end_at));
    let viewer = with(vec![cut], vec![]);
    assert_eq!(cinema.around(&viewer, hard_end_at), ["grant", "RENTAL_EXPIRED", "RENTAL_EXPIRED"]);
}

/// Scenario 3: the window flips while somebody watches.
#[test]
fn a_running_grant_is_used_before_membership_and_membership_before_an_unstarted_one() {
    let cinema = cinema();
    let member = cinema.member(UtcMs(i64::MAX));
    let bought_at = at("2027-01-29T19:00:00+08:00");
    let running = with(vec![cinema.bought(bought_at)], vec![member.clone()]);
    assert_eq!(cinema.answer(&running, at("2027-01-29T20:30:00+08:00")), "grant");
    let end = at("2027-01-31T19:00:00+08:00");
    assert_eq!(cinema.around(&running, end), ["grant", "membership", "membership"]);

    let unstarted = with(vec![cinema.rented(bought_at)], vec![member]);
    assert_eq!(cinema.around(&unstarted, pvod_end()), ["grant", "membership", "membership"]);
    let unstarted = with(vec![cinema.rented(bought_at)], vec![]);
    assert_eq!(cinema.answer(&unstarted, pvod_end()), "grant", "a window's close ends sale, not viewing");
}

#[test]
fn a_free_window_plays_clear_for_anybody_and_starts_no_clock() {
    let mut cinema = cinema();
    let title_id = cinema.rights.title.id;
    cinema.rights.avails.push(avail(title_id, LicenseType::Avod, window(pvod_start(), None)));
    let viewer = with(vec![cinema.rented(pvod_start())], vec![]);
    assert_eq!(cinema.answer(&viewer, pvod_start()), "free");
    let Decision::Allow(entitlement) = decide(&cinema.rights, &nobody(), Some(cn()), pvod_start()) else {
        panic!("denied")
    };
    assert!(entitlement.protection.is_none() && !entitlement.starts_clock && entitlement.streams == 0);
}

#[test]
fn a_hard_end_ends_viewing_at_its_instant() {
    let mut cinema = cinema();
    let hard_end_at = UtcMs(pvod_end().0 + HOUR_MS);
    cinema.rights.avails[0].hard_end_at = Some(hard_end_at);
    let viewer = with(vec![cinema.bought(UtcMs(pvod_end().0 - 1))], vec![]);
    assert_eq!(cinema.around(&viewer, hard_end_at), ["grant", "RENTAL_EXPIRED", "RENTAL_EXPIRED"]);
    let session = cinema.session(&viewer, pvod_end());
    let still = |ms: i64| {
        let now = UtcMs(hard_end_at.0 + ms);
        still_entitled(&session, &cinema.rights, Some(&viewer.grants[0]), None, Some(cn()), now)
    };
    assert_eq!([still(-1), still(0), still(1)], [Ok(()), Err(DenialCode::WindowClosed), Err(DenialCode::WindowClosed)]);
}

#[test]
fn an_open_session_ends_with_what_it_stands_on() {
    let mut cinema = cinema();
    let viewer = with(vec![cinema.bought(pvod_start())], vec![]);
    let session = cinema.session(&viewer, pvod_start());
    let grant = viewer.grants[0].clone();
    let now = UtcMs(pvod_start().0 + 1);
    let ask = |cinema: &Cinema, session: &PlaybackSession, grant: Option<&Grant>, territory| {
        still_entitled(session, &cinema.rights, grant, None, territory, now)
    };
    assert_eq!(ask(&cinema, &session, Some(&grant), Some(cn())), Ok(()));
    assert_eq!(ask(&cinema, &session, Some(&grant), None), Err(DenialCode::GeoNotLicensed));
    assert_eq!(ask(&cinema, &session, None, Some(cn())), Err(DenialCode::GrantRevoked));
    let revoked = Grant { revoked_at: Some(now), ..grant.clone() };
    assert_eq!(ask(&cinema, &session, Some(&revoked), Some(cn())), Err(DenialCode::GrantRevoked));
    let ended = PlaybackSession { ended_at: Some(now), ..session.clone() };
    assert_eq!(ask(&cinema, &ended, Some(&grant), Some(cn())), Err(DenialCode::SessionEnded));
    let killed = PlaybackSession { revoked_at: Some(now), ..session.clone() };
    assert_eq!(ask(&cinema, &killed, Some(&grant), Some(cn())), Err(DenialCode::SessionRevoked));
    cinema.rights.title.status = TitleStatus::Suspended;
    assert_eq!(ask(&cinema, &session, Some(&grant), Some(cn())), Err(DenialCode::TitleSuspended));
}

#[test]
fn a_session_ends_at_its_age_and_a_hard_end_that_is_as_late_is_said_first() {
    let mut cinema = cinema();
    let title_id = cinema.rights.title.id;
    cinema.rights.avails.push(avail(title_id, LicenseType::Avod, window(pvod_start(), None)));
    let expires_at = UtcMs(pvod_start().0 + DAY_MS);
    let session = PlaybackSession { expires_at, ..cinema.session(&nobody(), pvod_start()) };
    let around = |cinema: &Cinema| {
        [-1, 0, 1]
            .map(|ms| still_entitled(&session, &cinema.rights, None, None, Some(cn()), UtcMs(expires_at.0 + ms)).err())
    };
    let expired = Some(DenialCode::SessionExpired);
    assert_eq!(around(&cinema), [None, expired, expired]);
    let (_, steps) = explain_going_on(&session, &cinema.rights, None, None, Some(cn()), expires_at);
    assert_eq!(steps.last().and_then(|step| step.code), expired);
    cinema.rights.avails[2].hard_end_at = Some(expires_at);
    assert_eq!(around(&cinema), [None, Some(DenialCode::WindowClosed), Some(DenialCode::WindowClosed)]);
}

#[test]
fn a_member_session_outlives_the_membership_by_the_film_and_half_an_hour() {
    let cinema = cinema();
    let lapses_at = UtcMs(pvod_end().0 + 60_000);
    let member = with(vec![], vec![cinema.member(lapses_at)]);
    let opened_at = UtcMs(lapses_at.0 - 1);
    let session = cinema.session(&member, opened_at);
    assert_eq!(cinema.answer(&member, lapses_at), "MEMBERSHIP_REQUIRED", "no new session");
    let end = UtcMs(opened_at.0 + 92 * 60_000 + 30 * 60_000);
    let ask = |membership: Option<&Membership>, now: UtcMs| {
        still_entitled(&session, &cinema.rights, None, membership, Some(cn()), now)
    };
    let membership = &member.memberships[0];
    let still = [-1, 0].map(|ms| ask(Some(membership), UtcMs(end.0 + ms)));
    assert_eq!(still, [Ok(()), Err(DenialCode::MembershipRequired)]);
    let ended = Membership { revoked_at: Some(opened_at), ..membership.clone() };
    assert_eq!(ask(Some(&ended), opened_at), Err(DenialCode::MembershipRequired), "ended early, no tail");
    assert_eq!(ask(None, opened_at), Err(DenialCode::MembershipRequired));
}

#[test]
fn a_sale_is_made_within_the_window_only_and_once() {
    let cinema = cinema();
    let offer = &cinema.rights.offers[0];
    let sell = |viewer: &ViewerRights, territory, now| {
        quote(&cinema.rights, offer, viewer, territory, now)
            .map(|quote| quote.price.minor)
            .map_err(|denial| denial.code.as_str())
    };
    let around = |instant: UtcMs| [-1, 0, 1].map(|ms| sell(&nobody(), Some(cn()), UtcMs(instant.0 + ms)));
    assert_eq!(around(pvod_start()), [Err("WINDOW_NOT_OPEN"), Ok(1800), Ok(1800)]);
    assert_eq!(around(pvod_end()), [Ok(1800), Err("WINDOW_CLOSED"), Err("WINDOW_CLOSED")]);
    let lapses_at = UtcMs(pvod_start().0 + 1);
    let member = with(vec![], vec![cinema.member(lapses_at)]);
    assert_eq!(sell(&member, Some(cn()), UtcMs(lapses_at.0 - 1)), Ok(900));
    assert_eq!(sell(&member, Some(cn()), lapses_at), Ok(1800));
    let owner = with(vec![cinema.bought(pvod_start())], vec![]);
    let owned_until = UtcMs(pvod_start().0 + 48 * HOUR_MS);
    assert_eq!(sell(&owner, Some(cn()), UtcMs(owned_until.0 - 1)), Err("ALREADY_OWNED"));
    assert_eq!(sell(&owner, Some(cn()), owned_until), Ok(1800));
    assert_eq!(sell(&nobody(), None, pvod_start()), Err("GEO_NOT_LICENSED"));
    let refund = Grant { revoked_at: Some(pvod_start()), ..cinema.bought(pvod_start()) };
    assert_eq!(sell(&with(vec![refund], vec![]), Some(cn()), pvod_start()), Ok(1800));
}

#[test]
fn the_member_avail_is_the_attribution_of_a_member_session() {
    let cinema = cinema();
    let member = with(vec![], vec![cinema.member(UtcMs(i64::MAX))]);
    assert_eq!(cinema.session(&member, pvod_end()).entitlement.avail_id, Some(cinema.svod));
}

#[test]
fn a_presale_sells_from_its_instant_and_its_grant_runs_from_the_opening() {
    let mut cinema = cinema();
    let presale = UtcMs(pvod_start().0 - DAY_MS);
    cinema.rights.offers[0].presale_from_at = Some(presale);
    let sell = |cinema: &Cinema, viewer: &ViewerRights, now| {
        let quote = quote(&cinema.rights, &cinema.rights.offers[0], viewer, Some(cn()), now);
        quote.map(|quote| quote.price.minor).map_err(|denial| denial.code.as_str())
    };
    let around = [-1, 0, 1].map(|ms| sell(&cinema, &nobody(), UtcMs(presale.0 + ms)));
    assert_eq!(around, [Err("WINDOW_NOT_OPEN"), Ok(1800), Ok(1800)]);
    assert_eq!(cinema.around(&nobody(), presale), ["WINDOW_NOT_OPEN", "PAYMENT_REQUIRED", "PAYMENT_REQUIRED"]);

    let bought = Grant { available_at: pvod_start(), ..cinema.bought(presale) };
    assert_eq!(bought.expires_at(), Some(UtcMs(pvod_start().0 + 48 * HOUR_MS)));
    let viewer = with(vec![bought], vec![]);
    assert_eq!(cinema.around(&viewer, pvod_start()), ["WINDOW_NOT_OPEN", "grant", "grant"]);
    let Decision::Deny(denial) = decide(&cinema.rights, &viewer, Some(cn()), UtcMs(pvod_start().0 - 1)) else {
        panic!("allowed")
    };
    assert!(denial.is_acquired);
    assert_eq!(denial.next, [NextOption::Wait { opens_at: pvod_start() }]);
    assert_eq!(sell(&cinema, &viewer, UtcMs(pvod_start().0 - 1)), Err("ALREADY_OWNED"));
    let end = UtcMs(pvod_start().0 + 48 * HOUR_MS);
    assert_eq!(cinema.around(&viewer, end), ["grant", "RENTAL_EXPIRED", "RENTAL_EXPIRED"]);

    let rented = Grant { available_at: pvod_start(), ..cinema.rented(presale) };
    let start_by = UtcMs(pvod_start().0 + 30 * DAY_MS);
    let viewer = with(vec![rented], vec![]);
    assert_eq!(cinema.around(&viewer, start_by), ["grant", "START_BY_PASSED", "START_BY_PASSED"]);

    cinema.rights.offers[0].withdrawn_at = Some(pvod_start());
    let around = [-1, 0, 1].map(|ms| sell(&cinema, &nobody(), UtcMs(pvod_start().0 + ms)));
    assert_eq!(around, [Ok(1800), Err("OFFER_WITHDRAWN"), Err("OFFER_WITHDRAWN")]);
    assert_eq!(cinema.around(&nobody(), pvod_start()), ["PAYMENT_REQUIRED", "WINDOW_NOT_OPEN", "WINDOW_NOT_OPEN"]);
}

mod early_access;
mod edits;
mod episodes;
mod explained;
mod external;
mod languages;
mod licences;
mod precedence;
mod screeners;
mod teasers;

/// No plan that was saved is like this; what is sold and opened is asked about it all the same.
#[test]
fn what_is_held_back_is_neither_sold_nor_opened_whatever_its_window_says() {
    let mut cinema = cinema();
    let lifts_at = UtcMs(pvod_start().0 + 3 * DAY_MS);
    let event = HoldbackEvent::CinemaOpening { opens_at: pvod_start(), zone: "Asia/Shanghai".into() };
    cinema.rights.holdbacks.push(Holdback {
        id: HoldbackId::new(UtcMs(1)),
        title_id: cinema.rights.title.id,
        party: "横店院线".into(),
        contract: None,
        event,
        lag_days: 3,
        territories: TerritorySet::of([cn()]),
        license_types: vec![],
    });
    let sold =
        |now| quote(&cinema.rights, &cinema.rights.offers[0], &nobody(), Some(cn()), now).map_err(|denial| denial.code);
    for (now, expected) in [(-1, "WINDOW_NOT_OPEN"), (0, "PAYMENT_REQUIRED"), (1, "PAYMENT_REQUIRED")] {
        let now = UtcMs(lifts_at.0 + now);
        assert_eq!(cinema.answer(&nobody(), now), expected);
        assert_eq!(sold(now).err(), (expected == "WINDOW_NOT_OPEN").then_some(DenialCode::WindowNotOpen));
    }
    let Decision::Deny(denial) = decide(&cinema.rights, &nobody(), Some(cn()), pvod_start()) else { panic!() };
    assert_eq!(denial.next, [NextOption::Wait { opens_at: lifts_at }]);
    // What was bought plays.
    let viewer = with(vec![cinema.bought(pvod_start())], vec![]);
    assert_eq!(cinema.answer(&viewer, pvod_start()), "grant");
}

/// A presale is sold before its window opens, and so before what holds the window back lets go.
#[test]
fn a_presale_of_what_is_held_back_is_offered_and_sold() {
    let mut cinema = cinema();
    let sold_from = UtcMs(pvod_start().0 - 5 * DAY_MS);
    cinema.rights.offers[0].presale_from_at = Some(sold_from);
    cinema.rights.holdbacks.push(Holdback {
        id: HoldbackId::new(UtcMs(1)),
        title_id: cinema.rights.title.id,
        party: "横店院线".into(),
        contract: None,
        event: HoldbackEvent::CinemaOpening { opens_at: sold_from, zone: "Asia/Shanghai".into() },
        lag_days: 5,
        territories: TerritorySet::of([cn()]),
        license_types: vec![],
    });
    for (offset_ms, expected, is_sold) in [(-1, "WINDOW_NOT_OPEN", false), (0, "PAYMENT_REQUIRED", true)] {
        let now = UtcMs(sold_from.0 + offset_ms);
        assert_eq!(cinema.answer(&nobody(), now), expected);
        let quoted = quote(&cinema.rights, &cinema.rights.offers[0], &nobody(), Some(cn()), now);
        assert_eq!(quoted.is_ok(), is_sold);
    }
}
