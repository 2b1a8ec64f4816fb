//! Every route × every kind of caller. The statuses are written by hand; a new route fails the test until it is listed.

use std::collections::BTreeSet;

use axum::body::Body;
use http::{Method, Request};
use marquee::store::db::job::UploadRole;
use serde_json::{Value, json};

use super::cinema::{BASE, Cinema};

/// Nobody, the viewer whose things they are, another viewer, an operator.
type Statuses = [u16; 4];

/// In this order: what is made by one line may be ended by a later one.
const TABLE: &[(&str, &str, Statuses)] = &[
    ("post", "/api/v1/viewers", [201, 409, 409, 409]),
    ("post", "/api/v1/sign-in", [200, 200, 200, 200]),
    ("get", "/api/v1/me", [200, 200, 200, 200]),
    ("patch", "/api/v1/me", [401, 200, 200, 403]),
    ("post", "/api/v1/me/password", [401, 422, 422, 403]),
    ("get", "/api/v1/me/sign-ins", [401, 200, 200, 403]),
    ("delete", "/api/v1/me/sign-ins/{id}", [401, 404, 404, 403]),
    ("get", "/api/v1/me/playback-sessions", [401, 200, 200, 403]),
    ("get", "/api/v1/me/membership", [401, 200, 200, 403]),
    ("get", "/api/v1/me/invitations", [401, 200, 200, 403]),
    ("get", "/api/v1/me/lock", [401, 200, 200, 403]),
    ("put", "/api/v1/me/lock", [401, 422, 422, 403]),
    ("post", "/api/v1/me/lock/remove", [401, 204, 204, 403]),
    ("put", "/api/v1/progress/{title_id}", [401, 204, 204, 403]),
    ("delete", "/api/v1/progress/{title_id}", [401, 204, 204, 403]),
    ("get", "/api/v1/titles", [200, 200, 200, 200]),
    ("get", "/api/v1/titles/{id}", [200, 200, 200, 200]),
    ("get", "/api/v1/storefront", [200, 200, 200, 200]),
    ("get", "/api/v1/titles/{id}/poster.jpg", [200, 200, 200, 200]),
    ("get", "/api/v1/titles/{id}/merchandise/{sku}/go", [404, 404, 404, 404]),
    ("get", "/api/v1/purchases", [401, 200, 200, 403]),
    ("get", "/api/v1/purchases/{id}", [401, 200, 404, 403]),
    ("get", "/api/v1/grants", [401, 200, 200, 403]),
    ("post", "/api/v1/purchases", [401, 409, 201, 403]),
    ("post", "/api/v1/playback-sessions", [403, 201, 201, 403]),
    ("get", "/api/v1/playback-sessions/{id}/events", [404, 200, 404, 200]),
    ("get", "/api/v1/sandbox/payments/{id}", [404, 404, 404, 404]),
    ("post", "/api/v1/sandbox/payments/{id}", [404, 404, 404, 404]),
    ("get", "/api/v1/products", [200, 200, 200, 200]),
    ("post", "/api/v1/quotes", [401, 409, 409, 403]),
    ("post", "/api/v1/vouchers/redeem", [401, 404, 404, 403]),
    ("get", "/api/v1/me/wallet", [401, 200, 200, 403]),
    ("patch", "/api/v1/me/wallet", [401, 200, 200, 403]),
    ("post", "/api/v1/unlocks", [401, 409, 409, 403]),
    ("post", "/api/v1/playback-sessions/{id}/telemetry", [404, 202, 404, 404]),
    ("post", "/api/v1/cmcd", [204, 204, 204, 204]),
    ("get", "/api/v1/operator/playback-sessions/{id}", [401, 403, 403, 200]),
    ("get", "/api/v1/operator/playback-sessions/{id}/timeline", [401, 403, 403, 200]),
    ("get", "/api/v1/operator/playback-sessions/{id}/explain", [401, 403, 403, 200]),
    ("get", "/api/v1/operator/explain", [401, 403, 403, 200]),
    ("get", "/api/v1/operator/qoe", [401, 403, 403, 200]),
    ("get", "/api/v1/operator/board", [401, 403, 403, 200]),
    ("get", "/api/v1/operator/feed", [401, 403, 403, 200]),
    ("get", "/api/v1/operator/titles/{id}/sales", [401, 403, 403, 200]),
    ("get", "/api/v1/operator/titles/{id}/merchandise-clicks", [401, 403, 403, 200]),
    ("get", "/api/v1/series/{id}", [404, 404, 404, 404]),
    ("get", "/api/v1/collections", [200, 200, 200, 200]),
    ("get", "/api/v1/collections/{id}", [404, 404, 404, 404]),
    ("get", "/api/v1/operator/collections", [401, 403, 403, 200]),
    ("post", "/api/v1/operator/collections", [401, 403, 403, 201]),
    ("get", "/api/v1/operator/collections/{id}", [401, 403, 403, 404]),
    ("patch", "/api/v1/operator/collections/{id}", [401, 403, 403, 404]),
    ("delete", "/api/v1/operator/collections/{id}", [401, 403, 403, 404]),
    ("get", "/api/v1/operator/series", [401, 403, 403, 200]),
    ("post", "/api/v1/operator/series", [401, 403, 403, 201]),
    ("get", "/api/v1/operator/series/{id}", [401, 403, 403, 404]),
    ("patch", "/api/v1/operator/series/{id}", [401, 403, 403, 404]),
    ("delete", "/api/v1/operator/series/{id}", [401, 403, 403, 404]),
    ("get", "/api/v1/operator/placement-blocks", [401, 403, 403, 200]),
    ("put", "/api/v1/operator/placement-blocks", [401, 403, 403, 422]),
    ("get", "/api/v1/operator/titles/{id}/campaigns", [401, 403, 403, 200]),
    ("post", "/api/v1/payments/{provider}/callback", [401, 401, 401, 401]),
    ("post", "/api/v1/operator/welcome/check", [422, 422, 422, 422]),
    ("post", "/api/v1/operator/welcome", [422, 422, 422, 422]),
    ("post", "/api/v1/operator/sign-in", [422, 422, 422, 422]),
    ("get", "/api/v1/operator/me", [401, 403, 403, 200]),
    ("patch", "/api/v1/operator/me", [401, 403, 403, 422]),
    ("post", "/api/v1/operator/me/password", [401, 403, 403, 422]),
    ("get", "/api/v1/operator/operators", [401, 403, 403, 200]),
    ("post", "/api/v1/operator/operators", [401, 403, 403, 422]),
    ("patch", "/api/v1/operator/operators/{id}", [401, 403, 403, 404]),
    ("post", "/api/v1/operator/operators/{id}/link", [401, 403, 403, 404]),
    ("get", "/api/v1/operator/tokens", [401, 403, 403, 200]),
    ("post", "/api/v1/operator/tokens", [401, 403, 403, 422]),
    ("delete", "/api/v1/operator/tokens/{id}", [401, 403, 403, 404]),
    ("get", "/api/v1/operator/settings", [401, 403, 403, 200]),
    ("get", "/api/v1/operator/audit", [401, 403, 403, 200]),
    ("get", "/api/v1/operator/titles", [401, 403, 403, 200]),
    ("post", "/api/v1/operator/titles", [401, 403, 403, 201]),
    ("get", "/api/v1/operator/titles/{id}", [401, 403, 403, 200]),
    ("patch", "/api/v1/operator/titles/{id}", [401, 403, 403, 200]),
    ("post", "/api/v1/operator/titles/{id}/poster", [401, 403, 403, 415]),
    ("put", "/api/v1/operator/titles/{id}/licence", [401, 403, 403, 200]),
    ("get", "/api/v1/operator/titles/{id}/licence", [401, 403, 403, 200]),
    ("delete", "/api/v1/operator/titles/{id}/licence", [401, 403, 403, 204]),
    ("post", "/api/v1/operator/titles/{id}/release-dates", [401, 403, 403, 422]),
    ("get", "/api/v1/operator/territory-zones", [401, 403, 403, 200]),
    ("get", "/api/v1/operator/titles/{id}/compliance", [401, 403, 403, 200]),
    ("post", "/api/v1/operator/titles/{id}/compliance", [401, 403, 403, 409]),
    ("get", "/api/v1/operator/licence-thresholds", [401, 403, 403, 200]),
    ("post", "/api/v1/operator/titles/{id}/plan", [401, 403, 403, 200]),
    ("post", "/api/v1/operator/titles/{id}/plan/explain", [401, 403, 403, 200]),
    ("get", "/api/v1/operator/titles/{id}/avails.xml", [401, 403, 403, 200]),
    ("post", "/api/v1/operator/avails/import", [401, 403, 403, 415]),
    ("get", "/api/v1/operator/titles/{id}/refunds-due", [401, 403, 403, 200]),
    ("post", "/api/v1/operator/titles/{id}/refunds-due", [401, 403, 403, 200]),
    ("get", "/api/v1/operator/parties", [401, 403, 403, 200]),
    ("post", "/api/v1/operator/parties", [401, 403, 403, 201]),
    ("patch", "/api/v1/operator/parties/{id}", [401, 403, 403, 404]),
    ("get", "/api/v1/operator/deals", [401, 403, 403, 200]),
    ("get", "/api/v1/operator/titles/{id}/deals", [401, 403, 403, 200]),
    ("post", "/api/v1/operator/titles/{id}/deals", [401, 403, 403, 422]),
    ("patch", "/api/v1/operator/deals/{id}", [401, 403, 403, 404]),
    ("delete", "/api/v1/operator/deals/{id}", [401, 403, 403, 404]),
    ("post", "/api/v1/operator/deals/{id}/revoke", [401, 403, 403, 404]),
    ("get", "/api/v1/operator/titles/{id}/screeners", [401, 403, 403, 200]),
    ("post", "/api/v1/operator/titles/{id}/screeners", [401, 403, 403, 422]),
    ("post", "/api/v1/operator/screeners/{id}/revoke", [401, 403, 403, 404]),
    ("get", "/api/v1/operator/viewers/{id}/screeners", [401, 403, 403, 200]),
    // None of them is a partner.
    ("post", "/api/v1/partner/playback-sessions", [401, 401, 401, 401]),
    ("get", "/api/v1/partner/deals", [401, 401, 401, 401]),
    ("get", "/api/v1/partner/deals/{id}", [401, 401, 401, 401]),
    ("get", "/api/v1/partner/titles", [401, 401, 401, 401]),
    ("get", "/api/v1/partner/titles/{id}", [401, 401, 401, 401]),
    ("get", "/api/v1/partner/titles/{id}/sales", [401, 401, 401, 401]),
    ("get", "/api/v1/partner/voucher-batches", [401, 401, 401, 401]),
    ("post", "/api/v1/partner/premieres", [401, 401, 401, 401]),
    ("get", "/api/v1/partner/deals/{id}/package-key", [401, 401, 401, 401]),
    ("get", "/api/v1/partner/outages", [401, 401, 401, 401]),
    ("get", "/api/v1/partner/deals/{id}/deliveries", [401, 401, 401, 401]),
    ("post", "/api/v1/partner/deals/{id}/deliveries/{delivery_id}/answer", [401, 401, 401, 401]),
    ("get", "/api/v1/operator/deals/{id}/deliveries", [401, 403, 403, 404]),
    ("post", "/api/v1/operator/deals/{id}/deliveries", [401, 403, 403, 404]),
    ("post", "/api/v1/operator/deliveries/{id}/recall", [401, 403, 403, 404]),
    ("post", "/api/v1/operator/deliveries/{id}/answer", [401, 403, 403, 404]),
    ("get", "/api/v1/operator/outages", [401, 403, 403, 200]),
    ("post", "/api/v1/operator/outages", [401, 403, 403, 422]),
    ("put", "/api/v1/operator/deals/{id}/package-key", [401, 403, 403, 404]),
    ("get", "/api/v1/operator/deals/{id}/package-key", [401, 403, 403, 404]),
    ("get", "/api/v1/operator/titles/{id}/holdbacks", [401, 403, 403, 200]),
    ("post", "/api/v1/operator/titles/{id}/holdbacks", [401, 403, 403, 422]),
    ("delete", "/api/v1/operator/holdbacks/{id}", [401, 403, 403, 404]),
    ("post", "/api/v1/operator/titles/{id}/avails/check", [401, 403, 403, 200]),
    ("get", "/api/v1/operator/titles/{id}/avails", [401, 403, 403, 200]),
    ("post", "/api/v1/operator/titles/{id}/avails", [401, 403, 403, 201]),
    ("patch", "/api/v1/operator/avails/{id}", [401, 403, 403, 200]),
    ("get", "/api/v1/operator/avails/{id}/offers", [401, 403, 403, 200]),
    ("post", "/api/v1/operator/avails/{id}/offers", [401, 403, 403, 201]),
    ("delete", "/api/v1/operator/avails/{id}", [401, 403, 403, 409]),
    ("post", "/api/v1/operator/offers/{id}/withdraw", [401, 403, 403, 200]),
    ("put", "/api/v1/operator/viewers/{id}/home", [401, 403, 403, 200]),
    ("delete", "/api/v1/operator/viewers/{id}/home", [401, 403, 403, 204]),
    ("get", "/api/v1/operator/products", [401, 403, 403, 200]),
    ("post", "/api/v1/operator/products", [401, 403, 403, 201]),
    ("post", "/api/v1/operator/products/{id}/withdraw", [401, 403, 403, 404]),
    ("get", "/api/v1/operator/coupons", [401, 403, 403, 200]),
    ("post", "/api/v1/operator/coupons", [401, 403, 403, 201]),
    ("post", "/api/v1/operator/coupons/{id}/void", [401, 403, 403, 404]),
    ("get", "/api/v1/operator/plans", [401, 403, 403, 200]),
    ("post", "/api/v1/operator/plans", [401, 403, 403, 201]),
    ("get", "/api/v1/operator/memberships", [401, 403, 403, 200]),
    ("post", "/api/v1/operator/memberships", [401, 403, 403, 422]),
    ("post", "/api/v1/operator/memberships/{id}/end", [401, 403, 403, 404]),
    ("get", "/api/v1/operator/purchases", [401, 403, 403, 200]),
    ("get", "/api/v1/operator/purchases/{id}", [401, 403, 403, 200]),
    ("get", "/api/v1/operator/viewers", [401, 403, 403, 200]),
    ("get", "/api/v1/operator/viewers/{id}", [401, 403, 403, 200]),
    ("post", "/api/v1/operator/viewers/{id}/lock/reset", [401, 403, 403, 204]),
    ("get", "/api/v1/operator/viewers/{id}/wallet", [401, 403, 403, 200]),
    ("post", "/api/v1/operator/viewers/{id}/coin-lots", [401, 403, 403, 201]),
    ("post", "/api/v1/operator/coin-lots/{id}/void", [401, 403, 403, 404]),
    ("post", "/api/v1/operator/viewers/{id}/rewards", [401, 403, 403, 409]),
    ("get", "/api/v1/operator/ledger", [401, 403, 403, 200]),
    ("get", "/api/v1/operator/voucher-batches", [401, 403, 403, 200]),
    ("post", "/api/v1/operator/voucher-batches", [401, 403, 403, 201]),
    ("post", "/api/v1/operator/voucher-batches/{id}/void", [401, 403, 403, 404]),
    ("get", "/api/v1/operator/storefronts", [401, 403, 403, 200]),
    ("post", "/api/v1/operator/storefronts", [401, 403, 403, 201]),
    ("get", "/api/v1/operator/storefronts/{id}", [401, 403, 403, 200]),
    ("patch", "/api/v1/operator/storefronts/{id}", [401, 403, 403, 200]),
    ("get", "/api/v1/operator/playback-sessions", [401, 403, 403, 200]),
    ("get", "/api/v1/operator/assets", [401, 403, 403, 200]),
    ("get", "/api/v1/operator/assets/{id}", [401, 403, 403, 200]),
    ("get", "/api/v1/operator/assets/{id}/conformance", [401, 403, 403, 404]),
    ("post", "/api/v1/operator/assets/{id}/excerpt", [401, 403, 403, 404]),
    ("get", "/api/v1/operator/jobs", [401, 403, 403, 200]),
    ("get", "/api/v1/operator/jobs/{id}", [401, 403, 403, 404]),
    ("options", "/api/v1/operator/uploads", [204, 204, 204, 204]),
    ("get", "/api/v1/operator/uploads", [401, 403, 403, 200]),
    ("post", "/api/v1/operator/uploads", [401, 403, 403, 201]),
    ("head", "/api/v1/operator/uploads/{id}", [401, 403, 403, 204]),
    ("patch", "/api/v1/operator/uploads/{id}", [401, 403, 403, 204]),
    ("delete", "/api/v1/operator/uploads/{id}", [401, 403, 403, 204]),
    ("delete", "/api/v1/playback-sessions/{id}", [404, 204, 404, 204]),
    ("post", "/api/v1/operator/playback-sessions/{id}/revoke", [401, 403, 403, 204]),
    ("post", "/api/v1/operator/grants/{id}/revoke", [401, 403, 403, 200]),
    ("post", "/api/v1/operator/purchases/{id}/refunds", [401, 403, 403, 201]),
    ("post", "/api/v1/operator/sign-out", [204, 403, 403, 204]),
    // The operator's token is over by now.
    ("post", "/api/v1/sign-out", [204, 204, 204, 401]),
    ("get", "/livez", [200, 200, 200, 200]),
    ("get", "/readyz", [200, 200, 200, 200]),
    ("get", "/metrics", [200, 200, 200, 200]),
];

