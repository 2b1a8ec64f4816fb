//! What the board and a title's sales are made of: the ledger, the orders and the sessions, each answer read in one
//! transaction, so that every number of it is of one moment. `docs/metrics.md` defines the numbers.

use async_trait::async_trait;

use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::base::id::{PurchaseId, TitleId};
use crate::base::money::{Currency, Money};
use crate::base::territory::Territory;
use crate::store::db::job::Job;

/// Reads figures.
#[async_trait]
pub trait BoardDb: Send + Sync {
    async fn board(&self, query: &BoardQuery) -> Result<BoardRows>;

    async fn title_sales(&self, query: &SalesQuery) -> Result<SalesRows>;

    /// What came by the campaigns of a title: its sessions that are kept, and what was sold of it in this mode.
    async fn campaigns(&self, title: TitleId, livemode: bool) -> Result<CampaignRows>;
}

/// A stretch of time, `[from, to)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub from: UtcMs,
    pub to: UtcMs,
}

#[derive(Clone, Debug)]
pub struct BoardQuery {
    /// None: CNY, or the first there is.
    pub currency: Option<Currency>,
    /// Of which money.
    pub livemode: bool,
    /// The day so far.
    pub today: Span,
    /// The same stretch of the day a week ago.
    pub last_week: Span,
    /// That whole day.
    pub last_week_day: Span,
    /// What is looked at for the health of playback.
    pub recent: Span,
    /// Payments that wait since before this are late.
    pub pending_before: UtcMs,
    /// Jobs that failed since then.
    pub failed_since: UtcMs,
}

#[derive(Clone, Debug, PartialEq)]
pub struct BoardRows {
    /// The last entry that these rows cover: whoever adds up the entries up to it gets the same money.
    pub ledger_position: i64,
    pub currency: Currency,
    /// In which something has been ordered.
    pub currencies: Vec<Currency>,
    pub today: Figures,
    pub last_week: Figures,
    /// Since when there is anything to compare with.
    pub known: KnownSince,
    /// By hours since the day's start; hours without sales are left out.
    pub hours: Vec<HourSales>,
    pub hours_last_week: Vec<HourSales>,
    /// Highest gross first.
    pub titles: Vec<TitleSales>,
    pub funnel: Funnel,
    pub recent_starts: u64,
    pub recent_failures: u64,
    /// Oldest first.
    pub pending_late: Vec<LatePayment>,
    /// Newest first.
    pub failed_jobs: Vec<Job>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    pub gross_minor: i64,
    pub refunds_minor: i64,
    /// Sales in the ledger.
    pub orders: u64,
    /// Orders that were begun.
    pub checkouts: u64,
    /// Those of them that have been paid.
    pub paid: u64,
    pub play_starts: u64,
    pub start_failures: u64,
    /// Sessions that were heard of around the end of the stretch.
    pub viewers: u64,
}

/// The first entry, order and session; none where there is none yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KnownSince {
    pub entry_at: Option<UtcMs>,
    pub order_at: Option<UtcMs>,
    pub session_at: Option<UtcMs>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HourSales {
    /// Whole hours since the start of the day.
    pub hour: u32,
    pub gross_minor: i64,
    pub orders: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TitleSales {
    pub title_id: TitleId,
    pub gross_minor: i64,
    pub orders: u64,
}

/// Of the orders begun in a stretch: how many got how far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Funnel {
    pub checkouts: u64,
    pub paid: u64,
    pub first_plays: u64,
    pub half_watched: u64,
    pub completed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatePayment {
    pub purchase_id: PurchaseId,
    /// None where a product is bought.
    pub title_id: Option<TitleId>,
    pub created_at: UtcMs,
}

#[derive(Clone, Debug)]
pub struct SalesQuery {
    pub title_id: TitleId,
    pub currency: Option<Currency>,
    pub livemode: bool,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SalesRows {
    pub ledger_position: i64,
    pub currency: Currency,
    pub currencies: Vec<Currency>,
    pub cells: Vec<SalesCell>,
    pub refunds_minor: i64,
    pub refunds: u64,
    pub funnel: Funnel,
    /// Viewers (and sessions without one) that have played something of each fiftieth of the film.
    pub retention: Vec<u64>,
}

/// Sales of one quarter of an hour, of one territory, at one kind of price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SalesCell {
    /// The quarter's start: every zone's hours and days begin with one.
    pub start_at: UtcMs,
    pub territory: Territory,
    pub is_member_price: bool,
    pub gross_minor: i64,
    pub orders: u64,
}

/// What many came by first, and no more than `limits::CLICK_ROWS_MAX`: anybody can make up a word and open a trailer. Sales
/// in the order of their words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CampaignRows {
    pub sessions: Vec<CampaignSessions>,
    pub sales: Vec<CampaignSales>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignSessions {
    pub campaign: String,
    /// Of what makes people want the film.
    pub teasers: u64,
    pub films: u64,
}

/// Of one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignSales {
    pub campaign: String,
    pub gross: Money,
    pub orders: u64,
    pub refunds: u64,
}
