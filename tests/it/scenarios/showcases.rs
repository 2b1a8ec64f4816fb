//! A showcase (展播): two films are shown together under a theme, here and on a television channel, which is sent a file of
//! each that has to be one it accepts.

use std::time::Duration;

use marquee::base::clock::UtcMs;
use marquee::base::id::TitleId;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::parties::Person;
use super::{Backend, Stage, at, pvod, window};
use crate::server::Answer;

const OPENS: &str = "2027-01-15T00:00:00+08:00";
const CLOSES: &str = "2027-01-25T00:00:00+08:00";
const AIRS: &str = "2027-01-20T20:00:00+08:00";
const ENDS: &str = "2027-02-28T20:00:00+08:00";
const WEEK_MS: i64 = 7 * 24 * 3_600_000;

/// What is planned: two films, a channel that is to show the first.
struct Plan<'s> {
    stage: &'s Stage,
    first: TitleId,
    second: TitleId,
    channel: String,
    deal: String,
}

fn broadcast(channel: &str) -> Value {
    json!({"kind": "broadcast", "channel": channel, "clearance": "上星批复", "runs": 2})
}

fn file(runtime_seconds: Option<f64>) -> Value {
    json!({"file_name": "雾港孤刀_上星版.mxf", "format": "MXF OP1a, XDCAM HD422 50i", "sha256": "0F".repeat(32),
        "size_bytes": 52_000_000_000_u64, "runtime_seconds": runtime_seconds, "method": "Aspera", "note": null})
}

fn refusal(answer: &Answer) -> (u16, String, Value) {
    (answer.status.as_u16(), answer.code(), answer.json()["param"].clone())
}

impl Plan<'_> {
    async fn operate(&self, method: Method, path: &str, body: Value) -> Answer {
        self.stage.operate(method, path, &body).await
    }

    /// A file that the channel is sent under its deal, after those before.
    async fn sent(&self, body: Value) -> Value {
        self.stage.server.sim.advance(Duration::from_millis(1));
        self.stage.done(Method::POST, &format!("/deals/{}/deliveries", self.deal), body).await
    }

    /// The parts that the board misses files of, asked for in a zone of its own: each has a board of its own.
    async fn missing(&self, zone: &str) -> Option<Value> {
        let board = self.stage.done(Method::GET, &format!("/board?zone={zone}"), json!({})).await;
        let row = board["hand"].as_array().unwrap().iter().find(|row| row["code"] == "DELIVERY_MISSING")?;
        assert_eq!((&row["subject"], &row["at"]), (&json!(self.deal), &json!(at(AIRS))));
        assert_eq!((&row["facts"]["party"], &row["facts"]["channel"]), (&json!("电影频道"), &json!("CCTV-6")));
        Some(row["facts"]["missing_parts"].clone())
    }

    async fn delivery_of_deal(&self) -> Value {
        let list = self.stage.done(Method::GET, "/deals", json!({})).await;
        let row = list["data"].as_array().unwrap().iter().find(|row| row["id"] == json!(self.deal));
        row.unwrap()["delivery"].clone()
    }

    fn to(&self, instant: &str, offset_ms: i64) {
        self.stage.server.sim.advance_to(UtcMs(at(instant).0 + offset_ms));
    }
}

pub async fn a_channel_shows_films_together(backend: Backend) {
    let stage = Stage::open(backend, "2027-01-10T12:00:00+08:00").await;
    let (first, second) = (stage.title("雾港孤刀", "NL").await, stage.title("别的片子", "NL").await);
    stage.sell(first, window("vod", &["CN"], OPENS, None), pvod()).await;
    let channel = stage.party("电影频道", "broadcaster", None).await;
    let deal = stage.deal(first, &channel, broadcast("CCTV-6"), &["CN"], AIRS, Some(ENDS)).await;
    let plan = Plan { stage: &stage, first, second, channel, deal };
    files_are_sent_and_answered(&plan).await;
    the_runs_are_settled(&plan).await;
    the_films_are_shown_together(&plan).await;

    // What was accepted is recalled after all: it is missed until a week after the broadcasts began.
    let list = stage.done(Method::GET, &format!("/deals/{}/deliveries", plan.deal), json!({})).await;
    let newest = list["data"][0]["id"].as_str().unwrap();
    stage.done(Method::POST, &format!("/deliveries/{newest}/recall"), json!({"reason": "the wrong cut"})).await;
    for (offset_ms, zone, missing) in
        [(-1, "Europe/Paris", Some(json!([1]))), (0, "Europe/Rome", None), (1, "Europe/Madrid", None)]
    {
        plan.to(AIRS, WEEK_MS + offset_ms);
        assert_eq!(plan.missing(zone).await, missing, "{offset_ms}");
    }
    stage.end().await;
}

