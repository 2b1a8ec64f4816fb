//! Purchases and their clocks: scenarios 1, 2, 3, 9 and 18.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::{Backend, Stage, at, code, pvod, rental, window};
use marquee::base::clock::UtcMs;

const PVOD: (&str, &str) = ("2027-01-15T20:00:00+08:00", "2027-01-29T20:00:00+08:00");
const SVOD_END: &str = "2027-07-28T20:00:00+08:00";

/// 《雾港孤刀》 U1 is a member until 17 January, pays ¥9.00 the evening before, and watches until 18 January, 21:00.
pub async fn a_member_price_outlives_the_membership(backend: Backend) {
    let stage = Stage::open(backend, "2027-01-10T20:00:00+08:00").await;
    let title = stage.title("雾港孤刀", "NL").await;
    let sold = stage.sell(title, window("vod", &["CN"], PVOD.0, Some(PVOD.1)), pvod()).await;
    let u1 = stage.server.viewer("u1").await;
    stage.membership(&u1, "2027-01-17T00:00:00+08:00").await;

    for (offset_ms, expected) in [(-1, "WINDOW_NOT_OPEN"), (0, "ok")] {
        stage.server.advance_to(at(PVOD.0), offset_ms);
        let somebody = stage.server.viewer(&format!("early{}", offset_ms + 1)).await;
        assert_eq!(code(&stage.buys(&somebody, &sold).await), expected, "{offset_ms}");
    }
    stage.to("2027-01-16T21:00:00+08:00");
    let purchase = stage.buys(&u1, &sold).await.unwrap();
    assert_eq!(purchase["price"], json!({"amount": 900, "currency": "CNY"}));
    assert_eq!(code(&stage.buys(&u1, &sold).await), "ALREADY_OWNED");
    stage.to("2027-01-17T22:00:00+08:00");
    let end = at("2027-01-18T21:00:00+08:00");
    let opened = stage.plays(&u1, title).await.unwrap();
    assert_eq!(opened["ends_at"], json!(end));
    for (offset_ms, expected, on_key) in
        [(-1, "ok", "ok"), (0, "RENTAL_EXPIRED", "RENTAL_EXPIRED"), (1, "RENTAL_EXPIRED", "RENTAL_EXPIRED")]
    {
        let instant = UtcMs(end.0 + offset_ms);
        let said = stage.explained(&u1, title, "CN", instant).await;
        assert_eq!(said == "grant", expected == "ok", "{said}");
        stage.server.sim.advance_to(instant);
        assert_eq!(stage.goes_on(&opened).await, on_key, "{offset_ms}");
        if expected != "ok" {
            assert_eq!(code(&stage.opens_in("CN", &u1, title).await), expected);
        }
    }
    stage.end().await;
}

/// *The Salt Ledger*: bought on 1 March at 10:00Z; started on 31 March, a minute before it is too late, or too late.
pub async fn a_rental_is_started_in_time_or_not_at_all(backend: Backend) {
    let stage = Stage::open(backend, "2027-03-01T10:00:00Z").await;
    let title = stage.title("The Salt Ledger", "NL").await;
    let open = window("vod", &["DE", "CN"], "2027-03-01T00:00:00Z", None);
    let sold = stage.sell(title, open, rental(1499)).await;
    let hard_title = stage.title("The Salt Ledger, cut short", "NL").await;
    let mut hard_window = window("vod", &["DE", "CN"], "2027-03-01T00:00:00Z", None);
    hard_window["hard_end_at"] = json!("2027-03-31T11:00:00Z");
    let hard = stage.sell(hard_title, hard_window, rental(1499)).await;
    let (first, other) = (stage.server.viewer("first").await, stage.server.viewer("other").await);
    for viewer in [&first, &other] {
        stage.buys_in("DE", viewer, &sold).await.unwrap();
        stage.buys_in("DE", viewer, &hard).await.unwrap();
    }

    stage.to("2027-03-31T09:59:00Z");
    // Where there is a hard end, it is said before Play.
    let viewer = stage.server.signed_in_again(&first).await;
    let shown = stage.server.api(&viewer.token, &format!("/titles/{hard_title}")).await.json();
    assert_eq!(shown["decision"]["plays_until"], json!(at("2027-03-31T11:00:00Z")), "{}", shown["decision"]);
    let played = stage.plays_in("DE", &first, title).await.unwrap();
    let cut = stage.plays_in("DE", &first, hard_title).await.unwrap();
    let grants = stage.server.api(&viewer.token, "/grants").await.json();
    let expires = |title| {
        let grants = grants["data"].as_array().unwrap();
        grants.iter().find(|grant| grant["title_id"] == json!(title)).unwrap()["expires_at"].clone()
    };
    assert_eq!(expires(title), json!(at("2027-04-02T09:59:00Z")));
    assert_eq!(expires(hard_title), json!(at("2027-03-31T11:00:00Z")));

    let late = at("2027-03-31T10:00:00Z");
    for (offset_ms, expected) in [(-1, "grant"), (0, "START_BY_PASSED"), (1, "START_BY_PASSED")] {
        let instant = UtcMs(late.0 + offset_ms);
        assert_eq!(stage.explained(&other, title, "DE", instant).await, expected);
    }
    stage.server.sim.advance_to(late);
    assert_eq!(code(&stage.opens_in("DE", &other, title).await), "START_BY_PASSED");
    for (offset_ms, expected) in [(-1, 200), (0, 401), (1, 401)] {
        stage.server.advance_to(at("2027-03-31T11:00:00Z"), offset_ms);
        assert_eq!(stage.key("DE", &cut).await.status.as_u16(), expected, "{offset_ms}");
        assert_eq!(stage.key("DE", &played).await.status.as_u16(), 200);
    }
    stage.end().await;
}

