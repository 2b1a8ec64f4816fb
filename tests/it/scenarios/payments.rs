//! What is asked of a sale near an end: the price when the payment comes, members who get the title soon, and how long before
//! the end of a window it is sold (DOMAIN M1).

use marquee::base::clock::UtcMs;
use marquee::ledger::purchase::ClosedBecause;
use marquee::store::db::commerce::{PurchaseClosed, SandboxAct};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Backend, Sold, Stage, at, code, pvod, window};
use crate::server::{Answer, TestViewer};

const OPENS: &str = "2027-01-15T00:00:00Z";
const LAPSE: &str = "2027-02-10T00:00:00Z";
const CLOSES: &str = "2027-04-01T00:00:00Z";
const DAY_MS: i64 = 24 * 3_600_000;

impl Stage {
    async fn order_for(&self, viewer: &TestViewer, sold: &Sold, outcome: &str) -> Value {
        let order = json!({"offer_id": sold.offer, "payment": {"method": "sandbox", "outcome": outcome}});
        let answer = self.from("CN", &viewer.token, "/purchases", &order).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        answer.json()
    }

    async fn pays(&self, viewer: &TestViewer, pending: &Value) -> Value {
        let payment = pending["payment"]["url"].as_str().unwrap().strip_prefix("/cashier/").unwrap();
        self.from("CN", &viewer.token, &format!("/sandbox/payments/{payment}"), &json!({"act": "pay"})).await;
        self.became(viewer, pending).await
    }

    /// What became of an order, as its viewer sees it.
    async fn became(&self, viewer: &TestViewer, order: &Value) -> Value {
        let path = format!("/purchases/{}", order["id"].as_str().unwrap());
        self.server.api(&viewer.token, &path).await.json()
    }

    async fn members_from(&self, viewer: &TestViewer, what: Value) -> Value {
        let quoted = self.from("CN", &viewer.token, "/quotes", &what).await;
        assert_eq!(quoted.status, StatusCode::OK, "{}", quoted.text());
        quoted.json()["members_from_at"].clone()
    }

    async fn buys_knowing(&self, viewer: &TestViewer, what: (&str, &str), accepted: Value) -> Answer {
        let mut order =
            json!({"payment": {"method": "sandbox", "outcome": "paid"}, "accepted_members_from_at": accepted});
        order[what.0] = json!(what.1);
        self.from("CN", &viewer.token, "/purchases", &order).await
    }
}

