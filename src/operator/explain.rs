//! Why somebody may or may not watch: the steps of the decision itself, for a viewer at a place and an instant, or for a
//! session that is open. Of an instant that is over it says what the viewer had then, under windows as they are now.

use std::borrow::Cow;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::api::body::{Id, QueryOf};
use crate::api::caller::AnOperator;
use crate::api::problem::Problem;
use crate::api::titles::{NextBody, Via};
use crate::base::clock::UtcMs;
use crate::base::id::{SessionId, TitleId, ViewerId};
use crate::base::territory::Territory;
use crate::operator::Operators;
use crate::playback::denied;
use crate::rights::denial::DenialCode;
use crate::rights::entitlement::{self, Cause, Decision, ViewerRights, decide_part, explain_going_on};
use crate::rights::language_range::LanguageRange;
use crate::rights::portability::deemed;
use crate::rights::reach::Reach;
use crate::rights::remedy::next_options;
use crate::rights::snapshot::TitleRights;
use crate::rights::trace::{self, Check, Step};

const CHECKS: [Check; 10] = [
    Check::Title,
    Check::Licence,
    Check::Territory,
    Check::Grant,
    Check::Membership,
    Check::Free,
    Check::Languages,
    Check::Window,
    Check::Devices,
    Check::Streams,
];

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExplainParams {
    title_id: TitleId,
    /// Counted from 1, and 1 if not said.
    part: Option<u32>,
    /// Nobody signed in, if not said.
    viewer_id: Option<ViewerId>,
    /// An unknown territory, if not said.
    territory: Option<Territory>,
    /// The language that is asked for with Play; none, if not said.
    #[param(value_type = Option<String>)]
    language: Option<LanguageRange>,
    /// Now, if not said. Before now what the viewer had then counts: what was bought, begun or given later has not
    /// happened, nor what was taken back later. The title, its windows, offers, deals and licence, what outages gave
    /// back and where the viewer lives are taken as they stand now.
    at: Option<UtcMs>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExplainSessionParams {
    /// Where the session was opened from, if not said.
    territory: Option<Territory>,
    /// Now, if not said. Before now the session, and what its viewer had, are taken as they were then; the title, its
    /// windows, offers, deals and licence as they stand now.
    at: Option<UtcMs>,
}

#[derive(Serialize, ToSchema)]
pub struct ExplanationBody {
    allow: bool,
    code: Option<String>,
    via: Option<Via>,
    /// The rule that decided.
    rule: &'static str,
    at: UtcMs,
    territory: Option<Territory>,
    steps: Vec<StepBody>,
    /// What would help.
    next: Vec<NextBody>,
}

#[derive(Serialize, ToSchema)]
pub struct StepBody {
    #[schema(value_type = String, pattern = "^(session|home|title|licence|territory|episode|grant|membership|free|external|languages|window|screener|deal|edit|devices|streams)$")]
    check: Check,
    #[schema(value_type = String, pattern = "^(pass|fail|skip)$")]
    outcome: trace::Outcome,
    code: Option<String>,
    /// One sentence in English.
    says: String,
    #[schema(value_type = Object)]
    facts: Value,
}

/// Who could watch this, where and when, and why.
#[utoipa::path(get, path = "/operator/explain", tag = "operator", operation_id = "operator_explain",
    params(ExplainParams), security(("bearer" = [])), responses(
    (status = 200, description = "The decision, step by step", body = ExplanationBody),
    (status = 404, description = "TITLE_NOT_FOUND, PART_NOT_FOUND, VIEWER_NOT_FOUND"),
))]
pub async fn explain(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    QueryOf(params): QueryOf<ExplainParams>,
) -> Result<Json<ExplanationBody>, Problem> {
    let api = &operators.api;
    let snapshot = api.follower.snapshot();
    let title = snapshot
        .title(params.title_id)
        .ok_or_else(|| Problem::new(http::StatusCode::NOT_FOUND, "TITLE_NOT_FOUND", "There is no such title."))?;
    let (at, is_past) = asked_about(params.at, api.clock.now());
    let viewer = rights_to(&operators, params.viewer_id, params.title_id).await?;
    let viewer = ViewerRights { wanted: params.language, ..viewer };
    let viewer = if is_past { viewer.as_of(at) } else { viewer };
    let part = checked_part(title, params.part)?;
    let asked = Asked { part, viewer_id: params.viewer_id, territory: params.territory, at };
    let are_counted = params.at.is_none();
    Ok(Json(explained(&operators, title, &viewer, asked, are_counted).await?))
}

