//! Titles as operators see and edit them.

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
use crate::api::idempotency::{IdempotencyKey, key_reused};
use crate::api::page::{List, PageQuery};
use crate::api::problem::Problem;
use crate::base::clock::UtcMs;
use crate::base::id::{AssetId, TitleId};
use crate::catalog::title::{Title, TitleStatus};
use crate::operator::Operators;
use crate::store::db::Written;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTitleBody {
    /// By BCP 47 language tag; at least one.
    name: BTreeMap<String, String>,
    #[serde(default)]
    synopsis: BTreeMap<String, String>,
    /// Part 1 first.
    #[serde(default)]
    assets: Vec<AssetId>,
    #[serde(default = "draft")]
    #[schema(value_type = StatusBody)]
    status: TitleStatus,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TitleEditBody {
    name: Option<BTreeMap<String, String>>,
    synopsis: Option<BTreeMap<String, String>>,
    assets: Option<Vec<AssetId>>,
    #[schema(value_type = Option<StatusBody>)]
    status: Option<TitleStatus>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = OperatorTitle)]
pub struct TitleBody {
    id: TitleId,
    name: BTreeMap<String, String>,
    synopsis: BTreeMap<String, String>,
    assets: Vec<AssetId>,
    #[schema(value_type = StatusBody)]
    status: TitleStatus,
    runtime_ms: i64,
    created_at: UtcMs,
    /// Grows with each edit; quoted, it is the `ETag`.
    version: i64,
}

/// Where a title stands.
#[derive(ToSchema)]
#[schema(as = TitleStatus, rename_all = "snake_case")]
pub enum StatusBody {
    Draft,
    Live,
    Suspended,
    Withdrawn,
}

fn draft() -> TitleStatus {
    TitleStatus::Draft
}

/// All titles, oldest first.
#[utoipa::path(get, path = "/operator/titles", tag = "operator", operation_id = "operator_list_titles",
    params(PageQuery), security(("bearer" = [])), responses(
    (status = 200, description = "A page of titles", body = List<TitleBody>),
))]
pub async fn list(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<List<TitleBody>>, Problem> {
    let snapshot = operators.api.follower.snapshot();
    let titles = snapshot.titles().map(|title| title.title.clone()).collect();
    query.cut(titles, |title: &Title| title.id.to_string(), TitleBody::new)
}

/// Make a title.
#[utoipa::path(post, path = "/operator/titles", tag = "operator", operation_id = "operator_create_title",
    request_body = NewTitleBody, security(("bearer" = [])), responses(
    (status = 201, description = "The title", body = TitleBody),
    (status = 422, description = "TITLE_INVALID, ASSET_NOT_FOUND, IDEMPOTENCY_KEY_REUSED"),
))]
pub async fn create(
    State(operators): State<Arc<Operators>>,
    operator: AnOperator,
    key: IdempotencyKey,
    body: JsonBody<NewTitleBody>,
) -> Result<Response, Problem> {
    let api = &operators.api;
    let now = api.clock.now();
    let NewTitleBody { name, synopsis, assets, status } = body.value;
    let runtime_ms = runtime_ms(&operators, &assets).await?;
    let title =
        Title { id: TitleId::new(now), name, synopsis, status, parts: assets, runtime_ms, created_at: now, version: 1 };
    title.check()?;
    let idempotency = key.of(&operator.caller, &body.digest);
    match api.db.insert_title(&title, idempotency.as_ref()).await? {
        Written::New(()) => {
            api.follower.announce().await;
            let detail = json!({"name": title.name, "status": title.status});
            operators.audit(&operator, "title.create", &title.id.to_string(), detail).await?;
            Ok(answer(StatusCode::CREATED, title))
        }
        Written::Replay { id } => Ok(answer(StatusCode::CREATED, find(&operators, id.parse()?).await?)),
        Written::KeyReused => Err(key_reused()),
    }
}

