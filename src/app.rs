//! The application: the only place that chooses backends and wires the rooms together.
//!
//! [`App::open`] makes everything, clears away what a process that was killed here left half done, and starts nothing;
//! [`App::serve`] binds the ports and starts what runs in the background. Everything drains in one order: requests, jobs,
//! the database.

use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use prometheus_client::registry::Registry;

use crate::api::Api;
use crate::api::metrics::Metrics;
use crate::audience::Audience;
use crate::base::clock::{Clock, UtcMs};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::limits;
use crate::base::shutdown::Shutdown;
use crate::commerce::account::Accounts;
use crate::commerce::checkout::Checkout;
use crate::commerce::package_keys::PackageKeys;
use crate::commerce::partners::Partners;
use crate::commerce::provider::PaymentProvider;
use crate::commerce::sandbox::{self, Sandbox};
use crate::commerce::unlocks::Unlocks;
use crate::commerce::voucher::Vouchers;
use crate::config::{Config, Mode};
use crate::http::listener::{self, Listener, Options, Running, Sharing};
use crate::http::peer::Proxies;
use crate::http::tls::{self, CertificateFiles};
use crate::inspect::asset::AssetReports;
use crate::operator::Operators;
use crate::operator::board::Boards;
use crate::operator::cards::Cards;
use crate::operator::feed::Feeds;
use crate::operator::jobs::{JobRunner, Makers};
use crate::operator::settings::{Setting, Settings};
use crate::operator::studio::Studio;
use crate::operator::uploads::Uploads;
use crate::origin::meter::Meter;
use crate::origin::serve::Origin;
use crate::playback::asset::{BareKeys, LicensedKeys};
use crate::playback::follower::Follower;
use crate::playback::gate::Gate;
use crate::playback::keys::ContentKeys;
use crate::playback::library::Library;
use crate::playback::place::Places;
use crate::playback::sessions::{Rules, Sessions};
use crate::playback::token::Tokens;
use crate::playback::vault::{Vault, random};
use crate::store::blobs::Blobs;
use crate::store::db::Db;
use crate::store::db::account::Bearer;
use crate::store::db::{postgres, sqlite};
use crate::store::state::State;
use crate::store::state::fallback::FallbackState;
use crate::store::state::memory::MemoryState;
use crate::store::state::redis::RedisState;

pub mod disk;
pub mod drm;
pub mod entitlement_hook;
pub mod front;
pub mod ingest;

/// Where the operator's first token is left.
pub const OPERATOR_TOKEN_FILE: &str = "keys/operator.token";

/// Where films are packaged, in the data folder.
pub const WORK_FOLDER: &str = "work";

/// When a link that makes an owner is given out at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnerLink {
    /// Nobody can sign in as an owner.
    IfNobody,
    /// Whoever starts the server asks for one: the owner has forgotten the password.
    Always,
}

/// Everything, opened.
pub struct App {
    pub config: Config,
    pub clock: Clock,
    pub shutdown: Shutdown,
    pub db: Arc<dyn Db>,
    pub state: Arc<dyn State>,
    pub blobs: Blobs,
    pub follower: Arc<Follower>,
    pub sessions: Arc<Sessions>,
    pub checkout: Arc<Checkout>,
    pub sandbox: Option<Arc<Sandbox>>,
    pub accounts: Arc<Accounts>,
    pub uploads: Arc<Uploads>,
    pub library: Arc<Library>,
    pub cards: Arc<Cards>,
    pub origin: Arc<Origin>,
    pub places: Arc<Places>,
    pub audience: Arc<Audience>,
    api: Arc<Api>,
    /// Held as long as the process lives: two servers on one folder would each believe to be alone.
    _lock: std::fs::File,
}

/// A server that answers.
pub struct Serving {
    pub http: SocketAddr,
    pub https: SocketAddr,
    running: Running,
    background: tokio::task::JoinSet<()>,
    app: Arc<App>,
}

