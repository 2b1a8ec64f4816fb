//! What a console hears at once: `board` on connect, then at most once a second where there is news and at least every
//! 15 s; `order`, `session` and `job` as they happen. A console that lags behind loses news and gets a fresh board, and
//! nothing is kept for it. A feed closes after an hour, and before it tells anything to one who may not come in any more;
//! whoever opens it again is asked who they are again.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::{Stream, unfold};
use http::{StatusCode, header};
use serde_json::{Value, json};
use tokio::sync::broadcast;

use crate::api::body::QueryOf;
use crate::api::caller::AnOperator;
use crate::api::metrics::OpenStream;
use crate::api::problem::Problem;
use crate::api::products;
use crate::audience::news::{Item, SessionNews};
use crate::base::error::Result;
use crate::base::id::{ApiTokenId, PurchaseId};
use crate::base::limits;
use crate::operator::Operators;
use crate::operator::board::{BoardKey, BoardParams};
use crate::operator::day::Zone;
use crate::operator::jobs::JobBody;

/// How many feeds are open.
#[derive(Clone, Default)]
pub struct Feeds(Arc<AtomicUsize>);

/// One of them.
struct Seat(Arc<AtomicUsize>);

struct Feed {
    operators: Arc<Operators>,
    /// What it was opened with.
    token: ApiTokenId,
    zone: Zone,
    key: BoardKey,
    news: broadcast::Receiver<Item>,
    /// Monotonic.
    opened_at: Duration,
    board_sent_at: Option<Duration>,
    /// What the news were at when the last board was read.
    board_version: u64,
    /// The second that sessions are counted in, and how many of them were told.
    sessions_told: (u64, u32),
    is_over: bool,
    _seat: Seat,
    _open: OpenStream,
}

/// Hear of everything: `board`, `order`, `session`, `job`.
#[utoipa::path(get, path = "/operator/feed", tag = "operator", operation_id = "operator_feed", params(BoardParams),
    security(("bearer" = [])), responses(
    (status = 200, description = "Server-sent events", content_type = "text/event-stream", body = String),
    (status = 422, description = "ZONE_INVALID, CURRENCY_INVALID"),
    (status = 503, description = "FEEDS_OPEN_MAX"),
))]
pub async fn feed(
    State(operators): State<Arc<Operators>>,
    operator: AnOperator,
    QueryOf(params): QueryOf<BoardParams>,
) -> Result<Response, Problem> {
    let (zone, key) = params.read()?;
    let seat = operators.feeds.take().ok_or_else(|| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "FEEDS_OPEN_MAX", "Too many consoles look on; close one of them.")
    })?;
    let feed = Feed {
        token: operator.caller.token(),
        zone,
        key,
        // Before the first board: no news falls in between.
        news: operators.api.audience.news.listen(),
        opened_at: operators.api.clock.monotonic(),
        board_sent_at: None,
        board_version: 0,
        sessions_told: (0, 0),
        is_over: false,
        _seat: seat,
        _open: operators.api.metrics.open_stream(),
        operators,
    };
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store, no-transform")];
    Ok((headers, Body::from_stream(feed.stream())).into_response())
}

impl Feeds {
    fn take(&self) -> Option<Seat> {
        let taken = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, |open| {
            (open < limits::FEEDS_OPEN_MAX).then_some(open + 1)
        });
        taken.ok().map(|_| Seat(self.0.clone()))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Feed {
    fn stream(self) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
        unfold(self, |mut feed| async move {
            let event = feed.next().await?;
            Some((Ok(event), feed))
        })
    }

    async fn next(&mut self) -> Option<Bytes> {
        let api = self.operators.api.clone();
        loop {
            if self.is_over {
                return None;
            }
            let elapsed = api.clock.monotonic();
            if api.shutdown.has_begun() || elapsed.saturating_sub(self.opened_at) >= limits::FEED_AGE_MAX {
                return Some(self.end(if api.shutdown.has_begun() { "SERVER_DRAINING" } else { "FEED_EXPIRED" }));
            }
            let due_in = self.board_due_in(elapsed);
            let heard =
                if due_in.is_zero() { self.board(elapsed).await.map(Some) } else { self.hear(elapsed, due_in).await };
            let told = match heard {
                Ok(None) => continue,
                Ok(Some(event)) => api.db.is_api_token_valid(self.token, api.clock.now()).await.map(|may| (event, may)),
                Err(error) => Err(error),
            };
            match told {
                Ok((event, true)) => return Some(event),
                Ok((_, false)) => return Some(self.end("FEED_EXPIRED")),
                Err(error) => tracing::warn!(error = error.log_line(), "a console is not told of something"),
            }
        }
    }

