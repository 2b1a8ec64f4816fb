//! Outages: what they took of a rental is given back, to the minute, and where too little is left, the money.

use marquee::base::clock::UtcMs;
use marquee::store::check;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::partners::Platform;
use super::{Backend, Stage, at, code, pvod, rental, window};
use crate::server::TestViewer;

const OPENS: &str = "2027-01-15T20:00:00+08:00";
const CLOSES: &str = "2027-01-29T20:00:00+08:00";

impl Stage {
    async fn out(&self, party: Option<&str>, from: &str, to: &str) -> Value {
        let body = json!({"party_id": party, "from": from, "to": to, "reason": "a power cut"});
        self.done(Method::POST, "/outages", body).await
    }

    /// When a viewer's only grant ends, and how much of that outages have added.
    async fn grant_of(&self, viewer: &TestViewer) -> (UtcMs, i64) {
        let viewer = self.server.signed_in_again(viewer).await;
        let grants = self.server.api(&viewer.token, "/grants").await.json();
        let grant = &grants["data"][0];
        (at(grant["expires_at"].as_str().unwrap()), grant["extended_seconds"].as_i64().unwrap())
    }
}

pub async fn what_an_outage_took_is_given_back(backend: Backend) {
    let stage = Stage::open(backend, OPENS).await;
    let [title, other] = [stage.title("雾港孤刀", "NL").await, stage.title("山海", "NL").await];
    let sold = stage.sell(title, window("vod", &["CN"], OPENS, Some(CLOSES)), pvod()).await;
    let rented = stage.sell(other, window("vod", &["CN"], OPENS, Some(CLOSES)), rental(600)).await;
    let panda = Platform::open("panda").await;
    let party = stage.party("熊猫影视", "partner", Some(&panda)).await;
    let carriage = json!({"kind": "platform", "license_type": "vod", "price": {"amount": 1800, "currency": "CNY"},
        "streams": 1});
    stage.deal(title, &party, carriage, &["CN"], OPENS, Some(CLOSES)).await;
    let [ada, bob, carl, dan, eve] = [
        stage.server.viewer("ada").await,
        stage.server.viewer("bob").await,
        stage.server.viewer("carl").await,
        stage.server.viewer("dan").await,
        stage.server.viewer("eve").await,
    ];
    // 48 hours from here, and 30 days in which to begin.
    stage.buys(&ada, &sold).await.unwrap();
    stage.buys(&dan, &rented).await.unwrap();

    // What cannot have been is refused, and asking what would come of it changes nothing.
    stage.to("2027-01-16T22:00:00+08:00");
    let (from, to) = ("2027-01-16T20:00:00+08:00", "2027-01-16T21:30:00.001+08:00");
    let good = json!({"party_id": null, "title_ids": null, "from": from, "to": to, "reason": "a power cut"});
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    for (body, code, param) in [
        (with("to", json!("2027-01-16T22:00:00.001+08:00")), "OUTAGE_INVALID", "to"),
        (with("to", json!(from)), "OUTAGE_INVALID", "from"),
        (with("from", json!("2026-12-16T21:30:00+08:00")), "OUTAGE_INVALID", "from"),
        (with("title_ids", json!([])), "OUTAGE_INVALID", "title_ids"),
        (with("party_id", json!("par_00000000000000000000000000")), "PARTY_NOT_FOUND", "party_id"),
        (with("title_ids", json!(["ttl_00000000000000000000000000"])), "TITLE_NOT_FOUND", "title_ids"),
        (with("reason", json!(" ")), "REASON_INVALID", "reason"),
    ] {
        let refused = stage.operate(Method::POST, "/outages", &body).await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::UNPROCESSABLE_ENTITY, code), "{body}");
        assert_eq!(refused.json()["param"], json!(param), "{body}");
    }
    let ninety_one_minutes = 91 * 60;
    let counts = |outage: &Value| {
        ["extended_grants", "extended_seconds", "extended_sessions", "refunds_due"].map(|name| outage[name].as_i64())
    };
    let tried = stage.operate(Method::POST, "/outages?dry_run=true", &good).await;
    assert_eq!((tried.status, &tried.json()["id"]), (StatusCode::OK, &Value::Null));
    assert_eq!(counts(&tried.json()), [2, 2 * ninety_one_minutes, 0, 0].map(Some));
    assert_eq!(stage.grant_of(&ada).await, (at("2027-01-17T20:00:00+08:00"), 0));

    let done = stage.done(Method::POST, "/outages", good.clone()).await;
    assert_eq!(counts(&done), counts(&tried.json()));
    let again = stage.done(Method::POST, "/outages", with("title_ids", json!([title]))).await;
    assert_eq!(counts(&again), [0; 4].map(Some), "no minute twice");
    let ends_at = at("2027-01-17T21:31:00+08:00");
    assert_eq!(stage.grant_of(&ada).await, (ends_at, ninety_one_minutes));
    assert_eq!(stage.grant_of(&dan).await, (at("2027-02-14T21:31:00+08:00"), ninety_one_minutes));
    // Begun, its 48 hours are 48 hours.
    stage.plays(&dan, other).await.unwrap();
    assert_eq!(stage.grant_of(&dan).await, (at("2027-01-18T22:00:00+08:00"), 0));
    stage.to("2027-01-17T19:00:00+08:00");
    let playing = stage.plays(&ada, title).await.unwrap();
    assert_eq!(playing["ends_at"], json!(ends_at));
    for (offset_ms, expected) in [(-1, "ok"), (0, "RENTAL_EXPIRED"), (1, "RENTAL_EXPIRED")] {
        stage.server.advance_to(ends_at, offset_ms);
        assert_eq!(stage.goes_on(&playing).await, expected, "{offset_ms}");
    }

    // What has expired meanwhile lives again where it has time left, under the session that it was refused to; of what has
    // none the money is due. Bob bought at midnight, Carl an hour later.
    stage.to("2027-01-18T00:00:00+08:00");
    stage.buys(&bob, &sold).await.unwrap();
    stage.to("2027-01-18T01:00:00+08:00");
    stage.buys(&carl, &sold).await.unwrap();
    stage.to("2027-01-19T22:00:00+08:00");
    let lost = stage.plays(&carl, title).await.unwrap();
    stage.to("2027-01-20T02:00:00+08:00");
    assert_eq!(stage.goes_on(&lost).await, "RENTAL_EXPIRED");
    let done = stage.out(None, "2027-01-19T23:00:00+08:00", "2027-01-20T02:00:00+08:00").await;
    assert_eq!(counts(&done), [2, 3 * 3600, 0, 1].map(Some));
    assert_eq!(stage.goes_on(&lost).await, "ok", "until three o'clock");
    assert_eq!(code(&stage.opens_in("CN", &bob, title).await), "RENTAL_EXPIRED");
    for (offset_ms, expected) in [(-1, "grant"), (0, "RENTAL_EXPIRED"), (1, "RENTAL_EXPIRED")] {
        let instant = UtcMs(at("2027-01-20T03:00:00+08:00").0 + offset_ms);
        assert_eq!(stage.explained(&carl, title, "CN", instant).await, expected, "{offset_ms}");
    }
    let path = format!("/titles/{title}/refunds-due");
    let due = stage.done(Method::GET, &path, json!({})).await;
    assert_eq!((&due["count"], &due["revoked_at"]), (&json!(1), &Value::Null));
    let purchase = due["data"][0]["id"].as_str().unwrap().to_owned();
    let sale = stage.done(Method::GET, &format!("/purchases/{purchase}"), json!({})).await;
    assert_eq!((&sale["viewer"]["id"], &sale["refund_rule"]), (&json!(bob.id), &json!("outage")));
    let given = stage.done(Method::POST, &path, json!({})).await;
    assert_eq!((given["refunds"].as_array().map(Vec::len), &given["left"]), (Some(1), &json!(0)));
    assert_eq!(stage.done(Method::GET, &path, json!({})).await["count"], json!(0));

    // A party's outage is that of whoever redeemed its vouchers, and of its viewers who play from here.
    let batch = json!({"title_id": title, "offer_id": sold.offer, "count": 1, "expires_at": CLOSES, "party_id": party});
    let operator = stage.server.operator.clone();
    let made = stage.from("CN", &operator, "/operator/voucher-batches", &batch).await.json();
    let signed_in = stage.server.signed_in_again(&eve).await;
    let redeemed = stage.from("CN", &signed_in.token, "/vouchers/redeem", &json!({"code": made["codes"][0]})).await;
    assert_eq!(redeemed.status, StatusCode::CREATED, "{}", redeemed.text());
    let theirs = stage.partner_plays(&panda.play(&stage, title, "their-ada"), "CN").await.unwrap();
    let until = at(theirs["ends_at"].as_str().unwrap());
    stage.to("2027-01-20T02:30:00+08:00");
    let done = stage.out(Some(&party), "2027-01-20T01:00:00+08:00", "2027-01-20T02:10:00+08:00").await;
    assert_eq!(counts(&done), [1, 600, 1, 0].map(Some), "Carl has nothing of theirs");
    assert_eq!(stage.grant_of(&eve).await, (at("2027-01-22T02:10:00+08:00"), 600));
    assert_eq!(stage.grant_of(&carl).await, (at("2027-01-20T03:00:00+08:00"), 7200));
    for (offset_ms, expected) in [(-1, "ok"), (0, "RENTAL_EXPIRED"), (1, "RENTAL_EXPIRED")] {
        stage.server.advance_to(UtcMs(until.0 + 600_000), offset_ms);
        assert_eq!(stage.goes_on(&theirs).await, expected, "{offset_ms}");
    }
    let report = panda.sign("panda", &panda.claims(stage.server.now(), "report"));
    let url = format!("{}/api/v1/partner/outages", stage.server.base);
    let list = stage.server.send(stage.server.client.get(url).bearer_auth(report)).await.json();
    assert_eq!(list["data"].as_array().map(Vec::len), Some(1), "{list}");
    assert_eq!((&list["data"][0]["id"], &list["data"][0]["extended_seconds"]), (&done["id"], &json!(600)));
    let list = stage.done(Method::GET, "/outages", json!({})).await;
    assert_eq!((list["data"].as_array().map(Vec::len), &list["data"][0]["id"]), (Some(4), &done["id"]));
    let log = stage.server.api(&stage.server.operator, "/operator/audit?action=outage.record").await.json();
    assert_eq!(log["data"].as_array().map(Vec::len), Some(4), "{log}");
    assert_eq!(check::check(&*stage.server.app.db).await.unwrap().findings, []);
    stage.end().await;
}
