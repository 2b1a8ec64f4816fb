//! Co-release (拼播): one premiere on three platforms, of which one delivers by itself and one plays from our origin.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use marquee::base::clock::UtcMs;
use marquee::base::id::TitleId;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Backend, Stage, at, code, pvod, window};
use crate::server::Answer;

const OPENS: &str = "2027-01-15T20:00:00+08:00";
const CLOSES: &str = "2027-01-29T20:00:00+08:00";

/// A platform of its own: it signs, and shows its keys.
pub struct Platform {
    pub issuer: String,
    pub jwks_url: String,
    key: EncodingKey,
    /// How often its keys were asked for.
    asked: Arc<AtomicUsize>,
}

impl Platform {
    pub async fn open(name: &str) -> Platform {
        let pair = Ed25519KeyPair::generate().unwrap();
        let key = EncodingKey::from_ed_der(pair.to_pkcs8v1().unwrap().as_ref());
        let x = BASE64_URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        let set =
            json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": name, "x": x}]});
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = asked.clone();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                let body = set.to_string();
                let mut request = [0; 4096];
                let _ = socket.read(&mut request).await;
                let answer = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/jwk-set+json\r\ncontent-length: {}\r\n\
                     connection: close\r\n\r\n{body}",
                    body.len()
                );
                let _ = socket.write_all(answer.as_bytes()).await;
            }
        });
        let issuer = format!("https://{name}.example");
        Platform { issuer, jwks_url: format!("http://127.0.0.1:{port}/jwks.json"), key, asked }
    }

    pub fn sign(&self, kid: &str, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(kid.into());
        jsonwebtoken::encode(&header, claims, &self.key).unwrap()
    }

    pub fn claims(&self, now: UtcMs, scope: &str) -> Value {
        json!({"iss": self.issuer, "aud": "marquee/partner", "sub": "their-ada", "scope": scope,
            "exp": now.0 / 1000 + 3600})
    }

    /// For a viewer who may watch a title for two hours.
    pub fn play(&self, stage: &Stage, title: TitleId, subject: &str) -> String {
        let now = stage.server.now();
        let mut claims = self.claims(now, "play");
        claims["sub"] = json!(subject);
        claims["title_id"] = json!(title);
        claims["until"] = json!(now.0 / 1000 + 7200);
        self.sign("panda", &claims)
    }
}

impl Stage {
    pub async fn party(&self, name: &str, kind: &str, signer: Option<&Platform>) -> String {
        let signer = signer.map(|platform| json!({"issuer": platform.issuer, "jwks_url": platform.jwks_url}));
        self.made("/parties", json!({"name": name, "kind": kind, "signer": signer})).await
    }

    pub async fn deal(
        &self,
        title: TitleId,
        party: &str,
        carriage: Value,
        codes: &[&str],
        start: &str,
        end: Option<&str>,
    ) -> String {
        let body = json!({"party_id": party, "carriage": carriage, "territories": {"include": codes},
            "start_at": start, "end_at": end, "zone": "Asia/Shanghai"});
        self.made(&format!("/titles/{title}/deals"), body).await
    }

    async fn partner(&self, path: &str, token: &str, body: &Value) -> Answer {
        let url = format!("{}/api/v1/partner{path}", self.server.base);
        let request = self.server.client.post(url).header("x-country", "CN").bearer_auth(token).json(body);
        self.server.send(request).await
    }

    /// The session, with its first key, or why not.
    pub async fn partner_plays(&self, token: &str, territory: &str) -> Result<Value, String> {
        let url = format!("{}/api/v1/partner/playback-sessions", self.server.base);
        let request = self.server.client.post(url).header("x-country", territory).bearer_auth(token).json(&json!({}));
        let answer = self.server.send(request).await;
        if answer.status != StatusCode::CREATED {
            return Err(answer.code());
        }
        let opened = answer.json();
        let key = self.key(territory, &opened).await;
        if key.status == StatusCode::OK { Ok(opened) } else { Err(crate::server::outcome(&key)) }
    }
}

fn vod(streams: Option<u32>) -> Value {
    json!({"kind": "platform", "license_type": "vod", "price": {"amount": 1800, "currency": "CNY"}, "streams": streams})
}

