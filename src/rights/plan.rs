//! Changes of a title's release plan: windows and holdbacks that are made, moved and taken away together, so that a cinema
//! opening and the window online that waits for it move at once. A plan may be impossible on the way and has to be right in
//! the end.

use serde::Serialize;

use crate::base::clock::UtcMs;
use crate::base::id::{AvailId, HoldbackId, TitleId};
use crate::base::territory::TerritorySet;
use crate::rights::avail::{Avail, LicenseType};
use crate::rights::conflict::{Conflict, findings, held_back};
use crate::rights::holdback::Holdback;
use crate::rights::window::Window;

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
    pub hard_end_at: Option<UtcMs>,
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

    /// What stands against a plan that it has made: two windows of a kind at once, of which it made one, and all that opens
    /// too early.
    pub fn conflicts(&self, avails: &[Avail], holdbacks: &[Holdback], now: UtcMs) -> Vec<Conflict> {
        let mut conflicts = held_back(avails, holdbacks, now);
        conflicts.extend(self.written().flat_map(|avail| findings(avail, avails, &[], now).conflicts));
        conflicts
    }
}

impl WantedAvail {
    fn is(&self, avail: &Avail) -> bool {
        self.resembles(avail)
            && (&self.description, &self.window, self.hard_end_at)
                == (&avail.description, &avail.window, avail.hard_end_at)
    }

    fn resembles(&self, avail: &Avail) -> bool {
        (self.license_type, self.territories) == (avail.license_type, avail.territories)
    }

    pub fn with_id(self, id: AvailId, title_id: TitleId) -> Avail {
        let WantedAvail { id: _, license_type, description, territories, window, hard_end_at } = self;
        Avail { id, title_id, license_type, description, territories, window, hard_end_at }
    }
}

/// How a wanted window is known to be one that is there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Named,
    Same,
    Moved,
}

impl Way {
    fn leads(self, wanted: &WantedAvail, avail: &Avail) -> bool {
        match self {
            Way::Named => wanted.id == Some(avail.id) && wanted.license_type == avail.license_type,
            Way::Same => wanted.is(avail),
            Way::Moved => wanted.resembles(avail),
        }
    }
}

/// A window that is there from now on.
pub fn new_avail(wanted: WantedAvail, title_id: TitleId, now: UtcMs) -> Avail {
    wanted.with_id(AvailId::new(now), title_id)
}

/// The change that leads from the windows of a title to those that are wanted, and to no others. A wanted window is the one
/// that it names; or one that is just so; or the only one of its kind in just these territories, which it moves; or new.
pub fn toward(title_id: TitleId, present: &[Avail], wanted: Vec<WantedAvail>, now: UtcMs) -> PlanChange {
    let mut rest: Vec<&Avail> = present.iter().collect();
    let mut found: Vec<Option<&Avail>> = vec![None; wanted.len()];
    for way in [Way::Named, Way::Same, Way::Moved] {
        for place in 0..wanted.len() {
            let mut candidates = rest.iter().enumerate().filter(|(_, avail)| way.leads(&wanted[place], avail));
            let Some((at, avail)) = candidates.next() else { continue };
            // What is moved has to be the only one that could be meant.
            let others = wanted.iter().zip(&found).filter(|(other, is)| is.is_none() && way.leads(other, avail));
            let is_clear = way != Way::Moved || (candidates.next().is_none() && others.count() == 1);
            if found[place].is_none() && is_clear {
                found[place] = Some(rest.remove(at));
            }
        }
    }
    let mut change = PlanChange::of(title_id);
    for (wanted, found) in wanted.into_iter().zip(found) {
        match found {
            Some(avail) if wanted.is(avail) => {}
            Some(avail) => change.edited_avails.push(wanted.with_id(avail.id, title_id)),
            None => change.new_avails.push(new_avail(wanted, title_id, now)),
        }
    }
    change.gone_avails = rest.into_iter().map(|avail| avail.id).collect();
    change
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(license_type: LicenseType, territory: &str, start: i64, end: i64) -> WantedAvail {
        WantedAvail {
            id: None,
            license_type,
            description: None,
            territories: TerritorySet::of([territory.parse().unwrap()]),
            window: Window { start_at: UtcMs(start), end_at: Some(UtcMs(end)), zone: "UTC".into() },
            hard_end_at: None,
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
        // Both are other ones: neither can be told.
        let change = of(&present, vec![wanted(Vod, "CN", 21, 30), wanted(Vod, "CN", 1, 10)]);
        assert_eq!((change.edited_avails.len(), change.new_avails.len(), change.gone_avails.len()), (0, 2, 2));
        // One that is named is moved, also elsewhere, but becomes none of another kind.
        let named = |license_type| WantedAvail { id: Some(present[0].id), ..wanted(license_type, "DE", 1, 2) };
        let change = of(&present, vec![named(Vod)]);
        assert_eq!((change.edited_avails[0].id, &change.gone_avails[..]), (present[0].id, &[present[1].id][..]));
        let change = of(&present, vec![named(Svod)]);
        assert_eq!((change.edited_avails.len(), change.new_avails.len(), change.gone_avails.len()), (0, 1, 2));
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
        assert_eq!((avails.len(), change.conflicts(&avails, &holdbacks, UtcMs(0))), (2, vec![]));
        change.edited_avails.pop();
        let (avails, holdbacks) = change.applied_to(&present, &[]);
        assert_eq!(change.conflicts(&avails, &holdbacks, UtcMs(0))[0].avail_id, present[1].id);
        change.gone_avails = vec![present[1].id];
        let (avails, holdbacks) = change.applied_to(&present, &[]);
        assert_eq!((avails.len(), change.conflicts(&avails, &holdbacks, UtcMs(0))), (1, vec![]));
    }
}
