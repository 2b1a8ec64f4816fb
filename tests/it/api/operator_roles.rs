//! Every route of operators × every role. The statuses are written by hand; a new route fails the test until it is
//! listed. What a role may not is refused before anything else is looked at, so no row needs anything to exist: what is
//! allowed goes on to find that there is nothing (404), or that the body is empty (422).

use std::collections::BTreeSet;

use axum::body::Body;
use http::{Method, StatusCode};
use marquee::store::db::operator::Role;
use serde_json::json;

use super::cinema::Cinema;
use super::console::owner;
use super::people::invite;

/// Owner, operator, finance, read only.
type Statuses = [u16; 4];

const READ: Statuses = [200; 4];
const READ_NOTHING: Statuses = [404; 4];

const TABLE: &[(&str, &str, Statuses)] = &[
    ("post", "/welcome/check", [422; 4]),
    ("post", "/welcome", [422; 4]),
    ("post", "/sign-in", [422; 4]),
    ("get", "/me", READ),
    ("patch", "/me", [422; 4]),
    ("post", "/me/password", [422; 4]),
    ("get", "/operators", [200, 403, 403, 403]),
    ("post", "/operators", [422, 403, 403, 403]),
    ("patch", "/operators/{id}", [404, 403, 403, 403]),
    ("post", "/operators/{id}/link", [404, 403, 403, 403]),
    ("get", "/tokens", [200, 403, 403, 403]),
    ("post", "/tokens", [422, 403, 403, 403]),
    ("delete", "/tokens/{id}", [404, 403, 403, 403]),
    ("get", "/settings", [200, 403, 403, 403]),
    ("get", "/audit", READ),
    ("get", "/titles", READ),
    ("post", "/titles", [422, 422, 403, 403]),
    ("get", "/titles/{id}", READ_NOTHING),
    ("patch", "/titles/{id}", [404, 404, 403, 403]),
    ("get", "/titles/{id}/avails", READ_NOTHING),
    ("post", "/titles/{id}/avails", [422, 422, 403, 403]),
    ("post", "/titles/{id}/avails/check", [422, 422, 403, 403]),
    // JSON is no picture.
    ("post", "/titles/{id}/poster", [415, 415, 403, 403]),
    ("get", "/titles/{id}/licence", READ_NOTHING),
    ("put", "/titles/{id}/licence", [422, 422, 403, 403]),
    ("delete", "/titles/{id}/licence", [404, 404, 403, 403]),
    ("post", "/titles/{id}/release-dates", [422, 422, 403, 403]),
    ("get", "/territory-zones", READ),
    ("get", "/titles/{id}/compliance", READ_NOTHING),
    ("post", "/titles/{id}/compliance", [422, 422, 403, 403]),
    ("post", "/titles/{id}/plan", [404, 404, 403, 403]),
    ("post", "/titles/{id}/plan/explain", [422; 4]),
    ("get", "/titles/{id}/avails.xml", READ_NOTHING),
    // JSON is no document.
    ("post", "/avails/import", [415, 415, 403, 403]),
    ("get", "/parties", READ),
    ("post", "/parties", [422, 422, 403, 403]),
    ("patch", "/parties/{id}", [404, 404, 403, 403]),
    ("get", "/deals", READ),
    ("get", "/titles/{id}/deals", READ_NOTHING),
    ("post", "/titles/{id}/deals", [422, 422, 403, 403]),
    ("patch", "/deals/{id}", [404, 404, 403, 403]),
    ("delete", "/deals/{id}", [404, 404, 403, 403]),
    ("post", "/deals/{id}/revoke", [422, 422, 403, 403]),
    ("put", "/deals/{id}/package-key", [422, 422, 403, 403]),
    ("get", "/deals/{id}/package-key", READ_NOTHING),
    ("get", "/deals/{id}/deliveries", READ_NOTHING),
    ("post", "/deals/{id}/deliveries", [422, 422, 403, 403]),
    ("post", "/deliveries/{id}/recall", [422, 422, 403, 403]),
    ("post", "/deliveries/{id}/answer", [422, 422, 403, 403]),
    ("get", "/licence-thresholds", READ),
    ("get", "/outages", READ),
    ("post", "/outages", [422, 422, 403, 403]),
    ("get", "/titles/{id}/screeners", READ_NOTHING),
    ("post", "/titles/{id}/screeners", [422, 422, 403, 403]),
    ("post", "/screeners/{id}/revoke", [422, 422, 403, 403]),
    ("get", "/viewers/{id}/screeners", READ_NOTHING),
    ("get", "/titles/{id}/holdbacks", READ_NOTHING),
    ("post", "/titles/{id}/holdbacks", [422, 422, 403, 403]),
    ("delete", "/holdbacks/{id}", [404, 404, 403, 403]),
    ("patch", "/avails/{id}", [404, 404, 403, 403]),
    ("delete", "/avails/{id}", [404, 404, 403, 403]),
    ("get", "/avails/{id}/offers", READ_NOTHING),
    ("post", "/avails/{id}/offers", [422, 422, 403, 403]),
    ("post", "/offers/{id}/withdraw", [404, 404, 403, 403]),
    ("put", "/viewers/{id}/home", [422, 422, 403, 403]),
    ("delete", "/viewers/{id}/home", [404, 404, 403, 403]),
    ("get", "/products", READ),
    ("post", "/products", [422, 422, 403, 403]),
    ("post", "/products/{id}/withdraw", [404, 404, 403, 403]),
    ("get", "/coupons", READ),
    ("post", "/coupons", [422, 422, 403, 403]),
    ("post", "/coupons/{id}/void", [404, 404, 403, 403]),
    ("get", "/plans", READ),
    ("post", "/plans", [422, 422, 403, 403]),
    ("get", "/memberships", READ),
    ("post", "/memberships", [422, 422, 403, 403]),
    ("post", "/memberships/{id}/end", [422, 422, 403, 403]),
    ("get", "/storefronts", READ),
    ("post", "/storefronts", [422, 422, 403, 403]),
    ("get", "/storefronts/{id}", READ_NOTHING),
    ("patch", "/storefronts/{id}", [404, 404, 403, 403]),
    ("get", "/voucher-batches", READ),
    ("post", "/voucher-batches", [422, 422, 403, 403]),
    ("post", "/voucher-batches/{id}/void", [404, 404, 403, 403]),
    ("get", "/viewers", READ),
    ("get", "/viewers/{id}", READ_NOTHING),
    ("post", "/viewers/{id}/lock/reset", [422, 422, 403, 403]),
    ("get", "/viewers/{id}/wallet", READ_NOTHING),
    ("post", "/viewers/{id}/coin-lots", [422, 403, 422, 403]),
    ("post", "/coin-lots/{id}/void", [422, 403, 422, 403]),
    ("post", "/viewers/{id}/rewards", [422, 422, 403, 403]),
    ("get", "/ledger", [200, 403, 200, 403]),
    ("get", "/purchases", READ),
    ("get", "/purchases/{id}", READ_NOTHING),
    ("post", "/purchases/{id}/refunds", [422, 403, 422, 403]),
    ("get", "/titles/{id}/refunds-due", READ_NOTHING),
    ("post", "/titles/{id}/refunds-due", [404, 403, 404, 403]),
    ("post", "/grants/{id}/revoke", [422, 422, 403, 403]),
    ("get", "/playback-sessions", READ),
    ("post", "/playback-sessions/{id}/revoke", [422, 422, 403, 403]),
    ("get", "/playback-sessions/{id}", READ_NOTHING),
    ("get", "/playback-sessions/{id}/timeline", READ_NOTHING),
    ("get", "/playback-sessions/{id}/explain", READ_NOTHING),
    // They ask for a zone, or a title, and are not given one here.
    ("get", "/board", [400; 4]),
    ("get", "/feed", [400; 4]),
    ("get", "/explain", [400; 4]),
    ("get", "/titles/{id}/sales", [400; 4]),
    ("get", "/titles/{id}/merchandise-clicks", READ_NOTHING),
    ("get", "/series", READ),
    ("post", "/series", [422, 422, 403, 403]),
    ("get", "/series/{id}", READ_NOTHING),
    ("patch", "/series/{id}", [404, 404, 403, 403]),
    ("delete", "/series/{id}", [404, 404, 403, 403]),
    ("get", "/collections", READ),
    ("post", "/collections", [422, 422, 403, 403]),
    ("get", "/collections/{id}", READ_NOTHING),
    ("patch", "/collections/{id}", [404, 404, 403, 403]),
    ("delete", "/collections/{id}", [404, 404, 403, 403]),
    ("get", "/placement-blocks", READ),
    ("put", "/placement-blocks", [422, 422, 403, 403]),
    ("get", "/titles/{id}/campaigns", READ_NOTHING),
    ("get", "/qoe", READ),
    ("get", "/assets", READ),
    ("get", "/assets/{id}", READ_NOTHING),
    ("get", "/assets/{id}/conformance", READ_NOTHING),
    ("post", "/assets/{id}/excerpt", [422, 422, 403, 403]),
    ("get", "/jobs", READ),
    ("get", "/jobs/{id}", READ_NOTHING),
    ("options", "/uploads", [204; 4]),
    ("get", "/uploads", READ),
    ("post", "/uploads", [201, 201, 403, 403]),
    ("head", "/uploads/{id}", READ_NOTHING),
    ("patch", "/uploads/{id}", [404, 404, 403, 403]),
    ("delete", "/uploads/{id}", [404, 404, 403, 403]),
    // Last: it ends the token that asks.
    ("post", "/sign-out", [204; 4]),
];

