//! The state port: what nodes share and may lose at any time. Stream leases, who is present, hints that something was
//! revoked, and rate counters; never the truth.
//!
//! One contract suite (`tests/contract/state.rs`) runs against every adapter.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::broadcast;

use crate::base::error::Result;

pub mod fallback;
pub mod memory;
pub mod redis;

/// What the leases of one grant or membership are counted under, such as the grant's id.
pub type SlotKey = str;

/// The state that nodes share.
#[async_trait]
pub trait State: Send + Sync {
    /// Takes or renews `holder`'s lease in `slot` for `ttl`. With `limit` other holders alive there it is refused; a
    /// holder that is in already is always renewed.
    async fn hold_lease(&self, slot: &SlotKey, holder: &str, limit: u32, ttl: Duration) -> Result<Lease>;

    /// How many hold leases in `slot`.
    async fn leases(&self, slot: &SlotKey) -> Result<u64>;

    /// Gives the lease back; nothing happens when it is gone already.
    async fn release_lease(&self, slot: &SlotKey, holder: &str) -> Result<()>;

    /// `member` is in `crowd` for `ttl` from now. A crowd of `limits::CROWD_MEMBERS_MAX` takes nobody else.
    async fn enter_crowd(&self, crowd: &str, member: &str, ttl: Duration) -> Result<()>;

    /// `member` is gone at once; nothing happens when it was not there.
    async fn leave_crowd(&self, crowd: &str, member: &str) -> Result<()>;

    /// How many are in each of these crowds.
    async fn crowds(&self, crowds: &[String]) -> Result<Vec<u64>>;

    /// Tells every node that the database holds a new change. Only makes it faster: the database is followed anyway.
    async fn announce_change(&self) -> Result<()>;

    /// Hears every announcement from now on, those of this node included. A lagging receiver has heard enough, and one
    /// too many is heard whenever a lost connection is there again.
    fn changes(&self) -> broadcast::Receiver<()>;

    /// Counts one event under `key` in fixed windows of `window` and says whether it is within `limit`.
    async fn count(&self, key: &str, limit: u32, window: Duration) -> Result<Rate>;

    /// Answers when the backend does.
    async fn ping(&self) -> Result<()>;
}

/// What became of a wish for a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lease {
    Held,
    /// Every slot is taken by somebody else.
    Full,
}

/// What a rate counter says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    Within,
    /// Over the limit; the window ends in this long.
    Over {
        retry_after: Duration,
    },
}
