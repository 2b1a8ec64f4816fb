//! Sales, viewers, members and the journal, as the console reads them.

use std::time::Duration;

use http::{Method, StatusCode};
use marquee::rights::avail::LicenseType;
use marquee::rights::denial::DenialCode;
use marquee::rights::grant::GrantClock;
use serde_json::{Value, json};

use super::cinema::{Cinema, HOUR};

fn ids(list: &Value) -> Vec<&str> {
    list["data"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_receipt_says_what_was_bought_and_what_became_of_it() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    let ann = cinema.guest("ann").await;
    let bought = cinema.buy(show, &ann, "k", "paid").await.body;
    assert_eq!(bought["title"]["name"], json!({"en": "A Film"}));
    assert_eq!(bought["title"]["poster_url"], json!(format!("/api/v1/titles/{}/poster.jpg", show.title)));
    assert_eq!((&bought["offer_kind"], &bought["is_member_price"]), (&json!("pvod"), &json!(false)));
    assert_eq!(bought["list_price"], json!({"amount": 1800, "currency": "CNY"}));
    assert_eq!((&bought["number"], &bought["provider"]), (&bought["id"], &json!("sandbox")));
    assert_eq!((&bought["payment"], &bought["refunded_at"]), (&json!(null), &json!(null)));
    let listed = cinema.get("/purchases", &ann.token).await.body;
    assert_eq!(listed["data"][0], bought, "the list says as much");

    cinema.sim.advance(Duration::from_secs(60));
    let path = format!("/operator/purchases/{}/refunds", bought["id"].as_str().unwrap());
    cinema.post_with_key(&path, &cinema.operator, Some("r"), json!({"reason": "It stuttered."})).await;
    let listed = cinema.get("/purchases", &ann.token).await.body;
    assert_eq!(listed["data"][0]["status"], "refunded");
    assert_eq!(listed["data"][0]["refunded_at"], "2027-01-15T12:01:00.000Z");
    assert_eq!(listed["data"][0]["refund_reason"], "It stuttered.");
    assert_eq!(listed["data"][0]["paid_at"], bought["paid_at"]);
    assert_eq!(listed["data"][0]["grant"]["phase"], "revoked");
}

#[tokio::test]
async fn purchases_are_filtered_and_paged() {
    let cinema = Cinema::open().await;
    let (show, other) = (cinema.premiere().await, cinema.premiere().await);
    let (ann, ben) = (cinema.guest("ann").await, cinema.guest("ben").await);
    let first = cinema.buy(show, &ann, "k1", "paid").await.body;
    cinema.sim.advance(HOUR);
    let second = cinema.buy(show, &ben, "k1", "pending").await.body;
    cinema.sim.advance(HOUR);
    let third = cinema.buy(other, &ben, "k2", "paid").await.body;
    let [first, second, third] = [first, second, third].map(|body| body["id"].as_str().unwrap().to_owned());
    let list = async |query: &str| {
        let answer = cinema.get(&format!("/operator/purchases{query}"), &cinema.operator).await;
        assert_eq!(answer.status, StatusCode::OK, "{query}: {}", answer.body);
        answer.body
    };
    for (query, expected) in [
        (String::new(), vec![&third, &second, &first]),
        ("?status=pending".into(), vec![&second]),
        (format!("?title_id={}", other.title), vec![&third]),
        (format!("?viewer={}", ben.id), vec![&third, &second]),
        ("?viewer=BEN@films.example".into(), vec![&third, &second]),
        ("?viewer=ben".into(), vec![]),
        ("?query=be".into(), vec![&third, &second]),
        (format!("?query={}", &first[..28]), vec![&first]),
        ("?from=2027-01-15T13:00:00Z".into(), vec![&third, &second]),
        ("?from=2027-01-15T13:00:00.001Z".into(), vec![&third]),
        ("?to=2027-01-15T13:00:00Z".into(), vec![&first]),
        ("?to=2027-01-15T13:00:00.001Z&status=paid".into(), vec![&first]),
    ] {
        assert_eq!(ids(&list(&query).await), expected, "{query}");
    }
    let row = list("?status=paid&query=ann").await["data"][0].clone();
    assert_eq!((&row["viewer_email"], &row["name"]), (&json!("ann@films.example"), &json!({"en": "A Film"})));
    assert_eq!((&row["territory"], &row["storefront_slug"]), (&json!("CN"), &json!("marquee")));
    let page = list("?limit=1&query=ben").await;
    assert_eq!(ids(&page), [third.as_str()]);
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = list(&format!("?limit=1&query=ben&cursor={cursor}")).await;
    assert_eq!((ids(&rest), &rest["next_cursor"]), (vec![second.as_str()], &json!(null)));
    for wrong in ["?status=lost", "?viewers=x", "?from=yesterday", &format!("?query={}", "x".repeat(255))] {
        let refused = cinema.get(&format!("/operator/purchases{wrong}"), &cinema.operator).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::BAD_REQUEST, "QUERY_INVALID"), "{wrong}");
    }
}