/// A rental that waits to be started, of somebody who is a member when members get the title, for a day: meanwhile the
/// membership is used, and counted, and the rental's clock stands.
pub async fn a_member_starts_no_rental_that_the_membership_spares(backend: Backend) {
    let (opens, lapse) = ("2027-03-02T14:00:00Z", "2027-03-03T14:00:00Z");
    let stage = Stage::open(backend, "2027-03-01T10:00:00Z").await;
    let title = stage.title("The Salt Ledger", "NL").await;
    let sold = stage.sell(title, window("vod", &["CN"], "2027-03-01T00:00:00Z", None), rental(1499)).await;
    let members = stage.avail(title, window("svod", &["CN"], opens, None)).await;
    let viewer = stage.server.viewer("viewer").await;
    stage.membership(&viewer, lapse).await;
    stage.buys(&viewer, &sold).await.unwrap();
    let first_play = async || {
        let viewer = stage.server.signed_in_again(&viewer).await;
        stage.server.api(&viewer.token, "/grants").await.json()["data"][0]["first_play_at"].clone()
    };
    for (instant, offset_ms, via) in [
        (opens, -1, "grant"),
        (opens, 0, "membership"),
        (opens, 1, "membership"),
        (lapse, -1, "membership"),
        (lapse, 0, "grant"),
        (lapse, 1, "grant"),
    ] {
        stage.server.advance_to(at(instant), offset_ms);
        let is_rented = via == "grant";
        // A session alone starts nothing; its first key does, and at the opening none is asked for yet.
        let opened = stage.opens_in("CN", &viewer, title).await.unwrap();
        let is_first = first_play().await == Value::Null;
        assert_eq!(
            (&opened["via"], &opened["starts_clock"]),
            (&json!(via), &json!(is_rented && is_first)),
            "{offset_ms}"
        );
        let id: marquee::base::id::SessionId = opened["id"].as_str().unwrap().parse().unwrap();
        let counted = stage.server.app.db.session(id).await.unwrap().unwrap().entitlement.avail_id.unwrap().to_string();
        assert_eq!(counted == members, !is_rented, "what it is attributed to");
        if instant == opens && is_rented {
            stage.server.app.sessions.end(id).await.unwrap();
            continue;
        }
        assert_eq!(stage.goes_on(&opened).await, "ok");
        let started = if is_rented { json!(at(lapse)) } else { Value::Null };
        assert_eq!(first_play().await, started, "{instant} {offset_ms}");
        stage.server.app.sessions.end(id).await.unwrap();
    }
    stage.end().await;
}

