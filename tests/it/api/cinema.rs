//! A cinema with one of each: the API over SQLite in a folder of its own, on a simulated clock.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use marquee::api::Api;
use marquee::api::metrics::Metrics;
use marquee::audience::Audience;
use marquee::base::clock::{SimClock, UtcMs};
use marquee::base::error::{Error, ErrorKind};
use marquee::base::id::{AssetId, AvailId, OfferId, TitleId, ViewerId};
use marquee::base::money::{Currency, Money};
use marquee::base::shutdown::Shutdown;
use marquee::base::territory::TerritorySet;
use marquee::catalog::asset::{Asset, AssetDetails, AssetState};
use marquee::catalog::details::TitleDetails;
use marquee::catalog::licence::{CardPolicy, LicenceKind};
use marquee::catalog::title::{Title, TitleStatus};
use marquee::commerce::account::Accounts;
use marquee::commerce::checkout::Checkout;
use marquee::commerce::package_keys::PackageKeys;
use marquee::commerce::partners::Partners;
use marquee::commerce::sandbox::Sandbox;
use marquee::commerce::unlocks::Unlocks;
use marquee::commerce::voucher::Vouchers;
use marquee::drm::key_provider::OwnKeys;
use marquee::drm::output_protection::OutputProtection;
use marquee::http::peer::client_network;
use marquee::inspect::asset::AssetReports;
use marquee::operator::Operators;
use marquee::operator::board::Boards;
use marquee::operator::cards::Cards;
use marquee::operator::feed::Feeds;
use marquee::operator::hand::Disk;
use marquee::operator::jobs::{JobRunner, MakeCard, Makers, Package};
use marquee::operator::settings::{Setting, Settings};
use marquee::operator::studio::{Redraw, Studio};
use marquee::operator::uploads::Uploads;
use marquee::playback::asset::{BareKeys, LicensedKeys};
use marquee::playback::follower::Follower;
use marquee::playback::keys::ContentKeys;
use marquee::playback::library::Library;
use marquee::playback::place::Place;
use marquee::playback::sessions::{Rules, Sessions};
use marquee::playback::token::Tokens;
use marquee::playback::vault::Vault;
use marquee::rights::avail::{Avail, LicenseType};
use marquee::rights::grant::GrantClock;
use marquee::rights::offer::{Offer, OfferKind};
use marquee::rights::window::Window;
use marquee::store::blobs::Blobs;
use marquee::store::db::Db;
use marquee::store::db::account::{Bearer, Viewer};
use marquee::store::db::operator::Role;
use marquee::store::db::sqlite;
use marquee::store::state::State;
use marquee::store::state::memory::MemoryState;
use serde_json::Value;
use tower::ServiceExt;

pub const START: &str = "2027-01-15T12:00:00Z";
pub const HOUR: Duration = Duration::from_secs(3600);
pub const BASE: &str = "/api/v1";
pub const HOST: &str = "films.example";

pub struct Cinema {
    pub api: Arc<Api>,
    pub uploads: Arc<Uploads>,
    pub jobs: JobRunner,
    pub sandbox: Arc<Sandbox>,
    pub sim: SimClock,
    pub operator: String,
    pub blobs: Blobs,
    pub operators: Arc<Operators>,
    router: Router,
    _dir: tempfile::TempDir,
}

/// Somebody with a token.
pub struct Guest {
    pub id: ViewerId,
    pub token: String,
}

