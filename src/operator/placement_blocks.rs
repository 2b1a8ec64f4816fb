//! Which categories of product placement may not be shown where.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::api::body::JsonBody;
use crate::api::caller::AnOperator;
use crate::api::problem::Problem;
use crate::api::role::Editor;
use crate::operator::Operators;
use crate::operator::avails::TerritoriesBody;
use crate::operator::title_films::PlacementCategoryBody;
use crate::rights::placement_blocks::{PlacementBlock, PlacementBlocks};

/// The whole list.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlacementBlocks)]
pub struct PlacementBlocksBody {
    /// As it was read; it grows with each edit, from 0.
    version: i64,
    #[schema(value_type = Vec<PlacementBlockBody>)]
    blocks: Vec<PlacementBlock>,
}

/// One category, and where placements of it may not be shown.
#[derive(ToSchema)]
#[schema(as = PlacementBlock)]
#[expect(dead_code, reason = "the schema of rights::PlacementBlock")]
pub struct PlacementBlockBody {
    category: PlacementCategoryBody,
    territories: TerritoriesBody,
}

/// What may not be placed where.
#[utoipa::path(get, path = "/operator/placement-blocks", tag = "operator", operation_id = "operator_show_placement_blocks",
    security(("bearer" = [])), responses(
    (status = 200, description = "The list", body = PlacementBlocksBody),
))]
pub async fn show(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
) -> Result<Json<PlacementBlocksBody>, Problem> {
    Ok(Json(PlacementBlocksBody::new(operators.api.db.placement_blocks().await?)))
}

/// Replace the list, of which `version` has been read. It holds for sessions that open from now on.
#[utoipa::path(put, path = "/operator/placement-blocks", tag = "operator", operation_id = "operator_set_placement_blocks",
    request_body = PlacementBlocksBody, security(("bearer" = [])), responses(
    (status = 200, description = "The list as it is now", body = PlacementBlocksBody),
    (status = 412, description = "VERSION_CONFLICT"),
    (status = 422, description = "PLACEMENT_BLOCKS_INVALID"),
))]
pub async fn set(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    body: JsonBody<PlacementBlocksBody>,
) -> Result<Json<PlacementBlocksBody>, Problem> {
    let api = &operators.api;
    let PlacementBlocksBody { version, blocks } = body.value;
    let blocks = PlacementBlocks { blocks, version: version.saturating_add(1) };
    blocks.check()?;
    let before = api.db.placement_blocks().await?.blocks;
    api.db.set_placement_blocks(&blocks, api.clock.now()).await?;
    api.follower.announce().await;
    let detail = json!({"version": blocks.version, "blocks": [before, blocks.blocks]});
    operators.audit(&operator, "placement_blocks.edit", "placement_blocks", detail).await?;
    Ok(Json(PlacementBlocksBody::new(blocks)))
}

impl PlacementBlocksBody {
    fn new(PlacementBlocks { blocks, version }: PlacementBlocks) -> PlacementBlocksBody {
        PlacementBlocksBody { version, blocks }
    }
}
