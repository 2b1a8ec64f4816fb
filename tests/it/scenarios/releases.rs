//! Day and date: scenario 10.

use marquee::base::clock::UtcMs;
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{Backend, Stage, at, code, window};

const OPENINGS: [(&str, &str); 5] = [
    ("AU", "2027-04-01T13:00:00Z"),
    ("JP", "2027-04-01T15:00:00Z"),
    ("CN", "2027-04-01T16:00:00Z"),
    ("DE", "2027-04-01T22:00:00Z"),
    ("US", "2027-04-02T04:00:00Z"),
];

/// *Last Ferry*, on 2 April 2027 in five territories.
pub async fn a_date_opens_in_each_territory_at_its_midnight(backend: Backend) {
    let stage = Stage::open(backend, "2027-03-25T00:00:00Z").await;
    let title = stage.title("Last Ferry", "NL").await;
    let path = format!("/titles/{title}/release-dates");
    let dates = json!({"license_type": "svod", "territories": {"include": OPENINGS.map(|(code, _)| code)},
        "start_date": "2027-04-02", "end_date": "2027-07-01"});
    let made = stage.done(Method::POST, &path, dates.clone()).await;
    let opens: Vec<_> = made["data"].as_array().unwrap().iter().map(|avail| avail["start_at"].clone()).collect();
    assert_eq!(opens, OPENINGS.map(|(_, opens)| json!(at(opens))));
    assert_eq!(
        (&made["data"][1]["zone"], &made["data"][1]["territories"]["include"]),
        (&json!("Asia/Tokyo"), &json!(["JP"]))
    );
    // All of it or nothing: one territory more, and none of it is written.
    let again = json!({"license_type": "svod", "territories": {"include": ["BR", "DE"]}, "start_date": "2027-05-01"});
    let refused = stage.operate(Method::POST, &path, &again).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::CONFLICT, "AVAIL_CONFLICT"));
    assert_eq!(refused.json()["conflicts"].as_array().map(Vec::len), Some(1));
    assert_eq!(refused.json()["conflicts"][0]["territories"]["include"], json!(["DE"]));
    let avails = stage.done(Method::GET, &format!("/titles/{title}/avails"), json!({})).await;
    assert_eq!(avails["data"].as_array().map(Vec::len), Some(5));
    for (body, expected) in [
        (
            json!({"license_type": "avod", "territories": {"include": ["DE"]}, "start_date": "2027-02-30"}),
            "FIELD_INVALID",
        ),
        (
            json!({"license_type": "avod", "territories": {"include": ["DE"], "exclude": ["DE"]}, "start_date": "2027-02-01"}),
            "FIELD_INVALID",
        ),
        (
            json!({"license_type": "avod", "territories": {"include": ["DE"]}, "start_date": "2027-02-01",
            "end_date": "2027-02-01"}),
            "WINDOW_EMPTY",
        ),
    ] {
        assert_eq!(stage.operate(Method::POST, &path, &body).await.code(), expected, "{body}");
    }

    let member = stage.server.viewer("member").await;
    stage.membership(&member, "2028-01-01T00:00:00Z").await;
    for (territory, opens) in OPENINGS {
        for (offset_ms, expected) in [(-1, "WINDOW_NOT_OPEN"), (0, "membership"), (1, "membership")] {
            let instant = UtcMs(at(opens).0 + offset_ms);
            assert_eq!(stage.explained(&member, title, territory, instant).await, expected, "{territory} {offset_ms}");
        }
    }
    stage.to("2027-04-01T13:05:00Z");
    assert_eq!(code(&stage.opens_in("AU", &member, title).await), "ok", "in Sydney it is the second of April");
    assert_eq!(code(&stage.opens_in("US", &member, title).await), "WINDOW_NOT_OPEN");
    let zones = stage.done(Method::GET, "/territory-zones", json!({})).await;
    assert!(zones["data"].as_array().unwrap().contains(&json!({"territory": "AU", "zone": "Australia/Sydney"})));
    stage.end().await;
}

/// The same at midnight of the Pacific coast, wherever one is.
pub async fn one_instant_opens_everywhere_at_once(backend: Backend) {
    let stage = Stage::open(backend, "2027-03-25T00:00:00Z").await;
    let title = stage.title("Last Ferry", "NL").await;
    let mut open = window("svod", &OPENINGS.map(|(code, _)| code), "2027-04-02T00:00:00-07:00", None);
    open["zone"] = json!("America/Los_Angeles");
    stage.avail(title, open).await;
    let member = stage.server.viewer("member").await;
    stage.membership(&member, "2028-01-01T00:00:00Z").await;
    let opens = at("2027-04-02T07:00:00Z");
    for (territory, _) in OPENINGS {
        for (offset_ms, expected) in [(-1, "WINDOW_NOT_OPEN"), (0, "membership"), (1, "membership")] {
            let instant = UtcMs(opens.0 + offset_ms);
            assert_eq!(stage.explained(&member, title, territory, instant).await, expected, "{territory} {offset_ms}");
        }
    }
    stage.server.sim.advance_to(opens);
    assert_eq!(code(&stage.opens_in("CN", &member, title).await), "ok");
    stage.end().await;
}

/// A title is kept back until it is announced: its page, its poster, its trailer, and with them what could be bought.
pub async fn nobody_is_told_of_a_title_before_it_is_announced(backend: Backend) {
    let stage = Stage::open(backend, "2027-03-25T00:00:00Z").await;
    let title = stage.title("Last Ferry", "NL").await;
    let opens = "2027-03-20T00:00:00Z";
    let sold = stage.sell(title, window("vod", &["CN"], opens, None), super::pvod()).await;
    let announced = "2027-03-26T00:00:00Z";
    let body = json!({"announced_at": announced});
    let edited = stage.done(Method::PATCH, &format!("/titles/{title}"), body).await;
    assert_eq!(edited["announced_at"], json!(at(announced)));
    let viewer = stage.server.viewer("ada").await;
    for (offset_ms, page, listed, bought) in
        [(-1, 404, 0, "OFFER_NOT_FOUND"), (0, 200, 1, "ok"), (1, 200, 1, "ALREADY_OWNED")]
    {
        stage.server.sim.advance_to(UtcMs(at(announced).0 + offset_ms));
        for path in [format!("/titles/{title}"), format!("/titles/{title}/poster.jpg")] {
            let answer = stage.server.get_from("CN", &format!("/api/v1{path}")).await;
            assert_eq!(answer.status.as_u16(), page, "{path} {offset_ms}");
        }
        let list = stage.server.get_from("CN", "/api/v1/titles").await.json();
        assert_eq!(list["data"].as_array().map(Vec::len), Some(listed), "{offset_ms}");
        assert_eq!(code(&stage.buys(&viewer, &sold).await), bought, "{offset_ms}");
    }
    stage.done(Method::PATCH, &format!("/titles/{title}"), json!({"announced_at": null})).await;
    stage.end().await;
}
