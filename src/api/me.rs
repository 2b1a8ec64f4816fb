//! A viewer's own account: the name, the password, where one is signed in, what is playing, the membership.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::Api;
use crate::api::accounts::{PasswordBody, ViewerBody, password_refused, viewer_body};
use crate::api::body::{Id, JsonBody, QueryOf};
use crate::api::caller::AViewer;
use crate::api::page::{List, PageQuery};
use crate::api::problem::Problem;
use crate::base::clock::UtcMs;
use crate::base::id::{ApiTokenId, PlanId, SessionId, TitleId};
use crate::commerce::account::Visit;
use crate::rights::membership::Membership;
use crate::rights::session::PlaybackSession;
use crate::rights::snapshot::Snapshot;
use crate::store::db::account::ViewerEdit;

#[derive(Deserialize, ToSchema)]
#[schema(as = ViewerEdit)]
#[serde(deny_unknown_fields)]
pub struct EditBody {
    /// Empty for none.
    display_name: Option<String>,
    /// A language tag such as `zh-CN`.
    language: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct SignInRowBody {
    id: ApiTokenId,
    /// `Chrome on Linux`
    device: String,
    created_at: UtcMs,
    /// To within ten minutes.
    last_seen_at: Option<UtcMs>,
    /// Since when it is one of the devices that the account may watch on; null until it plays what the account has.
    registered_at: Option<UtcMs>,
    /// It is the one that asks.
    current: bool,
}

#[derive(Serialize, ToSchema)]
pub struct MyPlaybackSessionBody {
    id: SessionId,
    title_id: TitleId,
    /// Of the title, by language tag.
    name: std::collections::BTreeMap<String, String>,
    device: String,
    opened_at: UtcMs,
}

#[derive(Serialize, ToSchema)]
pub struct MyMembershipBody {
    plan: MyPlanBody,
    starts_at: UtcMs,
    ends_at: UtcMs,
}

#[derive(Serialize, ToSchema)]
pub struct MyPlanBody {
    id: PlanId,
    name: String,
}

/// Another name, another language: what is not named stays.
#[utoipa::path(patch, path = "/me", tag = "accounts", operation_id = "edit_me", request_body = EditBody,
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, description = "The viewer as it is now", body = ViewerBody),
    (status = 422, description = "DISPLAY_NAME_INVALID, LANGUAGE_INVALID"),
))]
pub async fn edit(
    State(api): State<Arc<Api>>,
    viewer: AViewer,
    body: JsonBody<EditBody>,
) -> Result<Json<ViewerBody>, Problem> {
    let EditBody { display_name, language } = body.value;
    let edited = api.accounts.edit_viewer(viewer.id, ViewerEdit { display_name, language }).await?;
    Ok(Json(viewer_body(&api, edited.ok_or_else(Problem::unauthenticated)?).await?))
}

