//! Release licences, and the cards that are made for them.

use std::time::Duration;

use axum::body::Body;
use http::{Method, StatusCode};
use marquee::base::id::{AssetId, TitleId};
use marquee::base::limits::JOB_LEASE_TTL;
use marquee::catalog::asset::{Asset, AssetState};
use serde_json::{Value, json};

use super::cinema::{Cinema, HOUR, Show};
use super::uploads;

const NUMBER: &str = "（总局）网影审字（2022）第001号";

fn path(title: TitleId) -> String {
    format!("/operator/titles/{title}/licence")
}

async fn put(cinema: &Cinema, show: Show, kind: &str, number: &str) -> Value {
    let answer = cinema.put(&path(show.title), &cinema.operator, json!({"kind": kind, "number": number})).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.body
}

async fn edit(cinema: &Cinema, show: Show, change: Value) {
    let request = cinema.request(Method::PATCH, &format!("/operator/titles/{}", show.title), &cinema.operator);
    let request = request.header("content-type", "application/json").body(Body::from(change.to_string())).unwrap();
    assert_eq!(cinema.send(request).await.status, StatusCode::OK);
}

async fn card(cinema: &Cinema, show: Show) -> Value {
    cinema.get(&path(show.title), &cinema.operator).await.body["cards"][0].clone()
}

async fn cards(cinema: &Cinema) -> usize {
    cinema.api.db.cards().await.unwrap().len()
}

#[tokio::test]
async fn a_licence_is_checked_shown_and_becomes_a_card() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    let none = cinema.get(&path(show.title), &cinema.operator).await;
    assert_eq!((none.status, none.code()), (StatusCode::NOT_FOUND, "LICENCE_NOT_FOUND"));
    let wrong = json!({"kind": "online_release", "number": "001"});
    let refused = cinema.put(&path(show.title), &cinema.operator, wrong).await;
    assert_eq!((refused.code(), &refused.body["param"]), ("LICENCE_NUMBER_INVALID", &json!("number")));

    let film = cinema.api.db.title(show.title).await.unwrap().unwrap().parts[0];
    let queued = json!({"part": 1, "film_id": film, "is_clean_edit": false, "status": "queued", "asset_id": null,
        "duration_ms": null, "error": null});
    let licence = json!({"kind": "online_release", "number": NUMBER});
    let set = put(&cinema, show, "online_release", NUMBER).await;
    let expected = json!({"kind": "online_release", "number": NUMBER, "card_territories": ["CN"], "cards": [queued]});
    assert_eq!(set, expected);
    let title = cinema.get(&format!("/operator/titles/{}", show.title), &cinema.operator).await;
    assert_eq!((&title.body["licence"], &title.body["version"]), (&licence, &json!(2)));
    let guest = cinema.guest("ann").await;
    let shown = cinema.get(&format!("/titles/{}", show.title), &guest.token).await;
    assert_eq!(shown.body["licence"], licence, "the number stands on the title's page");

    let job = cinema.get("/operator/jobs", &cinema.operator).await.body["data"][0].clone();
    assert_eq!(
        [&job["status"], &job["card_of"], &job["upload_id"], &job["source_name"]],
        [&json!("queued"), &json!(film), &Value::Null, &json!(NUMBER)]
    );
    assert!(cinema.jobs.work_once().await.unwrap());
    assert!(!cinema.jobs.work_once().await.unwrap());
    let made = card(&cinema, show).await;
    assert_eq!((&made["status"], &made["duration_ms"]), (&json!("ready"), &json!(5_000)));
    let id: AssetId = made["asset_id"].as_str().unwrap().parse().unwrap();
    let asset = cinema.get(&format!("/operator/assets/{id}"), &cinema.operator).await;
    assert_eq!((&asset.body["card_of"], &asset.body["titles"]), (&json!(film), &json!([])));

    // A card is no film and no trailer.
    let path = format!("/operator/titles/{}", show.title);
    for change in [json!({"assets": [film, id]}), json!({"trailer_asset_id": id})] {
        let request = cinema.request(Method::PATCH, &path, &cinema.operator);
        let request = request.header("content-type", "application/json").body(Body::from(change.to_string())).unwrap();
        let refused = cinema.send(request).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::UNPROCESSABLE_ENTITY, "ASSET_IS_CARD"));
    }
    let log = cinema.get("/operator/audit?action=title.licence", &cinema.operator).await;
    assert_eq!(log.body["data"][0]["detail"], licence);

    // A clean edit opens with a card of its own.
    let another = cinema.asset().await.id;
    let abroad = json!([{"part": 1, "asset_id": another, "territories": {"include": ["DE"]}, "categories": []}]);
    edit(&cinema, show, json!({"clean_edits": abroad})).await;
    let cards = cinema.get(&self::path(show.title), &cinema.operator).await.body["cards"].clone();
    let of = |n: usize| (&cards[n]["part"], &cards[n]["is_clean_edit"], &cards[n]["film_id"], &cards[n]["status"]);
    assert_eq!(of(0), (&json!(1), &json!(false), &json!(film), &json!("ready")));
    assert_eq!(of(1), (&json!(1), &json!(true), &json!(another), &json!("queued")));
}

