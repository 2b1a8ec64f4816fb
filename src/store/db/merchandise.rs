//! Clicks on merchandise, counted by day.

use async_trait::async_trait;

use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::base::id::TitleId;

#[async_trait]
pub trait MerchandiseDb: Send + Sync {
    /// One more click at `at`; an empty campaign is none.
    async fn count_click(&self, title: TitleId, sku: &str, campaign: &str, at: UtcMs) -> Result<()>;

    /// The clicks of days that begin in `[from, to)`, by day, SKU and campaign; the oldest day first.
    async fn clicks(&self, title: TitleId, from: UtcMs, to: UtcMs) -> Result<Vec<Clicks>>;
}

/// The clicks of one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clicks {
    /// Its midnight in UTC.
    pub day: UtcMs,
    pub sku: String,
    /// Empty where nobody said one.
    pub campaign: String,
    pub clicks: u64,
}
