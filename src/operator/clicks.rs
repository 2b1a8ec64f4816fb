//! How often viewers went on to the shops of a title's merchandise.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::body::{Id, QueryOf};
use crate::api::caller::AnOperator;
use crate::api::problem::Problem;
use crate::base::clock::UtcMs;
use crate::base::id::TitleId;
use crate::operator::Operators;
use crate::operator::titles;

const SHOWN: Duration = Duration::from_secs(30 * 24 * 3600);

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ClicksQuery {
    /// 30 days before `to` if not said.
    from: Option<UtcMs>,
    /// Now if not said.
    to: Option<UtcMs>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = MerchandiseClicks)]
pub struct ClicksBody {
    /// Its midnight in UTC.
    day: UtcMs,
    sku: String,
    /// Null where nobody said one.
    campaign: Option<String>,
    clicks: u64,
}

/// Clicks on merchandise by day, SKU and campaign, the oldest day first.
#[utoipa::path(get, path = "/operator/titles/{id}/merchandise-clicks", tag = "operator",
    operation_id = "operator_merchandise_clicks", params(("id" = TitleId, Path), ClicksQuery),
    security(("bearer" = [])), responses(
    (status = 200, description = "At most 10,000 rows", body = Vec<ClicksBody>),
    (status = 404, description = "TITLE_NOT_FOUND"),
))]
pub async fn list(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    Id(title_id): Id<TitleId>,
    QueryOf(ClicksQuery { from, to }): QueryOf<ClicksQuery>,
) -> Result<Json<Vec<ClicksBody>>, Problem> {
    titles::find(&operators, title_id).await?;
    let to = to.unwrap_or_else(|| operators.api.clock.now());
    let rows = operators.api.db.clicks(title_id, from.unwrap_or(to - SHOWN), to).await?;
    let body = rows.into_iter().map(|row| ClicksBody {
        day: row.day,
        sku: row.sku,
        campaign: Some(row.campaign).filter(|campaign| !campaign.is_empty()),
        clicks: row.clicks,
    });
    Ok(Json(body.collect()))
}
