//! People of other parties at the console's door: each sees what is its party's, and nothing of any other's.

use marquee::base::clock::UtcMs;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Backend, Stage, at, pvod, window};
use crate::server::Answer;

const OPENS: &str = "2027-01-15T20:00:00+08:00";
const CLOSES: &str = "2027-01-29T20:00:00+08:00";

/// Somebody of a party who has signed in.
pub struct Person<'s> {
    stage: &'s Stage,
    cookie: String,
}

impl Person<'_> {
    pub async fn send(&self, method: Method, path: &str, body: Value) -> Answer {
        let server = &self.stage.server;
        let request = server.request(method, &format!("/api/v1{path}"));
        let request = request.header("cookie", &self.cookie).header("origin", &server.base);
        server.send(request.json(&body)).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, json!({})).await
    }

    /// The ids in a list.
    async fn ids(&self, path: &str) -> Vec<String> {
        let list = self.get(path).await.json();
        let id = |row: &Value| row["id"].as_str().unwrap().to_owned();
        list["data"].as_array().unwrap_or_else(|| panic!("{path}: {list}")).iter().map(id).collect()
    }
}

impl Stage {
    pub async fn person(&self, name: &str, party: &str) -> Person<'_> {
        let body = json!({"name": name, "email": format!("{name}@films.example"), "role": "party", "party_id": party});
        let invited = self.done(Method::POST, "/operators", body).await;
        let link = invited["link"].as_str().unwrap();
        let secret = link.split_once('#').unwrap().1;
        let url = format!("{}/api/v1/operator/welcome", self.server.base);
        let arrival = json!({"token": secret, "password": "correct horse"});
        let request = self.server.client.post(url).header("origin", &self.server.base).json(&arrival);
        let came_in = self.server.send(request).await;
        assert_eq!(came_in.status, StatusCode::CREATED, "{}", came_in.text());
        let cookie = came_in.header("set-cookie").split(';').next().unwrap().to_owned();
        Person { stage: self, cookie }
    }
}

