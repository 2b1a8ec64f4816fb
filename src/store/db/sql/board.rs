//! SQL of [`BoardDb`]. Every answer is one read transaction: in WAL mode that is one moment of the database.

use async_trait::async_trait;

use super::row::Columns;
use super::{Connection, Row, SqlDb, job};
use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::base::id::TitleId;
use crate::base::limits;
use crate::base::money::Currency;
use crate::ledger::entry::LedgerAccount;
use crate::ledger::refund_rule::COMPLETED_PERMILLE;
use crate::store::db::BoardDb;
use crate::store::db::board::{
    BoardQuery, BoardRows, CampaignRows, CampaignSales, CampaignSessions, Figures, Funnel, HourSales, KnownSince,
    LatePayment, SalesCell, SalesQuery, SalesRows, Span, TitleSales,
};
use crate::store::db::job::Job;
use crate::telemetry::qoe::PARTS;

const HOUR_MS: i64 = 3_600_000;
const QUARTER_MS: i64 = 900_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// A film has been half watched, or to its end but for the credits.
const HALF_PERMILLE: i64 = 500;
const END_PERMILLE: i64 = COMPLETED_PERMILLE.cast_signed();

#[async_trait]
impl BoardDb for SqlDb {
    async fn board(&self, query: &BoardQuery) -> Result<BoardRows> {
        let mut moment = self.readers.begin().await?;
        let rows = board(&mut moment, query).await?;
        moment.rollback().await?;
        Ok(rows)
    }

    async fn title_sales(&self, query: &SalesQuery) -> Result<SalesRows> {
        let mut moment = self.readers.begin().await?;
        let rows = title_sales(&mut moment, query).await?;
        moment.rollback().await?;
        Ok(rows)
    }

    async fn campaigns(&self, title: TitleId, livemode: bool) -> Result<CampaignRows> {
        let mut moment = self.readers.begin().await?;
        let rows = CampaignRows {
            sessions: campaign_sessions(&mut moment, title).await?,
            sales: campaign_sales(&mut moment, title, livemode).await?,
        };
        moment.rollback().await?;
        Ok(rows)
    }
}

/// Whose money.
#[derive(Clone, Copy)]
struct Books {
    livemode: bool,
    currency: Currency,
}

async fn board(conn: &mut Connection, query: &BoardQuery) -> Result<BoardRows> {
    let currencies = currencies(conn, query.livemode).await?;
    let books = Books { livemode: query.livemode, currency: choose(query.currency, &currencies) };
    let (hours, titles) = sales(conn, books, query.today).await?;
    let (hours_last_week, _) = sales(conn, books, query.last_week_day).await?;
    let (recent_starts, recent_failures) = starts(conn, query.recent).await?;
    Ok(BoardRows {
        ledger_position: ledger_position(conn).await?,
        currency: books.currency,
        currencies,
        today: figures(conn, books, query.today).await?,
        last_week: figures(conn, books, query.last_week).await?,
        known: known(conn, books).await?,
        hours,
        hours_last_week,
        titles,
        funnel: funnel(conn, books, query.today, "").await?,
        recent_starts,
        recent_failures,
        pending_late: pending_late(conn, query).await?,
        failed_jobs: failed_jobs(conn, query).await?,
    })
}

