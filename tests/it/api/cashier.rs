//! Payments that somebody makes elsewhere: at the sandbox's cashier.

use http::StatusCode;
use marquee::base::clock::UtcMs;
use marquee::base::limits::PAYMENT_PENDING_MAX;
use serde_json::{Value, json};

use super::cinema::{Answer, Cinema, Guest};

async fn status(cinema: &Cinema, guest: &Guest, id: &Value) -> Value {
    cinema.get(&format!("/purchases/{}", id.as_str().unwrap()), &guest.token).await.body
}

/// The payment's id, out of the address of the cashier.
fn payment(bought: &Answer) -> &str {
    bought.body["payment"]["url"].as_str().unwrap().strip_prefix("/cashier/").unwrap()
}

#[tokio::test]
async fn a_code_is_scanned_and_paid_by_a_telephone_that_nobody_knows() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    let ann = cinema.guest("ann").await;
    let pending = cinema.buy(show, &ann, "k1", "qr_code").await;
    assert_eq!((pending.status, pending.body["status"].as_str()), (StatusCode::CREATED, Some("pending")));
    assert_eq!(pending.body["payment"]["type"], "qr_code");
    assert_eq!(pending.body["payment"]["expires_at"], "2027-01-15T12:15:00.000Z");
    let id = &pending.body["id"];
    assert_eq!(status(&cinema, &ann, id).await["payment"], pending.body["payment"], "it is there after a reload");
    assert_eq!(cinema.buy(show, &ann, "k1", "qr_code").await.body, pending.body, "and to the same order again");

    let path = format!("/sandbox/payments/{}", payment(&pending));
    let waiting = json!({"payment_id": payment(&pending), "amount": {"amount": 1800, "currency": "CNY"},
        "name": {"en": "A Film"}, "status": "pending"});
    let shown = cinema.get(&path, "").await;
    assert_eq!((shown.status, shown.body), (StatusCode::OK, waiting));
    let refused = cinema.post(&path, "", json!({"act": "steal"})).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::UNPROCESSABLE_ENTITY, "FIELD_INVALID"));
    let paid = cinema.post(&path, "", json!({"act": "pay"})).await;
    assert_eq!((paid.status, &paid.body["status"]), (StatusCode::OK, &json!("paid")), "{}", paid.body);

    let bought = status(&cinema, &ann, id).await;
    assert_eq!((&bought["status"], &bought["payment"]), (&json!("paid"), &json!(null)));
    assert!(bought["grant"]["id"].is_string());
    let late = cinema.post(&path, "", json!({"act": "decline"})).await;
    assert_eq!(late.body["status"], "paid", "the first to press decides");
    assert_eq!(cinema.api.db.entries(0, 10).await.unwrap().len(), 1);
    assert_eq!(cinema.play(show, &ann).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_challenge_that_is_declined_gives_nothing_and_leaves_the_title_for_sale() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    let ann = cinema.guest("ann").await;
    let pending = cinema.buy(show, &ann, "k1", "challenge").await;
    assert_eq!(pending.body["payment"]["type"], "challenge");
    let path = format!("/sandbox/payments/{}", payment(&pending));
    let declined = cinema.post(&path, "", json!({"act": "decline"})).await;
    assert_eq!(declined.body["status"], "declined");
    assert_eq!(status(&cinema, &ann, &pending.body["id"]).await["status"], "declined");
    let repeated = cinema.buy(show, &ann, "k1", "challenge").await;
    assert_eq!((repeated.status, repeated.code()), (StatusCode::PAYMENT_REQUIRED, "PAYMENT_DECLINED"));
    assert!(cinema.api.db.entries(0, 10).await.unwrap().is_empty());
    assert_eq!(cinema.buy(show, &ann, "k2", "paid").await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn only_what_waits_at_the_cashier_is_at_the_cashier() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    let ann = cinema.guest("ann").await;
    let paid = cinema.buy(show, &ann, "k1", "paid").await;
    let id = paid.body["id"].as_str().unwrap().parse().unwrap();
    let payment = cinema.api.db.purchase(id).await.unwrap().unwrap().payment_id;
    for path in [
        format!("/sandbox/payments/{payment}"),
        "/sandbox/payments/pay_00000000000000000000000000".into(),
        "/sandbox/payments/nonsense".into(),
    ] {
        assert_eq!(cinema.get(&path, "").await.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(cinema.post(&path, "", json!({"act": "pay"})).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn who_pays_after_the_purchase_has_expired_is_given_the_money_back() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    let ann = cinema.guest("ann").await;
    let pending = cinema.buy(show, &ann, "k1", "qr_code").await;
    let path = format!("/sandbox/payments/{}", payment(&pending));
    let expires_at = cinema.now() + PAYMENT_PENDING_MAX;
    for (ms, expected) in [(-1, "pending"), (0, "expired"), (1, "expired")] {
        cinema.sim.advance_to(UtcMs(expires_at.0 + ms));
        assert_eq!(cinema.get(&path, "").await.body["status"], expected, "{ms}");
    }
    cinema.api.checkout.sweep().await.unwrap();
    assert_eq!(status(&cinema, &ann, &pending.body["id"]).await["status"], "expired");
    for _ in 0..2 {
        let late = cinema.post(&path, "", json!({"act": "pay"})).await;
        assert_eq!((late.status, &late.body["status"]), (StatusCode::OK, &json!("expired")));
    }
    let lines = cinema.api.db.audit_lines(0, 100).await.unwrap();
    let returned: Vec<_> = lines.iter().filter(|line| line.line.action == "payment.late_refund").collect();
    assert_eq!(returned.len(), 1);
    assert_eq!(json!(returned[0].line.subject), pending.body["id"]);
    assert!(cinema.api.db.grants(ann.id, None).await.unwrap().is_empty());
    assert!(cinema.api.db.entries(0, 10).await.unwrap().is_empty());
    let detail = format!("/operator/purchases/{}", pending.body["id"].as_str().unwrap());
    let detail = cinema.get(&detail, &cinema.operator).await.body;
    let kinds: Vec<_> = detail["events"].as_array().unwrap().iter().map(|event| event["kind"].clone()).collect();
    assert_eq!(kinds, ["begun", "callback", "expired", "late_payment_returned"].map(Value::from));
    assert_eq!(detail["events"][1]["detail"]["times"], 2);
    assert_eq!(cinema.buy(show, &ann, "k2", "paid").await.status, StatusCode::CREATED, "it can be bought again");
}

#[tokio::test]
async fn two_presses_at_once_are_one_decision() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    let ann = cinema.guest("ann").await;
    let pending = cinema.buy(show, &ann, "k1", "qr_code").await;
    let path = format!("/sandbox/payments/{}", payment(&pending));
    let (pay, decline) =
        tokio::join!(cinema.post(&path, "", json!({"act": "pay"})), cinema.post(&path, "", json!({"act": "decline"})));
    assert_eq!(pay.body["status"], decline.body["status"]);
    let decided = status(&cinema, &ann, &pending.body["id"]).await["status"].clone();
    assert_eq!(decided, pay.body["status"]);
    let grants = cinema.api.db.grants(ann.id, None).await.unwrap().len();
    assert_eq!(grants, usize::from(decided == "paid"));
}
