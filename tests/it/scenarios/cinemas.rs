//! Cinemas and platforms: what contracts with circuits and distributors hold back (M5, M11).

use marquee::base::clock::UtcMs;
use marquee::base::id::TitleId;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Backend, Stage, at, code, pvod, window};

fn circuit(party: &str, opens_at: &str, lag_days: u16) -> Value {
    json!({"party": party, "contract": "2027-014", "lag_days": lag_days, "territories": {"include": ["CN"]},
        "event": {"kind": "cinema_opening", "opens_at": opens_at, "zone": "Asia/Shanghai"}})
}

/// The codes, parties and days of what stands against a plan.
fn against(problem: &Value) -> Vec<(String, String, Option<i64>)> {
    let text = |conflict: &Value, name: &str| conflict[name].as_str().unwrap_or_default().to_owned();
    let conflicts = problem["conflicts"].as_array().unwrap().iter();
    conflicts.map(|one| (text(one, "code"), text(one, "party"), one["days"].as_i64())).collect()
}

impl Stage {
    async fn held(&self, title: TitleId, holdback: Value) -> Value {
        self.done(Method::POST, &format!("/titles/{title}/holdbacks"), holdback).await
    }

    /// The conflicts of a window that is refused.
    async fn refused(&self, title: TitleId, window: Value) -> Vec<(String, String, Option<i64>)> {
        let answer = self.operate(Method::POST, &format!("/titles/{title}/avails"), &window).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::CONFLICT, "AVAIL_CONFLICT"), "{window}");
        let checked = self.done(Method::POST, &format!("/titles/{title}/avails/check"), window).await;
        assert_eq!(against(&checked), against(&answer.json()), "what is checked is what is refused");
        against(&answer.json())
    }
}

/// Two circuits show a film; online waits for the stricter contract, and without it opens at one instant with the cinemas.
pub async fn online_waits_for_the_strictest_circuit(backend: Backend) {
    let stage = Stage::open(backend, "2027-01-01T00:00:00Z").await;
    let title = stage.title("雾港孤刀", "NL").await;
    let path = format!("/titles/{title}/holdbacks");
    let cinemas = "2027-03-02T00:00:00+08:00";
    let first = stage.held(title, circuit("横店院线", cinemas, 0)).await;
    assert_eq!(first["lifts_at"], json!(at(cinemas)));
    let strict = stage.held(title, circuit("博纳院线", cinemas, 6)).await;
    assert_eq!(strict["lifts_at"], json!(at("2027-03-08T00:00:00+08:00")));
    let listed = stage.done(Method::GET, &path, json!({})).await;
    let all = listed["data"].as_array().unwrap();
    assert!(all.len() == 2 && all.contains(&first) && all.contains(&strict), "{listed}");

    // Where nobody was promised anything it opens when it likes.
    stage.avail(title, window("svod", &["HK"], "2027-02-01T00:00:00+08:00", None)).await;
    let held = |days| vec![("HELD_BACK".to_owned(), "博纳院线".to_owned(), Some(days))];
    let opens_at = |offset_ms: i64| UtcMs(at("2027-03-08T00:00:00+08:00").0 + offset_ms).to_string();
    assert_eq!(stage.refused(title, window("svod", &["CN", "TW"], cinemas, None)).await, held(6));
    assert_eq!(stage.refused(title, window("svod", &["CN"], &opens_at(-1), None)).await, held(1));
    let avail = stage.avail(title, window("svod", &["CN"], &opens_at(0), None)).await;
    for (offset_ms, expected) in [(-1, 409), (0, 200), (1, 200)] {
        let to = json!({"start_at": opens_at(offset_ms)});
        let moved = stage.operate(Method::PATCH, &format!("/avails/{avail}"), &to).await;
        assert_eq!(moved.status.as_u16(), expected, "{offset_ms}");
    }

    // A contract that the plan does not keep is not signed.
    let late = stage.operate(Method::POST, &path, &circuit("中影", cinemas, 7)).await;
    assert_eq!((late.status, late.code().as_str()), (StatusCode::CONFLICT, "HOLDBACK_CONFLICT"));
    assert_eq!(against(&late.json()), [("HELD_BACK".to_owned(), "中影".to_owned(), Some(1))]);
    assert_eq!(late.json()["conflicts"][0]["avail_id"], json!(avail));
    for (bad, expected) in [
        (circuit(" ", cinemas, 0), "FIELD_INVALID"),
        (circuit("中影", cinemas, 3661), "FIELD_INVALID"),
        (
            json!({"party": "中影", "lag_days": 0, "event": {"kind": "cinema_opening", "opens_at": at(cinemas),
            "zone": "Asia/Peking"}, "territories": {"include": ["CN"]}}),
            "ZONE_INVALID",
        ),
        (json!({"party": "中影", "lag_days": 0, "event": {"kind": "premiere"}, "territories": {}}), "FIELD_INVALID"),
    ] {
        assert_eq!(stage.operate(Method::POST, &path, &bad).await.code(), expected, "{bad}");
    }

    // The circuit lets go: cinemas and platform open at one instant.
    let path = format!("/holdbacks/{}", strict["id"].as_str().unwrap());
    assert_eq!(stage.operate(Method::DELETE, &path, &json!({})).await.status, StatusCode::NO_CONTENT);
    assert_eq!(stage.operate(Method::DELETE, &path, &json!({})).await.code(), "HOLDBACK_NOT_FOUND");
    let together = |offset_ms: i64| json!({"start_at": UtcMs(at(cinemas).0 + offset_ms)});
    let early = stage.operate(Method::PATCH, &format!("/avails/{avail}"), &together(-1)).await;
    assert_eq!(early.code(), "AVAIL_CONFLICT");
    stage.done(Method::PATCH, &format!("/avails/{avail}"), together(0)).await;
    let member = stage.server.viewer("member").await;
    stage.membership(&member, "2028-01-01T00:00:00Z").await;
    for (offset_ms, expected) in [(-1, "WINDOW_NOT_OPEN"), (0, "membership"), (1, "membership")] {
        let instant = UtcMs(at(cinemas).0 + offset_ms);
        assert_eq!(stage.explained(&member, title, "CN", instant).await, expected, "{offset_ms}");
    }
    stage.end().await;
}

