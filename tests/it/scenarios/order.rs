//! What is asked last: the PIN of the account, and then whether a stream is free.

use marquee::base::id::TitleId;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Backend, Stage, at, pvod, window};
use crate::server::outcome;

const START: &str = "2027-02-01T12:00:00+08:00";
const NOW: &str = "2027-03-10T12:00:00+08:00";

/// A member with a lock, whose one stream is taken, and titles of each of which something else stands in the way too.
pub async fn the_pin_and_then_the_streams_are_asked_last(backend: Backend) {
    let stage = Stage::open(backend, START).await;
    let member = stage.server.viewer("member").await;
    let plan = stage.made("/plans", json!({"name": "plan", "streams": 1})).await;
    let ends_at = "2028-01-01T00:00:00Z";
    stage.made("/memberships", json!({"viewer_id": member.id, "plan_id": plan, "ends_at": ends_at})).await;
    let lock = stage.server.request(Method::PUT, "/api/v1/me/lock").bearer_auth(&member.token);
    let lock = stage.server.send(lock.json(&json!({"age_limit": 12, "new_pin": "1234"}))).await;
    assert_eq!(lock.status, StatusCode::OK, "{}", lock.text());

    let open = |kind: &str| window(kind, &["CN"], START, None);
    let for_adults = async |name: &str, country: &str, change: Value| {
        let title = stage.title(name, country).await;
        let mut body = change;
        body["min_age"] = json!(16);
        stage.done(Method::PATCH, &format!("/titles/{title}"), body).await;
        title
    };
    let for_members = async |name: &str, country: &str, window: Value, change: Value| {
        let title = for_adults(name, country, change).await;
        stage.avail(title, window).await;
        title
    };
    let status = |status: &str| json!({"status": status});
    let mut rows: Vec<(TitleId, &str)> = Vec::new();
    rows.push((for_members("draft", "NL", open("svod"), status("draft")).await, "TITLE_NOT_FOUND"));
    rows.push((for_members("withdrawn", "NL", open("svod"), status("withdrawn")).await, "TITLE_WITHDRAWN"));
    rows.push((for_members("suspended", "NL", open("svod"), status("suspended")).await, "TITLE_SUSPENDED"));
    let revoked = for_members("revoked", "CN", open("svod"), json!({})).await;
    let licence = json!({"kind": "theatrical_release", "number": "电审故字〔2027〕第12号"});
    stage.done(Method::PUT, &format!("/titles/{revoked}/licence"), licence).await;
    for event in [json!({"event": "confirm"}), json!({"event": "revoke", "reason": "an order"})] {
        stage.done(Method::POST, &format!("/titles/{revoked}/compliance"), event).await;
    }
    rows.push((revoked, "LICENCE_REVOKED"));
    let elsewhere = window("svod", &["DE"], START, None);
    rows.push((for_members("elsewhere", "NL", elsewhere, json!({})).await, "GEO_NOT_LICENSED"));
    rows.push((for_members("unlicensed", "CN", open("svod"), json!({})).await, "LICENCE_REQUIRED"));
    let short = json!({"on_purchase": {"watch_s": 3600}});
    let late = json!({"on_first_play": {"start_within_s": 3600, "watch_s": 3600}});
    for (clock, code) in [(short, "RENTAL_EXPIRED"), (late, "START_BY_PASSED")] {
        let title = for_adults(code, "NL", json!({})).await;
        let offer = json!({"kind": "rental", "list_price": {"amount": 1800, "currency": "CNY"}, "clock": clock});
        let sold = stage.sell(title, open("vod"), offer).await;
        stage.buys(&member, &sold).await.unwrap();
        rows.push((title, code));
    }
    let unpaid = for_adults("unpaid", "NL", json!({})).await;
    stage.sell(unpaid, open("vod"), pvod()).await;
    rows.push((unpaid, "PAYMENT_REQUIRED"));
    let soon = window("svod", &["CN"], "2027-06-01T00:00:00Z", None);
    rows.push((for_members("to come", "NL", soon, json!({})).await, "WINDOW_NOT_OPEN"));
    let over = window("svod", &["CN"], START, Some("2027-03-01T00:00:00Z"));
    rows.push((for_members("over", "NL", over, json!({})).await, "WINDOW_CLOSED"));
    let body = json!({"name": {"en": "mute"}, "assets": [super::languages::film(&stage).await], "status": "live", "country": "NL",
        "country": "NL", "min_age": 16});
    let mute: TitleId = stage.made("/titles", body).await.parse().unwrap();
    let mut silent = open("svod");
    silent["languages"] = json!({"allow": ["ja"]});
    stage.avail(mute, silent).await;
    rows.push((mute, "LANGUAGE_HELD_BACK"));
    let placements = json!([{"part": 1, "brand": "Ale", "category": "alcohol", "contract": null, "in_seconds": 1,
        "out_seconds": 5, "exposure_seconds": 3}]);
    let placed = for_members("placed", "NL", open("svod"), json!({"placements": placements})).await;
    let blocks = json!([{"category": "alcohol", "territories": {"include": ["CN"]}}]);
    stage.done(Method::PUT, "/placement-blocks", json!({"version": 0, "blocks": blocks})).await;
    rows.push((placed, "CLEAN_EDIT_MISSING"));
    let nothing = for_members("for adults", "NL", open("svod"), json!({})).await;
    let for_all = for_members("for all", "NL", open("svod"), json!({})).await;
    stage.done(Method::PATCH, &format!("/titles/{for_all}"), json!({"min_age": 0})).await;

    stage.to(NOW);
    let member = stage.server.signed_in_again(&member).await;
    let play = async |title: TitleId, pin: Option<&str>| {
        let mut body = json!({"title_id": title});
        if let Some(pin) = pin {
            body["pin"] = json!(pin);
        }
        stage.from("CN", &member.token, "/playback-sessions", &body).await
    };
    let watching = play(for_all, None).await;
    assert_eq!(watching.status, StatusCode::CREATED, "{}", watching.text());
    for (title, expected) in rows {
        for pin in [None, Some("1234")] {
            assert_eq!(outcome(&play(title, pin).await), expected, "{pin:?}");
        }
    }
    assert_eq!(outcome(&play(for_all, None).await), "TOO_MANY_STREAMS");
    // An explanation knows of this moment which streams run, and of no other.
    let explained = async |when: &str| {
        let path = format!("/explain?title_id={for_all}&viewer_id={}&territory=CN{when}", member.id);
        let said = stage.done(Method::GET, &path, json!({})).await;
        let streams = said["steps"].as_array().unwrap().iter().find(|step| step["check"] == "streams").unwrap();
        assert_eq!(streams["code"], said["code"]);
        said["code"].clone()
    };
    assert_eq!(explained("").await, "TOO_MANY_STREAMS");
    assert_eq!(explained(&format!("&at={}", at(NOW))).await, Value::Null);
    assert_eq!(outcome(&play(nothing, None).await), "PIN_REQUIRED", "before the streams");
    assert_eq!(outcome(&play(nothing, Some("0000")).await), "PIN_WRONG");
    assert_eq!(outcome(&play(nothing, Some("1234")).await), "TOO_MANY_STREAMS");
    stage.server.app.sessions.end(watching.json()["id"].as_str().unwrap().parse().unwrap()).await.unwrap();
    assert_eq!(explained("").await, Value::Null);
    assert_eq!(outcome(&play(nothing, None).await), "PIN_REQUIRED");
    assert_eq!(outcome(&play(nothing, Some("1234")).await), "201");
    stage.end().await;
}
