//! The parts of a series that is had episode by episode: what its terms give of one part, and what would help.

use crate::base::clock::UtcMs;
use crate::catalog::episodes::EpisodeTerms;
use crate::rights::avail::{Avail, LicenseType};
use crate::rights::denial::{Denial, DenialCode, NextOption};
use crate::rights::entitlement::{Cause, Entitlement, ViewerRights};
use crate::rights::reach::Reach;
use crate::rights::unlock::{Unlock, rewards_of_day};
use crate::rights::window::WindowPhase;

/// One part of a title, and whoever wants to watch it.
#[derive(Clone, Copy, Debug)]
pub struct Episode<'a> {
    pub part: u32,
    pub reach: &'a Reach<'a>,
    pub viewer: &'a ViewerRights,
    pub now: UtcMs,
}

impl<'a> Episode<'a> {
    /// Free, or unlocked: before every right to the whole title, as nothing else is used up by it. What was unlocked stays
    /// so, whatever becomes of the terms.
    pub fn right(&self) -> Option<Entitlement> {
        let details = &self.reach.title.title.details;
        let (cause, avail) = match self.open_terms() {
            Some((terms, avail)) if terms.is_free(self.part) => (Cause::Free, avail),
            _ => {
                let unlock = self.unlock()?;
                (Cause::Unlock(unlock.id), self.avail_of(unlock)?)
            }
        };
        let is_free = cause == Cause::Free;
        Some(Entitlement {
            cause,
            avail_id: Some(avail.id),
            deal_id: None,
            ends_at: avail.hard_end_at,
            starts_clock: false,
            streams: u32::from(!is_free),
            beside: None,
            home: None,
            preview_ms: None,
            reference: None,
            protection: (!is_free).then_some(details.protection),
            caps: avail.caps.clone(),
        })
    }

    /// Why whoever has a right to the title waits for this part.
    pub fn waits(&self, right: &Entitlement) -> Option<Denial> {
        let opens_at = self.reach.title.title.part_opening(self.part, self.now)?;
        let next = vec![NextOption::Wait { opens_at }];
        let is_acquired = matches!(right.cause, Cause::Grant(_) | Cause::Unlock(_));
        Some(Denial { code: DenialCode::WindowNotOpen, next, is_acquired })
    }

    /// What would help: how the episode could be unlocked now, and what helps with the whole title. Before the part opens
    /// nothing helps but waiting.
    pub fn options(&self, of_title: Vec<NextOption>) -> Vec<NextOption> {
        let terms = self.open_terms();
        let wait = of_title.iter().find_map(|option| match option {
            NextOption::Wait { opens_at } if terms.is_none() => Some(*opens_at),
            _ => None,
        });
        match (self.reach.title.title.part_opening(self.part, self.now), terms) {
            (Some(_), None) if of_title.is_empty() => Vec::new(),
            (Some(opening), _) => {
                vec![NextOption::Wait { opens_at: wait.map_or(opening, |opens_at| opens_at.max(opening)) }]
            }
            (None, None) => of_title,
            (None, Some((terms, avail))) => {
                let mut options = self.unlock_options(terms, avail);
                options.extend(of_title.into_iter().filter(|option| !matches!(option, NextOption::Wait { .. })));
                options
            }
        }
    }

    /// The window in which episodes are had one by one now.
    fn open_terms(&self) -> Option<(EpisodeTerms, &'a Avail)> {
        let terms = self.reach.title.title.details.episodes?;
        Some((terms, self.reach.open_avail(LicenseType::Vod, self.part, self.viewer.wanted.as_ref(), self.now)?))
    }

    fn unlock_options(&self, terms: EpisodeTerms, avail: &Avail) -> Vec<NextOption> {
        let title = self.reach.title;
        if title.title.part(self.part).is_none() || !self.reach.is_heard(self.part, avail) {
            return Vec::new();
        }
        let used = rewards_of_day(&self.viewer.unlocks, &avail.window.zone, self.now);
        let left = terms.rewarded_per_day.saturating_sub(used);
        let unlock = NextOption::Unlock { part: self.part, coins: terms.coins };
        let reward = (left > 0).then_some(NextOption::Reward { part: self.part, left });
        [unlock].into_iter().chain(reward).collect()
    }

    fn unlock(&self) -> Option<&'a Unlock> {
        self.viewer.unlocks.iter().find(|unlock| unlock.part == self.part)
    }

    /// The window that an unlock is watched under: its own, or one that opened after it was had.
    fn avail_of(&self, unlock: &Unlock) -> Option<&'a Avail> {
        let shows = |avail: &&Avail| {
            avail.license_type == LicenseType::Vod
                && (avail.id == unlock.avail_id || avail.window.start_at > unlock.unlocked_at)
                && avail.window.phase(self.now) != WindowPhase::NotOpen
                && !avail.has_hard_ended(self.now)
        };
        let shown = || self.reach.covered.iter().copied().filter(shows);
        let hearing = |avail: &&Avail| self.reach.hearing(self.part, avail, self.viewer.wanted.as_ref());
        let own = shown().find(|avail| avail.id == unlock.avail_id);
        own.or_else(|| shown().collect::<Vec<_>>().into_iter().rev().max_by_key(hearing))
    }
}