async fn title_sales(conn: &mut Connection, query: &SalesQuery) -> Result<SalesRows> {
    let currencies = currencies(conn, query.livemode).await?;
    let books = Books { livemode: query.livemode, currency: choose(query.currency, &currencies) };
    let title = query.title_id.to_string();
    let account = LedgerAccount::Sales(query.title_id).to_string();
    let rows = sqlx::query(
        "SELECT entry.kind AS kind, entry.at / $6 AS quarter, purchase.territory AS territory, \
         purchase.is_member_price AS is_member_price, CAST(SUM(posting.amount_minor) AS BIGINT) AS minor, \
         COUNT(DISTINCT entry.id) AS entries \
         FROM purchase JOIN entry ON entry.purchase_id = purchase.id JOIN posting ON posting.entry_id = entry.id \
         WHERE (purchase.title_id = $1 OR purchase.product_id IN \
         (SELECT b.product_id FROM bundle_offer b JOIN offer f ON f.id = b.offer_id WHERE f.title_id = $1)) AND posting.account = $2 AND posting.currency = $3 AND entry.livemode = $4 \
         AND entry.at >= $5 AND entry.at < $7 GROUP BY 1, 2, 3, 4 ORDER BY 2, 3, 4",
    )
    .bind(&title)
    .bind(&account)
    .bind(books.currency.code())
    .bind(i64::from(books.livemode))
    .bind(query.span.from.0)
    .bind(QUARTER_MS)
    .bind(query.span.to.0)
    .fetch_all(&mut *conn)
    .await?;
    let (mut cells, mut refunds_minor, mut refunds) = (Vec::new(), 0, 0);
    for row in &rows {
        let minor = row.int("minor")?;
        let entries: u64 = row.count("entries")?;
        if row.text("kind")? == "refund" {
            refunds_minor += minor;
            refunds += entries;
            continue;
        }
        cells.push(SalesCell {
            start_at: UtcMs(row.int("quarter")? * QUARTER_MS),
            territory: row.parsed("territory")?,
            is_member_price: row.flag("is_member_price")?,
            gross_minor: -minor,
            orders: entries,
        });
    }
    Ok(SalesRows {
        ledger_position: ledger_position(conn).await?,
        currency: books.currency,
        currencies,
        cells,
        refunds_minor,
        refunds,
        funnel: funnel(conn, books, query.span, &title).await?,
        retention: retention(conn, &title, query.span).await?,
    })
}

/// Sessions of the film have a record of their quality; those of what makes people want it have none.
async fn campaign_sessions(conn: &mut Connection, title: TitleId) -> Result<Vec<CampaignSessions>> {
    let rows = sqlx::query(
        "SELECT campaign, COUNT(*) AS sessions, COUNT(q.session_id) AS films FROM session \
         LEFT JOIN session_qoe q ON q.session_id = session.id \
         WHERE session.title_id = $1 AND campaign IS NOT NULL GROUP BY campaign \
         ORDER BY films DESC, sessions DESC, campaign LIMIT $2",
    )
    .bind(title.to_string())
    .bind(limits::CLICK_ROWS_MAX)
    .fetch_all(conn)
    .await?;
    let read = |row: &Row| {
        let (sessions, films): (u64, u64) = (row.count("sessions")?, row.count("films")?);
        Ok(CampaignSessions { campaign: row.text("campaign")?, teasers: sessions.saturating_sub(films), films })
    };
    rows.iter().map(read).collect()
}

/// What the ledger says of orders that came by a campaign; of a bundle the part that is the title's.
async fn campaign_sales(conn: &mut Connection, title: TitleId, livemode: bool) -> Result<Vec<CampaignSales>> {
    let rows = sqlx::query(
        "SELECT purchase.campaign AS campaign, posting.currency AS currency, \
         CAST(SUM(CASE WHEN entry.kind = 'purchase' THEN -posting.amount_minor ELSE 0 END) AS BIGINT) AS gross, \
         COUNT(DISTINCT CASE WHEN entry.kind = 'purchase' THEN entry.id END) AS orders, \
         COUNT(DISTINCT CASE WHEN entry.kind = 'refund' THEN entry.id END) AS refunds \
         FROM purchase JOIN entry ON entry.purchase_id = purchase.id JOIN posting ON posting.entry_id = entry.id \
         WHERE (purchase.title_id = $1 OR purchase.product_id IN \
         (SELECT b.product_id FROM bundle_offer b JOIN offer f ON f.id = b.offer_id WHERE f.title_id = $1)) \
         AND purchase.campaign IS NOT NULL AND posting.account = $2 AND entry.livemode = $3 \
         GROUP BY 1, 2 ORDER BY gross DESC, 1, 2 LIMIT $4",
    )
    .bind(title.to_string())
    .bind(LedgerAccount::Sales(title).to_string())
    .bind(i64::from(livemode))
    .bind(limits::CLICK_ROWS_MAX)
    .fetch_all(conn)
    .await?;
    let read = |row: &Row| {
        Ok(CampaignSales {
            campaign: row.text("campaign")?,
            gross: row.money("gross")?,
            orders: row.count("orders")?,
            refunds: row.count("refunds")?,
        })
    };
    rows.iter().map(read).collect()
}

