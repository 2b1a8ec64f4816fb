//! Packaged films.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::body::{Id, QueryOf};
use crate::api::caller::AnOperator;
use crate::api::page::{List, PageQuery};
use crate::api::problem::Problem;
use crate::base::clock::UtcMs;
use crate::base::id::AssetId;
use crate::catalog::asset::Asset;
use crate::operator::Operators;

#[derive(Serialize, ToSchema)]
pub struct AssetBody {
    id: AssetId,
    /// The name of the file it was made from.
    source_name: String,
    duration_ms: i64,
    created_at: UtcMs,
}

/// All assets.
#[utoipa::path(get, path = "/operator/assets", tag = "operator", operation_id = "operator_list_assets",
    params(PageQuery), security(("bearer" = [])), responses(
    (status = 200, description = "A page of assets", body = List<AssetBody>),
))]
pub async fn list(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<List<AssetBody>>, Problem> {
    let rows = operators.api.db.assets(&query.page()?).await?;
    query.list(rows, |row| row.id.to_string(), AssetBody::new)
}

/// One asset.
#[utoipa::path(get, path = "/operator/assets/{id}", tag = "operator", operation_id = "operator_show_asset",
    params(("id" = AssetId, Path)), security(("bearer" = [])), responses(
    (status = 200, description = "The asset", body = AssetBody),
    (status = 404, description = "ASSET_NOT_FOUND"),
))]
pub async fn show(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    Id(id): Id<AssetId>,
) -> Result<Json<AssetBody>, Problem> {
    let asset = operators.api.db.asset(id).await?;
    let not_found = || Problem::new(StatusCode::NOT_FOUND, "ASSET_NOT_FOUND", "There is no such asset.");
    Ok(Json(AssetBody::new(asset.ok_or_else(not_found)?)))
}

impl AssetBody {
    fn new(asset: Asset) -> AssetBody {
        AssetBody {
            id: asset.id,
            source_name: asset.source_name,
            duration_ms: asset.duration_ms,
            created_at: asset.created_at,
        }
    }
}
