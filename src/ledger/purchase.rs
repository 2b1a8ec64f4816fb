//! A purchase: the act of buying an offer, or a product.
//!
//! ```text
//! pending ──> paid ──> refunded
//!    ├──> declined
//!    └──> expired          nobody paid in time, or what was paid is no longer its price
//! ```

use serde::{Deserialize, Serialize};

use crate::base::clock::UtcMs;
use crate::base::id::{
    AvailId, CouponId, OfferId, PaymentId, ProductId, PurchaseId, RefundId, StorefrontId, TitleId, ViewerId,
};
use crate::base::money::Money;
use crate::base::territory::Territory;
use crate::ledger::coupon::FundedBy;

/// One act of buying, from the order to whatever became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchase {
    pub id: PurchaseId,
    pub viewer_id: ViewerId,
    pub good: Good,
    /// Where it was ordered.
    pub storefront_id: StorefrontId,
    /// What is paid: quoted when the order was made, less the discount, and kept until it is paid or expires.
    pub price: Money,
    pub is_member_price: bool,
    /// The coupon that was used, and what it took off.
    pub discount: Option<Discount>,
    pub territory: Territory,
    /// The campaign whose link its viewer came by, as the first request said.
    pub campaign: Option<String>,
    pub provider: String,
    /// Our id of the payment, as the provider knows it.
    pub payment_id: PaymentId,
    /// What the provider was told, opaque to us: for the sandbox, the outcome to play.
    pub payment_details: String,
    /// What the payer was told to do; it is of use while the purchase is pending.
    pub payment_action: Option<PaymentAction>,
    pub status: PurchaseStatus,
    /// Why it expired although it was paid for.
    pub closed_because: Option<ClosedBecause>,
    /// From when members would have it without paying, as the buyer was told and agreed.
    pub accepted_members_from_at: Option<UtcMs>,
    pub livemode: bool,
    pub created_at: UtcMs,
    /// When it left `pending`.
    pub decided_at: Option<UtcMs>,
}

/// Why a payment was not kept, and went back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClosedBecause {
    /// It was for the time before members have the title, and they had it when the payment came.
    MembersHaveIt,
    /// When the payment was taken its payer was a member and had not been one at the order, or the other way round: the
    /// price was another one.
    MemberPriceChanged,
    /// It is sold to members only, and when the payment was taken its payer was none any more.
    MembershipEnded,
}

impl ClosedBecause {
    pub fn as_str(self) -> &'static str {
        match self {
            ClosedBecause::MembersHaveIt => "members_have_it",
            ClosedBecause::MemberPriceChanged => "member_price_changed",
            ClosedBecause::MembershipEnded => "membership_ended",
        }
    }

    pub fn parse(text: &str) -> Option<ClosedBecause> {
        [ClosedBecause::MembersHaveIt, ClosedBecause::MemberPriceChanged, ClosedBecause::MembershipEnded]
            .into_iter()
            .find(|why| why.as_str() == text)
    }
}

/// What is bought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Good {
    /// An offer of one title.
    Offer(Line),
    /// What is not one title's; of a bundle each of its titles.
    Product { product_id: ProductId, lines: Vec<Line> },
}

/// One title that is bought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub title_id: TitleId,
    pub avail_id: AvailId,
    pub offer_id: OfferId,
    /// Its part of the price that is paid.
    pub price: Money,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discount {
    pub coupon_id: CouponId,
    pub amount: Money,
    /// As the coupon says.
    pub funded_by: FundedBy,
}

impl Good {
    /// The titles that are bought.
    pub fn lines(&self) -> &[Line] {
        match self {
            Good::Offer(line) => std::slice::from_ref(line),
            Good::Product { lines, .. } => lines,
        }
    }

    /// The one title, where it is of one.
    pub fn title_id(&self) -> Option<TitleId> {
        self.line().map(|line| line.title_id)
    }

    pub fn offer_id(&self) -> Option<OfferId> {
        self.line().map(|line| line.offer_id)
    }

    pub fn product_id(&self) -> Option<ProductId> {
        match self {
            Good::Offer(_) => None,
            Good::Product { product_id, .. } => Some(*product_id),
        }
    }

    fn line(&self) -> Option<&Line> {
        match self {
            Good::Offer(line) => Some(line),
            Good::Product { .. } => None,
        }
    }
}

/// `price` over titles that would cost `list_prices` by themselves, in their proportion; over such as cost nothing, evenly.
pub fn shares(price: Money, list_prices: &[Money]) -> Vec<Money> {
    let dearest = list_prices.iter().map(|price| price.minor.max(0)).max().unwrap_or(0);
    if dearest == 0 {
        return price.split(&vec![1; list_prices.len().max(1)]);
    }
    // Weights have 32 bits, prices more.
    let shift = (64 - dearest.leading_zeros()).saturating_sub(32);
    let weight = |price: &Money| u32::try_from(price.minor.max(0) >> shift).unwrap_or(u32::MAX);
    price.split(&list_prices.iter().map(weight).collect::<Vec<_>>())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::money::Currency;

    #[test]
    fn the_price_of_a_bundle_is_shared_by_what_its_titles_cost_and_to_the_last_unit() {
        let fen = |minor| Money::new(minor, Currency::CNY);
        for (price, list_prices, expected) in [
            (2000, vec![1800, 1200], vec![1200, 800]),
            (1000, vec![300, 300, 300], vec![334, 333, 333]),
            (999, vec![0, 0], vec![500, 499]),
            (999, vec![1800, 0], vec![999, 0]),
            (7, vec![1_000_000_000_000, 1_000_000_000_000, 1], vec![4, 3, 0]),
        ] {
            let list_prices: Vec<Money> = list_prices.into_iter().map(fen).collect();
            let expected: Vec<Money> = expected.into_iter().map(fen).collect();
            assert_eq!(shares(fen(price), &list_prices), expected, "{price}");
        }
    }
}
