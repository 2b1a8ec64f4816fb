//! A deal: what another party may do with a title, where and when, and whether it alone may. A partner's platform, the
//! cinemas of a circuit and a television channel carry a title by deals of their own; our own carriage is in avails.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{AvailId, DealId, HoldbackId, PartyId, TitleId};
use crate::base::limits;
use crate::base::money::Money;
use crate::base::territory::{Territory, TerritorySet};
use crate::rights::avail::{Avail, LicenseType};
use crate::rights::caps::{Caps, hear_together, shared};
use crate::rights::conflict::{ConflictCode, days_begun};
use crate::rights::holdback::{Holdback, Lift};
use crate::rights::window::{Window, WindowPhase};

const DRIFT_MAX: Duration = Duration::from_secs(60);
const TOLD_FOR: Duration = Duration::from_secs(7 * 24 * 3600);
const REPORTED_WITHIN: Duration = Duration::from_secs(600);

/// A contract about one title with one party.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deal {
    pub id: DealId,
    pub title_id: TitleId,
    pub party_id: PartyId,
    /// The contract that it stands in.
    pub contract: Option<String>,
    pub carriage: Carriage,
    pub territories: TerritorySet,
    /// What of the film it is about, where that is not all of it.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "shared")]
    pub caps: Option<Arc<Caps>>,
    pub window: Window,
    pub exclusivity: Option<Exclusivity>,
    /// When the title was really there for the first time, as the party says.
    pub opened_at: Option<UtcMs>,
    /// When we took it back, with whatever was playing under it.
    #[serde(default)]
    pub revoked_at: Option<UtcMs>,
}

/// What changes of a deal.
#[derive(Clone, Debug, Default)]
pub struct DealEdit {
    pub start_at: Option<UtcMs>,
    pub end_at: Option<Option<UtcMs>>,
    pub opened_at: Option<Option<UtcMs>>,
    /// Of a broadcast.
    pub slots: Option<Vec<Slot>>,
}

/// How the party shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Carriage {
    /// On its platform.
    Platform {
        license_type: LicenseType,
        /// What its viewers pay.
        price: Option<Money>,
        /// Its viewers play from this server, each in so many places at once. It delivers by itself where this is not said.
        streams: Option<u32>,
    },
    /// In the cinemas of a circuit.
    Cinema,
    /// On a television channel (上星, 展播).
    Broadcast {
        channel: String,
        /// Under what it may be broadcast.
        clearance: String,
        runs: u32,
        /// When it is on the air, as far as that is settled: some of the runs, in their order.
        #[serde(default)]
        slots: Vec<Slot>,
        /// Whether the channel may show what was on the air again when a viewer asks (回看). That is a window of its own, by a
        /// deal for a platform.
        #[serde(default)]
        catch_up: bool,
    },
}

/// One run on the air: `[start_at, end_at)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    pub start_at: UtcMs,
    pub end_at: UtcMs,
}

/// What a title is shown in, as far as somebody may have it alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Medium {
    Vod,
    Est,
    Svod,
    Avod,
    Cinema,
    Broadcast,
}

/// Nobody else shows it meanwhile in the languages of the deal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Exclusivity {
    /// We do.
    pub with_us: bool,
    /// They do (联合独播).
    pub with: Vec<PartyId>,
    /// In what; the medium of the deal where none is named.
    pub media: Vec<Medium>,
}

/// How the real opening differs from what was agreed. Nobody's is moved by that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Drift {
    Early,
    Late,
    /// It delivers by itself, it should be there, and nobody has said that it is.
    Unreported,
}

/// What speaks against a deal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DealConflict {
    pub met: Met,
    pub territories: TerritorySet,
    /// `[from, to)`.
    pub from: UtcMs,
    pub to: Option<UtcMs>,
}

/// What a deal meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Met {
    /// Our own window, in what the party was to have alone.
    Avail(AvailId),
    /// Another party's deal: one of both was to have it alone.
    Deal(DealId),
    /// It opens before a contract allows.
    Holdback(HoldbackId),
}