/// A payment that is taken a millisecond before the membership lapses is the members' price; one at the lapse is another
/// price than the order's, and goes back. So it is where a membership begins.
pub async fn a_price_is_that_of_whoever_is_a_member_when_it_is_paid(backend: Backend) {
    let stage = Stage::open(backend, OPENS).await;
    let title = stage.title("Harbour of Glass", "NL").await;
    let sold = stage.sell(title, window("vod", &["CN"], OPENS, None), pvod()).await;
    let plan = stage.made("/plans", json!({"name": "plan", "streams": 2})).await;
    let member = async |viewer: &TestViewer, starts_at: &str, ends_at: &str| {
        let body = json!({"viewer_id": viewer.id, "plan_id": plan, "starts_at": starts_at, "ends_at": ends_at});
        stage.made("/memberships", body).await
    };
    let joins = "2027-02-10T00:05:00Z";
    for (begins, ends, turn, ordered, turned) in
        [(OPENS, LAPSE, LAPSE, 900, 1800), (joins, "2028-01-01T00:00:00Z", joins, 1800, 900)]
    {
        let name = |letter: char| format!("{letter}{ordered}");
        let people = [
            stage.server.viewer(&name('a')).await,
            stage.server.viewer(&name('b')).await,
            stage.server.viewer(&name('c')).await,
        ];
        let mut orders = Vec::new();
        stage.server.advance_to(at(turn), -60_000);
        for viewer in people {
            member(&viewer, begins, ends).await;
            let viewer = stage.server.signed_in_again(&viewer).await;
            let pending = stage.order_for(&viewer, &sold, "qr_code").await;
            assert_eq!((&pending["status"], &pending["price"]["amount"]), (&json!("pending"), &json!(ordered)));
            orders.push((viewer, pending));
        }
        for ((offset_ms, is_kept), (viewer, pending)) in [(-1, true), (0, false), (1, false)].into_iter().zip(&orders) {
            stage.server.advance_to(at(turn), offset_ms);
            let became = stage.pays(viewer, pending).await;
            let (status, why) =
                if is_kept { ("paid", Value::Null) } else { ("expired", json!("member_price_changed")) };
            assert_eq!((&became["status"], &became["closed_because"]), (&json!(status), &why), "{offset_ms}");
            let path = format!("/purchases/{}", pending["id"].as_str().unwrap());
            let sale = stage.done(Method::GET, &path, json!({})).await;
            let went_back =
                sale["events"].as_array().unwrap().iter().any(|event| event["kind"] == "late_payment_returned");
            assert_eq!((went_back, &sale["closed_because"]), (!is_kept, &why));
            if !is_kept {
                assert_eq!(code(&stage.plays(viewer, title).await), "PAYMENT_REQUIRED", "nothing was bought");
                let again = stage.order_for(viewer, &sold, "paid").await;
                assert_eq!((&again["status"], &again["price"]["amount"]), (&json!("paid"), &json!(turned)));
            }
            assert_eq!(stage.plays(viewer, title).await.unwrap()["via"], "grant");
        }
    }
    // What was taken in time is heard of late, and is kept; where the membership was ended early, that instant counts.
    for (ends_after_ms, status) in [(1, "paid"), (0, "expired")] {
        let viewer = stage.server.viewer(&format!("late{status}")).await;
        let membership = member(&viewer, OPENS, "2028-01-01T00:00:00Z").await;
        let viewer = stage.server.signed_in_again(&viewer).await;
        let pending = stage.order_for(&viewer, &sold, "qr_code").await;
        let taken_at = UtcMs(stage.server.now().0 + 3000);
        stage.server.advance_to(taken_at, 0);
        let payment = pending["payment"]["url"].as_str().unwrap().strip_prefix("/cashier/").unwrap();
        stage.server.app.db.press_sandbox(payment.parse().unwrap(), SandboxAct::Pay, taken_at).await.unwrap();
        stage.server.advance_to(taken_at, ends_after_ms);
        stage.done(Method::POST, &format!("/memberships/{membership}/end"), json!({"reason": "asked"})).await;
        stage.server.advance_to(taken_at, 60_000);
        stage.server.app.checkout.sweep().await.unwrap();
        assert_eq!(stage.became(&viewer, &pending).await["status"], status, "{ends_after_ms}");
    }
    // What has not gone back when the order ended is given back later, once.
    let viewer = stage.server.viewer("returned").await;
    let pending = stage.order_for(&viewer, &sold, "qr_code").await;
    let (db, id) = (&stage.server.app.db, pending["id"].as_str().unwrap());
    let payment = pending["payment"]["url"].as_str().unwrap().strip_prefix("/cashier/").unwrap();
    let now = stage.server.now();
    db.press_sandbox(payment.parse().unwrap(), SandboxAct::Pay, now).await.unwrap();
    let not_kept = PurchaseClosed::NotKept(ClosedBecause::MemberPriceChanged);
    db.close_purchase(id.parse().unwrap(), None, not_kept, now).await.unwrap();
    for _ in 0..2 {
        stage.server.app.checkout.return_again().await.unwrap();
    }
    let sale = stage.done(Method::GET, &format!("/purchases/{id}"), json!({})).await;
    let returned = |event: &&Value| event["kind"] == "late_payment_returned";
    assert_eq!(sale["events"].as_array().unwrap().iter().filter(returned).count(), 1, "{sale}");

    // What is for members only is not sold to who is none any more when the payment comes.
    let early = json!({"kind": "pvod", "list_price": {"amount": 2999, "currency": "CNY"},
        "clock": {"until_members": {"watch_s": 3600 * 24}}});
    let second = stage.title("Second", "NL").await;
    let sold = stage.sell(second, window("vod", &["CN"], OPENS, None), early).await;
    let lapses = UtcMs(stage.server.now().0 + 60_000);
    for (offset_ms, status, why) in [(-1, "paid", Value::Null), (0, "expired", json!("membership_ended"))] {
        let viewer = stage.server.viewer(&format!("early{status}")).await;
        member(&viewer, OPENS, &lapses.to_string()).await;
        let viewer = stage.server.signed_in_again(&viewer).await;
        let pending = stage.order_for(&viewer, &sold, "qr_code").await;
        stage.server.advance_to(lapses, offset_ms);
        let became = stage.pays(&viewer, &pending).await;
        assert_eq!((&became["status"], &became["closed_because"]), (&json!(status), &why), "{offset_ms}");
    }
    stage.end().await;
}

