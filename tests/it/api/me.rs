//! A viewer's own account.

use http::{Method, StatusCode};
use marquee::base::id::{MembershipId, PlanId};
use marquee::rights::membership::{Membership, Plan};
use serde_json::{Value, json};

use super::cinema::{Answer, Cinema, HOUR};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0";
const SAFARI: &str =
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 Version/17.6 Safari/604.1";

async fn from(cinema: &Cinema, device: &str, method: Method, path: &str, token: &str, body: Value) -> Answer {
    let request = cinema.request(method, path, token).header("content-type", "application/json");
    cinema.send(request.header("user-agent", device).body(body.to_string().into()).unwrap()).await
}

async fn sign_in(cinema: &Cinema, device: &str, password: &str) -> Answer {
    let body = json!({"email": "ann@films.example", "password": password});
    from(cinema, device, Method::POST, "/sign-in", "", body).await
}

fn token(answer: &Answer) -> String {
    answer.body["api_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_name_and_a_language_are_chosen() {
    let cinema = Cinema::open().await;
    let ann = cinema.guest("ann").await;
    let edited = cinema.patch("/me", &ann.token, json!({"language": "zh-CN"})).await;
    assert_eq!(edited.status, StatusCode::OK, "{}", edited.body);
    assert_eq!((&edited.body["display_name"], &edited.body["language"]), (&json!("ann"), &json!("zh-CN")));
    let edited = cinema.patch("/me", &ann.token, json!({"display_name": "  Ann A. "})).await;
    assert_eq!((&edited.body["display_name"], &edited.body["language"]), (&json!("Ann A."), &json!("zh-CN")));
    assert_eq!(cinema.get("/me", &ann.token).await.body["viewer"], edited.body);
    let nameless = cinema.patch("/me", &ann.token, json!({"display_name": ""})).await;
    assert_eq!(nameless.body["display_name"], json!(null));
    for (body, code) in [
        (json!({"language": "no language"}), "LANGUAGE_INVALID"),
        (json!({"display_name": "x".repeat(201)}), "DISPLAY_NAME_INVALID"),
        (json!({"email": "other@films.example"}), "FIELD_INVALID"),
    ] {
        assert_eq!(cinema.patch("/me", &ann.token, body).await.code(), code);
    }
}

#[tokio::test]
async fn sign_ins_are_listed_by_device_and_ended_one_by_one() {
    let cinema = Cinema::open().await;
    let body = json!({"email": "ann@films.example", "password": "correct horse"});
    let here = token(&from(&cinema, FIREFOX, Method::POST, "/viewers", "", body).await);
    cinema.sim.advance(HOUR);
    let phone = token(&sign_in(&cinema, SAFARI, "correct horse").await);
    cinema.get("/me", &phone).await;
    cinema.sim.advance(HOUR);

    let list = cinema.get("/me/sign-ins", &here).await.body;
    let rows = list["data"].as_array().unwrap();
    let told = |row: &Value| json!([row["device"], row["created_at"], row["last_seen_at"], row["current"]]);
    assert_eq!(
        rows.iter().map(told).collect::<Vec<_>>(),
        [
            json!(["Safari on iPhone", "2027-01-15T13:00:00.000Z", "2027-01-15T13:00:00.000Z", false]),
            json!(["Firefox on Linux", "2027-01-15T12:00:00.000Z", "2027-01-15T14:00:00.000Z", true]),
        ]
    );
    let ben = cinema.guest("ben").await;
    let path = format!("/me/sign-ins/{}", rows[0]["id"].as_str().unwrap());
    let end = |token: &str| cinema.send(cinema.request(Method::DELETE, &path, token).body("".into()).unwrap());
    assert_eq!(end(&ben.token).await.status, StatusCode::NOT_FOUND, "not his");
    assert_eq!(cinema.get("/me", &phone).await.status, StatusCode::OK);
    assert_eq!(end(&here).await.status, StatusCode::NO_CONTENT);
    assert_eq!(cinema.get("/me", &phone).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(end(&here).await.status, StatusCode::NOT_FOUND, "over");
    assert_eq!(cinema.get("/me/sign-ins", &here).await.body["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn when_a_token_was_used_is_noted_every_ten_minutes() {
    let cinema = Cinema::open().await;
    let ann = cinema.guest("ann").await;
    let last_seen = async || cinema.get("/me/sign-ins", &ann.token).await.body["data"][0]["last_seen_at"].clone();
    assert_eq!(last_seen().await, json!("2027-01-15T12:00:00.000Z"));
    cinema.sim.advance(std::time::Duration::from_millis(599_999));
    assert_eq!(last_seen().await, json!("2027-01-15T12:00:00.000Z"));
    cinema.sim.advance(std::time::Duration::from_millis(1));
    assert_eq!(last_seen().await, json!("2027-01-15T12:10:00.000Z"));
}

#[tokio::test]
async fn a_new_password_ends_the_other_sign_ins() {
    let cinema = Cinema::open().await;
    let body = json!({"email": "ann@films.example", "password": "correct horse"});
    let here = token(&cinema.post("/viewers", "", body).await);
    let there = token(&sign_in(&cinema, SAFARI, "correct horse").await);
    let change = |current: &str, new: &str| {
        let body = json!({"current": current, "new": new});
        let (cinema, here) = (&cinema, &here);
        async move { cinema.post("/me/password", here, body).await }
    };
    let wrong = change("wrong horse", "another horse").await;
    assert_eq!((wrong.status, wrong.code()), (StatusCode::FORBIDDEN, "PASSWORD_WRONG"));
    let short = change("correct horse", "short").await;
    assert_eq!((short.code(), &short.body["param"]), ("PASSWORD_INVALID", &json!("new")));
    assert_eq!(cinema.get("/me", &there).await.status, StatusCode::OK);

    assert_eq!(change("correct horse", "another horse").await.status, StatusCode::NO_CONTENT);
    assert_eq!(cinema.get("/me", &there).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(cinema.get("/me", &here).await.status, StatusCode::OK);
    assert_eq!(sign_in(&cinema, SAFARI, "correct horse").await.code(), "SIGN_IN_FAILED");
    assert_eq!(sign_in(&cinema, SAFARI, "another horse").await.status, StatusCode::OK);
    // Whoever has a token but not the password cannot guess it faster here than at sign-in.
    for _ in 0..10 {
        change("wrong horse", "another horse").await;
    }
    assert_eq!(change("wrong horse", "another horse").await.code(), "RATE_LIMITED");
}

#[tokio::test]
async fn what_is_playing_is_listed_until_it_ends() {
    let cinema = Cinema::open().await;
    let (show, ann, ben) = (cinema.premiere().await, cinema.guest("ann").await, cinema.guest("ben").await);
    for guest in [&ann, &ben] {
        cinema.buy(show, guest, "key", "paid").await;
    }
    let body = json!({"title_id": show.title});
    let hers = from(&cinema, FIREFOX, Method::POST, "/playback-sessions", &ann.token, body).await;
    cinema.play(show, &ben).await;
    let id = hers.body["id"].as_str().unwrap();
    assert_eq!(
        cinema.get("/me/playback-sessions", &ann.token).await.body,
        json!({"data": [{"id": id, "title_id": show.title, "name": {"en": "A Film"}, "device": "Firefox on Linux",
            "opened_at": "2027-01-15T12:00:00.000Z"}], "next_cursor": null})
    );
    let end = cinema.request(Method::DELETE, &format!("/playback-sessions/{id}"), &ann.token);
    assert_eq!(cinema.send(end.body("".into()).unwrap()).await.status, StatusCode::NO_CONTENT);
    assert_eq!(cinema.get("/me/playback-sessions", &ann.token).await.body["data"], json!([]));
    assert_eq!(cinema.get("/me/playback-sessions", &ben.token).await.body["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_membership_that_lasts_longest_is_told() {
    let cinema = Cinema::open().await;
    let ann = cinema.guest("ann").await;
    assert_eq!(cinema.get("/me/membership", &ann.token).await.body, json!(null));
    let now = cinema.now();
    for (name, ends_at) in [("Short", now + HOUR), ("Long", now + HOUR * 2)] {
        let plan = Plan { id: PlanId::new(now), name: name.into(), streams: 2 };
        cinema.api.db.insert_plan(&plan, None, now).await.unwrap();
        let id = MembershipId::new(now);
        let (viewer_id, plan_id) = (ann.id, plan.id);
        let membership = Membership {
            id,
            viewer_id,
            plan_id,
            streams: 2,
            starts_at: now,
            ends_at,
            revoked_at: None,
            purchase_id: None,
        };
        cinema.api.db.insert_membership(&membership, None).await.unwrap();
    }
    let told = cinema.get("/me/membership", &ann.token).await.body;
    assert_eq!(told["plan"]["name"], "Long");
    assert_eq!((&told["starts_at"], &told["ends_at"]), (&json!(now), &json!(now + HOUR * 2)));
    cinema.sim.advance(HOUR * 2);
    assert_eq!(cinema.get("/me/membership", &ann.token).await.body, json!(null));
}
