//! The catalogue: what operators write, and what viewers read of it.

use std::time::Duration;

use axum::body::Body;
use http::{Method, StatusCode};
use marquee::base::id::AssetId;
use marquee::rights::avail::LicenseType;
use marquee::rights::grant::GrantClock;
use marquee::store::db::job::UploadRole;
use marquee::store::db::progress::Progress;
use serde_json::{Value, json};

use super::cinema::{Answer, Cinema, HOUR, Show};

const MS: Duration = Duration::from_millis(1);
const WATCH: GrantClock = GrantClock::OnPurchase { watch_ms: 48 * 3_600_000 };

async fn title(cinema: &Cinema, show: Show, token: &str) -> Value {
    let shown = cinema.get(&format!("/titles/{}", show.title), token).await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.body);
    shown.body
}

async fn edit(cinema: &Cinema, show: Show, body: Value) -> Answer {
    cinema.patch(&format!("/operator/titles/{}", show.title), &cinema.operator, body).await
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

#[tokio::test]
async fn what_an_operator_says_of_a_title_is_what_a_viewer_reads() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    let (second, trailer) = (cinema.asset().await, cinema.asset().await);
    let first = cinema.api.db.title(show.title).await.unwrap().unwrap().parts[0];
    let cast = json!([
        {"name": {"en": "Ann"}, "role": "director", "character": null},
        {"name": {"zh-CN": "本"}, "role": "actor", "character": {"en": "A rabbit"}},
    ]);
    let edited = edit(
        &cinema,
        show,
        json!({"tagline": {"en": "Two lines."}, "cast": cast, "genres": ["science_fiction", "drama"], "year": 2026,
            "country": "NL", "content_rating": "PG", "trailer_asset_id": trailer.id, "rank": 5,
            "assets": [first, second.id], "part_names": [{}, {"en": "The end"}],
            "part_opens_at": [null, "2027-01-20T00:00:00.000Z"], "episodes": {"free": 1, "coins": 60}}),
    )
    .await;
    assert_eq!(edited.status, StatusCode::OK, "{}", edited.body);
    assert_eq!(edited.body["runtime_ms"], 120_000, "the trailer is not counted");
    assert_eq!(edited.body["trailer_asset_id"], json!(trailer.id));
    assert_eq!(edited.body["commerce_state"], "free", "its first episode is");
    assert_eq!(edited.body["next_window"], Value::Null);
    assert_eq!(
        (&edited.body["has_asset"], &edited.body["avail_count"], &edited.body["offers_count"]),
        (&json!(true), &json!(1), &json!(1))
    );
    let shown = title(&cinema, show, "").await;
    for field in ["tagline", "cast", "genres", "year", "country", "content_rating", "runtime_ms"] {
        assert_eq!(shown[field], edited.body[field], "{field}");
    }
    let parts = json!([
        {"part": 1, "name": null, "runtime_ms": 60_000, "opens_at": null, "decision": null, "heard": []},
        {"part": 2, "name": {"en": "The end"}, "runtime_ms": 60_000, "opens_at": "2027-01-20T00:00:00.000Z",
            "decision": null, "heard": []},
    ]);
    assert_eq!(cinema.get("/titles", "").await.body["data"][0]["parts"], parts, "a list is short");
    let of_part = |part: usize| &shown["parts"][part - 1]["decision"];
    assert_eq!((&of_part(1)["allow"], &of_part(1)["via"]), (&json!(true), &json!("free")));
    assert_eq!((&of_part(2)["code"], &of_part(2)["next"][0]["action"]), (&json!("WINDOW_NOT_OPEN"), &json!("wait")));
    let terms = json!({"free": 1, "coins": 60, "rewarded_per_day": 0});
    assert_eq!((&shown["episodes"], &edited.body["episodes"]), (&terms, &terms));
    assert_eq!(shown["trailer"], json!({"runtime_ms": 60_000}));
    assert_eq!(shown["poster_portrait_url"], Value::Null);
    assert_eq!(shown["opens_at"], Value::Null);
    let window = json!({"license_type": "vod", "description": null, "start_at": "2027-01-15T12:00:00.000Z",
        "end_at": "2027-01-29T12:00:00.000Z", "hard_end_at": null, "zone": "Asia/Shanghai"});
    assert_eq!(shown["windows"], json!([window]));
    let ann = cinema.guest("ann").await;
    assert_eq!(title(&cinema, show, &ann.token).await["progress"], Value::Null);
    let place =
        Progress { title_id: show.title, part: 2, position_ms: 5, duration_ms: 60_000, updated_at: cinema.now() };
    cinema.api.db.put_progress(ann.id, &place).await.unwrap();
    let progress = json!({"part": 2, "position_ms": 5, "duration_ms": 60_000, "updated_at": cinema.now()});
    assert_eq!(title(&cinema, show, &ann.token).await["progress"], progress);
    assert_eq!(cinema.get("/titles", &ann.token).await.body["data"][0]["progress"], progress);
    assert_eq!(title(&cinema, show, "").await["progress"], Value::Null);
    // What is not named stays, null takes away, and fewer parts have fewer names.
    let edited =
        edit(&cinema, show, json!({"year": null, "trailer_asset_id": null, "episodes": null, "assets": [first]})).await;
    assert_eq!((&edited.body["part_opens_at"], &edited.body["episodes"]), (&json!([]), &Value::Null));
    assert_eq!((&edited.body["year"], &edited.body["trailer_asset_id"]), (&Value::Null, &Value::Null));
    assert_eq!((&edited.body["country"], &edited.body["part_names"]), (&json!("NL"), &json!([])));
    assert_eq!(title(&cinema, show, "").await["trailer"], Value::Null);
}

