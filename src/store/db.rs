//! The database port: one method per transaction the product needs, not per table. One trait per room that uses it, so
//! that a room sees what is its own.
//!
//! Every write that was answered is durable; a write either happened whole or not at all. One contract suite
//! (`tests/contract/db.rs`) runs against every adapter. The SQL text is one for all of them: `$n` placeholders, TEXT
//! ids, BIGINT minor units and epoch milliseconds, TEXT JSON.

use async_trait::async_trait;

use crate::base::clock::UtcMs;
use crate::base::error::Result;

pub mod account;
pub mod audit;
pub mod board;
pub mod catalog;
pub mod check;
pub mod collection;
pub mod commerce;
pub mod deal;
pub mod delivery;
pub mod job;
pub mod lock;
pub mod merchandise;
pub mod operator;
pub mod outage;
pub mod placement;
pub mod playback;
pub mod postgres;
pub mod product;
pub mod progress;
pub mod sales;
pub mod screener;
pub mod series;
pub mod sql;
pub mod sqlite;
pub mod storefront;
pub mod telemetry;
pub mod voucher;
pub mod wallet;

pub use account::AccountDb;
pub use audit::AuditDb;
pub use board::BoardDb;
pub use catalog::{CatalogDb, WholeCatalog};
pub use check::CheckDb;
pub use collection::CollectionDb;
pub use commerce::CommerceDb;
pub use deal::DealDb;
pub use delivery::DeliveryDb;
pub use job::JobDb;
pub use lock::LockDb;
pub use merchandise::MerchandiseDb;
pub use operator::OperatorDb;
pub use outage::OutageDb;
pub use placement::PlacementDb;
pub use playback::PlaybackDb;
pub use product::ProductDb;
pub use progress::ProgressDb;
pub use sales::SalesDb;
pub use screener::ScreenerDb;
pub use series::SeriesDb;
pub use storefront::StorefrontDb;
pub use telemetry::TelemetryDb;
pub use voucher::VoucherDb;
pub use wallet::WalletDb;

/// The whole database.
#[async_trait]
pub trait Db:
    AccountDb
    + AuditDb
    + BoardDb
    + CatalogDb
    + CheckDb
    + CollectionDb
    + CommerceDb
    + DealDb
    + DeliveryDb
    + JobDb
    + LockDb
    + MerchandiseDb
    + OperatorDb
    + OutageDb
    + PlacementDb
    + PlaybackDb
    + ProductDb
    + ProgressDb
    + SalesDb
    + ScreenerDb
    + SeriesDb
    + StorefrontDb
    + TelemetryDb
    + VoucherDb
    + WalletDb
{
    /// Answers when the database does.
    async fn ping(&self) -> Result<()>;

    /// Of the database itself, for people.
    async fn version(&self) -> Result<String>;

    /// What an earlier request with this key wrote: `Replay` or `KeyReused`, or nothing yet.
    async fn written(&self, idempotency: &Idempotency) -> Result<Option<Written<()>>>;

    /// Forgets idempotency keys older than `before`, which lies at least `limits::IDEMPOTENCY_KEPT` back.
    async fn forget_idempotency_keys(&self, before: UtcMs) -> Result<()>;

    /// Waits for the writes in the queue, then closes. Later calls fail with `Unavailable`.
    async fn close(&self);
}

/// A page of a list in id order: rows after `after`, at most `limit`.
#[derive(Clone, Debug, Default)]
pub struct Page {
    pub after: Option<String>,
    pub limit: u32,
}

/// The caller's id of a write: stored in the same transaction as its effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// Whose key it is: two callers may choose the same one.
    pub caller: String,
    pub key: String,
    /// A digest of route and body: the same key with another request is refused.
    pub request_digest: String,
}

/// What a write with an idempotency key found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written<T> {
    /// It was the first with this key, and is done.
    New(T),
    /// An earlier request with this key and the same body made the object with this id.
    Replay { id: String },
    /// An earlier request with this key had another body.
    KeyReused,
}
