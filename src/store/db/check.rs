//! What `store::check` needs to see of the database besides what the rooms see.

use async_trait::async_trait;

use crate::base::error::Result;
use crate::base::id::{PurchaseId, VoucherId};
use crate::base::money::Money;
use crate::ledger::chain::ChainHash;
use crate::ledger::purchase::PurchaseStatus;

/// The database as an auditor reads it.
#[async_trait]
pub trait CheckDb: Send + Sync {
    /// What the backend's own check of its storage finds, one sentence each; empty when all is well.
    async fn storage_faults(&self) -> Result<Vec<String>>;

    /// The hash that is stored at a position of the journal, readable even where its entry is not.
    async fn entry_hash(&self, position: i64) -> Result<Option<ChainHash>>;

    /// The sum of all postings of each currency.
    async fn posting_sums(&self) -> Result<Vec<Money>>;

    /// What belongs to each purchase, in id order.
    async fn tallies(&self, after: Option<PurchaseId>, limit: u32) -> Result<Vec<Tally>>;

    /// What belongs to each voucher that was redeemed or has a grant, in id order.
    async fn voucher_tallies(&self, after: Option<VoucherId>, limit: u32) -> Result<Vec<VoucherTally>>;

    /// Ids of entries, refunds, memberships and lots of coins whose purchase does not exist, and of grants without exactly one cause that does, at
    /// most `limit`.
    async fn strays(&self, limit: u32) -> Result<Vec<String>>;

    /// Ids of unlocks for which another amount was taken than they cost, or from another viewer, and of lots from which
    /// more was taken than they have, at most `limit`.
    async fn wrong_coins(&self, limit: u32) -> Result<Vec<String>>;

    /// Ids of grants that have more time, or less, than outages have given them back, and of those that an outage has given
    /// more than it can have taken, or that it had nothing to do with; at most `limit`.
    async fn wrong_extensions(&self, limit: u32) -> Result<Vec<String>>;
}

/// A purchase and what belongs to it, counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    pub purchase_id: PurchaseId,
    pub status: PurchaseStatus,
    pub price: Money,
    /// What a paid purchase of this kind gives.
    pub grants_due: u32,
    pub memberships_due: u32,
    pub coins_due: u32,
    pub memberships: u32,
    /// One where it gave coins, in however many lots.
    pub coins: u32,
    /// Of what it gave, memberships that were not ended.
    pub memberships_left: u32,
    /// Lots that are not void, or of which something was spent.
    pub coins_left: u32,
    pub grants: u32,
    pub grants_revoked: u32,
    /// Grants that say what the purchase and its offer say: whose, of what, for how long.
    pub grants_faithful: u32,
    pub sales: u32,
    pub reversals: u32,
    pub refunds: u32,
    /// The debits of its sale entries in the currency of the price.
    pub sold_minor: i64,
    /// The debits of its reversals in that currency.
    pub reversed_minor: i64,
    /// Its refunds in that currency.
    pub refunded_minor: i64,
}

/// A voucher and its grants, counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoucherTally {
    pub voucher_id: VoucherId,
    pub is_redeemed: bool,
    pub grants: u32,
    /// Grants that say what the redemption and the batch's offer say: whose, of what, since when, for how long.
    pub grants_faithful: u32,
}
