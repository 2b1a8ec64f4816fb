//! Product placement: what may not be seen in a territory is not seen there.

use marquee::base::id::{AssetId, TitleId};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Backend, Stage, code, pvod, window};
use crate::server::TestViewer;

const OPENS: &str = "2027-01-15T20:00:00+08:00";

/// What a session shows, sealed as it is: its asset.
async fn shown(stage: &Stage, opened: &Value) -> AssetId {
    let session = stage.server.app.db.session(opened["id"].as_str().unwrap().parse().unwrap()).await.unwrap().unwrap();
    let url = opened["playback_url"].as_str().unwrap().replace("main.m3u8", &format!("{}/v360.m3u8", session.asset_id));
    assert_eq!(stage.server.get_from("DE", &url).await.status, StatusCode::OK);
    session.asset_id
}

async fn decision(stage: &Stage, viewer: &TestViewer, title: TitleId, territory: &str) -> Value {
    let url = format!("{}/api/v1/titles/{title}", stage.server.base);
    let page =
        stage.server.send(stage.server.client.get(url).header("x-country", territory).bearer_auth(&viewer.token));
    page.await.json()
}

pub async fn a_clean_edit_is_shown_where_a_placement_may_not_be(backend: Backend) {
    let stage = Stage::open(backend, OPENS).await;
    let (film, clean) = (stage.server.asset().await, stage.server.asset().await);
    let placements = json!([{"part": 1, "brand": "Ale", "category": "alcohol", "contract": "2027/4", "in_seconds": 1,
        "out_seconds": 5, "exposure_seconds": 3}]);
    let body = json!({"name": {"en": "A film"}, "assets": [film], "status": "live", "country": "NL",
        "placements": placements, "preview_seconds": 6, "protection": "cbcs"});
    let title: TitleId = stage.made("/titles", body).await.parse().unwrap();
    let sold = stage.sell(title, window("vod", &["DE", "US"], OPENS, None), pvod()).await;
    let ann = stage.server.viewer("ann").await;
    stage.buys_in("DE", &ann, &sold).await.unwrap();
    let before = stage.plays_in("DE", &ann, title).await.unwrap();
    assert_eq!(shown(&stage, &before).await, film);
    stage.server.app.sessions.end(before["id"].as_str().unwrap().parse().unwrap()).await.unwrap();
    let kept = stage.plays_in("DE", &ann, title).await.unwrap();

    // From now on alcohol may not be seen in Germany. What is being watched is watched to its end.
    let blocks = json!([{"category": "alcohol", "territories": {"include": ["DE"], "exclude": []}}]);
    let set = json!({"version": 0, "blocks": blocks});
    assert_eq!(stage.done(Method::PUT, "/placement-blocks", set).await, json!({"version": 1, "blocks": blocks}));
    assert_eq!(shown(&stage, &kept).await, film);
    assert_eq!(stage.explained(&ann, title, "DE", stage.server.now()).await, "CLEAN_EDIT_MISSING");
    let ben = stage.server.viewer("ben").await;
    assert_eq!(code(&stage.opens_in("DE", &ann, title).await), "CLEAN_EDIT_MISSING");
    assert_eq!(code(&stage.buys_in("DE", &ben, &sold).await), "CLEAN_EDIT_MISSING");
    let page = decision(&stage, &ben, title, "DE").await;
    assert_eq!((&page["state"], &page["decision"]["code"]), (&json!("not_available"), &json!("CLEAN_EDIT_MISSING")));
    assert_eq!((&page["offers"][0]["on_sale"], &page["preview"]), (&json!(false), &Value::Null));
    let page = decision(&stage, &ben, title, "US").await;
    assert_eq!((&page["state"], &page["offers"][0]["on_sale"]), (&json!("for_sale"), &json!(true)));
    let preview = async |territory: &str| {
        let body = json!({"title_id": title, "preview": true});
        let answer = stage.from(territory, &ben.token, "/playback-sessions", &body).await;
        if answer.status == StatusCode::CREATED { Ok(answer.json()) } else { Err(answer.code()) }
    };
    assert_eq!(code(&preview("DE").await), "CLEAN_EDIT_MISSING");
    stage.server.app.sessions.end(kept["id"].as_str().unwrap().parse().unwrap()).await.unwrap();

    // With a clean edit it is shown again, sealed as the film is; elsewhere the film is.
    let edits = json!([{"part": 1, "asset_id": clean, "territories": null, "categories": ["tobacco", "alcohol"]}]);
    let edited = stage.done(Method::PATCH, &format!("/titles/{title}"), json!({"clean_edits": edits})).await;
    assert_eq!(edited["clean_edits"], edits);
    let there = stage.plays_in("DE", &ann, title).await.unwrap();
    assert_eq!(shown(&stage, &there).await, clean);
    assert_eq!(shown(&stage, &preview("DE").await.unwrap()).await, clean);
    assert_eq!(stage.explained(&ann, title, "DE", stage.server.now()).await, "grant");
    stage.server.app.sessions.end(there["id"].as_str().unwrap().parse().unwrap()).await.unwrap();
    let elsewhere = stage.plays_in("US", &ann, title).await.unwrap();
    let session = stage.server.app.db.session(elsewhere["id"].as_str().unwrap().parse().unwrap()).await.unwrap();
    assert_eq!(session.unwrap().asset_id, film);
    stage.buys_in("DE", &ben, &sold).await.unwrap();

    // Where a title was made its licence is for one cut.
    let here =
        json!({"country": "CN", "clean_edits": [{"part": 1, "asset_id": clean, "territories": {"include": ["CN"]}}]});
    assert_eq!(stage.operate(Method::PATCH, &format!("/titles/{title}"), &here).await.code(), "TITLE_INVALID");
    stage.end().await;
}
