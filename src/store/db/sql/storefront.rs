//! SQL of [`StorefrontDb`].

use std::collections::HashMap;

use async_trait::async_trait;

use super::playback::append_change;
use super::row::{Columns, to_json};
use super::{Connection, Row, SqlDb, idempotency};
use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::StorefrontId;
use crate::base::limits;
use crate::catalog::storefront::{Storefront, Theme};
use crate::store::db::playback::Change;
use crate::store::db::{Idempotency, StorefrontDb, Written};

#[async_trait]
impl StorefrontDb for SqlDb {
    async fn storefronts(&self) -> Result<Vec<Storefront>> {
        let mut moment = self.readers.begin().await?;
        let rows = sqlx::query("SELECT * FROM storefront ORDER BY id").fetch_all(&mut *moment).await?;
        let host_rows = sqlx::query("SELECT storefront_id, host FROM storefront_host ORDER BY storefront_id, line")
            .fetch_all(&mut *moment)
            .await?;
        moment.rollback().await?;
        let mut hosts: HashMap<StorefrontId, Vec<String>> = HashMap::new();
        for row in host_rows {
            hosts.entry(row.parsed("storefront_id")?).or_default().push(row.text("host")?);
        }
        rows.iter()
            .map(|row| {
                let storefront = storefront(row)?;
                Ok(Storefront { hosts: hosts.remove(&storefront.id).unwrap_or_default(), ..storefront })
            })
            .collect()
    }

    async fn insert_storefront(
        &self,
        storefront: &Storefront,
        idempotency: Option<&Idempotency>,
        at: UtcMs,
    ) -> Result<Written<()>> {
        let (storefront, idempotency) = (storefront.clone(), idempotency.cloned());
        self.write(move |conn| Box::pin(async move { insert(conn, &storefront, idempotency.as_ref(), at).await })).await
    }

    async fn update_storefront(&self, storefront: &Storefront, at: UtcMs) -> Result<()> {
        let storefront = storefront.clone();
        self.write(move |conn| Box::pin(async move { update(conn, &storefront, at).await })).await
    }
}

