//! SQL of [`SalesDb`].

use async_trait::async_trait;

use super::account::viewer;
use super::commerce::{membership, refund};
use super::playback::session;
use super::row::{AFTER_ALL, Columns};
use super::{Connection, Row, SqlDb, journal, purchase};
use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::base::id::{PurchaseId, TitleId, ViewerId};
use crate::base::limits;
use crate::base::territory::Territory;
use crate::ledger::purchase::PurchaseStatus;
use crate::rights::entitlement::Cause;
use crate::store::db::Page;
use crate::store::db::sales::{
    Callback, Member, Patron, PaymentEvent, PaymentEventKind, Sale, SaleFilter, SalesDb, Trail, WatchedSale,
};

/// What is not asked for is NULL.
const SALES: &str = "\
    SELECT p.*, v.email FROM purchase p JOIN viewer v ON v.id = p.viewer_id WHERE p.id < $1 \
    AND (CAST($2 AS TEXT) IS NULL OR p.status = $2) \
    AND (CAST($3 AS TEXT) IS NULL OR p.title_id = $3 OR p.product_id IN \
     (SELECT b.product_id FROM bundle_offer b JOIN offer f ON f.id = b.offer_id WHERE f.title_id = $3)) \
    AND (CAST($4 AS TEXT) IS NULL OR p.viewer_id = $4) \
    AND (CAST($5 AS TEXT) IS NULL OR v.email_folded = $5) \
    AND (CAST($6 AS BIGINT) IS NULL OR p.created_at >= $6) \
    AND (CAST($7 AS BIGINT) IS NULL OR p.created_at < $7) \
    AND (CAST($8 AS TEXT) IS NULL OR SUBSTR(p.id, 1, LENGTH($8)) = $8 OR SUBSTR(p.payment_id, 1, LENGTH($8)) = $8 \
     OR SUBSTR(v.email_folded, 1, LENGTH($8)) = $8) \
    ORDER BY p.id DESC LIMIT $9";

/// A purchase and how its grant was watched.
const WATCHED: &str = "\
    SELECT p.*, v.email, \
    (SELECT CAST(SUM(q.watched_ms) AS BIGINT) FROM viewer_grant g JOIN session_qoe q ON q.grant_id = g.id \
     WHERE g.purchase_id = p.id) AS watched_ms, \
    (SELECT MAX(q.furthest_permille) FROM viewer_grant g JOIN session_qoe q ON q.grant_id = g.id \
     WHERE g.purchase_id = p.id) AS furthest_permille, \
    (SELECT COUNT(*) FROM viewer_grant g JOIN outage_extension x ON x.grant_id = g.id \
     WHERE g.purchase_id = p.id AND x.is_short = 1) AS cuts \
    FROM purchase p JOIN viewer v ON v.id = p.viewer_id";

/// A viewer and what is counted of them; `$1` is now.
const PATRONS: &str = "\
    SELECT v.*, \
    (SELECT COUNT(*) FROM membership m WHERE m.viewer_id = v.id AND m.revoked_at IS NULL \
     AND m.starts_at <= $1 AND m.ends_at > $1) AS memberships, \
    (SELECT COUNT(*) FROM purchase p WHERE p.viewer_id = v.id AND p.status IN ('paid', 'refunded')) AS purchases, \
    (SELECT COUNT(*) FROM api_token t WHERE t.viewer_id = v.id AND t.revoked_at IS NULL AND t.expires_at > $1) \
     AS sign_ins FROM viewer v";

const MEMBERS: &str = "\
    SELECT m.*, v.email, n.name AS plan_name FROM membership m JOIN viewer v ON v.id = m.viewer_id \
    JOIN plan n ON n.id = m.plan_id WHERE m.id < $1 AND (CAST($2 AS BIGINT) IS NULL \
    OR $2 = CASE WHEN m.revoked_at IS NULL AND m.starts_at <= $3 AND m.ends_at > $3 THEN 1 ELSE 0 END) \
    ORDER BY m.id DESC LIMIT $4";

