//! An invitation: a named viewer may watch one title before or beside everything that is open to others, until an instant
//! that no clock moves (festivals, press, juries, the house itself).
//!
//! It stands beside the windows and not in them, so it asks for none: neither a draft nor a title that is not announced,
//! neither a territory without an avail nor a release licence that is still to come keeps an invited viewer out. What is
//! blocked by law or by us does: a title that is suspended or withdrawn, and in China a licence that was revoked.
//!
//! It costs nothing, so it is used before anything that would start a clock, and after every right that plays as it is: a
//! viewing that was paid for is attributed to what was paid.

use serde::{Deserialize, Serialize};

use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{ScreenerId, TitleId, ViewerId};
use crate::base::limits;
use crate::base::territory::{Territory, TerritorySet};
use crate::catalog::title::Title;
use crate::rights::clearance::Clearance;
use crate::rights::denial::{Denial, DenialCode, NextOption};
use crate::rights::entitlement::{Cause, Decision, Entitlement, ViewerRights, title_denial};
use crate::rights::session::PlaybackSession;
use crate::rights::snapshot::TitleRights;
use crate::rights::trace::{self, Tracer};
use crate::rights::window::WindowPhase;

/// One viewer's invitation to one title, in `[starts_at, ends_at)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Screener {
    pub id: ScreenerId,
    pub title_id: TitleId,
    pub viewer_id: ViewerId,
    pub kind: ScreenerKind,
    pub starts_at: UtcMs,
    /// A hard end: a session that runs ends with it.
    pub ends_at: UtcMs,
    pub streams: u32,
    /// Anywhere, where none are named.
    pub territories: Option<TerritorySet>,
    /// What it is for, for operators.
    pub note: Option<String>,
    pub created_at: UtcMs,
    pub revoked_at: Option<UtcMs>,
}

/// Why somebody is invited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScreenerKind {
    Festival,
    Press,
    Jury,
    Internal,
}

impl Screener {
    /// Refuses what no operator can have meant.
    pub fn check(&self) -> Result<()> {
        let refuse = |param: &str, message: String| {
            Err(Error::new(ErrorKind::Unprocessable, "SCREENER_INVALID", message).with_param(param))
        };
        if self.ends_at <= self.starts_at {
            return refuse("ends_at", "An invitation ends after it begins.".into());
        }
        if self.ends_at <= self.created_at {
            return refuse("ends_at", "This invitation would be over already. Let it end later.".into());
        }
        if self.ends_at.since(self.starts_at) > limits::SCREENER_AGE_MAX {
            let days = limits::SCREENER_AGE_MAX.as_secs() / (24 * 3600);
            return refuse("ends_at", format!("An invitation lasts {days} days at most."));
        }
        if !(1..=limits::SCREENER_STREAMS_MAX).contains(&self.streams) {
            return refuse("streams", format!("1 to {} streams at once.", limits::SCREENER_STREAMS_MAX));
        }
        let chars = self.note.as_ref().map_or(1, |note| note.trim().chars().count());
        if !(1..=limits::REASON_CHARS_MAX).contains(&chars) {
            return refuse("note", format!("A note has 1 to {} characters.", limits::REASON_CHARS_MAX));
        }
        Ok(())
    }

    pub fn phase(&self, now: UtcMs) -> WindowPhase {
        match now {
            now if now < self.starts_at => WindowPhase::NotOpen,
            now if now < self.ends_at => WindowPhase::Open,
            _ => WindowPhase::Closed,
        }
    }

    /// Whether it is, or will be, worth anything.
    pub fn is_alive(&self, now: UtcMs) -> bool {
        self.revoked_at.is_none() && self.phase(now) != WindowPhase::Closed
    }

    /// Whether it holds in a territory. Where it holds anywhere, nobody has to know which one that is.
    fn covers(&self, territory: Option<Territory>) -> bool {
        self.territories.as_ref().is_none_or(|set| territory.is_some_and(|territory| set.contains(territory)))
    }

    fn entitlement(&self, title: &Title) -> Entitlement {
        Entitlement {
            cause: Cause::Screener(self.id),
            avail_id: None,
            deal_id: None,
            ends_at: Some(self.ends_at),
            starts_clock: false,
            streams: self.streams,
            beside: None,
            home: None,
            preview_ms: None,
            reference: None,
            protection: Some(title.details.protection),
            caps: None,
        }
    }
}

