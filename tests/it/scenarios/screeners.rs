//! A festival before the release: named viewers, one of them abroad, and nobody else.

use marquee::base::clock::UtcMs;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Backend, Stage, at, code};

const BEGINS: &str = "2027-01-05T18:00:00+08:00";
const ENDS: &str = "2027-01-12T00:00:00+08:00";

/// 《雾港孤刀》 is a draft, made in China and without a licence; a jury watches it for a week.
pub async fn an_invited_viewer_sees_what_nobody_else_does(backend: Backend) {
    let stage = Stage::open(backend, "2027-01-01T12:00:00+08:00").await;
    let title = stage.title("雾港孤刀", "CN").await;
    let body = json!({"status": "draft", "part_opens_at": [at("2027-03-01T00:00:00+08:00")]});
    stage.done(Method::PATCH, &format!("/titles/{title}"), body).await;
    let [juror, guest] = [stage.server.viewer("juror").await, stage.server.viewer("guest").await];
    let path = format!("/titles/{title}/screeners");
    let body =
        json!({"viewer": juror.id, "kind": "jury", "starts_at": at(BEGINS), "ends_at": at(ENDS), "note": "Jury"});
    let invitation = stage.done(Method::POST, &path, body).await;
    let id = invitation["id"].as_str().unwrap().to_owned();
    assert_eq!((&invitation["phase"], &invitation["streams"]), (&json!("upcoming"), &json!(1)));
    for (refused, code, param) in [
        (json!({"viewer": "nobody@example.com", "kind": "press", "ends_at": at(ENDS)}), "VIEWER_NOT_FOUND", "viewer"),
        (
            json!({"viewer": juror.id, "kind": "press", "ends_at": at("2026-12-31T00:00:00Z")}),
            "SCREENER_INVALID",
            "ends_at",
        ),
    ] {
        let answer = stage.operate(Method::POST, &path, &refused).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::UNPROCESSABLE_ENTITY, code));
        assert_eq!(answer.json()["param"], param);
    }

    let mut open = Value::Null;
    for (instant, offset_ms, expected) in [
        (BEGINS, -1, "WINDOW_NOT_OPEN"),
        (BEGINS, 0, "ok"),
        (BEGINS, 1, "TOO_MANY_STREAMS"),
        (ENDS, -1, "ok"),
        (ENDS, 0, "SCREENING_OVER"),
        (ENDS, 1, "SCREENING_OVER"),
    ] {
        let now = UtcMs(at(instant).0 + offset_ms);
        stage.server.sim.advance_to(now);
        let opened = stage.plays(&juror, title).await;
        assert_eq!(code(&opened), expected, "{instant} {offset_ms}");
        assert_eq!(code(&stage.opens_in("CN", &guest, title).await), "TITLE_NOT_FOUND", "{instant} {offset_ms}");
        if expected == "ok" {
            open = opened.unwrap();
            assert_eq!((&open["via"], &open["ends_at"]), (&json!("screener"), &json!(at(ENDS))));
            assert_eq!(open["watermark"], open["id"], "who copies it is known");
            assert!(at(open["expires_at"].as_str().unwrap()) <= at(ENDS));
        }
        // Explained as it was decided; of streams it knows nothing.
        let via = if now < at(ENDS) && now >= at(BEGINS) { "screener" } else { expected };
        assert_eq!(stage.explained(&juror, title, "CN", now).await, via, "{instant} {offset_ms}");
        let seen = stage.server.signed_in_again(&juror).await;
        let mine = stage.server.api(&seen.token, "/me/invitations").await.json();
        let is_over = now >= at(ENDS);
        assert_eq!(mine["data"].as_array().unwrap().len(), usize::from(!is_over), "{instant} {offset_ms}");
        let page = stage.server.api(&seen.token, &format!("/titles/{title}")).await;
        assert_eq!(page.status, StatusCode::OK, "a link says that it is over");
        assert_eq!(page.json()["decision"]["allow"], json!(via == "screener"));
        let listed = stage.server.api(&seen.token, "/titles").await.json();
        assert_eq!(listed["data"], json!([]), "on no wall that others look at");
        if offset_ms == 1 {
            // The session that runs ends with the invitation: so does its token.
            assert_eq!(stage.goes_on(&open).await, if is_over { "TOKEN_EXPIRED" } else { "ok" });
            let gone = stage.server.signed_in_again(&guest).await;
            assert_eq!(stage.server.api(&gone.token, &format!("/titles/{title}")).await.code(), "TITLE_NOT_FOUND");
        }
    }

    // Another one, abroad only, that is taken back while it plays.
    let email = stage.done(Method::GET, &format!("/viewers/{}", guest.id), json!({})).await["email"].clone();
    let body = json!({"viewer": email, "kind": "press", "ends_at": at("2027-02-01T00:00:00Z"),
        "territories": {"include": ["US"]}});
    let second = stage.done(Method::POST, &path, body).await;
    assert_eq!(code(&stage.opens_in("CN", &guest, title).await), "GEO_NOT_LICENSED");
    let playing = stage.plays_in("US", &guest, title).await.unwrap();
    let revoke = format!("/screeners/{}/revoke", second["id"].as_str().unwrap());
    for _ in 0..2 {
        let revoked = stage.done(Method::POST, &revoke, json!({"reason": "a leak"})).await;
        assert_eq!(revoked["phase"], "revoked");
    }
    let refused = stage.key("US", &playing).await;
    assert_eq!(crate::server::outcome(&refused), "INVITATION_REVOKED");
    assert_eq!(code(&stage.opens_in("US", &guest, title).await), "TITLE_NOT_FOUND");
    let mine = stage.done(Method::GET, &format!("/viewers/{}/screeners", guest.id), json!({})).await;
    assert_eq!((mine["data"].as_array().map(Vec::len), &mine["data"][0]["phase"]), (Some(1), &json!("revoked")));
    let all = stage.done(Method::GET, &path, json!({})).await;
    assert_eq!(all["data"].as_array().map(Vec::len), Some(2));
    let log = stage.server.api(&stage.server.operator, "/operator/audit?action=screener.revoke").await.json();
    assert_eq!(log["data"].as_array().map(Vec::len), Some(1), "revoking twice is revoking once");
    let log = stage.server.api(&stage.server.operator, "/operator/audit?action=session.open").await.json();
    assert!(log["data"].to_string().contains(&id), "{log}");
    stage.end().await;
}
