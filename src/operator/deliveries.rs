//! Deliveries: operators record which file a party was sent, recall it, and write down what the party says elsewhere.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::api::body::{Id, JsonBody, QueryOf};
use crate::api::caller::AnOperator;
use crate::api::deliveries::{AnswerBody, DeliveryBody, Reader, answered, shown};
use crate::api::idempotency::{IdempotencyKey, key_reused};
use crate::api::page::{List, PageQuery};
use crate::api::problem::Problem;
use crate::api::role::Editor;
use crate::base::clock::UtcMs;
use crate::base::error::Error;
use crate::base::id::{DealId, DeliveryId};
use crate::operator::Operators;
use crate::operator::deals;
use crate::operator::sales::ReasonBody;
use crate::rights::delivery::{Delivered, Delivery, Recall};
use crate::store::db::Written;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewDelivery)]
pub struct NewDeliveryBody {
    /// Counted from 1, and 1 if not said.
    part: Option<u32>,
    #[schema(min_length = 1, max_length = 200)]
    file_name: String,
    /// Such as `MXF OP1a, XDCAM HD422 50i`.
    #[schema(min_length = 1, max_length = 200)]
    format: String,
    #[schema(pattern = "^[0-9a-fA-F]{64}$")]
    sha256: String,
    #[schema(minimum = 1)]
    size_bytes: u64,
    /// Of the file, to the millisecond.
    runtime_seconds: Option<f64>,
    /// Such as `Aspera`, or `LTO-8 by courier`.
    #[schema(min_length = 1, max_length = 200)]
    method: String,
    #[schema(max_length = 500)]
    note: Option<String>,
    /// Not in the future; now, if not said.
    sent_at: Option<UtcMs>,
}

/// What was sent under a deal, newest first.
#[utoipa::path(get, path = "/operator/deals/{id}/deliveries", tag = "operator", operation_id = "operator_list_deliveries",
    params(("id" = DealId, Path), PageQuery), security(("bearer" = [])), responses(
    (status = 200, description = "A page of deliveries", body = List<DeliveryBody>),
    (status = 404, description = "DEAL_NOT_FOUND"),
))]
pub async fn list(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    Id(id): Id<DealId>,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<List<DeliveryBody>>, Problem> {
    let api = &operators.api;
    let deal = deals::find(&operators, id).await?;
    let (deliveries, snapshot) = (api.db.deliveries(id, &query.page()?).await?, api.follower.snapshot());
    let title = snapshot.title(deal.title_id).map(|rights| &rights.title);
    query.list(
        deliveries,
        |delivered| delivered.delivery.id.to_string(),
        |delivered| DeliveryBody::new(delivered, title, Reader::House),
    )
}

/// Record a file that the party of a deal was sent.
#[utoipa::path(post, path = "/operator/deals/{id}/deliveries", tag = "operator",
    operation_id = "operator_record_delivery", params(("id" = DealId, Path)), request_body = NewDeliveryBody,
    security(("bearer" = [])), responses(
    (status = 201, description = "The delivery", body = DeliveryBody),
    (status = 404, description = "DEAL_NOT_FOUND"),
    (status = 409, description = "DEAL_STREAMS_HERE, DEAL_REVOKED, TOO_MANY_DELIVERIES"),
    (status = 422, description = "DELIVERY_INVALID, IDEMPOTENCY_KEY_REUSED"),
))]
pub async fn record(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    Id(id): Id<DealId>,
    key: IdempotencyKey,
    body: JsonBody<NewDeliveryBody>,
) -> Result<Response, Problem> {
    let api = &operators.api;
    let now = api.clock.now();
    let deal = deals::find(&operators, id).await?;
    let delivery = body.value.into_delivery(id, &operator, now);
    let parts = api.follower.snapshot().title(deal.title_id).map_or(0, |title| title.title.parts.len());
    delivery.check(&deal, u32::try_from(parts).unwrap_or(u32::MAX))?;
    let idempotency = key.of(&operator.caller, &body.digest);
    let delivered = match api.db.insert_delivery(&delivery, idempotency.as_ref()).await? {
        Written::New(()) => {
            api.follower.announce().await;
            let detail = json!({"delivery": delivery});
            operators.audit(&operator, "delivery.create", &delivery.id.to_string(), detail).await?;
            Delivered { delivery, answer: None, recall: None }
        }
        Written::Replay { id } => {
            let gone = || Error::internal("a delivery that was recorded is gone");
            api.db.delivery(id.parse()?).await?.ok_or_else(gone)?
        }
        Written::KeyReused => return Err(key_reused()),
    };
    let snapshot = api.follower.snapshot();
    let title = snapshot.title(deal.title_id).map(|rights| &rights.title);
    Ok((StatusCode::CREATED, Json(DeliveryBody::new(delivered, title, Reader::House))).into_response())
}

