//! SQL of [`DeliveryDb`].

use async_trait::async_trait;

use super::deal::by_id;
use super::playback::append_change;
use super::row::{AFTER_ALL, Columns, to_json};
use super::{Connection, Row, SqlDb, idempotency};
use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{DealId, DeliveryId, TitleId};
use crate::base::limits;
use crate::rights::delivery::{Answer, Delivered, Delivery, DeliveryStatus, Recall, StandingDelivery};
use crate::store::db::playback::Change;
use crate::store::db::{DeliveryDb, Idempotency, Page, Written};

/// What was not recalled, oldest first.
pub const STANDING: &str = "\
    SELECT y.id, y.deal_id, y.part, y.sent_at, y.status, d.title_id FROM delivery y JOIN deal d ON d.id = y.deal_id \
    WHERE y.status <> 'recalled' ORDER BY y.id";

#[async_trait]
impl DeliveryDb for SqlDb {
    async fn insert_delivery(&self, delivery: &Delivery, idempotency: Option<&Idempotency>) -> Result<Written<()>> {
        let (delivery, key) = (delivery.clone(), idempotency.cloned());
        self.write(move |conn| Box::pin(async move { insert(conn, &delivery, key.as_ref()).await })).await
    }

    async fn deliveries(&self, deal: DealId, page: &Page) -> Result<Vec<Delivered>> {
        let rows = sqlx::query("SELECT * FROM delivery WHERE deal_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3")
            .bind(deal.to_string())
            .bind(page.after.as_deref().unwrap_or(AFTER_ALL))
            .bind(i64::from(page.limit))
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(delivered).collect()
    }

    async fn delivery(&self, id: DeliveryId) -> Result<Option<Delivered>> {
        let row = sqlx::query("SELECT * FROM delivery WHERE id = $1").bind(id.to_string());
        row.fetch_optional(&self.readers).await?.as_ref().map(delivered).transpose()
    }

    async fn answer_delivery(&self, id: DeliveryId, deal: Option<DealId>, answer: &Answer) -> Result<Delivered> {
        let answer = answer.clone();
        self.write(move |conn| {
            Box::pin(async move {
                let at = answer.at;
                let found = found(conn, id).await?;
                if deal.is_some_and(|deal| deal != found.delivery.deal_id) {
                    return Err(not_found());
                }
                rewrite(conn, found.answered(answer)?, at).await
            })
        })
        .await
    }

    async fn recall_delivery(&self, id: DeliveryId, recall: &Recall) -> Result<Delivered> {
        let recall = recall.clone();
        self.write(move |conn| {
            Box::pin(async move {
                let at = recall.at;
                let recalled = found(conn, id).await?.recalled(recall)?;
                rewrite(conn, recalled, at).await
            })
        })
        .await
    }
}

async fn insert(conn: &mut Connection, delivery: &Delivery, key: Option<&Idempotency>) -> Result<Written<()>> {
    if let Some(written) = idempotency::seen(conn, key).await? {
        return Ok(written);
    }
    let deal = by_id(conn, delivery.deal_id).await?;
    let count = sqlx::query("SELECT COUNT(*) AS deliveries FROM delivery WHERE deal_id = $1").bind(deal.id.to_string());
    if count.fetch_one(&mut *conn).await?.count::<usize>("deliveries")? >= limits::DELIVERIES_PER_DEAL_MAX {
        let message = format!("Under one deal at most {} files are recorded.", limits::DELIVERIES_PER_DEAL_MAX);
        return Err(Error::new(ErrorKind::Conflict, "TOO_MANY_DELIVERIES", message));
    }
    if deal.revoked_at.is_some_and(|revoked_at| revoked_at <= delivery.sent_at) {
        let message = "The deal was revoked before this was sent: its party may not show it. Make another deal.";
        return Err(Error::new(ErrorKind::Conflict, "DEAL_REVOKED", message));
    }
    sqlx::query("INSERT INTO delivery (id, deal_id, part, sent_at, status, body) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(delivery.id.to_string())
        .bind(deal.id.to_string())
        .bind(i64::from(delivery.part))
        .bind(delivery.sent_at.0)
        .bind(DeliveryStatus::Sent.as_str())
        .bind(to_json(delivery)?)
        .execute(&mut *conn)
        .await?;
    idempotency::remember(conn, key, &delivery.id.to_string(), delivery.created_at).await?;
    append_change(conn, Change::Title(deal.title_id), delivery.created_at).await?;
    Ok(Written::New(()))
}

async fn found(conn: &mut Connection, id: DeliveryId) -> Result<Delivered> {
    let row = sqlx::query("SELECT * FROM delivery WHERE id = $1").bind(id.to_string());
    row.fetch_optional(conn).await?.as_ref().map(delivered).transpose()?.ok_or_else(not_found)
}

/// What has become of it; what was sent stays as it is.
async fn rewrite(conn: &mut Connection, delivered: Delivered, at: UtcMs) -> Result<Delivered> {
    sqlx::query("UPDATE delivery SET answer = $2, recall = $3, status = $4 WHERE id = $1")
        .bind(delivered.delivery.id.to_string())
        .bind(delivered.answer.as_ref().map(to_json).transpose()?)
        .bind(delivered.recall.as_ref().map(to_json).transpose()?)
        .bind(delivered.status().as_str())
        .execute(&mut *conn)
        .await?;
    let deal = by_id(conn, delivered.delivery.deal_id).await?;
    append_change(conn, Change::Title(deal.title_id), at).await?;
    Ok(delivered)
}

/// The files that parties have of a title, oldest first.
pub async fn standing_of(conn: &mut Connection, title: TitleId) -> Result<Vec<StandingDelivery>> {
    let rows = sqlx::query(
        "SELECT y.id, y.deal_id, y.part, y.sent_at, y.status FROM delivery y JOIN deal d ON d.id = y.deal_id \
         WHERE d.title_id = $1 AND y.status <> 'recalled' ORDER BY y.id",
    )
    .bind(title.to_string())
    .fetch_all(conn)
    .await?;
    rows.iter().map(standing).collect()
}

/// A row of [`STANDING`].
pub fn titled(row: &Row) -> Result<(TitleId, StandingDelivery)> {
    Ok((row.parsed("title_id")?, standing(row)?))
}

fn standing(row: &Row) -> Result<StandingDelivery> {
    let status = row.text("status")?;
    let unknown = || Error::internal(format!("a delivery is stored as {status}"));
    Ok(StandingDelivery {
        id: row.parsed("id")?,
        deal_id: row.parsed("deal_id")?,
        part: row.count("part")?,
        sent_at: row.instant("sent_at")?,
        status: DeliveryStatus::parse(&status).ok_or_else(unknown)?,
    })
}

fn delivered(row: &Row) -> Result<Delivered> {
    Ok(Delivered { delivery: row.json("body")?, answer: row.json_opt("answer")?, recall: row.json_opt("recall")? })
}

fn not_found() -> Error {
    Error::new(ErrorKind::NotFound, "DELIVERY_NOT_FOUND", "There is no such delivery.")
}
