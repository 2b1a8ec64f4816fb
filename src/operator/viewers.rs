//! Viewers as customers.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use crate::api::body::{Id, JsonBody, QueryOf};
use crate::api::caller::AnOperator;
use crate::api::grants::GrantRow;
use crate::api::lock::LockBody;
use crate::api::page::{List, PageQuery};
use crate::api::problem::Problem;
use crate::api::role::Editor;
use crate::base::clock::UtcMs;
use crate::base::id::ViewerId;
use crate::base::limits;
use crate::base::money::Money;
use crate::operator::Operators;
use crate::operator::homes::HomeBody;
use crate::operator::members::MembershipBody;
use crate::operator::sales::{PurchaseRow, ReasonBody};
use crate::store::db::Page;
use crate::store::db::sales::{Member, Patron, SaleFilter};

/// Purchases that stand on a viewer's page; the others are in the list of purchases.
const PURCHASES_SHOWN: u32 = 50;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ViewersQuery {
    /// How the address begins, in any case.
    query: Option<String>,
    /// Rows on the page, 50 if not said.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct ViewerRow {
    id: ViewerId,
    email: String,
    display_name: Option<String>,
    created_at: UtcMs,
    member: bool,
    /// Paid for, also where the money went back.
    purchases: u32,
    /// Paid and not refunded, one amount for each currency.
    spent: Vec<Money>,
}

#[derive(Serialize, ToSchema)]
pub struct ViewerDetail {
    id: ViewerId,
    email: String,
    display_name: Option<String>,
    created_at: UtcMs,
    member: bool,
    spent: Vec<Money>,
    /// Paid for, also where the money went back.
    purchase_count: u32,
    /// That are valid now.
    sign_ins: u32,
    /// Where they live, if that has been verified.
    home: Option<HomeBody>,
    /// The parental lock, where there is one.
    lock: Option<LockBody>,
    memberships: Vec<MembershipBody>,
    grants: Vec<GrantRow>,
    /// The newest ones.
    purchases: Vec<PurchaseRow>,
}

/// Viewers, newest first.
#[utoipa::path(get, path = "/operator/viewers", tag = "operator", operation_id = "operator_list_viewers",
    params(ViewersQuery), security(("bearer" = [])), responses(
    (status = 200, description = "A page of viewers", body = List<ViewerRow>),
))]
pub async fn list(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    QueryOf(ViewersQuery { query, limit, cursor }): QueryOf<ViewersQuery>,
) -> Result<Json<List<ViewerRow>>, Problem> {
    let api = &operators.api;
    let search = searched(query)?;
    let query = PageQuery { limit, cursor };
    let rows = api.db.audience(search.as_deref(), &query.page()?, api.clock.now()).await?;
    query.list(rows, |row| row.viewer.id.to_string(), ViewerRow::new)
}

/// One viewer.
#[utoipa::path(get, path = "/operator/viewers/{id}", tag = "operator", operation_id = "operator_show_viewer",
    params(("id" = ViewerId, Path)), security(("bearer" = [])), responses(
    (status = 200, description = "The viewer", body = ViewerDetail),
    (status = 404, description = "VIEWER_NOT_FOUND"),
))]
pub async fn show(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    Id(id): Id<ViewerId>,
) -> Result<Json<ViewerDetail>, Problem> {
    let api = &operators.api;
    let now = api.clock.now();
    let not_found = || Problem::new(StatusCode::NOT_FOUND, "VIEWER_NOT_FOUND", "There is no such viewer.");
    let patron = api.db.patron(id, now).await?.ok_or_else(not_found)?;
    let plans = api.db.plans().await?;
    let plan_name = |id| plans.iter().find(|plan| plan.id == id).map(|plan| plan.name.clone()).unwrap_or_default();
    let memberships = api.db.memberships(id, api.livemode).await?.into_iter().map(|membership| Member {
        viewer_email: patron.viewer.email.clone(),
        plan_name: plan_name(membership.plan_id),
        membership,
    });
    let memberships = memberships.map(|member| MembershipBody::new(member, now)).collect();
    let snapshot = api.follower.snapshot();
    let grants = api.db.grants(id, None).await?;
    let filter = SaleFilter { viewer_id: Some(id), ..SaleFilter::default() };
    let sales = api.db.sales(&filter, &Page { after: None, limit: PURCHASES_SHOWN }).await?;
    let sign_ins = patron.sign_ins;
    let ViewerRow { id, email, display_name, created_at, member, purchases, spent } = ViewerRow::new(patron);
    Ok(Json(ViewerDetail {
        id,
        email,
        display_name,
        created_at,
        member,
        spent,
        purchase_count: purchases,
        sign_ins,
        home: api.db.home(id).await?.map(HomeBody::new),
        lock: api.accounts.lock(id).await?.map(|lock| LockBody::new(lock, now)),
        memberships,
        grants: grants.iter().map(|grant| GrantRow::new(&snapshot, grant, now)).collect(),
        purchases: sales.into_iter().map(|sale| PurchaseRow::new(&snapshot, &sale)).collect(),
    }))
}

/// Take a viewer's parental lock away, for whoever has forgotten PIN and password. Without one there is nothing to do.
#[utoipa::path(post, path = "/operator/viewers/{id}/lock/reset", tag = "operator", operation_id = "operator_reset_lock",
    params(("id" = ViewerId, Path)), request_body = ReasonBody, security(("bearer" = [])), responses(
    (status = 204, description = "There is no lock"),
    (status = 404, description = "VIEWER_NOT_FOUND"),
    (status = 422, description = "REASON_INVALID"),
))]
pub async fn reset_lock(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    Id(id): Id<ViewerId>,
    body: JsonBody<ReasonBody>,
) -> Result<StatusCode, Problem> {
    let db = &operators.api.db;
    let reason = body.value.checked()?;
    if db.viewer(id).await?.is_none() {
        return Err(Problem::new(StatusCode::NOT_FOUND, "VIEWER_NOT_FOUND", "There is no such viewer."));
    }
    if db.remove_lock(id).await? {
        operators.audit(&operator, "lock.reset", &id.to_string(), json!({"reason": reason})).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// What is searched for, if anything is.
pub fn searched(query: Option<String>) -> Result<Option<String>, Problem> {
    let query = query.map(|query| query.trim().to_owned()).filter(|query| !query.is_empty());
    if query.as_ref().is_some_and(|query| query.chars().count() > limits::SEARCH_CHARS_MAX) {
        let detail = format!("Search for at most {} characters.", limits::SEARCH_CHARS_MAX);
        return Err(Problem::new(StatusCode::BAD_REQUEST, "QUERY_INVALID", detail).with_param("query"));
    }
    Ok(query)
}

impl ViewerRow {
    fn new(patron: Patron) -> ViewerRow {
        ViewerRow {
            id: patron.viewer.id,
            email: patron.viewer.email,
            display_name: Some(patron.viewer.display_name).filter(|name| !name.is_empty()),
            created_at: patron.viewer.created_at,
            member: patron.is_member,
            purchases: patron.purchases,
            spent: patron.spent,
        }
    }
}
