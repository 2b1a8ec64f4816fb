//! The rules that write entries: one for a sale, one for taking an entry back.

use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::base::id::EntryId;
use crate::ledger::entry::{Entry, EntryFacts, EntryKind, LedgerAccount, Posting};
use crate::ledger::purchase::Purchase;

/// A paid purchase: the provider owes us the gross, the title has sold it.
pub fn sale(purchase: &Purchase, at: UtcMs) -> Result<Entry> {
    let facts = EntryFacts {
        id: EntryId::new(at),
        at,
        kind: EntryKind::Purchase,
        purchase_id: purchase.id,
        reverses: None,
        livemode: purchase.livemode,
    };
    let provider = Posting { account: LedgerAccount::Provider(purchase.provider.clone()), amount: purchase.price };
    let sales = Posting { account: LedgerAccount::Sales(purchase.title_id), amount: purchase.price.negated()? };
    Entry::new(facts, vec![provider, sales])
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
