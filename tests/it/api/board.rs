//! The board and the feed: their money is the ledger's at one instant, whoever buys meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use marquee::base::clock::UtcMs;
use marquee::base::limits;
use marquee::ledger::entry::{EntryKind, LedgerAccount};
use marquee::store::db::commerce::ChainedEntry;
use marquee::store::db::operator::Role;
use serde_json::{Value, json};

use super::cinema::{Cinema, HOUR, Show};

const BOARD: &str = "/operator/board?zone=Asia/Shanghai&currency=CNY";
const SECOND: Duration = Duration::from_secs(1);

async fn board(cinema: &Cinema) -> Value {
    let answer = cinema.get(BOARD, &cinema.operator).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.body
}

/// A board that is not the one of a moment ago.
async fn fresh(cinema: &Cinema) -> Value {
    cinema.sim.advance(limits::BOARD_RESENT_EVERY);
    board(cinema).await
}

/// Every entry there is.
async fn ledger(cinema: &Cinema) -> Vec<ChainedEntry> {
    let mut ledger: Vec<ChainedEntry> = Vec::new();
    loop {
        let after = ledger.last().map_or(0, |last| last.position);
        let page = cinema.api.db.entries(after, 500).await.unwrap();
        if page.is_empty() {
            return ledger;
        }
        ledger.extend(page);
    }
}

/// Gross, refunds and orders of a day, from nothing but the entries up to a position.
fn recomputed(ledger: &[ChainedEntry], from: UtcMs, position: i64) -> (i64, i64, i64) {
    let (mut gross, mut refunds, mut orders) = (0, 0, 0);
    for entry in ledger.iter().filter(|entry| entry.position <= position) {
        let facts = entry.entry.facts();
        if facts.at < from {
            continue;
        }
        let sales = entry.entry.postings().iter().filter(|posting| matches!(posting.account, LedgerAccount::Sales(_)));
        let minor: i64 = sales.map(|posting| posting.amount.minor).sum();
        match facts.kind {
            EntryKind::Purchase => (gross, orders) = (gross - minor, orders + 1),
            EntryKind::Refund => refunds += minor,
        }
    }
    (gross, refunds, orders)
}

fn assert_is_the_ledger(ledger: &[ChainedEntry], board: &Value) {
    let from = UtcMs::parse(board["day_start_at"].as_str().unwrap()).unwrap();
    let position = board["ledger_position"].as_i64().unwrap();
    let (gross, refunds, orders) = recomputed(ledger, from, position);
    let value = |name: &str| board[name]["value"].as_i64().unwrap();
    assert_eq!(
        (value("gross"), value("refunds"), value("net"), value("orders")),
        (gross, refunds, gross - refunds, orders),
        "at position {position}"
    );
    let sum = |rows: &str, field: &str| {
        board[rows].as_array().unwrap().iter().map(|row| row[field].as_i64().unwrap()).sum::<i64>()
    };
    assert_eq!((sum("by_hour", "gross"), sum("by_hour", "orders")), (gross, orders));
    assert_eq!((sum("ranking", "gross"), sum("ranking", "orders")), (gross, orders));
}

async fn refund(cinema: &Cinema, purchase: &Value) {
    let path = format!("/operator/purchases/{}/refunds", purchase["id"].as_str().unwrap());
    let key = format!("refund-{}", purchase["id"]);
    let answer = cinema.post_with_key(&path, &cinema.operator, Some(&key), json!({"reason": "test"})).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
}

