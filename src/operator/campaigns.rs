//! What the campaigns of a title have brought: who came by a link with the word of one, and bought or watched.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::body::Id;
use crate::api::caller::AnOperator;
use crate::api::page::List;
use crate::api::problem::Problem;
use crate::base::id::TitleId;
use crate::base::limits;
use crate::base::money::Money;
use crate::operator::{Operators, titles};
use crate::store::db::board::{CampaignRows, CampaignSales, CampaignSessions};

#[derive(Serialize, ToSchema)]
#[schema(as = Campaign)]
pub struct CampaignBody {
    campaign: String,
    /// Sessions of the trailer, of clips and of the preview, of the last 90 days.
    trailer_plays: u64,
    /// Sessions of the film, of the last 90 days.
    plays: u64,
    /// Paid orders, also of bundles that the title is in, and those that were given back since.
    orders: u64,
    refunds: u64,
    /// What the orders came to, of a bundle the title's part; by currency.
    gross: Vec<Money>,
}

/// The campaigns that sessions and orders of a title came by, the one with most orders first.
#[utoipa::path(get, path = "/operator/titles/{id}/campaigns", tag = "operator", operation_id = "operator_title_campaigns",
    params(("id" = TitleId, Path)), security(("bearer" = [])), responses(
    (status = 200, description = "At most 1,000 rows", body = List<CampaignBody>),
    (status = 404, description = "TITLE_NOT_FOUND"),
))]
pub async fn report(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    Id(title_id): Id<TitleId>,
) -> Result<Json<List<CampaignBody>>, Problem> {
    titles::find(&operators, title_id).await?;
    let rows = operators.api.db.campaigns(title_id, operators.api.livemode).await?;
    Ok(Json(List { data: bodies(rows), next_cursor: None }))
}

fn bodies(CampaignRows { sessions, sales }: CampaignRows) -> Vec<CampaignBody> {
    let mut found: BTreeMap<String, CampaignBody> = BTreeMap::new();
    for CampaignSessions { campaign, teasers, films } in sessions {
        let body = found.entry(campaign).or_insert_with_key(|word| CampaignBody::of(word));
        (body.trailer_plays, body.plays) = (teasers, films);
    }
    for CampaignSales { campaign, gross, orders, refunds } in sales {
        let body = found.entry(campaign).or_insert_with_key(|word| CampaignBody::of(word));
        body.orders += orders;
        body.refunds += refunds;
        body.gross.push(gross);
    }
    let mut bodies: Vec<CampaignBody> = found.into_values().collect();
    // They are in the order of their words already.
    bodies.sort_by_key(|body| std::cmp::Reverse((body.orders, body.plays, body.trailer_plays)));
    bodies.truncate(limits::CAMPAIGN_ROWS_MAX);
    bodies
}

impl CampaignBody {
    /// One that nobody came by yet.
    fn of(campaign: &str) -> CampaignBody {
        let campaign = campaign.to_owned();
        CampaignBody { campaign, trailer_plays: 0, plays: 0, orders: 0, refunds: 0, gross: Vec::new() }
    }
}
