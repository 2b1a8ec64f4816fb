//! Invitations: named viewers who may watch a title before or beside everything that is open to others.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::api::body::{Id, JsonBody, QueryOf};
use crate::api::caller::AnOperator;
use crate::api::idempotency::{IdempotencyKey, key_reused};
use crate::api::page::{List, PageQuery};
use crate::api::problem::Problem;
use crate::api::role::Editor;
use crate::api::screeners::{ScreenerKindBody, ScreenerPhaseBody};
use crate::api::title_brief::TitleBrief;
use crate::base::clock::UtcMs;
use crate::base::id::{ScreenerId, TitleId, ViewerId};
use crate::base::territory::TerritorySet;
use crate::operator::Operators;
use crate::operator::avails::{TerritoriesBody, title_not_found};
use crate::operator::sales::ReasonBody;
use crate::rights::screener::{Screener, ScreenerKind};
use crate::rights::snapshot::Snapshot;
use crate::store::db::Written;

#[derive(Deserialize, ToSchema)]
#[schema(as = NewScreener)]
#[serde(deny_unknown_fields)]
pub struct NewScreenerBody {
    /// The account that is invited: an id, or its whole address.
    viewer: String,
    #[schema(value_type = ScreenerKindBody)]
    kind: ScreenerKind,
    /// Now, if not said.
    starts_at: Option<UtcMs>,
    /// What plays ends with it.
    ends_at: UtcMs,
    /// At once; 1 if not said.
    streams: Option<u32>,
    /// Anywhere, if not said.
    #[schema(value_type = Option<TerritoriesBody>)]
    territories: Option<TerritorySet>,
    /// For operators.
    note: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Screener)]
pub struct ScreenerBody {
    id: ScreenerId,
    title: TitleBrief,
    viewer_id: ViewerId,
    /// Null where the account is gone.
    viewer_email: Option<String>,
    #[schema(value_type = ScreenerKindBody)]
    kind: ScreenerKind,
    phase: ScreenerPhaseBody,
    starts_at: UtcMs,
    ends_at: UtcMs,
    streams: u32,
    #[schema(value_type = Option<TerritoriesBody>)]
    territories: Option<TerritorySet>,
    note: Option<String>,
    created_at: UtcMs,
    revoked_at: Option<UtcMs>,
}

/// Who is invited to a title, oldest first.
#[utoipa::path(get, path = "/operator/titles/{id}/screeners", tag = "operator", operation_id = "operator_list_screeners",
    params(("id" = TitleId, Path), PageQuery), security(("bearer" = [])), responses(
    (status = 200, description = "A page of invitations", body = List<ScreenerBody>),
    (status = 404, description = "TITLE_NOT_FOUND"),
))]
pub async fn list(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    Id(title_id): Id<TitleId>,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<List<ScreenerBody>>, Problem> {
    let snapshot = operators.api.follower.snapshot();
    let title = snapshot.title(title_id).ok_or_else(title_not_found)?;
    page(&operators, &query, &snapshot, title.screeners.clone()).await
}

/// What a viewer is invited to, oldest first.
#[utoipa::path(get, path = "/operator/viewers/{id}/screeners", tag = "operator",
    operation_id = "operator_list_screeners_of_viewer", params(("id" = ViewerId, Path), PageQuery),
    security(("bearer" = [])), responses(
    (status = 200, description = "A page of invitations", body = List<ScreenerBody>),
    (status = 404, description = "VIEWER_NOT_FOUND"),
))]
pub async fn list_of_viewer(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    Id(viewer_id): Id<ViewerId>,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<List<ScreenerBody>>, Problem> {
    let api = &operators.api;
    if api.db.viewer(viewer_id).await?.is_none() {
        return Err(Problem::new(StatusCode::NOT_FOUND, "VIEWER_NOT_FOUND", "There is no such viewer."));
    }
    let screeners = api.db.screeners_of(viewer_id).await?;
    page(&operators, &query, &api.follower.snapshot(), screeners).await
}

/// Invite a viewer to a title, whether it is announced or not.
#[utoipa::path(post, path = "/operator/titles/{id}/screeners", tag = "operator", operation_id = "operator_create_screener",
    params(("id" = TitleId, Path)), request_body = NewScreenerBody, security(("bearer" = [])), responses(
    (status = 201, description = "The invitation", body = ScreenerBody),
    (status = 404, description = "TITLE_NOT_FOUND"),
    (status = 409, description = "TOO_MANY_SCREENERS"),
    (status = 422, description = "SCREENER_INVALID, VIEWER_NOT_FOUND, IDEMPOTENCY_KEY_REUSED"),
))]
pub async fn create(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    Id(title_id): Id<TitleId>,
    key: IdempotencyKey,
    body: JsonBody<NewScreenerBody>,
) -> Result<Response, Problem> {
    let api = &operators.api;
    if api.db.title(title_id).await?.is_none() {
        return Err(title_not_found());
    }
    let now = api.clock.now();
    let idempotency = key.of(&operator.caller, &body.digest);
    let NewScreenerBody { viewer, kind, starts_at, ends_at, streams, territories, note } = body.value;
    let screener = Screener {
        id: ScreenerId::new(now),
        title_id,
        viewer_id: named(&operators, viewer.trim()).await?,
        kind,
        starts_at: starts_at.unwrap_or(now),
        ends_at,
        streams: streams.unwrap_or(1),
        territories,
        note: note.map(|note| note.trim().to_owned()),
        created_at: now,
        revoked_at: None,
    };
    let is_repeated = match &idempotency {
        Some(idempotency) => api.db.written(idempotency).await?.is_some(),
        None => false,
    };
    // A repeated request is answered before it is judged: its end may have come meanwhile.
    if !is_repeated {
        screener.check()?;
    }
    let screener = match api.db.insert_screener(&screener, idempotency.as_ref(), now).await? {
        Written::New(()) => {
            api.follower.announce().await;
            let detail = json!({"screener": screener});
            operators.audit(&operator, "screener.create", &screener.id.to_string(), detail).await?;
            screener
        }
        Written::Replay { id } => find(&operators, id.parse()?).await?,
        Written::KeyReused => return Err(key_reused()),
    };
    let body = one(&operators, screener).await?;
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

/// Take an invitation back: what plays under it ends at its next request. Revoking twice is revoking once.
#[utoipa::path(post, path = "/operator/screeners/{id}/revoke", tag = "operator",
    operation_id = "operator_revoke_screener", params(("id" = ScreenerId, Path)), request_body = ReasonBody,
    security(("bearer" = [])), responses(
    (status = 200, description = "The invitation as it is now", body = ScreenerBody),
    (status = 404, description = "SCREENER_NOT_FOUND"),
    (status = 422, description = "REASON_INVALID"),
))]
pub async fn revoke(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    Id(id): Id<ScreenerId>,
    body: JsonBody<ReasonBody>,
) -> Result<Json<ScreenerBody>, Problem> {
    let api = &operators.api;
    let reason = body.value.checked()?;
    if api.db.revoke_screener(id, api.clock.now()).await? {
        api.follower.announce().await;
        operators.audit(&operator, "screener.revoke", &id.to_string(), json!({"reason": reason})).await?;
    }
    let screener = find(&operators, id).await?;
    Ok(Json(one(&operators, screener).await?))
}

