//! Where viewers live, as operators have verified it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::api::body::{Id, JsonBody};
use crate::api::problem::Problem;
use crate::api::role::Editor;
use crate::base::clock::UtcMs;
use crate::base::id::ViewerId;
use crate::base::territory::Territory;
use crate::operator::Operators;
use crate::rights::portability::{Home, HomeMeans};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewHome)]
pub struct NewHomeBody {
    territory: Territory,
    /// By what it was verified: one or two of the list of Article 5(1) of Regulation (EU) 2017/1128.
    #[schema(value_type = Vec<HomeMeansBody>, min_items = 1, max_items = 2)]
    means: Vec<HomeMeans>,
}

#[derive(ToSchema)]
#[schema(as = HomeMeans, rename_all = "snake_case")]
pub enum HomeMeansBody {
    IdentityCard,
    PaymentDetails,
    DeviceInstallation,
    LicenceFee,
    TelecomContract,
    ElectoralRoll,
    LocalTaxes,
    UtilityBill,
    PostalAddress,
    Declaration,
    IpAddress,
}

/// Where a viewer lives.
#[derive(Serialize, ToSchema)]
#[schema(as = Home)]
pub struct HomeBody {
    territory: Territory,
    #[schema(value_type = Vec<HomeMeansBody>)]
    means: Vec<HomeMeans>,
    verified_at: UtcMs,
    verified_by: String,
}

/// Say where a viewer lives, once that is verified: in the European Economic Area they are served as at home.
#[utoipa::path(put, path = "/operator/viewers/{id}/home", tag = "operator", operation_id = "operator_set_home",
    params(("id" = ViewerId, Path)), request_body = NewHomeBody, security(("bearer" = [])), responses(
    (status = 200, description = "The home", body = HomeBody),
    (status = 404, description = "VIEWER_NOT_FOUND"),
    (status = 422, description = "HOME_INVALID"),
))]
pub async fn set(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    Id(id): Id<ViewerId>,
    body: JsonBody<NewHomeBody>,
) -> Result<Json<HomeBody>, Problem> {
    let NewHomeBody { territory, means } = body.value;
    let home = Home { territory, means, verified_at: operators.api.clock.now(), verified_by: operator.caller.name() };
    home.check()?;
    operators.api.db.set_home(id, Some(&home)).await?;
    operators.audit(&operator, "viewer.home", &id.to_string(), json!({"home": home})).await?;
    Ok(Json(HomeBody::new(home)))
}

/// Forget where a viewer lives: from then on it matters where they are.
#[utoipa::path(delete, path = "/operator/viewers/{id}/home", tag = "operator", operation_id = "operator_forget_home",
    params(("id" = ViewerId, Path)), security(("bearer" = [])), responses(
    (status = 204, description = "It is forgotten"),
    (status = 404, description = "VIEWER_NOT_FOUND"),
))]
pub async fn forget(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    Id(id): Id<ViewerId>,
) -> Result<StatusCode, Problem> {
    operators.api.db.set_home(id, None).await?;
    operators.audit(&operator, "viewer.home", &id.to_string(), json!({"home": null})).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl HomeBody {
    pub fn new(home: Home) -> HomeBody {
        let Home { territory, means, verified_at, verified_by } = home;
        HomeBody { territory, means, verified_at, verified_by }
    }
}
