//! Idempotency keys: looked up and stored in the transaction of the effect they guard.

use sqlx::Row as _;

use super::Connection;
use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::store::db::{Idempotency, Written};

/// What is known of this key: nothing, or the answer that a repeated request gets.
pub async fn seen<T>(connection: &mut Connection, idempotency: Option<&Idempotency>) -> Result<Option<Written<T>>> {
    let Some(idempotency) = idempotency else { return Ok(None) };
    let row =
        sqlx::query("SELECT request_digest, object_id FROM idempotency WHERE caller = $1 AND idempotency_key = $2")
            .bind(&idempotency.caller)
            .bind(&idempotency.key)
            .fetch_optional(connection)
            .await?;
    let Some(row) = row else { return Ok(None) };
    let request_digest: String = row.try_get("request_digest")?;
    Ok(Some(if request_digest == idempotency.request_digest {
        Written::Replay { id: row.try_get("object_id")? }
    } else {
        Written::KeyReused
    }))
}

/// Remembers that this key made `object_id`.
pub async fn remember(
    connection: &mut Connection,
    idempotency: Option<&Idempotency>,
    object_id: &str,
    at: UtcMs,
) -> Result<()> {
    let Some(idempotency) = idempotency else { return Ok(()) };
    sqlx::query(
        "INSERT INTO idempotency (caller, idempotency_key, request_digest, object_id, created_at) \
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(&idempotency.caller)
    .bind(&idempotency.key)
    .bind(&idempotency.request_digest)
    .bind(object_id)
    .bind(at.0)
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn forget(connection: &mut Connection, before: UtcMs) -> Result<()> {
    sqlx::query("DELETE FROM idempotency WHERE created_at < $1").bind(before.0).execute(connection).await?;
    Ok(())
}
