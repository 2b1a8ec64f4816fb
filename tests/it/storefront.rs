//! Two brands on one server: what the host says where nothing else places an address, and where it does not matter.

use marquee::base::id::StorefrontId;
use marquee::catalog::storefront::Storefront;
use marquee::rights::avail::LicenseType;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::server::{HOUR, Server};

const ABROAD: &str = "abroad.localhost";

/// A brand that takes strangers to be in China, and one abroad that takes them to be in the United States.
async fn open_storefronts(server: &Server) {
    let territory = |code: &str| Some(code.parse().unwrap());
    let home = Storefront { default_territory: territory("CN"), version: 2, ..Storefront::first() };
    server.app.db.update_storefront(&home, server.now()).await.unwrap();
    let abroad = Storefront {
        id: StorefrontId::new(server.now()),
        slug: "abroad".into(),
        hosts: vec![ABROAD.into()],
        default_territory: territory("US"),
        is_default: false,
        version: 1,
        ..Storefront::first()
    };
    server.app.db.insert_storefront(&abroad, None, server.now()).await.unwrap();
    server.app.follower.announce().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_nothing_places_is_where_the_storefront_says_for_pages_and_for_media() {
    let server = Server::start_with(|config| {
        config.place.country_header = None;
        config.place.default_territory = Some("DE".parse().unwrap());
    })
    .await;
    let title = server.title(server.asset().await).await;
    server.avail(title, LicenseType::Avod, None).await;
    let ask = async |host: &str, path: &str| {
        let request = server.client.get(format!("{}{path}", server.base)).header("host", host);
        server.send(request).await
    };
    assert_eq!(ask("films.example", "/api/v1/storefront").await.json()["territory"], "DE", "no storefront says");
    open_storefronts(&server).await;
    for (host, territory) in [
        ("films.example", "CN"),
        ("abroad.localhost", "US"),
        ("abroad.localhost:8080", "US"),
        ("ABROAD.localhost:1", "US"),
    ] {
        assert_eq!(ask(host, "/api/v1/storefront").await.json()["territory"], territory, "{host}");
        assert_eq!(ask(host, "/api/v1/me").await.json()["territory"], territory, "{host}");
    }
    let open = async |host: &str| {
        let request = server.client.post(format!("{}/api/v1/playback-sessions", server.base)).header("host", host);
        server.send(request.json(&json!({"title_id": title}))).await
    };
    let refused = open(ABROAD).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::FORBIDDEN, "GEO_NOT_LICENSED"));
    let session = open("films.example").await;
    assert_eq!(session.status, StatusCode::CREATED, "{}", session.text());
    let playlist = session.json()["playback_url"].as_str().unwrap().to_owned();
    assert_eq!(ask("films.example", &playlist).await.status, StatusCode::OK);
    let refused = ask(ABROAD, &playlist).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::FORBIDDEN, "GEO_NOT_LICENSED"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_placed_is_where_it_is_whatever_the_host() {
    let server = Server::start().await;
    open_storefronts(&server).await;
    let ask = async |country: Option<&str>| {
        let request = server.client.get(format!("{}/api/v1/me", server.base)).header("host", ABROAD);
        let request = match country {
            Some(country) => request.header("x-country", country),
            None => request,
        };
        server.send(request).await.json()["territory"].clone()
    };
    assert_eq!(ask(Some("CN")).await, "CN");
    assert_eq!(ask(Some("XX")).await, json!(null), "a proxy that does not know is not overruled");
    assert_eq!(ask(None).await, "US");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_membership_that_is_ended_early_ends_its_playback_at_the_next_request() {
    let server = Server::start().await;
    let title = server.title(server.asset().await).await;
    server.avail(title, LicenseType::Svod, None).await;
    let (ann, ben) = (server.member("ann", server.now() + HOUR).await, server.member("ben", server.now() + HOUR).await);
    let (anns, bens) = (server.play(&ann, title).await, server.play(&ben, title).await);
    assert_eq!(server.get(&anns).await.status, StatusCode::OK);
    let membership = server.app.db.memberships(ann.id, false).await.unwrap().remove(0);
    let path = format!("/api/v1/operator/memberships/{}/end", membership.id);
    let request = server.request(Method::POST, &path).bearer_auth(&server.operator);
    let ended = server.send(request.json(&json!({"reason": "asked for it"}))).await;
    assert_eq!(ended.status, StatusCode::OK, "{}", ended.text());
    let refused = server.get(&anns).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::FORBIDDEN, "MEMBERSHIP_REQUIRED"));
    assert_eq!(server.get(&bens).await.status, StatusCode::OK, "nobody else's");
    server.stop().await;
}
