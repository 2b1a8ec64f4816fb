//! The console's door: one-time links, signing in and out, the cookie and who may use it.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::cinema::{Answer, Cinema, HOST};

const MS: Duration = Duration::from_millis(1);

/// A browser on the console: what it sends, and the cookie it holds.
pub struct Browser<'c> {
    cinema: &'c Cinema,
    pub cookie: String,
}

impl<'c> Browser<'c> {
    pub fn new(cinema: &'c Cinema) -> Browser<'c> {
        Browser { cinema, cookie: String::new() }
    }

    pub async fn send(&self, method: Method, path: &str, body: Value) -> Answer {
        self.send_from(&format!("https://{HOST}"), method, path, body).await
    }

    async fn send_from(&self, origin: &str, method: Method, path: &str, body: Value) -> Answer {
        let request = self.cinema.request(method, path, "").header("content-type", "application/json");
        let request = if origin.is_empty() { request } else { request.header("origin", origin) };
        let request = if self.cookie.is_empty() { request } else { request.header("cookie", &self.cookie) };
        self.cinema.send(request.body(body.to_string().into()).unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send_from("", Method::GET, path, json!({})).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, body).await
    }

    /// Keeps the cookie that an answer sets.
    pub fn keep(&mut self, answer: &Answer) {
        answer.header("set-cookie").split(';').next().unwrap().clone_into(&mut self.cookie);
    }
}

/// Somebody who came in by the link of the first start.
pub async fn owner(cinema: &Cinema) -> Browser<'_> {
    let secret = cinema.api.accounts.owner_link().await.unwrap().secret;
    let mut browser = Browser::new(cinema);
    let came_in = browser.post("/operator/welcome", arrival(&secret, "olga@films.example")).await;
    assert_eq!(came_in.status, StatusCode::CREATED, "{}", came_in.body);
    browser.keep(&came_in);
    browser
}

pub fn arrival(secret: &str, email: &str) -> Value {
    json!({"token": secret, "email": email, "name": "Olga", "password": "correct horse"})
}

async fn actions(cinema: &Cinema) -> Vec<(String, String)> {
    let lines = cinema.api.db.audit_lines(0, 100).await.unwrap();
    lines.into_iter().map(|line| (line.line.action, line.line.actor)).collect()
}

#[tokio::test]
async fn the_first_owner_comes_in_by_the_link_once() {
    let cinema = Cinema::open().await;
    let me = cinema.get("/operator/me", &cinema.operator).await.body;
    assert_eq!(
        (&me["owner_exists"], &me["operator"]["email"], &me["operator"]["role"]),
        (&json!(false), &json!(null), &json!("owner"))
    );
    let link = cinema.api.accounts.owner_link().await.unwrap();
    let mut browser = Browser::new(&cinema);
    let check = |secret: String| browser.post("/operator/welcome/check", json!({"token": secret}));
    let offer = check(link.secret.clone()).await;
    let expected = json!({"kind": "owner", "role": "owner", "email": null, "name": null, "party": null, "expires_at": "2027-01-16T12:00:00.000Z"});
    assert_eq!(offer.body, expected);
    assert_eq!(check(link.secret.clone()).await.body, expected, "asking does not use it up");

    let came_in = browser.post("/operator/welcome", arrival(&link.secret, "Olga@films.example")).await;
    assert_eq!(came_in.status, StatusCode::CREATED, "{}", came_in.body);
    let operator = &came_in.body["operator"];
    assert_eq!(
        (&operator["email"], &operator["name"], &operator["role"]),
        (&json!("Olga@films.example"), &json!("Olga"), &json!("owner"))
    );
    let cookie = came_in.header("set-cookie");
    assert!(cookie.starts_with("__Host-marquee-console=mqc_test_"), "{cookie}");
    assert!(cookie.ends_with("; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=43200"), "{cookie}");
    assert_eq!(came_in.body.as_object().unwrap().len(), 1, "the secret is in the cookie only");
    browser.keep(&came_in);
    let me = browser.get("/operator/me").await.body;
    assert_eq!(
        (&me["operator"]["id"], &me["owner_exists"], &me["livemode"]),
        (&operator["id"], &json!(true), &json!(false))
    );

    let mut again = Browser::new(&cinema);
    for path in ["/operator/welcome", "/operator/welcome/check"] {
        let body = if path.ends_with("check") {
            json!({"token": link.secret})
        } else {
            arrival(&link.secret, "eve@films.example")
        };
        let used = again.post(path, body).await;
        assert_eq!((used.status, used.code()), (StatusCode::GONE, "LINK_USED"));
    }
    again.keep(
        &browser.post("/operator/sign-in", json!({"email": "OLGA@films.example", "password": "correct horse"})).await,
    );
    assert_eq!(again.get("/operator/me").await.status, StatusCode::OK);
    let welcome = actions(&cinema).await.into_iter().find(|(action, _)| action == "operator.welcome").unwrap();
    assert_eq!(operator["id"], json!(welcome.1));
}

