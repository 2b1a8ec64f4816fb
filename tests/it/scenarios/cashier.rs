//! What is bought besides the rental of one title: films for good, time as a member, coins, bundles; and coupons.

use std::collections::BTreeSet;

use marquee::base::clock::UtcMs;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Backend, Stage, at, code, rental, window};
use crate::server::{Answer, TestViewer};

const OPENS: &str = "2027-03-01T00:00:00+08:00";
const CLOSES: &str = "2027-06-01T00:00:00+08:00";

fn for_good(amount: i64) -> Value {
    json!({"kind": "buy", "list_price": {"amount": amount, "currency": "CNY"}, "clock": {"forever": {}}})
}

fn cny(amount: i64) -> Value {
    json!({"amount": amount, "currency": "CNY"})
}

impl Stage {
    async fn product(&self, name: &str, gives: Value, amount: i64) -> String {
        self.made("/products", json!({"name": {"en": name}, "gives": gives, "price": cny(amount)})).await
    }

    async fn orders(&self, viewer: &TestViewer, mut what: Value) -> Answer {
        let viewer = self.server.signed_in_again(viewer).await;
        what["payment"] = json!({"method": "sandbox", "outcome": "paid"});
        self.from("CN", &viewer.token, "/purchases", &what).await
    }

    async fn refunds(&self, purchase: &Value) -> Answer {
        let path = format!("/operator/purchases/{}/refunds", purchase["id"].as_str().unwrap());
        self.from("CN", &self.server.operator, &path, &json!({"reason": "Asked for"})).await
    }

    /// Until when a viewer is a member.
    async fn is_member_until(&self, viewer: &TestViewer) -> Value {
        let viewer = self.server.signed_in_again(viewer).await;
        self.server.api(&viewer.token, "/me/membership").await.json()["ends_at"].clone()
    }
}

