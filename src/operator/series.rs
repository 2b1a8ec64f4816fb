//! Series as operators see and edit them. A title is made a season of one where the title is edited.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::api::body::{Id, JsonBody, QueryOf};
use crate::api::caller::AnOperator;
use crate::api::etag::{etag, require_version};
use crate::api::idempotency::{IdempotencyKey, key_reused};
use crate::api::page::{List, PageQuery};
use crate::api::problem::Problem;
use crate::api::role::Editor;
use crate::base::clock::UtcMs;
use crate::base::id::{SeriesId, TitleId};
use crate::catalog::series::Series;
use crate::catalog::title::TitleStatus;
use crate::operator::Operators;
use crate::operator::titles::StatusBody;
use crate::rights::snapshot::Snapshot;
use crate::store::db::Written;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSeriesBody {
    /// By BCP 47 language tag; at least one.
    name: BTreeMap<String, String>,
    #[serde(default)]
    synopsis: BTreeMap<String, String>,
}

/// What is not named stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SeriesEditBody {
    /// As it was read; the present one, if not said.
    version: Option<i64>,
    name: Option<BTreeMap<String, String>>,
    synopsis: Option<BTreeMap<String, String>>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = OperatorSeries)]
pub struct SeriesBody {
    id: SeriesId,
    name: BTreeMap<String, String>,
    synopsis: BTreeMap<String, String>,
    /// Grows with each edit; quoted, it is the `ETag`.
    version: i64,
    created_at: UtcMs,
    /// By their numbers.
    seasons: Vec<SeasonTitleBody>,
}

/// A title that is a season.
#[derive(Serialize, ToSchema)]
#[schema(as = SeasonTitle)]
pub struct SeasonTitleBody {
    title_id: TitleId,
    number: u32,
    name: BTreeMap<String, String>,
    #[schema(value_type = StatusBody)]
    status: TitleStatus,
}

/// Which season of which series a title is.
#[derive(ToSchema)]
#[schema(as = Season)]
#[expect(dead_code, reason = "the schema of catalog::Season")]
pub struct SeasonBody {
    series_id: SeriesId,
    /// 1 to 999; no two titles of a series have the same.
    number: u32,
}

/// All series, oldest first.
#[utoipa::path(get, path = "/operator/series", tag = "operator", operation_id = "operator_list_series",
    params(PageQuery), security(("bearer" = [])), responses(
    (status = 200, description = "A page of series", body = List<SeriesBody>),
))]
pub async fn list(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<List<SeriesBody>>, Problem> {
    let (series, snapshot) = (operators.api.db.series().await?, operators.api.follower.snapshot());
    query.cut(series, |series| series.id.to_string(), |series| SeriesBody::new(series, &snapshot))
}

/// Make a series.
#[utoipa::path(post, path = "/operator/series", tag = "operator", operation_id = "operator_create_series",
    request_body = NewSeriesBody, security(("bearer" = [])), responses(
    (status = 201, description = "The series", body = SeriesBody),
    (status = 409, description = "SERIES_FULL"),
    (status = 422, description = "SERIES_INVALID, IDEMPOTENCY_KEY_REUSED"),
))]
pub async fn create(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    key: IdempotencyKey,
    body: JsonBody<NewSeriesBody>,
) -> Result<Response, Problem> {
    let api = &operators.api;
    let now = api.clock.now();
    let NewSeriesBody { name, synopsis } = body.value;
    let series = Series { id: SeriesId::new(now), name, synopsis, created_at: now, version: 1 };
    series.check()?;
    let idempotency = key.of(&operator.caller, &body.digest);
    match api.db.insert_series(&series, idempotency.as_ref()).await? {
        Written::New(()) => {
            api.follower.announce().await;
            operators.audit(&operator, "series.create", &series.id.to_string(), json!({"series": series})).await?;
            Ok(answer(&operators, StatusCode::CREATED, series))
        }
        Written::Replay { id } => Ok(answer(&operators, StatusCode::CREATED, find(&operators, id.parse()?).await?)),
        Written::KeyReused => Err(key_reused()),
    }
}

