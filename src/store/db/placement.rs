//! What may not be placed where.

use async_trait::async_trait;

use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::rights::placement_blocks::PlacementBlocks;

#[async_trait]
pub trait PlacementDb: Send + Sync {
    /// The list as it is; empty and of version zero before the first edit.
    async fn placement_blocks(&self) -> Result<PlacementBlocks>;

    /// Replaces the list whose present version is `blocks.version - 1`; `Precondition` (`VERSION_CONFLICT`) otherwise.
    async fn set_placement_blocks(&self, blocks: &PlacementBlocks, at: UtcMs) -> Result<()>;
}
