//! Coupons: words that make orders cheaper. Made and taken back, never edited.

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
use crate::base::error::Error;
use crate::base::id::{CouponId, ProductId, TitleId};
use crate::base::money::Money;
use crate::ledger::coupon::{Coupon, FundedBy, Off};
use crate::operator::Operators;
use crate::store::db::Written;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewCoupon)]
pub struct NewCouponBody {
    /// 4 to 32 letters, digits and hyphens; upper and lower case are one.
    code: String,
    off: OffBody,
    /// What it is good for; with both lists empty, everything.
    #[serde(default)]
    title_ids: Vec<TitleId>,
    #[serde(default)]
    product_ids: Vec<ProductId>,
    /// `[starts_at, ends_at)`; from now, if not said.
    starts_at: Option<UtcMs>,
    ends_at: UtcMs,
    /// By all viewers together; without a bound, if not said.
    uses_max: Option<u32>,
    /// 1 if not said.
    #[serde(default = "one")]
    uses_per_viewer: u32,
    /// `platform` if not said.
    #[serde(default)]
    #[schema(value_type = FundedByBody, required = false)]
    funded_by: FundedBy,
    /// For operators: what it is for.
    #[serde(default)]
    note: String,
}

/// What it takes off.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = CouponOff)]
pub enum OffBody {
    /// 1 to 100 hundredths of the price, rounded half up to the minor unit.
    Percent(u32),
    /// And no more than the price.
    Amount(Money),
}

/// Who pays for what it takes off.
#[derive(ToSchema)]
#[schema(as = FundedBy, rename_all = "snake_case")]
pub enum FundedByBody {
    Platform,
    Producer,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Coupon)]
pub struct CouponBody {
    id: CouponId,
    code: String,
    off: OffBody,
    title_ids: Vec<TitleId>,
    product_ids: Vec<ProductId>,
    starts_at: UtcMs,
    ends_at: UtcMs,
    uses_max: Option<u32>,
    uses_per_viewer: u32,
    /// By purchases that are pending or paid.
    uses: u32,
    #[schema(value_type = FundedByBody)]
    funded_by: FundedBy,
    note: String,
    void_at: Option<UtcMs>,
    created_at: UtcMs,
}

fn one() -> u32 {
    1
}

/// All coupons, newest first.
#[utoipa::path(get, path = "/operator/coupons", tag = "operator", operation_id = "operator_list_coupons",
    params(PageQuery), security(("bearer" = [])), responses(
    (status = 200, description = "A page of coupons", body = List<CouponBody>),
))]
pub async fn list(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<List<CouponBody>>, Problem> {
    let coupons = operators.api.db.coupons(operators.api.livemode).await?;
    query.cut(coupons, |(coupon, _)| coupon.id.to_string(), |(coupon, uses)| CouponBody::new(coupon, uses))
}

/// Make a coupon. It is never edited: take it back and make another one.
#[utoipa::path(post, path = "/operator/coupons", tag = "operator", operation_id = "operator_create_coupon",
    request_body = NewCouponBody, security(("bearer" = [])), responses(
    (status = 201, description = "The coupon", body = CouponBody),
    (status = 409, description = "COUPON_CODE_TAKEN, TOO_MANY_COUPONS"),
    (status = 422, description = "COUPON_INVALID, TITLE_NOT_FOUND, PRODUCT_NOT_FOUND, IDEMPOTENCY_KEY_REUSED"),
))]
pub async fn create(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    key: IdempotencyKey,
    body: JsonBody<NewCouponBody>,
) -> Result<Response, Problem> {
    let api = &operators.api;
    let idempotency = key.of(&operator.caller, &body.digest);
    // A repeated request is answered before it is judged.
    if let Some(key) = &idempotency
        && let Some(Written::Replay { id }) = api.db.written(key).await?
    {
        return Ok((StatusCode::CREATED, Json(counted(&operators, id.parse()?).await?)).into_response());
    }
    let coupon = body.value.into_coupon(api.clock.now());
    coupon.check()?;
    let snapshot = api.follower.snapshot();
    if let Some(id) = coupon.title_ids.iter().find(|id| snapshot.title(**id).is_none()) {
        return Err(refuse("TITLE_NOT_FOUND", &format!("There is no title {id}."), "title_ids"));
    }
    if let Some(id) = coupon.product_ids.iter().find(|id| snapshot.product(**id).is_none()) {
        return Err(refuse("PRODUCT_NOT_FOUND", &format!("There is no product {id}."), "product_ids"));
    }
    let coupon = match api.db.insert_coupon(&coupon, idempotency.as_ref()).await? {
        Written::New(()) => {
            operators.audit(&operator, "coupon.create", &coupon.id.to_string(), json!({"coupon": coupon})).await?;
            coupon
        }
        Written::Replay { id } => {
            let earlier = api.db.coupon(id.parse()?).await?;
            earlier.ok_or_else(|| Error::internal(format!("coupon {id} is gone")))?
        }
        Written::KeyReused => return Err(key_reused()),
    };
    Ok((StatusCode::CREATED, Json(CouponBody::new(coupon, 0))).into_response())
}

