//! The one place that decides what our own viewers may watch. [`decide`] opens a session and answers the storefront's
//! button; [`still_entitled`] is the cheaper question of every request. Both are total and pure. Viewers of a partner's are
//! decided on in `partner_pass`, trailers and previews in `teaser`.
//!
//! Both are walks that a tracer may follow: [`explain`] and [`explain_going_on`] are the same walks with one that keeps
//! each step, so an explanation cannot disagree with the decision.
//!
//! The order of checks is fixed and the first failure is the answer: title, licence, territory, entitlement, languages,
//! and which edit may be shown.
//! Among entitlements the order is: an episode that is free or unlocked, a grant whose clock runs (it is paid already),
//! membership, free, an invitation, and last a grant that would have to be started, so that no rental clock starts while
//! another right would play the same film. One under whose window nothing of the film may be heard, or not the language
//! that is asked for, gives way to the next.
//! Where all of that is nothing, the word of the operator's own billing counts, if it was asked (`external`).
//! An invitation alone also opens what is not open to anybody: see `screener`.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};

use crate::base::clock::UtcMs;
use crate::base::id::{AvailId, DealId, GrantId, MembershipId, PartyViewerId, ScreenerId, UnlockId};
use crate::base::protection::ProtectionScheme;
use crate::base::territory::Territory;
use crate::catalog::title::{Title, TitleStatus};
use crate::rights::avail::LicenseType;
use crate::rights::caps::{Caps, shared};
use crate::rights::clearance::Clearance;
use crate::rights::denial::{Denial, DenialCode};
use crate::rights::edit;
use crate::rights::episode::Episode;
use crate::rights::external::{External, external_right, unheard};
use crate::rights::grant::{Grant, GrantPhase};
use crate::rights::heard::HeardRights;
use crate::rights::language_range::LanguageRange;
use crate::rights::membership::Membership;
use crate::rights::partner_pass::partner_goes_on;
use crate::rights::portability::deemed;
use crate::rights::reach::{Reach, covers};
use crate::rights::remedy::{no_entitlement, nothing_heard};
use crate::rights::screener::{self, Screener, invited, screener_goes_on};
use crate::rights::session::PlaybackSession;
use crate::rights::snapshot::TitleRights;
use crate::rights::teaser::preview_goes_on;
use crate::rights::trace::{self, Check, GoingOn, Silent, Step, Steps, Tracer};
use crate::rights::unlock::Unlock;

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
    /// The avail that the viewing is attributed to; a trailer is under none, and a partner's viewer under a deal.
    pub avail_id: Option<AvailId>,
    /// The deal that a partner's viewer watches under.
    #[serde(default)]
    pub deal_id: Option<DealId>,
    /// When viewing ends as things stand; none for a free title without a hard end.
    pub ends_at: Option<UtcMs>,
    /// Playing would start a rental clock.
    pub starts_clock: bool,
    /// Streams at once under the cause; zero means as many as one likes.
    pub streams: u32,
    /// The membership that a grant plays beside.
    #[serde(default)]
    pub beside: Option<MembershipId>,
    /// Where the viewer lives: what is asked for elsewhere in the European Economic Area is asked for there.
    #[serde(default)]
    pub home: Option<Territory>,
    /// How much of the film may be watched, where that is not all of it.
    #[serde(default)]
    pub preview_ms: Option<i64>,
    /// How segments are sealed; free titles and trailers leave clear.
    #[serde(default, alias = "is_protected", deserialize_with = "scheme_or_flag")]
    pub protection: Option<ProtectionScheme>,
    /// What of the film may be seen and heard, where that is not all.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "shared")]
    pub caps: Option<Arc<Caps>>,
    /// What the operator's own billing calls the order that it was bought with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// The right that is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "via", content = "id")]
