//! Collections as operators see and edit them: beside each title of a showcase stands the deal that puts it on the channel.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::api::body::{Edit, Id, JsonBody, QueryOf};
use crate::api::caller::AnOperator;
use crate::api::collections::SlotBody;
use crate::api::etag::{etag, require_version};
use crate::api::idempotency::{IdempotencyKey, key_reused};
use crate::api::page::{List, PageQuery};
use crate::api::problem::Problem;
use crate::api::role::Editor;
use crate::base::clock::UtcMs;
use crate::base::id::{CollectionId, DealId, PartyId, TitleId};
use crate::catalog::collection::{Collection, Showcase};
use crate::operator::Operators;
use crate::rights::airing::airing;
use crate::rights::deal::{Carriage, Deal, Slot};
use crate::rights::snapshot::Snapshot;
use crate::store::db::Written;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewCollection)]
pub struct NewCollectionBody {
    /// By BCP 47 language tag; at least one.
    name: BTreeMap<String, String>,
    #[serde(default)]
    synopsis: BTreeMap<String, String>,
    /// In the order that they are shown in, each once.
    #[schema(min_items = 1, max_items = 100)]
    title_ids: Vec<TitleId>,
    start_at: UtcMs,
    end_at: Option<UtcMs>,
    /// The IANA zone that this is said in.
    zone: String,
    #[schema(value_type = Option<ShowcaseBody>)]
    showcase: Option<Showcase>,
}

/// What is not named stays; null takes an end or the channel away.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CollectionEdit)]
pub struct CollectionEditBody {
    /// As it was read; the present one, if not said.
    version: Option<i64>,
    name: Option<BTreeMap<String, String>>,
    synopsis: Option<BTreeMap<String, String>>,
    #[schema(min_items = 1, max_items = 100)]
    title_ids: Option<Vec<TitleId>>,
    start_at: Option<UtcMs>,
    #[serde(default)]
    #[schema(value_type = Option<UtcMs>)]
    end_at: Edit<Option<UtcMs>>,
    zone: Option<String>,
    #[serde(default)]
    #[schema(value_type = Option<ShowcaseBody>)]
    showcase: Edit<Option<Showcase>>,
}

/// The channel that carries a collection.
#[derive(ToSchema)]
#[schema(as = Showcase)]
#[expect(dead_code, reason = "the schema of catalog::Showcase")]
pub struct ShowcaseBody {
    /// A broadcaster.
    party_id: PartyId,
    /// As its deals name it.
    channel: String,
}

#[derive(Serialize, ToSchema)]
#[schema(as = OperatorCollection)]
pub struct CollectionBody {
    id: CollectionId,
    name: BTreeMap<String, String>,
    synopsis: BTreeMap<String, String>,
    title_ids: Vec<TitleId>,
    start_at: UtcMs,
    end_at: Option<UtcMs>,
    zone: String,
    #[schema(value_type = Option<ShowcaseBody>)]
    showcase: Option<Showcase>,
    /// Grows with each edit; quoted, it is the `ETag`.
    version: i64,
    created_at: UtcMs,
    /// Of a showcase, in the order of its titles; of any other collection nothing.
    airings: Vec<TitleAiringBody>,
}

/// By which of the broadcaster's deals a title is on the channel meanwhile; null where none gives it that right.
#[derive(Serialize, ToSchema)]
#[schema(as = TitleAiring)]
pub struct TitleAiringBody {
    title_id: TitleId,
    deal_id: Option<DealId>,
    starts_at: Option<UtcMs>,
    ends_at: Option<UtcMs>,
    runs: Option<u32>,
    /// When it is on the air, as far as that is settled.
    #[schema(value_type = Vec<SlotBody>)]
    slots: Vec<Slot>,
}

/// All collections, oldest first.
#[utoipa::path(get, path = "/operator/collections", tag = "operator", operation_id = "operator_list_collections",
    params(PageQuery), security(("bearer" = [])), responses(
    (status = 200, description = "A page of collections", body = List<CollectionBody>),
))]
pub async fn list(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<List<CollectionBody>>, Problem> {
    let (collections, snapshot) = (operators.api.db.collections().await?, operators.api.follower.snapshot());
    let now = operators.api.clock.now();
    query.cut(
        collections,
        |collection| collection.id.to_string(),
        |collection| CollectionBody::new(collection, &snapshot, now),
    )
}

/// Make a collection.
#[utoipa::path(post, path = "/operator/collections", tag = "operator", operation_id = "operator_create_collection",
    request_body = NewCollectionBody, security(("bearer" = [])), responses(
    (status = 201, description = "The collection", body = CollectionBody),
    (status = 409, description = "COLLECTIONS_FULL"),
    (status = 422, description = "COLLECTION_INVALID, TITLE_NOT_FOUND, PARTY_NOT_FOUND, IDEMPOTENCY_KEY_REUSED"),
))]
pub async fn create(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    key: IdempotencyKey,
    body: JsonBody<NewCollectionBody>,
) -> Result<Response, Problem> {
    let api = &operators.api;
    let now = api.clock.now();
    let NewCollectionBody { name, synopsis, title_ids, start_at, end_at, zone, showcase } = body.value;
    let id = CollectionId::new(now);
    let collection =
        Collection { id, name, synopsis, title_ids, start_at, end_at, zone, showcase, created_at: now, version: 1 };
    collection.check()?;
    let idempotency = key.of(&operator.caller, &body.digest);
    match api.db.insert_collection(&collection, idempotency.as_ref()).await? {
        Written::New(()) => {
            api.follower.announce().await;
            let detail = json!({"collection": collection});
            operators.audit(&operator, "collection.create", &id.to_string(), detail).await?;
            Ok(answer(&operators, StatusCode::CREATED, collection))
        }
        Written::Replay { id } => Ok(answer(&operators, StatusCode::CREATED, find(&operators, id.parse()?).await?)),
        Written::KeyReused => Err(key_reused()),
    }
}