/// Cinemas and platform open at one instant; both move together, in one change, and neither can without the other.
pub async fn a_cinema_opening_and_the_window_online_move_together(backend: Backend) {
    let stage = Stage::open(backend, "2027-01-01T00:00:00Z").await;
    let title = stage.title("雾港孤刀", "NL").await;
    let (planned, moved) = ("2027-03-02T00:00:00+08:00", "2027-02-23T00:00:00+08:00");
    let promise = stage.held(title, circuit("横店院线", planned, 0)).await;
    let avail = stage.avail(title, window("svod", &["CN"], planned, None)).await;
    let path = format!("/titles/{title}/plan");
    let alone = json!({"moved_avails": [{"id": avail, "start_at": at(moved)}]});
    let refused = stage.operate(Method::POST, &path, &alone).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::CONFLICT, "AVAIL_CONFLICT"));
    assert_eq!(against(&refused.json()), [("HELD_BACK".to_owned(), "横店院线".to_owned(), Some(7))]);
    let together = json!({"moved_avails": [{"id": avail, "start_at": at(moved)}], "removed_holdbacks": [promise["id"]],
        "new_holdbacks": [circuit("横店院线", moved, 0)]});
    let done = stage.done(Method::POST, &path, together).await;
    assert_eq!(done["new_holdbacks"][0]["lifts_at"], json!(at(moved)));
    let member = stage.server.viewer("member").await;
    stage.membership(&member, "2028-01-01T00:00:00Z").await;
    for (offset_ms, expected) in [(-1, "WINDOW_NOT_OPEN"), (0, "membership"), (1, "membership")] {
        let instant = UtcMs(at(moved).0 + offset_ms);
        assert_eq!(stage.explained(&member, title, "CN", instant).await, expected, "{offset_ms}");
    }
    stage.end().await;
}

/// Germany waits thirty days for America, wherever America is moved to.
pub async fn a_territory_waits_for_another_ones_opening(backend: Backend) {
    let stage = Stage::open(backend, "2027-01-01T00:00:00Z").await;
    let title = stage.title("Last Ferry", "NL").await;
    let holdback = json!({"party": "Kestrel Pictures", "lag_days": 30, "territories": {"include": ["DE"]},
        "license_types": ["vod"], "event": {"kind": "window_opening", "license_type": "vod", "territory": "US"}});
    assert_eq!(stage.held(title, holdback).await["lifts_at"], Value::Null);
    let german = |start: &str| {
        let mut open = window("vod", &["DE"], start, None);
        open["zone"] = json!("Europe/Berlin");
        open
    };
    let party = "Kestrel Pictures".to_owned();
    let unplanned = stage.refused(title, german("2027-06-01T00:00:00+02:00")).await;
    assert_eq!(unplanned, [("HELD_BACK".to_owned(), party.clone(), None)]);
    // What is not meant is not held.
    stage.avail(title, window("svod", &["DE"], "2027-01-10T00:00:00Z", Some("2027-02-01T00:00:00Z"))).await;

    let mut american = window("vod", &["US", "CA"], "2027-03-01T00:00:00-05:00", None);
    american["zone"] = json!("America/New_York");
    let american = stage.avail(title, american).await;
    // Clocks go forward in New York in between.
    let early = stage.refused(title, german("2027-03-31T05:59:59.999+02:00")).await;
    assert_eq!(early, [("HELD_BACK".to_owned(), party.clone(), Some(1))]);
    let avail = stage.avail(title, german("2027-03-31T06:00:00+02:00")).await;
    let path = format!("/avails/{american}");
    let moved = stage.operate(Method::PATCH, &path, &json!({"start_at": "2027-03-03T00:00:00-05:00"})).await;
    assert_eq!(moved.code(), "AVAIL_CONFLICT");
    assert_eq!(against(&moved.json()), [("HELD_BACK".to_owned(), party, Some(2))]);
    assert_eq!(moved.json()["conflicts"][0]["avail_id"], json!(avail), "the one that would open too early");
    assert!(moved.json()["detail"].as_str().unwrap().contains("2 days too early"), "{}", moved.text());
    let gone = stage.operate(Method::DELETE, &path, &json!({})).await;
    assert_eq!((gone.status, gone.code().as_str()), (StatusCode::CONFLICT, "AVAIL_AWAITED"));
    assert_eq!(against(&gone.json()), [("HELD_BACK".to_owned(), "Kestrel Pictures".to_owned(), None)]);
    assert_eq!(gone.json()["conflicts"][0]["avail_id"], json!(avail), "the one that waits for it");
    stage.done(Method::PATCH, &path, json!({"start_at": "2027-02-27T00:00:00-05:00"})).await;
    stage.done(Method::DELETE, &format!("/avails/{avail}"), json!({})).await;
    stage.done(Method::DELETE, &path, json!({})).await;
    stage.end().await;
}

