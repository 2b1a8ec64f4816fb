//! The licence desk: scenario 8 and the further checks 15 and 16.

use marquee::base::clock::UtcMs;
use marquee::base::id::TitleId;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Backend, Sold, Stage, at, code, pvod, window};

const START: &str = "2027-02-01T12:00:00+08:00";
const END: &str = "2027-03-01T12:00:00+08:00";

async fn record(stage: &Stage, title: TitleId, event: Value) -> Value {
    stage.done(Method::POST, &format!("/titles/{title}/compliance"), event).await["state"].clone()
}

async fn set_licence(stage: &Stage, title: TitleId) {
    let licence = json!({"kind": "theatrical_release", "number": "电审故字〔2027〕第12号"});
    stage.done(Method::PUT, &format!("/titles/{title}/licence"), licence).await;
}

/// 《纸鸢行动》, licensed and on sale in China and Germany.
async fn licensed(stage: &Stage) -> Sold {
    let title = stage.title("纸鸢行动", "CN").await;
    set_licence(stage, title).await;
    assert_eq!(record(stage, title, json!({"event": "confirm"})).await, "licensed");
    stage.sell(title, window("vod", &["CN", "DE"], START, Some(END)), pvod()).await
}

/// Scenario 8 in small: of the orders that are alive when the licence is revoked those not watched whole are given back, once,
/// and nobody else's.
pub async fn a_revoked_licence_gives_the_money_back(backend: Backend) {
    let stage = Stage::open(backend, START).await;
    let sold = licensed(&stage).await;
    let title = sold.title;
    let due = async || stage.done(Method::GET, &format!("/titles/{title}/refunds-due"), json!({})).await;
    let bought = async |name: &str, territory: &str| {
        let viewer = stage.server.viewer(name).await;
        let purchase = stage.buys_in(territory, &viewer, &sold).await.unwrap()["id"].clone();
        (viewer, purchase)
    };
    let rule = async |purchase: &Value| {
        stage.done(Method::GET, &format!("/purchases/{}", purchase.as_str().unwrap()), json!({})).await["refund_rule"]
            .clone()
    };
    stage.to("2027-02-05T14:00:00+08:00");
    let (_, lapsed) = bought("lapsed", "CN").await;
    stage.to("2027-02-09T14:00:00+08:00");
    let (_, unstarted) = bought("unstarted", "CN").await;
    let (_, abroad) = bought("abroad", "DE").await;
    let (began, begun) = bought("began", "CN").await;
    let (saw, seen) = bought("saw", "CN").await;
    for (viewer, purchase, to_ms, expected) in [(&began, &begun, 12_000, "tried"), (&saw, &seen, 24_000, "tried")] {
        let opened = stage.plays(viewer, title).await.unwrap();
        stage.watched(viewer, &opened, to_ms).await;
        assert_eq!(rule(purchase).await, json!(expected));
    }
    assert_eq!((rule(&unstarted).await, rule(&lapsed).await), (json!("unstarted"), Value::Null));
    assert_eq!((&due().await["count"], &due().await["revoked_at"]), (&json!(0), &Value::Null));

    stage.to("2027-02-10T14:00:00+08:00");
    record(&stage, title, json!({"event": "revoke", "reason": "an order of the NRTA"})).await;
    assert_eq!((rule(&unstarted).await, rule(&begun).await), (json!("licence_withdrawn"), json!("licence_withdrawn")));
    assert_eq!((rule(&abroad).await, rule(&lapsed).await), (json!("unstarted"), Value::Null));
    for country in [Value::Null, json!("US")] {
        let moved = stage.operate(Method::PATCH, &format!("/titles/{title}"), &json!({"country": country})).await;
        assert_eq!((moved.status, moved.code()), (StatusCode::CONFLICT, "ORIGIN_RECORDED".to_owned()));
    }
    stage.done(Method::PATCH, &format!("/titles/{title}"), json!({"country": "CN"})).await;
    let found = due().await;
    let ids: Vec<&Value> = found["data"].as_array().unwrap().iter().map(|row| &row["id"]).collect();
    assert!(ids.len() == 2 && ids.contains(&&unstarted) && ids.contains(&&begun), "{found}");
    assert_eq!(found["amounts"], json!([{"amount": 3600, "currency": "CNY"}]));
    assert_eq!(found["revoked_at"], json!(at("2027-02-10T14:00:00+08:00")));
    // A week later it is due all the same.
    stage.to("2027-02-20T14:00:00+08:00");
    let path = format!("/titles/{title}/refunds-due");
    let first = stage.done(Method::POST, &format!("{path}?limit=1"), json!({})).await;
    assert_eq!((first["refunds"].as_array().unwrap().len(), &first["left"]), (1, &json!(1)), "{first}");
    assert_eq!(first["refunds"][0]["reason"], "Licence revoked: an order of the NRTA");
    // What the first page gave back is not due any more, and its cursor goes on all the same.
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = stage.done(Method::POST, &format!("{path}?cursor={cursor}"), json!({})).await;
    assert_eq!((rest["refunds"].as_array().unwrap().len(), &rest["left"]), (1, &json!(0)), "{rest}");
    assert_eq!(rest["next_cursor"], Value::Null);
    let again = stage.done(Method::POST, &path, json!({})).await;
    assert_eq!((&again["refunds"], &again["left"], &due().await["count"]), (&json!([]), &json!(0), &json!(0)));
    for (purchase, status) in [(&unstarted, "refunded"), (&begun, "refunded"), (&seen, "paid"), (&abroad, "paid")] {
        let sale = stage.done(Method::GET, &format!("/purchases/{}", purchase.as_str().unwrap()), json!({})).await;
        assert_eq!(sale["status"], status);
        if status == "refunded" {
            assert_eq!(sale["entries"].as_array().unwrap().len(), 2, "a sale and its reversal");
        }
    }
    stage.end().await;
}