async fn files_are_sent_and_answered(plan: &Plan<'_>) {
    let Plan { stage, first, channel, deal, .. } = plan;
    let others = stage.party("别的频道", "broadcaster", None).await;
    let producer = stage.party("雾港影业", "producer", None).await;
    stage.done(Method::PATCH, &format!("/titles/{first}"), json!({"producers": [producer]})).await;
    let platform = stage.party("熊猫影视", "partner", None).await;
    let from_us = json!({"kind": "platform", "license_type": "vod", "streams": 1});
    let streamed = stage.deal(*first, &platform, from_us, &["CN"], OPENS, None).await;

    // What cannot have been sent, and whom nothing is sent to.
    let deliveries = format!("/deals/{deal}/deliveries");
    let with = |name: &str, value: Value| {
        let mut body = file(None);
        body[name] = value;
        body
    };
    let none = Value::Null;
    for (path, body, expected) in [
        (deliveries.clone(), with("part", json!(2)), (422, "DELIVERY_INVALID", json!("part"))),
        (deliveries.clone(), with("sha256", json!("0f")), (422, "DELIVERY_INVALID", json!("sha256"))),
        (
            deliveries.clone(),
            with("runtime_seconds", json!(1e300)),
            (422, "DELIVERY_INVALID", json!("runtime_seconds")),
        ),
        (
            deliveries.clone(),
            with("sent_at", json!(stage.server.now() + Duration::from_millis(1))),
            (422, "DELIVERY_INVALID", json!("sent_at")),
        ),
        (format!("/deals/{streamed}/deliveries"), file(None), (409, "DEAL_STREAMS_HERE", none.clone())),
        ("/deals/dea_00000000000000000000000000/deliveries".into(), file(None), (404, "DEAL_NOT_FOUND", none)),
    ] {
        let refused = refusal(&plan.operate(Method::POST, &path, body.clone()).await);
        assert_eq!(refused, (expected.0, expected.1.to_owned(), expected.2), "{path} {body}");
    }
    for (offset_ms, zone, missing) in
        [(-1, "UTC", None), (0, "Asia/Shanghai", Some(json!([1]))), (1, "Asia/Tokyo", Some(json!([1])))]
    {
        plan.to(AIRS, offset_ms - WEEK_MS);
        assert_eq!(plan.missing(zone).await, missing, "{offset_ms}");
    }

    // The first file runs a second and a half longer than what is packaged here.
    plan.to("2027-01-14T12:00:00+08:00", 0);
    let title = stage.done(Method::GET, &format!("/titles/{first}"), json!({})).await;
    let packaged_ms = title["runtime_ms"].as_i64().unwrap();
    let once = async || {
        let path = format!("/api/v1/operator{deliveries}");
        let request = stage.server.request(Method::POST, &path).bearer_auth(&stage.server.operator);
        let request = request.header("idempotency-key", "file").json(&file(Some((packaged_ms + 1500) as f64 / 1000.0)));
        let answer = stage.server.send(request).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        answer.json()
    };
    let sent = once().await;
    assert_eq!(once().await, sent, "it is recorded once");
    let told = |delivery: &Value, names: [&str; 4]| names.map(|name| delivery[name].clone());
    assert_eq!(
        told(&sent, ["part", "sha256", "differs_seconds", "status"]),
        [json!(1), json!("0f".repeat(32)), json!(1.5), json!("sent")]
    );
    assert!(sent["sent_by"].as_str().unwrap().starts_with("opr_") && sent["sent_at"] == json!(stage.server.now()));
    let id = sent["id"].as_str().unwrap().to_owned();
    let brief = |status: &str| json!({"id": id, "status": status, "sent_at": sent["sent_at"]});
    assert_eq!(plan.delivery_of_deal().await, brief("sent"));
    assert!(plan.missing("Asia/Seoul").await.is_some(), "it is not accepted");

    // The party is shown what it was sent, nobody else is, and it says what it thinks of it once.
    let (lin, eve, wu) =
        (stage.person("lin", channel).await, stage.person("eve", &others).await, stage.person("wu", &producer).await);
    let theirs = format!("/partner/deals/{deal}/deliveries");
    let seen = lin.get(&theirs).await.json()["data"][0].clone();
    assert_eq!(
        told(&seen, ["id", "file_name", "differs_seconds", "sent_by"]),
        [json!(id), sent["file_name"].clone(), json!(1.5), Value::Null]
    );
    let yes = json!({"accepted": true, "reason": null});
    let no = json!({"accepted": false, "reason": "第二声道无声"});
    let say = async |person: &Person<'_>, id: &str, body: &Value| {
        person.send(Method::POST, &format!("{theirs}/{id}/answer"), body.clone()).await
    };
    for person in [&eve, &wu] {
        assert_eq!(refusal(&person.get(&theirs).await).1, "DEAL_NOT_FOUND");
        let refused = say(person, &id, &yes).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::NOT_FOUND, "DEAL_NOT_FOUND".to_owned()));
    }
    let nothing = say(&lin, "dlv_00000000000000000000000000", &yes).await;
    assert_eq!((nothing.status, nothing.code()), (StatusCode::NOT_FOUND, "DELIVERY_NOT_FOUND".to_owned()));
    let mute = refusal(&say(&lin, &id, &json!({"accepted": false, "reason": " "})).await);
    assert_eq!(mute, (422, "REASON_INVALID".to_owned(), json!("reason")));
    let rejected = say(&lin, &id, &no).await.json();
    assert_eq!((&rejected["status"], &rejected["reason"]), (&json!("rejected"), &no["reason"]));
    assert!(rejected["answered_by"].as_str().unwrap().starts_with("opr_"), "one of its own people");
    assert_eq!(rejected["answered_for_party"], json!(false));
    let again = say(&lin, &id, &yes).await;
    assert_eq!((again.status, again.code()), (StatusCode::CONFLICT, "DELIVERY_ANSWERED".to_owned()));
    assert_eq!(plan.delivery_of_deal().await, brief("rejected"));
    assert_eq!(lin.get(&format!("/partner/deals/{deal}")).await.json()["delivery"], brief("rejected"));
    let film = wu.get(&format!("/partner/titles/{first}")).await.json();
    let deals = film["deals"].as_array().unwrap();
    let fared = deals.iter().find(|row| row["id"] == json!(deal)).unwrap()["delivery"].clone();
    assert_eq!(fared, json!({"status": "rejected"}), "whose film it is sees how it fared");
    assert!(deals.iter().any(|row| row["id"] == json!(streamed) && row["delivery"].is_null()));

    // Recalled it is nobody's to answer, and the next one is another delivery.
    let recall = async |id: &str| {
        plan.operate(Method::POST, &format!("/deliveries/{id}/recall"), json!({"reason": "换片"})).await
    };
    let recalled = recall(&id).await.json();
    assert_eq!(
        told(&recalled, ["status", "reason", "recalled_at", "answered_at"]),
        [json!("recalled"), json!("换片"), json!(stage.server.now()), json!(stage.server.now())]
    );
    assert_eq!(recall(&id).await.code(), "DELIVERY_RECALLED");
    assert_eq!(say(&lin, &id, &yes).await.code(), "DELIVERY_RECALLED");
    assert_eq!(recall("dlv_00000000000000000000000000").await.code(), "DELIVERY_NOT_FOUND");
    assert_eq!(plan.delivery_of_deal().await, Value::Null);
    let second = plan.sent(file(None)).await;
    let second = second["id"].as_str().unwrap();
    let path = format!("/deliveries/{second}/answer");
    let by_phone = stage.done(Method::POST, &path, json!({"accepted": true, "reason": "by telephone"})).await;
    assert_eq!(
        told(&by_phone, ["status", "reason", "differs_seconds", "runtime_seconds"]),
        [json!("accepted"), json!("by telephone"), Value::Null, Value::Null]
    );
    assert!(by_phone["answered_by"].as_str().unwrap().starts_with("opr_"));
    assert_eq!(by_phone["answered_for_party"], json!(true));
    assert_eq!(plan.operate(Method::POST, &path, yes.clone()).await.code(), "DELIVERY_ANSWERED");
    let list = lin.get(&theirs).await.json();
    let ids: Vec<&Value> = list["data"].as_array().unwrap().iter().map(|row| &row["id"]).collect();
    assert_eq!(ids, [&json!(second), &json!(id)], "newest first");
    assert_eq!(
        told(&list["data"][0], ["status", "answered_by", "sent_by", "reason"]),
        [json!("accepted"), Value::Null, Value::Null, json!("by telephone")]
    );
    assert_eq!(plan.missing("Asia/Singapore").await, None);
    // Recalled it is missed again, until the party accepts another.
    recall(second).await;
    assert_eq!(plan.missing("Asia/Bangkok").await, Some(json!([1])));
    let third = plan.sent(file(Some(packaged_ms as f64 / 1000.0))).await;
    assert_eq!(third["differs_seconds"], json!(0.0));
    assert_eq!(say(&lin, third["id"].as_str().unwrap(), &yes).await.json()["status"], "accepted");
    assert_eq!(plan.missing("Asia/Manila").await, None);

    // What was sent stays on record, and so does who said what.
    let kept = plan.operate(Method::DELETE, &format!("/deals/{deal}"), json!({})).await;
    assert_eq!((kept.status, kept.code()), (StatusCode::CONFLICT, "DEAL_DELIVERED".to_owned()));
    for (action, lines) in [("delivery.create", 3), ("delivery.answer", 3), ("delivery.recall", 2)] {
        let log = stage.done(Method::GET, &format!("/audit?action={action}"), json!({})).await;
        assert_eq!(log["data"].as_array().unwrap().len(), lines, "{action}");
    }
}

