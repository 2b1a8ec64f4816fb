//! SQL of [`CommerceDb`]: its lists and look-ups, plans and memberships. The transactions of a purchase are in
//! `purchase`, the chain in `journal`.

use async_trait::async_trait;

use super::playback::append_change;
use super::row::Columns;
use super::{Connection, Row, SqlDb, idempotency, journal, purchase, wallet};
use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{GrantId, MembershipId, PaymentId, PlanId, PurchaseId, TitleId, ViewerId};
use crate::ledger::entry::{Entry, EntryKind};
use crate::ledger::purchase::{PaymentAction, Purchase, Refund};
use crate::rights::grant::Grant;
use crate::rights::membership::{Membership, Plan};
use crate::store::db::audit::AuditLine;
use crate::store::db::commerce::{Begun, ChainedEntry, Given, PurchaseClosed, SandboxAct, Settled};
use crate::store::db::playback::Change;
use crate::store::db::{CommerceDb, Idempotency, Written};

#[async_trait]
impl CommerceDb for SqlDb {
    async fn begin_purchase(
        &self,
        purchase: &Purchase,
        grants_seen: usize,
        idempotency: &Idempotency,
    ) -> Result<Written<Begun>> {
        let (purchase, key) = (purchase.clone(), idempotency.clone());
        self.write(move |conn| Box::pin(async move { purchase::begin(conn, &purchase, grants_seen, &key).await })).await
    }

    async fn settle_purchase(
        &self,
        id: PurchaseId,
        event_id: Option<&str>,
        entry: &Entry,
        given: &Given,
    ) -> Result<Settled> {
        let (event_id, entry, given) = (event_id.map(str::to_owned), entry.clone(), given.clone());
        self.write(move |conn| {
            Box::pin(async move { purchase::settle(conn, id, event_id.as_deref(), &entry, &given).await })
        })
        .await
    }

    async fn close_purchase(
        &self,
        id: PurchaseId,
        event_id: Option<&str>,
        closed: PurchaseClosed,
        at: UtcMs,
    ) -> Result<Settled> {
        let event_id = event_id.map(str::to_owned);
        self.write(move |conn| {
            Box::pin(async move { purchase::close(conn, id, event_id.as_deref(), closed, at).await })
        })
        .await
    }

    async fn keep_payment_action(&self, id: PurchaseId, action: &PaymentAction) -> Result<()> {
        let action = action.clone();
        self.write(move |conn| Box::pin(async move { purchase::keep_action(conn, id, &action).await })).await
    }

    async fn hear_callback(&self, id: PurchaseId, event_id: &str, at: UtcMs) -> Result<()> {
        let event_id = event_id.to_owned();
        self.write(move |conn| {
            Box::pin(async move {
                sqlx::query(
                    "INSERT INTO payment_callback (purchase_id, event_id, first_at, times) VALUES ($1, $2, $3, 1) \
                     ON CONFLICT (purchase_id, event_id) DO UPDATE SET times = payment_callback.times + 1",
                )
                .bind(id.to_string())
                .bind(&event_id)
                .bind(at.0)
                .execute(conn)
                .await?;
                Ok(())
            })
        })
        .await
    }

    async fn record_late_payment(&self, id: PurchaseId, event_id: &str, line: &AuditLine) -> Result<Settled> {
        let (event_id, line) = (event_id.to_owned(), line.clone());
        self.write(move |conn| Box::pin(async move { purchase::late(conn, id, &event_id, &line).await })).await
    }

    async fn sandbox_act(&self, id: PaymentId) -> Result<Option<(SandboxAct, UtcMs)>> {
        let row = sqlx::query("SELECT act, decided_at FROM sandbox_payment WHERE payment_id = $1")
            .bind(id.to_string())
            .fetch_optional(&self.readers)
            .await?;
        row.map(|row| Ok((row.word("act", SandboxAct::parse)?, row.instant("decided_at")?))).transpose()
    }

    async fn press_sandbox(&self, id: PaymentId, act: SandboxAct, at: UtcMs) -> Result<SandboxAct> {
        self.write(move |conn| {
            Box::pin(async move {
                sqlx::query(
                    "INSERT INTO sandbox_payment (payment_id, act, decided_at) VALUES ($1, $2, $3) \
                     ON CONFLICT (payment_id) DO NOTHING",
                )
                .bind(id.to_string())
                .bind(act.as_str())
                .bind(at.0)
                .execute(&mut *conn)
                .await?;
                let row = sqlx::query("SELECT act FROM sandbox_payment WHERE payment_id = $1")
                    .bind(id.to_string())
                    .fetch_one(conn)
                    .await?;
                row.word("act", SandboxAct::parse)
            })
        })
        .await
    }

