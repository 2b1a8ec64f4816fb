//! The port to a payment provider. A callback is a hint: what is true is what `query` says. A provider is asked at most
//! once to create a payment; every other call may be repeated.

use async_trait::async_trait;
use http::HeaderMap;

use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::base::id::PaymentId;
use crate::base::money::Money;
use crate::ledger::purchase::{PaymentAction, Purchase};

/// Somebody who takes money for us.
#[async_trait]
pub trait PaymentProvider: Send + Sync {
    /// The name in URLs, purchases and ledger accounts.
    fn name(&self) -> &'static str;

    /// Whether it moves real money.
    fn is_live(&self) -> bool;

    /// Refuses payment details that it cannot use, and gives them the form that is kept with the purchase.
    fn read_details(&self, details: &serde_json::Value) -> Result<String>;

    /// Asks for the payment of a purchase that is recorded already.
    async fn create(&self, purchase: &Purchase, now: UtcMs) -> Result<PaymentState>;

    /// What became of a payment.
    async fn query(&self, purchase: &Purchase, now: UtcMs) -> Result<PaymentState>;

    /// Gives the money back; repeating it changes nothing.
    async fn refund(&self, purchase: &Purchase) -> Result<()>;

    /// Checks a callback's signature over its raw body and reads it.
    fn verify_notification(&self, headers: &HeaderMap, body: &[u8]) -> Result<Notification>;
}

/// Where a payment stands with its provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentState {
    /// Until the payer has done what is asked of them, if anything is.
    Pending {
        action: Option<PaymentAction>,
    },
    Paid {
        event_id: String,
        amount: Money,
        /// When the money was taken, which may be before we hear of it.
        at: UtcMs,
    },
    Declined {
        event_id: String,
    },
}

/// What a callback is about. What happened is asked of the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    pub event_id: String,
    pub payment_id: PaymentId,
}
