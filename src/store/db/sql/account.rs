//! SQL of [`AccountDb`].

use std::collections::HashMap;

use async_trait::async_trait;

use super::error::is_unique_violation;
use super::operator::role;
use super::row::{AFTER_ALL, Columns, to_hex, to_json};
use super::{Connection, Row, SqlDb};
use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{ApiTokenId, ViewerId};
use crate::rights::portability::Home;
use crate::store::db::Page;
use crate::store::db::account::{AccountDb, ApiToken, Bearer, TokenKind, ValidToken, Viewer, ViewerEdit};
use crate::store::db::operator::Role;

#[async_trait]
impl AccountDb for SqlDb {
    async fn insert_viewer(&self, viewer: &Viewer, password_hash: &str) -> Result<()> {
        let (viewer, password_hash) = (viewer.clone(), password_hash.to_owned());
        self.write(move |conn| {
            Box::pin(async move {
                let inserted = sqlx::query(
                    "INSERT INTO viewer (id, email, email_folded, display_name, password_hash, language, created_at) \
                     VALUES ($1, $2, $3, $4, $5, $6, $7)",
                )
                .bind(viewer.id.to_string())
                .bind(&viewer.email)
                .bind(viewer.email.to_lowercase())
                .bind(&viewer.display_name)
                .bind(&password_hash)
                .bind(&viewer.language)
                .bind(viewer.created_at.0)
                .execute(conn)
                .await;
                match inserted {
                    Err(error) if is_unique_violation(&error) => Err(email_taken(error)),
                    other => Ok(other.map(|_| ())?),
                }
            })
        })
        .await
    }

    async fn home(&self, viewer: ViewerId) -> Result<Option<Home>> {
        let row = sqlx::query("SELECT home FROM viewer WHERE id = $1")
            .bind(viewer.to_string())
            .fetch_optional(&self.readers)
            .await?;
        row.map_or(Ok(None), |row| row.json_opt("home"))
    }

    async fn set_home(&self, viewer: ViewerId, home: Option<&Home>) -> Result<()> {
        let home = home.map(to_json).transpose()?;
        self.write(move |conn| {
            Box::pin(async move {
                let written = sqlx::query("UPDATE viewer SET home = $2 WHERE id = $1")
                    .bind(viewer.to_string())
                    .bind(home)
                    .execute(conn)
                    .await?;
                if written.rows_affected() == 1 {
                    return Ok(());
                }
                Err(Error::new(ErrorKind::NotFound, "VIEWER_NOT_FOUND", "There is no such viewer."))
            })
        })
        .await
    }

    async fn viewer(&self, id: ViewerId) -> Result<Option<Viewer>> {
        let row = sqlx::query("SELECT * FROM viewer WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(viewer).transpose()
    }

    async fn emails(&self, ids: &[ViewerId]) -> Result<HashMap<ViewerId, String>> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let places: Vec<String> = (1..=ids.len()).map(|place| format!("${place}")).collect();
        let sql = format!("SELECT id, email FROM viewer WHERE id IN ({})", places.join(", "));
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for id in ids {
            query = query.bind(id.to_string());
        }
        let rows = query.fetch_all(&self.readers).await?;
        rows.iter().map(|row| Ok((row.parsed("id")?, row.text("email")?))).collect()
    }

    async fn credentials(&self, email: &str) -> Result<Option<(Viewer, String)>> {
        let row = sqlx::query("SELECT * FROM viewer WHERE email_folded = $1")
            .bind(email.to_lowercase())
            .fetch_optional(&self.readers)
            .await?;
        row.map(|row| Ok((viewer(&row)?, row.text("password_hash")?))).transpose()
    }

    async fn edit_viewer(&self, id: ViewerId, edit: &ViewerEdit) -> Result<Option<Viewer>> {
        let edit = edit.clone();
        self.write(move |conn| {
            Box::pin(async move {
                sqlx::query(
                    "UPDATE viewer SET display_name = COALESCE($2, display_name), language = COALESCE($3, language) \
                     WHERE id = $1",
                )
                .bind(id.to_string())
                .bind(&edit.display_name)
                .bind(&edit.language)
                .execute(&mut *conn)
                .await?;
                let row =
                    sqlx::query("SELECT * FROM viewer WHERE id = $1").bind(id.to_string()).fetch_optional(conn).await?;
                row.as_ref().map(viewer).transpose()
            })
        })
        .await
    }