pub async fn three_platforms_share_a_premiere(backend: Backend) {
    let stage = Stage::open(backend, "2027-01-10T20:00:00+08:00").await;
    let title = stage.title("雾港孤刀", "NL").await;
    let sold = stage.sell(title, window("vod", &["CN"], OPENS, Some(CLOSES)), pvod()).await;
    let (panda, tiger) = (Platform::open("panda").await, Platform::open("tiger").await);
    let theirs = stage.party("熊猫影视", "partner", Some(&panda)).await;
    let others = stage.party("老虎视频", "partner", Some(&tiger)).await;
    let deal = stage.deal(title, &theirs, vod(Some(1)), &["CN"], OPENS, Some(CLOSES)).await;
    stage.deal(title, &others, vod(None), &["CN"], OPENS, Some(CLOSES)).await;

    // One instant for all three.
    let viewer = stage.server.viewer("ada").await;
    for (offset_ms, here, there) in
        [(-1, "WINDOW_NOT_OPEN", "WINDOW_NOT_OPEN"), (0, "ok", "ok"), (1, "ALREADY_OWNED", "ok")]
    {
        stage.server.sim.advance_to(UtcMs(at(OPENS).0 + offset_ms));
        assert_eq!(code(&stage.buys(&viewer, &sold).await), here, "{offset_ms}");
        let played = stage.partner_plays(&panda.play(&stage, title, "their-ada"), "CN").await;
        assert_eq!(code(&played), there, "{offset_ms}");
        if let Ok(opened) = played {
            assert_eq!(opened["via"], "partner");
            let path = format!("/playback-sessions/{}/revoke", opened["id"].as_str().unwrap());
            stage.done(Method::POST, &path, json!({"reason": "the next one"})).await;
        }
    }
    // A purchase with us is none there, and the reverse: who signs is whose viewer it is.
    let stranger = stage.server.viewer("grace").await;
    assert_eq!(code(&stage.plays(&stranger, title).await), "PAYMENT_REQUIRED");
    let thief = stage
        .partner_plays(
            &tiger.sign(
                "tiger",
                &json!({"iss": panda.issuer, "aud": "marquee/partner",
        "sub": "their-ada", "scope": "play", "title_id": title, "exp": stage.server.now().0 / 1000 + 60}),
            ),
            "CN",
        )
        .await;
    assert_eq!(code(&thief), "PARTNER_TOKEN_INVALID", "another's key");
    let without = tiger.sign(
        "tiger",
        &json!({"iss": tiger.issuer, "aud": "marquee/partner", "sub": "x",
        "scope": "play", "title_id": title, "exp": stage.server.now().0 / 1000 + 60}),
    );
    assert_eq!(code(&stage.partner_plays(&without, "CN").await), "TITLE_NOT_FOUND", "it delivers by itself");
    assert_eq!(code(&stage.partner_plays(&panda.play(&stage, title, "their-ada"), "DE").await), "GEO_NOT_LICENSED");

    // One place at a time for each of its viewers; until the partner's word ends, and not after.
    let opened = stage.partner_plays(&panda.play(&stage, title, "their-ada"), "CN").await.unwrap();
    assert_eq!(code(&stage.partner_plays(&panda.play(&stage, title, "their-ada"), "CN").await), "TOO_MANY_STREAMS");
    stage.partner_plays(&panda.play(&stage, title, "their-bob"), "CN").await.unwrap();
    let until = at(opened["ends_at"].as_str().unwrap());
    for (offset_ms, expected) in [(-1, "ok"), (0, "RENTAL_EXPIRED"), (1, "RENTAL_EXPIRED")] {
        stage.server.sim.advance_to(UtcMs(until.0 + offset_ms));
        assert_eq!(stage.goes_on(&opened).await, expected, "{offset_ms}");
    }

    // The partner says where its viewer is; the media are asked for from there, or not at all.
    let mut claims = panda.claims(stage.server.now(), "play");
    claims["title_id"] = json!(title);
    claims["sub"] = json!("their-eve");
    claims["territory"] = json!("CN");
    let opened_by_its_server = stage.partner_plays(&panda.sign("panda", &claims), "DE").await;
    assert_eq!(code(&opened_by_its_server), "GEO_NOT_LICENSED", "the key was asked for from Germany");

    // What is explained is what the session gets.
    let path = format!("/operator/playback-sessions/{}/explain", opened["id"].as_str().unwrap());
    let explained = stage.server.api(&stage.server.operator, &path).await.json();
    assert_eq!(explained["code"], "RENTAL_EXPIRED", "{explained}");

    // The window closes for whoever comes then, and not for whoever watches.
    stage.server.sim.advance_to(UtcMs(at(CLOSES).0 - 3_600_000));
    let late = stage.partner_plays(&panda.play(&stage, title, "their-carl"), "CN").await.unwrap();
    for (offset_ms, expected) in [(-1, "ok"), (0, "WINDOW_CLOSED"), (1, "WINDOW_CLOSED")] {
        stage.server.sim.advance_to(UtcMs(at(CLOSES).0 + offset_ms));
        let name = format!("their-{offset_ms}");
        assert_eq!(code(&stage.partner_plays(&panda.play(&stage, title, &name), "CN").await), expected, "{offset_ms}");
        assert_eq!(stage.goes_on(&late).await, "ok", "{offset_ms}");
    }
    // Taken back, it ends what is playing too.
    let begun =
        stage.operate(Method::PATCH, &format!("/deals/{deal}"), &json!({"start_at": "2027-03-01T00:00:00Z"})).await;
    assert_eq!((begun.status, begun.code().as_str()), (StatusCode::CONFLICT, "DEAL_OPENED"));
    let revoke = json!({"reason": "its key was stolen"});
    let revoked = stage.done(Method::POST, &format!("/deals/{deal}/revoke"), revoke).await;
    assert_eq!(revoked["revoked_at"], json!(stage.server.now()));
    assert_eq!(stage.goes_on(&late).await, "WINDOW_CLOSED");
    assert_eq!(code(&stage.partner_plays(&panda.play(&stage, title, "their-dan"), "CN").await), "TITLE_NOT_FOUND");
    stage.end().await;
}