#[test]
fn every_route_is_in_the_table() {
    let document = serde_json::to_value(marquee::operator::document()).unwrap();
    let mut routes = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys().filter(|key| *key != "parameters") {
            routes.insert((method.clone(), path.clone()));
        }
    }
    let listed = TABLE.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(routes, listed);
}

#[tokio::test]
async fn every_caller_gets_what_the_table_says() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    let (ann, ben) = (cinema.guest("ann").await, cinema.guest("ben").await);
    let bought = cinema.buy(show, &ann, "first", "paid").await.body;
    let session = cinema.play(show, &ann).await.body;
    let asset = cinema.api.db.title(show.title).await.unwrap().unwrap().parts[0];
    let role = UploadRole::Film { beside: Vec::new() };
    let upload = cinema.uploads.create("film".into(), 9, role, None).await.unwrap();
    let marquee::store::db::Written::New(upload) = upload else { panic!("no upload") };
    let id = |path: &str| -> String {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        match path
            .trim_start_matches(BASE)
            .trim_start_matches("/operator/")
            .split('/')
            .find(|part| !part.is_empty())
            .unwrap()
        {
            "titles" | "progress" => show.title.to_string(),
            "avails" => show.avail.to_string(),
            "holdbacks" => show.title.to_string().replace("ttl", "hld"),
            "offers" => show.offer.to_string(),
            "purchases" => text(&bought["id"]),
            "grants" => text(&bought["grant"]["id"]),
            "playback-sessions" => text(&session["id"]),
            "assets" => asset.to_string(),
            "uploads" => upload.id.to_string(),
            "me" | "tokens" => show.title.to_string().replace("ttl", "tok"),
            "operators" => show.title.to_string().replace("ttl", "opr"),
            "jobs" => show.title.to_string().replace("ttl", "job"),
            "viewers" => ann.id.to_string(),
            "storefronts" => marquee::base::id::StorefrontId::FIRST.to_string(),
            "memberships" => show.title.to_string().replace("ttl", "mem"),
            "parties" => show.title.to_string().replace("ttl", "par"),
            "collections" => show.title.to_string().replace("ttl", "col"),
            "series" => show.title.to_string().replace("ttl", "ser"),
            "deals" => show.title.to_string().replace("ttl", "dea"),
            "deliveries" => show.title.to_string().replace("ttl", "dlv"),
            "screeners" => show.title.to_string().replace("ttl", "scr"),
            "coin-lots" => show.title.to_string().replace("ttl", "lot"),
            "partner" => "dea_00000000000000000000000000".into(),
            "products" => show.title.to_string().replace("ttl", "prd"),
            "coupons" => show.title.to_string().replace("ttl", "cpn"),
            "voucher-batches" => show.title.to_string().replace("ttl", "vba"),
            "sandbox" => show.title.to_string().replace("ttl", "pay"),
            other => panic!("no id for {other}"),
        }
    };
    for (method, route, expected) in TABLE {
        let path = if route.contains("id}") {
            route
                .replace("{id}", &id(route))
                .replace("{title_id}", &id(route))
                .replace("{sku}", "MUG")
                .replace("{delivery_id}", "dlv_00000000000000000000000000")
        } else {
            route.replace("{provider}", "sandbox")
        };
        let path = match route.trim_start_matches("/api/v1/operator/") {
            "board" | "feed" | "titles/{id}/sales" => format!("{path}?zone=Asia/Shanghai"),
            "explain" => format!("{path}?title_id={}", show.title),
            _ => path,
        };
        let mut statuses = Vec::new();
        for (who, token) in ["", &ann.token, &ben.token, &cinema.operator].into_iter().enumerate() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let mut request = Request::builder().method(method).uri(&path).header("host", "films.example");
            if !token.is_empty() {
                request = request.header("authorization", format!("Bearer {token}"));
            }
            let key = format!("{who}{route}");
            request = request.header("idempotency-key", key).header("tus-resumable", "1.0.0");
            request = request.header("upload-length", "9").header("upload-offset", "0");
            let request = if route.contains("/uploads/") {
                request.header("content-type", "application/offset+octet-stream").body(Body::from("half"))
            } else {
                request
                    .header("content-type", "application/json")
                    .body(Body::from(body(route, &cinema, &show).to_string()))
            };
            let request = request.unwrap();
            let is_stream = route.ends_with("/events") || route.ends_with("/feed");
            let status =
                if is_stream { cinema.send_raw(request).await.status() } else { cinema.send(request).await.status };
            statuses.push(status.as_u16());
        }
        assert_eq!(statuses, expected, "{method} {route}");
    }
}

