//! SQL of [`WalletDb`].

use async_trait::async_trait;

use super::row::Columns;
use super::{Connection, Row, SqlDb, idempotency};
use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{CoinLotId, PurchaseId, TitleId, ViewerId};
use crate::base::limits;
use crate::ledger::wallet::{CoinDebit, CoinKind, CoinLot, balance, debits};
use crate::rights::unlock::{Unlock, UnlockMeans};
use crate::store::db::wallet::{Unlocked, WalletDb};
use crate::store::db::{Idempotency, Written};

/// A lot and what was taken from it.
const LOTS: &str = "\
    SELECT l.*, (SELECT CAST(COALESCE(SUM(d.coins), 0) AS BIGINT) FROM coin_debit d WHERE d.lot_id = l.id) AS spent \
    FROM coin_lot l";

#[async_trait]
impl WalletDb for SqlDb {
    async fn insert_coin_lot(&self, lot: &CoinLot, idempotency: &Idempotency) -> Result<Written<()>> {
        let (lot, key) = (lot.clone(), idempotency.clone());
        self.write(move |conn| Box::pin(async move { add_lot(conn, &lot, &key).await })).await
    }

    async fn coin_lots(&self, viewer: ViewerId, livemode: bool) -> Result<Vec<CoinLot>> {
        let mut connection = self.readers.acquire().await?;
        lots_of(&mut connection, viewer, livemode).await
    }

    async fn coin_lot(&self, id: CoinLotId) -> Result<Option<CoinLot>> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{LOTS} WHERE l.id = $1")))
            .bind(id.to_string())
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(lot).transpose()
    }

    async fn void_coin_lot(&self, id: CoinLotId, reason: &str, at: UtcMs) -> Result<bool> {
        let reason = reason.to_owned();
        self.write(move |conn| Box::pin(async move { void_lot(conn, id, &reason, at).await })).await
    }

    async fn unlock(&self, unlock: &Unlock, rewards: Option<(UtcMs, u32)>) -> Result<Unlocked> {
        let wanted = unlock.clone();
        self.write(move |conn| Box::pin(async move { unlock_once(conn, &wanted, rewards).await })).await
    }

    async fn unlocks(&self, viewer: ViewerId, title: Option<TitleId>) -> Result<Vec<Unlock>> {
        let rows = sqlx::query(
            "SELECT * FROM episode_unlock WHERE viewer_id = $1 AND (CAST($2 AS TEXT) IS NULL OR title_id = $2) \
             ORDER BY id",
        )
        .bind(viewer.to_string())
        .bind(title.map(|title| title.to_string()))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(unlocked).collect()
    }

    async fn unlocked_parts(&self, title: TitleId) -> Result<Vec<u32>> {
        let rows = sqlx::query("SELECT DISTINCT part FROM episode_unlock WHERE title_id = $1 ORDER BY part")
            .bind(title.to_string())
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(|row| row.count("part")).collect()
    }

    async fn auto_unlocks(&self, viewer: ViewerId) -> Result<bool> {
        let row = sqlx::query("SELECT auto_unlock FROM viewer WHERE id = $1")
            .bind(viewer.to_string())
            .fetch_optional(&self.readers)
            .await?;
        row.map_or(Ok(false), |row| row.flag("auto_unlock"))
    }

    async fn set_auto_unlock(&self, viewer: ViewerId, is_on: bool) -> Result<()> {
        self.write(move |conn| {
            Box::pin(async move {
                sqlx::query("UPDATE viewer SET auto_unlock = $2 WHERE id = $1")
                    .bind(viewer.to_string())
                    .bind(i64::from(is_on))
                    .execute(conn)
                    .await?;
                Ok(())
            })
        })
        .await
    }
}

