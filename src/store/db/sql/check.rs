//! SQL of [`CheckDb`].

use async_trait::async_trait;
use sqlx::Row as _;

use super::row::Columns;
use super::{Dialect, Row, SqlDb};
use crate::base::error::Result;
use crate::base::id::{PurchaseId, VoucherId};
use crate::base::money::Money;
use crate::ledger::chain::ChainHash;
use crate::ledger::purchase::PurchaseStatus;
use crate::store::db::CheckDb;
use crate::store::db::check::{Tally, VoucherTally};

/// One row per purchase; what is summed is summed in the currency of its price.
const TALLIES: &str = "\
    SELECT p.id, p.status, p.price_minor, p.currency, \
    CASE WHEN p.offer_id IS NOT NULL THEN 1 \
     ELSE (SELECT COUNT(*) FROM bundle_offer b WHERE b.product_id = p.product_id) END AS grants_due, \
    (SELECT COUNT(*) FROM product d WHERE d.id = p.product_id AND d.kind = 'membership') AS memberships_due, \
    (SELECT COUNT(*) FROM product d WHERE d.id = p.product_id AND d.kind = 'coins') AS coins_due, \
    (SELECT COUNT(*) FROM membership m WHERE m.purchase_id = p.id AND m.viewer_id = p.viewer_id) AS memberships, \
    (SELECT COUNT(DISTINCT l.purchase_id) FROM coin_lot l WHERE l.purchase_id = p.id AND l.viewer_id = p.viewer_id \
     AND l.livemode = p.livemode) AS coins, \
    (SELECT COUNT(*) FROM membership m WHERE m.purchase_id = p.id AND m.revoked_at IS NULL) AS memberships_left, \
    (SELECT COUNT(*) FROM coin_lot l WHERE l.purchase_id = p.id AND (l.void_at IS NULL \
     OR EXISTS (SELECT 1 FROM coin_debit d WHERE d.lot_id = l.id))) AS coins_left, \
    (SELECT COUNT(*) FROM viewer_grant g WHERE g.purchase_id = p.id) AS grants, \
    (SELECT COUNT(*) FROM viewer_grant g WHERE g.purchase_id = p.id AND g.revoked_at IS NOT NULL) AS grants_revoked, \
    (SELECT COUNT(*) FROM viewer_grant g LEFT JOIN offer f ON f.id = g.offer_id WHERE g.purchase_id = p.id \
     AND g.viewer_id = p.viewer_id AND g.livemode = p.livemode AND g.issued_at >= p.created_at \
     AND (g.offer_id = p.offer_id AND g.title_id = p.title_id AND g.avail_id = p.avail_id OR p.offer_id IS NULL \
     AND g.offer_id IN (SELECT b.offer_id FROM bundle_offer b WHERE b.product_id = p.product_id) \
     AND g.title_id = f.title_id AND g.avail_id = f.avail_id) \
     AND (f.id IS NULL OR (COALESCE(g.watch_ms, 0) = COALESCE(f.watch_ms, 0) AND g.until_members = f.until_members \
     AND g.streams = f.streams AND COALESCE(g.start_within_ms, 0) = COALESCE(f.start_within_ms, 0)))) \
     AS grants_faithful, \
    (SELECT COUNT(*) FROM entry e WHERE e.purchase_id = p.id AND e.kind = 'purchase') AS sales, \
    (SELECT COUNT(*) FROM entry e WHERE e.purchase_id = p.id AND e.kind = 'refund') AS reversals, \
    (SELECT COUNT(*) FROM refund r WHERE r.purchase_id = p.id) AS refunds, \
    (SELECT CAST(COALESCE(SUM(o.amount_minor), 0) AS BIGINT) FROM entry e JOIN posting o ON o.entry_id = e.id \
     WHERE e.purchase_id = p.id AND e.kind = 'purchase' AND o.amount_minor > 0 AND o.currency = p.currency) \
     AS sold_minor, \
    (SELECT CAST(COALESCE(SUM(o.amount_minor), 0) AS BIGINT) FROM entry e JOIN posting o ON o.entry_id = e.id \
     WHERE e.purchase_id = p.id AND e.kind = 'refund' AND o.amount_minor > 0 AND o.currency = p.currency) \
     AS reversed_minor, \
    (SELECT CAST(COALESCE(SUM(r.amount_minor), 0) AS BIGINT) FROM refund r \
     WHERE r.purchase_id = p.id AND r.currency = p.currency) AS refunded_minor \
    FROM purchase p WHERE p.id > $1 ORDER BY p.id LIMIT $2";