/// What becomes of a decision by what the viewer is invited to. Nothing changes where another right plays as it is, or
/// where the title is blocked for everybody.
pub fn invited(
    decision: Decision,
    title: &TitleRights,
    viewer: &ViewerRights,
    territory: Option<Territory>,
    now: UtcMs,
    tracer: &mut impl Tracer,
) -> Decision {
    let standing: Vec<&Screener> = viewer.screeners.iter().filter(|screener| screener.revoked_at.is_none()).collect();
    if standing.is_empty() || !is_open_question(&decision) {
        return decision;
    }
    // Whoever is invited to a draft has come past nothing yet.
    if let Some(code) = block(&title.title, territory, now) {
        let decision = Decision::Deny(Denial::of(code));
        tracer.step(|| trace::screener(&standing, &decision, now));
        return decision;
    }
    let decision = answer(decision, &standing, &title.title, territory, now);
    tracer.step(|| trace::screener(&standing, &decision, now));
    decision
}

/// What keeps even an invited viewer out.
fn block(title: &Title, territory: Option<Territory>, now: UtcMs) -> Option<DenialCode> {
    title_block(title, now).or_else(|| legal_block(title, territory, now))
}

/// What the law of the place forbids. Where nobody knows the place, it may be China.
fn legal_block(title: &Title, territory: Option<Territory>, now: UtcMs) -> Option<DenialCode> {
    Clearance::of(title, territory.or(Some(Territory::CHINA)), now).denial()
}

/// The same, as far as the title itself says so.
pub fn title_block(title: &Title, now: UtcMs) -> Option<DenialCode> {
    match title_denial(title, now) {
        Some(DenialCode::TitleNotListed) if title.parts.is_empty() => Some(DenialCode::TitleSuspended),
        Some(DenialCode::TitleNotListed) | None => None,
        denial => denial,
    }
}

/// Whether an invitation could change it.
fn is_open_question(decision: &Decision) -> bool {
    match decision {
        // What is had elsewhere comes last.
        Decision::Allow(right) => right.starts_clock || right.cause == Cause::External,
        Decision::Deny(denial) => {
            !matches!(denial.code, DenialCode::TitleWithdrawn | DenialCode::TitleSuspended | DenialCode::LicenceRevoked)
        }
    }
}

fn answer(
    decision: Decision,
    standing: &[&Screener],
    title: &Title,
    territory: Option<Territory>,
    now: UtcMs,
) -> Decision {
    let here = || standing.iter().filter(|screener| screener.covers(territory));
    let open = here().filter(|screener| screener.phase(now) == WindowPhase::Open);
    if let Some(screener) = open.max_by_key(|screener| screener.ends_at) {
        return Decision::Allow(screener.entitlement(title));
    }
    let Decision::Deny(denial) = decision else { return decision };
    // What can be bought or joined says more than what was or will be.
    if !is_silent(&denial) {
        return Decision::Deny(denial);
    }
    let upcoming = here().filter(|screener| screener.phase(now) == WindowPhase::NotOpen);
    if let Some(opens_at) = upcoming.map(|screener| screener.starts_at).min() {
        let sooner =
            denial.next.iter().any(|option| matches!(option, NextOption::Wait { opens_at: at } if *at <= opens_at));
        if sooner {
            return Decision::Deny(denial);
        }
        let next = vec![NextOption::Wait { opens_at }];
        return Decision::Deny(Denial { code: DenialCode::WindowNotOpen, next, is_acquired: true });
    }
    if here().next().is_some() {
        return Decision::Deny(Denial { code: DenialCode::ScreeningOver, ..denial });
    }
    // Of an invitation that holds elsewhere: whoever knows of the title because of it is told why it is not there.
    let is_alive = standing.iter().any(|screener| screener.is_alive(now));
    let is_hidden = denial.code == DenialCode::TitleNotListed && is_alive;
    Decision::Deny(if is_hidden { Denial { code: DenialCode::GeoNotLicensed, ..denial } } else { denial })
}

/// Whether a denial leaves nothing to do, or nothing but waiting.
fn is_silent(denial: &Denial) -> bool {
    let is_about_what_is_on = matches!(
        denial.code,
        DenialCode::TitleNotListed
            | DenialCode::LicenceRequired
            | DenialCode::GeoNotLicensed
            | DenialCode::WindowNotOpen
            | DenialCode::WindowClosed
    );
    is_about_what_is_on
        && !denial.is_acquired
        && denial.next.iter().all(|option| matches!(option, NextOption::Wait { .. }))
}

/// Whether an open session goes on: the invitation stands, and its end has not come. Wherever its viewer has gone since,
/// it must hold there.
pub fn screener_goes_on(
    session: &PlaybackSession,
    title: &TitleRights,
    territory: Option<Territory>,
    now: UtcMs,
) -> Result<(), DenialCode> {
    legal_block(&title.title, territory, now).map_or(Ok(()), Err)?;
    let screener = session.entitlement.screener_id().and_then(|id| title.screener(id));
    let screener = screener.filter(|screener| screener.revoked_at.is_none()).ok_or(DenialCode::InvitationRevoked)?;
    if !screener.covers(territory) {
        return Err(DenialCode::GeoNotLicensed);
    }
    if now < screener.ends_at { Ok(()) } else { Err(DenialCode::ScreeningOver) }
}