/// What an operator should have meant by a deal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DealWarning {
    pub license_type: LicenseType,
    pub territories: TerritorySet,
    /// `[from, to)`.
    pub from: UtcMs,
    pub to: Option<UtcMs>,
    pub code: ConflictCode,
}

impl Carriage {
    pub fn medium(&self) -> Medium {
        match self {
            Carriage::Platform { license_type, .. } => Medium::of(*license_type),
            Carriage::Cinema => Medium::Cinema,
            Carriage::Broadcast { .. } => Medium::Broadcast,
        }
    }

    /// When it is on the air, as far as that is settled.
    pub fn slots(&self) -> &[Slot] {
        match self {
            Carriage::Broadcast { slots, .. } => slots,
            Carriage::Platform { .. } | Carriage::Cinema => &[],
        }
    }
}

impl Medium {
    pub fn of(license_type: LicenseType) -> Medium {
        match license_type {
            LicenseType::Vod => Medium::Vod,
            LicenseType::Est => Medium::Est,
            LicenseType::Svod => Medium::Svod,
            LicenseType::Avod => Medium::Avod,
        }
    }
}

impl DealConflict {
    /// Begun ones counted whole; none where there is no end.
    pub fn days(&self) -> Option<i64> {
        days_begun(self.from, self.to)
    }
}

impl DealWarning {
    /// Begun ones counted whole; none where there is no end.
    pub fn days(&self) -> Option<i64> {
        days_begun(self.from, self.to)
    }
}

impl Deal {
    pub fn check(&self) -> Result<()> {
        let refuse = |param: &str, message: String| {
            Err(Error::new(ErrorKind::Unprocessable, "DEAL_INVALID", message).with_param(param))
        };
        self.window.check()?;
        self.caps.as_ref().map_or(Ok(()), |caps| caps.check())?;
        let is_line = |text: &str| !text.trim().is_empty() && text.chars().count() <= limits::NAME_CHARS_MAX;
        let max = limits::NAME_CHARS_MAX;
        if self.contract.as_deref().is_some_and(|contract| !is_line(contract)) {
            return refuse("contract", format!("Name the contract in 1 to {max} characters."));
        }
        if self.territories.members().is_empty() {
            return refuse("territories", "It holds nowhere: nothing of what is included is left.".into());
        }
        match &self.carriage {
            Carriage::Platform { price: Some(price), .. } if !(0..=limits::PRICE_MINOR_MAX).contains(&price.minor) => {
                refuse("carriage.price", "A price is not negative and has at most 12 zeros in minor units.".into())
            }
            Carriage::Platform { streams: Some(0), .. } => {
                refuse("carriage.streams", "At least one stream must be allowed.".into())
            }
            Carriage::Broadcast { channel, .. } if !is_line(channel) => {
                refuse("carriage.channel", format!("Name the channel in 1 to {max} characters."))
            }
            Carriage::Broadcast { clearance, .. } if !is_line(clearance) => {
                refuse("carriage.clearance", "Say under what it may be broadcast: nothing is without.".into())
            }
            Carriage::Broadcast { runs: 0, .. } => refuse("carriage.runs", "It is broadcast once at least.".into()),
            Carriage::Broadcast { runs, slots, .. } => self.check_slots(*runs, slots),
            _ => Ok(()),
        }
    }

    fn check_slots(&self, runs: u32, slots: &[Slot]) -> Result<()> {
        let refuse = |message: String| {
            Err(Error::new(ErrorKind::Unprocessable, "DEAL_INVALID", message).with_param("carriage.slots"))
        };
        if u32::try_from(slots.len()).is_ok_and(|slots| slots > runs) {
            return refuse(format!("Each slot is one of the runs, and there are {runs}."));
        }
        if slots.len() > limits::SLOTS_PER_DEAL_MAX {
            return refuse(format!("A deal has at most {} slots.", limits::SLOTS_PER_DEAL_MAX));
        }
        if slots.iter().any(|slot| slot.end_at <= slot.start_at) {
            return refuse("A slot must end after it starts.".into());
        }
        if slots.windows(2).any(|pair| pair[1].start_at < pair[0].end_at) {
            return refuse("Slots are named in their order, and one begins when that before it has ended.".into());
        }
        let Window { start_at, end_at, .. } = self.window;
        let is_outside = |slot: &Slot| slot.start_at < start_at || end_at.is_some_and(|end_at| slot.end_at > end_at);
        if slots.iter().any(is_outside) {
            return refuse("Nothing is on the air before the deal begins or after it has ended.".into());
        }
        Ok(())
    }

