//! SQL of [`OutageDb`].

use std::collections::HashSet;

use async_trait::async_trait;

use super::playback::{append_change, session};
use super::row::{AFTER_ALL, Columns, to_json};
use super::{Connection, Row, SqlDb, idempotency, purchase};
use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{DealId, GrantId, OutageId, PartyId, PurchaseId};
use crate::ledger::refund_rule::COMPLETED_PERMILLE;
use crate::rights::entitlement::Entitlement;
use crate::rights::grant::Grant;
use crate::rights::outage::Outage;
use crate::rights::session::PlaybackSession;
use crate::store::db::outage::{OutageDb, OutageEffect, RecordedOutage};
use crate::store::db::playback::Change;
use crate::store::db::{Idempotency, Page, Written};

/// Grants whose clock ran in `[$1, $2)`, of all titles or of one, each with the length of its film and with who sold its
/// voucher.
const RAN: &str = "\
    SELECT g.*, t.runtime_ms, b.party_id AS seller_id FROM viewer_grant g JOIN title t ON t.id = g.title_id \
    LEFT JOIN voucher v ON v.id = g.voucher_id LEFT JOIN voucher_batch b ON b.id = v.batch_id \
    WHERE g.revoked_at IS NULL AND g.watch_ms IS NOT NULL AND g.available_at < $2 \
    AND (CAST($3 AS TEXT) IS NULL OR g.title_id = $3) AND (CAST($4 AS TEXT) IS NULL OR b.party_id = $4) \
    AND $1 < CASE WHEN g.start_within_ms IS NOT NULL AND g.first_play_at IS NULL \
     THEN g.available_at + g.start_within_ms + g.start_extended_ms \
     ELSE COALESCE(g.first_play_at, g.available_at) + g.watch_ms + g.extended_ms END \
    ORDER BY g.id";

/// Of an outage, purchases of one title that are due to be given back, as `refund_rule` has it.
const DUE: &str = "\
    (SELECT COUNT(DISTINCT p.id) FROM outage_extension x JOIN viewer_grant g ON g.id = x.grant_id \
     JOIN purchase p ON p.id = g.purchase_id WHERE x.outage_id = o.id AND x.is_short = 1 AND p.status = 'paid' \
     AND p.title_id IS NOT NULL AND g.revoked_at IS NULL AND COALESCE((SELECT MAX(q.furthest_permille) \
     FROM session_qoe q WHERE q.grant_id = g.id), 0) < $1) AS refunds_due";

const OUTAGES: &str = "\
    SELECT o.body, o.sessions, \
    (SELECT COUNT(*) FROM outage_extension x WHERE x.outage_id = o.id AND x.extended_ms > 0) AS grants, \
    (SELECT CAST(COALESCE(SUM(x.extended_ms), 0) AS BIGINT) FROM outage_extension x WHERE x.outage_id = o.id) \
     AS extended_ms";

#[async_trait]
impl OutageDb for SqlDb {
    async fn record_outage(&self, outage: &Outage, idempotency: Option<&Idempotency>) -> Result<Written<OutageEffect>> {
        let (outage, key) = (outage.clone(), idempotency.cloned());
        self.write(move |conn| Box::pin(async move { record(conn, &outage, key.as_ref()).await })).await
    }

    async fn measure_outage(&self, outage: &Outage) -> Result<OutageEffect> {
        let mut moment = self.readers.begin().await?;
        let toll = Toll::of(&mut moment, outage).await?;
        let effect = toll.effect(&mut moment).await?;
        moment.rollback().await?;
        Ok(effect)
    }

    async fn outages(&self, party: Option<PartyId>, page: &Page) -> Result<Vec<RecordedOutage>> {
        let sql = format!(
            "{OUTAGES}, {DUE} FROM outage o WHERE o.id < $2 AND (CAST($3 AS TEXT) IS NULL OR o.party_id = $3) \
             ORDER BY o.id DESC LIMIT $4"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(COMPLETED_PERMILLE as i64)
            .bind(page.after.as_deref().unwrap_or(AFTER_ALL))
            .bind(party.map(|id| id.to_string()))
            .bind(i64::from(page.limit))
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(recorded).collect()
    }

    async fn outage(&self, id: OutageId) -> Result<Option<RecordedOutage>> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{OUTAGES}, {DUE} FROM outage o WHERE o.id = $2")))
            .bind(COMPLETED_PERMILLE as i64)
            .bind(id.to_string())
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(recorded).transpose()
    }
}

/// What an outage took, and from whom.
struct Toll {
    grants: Vec<Loss>,
    /// Open sessions with what they are entitled to now.
    sessions: Vec<(PlaybackSession, Entitlement)>,
}

