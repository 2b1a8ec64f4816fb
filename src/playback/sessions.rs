//! Sessions: one viewing each, opened by a decision that is fixed for its whole length, and known on this node while it
//! is in use.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ipnet::IpNet;
use quick_cache::sync::Cache;

use crate::audience::Audience;
use crate::audience::news::{Item, SessionNews};
use crate::audience::presence::Presence;
use crate::base::clock::{Clock, UtcMs};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{ApiTokenId, AssetId, SessionId, TitleId, ViewerId};
use crate::base::limits;
use crate::base::territory::Territory;
use crate::catalog::licence::{CardPolicy, ReleaseCard};
use crate::catalog::title::Title;
use crate::playback::devices::{Devices, Place};
use crate::playback::external::{Asker, ExternalBilling, LastHeard, Memory, Recheck};
use crate::playback::feature::{Feature, Featured, featured, is_missing, no_preview};
use crate::playback::follower::{Follower, LiveGrant, LiveMembership, LiveRow};
use crate::playback::leases::{SessionLease, slot};
use crate::playback::token::Tokens;
use crate::rights::avail::Avail;
use crate::rights::denial::{Denial, DenialCode};
use crate::rights::edit::edit_of;
use crate::rights::entitlement::{Decision, Entitlement, ViewerRights, decide_part, still_entitled};
use crate::rights::external::question;
use crate::rights::language_range::LanguageRange;
use crate::rights::partner_pass::{PartnerPass, decide_partner};
use crate::rights::portability::deemed;
use crate::rights::session::PlaybackSession;
use crate::rights::snapshot::{Snapshot, TitleRights};
use crate::rights::teaser::{decide_preview, decide_trailer};
use crate::store::db::Db;
use crate::store::db::playback::Change;
use crate::store::state::{Lease, State};
use crate::telemetry::note::Fact;

/// Opens, knows and ends sessions.
pub struct Sessions {
    db: Arc<dyn Db>,
    state: Arc<dyn State>,
    clock: Clock,
    follower: Arc<Follower>,
    tokens: Arc<Tokens>,
    live: Cache<SessionId, Arc<LiveSession>>,
    audience: Arc<Audience>,
    devices: Devices,
    rules: Rules,
}

/// What an operator has set that every session obeys.
#[derive(Clone)]
pub struct Rules {
    pub cards: CardPolicy,
    /// The operator's own, where there is one.
    pub billing: Option<Arc<dyn ExternalBilling>>,
    /// How many devices an account may watch on.
    pub device_limit: u32,
    /// Only grants of this kind count: a live server honours none of a test.
    pub livemode: bool,
}

/// A session on this node with what its entitlement stands on, all kept true by the follower.
pub struct LiveSession {
    row: Arc<LiveRow>,
    grant: Option<Arc<LiveGrant>>,
    membership: Option<Arc<LiveMembership>>,
    last_heard: Option<LastHeard>,
    lease: Arc<SessionLease>,
    presence: Presence,
    /// Bits of the facts that have been noted.
    noted: AtomicU8,
    /// Refusals noted lately, and when, on the monotonic clock.
    denials: Mutex<Vec<(DenialCode, u64)>>,
}

/// Who wants to watch what, from where.
#[derive(Clone, Debug)]
pub struct OpenRequest {
    pub watcher: Watcher,
    /// What the player's device is called.
    pub device: String,
    pub title_id: TitleId,
    pub feature: Feature,
    pub territory: Option<Territory>,
    pub network: Option<IpNet>,
    /// What the account's parental lock lets through; everything, without one or with its PIN.
    pub age_limit: Option<u8>,
    /// The language to hear it in, where one is asked for.
    pub wanted: Option<LanguageRange>,
    /// The campaign whose link the viewer came by.
    pub campaign: Option<String>,
}

/// Who watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watcher {
    /// Nobody signed in.
    Anybody,
    /// One of our own, on the device of this sign-in.
    Viewer(ViewerId, ApiTokenId),
    /// Somebody of a partner's.
    Partner(PartnerPass),
}

impl Watcher {
    /// One of our own.
    pub fn viewer_id(self) -> Option<ViewerId> {
        if let Watcher::Viewer(id, _) = self { Some(id) } else { None }
    }
}

/// A session that was opened, and the secret that plays it.
pub struct Opened {
    pub session: PlaybackSession,
    /// How long the film is, without its card.
    pub film_ms: i64,
    pub token: String,
}

