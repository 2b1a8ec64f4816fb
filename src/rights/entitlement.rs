//! The one place that decides entitlement. [`decide`] opens a session and answers the storefront's button;
//! [`still_entitled`] is the cheaper question of every request. Both are total and pure.
//!
//! The order of checks is fixed and the first failure is the answer: title, territory, entitlement. Among entitlements
//! the order is: a grant whose clock runs (it is paid already), membership, free, and last a grant that would have to
//! be started, so that no rental clock starts while another right would play the same film.

use serde::{Deserialize, Serialize};

use crate::base::clock::UtcMs;
use crate::base::id::{AvailId, GrantId, MembershipId, OfferId};
use crate::base::money::Money;
use crate::base::territory::Territory;
use crate::catalog::title::{Title, TitleStatus};
use crate::rights::avail::{Avail, LicenseType};
use crate::rights::grant::{Grant, GrantPhase};
use crate::rights::membership::Membership;
use crate::rights::session::PlaybackSession;
use crate::rights::snapshot::TitleRights;
use crate::rights::window::WindowPhase;

/// A session that outlives its membership may still run this much longer than the film.
const MEMBERSHIP_TAIL_MS: i64 = 30 * 60 * 1000;

/// The answer to "may this viewer watch this title here and now?"
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    Allow(Entitlement),
    Deny(Denial),
}

/// Why a viewing is allowed: what is used, and how far it reaches. Fixed for the whole session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entitlement {
    pub cause: Cause,
    pub avail_id: AvailId,
    /// When viewing ends as things stand; none for a free title without a hard end.
    pub ends_at: Option<UtcMs>,
    /// Playing would start a rental clock.
    pub starts_clock: bool,
    /// Streams at once under the cause; zero means as many as one likes.
    pub streams: u32,
    /// Segments are encrypted: everything but free titles.
    pub is_protected: bool,
}

/// The right that is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "via", content = "id")]
pub enum Cause {
    Grant(GrantId),
    Membership(MembershipId),
    Free,
}

/// Why not, and what would help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    pub code: DenialCode,
    pub next: Vec<NextOption>,
}

/// Stable codes, in the order the checks are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DenialCode {
    /// Nothing the caller may know of.
    TitleNotListed,
    TitleWithdrawn,
    TitleSuspended,
    GeoNotLicensed,
    GrantRevoked,
    SessionRevoked,
    SessionEnded,
    RentalExpired,
    StartByPassed,
    PaymentRequired,
    MembershipRequired,
    WindowNotOpen,
    WindowClosed,
    TooManyStreams,
    /// A purchase of what is owned already.
    AlreadyOwned,
    /// This server takes no payments, or not in this mode.
    SalesClosed,
}

/// What the viewer can do about a denial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "action")]
pub enum NextOption {
    Buy { offer_id: OfferId, price: Money },
    Join,
    Wait { opens_at: UtcMs },
}

/// What a viewer brings: the grants for this title and all memberships. Nobody signed in brings nothing.
#[derive(Clone, Debug, Default)]
pub struct ViewerRights {
    pub grants: Vec<Grant>,
    pub memberships: Vec<Membership>,
}

impl ViewerRights {
    pub fn membership(&self, now: UtcMs) -> Option<&Membership> {
        self.memberships
            .iter()
            .filter(|membership| membership.is_active(now))
            .max_by_key(|membership| membership.ends_at)
    }

    pub fn is_member(&self, now: UtcMs) -> bool {
        self.membership(now).is_some()
    }
}

impl DenialCode {
    pub fn as_str(self) -> &'static str {
        match self {
            DenialCode::TitleNotListed => "TITLE_NOT_FOUND",
            DenialCode::TitleWithdrawn => "TITLE_WITHDRAWN",
            DenialCode::TitleSuspended => "TITLE_SUSPENDED",
            DenialCode::GeoNotLicensed => "GEO_NOT_LICENSED",
            DenialCode::GrantRevoked => "GRANT_REVOKED",
            DenialCode::SessionRevoked => "SESSION_REVOKED",
            DenialCode::SessionEnded => "SESSION_ENDED",
            DenialCode::RentalExpired => "RENTAL_EXPIRED",
            DenialCode::StartByPassed => "START_BY_PASSED",
            DenialCode::PaymentRequired => "PAYMENT_REQUIRED",
            DenialCode::MembershipRequired => "MEMBERSHIP_REQUIRED",
            DenialCode::WindowNotOpen => "WINDOW_NOT_OPEN",
            DenialCode::WindowClosed => "WINDOW_CLOSED",
            DenialCode::TooManyStreams => "TOO_MANY_STREAMS",
            DenialCode::AlreadyOwned => "ALREADY_OWNED",
            DenialCode::SalesClosed => "SALES_CLOSED",
        }
    }

    /// One sentence for a person: what is the case and what to do.
    pub fn message(self) -> &'static str {
        match self {
            DenialCode::TitleNotListed => "There is no such title.",
            DenialCode::TitleWithdrawn => "This title has been withdrawn.",
            DenialCode::TitleSuspended => "This title is not available for the moment. Please try again later.",
            DenialCode::GeoNotLicensed => "This title is not licensed where you are.",
            DenialCode::GrantRevoked => {
                "Your access to this title has been withdrawn. If you did not ask for a refund, contact support."
            }
            DenialCode::SessionRevoked => "This playback has been ended. Press Play to start again.",
            DenialCode::SessionEnded => "This playback has ended. Press Play to start again.",
            DenialCode::RentalExpired => "The viewing period is over. You can buy the title again while it is on sale.",
            DenialCode::StartByPassed => "The title was not started in time. You can buy it again while it is on sale.",
            DenialCode::PaymentRequired => "Buy this title to watch it.",
            DenialCode::MembershipRequired => "This title is included for members.",
            DenialCode::WindowNotOpen => "This title has not opened yet.",
            DenialCode::WindowClosed => "This title is no longer on offer.",
            DenialCode::TooManyStreams => "Too many streams at once. Stop watching elsewhere, or wait 90 seconds.",
            DenialCode::AlreadyOwned => "You already have this title; press Play.",
            DenialCode::SalesClosed => "This server does not take payments.",
        }
    }
}

