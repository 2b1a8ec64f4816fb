//! What of a title there is in a territory at an instant: the avails that cover it, as far as its licence and its holdbacks
//! let them be offered.

use crate::base::clock::UtcMs;
use crate::base::territory::Territory;
use crate::catalog::compliance::ComplianceState;
use crate::rights::avail::{Avail, LicenseType};
use crate::rights::caps::Caps;
use crate::rights::clearance::Clearance;
use crate::rights::deal;
use crate::rights::edit;
use crate::rights::grant::Grant;
use crate::rights::holdback::{self, Lift};
use crate::rights::language_range::LanguageRange;
use crate::rights::language_terms::{Hearing, Sound};
use crate::rights::membership::Membership;
use crate::rights::offer::Offer;
use crate::rights::snapshot::TitleRights;
use crate::rights::window::WindowPhase;

/// What of a title there is in a territory.
#[derive(Clone, Debug)]
pub struct Reach<'a> {
    /// The avails that cover it: what was bought under them plays.
    pub covered: Vec<&'a Avail>,
    pub clearance: Clearance,
    pub title: &'a TitleRights,
    territory: Option<Territory>,
}

impl<'a> Reach<'a> {
    pub fn of(title: &'a TitleRights, territory: Option<Territory>, now: UtcMs) -> Reach<'a> {
        Reach {
            covered: title.avails.iter().filter(|avail| covers(avail, territory)).collect(),
            clearance: Clearance::of(&title.title, territory, now),
            title,
            territory,
        }
    }

    /// All of its windows, as if each were here and none asked for a licence.
    pub fn anywhere(title: &'a TitleRights) -> Reach<'a> {
        let clearance = Clearance(ComplianceState::NotApplicable);
        Reach { covered: title.avails.iter().collect(), clearance, title, territory: None }
    }

    /// The latest lift of what holds an avail back; none where nothing does.
    fn lift(&self, avail: &Avail, now: UtcMs) -> Option<Lift> {
        let TitleRights { holdbacks, deals, avails, .. } = self.title;
        if holdbacks.is_empty() && deals.is_empty() {
            return None;
        }
        let territory = self.territory?;
        let held = holdback::lift(holdbacks, avails, deals, avail.license_type, territory);
        held.max(deal::kept_until(deals, avail, territory, now))
    }

    /// Whether a contract holds it back, or leaves it to another party alone, whatever its window says. A plan that is
    /// refused where this would matter never gets here; it is asked all the same.
    pub fn is_held(&self, avail: &Avail, now: UtcMs) -> bool {
        self.lift(avail, now).is_some_and(|lift| lift.holds(now))
    }

    /// Whether members have all that is heard under `bought`, or had it in a window that opened after `since`: what was bought
    /// to be earlier is over.
    pub fn members_have_since(&self, bought: &Avail, since: UtcMs, now: UtcMs) -> bool {
        let had = |avail: &&Avail| {
            avail.license_type == LicenseType::Svod
                && avail.window.start_at > since
                && avail.window.phase(now) == WindowPhase::Closed
        };
        let members = self.open_avails(LicenseType::Svod, now).chain(self.covered.iter().copied().filter(had));
        let members: Vec<Option<&Caps>> = members.map(|avail| avail.caps.as_deref()).collect();
        !members.is_empty() && self.title.is_all_heard(&members, bought.caps.as_deref(), self.territory)
    }

    /// When members get all that is heard under `bought`, after now and by `until`, as it is planned.
    pub fn members_get(&self, bought: &Avail, now: UtcMs, until: UtcMs) -> Option<UtcMs> {
        if self.members_have_since(bought, now, now) {
            return None;
        }
        let openings = self.offered().filter(|avail| avail.license_type == LicenseType::Svod);
        let mut openings: Vec<UtcMs> = openings.filter_map(|avail| self.opening(avail, now)).collect();
        openings.sort_unstable();
        openings.into_iter().take_while(|at| *at <= until).find(|at| self.members_have_since(bought, now, *at))
    }

    /// Whether something of the title may be heard here under both.
    pub fn is_heard_under_both(&self, one: &Avail, other: &Avail) -> bool {
        self.title.is_heard_under_both(one.caps.as_deref(), other.caps.as_deref(), self.territory)
    }

    /// What of a part may be heard here under an avail by somebody who wants a language.
    pub fn hearing(&self, part: u32, avail: &Avail, wanted: Option<&LanguageRange>) -> Hearing {
        self.title.hearing(part, avail.caps.as_deref(), self.territory, wanted)
    }

    /// Whether something of a part may be heard here under an avail.
    pub fn is_heard(&self, part: u32, avail: &Avail) -> bool {
        self.title.is_heard(part, avail, self.territory)
    }

    /// Whether something of any part may.
    pub fn is_heard_at_all(&self, avail: &Avail) -> bool {
        self.title.is_heard_at_all(avail, self.territory)
    }

    /// What is heard in what is shown of a part here, as far as it is known.
    pub fn sound(&self, part: u32) -> Option<&'a Sound> {
        self.title.sound(part, self.territory)
    }

    /// Whether any part of it may be shown here.
    pub fn is_shown_at_all(&self) -> bool {
        edit::is_shown_at_all(self.title, self.territory)
    }

    /// Whether a window is open, and nothing of a part may be heard under any that is.
    pub fn is_mute(&self, part: u32, now: UtcMs) -> bool {
        let is_open = |avail: &&Avail| avail.window.is_open(now) && !avail.has_hard_ended(now);
        let mut open = self.offered().filter(is_open).peekable();
        open.peek().is_some() && open.all(|avail| !self.is_heard(part, avail))
    }

    /// Whether an offer of `avail` is sold here at all, to whomever it is for. A presale is sold before its window opens,
    /// and so before a holdback lifts. Where nothing of the title could be heard nothing is sold.
    pub fn sells(&self, offer: &Offer, avail: &Avail, now: UtcMs) -> bool {
        let is_held = avail.window.is_open(now) && self.is_held(avail, now);
        let is_late = offer.clock.needs_membership() && self.members_have_since(avail, avail.window.start_at, now);
        offer.is_sold(avail, now) && !is_held && !is_late && self.is_heard_at_all(avail)
    }

    /// Whether a grant under `avail` plays beside this membership, or beside none.
    pub fn plays_beside(&self, grant: &Grant, avail: &Avail, membership: Option<&Membership>, now: UtcMs) -> bool {
        !grant.clock.needs_membership()
            || (membership.is_some() && !self.members_have_since(avail, grant.issued_at, now))
    }

    /// When an avail that has not opened will, as it is planned.
    pub fn opening(&self, avail: &Avail, now: UtcMs) -> Option<UtcMs> {
        let planned = avail.window.start_at;
        let opens_at = self.lift(avail, now).map_or(Some(planned), Lift::at)?.max(planned);
        (opens_at > now && avail.window.phase(now) != WindowPhase::Closed).then_some(opens_at)
    }

    /// The avails under which the title may be offered there.
    pub fn offered(&self) -> impl Iterator<Item = &'a Avail> {
        self.covered.iter().copied().filter(|avail| self.clearance.allows(avail))
    }

