//! Rate limits, counted in the shared state. While that is away each node counts by itself, at a quarter of the rate.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::base::clock::Clock;
use crate::base::limits;
use crate::store::state::{Rate, State};

/// Counts events by key.
pub struct Rates {
    state: Arc<dyn State>,
    clock: Clock,
    local: Mutex<HashMap<String, Window>>,
}

struct Window {
    ends: Duration,
    count: u32,
}

impl Rates {
    pub fn new(state: Arc<dyn State>, clock: Clock) -> Rates {
        Rates { state, clock, local: Mutex::default() }
    }

    /// Counts one event under `key`, which holds nothing personal but ids and digests.
    pub async fn count(&self, key: &str, limit: u32, window: Duration) -> Rate {
        match self.state.count(key, limit, window).await {
            Ok(rate) => rate,
            Err(error) => {
                tracing::debug!(error = error.log_line(), "rates are counted on this node only");
                self.count_locally(key, (limit / 4).max(1), window)
            }
        }
    }

    fn count_locally(&self, key: &str, limit: u32, window: Duration) -> Rate {
        let now = self.clock.monotonic();
        let mut local = self.local.lock().unwrap_or_else(PoisonError::into_inner);
        if local.len() >= limits::RATE_KEYS_MAX {
            local.retain(|_, counted| counted.ends > now);
        }
        if local.len() >= limits::RATE_KEYS_MAX && !local.contains_key(key) {
            return Rate::Over { retry_after: window };
        }
        let counted = local.entry(key.to_owned()).or_insert(Window { ends: now + window, count: 0 });
        if counted.ends <= now {
            *counted = Window { ends: now + window, count: 0 };
        }
        counted.count = counted.count.saturating_add(1);
        if counted.count <= limit { Rate::Within } else { Rate::Over { retry_after: counted.ends.saturating_sub(now) } }
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use tokio::sync::broadcast;

    use super::*;
    use crate::base::clock::{SimClock, UtcMs};
    use crate::base::error::{Error, ErrorKind, Result};
    use crate::store::state::{Lease, SlotKey};

    /// A state that is away.
    struct Away;

    fn away<T>() -> Result<T> {
        Err(Error::new(ErrorKind::Unavailable, "STATE_UNAVAILABLE", "away"))
    }

    #[async_trait]
    impl State for Away {
        async fn hold_lease(&self, _: &SlotKey, _: &str, _: u32, _: Duration) -> Result<Lease> {
            away()
        }
        async fn leases(&self, _: &SlotKey) -> Result<u64> {
            away()
        }
        async fn release_lease(&self, _: &SlotKey, _: &str) -> Result<()> {
            away()
        }
        async fn enter_crowd(&self, _: &str, _: &str, _: Duration) -> Result<()> {
            away()
        }
        async fn leave_crowd(&self, _: &str, _: &str) -> Result<()> {
            away()
        }
        async fn crowds(&self, _: &[String]) -> Result<Vec<u64>> {
            away()
        }
        async fn announce_change(&self) -> Result<()> {
            away()
        }
        fn changes(&self) -> broadcast::Receiver<()> {
            broadcast::Sender::new(1).subscribe()
        }
        async fn count(&self, _: &str, _: u32, _: Duration) -> Result<Rate> {
            away()
        }
        async fn ping(&self) -> Result<()> {
            away()
        }
    }

    #[tokio::test]
    async fn without_the_shared_state_a_quarter_of_the_rate_is_let_through() {
        let sim = SimClock::new(UtcMs(0));
        let rates = Rates::new(Arc::new(Away), sim.clock());
        let minute = Duration::from_secs(60);
        for _ in 0..5 {
            assert_eq!(rates.count("sign-in/a", 20, minute).await, Rate::Within);
        }
        sim.advance(Duration::from_secs(20));
        let over = Rate::Over { retry_after: Duration::from_secs(40) };
        assert_eq!(rates.count("sign-in/a", 20, minute).await, over);
        assert_eq!(rates.count("sign-in/b", 20, minute).await, Rate::Within);
        sim.advance(Duration::from_secs(40));
        assert_eq!(rates.count("sign-in/a", 20, minute).await, Rate::Within);
    }
}