#[async_trait]
impl SalesDb for SqlDb {
    async fn sales(&self, filter: &SaleFilter, page: &Page) -> Result<Vec<Sale>> {
        let mut moment = self.readers.begin().await?;
        let rows = sqlx::query(SALES)
            .bind(page.after.as_deref().unwrap_or(AFTER_ALL))
            .bind(filter.status.map(PurchaseStatus::as_str))
            .bind(filter.title_id.map(|id| id.to_string()))
            .bind(filter.viewer_id.map(|id| id.to_string()))
            .bind(filter.viewer_email.as_ref().map(|email| email.to_lowercase()))
            .bind(filter.from.map(|from| from.0))
            .bind(filter.to.map(|to| to.0))
            .bind(filter.query.as_ref().map(|query| query.to_lowercase()))
            .bind(i64::from(page.limit))
            .fetch_all(&mut *moment)
            .await?;
        let mut sales = Vec::with_capacity(rows.len());
        for row in &rows {
            sales.push(sale(row, &mut moment).await?);
        }
        moment.rollback().await?;
        Ok(sales)
    }

    async fn sale(&self, id: PurchaseId) -> Result<Option<WatchedSale>> {
        let mut moment = self.readers.begin().await?;
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{WATCHED} WHERE p.id = $1")))
            .bind(id.to_string())
            .fetch_optional(&mut *moment)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let sale = watched_sale(&row, &mut moment).await?;
        moment.rollback().await?;
        Ok(Some(sale))
    }

    async fn trail(&self, id: PurchaseId) -> Result<Trail> {
        let mut moment = self.readers.begin().await?;
        let entries = journal::entries_of_purchase(&mut moment, id).await?;
        let payments = sqlx::query("SELECT * FROM payment_event WHERE purchase_id = $1 ORDER BY recorded_at, id")
            .bind(id.to_string())
            .fetch_all(&mut *moment)
            .await?;
        let callbacks =
            sqlx::query("SELECT * FROM payment_callback WHERE purchase_id = $1 ORDER BY first_at, event_id")
                .bind(id.to_string())
                .fetch_all(&mut *moment)
                .await?;
        let mut sessions = Vec::new();
        for grant in purchase::given(&mut moment, id).await?.grants {
            let rows = sqlx::query(
                "SELECT * FROM session WHERE viewer_id = $1 AND title_id = $2 AND opened_at >= $3 \
                 ORDER BY id DESC LIMIT $4",
            )
            .bind(grant.viewer_id.to_string())
            .bind(grant.title_id.to_string())
            .bind(grant.issued_at.0)
            .bind(i64::from(limits::PAGE_ROWS_MAX))
            .fetch_all(&mut *moment)
            .await?;
            let of_title = rows.iter().map(session).collect::<Result<Vec<_>>>()?;
            sessions.extend(of_title.into_iter().filter(|session| session.entitlement.cause == Cause::Grant(grant.id)));
        }
        sessions.sort_by_key(|session| std::cmp::Reverse(session.id));
        sessions.truncate(limits::PAGE_ROWS_MAX as usize);
        moment.rollback().await?;
        Ok(Trail {
            entries,
            payments: payments.iter().map(payment_event).collect::<Result<_>>()?,
            callbacks: callbacks.iter().map(callback).collect::<Result<_>>()?,
            sessions,
        })
    }

