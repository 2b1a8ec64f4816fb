//! What every answer has in common: problems, headers, pages, metrics.

use std::time::Duration;

use axum::body::Body;
use http::{Method, Request, StatusCode};
use marquee::catalog::title::TitleStatus;
use serde_json::json;

use super::cinema::Cinema;

#[tokio::test]
async fn every_refusal_is_a_problem_with_its_request_id() {
    let cinema = Cinema::open().await;
    let ann = cinema.guest("ann").await;
    let json_type = ("content-type", "application/json");
    let post = |path: &str, (name, value): (&str, &str), body: Vec<u8>| {
        cinema.request(Method::POST, path, &ann.token).header(name, value).body(Body::from(body)).unwrap()
    };
    let get = |path: &str| cinema.request(Method::GET, path, &ann.token).body(Body::empty()).unwrap();
    let big = format!(r#"{{"email":"{}"}}"#, "x".repeat(70_000)).into_bytes();
    let unknown = br#"{"email":"a@b.c","password":"12345678","admin":true}"#.to_vec();
    let cases = [
        (get("/nowhere"), 404, "ROUTE_NOT_FOUND", None),
        (cinema.request(Method::PUT, "/titles", "").body(Body::empty()).unwrap(), 405, "METHOD_NOT_ALLOWED", None),
        (post("/viewers", json_type, b"{".to_vec()), 400, "JSON_INVALID", None),
        (post("/viewers", json_type, unknown), 422, "FIELD_INVALID", Some("admin")),
        (post("/viewers", json_type, b"{}".to_vec()), 422, "FIELD_INVALID", Some("email")),
        (
            post("/viewers", ("content-type", "text/plain"), b"{}".to_vec()),
            415,
            "CONTENT_TYPE_UNSUPPORTED",
            Some("Content-Type"),
        ),
        (post("/viewers", json_type, big), 413, "BODY_TOO_LARGE", None),
        (get("/titles/nonsense"), 404, "NOT_FOUND", None),
        (get("/titles?limit=0"), 400, "LIMIT_INVALID", Some("limit")),
        (get("/titles?limit=x"), 400, "QUERY_INVALID", None),
        (get("/titles?color=red"), 400, "QUERY_INVALID", None),
        (get("/titles?cursor=!"), 400, "CURSOR_INVALID", Some("cursor")),
    ];
    for (request, status, code, param) in cases {
        let what = format!("{} {}", request.method(), request.uri());
        let answer = cinema.send(request).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (status, code), "{what}: {}", answer.body);
        assert_eq!(answer.body["param"].as_str(), param, "{what}");
        assert_eq!(answer.body["status"], status, "{what}");
        assert_eq!(answer.body["request_id"], answer.header("x-request-id"), "{what}");
        assert!(answer.header("x-request-id").starts_with("req_"), "{what}");
        assert_eq!(answer.header("content-type"), "application/problem+json", "{what}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{what}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{what}");
        assert_eq!(answer.header("cache-control"), "no-store", "{what}");
        if status == 405 {
            assert_eq!(answer.header("allow"), "GET,HEAD");
        }
    }
}