/// Sold from the opening to the close of its window, and watched for ever after. A rental does not stand in its way; it
/// stands in the way of a rental.
pub async fn what_is_bought_for_good_plays_on(backend: Backend) {
    let stage = Stage::open(backend, "2027-02-28T00:00:00+08:00").await;
    let title = stage.title("雾港孤刀", "NL").await;
    let est = stage.avail(title, window("est", &["CN"], OPENS, Some(CLOSES))).await;
    // Nothing is rented under it, and nothing is sold for good under another.
    let refused = stage.operate(Method::POST, &format!("/avails/{est}/offers"), &rental(1200)).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::UNPROCESSABLE_ENTITY, "OFFER_INVALID".into()));
    let mut odd = for_good(4800);
    odd["clock"] = json!({"on_purchase": {"watch_s": 60}});
    assert_eq!(stage.operate(Method::POST, &format!("/avails/{est}/offers"), &odd).await.code(), "OFFER_INVALID");
    let offer = stage.made(&format!("/avails/{est}/offers"), for_good(4800)).await;
    let rented = stage.sell(title, window("vod", &["CN"], OPENS, Some(CLOSES)), rental(1200)).await;
    let avail = stage.avail(title, window("vod", &["US"], OPENS, None)).await;
    let refused = stage.operate(Method::POST, &format!("/avails/{avail}/offers"), &for_good(1)).await;
    assert_eq!(refused.code(), "OFFER_INVALID");

    let sold = super::Sold { title, offer };
    let [buyer, renter, late] =
        [stage.server.viewer("buyer").await, stage.server.viewer("renter").await, stage.server.viewer("late").await];
    for (offset_ms, expected) in [(-1, "WINDOW_NOT_OPEN"), (0, "ok"), (1, "ALREADY_OWNED")] {
        stage.server.sim.advance_to(UtcMs(at(OPENS).0 + offset_ms));
        assert_eq!(code(&stage.buys(&buyer, &sold).await), expected, "{offset_ms}");
    }
    assert_eq!(code(&stage.buys(&buyer, &rented).await), "ALREADY_OWNED");
    stage.buys(&renter, &rented).await.unwrap();
    let bought = stage.buys(&renter, &sold).await.unwrap();
    assert_eq!((&bought["offer_kind"], &bought["grant"]["expires_at"]), (&json!("buy"), &Value::Null));
    let opened = stage.plays(&renter, title).await.unwrap();
    assert_eq!((&opened["via"], &opened["starts_clock"]), (&json!("grant"), &json!(false)), "no rental clock starts");
    let page = stage.server.api(&late.token, &format!("/titles/{title}")).await.json();
    let kinds: Vec<&str> = page["offers"].as_array().unwrap().iter().map(|it| it["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"buy") && kinds.contains(&"rental"), "{kinds:?}");

    for (offset_ms, expected) in [(-1, "PAYMENT_REQUIRED"), (0, "WINDOW_CLOSED"), (1, "WINDOW_CLOSED")] {
        stage.server.sim.advance_to(UtcMs(at(CLOSES).0 + offset_ms));
        assert_eq!(code(&stage.plays(&late, title).await), expected, "{offset_ms}");
        let instant = UtcMs(at(CLOSES).0 + offset_ms);
        assert_eq!(stage.explained(&buyer, title, "CN", instant).await, "grant", "{offset_ms}");
    }
    assert_eq!(code(&stage.buys(&late, &sold).await), "WINDOW_CLOSED");
    stage.to("2036-06-01T00:00:00+08:00");
    assert_eq!(code(&stage.plays(&buyer, title).await), "ok", "for good");
    stage.end().await;
}

/// A week as a member is followed by the next one; coins are spent as such that an operator gave. What was not used goes back
/// with the money.
pub async fn members_and_coins_are_bought_at_the_cashier(backend: Backend) {
    let stage = Stage::open(backend, OPENS).await;
    let title = stage.title("替身新娘", "NL").await;
    stage.avail(title, window("svod", &["CN"], OPENS, None)).await;
    let plan = stage.made("/plans", json!({"name": "Weekly", "streams": 2})).await;
    let week = stage.product("A week", json!({"kind": "membership", "plan_id": plan, "days": 7}), 1999).await;
    let coins = stage.product("500 coins", json!({"kind": "coins", "coins": 500, "bonus": 60}), 499).await;
    let viewer = stage.server.viewer("ada").await;

    let listed = stage.server.api(&viewer.token, "/products").await.json();
    let kinds: BTreeSet<&str> =
        listed["data"].as_array().unwrap().iter().map(|it| it["gives"]["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, BTreeSet::from(["coins", "membership"]));
    assert_eq!(code(&stage.plays(&viewer, title).await), "MEMBERSHIP_REQUIRED");
    let first = stage.orders(&viewer, json!({"product_id": week})).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text());
    let first = first.json();
    let ends_at = "2027-03-07T16:00:00.000Z";
    assert_eq!((&first["product"]["kind"], &first["price"]), (&json!("membership"), &cny(1999)));
    assert_eq!((&first["title_id"], &first["membership"]["ends_at"]), (&Value::Null, &json!(ends_at)));
    assert_eq!(stage.plays(&viewer, title).await.unwrap()["via"], "membership");
    let second = stage.orders(&viewer, json!({"product_id": week})).await.json();
    assert_eq!(second["membership"]["starts_at"], ends_at, "it follows the first");
    let over = "2027-03-14T16:00:00.000Z";
    assert_eq!(stage.is_member_until(&viewer).await, json!(over));
    for (offset_ms, expected) in [(-1, "ok"), (0, "MEMBERSHIP_REQUIRED"), (1, "MEMBERSHIP_REQUIRED")] {
        stage.server.sim.advance_to(UtcMs(at(over).0 + offset_ms));
        assert_eq!(code(&stage.plays(&viewer, title).await), expected, "{offset_ms}");
    }

    // 540 of 560 coins are spent, those that were given first; nothing of it can be given back then.
    let bought = stage.orders(&viewer, json!({"product_id": coins})).await.json();
    assert_eq!(bought["coins"], 560);
    let unspent = stage.orders(&viewer, json!({"product_id": coins})).await.json();
    let series = stage.series(OPENS).await;
    for part in 11..=19 {
        let body = json!({"title_id": series, "part": part, "coins": 60});
        let viewer = stage.server.signed_in_again(&viewer).await;
        assert_eq!(stage.from("CN", &viewer.token, "/unlocks", &body).await.status, StatusCode::CREATED);
    }
    let wallet = stage.server.api(&stage.server.signed_in_again(&viewer).await.token, "/me/wallet").await.json();
    assert_eq!(wallet["coins"], 580);
    let refused = stage.refunds(&bought).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "COINS_SPENT".into()));
    let refused = stage.refunds(&unspent).await;
    assert_eq!(refused.code(), "COINS_SPENT", "what was given with it was spent first");

    // A week that is given back ends at once.
    let third = stage.orders(&viewer, json!({"product_id": week})).await.json();
    assert_eq!(code(&stage.plays(&viewer, title).await), "ok");
    assert_eq!(stage.refunds(&third).await.status, StatusCode::CREATED);
    assert_eq!(code(&stage.plays(&viewer, title).await), "MEMBERSHIP_REQUIRED");

    // What is withdrawn is not sold, and an order names one thing.
    stage.done(Method::POST, &format!("/products/{week}/withdraw"), json!({})).await;
    for (what, status, expected) in [
        (json!({"product_id": week}), StatusCode::CONFLICT, "PRODUCT_WITHDRAWN"),
        (json!({}), StatusCode::UNPROCESSABLE_ENTITY, "ORDER_INVALID"),
        (json!({"product_id": "prd_00000000000000000000000001"}), StatusCode::NOT_FOUND, "PRODUCT_NOT_FOUND"),
    ] {
        let refused = stage.orders(&viewer, what.clone()).await;
        assert_eq!((refused.status, refused.code()), (status, expected.into()), "{what}");
    }
    // The console sees what was sold, and the books add up.
    let path = format!("/operator/purchases/{}", third["id"].as_str().unwrap());
    let sale = stage.server.api(&stage.server.operator, &path).await.json();
    assert_eq!((&sale["name"]["en"], &sale["status"]), (&json!("A week"), &json!("refunded")));
    assert_eq!(sale["entries"][0]["postings"][1]["account"], json!(format!("memberships:{plan}")));
    let report = marquee::store::check::check(&*stage.server.app.db).await.unwrap();
    assert_eq!(report.findings, []);
    stage.end().await;
}