#[tokio::test]
async fn a_link_works_for_a_day_and_only_the_newest() {
    let cinema = Cinema::open().await;
    let browser = Browser::new(&cinema);
    let older = cinema.api.accounts.owner_link().await.unwrap().secret;
    let link = cinema.api.accounts.owner_link().await.unwrap();
    let check =
        async |secret: &str| browser.post("/operator/welcome/check", json!({"token": secret})).await.code().to_owned();
    assert_eq!(check(&older).await, "LINK_EXPIRED", "a newer one took its place");
    assert_eq!(browser.post("/operator/welcome", arrival(&older, "eve@films.example")).await.code(), "LINK_EXPIRED");
    for unknown in ["", "x", &"A".repeat(43), &cinema.operator] {
        assert_eq!(check(unknown).await, "LINK_NOT_FOUND", "{unknown}");
    }
    cinema.sim.advance(Duration::from_millis(24 * 3_600_000 - 1));
    assert_eq!(check(&link.secret).await, "-", "a millisecond before");
    cinema.sim.advance(MS);
    assert_eq!(check(&link.secret).await, "LINK_EXPIRED");
    assert_eq!(
        browser.post("/operator/welcome", arrival(&link.secret, "o@films.example")).await.code(),
        "LINK_EXPIRED"
    );
    assert!(!cinema.api.db.owner_exists().await.unwrap());
}

