//! A series with seasons: each is a title of its own, and a viewer is led from one to the others.

use marquee::base::clock::UtcMs;
use marquee::base::id::{AssetId, TitleId};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Backend, Stage, at, pvod, window};

const START: &str = "2027-01-10T20:00:00+08:00";
const OPENS: &str = "2027-01-15T20:00:00+08:00";
const ANNOUNCED: &str = "2027-02-01T12:00:00+08:00";

/// A live title that is season `number`, on sale from `start` on.
async fn season(stage: &Stage, asset: AssetId, series: &str, number: u32, start: &str) -> TitleId {
    let body = json!({"name": {"en": format!("Fog {number}")}, "assets": [asset], "status": "live", "country": "NL",
        "season": {"series_id": series, "number": number}});
    let title = stage.made("/titles", body).await.parse().unwrap();
    stage.sell(title, window("vod", &["CN"], start, None), pvod()).await;
    title
}

pub async fn seasons_are_titles_of_one_series(backend: Backend) {
    let stage = Stage::open(backend, START).await;
    let asset = stage.server.asset().await;
    assert_eq!(stage.operate(Method::POST, "/series", &json!({"name": {}})).await.code(), "SERIES_INVALID");
    let name = json!({"en": "Fog", "zh-CN": "雾"});
    let made = stage.done(Method::POST, "/series", json!({"name": name, "synopsis": {"en": "Of a harbour."}})).await;
    let series = made["id"].as_str().unwrap().to_owned();
    assert_eq!((&made["version"], &made["seasons"]), (&json!(1), &json!([])));
    let first = season(&stage, asset, &series, 1, OPENS).await;
    let third = season(&stage, asset, &series, 3, ANNOUNCED).await;
    let second = season(&stage, asset, &series, 2, OPENS).await;

    // A number is one title's, of a series that is there.
    let path = format!("/titles/{second}");
    for (season, status, code) in [
        (json!({"series_id": series, "number": 1}), StatusCode::CONFLICT, "SEASON_TAKEN"),
        (json!({"series_id": series, "number": 0}), StatusCode::UNPROCESSABLE_ENTITY, "TITLE_INVALID"),
        (json!({"series_id": series, "number": 1000}), StatusCode::UNPROCESSABLE_ENTITY, "TITLE_INVALID"),
        (
            json!({"series_id": "ser_00000000000000000000000000", "number": 2}),
            StatusCode::UNPROCESSABLE_ENTITY,
            "SERIES_NOT_FOUND",
        ),
    ] {
        let refused = stage.operate(Method::PATCH, &path, &json!({"season": season})).await;
        assert_eq!((refused.status, refused.code().as_str()), (status, code), "{season}");
    }
    let kept = stage.done(Method::PATCH, &path, json!({"rank": 1})).await;
    assert_eq!(kept["season"], json!({"series_id": series, "number": 2}));
    let of_series = format!("/series/{series}");
    let shown = stage.done(Method::GET, &of_series, json!({})).await;
    let of = |title: TitleId, number: u32| json!({"title_id": title, "number": number, "name": {"en": format!("Fog {number}")}, "status": "live"});
    assert_eq!(shown["seasons"], json!([of(first, 1), of(second, 2), of(third, 3)]));
    assert_eq!(stage.operate(Method::DELETE, &of_series, &json!({})).await.code(), "SERIES_IN_USE");
    let stale = stage.operate(Method::PATCH, &of_series, &json!({"version": 7, "synopsis": {}})).await;
    assert_eq!((stale.status, stale.code()), (StatusCode::PRECONDITION_FAILED, "VERSION_CONFLICT".to_owned()));
    let edited = stage.done(Method::PATCH, &of_series, json!({"version": 1, "synopsis": {}})).await;
    assert_eq!((&edited["version"], &edited["name"], &edited["synopsis"]), (&json!(2), &name, &json!({})));

    // The third is not announced yet: viewers hear of it at its instant.
    stage.done(Method::PATCH, &format!("/titles/{third}"), json!({"announced_at": ANNOUNCED})).await;
    let ann = stage.server.viewer("ann").await;
    let numbers = |list: &Value| -> Vec<u64> {
        list.as_array().unwrap().iter().map(|season| season["number"].as_u64().unwrap()).collect()
    };
    let page = async |path: String| {
        let ann = stage.server.signed_in_again(&ann).await;
        stage.server.api(&ann.token, &path).await
    };
    for (offset_ms, others, all) in
        [(-1, vec![2], vec![1, 2]), (0, vec![2, 3], vec![1, 2, 3]), (1, vec![2, 3], vec![1, 2, 3])]
    {
        stage.server.sim.advance_to(UtcMs(at(ANNOUNCED).0 + offset_ms));
        let title = page(format!("/titles/{first}")).await.json();
        let season = &title["season"];
        assert_eq!(
            (&season["series_id"], &season["number"], &season["series_name"]),
            (&json!(series), &json!(1), &name)
        );
        assert_eq!(numbers(&season["others"]), others, "{offset_ms}");
        let whole = page(format!("/series/{series}")).await.json();
        assert_eq!(numbers(&whole["seasons"]), all, "{offset_ms}");
    }
    let whole = page(format!("/series/{series}")).await.json();
    assert_eq!((&whole["name"], &whole["seasons"][1]["id"]), (&name, &json!(second)));
    assert_eq!(whole["seasons"][1]["decision"]["code"], "PAYMENT_REQUIRED", "each with its own button");
    assert_eq!(
        whole["seasons"][1]["season"]["others"][0],
        json!({"title_id": first, "number": 1, "name": {"en": "Fog 1"}})
    );
    let list = page("/titles".into()).await.json();
    assert!(list["data"].as_array().unwrap().iter().all(|title| title["season"]["series_id"] == json!(series)));

    // A series of which nothing is on show here is none, and one that has no seasons left can go.
    for title in [first, second, third] {
        stage.done(Method::PATCH, &format!("/titles/{title}"), json!({"status": "draft"})).await;
    }
    let none = page(format!("/series/{series}")).await;
    assert_eq!((none.status, none.code()), (StatusCode::NOT_FOUND, "SERIES_NOT_FOUND".to_owned()));
    for title in [first, second, third] {
        let edited = stage.done(Method::PATCH, &format!("/titles/{title}"), json!({"season": null})).await;
        assert_eq!(edited["season"], Value::Null);
    }
    stage.done(Method::DELETE, &of_series, json!({})).await;
    assert_eq!(stage.operate(Method::GET, &of_series, &json!({})).await.status, StatusCode::NOT_FOUND);
    stage.end().await;
}
