//! What vouchers need of the database.

use async_trait::async_trait;

use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::base::id::{PartyId, PurchaseId, ViewerId, VoucherBatchId, VoucherId};
use crate::rights::grant::Grant;
use crate::rights::voucher::VoucherBatch;
use crate::store::db::{Idempotency, Page, Written};

/// Batches of vouchers, and what became of each.
#[async_trait]
pub trait VoucherDb: Send + Sync {
    /// Records a batch with all its vouchers, or nothing.
    async fn insert_voucher_batch(
        &self,
        batch: &VoucherBatch,
        vouchers: &[NewVoucher],
        idempotency: &Idempotency,
    ) -> Result<Written<()>>;

    async fn voucher_batch(&self, id: VoucherBatchId) -> Result<Option<CountedBatch>>;

    /// Those that this party sells, or all, newest first; `after` is the last id of the page before.
    async fn voucher_batches(&self, party: Option<PartyId>, page: &Page) -> Result<Vec<CountedBatch>>;

    /// Takes back what nobody has redeemed; false when that was done already, `NotFound` when there is no such batch.
    async fn void_voucher_batch(&self, id: VoucherBatchId, at: UtcMs) -> Result<bool>;

    /// The voucher whose code has this hash.
    async fn voucher_of_code(&self, code_hash: &[u8; 32]) -> Result<Option<Voucher>>;

    /// Redeems the voucher that is the grant's cause, for the grant's viewer at its beginning: one conditional update,
    /// and the grant, in one transaction. In the same transaction: that the viewer has exactly `grants_seen` grants of
    /// the title and no pending purchase of it.
    async fn redeem_voucher(&self, grant: &Grant, grants_seen: usize) -> Result<Redemption>;
}

/// A voucher that is about to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewVoucher {
    pub id: VoucherId,
    /// HMAC-SHA-256 of the code.
    pub code_hash: [u8; 32],
}

/// A batch, and how many of its vouchers have been redeemed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedBatch {
    pub batch: VoucherBatch,
    pub redeemed: u32,
}

/// One voucher as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voucher {
    pub id: VoucherId,
    pub batch: VoucherBatch,
    /// Who redeemed it, and for what.
    pub redeemed: Option<(ViewerId, Grant)>,
}

/// What redeeming found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redemption {
    Done,
    /// Somebody redeemed it, its batch is void or has expired by now, or the viewer's grants are others: look again.
    Changed,
    /// The viewer is paying for the title.
    OtherPending(PurchaseId),
}
