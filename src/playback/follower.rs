//! The follower keeps this node's picture of the truth: the snapshot of all rights, the grants and memberships that open
//! sessions stand on, and which sessions were ended. It follows a cursor in the database every half second; an
//! announcement through the shared state only makes it faster.
//!
//! **Invariant:** a node that has not heard from the database for `limits::CHANGES_SILENCE_MAX` refuses.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::broadcast;

use crate::base::clock::Clock;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{GrantId, MembershipId, SessionId, TitleId};
use crate::base::limits;
use crate::base::shutdown::Shutdown;
use crate::catalog::storefront::Storefronts;
use crate::catalog::thresholds::Thresholds;
use crate::rights::grant::Grant;
use crate::rights::membership::Membership;
use crate::rights::session::PlaybackSession;
use crate::rights::snapshot::{Snapshot, TitleRights};
use crate::store::db::playback::Change;
use crate::store::db::{Db, WholeCatalog};
use crate::store::state::State;

const CHANGES_AT_ONCE: u32 = 1_000;
const LISTENERS_LAG_MAX: usize = 64;

/// A grant that a session of this node stands on, as it is now.
pub type LiveGrant = ArcSwap<Grant>;

/// A membership that a session of this node stands on, as it is now.
pub type LiveMembership = ArcSwap<Membership>;

/// A session of this node, as it is now.
pub type LiveRow = ArcSwap<PlaybackSession>;

/// This node's picture of the truth.
pub struct Follower {
    db: Arc<dyn Db>,
    state: Arc<dyn State>,
    clock: Clock,
    thresholds: Thresholds,
    snapshot: ArcSwap<Snapshot>,
    watched: Mutex<Watched>,
    /// One poll at a time; holds the cursor.
    cursor: tokio::sync::Mutex<i64>,
    heard_at_ms: AtomicU64,
    applied: broadcast::Sender<Arc<Vec<Change>>>,
}

/// What is in use on this node and must be kept true. An entry dies with its last user.
#[derive(Default)]
struct Watched {
    grants: HashMap<GrantId, Weak<LiveGrant>>,
    memberships: HashMap<MembershipId, Weak<LiveMembership>>,
    sessions: HashMap<SessionId, Weak<LiveRow>>,
}

impl Follower {
    /// Reads the cursor, then the catalogue: what changes in between is read twice rather than missed.
    pub async fn open(db: Arc<dyn Db>, state: Arc<dyn State>, clock: Clock) -> Result<Follower> {
        Follower::open_under(db, state, clock, Thresholds::shipped()?).await
    }

    /// The same with a table of thresholds of the release licence of the operator's own.
    pub async fn open_under(
        db: Arc<dyn Db>,
        state: Arc<dyn State>,
        clock: Clock,
        thresholds: Thresholds,
    ) -> Result<Follower> {
        let cursor = db.changes(None, 0).await?.cursor;
        let snapshot = read_snapshot(&*db, &thresholds).await?;
        let follower = Follower {
            db,
            state,
            heard_at_ms: AtomicU64::new(clock.monotonic().as_millis() as u64),
            clock,
            thresholds,
            snapshot: ArcSwap::from_pointee(snapshot),
            watched: Mutex::default(),
            cursor: tokio::sync::Mutex::new(cursor),
            applied: broadcast::Sender::new(LISTENERS_LAG_MAX),
        };
        Ok(follower)
    }

    /// All rights, as of the last change heard.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// By which the regulator of China tells large productions from small ones.
    pub fn thresholds(&self) -> &Thresholds {
        &self.thresholds
    }

    /// Hears of each batch of changes after it has been applied. A lagging listener must look again at everything.
    pub fn applied(&self) -> broadcast::Receiver<Arc<Vec<Change>>> {
        self.applied.subscribe()
    }

    /// The grant as it is and will be: it is kept true as long as the returned handle lives.
    pub async fn watch_grant(&self, id: GrantId) -> Result<Option<Arc<LiveGrant>>> {
        if let Some(live) = self.watched().grants.get(&id).and_then(Weak::upgrade) {
            return Ok(Some(live));
        }
        let Some(grant) = self.db.grant(id).await? else { return Ok(None) };
        let live = register(&mut self.watched().grants, id, grant);
        self.refresh_grant(id, &live).await?;
        Ok(Some(live))
    }