/// What a viewer, who must be there, brings to a title.
pub async fn rights_to(
    operators: &Operators,
    viewer: Option<ViewerId>,
    title: TitleId,
) -> Result<ViewerRights, Problem> {
    let api = &operators.api;
    if let Some(viewer) = viewer
        && api.db.viewer(viewer).await?.is_none()
    {
        return Err(Problem::new(http::StatusCode::NOT_FOUND, "VIEWER_NOT_FOUND", "There is no such viewer."));
    }
    Ok(api.sessions.viewer_rights(viewer, title).await?)
}

/// The part that is asked about, the first if not said; a title that has no film yet has that one to come.
pub fn checked_part(title: &TitleRights, part: Option<u32>) -> Result<u32, Problem> {
    let (part, parts) = (part.unwrap_or(1), title.title.parts.len());
    if part == 0 || part as usize > parts.max(1) {
        let detail = format!("This title has {parts} parts; there is no part {part}.");
        return Err(Problem::new(http::StatusCode::NOT_FOUND, "PART_NOT_FOUND", &detail).with_param("part"));
    }
    Ok(part)
}

/// Who asks, for what, where and when.
pub struct Asked {
    pub part: u32,
    pub viewer_id: Option<ViewerId>,
    pub territory: Option<Territory>,
    pub at: UtcMs,
}

/// The decision on a title, step by step. Devices and streams are counted only of this moment: nobody keeps or knows those
/// of others. What is asked about is a device that is new to the account.
pub async fn explained(
    operators: &Operators,
    title: &TitleRights,
    viewer: &ViewerRights,
    asked: Asked,
    are_counted: bool,
) -> Result<ExplanationBody, Problem> {
    let Asked { part, viewer_id, territory, at } = asked;
    let (decision, mut steps) = entitlement::explain(title, part, viewer, territory, at);
    let (code, cause, next) = match decision {
        Decision::Allow(right) => {
            let sessions = &operators.api.sessions;
            let registered = match viewer_id {
                Some(viewer) if are_counted && right.cause.is_of_account() => {
                    Some(sessions.devices().count(viewer).await?)
                }
                _ => None,
            };
            let limit = sessions.devices().limit();
            let is_full = registered.is_some_and(|count| count >= limit as usize);
            let open = match is_full.then(|| decide_part(title, part, &viewer.of_anybody(), territory, at)) {
                Some(Decision::Allow(open)) => Some(open),
                _ => None,
            };
            let devices = trace::devices(&right, registered, limit, open.is_some());
            let mut code = devices.code;
            steps.push(devices);
            let right = open.unwrap_or(right);
            if code.is_none() {
                let is_refused = are_counted && sessions.are_streams_taken(&right, viewer_id, title.title.id).await?;
                steps.push(trace::streams(&right, is_refused));
                code = is_refused.then_some(DenialCode::TooManyStreams);
            }
            (code, code.is_none().then_some(right.cause), Vec::new())
        }
        Decision::Deny(denial) => (Some(denial.code), None, denial.next.into_iter().map(NextBody::from).collect()),
    };
    Ok(ExplanationBody::new(code, cause, (at, territory), trace::completed(steps, &CHECKS), next))
}