#[tokio::test]
async fn a_purchase_tells_its_story_in_order() {
    let cinema = Cinema::open().await;
    let now = cinema.now();
    let clock = GrantClock::OnFirstPlay { start_within_ms: 86_400_000, watch_ms: 172_800_000 };
    let show = cinema.show(LicenseType::Vod, now, now + HOUR * 24, clock).await;
    let ann = cinema.guest("ann").await;
    let bought = cinema.buy(show, &ann, "k", "paid").await.body;
    let id = bought["id"].as_str().unwrap();
    cinema.sim.advance(HOUR);
    let session = cinema.play(show, &ann).await.body;
    let grant = bought["grant"]["id"].as_str().unwrap().parse().unwrap();
    cinema.api.db.start_clock(grant, cinema.now()).await.unwrap();
    cinema.sim.advance(HOUR);
    let path = format!("/operator/purchases/{id}");
    let (refunds, reason) = (format!("{path}/refunds"), json!({"reason": "x"}));
    let refund = cinema.post_with_key(&refunds, &cinema.operator, Some("r"), reason).await.body;
    let detail = cinema.get(&path, &cinema.operator).await.body;
    let events: Vec<_> = detail["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| (event["kind"].as_str().unwrap(), &event["at"].as_str().unwrap()[11..16]))
        .collect();
    assert_eq!(
        events,
        [
            ("begun", "12:00"),
            ("paid", "12:00"),
            ("grant", "12:00"),
            ("first_play", "13:00"),
            ("refund", "14:00"),
            ("grant_revoked", "14:00")
        ]
    );
    assert_eq!(detail["refund"], refund);
    assert_eq!(detail["viewer"]["email"], "ann@films.example");
    assert_eq!(detail["offer"]["id"], json!(show.offer));
    assert_eq!(detail["grants"][0]["phase"], "revoked");
    assert_eq!(detail["sessions"][0]["id"], session["id"]);
    let ledger = cinema.get("/operator/ledger", &cinema.operator).await.body;
    assert_eq!(detail["entries"], ledger["data"]);
    assert_eq!(
        (&ledger["data"][1]["kind"], &ledger["data"][1]["reverses"]),
        (&json!("refund"), &ledger["data"][0]["id"])
    );
    assert_eq!(
        ledger["data"][0]["postings"][0],
        json!({"account": "provider:sandbox", "amount": 1800, "currency": "CNY"})
    );
    let chained = cinema.api.db.entries(0, 9).await.unwrap();
    assert_eq!(ledger["data"][1]["hash"], chained[1].hash.to_string());
    let page = cinema.get("/operator/ledger?limit=1", &cinema.operator).await.body;
    assert_eq!(page["next_cursor"], "1");
    let rest = cinema.get("/operator/ledger?limit=1&after=1", &cinema.operator).await.body;
    assert_eq!((&rest["data"][0]["position"], &rest["next_cursor"]), (&json!(2), &json!(null)));
    let missing = cinema.get("/operator/purchases/pur_00000000000000000000000000", &cinema.operator).await;
    assert_eq!((missing.status, missing.code()), (StatusCode::NOT_FOUND, "PURCHASE_NOT_FOUND"));
}

#[tokio::test]
async fn a_viewer_is_found_by_address_and_shown_whole() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    let (ann, _ben) = (cinema.guest("ann").await, cinema.guest("ben").await);
    cinema.buy(show, &ann, "k", "paid").await;
    let plan = cinema.post("/operator/plans", &cinema.operator, json!({"name": "Gold", "streams": 2})).await.body;
    let by_email = json!({"email": "ANN@films.example", "plan_id": plan["id"], "ends_at": cinema.now() + HOUR});
    let joined = cinema.post("/operator/memberships", &cinema.operator, by_email).await;
    assert_eq!(joined.status, StatusCode::CREATED, "{}", joined.body);
    assert_eq!((&joined.body["viewer_id"], &joined.body["active"]), (&json!(ann.id), &json!(true)));
    for (body, code) in [
        (json!({"plan_id": plan["id"], "ends_at": cinema.now() + HOUR}), "FIELD_INVALID"),
        (
            json!({"viewer_id": ann.id, "email": "ann@films.example", "plan_id": plan["id"], "ends_at": cinema.now()}),
            "FIELD_INVALID",
        ),
        (json!({"email": "x@y", "plan_id": plan["id"], "ends_at": cinema.now() + HOUR}), "VIEWER_NOT_FOUND"),
    ] {
        let refused = cinema.post("/operator/memberships", &cinema.operator, body).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::UNPROCESSABLE_ENTITY, code));
    }
    let found = cinema.get("/operator/viewers?query=AN", &cinema.operator).await.body;
    assert_eq!(ids(&found), [ann.id.to_string()]);
    let row = &found["data"][0];
    assert_eq!((&row["member"], &row["purchases"]), (&json!(true), &json!(1)));
    assert_eq!(row["spent"], json!([{"amount": 1800, "currency": "CNY"}]));
    assert_eq!(cinema.get("/operator/viewers", &cinema.operator).await.body["data"].as_array().unwrap().len(), 2);
    let shown = cinema.get(&format!("/operator/viewers/{}", ann.id), &cinema.operator).await.body;
    assert_eq!((&shown["sign_ins"], &shown["purchase_count"]), (&json!(1), &json!(1)));
    assert_eq!(shown["memberships"][0]["plan_name"], "Gold");
    assert_eq!(shown["grants"][0]["title"]["id"], json!(show.title));
    assert_eq!(shown["purchases"][0]["status"], "paid");
    let missing = cinema.get("/operator/viewers/vwr_00000000000000000000000000", &cinema.operator).await;
    assert_eq!((missing.status, missing.code()), (StatusCode::NOT_FOUND, "VIEWER_NOT_FOUND"));
}