/// Two films for less than both: each gets its part of the price, and all of it goes back together.
pub async fn a_bundle_is_bought_whole(backend: Backend) {
    let stage = Stage::open(backend, OPENS).await;
    let (one, two) = (stage.title("One", "NL").await, stage.title("Two", "NL").await);
    let first = stage.sell(one, window("vod", &["CN"], OPENS, Some(CLOSES)), rental(1800)).await;
    let second =
        stage.sell(two, window("est", &["CN"], OPENS, Some("2027-04-01T00:00:00+08:00")), for_good(1200)).await;
    for (offers, expected) in [
        (json!([first.offer]), "PRODUCT_INVALID"),
        (json!([first.offer, first.offer]), "PRODUCT_INVALID"),
        (json!([first.offer, "off_00000000000000000000000001"]), "OFFER_NOT_FOUND"),
    ] {
        let body =
            json!({"name": {"en": "Both"}, "gives": {"kind": "bundle", "offer_ids": offers}, "price": cny(2000)});
        assert_eq!(stage.operate(Method::POST, "/products", &body).await.code(), expected);
    }
    let gives = json!({"kind": "bundle", "offer_ids": [first.offer, second.offer]});
    let both = stage.product("Both", gives, 2000).await;
    let [viewer, owner, late] =
        [stage.server.viewer("ada").await, stage.server.viewer("owner").await, stage.server.viewer("late").await];

    let bought = stage.orders(&viewer, json!({"product_id": both})).await;
    assert_eq!(bought.status, StatusCode::CREATED, "{}", bought.text());
    let bought = bought.json();
    assert_eq!(bought["grants"].as_array().unwrap().len(), 2);
    assert_eq!([code(&stage.plays(&viewer, one).await), code(&stage.plays(&viewer, two).await)], ["ok", "ok"]);
    let path = format!("/operator/purchases/{}", bought["id"].as_str().unwrap());
    let sale = stage.server.api(&stage.server.operator, &path).await.json();
    let postings = sale["entries"][0]["postings"].as_array().unwrap();
    let amounts: Vec<i64> = postings.iter().map(|posting| posting["amount"].as_i64().unwrap()).collect();
    assert_eq!(amounts, [2000, -1200, -800], "by what they cost alone");
    let of_two = stage.server.api(&stage.server.operator, &format!("/operator/purchases?title_id={two}")).await.json();
    assert_eq!(of_two["data"][0]["id"], bought["id"]);

    stage.buys(&owner, &first).await.unwrap();
    assert_eq!(stage.orders(&owner, json!({"product_id": both})).await.code(), "BUNDLE_OWNED_IN_PART");
    assert_eq!(code(&stage.buys(&viewer, &second).await), "ALREADY_OWNED");
    assert_eq!(stage.refunds(&bought).await.status, StatusCode::CREATED);
    assert_eq!(code(&stage.plays(&viewer, one).await), "PAYMENT_REQUIRED");
    assert_eq!(code(&stage.plays(&viewer, two).await), "PAYMENT_REQUIRED");
    // It is sold while all of it is.
    for (offset_ms, expected) in [(-1, "201"), (0, "BUNDLE_INCOMPLETE"), (1, "BUNDLE_INCOMPLETE")] {
        stage.server.sim.advance_to(UtcMs(at("2027-04-01T00:00:00+08:00").0 + offset_ms));
        let viewer = if offset_ms < 0 { &viewer } else { &late };
        let answer = stage.orders(viewer, json!({"product_id": both})).await;
        let said = if answer.status == StatusCode::CREATED { "201".to_owned() } else { answer.code() };
        assert_eq!(said, expected, "{offset_ms}");
    }
    stage.end().await;
}

