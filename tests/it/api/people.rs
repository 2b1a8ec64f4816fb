//! Who runs the server: inviting, roles, disabling, tokens for programs; what it runs with, and what was done.

use http::{Method, StatusCode};
use marquee::store::db::operator::Role;
use serde_json::{Value, json};

use super::cinema::{Answer, Cinema, HOST, HOUR};
use super::console::{Browser, arrival, owner};

/// Somebody in a role, who has come in.
pub async fn invite<'c>(cinema: &'c Cinema, owner: &Browser<'c>, name: &str, mut body: Value) -> (String, Browser<'c>) {
    let email = format!("{name}@films.example");
    (body["name"], body["email"]) = (json!(name), json!(email));
    let invited = owner.post("/operator/operators", body).await;
    assert_eq!(invited.status, StatusCode::CREATED, "{}", invited.body);
    let mut browser = Browser::new(cinema);
    let came_in = browser.post("/operator/welcome", arrival(&secret(&invited), &email)).await;
    assert_eq!(came_in.status, StatusCode::CREATED, "{}", came_in.body);
    browser.keep(&came_in);
    (invited.body["operator"]["id"].as_str().unwrap().to_owned(), browser)
}

fn secret(answer: &Answer) -> String {
    answer.body["link"].as_str().unwrap().split_once('#').unwrap().1.to_owned()
}

fn codes(answers: &[Answer]) -> Vec<&str> {
    answers.iter().map(|answer| if answer.status.is_success() { "ok" } else { answer.code() }).collect()
}

#[tokio::test]
async fn somebody_is_invited_and_comes_in_with_the_role() {
    let cinema = Cinema::open().await;
    let owner = owner(&cinema).await;
    cinema.sim.advance(HOUR);
    let body = json!({"name": "Fin", "email": "Fin@films.example", "role": "finance"});
    let invited = owner.post("/operator/operators", body.clone()).await;
    assert_eq!(invited.status, StatusCode::CREATED, "{}", invited.body);
    assert_eq!(invited.body["expires_at"], "2027-01-16T13:00:00.000Z");
    assert!(invited.body["link"].as_str().unwrap().starts_with(&format!("https://{HOST}/console/welcome#")));
    let person = &invited.body["operator"];
    assert_eq!(
        (&person["invited"], &person["role"], &person["disabled_at"]),
        (&json!(true), &json!("finance"), &json!(null))
    );
    assert_eq!(owner.post("/operator/operators", body).await.code(), "EMAIL_TAKEN");

    let mut fin = Browser::new(&cinema);
    let offer = fin.post("/operator/welcome/check", json!({"token": secret(&invited)})).await.body;
    assert_eq!(
        (&offer["kind"], &offer["role"], &offer["email"], &offer["name"]),
        (&json!("invite"), &json!("finance"), &json!("Fin@films.example"), &json!("Fin"))
    );
    let stranger = fin.post("/operator/welcome", arrival(&secret(&invited), "eve@films.example")).await;
    assert_eq!(stranger.code(), "EMAIL_INVALID", "the address stands");
    let came_in = fin.post("/operator/welcome", json!({"token": secret(&invited), "password": "correct horse"})).await;
    assert_eq!((came_in.status, &came_in.body["operator"]["name"]), (StatusCode::CREATED, &json!("Fin")));
    fin.keep(&came_in);
    let refused = fin.post("/operator/plans", json!({"name": "Plan", "streams": 1})).await;
    assert_eq!(
        (refused.status, refused.code(), &refused.body["role"]),
        (StatusCode::FORBIDDEN, "ROLE_REQUIRED", &json!("operator"))
    );

    let list = owner.get("/operator/operators").await.body;
    let told: Vec<_> =
        list["data"].as_array().unwrap().iter().map(|row| json!([row["name"], row["role"], row["invited"]])).collect();
    assert_eq!(
        told,
        [json!(["Olga", "owner", false]), json!(["Fin", "finance", false])],
        "the server's own is no person"
    );
}