/// A grant that an outage met.
struct Loss {
    grant_id: GrantId,
    purchase_id: Option<PurchaseId>,
    extended: Grant,
    extended_ms: i64,
    is_of_start: bool,
    is_short: bool,
}

async fn record(conn: &mut Connection, outage: &Outage, key: Option<&Idempotency>) -> Result<Written<OutageEffect>> {
    if let Some(written) = idempotency::seen(conn, key).await? {
        return Ok(written);
    }
    let toll = Toll::of(conn, outage).await?;
    let effect = toll.effect(conn).await?;
    sqlx::query("INSERT INTO outage (id, party_id, from_at, to_at, sessions, body) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(outage.id.to_string())
        .bind(outage.party_id.map(|id| id.to_string()))
        .bind(outage.from.0)
        .bind(outage.to.0)
        .bind(i64::from(effect.sessions))
        .bind(to_json(outage)?)
        .execute(&mut *conn)
        .await?;
    for loss in &toll.grants {
        give_back(conn, outage, loss).await?;
    }
    for (session, entitlement) in &toll.sessions {
        sqlx::query("UPDATE session SET entitlement = $2 WHERE id = $1")
            .bind(session.id.to_string())
            .bind(to_json(entitlement)?)
            .execute(&mut *conn)
            .await?;
        append_change(conn, Change::Session(session.id), outage.created_at).await?;
    }
    idempotency::remember(conn, key, &outage.id.to_string(), outage.created_at).await?;
    Ok(Written::New(effect))
}

async fn give_back(conn: &mut Connection, outage: &Outage, loss: &Loss) -> Result<()> {
    sqlx::query(
        "INSERT INTO outage_extension (outage_id, grant_id, extended_ms, is_of_start, is_short) \
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(outage.id.to_string())
    .bind(loss.grant_id.to_string())
    .bind(loss.extended_ms)
    .bind(i64::from(loss.is_of_start))
    .bind(i64::from(loss.is_short))
    .execute(&mut *conn)
    .await?;
    if loss.extended_ms == 0 {
        return Ok(());
    }
    sqlx::query("UPDATE viewer_grant SET extended_ms = $2, start_extended_ms = $3 WHERE id = $1")
        .bind(loss.grant_id.to_string())
        .bind(loss.extended.extended_ms)
        .bind(loss.extended.start_extended_ms)
        .execute(&mut *conn)
        .await?;
    append_change(conn, Change::Grant(loss.grant_id), outage.created_at).await
}

impl Toll {
    async fn of(conn: &mut Connection, outage: &Outage) -> Result<Toll> {
        require(conn, outage).await?;
        let rows = sqlx::query("SELECT body FROM outage WHERE from_at < $2 AND to_at > $1 ORDER BY id")
            .bind(outage.from.0)
            .bind(outage.to.0)
            .fetch_all(&mut *conn)
            .await?;
        let earlier = rows.iter().map(|row| row.json("body")).collect::<Result<Vec<Outage>>>()?;
        let titles: Vec<Option<String>> = match &outage.title_ids {
            None => vec![None],
            Some(titles) => titles.iter().collect::<HashSet<_>>().into_iter().map(|id| Some(id.to_string())).collect(),
        };
        let mut grants = Vec::new();
        for title in titles {
            let rows = sqlx::query(RAN)
                .bind(outage.from.0)
                .bind(outage.to.0)
                .bind(title)
                .bind(outage.party_id.map(|id| id.to_string()))
                .fetch_all(&mut *conn)
                .await?;
            for row in &rows {
                grants.extend(loss(row, outage, &earlier)?);
            }
        }
        Ok(Toll { grants, sessions: sessions(conn, outage, &earlier).await? })
    }

    async fn effect(&self, conn: &mut Connection) -> Result<OutageEffect> {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let mut refunds_due = 0;
        for loss in self.grants.iter().filter(|loss| loss.is_short) {
            refunds_due += u32::from(is_due(conn, loss).await?);
        }
        Ok(OutageEffect {
            grants: count(self.grants.iter().filter(|loss| loss.extended_ms > 0).count()),
            extended_ms: self.grants.iter().map(|loss| loss.extended_ms).sum(),
            sessions: count(self.sessions.len()),
            refunds_due,
        })
    }
}

async fn require(conn: &mut Connection, outage: &Outage) -> Result<()> {
    let missing = |code, param: &str, message| Error::new(ErrorKind::Unprocessable, code, message).with_param(param);
    if let Some(id) = outage.party_id {
        let there = sqlx::query("SELECT id FROM party WHERE id = $1").bind(id.to_string());
        if there.fetch_optional(&mut *conn).await?.is_none() {
            return Err(missing("PARTY_NOT_FOUND", "party_id", format!("There is no party {id}.")));
        }
    }
    for id in outage.title_ids.iter().flatten() {
        let there = sqlx::query("SELECT id FROM title WHERE id = $1").bind(id.to_string());
        if there.fetch_optional(&mut *conn).await?.is_none() {
            return Err(missing("TITLE_NOT_FOUND", "title_ids", format!("There is no title {id}.")));
        }
    }
    Ok(())
}

/// None where nothing was lost that has not been given back.
fn loss(row: &Row, outage: &Outage, earlier: &[Outage]) -> Result<Option<Loss>> {
    let grant = purchase::grant(row)?;
    let seller: Option<PartyId> = row.parsed_opt("seller_id")?;
    let Some(running) = grant.running() else { return Ok(None) };
    let about: Vec<&Outage> = earlier.iter().filter(|other| other.is_about(grant.title_id, seller)).collect();
    let lost_ms = outage.lost_ms(running, &about);
    if lost_ms == 0 {
        return Ok(None);
    }
    let extended = grant.extended(lost_ms);
    let runtime_ms = row.int("runtime_ms")?;
    let is_too_little = |grant: &Grant, at| grant.left_ms(at).is_some_and(|left_ms| left_ms < runtime_ms);
    let is_cut_short = !is_too_little(&grant, outage.from.max(running.0)) && is_too_little(&grant, outage.to);
    Ok(Some(Loss {
        grant_id: grant.id,
        purchase_id: grant.cause.purchase_id(),
        extended_ms: extended.extension_ms() - grant.extension_ms(),
        is_of_start: !grant.is_started(),
        is_short: is_cut_short && is_too_little(&extended, outage.created_at),
        extended,
    }))
}

/// Whether a purchase of one title stands behind it that was not watched whole.
async fn is_due(conn: &mut Connection, loss: &Loss) -> Result<bool> {
    let Some(purchase_id) = loss.purchase_id else { return Ok(false) };
    let row = sqlx::query(
        "SELECT p.id FROM purchase p WHERE p.id = $1 AND p.status = 'paid' AND p.title_id IS NOT NULL \
         AND COALESCE((SELECT MAX(q.furthest_permille) FROM session_qoe q WHERE q.grant_id = $2), 0) < $3",
    )
    .bind(purchase_id.to_string())
    .bind(loss.grant_id.to_string())
    .bind(COMPLETED_PERMILLE as i64)
    .fetch_optional(conn)
    .await?;
    Ok(row.is_some())
}

/// Of a party's viewers who play from this server: their party's word reaches further.
async fn sessions(
    conn: &mut Connection,
    outage: &Outage,
    earlier: &[Outage],
) -> Result<Vec<(PlaybackSession, Entitlement)>> {
    let Some(party_id) = outage.party_id else { return Ok(Vec::new()) };
    let rows = sqlx::query("SELECT id FROM deal WHERE party_id = $1").bind(party_id.to_string());
    let deals: HashSet<DealId> =
        rows.fetch_all(&mut *conn).await?.iter().map(|row| row.parsed("id")).collect::<Result<_>>()?;
    let rows = sqlx::query(
        "SELECT * FROM session WHERE ended_at IS NULL AND expires_at > $1 AND opened_at < $2 \
         AND entitlement LIKE '%\"deal_id\":\"%' ORDER BY id",
    )
    .bind(outage.created_at.0)
    .bind(outage.to.0)
    .fetch_all(conn)
    .await?;
    let mut longer = Vec::new();
    for session in rows.iter().map(session) {
        let session = session?;
        let is_theirs = session.entitlement.deal_id.is_some_and(|id| deals.contains(&id));
        let Some(ends_at) = session.entitlement.ends_at.filter(|_| is_theirs) else { continue };
        if !outage.is_about(session.title_id, Some(party_id)) {
            continue;
        }
        // Our own outages have moved no word of theirs.
        let theirs =
            |other: &&Outage| other.party_id == Some(party_id) && other.is_about(session.title_id, Some(party_id));
        let about: Vec<&Outage> = earlier.iter().filter(theirs).collect();
        let lost_ms = outage.lost_ms((session.opened_at, ends_at), &about);
        if lost_ms > 0 {
            let ends_at = UtcMs(ends_at.0.saturating_add(lost_ms));
            let entitlement = Entitlement { ends_at: Some(ends_at), ..session.entitlement.clone() };
            longer.push((session, entitlement));
        }
    }
    Ok(longer)
}

fn recorded(row: &Row) -> Result<RecordedOutage> {
    Ok(RecordedOutage {
        outage: row.json("body")?,
        effect: OutageEffect {
            grants: row.count("grants")?,
            extended_ms: row.int("extended_ms")?,
            sessions: row.count("sessions")?,
            refunds_due: row.count("refunds_due")?,
        },
    })
}
