//! A shared state with this node's own behind it: while the shared one does not answer, each node keeps leases for
//! itself. An account may then exceed its stream limit for at most one lease TTL.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::broadcast;

use crate::base::error::{ErrorKind, Result};
use crate::store::state::{Lease, Rate, SlotKey, State};

/// Asks `shared`, and `local` when that is away.
pub struct FallbackState {
    shared: Arc<dyn State>,
    local: Arc<dyn State>,
}

impl FallbackState {
    pub fn new(shared: Arc<dyn State>, local: Arc<dyn State>) -> FallbackState {
        FallbackState { shared, local }
    }
}

#[async_trait]
impl State for FallbackState {
    async fn hold_lease(&self, slot: &SlotKey, holder: &str, limit: u32, ttl: Duration) -> Result<Lease> {
        match self.shared.hold_lease(slot, holder, limit, ttl).await {
            Err(error) if error.kind() == ErrorKind::Unavailable => {
                self.local.hold_lease(slot, holder, limit, ttl).await
            }
            answered => answered,
        }
    }

    async fn leases(&self, slot: &SlotKey) -> Result<u64> {
        match self.shared.leases(slot).await {
            Err(error) if error.kind() == ErrorKind::Unavailable => self.local.leases(slot).await,
            answered => answered,
        }
    }

    async fn release_lease(&self, slot: &SlotKey, holder: &str) -> Result<()> {
        self.local.release_lease(slot, holder).await?;
        self.shared.release_lease(slot, holder).await
    }

    async fn enter_crowd(&self, crowd: &str, member: &str, ttl: Duration) -> Result<()> {
        match self.shared.enter_crowd(crowd, member, ttl).await {
            Err(error) if error.kind() == ErrorKind::Unavailable => self.local.enter_crowd(crowd, member, ttl).await,
            answered => answered,
        }
    }

    async fn leave_crowd(&self, crowd: &str, member: &str) -> Result<()> {
        self.local.leave_crowd(crowd, member).await?;
        self.shared.leave_crowd(crowd, member).await
    }

    /// While the shared state is away, those of this node.
    async fn crowds(&self, crowds: &[String]) -> Result<Vec<u64>> {
        match self.shared.crowds(crowds).await {
            Err(error) if error.kind() == ErrorKind::Unavailable => self.local.crowds(crowds).await,
            answered => answered,
        }
    }

    async fn announce_change(&self) -> Result<()> {
        self.shared.announce_change().await
    }

    fn changes(&self) -> broadcast::Receiver<()> {
        self.shared.changes()
    }

    /// Not counted locally here: who counts knows what to allow meanwhile.
    async fn count(&self, key: &str, limit: u32, window: Duration) -> Result<Rate> {
        self.shared.count(key, limit, window).await
    }

    async fn ping(&self) -> Result<()> {
        self.shared.ping().await
    }
}
