//! One catalogue under two brands.

use axum::body::Body;
use http::{Method, StatusCode};
use marquee::base::id::{AvailId, OfferId};
use marquee::base::money::{Currency, Money};
use marquee::base::territory::TerritorySet;
use marquee::rights::avail::{Avail, LicenseType};
use marquee::rights::grant::GrantClock;
use marquee::rights::offer::{Offer, OfferKind};
use marquee::rights::window::Window;
use serde_json::{Value, json};

use super::cinema::{Answer, Cinema, HOUR, Show, order};

const ABROAD: &str = "abroad.example";

async fn open_abroad(cinema: &Cinema) -> Value {
    let made = cinema
        .post(
            "/operator/storefronts",
            &cinema.operator,
            json!({"slug": "abroad", "name": {"en": "Abroad"}, "hosts": [ABROAD], "languages": ["en"], "currency": "USD",
                "territories": {"exclude": ["CN"]}, "default_territory": "US", "accent": "#2f6fb0", "theme": "dark"}),
        )
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    made.body
}

/// Also on sale in the United States, for dollars.
async fn sell_in_us(cinema: &Cinema, show: Show) -> OfferId {
    let now = cinema.now();
    let window = Window { start_at: now, end_at: Some(now + HOUR * 336), zone: "UTC".into() };
    let avail = Avail {
        id: AvailId::new(now),
        title_id: show.title,
        license_type: LicenseType::Vod,
        description: None,
        territories: TerritorySet::of(["US".parse().unwrap()]),
        window,
        hard_end_at: None,
        caps: None,
    };
    cinema.api.db.insert_avail(&avail, None, now).await.unwrap();
    let offer = Offer {
        id: OfferId::new(now),
        title_id: show.title,
        avail_id: avail.id,
        kind: OfferKind::Rental,
        list_price: Money::new(399, Currency::USD),
        member_price: None,
        clock: GrantClock::OnPurchase { watch_ms: 3_600_000 },
        streams: 1,
        presale_from_at: None,
        sales_cutoff_ms: 0,
        withdrawn_at: None,
    };
    cinema.api.db.insert_offer(&offer, None, now).await.unwrap();
    cinema.api.follower.announce().await;
    offer.id
}

