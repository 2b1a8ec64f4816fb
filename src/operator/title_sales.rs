//! One title's sales: by hour, day, territory and price; how far its orders got, and how far its viewers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::body::{Id, QueryOf};
use crate::api::caller::AnOperator;
use crate::api::problem::Problem;
use crate::base::clock::UtcMs;
use crate::base::id::TitleId;
use crate::base::limits;
use crate::base::territory::Territory;
use crate::operator::Operators;
use crate::operator::board::{FunnelBody, HourBody, currency};
use crate::operator::day::Zone;
use crate::operator::qoe::checked;
use crate::store::db::board::{SalesCell, SalesQuery, Span};

const HOUR_MS: i64 = 3_600_000;
const DAYS_DEFAULT: i32 = 6;
const PART_PERMILLE: u64 = 20;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SalesParams {
    /// Six days before the day of `to` if not said.
    from: Option<UtcMs>,
    /// Now if not said.
    to: Option<UtcMs>,
    /// Whose days these are: an IANA time zone.
    zone: String,
    /// ISO 4217; if not said, CNY, or the first there are sales in.
    currency: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct TitleSalesBody {
    title_id: TitleId,
    from: UtcMs,
    to: UtcMs,
    zone: String,
    currency: String,
    currencies: Vec<String>,
    /// The last ledger entry that the money here covers.
    ledger_position: i64,
    gross: i64,
    orders: u64,
    /// Empty where the stretch is longer than 15 days.
    by_hour: Vec<HourBody>,
    by_day: Vec<HourBody>,
    by_territory: Vec<TerritorySalesBody>,
    by_price: Vec<PriceSalesBody>,
    funnel: FunnelBody,
    retention: Vec<RetentionBody>,
    refunds: RefundsBody,
}

#[derive(Serialize, ToSchema)]
pub struct TerritorySalesBody {
    territory: Territory,
    gross: i64,
    orders: u64,
}

#[derive(Serialize, ToSchema)]
pub struct PriceSalesBody {
    kind: PriceKind,
    gross: i64,
    orders: u64,
}

#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PriceKind {
    List,
    Member,
}

/// Who has played something of the fiftieth of the film that begins at `permille`.
#[derive(Serialize, ToSchema)]
pub struct RetentionBody {
    permille: u64,
    viewers: u64,
}

#[derive(Serialize, ToSchema)]
pub struct RefundsBody {
    amount: i64,
    count: u64,
}

/// A title's sales.
#[utoipa::path(get, path = "/operator/titles/{id}/sales", tag = "operator", operation_id = "operator_title_sales",
    params(("id" = TitleId, Path), SalesParams), security(("bearer" = [])), responses(
    (status = 200, description = "Sales in a stretch", body = TitleSalesBody),
    (status = 404, description = "TITLE_NOT_FOUND"),
    (status = 422, description = "ZONE_INVALID, CURRENCY_INVALID, RANGE_INVALID"),
))]
pub async fn sales(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    Id(title_id): Id<TitleId>,
    QueryOf(params): QueryOf<SalesParams>,
) -> Result<Json<TitleSalesBody>, Problem> {
    Ok(Json(sales_of(&operators, title_id, &params).await?))
}

pub async fn sales_of(
    operators: &Operators,
    title_id: TitleId,
    params: &SalesParams,
) -> Result<TitleSalesBody, Problem> {
    let api = &operators.api;
    let zone = Zone::parse(&params.zone)?;
    let to = params.to.unwrap_or_else(|| api.clock.now() + Duration::from_millis(1));
    let from = match params.from {
        Some(from) => from,
        None => zone.days_before(to, DAYS_DEFAULT)?,
    };
    let span = checked(Span { from, to }, limits::SALES_RANGE_MAX)?;
    if api.follower.snapshot().title(title_id).is_none() {
        let detail = "There is no such title.";
        return Err(Problem::new(http::StatusCode::NOT_FOUND, "TITLE_NOT_FOUND", detail));
    }
    let currency = currency(params.currency.as_deref())?;
    let rows = api.db.title_sales(&SalesQuery { title_id, currency, livemode: api.livemode, span }).await?;
    let is_listed_by_hour = span.to.since(span.from) <= limits::SALES_HOURS_MAX;
    let by_hour = if is_listed_by_hour { by_span(&hours(&zone, span)?, &rows.cells) } else { Vec::new() };
    let by_day = by_span(&zone.days(span)?, &rows.cells);
    let retention = (0..).zip(rows.retention);
    Ok(TitleSalesBody {
        title_id,
        from: span.from,
        to: span.to,
        zone: zone.name,
        currency: rows.currency.code().to_owned(),
        currencies: rows.currencies.iter().map(|currency| currency.code().to_owned()).collect(),
        ledger_position: rows.ledger_position,
        gross: rows.cells.iter().map(|cell| cell.gross_minor).sum(),
        orders: rows.cells.iter().map(|cell| cell.orders).sum(),
        by_hour,
        by_day,
        by_territory: by_territory(&rows.cells),
        by_price: by_price(&rows.cells),
        funnel: FunnelBody::from(rows.funnel),
        retention: retention
            .map(|(part, viewers): (u64, u64)| RetentionBody { permille: part * PART_PERMILLE, viewers })
            .collect(),
        refunds: RefundsBody { amount: rows.refunds_minor, count: rows.refunds },
    })
}

/// Hours of each day from its midnight on.
fn hours(zone: &Zone, span: Span) -> Result<Vec<Span>, Problem> {
    let mut hours = Vec::new();
    for day in zone.days(span)? {
        let mut from = day.from;
        while from < day.to {
            let to = UtcMs(from.0 + HOUR_MS).min(day.to);
            if to > span.from && from < span.to {
                hours.push(Span { from, to });
            }
            from = to;
        }
    }
    Ok(hours)
}

fn by_span(spans: &[Span], cells: &[SalesCell]) -> Vec<HourBody> {
    let mut rows: Vec<HourBody> =
        spans.iter().map(|span| HourBody { start_at: span.from, gross: 0, orders: 0 }).collect();
    for cell in cells {
        let place = spans.partition_point(|span| span.from <= cell.start_at).saturating_sub(1);
        if let Some(row) = rows.get_mut(place) {
            row.gross += cell.gross_minor;
            row.orders += cell.orders;
        }
    }
    rows
}

fn by_territory(cells: &[SalesCell]) -> Vec<TerritorySalesBody> {
    let mut rows: BTreeMap<String, TerritorySalesBody> = BTreeMap::new();
    for cell in cells {
        let territory = cell.territory;
        let fresh = TerritorySalesBody { territory, gross: 0, orders: 0 };
        let row = rows.entry(territory.to_string()).or_insert(fresh);
        row.gross += cell.gross_minor;
        row.orders += cell.orders;
    }
    let mut rows: Vec<TerritorySalesBody> = rows.into_values().collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.gross));
    rows
}

fn by_price(cells: &[SalesCell]) -> Vec<PriceSalesBody> {
    [(PriceKind::List, false), (PriceKind::Member, true)]
        .map(|(kind, is_member_price)| {
            let cells = || cells.iter().filter(move |cell| cell.is_member_price == is_member_price);
            let gross = cells().map(|cell| cell.gross_minor).sum();
            PriceSalesBody { kind, gross, orders: cells().map(|cell| cell.orders).sum() }
        })
        .into()
}