const BASE: &str = "/api/v1/operator";

#[test]
fn every_route_of_operators_is_in_the_table() {
    let document = serde_json::to_value(marquee::operator::document()).unwrap();
    let mut routes = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let Some(path) = path.strip_prefix(BASE) else { continue };
        for method in item.as_object().unwrap().keys().filter(|key| *key != "parameters") {
            routes.insert((method.clone(), path.to_owned()));
        }
    }
    let listed = TABLE.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(routes, listed);
}

#[tokio::test]
async fn every_role_gets_what_the_table_says() {
    let cinema = Cinema::open().await;
    let mut tokens = Vec::new();
    for role in Role::HOUSE {
        tokens.push((role, cinema.operator_token(role).await));
    }
    let mut wrong = Vec::new();
    for (method, route, expected) in TABLE {
        let path = format!("{BASE}{}", route.replace("{id}", &nothing(route)));
        for ((role, token), expected) in tokens.iter().zip(*expected) {
            let request = cinema.request(method.to_uppercase().parse::<Method>().unwrap(), &path, token);
            let request = request.header("idempotency-key", format!("{role:?}{route}"));
            let request = request.header("tus-resumable", "1.0.0").header("upload-length", "9");
            let request = request.header("upload-offset", "0");
            let is_upload = route.starts_with("/uploads/");
            let content_type = if is_upload { "application/offset+octet-stream" } else { "application/json" };
            let body = Body::from(json!({}).to_string());
            let answer = cinema.send(request.header("content-type", content_type).body(body).unwrap()).await;
            let status = answer.status.as_u16();
            if status != expected {
                wrong.push(format!("{role:?} {method} {route}: {status} {} and not {expected}", answer.code()));
            }
            if status == 403 {
                assert_eq!(answer.code(), "ROLE_REQUIRED", "{role:?} {method} {route}");
                let would_do = Role::parse(answer.body["role"].as_str().unwrap()).unwrap();
                assert!(!role.covers(would_do), "{role:?} {method} {route}");
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// At the console's door they are let in, and to themselves.
const OPEN_TO_ALL: [&str; 7] =
    ["/welcome/check", "/welcome", "/sign-in", "/sign-out", "/me", "/me/password", "options /uploads"];

#[tokio::test]
async fn people_of_other_parties_reach_nothing_of_the_house() {
    let cinema = Cinema::open().await;
    let owner = owner(&cinema).await;
    let circuit = owner.post("/operator/parties", json!({"name": "横店院线", "kind": "circuit"})).await.body;
    let (_, browser) = invite(&cinema, &owner, "hao", json!({"role": "party", "party_id": circuit["id"]})).await;
    for (method, route, of_owner) in TABLE {
        if *route == "/sign-out" {
            continue;
        }
        let path = format!("{BASE}{}", route.replace("{id}", &nothing(route)));
        let path = path.trim_start_matches("/api/v1");
        let answer = browser.send(method.to_uppercase().parse::<Method>().unwrap(), path, json!({})).await;
        let is_open = OPEN_TO_ALL.contains(route) || OPEN_TO_ALL.contains(&format!("{method} {route}").as_str());
        let expected = if is_open { of_owner[0] } else { 403 };
        assert_eq!(answer.status.as_u16(), expected, "{method} {route} {}", answer.body);
        assert!(is_open || *method == "head" || answer.code() == "ROLE_REQUIRED", "{method} {route}");
    }
    // Of viewers it is nobody.
    assert_eq!(browser.get("/purchases").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_program_that_may_less_does_not_rename_its_operator() {
    let cinema = Cinema::open().await;
    let name = async || cinema.get("/operator/me", &cinema.operator).await.body["operator"]["name"].clone();
    let before = name().await;
    let less = cinema.operator_token(Role::ReadOnly).await;
    let refused = cinema.patch("/operator/me", &less, json!({"name": "Somebody else"})).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::FORBIDDEN, "ROLE_REQUIRED"));
    assert_eq!(name().await, before);
    let whole = cinema.operator_token(Role::Owner).await;
    assert_eq!(cinema.patch("/operator/me", &whole, json!({"name": "Itself"})).await.status, StatusCode::OK);
}

/// An id of the right kind that is nothing's.
fn nothing(route: &str) -> String {
    let prefix = match route.split('/').nth(1).unwrap() {
        "titles" => "ttl",
        "avails" => "avl",
        "purchases" => "pur",
        "grants" => "gra",
        "playback-sessions" => "ses",
        "assets" => "ast",
        "jobs" => "job",
        "uploads" => "upl",
        "operators" => "opr",
        "tokens" => "tok",
        // The id of all zeros is that of the first storefront.
        "storefronts" => return "sfr_0000000000000000000000000z".into(),
        "parties" => "par",
        "deals" => "dea",
        "deliveries" => "dlv",
        "series" => "ser",
        "collections" => "col",
        "screeners" => "scr",
        "coin-lots" => "lot",
        "voucher-batches" => "vba",
        "offers" => "off",
        "products" => "prd",
        "coupons" => "cpn",
        "viewers" => "vwr",
        "memberships" => "mem",
        _ => "nix",
    };
    format!("{prefix}_00000000000000000000000000")
}
