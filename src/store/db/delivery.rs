//! Which files parties were sent, and what they said of them.

use async_trait::async_trait;

use crate::base::error::Result;
use crate::base::id::{DealId, DeliveryId};
use crate::rights::delivery::{Answer, Delivered, Delivery, Recall};
use crate::store::db::{Idempotency, Page, Written};

/// Deliveries. Every write appends a `Change::Title` of the deal's title; what was written once stays.
#[async_trait]
pub trait DeliveryDb: Send + Sync {
    /// `NotFound` where there is no such deal (`DEAL_NOT_FOUND`), `Conflict` where it has as many as it may
    /// (`TOO_MANY_DELIVERIES`).
    async fn insert_delivery(&self, delivery: &Delivery, idempotency: Option<&Idempotency>) -> Result<Written<()>>;

    /// Those of a deal, newest first.
    async fn deliveries(&self, deal: DealId, page: &Page) -> Result<Vec<Delivered>>;

    async fn delivery(&self, id: DeliveryId) -> Result<Option<Delivered>>;

    /// Writes what the party said of a file, of any deal or of this one only, and gives the delivery as it is. `NotFound`
    /// (`DELIVERY_NOT_FOUND`) when there is none; `Conflict` as [`Delivered::answered`].
    async fn answer_delivery(&self, id: DeliveryId, deal: Option<DealId>, answer: &Answer) -> Result<Delivered>;

    /// Writes that a file is not to be used, and gives the delivery as it is. `NotFound` (`DELIVERY_NOT_FOUND`) when there
    /// is none; `Conflict` as [`Delivered::recalled`].
    async fn recall_delivery(&self, id: DeliveryId, recall: &Recall) -> Result<Delivered>;
}
