//! The transactions of a purchase. Each function is called inside the writer's transaction and checks everything before
//! it changes anything.

use super::playback::append_change;
use super::row::{Columns, clock_columns, to_json};
use super::{Connection, Row, audit, commerce, idempotency, journal, product, wallet};
use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{GrantId, MembershipId, ProductId, PurchaseId, TitleId, ViewerId};
use crate::ledger::coupon::FundedBy;
use crate::ledger::entry::{Entry, EntryKind};
use crate::ledger::purchase::{ClosedBecause, Discount, Good, Line, PaymentAction, Purchase, PurchaseStatus, Refund};
use crate::rights::grant::{Grant, GrantCause};
use crate::rights::membership::Membership;
use crate::store::db::audit::AuditLine;
use crate::store::db::commerce::{Begun, Given, PurchaseClosed, Settled};
use crate::store::db::playback::Change;
use crate::store::db::sales::PaymentEventKind;
use crate::store::db::{Idempotency, Written};

/// Of a viewer: those that an operator gave, and those that were bought with the kind of money that `$2` says.
pub const MEMBERSHIPS: &str = "\
    SELECT m.* FROM membership m LEFT JOIN purchase p ON p.id = m.purchase_id \
    WHERE m.viewer_id = $1 AND (m.purchase_id IS NULL OR p.livemode = $2) ORDER BY m.id";

pub async fn begin(
    conn: &mut Connection,
    purchase: &Purchase,
    grants_seen: usize,
    key: &Idempotency,
) -> Result<Written<Begun>> {
    if let Some(written) = idempotency::seen(conn, Some(key)).await? {
        return Ok(written);
    }
    if let Some(product_id) = purchase.good.product_id()
        && let Some(other) = pending_of_product(conn, purchase.viewer_id, product_id).await?
    {
        return Ok(Written::New(Begun::OtherPending(other)));
    }
    let mut grants = 0;
    for line in purchase.good.lines() {
        if let Some(other) = pending_of(conn, purchase.viewer_id, line.title_id).await? {
            return Ok(Written::New(Begun::OtherPending(other)));
        }
        grants += grant_count(conn, purchase.viewer_id, line.title_id, purchase.livemode).await?;
    }
    if grants != grants_seen || !product::is_discounted_rightly(conn, purchase).await? {
        return Ok(Written::New(Begun::RightsChanged));
    }
    insert(conn, purchase).await?;
    idempotency::remember(conn, Some(key), &purchase.id.to_string(), purchase.created_at).await?;
    Ok(Written::New(Begun::Recorded))
}

/// The viewer's pending purchase of a title, alone or in a bundle.
pub async fn pending_of(conn: &mut Connection, viewer: ViewerId, title: TitleId) -> Result<Option<PurchaseId>> {
    let row = sqlx::query(
        "SELECT id FROM purchase WHERE viewer_id = $1 AND status = 'pending' AND (title_id = $2 OR product_id IN \
         (SELECT b.product_id FROM bundle_offer b JOIN offer f ON f.id = b.offer_id WHERE f.title_id = $2)) LIMIT 1",
    )
    .bind(viewer.to_string())
    .bind(title.to_string())
    .fetch_optional(conn)
    .await?;
    row.map(|row| row.parsed("id")).transpose()
}

async fn pending_of_product(conn: &mut Connection, viewer: ViewerId, id: ProductId) -> Result<Option<PurchaseId>> {
    let row = sqlx::query("SELECT id FROM purchase WHERE viewer_id = $1 AND product_id = $2 AND status = 'pending'")
        .bind(viewer.to_string())
        .bind(id.to_string())
        .fetch_optional(conn)
        .await?;
    row.map(|row| row.parsed("id")).transpose()
}

/// How many grants of a title the viewer has had.
pub async fn grant_count(conn: &mut Connection, viewer: ViewerId, title: TitleId, livemode: bool) -> Result<usize> {
    let counted =
        "SELECT COUNT(*) AS grants FROM viewer_grant WHERE viewer_id = $1 AND title_id = $2 AND livemode = $3";
    let row = sqlx::query(counted)
        .bind(viewer.to_string())
        .bind(title.to_string())
        .bind(i64::from(livemode))
        .fetch_one(conn)
        .await?;
    row.count("grants")
}

