//! What a link brings: its campaign goes with the trailer, the clips, the film and the order.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Backend, Stage, at, pvod, window};

const OPENS: &str = "2027-01-15T20:00:00+08:00";

pub async fn a_campaign_is_carried_to_the_order(backend: Backend) {
    let stage = Stage::open(backend, OPENS).await;
    let title = stage.title("片名", "NL").await;
    let (trailer, clip) = (stage.server.asset().await, stage.server.asset().await);
    let path = format!("/titles/{title}");
    let clips = json!([{"name": {"en": "A scene"}, "asset_id": clip}]);
    let edited = stage.done(Method::PATCH, &path, json!({"trailer_asset_id": trailer, "clips": clips})).await;
    let (shown, runtime_ms) = (&edited["clips"][0], edited["runtime_ms"].clone());
    assert_eq!((&shown["asset_id"], &shown["runtime_ms"]), (&json!(clip), &runtime_ms));
    // What was read can be sent again.
    stage.done(Method::PATCH, &path, json!({"clips": edited["clips"]})).await;
    let nameless = json!({"clips": [{"name": {}, "asset_id": clip}]});
    assert_eq!(stage.operate(Method::PATCH, &path, &nameless).await.code(), "TITLE_INVALID");
    let sold = stage.sell(title, window("vod", &["CN"], OPENS, None), pvod()).await;
    let ann = stage.server.viewer("ann").await;
    let page = stage.server.api(&ann.token, &format!("/titles/{title}")).await.json();
    assert_eq!(page["clips"], json!([{"name": {"en": "A scene"}, "runtime_ms": runtime_ms}]));

    // Anybody plays the clip, and the word goes with the session.
    let opens = async |body: Value| stage.from("CN", &ann.token, "/playback-sessions", &body).await;
    let played = opens(json!({"title_id": title, "clip": 1, "campaign": "spring.27_a-b"})).await;
    assert_eq!((played.status, &played.json()["via"]), (StatusCode::CREATED, &json!("trailer")), "{}", played.text());
    let id = played.json()["id"].as_str().unwrap().to_owned();
    let session = stage.server.app.db.session(id.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((session.asset_id, session.campaign.as_deref()), (clip, Some("spring.27_a-b")));
    let of = stage.server.api(&stage.server.operator, &format!("/operator/playback-sessions/{id}")).await.json();
    assert_eq!(of["campaign"], "spring.27_a-b");
    for (body, code) in [
        (json!({"clip": 0}), "CLIP_NOT_FOUND"),
        (json!({"clip": 2}), "CLIP_NOT_FOUND"),
        (json!({"clip": 1, "trailer": true}), "FIELD_INVALID"),
        (json!({"trailer": true, "campaign": ""}), "CAMPAIGN_INVALID"),
        (json!({"trailer": true, "campaign": "x".repeat(65)}), "CAMPAIGN_INVALID"),
        (json!({"trailer": true, "campaign": "a b"}), "CAMPAIGN_INVALID"),
    ] {
        let mut body = body;
        body["title_id"] = json!(title);
        assert_eq!(opens(body.clone()).await.code(), code, "{body}");
    }
    let longest = "x".repeat(64);
    assert_eq!(
        opens(json!({"title_id": title, "trailer": true, "campaign": longest})).await.status,
        StatusCode::CREATED
    );

    // The first request of an order says the word; it is kept until the money has gone back.
    let buys = async |key: &str, body: &Value| stage.server.post_with_key(&ann.token, "/purchases", body, key).await;
    let mut order = json!({"offer_id": sold.offer, "campaign": "two words",
        "payment": {"method": "sandbox", "outcome": "pending"}});
    assert_eq!(buys("first", &order).await.code(), "CAMPAIGN_INVALID");
    order["campaign"] = json!("spring.27_a-b");
    let begun = buys("second", &order).await;
    assert_eq!((begun.status, &begun.json()["status"]), (StatusCode::CREATED, &json!("pending")), "{}", begun.text());
    order["campaign"] = json!("autumn");
    assert_eq!(buys("second", &order).await.code(), "IDEMPOTENCY_KEY_REUSED");
    order["campaign"] = json!("spring.27_a-b");
    let purchase = begun.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/operator/purchases/{purchase}");
    let word = async || stage.server.api(&stage.server.operator, &path).await.json()["campaign"].clone();
    assert_eq!(word().await, "spring.27_a-b");
    stage.server.sim.advance_to(at(OPENS) + std::time::Duration::from_secs(60));
    assert_eq!(buys("second", &order).await.json()["status"], "paid");
    assert_eq!(word().await, "spring.27_a-b");
    let film = opens(json!({"title_id": title, "campaign": "autumn"})).await;
    assert_eq!(film.status, StatusCode::CREATED, "{}", film.text());
    let report =
        async || stage.done(Method::GET, &format!("/titles/{title}/campaigns"), json!({})).await["data"].clone();
    let row = |campaign: &str, [trailer_plays, plays, orders, refunds]: [u64; 4], gross: Value| {
        json!({"campaign": campaign, "trailer_plays": trailer_plays, "plays": plays, "orders": orders,
            "refunds": refunds, "gross": gross})
    };
    let (eighteen, others) = (
        json!([{"amount": 1800, "currency": "CNY"}]),
        [row("autumn", [0, 1, 0, 0], json!([])), row(&longest, [1, 0, 0, 0], json!([]))],
    );
    let of_spring = |refunds| row("spring.27_a-b", [1, 0, 1, refunds], eighteen.clone());
    assert_eq!(report().await, json!([of_spring(0), others[0], others[1]]));
    let refund = json!({"reason": "asked"});
    let refund = stage.server.post(&stage.server.operator, &format!("{path}/refunds"), &refund).await;
    assert_eq!(refund.status, StatusCode::CREATED, "{}", refund.text());
    assert_eq!(word().await, "spring.27_a-b");
    assert_eq!(report().await, json!([of_spring(1), others[0], others[1]]));
    stage.end().await;
}
