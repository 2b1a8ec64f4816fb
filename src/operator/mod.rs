//! The operator's API: the catalogue, its rights and offers, memberships, refunds and revocations, uploads and the jobs
//! that make films of them. Every write appends to the audit log.

use std::sync::Arc;

use serde_json::Value;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::caller::AnOperator;
use crate::api::problem::Problem;
use crate::api::{self, Api, AsApi};
use crate::operator::uploads::Uploads;

pub mod assets;
pub mod avails;
pub mod jobs;
pub mod members;
pub mod offers;
pub mod sales;
pub mod sessions;
pub mod titles;
pub mod tus;
pub mod uploads;

/// Everything the operator's API works with.
pub struct Operators {
    pub api: Arc<Api>,
    pub uploads: Arc<Uploads>,
}

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
        .routes(routes!(titles::list, titles::create))
        .routes(routes!(titles::show, titles::edit))
        .routes(routes!(avails::list, avails::create))
        .routes(routes!(avails::edit))
        .routes(routes!(offers::list, offers::create))
        .routes(routes!(members::list_plans, members::create_plan))
        .routes(routes!(members::create_membership))
        .routes(routes!(sales::list_purchases))
        .routes(routes!(sales::refund))
        .routes(routes!(sales::revoke_grant))
        .routes(routes!(sessions::list))
        .routes(routes!(sessions::revoke))
        .routes(routes!(assets::list))
        .routes(routes!(assets::show))
        .routes(routes!(jobs::list))
        .routes(routes!(jobs::show))
        .routes(routes!(tus::discover, tus::create))
        .routes(routes!(tus::progress, tus::append, tus::terminate))
}
