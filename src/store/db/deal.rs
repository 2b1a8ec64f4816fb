//! What other parties and their deals need of the database.

use async_trait::async_trait;

use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::base::id::{DealId, PartyId};
use crate::rights::deal::{Deal, DealEdit};
use crate::rights::party::Party;
use crate::store::db::{Idempotency, Written};

/// Parties and deals. Every write of a party appends a `Change::Catalog`, every one of a deal a `Change::Title`.
#[async_trait]
pub trait DealDb: Send + Sync {
    /// In id order.
    async fn parties(&self) -> Result<Vec<Party>>;

    /// `Conflict`: `ISSUER_TAKEN`, `PARTIES_FULL`.
    async fn insert_party(&self, party: &Party, idempotency: Option<&Idempotency>) -> Result<Written<()>>;

    /// Replaces the party whose present version is `party.version - 1`; `Precondition` (`VERSION_CONFLICT`) otherwise,
    /// `NotFound` when there is none. `Conflict`: `ISSUER_TAKEN`.
    async fn update_party(&self, party: &Party, at: UtcMs) -> Result<()>;

    /// Records a deal; `Conflict` where the plan of its title speaks against it (`DEAL_CONFLICT`) or the title has as many
    /// as it may (`TOO_MANY_DEALS`).
    async fn insert_deal(&self, deal: &Deal, idempotency: Option<&Idempotency>, at: UtcMs) -> Result<Written<()>>;

    async fn deal(&self, id: DealId) -> Result<Option<Deal>>;

    /// Changes a deal as it is now, of any party or of this one only, and gives it as it was and as it is. `NotFound` when
    /// there is none, `Conflict` where the change itself is against the plan, and as [`Deal::edited`].
    async fn edit_deal(&self, id: DealId, party: Option<PartyId>, edit: DealEdit, at: UtcMs) -> Result<(Deal, Deal)>;

    /// Takes a deal back: nothing opens under it any more and nothing goes on. False when that was done already,
    /// `NotFound` when there is none.
    async fn revoke_deal(&self, id: DealId, at: UtcMs) -> Result<bool>;

    /// Keeps the key of the package that was shipped under a deal, in place of another one; `NotFound` when there is no such
    /// deal.
    async fn keep_package_key(&self, key: &KeptKey) -> Result<()>;

    async fn package_key(&self, deal: DealId) -> Result<Option<KeptKey>>;

    /// That its party has it now; the first time stands.
    async fn note_package_key_taken(&self, deal: DealId, at: UtcMs) -> Result<()>;

    /// Removes a deal that has not opened, and the key that is kept for it; `Conflict` (`DEAL_OPENED`) when it has or a file
    /// was sent under it (`DEAL_DELIVERED`), `NotFound` when there is none.
    async fn delete_deal(&self, id: DealId, at: UtcMs) -> Result<()>;
}

/// The key of a package that was shipped under a deal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptKey {
    pub deal_id: DealId,
    /// Which package it opens, for people.
    pub package: String,
    pub kept_at: UtcMs,
    /// When its party first had it.
    pub taken_at: Option<UtcMs>,
    /// Under the master key.
    pub wrapped: Vec<u8>,
}