#[tokio::test]
async fn what_no_title_can_say_is_refused_by_its_field() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    let before = cinema.api.db.title(show.title).await.unwrap();
    for (body, code, param) in [
        (json!({"genres": ["soap"]}), "FIELD_INVALID", "genres[0]"),
        (json!({"genres": ["war", "war"]}), "TITLE_INVALID", "genres"),
        (json!({"year": 1700}), "TITLE_INVALID", "year"),
        (json!({"episodes": {"free": 1}}), "FIELD_INVALID", "episodes.coins"),
        (json!({"episodes": {"free": 1, "coins": 0}}), "TITLE_INVALID", "episodes"),
        (json!({"part_opens_at": [null, null]}), "TITLE_INVALID", "part_opens_at"),
        (json!({"country": "XX"}), "FIELD_INVALID", "country"),
        (json!({"cast": [{"name": {"en": "Ann"}, "role": "star"}]}), "FIELD_INVALID", "cast[0].role"),
        (json!({"cast": [{"name": {}, "role": "actor"}]}), "TITLE_INVALID", "cast"),
        (json!({"tagline": {"en": "x".repeat(201)}}), "TITLE_INVALID", "tagline"),
        (json!({"part_names": [{}, {}]}), "TITLE_INVALID", "part_names"),
        (json!({"rank": 10_001}), "TITLE_INVALID", "rank"),
        (json!({"poster": "x"}), "FIELD_INVALID", "poster"),
        (json!({"trailer_asset_id": AssetId::new(cinema.now())}), "ASSET_NOT_FOUND", "trailer_asset_id"),
    ] {
        let refused = edit(&cinema, show, body.clone()).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert_eq!((refused.code(), &refused.body["param"]), (code, &json!(param)), "{body}");
    }
    assert_eq!(cinema.api.db.title(show.title).await.unwrap(), before);
}