pub async fn a_partner_reports_its_own_premiere(backend: Backend) {
    let stage = Stage::open(backend, "2027-01-15T12:00:00+08:00").await;
    let title = stage.title("雾港孤刀", "NL").await;
    let (panda, tiger) = (Platform::open("panda").await, Platform::open("tiger").await);
    let theirs = stage.party("熊猫影视", "partner", Some(&panda)).await;
    let others = stage.party("老虎视频", "partner", Some(&tiger)).await;
    let deal = stage.deal(title, &theirs, vod(None), &["CN"], OPENS, Some(CLOSES)).await;
    let secret = stage.deal(title, &others, vod(None), &["CN"], OPENS, Some(CLOSES)).await;
    let alarm = async || {
        let list = stage.server.api(&stage.server.operator, "/operator/deals").await.json();
        let row = list["data"].as_array().unwrap().iter().find(|row| row["id"] == json!(deal)).unwrap().clone();
        (row["alarm"].clone(), row["drift_ms"].clone())
    };
    let ten_minutes = UtcMs(at(OPENS).0 + 600_000);
    for (offset_ms, expected) in [(-1, Value::Null), (0, json!("unreported")), (1, json!("unreported"))] {
        stage.server.sim.advance_to(UtcMs(ten_minutes.0 + offset_ms));
        assert_eq!(alarm().await.0, expected, "{offset_ms}");
    }
    let board = stage.server.api(&stage.server.operator, "/operator/board?zone=Asia/Shanghai").await.json();
    let hand = board["hand"].as_array().unwrap().iter().filter(|row| row["code"] == "PREMIERE_DRIFT").count();
    assert_eq!(hand, 2, "{board}");

    let report = |platform: &Platform, kid: &str| platform.sign(kid, &platform.claims(stage.server.now(), "report"));
    let told = |deal: &str, opened_at: &str| json!({"deal_id": deal, "opened_at": opened_at});
    let answer =
        stage.partner("/premieres", &report(&panda, "panda"), &told(&deal, "2027-01-15T20:01:00.001+08:00")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(alarm().await, (json!("late"), json!(60_001)));
    let answer = stage.partner("/premieres", &report(&panda, "panda"), &told(&deal, "2027-01-15T20:01:00+08:00")).await;
    assert_eq!(
        (answer.status, alarm().await),
        (StatusCode::OK, (Value::Null, json!(60_000))),
        "the last report stands"
    );
    // Nobody reports what is to come, for another, or with a viewer's token.
    let future = stage.partner("/premieres", &report(&panda, "panda"), &told(&deal, "2027-01-15T21:00:00+08:00")).await;
    assert_eq!(future.code(), "DEAL_INVALID");
    let foreign = stage.partner("/premieres", &report(&panda, "panda"), &told(&secret, OPENS)).await;
    assert_eq!((foreign.status, foreign.code()), (StatusCode::NOT_FOUND, "DEAL_NOT_FOUND".into()));
    let viewers = panda.play(&stage, title, "their-ada");
    assert_eq!(stage.partner("/premieres", &viewers, &told(&deal, OPENS)).await.code(), "PARTNER_TOKEN_INVALID");

    // A party sees its own deals and no other's.
    let url = format!("{}/api/v1/partner/deals", stage.server.base);
    let list = stage.server.send(stage.server.client.get(url).bearer_auth(report(&panda, "panda"))).await.json();
    let ids: Vec<&Value> = list["data"].as_array().unwrap().iter().map(|row| &row["id"]).collect();
    assert_eq!(ids, [&json!(deal)]);
    stage.end().await;
}

pub async fn a_partners_token_is_believed_within_its_bounds(backend: Backend) {
    let stage = Stage::open(backend, OPENS).await;
    let title = stage.title("雾港孤刀", "NL").await;
    let panda = Platform::open("panda").await;
    let party = stage.party("熊猫影视", "partner", Some(&panda)).await;
    stage.deal(title, &party, vod(Some(9)), &["CN"], OPENS, Some(CLOSES)).await;
    let now = stage.server.now().0 / 1000;
    let good = json!({"iss": panda.issuer, "aud": "marquee/partner", "sub": "their-ada", "scope": "play",
        "title_id": title, "exp": now + 60});
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    for (claims, expected) in [
        (good.clone(), "ok"),
        (with("aud", json!(["marquee/partner", "others"])), "ok"),
        (with("nbf", json!(now + 60)), "ok"),
        (with("nbf", json!(now + 61)), "PARTNER_TOKEN_INVALID"),
        (with("exp", json!(now + 24 * 3600)), "ok"),
        (with("exp", json!(now + 24 * 3600 + 1)), "PARTNER_TOKEN_INVALID"),
        (with("exp", json!(now)), "PARTNER_TOKEN_EXPIRED"),
        (with("exp", json!(now + 1)), "ok"),
        (with("exp", json!(now as f64 + 0.5)), "ok"),
        // Milliseconds for seconds.
        (with("until", json!(now * 1000)), "PARTNER_TOKEN_INVALID"),
        (with("until", json!(i64::MAX)), "PARTNER_TOKEN_INVALID"),
        (with("until", json!(now + 399 * 24 * 3600)), "ok"),
        (with("until", json!(now)), "RENTAL_EXPIRED"),
        (with("aud", json!("others")), "PARTNER_TOKEN_INVALID"),
        (with("iss", json!("https://nobody.example")), "PARTNER_TOKEN_INVALID"),
        (with("sub", json!("")), "PARTNER_TOKEN_INVALID"),
        (with("sub", json!("x".repeat(256))), "PARTNER_TOKEN_INVALID"),
        (with("scope", json!("admin")), "PARTNER_TOKEN_INVALID"),
        (with("title_id", Value::Null), "PARTNER_TOKEN_INVALID"),
    ] {
        let played = stage.partner_plays(&panda.sign("panda", &claims), "CN").await;
        assert_eq!(code(&played), expected, "{claims}");
    }
    assert_eq!(code(&stage.partner_plays(&panda.sign("another", &good), "CN").await), "PARTNER_TOKEN_INVALID");
    assert_eq!(code(&stage.partner_plays("", "CN").await), "PARTNER_TOKEN_INVALID");
    // Signed with what everybody can read: the public key as a secret, and with nothing.
    let forged =
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &good, &EncodingKey::from_secret(b"panda")).unwrap();
    assert_eq!(code(&stage.partner_plays(&forged, "CN").await), "PARTNER_TOKEN_INVALID");
    let part = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let bare = format!("{}.{}.", part(json!({"alg": "none", "kid": "panda"})), part(good.clone()));
    assert_eq!(code(&stage.partner_plays(&bare, "CN").await), "PARTNER_TOKEN_INVALID");
    let crit = format!("{}.{}.", part(json!({"alg": "EdDSA", "kid": "panda", "crit": ["exp"]})), part(good.clone()));
    assert_eq!(code(&stage.partner_plays(&crit, "CN").await), "PARTNER_TOKEN_INVALID");
    let all = stage.server.api(&stage.server.operator, "/operator/playback-sessions").await;
    assert_eq!(all.status, StatusCode::OK, "whatever was signed can be read");
    // Its keys were asked for once, and once more for the one that is not there.
    assert_eq!(panda.asked.load(Ordering::Relaxed), 1);
    // However many ask at once, its keys are asked for once.
    let tiger = Platform::open("tiger").await;
    let party = stage.party("老虎视频", "partner", Some(&tiger)).await;
    stage.deal(title, &party, vod(Some(1)), &["CN"], OPENS, Some(CLOSES)).await;
    let tokens: Vec<String> = (0..30)
        .map(|n| {
            let mut claims = tiger.claims(stage.server.now(), "play");
            (claims["sub"], claims["title_id"]) = (json!(format!("crowd-{n}")), json!(title));
            tiger.sign("tiger", &claims)
        })
        .collect();
    let crowd = tokens.iter().map(|token| stage.partner_plays(token, "CN"));
    let played = futures_util::future::join_all(crowd).await;
    assert!(played.iter().all(Result::is_ok), "{played:?}");
    assert_eq!(tiger.asked.load(Ordering::Relaxed), 1);
    // A party that is gone quiet: nobody's word is taken, and that is said as what it is.
    let mute =
        Platform { issuer: "https://mute.example".into(), jwks_url: "http://127.0.0.1:1/jwks.json".into(), ..panda };
    stage.party("无声", "partner", Some(&mute)).await;
    let claims = json!({"iss": mute.issuer, "aud": "marquee/partner", "sub": "x", "scope": "play", "title_id": title, "exp": now + 60});
    assert_eq!(code(&stage.partner_plays(&mute.sign("panda", &claims), "CN").await), "PARTNER_KEYS_UNAVAILABLE");
    stage.end().await;
}

