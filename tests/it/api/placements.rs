//! Product placement: what operators write of it, and that a clean edit is a film like the part it stands for.

use http::StatusCode;
use marquee::base::id::AssetId;
use marquee::catalog::asset::AssetState;
use serde_json::{Value, json};

use super::cinema::Cinema;

const NUMBER: &str = "（总局）网影审字（2022）第001号";

fn placement(change: &Value) -> Value {
    let mut placement = json!({"part": 1, "brand": "Ale", "category": "alcohol", "contract": "2027/4",
        "in_seconds": 10, "out_seconds": 20, "exposure_seconds": 5});
    for (key, value) in change.as_object().unwrap() {
        placement[key] = value.clone();
    }
    placement
}

#[tokio::test]
async fn placements_and_clean_edits_are_checked_and_shown() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    let path = format!("/operator/titles/{}", show.title);
    let clean = cinema.asset().await.id;
    let edits = |change: Value| {
        let mut edit = json!({"part": 1, "asset_id": clean, "territories": null, "categories": ["alcohol"]});
        for (key, value) in change.as_object().unwrap() {
            edit[key] = value.clone();
        }
        json!({"clean_edits": [edit]})
    };
    let mut partial = cinema.asset().await;
    partial.state = AssetState::Partial { fingerprint: "1".into() };
    partial.id = AssetId::new(cinema.now());
    cinema.api.db.insert_asset(&partial).await.unwrap();
    for (wrong, code, param) in [
        (json!({"placements": [placement(&json!({"part": 2}))]}), "TITLE_INVALID", "placements"),
        (json!({"placements": [placement(&json!({"out_seconds": 61}))]}), "TITLE_INVALID", "placements"),
        (json!({"placements": [placement(&json!({"exposure_seconds": 11}))]}), "TITLE_INVALID", "placements"),
        (edits(json!({"part": 2})), "TITLE_INVALID", "clean_edits"),
        (edits(json!({"categories": []})), "TITLE_INVALID", "clean_edits"),
        (edits(json!({"asset_id": AssetId::new(cinema.now())})), "ASSET_NOT_FOUND", "clean_edits[0]"),
        (edits(json!({"asset_id": partial.id})), "ASSET_PARTIAL", "clean_edits[0]"),
    ] {
        let refused = cinema.patch(&path, &cinema.operator, wrong.clone()).await;
        assert_eq!((refused.code(), &refused.body["param"]), (code, &json!(param)), "{wrong}");
    }
    let mut whole = edits(json!({"territories": {"include": ["DE"], "exclude": []}}));
    whole["placements"] = json!([placement(&json!({"out_seconds": 60}))]);
    let edited = cinema.patch(&path, &cinema.operator, whole.clone()).await;
    assert_eq!(edited.status, StatusCode::OK, "{}", edited.body);
    assert_eq!(
        (&edited.body["placements"], &edited.body["clean_edits"]),
        (&whole["placements"], &whole["clean_edits"])
    );
    let kept = cinema.patch(&path, &cinema.operator, json!({"rank": 1})).await.body;
    assert_eq!((&kept["placements"], &kept["clean_edits"]), (&whole["placements"], &whole["clean_edits"]));
    let asset = cinema.get(&format!("/operator/assets/{clean}"), &cinema.operator).await.body;
    assert_eq!(asset["titles"], json!([show.title]));
    let log = cinema.get("/operator/audit?action=title.edit", &cinema.operator).await.body;
    assert_eq!(log["data"][1]["detail"]["placements"][1], whole["placements"]);

    let blocks = |version: i64, categories: &[&str]| {
        let block = |category: &&str| json!({"category": category, "territories": {"include": ["CN"], "exclude": []}});
        json!({"version": version, "blocks": categories.iter().map(block).collect::<Vec<_>>()})
    };
    let path = "/operator/placement-blocks";
    assert_eq!(cinema.get(path, &cinema.operator).await.body, blocks(0, &[]));
    let twice = cinema.put(path, &cinema.operator, blocks(0, &["food", "food"])).await;
    assert_eq!((twice.code(), &twice.body["param"]), ("PLACEMENT_BLOCKS_INVALID", &json!("blocks[1]")));
    assert_eq!(cinema.put(path, &cinema.operator, blocks(0, &["food"])).await.body, blocks(1, &["food"]));
    let stale = cinema.put(path, &cinema.operator, blocks(0, &["alcohol"])).await;
    assert_eq!((stale.status, stale.code()), (StatusCode::PRECONDITION_FAILED, "VERSION_CONFLICT"));
    assert_eq!(cinema.get(path, &cinema.operator).await.body, blocks(1, &["food"]));
}

/// A clean edit opens with a card of its own, made in its tracks.
#[tokio::test]
async fn a_clean_edit_has_its_own_release_card() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    let ann = cinema.guest("ann").await;
    cinema.buy(show, &ann, "k", "paid").await;
    let path = format!("/operator/titles/{}", show.title);
    let licence = json!({"kind": "online_release", "number": NUMBER});
    cinema.put(&format!("{path}/licence"), &cinema.operator, licence).await;
    assert!(cinema.jobs.work_once().await.unwrap());
    let clean = cinema.asset().await;
    let edit = json!({"part": 1, "asset_id": clean.id, "territories": {"include": ["CN"]}});
    let edited = cinema.patch(&path, &cinema.operator, json!({"clean_edits": [edit]})).await;
    assert_eq!(edited.status, StatusCode::OK, "{}", edited.body);
    assert_eq!(cinema.play(show, &ann).await.code(), "CARD_NOT_READY");
    assert!(cinema.jobs.work_once().await.unwrap());
    assert!(!cinema.jobs.work_once().await.unwrap());
    let played = cinema.play(show, &ann).await;
    assert_eq!(played.status, StatusCode::CREATED, "{}", played.body);
    let id = played.body["id"].as_str().unwrap().parse().unwrap();
    let session = cinema.api.db.session(id).await.unwrap().unwrap();
    let cards = cinema.api.db.cards().await.unwrap();
    let of = cards.iter().find(|(_, card)| Some(*card) == session.card).map(|(source, _)| source.film);
    assert_eq!((session.asset_id, of), (clean.id, Some(clean.id)));
    // Both cards are in use, and the one that is not asked for any more goes.
    cinema.operators.cards.remove_unused().await.unwrap();
    assert_eq!(cinema.api.db.cards().await.unwrap().len(), 2);
}