/// 《雾港孤刀》 on 29 January at 20:00: sale ends, members come in, who watches goes on.
pub async fn a_window_flips_while_people_watch(backend: Backend) {
    let stage = Stage::open(backend, "2027-01-29T18:00:00+08:00").await;
    let title = stage.title("雾港孤刀", "NL").await;
    let sold = stage.sell(title, window("vod", &["CN"], PVOD.0, Some(PVOD.1)), pvod()).await;
    stage.avail(title, window("svod", &["CN"], PVOD.1, Some(SVOD_END))).await;
    let [u2, u3, u4, u5] = [
        stage.server.viewer("u2").await,
        stage.server.viewer("u3").await,
        stage.server.viewer("u4").await,
        stage.server.viewer("u5").await,
    ];
    stage.membership(&u4, "2028-01-01T00:00:00+08:00").await;
    stage.membership(&u5, "2028-01-01T00:00:00+08:00").await;
    stage.to("2027-01-29T19:00:00+08:00");
    assert_eq!(stage.buys_soon(&u4, &sold, PVOD.1).await["price"]["amount"], 900);
    stage.to("2027-01-29T19:30:00+08:00");
    assert_eq!(stage.buys_soon(&u2, &sold, PVOD.1).await["price"]["amount"], 1800);
    stage.to("2027-01-29T19:40:00+08:00");
    let watching = stage.plays(&u2, title).await.unwrap();
    assert_eq!(watching["via"], "grant", "{watching}");

    stage.server.advance_to(at(PVOD.1), -1);
    assert_eq!(code(&stage.opens_in("CN", &u5, title).await), "PAYMENT_REQUIRED");
    stage.to(PVOD.1);
    assert_eq!(stage.goes_on(&watching).await, "ok");
    let body = json!({"offer_id": sold.offer, "payment": {"method": "sandbox", "outcome": "paid"}});
    let refused = stage.from("CN", &u3.token, "/purchases", &body).await;
    assert_eq!((refused.code().as_str(), &refused.json()["next"]), ("WINDOW_CLOSED", &json!([{"action": "join"}])));
    assert_eq!(stage.plays(&u5, title).await.unwrap()["via"], "membership");
    stage.to("2027-01-29T20:30:00+08:00");
    let of_u4 = stage.plays(&u4, title).await.unwrap();
    assert_eq!(of_u4["via"], "grant", "what runs is paid already");
    stage.to("2027-01-31T18:59:59+08:00");
    assert_eq!(stage.plays(&u4, title).await.map(|opened| opened["via"].clone()), Ok(json!("grant")));
    let end = at("2027-01-31T19:00:00+08:00");
    for (offset_ms, expected) in [(-1, "grant"), (0, "membership"), (1, "membership")] {
        assert_eq!(stage.explained(&u4, title, "CN", UtcMs(end.0 + offset_ms)).await, expected);
    }
    let end = at("2027-01-31T19:30:00+08:00");
    for (offset_ms, expected) in [(-1, "grant"), (0, "RENTAL_EXPIRED"), (1, "RENTAL_EXPIRED")] {
        assert_eq!(stage.explained(&u2, title, "CN", UtcMs(end.0 + offset_ms)).await, expected);
    }
    stage.end().await;
}

/// A rental bought in Germany, licensed in Germany and France; the United States are somebody else's.
pub async fn a_renter_travels(backend: Backend) {
    let stage = Stage::open(backend, "2027-03-01T10:00:00Z").await;
    let title = stage.title("The Salt Ledger", "NL").await;
    let open = window("vod", &["DE", "FR"], "2027-03-01T00:00:00Z", None);
    let sold = stage.sell(title, open, rental(1499)).await;
    let viewer = stage.server.viewer("traveller").await;
    stage.buys_in("DE", &viewer, &sold).await.unwrap();
    let first_play = async || {
        let viewer = stage.server.signed_in_again(&viewer).await;
        stage.server.api(&viewer.token, "/grants").await.json()["data"][0]["first_play_at"].clone()
    };
    assert_eq!(code(&stage.plays_in("US", &viewer, title).await), "GEO_NOT_LICENSED");
    assert_eq!(first_play().await, Value::Null, "what is refused starts no clock");
    let opened = stage.plays_in("FR", &viewer, title).await.unwrap();
    assert_eq!(first_play().await, json!(stage.server.now()));
    assert_eq!(outcome_in(&stage, "US", &opened).await, "GEO_NOT_LICENSED", "a session does not cross either");
    assert_eq!(outcome_in(&stage, "DE", &opened).await, "200");
    assert_eq!(code(&stage.buys_in("US", &stage.server.viewer("american").await, &sold).await), "GEO_NOT_LICENSED");
    stage.end().await;
}

