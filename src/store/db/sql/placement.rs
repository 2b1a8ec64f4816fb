//! SQL of [`PlacementDb`].

use async_trait::async_trait;

use super::playback::append_change;
use super::row::{Columns, to_json};
use super::{Connection, Row, SqlDb};
use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::rights::placement_blocks::PlacementBlocks;
use crate::store::db::PlacementDb;
use crate::store::db::playback::Change;

const BLOCKS: &str = "SELECT body, version FROM placement_blocks WHERE id = 1";

#[async_trait]
impl PlacementDb for SqlDb {
    async fn placement_blocks(&self) -> Result<PlacementBlocks> {
        let row = sqlx::query(BLOCKS).fetch_optional(&self.readers).await?;
        blocks(row.as_ref())
    }

    async fn set_placement_blocks(&self, blocks: &PlacementBlocks, at: UtcMs) -> Result<()> {
        let blocks = blocks.clone();
        self.write(move |conn| Box::pin(async move { set(conn, &blocks, at).await })).await
    }
}

async fn set(conn: &mut Connection, wanted: &PlacementBlocks, at: UtcMs) -> Result<()> {
    let row = sqlx::query(BLOCKS).fetch_optional(&mut *conn).await?;
    let version = blocks(row.as_ref())?.version;
    if version != wanted.version - 1 {
        return Err(Error::new(
            ErrorKind::Precondition,
            "VERSION_CONFLICT",
            format!("The list has been changed by somebody else and is at version {version}; load it again."),
        ));
    }
    sqlx::query(
        "INSERT INTO placement_blocks (id, body, version) VALUES (1, $1, $2) \
         ON CONFLICT (id) DO UPDATE SET body = excluded.body, version = excluded.version",
    )
    .bind(to_json(&wanted.blocks)?)
    .bind(wanted.version)
    .execute(&mut *conn)
    .await?;
    append_change(conn, Change::Catalog, at).await
}

fn blocks(row: Option<&Row>) -> Result<PlacementBlocks> {
    let Some(row) = row else { return Ok(PlacementBlocks::default()) };
    Ok(PlacementBlocks { blocks: row.json("body")?, version: row.int("version")? })
}