impl Sessions {
    pub fn new(
        db: Arc<dyn Db>,
        state: Arc<dyn State>,
        clock: Clock,
        follower: Arc<Follower>,
        tokens: Arc<Tokens>,
        audience: Arc<Audience>,
        rules: Rules,
    ) -> Sessions {
        let live = Cache::new(limits::SESSIONS_CACHED_MAX);
        let devices = Devices::new(db.clone(), clock.clone(), rules.device_limit);
        Sessions { db, state, clock, follower, tokens, live, audience, devices, rules }
    }

    /// What a viewer brings to a title: the grants and unlocks that this server honours, memberships and invitations.
    pub async fn viewer_rights(&self, viewer: Option<ViewerId>, title: TitleId) -> Result<ViewerRights> {
        let Some(viewer) = viewer else { return Ok(ViewerRights::default()) };
        let mut grants = self.db.grants(viewer, Some(title)).await?;
        grants.retain(|grant| grant.livemode == self.rules.livemode);
        let mut unlocks = self.db.unlocks(viewer, Some(title)).await?;
        unlocks.retain(|unlock| unlock.livemode == self.rules.livemode);
        let snapshot = self.follower.snapshot();
        let screeners = snapshot.title(title).map(|title| title.screeners_of(viewer).cloned().collect());
        let memberships = self.db.memberships(viewer, self.rules.livemode).await?;
        let home = self.db.home(viewer).await?;
        Ok(ViewerRights {
            grants,
            memberships,
            unlocks,
            screeners: screeners.unwrap_or_default(),
            external: None,
            home: home.map(|home| home.territory),
            wanted: None,
        })
    }

    /// Whether an operator's own billing is asked too.
    pub fn asks_others(&self) -> bool {
        self.rules.billing.is_some()
    }

    /// The same for a part of it; where nothing of that lets them watch, with what the operator's own billing says.
    pub async fn asked_rights(
        &self,
        viewer: Option<ViewerId>,
        title: &TitleRights,
        part: u32,
        territory: Option<Territory>,
    ) -> Result<ViewerRights> {
        let rights = self.viewer_rights(viewer, title.title.id).await?;
        let (Some(billing), Some(viewer_id)) = (&self.rules.billing, viewer) else { return Ok(rights) };
        let Some(question) = question(title, part, &rights, territory, self.clock.now()) else { return Ok(rights) };
        let Some(viewer) = self.db.viewer(viewer_id).await? else { return Ok(rights) };
        let asker = Asker { viewer_id, email: viewer.email };
        let external = Some(billing.ask(&asker, &question, Memory::Used).await);
        Ok(ViewerRights { external, ..rights })
    }

