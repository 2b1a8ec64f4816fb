//! The event stream of one playback session: a heartbeat every 30 s, which also keeps the stream lease, `more` when
//! there is more of a growing film to choose from, and `ended` as soon as the session may not go on.
//!
//! It looks again after every change this node hears of, and at the very instant the entitlement ends. One second of
//! silence more or less is nothing; a revoked viewer who plays on from a full buffer is.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{Stream, unfold};
use serde_json::{Value, json};
use tokio::sync::{broadcast, watch};

use crate::api::Api;
use crate::api::metrics::OpenStream;
use crate::base::clock::{Clock, UtcMs};
use crate::base::limits;
use crate::base::shutdown::Shutdown;
use crate::playback::follower::Follower;
use crate::playback::growing::Choice;
use crate::playback::library::Library;
use crate::playback::place::Place;
use crate::playback::sessions::{LiveSession, Sessions};
use crate::rights::denial::DenialCode;
use crate::store::db::playback::Change;

/// What a stream waits on.
pub struct Events {
    clock: Clock,
    shutdown: Shutdown,
    follower: Arc<Follower>,
    sessions: Arc<Sessions>,
    library: Arc<Library>,
    session: Arc<LiveSession>,
    place: Place,
    /// As far as it was told of.
    choice: Option<Choice>,
    choices: watch::Receiver<()>,
    applied: broadcast::Receiver<Arc<Vec<Change>>>,
    /// Monotonic; the first heartbeat is due at once.
    heartbeat_at: Duration,
    is_over: bool,
    _open: OpenStream,
}

/// Why it is over.
struct Ended {
    code: &'static str,
    message: &'static str,
}

impl Events {
    pub fn of(api: &Api, session: Arc<LiveSession>, place: Place) -> Events {
        let (asset_id, opened_at) = (session.row().asset_id, session.row().opened_at);
        let choices = api.library.growing().choices();
        Events {
            clock: api.clock.clone(),
            shutdown: api.shutdown.clone(),
            follower: api.follower.clone(),
            sessions: api.sessions.clone(),
            library: api.library.clone(),
            choice: api.library.growing().choice(asset_id, opened_at),
            choices,
            session,
            place,
            // Subscribed before the first look: no change falls in between.
            applied: api.sessions.applied(),
            heartbeat_at: api.clock.monotonic(),
            is_over: false,
            _open: api.metrics.open_stream(),
        }
    }

    /// The body of the answer; it ends after `ended`.
    pub fn stream(self) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
        unfold(self, |mut events| async move {
            let event = events.next().await?;
            Some((Ok(event), events))
        })
    }

    async fn next(&mut self) -> Option<Bytes> {
        if self.is_over {
            return None;
        }
        loop {
            let now = self.clock.now();
            if let Some(Ended { code, message }) = self.ended(now) {
                self.is_over = true;
                return Some(event("ended", &json!({"code": code, "message": message})));
            }
            let elapsed = self.clock.monotonic();
            if elapsed >= self.heartbeat_at {
                if !self.sessions.touch(&self.session, Some(self.place.network)) {
                    self.is_over = true;
                    let code = DenialCode::TooManyStreams;
                    return Some(event("ended", &json!({"code": code.as_str(), "message": code.message()})));
                }
                self.heartbeat_at = elapsed + limits::HEARTBEAT_EVERY;
                return Some(event("heartbeat", &json!({"at": now})));
            }
            if self.has_more() {
                return Some(event("more", &json!({})));
            }
            let next_look = self.heartbeat_at.saturating_sub(elapsed).min(self.ends_at().since(now));
            tokio::select! {
                () = self.shutdown.begun() => {}
                Ok(()) = self.choices.changed() => {}
                // Whatever was applied, or missed: look again.
                heard = self.applied.recv() => if matches!(heard, Err(broadcast::error::RecvError::Closed)) {
                    self.clock.sleep(next_look).await;
                },
                () = self.clock.sleep(next_look) => {}
            }
        }
    }

    /// An interruption leaves nothing to choose from, and is no news: what comes after it may be.
    fn has_more(&mut self) -> bool {
        let row = self.session.row();
        let present = self.library.growing().choice(row.asset_id, row.opened_at);
        let is_news = self.choice.is_some() && present.is_some() && present != self.choice;
        self.choice = present.or(self.choice);
        is_news
    }

    fn ended(&self, now: UtcMs) -> Option<Ended> {
        if self.shutdown.has_begun() {
            return Some(Ended {
                code: "SERVER_DRAINING",
                message: "The server is about to restart. Press Play to go on.",
            });
        }
        let denial = self.sessions.check(&self.session, self.place.territory, now).err();
        denial.map(|code| Ended { code: code.as_str(), message: code.message() })
    }

    /// When viewing ends as things stand: an operator may have moved the hard end since the session was opened.
    fn ends_at(&self) -> UtcMs {
        let row = self.session.row();
        let snapshot = self.follower.snapshot();
        let title = snapshot.title(row.title_id);
        let hard_end_at = title.and_then(|title| title.avail(row.entitlement.avail_id?)?.hard_end_at);
        let ends_at = self.session.ends_at();
        hard_end_at.map_or(ends_at, |hard_end_at| hard_end_at.min(ends_at))
    }
}

fn event(name: &str, data: &Value) -> Bytes {
    Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
}
