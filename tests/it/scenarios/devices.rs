//! The devices of an account: sign-ins that have played what the account has.

use std::time::Duration;

use marquee::base::clock::UtcMs;
use marquee::base::id::TitleId;
use marquee::store::db::account::Bearer;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Backend, Stage, at, rental, window};
use crate::server::{Answer, TestViewer, outcome};

const START: &str = "2027-02-01T12:00:00+08:00";
const HOUR: Duration = Duration::from_secs(3600);

impl Stage {
    /// The viewer on one more device: its token.
    async fn device(&self, viewer: &TestViewer) -> String {
        self.server.app.accounts.issue_token(Bearer::Viewer(viewer.id)).await.unwrap()
    }

    async fn plays_on(&self, token: &str, body: Value) -> Answer {
        self.from("CN", token, "/playback-sessions", &body).await
    }

    async fn leaves(&self, opened: &Answer) {
        self.server.app.sessions.end(opened.json()["id"].as_str().unwrap().parse().unwrap()).await.unwrap();
    }

    /// Watches a title for a moment, and is a device of the account from then on.
    async fn watches_on(&self, token: &str, title: TitleId) {
        let opened = self.plays_on(token, json!({"title_id": title})).await;
        assert_eq!(opened.status, StatusCode::CREATED, "{}", opened.text());
        self.leaves(&opened).await;
    }

    /// A title in a window for members, and a member with so many streams.
    async fn members_title(&self, streams: u32) -> (TitleId, TestViewer) {
        let title = self.title("会员影片", "NL").await;
        self.avail(title, window("svod", &["CN"], START, None)).await;
        let member = self.server.viewer("ada").await;
        let plan = self.made("/plans", json!({"name": "plan", "streams": streams})).await;
        let ends_at = "2028-01-01T00:00:00Z";
        self.made("/memberships", json!({"viewer_id": member.id, "plan_id": plan, "ends_at": ends_at})).await;
        (title, member)
    }

    /// The sign-ins that `token` is told of: which it is itself, and since when each is a device.
    async fn sign_ins(&self, token: &str) -> Vec<Value> {
        self.server.api(token, "/me/sign-ins?limit=50").await.json()["data"].as_array().unwrap().clone()
    }

    async fn devices_seen_by(&self, token: &str) -> usize {
        self.sign_ins(token).await.iter().filter(|row| !row["registered_at"].is_null()).count()
    }
}