/// A title with one avail and, where it is sold, one offer.
#[derive(Clone, Copy)]
pub struct Show {
    pub title: TitleId,
    pub avail: AvailId,
    pub offer: OfferId,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or("-")
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Packages any file that does not begin with `bad`. A film has as many milliseconds as its file has bytes, and a second
/// more for each file beside it.
fn packager(clock: marquee::base::clock::Clock) -> Package {
    Arc::new(move |files, id, progress| {
        let now = clock.now();
        Box::pin(async move {
            progress.set(500);
            let bytes = std::fs::read(files.film).unwrap();
            if bytes.starts_with(b"bad") {
                return Err(Error::new(ErrorKind::Unsupported, "INPUT_NOT_A_FILM", "This is not a film."));
            }
            Ok(Asset {
                id,
                source_name: "-".into(),
                duration_ms: (bytes.len() + 1_000 * files.audio.len() + 1_000 * files.subtitles.len()) as i64,
                created_at: now,
                details: AssetDetails::default(),
                state: AssetState::Complete,
            })
        })
    })
}

/// Makes every card but that of a film called `Nameless`.
fn card_maker(clock: marquee::base::clock::Clock) -> MakeCard {
    Arc::new(move |source, id| {
        let now = clock.now();
        Box::pin(async move {
            if source.name == "Nameless" {
                return Err(Error::new(ErrorKind::Config, "CARD_FONT_MISSING", "There is no font."));
            }
            let details = AssetDetails { card_of: Some(source), ..AssetDetails::default() };
            let state = AssetState::Complete;
            Ok(Asset { id, source_name: "-".into(), duration_ms: 5_000, created_at: now, details, state })
        })
    })
}

/// Takes any picture that does not begin with `bad`, and says of which shape it made it.
fn redraw() -> Redraw {
    Arc::new(|picture, shape| {
        Box::pin(async move {
            if picture.starts_with(b"bad") {
                return Err(Error::new(ErrorKind::Unprocessable, "PICTURE_INVALID", "This is not a picture."));
            }
            Ok(format!("{shape:?}:{}", String::from_utf8_lossy(&picture)).into())
        })
    })
}

impl Cinema {
    pub async fn open() -> Cinema {
        let dir = tempfile::tempdir().unwrap();
        let sim = SimClock::new(UtcMs::parse(START).unwrap());
        let clock = sim.clock();
        let db: Arc<dyn Db> = Arc::new(sqlite::open(&dir.path().join("marquee.sqlite")).await.unwrap());
        let state: Arc<dyn State> = Arc::new(MemoryState::new(clock.clone()));
        let vault = Arc::new(Vault::new(&[7; 32]).unwrap());
        let tokens = Arc::new(Tokens::open(&*db, &vault, clock.now()).await.unwrap());
        let follower = Arc::new(Follower::open(db.clone(), state.clone(), clock.clone()).await.unwrap());
        let mut registry = prometheus_client::registry::Registry::with_prefix("marquee");
        let audience = Arc::new(Audience::new(db.clone(), state.clone(), clock.clone(), &mut registry));
        let (following, watching) = (follower.clone(), audience.clone());
        let policy =
            CardPolicy { territories: vec!["CN".parse().unwrap()], licences: vec![LicenceKind::OnlineRelease] };
        let rules = Rules { cards: policy.clone(), billing: None, device_limit: 5, livemode: false };
        let sessions = Sessions::new(db.clone(), state.clone(), clock.clone(), following, tokens, watching, rules);
        let sessions = Arc::new(sessions);
        let sandbox = Arc::new(Sandbox::new(db.clone(), clock.clone(), b"secret"));
        let checkout = Checkout::new(
            db.clone(),
            clock.clone(),
            follower.clone(),
            sessions.clone(),
            vec![sandbox.clone()],
            audience.clone(),
            false,
        );
        let vouchers =
            Vouchers::new(db.clone(), state.clone(), clock.clone(), follower.clone(), sessions.clone(), &vault, false)
                .unwrap();
        let partners = Partners::new(follower.clone(), clock.clone()).unwrap();
        let package_keys = PackageKeys::new(db.clone(), vault.clone(), clock.clone(), follower.clone());
        let unlocks = Unlocks::new(db.clone(), clock.clone(), follower.clone(), sessions.clone(), false);
        let accounts = Accounts::new(db.clone(), state.clone(), clock.clone(), false).unwrap();
        let blobs = Blobs::local(&dir.path().join("objects")).unwrap();
        let keys = ContentKeys::new(db.clone(), vault, clock.clone(), Arc::new(OwnKeys));
        let library = Arc::new(Library::new(
            blobs.clone(),
            keys,
            LicensedKeys { bare: BareKeys::Refused, output: OutputProtection::default() },
            0,
        ));
        let (_, operator) = accounts.add_operator("tester").await.unwrap();
        let uploads = Arc::new(Uploads::new(db.clone(), clock.clone(), dir.path().join("uploads")));
        let cards = Arc::new(Cards {
            db: db.clone(),
            clock: clock.clone(),
            follower: follower.clone(),
            uploads: uploads.clone(),
            blobs: blobs.clone(),
            policy,
        });
        let makers = Makers { film: packager(clock.clone()), card: card_maker(clock.clone()) };
        let (following, watching) = (follower.clone(), audience.clone());
        let jobs =
            JobRunner::new(db.clone(), clock.clone(), following, uploads.clone(), cards.clone(), makers, watching);
        let api = Arc::new(Api {
            db,
            state,
            clock,
            shutdown: Shutdown::new(),
            accounts: Arc::new(accounts),
            follower,
            sessions,
            library,
            checkout: Arc::new(checkout),
            audience,
            posters: Arc::new(|key| Box::pin(async move { Ok(key.path().to_string().into()) })),
            sandbox: Some(sandbox.clone()),
            vouchers: Arc::new(vouchers),
            unlocks: Arc::new(unlocks),
            partners: Arc::new(partners),
            package_keys: Arc::new(package_keys),
            metrics: Metrics::new(registry),
            livemode: false,
        });
        let settings = Settings {
            config: vec![Setting::new("data".into(), "/srv/marquee".into(), "flag")],
            data: dir.path().to_owned(),
            master_key_file: dir.path().join("master.key"),
            decoder: Arc::new(|| Box::pin(async { Ok("libavcodec 59.37.100".to_owned()) })),
        };
        let studio = Studio::new(blobs.clone(), api.clock.clone(), redraw());
        let operators = Arc::new(Operators {
            api: api.clone(),
            uploads: uploads.clone(),
            studio,
            cards,
            settings,
            boards: Boards::default(),
            reports: AssetReports::new(blobs.clone()),
            feeds: Feeds::default(),
            disk: Arc::new(|| Some(Disk { free_bytes: 1 << 40, total_bytes: 1 << 41 })),
        });
        let router = marquee::api::router(api.clone(), marquee::operator::router(operators.clone()));
        Cinema { api, uploads, jobs, sandbox, sim, operator, blobs, operators, router, _dir: dir }
    }

