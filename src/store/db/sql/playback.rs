//! SQL of [`PlaybackDb`], and of the change log that other writes append to.

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::error::corrupt;
use super::row::{AFTER_ALL, Columns, to_json};
use super::{Connection, Row, SqlDb, telemetry};
use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{GrantId, SessionId, ViewerId};
use crate::base::limits;
use crate::catalog::licence::ReleaseCard;
use crate::rights::session::PlaybackSession;
use crate::store::db::playback::{Change, Changes, KeyUse, SigningKey, WrappedKey};
use crate::store::db::{Page, PlaybackDb};

#[async_trait]
impl PlaybackDb for SqlDb {
    async fn insert_session(&self, session: &PlaybackSession) -> Result<()> {
        let session = session.clone();
        self.write(move |conn| Box::pin(async move { insert_session(conn, &session).await })).await
    }

    async fn session(&self, id: SessionId) -> Result<Option<PlaybackSession>> {
        let row = sqlx::query("SELECT * FROM session WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(session).transpose()
    }

    async fn open_sessions(&self, now: UtcMs, page: &Page) -> Result<Vec<PlaybackSession>> {
        let rows = sqlx::query(
            "SELECT * FROM session WHERE ended_at IS NULL AND expires_at > $1 AND id < $2 ORDER BY id DESC LIMIT $3",
        )
        .bind(now.0)
        .bind(page.after.as_deref().unwrap_or(AFTER_ALL))
        .bind(i64::from(page.limit))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(session).collect()
    }

    async fn open_sessions_of(&self, viewer: ViewerId, now: UtcMs, page: &Page) -> Result<Vec<PlaybackSession>> {
        let rows = sqlx::query(
            "SELECT * FROM session WHERE viewer_id = $1 AND ended_at IS NULL AND expires_at > $2 AND id < $3 \
             ORDER BY id DESC LIMIT $4",
        )
        .bind(viewer.to_string())
        .bind(now.0)
        .bind(page.after.as_deref().unwrap_or(AFTER_ALL))
        .bind(i64::from(page.limit))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(session).collect()
    }

    async fn end_session(&self, id: SessionId, at: UtcMs) -> Result<bool> {
        self.write(move |conn| {
            Box::pin(async move {
                if session_end(conn, id).await?.ended_at.is_some() {
                    return Ok(false);
                }
                sqlx::query("UPDATE session SET ended_at = $2 WHERE id = $1")
                    .bind(id.to_string())
                    .bind(at.0)
                    .execute(&mut *conn)
                    .await?;
                append_change(conn, Change::Session(id), at).await?;
                Ok(true)
            })
        })
        .await
    }

    async fn revoke_session(&self, id: SessionId, reason: &str, at: UtcMs) -> Result<bool> {
        let reason = reason.to_owned();
        self.write(move |conn| {
            Box::pin(async move {
                let end = session_end(conn, id).await?;
                if end.revoked_at.is_some() {
                    return Ok(false);
                }
                sqlx::query("UPDATE session SET revoked_at = $2, revoke_reason = $3, ended_at = $4 WHERE id = $1")
                    .bind(id.to_string())
                    .bind(at.0)
                    .bind(&reason)
                    .bind(end.ended_at.unwrap_or(at).0)
                    .execute(&mut *conn)
                    .await?;
                append_change(conn, Change::Session(id), at).await?;
                Ok(true)
            })
        })
        .await
    }

    async fn start_clock(&self, grant: GrantId, at: UtcMs) -> Result<UtcMs> {
        self.write(move |conn| Box::pin(async move { start_clock(conn, grant, at).await })).await
    }

    async fn changes(&self, cursor: Option<i64>, limit: u32) -> Result<Changes> {
        let Some(cursor) = cursor else {
            let end: i64 =
                sqlx::query_scalar("SELECT COALESCE(MAX(position), 0) FROM change").fetch_one(&self.readers).await?;
            return Ok(Changes { changes: Vec::new(), cursor: end });
        };
        let rows =
            sqlx::query("SELECT position, kind, subject FROM change WHERE position > $1 ORDER BY position LIMIT $2")
                .bind(cursor)
                .bind(i64::from(limit))
                .fetch_all(&self.readers)
                .await?;
        let cursor = match rows.last() {
            Some(row) => row.int("position")?,
            None => cursor,
        };
        Ok(Changes { changes: rows.iter().map(change).collect::<Result<_>>()?, cursor })
    }

    async fn forget_changes(&self, before: UtcMs) -> Result<()> {
        self.write(move |conn| {
            Box::pin(async move {
                sqlx::query("DELETE FROM change WHERE at < $1 AND position < (SELECT MAX(position) FROM change)")
                    .bind(before.0)
                    .execute(conn)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    async fn forget_sessions(&self, before: UtcMs, limit: u32) -> Result<u64> {
        self.write(move |conn| {
            Box::pin(async move {
                let gone = sqlx::query(
                    "DELETE FROM session WHERE id IN (SELECT id FROM session WHERE expires_at < $1 LIMIT $2)",
                )
                .bind(before.0)
                .bind(i64::from(limit))
                .execute(&mut *conn)
                .await?;
                if gone.rows_affected() > 0 {
                    let unused = "DELETE FROM campaign_word WHERE NOT EXISTS (SELECT 1 FROM session WHERE \
                        session.title_id = campaign_word.title_id AND session.campaign = campaign_word.word)";
                    sqlx::query(unused).execute(conn).await?;
                }
                Ok(gone.rows_affected())
            })
        })
        .await
    }

    async fn content_key(&self, key_use: &KeyUse) -> Result<Option<WrappedKey>> {
        let row = sqlx::query(
            "SELECT id, wrapped FROM content_key WHERE asset_id = $1 AND track = $2 AND scheme = $3 AND extent = $4",
        )
        .bind(key_use.asset.to_string())
        .bind(&key_use.track)
        .bind(key_use.scheme.as_str())
        .bind(key_use.extent.as_str())
        .fetch_optional(&self.readers)
        .await?;
        row.map(|row| Ok(WrappedKey { id: row.parsed("id")?, wrapped: wrapped(&row)? })).transpose()
    }

    async fn insert_content_keys(&self, keys: &[(KeyUse, WrappedKey)]) -> Result<()> {
        let keys = keys.to_vec();
        self.write(move |conn| {
            Box::pin(async move {
                for (key_use, key) in keys {
                    sqlx::query(
                        "INSERT INTO content_key (asset_id, track, scheme, extent, id, wrapped) VALUES ($1, $2, $3, $4, $5, $6) \
                         ON CONFLICT (asset_id, track, scheme, extent) DO NOTHING",
                    )
                    .bind(key_use.asset.to_string())
                    .bind(key_use.track)
                    .bind(key_use.scheme.as_str())
                    .bind(key_use.extent.as_str())
                    .bind(key.id.to_string())
                    .bind(BASE64.encode(key.wrapped))
                    .execute(&mut *conn)
                    .await?;
                }
                Ok(())
            })
        })
        .await
    }

    async fn signing_keys(&self) -> Result<Vec<SigningKey>> {
        let rows = sqlx::query("SELECT * FROM signing_key ORDER BY id DESC").fetch_all(&self.readers).await?;
        rows.iter()
            .map(|row| {
                Ok(SigningKey { id: row.parsed("id")?, wrapped: wrapped(row)?, created_at: row.instant("created_at")? })
            })
            .collect()
    }

    async fn insert_signing_key(&self, key: &SigningKey) -> Result<()> {
        let key = key.clone();
        self.write(move |conn| {
            Box::pin(async move {
                sqlx::query("INSERT INTO signing_key (id, wrapped, created_at) VALUES ($1, $2, $3)")
                    .bind(key.id.to_string())
                    .bind(BASE64.encode(&key.wrapped))
                    .bind(key.created_at.0)
                    .execute(conn)
                    .await?;
                Ok(())
            })
        })
        .await
    }
}

/// Adds to the log that every node follows, in the transaction of what it tells of. Positions have no gaps, and as
/// there is one writer, a position is never seen before a smaller one.
pub async fn append_change(conn: &mut Connection, change: Change, at: UtcMs) -> Result<()> {
    let (kind, subject) = match change {
        Change::Title(id) => ("catalog", Some(id.to_string())),
        Change::Catalog => ("catalog", None),
        Change::Grant(id) => ("grant", Some(id.to_string())),
        Change::Membership(id) => ("membership", Some(id.to_string())),
        Change::Session(id) => ("session", Some(id.to_string())),
    };
    sqlx::query(
        "INSERT INTO change (position, kind, subject, at) \
         VALUES ((SELECT COALESCE(MAX(position), 0) + 1 FROM change), $1, $2, $3)",
    )
    .bind(kind)
    .bind(subject)
    .bind(at.0)
    .execute(conn)
    .await?;
    Ok(())
}

async fn start_clock(conn: &mut Connection, grant: GrantId, at: UtcMs) -> Result<UtcMs> {
    let row = sqlx::query("SELECT first_play_at, revoked_at FROM viewer_grant WHERE id = $1")
        .bind(grant.to_string())
        .fetch_optional(&mut *conn)
        .await?;
    let Some(row) = row else {
        return Err(Error::new(ErrorKind::NotFound, "GRANT_NOT_FOUND", "There is no such grant."));
    };
    if row.int_opt("revoked_at")?.is_some() {
        return Err(Error::new(ErrorKind::Conflict, "GRANT_REVOKED", "Your access to this title has been withdrawn."));
    }
    if let Some(first_play_at) = row.instant_opt("first_play_at")? {
        return Ok(first_play_at);
    }
    sqlx::query("UPDATE viewer_grant SET first_play_at = $2 WHERE id = $1")
        .bind(grant.to_string())
        .bind(at.0)
        .execute(&mut *conn)
        .await?;
    append_change(conn, Change::Grant(grant), at).await?;
    Ok(at)
}

/// The word of a campaign, where the title has it already or has room for it: anybody can make up one.
async fn campaign_of(conn: &mut Connection, session: &PlaybackSession) -> Result<Option<String>> {
    let Some(word) = &session.campaign else { return Ok(None) };
    let title = session.title_id.to_string();
    let known = async |conn: &mut Connection| {
        let row = sqlx::query("SELECT word FROM campaign_word WHERE title_id = $1 AND word = $2");
        row.bind(&title).bind(word).fetch_optional(conn).await
    };
    if known(&mut *conn).await?.is_none() {
        sqlx::query(
            "INSERT INTO campaign_word (title_id, word) SELECT CAST($1 AS TEXT), CAST($2 AS TEXT) \
             WHERE (SELECT COUNT(*) FROM campaign_word WHERE title_id = $1) < $3",
        )
        .bind(&title)
        .bind(word)
        .bind(limits::CAMPAIGN_ROWS_MAX as i64)
        .execute(&mut *conn)
        .await?;
    }
    Ok(known(conn).await?.map(|_| word.clone()))
}

async fn insert_session(conn: &mut Connection, session: &PlaybackSession) -> Result<()> {
    let campaign = campaign_of(conn, session).await?;
    sqlx::query(
        "INSERT INTO session (id, viewer_id, device, title_id, part, asset_id, territory, entitlement, opened_at, \
         expires_at, revoked_at, ended_at, card_asset_id, card_ms, campaign) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
    )
    .bind(session.id.to_string())
    .bind(session.viewer_id.map(|id| id.to_string()))
    .bind(&session.device)
    .bind(session.title_id.to_string())
    .bind(i64::from(session.part))
    .bind(session.asset_id.to_string())
    .bind(session.territory.map(|territory| territory.to_string()))
    .bind(to_json(&session.entitlement)?)
    .bind(session.opened_at.0)
    .bind(session.expires_at.0)
    .bind(session.revoked_at.map(|at| at.0))
    .bind(session.ended_at.map(|at| at.0))
    .bind(session.card.map(|card| card.asset_id.to_string()))
    .bind(session.card.map(|card| card.duration_ms))
    .bind(campaign)
    .execute(&mut *conn)
    .await?;
    telemetry::open(conn, session).await
}

struct SessionEnd {
    revoked_at: Option<UtcMs>,
    ended_at: Option<UtcMs>,
}

async fn session_end(conn: &mut Connection, id: SessionId) -> Result<SessionEnd> {
    let row = sqlx::query("SELECT revoked_at, ended_at FROM session WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(conn)
        .await?;
    let row =
        row.ok_or_else(|| Error::new(ErrorKind::NotFound, "SESSION_NOT_FOUND", "There is no such playback session."))?;
    Ok(SessionEnd { revoked_at: row.instant_opt("revoked_at")?, ended_at: row.instant_opt("ended_at")? })
}

pub fn session(row: &Row) -> Result<PlaybackSession> {
    let card = match (row.parsed_opt("card_asset_id")?, row.int_opt("card_ms")?) {
        (Some(asset_id), Some(duration_ms)) => Some(ReleaseCard { asset_id, duration_ms }),
        _ => None,
    };
    Ok(PlaybackSession {
        id: row.parsed("id")?,
        viewer_id: row.parsed_opt("viewer_id")?,
        device: row.text("device")?,
        title_id: row.parsed("title_id")?,
        part: row.count("part")?,
        asset_id: row.parsed("asset_id")?,
        card,
        territory: row.parsed_opt("territory")?,
        entitlement: row.json("entitlement")?,
        campaign: row.text_opt("campaign")?,
        opened_at: row.instant("opened_at")?,
        expires_at: row.instant("expires_at")?,
        revoked_at: row.instant_opt("revoked_at")?,
        ended_at: row.instant_opt("ended_at")?,
    })
}

fn change(row: &Row) -> Result<Change> {
    match row.text("kind")?.as_str() {
        "catalog" => Ok(row.parsed_opt("subject")?.map_or(Change::Catalog, Change::Title)),
        "grant" => Ok(Change::Grant(row.parsed("subject")?)),
        "membership" => Ok(Change::Membership(row.parsed("subject")?)),
        "session" => Ok(Change::Session(row.parsed("subject")?)),
        other => Err(corrupt("The change log is damaged.").with_internal(format!("kind {other}"))),
    }
}

fn wrapped(row: &Row) -> Result<Vec<u8>> {
    BASE64
        .decode(row.text("wrapped")?)
        .map_err(|error| corrupt("A stored key is damaged; restore the database from a backup.").with_source(error))
}