#[tokio::test]
async fn lists_come_in_pages() {
    let cinema = Cinema::open().await;
    let ann = cinema.guest("ann").await;
    let mut titles = Vec::new();
    for key in 0..5 {
        cinema.sim.advance(Duration::from_millis(1));
        let show = cinema.premiere().await;
        titles.push(json!(show.title));
        assert_eq!(cinema.buy(show, &ann, &format!("k{key}"), "paid").await.status, StatusCode::CREATED);
    }
    for (path, token, expected) in [
        ("/titles", "", titles.iter().rev().cloned().collect()),
        ("/purchases", ann.token.as_str(), titles.iter().rev().cloned().collect()),
        ("/grants", ann.token.as_str(), titles.clone()),
        ("/operator/titles", cinema.operator.as_str(), titles.clone()),
        ("/operator/purchases", cinema.operator.as_str(), titles.iter().rev().cloned().collect()),
    ] {
        let (mut seen, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let page = cinema.get(&format!("{path}?limit=2{cursor}"), token).await;
            assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.body);
            for row in page.body["data"].as_array().unwrap() {
                seen.push(row.get("title_id").unwrap_or(&row["id"]).clone());
            }
            pages += 1;
            match page.body["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!((seen, pages), (expected, 3), "{path}");
    }
}

#[tokio::test]
async fn a_title_is_listed_as_its_status_says() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    let path = format!("/titles/{}", show.title);
    let mut etag = cinema.get(&format!("/operator{path}"), &cinema.operator).await.header("etag").to_owned();
    for (status, listed, code) in [
        (TitleStatus::Draft, 0, "TITLE_NOT_FOUND"),
        (TitleStatus::Suspended, 1, "-"),
        (TitleStatus::Withdrawn, 0, "TITLE_WITHDRAWN"),
        (TitleStatus::Live, 1, "-"),
    ] {
        let edit = |etag: &str| {
            let request = cinema.request(Method::PATCH, &format!("/operator{path}"), &cinema.operator);
            let request = request.header("if-match", etag).header("content-type", "application/json");
            cinema.send(request.body(json!({"status": status}).to_string().into()).unwrap())
        };
        let edited = edit(&etag).await;
        assert_eq!(edited.status, StatusCode::OK, "{}", edited.body);
        let conflict = edit(&etag).await;
        assert_eq!((conflict.status, conflict.code()), (StatusCode::PRECONDITION_FAILED, "VERSION_CONFLICT"));
        etag = edited.header("etag").to_owned();
        assert_eq!(cinema.get("/titles", "").await.body["data"].as_array().unwrap().len(), listed, "{status:?}");
        let shown = cinema.get(&path, "").await;
        assert_eq!(shown.code(), code);
        let poster = cinema.get(&format!("{path}/poster.jpg"), "").await;
        assert_eq!(poster.code(), code);
        if status == TitleStatus::Suspended {
            assert_eq!(shown.body["decision"]["code"], "TITLE_SUSPENDED");
        }
    }
    let poster = cinema.get(&format!("{path}/poster.jpg"), "").await;
    let asset = cinema.api.db.title(show.title).await.unwrap().unwrap().parts[0];
    let picture = json!(format!("assets/{asset}/poster.jpg"));
    assert_eq!((poster.header("content-type"), &poster.body), ("image/jpeg", &picture));
    let known = cinema.request(Method::GET, &format!("{path}/poster.jpg"), "");
    let known = known.header("if-none-match", poster.header("etag")).body(Body::empty()).unwrap();
    assert_eq!(cinema.send(known).await.status, StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn an_operator_builds_a_premiere_and_the_log_tells_how() {
    let cinema = Cinema::open().await;
    let post = |path: String, body| async move {
        let answer = cinema.post_with_key(&path, &cinema.operator, Some(&path), body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{path}: {}", answer.body);
        (answer.body["id"].as_str().unwrap().to_owned(), cinema)
    };
    let title = json!({"name": {"zh-CN": "片名", "en": "A Film"}, "status": "live", "country": "NL"});
    let (title_id, cinema) = post("/operator/titles".into(), title).await;
    let shown = cinema.get(&format!("/titles/{title_id}"), "").await;
    assert_eq!(shown.body["decision"]["code"], "TITLE_SUSPENDED", "its film has not arrived");
    let parts = json!({"assets": [cinema.asset().await.id]}).to_string();
    let edit = cinema.request(Method::PATCH, &format!("/operator/titles/{title_id}"), &cinema.operator);
    let edit = edit.header("content-type", "application/json").body(parts.into()).unwrap();
    assert_eq!(cinema.send(edit).await.status, StatusCode::OK);
    let avail = json!({"license_type": "vod", "description": "PVOD", "territories": {"include": ["CN"]},
        "start_at": "2027-01-15T20:00:00+08:00", "end_at": "2027-01-29T20:00:00+08:00", "zone": "Asia/Shanghai"});
    let key = "avail";
    let path = format!("/operator/titles/{title_id}/avails");
    let first = cinema.post_with_key(&path, &cinema.operator, Some(key), avail.clone()).await;
    let again = cinema.post_with_key(&path, &cinema.operator, Some(key), avail).await;
    assert_eq!((again.status, &again.body), (StatusCode::CREATED, &first.body));
    assert_eq!(first.body["start_at"], "2027-01-15T12:00:00.000Z");
    let path = format!("/operator/avails/{}/offers", first.body["id"].as_str().unwrap());
    let offer = json!({"kind": "pvod", "list_price": {"amount": 1800, "currency": "CNY"},
        "member_price": {"amount": 900, "currency": "CNY"}, "clock": {"on_purchase": {"watch_s": 172_800}}});
    let offer = cinema.post(&path, &cinema.operator, offer).await;
    assert_eq!((offer.status, &offer.body["streams"]), (StatusCode::CREATED, &json!(1)), "{}", offer.body);
    let ann = cinema.guest("ann").await;
    let plan = cinema.post("/operator/plans", &cinema.operator, json!({"name": "Member", "streams": 2})).await;
    let membership = json!({"viewer_id": ann.id, "plan_id": plan.body["id"], "ends_at": "2028-01-01T00:00:00Z"});
    let membership = cinema.post("/operator/memberships", &cinema.operator, membership).await;
    assert_eq!(membership.status, StatusCode::CREATED, "{}", membership.body);

    let shown = cinema.get(&format!("/titles/{title_id}"), &ann.token).await;
    assert_eq!(shown.body["state"], "for_sale");
    assert_eq!(
        shown.body["offers"][0],
        json!({"id": offer.body["id"], "kind": "pvod", "price": {"amount": 900, "currency": "CNY"},
            "list_price": {"amount": 1800, "currency": "CNY"}, "member_price": {"amount": 900, "currency": "CNY"},
            "watch_hours": 48.0, "until_members": false, "start_within_days": null, "opens_at": "2027-01-15T12:00:00.000Z",
            "closes_at": "2027-01-29T12:00:00.000Z", "on_sale": true, "presale": false, "presale_from_at": null,
            "available_at": "2027-01-15T12:00:00.000Z"})
    );
    assert_eq!(cinema.get("/me", &ann.token).await.body["viewer"]["membership_ends_at"], "2028-01-01T00:00:00.000Z");
    let lines = cinema.api.db.audit_lines(0, 20).await.unwrap();
    let actions: Vec<_> = lines.iter().map(|line| line.line.action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "operator.create",
            "title.create",
            "title.edit",
            "avail.create",
            "offer.create",
            "plan.create",
            "membership.create"
        ]
    );
}

#[tokio::test]
async fn the_process_says_how_it_is() {
    let cinema = Cinema::open().await;
    let ann = cinema.guest("ann").await;
    cinema.play(cinema.premiere().await, &ann).await;
    let get = |path: &str| cinema.send(Request::get(path).body(Body::empty()).unwrap());
    assert_eq!(get("/livez").await.status, StatusCode::OK);
    let ready = get("/readyz?verbose").await;
    assert_eq!((ready.status, ready.body["checks"].as_array().unwrap().len()), (StatusCode::OK, 5));
    assert_eq!(get("/readyz").await.body, json!({"ready": true}));
    let metrics = get("/metrics").await;
    let text = metrics.body.as_str().unwrap();
    for line in [
        r#"marquee_denials_total{code="PAYMENT_REQUIRED"} 1"#,
        r#"marquee_http_requests_total{route="/api/v1/playback-sessions",status="4xx"} 1"#,
        "marquee_follower_silence_seconds 0.0",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert!(!text.contains(&ann.id.to_string()));
    let document = get("/openapi.json").await;
    assert_eq!(document.body["openapi"], "3.1.0");
}