#[tokio::test]
async fn a_role_changes_and_an_operator_is_disabled_at_once() {
    let cinema = Cinema::open().await;
    let owner = owner(&cinema).await;
    let (id, oscar) = invite(&cinema, &owner, "oscar", json!({"role": "operator"})).await;
    let plan = || json!({"name": "Plan", "streams": 1});
    let edit = async |body: Value| owner.send(Method::PATCH, &format!("/operator/operators/{id}"), body).await;
    assert_eq!(oscar.post("/operator/plans", plan()).await.status, StatusCode::CREATED);
    assert_eq!(edit(json!({"role": "read_only"})).await.body["role"], "read_only");
    assert_eq!(oscar.post("/operator/plans", plan()).await.code(), "ROLE_REQUIRED");
    assert_eq!(oscar.get("/operator/plans").await.status, StatusCode::OK);

    let disabled = edit(json!({"disabled": true})).await;
    assert_eq!(disabled.body["disabled_at"], "2027-01-15T12:00:00.000Z");
    assert_eq!(oscar.get("/operator/plans").await.status, StatusCode::UNAUTHORIZED);
    let credentials = json!({"email": "oscar@films.example", "password": "correct horse"});
    assert_eq!(oscar.post("/operator/sign-in", credentials.clone()).await.code(), "SIGN_IN_FAILED");
    let link = async || owner.post(&format!("/operator/operators/{id}/link"), json!({})).await;
    assert_eq!(link().await.code(), "OPERATOR_NOT_FOUND");

    assert_eq!(edit(json!({"disabled": false})).await.body["disabled_at"], json!(null));
    assert_eq!(oscar.get("/operator/plans").await.status, StatusCode::UNAUTHORIZED, "what ended stays ended");
    assert_eq!(oscar.post("/operator/sign-in", credentials).await.status, StatusCode::OK);

    // Whoever forgot the password gets a link, and a newer one voids it.
    let (lost, found) = (link().await, link().await);
    assert_eq!(found.status, StatusCode::CREATED);
    assert_eq!(
        oscar.post("/operator/welcome", arrival(&secret(&lost), "oscar@films.example")).await.code(),
        "LINK_EXPIRED"
    );
    let other = json!({"token": secret(&found), "password": "another horse"});
    assert_eq!(oscar.post("/operator/welcome", other).await.status, StatusCode::CREATED);
    let unknown = [edit(json!({"admin": true})).await, edit(json!({"role": "admin"})).await];
    assert_eq!(codes(&unknown), ["FIELD_INVALID", "FIELD_INVALID"]);
}

#[tokio::test]
async fn the_last_owner_stays_one() {
    let cinema = Cinema::open().await;
    let owner = owner(&cinema).await;
    let me = owner.get("/operator/me").await.body["operator"]["id"].as_str().unwrap().to_owned();
    let edit =
        async |id: &str, body: Value| owner.send(Method::PATCH, &format!("/operator/operators/{id}"), body).await;
    let refused = [edit(&me, json!({"role": "operator"})).await, edit(&me, json!({"disabled": true})).await];
    assert_eq!(codes(&refused), ["LAST_OWNER", "LAST_OWNER"]);
    assert_eq!(refused[0].status, StatusCode::CONFLICT);
    let (other, olaf) = invite(&cinema, &owner, "olaf", json!({"role": "owner"})).await;
    assert_eq!(edit(&me, json!({"role": "operator"})).await.status, StatusCode::OK);
    assert_eq!(edit(&me, json!({"role": "owner"})).await.code(), "ROLE_REQUIRED", "there is no way back");
    let alone = olaf.send(Method::PATCH, &format!("/operator/operators/{other}"), json!({"disabled": true})).await;
    assert_eq!(alone.code(), "LAST_OWNER");
}