/// What is on, then what opens, then the rest; a cursor stays good when its title has gone.
#[tokio::test]
async fn titles_are_listed_by_how_they_stand() {
    let cinema = Cinema::open().await;
    let now = cinema.now();
    let mut shows = Vec::new();
    for (starts, ends) in [(-2, 9), (5, 9), (0, 9), (3, 9), (0, 9), (0, 9)] {
        let at = |hours: i64| marquee::base::clock::UtcMs(now.0 + hours * 3_600_000);
        shows.push(cinema.show(LicenseType::Vod, at(starts), at(ends), WATCH).await);
        cinema.sim.advance(MS);
    }
    edit(&cinema, shows[0], json!({"status": "suspended"})).await;
    edit(&cinema, shows[2], json!({"rank": -1})).await;
    let expected: Vec<String> = [2, 5, 4, 3, 1, 0].iter().map(|place| shows[*place].title.to_string()).collect();
    let ids = |list: &Answer| -> Vec<String> {
        list.body["data"].as_array().unwrap().iter().map(|title| text(&title["id"])).collect()
    };
    assert_eq!(ids(&cinema.get("/titles", "").await), expected);
    let first = cinema.get("/titles?limit=2", "").await;
    assert_eq!(ids(&first), expected[..2]);
    let cursor = text(&first.body["next_cursor"]);
    edit(&cinema, shows[5], json!({"status": "withdrawn"})).await;
    let rest = cinema.get(&format!("/titles?cursor={cursor}"), "").await;
    assert_eq!(ids(&rest), expected[2..]);
    assert_eq!(rest.body["next_cursor"], Value::Null);
    let states: Vec<_> = rest.body["data"].as_array().unwrap().iter().map(|title| text(&title["state"])).collect();
    assert_eq!(states, ["for_sale", "opens_later", "opens_later", "not_available"]);
    assert_eq!(rest.body["data"][1]["opens_at"], "2027-01-15T15:00:00.000Z");
    assert_eq!(cinema.get("/titles?cursor=cm93Xzk", "").await.code(), "CURSOR_INVALID");

    let found = |query: &str| format!("/operator/titles?{query}");
    let named = edit(&cinema, shows[1], json!({"name": {"zh-CN": "雾港孤刀", "en": "The Harbour"}})).await;
    assert_eq!(named.status, StatusCode::OK);
    let by_name = cinema.get(&found("query=HARB"), &cinema.operator).await;
    assert_eq!(ids(&by_name), [shows[1].title.to_string()]);
    assert_eq!(by_name.body["data"][0]["commerce_state"], "opens_later");
    assert_eq!(by_name.body["data"][0]["next_window"]["start_at"], "2027-01-15T17:00:00.000Z");
    let by_status = cinema.get(&found("status=withdrawn"), &cinema.operator).await;
    assert_eq!(ids(&by_status), [shows[5].title.to_string()]);
    assert_eq!(cinema.get(&found("query=harb&status=draft"), &cinema.operator).await.body["data"], json!([]));
    assert_eq!(cinema.get(&found("status=gone"), &cinema.operator).await.code(), "QUERY_INVALID");
}

/// A film that opens in two hours and is sold from one hour before it does.
async fn presold(cinema: &Cinema, clock: Value) -> Show {
    let now = cinema.now();
    let mut show = cinema.show(LicenseType::Vod, now + HOUR * 2, now + HOUR * 336, WATCH).await;
    let offers = format!("/operator/avails/{}/offers", show.avail);
    let body = json!({"kind": "pvod", "list_price": {"amount": 1800, "currency": "CNY"}, "clock": clock,
        "presale_from_at": now + HOUR});
    let offer = cinema.post(&offers, &cinema.operator, body).await;
    assert_eq!(offer.status, StatusCode::CREATED, "{}", offer.body);
    let withdrawn =
        cinema.post(&format!("/operator/offers/{}/withdraw", show.offer), &cinema.operator, json!({})).await;
    assert_eq!(withdrawn.body["withdrawn_at"], json!(now));
    show.offer = text(&offer.body["id"]).parse().unwrap();
    show
}

