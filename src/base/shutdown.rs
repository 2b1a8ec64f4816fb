//! One shutdown signal for the whole process. Rooms drain in a fixed order: the listener stops accepting, requests end,
//! jobs are given up to be claimed again, the database closes last.

use std::sync::Arc;

use tokio::sync::watch;

/// A handle on the signal, cheap to clone; every clone sees it.
#[derive(Clone)]
pub struct Shutdown(Arc<watch::Sender<bool>>);

impl Shutdown {
    pub fn new() -> Shutdown {
        Shutdown(Arc::new(watch::Sender::new(false)))
    }

    /// Asks everything to end. Asking twice is asking once.
    pub fn begin(&self) {
        self.0.send_replace(true);
    }

    pub fn has_begun(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns once shutdown has begun; at once when it already has.
    pub async fn begun(&self) {
        let mut signal = self.0.subscribe();
        // The sender lives in `self`, so the only way out is the signal.
        let _ = signal.wait_for(|begun| *begun).await;
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Shutdown::new()
    }
}
