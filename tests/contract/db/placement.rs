use marquee::base::error::ErrorKind;
use marquee::catalog::placement::PlacementCategory;
use marquee::rights::placement_blocks::{PlacementBlock, PlacementBlocks};
use marquee::store::db::playback::Change;

use super::Backend;
use crate::scene::NOW;

pub async fn blocks_of_placements_are_kept_whole_and_edited_by_version(backend: &impl Backend) {
    let db = backend.open().await;
    assert_eq!(db.placement_blocks().await.unwrap(), PlacementBlocks::default());
    let territories = marquee::base::territory::TerritorySet::of(["CN".parse().unwrap()]);
    let block = PlacementBlock { category: PlacementCategory::InfantFood, territories };
    let cursor = db.changes(None, 1).await.unwrap().cursor;
    let mut blocks = PlacementBlocks { blocks: vec![block], version: 1 };
    for version in [1, 2] {
        blocks.version = version;
        db.set_placement_blocks(&blocks, NOW).await.unwrap();
        assert_eq!(db.placement_blocks().await.unwrap(), blocks);
        assert_eq!(db.set_placement_blocks(&blocks, NOW).await.unwrap_err().kind(), ErrorKind::Precondition);
    }
    assert_eq!(db.changes(Some(cursor), 9).await.unwrap().changes, [Change::Catalog, Change::Catalog]);
}
