//! An asset: one packaged edit. Immutable once complete; a new package is a new asset. Many titles may share one.

use serde::{Deserialize, Serialize};

use crate::base::clock::UtcMs;
use crate::base::id::AssetId;

/// One packaged edit of a film, as the catalogue knows it; its bytes and index are in the object store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asset {
    pub id: AssetId,
    /// The file it was made from, by name only.
    pub source_name: String,
    pub duration_ms: i64,
    pub created_at: UtcMs,
}
