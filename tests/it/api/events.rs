//! The event stream of a session.

use std::time::Duration;

use axum::body::Body;
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use marquee::rights::avail::LicenseType;
use marquee::rights::grant::GrantClock;
use marquee::store::db::operator::Role;
use serde_json::{Value, json};

use super::cinema::{Cinema, Guest, HOUR};

const MS: Duration = Duration::from_millis(1);

struct Stream(Body);

impl Stream {
    async fn open(cinema: &Cinema, session: &Value, guest: &Guest) -> Stream {
        let path = session["events_url"].as_str().unwrap();
        let request = cinema.request(Method::GET, path, &guest.token).body(Body::empty()).unwrap();
        let response = cinema.send_raw(request).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Stream(response.into_body())
    }

    /// The next event's name and data; `None` at the end.
    async fn next(&mut self) -> Option<(String, Value)> {
        let frame = tokio::time::timeout(Duration::from_secs(5), self.0.frame()).await.expect("an event was due");
        let text = String::from_utf8(frame?.unwrap().into_data().unwrap().to_vec()).unwrap();
        let text = text.strip_prefix("event: ").unwrap().strip_suffix("\n\n").unwrap();
        let (name, data) = text.split_once("\ndata: ").unwrap();
        Some((name.to_owned(), serde_json::from_str(data).unwrap()))
    }

    async fn is_silent(&mut self) -> bool {
        tokio::time::timeout(Duration::from_millis(50), self.0.frame()).await.is_err()
    }

    async fn ends_with(&mut self, code: &str) {
        let (name, data) = self.next().await.unwrap();
        assert_eq!((name.as_str(), data["code"].as_str()), ("ended", Some(code)));
        assert!(self.next().await.is_none(), "the stream closes after `ended`");
    }
}