    /// Decides, takes the stream lease, records the session and signs its token.
    pub async fn open(&self, request: OpenRequest) -> Result<Result<Opened, Denial>> {
        if self.clock.is_doubtful() {
            return Err(clock_doubtful());
        }
        self.follower.require_fresh().await?;
        let now = self.clock.now();
        let snapshot = self.follower.snapshot();
        let Some(title) = snapshot.title(request.title_id) else {
            return Ok(Err(Denial::of(DenialCode::TitleNotListed)));
        };
        let mut asked = None;
        let decision = match request.feature {
            Feature::Part(part) => {
                if let Watcher::Partner(pass) = request.watcher {
                    decide_partner(title, part, &pass, request.wanted.as_ref(), request.territory, now)
                } else {
                    let viewer_id = request.watcher.viewer_id();
                    let rights = self.asked_rights(viewer_id, title, part, request.territory).await?;
                    let viewer = ViewerRights { wanted: request.wanted.clone(), ..rights };
                    let decision = decide_part(title, part, &viewer, request.territory, now);
                    asked = Some((part, viewer));
                    decision
                }
            }
            Feature::Trailer | Feature::Clip(_) => decide_trailer(&title.title, request.territory, now),
            Feature::Preview => {
                let home = match request.watcher.viewer_id() {
                    Some(viewer_id) => self.db.home(viewer_id).await?.map(|home| home.territory),
                    None => None,
                };
                decide_preview(title, home, request.territory, now).ok_or_else(no_preview)?
            }
        };
        let mut entitlement = match decision {
            Decision::Allow(entitlement) => entitlement,
            // Of a title that is there, a part that is not.
            Decision::Deny(denial) if !denial.code.is_of_title() && is_missing(&title.title, request.feature) => {
                return featured(&title.title, request.feature).map(|_| Err(denial));
            }
            Decision::Deny(denial) => return Ok(Err(denial)),
        };
        let mut place =
            if entitlement.cause.is_of_account() { self.devices.place(request.watcher).await? } else { Place::Had };
        if place == Place::Taken {
            // What is open to anybody plays on any device.
            match asked.map(|(part, viewer)| decide_part(title, part, &viewer.of_anybody(), request.territory, now)) {
                Some(Decision::Allow(open)) => (entitlement, place) = (open, Place::Had),
                _ => return Ok(Err(Denial::of(DenialCode::DeviceLimit))),
            }
        }
        if request.age_limit.is_some_and(|age_limit| title.title.details.is_above(age_limit)) {
            return Ok(Err(Denial::of(DenialCode::PinRequired)));
        }
        let Featured { part, mut asset_id, mut film_ms } = featured(&title.title, request.feature)?;
        if let Feature::Part(_) | Feature::Preview = request.feature
            && let Ok(Some(edit)) = edit_of(title, part, deemed(entitlement.home, request.territory))
        {
            asset_id = edit.asset_id;
            // A quarter of it at most, as of a part.
            entitlement.preview_ms = entitlement.preview_ms.map(|preview_ms| preview_ms.min(edit.runtime_ms / 4));
            film_ms = entitlement.preview_ms.unwrap_or(edit.runtime_ms);
        }
        let card = match request.feature {
            Feature::Part(_) | Feature::Preview => self.card(&snapshot, &title.title, asset_id, request.territory)?,
            Feature::Trailer | Feature::Clip(_) => None,
        };
        let session = PlaybackSession {
            id: SessionId::new(now),
            viewer_id: request.watcher.viewer_id(),
            device: request.device,
            title_id: request.title_id,
            part,
            asset_id,
            card,
            territory: request.territory,
            expires_at: session_end(&entitlement, entitlement.avail_id.and_then(|id| title.avail(id)), now),
            entitlement,
            campaign: request.campaign,
            opened_at: now,
            revoked_at: None,
            ended_at: None,
        };
        let lease = SessionLease::new(&session);
        if lease.take(&*self.state, self.now_ms()).await? == Lease::Full {
            return Ok(Err(Denial::of(DenialCode::TooManyStreams)));
        }
        // Last of what is asked: who is refused takes no place.
        let registered = self.devices.register(place, request.watcher, now).await;
        if !matches!(registered, Ok(true)) {
            lease.release(&*self.state).await;
            return registered.map(|_| Err(Denial::of(DenialCode::DeviceLimit)));
        }
        if let Err(error) = self.db.insert_session(&session).await {
            lease.release(&*self.state).await;
            return Err(error);
        }
        let token = self.tokens.mint(&session)?;
        if let Some(live) = self.adopt(session.id, lease).await? {
            self.sign(&live);
        }
        self.audience.news.tell(Item::Session(session.id, SessionNews::Opened));
        Ok(Ok(Opened { session, film_ms, token }))
    }

    /// The devices of accounts.
    pub fn devices(&self) -> &Devices {
        &self.devices
    }

    /// Whether every stream of a right is taken now: who pressed Play would be refused one.
    pub async fn are_streams_taken(
        &self,
        right: &Entitlement,
        viewer_id: Option<ViewerId>,
        title_id: TitleId,
    ) -> Result<bool> {
        let Some(slot) = slot(right, viewer_id, title_id) else { return Ok(false) };
        Ok(self.state.leases(&slot).await? >= u64::from(right.streams))
    }

    /// The card that comes before a film, where the territory asks for one. Without it the film is not shown there.
    fn card(
        &self,
        snapshot: &Snapshot,
        title: &Title,
        film: AssetId,
        territory: Option<Territory>,
    ) -> Result<Option<ReleaseCard>> {
        let source =
            title.card_source(film).filter(|source| self.rules.cards.asks_for_card(&source.licence, territory));
        let Some(source) = source else { return Ok(None) };
        let not_ready = || {
            let message = "The card with the licence of this film is still being made; try again in a minute.";
            Error::new(ErrorKind::Unavailable, "CARD_NOT_READY", message)
        };
        snapshot.card(&source).map(Some).ok_or_else(not_ready)
    }

    /// The session, if this node knows it already. The media path asks this first.
    pub fn known(&self, id: SessionId) -> Option<Arc<LiveSession>> {
        self.live.get(&id)
    }

    /// The session, read from the database where this node has not seen it yet.
    pub async fn find(&self, id: SessionId) -> Result<Option<Arc<LiveSession>>> {
        if let Some(known) = self.known(id) {
            return Ok(Some(known));
        }
        let Some(session) = self.db.session(id).await? else { return Ok(None) };
        self.adopt(id, SessionLease::new(&session)).await
    }