/// Five devices play; the sixth is refused what the account has and loses nothing, plays what is for anybody, and has
/// the place of one that is signed out.
pub async fn a_sixth_device_plays_once_one_of_five_is_signed_out(backend: Backend) {
    let stage = Stage::open(backend, START).await;
    let (title, member) = stage.members_title(1).await;
    let rented = stage.title("租赁影片", "NL").await;
    stage.done(Method::PATCH, &format!("/titles/{rented}"), json!({"preview_seconds": 6})).await;
    let sold = stage.sell(rented, window("vod", &["CN"], START, None), rental(600)).await;
    let bought = stage.buys(&member, &sold).await.unwrap();
    let free = stage.title("免费影片", "NL").await;
    stage.avail(free, window("avod", &["CN"], START, None)).await;

    let mut devices = Vec::new();
    for _ in 0..5 {
        let token = stage.device(&member).await;
        stage.server.sim.advance(HOUR);
        stage.watches_on(&token, title).await;
        devices.push(token);
    }
    let sixth = stage.device(&member).await;
    assert_eq!(stage.server.api(&sixth, "/me").await.json()["device_limit"], 5);
    let rows = stage.sign_ins(&sixth).await;
    let since: Vec<&Value> = rows.iter().map(|row| &row["registered_at"]).filter(|since| !since.is_null()).collect();
    let hours = ["09", "08", "07", "06", "05"].map(|hour| json!(at(&format!("2027-02-01T{hour}:00:00Z"))));
    assert_eq!(since, hours.iter().collect::<Vec<_>>(), "the newest first");
    assert_eq!((&rows[0]["current"], &rows[0]["registered_at"]), (&json!(true), &Value::Null));

    for refused in [title, rented] {
        let answer = stage.plays_on(&sixth, json!({"title_id": refused})).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::FORBIDDEN, "DEVICE_LIMIT"));
        let told = answer.json();
        assert_eq!((&told["rule"], &told["next"]), (&json!("device_limit"), &json!([])));
        let detail = "This account is in use on as many devices as it may be. Sign out one of them under your account.";
        assert_eq!(told["detail"], detail);
    }
    let log = stage.done(Method::GET, "/audit?action=session.deny", json!({})).await;
    let line = &log["data"][0]["detail"];
    assert_eq!((&line["code"], &line["rule"]), (&json!("DEVICE_LIMIT"), &json!("device_limit")));
    let path = format!("/purchases/{}", bought["id"].as_str().unwrap());
    let grant = stage.server.api(&devices[0], &path).await.json()["grant"].clone();
    assert_eq!((&grant["phase"], &grant["first_play_at"]), (&json!("unstarted"), &Value::Null), "no clock has started");

    // What is for anybody asks for no device, and makes none.
    for body in [json!({"title_id": free}), json!({"title_id": rented, "preview": true})] {
        assert_eq!(outcome(&stage.plays_on(&sixth, body.clone()).await), "201", "{body}");
    }
    assert_eq!(stage.devices_seen_by(&sixth).await, 5);
    let path = format!("/explain?title_id={free}&viewer_id={}&territory=CN", member.id);
    let said = stage.done(Method::GET, &path, json!({})).await;
    let step = said["steps"].as_array().unwrap().iter().find(|step| step["check"] == "devices").unwrap();
    assert_eq!((&said["via"], &step["outcome"]), (&json!("free"), &json!("pass")));
    assert_eq!(step["facts"], json!({"registered": null, "limit": null}));
    // What members have plays as it does for anybody once it is free too, and takes no place.
    stage.avail(title, window("avod", &["CN"], START, None)).await;
    let path = format!("/explain?title_id={title}&viewer_id={}&territory=CN", member.id);
    let said = stage.done(Method::GET, &path, json!({})).await;
    let played = stage.plays_on(&sixth, json!({"title_id": title})).await;
    assert_eq!((&said["via"], &played.json()["via"]), (&json!("free"), &json!("free")));
    let step = said["steps"].as_array().unwrap().iter().find(|step| step["check"] == "devices").unwrap();
    assert_eq!((&step["outcome"], &step["facts"]), (&json!("pass"), &json!({"registered": 5, "limit": 5})));
    let at_home = stage.plays_on(&devices[0], json!({"title_id": title})).await;
    assert_eq!((at_home.json()["via"].as_str(), stage.devices_seen_by(&sixth).await), (Some("membership"), 5));
    stage.leaves(&at_home).await;
    let free_again =
        stage.done(Method::GET, &format!("/titles/{title}/avails"), json!({})).await["data"][1]["id"].clone();
    stage
        .done(
            Method::PATCH,
            &format!("/avails/{}", free_again.as_str().unwrap()),
            json!({"end_at": stage.server.now()}),
        )
        .await;

    // Those that are registered go on, in the one stream that the sixth has not taken.
    let begun = stage.plays_on(&devices[0], json!({"title_id": title})).await;
    assert_eq!(outcome(&begun), "201");
    let row = stage.sign_ins(&devices[0]).await.into_iter().find(|row| row["current"] == true).unwrap();
    let path = format!("/api/v1/me/sign-ins/{}", row["id"].as_str().unwrap());
    let ended = stage.server.send(stage.server.request(Method::DELETE, &path).bearer_auth(&sixth)).await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    assert_eq!(outcome(&stage.plays_on(&devices[0], json!({"title_id": title})).await), "UNAUTHENTICATED");
    assert_eq!(stage.goes_on(&begun.json()).await, "ok", "what was begun goes on");
    assert_eq!(outcome(&stage.plays_on(&sixth, json!({"title_id": title})).await), "TOO_MANY_STREAMS");
    assert_eq!(stage.devices_seen_by(&sixth).await, 4, "who is refused a stream takes no place");
    stage.leaves(&begun).await;
    assert_eq!(outcome(&stage.plays_on(&sixth, json!({"title_id": title})).await), "201");
    assert_eq!(stage.devices_seen_by(&sixth).await, 5);
    stage.end().await;
}

/// The place is free from the millisecond on from which the sign-in is not valid.
pub async fn a_device_loses_its_place_when_its_sign_in_ends(backend: Backend) {
    let stage = Stage::open_with(backend, START, |config| config.playback.devices_per_account = 2).await;
    let (title, member) = stage.members_title(1).await;
    let tv = stage.device(&member).await;
    stage.server.sim.advance(HOUR);
    let phone = stage.device(&member).await;
    for token in [&tv, &phone] {
        stage.watches_on(token, title).await;
    }
    stage.server.sim.advance(HOUR);
    let tablet = stage.device(&member).await;
    // 30 days after 12:00 on the 1st of February.
    let ends = at("2027-03-03T12:00:00+08:00");
    for (offset_ms, expected) in [(-1, "DEVICE_LIMIT"), (0, "201"), (1, "201")] {
        stage.server.sim.advance_to(UtcMs(ends.0 + offset_ms));
        let opened = stage.plays_on(&tablet, json!({"title_id": title})).await;
        assert_eq!(outcome(&opened), expected, "{offset_ms}");
        if opened.status == StatusCode::CREATED {
            stage.leaves(&opened).await;
        }
    }
    assert_eq!(outcome(&stage.plays_on(&phone, json!({"title_id": title})).await), "201", "it keeps its own");
    stage.end().await;
}

