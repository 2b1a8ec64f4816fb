//! Holdbacks: what contracts with circuits and distributors say must not begin before something else has.

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
use crate::base::clock::UtcMs;
use crate::base::error::Result as BaseResult;
use crate::base::id::{DealId, HoldbackId, TitleId};
use crate::base::territory::{Territory, TerritorySet};
use crate::operator::Operators;
use crate::operator::avails::{ConflictBody, LicenseTypeBody, TerritoriesBody, title_not_found};
use crate::rights::avail::{Avail, LicenseType};
use crate::rights::conflict::held_back;
use crate::rights::deal::Deal;
use crate::rights::holdback::{Holdback, HoldbackEvent};
use crate::store::db::Written;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewHoldbackBody {
    /// Whom it is promised to: a circuit, a distributor.
    party: String,
    /// The contract that it stands in.
    contract: Option<String>,
    #[schema(value_type = HoldbackEventBody)]
    event: HoldbackEvent,
    /// Calendar days after the event, in its zone; 0 lets both begin at one instant.
    #[schema(minimum = 0, maximum = 3660)]
    lag_days: u16,
    #[schema(value_type = TerritoriesBody)]
    territories: TerritorySet,
    /// What it holds back; everything where none is named.
    #[serde(default)]
    #[schema(value_type = Vec<LicenseTypeBody>)]
    license_types: Vec<LicenseType>,
}

/// What a holdback counts from.
#[derive(ToSchema)]
#[schema(as = HoldbackEvent, rename_all = "snake_case")]
pub enum HoldbackEventBody {
    /// The film opens in the cinemas of the party.
    #[schema(title = "CinemaOpening")]
    CinemaOpening {
        opens_at: UtcMs,
        /// IANA.
        zone: String,
    },
    /// A deal of the title opens, such as that of a circuit, wherever it is moved.
    #[schema(title = "DealOpening")]
    DealOpening { deal_id: DealId },
    /// The first window of this kind that covers the territory opens.
    #[schema(title = "WindowOpening")]
    WindowOpening {
        #[schema(inline)]
        license_type: LicenseTypeBody,
        territory: Territory,
    },
}

#[derive(Serialize, ToSchema)]
#[schema(as = Holdback)]
pub struct HoldbackBody {
    id: HoldbackId,
    title_id: TitleId,
    party: String,
    contract: Option<String>,
    #[schema(value_type = HoldbackEventBody)]
    event: HoldbackEvent,
    lag_days: u16,
    #[schema(value_type = TerritoriesBody)]
    territories: TerritorySet,
    #[schema(value_type = Vec<LicenseTypeBody>)]
    license_types: Vec<LicenseType>,
    /// When what it counts from happens; null while that is not planned.
    event_at: Option<UtcMs>,
    /// From this instant it holds nothing back; null while what it counts from is not planned.
    lifts_at: Option<UtcMs>,
}