#[tokio::test]
async fn another_name_number_or_film_is_another_card_and_the_same_is_the_same() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    put(&cinema, show, "online_release", NUMBER).await;
    put(&cinema, show, "online_release", NUMBER).await;
    assert!(cinema.jobs.work_once().await.unwrap());
    put(&cinema, show, "online_release", NUMBER).await;
    edit(&cinema, show, json!({"rank": 3})).await;
    assert!(!cinema.jobs.work_once().await.unwrap(), "nothing that it shows has changed");
    let first = card(&cinema, show).await["asset_id"].clone();

    let film = cinema.asset().await.id;
    edit(&cinema, show, json!({"name": {"en": "Renamed"}})).await;
    assert_eq!(card(&cinema, show).await["status"], "queued");
    assert!(cinema.jobs.work_once().await.unwrap());
    edit(&cinema, show, json!({"assets": [film]})).await;
    assert!(cinema.jobs.work_once().await.unwrap());
    put(&cinema, show, "online_release", "（总局）网影审字（2022）第002号").await;
    assert!(cinema.jobs.work_once().await.unwrap());
    assert_eq!(cards(&cinema).await, 4);

    // A licence for which the policy asks for no card has none.
    let cinemas = put(&cinema, show, "theatrical_release", "电审故字〔2023〕第791号").await;
    assert_eq!((&cinemas["card_territories"], &cinemas["cards"]), (&json!([]), &json!([])));
    assert!(!cinema.jobs.work_once().await.unwrap());

    edit(&cinema, show, json!({"name": {"en": "A Film"}, "assets": [cinema.asset().await.id]})).await;
    put(&cinema, show, "online_release", NUMBER).await;
    assert!(cinema.jobs.work_once().await.unwrap());
    assert_ne!(card(&cinema, show).await["asset_id"], first);
}

#[tokio::test]
async fn a_card_that_cannot_be_made_says_why_and_is_tried_again() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    edit(&cinema, show, json!({"name": {"en": "Nameless"}})).await;
    put(&cinema, show, "online_release", NUMBER).await;
    let guest = cinema.guest("ann").await;
    assert!(cinema.jobs.work_once().await.unwrap());
    let failed = card(&cinema, show).await;
    assert_eq!((&failed["status"], &failed["error"]["code"]), (&json!("failed"), &json!("CARD_FONT_MISSING")));
    cinema.buy(show, &guest, "buy", "paid").await;
    let opened = cinema.play(show, &guest).await;
    assert_eq!((opened.status, opened.code()), (StatusCode::SERVICE_UNAVAILABLE, "CARD_NOT_READY"));

    assert!(!cinema.jobs.work_once().await.unwrap());
    // Jobs of one instant have no order.
    cinema.sim.advance(Duration::from_millis(1));
    put(&cinema, show, "online_release", NUMBER).await;
    assert_eq!(card(&cinema, show).await["status"], "queued");
    assert!(cinema.jobs.work_once().await.unwrap());
    cinema.sim.advance(Duration::from_millis(1));
    cinema.operators.cards.queue_all().await.unwrap();
    assert_eq!(card(&cinema, show).await["status"], "queued", "what failed is tried again at the next start");
}

#[tokio::test]
async fn a_film_that_is_still_being_packaged_gets_its_card_after_that() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    let bytes = "a film";
    let (url, _) = uploads::open(&cinema, bytes.len() as u64).await;
    uploads::append(&cinema, &url, 0, bytes).await;
    let db = &cinema.api.db;
    let job = db.claim_job("another", cinema.now(), JOB_LEASE_TTL).await.unwrap().unwrap();
    let film = Asset {
        id: AssetId::of_job(job.id),
        state: AssetState::Partial { fingerprint: "-".into() },
        ..cinema.asset().await
    };
    assert!(db.begin_asset(job.id, "another", &film, cinema.now()).await.unwrap());
    cinema.api.follower.announce().await;
    edit(&cinema, show, json!({"assets": [film.id]})).await;
    let set = put(&cinema, show, "online_release", NUMBER).await;
    assert_eq!(set["cards"][0]["status"], "queued");
    assert!(!cinema.jobs.work_once().await.unwrap(), "no card is made of half a film");
    cinema.sim.advance(JOB_LEASE_TTL);
    assert!(cinema.jobs.work_once().await.unwrap(), "the film");
    assert_eq!(card(&cinema, show).await["status"], "queued");
    assert!(cinema.jobs.work_once().await.unwrap(), "its card");
    assert_eq!(card(&cinema, show).await["status"], "ready");
}

#[tokio::test]
async fn a_card_is_removed_once_no_title_asks_for_it_and_nobody_plays_it() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    put(&cinema, show, "online_release", NUMBER).await;
    assert!(cinema.jobs.work_once().await.unwrap());
    let guest = cinema.guest("ann").await;
    cinema.buy(show, &guest, "buy", "paid").await;
    let opened = cinema.play(show, &guest).await;
    assert_eq!(
        opened.body["clips"],
        json!([{"kind": "card", "start_ms": 0, "duration_ms": 5_000},
            {"kind": "film", "start_ms": 5_000, "duration_ms": 60_000}])
    );

    let remove = async || {
        cinema.operators.cards.remove_unused().await.unwrap();
        cards(&cinema).await
    };
    assert_eq!(remove().await, 1, "the title asks for it");
    let request = cinema.request(Method::DELETE, &path(show.title), &cinema.operator).body(Body::empty()).unwrap();
    assert_eq!(cinema.send(request).await.status, StatusCode::NO_CONTENT);
    let plain = cinema.get(&format!("/operator/titles/{}", show.title), &cinema.operator).await;
    assert_eq!((&plain.body["licence"], &plain.body["version"]), (&Value::Null, &json!(3)));
    assert_eq!(remove().await, 1, "a session plays it");
    cinema.sim.advance(HOUR * 24);
    assert_eq!(remove().await, 0);
    assert_eq!(remove().await, 0);
    put(&cinema, show, "online_release", NUMBER).await;
    assert_eq!(card(&cinema, show).await["status"], "queued");
}