    async fn set_password(&self, id: ViewerId, password_hash: &str, kept: ApiTokenId, at: UtcMs) -> Result<()> {
        let password_hash = password_hash.to_owned();
        self.write(move |conn| {
            Box::pin(async move {
                sqlx::query("UPDATE viewer SET password_hash = $2 WHERE id = $1")
                    .bind(id.to_string())
                    .bind(&password_hash)
                    .execute(&mut *conn)
                    .await?;
                sqlx::query(
                    "UPDATE api_token SET revoked_at = $3 WHERE viewer_id = $1 AND id <> $2 AND revoked_at IS NULL",
                )
                .bind(id.to_string())
                .bind(kept.to_string())
                .bind(at.0)
                .execute(conn)
                .await?;
                Ok(())
            })
        })
        .await
    }

    async fn insert_api_token(&self, token: &ApiToken) -> Result<()> {
        let token = token.clone();
        self.write(move |conn| Box::pin(async move { insert_token(conn, &token).await })).await
    }

    async fn api_token(&self, digest: &[u8; 32], now: UtcMs) -> Result<Option<ValidToken>> {
        let row = sqlx::query(
            "SELECT api_token.*, operator.role AS operator_role, operator.party_id FROM api_token \
             LEFT JOIN operator ON operator.id = api_token.operator_id \
             WHERE digest = $1 AND expires_at > $2 AND revoked_at IS NULL AND disabled_at IS NULL",
        )
        .bind(to_hex(digest))
        .bind(now.0)
        .fetch_optional(&self.readers)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let operator_role = match row.text_opt("operator_role")? {
            Some(_) => Some(role(&row, "operator_role")?),
            None => None,
        };
        Ok(Some(ValidToken { token: api_token(&row)?, operator_role }))
    }