pub enum Cause {
    Grant(GrantId),
    Membership(MembershipId),
    /// One episode.
    Unlock(UnlockId),
    Free,
    /// The word of the operator's own billing.
    External,
    /// An invitation.
    Screener(ScreenerId),
    /// A partner's word, for one of its viewers.
    Partner(PartyViewerId),
    /// The trailer of a listed title, for anybody.
    Trailer,
    /// The beginning of a film that is on, for anybody.
    Preview,
}

/// What a viewer brings: the grants, unlocks and invitations of this title and all memberships. Nobody signed in brings nothing.
#[derive(Clone, Debug, Default)]
pub struct ViewerRights {
    pub grants: Vec<Grant>,
    pub memberships: Vec<Membership>,
    pub unlocks: Vec<Unlock>,
    pub screeners: Vec<Screener>,
    /// What the operator's own billing says of the title, where it was asked.
    pub external: Option<External>,
    /// Where the viewer lives, if that has been verified.
    pub home: Option<Territory>,
    /// The language to hear it in, where one was asked for: a right under which it is heard goes before the others.
    pub wanted: Option<LanguageRange>,
}

impl Cause {
    /// What it is called where a decision says why.
    pub fn rule(self) -> &'static str {
        match self {
            Cause::Grant(_) => "grant",
            Cause::Membership(_) => "membership",
            Cause::Unlock(_) => "unlock",
            Cause::Free => "free",
            Cause::External => "external",
            Cause::Screener(_) => "screener",
            Cause::Partner(_) => "partner",
            Cause::Trailer => "trailer",
            Cause::Preview => "preview",
        }
    }

    /// Whether it shows no more than what is to make people want the film.
    pub fn is_teaser(self) -> bool {
        matches!(self, Cause::Trailer | Cause::Preview)
    }

    /// Whether it is something that the viewer's account has: that is for its devices only.
    pub fn is_of_account(self) -> bool {
        match self {
            Cause::Grant(_) | Cause::Membership(_) | Cause::Unlock(_) | Cause::External | Cause::Screener(_) => true,
            Cause::Free | Cause::Partner(_) | Cause::Trailer | Cause::Preview => false,
        }
    }
}

impl Entitlement {
    pub fn grant_id(&self) -> Option<GrantId> {
        if let Cause::Grant(id) = self.cause { Some(id) } else { None }
    }

    pub fn screener_id(&self) -> Option<ScreenerId> {
        if let Cause::Screener(id) = self.cause { Some(id) } else { None }
    }

    /// The membership without which it ends.
    pub fn membership_id(&self) -> Option<MembershipId> {
        if let Cause::Membership(id) = self.cause { Some(id) } else { self.beside }
    }
}

impl ViewerRights {
    pub fn membership(&self, now: UtcMs) -> Option<&Membership> {
        self.memberships
            .iter()
            .filter(|membership| membership.is_active(now))
            .max_by_key(|membership| membership.ends_at)
    }

    /// The same without what the account has: what is left plays for anybody who is where this viewer is.
    pub fn of_anybody(&self) -> ViewerRights {
        ViewerRights { home: self.home, wanted: self.wanted.clone(), ..ViewerRights::default() }
    }

    pub fn is_member(&self, now: UtcMs) -> bool {
        self.membership(now).is_some()
    }
}

/// Whether a viewer may open a session for a title, which begins with its first part, at `now`. An unknown territory
/// matches no avail.
pub fn decide(title: &TitleRights, viewer: &ViewerRights, territory: Option<Territory>, now: UtcMs) -> Decision {
    decide_part(title, 1, viewer, territory, now)
}

/// The same for one of its parts, counted from 1.
pub fn decide_part(
    title: &TitleRights,
    part: u32,
    viewer: &ViewerRights,
    territory: Option<Territory>,
    now: UtcMs,
) -> Decision {
    walk(title, part, viewer, territory, now, &mut Silent)
}