impl App {
    /// Opens the data folder and everything in it; makes what is missing.
    pub async fn open(config: Config, clock: Clock) -> Result<Arc<App>> {
        tls::install_provider();
        let key_provider = drm::key_provider(&config.drm)?;
        let licenses = drm::licenses(&config.drm, clock.clone())?;
        let lock = open_data(&config.data)?;
        let shutdown = Shutdown::new();
        let db = open_database(&config).await?;
        let vault = Arc::new(Vault::open(&config.master_key_file())?);
        let objects = objects_folder(&config.data);
        Blobs::remove_unfinished(&objects)?;
        let blobs = Blobs::local(&objects)?;
        let local: Arc<dyn State> = Arc::new(MemoryState::new(clock.clone()));
        let state: Arc<dyn State> = match config.redis_url()? {
            Some(url) => Arc::new(FallbackState::new(Arc::new(RedisState::connect(&url, "marquee")?), local)),
            None => local,
        };
        let livemode = config.is_live();
        let mut registry = Registry::with_prefix("marquee");
        let audience = Arc::new(Audience::new(db.clone(), state.clone(), clock.clone(), &mut registry));
        let billing = entitlement_hook::billing(&config.entitlement_hook, clock.clone(), &mut registry)?;
        let tokens = Arc::new(Tokens::open(&*db, &vault, clock.now()).await?);
        let thresholds = config.compliance.table()?;
        let follower = Follower::open_under(db.clone(), state.clone(), clock.clone(), thresholds).await?;
        let follower = Arc::new(follower);
        let sessions = Arc::new(Sessions::new(
            db.clone(),
            state.clone(),
            clock.clone(),
            follower.clone(),
            tokens.clone(),
            audience.clone(),
            Rules {
                cards: config.release_card.policy(),
                billing,
                device_limit: config.playback.device_limit()?,
                livemode,
            },
        ));
        let sandbox = match config.mode {
            Mode::Test => Some(Arc::new(Sandbox::new(db.clone(), clock.clone(), &random::<32>()?))),
            Mode::Live => None,
        };
        let providers = sandbox.iter().map(|sandbox| sandbox.clone() as Arc<dyn PaymentProvider>).collect::<Vec<_>>();
        let checkout = Arc::new(Checkout::new(
            db.clone(),
            clock.clone(),
            follower.clone(),
            sessions.clone(),
            providers,
            audience.clone(),
            livemode,
        ));
        let accounts = Arc::new(Accounts::new(db.clone(), state.clone(), clock.clone(), livemode)?);
        let vouchers = Arc::new(Vouchers::new(
            db.clone(),
            state.clone(),
            clock.clone(),
            follower.clone(),
            sessions.clone(),
            &vault,
            livemode,
        )?);
        let unlocks = Arc::new(Unlocks::new(db.clone(), clock.clone(), follower.clone(), sessions.clone(), livemode));
        let partners = Arc::new(Partners::new(follower.clone(), clock.clone())?);
        let package_keys = Arc::new(PackageKeys::new(db.clone(), vault.clone(), clock.clone(), follower.clone()));
        let library = Arc::new(Library::new(
            blobs.clone(),
            ContentKeys::new(db.clone(), vault.clone(), clock.clone(), key_provider),
            LicensedKeys {
                bare: if config.drm.bare_keys { BareKeys::HandedOut } else { BareKeys::Refused },
                output: drm::output_protection(&config.drm),
            },
            config.cache.segments_mib.saturating_mul(1024 * 1024),
        ));
        let gate = Gate::new(clock.clone(), tokens, follower.clone(), sessions.clone());
        let uploads = Arc::new(Uploads::new(db.clone(), clock.clone(), config.data.join("uploads")));
        uploads.remove_orphans().await?;
        let cards = Arc::new(Cards {
            db: db.clone(),
            clock: clock.clone(),
            follower: follower.clone(),
            uploads: uploads.clone(),
            blobs: blobs.clone(),
            policy: config.release_card.policy(),
        });
        ingest::tidy_work_folder(&*db, &config.data.join(WORK_FOLDER)).await?;
        let meter = Meter::new(&mut registry);
        let api = Arc::new(Api {
            db: db.clone(),
            state: state.clone(),
            clock: clock.clone(),
            shutdown: shutdown.clone(),
            accounts: accounts.clone(),
            follower: follower.clone(),
            sessions: sessions.clone(),
            library: library.clone(),
            checkout: checkout.clone(),
            sandbox: sandbox.clone(),
            vouchers,
            unlocks,
            partners,
            package_keys,
            audience: audience.clone(),
            posters: ingest::posters(blobs.clone()),
            metrics: Metrics::new(registry),
            livemode,
        });
        Ok(Arc::new(App {
            places: Arc::new(Places::open(config.place.mmdb_file.as_deref(), config.place.default_territory)?),
            config,
            clock,
            shutdown,
            db,
            state,
            blobs,
            follower,
            sessions,
            checkout,
            sandbox,
            accounts,
            uploads,
            origin: Arc::new(Origin::new(gate, library.clone(), licenses, meter, audience.clone())),
            library,
            cards,
            api,
            audience,
            _lock: lock,
        }))
    }

