//! Where a viewer left off.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::cinema::{Cinema, Guest, Show};

async fn put(cinema: &Cinema, guest: &Guest, show: Show, body: Value) -> (StatusCode, String) {
    let path = format!("/progress/{}", show.title);
    let request = cinema.request(Method::PUT, &path, &guest.token).header("content-type", "application/json");
    let answer = cinema.send(request.body(body.to_string().into()).unwrap()).await;
    (answer.status, answer.code().to_owned())
}

fn at(position_ms: i64) -> Value {
    json!({"part": 1, "position_ms": position_ms, "duration_ms": 60_000})
}

#[tokio::test]
async fn a_place_is_noted_overwritten_and_forgotten() {
    let cinema = Cinema::open().await;
    let (show, ann, ben) = (cinema.premiere().await, cinema.guest("ann").await, cinema.guest("ben").await);
    assert_eq!(put(&cinema, &ann, show, at(40_000)).await.0, StatusCode::NO_CONTENT);
    assert_eq!(put(&cinema, &ben, show, at(60_000)).await.0, StatusCode::NO_CONTENT);
    assert_eq!(put(&cinema, &ann, show, at(0)).await.0, StatusCode::NO_CONTENT);
    let noted = cinema.api.db.progress(ann.id, show.title).await.unwrap().unwrap();
    assert_eq!((noted.part, noted.position_ms, noted.duration_ms, noted.updated_at), (1, 0, 60_000, cinema.now()));

    for _ in 0..2 {
        let forget = cinema.request(Method::DELETE, &format!("/progress/{}", show.title), &ann.token);
        assert_eq!(cinema.send(forget.body("".into()).unwrap()).await.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(cinema.api.db.progress(ann.id, show.title).await.unwrap(), None);
    assert!(cinema.api.db.progress(ben.id, show.title).await.unwrap().is_some(), "only hers");
}

#[tokio::test]
async fn a_place_that_cannot_be_is_refused() {
    let cinema = Cinema::open().await;
    let (show, ann) = (cinema.premiere().await, cinema.guest("ann").await);
    let table = [
        (at(60_001), 422, "PROGRESS_INVALID"),
        (at(-1), 422, "PROGRESS_INVALID"),
        (json!({"part": 1, "position_ms": 0, "duration_ms": 0}), 422, "PROGRESS_INVALID"),
        (json!({"part": 0, "position_ms": 0, "duration_ms": 1}), 404, "PART_NOT_FOUND"),
        (json!({"part": 2, "position_ms": 0, "duration_ms": 1}), 404, "PART_NOT_FOUND"),
        (json!({"part": 1, "position_ms": 0}), 422, "FIELD_INVALID"),
        (json!({"part": 1, "position_ms": 0, "duration_ms": 1, "x": 1}), 422, "FIELD_INVALID"),
    ];
    for (body, status, code) in table {
        let refused = put(&cinema, &ann, show, body.clone()).await;
        assert_eq!((refused.0.as_u16(), refused.1.as_str()), (status, code), "{body}");
    }
    let nowhere = Show { title: marquee::base::id::TitleId::new(cinema.now()), ..show };
    assert_eq!(put(&cinema, &ann, nowhere, at(1)).await.1, "TITLE_NOT_FOUND");
    assert_eq!(cinema.api.db.progress_of(ann.id).await.unwrap(), []);
}

#[tokio::test]
async fn players_that_note_too_often_are_slowed_down() {
    let cinema = Cinema::open().await;
    let (show, ann, ben) = (cinema.premiere().await, cinema.guest("ann").await, cinema.guest("ben").await);
    for position in 0..60 {
        assert_eq!(put(&cinema, &ann, show, at(position)).await.0, StatusCode::NO_CONTENT, "{position}");
    }
    assert_eq!(put(&cinema, &ann, show, at(60)).await.1, "RATE_LIMITED");
    assert_eq!(put(&cinema, &ben, show, at(60)).await.0, StatusCode::NO_CONTENT);
    assert_eq!(cinema.api.db.progress(ann.id, show.title).await.unwrap().unwrap().position_ms, 59);
}