/// The same decision, with every check it made.
pub fn explain(
    title: &TitleRights,
    part: u32,
    viewer: &ViewerRights,
    territory: Option<Territory>,
    now: UtcMs,
) -> (Decision, Vec<Step>) {
    let mut steps = Steps::default();
    let decision = walk(title, part, viewer, territory, now, &mut steps);
    // What an invitation has overruled, or what may be shown, decides nothing.
    let overrules = |step: &Step| step.check == Check::Screener || (step.check == Check::Edit && step.code.is_some());
    if let Some(last) = steps.0.iter().rposition(overrules) {
        for step in &mut steps.0[..last] {
            step.code = None;
        }
    }
    (decision, steps.0)
}

fn walk(
    title: &TitleRights,
    part: u32,
    viewer: &ViewerRights,
    territory: Option<Territory>,
    now: UtcMs,
    tracer: &mut impl Tracer,
) -> Decision {
    let place = deemed(viewer.home, territory);
    if place != territory {
        tracer.step(|| trace::home(viewer.home, territory));
    }
    let decision = match enter(title, place, now, tracer) {
        Ok(reach) => decide_under(&Episode { part, reach: &reach, viewer, now }, tracer),
        Err(code) => Decision::Deny(Denial::of(code)),
    };
    let decision = invited(decision, title, viewer, territory, now, tracer);
    edit::shown(decision, title, part, place, territory, tracer)
}

/// What anybody who brings nothing would be told, wherever the title is licensed: how it stands in commerce.
pub fn decide_anywhere(title: &TitleRights, now: UtcMs) -> Decision {
    if let Some(code) = title_denial(&title.title, now) {
        return Decision::Deny(Denial::of(code));
    }
    let all = Reach::anywhere(title);
    decide_under(&Episode { part: 1, reach: &all, viewer: &ViewerRights::default(), now }, &mut Silent)
}

/// What comes before every right: the title, its licence, the territory.
pub fn enter<'a>(
    title: &'a TitleRights,
    territory: Option<Territory>,
    now: UtcMs,
    tracer: &mut impl Tracer,
) -> Result<Reach<'a>, DenialCode> {
    let code = title_denial(&title.title, now);
    tracer.step(|| trace::title(&title.title, code));
    code.map_or(Ok(()), Err)?;
    let reach = Reach::of(title, territory, now);
    tracer.step(|| trace::licence(reach.clearance, territory));
    reach.clearance.denial().map_or(Ok(()), Err)?;
    tracer.step(|| trace::territory(title.avails.len(), &reach.covered, territory));
    if reach.covered.is_empty() { Err(DenialCode::GeoNotLicensed) } else { Ok(reach) }
}

fn decide_under(episode: &Episode<'_>, tracer: &mut impl Tracer) -> Decision {
    let Episode { reach, viewer, now, .. } = *episode;
    let (title, covered) = (reach.title, &reach.covered);
    let mut rights = HeardRights::of(episode);
    let right = episode.right();
    if title.title.details.episodes.is_some() || right.is_some() {
        tracer.step(|| trace::episode(episode, right.as_ref()));
    }
    rights.offer(right, tracer);
    if rights.found.is_none() {
        let right = running_grant(title, episode.part, reach, viewer, now);
        tracer.step(|| trace::grants(&viewer.grants, right.as_ref(), GrantPhase::Running, now));
        rights.offer(right, tracer);
    }
    if rights.found.is_none() {
        let right = member_right(episode);
        tracer.step(|| trace::membership(viewer.membership(now), covered, right.as_ref(), now));
        rights.offer(right, tracer);
    }
    if rights.found.is_none() {
        let right = free_right(episode);
        tracer.step(|| trace::free(covered, right.as_ref(), now));
        rights.offer(right, tracer);
    }
    if rights.found.is_none() {
        let right = unstarted_grant(title, episode.part, reach, viewer, now);
        tracer.step(|| trace::grants(&viewer.grants, right.as_ref(), GrantPhase::Unstarted, now));
        rights.offer(right, tracer);
    }
    if rights.found.is_none()
        && let Some(external) = &viewer.external
    {
        let right = external_right(episode);
        tracer.step(|| trace::external(external, right.as_ref()));
        rights.offer(right, tracer);
    }
    let decision = match (rights.used(), rights.mute) {
        (Some(right), _) => match episode.waits(&right) {
            Some(denial) => Decision::Deny(denial),
            None => Decision::Allow(Entitlement { home: viewer.home, ..right }),
        },
        (None, Some(right)) => Decision::Deny(episode.waits(&right).unwrap_or_else(|| nothing_heard(episode, &right))),
        (None, None) => Decision::Deny(unheard(no_entitlement(episode), episode)),
    };
    tracer.step(|| trace::window(covered, &decision, now));
    decision
}

