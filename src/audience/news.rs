//! What just happened on this node, for the consoles that look on. A console that lags behind loses news and gets a
//! fresh board instead: nothing is kept for it.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::broadcast;

use crate::base::id::{JobId, PurchaseId, SessionId};
use crate::base::limits;

/// Tells everybody who listens.
pub struct News {
    version: AtomicU64,
    listeners: broadcast::Sender<Item>,
}

/// One piece of news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// An order was begun, paid, declined, given up or refunded.
    Order(PurchaseId),
    Session(SessionId, SessionNews),
    Job(JobId),
    /// Telemetry was written.
    Telemetry,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionNews {
    Opened,
    Ended,
}

impl News {
    pub fn new() -> News {
        News { version: AtomicU64::new(0), listeners: broadcast::Sender::new(limits::NEWS_QUEUED_MAX) }
    }

    /// It has been committed, or it is not told.
    pub fn tell(&self, item: Item) {
        self.version.fetch_add(1, Ordering::Release);
        // Nobody listening is fine.
        let _ = self.listeners.send(item);
    }

    /// Grows with every piece of news.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    pub fn listen(&self) -> broadcast::Receiver<Item> {
        self.listeners.subscribe()
    }
}

impl Default for News {
    fn default() -> News {
        News::new()
    }
}
