//! Orders and what becomes of them.

use std::time::Duration;

use http::{Method, StatusCode};
use marquee::base::id::PurchaseId;
use marquee::rights::avail::LicenseType;
use marquee::rights::grant::GrantClock;
use serde_json::json;

use super::cinema::{Cinema, HOUR, order};

const MS: Duration = Duration::from_millis(1);

#[tokio::test]
async fn a_paid_order_is_a_purchase_a_grant_and_an_entry() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    let ann = cinema.guest("ann").await;
    let bought = cinema.buy(show, &ann, "k1", "paid").await;
    assert_eq!(bought.status, StatusCode::CREATED, "{}", bought.body);
    assert_eq!(bought.body["status"], "paid");
    assert_eq!(bought.body["price"], json!({"amount": 1800, "currency": "CNY"}));
    assert_eq!(bought.body["livemode"], false);
    assert_eq!(bought.body["paid_at"], "2027-01-15T12:00:00.000Z");
    assert_eq!(bought.body["grant"]["expires_at"], "2027-01-17T12:00:00.000Z");
    assert_eq!(cinema.api.db.entries(0, 10).await.unwrap().len(), 1);

    let shown = cinema.get(&format!("/purchases/{}", bought.body["id"].as_str().unwrap()), &ann.token).await;
    assert_eq!(shown.body, bought.body);
    let grants = cinema.get("/grants", &ann.token).await;
    assert_eq!(grants.body["data"][0]["id"], bought.body["grant"]["id"]);
    let title = cinema.get(&format!("/titles/{}", show.title), &ann.token).await;
    assert_eq!(title.body["state"], "acquired");
    assert_eq!(title.body["decision"]["via"], "grant");

    let again = cinema.buy(show, &ann, "k2", "paid").await;
    assert_eq!((again.status, again.code()), (StatusCode::CONFLICT, "ALREADY_OWNED"));
}

#[tokio::test]
async fn a_declined_order_is_402_each_time_and_gives_nothing() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    let ann = cinema.guest("ann").await;
    let declined = cinema.buy(show, &ann, "k1", "declined").await;
    assert_eq!((declined.status, declined.code()), (StatusCode::PAYMENT_REQUIRED, "PAYMENT_DECLINED"));
    let repeated = cinema.buy(show, &ann, "k1", "declined").await;
    assert_eq!(repeated.status, StatusCode::PAYMENT_REQUIRED);
    assert_eq!(repeated.body["purchase_id"], declined.body["purchase_id"]);
    assert!(cinema.api.db.grants(ann.id, None).await.unwrap().is_empty());
    assert!(cinema.api.db.entries(0, 10).await.unwrap().is_empty());
    assert_eq!(cinema.buy(show, &ann, "k2", "paid").await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_pending_order_is_paid_by_the_sweep() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    let ann = cinema.guest("ann").await;
    let pending = cinema.buy(show, &ann, "k1", "pending").await;
    assert_eq!((pending.status, pending.body["status"].as_str()), (StatusCode::CREATED, Some("pending")));
    assert_eq!(pending.body["paid_at"], json!(null));
    let other = cinema.buy(show, &ann, "k2", "paid").await;
    assert_eq!((other.status, other.code()), (StatusCode::CONFLICT, "PURCHASE_PENDING"));
    cinema.sim.advance(Duration::from_millis(2_999));
    cinema.api.checkout.sweep().await.unwrap();
    assert!(cinema.api.db.grants(ann.id, None).await.unwrap().is_empty());
    // The sweep leaves the provider time for its callback.
    cinema.sim.advance(Duration::from_secs(60));
    cinema.api.checkout.sweep().await.unwrap();
    let shown = cinema.get(&format!("/purchases/{}", pending.body["id"].as_str().unwrap()), &ann.token).await;
    assert_eq!(shown.body["status"], "paid");
    assert_eq!(cinema.buy(show, &ann, "k1", "pending").await.body["status"], "paid");
}