/// Whether an open session may go on at `now`: the session, the title as it stands, the grant it was opened with as it
/// stands, and where the request comes from. A membership that was ended early ends its sessions; one that ran out lets
/// them finish the film.
pub fn still_entitled(
    session: &PlaybackSession,
    title: &TitleRights,
    grant: Option<&Grant>,
    membership: Option<&Membership>,
    territory: Option<Territory>,
    now: UtcMs,
) -> Result<(), DenialCode> {
    go_on(session, title, grant, membership, territory, now, &mut Silent)
}

/// The same answer, with every check it made.
pub fn explain_going_on(
    session: &PlaybackSession,
    title: &TitleRights,
    grant: Option<&Grant>,
    membership: Option<&Membership>,
    territory: Option<Territory>,
    now: UtcMs,
) -> (Result<(), DenialCode>, Vec<Step>) {
    let mut steps = Steps::default();
    let answer = go_on(session, title, grant, membership, territory, now, &mut steps);
    (answer, steps.0)
}

fn go_on(
    session: &PlaybackSession,
    title: &TitleRights,
    grant: Option<&Grant>,
    membership: Option<&Membership>,
    territory: Option<Territory>,
    now: UtcMs,
    tracer: &mut impl Tracer,
) -> Result<(), DenialCode> {
    let territory = deemed(session.entitlement.home, territory);
    right_goes_on(&GoingOn { session, title, grant, membership, territory, now }, tracer)?;
    if now < session.expires_at {
        return Ok(());
    }
    // Last, so that a hard end, which is as late, is said to be one.
    tracer.step(|| trace::expired(session));
    Err(DenialCode::SessionExpired)
}

fn right_goes_on(asked: &GoingOn<'_>, tracer: &mut impl Tracer) -> Result<(), DenialCode> {
    let GoingOn { session, title, grant, membership, territory, now } = *asked;
    let mut pass = |answer: Result<(), DenialCode>, step: fn(&GoingOn<'_>, Option<DenialCode>) -> Step| {
        tracer.step(|| step(asked, answer.err()));
        answer
    };
    pass(session_goes_on(session), trace::session)?;
    let is_trailer = session.entitlement.cause == Cause::Trailer;
    let is_invited = session.entitlement.screener_id().is_some();
    let denial = match (is_trailer, is_invited) {
        (true, _) => listing_denial(title.title.standing(now)),
        (_, true) => screener::title_block(&title.title, now),
        _ => title_denial(&title.title, now),
    };
    pass(denial.map_or(Ok(()), Err), trace::title_of)?;
    let clearance = Clearance::of(&title.title, territory, now);
    pass(clearance.denial().map_or(Ok(()), Err), trace::licence_of)?;
    if is_trailer {
        return Ok(());
    }
    pass(edit::goes_on(session, title, territory), trace::edit_of_session)?;
    if let Cause::Partner(_) = session.entitlement.cause {
        return pass(partner_goes_on(session, title, territory, now), trace::deal_of);
    }
    if is_invited {
        return pass(screener_goes_on(session, title, territory, now), trace::screener_of);
    }
    let avail = session.entitlement.avail_id.and_then(|id| title.avail(id));
    let avail = avail.ok_or(DenialCode::WindowClosed);
    pass(avail.map(|_| ()), trace::avail_of)?;
    let avail = avail?;
    pass(if covers(avail, territory) { Ok(()) } else { Err(DenialCode::GeoNotLicensed) }, trace::territory_of)?;
    let is_over = avail.has_hard_ended(now)
        || (session.entitlement.cause == Cause::Preview && !preview_goes_on(title, avail, now));
    pass(if is_over { Err(DenialCode::WindowClosed) } else { Ok(()) }, trace::hard_end_of)?;
    pass(cause_goes_on(session, grant, membership, now), trace::cause_of)?;
    pass(Ok(()), trace::languages_of)
}

