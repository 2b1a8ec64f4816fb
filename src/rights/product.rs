//! A product: what is sold at the cashier besides the offers of one title. Time as a member, coins, or several titles
//! together. Never edited: another one takes its place.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{OfferId, PlanId, ProductId};
use crate::base::limits;
use crate::base::money::Money;

const MS_PER_DAY: i64 = 24 * 3_600_000;

/// What can be bought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    pub id: ProductId,
    /// By BCP 47 language tag.
    pub name: BTreeMap<String, String>,
    pub gives: Gives,
    /// It is sold in the storefronts of this currency.
    pub price: Money,
    /// `[from, until)`.
    pub sold_from_at: Option<UtcMs>,
    pub sold_until: Option<UtcMs>,
    pub withdrawn_at: Option<UtcMs>,
    pub created_at: UtcMs,
}

/// What its buyer gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Gives {
    /// So many days as a member, from the payment or from the end of the time under the same plan.
    Membership { plan_id: PlanId, days: u32 },
    /// Paid coins, and such that are given with them.
    Coins { coins: u32, bonus: u32, expires_after_days: Option<u32> },
    /// What each of these offers gives.
    Bundle { offer_ids: Vec<OfferId> },
}

impl Gives {
    pub fn kind(&self) -> &'static str {
        match self {
            Gives::Membership { .. } => "membership",
            Gives::Coins { .. } => "coins",
            Gives::Bundle { .. } => "bundle",
        }
    }

    pub fn offer_ids(&self) -> &[OfferId] {
        match self {
            Gives::Bundle { offer_ids } => offer_ids,
            Gives::Membership { .. } | Gives::Coins { .. } => &[],
        }
    }
}

impl Product {
    /// Whether it is sold at an instant.
    pub fn is_sold(&self, now: UtcMs) -> bool {
        self.sold_from_at.is_none_or(|from_at| now >= from_at)
            && self.sold_until.is_none_or(|until| now < until)
            && !self.is_withdrawn(now)
    }

    pub fn is_withdrawn(&self, now: UtcMs) -> bool {
        self.withdrawn_at.is_some_and(|withdrawn_at| now >= withdrawn_at)
    }

    /// Refuses what no operator can have meant.
    pub fn check(&self) -> Result<()> {
        let refuse = |param: &str, message: String| {
            Err(Error::new(ErrorKind::Unprocessable, "PRODUCT_INVALID", message).with_param(param))
        };
        let is_line = |text: &String| {
            (1..=limits::NAME_CHARS_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control)
        };
        if self.name.is_empty() || !self.name.values().all(is_line) {
            let message = format!("A name has 1 to {} characters in each language.", limits::NAME_CHARS_MAX);
            return refuse("name", message);
        }
        if !(1..=limits::PRICE_MINOR_MAX).contains(&self.price.minor) {
            return refuse("price", "A price is above zero and has at most 12 zeros in minor units.".into());
        }
        if self.sold_from_at.zip(self.sold_until).is_some_and(|(from_at, until)| until <= from_at) {
            return refuse("sold_until", "It must be sold until after it is sold from.".into());
        }
        let days = 1..=limits::PRODUCT_DAYS_MAX;
        match &self.gives {
            Gives::Membership { days: given, .. } if !days.contains(given) => {
                refuse("gives", format!("A membership lasts 1 to {} days.", limits::PRODUCT_DAYS_MAX))
            }
            Gives::Coins { coins, .. } if !(1..=limits::COINS_PER_LOT_MAX).contains(coins) => {
                refuse("gives", format!("Coins are sold by 1 to {}.", limits::COINS_PER_LOT_MAX))
            }
            Gives::Coins { bonus, .. } if *bonus > limits::COINS_PER_LOT_MAX => {
                refuse("gives", format!("At most {} coins are given with them.", limits::COINS_PER_LOT_MAX))
            }
            Gives::Coins { expires_after_days: Some(after), .. } if !days.contains(after) => {
                refuse("gives", format!("Coins expire after 1 to {} days, or never.", limits::PRODUCT_DAYS_MAX))
            }
            Gives::Bundle { offer_ids } if !(2..=limits::BUNDLE_OFFERS_MAX).contains(&offer_ids.len()) => {
                refuse("gives", format!("A bundle has 2 to {} offers.", limits::BUNDLE_OFFERS_MAX))
            }
            Gives::Membership { .. } | Gives::Coins { .. } | Gives::Bundle { .. } => Ok(()),
        }
    }
}

/// So many whole days of 24 hours after an instant.
pub fn days_after(at: UtcMs, days: u32) -> UtcMs {
    UtcMs(at.0.saturating_add(i64::from(days) * MS_PER_DAY))
}
