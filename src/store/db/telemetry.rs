//! Telemetry: timelines of sessions, and the quality of experience that the fold makes of them. Notes are folded inside
//! the transaction that writes them, so it does not matter which node heard of what.

use async_trait::async_trait;

use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::base::id::{SessionId, TitleId};
use crate::telemetry::note::{Line, SessionNotes};
use crate::telemetry::qoe::Qoe;

/// What was said of sessions.
#[async_trait]
pub trait TelemetryDb: Send + Sync {
    /// Folds the notes into their sessions and keeps the lines. Notes of a session nobody has opened are left out.
    async fn record_notes(&self, notes: &[SessionNotes]) -> Result<()>;

    /// The lines of a session's timeline in the order they were noted.
    async fn timeline(&self, id: SessionId) -> Result<Vec<Line>>;

    /// What a session amounts to so far; none where there was no such session.
    async fn qoe(&self, id: SessionId) -> Result<Option<Qoe>>;

    /// What the sessions that were opened in a stretch amount to, read at one moment.
    async fn qoe_report(&self, query: &QoeQuery) -> Result<QoeReport>;

    /// Drops at most `limit` lines older than `before`; how many there were.
    async fn forget_lines(&self, before: UtcMs, limit: u32) -> Result<u64>;
}

/// Which sessions: those that were opened in `[from, to)`, of one title or of all.
#[derive(Clone, Debug)]
pub struct QoeQuery {
    pub from: UtcMs,
    pub to: UtcMs,
    pub title_id: Option<TitleId>,
    /// Upper bounds of the histogram of start-up times in milliseconds, ascending.
    pub startup_bounds_ms: Vec<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QoeReport {
    pub totals: QoeTotals,
    /// Most sessions first.
    pub titles: Vec<(TitleId, QoeTotals)>,
    /// Most frequent first.
    pub errors: Vec<ErrorTotals>,
    /// How many start-ups took at most each bound and more than the one before; the last is what took longer than all.
    pub startups: Vec<u64>,
}

/// Sums over sessions, and percentiles of their start-up by nearest rank.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QoeTotals {
    pub sessions: u64,
    pub started: u64,
    pub startup_p50_ms: Option<u64>,
    pub startup_p95_ms: Option<u64>,
    pub start_failures: u64,
    pub exits_before_start: u64,
    pub rebuffer_ms: u64,
    pub watched_ms: u64,
    pub errors: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorTotals {
    pub code: String,
    pub count: u64,
    pub last_at: UtcMs,
    /// The newest few sessions that had it.
    pub sessions: Vec<SessionId>,
}
