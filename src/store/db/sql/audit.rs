//! SQL of [`AuditDb`]. The hash and the position are made inside the writer, so positions have no gaps.

use async_trait::async_trait;

use super::row::{Columns, to_hex};
use super::{Connection, Row, SqlDb};
use crate::base::error::Result;
use crate::store::db::audit::{
    AUDIT_GENESIS, AuditDb, AuditFilter, AuditLine, ChainedAuditLine, NamedAuditLine, audit_link,
};

#[async_trait]
impl AuditDb for SqlDb {
    async fn append_audit(&self, line: &AuditLine) -> Result<()> {
        let line = line.clone();
        self.write(move |conn| Box::pin(async move { append(conn, &line).await })).await
    }

    async fn audit_lines(&self, after: i64, limit: u32) -> Result<Vec<ChainedAuditLine>> {
        let rows = sqlx::query(
            "SELECT position, id, at, actor, action, subject, detail, hash FROM audit \
             WHERE position > $1 ORDER BY position LIMIT $2",
        )
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(chained_line).collect()
    }

    async fn audit_page(&self, filter: &AuditFilter, before: Option<i64>, limit: u32) -> Result<Vec<NamedAuditLine>> {
        let (action, prefix) = match &filter.action {
            Some(prefix) if prefix.ends_with('.') => (None, Some(prefix)),
            action => (action.as_ref(), None),
        };
        let rows = sqlx::query(
            "SELECT audit.*, COALESCE(operator.name, viewer.email) AS actor_name FROM audit \
             LEFT JOIN operator ON operator.id = audit.actor LEFT JOIN viewer ON viewer.id = audit.actor \
             WHERE position < $1 AND at >= $2 AND at < $3 AND ($4 IS NULL OR actor = $4) \
             AND ($5 IS NULL OR action = $5) AND ($6 IS NULL OR substr(action, 1, length($6)) = $6) \
             AND ($7 IS NULL OR subject = $7) ORDER BY position DESC LIMIT $8",
        )
        .bind(before.unwrap_or(i64::MAX))
        .bind(filter.from.map_or(i64::MIN, |from| from.0))
        .bind(filter.to.map_or(i64::MAX, |to| to.0))
        .bind(&filter.actor)
        .bind(action)
        .bind(prefix)
        .bind(&filter.subject)
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        rows.iter()
            .map(|row| {
                let ChainedAuditLine { position, line, .. } = chained_line(row)?;
                Ok(NamedAuditLine { position, line, actor_name: row.text_opt("actor_name")? })
            })
            .collect()
    }
}

pub async fn append(conn: &mut Connection, line: &AuditLine) -> Result<()> {
    let last = sqlx::query("SELECT position, hash FROM audit ORDER BY position DESC LIMIT 1")
        .fetch_optional(&mut *conn)
        .await?;
    let (position, previous) = match last {
        Some(row) => (row.int("position")?, row.hash("hash")?),
        None => (0, AUDIT_GENESIS),
    };
    let hash = audit_link(&previous, line)?;
    sqlx::query(
        "INSERT INTO audit (position, id, at, actor, action, subject, detail, hash) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(position + 1)
    .bind(line.id.to_string())
    .bind(line.at.0)
    .bind(&line.actor)
    .bind(&line.action)
    .bind(&line.subject)
    .bind(&line.detail)
    .bind(to_hex(&hash))
    .execute(conn)
    .await?;
    Ok(())
}

fn chained_line(row: &Row) -> Result<ChainedAuditLine> {
    let line = AuditLine {
        id: row.parsed("id")?,
        at: row.instant("at")?,
        actor: row.text("actor")?,
        action: row.text("action")?,
        subject: row.text("subject")?,
        detail: row.text("detail")?,
    };
    Ok(ChainedAuditLine { position: row.int("position")?, line, hash: row.hash("hash")? })
}