    async fn paid_sales(&self, title: TitleId, territory: Option<Territory>, page: &Page) -> Result<Vec<WatchedSale>> {
        let mut moment = self.readers.begin().await?;
        let sql = format!(
            "{WATCHED} WHERE p.title_id = $1 AND (p.territory = $2 OR p.id IN (SELECT g.purchase_id FROM viewer_grant g \
             JOIN outage_extension x ON x.grant_id = g.id WHERE g.title_id = $1 AND g.purchase_id IS NOT NULL \
             AND x.is_short = 1)) AND p.status = 'paid' AND p.id > $3 ORDER BY p.id LIMIT $4"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(title.to_string())
            .bind(territory.as_ref().map(Territory::code))
            .bind(page.after.as_deref().unwrap_or(""))
            .bind(i64::from(page.limit))
            .fetch_all(&mut *moment)
            .await?;
        let mut sales = Vec::with_capacity(rows.len());
        for row in &rows {
            sales.push(watched_sale(row, &mut moment).await?);
        }
        moment.rollback().await?;
        Ok(sales)
    }

    async fn audience(&self, prefix: Option<&str>, page: &Page, now: UtcMs) -> Result<Vec<Patron>> {
        let sql = format!(
            "{PATRONS} WHERE v.id < $2 AND (CAST($3 AS TEXT) IS NULL OR SUBSTR(v.email_folded, 1, LENGTH($3)) = $3) \
             ORDER BY v.id DESC LIMIT $4"
        );
        let mut moment = self.readers.begin().await?;
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(now.0)
            .bind(page.after.as_deref().unwrap_or(AFTER_ALL))
            .bind(prefix.map(str::to_lowercase))
            .bind(i64::from(page.limit))
            .fetch_all(&mut *moment)
            .await?;
        let mut patrons = Vec::with_capacity(rows.len());
        for row in &rows {
            patrons.push(patron(row, &mut moment).await?);
        }
        moment.rollback().await?;
        Ok(patrons)
    }

    async fn patron(&self, id: ViewerId, now: UtcMs) -> Result<Option<Patron>> {
        let mut moment = self.readers.begin().await?;
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{PATRONS} WHERE v.id = $2")))
            .bind(now.0)
            .bind(id.to_string())
            .fetch_optional(&mut *moment)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let patron = patron(&row, &mut moment).await?;
        moment.rollback().await?;
        Ok(Some(patron))
    }

    async fn members(&self, is_active: Option<bool>, page: &Page, now: UtcMs) -> Result<Vec<Member>> {
        let rows = sqlx::query(MEMBERS)
            .bind(page.after.as_deref().unwrap_or(AFTER_ALL))
            .bind(is_active.map(i64::from))
            .bind(now.0)
            .bind(i64::from(page.limit))
            .fetch_all(&self.readers)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Member {
                    membership: membership(row)?,
                    viewer_email: row.text("email")?,
                    plan_name: row.text("plan_name")?,
                })
            })
            .collect()
    }
}

async fn sale(row: &Row, moment: &mut Connection) -> Result<Sale> {
    let purchase = purchase::purchase(row)?;
    let given = purchase::given(moment, purchase.id).await?;
    let refunded = sqlx::query("SELECT * FROM refund WHERE purchase_id = $1")
        .bind(purchase.id.to_string())
        .fetch_optional(moment)
        .await?;
    let refund = refunded.as_ref().map(refund).transpose()?;
    Ok(Sale { purchase, viewer_email: row.text("email")?, given, refund })
}

async fn watched_sale(row: &Row, moment: &mut Connection) -> Result<WatchedSale> {
    Ok(WatchedSale {
        sale: sale(row, moment).await?,
        watched_ms: row.int_opt("watched_ms")?.unwrap_or(0).unsigned_abs(),
        furthest_permille: row.int_opt("furthest_permille")?.map(i64::unsigned_abs),
        is_cut_short: row.int("cuts")? > 0,
    })
}

async fn patron(row: &Row, moment: &mut Connection) -> Result<Patron> {
    let viewer = viewer(row)?;
    let sums = sqlx::query(
        "SELECT currency, CAST(SUM(price_minor) AS BIGINT) AS spent_minor FROM purchase \
         WHERE viewer_id = $1 AND status = 'paid' GROUP BY currency ORDER BY currency",
    )
    .bind(viewer.id.to_string())
    .fetch_all(moment)
    .await?;
    Ok(Patron {
        is_member: row.int("memberships")? > 0,
        purchases: row.count("purchases")?,
        spent: sums.iter().map(|row| row.money("spent_minor")).collect::<Result<_>>()?,
        sign_ins: row.count("sign_ins")?,
        viewer,
    })
}

fn payment_event(row: &Row) -> Result<PaymentEvent> {
    Ok(PaymentEvent {
        id: row.text("id")?,
        kind: row.word("kind", PaymentEventKind::parse)?,
        recorded_at: row.instant("recorded_at")?,
    })
}

fn callback(row: &Row) -> Result<Callback> {
    Ok(Callback { event_id: row.text("event_id")?, first_at: row.instant("first_at")?, times: row.count("times")? })
}
