//! The real server on free ports, with a clock that the test moves.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use marquee::app::{App, Serving};
use marquee::base::clock::{SimClock, UtcMs};
use marquee::base::id::{AssetId, AvailId, MembershipId, OfferId, PlanId, TitleId, ViewerId};
use marquee::base::money::{Currency, Money};
use marquee::base::territory::TerritorySet;
use marquee::catalog::asset::{Asset, AssetDetails, AssetState};
use marquee::catalog::details::TitleDetails;
use marquee::catalog::title::{Title, TitleStatus};
use marquee::commerce::account::{SignUp, Visit};
use marquee::config::{Config, Mode};
use marquee::packager::publish::publish;
use marquee::rights::avail::{Avail, LicenseType};
use marquee::rights::grant::GrantClock;
use marquee::rights::membership::{Membership, Plan};
use marquee::rights::offer::{Offer, OfferKind};
use marquee::rights::window::Window;
use marquee::store::db::account::Bearer;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::film;

/// Where every test begins: an hour of a day in January 2027.
pub const START: &str = "2027-01-15T12:00:00Z";
pub const HOUR: Duration = Duration::from_secs(3600);
const COUNTRY: &str = "x-country";

pub struct Server {
    pub app: Arc<App>,
    pub sim: SimClock,
    pub base: String,
    pub https: String,
    pub client: reqwest::Client,
    pub operator: String,
    serving: Option<Serving>,
    /// What each viewer was signed in with last.
    sign_ins: Mutex<HashMap<ViewerId, String>>,
    _data: tempfile::TempDir,
}

