//! The rules that write entries: one for a sale, one for taking an entry back.

use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::base::id::EntryId;
use crate::ledger::entry::{Entry, EntryFacts, EntryKind, LedgerAccount, Posting};
use crate::ledger::purchase::Purchase;

/// A paid purchase: the provider owes us the gross; each of its titles has sold its part, or, where it is of none,
/// `account` has.
pub fn sale(purchase: &Purchase, account: Option<LedgerAccount>, at: UtcMs) -> Result<Entry> {
    let facts = EntryFacts {
        id: EntryId::new(at),
        at,
        kind: EntryKind::Purchase,
        purchase_id: purchase.id,
        reverses: None,
        livemode: purchase.livemode,
    };
    let provider = Posting { account: LedgerAccount::Provider(purchase.provider.clone()), amount: purchase.price };
    let titles = purchase.good.lines().iter().map(|line| (LedgerAccount::Sales(line.title_id), line.price));
    let credits = titles.chain(account.map(|account| (account, purchase.price)));
    let credits = credits.map(|(account, amount)| Ok(Posting { account, amount: amount.negated()? }));
    let credits = credits.collect::<Result<Vec<_>>>()?;
    Entry::new(facts, std::iter::once(provider).chain(credits).collect())
}

/// The same postings with the other sign.
pub fn reversal(entry: &Entry, at: UtcMs) -> Result<Entry> {
    let facts =
        EntryFacts { id: EntryId::new(at), at, kind: EntryKind::Refund, reverses: Some(entry.id()), ..entry.facts() };
    let postings = entry
        .postings()
        .iter()
        .map(|posting| Ok(Posting { account: posting.account.clone(), amount: posting.amount.negated()? }))
        .collect::<Result<Vec<_>>>()?;
    Entry::new(facts, postings)
}
