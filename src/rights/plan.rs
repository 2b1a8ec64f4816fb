//! Changes of a title's release plan: windows and holdbacks that are made, moved and taken away together, so that a cinema
//! opening and the window online that waits for it move at once. A plan may be impossible on the way and has to be right in
//! the end.

use std::sync::Arc;

use serde::Serialize;

use crate::base::clock::UtcMs;
use crate::base::id::{AvailId, HoldbackId, TitleId};
use crate::base::territory::TerritorySet;
use crate::rights::avail::{Avail, LicenseType};
use crate::rights::caps::Caps;
use crate::rights::conflict::{Conflict, findings, held_back};
use crate::rights::deal::Deal;
use crate::rights::grant::Grant;
use crate::rights::holdback::Holdback;
use crate::rights::window::{Window, WindowPhase};

/// What is to become of one title's plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlanChange {
    pub title_id: TitleId,
    pub new_avails: Vec<Avail>,
    /// As they will be.
    pub edited_avails: Vec<Avail>,
    pub gone_avails: Vec<AvailId>,
    pub new_holdbacks: Vec<Holdback>,
    pub gone_holdbacks: Vec<HoldbackId>,
}

/// A window that is wanted, which may be one that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedAvail {
    /// Which one it is, where that is known.
    pub id: Option<AvailId>,
    pub license_type: LicenseType,
    pub description: Option<String>,
    pub territories: TerritorySet,
    pub window: Window,
    /// Nobody has said in which zone it was agreed.
    pub is_zone_guessed: bool,
    pub hard_end_at: Option<UtcMs>,
    pub caps: Option<Arc<Caps>>,
}

