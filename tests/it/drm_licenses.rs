//! Licences of DRM systems: who gets one, what the licence server is told, and what becomes of its faults.

use std::time::Duration;

use marquee::base::clock::UtcMs;
use marquee::base::hdcp::HdcpLevel;
use marquee::base::id::{AssetId, TitleId};
use marquee::rights::avail::LicenseType;
use marquee::rights::grant::GrantClock;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::composed;
use crate::drm_service::{CERTIFICATE, DrmService, claims};
use crate::server::{Answer, HOUR, Server, TestViewer, outcome};

const CHALLENGE: &[u8] = b"a challenge";
const LICENSE: &[u8] = b"egnellahc a";

/// A server of films under DRM, and one film that a viewer has bought.
struct Cinema {
    service: DrmService,
    server: Server,
    title: TitleId,
    viewer: TestViewer,
}

impl Cinema {
    async fn open(clock: GrantClock) -> Cinema {
        let service = DrmService::start().await;
        let server = Server::start_with(|config| {
            service.configure(config);
            config.drm.hdcp_above_720p = Some(HdcpLevel::V1_4);
        })
        .await;
        let title = server.title(server.asset().await).await;
        let avail = server.avail(title, LicenseType::Vod, None).await;
        let offer = server.offer(&avail, clock).await;
        server.seal_with_cbcs(title).await;
        let viewer = server.viewer("viewer").await;
        server.buy(&viewer, offer).await;
        Cinema { service, server, title, viewer }
    }

    async fn token(&self) -> String {
        self.server.play(&self.viewer, self.title).await.split('/').nth(2).unwrap().to_owned()
    }

    async fn ask(&self, token: &str, system: &str, challenge: &[u8]) -> Answer {
        let request = self.server.request(Method::POST, &format!("/play/{token}/license/{system}"));
        self.server.send(request.body(challenge.to_vec())).await
    }

    /// What the licence server was told last.
    fn told(&self) -> Value {
        claims(&self.service.asked("/license/").last().unwrap().headers["x-license-token"]).unwrap()
    }

    async fn starts_clock(&self) -> bool {
        let shown = self.server.api(&self.viewer.token, &format!("/titles/{}", self.title)).await.json();
        shown["decision"]["starts_clock"].as_bool().unwrap()
    }
}

const HOURS_48: GrantClock = GrantClock::OnPurchase { watch_ms: 48 * 3_600_000 };