/// What others are to show in China is warned of as a window of ours is, and made all the same.
pub async fn a_deal_in_china_of_what_is_not_cleared_there_is_warned_of(backend: Backend) {
    let stage = Stage::open(backend, "2027-01-01T12:00:00+08:00").await;
    let title = stage.title("纸鸢行动", "CN").await;
    let party = stage.party("熊猫影视", "partner", None).await;
    let expires_at = at("2027-02-15T00:00:00+08:00");
    let platform = |kind: &str| json!({"kind": "platform", "license_type": kind});
    let deal = async |carriage: Value, codes: Value, start_at: UtcMs| {
        let body = json!({"party_id": party, "carriage": carriage, "territories": {"include": codes},
            "start_at": start_at, "end_at": END, "zone": "Asia/Shanghai"});
        stage.done(Method::POST, &format!("/titles/{title}/deals"), body).await
    };
    let codes = |written: &Value| -> Vec<String> {
        let warnings = written["warnings"].as_array().unwrap().iter();
        warnings.map(|warning| warning["code"].as_str().unwrap().to_owned()).collect()
    };
    let start = at(START);
    let paid = deal(platform("vod"), json!(["CN", "DE"]), start).await;
    let warning = json!({"license_type": "vod", "territories": {"include": ["CN"], "exclude": []}, "from": start,
        "to": at(END), "days": 28, "code": "LICENCE_REQUIRED",
        "says": "Nothing opens in China under it before the title is cleared for it."});
    assert_eq!(paid["warnings"], json!([warning]));
    let broadcast = json!({"kind": "broadcast", "channel": "CCTV-6", "clearance": "上星批复", "runs": 1});
    for (carriage, codes) in
        [(platform("vod"), json!(["DE"])), (json!({"kind": "cinema"}), json!(["CN"])), (broadcast, json!(["CN"]))]
    {
        assert_eq!(deal(carriage, codes, start).await["warnings"], json!([]));
    }
    let path = format!("/deals/{}", paid["id"].as_str().unwrap());
    let listed = stage.done(Method::GET, &format!("/titles/{title}/deals"), json!({})).await;
    assert!(listed["data"].as_array().unwrap().iter().all(|deal| deal["warnings"].is_null()), "{listed}");

    // Free and not promoted it may be shown; for money or to members only once the licence is confirmed.
    assert_eq!(record(&stage, title, json!({"event": "declare_ordinary"})).await, "ordinary");
    assert_eq!(codes(&deal(platform("avod"), json!(["CN"]), start).await), [] as [&str; 0]);
    assert_eq!(codes(&deal(platform("svod"), json!(["CN"]), start).await), ["LICENCE_REQUIRED"]);
    set_licence(&stage, title).await;
    assert_eq!(record(&stage, title, json!({"event": "confirm", "expires_at": expires_at})).await, "licensed");
    // What counts is how it stands when the deal begins.
    for (offset_ms, expected) in [(-1, vec![]), (0, vec!["LICENCE_REQUIRED"]), (1, vec!["LICENCE_REQUIRED"])] {
        let starts = UtcMs(expires_at.0 + offset_ms);
        assert_eq!(codes(&deal(platform("vod"), json!(["CN"]), starts).await), expected, "{offset_ms}");
        let moved = stage.done(Method::PATCH, &path, json!({"start_at": starts})).await;
        assert_eq!(moved["start_at"], json!(starts));
        assert_eq!(codes(&moved), expected, "{offset_ms}");
    }

    let unsaid = stage.title("无名", "NL").await;
    stage.done(Method::PATCH, &format!("/titles/{unsaid}"), json!({"country": null})).await;
    let body = json!({"party_id": party, "carriage": platform("avod"), "territories": {"include": ["CN"]},
        "start_at": start, "end_at": null, "zone": "Asia/Shanghai"});
    let written = stage.done(Method::POST, &format!("/titles/{unsaid}/deals"), body).await;
    assert_eq!(codes(&written), ["ORIGIN_UNKNOWN"]);
    assert_eq!((&written["warnings"][0]["to"], &written["warnings"][0]["days"]), (&Value::Null, &Value::Null));
    stage.end().await;
}