    /// Whether the session may go on, asked from `territory`.
    pub fn check(&self, session: &LiveSession, territory: Option<Territory>, now: UtcMs) -> Result<(), DenialCode> {
        let snapshot = self.follower.snapshot();
        let row = session.row();
        let title = snapshot.title(row.title_id).ok_or(DenialCode::TitleWithdrawn)?;
        let grant = session.grant.as_ref().map(|grant| grant.load());
        let membership = session.membership.as_ref().map(|membership| membership.load());
        let (grant, membership) = (grant.as_deref().map(|it| &**it), membership.as_deref().map(|it| &**it));
        still_entitled(&row, title, grant, membership, territory, now)
    }

    /// When viewing ends if it begins at `now` at the latest, by what is known of the rights now.
    pub fn plays_until(&self, session: &LiveSession, now: UtcMs) -> UtcMs {
        let row = session.row();
        let ends_at = match &session.grant {
            Some(grant) => {
                let until = grant.load().expires_at_if_played(now).unwrap_or(row.expires_at);
                until.min(row.expires_at).min(session.membership_ends_at())
            }
            None => session.ends_at(),
        };
        let snapshot = self.follower.snapshot();
        let avail = row.entitlement.avail_id.and_then(|id| snapshot.title(row.title_id)?.avail(id));
        avail.and_then(|avail| avail.hard_end_at).map_or(ends_at, |hard_end_at| hard_end_at.min(ends_at))
    }

    /// Counts a request or a heartbeat towards the stream limit: false when it refuses. What is let in is present.
    pub fn touch(&self, session: &LiveSession, network: Option<IpNet>) -> bool {
        let is_let_in = session.lease.touch(&self.state, network, self.now_ms());
        if is_let_in {
            self.sign(session);
            self.ask_again(session);
        }
        is_let_in
    }

    /// Whether the stream limit refuses the session as things stand.
    pub fn is_refused_a_stream(&self, session: &LiveSession) -> bool {
        session.lease.is_refused()
    }

    /// Notes the first time that the session is let in to something of this kind.
    pub fn note_first(&self, session: &LiveSession, fact: Fact) {
        let bit = match fact {
            Fact::FirstPlaylist => 1,
            Fact::FirstKey => 2,
            Fact::FirstSegment => 4,
            Fact::Denied(_) => return,
        };
        let is_noted = session.noted.load(Ordering::Relaxed) & bit != 0;
        if !is_noted && session.noted.fetch_or(bit, Ordering::Relaxed) & bit == 0 {
            self.audience.collector.note_fact(session.row.load().id, fact);
        }
    }

    /// Notes a refusal, at most once every `limits::DENIAL_NOTED_EVERY` for each code.
    pub fn note_denial(&self, session: &LiveSession, code: DenialCode) {
        let now_ms = self.now_ms();
        {
            let mut denials = session.denials.lock().unwrap_or_else(PoisonError::into_inner);
            denials.retain(|(_, at_ms)| now_ms.saturating_sub(*at_ms) < limits::DENIAL_NOTED_EVERY.as_millis() as u64);
            if denials.iter().any(|(noted, _)| *noted == code) {
                return;
            }
            denials.push((code, now_ms));
        }
        self.audience.collector.note_fact(session.row.load().id, Fact::Denied(code.as_str()));
    }

    /// Starts the rental clock of the session's grant, durably, if it is one that waits for first play.
    pub async fn start_clock(&self, session: &LiveSession, now: UtcMs) -> Result<()> {
        let Some(grant) = &session.grant else { return Ok(()) };
        let present = grant.load();
        if present.is_started() {
            return Ok(());
        }
        if self.clock.is_doubtful() {
            return Err(clock_doubtful());
        }
        self.db.start_clock(present.id, now).await?;
        self.follower.announce().await;
        Ok(())
    }

    /// The viewer left: the session ends and its slot is free at once.
    pub async fn end(&self, id: SessionId) -> Result<()> {
        if let Some(session) = self.find(id).await? {
            self.release(&session).await;
        }
        if self.db.end_session(id, self.clock.now()).await? {
            self.follower.announce().await;
            self.audience.news.tell(Item::Session(id, SessionNews::Ended));
        }
        self.live.remove(&id);
        Ok(())
    }

    /// An operator ends it.
    pub async fn revoke(&self, id: SessionId, reason: &str) -> Result<bool> {
        let is_new = self.db.revoke_session(id, reason, self.clock.now()).await?;
        self.follower.announce().await;
        if let Some(session) = self.find(id).await? {
            self.release(&session).await;
        }
        if is_new {
            self.audience.news.tell(Item::Session(id, SessionNews::Ended));
        }
        Ok(is_new)
    }