pub async fn a_coupon_makes_it_cheaper(backend: Backend) {
    let stage = Stage::open(backend, OPENS).await;
    let title = stage.title("One", "NL").await;
    let sold = stage.sell(title, window("vod", &["CN"], OPENS, None), rental(1800)).await;
    let starts_at = "2027-03-02T00:00:00+08:00";
    let ends_at = "2027-03-09T00:00:00+08:00";
    let coupon = json!({"code": "spring-27", "off": {"percent": 33}, "title_ids": [title], "starts_at": starts_at,
        "ends_at": ends_at, "uses_max": 2, "note": "Spring"});
    let made = stage.done(Method::POST, "/coupons", coupon.clone()).await;
    assert_eq!((&made["code"], &made["uses"]), (&json!("SPRING-27"), &json!(0)));
    assert_eq!(made["funded_by"], json!("platform"), "unless it is said");
    assert_eq!(stage.operate(Method::POST, "/coupons", &coupon).await.code(), "COUPON_CODE_TAKEN");
    let [ada, bob, cid] =
        [stage.server.viewer("ada").await, stage.server.viewer("bob").await, stage.server.viewer("cid").await];
    let quote = |viewer: &TestViewer, code: &str| {
        let (stage, viewer, code) = (&stage, viewer.clone(), code.to_owned());
        let body = json!({"offer_id": sold.offer, "coupon": code});
        async move {
            let viewer = stage.server.signed_in_again(&viewer).await;
            let answer = stage.from("CN", &viewer.token, "/quotes", &body).await;
            if answer.status == StatusCode::OK { answer.json()["price"]["amount"].to_string() } else { answer.code() }
        }
    };
    for (instant, expected) in
        [(starts_at, ["COUPON_UNKNOWN", "1206", "1206"]), (ends_at, ["1206", "COUPON_EXPIRED", "COUPON_EXPIRED"])]
    {
        if instant == ends_at {
            // Used by two, and given back by one of them.
            let bought = stage.orders(&ada, json!({"offer_id": sold.offer, "coupon": " Spring-27 "})).await.json();
            assert_eq!((&bought["price"], &bought["discount"]), (&cny(1206), &cny(594)));
            assert_eq!(bought["list_price"], cny(1800));
            assert_eq!(bought["discount_funded_by"], Value::Null, "the buyer is not told");
            assert_eq!(funded(&stage, &bought).await, json!("platform"));
            let again = stage.orders(&bob, json!({"offer_id": sold.offer, "coupon": "SPRING-27"})).await;
            assert_eq!(again.status, StatusCode::CREATED);
            assert_eq!(quote(&cid, "SPRING-27").await, "COUPON_EXHAUSTED");
            assert_eq!(stage.refunds(&bought).await.status, StatusCode::CREATED);
            assert_eq!(quote(&ada, "SPRING-27").await, "1206", "it came back");
        }
        for (offset_ms, expected) in [-1, 0, 1].into_iter().zip(expected) {
            stage.server.sim.advance_to(UtcMs(at(instant).0 + offset_ms));
            assert_eq!(quote(&cid, "spring-27").await, expected, "{offset_ms}");
        }
    }
    assert_eq!(quote(&cid, "nonsense").await, "COUPON_UNKNOWN");
    let mut free =
        json!({"code": "ONTHEHOUSE", "off": {"percent": 100}, "ends_at": CLOSES, "funded_by": "distributor"});
    let nobody = stage.operate(Method::POST, "/coupons", &free).await;
    assert_eq!((nobody.status.as_u16(), nobody.code()), (422, "FIELD_INVALID".into()), "{}", nobody.text());
    free["funded_by"] = json!("producer");
    let free = stage.made("/coupons", free).await;
    let given = stage.orders(&cid, json!({"offer_id": sold.offer, "coupon": "onthehouse"})).await.json();
    assert_eq!((&given["price"], &given["status"]), (&cny(0), &json!("paid")));
    assert_eq!(funded(&stage, &given).await, json!("producer"));
    let log = stage.server.api(&stage.server.operator, "/operator/audit?action=coupon.create").await.json();
    assert_eq!(log["data"][0]["detail"]["coupon"]["funded_by"], json!("producer"));
    stage.done(Method::POST, &format!("/coupons/{free}/void"), json!({})).await;
    assert_eq!(quote(&ada, "ONTHEHOUSE").await, "COUPON_UNKNOWN");
    let listed = stage.server.api(&stage.server.operator, "/operator/coupons").await.json();
    let uses: Vec<u64> = listed["data"].as_array().unwrap().iter().map(|it| it["uses"].as_u64().unwrap()).collect();
    assert_eq!(uses, [1, 1]);
    assert_eq!([0, 1].map(|n| &listed["data"][n]["funded_by"]), [&json!("producer"), &json!("platform")]);
    stage.end().await;
}

/// Who pays for the discount of a purchase, as an operator sees it.
async fn funded(stage: &Stage, bought: &Value) -> Value {
    let path = format!("/operator/purchases/{}", bought["id"].as_str().unwrap());
    stage.server.api(&stage.server.operator, &path).await.json()["discount_funded_by"].clone()
}
