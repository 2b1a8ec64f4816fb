//! A series as a viewer sees it: its seasons that are on show here, each a title of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::Api;
use crate::api::body::Id;
use crate::api::caller::{Anyone, At};
use crate::api::looker::Looker;
use crate::api::problem::Problem;
use crate::api::storefront::AtStorefront;
use crate::api::titles::{TitleBody, is_listed, is_on_show};
use crate::base::clock::UtcMs;
use crate::base::id::{SeriesId, TitleId};
use crate::catalog::storefront::Storefront;
use crate::catalog::title::Title;
use crate::rights::snapshot::Snapshot;

/// Which season a title is, and which others there are.
#[derive(Serialize, ToSchema)]
#[schema(as = TitleSeason)]
pub struct TitleSeasonBody {
    series_id: SeriesId,
    number: u32,
    /// By BCP 47 language tag.
    series_name: BTreeMap<String, String>,
    /// Those of the series that are on show in this storefront, by their numbers.
    others: Vec<OtherSeasonBody>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = OtherSeason)]
pub struct OtherSeasonBody {
    title_id: TitleId,
    number: u32,
    name: BTreeMap<String, String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Series)]
pub struct SeriesBody {
    id: SeriesId,
    name: BTreeMap<String, String>,
    synopsis: BTreeMap<String, String>,
    /// By their numbers.
    seasons: Vec<NumberedTitleBody>,
}

/// A title that is a season.
#[derive(Serialize, ToSchema)]
#[schema(as = NumberedTitle)]
pub struct NumberedTitleBody {
    number: u32,
    #[serde(flatten)]
    title: TitleBody,
}

/// One series, with its seasons that are on show here or that the caller has.
#[utoipa::path(get, path = "/series/{id}", tag = "titles", operation_id = "show_series", params(("id" = SeriesId, Path)),
    security((), ("bearer" = []), ("cookie" = [])), responses(
    (status = 200, description = "The series", body = SeriesBody),
    (status = 404, description = "SERIES_NOT_FOUND: also where none of its seasons is on show here"),
))]
pub async fn show(
    State(api): State<Arc<Api>>,
    Anyone(caller): Anyone,
    At(place): At,
    at: AtStorefront,
    Id(id): Id<SeriesId>,
) -> Result<Json<SeriesBody>, Problem> {
    let viewer_id = caller.and_then(|caller| caller.viewer_id());
    let looker = Looker::of(&api, viewer_id, place.territory, at).await?;
    let snapshot = &looker.snapshot;
    let seen = snapshot.seasons(id).filter(|(_, title)| looker.sees(title));
    let seasons: Vec<NumberedTitleBody> =
        seen.map(|(number, title)| NumberedTitleBody { number, title: looker.body(title) }).collect();
    let not_found = || Problem::new(StatusCode::NOT_FOUND, "SERIES_NOT_FOUND", "There is no such series.");
    let series = snapshot.series(id).filter(|_| !seasons.is_empty()).ok_or_else(not_found)?;
    Ok(Json(SeriesBody { id, name: series.name.clone(), synopsis: series.synopsis.clone(), seasons }))
}

/// Which season a title is, where it is one.
pub fn season_of(snapshot: &Snapshot, title: &Title, storefront: &Storefront, now: UtcMs) -> Option<TitleSeasonBody> {
    let season = title.details.season?;
    let series = snapshot.series(season.series_id)?;
    let others = snapshot
        .seasons(season.series_id)
        .filter(|(_, other)| other.title.id != title.id && is_listed(other, now) && is_on_show(other, storefront, now))
        .map(|(number, other)| OtherSeasonBody { title_id: other.title.id, number, name: other.title.name.clone() });
    Some(TitleSeasonBody {
        series_id: season.series_id,
        number: season.number,
        series_name: series.name.clone(),
        others: others.collect(),
    })
}