/// Take a coupon back: no order uses it any more. Taking it back twice is taking it back once.
#[utoipa::path(post, path = "/operator/coupons/{id}/void", tag = "operator", operation_id = "operator_void_coupon",
    params(("id" = CouponId, Path)), security(("bearer" = [])), responses(
    (status = 200, description = "The coupon as it is now", body = CouponBody),
    (status = 404, description = "COUPON_NOT_FOUND"),
))]
pub async fn void(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    Id(id): Id<CouponId>,
) -> Result<Json<CouponBody>, Problem> {
    let api = &operators.api;
    if api.db.void_coupon(id, api.clock.now()).await? {
        operators.audit(&operator, "coupon.void", &id.to_string(), json!({})).await?;
    }
    Ok(Json(counted(&operators, id).await?))
}

async fn counted(operators: &Operators, id: CouponId) -> Result<CouponBody, Problem> {
    let api = &operators.api;
    let counted = api.db.coupons(api.livemode).await?.into_iter().find(|(coupon, _)| coupon.id == id);
    let (coupon, uses) = counted.ok_or_else(|| Error::internal(format!("coupon {id} is gone")))?;
    Ok(CouponBody::new(coupon, uses))
}

fn refuse(code: &'static str, message: &str, param: &str) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, message).with_param(param)
}

impl NewCouponBody {
    fn into_coupon(self, now: UtcMs) -> Coupon {
        Coupon {
            id: CouponId::new(now),
            code: Coupon::fold(&self.code),
            off: match self.off {
                OffBody::Percent(percent) => Off::Percent(percent),
                OffBody::Amount(amount) => Off::Amount(amount),
            },
            title_ids: self.title_ids,
            product_ids: self.product_ids,
            starts_at: self.starts_at.unwrap_or(now),
            ends_at: self.ends_at,
            uses_max: self.uses_max,
            uses_per_viewer: self.uses_per_viewer,
            funded_by: self.funded_by,
            note: self.note.trim().to_owned(),
            void_at: None,
            created_at: now,
        }
    }
}

impl CouponBody {
    fn new(coupon: Coupon, uses: u32) -> CouponBody {
        CouponBody {
            id: coupon.id,
            code: coupon.code,
            off: match coupon.off {
                Off::Percent(percent) => OffBody::Percent(percent),
                Off::Amount(amount) => OffBody::Amount(amount),
            },
            title_ids: coupon.title_ids,
            product_ids: coupon.product_ids,
            starts_at: coupon.starts_at,
            ends_at: coupon.ends_at,
            uses_max: coupon.uses_max,
            uses_per_viewer: coupon.uses_per_viewer,
            uses,
            funded_by: coupon.funded_by,
            note: coupon.note,
            void_at: coupon.void_at,
            created_at: coupon.created_at,
        }
    }
}
