//! A holdback: what a contract says must not begin before something else has, such as "not online before 17 days after the
//! opening on this circuit". A title's windows keep all of its holdbacks, so the strictest one counts.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{DealId, HoldbackId, TitleId};
use crate::base::limits;
use crate::base::territory::{Territory, TerritorySet};
use crate::rights::avail::{Avail, LicenseType};
use crate::rights::deal::Deal;
use crate::rights::window::Window;

/// One promise to one party about one title.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holdback {
    pub id: HoldbackId,
    pub title_id: TitleId,
    /// Whom it was promised to: a circuit, a distributor.
    pub party: String,
    /// The contract that it stands in.
    pub contract: Option<String>,
    pub event: HoldbackEvent,
    /// Calendar days after the event, in its zone; zero lets both begin at one instant.
    pub lag_days: u16,
    /// Where it holds.
    pub territories: TerritorySet,
    /// What it holds back; everything where none is named.
    pub license_types: Vec<LicenseType>,
}

/// What a holdback counts from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum HoldbackEvent {
    /// The film opens in the cinemas of the party.
    CinemaOpening {
        opens_at: UtcMs,
        /// IANA.
        zone: String,
    },
    /// A deal of the title opens, such as that of a circuit, wherever it is moved.
    DealOpening { deal_id: DealId },
    /// The first window of this kind that covers the territory opens.
    WindowOpening { license_type: LicenseType, territory: Territory },
}

/// When a holdback lets go. Later is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lift {
    At(UtcMs),
    /// What it counts from is not planned.
    Unplanned,
}

impl Lift {
    pub fn at(self) -> Option<UtcMs> {
        match self {
            Lift::At(at) => Some(at),
            Lift::Unplanned => None,
        }
    }

    /// Whether it still holds.
    pub fn holds(self, now: UtcMs) -> bool {
        self > Lift::At(now)
    }
}

impl Holdback {
    pub fn check(&self) -> Result<()> {
        let refuse = |code: &'static str, param: &str, message: String| {
            Err(Error::new(ErrorKind::Unprocessable, code, message).with_param(param))
        };
        let is_line = |text: &str| !text.trim().is_empty() && text.chars().count() <= limits::NAME_CHARS_MAX;
        if !is_line(&self.party) {
            let max = limits::NAME_CHARS_MAX;
            return refuse("FIELD_INVALID", "party", format!("Name the party in at most {max} characters."));
        }
        if self.contract.as_deref().is_some_and(|contract| !is_line(contract)) {
            let max = limits::NAME_CHARS_MAX;
            return refuse("FIELD_INVALID", "contract", format!("Name the contract in at most {max} characters."));
        }
        if self.lag_days > limits::HOLDBACK_DAYS_MAX {
            let message = format!("At most {} days; there is no such contract.", limits::HOLDBACK_DAYS_MAX);
            return refuse("FIELD_INVALID", "lag_days", message);
        }
        if self.territories.members().is_empty() {
            return refuse(
                "FIELD_INVALID",
                "territories",
                "It holds nowhere: nothing of what is included is left.".into(),
            );
        }
        if let HoldbackEvent::WindowOpening { license_type, territory } = self.event
            && self.lag_days > 0
            && self.means(license_type)
            && self.territories.contains(territory)
        {
            let message =
                "It would hold back what it counts from: leave that territory out, or name other licence types.";
            return refuse("FIELD_INVALID", "territories", message.into());
        }
        if let HoldbackEvent::CinemaOpening { zone, .. } = &self.event
            && TimeZone::get(zone).is_err()
        {
            let message = format!("\"{zone}\" is not an IANA time zone such as Asia/Shanghai.");
            return refuse("ZONE_INVALID", "event.zone", message);
        }
        Ok(())
    }

    /// Where it holds back this avail.
    pub fn of(&self, avail: &Avail) -> Option<TerritorySet> {
        if self.means(avail.license_type) { self.territories.common(&avail.territories) } else { None }
    }

    pub fn means(&self, license_type: LicenseType) -> bool {
        self.license_types.is_empty() || self.license_types.contains(&license_type)
    }

    /// When it lets go, beside these windows and deals of its title.
    pub fn lift(&self, avails: &[Avail], deals: &[Deal]) -> Lift {
        let event = self.event_at(avails, deals);
        event.and_then(|(at, zone)| days_after(at, zone, self.lag_days)).map_or(Lift::Unplanned, Lift::At)
    }

    /// When what it counts from is planned to happen, and in which zone that was agreed.
    pub fn event_at<'a>(&'a self, avails: &'a [Avail], deals: &'a [Deal]) -> Option<(UtcMs, &'a str)> {
        let start = |window: &'a Window| (window.start_at, window.zone.as_str());
        match &self.event {
            HoldbackEvent::CinemaOpening { opens_at, zone } => Some((*opens_at, zone.as_str())),
            HoldbackEvent::DealOpening { deal_id } => {
                deals.iter().find(|deal| deal.id == *deal_id).map(|deal| start(&deal.window))
            }
            HoldbackEvent::WindowOpening { license_type, territory } => avails
                .iter()
                .filter(|avail| avail.license_type == *license_type && avail.territories.contains(*territory))
                .map(|avail| start(&avail.window))
                .min(),
        }
    }

    /// Whether it counts from this deal.
    pub fn counts_from(&self, deal: DealId) -> bool {
        matches!(self.event, HoldbackEvent::DealOpening { deal_id } if deal_id == deal)
    }
}