    /// Binds the ports, starts the background work and answers.
    pub fn serve(self: Arc<App>) -> Result<Serving> {
        let http = &self.config.http;
        let certificate = self.certificate()?;
        let plain = Listener::bind(SocketAddr::new(http.address, http.port), Sharing::Exclusive, None)?;
        let secure = Listener::bind(
            SocketAddr::new(http.address, http.https_port),
            Sharing::Exclusive,
            Some(tls::server_config(&certificate)?),
        )?;
        let (http, https) = (plain.address(), secure.address());
        let options = Options {
            limits: crate::http::limits::Limits {
                connections_per_address_max: Some(self.config.http.connections_per_address),
                ..Default::default()
            },
            proxies: Proxies::new(self.config.http.trusted_proxies.clone()),
            shutdown: self.shutdown.clone(),
        };
        let running = listener::serve(vec![plain, secure], front::Front::new(&self), options);
        let background = self.start();
        Ok(Serving { http, https, running, background, app: self })
    }

    /// The API's router, with the operator's rooms in it.
    pub fn router(&self) -> axum::Router {
        let rows = self.config.rows().into_iter();
        let settings = Settings {
            config: rows.map(|(key, value, source)| Setting::new(key, value, source.as_str())).collect(),
            data: self.config.data.clone(),
            master_key_file: self.config.master_key_file(),
            decoder: ingest::decoder(),
        };
        let redraw = ingest::redraw(self.config.data.join(WORK_FOLDER));
        let studio = Studio::new(self.blobs.clone(), self.clock.clone(), redraw);
        let operators = Arc::new(Operators {
            api: self.api.clone(),
            uploads: self.uploads.clone(),
            cards: self.cards.clone(),
            studio,
            reports: AssetReports::new(self.blobs.clone()),
            settings,
            boards: Boards::default(),
            feeds: Feeds::default(),
            disk: disk::source(self.config.data.clone()),
        });
        crate::api::router(self.api.clone(), crate::operator::router(operators))
    }

    /// The certificate of the file, or a development one.
    pub fn certificate(&self) -> Result<CertificateFiles> {
        match (&self.config.http.certificate_file, &self.config.http.private_key_file) {
            (Some(certificate), Some(key)) => {
                Ok(CertificateFiles { certificate: certificate.clone(), key: key.clone() })
            }
            (None, None) => tls::development_certificate(&self.config.data.join("tls"), self.clock.now()),
            _ => Err(Error::new(
                ErrorKind::Config,
                "CONFIG_INVALID",
                "Set both http.certificate_file and http.private_key_file, or neither.",
            )),
        }
    }

    /// Makes the first operator, if there is none, and leaves the token in a file of the data folder. A token file that
    /// no longer opens anything (it has expired, or was emptied for the purpose) gets a new token. The path is returned
    /// when a token was written.
    pub async fn ensure_operator(&self) -> Result<Option<PathBuf>> {
        let path = self.config.data.join(OPERATOR_TOKEN_FILE);
        let own = self.db.operators().await?.into_iter().find(|operator| operator.email.is_none());
        let token = match own {
            None => self.accounts.add_operator("first operator").await?.1,
            Some(operator) => match std::fs::read_to_string(&path) {
                Ok(token) if self.accounts.authenticate(token.trim()).await?.is_none() => {
                    self.accounts.issue_token(Bearer::Operator(operator.id)).await?
                }
                // It is valid, or was taken away once it had been read.
                Ok(_) | Err(_) => return Ok(None),
            },
        };
        write_private(&path, token.as_bytes())?;
        Ok(Some(path))
    }

    /// The secret of a fresh link that makes an owner, where nobody can sign in as one yet or a link is asked for. Those
    /// made earlier are void.
    pub async fn owner_link(&self, when: OwnerLink) -> Result<Option<String>> {
        if when == OwnerLink::IfNobody && self.db.owner_exists().await? {
            return Ok(None);
        }
        Ok(Some(self.accounts.owner_link().await?.secret))
    }

    /// Forgets, once an hour, what has been kept long enough.
    async fn keep_house(self: Arc<App>) {
        loop {
            let now = self.clock.now();
            let forget = async {
                self.db.forget_idempotency_keys(now - limits::IDEMPOTENCY_KEPT).await?;
                self.db.forget_changes(now - limits::CHANGES_KEPT).await?;
                self.forget_telemetry(now).await?;
                self.cards.remove_unused().await
            };
            if let Err(error) = forget.await {
                tracing::warn!(error = error.log_line(), "what is old stays for another hour");
            }
            tokio::select! {
                () = self.shutdown.begun() => return,
                () = self.clock.sleep(limits::HOUSEKEEPING_EVERY) => {}
            }
        }
    }

