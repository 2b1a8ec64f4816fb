//! What the console reads about sales and about who buys. Each answer is read at one moment.

use async_trait::async_trait;

use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::base::id::{PurchaseId, TitleId, ViewerId};
use crate::base::money::Money;
use crate::base::territory::Territory;
use crate::ledger::purchase::{Purchase, PurchaseStatus, Refund};
use crate::rights::membership::Membership;
use crate::rights::session::PlaybackSession;
use crate::store::db::Page;
use crate::store::db::account::Viewer;
use crate::store::db::commerce::{ChainedEntry, Given};

/// Lists of purchases, viewers and members. All are newest first; `after` is the last id of the page before.
#[async_trait]
pub trait SalesDb: Send + Sync {
    async fn sales(&self, filter: &SaleFilter, page: &Page) -> Result<Vec<Sale>>;

    async fn sale(&self, id: PurchaseId) -> Result<Option<WatchedSale>>;

    /// Everything that a purchase left behind.
    async fn trail(&self, id: PurchaseId) -> Result<Trail>;

    /// Purchases of a title that are paid and not refunded, those in a territory and those that an outage has cut short, the
    /// oldest first, each with how it was watched.
    async fn paid_sales(&self, title: TitleId, territory: Option<Territory>, page: &Page) -> Result<Vec<WatchedSale>>;

    /// Viewers whose address begins with `prefix`, in any case.
    async fn audience(&self, prefix: Option<&str>, page: &Page, now: UtcMs) -> Result<Vec<Patron>>;

    async fn patron(&self, id: ViewerId, now: UtcMs) -> Result<Option<Patron>>;

    /// Those that are active at `now`, those that are not, or all.
    async fn members(&self, is_active: Option<bool>, page: &Page, now: UtcMs) -> Result<Vec<Member>>;
}

/// Which purchases are wanted; what is not said does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SaleFilter {
    pub status: Option<PurchaseStatus>,
    pub title_id: Option<TitleId>,
    pub viewer_id: Option<ViewerId>,
    /// The viewer's whole address, in any case.
    pub viewer_email: Option<String>,
    /// Ordered in `[from, to)`.
    pub from: Option<UtcMs>,
    pub to: Option<UtcMs>,
    /// How the purchase's id, the payment's id or the viewer's address begins, in any case.
    pub query: Option<String>,
}

/// A purchase with what it led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sale {
    pub purchase: Purchase,
    pub viewer_email: String,
    pub given: Given,
    pub refund: Option<Refund>,
}

/// A purchase, and how much was watched under its grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchedSale {
    pub sale: Sale,
    pub watched_ms: u64,
    /// How far into the film something was played; none where nothing was.
    pub furthest_permille: Option<u64>,
    /// When an outage was recorded, less was left of it than the film is long.
    pub is_cut_short: bool,
}

/// What a purchase left behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trail {
    /// In chain order.
    pub entries: Vec<ChainedEntry>,
    pub payments: Vec<PaymentEvent>,
    pub callbacks: Vec<Callback>,
    /// Opened under its grants, of each the newest first.
    pub sessions: Vec<PlaybackSession>,
}

/// What a provider said about a payment, applied once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentEvent {
    pub id: String,
    pub kind: PaymentEventKind,
    pub recorded_at: UtcMs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentEventKind {
    Paid,
    Declined,
    /// Paid when the purchase had ended without money; the money went back.
    Late,
}

/// A callback whose signature was right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    pub event_id: String,
    pub first_at: UtcMs,
    pub times: u32,
}

/// A viewer as a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patron {
    pub viewer: Viewer,
    pub is_member: bool,
    /// Paid for, also where the money went back.
    pub purchases: u32,
    /// Paid and not refunded, per currency in order of its code.
    pub spent: Vec<Money>,
    /// Sign-ins that are valid at the time.
    pub sign_ins: u32,
}

/// A membership with the names that go with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub membership: Membership,
    pub viewer_email: String,
    pub plan_name: String,
}

impl PaymentEventKind {
    pub fn as_str(self) -> &'static str {
        match self {
            PaymentEventKind::Paid => "paid",
            PaymentEventKind::Declined => "declined",
            PaymentEventKind::Late => "late",
        }
    }

    pub fn parse(text: &str) -> Option<PaymentEventKind> {
        [PaymentEventKind::Paid, PaymentEventKind::Declined, PaymentEventKind::Late]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}