    pub fn now(&self) -> UtcMs {
        self.api.clock.now()
    }

    pub async fn guest(&self, name: &str) -> Guest {
        let now = self.now();
        let id = ViewerId::new(now);
        let viewer = Viewer {
            id,
            email: format!("{name}@films.example"),
            display_name: name.into(),
            language: None,
            created_at: now,
        };
        self.api.db.insert_viewer(&viewer, "$argon2id$none").await.unwrap();
        Guest { id, token: self.api.accounts.issue_token(Bearer::Viewer(id)).await.unwrap() }
    }

    /// A program's token of an operator's, with this role.
    pub async fn operator_token(&self, role: Role) -> String {
        let by = self.api.db.operators().await.unwrap()[0].id;
        self.api.accounts.issue_program_token(by, "test", role, HOUR * 24).await.unwrap().1
    }

    /// A film that is on sale in China from now for two weeks, watched for 48 hours from the purchase.
    pub async fn premiere(&self) -> Show {
        let now = self.now();
        self.show(LicenseType::Vod, now, now + HOUR * 336, GrantClock::OnPurchase { watch_ms: 48 * 3_600_000 }).await
    }

    /// The record of a packaged film.
    pub async fn asset(&self) -> Asset {
        let now = self.now();
        let asset = Asset {
            id: AssetId::new(now),
            source_name: "film".into(),
            duration_ms: 60_000,
            created_at: now,
            details: AssetDetails::default(),
            state: AssetState::Complete,
        };
        self.api.db.insert_asset(&asset).await.unwrap();
        asset
    }

