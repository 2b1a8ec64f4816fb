//! The operator's own billing as playback sees it: a port, since what speaks to it stands in a room further up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use serde_json::json;

use crate::audience::Audience;
use crate::audience::news::{Item, SessionNews};
use crate::base::clock::Clock;
use crate::base::error::Result;
use crate::base::id::{AuditId, ViewerId};
use crate::base::limits;
use crate::playback::follower::Follower;
use crate::playback::leases::SessionLease;
use crate::rights::entitlement::Cause;
use crate::rights::external::{External, Question};
use crate::rights::portability::deemed;
use crate::rights::session::PlaybackSession;
use crate::store::db::Db;
use crate::store::db::audit::AuditLine;
use crate::store::state::State;

/// Who acts where it takes back what it has said.
const ACTOR: &str = "entitlement_hook";

/// Says whom others have sold something.
#[async_trait]
pub trait ExternalBilling: Send + Sync {
    /// Never fails: what cannot be heard is [`External::Silent`].
    async fn ask(&self, viewer: &Asker, question: &Question, memory: Memory) -> External;
}

/// A signed-in viewer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asker {
    pub viewer_id: ViewerId,
    pub email: String,
}

/// Whether an answer that is a few seconds old will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    Used,
    Passed,
}

/// When a session that plays on its word last heard it; on the monotonic clock.
#[derive(Debug)]
pub struct LastHeard(AtomicU64);

/// What asking again in the background needs.
pub struct Recheck {
    pub db: Arc<dyn Db>,
    pub state: Arc<dyn State>,
    pub clock: Clock,
    pub follower: Arc<Follower>,
    pub audience: Arc<Audience>,
    pub billing: Arc<dyn ExternalBilling>,
}

impl LastHeard {
    /// Of a session that was opened on its word.
    pub fn of(session: &PlaybackSession, now_ms: u64) -> Option<LastHeard> {
        (session.entitlement.cause == Cause::External).then(|| LastHeard(AtomicU64::new(now_ms)))
    }

    /// True once every `limits::ENTITLEMENT_ASKED_EVERY`, to one of those who ask at once.
    pub fn is_due(&self, now_ms: u64) -> bool {
        let heard_ms = self.0.load(Ordering::Relaxed);
        now_ms.saturating_sub(heard_ms) >= limits::ENTITLEMENT_ASKED_EVERY.as_millis() as u64
            && self.0.compare_exchange(heard_ms, now_ms, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

impl Recheck {
    /// Asks whether a session may go on. A clear no, or a word that is none for it any more, ends it at its next request;
    /// silence does not.
    pub async fn run(self, session: Arc<PlaybackSession>, lease: Arc<SessionLease>) {
        if let Err(error) = self.ask(&session, &lease).await {
            tracing::warn!(error = error.log_line(), session = %session.id, "a session was not asked about again");
        }
    }

    async fn ask(&self, session: &PlaybackSession, lease: &SessionLease) -> Result<()> {
        let now = self.clock.now();
        let snapshot = self.follower.snapshot();
        let avail = snapshot.title(session.title_id).zip(session.entitlement.avail_id);
        let avail = avail.and_then(|(title, id)| title.avail(id));
        let (Some(viewer_id), Some(avail)) = (session.viewer_id, avail) else { return Ok(()) };
        let Some(viewer) = self.db.viewer(viewer_id).await? else { return Ok(()) };
        let question = Question {
            title_id: session.title_id,
            part: session.part,
            territory: deemed(session.entitlement.home, session.territory),
            at: now,
            avails: vec![(avail.id, avail.license_type)],
        };
        let asker = Asker { viewer_id, email: viewer.email };
        let is_over = match self.billing.ask(&asker, &question, Memory::Passed).await {
            External::Denies => true,
            External::Allows(word) => word.until <= self.clock.now() || word.avail_id != avail.id,
            External::Silent => false,
        };
        if !is_over {
            return Ok(());
        }
        let (reason, at) = ("the operator's own billing", self.clock.now());
        if !self.db.revoke_session(session.id, reason, at).await? {
            return Ok(());
        }
        self.follower.announce().await;
        lease.release(&*self.state).await;
        self.audience.crowds.leave(session.title_id, session.id).await;
        self.audience.news.tell(Item::Session(session.id, SessionNews::Ended));
        let line = AuditLine {
            id: AuditId::new(at),
            at,
            actor: ACTOR.to_owned(),
            action: "session.revoke".to_owned(),
            subject: session.id.to_string(),
            detail: json!({"reason": reason, "title_id": session.title_id,
                "reference": session.entitlement.reference})
            .to_string(),
        };
        self.db.append_audit(&line).await
    }
}