pub async fn keep_action(conn: &mut Connection, id: PurchaseId, action: &PaymentAction) -> Result<()> {
    sqlx::query("UPDATE purchase SET payment_action = $2 WHERE id = $1 AND status = 'pending'")
        .bind(id.to_string())
        .bind(to_json(action)?)
        .execute(conn)
        .await?;
    Ok(())
}

pub async fn settle(
    conn: &mut Connection,
    id: PurchaseId,
    event_id: Option<&str>,
    entry: &Entry,
    given: &Given,
) -> Result<Settled> {
    let facts = entry.facts();
    let Given { grants, membership, coins } = given;
    let is_of_it = facts.purchase_id == id
        && facts.kind == EntryKind::Purchase
        && grants.iter().all(|grant| grant.cause == GrantCause::Purchase(id))
        && membership.iter().all(|membership| membership.purchase_id == Some(id))
        && coins.iter().all(|lot| lot.purchase_id == Some(id));
    if !is_of_it || given.is_nothing() {
        return Err(Error::internal(format!(
            "an entry that is not of purchase {id}, or something that it did not give"
        )));
    }
    if !leave_pending(conn, id, event_id, PurchaseStatus::Paid, facts.at).await? {
        return Ok(Settled::AlreadyDecided);
    }
    journal::append(conn, entry).await?;
    for grant in grants {
        insert_grant(conn, grant).await?;
    }
    if let Some(membership) = membership {
        let membership = after_the_last(conn, membership).await?;
        commerce::insert_membership(conn, &membership).await?;
    }
    for lot in coins {
        wallet::insert_lot(conn, lot).await?;
    }
    Ok(Settled::Done)
}

pub async fn close(
    conn: &mut Connection,
    id: PurchaseId,
    event_id: Option<&str>,
    closed: PurchaseClosed,
    at: UtcMs,
) -> Result<Settled> {
    let (status, why) = match closed {
        PurchaseClosed::Declined => (PurchaseStatus::Declined, None),
        PurchaseClosed::Expired => (PurchaseStatus::Expired, None),
        PurchaseClosed::NotKept(why) => (PurchaseStatus::Expired, Some(why)),
    };
    if !leave_pending(conn, id, event_id, status, at).await? {
        return Ok(Settled::AlreadyDecided);
    }
    if let Some(why) = why {
        sqlx::query("UPDATE purchase SET closed_because = $2 WHERE id = $1")
            .bind(id.to_string())
            .bind(why.as_str())
            .execute(conn)
            .await?;
    }
    Ok(Settled::Done)
}