/// From planning to the licence: what is refused on the way, and what works abroad.
pub async fn a_paid_offer_of_a_chinese_title_needs_its_licence(backend: Backend) {
    let stage = Stage::open(backend, START).await;
    let title = stage.title("纸鸢行动", "CN").await;
    let avail = stage.avail(title, window("vod", &["CN"], START, Some(END))).await;
    stage.avail(title, window("svod", &["CN"], START, Some(END))).await;
    let offers = format!("/avails/{avail}/offers");
    let state = async || stage.done(Method::GET, &format!("/titles/{title}/compliance"), json!({})).await;
    assert_eq!((&state().await["state"], &state().await["clears_paid"]), (&json!("none"), &json!(false)));
    let offered = async || {
        let answer = stage.operate(Method::POST, &offers, &pvod()).await;
        if answer.status == StatusCode::CREATED { "ok".to_owned() } else { answer.code() }
    };
    assert_eq!(offered().await, "LICENCE_REQUIRED");
    let member = stage.server.viewer("member").await;
    stage.membership(&member, "2028-01-01T00:00:00Z").await;
    assert_eq!(code(&stage.opens_in("CN", &member, title).await), "LICENCE_REQUIRED");

    let wrong = stage.operate(Method::POST, &format!("/titles/{title}/compliance"), &json!({"event": "confirm"})).await;
    assert_eq!((wrong.status, wrong.code().as_str()), (StatusCode::CONFLICT, "COMPLIANCE_EVENT_REFUSED"));
    assert_eq!(record(&stage, title, json!({"event": "plan", "number": "V31001572104501"})).await, "planned");
    assert_eq!(record(&stage, title, json!({"event": "submit"})).await, "in_review");
    set_licence(&stage, title).await;
    assert_eq!(state().await["state"], "in_review", "nobody has looked the number up");
    assert_eq!(offered().await, "LICENCE_REQUIRED");
    let expires_at = at("2027-02-15T00:00:00+08:00");
    assert_eq!(record(&stage, title, json!({"event": "confirm", "expires_at": expires_at})).await, "licensed");
    let confirmation = state().await["confirmation"].clone();
    assert_eq!((&confirmation["name"], &confirmation["at"]), (&json!("纸鸢行动"), &json!(stage.server.now())));
    assert_eq!(offered().await, "ok");
    let played = stage.plays(&member, title).await.unwrap();
    assert_eq!((&played["via"], &played["ads"]), (&json!("membership"), &json!("none")));
    for (offset_ms, expected) in [(-1, "membership"), (0, "LICENCE_REQUIRED"), (1, "LICENCE_REQUIRED")] {
        assert_eq!(stage.explained(&member, title, "CN", UtcMs(expires_at.0 + offset_ms)).await, expected);
    }
    // Each step is in the audit log, with who took it.
    let log = stage.server.api(&stage.server.operator, "/operator/audit?action=title.compliance").await.json();
    assert_eq!(log["data"].as_array().map(Vec::len), Some(3), "{log}");
    let ordinary = stage.title("日常", "CN").await;
    stage.avail(ordinary, window("avod", &["CN"], START, None)).await;
    assert_eq!(code(&stage.opens_in("CN", &member, ordinary).await), "LICENCE_REQUIRED");
    assert_eq!(record(&stage, ordinary, json!({"event": "declare_ordinary"})).await, "ordinary");
    assert_eq!(code(&stage.opens_in("CN", &member, ordinary).await), "ok", "free and not promoted");
    let theme =
        json!({"name": {"en": "A day"}, "title_ids": [ordinary], "start_at": at(START), "zone": "Asia/Shanghai"});
    let theme = stage.done(Method::POST, "/collections", theme).await["id"].as_str().unwrap().to_owned();
    let shown = stage.server.get_from("CN", &format!("/api/v1/collections/{theme}")).await;
    assert_eq!(
        (shown.status, shown.code()),
        (StatusCode::NOT_FOUND, "COLLECTION_NOT_FOUND".to_owned()),
        "not promoted"
    );
    stage.end().await;
}

