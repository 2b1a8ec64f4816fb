//! The database in SQL: a pool of readers and one writer, over SQLite or PostgreSQL.
//!
//! ```text
//! callers ── queue (bounded) ──> writer ── BEGIN, a savepoint per write, COMMIT ──> answers
//!    └────────────────────────── readers (cannot write) ────────────────────────────> answers
//! ```
//!
//! A write is answered after the commit that holds it. The modules named like the traits of the port hold their
//! statements, one text for both databases; what a database has of its own is in [`dialect`](Dialect) and in the adapter
//! that opens it.
//!
//! **Invariant**: from its `BEGIN` to its `COMMIT` a writer is the only one in the whole database, whichever node it
//! writes for; what a write reads stays true until it is committed.

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use sqlx::AnyPool;

use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::store::db::{Db, Idempotency, Written};

mod account;
mod audit;
mod board;
mod catalog;
mod check;
mod collection;
mod commerce;
mod deal;
mod delivery;
mod dialect;
mod error;
mod idempotency;
mod job;
mod journal;
mod lock;
mod merchandise;
mod migration;
mod operator;
mod outage;
mod placement;
mod plan;
mod playback;
mod product;
mod progress;
mod purchase;
mod row;
mod sales;
mod screener;
mod series;
mod storefront;
mod telemetry;
mod voucher;
mod wallet;
mod writer;

pub use dialect::Dialect;

#[cfg(test)]
mod tests;

/// What the statements run on.
type Connection = sqlx::AnyConnection;
type Row = sqlx::any::AnyRow;

/// A database. Dropping it without [`Db::close`] still finishes the writes in the queue.
pub struct SqlDb {
    dialect: Dialect,
    readers: AnyPool,
    writer: writer::Writer,
}

impl SqlDb {
    /// Opens what `dialect` says and brings its schema up to date.
    ///
    /// `Config`: `SCHEMA_TOO_NEW`. `CheckFailed`: `DB_CORRUPT` (not one of ours). Others are those of a statement.
    pub async fn open(dialect: Dialect) -> Result<SqlDb> {
        let mut connection = dialect.connect().await?;
        migration::run(&mut connection, &dialect).await?;
        let readers = dialect.readers().await?;
        let writer = writer::Writer::start(connection, dialect.clone());
        Ok(SqlDb { dialect, readers, writer })
    }

    /// Commits since it was opened. Writes that wait together share one, so under load it stays far below their number.
    pub fn commits(&self) -> u64 {
        self.writer.commits()
    }

    /// Runs `work` inside the writer's transaction; its error takes back only what it did itself.
    pub(super) async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T>> + Send + 'static,
    {
        self.writer.write(work).await
    }
}

#[async_trait]
impl Db for SqlDb {
    async fn ping(&self) -> Result<()> {
        sqlx::query("SELECT 1").execute(&self.readers).await?;
        Ok(())
    }

    async fn version(&self) -> Result<String> {
        Ok(sqlx::query_scalar(self.dialect.version()).fetch_one(&self.readers).await?)
    }

    async fn written(&self, idempotency: &Idempotency) -> Result<Option<Written<()>>> {
        let mut connection = self.readers.acquire().await?;
        idempotency::seen(&mut connection, Some(idempotency)).await
    }

    async fn forget_idempotency_keys(&self, before: UtcMs) -> Result<()> {
        self.write(move |conn| Box::pin(idempotency::forget(conn, before))).await
    }

    async fn close(&self) {
        self.writer.finish().await;
        self.readers.close().await;
    }
}
