//! The steps of a decision: what was checked, on what facts, and what came of it. A step is only made where somebody
//! keeps it; [`Silent`] is what the media path passes in, and costs nothing.

use serde::Serialize;
use serde_json::{Value, json};

use crate::base::clock::UtcMs;
use crate::base::territory::Territory;
use crate::catalog::compliance::{Charge, ComplianceState};
use crate::catalog::placement::{CleanEdit, PlacementCategory};
use crate::catalog::title::Title;
use crate::rights::ads::Ads;
use crate::rights::avail::{Avail, LicenseType};
use crate::rights::clearance::Clearance;
use crate::rights::denial::DenialCode;
use crate::rights::entitlement::{Cause, Decision, Entitlement};
use crate::rights::episode::Episode;
use crate::rights::external::External;
use crate::rights::grant::{Grant, GrantPhase};
use crate::rights::language_range::LanguageRange;
use crate::rights::language_terms::{Hearing, Sound};
use crate::rights::membership::Membership;
use crate::rights::screener::Screener;
use crate::rights::session::PlaybackSession;
use crate::rights::snapshot::TitleRights;
use crate::rights::window::WindowPhase;

/// Follows a decision.
pub trait Tracer {
    fn step(&mut self, step: impl FnOnce() -> Step);
}

/// Keeps nothing.
pub struct Silent;

/// Keeps every step.
#[derive(Default)]
pub struct Steps(pub Vec<Step>);

/// One check.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    pub check: Check,
    pub outcome: Outcome,
    /// Why it failed, where that alone decides.
    pub code: Option<DenialCode>,
    /// One sentence for an operator.
    pub says: String,
    pub facts: Value,
}

/// What is checked, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Of an open session only.
    Session,
    /// Of a viewer who is in another state of the European Economic Area than at home.
    Home,
    Title,
    Licence,
    Territory,
    /// Of a series that is had episode by episode.
    Episode,
    Grant,
    Membership,
    Free,
    /// What the operator's own billing says, where it was asked.
    External,
    /// What of the film may be heard and read, under each right that is found.
    Languages,
    Window,
    /// Of a viewer who is invited.
    Screener,
    /// Of a partner's viewer.
    Deal,
    /// Of a title with product placements, or with clean edits.
    Edit,
    /// Of what the viewer's account has: how many devices it may watch on.
    Devices,
    Streams,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Pass,
    Fail,
    /// Something before it has decided.
    Skip,
}

/// What an open session is asked about.
pub struct GoingOn<'a> {
    pub session: &'a PlaybackSession,
    pub title: &'a TitleRights,
    pub grant: Option<&'a Grant>,
    pub membership: Option<&'a Membership>,
    pub territory: Option<Territory>,
    pub now: UtcMs,
}

impl Tracer for Silent {
    fn step(&mut self, _: impl FnOnce() -> Step) {}
}

impl Tracer for Steps {
    fn step(&mut self, step: impl FnOnce() -> Step) {
        self.0.push(step());
    }
}

impl Serialize for DenialCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Step {
    pub fn new(
        check: Check,
        outcome: Outcome,
        code: Option<DenialCode>,
        says: impl Into<String>,
        facts: Value,
    ) -> Step {
        Step { check, outcome, code, says: says.into(), facts }
    }

    /// A step that nobody came to.
    pub fn skipped(check: Check) -> Step {
        Step::new(check, Outcome::Skip, None, "Not looked at: an earlier check has decided.", json!({}))
    }
}

/// Whether the title's status allows anything at all.
pub fn title(title: &Title, code: Option<DenialCode>) -> Step {
    let says = match code {
        None => "The title is live and has its film.".to_owned(),
        Some(code) => code.message().to_owned(),
    };
    let facts = json!({"status": title.status, "announced_at": title.details.announced_at, "parts": title.parts.len()});
    Step::new(Check::Title, passed(code.is_none()), code, says, facts)
}

