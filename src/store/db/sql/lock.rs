//! SQL of [`LockDb`].

use async_trait::async_trait;

use super::row::Columns;
use super::{Connection, Row, SqlDb};
use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::base::id::ViewerId;
use crate::base::limits;
use crate::store::db::LockDb;
use crate::store::db::lock::{Lock, PinTry};

const LOCK: &str = "SELECT * FROM viewer_lock WHERE viewer_id = $1";

#[async_trait]
impl LockDb for SqlDb {
    async fn lock(&self, viewer: ViewerId) -> Result<Option<Lock>> {
        let row = sqlx::query(LOCK).bind(viewer.to_string()).fetch_optional(&self.readers).await?;
        row.as_ref().map(lock).transpose()
    }

    async fn set_lock(&self, viewer: ViewerId, age_limit: u8, pin_hash: Option<&str>) -> Result<bool> {
        let pin_hash = pin_hash.map(str::to_owned);
        self.write(move |conn| Box::pin(async move { set(conn, viewer, age_limit, pin_hash.as_deref()).await })).await
    }

    async fn remove_lock(&self, viewer: ViewerId) -> Result<bool> {
        self.write(move |conn| {
            Box::pin(async move {
                let gone = sqlx::query("DELETE FROM viewer_lock WHERE viewer_id = $1").bind(viewer.to_string());
                Ok(gone.execute(conn).await?.rows_affected() == 1)
            })
        })
        .await
    }

    async fn begin_pin_try(&self, viewer: ViewerId, at: UtcMs) -> Result<Option<PinTry>> {
        self.write(move |conn| Box::pin(async move { begin_try(conn, viewer, at).await })).await
    }

    async fn end_pin_tries(&self, viewer: ViewerId) -> Result<()> {
        self.write(move |conn| {
            Box::pin(async move {
                sqlx::query("UPDATE viewer_lock SET tries = 0, locked_until = NULL WHERE viewer_id = $1")
                    .bind(viewer.to_string())
                    .execute(conn)
                    .await?;
                Ok(())
            })
        })
        .await
    }
}

async fn set(conn: &mut Connection, viewer: ViewerId, age_limit: u8, pin_hash: Option<&str>) -> Result<bool> {
    let updated = sqlx::query(
        "UPDATE viewer_lock SET age_limit = $2, pin_hash = COALESCE($3, pin_hash), tries = 0, locked_until = NULL \
         WHERE viewer_id = $1",
    )
    .bind(viewer.to_string())
    .bind(i64::from(age_limit))
    .bind(pin_hash)
    .execute(&mut *conn)
    .await?;
    if updated.rows_affected() == 1 {
        return Ok(true);
    }
    let Some(pin_hash) = pin_hash else { return Ok(false) };
    sqlx::query("INSERT INTO viewer_lock (viewer_id, pin_hash, age_limit, tries) VALUES ($1, $2, $3, 0)")
        .bind(viewer.to_string())
        .bind(pin_hash)
        .bind(i64::from(age_limit))
        .execute(conn)
        .await?;
    Ok(true)
}

async fn begin_try(conn: &mut Connection, viewer: ViewerId, at: UtcMs) -> Result<Option<PinTry>> {
    let Some(row) = sqlx::query(LOCK).bind(viewer.to_string()).fetch_optional(&mut *conn).await? else {
        return Ok(None);
    };
    let before = match row.instant_opt("locked_until")? {
        Some(until) if at < until => return Ok(Some(PinTry::Locked { until })),
        // It has passed: there are as many tries as in the beginning.
        Some(_) => 0,
        None => row.count("tries")?,
    };
    let tries: u32 = before + 1;
    let left = limits::PIN_TRIES_MAX.saturating_sub(tries);
    let locked_until = (left == 0).then(|| at + limits::PIN_LOCKED);
    sqlx::query("UPDATE viewer_lock SET tries = $2, locked_until = $3 WHERE viewer_id = $1")
        .bind(viewer.to_string())
        .bind(i64::from(tries))
        .bind(locked_until.map(|at| at.0))
        .execute(conn)
        .await?;
    Ok(Some(PinTry::Counted { pin_hash: row.text("pin_hash")?, left, locked_until }))
}

fn lock(row: &Row) -> Result<Lock> {
    let age_limit: u32 = row.count("age_limit")?;
    Ok(Lock { age_limit: age_limit as u8, locked_until: row.instant_opt("locked_until")? })
}