/// When the film is on the air is agreed after the deal is: inside its window, one run after another.
async fn the_runs_are_settled(plan: &Plan<'_>) {
    let Plan { stage, first, second, channel, deal } = plan;
    let path = format!("/deals/{deal}");
    let (opens, closes) = (at(AIRS).0, at(ENDS).0);
    let slots = |spans: &[(i64, i64)]| {
        let slot = |(from, to): &(i64, i64)| json!({"start_at": UtcMs(*from), "end_at": UtcMs(*to)});
        Value::Array(spans.iter().map(slot).collect())
    };
    let read = async || {
        let deals = stage.done(Method::GET, &format!("/titles/{first}/deals"), json!({})).await;
        let row = deals["data"].as_array().unwrap().iter().find(|row| row["id"] == json!(deal)).unwrap().clone();
        row["carriage"].clone()
    };
    assert_eq!((&read().await["slots"], &read().await["catch_up"]), (&json!([]), &json!(false)), "unless it is said");
    let noon = opens + 3_600_000;
    for (spans, is_good) in [
        (vec![(opens - 1, noon)], false),
        (vec![(opens, noon)], true),
        (vec![(opens + 1, noon)], true),
        (vec![(noon, closes - 1)], true),
        (vec![(noon, closes)], true),
        (vec![(noon, closes + 1)], false),
        (vec![(noon, noon)], false),
        (vec![(opens, noon), (noon - 1, closes)], false),
        (vec![(opens, noon), (noon, closes)], true),
        (vec![(opens, noon), (noon + 1, closes)], true),
        (vec![(noon, closes), (opens, noon)], false),
        (vec![(opens, noon), (noon, noon + 1), (noon + 1, closes)], false),
    ] {
        let before = read().await;
        let answer = plan.operate(Method::PATCH, &path, json!({"slots": slots(&spans)})).await;
        if is_good {
            assert_eq!(answer.json()["carriage"]["slots"], slots(&spans), "{}", answer.text());
            assert_eq!(read().await["slots"], slots(&spans));
        } else {
            assert_eq!(refusal(&answer), (422, "DEAL_INVALID".to_owned(), json!("slots")), "{spans:?}");
            assert_eq!(read().await, before, "nothing of it was written");
        }
    }
    // A deal does not end in the middle of a run.
    let on_air = [(opens, noon), (noon, closes - 1)];
    stage.done(Method::PATCH, &path, json!({"slots": slots(&on_air)})).await;
    let log = stage.done(Method::GET, "/audit?action=deal.edit", json!({})).await;
    assert_eq!(log["data"][0]["detail"]["slots"]["after"], slots(&on_air));
    for (offset_ms, is_good) in [(-2, false), (-1, true), (0, true)] {
        let answer = plan.operate(Method::PATCH, &path, json!({"end_at": UtcMs(closes + offset_ms)})).await;
        assert_eq!(answer.status == StatusCode::OK, is_good, "{offset_ms}: {}", answer.text());
    }

    // It can be said at once, of a broadcast only.
    let whole = |carriage: Value| {
        json!({"party_id": channel, "carriage": carriage, "territories": {"include": ["CN"]},
            "start_at": at(AIRS), "end_at": at(ENDS), "zone": "Asia/Shanghai"})
    };
    let mut carriage = broadcast("CCTV-9");
    (carriage["slots"], carriage["catch_up"]) = (slots(&[(opens - 1, noon)]), json!(true));
    let deals = format!("/titles/{second}/deals");
    let early = refusal(&plan.operate(Method::POST, &deals, whole(carriage.clone())).await);
    assert_eq!(early, (422, "DEAL_INVALID".to_owned(), json!("carriage.slots")));
    carriage["slots"] = slots(&[(opens, noon)]);
    let made = stage.done(Method::POST, &deals, whole(carriage.clone())).await;
    assert_eq!(made["carriage"], carriage);
    stage.done(Method::DELETE, &format!("/deals/{}", made["id"].as_str().unwrap()), json!({})).await;
    let cinema = stage.deal(*second, channel, json!({"kind": "cinema"}), &["CN"], AIRS, Some(ENDS)).await;
    let answer = plan.operate(Method::PATCH, &format!("/deals/{cinema}"), json!({"slots": []})).await;
    assert_eq!(refusal(&answer), (422, "DEAL_INVALID".to_owned(), json!("slots")));
    stage.done(Method::DELETE, &format!("/deals/{cinema}"), json!({})).await;
}

