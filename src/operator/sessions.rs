//! Playback sessions as operators see them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::api::body::{Id, JsonBody, QueryOf};
use crate::api::caller::AnOperator;
use crate::api::page::{List, PageQuery};
use crate::api::problem::Problem;
use crate::api::titles::Via;
use crate::base::clock::UtcMs;
use crate::base::id::{SessionId, TitleId, ViewerId};
use crate::operator::Operators;
use crate::operator::sales::ReasonBody;
use crate::rights::session::PlaybackSession;

#[derive(Serialize, ToSchema)]
#[schema(as = OperatorPlaybackSession)]
pub struct SessionBody {
    id: SessionId,
    /// Null where a free title is watched without an account.
    viewer_id: Option<ViewerId>,
    title_id: TitleId,
    part: u32,
    via: Via,
    opened_at: UtcMs,
    expires_at: UtcMs,
    ends_at: Option<UtcMs>,
}

/// Sessions that are open, newest first.
#[utoipa::path(get, path = "/operator/playback-sessions", tag = "operator", operation_id = "operator_list_sessions",
    params(PageQuery), security(("bearer" = [])), responses(
    (status = 200, description = "A page of sessions", body = List<SessionBody>),
))]
pub async fn list(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<List<SessionBody>>, Problem> {
    let api = &operators.api;
    let rows = api.db.open_sessions(api.clock.now(), &query.page()?).await?;
    query.list(rows, |row| row.id.to_string(), |row| SessionBody::new(&row))
}

/// End a session. Revoking twice is revoking once.
#[utoipa::path(post, path = "/operator/playback-sessions/{id}/revoke", tag = "operator",
    operation_id = "operator_revoke_session", params(("id" = SessionId, Path)), request_body = ReasonBody,
    security(("bearer" = [])), responses(
    (status = 204, description = "The session is over"),
    (status = 404, description = "SESSION_NOT_FOUND"),
    (status = 422, description = "REASON_INVALID"),
))]
pub async fn revoke(
    State(operators): State<Arc<Operators>>,
    operator: AnOperator,
    Id(id): Id<SessionId>,
    body: JsonBody<ReasonBody>,
) -> Result<StatusCode, Problem> {
    let reason = body.value.checked()?;
    if operators.api.sessions.revoke(id, &reason).await? {
        operators.audit(&operator, "session.revoke", &id.to_string(), json!({"reason": reason})).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

impl SessionBody {
    fn new(session: &PlaybackSession) -> SessionBody {
        SessionBody {
            id: session.id,
            viewer_id: session.viewer_id,
            title_id: session.title_id,
            part: session.part,
            via: session.entitlement.cause.into(),
            opened_at: session.opened_at,
            expires_at: session.expires_at,
            ends_at: session.entitlement.ends_at,
        }
    }
}
