//! What commerce needs of the database. A purchase that is paid, its ledger entry and its grant are one transaction; so
//! are a refund, its reversal and the grant's revocation.

use async_trait::async_trait;

use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::base::id::{GrantId, MembershipId, PaymentId, PlanId, PurchaseId, TitleId, ViewerId};
use crate::ledger::chain::ChainHash;
use crate::ledger::entry::Entry;
use crate::ledger::purchase::{ClosedBecause, PaymentAction, Purchase, Refund};
use crate::ledger::wallet::CoinLot;
use crate::rights::grant::Grant;
use crate::rights::membership::{Membership, Plan};
use crate::store::db::audit::AuditLine;
use crate::store::db::{Idempotency, Written};

/// Purchases, refunds, grants, memberships and the journal.
#[async_trait]
pub trait CommerceDb: Send + Sync {
    /// Records a pending purchase, durably, before the provider hears of it. In the same transaction: the idempotency
    /// key, that the viewer has exactly `grants_seen` grants of its titles and no other pending purchase of them or of the
    /// product, and that its coupon is good for it.
    async fn begin_purchase(
        &self,
        purchase: &Purchase,
        grants_seen: usize,
        idempotency: &Idempotency,
    ) -> Result<Written<Begun>>;

    /// `pending -> paid` with its entry, chained, and what it gave: a membership after one of the same plan that lasts.
    /// With an event id, the event is recorded too and one that was recorded before changes nothing.
    async fn settle_purchase(
        &self,
        id: PurchaseId,
        event_id: Option<&str>,
        entry: &Entry,
        given: &Given,
    ) -> Result<Settled>;

    /// `pending -> declined` or `pending -> expired`.
    async fn close_purchase(
        &self,
        id: PurchaseId,
        event_id: Option<&str>,
        closed: PurchaseClosed,
        at: UtcMs,
    ) -> Result<Settled>;

    /// Keeps what the payer of a pending purchase must do.
    async fn keep_payment_action(&self, id: PurchaseId, action: &PaymentAction) -> Result<()>;

    /// Notes a callback whose signature was right; each event once, with how often it came.
    async fn hear_callback(&self, id: PurchaseId, event_id: &str, at: UtcMs) -> Result<()>;

    /// A payment came after the purchase had ended without money, and has been given back: the event and a line of the
    /// audit log. `AlreadyDecided` when the event had been recorded before, or the purchase has not ended so.
    async fn record_late_payment(&self, id: PurchaseId, event_id: &str, line: &AuditLine) -> Result<Settled>;

    /// What somebody pressed at the sandbox's cashier, and when.
    async fn sandbox_act(&self, id: PaymentId) -> Result<Option<(SandboxAct, UtcMs)>>;

    /// Presses it. The first act stands, and is returned.
    async fn press_sandbox(&self, id: PaymentId, act: SandboxAct, at: UtcMs) -> Result<SandboxAct>;

    /// Before the money goes back: the coins of a purchase cannot be spent any more. False where some have been.
    async fn hold_coins(&self, purchase: PurchaseId, at: UtcMs) -> Result<bool>;

    /// The money has not gone back after all: they can be spent again.
    async fn release_coins(&self, purchase: PurchaseId) -> Result<()>;

    /// `paid -> refunded`: the refund, the reversing entry, and the end of all that it gave with a change for each.
    async fn record_refund(
        &self,
        refund: &Refund,
        reversal: &Entry,
        idempotency: &Idempotency,
    ) -> Result<Written<Settled>>;

    async fn purchase(&self, id: PurchaseId) -> Result<Option<Purchase>>;

    async fn purchase_by_payment(&self, id: PaymentId) -> Result<Option<Purchase>>;

    /// Every purchase that is still pending, oldest first.
    async fn pending_purchases(&self, limit: u32) -> Result<Vec<Purchase>>;