#[tokio::test]
async fn a_presale_sells_before_the_opening_and_the_clock_waits_for_it() {
    let cinema = Cinema::open().await;
    let (start, ann) = (cinema.now(), cinema.guest("ann").await);
    let show = presold(&cinema, json!({"on_purchase": {"watch_s": 172_800}})).await;
    let offer = || async { title(&cinema, show, &ann.token).await["offers"][0].clone() };
    cinema.sim.advance_to(start + HOUR - MS);
    let early = cinema.buy(show, &ann, "early", "paid").await;
    assert_eq!((early.status, early.code()), (StatusCode::FORBIDDEN, "WINDOW_NOT_OPEN"));
    assert_eq!(early.body["next"], json!([{"action": "wait", "opens_at": start + HOUR}]));
    let (shown, before) = (title(&cinema, show, &ann.token).await, offer().await);
    assert_eq!((&shown["state"], &shown["opens_at"]), (&json!("opens_later"), &json!(start + HOUR * 2)));
    assert_eq!((&before["presale"], &before["on_sale"]), (&json!(false), &json!(false)));

    cinema.sim.advance_to(start + HOUR);
    let (shown, open) = (title(&cinema, show, &ann.token).await, offer().await);
    assert_eq!((&shown["state"], &shown["decision"]["code"]), (&json!("for_sale"), &json!("PAYMENT_REQUIRED")));
    assert_eq!((&open["presale"], &open["on_sale"]), (&json!(true), &json!(true)));
    assert_eq!(open["available_at"], json!(start + HOUR * 2));
    let bought = cinema.buy(show, &ann, "in time", "paid").await;
    assert_eq!(bought.status, StatusCode::CREATED, "{}", bought.body);
    let grant = &bought.body["grant"];
    assert_eq!((&grant["phase"], &grant["available_at"]), (&json!("upcoming"), &json!(start + HOUR * 2)));
    assert_eq!(grant["expires_at"], json!(start + HOUR * 50));
    assert_eq!(cinema.buy(show, &ann, "again", "paid").await.code(), "ALREADY_OWNED");

    let leave = async |played: &Answer| {
        if let Some(id) = played.body["id"].as_str() {
            cinema.api.sessions.end(id.parse().unwrap()).await.unwrap();
        }
    };
    for (ms, expected) in [(-1_i64, "WINDOW_NOT_OPEN"), (0, "grant"), (1, "grant")] {
        cinema.sim.advance_to(marquee::base::clock::UtcMs((start + HOUR * 2).0 + ms));
        let played = cinema.play(show, &ann).await;
        let outcome = played.body["via"].as_str().unwrap_or_else(|| played.code());
        assert_eq!(outcome, expected, "{ms} ms");
        leave(&played).await;
        let shown = title(&cinema, show, &ann.token).await;
        assert_eq!(shown["state"], "acquired", "{ms} ms");
        if ms < 0 {
            assert_eq!(shown["decision"]["acquired"], true);
            assert_eq!(played.body["next"], json!([{"action": "wait", "opens_at": start + HOUR * 2}]));
        }
    }
    for (ms, expected) in [(-1_i64, "grant"), (0, "RENTAL_EXPIRED")] {
        cinema.sim.advance_to(marquee::base::clock::UtcMs((start + HOUR * 50).0 + ms));
        let played = cinema.play(show, &ann).await;
        assert_eq!(played.body["via"].as_str().unwrap_or_else(|| played.code()), expected, "{ms} ms");
    }
}

#[tokio::test]
async fn who_bought_before_the_opening_waits_where_it_is_put_off_to() {
    let cinema = Cinema::open().await;
    let (start, ann) = (cinema.now(), cinema.guest("ann").await);
    let show = presold(&cinema, json!({"on_first_play": {"start_within_s": 3600, "watch_s": 60}})).await;
    cinema.sim.advance_to(start + HOUR);
    let bought = cinema.buy(show, &ann, "in time", "paid").await;
    assert_eq!(bought.body["grant"]["expires_at"], json!(start + HOUR * 3), "to be started by");
    let put_off = json!({"start_at": start + HOUR * 9});
    let moved = cinema.patch(&format!("/operator/avails/{}", show.avail), &cinema.operator, put_off).await;
    assert_eq!(moved.status, StatusCode::OK);
    cinema.sim.advance_to(start + HOUR * 9 - MS);
    let waiting = cinema.play(show, &ann).await;
    assert_eq!((waiting.code(), &waiting.body["next"][0]["opens_at"]), ("WINDOW_NOT_OPEN", &json!(start + HOUR * 9)));
    cinema.sim.advance(MS);
    assert_eq!(cinema.play(show, &ann).await.body["starts_clock"], true);
    let grants = cinema.get("/grants", &ann.token).await;
    assert_eq!(grants.body["data"][0]["expires_at"], json!(start + HOUR * 10));
}

