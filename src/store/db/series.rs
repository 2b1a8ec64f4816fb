//! Series, which seasons belong to.

use async_trait::async_trait;

use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::base::id::SeriesId;
use crate::catalog::series::Series;
use crate::store::db::{Idempotency, Written};

/// Series. Which title is a season of one is written with the title, and no two are the same one.
#[async_trait]
pub trait SeriesDb: Send + Sync {
    /// `SERIES_FULL`.
    async fn insert_series(&self, series: &Series, idempotency: Option<&Idempotency>) -> Result<Written<()>>;

    /// Replaces the series whose present version is `series.version - 1`; `Precondition` (`VERSION_CONFLICT`) otherwise,
    /// `NotFound` when there is none.
    async fn update_series(&self, series: &Series, at: UtcMs) -> Result<()>;

    /// All of them, oldest first.
    async fn series(&self) -> Result<Vec<Series>>;

    /// `SERIES_IN_USE` while a title is a season of it, `NotFound` when there is none.
    async fn delete_series(&self, id: SeriesId, at: UtcMs) -> Result<()>;
}