/// The circuit's opening stands in its deal alone: the cloud cinema opens with it at one instant, and follows where it goes.
pub async fn online_waits_for_the_deal_of_a_circuit(backend: Backend) {
    let stage = Stage::open(backend, "2027-01-01T00:00:00Z").await;
    let title = stage.title("雾港孤刀", "NL").await;
    let circuit = stage.party("横店院线", "circuit", None).await;
    let opens = "2027-03-02T00:00:00+08:00";
    let deal = stage.deal(title, &circuit, json!({"kind": "cinema"}), &["CN"], opens, None).await;
    let counts = |deal: &str| {
        json!({"party": "横店院线", "event": {"kind": "deal_opening", "deal_id": deal}, "lag_days": 0,
            "territories": {"include": ["CN"]}, "license_types": []})
    };
    let path = format!("/titles/{title}/holdbacks");
    let unknown = stage.operate(Method::POST, &path, &counts("dea_00000000000000000000000001")).await;
    assert_eq!((unknown.status.as_u16(), unknown.code()), (422, "DEAL_NOT_FOUND".into()), "{}", unknown.text());
    let holdback = stage.held(title, counts(&deal)).await;
    assert_eq!((&holdback["event_at"], &holdback["lifts_at"]), (&json!(at(opens)), &json!(at(opens))));
    let start = |offset_ms: i64| window("vod", &["CN"], &UtcMs(at(opens).0 + offset_ms).to_string(), None);
    let early = ("HELD_BACK".to_owned(), "横店院线".to_owned(), Some(1));
    assert_eq!(stage.refused(title, start(-1)).await, [early]);
    let sold = stage.sell(title, start(0), pvod()).await;

    // A later opening would leave the window early; first that is moved, then the deal.
    let later = "2027-03-09T00:00:00+08:00";
    let to = json!({"start_at": later});
    let path = format!("/deals/{deal}");
    let refused = stage.operate(Method::PATCH, &path, &to).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (409, "DEAL_AWAITED".into()));
    assert!(refused.text().contains("by 7 days"), "{}", refused.text());
    let avails = stage.done(Method::GET, &format!("/titles/{title}/avails"), json!({})).await;
    let avail = avails["data"][0]["id"].as_str().unwrap();
    let waits = |days: Option<i64>, to: Value| {
        json!([{"avail_id": avail, "license_type": "vod", "territories": {"include": ["CN"], "exclude": []},
            "from": at(opens), "to": to, "days": days, "code": "HELD_BACK",
            "says": "The window opens before a contract allows it.", "holdback_id": holdback["id"],
            "party": "横店院线", "deal_id": null, "party_id": null}])
    };
    assert_eq!(refused.json()["conflicts"], waits(Some(7), json!(at(later))), "what would open too early");
    let gone = stage.operate(Method::DELETE, &path, &json!({})).await;
    assert_eq!((gone.status.as_u16(), gone.code()), (409, "DEAL_AWAITED".into()));
    assert_eq!(gone.json()["conflicts"], waits(None, Value::Null), "what would wait for nothing");
    stage.done(Method::PATCH, &format!("/avails/{avail}"), to.clone()).await;
    stage.done(Method::PATCH, &path, to).await;
    let listed = stage.done(Method::GET, &format!("/titles/{title}/holdbacks"), json!({})).await;
    assert_eq!(listed["data"][0]["lifts_at"], json!(at(later)));
    let viewer = stage.server.viewer("viewer").await;
    for (offset_ms, expected) in [(-1, "WINDOW_NOT_OPEN"), (0, "ok")] {
        stage.server.sim.advance_to(UtcMs(at(later).0 + offset_ms));
        assert_eq!(code(&stage.buys(&viewer, &sold).await), expected, "{offset_ms}");
    }
    stage.end().await;
}
