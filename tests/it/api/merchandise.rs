//! Merchandise: what a title's page shows of it, the way into the shop, and who counts.

use http::StatusCode;
use serde_json::json;

use super::cinema::Cinema;

#[tokio::test]
async fn a_click_leads_to_the_shop_and_is_counted() {
    let cinema = Cinema::open().await;
    let show = cinema.premiere().await;
    let path = format!("/operator/titles/{}", show.title);
    let article = |url: &str, part: u32| {
        json!({"sku": "MUG-1", "name": {"en": "A mug", "zh-CN": "马克杯"}, "price": {"amount": 4900, "currency": "CNY"},
            "url": url, "cues": [{"part": part, "at_ms": 1_000}]})
    };
    for wrong in [article("http://shop.example/mug", 1), article("https://shop.example/mug", 2)] {
        let refused = cinema.patch(&path, &cinema.operator, json!({"merchandise": [wrong]})).await;
        assert_eq!((refused.code(), &refused.body["param"]), ("TITLE_INVALID", &json!("merchandise")));
    }
    let edit = json!({"merchandise": [article("https://shop.example/mug?a=1", 1)]});
    let edited = cinema.patch(&path, &cinema.operator, edit.clone()).await;
    assert_eq!((edited.status, &edited.body["merchandise"]), (StatusCode::OK, &edit["merchandise"]));
    let page = cinema.get(&format!("/titles/{}", show.title), "").await.body;
    let shown = &page["merchandise"][0];
    assert_eq!((&shown["sku"], &shown["cues"]), (&json!("MUG-1"), &json!([{"part": 1, "at_ms": 1_000}])));
    let go = shown["go_url"].as_str().unwrap().strip_prefix("/api/v1").unwrap().to_owned();
    let from = format!("https://shop.example/mug?a=1&utm_source=marquee&utm_content={}", show.title);
    for (query, link) in [
        ("", from.clone()),
        ("?campaign=spring", format!("{from}&utm_campaign=spring")),
        ("?campaign=%0d%0aSet-Cookie", from.clone()),
    ] {
        let answer = cinema.get(&format!("{go}{query}"), "").await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, &*link), "{query}");
    }
    let none = cinema.get(&go.replace("MUG-1", "CAP"), "").await;
    assert_eq!((none.status, none.code()), (StatusCode::NOT_FOUND, "MERCHANDISE_NOT_FOUND"));
    let clicks = cinema.get(&format!("{path}/merchandise-clicks"), &cinema.operator).await.body;
    let day = "2027-01-15T00:00:00.000Z";
    assert_eq!(
        clicks,
        json!([{"day": day, "sku": "MUG-1", "campaign": null, "clicks": 2},
            {"day": day, "sku": "MUG-1", "campaign": "spring", "clicks": 1}])
    );
    // Of a draft nobody is told anything.
    cinema.patch(&path, &cinema.operator, json!({"status": "draft"})).await;
    assert_eq!(cinema.get(&go, "").await.code(), "TITLE_NOT_FOUND");
}
