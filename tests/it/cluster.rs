//! What goes on, and what stops, when Redis, the database or a sane clock is away. Each is a cell of the table in
//! `docs/operations.md`.

#[path = "../contract/redis_server.rs"]
mod redis_server;

use std::time::{Duration, Instant};

use marquee::base::clock::UtcMs;
use marquee::base::id::{AssetId, GrantId, OfferId, TitleId};
use marquee::base::limits;
use marquee::rights::avail::LicenseType;
use marquee::rights::grant::GrantClock;
use marquee::store::state::redis::RedisState;
use marquee::store::state::{Lease, State};
use redis_server::RedisServer;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::film;
use crate::server::{Answer, HOUR, Server, TestViewer, outcome};

const TRACK: &str = "v360";
const TTL: Duration = limits::LEASE_TTL;
/// What a revocation of another node may take with Redis.
const ANNOUNCED_WITHIN: Duration = Duration::from_secs(1);
/// Every call to a Redis that is there and does not answer costs `limits::STATE_TIMEOUT`.
const FROZEN_REQUEST_MAX: Duration = Duration::from_secs(3);

/// A film on sale, and somebody who watches it.
struct Playing {
    viewer: TestViewer,
    title: TitleId,
    grant: GrantId,
    asset: AssetId,
    token: String,
    session: String,
}

impl Playing {
    async fn open(server: &Server, name: &str, title: TitleId, offer: OfferId) -> Playing {
        let viewer = server.viewer(name).await;
        let grant = server.buy(&viewer, offer).await["grant"]["id"].as_str().unwrap().parse().unwrap();
        let asset = server.app.db.title(title).await.unwrap().unwrap().parts[0];
        let mut playing = Playing { viewer, title, grant, asset, token: String::new(), session: String::new() };
        playing.reopen(server).await;
        playing
    }

    async fn reopen(&mut self, server: &Server) {
        let opened = server.open(&self.viewer.token, self.title).await;
        assert_eq!(opened.status, StatusCode::CREATED, "{}", opened.text());
        let opened = opened.json();
        opened["id"].as_str().unwrap().clone_into(&mut self.session);
        opened["playback_url"].as_str().unwrap().split('/').nth(2).unwrap().clone_into(&mut self.token);
    }

    fn main(&self) -> String {
        format!("/play/{}/main.m3u8", self.token)
    }

    fn key(&self) -> String {
        format!("/play/{}/{}/{TRACK}/key", self.token, self.asset)
    }

    fn segment(&self, n: usize) -> String {
        format!("/play/{}/{}/{TRACK}/{n}.m4s", self.token, self.asset)
    }

    /// The playlists, the init segment and every segment; not the key, which may start a clock.
    async fn everything_but_the_key(&self) -> Vec<String> {
        let base = format!("/play/{}/{}/{TRACK}", self.token, self.asset);
        let segments = film::packaged().await.index.track(TRACK).unwrap().segments.len();
        let mut urls = vec![self.main(), format!("{base}.m3u8"), format!("{base}/init.mp4")];
        urls.extend((0..segments).map(|n| self.segment(n)));
        urls
    }

    async fn plays_on(&self, server: &Server, when: &str) {
        for url in self.everything_but_the_key().await {
            let answer = server.get(&url).await;
            assert_eq!(answer.status, StatusCode::OK, "{when}: {}", answer.text_or_bytes());
        }
    }

    async fn end(&self, server: &Server) {
        let delete = server.request(Method::DELETE, &format!("/api/v1/playback-sessions/{}", self.session));
        let ended = server.send(delete.bearer_auth(&self.viewer.token)).await;
        assert_eq!(ended.status, StatusCode::NO_CONTENT);
    }
}

impl Answer {
    fn text_or_bytes(&self) -> String {
        String::from_utf8_lossy(&self.body[..self.body.len().min(500)]).into_owned()
    }
}

/// The code of a refusal; what is `Unavailable` says when to come back.
fn unavailable(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.text_or_bytes());
    assert!(!answer.header("retry-after").is_empty());
    outcome(answer)
}

async fn buy(server: &Server, viewer: &TestViewer, offer: OfferId, key: &str) -> Answer {
    let body = json!({"offer_id": offer, "payment": {"method": "sandbox", "outcome": "paid"}});
    server.post_with_key(&viewer.token, "/purchases", &body, key).await
}

