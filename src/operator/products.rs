//! Products: what is sold besides the offers of one title. Made and withdrawn, never edited.

use std::collections::{BTreeMap, BTreeSet};
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
use crate::api::products::ProductGivesBody;
use crate::api::role::Editor;
use crate::base::clock::UtcMs;
use crate::base::error::Error;
use crate::base::id::{OfferId, PlanId, ProductId};
use crate::base::money::Money;
use crate::operator::Operators;
use crate::rights::product::{Gives, Product};
use crate::rights::snapshot::Snapshot;
use crate::store::db::Written;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewProduct)]
pub struct NewProductBody {
    /// By BCP 47 language tag.
    name: BTreeMap<String, String>,
    gives: NewGivesBody,
    /// It is sold in the storefronts of this currency.
    price: Money,
    /// `[sold_from_at, sold_until)`; from now, and without an end, if not said.
    sold_from_at: Option<UtcMs>,
    sold_until: Option<UtcMs>,
}

/// What its buyer gets.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
#[schema(as = NewProductGives)]
pub enum NewGivesBody {
    /// So many days as a member, after those that are left under the same plan.
    Membership {
        plan_id: PlanId,
        #[schema(minimum = 1, maximum = 3660)]
        days: u32,
    },
    Coins {
        #[schema(minimum = 1)]
        coins: u32,
        /// Given with them; 0 if not said.
        #[serde(default)]
        bonus: u32,
        /// Never, if not said.
        expires_after_days: Option<u32>,
    },
    /// Offers of different titles in the currency of the price.
    Bundle {
        #[schema(min_items = 2, max_items = 50)]
        offer_ids: Vec<OfferId>,
    },
}

#[derive(Serialize, ToSchema)]
#[schema(as = OperatorProduct)]
pub struct ProductBody {
    id: ProductId,
    /// By BCP 47 language tag.
    name: BTreeMap<String, String>,
    gives: ProductGivesBody,
    price: Money,
    sold_from_at: Option<UtcMs>,
    sold_until: Option<UtcMs>,
    withdrawn_at: Option<UtcMs>,
    created_at: UtcMs,
    on_sale: bool,
}

/// All products, newest first.
#[utoipa::path(get, path = "/operator/products", tag = "operator", operation_id = "operator_list_products",
    params(PageQuery), security(("bearer" = [])), responses(
    (status = 200, description = "A page of products", body = List<ProductBody>),
))]
pub async fn list(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<List<ProductBody>>, Problem> {
    let (snapshot, now) = (operators.api.follower.snapshot(), operators.api.clock.now());
    let newest_first: Vec<&Product> = snapshot.products().iter().rev().collect();
    query.cut(newest_first, |product| product.id.to_string(), |product| ProductBody::new(product, &snapshot, now))
}

/// Put a product on sale. It is never edited: make another one.
#[utoipa::path(post, path = "/operator/products", tag = "operator", operation_id = "operator_create_product",
    request_body = NewProductBody, security(("bearer" = [])), responses(
    (status = 201, description = "The product", body = ProductBody),
    (status = 409, description = "TOO_MANY_PRODUCTS"),
    (status = 422, description = "PRODUCT_INVALID, PLAN_NOT_FOUND, OFFER_NOT_FOUND, IDEMPOTENCY_KEY_REUSED"),
))]
pub async fn create(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    key: IdempotencyKey,
    body: JsonBody<NewProductBody>,
) -> Result<Response, Problem> {
    let api = &operators.api;
    let now = api.clock.now();
    let idempotency = key.of(&operator.caller, &body.digest);
    // A repeated request is answered before it is judged.
    if let Some(key) = &idempotency
        && let Some(Written::Replay { id }) = api.db.written(key).await?
    {
        api.follower.poll().await?;
        return Ok((StatusCode::CREATED, Json(show(&operators, id.parse()?)?)).into_response());
    }
    let product = body.value.into_product(now);
    product.check()?;
    match &product.gives {
        Gives::Membership { plan_id, .. } if api.db.plan(*plan_id).await?.is_none() => {
            return Err(refuse("PLAN_NOT_FOUND", "There is no such plan."));
        }
        Gives::Bundle { offer_ids } => check_bundle(&api.follower.snapshot(), offer_ids, product.price)?,
        Gives::Membership { .. } | Gives::Coins { .. } => {}
    }
    let id = match api.db.insert_product(&product, idempotency.as_ref()).await? {
        Written::New(()) => {
            api.follower.announce().await;
            operators.audit(&operator, "product.create", &product.id.to_string(), json!({"product": product})).await?;
            product.id
        }
        Written::Replay { id } => id.parse()?,
        Written::KeyReused => return Err(key_reused()),
    };
    Ok((StatusCode::CREATED, Json(show(&operators, id)?)).into_response())
}

