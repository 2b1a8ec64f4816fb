//! SQL of [`ProductDb`].

use async_trait::async_trait;

use super::playback::append_change;
use super::row::{Columns, to_json};
use super::{Connection, Row, SqlDb, idempotency};
use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{CouponId, ProductId, ViewerId};
use crate::base::limits;
use crate::ledger::coupon::{Coupon, CouponUses};
use crate::ledger::purchase::Purchase;
use crate::rights::product::Product;
use crate::store::db::playback::Change;
use crate::store::db::product::ProductDb;
use crate::store::db::{Idempotency, Written};

/// By one viewer; `$1` is the coupon, `$3` whether real money is meant.
const USES_BY_VIEWER: &str = "\
    SELECT COUNT(*) FROM purchase WHERE coupon_id = $1 AND viewer_id = $2 AND livemode = $3 \
    AND status IN ('pending', 'paid')";

/// By all, no further than `$3`.
const USES_BY_ALL: &str = "\
    SELECT COUNT(*) FROM (SELECT 1 FROM purchase WHERE coupon_id = $1 AND livemode = $2 \
    AND status IN ('pending', 'paid') LIMIT $3) AS used";

const COUPONS: &str = "\
    SELECT c.body, (SELECT COUNT(*) FROM purchase p WHERE p.coupon_id = c.id AND p.livemode = $1 \
    AND p.status IN ('pending', 'paid')) AS uses FROM coupon c ORDER BY c.id DESC";

#[async_trait]
impl ProductDb for SqlDb {
    async fn insert_product(&self, product: &Product, idempotency: Option<&Idempotency>) -> Result<Written<()>> {
        let (product, key) = (product.clone(), idempotency.cloned());
        self.write(move |conn| Box::pin(async move { insert_product(conn, &product, key.as_ref()).await })).await
    }

    async fn products(&self) -> Result<Vec<Product>> {
        let rows = sqlx::query("SELECT body FROM product ORDER BY id").fetch_all(&self.readers).await?;
        rows.iter().map(|row| row.json("body")).collect()
    }

    async fn withdraw_product(&self, id: ProductId, at: UtcMs) -> Result<bool> {
        self.write(move |conn| Box::pin(async move { withdraw_product(conn, id, at).await })).await
    }

    async fn insert_coupon(&self, coupon: &Coupon, idempotency: Option<&Idempotency>) -> Result<Written<()>> {
        let (coupon, key) = (coupon.clone(), idempotency.cloned());
        self.write(move |conn| Box::pin(async move { insert_coupon(conn, &coupon, key.as_ref()).await })).await
    }

    async fn coupon(&self, id: CouponId) -> Result<Option<Coupon>> {
        let row = sqlx::query("SELECT body FROM coupon WHERE id = $1").bind(id.to_string());
        row.fetch_optional(&self.readers).await?.map(|row| row.json("body")).transpose()
    }

    async fn coupon_by_code(&self, code: &str) -> Result<Option<Coupon>> {
        let row = sqlx::query("SELECT body FROM coupon WHERE code = $1").bind(code);
        row.fetch_optional(&self.readers).await?.map(|row| row.json("body")).transpose()
    }

    async fn coupons(&self, livemode: bool) -> Result<Vec<(Coupon, u32)>> {
        let rows = sqlx::query(COUPONS).bind(i64::from(livemode)).fetch_all(&self.readers).await?;
        rows.iter().map(|row| Ok((row.json("body")?, row.count("uses")?))).collect()
    }

    async fn void_coupon(&self, id: CouponId, at: UtcMs) -> Result<bool> {
        self.write(move |conn| Box::pin(async move { void_coupon(conn, id, at).await })).await
    }

    async fn coupon_uses(&self, coupon: &Coupon, viewer: ViewerId, livemode: bool) -> Result<CouponUses> {
        let mut connection = self.readers.acquire().await?;
        uses(&mut connection, coupon, viewer, livemode).await
    }
}

/// Whether what the coupon of a purchase takes off is what it takes off now. Refuses one that is no longer good.
pub async fn is_discounted_rightly(conn: &mut Connection, purchase: &Purchase) -> Result<bool> {
    let Some(discount) = purchase.discount else { return Ok(true) };
    let row = sqlx::query("SELECT body FROM coupon WHERE id = $1").bind(discount.coupon_id.to_string());
    let coupon: Coupon = row.fetch_one(&mut *conn).await?.json("body")?;
    let uses = uses(conn, &coupon, purchase.viewer_id, purchase.livemode).await?;
    let full_price = purchase.price.checked_add(discount.amount)?;
    Ok(coupon.discount(&purchase.good, full_price, uses, purchase.created_at)? == discount.amount)
}