async fn the_films_are_shown_together(plan: &Plan<'_>) {
    let Plan { stage, first, second, channel, deal } = plan;
    let whole = json!({"name": {"zh-CN": "雾港展播", "en": "Fog week"}, "synopsis": {"en": "Two films."},
        "title_ids": [second, first], "start_at": at(OPENS), "end_at": at(CLOSES), "zone": "Asia/Shanghai",
        "showcase": {"party_id": channel, "channel": "CCTV-6"}});
    let platform = stage.party("老虎视频", "partner", None).await;
    let with = |name: &str, value: Value| {
        let mut body = whole.clone();
        body[name] = value;
        body
    };
    let on = |party: &str, channel: &str| json!({"party_id": party, "channel": channel});
    for (body, code, param) in [
        (with("name", json!({})), "COLLECTION_INVALID", "name"),
        (with("title_ids", json!([])), "COLLECTION_INVALID", "title_ids"),
        (with("title_ids", json!([first, first])), "COLLECTION_INVALID", "title_ids"),
        (with("title_ids", json!([first, "ttl_00000000000000000000000000"])), "TITLE_NOT_FOUND", "title_ids"),
        (with("end_at", json!(at(OPENS))), "COLLECTION_INVALID", "end_at"),
        (with("zone", json!("Asia/Peking")), "COLLECTION_INVALID", "zone"),
        (with("showcase", on(channel, " ")), "COLLECTION_INVALID", "showcase.channel"),
        (with("showcase", on(&platform, "CCTV-6")), "COLLECTION_INVALID", "showcase.party_id"),
        (with("showcase", on("par_00000000000000000000000000", "X")), "PARTY_NOT_FOUND", "showcase.party_id"),
    ] {
        let refused = refusal(&plan.operate(Method::POST, "/collections", body).await);
        assert_eq!(refused, (422, code.to_owned(), json!(param)));
    }
    let made = stage.done(Method::POST, "/collections", whole.clone()).await;
    let id = made["id"].as_str().unwrap();
    let (opens, closes) = (at(AIRS).0, at(ENDS).0);
    let on_air = json!([{"start_at": UtcMs(opens), "end_at": UtcMs(opens + 3_600_000)},
        {"start_at": UtcMs(opens + 3_600_000), "end_at": UtcMs(closes - 1)}]);
    let airing = |title: &TitleId, deal: Option<&str>, slots: &Value| {
        let (starts_at, ends_at) = (deal.map(|_| at(AIRS)), deal.map(|_| at(ENDS)));
        json!({"title_id": title, "deal_id": deal, "starts_at": starts_at, "ends_at": ends_at,
            "runs": deal.map(|_| 2), "slots": slots})
    };
    let none = json!([]);
    let lacking = json!([airing(second, None, &none), airing(first, Some(deal), &on_air)]);
    assert_eq!(made["airings"], lacking, "one lacks a right");
    assert_eq!(
        (&made["title_ids"], &made["showcase"], &made["version"]),
        (&whole["title_ids"], &whole["showcase"], &json!(1))
    );

    let page = async |territory: &str, path: &str| {
        let answer = stage.server.get_from(territory, &format!("/api/v1/collections{path}")).await;
        if answer.status == StatusCode::OK { answer.json() } else { json!(answer.code()) }
    };
    let one = format!("/{id}");
    let ids =
        |titles: &Value| -> Vec<Value> { titles.as_array().unwrap().iter().map(|title| title["id"].clone()).collect() };
    // The second film has no window here yet, and so it is left out.
    for (offset_ms, is_open) in [(-1, false), (0, true), (1, true)] {
        plan.to(OPENS, offset_ms);
        let (list, shown) = (page("CN", "").await, page("CN", &one).await);
        if !is_open {
            assert_eq!((&list["data"], &shown), (&json!([]), &json!("COLLECTION_NOT_FOUND")), "{offset_ms}");
            continue;
        }
        let row = &list["data"][0];
        assert_eq!((&row["id"], &row["count"], ids(&row["titles"])), (&json!(id), &json!(1), vec![json!(first)]));
        assert_eq!((&shown["channel"], ids(&shown["titles"])), (&json!("CCTV-6"), vec![json!(first)]));
        assert_eq!(
            (&shown["name"], &shown["start_at"], &shown["end_at"]),
            (&whole["name"], &whole["start_at"], &whole["end_at"])
        );
        let its = json!({"starts_at": at(AIRS), "ends_at": at(ENDS), "slots": on_air});
        assert_eq!(shown["titles"][0]["airing"], its);
        assert_eq!(shown["titles"][0]["decision"]["code"], "PAYMENT_REQUIRED", "each with its own button");
    }
    let abroad = page("DE", &one).await;
    assert_eq!(
        (ids(&abroad["titles"]), &abroad["titles"][0]["airing"]),
        (vec![json!(first)], &Value::Null),
        "not there"
    );

    // With a window, and a deal of its own, the second stands where the operator put it.
    stage.sell(*second, window("vod", &["CN"], OPENS, None), pvod()).await;
    let elsewhere = stage.deal(*second, channel, broadcast("CCTV-8"), &["CN"], AIRS, Some(ENDS)).await;
    let shown = page("CN", &one).await;
    assert_eq!(
        (ids(&shown["titles"]), &shown["titles"][0]["airing"]),
        (vec![json!(second), json!(first)], &Value::Null)
    );
    stage.done(Method::POST, &format!("/deals/{elsewhere}/revoke"), json!({"reason": "another channel"})).await;
    let carried = stage.deal(*second, channel, broadcast("CCTV-6"), &["CN"], AIRS, Some(ENDS)).await;
    let read = stage.done(Method::GET, &format!("/collections/{id}"), json!({})).await;
    assert_eq!(read["airings"], json!([airing(second, Some(&carried), &none), airing(first, Some(deal), &on_air)]));
    let its = page("CN", &one).await["titles"][0]["airing"].clone();
    assert_eq!((&its["starts_at"], &its["slots"]), (&json!(at(AIRS)), &none), "nobody has said when");
    stage.done(Method::POST, &format!("/deals/{carried}/revoke"), json!({"reason": "breach"})).await;
    let shown = page("CN", &one).await;
    assert_eq!((&shown["titles"][0]["id"], &shown["titles"][0]["airing"]), (&json!(second), &Value::Null));
    // Under a deal that is revoked nothing more is sent; what had gone out before is still recorded.
    for (before_ms, expected) in [(0, "DEAL_REVOKED"), (1, "")] {
        let mut body = file(None);
        body["sent_at"] = json!(UtcMs(stage.server.now().0 - before_ms));
        let sent = plan.operate(Method::POST, &format!("/deals/{carried}/deliveries"), body).await;
        let code = if sent.status == StatusCode::CREATED { String::new() } else { sent.code() };
        assert_eq!(code, expected, "{before_ms}");
    }

    // A later one comes first in the list; an edit is of the version that was read.
    let later =
        json!({"name": {"en": "Knives"}, "title_ids": [first], "start_at": UtcMs(at(OPENS).0 + 1), "zone": "UTC"});
    let later = stage.done(Method::POST, "/collections", later).await;
    assert_eq!((&later["airings"], &later["showcase"]), (&json!([]), &Value::Null));
    let list = page("CN", "?limit=1").await;
    assert_eq!(list["data"][0]["id"], later["id"]);
    let rest = page("CN", &format!("?limit=1&cursor={}", list["next_cursor"].as_str().unwrap())).await;
    assert_eq!((&rest["data"][0]["id"], &rest["data"][0]["count"]), (&json!(id), &json!(2)));
    let path = format!("/collections/{}", later["id"].as_str().unwrap());
    let stale = plan.operate(Method::PATCH, &path, json!({"version": 7, "zone": "UTC"})).await;
    assert_eq!((stale.status, stale.code()), (StatusCode::PRECONDITION_FAILED, "VERSION_CONFLICT".to_owned()));
    let edit = json!({"version": 1, "title_ids": [second], "showcase": on(channel, "CCTV-6")});
    let edited = stage.done(Method::PATCH, &path, edit).await;
    assert_eq!(
        (&edited["version"], &edited["name"], &edited["title_ids"]),
        (&json!(2), &later["name"], &json!([second]))
    );
    let plain = stage.done(Method::PATCH, &path, json!({"showcase": null})).await;
    assert_eq!((&plain["version"], &plain["showcase"]), (&json!(3), &Value::Null));
    stage.done(Method::DELETE, &path, json!({})).await;
    assert_eq!(plan.operate(Method::GET, &path, json!({})).await.code(), "COLLECTION_NOT_FOUND");

    // A film that is withdrawn stays in it unseen, and a collection of which nothing is on show is none.
    stage.done(Method::PATCH, &format!("/titles/{second}"), json!({"status": "withdrawn"})).await;
    assert_eq!(ids(&page("CN", &one).await["titles"]), [json!(first)]);
    stage.done(Method::PATCH, &format!("/titles/{first}"), json!({"status": "draft"})).await;
    assert_eq!((page("CN", &one).await, &page("CN", "").await["data"]), (json!("COLLECTION_NOT_FOUND"), &json!([])));
    stage.done(Method::PATCH, &format!("/titles/{first}"), json!({"status": "live"})).await;
    let kept = stage.done(Method::GET, &format!("/collections/{id}"), json!({})).await;
    assert_eq!(kept["title_ids"], whole["title_ids"]);
    for (offset_ms, shown) in [(-1, 1), (0, 0), (1, 0)] {
        plan.to(CLOSES, offset_ms);
        assert_eq!(page("CN", "").await["data"].as_array().unwrap().len(), shown, "{offset_ms}");
        assert_eq!(page("CN", &one).await["id"] == json!(id), shown == 1, "{offset_ms}");
    }
    // Without an end it is there again.
    stage.done(Method::PATCH, &format!("/collections/{id}"), json!({"end_at": null})).await;
    let shown = page("CN", &one).await;
    assert_eq!((&shown["id"], &shown["end_at"]), (&json!(id), &Value::Null));
}
