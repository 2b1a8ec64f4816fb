//! SQL of [`CollectionDb`].

use async_trait::async_trait;

use super::playback::append_change;
use super::row::{Columns, to_json};
use super::{Connection, SqlDb, idempotency};
use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{CollectionId, TitleId};
use crate::base::limits;
use crate::catalog::collection::{Collection, Showcase};
use crate::rights::party::{Party, PartyKind};
use crate::store::db::playback::Change;
use crate::store::db::{CollectionDb, Idempotency, Written};

#[async_trait]
impl CollectionDb for SqlDb {
    async fn insert_collection(
        &self,
        collection: &Collection,
        idempotency: Option<&Idempotency>,
    ) -> Result<Written<()>> {
        let (collection, key) = (collection.clone(), idempotency.cloned());
        self.write(move |conn| Box::pin(async move { insert(conn, &collection, key.as_ref()).await })).await
    }

    async fn update_collection(&self, collection: &Collection, at: UtcMs) -> Result<()> {
        let collection = collection.clone();
        self.write(move |conn| Box::pin(async move { update(conn, &collection, at).await })).await
    }

    async fn collections(&self) -> Result<Vec<Collection>> {
        let rows = sqlx::query("SELECT body FROM collection ORDER BY id").fetch_all(&self.readers).await?;
        rows.iter().map(|row| row.json("body")).collect()
    }

    async fn delete_collection(&self, id: CollectionId, at: UtcMs) -> Result<()> {
        self.write(move |conn| Box::pin(async move { delete(conn, id, at).await })).await
    }
}

async fn insert(conn: &mut Connection, collection: &Collection, key: Option<&Idempotency>) -> Result<Written<()>> {
    if let Some(written) = idempotency::seen(conn, key).await? {
        return Ok(written);
    }
    let row = sqlx::query("SELECT COUNT(*) AS collections FROM collection").fetch_one(&mut *conn).await?;
    if row.count::<usize>("collections")? >= limits::COLLECTIONS_MAX {
        let message = format!(
            "There are {} collections, and no more are kept. Delete one that is over.",
            limits::COLLECTIONS_MAX
        );
        return Err(Error::new(ErrorKind::Conflict, "COLLECTIONS_FULL", message));
    }
    require_named(conn, collection, &[]).await?;
    sqlx::query("INSERT INTO collection (id, body, version) VALUES ($1, $2, $3)")
        .bind(collection.id.to_string())
        .bind(to_json(collection)?)
        .bind(collection.version)
        .execute(&mut *conn)
        .await?;
    idempotency::remember(conn, key, &collection.id.to_string(), collection.created_at).await?;
    append_change(conn, Change::Catalog, collection.created_at).await?;
    Ok(Written::New(()))
}

async fn update(conn: &mut Connection, collection: &Collection, at: UtcMs) -> Result<()> {
    let stored = sqlx::query("SELECT body FROM collection WHERE id = $1").bind(collection.id.to_string());
    let stored = stored.fetch_optional(&mut *conn).await?.ok_or_else(not_found)?;
    let stored: Collection = stored.json("body")?;
    require_named(conn, collection, &stored.title_ids).await?;
    let updated = sqlx::query("UPDATE collection SET body = $2, version = $3 WHERE id = $1 AND version = $4")
        .bind(collection.id.to_string())
        .bind(to_json(collection)?)
        .bind(collection.version)
        .bind(collection.version - 1)
        .execute(&mut *conn)
        .await?;
    if updated.rows_affected() == 1 {
        return append_change(conn, Change::Catalog, at).await;
    }
    let version = stored.version;
    let message =
        format!("The collection has been changed by somebody else and is at version {version}; load it again.");
    Err(Error::new(ErrorKind::Precondition, "VERSION_CONFLICT", message))
}

async fn delete(conn: &mut Connection, id: CollectionId, at: UtcMs) -> Result<()> {
    let gone = sqlx::query("DELETE FROM collection WHERE id = $1").bind(id.to_string()).execute(&mut *conn).await?;
    if gone.rows_affected() == 0 {
        return Err(not_found());
    }
    append_change(conn, Change::Catalog, at).await
}

/// Refuses titles that are not there and were not named before, and a showcase of anybody but a broadcaster.
async fn require_named(conn: &mut Connection, collection: &Collection, before: &[TitleId]) -> Result<()> {
    let missing = |code, param: &str, message| Error::new(ErrorKind::Unprocessable, code, message).with_param(param);
    for id in collection.title_ids.iter().filter(|id| !before.contains(id)) {
        let there = sqlx::query("SELECT id FROM title WHERE id = $1").bind(id.to_string());
        if there.fetch_optional(&mut *conn).await?.is_none() {
            return Err(missing("TITLE_NOT_FOUND", "title_ids", format!("There is no title {id}.")));
        }
    }
    let Some(Showcase { party_id, .. }) = collection.showcase else { return Ok(()) };
    let row = sqlx::query("SELECT body FROM party WHERE id = $1").bind(party_id.to_string());
    let Some(row) = row.fetch_optional(conn).await? else {
        let message = format!("There is no party {party_id}.");
        return Err(missing("PARTY_NOT_FOUND", "showcase.party_id", message));
    };
    let party: Party = row.json("body")?;
    if party.kind != PartyKind::Broadcaster {
        let message = format!("{} is no broadcaster, and has no channel.", party.name);
        return Err(missing("COLLECTION_INVALID", "showcase.party_id", message));
    }
    Ok(())
}

fn not_found() -> Error {
    Error::new(ErrorKind::NotFound, "COLLECTION_NOT_FOUND", "There is no such collection.")
}
