//! The embedded database: SQLite in WAL mode with `synchronous=FULL`, a pool of readers and one writer.
//!
//! ```text
//! callers ── queue (bounded) ──> writer ── BEGIN, a savepoint per write, COMMIT ──> answers
//!    └────────────────────────── readers (query_only) ──────────────────────────────> answers
//! ```
//!
//! A write is answered after the commit that holds it. The modules named like the traits of the port hold their SQL,
//! which is portable; what is SQLite's own is here and in `open`, `writer` and `error`.

use std::path::Path;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use sqlx::SqlitePool;

use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::store::db::{Db, Idempotency, Written};

mod account;
mod audit;
mod board;
mod catalog;
mod check;
mod commerce;
mod error;
mod idempotency;
mod job;
mod journal;
mod open;
mod operator;
mod playback;
mod progress;
mod purchase;
mod row;
mod sales;
mod storefront;
mod voucher;
mod telemetry;
mod writer;

#[cfg(test)]
mod tests;

/// What the statements of this adapter run on.
type Connection = sqlx::SqliteConnection;
type Row = sqlx::sqlite::SqliteRow;

/// A database in one file. Dropping it without [`Db::close`] still finishes the writes in the queue.
pub struct SqliteDb {
    readers: SqlitePool,
    writer: writer::Writer,
}

impl SqliteDb {
    /// Opens the database at `path` and brings its schema up to date; makes folder and file when there are none.
    ///
    /// `Config`: `DATA_NOT_WRITABLE`, `SCHEMA_TOO_NEW`. `CheckFailed`: `DB_CORRUPT` (not a database, or not ours).
    pub async fn open(path: &Path) -> Result<SqliteDb> {
        let connection = open::writer(path).await?;
        let readers = open::readers(path).await?;
        Ok(SqliteDb { readers, writer: writer::Writer::start(connection) })
    }

    /// Commits since it was opened. Writes that wait together share one, so under load it stays far below their number.
    pub fn commits(&self) -> u64 {
        self.writer.commits()
    }

    /// Runs `work` inside the writer's transaction; its error takes back only what it did itself.
    async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T>> + Send + 'static,
    {
        self.writer.write(work).await
    }
}

#[async_trait]
impl Db for SqliteDb {
    async fn ping(&self) -> Result<()> {
        sqlx::query("SELECT 1").execute(&self.readers).await?;
        Ok(())
    }

    async fn version(&self) -> Result<String> {
        Ok(sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&self.readers).await?)
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