/// Sell it no more, from now on. What was bought stays. Withdrawing twice is withdrawing once.
#[utoipa::path(post, path = "/operator/products/{id}/withdraw", tag = "operator",
    operation_id = "operator_withdraw_product", params(("id" = ProductId, Path)), security(("bearer" = [])), responses(
    (status = 200, description = "The product as it is now", body = ProductBody),
    (status = 404, description = "PRODUCT_NOT_FOUND"),
))]
pub async fn withdraw(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    Id(id): Id<ProductId>,
) -> Result<Json<ProductBody>, Problem> {
    let api = &operators.api;
    if api.db.withdraw_product(id, api.clock.now()).await? {
        api.follower.announce().await;
        operators.audit(&operator, "product.withdraw", &id.to_string(), json!({})).await?;
    }
    Ok(Json(show(&operators, id)?))
}

fn show(operators: &Operators, id: ProductId) -> Result<ProductBody, Problem> {
    let (snapshot, now) = (operators.api.follower.snapshot(), operators.api.clock.now());
    let product = snapshot.product(id).ok_or_else(|| Error::internal(format!("product {id} is gone")))?;
    Ok(ProductBody::new(product, &snapshot, now))
}

/// Each of another title, all in the currency of the price, and none that needs something else besides.
fn check_bundle(snapshot: &Snapshot, offer_ids: &[OfferId], price: Money) -> Result<(), Problem> {
    let mut titles = BTreeSet::new();
    for id in offer_ids {
        let Some((title, offer)) = snapshot.offer(*id) else {
            return Err(refuse("OFFER_NOT_FOUND", &format!("There is no offer {id}.")));
        };
        if !titles.insert(title.title.id) {
            return Err(refuse("PRODUCT_INVALID", "A bundle has one offer of a title."));
        }
        if offer.list_price.currency != price.currency {
            return Err(refuse("PRODUCT_INVALID", "The offers of a bundle are in the currency of its price."));
        }
        if offer.clock.needs_membership() {
            return Err(refuse("PRODUCT_INVALID", "Early access for members is not sold in a bundle."));
        }
    }
    Ok(())
}

fn refuse(code: &'static str, message: &str) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, message).with_param("gives")
}

impl NewProductBody {
    fn into_product(self, now: UtcMs) -> Product {
        let NewProductBody { name, gives, price, sold_from_at, sold_until } = self;
        let gives = match gives {
            NewGivesBody::Membership { plan_id, days } => Gives::Membership { plan_id, days },
            NewGivesBody::Coins { coins, bonus, expires_after_days } => {
                Gives::Coins { coins, bonus, expires_after_days }
            }
            NewGivesBody::Bundle { offer_ids } => Gives::Bundle { offer_ids },
        };
        let id = ProductId::new(now);
        Product { id, name, gives, price, sold_from_at, sold_until, withdrawn_at: None, created_at: now }
    }
}

impl ProductBody {
    fn new(product: &Product, snapshot: &Snapshot, now: UtcMs) -> ProductBody {
        ProductBody {
            id: product.id,
            name: product.name.clone(),
            gives: ProductGivesBody::new(&product.gives, snapshot),
            price: product.price,
            sold_from_at: product.sold_from_at,
            sold_until: product.sold_until,
            withdrawn_at: product.withdrawn_at,
            created_at: product.created_at,
            on_sale: product.is_sold(now),
        }
    }
}
