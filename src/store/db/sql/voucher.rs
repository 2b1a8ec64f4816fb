//! SQL of [`VoucherDb`].

use async_trait::async_trait;

use super::row::{AFTER_ALL, Columns, to_hex};
use super::{Connection, Row, SqlDb, idempotency, purchase};
use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{PartyId, VoucherBatchId};
use crate::rights::grant::{Grant, GrantCause};
use crate::rights::voucher::VoucherBatch;
use crate::store::db::voucher::{CountedBatch, NewVoucher, Redemption, Voucher};
use crate::store::db::{Idempotency, Page, VoucherDb, Written};

const COUNTED: &str = "SELECT b.*, \
    (SELECT COUNT(*) FROM voucher v WHERE v.batch_id = b.id AND v.redeemed_at IS NOT NULL) AS redeemed \
    FROM voucher_batch b";

#[async_trait]
impl VoucherDb for SqlDb {
    async fn insert_voucher_batch(
        &self,
        batch: &VoucherBatch,
        vouchers: &[NewVoucher],
        idempotency: &Idempotency,
    ) -> Result<Written<()>> {
        let (batch, vouchers, key) = (batch.clone(), vouchers.to_vec(), idempotency.clone());
        self.write(move |conn| Box::pin(async move { insert(conn, &batch, &vouchers, &key).await })).await
    }

    async fn voucher_batch(&self, id: VoucherBatchId) -> Result<Option<CountedBatch>> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{COUNTED} WHERE b.id = $1")))
            .bind(id.to_string())
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(counted).transpose()
    }

    async fn voucher_batches(&self, party: Option<PartyId>, page: &Page) -> Result<Vec<CountedBatch>> {
        let of_party = if party.is_some() { "b.party_id = $3" } else { "$3 = ''" };
        let sql = format!("{COUNTED} WHERE b.id < $1 AND {of_party} ORDER BY b.id DESC LIMIT $2");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(page.after.as_deref().unwrap_or(AFTER_ALL))
            .bind(i64::from(page.limit))
            .bind(party.map(|id| id.to_string()).unwrap_or_default())
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(counted).collect()
    }

    async fn void_voucher_batch(&self, id: VoucherBatchId, at: UtcMs) -> Result<bool> {
        self.write(move |conn| Box::pin(async move { void(conn, id, at).await })).await
    }

    async fn voucher_of_code(&self, code_hash: &[u8; 32]) -> Result<Option<Voucher>> {
        let mut moment = self.readers.begin().await?;
        let row = sqlx::query(
            "SELECT b.*, v.id AS voucher_id, v.viewer_id FROM voucher v JOIN voucher_batch b ON b.id = v.batch_id \
             WHERE v.code_hash = $1",
        )
        .bind(to_hex(code_hash))
        .fetch_optional(&mut *moment)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let id = row.text("voucher_id")?;
        let redeemed = match row.parsed_opt("viewer_id")? {
            Some(viewer_id) => {
                let grant = sqlx::query("SELECT * FROM viewer_grant WHERE voucher_id = $1")
                    .bind(&id)
                    .fetch_one(&mut *moment)
                    .await?;
                Some((viewer_id, purchase::grant(&grant)?))
            }
            None => None,
        };
        moment.rollback().await?;
        Ok(Some(Voucher { id: row.parsed("voucher_id")?, batch: batch(&row)?, redeemed }))
    }

    async fn redeem_voucher(&self, grant: &Grant, grants_seen: usize) -> Result<Redemption> {
        let grant = grant.clone();
        self.write(move |conn| Box::pin(async move { redeem(conn, &grant, grants_seen).await })).await
    }
}

