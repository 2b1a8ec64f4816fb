//! How the process is: alive, ready, and in numbers.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::Api;
use crate::api::body::QueryOf;
use crate::api::problem::Problem;
use crate::base::limits;

const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReadyQuery {
    /// Name every check.
    verbose: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct ReadyBody {
    ready: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checks: Vec<CheckBody>,
}

#[derive(Serialize, ToSchema)]
pub struct CheckBody {
    name: &'static str,
    ok: bool,
    /// Without it the process goes on.
    required: bool,
}

/// The process runs.
#[utoipa::path(get, path = "/livez", tag = "process", responses((status = 200, description = "Alive", body = String)))]
pub async fn livez() -> &'static str {
    "ok\n"
}

/// Requests may be sent here.
#[utoipa::path(get, path = "/readyz", tag = "process", params(ReadyQuery), responses(
    (status = 200, description = "Ready", body = ReadyBody),
    (status = 503, description = "Not ready, or draining", body = ReadyBody),
))]
pub async fn readyz(State(api): State<Arc<Api>>, QueryOf(query): QueryOf<ReadyQuery>) -> Response {
    let checks = checks(&api).await;
    let ready = checks.iter().all(|check| check.ok || !check.required);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let checks = if query.verbose.is_some() { checks } else { Vec::new() };
    (status, Json(ReadyBody { ready, checks })).into_response()
}

/// What readiness rests on.
pub async fn checks(api: &Api) -> Vec<CheckBody> {
    let check = |name, ok, required| CheckBody { name, ok, required };
    vec![
        check("serving", !api.shutdown.has_begun(), true),
        check("database", api.db.ping().await.is_ok(), true),
        check("changes", api.follower.silence() <= limits::CHANGES_SILENCE_MAX, true),
        check("clock", !api.clock.is_doubtful(), true),
        check("state", api.state.ping().await.is_ok(), false),
    ]
}

/// The process in numbers, as OpenMetrics.
#[utoipa::path(get, path = "/metrics", tag = "process", responses(
    (status = 200, description = "OpenMetrics text", content_type = "application/openmetrics-text", body = String),
))]
pub async fn metrics(State(api): State<Arc<Api>>) -> Result<Response, Problem> {
    let text = api.metrics.scrape(api.follower.silence())?;
    Ok(([(header::CONTENT_TYPE, METRICS_TYPE)], text).into_response())
}