pub async fn a_renamed_title_is_not_sold_until_its_licence_is_confirmed_again(backend: Backend) {
    let stage = Stage::open(backend, START).await;
    let sold = licensed(&stage).await;
    let title = sold.title;
    let [buyer, late] = [stage.server.viewer("buyer").await, stage.server.viewer("late").await];
    stage.buys(&buyer, &sold).await.unwrap();
    let rename = |name: &str| json!({"name": {"zh-CN": name}});
    stage.done(Method::PATCH, &format!("/titles/{title}"), rename("纸鸢")).await;
    assert_eq!(code(&stage.buys(&late, &sold).await), "LICENCE_REQUIRED");
    assert_eq!(stage.plays(&buyer, title).await.map(|_| ()), Ok(()), "what was bought plays");
    assert_eq!(code(&stage.buys_in("DE", &late, &sold).await), "ok", "it is China's licence");
    stage.done(Method::PATCH, &format!("/titles/{title}"), rename("纸鸢行动")).await;
    let another = stage.server.viewer("another").await;
    assert_eq!(code(&stage.buys(&another, &sold).await), "ok", "the name on the licence again");
    stage.done(Method::PATCH, &format!("/titles/{title}"), rename("纸鸢")).await;
    assert_eq!(record(&stage, title, json!({"event": "confirm"})).await, "licensed");
    assert_eq!(code(&stage.buys(&stage.server.viewer("last").await, &sold).await), "ok");
    stage.end().await;
}