fn body(route: &str, cinema: &Cinema, show: &super::cinema::Show) -> Value {
    let reason = json!({"reason": "test"});
    match route.trim_start_matches(BASE) {
        "/viewers" | "/sign-in" => json!({"email": "new@films.example", "password": "correct horse"}),
        "/progress/{title_id}" => json!({"part": 1, "position_ms": 1, "duration_ms": 2}),
        "/purchases" => super::cinema::order(*show, "paid"),
        "/playback-sessions" => json!({"title_id": show.title}),
        "/operator/titles" | "/operator/titles/{id}" => json!({"name": {"en": "Another"}}),
        "/operator/titles/{id}/compliance" => json!({"event": "submit"}),
        "/operator/titles/{id}/licence" => json!({"kind": "theatrical_release", "number": "电审故字〔2023〕第791号"}),
        "/operator/assets/{id}/excerpt" => json!({"length_ms": 1000}),
        "/operator/titles/{id}/avails" | "/operator/titles/{id}/avails/check" => {
            json!({"license_type": "avod", "territories": {"include": ["DE"]},
            "start_at": cinema.now(), "zone": "UTC"})
        }
        "/operator/avails/{id}" => json!({"end_at": null}),
        "/operator/avails/{id}/offers" => json!({"kind": "rental", "list_price": {"amount": 5, "currency": "CNY"},
            "clock": {"on_first_play": {"start_within_s": 60, "watch_s": 60}}}),
        "/operator/collections" => json!({"name": {"en": "Fog week"}, "title_ids": [show.title],
            "start_at": cinema.now(), "zone": "UTC"}),
        "/operator/series" => json!({"name": {"en": "Fog"}}),
        "/operator/titles/{id}/plan/explain" => json!({"plan": {}}),
        "/operator/plans" => json!({"name": "Plan", "streams": 1}),
        "/operator/memberships" => json!({"viewer_id": "vwr_00000000000000000000000000",
            "plan_id": "pln_00000000000000000000000000", "ends_at": "2028-01-01T00:00:00Z"}),
        "/quotes" => json!({"offer_id": show.offer}),
        "/operator/viewers/{id}/home" => json!({"territory": "DE", "means": ["identity_card"]}),
        "/operator/products" => json!({"name": {"en": "Coins"}, "gives": {"kind": "coins", "coins": 1},
            "price": {"amount": 1, "currency": "CNY"}}),
        "/operator/coupons" => json!({"code": "CODE", "off": {"percent": 1}, "ends_at": "2040-01-01T00:00:00Z"}),
        "/sandbox/payments/{id}" => json!({"act": "pay"}),
        "/me/wallet" => json!({"auto_unlock": false}),
        "/operator/deals/{id}/package-key" => json!({"package": "film.tar", "key": "00".repeat(16)}),
        "/operator/deals/{id}/deliveries" => json!({"file_name": "film.mxf", "format": "MXF OP1a",
            "sha256": "00".repeat(32), "size_bytes": 1, "method": "Aspera"}),
        "/operator/deliveries/{id}/answer" => json!({"accepted": true}),
        "/operator/parties" => json!({"name": "Films", "kind": "partner"}),
        "/operator/titles/{id}/deals" => json!({"party_id": "par_00000000000000000000000000",
            "carriage": {"kind": "cinema"}, "territories": {"include": ["DE"]}, "start_at": cinema.now(), "zone": "UTC"}),
        "/partner/premieres" => json!({"deal_id": "dea_00000000000000000000000000", "opened_at": cinema.now()}),
        "/unlocks" => json!({"title_id": show.title, "part": 1, "coins": 60}),
        "/operator/viewers/{id}/coin-lots" => json!({"kind": "bonus", "coins": 1, "note": "test"}),
        "/operator/coin-lots/{id}/void" | "/operator/viewers/{id}/lock/reset" => reason,
        "/operator/viewers/{id}/rewards" => json!({"title_id": show.title, "part": 1, "territory": "CN"}),
        "/vouchers/redeem" => json!({"code": "00000-00000-00000-00000"}),
        "/operator/voucher-batches" => json!({"title_id": show.title, "offer_id": show.offer, "count": 1,
            "expires_at": cinema.now() + super::cinema::HOUR}),
        "/operator/storefronts" => json!({"slug": "another", "name": {"en": "Another"}, "languages": ["en"],
            "currency": "USD", "accent": "#102030"}),
        "/operator/storefronts/{id}" => json!({"theme": "dark"}),
        path if path.ends_with("/end") => reason,
        path if path.ends_with("/telemetry") => json!({"events": []}),
        path if path.ends_with("/revoke") || path.ends_with("/recall") || path.ends_with("/refunds") => reason,
        _ => json!({}),
    }
}