#[tokio::test]
async fn who_starts_the_server_lets_an_owner_in_again() {
    let cinema = Cinema::open().await;
    let before = owner(&cinema).await;
    let secret = cinema.api.accounts.owner_link().await.unwrap().secret;
    let mut body = arrival(&secret, "olga@films.example");
    body["password"] = json!("another horse");
    let browser = Browser::new(&cinema);
    let again = browser.post("/operator/welcome", body).await;
    assert_eq!(again.status, StatusCode::CREATED, "{}", again.body);
    assert_eq!(before.get("/operator/me").await.status, StatusCode::UNAUTHORIZED, "the other sign-ins are over");
    assert_eq!(cinema.api.db.operators().await.unwrap().len(), 2, "olga and the server's own");
}

#[tokio::test]
async fn a_program_has_a_token_with_a_role_and_an_end() {
    let cinema = Cinema::open().await;
    let owner = owner(&cinema).await;
    let body = json!({"name": "feed", "role": "read_only", "expires_in_days": 2});
    let made = owner.post("/operator/tokens", body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let token = made.body["secret"].as_str().unwrap();
    assert!(token.starts_with("mqo_test_"));
    assert_eq!(made.body["token"]["expires_at"], "2027-01-17T12:00:00.000Z");
    assert_eq!(cinema.get("/operator/titles", token).await.status, StatusCode::OK);
    assert_eq!(cinema.post("/operator/titles", token, json!({"name": {"en": "X"}})).await.code(), "ROLE_REQUIRED");
    for days in [0, 366, -1] {
        let body = json!({"name": "feed", "role": "owner", "expires_in_days": days});
        assert_eq!(owner.post("/operator/tokens", body).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{days}");
    }
    let list = owner.get("/operator/tokens").await.body;
    let row = list["data"].as_array().unwrap().iter().find(|row| row["name"] == "feed").unwrap();
    assert_eq!((&row["role"], &row["last_seen_at"]), (&json!("read_only"), &json!("2027-01-15T12:00:00.000Z")));
    assert!(!list.to_string().contains(token), "a secret is shown once");

    let path = format!("/operator/tokens/{}", row["id"].as_str().unwrap());
    assert_eq!(owner.send(Method::DELETE, &path, json!({})).await.status, StatusCode::NO_CONTENT);
    assert_eq!(cinema.get("/operator/titles", token).await.code(), "UNAUTHENTICATED");
    assert_eq!(owner.send(Method::DELETE, &path, json!({})).await.code(), "TOKEN_NOT_FOUND");
}

#[tokio::test]
async fn a_token_may_no_more_than_its_maker() {
    let cinema = Cinema::open().await;
    let owner = owner(&cinema).await;
    let (id, olaf) = invite(&cinema, &owner, "olaf", json!({"role": "owner"})).await;
    let make = async |role: &str| {
        let body = json!({"name": "feed", "role": role, "expires_in_days": 30});
        olaf.post("/operator/tokens", body).await.body["secret"].as_str().unwrap().to_owned()
    };
    let (all, money) = (make("owner").await, make("finance").await);
    let role = async |token: &str| cinema.get("/operator/me", token).await.body["operator"]["role"].clone();
    assert_eq!((role(&all).await, role(&money).await), (json!("owner"), json!("finance")));
    let edit = async |body: Value| owner.send(Method::PATCH, &format!("/operator/operators/{id}"), body).await;
    edit(json!({"role": "operator"})).await;
    assert_eq!((role(&all).await, role(&money).await), (json!("operator"), json!("read_only")));
    edit(json!({"disabled": true})).await;
    for token in [&all, &money] {
        assert_eq!(cinema.get("/operator/me", token).await.code(), "UNAUTHENTICATED");
    }
}

#[tokio::test]
async fn the_log_is_read_newest_first_by_what_is_asked() {
    let cinema = Cinema::open().await;
    let owner = owner(&cinema).await;
    let me = owner.get("/operator/me").await.body["operator"]["id"].as_str().unwrap().to_owned();
    cinema.sim.advance(HOUR);
    let made = cinema.post("/operator/titles", &cinema.operator, json!({"name": {"en": "One"}})).await.body;
    cinema.sim.advance(HOUR);
    owner.post("/operator/plans", json!({"name": "Plan", "streams": 1})).await;
    let path = format!("/operator/titles/{}", made["id"].as_str().unwrap());
    owner.send(Method::PATCH, &path, json!({"name": {"en": "Two"}})).await;

    let read = async |query: &str| {
        let answer = cinema.get(&format!("/operator/audit{query}"), &cinema.operator).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.body
    };
    let actions = |list: &Value| -> Vec<String> {
        list["data"].as_array().unwrap().iter().map(|row| row["action"].as_str().unwrap().to_owned()).collect()
    };
    let all = read("").await;
    assert_eq!(
        actions(&all),
        [
            "title.edit",
            "plan.create",
            "title.create",
            "operator.sign_in",
            "operator.welcome",
            "operator.link",
            "operator.create"
        ]
    );
    let newest = &all["data"][0];
    assert_eq!(
        (&newest["actor"], &newest["actor_name"], &newest["subject"], &newest["position"]),
        (&json!(me), &json!("Olga"), &made["id"], &json!(7))
    );
    assert_eq!(newest["detail"]["version"], 2);
    assert_eq!(all["data"][2]["actor_name"], "tester");
    assert_eq!(actions(&read("?action=title.").await), ["title.edit", "title.create"]);
    assert_eq!(actions(&read("?action=title").await), [""; 0]);
    assert_eq!(actions(&read("?action=plan.create").await), ["plan.create"]);
    assert_eq!(actions(&read(&format!("?subject={}&actor={me}", made["id"].as_str().unwrap())).await), ["title.edit"]);
    assert_eq!(actions(&read("?from=2027-01-15T13:00:00Z&to=2027-01-15T14:00:00Z").await), ["title.create"]);
    assert_eq!(
        actions(&read("?from=2027-01-15T13:00:00.001Z&to=2027-01-15T14:00:00.001Z").await),
        ["title.edit", "plan.create"]
    );

    let mut paged = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = read(&format!("?limit=3{cursor}")).await;
        paged.extend(actions(&page));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(paged, actions(&all));
    for (query, code) in [
        ("?cursor=cm93Xzk", "CURSOR_INVALID"),
        ("?limit=0", "LIMIT_INVALID"),
        ("?from=today", "QUERY_INVALID"),
        ("?x=1", "QUERY_INVALID"),
    ] {
        assert_eq!(cinema.get(&format!("/operator/audit{query}"), &cinema.operator).await.code(), code, "{query}");
    }
    let text = all.to_string();
    assert!(!text.contains("horse") && !text.contains("mqc_") && !text.contains("$argon2"), "{text}");
}

#[tokio::test]
async fn the_owner_reads_what_the_server_runs_with() {
    let cinema = Cinema::open().await;
    let settings = cinema.get("/operator/settings", &cinema.operator).await;
    assert_eq!(settings.status, StatusCode::OK, "{}", settings.body);
    let body = settings.body;
    assert_eq!(body["config"], json!([{"key": "data", "value": "/srv/marquee", "source": "flag"}]));
    assert_eq!((&body["keys"][0]["kind"], &body["keys"][0]["age_days"]), (&json!("token_signing"), &json!(0)));
    assert_eq!(body["build"]["decoder"], "libavcodec 59.37.100");
    assert!(body["build"]["database"].as_str().unwrap().starts_with("SQLite 3."));
    assert_eq!(body["build"]["version"], env!("CARGO_PKG_VERSION"));
    assert!(body["data"]["free_bytes"].as_u64().unwrap() > 0 && body["data"]["used_bytes"].as_u64().unwrap() > 0);
    assert!(body["checks"].as_array().unwrap().iter().all(|check| check["ok"] == true));
    let reader = cinema.operator_token(Role::ReadOnly).await;
    assert_eq!(cinema.get("/operator/settings", &reader).await.code(), "ROLE_REQUIRED");
}