/// A film that is licensed in Germany alone: who lives there rents and watches it in France too, and nowhere else.
pub async fn who_lives_in_the_union_takes_films_along(backend: Backend) {
    let stage = Stage::open(backend, "2027-03-01T10:00:00Z").await;
    let title = stage.title("Elbe", "NL").await;
    let sold = stage.sell(title, window("vod", &["DE"], "2027-03-01T00:00:00Z", None), rental(1499)).await;
    let viewer = stage.server.viewer("traveller").await;
    assert_eq!(code(&stage.buys_in("FR", &viewer, &sold).await), "GEO_NOT_LICENSED");
    let path = format!("/viewers/{}/home", viewer.id);
    for (home, param) in [
        (json!({"territory": "DE", "means": ["ip_address", "declaration"]}), "means"),
        (json!({"territory": "DE", "means": ["identity_card", "utility_bill", "local_taxes"]}), "means"),
        (json!({"territory": "US", "means": ["identity_card"]}), "territory"),
    ] {
        let refused = stage.operate(Method::PUT, &path, &home).await;
        assert_eq!((refused.code().as_str(), &refused.json()["param"]), ("HOME_INVALID", &json!(param)), "{home}");
    }
    stage.done(Method::PUT, &path, json!({"territory": "DE", "means": ["payment_details", "ip_address"]})).await;
    let bought = stage.buys_in("FR", &viewer, &sold).await.unwrap();
    let sale = format!("/operator/purchases/{}", bought["id"].as_str().unwrap());
    let sale = stage.server.api(&stage.server.operator, &sale).await.json();
    assert_eq!(sale["territory"], "DE", "deemed to be bought at home");
    let opened = stage.plays_in("FR", &viewer, title).await.unwrap();
    assert_eq!(stage.explained(&viewer, title, "FR", stage.server.now()).await, "grant");
    for (place, expected) in [("DE", "200"), ("IS", "200"), ("CH", "GEO_NOT_LICENSED"), ("US", "GEO_NOT_LICENSED")] {
        assert_eq!(outcome_in(&stage, place, &opened).await, expected, "{place}");
    }
    let me = stage.server.api(&stage.server.signed_in_again(&viewer).await.token, "/me").await.json();
    assert_eq!(me["home"], "DE");
    // Once it is forgotten, it matters where they are: a session that is open keeps to what it was opened with.
    stage.done(Method::DELETE, &path, json!({})).await;
    assert_eq!(outcome_in(&stage, "FR", &opened).await, "200");
    assert_eq!(code(&stage.opens_in("FR", &viewer, title).await), "GEO_NOT_LICENSED");
    stage.end().await;
}

async fn outcome_in(stage: &Stage, territory: &str, opened: &Value) -> String {
    crate::server::outcome(&stage.key(territory, opened).await)
}

/// A second stream of one rental is refused until 90 s after the last sign of the first.
pub async fn one_rental_plays_in_one_place(backend: Backend) {
    let stage = Stage::open(backend, "2027-03-01T10:00:00Z").await;
    let title = stage.title("The Salt Ledger", "NL").await;
    let sold = stage.sell(title, window("vod", &["CN"], "2027-03-01T00:00:00Z", None), rental(1499)).await;
    let viewer = stage.server.viewer("two-screens").await;
    stage.buys(&viewer, &sold).await.unwrap();
    stage.plays(&viewer, title).await.unwrap();
    let last = stage.server.now();
    assert_eq!(code(&stage.opens_in("CN", &viewer, title).await), "TOO_MANY_STREAMS");
    stage.server.sim.advance_to(last + Duration::from_millis(89_999));
    assert_eq!(code(&stage.opens_in("CN", &viewer, title).await), "TOO_MANY_STREAMS");
    stage.server.sim.advance_to(last + Duration::from_secs(90));
    assert_eq!(code(&stage.opens_in("CN", &viewer, title).await), "ok");
    stage.end().await;
}

