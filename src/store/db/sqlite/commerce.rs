//! SQL of [`CommerceDb`]: its lists and look-ups, plans and memberships. The transactions of a purchase are in
//! `purchase`, the chain in `journal`.

use async_trait::async_trait;

use super::row::{AFTER_ALL, Columns};
use super::{Row, SqliteDb, idempotency, journal, purchase};
use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::base::id::{GrantId, MembershipId, PaymentId, PlanId, PurchaseId, TitleId, ViewerId};
use crate::ledger::entry::{Entry, EntryKind};
use crate::ledger::purchase::{Purchase, Refund};
use crate::rights::grant::Grant;
use crate::rights::membership::{Membership, Plan};
use crate::store::db::commerce::{Begun, ChainedEntry, PurchaseClosed, Settled};
use crate::store::db::{CommerceDb, Idempotency, Page, Written};

#[async_trait]
impl CommerceDb for SqliteDb {
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
        grant: &Grant,
    ) -> Result<Settled> {
        let (event_id, entry, grant) = (event_id.map(str::to_owned), entry.clone(), grant.clone());
        self.write(move |conn| {
            Box::pin(async move { purchase::settle(conn, id, event_id.as_deref(), &entry, &grant).await })
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

    async fn purchases(&self, viewer: Option<ViewerId>, page: &Page) -> Result<Vec<Purchase>> {
        let after = page.after.as_deref().unwrap_or(AFTER_ALL);
        let rows = match viewer {
            Some(viewer) => {
                sqlx::query("SELECT * FROM purchase WHERE viewer_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3")
                    .bind(viewer.to_string())
                    .bind(after)
                    .bind(i64::from(page.limit))
                    .fetch_all(&self.readers)
                    .await?
            }
            None => {
                sqlx::query("SELECT * FROM purchase WHERE id < $1 ORDER BY id DESC LIMIT $2")
                    .bind(after)
                    .bind(i64::from(page.limit))
                    .fetch_all(&self.readers)
                    .await?
            }
        };
        rows.iter().map(purchase::purchase).collect()
    }

    async fn pending_purchases(&self, limit: u32) -> Result<Vec<Purchase>> {
        let rows = sqlx::query("SELECT * FROM purchase WHERE status = 'pending' ORDER BY id LIMIT $1")
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

    async fn grant_of_purchase(&self, purchase: PurchaseId) -> Result<Option<Grant>> {
        let row = sqlx::query("SELECT * FROM viewer_grant WHERE purchase_id = $1")
            .bind(purchase.to_string())
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(purchase::grant).transpose()
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
                sqlx::query(
                    "INSERT INTO membership (id, viewer_id, plan_id, streams, starts_at, ends_at, revoked_at) \
                     VALUES ($1, $2, $3, $4, $5, $6, $7)",
                )
                .bind(membership.id.to_string())
                .bind(membership.viewer_id.to_string())
                .bind(membership.plan_id.to_string())
                .bind(i64::from(membership.streams))
                .bind(membership.starts_at.0)
                .bind(membership.ends_at.0)
                .bind(membership.revoked_at.map(|at| at.0))
                .execute(&mut *conn)
                .await?;
                let id = membership.id.to_string();
                idempotency::remember(conn, idempotency.as_ref(), &id, membership.starts_at).await?;
                Ok(Written::New(()))
            })
        })
        .await
    }

    async fn memberships(&self, viewer: ViewerId) -> Result<Vec<Membership>> {
        let rows = sqlx::query("SELECT * FROM membership WHERE viewer_id = $1 ORDER BY id")
            .bind(viewer.to_string())
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

    async fn entries(&self, after: i64, limit: u32) -> Result<Vec<ChainedEntry>> {
        journal::entries(self, after, limit).await
    }

    async fn entry_of_purchase(&self, purchase: PurchaseId) -> Result<Option<Entry>> {
        let mut connection = self.readers.acquire().await?;
        journal::entry_of_purchase(&mut connection, purchase, EntryKind::Purchase).await
    }
}

fn refund(row: &Row) -> Result<Refund> {
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

fn membership(row: &Row) -> Result<Membership> {
    Ok(Membership {
        id: row.parsed("id")?,
        viewer_id: row.parsed("viewer_id")?,
        plan_id: row.parsed("plan_id")?,
        streams: row.count("streams")?,
        starts_at: row.instant("starts_at")?,
        ends_at: row.instant("ends_at")?,
        revoked_at: row.instant_opt("revoked_at")?,
    })
}
