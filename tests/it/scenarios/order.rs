//! What is asked last: whether the account has room for the device, the PIN of the account, and then whether a stream is
//! free.

use marquee::base::id::{SessionId, TitleId};
use marquee::store::db::account::Bearer;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Backend, Stage, at, pvod, window};
use crate::server::outcome;

const START: &str = "2027-02-01T12:00:00+08:00";
const NOW: &str = "2027-03-10T12:00:00+08:00";

const T: bool = true;
const F: bool = false;

/// A member with a lock, whose two devices and one stream are taken, and titles of each of which something else stands in
/// the way too.
pub async fn the_device_the_pin_and_then_the_streams_are_asked_last(backend: Backend) {
    let stage = Stage::open_with(backend, START, |config| config.playback.devices_per_account = 2).await;
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
    let body = json!({"name": {"en": "mute"}, "assets": [super::languages::film(&stage).await], "status": "live",
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
    let for_adults_only = for_members("for adults", "NL", open("svod"), json!({})).await;
    let for_all = for_members("for all", "NL", open("svod"), json!({})).await;
    stage.done(Method::PATCH, &format!("/titles/{for_all}"), json!({"min_age": 0})).await;

    stage.to(NOW);
    let tv = stage.server.signed_in_again(&member).await.token;
    let signed_in = async || stage.server.app.accounts.issue_token(Bearer::Viewer(member.id)).await.unwrap();
    let (tablet, phone) = (signed_in().await, signed_in().await);
    let play = async |token: &str, title: TitleId, pin: Option<&str>| {
        let mut body = json!({"title_id": title});
        if let Some(pin) = pin {
            body["pin"] = json!(pin);
        }
        stage.from("CN", token, "/playback-sessions", &body).await
    };
    let watches = async |token: &str| {
        let opened = play(token, for_all, None).await;
        assert_eq!(opened.status, StatusCode::CREATED, "{}", opened.text());
        opened.json()["id"].as_str().unwrap().parse().unwrap()
    };
    let leave = async |session: SessionId| stage.server.app.sessions.end(session).await.unwrap();
    // An explanation knows of this moment which devices there are and which streams run, and of no other. It is that of
    // a device that is new to the account.
    let explained = async |when: &str| {
        let path = format!("/explain?title_id={for_all}&viewer_id={}&territory=CN{when}", member.id);
        let said = stage.done(Method::GET, &path, json!({})).await;
        let outcome = |check: &str| {
            let step = said["steps"].as_array().unwrap().iter().find(|step| step["check"] == check).unwrap();
            format!("{} {}", step["outcome"].as_str().unwrap(), step["code"].as_str().unwrap_or("-"))
        };
        (said["code"].as_str().unwrap_or("-").to_owned(), outcome("devices"), outcome("streams"))
    };
    let said = |code: &str, devices: &str, streams: &str| (code.to_owned(), devices.to_owned(), streams.to_owned());
    let then = format!("&at={}", at(NOW));
    assert_eq!(explained("").await, said("-", "pass -", "pass -"));
    let watching = watches(&tv).await;
    let no_stream = said("TOO_MANY_STREAMS", "pass -", "fail TOO_MANY_STREAMS");
    assert_eq!(explained("").await, no_stream);
    leave(watching).await;
    leave(watches(&tablet).await).await;
    let no_place = said("DEVICE_LIMIT", "fail DEVICE_LIMIT", "skip -");
    assert_eq!(explained("").await, no_place);
    let watching = watches(&tv).await;
    assert_eq!(explained("").await, no_place, "before the streams");
    assert_eq!(explained(&then).await, said("-", "pass -", "pass -"));

    for (title, expected) in rows {
        for (token, device) in [(&tv, "registered"), (&phone, "new")] {
            for pin in [None, Some("1234")] {
                assert_eq!(outcome(&play(token, title, pin).await), expected, "{device} {pin:?}");
            }
        }
        // Not too many a minute.
        stage.server.sim.advance(std::time::Duration::from_secs(5));
    }
    // A new device, a PIN that is asked for, no free stream: all eight combinations.
    leave(watching).await;
    for (is_new, asks_for_pin, is_busy, expected) in [
        (F, F, F, "201"),
        (F, F, T, "TOO_MANY_STREAMS"),
        (F, T, F, "PIN_REQUIRED"),
        (F, T, T, "PIN_REQUIRED"),
        (T, F, F, "DEVICE_LIMIT"),
        (T, F, T, "DEVICE_LIMIT"),
        (T, T, F, "DEVICE_LIMIT"),
        (T, T, T, "DEVICE_LIMIT"),
    ] {
        let watching = if is_busy { Some(watches(&tv).await) } else { None };
        let (token, title) = (if is_new { &phone } else { &tv }, if asks_for_pin { for_adults_only } else { for_all });
        let answer = play(token, title, None).await;
        assert_eq!(outcome(&answer), expected, "{:?}", (is_new, asks_for_pin, is_busy));
        if answer.status == StatusCode::CREATED {
            leave(answer.json()["id"].as_str().unwrap().parse().unwrap()).await;
        }
        if let Some(watching) = watching {
            leave(watching).await;
        }
    }
    assert_eq!(outcome(&play(&tv, for_adults_only, Some("0000")).await), "PIN_WRONG");
    let watching = watches(&tv).await;
    assert_eq!(outcome(&play(&tv, for_adults_only, Some("1234")).await), "TOO_MANY_STREAMS");
    leave(watching).await;
    assert_eq!(outcome(&play(&tv, for_adults_only, Some("1234")).await), "201");
    stage.end().await;
}
