//! Series that are had episode by episode: scenario 12 as far as it is not settlement.

use marquee::base::clock::UtcMs;
use marquee::base::id::TitleId;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Backend, Stage, at, window};
use crate::server::{Answer, TestViewer};

const OPENS: &str = "2027-03-01T00:00:00+08:00";
/// The weekly membership is over then.
const LAPSES: &str = "2027-03-10T00:00:00+08:00";
const CLOSES: &str = "2027-06-01T00:00:00+08:00";

impl Stage {
    /// 《替身新娘九十天》: 24 episodes, 10 free, 60 coins for each of the others, one a day for advertising; the last one opens
    /// later than its window.
    pub(super) async fn series(&self, last_opens_at: &str) -> TitleId {
        let asset = self.server.asset().await;
        let mut opens_at = vec![Value::Null; 23];
        opens_at.push(json!(last_opens_at));
        let body = json!({"name": {"zh-CN": "替身新娘九十天"}, "assets": vec![asset; 24], "status": "live",
            "country": "NL", "episodes": {"free": 10, "coins": 60, "rewarded_per_day": 1}, "part_opens_at": opens_at});
        let title = self.made("/titles", body).await.parse().unwrap();
        self.avail(title, window("vod", &["CN"], OPENS, Some(CLOSES))).await;
        self.avail(title, window("svod", &["CN"], OPENS, Some(CLOSES))).await;
        title
    }

