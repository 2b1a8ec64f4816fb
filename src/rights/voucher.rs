//! Vouchers: an offer that somebody has paid for elsewhere, or was given. A code is redeemed once, for one grant.

use serde::{Deserialize, Serialize};

use crate::base::clock::UtcMs;
use crate::base::id::{OfferId, PartyId, TitleId, VoucherBatchId};

/// Vouchers that were made together, for one offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoucherBatch {
    pub id: VoucherBatchId,
    pub title_id: TitleId,
    pub offer_id: OfferId,
    pub count: u32,
    /// From this instant none of them is redeemed any more.
    pub expires_at: UtcMs,
    /// For operators: whom they are for.
    pub note: String,
    /// Who sells them, such as a circuit of cinemas; nobody but us where that is not said.
    pub party_id: Option<PartyId>,
    pub created_at: UtcMs,
    /// When the rest of them was taken back; what had been redeemed stays.
    pub void_at: Option<UtcMs>,
    /// Made by a live server.
    pub livemode: bool,
}

impl VoucherBatch {
    /// Whether a voucher of it that nobody has redeemed yet can be.
    pub fn is_open(&self, now: UtcMs) -> bool {
        self.void_at.is_none() && now < self.expires_at
    }
}
