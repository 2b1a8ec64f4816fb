//! Merchandise of a title, and the way into its shop.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::body::QueryOf;
use crate::api::caller::{Anyone, At};
use crate::api::problem::Problem;
use crate::api::titles::title_shown_to;
use crate::api::{Api, BASE};
use crate::base::id::TitleId;
use crate::base::money::Money;
use crate::catalog::merchandise::{Cue, Merchandise, campaign};
use crate::catalog::title::Title;
use crate::store::state::Rate;

#[derive(Serialize, ToSchema)]
#[schema(as = Merchandise)]
pub struct MerchandiseBody {
    sku: String,
    /// By BCP 47 language tag.
    name: BTreeMap<String, String>,
    /// What the shop asks, as far as it is known here.
    price: Option<Money>,
    /// Leads on to the shop; takes `?campaign=`.
    go_url: String,
    /// When a player shows it.
    #[schema(value_type = Vec<CueBody>)]
    cues: Vec<Cue>,
}

/// An article of a shop.
#[derive(ToSchema)]
#[schema(as = Article)]
#[expect(dead_code, reason = "the schema of catalog::Merchandise, as operators write it")]
pub struct ArticleBody {
    /// The shop's own word for it; letters, digits, `-`, `_` and `.`.
    sku: String,
    name: BTreeMap<String, String>,
    price: Option<Money>,
    /// The article in the shop, over HTTPS.
    url: String,
    /// When a player shows it.
    cues: Option<Vec<CueBody>>,
}

/// An instant of a film.
#[derive(ToSchema)]
#[schema(as = Cue)]
#[expect(dead_code, reason = "the schema of catalog::Cue")]
pub struct CueBody {
    /// Counted from 1.
    part: u32,
    /// From the beginning of the part.
    at_ms: i64,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct GoQuery {
    /// Where the click comes from, in a word of letters, digits, `-`, `_` and `.`; any other is left out.
    campaign: Option<String>,
}

/// On to the shop, which is told the title and the campaign. Clicks are counted by day, SKU and campaign.
#[utoipa::path(get, path = "/titles/{id}/merchandise/{sku}/go", tag = "titles", operation_id = "go_to_merchandise",
    params(("id" = TitleId, Path), ("sku" = String, Path), GoQuery), security((), ("bearer" = []), ("cookie" = [])),
    responses(
    (status = 303, description = "The shop; `Location` says where"),
    (status = 404, description = "TITLE_NOT_FOUND, MERCHANDISE_NOT_FOUND"),
    (status = 410, description = "TITLE_WITHDRAWN"),
))]
pub async fn go(
    State(api): State<Arc<Api>>,
    Anyone(caller): Anyone,
    At(place): At,
    Path((id, sku)): Path<(String, String)>,
    QueryOf(query): QueryOf<GoQuery>,
) -> Result<Response, Problem> {
    let id: TitleId = id.parse().map_err(|_| Problem::not_found())?;
    let title = title_shown_to(&api, id, caller.and_then(|caller| caller.viewer_id()))?;
    let article = title.title.details.merchandise.iter().find(|article| article.sku == sku);
    let missing = || Problem::new(StatusCode::NOT_FOUND, "MERCHANDISE_NOT_FOUND", "This title has no such article.");
    let article = article.ok_or_else(missing)?;
    let campaign = query.campaign.as_deref().and_then(campaign);
    // Whoever clicks without end gets to the shop, and is not counted.
    if api.accounts.count_click(place.network).await == Rate::Within {
        api.db.count_click(id, &sku, campaign.unwrap_or_default(), api.clock.now()).await?;
    }
    let headers = [(header::LOCATION, article.link(id, campaign)), (header::CACHE_CONTROL, "no-store".to_owned())];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

/// A title's, in the operator's order.
pub fn of(title: &Title) -> Vec<MerchandiseBody> {
    let body = |article: &Merchandise| MerchandiseBody {
        sku: article.sku.clone(),
        name: article.name.clone(),
        price: article.price,
        go_url: format!("{BASE}/titles/{}/merchandise/{}/go", title.id, article.sku),
        cues: article.cues.clone(),
    };
    title.details.merchandise.iter().map(body).collect()
}