#[tokio::test]
async fn a_membership_that_is_ended_early_opens_nothing_more() {
    let cinema = Cinema::open().await;
    let now = cinema.now();
    let clock = GrantClock::OnPurchase { watch_ms: 1 };
    let show = cinema.show(LicenseType::Svod, now, now + HOUR * 24, clock).await;
    let ann = cinema.guest("ann").await;
    let plan = cinema.post("/operator/plans", &cinema.operator, json!({"name": "Gold", "streams": 2})).await.body;
    let body = json!({"viewer_id": ann.id, "plan_id": plan["id"], "ends_at": now + HOUR});
    let joined = cinema.post("/operator/memberships", &cinema.operator, body).await.body;
    let session = cinema.play(show, &ann).await;
    assert_eq!(session.status, StatusCode::CREATED, "{}", session.body);
    let live = cinema.api.sessions.find(session.body["id"].as_str().unwrap().parse().unwrap()).await.unwrap().unwrap();
    let check = || cinema.api.sessions.check(&live, Some("CN".parse().unwrap()), cinema.now());
    assert_eq!(check(), Ok(()));
    let path = format!("/operator/memberships/{}/end", joined["id"].as_str().unwrap());
    let refused = cinema.post(&path, &cinema.operator, json!({"reason": " "})).await;
    assert_eq!(refused.code(), "REASON_INVALID");
    let ended = cinema.post(&path, &cinema.operator, json!({"reason": "asked for it"})).await;
    assert_eq!((ended.status, &ended.body["active"]), (StatusCode::OK, &json!(false)));
    assert_eq!(check().map_err(DenialCode::as_str), Err("MEMBERSHIP_REQUIRED"), "at once, without a tail");
    assert_eq!(cinema.play(show, &ann).await.code(), "MEMBERSHIP_REQUIRED");
    cinema.sim.advance(HOUR / 2);
    assert_eq!(
        cinema.post(&path, &cinema.operator, json!({"reason": "again"})).await.body["ended_at"],
        ended.body["ended_at"]
    );
    for (query, count) in [("", 1), ("?active=true", 0), ("?active=false", 1)] {
        let list = cinema.get(&format!("/operator/memberships{query}"), &cinema.operator).await.body;
        assert_eq!(list["data"].as_array().unwrap().len(), count, "{query}");
    }
    let lines = cinema.api.db.audit_lines(0, 100).await.unwrap();
    assert_eq!(lines.iter().filter(|line| line.line.action == "membership.end").count(), 1);
    let request = cinema.request(Method::GET, "/me", &ann.token).body(axum::body::Body::empty()).unwrap();
    assert_eq!(cinema.send(request).await.body["viewer"]["member"], false);
}
