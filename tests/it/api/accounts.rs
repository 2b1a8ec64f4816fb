//! Signing up, in and out; the cookie and who may use it.

use axum::body::Body;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::cinema::{Cinema, HOST, order};

fn ann() -> Value {
    json!({"email": "Ann@films.example", "password": "correct horse"})
}

#[tokio::test]
async fn an_account_is_made_signed_into_and_left() {
    let cinema = Cinema::open().await;
    let made = cinema.post("/viewers", "", ann()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let token = made.body["api_token"].as_str().unwrap();
    assert!(token.starts_with("mqv_test_"));
    assert_eq!(
        made.header("set-cookie"),
        format!("__Host-marquee={token}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=2592000")
    );
    assert_eq!(made.header("cache-control"), "no-store");
    let me = cinema.get("/me", token).await;
    assert_eq!(me.body["viewer"], made.body["viewer"]);
    assert_eq!((&me.body["territory"], &me.body["livemode"]), (&json!("CN"), &json!(false)));
    assert_eq!(me.body["viewer"]["member"], false);
    assert_eq!(cinema.get("/me", "").await.body["viewer"], json!(null));

    let taken = json!({"email": "ann@FILMS.example", "password": "another horse"});
    assert_eq!(cinema.post("/viewers", "", taken).await.code(), "EMAIL_TAKEN");
    let signed_in = cinema.post("/sign-in", "", ann()).await;
    assert_eq!(signed_in.status, StatusCode::OK);
    assert_ne!(signed_in.body["api_token"], made.body["api_token"]);
    assert_eq!(cinema.post("/sign-out", token, json!({})).await.status, StatusCode::NO_CONTENT);
    assert_eq!(cinema.get("/me", token).await.code(), "UNAUTHENTICATED");
    assert_eq!(cinema.get("/me", signed_in.body["api_token"].as_str().unwrap()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_unknown_account_and_a_wrong_password_look_alike() {
    let cinema = Cinema::open().await;
    cinema.post("/viewers", "", ann()).await;
    let wrong = json!({"email": "ann@films.example", "password": "wrong horse"});
    let unknown = json!({"email": "nobody@films.example", "password": "wrong horse"});
    let (mut wrong, mut unknown) =
        (cinema.post("/sign-in", "", wrong).await, cinema.post("/sign-in", "", unknown).await);
    assert_eq!((wrong.status, wrong.code()), (StatusCode::UNAUTHORIZED, "SIGN_IN_FAILED"));
    for answer in [&mut wrong, &mut unknown] {
        answer.body.as_object_mut().unwrap().remove("request_id");
    }
    assert_eq!(wrong.body, unknown.body);
}

#[tokio::test]
async fn sign_ins_are_limited_per_account() {
    let cinema = Cinema::open().await;
    let wrong = || json!({"email": "ann@films.example", "password": "wrong horse"});
    for _ in 0..10 {
        assert_eq!(cinema.post("/sign-in", "", wrong()).await.code(), "SIGN_IN_FAILED");
    }
    let limited = cinema.post("/sign-in", "", wrong()).await;
    assert_eq!((limited.status, limited.code()), (StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED"));
    assert!((1..=60).contains(&limited.header("retry-after").parse::<u32>().unwrap()));
    let other = json!({"email": "ben@films.example", "password": "wrong horse"});
    assert_eq!(cinema.post("/sign-in", "", other).await.code(), "SIGN_IN_FAILED");
}

#[tokio::test]
async fn another_site_cannot_act_with_the_cookie() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    let ann = cinema.guest("ann").await;
    let cookie = format!("theme=dark; __Host-marquee={}", ann.token);
    let buy = |origin: Option<&str>| {
        let request = cinema.request(Method::POST, "/purchases", "").header("cookie", &cookie);
        let request = request.header("content-type", "application/json").header("idempotency-key", "k1");
        let request = match origin {
            Some(origin) => request.header("origin", origin),
            None => request,
        };
        cinema.send(request.body(order(show, "paid").to_string().into()).unwrap())
    };
    for origin in [None, Some("https://evil.example"), Some("null"), Some("http://films.example")] {
        let refused = buy(origin).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::FORBIDDEN, "CROSS_ORIGIN"), "{origin:?}");
    }
    assert_eq!(buy(Some(&format!("https://{HOST}"))).await.status, StatusCode::CREATED);

    let read = cinema.request(Method::GET, "/purchases", "").header("cookie", &cookie).body(Body::empty()).unwrap();
    assert_eq!(cinema.send(read).await.status, StatusCode::OK, "reading needs no Origin");
    let stale = cinema.request(Method::GET, "/me", "").header("cookie", "__Host-marquee=mqv_test_old");
    let stale = cinema.send(stale.body(Body::empty()).unwrap()).await;
    assert_eq!((stale.status, &stale.body["viewer"]), (StatusCode::OK, &json!(null)));
    let operator = format!("__Host-marquee={}", cinema.operator);
    let operator = cinema.request(Method::GET, "/operator/titles", "").header("cookie", operator);
    assert_eq!(cinema.send(operator.body(Body::empty()).unwrap()).await.status, StatusCode::UNAUTHORIZED);
}