    pub(super) async fn coins(&self, viewer: &TestViewer, lot: Value) -> Value {
        let path = format!("/api/v1/operator/viewers/{}/coin-lots", viewer.id);
        let request = self.server.client.post(format!("{}{path}", self.server.base)).bearer_auth(&self.server.operator);
        let request = request.header("idempotency-key", uuid::Uuid::now_v7().to_string());
        let answer = self.server.send(request.json(&lot)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        answer.json()
    }

    pub(super) async fn unlocks(&self, viewer: &TestViewer, title: TitleId, part: u32, coins: u32) -> Answer {
        let viewer = self.server.signed_in_again(viewer).await;
        self.from("CN", &viewer.token, "/unlocks", &json!({"title_id": title, "part": part, "coins": coins})).await
    }

    async fn rewards(&self, viewer: &TestViewer, title: TitleId, part: u32) -> Answer {
        let path = format!("/operator/viewers/{}/rewards", viewer.id);
        let body = json!({"title_id": title, "part": part, "territory": "CN"});
        self.from("CN", &self.server.operator, &path, &body).await
    }

    /// By which right a part plays, its first key included where it has one, or why not.
    async fn watches(&self, viewer: &TestViewer, title: TitleId, part: u32) -> String {
        let viewer = self.server.signed_in_again(viewer).await;
        let body = json!({"title_id": title, "part": part});
        let answer = self.from("CN", &viewer.token, "/playback-sessions", &body).await;
        if answer.status != StatusCode::CREATED {
            return answer.code();
        }
        let opened = answer.json();
        let via = opened["via"].as_str().unwrap().to_owned();
        let has_key = self.goes_on(&opened).await == "ok";
        assert_eq!(has_key, via != "free", "what is free is not sealed");
        let path = format!("{}/api/v1/playback-sessions/{}", self.server.base, opened["id"].as_str().unwrap());
        self.server.send(self.server.client.delete(path).bearer_auth(&viewer.token)).await;
        via
    }

    pub(super) async fn wallet(&self, viewer: &TestViewer) -> u64 {
        let viewer = self.server.signed_in_again(viewer).await;
        self.server.api(&viewer.token, "/me/wallet").await.json()["coins"].as_u64().unwrap()
    }
}

pub async fn a_series_is_unlocked_episode_by_episode(backend: Backend) {
    let stage = Stage::open(backend, "2027-02-28T00:00:00+08:00").await;
    let last_opens_at = "2027-03-20T00:00:00+08:00";
    let title = stage.series(last_opens_at).await;
    let viewer = stage.server.viewer("ada").await;
    for (offset_ms, first, eleventh) in
        [(-1, "WINDOW_NOT_OPEN", "WINDOW_NOT_OPEN"), (0, "free", "PAYMENT_REQUIRED"), (1, "free", "PAYMENT_REQUIRED")]
    {
        stage.server.sim.advance_to(UtcMs(at(OPENS).0 + offset_ms));
        assert_eq!(stage.watches(&viewer, title, 1).await, first, "{offset_ms}");
        assert_eq!(stage.watches(&viewer, title, 11).await, eleventh, "{offset_ms}");
    }
    assert_eq!(stage.watches(&viewer, title, 10).await, "free");

    // Without coins nothing is unlocked; what it would take is said.
    let poor = stage.unlocks(&viewer, title, 11, 60).await;
    assert_eq!((poor.status, poor.code()), (StatusCode::PAYMENT_REQUIRED, "TOO_FEW_COINS".into()));
    assert_eq!((&poor.json()["coins"], &poor.json()["needed"]), (&json!(0), &json!(60)));

    let pack =
        json!({"kind": "paid", "coins": 500, "cost": {"amount": 499, "currency": "USD"}, "note": "Receipt 4711"});
    let pack = stage.coins(&viewer, pack).await;
    let bonus = json!({"kind": "bonus", "coins": 60, "expires_at": LAPSES, "note": "Welcome"});
    let bonus = stage.coins(&viewer, bonus).await;
    assert_eq!(stage.wallet(&viewer).await, 560);
    // A price that is not the one that was told takes nothing; nor does what is free, has not opened or is not there.
    for (part, coins, code) in
        [(11, 59, "PRICE_CHANGED"), (10, 60, "ALREADY_OWNED"), (24, 60, "WINDOW_NOT_OPEN"), (25, 60, "PART_NOT_FOUND")]
    {
        assert_eq!(stage.unlocks(&viewer, title, part, coins).await.code(), code, "{part}");
    }
    assert_eq!(stage.wallet(&viewer).await, 560);

    for part in 11..=19 {
        let answer = stage.unlocks(&viewer, title, part, 60).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        assert_eq!(stage.watches(&viewer, title, part).await, "unlock");
    }
    assert_eq!(stage.wallet(&viewer).await, 20, "60 given coins, then 480 paid ones");
    let again = stage.unlocks(&viewer, title, 15, 60).await;
    assert_eq!((again.status, stage.wallet(&viewer).await), (StatusCode::CREATED, 20), "asked again, it takes nothing");
    let wallet = stage.server.api(&stage.server.operator, &format!("/operator/viewers/{}/wallet", viewer.id)).await;
    let spent = |lot: &Value| {
        let wallet = wallet.json();
        let lots = wallet["lots"].as_array().unwrap().clone();
        lots.iter().find(|row| row["id"] == lot["id"]).unwrap()["spent"].as_u64()
    };
    assert_eq!((spent(&pack), spent(&bonus)), (Some(480), Some(60)));
    assert_eq!(stage.unlocks(&viewer, title, 20, 60).await.code(), "TOO_FEW_COINS");

    // One a day for advertising, which is not asked of whoever has it.
    assert_eq!(stage.rewards(&viewer, title, 20).await.status, StatusCode::CREATED);
    assert_eq!(stage.rewards(&viewer, title, 20).await.status, StatusCode::CREATED, "asked again");
    assert_eq!(stage.rewards(&viewer, title, 21).await.code(), "NO_REWARDS_LEFT");
    assert_eq!(stage.rewards(&viewer, title, 15).await.code(), "ALREADY_OWNED", "what was bought is no reward");
    assert_eq!(stage.watches(&viewer, title, 25).await, "PART_NOT_FOUND");
    let midnight = "2027-03-02T00:00:00+08:00";
    for (offset_ms, code) in [(-1, "NO_REWARDS_LEFT"), (0, "ALREADY_OWNED"), (1, "ALREADY_OWNED")] {
        stage.server.sim.advance_to(UtcMs(at(midnight).0 + offset_ms));
        let part = if offset_ms < 0 { 21 } else { 10 };
        assert_eq!(stage.rewards(&viewer, title, part).await.code(), code, "{offset_ms}");
    }
    assert_eq!(stage.watches(&viewer, title, 20).await, "unlock");

    // A week's membership opens what is locked, and is no unlock.
    stage.membership(&viewer, LAPSES).await;
    assert_eq!(stage.watches(&viewer, title, 21).await, "membership");
    assert_eq!(stage.watches(&viewer, title, 11).await, "unlock");
    assert_eq!(stage.unlocks(&viewer, title, 21, 60).await.code(), "ALREADY_OWNED");
    for (offset_ms, open, locked) in
        [(-1, "unlock", "membership"), (0, "unlock", "PAYMENT_REQUIRED"), (1, "unlock", "PAYMENT_REQUIRED")]
    {
        let instant = UtcMs(at(LAPSES).0 + offset_ms);
        stage.server.sim.advance_to(instant);
        assert_eq!(stage.watches(&viewer, title, 20).await, open, "{offset_ms}");
        assert_eq!(stage.watches(&viewer, title, 21).await, locked, "{offset_ms}");
    }

    // A place that was paid for stays: neither another order nor other terms take it.
    let asset = stage.server.asset().await;
    let fewer = json!({"assets": vec![asset; 12]});
    let answer = stage.operate(Method::PATCH, &format!("/titles/{title}"), &fewer).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::CONFLICT, "PARTS_UNLOCKED"));
    let terms =
        stage.done(Method::PATCH, &format!("/titles/{title}"), json!({"episodes": null})).await["episodes"].clone();
    assert_eq!((terms, stage.watches(&viewer, title, 11).await.as_str()), (Value::Null, "unlock"));
    let terms = json!({"episodes": {"free": 10, "coins": 60, "rewarded_per_day": 1}});
    stage.done(Method::PATCH, &format!("/titles/{title}"), terms).await;
    let log = stage.server.api(&stage.server.operator, "/operator/audit?action=title.edit").await.json();
    assert_eq!(log["data"][0]["detail"]["episodes"], json!([null, {"free": 10, "coins": 60, "rewarded_per_day": 1}]));

    // The last one opens for everybody at its instant, whatever they have.
    for (offset_ms, expected) in [(-1, "WINDOW_NOT_OPEN"), (0, "PAYMENT_REQUIRED"), (1, "PAYMENT_REQUIRED")] {
        stage.server.sim.advance_to(UtcMs(at(last_opens_at).0 + offset_ms));
        assert_eq!(stage.watches(&viewer, title, 24).await, expected, "{offset_ms}");
    }
    for (offset_ms, free, open, locked) in [
        (-1, "free", "unlock", "PAYMENT_REQUIRED"),
        (0, "WINDOW_CLOSED", "unlock", "WINDOW_CLOSED"),
        (1, "WINDOW_CLOSED", "unlock", "WINDOW_CLOSED"),
    ] {
        stage.server.sim.advance_to(UtcMs(at(CLOSES).0 + offset_ms));
        assert_eq!(stage.watches(&viewer, title, 1).await, free, "{offset_ms}");
        assert_eq!(stage.watches(&viewer, title, 11).await, open, "{offset_ms}");
        assert_eq!(stage.watches(&viewer, title, 21).await, locked, "{offset_ms}");
    }
    stage.end().await;
}