pub async fn people_of_other_parties_see_what_is_theirs(backend: Backend) {
    let stage = Stage::open(backend, "2027-01-15T19:00:00+08:00").await;
    let circuit = stage.party("横店院线", "circuit", None).await;
    let others = stage.party("他院线", "circuit", None).await;
    let platform = stage.party("熊猫影视", "partner", None).await;
    let producer = stage.party("雾港影业", "producer", None).await;
    let (film, other) = (stage.title("雾港孤刀", "NL").await, stage.title("别的片子", "NL").await);
    let sold = stage.sell(film, window("vod", &["CN"], OPENS, Some(CLOSES)), pvod()).await;
    let cinema = json!({"kind": "cinema"});
    let showing = stage.deal(film, &circuit, cinema.clone(), &["CN"], OPENS, Some(CLOSES)).await;
    let carried = json!({"kind": "platform", "license_type": "vod", "price": {"amount": 1800, "currency": "CNY"}});
    let carriage = stage.deal(film, &platform, carried, &["CN"], OPENS, Some(CLOSES)).await;
    let elsewhere = stage.deal(other, &others, cinema, &["CN"], OPENS, Some(CLOSES)).await;
    let batch = |party: &str| {
        json!({"title_id": film, "offer_id": sold.offer, "count": 3,
        "expires_at": at(CLOSES), "party_id": party, "note": "not for them"})
    };
    let issued = async |party: &str| {
        let request = stage.server.request(Method::POST, "/api/v1/operator/voucher-batches");
        let request = request.bearer_auth(&stage.server.operator).header("idempotency-key", party);
        let answer = stage.server.send(request.json(&batch(party))).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        answer.json()
    };
    let tickets = issued(&circuit).await;
    issued(&others).await;

    // Whose film it is: a party of that kind, each once.
    for (producers, expected) in [(json!([circuit]), "PARTY_NOT_FOUND"), (json!([producer, producer]), "TITLE_INVALID")]
    {
        let refused = stage.operate(Method::PATCH, &format!("/titles/{film}"), &json!({"producers": producers})).await;
        assert_eq!((refused.code().as_str(), &refused.json()["param"]), (expected, &json!("producers")));
    }
    let edited = stage.done(Method::PATCH, &format!("/titles/{film}"), json!({"producers": [producer]})).await;
    assert_eq!(edited["producers"], json!([producer]));

    // Nobody is of a party that is not there, and nobody of the house is of one.
    for (role, expected) in [
        (json!({"role": "party"}), "PARTY_NOT_FOUND"),
        (json!({"role": "party", "party_id": "par_00000000000000000000000000"}), "PARTY_NOT_FOUND"),
        (json!({"role": "finance", "party_id": circuit}), "FIELD_INVALID"),
    ] {
        let mut body = json!({"name": "Eve", "email": "eve@films.example"});
        body.as_object_mut().unwrap().extend(role.as_object().unwrap().clone());
        assert_eq!(stage.operate(Method::POST, "/operators", &body).await.code(), expected, "{body}");
    }
    let somebody = stage.done(Method::GET, "/me", json!({})).await["operator"]["id"].clone();
    let path = format!("/operators/{}", somebody.as_str().unwrap());
    let moved = stage.operate(Method::PATCH, &path, &json!({"party_id": circuit})).await;
    assert_eq!((moved.code().as_str(), &moved.json()["param"]), ("FIELD_INVALID", &json!("role")));
    let token = json!({"name": "program", "role": "party", "expires_in_days": 1});
    assert_eq!(stage.operate(Method::POST, "/tokens", &token).await.code(), "FIELD_INVALID");

    let (hao, pan, wu) = (
        stage.person("hao", &circuit).await,
        stage.person("pan", &platform).await,
        stage.person("wu", &producer).await,
    );
    let me = hao.get("/operator/me").await.json();
    assert_eq!(me["operator"]["role"], "party");
    assert_eq!(me["operator"]["party"], json!({"id": circuit, "name": "横店院线", "kind": "circuit"}));
    let listed = stage.done(Method::GET, "/operators", json!({})).await;
    let wus = listed["data"].as_array().unwrap().iter().find(|row| row["name"] == "wu").unwrap();
    assert_eq!((&wus["role"], &wus["party"]["kind"]), (&json!("party"), &json!("producer")));

    // Deals: one's own, and of others there is nothing.
    assert_eq!(hao.ids("/partner/deals").await, std::slice::from_ref(&showing));
    assert_eq!(pan.ids("/partner/deals").await, std::slice::from_ref(&carriage));
    assert_eq!(wu.ids("/partner/deals").await, Vec::<String>::new());
    let status = async |person: &Person<'_>, path: String| {
        let answer = person.get(&path).await;
        if answer.status == StatusCode::OK { "ok".to_owned() } else { answer.code() }
    };
    for (person, id, expected) in [
        (&hao, &showing, "ok"),
        (&hao, &carriage, "DEAL_NOT_FOUND"),
        (&hao, &elsewhere, "DEAL_NOT_FOUND"),
        (&pan, &carriage, "ok"),
        (&wu, &showing, "DEAL_NOT_FOUND"),
    ] {
        assert_eq!(status(person, format!("/partner/deals/{id}")).await, expected);
    }
    // Titles: what one has to do with, as far as one has.
    let both = [film.to_string()];
    assert_eq!(hao.ids("/partner/titles").await, both);
    assert_eq!(wu.ids("/partner/titles").await, both);
    for (person, relation, windows, deals) in
        [(&hao, json!(["deal"]), 0, 1), (&pan, json!(["deal"]), 0, 1), (&wu, json!(["producer"]), 1, 2)]
    {
        let title = person.get(&format!("/partner/titles/{film}")).await.json();
        let count = |name: &str| title[name].as_array().unwrap().len();
        assert_eq!((&title["relation"], count("windows"), count("deals")), (&relation, windows, deals), "{title}");
        assert_eq!(status(person, format!("/partner/titles/{other}")).await, "TITLE_NOT_FOUND");
    }
    let viewer = stage.server.viewer("ada").await;
    stage.to(OPENS);
    stage.buys(&viewer, &sold).await.unwrap();
    let sales = format!("/partner/titles/{film}/sales?zone=Asia/Shanghai");
    assert_eq!(wu.get(&sales).await.json()["gross"], 1800);
    assert_eq!(status(&hao, sales.clone()).await, "TITLE_NOT_FOUND", "it is not its film");
    // Codes: what one sells, without what was noted for the house.
    let batches = hao.get("/partner/voucher-batches").await.json();
    assert_eq!(batches["data"].as_array().unwrap().len(), 1);
    let (row, code) = (&batches["data"][0], tickets["codes"][0].as_str().unwrap());
    assert_eq!((&row["id"], &row["count"], &row["redeemed"]), (&tickets["batch"]["id"], &json!(3), &json!(0)));
    assert!(row.get("note").is_none() && !batches.to_string().contains(code));

    // The premiere, at its instant; and of another's nothing is reported.
    let told = |deal: &str| json!({"deal_id": deal, "opened_at": at(OPENS)});
    let foreign = pan.send(Method::POST, "/partner/premieres", told(&showing)).await;
    assert_eq!((foreign.status, foreign.code()), (StatusCode::NOT_FOUND, "DEAL_NOT_FOUND".into()));
    let early = hao
        .send(Method::POST, "/partner/premieres", json!({"deal_id": showing, "opened_at": UtcMs(at(OPENS).0 + 1)}))
        .await;
    assert_eq!(early.code(), "DEAL_INVALID");
    let reported = hao.send(Method::POST, "/partner/premieres", told(&showing)).await;
    assert_eq!((reported.status, &reported.json()["opened_at"]), (StatusCode::OK, &json!(at(OPENS))));
    let lines = stage.done(Method::GET, "/audit?action=deal.premiere", json!({})).await;
    assert!(lines["data"][0]["actor"].to_string().contains("opr_"), "who did it is noted: {lines}");
    // Another site does it in nobody's name.
    let request = stage.server.request(Method::POST, "/api/v1/partner/premieres").header("cookie", &hao.cookie);
    let crossed = stage.server.send(request.header("origin", "https://evil.example").json(&told(&showing))).await;
    assert_eq!(crossed.code(), "CROSS_ORIGIN");
    // The house is not a party, and a party is not the house.
    assert_eq!(status(&hao, "/operator/board?zone=UTC".into()).await, "ROLE_REQUIRED");

    // Taken back, the deal is still seen as that; a disabled account is out at once.
    stage.done(Method::POST, &format!("/deals/{carriage}/revoke"), json!({"reason": "breach"})).await;
    let revoked = pan.get(&format!("/partner/deals/{carriage}")).await.json();
    assert_eq!((&revoked["revoked_at"], &revoked["alarm"]), (&json!(stage.server.now()), &Value::Null));
    assert_eq!(pan.ids("/partner/deals").await, Vec::<String>::new());
    let id = me["operator"]["id"].as_str().unwrap();
    stage.done(Method::PATCH, &format!("/operators/{id}"), json!({"disabled": true})).await;
    assert_eq!(hao.get("/partner/deals").await.code(), "PARTNER_TOKEN_INVALID");
    stage.end().await;
}
