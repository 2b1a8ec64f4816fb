//! What outages need of the database: each is recorded with all that it gives back, in one transaction.

use async_trait::async_trait;

use crate::base::error::Result;
use crate::base::id::{OutageId, PartyId};
use crate::rights::outage::Outage;
use crate::store::db::{Idempotency, Page, Written};

/// Outages and what each gave back.
#[async_trait]
pub trait OutageDb: Send + Sync {
    /// Records an outage. In the same transaction every grant whose clock ran during it, and was not given this time back
    /// before, is extended, also where its end has passed meanwhile, and of a party's every open session of its viewers;
    /// each appends a `Change`. `Unprocessable` where there is no such party (`PARTY_NOT_FOUND`) or title
    /// (`TITLE_NOT_FOUND`).
    async fn record_outage(&self, outage: &Outage, idempotency: Option<&Idempotency>) -> Result<Written<OutageEffect>>;

    /// What recording it would come to. Refuses as recording does, and writes nothing.
    async fn measure_outage(&self, outage: &Outage) -> Result<OutageEffect>;

    /// All, or those of a party, newest first.
    async fn outages(&self, party: Option<PartyId>, page: &Page) -> Result<Vec<RecordedOutage>>;

    async fn outage(&self, id: OutageId) -> Result<Option<RecordedOutage>>;
}

/// What an outage comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutageEffect {
    /// Grants that have more time.
    pub grants: u32,
    /// All of it together.
    pub extended_ms: i64,
    /// Open sessions of a party's viewers that go on for longer.
    pub sessions: u32,
    /// Paid purchases of one title that it left less than the film of, and of which less than nine tenths were watched.
    pub refunds_due: u32,
}

/// An outage and what it came to; refunds that are due, as things stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedOutage {
    pub outage: Outage,
    pub effect: OutageEffect,
}
