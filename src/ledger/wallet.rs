//! A viewer's coins: lots that were paid for and lots that were given, each with an end of its own, and which of them a
//! price is taken from.

use serde::{Deserialize, Serialize};

use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{CoinLotId, PurchaseId, ViewerId};
use crate::base::limits;
use crate::base::money::Money;

/// Coins that came together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoinLot {
    pub id: CoinLotId,
    pub viewer_id: ViewerId,
    pub kind: CoinKind,
    pub coins: u32,
    /// What has been taken from it.
    pub spent: u32,
    /// What was paid for all of it; nothing for coins that were given.
    pub cost: Option<Money>,
    /// From this instant what is left of it is worth nothing.
    pub expires_at: Option<UtcMs>,
    /// For operators: where it came from.
    pub note: String,
    pub added_at: UtcMs,
    /// When the rest of it was taken back.
    pub void_at: Option<UtcMs>,
    pub livemode: bool,
    /// What was paid for it, where it was bought here.
    pub purchase_id: Option<PurchaseId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CoinKind {
    Paid,
    Bonus,
}

impl CoinKind {
    pub fn as_str(self) -> &'static str {
        match self {
            CoinKind::Paid => "paid",
            CoinKind::Bonus => "bonus",
        }
    }

    pub fn parse(text: &str) -> Option<CoinKind> {
        [CoinKind::Paid, CoinKind::Bonus].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Coins taken from one lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoinDebit {
    pub lot_id: CoinLotId,
    pub coins: u32,
}

impl CoinLot {
    /// Refuses what no operator can have meant.
    pub fn check(&self) -> Result<()> {
        let refuse = |param: &str, message: String| {
            Err(Error::new(ErrorKind::Unprocessable, "COINS_INVALID", message).with_param(param))
        };
        if !(1..=limits::COINS_PER_LOT_MAX).contains(&self.coins) {
            return refuse("coins", format!("A lot has 1 to {} coins.", limits::COINS_PER_LOT_MAX));
        }
        match (self.kind, self.cost) {
            (CoinKind::Paid, None) => return refuse("cost", "Paid coins need what was paid for them.".into()),
            (CoinKind::Bonus, Some(_)) => return refuse("cost", "Nothing is paid for bonus coins.".into()),
            (CoinKind::Paid, Some(cost)) if !(1..=limits::PRICE_MINOR_MAX).contains(&cost.minor) => {
                return refuse("cost", "What was paid is above zero and has at most 12 zeros in minor units.".into());
            }
            _ => {}
        }
        if self.expires_at.is_some_and(|expires_at| expires_at <= self.added_at) {
            return refuse("expires_at", "The coins must expire after now.".into());
        }
        let is_long = self.note.chars().count() > limits::REASON_CHARS_MAX;
        if self.note.trim().is_empty() || is_long || self.note.chars().any(char::is_control) {
            let message = format!("A note is one line of 1 to {} characters.", limits::REASON_CHARS_MAX);
            return refuse("note", message);
        }
        Ok(())
    }

    /// Those with something left, in the order in which they are spent: bonus coins first, those that expire first before
    /// the others; then paid coins in the same order; of two alike the older one.
    pub fn in_order(lots: &[CoinLot], now: UtcMs) -> Vec<&CoinLot> {
        let mut lots: Vec<&CoinLot> = lots.iter().filter(|lot| lot.left(now) > 0).collect();
        let never = UtcMs(i64::MAX);
        lots.sort_by_key(|lot| (lot.kind == CoinKind::Paid, lot.expires_at.unwrap_or(never), lot.added_at, lot.id));
        lots
    }

    /// What can still be spent of it.
    pub fn left(&self, now: UtcMs) -> u32 {
        let is_over = self.void_at.is_some() || self.expires_at.is_some_and(|expires_at| now >= expires_at);
        if is_over { 0 } else { self.coins.saturating_sub(self.spent) }
    }
}

/// What can be spent of all lots.
pub fn balance(lots: &[CoinLot], now: UtcMs) -> u64 {
    lots.iter().map(|lot| u64::from(lot.left(now))).sum()
}

/// From which lots `price` is taken. Nothing where there are too few.
pub fn debits(lots: &[CoinLot], price: u32, now: UtcMs) -> Option<Vec<CoinDebit>> {
    let (mut due, mut debits) = (price, Vec::new());
    for lot in CoinLot::in_order(lots, now) {
        let coins = lot.left(now).min(due);
        if coins > 0 {
            debits.push(CoinDebit { lot_id: lot.id, coins });
        }
        due -= coins;
    }
    (due == 0).then_some(debits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::money::Currency;

    fn lot(kind: CoinKind, coins: u32, added_at: i64, expires_at: Option<i64>) -> CoinLot {
        CoinLot {
            id: CoinLotId::new(UtcMs(added_at)),
            viewer_id: ViewerId::new(UtcMs(1)),
            kind,
            coins,
            spent: 0,
            cost: (kind == CoinKind::Paid).then_some(Money::new(499, Currency::USD)),
            expires_at: expires_at.map(UtcMs),
            note: "A pack.".into(),
            added_at: UtcMs(added_at),
            void_at: None,
            livemode: false,
            purchase_id: None,
        }
    }

    #[test]
    fn bonus_coins_go_first_and_what_expires_first_goes_first() {
        let paid = lot(CoinKind::Paid, 500, 1, None);
        let newer = lot(CoinKind::Paid, 500, 9, None);
        let bonus = lot(CoinKind::Bonus, 60, 2, None);
        let passing = lot(CoinKind::Bonus, 30, 3, Some(100));
        let lots = [newer.clone(), paid.clone(), bonus.clone(), passing.clone()];
        let taken = |price, now| {
            debits(&lots, price, UtcMs(now))
                .map(|debits| debits.iter().map(|debit| (debit.lot_id, debit.coins)).collect::<Vec<_>>())
        };
        assert_eq!(taken(20, 99), Some(vec![(passing.id, 20)]));
        assert_eq!(taken(90, 99), Some(vec![(passing.id, 30), (bonus.id, 60)]));
        assert_eq!(taken(90, 100), Some(vec![(bonus.id, 60), (paid.id, 30)]), "expired");
        assert_eq!(taken(600, 100), Some(vec![(bonus.id, 60), (paid.id, 500), (newer.id, 40)]));
        assert_eq!((taken(1_060, 100).map(|debits| debits.len()), taken(1_061, 100)), (Some(3), None));
        assert_eq!((balance(&lots, UtcMs(99)), balance(&lots, UtcMs(100))), (1_090, 1_060));
        let void = CoinLot { void_at: Some(UtcMs(5)), ..paid };
        assert_eq!((void.left(UtcMs(6)), debits(&[void], 1, UtcMs(6))), (0, None));
    }

    #[test]
    fn what_no_operator_can_have_meant_is_refused_by_its_field() {
        let paid = lot(CoinKind::Paid, 500, 1, Some(2));
        paid.check().unwrap();
        let none = Money::new(0, Currency::USD);
        for (wrong, param) in [
            (CoinLot { coins: 0, ..paid.clone() }, "coins"),
            (CoinLot { coins: limits::COINS_PER_LOT_MAX + 1, ..paid.clone() }, "coins"),
            (CoinLot { cost: None, ..paid.clone() }, "cost"),
            (CoinLot { cost: Some(none), ..paid.clone() }, "cost"),
            (CoinLot { kind: CoinKind::Bonus, ..paid.clone() }, "cost"),
            (CoinLot { expires_at: Some(UtcMs(1)), ..paid.clone() }, "expires_at"),
            (CoinLot { note: " ".into(), ..paid.clone() }, "note"),
        ] {
            assert_eq!(wrong.check().unwrap_err().param(), Some(param));
        }
    }

    proptest! {
        #[test]
        fn a_price_is_taken_whole_from_what_is_left_or_not_at_all(
            lots in prop::collection::vec((any::<bool>(), 1u32..200, 0u32..200, prop::option::of(0i64..20)), 0..8),
            price in 1u32..600,
            now in 0i64..20,
        ) {
            let lots: Vec<CoinLot> = (1..).zip(lots).map(|(at, (is_paid, coins, spent, expires_at))| CoinLot {
                spent: spent.min(coins),
                ..lot(if is_paid { CoinKind::Paid } else { CoinKind::Bonus }, coins, at, expires_at)
            }).collect();
            let taken = debits(&lots, price, UtcMs(now));
            prop_assert_eq!(taken.is_some(), balance(&lots, UtcMs(now)) >= u64::from(price));
            let taken = taken.unwrap_or_default();
            for debit in &taken {
                let lot = lots.iter().find(|lot| lot.id == debit.lot_id).unwrap();
                prop_assert!(debit.coins > 0 && debit.coins <= lot.left(UtcMs(now)));
            }
            let sum: u32 = taken.iter().map(|debit| debit.coins).sum();
            prop_assert!(taken.is_empty() || sum == price);
        }
    }
}
