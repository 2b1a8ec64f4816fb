//! Deliveries as parties see them: which files they were sent, and what they say of them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::api::Api;
use crate::api::body::{Id, JsonBody, QueryOf};
use crate::api::caller::AParty;
use crate::api::page::{List, PageQuery};
use crate::api::problem::Problem;
use crate::base::clock::UtcMs;
use crate::base::error::Error;
use crate::base::id::{DealId, DeliveryId, OperatorId, PartyId};
use crate::catalog::title::Title;
use crate::rights::deal::Deal;
use crate::rights::delivery::{Answer, Delivered, DeliveryStatus, StandingDelivery};
use crate::store::state::Rate;

/// What a party says of a file.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DeliveryAnswer)]
pub struct AnswerBody {
    accepted: bool,
    /// What is wrong with it; needed where it is not accepted.
    reason: Option<String>,
}

/// A file that a party was sent.
#[derive(Serialize, ToSchema)]
#[schema(as = Delivery)]
pub struct DeliveryBody {
    id: DeliveryId,
    deal_id: DealId,
    /// Counted from 1.
    part: u32,
    file_name: String,
    format: String,
    /// In lower-case hex.
    sha256: String,
    size_bytes: u64,
    runtime_seconds: Option<f64>,
    /// By how much it is longer than the part as it was packaged here; null where either is not known.
    differs_seconds: Option<f64>,
    method: String,
    note: Option<String>,
    sent_at: UtcMs,
    /// Null for parties.
    sent_by: Option<OperatorId>,
    created_at: UtcMs,
    #[schema(value_type = String, pattern = "^(sent|accepted|rejected|recalled)$")]
    status: DeliveryStatus,
    answered_at: Option<UtcMs>,
    /// The party, one of its people, or the operator who wrote it down; that one null for parties.
    answered_by: Option<String>,
    /// One of our operators wrote down what the party said.
    answered_for_party: Option<bool>,
    /// Why it was recalled, or else what the party said.
    reason: Option<String>,
    recalled_at: Option<UtcMs>,
}

/// A file that a deal's party has.
#[derive(Serialize, ToSchema)]
#[schema(as = DealDelivery)]
pub struct DealDeliveryBody {
    id: DeliveryId,
    #[schema(value_type = String, pattern = "^(sent|accepted|rejected)$")]
    status: DeliveryStatus,
    sent_at: UtcMs,
}

/// Who is shown a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    House,
    Party,
}

/// What was sent under one of the caller's deals, newest first.
#[utoipa::path(get, path = "/partner/deals/{id}/deliveries", tag = "partners", operation_id = "list_partner_deliveries",
    params(("id" = DealId, Path), PageQuery), security(("bearer" = [])), responses(
    (status = 200, description = "A page of deliveries", body = List<DeliveryBody>),
    (status = 401, description = "PARTNER_TOKEN_INVALID, PARTNER_TOKEN_EXPIRED"),
    (status = 403, description = "PARTY_REQUIRED"),
    (status = 404, description = "DEAL_NOT_FOUND: also of another party's"),
    (status = 503, description = "PARTNER_KEYS_UNAVAILABLE"),
))]
pub async fn list(
    State(api): State<Arc<Api>>,
    party: AParty,
    Id(id): Id<DealId>,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<List<DeliveryBody>>, Problem> {
    let deal = deal_of(&api, id, party.id).await?;
    let (deliveries, snapshot) = (api.db.deliveries(id, &query.page()?).await?, api.follower.snapshot());
    let title = snapshot.title(deal.title_id).map(|rights| &rights.title);
    query.list(
        deliveries,
        |delivered| delivered.delivery.id.to_string(),
        |delivered| DeliveryBody::new(delivered, title, Reader::Party),
    )
}

/// Accept a file, or reject it and say why. It is said once.
#[utoipa::path(post, path = "/partner/deals/{id}/deliveries/{delivery_id}/answer", tag = "partners",
    operation_id = "answer_delivery", params(("id" = DealId, Path), ("delivery_id" = DeliveryId, Path)),
    request_body = AnswerBody, security(("bearer" = [])), responses(
    (status = 200, description = "The delivery as it is now", body = DeliveryBody),
    (status = 401, description = "PARTNER_TOKEN_INVALID, PARTNER_TOKEN_EXPIRED"),
    (status = 403, description = "PARTY_REQUIRED, CROSS_ORIGIN"),
    (status = 404, description = "DEAL_NOT_FOUND: also of another party's; DELIVERY_NOT_FOUND"),
    (status = 409, description = "DELIVERY_ANSWERED, DELIVERY_RECALLED"),
    (status = 422, description = "REASON_INVALID"),
    (status = 429, description = "RATE_LIMITED"),
    (status = 503, description = "PARTNER_KEYS_UNAVAILABLE"),
))]
pub async fn answer(
    State(api): State<Arc<Api>>,
    party: AParty,
    Path((id, delivery_id)): Path<(String, String)>,
    body: JsonBody<AnswerBody>,
) -> Result<Json<DeliveryBody>, Problem> {
    if let Rate::Over { retry_after } = api.accounts.count_partner_report(party.id).await {
        return Err(Problem::too_many(retry_after));
    }
    let (Ok(id), Ok(delivery_id)) = (id.parse::<DealId>(), delivery_id.parse()) else {
        return Err(Problem::not_found());
    };
    deal_of(&api, id, party.id).await?;
    let answer = body.value.into_answer(party.actor.clone(), Reader::Party, api.clock.now())?;
    answered(&api, delivery_id, Some(id), answer, Reader::Party).await
}