    /// A little at a time: other writes go in between.
    async fn forget_telemetry(&self, now: UtcMs) -> Result<()> {
        let at_once = limits::FORGOTTEN_AT_ONCE;
        while !self.shutdown.has_begun()
            && self.db.forget_lines(now - limits::TIMELINES_KEPT, at_once).await? == u64::from(at_once)
        {}
        while !self.shutdown.has_begun()
            && self.db.forget_sessions(now - limits::SESSIONS_KEPT, at_once).await? == u64::from(at_once)
        {}
        Ok(())
    }

    fn start(self: &Arc<App>) -> tokio::task::JoinSet<()> {
        let mut background = tokio::task::JoinSet::new();
        background.spawn(self.follower.clone().run(self.shutdown.clone()));
        background.spawn(self.checkout.clone().run(self.shutdown.clone()));
        background.spawn(self.uploads.clone().run(self.shutdown.clone()));
        let (blobs, clock, work) = (self.blobs.clone(), self.clock.clone(), self.config.data.join(WORK_FOLDER));
        let font = self.config.release_card.font_file.clone();
        let makers = Makers {
            film: ingest::packager(blobs.clone(), clock.clone(), work.clone(), self.library.clone()),
            card: ingest::card_maker(blobs, clock, work, font),
        };
        let jobs = Arc::new(JobRunner::new(
            self.db.clone(),
            self.clock.clone(),
            self.follower.clone(),
            self.uploads.clone(),
            self.cards.clone(),
            makers,
            self.audience.clone(),
        ));
        background.spawn(jobs.run(self.shutdown.clone()));
        let (audience, shutdown) = (self.audience.clone(), self.shutdown.clone());
        background.spawn(async move { audience.collector.run(&audience.news, shutdown).await });
        background.spawn(self.clone().keep_house());
        if let Some(sandbox) = &self.sandbox {
            background.spawn(sandbox::send_callbacks(
                sandbox.clone(),
                self.checkout.clone(),
                self.db.clone(),
                self.shutdown.clone(),
            ));
        }
        background
    }
}

impl Serving {
    /// Returns once shutdown has begun and everything has drained: requests, then jobs, then the database.
    pub async fn drained(mut self) {
        self.running.drained().await;
        while self.background.join_next().await.is_some() {}
        self.app.db.close().await;
    }
}

/// The database that is configured, or the one of the data folder, which is made when there is none.
pub async fn open_database(config: &Config) -> Result<Arc<dyn Db>> {
    Ok(Arc::new(match config.database_url()? {
        Some(url) => postgres::open(&url).await?,
        None => sqlite::open(&database_file(&config.data)).await?,
    }))
}

/// Where the embedded database of a data folder is.
pub fn database_file(data: &Path) -> PathBuf {
    data.join("db/marquee.sqlite")
}

/// Where the embedded object store of a data folder is.
pub fn objects_folder(data: &Path) -> PathBuf {
    data.join("objects")
}

/// Makes the data folder with mode 0700, proves that it can be written and takes its lock.
fn open_data(data: &Path) -> Result<std::fs::File> {
    let not_writable = |error: std::io::Error| {
        Error::new(
            ErrorKind::Config,
            "DATA_NOT_WRITABLE",
            format!("The data folder {} cannot be written: {error}. Choose another with --data.", data.display()),
        )
    };
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(data).map_err(not_writable)?;
    std::fs::set_permissions(data, std::fs::Permissions::from_mode(0o700)).map_err(not_writable)?;
    let lock = std::fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(data.join("lock"))
        .map_err(not_writable)?;
    // SAFETY: the descriptor is open for as long as `lock` lives, and flock touches no memory.
    #[allow(unsafe_code)]
    let locked = unsafe { libc::flock(lock.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) };
    if locked != 0 {
        return Err(Error::new(
            ErrorKind::Config,
            "DATA_IN_USE",
            format!("Another server uses the data folder {}. Stop it, or choose another with --data.", data.display()),
        ));
    }
    Ok(lock)
}

/// Writes a secret that only its owner may read.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let write = || -> std::io::Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = std::fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|error| {
        Error::new(ErrorKind::Config, "DATA_NOT_WRITABLE", format!("{} cannot be written.", path.display()))
            .with_source(error)
    })
}