#[tokio::test]
async fn the_board_says_what_happened_today_beside_a_week_ago() {
    let cinema = Cinema::open().await;
    let empty = board(&cinema).await;
    assert_eq!(empty["gross"], json!({"value": 0, "last_week": null, "change": null}));
    assert_eq!(empty["conversion"]["value"], json!(null));
    assert_eq!((&empty["currency"], &empty["currencies"]), (&json!("CNY"), &json!([])));
    assert!(empty["hand"].as_array().unwrap().iter().any(|row| row["code"] == "NO_TITLES"));
    // 20:00 in Shanghai.
    assert_eq!(empty["day_start_at"], "2027-01-14T16:00:00.000Z");
    assert_eq!(empty["by_hour"].as_array().unwrap().len(), 21);

    let show = cinema.premiere().await;
    let guests = [cinema.guest("ann").await, cinema.guest("ben").await, cinema.guest("cid").await];
    cinema.buy(show, &guests[0], "k", "paid").await;
    cinema.sim.advance(HOUR * 2);
    cinema.buy(show, &guests[1], "k", "declined").await;
    // A week later at half past eight: the first sale lies before that time of day, what came at ten does not.
    cinema.sim.advance(HOUR * (24 * 7 - 2) + Duration::from_secs(1800));
    let paid = cinema.buy(show, &guests[1], "k2", "paid").await.body;
    cinema.buy(show, &guests[2], "k", "paid").await;
    refund(&cinema, &paid).await;
    let today = fresh(&cinema).await;
    assert_eq!(today["gross"], json!({"value": 3600, "last_week": 1800, "change": 1.0}));
    assert_eq!(today["refunds"], json!({"value": 1800, "last_week": 0, "change": null}));
    assert_eq!(today["net"]["value"], 1800);
    assert_eq!(today["orders"], json!({"value": 2, "last_week": 1, "change": 1.0}));
    assert_eq!(today["conversion"], json!({"value": 1.0, "last_week": 1.0, "change": 0.0}));
    assert_eq!(today["by_hour"][20], json!({"start_at": "2027-01-22T12:00:00.000Z", "gross": 3600, "orders": 2}));
    assert_eq!(today["by_hour_last_week"].as_array().unwrap().len(), 24);
    assert_eq!(today["by_hour_last_week"][20]["gross"], 1800);
    assert_eq!(today["ranking"][0]["title_id"], json!(show.title));
    assert_eq!((&today["ranking"][0]["share"], &today["ranking"][0]["name"]), (&json!(1.0), &json!({"en": "A Film"})));
    assert_eq!(
        today["funnel"],
        json!({"checkouts": 2, "paid": 2, "first_plays": 0, "half_watched": 0, "completed": 0})
    );
    assert_eq!(today["ledger_position"], 4);
    assert_is_the_ledger(&ledger(&cinema).await, &today);

    for (query, code) in [("zone=Mars", "ZONE_INVALID"), ("zone=UTC&currency=XXZ", "CURRENCY_INVALID")] {
        let refused = cinema.get(&format!("/operator/board?{query}"), &cinema.operator).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::UNPROCESSABLE_ENTITY, code));
    }
}

#[tokio::test]
async fn the_funnel_and_retention_follow_the_viewers() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    // The film lasts a minute: one only starts, one sees half of it, one nearly all; the last one never plays.
    for (name, watched_ms) in [("ann", Some(0)), ("ben", Some(30_000)), ("cid", Some(58_000)), ("dan", None)] {
        let guest = cinema.guest(name).await;
        cinema.buy(show, &guest, "k", "paid").await;
        let Some(watched_ms) = watched_ms else { continue };
        let session = cinema.play(show, &guest).await.body["id"].as_str().unwrap().to_owned();
        cinema.sim.advance(SECOND * 60);
        let position = |at_ms: u64, position_ms: u64| json!({"at_ms": at_ms, "kind": "position", "position_ms": position_ms, "playing": true});
        let events =
            json!([{"at_ms": 0, "kind": "first_frame", "startup_ms": 9}, position(1, 0), position(60_000, watched_ms)]);
        let body = json!({"sent_at_ms": 60_000, "events": events});
        cinema.post(&format!("/playback-sessions/{session}/telemetry"), &guest.token, body).await;
    }
    cinema.api.audience.collector.write_queued().await;
    let body = fresh(&cinema).await;
    assert_eq!(body["funnel"], json!({"checkouts": 4, "paid": 4, "first_plays": 3, "half_watched": 2, "completed": 1}));
    assert_eq!((&body["play_starts"]["value"], &body["start_failures"]["value"]), (&json!(3), &json!(0)));
    let path = format!("/operator/titles/{}/sales?zone=Asia/Shanghai", show.title);
    let sales = cinema.get(&path, &cinema.operator).await.body;
    assert_eq!((&sales["gross"], &sales["orders"]), (&json!(7200), &json!(4)));
    assert_eq!(sales["by_territory"], json!([{"territory": "CN", "gross": 7200, "orders": 4}]));
    assert_eq!(sales["by_price"][0], json!({"kind": "list", "gross": 7200, "orders": 4}));
    assert_eq!(
        (&sales["by_day"][6]["start_at"], &sales["by_day"][6]["gross"]),
        (&json!("2027-01-14T16:00:00.000Z"), &json!(7200))
    );
    assert_eq!(sales["by_hour"].as_array().unwrap().iter().filter(|hour| hour["gross"] != 0).count(), 1);
    let viewers: Vec<u64> =
        sales["retention"].as_array().unwrap().iter().map(|part| part["viewers"].as_u64().unwrap()).collect();
    assert_eq!(
        (viewers.len(), viewers[0], viewers[10], viewers[25], viewers[26], viewers[48], viewers[49]),
        (50, 3, 2, 2, 1, 1, 0)
    );
}