/// Whether it may be offered there by its compliance.
pub fn licence(clearance: Clearance, territory: Option<Territory>) -> Step {
    let code = clearance.denial();
    let is_clear = clearance.0.clears(Charge::Paid);
    let says = match (code, clearance.0) {
        (Some(code), _) => code.message(),
        (None, ComplianceState::NotApplicable) => "No release licence is asked for there.",
        (None, ComplianceState::OriginUnknown) => {
            "Nobody has said where it was made: nothing of it may be offered there before that."
        }
        (None, ComplianceState::Ordinary) => "It is declared ordinary: it may be shown free of charge only.",
        (None, _) if is_clear => "Its release licence is in order.",
        (None, _) => "Its release licence is not in order: nothing of it may be offered there.",
    };
    Step::new(Check::Licence, passed(is_clear), code, says, json!({"territory": territory, "state": clearance.0}))
}

/// Which windows cover the territory.
pub fn territory(windows: usize, covered: &[&Avail], territory: Option<Territory>) -> Step {
    let place = territory.map_or_else(|| "an unknown territory".to_owned(), |territory| territory.to_string());
    let says = if covered.is_empty() {
        format!("None of the {windows} windows covers {place}.")
    } else {
        format!("{} of {windows} windows cover {place}.", covered.len())
    };
    let code = covered.is_empty().then_some(DenialCode::GeoNotLicensed);
    let ids: Vec<_> = covered.iter().map(|avail| avail.id).collect();
    Step::new(Check::Territory, passed(code.is_none()), code, says, json!({"territory": territory, "avails": ids}))
}

/// That a viewer who travels is taken to be at home.
pub fn home(home: Option<Territory>, here: Option<Territory>) -> Step {
    let says =
        "The viewer lives in one state of the European Economic Area and is in another: this is asked as at home.";
    Step::new(Check::Home, Outcome::Pass, None, says, json!({"home": home, "territory": here}))
}

/// Whether the terms of the series give the episode.
pub fn episode(episode: &Episode<'_>, right: Option<&Entitlement>) -> Step {
    let details = &episode.reach.title.title.details;
    let says = match right.map(|right| right.cause) {
        Some(Cause::Free) => "The episode is free.",
        Some(_) => "The viewer has unlocked the episode.",
        None => "The viewer has not unlocked the episode.",
    };
    let unlocked: Vec<u32> = episode.viewer.unlocks.iter().map(|unlock| unlock.part).collect();
    let facts = json!({"part": episode.part, "terms": details.episodes, "unlocked": unlocked});
    Step::new(Check::Episode, passed(right.is_some()), None, says, facts)
}

/// Whether a grant in `wanted` phase plays: one that runs comes first, one that would have to be started comes last.
pub fn grants(grants: &[Grant], right: Option<&Entitlement>, wanted: GrantPhase, now: UtcMs) -> Step {
    let says = match (right, wanted) {
        (Some(_), GrantPhase::Running) => "A purchase's viewing period runs.",
        (Some(_), _) => "A purchase is there and playing starts its viewing period.",
        (None, GrantPhase::Running) if waits_for_membership(grants, now) => {
            "A purchase is there that plays for members only, and until they have the title anyway."
        }
        (None, _) if grants.is_empty() => "The viewer has bought nothing of this title.",
        (None, GrantPhase::Running) => "No purchase's viewing period runs here.",
        (None, _) => "No purchase waits to be started.",
    };
    let known: Vec<Value> = grants.iter().map(|grant| grant_facts(grant, now)).collect();
    Step::new(Check::Grant, passed(right.is_some()), None, says, json!({"wanted": phase(wanted), "grants": known}))
}