fn session_goes_on(session: &PlaybackSession) -> Result<(), DenialCode> {
    if session.revoked_at.is_some() {
        return Err(DenialCode::SessionRevoked);
    }
    if session.ended_at.is_some() { Err(DenialCode::SessionEnded) } else { Ok(()) }
}

fn cause_goes_on(
    session: &PlaybackSession,
    grant: Option<&Grant>,
    membership: Option<&Membership>,
    now: UtcMs,
) -> Result<(), DenialCode> {
    match session.entitlement.cause {
        Cause::Grant(_) => match grant.map(|grant| grant.phase(now)) {
            Some(GrantPhase::Running | GrantPhase::Unstarted) if session.entitlement.beside.is_some() => {
                membership_goes_on(session, membership, now)
            }
            Some(GrantPhase::Running | GrantPhase::Unstarted) => Ok(()),
            Some(GrantPhase::Expired) => Err(DenialCode::RentalExpired),
            Some(GrantPhase::StartByPassed) => Err(DenialCode::StartByPassed),
            // It could not be played when the session opened: the clock went back.
            Some(GrantPhase::Upcoming) => Err(DenialCode::WindowNotOpen),
            Some(GrantPhase::Revoked) | None => Err(DenialCode::GrantRevoked),
        },
        Cause::Membership(_) => membership_goes_on(session, membership, now),
        Cause::External => match session.entitlement.ends_at {
            Some(ends_at) if now >= ends_at => Err(DenialCode::RentalExpired),
            _ => Ok(()),
        },
        // A partner's session is asked about by its deal, and an invited one by its invitation.
        Cause::Partner(_) | Cause::Screener(_) | Cause::Unlock(_) | Cause::Free | Cause::Trailer | Cause::Preview => {
            Ok(())
        }
    }
}

fn membership_goes_on(
    session: &PlaybackSession,
    membership: Option<&Membership>,
    now: UtcMs,
) -> Result<(), DenialCode> {
    let is_over = session.entitlement.ends_at.is_some_and(|ends_at| now >= ends_at);
    let was_ended = membership.is_none_or(|membership| membership.revoked_at.is_some());
    if is_over || was_ended { Err(DenialCode::MembershipRequired) } else { Ok(()) }
}

/// Why a title is neither sold nor played, whoever asks.
pub fn title_denial(title: &Title, now: UtcMs) -> Option<DenialCode> {
    match listing_denial(title.standing(now)) {
        // Its film has not arrived.
        None if title.parts.is_empty() => Some(DenialCode::TitleSuspended),
        denial => denial,
    }
}

/// Why nothing of a title is shown, not even what makes people want it.
pub fn listing_denial(status: TitleStatus) -> Option<DenialCode> {
    match status {
        TitleStatus::Live => None,
        TitleStatus::Draft => Some(DenialCode::TitleNotListed),
        TitleStatus::Suspended => Some(DenialCode::TitleSuspended),
        TitleStatus::Withdrawn => Some(DenialCode::TitleWithdrawn),
    }
}

fn running_grant(
    title: &TitleRights,
    part: u32,
    reach: &Reach<'_>,
    viewer: &ViewerRights,
    now: UtcMs,
) -> Option<Entitlement> {
    usable_grant(title, part, reach, viewer, now, GrantPhase::Running)
}

fn unstarted_grant(
    title: &TitleRights,
    part: u32,
    reach: &Reach<'_>,
    viewer: &ViewerRights,
    now: UtcMs,
) -> Option<Entitlement> {
    usable_grant(title, part, reach, viewer, now, GrantPhase::Unstarted)
}