    /// Hears of every batch of changes: who holds an event stream looks again.
    pub fn applied(&self) -> tokio::sync::broadcast::Receiver<Arc<Vec<Change>>> {
        self.follower.applied()
    }

    async fn release(&self, session: &LiveSession) {
        session.lease.release(&*self.state).await;
        self.audience.crowds.leave(session.row.load().title_id, session.row.load().id).await;
    }

    /// Asks in the background whether what plays on the word of the operator's own billing may go on.
    fn ask_again(&self, session: &LiveSession) {
        let is_due = session.last_heard.as_ref().is_some_and(|heard| heard.is_due(self.now_ms()));
        let Some(billing) = self.rules.billing.clone().filter(|_| is_due) else { return };
        let recheck = Recheck {
            db: self.db.clone(),
            state: self.state.clone(),
            clock: self.clock.clone(),
            follower: self.follower.clone(),
            audience: self.audience.clone(),
            billing,
        };
        tokio::spawn(recheck.run(session.row(), session.lease.clone()));
    }

    /// The session is there.
    fn sign(&self, session: &LiveSession) {
        let row = session.row.load();
        // Who looks at a trailer or a preview does not watch the film.
        if !row.entitlement.cause.is_teaser() && session.presence.is_due(self.now_ms()) {
            self.audience.crowds.enter(row.title_id, row.id);
        }
    }

    async fn adopt(&self, id: SessionId, lease: SessionLease) -> Result<Option<Arc<LiveSession>>> {
        let Some(row) = self.follower.watch_session(id).await? else { return Ok(None) };
        let (mut grant, mut membership) = (None, None);
        let (grant_id, membership_id) = {
            let entitlement = &row.load().entitlement;
            (entitlement.grant_id(), entitlement.membership_id())
        };
        if let Some(id) = grant_id {
            grant = self.follower.watch_grant(id).await?;
        }
        if let Some(id) = membership_id {
            membership = self.follower.watch_membership(id).await?;
        }
        let session = Arc::new(LiveSession {
            last_heard: LastHeard::of(&row.load(), self.now_ms()),
            row,
            grant,
            membership,
            lease: Arc::new(lease),
            presence: Presence::default(),
            noted: AtomicU8::new(0),
            denials: Mutex::default(),
        });
        // Two requests may adopt one session at once: the first one's lease is kept.
        match self.live.get_value_or_guard(&id, None) {
            quick_cache::sync::GuardResult::Value(known) => Ok(Some(known)),
            quick_cache::sync::GuardResult::Guard(guard) => {
                // The guard is refused only when the entry was removed meanwhile: this handle still works.
                let _ = guard.insert(session.clone());
                Ok(Some(session))
            }
            quick_cache::sync::GuardResult::Timeout => Ok(Some(session)),
        }
    }

    fn now_ms(&self) -> u64 {
        self.clock.monotonic().as_millis() as u64
    }
}

impl LiveSession {
    /// The session as it is now.
    pub fn row(&self) -> Arc<PlaybackSession> {
        self.row.load_full()
    }

    /// When viewing ends as things stand now.
    pub fn ends_at(&self) -> UtcMs {
        let row = self.row();
        let entitled_until = match &self.grant {
            Some(grant) => grant.load().expires_at(),
            None => row.entitlement.ends_at,
        };
        entitled_until.map_or(row.expires_at, |ends_at| ends_at.min(row.expires_at)).min(self.membership_ends_at())
    }

    /// When a grant ends that plays beside a membership only.
    fn membership_ends_at(&self) -> UtcMs {
        let row = self.row();
        let beside = row.entitlement.beside.and(row.entitlement.ends_at);
        beside.unwrap_or(UtcMs(i64::MAX))
    }

    /// The grant that playing would start.
    pub fn waits_for_first_play(&self) -> bool {
        self.grant.as_ref().is_some_and(|grant| !grant.load().is_started())
    }
}

/// The token's end: the hard end, of a window or of an invitation, or the oldest a session gets. Every other end is asked
/// for at each request, as it may move while the session is open.
fn session_end(entitlement: &Entitlement, avail: Option<&Avail>, now: UtcMs) -> UtcMs {
    let invited_until = entitlement.screener_id().and(entitlement.ends_at);
    let hard_end_at = avail.and_then(|avail| avail.hard_end_at).or(invited_until);
    let oldest = now + limits::SESSION_AGE_MAX;
    hard_end_at.map_or(oldest, |hard_end_at| hard_end_at.min(oldest))
}

fn clock_doubtful() -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "CLOCK_DOUBTFUL",
        "This server's clock has jumped; it sells and opens nothing until that is mended.",
    )
}