#[tokio::test]
async fn who_watches_now_is_who_was_heard_of_within_ninety_seconds() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    let ann = cinema.guest("ann").await;
    cinema.buy(show, &ann, "k", "paid").await;
    let session = cinema.play(show, &ann).await.body["id"].as_str().unwrap().to_owned();
    let other = cinema.play(show, &ann).await.body["id"].as_str().unwrap().to_owned();
    tokio::time::sleep(Duration::from_millis(20)).await;
    let now = async || cinema.api.audience.crowds.count(&[show.title]).await.unwrap()[0];
    assert_eq!(now().await, 2);
    assert_eq!(fresh(&cinema).await["viewers_now"]["value"], 2);
    assert_eq!(board(&cinema).await["ranking"][0]["viewers_now"], 2);
    let left = cinema.request(Method::DELETE, &format!("/playback-sessions/{other}"), &ann.token);
    assert_eq!(cinema.send(left.body(Body::empty()).unwrap()).await.status, StatusCode::NO_CONTENT);
    assert_eq!(now().await, 1, "who leaves is gone at once");
    // Fifteen seconds have passed already.
    cinema.sim.advance(Duration::from_millis(74_999));
    assert_eq!(now().await, 1);
    cinema.sim.advance(Duration::from_millis(1));
    assert_eq!(now().await, 0);
    let live = cinema.api.sessions.find(session.parse().unwrap()).await.unwrap().unwrap();
    cinema.api.sessions.touch(&live, None);
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(now().await, 1, "and is back with the next request");
}

#[tokio::test]
async fn a_board_is_computed_once_a_second_for_everybody_and_only_when_there_is_news() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    let ann = cinema.guest("ann").await;
    let computed = || cinema.operators.boards.computed();
    futures_util::future::join_all((0..30).map(|_| board(&cinema))).await;
    assert_eq!(computed(), 1);
    cinema.buy(show, &ann, "k", "paid").await;
    cinema.sim.advance(Duration::from_millis(999));
    board(&cinema).await;
    assert_eq!(computed(), 1);
    cinema.sim.advance(Duration::from_millis(1));
    let boards = futures_util::future::join_all((0..30).map(|_| board(&cinema))).await;
    assert_eq!(computed(), 2);
    assert!(boards.iter().all(|board| board["orders"]["value"] == 1));
    cinema.sim.advance(limits::BOARD_RESENT_EVERY.saturating_sub(Duration::from_millis(1)));
    board(&cinema).await;
    assert_eq!(computed(), 2, "nothing has happened");
    cinema.sim.advance(Duration::from_millis(1));
    board(&cinema).await;
    assert_eq!(computed(), 3);
}

struct Feed(Body);

impl Feed {
    async fn open(cinema: &Cinema) -> Feed {
        Feed::open_with(cinema, &cinema.operator).await
    }

    async fn open_with(cinema: &Cinema, token: &str) -> Feed {
        let path = BOARD.replace("board", "feed");
        let response = cinema.send_raw(cinema.request(Method::GET, &path, token).body(Body::empty()).unwrap()).await;
        assert_eq!(
            (response.status(), &response.headers()["content-type"]),
            (StatusCode::OK, &"text/event-stream".parse().unwrap())
        );
        Feed(response.into_body())
    }

    async fn next(&mut self) -> Option<(String, Value)> {
        let frame = tokio::time::timeout(Duration::from_secs(5), self.0.frame()).await.expect("an event was due");
        let text = String::from_utf8(frame?.unwrap().into_data().unwrap().to_vec()).unwrap();
        let (name, data) =
            text.strip_prefix("event: ").unwrap().strip_suffix("\n\n").unwrap().split_once("\ndata: ").unwrap();
        Some((name.to_owned(), serde_json::from_str(data).unwrap()))
    }

