//! Purchases as operators see them in a list, refunds, and grants taken back.

use std::collections::BTreeMap;
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
use crate::api::grants::GrantBody;
use crate::api::idempotency::IdempotencyKey;
use crate::api::page::{List, PageQuery};
use crate::api::problem::Problem;
use crate::api::products::{self, ProductBrief};
use crate::api::purchases::ClosedBecauseBody;
use crate::api::role::{Editor, Treasurer};
use crate::base::clock::UtcMs;
use crate::base::error::Error;
use crate::base::id::{CouponId, GrantId, OfferId, PaymentId, PurchaseId, RefundId, TitleId, ViewerId};
use crate::base::limits;
use crate::base::money::Money;
use crate::base::territory::Territory;
use crate::ledger::coupon::FundedBy;
use crate::ledger::purchase::{ClosedBecause, PurchaseStatus, Refund};
use crate::operator::Operators;
use crate::operator::coupons::FundedByBody;
use crate::operator::viewers::searched;
use crate::rights::snapshot::Snapshot;
use crate::store::db::sales::{Sale, SaleFilter};

/// Why something is taken back; kept, and shown to nobody but operators.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReasonBody {
    reason: String,
}

/// Which purchases are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PurchasesQuery {
    #[param(value_type = Option<String>, pattern = "^(pending|paid|declined|expired|refunded)$")]
    status: Option<PurchaseStatus>,
    title_id: Option<TitleId>,
    /// An id, or a whole address.
    viewer: Option<String>,
    /// Ordered at or after this instant.
    from: Option<UtcMs>,
    /// Ordered before this instant.
    to: Option<UtcMs>,
    /// How the purchase's id, the payment's id or the viewer's address begins.
    query: Option<String>,
    /// Rows on the page, 50 if not said.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A purchase, whose it is and what of.
#[derive(Serialize, ToSchema)]
pub struct PurchaseRow {
    id: PurchaseId,
    #[schema(value_type = String, pattern = "^(pending|paid|declined|expired|refunded)$")]
    status: PurchaseStatus,
    /// Why it expired although it was paid for.
    #[schema(value_type = Option<ClosedBecauseBody>)]
    closed_because: Option<ClosedBecause>,
    /// None where a product was bought.
    title_id: Option<TitleId>,
    /// By BCP 47 language tag.
    name: BTreeMap<String, String>,
    product: Option<ProductBrief>,
    viewer_id: ViewerId,
    viewer_email: String,
    offer_id: Option<OfferId>,
    coupon_id: Option<CouponId>,
    /// What the coupon took off.
    discount: Option<Money>,
    /// Who pays for that.
    #[schema(value_type = Option<FundedByBody>)]
    discount_funded_by: Option<FundedBy>,
    price: Money,
    is_member_price: bool,
    /// From when members would have it without paying, as the buyer was told and agreed.
    accepted_members_from_at: Option<UtcMs>,
    territory: Territory,
    /// The campaign whose link the viewer came by.
    campaign: Option<String>,
    storefront_slug: Option<String>,
    provider: String,
    payment_id: PaymentId,
    created_at: UtcMs,
    decided_at: Option<UtcMs>,
    paid_at: Option<UtcMs>,
    refunded_at: Option<UtcMs>,
    livemode: bool,
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
        checked_reason(self.reason)
    }
}

/// The reason, if it is one.
pub fn checked_reason(reason: String) -> Result<String, Problem> {
    if reason.trim().is_empty() || reason.chars().count() > limits::REASON_CHARS_MAX {
        let detail = format!("Give a reason of 1 to {} characters.", limits::REASON_CHARS_MAX);
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "REASON_INVALID", detail).with_param("reason"));
    }
    Ok(reason)
}

/// Purchases, newest first.
#[utoipa::path(get, path = "/operator/purchases", tag = "operator", operation_id = "operator_list_purchases",
    params(PurchasesQuery), security(("bearer" = [])), responses(
    (status = 200, description = "A page of purchases", body = List<PurchaseRow>),
))]
pub async fn list_purchases(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    QueryOf(query): QueryOf<PurchasesQuery>,
) -> Result<Json<List<PurchaseRow>>, Problem> {
    let PurchasesQuery { status, title_id, viewer, from, to, query, limit, cursor } = query;
    let viewer_id: Option<ViewerId> = viewer.as_ref().and_then(|viewer| viewer.parse().ok());
    let viewer_email = searched(viewer.filter(|_| viewer_id.is_none()))?;
    let filter = SaleFilter { status, title_id, viewer_id, viewer_email, from, to, query: searched(query)? };
    let query = PageQuery { limit, cursor };
    let rows = operators.api.db.sales(&filter, &query.page()?).await?;
    let snapshot = operators.api.follower.snapshot();
    query.list(rows, |row| row.purchase.id.to_string(), |sale| PurchaseRow::new(&snapshot, &sale))
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
    operator: Treasurer,
    Id(id): Id<PurchaseId>,
    key: IdempotencyKey,
    body: JsonBody<ReasonBody>,
) -> Result<Response, Problem> {
    let idempotency = key.required(&operator.caller, &body.digest)?;
    let reason = body.value.checked()?;
    let refund = operators.api.checkout.refund(id, &reason, &idempotency).await?;
    let detail = json!({"refund_id": refund.id, "amount": refund.amount, "reason": reason});
    operators.audit(&operator, "purchase.refund", &id.to_string(), detail).await?;
    let body = RefundBody::new(refund);
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
    operator: Editor,
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

impl RefundBody {
    pub fn new(refund: Refund) -> RefundBody {
        RefundBody {
            id: refund.id,
            purchase_id: refund.purchase_id,
            amount: refund.amount,
            reason: refund.reason,
            created_at: refund.created_at,
        }
    }
}

impl PurchaseRow {
    pub fn new(snapshot: &Snapshot, Sale { purchase, viewer_email, refund, .. }: &Sale) -> PurchaseRow {
        let is_paid = matches!(purchase.status, PurchaseStatus::Paid | PurchaseStatus::Refunded);
        let storefront = snapshot.storefronts().by_id(purchase.storefront_id);
        PurchaseRow {
            id: purchase.id,
            status: purchase.status,
            closed_because: purchase.closed_because,
            title_id: purchase.good.title_id(),
            name: products::name_of(snapshot, &purchase.good),
            product: purchase.good.product_id().and_then(|id| ProductBrief::of(snapshot, id)),
            viewer_id: purchase.viewer_id,
            viewer_email: viewer_email.clone(),
            offer_id: purchase.good.offer_id(),
            coupon_id: purchase.discount.map(|discount| discount.coupon_id),
            discount: purchase.discount.map(|discount| discount.amount),
            discount_funded_by: purchase.discount.map(|discount| discount.funded_by),
            price: purchase.price,
            is_member_price: purchase.is_member_price,
            accepted_members_from_at: purchase.accepted_members_from_at,
            territory: purchase.territory,
            campaign: purchase.campaign.clone(),
            storefront_slug: storefront.map(|storefront| storefront.slug.clone()),
            provider: purchase.provider.clone(),
            payment_id: purchase.payment_id,
            created_at: purchase.created_at,
            decided_at: purchase.decided_at,
            paid_at: purchase.decided_at.filter(|_| is_paid),
            refunded_at: refund.as_ref().map(|refund| refund.created_at),
            livemode: purchase.livemode,
        }
    }
}