/// One row per voucher that was redeemed or has a grant.
const VOUCHER_TALLIES: &str = "\
    SELECT v.id, CASE WHEN v.redeemed_at IS NULL THEN 0 ELSE 1 END AS is_redeemed, \
    (SELECT COUNT(*) FROM viewer_grant g WHERE g.voucher_id = v.id) AS grants, \
    (SELECT COUNT(*) FROM viewer_grant g JOIN voucher_batch b ON b.id = v.batch_id \
     LEFT JOIN offer f ON f.id = b.offer_id WHERE g.voucher_id = v.id \
     AND g.viewer_id = v.viewer_id AND g.title_id = b.title_id AND g.offer_id = b.offer_id \
     AND g.livemode = b.livemode AND g.issued_at = v.redeemed_at \
     AND (f.id IS NULL OR (g.avail_id = f.avail_id AND COALESCE(g.watch_ms, 0) = COALESCE(f.watch_ms, 0) \
     AND g.until_members = f.until_members AND g.streams = f.streams \
     AND COALESCE(g.start_within_ms, 0) = COALESCE(f.start_within_ms, 0)))) AS grants_faithful \
    FROM voucher v WHERE v.id > $1 \
    AND (v.redeemed_at IS NOT NULL OR v.id IN (SELECT voucher_id FROM viewer_grant WHERE voucher_id IS NOT NULL)) \
    ORDER BY v.id LIMIT $2";

/// What belongs to something that is not there.
const STRAYS: &str = "\
    SELECT id FROM viewer_grant WHERE (purchase_id IS NULL) = (voucher_id IS NULL) \
    OR purchase_id IS NOT NULL AND purchase_id NOT IN (SELECT id FROM purchase) \
    OR voucher_id IS NOT NULL AND voucher_id NOT IN (SELECT id FROM voucher) \
    UNION ALL SELECT id FROM membership WHERE purchase_id IS NOT NULL AND purchase_id NOT IN (SELECT id FROM purchase) \
    UNION ALL SELECT id FROM coin_lot WHERE purchase_id IS NOT NULL AND purchase_id NOT IN (SELECT id FROM purchase) \
    UNION ALL SELECT id FROM entry WHERE purchase_id NOT IN (SELECT id FROM purchase) \
    UNION ALL SELECT id FROM refund WHERE purchase_id NOT IN (SELECT id FROM purchase) \
    UNION ALL SELECT id FROM asset WHERE partial_fingerprint IS NOT NULL AND substr(id, 4) NOT IN \
    (SELECT substr(id, 4) FROM job WHERE status IN ('queued', 'running')) \
    ORDER BY id LIMIT $1";

/// Coins that do not add up.
const WRONG_COINS: &str = "\
    SELECT u.id AS id FROM episode_unlock u WHERE u.coins <> (SELECT COALESCE(SUM(d.coins), 0) FROM coin_debit d \
    JOIN coin_lot l ON l.id = d.lot_id \
    WHERE d.unlock_id = u.id AND l.viewer_id = u.viewer_id AND l.livemode = u.livemode) \
    UNION ALL SELECT l.id AS id FROM coin_lot l \
    WHERE l.coins < (SELECT COALESCE(SUM(d.coins), 0) FROM coin_debit d WHERE d.lot_id = l.id) \
    ORDER BY id LIMIT $1";

/// Time that outages have not taken.
const WRONG_EXTENSIONS: &str = "\
    SELECT g.id AS id FROM viewer_grant g \
    WHERE g.extended_ms <> (SELECT COALESCE(SUM(x.extended_ms), 0) FROM outage_extension x \
     WHERE x.grant_id = g.id AND x.is_of_start = 0) \
    OR g.start_extended_ms <> (SELECT COALESCE(SUM(x.extended_ms), 0) FROM outage_extension x \
     WHERE x.grant_id = g.id AND x.is_of_start = 1) \
    UNION SELECT x.grant_id AS id FROM outage_extension x JOIN outage o ON o.id = x.outage_id \
    JOIN viewer_grant g ON g.id = x.grant_id LEFT JOIN voucher v ON v.id = g.voucher_id \
    LEFT JOIN voucher_batch b ON b.id = v.batch_id \
    WHERE x.extended_ms > (o.to_at - o.from_at + 59999) / 60000 * 60000 OR g.available_at >= o.to_at \
    OR (o.party_id IS NOT NULL AND COALESCE(b.party_id, '') <> o.party_id) \
    ORDER BY id LIMIT $1";

