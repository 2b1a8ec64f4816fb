//! The operator's API: the catalogue, its rights and offers, storefronts, memberships, sales, vouchers, refunds and
//! revocations, the journal, uploads and the jobs that make films of them; the console's door, the people behind it and
//! what they may. Every write appends to the audit log, and every handler names the role it needs.

use std::sync::Arc;

use serde_json::Value;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::caller::AnOperator;
use crate::api::problem::Problem;
use crate::api::{self, Api, AsApi};
use crate::inspect::asset::AssetReports;
use crate::operator::board::Boards;
use crate::operator::cards::Cards;
use crate::operator::feed::Feeds;
use crate::operator::hand::Disk;
use crate::operator::settings::Settings;
use crate::operator::studio::Studio;
use crate::operator::uploads::Uploads;

pub mod assets;
pub mod audit;
pub mod avails;
pub mod avails_exchange;
pub mod board;
pub mod campaigns;
pub mod cards;
pub mod clicks;
pub mod collections;
pub mod compliance;
pub mod conformance;
pub mod console;
pub mod coupons;
pub mod day;
pub mod deals;
pub mod deliveries;
pub mod explain;
pub mod feed;
pub mod hand;
pub mod holdbacks;
pub mod homes;
pub mod jobs;
pub mod ledger;
pub mod licence;
pub mod members;
pub mod offers;
pub mod outages;
pub mod package_keys;
pub mod parties;
pub mod partner_titles;
pub mod people;
pub mod placement_blocks;
pub mod plans;
pub mod products;
pub mod posters;
pub mod refunds_due;
pub mod release_dates;
pub mod sale;
pub mod qoe;
pub mod sales;
pub mod screeners;
pub mod series;
pub mod sessions;
pub mod settings;
pub mod simulation;
pub mod storefronts;
pub mod studio;
pub mod title_changes;
pub mod title_films;
pub mod title_sales;
pub mod thresholds;
pub mod titles;
pub mod tokens;
pub mod tus;
pub mod uploads;
pub mod viewers;
pub mod vouchers;
pub mod wallets;

/// Everything the operator's API works with.
pub struct Operators {
    pub api: Arc<Api>,
    pub uploads: Arc<Uploads>,
    pub boards: Boards,
    pub feeds: Feeds,
    pub disk: DiskSource,
    pub settings: Settings,
    pub studio: Studio,
    pub cards: Arc<Cards>,
    pub reports: AssetReports,
}

/// Says how much room there is, where that can be told.
pub type DiskSource = Arc<dyn Fn() -> Option<Disk> + Send + Sync>;

impl AsApi for Arc<Operators> {
    fn api(&self) -> &Api {
        &self.api
    }
}

impl Operators {
    /// Notes a write that an operator has made.
    async fn audit(&self, operator: &AnOperator, action: &str, subject: &str, detail: Value) -> Result<(), Problem> {
        Ok(self.api.audit(&operator.id.to_string(), action, subject, detail).await?)
    }
}

/// The routes, for [`crate::api::router`].
pub fn router(operators: Arc<Operators>) -> OpenApiRouter {
    routes().with_state(operators)
}

/// The OpenAPI document of the whole service.
pub fn document() -> OpenApi {
    api::openapi::document(routes().into_openapi())
}

