//! What invitations need of the database.

use async_trait::async_trait;

use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::base::id::{ScreenerId, ViewerId};
use crate::rights::screener::Screener;
use crate::store::db::{Idempotency, Written};

/// Invitations. Every write appends a `Change::Title`.
#[async_trait]
pub trait ScreenerDb: Send + Sync {
    /// Records an invitation; `Conflict` (`TOO_MANY_SCREENERS`) where the title has as many as it may.
    async fn insert_screener(
        &self,
        screener: &Screener,
        idempotency: Option<&Idempotency>,
        at: UtcMs,
    ) -> Result<Written<()>>;

    async fn screener(&self, id: ScreenerId) -> Result<Option<Screener>>;

    /// A viewer's, of all titles, in id order.
    async fn screeners_of(&self, viewer: ViewerId) -> Result<Vec<Screener>>;

    /// Takes an invitation back; false when that was done already, `NotFound` when there is none.
    async fn revoke_screener(&self, id: ScreenerId, at: UtcMs) -> Result<bool>;
}