/// Somebody with an account.
#[derive(Clone)]
pub struct TestViewer {
    pub id: ViewerId,
    pub token: String,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or("-").to_owned()
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl Server {
    pub async fn start() -> Server {
        Server::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Server {
        Server::start_at(UtcMs::parse(START).unwrap(), change).await
    }

    /// A server whose clock begins at `start`.
    pub async fn start_at(start: UtcMs, change: impl FnOnce(&mut Config)) -> Server {
        marquee::http::tls::install_provider();
        let data = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let mut config = Config { mode: Mode::Test, data: data.path().join("data"), ..Config::default() };
        config.http.port = 0;
        config.http.https_port = 0;
        config.http.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
        config.place.country_header = Some(COUNTRY.into());
        change(&mut config);
        let sim = SimClock::new(start);
        let app = App::open(config, sim.clock()).await.unwrap();
        let (_, operator) = app.accounts.add_operator("test").await.unwrap();
        let serving = app.clone().serve().unwrap();
        let client = reqwest::Client::builder()
            .danger_accept_invalid_certs(true)
            .redirect(reqwest::redirect::Policy::none())
            .no_gzip()
            .build()
            .unwrap();
        Server {
            base: format!("http://{}", serving.http),
            https: format!("https://localhost:{}", serving.https.port()),
            app,
            sim,
            client,
            operator,
            serving: Some(serving),
            sign_ins: Mutex::default(),
            _data: data,
        }
    }

    pub fn now(&self) -> UtcMs {
        self.app.clock.now()
    }

    /// Moves the clock to one millisecond before `instant`, then to it, then one past it.
    pub fn advance_to(&self, instant: UtcMs, offset_ms: i64) {
        self.sim.advance_to(UtcMs(instant.0 + offset_ms));
    }

    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Answer { status, headers, body: response.bytes().await.unwrap().to_vec() }
    }

    /// A request from CN.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base)).header(COUNTRY, "CN")
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub async fn get_from(&self, territory: &str, path: &str) -> Answer {
        let url = format!("{}{path}", self.base);
        self.send(self.client.get(url).header(COUNTRY, territory)).await
    }

    pub async fn post(&self, token: &str, path: &str, body: &Value) -> Answer {
        let key = format!("key-{}", OfferId::new(self.now()));
        self.post_with_key(token, path, body, &key).await
    }

    pub async fn post_with_key(&self, token: &str, path: &str, body: &Value, key: &str) -> Answer {
        let request = self.request(Method::POST, &format!("/api/v1{path}")).bearer_auth(token).json(body);
        self.send(request.header("idempotency-key", key)).await
    }

    pub async fn api(&self, token: &str, path: &str) -> Answer {
        self.send(self.request(Method::GET, &format!("/api/v1{path}")).bearer_auth(token)).await
    }

    pub async fn viewer(&self, name: &str) -> TestViewer {
        let request = SignUp {
            email: format!("{name}@test.example"),
            password: "a long enough password".into(),
            display_name: String::new(),
        };
        let visit = Visit { address: [127, 0, 0, 1].into(), device: "Test".into() };
        let signed_up = self.app.accounts.sign_up(&request, &visit).await.unwrap();
        let Ok(signed_in) = signed_up else { panic!("{name} was not let in") };
        let id = signed_in.viewer.id;
        TestViewer { id, token: self.app.accounts.issue_token(Bearer::Viewer(id)).await.unwrap() }
    }

    /// The same device signs in again where its token, which lives 30 days, has run out.
    pub async fn signed_in_again(&self, viewer: &TestViewer) -> TestViewer {
        let mut sign_ins = self.sign_ins.lock().await;
        let token = sign_ins.entry(viewer.id).or_insert_with(|| viewer.token.clone());
        if self.app.accounts.authenticate(token).await.unwrap().is_none() {
            *token = self.app.accounts.issue_token(Bearer::Viewer(viewer.id)).await.unwrap();
        }
        TestViewer { id: viewer.id, token: token.clone() }
    }

    pub async fn member(&self, name: &str, ends_at: UtcMs) -> TestViewer {
        let viewer = self.viewer(name).await;
        let plan = Plan { id: PlanId::new(self.now()), name: "plan".into(), streams: 2 };
        self.app.db.insert_plan(&plan, None, self.now()).await.unwrap();
        let membership = Membership {
            id: MembershipId::new(self.now()),
            viewer_id: viewer.id,
            plan_id: plan.id,
            streams: plan.streams,
            starts_at: self.now(),
            ends_at,
            revoked_at: None,
            purchase_id: None,
        };
        self.app.db.insert_membership(&membership, None).await.unwrap();
        viewer
    }

    /// The test film, published under an id of its own.
    pub async fn asset(&self) -> AssetId {
        let packaged = film::packaged().await;
        let id = AssetId::new(self.now());
        publish(&self.app.blobs, id, &packaged.dir, &packaged.index).await.unwrap();
        let asset = Asset {
            id,
            source_name: "film.mp4".into(),
            duration_ms: packaged.index.duration_ms as i64,
            created_at: self.now(),
            details: AssetDetails::default(),
            state: AssetState::Complete,
        };
        self.app.db.insert_asset(&asset).await.unwrap();
        id
    }

    pub async fn title(&self, asset: AssetId) -> TitleId {
        let title = Title {
            id: TitleId::new(self.now()),
            name: [("en".to_owned(), "A Test".to_owned())].into(),
            synopsis: [].into(),
            status: TitleStatus::Live,
            parts: vec![asset],
            runtime_ms: i64::from(film::DURATION_S) * 1000,
            details: TitleDetails { country: Some("NL".parse().unwrap()), ..TitleDetails::default() },
            created_at: self.now(),
            version: 1,
        };
        self.app.db.insert_title(&title, None).await.unwrap();
        self.app.follower.announce().await;
        title.id
    }

    /// An avail in CN, open from now until `end_at`.
    pub async fn avail(&self, title: TitleId, license_type: LicenseType, end_at: Option<UtcMs>) -> Avail {
        let avail = Avail {
            id: AvailId::new(self.now()),
            title_id: title,
            license_type,
            description: None,
            territories: TerritorySet::of(["CN".parse().unwrap()]),
            window: Window { start_at: self.now(), end_at, zone: "Asia/Shanghai".into() },
            hard_end_at: None,
            caps: None,
        };
        self.app.db.insert_avail(&avail, None, self.now()).await.unwrap();
        self.app.follower.announce().await;
        avail
    }

    pub async fn offer(&self, avail: &Avail, clock: GrantClock) -> OfferId {
        let offer = Offer {
            id: OfferId::new(self.now()),
            title_id: avail.title_id,
            avail_id: avail.id,
            kind: OfferKind::Pvod,
            list_price: Money::new(1800, Currency::CNY),
            member_price: Some(Money::new(900, Currency::CNY)),
            clock,
            streams: 1,
            presale_from_at: None,
            sales_cutoff_ms: 0,
            withdrawn_at: None,
        };
        self.app.db.insert_offer(&offer, None, self.now()).await.unwrap();
        self.app.follower.announce().await;
        offer.id
    }

    /// A title of its own asset, sold for 48 hours from the purchase.
    pub async fn pvod(&self) -> (TitleId, OfferId) {
        self.pvod_of(self.asset().await).await
    }

    pub async fn pvod_of(&self, asset: AssetId) -> (TitleId, OfferId) {
        let title = self.title(asset).await;
        let avail = self.avail(title, LicenseType::Vod, Some(self.now() + HOUR * 24 * 14)).await;
        (title, self.offer(&avail, GrantClock::OnPurchase { watch_ms: 48 * 3_600_000 }).await)
    }

    /// From the next session on.
    pub async fn seal_with_cbcs(&self, title: TitleId) {
        let request = self.request(Method::PATCH, &format!("/api/v1/operator/titles/{title}"));
        let edited = self.send(request.bearer_auth(&self.operator).json(&json!({"protection": "cbcs"}))).await;
        assert_eq!((edited.status, &edited.json()["protection"]), (StatusCode::OK, &json!("cbcs")));
    }

    pub async fn buy(&self, viewer: &TestViewer, offer: OfferId) -> Value {
        let answer = self
            .post(
                &viewer.token,
                "/purchases",
                &json!({"offer_id": offer, "payment": {"method": "sandbox", "outcome": "paid"}}),
            )
            .await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        answer.json()
    }

    pub async fn open(&self, token: &str, title: TitleId) -> Answer {
        self.post(token, "/playback-sessions", &json!({"title_id": title})).await
    }

    /// A session that must open; its playback URL.
    pub async fn play(&self, viewer: &TestViewer, title: TitleId) -> String {
        let answer = self.open(&viewer.token, title).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        answer.json()["playback_url"].as_str().unwrap().to_owned()
    }

    pub async fn stop(mut self) {
        self.app.shutdown.begin();
        if let Some(serving) = self.serving.take() {
            serving.drained().await;
        }
    }
}

/// The code of a refusal, or the status of an answer that is none.
pub fn outcome(answer: &Answer) -> String {
    if answer.status.is_success() { answer.status.as_u16().to_string() } else { answer.code() }
}