/// Whether an open session may go on, and why.
#[utoipa::path(get, path = "/operator/playback-sessions/{id}/explain", tag = "operator",
    operation_id = "operator_explain_session", params(("id" = SessionId, Path), ExplainSessionParams),
    security(("bearer" = [])), responses(
    (status = 200, description = "The answer of the next request, step by step", body = ExplanationBody),
    (status = 404, description = "SESSION_NOT_FOUND"),
    (status = 422, description = "FIELD_INVALID of `at`: the session was opened later"),
))]
pub async fn explain_session(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    Id(id): Id<SessionId>,
    QueryOf(params): QueryOf<ExplainSessionParams>,
) -> Result<Json<ExplanationBody>, Problem> {
    let api = &operators.api;
    let not_found =
        || Problem::new(http::StatusCode::NOT_FOUND, "SESSION_NOT_FOUND", "There is no such playback session.");
    let mut session = api.db.session(id).await?.ok_or_else(not_found)?;
    let snapshot = api.follower.snapshot();
    let mut title = Cow::Borrowed(&**snapshot.title(session.title_id).ok_or_else(not_found)?);
    let (at, is_past) = asked_about(params.at, api.clock.now());
    let territory = params.territory.or(session.territory);
    let (mut grant, mut membership) = (None, None);
    if let Some(id) = session.entitlement.grant_id() {
        grant = api.db.grant(id).await?;
    }
    if let Some(id) = session.entitlement.membership_id() {
        membership = api.db.membership(id).await?;
    }
    if is_past {
        let opened_at = session.opened_at;
        session = session.as_of(at).ok_or_else(|| not_opened(opened_at))?;
        grant = grant.and_then(|grant| grant.as_of(at));
        membership = membership.and_then(|membership| membership.as_of(at));
        if !title.screeners.is_empty() {
            let title = title.to_mut();
            title.screeners = title.screeners.drain(..).filter_map(|screener| screener.as_of(at)).collect();
        }
    }
    let title = &*title;
    let (answer, mut steps) = explain_going_on(&session, title, grant.as_ref(), membership.as_ref(), territory, at);
    let mut code = answer.err();
    if code.is_none() {
        // Nobody keeps which streams ran at once before.
        let is_refused = !is_past && api.sessions.known(id).is_some_and(|live| api.sessions.is_refused_a_stream(&live));
        steps.push(trace::streams(&session.entitlement, is_refused));
        code = is_refused.then_some(DenialCode::TooManyStreams);
    }
    let next = if code.is_none() || code == Some(DenialCode::CleanEditMissing) {
        Vec::new()
    } else {
        let viewer = api.sessions.viewer_rights(session.viewer_id, session.title_id).await?;
        let viewer = if is_past { viewer.as_of(at) } else { viewer };
        let options = next_options(&Reach::of(title, deemed(viewer.home, territory), at), &viewer, at);
        options.into_iter().map(NextBody::from).collect()
    };
    let cause = code.is_none().then_some(session.entitlement.cause);
    let mut checks = vec![Check::Session];
    // A device is asked about once, when a session opens.
    checks.extend(CHECKS.into_iter().filter(|check| *check != Check::Devices));
    Ok(Json(ExplanationBody::new(code, cause, (at, territory), trace::completed(steps, &checks), next)))
}

/// The instant that is asked about, and whether it is over.
pub fn asked_about(at: Option<UtcMs>, now: UtcMs) -> (UtcMs, bool) {
    let at = at.unwrap_or(now);
    (at, at < now)
}

fn not_opened(opened_at: UtcMs) -> Problem {
    let detail = format!("The session was opened at {opened_at}; ask about that instant or a later one.");
    Problem::new(http::StatusCode::UNPROCESSABLE_ENTITY, "FIELD_INVALID", &detail).with_param("at")
}

impl ExplanationBody {
    fn new(
        code: Option<DenialCode>,
        cause: Option<Cause>,
        (at, territory): (UtcMs, Option<Territory>),
        steps: Vec<Step>,
        next: Vec<NextBody>,
    ) -> ExplanationBody {
        let rule = match (code, cause) {
            (Some(code), _) => denied::rule(code),
            (None, Some(cause)) => cause.rule(),
            (None, None) => "free",
        };
        ExplanationBody {
            allow: code.is_none(),
            code: code.map(|code| code.as_str().to_owned()),
            via: cause.map(Via::from),
            rule,
            at,
            territory,
            steps: steps.into_iter().map(StepBody::from).collect(),
            next,
        }
    }
}

impl From<Step> for StepBody {
    fn from(step: Step) -> StepBody {
        let Step { check, outcome, code, says, facts } = step;
        StepBody { check, outcome, code: code.map(|code| code.as_str().to_owned()), says, facts }
    }
}