#[tokio::test]
async fn an_offer_is_sold_until_it_is_withdrawn() {
    let cinema = Cinema::open().await;
    let (show, ann, ben) = (cinema.premiere().await, cinema.guest("ann").await, cinema.guest("ben").await);
    assert_eq!(cinema.buy(show, &ann, "k", "paid").await.status, StatusCode::CREATED);
    let path = format!("/operator/offers/{}/withdraw", show.offer);
    let withdrawn = cinema.post(&path, &cinema.operator, json!({})).await;
    assert_eq!(withdrawn.body["withdrawn_at"], "2027-01-15T12:00:00.000Z");
    cinema.sim.advance(MS);
    assert_eq!(cinema.post(&path, &cinema.operator, json!({})).await.body, withdrawn.body, "once is enough");
    let refused = cinema.buy(show, &ben, "k", "paid").await;
    assert_eq!((refused.status, refused.code()), (StatusCode::GONE, "OFFER_WITHDRAWN"));
    assert_eq!(title(&cinema, show, &ben.token).await["offers"], json!([]));
    assert_eq!(cinema.play(show, &ann).await.status, StatusCode::CREATED, "what was bought stays");
    let offers = cinema.get(&format!("/operator/avails/{}/offers", show.avail), &cinema.operator).await;
    assert_eq!(offers.body["data"], json!([withdrawn.body]));
    let late = json!({"kind": "pvod", "list_price": {"amount": 1, "currency": "CNY"},
        "clock": {"on_purchase": {"watch_s": 1}}, "presale_from_at": "2027-01-15T12:00:00Z"});
    let late = cinema.post(&format!("/operator/avails/{}/offers", show.avail), &cinema.operator, late).await;
    assert_eq!((late.code(), &late.body["param"]), ("OFFER_INVALID", &json!("presale_from_at")));
}

