//! What players report, and what operators see of it.

use std::time::Duration;

use axum::body::Body;
use http::{Method, StatusCode};
use marquee::base::limits;
use marquee::rights::avail::LicenseType;
use marquee::rights::grant::GrantClock;
use serde_json::{Value, json};

use super::cinema::{Cinema, Guest, HOUR, Show};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

async fn playing(cinema: &Cinema) -> (Show, Guest, String) {
    let show = cinema.premiere().await;
    let ann = cinema.guest("ann").await;
    cinema.buy(show, &ann, "k1", "paid").await;
    let session = cinema.play(show, &ann).await.body["id"].as_str().unwrap().to_owned();
    (show, ann, session)
}

async fn report(cinema: &Cinema, session: &str, guest: &Guest, body: Value) -> Value {
    let answer = cinema.post(&format!("/playback-sessions/{session}/telemetry"), &guest.token, body).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.body);
    cinema.api.audience.collector.write_queued().await;
    answer.body
}

async fn shown(cinema: &Cinema, path: &str) -> Value {
    let answer = cinema.get(path, &cinema.operator).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.body
}

#[tokio::test]
async fn a_report_becomes_the_sessions_quality_and_its_timeline() {
    let cinema = Cinema::open().await;
    let (show, ann, session) = playing(&cinema).await;
    let opened_at = cinema.now();
    cinema.sim.advance(SECOND * 31);
    let taken = report(
        &cinema,
        &session,
        &ann,
        json!({"sent_at_ms": 31_000.2, "events": [
            {"at_ms": 0, "kind": "play_pressed"},
            {"at_ms": 700.4, "kind": "first_frame", "startup_ms": 700},
            {"at_ms": 700, "kind": "rung", "bitrate_bps": 2_000_000, "width": 1280, "height": 720},
            {"at_ms": 1000, "kind": "position", "position_ms": 0, "playing": true, "rate": 1},
            {"at_ms": 21000, "kind": "position", "position_ms": 20000, "playing": true, "rate": 1},
            {"at_ms": 22000, "kind": "stall_start"},
            {"at_ms": 24000, "kind": "stall_end", "ms": 2000, "seeking": false},
            {"at_ms": 25000, "kind": "error", "code": "FRAG_LOAD", "fatal": false},
            {"at_ms": 25000, "kind": "dance"}
        ]}),
    )
    .await;
    assert_eq!(taken, json!({"accepted": 8, "ignored": 1}));
    let body = shown(&cinema, &format!("/operator/playback-sessions/{session}")).await;
    assert_eq!(
        (body["id"].as_str(), body["territory"].as_str(), body["via"].as_str()),
        (Some(&*session), Some("CN"), Some("grant"))
    );
    let qoe = &body["qoe"];
    assert_eq!(qoe["startup_ms"], 700);
    assert_eq!((&qoe["stalls"], &qoe["rebuffer_ms"]), (&json!(1), &json!(2000)));
    assert_eq!(qoe["watched_ms"], 300 + 20_000 + 1_000);
    assert_eq!(qoe["errors"], json!(["FRAG_LOAD"]));
    assert_eq!(qoe["rung_now"], json!({"bitrate_bps": 2_000_000, "width": 1280, "height": 720}));
    assert_eq!(qoe["furthest_permille"], 333);

    let lines = shown(&cinema, &format!("/operator/playback-sessions/{session}/timeline")).await;
    let lines = lines.as_array().unwrap();
    let kinds: Vec<_> = lines.iter().map(|line| line["kind"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        ["opened", "play_pressed", "first_frame", "rung", "position", "position", "stall_start", "stall_end", "error"]
    );
    assert_eq!(lines[0]["at"], json!(opened_at));
    assert_eq!(lines[5]["at"], json!(opened_at + SECOND * 21), "where the report's arrival says");
    assert_eq!(
        lines[8],
        json!({"at": opened_at + SECOND * 25, "source": "player", "kind": "error", "detail": {"code": "FRAG_LOAD", "fatal": false}})
    );

    let all = shown(&cinema, "/operator/qoe").await;
    assert_eq!(all["totals"]["sessions"], 1);
    assert_eq!(all["totals"]["startup_p95_ms"], 700);
    assert_eq!(all["totals"]["rebuffer_ratio"], json!(2000.0 / 23_300.0));
    assert_eq!(all["titles"][0]["title_id"], json!(show.title));
    assert_eq!(all["titles"][0]["name"], json!({"en": "A Film"}));
    assert_eq!(all["errors"][0]["sessions"], json!([session]));
    assert_eq!(all["startup_histogram"][2], json!({"le_ms": 1000, "count": 1}));
    assert_eq!(all["startup_histogram"][10], json!({"le_ms": null, "count": 0}));
    let later = shown(&cinema, &format!("/operator/qoe?from={}&to={}", opened_at + MS, opened_at + SECOND)).await;
    assert_eq!(later["totals"]["sessions"], 0);
    let refused = cinema.get(&format!("/operator/qoe?from={opened_at}&to={opened_at}"), &cinema.operator).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::UNPROCESSABLE_ENTITY, "RANGE_INVALID"));
}