    async fn name(&mut self) -> String {
        self.next().await.unwrap().0
    }

    async fn is_silent(&mut self) -> bool {
        tokio::time::timeout(Duration::from_millis(50), self.0.frame()).await.is_err()
    }
}

#[tokio::test]
async fn a_feed_tells_what_happens_and_sends_the_board_again() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    let ann = cinema.guest("ann").await;
    let mut feed = Feed::open(&cinema).await;
    assert_eq!(feed.name().await, "board");
    assert!(feed.is_silent().await);
    let bought = cinema.buy(show, &ann, "k", "paid").await.body;
    for _ in 0..2 {
        let (name, order) = feed.next().await.unwrap();
        assert_eq!((name.as_str(), &order["id"]), ("order", &bought["id"]));
        assert_eq!((&order["viewer_hint"], &order["price"]["amount"]), (&json!("a…@f…"), &json!(1800)));
        assert_eq!(order["name"], json!({"en": "A Film"}));
    }
    assert!(feed.is_silent().await, "no second board within a second");
    cinema.sim.advance(SECOND);
    let (name, body) = feed.next().await.unwrap();
    assert_eq!((name.as_str(), &body["orders"]["value"]), ("board", &json!(1)));
    let session = cinema.play(show, &ann).await.body;
    let (name, told) = feed.next().await.unwrap();
    assert_eq!((name.as_str(), told), ("session", json!({"id": session["id"], "what": "opened"})));
    cinema.sim.advance(SECOND);
    assert_eq!(feed.name().await, "board");
    cinema.sim.advance(limits::BOARD_RESENT_EVERY);
    assert_eq!(feed.name().await, "board", "it is sent again without news");
    cinema.api.shutdown.begin();
    assert_eq!(feed.next().await.unwrap(), ("ended".to_owned(), json!({"code": "SERVER_DRAINING"})));
    assert!(feed.next().await.is_none());
}

#[tokio::test]
async fn a_feed_tells_nothing_to_a_token_that_is_over() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    let ann = cinema.guest("ann").await;
    let token = cinema.operator_token(Role::ReadOnly).await;
    let mut feed = Feed::open_with(&cinema, &token).await;
    assert_eq!(feed.name().await, "board");
    let sign_out = cinema.request(Method::POST, "/operator/sign-out", &token).body(Body::empty()).unwrap();
    assert_eq!(cinema.send(sign_out).await.status, StatusCode::NO_CONTENT);
    cinema.buy(show, &ann, "k", "paid").await;
    assert_eq!(feed.next().await.unwrap(), ("ended".to_owned(), json!({"code": "FEED_EXPIRED"})));
    assert!(feed.next().await.is_none());
}

#[tokio::test]
async fn a_console_that_lags_gets_a_board_and_there_are_only_so_many() {
    let cinema = Cinema::open().await;
    let mut feed = Feed::open(&cinema).await;
    assert_eq!(feed.name().await, "board");
    let session = marquee::base::id::SessionId::new(cinema.now());
    for _ in 0..limits::NEWS_QUEUED_MAX * 3 {
        cinema
            .api
            .audience
            .news
            .tell(marquee::audience::news::Item::Session(session, marquee::audience::news::SessionNews::Opened));
    }
    cinema.sim.advance(SECOND);
    assert_eq!(feed.name().await, "board");
    let mut told = 0;
    while !feed.is_silent().await {
        told += 1;
    }
    assert!(told <= limits::FEED_SESSIONS_PER_S_MAX, "{told}");
    let mut feeds = vec![feed];
    while feeds.len() < limits::FEEDS_OPEN_MAX {
        feeds.push(Feed::open(&cinema).await);
    }
    let refused = cinema.get(&BOARD.replace("board", "feed"), &cinema.operator).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::SERVICE_UNAVAILABLE, "FEEDS_OPEN_MAX"));
    drop(feeds);
    Feed::open(&cinema).await;
}

