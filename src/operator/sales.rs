//! Purchases as operators see them, refunds, and grants taken back.

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
use crate::api::grants::GrantBody;
use crate::api::idempotency::IdempotencyKey;
use crate::api::page::{List, PageQuery};
use crate::api::problem::Problem;
use crate::api::purchases::PurchaseBody;
use crate::base::clock::UtcMs;
use crate::base::error::Error;
use crate::base::id::{GrantId, PurchaseId, RefundId, ViewerId};
use crate::base::limits;
use crate::base::money::Money;
use crate::operator::Operators;

/// Why something is taken back; kept, and shown to nobody but operators.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReasonBody {
    reason: String,
}

/// A purchase and whose it is.
#[derive(Serialize, ToSchema)]
pub struct SoldBody {
    viewer_id: ViewerId,
    provider: String,
    is_member_price: bool,
    #[serde(flatten)]
    purchase: PurchaseBody,
}

#[derive(Serialize, ToSchema)]
pub struct RefundBody {
    id: RefundId,
    purchase_id: PurchaseId,
    amount: Money,
    reason: String,
    created_at: UtcMs,
}

impl ReasonBody {
    /// The reason, if there is one.
    pub fn checked(self) -> Result<String, Problem> {
        if self.reason.trim().is_empty() || self.reason.chars().count() > limits::REASON_CHARS_MAX {
            let detail = format!("Give a reason of 1 to {} characters.", limits::REASON_CHARS_MAX);
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "REASON_INVALID", detail).with_param("reason"));
        }
        Ok(self.reason)
    }
}

/// All purchases, newest first.
#[utoipa::path(get, path = "/operator/purchases", tag = "operator", operation_id = "operator_list_purchases",
    params(PageQuery), security(("bearer" = [])), responses(
    (status = 200, description = "A page of purchases", body = List<SoldBody>),
))]
pub async fn list_purchases(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<List<SoldBody>>, Problem> {
    let rows = operators.api.db.purchases(None, &query.page()?).await?;
    query.list(
        rows,
        |row| row.id.to_string(),
        |purchase| SoldBody {
            viewer_id: purchase.viewer_id,
            provider: purchase.provider.clone(),
            is_member_price: purchase.is_member_price,
            purchase: PurchaseBody::new(&purchase, None),
        },
    )
}

/// Give the money back, all of it, and take the grant.
#[utoipa::path(post, path = "/operator/purchases/{id}/refunds", tag = "operator", operation_id = "operator_refund",
    params(("id" = PurchaseId, Path)), request_body = ReasonBody, security(("bearer" = [])), responses(
    (status = 201, description = "The refund", body = RefundBody),
    (status = 400, description = "IDEMPOTENCY_KEY_REQUIRED"),
    (status = 404, description = "PURCHASE_NOT_FOUND"),
    (status = 409, description = "PURCHASE_NOT_PAID, ALREADY_REFUNDED"),
    (status = 422, description = "REASON_INVALID, IDEMPOTENCY_KEY_REUSED"),
))]
pub async fn refund(
    State(operators): State<Arc<Operators>>,
    operator: AnOperator,
    Id(id): Id<PurchaseId>,
    key: IdempotencyKey,
    body: JsonBody<ReasonBody>,
) -> Result<Response, Problem> {
    let idempotency = key.required(&operator.caller, &body.digest)?;
    let reason = body.value.checked()?;
    let refund = operators.api.checkout.refund(id, &reason, &idempotency).await?;
    let detail = json!({"refund_id": refund.id, "amount": refund.amount, "reason": reason});
    operators.audit(&operator, "purchase.refund", &id.to_string(), detail).await?;
    let body = RefundBody {
        id: refund.id,
        purchase_id: refund.purchase_id,
        amount: refund.amount,
        reason: refund.reason,
        created_at: refund.created_at,
    };
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

/// Take a grant back without money. Whoever watches under it is stopped. Revoking twice is revoking once.
#[utoipa::path(post, path = "/operator/grants/{id}/revoke", tag = "operator", operation_id = "operator_revoke_grant",
    params(("id" = GrantId, Path)), request_body = ReasonBody, security(("bearer" = [])), responses(
    (status = 200, description = "The grant as it is now", body = GrantBody),
    (status = 404, description = "GRANT_NOT_FOUND"),
    (status = 422, description = "REASON_INVALID"),
))]
pub async fn revoke_grant(
    State(operators): State<Arc<Operators>>,
    operator: AnOperator,
    Id(id): Id<GrantId>,
    body: JsonBody<ReasonBody>,
) -> Result<Json<GrantBody>, Problem> {
    let api = &operators.api;
    let reason = body.value.checked()?;
    let now = api.clock.now();
    if api.db.revoke_grant(id, &reason, now).await? {
        api.follower.announce().await;
        operators.audit(&operator, "grant.revoke", &id.to_string(), json!({"reason": reason})).await?;
    }
    let grant = api.db.grant(id).await?.ok_or_else(|| Error::internal(format!("grant {id} is gone")))?;
    Ok(Json(GrantBody::new(&grant, now)))
}