impl Denial {
    pub fn of(code: DenialCode) -> Denial {
        Denial { code, next: Vec::new() }
    }
}

/// Whether a viewer may open a session for a title at `now`. An unknown territory matches no avail.
pub fn decide(title: &TitleRights, viewer: &ViewerRights, territory: Option<Territory>, now: UtcMs) -> Decision {
    if let Some(code) = title_denial(&title.title) {
        return Decision::Deny(Denial::of(code));
    }
    let covered: Vec<&Avail> = title.avails.iter().filter(|avail| covers(avail, territory)).collect();
    if covered.is_empty() {
        return Decision::Deny(Denial::of(DenialCode::GeoNotLicensed));
    }
    running_grant(&covered, viewer, now)
        .or_else(|| member_right(title, &covered, viewer, now))
        .or_else(|| free_right(&covered, now))
        .or_else(|| unstarted_grant(&covered, viewer, now))
        .map_or_else(|| Decision::Deny(no_entitlement(title, &covered, viewer, now)), Decision::Allow)
}

/// Whether an open session may go on at `now`: the session, the title as it stands, the grant it was opened with as it
/// stands, and where the request comes from.
pub fn still_entitled(
    session: &PlaybackSession,
    title: &TitleRights,
    grant: Option<&Grant>,
    territory: Option<Territory>,
    now: UtcMs,
) -> Result<(), DenialCode> {
    if session.revoked_at.is_some() {
        return Err(DenialCode::SessionRevoked);
    }
    if session.ended_at.is_some() {
        return Err(DenialCode::SessionEnded);
    }
    if let Some(code) = title_denial(&title.title) {
        return Err(code);
    }
    let Some(avail) = title.avail(session.entitlement.avail_id) else {
        return Err(DenialCode::WindowClosed);
    };
    if !covers(avail, territory) {
        return Err(DenialCode::GeoNotLicensed);
    }
    if avail.has_hard_ended(now) {
        return Err(DenialCode::WindowClosed);
    }
    match session.entitlement.cause {
        Cause::Grant(_) => match grant.map(|grant| grant.phase(now)) {
            Some(GrantPhase::Running | GrantPhase::Unstarted) => Ok(()),
            Some(GrantPhase::Expired) => Err(DenialCode::RentalExpired),
            Some(GrantPhase::StartByPassed) => Err(DenialCode::StartByPassed),
            Some(GrantPhase::Revoked) | None => Err(DenialCode::GrantRevoked),
        },
        Cause::Membership(_) if session.entitlement.ends_at.is_some_and(|ends_at| now >= ends_at) => {
            Err(DenialCode::MembershipRequired)
        }
        Cause::Membership(_) | Cause::Free => Ok(()),
    }
}

/// Why a title is neither sold nor played, whoever asks.
pub fn title_denial(title: &Title) -> Option<DenialCode> {
    match title.status {
        // Its film has not arrived.
        TitleStatus::Live if title.parts.is_empty() => Some(DenialCode::TitleSuspended),
        TitleStatus::Live => None,
        TitleStatus::Draft => Some(DenialCode::TitleNotListed),
        TitleStatus::Suspended => Some(DenialCode::TitleSuspended),
        TitleStatus::Withdrawn => Some(DenialCode::TitleWithdrawn),
    }
}

fn covers(avail: &Avail, territory: Option<Territory>) -> bool {
    territory.is_some_and(|territory| avail.territories.contains(territory))
}

fn running_grant(covered: &[&Avail], viewer: &ViewerRights, now: UtcMs) -> Option<Entitlement> {
    usable_grant(covered, viewer, now, GrantPhase::Running)
}

fn unstarted_grant(covered: &[&Avail], viewer: &ViewerRights, now: UtcMs) -> Option<Entitlement> {
    usable_grant(covered, viewer, now, GrantPhase::Unstarted)
}