async fn insert(
    conn: &mut Connection,
    storefront: &Storefront,
    idempotency: Option<&Idempotency>,
    at: UtcMs,
) -> Result<Written<()>> {
    if let Some(written) = idempotency::seen(conn, idempotency).await? {
        return Ok(written);
    }
    let row = sqlx::query("SELECT COUNT(*) AS storefronts FROM storefront").fetch_one(&mut *conn).await?;
    if row.count::<usize>("storefronts")? >= limits::STOREFRONTS_MAX {
        let message = format!("There are {} storefronts; that is as many as there can be.", limits::STOREFRONTS_MAX);
        return Err(Error::new(ErrorKind::Conflict, "STOREFRONTS_FULL", message));
    }
    refuse_taken(conn, storefront).await?;
    take_default(conn, storefront).await?;
    sqlx::query(
        "INSERT INTO storefront (id, slug, name, languages, currency, territories, default_territory, accent, theme, \
         tagline, is_default, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(storefront.id.to_string())
    .bind(&storefront.slug)
    .bind(to_json(&storefront.name)?)
    .bind(to_json(&storefront.languages)?)
    .bind(storefront.currency.code())
    .bind(to_json(&storefront.territories)?)
    .bind(storefront.default_territory.map(|territory| territory.to_string()))
    .bind(&storefront.accent)
    .bind(storefront.theme.as_str())
    .bind(to_json(&storefront.tagline)?)
    .bind(i64::from(storefront.is_default))
    .bind(storefront.version)
    .execute(&mut *conn)
    .await?;
    insert_hosts(conn, storefront).await?;
    idempotency::remember(conn, idempotency, &storefront.id.to_string(), at).await?;
    append_change(conn, Change::Catalog, at).await?;
    Ok(Written::New(()))
}

async fn update(conn: &mut Connection, storefront: &Storefront, at: UtcMs) -> Result<()> {
    let id = storefront.id.to_string();
    let present = sqlx::query("SELECT version, is_default FROM storefront WHERE id = $1")
        .bind(&id)
        .fetch_optional(&mut *conn)
        .await?;
    let Some(present) = present else {
        return Err(Error::new(ErrorKind::NotFound, "STOREFRONT_NOT_FOUND", "There is no such storefront."));
    };
    let version = present.int("version")?;
    if version != storefront.version - 1 {
        return Err(Error::new(
            ErrorKind::Precondition,
            "VERSION_CONFLICT",
            format!("The storefront has been changed by somebody else and is at version {version}; load it again."),
        ));
    }
    if present.flag("is_default")? && !storefront.is_default {
        return Err(Error::new(
            ErrorKind::Conflict,
            "DEFAULT_NEEDED",
            "There must be a default storefront. Make another one the default instead.",
        )
        .with_param("is_default"));
    }
    refuse_taken(conn, storefront).await?;
    take_default(conn, storefront).await?;
    sqlx::query(
        "UPDATE storefront SET slug = $2, name = $3, languages = $4, currency = $5, territories = $6, \
         default_territory = $7, accent = $8, theme = $9, tagline = $10, is_default = $11, version = $12 WHERE id = $1",
    )
    .bind(&id)
    .bind(&storefront.slug)
    .bind(to_json(&storefront.name)?)
    .bind(to_json(&storefront.languages)?)
    .bind(storefront.currency.code())
    .bind(to_json(&storefront.territories)?)
    .bind(storefront.default_territory.map(|territory| territory.to_string()))
    .bind(&storefront.accent)
    .bind(storefront.theme.as_str())
    .bind(to_json(&storefront.tagline)?)
    .bind(i64::from(storefront.is_default))
    .bind(storefront.version)
    .execute(&mut *conn)
    .await?;
    sqlx::query("DELETE FROM storefront_host WHERE storefront_id = $1").bind(&id).execute(&mut *conn).await?;
    insert_hosts(conn, storefront).await?;
    append_change(conn, Change::Catalog, at).await
}

/// A slug and a host are one storefront's.
async fn refuse_taken(conn: &mut Connection, storefront: &Storefront) -> Result<()> {
    let id = storefront.id.to_string();
    let other = sqlx::query("SELECT id FROM storefront WHERE slug = $1 AND id <> $2")
        .bind(&storefront.slug)
        .bind(&id)
        .fetch_optional(&mut *conn)
        .await?;
    if other.is_some() {
        let message = "Another storefront has this slug.";
        return Err(Error::new(ErrorKind::Conflict, "SLUG_TAKEN", message).with_param("slug"));
    }
    for host in &storefront.hosts {
        let other = sqlx::query("SELECT host FROM storefront_host WHERE host = $1 AND storefront_id <> $2")
            .bind(host)
            .bind(&id)
            .fetch_optional(&mut *conn)
            .await?;
        if other.is_some() {
            let message = format!("Another storefront has the host {host}.");
            return Err(Error::new(ErrorKind::Conflict, "HOST_TAKEN", message).with_param("hosts"));
        }
    }
    Ok(())
}

/// The default of until now is it no longer, if this one is to be.
async fn take_default(conn: &mut Connection, storefront: &Storefront) -> Result<()> {
    if storefront.is_default {
        sqlx::query("UPDATE storefront SET is_default = 0, version = version + 1 WHERE is_default = 1 AND id <> $1")
            .bind(storefront.id.to_string())
            .execute(conn)
            .await?;
    }
    Ok(())
}

async fn insert_hosts(conn: &mut Connection, storefront: &Storefront) -> Result<()> {
    for (line, host) in (0i64..).zip(&storefront.hosts) {
        sqlx::query("INSERT INTO storefront_host (host, storefront_id, line) VALUES ($1, $2, $3)")
            .bind(host)
            .bind(storefront.id.to_string())
            .bind(line)
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

fn storefront(row: &Row) -> Result<Storefront> {
    Ok(Storefront {
        id: row.parsed("id")?,
        slug: row.text("slug")?,
        name: row.json("name")?,
        hosts: Vec::new(),
        languages: row.json("languages")?,
        currency: row.parsed("currency")?,
        territories: row.json("territories")?,
        default_territory: row.parsed_opt("default_territory")?,
        accent: row.text("accent")?,
        theme: row.word("theme", Theme::parse)?,
        tagline: row.json("tagline")?,
        is_default: row.flag("is_default")?,
        version: row.int("version")?,
    })
}