    /// The windows of a kind that are open: more than one only where each is heard in languages of its own.
    pub fn open_avails(&self, license_type: LicenseType, now: UtcMs) -> impl Iterator<Item = &'a Avail> {
        self.offered()
            .filter(move |avail| avail.license_type == license_type && avail.window.is_open(now))
            .filter(move |avail| !avail.has_hard_ended(now) && !self.is_held(avail, now))
    }

    /// Of these the first under which a part is heard as it is wanted, or at all; the first of all, where none is.
    pub fn open_avail(
        &self,
        license_type: LicenseType,
        part: u32,
        wanted: Option<&LanguageRange>,
        now: UtcMs,
    ) -> Option<&'a Avail> {
        let mut open = self.open_avails(license_type, now);
        let first = open.next()?;
        let Some(second) = open.next() else { return Some(first) };
        let mut best: Option<(Hearing, &Avail)> = None;
        for avail in [first, second].into_iter().chain(open) {
            let hearing = self.hearing(part, avail, wanted);
            if hearing == Hearing::Wanted {
                return Some(avail);
            }
            if best.is_none_or(|(before, _)| hearing > before) {
                best = Some((hearing, avail));
            }
        }
        best.map(|(_, avail)| avail)
    }
}

/// Whether an avail holds in a territory; an unknown one is covered by none.
pub fn covers(avail: &Avail, territory: Option<Territory>) -> bool {
    territory.is_some_and(|territory| avail.territories.contains(territory))
}