    pub async fn show(&self, license_type: LicenseType, start_at: UtcMs, end_at: UtcMs, clock: GrantClock) -> Show {
        let (db, now) = (&self.api.db, self.now());
        let asset = self.asset().await;
        let show = Show { title: TitleId::new(now), avail: AvailId::new(now), offer: OfferId::new(now) };
        let title = Title {
            id: show.title,
            name: [("en".to_owned(), "A Film".to_owned())].into(),
            synopsis: [].into(),
            status: TitleStatus::Live,
            parts: vec![asset.id],
            runtime_ms: asset.duration_ms,
            details: TitleDetails { country: Some("NL".parse().unwrap()), ..TitleDetails::default() },
            created_at: now,
            version: 1,
        };
        db.insert_title(&title, None).await.unwrap();
        let avail = Avail {
            id: show.avail,
            title_id: show.title,
            license_type,
            description: None,
            territories: TerritorySet::of(["CN".parse().unwrap()]),
            window: Window { start_at, end_at: Some(end_at), zone: "Asia/Shanghai".into() },
            hard_end_at: None,
            caps: None,
        };
        db.insert_avail(&avail, None, now).await.unwrap();
        if license_type == LicenseType::Vod {
            let offer = Offer {
                id: show.offer,
                title_id: show.title,
                avail_id: show.avail,
                kind: OfferKind::Pvod,
                list_price: Money::new(1800, Currency::CNY),
                member_price: Some(Money::new(900, Currency::CNY)),
                clock,
                streams: 3,
                presale_from_at: None,
                sales_cutoff_ms: 0,
                withdrawn_at: None,
            };
            db.insert_offer(&offer, None, now).await.unwrap();
        }
        self.api.follower.announce().await;
        show
    }

    /// A request with a bearer token (or without, when it is empty) from China.
    #[expect(clippy::unused_self, reason = "a request is made in a cinema")]
    pub fn request(&self, method: Method, path: &str, token: &str) -> http::request::Builder {
        let path =
            if path.starts_with("/api/") || !path.contains('/') { path.to_owned() } else { format!("{BASE}{path}") };
        let request = Request::builder().method(method).uri(path).header("host", HOST);
        if token.is_empty() { request } else { request.header("authorization", format!("Bearer {token}")) }
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.send_raw(request).await;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body =
            serde_json::from_slice(&bytes).unwrap_or_else(|_| String::from_utf8_lossy(&bytes).into_owned().into());
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub async fn send_raw(&self, request: Request<Body>) -> http::Response<Body> {
        self.send_from(request, "203.0.113.7", Some("CN")).await
    }

    pub async fn send_from(
        &self,
        mut request: Request<Body>,
        address: &str,
        territory: Option<&str>,
    ) -> http::Response<Body> {
        let address = address.parse().unwrap();
        let network = client_network(address);
        let territory = territory.map(|code| code.parse().unwrap());
        request.extensions_mut().insert(Place { address, network, territory });
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub async fn get(&self, path: &str, token: &str) -> Answer {
        self.send(self.request(Method::GET, path, token).body(Body::empty()).unwrap()).await
    }

    pub async fn post(&self, path: &str, token: &str, body: Value) -> Answer {
        self.post_with_key(path, token, None, body).await
    }

    pub async fn put(&self, path: &str, token: &str, body: Value) -> Answer {
        let request = self.request(Method::PUT, path, token).header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    pub async fn post_with_key(&self, path: &str, token: &str, key: Option<&str>, body: Value) -> Answer {
        let mut request = self.request(Method::POST, path, token).header("content-type", "application/json");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    pub async fn patch(&self, path: &str, token: &str, body: Value) -> Answer {
        let request = self.request(Method::PATCH, path, token).header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    pub async fn buy(&self, show: Show, guest: &Guest, key: &str, outcome: &str) -> Answer {
        self.post_with_key("/purchases", &guest.token, Some(key), order(show, outcome)).await
    }

    pub async fn play(&self, show: Show, guest: &Guest) -> Answer {
        self.post("/playback-sessions", &guest.token, serde_json::json!({"title_id": show.title})).await
    }
}

pub fn order(show: Show, outcome: &str) -> Value {
    serde_json::json!({"offer_id": show.offer, "payment": {"method": "sandbox", "outcome": outcome}})
}
