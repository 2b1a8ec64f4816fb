//! Plans, and who is a member of them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use crate::api::body::{Id, JsonBody, QueryOf};
use crate::api::caller::AnOperator;
use crate::api::idempotency::{IdempotencyKey, key_reused};
use crate::api::page::{List, PageQuery};
use crate::api::problem::Problem;
use crate::api::role::Editor;
use crate::base::clock::UtcMs;
use crate::base::error::Error;
use crate::base::id::{MembershipId, PlanId, ViewerId};
use crate::base::limits;
use crate::operator::Operators;
use crate::operator::sales::ReasonBody;
use crate::rights::membership::{Membership, Plan};
use crate::store::db::Written;
use crate::store::db::sales::Member;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPlanBody {
    name: String,
    /// Streams at once under one membership.
    #[schema(minimum = 1)]
    streams: u32,
}

#[derive(Serialize, ToSchema)]
pub struct PlanBody {
    id: PlanId,
    name: String,
    streams: u32,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMembershipBody {
    /// The viewer, by id or by address: one of them.
    viewer_id: Option<ViewerId>,
    email: Option<String>,
    plan_id: PlanId,
    /// Now, if not said.
    starts_at: Option<UtcMs>,
    ends_at: UtcMs,
}

#[derive(Serialize, ToSchema)]
pub struct MembershipBody {
    id: MembershipId,
    viewer_id: ViewerId,
    viewer_email: String,
    plan_id: PlanId,
    plan_name: String,
    streams: u32,
    starts_at: UtcMs,
    ends_at: UtcMs,
    /// When it was ended early.
    ended_at: Option<UtcMs>,
    active: bool,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MembershipsQuery {
    /// Only those that are active now, or only those that are not.
    active: Option<bool>,
    /// Rows on the page, 50 if not said.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// All plans.
#[utoipa::path(get, path = "/operator/plans", tag = "operator", operation_id = "operator_list_plans",
    params(PageQuery), security(("bearer" = [])), responses(
    (status = 200, description = "A page of plans", body = List<PlanBody>),
))]
pub async fn list_plans(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<List<PlanBody>>, Problem> {
    query.cut(operators.api.db.plans().await?, |plan| plan.id.to_string(), PlanBody::new)
}

/// Make a plan.
#[utoipa::path(post, path = "/operator/plans", tag = "operator", operation_id = "operator_create_plan",
    request_body = NewPlanBody, security(("bearer" = [])), responses(
    (status = 201, description = "The plan", body = PlanBody),
    (status = 422, description = "PLAN_INVALID, IDEMPOTENCY_KEY_REUSED"),
))]
pub async fn create_plan(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    key: IdempotencyKey,
    body: JsonBody<NewPlanBody>,
) -> Result<Response, Problem> {
    let api = &operators.api;
    let now = api.clock.now();
    let plan = Plan { id: PlanId::new(now), name: body.value.name, streams: body.value.streams };
    if plan.name.trim().is_empty() || plan.name.chars().count() > limits::NAME_CHARS_MAX {
        return Err(invalid("PLAN_INVALID", "name", "A plan needs a name of at most 200 characters."));
    }
    if plan.streams == 0 {
        return Err(invalid("PLAN_INVALID", "streams", "A plan allows at least one stream."));
    }
    let idempotency = key.of(&operator.caller, &body.digest);
    let plan = match api.db.insert_plan(&plan, idempotency.as_ref(), now).await? {
        Written::New(()) => {
            operators.audit(&operator, "plan.create", &plan.id.to_string(), json!({"plan": plan})).await?;
            plan
        }
        Written::Replay { id } => {
            let earlier = api.db.plan(id.parse()?).await?;
            earlier.ok_or_else(|| Error::internal(format!("plan {id} is gone")))?
        }
        Written::KeyReused => return Err(key_reused()),
    };
    Ok((StatusCode::CREATED, Json(PlanBody::new(plan))).into_response())
}

/// Who is and was a member, newest first.
#[utoipa::path(get, path = "/operator/memberships", tag = "operator", operation_id = "operator_list_memberships",
    params(MembershipsQuery), security(("bearer" = [])), responses(
    (status = 200, description = "A page of memberships", body = List<MembershipBody>),
))]
pub async fn list_memberships(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    QueryOf(MembershipsQuery { active, limit, cursor }): QueryOf<MembershipsQuery>,
) -> Result<Json<List<MembershipBody>>, Problem> {
    let api = &operators.api;
    let query = PageQuery { limit, cursor };
    let now = api.clock.now();
    let rows = api.db.members(active, &query.page()?, now).await?;
    query.list(rows, |row| row.membership.id.to_string(), |row| MembershipBody::new(row, now))
}