async fn add_lot(conn: &mut Connection, lot: &CoinLot, key: &Idempotency) -> Result<Written<()>> {
    if let Some(written) = idempotency::seen(conn, Some(key)).await? {
        return Ok(written);
    }
    if lot.spent != 0 || lot.void_at.is_some() {
        return Err(Error::internal(format!("lot {} does not begin whole", lot.id)));
    }
    let viewer = sqlx::query("SELECT id FROM viewer WHERE id = $1").bind(lot.viewer_id.to_string());
    if viewer.fetch_optional(&mut *conn).await?.is_none() {
        return Err(Error::new(ErrorKind::NotFound, "VIEWER_NOT_FOUND", "There is no such viewer."));
    }
    let lots = lots_of(conn, lot.viewer_id, lot.livemode).await?;
    if CoinLot::in_order(&lots, lot.added_at).len() >= limits::COIN_LOTS_PER_VIEWER_MAX {
        let message = format!("A wallet holds at most {} lots.", limits::COIN_LOTS_PER_VIEWER_MAX);
        return Err(Error::new(ErrorKind::Conflict, "TOO_MANY_COIN_LOTS", message));
    }
    insert_lot(conn, lot).await?;
    idempotency::remember(conn, Some(key), &lot.id.to_string(), lot.added_at).await?;
    Ok(Written::New(()))
}

