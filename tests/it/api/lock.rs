//! The parental lock of an account, and what it keeps shut.

use std::time::Duration;

use axum::body::Body;
use http::{Method, StatusCode};
use marquee::base::clock::UtcMs;
use serde_json::{Value, json};

use super::cinema::{Answer, Cinema};

fn told(answer: &Answer) -> (u16, String) {
    (answer.status.as_u16(), answer.code().to_owned())
}

fn refused(code: &str) -> (u16, String) {
    (403, code.to_owned())
}

#[tokio::test]
async fn what_is_for_older_viewers_asks_for_the_pin() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    let body = json!({"email": "ann@films.example", "password": "correct horse"});
    let ann = cinema.post("/viewers", "", body).await.body["api_token"].as_str().unwrap().to_owned();
    let rate = async |min_age: Value| {
        let path = format!("/operator/titles/{}", show.title);
        assert_eq!(cinema.patch(&path, &cinema.operator, json!({"min_age": min_age})).await.status, StatusCode::OK);
    };
    let play = async |more: Value| {
        let mut body = json!({"title_id": show.title});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        cinema.post("/playback-sessions", &ann, body).await
    };
    let leave = async |id: &str| {
        let request = cinema.request(Method::DELETE, &format!("/playback-sessions/{id}"), &ann);
        cinema.send(request.body(Body::empty()).unwrap()).await
    };
    let set = async |body: Value| cinema.put("/me/lock", &ann, body).await;
    assert_eq!(cinema.get("/me/lock", &ann).await.body, Value::Null);
    for (body, code) in [
        (json!({"age_limit": 12}), "PIN_INVALID"),
        (json!({"age_limit": 12, "new_pin": "123"}), "PIN_INVALID"),
        (json!({"age_limit": 12, "new_pin": "1234567"}), "PIN_INVALID"),
        (json!({"age_limit": 12, "new_pin": "12a4"}), "PIN_INVALID"),
        (json!({"age_limit": 18, "new_pin": "1234"}), "LOCK_INVALID"),
    ] {
        assert_eq!(told(&set(body).await), (422, code.to_owned()));
    }
    let locked = set(json!({"age_limit": 12, "new_pin": "1234"})).await;
    assert_eq!(locked.body, json!({"age_limit": 12, "locked_until": null}));

    // Nobody is asked for a PIN before something is theirs to watch.
    assert_eq!(told(&play(json!({})).await), refused("PAYMENT_REQUIRED"));
    let order = super::cinema::order(show, "paid");
    cinema.post_with_key("/purchases", &ann, Some("order"), order).await;
    for (min_age, expected) in [
        (json!(12), (201, "-".to_owned())),
        (json!(13), refused("PIN_REQUIRED")),
        (json!(null), refused("PIN_REQUIRED")),
        (json!(16), refused("PIN_REQUIRED")),
    ] {
        rate(min_age.clone()).await;
        let answer = play(json!({})).await;
        assert_eq!(told(&answer), expected, "{min_age}");
        if let Some(id) = answer.body["id"].as_str() {
            leave(id).await;
        }
    }
    assert_eq!(play(json!({})).await.body["rule"], "parental_lock");
    assert_eq!(told(&play(json!({"pin": "no"})).await), (422, "PIN_INVALID".into()));
    let opened = play(json!({"pin": "1234"})).await;
    assert_eq!(opened.status, StatusCode::CREATED);
    leave(opened.body["id"].as_str().unwrap()).await;

    // Five wrong ones, and then not even the right one for a quarter of an hour.
    for left in [4, 3, 2, 1] {
        let wrong = play(json!({"pin": "0000"})).await;
        assert_eq!((told(&wrong), &wrong.body["tries_left"]), (refused("PIN_WRONG"), &json!(left)));
    }
    let until = cinema.now() + Duration::from_secs(15 * 60);
    for pin in ["0000", "1234"] {
        let shut = play(json!({"pin": pin})).await;
        assert_eq!((told(&shut), &shut.body["locked_until"]), (refused("PIN_LOCKED"), &json!(until)));
    }
    assert_eq!(cinema.get("/me/lock", &ann).await.body["locked_until"], json!(until));
    assert_eq!(told(&set(json!({"age_limit": 16, "pin": "1234"})).await), refused("PIN_LOCKED"));
    cinema.sim.advance_to(UtcMs(until.0 - 1));
    assert_eq!(told(&play(json!({"pin": "1234"})).await), refused("PIN_LOCKED"));
    cinema.sim.advance_to(until);
    assert_eq!(told(&play(json!({"pin": "0000"})).await), refused("PIN_WRONG"));
    // The password opens the settings, the PIN as well, and nothing else does.
    assert_eq!(told(&set(json!({"age_limit": 16})).await), refused("PIN_REQUIRED"));
    assert_eq!(told(&set(json!({"age_limit": 16, "password": "wrong horse"})).await), refused("PASSWORD_WRONG"));
    let changed = set(json!({"age_limit": 6, "new_pin": "987654", "password": "correct horse"})).await;
    assert_eq!((changed.status, &changed.body["age_limit"]), (StatusCode::OK, &json!(6)));
    assert_eq!(told(&play(json!({"pin": "1234"})).await), refused("PIN_WRONG"));
    assert_eq!(told(&set(json!({"age_limit": 15, "pin": "987654"})).await), (200, "-".into()));
    let remove = async |body: Value| cinema.post("/me/lock/remove", &ann, body).await;
    assert_eq!(told(&remove(json!({})).await), refused("PIN_REQUIRED"));
    assert_eq!(told(&remove(json!({"pin": "1234"})).await), refused("PIN_WRONG"));
    assert_eq!(remove(json!({"pin": "987654"})).await.status, StatusCode::NO_CONTENT);
    assert_eq!(play(json!({})).await.status, StatusCode::CREATED);

    // An operator helps whoever has forgotten both.
    let id = cinema.get("/me", &ann).await.body["viewer"]["id"].as_str().unwrap().to_owned();
    set(json!({"age_limit": 0, "new_pin": "1234"})).await;
    let shown = cinema.get(&format!("/operator/viewers/{id}"), &cinema.operator).await;
    assert_eq!(shown.body["lock"], json!({"age_limit": 0, "locked_until": null}));
    let reset = format!("/operator/viewers/{id}/lock/reset");
    for _ in 0..2 {
        let answer = cinema.post(&reset, &cinema.operator, json!({"reason": "forgotten"})).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(cinema.get("/me/lock", &ann).await.body, Value::Null);
    let log = cinema.get("/operator/audit?limit=200", &cinema.operator).await.body;
    let lines = log["data"].as_array().unwrap().iter();
    let of_lock: Vec<&str> =
        lines.filter_map(|line| line["action"].as_str()).filter(|it| it.starts_with("lock.")).collect();
    assert_eq!(of_lock.len(), 6, "{of_lock:?}");
    assert_eq!(of_lock.iter().filter(|it| **it == "lock.reset").count(), 1);
}