    /// The membership as it is and will be.
    pub async fn watch_membership(&self, id: MembershipId) -> Result<Option<Arc<LiveMembership>>> {
        if let Some(live) = self.watched().memberships.get(&id).and_then(Weak::upgrade) {
            return Ok(Some(live));
        }
        let Some(membership) = self.db.membership(id).await? else { return Ok(None) };
        let live = register(&mut self.watched().memberships, id, membership);
        self.refresh_membership(id, &live).await?;
        Ok(Some(live))
    }

    /// The session as it is and will be.
    pub async fn watch_session(&self, id: SessionId) -> Result<Option<Arc<LiveRow>>> {
        let Some(session) = self.db.session(id).await? else { return Ok(None) };
        let live = register(&mut self.watched().sessions, id, session);
        self.refresh_session(id, &live).await?;
        Ok(Some(live))
    }

    /// A write of this node that others must hear of has been committed: hear of it here at once, and tell them.
    pub async fn announce(&self) {
        if let Err(error) = self.poll().await {
            tracing::warn!(error = error.log_line(), "a change was written and not read back; the next poll will");
        }
        if let Err(error) = self.state.announce_change().await {
            tracing::debug!(error = error.log_line(), "no announcement; other nodes poll");
        }
    }

    /// Refuses when this node no longer knows what has been revoked. Asks once more before it does.
    pub async fn require_fresh(&self) -> Result<()> {
        if self.silence() <= limits::CHANGES_SILENCE_MAX {
            return Ok(());
        }
        Box::pin(self.poll()).await.map_err(|error| {
            Error::new(
                ErrorKind::Unavailable,
                "REVOCATIONS_UNKNOWN",
                "This server has lost its database; try again shortly.",
            )
            .with_source(error)
        })
    }

    /// How long ago the database was last heard.
    pub fn silence(&self) -> Duration {
        let now_ms = self.clock.monotonic().as_millis() as u64;
        Duration::from_millis(now_ms.saturating_sub(self.heard_at_ms.load(Ordering::Relaxed)))
    }

    /// Polls until shutdown: on every announcement and every `limits::CHANGES_EVERY`.
    pub async fn run(self: Arc<Self>, shutdown: Shutdown) {
        let mut announced = self.state.changes();
        loop {
            tokio::select! {
                () = shutdown.begun() => return,
                heard = announced.recv() => {
                    if matches!(heard, Err(broadcast::error::RecvError::Closed)) {
                        announced = self.state.changes();
                        self.clock.sleep(limits::CHANGES_EVERY).await;
                    }
                }
                () = tokio::time::sleep(limits::CHANGES_EVERY) => {}
            }
            if let Err(error) = self.poll().await {
                tracing::warn!(error = error.log_line(), "the change log cannot be read");
            }
        }
    }

    /// Reads and applies everything new.
    pub async fn poll(&self) -> Result<()> {
        let mut cursor = self.cursor.lock().await;
        loop {
            let read = self.db.changes(Some(*cursor), CHANGES_AT_ONCE).await?;
            if !read.changes.is_empty() {
                self.apply(&read.changes).await?;
            }
            *cursor = read.cursor;
            self.heard_at_ms.store(self.clock.monotonic().as_millis() as u64, Ordering::Relaxed);
            let is_last = read.changes.len() < CHANGES_AT_ONCE as usize;
            if !read.changes.is_empty() {
                // Nobody listening is fine.
                let _ = self.applied.send(Arc::new(read.changes));
            }
            if is_last {
                return Ok(());
            }
        }
    }

    async fn apply(&self, changes: &[Change]) -> Result<()> {
        self.follow_catalog(changes).await?;
        for change in changes {
            match *change {
                Change::Title(_) | Change::Catalog => {}
                Change::Grant(id) => {
                    let live = self.watched().grants.get(&id).and_then(Weak::upgrade);
                    if let Some(live) = live {
                        self.refresh_grant(id, &live).await?;
                    }
                }
                Change::Membership(id) => {
                    let live = self.watched().memberships.get(&id).and_then(Weak::upgrade);
                    if let Some(live) = live {
                        self.refresh_membership(id, &live).await?;
                    }
                }
                Change::Session(id) => {
                    let live = self.watched().sessions.get(&id).and_then(Weak::upgrade);
                    if let Some(live) = live {
                        self.refresh_session(id, &live).await?;
                    }
                }
            }
        }
        self.sweep();
        Ok(())
    }