async fn ask(cinema: &Cinema, host: &str, territory: Option<&str>, path: &str) -> Value {
    let mut request = cinema.request(Method::GET, path, "").body(Body::empty()).unwrap();
    request.headers_mut().insert("host", host.parse().unwrap());
    let response = cinema.send_from(request, "203.0.113.7", territory).await;
    assert_eq!(response.status(), StatusCode::OK, "{host} {path}");
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

fn ids(list: &Value) -> Vec<&str> {
    list["data"].as_array().unwrap().iter().map(|title| title["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_request_is_for_the_storefront_that_names_its_host() {
    let cinema = Cinema::open().await;
    open_abroad(&cinema).await;
    for (host, slug) in [
        ("abroad.example", "abroad"),
        ("ABROAD.example:8443", "abroad"),
        ("films.example", "marquee"),
        ("abroad.example.evil.example", "marquee"),
    ] {
        assert_eq!(ask(&cinema, host, Some("CN"), "/storefront").await["slug"], slug, "{host}");
        assert_eq!(ask(&cinema, host, Some("CN"), "/me").await["storefront"], slug, "{host}");
    }
    let here = ask(&cinema, "abroad.example:8443", Some("CN"), "/storefront").await;
    assert_eq!(
        here,
        json!({"slug": "abroad", "name": {"en": "Abroad"}, "tagline": {}, "languages": ["en"], "currency": "USD",
            "accent": "#2f6fb0", "theme": "dark", "territory": "CN", "serves_here": false,
            "others": [{"name": {"en": "Marquee", "zh-CN": "Marquee"}, "url": null}], "livemode": false,
            "payment_methods": ["sandbox"]})
    );
    let home = ask(&cinema, "films.example", None, "/storefront").await;
    assert_eq!((&home["territory"], &home["serves_here"]), (&json!(null), &json!(false)));
    assert_eq!(home["others"], json!([]), "nobody knows who would serve an unknown territory");

    // Where the home storefront does not serve, the other one is named, at the port that was asked.
    let narrow = cinema
        .patch(
            "/operator/storefronts/sfr_00000000000000000000000000",
            &cinema.operator,
            json!({"territories": {"include": ["CN"]}}),
        )
        .await;
    assert_eq!(narrow.status, StatusCode::OK);
    let away = ask(&cinema, "films.example:8080", Some("DE"), "/storefront").await;
    assert_eq!(away["others"], json!([{"name": {"en": "Abroad"}, "url": "//abroad.example:8080/"}]));
}

#[tokio::test]
async fn a_storefront_lists_what_is_on_in_its_territories_and_sells_in_its_currency() {
    let cinema = Cinema::open().await;
    open_abroad(&cinema).await;
    let (both, home_only) = (cinema.premiere().await, cinema.premiere().await);
    let usd = sell_in_us(&cinema, both).await;
    let (both_id, home_id) = (both.title.to_string(), home_only.title.to_string());

    let home = ask(&cinema, "films.example", Some("CN"), "/titles").await;
    let mut listed = ids(&home);
    listed.sort_unstable();
    let mut all = vec![both_id.as_str(), home_id.as_str()];
    all.sort_unstable();
    assert_eq!(listed, all);
    let abroad = ask(&cinema, ABROAD, Some("US"), "/titles").await;
    assert_eq!(ids(&abroad), [both_id.as_str()]);
    assert_eq!(abroad["data"][0]["offers"][0]["id"], json!(usd));
    assert_eq!(abroad["data"][0]["state"], "for_sale");

    // A Chinese visitor of the storefront abroad sees the title, and nothing that is sold for yuan.
    let title = ask(&cinema, ABROAD, Some("CN"), &format!("/titles/{both_id}")).await;
    assert_eq!(title["offers"], json!([]));
    assert_eq!(title["decision"]["next"], json!([]));
    assert_eq!(title["state"], "not_available");
    let hidden = ask(&cinema, ABROAD, Some("US"), &format!("/titles/{home_id}")).await;
    assert_eq!(hidden["id"], json!(home_id), "a title that is not on the wall still has its page");
}

#[tokio::test]
async fn a_window_leaves_the_wall_when_it_closes_and_what_was_bought_stays_on_it() {
    let cinema = Cinema::open().await;
    let now = cinema.now();
    let clock = GrantClock::OnPurchase { watch_ms: 48 * 3_600_000 };
    let show = cinema.show(LicenseType::Vod, now, now + HOUR, clock).await;
    let (ann, ben) = (cinema.guest("ann").await, cinema.guest("ben").await);
    assert_eq!(cinema.buy(show, &ann, "k", "paid").await.status, StatusCode::CREATED);
    for (ms, on_show) in [(-1, 1), (0, 0), (1, 0)] {
        cinema.sim.advance_to(marquee::base::clock::UtcMs((now + HOUR).0 + ms));
        let wall = cinema.get("/titles", &ben.token).await;
        assert_eq!(wall.body["data"].as_array().unwrap().len(), on_show, "{ms}");
        assert_eq!(cinema.get("/titles", &ann.token).await.body["data"][0]["state"], "acquired");
    }
}

#[tokio::test]
async fn an_offer_is_bought_where_its_currency_is_and_the_purchase_says_where() {
    let cinema = Cinema::open().await;
    let made = open_abroad(&cinema).await;
    let show = cinema.premiere().await;
    let usd = Show { offer: sell_in_us(&cinema, show).await, ..show };
    let ann = cinema.guest("ann").await;
    let buy = async |host: &str, territory: &str, show: Show, key: &str| -> Answer {
        let request = cinema.request(Method::POST, "/purchases", &ann.token).header("content-type", "application/json");
        let request = request.header("idempotency-key", key);
        let mut request = request.body(Body::from(order(show, "paid").to_string())).unwrap();
        request.headers_mut().insert("host", host.parse().unwrap());
        let response = cinema.send_from(request, "203.0.113.7", Some(territory)).await;
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, body: serde_json::from_slice(&bytes).unwrap() }
    };
    let refused = buy("films.example", "US", usd, "k1").await;
    assert_eq!((refused.status, refused.code()), (StatusCode::NOT_FOUND, "OFFER_NOT_FOUND"));
    let refused = buy(ABROAD, "CN", show, "k2").await;
    assert_eq!((refused.status, refused.code()), (StatusCode::NOT_FOUND, "OFFER_NOT_FOUND"));
    let bought = buy(ABROAD, "US", usd, "k3").await;
    assert_eq!(bought.status, StatusCode::CREATED, "{}", bought.body);
    let id = bought.body["id"].as_str().unwrap().parse().unwrap();
    let purchase = cinema.api.db.purchase(id).await.unwrap().unwrap();
    assert_eq!(json!(purchase.storefront_id), made["id"]);
    let rows = cinema.get("/operator/purchases", &cinema.operator).await;
    assert_eq!(rows.body["data"][0]["storefront_slug"], "abroad");
}

#[tokio::test]
async fn a_storefront_is_edited_at_the_version_that_was_read() {
    let cinema = Cinema::open().await;
    let made = open_abroad(&cinema).await;
    let path = format!("/operator/storefronts/{}", made["id"].as_str().unwrap());
    let edit = async |version: &str, body: Value| {
        let request = cinema.request(Method::PATCH, &path, &cinema.operator).header("if-match", version);
        cinema
            .send(request.header("content-type", "application/json").body(Body::from(body.to_string())).unwrap())
            .await
    };
    let edited = edit("\"1\"", json!({"accent": "#000000", "default_territory": null})).await;
    assert_eq!((edited.status, edited.header("etag")), (StatusCode::OK, "\"2\""), "{}", edited.body);
    assert_eq!((&edited.body["accent"], &edited.body["default_territory"]), (&json!("#000000"), &json!(null)));
    assert_eq!(edited.body["hosts"], json!([ABROAD]), "what is not named stays");
    let stale = edit("\"1\"", json!({"accent": "#111111"})).await;
    assert_eq!((stale.status, stale.code()), (StatusCode::PRECONDITION_FAILED, "VERSION_CONFLICT"));
    for (body, status, code) in [
        (json!({"accent": "red"}), StatusCode::UNPROCESSABLE_ENTITY, "STOREFRONT_INVALID"),
        (json!({"hosts": ["A.example"]}), StatusCode::UNPROCESSABLE_ENTITY, "STOREFRONT_INVALID"),
        (json!({"colour": "#111111"}), StatusCode::UNPROCESSABLE_ENTITY, "FIELD_INVALID"),
        (json!({"slug": "marquee"}), StatusCode::CONFLICT, "SLUG_TAKEN"),
    ] {
        let refused = edit("*", body.clone()).await;
        assert_eq!((refused.status, refused.code()), (status, code), "{body}");
    }
    let default = "/operator/storefronts/sfr_00000000000000000000000000";
    let refused = cinema.patch(default, &cinema.operator, json!({"is_default": false})).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "DEFAULT_NEEDED"));
    let moved = edit("*", json!({"is_default": true})).await;
    assert_eq!(moved.body["is_default"], true);
    assert_eq!(cinema.get(default, &cinema.operator).await.body["is_default"], false);
    assert_eq!(ask(&cinema, "films.example", Some("CN"), "/storefront").await["slug"], "abroad");
    let lines = cinema.api.db.audit_lines(0, 100).await.unwrap();
    let edits = lines.iter().filter(|line| line.line.action == "storefront.edit").count();
    assert_eq!(edits, 2, "what was refused is no write");
}
