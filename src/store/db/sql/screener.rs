//! SQL of [`ScreenerDb`].

use async_trait::async_trait;

use super::playback::append_change;
use super::row::{Columns, to_json};
use super::{Connection, Row, SqlDb, idempotency};
use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{ScreenerId, TitleId, ViewerId};
use crate::base::limits;
use crate::rights::screener::Screener;
use crate::store::db::playback::Change;
use crate::store::db::{Idempotency, ScreenerDb, Written};

#[async_trait]
impl ScreenerDb for SqlDb {
    async fn insert_screener(
        &self,
        screener: &Screener,
        idempotency: Option<&Idempotency>,
        at: UtcMs,
    ) -> Result<Written<()>> {
        let (screener, key) = (screener.clone(), idempotency.cloned());
        self.write(move |conn| Box::pin(async move { insert(conn, &screener, key.as_ref(), at).await })).await
    }

    async fn screener(&self, id: ScreenerId) -> Result<Option<Screener>> {
        let row = sqlx::query("SELECT body FROM screener WHERE id = $1").bind(id.to_string());
        row.fetch_optional(&self.readers).await?.as_ref().map(screener).transpose()
    }

    async fn screeners_of(&self, viewer: ViewerId) -> Result<Vec<Screener>> {
        let rows = sqlx::query("SELECT body FROM screener WHERE viewer_id = $1 ORDER BY id").bind(viewer.to_string());
        rows.fetch_all(&self.readers).await?.iter().map(screener).collect()
    }

    async fn revoke_screener(&self, id: ScreenerId, at: UtcMs) -> Result<bool> {
        self.write(move |conn| Box::pin(async move { revoke(conn, id, at).await })).await
    }
}

async fn insert(
    conn: &mut Connection,
    screener: &Screener,
    key: Option<&Idempotency>,
    at: UtcMs,
) -> Result<Written<()>> {
    if let Some(written) = idempotency::seen(conn, key).await? {
        return Ok(written);
    }
    let count = sqlx::query("SELECT COUNT(*) AS screeners FROM screener WHERE title_id = $1");
    let count = count.bind(screener.title_id.to_string()).fetch_one(&mut *conn).await?;
    if count.count::<usize>("screeners")? >= limits::SCREENERS_PER_TITLE_MAX {
        let message = format!("A title has at most {} invitations.", limits::SCREENERS_PER_TITLE_MAX);
        return Err(Error::new(ErrorKind::Conflict, "TOO_MANY_SCREENERS", message));
    }
    sqlx::query("INSERT INTO screener (id, title_id, viewer_id, body) VALUES ($1, $2, $3, $4)")
        .bind(screener.id.to_string())
        .bind(screener.title_id.to_string())
        .bind(screener.viewer_id.to_string())
        .bind(to_json(screener)?)
        .execute(&mut *conn)
        .await?;
    idempotency::remember(conn, key, &screener.id.to_string(), at).await?;
    append_change(conn, Change::Title(screener.title_id), at).await?;
    Ok(Written::New(()))
}

async fn revoke(conn: &mut Connection, id: ScreenerId, at: UtcMs) -> Result<bool> {
    let row = sqlx::query("SELECT body FROM screener WHERE id = $1").bind(id.to_string());
    let found = row.fetch_optional(&mut *conn).await?.as_ref().map(screener).transpose()?;
    let not_found = || Error::new(ErrorKind::NotFound, "SCREENER_NOT_FOUND", "There is no such invitation.");
    let found = found.ok_or_else(not_found)?;
    if found.revoked_at.is_some() {
        return Ok(false);
    }
    let title_id = found.title_id;
    sqlx::query("UPDATE screener SET body = $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(to_json(&Screener { revoked_at: Some(at), ..found })?)
        .execute(&mut *conn)
        .await?;
    append_change(conn, Change::Title(title_id), at).await?;
    Ok(true)
}

/// All invitations to a title, in id order.
pub async fn screeners_of(conn: &mut Connection, title: TitleId) -> Result<Vec<Screener>> {
    let rows = sqlx::query("SELECT body FROM screener WHERE title_id = $1 ORDER BY id").bind(title.to_string());
    rows.fetch_all(conn).await?.iter().map(screener).collect()
}

pub fn screener(row: &Row) -> Result<Screener> {
    row.json("body")
}