/// A paid session with an open stream whose first heartbeat has come.
async fn watching(cinema: &Cinema) -> (Guest, Value, Stream, String) {
    let show = cinema.premiere().await;
    let ann = cinema.guest("ann").await;
    let bought = cinema.buy(show, &ann, "k1", "paid").await;
    let session = cinema.play(show, &ann).await;
    assert_eq!(session.status, StatusCode::CREATED, "{}", session.body);
    let mut stream = Stream::open(cinema, &session.body, &ann).await;
    assert_eq!(stream.next().await.unwrap(), ("heartbeat".to_owned(), json!({"at": cinema.now()})));
    (ann, session.body, stream, bought.body["id"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_heartbeat_comes_every_thirty_seconds() {
    let cinema = Cinema::open().await;
    let (_, _, mut stream, _) = watching(&cinema).await;
    for _ in 0..2 {
        let (next, ()) = tokio::join!(stream.next(), async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            cinema.sim.advance(Duration::from_secs(30));
        });
        assert_eq!(next.unwrap().0, "heartbeat");
    }
}

#[tokio::test]
async fn a_refund_ends_the_stream_at_once() {
    let cinema = Cinema::open().await;
    let (_, session, mut stream, purchase) = watching(&cinema).await;
    let path = format!("/operator/purchases/{purchase}/refunds");
    let refund = cinema.post_with_key(&path, &cinema.operator, Some("r1"), json!({"reason": "asked"}));
    let (refund, ()) = tokio::join!(refund, stream.ends_with("GRANT_REVOKED"));
    assert_eq!(refund.status, StatusCode::CREATED);
    assert!(session["playback_url"].as_str().unwrap().starts_with("/play/"));
}

#[tokio::test]
async fn an_operator_ends_a_session() {
    let cinema = Cinema::open().await;
    let (_, session, mut stream, _) = watching(&cinema).await;
    let path = format!("/operator/playback-sessions/{}/revoke", session["id"].as_str().unwrap());
    let revoke = cinema.post(&path, &cinema.operator, json!({"reason": "leak"}));
    let (revoked, ()) = tokio::join!(revoke, stream.ends_with("SESSION_REVOKED"));
    assert_eq!(revoked.status, StatusCode::NO_CONTENT);
    assert_eq!(cinema.get("/operator/playback-sessions", &cinema.operator).await.body["data"], json!([]));
}

#[tokio::test]
async fn a_rental_ends_on_the_millisecond() {
    let cinema = Cinema::open().await;
    let now = cinema.now();
    let clock = GrantClock::OnPurchase { watch_ms: 20_000 };
    let show = cinema.show(LicenseType::Vod, now, now + HOUR, clock).await;
    let ann = cinema.guest("ann").await;
    cinema.buy(show, &ann, "k1", "paid").await;
    let session = cinema.play(show, &ann).await;
    assert_eq!(session.body["ends_at"], json!(now + Duration::from_secs(20)));
    let mut stream = Stream::open(&cinema, &session.body, &ann).await;
    assert_eq!(stream.next().await.unwrap().0, "heartbeat");
    cinema.sim.advance(Duration::from_millis(19_999));
    assert!(stream.is_silent().await);
    cinema.sim.advance(MS);
    stream.ends_with("RENTAL_EXPIRED").await;
}

#[tokio::test]
async fn a_hard_end_that_is_moved_forward_ends_the_stream_then() {
    let cinema = Cinema::open().await;
    let now = cinema.now();
    let show = cinema.show(LicenseType::Avod, now, now + HOUR * 9, GrantClock::OnPurchase { watch_ms: 1 }).await;
    let nobody = Guest { id: cinema.guest("ann").await.id, token: String::new() };
    let session = cinema.play(show, &nobody).await;
    assert_eq!((session.status, session.body["via"].as_str()), (StatusCode::CREATED, Some("free")));
    assert_eq!(session.body["ends_at"], json!(null));
    let mut stream = Stream::open(&cinema, &session.body, &nobody).await;
    stream.next().await.unwrap();
    let edit = json!({"hard_end_at": now + Duration::from_secs(10)});
    let path = format!("/operator/avails/{}", show.avail);
    assert_eq!(cinema.patch(&path, &cinema.operator, edit).await.status, StatusCode::OK);
    assert!(stream.is_silent().await);
    cinema.sim.advance(Duration::from_secs(10));
    stream.ends_with("WINDOW_CLOSED").await;
}

#[tokio::test]
async fn a_server_that_drains_says_so() {
    let cinema = Cinema::open().await;
    let (_, _, mut stream, _) = watching(&cinema).await;
    cinema.api.shutdown.begin();
    stream.ends_with("SERVER_DRAINING").await;
    let ready = cinema.send(http::Request::get("/readyz?verbose").body(Body::empty()).unwrap()).await;
    assert_eq!((ready.status, ready.body["ready"].as_bool()), (StatusCode::SERVICE_UNAVAILABLE, Some(false)));
}

#[tokio::test]
async fn a_session_is_its_owners() {
    let cinema = Cinema::open().await;
    let (ann, session, _stream, _) = watching(&cinema).await;
    let ben = cinema.guest("ben").await;
    let events = session["events_url"].as_str().unwrap();
    let path = events.strip_suffix("/events").unwrap();
    for token in ["", ben.token.as_str()] {
        assert_eq!(cinema.get(events, token).await.status, StatusCode::NOT_FOUND);
        let leave = cinema.request(Method::DELETE, path, token).body(Body::empty()).unwrap();
        assert_eq!(cinema.send(leave).await.status, StatusCode::NOT_FOUND);
    }
    let leave = || cinema.request(Method::DELETE, path, &ann.token).body(Body::empty()).unwrap();
    assert_eq!(cinema.send(leave()).await.status, StatusCode::NO_CONTENT);
    assert_eq!(cinema.send(leave()).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn only_an_operator_who_edits_ends_or_holds_what_somebody_else_watches() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    let ann = cinema.guest("ann").await;
    cinema.buy(show, &ann, "k1", "paid").await;
    let session = cinema.play(show, &ann).await.body;
    let id = session["id"].as_str().unwrap();
    let send = async |method: Method, path: &str, token: &str| {
        cinema.send(cinema.request(method, path, token).body(Body::empty()).unwrap()).await
    };
    let path = format!("/playback-sessions/{id}");
    for role in [Role::Finance, Role::ReadOnly] {
        let token = cinema.operator_token(role).await;
        for refused in [
            send(Method::DELETE, &path, &token).await,
            send(Method::GET, session["events_url"].as_str().unwrap(), &token).await,
        ] {
            assert_eq!((refused.status, refused.code()), (StatusCode::FORBIDDEN, "ROLE_REQUIRED"), "{role:?}");
        }
    }
    let ended = async || cinema.get(&format!("/operator{path}"), &cinema.operator).await.body["ended_at"].clone();
    assert_eq!(ended().await, Value::Null);
    let editor = cinema.operator_token(Role::Operator).await;
    assert_eq!(send(Method::DELETE, &path, &editor).await.status, StatusCode::NO_CONTENT);
    assert_ne!(ended().await, Value::Null);
    let lines = cinema.get(&format!("/operator/audit?subject={id}"), &cinema.operator).await.body;
    assert_eq!(lines["data"][0]["action"], "session.end", "what an operator does is noted");
}