async fn insert(
    conn: &mut Connection,
    batch: &VoucherBatch,
    vouchers: &[NewVoucher],
    key: &Idempotency,
) -> Result<Written<()>> {
    if let Some(written) = idempotency::seen(conn, Some(key)).await? {
        return Ok(written);
    }
    if u32::try_from(vouchers.len()) != Ok(batch.count) {
        return Err(Error::internal(format!("batch {} says another number than it has", batch.id)));
    }
    sqlx::query(
        "INSERT INTO voucher_batch (id, title_id, offer_id, count, expires_at, note, created_at, void_at, livemode, \
         party_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(batch.id.to_string())
    .bind(batch.title_id.to_string())
    .bind(batch.offer_id.to_string())
    .bind(i64::from(batch.count))
    .bind(batch.expires_at.0)
    .bind(&batch.note)
    .bind(batch.created_at.0)
    .bind(batch.void_at.map(|at| at.0))
    .bind(i64::from(batch.livemode))
    .bind(batch.party_id.map(|id| id.to_string()))
    .execute(&mut *conn)
    .await?;
    for voucher in vouchers {
        sqlx::query("INSERT INTO voucher (id, batch_id, code_hash) VALUES ($1, $2, $3)")
            .bind(voucher.id.to_string())
            .bind(batch.id.to_string())
            .bind(to_hex(&voucher.code_hash))
            .execute(&mut *conn)
            .await?;
    }
    idempotency::remember(conn, Some(key), &batch.id.to_string(), batch.created_at).await?;
    Ok(Written::New(()))
}

async fn void(conn: &mut Connection, id: VoucherBatchId, at: UtcMs) -> Result<bool> {
    let voided = sqlx::query("UPDATE voucher_batch SET void_at = $2 WHERE id = $1 AND void_at IS NULL")
        .bind(id.to_string())
        .bind(at.0)
        .execute(&mut *conn)
        .await?;
    if voided.rows_affected() == 1 {
        return Ok(true);
    }
    let present =
        sqlx::query("SELECT id FROM voucher_batch WHERE id = $1").bind(id.to_string()).fetch_optional(conn).await?;
    match present {
        Some(_) => Ok(false),
        None => Err(Error::new(ErrorKind::NotFound, "VOUCHER_BATCH_NOT_FOUND", "There is no such batch of vouchers.")),
    }
}

async fn redeem(conn: &mut Connection, grant: &Grant, grants_seen: usize) -> Result<Redemption> {
    let GrantCause::Voucher(id) = grant.cause else {
        return Err(Error::internal(format!("grant {} is of no voucher", grant.id)));
    };
    if let Some(other) = purchase::pending_of(conn, grant.viewer_id, grant.title_id).await? {
        return Ok(Redemption::OtherPending(other));
    }
    if purchase::grant_count(conn, grant.viewer_id, grant.title_id, grant.livemode).await? != grants_seen {
        return Ok(Redemption::Changed);
    }
    let redeemed = sqlx::query(
        "UPDATE voucher SET viewer_id = $2, redeemed_at = $3 WHERE id = $1 AND redeemed_at IS NULL \
         AND batch_id IN (SELECT b.id FROM voucher_batch b WHERE b.void_at IS NULL AND b.expires_at > $3 \
         AND b.title_id = $4 AND b.offer_id = $5 AND b.livemode = $6)",
    )
    .bind(id.to_string())
    .bind(grant.viewer_id.to_string())
    .bind(grant.issued_at.0)
    .bind(grant.title_id.to_string())
    .bind(grant.offer_id.to_string())
    .bind(i64::from(grant.livemode))
    .execute(&mut *conn)
    .await?;
    if redeemed.rows_affected() == 0 {
        return Ok(Redemption::Changed);
    }
    purchase::insert_grant(conn, grant).await?;
    Ok(Redemption::Done)
}

fn counted(row: &Row) -> Result<CountedBatch> {
    Ok(CountedBatch { batch: batch(row)?, redeemed: row.count("redeemed")? })
}

fn batch(row: &Row) -> Result<VoucherBatch> {
    Ok(VoucherBatch {
        id: row.parsed("id")?,
        title_id: row.parsed("title_id")?,
        offer_id: row.parsed("offer_id")?,
        count: row.count("count")?,
        expires_at: row.instant("expires_at")?,
        note: row.text("note")?,
        party_id: row.parsed_opt("party_id")?,
        created_at: row.instant("created_at")?,
        void_at: row.instant_opt("void_at")?,
        livemode: row.flag("livemode")?,
    })
}