#[tokio::test]
async fn a_callback_twice_is_one_grant_and_one_entry() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    let ann = cinema.guest("ann").await;
    let pending = cinema.buy(show, &ann, "k1", "callback_twice").await;
    let id: PurchaseId = pending.body["id"].as_str().unwrap().parse().unwrap();
    let payment = cinema.api.db.purchase(id).await.unwrap().unwrap().payment_id;
    cinema.sim.advance(Duration::from_secs(3));
    let (signature, body) = cinema.sandbox.callback(payment).unwrap();
    for _ in 0..2 {
        let request = cinema.request(Method::POST, "/payments/sandbox/callback", "");
        let request = request.header("sandbox-signature", &signature).body(body.clone().into()).unwrap();
        assert_eq!(cinema.send(request).await.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(cinema.api.db.grants(ann.id, None).await.unwrap().len(), 1);
    assert_eq!(cinema.api.db.entries(0, 10).await.unwrap().len(), 1);

    let forged = cinema.request(Method::POST, "/payments/sandbox/callback", "");
    let forged = cinema.send(forged.header("sandbox-signature", "t=1,v1=00").body(body.into()).unwrap()).await;
    assert_eq!((forged.status, forged.code()), (StatusCode::UNAUTHORIZED, "CALLBACK_SIGNATURE_INVALID"));
    let unknown = cinema.post("/payments/nobody/callback", "", json!({})).await;
    assert_eq!((unknown.status, unknown.code()), (StatusCode::NOT_FOUND, "PAYMENT_PROVIDER_UNKNOWN"));
}

#[tokio::test]
async fn one_key_is_one_order() {
    let cinema = Cinema::open().await;
    let (show, other) = (cinema.premiere().await, cinema.premiere().await);
    let (ann, ben) = (cinema.guest("ann").await, cinema.guest("ben").await);
    let missing = cinema.post("/purchases", &ann.token, order(show, "paid")).await;
    assert_eq!((missing.status, missing.code()), (StatusCode::BAD_REQUEST, "IDEMPOTENCY_KEY_REQUIRED"));

    let first = cinema.buy(show, &ann, "k1", "paid").await;
    let second = cinema.buy(show, &ann, "k1", "paid").await;
    assert_eq!((second.status, &second.body), (StatusCode::CREATED, &first.body));
    let reused = cinema.buy(other, &ann, "k1", "paid").await;
    assert_eq!((reused.status, reused.code()), (StatusCode::UNPROCESSABLE_ENTITY, "IDEMPOTENCY_KEY_REUSED"));
    assert_eq!(cinema.buy(show, &ben, "k1", "paid").await.status, StatusCode::CREATED, "a key is its caller's");

    let (left, right) = tokio::join!(cinema.buy(other, &ann, "k2", "paid"), cinema.buy(other, &ann, "k2", "paid"));
    assert_eq!((left.status, right.status), (StatusCode::CREATED, StatusCode::CREATED));
    assert_eq!(left.body["id"], right.body["id"]);
    assert_eq!(cinema.api.db.entries(0, 10).await.unwrap().len(), 3);
}

#[tokio::test]
async fn two_keys_at_once_buy_once() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    let ann = cinema.guest("ann").await;
    let (left, right) = tokio::join!(cinema.buy(show, &ann, "k1", "paid"), cinema.buy(show, &ann, "k2", "paid"));
    let (bought, refused) = if left.status == StatusCode::CREATED { (left, right) } else { (right, left) };
    assert_eq!(bought.status, StatusCode::CREATED);
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(["ALREADY_OWNED", "PURCHASE_PENDING"].contains(&refused.code()), "{}", refused.code());
    assert_eq!(cinema.api.db.entries(0, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_window_opens_and_closes_on_the_millisecond() {
    let cinema = Cinema::open().await;
    let (opens, closes) = (cinema.now() + HOUR, cinema.now() + HOUR * 2);
    let clock = GrantClock::OnPurchase { watch_ms: 48 * 3_600_000 };
    let show = cinema.show(LicenseType::Vod, opens, closes, clock).await;
    for (at, expected) in [
        (opens - MS, "WINDOW_NOT_OPEN"),
        (opens, "paid"),
        (opens + MS, "paid"),
        (closes - MS, "paid"),
        (closes, "WINDOW_CLOSED"),
        (closes + MS, "WINDOW_CLOSED"),
    ] {
        cinema.sim.advance_to(at);
        let guest = cinema.guest(&format!("guest{}", at.0)).await;
        let title = cinema.get(&format!("/titles/{}", show.title), &guest.token).await;
        assert_eq!(title.body["offers"][0]["on_sale"], expected == "paid", "{at}");
        let answer = cinema.buy(show, &guest, "k", "paid").await;
        let said = answer.body["status"].as_str().unwrap_or_else(|| answer.code());
        assert_eq!(said, expected, "{at}");
        if expected == "WINDOW_NOT_OPEN" {
            assert_eq!(answer.body["next"], json!([{"action": "wait", "opens_at": opens}]));
            assert_eq!(title.body["state"], "opens_later");
        }
    }
    assert_eq!(cinema.api.db.entries(0, 10).await.unwrap().len(), 3);
}

#[tokio::test]
async fn an_order_is_refused_where_the_title_is_not_licensed() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    let ann = cinema.guest("ann").await;
    for territory in [Some("DE"), None] {
        let request = cinema.request(Method::POST, "/purchases", &ann.token);
        let request = request.header("idempotency-key", "k").header("content-type", "application/json");
        let request = request.body(order(show, "paid").to_string().into()).unwrap();
        let response = cinema.send_from(request, "198.51.100.1", territory).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
    }
    let lines = cinema.api.db.audit_lines(0, 10).await.unwrap();
    assert_eq!(lines.iter().filter(|line| line.line.action == "purchase.deny").count(), 2);
}

#[tokio::test]
async fn a_refund_is_made_once_and_takes_the_grant() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    let ann = cinema.guest("ann").await;
    let bought = cinema.buy(show, &ann, "k1", "paid").await;
    let path = format!("/operator/purchases/{}/refunds", bought.body["id"].as_str().unwrap());
    let refund = |key| cinema.post_with_key(&path, &cinema.operator, key, json!({"reason": "asked for it"}));
    assert_eq!(refund(None).await.code(), "IDEMPOTENCY_KEY_REQUIRED");
    let refunded = refund(Some("r1")).await;
    assert_eq!(refunded.status, StatusCode::CREATED, "{}", refunded.body);
    assert_eq!(refunded.body["amount"], json!({"amount": 1800, "currency": "CNY"}));
    assert_eq!(refund(Some("r1")).await.body, refunded.body);
    assert_eq!(refund(Some("r2")).await.code(), "ALREADY_REFUNDED");
    assert_eq!(cinema.api.db.entries(0, 10).await.unwrap().len(), 2);
    let denied = cinema.play(show, &ann).await;
    assert_eq!((denied.status, denied.code()), (StatusCode::FORBIDDEN, "PAYMENT_REQUIRED"));
    assert_eq!(denied.body["rule"], "entitlement");
    assert_eq!(denied.body["next"][0]["action"], "buy");
    assert_eq!(cinema.buy(show, &ann, "k2", "paid").await.status, StatusCode::CREATED, "it can be bought again");
}

#[tokio::test]
async fn a_purchase_that_cannot_be_asked_about_keeps_no_other_waiting() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    let (ann, bob, cid) = (cinema.guest("ann").await, cinema.guest("bob").await, cinema.guest("cid").await);
    // The oldest one is damaged: its provider fails whenever it is asked.
    let pending = cinema.buy(show, &ann, "k0", "pending").await;
    let id: PurchaseId = pending.body["id"].as_str().unwrap().parse().unwrap();
    let sound = cinema.api.db.purchase(id).await.unwrap().unwrap();
    cinema.sim.advance(Duration::from_secs(4));
    cinema.api.checkout.sweep().await.unwrap();
    let damaged = marquee::ledger::purchase::Purchase {
        id: PurchaseId::new(cinema.now()),
        viewer_id: bob.id,
        payment_id: marquee::base::id::PaymentId::new(cinema.now()),
        payment_details: "nonsense".into(),
        created_at: cinema.now(),
        ..sound
    };
    let key = marquee::store::db::Idempotency { caller: "bob".into(), key: "k".into(), request_digest: "d".into() };
    cinema.api.db.begin_purchase(&damaged, 0, &key).await.unwrap();
    cinema.sim.advance(MS);
    let waiting = cinema.buy(show, &cid, "k1", "pending").await;
    let status = || async { cinema.api.db.purchase(damaged.id).await.unwrap().unwrap().status.as_str().to_owned() };
    cinema.sim.advance(Duration::from_secs(11));
    cinema.api.checkout.sweep().await.unwrap();
    let shown = cinema.get(&format!("/purchases/{}", waiting.body["id"].as_str().unwrap()), &cid.token).await;
    assert_eq!((shown.body["status"].as_str(), status().await.as_str()), (Some("paid"), "pending"));
}

/// Copies of one request that arrive at every stage of the first one's work.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_sent_many_times_at_once_is_one_purchase_and_one_answer() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    for round in 0..60 {
        let ann = cinema.guest(&format!("ann-{round}")).await;
        let copies = futures_util::future::join_all((0..16).map(|copy| {
            let (cinema, ann) = (&cinema, &ann);
            async move {
                for _ in 0..copy * 8 {
                    tokio::task::yield_now().await;
                }
                cinema.buy(show, ann, "k", "paid").await
            }
        }));
        let answers = copies.await;
        for answer in &answers {
            assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
            assert_eq!(answer.body, answers[0].body);
        }
    }
}