    /// The deal with a change. One that has begun keeps its beginning, and nobody says when something opened that has not.
    pub fn edited(&self, edit: DealEdit, now: UtcMs) -> Result<Deal> {
        let mut deal = self.clone();
        deal.window.start_at = edit.start_at.unwrap_or(self.window.start_at);
        deal.window.end_at = edit.end_at.unwrap_or(self.window.end_at);
        deal.opened_at = edit.opened_at.unwrap_or(self.opened_at);
        if let Some(wanted) = edit.slots {
            let Carriage::Broadcast { slots, .. } = &mut deal.carriage else {
                let message = "Slots are those of a broadcast, and this is none.";
                return Err(Error::new(ErrorKind::Unprocessable, "DEAL_INVALID", message).with_param("slots"));
            };
            *slots = wanted;
        }
        if deal.window.start_at != self.window.start_at && self.window.start_at <= now {
            let message = "The deal has begun, and its beginning stays. End it, or revoke it, and make another.";
            return Err(Error::new(ErrorKind::Conflict, "DEAL_OPENED", message).with_param("start_at"));
        }
        if deal.opened_at.is_some_and(|opened_at| opened_at > now) {
            let message = "What is still to come has not opened; say so when it has.";
            return Err(Error::new(ErrorKind::Unprocessable, "DEAL_INVALID", message).with_param("opened_at"));
        }
        // An edit names the slots by themselves.
        let is_of_slots = |error: &Error| error.param() == Some("carriage.slots");
        deal.check().map_err(|error| if is_of_slots(&error) { error.with_param("slots") } else { error })?;
        Ok(deal)
    }

    /// Whether the opening is the one that was agreed, to within a minute; and ten minutes afterwards, whether it was one.
    /// After a week nobody can do anything about it any more.
    pub fn drift(&self, now: UtcMs) -> Option<Drift> {
        let agreed = self.window.start_at;
        if now >= agreed + TOLD_FOR {
            return None;
        }
        let delivers = matches!(self.carriage, Carriage::Platform { streams: None, .. });
        match self.opened_at {
            Some(opened_at) if opened_at + DRIFT_MAX < agreed => Some(Drift::Early),
            Some(opened_at) if opened_at > agreed + DRIFT_MAX => Some(Drift::Late),
            Some(_) => None,
            None => (delivers && now >= agreed + REPORTED_WITHIN).then_some(Drift::Unreported),
        }
    }

    /// Whether its party has a copy of its own: its viewers do not play from this server.
    pub fn is_shown_from_own_copy(&self) -> bool {
        !matches!(self.carriage, Carriage::Platform { streams: Some(_), .. })
    }

    /// Whether it is neither over nor taken back.
    pub fn is_alive(&self, now: UtcMs) -> bool {
        self.revoked_at.is_none() && self.window.phase(now) != WindowPhase::Closed
    }

    /// Where and when it leaves this medium to nobody but its own group.
    fn keeps(&self, medium: Medium) -> bool {
        let exclusivity = self.exclusivity.as_ref().filter(|_| self.revoked_at.is_none());
        exclusivity.is_some_and(|exclusivity| match &exclusivity.media[..] {
            [] => self.carriage.medium() == medium,
            media => media.contains(&medium),
        })
    }

    fn keeps_us_out_of(&self, avail: &Avail) -> bool {
        self.keeps(Medium::of(avail.license_type))
            && hear_together(self.caps.as_deref(), avail.caps.as_deref())
            && self.exclusivity.as_ref().is_some_and(|group| !group.with_us)
    }

    fn keeps_out(&self, other: &Deal) -> bool {
        let is_of_group = |group: &Exclusivity| group.with.contains(&other.party_id);
        self.party_id != other.party_id
            && self.keeps(other.carriage.medium())
            && hear_together(self.caps.as_deref(), other.caps.as_deref())
            && !self.exclusivity.as_ref().is_some_and(is_of_group)
    }

