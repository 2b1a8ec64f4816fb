//! SQL of [`DealDb`].

use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::error::corrupt;
use super::plan::{Plan, plan_of};
use super::playback::append_change;
use super::row::{Columns, to_json};
use super::{Connection, Row, SqlDb, idempotency};
use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{DealId, PartyId, TitleId};
use crate::base::limits;
use crate::rights::conflict::held_back;
use crate::rights::deal::{Deal, DealConflict, DealEdit, Met, findings};
use crate::rights::party::Party;
use crate::store::db::deal::{DealDb, KeptKey};
use crate::store::db::playback::Change;
use crate::store::db::{Idempotency, Written};

#[async_trait]
impl DealDb for SqlDb {
    async fn parties(&self) -> Result<Vec<Party>> {
        let rows = sqlx::query("SELECT body FROM party ORDER BY id").fetch_all(&self.readers).await?;
        rows.iter().map(|row| row.json("body")).collect()
    }

    async fn insert_party(&self, party: &Party, idempotency: Option<&Idempotency>) -> Result<Written<()>> {
        let (party, key) = (party.clone(), idempotency.cloned());
        self.write(move |conn| Box::pin(async move { insert_party(conn, &party, key.as_ref()).await })).await
    }

    async fn update_party(&self, party: &Party, at: UtcMs) -> Result<()> {
        let party = party.clone();
        self.write(move |conn| Box::pin(async move { update_party(conn, &party, at).await })).await
    }

    async fn insert_deal(&self, deal: &Deal, idempotency: Option<&Idempotency>, at: UtcMs) -> Result<Written<()>> {
        let (deal, key) = (deal.clone(), idempotency.cloned());
        self.write(move |conn| Box::pin(async move { insert_deal(conn, &deal, key.as_ref(), at).await })).await
    }

    async fn deal(&self, id: DealId) -> Result<Option<Deal>> {
        let row = sqlx::query("SELECT body FROM deal WHERE id = $1").bind(id.to_string());
        row.fetch_optional(&self.readers).await?.as_ref().map(deal).transpose()
    }

    async fn edit_deal(&self, id: DealId, party: Option<PartyId>, edit: DealEdit, at: UtcMs) -> Result<(Deal, Deal)> {
        self.write(move |conn| Box::pin(async move { edit_deal(conn, id, party, edit, at).await })).await
    }

    async fn revoke_deal(&self, id: DealId, at: UtcMs) -> Result<bool> {
        self.write(move |conn| Box::pin(async move { revoke_deal(conn, id, at).await })).await
    }

    async fn keep_package_key(&self, key: &KeptKey) -> Result<()> {
        let key = key.clone();
        self.write(move |conn| Box::pin(async move { keep_package_key(conn, &key).await })).await
    }

    async fn package_key(&self, deal: DealId) -> Result<Option<KeptKey>> {
        let row = sqlx::query("SELECT * FROM package_key WHERE deal_id = $1")
            .bind(deal.to_string())
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(kept_key).transpose()
    }