#[tokio::test]
async fn what_is_wrong_about_an_arrival_leaves_the_link_unused() {
    let cinema = Cinema::open().await;
    let secret = cinema.api.accounts.owner_link().await.unwrap().secret;
    let browser = Browser::new(&cinema);
    let with = |change: Value| {
        let mut body = arrival(&secret, "olga@films.example");
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        body
    };
    for (body, code) in [
        (with(json!({"email": null})), "EMAIL_INVALID"),
        (with(json!({"email": "olga"})), "EMAIL_INVALID"),
        (with(json!({"name": " "})), "NAME_INVALID"),
        (with(json!({"password": "short"})), "PASSWORD_INVALID"),
        (with(json!({"role": "owner"})), "FIELD_INVALID"),
    ] {
        let refused = browser.post("/operator/welcome", body).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::UNPROCESSABLE_ENTITY, code));
    }
    let foreign = browser.send_from("https://evil.example", Method::POST, "/operator/welcome", with(json!({}))).await;
    assert_eq!(foreign.code(), "CROSS_ORIGIN");
    assert_eq!(browser.post("/operator/welcome", with(json!({}))).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn guessing_links_is_limited() {
    let cinema = Cinema::open().await;
    let browser = Browser::new(&cinema);
    for _ in 0..20 {
        assert_eq!(
            browser.post("/operator/welcome/check", json!({"token": "A".repeat(43)})).await.code(),
            "LINK_NOT_FOUND"
        );
    }
    assert_eq!(browser.post("/operator/welcome/check", json!({"token": "A".repeat(43)})).await.code(), "RATE_LIMITED");
    let secret = cinema.api.accounts.owner_link().await.unwrap().secret;
    assert_eq!(browser.post("/operator/welcome", arrival(&secret, "o@films.example")).await.code(), "RATE_LIMITED");
}

#[tokio::test]
async fn the_cookie_lasts_twelve_hours_and_ends_with_signing_out() {
    let cinema = Cinema::open().await;
    let mut browser = owner(&cinema).await;
    cinema.sim.advance(Duration::from_millis(12 * 3_600_000 - 1));
    assert_eq!(browser.get("/operator/titles").await.status, StatusCode::OK);
    cinema.sim.advance(MS);
    assert_eq!(browser.get("/operator/titles").await.code(), "UNAUTHENTICATED");

    let credentials = json!({"email": "olga@films.example", "password": "correct horse"});
    browser.keep(&browser.post("/operator/sign-in", credentials).await);
    assert_eq!(browser.get("/operator/titles").await.status, StatusCode::OK);
    let out = browser.post("/operator/sign-out", json!({})).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    assert_eq!(
        out.header("set-cookie"),
        "__Host-marquee-console=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0"
    );
    assert_eq!(browser.get("/operator/titles").await.code(), "UNAUTHENTICATED");
    assert_eq!(browser.post("/operator/sign-out", json!({})).await.status, StatusCode::NO_CONTENT, "twice is once");
}

#[tokio::test]
async fn no_other_site_and_no_other_door_takes_the_cookie() {
    let cinema = Cinema::open().await;
    let browser = owner(&cinema).await;
    let plan = json!({"name": "Plan", "streams": 1});
    for origin in ["", "https://evil.example", "null", "http://films.example"] {
        let refused = browser.send_from(origin, Method::POST, "/operator/plans", plan.clone()).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::FORBIDDEN, "CROSS_ORIGIN"), "{origin}");
    }
    assert_eq!(browser.post("/operator/plans", plan).await.status, StatusCode::CREATED);

    // The storefront does not know the console's cookie: whoever runs the cinema is a viewer like others there.
    assert_eq!(browser.get("/purchases").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(browser.get("/me").await.body["viewer"], json!(null));
    let secret = browser.cookie.split_once('=').unwrap().1;
    assert_eq!(cinema.get("/operator/titles", secret).await.code(), "UNAUTHENTICATED", "it is no bearer token");
    let ann = cinema.guest("ann").await;
    for (name, secret) in [
        ("__Host-marquee", secret),
        ("__Host-marquee-console", cinema.operator.as_str()),
        ("__Host-marquee-console", ann.token.as_str()),
        ("__Host-marquee", ann.token.as_str()),
    ] {
        let other = Browser { cinema: &cinema, cookie: format!("{name}={secret}") };
        assert_eq!(other.get("/operator/titles").await.code(), "UNAUTHENTICATED", "{name}={secret}");
    }
    let both = Browser { cinema: &cinema, cookie: format!("__Host-marquee={}; {}", ann.token, browser.cookie) };
    assert_eq!(both.get("/operator/titles").await.status, StatusCode::OK);
    assert_eq!(both.get("/me").await.body["viewer"]["id"], json!(ann.id));
}

#[tokio::test]
async fn who_fails_to_sign_in_is_noted_and_learns_nothing() {
    let cinema = Cinema::open().await;
    let owner = owner(&cinema).await;
    let invited = json!({"name": "Oscar", "email": "oscar@films.example", "role": "operator"});
    assert_eq!(owner.post("/operator/operators", invited).await.status, StatusCode::CREATED);
    let before = cinema.api.db.audit_lines(0, 100).await.unwrap().len();
    let browser = Browser::new(&cinema);
    let mut answers = Vec::new();
    for email in ["olga@films.example", "oscar@films.example", "my secret password"] {
        let refused = browser.post("/operator/sign-in", json!({"email": email, "password": "wrong horse"})).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::UNAUTHORIZED, "SIGN_IN_FAILED"), "{email}");
        let mut body = refused.body;
        body.as_object_mut().unwrap().remove("request_id");
        answers.push(body);
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
    let lines = cinema.api.db.audit_lines(before as i64, 100).await.unwrap();
    assert_eq!(lines.len(), 3);
    for line in &lines {
        assert_eq!((line.line.action.as_str(), line.line.actor.as_str()), ("operator.sign_in_failed", "nobody"));
        assert!(line.line.detail.contains("203.0.113."), "{}", line.line.detail);
        assert!(!format!("{line:?}").contains("horse") && !format!("{line:?}").contains("secret"), "{line:?}");
    }
    assert!(lines[0].line.subject.starts_with("opr_") && lines[2].line.subject.starts_with("email:"));

    for _ in 0..9 {
        browser.post("/operator/sign-in", json!({"email": "olga@films.example", "password": "wrong horse"})).await;
    }
    let limited =
        browser.post("/operator/sign-in", json!({"email": "OLGA@films.example", "password": "correct horse"})).await;
    assert_eq!(limited.code(), "RATE_LIMITED", "however it is written");
}