#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_reaches_the_server_of_its_system_with_what_the_viewer_may_have() {
    let cinema = Cinema::open(HOURS_48).await;
    let (server, service) = (&cinema.server, &cinema.service);
    let opened = server.open(&cinema.viewer.token, cinema.title).await.json();
    let token = opened["playback_url"].as_str().unwrap().split('/').nth(2).unwrap().to_owned();
    let url = |name: &str| format!("/play/{token}/license/{name}");
    let license = |system: &str| json!({"system": system, "url": url(system), "certificate_url": null});
    let fairplay = json!({"system": "fairplay", "url": url("fairplay"), "certificate_url": url("fairplay.cer")});
    assert_eq!(opened["licenses"], json!([license("widevine"), license("playready"), fairplay]));

    let types = [
        ("widevine", "/license/widevine?tenant=1", "application/octet-stream"),
        ("playready", "/license/playready", "text/xml; charset=utf-8"),
        ("fairplay", "/license/fairplay", "application/octet-stream"),
    ];
    for (system, path, content_type) in types {
        let answer = cinema.ask(&token, system, CHALLENGE).await;
        assert_eq!((answer.status, &*answer.body), (StatusCode::OK, LICENSE), "{system}");
        assert_eq!([answer.header("content-type"), answer.header("cache-control")], [content_type, "no-store"]);
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        let asked = service.asked("/license/").pop().unwrap();
        assert_eq!((&*asked.path, &*asked.body, &*asked.headers["content-type"]), (path, CHALLENGE, content_type));
        let action = asked.headers.get("soapaction").map(String::as_str);
        let acquire = "\"http://schemas.microsoft.com/DRM/2007/03/protocols/AcquireLicense\"";
        assert_eq!(action, (system == "playready").then_some(acquire));

        let now_s = server.now().0 / 1000;
        let told = cinema.told();
        let asset: AssetId = server.app.db.title(cinema.title).await.unwrap().unwrap().parts[0];
        assert_eq!(told["system"], system);
        assert_eq!((&told["session"], &told["content_id"]), (&opened["id"], &json!(asset)));
        assert_eq!((&told["iat"], &told["exp"]), (&json!(now_s), &json!(now_s + 60)));
        // The session's own end comes before that of the 48 hours.
        assert_eq!(told["license_expires_at"], json!(now_s + 24 * 3600));
        let keys = told["keys"].as_array().unwrap();
        let mut types: Vec<&str> = keys.iter().map(|key| key["track_type"].as_str().unwrap()).collect();
        types.sort_unstable();
        assert_eq!(types, ["AUDIO", "SD"]);
        assert!(keys.iter().all(|key| key["hdcp"].is_null()), "{told}");
        let document = String::from_utf8(service.asked("/keys")[0].body.clone()).unwrap();
        for key in keys {
            let rule = format!(
                "kid=\"{}\" intendedTrackType=\"{}\"",
                key["kid"].as_str().unwrap(),
                key["track_type"].as_str().unwrap()
            );
            assert!(document.contains(&rule), "{rule} in {document}");
        }
    }
    let certificate = server.get(&url("fairplay.cer")).await;
    assert_eq!((certificate.status, &*certificate.body), (StatusCode::OK, CERTIFICATE));
    server.get(&url("fairplay.cer")).await;
    assert_eq!(service.asked("/certificate").len(), 1, "fetched once");
    cinema.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rental_starts_with_the_first_license_and_the_license_ends_with_it() {
    let watch_ms = 2 * 3_600_000;
    let clock = GrantClock::OnFirstPlay { start_within_ms: 30 * 24 * 3_600_000, watch_ms };
    let cinema = Cinema::open(clock).await;
    let token = cinema.token().await;
    // Widevine's module asks for a certificate first: that is no play. Nor is a licence that was not given.
    assert_eq!(cinema.ask(&token, "widevine", &[8, 4]).await.status, StatusCode::OK);
    cinema.service.set_fault(Some(500));
    assert_eq!(outcome(&cinema.ask(&token, "widevine", CHALLENGE).await), "LICENSE_SERVER_UNAVAILABLE");
    cinema.service.set_fault(None);
    assert!(cinema.starts_clock().await);
    cinema.server.sim.advance(HOUR);

    let start = cinema.server.now();
    assert_eq!(cinema.ask(&token, "widevine", CHALLENGE).await.status, StatusCode::OK);
    assert!(!cinema.starts_clock().await);
    let end_s = (start.0 + watch_ms) / 1000;
    assert_eq!(cinema.told()["license_expires_at"], json!(end_s), "counted from this licence");
    cinema.server.sim.advance(HOUR);
    assert_eq!(cinema.ask(&token, "fairplay", CHALLENGE).await.status, StatusCode::OK);
    assert_eq!(cinema.told()["license_expires_at"], json!(end_s), "a later licence ends then too");
    cinema.server.sim.advance_to(UtcMs(start.0 + watch_ms));
    let count = cinema.service.asked("/license/").len();
    assert_eq!(outcome(&cinema.ask(&token, "widevine", CHALLENGE).await), "RENTAL_EXPIRED");
    assert_eq!(cinema.service.asked("/license/").len(), count, "the licence server hears of no refusal");
    cinema.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_card_runs_the_licence_server_is_not_asked() {
    let clock = GrantClock::OnFirstPlay { start_within_ms: 30 * 24 * 3_600_000, watch_ms: 2 * 3_600_000 };
    let cinema = Cinema::open(clock).await;
    composed::license(&cinema.server, cinema.title).await;
    let (token, opened_at) = (cinema.token().await, cinema.server.now());
    for system in ["widevine", "playready", "fairplay"] {
        let refused = cinema.ask(&token, system, CHALLENGE).await;
        assert_eq!((refused.status, outcome(&refused).as_str()), (StatusCode::SERVICE_UNAVAILABLE, "CARD_RUNNING"));
        assert_eq!(refused.header("retry-after"), "5");
    }
    assert!(cinema.starts_clock().await);
    assert_eq!(cinema.service.asked("/license/").len(), 0);
    cinema.server.sim.advance_to(opened_at + Duration::from_secs(5));
    assert_eq!(cinema.ask(&token, "widevine", CHALLENGE).await.status, StatusCode::OK);
    assert!(!cinema.starts_clock().await);
    cinema.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hard_end_is_the_end_of_a_license() {
    let cinema = Cinema::open(HOURS_48).await;
    let token = cinema.token().await;
    let hard_end_at = UtcMs(cinema.server.now().0 + 5 * 3_600_000);
    let avails = cinema.server.api(&cinema.server.operator, &format!("/operator/titles/{}/avails", cinema.title)).await;
    let avail = avails.json()["data"][0]["id"].as_str().unwrap().to_owned();
    let request = cinema.server.request(Method::PATCH, &format!("/api/v1/operator/avails/{avail}"));
    let edit = json!({"hard_end_at": hard_end_at});
    let edited = cinema.server.send(request.bearer_auth(&cinema.server.operator).json(&edit)).await;
    assert_eq!(edited.status, StatusCode::OK, "{}", edited.text());
    assert_eq!(cinema.ask(&token, "widevine", CHALLENGE).await.status, StatusCode::OK);
    assert_eq!(cinema.told()["license_expires_at"], json!(hard_end_at.0 / 1000), "also one that came later");
    cinema.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_watch_gets_no_license_and_faults_say_nothing_of_the_service() {
    let cinema = Cinema::open(HOURS_48).await;
    let token = cinema.token().await;
    let asked = || cinema.service.asked("/license/").len();

    assert_eq!(outcome(&cinema.ask("abc", "widevine", CHALLENGE).await), "TOKEN_INVALID");
    assert_eq!(outcome(&cinema.ask(&token, "chromecast", CHALLENGE).await), "MEDIA_NOT_FOUND");
    assert_eq!(outcome(&cinema.ask(&token, "widevine", b"").await), "LICENSE_REQUEST_INVALID");
    let long = cinema.ask(&token, "widevine", &vec![7; 64 * 1024 + 1]).await;
    assert_eq!((long.status, outcome(&long)), (StatusCode::PAYLOAD_TOO_LARGE, "LICENSE_REQUEST_INVALID".into()));
    let get = cinema.server.get(&format!("/play/{token}/license/widevine")).await;
    assert_eq!((get.status, get.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "POST"));
    // A film without DRM, on the same server.
    let (plain, offer) = cinema.server.pvod().await;
    cinema.server.buy(&cinema.viewer, offer).await;
    let opened = cinema.server.open(&cinema.viewer.token, plain).await.json();
    assert_eq!(opened["licenses"], json!([]));
    let plain = opened["playback_url"].as_str().unwrap().split('/').nth(2).unwrap();
    assert_eq!(outcome(&cinema.ask(plain, "widevine", CHALLENGE).await), "MEDIA_NOT_FOUND");
    assert_eq!(asked(), 0, "none of these reaches the service");

    for (status, code) in [
        (400, "LICENSE_REFUSED"),
        (403, "LICENSE_REFUSED"),
        (429, "LICENSE_SERVER_UNAVAILABLE"),
        (503, "LICENSE_SERVER_UNAVAILABLE"),
        (302, "LICENSE_SERVER_ANSWER_INVALID"),
    ] {
        cinema.service.set_fault(Some(status));
        let before = asked();
        let answer = cinema.ask(&token, "fairplay", CHALLENGE).await;
        assert_eq!(outcome(&answer), code, "{status}");
        let text = answer.text();
        assert!(!text.contains("127.0.0.1") && !text.contains("own words"), "{text}");
        assert_eq!(asked(), before + 1, "players ask again, this server does not");
    }
    cinema.service.set_fault(None);

    let grants = cinema.server.api(&cinema.viewer.token, "/grants").await.json();
    let of_title = |grant: &&Value| grant["title_id"] == json!(cinema.title);
    let grant = grants["data"].as_array().unwrap().iter().find(of_title).unwrap()["id"].as_str().unwrap().to_owned();
    let path = format!("/operator/grants/{grant}/revoke");
    let revoked = cinema.server.post(&cinema.server.operator, &path, &json!({"reason": "test"})).await;
    assert!(revoked.status.is_success(), "{}", revoked.text());
    assert_eq!(outcome(&cinema.ask(&token, "widevine", CHALLENGE).await), "GRANT_REVOKED");
    cinema.server.stop().await;
}