/// The latest lift of what holds back windows of this kind in `territory`.
pub fn lift(
    holdbacks: &[Holdback],
    avails: &[Avail],
    deals: &[Deal],
    kind: LicenseType,
    territory: Territory,
) -> Option<Lift> {
    holdbacks
        .iter()
        .filter(|holdback| holdback.means(kind) && holdback.territories.contains(territory))
        .map(|holdback| holdback.lift(avails, deals))
        .max()
}

/// The same time of day so many days later, as the calendar of the zone counts them.
fn days_after(at: UtcMs, zone: &str, days: u16) -> Option<UtcMs> {
    let begins = Timestamp::from_millisecond(at.0).ok()?.to_zoned(TimeZone::get(zone).ok()?);
    let ends = begins.checked_add(i64::from(days).days()).ok()?;
    Some(UtcMs(ends.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::AvailId;
    use crate::base::id::PartyId;
    use crate::rights::deal::Carriage;

    fn at(text: &str) -> UtcMs {
        UtcMs::parse(text).unwrap()
    }

    fn set(codes: &[&str]) -> TerritorySet {
        TerritorySet::of(codes.iter().map(|code| code.parse().unwrap()))
    }

    fn circuit(opens: &str, lag_days: u16, codes: &[&str]) -> Holdback {
        Holdback {
            id: HoldbackId::new(UtcMs(1)),
            title_id: TitleId::new(UtcMs(1)),
            party: "横店院线".into(),
            contract: None,
            event: HoldbackEvent::CinemaOpening { opens_at: at(opens), zone: "Asia/Shanghai".into() },
            lag_days,
            territories: set(codes),
            license_types: vec![],
        }
    }

    fn avail(license_type: LicenseType, start: &str, codes: &[&str]) -> Avail {
        Avail {
            id: AvailId::new(UtcMs(1)),
            title_id: TitleId::new(UtcMs(1)),
            license_type,
            description: None,
            territories: set(codes),
            window: Window { start_at: at(start), end_at: None, zone: "America/New_York".into() },
            hard_end_at: None,
            caps: None,
        }
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        // Six days after the cinemas, as was planned of 《陌路狂刀》.
        let lift = circuit("2024-03-02T00:00:00+08:00", 6, &["CN"]).lift(&[], &[]);
        assert_eq!(lift, Lift::At(at("2024-03-08T00:00:00+08:00")));
        // Clocks go forward in between: the day is still a day.
        let begins = at("2027-03-13T20:00:00-05:00");
        assert_eq!(days_after(begins, "America/New_York", 1), Some(at("2027-03-14T20:00:00-04:00")));
        assert_eq!(days_after(begins, "America/New_York", 0), Some(begins));
    }

    #[test]
    fn the_strictest_counts_where_and_for_what_it_was_promised() {
        let paid = HoldbackEvent::CinemaOpening { opens_at: at("2027-03-01T00:00:00Z"), zone: "UTC".into() };
        let holdbacks = [
            circuit("2027-03-01T00:00:00Z", 17, &["CN", "HK"]),
            circuit("2027-03-05T00:00:00Z", 0, &["CN"]),
            Holdback {
                event: paid,
                lag_days: 90,
                license_types: vec![LicenseType::Svod],
                ..circuit("2027-03-01T00:00:00Z", 0, &["CN"])
            },
        ];
        let of = |license_type, code: &str| lift(&holdbacks, &[], &[], license_type, code.parse().unwrap());
        assert_eq!(of(LicenseType::Vod, "CN"), Some(Lift::At(at("2027-03-18T00:00:00Z"))));
        assert_eq!(of(LicenseType::Vod, "HK"), Some(Lift::At(at("2027-03-18T00:00:00Z"))));
        assert_eq!(of(LicenseType::Vod, "US"), None);
        assert_eq!(of(LicenseType::Svod, "CN"), Some(Lift::At(at("2027-05-30T00:00:00Z"))));
    }

    #[test]
    fn a_window_may_wait_for_another_one_that_must_be_planned() {
        let event = HoldbackEvent::WindowOpening { license_type: LicenseType::Vod, territory: "US".parse().unwrap() };
        let holdback = Holdback { event, lag_days: 30, ..circuit("2027-01-01T00:00:00Z", 0, &["DE"]) };
        assert_eq!(holdback.lift(&[], &[]), Lift::Unplanned);
        let elsewhere = avail(LicenseType::Vod, "2027-01-01T00:00:00Z", &["FR"]);
        let member = avail(LicenseType::Svod, "2027-01-01T00:00:00Z", &["US"]);
        let later = avail(LicenseType::Vod, "2027-06-01T00:00:00-04:00", &["US", "CA"]);
        let first = avail(LicenseType::Vod, "2027-03-01T00:00:00-05:00", &["US"]);
        assert_eq!(holdback.lift(&[elsewhere, member, later, first], &[]), Lift::At(at("2027-03-31T00:00:00-04:00")));
        assert!(Lift::Unplanned.holds(UtcMs(i64::MAX)));
        let lift = Lift::At(UtcMs(100));
        assert_eq!([99, 100, 101].map(|now| lift.holds(UtcMs(now))), [true, false, false]);
    }

    #[test]
    fn what_waits_for_a_circuit_waits_for_its_deal_wherever_that_is_moved() {
        let deal = |start: &str| Deal {
            id: DealId::from_bytes([1; 16]),
            title_id: TitleId::new(UtcMs(1)),
            party_id: PartyId::new(UtcMs(1)),
            contract: None,
            carriage: Carriage::Cinema,
            territories: set(&["CN"]),
            caps: None,
            window: Window { start_at: at(start), end_at: None, zone: "Asia/Shanghai".into() },
            exclusivity: None,
            opened_at: None,
            revoked_at: None,
        };
        let first = deal("2027-03-02T00:00:00+08:00");
        let event = HoldbackEvent::DealOpening { deal_id: first.id };
        let holdback = Holdback { event, ..circuit("2027-01-01T00:00:00Z", 6, &["CN"]) };
        assert_eq!(holdback.lift(&[], std::slice::from_ref(&first)), Lift::At(at("2027-03-08T00:00:00+08:00")));
        let moved = deal("2027-03-09T00:00:00+08:00");
        assert_eq!(holdback.lift(&[], &[moved]), Lift::At(at("2027-03-15T00:00:00+08:00")));
        let another = Deal { id: DealId::from_bytes([2; 16]), ..first };
        assert_eq!(holdback.lift(&[], &[another]), Lift::Unplanned);
    }

    #[test]
    fn nonsense_is_refused() {
        let good = circuit("2027-03-01T00:00:00Z", 0, &["CN"]);
        good.check().unwrap();
        let code = |holdback: Holdback| holdback.check().unwrap_err().code();
        assert_eq!(code(Holdback { party: " ".into(), ..good.clone() }), "FIELD_INVALID");
        assert_eq!(code(Holdback { lag_days: 3661, ..good.clone() }), "FIELD_INVALID");
        let nowhere = TerritorySet { exclude: ["CN".parse().unwrap()].into(), ..set(&["CN"]) };
        assert_eq!(code(Holdback { territories: nowhere, ..good.clone() }), "FIELD_INVALID");
        let event = HoldbackEvent::CinemaOpening { opens_at: UtcMs(1), zone: "Asia/Peking".into() };
        assert_eq!(code(Holdback { event, ..good.clone() }), "ZONE_INVALID");
        let event = HoldbackEvent::WindowOpening { license_type: LicenseType::Vod, territory: "CN".parse().unwrap() };
        let itself = Holdback { event, ..good };
        itself.check().unwrap();
        assert_eq!(code(Holdback { lag_days: 1, ..itself.clone() }), "FIELD_INVALID");
        Holdback { lag_days: 1, license_types: vec![LicenseType::Svod], ..itself }.check().unwrap();
    }
}