fn routes() -> OpenApiRouter<Arc<Operators>> {
    OpenApiRouter::default()
        .routes(routes!(console::check))
        .routes(routes!(console::welcome))
        .routes(routes!(console::sign_in))
        .routes(routes!(console::sign_out))
        .routes(routes!(console::me, console::edit_me))
        .routes(routes!(console::change_password))
        .routes(routes!(people::list, people::invite))
        .routes(routes!(people::edit))
        .routes(routes!(people::link))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke))
        .routes(routes!(settings::show))
        .routes(routes!(audit::list))
        .routes(routes!(titles::list, titles::create))
        .routes(routes!(titles::show, titles::edit))
        .routes(routes!(licence::show, licence::put, licence::remove))
        .routes(routes!(compliance::show, compliance::record))
        .routes(routes!(series::list, series::create))
        .routes(routes!(series::show, series::edit, series::remove))
        .routes(routes!(collections::list, collections::create))
        .routes(routes!(collections::show, collections::edit, collections::remove))
        .routes(routes!(placement_blocks::show, placement_blocks::set))
        .routes(routes!(thresholds::list))
        .routes(routes!(avails::list, avails::create))
        .routes(routes!(posters::upload))
        .routes(routes!(avails::check))
        .routes(routes!(release_dates::create))
        .routes(routes!(release_dates::zones))
        .routes(routes!(avails::edit, avails::remove))
        .routes(routes!(plans::change))
        .routes(routes!(simulation::explain))
        .routes(routes!(avails_exchange::export))
        .routes(routes!(avails_exchange::import))
        .routes(routes!(parties::list, parties::create))
        .routes(routes!(parties::edit))
        .routes(routes!(deals::board))
        .routes(routes!(deals::list, deals::create))
        .routes(routes!(deals::edit, deals::remove))
        .routes(routes!(deals::revoke))
        .routes(routes!(deliveries::list, deliveries::record))
        .routes(routes!(deliveries::recall))
        .routes(routes!(deliveries::answer))
        .routes(routes!(package_keys::keep, package_keys::show))
        .routes(routes!(outages::list, outages::record))
        .routes(routes!(screeners::list, screeners::create))
        .routes(routes!(screeners::revoke))
        .routes(routes!(screeners::list_of_viewer))
        .routes(routes!(holdbacks::list, holdbacks::create))
        .routes(routes!(holdbacks::remove))
        .routes(routes!(offers::list, offers::create))
        .routes(routes!(offers::withdraw))
        .routes(routes!(products::list, products::create))
        .routes(routes!(products::withdraw))
        .routes(routes!(coupons::list, coupons::create))
        .routes(routes!(coupons::void))
        .routes(routes!(wallets::show))
        .routes(routes!(wallets::create))
        .routes(routes!(wallets::void))
        .routes(routes!(wallets::reward))
        .routes(routes!(members::list_plans, members::create_plan))
        .routes(routes!(members::list_memberships, members::create_membership))
        .routes(routes!(members::end_membership))
        .routes(routes!(storefronts::list, storefronts::create))
        .routes(routes!(storefronts::show, storefronts::edit))
        .routes(routes!(vouchers::list, vouchers::create))
        .routes(routes!(vouchers::void))
        .routes(routes!(vouchers::list_of_party))
        .routes(routes!(partner_titles::list))
        .routes(routes!(partner_titles::show))
        .routes(routes!(partner_titles::sales))
        .routes(routes!(viewers::list))
        .routes(routes!(viewers::show))
        .routes(routes!(homes::set, homes::forget))
        .routes(routes!(viewers::reset_lock))
        .routes(routes!(ledger::list))
        .routes(routes!(sales::list_purchases))
        .routes(routes!(sale::show))
        .routes(routes!(sales::refund))
        .routes(routes!(refunds_due::show, refunds_due::give))
        .routes(routes!(sales::revoke_grant))
        .routes(routes!(sessions::list))
        .routes(routes!(sessions::show))
        .routes(routes!(sessions::timeline))
        .routes(routes!(sessions::revoke))
        .routes(routes!(board::board))
        .routes(routes!(feed::feed))
        .routes(routes!(title_sales::sales))
        .routes(routes!(clicks::list))
        .routes(routes!(campaigns::report))
        .routes(routes!(qoe::report))
        .routes(routes!(explain::explain))
        .routes(routes!(explain::explain_session))
        .routes(routes!(assets::list))
        .routes(routes!(assets::show))
        .routes(routes!(assets::excerpt))
        .routes(routes!(conformance::show))
        .routes(routes!(jobs::list))
        .routes(routes!(jobs::show))
        .routes(routes!(tus::discover, tus::list, tus::create))
        .routes(routes!(tus::progress, tus::append, tus::terminate))
}
