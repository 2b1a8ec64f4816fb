//! What storefronts need of the database.

use async_trait::async_trait;

use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::catalog::storefront::Storefront;
use crate::store::db::{Idempotency, Written};

/// Storefronts. Every write appends a `Change::Catalog`. Exactly one of them is the default at any time: one that becomes
/// the default takes that from the other.
#[async_trait]
pub trait StorefrontDb: Send + Sync {
    /// In id order; there is always one at least.
    async fn storefronts(&self) -> Result<Vec<Storefront>>;

    /// `Conflict`: `SLUG_TAKEN`, `HOST_TAKEN`, `STOREFRONTS_FULL`.
    async fn insert_storefront(
        &self,
        storefront: &Storefront,
        idempotency: Option<&Idempotency>,
        at: UtcMs,
    ) -> Result<Written<()>>;

    /// Replaces the storefront whose present version is `storefront.version - 1`; `Precondition` (`VERSION_CONFLICT`)
    /// otherwise, `NotFound` when there is none. `Conflict`: as above, and `DEFAULT_NEEDED` for the default one that
    /// would no longer be it.
    async fn update_storefront(&self, storefront: &Storefront, at: UtcMs) -> Result<()>;
}
