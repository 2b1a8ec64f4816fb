//! SQL of [`ProgressDb`].

use async_trait::async_trait;

use super::row::Columns;
use super::{Row, SqlDb};
use crate::base::error::Result;
use crate::base::id::{TitleId, ViewerId};
use crate::base::limits;
use crate::store::db::progress::{Progress, ProgressDb};

#[async_trait]
impl ProgressDb for SqlDb {
    async fn put_progress(&self, viewer: ViewerId, progress: &Progress) -> Result<()> {
        let progress = progress.clone();
        self.write(move |conn| {
            Box::pin(async move {
                sqlx::query(
                    "INSERT INTO progress (viewer_id, title_id, part, position_ms, duration_ms, updated_at) \
                     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (viewer_id, title_id) DO UPDATE \
                     SET part = $3, position_ms = $4, duration_ms = $5, updated_at = $6",
                )
                .bind(viewer.to_string())
                .bind(progress.title_id.to_string())
                .bind(i64::from(progress.part))
                .bind(progress.position_ms)
                .bind(progress.duration_ms)
                .bind(progress.updated_at.0)
                .execute(conn)
                .await?;
                Ok(())
            })
        })
        .await
    }

    async fn forget_progress(&self, viewer: ViewerId, title: TitleId) -> Result<()> {
        self.write(move |conn| {
            Box::pin(async move {
                sqlx::query("DELETE FROM progress WHERE viewer_id = $1 AND title_id = $2")
                    .bind(viewer.to_string())
                    .bind(title.to_string())
                    .execute(conn)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    async fn progress(&self, viewer: ViewerId, title: TitleId) -> Result<Option<Progress>> {
        let row = sqlx::query("SELECT * FROM progress WHERE viewer_id = $1 AND title_id = $2")
            .bind(viewer.to_string())
            .bind(title.to_string())
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(progress).transpose()
    }

    async fn progress_of(&self, viewer: ViewerId) -> Result<Vec<Progress>> {
        let rows =
            sqlx::query("SELECT * FROM progress WHERE viewer_id = $1 ORDER BY updated_at DESC, title_id DESC LIMIT $2")
                .bind(viewer.to_string())
                .bind(limits::PROGRESS_ROWS_MAX)
                .fetch_all(&self.readers)
                .await?;
        rows.iter().map(progress).collect()
    }
}

fn progress(row: &Row) -> Result<Progress> {
    Ok(Progress {
        title_id: row.parsed("title_id")?,
        part: row.count("part")?,
        position_ms: row.int("position_ms")?,
        duration_ms: row.int("duration_ms")?,
        updated_at: row.instant("updated_at")?,
    })
}
