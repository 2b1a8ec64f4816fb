//! How far each viewer is in each title, so that a player elsewhere goes on there. Says nothing of rights.

use async_trait::async_trait;

use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::base::id::{TitleId, ViewerId};

/// Where viewers left off.
#[async_trait]
pub trait ProgressDb: Send + Sync {
    /// Keeps it in place of what was there for its title: the last write wins.
    async fn put_progress(&self, viewer: ViewerId, progress: &Progress) -> Result<()>;

    /// Forgetting what is not there is no error.
    async fn forget_progress(&self, viewer: ViewerId, title: TitleId) -> Result<()>;

    async fn progress(&self, viewer: ViewerId, title: TitleId) -> Result<Option<Progress>>;

    /// Of every title, the newest first, at most `limits::PROGRESS_ROWS_MAX`.
    async fn progress_of(&self, viewer: ViewerId) -> Result<Vec<Progress>>;
}

/// How far a viewer is in a title.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    pub title_id: TitleId,
    /// Counted from 1.
    pub part: u32,
    pub position_ms: i64,
    pub duration_ms: i64,
    pub updated_at: UtcMs,
}
