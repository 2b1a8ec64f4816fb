//! Coins and the episodes that viewers have for them. An unlock and what is taken from the wallet for it are one
//! transaction, and an episode is unlocked once for each viewer, however often that is asked for.

use async_trait::async_trait;

use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::base::id::{CoinLotId, TitleId, ViewerId};
use crate::ledger::wallet::CoinLot;
use crate::rights::unlock::Unlock;
use crate::store::db::{Idempotency, Written};

/// Wallets and unlocks.
#[async_trait]
pub trait WalletDb: Send + Sync {
    /// Adds coins to a viewer's wallet; `NotFound` when there is no such viewer.
    async fn insert_coin_lot(&self, lot: &CoinLot, idempotency: &Idempotency) -> Result<Written<()>>;

    /// All lots of a viewer, oldest first.
    async fn coin_lots(&self, viewer: ViewerId, livemode: bool) -> Result<Vec<CoinLot>>;

    async fn coin_lot(&self, id: CoinLotId) -> Result<Option<CoinLot>>;

    /// Takes back what is left of a lot; false when that was done already, `NotFound` when there is none.
    async fn void_coin_lot(&self, id: CoinLotId, reason: &str, at: UtcMs) -> Result<bool>;

    /// Unlocks an episode, and takes what it costs from the wallet. `rewards` is from when the rewards of the title are
    /// counted, and how many there may be with this one.
    async fn unlock(&self, unlock: &Unlock, rewards: Option<(UtcMs, u32)>) -> Result<Unlocked>;

    /// All unlocks of a viewer, or only those of one title, oldest first.
    async fn unlocks(&self, viewer: ViewerId, title: Option<TitleId>) -> Result<Vec<Unlock>>;

    /// The parts of a title that anybody has unlocked, in order.
    async fn unlocked_parts(&self, title: TitleId) -> Result<Vec<u32>>;

    async fn auto_unlocks(&self, viewer: ViewerId) -> Result<bool>;

    async fn set_auto_unlock(&self, viewer: ViewerId, is_on: bool) -> Result<()>;
}

/// What unlocking found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unlocked {
    Done,
    /// It was unlocked before; nothing was taken.
    Already(Unlock),
    /// The wallet has no more than this.
    Short {
        coins: u64,
    },
    /// The rewards of the day are used up.
    NoRewardsLeft,
}