/// Writes an answer and shows the delivery to whoever gave it.
pub async fn answered(
    api: &Api,
    id: DeliveryId,
    deal: Option<DealId>,
    answer: Answer,
    reader: Reader,
) -> Result<Json<DeliveryBody>, Problem> {
    let delivered = api.db.answer_delivery(id, deal, &answer).await?;
    api.follower.announce().await;
    let detail = json!({"deal_id": delivered.delivery.deal_id, "accepted": answer.accepted, "reason": answer.reason,
        "for_party": answer.for_party});
    api.audit(&answer.by, "delivery.answer", &id.to_string(), detail).await?;
    shown(api, delivered, reader).await
}

/// The delivery beside the title that its deal is about.
pub async fn shown(api: &Api, delivered: Delivered, reader: Reader) -> Result<Json<DeliveryBody>, Problem> {
    let deal = api.db.deal(delivered.delivery.deal_id).await?;
    let deal = deal.ok_or_else(|| Error::internal("a delivery without its deal"))?;
    let snapshot = api.follower.snapshot();
    let title = snapshot.title(deal.title_id).map(|rights| &rights.title);
    Ok(Json(DeliveryBody::new(delivered, title, reader)))
}

async fn deal_of(api: &Api, id: DealId, party: PartyId) -> Result<Deal, Problem> {
    let deal = api.db.deal(id).await?.filter(|deal| deal.party_id == party);
    deal.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "DEAL_NOT_FOUND", "There is no such deal."))
}

impl AnswerBody {
    /// The answer as `by` gives it: the party itself, or the house for it.
    pub fn into_answer(self, by: String, from: Reader, at: UtcMs) -> Result<Answer, Problem> {
        let AnswerBody { accepted, reason } = self;
        let reason = reason.filter(|reason| !reason.trim().is_empty());
        let answer = Answer { accepted, reason, at, by, for_party: from == Reader::House };
        answer.check()?;
        Ok(answer)
    }
}

impl DeliveryBody {
    /// `title` is the one that its deal is about, where that is known.
    pub fn new(delivered: Delivered, title: Option<&Title>, reader: Reader) -> DeliveryBody {
        let status = delivered.status();
        let reason = delivered.reason().map(str::to_owned);
        let Delivered { delivery, answer, recall } = delivered;
        let packaged_ms = title.map_or(0, |title| title.part_runtime_ms(delivery.part));
        let differs_ms = delivery.runtime_ms.filter(|_| packaged_ms > 0).map(|runtime_ms| runtime_ms - packaged_ms);
        let is_seen = |answer: &Answer| reader == Reader::House || !answer.for_party;
        DeliveryBody {
            id: delivery.id,
            deal_id: delivery.deal_id,
            part: delivery.part,
            file_name: delivery.file_name,
            format: delivery.format,
            sha256: delivery.sha256,
            size_bytes: delivery.size_bytes,
            runtime_seconds: delivery.runtime_ms.map(seconds),
            differs_seconds: differs_ms.map(seconds),
            method: delivery.method,
            note: delivery.note,
            sent_at: delivery.sent_at,
            sent_by: (reader == Reader::House).then_some(delivery.sent_by),
            created_at: delivery.created_at,
            status,
            answered_at: answer.as_ref().map(|answer| answer.at),
            answered_for_party: answer.as_ref().map(|answer| answer.for_party),
            answered_by: answer.filter(is_seen).map(|answer| answer.by),
            reason,
            recalled_at: recall.map(|recall| recall.at),
        }
    }
}

impl From<&StandingDelivery> for DealDeliveryBody {
    fn from(standing: &StandingDelivery) -> DealDeliveryBody {
        DealDeliveryBody { id: standing.id, status: standing.status, sent_at: standing.sent_at }
    }
}

fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}
