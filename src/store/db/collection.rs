//! Collections: titles that are shown together.

use async_trait::async_trait;

use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::base::id::CollectionId;
use crate::catalog::collection::Collection;
use crate::store::db::{Idempotency, Written};

/// Collections. Every write appends a `Change::Catalog`. What is written is `Unprocessable` where it names a title
/// (`TITLE_NOT_FOUND`) or party (`PARTY_NOT_FOUND`) that is not there, or a party that is no broadcaster
/// (`COLLECTION_INVALID`).
#[async_trait]
pub trait CollectionDb: Send + Sync {
    /// `Conflict`: `COLLECTIONS_FULL`.
    async fn insert_collection(
        &self,
        collection: &Collection,
        idempotency: Option<&Idempotency>,
    ) -> Result<Written<()>>;

    /// Replaces the collection whose present version is `collection.version - 1`; `Precondition` (`VERSION_CONFLICT`)
    /// otherwise, `NotFound` when there is none.
    async fn update_collection(&self, collection: &Collection, at: UtcMs) -> Result<()>;

    /// All of them, oldest first.
    async fn collections(&self) -> Result<Vec<Collection>>;

    /// `NotFound` when there is none.
    async fn delete_collection(&self, id: CollectionId, at: UtcMs) -> Result<()>;
}