    /// Purchases whose payment was not kept and has not gone back yet, oldest first, after one of them.
    async fn unreturned_purchases(&self, after: Option<PurchaseId>, limit: u32) -> Result<Vec<Purchase>>;

    async fn refund_of(&self, purchase: PurchaseId) -> Result<Option<Refund>>;

    async fn grant(&self, id: GrantId) -> Result<Option<Grant>>;

    async fn given(&self, purchase: PurchaseId) -> Result<Given>;

    /// All grants of one viewer, or only those for one title, oldest first.
    async fn grants(&self, viewer: ViewerId, title: Option<TitleId>) -> Result<Vec<Grant>>;

    /// Revokes and appends a `Change::Grant`; false when it was revoked already, `NotFound` when there is none.
    async fn revoke_grant(&self, id: GrantId, reason: &str, at: UtcMs) -> Result<bool>;

    async fn insert_plan(&self, plan: &Plan, idempotency: Option<&Idempotency>, at: UtcMs) -> Result<Written<()>>;

    async fn plan(&self, id: PlanId) -> Result<Option<Plan>>;

    async fn plans(&self) -> Result<Vec<Plan>>;

    async fn insert_membership(
        &self,
        membership: &Membership,
        idempotency: Option<&Idempotency>,
    ) -> Result<Written<()>>;

    /// Those that an operator gave, and those that were bought with real money, or with none, as `livemode` says.
    async fn memberships(&self, viewer: ViewerId, livemode: bool) -> Result<Vec<Membership>>;

    async fn membership(&self, id: MembershipId) -> Result<Option<Membership>>;

    /// Ends it early and appends a `Change::Membership`; false when that was done already, `NotFound` when there is none.
    async fn end_membership(&self, id: MembershipId, reason: &str, at: UtcMs) -> Result<bool>;

    /// Entries in chain order with their hashes, after the given position (0 for the first page).
    async fn entries(&self, after: i64, limit: u32) -> Result<Vec<ChainedEntry>>;

    async fn entry_of_purchase(&self, purchase: PurchaseId) -> Result<Option<Entry>>;
}

/// What a paid purchase gave: the grant of a title, or of each of a bundle; time as a member; coins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    pub grants: Vec<Grant>,
    pub membership: Option<Membership>,
    pub coins: Vec<CoinLot>,
}

impl Given {
    pub fn is_nothing(&self) -> bool {
        self.grants.is_empty() && self.membership.is_none() && self.coins.is_empty()
    }

    /// What cannot be given back any more.
    pub fn coins_spent(&self) -> u32 {
        self.coins.iter().map(|lot| lot.spent).sum()
    }
}

impl From<Grant> for Given {
    fn from(grant: Grant) -> Given {
        Given { grants: vec![grant], ..Given::default() }
    }
}

/// What beginning a purchase found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    Recorded,
    /// The viewer's grants are no longer those that the quote saw, or the coupon takes off something else: quote again.
    RightsChanged,
    /// Another purchase of the same by the same viewer is pending.
    OtherPending(PurchaseId),
}

/// What settling found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    Done,
    /// The purchase had left that state already, or the event had been seen: nothing was changed.
    AlreadyDecided,
}

/// What one can do at the sandbox's cashier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SandboxAct {
    Pay,
    Decline,
}

impl SandboxAct {
    pub fn as_str(self) -> &'static str {
        match self {
            SandboxAct::Pay => "pay",
            SandboxAct::Decline => "decline",
        }
    }

    pub fn parse(text: &str) -> Option<SandboxAct> {
        [SandboxAct::Pay, SandboxAct::Decline].into_iter().find(|act| act.as_str() == text)
    }
}

/// How a pending purchase ends without money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PurchaseClosed {
    Declined,
    Expired,
    /// It was paid for, and the money goes back.
    NotKept(ClosedBecause),
}

/// An entry at its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainedEntry {
    /// 1 for the first entry; without gaps.
    pub position: i64,
    pub entry: Entry,
    pub hash: ChainHash,
}