impl PlanChange {
    pub fn of(title_id: TitleId) -> PlanChange {
        PlanChange {
            title_id,
            new_avails: Vec::new(),
            edited_avails: Vec::new(),
            gone_avails: Vec::new(),
            new_holdbacks: Vec::new(),
            gone_holdbacks: Vec::new(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.new_avails.is_empty()
            && self.edited_avails.is_empty()
            && self.gone_avails.is_empty()
            && self.new_holdbacks.is_empty()
            && self.gone_holdbacks.is_empty()
    }

    /// Whether it makes or moves this window.
    pub fn writes(&self, id: AvailId) -> bool {
        self.written().any(|avail| avail.id == id)
    }

    fn written(&self) -> impl Iterator<Item = &Avail> {
        self.new_avails.iter().chain(&self.edited_avails)
    }

    /// The plan that it makes of this one.
    pub fn applied_to(&self, avails: &[Avail], holdbacks: &[Holdback]) -> (Vec<Avail>, Vec<Holdback>) {
        let stays = |avail: &&Avail| !self.gone_avails.contains(&avail.id) && !self.writes(avail.id);
        let avails = avails.iter().filter(stays).chain(self.written()).cloned().collect();
        let stays = |holdback: &&Holdback| !self.gone_holdbacks.contains(&holdback.id);
        let holdbacks = holdbacks.iter().filter(stays).chain(&self.new_holdbacks).cloned().collect();
        (avails, holdbacks)
    }

    /// A viewer's grants as it leaves them: what was bought before an opening waits for it, wherever it is moved to.
    pub fn apply_to_grants(&self, grants: &mut [Grant], now: UtcMs) {
        for grant in grants.iter_mut().filter(|grant| grant.available_at > now && grant.first_play_at.is_none()) {
            if let Some(avail) = self.edited_avails.iter().find(|avail| avail.id == grant.avail_id) {
                grant.available_at = avail.window.start_at.max(grant.issued_at);
            }
        }
    }

    /// What stands against a plan that it has made: two windows of a kind at once, of which it made one, and all that opens
    /// too early or falls into what another party has alone.
    pub fn conflicts(&self, avails: &[Avail], holdbacks: &[Holdback], deals: &[Deal], now: UtcMs) -> Vec<Conflict> {
        let mut conflicts = held_back(avails, holdbacks, deals, now);
        conflicts.extend(self.written().flat_map(|avail| findings(avail, avails, &[], deals, now).conflicts));
        conflicts
    }
}

impl WantedAvail {
    fn is(&self, avail: &Avail) -> bool {
        self.resembles(avail)
            && self.clone().settled(avail).window == avail.window
            && (&self.description, self.hard_end_at, &self.caps) == (&avail.description, avail.hard_end_at, &avail.caps)
    }

    fn resembles(&self, avail: &Avail) -> bool {
        (self.license_type, self.territories) == (avail.license_type, avail.territories)
    }

    /// In the zone of the window that it is, where it says none of its own.
    fn settled(mut self, avail: &Avail) -> WantedAvail {
        let instants = |window: &Window| (window.start_at, window.end_at);
        if self.is_zone_guessed && instants(&self.window) == instants(&avail.window) {
            self.window.zone.clone_from(&avail.window.zone);
        }
        self
    }

    /// `avail` as it is wanted.
    pub fn instead_of(self, avail: &Avail) -> Avail {
        self.settled(avail).with_id(avail.id, avail.title_id)
    }

    pub fn with_id(self, id: AvailId, title_id: TitleId) -> Avail {
        let WantedAvail {
            id: _,
            license_type,
            description,
            territories,
            window,
            is_zone_guessed: _,
            hard_end_at,
            caps,
        } = self;
        Avail { territories, license_type, hard_end_at, id, caps, window, title_id, description }
    }
}

/// A window that is there from now on.
pub fn new_avail(wanted: WantedAvail, title_id: TitleId, now: UtcMs) -> Avail {
    wanted.with_id(AvailId::new(now), title_id)
}

/// The change that leads from the windows of a title to those that are wanted, and to no others but what is over. A wanted
/// window is the one that it names; or one that is just so; or, where as many of its kind are left in just these territories
/// as are wanted there, the one in its place by their order, those that let out the same first; or new.
pub fn toward(title_id: TitleId, present: &[Avail], wanted: Vec<WantedAvail>, now: UtcMs) -> PlanChange {
    let mut rest: Vec<&Avail> = present.iter().collect();
    let mut change = PlanChange::of(title_id);
    let mut keep = |wanted: WantedAvail, avail: &Avail| {
        if !wanted.is(avail) {
            change.edited_avails.push(wanted.instead_of(avail));
        }
    };
    let mut take = |is_it: &dyn Fn(&Avail) -> bool| Some(rest.remove(rest.iter().position(|avail| is_it(avail))?));
    let (mut unnamed, mut strange) = (Vec::new(), Vec::new());
    for wanted in wanted {
        match take(&|avail| wanted.id == Some(avail.id) && wanted.license_type == avail.license_type) {
            Some(avail) => keep(wanted, avail),
            None => unnamed.push(wanted),
        }
    }
    for wanted in unnamed {
        if take(&|avail| wanted.is(avail)).is_none() {
            strange.push(wanted);
        }
    }
    rest.retain(|avail| avail.window.phase(now) != WindowPhase::Closed);
    // Those that let out the same first: of windows that are open at once each is heard in languages of its own.
    for with_caps in [true, false] {
        let mut left = Vec::new();
        while let Some(first) = strange.first().cloned() {
            let is_alike = |wanted: &mut WantedAvail| {
                (wanted.license_type, wanted.territories) == (first.license_type, first.territories)
                    && (!with_caps || wanted.caps == first.caps)
            };
            let is_it = |avail: &Avail| first.resembles(avail) && (!with_caps || avail.caps == first.caps);
            let mut alike: Vec<WantedAvail> = strange.extract_if(.., is_alike).collect();
            let mut there: Vec<&Avail> = rest.iter().copied().filter(|avail| is_it(avail)).collect();
            if alike.len() == there.len() {
                alike.sort_by_key(|wanted| wanted.window.start_at);
                there.sort_by_key(|avail| avail.window.start_at);
                rest.retain(|avail| !is_it(avail));
                alike.into_iter().zip(there).for_each(|(wanted, avail)| keep(wanted, avail));
            } else {
                left.extend(alike);
            }
        }
        strange = left;
    }
    change.new_avails = strange.into_iter().map(|wanted| new_avail(wanted, title_id, now)).collect();
    change.gone_avails = rest.into_iter().map(|avail| avail.id).collect();
    change
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rights::caps::FormatProfile;
    use crate::rights::language_terms::LanguageTerms;

    fn wanted(license_type: LicenseType, territory: &str, start: i64, end: i64) -> WantedAvail {
        WantedAvail {
            id: None,
            license_type,
            description: None,
            territories: TerritorySet::of([territory.parse().unwrap()]),
            window: Window { start_at: UtcMs(start), end_at: Some(UtcMs(end)), zone: "UTC".into() },
            is_zone_guessed: false,
            hard_end_at: None,
            caps: None,
        }
    }

    fn there(wanted: WantedAvail) -> Avail {
        wanted.with_id(AvailId::new(UtcMs(1)), "ttl_00000000000000000000000001".parse().unwrap())
    }

    fn of(present: &[Avail], wanted: Vec<WantedAvail>) -> PlanChange {
        toward("ttl_00000000000000000000000001".parse().unwrap(), present, wanted, UtcMs(2))
    }

    #[test]
    fn a_plan_that_is_there_changes_nothing() {
        use LicenseType::{Svod, Vod};
        let plan = || vec![wanted(Vod, "CN", 0, 10), wanted(Svod, "CN", 10, 20), wanted(Vod, "DE", 5, 9)];
        let present: Vec<Avail> = plan().into_iter().map(there).collect();
        assert!(of(&present, plan()).is_empty());
        let named: Vec<WantedAvail> = plan()
            .into_iter()
            .zip(&present)
            .rev()
            .map(|(wanted, avail)| WantedAvail { id: Some(avail.id), ..wanted })
            .collect();
        assert!(of(&present, named).is_empty());
    }

    #[test]
    fn a_window_is_moved_where_it_is_clear_which_one_is_meant() {
        use LicenseType::{Svod, Vod};
        let present = [there(wanted(Vod, "CN", 0, 10)), there(wanted(Svod, "CN", 10, 20))];
        let change = of(&present, vec![wanted(Vod, "CN", 3, 10), wanted(Svod, "CN", 10, 20)]);
        assert_eq!((change.edited_avails.len(), change.edited_avails[0].id), (1, present[0].id));
        assert!(change.new_avails.is_empty() && change.gone_avails.is_empty());
        // Two windows of a kind: the one that stays is known, the other is moved.
        let present = [there(wanted(Vod, "CN", 0, 10)), there(wanted(Vod, "CN", 20, 30))];
        let change = of(&present, vec![wanted(Vod, "CN", 20, 30), wanted(Vod, "CN", 1, 10)]);
        assert_eq!(change.edited_avails.iter().map(|avail| avail.id).collect::<Vec<_>>(), [present[0].id]);
        // Both are other ones: they are moved in their order, and keep what is sold in them.
        let change = of(&present, vec![wanted(Vod, "CN", 21, 30), wanted(Vod, "CN", 1, 10)]);
        let moved: Vec<_> = change.edited_avails.iter().map(|avail| (avail.id, avail.window.start_at)).collect();
        assert_eq!(moved, [(present[0].id, UtcMs(1)), (present[1].id, UtcMs(21))]);
        assert!(change.new_avails.is_empty() && change.gone_avails.is_empty());
        // Of three nobody can tell which one is new.
        let three = vec![wanted(Vod, "CN", 21, 30), wanted(Vod, "CN", 1, 10), wanted(Vod, "CN", 40, 50)];
        let change = of(&present, three);
        assert_eq!((change.edited_avails.len(), change.new_avails.len(), change.gone_avails.len()), (0, 3, 2));
        // One that is named is moved, also elsewhere, but becomes none of another kind.
        let named = |license_type| WantedAvail { id: Some(present[0].id), ..wanted(license_type, "DE", 1, 2) };
        let change = of(&present, vec![named(Vod)]);
        assert_eq!((change.edited_avails[0].id, &change.gone_avails[..]), (present[0].id, &[present[1].id][..]));
        let change = of(&present, vec![named(Svod)]);
        assert_eq!((change.edited_avails.len(), change.new_avails.len(), change.gone_avails.len()), (0, 1, 2));
    }

    #[test]
    fn windows_that_are_open_at_once_are_told_apart_by_what_they_let_out() {
        let speaking = |language: &str, start: i64| {
            let list = vec![format!("{language}:dub").parse().unwrap()];
            let caps = Caps::of(Some(LanguageTerms::Allow(list)), FormatProfile::Uhd);
            WantedAvail { caps, ..wanted(LicenseType::Svod, "IN", start, 20) }
        };
        let present = ["hi", "ta"].map(|language| there(speaking(language, 5)));
        let change = of(&present, vec![speaking("ta", 6), speaking("hi", 6)]);
        assert_eq!((change.new_avails.len(), change.gone_avails.len()), (0, 0));
        let moved = |n: usize| change.edited_avails.iter().find(|avail| avail.id == present[n].id).unwrap();
        for n in [0, 1] {
            assert_eq!((moved(n).window.start_at, &moved(n).caps), (UtcMs(6), &present[n].caps));
        }
        // Where they let out something else they are told apart by their order, as before.
        let change = of(&present[..1], vec![speaking("bn", 6)]);
        assert_eq!(change.edited_avails[0].id, present[0].id);
    }

    #[test]
    fn what_is_over_stays_and_a_zone_that_nobody_names_is_the_one_that_is_there() {
        use LicenseType::Vod;
        let present = [there(wanted(Vod, "CN", 0, 1)), there(wanted(Vod, "CN", 1, 10))];
        assert_eq!(of(&present, vec![]).gone_avails, [present[1].id], "the first is over");
        let mut guessed = wanted(Vod, "CN", 1, 10);
        (guessed.is_zone_guessed, guessed.window.zone) = (true, "Asia/Shanghai".into());
        assert!(of(&present, vec![guessed.clone()]).is_empty());
        guessed.window.start_at = UtcMs(3);
        assert_eq!(of(&present, vec![guessed]).edited_avails[0].window.zone, "Asia/Shanghai");
    }

    #[test]
    fn a_plan_is_looked_at_as_it_is_in_the_end() {
        use LicenseType::Vod;
        let present = [there(wanted(Vod, "CN", 0, 10)), there(wanted(Vod, "CN", 10, 20))];
        let mut change = PlanChange::of(present[0].title_id);
        // One after the other, the first would meet the second.
        change.edited_avails = vec![
            Avail {
                window: Window { start_at: UtcMs(10), end_at: Some(UtcMs(20)), zone: "UTC".into() },
                ..present[0].clone()
            },
            Avail {
                window: Window { start_at: UtcMs(20), end_at: Some(UtcMs(30)), zone: "UTC".into() },
                ..present[1].clone()
            },
        ];
        let (avails, holdbacks) = change.applied_to(&present, &[]);
        assert_eq!((avails.len(), change.conflicts(&avails, &holdbacks, &[], UtcMs(0))), (2, vec![]));
        change.edited_avails.pop();
        let (avails, holdbacks) = change.applied_to(&present, &[]);
        assert_eq!(change.conflicts(&avails, &holdbacks, &[], UtcMs(0))[0].avail_id, present[1].id);
        change.gone_avails = vec![present[1].id];
        let (avails, holdbacks) = change.applied_to(&present, &[]);
        assert_eq!((avails.len(), change.conflicts(&avails, &holdbacks, &[], UtcMs(0))), (1, vec![]));
    }

    #[test]
    fn what_was_bought_before_an_opening_is_moved_with_it() {
        use crate::base::id::{GrantId, OfferId, PurchaseId, ViewerId};
        use crate::rights::grant::{GrantCause, GrantClock};
        let [moved, other] =
            [there(wanted(LicenseType::Vod, "CN", 50, 90)), there(wanted(LicenseType::Vod, "DE", 50, 90))];
        let grant = |avail: &Avail, available_at, first_play_at| Grant {
            id: GrantId::new(UtcMs(1)),
            viewer_id: ViewerId::new(UtcMs(1)),
            title_id: avail.title_id,
            avail_id: avail.id,
            offer_id: OfferId::new(UtcMs(1)),
            cause: GrantCause::Purchase(PurchaseId::new(UtcMs(1))),
            clock: GrantClock::Forever,
            issued_at: UtcMs(5),
            available_at: UtcMs(available_at),
            first_play_at,
            hard_end_at: None,
            streams: 1,
            revoked_at: None,
            extended_ms: 0,
            start_extended_ms: 0,
            livemode: false,
        };
        let change = |start_at| {
            let mut change = PlanChange::of(moved.title_id);
            let window = Window { start_at: UtcMs(start_at), ..moved.window.clone() };
            change.edited_avails = vec![Avail { window, ..moved.clone() }];
            let mut grants = [
                grant(&moved, 50, None),
                grant(&moved, 50, Some(UtcMs(50))),
                grant(&other, 50, None),
                grant(&moved, 40, None),
            ];
            change.apply_to_grants(&mut grants, UtcMs(40));
            grants.map(|grant| grant.available_at.0)
        };
        assert_eq!(change(70), [70, 50, 50, 40], "the last plays already");
        assert_eq!(change(4), [5, 50, 50, 40], "not before it was bought");
    }
}