#[tokio::test]
async fn a_trailer_is_for_anybody_and_costs_nothing() {
    let cinema = Cinema::open().await;
    let (show, ann) = (cinema.premiere().await, cinema.guest("ann").await);
    let wish = json!({"title_id": show.title, "trailer": true});
    assert_eq!(cinema.post("/playback-sessions", "", wish.clone()).await.code(), "TRAILER_NOT_FOUND");
    let trailer = cinema.asset().await;
    edit(&cinema, show, json!({"trailer_asset_id": trailer.id})).await;
    cinema.buy(show, &ann, "k", "paid").await;
    for _ in 0..5 {
        let opened = cinema.post("/playback-sessions", &ann.token, wish.clone()).await;
        assert_eq!((opened.status, &opened.body["via"]), (StatusCode::CREATED, &json!("trailer")));
        assert_eq!((&opened.body["starts_clock"], &opened.body["ends_at"]), (&json!(false), &Value::Null));
    }
    assert_eq!(cinema.play(show, &ann).await.status, StatusCode::CREATED, "no slot of the film was taken");
    let opened = cinema.post("/playback-sessions", "", wish.clone()).await;
    let session = cinema.api.db.session(text(&opened.body["id"]).parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((session.asset_id, session.viewer_id), (trailer.id, None));
    let both = json!({"title_id": show.title, "trailer": true, "part": 1});
    assert_eq!(cinema.post("/playback-sessions", "", both).await.code(), "FIELD_INVALID");
    // Where the title is not licensed it is listed all the same, and so is its trailer; one that is not listed has none.
    let path = "/playback-sessions";
    let request = cinema.request(Method::POST, path, "").header("content-type", "application/json");
    let abroad = cinema.send_from(request.body(Body::from(wish.to_string())).unwrap(), "203.0.113.9", Some("US")).await;
    assert_eq!(abroad.status(), StatusCode::CREATED);
    for (status, code) in
        [("draft", "TITLE_NOT_FOUND"), ("suspended", "TITLE_SUSPENDED"), ("withdrawn", "TITLE_WITHDRAWN")]
    {
        edit(&cinema, show, json!({"status": status})).await;
        assert_eq!(cinema.post(path, "", wish.clone()).await.code(), code);
    }
    // A film that has not arrived is announced by its trailer.
    edit(&cinema, show, json!({"status": "live", "assets": []})).await;
    assert_eq!(cinema.post(path, "", wish).await.status, StatusCode::CREATED);
    assert!(title(&cinema, show, "").await["poster_url"].is_string());
}

#[tokio::test]
async fn the_second_part_of_a_title_is_played_as_the_first_is() {
    let cinema = Cinema::open().await;
    let (show, ann) = (cinema.premiere().await, cinema.guest("ann").await);
    let (second, first) = (cinema.asset().await, cinema.api.db.title(show.title).await.unwrap().unwrap().parts[0]);
    edit(&cinema, show, json!({"assets": [first, second.id]})).await;
    cinema.buy(show, &ann, "k", "paid").await;
    let play = |part: u32| json!({"title_id": show.title, "part": part});
    let opened = cinema.post("/playback-sessions", &ann.token, play(2)).await;
    assert_eq!((opened.status, &opened.body["part"]), (StatusCode::CREATED, &json!(2)));
    let session = cinema.api.db.session(text(&opened.body["id"]).parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((session.part, session.asset_id), (2, second.id));
    for part in [0, 3] {
        assert_eq!(cinema.post("/playback-sessions", &ann.token, play(part)).await.code(), "PART_NOT_FOUND");
    }
}

#[tokio::test]
async fn windows_of_one_kind_do_not_overlap_and_others_are_warned_of() {
    let cinema = Cinema::open().await;
    let (show, now) = (cinema.premiere().await, cinema.now());
    let avails = format!("/operator/titles/{}/avails", show.title);
    let window = |license_type: &str, from: Duration, to: Option<Duration>| {
        json!({"license_type": license_type, "territories": {"include": ["CN", "DE"]}, "start_at": now + from,
            "end_at": to.map(|to| now + to), "zone": "UTC"})
    };
    let day = HOUR * 24;
    let overlapping = window("vod", day * 13, Some(day * 20));
    let unsaid = json!({"country": null});
    cinema.patch(&format!("/operator/titles/{}", show.title), &cinema.operator, unsaid).await;
    let check = cinema.post(&format!("{avails}/check"), &cinema.operator, overlapping.clone()).await;
    let conflict = json!({"avail_id": show.avail, "license_type": "vod",
        "territories": {"include": ["CN"], "exclude": []}, "from": now + day * 13, "to": now + day * 14, "days": 1,
        "code": "OVERLAP", "says": "Two windows of one licence type overlap in a common territory and language.",
        "holdback_id": null, "party": null, "deal_id": null, "party_id": null});
    let unsaid = json!({"avail_id": check.body["warnings"][0]["avail_id"], "license_type": "vod",
        "territories": {"include": ["CN"], "exclude": []}, "from": now + day * 13, "to": now + day * 20, "days": 7,
        "code": "ORIGIN_UNKNOWN", "says": "Nothing opens in China under it before somebody says where the title was made: what was made in \
            China needs a licence there.",
        "holdback_id": null, "party": null, "deal_id": null, "party_id": null});
    assert_eq!(check.body, json!({"conflicts": [conflict], "warnings": [unsaid]}));
    let said = json!({"country": "NL"});
    cinema.patch(&format!("/operator/titles/{}", show.title), &cinema.operator, said).await;
    let refused = cinema.post(&avails, &cinema.operator, overlapping).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "AVAIL_CONFLICT"));
    assert_eq!(refused.body["conflicts"], json!([conflict]));
    let warned = cinema.post(&format!("{avails}/check"), &cinema.operator, window("svod", day * 13, None)).await;
    assert_eq!(
        (&warned.body["conflicts"], &warned.body["warnings"][0]["code"]),
        (&json!([]), &json!("MEMBER_BEFORE_PVOD_ENDS"))
    );

    let next = cinema.post(&avails, &cinema.operator, window("vod", day * 14, None)).await;
    assert_eq!(next.status, StatusCode::CREATED, "a neighbour: {}", next.body);
    let id = text(&next.body["id"]);
    let path = format!("/operator/avails/{id}");
    let earlier = cinema.patch(&path, &cinema.operator, json!({"start_at": now + day * 14 - MS})).await;
    assert_eq!((earlier.status, &earlier.body["conflicts"][0]["days"]), (StatusCode::CONFLICT, &json!(1)));
    let mut moved = window("vod", day * 15, None);
    moved["replaces"] = json!(id);
    let check_path = format!("{avails}/check");
    let check = |body: Value| cinema.post(&check_path, &cinema.operator, body);
    assert_eq!(check(moved.clone()).await.body["conflicts"], json!([]));
    moved["replaces"] = json!("avl_00000000000000000000000000");
    assert_eq!(check(moved).await.code(), "AVAIL_NOT_FOUND");

    // It has not opened and nobody has bought of it: it may go, and its offers with it.
    let offer = json!({"kind": "pvod", "list_price": {"amount": 1, "currency": "CNY"},
        "clock": {"on_purchase": {"watch_s": 60}}, "presale_from_at": now});
    assert_eq!(cinema.post(&format!("{path}/offers"), &cinema.operator, offer).await.status, StatusCode::CREATED);
    let delete = |id: String| {
        let request = cinema.request(Method::DELETE, &format!("/operator/avails/{id}"), &cinema.operator);
        cinema.send(request.body(Body::empty()).unwrap())
    };
    assert_eq!(delete(id.clone()).await.status, StatusCode::NO_CONTENT);
    assert_eq!(delete(id).await.code(), "AVAIL_NOT_FOUND");
    let open = delete(show.avail.to_string()).await;
    assert_eq!((open.status, open.code()), (StatusCode::CONFLICT, "AVAIL_IN_USE"));
    let listed = cinema.get(&avails, &cinema.operator).await;
    assert_eq!(listed.body["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_avail_of_which_something_was_bought_stays() {
    let cinema = Cinema::open().await;
    let (start, ann) = (cinema.now(), cinema.guest("ann").await);
    let show = presold(&cinema, json!({"on_purchase": {"watch_s": 60}})).await;
    cinema.sim.advance_to(start + HOUR);
    cinema.buy(show, &ann, "k", "declined").await;
    let request = cinema.request(Method::DELETE, &format!("/operator/avails/{}", show.avail), &cinema.operator);
    assert_eq!(cinema.send(request.body(Body::empty()).unwrap()).await.code(), "AVAIL_IN_USE");
}

#[tokio::test]
async fn a_poster_is_drawn_anew_and_replaces_the_one_before() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    let upload = |shape: &str, kind: &str, bytes: Vec<u8>| {
        let path = format!("/operator/titles/{}/poster?shape={shape}", show.title);
        let request = cinema.request(Method::POST, &path, &cinema.operator).header("content-type", kind);
        cinema.send(request.body(Body::from(bytes)).unwrap())
    };
    let poster = async |query: &str| cinema.get(&path_of(show, query), "").await;
    let film = poster("").await;
    assert!(film.body.as_str().unwrap().starts_with("assets/"), "a picture of the film");
    assert_eq!(poster("?shape=portrait").await.status, StatusCode::NOT_FOUND);
    assert_eq!(upload("portrait", "image/png", b"one".to_vec()).await.status, StatusCode::NO_CONTENT);
    let portrait = title(&cinema, show, "").await["poster_portrait_url"].clone();
    assert_eq!(portrait, json!(format!("/api/v1/titles/{}/poster.jpg?shape=portrait", show.title)));
    let first = poster("?shape=portrait").await;
    assert!(first.body.as_str().unwrap().starts_with(&format!("posters/{}/pst_", show.title)));
    let request = cinema.request(Method::GET, &path_of(show, "?shape=portrait"), "");
    let known = request.header("if-none-match", first.header("etag")).body(Body::empty()).unwrap();
    assert_eq!(cinema.send(known).await.status, StatusCode::NOT_MODIFIED);
    assert_eq!(upload("portrait", "image/webp", b"two".to_vec()).await.status, StatusCode::NO_CONTENT);
    let second = poster("?shape=portrait").await;
    assert_ne!(second.header("etag"), first.header("etag"));
    let posters = cinema.api.db.title(show.title).await.unwrap().unwrap().details.posters;
    let key = |poster| marquee::store::key::ObjectKey::TitlePoster { title: show.title, poster };
    let stored = cinema.blobs.get(&key(posters.portrait.unwrap())).await.unwrap();
    assert_eq!(stored, "Portrait:two", "what the worker drew is what is kept");
    let kept = first.body.as_str().unwrap().rsplit('/').next().unwrap().trim_end_matches(".jpg").parse().unwrap();
    assert!(cinema.blobs.get(&key(kept)).await.is_err(), "the one before is gone");
    assert_eq!(poster("").await.header("etag"), film.header("etag"), "the other shape is not touched");

    for (kind, bytes, status, code) in [
        ("image/gif", b"x".to_vec(), 415, "CONTENT_TYPE_UNSUPPORTED"),
        ("image/svg+xml", b"x".to_vec(), 415, "CONTENT_TYPE_UNSUPPORTED"),
        ("image/png", b"bad".to_vec(), 422, "PICTURE_INVALID"),
        ("image/png", vec![0; 8 * 1024 * 1024 + 1], 413, "BODY_TOO_LARGE"),
    ] {
        let refused = upload("landscape", kind, bytes).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (status, code));
    }
    assert_eq!(upload("square", "image/png", b"x".to_vec()).await.code(), "QUERY_INVALID");
    // A title that is not listed shows its poster to operators only.
    edit(&cinema, show, json!({"status": "draft"})).await;
    assert_eq!(poster("?shape=portrait").await.status, StatusCode::NOT_FOUND);
    let seen = cinema.get(&path_of(show, "?shape=portrait"), &cinema.operator).await;
    assert_eq!((seen.status, seen.header("cache-control")), (StatusCode::OK, "private, no-cache"));
}

