//! What is sold besides the offers of a title, and what an order would cost.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::Api;
use crate::api::body::{JsonBody, QueryOf};
use crate::api::caller::{AViewer, At};
use crate::api::page::{List, PageQuery};
use crate::api::problem::Problem;
use crate::api::storefront::AtStorefront;
use crate::api::title_brief::TitleBrief;
use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind};
use crate::base::id::{OfferId, PlanId, ProductId};
use crate::base::money::Money;
use crate::catalog::title::TitleStatus;
use crate::commerce::quotes::{Wanted, What};
use crate::ledger::purchase::Good;
use crate::rights::product::{Gives, Product};
use crate::rights::snapshot::Snapshot;
use crate::store::state::Rate;

/// A product as a list of something else shows it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProductBrief {
    id: ProductId,
    #[schema(value_type = String, pattern = "^(membership|coins|bundle)$")]
    kind: &'static str,
    /// By BCP 47 language tag.
    name: BTreeMap<String, String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Product)]
pub struct ProductBody {
    id: ProductId,
    /// By BCP 47 language tag.
    name: BTreeMap<String, String>,
    price: Money,
    gives: ProductGivesBody,
    /// From when it is sold no more.
    sold_until: Option<UtcMs>,
}

/// What its buyer gets.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
#[schema(as = ProductGives)]
pub enum ProductGivesBody {
    /// So many days as a member, after those that are left under the same plan.
    Membership {
        plan_id: PlanId,
        days: u32,
    },
    Coins {
        coins: u32,
        bonus: u32,
        expires_after_days: Option<u32>,
    },
    Bundle {
        titles: Vec<BundleTitleBody>,
    },
}

#[derive(Serialize, ToSchema)]
#[schema(as = BundleTitle)]
pub struct BundleTitleBody {
    offer_id: OfferId,
    title: TitleBrief,
    /// What it costs by itself.
    list_price: Money,
}

/// What is wanted: an offer or a product, one of both.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewQuote)]
pub struct NewQuoteBody {
    offer_id: Option<OfferId>,
    product_id: Option<ProductId>,
    coupon: Option<String>,
}

/// What an order would come to now. Nothing is promised by it: an order has prices of its own.
#[derive(Serialize, ToSchema)]
#[schema(as = Quote)]
pub struct QuoteBody {
    price: Money,
    /// What the coupon takes off.
    discount: Option<Money>,
    is_member_price: bool,
    /// From when members watch what is rented without paying, where that is within 24 hours: an order has to say that its
    /// buyer knows it (`accepted_members_from_at`).
    members_from_at: Option<UtcMs>,
}

/// What this storefront sells besides the offers of titles, in the order in which it was put on sale.
#[utoipa::path(get, path = "/products", tag = "purchases", operation_id = "list_products", params(PageQuery), responses(
    (status = 200, description = "A page of products on sale", body = List<ProductBody>),
))]
pub async fn list(
    State(api): State<Arc<Api>>,
    at: AtStorefront,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<List<ProductBody>>, Problem> {
    let (snapshot, now) = (api.follower.snapshot(), api.clock.now());
    let is_sold = |product: &&Product| product.price.currency == at.storefront.currency && product.is_sold(now);
    let products: Vec<&Product> =
        snapshot.products().iter().filter(is_sold).filter(|product| is_told(product, &snapshot, now)).collect();
    query.cut(products, |product| product.id.to_string(), |product| ProductBody::new(product, &snapshot))
}

/// What an order would cost, and whether a coupon is good for it.
#[utoipa::path(post, path = "/quotes", tag = "purchases", operation_id = "quote", request_body = NewQuoteBody,
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, description = "What it would cost", body = QuoteBody),
    (status = 403, description = "GEO_NOT_LICENSED, WINDOW_NOT_OPEN, WINDOW_CLOSED, MEMBERSHIP_REQUIRED, LICENCE_REQUIRED,
        LICENCE_REVOKED, LANGUAGE_HELD_BACK, TITLE_SUSPENDED"),
    (status = 404, description = "OFFER_NOT_FOUND, PRODUCT_NOT_FOUND"),
    (status = 409, description = "ALREADY_OWNED; BUNDLE_OWNED_IN_PART, BUNDLE_INCOMPLETE; PRODUCT_NOT_OPEN, PRODUCT_CLOSED,
        PRODUCT_WITHDRAWN; TOO_MANY_COIN_LOTS; COUPON_UNKNOWN, COUPON_EXPIRED, COUPON_USED, COUPON_EXHAUSTED,
        COUPON_NOT_FOR_THIS"),
    (status = 410, description = "TITLE_WITHDRAWN, OFFER_WITHDRAWN"),
    (status = 422, description = "ORDER_INVALID: not exactly one of both is named"),
))]
pub async fn quote(
    State(api): State<Arc<Api>>,
    viewer: AViewer,
    At(place): At,
    at: AtStorefront,
    body: JsonBody<NewQuoteBody>,
) -> Result<Json<QuoteBody>, Problem> {
    let NewQuoteBody { offer_id, product_id, coupon } = body.value;
    // Words are not to be guessed, and a bundle is many questions.
    if let Rate::Over { retry_after } = api.accounts.count_purchase(viewer.id).await {
        return Err(Problem::too_many(retry_after));
    }
    let wanted = Wanted {
        viewer_id: viewer.id,
        what: what(offer_id, product_id)?,
        currency: at.storefront.currency,
        territory: place.territory,
        coupon,
    };
    let quoted = api.checkout.quote(&wanted).await?.map_err(|denial| Problem::denied(&denial))?;
    Ok(Json(QuoteBody {
        price: quoted.price,
        discount: quoted.discount.map(|discount| discount.amount),
        is_member_price: quoted.is_member_price,
        members_from_at: quoted.members_from_at,
    }))
}

