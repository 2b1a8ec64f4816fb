//! What members get early, for a fee: scenario 13.

use marquee::base::clock::UtcMs;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Backend, Stage, at, code, window};
use crate::film;

const OPENS: &str = "2027-01-01T00:00:00Z";
/// Day 90: all members have it.
const FOR_ALL: &str = "2027-04-01T00:00:00Z";

/// Bought by a member who lapses on day 40 and is back on day 60. It plays while its buyer is a member, until day 90.
pub async fn early_access_lasts_as_long_as_the_membership(backend: Backend) {
    let stage = Stage::open(backend, OPENS).await;
    let title = stage.title("Harbour of Glass", "NL").await;
    let early = json!({"kind": "pvod", "list_price": {"amount": 2999, "currency": "CNY"},
        "clock": {"until_members": {"watch_s": 365 * 24 * 3600}}});
    let sold = stage.sell(title, window("vod", &["CN"], OPENS, Some(FOR_ALL)), early).await;
    stage.avail(title, window("svod", &["CN"], FOR_ALL, None)).await;
    let [buyer, other, guest] =
        [stage.server.viewer("buyer").await, stage.server.viewer("other").await, stage.server.viewer("guest").await];
    let lapse = "2027-02-10T00:00:00Z";
    stage.membership(&buyer, lapse).await;
    stage.membership(&other, "2027-12-31T00:00:00Z").await;

    // It is for members, and they are told what it is.
    assert_eq!(code(&stage.buys(&guest, &sold).await), "MEMBERSHIP_REQUIRED");
    let shown = |viewer: &str| {
        let (stage, viewer) = (&stage, viewer.to_owned());
        async move { stage.server.api(&viewer, &format!("/titles/{title}")).await.json() }
    };
    let page = shown(&guest.token).await;
    assert_eq!(
        (&page["decision"]["code"], &page["decision"]["next"]),
        (&json!("MEMBERSHIP_REQUIRED"), &json!([{"action": "join"}]))
    );
    assert_eq!((&page["offers"][0]["until_members"], &page["offers"][0]["on_sale"]), (&json!(true), &json!(false)));
    let page = shown(&other.token).await;
    assert_eq!((&page["decision"]["code"], &page["offers"][0]["on_sale"]), (&json!("PAYMENT_REQUIRED"), &json!(true)));
    let bought = stage.buys(&buyer, &sold).await.unwrap();

    stage.to("2027-02-09T23:50:00Z");
    let opened = stage.plays(&buyer, title).await.unwrap();
    for (offset_ms, expected) in [(-1, "grant"), (0, "MEMBERSHIP_REQUIRED"), (1, "MEMBERSHIP_REQUIRED")] {
        let instant = UtcMs(at(lapse).0 + offset_ms);
        assert_eq!(stage.explained(&buyer, title, "CN", instant).await, expected, "{offset_ms}");
    }
    stage.to("2027-02-10T00:10:00Z");
    assert_eq!(stage.goes_on(&opened).await, "ok", "a film that was begun may be finished");
    assert_eq!(code(&stage.plays(&buyer, title).await), "MEMBERSHIP_REQUIRED");
    let viewer = stage.server.signed_in_again(&buyer).await;
    assert_eq!(shown(&viewer.token).await["decision"]["next"], json!([{"action": "join"}]));
    let tail = at(opened["ends_at"].as_str().unwrap());
    assert!(tail > at("2027-02-10T00:20:00Z"), "{tail}");
    for (offset_ms, expected) in [(-1, "ok"), (0, "MEMBERSHIP_REQUIRED"), (1, "MEMBERSHIP_REQUIRED")] {
        stage.server.sim.advance_to(UtcMs(tail.0 + offset_ms));
        assert_eq!(stage.goes_on(&opened).await, expected, "{offset_ms}");
    }

    // Day 60: a member again, and it plays as before, until that membership is taken away.
    stage.to("2027-03-02T00:00:00Z");
    let plan = stage.made("/plans", json!({"name": "again", "streams": 2})).await;
    let back = json!({"viewer_id": buyer.id, "plan_id": plan, "ends_at": "2027-12-31T00:00:00Z"});
    let again = stage.made("/memberships", back.clone()).await;
    let opened = stage.plays(&buyer, title).await.unwrap();
    assert_eq!(stage.goes_on(&opened).await, "ok");
    assert_eq!(code(&stage.buys(&buyer, &sold).await), "ALREADY_OWNED");
    assert_eq!(code(&stage.plays(&other, title).await), "PAYMENT_REQUIRED", "a membership alone is not enough yet");
    stage.done(Method::POST, &format!("/memberships/{again}/end"), json!({"reason": "fraud"})).await;
    assert_eq!(stage.goes_on(&opened).await, "MEMBERSHIP_REQUIRED");
    stage.made("/memberships", back).await;

    // Day 90: it is everybody's, under their membership; nothing is paid back.
    for viewer in [&buyer, &other] {
        let before = if viewer.id == buyer.id { "grant" } else { "PAYMENT_REQUIRED" };
        for (offset_ms, expected) in [(-1, before), (0, "membership"), (1, "membership")] {
            let instant = UtcMs(at(FOR_ALL).0 + offset_ms);
            assert_eq!(stage.explained(viewer, title, "CN", instant).await, expected, "{offset_ms}");
        }
    }
    stage.to(FOR_ALL);
    let opened = stage.plays(&buyer, title).await.unwrap();
    assert_eq!(stage.goes_on(&opened).await, "ok");
    assert_eq!(code(&stage.buys(&other, &sold).await), "WINDOW_CLOSED");
    let sale: Value =
        stage.done(Method::GET, &format!("/purchases/{}", bought["id"].as_str().unwrap()), json!({})).await;
    assert_eq!(sale["purchase"]["status"].as_str().or(sale["status"].as_str()), Some("paid"), "{sale}");
    stage.end().await;
}

