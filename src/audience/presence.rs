//! Who is watching now: sessions that opened, asked for media or held their event stream within `limits::PRESENCE_TTL`.
//! A session says so at most once every 30 s, in the background, so one that falls silent is gone 60 to 90 s after its
//! last sign.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::base::error::Result;
use crate::base::id::{SessionId, TitleId};
use crate::base::limits;
use crate::store::state::State;

const SIGN_EVERY_MS: u64 = limits::HEARTBEAT_EVERY.as_millis() as u64;

/// The sessions of each title that are present, on all nodes.
pub struct Crowds {
    state: Arc<dyn State>,
}

/// When a session last said that it is there, on the monotonic clock; zero before the first time.
#[derive(Default)]
pub struct Presence {
    said_ms: AtomicU64,
}

impl Presence {
    /// Whether it is time to say so again; true for one caller only.
    pub fn is_due(&self, now_ms: u64) -> bool {
        let said_ms = self.said_ms.load(Ordering::Relaxed);
        let is_due = said_ms == 0 || now_ms.saturating_sub(said_ms) >= SIGN_EVERY_MS;
        // Zero stands for never.
        let now_ms = now_ms.max(1);
        is_due && self.said_ms.compare_exchange(said_ms, now_ms, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

impl Crowds {
    pub fn new(state: Arc<dyn State>) -> Crowds {
        Crowds { state }
    }

    /// The session is there. Not waited for.
    pub fn enter(&self, title: TitleId, session: SessionId) {
        let state = self.state.clone();
        tokio::spawn(async move {
            let entered = state.enter_crowd(&title.to_string(), &session.to_string(), limits::PRESENCE_TTL).await;
            if let Err(error) = entered {
                tracing::debug!(error = error.log_line(), "a session is not counted as present");
            }
        });
    }

    /// The session is gone.
    pub async fn leave(&self, title: TitleId, session: SessionId) {
        if let Err(error) = self.state.leave_crowd(&title.to_string(), &session.to_string()).await {
            tracing::debug!(error = error.log_line(), "a session is counted as present until it falls silent");
        }
    }

    /// How many sessions of each title are there.
    pub async fn count(&self, titles: &[TitleId]) -> Result<Vec<u64>> {
        let crowds: Vec<String> = titles.iter().map(TitleId::to_string).collect();
        self.state.crowds(&crowds).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_says_so_once_in_thirty_seconds() {
        let presence = Presence::default();
        let due: Vec<bool> =
            [0, 0, 1, 29_999, 30_000, 30_001, 30_002, 60_001].map(|now_ms| presence.is_due(now_ms)).into();
        assert_eq!(due, [true, false, false, false, false, true, false, true]);
    }
}
