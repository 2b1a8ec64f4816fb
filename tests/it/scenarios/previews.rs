//! What anybody may watch of a film that others pay for.

use marquee::base::clock::UtcMs;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Backend, Stage, at, pvod, window};
use crate::server::outcome;

const OPENS: &str = "2027-01-15T20:00:00+08:00";
const CLOSES: &str = "2027-01-29T20:00:00+08:00";
const MEMBERS_UNTIL: &str = "2027-07-28T20:00:00+08:00";

/// 《雾港孤刀》 with a preview, watched without an account: from the premiere on, through the member window, until that closes.
pub async fn a_preview_lasts_as_long_as_its_window(backend: Backend) {
    let stage = Stage::open(backend, "2027-01-10T20:00:00+08:00").await;
    let title = stage.title("雾港孤刀", "NL").await;
    stage.done(Method::PATCH, &format!("/titles/{title}"), json!({"preview_seconds": 6})).await;
    stage.sell(title, window("vod", &["CN"], OPENS, Some(CLOSES)), pvod()).await;
    stage.avail(title, window("svod", &["CN"], CLOSES, Some(MEMBERS_UNTIL))).await;
    let opened = async || -> Result<Value, String> {
        let url = format!("{}/api/v1/playback-sessions", stage.server.base);
        let body = json!({"title_id": title, "preview": true});
        let answer = stage.server.send(stage.server.client.post(url).header("x-country", "CN").json(&body)).await;
        if answer.status == StatusCode::CREATED { Ok(answer.json()) } else { Err(outcome(&answer)) }
    };
    let ends = |session: &Result<Value, String>| match session {
        Ok(session) => at(session["ends_at"].as_str().unwrap()).to_string(),
        Err(code) => code.clone(),
    };
    let (closes, members_until) = (at(CLOSES).to_string(), at(MEMBERS_UNTIL).to_string());
    let mut playing = Value::Null;
    for (instant, expected, goes_on) in [
        (OPENS, ["WINDOW_NOT_OPEN", &closes, &closes], None),
        (CLOSES, [&*closes, &members_until, &members_until], Some(["ok", "WINDOW_CLOSED", "WINDOW_CLOSED"])),
        (
            MEMBERS_UNTIL,
            [&*members_until, "WINDOW_CLOSED", "WINDOW_CLOSED"],
            Some(["ok", "WINDOW_CLOSED", "WINDOW_CLOSED"]),
        ),
    ] {
        // What was opened an hour before goes on until the window closes.
        if goes_on.is_some() {
            stage.server.sim.advance_to(UtcMs(at(instant).0 - 3_600_000));
            playing = opened().await.unwrap();
        }
        for (n, offset_ms) in [-1, 0, 1].into_iter().enumerate() {
            stage.server.sim.advance_to(UtcMs(at(instant).0 + offset_ms));
            assert_eq!(ends(&opened().await), expected[n], "{instant} {offset_ms}");
            if let Some(goes_on) = goes_on {
                assert_eq!(stage.goes_on(&playing).await, goes_on[n], "{instant} {offset_ms}");
            }
        }
    }
    stage.end().await;
}