/// Whether a membership plays it.
pub fn membership(
    membership: Option<&Membership>,
    covered: &[&Avail],
    right: Option<&Entitlement>,
    now: UtcMs,
) -> Step {
    let says = match (right, membership) {
        (Some(_), _) => "The membership includes the title.",
        (None, None) => "The viewer has no membership at that time.",
        (None, Some(_)) => "The viewer is a member, and no window for members is open here.",
    };
    let windows = windows(covered, LicenseType::Svod, now);
    let facts = json!({"membership_id": membership.map(|membership| membership.id),
        "ends_at": membership.map(|membership| membership.ends_at), "windows": windows});
    Step::new(Check::Membership, passed(right.is_some()), None, says, facts)
}

/// Whether it is free.
pub fn free(covered: &[&Avail], right: Option<&Entitlement>, now: UtcMs) -> Step {
    let says = if right.is_some() { "The title is free here." } else { "No free window is open here." };
    let ads = right.map(|_| Ads::Required);
    let facts = json!({"windows": windows(covered, LicenseType::Avod, now), "ads": ads});
    Step::new(Check::Free, passed(right.is_some()), None, says, facts)
}

/// The window that is used, or what stands in the way when nothing entitles.
pub fn window(covered: &[&Avail], decision: &Decision, now: UtcMs) -> Step {
    match decision {
        Decision::Allow(right) => {
            let avail = covered.iter().find(|avail| Some(avail.id) == right.avail_id);
            let facts = json!({"window": avail.map(|avail| window_facts(avail, now)), "ends_at": right.ends_at});
            Step::new(Check::Window, Outcome::Pass, None, "Viewing is under this window.", facts)
        }
        Decision::Deny(denial) => {
            let all: Vec<Value> = covered.iter().map(|avail| window_facts(avail, now)).collect();
            let facts = json!({"windows": all});
            Step::new(Check::Window, Outcome::Fail, Some(denial.code), denial.code.message(), facts)
        }
    }
}

pub fn session(asked: &GoingOn<'_>, code: Option<DenialCode>) -> Step {
    let says = code.map_or("The session is open.", DenialCode::message);
    let session = asked.session;
    let facts = json!({"opened_at": session.opened_at, "expires_at": session.expires_at,
        "revoked_at": session.revoked_at, "ended_at": session.ended_at});
    Step::new(Check::Session, passed(code.is_none()), code, says, facts)
}

/// That a session has run for as long as one may.
pub fn expired(session: &PlaybackSession) -> Step {
    let code = DenialCode::SessionExpired;
    let facts = json!({"opened_at": session.opened_at, "expires_at": session.expires_at});
    Step::new(Check::Session, Outcome::Fail, Some(code), code.message(), facts)
}

pub fn title_of(asked: &GoingOn<'_>, code: Option<DenialCode>) -> Step {
    title(&asked.title.title, code)
}

/// Only a revocation ends what was begun.
pub fn licence_of(asked: &GoingOn<'_>, code: Option<DenialCode>) -> Step {
    let state = Clearance::of(&asked.title.title, asked.territory, asked.now).0;
    let says = code.map_or("No release licence was revoked.", DenialCode::message);
    Step::new(Check::Licence, passed(code.is_none()), code, says, json!({"territory": asked.territory, "state": state}))
}

pub fn avail_of(asked: &GoingOn<'_>, code: Option<DenialCode>) -> Step {
    let says = if code.is_none() { "The window it was opened under is there." } else { "The window is gone." };
    let facts = json!({"avail_id": asked.session.entitlement.avail_id});
    Step::new(Check::Window, passed(code.is_none()), code, says, facts)
}

pub fn territory_of(asked: &GoingOn<'_>, code: Option<DenialCode>) -> Step {
    let says =
        if code.is_none() { "The window covers the territory." } else { "The window does not cover the territory." };
    let facts = json!({"territory": asked.territory, "avails": [asked.session.entitlement.avail_id]});
    Step::new(Check::Territory, passed(code.is_none()), code, says, facts)
}