/// What holds a title back.
#[utoipa::path(get, path = "/operator/titles/{id}/holdbacks", tag = "operator", operation_id = "operator_list_holdbacks",
    params(("id" = TitleId, Path), PageQuery), security(("bearer" = [])), responses(
    (status = 200, description = "A page of holdbacks", body = List<HoldbackBody>),
    (status = 404, description = "TITLE_NOT_FOUND"),
))]
pub async fn list(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    Id(title_id): Id<TitleId>,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<List<HoldbackBody>>, Problem> {
    let snapshot = operators.api.follower.snapshot();
    let title = snapshot.title(title_id).ok_or_else(title_not_found)?;
    let body = |holdback| HoldbackBody::new(holdback, &title.avails, &title.deals);
    query.cut(title.holdbacks.clone(), |holdback| holdback.id.to_string(), body)
}

/// Promise that windows open no sooner than so many days after something else does.
#[utoipa::path(post, path = "/operator/titles/{id}/holdbacks", tag = "operator",
    operation_id = "operator_create_holdback", params(("id" = TitleId, Path)), request_body = NewHoldbackBody,
    security(("bearer" = [])), responses(
    (status = 201, description = "The holdback", body = HoldbackBody),
    (status = 404, description = "TITLE_NOT_FOUND"),
    (status = 409, description = "HOLDBACK_CONFLICT, with `conflicts`; TOO_MANY_HOLDBACKS"),
    (status = 422, description = "FIELD_INVALID, ZONE_INVALID, DEAL_NOT_FOUND, IDEMPOTENCY_KEY_REUSED"),
))]
pub async fn create(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    Id(title_id): Id<TitleId>,
    key: IdempotencyKey,
    body: JsonBody<NewHoldbackBody>,
) -> Result<Response, Problem> {
    let api = &operators.api;
    if api.db.title(title_id).await?.is_none() {
        return Err(title_not_found());
    }
    let now = api.clock.now();
    let holdback = body.value.into_holdback(title_id, now)?;
    let idempotency = key.of(&operator.caller, &body.digest);
    let written = api.db.insert_holdback(&holdback, idempotency.as_ref(), now).await;
    let holdback = match written {
        Ok(Written::New(())) => {
            api.follower.announce().await;
            let detail = json!({"title_id": title_id, "holdback": holdback});
            operators.audit(&operator, "holdback.create", &holdback.id.to_string(), detail).await?;
            holdback
        }
        Ok(Written::Replay { id }) => find(&operators, id.parse()?).await?,
        Ok(Written::KeyReused) => return Err(key_reused()),
        Err(error) if error.code() == "HOLDBACK_CONFLICT" => {
            api.follower.poll().await?;
            let (avails, deals) = plan_of(&operators, title_id);
            let found = held_back(&avails, std::slice::from_ref(&holdback), &deals, now);
            let conflicts: Vec<ConflictBody> = found.iter().map(ConflictBody::new).collect();
            return Err(Problem::from(error).with("conflicts", json!(conflicts)));
        }
        Err(error) => return Err(error.into()),
    };
    let (avails, deals) = plan_of(&operators, title_id);
    let body = HoldbackBody::new(holdback, &avails, &deals);
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

/// End a promise: it holds nothing back from now on.
#[utoipa::path(delete, path = "/operator/holdbacks/{id}", tag = "operator", operation_id = "operator_delete_holdback",
    params(("id" = HoldbackId, Path)), security(("bearer" = [])), responses(
    (status = 204, description = "It is gone"),
    (status = 404, description = "HOLDBACK_NOT_FOUND"),
))]
pub async fn remove(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    Id(id): Id<HoldbackId>,
) -> Result<StatusCode, Problem> {
    let api = &operators.api;
    let holdback = find(&operators, id).await?;
    api.db.delete_holdback(id, api.clock.now()).await?;
    api.follower.announce().await;
    operators.audit(&operator, "holdback.delete", &id.to_string(), json!({"holdback": holdback})).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn plan_of(operators: &Operators, title_id: TitleId) -> (Vec<Avail>, Vec<Deal>) {
    let snapshot = operators.api.follower.snapshot();
    snapshot.title(title_id).map(|title| (title.avails.clone(), title.deals.clone())).unwrap_or_default()
}

async fn find(operators: &Operators, id: HoldbackId) -> Result<Holdback, Problem> {
    let holdback = operators.api.db.holdback(id).await?;
    holdback.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "HOLDBACK_NOT_FOUND", "There is no such holdback."))
}

impl NewHoldbackBody {
    pub fn into_holdback(self, title_id: TitleId, now: UtcMs) -> BaseResult<Holdback> {
        let NewHoldbackBody { party, contract, event, lag_days, territories, license_types } = self;
        let id = HoldbackId::new(now);
        let holdback = Holdback { id, title_id, party, contract, event, lag_days, territories, license_types };
        holdback.check()?;
        Ok(holdback)
    }
}

impl HoldbackBody {
    pub fn new(holdback: Holdback, avails: &[Avail], deals: &[Deal]) -> HoldbackBody {
        let event_at = holdback.event_at(avails, deals).map(|(at, _)| at);
        let lifts_at = holdback.lift(avails, deals).at();
        let Holdback { id, title_id, party, contract, event, lag_days, territories, license_types } = holdback;
        HoldbackBody { id, title_id, party, contract, event, lag_days, territories, license_types, event_at, lifts_at }
    }
}