pub async fn insert_lot(conn: &mut Connection, lot: &CoinLot) -> Result<()> {
    sqlx::query(
        "INSERT INTO coin_lot (id, viewer_id, kind, coins, cost_minor, currency, expires_at, note, added_at, livemode, \
         purchase_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(lot.id.to_string())
    .bind(lot.viewer_id.to_string())
    .bind(lot.kind.as_str())
    .bind(i64::from(lot.coins))
    .bind(lot.cost.map(|cost| cost.minor))
    .bind(lot.cost.map(|cost| cost.currency.code()))
    .bind(lot.expires_at.map(|at| at.0))
    .bind(&lot.note)
    .bind(lot.added_at.0)
    .bind(i64::from(lot.livemode))
    .bind(lot.purchase_id.map(|id| id.to_string()))
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn lots_of_purchase(conn: &mut Connection, id: PurchaseId) -> Result<Vec<CoinLot>> {
    let sql = format!("{LOTS} WHERE l.purchase_id = $1 ORDER BY l.id");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.to_string()).fetch_all(conn).await?;
    rows.iter().map(lot).collect()
}

async fn lots_of(conn: &mut Connection, viewer: ViewerId, livemode: bool) -> Result<Vec<CoinLot>> {
    let sql = format!("{LOTS} WHERE l.viewer_id = $1 AND l.livemode = $2 ORDER BY l.id");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(viewer.to_string())
        .bind(i64::from(livemode))
        .fetch_all(conn)
        .await?;
    rows.iter().map(lot).collect()
}

pub async fn void_lot(conn: &mut Connection, id: CoinLotId, reason: &str, at: UtcMs) -> Result<bool> {
    let voided = sqlx::query("UPDATE coin_lot SET void_at = $2, void_reason = $3 WHERE id = $1 AND void_at IS NULL")
        .bind(id.to_string())
        .bind(at.0)
        .bind(reason)
        .execute(&mut *conn)
        .await?;
    if voided.rows_affected() == 1 {
        return Ok(true);
    }
    let present =
        sqlx::query("SELECT id FROM coin_lot WHERE id = $1").bind(id.to_string()).fetch_optional(conn).await?;
    match present {
        Some(_) => Ok(false),
        None => Err(Error::new(ErrorKind::NotFound, "COIN_LOT_NOT_FOUND", "There is no such lot of coins.")),
    }
}

/// Why a lot is void while its purchase is being refunded.
const HELD: &str = "refund begun";

pub async fn hold_lots(conn: &mut Connection, id: PurchaseId, at: UtcMs) -> Result<bool> {
    if lots_of_purchase(conn, id).await?.iter().any(|lot| lot.spent > 0) {
        return Ok(false);
    }
    sqlx::query("UPDATE coin_lot SET void_at = $2, void_reason = $3 WHERE purchase_id = $1 AND void_at IS NULL")
        .bind(id.to_string())
        .bind(at.0)
        .bind(HELD)
        .execute(conn)
        .await?;
    Ok(true)
}

pub async fn release_lots(conn: &mut Connection, id: PurchaseId) -> Result<()> {
    sqlx::query(
        "UPDATE coin_lot SET void_at = NULL, void_reason = NULL WHERE purchase_id = $1 AND void_reason = $2 \
         AND purchase_id IN (SELECT id FROM purchase WHERE status = 'paid')",
    )
    .bind(id.to_string())
    .bind(HELD)
    .execute(conn)
    .await?;
    Ok(())
}

async fn unlock_once(conn: &mut Connection, wanted: &Unlock, rewards: Option<(UtcMs, u32)>) -> Result<Unlocked> {
    let earlier = sqlx::query(
        "SELECT * FROM episode_unlock WHERE viewer_id = $1 AND title_id = $2 AND part = $3 AND livemode = $4",
    )
    .bind(wanted.viewer_id.to_string())
    .bind(wanted.title_id.to_string())
    .bind(i64::from(wanted.part))
    .bind(i64::from(wanted.livemode))
    .fetch_optional(&mut *conn)
    .await?;
    if let Some(earlier) = earlier {
        return Ok(Unlocked::Already(unlocked(&earlier)?));
    }
    if let Some((since, most)) = rewards
        && rewards_since(conn, wanted, since).await? >= most
    {
        return Ok(Unlocked::NoRewardsLeft);
    }
    let mut taken: Vec<CoinDebit> = Vec::new();
    if let UnlockMeans::Coins(coins) = wanted.means {
        let lots = lots_of(conn, wanted.viewer_id, wanted.livemode).await?;
        let Some(debits) = debits(&lots, coins, wanted.unlocked_at) else {
            return Ok(Unlocked::Short { coins: balance(&lots, wanted.unlocked_at) });
        };
        taken = debits;
    }
    sqlx::query(
        "INSERT INTO episode_unlock (id, viewer_id, title_id, part, avail_id, coins, unlocked_at, livemode) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(wanted.id.to_string())
    .bind(wanted.viewer_id.to_string())
    .bind(wanted.title_id.to_string())
    .bind(i64::from(wanted.part))
    .bind(wanted.avail_id.to_string())
    .bind(i64::from(wanted.means.coins()))
    .bind(wanted.unlocked_at.0)
    .bind(i64::from(wanted.livemode))
    .execute(&mut *conn)
    .await?;
    for CoinDebit { lot_id, coins } in taken {
        sqlx::query("INSERT INTO coin_debit (unlock_id, lot_id, coins) VALUES ($1, $2, $3)")
            .bind(wanted.id.to_string())
            .bind(lot_id.to_string())
            .bind(i64::from(coins))
            .execute(&mut *conn)
            .await?;
    }
    Ok(Unlocked::Done)
}

async fn rewards_since(conn: &mut Connection, wanted: &Unlock, since: UtcMs) -> Result<u32> {
    let row = sqlx::query(
        "SELECT COUNT(*) AS rewards FROM episode_unlock WHERE viewer_id = $1 AND title_id = $2 AND livemode = $3 \
         AND coins = 0 AND unlocked_at >= $4",
    )
    .bind(wanted.viewer_id.to_string())
    .bind(wanted.title_id.to_string())
    .bind(i64::from(wanted.livemode))
    .bind(since.0)
    .fetch_one(conn)
    .await?;
    row.count("rewards")
}

fn lot(row: &Row) -> Result<CoinLot> {
    Ok(CoinLot {
        id: row.parsed("id")?,
        viewer_id: row.parsed("viewer_id")?,
        kind: row.word("kind", CoinKind::parse)?,
        coins: row.count("coins")?,
        spent: row.count("spent")?,
        cost: row.int_opt("cost_minor")?.map(|_| row.money("cost_minor")).transpose()?,
        expires_at: row.instant_opt("expires_at")?,
        note: row.text("note")?,
        added_at: row.instant("added_at")?,
        void_at: row.instant_opt("void_at")?,
        livemode: row.flag("livemode")?,
        purchase_id: row.parsed_opt("purchase_id")?,
    })
}

fn unlocked(row: &Row) -> Result<Unlock> {
    Ok(Unlock {
        id: row.parsed("id")?,
        viewer_id: row.parsed("viewer_id")?,
        title_id: row.parsed("title_id")?,
        part: row.count("part")?,
        avail_id: row.parsed("avail_id")?,
        means: match row.count("coins")? {
            0 => UnlockMeans::Reward,
            coins => UnlockMeans::Coins(coins),
        },
        unlocked_at: row.instant("unlocked_at")?,
        livemode: row.flag("livemode")?,
    })
}
