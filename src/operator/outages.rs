//! Outages: what viewers could not watch is recorded once it is over, and given back at once.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use crate::api::body::{JsonBody, QueryOf};
use crate::api::caller::AnOperator;
use crate::api::idempotency::{IdempotencyKey, key_reused};
use crate::api::page::{List, PageQuery};
use crate::api::problem::Problem;
use crate::api::role::Editor;
use crate::base::clock::UtcMs;
use crate::base::error::Error;
use crate::base::id::{OperatorId, OutageId, PartyId, TitleId};
use crate::operator::Operators;
use crate::operator::sales::checked_reason;
use crate::rights::outage::Outage;
use crate::store::db::Written;
use crate::store::db::outage::RecordedOutage;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewOutage)]
pub struct NewOutageBody {
    /// Whose it was; our own platform's, if not said.
    party_id: Option<PartyId>,
    /// Of these titles only; of all, if not said.
    #[schema(min_items = 1, max_items = 500)]
    title_ids: Option<Vec<TitleId>>,
    /// At most 31 days before `to`.
    from: UtcMs,
    /// Not in the future.
    to: UtcMs,
    /// What happened, for people; the party is shown it.
    reason: String,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OutageQuery {
    /// Say what would come of it, and write nothing.
    #[serde(default)]
    dry_run: bool,
}

/// An outage and what it came to.
#[derive(Serialize, ToSchema)]
#[schema(as = Outage)]
pub struct OutageBody {
    /// Null where nothing was written.
    id: Option<OutageId>,
    /// Null: our own platform's.
    party_id: Option<PartyId>,
    /// Null: all of them.
    title_ids: Option<Vec<TitleId>>,
    from: UtcMs,
    to: UtcMs,
    reason: String,
    created_at: UtcMs,
    created_by: OperatorId,
    extended_grants: u32,
    /// All of them together.
    extended_seconds: i64,
    /// Of the party's viewers who were playing from this server.
    extended_sessions: u32,
    /// Purchases that it left less time of than the film is long, and that have not been given back yet.
    refunds_due: u32,
}

/// Outages, newest first.
#[utoipa::path(get, path = "/operator/outages", tag = "operator", operation_id = "operator_list_outages",
    params(PageQuery), security(("bearer" = [])), responses(
    (status = 200, description = "A page of outages", body = List<OutageBody>),
))]
pub async fn list(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<List<OutageBody>>, Problem> {
    let outages = operators.api.db.outages(None, &query.page()?).await?;
    query.list(outages, |recorded| recorded.outage.id.to_string(), OutageBody::new)
}

/// Record an outage that is over: whoever lost time has it back at once. What an earlier one has given back is not given
/// back again.
#[utoipa::path(post, path = "/operator/outages", tag = "operator", operation_id = "operator_record_outage",
    params(OutageQuery), request_body = NewOutageBody, security(("bearer" = [])), responses(
    (status = 200, description = "What would come of it (`dry_run`)", body = OutageBody),
    (status = 201, description = "What came of it", body = OutageBody),
    (status = 422, description = "OUTAGE_INVALID, REASON_INVALID, PARTY_NOT_FOUND, TITLE_NOT_FOUND, IDEMPOTENCY_KEY_REUSED"),
))]
pub async fn record(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    key: IdempotencyKey,
    QueryOf(query): QueryOf<OutageQuery>,
    body: JsonBody<NewOutageBody>,
) -> Result<Response, Problem> {
    let api = &operators.api;
    let now = api.clock.now();
    let idempotency = key.of(&operator.caller, &body.digest);
    let NewOutageBody { party_id, title_ids, from, to, reason } = body.value;
    let outage = Outage {
        id: OutageId::new(now),
        party_id,
        title_ids,
        from,
        to,
        reason: checked_reason(reason)?,
        created_at: now,
        created_by: operator.id,
    };
    outage.check()?;
    if query.dry_run {
        let effect = api.db.measure_outage(&outage).await?;
        let body = OutageBody { id: None, ..OutageBody::new(RecordedOutage { outage, effect }) };
        return Ok(Json(body).into_response());
    }
    let recorded = match api.db.record_outage(&outage, idempotency.as_ref()).await? {
        Written::New(effect) => {
            api.follower.announce().await;
            let detail = json!({"outage": outage, "extended_grants": effect.grants,
                "extended_seconds": effect.extended_ms / 1000, "refunds_due": effect.refunds_due});
            operators.audit(&operator, "outage.record", &outage.id.to_string(), detail).await?;
            RecordedOutage { outage, effect }
        }
        Written::Replay { id } => {
            let gone = || Error::internal("an outage that was recorded is gone");
            api.db.outage(id.parse()?).await?.ok_or_else(gone)?
        }
        Written::KeyReused => return Err(key_reused()),
    };
    Ok((StatusCode::CREATED, Json(OutageBody::new(recorded))).into_response())
}

impl OutageBody {
    fn new(recorded: RecordedOutage) -> OutageBody {
        let RecordedOutage { outage, effect } = recorded;
        OutageBody {
            id: Some(outage.id),
            party_id: outage.party_id,
            title_ids: outage.title_ids,
            from: outage.from,
            to: outage.to,
            reason: outage.reason,
            created_at: outage.created_at,
            created_by: outage.created_by,
            extended_grants: effect.grants,
            extended_seconds: effect.extended_ms / 1000,
            extended_sessions: effect.sessions,
            refunds_due: effect.refunds_due,
        }
    }
}
