//! SQL of [`SeriesDb`], and of the season that a title is.

use async_trait::async_trait;

use super::playback::append_change;
use super::row::{Columns, to_json};
use super::{Connection, Row, SqlDb, idempotency};
use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::SeriesId;
use crate::base::limits;
use crate::catalog::series::{Season, Series};
use crate::catalog::title::Title;
use crate::store::db::playback::Change;
use crate::store::db::{Idempotency, SeriesDb, Written};

#[async_trait]
impl SeriesDb for SqlDb {
    async fn insert_series(&self, series: &Series, idempotency: Option<&Idempotency>) -> Result<Written<()>> {
        let (series, key) = (series.clone(), idempotency.cloned());
        self.write(move |conn| Box::pin(async move { insert(conn, &series, key.as_ref()).await })).await
    }

    async fn update_series(&self, series: &Series, at: UtcMs) -> Result<()> {
        let series = series.clone();
        self.write(move |conn| Box::pin(async move { update(conn, &series, at).await })).await
    }

    async fn series(&self) -> Result<Vec<Series>> {
        let rows = sqlx::query("SELECT * FROM series ORDER BY id").fetch_all(&self.readers).await?;
        rows.iter().map(series).collect()
    }

    async fn delete_series(&self, id: SeriesId, at: UtcMs) -> Result<()> {
        self.write(move |conn| Box::pin(async move { delete(conn, id, at).await })).await
    }
}

async fn insert(conn: &mut Connection, series: &Series, key: Option<&Idempotency>) -> Result<Written<()>> {
    if let Some(written) = idempotency::seen(conn, key).await? {
        return Ok(written);
    }
    let row = sqlx::query("SELECT COUNT(*) AS series FROM series").fetch_one(&mut *conn).await?;
    if row.count::<usize>("series")? >= limits::SERIES_MAX {
        let message = format!("There are {} series, and no more are kept.", limits::SERIES_MAX);
        return Err(Error::new(ErrorKind::Conflict, "SERIES_FULL", message));
    }
    sqlx::query("INSERT INTO series (id, name, synopsis, created_at, version) VALUES ($1, $2, $3, $4, $5)")
        .bind(series.id.to_string())
        .bind(to_json(&series.name)?)
        .bind(to_json(&series.synopsis)?)
        .bind(series.created_at.0)
        .bind(series.version)
        .execute(&mut *conn)
        .await?;
    idempotency::remember(conn, key, &series.id.to_string(), series.created_at).await?;
    append_change(conn, Change::Catalog, series.created_at).await?;
    Ok(Written::New(()))
}

async fn update(conn: &mut Connection, series: &Series, at: UtcMs) -> Result<()> {
    let updated =
        sqlx::query("UPDATE series SET name = $2, synopsis = $3, version = $4 WHERE id = $1 AND version = $5")
            .bind(series.id.to_string())
            .bind(to_json(&series.name)?)
            .bind(to_json(&series.synopsis)?)
            .bind(series.version)
            .bind(series.version - 1)
            .execute(&mut *conn)
            .await?;
    if updated.rows_affected() == 1 {
        return append_change(conn, Change::Catalog, at).await;
    }
    let present: Option<i64> = sqlx::query_scalar("SELECT version FROM series WHERE id = $1")
        .bind(series.id.to_string())
        .fetch_optional(conn)
        .await?;
    Err(match present {
        Some(version) => Error::new(
            ErrorKind::Precondition,
            "VERSION_CONFLICT",
            format!("The series has been changed by somebody else and is at version {version}; load it again."),
        ),
        None => not_found(),
    })
}

async fn delete(conn: &mut Connection, id: SeriesId, at: UtcMs) -> Result<()> {
    let season: Option<i64> =
        sqlx::query_scalar("SELECT season FROM title WHERE series_id = $1 ORDER BY season LIMIT 1")
            .bind(id.to_string())
            .fetch_optional(&mut *conn)
            .await?;
    if let Some(season) = season {
        let message = format!("Season {season} is a title of this series. Take its titles out of it first.");
        return Err(Error::new(ErrorKind::Conflict, "SERIES_IN_USE", message));
    }
    let gone = sqlx::query("DELETE FROM series WHERE id = $1").bind(id.to_string()).execute(&mut *conn).await?;
    if gone.rows_affected() == 0 {
        return Err(not_found());
    }
    append_change(conn, Change::Catalog, at).await
}

/// Refuses a title as a season of a series that is not there, or as one that another title is. Called in the transaction
/// that writes the title.
pub async fn require_season(conn: &mut Connection, title: &Title) -> Result<()> {
    let Some(Season { series_id, number }) = title.details.season else { return Ok(()) };
    let series = sqlx::query("SELECT id FROM series WHERE id = $1").bind(series_id.to_string());
    if series.fetch_optional(&mut *conn).await?.is_none() {
        let message = format!("There is no series {series_id}.");
        return Err(Error::new(ErrorKind::Unprocessable, "SERIES_NOT_FOUND", message).with_param("season"));
    }
    let other: Option<String> =
        sqlx::query_scalar("SELECT id FROM title WHERE series_id = $1 AND season = $2 AND id <> $3")
            .bind(series_id.to_string())
            .bind(i64::from(number))
            .bind(title.id.to_string())
            .fetch_optional(conn)
            .await?;
    let Some(other) = other else { return Ok(()) };
    let message = format!("{other} is season {number} of this series. Give one of them another number.");
    Err(Error::new(ErrorKind::Conflict, "SEASON_TAKEN", message).with_param("season"))
}

fn series(row: &Row) -> Result<Series> {
    Ok(Series {
        id: row.parsed("id")?,
        name: row.json("name")?,
        synopsis: row.json("synopsis")?,
        created_at: row.instant("created_at")?,
        version: row.int("version")?,
    })
}

fn not_found() -> Error {
    Error::new(ErrorKind::NotFound, "SERIES_NOT_FOUND", "There is no such series.")
}