/// Two tabs, and then thirty: one debit. And Play itself, for a viewer who does not want to be asked.
pub async fn an_episode_unlocked_from_two_tabs_is_paid_for_once(backend: Backend) {
    let stage = Stage::open(backend, OPENS).await;
    let title = stage.series(OPENS).await;
    let viewer = stage.server.viewer("ada").await;
    stage.coins(&viewer, json!({"kind": "bonus", "coins": 200, "note": "Welcome"})).await;
    let (one, two) = tokio::join!(stage.unlocks(&viewer, title, 11, 60), stage.unlocks(&viewer, title, 11, 60));
    assert_eq!((one.status, two.status), (StatusCode::CREATED, StatusCode::CREATED), "{} {}", one.text(), two.text());
    assert_eq!(one.json()["id"], two.json()["id"]);
    assert_eq!(stage.wallet(&viewer).await, 140);
    let tabs = (0..30).map(|_| stage.unlocks(&viewer, title, 12, 60));
    let answers = futures_util::future::join_all(tabs).await;
    let ids: std::collections::BTreeSet<String> =
        answers.iter().filter_map(|answer| answer.json()["id"].as_str().map(str::to_owned)).collect();
    assert_eq!(ids.len(), 1, "{}", answers[0].text());
    assert_eq!(stage.wallet(&viewer).await, 80);

    assert_eq!(stage.watches(&viewer, title, 13).await, "PAYMENT_REQUIRED", "nobody is charged unasked");
    let url = format!("{}/api/v1/me/wallet", stage.server.base);
    let switch = stage.server.client.patch(url).bearer_auth(&viewer.token).json(&json!({"auto_unlock": true}));
    assert_eq!(stage.server.send(switch).await.json()["auto_unlock"], true);
    assert_eq!(stage.watches(&viewer, title, 13).await, "unlock");
    assert_eq!(stage.watches(&viewer, title, 13).await, "unlock");
    assert_eq!(stage.wallet(&viewer).await, 20);
    assert_eq!(stage.watches(&viewer, title, 14).await, "PAYMENT_REQUIRED", "there is not enough left");
    stage.coins(&viewer, json!({"kind": "bonus", "coins": 1000, "note": "More"})).await;
    let dearer = json!({"episodes": {"free": 10, "coins": 61, "rewarded_per_day": 1}});
    stage.done(Method::PATCH, &format!("/titles/{title}"), dearer).await;
    assert_eq!(stage.watches(&viewer, title, 14).await, "PAYMENT_REQUIRED", "it never paid so much before");
    assert_eq!(stage.wallet(&viewer).await, 1020);

    // What is left of a lot is taken back, and what it was spent on stays.
    let lots = stage.server.api(&viewer.token, "/me/wallet").await.json();
    // Of two lots of one instant either may come first.
    let first = lots["lots"].as_array().unwrap().iter().find(|lot| lot["coins"] == 200).unwrap();
    let lot = first["id"].as_str().unwrap();
    let void = format!("/coin-lots/{lot}/void");
    let voided = stage.done(Method::POST, &void, json!({"reason": "fraud"})).await;
    assert_eq!((&voided["left"], &voided["spent"]), (&json!(0), &json!(180)));
    assert_eq!(stage.wallet(&viewer).await, 1000);
    assert_eq!(stage.watches(&viewer, title, 13).await, "unlock");
    stage.end().await;
}
