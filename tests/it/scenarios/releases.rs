//! Day and date: scenario 10.

use marquee::base::clock::UtcMs;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Backend, Sold, Stage, at, code, rental, window};

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

/// 《雾港孤刀》 is to come to members on 25 January and not on the 29th. What a member and a buyer would be told then is asked
/// before it is saved, and is what they are told afterwards.
pub async fn a_plan_is_explained_before_it_is_saved(backend: Backend) {
    let stage = Stage::open(backend, "2027-01-10T20:00:00+08:00").await;
    let title = stage.title("雾港孤刀", "NL").await;
    let (opens, planned, moved) =
        ("2027-01-15T20:00:00+08:00", "2027-01-29T20:00:00+08:00", "2027-01-25T20:00:00+08:00");
    let mut offer = rental(1499);
    offer["presale_from_at"] = json!(at("2027-01-09T20:00:00+08:00"));
    let paid = stage.avail(title, window("vod", &["CN"], opens, Some(planned))).await;
    let sold = Sold { title, offer: stage.made(&format!("/avails/{paid}/offers"), offer).await };
    let members = stage.avail(title, window("svod", &["CN"], planned, None)).await;
    let (member, buyer) = (stage.server.viewer("member").await, stage.server.viewer("buyer").await);
    stage.membership(&member, "2028-01-01T00:00:00+08:00").await;
    stage.buys(&buyer, &sold).await.unwrap();
    let (plan, asked) = (format!("/titles/{title}/plan"), format!("/titles/{title}/plan/explain"));
    let later = "2027-01-16T20:00:00+08:00";
    let change = json!({"moved_avails": [{"id": paid, "start_at": at(later), "end_at": at(moved)},
        {"id": members, "start_at": at(moved)}]});

    for (part, code) in [(0, "PART_NOT_FOUND"), (1, "ok"), (2, "PART_NOT_FOUND")] {
        let path = format!("/explain?title_id={title}&territory=CN&part={part}");
        let question = json!({"plan": change, "territory": "CN", "part": part});
        for answer in
            [stage.operate(Method::GET, &path, &json!({})).await, stage.operate(Method::POST, &asked, &question).await]
        {
            assert_eq!(if answer.status.is_success() { "ok".into() } else { answer.code() }, code, "{part}");
        }
    }

    let db = &stage.server.app.db;
    let lines = async || stage.done(Method::GET, "/audit", json!({})).await;
    let (rights, audit) = (db.rights_of(title).await.unwrap(), lines().await);
    let moments = [(&member, moved), (&member, "2027-01-26T20:00:00+08:00"), (&buyer, opens), (&buyer, later)];
    let mut told = Vec::new();
    for (viewer, instant) in moments {
        for offset_ms in [-1, 0, 1] {
            let instant = UtcMs(at(instant).0 + offset_ms);
            let now = stage.explained(viewer, title, "CN", instant).await;
            let question = json!({"plan": change, "viewer_id": viewer.id, "territory": "CN", "at": instant});
            let mut answer = stage.done(Method::POST, &asked, question).await;
            let dry = answer.as_object_mut().unwrap().remove("plan").unwrap();
            assert_eq!(dry["moved_avails"].as_array().unwrap().len(), 2, "{dry}");
            told.push((viewer, instant, now, answer));
        }
    }
    let outcome = |answer: &Value| answer["code"].as_str().or(answer["via"].as_str()).unwrap().to_owned();
    let outcomes: Vec<_> = told.iter().map(|(_, _, now, then)| (now.clone(), outcome(then))).collect();
    let expected = [
        ("PAYMENT_REQUIRED", "PAYMENT_REQUIRED"),
        ("PAYMENT_REQUIRED", "membership"),
        ("PAYMENT_REQUIRED", "membership"),
        ("PAYMENT_REQUIRED", "membership"),
        ("PAYMENT_REQUIRED", "membership"),
        ("PAYMENT_REQUIRED", "membership"),
        ("WINDOW_NOT_OPEN", "WINDOW_NOT_OPEN"),
        ("grant", "WINDOW_NOT_OPEN"),
        ("grant", "WINDOW_NOT_OPEN"),
        ("grant", "WINDOW_NOT_OPEN"),
        ("grant", "grant"),
        ("grant", "grant"),
    ];
    assert_eq!(outcomes, expected.map(|(now, then)| (now.to_owned(), then.to_owned())));
    // What the dry run refuses is refused, and of nobody nothing is told.
    let alone =
        json!({"moved_avails": [{"id": paid, "end_at": null}], "new_avails": [window("vod", &["CN"], planned, None)]});
    for (question, refusal) in [
        (json!({"plan": alone}), (StatusCode::CONFLICT, "AVAIL_CONFLICT")),
        (json!({"plan": {"removed_avails": [paid]}}), (StatusCode::CONFLICT, "AVAIL_IN_USE")),
        (
            json!({"plan": change, "viewer_id": "vwr_00000000000000000000000000"}),
            (StatusCode::NOT_FOUND, "VIEWER_NOT_FOUND"),
        ),
    ] {
        let refused = stage.operate(Method::POST, &asked, &question).await;
        assert_eq!((refused.status, refused.code().as_str()), refusal, "{question}");
    }
    assert_eq!((db.rights_of(title).await.unwrap(), lines().await), (rights, audit), "nothing is written");

    stage.done(Method::POST, &plan, change).await;
    for (viewer, instant, _, answer) in told {
        let path = format!("/operator/explain?title_id={title}&viewer_id={}&territory=CN&at={instant}", viewer.id);
        assert_eq!(stage.server.api(&stage.server.operator, &path).await.json(), answer, "{instant}");
    }
    stage.end().await;
}