/// The grant in `phase` that lasts longest, of those under which something is heard, where there is one.
fn usable_grant(
    title: &TitleRights,
    part: u32,
    reach: &Reach<'_>,
    viewer: &ViewerRights,
    now: UtcMs,
    phase: GrantPhase,
) -> Option<Entitlement> {
    let membership = viewer.membership(now);
    let (grant, avail) = viewer
        .grants
        .iter()
        .filter(|grant| grant.phase(now) == phase)
        .filter_map(|grant| Some((grant, *reach.covered.iter().find(|avail| avail.id == grant.avail_id)?)))
        .filter(|(grant, avail)| !avail.has_hard_ended(now) && reach.plays_beside(grant, avail, membership, now))
        .max_by_key(|(grant, avail)| (reach.hearing(part, avail, viewer.wanted.as_ref()), grant.lasts_until()))?;
    let beside = membership.filter(|_| grant.clock.needs_membership());
    let finished_at = beside.map(|membership| film_end(title, membership, now));
    Some(Entitlement {
        cause: Cause::Grant(grant.id),
        avail_id: Some(avail.id),
        deal_id: None,
        ends_at: grant.expires_at().into_iter().chain(finished_at).chain(avail.hard_end_at).min(),
        beside: beside.map(|membership| membership.id),
        starts_clock: phase == GrantPhase::Unstarted,
        streams: grant.streams,
        home: None,
        preview_ms: None,
        reference: None,
        protection: Some(title.title.details.protection),
        caps: avail.caps.clone(),
    })
}

/// Until when a session that needs this membership goes on: a film that was begun may be finished.
fn film_end(title: &TitleRights, membership: &Membership, now: UtcMs) -> UtcMs {
    let tail = UtcMs(now.0.saturating_add(title.title.runtime_ms).saturating_add(MEMBERSHIP_TAIL_MS));
    membership.ends_at.max(tail)
}

fn member_right(episode: &Episode<'_>) -> Option<Entitlement> {
    let Episode { part, reach, viewer, now } = *episode;
    let title = reach.title;
    let membership = viewer.membership(now)?;
    let avail = reach.open_avail(LicenseType::Svod, part, viewer.wanted.as_ref(), now)?;
    let ends_at = film_end(title, membership, now);
    Some(Entitlement {
        cause: Cause::Membership(membership.id),
        avail_id: Some(avail.id),
        deal_id: None,
        ends_at: Some(avail.hard_end_at.map_or(ends_at, |hard_end_at| hard_end_at.min(ends_at))),
        starts_clock: false,
        streams: membership.streams,
        beside: None,
        home: None,
        preview_ms: None,
        reference: None,
        protection: Some(title.title.details.protection),
        caps: avail.caps.clone(),
    })
}

fn free_right(episode: &Episode<'_>) -> Option<Entitlement> {
    let Episode { part, reach, viewer, now } = *episode;
    let avail = reach.open_avail(LicenseType::Avod, part, viewer.wanted.as_ref(), now)?;
    Some(Entitlement {
        cause: Cause::Free,
        avail_id: Some(avail.id),
        deal_id: None,
        ends_at: avail.hard_end_at,
        starts_clock: false,
        streams: 0,
        beside: None,
        home: None,
        preview_ms: None,
        reference: None,
        protection: None,
        caps: avail.caps.clone(),
    })
}

/// Sessions that were opened before there was a choice say only whether they are protected.
fn scheme_or_flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ProtectionScheme>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Stored {
        Flag(bool),
        Scheme(ProtectionScheme),
    }
    Ok(Option::deserialize(deserializer)?.and_then(|stored| match stored {
        Stored::Flag(is_protected) => is_protected.then_some(ProtectionScheme::Aes128),
        Stored::Scheme(scheme) => Some(scheme),
    }))
}

#[cfg(test)]
mod tests;