#[tokio::test]
async fn percentiles_over_sessions_are_of_the_nearest_rank() {
    let cinema = Cinema::open().await;
    let now = cinema.now();
    let show = cinema.show(LicenseType::Avod, now, now + HOUR, GrantClock::OnPurchase { watch_ms: 1 }).await;
    let nobody = Guest { token: String::new(), ..cinema.guest("nobody").await };
    for n in 1..=20 {
        let session = cinema.post("/playback-sessions", "", json!({"title_id": show.title})).await.body;
        let started = json!({"events": [{"at_ms": 1, "kind": "first_frame", "startup_ms": n * 100}]});
        report(&cinema, session["id"].as_str().unwrap(), &nobody, started).await;
    }
    let qoe = shown(&cinema, "/operator/qoe").await;
    assert_eq!((&qoe["totals"]["startup_p50_ms"], &qoe["totals"]["startup_p95_ms"]), (&json!(1000), &json!(1900)));
    assert_eq!(qoe["titles"][0]["startup_p95_ms"], 1900);
    let counts: Vec<u64> =
        qoe["startup_histogram"].as_array().unwrap().iter().map(|bar| bar["count"].as_u64().unwrap()).collect();
    assert_eq!(counts, [2, 3, 5, 5, 5, 0, 0, 0, 0, 0, 0]);
}