async fn ledger_position(conn: &mut Connection) -> Result<i64> {
    Ok(sqlx::query_scalar("SELECT COALESCE(MAX(position), 0) FROM entry").fetch_one(conn).await?)
}

/// Each is one step through the index, however many orders there are.
async fn currencies(conn: &mut Connection, livemode: bool) -> Result<Vec<Currency>> {
    let mut currencies: Vec<Currency> = Vec::new();
    while currencies.len() < limits::CURRENCIES_MAX {
        let row = sqlx::query("SELECT MIN(currency) AS currency FROM purchase WHERE livemode = $1 AND currency > $2")
            .bind(i64::from(livemode))
            .bind(currencies.last().map_or("", |currency| currency.code()))
            .fetch_one(&mut *conn)
            .await?;
        let Some(currency) = row.parsed_opt("currency")? else { break };
        currencies.push(currency);
    }
    Ok(currencies)
}

fn choose(asked: Option<Currency>, present: &[Currency]) -> Currency {
    let usual = if present.contains(&Currency::CNY) { None } else { present.first().copied() };
    asked.or(usual).unwrap_or(Currency::CNY)
}

/// Gross sales by hour of the stretch, and by title.
async fn sales(conn: &mut Connection, books: Books, span: Span) -> Result<(Vec<HourSales>, Vec<TitleSales>)> {
    let rows = sqlx::query(
        "SELECT (entry.at - $3) / $5 AS hour, posting.account AS account, \
         CAST(SUM(-posting.amount_minor) AS BIGINT) AS gross, COUNT(DISTINCT entry.id) AS orders \
         FROM entry JOIN posting ON posting.entry_id = entry.id \
         WHERE entry.livemode = $1 AND entry.at >= $3 AND entry.at < $4 AND entry.kind = 'purchase' \
         AND posting.currency = $2 AND posting.account LIKE 'sales:%' GROUP BY 1, 2 ORDER BY 1, 2",
    )
    .bind(i64::from(books.livemode))
    .bind(books.currency.code())
    .bind(span.from.0)
    .bind(span.to.0)
    .bind(HOUR_MS)
    .fetch_all(conn)
    .await?;
    let mut hours: Vec<HourSales> = Vec::new();
    let mut titles: Vec<TitleSales> = Vec::new();
    for row in &rows {
        let (hour, gross_minor, orders) = (row.count("hour")?, row.int("gross")?, row.count::<u64>("orders")?);
        match hours.last_mut().filter(|last| last.hour == hour) {
            Some(last) => {
                last.gross_minor += gross_minor;
                last.orders += orders;
            }
            None => hours.push(HourSales { hour, gross_minor, orders }),
        }
        let LedgerAccount::Sales(title_id) = row.parsed("account")? else { continue };
        match titles.iter_mut().find(|title| title.title_id == title_id) {
            Some(title) => {
                title.gross_minor += gross_minor;
                title.orders += orders;
            }
            None => titles.push(TitleSales { title_id, gross_minor, orders }),
        }
    }
    titles.sort_by(|one, other| other.gross_minor.cmp(&one.gross_minor).then(one.title_id.cmp(&other.title_id)));
    Ok((hours, titles))
}