    /// Reads what of the catalogue has changed, and nothing else.
    async fn follow_catalog(&self, changes: &[Change]) -> Result<()> {
        let changed: BTreeSet<TitleId> =
            changes.iter().filter_map(|change| if let Change::Title(id) = change { Some(*id) } else { None }).collect();
        let mut titles = Vec::with_capacity(changed.len());
        for id in changed {
            let rights = self.db.rights_of(id).await?;
            titles.extend(rights.map(|rights| TitleRights { title: self.thresholds.scaled(rights.title), ..rights }));
        }
        let mut snapshot = self.snapshot.load_full();
        if !titles.is_empty() {
            snapshot = Arc::new(snapshot.with_titles(titles));
        }
        if changes.contains(&Change::Catalog) {
            snapshot = Arc::new(read_house(&*self.db, Snapshot::clone(&snapshot)).await?);
        }
        self.snapshot.store(snapshot);
        Ok(())
    }

    /// Reads a grant into its handle. What was read may be older than what another reader has put there meanwhile; but a
    /// grant's clock starts once, it is revoked once, and outages only extend it, so whatever either of them has seen has
    /// happened.
    async fn refresh_grant(&self, id: GrantId, live: &LiveGrant) -> Result<()> {
        let Some(read) = self.db.grant(id).await? else { return Ok(()) };
        live.rcu(|present| Grant {
            first_play_at: present.first_play_at.or(read.first_play_at),
            revoked_at: present.revoked_at.or(read.revoked_at),
            extended_ms: present.extended_ms.max(read.extended_ms),
            start_extended_ms: present.start_extended_ms.max(read.start_extended_ms),
            ..read.clone()
        });
        Ok(())
    }

    /// Reads a membership into its handle; it is ended early once.
    async fn refresh_membership(&self, id: MembershipId, live: &LiveMembership) -> Result<()> {
        let Some(read) = self.db.membership(id).await? else { return Ok(()) };
        live.rcu(|present| Membership { revoked_at: present.revoked_at.or(read.revoked_at), ..read.clone() });
        Ok(())
    }

    /// Reads a session into its handle; it, too, ends and is revoked once, and a party's word only reaches further.
    async fn refresh_session(&self, id: SessionId, live: &LiveRow) -> Result<()> {
        let Some(read) = self.db.session(id).await? else { return Ok(()) };
        live.rcu(|present| {
            let mut session = read.clone();
            session.revoked_at = present.revoked_at.or(read.revoked_at);
            session.ended_at = present.ended_at.or(read.ended_at);
            session.entitlement.ends_at = present.entitlement.ends_at.max(read.entitlement.ends_at);
            session
        });
        Ok(())
    }

    /// Forgets handles that nobody holds.
    fn sweep(&self) {
        let mut watched = self.watched();
        watched.grants.retain(|_, live| live.strong_count() > 0);
        watched.memberships.retain(|_, live| live.strong_count() > 0);
        watched.sessions.retain(|_, live| live.strong_count() > 0);
    }

    fn watched(&self) -> std::sync::MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn read_snapshot(db: &dyn Db, thresholds: &Thresholds) -> Result<Snapshot> {
    let WholeCatalog { titles, avails, offers, holdbacks, deals, screeners, deliveries, sounds } = db.catalog().await?;
    let titles = titles.into_iter().map(|title| thresholds.scaled(title)).collect();
    let snapshot = Snapshot::new(titles, avails, offers, holdbacks, deals).with_screeners(screeners);
    let snapshot = snapshot.with_deliveries(deliveries);
    read_house(db, snapshot.with_sounds(&sounds)).await
}

/// The snapshot with the storefronts, parties, products, blocks of placements, series, collections and cards that there are now.
async fn read_house(db: &dyn Db, snapshot: Snapshot) -> Result<Snapshot> {
    let storefronts = Storefronts::new(db.storefronts().await?);
    let snapshot = snapshot.with_storefronts(storefronts).with_parties(db.parties().await?);
    let snapshot = snapshot.with_products(db.products().await?);
    let snapshot = snapshot.with_placement_blocks(db.placement_blocks().await?).with_series(db.series().await?);
    let snapshot = snapshot.with_collections(db.collections().await?);
    Ok(snapshot.with_cards(db.cards().await?))
}

/// The handle of `id`, made from `read` if nobody holds one. It is to be read again once it is registered, so that a
/// change in between is not missed.
fn register<K: Eq + Hash, T>(watched: &mut HashMap<K, Weak<ArcSwap<T>>>, id: K, read: T) -> Arc<ArcSwap<T>> {
    if let Some(live) = watched.get(&id).and_then(Weak::upgrade) {
        return live;
    }
    let live = Arc::new(ArcSwap::from_pointee(read));
    watched.insert(id, Arc::downgrade(&live));
    live
}