#[tokio::test]
async fn a_report_is_taken_from_its_viewer_and_never_fails_for_what_it_does_not_know() {
    let cinema = Cinema::open().await;
    let (_, ann, session) = playing(&cinema).await;
    let ben = cinema.guest("ben").await;
    let path = format!("/playback-sessions/{session}/telemetry");
    for token in ["", &ben.token, &cinema.operator] {
        assert_eq!(cinema.post(&path, token, json!({"events": []})).await.status, StatusCode::NOT_FOUND);
    }
    let send = |content_type: &'static str, body: String| {
        let request = cinema.request(Method::POST, &path, &ann.token).header("content-type", content_type);
        cinema.send(request.body(Body::from(body)).unwrap())
    };
    assert_eq!(send("text/plain;charset=UTF-8", r#"{"events":[]}"#.into()).await.status, StatusCode::ACCEPTED);
    assert_eq!(send("image/png", r#"{"events":[]}"#.into()).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(send("text/plain", "{".into()).await.code(), "JSON_INVALID");
    assert_eq!(send("text/plain", r#"{"events":[],"x":1}"#.into()).await.code(), "FIELD_INVALID");
    let many = json!({"events": vec![json!({"at_ms": 1, "kind": "pause"}); limits::TELEMETRY_EVENTS_MAX + 7]});
    assert_eq!(send("text/plain", many.to_string()).await.body["ignored"], 7);
    let nonsense = json!({"events": [1, null, "x", {"kind": 7}, {"at_ms": {}, "kind": "pause"}]});
    assert_eq!(send("application/json", nonsense.to_string()).await.body, json!({"accepted": 0, "ignored": 5}));
    let mut last = StatusCode::ACCEPTED;
    for _ in 0..limits::TELEMETRY_REPORTS_PER_SESSION_PER_MINUTE {
        last = send("text/plain", r#"{"events":[]}"#.into()).await.status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn cmcd_reports_are_read_where_they_name_a_session() {
    let cinema = Cinema::open().await;
    let (_, _, session) = playing(&cinema).await;
    cinema.sim.advance(SECOND);
    let post = |body: String| {
        let request = cinema.request(Method::POST, "/cmcd", "");
        cinema.send(request.body(Body::from(body)).unwrap())
    };
    let report = json!([{"sid": session, "e": "ps", "sta": "p", "msd": 640, "v": 2, "url": "/play/secret/main.m3u8"}]);
    assert_eq!(post(report.to_string()).await.status, StatusCode::NO_CONTENT);
    assert_eq!(post(format!("sid=\"{session}\",e=er,ec=\"NET\"\n")).await.status, StatusCode::NO_CONTENT);
    for nonsense in ["", "[", "sid=\"nobody\"", "\u{0}"] {
        assert_eq!(post(nonsense.to_owned()).await.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(cinema.api.audience.collector.write_queued().await, 2);
    let body = shown(&cinema, &format!("/operator/playback-sessions/{session}")).await;
    assert_eq!((&body["qoe"]["startup_ms"], &body["qoe"]["errors"]), (&json!(640), &json!(["NET"])));
    let lines = shown(&cinema, &format!("/operator/playback-sessions/{session}/timeline")).await;
    assert_eq!(lines[1]["source"], "cmcd");
    assert!(!lines.to_string().contains("secret"), "no URL is kept: {lines}");
}

#[tokio::test]
async fn what_does_not_fit_into_the_queue_is_dropped_and_counted() {
    let cinema = Cinema::open().await;
    let (_, _, session) = playing(&cinema).await;
    let id = session.parse().unwrap();
    for _ in 0..limits::TELEMETRY_QUEUED_MAX + 3 {
        cinema.api.audience.collector.note_fact(id, marquee::telemetry::note::Fact::Denied("X"));
    }
    let metrics =
        cinema.send(cinema.request(Method::GET, "/metrics", "").uri("/metrics").body(Body::empty()).unwrap()).await;
    let metrics = metrics.body.as_str().unwrap().to_owned();
    assert!(metrics.contains(r#"marquee_telemetry_notes_dropped_total{why="queue_full"} 3"#), "{metrics}");
    assert_eq!(cinema.api.audience.collector.write_queued().await, limits::TELEMETRY_QUEUED_MAX);
    let lines = shown(&cinema, &format!("/operator/playback-sessions/{session}/timeline")).await;
    assert_eq!(lines.as_array().unwrap().len(), limits::TIMELINE_LINES_MAX as usize + 1);
}

#[tokio::test]
async fn lines_and_sessions_are_kept_as_long_as_they_are_said_to_be() {
    let cinema = Cinema::open().await;
    let (_, ann, session) = playing(&cinema).await;
    report(&cinema, &session, &ann, json!({"events": [{"at_ms": 0, "kind": "pause"}]})).await;
    let db = &cinema.api.db;
    assert_eq!(db.forget_lines(cinema.now(), 10).await.unwrap(), 0);
    assert_eq!(db.forget_lines(cinema.now() + MS, 10).await.unwrap(), 1);
    let id = session.parse().unwrap();
    let expires_at = db.session(id).await.unwrap().unwrap().expires_at;
    assert_eq!(db.forget_sessions(expires_at, 10).await.unwrap(), 0);
    assert_eq!(db.forget_sessions(expires_at + MS, 10).await.unwrap(), 1);
    assert!(db.session(id).await.unwrap().is_none());
    assert!(db.qoe(id).await.unwrap().is_some(), "what it amounted to stays");
}

#[tokio::test]
async fn an_explanation_follows_the_decision_through_time() {
    let cinema = Cinema::open().await;
    let (opens, closes) = (cinema.now() + HOUR, cinema.now() + HOUR * 2);
    let show = cinema.show(LicenseType::Vod, opens, closes, GrantClock::OnPurchase { watch_ms: 48 * 3_600_000 }).await;
    let ann = cinema.guest("ann").await;
    let explain = |query: String| {
        let path = format!("/operator/explain?title_id={}&viewer_id={}{query}", show.title, ann.id);
        let cinema = &cinema;
        async move { shown(cinema, &path).await }
    };
    let steps = |body: &Value| -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        body["steps"].as_array().unwrap().iter().map(|step| (text(&step["check"]), text(&step["outcome"]))).collect()
    };
    let before = explain(format!("&territory=CN&at={}", opens - MS)).await;
    assert_eq!(
        (&before["allow"], &before["code"], &before["rule"]),
        (&json!(false), &json!("WINDOW_NOT_OPEN"), &json!("window"))
    );
    assert_eq!(before["next"], json!([{"action": "wait", "opens_at": opens}]));
    let open = explain(format!("&territory=CN&at={opens}")).await;
    assert_eq!(open["code"], "PAYMENT_REQUIRED");
    let elsewhere = explain("&territory=DE".into()).await;
    assert_eq!(elsewhere["code"], "GEO_NOT_LICENSED");
    assert_eq!(steps(&elsewhere)[2], ("territory".into(), "fail".into()));
    assert_eq!(steps(&elsewhere)[8..], [("devices".into(), "skip".into()), ("streams".into(), "skip".into())]);

    cinema.sim.advance_to(opens);
    cinema.buy(show, &ann, "k1", "paid").await;
    let session = cinema.play(show, &ann).await.body["id"].as_str().unwrap().to_owned();
    let bought = explain(format!("&territory=CN&at={}", opens + HOUR * 48 - MS)).await;
    assert_eq!((&bought["allow"], &bought["via"], &bought["rule"]), (&json!(true), &json!("grant"), &json!("grant")));
    assert!(steps(&bought).iter().all(|(check, outcome)| {
        *outcome == if ["membership", "free"].contains(&check.as_str()) { "skip" } else { "pass" }
    }));
    assert_eq!(explain(format!("&territory=CN&at={}", opens + HOUR * 48)).await["code"], "RENTAL_EXPIRED");
    let path = format!("/operator/playback-sessions/{session}/explain");
    assert_eq!(shown(&cinema, &path).await["allow"], true);
    assert_eq!(shown(&cinema, &format!("{path}?territory=DE")).await["code"], "GEO_NOT_LICENSED");
    cinema
        .post(&format!("/operator/playback-sessions/{session}/revoke"), &cinema.operator, json!({"reason": "x"}))
        .await;
    let revoked = shown(&cinema, &path).await;
    assert_eq!((&revoked["code"], &revoked["rule"]), (&json!("SESSION_REVOKED"), &json!("session")));
    let unknown = cinema.get("/operator/explain?title_id=ttl_00000000000000000000000000", &cinema.operator).await;
    assert_eq!((unknown.status, unknown.code()), (StatusCode::NOT_FOUND, "TITLE_NOT_FOUND"));
}