pub fn hard_end_of(asked: &GoingOn<'_>, code: Option<DenialCode>) -> Step {
    let is_preview = asked.session.entitlement.cause == Cause::Preview;
    let says = match (code, is_preview) {
        (None, _) => "No hard end has come.",
        (Some(_), false) => "The window's hard end has come.",
        (Some(_), true) => "The window is not open any more, or the preview was taken away.",
    };
    let avail = asked.session.entitlement.avail_id.and_then(|id| asked.title.avail(id));
    let facts = json!({"window": avail.map(|avail| window_facts(avail, asked.now))});
    Step::new(Check::Window, passed(code.is_none()), code, says, facts)
}

/// What the operator's own billing says, and whether a window of ours lets it.
pub fn external(external: &External, right: Option<&Entitlement>) -> Step {
    let (word, code, says) = match (external, right) {
        (External::Allows(word), Some(_)) => (Some(word), None, "The operator's own billing lets the viewer watch."),
        (External::Allows(word), None) => (
            Some(word),
            None,
            "The operator's own billing names a window that is not open here, or an end that has passed.",
        ),
        (External::Denies, _) => (None, None, "The operator's own billing knows of nothing."),
        (External::Silent, _) => {
            let code = DenialCode::EntitlementHookUnavailable;
            (None, Some(code), "The operator's own billing does not answer.")
        }
    };
    let facts = json!({"avail_id": word.map(|word| word.avail_id), "until": word.map(|word| word.until),
        "reference": word.and_then(|word| word.reference.as_ref())});
    Step::new(Check::External, passed(right.is_some()), code, says, facts)
}

/// What the viewer's invitations make of the decision.
pub fn screener(standing: &[&Screener], decision: &Decision, now: UtcMs) -> Step {
    let (outcome, code, says) = match decision {
        Decision::Allow(right) if right.screener_id().is_some() => {
            (Outcome::Pass, None, "The viewer is invited: no window is asked for.")
        }
        Decision::Allow(_) => (Outcome::Pass, None, "No invitation holds here and now; another right plays."),
        Decision::Deny(denial) => (Outcome::Fail, Some(denial.code), denial.code.message()),
    };
    let known: Vec<Value> = standing.iter().map(|screener| screener_facts(screener, now)).collect();
    Step::new(Check::Screener, outcome, code, says, json!({"screeners": known}))
}

/// Whether the invitation lets its viewer go on.
pub fn screener_of(asked: &GoingOn<'_>, code: Option<DenialCode>) -> Step {
    let says = code.map_or("The invitation stands, and has not ended.", DenialCode::message);
    let screener = asked.session.entitlement.screener_id().and_then(|id| asked.title.screener(id));
    let known = screener.map(|screener| screener_facts(screener, asked.now));
    let facts = json!({"screeners": known.into_iter().collect::<Vec<_>>(), "territory": asked.territory});
    Step::new(Check::Screener, passed(code.is_none()), code, says, facts)
}

/// Whether the deal lets a partner's viewer go on.
pub fn deal_of(asked: &GoingOn<'_>, code: Option<DenialCode>) -> Step {
    let says = code.map_or("The partner's deal covers the territory, and its word still holds.", DenialCode::message);
    let entitlement = &asked.session.entitlement;
    let facts = json!({"deal_id": entitlement.deal_id, "ends_at": entitlement.ends_at, "territory": asked.territory});
    Step::new(Check::Deal, passed(code.is_none()), code, says, facts)
}

