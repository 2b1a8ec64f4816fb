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
use crate::api::campaign;
use crate::api::grants::GrantBody;
use crate::api::idempotency::IdempotencyKey;
use crate::api::page::{List, PageQuery};
use crate::api::problem::Problem;
use crate::api::products::{self, ProductBrief};
use crate::api::storefront::AtStorefront;
use crate::api::title_brief::TitleBrief;
use crate::base::clock::UtcMs;
use crate::base::error::ErrorKind;
use crate::base::id::{MembershipId, OfferId, PlanId, ProductId, PurchaseId, TitleId};
use crate::base::money::Money;
use crate::commerce::checkout::{Bought, Order};
use crate::commerce::quotes::Wanted;
use crate::ledger::purchase::{ClosedBecause, Good, PaymentActionKind, PurchaseStatus};
use crate::rights::denial::DenialCode;
use crate::rights::membership::Membership;
use crate::rights::offer::OfferKind;
use crate::rights::snapshot::Snapshot;
use crate::store::db::sales::{Sale, SaleFilter};
use crate::store::state::Rate;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderBody {
    /// What is bought: an offer of a title, or a product; one of both.
    offer_id: Option<OfferId>,
    product_id: Option<ProductId>,
    /// A coupon's code.
    coupon: Option<String>,
    /// The word of the link that the viewer came by: 1 to 64 letters, digits, `-`, `_` and `.`.
    campaign: Option<String>,
    /// Where members get the same without paying within 24 hours: from when, as the buyer was told (`members_from_at` of a
    /// quote) and agrees.
    accepted_members_from_at: Option<UtcMs>,
    payment: PaymentBody,
}

/// A payment method and whatever else it wants to know: the sandbox takes an `outcome` of `paid`, `declined`, `pending`,
/// `callback_twice`, `qr_code` or `challenge`.
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
    /// Why it expired although it was paid for; the money goes back.
    #[schema(value_type = Option<ClosedBecauseBody>)]
    closed_because: Option<ClosedBecause>,
    /// Of an offer; of a product these three are null.
    title_id: Option<TitleId>,
    title: Option<TitleBrief>,
    offer_id: Option<OfferId>,
    #[schema(value_type = Option<String>, pattern = "^(pvod|rental|buy)$")]
    offer_kind: Option<OfferKind>,
    product: Option<ProductBrief>,
    /// What is paid.
    price: Money,
    list_price: Option<Money>,
    is_member_price: bool,
    /// What a coupon took off.
    discount: Option<Money>,
    /// The number of the receipt.
    number: PurchaseId,
    /// Who took the payment.
    provider: String,
    /// What the payer must do; null once the purchase is decided.
    payment: Option<PaymentActionBody>,
    /// Real money.
    livemode: bool,
    created_at: UtcMs,
    paid_at: Option<UtcMs>,
    refunded_at: Option<UtcMs>,
    refund_reason: Option<String>,
    /// What an offer gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    grant: Option<GrantBody>,
    /// What a bundle gave.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    grants: Vec<GrantBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    membership: Option<BoughtMembershipBody>,
    /// Coins that it gave, such as were given with them included.
    #[serde(skip_serializing_if = "Option::is_none")]
    coins: Option<u32>,
}

#[derive(ToSchema)]
#[schema(as = ClosedBecause, rename_all = "snake_case")]
pub enum ClosedBecauseBody {
    /// It was for the time before members have the title, and they had it when the payment came.
    MembersHaveIt,
    /// The payer had become a member since the order, or was none any more, and the price was another one.
    MemberPriceChanged,
    /// It is sold to members only, and the payer was none any more.
    MembershipEnded,
}

/// Time as a member.
#[derive(Serialize, ToSchema)]
#[schema(as = BoughtMembership)]
pub struct BoughtMembershipBody {
    id: MembershipId,
    plan_id: PlanId,
    starts_at: UtcMs,
    ends_at: UtcMs,
    /// When it was ended early.
    ended_at: Option<UtcMs>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = PaymentAction)]