async fn figures(conn: &mut Connection, books: Books, span: Span) -> Result<Figures> {
    let money = sqlx::query(
        "SELECT entry.kind AS kind, CAST(SUM(posting.amount_minor) AS BIGINT) AS minor, \
         COUNT(DISTINCT entry.id) AS entries FROM entry JOIN posting ON posting.entry_id = entry.id \
         WHERE entry.livemode = $1 AND entry.at >= $3 AND entry.at < $4 \
         AND posting.currency = $2 AND posting.account LIKE 'sales:%' GROUP BY 1",
    )
    .bind(i64::from(books.livemode))
    .bind(books.currency.code())
    .bind(span.from.0)
    .bind(span.to.0)
    .fetch_all(&mut *conn)
    .await?;
    let mut figures = Figures::default();
    for row in &money {
        match row.text("kind")?.as_str() {
            "purchase" => (figures.gross_minor, figures.orders) = (-row.int("minor")?, row.count("entries")?),
            "refund" => figures.refunds_minor = row.int("minor")?,
            _ => {}
        }
    }
    let orders = sqlx::query(
        "SELECT COUNT(*) AS begun, COUNT(CASE WHEN status IN ('paid', 'refunded') THEN 1 END) AS paid FROM purchase \
         WHERE livemode = $1 AND currency = $2 AND created_at >= $3 AND created_at < $4 \
         AND (offer_id IS NOT NULL OR lines IS NOT NULL)",
    )
    .bind(i64::from(books.livemode))
    .bind(books.currency.code())
    .bind(span.from.0)
    .bind(span.to.0)
    .fetch_one(&mut *conn)
    .await?;
    (figures.checkouts, figures.paid) = (orders.count("begun")?, orders.count("paid")?);
    (figures.play_starts, figures.start_failures) = starts(conn, span).await?;
    let viewers: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM session_qoe WHERE opened_at > $1 AND opened_at <= $2 AND last_heard_at > $3",
    )
    .bind(span.to.0 - DAY_MS)
    .bind(span.to.0)
    .bind((span.to - limits::PRESENCE_TTL).0)
    .fetch_one(conn)
    .await?;
    figures.viewers = viewers.cast_unsigned();
    Ok(figures)
}

/// First frames and failed starts in a stretch.
async fn starts(conn: &mut Connection, span: Span) -> Result<(u64, u64)> {
    let row = sqlx::query(
        "SELECT (SELECT COUNT(*) FROM session_qoe WHERE started_at >= $1 AND started_at < $2) AS starts, \
         (SELECT COUNT(*) FROM session_qoe WHERE start_failed_at >= $1 AND start_failed_at < $2) AS failures",
    )
    .bind(span.from.0)
    .bind(span.to.0)
    .fetch_one(conn)
    .await?;
    Ok((row.count("starts")?, row.count("failures")?))
}

async fn known(conn: &mut Connection, books: Books) -> Result<KnownSince> {
    let row = sqlx::query(
        "SELECT (SELECT MIN(at) FROM entry WHERE livemode = $1) AS entry_at, \
         (SELECT MIN(created_at) FROM purchase WHERE livemode = $1 AND currency = $2) AS order_at, \
         (SELECT MIN(opened_at) FROM session_qoe) AS session_at",
    )
    .bind(i64::from(books.livemode))
    .bind(books.currency.code())
    .fetch_one(conn)
    .await?;
    Ok(KnownSince {
        entry_at: row.instant_opt("entry_at")?,
        order_at: row.instant_opt("order_at")?,
        session_at: row.instant_opt("session_at")?,
    })
}

