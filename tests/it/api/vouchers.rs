//! Codes that give what others paid for.

use std::collections::BTreeSet;

use http::StatusCode;
use marquee::base::clock::UtcMs;
use marquee::base::limits;
use serde_json::{Value, json};

use super::cinema::{Answer, Cinema, Guest, HOUR, Show};

async fn make(cinema: &Cinema, show: Show, count: u32, key: &str) -> Answer {
    let body = json!({"title_id": show.title, "offer_id": show.offer, "count": count,
        "expires_at": UtcMs::parse(super::cinema::START).unwrap() + HOUR * 24, "note": "For friends"});
    cinema.post_with_key("/operator/voucher-batches", &cinema.operator, Some(key), body).await
}

async fn redeem(cinema: &Cinema, guest: &Guest, code: &str) -> Answer {
    cinema.post("/vouchers/redeem", &guest.token, json!({"code": code})).await
}

fn code(made: &Answer, index: usize) -> &str {
    made.body["codes"][index].as_str().unwrap()
}

#[tokio::test]
async fn a_batch_has_as_many_codes_as_it_says_and_shows_them_to_its_request_only() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    let made = make(&cinema, show, 50, "k1").await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let codes: BTreeSet<_> = made.body["codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap()).collect();
    assert_eq!(codes.len(), 50);
    for code in &codes {
        let groups: Vec<_> = code.split('-').collect();
        assert!(groups.len() == 4 && groups.iter().all(|group| group.len() == 5), "{code}");
        assert!(!code.contains(['I', 'L', 'O', 'U']), "{code}");
    }
    assert_eq!(make(&cinema, show, 50, "k1").await.body, made.body, "the same request is answered alike");
    assert_eq!(make(&cinema, show, 51, "k1").await.code(), "IDEMPOTENCY_KEY_REUSED");
    let other = make(&cinema, show, 50, "k2").await;
    assert!(other.body["codes"].as_array().unwrap().iter().all(|code| !codes.contains(code.as_str().unwrap())));
    let listed = cinema.get("/operator/voucher-batches", &cinema.operator).await;
    assert_eq!(listed.body["data"].as_array().unwrap().len(), 2);
    assert_eq!((&listed.body["data"][0]["count"], &listed.body["data"][0]["redeemed"]), (&json!(50), &json!(0)));
    for line in cinema.api.db.audit_lines(0, 100).await.unwrap() {
        assert!(!codes.iter().any(|code| line.line.detail.contains(code)), "{}", line.line.detail);
    }
}

#[tokio::test]
async fn a_batch_that_no_operator_can_have_meant_is_refused() {
    let cinema = Cinema::open().await;
    let (show, other) = (cinema.premiere().await, cinema.premiere().await);
    let good = json!({"title_id": show.title, "offer_id": show.offer, "count": 1, "expires_at": cinema.now() + HOUR});
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body
    };
    let missing = cinema.post("/operator/voucher-batches", &cinema.operator, good.clone()).await;
    assert_eq!((missing.status, missing.code()), (StatusCode::BAD_REQUEST, "IDEMPOTENCY_KEY_REQUIRED"));
    for (body, code, param) in [
        (with("count", json!(0)), "VOUCHERS_INVALID", "count"),
        (with("count", json!(limits::VOUCHERS_PER_BATCH_MAX + 1)), "VOUCHERS_INVALID", "count"),
        (with("expires_at", json!(cinema.now())), "VOUCHERS_INVALID", "expires_at"),
        (with("note", json!("x".repeat(501))), "VOUCHERS_INVALID", "note"),
        (with("offer_id", json!(other.offer)), "OFFER_NOT_FOUND", "offer_id"),
        (with("codes", json!([])), "FIELD_INVALID", "codes"),
    ] {
        let key = format!("{param}{body}").len().to_string();
        let refused = cinema.post_with_key("/operator/voucher-batches", &cinema.operator, Some(&key), body).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::UNPROCESSABLE_ENTITY, code));
        assert_eq!(refused.body["param"], param);
    }
}