    fn end(&mut self, code: &str) -> Bytes {
        self.is_over = true;
        event("ended", &json!({"code": code}).to_string())
    }

    /// What comes before a board is due, if it is worth telling.
    async fn hear(&mut self, elapsed: Duration, due_in: Duration) -> Result<Option<Bytes>> {
        let api = self.operators.api.clone();
        tokio::select! {
            () = api.shutdown.begun() => {}
            heard = self.news.recv() => match heard {
                Ok(item) => return self.told(item, elapsed).await,
                // What was missed is in the board.
                Err(broadcast::error::RecvError::Lagged(_)) => self.board_version = u64::MAX,
                Err(broadcast::error::RecvError::Closed) => api.clock.sleep(due_in).await,
            },
            () = api.clock.sleep(due_in) => {}
        }
        Ok(None)
    }

    fn board_due_in(&self, elapsed: Duration) -> Duration {
        let Some(sent_at) = self.board_sent_at else { return Duration::ZERO };
        let has_news = self.operators.api.audience.news.version() != self.board_version;
        let every = if has_news { limits::BOARD_EVERY } else { limits::BOARD_RESENT_EVERY };
        every.saturating_sub(elapsed.saturating_sub(sent_at))
    }

    async fn board(&mut self, elapsed: Duration) -> Result<Bytes> {
        // Noted before it is tried: what fails is tried again in a second.
        self.board_sent_at = Some(elapsed);
        let board = self.operators.boards.latest(&self.operators, &self.zone, &self.key).await?;
        self.board_version = board.version;
        Ok(event("board", &board.json))
    }

    async fn told(&mut self, item: Item, elapsed: Duration) -> Result<Option<Bytes>> {
        Ok(match item {
            Item::Order(id) => self.order(id).await?.map(|order| event("order", &order.to_string())),
            Item::Job(id) => {
                let job = JobBody::find(&*self.operators.api.db, id).await?;
                job.and_then(|job| serde_json::to_string(&job).ok()).map(|job| event("job", &job))
            }
            Item::Session(id, what) => {
                let second = elapsed.as_secs();
                if self.sessions_told.0 != second {
                    self.sessions_told = (second, 0);
                }
                self.sessions_told.1 += 1;
                let what = match what {
                    SessionNews::Opened => "opened",
                    SessionNews::Ended => "ended",
                };
                let is_told = self.sessions_told.1 <= limits::FEED_SESSIONS_PER_S_MAX;
                is_told.then(|| event("session", &json!({"id": id, "what": what}).to_string()))
            }
            Item::Telemetry => None,
        })
    }

    async fn order(&self, id: PurchaseId) -> Result<Option<Value>> {
        let api = &self.operators.api;
        let Some(purchase) = api.db.purchase(id).await? else { return Ok(None) };
        let viewer = api.db.viewer(purchase.viewer_id).await?;
        let snapshot = api.follower.snapshot();
        Ok(Some(json!({
            "id": id,
            "title_id": purchase.good.title_id(),
            "name": products::name_of(&snapshot, &purchase.good),
            "price": purchase.price,
            "viewer_hint": viewer.map(|viewer| hint(&viewer.email)),
            "at": purchase.decided_at.unwrap_or(purchase.created_at),
            "status": purchase.status,
        })))
    }
}

/// `a…@e…`: enough to tell two apart who are in the room, and nobody's address on a wall.
fn hint(email: &str) -> String {
    let (name, host) = email.split_once('@').unwrap_or((email, ""));
    let first = |text: &str| text.chars().next().map(String::from).unwrap_or_default();
    format!("{}…@{}…", first(name), first(host))
}

fn event(name: &str, data: &str) -> Bytes {
    Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_is_no_address() {
        assert_eq!(hint("ann@example.com"), "a…@e…");
        assert_eq!(hint("安@例.com"), "安…@例…");
        assert_eq!(hint("@"), "…@…");
    }

    #[test]
    fn seats_are_given_back() {
        let feeds = Feeds::default();
        let seats: Vec<Seat> = (0..limits::FEEDS_OPEN_MAX).map(|_| feeds.take().unwrap()).collect();
        assert!(feeds.take().is_none());
        drop(seats);
        assert!(feeds.take().is_some());
    }
}