/// One collection.
#[utoipa::path(get, path = "/operator/collections/{id}", tag = "operator", operation_id = "operator_show_collection",
    params(("id" = CollectionId, Path)), security(("bearer" = [])), responses(
    (status = 200, description = "The collection; `ETag` is its version", body = CollectionBody),
    (status = 404, description = "COLLECTION_NOT_FOUND"),
))]
pub async fn show(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    Id(id): Id<CollectionId>,
) -> Result<Response, Problem> {
    Ok(answer(&operators, StatusCode::OK, find(&operators, id).await?))
}

/// Edit a collection: what is not named stays. With `version` or `If-Match`, only the version that the operator has seen.
#[utoipa::path(patch, path = "/operator/collections/{id}", tag = "operator", operation_id = "operator_edit_collection",
    params(("id" = CollectionId, Path),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that was read")),
    request_body = CollectionEditBody, security(("bearer" = [])), responses(
    (status = 200, description = "The collection as it is now", body = CollectionBody),
    (status = 404, description = "COLLECTION_NOT_FOUND"),
    (status = 412, description = "VERSION_CONFLICT"),
    (status = 422, description = "COLLECTION_INVALID, TITLE_NOT_FOUND, PARTY_NOT_FOUND"),
))]
pub async fn edit(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    Id(id): Id<CollectionId>,
    headers: HeaderMap,
    body: JsonBody<CollectionEditBody>,
) -> Result<Response, Problem> {
    let api = &operators.api;
    let before = find(&operators, id).await?;
    require_version(&headers, before.version, "collection")?;
    let collection = body.value.edited(before.clone());
    collection.check()?;
    api.db.update_collection(&collection, api.clock.now()).await?;
    api.follower.announce().await;
    let detail = json!({"before": before, "after": collection});
    operators.audit(&operator, "collection.edit", &id.to_string(), detail).await?;
    Ok(answer(&operators, StatusCode::OK, collection))
}

/// Delete a collection; its titles stay.
#[utoipa::path(delete, path = "/operator/collections/{id}", tag = "operator",
    operation_id = "operator_delete_collection", params(("id" = CollectionId, Path)), security(("bearer" = [])),
    responses(
    (status = 204, description = "It is gone"),
    (status = 404, description = "COLLECTION_NOT_FOUND"),
))]
pub async fn remove(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    Id(id): Id<CollectionId>,
) -> Result<StatusCode, Problem> {
    let api = &operators.api;
    let before = find(&operators, id).await?;
    api.db.delete_collection(id, api.clock.now()).await?;
    api.follower.announce().await;
    let detail = json!({"collection": before});
    operators.audit(&operator, "collection.delete", &id.to_string(), detail).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn find(operators: &Operators, id: CollectionId) -> Result<Collection, Problem> {
    let found = operators.api.db.collections().await?.into_iter().find(|collection| collection.id == id);
    found.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "COLLECTION_NOT_FOUND", "There is no such collection."))
}

fn answer(operators: &Operators, status: StatusCode, collection: Collection) -> Response {
    let etag = etag(collection.version);
    let body = CollectionBody::new(collection, &operators.api.follower.snapshot(), operators.api.clock.now());
    (status, [(header::ETAG, etag)], Json(body)).into_response()
}

impl CollectionEditBody {
    fn edited(self, before: Collection) -> Collection {
        let CollectionEditBody { version, name, synopsis, title_ids, start_at, end_at, zone, showcase } = self;
        Collection {
            name: name.unwrap_or(before.name),
            synopsis: synopsis.unwrap_or(before.synopsis),
            title_ids: title_ids.unwrap_or(before.title_ids),
            start_at: start_at.unwrap_or(before.start_at),
            end_at: end_at.of(before.end_at),
            zone: zone.unwrap_or(before.zone),
            showcase: showcase.of(before.showcase),
            version: version.unwrap_or(before.version).saturating_add(1),
            ..before
        }
    }
}

impl CollectionBody {
    fn new(collection: Collection, snapshot: &Snapshot, now: UtcMs) -> CollectionBody {
        let on_air = |id: &TitleId| {
            let deals = snapshot.title(*id).map(|title| &title.deals[..]).unwrap_or_default();
            TitleAiringBody::new(*id, airing(&collection, deals, None, now))
        };
        let airings = match &collection.showcase {
            Some(_) => collection.title_ids.iter().map(on_air).collect(),
            None => Vec::new(),
        };
        let Collection { id, name, synopsis, title_ids, start_at, end_at, zone, showcase, created_at, version } =
            collection;
        CollectionBody { id, name, synopsis, title_ids, start_at, end_at, zone, showcase, version, created_at, airings }
    }
}

impl TitleAiringBody {
    fn new(title_id: TitleId, deal: Option<&Deal>) -> TitleAiringBody {
        let runs = deal.and_then(|deal| match deal.carriage {
            Carriage::Broadcast { runs, .. } => Some(runs),
            _ => None,
        });
        TitleAiringBody {
            title_id,
            deal_id: deal.map(|deal| deal.id),
            starts_at: deal.map(|deal| deal.window.start_at),
            ends_at: deal.and_then(|deal| deal.window.end_at),
            runs,
            slots: deal.map(|deal| deal.carriage.slots().to_vec()).unwrap_or_default(),
        }
    }
}