/// Whether what the session was opened with still holds.
pub fn cause_of(asked: &GoingOn<'_>, code: Option<DenialCode>) -> Step {
    let (check, good) = match asked.session.entitlement.cause {
        Cause::Grant(_) => (Check::Grant, "The purchase it was opened with still holds."),
        Cause::Membership(_) => (Check::Membership, "The membership it was opened with still lets it go on."),
        Cause::Unlock(_) => (Check::Episode, "It was opened as an episode that was unlocked."),
        Cause::Free | Cause::Trailer => (Check::Free, "It was opened as a free title."),
        Cause::External => (Check::External, "It was opened on the word of the operator's own billing."),
        Cause::Screener(_) => (Check::Screener, "It was opened on an invitation."),
        Cause::Partner(_) => (Check::Deal, "It was opened on a partner's word."),
        Cause::Preview => (Check::Window, "It was opened as a preview."),
    };
    let grant = asked.grant.map(|grant| grant_facts(grant, asked.now));
    let ended_early_at = asked.membership.and_then(|membership| membership.revoked_at);
    let facts = json!({"grant": grant, "ends_at": asked.session.entitlement.ends_at, "ended_early_at": ended_early_at});
    Step::new(check, passed(code.is_none()), code, code.map_or(good, DenialCode::message), facts)
}

/// Whether something of the part may be heard under the window of a right, and what is kept back.
pub fn languages(sound: Option<&Sound>, right: &Entitlement, wanted: Option<&LanguageRange>, hearing: Hearing) -> Step {
    let is_heard = hearing != Hearing::Mute;
    let says = match (&right.caps, is_heard) {
        _ if hearing == Hearing::Other => {
            "Another language was asked for; a right under which it may be heard goes first."
        }
        (None, _) => "Nothing of the film is kept back.",
        (Some(_), true) => "Something of the film may be heard: what is kept back is left out of its playlists.",
        (Some(_), false) => "None of the languages that the film is heard in may be heard under this window.",
    };
    let code = (!is_heard).then_some(DenialCode::LanguageHeldBack);
    let facts = json!({"avail_id": right.avail_id, "caps": right.caps.as_deref(), "sound": sound.map(|sound| &sound.0),
            "wanted": wanted.map(LanguageRange::to_string)});
    Step::new(Check::Languages, passed(is_heard), code, says, facts)
}

/// What the session was opened with stays.
pub fn languages_of(asked: &GoingOn<'_>, code: Option<DenialCode>) -> Step {
    let caps = asked.session.entitlement.caps.as_deref();
    let says = match caps {
        None => "Nothing of the film is kept back.",
        Some(_) => "What was kept back when the session was opened is left out of its playlists.",
    };
    Step::new(Check::Languages, passed(code.is_none()), code, says, json!({"caps": caps}))
}

pub fn edit_of_session(asked: &GoingOn<'_>, code: Option<DenialCode>) -> Step {
    let says = match code {
        None => "The film that the session shows may be shown there.",
        Some(DenialCode::SessionEnded) => "Another edit of the film is shown there: open the session again.",
        Some(_) => "Something is placed in the film that may not be shown there, and no clean edit answers it.",
    };
    let facts = json!({"territory": asked.territory, "asset_id": asked.session.asset_id});
    Step::new(Check::Edit, passed(code.is_none()), code, says, facts)
}

/// Which edit of a part is shown.
pub fn edit(
    edit: Result<Option<&CleanEdit>, DenialCode>,
    part: u32,
    blocked: &[PlacementCategory],
    place: Option<Territory>,
) -> Step {
    let says = match edit {
        Ok(None) => "The film itself may be shown there.",
        Ok(Some(_)) => "A clean edit is shown there.",
        Err(_) => "Something is placed in it that may not be shown there, and no clean edit answers it.",
    };
    let shown = edit.ok().flatten().map(|edit| edit.asset_id);
    let facts = json!({"part": part, "territory": place, "blocked": blocked, "clean_edit": shown});
    Step::new(Check::Edit, passed(edit.is_ok()), edit.err(), says, facts)
}