#[async_trait]
impl CheckDb for SqlDb {
    async fn storage_faults(&self) -> Result<Vec<String>> {
        if !matches!(self.dialect, Dialect::Sqlite(_)) {
            return Ok(Vec::new());
        }
        let mut faults: Vec<String> =
            sqlx::query_scalar("PRAGMA integrity_check(100)").fetch_all(&self.readers).await?;
        faults.retain(|fault| fault != "ok");
        for row in sqlx::query("PRAGMA foreign_key_check").fetch_all(&self.readers).await? {
            let (table, parent): (String, String) = (row.try_get(0)?, row.try_get(2)?);
            faults.push(format!("a row of {table} refers to a row of {parent} that does not exist"));
        }
        Ok(faults)
    }

    async fn entry_hash(&self, position: i64) -> Result<Option<ChainHash>> {
        let row = sqlx::query("SELECT hash FROM entry WHERE position = $1")
            .bind(position)
            .fetch_optional(&self.readers)
            .await?;
        row.map(|row| Ok(ChainHash(row.hash("hash")?))).transpose()
    }

    async fn posting_sums(&self) -> Result<Vec<Money>> {
        let rows = sqlx::query(
            "SELECT currency, CAST(SUM(amount_minor) AS BIGINT) AS sum_minor FROM posting \
             GROUP BY currency ORDER BY currency",
        )
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(|row| row.money("sum_minor")).collect()
    }

    async fn tallies(&self, after: Option<PurchaseId>, limit: u32) -> Result<Vec<Tally>> {
        let rows = sqlx::query(TALLIES)
            .bind(after.map_or_else(String::new, |id| id.to_string()))
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(tally).collect()
    }

    async fn voucher_tallies(&self, after: Option<VoucherId>, limit: u32) -> Result<Vec<VoucherTally>> {
        let rows = sqlx::query(VOUCHER_TALLIES)
            .bind(after.map_or_else(String::new, |id| id.to_string()))
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(VoucherTally {
                    voucher_id: row.parsed("id")?,
                    is_redeemed: row.flag("is_redeemed")?,
                    grants: row.count("grants")?,
                    grants_faithful: row.count("grants_faithful")?,
                })
            })
            .collect()
    }

    async fn strays(&self, limit: u32) -> Result<Vec<String>> {
        Ok(sqlx::query_scalar(STRAYS).bind(i64::from(limit)).fetch_all(&self.readers).await?)
    }

    async fn wrong_coins(&self, limit: u32) -> Result<Vec<String>> {
        Ok(sqlx::query_scalar(WRONG_COINS).bind(i64::from(limit)).fetch_all(&self.readers).await?)
    }

    async fn wrong_extensions(&self, limit: u32) -> Result<Vec<String>> {
        Ok(sqlx::query_scalar(WRONG_EXTENSIONS).bind(i64::from(limit)).fetch_all(&self.readers).await?)
    }
}

fn tally(row: &Row) -> Result<Tally> {
    Ok(Tally {
        purchase_id: row.parsed("id")?,
        status: row.word("status", PurchaseStatus::parse)?,
        price: row.money("price_minor")?,
        grants_due: row.count("grants_due")?,
        memberships_due: row.count("memberships_due")?,
        coins_due: row.count("coins_due")?,
        memberships: row.count("memberships")?,
        coins: row.count("coins")?,
        memberships_left: row.count("memberships_left")?,
        coins_left: row.count("coins_left")?,
        grants: row.count("grants")?,
        grants_revoked: row.count("grants_revoked")?,
        grants_faithful: row.count("grants_faithful")?,
        sales: row.count("sales")?,
        reversals: row.count("reversals")?,
        refunds: row.count("refunds")?,
        sold_minor: row.int("sold_minor")?,
        reversed_minor: row.int("reversed_minor")?,
        refunded_minor: row.int("refunded_minor")?,
    })
}
