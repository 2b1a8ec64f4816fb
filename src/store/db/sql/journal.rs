//! SQL of the journal: entries are added at the end of the chain, inside the writer's transaction.

use sqlx::Row as _;

use super::row::{Columns, to_hex};
use super::{Connection, Row, SqlDb};
use crate::base::error::{Error, Result};
use crate::base::id::PurchaseId;
use crate::ledger::chain::{self, ChainHash, GENESIS};
use crate::ledger::entry::{Entry, EntryFacts, EntryKind, Posting};
use crate::store::db::commerce::ChainedEntry;

/// Adds `entry` as the next link.
pub async fn append(conn: &mut Connection, entry: &Entry) -> Result<()> {
    let last = sqlx::query("SELECT position, hash FROM entry ORDER BY position DESC LIMIT 1")
        .fetch_optional(&mut *conn)
        .await?;
    let (position, previous) = match last {
        Some(row) => (row.int("position")?, ChainHash(row.hash("hash")?)),
        None => (0, GENESIS),
    };
    let hash = chain::link(previous, entry)?;
    let facts = entry.facts();
    sqlx::query(
        "INSERT INTO entry (position, id, at, kind, purchase_id, reverses, livemode, hash) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(position + 1)
    .bind(facts.id.to_string())
    .bind(facts.at.0)
    .bind(facts.kind.as_str())
    .bind(facts.purchase_id.to_string())
    .bind(facts.reverses.map(|id| id.to_string()))
    .bind(i64::from(facts.livemode))
    .bind(to_hex(&hash.0))
    .execute(&mut *conn)
    .await?;
    for (line, posting) in (0i64..).zip(entry.postings()) {
        sqlx::query(
            "INSERT INTO posting (entry_id, line, account, amount_minor, currency) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(facts.id.to_string())
        .bind(line)
        .bind(posting.account.to_string())
        .bind(posting.amount.minor)
        .bind(posting.amount.currency.code())
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// Entries after a position, with their postings, read at one moment.
pub async fn entries(db: &SqlDb, after: i64, limit: u32) -> Result<Vec<ChainedEntry>> {
    let mut moment = db.readers.begin().await?;
    let rows = sqlx::query("SELECT * FROM entry WHERE position > $1 ORDER BY position LIMIT $2")
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(&mut *moment)
        .await?;
    let mut entries = Vec::with_capacity(rows.len());
    for row in &rows {
        let entry = entry(row, &mut moment).await?;
        entries.push(ChainedEntry { position: row.int("position")?, entry, hash: ChainHash(row.hash("hash")?) });
    }
    moment.rollback().await?;
    Ok(entries)
}

/// All entries that a purchase has caused, in chain order.
pub async fn entries_of_purchase(conn: &mut Connection, purchase: PurchaseId) -> Result<Vec<ChainedEntry>> {
    let rows = sqlx::query("SELECT * FROM entry WHERE purchase_id = $1 ORDER BY position")
        .bind(purchase.to_string())
        .fetch_all(&mut *conn)
        .await?;
    let mut entries = Vec::with_capacity(rows.len());
    for row in &rows {
        let entry = entry(row, conn).await?;
        entries.push(ChainedEntry { position: row.int("position")?, entry, hash: ChainHash(row.hash("hash")?) });
    }
    Ok(entries)
}

/// The entry of this kind that a purchase has caused.
pub async fn entry_of_purchase(conn: &mut Connection, purchase: PurchaseId, kind: EntryKind) -> Result<Option<Entry>> {
    let row = sqlx::query("SELECT * FROM entry WHERE purchase_id = $1 AND kind = $2")
        .bind(purchase.to_string())
        .bind(kind.as_str())
        .fetch_optional(&mut *conn)
        .await?;
    match row {
        Some(row) => entry(&row, conn).await.map(Some),
        None => Ok(None),
    }
}

async fn entry(row: &Row, conn: &mut Connection) -> Result<Entry> {
    let facts = EntryFacts {
        id: row.parsed("id")?,
        at: row.instant("at")?,
        kind: row.word("kind", EntryKind::parse)?,
        purchase_id: row.parsed("purchase_id")?,
        reverses: row.parsed_opt("reverses")?,
        livemode: row.flag("livemode")?,
    };
    let rows = sqlx::query("SELECT account, amount_minor, currency FROM posting WHERE entry_id = $1 ORDER BY line")
        .bind(facts.id.to_string())
        .fetch_all(conn)
        .await?;
    let postings = rows
        .iter()
        .map(|row| Ok(Posting { account: row.parsed("account")?, amount: row.money("amount_minor")? }))
        .collect::<Result<Vec<_>>>()?;
    // Out of balance after it was written: somebody has been at the file.
    Entry::new(facts, postings).map_err(|error: Error| {
        let position: i64 = row.try_get("position").unwrap_or_default();
        super::error::corrupt("An entry of the journal is damaged; run `marquee check`.")
            .with_internal(format!("position {position}"))
            .with_source(error)
    })
}