/// A package is shipped sealed before the premiere; its key is given out at it, to whom it was shipped and to nobody else.
pub async fn the_key_of_a_package_waits_for_the_premiere(backend: Backend) {
    let stage = Stage::open(backend, "2027-01-10T20:00:00+08:00").await;
    let title = stage.title("雾港孤刀", "NL").await;
    let (panda, tiger) = (Platform::open("panda").await, Platform::open("tiger").await);
    let theirs = stage.party("熊猫影视", "partner", Some(&panda)).await;
    stage.party("老虎视频", "partner", Some(&tiger)).await;
    let deal = stage.deal(title, &theirs, vod(None), &["CN"], OPENS, Some(CLOSES)).await;
    let take = async |platform: &Platform, kid: &str| {
        let token = platform.sign(kid, &platform.claims(stage.server.now(), "report"));
        let url = format!("{}/api/v1/partner/deals/{deal}/package-key", stage.server.base);
        stage.server.send(stage.server.client.get(url).bearer_auth(token)).await
    };
    let told = async |kid: &str| {
        let answer = take(if kid == "panda" { &panda } else { &tiger }, kid).await;
        if answer.status == StatusCode::OK { answer.json()["key"].as_str().unwrap().to_owned() } else { answer.code() }
    };
    assert_eq!(told("panda").await, "PACKAGE_KEY_NOT_FOUND");
    let path = format!("/deals/{deal}/package-key");
    let key = "000102030405060708090a0b0c0d0e0f";
    for (body, param) in [
        (json!({"package": "film.tar", "key": "00"}), "key"),
        (json!({"package": "two\nlines", "key": key}), "package"),
    ] {
        let refused = stage.operate(Method::PUT, &path, &body).await;
        assert_eq!((refused.code().as_str(), &refused.json()["param"]), ("PACKAGE_KEY_INVALID", &json!(param)));
    }
    let kept = stage.done(Method::PUT, &path, json!({"package": "film.tar", "key": key})).await;
    assert_eq!((&kept["opens_at"], &kept["taken_at"]), (&json!(at(OPENS)), &Value::Null));
    assert!(!kept.to_string().contains(key), "operators are not shown it again");
    let early = take(&panda, "panda").await;
    assert_eq!((early.status, early.code()), (StatusCode::FORBIDDEN, "WINDOW_NOT_OPEN".into()));
    assert_eq!(early.json()["next"][0]["opens_at"], json!(at(OPENS)));
    for (offset_ms, expected) in [(-1, "WINDOW_NOT_OPEN"), (0, key), (1, key)] {
        stage.server.sim.advance_to(UtcMs(at(OPENS).0 + offset_ms));
        assert_eq!(told("panda").await, expected, "{offset_ms}");
        assert_eq!(told("tiger").await, "DEAL_NOT_FOUND", "another party's");
    }
    let shown = stage.server.api(&stage.server.operator, &format!("/operator{path}")).await.json();
    assert_eq!(shown["taken_at"], json!(at(OPENS)));
    // The premiere is called off, and once the deal is over there is no key either.
    stage.done(Method::PATCH, &format!("/titles/{title}"), json!({"status": "suspended"})).await;
    assert_eq!(told("panda").await, "TITLE_SUSPENDED");
    stage.done(Method::PATCH, &format!("/titles/{title}"), json!({"status": "live"})).await;
    for (offset_ms, expected) in [(-1, key), (0, "WINDOW_CLOSED"), (1, "WINDOW_CLOSED")] {
        stage.server.sim.advance_to(UtcMs(at(CLOSES).0 + offset_ms));
        assert_eq!(told("panda").await, expected, "{offset_ms}");
    }
    stage.done(Method::POST, &format!("/deals/{deal}/revoke"), json!({"reason": "breach"})).await;
    assert_eq!(told("panda").await, "DEAL_NOT_FOUND");
    stage.end().await;
}
