//! A purchase: the act of buying an offer.
//!
//! ```text
//! pending ──> paid ──> refunded
//!    ├──> declined
//!    └──> expired          nobody paid in time
//! ```

use serde::{Deserialize, Serialize};

use crate::base::clock::UtcMs;
use crate::base::id::{AvailId, OfferId, PaymentId, PurchaseId, RefundId, StorefrontId, TitleId, ViewerId};
use crate::base::money::Money;
use crate::base::territory::Territory;

/// One act of buying, from the order to whatever became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchase {
    pub id: PurchaseId,
    pub viewer_id: ViewerId,
    pub title_id: TitleId,
    pub avail_id: AvailId,
    pub offer_id: OfferId,
    /// Where it was ordered.
    pub storefront_id: StorefrontId,
    /// Quoted when the order was made, and kept.
    pub price: Money,
    pub is_member_price: bool,
    pub territory: Territory,
    pub provider: String,
    /// Our id of the payment, as the provider knows it.
    pub payment_id: PaymentId,
    /// What the provider was told, opaque to us: for the sandbox, the outcome to play.
    pub payment_details: String,
    /// What the payer was told to do; it is of use while the purchase is pending.
    pub payment_action: Option<PaymentAction>,
    pub status: PurchaseStatus,
    pub livemode: bool,
    pub created_at: UtcMs,
    /// When it left `pending`.
    pub decided_at: Option<UtcMs>,
}

/// What the payer must do before a payment goes through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentAction {
    pub kind: PaymentActionKind,
    /// What the code holds, or where the browser goes: a path of this server, or a provider's URL.
    pub url: String,
    /// From this instant it is too late.
    pub expires_at: UtcMs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentActionKind {
    /// A telephone scans it and pays there.
    QrCode,
    /// The payer confirms on another page, such as the bank's.
    Challenge,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PurchaseStatus {
    Pending,
    Paid,
    Declined,
    Expired,
    Refunded,
}

impl PurchaseStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            PurchaseStatus::Pending => "pending",
            PurchaseStatus::Paid => "paid",
            PurchaseStatus::Declined => "declined",
            PurchaseStatus::Expired => "expired",
            PurchaseStatus::Refunded => "refunded",
        }
    }

    pub fn parse(text: &str) -> Option<PurchaseStatus> {
        use PurchaseStatus::{Declined, Expired, Paid, Pending, Refunded};
        [Pending, Paid, Declined, Expired, Refunded].into_iter().find(|status| status.as_str() == text)
    }

    /// Whether the state machine goes from `self` to `next`. Late callbacks that would go backwards are dropped.
    pub fn may_become(self, next: PurchaseStatus) -> bool {
        use PurchaseStatus::{Declined, Expired, Paid, Pending, Refunded};
        matches!((self, next), (Pending, Paid | Declined | Expired) | (Paid, Refunded))
    }
}

/// Money given back for a purchase: always the whole of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    pub id: RefundId,
    pub purchase_id: PurchaseId,
    pub amount: Money,
    pub reason: String,
    pub created_at: UtcMs,
}