/// A title without a country may have been made in China: nothing of it is offered there before somebody says where it was.
pub async fn where_nobody_has_said_where_it_was_made_nothing_is_offered_in_china(backend: Backend) {
    let stage = Stage::open(backend, START).await;
    let body = json!({"name": {"en": "Foundling"}, "assets": [stage.server.asset().await], "status": "live"});
    let title: TitleId = stage.made("/titles", body).await.parse().unwrap();
    let both = &["CN", "DE"];
    let paid = stage.avail(title, window("vod", both, START, Some(END))).await;
    let offers = format!("/avails/{paid}/offers");
    let refused = stage.operate(Method::POST, &offers, &pvod()).await;
    let problem = refused.json();
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::CONFLICT, "LICENCE_REQUIRED"));
    assert_eq!(problem["state"], "origin_unknown");
    assert!(problem["detail"].as_str().unwrap().ends_with("Set the title's country, or exclude CN from the window."));
    stage.avail(title, window("avod", both, START, None)).await;
    let [free, abroad, buyer] =
        [stage.server.viewer("free").await, stage.server.viewer("abroad").await, stage.server.viewer("buyer").await];
    assert_eq!(code(&stage.opens_in("CN", &free, title).await), "LICENCE_REQUIRED");
    assert_eq!(code(&stage.opens_in("DE", &abroad, title).await), "ok");
    let event = json!({"event": "declare_ordinary"});
    let undeclared = stage.operate(Method::POST, &format!("/titles/{title}/compliance"), &event).await;
    assert_eq!(undeclared.code(), "COMPLIANCE_EVENT_REFUSED");
    let desk = stage.done(Method::GET, "/titles?licence_state=origin_unknown", json!({})).await;
    assert_eq!(desk["data"][0]["id"], json!(title));
    let board = stage.done(Method::GET, "/board?zone=UTC&currency=CNY", json!({})).await;
    let hand = board["hand"].as_array().unwrap().iter().find(|hand| hand["code"] == "ORIGIN_UNKNOWN").unwrap();
    assert_eq!((&hand["level"], &hand["title_id"]), (&json!("warn"), &json!(title)));

    stage.done(Method::PATCH, &format!("/titles/{title}"), json!({"country": "NL"})).await;
    assert_eq!(code(&stage.opens_in("CN", &free, title).await), "ok");
    let offer = stage.made(&offers, pvod()).await;
    assert_eq!(code(&stage.buys(&buyer, &Sold { title, offer }).await), "ok");
    stage.done(Method::PATCH, &format!("/titles/{title}"), json!({"country": null})).await;
    assert_eq!(code(&stage.opens_in("CN", &free, title).await), "LICENCE_REQUIRED", "nobody says it any more");
    assert_eq!(code(&stage.plays(&buyer, title).await), "ok", "what was bought plays on");
    stage.end().await;
}