/// Another password. Every other sign-in ends.
#[utoipa::path(post, path = "/me/password", tag = "accounts", operation_id = "change_password",
    request_body = PasswordBody, security(("bearer" = []), ("cookie" = [])), responses(
    (status = 204, description = "It is changed"),
    (status = 403, description = "PASSWORD_WRONG"),
    (status = 422, description = "PASSWORD_INVALID"),
    (status = 429, description = "RATE_LIMITED"),
))]
pub async fn change_password(
    State(api): State<Arc<Api>>,
    viewer: AViewer,
    visit: Visit,
    body: JsonBody<PasswordBody>,
) -> Result<StatusCode, Problem> {
    let PasswordBody { current, new } = body.value;
    let who = (viewer.id, viewer.caller.token());
    api.accounts.change_password(who, &current, &new, visit.address).await?.map_err(password_refused)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Where one is signed in, newest first.
#[utoipa::path(get, path = "/me/sign-ins", tag = "accounts", operation_id = "list_sign_ins", params(PageQuery),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, description = "A page of sign-ins", body = List<SignInRowBody>),
))]
pub async fn list_sign_ins(
    State(api): State<Arc<Api>>,
    viewer: AViewer,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<List<SignInRowBody>>, Problem> {
    let rows = api.db.sign_ins(viewer.id, api.clock.now(), &query.page()?).await?;
    let current = viewer.caller.token();
    query.list(
        rows,
        |token| token.id.to_string(),
        |token| SignInRowBody {
            id: token.id,
            device: token.name,
            created_at: token.created_at,
            last_seen_at: token.last_seen_at,
            registered_at: token.registered_at,
            current: token.id == current,
        },
    )
}

/// Sign out somewhere else, or here. What plays there goes on to its end; a device makes room for another one.
#[utoipa::path(delete, path = "/me/sign-ins/{id}", tag = "accounts", operation_id = "end_sign_in",
    params(("id" = ApiTokenId, Path)), security(("bearer" = []), ("cookie" = [])), responses(
    (status = 204, description = "It is over"),
    (status = 404, description = "No sign-in of the caller's, or one that is over"),
))]
pub async fn end_sign_in(
    State(api): State<Arc<Api>>,
    viewer: AViewer,
    Id(id): Id<ApiTokenId>,
) -> Result<StatusCode, Problem> {
    let is_over = api.db.end_sign_in(viewer.id, id, api.clock.now()).await?;
    if is_over { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::not_found()) }
}

/// What is playing on the viewer's account, newest first. `DELETE /playback-sessions/{id}` ends one.
#[utoipa::path(get, path = "/me/playback-sessions", tag = "accounts", operation_id = "list_my_playback_sessions",
    params(PageQuery), security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, description = "A page of open sessions", body = List<MyPlaybackSessionBody>),
))]
pub async fn list_playback_sessions(
    State(api): State<Arc<Api>>,
    viewer: AViewer,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<List<MyPlaybackSessionBody>>, Problem> {
    let rows = api.db.open_sessions_of(viewer.id, api.clock.now(), &query.page()?).await?;
    let snapshot = api.follower.snapshot();
    query.list(rows, |session| session.id.to_string(), |session| session_body(session, &snapshot))
}

/// The membership that lasts longest of those that are on, and until when it goes on with those that follow it without a
/// gap; null without one.
#[utoipa::path(get, path = "/me/membership", tag = "accounts", operation_id = "show_my_membership",
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, description = "The membership, or null", body = Option<MyMembershipBody>),
))]
pub async fn membership(
    State(api): State<Arc<Api>>,
    viewer: AViewer,
) -> Result<Json<Option<MyMembershipBody>>, Problem> {
    let now = api.clock.now();
    let mut memberships = api.db.memberships(viewer.id, api.livemode).await?;
    memberships.sort_by_key(|row| row.starts_at);
    let Some(membership) = memberships.iter().filter(|row| row.is_active(now)).max_by_key(|row| row.ends_at) else {
        return Ok(Json(None));
    };
    let follows = |ends_at: UtcMs, row: &&Membership| {
        row.plan_id == membership.plan_id
            && row.revoked_at.is_none()
            && row.starts_at <= ends_at
            && row.ends_at > ends_at
    };
    let ends_at = memberships
        .iter()
        .fold(membership.ends_at, |ends_at, row| if follows(ends_at, &row) { row.ends_at } else { ends_at });
    let plan = api.db.plan(membership.plan_id).await?.map(|plan| MyPlanBody { id: plan.id, name: plan.name });
    let starts_at = membership.starts_at;
    Ok(Json(plan.map(|plan| MyMembershipBody { plan, starts_at, ends_at })))
}

fn session_body(session: PlaybackSession, snapshot: &Snapshot) -> MyPlaybackSessionBody {
    let title = snapshot.title(session.title_id);
    MyPlaybackSessionBody {
        id: session.id,
        title_id: session.title_id,
        name: title.map(|title| title.title.name.clone()).unwrap_or_default(),
        device: session.device,
        opened_at: session.opened_at,
    }
}