/// Who rents what members get within 24 hours says that they know it.
pub async fn what_members_get_within_a_day_is_bought_knowingly(backend: Backend) {
    let stage = Stage::open(backend, OPENS).await;
    let title = stage.title("Harbour of Glass", "NL").await;
    let sold = stage.sell(title, window("vod", &["CN"], OPENS, Some(CLOSES)), pvod()).await;
    let kept = json!({"kind": "buy", "list_price": {"amount": 4800, "currency": "CNY"}, "clock": {"forever": {}}});
    let for_good = stage.sell(title, window("est", &["CN"], OPENS, None), kept).await;
    let second = stage.title("Second", "NL").await;
    let other = stage.sell(second, window("vod", &["CN"], OPENS, None), pvod()).await;
    let members_from = "2027-03-01T00:00:00Z";
    let for_members = stage.avail(title, window("svod", &["CN"], members_from, None)).await;
    let both = json!({"name": {"en": "Both"}, "price": {"amount": 3000, "currency": "CNY"},
        "gives": {"kind": "bundle", "offer_ids": [sold.offer, other.offer]}});
    let bundle = stage.made("/products", both).await;
    let viewer = stage.server.viewer("buyer").await;
    let offer = json!({"offer_id": sold.offer});

    stage.server.advance_to(at(members_from), -DAY_MS - 1);
    let viewer = stage.server.signed_in_again(&viewer).await;
    assert_eq!(stage.members_from(&viewer, offer.clone()).await, Value::Null);
    let early = stage.server.viewer("early").await;
    assert_eq!(code(&stage.buys(&early, &sold).await), "ok");
    stage.server.advance_to(at(members_from), -DAY_MS);
    let instant = json!(at(members_from));
    for what in [offer, json!({"product_id": bundle})] {
        assert_eq!(stage.members_from(&viewer, what).await, instant);
    }
    assert_eq!(stage.members_from(&viewer, json!({"offer_id": for_good.offer})).await, Value::Null, "it is for good");
    let later = json!(UtcMs(at(members_from).0 + 1));
    for what in [("offer_id", sold.offer.as_str()), ("product_id", bundle.as_str())] {
        for accepted in [Value::Null, later.clone(), json!(stage.server.now()), json!("1970-01-01T00:00:00Z")] {
            let refused = stage.buys_knowing(&viewer, what, accepted).await;
            assert_eq!((refused.status, refused.code().as_str()), (StatusCode::CONFLICT, "MEMBERS_SOON"));
            let told = refused.json();
            assert_eq!(told["next"], json!([{"action": "wait", "opens_at": instant}]));
            assert_eq!(told["param"], "accepted_members_from_at");
        }
    }
    // The window is moved after the page was read: what was agreed to is no longer true.
    let moved = json!({"start_at": UtcMs(at(members_from).0 - 3_600_000)});
    stage.done(Method::PATCH, &format!("/avails/{for_members}"), moved).await;
    let what = ("offer_id", sold.offer.as_str());
    assert_eq!(stage.buys_knowing(&viewer, what, instant).await.code(), "MEMBERS_SOON");
    let sooner = json!(UtcMs(at(members_from).0 - 3_600_000));
    let bought = stage.buys_knowing(&viewer, what, sooner.clone()).await;
    assert_eq!(bought.status, StatusCode::CREATED, "{}", bought.text());
    let path = format!("/purchases/{}", bought.json()["id"].as_str().unwrap());
    assert_eq!(stage.done(Method::GET, &path, json!({})).await["accepted_members_from_at"], sooner, "it is on record");
    // Once members have it there is nothing to come, and nothing is said.
    stage.server.advance_to(at(members_from), -3_600_000);
    let late = stage.server.viewer("late").await;
    let late = stage.server.signed_in_again(&late).await;
    assert_eq!(stage.members_from(&late, json!({"offer_id": sold.offer})).await, Value::Null);
    assert_eq!(code(&stage.buys(&late, &sold).await), "ok");
    stage.end().await;
}

