//! What is sold besides the offers of a title, and coupons.

use async_trait::async_trait;

use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::base::id::{CouponId, ProductId, ViewerId};
use crate::ledger::coupon::{Coupon, CouponUses};
use crate::rights::product::Product;
use crate::store::db::{Idempotency, Written};

/// Products and coupons. Both are made and ended, never edited.
#[async_trait]
pub trait ProductDb: Send + Sync {
    /// `TOO_MANY_PRODUCTS`; `NotFound` when a bundle names an offer that is not there.
    async fn insert_product(&self, product: &Product, idempotency: Option<&Idempotency>) -> Result<Written<()>>;

    /// All of them, oldest first.
    async fn products(&self) -> Result<Vec<Product>>;

    /// Sells it no more; false when that was done already, `NotFound` when there is none.
    async fn withdraw_product(&self, id: ProductId, at: UtcMs) -> Result<bool>;

    /// `TOO_MANY_COUPONS`, `COUPON_CODE_TAKEN`.
    async fn insert_coupon(&self, coupon: &Coupon, idempotency: Option<&Idempotency>) -> Result<Written<()>>;

    async fn coupon(&self, id: CouponId) -> Result<Option<Coupon>>;

    /// By its code in upper case.
    async fn coupon_by_code(&self, code: &str) -> Result<Option<Coupon>>;

    /// All of them with how often each has been used, newest first.
    async fn coupons(&self, livemode: bool) -> Result<Vec<(Coupon, u32)>>;

    /// False when that was done already, `NotFound` when there is none.
    async fn void_coupon(&self, id: CouponId, at: UtcMs) -> Result<bool>;

    /// How often it has been used: by purchases that are pending or paid.
    async fn coupon_uses(&self, coupon: &Coupon, viewer: ViewerId, livemode: bool) -> Result<CouponUses>;
}
