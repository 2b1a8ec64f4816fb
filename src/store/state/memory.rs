//! The state of one process: three maps under a lock. What has expired is dropped whenever a map has doubled, and a map
//! that is full of what is alive refuses more.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::broadcast;

use crate::base::clock::Clock;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::limits;
use crate::store::state::{Lease, Rate, SlotKey, State};

/// State that lives and dies with the process.
pub struct MemoryState {
    clock: Clock,
    changes: broadcast::Sender<()>,
    shared: Mutex<Shared>,
}

/// Instants are on the monotonic clock.
struct Shared {
    /// Holders and when their leases end, by slot.
    slots: Bounded<HashMap<String, Duration>>,
    counters: Bounded<Counter>,
    /// Members and until when they are there, by crowd.
    crowds: Bounded<HashMap<String, Duration>>,
}

struct Counter {
    events: u32,
    ends_at: Duration,
}

impl MemoryState {
    pub fn new(clock: Clock) -> MemoryState {
        let shared = Shared { slots: Bounded::new(), counters: Bounded::new(), crowds: Bounded::new() };
        let changes = broadcast::Sender::new(limits::STATE_HINTS_QUEUED_MAX);
        MemoryState { clock, changes, shared: Mutex::new(shared) }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl State for MemoryState {
    async fn hold_lease(&self, slot: &SlotKey, holder: &str, limit: u32, ttl: Duration) -> Result<Lease> {
        let now = self.clock.monotonic();
        let mut shared = self.lock();
        let holders = shared.slots.entry(slot, HashMap::new, |holders| holders.values().all(|ends_at| *ends_at <= now));
        let holders = holders?;
        holders.retain(|_, ends_at| *ends_at > now);
        if !holders.contains_key(holder) && holders.len() >= limit as usize {
            return Ok(Lease::Full);
        }
        holders.insert(holder.to_owned(), now + ttl);
        Ok(Lease::Held)
    }

    async fn leases(&self, slot: &SlotKey) -> Result<u64> {
        let now = self.clock.monotonic();
        let shared = self.lock();
        let held =
            shared.slots.map.get(slot).map_or(0, |holders| holders.values().filter(|ends_at| **ends_at > now).count());
        Ok(held as u64)
    }

    async fn release_lease(&self, slot: &SlotKey, holder: &str) -> Result<()> {
        let mut shared = self.lock();
        if let Some(holders) = shared.slots.map.get_mut(slot) {
            holders.remove(holder);
            if holders.is_empty() {
                shared.slots.map.remove(slot);
            }
        }
        Ok(())
    }

    async fn enter_crowd(&self, crowd: &str, member: &str, ttl: Duration) -> Result<()> {
        let now = self.clock.monotonic();
        let mut shared = self.lock();
        let members =
            shared.crowds.entry(crowd, HashMap::new, |members| members.values().all(|until| *until <= now))?;
        if members.len() >= limits::CROWD_MEMBERS_MAX && !members.contains_key(member) {
            members.retain(|_, until| *until > now);
            if members.len() >= limits::CROWD_MEMBERS_MAX {
                return Ok(());
            }
        }
        members.insert(member.to_owned(), now + ttl);
        Ok(())
    }

    async fn leave_crowd(&self, crowd: &str, member: &str) -> Result<()> {
        let mut shared = self.lock();
        if let Some(members) = shared.crowds.map.get_mut(crowd) {
            members.remove(member);
            if members.is_empty() {
                shared.crowds.map.remove(crowd);
            }
        }
        Ok(())
    }

    async fn crowds(&self, crowds: &[String]) -> Result<Vec<u64>> {
        let now = self.clock.monotonic();
        let mut shared = self.lock();
        let mut count = |crowd: &String| {
            let members = shared.crowds.map.get_mut(crowd)?;
            members.retain(|_, until| *until > now);
            Some(members.len() as u64)
        };
        Ok(crowds.iter().map(|crowd| count(crowd).unwrap_or(0)).collect())
    }

    async fn announce_change(&self) -> Result<()> {
        // Nobody listening is no failure.
        let _ = self.changes.send(());
        Ok(())
    }

    fn changes(&self) -> broadcast::Receiver<()> {
        self.changes.subscribe()
    }

    async fn count(&self, key: &str, limit: u32, window: Duration) -> Result<Rate> {
        let now = self.clock.monotonic();
        let fresh = || Counter { events: 0, ends_at: now + window };
        let mut shared = self.lock();
        let counter = shared.counters.entry(key, fresh, |counter| counter.ends_at <= now)?;
        if counter.ends_at <= now {
            *counter = fresh();
        }
        counter.events = counter.events.saturating_add(1);
        if counter.events <= limit {
            return Ok(Rate::Within);
        }
        Ok(Rate::Over { retry_after: counter.ends_at.saturating_sub(now) })
    }

    async fn ping(&self) -> Result<()> {
        Ok(())
    }
}

/// A map that drops what has expired when it has doubled, and never exceeds `limits::STATE_KEYS_MAX`.
struct Bounded<T> {
    map: HashMap<String, T>,
    purge_at: usize,
}

impl<T> Bounded<T> {
    /// Smaller maps are not worth a purge.
    const PURGE_MIN: usize = 1024;

    fn new() -> Bounded<T> {
        Bounded { map: HashMap::new(), purge_at: Self::PURGE_MIN }
    }

    fn entry(&mut self, key: &str, fresh: impl FnOnce() -> T, has_expired: impl Fn(&T) -> bool) -> Result<&mut T> {
        if !self.map.contains_key(key) && self.map.len() >= self.purge_at {
            self.map.retain(|_, value| !has_expired(value));
            self.purge_at = (2 * self.map.len()).clamp(Self::PURGE_MIN, limits::STATE_KEYS_MAX);
            if self.map.len() >= limits::STATE_KEYS_MAX {
                return Err(Error::new(
                    ErrorKind::Unavailable,
                    "STATE_UNAVAILABLE",
                    "The server is busy; try again in a moment.",
                )
                .with_internal("the state in memory is full"));
            }
        }
        Ok(self.map.entry(key.to_owned()).or_insert_with(fresh))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::{SimClock, UtcMs};

    #[tokio::test]
    async fn a_lease_ends_at_its_instant() {
        let sim = SimClock::new(UtcMs(0));
        let state = MemoryState::new(sim.clock());
        let ttl = Duration::from_millis(200);
        assert_eq!(state.hold_lease("gra", "a", 1, ttl).await.unwrap(), Lease::Held);
        sim.advance(Duration::from_millis(199));
        assert_eq!(state.hold_lease("gra", "b", 1, ttl).await.unwrap(), Lease::Full);
        sim.advance(Duration::from_millis(1));
        assert_eq!(state.hold_lease("gra", "b", 1, ttl).await.unwrap(), Lease::Held);
    }

    #[tokio::test]
    async fn what_has_expired_is_dropped_and_what_is_alive_is_bounded() {
        let sim = SimClock::new(UtcMs(0));
        let state = MemoryState::new(sim.clock());
        let window = Duration::from_secs(1);
        for key in 0..limits::STATE_KEYS_MAX {
            state.count(&key.to_string(), 1, window).await.unwrap();
        }
        assert_eq!(state.count("one more", 1, window).await.unwrap_err().code(), "STATE_UNAVAILABLE");
        sim.advance(window);
        assert_eq!(state.count("one more", 1, window).await.unwrap(), Rate::Within);
        assert_eq!(state.lock().counters.map.len(), 1);
    }
}