/// How far the orders of a stretch got, of one title or of all where `title` is empty. Nothing was played under an order
/// whose furthest point is unknown.
async fn funnel(conn: &mut Connection, books: Books, span: Span, title: &str) -> Result<Funnel> {
    let row = sqlx::query(
        "SELECT COUNT(*) AS checkouts, COUNT(CASE WHEN is_paid = 1 THEN 1 END) AS paid, \
         COUNT(CASE WHEN is_paid = 1 AND furthest >= 0 THEN 1 END) AS first_plays, \
         COUNT(CASE WHEN is_paid = 1 AND furthest >= $6 THEN 1 END) AS half_watched, \
         COUNT(CASE WHEN is_paid = 1 AND furthest >= $7 THEN 1 END) AS completed FROM \
         (SELECT CASE WHEN purchase.status IN ('paid', 'refunded') THEN 1 ELSE 0 END AS is_paid, \
         (SELECT MAX(furthest_permille) FROM viewer_grant \
         JOIN session_qoe ON session_qoe.grant_id = viewer_grant.id \
         WHERE viewer_grant.purchase_id = purchase.id AND ($5 = '' OR viewer_grant.title_id = $5)) AS furthest \
         FROM purchase WHERE livemode = $1 AND currency = $2 AND created_at >= $3 AND created_at < $4 \
         AND (offer_id IS NOT NULL OR lines IS NOT NULL) AND ($5 = '' OR title_id = $5 OR product_id IN \
         (SELECT b.product_id FROM bundle_offer b JOIN offer f ON f.id = b.offer_id WHERE f.title_id = $5))) AS orders",
    )
    .bind(i64::from(books.livemode))
    .bind(books.currency.code())
    .bind(span.from.0)
    .bind(span.to.0)
    .bind(title)
    .bind(HALF_PERMILLE)
    .bind(END_PERMILLE)
    .fetch_one(conn)
    .await?;
    Ok(Funnel {
        checkouts: row.count("checkouts")?,
        paid: row.count("paid")?,
        first_plays: row.count("first_plays")?,
        half_watched: row.count("half_watched")?,
        completed: row.count("completed")?,
    })
}

/// Counts who has played something of each part; the bits are taken apart in the database, one column a part.
async fn retention(conn: &mut Connection, title: &str, span: Span) -> Result<Vec<u64>> {
    let (mut sums, mut bits) = (Vec::new(), Vec::new());
    for part in 0..PARTS {
        sums.push(format!("CAST(COALESCE(SUM(part_{part}), 0) AS BIGINT) AS part_{part}"));
        bits.push(format!("MAX(reached / {} % 2) AS part_{part}", 1u64 << part));
    }
    let sql = format!(
        "SELECT {} FROM (SELECT {} FROM session_qoe WHERE title_id = $1 AND opened_at >= $2 AND opened_at < $3 \
         AND reached <> 0 GROUP BY COALESCE(viewer_id, session_id)) AS viewers",
        sums.join(", "),
        bits.join(", ")
    );
    let row =
        sqlx::query(sqlx::AssertSqlSafe(sql)).bind(title).bind(span.from.0).bind(span.to.0).fetch_one(conn).await?;
    (0..PARTS).map(|part| row.count(&format!("part_{part}"))).collect()
}

async fn pending_late(conn: &mut Connection, query: &BoardQuery) -> Result<Vec<LatePayment>> {
    let rows = sqlx::query(
        "SELECT id, title_id, created_at FROM purchase WHERE status = 'pending' AND livemode = $1 AND created_at < $2 \
         ORDER BY id LIMIT $3",
    )
    .bind(i64::from(query.livemode))
    .bind(query.pending_before.0)
    .bind(limits::HAND_ROWS_MAX as i64)
    .fetch_all(conn)
    .await?;
    let late = |row: &Row| {
        Ok(LatePayment {
            purchase_id: row.parsed("id")?,
            title_id: row.parsed_opt("title_id")?,
            created_at: row.instant("created_at")?,
        })
    };
    rows.iter().map(late).collect()
}

async fn failed_jobs(conn: &mut Connection, query: &BoardQuery) -> Result<Vec<Job>> {
    let rows = sqlx::query(
        "SELECT * FROM job WHERE finished_at >= $1 AND status = 'failed' ORDER BY finished_at DESC, id LIMIT $2",
    )
    .bind(query.failed_since.0)
    .bind(limits::HAND_ROWS_MAX as i64)
    .fetch_all(conn)
    .await?;
    rows.iter().map(job::job).collect()
}