/// One title, whatever its status.
#[utoipa::path(get, path = "/operator/titles/{id}", tag = "operator", operation_id = "operator_show_title",
    params(("id" = TitleId, Path)), security(("bearer" = [])), responses(
    (status = 200, description = "The title; `ETag` is its version", body = TitleBody),
    (status = 404, description = "TITLE_NOT_FOUND"),
))]
pub async fn show(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    Id(id): Id<TitleId>,
) -> Result<Response, Problem> {
    Ok(answer(StatusCode::OK, find(&operators, id).await?))
}

/// Edit a title: what is not named stays. With `If-Match`, only the version that the operator has seen.
#[utoipa::path(patch, path = "/operator/titles/{id}", tag = "operator", operation_id = "operator_edit_title",
    params(("id" = TitleId, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that was read")),
    request_body = TitleEditBody, security(("bearer" = [])), responses(
    (status = 200, description = "The title as it is now", body = TitleBody),
    (status = 404, description = "TITLE_NOT_FOUND"),
    (status = 412, description = "VERSION_CONFLICT"),
    (status = 422, description = "TITLE_INVALID, ASSET_NOT_FOUND"),
))]
pub async fn edit(
    State(operators): State<Arc<Operators>>,
    operator: AnOperator,
    Id(id): Id<TitleId>,
    headers: HeaderMap,
    body: JsonBody<TitleEditBody>,
) -> Result<Response, Problem> {
    let api = &operators.api;
    let mut title = find(&operators, id).await?;
    if let Some(wanted) = headers.get(header::IF_MATCH)
        && wanted.as_bytes() != b"*"
        && wanted.as_bytes() != etag(title.version).as_bytes()
    {
        return Err(Problem::new(
            StatusCode::PRECONDITION_FAILED,
            "VERSION_CONFLICT",
            "Somebody has edited this title since you read it. Read it again.",
        )
        .with_param("If-Match"));
    }
    let TitleEditBody { name, synopsis, assets, status } = body.value;
    let before = title.status;
    title.name = name.unwrap_or(title.name);
    title.synopsis = synopsis.unwrap_or(title.synopsis);
    title.status = status.unwrap_or(title.status);
    if let Some(assets) = assets {
        title.runtime_ms = runtime_ms(&operators, &assets).await?;
        title.parts = assets;
    }
    title.version += 1;
    title.check()?;
    api.db.update_title(&title, api.clock.now()).await?;
    api.follower.announce().await;
    let detail = json!({"version": title.version, "status": [before, title.status], "assets": title.parts});
    operators.audit(&operator, "title.edit", &id.to_string(), detail).await?;
    Ok(answer(StatusCode::OK, title))
}

async fn find(operators: &Operators, id: TitleId) -> Result<Title, Problem> {
    let title = operators.api.db.title(id).await?;
    title.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "TITLE_NOT_FOUND", "There is no such title."))
}

/// The running time of all parts; refuses one that is not packaged.
async fn runtime_ms(operators: &Operators, assets: &[AssetId]) -> Result<i64, Problem> {
    let mut total_ms: i64 = 0;
    for (index, id) in assets.iter().enumerate() {
        let Some(asset) = operators.api.db.asset(*id).await? else {
            let detail = format!("There is no asset {id}.");
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "ASSET_NOT_FOUND", detail)
                .with_param(format!("assets[{index}]")));
        };
        total_ms = total_ms.saturating_add(asset.duration_ms);
    }
    Ok(total_ms)
}

fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

fn answer(status: StatusCode, title: Title) -> Response {
    (status, [(header::ETAG, etag(title.version))], Json(TitleBody::new(title))).into_response()
}

impl TitleBody {
    fn new(title: Title) -> TitleBody {
        TitleBody {
            id: title.id,
            name: title.name,
            synopsis: title.synopsis,
            assets: title.parts,
            status: title.status,
            runtime_ms: title.runtime_ms,
            created_at: title.created_at,
            version: title.version,
        }
    }
}