/// An offer is sold until some time before the end of its window, `start_at <= now < end_at - sales_cutoff`.
pub async fn a_sale_ends_before_its_window(backend: Backend) {
    let stage = Stage::open(backend, OPENS).await;
    let title = stage.title("Harbour of Glass", "NL").await;
    let avail = stage.avail(title, window("vod", &["CN"], OPENS, Some(CLOSES))).await;
    let offers = format!("/avails/{avail}/offers");
    let with_cutoff = |cutoff: i64| {
        let mut offer = pvod();
        offer["sales_cutoff_s"] = json!(cutoff);
        offer
    };
    for cutoff in [-1, 30 * 24 * 3600 + 1, i64::MAX] {
        let refused = stage.operate(Method::POST, &offers, &with_cutoff(cutoff)).await;
        let problem = refused.json();
        assert_eq!(
            (refused.code().as_str(), &problem["param"]),
            ("OFFER_INVALID", &json!("sales_cutoff_s")),
            "{cutoff}"
        );
    }
    let endless = stage.avail(title, window("vod", &["DE"], OPENS, None)).await;
    let refused = stage.operate(Method::POST, &format!("/avails/{endless}/offers"), &with_cutoff(60)).await;
    assert_eq!(refused.json()["param"], "sales_cutoff_s", "it has no end");
    let short = stage.avail(title, window("vod", &["US"], OPENS, Some("2027-01-15T02:00:00Z"))).await;
    for (cutoff, expected) in [(2 * 3600, "OFFER_INVALID"), (2 * 3600 - 1, "ok")] {
        let answer = stage.operate(Method::POST, &format!("/avails/{short}/offers"), &with_cutoff(cutoff)).await;
        assert_eq!(if answer.status.is_success() { "ok".into() } else { answer.code() }, expected, "{cutoff}");
    }
    let offer = stage.made(&offers, with_cutoff(2 * 3600)).await;
    let sold = Sold { title, offer };
    let ends = UtcMs(at(CLOSES).0 - 2 * 3_600_000);
    let people = [stage.server.viewer("a").await, stage.server.viewer("b").await, stage.server.viewer("c").await];
    for ((offset_ms, expected), viewer) in
        [(-1, "ok"), (0, "WINDOW_CLOSED"), (1, "WINDOW_CLOSED")].into_iter().zip(&people)
    {
        stage.server.advance_to(ends, offset_ms);
        assert_eq!(code(&stage.buys(viewer, &sold).await), expected, "{offset_ms}");
        let page = stage.server.api(&stage.server.operator, &format!("/titles/{title}")).await.json();
        let offer = &page["offers"][0];
        assert_eq!((&offer["on_sale"], &offer["closes_at"]), (&json!(expected == "ok"), &json!(ends)), "{offset_ms}");
        assert_eq!(page["windows"][0]["end_at"], json!(ends), "what a viewer is told of the window");
    }
    assert_eq!(code(&stage.plays(&people[0], title).await), "ok", "what was bought plays");
    // A hard end that is earlier than the end of the window counts.
    let opens = "2027-05-01T00:00:00Z";
    let mut hard = window("vod", &["CN"], opens, Some("2027-06-01T00:00:00Z"));
    hard["hard_end_at"] = json!("2027-05-20T00:00:00Z");
    let hard = stage.sell(title, hard, with_cutoff(3600)).await;
    let people = [stage.server.viewer("d").await, stage.server.viewer("e").await, stage.server.viewer("f").await];
    for ((offset_ms, expected), viewer) in
        [(-1, "ok"), (0, "WINDOW_CLOSED"), (1, "WINDOW_CLOSED")].into_iter().zip(&people)
    {
        stage.server.advance_to(at("2027-05-19T23:00:00Z"), offset_ms);
        assert_eq!(code(&stage.buys(viewer, &hard).await), expected, "{offset_ms}");
    }
    stage.end().await;
}