pub async fn refund(
    conn: &mut Connection,
    refund: &Refund,
    reversal: &Entry,
    key: &Idempotency,
) -> Result<Written<Settled>> {
    if let Some(written) = idempotency::seen(conn, Some(key)).await? {
        return Ok(written);
    }
    let id = refund.purchase_id;
    if status(conn, id).await? != PurchaseStatus::Paid {
        return Ok(Written::New(Settled::AlreadyDecided));
    }
    let sale = journal::entry_of_purchase(conn, id, EntryKind::Purchase).await?.map(|entry| entry.id());
    let facts = reversal.facts();
    if facts.purchase_id != id || facts.kind != EntryKind::Refund || facts.reverses != sale {
        return Err(Error::internal(format!("a reversal that is not of the sale of purchase {id}")));
    }
    sqlx::query("UPDATE purchase SET status = $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(PurchaseStatus::Refunded.as_str())
        .execute(&mut *conn)
        .await?;
    sqlx::query(
        "INSERT INTO refund (id, purchase_id, amount_minor, currency, reason, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(refund.id.to_string())
    .bind(id.to_string())
    .bind(refund.amount.minor)
    .bind(refund.amount.currency.code())
    .bind(&refund.reason)
    .bind(refund.created_at.0)
    .execute(&mut *conn)
    .await?;
    journal::append(conn, reversal).await?;
    let given = given(conn, id).await?;
    for grant in &given.grants {
        revoke_grant(conn, grant.id, "refund", refund.created_at).await?;
    }
    if let Some(membership) = &given.membership {
        commerce::end_membership(conn, membership.id, "refund", refund.created_at).await?;
        close_the_gap(conn, membership, refund.created_at).await?;
    }
    for lot in &given.coins {
        wallet::void_lot(conn, lot.id, "refund", refund.created_at).await?;
    }
    idempotency::remember(conn, Some(key), &refund.id.to_string(), refund.created_at).await?;
    Ok(Written::New(Settled::Done))
}

pub async fn late(conn: &mut Connection, id: PurchaseId, event_id: &str, line: &AuditLine) -> Result<Settled> {
    if !matches!(status(conn, id).await?, PurchaseStatus::Declined | PurchaseStatus::Expired)
        || !record_event(conn, id, event_id, PaymentEventKind::Late, line.at).await?
    {
        return Ok(Settled::AlreadyDecided);
    }
    audit::append(conn, line).await?;
    Ok(Settled::Done)
}

/// What a purchase gave.
pub async fn given(conn: &mut Connection, id: PurchaseId) -> Result<Given> {
    let grants = sqlx::query("SELECT * FROM viewer_grant WHERE purchase_id = $1 ORDER BY id")
        .bind(id.to_string())
        .fetch_all(&mut *conn)
        .await?;
    let membership = sqlx::query("SELECT * FROM membership WHERE purchase_id = $1")
        .bind(id.to_string())
        .fetch_optional(&mut *conn)
        .await?;
    Ok(Given {
        grants: grants.iter().map(grant).collect::<Result<_>>()?,
        membership: membership.as_ref().map(commerce::membership).transpose()?,
        coins: wallet::lots_of_purchase(conn, id).await?,
    })
}

/// A membership that is bought while one of the same plan lasts begins when that, and what follows it without a gap, ends.
async fn after_the_last(conn: &mut Connection, bought: &Membership) -> Result<Membership> {
    let livemode: i64 = sqlx::query_scalar("SELECT livemode FROM purchase WHERE id = $1")
        .bind(bought.purchase_id.map(|id| id.to_string()))
        .fetch_one(&mut *conn)
        .await?;
    let rows = sqlx::query(MEMBERSHIPS).bind(bought.viewer_id.to_string()).bind(livemode).fetch_all(conn).await?;
    let mut others = rows.iter().map(commerce::membership).collect::<Result<Vec<_>>>()?;
    others.retain(|other| other.plan_id == bought.plan_id && other.revoked_at.is_none());
    others.sort_by_key(|other| other.starts_at);
    let starts_at = others.iter().fold(bought.starts_at, |starts_at, other| {
        if other.starts_at <= starts_at { starts_at.max(other.ends_at) } else { starts_at }
    });
    let ends_at = UtcMs(starts_at.0.saturating_add(bought.ends_at.0 - bought.starts_at.0));
    Ok(Membership { starts_at, ends_at, ..bought.clone() })
}

/// What was bought to follow a membership that is given back begins as much earlier.
async fn close_the_gap(conn: &mut Connection, gone: &Membership, at: UtcMs) -> Result<()> {
    let earlier_ms = gone.ends_at.0 - gone.starts_at.0.max(at.0);
    if earlier_ms <= 0 {
        return Ok(());
    }
    let rows = sqlx::query(
        "SELECT id FROM membership WHERE viewer_id = $1 AND plan_id = $2 AND purchase_id IS NOT NULL \
         AND revoked_at IS NULL AND starts_at >= $3 AND starts_at > $4",
    )
    .bind(gone.viewer_id.to_string())
    .bind(gone.plan_id.to_string())
    .bind(gone.ends_at.0)
    .bind(at.0)
    .fetch_all(&mut *conn)
    .await?;
    for row in &rows {
        let id: MembershipId = row.parsed("id")?;
        sqlx::query("UPDATE membership SET starts_at = starts_at - $2, ends_at = ends_at - $2 WHERE id = $1")
            .bind(id.to_string())
            .bind(earlier_ms)
            .execute(&mut *conn)
            .await?;
        append_change(conn, Change::Membership(id), at).await?;
    }
    Ok(())
}

/// Revokes it and says so to the nodes; false when it was revoked already.
pub async fn revoke_grant(conn: &mut Connection, id: GrantId, reason: &str, at: UtcMs) -> Result<bool> {
    let row = sqlx::query("SELECT revoked_at FROM viewer_grant WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(&mut *conn)
        .await?;
    let Some(row) = row else {
        return Err(Error::new(ErrorKind::NotFound, "GRANT_NOT_FOUND", "There is no such grant."));
    };
    if row.int_opt("revoked_at")?.is_some() {
        return Ok(false);
    }
    sqlx::query("UPDATE viewer_grant SET revoked_at = $2, revoke_reason = $3 WHERE id = $1")
        .bind(id.to_string())
        .bind(at.0)
        .bind(reason)
        .execute(&mut *conn)
        .await?;
    append_change(conn, Change::Grant(id), at).await?;
    Ok(true)
}

/// `pending -> status`; false when it had left that state or the event has been seen.
async fn leave_pending(
    conn: &mut Connection,
    id: PurchaseId,
    event_id: Option<&str>,
    next: PurchaseStatus,
    at: UtcMs,
) -> Result<bool> {
    if status(conn, id).await? != PurchaseStatus::Pending {
        return Ok(false);
    }
    let kind = if next == PurchaseStatus::Paid { PaymentEventKind::Paid } else { PaymentEventKind::Declined };
    if let Some(event_id) = event_id
        && !record_event(conn, id, event_id, kind, at).await?
    {
        return Ok(false);
    }
    sqlx::query("UPDATE purchase SET status = $2, decided_at = $3 WHERE id = $1")
        .bind(id.to_string())
        .bind(next.as_str())
        .bind(at.0)
        .execute(conn)
        .await?;
    Ok(true)
}

/// False when the event had been recorded before.
async fn record_event(
    conn: &mut Connection,
    id: PurchaseId,
    event_id: &str,
    kind: PaymentEventKind,
    at: UtcMs,
) -> Result<bool> {
    let recorded = sqlx::query(
        "INSERT INTO payment_event (id, purchase_id, kind, recorded_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(event_id)
    .bind(id.to_string())
    .bind(kind.as_str())
    .bind(at.0)
    .execute(conn)
    .await?;
    Ok(recorded.rows_affected() == 1)
}

async fn status(conn: &mut Connection, id: PurchaseId) -> Result<PurchaseStatus> {
    let row =
        sqlx::query("SELECT status FROM purchase WHERE id = $1").bind(id.to_string()).fetch_optional(conn).await?;
    row.ok_or_else(|| Error::new(ErrorKind::NotFound, "PURCHASE_NOT_FOUND", "There is no such purchase."))?
        .word("status", PurchaseStatus::parse)
}

async fn insert(conn: &mut Connection, purchase: &Purchase) -> Result<()> {
    let is_decided = purchase.decided_at.is_some() || purchase.closed_because.is_some();
    if purchase.status != PurchaseStatus::Pending || is_decided || purchase.payment_action.is_some() {
        return Err(Error::internal(format!("purchase {} does not begin as pending", purchase.id)));
    }
    let (line, lines) = match &purchase.good {
        Good::Offer(line) => (Some(line), None),
        Good::Product { lines, .. } => (None, Some(lines).filter(|lines| !lines.is_empty())),
    };
    let is_odd = |line: &Line| line.price.currency != purchase.price.currency;
    let is_priced =
        lines.is_none_or(|lines| lines.iter().map(|line| line.price.minor).sum::<i64>() == purchase.price.minor);
    if line.is_some_and(|line| line.price != purchase.price) || !is_priced || purchase.good.lines().iter().any(is_odd) {
        return Err(Error::internal(format!("the parts of the price of purchase {} are not the price", purchase.id)));
    }
    sqlx::query(
        "INSERT INTO purchase (id, viewer_id, title_id, avail_id, offer_id, price_minor, currency, is_member_price, \
         territory, provider, payment_id, payment_details, status, livemode, created_at, storefront_id, product_id, \
         lines, coupon_id, discount_minor, campaign, accepted_members_from_at, discount_funded_by) VALUES ($1, $2, $3, $4, \
         $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)",
    )
    .bind(purchase.id.to_string())
    .bind(purchase.viewer_id.to_string())
    .bind(line.map(|line| line.title_id.to_string()))
    .bind(line.map(|line| line.avail_id.to_string()))
    .bind(line.map(|line| line.offer_id.to_string()))
    .bind(purchase.price.minor)
    .bind(purchase.price.currency.code())
    .bind(i64::from(purchase.is_member_price))
    .bind(purchase.territory.code())
    .bind(&purchase.provider)
    .bind(purchase.payment_id.to_string())
    .bind(&purchase.payment_details)
    .bind(purchase.status.as_str())
    .bind(i64::from(purchase.livemode))
    .bind(purchase.created_at.0)
    .bind(purchase.storefront_id.to_string())
    .bind(purchase.good.product_id().map(|id| id.to_string()))
    .bind(lines.map(to_json).transpose()?)
    .bind(purchase.discount.map(|discount| discount.coupon_id.to_string()))
    .bind(purchase.discount.map_or(0, |discount| discount.amount.minor))
    .bind(&purchase.campaign)
    .bind(purchase.accepted_members_from_at.map(|at| at.0))
    .bind(purchase.discount.map(|discount| discount.funded_by.as_str()))
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn insert_grant(conn: &mut Connection, grant: &Grant) -> Result<()> {
    let (start_within_ms, watch_ms, until_members) = clock_columns(grant.clock);
    sqlx::query(
        "INSERT INTO viewer_grant (id, viewer_id, title_id, avail_id, offer_id, purchase_id, start_within_ms, \
         watch_ms, issued_at, first_play_at, hard_end_at, streams, revoked_at, livemode, available_at, voucher_id, \
         until_members) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
    )
    .bind(grant.id.to_string())
    .bind(grant.viewer_id.to_string())
    .bind(grant.title_id.to_string())
    .bind(grant.avail_id.to_string())
    .bind(grant.offer_id.to_string())
    .bind(grant.cause.purchase_id().map(|id| id.to_string()))
    .bind(start_within_ms)
    .bind(watch_ms)
    .bind(grant.issued_at.0)
    .bind(grant.first_play_at.map(|at| at.0))
    .bind(grant.hard_end_at.map(|at| at.0))
    .bind(i64::from(grant.streams))
    .bind(grant.revoked_at.map(|at| at.0))
    .bind(i64::from(grant.livemode))
    .bind(grant.available_at.0)
    .bind(grant.cause.voucher_id().map(|id| id.to_string()))
    .bind(until_members)
    .execute(conn)
    .await?;
    Ok(())
}

pub fn purchase(row: &Row) -> Result<Purchase> {
    let price = row.money("price_minor")?;
    let good = match row.parsed_opt("product_id")? {
        Some(product_id) => Good::Product { product_id, lines: row.json_opt("lines")?.unwrap_or_default() },
        None => Good::Offer(Line {
            title_id: row.parsed("title_id")?,
            avail_id: row.parsed("avail_id")?,
            offer_id: row.parsed("offer_id")?,
            price,
        }),
    };
    let discount = match row.parsed_opt("coupon_id")? {
        Some(coupon_id) => Some(Discount {
            coupon_id,
            amount: row.money("discount_minor")?,
            funded_by: row.word("discount_funded_by", FundedBy::parse)?,
        }),
        None => None,
    };
    Ok(Purchase {
        id: row.parsed("id")?,
        viewer_id: row.parsed("viewer_id")?,
        good,
        storefront_id: row.parsed("storefront_id")?,
        price,
        is_member_price: row.flag("is_member_price")?,
        discount,
        territory: row.parsed("territory")?,
        campaign: row.text_opt("campaign")?,
        provider: row.text("provider")?,
        payment_id: row.parsed("payment_id")?,
        payment_details: row.text("payment_details")?,
        payment_action: row.json_opt("payment_action")?,
        status: row.word("status", PurchaseStatus::parse)?,
        closed_because: row.word_opt("closed_because", ClosedBecause::parse)?,
        accepted_members_from_at: row.instant_opt("accepted_members_from_at")?,
        livemode: row.flag("livemode")?,
        created_at: row.instant("created_at")?,
        decided_at: row.instant_opt("decided_at")?,
    })
}

pub fn grant(row: &Row) -> Result<Grant> {
    Ok(Grant {
        id: row.parsed("id")?,
        viewer_id: row.parsed("viewer_id")?,
        title_id: row.parsed("title_id")?,
        avail_id: row.parsed("avail_id")?,
        offer_id: row.parsed("offer_id")?,
        cause: match row.parsed_opt("voucher_id")? {
            Some(voucher_id) => GrantCause::Voucher(voucher_id),
            None => GrantCause::Purchase(row.parsed("purchase_id")?),
        },
        clock: row.grant_clock()?,
        issued_at: row.instant("issued_at")?,
        available_at: row.instant("available_at")?,
        first_play_at: row.instant_opt("first_play_at")?,
        hard_end_at: row.instant_opt("hard_end_at")?,
        streams: row.count("streams")?,
        revoked_at: row.instant_opt("revoked_at")?,
        extended_ms: row.int("extended_ms")?,
        start_extended_ms: row.int("start_extended_ms")?,
        livemode: row.flag("livemode")?,
    })
}