pub async fn of_two_devices_at_one_moment_one_gets_the_last_place(backend: Backend) {
    let stage = Stage::open(backend, START).await;
    let (title, member) = stage.members_title(6).await;
    let mut devices = Vec::new();
    for _ in 0..4 {
        devices.push(stage.device(&member).await);
        stage.watches_on(devices.last().unwrap(), title).await;
    }
    let mut late = Vec::new();
    for _ in 0..6 {
        late.push(stage.device(&member).await);
    }
    let answers =
        futures_util::future::join_all(late.iter().map(|token| stage.plays_on(token, json!({"title_id": title}))))
            .await;
    let opened: Vec<&String> = late
        .iter()
        .zip(&answers)
        .filter(|(_, answer)| answer.status == StatusCode::CREATED)
        .map(|(it, _)| it)
        .collect();
    assert_eq!(opened.len(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.code() == "DEVICE_LIMIT").count(), 5);
    assert_eq!(stage.devices_seen_by(opened[0]).await, 5);
    // Of six streams the five that were refused hold none.
    for _ in 0..5 {
        assert_eq!(outcome(&stage.plays_on(&devices[0], json!({"title_id": title})).await), "201");
    }
    assert_eq!(outcome(&stage.plays_on(&devices[0], json!({"title_id": title})).await), "TOO_MANY_STREAMS");
    stage.end().await;
}

/// No coin is taken for an episode on a device that could not play it.
pub async fn an_episode_is_unlocked_unasked_on_a_device_of_the_account_only(backend: Backend) {
    let stage = Stage::open_with(backend, START, |config| config.playback.devices_per_account = 1).await;
    let title = stage.series(START).await;
    stage.to("2027-03-02T00:00:00+08:00");
    let viewer = stage.server.viewer("ada").await;
    stage.coins(&viewer, json!({"coins": 200, "kind": "bonus", "note": "Welcome"})).await;
    assert_eq!(stage.unlocks(&viewer, title, 11, 60).await.status, StatusCode::CREATED);
    let wallet = stage.server.request(Method::PATCH, "/api/v1/me/wallet").bearer_auth(&viewer.token);
    let wallet = stage.server.send(wallet.json(&json!({"auto_unlock": true}))).await;
    assert_eq!(wallet.status, StatusCode::OK, "{}", wallet.text());
    let play = async |token: &str, part: u32| stage.plays_on(token, json!({"title_id": title, "part": part})).await;
    let phone = stage.device(&viewer).await;
    assert_eq!(outcome(&play(&phone, 10).await), "201", "a free episode");
    assert_eq!(outcome(&play(&viewer.token, 11).await), "201");
    assert_eq!(outcome(&play(&phone, 12).await), "DEVICE_LIMIT");
    assert_eq!(stage.wallet(&viewer).await, 140);
    stage.server.sim.advance(HOUR);
    assert_eq!(outcome(&play(&viewer.token, 12).await), "201");
    assert_eq!(stage.wallet(&viewer).await, 80);
    stage.end().await;
}

/// Signing in again with the cookie of the same viewer's sign-in ends that one, and takes its place.
pub async fn a_browser_that_signs_in_again_keeps_its_place(backend: Backend) {
    let stage = Stage::open_with(backend, START, |config| config.playback.devices_per_account = 1).await;
    let (title, member) = stage.members_title(1).await;
    stage.watches_on(&member.token, title).await;
    let signs_in = async |name: &str, cookie: Option<&str>| {
        let body = json!({"email": format!("{name}@test.example"), "password": "a long enough password"});
        let mut request = stage.server.request(Method::POST, "/api/v1/sign-in").json(&body);
        if let Some(token) = cookie {
            request = request.header("cookie", format!("__Host-marquee={token}"));
        }
        let answer = stage.server.send(request).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.json()["api_token"].as_str().unwrap().to_owned()
    };
    let plays = async |token: &str| outcome(&stage.plays_on(token, json!({"title_id": title})).await);
    let again = signs_in("ada", Some(&member.token)).await;
    assert_eq!(plays(&member.token).await, "UNAUTHENTICATED");
    stage.watches_on(&again, title).await;
    assert_eq!(stage.devices_seen_by(&again).await, 1);
    // Somebody else at the same browser, and a browser that nobody has signed in at.
    stage.server.viewer("bob").await;
    signs_in("bob", Some(&again)).await;
    let elsewhere = signs_in("ada", None).await;
    assert_eq!(plays(&elsewhere).await, "DEVICE_LIMIT");
    stage.watches_on(&again, title).await;
    // A cookie that is over has no place to give.
    let late = signs_in("ada", Some(&member.token)).await;
    assert_eq!(plays(&late).await, "DEVICE_LIMIT");
    stage.end().await;
}