#[tokio::test]
async fn a_code_is_redeemed_once_and_the_same_viewer_is_answered_alike() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    let (ann, ben) = (cinema.guest("ann").await, cinema.guest("ben").await);
    let made = make(&cinema, show, 2, "k").await;
    let first = redeem(&cinema, &ann, &code(&made, 0).to_lowercase().replace('-', " ")).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.body);
    assert_eq!(first.body["title"]["name"], json!({"en": "A Film"}));
    assert_eq!(first.body["grant"]["purchase_id"], json!(null));
    assert_eq!(first.body["grant"]["expires_at"], "2027-01-17T12:00:00.000Z");
    assert_eq!(redeem(&cinema, &ann, code(&made, 0)).await.body, first.body);
    let used = redeem(&cinema, &ben, code(&made, 0)).await;
    assert_eq!((used.status, used.code()), (StatusCode::CONFLICT, "VOUCHER_USED"));
    let owned = redeem(&cinema, &ann, code(&made, 1)).await;
    assert_eq!((owned.status, owned.code()), (StatusCode::CONFLICT, "ALREADY_OWNED"));
    assert_eq!(redeem(&cinema, &ben, code(&made, 1)).await.status, StatusCode::CREATED, "it was not used up");

    assert_eq!(cinema.play(show, &ann).await.status, StatusCode::CREATED);
    assert!(cinema.api.db.entries(0, 10).await.unwrap().is_empty(), "no money has moved");
    let grants = cinema.get("/grants", &ann.token).await.body;
    assert_eq!(grants["data"][0]["title"]["id"], json!(show.title));
    assert_eq!(grants["data"][0]["voucher_id"], first.body["grant"]["voucher_id"]);
    let path = format!("/operator/grants/{}/revoke", first.body["grant"]["id"].as_str().unwrap());
    assert_eq!(cinema.post(&path, &cinema.operator, json!({"reason": "test"})).await.status, StatusCode::OK);
    assert_eq!(cinema.play(show, &ann).await.status, StatusCode::FORBIDDEN);
    let again = redeem(&cinema, &ann, code(&made, 0)).await;
    assert_eq!(again.body["grant"]["phase"], "revoked", "a code gives nothing twice");
    assert!(marquee::store::check::check(&*cinema.api.db).await.unwrap().is_sound());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_hands_on_one_code_are_one_grant() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    let made = make(&cinema, show, 1, "k").await;
    let (ann, ben) = (cinema.guest("ann").await, cinema.guest("ben").await);
    let hands = (0..16).map(|hand| redeem(&cinema, if hand % 2 == 0 { &ann } else { &ben }, code(&made, 0)));
    let answers = futures_util::future::join_all(hands).await;
    let given: Vec<_> = answers.iter().filter(|answer| answer.status == StatusCode::CREATED).collect();
    assert_eq!(given.len(), 8, "one of the two, each time");
    assert!(given.iter().all(|answer| answer.body == given[0].body));
    assert!(answers.iter().filter(|answer| answer.status != StatusCode::CREATED).all(|it| it.code() == "VOUCHER_USED"));
    let grants = [ann.id, ben.id].map(|id| cinema.api.db.grants(id, None));
    let [anns, bens] = grants;
    assert_eq!(anns.await.unwrap().len() + bens.await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_code_ends_with_its_batch() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    let (one, two) = (make(&cinema, show, 3, "k1").await, make(&cinema, show, 2, "k2").await);
    let path = format!("/operator/voucher-batches/{}/void", two.body["batch"]["id"].as_str().unwrap());
    let voided = cinema.post(&path, &cinema.operator, json!({})).await;
    assert_eq!(voided.status, StatusCode::OK);
    assert!(voided.body["void_at"].is_string());
    assert_eq!(cinema.post(&path, &cinema.operator, json!({})).await.body, voided.body);
    let guest = cinema.guest("late").await;
    assert_eq!(redeem(&cinema, &guest, code(&two, 0)).await.code(), "VOUCHER_EXPIRED");

    let ends_at = cinema.now() + HOUR * 24;
    for (ms, index, expected) in [(-1, 0, "-"), (0, 1, "VOUCHER_EXPIRED"), (1, 2, "VOUCHER_EXPIRED")] {
        cinema.sim.advance_to(UtcMs(ends_at.0 + ms));
        let guest = cinema.guest(&format!("guest{index}")).await;
        let answer = redeem(&cinema, &guest, code(&one, index)).await;
        assert_eq!(answer.code(), expected, "{ms}");
        assert_eq!(answer.status, if ms < 0 { StatusCode::CREATED } else { StatusCode::GONE });
    }
}

#[tokio::test]
async fn a_code_gives_what_could_be_bought_here_and_now() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    let made = make(&cinema, show, 1, "k").await;
    let ann = cinema.guest("ann").await;
    let from = async |territory: Option<&str>| {
        let request = cinema.request(http::Method::POST, "/vouchers/redeem", &ann.token);
        let request = request.header("content-type", "application/json");
        let request = request.body(json!({"code": code(&made, 0)}).to_string().into()).unwrap();
        cinema.send_from(request, "203.0.113.7", territory).await.status()
    };
    assert_eq!(from(Some("DE")).await, StatusCode::FORBIDDEN);
    assert_eq!(from(None).await, StatusCode::FORBIDDEN);
    let pending = cinema.buy(show, &ann, "k", "pending").await;
    let waits = redeem(&cinema, &ann, code(&made, 0)).await;
    assert_eq!((waits.status, waits.code()), (StatusCode::CONFLICT, "PURCHASE_PENDING"));
    assert!(waits.body["detail"].as_str().unwrap().contains(pending.body["id"].as_str().unwrap()));
}

#[tokio::test]
async fn a_code_outlives_the_offer_that_was_withdrawn() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    let made = make(&cinema, show, 1, "k").await;
    let ann = cinema.guest("ann").await;
    let path = format!("/operator/offers/{}/withdraw", show.offer);
    assert_eq!(cinema.post(&path, &cinema.operator, json!({})).await.status, StatusCode::OK);
    assert_eq!(cinema.buy(show, &ann, "k", "paid").await.code(), "OFFER_WITHDRAWN");
    assert_eq!(redeem(&cinema, &ann, code(&made, 0)).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn guessing_is_limited_and_audited_without_the_guess() {
    let cinema = Cinema::open().await;
    let ann = cinema.guest("ann").await;
    let guess = "7ZZZZ-ZZZZZ-ZZZZZ-ZZZZ7";
    for attempt in 1..=limits::REDEMPTIONS_PER_VIEWER_PER_MINUTE {
        let unknown = redeem(&cinema, &ann, guess).await;
        assert_eq!((unknown.status, unknown.code()), (StatusCode::NOT_FOUND, "VOUCHER_UNKNOWN"), "{attempt}");
    }
    let limited = redeem(&cinema, &ann, guess).await;
    assert_eq!((limited.status, limited.code()), (StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED"));
    cinema.sim.advance(std::time::Duration::from_secs(60));
    assert_eq!(redeem(&cinema, &ann, "not a code").await.code(), "VOUCHER_UNKNOWN");
    let lines = cinema.api.db.audit_lines(0, 100).await.unwrap();
    assert!(lines.iter().any(|line| line.line.action == "voucher.deny"));
    assert!(!lines.iter().any(|line| line.line.detail.contains("7ZZZZ")));
}