/// The account that is meant.
async fn named(operators: &Operators, viewer: &str) -> Result<ViewerId, Problem> {
    let db = &operators.api.db;
    let found = match viewer.parse::<ViewerId>() {
        Ok(id) => db.viewer(id).await?.map(|viewer| viewer.id),
        Err(_) => db.credentials(viewer).await?.map(|(viewer, _)| viewer.id),
    };
    let detail = "There is no such account. Whoever is invited signs up first.";
    let missing = || Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "VIEWER_NOT_FOUND", detail).with_param("viewer");
    found.ok_or_else(missing)
}

async fn find(operators: &Operators, id: ScreenerId) -> Result<Screener, Problem> {
    let screener = operators.api.db.screener(id).await?;
    let missing = || Problem::new(StatusCode::NOT_FOUND, "SCREENER_NOT_FOUND", "There is no such invitation.");
    screener.ok_or_else(missing)
}

async fn one(operators: &Operators, screener: Screener) -> Result<ScreenerBody, Problem> {
    let api = &operators.api;
    let emails = api.db.emails(&[screener.viewer_id]).await?;
    Ok(ScreenerBody::new(&api.follower.snapshot(), screener, &emails, api.clock.now()))
}

async fn page(
    operators: &Operators,
    query: &PageQuery,
    snapshot: &Snapshot,
    screeners: Vec<Screener>,
) -> Result<Json<List<ScreenerBody>>, Problem> {
    let (api, now) = (&operators.api, operators.api.clock.now());
    let invited: Vec<ViewerId> = screeners.iter().map(|screener| screener.viewer_id).collect();
    let emails = api.db.emails(&invited).await?;
    query.cut(
        screeners,
        |screener| screener.id.to_string(),
        |screener| ScreenerBody::new(snapshot, screener, &emails, now),
    )
}

impl ScreenerBody {
    fn new(snapshot: &Snapshot, screener: Screener, emails: &HashMap<ViewerId, String>, now: UtcMs) -> ScreenerBody {
        ScreenerBody {
            title: TitleBrief::of(snapshot, screener.title_id),
            viewer_email: emails.get(&screener.viewer_id).cloned(),
            phase: ScreenerPhaseBody::of(&screener, now),
            id: screener.id,
            viewer_id: screener.viewer_id,
            kind: screener.kind,
            starts_at: screener.starts_at,
            ends_at: screener.ends_at,
            streams: screener.streams,
            territories: screener.territories,
            note: screener.note,
            created_at: screener.created_at,
            revoked_at: screener.revoked_at,
        }
    }
}