/// The grant in `phase` that lasts longest.
fn usable_grant(covered: &[&Avail], viewer: &ViewerRights, now: UtcMs, phase: GrantPhase) -> Option<Entitlement> {
    let (grant, avail) = viewer
        .grants
        .iter()
        .filter(|grant| grant.phase(now) == phase)
        .filter_map(|grant| Some((grant, *covered.iter().find(|avail| avail.id == grant.avail_id)?)))
        .filter(|(_, avail)| !avail.has_hard_ended(now))
        .max_by_key(|(grant, _)| grant.expires_at())?;
    let expires_at = grant.expires_at();
    Some(Entitlement {
        cause: Cause::Grant(grant.id),
        avail_id: avail.id,
        ends_at: Some(avail.hard_end_at.map_or(expires_at, |hard_end_at| hard_end_at.min(expires_at))),
        starts_clock: phase == GrantPhase::Unstarted,
        streams: grant.streams,
        is_protected: true,
    })
}

fn member_right(title: &TitleRights, covered: &[&Avail], viewer: &ViewerRights, now: UtcMs) -> Option<Entitlement> {
    let membership = viewer.membership(now)?;
    let avail = open_avail(covered, LicenseType::Svod, now)?;
    let film_end = UtcMs(now.0.saturating_add(title.title.runtime_ms).saturating_add(MEMBERSHIP_TAIL_MS));
    let ends_at = membership.ends_at.max(film_end);
    Some(Entitlement {
        cause: Cause::Membership(membership.id),
        avail_id: avail.id,
        ends_at: Some(avail.hard_end_at.map_or(ends_at, |hard_end_at| hard_end_at.min(ends_at))),
        starts_clock: false,
        streams: membership.streams,
        is_protected: true,
    })
}

fn free_right(covered: &[&Avail], now: UtcMs) -> Option<Entitlement> {
    let avail = open_avail(covered, LicenseType::Avod, now)?;
    Some(Entitlement {
        cause: Cause::Free,
        avail_id: avail.id,
        ends_at: avail.hard_end_at,
        starts_clock: false,
        streams: 0,
        is_protected: false,
    })
}

fn open_avail<'a>(covered: &[&'a Avail], license_type: LicenseType, now: UtcMs) -> Option<&'a Avail> {
    covered
        .iter()
        .copied()
        .find(|avail| avail.license_type == license_type && avail.window.is_open(now) && !avail.has_hard_ended(now))
}

/// The most helpful true reason: what the viewer had and lost, then what can be had now, then when it opens.
fn no_entitlement(title: &TitleRights, covered: &[&Avail], viewer: &ViewerRights, now: UtcMs) -> Denial {
    let next = next_options(title, covered, viewer, now);
    let lost = viewer
        .grants
        .iter()
        .filter(|grant| covered.iter().any(|avail| avail.id == grant.avail_id))
        .filter_map(|grant| match grant.phase(now) {
            GrantPhase::Expired => Some((grant.expires_at(), DenialCode::RentalExpired)),
            GrantPhase::StartByPassed => Some((grant.expires_at(), DenialCode::StartByPassed)),
            // Alive and not used: the avail it was bought under has hard-ended.
            GrantPhase::Running | GrantPhase::Unstarted => Some((now, DenialCode::RentalExpired)),
            GrantPhase::Revoked => None,
        })
        .max_by_key(|(at, _)| *at);
    let code = match lost {
        Some((_, code)) => code,
        None if next.iter().any(|option| matches!(option, NextOption::Buy { .. })) => DenialCode::PaymentRequired,
        None if next.contains(&NextOption::Join) => DenialCode::MembershipRequired,
        None if next.iter().any(|option| matches!(option, NextOption::Wait { .. })) => DenialCode::WindowNotOpen,
        None => DenialCode::WindowClosed,
    };
    Denial { code, next }
}

/// What can be done now; and only when there is nothing, when the next window opens.
pub fn next_options(title: &TitleRights, covered: &[&Avail], viewer: &ViewerRights, now: UtcMs) -> Vec<NextOption> {
    let is_member = viewer.is_member(now);
    let mut options: Vec<NextOption> = covered
        .iter()
        .filter(|avail| {
            avail.license_type == LicenseType::Vod && avail.window.is_open(now) && !avail.has_hard_ended(now)
        })
        .flat_map(|avail| title.offers_of(avail.id))
        .map(|offer| NextOption::Buy { offer_id: offer.id, price: offer.price(is_member) })
        .collect();
    if !is_member && open_avail(covered, LicenseType::Svod, now).is_some() {
        options.push(NextOption::Join);
    }
    if options.is_empty() {
        let opening = covered
            .iter()
            .filter(|avail| avail.window.phase(now) == WindowPhase::NotOpen)
            .map(|avail| avail.window.start_at)
            .min();
        options.extend(opening.map(|opens_at| NextOption::Wait { opens_at }));
    }
    options
}

/// The avails that cover a territory.
pub fn covered_avails(title: &TitleRights, territory: Option<Territory>) -> Vec<&Avail> {
    title.avails.iter().filter(|avail| covers(avail, territory)).collect()
}

#[cfg(test)]
mod tests;