pub struct PaymentActionBody {
    /// `qr_code`: show `url` as a code to be scanned. `challenge`: open `url`.
    #[serde(rename = "type")]
    #[schema(value_type = String, pattern = "^(qr_code|challenge)$")]
    kind: PaymentActionKind,
    /// A path of this server, or a provider's URL.
    url: String,
    expires_at: UtcMs,
}

/// Buy an offer or a product.
#[utoipa::path(post, path = "/purchases", tag = "purchases", operation_id = "create_purchase", request_body = OrderBody,
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 201, description = "The purchase, paid or pending", body = PurchaseBody),
    (status = 400, description = "IDEMPOTENCY_KEY_REQUIRED"),
    (status = 402, description = "PAYMENT_DECLINED, with `purchase_id`"),
    (status = 403, description = "GEO_NOT_LICENSED, WINDOW_NOT_OPEN, WINDOW_CLOSED, MEMBERSHIP_REQUIRED, LICENCE_REQUIRED,
        LICENCE_REVOKED, LANGUAGE_HELD_BACK, CLEAN_EDIT_MISSING, TITLE_SUSPENDED, SALES_CLOSED"),
    (status = 404, description = "OFFER_NOT_FOUND, PRODUCT_NOT_FOUND"),
    (status = 409, description = "ALREADY_OWNED, PURCHASE_PENDING, MEMBERS_SOON; BUNDLE_OWNED_IN_PART, BUNDLE_INCOMPLETE; PRODUCT_NOT_OPEN,
        PRODUCT_CLOSED, PRODUCT_WITHDRAWN; TOO_MANY_COIN_LOTS; COUPON_UNKNOWN, COUPON_EXPIRED, COUPON_USED,
        COUPON_EXHAUSTED, COUPON_NOT_FOR_THIS"),
    (status = 410, description = "TITLE_WITHDRAWN, OFFER_WITHDRAWN"),
    (status = 422, description = "ORDER_INVALID, CAMPAIGN_INVALID, IDEMPOTENCY_KEY_REUSED, PAYMENT_METHOD_UNKNOWN, PAYMENT_DETAILS_INVALID"),
))]
pub async fn create(
    State(api): State<Arc<Api>>,
    viewer: AViewer,
    At(place): At,
    at: AtStorefront,
    key: IdempotencyKey,
    body: JsonBody<OrderBody>,
) -> Result<Response, Problem> {
    let idempotency = key.required(&viewer.caller, &body.digest)?;
    if let Rate::Over { retry_after } = api.accounts.count_purchase(viewer.id).await {
        return Err(Problem::too_many(retry_after));
    }
    let OrderBody { offer_id, product_id, coupon, campaign, accepted_members_from_at, payment } = body.value;
    let what = products::what(offer_id, product_id)?;
    let order = Order {
        wanted: Wanted {
            viewer_id: viewer.id,
            what,
            currency: at.storefront.currency,
            territory: place.territory,
            coupon,
        },
        storefront_id: at.storefront.id,
        campaign: campaign::checked(campaign)?,
        accepted_members_from_at,
        method: payment.method,
        details: payment.details.into(),
        idempotency,
    };
    match api.checkout.buy(&order).await? {
        Ok(bought) => {
            api.metrics.count_purchase(bought.purchase.status.as_str());
            answer(&api, &bought)
        }
        Err(denial) => {
            api.metrics.count_denial(denial.code.as_str());
            let detail = json!({"code": denial.code.as_str(), "territory": place.territory});
            api.audit(&viewer.id.to_string(), "purchase.deny", &products::subject(what), detail).await?;
            let problem = Problem::denied(&denial);
            Err(match denial.code {
                DenialCode::MembersSoon => problem.with_param("accepted_members_from_at"),
                _ => problem,
            })
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
    let filter = SaleFilter { viewer_id: Some(viewer.id), ..SaleFilter::default() };
    let rows = api.db.sales(&filter, &query.page()?).await?;
    let (snapshot, now) = (api.follower.snapshot(), api.clock.now());
    query.list(
        rows,
        |row| row.purchase.id.to_string(),
        |Sale { purchase, given, refund, .. }| PurchaseBody::new(&snapshot, &Bought { purchase, given, refund }, now),
    )
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
    let bought = match api.checkout.bought(id).await {
        Ok(bought) if bought.purchase.viewer_id == viewer.id => bought,
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
        Ok(_) | Err(_) => return Err(not_found()),
    };
    Ok(Json(PurchaseBody::new(&api.follower.snapshot(), &bought, api.clock.now())))
}

/// The status follows the purchase's, so that a repeated request is answered alike.
fn answer(api: &Api, bought: &Bought) -> Result<Response, Problem> {
    let purchase = &bought.purchase;
    if purchase.status == PurchaseStatus::Declined {
        return Err(Problem::new(
            StatusCode::PAYMENT_REQUIRED,
            "PAYMENT_DECLINED",
            "The payment was declined. Nothing was charged.",
        )
        .with("purchase_id", json!(purchase.id)));
    }
    let issued_at = bought.given.grants.first().map_or(purchase.created_at, |grant| grant.issued_at);
    let body = PurchaseBody::new(&api.follower.snapshot(), bought, issued_at);
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

impl PurchaseBody {
    /// The grant as it stands at `now`.
    pub fn new(snapshot: &Snapshot, Bought { purchase, given, refund }: &Bought, now: UtcMs) -> PurchaseBody {
        let is_paid = matches!(purchase.status, PurchaseStatus::Paid | PurchaseStatus::Refunded);
        let good = &purchase.good;
        let offer = good.offer_id().and_then(|id| snapshot.offer(id)).map(|(_, offer)| offer);
        let product = good.product_id().and_then(|id| snapshot.product(id));
        let grants: Vec<GrantBody> = given.grants.iter().map(|grant| GrantBody::new(grant, now)).collect();
        let (grant, grants) = match good {
            Good::Offer(_) => (grants.into_iter().next(), Vec::new()),
            Good::Product { .. } => (None, grants),
        };
        let action = purchase.payment_action.as_ref().filter(|_| purchase.status == PurchaseStatus::Pending);
        PurchaseBody {
            id: purchase.id,
            status: purchase.status,
            closed_because: purchase.closed_because,
            title_id: good.title_id(),
            title: good.title_id().map(|id| TitleBrief::of(snapshot, id)),
            offer_id: good.offer_id(),
            offer_kind: offer.map(|offer| offer.kind),
            product: good.product_id().and_then(|id| ProductBrief::of(snapshot, id)),
            price: purchase.price,
            list_price: offer.map(|offer| offer.list_price).or(product.map(|product| product.price)),
            discount: purchase.discount.map(|discount| discount.amount),
            is_member_price: purchase.is_member_price,
            number: purchase.id,
            provider: purchase.provider.clone(),
            payment: action.map(|action| PaymentActionBody {
                kind: action.kind,
                url: action.url.clone(),
                expires_at: action.expires_at,
            }),
            livemode: purchase.livemode,
            created_at: purchase.created_at,
            paid_at: if is_paid { purchase.decided_at } else { None },
            refunded_at: refund.as_ref().map(|refund| refund.created_at),
            refund_reason: refund.as_ref().map(|refund| refund.reason.clone()),
            grant,
            grants,
            membership: given.membership.as_ref().map(BoughtMembershipBody::new),
            coins: (!given.coins.is_empty()).then(|| given.coins.iter().map(|lot| lot.coins).sum()),
        }
    }
}

impl BoughtMembershipBody {
    pub fn new(membership: &Membership) -> BoughtMembershipBody {
        BoughtMembershipBody {
            id: membership.id,
            plan_id: membership.plan_id,
            starts_at: membership.starts_at,
            ends_at: membership.ends_at,
            ended_at: membership.revoked_at,
        }
    }
}
