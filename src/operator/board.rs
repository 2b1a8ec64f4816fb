//! The board: today's figures beside those of the same stretch of the same weekday a week ago, the ranking, the funnel,
//! how the house is doing and what needs a hand. Its figures are read in one transaction and add up to the ledger at
//! `ledger_position`; `docs/metrics.md` defines each.
//!
//! Consoles share it: however many look on, the board of a zone and currency is computed at most once a second, and only
//! when there is news or it has grown old.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::BASE;
use crate::api::body::QueryOf;
use crate::api::caller::AnOperator;
use crate::api::problem::Problem;
use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::base::id::TitleId;
use crate::base::limits;
use crate::base::money::Currency;
use crate::catalog::title::LocalizedText;
use crate::operator::Operators;
use crate::operator::day::{Day, Zone};
use crate::operator::hand::{self, HandBody, HealthBody};
use crate::rights::snapshot::Snapshot;
use crate::store::db::board::{BoardQuery, BoardRows, Figures, HourSales, Span, TitleSales};

const RECENT: Duration = Duration::from_secs(3600);
const HOUR_MS: i64 = 3_600_000;
/// A payment that is pending for longer than this is late.
const PAYMENT_LATE_AFTER: Duration = Duration::from_secs(120);
const FAILURES_SHOWN: Duration = Duration::from_secs(24 * 3600);
const RANKING_ROWS: usize = 50;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BoardParams {
    /// Whose day it is: an IANA time zone.
    pub zone: String,
    /// ISO 4217; if not said, CNY, or the first there are sales in.
    pub currency: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Board)]
pub struct BoardBody {
    at: UtcMs,
    zone: String,
    currency: String,
    /// In which something has been ordered.
    currencies: Vec<String>,
    day_start_at: UtcMs,
    /// The last ledger entry that the money here covers.
    ledger_position: i64,
    gross: CountFigure,
    refunds: CountFigure,
    net: CountFigure,
    orders: CountFigure,
    conversion: RatioFigure,
    viewers_now: CountFigure,
    play_starts: CountFigure,
    start_failures: CountFigure,
    by_hour: Vec<HourBody>,
    by_hour_last_week: Vec<HourBody>,
    ranking: Vec<RankBody>,
    health: HealthBody,
    hand: Vec<HandBody>,
    funnel: FunnelBody,
}

/// Money in minor units, or a count.
#[derive(Debug, Serialize, ToSchema)]
pub struct CountFigure {
    value: i64,
    /// In the same stretch a week ago; null where nothing is known of then.
    last_week: Option<i64>,
    /// By which share it has changed since.
    change: Option<f64>,
}