async fn revoke(server: &Server, grant: GrantId) {
    let path = format!("/operator/grants/{grant}/revoke");
    let answer = server.post(&server.operator, &path, &json!({"reason": "test"})).await;
    assert!(answer.status.is_success(), "{}", answer.text());
}

async fn with_redis(redis: &RedisServer) -> Server {
    Server::start_with(|config| config.state.redis_url = Some(redis.url())).await
}

/// Another node's hand on the shared state.
fn other_node(redis: &RedisServer) -> RedisState {
    RedisState::connect(&redis.url(), "marquee").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_are_counted_and_revocations_heard_through_redis() {
    let redis = RedisServer::start();
    let server = with_redis(&redis).await;
    let other = other_node(&redis);
    let (title, offer) = server.pvod().await;
    let mut playing = Playing::open(&server, "ann", title, offer).await;
    let slot = playing.grant.to_string();

    // The one slot of a rental is taken for the other node, and the other way round.
    assert_eq!(other.hold_lease(&slot, "other", 1, TTL).await.unwrap(), Lease::Full);
    playing.end(&server).await;
    assert_eq!(other.hold_lease(&slot, "other", 1, TTL).await.unwrap(), Lease::Held);
    assert_eq!(outcome(&server.open(&playing.viewer.token, title).await), "TOO_MANY_STREAMS");
    other.release_lease(&slot, "other").await.unwrap();
    playing.reopen(&server).await;
    playing.plays_on(&server, "all is well").await;

    // A revocation of this node is refused at the very next request.
    revoke(&server, playing.grant).await;
    assert_eq!(outcome(&server.get(&playing.segment(0)).await), "GRANT_REVOKED");

    // One of another node: written to the database by somebody else, and announced. Alone, the poll takes 2 s.
    let mut waited = Vec::new();
    for n in 0..3 {
        let playing = Playing::open(&server, &format!("bob-{n}"), title, offer).await;
        server.app.db.revoke_grant(playing.grant, "test", server.now()).await.unwrap();
        let start = Instant::now();
        other.announce_change().await.unwrap();
        while server.get(&playing.main()).await.status != StatusCode::FORBIDDEN {
            assert!(start.elapsed() < ANNOUNCED_WITHIN, "an announced revocation was not heard");
        }
        waited.push(start.elapsed());
    }
    println!("revocations of another node were heard after {waited:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_films_play_open_and_sell_and_with_it_again_they_are_counted_together() {
    let mut redis = RedisServer::start();
    let server = with_redis(&redis).await;
    let (title, offer) = server.pvod().await;
    let live = Playing::open(&server, "ann", title, offer).await;
    live.plays_on(&server, "with Redis").await;

    // There, and silent.
    redis.freeze();
    let start = Instant::now();
    live.plays_on(&server, "Redis frozen").await;
    let streamed = start.elapsed();
    let start = Instant::now();
    let frozen = Playing::open(&server, "bob", title, offer).await;
    let opened = start.elapsed();
    assert!(streamed < FROZEN_REQUEST_MAX, "a live session waited {streamed:?} for a Redis that is silent");
    assert!(opened < FROZEN_REQUEST_MAX * 2, "buying and opening took {opened:?}");
    println!("Redis frozen: a whole film of a live session in {streamed:?}, purchase and new session in {opened:?}");
    redis.thaw();

    // Gone. A heartbeat is due, and finds nobody.
    redis.kill();
    server.sim.advance(limits::HEARTBEAT_EVERY);
    live.plays_on(&server, "Redis killed").await;
    frozen.plays_on(&server, "Redis killed").await;
    let fresh = Playing::open(&server, "cid", title, offer).await;
    fresh.plays_on(&server, "opened without Redis").await;
    assert_eq!(outcome(&server.open(&fresh.viewer.token, title).await), "TOO_MANY_STREAMS", "this node counts");
    revoke(&server, fresh.grant).await;
    assert_eq!(outcome(&server.get(&fresh.segment(0)).await), "GRANT_REVOKED");
    // Rates are counted here too, at a quarter of what is shared.
    let dan = server.viewer("dan").await;
    let mut answers = Vec::new();
    for _ in 0..=limits::PURCHASES_PER_VIEWER_PER_MINUTE / 4 {
        answers.push(outcome(&buy(&server, &dan, offer, "one key").await));
    }
    assert_eq!(answers.pop().unwrap(), "RATE_LIMITED");
    assert!(answers.iter().all(|answer| answer == "201"), "{answers:?}");

    // Back, and empty.
    redis.run();
    let other = other_node(&redis);
    let start = Instant::now();
    while other.hold_lease(&live.grant.to_string(), "other", 1, TTL).await.unwrap() == Lease::Held {
        assert!(start.elapsed() < Duration::from_secs(10), "a live session never came back to Redis");
        other.release_lease(&live.grant.to_string(), "other").await.unwrap();
        server.sim.advance(limits::HEARTBEAT_EVERY);
        assert_eq!(server.get(&live.segment(0)).await.status, StatusCode::OK);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let late = Playing::open(&server, "eve", title, offer).await;
    assert_eq!(other.hold_lease(&late.grant.to_string(), "other", 1, TTL).await.unwrap(), Lease::Full);
    let start = Instant::now();
    server.app.db.revoke_grant(late.grant, "test", server.now()).await.unwrap();
    // The subscription comes back by itself, within one of its pauses.
    while server.get(&late.main()).await.status != StatusCode::FORBIDDEN {
        assert!(start.elapsed() < Duration::from_secs(5), "announcements are not heard again");
        other.announce_change().await.unwrap();
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_starts_and_plays_without_the_redis_it_is_told_of() {
    let mut redis = RedisServer::not_running();
    let server = with_redis(&redis).await;
    let (title, offer) = server.pvod().await;
    let playing = Playing::open(&server, "ann", title, offer).await;
    playing.plays_on(&server, "never any Redis").await;
    let ready = server.get("/readyz?verbose").await;
    assert_eq!(ready.status, StatusCode::OK, "{}", ready.text());
    redis.run();
    let other = other_node(&redis);
    let late = Playing::open(&server, "bob", title, offer).await;
    assert_eq!(other.hold_lease(&late.grant.to_string(), "other", 1, TTL).await.unwrap(), Lease::Full);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_database_what_plays_goes_on_for_a_minute_and_nothing_begins() {
    let server = Server::start().await;
    let (title, offer) = server.pvod().await;
    let live = Playing::open(&server, "ann", title, offer).await;
    let rental = server.title(live.asset).await;
    let avail = server.avail(rental, LicenseType::Vod, None).await;
    let clock = GrantClock::OnFirstPlay { start_within_ms: 30 * 24 * 3_600_000, watch_ms: 48 * 3_600_000 };
    let rental_offer = server.offer(&avail, clock).await;
    let waiting = Playing::open(&server, "bob", rental, rental_offer).await;
    let free = server.title(live.asset).await;
    server.avail(free, LicenseType::Avod, None).await;
    let cid = server.viewer("cid").await;
    // Nothing but the multivariant playlist has been asked for so far.
    assert_eq!(server.get(&live.main()).await.status, StatusCode::OK);

    server.app.db.close().await;
    let start = Instant::now();
    let plays_on = |when: &'static str| {
        let (server, live, waiting) = (&server, &live, &waiting);
        async move {
            live.plays_on(server, when).await;
            assert_eq!(server.get(&live.key()).await.status, StatusCode::OK, "{when}: its clock runs already");
            waiting.plays_on(server, when).await;
            assert_eq!(unavailable(&server.get(&waiting.key()).await), "DB_CLOSED", "{when}: a clock cannot start");
        }
    };
    let nothing_begins = |when: &'static str| {
        let (server, live, cid) = (&server, &live, &cid);
        async move {
            unavailable(&server.open(&live.viewer.token, title).await);
            unavailable(&server.open(&cid.token, free).await);
            let anonymous = server.request(Method::POST, "/api/v1/playback-sessions").json(&json!({"title_id": free}));
            unavailable(&server.send(anonymous).await);
            unavailable(&buy(server, cid, offer, when).await);
            let sign_in = json!({"email": "cid@test.example", "password": "a long enough password"});
            unavailable(&server.send(server.request(Method::POST, "/api/v1/sign-in").json(&sign_in)).await);
            assert_eq!(server.get("/readyz").await.status, StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(server.get("/livez").await.status, StatusCode::OK);
        }
    };
    plays_on("at once").await;
    nothing_begins("at once").await;
    println!("refusals without a database came at once: {:?} for all of them", start.elapsed());
    server.sim.advance(limits::CHANGES_SILENCE_MAX);
    plays_on("after 60 s").await;
    nothing_begins("after 60 s").await;
    server.sim.advance(Duration::from_millis(1));
    for playing in [&live, &waiting] {
        for url in playing.everything_but_the_key().await.into_iter().chain([playing.key()]) {
            assert_eq!(unavailable(&server.get(&url).await), "REVOCATIONS_UNKNOWN", "{url}");
        }
    }
    nothing_begins("later").await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_clock_that_has_jumped_nothing_plays_opens_or_moves_money() {
    let server = Server::start().await;
    let (title, offer) = server.pvod().await;
    let live = Playing::open(&server, "ann", title, offer).await;
    let bob = server.viewer("bob").await;
    let cid = server.viewer("cid").await;
    let order = json!({"offer_id": offer, "payment": {"method": "sandbox", "outcome": "pending"}});
    let pending = server.post_with_key(&cid.token, "/purchases", &order, "pending").await.json();
    assert_eq!(pending["status"], "pending");
    let owned = server.app.db.grants(live.viewer.id, None).await.unwrap()[0].cause.purchase_id().unwrap();
    let id = pending["id"].as_str().unwrap().parse().unwrap();
    let payment = server.app.db.purchase(id).await.unwrap().unwrap().payment_id;
    let sandbox = server.app.sandbox.clone().unwrap();
    let callback = async || {
        let (signature, body) = sandbox.callback(payment).unwrap();
        let post = server.request(Method::POST, "/api/v1/payments/sandbox/callback");
        server.send(post.header("sandbox-signature", signature).body(body)).await
    };

    let sane = server.now();
    let limit_ms = limits::CLOCK_DOUBT_MAX.as_millis() as i64;
    // A little, a day and a bit (by which a token would have expired), and back before anything was.
    for jump_ms in [limit_ms + 1, -limit_ms - 1, 25 * 3_600_000, -25 * 3_600_000] {
        server.sim.set_wall(UtcMs(sane.0 + jump_ms));
        for url in live.everything_but_the_key().await.into_iter().chain([live.key()]) {
            assert_eq!(unavailable(&server.get(&url).await), "CLOCK_DOUBTFUL", "{jump_ms} ms: {url}");
        }
        assert_eq!(unavailable(&server.open(&live.viewer.token, title).await), "CLOCK_DOUBTFUL", "{jump_ms} ms");
        let bought = buy(&server, &bob, offer, &format!("jump {jump_ms}")).await;
        assert_eq!(unavailable(&bought), "CLOCK_DOUBTFUL", "{jump_ms} ms");
        let path = format!("/operator/purchases/{owned}/refunds");
        let refund = server.post(&server.operator, &path, &json!({"reason": "test"})).await;
        assert_eq!(unavailable(&refund), "CLOCK_DOUBTFUL", "{jump_ms} ms");
        assert_eq!(unavailable(&callback().await), "CLOCK_DOUBTFUL", "{jump_ms} ms");
        server.app.checkout.sweep().await.unwrap();
        let status = server.app.db.purchase(id).await.unwrap().unwrap().status;
        assert_eq!(status.as_str(), "pending", "nothing is decided by a doubtful clock");
    }
    // Within the limit, and mended, all is as before.
    for wall_ms in [sane.0 + limit_ms, sane.0 - limit_ms, sane.0] {
        server.sim.set_wall(UtcMs(wall_ms));
        live.plays_on(&server, "within the limit").await;
    }
    server.sim.advance(Duration::from_secs(3));
    assert_eq!(callback().await.status, StatusCode::NO_CONTENT);
    let status = server.app.db.purchase(id).await.unwrap().unwrap().status;
    assert_eq!(status.as_str(), "paid");
    assert_eq!(outcome(&buy(&server, &bob, offer, "mended").await), "201");
    server.sim.advance(HOUR);
    server.stop().await;
}