/// The desk finds what waits there, and the board names it before it costs money.
pub async fn the_desk_names_what_waits_there(backend: Backend) {
    let stage = Stage::open(backend, START).await;
    let title = licensed(&stage).await.title;
    stage.avail(title, window("avod", &["CN"], END, None)).await;
    let abroad = stage.title("abroad", "NL").await;
    let in_state = async |state: &str| {
        let found = stage.done(Method::GET, &format!("/titles?licence_state={state}"), json!({})).await;
        let rows = found["data"].as_array().unwrap().clone();
        assert!(rows.iter().all(|row| row["licence_state"] == state));
        rows.iter().map(|row| row["id"].clone()).collect::<Vec<_>>()
    };
    // Each zone has a board of its own, that is not the one of a moment ago.
    let hands = async |zone: &str| {
        let board = stage.done(Method::GET, &format!("/board?zone={zone}&currency=CNY"), json!({})).await;
        let of_licence =
            |hand: &&Value| hand["code"].as_str().unwrap().contains("LICENCE_") || hand["code"] == "ORIGIN_UNKNOWN";
        let hands = board["hand"].as_array().unwrap().clone();
        hands
            .iter()
            .filter(of_licence)
            .map(|hand| {
                assert_eq!(hand["title_id"], json!(title));
                format!("{} {}", hand["code"].as_str().unwrap(), hand["level"].as_str().unwrap())
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(in_state("licensed").await, [json!(title)]);
    assert_eq!(in_state("not_applicable").await, [json!(abroad)]);
    assert_eq!(hands("UTC").await, [""; 0]);
    stage.done(Method::PATCH, &format!("/titles/{title}"), json!({"name": {"zh-CN": "纸鸢"}})).await;
    assert_eq!((in_state("licensed").await, in_state("change_pending").await), (vec![], vec![json!(title)]));
    assert_eq!(hands("Asia/Shanghai").await, ["LICENCE_CHANGE_PENDING warn"]);
    let ends_at = "2027-03-10T12:00:00+08:00";
    assert_eq!(record(&stage, title, json!({"event": "confirm", "expires_at": ends_at})).await, "licensed");
    let soon = UtcMs(at(ends_at).0 - 30 * 24 * 3_600_000);
    for (instant, zone, expected) in [
        (UtcMs(soon.0 - 1), "Asia/Tokyo", vec![]),
        (soon, "Europe/Berlin", vec!["LICENCE_EXPIRES_SOON warn"]),
        (UtcMs(at(ends_at).0 - 1), "Europe/Paris", vec!["LICENCE_EXPIRES_SOON warn"]),
        (at(ends_at), "Asia/Seoul", vec!["LICENCE_EXPIRED bad"]),
    ] {
        stage.server.sim.advance_to(instant);
        assert_eq!(hands(zone).await, expected, "{instant}");
    }
    assert_eq!(in_state("expired").await, [json!(title)]);
    stage.done(Method::PATCH, &format!("/titles/{title}"), json!({"status": "withdrawn"})).await;
    assert_eq!(hands("Asia/Macau").await, [""; 0], "it is over");
    assert_eq!(stage.operate(Method::GET, "/titles?licence_state=lost", &json!({})).await.code(), "QUERY_INVALID");
    stage.end().await;
}

/// The licence of 《纸鸢行动》 is revoked on 10 February at 14:00.
pub async fn a_revoked_licence_ends_sale_and_viewing_at_once(backend: Backend) {
    let stage = Stage::open(backend, START).await;
    let sold = licensed(&stage).await;
    let title = sold.title;
    let [watching, unstarted, late, abroad] = [
        stage.server.viewer("watching").await,
        stage.server.viewer("unstarted").await,
        stage.server.viewer("late").await,
        stage.server.viewer("abroad").await,
    ];
    stage.to("2027-02-10T13:59:00+08:00");
    stage.buys(&watching, &sold).await.unwrap();
    stage.buys(&unstarted, &sold).await.unwrap();
    stage.buys_in("DE", &abroad, &sold).await.unwrap();
    let open = stage.plays(&watching, title).await.unwrap();
    let open_abroad = stage.plays_in("DE", &abroad, title).await.unwrap();
    stage.server.advance_to(at("2027-02-10T14:00:00+08:00"), -1);
    assert_eq!(stage.goes_on(&open).await, "ok");
    stage.to("2027-02-10T14:00:00+08:00");
    assert_eq!(record(&stage, title, json!({"event": "revoke", "reason": "an order of the NRTA"})).await, "revoked");

    assert_eq!(stage.goes_on(&open).await, "LICENCE_REVOKED", "at its next request");
    assert_eq!(code(&stage.buys(&late, &sold).await), "LICENCE_REVOKED");
    assert_eq!(code(&stage.opens_in("CN", &unstarted, title).await), "LICENCE_REVOKED");
    assert_eq!(stage.key("DE", &open_abroad).await.status, StatusCode::OK);
    let page = stage.server.api(&late.token, &format!("/titles/{title}")).await.json();
    assert_eq!((&page["decision"]["code"], &page["offers"]), (&json!("LICENCE_REVOKED"), &json!([])), "a tombstone");
    let (before, after) = (at("2027-02-10T13:59:59.999+08:00"), at("2027-02-10T14:00:00+08:00"));
    assert_eq!(stage.explained(&watching, title, "CN", before).await, "grant");
    assert_eq!(stage.explained(&watching, title, "CN", after).await, "LICENCE_REVOKED");
    // For good: neither confirmed again nor taken away and written again.
    let path = format!("/titles/{title}/compliance");
    let again = stage.operate(Method::POST, &path, &json!({"event": "confirm"})).await;
    assert_eq!(again.code(), "COMPLIANCE_EVENT_REFUSED");
    stage.done(Method::DELETE, &format!("/titles/{title}/licence"), json!({})).await;
    assert_eq!(stage.goes_on(&open).await, "LICENCE_REVOKED");
    set_licence(&stage, title).await;
    assert_eq!(stage.goes_on(&open).await, "LICENCE_REVOKED");
    stage.end().await;
}

/// Micro-dramas of one province are key from ¥3 m on, by a table of the operator's own; elsewhere from ¥1 m on.
pub async fn a_production_that_is_key_is_not_ordinary(backend: Backend) {
    let mut table = tempfile::NamedTempFile::new().unwrap();
    let lines = "micro_drama\t*\t2025-01-01\t1000000\t300000\nmicro_drama\tZJ\t2027-02-01\t3000000\t300000\n";
    std::io::Write::write_all(&mut table, lines.as_bytes()).unwrap();
    let turn = at("2027-02-01T00:00:00+08:00");
    let stage = Stage::open_with(backend, "2027-01-31T12:00:00+08:00", |config| {
        config.compliance.thresholds = Some(table.path().to_owned());
    })
    .await;
    let rows = stage.done(Method::GET, "/licence-thresholds", json!({})).await;
    let yuan = |amount: i64| json!({"amount": amount * 100, "currency": "CNY"});
    assert_eq!(
        rows["data"][1],
        json!({"form": "micro_drama", "province": "ZJ", "from": "2027-02-01", "key_from": yuan(3_000_000),
            "ordinary_from": yuan(300_000)})
    );
    let title = stage.title("小戏", "CN").await;
    let path = format!("/titles/{title}");
    let stands = async || {
        let body = stage.done(Method::GET, &format!("{path}/compliance"), json!({})).await;
        (body["state"].as_str().unwrap().to_owned(), body["scale"].clone(), body["threshold"]["province"].clone())
    };
    let costs = |amount: i64| json!({"production": {"cost": yuan(amount), "province": "ZJ"}});
    assert_eq!(stands().await, ("none".into(), Value::Null, Value::Null));
    for wrong in [
        json!({"production": {"cost": {"amount": 1, "currency": "USD"}, "province": "ZJ"}}),
        json!({"production": {"cost": yuan(0), "province": "ZJ"}}),
        json!({"production": {"cost": yuan(1), "province": "XX"}}),
    ] {
        let refused = stage.operate(Method::PATCH, &path, &wrong).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text());
    }
    let mut small = costs(999_999);
    small["genres"] = json!(["micro_drama"]);
    assert_eq!(stage.done(Method::PATCH, &path, small).await["production"], costs(999_999)["production"]);
    assert_eq!(record(&stage, title, json!({"event": "declare_ordinary"})).await, "ordinary");
    assert_eq!(stands().await, ("ordinary".into(), json!("ordinary"), json!("*")));
    stage.avail(title, window("avod", &["CN"], "2027-01-01T00:00:00+08:00", None)).await;
    let viewer = stage.server.viewer("viewer").await;
    assert_eq!(code(&stage.opens_in("CN", &viewer, title).await), "ok");

    // It has cost more after all: what was declared clears nothing, until the day on which its province asks for more.
    stage.done(Method::PATCH, &path, costs(1_000_000)).await;
    assert_eq!(code(&stage.opens_in("CN", &viewer, title).await), "LICENCE_REQUIRED");
    assert_eq!(stands().await, ("none".into(), json!("key"), json!("*")));
    let refused =
        stage.operate(Method::POST, &format!("{path}/compliance"), &json!({"event": "declare_ordinary"})).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::CONFLICT, "COMPLIANCE_EVENT_REFUSED"));
    assert!(refused.text().contains("planning filing"), "{}", refused.text());
    for (offset_ms, expected) in [(-1, "LICENCE_REQUIRED"), (0, "ok"), (1, "ok")] {
        stage.server.advance_to(turn, offset_ms);
        assert_eq!(code(&stage.opens_in("CN", &viewer, title).await), expected, "{offset_ms}");
    }
    assert_eq!(stands().await, ("ordinary".into(), json!("ordinary"), json!("ZJ")));
    // What is planned stands by the day of its filing, whenever that is recorded.
    let filing = |instant: &str| json!({"event": "plan", "number": "网微剧备字（2027）第1号", "at": instant});
    let early = stage.operate(Method::POST, &format!("{path}/compliance"), &filing("2027-03-01T00:00:00+08:00")).await;
    assert_eq!((early.code().as_str(), &early.json()["param"]), ("FIELD_INVALID", &json!("at")));
    assert_eq!(record(&stage, title, filing("2027-01-31T23:59:59.999+08:00")).await, "planned");
    assert_eq!(stands().await, ("planned".into(), json!("key"), json!("*")));
    assert_eq!(record(&stage, title, filing("2027-02-01T00:00:00+08:00")).await, "planned");
    assert_eq!(stands().await, ("planned".into(), json!("ordinary"), json!("ZJ")));
    assert_eq!(record(&stage, title, json!({"event": "declare_ordinary"})).await, "ordinary");
    stage.end().await;
}
