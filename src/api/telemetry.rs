//! What players tell of themselves: our own in events, any other in CMCD reports. Nothing here fails for what it does
//! not know, and nobody waits for it to be written.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::api::Api;
use crate::api::body::{BeaconBody, Id, read_all};
use crate::api::caller::{Anyone, At};
use crate::api::problem::Problem;
use crate::base::id::SessionId;
use crate::base::limits;
use crate::commerce::account::Caller;
use crate::store::state::Rate;
use crate::telemetry::cmcd::Cmcd;
use crate::telemetry::event::PlayerEvent;
use crate::telemetry::note::Note;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TelemetryBody {
    /// In order, each `{at_ms, kind, …}`: milliseconds on the page's monotonic clock, and what happened.
    #[schema(value_type = Vec<Object>)]
    events: Vec<Value>,
    /// The same clock when the report was sent.
    sent_at_ms: Option<f64>,
}

#[derive(Serialize, ToSchema)]
pub struct TelemetryTakenBody {
    accepted: usize,
    /// Of unknown kinds, without what their kind needs, or more than one report may have.
    ignored: usize,
}

/// Report what the player did. Unknown kinds are ignored.
#[utoipa::path(post, path = "/playback-sessions/{id}/telemetry", tag = "playback", operation_id = "report_telemetry",
    params(("id" = SessionId, Path)), request_body = TelemetryBody, security((), ("bearer" = []), ("cookie" = [])),
    responses(
    (status = 202, description = "Heard", body = TelemetryTakenBody),
    (status = 404, description = "No session of the caller's"),
))]
pub async fn report(
    State(api): State<Arc<Api>>,
    Anyone(caller): Anyone,
    Id(id): Id<SessionId>,
    BeaconBody(body): BeaconBody<TelemetryBody>,
) -> Result<Response, Problem> {
    require_own(&api, caller.as_ref(), id).await?;
    if let Rate::Over { retry_after } = api.accounts.count_report(id).await {
        return Err(Problem::too_many(retry_after));
    }
    let sent = body.events.len();
    let events: Vec<PlayerEvent> =
        body.events.iter().take(limits::TELEMETRY_EVENTS_MAX).filter_map(PlayerEvent::read).collect();
    let taken = TelemetryTakenBody { accepted: events.len(), ignored: sent - events.len() };
    if !events.is_empty() {
        let sent_at_ms = body.sent_at_ms.filter(|sent_at_ms| *sent_at_ms >= 0.0).map(|sent_at_ms| sent_at_ms as u64);
        let received_at = api.clock.now();
        api.audience.collector.note(id, Note::Player { received_at, sent_at_ms, events });
    }
    Ok((StatusCode::ACCEPTED, Json(taken)).into_response())
}

/// Report CMCD (CTA-5004, event mode): a JSON array of reports, or one key-value list a line. `sid` names the session.
/// What cannot be read, or names no session, is left out.
#[utoipa::path(post, path = "/cmcd", tag = "playback", operation_id = "report_cmcd",
    request_body(content = String, content_type = "text/plain"), responses(
    (status = 204, description = "Heard"),
))]
pub async fn cmcd(State(api): State<Arc<Api>>, At(place): At, body: Body) -> Result<StatusCode, Problem> {
    if let Rate::Over { retry_after } = api.accounts.count_cmcd(place.network).await {
        return Err(Problem::too_many(retry_after));
    }
    let bytes = read_all(body, limits::JSON_BODY_BYTES_MAX).await?;
    let at = api.clock.now();
    for report in Cmcd::from_reports(&String::from_utf8_lossy(&bytes)) {
        if let Some(id) = report.session().and_then(|session| session.parse().ok()) {
            api.audience.collector.note(id, Note::Cmcd { at, report });
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The session is its viewer's; one that nobody signed in for is whose who knows its id.
async fn require_own(api: &Api, caller: Option<&Caller>, id: SessionId) -> Result<(), Problem> {
    let owner = match api.sessions.known(id) {
        Some(session) => session.row().viewer_id,
        None => api.db.session(id).await?.ok_or_else(Problem::not_found)?.viewer_id,
    };
    let is_own = owner.is_none_or(|owner| caller.and_then(Caller::viewer_id) == Some(owner));
    if is_own { Ok(()) } else { Err(Problem::not_found()) }
}
