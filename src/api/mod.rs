//! The JSON API of viewers, and what every room that answers in JSON shares: who calls, problem details, idempotency
//! keys, pages of lists, metrics, health, and the OpenAPI document generated from the code.
//!
//! **Invariant:** every answer passes [`frame`], which gives it a request id, renders its problem details, sets the
//! security headers and counts it. No handler writes an error body.

use std::sync::Arc;

use axum::Router;
use axum::middleware;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::audience::Audience;
use crate::base::clock::Clock;
use crate::base::error::Result;
use crate::base::id::AuditId;
use crate::base::shutdown::Shutdown;
use crate::commerce::account::Accounts;
use crate::commerce::checkout::Checkout;
use crate::commerce::package_keys::PackageKeys;
use crate::commerce::partners::Partners;
use crate::commerce::sandbox::Sandbox;
use crate::commerce::unlocks::Unlocks;
use crate::commerce::voucher::Vouchers;
use crate::playback::follower::Follower;
use crate::playback::library::Library;
use crate::playback::sessions::Sessions;
use crate::store::db::Db;
use crate::store::db::audit::AuditLine;
use crate::store::key::ObjectKey;
use crate::store::state::State;

pub mod accounts;
pub mod body;
pub mod caller;
pub mod campaign;
pub mod caps;
pub mod collections;
pub mod deliveries;
pub mod etag;
pub mod events;
pub mod film;
pub mod frame;
pub mod grants;
pub mod health;
pub mod hearing;
pub mod idempotency;
pub mod lock;
pub mod looker;
pub mod me;
pub mod merchandise;
pub mod metrics;
pub mod openapi;
pub mod page;
pub mod partners;
pub mod payments;
pub mod playback_sessions;
pub mod posters;
pub mod problem;
pub mod products;
pub mod progress;
pub mod purchases;
pub mod role;
pub mod sandbox;
pub mod screeners;
pub mod series;
pub mod shelf;
pub mod storefront;
pub mod telemetry;
pub mod title_brief;
pub mod titles;
pub mod vouchers;
pub mod wallet;

/// Where the API stands in the URL space.
pub const BASE: &str = "/api/v1";

/// Reads a poster, a JPEG, out of the object store.
pub type PosterSource = Arc<dyn Fn(ObjectKey) -> BoxFuture<'static, Result<Bytes>> + Send + Sync>;

/// Everything the API works with.
pub struct Api {
    pub db: Arc<dyn Db>,
    pub state: Arc<dyn State>,
    pub clock: Clock,
    pub shutdown: Shutdown,
    pub accounts: Arc<Accounts>,
    pub follower: Arc<Follower>,
    pub sessions: Arc<Sessions>,
    pub library: Arc<Library>,
    pub checkout: Arc<Checkout>,
    /// In test mode.
    pub sandbox: Option<Arc<Sandbox>>,
    pub vouchers: Arc<Vouchers>,
    pub unlocks: Arc<Unlocks>,
    pub partners: Arc<Partners>,
    pub package_keys: Arc<PackageKeys>,
    pub audience: Arc<Audience>,
    pub posters: PosterSource,
    pub metrics: metrics::Metrics,
    /// Money is real, and so are grants.
    pub livemode: bool,
}

/// A router's state from which the API can be reached: what the shared extractors ask for.
pub trait AsApi: Clone + Send + Sync + 'static {
    fn api(&self) -> &Api;
}

impl AsApi for Arc<Api> {
    fn api(&self) -> &Api {
        self
    }
}

impl Api {
    /// Appends to the audit log. `detail` holds no token, key or password.
    pub async fn audit(&self, actor: &str, action: &str, subject: &str, detail: serde_json::Value) -> Result<()> {
        let now = self.clock.now();
        let line = AuditLine {
            id: AuditId::new(now),
            at: now,
            actor: actor.to_owned(),
            action: action.to_owned(),
            subject: subject.to_owned(),
            detail: detail.to_string(),
        };
        self.db.append_audit(&line).await
    }
}

/// The whole service: the viewers' API, the routes of `rooms` (under [`BASE`] as well), and the process's own routes.
pub fn router(api: Arc<Api>, rooms: OpenApiRouter) -> Router {
    let (router, document) = OpenApiRouter::with_openapi(openapi::frame_document())
        .nest(BASE, viewer_routes().with_state(api.clone()).merge(rooms))
        .merge(process_routes().with_state(api.clone()))
        .split_for_parts();
    openapi::serve(router, &openapi::finish(document))
        .fallback(problem::no_route)
        .method_not_allowed_fallback(problem::no_method)
        .layer(middleware::from_fn_with_state(api, frame::frame))
}

fn viewer_routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::default()
        .routes(routes!(accounts::sign_up))
        .routes(routes!(accounts::sign_in))
        .routes(routes!(accounts::sign_out))
        .routes(routes!(accounts::me, me::edit))
        .routes(routes!(me::change_password))
        .routes(routes!(me::list_sign_ins))
        .routes(routes!(me::end_sign_in))
        .routes(routes!(me::list_playback_sessions))
        .routes(routes!(me::membership))
        .routes(routes!(screeners::list))
        .routes(routes!(lock::show, lock::set))
        .routes(routes!(lock::remove))
        .routes(routes!(progress::put, progress::forget))
        .routes(routes!(titles::list))
        .routes(routes!(titles::show))
        .routes(routes!(series::show))
        .routes(routes!(collections::list))
        .routes(routes!(collections::show))
        .routes(routes!(posters::poster))
        .routes(routes!(merchandise::go))
        .routes(routes!(purchases::list, purchases::create))
        .routes(routes!(purchases::show))
        .routes(routes!(products::list))
        .routes(routes!(products::quote))
        .routes(routes!(grants::list))
        .routes(routes!(playback_sessions::create))
        .routes(routes!(playback_sessions::end))
        .routes(routes!(playback_sessions::events))
        .routes(routes!(telemetry::report))
        .routes(routes!(telemetry::cmcd))
        .routes(routes!(payments::callback))
        .routes(routes!(sandbox::show, sandbox::press))
        .routes(routes!(storefront::show))
        .routes(routes!(vouchers::redeem))
        .routes(routes!(wallet::show, wallet::edit))
        .routes(routes!(wallet::unlock))
        .routes(routes!(partners::play_for))
        .routes(routes!(partners::list_deals))
        .routes(routes!(partners::show_deal))
        .routes(routes!(partners::report_premiere))
        .routes(routes!(partners::take_package_key))
        .routes(routes!(partners::list_outages))
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::answer))
}

fn process_routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::default()
        .routes(routes!(health::livez))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
}