    async fn record_refund(
        &self,
        refund: &Refund,
        reversal: &Entry,
        idempotency: &Idempotency,
    ) -> Result<Written<Settled>> {
        let (refund, reversal, key) = (refund.clone(), reversal.clone(), idempotency.clone());
        self.write(move |conn| Box::pin(async move { purchase::refund(conn, &refund, &reversal, &key).await })).await
    }

    async fn purchase(&self, id: PurchaseId) -> Result<Option<Purchase>> {
        let row = sqlx::query("SELECT * FROM purchase WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(purchase::purchase).transpose()
    }

    async fn purchase_by_payment(&self, id: PaymentId) -> Result<Option<Purchase>> {
        let row = sqlx::query("SELECT * FROM purchase WHERE payment_id = $1")
            .bind(id.to_string())
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(purchase::purchase).transpose()
    }

    async fn pending_purchases(&self, limit: u32) -> Result<Vec<Purchase>> {
        let rows = sqlx::query("SELECT * FROM purchase WHERE status = 'pending' ORDER BY id LIMIT $1")
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(purchase::purchase).collect()
    }

    async fn unreturned_purchases(&self, after: Option<PurchaseId>, limit: u32) -> Result<Vec<Purchase>> {
        let rows = sqlx::query(
            "SELECT * FROM purchase WHERE closed_because IS NOT NULL AND id > $1 AND NOT EXISTS \
             (SELECT 1 FROM payment_event e WHERE e.purchase_id = purchase.id AND e.kind = 'late') ORDER BY id LIMIT $2",
        )
        .bind(after.map(|id| id.to_string()).unwrap_or_default())
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(purchase::purchase).collect()
    }

    async fn refund_of(&self, purchase: PurchaseId) -> Result<Option<Refund>> {
        let row = sqlx::query("SELECT * FROM refund WHERE purchase_id = $1")
            .bind(purchase.to_string())
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(refund).transpose()
    }

    async fn grant(&self, id: GrantId) -> Result<Option<Grant>> {
        let row = sqlx::query("SELECT * FROM viewer_grant WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(purchase::grant).transpose()
    }

    async fn hold_coins(&self, purchase: PurchaseId, at: UtcMs) -> Result<bool> {
        self.write(move |conn| Box::pin(async move { wallet::hold_lots(conn, purchase, at).await })).await
    }

    async fn release_coins(&self, purchase: PurchaseId) -> Result<()> {
        self.write(move |conn| Box::pin(async move { wallet::release_lots(conn, purchase).await })).await
    }

    async fn given(&self, purchase: PurchaseId) -> Result<Given> {
        let mut moment = self.readers.begin().await?;
        let given = purchase::given(&mut moment, purchase).await?;
        moment.rollback().await?;
        Ok(given)
    }

    async fn grants(&self, viewer: ViewerId, title: Option<TitleId>) -> Result<Vec<Grant>> {
        let rows = match title {
            Some(title) => {
                sqlx::query("SELECT * FROM viewer_grant WHERE viewer_id = $1 AND title_id = $2 ORDER BY id")
                    .bind(viewer.to_string())
                    .bind(title.to_string())
                    .fetch_all(&self.readers)
                    .await?
            }
            None => {
                sqlx::query("SELECT * FROM viewer_grant WHERE viewer_id = $1 ORDER BY id")
                    .bind(viewer.to_string())
                    .fetch_all(&self.readers)
                    .await?
            }
        };
        rows.iter().map(purchase::grant).collect()
    }

    async fn revoke_grant(&self, id: GrantId, reason: &str, at: UtcMs) -> Result<bool> {
        let reason = reason.to_owned();
        self.write(move |conn| Box::pin(async move { purchase::revoke_grant(conn, id, &reason, at).await })).await
    }

    async fn insert_plan(&self, plan: &Plan, idempotency: Option<&Idempotency>, at: UtcMs) -> Result<Written<()>> {
        let (plan, idempotency) = (plan.clone(), idempotency.cloned());
        self.write(move |conn| {
            Box::pin(async move {
                if let Some(written) = idempotency::seen(conn, idempotency.as_ref()).await? {
                    return Ok(written);
                }
                sqlx::query("INSERT INTO plan (id, name, streams) VALUES ($1, $2, $3)")
                    .bind(plan.id.to_string())
                    .bind(&plan.name)
                    .bind(i64::from(plan.streams))
                    .execute(&mut *conn)
                    .await?;
                idempotency::remember(conn, idempotency.as_ref(), &plan.id.to_string(), at).await?;
                Ok(Written::New(()))
            })
        })
        .await
    }

    async fn plan(&self, id: PlanId) -> Result<Option<Plan>> {
        let row =
            sqlx::query("SELECT * FROM plan WHERE id = $1").bind(id.to_string()).fetch_optional(&self.readers).await?;
        row.as_ref().map(plan).transpose()
    }

    async fn plans(&self) -> Result<Vec<Plan>> {
        let rows = sqlx::query("SELECT * FROM plan ORDER BY id").fetch_all(&self.readers).await?;
        rows.iter().map(plan).collect()
    }

    async fn insert_membership(
        &self,
        membership: &Membership,
        idempotency: Option<&Idempotency>,
    ) -> Result<Written<()>> {
        let (membership, idempotency) = (membership.clone(), idempotency.cloned());
        self.write(move |conn| {
            Box::pin(async move {
                if let Some(written) = idempotency::seen(conn, idempotency.as_ref()).await? {
                    return Ok(written);
                }
                insert_membership(conn, &membership).await?;
                let id = membership.id.to_string();
                idempotency::remember(conn, idempotency.as_ref(), &id, membership.starts_at).await?;
                Ok(Written::New(()))
            })
        })
        .await
    }

    async fn memberships(&self, viewer: ViewerId, livemode: bool) -> Result<Vec<Membership>> {
        let rows = sqlx::query(purchase::MEMBERSHIPS)
            .bind(viewer.to_string())
            .bind(i64::from(livemode))
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(membership).collect()
    }

    async fn membership(&self, id: MembershipId) -> Result<Option<Membership>> {
        let row = sqlx::query("SELECT * FROM membership WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(membership).transpose()
    }

    async fn end_membership(&self, id: MembershipId, reason: &str, at: UtcMs) -> Result<bool> {
        let reason = reason.to_owned();
        self.write(move |conn| Box::pin(async move { end_membership(conn, id, &reason, at).await })).await
    }

    async fn entries(&self, after: i64, limit: u32) -> Result<Vec<ChainedEntry>> {
        journal::entries(self, after, limit).await
    }

    async fn entry_of_purchase(&self, purchase: PurchaseId) -> Result<Option<Entry>> {
        let mut connection = self.readers.acquire().await?;
        journal::entry_of_purchase(&mut connection, purchase, EntryKind::Purchase).await
    }
}

pub async fn insert_membership(conn: &mut Connection, membership: &Membership) -> Result<()> {
    sqlx::query(
        "INSERT INTO membership (id, viewer_id, plan_id, streams, starts_at, ends_at, revoked_at, purchase_id) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(membership.id.to_string())
    .bind(membership.viewer_id.to_string())
    .bind(membership.plan_id.to_string())
    .bind(i64::from(membership.streams))
    .bind(membership.starts_at.0)
    .bind(membership.ends_at.0)
    .bind(membership.revoked_at.map(|at| at.0))
    .bind(membership.purchase_id.map(|id| id.to_string()))
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn end_membership(conn: &mut Connection, id: MembershipId, reason: &str, at: UtcMs) -> Result<bool> {
    let ended =
        sqlx::query("UPDATE membership SET revoked_at = $2, revoke_reason = $3 WHERE id = $1 AND revoked_at IS NULL")
            .bind(id.to_string())
            .bind(at.0)
            .bind(reason)
            .execute(&mut *conn)
            .await?;
    if ended.rows_affected() == 1 {
        append_change(conn, Change::Membership(id), at).await?;
        return Ok(true);
    }
    let present =
        sqlx::query("SELECT id FROM membership WHERE id = $1").bind(id.to_string()).fetch_optional(conn).await?;
    match present {
        Some(_) => Ok(false),
        None => Err(Error::new(ErrorKind::NotFound, "MEMBERSHIP_NOT_FOUND", "There is no such membership.")),
    }
}

pub fn refund(row: &Row) -> Result<Refund> {
    Ok(Refund {
        id: row.parsed("id")?,
        purchase_id: row.parsed("purchase_id")?,
        amount: row.money("amount_minor")?,
        reason: row.text("reason")?,
        created_at: row.instant("created_at")?,
    })
}

fn plan(row: &Row) -> Result<Plan> {
    Ok(Plan { id: row.parsed("id")?, name: row.text("name")?, streams: row.count("streams")? })
}

pub fn membership(row: &Row) -> Result<Membership> {
    Ok(Membership {
        id: row.parsed("id")?,
        viewer_id: row.parsed("viewer_id")?,
        plan_id: row.parsed("plan_id")?,
        streams: row.count("streams")?,
        starts_at: row.instant("starts_at")?,
        ends_at: row.instant("ends_at")?,
        revoked_at: row.instant_opt("revoked_at")?,
        purchase_id: row.parsed_opt("purchase_id")?,
    })
}