/// Recall a file: it is not to be used. What is right is sent as another delivery.
#[utoipa::path(post, path = "/operator/deliveries/{id}/recall", tag = "operator",
    operation_id = "operator_recall_delivery", params(("id" = DeliveryId, Path)), request_body = ReasonBody,
    security(("bearer" = [])), responses(
    (status = 200, description = "The delivery as it is now", body = DeliveryBody),
    (status = 404, description = "DELIVERY_NOT_FOUND"),
    (status = 409, description = "DELIVERY_RECALLED"),
    (status = 422, description = "REASON_INVALID"),
))]
pub async fn recall(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    Id(id): Id<DeliveryId>,
    body: JsonBody<ReasonBody>,
) -> Result<Json<DeliveryBody>, Problem> {
    let api = &operators.api;
    let recall = Recall { reason: body.value.checked()?, at: api.clock.now(), by: operator.id };
    let delivered = api.db.recall_delivery(id, &recall).await?;
    api.follower.announce().await;
    let detail = json!({"deal_id": delivered.delivery.deal_id, "reason": recall.reason});
    operators.audit(&operator, "delivery.recall", &id.to_string(), detail).await?;
    shown(api, delivered, Reader::House).await
}

/// Write down what a party says of a file, where it does not say so here itself.
#[utoipa::path(post, path = "/operator/deliveries/{id}/answer", tag = "operator",
    operation_id = "operator_answer_delivery", params(("id" = DeliveryId, Path)), request_body = AnswerBody,
    security(("bearer" = [])), responses(
    (status = 200, description = "The delivery as it is now", body = DeliveryBody),
    (status = 404, description = "DELIVERY_NOT_FOUND"),
    (status = 409, description = "DELIVERY_ANSWERED, DELIVERY_RECALLED"),
    (status = 422, description = "REASON_INVALID"),
))]
pub async fn answer(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    Id(id): Id<DeliveryId>,
    body: JsonBody<AnswerBody>,
) -> Result<Json<DeliveryBody>, Problem> {
    let api = &operators.api;
    let answer = body.value.into_answer(operator.id.to_string(), Reader::House, api.clock.now())?;
    answered(api, id, None, answer, Reader::House).await
}

impl NewDeliveryBody {
    fn into_delivery(self, deal_id: DealId, operator: &AnOperator, now: UtcMs) -> Delivery {
        let NewDeliveryBody { part, file_name, format, sha256, size_bytes, runtime_seconds, method, note, sent_at } =
            self;
        Delivery {
            id: DeliveryId::new(now),
            deal_id,
            part: part.unwrap_or(1),
            file_name,
            format,
            sha256: sha256.to_ascii_lowercase(),
            size_bytes,
            // What is out of bounds stays out of them.
            runtime_ms: runtime_seconds.map(|seconds| (seconds * 1000.0).round() as i64),
            method,
            note: note.filter(|note| !note.trim().is_empty()),
            sent_at: sent_at.unwrap_or(now),
            sent_by: operator.id,
            created_at: now,
        }
    }
}