    async fn note_package_key_taken(&self, deal: DealId, at: UtcMs) -> Result<()> {
        self.write(move |conn| {
            Box::pin(async move {
                sqlx::query("UPDATE package_key SET taken_at = $2 WHERE deal_id = $1 AND taken_at IS NULL")
                    .bind(deal.to_string())
                    .bind(at.0)
                    .execute(conn)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    async fn delete_deal(&self, id: DealId, at: UtcMs) -> Result<()> {
        self.write(move |conn| Box::pin(async move { delete_deal(conn, id, at).await })).await
    }
}

async fn insert_party(conn: &mut Connection, party: &Party, key: Option<&Idempotency>) -> Result<Written<()>> {
    if let Some(written) = idempotency::seen(conn, key).await? {
        return Ok(written);
    }
    let row = sqlx::query("SELECT COUNT(*) AS parties FROM party").fetch_one(&mut *conn).await?;
    if row.count::<usize>("parties")? >= limits::PARTIES_MAX {
        let message = format!("There are {} parties, and no more are kept.", limits::PARTIES_MAX);
        return Err(Error::new(ErrorKind::Conflict, "PARTIES_FULL", message));
    }
    refuse_taken(conn, party).await?;
    sqlx::query("INSERT INTO party (id, issuer, body, version) VALUES ($1, $2, $3, $4)")
        .bind(party.id.to_string())
        .bind(party.signer.as_ref().map(|signer| signer.issuer.clone()))
        .bind(to_json(party)?)
        .bind(party.version)
        .execute(&mut *conn)
        .await?;
    idempotency::remember(conn, key, &party.id.to_string(), party.created_at).await?;
    append_change(conn, Change::Catalog, party.created_at).await?;
    Ok(Written::New(()))
}

async fn update_party(conn: &mut Connection, party: &Party, at: UtcMs) -> Result<()> {
    refuse_taken(conn, party).await?;
    let updated =
        sqlx::query("UPDATE party SET issuer = $2, body = $3, version = $4 WHERE id = $1 AND version = $4 - 1")
            .bind(party.id.to_string())
            .bind(party.signer.as_ref().map(|signer| signer.issuer.clone()))
            .bind(to_json(party)?)
            .bind(party.version)
            .execute(&mut *conn)
            .await?;
    if updated.rows_affected() == 0 {
        let there = sqlx::query("SELECT id FROM party WHERE id = $1").bind(party.id.to_string());
        return Err(match there.fetch_optional(conn).await? {
            Some(_) => Error::new(
                ErrorKind::Precondition,
                "VERSION_CONFLICT",
                "Somebody has edited this party since you read it. Read it again.",
            ),
            None => Error::new(ErrorKind::NotFound, "PARTY_NOT_FOUND", "There is no such party."),
        });
    }
    append_change(conn, Change::Catalog, at).await
}

async fn refuse_taken(conn: &mut Connection, party: &Party) -> Result<()> {
    let Some(signer) = &party.signer else { return Ok(()) };
    let taken = sqlx::query("SELECT id FROM party WHERE issuer = $1 AND id <> $2")
        .bind(&signer.issuer)
        .bind(party.id.to_string())
        .fetch_optional(conn)
        .await?;
    if taken.is_none() {
        return Ok(());
    }
    let error = Error::new(ErrorKind::Conflict, "ISSUER_TAKEN", "Another party signs with this issuer.");
    Err(error.with_param("signer.issuer"))
}

async fn insert_deal(conn: &mut Connection, deal: &Deal, key: Option<&Idempotency>, at: UtcMs) -> Result<Written<()>> {
    if let Some(written) = idempotency::seen(conn, key).await? {
        return Ok(written);
    }
    require_party(conn, deal.party_id, "party_id").await?;
    for party in deal.exclusivity.iter().flat_map(|group| &group.with) {
        require_party(conn, *party, "exclusivity.with").await?;
    }
    let count = sqlx::query("SELECT COUNT(*) AS deals FROM deal WHERE title_id = $1").bind(deal.title_id.to_string());
    if count.fetch_one(&mut *conn).await?.count::<usize>("deals")? >= limits::DEALS_PER_TITLE_MAX {
        let message = format!("A title has at most {} deals.", limits::DEALS_PER_TITLE_MAX);
        return Err(Error::new(ErrorKind::Conflict, "TOO_MANY_DEALS", message));
    }
    refuse_conflicts(conn, deal, at).await?;
    sqlx::query("INSERT INTO deal (id, title_id, party_id, body) VALUES ($1, $2, $3, $4)")
        .bind(deal.id.to_string())
        .bind(deal.title_id.to_string())
        .bind(deal.party_id.to_string())
        .bind(to_json(deal)?)
        .execute(&mut *conn)
        .await?;
    idempotency::remember(conn, key, &deal.id.to_string(), at).await?;
    append_change(conn, Change::Title(deal.title_id), at).await?;
    Ok(Written::New(()))
}

async fn require_party(conn: &mut Connection, id: PartyId, param: &str) -> Result<()> {
    let there = sqlx::query("SELECT id FROM party WHERE id = $1").bind(id.to_string()).fetch_optional(conn).await?;
    let message = || format!("There is no party {id}.");
    let missing = || Error::new(ErrorKind::Unprocessable, "PARTY_NOT_FOUND", message()).with_param(param);
    there.map(|_| ()).ok_or_else(missing)
}

async fn edit_deal(
    conn: &mut Connection,
    id: DealId,
    party: Option<PartyId>,
    edit: DealEdit,
    at: UtcMs,
) -> Result<(Deal, Deal)> {
    let before = by_id(conn, id).await?;
    if party.is_some_and(|party| party != before.party_id) {
        return Err(deal_not_found());
    }
    let after = before.edited(edit, at)?;
    // What stood against it before the change is not the change's.
    let Plan { avails, holdbacks, deals } = plan_of(conn, after.title_id).await?;
    let there: Vec<Met> =
        findings(&before, &avails, &deals, &holdbacks, at).iter().map(|conflict| conflict.met).collect();
    let found = findings(&after, &avails, &deals, &holdbacks, at);
    if let Some(conflict) = found.iter().find(|conflict| !there.contains(&conflict.met)) {
        return Err(refused(conflict));
    }
    write_deal(conn, &after, at).await?;
    if after.window.start_at != before.window.start_at {
        refuse_early(conn, &after, at).await?;
    }
    Ok((before, after))
}

/// Refuses a deal whose opening leaves something too early that waits for it.
async fn refuse_early(conn: &mut Connection, deal: &Deal, at: UtcMs) -> Result<()> {
    let Plan { avails, mut holdbacks, deals } = plan_of(conn, deal.title_id).await?;
    holdbacks.retain(|holdback| holdback.counts_from(deal.id));
    if let Some(waiting) = held_back(&avails, &holdbacks, &deals, at).first() {
        let days = waiting.days().map_or(String::new(), |days| format!(" by {days} days"));
        let message = format!(
            "The window {} waits for this opening, and would open too early{days}. Move that first.",
            waiting.avail_id
        );
        return Err(Error::new(ErrorKind::Conflict, "DEAL_AWAITED", message));
    }
    refuse_early_deals(conn, deal.title_id, at).await
}

async fn revoke_deal(conn: &mut Connection, id: DealId, at: UtcMs) -> Result<bool> {
    let found = by_id(conn, id).await?;
    if found.revoked_at.is_some() {
        return Ok(false);
    }
    write_deal(conn, &Deal { revoked_at: Some(at), ..found }, at).await?;
    Ok(true)
}

pub async fn by_id(conn: &mut Connection, id: DealId) -> Result<Deal> {
    let row = sqlx::query("SELECT body FROM deal WHERE id = $1").bind(id.to_string());
    row.fetch_optional(conn).await?.as_ref().map(deal).transpose()?.ok_or_else(deal_not_found)
}

async fn write_deal(conn: &mut Connection, deal: &Deal, at: UtcMs) -> Result<()> {
    sqlx::query("UPDATE deal SET body = $2 WHERE id = $1")
        .bind(deal.id.to_string())
        .bind(to_json(deal)?)
        .execute(&mut *conn)
        .await?;
    append_change(conn, Change::Title(deal.title_id), at).await
}

async fn keep_package_key(conn: &mut Connection, key: &KeptKey) -> Result<()> {
    by_id(conn, key.deal_id).await?;
    sqlx::query("DELETE FROM package_key WHERE deal_id = $1").bind(key.deal_id.to_string()).execute(&mut *conn).await?;
    sqlx::query("INSERT INTO package_key (deal_id, package, wrapped, kept_at, taken_at) VALUES ($1, $2, $3, $4, $5)")
        .bind(key.deal_id.to_string())
        .bind(&key.package)
        .bind(BASE64_STANDARD.encode(&key.wrapped))
        .bind(key.kept_at.0)
        .bind(key.taken_at.map(|at| at.0))
        .execute(conn)
        .await?;
    Ok(())
}

fn kept_key(row: &Row) -> Result<KeptKey> {
    let wrapped = BASE64_STANDARD.decode(row.text("wrapped")?);
    Ok(KeptKey {
        deal_id: row.parsed("deal_id")?,
        package: row.text("package")?,
        kept_at: row.instant("kept_at")?,
        taken_at: row.instant_opt("taken_at")?,
        wrapped: wrapped.map_err(|error| corrupt("A row of the database is damaged.").with_source(error))?,
    })
}

async fn delete_deal(conn: &mut Connection, id: DealId, at: UtcMs) -> Result<()> {
    let found = by_id(conn, id).await?;
    if found.window.start_at <= at {
        let message = "The deal has begun. End it, or revoke it, instead.";
        return Err(Error::new(ErrorKind::Conflict, "DEAL_OPENED", message));
    }
    let Plan { holdbacks, .. } = plan_of(conn, found.title_id).await?;
    if let Some(holdback) = holdbacks.iter().find(|holdback| holdback.counts_from(id)) {
        let message = format!("The holdback {} counts from its opening; remove that first.", holdback.id);
        return Err(Error::new(ErrorKind::Conflict, "DEAL_AWAITED", message));
    }
    let sent = sqlx::query("SELECT id FROM delivery WHERE deal_id = $1 LIMIT 1").bind(id.to_string());
    if sent.fetch_optional(&mut *conn).await?.is_some() {
        let message = "Files were sent under this deal, and that stays on record. Revoke the deal instead.";
        return Err(Error::new(ErrorKind::Conflict, "DEAL_DELIVERED", message));
    }
    sqlx::query("DELETE FROM package_key WHERE deal_id = $1").bind(id.to_string()).execute(&mut *conn).await?;
    sqlx::query("DELETE FROM deal WHERE id = $1").bind(id.to_string()).execute(&mut *conn).await?;
    append_change(conn, Change::Title(found.title_id), at).await
}

/// Refuses a plan in which a deal would open before a holdback lets it: asked where windows or holdbacks are written.
pub async fn refuse_early_deals(conn: &mut Connection, title: TitleId, at: UtcMs) -> Result<()> {
    let Plan { avails, holdbacks, deals } = plan_of(conn, title).await?;
    let mut found = deals.iter().flat_map(|deal| {
        let held = findings(deal, &avails, &deals, &holdbacks, at).into_iter();
        held.filter(|conflict| matches!(conflict.met, Met::Holdback(_))).map(move |conflict| (deal.id, conflict))
    });
    let Some((id, conflict)) = found.next() else { return Ok(()) };
    let days = days(&conflict);
    let message =
        format!("With it the deal {id} would open before a holdback lets it{days}. Move or end the deal first.");
    Err(Error::new(ErrorKind::Conflict, "DEAL_CONFLICT", message))
}

/// Asked in the transaction of the write, so that two deals made at once do not both get in.
async fn refuse_conflicts(conn: &mut Connection, proposed: &Deal, at: UtcMs) -> Result<()> {
    let plan = plan_of(conn, proposed.title_id).await?;
    let found = findings(proposed, &plan.avails, &plan.deals, &plan.holdbacks, at);
    found.first().map_or(Ok(()), |conflict| Err(refused(conflict)))
}

fn refused(conflict: &DealConflict) -> Error {
    let days = days(conflict);
    let message = match conflict.met {
        Met::Avail(id) => {
            format!(
                "What the party was to have alone is in our own window {id} too{days}. Move one of them, or share it."
            )
        }
        Met::Deal(id) => {
            format!(
                "It meets the deal {id}, and one of both was to have the title alone{days}. Move or end one of them."
            )
        }
        Met::Holdback(id) => format!("It opens before the holdback {id} lets it{days}. Open it later."),
    };
    Error::new(ErrorKind::Conflict, "DEAL_CONFLICT", message)
}

fn days(conflict: &DealConflict) -> String {
    match conflict.days() {
        None => String::new(),
        Some(1) => ", one day".to_owned(),
        Some(days) => format!(", {days} days"),
    }
}

fn deal_not_found() -> Error {
    Error::new(ErrorKind::NotFound, "DEAL_NOT_FOUND", "There is no such deal.")
}

pub fn deal(row: &Row) -> Result<Deal> {
    row.json("body")
}