    /// Where and when this window of ours lies in what the party was to have alone.
    pub fn meets_avail(&self, avail: &Avail) -> Option<DealConflict> {
        if !self.keeps_us_out_of(avail) {
            return None;
        }
        common(&self.territories, &self.window, &avail.territories, &avail.window, Met::Avail(avail.id))
    }

    fn meets_deal(&self, other: &Deal) -> Option<DealConflict> {
        if !self.keeps_out(other) && !other.keeps_out(self) {
            return None;
        }
        common(&self.territories, &self.window, &other.territories, &other.window, Met::Deal(other.id))
    }

    /// Where it opens before this holdback lets it. Cinemas are held back by nothing.
    fn meets_holdback(&self, holdback: &Holdback, avails: &[Avail], deals: &[Deal]) -> Option<DealConflict> {
        let territories = self.held_by(holdback)?;
        let lift = holdback.lift(avails, deals);
        let met = Met::Holdback(holdback.id);
        let from = self.window.start_at;
        lift.holds(from).then_some(DealConflict { met, territories, from, to: lift.at() })
    }

    /// Where a holdback holds this deal: one that names no licence type holds back broadcasts too. None holds back what it
    /// counts from.
    fn held_by(&self, holdback: &Holdback) -> Option<TerritorySet> {
        if holdback.counts_from(self.id) {
            return None;
        }
        let is_meant = match &self.carriage {
            Carriage::Platform { license_type, .. } => holdback.means(*license_type),
            Carriage::Broadcast { .. } => holdback.license_types.is_empty(),
            Carriage::Cinema => false,
        };
        if is_meant { self.territories.common(&holdback.territories) } else { None }
    }

    /// When it opens in a territory, as holdbacks let it; none where what they count from is not planned.
    pub fn opening(
        &self,
        holdbacks: &[Holdback],
        avails: &[Avail],
        deals: &[Deal],
        territory: Territory,
    ) -> Option<UtcMs> {
        let holds = |holdback: &&Holdback| self.held_by(holdback).is_some_and(|places| places.contains(territory));
        let lift = holdbacks.iter().filter(holds).map(|holdback| holdback.lift(avails, deals)).max();
        let start_at = self.window.start_at;
        lift.map_or(Some(start_at), |lift| lift.at().map(|at| at.max(start_at)))
    }
}

/// What speaks against a deal beside our windows, the other deals of its title and its holdbacks. A deal does not meet
/// itself, and what is over by `now` meets nothing.
pub fn findings(
    proposed: &Deal,
    avails: &[Avail],
    deals: &[Deal],
    holdbacks: &[Holdback],
    now: UtcMs,
) -> Vec<DealConflict> {
    if !proposed.is_alive(now) {
        return Vec::new();
    }
    let ours = avails.iter().filter_map(|avail| proposed.meets_avail(avail));
    let others = deals
        .iter()
        .filter(|other| other.id != proposed.id && other.is_alive(now))
        .filter_map(|other| proposed.meets_deal(other));
    let held = holdbacks.iter().filter_map(|holdback| proposed.meets_holdback(holdback, avails, deals));
    let is_over = |conflict: &DealConflict| conflict.to.is_some_and(|to| to <= now);
    ours.chain(others).chain(held).filter(|conflict| !is_over(conflict)).collect()
}

/// The latest end of what keeps a window of ours shut in a territory now; `Unplanned` where that has none.
pub fn kept_until(deals: &[Deal], avail: &Avail, territory: Territory, now: UtcMs) -> Option<Lift> {
    let keeps =
        |deal: &&Deal| deal.keeps_us_out_of(avail) && deal.territories.contains(territory) && deal.window.is_open(now);
    deals.iter().filter(keeps).map(|deal| deal.window.end_at.map_or(Lift::Unplanned, Lift::At)).max()
}

fn common(one: &TerritorySet, its: &Window, other: &TerritorySet, others: &Window, met: Met) -> Option<DealConflict> {
    let territories = one.common(other)?;
    let (from, to) = its.common(others)?;
    Some(DealConflict { met, territories, from, to })
}

#[cfg(test)]
mod tests;
