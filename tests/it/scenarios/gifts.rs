//! Gift codes: where they are redeemed, and by how many at once.

use std::time::Duration;

use marquee::base::clock::UtcMs;
use marquee::base::id::ViewerId;
use marquee::store::check;
use marquee::store::db::account::{Bearer, Viewer};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Backend, Sold, Stage, at, code, pvod, window};
use crate::server::{Answer, TestViewer};

const OPENS: &str = "2027-01-15T20:00:00+08:00";
const HANDS: usize = 30;

impl Stage {
    /// Codes for an offer, and their batch.
    async fn codes(&self, sold: &Sold, count: usize, expires_at: &str) -> (String, Vec<String>) {
        let batch = json!({"title_id": sold.title, "offer_id": sold.offer, "count": count, "expires_at": expires_at});
        let made = self.from("CN", &self.server.operator, "/operator/voucher-batches", &batch).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
        let made = made.json();
        let codes = made["codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned());
        (made["batch"]["id"].as_str().unwrap().to_owned(), codes.collect())
    }

    async fn redeems(&self, territory: &str, viewer: &TestViewer, code: &str) -> Answer {
        self.from(territory, &viewer.token, "/vouchers/redeem", &json!({"code": code})).await
    }

    async fn redeemed(&self, batch: &str) -> Value {
        let batches = self.done(Method::GET, "/voucher-batches", json!({})).await;
        batches["data"].as_array().unwrap().iter().find(|row| row["id"] == batch).unwrap()["redeemed"].clone()
    }
}

/// Given to somebody in Germany, where the title is not licensed, before it has opened in China: the code waits.
pub async fn a_code_that_is_refused_is_intact(backend: Backend) {
    let stage = Stage::open(backend, "2027-01-15T19:00:00+08:00").await;
    let title = stage.title("雾港孤刀", "NL").await;
    let sold = stage.sell(title, window("vod", &["CN"], OPENS, None), pvod()).await;
    let ends = "2027-01-20T20:00:00+08:00";
    let (batch, codes) = stage.codes(&sold, 3, ends).await;
    let [ann, ben, cat] =
        [stage.server.viewer("ann").await, stage.server.viewer("ben").await, stage.server.viewer("cat").await];
    for (offset_ms, expected) in [(-1, "WINDOW_NOT_OPEN"), (0, "-"), (1, "-")] {
        stage.server.advance_to(at(OPENS), offset_ms);
        let refused = stage.redeems("DE", &ann, &codes[0]).await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::FORBIDDEN, "GEO_NOT_LICENSED"));
        assert_eq!(refused.json()["rule"], "territory");
        let here = stage.redeems("CN", &ben, &codes[1]).await;
        assert_eq!(here.code(), expected, "{offset_ms}");
    }
    assert_eq!(stage.redeemed(&batch).await, json!(1), "what was refused is not used up");
    assert_eq!(stage.server.api(&ann.token, "/grants").await.json()["data"], json!([]));

    // Four days later, at home, and a millisecond before it is too late.
    stage.server.advance_to(at(ends), -1);
    let given = stage.redeems("CN", &ann, &codes[0]).await;
    assert_eq!(given.status, StatusCode::CREATED, "{}", given.text());
    assert_eq!(stage.redeemed(&batch).await, json!(2));
    assert_eq!(stage.plays(&ann, title).await.unwrap()["via"], "grant");
    assert_eq!(code(&stage.opens_in("DE", &ann, title).await), "GEO_NOT_LICENSED");
    for offset_ms in [0, 1] {
        stage.server.advance_to(at(ends), offset_ms);
        assert_eq!(stage.redeems("CN", &cat, &codes[2]).await.code(), "VOUCHER_EXPIRED", "{offset_ms}");
        assert_eq!(stage.redeems("CN", &ann, &codes[0]).await.status, StatusCode::CREATED, "answered alike");
    }
    stage.end().await;
}

/// Each code is tried by everybody at one moment; what it gives is over before the next one is tried.
pub async fn each_code_in_thirty_hands_is_one_grant(backend: Backend) {
    let count = match backend {
        Backend::Sqlite => 30,
        Backend::Postgres => 12,
    };
    let stage = Stage::open(backend, OPENS).await;
    let title = stage.title("雾港孤刀", "NL").await;
    let hour = json!({"kind": "rental", "list_price": {"amount": 1800, "currency": "CNY"},
        "clock": {"on_purchase": {"watch_s": 3600}}});
    let sold = stage.sell(title, window("vod", &["CN"], OPENS, None), hour).await;
    let (batch, codes) = stage.codes(&sold, count, "2027-02-15T20:00:00+08:00").await;
    let mut hands = Vec::new();
    for hand in 0..HANDS {
        let (id, email) = (ViewerId::new(stage.server.now()), format!("hand{hand}@test.example"));
        let viewer = Viewer { id, email, display_name: String::new(), language: None, created_at: stage.server.now() };
        stage.server.app.db.insert_viewer(&viewer, "").await.unwrap();
        hands.push(TestViewer { id, token: stage.server.app.accounts.issue_token(Bearer::Viewer(id)).await.unwrap() });
    }
    for code in &codes {
        let answers = futures_util::future::join_all(hands.iter().map(|hand| stage.redeems("CN", hand, code))).await;
        let given = answers.iter().filter(|answer| answer.status == StatusCode::CREATED).count();
        let used = answers.iter().filter(|answer| answer.code() == "VOUCHER_USED").count();
        assert_eq!((given, used), (1, HANDS - 1));
        let next: UtcMs = stage.server.now() + Duration::from_secs(3600);
        stage.server.sim.advance_to(next);
    }
    let mut grants = 0;
    for hand in &hands {
        grants += stage.server.app.db.grants(hand.id, None).await.unwrap().len();
    }
    assert_eq!((grants, stage.redeemed(&batch).await), (count, json!(count)));
    let report = check::check(&*stage.server.app.db).await.unwrap();
    assert_eq!((report.vouchers, report.grants, report.findings), (count as u64, count as u64, vec![]));
    stage.end().await;
}