#[tokio::test]
async fn the_hand_names_what_is_missing() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    // This cinema's only operator has a token and no password.
    let first = board(&cinema).await;
    assert_eq!(
        first["hand"],
        json!([{"code": "OWNER_MISSING", "level": "warn", "title_id": null, "subject": null, "at": null, "facts": {}}])
    );
    assert_eq!(first["health"]["code"], "ALL_GOOD");
    let made =
        cinema.post("/operator/titles", &cinema.operator, json!({"name": {"en": "Soon"}, "country": "NL"})).await.body;
    let path = format!("/operator/titles/{}/avails", made["id"].as_str().unwrap());
    let avail = json!({"license_type": "vod", "territories": {"include": ["CN"]}, "start_at": cinema.now() + HOUR, "zone": "UTC"});
    assert_eq!(cinema.post(&path, &cinema.operator, avail).await.status, StatusCode::CREATED);
    let ann = cinema.guest("ann").await;
    cinema.buy(show, &ann, "k", "pending").await;
    cinema.sim.advance(Duration::from_secs(120));
    let codes = async || {
        let body = fresh(&cinema).await;
        let rows = body["hand"].as_array().unwrap().clone();
        let codes = rows.iter().map(|row| row["code"].as_str().unwrap().to_owned());
        codes.filter(|code| code != "OWNER_MISSING").collect::<Vec<_>>()
    };
    let now = codes().await;
    assert_eq!(now, ["WINDOW_OPENS_NO_ASSET", "WINDOW_OPENS_NO_OFFER", "PAYMENT_PENDING_LATE"]);
    assert_eq!(board(&cinema).await["health"]["level"], "bad");
    cinema.sim.advance(HOUR * 24 * 13);
    assert!(codes().await.contains(&"WINDOW_CLOSES_SOON".to_owned()));
    cinema.sim.advance(HOUR * 24);
    assert!(codes().await.contains(&"LIVE_WITHOUT_WINDOW".to_owned()));
}

/// Orders and refunds go on while boards are read; each board is the ledger at one instant.
async fn every_board_is_the_ledger(purchases: usize, refunds: usize) {
    const AT_ONCE: usize = 8;
    let cinema = Cinema::open().await;
    let shows: Vec<Show> = vec![cinema.premiere().await, cinema.premiere().await, cinema.premiere().await];
    let mut guests = Vec::new();
    for n in 0..purchases {
        guests.push(cinema.guest(&format!("guest{n}")).await);
    }
    let is_over = AtomicBool::new(false);
    let reader = async {
        let mut boards = Vec::new();
        while !is_over.load(Ordering::Acquire) {
            // The board may be computed again at once.
            cinema.sim.advance(SECOND);
            boards.push(board(&cinema).await);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        boards
    };
    let buyers = async {
        let worker = |first: usize| {
            let (cinema, shows, guests) = (&cinema, &shows, &guests);
            async move {
                for n in (first..purchases).step_by(AT_ONCE) {
                    let bought = cinema.buy(shows[n % shows.len()], &guests[n], "k", "paid").await;
                    assert_eq!(bought.status, StatusCode::CREATED, "{}", bought.body);
                    if n < refunds {
                        refund(cinema, &bought.body).await;
                    }
                }
            }
        };
        futures_util::future::join_all((0..AT_ONCE).map(worker)).await;
        is_over.store(true, Ordering::Release);
    };
    let (boards, ()) = tokio::join!(reader, buyers);
    let positions: std::collections::BTreeSet<i64> =
        boards.iter().map(|board| board["ledger_position"].as_i64().unwrap()).collect();
    assert!(positions.len() > 3, "boards were read while the ledger grew: {positions:?}");
    let last = fresh(&cinema).await;
    let ledger = ledger(&cinema).await;
    for board in boards.iter().chain([&last]) {
        assert_is_the_ledger(&ledger, board);
    }
    let (purchases, refunds) = (purchases as i64, refunds as i64);
    assert_eq!(last["ledger_position"], purchases + refunds);
    assert_eq!(
        (&last["orders"]["value"], &last["net"]["value"]),
        (&json!(purchases), &json!((purchases - refunds) * 1800))
    );
    eprintln!("{} boards at {} positions of the ledger", boards.len(), positions.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn boards_read_while_people_buy_are_the_ledger_at_one_instant() {
    every_board_is_the_ledger(200, 20).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "runs in ./dev soak"]
async fn soak_boards_read_during_2000_purchases_and_200_refunds_are_the_ledger_at_one_instant() {
    every_board_is_the_ledger(2_000, 200).await;
}
