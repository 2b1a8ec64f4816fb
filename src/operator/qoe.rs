//! How playback went: quality of experience over a stretch, in all and by title.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::body::QueryOf;
use crate::api::caller::AnOperator;
use crate::api::problem::Problem;
use crate::base::clock::UtcMs;
use crate::base::id::{SessionId, TitleId};
use crate::base::limits;
use crate::catalog::title::LocalizedText;
use crate::operator::Operators;
use crate::store::db::board::Span;
use crate::store::db::telemetry::{QoeQuery, QoeTotals};

/// Bounds of the histogram of start-up times.
const STARTUP_BOUNDS_MS: [u64; 10] = [250, 500, 1_000, 1_500, 2_000, 3_000, 4_000, 6_000, 8_000, 10_000];
const LAST_DAY: Duration = Duration::from_secs(24 * 3600);

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct QoeParams {
    /// Sessions opened from here on; a day before `to` if not said.
    from: Option<UtcMs>,
    /// And before this; now if not said.
    to: Option<UtcMs>,
    title_id: Option<TitleId>,
}

#[derive(Serialize, ToSchema)]
pub struct QoeReportBody {
    from: UtcMs,
    to: UtcMs,
    totals: QoeBody,
    /// Most sessions first.
    titles: Vec<TitleQoeBody>,
    /// Most frequent first.
    errors: Vec<ErrorBody>,
    startup_histogram: Vec<StartupBody>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Qoe)]
pub struct QoeBody {
    sessions: u64,
    started: u64,
    startup_p50_ms: Option<u64>,
    startup_p95_ms: Option<u64>,
    start_failures: u64,
    exits_before_start: u64,
    /// Stalled time, without what seeks caused, of stalled and watched time; null where there is neither.
    rebuffer_ratio: Option<f64>,
    watched_ms: u64,
    errors: u64,
}

#[derive(Serialize, ToSchema)]
pub struct TitleQoeBody {
    title_id: TitleId,
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    name: LocalizedText,
    #[serde(flatten)]
    qoe: QoeBody,
}

#[derive(Serialize, ToSchema)]
#[schema(as = QoeError)]
pub struct ErrorBody {
    code: String,
    count: u64,
    last_at: UtcMs,
    /// The newest few that had it.
    sessions: Vec<SessionId>,
}

/// Start-ups that took longer than the bound before and not longer than this one.
#[derive(Serialize, ToSchema)]
pub struct StartupBody {
    /// Null: longer than all bounds.
    le_ms: Option<u64>,
    count: u64,
}

/// Quality of experience of the sessions that were opened in a stretch.
#[utoipa::path(get, path = "/operator/qoe", tag = "operator", operation_id = "operator_qoe", params(QoeParams),
    security(("bearer" = [])), responses(
    (status = 200, description = "Totals, titles, errors and the histogram of start-up", body = QoeReportBody),
    (status = 422, description = "RANGE_INVALID"),
))]
pub async fn report(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    QueryOf(params): QueryOf<QoeParams>,
) -> Result<Json<QoeReportBody>, Problem> {
    let api = &operators.api;
    let to = params.to.unwrap_or_else(|| api.clock.now() + Duration::from_millis(1));
    let span = checked(Span { from: params.from.unwrap_or(to - LAST_DAY), to }, limits::QOE_RANGE_MAX)?;
    let query = QoeQuery {
        from: span.from,
        to: span.to,
        title_id: params.title_id,
        startup_bounds_ms: STARTUP_BOUNDS_MS.to_vec(),
    };
    let report = api.db.qoe_report(&query).await?;
    let snapshot = api.follower.snapshot();
    let name = |id| snapshot.title(id).map(|title| title.title.name.clone()).unwrap_or_default();
    let bounds = STARTUP_BOUNDS_MS.into_iter().map(Some).chain([None]);
    Ok(Json(QoeReportBody {
        from: span.from,
        to: span.to,
        totals: QoeBody::from(report.totals),
        titles: report
            .titles
            .into_iter()
            .map(|(title_id, totals)| TitleQoeBody { title_id, name: name(title_id), qoe: QoeBody::from(totals) })
            .collect(),
        errors: report
            .errors
            .into_iter()
            .map(|error| ErrorBody {
                code: error.code,
                count: error.count,
                last_at: error.last_at,
                sessions: error.sessions,
            })
            .collect(),
        startup_histogram: bounds.zip(report.startups).map(|(le_ms, count)| StartupBody { le_ms, count }).collect(),
    }))
}

/// A stretch that is not empty and not longer than `range_max`.
pub fn checked(span: Span, range_max: Duration) -> Result<Span, Problem> {
    if span.from < span.to && span.to.since(span.from) <= range_max {
        return Ok(span);
    }
    let days = range_max.as_secs() / 86_400;
    let detail = format!("`from` must lie before `to`, and by no more than {days} days.");
    Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "RANGE_INVALID", detail).with_param("from"))
}

impl From<QoeTotals> for QoeBody {
    fn from(totals: QoeTotals) -> QoeBody {
        let whole_ms = totals.rebuffer_ms + totals.watched_ms;
        QoeBody {
            sessions: totals.sessions,
            started: totals.started,
            startup_p50_ms: totals.startup_p50_ms,
            startup_p95_ms: totals.startup_p95_ms,
            start_failures: totals.start_failures,
            exits_before_start: totals.exits_before_start,
            rebuffer_ratio: (whole_ms > 0).then(|| totals.rebuffer_ms as f64 / whole_ms as f64),
            watched_ms: totals.watched_ms,
            errors: totals.errors,
        }
    }
}
