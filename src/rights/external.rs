//! What the operator's own billing says of a viewer: asked for where nothing of ours lets them watch, and where a window of
//! ours is open. It is one more fact of a decision; the window still rules.

use crate::base::clock::UtcMs;
use crate::base::id::{AvailId, TitleId};
use crate::base::territory::Territory;
use crate::rights::avail::{Avail, LicenseType};
use crate::rights::denial::{Denial, DenialCode};
use crate::rights::entitlement::{Cause, Decision, Entitlement, ViewerRights, decide_part};
use crate::rights::episode::Episode;
use crate::rights::portability::deemed;
use crate::rights::reach::Reach;
use crate::rights::snapshot::TitleRights;

/// The answer, where it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum External {
    Allows(ExternalWord),
    Denies,
    /// It has not answered in time, or nothing that can be used.
    Silent,
}

/// What a viewer may watch on its word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalWord {
    /// Under which window of ours.
    pub avail_id: AvailId,
    /// From this instant nothing plays.
    pub until: UtcMs,
    /// At once, of the title.
    pub streams: u32,
    /// What they call the order.
    pub reference: Option<String>,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub title_id: TitleId,
    pub part: u32,
    pub territory: Option<Territory>,
    pub at: UtcMs,
    /// Windows that are open there and then.
    pub avails: Vec<(AvailId, LicenseType)>,
}

/// What is to be asked of a viewer whom nothing of ours lets watch; nothing where something does, where no window is
/// open, or where what stands in the way is not theirs to sell.
pub fn question(
    title: &TitleRights,
    part: u32,
    viewer: &ViewerRights,
    territory: Option<Territory>,
    at: UtcMs,
) -> Option<Question> {
    let Decision::Deny(denial) = decide_part(title, part, viewer, territory, at) else { return None };
    if !is_for_want_of_a_right(&denial) || title.title.part_opening(part, at).is_some() {
        return None;
    }
    let territory = deemed(viewer.home, territory);
    let reach = Reach::of(title, territory, at);
    let avails: Vec<_> = open(&reach, at)
        .filter(|avail| reach.is_heard(part, avail))
        .map(|avail| (avail.id, avail.license_type))
        .collect();
    (!avails.is_empty()).then_some(Question { title_id: title.title.id, part, territory, at, avails })
}

/// The right that its word gives, if the window is one that is open here.
pub fn external_right(episode: &Episode<'_>) -> Option<Entitlement> {
    let Some(External::Allows(word)) = &episode.viewer.external else { return None };
    let Episode { reach, now, .. } = *episode;
    let avail = open(reach, now).find(|avail| avail.id == word.avail_id)?;
    let ends_at = avail.hard_end_at.map_or(word.until, |hard_end_at| hard_end_at.min(word.until));
    (now < ends_at).then(|| Entitlement {
        cause: Cause::External,
        avail_id: Some(avail.id),
        deal_id: None,
        ends_at: Some(ends_at),
        starts_clock: false,
        streams: word.streams,
        beside: None,
        home: None,
        preview_ms: None,
        protection: Some(reach.title.title.details.protection),
        caps: avail.caps.clone(),
        reference: word.reference.clone(),
    })
}

/// What a viewer is told who has nothing, by what was heard: that nobody knows, or that it has to be paid for where a
/// window is open in which only others sell.
pub fn unheard(denial: Denial, episode: &Episode<'_>) -> Denial {
    let Some(external) = &episode.viewer.external else { return denial };
    if !is_for_want_of_a_right(&denial) || open(episode.reach, episode.now).next().is_none() {
        return denial;
    }
    match external {
        External::Silent => Denial { code: DenialCode::EntitlementHookUnavailable, ..denial },
        _ if matches!(denial.code, DenialCode::WindowClosed | DenialCode::WindowNotOpen) && !denial.is_acquired => {
            Denial { code: DenialCode::PaymentRequired, ..denial }
        }
        _ => denial,
    }
}

fn open<'a>(reach: &'a Reach<'_>, now: UtcMs) -> impl Iterator<Item = &'a Avail> {
    let is_open =
        move |avail: &&Avail| avail.window.is_open(now) && !avail.has_hard_ended(now) && !reach.is_held(avail, now);
    reach.offered().filter(is_open)
}

/// A window without an offer of ours looks closed.
fn is_for_want_of_a_right(denial: &Denial) -> bool {
    matches!(
        denial.code,
        DenialCode::PaymentRequired
            | DenialCode::MembershipRequired
            | DenialCode::RentalExpired
            | DenialCode::StartByPassed
            | DenialCode::WindowClosed
            | DenialCode::WindowNotOpen
    )
}