/// One series.
#[utoipa::path(get, path = "/operator/series/{id}", tag = "operator", operation_id = "operator_show_series",
    params(("id" = SeriesId, Path)), security(("bearer" = [])), responses(
    (status = 200, description = "The series; `ETag` is its version", body = SeriesBody),
    (status = 404, description = "SERIES_NOT_FOUND"),
))]
pub async fn show(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    Id(id): Id<SeriesId>,
) -> Result<Response, Problem> {
    Ok(answer(&operators, StatusCode::OK, find(&operators, id).await?))
}

/// Edit a series: what is not named stays. With `version` or `If-Match`, only the version that the operator has seen.
#[utoipa::path(patch, path = "/operator/series/{id}", tag = "operator", operation_id = "operator_edit_series",
    params(("id" = SeriesId, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that was read")),
    request_body = SeriesEditBody, security(("bearer" = [])), responses(
    (status = 200, description = "The series as it is now", body = SeriesBody),
    (status = 404, description = "SERIES_NOT_FOUND"),
    (status = 412, description = "VERSION_CONFLICT"),
    (status = 422, description = "SERIES_INVALID"),
))]
pub async fn edit(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    Id(id): Id<SeriesId>,
    headers: HeaderMap,
    body: JsonBody<SeriesEditBody>,
) -> Result<Response, Problem> {
    let api = &operators.api;
    let before = find(&operators, id).await?;
    require_version(&headers, before.version, "series")?;
    let SeriesEditBody { version, name, synopsis } = body.value;
    let series = Series {
        name: name.unwrap_or_else(|| before.name.clone()),
        synopsis: synopsis.unwrap_or_else(|| before.synopsis.clone()),
        version: version.unwrap_or(before.version).saturating_add(1),
        ..before.clone()
    };
    series.check()?;
    api.db.update_series(&series, api.clock.now()).await?;
    api.follower.announce().await;
    let detail = json!({"before": before, "after": series});
    operators.audit(&operator, "series.edit", &id.to_string(), detail).await?;
    Ok(answer(&operators, StatusCode::OK, series))
}

/// Delete a series that no title is a season of.
#[utoipa::path(delete, path = "/operator/series/{id}", tag = "operator", operation_id = "operator_delete_series",
    params(("id" = SeriesId, Path)), security(("bearer" = [])), responses(
    (status = 204, description = "It is gone"),
    (status = 404, description = "SERIES_NOT_FOUND"),
    (status = 409, description = "SERIES_IN_USE"),
))]
pub async fn remove(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    Id(id): Id<SeriesId>,
) -> Result<StatusCode, Problem> {
    let api = &operators.api;
    let before = find(&operators, id).await?;
    api.db.delete_series(id, api.clock.now()).await?;
    api.follower.announce().await;
    operators.audit(&operator, "series.delete", &id.to_string(), json!({"series": before})).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn find(operators: &Operators, id: SeriesId) -> Result<Series, Problem> {
    let series = operators.api.db.series().await?.into_iter().find(|series| series.id == id);
    series.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "SERIES_NOT_FOUND", "There is no such series."))
}

fn answer(operators: &Operators, status: StatusCode, series: Series) -> Response {
    let etag = etag(series.version);
    let body = SeriesBody::new(series, &operators.api.follower.snapshot());
    (status, [(header::ETAG, etag)], Json(body)).into_response()
}

impl SeriesBody {
    fn new(series: Series, snapshot: &Snapshot) -> SeriesBody {
        let season = |(number, rights): (u32, &Arc<crate::rights::snapshot::TitleRights>)| {
            let title = &rights.title;
            SeasonTitleBody { title_id: title.id, number, name: title.name.clone(), status: title.status }
        };
        let Series { id, name, synopsis, created_at, version } = series;
        let seasons = snapshot.seasons(id).map(season).collect();
        SeriesBody { id, name, synopsis, version, created_at, seasons }
    }
}
