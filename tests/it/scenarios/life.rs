//! A film's whole life, in three countries: planned, licensed, in cinemas and online at one instant, on three platforms,
//! for members, free, on television, and taken back.

use marquee::base::clock::UtcMs;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::partners::Platform;
use super::{Backend, Stage, at, code, pvod, rental, window};

const PREMIERE: &str = "2027-01-15T20:00:00+08:00";
const FOR_MEMBERS: &str = "2027-01-29T20:00:00+08:00";
const IN_GERMANY: &str = "2027-02-01T00:00:00+01:00";
const SHOWCASE: &str = "2027-06-01T19:30:00+08:00";
const FREE: &str = "2027-07-28T20:00:00+08:00";
const IN_AMERICA: &str = "2027-08-01T00:00:00-04:00";
const REVOKED: &str = "2027-08-10T14:00:00+08:00";

pub async fn a_film_lives_from_its_planning_to_its_revocation(backend: Backend) {
    let stage = Stage::open(backend, "2026-11-01T12:00:00+08:00").await;
    let title = stage.title("雾港孤刀", "CN").await;
    let compliance = format!("/titles/{title}/compliance");
    let record = async |event: Value| stage.done(Method::POST, &compliance, event).await["state"].clone();
    let refused = async |path: &str, body: Value| {
        let answer = stage.operate(Method::POST, path, &body).await;
        assert!(answer.status.is_client_error(), "{}", answer.text());
        (answer.code(), answer.json())
    };

    // Planned: what is sold in China waits for its licence, what is sold elsewhere does not.
    assert_eq!(record(json!({"event": "plan", "number": "V31001572104501"})).await, "planned");
    let china = stage.avail(title, window("vod", &["CN"], PREMIERE, Some(FOR_MEMBERS))).await;
    let offers = format!("/avails/{china}/offers");
    assert_eq!(refused(&offers, pvod()).await.0, "LICENCE_REQUIRED");
    let berlin = json!({"license_type": "vod", "territories": {"include": ["DE"]}, "start_at": IN_GERMANY,
        "zone": "Europe/Berlin"});
    let germany = stage.sell(title, berlin, rental(1499)).await;
    // Sold before it is made: America is somebody else's alone until August.
    let distributor = stage.party("Harbour Films", "distributor", None).await;
    let presale = json!({"party_id": distributor, "carriage": {"kind": "platform", "license_type": "vod"},
        "territories": {"include": ["US"]}, "start_at": "2027-02-01T00:00:00-05:00", "end_at": IN_AMERICA,
        "zone": "America/New_York", "exclusivity": {}, "contract": "HF-2026-07"});
    let presale = stage.made(&format!("/titles/{title}/deals"), presale).await;
    let early = json!({"license_type": "vod", "territories": {"include": ["US"]},
        "start_at": "2027-07-01T00:00:00-04:00", "zone": "America/New_York"});
    let (why, problem) = refused(&format!("/titles/{title}/avails"), early.clone()).await;
    assert_eq!((why.as_str(), &problem["conflicts"][0]["code"]), ("AVAIL_CONFLICT", &json!("EXCLUSIVE")));
    assert_eq!((&problem["conflicts"][0]["deal_id"], &problem["conflicts"][0]["days"]), (&json!(presale), &json!(31)));
    let mut later = early;
    later["start_at"] = json!(IN_AMERICA);
    let america = stage.sell(title, later, rental(1999)).await;

    // Licensed.
    assert_eq!(record(json!({"event": "submit"})).await, "in_review");
    let licence = json!({"kind": "theatrical_release", "number": "电审故字〔2026〕第791号"});
    stage.done(Method::PUT, &format!("/titles/{title}/licence"), licence).await;
    assert_eq!(record(json!({"event": "confirm"})).await, "licensed");
    let offer = stage.made(&offers, pvod()).await;
    let sold = super::Sold { title, offer: offer.clone() };

    // Two circuits, each promised that nothing is online before its cinemas; both open at the instant that online does.
    for circuit in ["横店院线", "博纳院线"] {
        let party = stage.party(circuit, "circuit", None).await;
        stage.deal(title, &party, json!({"kind": "cinema"}), &["CN"], PREMIERE, None).await;
        let promise = json!({"party": circuit, "lag_days": 0, "territories": {"include": ["CN"]},
            "event": {"kind": "cinema_opening", "opens_at": PREMIERE, "zone": "Asia/Shanghai"}});
        stage.done(Method::POST, &format!("/titles/{title}/holdbacks"), promise).await;
    }
    let before = json!({"start_at": UtcMs(at(PREMIERE).0 - 1)});
    let answer = stage.operate(Method::PATCH, &format!("/avails/{china}"), &before).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::CONFLICT, "AVAIL_CONFLICT"));
    // Three platforms: us, one that plays from here, one that delivers by itself.
    let panda = Platform::open("panda").await;
    let vod = |streams: Option<u32>| json!({"kind": "platform", "license_type": "vod", "streams": streams});
    let theirs = stage.party("熊猫影视", "partner", Some(&panda)).await;
    stage.deal(title, &theirs, vod(Some(1)), &["CN"], PREMIERE, Some(FOR_MEMBERS)).await;
    let tiger = stage.party("老虎视频", "partner", None).await;
    let apart = stage.deal(title, &tiger, vod(None), &["CN"], PREMIERE, Some(FOR_MEMBERS)).await;
    let cinema = stage.done(Method::GET, "/parties", json!({})).await;
    let circuit =
        cinema["data"].as_array().unwrap().iter().find(|row| row["name"] == "横店院线").unwrap()["id"].clone();
    // Sold for good too, as long as it is rented out.
    let for_good = json!({"kind": "buy", "list_price": {"amount": 4800, "currency": "CNY"}, "clock": {"forever": {}}});
    let for_good = stage.sell(title, window("est", &["CN"], PREMIERE, Some(FOR_MEMBERS)), for_good).await;
    // Members, then everybody, then television, which needs its own clearance.
    stage.avail(title, window("svod", &["CN"], FOR_MEMBERS, Some(FREE))).await;
    stage.avail(title, window("avod", &["CN"], FREE, None)).await;
    let slot = |clearance: &str| {
        json!({"party_id": tiger, "carriage": {"kind": "broadcast", "channel": "北京卫视", "clearance": clearance,
            "runs": 1}, "territories": {"include": ["CN"]}, "start_at": SHOWCASE,
            "end_at": "2027-06-01T21:30:00+08:00", "zone": "Asia/Shanghai"})
    };
    let (why, problem) = refused(&format!("/titles/{title}/deals"), slot(" ")).await;
    assert_eq!((why.as_str(), &problem["param"]), ("DEAL_INVALID", &json!("carriage.clearance")));
    stage.made(&format!("/titles/{title}/deals"), slot("（京）展播〔2027〕12号")).await;

    let [guest, member, buyer, moviegoer] = [
        stage.server.viewer("guest").await,
        stage.server.viewer("member").await,
        stage.server.viewer("buyer").await,
        stage.server.viewer("moviegoer").await,
    ];
    stage.membership(&member, "2028-01-01T00:00:00Z").await;
    // A guest and a member in China, a viewer of the partner's there, a guest in Germany and one in America.
    let mut asked = 0;
    let mut around = async |instant: &str, rows: [[&str; 5]; 2]| {
        for offset_ms in [-1, 0, 1] {
            let now = UtcMs(at(instant).0 + offset_ms);
            stage.server.sim.advance_to(now);
            asked += 1;
            let token = panda.play(&stage, title, &format!("their-{asked}"));
            let partner = stage.partner_plays(&token, "CN").await;
            let answers = [
                stage.explained(&guest, title, "CN", now).await,
                stage.explained(&member, title, "CN", now).await,
                code(&partner).to_owned(),
                stage.explained(&guest, title, "DE", now).await,
                stage.explained(&guest, title, "US", now).await,
            ];
            assert_eq!(answers, rows[usize::from(offset_ms >= 0)], "{instant} {offset_ms}");
        }
    };
    let (soon, pay, join) = ("WINDOW_NOT_OPEN", "PAYMENT_REQUIRED", "MEMBERSHIP_REQUIRED");
    around(PREMIERE, [[soon; 5], [pay, pay, "ok", soon, soon]]).await;

    // Bought here, and with a ticket of a circuit that has a code on it.
    let batch =
        json!({"title_id": title, "offer_id": offer, "count": 1, "expires_at": FOR_MEMBERS, "party_id": circuit});
    let made = stage.keyed("/voucher-batches", batch).await;
    assert_eq!(made["batch"]["party_name"], "横店院线");
    let ticket = json!({"code": made["codes"][0]});
    let signed_in = stage.server.signed_in_again(&moviegoer).await;
    let redeemed = stage.from("CN", &signed_in.token, "/vouchers/redeem", &ticket).await;
    assert_eq!(redeemed.status, StatusCode::CREATED, "{}", redeemed.text());
    assert_eq!(stage.plays(&moviegoer, title).await.unwrap()["via"], "grant");
    let sales = stage.done(Method::GET, "/voucher-batches", json!({})).await;
    assert_eq!((&sales["data"][0]["redeemed"], &sales["data"][0]["party_id"]), (&json!(1), &circuit));
    // The partner that delivers by itself was late; that moves nobody.
    stage.to("2027-01-15T20:06:00+08:00");
    let late =
        stage.done(Method::PATCH, &format!("/deals/{apart}"), json!({"opened_at": "2027-01-15T20:05:00+08:00"})).await;
    assert_eq!((&late["alarm"], &late["drift_ms"]), (&json!("late"), &json!(300_000)));

    stage.to("2027-01-29T19:30:00+08:00");
    assert_eq!(code(&stage.buys(&buyer, &sold).await), "MEMBERS_SOON");
    let rented = stage.buys_soon(&buyer, &sold, FOR_MEMBERS).await;
    let keeper = stage.server.viewer("keeper").await;
    let kept = stage.buys(&keeper, &for_good).await.unwrap();
    let watching = stage.plays(&buyer, title).await.unwrap();
    around(FOR_MEMBERS, [[pay, pay, "ok", soon, soon], [join, "membership", "WINDOW_CLOSED", soon, soon]]).await;
    assert_eq!(code(&stage.buys(&guest, &sold).await), "WINDOW_CLOSED");
    assert_eq!(stage.goes_on(&watching).await, "ok", "who paid before watches on");
    around(
        IN_GERMANY,
        [[join, "membership", "WINDOW_CLOSED", soon, soon], [join, "membership", "WINDOW_CLOSED", pay, soon]],
    )
    .await;
    let abroad = stage.server.viewer("abroad").await;
    let rented_abroad = stage.buys_in("DE", &abroad, &germany).await.unwrap();
    around(SHOWCASE, [[join, "membership", "WINDOW_CLOSED", pay, soon]; 2]).await;
    around(FREE, [[join, "membership", "WINDOW_CLOSED", pay, soon], ["free", "free", "WINDOW_CLOSED", pay, soon]])
        .await;
    around(IN_AMERICA, [["free", "free", "WINDOW_CLOSED", pay, soon], ["free", "free", "WINDOW_CLOSED", pay, pay]])
        .await;
    let overseas = stage.server.viewer("overseas").await;
    stage.buys_in("US", &overseas, &america).await.unwrap();

    // Taken back in China, at once and for whoever watches; elsewhere the film goes on.
    stage.server.sim.advance_to(UtcMs(at(REVOKED).0 - 1));
    let open = stage.opens_in("CN", &guest, title).await.unwrap();
    assert_eq!((&open["via"], &open["ads"]), (&json!("free"), &json!("required")));
    assert_eq!(stage.playlist(&open).await, "ok");
    assert_eq!(stage.opens_in("CN", &keeper, title).await.unwrap()["via"], "grant");
    let due = async || stage.done(Method::GET, &format!("/titles/{title}/refunds-due"), json!({})).await;
    assert_eq!((&due().await["count"], &due().await["revoked_at"]), (&json!(0), &Value::Null));
    stage.to(REVOKED);
    assert_eq!(record(json!({"event": "revoke", "reason": "an order of the NRTA"})).await, "revoked");
    assert_eq!(stage.playlist(&open).await, "LICENCE_REVOKED");
    for (offset_ms, here) in [(-1, "free"), (0, "LICENCE_REVOKED"), (1, "LICENCE_REVOKED")] {
        let now = UtcMs(at(REVOKED).0 + offset_ms);
        assert_eq!(stage.explained(&member, title, "CN", now).await, here, "{offset_ms}");
        assert_eq!(stage.explained(&guest, title, "DE", now).await, pay, "{offset_ms}");
    }
    let partner = stage.partner_plays(&panda.play(&stage, title, "their-last"), "CN").await;
    assert_eq!(code(&partner), "LICENCE_REVOKED");
    assert_eq!(stage.plays_in("US", &overseas, title).await.unwrap()["via"], "grant");

    // What could still be watched in China is given back; not what had run out there, nor what plays on elsewhere.
    let found = due().await;
    assert_eq!((&found["count"], &found["revoked_at"]), (&json!(1), &json!(at(REVOKED))));
    assert_eq!((&found["data"][0]["id"], &found["amounts"][0]["amount"]), (&kept["id"], &json!(4800)), "{found}");
    let path = format!("/titles/{title}/refunds-due");
    let given_back = stage.done(Method::POST, &path, json!({})).await;
    assert_eq!((&given_back["left"], given_back["refunds"].as_array().map(Vec::len)), (&json!(0), Some(1)));
    assert_eq!(due().await["count"], json!(0));
    for (purchase, status) in [(&kept, "refunded"), (&rented, "paid"), (&rented_abroad, "paid")] {
        let path = format!("/purchases/{}", purchase["id"].as_str().unwrap());
        assert_eq!(stage.done(Method::GET, &path, json!({})).await["status"], status);
    }
    stage.end().await;
}

impl Stage {
    /// What was made by a request that needs a key of its own.
    async fn keyed(&self, path: &str, body: Value) -> Value {
        let answer = self.from("CN", &self.server.operator, &format!("/operator{path}"), &body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        answer.json()
    }

    /// `ok`, or why a session's playlist is refused.
    async fn playlist(&self, opened: &Value) -> String {
        let answer = self.server.get_from("CN", opened["playback_url"].as_str().unwrap()).await;
        if answer.status == StatusCode::OK { "ok".into() } else { crate::server::outcome(&answer) }
    }
}