    async fn is_api_token_valid(&self, id: ApiTokenId, now: UtcMs) -> Result<bool> {
        let valid: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM api_token LEFT JOIN operator ON operator.id = api_token.operator_id \
             WHERE api_token.id = $1 AND expires_at > $2 AND revoked_at IS NULL AND disabled_at IS NULL \
             AND operator.party_id IS NULL",
        )
        .bind(id.to_string())
        .bind(now.0)
        .fetch_one(&self.readers)
        .await?;
        Ok(valid > 0)
    }

    async fn revoke_api_token(&self, id: ApiTokenId, at: UtcMs) -> Result<()> {
        self.write(move |conn| {
            Box::pin(async move {
                sqlx::query("UPDATE api_token SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL")
                    .bind(id.to_string())
                    .bind(at.0)
                    .execute(conn)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    async fn note_seen(&self, id: ApiTokenId, at: UtcMs) -> Result<()> {
        self.write(move |conn| {
            Box::pin(async move {
                sqlx::query("UPDATE api_token SET last_seen_at = $2 WHERE id = $1")
                    .bind(id.to_string())
                    .bind(at.0)
                    .execute(&mut *conn)
                    .await?;
                sqlx::query(
                    "UPDATE operator SET last_seen_at = $2 \
                     WHERE id = (SELECT operator_id FROM api_token WHERE api_token.id = $1)",
                )
                .bind(id.to_string())
                .bind(at.0)
                .execute(conn)
                .await?;
                Ok(())
            })
        })
        .await
    }

    async fn sign_ins(&self, viewer: ViewerId, now: UtcMs, page: &Page) -> Result<Vec<ApiToken>> {
        let rows = sqlx::query(
            "SELECT * FROM api_token WHERE viewer_id = $1 AND expires_at > $2 AND revoked_at IS NULL AND id < $3 \
             ORDER BY id DESC LIMIT $4",
        )
        .bind(viewer.to_string())
        .bind(now.0)
        .bind(page.after.as_deref().unwrap_or(AFTER_ALL))
        .bind(i64::from(page.limit))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(api_token).collect()
    }

    async fn end_sign_in(&self, viewer: ViewerId, id: ApiTokenId, at: UtcMs) -> Result<bool> {
        self.write(move |conn| {
            Box::pin(async move {
                let ended = sqlx::query(
                    "UPDATE api_token SET revoked_at = $3 \
                     WHERE id = $1 AND viewer_id = $2 AND expires_at > $3 AND revoked_at IS NULL",
                )
                .bind(id.to_string())
                .bind(viewer.to_string())
                .bind(at.0)
                .execute(conn)
                .await?;
                Ok(ended.rows_affected() == 1)
            })
        })
        .await
    }

    async fn replace_sign_in(&self, replaced: ApiTokenId, token: &ApiToken) -> Result<()> {
        let token = token.clone();
        self.write(move |conn| Box::pin(async move { replace_sign_in(conn, replaced, &token).await })).await
    }

    async fn devices(&self, viewer: ViewerId, now: UtcMs) -> Result<Vec<ApiTokenId>> {
        let rows = sqlx::query(
            "SELECT id FROM api_token WHERE viewer_id = $1 AND registered_at IS NOT NULL AND revoked_at IS NULL \
             AND expires_at > $2 ORDER BY registered_at, id",
        )
        .bind(viewer.to_string())
        .bind(now.0)
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(|row| row.parsed("id")).collect()
    }

    async fn register_device(&self, viewer: ViewerId, id: ApiTokenId, limit: u32, at: UtcMs) -> Result<bool> {
        self.write(move |conn| Box::pin(async move { register_device(conn, viewer, id, limit, at).await })).await
    }
}

async fn replace_sign_in(conn: &mut Connection, replaced: ApiTokenId, token: &ApiToken) -> Result<()> {
    insert_token(conn, token).await?;
    sqlx::query(
        "UPDATE api_token SET registered_at = (SELECT old.registered_at FROM api_token old WHERE old.id = $2 \
         AND old.revoked_at IS NULL AND old.expires_at > $3) WHERE id = $1",
    )
    .bind(token.id.to_string())
    .bind(replaced.to_string())
    .bind(token.created_at.0)
    .execute(&mut *conn)
    .await?;
    sqlx::query("UPDATE api_token SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL")
        .bind(replaced.to_string())
        .bind(token.created_at.0)
        .execute(conn)
        .await?;
    Ok(())
}

async fn register_device(
    conn: &mut Connection,
    viewer: ViewerId,
    id: ApiTokenId,
    limit: u32,
    at: UtcMs,
) -> Result<bool> {
    let own = sqlx::query(
        "SELECT registered_at FROM api_token WHERE id = $1 AND viewer_id = $2 AND expires_at > $3 \
         AND revoked_at IS NULL",
    )
    .bind(id.to_string())
    .bind(viewer.to_string())
    .bind(at.0)
    .fetch_optional(&mut *conn)
    .await?;
    let Some(own) = own else {
        return Err(Error::new(ErrorKind::Unauthorized, "UNAUTHENTICATED", "Sign in, or send a valid API token."));
    };
    if own.instant_opt("registered_at")?.is_some() {
        return Ok(true);
    }
    let registered = sqlx::query(
        "UPDATE api_token SET registered_at = $3 WHERE id = $1 AND (SELECT COUNT(*) FROM api_token other \
         WHERE other.viewer_id = $2 AND other.registered_at IS NOT NULL AND other.revoked_at IS NULL \
         AND other.expires_at > $3) < $4",
    )
    .bind(id.to_string())
    .bind(viewer.to_string())
    .bind(at.0)
    .bind(i64::from(limit))
    .execute(conn)
    .await?;
    Ok(registered.rows_affected() == 1)
}

pub async fn insert_token(conn: &mut Connection, token: &ApiToken) -> Result<()> {
    let (viewer_id, operator_id) = match token.bearer {
        Bearer::Viewer(id) => (Some(id.to_string()), None),
        Bearer::Operator(id) => (None, Some(id.to_string())),
    };
    let role = match token.kind {
        TokenKind::SignIn => None,
        TokenKind::Program(role) => Some(role.as_str()),
    };
    sqlx::query(
        "INSERT INTO api_token (id, viewer_id, operator_id, role, name, digest, created_at, expires_at, last_seen_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(token.id.to_string())
    .bind(viewer_id)
    .bind(operator_id)
    .bind(role)
    .bind(&token.name)
    .bind(to_hex(&token.digest))
    .bind(token.created_at.0)
    .bind(token.expires_at.0)
    .bind(token.last_seen_at.map(|at| at.0))
    .execute(conn)
    .await?;
    Ok(())
}

pub fn api_token(row: &Row) -> Result<ApiToken> {
    let bearer = match row.parsed_opt("viewer_id")? {
        Some(viewer_id) => Bearer::Viewer(viewer_id),
        None => Bearer::Operator(row.parsed("operator_id")?),
    };
    let kind = match row.text_opt("role")? {
        Some(_) => TokenKind::Program(row.word("role", Role::parse)?),
        None => TokenKind::SignIn,
    };
    Ok(ApiToken {
        id: row.parsed("id")?,
        bearer,
        kind,
        name: row.text("name")?,
        digest: row.hash("digest")?,
        created_at: row.instant("created_at")?,
        expires_at: row.instant("expires_at")?,
        last_seen_at: row.instant_opt("last_seen_at")?,
        registered_at: row.instant_opt("registered_at")?,
    })
}

pub fn email_taken(error: sqlx::Error) -> Error {
    Error::new(ErrorKind::Conflict, "EMAIL_TAKEN", "This address has an account already.")
        .with_param("email")
        .with_source(error)
}

pub fn viewer(row: &Row) -> Result<Viewer> {
    Ok(Viewer {
        id: row.parsed("id")?,
        email: row.text("email")?,
        display_name: row.text("display_name")?,
        language: row.text_opt("language")?,
        created_at: row.instant("created_at")?,
    })
}
