//! Stream leases as the media path sees them: a renewal at most every 30 s per session, never awaited by a segment.
//!
//! A session whose requests come from two client networks in turn is being shared: it counts as two streams, and where
//! the limit has no room for the second one it is refused until the sharing stops. A viewer who moves from one network
//! to another is not: the old network falls silent. The address families are told apart, as one device uses both.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ipnet::IpNet;

use crate::base::error::Result;
use crate::base::id::{TitleId, ViewerId};
use crate::base::limits;
use crate::rights::entitlement::{Cause, Entitlement};
use crate::rights::session::PlaybackSession;
use crate::store::state::{Lease, State};

const HEARTBEAT_MS: u64 = limits::HEARTBEAT_EVERY.as_millis() as u64;
/// How often a session that is refused or shared asks again.
const RECHECK_MS: u64 = 5_000;

/// The lease of one session on this node.
pub struct SessionLease {
    slot: Option<String>,
    holder: String,
    streams: u32,
    ttl: Duration,
    renewed_ms: AtomicU64,
    shared_until_ms: AtomicU64,
    /// The last renewal found the limit full.
    is_refused: AtomicBool,
    networks: Mutex<[Sightings; 2]>,
}

/// Networks that are remembered per address family; somebody who shares among more is refused all the same, as some of
/// them come back soon.
const NETWORKS_REMEMBERED: usize = 8;

/// Where one address family's requests came from: the present network, and when others were left.
#[derive(Default)]
struct Sightings {
    current: Option<IpNet>,
    left: VecDeque<(IpNet, u64)>,
}

/// The slot that the streams of an entitlement to a title are counted in; a free title has none.
pub fn slot(entitlement: &Entitlement, viewer_id: Option<ViewerId>, title_id: TitleId) -> Option<String> {
    if entitlement.streams == 0 {
        return None;
    }
    match entitlement.cause {
        Cause::Grant(id) => Some(id.to_string()),
        Cause::Membership(id) => Some(id.to_string()),
        // However many episodes of it were unlocked.
        Cause::Unlock(_) => viewer_id.map(|viewer| format!("unlocks/{viewer}/{title_id}")),
        Cause::External => viewer_id.map(|viewer| format!("external/{viewer}/{title_id}")),
        Cause::Screener(id) => Some(id.to_string()),
        Cause::Partner(id) => Some(id.to_string()),
        Cause::Free | Cause::Trailer | Cause::Preview => None,
    }
}

impl SessionLease {
    /// Not yet held; `now_ms` is monotonic.
    pub fn new(session: &PlaybackSession) -> SessionLease {
        SessionLease {
            slot: slot(&session.entitlement, session.viewer_id, session.title_id),
            holder: session.id.to_string(),
            streams: session.entitlement.streams,
            ttl: limits::LEASE_TTL,
            renewed_ms: AtomicU64::new(0),
            shared_until_ms: AtomicU64::new(0),
            is_refused: AtomicBool::new(false),
            networks: Mutex::default(),
        }
    }

    /// Takes the lease and waits for the answer: done once, when a session opens.
    pub async fn take(&self, state: &dyn State, now_ms: u64) -> Result<Lease> {
        let lease = self.hold(state, false).await?;
        self.renewed_ms.store(now_ms, Ordering::Relaxed);
        Ok(lease)
    }

    /// Gives the lease back.
    pub async fn release(&self, state: &dyn State) {
        let Some(slot) = &self.slot else { return };
        for holder in [self.holder.clone(), self.second_holder()] {
            if let Err(error) = state.release_lease(slot, &holder).await {
                tracing::debug!(error = error.log_line(), "a lease was not given back; it runs out by itself");
            }
        }
    }

    /// A request or a heartbeat came from `network`: false when the stream limit refuses it. Renewals go on in the
    /// background and take effect on a later request.
    pub fn touch(self: &Arc<Self>, state: &Arc<dyn State>, network: Option<IpNet>, now_ms: u64) -> bool {
        if self.slot.is_none() {
            return true;
        }
        if network.is_some_and(|network| self.came_back(network, now_ms)) {
            self.shared_until_ms.store(now_ms + HEARTBEAT_MS, Ordering::Relaxed);
        }
        let is_shared = now_ms < self.shared_until_ms.load(Ordering::Relaxed);
        let is_refused = self.is_refused.load(Ordering::Relaxed);
        let every_ms = if is_shared || is_refused { RECHECK_MS } else { HEARTBEAT_MS };
        let renewed_ms = self.renewed_ms.load(Ordering::Relaxed);
        if now_ms.saturating_sub(renewed_ms) >= every_ms
            && self.renewed_ms.compare_exchange(renewed_ms, now_ms, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        {
            self.renew(state, is_shared);
        }
        !is_refused
    }

    /// The last renewal found the limit full.
    pub fn is_refused(&self) -> bool {
        self.is_refused.load(Ordering::Relaxed)
    }

    /// Notes where a request came from; true when two networks take turns within one heartbeat.
    fn came_back(&self, network: IpNet, now_ms: u64) -> bool {
        let mut networks = self.networks.lock().unwrap_or_else(PoisonError::into_inner);
        let family = match network {
            IpNet::V4(_) => 0,
            IpNet::V6(_) => 1,
        };
        let sightings = &mut networks[family];
        if sightings.current == Some(network) {
            return false;
        }
        sightings.left.retain(|(_, left_ms)| now_ms.saturating_sub(*left_ms) < HEARTBEAT_MS);
        let is_back = sightings.left.iter().any(|(left, _)| *left == network);
        sightings.left.retain(|(left, _)| *left != network);
        if let Some(current) = sightings.current.replace(network) {
            sightings.left.truncate(NETWORKS_REMEMBERED - 1);
            sightings.left.push_front((current, now_ms));
        }
        is_back
    }

    fn renew(self: &Arc<Self>, state: &Arc<dyn State>, is_shared: bool) {
        let (lease, state) = (self.clone(), state.clone());
        tokio::spawn(async move {
            match lease.hold(&*state, is_shared).await {
                Ok(held) => lease.is_refused.store(held == Lease::Full, Ordering::Relaxed),
                Err(error) => tracing::debug!(error = error.log_line(), "a lease was not renewed"),
            }
        });
    }

    async fn hold(&self, state: &dyn State, is_shared: bool) -> Result<Lease> {
        let Some(slot) = &self.slot else { return Ok(Lease::Held) };
        let first = state.hold_lease(slot, &self.holder, self.streams, self.ttl).await?;
        if first == Lease::Full || !is_shared {
            return Ok(first);
        }
        state.hold_lease(slot, &self.second_holder(), self.streams, self.ttl).await
    }

    fn second_holder(&self) -> String {
        format!("{}#2", self.holder)
    }
}
