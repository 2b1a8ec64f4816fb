//! An offer: what can be bought under an avail that is sold (`Vod`, `Est`), its prices, and the clock of the grant that a purchase gives.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{AvailId, OfferId, TitleId};
use crate::base::limits;
use crate::base::money::Money;
use crate::rights::avail::Avail;
use crate::rights::grant::GrantClock;
use crate::rights::window::WindowPhase;

/// What a viewer can buy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    pub id: OfferId,
    pub title_id: TitleId,
    pub avail_id: AvailId,
    pub kind: OfferKind,
    pub list_price: Money,
    /// The price for whoever is a member when the payment is taken; without one members pay the list price.
    pub member_price: Option<Money>,
    pub clock: GrantClock,
    /// Streams at once under one grant.
    pub streams: u32,
    /// From when it is sold although its window has not opened.
    pub presale_from_at: Option<UtcMs>,
    /// How long before the end of its window, or the hard end, it is sold no more.
    pub sales_cutoff_ms: i64,
    /// From when it is sold no more, whatever its window says.
    pub withdrawn_at: Option<UtcMs>,
}

/// Whether an offer is sold at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SalePhase {
    /// Neither its window nor its presale has opened.
    NotOpen {
        sold_from_at: UtcMs,
    },
    /// Sold now, watched from the opening of its window.
    Presale,
    Open,
    /// Its window is over, or what is left of it is too little to be sold.
    Closed,
    Withdrawn,
}

/// How the offer is spoken of; the rules are in its clock and its avail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfferKind {
    /// Premium VOD: before members get it.
    Pvod,
    /// Transactional rental.
    Rental,
    /// For good (EST).
    Buy,
}

impl OfferKind {
    pub fn as_str(self) -> &'static str {
        match self {
            OfferKind::Pvod => "pvod",
            OfferKind::Rental => "rental",
            OfferKind::Buy => "buy",
        }
    }

    pub fn parse(text: &str) -> Option<OfferKind> {
        [OfferKind::Pvod, OfferKind::Rental, OfferKind::Buy].into_iter().find(|kind| kind.as_str() == text)
    }
}

impl Offer {
    /// What this viewer pays.
    pub fn price(&self, is_member: bool) -> Money {
        match self.member_price {
            Some(member_price) if is_member => member_price,
            _ => self.list_price,
        }
    }

    /// Whether it is sold under `avail`, which is its own.
    pub fn sale_phase(&self, avail: &Avail, now: UtcMs) -> SalePhase {
        if self.is_withdrawn(now) {
            return SalePhase::Withdrawn;
        }
        if avail.has_hard_ended(now) {
            return SalePhase::Closed;
        }
        match (avail.window.phase(now), self.presale_from_at) {
            (WindowPhase::Open, _) if self.sold_until(avail).is_some_and(|until| now >= until) => SalePhase::Closed,
            (WindowPhase::Open, _) => SalePhase::Open,
            (WindowPhase::Closed, _) => SalePhase::Closed,
            (WindowPhase::NotOpen, Some(from_at)) if now >= from_at => SalePhase::Presale,
            (WindowPhase::NotOpen, from_at) => {
                SalePhase::NotOpen { sold_from_at: from_at.unwrap_or(avail.window.start_at).min(avail.window.start_at) }
            }
        }
    }

    /// Until when it is sold under `avail`, which is its own: its window or its hard end ends the sale, whichever is earlier.
    pub fn sold_until(&self, avail: &Avail) -> Option<UtcMs> {
        let end_at = avail.window.end_at.into_iter().chain(avail.hard_end_at).min()?;
        Some(UtcMs(end_at.0.saturating_sub(self.sales_cutoff_ms)))
    }

    /// Whether it is sold to this viewer at all.
    pub fn is_for(&self, is_member: bool) -> bool {
        is_member || !self.clock.needs_membership()
    }

    pub fn is_sold(&self, avail: &Avail, now: UtcMs) -> bool {
        matches!(self.sale_phase(avail, now), SalePhase::Open | SalePhase::Presale)
    }

    pub fn is_withdrawn(&self, now: UtcMs) -> bool {
        self.withdrawn_at.is_some_and(|withdrawn_at| now >= withdrawn_at)
    }

    pub fn check(&self) -> Result<()> {
        let refuse = |param: &str, message: &str| {
            Err(Error::new(ErrorKind::Unprocessable, "OFFER_INVALID", message).with_param(param))
        };
        if !(0..=limits::PRICE_MINOR_MAX).contains(&self.list_price.minor) {
            return refuse("list_price", "A price is not negative and has at most 12 zeros in minor units.");
        }
        if let Some(member_price) = self.member_price {
            if member_price.currency != self.list_price.currency {
                return refuse("member_price", "Both prices must be in one currency.");
            }
            if member_price.minor < 0 || member_price.minor > self.list_price.minor {
                return refuse("member_price", "The member price lies between zero and the list price.");
            }
        }
        if !(0..=limits::SALES_CUTOFF_MS_MAX).contains(&self.sales_cutoff_ms) {
            let days = limits::SALES_CUTOFF_MS_MAX / (24 * 3_600_000);
            let message = format!("The sale ends at most {days} days before the window does.");
            return Err(Error::new(ErrorKind::Unprocessable, "OFFER_INVALID", message).with_param("sales_cutoff_s"));
        }
        if self.streams == 0 {
            return refuse("streams", "At least one stream must be allowed.");
        }
        if (self.kind == OfferKind::Buy) != (self.clock == GrantClock::Forever) {
            return refuse("clock", "What is bought for good has the clock `forever`, and nothing else has.");
        }
        let (start_within, watch) = match self.clock {
            GrantClock::Forever => return Ok(()),
            GrantClock::OnPurchase { watch_ms } | GrantClock::UntilMembers { watch_ms } => (None, watch_ms),
            GrantClock::OnFirstPlay { start_within_ms, watch_ms } => (Some(start_within_ms), watch_ms),
        };
        let longest_ms = Duration::from_secs(10 * 366 * 24 * 3600).as_millis() as i64;
        if !(1..=longest_ms).contains(&watch) || start_within.is_some_and(|ms| !(1..=longest_ms).contains(&ms)) {
            return refuse("clock", "The periods of the clock lie between one millisecond and ten years.");
        }
        Ok(())
    }
}
