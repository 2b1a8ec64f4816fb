//! Which categories of product placement may not be shown in which territories: an operator's list, for all titles.

use serde::{Deserialize, Serialize};

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::territory::{Territory, TerritorySet};
use crate::catalog::placement::PlacementCategory;

/// The whole list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlacementBlocks {
    pub blocks: Vec<PlacementBlock>,
    /// Grows by one with each edit; zero where nobody has said anything yet.
    pub version: i64,
}

/// One category.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlacementBlock {
    pub category: PlacementCategory,
    pub territories: TerritorySet,
}

impl PlacementBlocks {
    /// Refuses what no operator can have meant.
    pub fn check(&self) -> Result<()> {
        for (place, block) in self.blocks.iter().enumerate() {
            if self.blocks[..place].iter().any(|other| other.category == block.category) {
                let message = "A category is named once, with all territories that it may not be shown in.";
                return Err(Error::new(ErrorKind::Unprocessable, "PLACEMENT_BLOCKS_INVALID", message)
                    .with_param(format!("blocks[{place}]")));
            }
        }
        Ok(())
    }

    /// Whether placements of a category may not be shown in a territory. A place that nobody knows may be any.
    pub fn forbid(&self, category: PlacementCategory, place: Option<Territory>) -> bool {
        let holds = |block: &PlacementBlock| place.is_none_or(|place| block.territories.contains(place));
        self.blocks.iter().any(|block| block.category == category && holds(block))
    }
}