/// *The Salt Ledger* is bought, started and given back, and its renter is a member for an hour: whoever asks afterwards is
/// told of each instant what was said then, step by step.
pub async fn the_past_is_explained_as_it_was(backend: Backend) {
    let stage = Stage::open(backend, "2027-03-01T09:00:00Z").await;
    let title = stage.title("The Salt Ledger", "NL").await;
    let sold = stage.sell(title, window("vod", &["CN"], "2027-03-01T00:00:00Z", None), rental(1499)).await;
    stage.avail(title, window("svod", &["CN"], "2027-03-02T14:00:00Z", None)).await;
    let renter = stage.server.viewer("renter").await;
    let operator = &stage.server.operator;
    let explain = async |query: String| {
        let path = format!("/operator/explain?title_id={title}&viewer_id={}&territory=CN{query}", renter.id);
        stage.server.api(operator, &path).await.json()
    };
    let mut said = Vec::new();
    let note = async |instant: UtcMs, offset_ms: i64| {
        stage.server.advance_to(instant, offset_ms);
        // Streams are counted only of no instant in particular.
        let answer = explain(format!("&at={}", stage.server.now())).await;
        let viewer = stage.server.signed_in_again(&renter).await;
        let page = stage.server.client.get(format!("{}/api/v1/titles/{title}", stage.server.base));
        let page = stage.server.send(page.header("x-country", "CN").bearer_auth(&viewer.token)).await.json();
        assert_eq!((&page["decision"]["code"], &page["decision"]["via"]), (&answer["code"], &answer["via"]));
        answer
    };
    let [bought_at, played_at, refunded_at, joined_at, left_at] =
        ["01T10:00", "02T11:00", "02T12:00", "02T15:00", "02T16:00"].map(|text| at(&format!("2027-03-{text}:00Z")));
    let (mut purchase, mut session) = (Value::Null, Value::Null);
    for instant in [bought_at, played_at, refunded_at, joined_at, left_at] {
        said.push(note(instant, -1).await);
        stage.server.sim.advance_to(instant);
        if instant == bought_at {
            purchase = stage.buys(&renter, &sold).await.unwrap();
        } else if instant == played_at {
            session = stage.plays(&renter, title).await.unwrap();
        } else if instant == refunded_at {
            let path = format!("/operator/purchases/{}/refunds", purchase["id"].as_str().unwrap());
            let refund = stage.server.post(operator, &path, &json!({"reason": "asked"})).await;
            assert!(refund.status.is_success(), "{}", refund.text());
        } else if instant == joined_at {
            stage.membership(&renter, "2028-01-01T00:00:00Z").await;
        } else {
            let path = "/memberships";
            let member = stage.done(Method::GET, path, json!({})).await["data"][0]["id"].as_str().unwrap().to_owned();
            stage.done(Method::POST, &format!("/memberships/{member}/end"), json!({"reason": "asked"})).await;
        }
        said.push(note(instant, 0).await);
        said.push(note(instant, 1).await);
    }
    stage.to("2027-06-01T00:00:00Z");
    let mut outcomes = Vec::new();
    for then in &said {
        assert_eq!(explain(format!("&at={}", then["at"].as_str().unwrap())).await, *then);
        outcomes.push(then["code"].as_str().or(then["via"].as_str()).unwrap());
    }
    let paid = ["PAYMENT_REQUIRED"; 3];
    let expected = [[paid[0], "grant", "grant"], ["grant"; 3], ["grant", paid[0], paid[0]]];
    let member = [[paid[0], "membership", "membership"], ["membership", paid[0], paid[0]]];
    assert_eq!(outcomes.chunks(3).collect::<Vec<_>>(), [&expected[..], &member[..]].concat());

    let path = format!("/operator/playback-sessions/{}/explain", session["id"].as_str().unwrap());
    for (instant, expected) in
        [(played_at, ["FIELD_INVALID", "grant", "grant"]), (refunded_at, ["grant", "gone", "gone"])]
    {
        for (offset_ms, expected) in (-1..).zip(expected) {
            let answer =
                stage.server.api(operator, &format!("{path}?at={}", UtcMs(instant.0 + offset_ms))).await.json();
            let told = answer["code"].as_str().or(answer["via"].as_str()).unwrap();
            let is_gone = expected == "gone" && ["GRANT_REVOKED", "SESSION_REVOKED"].contains(&told);
            assert!(told == expected || is_gone, "{expected} {answer}");
        }
    }
    stage.end().await;
}