/// A payment that takes until members have the title buys nothing: the money goes back.
pub async fn early_access_that_is_paid_too_late_is_given_back(backend: Backend) {
    let stage = Stage::open(backend, "2027-03-31T23:55:00Z").await;
    let title = stage.title("Harbour of Glass", "NL").await;
    let early = json!({"kind": "pvod", "list_price": {"amount": 2999, "currency": "CNY"},
        "clock": {"until_members": {"watch_s": 365 * 24 * 3600}}});
    let sold = stage.sell(title, window("vod", &["CN"], OPENS, Some("2027-12-31T00:00:00Z")), early).await;
    stage.avail(title, window("svod", &["CN"], FOR_ALL, None)).await;
    let buyer = stage.server.viewer("buyer").await;
    stage.membership(&buyer, "2027-12-31T00:00:00Z").await;
    let viewer = stage.server.signed_in_again(&buyer).await;
    let order = json!({"offer_id": sold.offer, "payment": {"method": "sandbox", "outcome": "pending"},
        "accepted_members_from_at": FOR_ALL});
    let answer = stage.from("CN", &viewer.token, "/purchases", &order).await;
    assert_eq!(answer.json()["status"], "pending", "{}", answer.text());
    stage.to(FOR_ALL);
    stage.server.app.checkout.sweep().await.unwrap();
    let path = format!("/operator/purchases/{}", answer.json()["id"].as_str().unwrap());
    let sale = stage.server.api(&stage.server.operator, &path).await.json();
    assert_eq!((&sale["status"], &sale["grants"]), (&json!("expired"), &json!([])), "{sale}");
    assert_eq!(sale["closed_because"], "members_have_it");
    let kinds: Vec<&str> = sale["events"].as_array().unwrap().iter().map(|it| it["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"late_payment_returned"), "{kinds:?}");
    stage.end().await;
}

/// A membership lapses while its member watches: the film may be seen to its end and half an hour more, and no other begins.
pub async fn a_film_that_was_begun_is_finished_after_the_membership(backend: Backend) {
    let stage = Stage::open(backend, OPENS).await;
    let title = stage.title("Harbour of Glass", "NL").await;
    stage.avail(title, window("svod", &["CN"], OPENS, None)).await;
    let member = stage.server.viewer("member").await;
    let lapse = "2027-02-10T00:00:00Z";
    stage.membership(&member, lapse).await;

    stage.server.advance_to(at(lapse), -1000);
    let watching = stage.plays(&member, title).await.unwrap();
    let finished = UtcMs(stage.server.now().0 + (i64::from(film::DURATION_S) + 30 * 60) * 1000);
    assert_eq!((&watching["via"], &watching["ends_at"]), (&json!("membership"), &json!(finished)));
    for (offset_ms, expected) in [(-1, "ok"), (0, "MEMBERSHIP_REQUIRED"), (1, "MEMBERSHIP_REQUIRED")] {
        stage.server.advance_to(at(lapse), offset_ms);
        assert_eq!(code(&stage.opens_in("CN", &member, title).await), expected, "{offset_ms}");
        assert_eq!(stage.goes_on(&watching).await, "ok", "{offset_ms}");
    }
    for (offset_ms, expected) in [(-1, "ok"), (0, "MEMBERSHIP_REQUIRED"), (1, "MEMBERSHIP_REQUIRED")] {
        stage.server.sim.advance_to(UtcMs(finished.0 + offset_ms));
        assert_eq!(stage.goes_on(&watching).await, expected, "{offset_ms}");
    }
    stage.end().await;
}
