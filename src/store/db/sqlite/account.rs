//! SQL of [`AccountDb`].

use async_trait::async_trait;

use super::error::is_unique_violation;
use super::row::{Columns, to_hex};
use super::{Row, SqliteDb};
use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{ApiTokenId, ViewerId};
use crate::store::db::account::{AccountDb, ApiToken, Bearer, Operator, Viewer};

#[async_trait]
impl AccountDb for SqliteDb {
    async fn insert_viewer(&self, viewer: &Viewer, password_hash: &str) -> Result<()> {
        let (viewer, password_hash) = (viewer.clone(), password_hash.to_owned());
        self.write(move |conn| {
            Box::pin(async move {
                let inserted = sqlx::query(
                    "INSERT INTO viewer (id, email, email_folded, display_name, password_hash, created_at) \
                     VALUES ($1, $2, $3, $4, $5, $6)",
                )
                .bind(viewer.id.to_string())
                .bind(&viewer.email)
                .bind(viewer.email.to_lowercase())
                .bind(&viewer.display_name)
                .bind(&password_hash)
                .bind(viewer.created_at.0)
                .execute(conn)
                .await;
                match inserted {
                    Err(error) if is_unique_violation(&error) => {
                        Err(Error::new(ErrorKind::Conflict, "EMAIL_TAKEN", "This address has an account already.")
                            .with_param("email")
                            .with_source(error))
                    }
                    other => Ok(other.map(|_| ())?),
                }
            })
        })
        .await
    }

    async fn viewer(&self, id: ViewerId) -> Result<Option<Viewer>> {
        let row = sqlx::query("SELECT id, email, display_name, created_at FROM viewer WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(viewer).transpose()
    }

    async fn credentials(&self, email: &str) -> Result<Option<(Viewer, String)>> {
        let row = sqlx::query(
            "SELECT id, email, display_name, created_at, password_hash FROM viewer WHERE email_folded = $1",
        )
        .bind(email.to_lowercase())
        .fetch_optional(&self.readers)
        .await?;
        row.map(|row| Ok((viewer(&row)?, row.text("password_hash")?))).transpose()
    }

    async fn insert_operator(&self, operator: &Operator) -> Result<()> {
        let operator = operator.clone();
        self.write(move |conn| {
            Box::pin(async move {
                sqlx::query("INSERT INTO operator (id, name, created_at) VALUES ($1, $2, $3)")
                    .bind(operator.id.to_string())
                    .bind(&operator.name)
                    .bind(operator.created_at.0)
                    .execute(conn)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    async fn operators(&self) -> Result<Vec<Operator>> {
        let rows =
            sqlx::query("SELECT id, name, created_at FROM operator ORDER BY id").fetch_all(&self.readers).await?;
        rows.iter()
            .map(|row| {
                Ok(Operator { id: row.parsed("id")?, name: row.text("name")?, created_at: row.instant("created_at")? })
            })
            .collect()
    }

    async fn insert_api_token(&self, token: &ApiToken) -> Result<()> {
        let token = token.clone();
        self.write(move |conn| {
            Box::pin(async move {
                let (viewer_id, operator_id) = match token.bearer {
                    Bearer::Viewer(id) => (Some(id.to_string()), None),
                    Bearer::Operator(id) => (None, Some(id.to_string())),
                };
                sqlx::query(
                    "INSERT INTO api_token (id, viewer_id, operator_id, digest, created_at, expires_at) \
                     VALUES ($1, $2, $3, $4, $5, $6)",
                )
                .bind(token.id.to_string())
                .bind(viewer_id)
                .bind(operator_id)
                .bind(to_hex(&token.digest))
                .bind(token.created_at.0)
                .bind(token.expires_at.0)
                .execute(conn)
                .await?;
                Ok(())
            })
        })
        .await
    }

    async fn api_token(&self, digest: &[u8; 32], now: UtcMs) -> Result<Option<ApiToken>> {
        let row = sqlx::query(
            "SELECT id, viewer_id, operator_id, digest, created_at, expires_at FROM api_token \
             WHERE digest = $1 AND expires_at > $2 AND revoked_at IS NULL",
        )
        .bind(to_hex(digest))
        .bind(now.0)
        .fetch_optional(&self.readers)
        .await?;
        row.as_ref().map(api_token).transpose()
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
}

fn viewer(row: &Row) -> Result<Viewer> {
    Ok(Viewer {
        id: row.parsed("id")?,
        email: row.text("email")?,
        display_name: row.text("display_name")?,
        created_at: row.instant("created_at")?,
    })
}

fn api_token(row: &Row) -> Result<ApiToken> {
    let bearer = match row.parsed_opt("viewer_id")? {
        Some(viewer_id) => Bearer::Viewer(viewer_id),
        None => Bearer::Operator(row.parsed("operator_id")?),
    };
    Ok(ApiToken {
        id: row.parsed("id")?,
        bearer,
        digest: row.hash("digest")?,
        created_at: row.instant("created_at")?,
        expires_at: row.instant("expires_at")?,
    })
}