/// Whether a device that is new to the account could play, by what the account has or by what `is_open` to anybody. Which
/// devices are registered is known of this moment only.
pub fn devices(right: &Entitlement, registered: Option<usize>, limit: u32, is_open: bool) -> Step {
    let is_full = registered.is_some_and(|count| count >= limit as usize);
    let code = (is_full && !is_open).then_some(DenialCode::DeviceLimit);
    let says = match (registered, code) {
        _ if !right.cause.is_of_account() => "Devices are not counted for this right.".to_owned(),
        (None, _) => format!("{limit} of the account; counted when a session opens."),
        (Some(count), None) if is_full => {
            format!("The account has {count} of {limit} devices: on another one it plays as it does for anybody.")
        }
        (Some(count), None) => format!("The account has {count} of {limit} devices: there is room for another one."),
        (Some(count), Some(_)) => {
            format!("The account has {count} of {limit} devices: those play, and no other until one is signed out.")
        }
    };
    let facts = json!({"registered": registered, "limit": right.cause.is_of_account().then_some(limit)});
    Step::new(Check::Devices, passed(code.is_none()), code, says, facts)
}

/// How many streams the right allows; that is counted when a session opens.
pub fn streams(right: &Entitlement, is_refused: bool) -> Step {
    let code = is_refused.then_some(DenialCode::TooManyStreams);
    let says = match (code, right.streams) {
        (Some(code), _) => code.message().to_owned(),
        (None, 0) => "Streams are not counted for this right.".to_owned(),
        (None, streams) => format!("{streams} at once; counted when a session opens."),
    };
    Step::new(Check::Streams, passed(code.is_none()), code, says, json!({"streams": right.streams}))
}

/// The steps in the fixed order, with those that were not come to.
pub fn completed(mut steps: Vec<Step>, checks: &[Check]) -> Vec<Step> {
    for check in checks {
        if !steps.iter().any(|step| step.check == *check) {
            let place = steps.iter().position(|step| step.check > *check).unwrap_or(steps.len());
            steps.insert(place, Step::skipped(*check));
        }
    }
    steps
}

fn passed(is_passed: bool) -> Outcome {
    if is_passed { Outcome::Pass } else { Outcome::Fail }
}

fn waits_for_membership(grants: &[Grant], now: UtcMs) -> bool {
    grants.iter().any(|grant| grant.clock.needs_membership() && grant.phase(now) == GrantPhase::Running)
}

fn grant_facts(grant: &Grant, now: UtcMs) -> Value {
    json!({"id": grant.id, "phase": phase(grant.phase(now)), "avail_id": grant.avail_id,
        "needs_membership": grant.clock.needs_membership(),
        "expires_at": grant.expires_at(), "first_play_at": grant.first_play_at, "revoked_at": grant.revoked_at})
}

fn screener_facts(screener: &Screener, now: UtcMs) -> Value {
    json!({"id": screener.id, "kind": screener.kind, "starts_at": screener.starts_at, "ends_at": screener.ends_at,
        "territories": screener.territories, "is_open": screener.phase(now) == WindowPhase::Open,
        "revoked_at": screener.revoked_at})
}

fn phase(phase: GrantPhase) -> &'static str {
    match phase {
        GrantPhase::Upcoming => "upcoming",
        GrantPhase::Unstarted => "unstarted",
        GrantPhase::Running => "running",
        GrantPhase::Expired => "expired",
        GrantPhase::StartByPassed => "start_by_passed",
        GrantPhase::Revoked => "revoked",
    }
}

fn windows(covered: &[&Avail], license_type: LicenseType, now: UtcMs) -> Vec<Value> {
    covered.iter().filter(|avail| avail.license_type == license_type).map(|avail| window_facts(avail, now)).collect()
}

fn window_facts(avail: &Avail, now: UtcMs) -> Value {
    json!({"avail_id": avail.id, "license_type": avail.license_type, "start_at": avail.window.start_at,
        "end_at": avail.window.end_at, "hard_end_at": avail.hard_end_at, "zone": avail.window.zone,
        "is_open": avail.window.is_open(now) && !avail.has_hard_ended(now)})
}