#[tokio::test]
async fn a_new_password_ends_the_other_sign_ins_of_an_operator() {
    let cinema = Cinema::open().await;
    let here = owner(&cinema).await;
    let mut there = Browser::new(&cinema);
    let sign_in = |password: &str| json!({"email": "olga@films.example", "password": password});
    there.keep(&there.post("/operator/sign-in", sign_in("correct horse")).await);
    let wrong = here.post("/operator/me/password", json!({"current": "wrong horse", "new": "another horse"})).await;
    assert_eq!((wrong.status, wrong.code()), (StatusCode::FORBIDDEN, "PASSWORD_WRONG"));
    assert_eq!(there.get("/operator/me").await.status, StatusCode::OK);
    let changed = here.post("/operator/me/password", json!({"current": "correct horse", "new": "another horse"})).await;
    assert_eq!(changed.status, StatusCode::NO_CONTENT, "{}", changed.body);
    assert_eq!(there.get("/operator/me").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(here.get("/operator/me").await.status, StatusCode::OK);
    assert_eq!(there.post("/operator/sign-in", sign_in("correct horse")).await.code(), "SIGN_IN_FAILED");
    assert_eq!(there.post("/operator/sign-in", sign_in("another horse")).await.status, StatusCode::OK);

    let renamed = here.send(Method::PATCH, "/operator/me", json!({"name": " Olga O. "})).await;
    assert_eq!((renamed.status, &renamed.body["operator"]["name"]), (StatusCode::OK, &json!("Olga O.")));
    let machine = json!({"current": "correct horse", "new": "another horse"});
    assert_eq!(cinema.post("/operator/me/password", &cinema.operator, machine).await.code(), "PASSWORD_WRONG");
}

#[tokio::test]
async fn every_session_that_opens_or_is_refused_is_in_the_log_with_its_rule() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    let ann = cinema.guest("ann").await;
    assert_eq!(cinema.play(show, &ann).await.code(), "PAYMENT_REQUIRED");
    let bought = cinema.buy(show, &ann, "first", "paid").await.body;
    let session = cinema.play(show, &ann).await.body;
    let log = cinema.get("/operator/audit?action=session.", &cinema.operator).await.body;
    let lines: Vec<_> = log["data"].as_array().unwrap().iter().map(|line| (&line["action"], &line["detail"])).collect();
    assert_eq!(lines.len(), 2, "{log}");
    let (opened, refused) = (lines[0], lines[1]);
    assert_eq!((opened.0, refused.0), (&json!("session.open"), &json!("session.deny")));
    assert_eq!((&log["data"][0]["subject"], &log["data"][0]["actor"]), (&session["id"], &json!(ann.id)));
    assert_eq!((&opened.1["rule"], &opened.1["grant_id"]), (&json!("grant"), &bought["grant"]["id"]));
    assert_eq!((&opened.1["avail_id"], &opened.1["ends_at"]), (&json!(show.avail), &session["ends_at"]));
    assert_eq!((&refused.1["rule"], &refused.1["code"]), (&json!("entitlement"), &json!("PAYMENT_REQUIRED")));
}
