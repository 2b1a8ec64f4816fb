//! Buying, and what was bought.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::api::Api;
use crate::api::body::{Id, JsonBody, QueryOf};
use crate::api::caller::{AViewer, At};
use crate::api::grants::GrantBody;
use crate::api::idempotency::IdempotencyKey;
use crate::api::page::{List, PageQuery};
use crate::api::problem::Problem;
use crate::base::clock::UtcMs;
use crate::base::id::{OfferId, PurchaseId, TitleId};
use crate::base::money::Money;
use crate::commerce::checkout::{Bought, Order};
use crate::ledger::purchase::{Purchase, PurchaseStatus};
use crate::store::state::Rate;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderBody {
    offer_id: OfferId,
    payment: PaymentBody,
}

/// A payment method and whatever else it wants to know: the sandbox takes an `outcome` of `paid`, `declined`, `pending`
/// or `callback_twice`.
#[derive(Deserialize, ToSchema)]
pub struct PaymentBody {
    method: String,
    #[serde(flatten)]
    #[schema(value_type = Object)]
    details: serde_json::Map<String, serde_json::Value>,
}

#[derive(Serialize, ToSchema)]
pub struct PurchaseBody {
    id: PurchaseId,
    #[schema(value_type = String, pattern = "^(pending|paid|declined|expired|refunded)$")]
    status: PurchaseStatus,
    title_id: TitleId,
    offer_id: OfferId,
    price: Money,
    /// Real money.
    livemode: bool,
    created_at: UtcMs,
    paid_at: Option<UtcMs>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grant: Option<GrantBody>,
}

/// Buy an offer.
#[utoipa::path(post, path = "/purchases", tag = "purchases", operation_id = "create_purchase", request_body = OrderBody,
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 201, description = "The purchase, paid or pending", body = PurchaseBody),
    (status = 400, description = "IDEMPOTENCY_KEY_REQUIRED"),
    (status = 402, description = "PAYMENT_DECLINED, with `purchase_id`"),
    (status = 403, description = "GEO_NOT_LICENSED, WINDOW_NOT_OPEN, WINDOW_CLOSED, TITLE_SUSPENDED, SALES_CLOSED"),
    (status = 404, description = "OFFER_NOT_FOUND"),
    (status = 409, description = "ALREADY_OWNED, PURCHASE_PENDING"),
    (status = 410, description = "TITLE_WITHDRAWN"),
    (status = 422, description = "IDEMPOTENCY_KEY_REUSED, PAYMENT_METHOD_UNKNOWN, PAYMENT_DETAILS_INVALID"),
))]
pub async fn create(
    State(api): State<Arc<Api>>,
    viewer: AViewer,
    At(place): At,
    key: IdempotencyKey,
    body: JsonBody<OrderBody>,
) -> Result<Response, Problem> {
    let idempotency = key.required(&viewer.caller, &body.digest)?;
    if let Rate::Over { retry_after } = api.accounts.count_purchase(viewer.id).await {
        return Err(Problem::too_many(retry_after));
    }
    let OrderBody { offer_id, payment } = body.value;
    let order = Order {
        viewer_id: viewer.id,
        offer_id,
        method: payment.method,
        details: payment.details.into(),
        territory: place.territory,
        idempotency,
    };
    match api.checkout.buy(&order).await? {
        Ok(bought) => {
            api.metrics.count_purchase(bought.purchase.status.as_str());
            answer(bought)
        }
        Err(denial) => {
            api.metrics.count_denial(denial.code.as_str());
            let detail = json!({"code": denial.code.as_str(), "territory": place.territory});
            api.audit(&viewer.id.to_string(), "purchase.deny", &offer_id.to_string(), detail).await?;
            Err(Problem::denied(&denial))
        }
    }
}

/// The caller's purchases, newest first.
#[utoipa::path(get, path = "/purchases", tag = "purchases", operation_id = "list_purchases", params(PageQuery),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, description = "A page of purchases", body = List<PurchaseBody>),
))]
pub async fn list(
    State(api): State<Arc<Api>>,
    viewer: AViewer,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<List<PurchaseBody>>, Problem> {
    let rows = api.db.purchases(Some(viewer.id), &query.page()?).await?;
    query.list(rows, |row| row.id.to_string(), |purchase| PurchaseBody::new(&purchase, None))
}

/// One of the caller's purchases.
#[utoipa::path(get, path = "/purchases/{id}", tag = "purchases", operation_id = "show_purchase", params(("id" = PurchaseId, Path)),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, description = "The purchase and its grant", body = PurchaseBody),
    (status = 404, description = "PURCHASE_NOT_FOUND"),
))]
pub async fn show(
    State(api): State<Arc<Api>>,
    viewer: AViewer,
    Id(id): Id<PurchaseId>,
) -> Result<Json<PurchaseBody>, Problem> {
    let not_found = || Problem::new(StatusCode::NOT_FOUND, "PURCHASE_NOT_FOUND", "There is no such purchase.");
    let purchase =
        api.db.purchase(id).await?.filter(|purchase| purchase.viewer_id == viewer.id).ok_or_else(not_found)?;
    let grant = api.db.grant_of_purchase(id).await?;
    let now = api.clock.now();
    Ok(Json(PurchaseBody::new(&purchase, grant.map(|grant| GrantBody::new(&grant, now)))))
}

/// The status follows the purchase's, so that a repeated request is answered alike.
fn answer(bought: Bought) -> Result<Response, Problem> {
    let Bought { purchase, grant } = bought;
    if purchase.status == PurchaseStatus::Declined {
        return Err(Problem::new(
            StatusCode::PAYMENT_REQUIRED,
            "PAYMENT_DECLINED",
            "The payment was declined. Nothing was charged.",
        )
        .with("purchase_id", json!(purchase.id)));
    }
    let issued_at = grant.as_ref().map_or(purchase.created_at, |grant| grant.issued_at);
    let grant = grant.map(|grant| GrantBody::new(&grant, issued_at));
    Ok((StatusCode::CREATED, Json(PurchaseBody::new(&purchase, grant))).into_response())
}

impl PurchaseBody {
    pub fn new(purchase: &Purchase, grant: Option<GrantBody>) -> PurchaseBody {
        let is_paid = matches!(purchase.status, PurchaseStatus::Paid | PurchaseStatus::Refunded);
        PurchaseBody {
            id: purchase.id,
            status: purchase.status,
            title_id: purchase.title_id,
            offer_id: purchase.offer_id,
            price: purchase.price,
            livemode: purchase.livemode,
            created_at: purchase.created_at,
            paid_at: if is_paid { grant.as_ref().map(GrantBody::issued_at).or(purchase.decided_at) } else { None },
            grant,
        }
    }
}