/// One of both.
pub fn what(offer_id: Option<OfferId>, product_id: Option<ProductId>) -> Result<What, Problem> {
    match (offer_id, product_id) {
        (Some(offer_id), None) => Ok(What::Offer(offer_id)),
        (None, Some(product_id)) => Ok(What::Product(product_id)),
        (Some(_), Some(_)) | (None, None) => {
            let message = "An order names an offer or a product: `offer_id` or `product_id`, and not both.";
            Err(Error::new(ErrorKind::Unprocessable, "ORDER_INVALID", message).with_param("offer_id").into())
        }
    }
}

/// A bundle is shown when all of its titles may be.
fn is_told(product: &Product, snapshot: &Snapshot, now: UtcMs) -> bool {
    product
        .gives
        .offer_ids()
        .iter()
        .all(|id| snapshot.offer(*id).is_some_and(|(title, _)| title.title.standing(now) == TitleStatus::Live))
}

impl ProductBody {
    fn new(product: &Product, snapshot: &Snapshot) -> ProductBody {
        ProductBody {
            id: product.id,
            name: product.name.clone(),
            price: product.price,
            gives: ProductGivesBody::new(&product.gives, snapshot),
            sold_until: product.sold_until,
        }
    }
}

impl ProductGivesBody {
    pub fn new(gives: &Gives, snapshot: &Snapshot) -> ProductGivesBody {
        match gives {
            Gives::Membership { plan_id, days } => ProductGivesBody::Membership { plan_id: *plan_id, days: *days },
            Gives::Coins { coins, bonus, expires_after_days } => {
                let (coins, bonus, expires_after_days) = (*coins, *bonus, *expires_after_days);
                ProductGivesBody::Coins { coins, bonus, expires_after_days }
            }
            Gives::Bundle { offer_ids } => {
                let offers = offer_ids.iter().filter_map(|id| snapshot.offer(*id));
                let titles = offers.map(|(title, offer)| BundleTitleBody {
                    offer_id: offer.id,
                    title: TitleBrief::of(snapshot, title.title.id),
                    list_price: offer.list_price,
                });
                ProductGivesBody::Bundle { titles: titles.collect() }
            }
        }
    }
}

impl ProductBrief {
    /// A product is never deleted: one that is not in the snapshot was made a moment ago.
    pub fn of(snapshot: &Snapshot, id: ProductId) -> Option<ProductBrief> {
        snapshot.product(id).map(|product| ProductBrief { id, kind: product.gives.kind(), name: product.name.clone() })
    }
}

/// What was bought, by name: a title, or a product.
pub fn name_of(snapshot: &Snapshot, good: &Good) -> BTreeMap<String, String> {
    match (good.title_id(), good.product_id()) {
        (Some(title_id), _) => TitleBrief::of(snapshot, title_id).name().clone(),
        (None, Some(id)) => ProductBrief::of(snapshot, id).map(|brief| brief.name).unwrap_or_default(),
        (None, None) => BTreeMap::new(),
    }
}

/// Of a refusal that the audit log keeps.
pub fn subject(what: What) -> String {
    match what {
        What::Offer(id) => id.to_string(),
        What::Product(id) => id.to_string(),
    }
}
