//! The gate: the only maker of [`Entitled`], without which no playlist, key or media byte of a title leaves the server.
//!
//! The order of its questions is fixed: can this node's clock be trusted (503), is the token ours and of this hour (401),
//! does the path belong to the session (404), has this node heard of revocations lately (503), may the session go on
//! (403), is there a stream slot for it (403), and, of a key, has the release card been shown (503). A rental clock that
//! waits for first play is started once the key is in hand and before it leaves: a request that gets nothing starts
//! nothing, and nothing of a card does.

use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use crate::base::clock::{Clock, UtcMs};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{AssetId, SessionId};
use crate::base::territory::Territory;
use crate::media::timeline::ClipKind;
use crate::playback::follower::Follower;
use crate::playback::presentation::Presentation;
use crate::playback::sessions::{LiveSession, Sessions};
use crate::playback::token::{TokenRefusal, Tokens};
use crate::rights::denial::DenialCode;
use crate::telemetry::note::Fact;

/// Proof that a session may have what its path names, at the instant it was asked.
pub struct Entitled {
    session_id: SessionId,
    presentation: Presentation,
    clip: ClipKind,
    session: Arc<LiveSession>,
    /// Its answer starts the session's rental clock, if it hands out what was asked for.
    starts_clock: bool,
}

impl Entitled {
    pub fn session_id(&self) -> SessionId {
        self.session_id
    }

    pub fn presentation(&self) -> &Presentation {
        &self.presentation
    }

    /// Which clip the path names: the film, where it names none.
    pub fn clip(&self) -> ClipKind {
        self.clip
    }

    /// When the session was opened.
    pub fn opened_at(&self) -> UtcMs {
        self.session.row().opened_at
    }
}

/// What the gate must know of a request besides its token.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// The asset that the path names; the multivariant playlist names none.
    pub asset_id: Option<AssetId>,
    pub kind: WishKind,
    pub territory: Option<Territory>,
    pub network: Option<IpNet>,
}

/// What is asked for, as far as the gate treats it differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WishKind {
    /// A playlist, an init segment or a storyboard.
    Preparation,
    Segment,
    /// A key, or a licence with keys.
    Key,
}

/// Why the gate stays shut.
#[derive(Debug)]
pub enum Refusal {
    Token(TokenRefusal),
    /// The path is not one of this session.
    NotFound,
    Denied(DenialCode),
    /// The card has not been shown yet: there are no keys of the film for so long.
    CardRunning(Duration),
    /// Not a refusal: it cannot be told now.
    Failed(Error),
}

/// Asks the questions.
pub struct Gate {
    clock: Clock,
    tokens: Arc<Tokens>,
    follower: Arc<Follower>,
    sessions: Arc<Sessions>,
}

impl Gate {
    pub fn new(clock: Clock, tokens: Arc<Tokens>, follower: Arc<Follower>, sessions: Arc<Sessions>) -> Gate {
        Gate { clock, tokens, follower, sessions }
    }

    /// Lets a request in, or says why not. Waits for nothing once the session is known on this node.
    pub async fn admit(&self, token: &str, wish: Wish) -> Result<Entitled, Refusal> {
        self.require_sane_clock()?;
        let now = self.clock.now();
        let verified = self.tokens.verify(token, now).map_err(Refusal::Token)?;
        let session = match self.sessions.known(verified.session_id) {
            Some(session) => session,
            // What is rare is boxed: every request's future would be as large as the largest part of it.
            None => Box::pin(self.find(verified.session_id)).await?,
        };
        let row = session.row();
        let presentation = Presentation::of(&row);
        let clip = presentation.clip(wish.asset_id.unwrap_or(presentation.film)).ok_or(Refusal::NotFound)?;
        self.check(&session, wish, now).await.inspect_err(|refusal| self.note_refusal(&session, refusal))?;
        if clip == ClipKind::Card {
            return Ok(Entitled { session_id: row.id, presentation, clip, session, starts_clock: false });
        }
        if wish.kind == WishKind::Key
            && let Some(left) = row.card_left(now)
        {
            return Err(Refusal::CardRunning(left));
        }
        self.sessions.note_first(&session, first_fact(wish.kind));
        let starts_viewing = starts_viewing(wish.kind, presentation.protection.is_some());
        let starts_clock = starts_viewing && session.waits_for_first_play();
        Ok(Entitled { session_id: row.id, presentation, clip, session, starts_clock })
    }

    /// Called when the answer to an admitted request is about to leave with its body: from here on a rental runs.
    pub async fn hand_out(&self, entitled: &Entitled) -> Result<(), Refusal> {
        if !entitled.starts_clock {
            return Ok(());
        }
        Box::pin(self.sessions.start_clock(&entitled.session, self.clock.now())).await.map_err(|error| {
            match error.code() {
                // Revoked between the check and the write.
                "GRANT_REVOKED" => Refusal::Denied(DenialCode::GrantRevoked),
                _ => Refusal::Failed(error),
            }
        })
    }

    /// When viewing ends, for a licence that is asked for now: of a rental that it starts, counted from now.
    pub fn plays_until(&self, entitled: &Entitled) -> UtcMs {
        self.sessions.plays_until(&entitled.session, self.clock.now())
    }

    fn note_refusal(&self, session: &LiveSession, refusal: &Refusal) {
        if let Refusal::Denied(code) = refusal {
            self.sessions.note_denial(session, *code);
        }
    }

    fn require_sane_clock(&self) -> Result<(), Refusal> {
        if self.clock.is_doubtful() {
            return Err(Refusal::Failed(Error::new(
                ErrorKind::Unavailable,
                "CLOCK_DOUBTFUL",
                "This server's clock has jumped; it plays nothing until that is mended.",
            )));
        }
        Ok(())
    }

    async fn find(&self, id: SessionId) -> Result<Arc<LiveSession>, Refusal> {
        let found = self.sessions.find(id).await.map_err(Refusal::Failed)?;
        found.ok_or(Refusal::Token(TokenRefusal::Invalid))
    }

    async fn check(&self, session: &LiveSession, wish: Wish, now: UtcMs) -> Result<(), Refusal> {
        self.follower.require_fresh().await.map_err(Refusal::Failed)?;
        self.sessions.check(session, wish.territory, now).map_err(Refusal::Denied)?;
        if self.sessions.touch(session, wish.network) {
            Ok(())
        } else {
            Err(Refusal::Denied(DenialCode::TooManyStreams))
        }
    }
}

/// What a session's first wish of a kind is called in its timeline.
fn first_fact(kind: WishKind) -> Fact {
    match kind {
        WishKind::Preparation => Fact::FirstPlaylist,
        WishKind::Segment => Fact::FirstSegment,
        WishKind::Key => Fact::FirstKey,
    }
}

/// First play is the first key of the film, or its first segment where that is clear.
fn starts_viewing(kind: WishKind, is_protected: bool) -> bool {
    match kind {
        WishKind::Key => true,
        WishKind::Segment => !is_protected,
        WishKind::Preparation => false,
    }
}