/// Make a viewer a member.
#[utoipa::path(post, path = "/operator/memberships", tag = "operator", operation_id = "operator_create_membership",
    request_body = NewMembershipBody, security(("bearer" = [])), responses(
    (status = 201, description = "The membership", body = MembershipBody),
    (status = 422, description = "VIEWER_NOT_FOUND, PLAN_NOT_FOUND, WINDOW_EMPTY, IDEMPOTENCY_KEY_REUSED"),
))]
pub async fn create_membership(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    key: IdempotencyKey,
    body: JsonBody<NewMembershipBody>,
) -> Result<Response, Problem> {
    let api = &operators.api;
    let now = api.clock.now();
    let NewMembershipBody { viewer_id, email, plan_id, starts_at, ends_at } = body.value;
    let (viewer, param) = match (viewer_id, email) {
        (Some(id), None) => (api.db.viewer(id).await?, "viewer_id"),
        (None, Some(email)) => (api.db.credentials(&email).await?.map(|(viewer, _)| viewer), "email"),
        _ => return Err(invalid("FIELD_INVALID", "viewer_id", "Name the viewer by viewer_id or by email.")),
    };
    let Some(viewer) = viewer else {
        return Err(invalid("VIEWER_NOT_FOUND", param, "There is no such viewer."));
    };
    let Some(plan) = api.db.plan(plan_id).await? else {
        return Err(invalid("PLAN_NOT_FOUND", "plan_id", "There is no such plan."));
    };
    let starts_at = starts_at.unwrap_or(now);
    if ends_at <= starts_at {
        return Err(invalid("WINDOW_EMPTY", "ends_at", "A membership must end after it starts."));
    }
    let id = MembershipId::new(now);
    let (viewer_id, streams) = (viewer.id, plan.streams);
    let membership =
        Membership { id, viewer_id, plan_id, streams, starts_at, ends_at, revoked_at: None, purchase_id: None };
    let idempotency = key.of(&operator.caller, &body.digest);
    let membership = match api.db.insert_membership(&membership, idempotency.as_ref()).await? {
        Written::New(()) => {
            let detail = json!({"membership": membership});
            operators.audit(&operator, "membership.create", &id.to_string(), detail).await?;
            membership
        }
        Written::Replay { id } => {
            let earlier = api.db.membership(id.parse()?).await?;
            earlier.ok_or_else(|| Error::internal(format!("membership {id} is gone")))?
        }
        Written::KeyReused => return Err(key_reused()),
    };
    let member = Member { membership, viewer_email: viewer.email, plan_name: plan.name };
    Ok((StatusCode::CREATED, Json(MembershipBody::new(member, now))).into_response())
}

/// End a membership early. Whoever watches under it is stopped; ending twice is ending once.
#[utoipa::path(post, path = "/operator/memberships/{id}/end", tag = "operator",
    operation_id = "operator_end_membership", params(("id" = MembershipId, Path)), request_body = ReasonBody,
    security(("bearer" = [])), responses(
    (status = 200, description = "The membership as it is now", body = MembershipBody),
    (status = 404, description = "MEMBERSHIP_NOT_FOUND"),
    (status = 422, description = "REASON_INVALID"),
))]
pub async fn end_membership(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    Id(id): Id<MembershipId>,
    body: JsonBody<ReasonBody>,
) -> Result<Json<MembershipBody>, Problem> {
    let api = &operators.api;
    let reason = body.value.checked()?;
    let now = api.clock.now();
    if api.db.end_membership(id, &reason, now).await? {
        api.follower.announce().await;
        operators.audit(&operator, "membership.end", &id.to_string(), json!({"reason": reason})).await?;
    }
    let gone = || Error::internal(format!("membership {id} is not whole"));
    let membership = api.db.membership(id).await?.ok_or_else(gone)?;
    let viewer = api.db.viewer(membership.viewer_id).await?.ok_or_else(gone)?;
    let plan = api.db.plan(membership.plan_id).await?.ok_or_else(gone)?;
    let member = Member { membership, viewer_email: viewer.email, plan_name: plan.name };
    Ok(Json(MembershipBody::new(member, now)))
}

fn invalid(code: &str, param: &str, detail: &str) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail).with_param(param)
}

impl PlanBody {
    fn new(plan: Plan) -> PlanBody {
        PlanBody { id: plan.id, name: plan.name, streams: plan.streams }
    }
}

impl MembershipBody {
    pub fn new(Member { membership, viewer_email, plan_name }: Member, now: UtcMs) -> MembershipBody {
        MembershipBody {
            id: membership.id,
            viewer_id: membership.viewer_id,
            viewer_email,
            plan_id: membership.plan_id,
            plan_name,
            streams: membership.streams,
            starts_at: membership.starts_at,
            ends_at: membership.ends_at,
            ended_at: membership.revoked_at,
            active: membership.is_active(now),
        }
    }
}