/// A share from 0 to 1; null where there is nothing to divide by.
#[derive(Debug, Serialize, ToSchema)]
pub struct RatioFigure {
    value: Option<f64>,
    last_week: Option<f64>,
    change: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct HourBody {
    pub start_at: UtcMs,
    pub gross: i64,
    pub orders: u64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RankBody {
    title_id: TitleId,
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    name: LocalizedText,
    poster_url: Option<String>,
    gross: i64,
    orders: u64,
    /// Of today's gross, 0 to 1.
    share: f64,
    viewers_now: u64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct FunnelBody {
    checkouts: u64,
    paid: u64,
    first_plays: u64,
    half_watched: u64,
    completed: u64,
}

/// Boards as they were last computed.
#[derive(Default)]
pub struct Boards {
    kept: Mutex<HashMap<BoardKey, Arc<Kept>>>,
    computed: AtomicU64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BoardKey {
    pub zone: String,
    pub currency: Option<Currency>,
}

#[derive(Default)]
struct Kept {
    latest: tokio::sync::Mutex<Option<Latest>>,
}

/// A board, and what the news were at when it was read.
#[derive(Clone)]
pub struct Latest {
    pub json: Arc<str>,
    pub version: u64,
    /// Monotonic.
    computed_at: Duration,
}

/// The board.
#[utoipa::path(get, path = "/operator/board", tag = "operator", operation_id = "operator_board", params(BoardParams),
    security(("bearer" = [])), responses(
    (status = 200, description = "Today so far, at most a second old", body = BoardBody),
    (status = 422, description = "ZONE_INVALID, CURRENCY_INVALID"),
))]
pub async fn board(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    QueryOf(params): QueryOf<BoardParams>,
) -> Result<Json<Box<serde_json::value::RawValue>>, Problem> {
    let (zone, key) = params.read()?;
    let json = operators.boards.latest(&operators, &zone, &key).await?.json;
    let raw = serde_json::value::RawValue::from_string(json.to_string());
    Ok(Json(raw.map_err(|error| crate::base::error::Error::internal("the board as JSON").with_source(error))?))
}

impl BoardParams {
    /// What is asked for, if there is such a zone and currency.
    pub fn read(self) -> Result<(Zone, BoardKey), Problem> {
        let zone = Zone::parse(&self.zone)?;
        let key = BoardKey { zone: self.zone, currency: currency(self.currency.as_deref())? };
        Ok((zone, key))
    }
}

/// A currency that a query names.
pub fn currency(code: Option<&str>) -> Result<Option<Currency>, Problem> {
    let parsed = code.map(str::parse::<Currency>).transpose();
    parsed.map_err(|error| {
        Problem::new(http::StatusCode::UNPROCESSABLE_ENTITY, error.code(), error.message()).with_param("currency")
    })
}

impl Boards {
    /// How many boards have been computed.
    pub fn computed(&self) -> u64 {
        self.computed.load(Ordering::Relaxed)
    }

    /// The board as JSON. It is computed anew where there has been news and it is a second old, or it is older than
    /// `limits::BOARD_RESENT_EVERY`.
    pub async fn latest(&self, operators: &Operators, zone: &Zone, key: &BoardKey) -> Result<Latest> {
        let kept = self.kept(key);
        let mut latest = kept.latest.lock().await;
        let elapsed = operators.api.clock.monotonic();
        let version = operators.api.audience.news.version();
        if let Some(known) = &*latest {
            let age = elapsed.saturating_sub(known.computed_at);
            let is_good_for = if known.version == version { limits::BOARD_RESENT_EVERY } else { limits::BOARD_EVERY };
            if age < is_good_for {
                return Ok(known.clone());
            }
        }
        let body = compute(operators, zone, key.currency).await?;
        let json = serde_json::to_string(&body);
        let json: Arc<str> =
            json.map_err(|error| crate::base::error::Error::internal("the board as JSON").with_source(error))?.into();
        self.computed.fetch_add(1, Ordering::Relaxed);
        let board = Latest { json, version, computed_at: elapsed };
        *latest = Some(board.clone());
        Ok(board)
    }

    fn kept(&self, key: &BoardKey) -> Arc<Kept> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if !kept.contains_key(key) && kept.len() >= limits::BOARDS_CACHED_MAX {
            // What nobody holds at this moment is computed again when it is asked for.
            kept.retain(|_, board| Arc::strong_count(board) > 1);
        }
        if kept.len() >= limits::BOARDS_CACHED_MAX && !kept.contains_key(key) {
            return Arc::default();
        }
        kept.entry(key.clone()).or_default().clone()
    }
}

async fn compute(operators: &Operators, zone: &Zone, currency: Option<Currency>) -> Result<BoardBody> {
    let api = &operators.api;
    let now = api.clock.now();
    let day = zone.day(now)?;
    let query = BoardQuery {
        currency,
        livemode: api.livemode,
        today: day.today,
        last_week: day.week_ago_so_far,
        last_week_day: day.week_ago,
        recent: Span { from: now - RECENT, to: now + Duration::from_millis(1) },
        pending_before: now - PAYMENT_LATE_AFTER,
        failed_since: now - FAILURES_SHOWN,
    };
    let rows = api.db.board(&query).await?;
    let snapshot = api.follower.snapshot();
    let titles: Vec<TitleId> = snapshot.titles().map(|title| title.title.id).collect();
    let present = api.audience.crowds.count(&titles).await.unwrap_or_else(|_| vec![0; titles.len()]);
    let viewers: HashMap<TitleId, u64> = titles.into_iter().zip(present).collect();
    let hand = hand::hand(operators, &snapshot, &rows, now).await?;
    let health = hand::health(&hand, &rows, viewers.values().sum(), api.clock.is_doubtful());
    Ok(shown(now, zone, day, &rows, &snapshot, &viewers, (health, hand)))
}

fn shown(
    now: UtcMs,
    zone: &Zone,
    day: Day,
    rows: &BoardRows,
    snapshot: &Snapshot,
    viewers: &HashMap<TitleId, u64>,
    (health, hand): (HealthBody, Vec<HandBody>),
) -> BoardBody {
    let (today, week_ago) = (&rows.today, &rows.last_week);
    let is_known = |since: Option<UtcMs>| since.is_some_and(|since| since < day.week_ago_so_far.to);
    let (books, orders, sessions) =
        (is_known(rows.known.entry_at), is_known(rows.known.order_at), is_known(rows.known.session_at));
    let figure = |is_known: bool, of: &dyn Fn(&Figures) -> i64| count_figure(of(today), is_known.then(|| of(week_ago)));
    let net = |figures: &Figures| figures.gross_minor.saturating_sub(figures.refunds_minor);
    BoardBody {
        at: now,
        zone: zone.name.clone(),
        currency: rows.currency.code().to_owned(),
        currencies: rows.currencies.iter().map(|currency| currency.code().to_owned()).collect(),
        day_start_at: day.today.from,
        ledger_position: rows.ledger_position,
        gross: figure(books, &|figures| figures.gross_minor),
        refunds: figure(books, &|figures| figures.refunds_minor),
        net: figure(books, &net),
        orders: figure(books, &|figures| figures.orders.cast_signed()),
        conversion: conversion(today, orders.then_some(week_ago)),
        viewers_now: count_figure(
            viewers.values().sum::<u64>().cast_signed(),
            sessions.then_some(week_ago.viewers.cast_signed()),
        ),
        play_starts: figure(sessions, &|figures| figures.play_starts.cast_signed()),
        start_failures: figure(sessions, &|figures| figures.start_failures.cast_signed()),
        by_hour: hours(
            Span { from: day.today.from, to: (now + Duration::from_millis(1)).min(day.today.to) },
            &rows.hours,
        ),
        by_hour_last_week: hours(day.week_ago, &rows.hours_last_week),
        ranking: ranking(&rows.titles, today.gross_minor, snapshot, viewers),
        health,
        hand,
        funnel: FunnelBody::from(rows.funnel),
    }
}

fn count_figure(value: i64, last_week: Option<i64>) -> CountFigure {
    let change = last_week.filter(|before| *before != 0).map(|before| (value - before) as f64 / before as f64);
    CountFigure { value, last_week, change }
}

fn conversion(today: &Figures, week_ago: Option<&Figures>) -> RatioFigure {
    let share = |figures: &Figures| (figures.checkouts > 0).then(|| figures.paid as f64 / figures.checkouts as f64);
    let (value, last_week) = (share(today), week_ago.and_then(share));
    let change = match (value, last_week) {
        (Some(value), Some(before)) if before > 0.0 => Some((value - before) / before),
        _ => None,
    };
    RatioFigure { value, last_week, change }
}

/// Every hour of the stretch that has begun.
fn hours(span: Span, sold: &[HourSales]) -> Vec<HourBody> {
    let count = (span.to.0 - span.from.0 + HOUR_MS - 1) / HOUR_MS;
    let hour = |hour: i64| {
        let sold = sold.iter().find(|sold| i64::from(sold.hour) == hour);
        HourBody {
            start_at: UtcMs(span.from.0 + hour * HOUR_MS),
            gross: sold.map_or(0, |sold| sold.gross_minor),
            orders: sold.map_or(0, |sold| sold.orders),
        }
    };
    (0..count).map(hour).collect()
}

/// Titles that sold today, and after them those that are watched.
fn ranking(
    sold: &[TitleSales],
    gross_minor: i64,
    snapshot: &Snapshot,
    viewers: &HashMap<TitleId, u64>,
) -> Vec<RankBody> {
    let watched = snapshot
        .titles()
        .map(|title| title.title.id)
        .filter(|id| viewers.get(id).is_some_and(|viewers| *viewers > 0))
        .filter(|id| !sold.iter().any(|sold| sold.title_id == *id))
        .map(|title_id| TitleSales { title_id, gross_minor: 0, orders: 0 });
    sold.iter()
        .copied()
        .chain(watched)
        .take(RANKING_ROWS)
        .map(|row| {
            let title = snapshot.title(row.title_id);
            RankBody {
                title_id: row.title_id,
                name: title.map(|title| title.title.name.clone()).unwrap_or_default(),
                poster_url: title
                    .and_then(|title| title.title.part(1))
                    .map(|_| format!("{BASE}/titles/{}/poster.jpg", row.title_id)),
                gross: row.gross_minor,
                orders: row.orders,
                share: if gross_minor > 0 { row.gross_minor as f64 / gross_minor as f64 } else { 0.0 },
                viewers_now: viewers.get(&row.title_id).copied().unwrap_or(0),
            }
        })
        .collect()
}

impl From<crate::store::db::board::Funnel> for FunnelBody {
    fn from(funnel: crate::store::db::board::Funnel) -> FunnelBody {
        let crate::store::db::board::Funnel { checkouts, paid, first_plays, half_watched, completed } = funnel;
        FunnelBody { checkouts, paid, first_plays, half_watched, completed }
    }
}
