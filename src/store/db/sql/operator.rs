//! SQL of [`OperatorDb`]. Every write begins with its audit line, so that nothing is done that is not noted.

use async_trait::async_trait;

use super::account::{api_token, email_taken, insert_token};
use super::audit::append;
use super::error::is_unique_violation;
use super::row::{AFTER_ALL, Columns, to_hex};
use super::{Connection, Row, SqlDb};
use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::base::id::{ApiTokenId, OperatorId};
use crate::store::db::Page;
use crate::store::db::account::ApiToken;
use crate::store::db::audit::AuditLine;
use crate::store::db::operator::{Edited, Operator, OperatorDb, OperatorEdit, OperatorLink, Role, Welcome};

#[async_trait]
impl OperatorDb for SqlDb {
    async fn insert_operator(&self, operator: &Operator, line: &AuditLine) -> Result<()> {
        let (operator, line) = (operator.clone(), line.clone());
        self.write(move |conn| {
            Box::pin(async move {
                append(conn, &line).await?;
                insert(conn, &operator, None).await
            })
        })
        .await
    }

    async fn operators(&self) -> Result<Vec<Operator>> {
        let rows = sqlx::query("SELECT * FROM operator ORDER BY id").fetch_all(&self.readers).await?;
        rows.iter().map(operator).collect()
    }

