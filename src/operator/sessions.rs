//! Playback sessions as operators see them.

use std::collections::BTreeMap;
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
use crate::api::role::Editor;
use crate::api::title_brief::TitleBrief;
use crate::api::titles::Via;
use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::base::id::{SessionId, TitleId, ViewerId};
use crate::base::territory::Territory;
use crate::operator::Operators;
use crate::operator::sales::ReasonBody;
use crate::rights::session::PlaybackSession;
use crate::rights::snapshot::Snapshot;
use crate::telemetry::event::Rung;
use crate::telemetry::note::{Line, Source};
use crate::telemetry::qoe::Qoe;

#[derive(Serialize, ToSchema)]
#[schema(as = OperatorPlaybackSession)]
pub struct SessionBody {
    id: SessionId,
    /// Null where a free title is watched without an account.
    viewer_id: Option<ViewerId>,
    viewer_email: Option<String>,
    title_id: TitleId,
    /// The title's name, by BCP 47 language tag.
    name: BTreeMap<String, String>,
    part: u32,
    via: Via,
    /// The browser and system it was opened with, as far as they said.
    device: String,
    /// Where it was opened from.
    territory: Option<Territory>,
    /// The campaign whose link its viewer came by.
    campaign: Option<String>,
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
    let viewer_ids: Vec<ViewerId> = rows.iter().filter_map(|row| row.viewer_id).collect();
    let emails = api.db.emails(&viewer_ids).await?;
    let snapshot = api.follower.snapshot();
    query.list(
        rows,
        |row| row.id.to_string(),
        |row| SessionBody::new(&row, row.viewer_id.and_then(|id| emails.get(&id).cloned()), &snapshot),
    )
}

/// A session and how it went.
#[derive(Serialize, ToSchema)]
pub struct ShownSessionBody {
    #[serde(flatten)]
    session: SessionBody,
    ended_at: Option<UtcMs>,
    revoked_at: Option<UtcMs>,
    qoe: SessionQoeBody,
}

#[derive(Serialize, ToSchema)]
pub struct SessionQoeBody {
    startup_ms: Option<u64>,
    rebuffer_ms: u64,
    stalls: u64,
    watched_ms: u64,
    /// Distinct codes.
    errors: Vec<String>,
    rung_now: Option<RungBody>,
    start_failed: bool,
    exited_before_start: bool,
    furthest_permille: Option<u64>,
    last_heard_at: Option<UtcMs>,
}

/// Width and height are zero where they are not known.
#[derive(Serialize, ToSchema)]
pub struct RungBody {
    bitrate_bps: u64,
    width: u64,
    height: u64,
}

#[derive(Serialize, ToSchema)]
pub struct LineBody {
    at: UtcMs,
    #[schema(value_type = String, pattern = "^(player|cmcd|server)$")]
    source: &'static str,
    kind: String,
    #[schema(value_type = Object)]
    detail: serde_json::Value,
}

/// One session and its quality of experience.
#[utoipa::path(get, path = "/operator/playback-sessions/{id}", tag = "operator", operation_id = "operator_show_session",
    params(("id" = SessionId, Path)), security(("bearer" = [])), responses(
    (status = 200, description = "The session", body = ShownSessionBody),
    (status = 404, description = "SESSION_NOT_FOUND"),
))]
pub async fn show(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    Id(id): Id<SessionId>,
) -> Result<Json<ShownSessionBody>, Problem> {
    let db = &operators.api.db;
    let session = db.session(id).await?.ok_or_else(not_found)?;
    let qoe = db.qoe(id).await?.unwrap_or_default();
    let viewer = match session.viewer_id {
        Some(viewer_id) => db.viewer(viewer_id).await?,
        None => None,
    };
    let snapshot = operators.api.follower.snapshot();
    Ok(Json(ShownSessionBody {
        ended_at: session.ended_at,
        revoked_at: session.revoked_at,
        session: SessionBody::new(&session, viewer.map(|viewer| viewer.email), &snapshot),
        qoe: SessionQoeBody::from(&qoe),
    }))
}

/// What happened in a session, in order. Lines are kept for 30 days.
#[utoipa::path(get, path = "/operator/playback-sessions/{id}/timeline", tag = "operator",
    operation_id = "operator_session_timeline", params(("id" = SessionId, Path)), security(("bearer" = [])), responses(
    (status = 200, description = "Lines by instant", body = Vec<LineBody>),
    (status = 404, description = "SESSION_NOT_FOUND"),
))]
pub async fn timeline(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    Id(id): Id<SessionId>,
) -> Result<Json<Vec<LineBody>>, Problem> {
    let db = &operators.api.db;
    let session = db.session(id).await?.ok_or_else(not_found)?;
    let mut lines = facts_of(&session);
    lines.extend(db.timeline(id).await?);
    lines.sort_by_key(|line| line.at);
    Ok(Json(lines.into_iter().map(LineBody::from).collect()))
}

/// What the session's own record says: it cannot be lost on the way.
fn facts_of(session: &PlaybackSession) -> Vec<Line> {
    let line = |at, kind: &str, detail| Line { at, source: Source::Server, kind: kind.to_owned(), detail };
    let via = Via::from(session.entitlement.cause);
    let opened = json!({"via": via, "territory": session.territory, "part": session.part});
    let mut lines = vec![line(session.opened_at, "opened", opened)];
    match (session.revoked_at, session.ended_at) {
        (Some(revoked_at), _) => lines.push(line(revoked_at, "revoked", json!({}))),
        (None, Some(ended_at)) => lines.push(line(ended_at, "ended", json!({}))),
        (None, None) => {}
    }
    lines
}

fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "SESSION_NOT_FOUND", "There is no such playback session.")
}

impl From<Line> for LineBody {
    fn from(line: Line) -> LineBody {
        LineBody { at: line.at, source: line.source.as_str(), kind: line.kind, detail: line.detail }
    }
}

impl From<&Qoe> for SessionQoeBody {
    fn from(qoe: &Qoe) -> SessionQoeBody {
        let rung = |rung: Rung| RungBody { bitrate_bps: rung.bitrate_bps, width: rung.width, height: rung.height };
        SessionQoeBody {
            startup_ms: qoe.startup_ms,
            rebuffer_ms: qoe.rebuffer_ms,
            stalls: qoe.stalls,
            watched_ms: qoe.watched_ms,
            errors: qoe.error_codes(),
            rung_now: qoe.rung.map(rung),
            start_failed: qoe.start_failed_at.is_some(),
            exited_before_start: qoe.exited_before_start,
            furthest_permille: qoe.furthest_permille,
            last_heard_at: qoe.last_heard_at,
        }
    }
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
    operator: Editor,
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
    pub fn new(session: &PlaybackSession, viewer_email: Option<String>, snapshot: &Snapshot) -> SessionBody {
        SessionBody {
            id: session.id,
            viewer_id: session.viewer_id,
            viewer_email,
            title_id: session.title_id,
            name: TitleBrief::of(snapshot, session.title_id).name().clone(),
            part: session.part,
            via: session.entitlement.cause.into(),
            device: session.device.clone(),
            territory: session.territory,
            campaign: session.campaign.clone(),
            opened_at: session.opened_at,
            expires_at: session.expires_at,
            ends_at: session.entitlement.ends_at,
        }
    }
}
