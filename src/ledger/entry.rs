//! An entry and its postings. The only constructor refuses postings that do not sum to zero.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::base::clock::UtcMs;
use crate::base::error::{Error, Result};
use crate::base::id::{EntryId, PlanId, PurchaseId, TitleId};
use crate::base::money::{Currency, Money};

/// Money that moved at one instant for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    id: EntryId,
    at: UtcMs,
    kind: EntryKind,
    purchase_id: PurchaseId,
    /// The entry that this one takes back.
    reverses: Option<EntryId>,
    livemode: bool,
    postings: Vec<Posting>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    Purchase,
    Refund,
}

/// One side of an entry: positive is a debit, negative a credit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Posting {
    pub account: LedgerAccount,
    pub amount: Money,
}

/// Where money is or comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LedgerAccount {
    /// What a payment provider holds for us.
    Provider(String),
    /// Gross sales of one title (点播票房).
    Sales(TitleId),
    /// What was paid for time under one plan.
    Memberships(PlanId),
    /// What was paid for coins.
    Coins,
}

/// What an entry says besides its postings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryFacts {
    pub id: EntryId,
    pub at: UtcMs,
    pub kind: EntryKind,
    pub purchase_id: PurchaseId,
    pub reverses: Option<EntryId>,
    pub livemode: bool,
}

impl Entry {
    /// Refuses fewer than two postings and postings that do not sum to zero per currency.
    pub fn new(facts: EntryFacts, postings: Vec<Posting>) -> Result<Entry> {
        if postings.len() < 2 {
            return Err(Error::internal("an entry needs two postings at least"));
        }
        let mut sums: BTreeMap<Currency, i128> = BTreeMap::new();
        for posting in &postings {
            *sums.entry(posting.amount.currency).or_default() += i128::from(posting.amount.minor);
        }
        if let Some((currency, sum)) = sums.iter().find(|(_, sum)| **sum != 0) {
            return Err(Error::internal(format!("entry {} is out of balance by {sum} {currency}", facts.id)));
        }
        let EntryFacts { id, at, kind, purchase_id, reverses, livemode } = facts;
        Ok(Entry { id, at, kind, purchase_id, reverses, livemode, postings })
    }

    pub fn facts(&self) -> EntryFacts {
        EntryFacts {
            id: self.id,
            at: self.at,
            kind: self.kind,
            purchase_id: self.purchase_id,
            reverses: self.reverses,
            livemode: self.livemode,
        }
    }

    pub fn id(&self) -> EntryId {
        self.id
    }

    pub fn postings(&self) -> &[Posting] {
        &self.postings
    }
}

impl EntryKind {
    pub fn as_str(self) -> &'static str {
        match self {
            EntryKind::Purchase => "purchase",
            EntryKind::Refund => "refund",
        }
    }

    pub fn parse(text: &str) -> Option<EntryKind> {
        [EntryKind::Purchase, EntryKind::Refund].into_iter().find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for LedgerAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LedgerAccount::Provider(name) => write!(f, "provider:{name}"),
            LedgerAccount::Sales(title) => write!(f, "sales:{title}"),
            LedgerAccount::Memberships(plan) => write!(f, "memberships:{plan}"),
            LedgerAccount::Coins => f.write_str("coins"),
        }
    }
}

impl FromStr for LedgerAccount {
    type Err = Error;

    fn from_str(text: &str) -> Result<LedgerAccount> {
        match text.split_once(':') {
            Some(("provider", name)) if !name.is_empty() => Ok(LedgerAccount::Provider(name.to_owned())),
            Some(("sales", title)) => Ok(LedgerAccount::Sales(title.parse()?)),
            Some(("memberships", plan)) => Ok(LedgerAccount::Memberships(plan.parse()?)),
            None if text == "coins" => Ok(LedgerAccount::Coins),
            _ => Err(Error::internal(format!("\"{text}\" is no ledger account"))),
        }
    }
}

impl Serialize for LedgerAccount {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_out_of_balance_cannot_be_made() {
        let now = UtcMs(1_700_000_000_000);
        let facts = EntryFacts {
            id: EntryId::new(now),
            at: now,
            kind: EntryKind::Purchase,
            purchase_id: PurchaseId::new(now),
            reverses: None,
            livemode: false,
        };
        let provider = LedgerAccount::Provider("sandbox".into());
        let sales = LedgerAccount::Sales(TitleId::new(now));
        let posting = |account: &LedgerAccount, minor, currency| Posting {
            account: account.clone(),
            amount: Money::new(minor, currency),
        };
        let balanced = vec![posting(&provider, 1800, Currency::CNY), posting(&sales, -1800, Currency::CNY)];
        assert!(Entry::new(facts, balanced).is_ok());
        let short = vec![posting(&provider, 1800, Currency::CNY), posting(&sales, -1799, Currency::CNY)];
        assert!(Entry::new(facts, short).is_err());
        let mixed = vec![posting(&provider, 1800, Currency::CNY), posting(&sales, -1800, Currency::USD)];
        assert!(Entry::new(facts, mixed).is_err());
        assert!(Entry::new(facts, vec![posting(&provider, 0, Currency::CNY)]).is_err());
        let plan = LedgerAccount::Memberships(PlanId::new(now));
        for account in [provider, sales, plan, LedgerAccount::Coins] {
            assert_eq!(account.to_string().parse::<LedgerAccount>().unwrap(), account);
        }
    }
}