async fn uses(conn: &mut Connection, coupon: &Coupon, viewer: ViewerId, livemode: bool) -> Result<CouponUses> {
    let by_viewer: i64 = sqlx::query_scalar(USES_BY_VIEWER)
        .bind(coupon.id.to_string())
        .bind(viewer.to_string())
        .bind(i64::from(livemode))
        .fetch_one(&mut *conn)
        .await?;
    let by_all: i64 = match coupon.uses_max {
        None => 0,
        Some(most) => {
            let counted = sqlx::query_scalar(USES_BY_ALL).bind(coupon.id.to_string()).bind(i64::from(livemode));
            counted.bind(i64::from(most)).fetch_one(conn).await?
        }
    };
    let count = |uses: i64| u32::try_from(uses).unwrap_or(u32::MAX);
    Ok(CouponUses { by_all: count(by_all), by_viewer: count(by_viewer) })
}

async fn insert_product(conn: &mut Connection, product: &Product, key: Option<&Idempotency>) -> Result<Written<()>> {
    if let Some(written) = idempotency::seen(conn, key).await? {
        return Ok(written);
    }
    let present: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM product").fetch_one(&mut *conn).await?;
    if present >= limits::PRODUCTS_MAX as i64 {
        let message = format!("A server has at most {} products.", limits::PRODUCTS_MAX);
        return Err(Error::new(ErrorKind::Conflict, "TOO_MANY_PRODUCTS", message));
    }
    sqlx::query("INSERT INTO product (id, kind, body) VALUES ($1, $2, $3)")
        .bind(product.id.to_string())
        .bind(product.gives.kind())
        .bind(to_json(product)?)
        .execute(&mut *conn)
        .await?;
    for (line, offer_id) in (0i64..).zip(product.gives.offer_ids()) {
        let offer = sqlx::query("SELECT id FROM offer WHERE id = $1").bind(offer_id.to_string());
        if offer.fetch_optional(&mut *conn).await?.is_none() {
            return Err(Error::new(ErrorKind::NotFound, "OFFER_NOT_FOUND", format!("There is no offer {offer_id}.")));
        }
        sqlx::query("INSERT INTO bundle_offer (product_id, line, offer_id) VALUES ($1, $2, $3)")
            .bind(product.id.to_string())
            .bind(line)
            .bind(offer_id.to_string())
            .execute(&mut *conn)
            .await?;
    }
    idempotency::remember(conn, key, &product.id.to_string(), product.created_at).await?;
    append_change(conn, Change::Catalog, product.created_at).await?;
    Ok(Written::New(()))
}

async fn withdraw_product(conn: &mut Connection, id: ProductId, at: UtcMs) -> Result<bool> {
    let row = sqlx::query("SELECT body FROM product WHERE id = $1").bind(id.to_string());
    let Some(row) = row.fetch_optional(&mut *conn).await? else {
        return Err(Error::new(ErrorKind::NotFound, "PRODUCT_NOT_FOUND", "There is no such product."));
    };
    let product: Product = body(&row)?;
    if product.withdrawn_at.is_some() {
        return Ok(false);
    }
    sqlx::query("UPDATE product SET body = $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(to_json(&Product { withdrawn_at: Some(at), ..product })?)
        .execute(&mut *conn)
        .await?;
    append_change(conn, Change::Catalog, at).await?;
    Ok(true)
}

async fn insert_coupon(conn: &mut Connection, coupon: &Coupon, key: Option<&Idempotency>) -> Result<Written<()>> {
    if let Some(written) = idempotency::seen(conn, key).await? {
        return Ok(written);
    }
    let present: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM coupon").fetch_one(&mut *conn).await?;
    if present >= limits::COUPONS_MAX as i64 {
        let message = format!("A server has at most {} coupons.", limits::COUPONS_MAX);
        return Err(Error::new(ErrorKind::Conflict, "TOO_MANY_COUPONS", message));
    }
    let taken = sqlx::query("SELECT id FROM coupon WHERE code = $1").bind(&coupon.code);
    if taken.fetch_optional(&mut *conn).await?.is_some() {
        let message = format!("There is, or was, a coupon {} already. Choose another word.", coupon.code);
        return Err(Error::new(ErrorKind::Conflict, "COUPON_CODE_TAKEN", message).with_param("code"));
    }
    sqlx::query("INSERT INTO coupon (id, code, body) VALUES ($1, $2, $3)")
        .bind(coupon.id.to_string())
        .bind(&coupon.code)
        .bind(to_json(coupon)?)
        .execute(&mut *conn)
        .await?;
    idempotency::remember(conn, key, &coupon.id.to_string(), coupon.created_at).await?;
    Ok(Written::New(()))
}

async fn void_coupon(conn: &mut Connection, id: CouponId, at: UtcMs) -> Result<bool> {
    let row = sqlx::query("SELECT body FROM coupon WHERE id = $1").bind(id.to_string());
    let Some(row) = row.fetch_optional(&mut *conn).await? else {
        return Err(Error::new(ErrorKind::NotFound, "COUPON_NOT_FOUND", "There is no such coupon."));
    };
    let coupon: Coupon = body(&row)?;
    if coupon.void_at.is_some() {
        return Ok(false);
    }
    sqlx::query("UPDATE coupon SET body = $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(to_json(&Coupon { void_at: Some(at), ..coupon })?)
        .execute(conn)
        .await?;
    Ok(true)
}

fn body<T: serde::de::DeserializeOwned>(row: &Row) -> Result<T> {
    row.json("body")
}