    async fn operator(&self, id: OperatorId) -> Result<Option<Operator>> {
        let row = sqlx::query("SELECT * FROM operator WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(operator).transpose()
    }

    async fn operator_credentials(&self, email: &str) -> Result<Option<(Operator, Option<String>)>> {
        let row = sqlx::query("SELECT * FROM operator WHERE email_folded = $1")
            .bind(email.to_lowercase())
            .fetch_optional(&self.readers)
            .await?;
        row.map(|row| Ok((operator(&row)?, row.text_opt("password_hash")?))).transpose()
    }

    async fn owner_exists(&self) -> Result<bool> {
        let mut connection = self.readers.acquire().await?;
        Ok(owners_but(&mut connection, None).await? > 0)
    }

    async fn rename_operator(&self, id: OperatorId, name: &str, line: &AuditLine) -> Result<bool> {
        let (name, line) = (name.to_owned(), line.clone());
        self.write(move |conn| {
            Box::pin(async move {
                let renamed = sqlx::query("UPDATE operator SET name = $2 WHERE id = $1")
                    .bind(id.to_string())
                    .bind(&name)
                    .execute(&mut *conn)
                    .await?;
                if renamed.rows_affected() == 0 {
                    return Ok(false);
                }
                append(conn, &line).await?;
                Ok(true)
            })
        })
        .await
    }

    async fn edit_operator(&self, id: OperatorId, edit: OperatorEdit, at: UtcMs, line: &AuditLine) -> Result<Edited> {
        let line = line.clone();
        self.write(move |conn| Box::pin(async move { edit_operator(conn, id, edit, at, &line).await })).await
    }

    async fn set_operator_password(
        &self,
        id: OperatorId,
        password_hash: &str,
        kept: ApiTokenId,
        at: UtcMs,
        line: &AuditLine,
    ) -> Result<()> {
        let (password_hash, line) = (password_hash.to_owned(), line.clone());
        self.write(move |conn| {
            Box::pin(async move {
                append(conn, &line).await?;
                sqlx::query("UPDATE operator SET password_hash = $2 WHERE id = $1 AND email IS NOT NULL")
                    .bind(id.to_string())
                    .bind(&password_hash)
                    .execute(&mut *conn)
                    .await?;
                void_links(conn, Some(id), at).await?;
                end_sign_ins(conn, id, Some(kept), at).await
            })
        })
        .await
    }

    async fn insert_link(&self, link: &OperatorLink, line: &AuditLine) -> Result<()> {
        let (link, line) = (link.clone(), line.clone());
        self.write(move |conn| {
            Box::pin(async move {
                append(conn, &line).await?;
                void_links(conn, link.operator_id, link.created_at).await?;
                sqlx::query(
                    "INSERT INTO operator_link (digest, operator_id, created_at, expires_at) VALUES ($1, $2, $3, $4)",
                )
                .bind(to_hex(&link.digest))
                .bind(link.operator_id.map(|id| id.to_string()))
                .bind(link.created_at.0)
                .bind(link.expires_at.0)
                .execute(conn)
                .await?;
                Ok(())
            })
        })
        .await
    }

    async fn link(&self, digest: &[u8; 32]) -> Result<Option<OperatorLink>> {
        let row = sqlx::query("SELECT * FROM operator_link WHERE digest = $1")
            .bind(to_hex(digest))
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(link).transpose()
    }

    async fn accept_link(
        &self,
        digest: &[u8; 32],
        welcome: &Welcome,
        at: UtcMs,
        line: &AuditLine,
    ) -> Result<Option<Operator>> {
        let (digest, welcome, line) = (to_hex(digest), welcome.clone(), line.clone());
        self.write(move |conn| Box::pin(async move { accept_link(conn, &digest, &welcome, at, line).await })).await
    }

    async fn insert_operator_token(&self, token: &ApiToken, line: &AuditLine) -> Result<()> {
        let (token, line) = (token.clone(), line.clone());
        self.write(move |conn| {
            Box::pin(async move {
                append(conn, &line).await?;
                insert_token(conn, &token).await
            })
        })
        .await
    }

    async fn operator_tokens(&self, now: UtcMs, page: &Page) -> Result<Vec<ApiToken>> {
        let rows = sqlx::query(
            "SELECT * FROM api_token WHERE operator_id IS NOT NULL AND role IS NOT NULL AND expires_at > $1 \
             AND revoked_at IS NULL AND id < $2 ORDER BY id DESC LIMIT $3",
        )
        .bind(now.0)
        .bind(page.after.as_deref().unwrap_or(AFTER_ALL))
        .bind(i64::from(page.limit))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(api_token).collect()
    }

    async fn revoke_operator_token(&self, id: ApiTokenId, at: UtcMs, line: &AuditLine) -> Result<bool> {
        let line = line.clone();
        self.write(move |conn| {
            Box::pin(async move {
                let ended = sqlx::query(
                    "UPDATE api_token SET revoked_at = $2 WHERE id = $1 AND operator_id IS NOT NULL \
                     AND role IS NOT NULL AND expires_at > $2 AND revoked_at IS NULL",
                )
                .bind(id.to_string())
                .bind(at.0)
                .execute(&mut *conn)
                .await?;
                if ended.rows_affected() == 0 {
                    return Ok(false);
                }
                append(conn, &line).await?;
                Ok(true)
            })
        })
        .await
    }
}

async fn insert(conn: &mut Connection, operator: &Operator, password_hash: Option<&str>) -> Result<()> {
    let inserted = sqlx::query(
        "INSERT INTO operator (id, email, email_folded, name, role, party_id, password_hash, created_at, last_seen_at, \
         disabled_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(operator.id.to_string())
    .bind(&operator.email)
    .bind(operator.email.as_ref().map(|email| email.to_lowercase()))
    .bind(&operator.name)
    .bind(operator.role.as_str())
    .bind(operator.role.party().map(|id| id.to_string()))
    .bind(password_hash)
    .bind(operator.created_at.0)
    .bind(operator.last_seen_at.map(|at| at.0))
    .bind(operator.disabled_at.map(|at| at.0))
    .execute(conn)
    .await;
    match inserted {
        Err(error) if is_unique_violation(&error) => Err(email_taken(error)),
        other => Ok(other.map(|_| ())?),
    }
}

async fn edit_operator(
    conn: &mut Connection,
    id: OperatorId,
    edit: OperatorEdit,
    at: UtcMs,
    line: &AuditLine,
) -> Result<Edited> {
    let Some(before) = find(conn, id).await?.filter(|operator| operator.email.is_some()) else {
        return Ok(Edited::Unknown);
    };
    let disabled_at = match edit.disabled {
        Some(true) => Some(before.disabled_at.unwrap_or(at)),
        Some(false) => None,
        None => before.disabled_at,
    };
    let after = Operator { role: edit.role.unwrap_or(before.role), disabled_at, ..before.clone() };
    if is_owner(&before) && !is_owner(&after) && owners_but(conn, Some(id)).await? == 0 {
        return Ok(Edited::LastOwner);
    }
    append(conn, line).await?;
    sqlx::query("UPDATE operator SET role = $2, party_id = $3, disabled_at = $4 WHERE id = $1")
        .bind(id.to_string())
        .bind(after.role.as_str())
        .bind(after.role.party().map(|id| id.to_string()))
        .bind(after.disabled_at.map(|at| at.0))
        .execute(&mut *conn)
        .await?;
    // Into another house nobody takes a key of the one before.
    if after.disabled_at.is_some() || after.role.party() != before.role.party() {
        void_links(conn, Some(id), at).await?;
        sqlx::query("UPDATE api_token SET revoked_at = $2 WHERE operator_id = $1 AND revoked_at IS NULL")
            .bind(id.to_string())
            .bind(at.0)
            .execute(conn)
            .await?;
    }
    Ok(Edited::Done(after))
}

async fn accept_link(
    conn: &mut Connection,
    digest: &str,
    welcome: &Welcome,
    at: UtcMs,
    mut line: AuditLine,
) -> Result<Option<Operator>> {
    let used = sqlx::query(
        "UPDATE operator_link SET used_at = $2 \
         WHERE digest = $1 AND used_at IS NULL AND voided_at IS NULL AND expires_at > $2",
    )
    .bind(digest)
    .bind(at.0)
    .execute(&mut *conn)
    .await?;
    if used.rows_affected() == 0 {
        return Ok(None);
    }
    let row = sqlx::query("SELECT * FROM operator_link WHERE digest = $1").bind(digest).fetch_one(&mut *conn).await?;
    let link = link(&row)?;
    let id = match link.operator_id {
        Some(id) => id,
        None => owner(conn, welcome, at).await?,
    };
    sqlx::query("UPDATE operator SET name = $2, password_hash = $3 WHERE id = $1")
        .bind(id.to_string())
        .bind(&welcome.name)
        .bind(&welcome.password_hash)
        .execute(&mut *conn)
        .await?;
    void_links(conn, link.operator_id, at).await?;
    void_links(conn, Some(id), at).await?;
    end_sign_ins(conn, id, None, at).await?;
    line.actor = id.to_string();
    line.subject = id.to_string();
    append(conn, &line).await?;
    find(conn, id).await
}

/// The operator with this address as an owner who may come in; made if there is none.
async fn owner(conn: &mut Connection, welcome: &Welcome, at: UtcMs) -> Result<OperatorId> {
    let row = sqlx::query("SELECT * FROM operator WHERE email_folded = $1")
        .bind(welcome.email.to_lowercase())
        .fetch_optional(&mut *conn)
        .await?;
    let Some(row) = row else {
        let owner = Operator {
            id: welcome.id,
            email: Some(welcome.email.clone()),
            name: welcome.name.clone(),
            role: Role::Owner,
            has_password: true,
            created_at: at,
            last_seen_at: None,
            disabled_at: None,
        };
        insert(conn, &owner, Some(&welcome.password_hash)).await?;
        return Ok(owner.id);
    };
    let id: OperatorId = row.parsed("id")?;
    sqlx::query("UPDATE operator SET role = $2, party_id = NULL, disabled_at = NULL WHERE id = $1")
        .bind(id.to_string())
        .bind(Role::Owner.as_str())
        .execute(conn)
        .await?;
    Ok(id)
}

/// Owners who can sign in, without one of them.
async fn owners_but(conn: &mut Connection, id: Option<OperatorId>) -> Result<i64> {
    let owners = sqlx::query_scalar(
        "SELECT COUNT(*) FROM operator \
         WHERE role = 'owner' AND password_hash IS NOT NULL AND disabled_at IS NULL AND id <> $1",
    )
    .bind(id.map(|id| id.to_string()).unwrap_or_default())
    .fetch_one(conn)
    .await?;
    Ok(owners)
}

/// Links of this operator, or without one those that make an owner.
async fn void_links(conn: &mut Connection, operator: Option<OperatorId>, at: UtcMs) -> Result<()> {
    sqlx::query(
        "UPDATE operator_link SET voided_at = $2 \
         WHERE COALESCE(operator_id, '') = $1 AND used_at IS NULL AND voided_at IS NULL",
    )
    .bind(operator.map(|id| id.to_string()).unwrap_or_default())
    .bind(at.0)
    .execute(conn)
    .await?;
    Ok(())
}

async fn end_sign_ins(conn: &mut Connection, id: OperatorId, kept: Option<ApiTokenId>, at: UtcMs) -> Result<()> {
    sqlx::query(
        "UPDATE api_token SET revoked_at = $3 \
         WHERE operator_id = $1 AND role IS NULL AND id <> $2 AND revoked_at IS NULL",
    )
    .bind(id.to_string())
    .bind(kept.map(|id| id.to_string()).unwrap_or_default())
    .bind(at.0)
    .execute(conn)
    .await?;
    Ok(())
}

async fn find(conn: &mut Connection, id: OperatorId) -> Result<Option<Operator>> {
    let row = sqlx::query("SELECT * FROM operator WHERE id = $1").bind(id.to_string()).fetch_optional(conn).await?;
    row.as_ref().map(operator).transpose()
}

fn is_owner(operator: &Operator) -> bool {
    operator.role == Role::Owner && operator.has_password && operator.disabled_at.is_none()
}

fn operator(row: &Row) -> Result<Operator> {
    Ok(Operator {
        id: row.parsed("id")?,
        email: row.text_opt("email")?,
        name: row.text("name")?,
        role: role(row, "role")?,
        has_password: row.text_opt("password_hash")?.is_some(),
        created_at: row.instant("created_at")?,
        last_seen_at: row.instant_opt("last_seen_at")?,
        disabled_at: row.instant_opt("disabled_at")?,
    })
}

/// The role in this column, of the party in `party_id` if it is a party's.
pub fn role(row: &Row, column: &str) -> Result<Role> {
    match row.parsed_opt("party_id")? {
        Some(id) => Ok(Role::Party(id)),
        None => row.word(column, Role::parse),
    }
}

fn link(row: &Row) -> Result<OperatorLink> {
    Ok(OperatorLink {
        digest: row.hash("digest")?,
        operator_id: row.parsed_opt("operator_id")?,
        created_at: row.instant("created_at")?,
        expires_at: row.instant("expires_at")?,
        used_at: row.instant_opt("used_at")?,
        voided_at: row.instant_opt("voided_at")?,
    })
}