fn path_of(show: Show, query: &str) -> String {
    format!("/titles/{}/poster.jpg{query}", show.title)
}

#[tokio::test]
async fn an_excerpt_is_no_film() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    let asset = cinema.api.db.title(show.title).await.unwrap().unwrap().parts[0];
    let path = format!("/operator/assets/{asset}/excerpt");
    for length_ms in [0, 999, 600_001] {
        let refused = cinema.post(&path, &cinema.operator, json!({"length_ms": length_ms})).await;
        assert_eq!((refused.code(), &refused.body["param"]), ("EXCERPT_INVALID", &json!("length_ms")));
    }
    let bare = cinema.post(&path, &cinema.operator, json!({"length_ms": 1000})).await;
    assert_eq!((bare.status, bare.code()), (StatusCode::NOT_FOUND, "MEDIA_NOT_FOUND"), "a record without bytes");
    let shown = cinema.get(&format!("/operator/assets/{asset}"), &cinema.operator).await;
    for field in ["source", "renditions", "segments", "excerpt_of"] {
        assert_eq!(shown.body[field], Value::Null, "{field} was not noted");
    }
    assert_eq!(shown.body["titles"], json!([show.title]));

    let mut short = cinema.asset().await;
    short.id = AssetId::new(cinema.now());
    short.details.excerpt_of = Some(asset);
    cinema.api.db.insert_asset(&short).await.unwrap();
    let refused = edit(&cinema, show, json!({"assets": [asset, short.id]})).await;
    assert_eq!((refused.code(), &refused.body["param"]), ("ASSET_IS_EXCERPT", &json!("assets[1]")));
    let edited = edit(&cinema, show, json!({"trailer_asset_id": short.id})).await;
    assert_eq!(edited.body["runtime_ms"], 60_000);
    let shown = cinema.get(&format!("/operator/assets/{}", short.id), &cinema.operator).await;
    assert_eq!((&shown.body["titles"], &shown.body["excerpt_of"]), (&json!([show.title]), &json!(asset)));
}

#[tokio::test]
async fn uploads_that_are_not_whole_are_listed_until_they_expire() {
    let cinema = Cinema::open().await;
    let role = UploadRole::Film { beside: Vec::new() };
    let created = cinema.uploads.create("film.mp4".into(), 9, role, None).await.unwrap();
    let marquee::store::db::Written::New(upload) = created else { panic!("no upload") };
    let listed = cinema.get("/operator/uploads", &cinema.operator).await;
    let expected = json!([{"id": upload.id, "file_name": "film.mp4", "kind": "film", "language": null, "beside": [],
        "length": 9, "received": 0, "created_at": "2027-01-15T12:00:00.000Z", "expires_at": "2027-01-16T12:00:00.000Z"}]);
    assert_eq!(listed.body["data"], expected);
    cinema.sim.advance(HOUR * 23 + Duration::from_millis(3_599_999));
    assert_eq!(cinema.get("/operator/uploads", &cinema.operator).await.body["data"], expected);
    cinema.sim.advance(MS);
    assert_eq!(cinema.get("/operator/uploads", &cinema.operator).await.body["data"], json!([]));
}
