//! Signing up, in and out, and who one is.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, Uri, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::Api;
use crate::api::body::JsonBody;
use crate::api::caller::{Anyone, At, COOKIE, cookie, refuse_foreign_origin};
use crate::api::problem::Problem;
use crate::api::storefront::AtStorefront;
use crate::base::clock::UtcMs;
use crate::base::id::ViewerId;
use crate::base::limits;
use crate::base::territory::Territory;
use crate::commerce::account::{Caller, PasswordRefusal, SignInRefusal, SignUp, SignedIn, Visit};
use crate::store::db::account::Viewer;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignUpBody {
    email: String,
    /// At least eight characters.
    #[schema(min_length = 8)]
    password: String,
    display_name: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInBody {
    email: String,
    password: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordBody {
    pub current: String,
    #[schema(min_length = 8)]
    pub new: String,
}

#[derive(Serialize, ToSchema)]
pub struct ViewerBody {
    pub id: ViewerId,
    pub email: String,
    pub display_name: Option<String>,
    /// Null until the viewer chooses.
    pub language: Option<String>,
    pub member: bool,
    pub membership_ends_at: Option<UtcMs>,
}

#[derive(Serialize, ToSchema)]
pub struct SignedInBody {
    viewer: ViewerBody,
    /// For the `Authorization` header; shown only here.
    api_token: String,
}

#[derive(Serialize, ToSchema)]
pub struct MeBody {
    /// Null for whoever is not signed in.
    viewer: Option<ViewerBody>,
    /// Where the request comes from; null when that is unknown.
    territory: Option<Territory>,
    /// Where the viewer lives, if that has been verified: what is asked for elsewhere in the European Economic Area is
    /// served as there.
    home: Option<Territory>,
    /// The slug of the storefront that this host is.
    storefront: String,
    livemode: bool,
    /// How many devices an account may watch on; `GET /me/sign-ins` has which they are.
    device_limit: u32,
}

/// Make an account and sign in.
#[utoipa::path(post, path = "/viewers", tag = "accounts", request_body = SignUpBody, responses(
    (status = 201, description = "The account; the cookie of sign-in is set", body = SignedInBody),
    (status = 409, description = "EMAIL_TAKEN"),
    (status = 422, description = "EMAIL_INVALID, PASSWORD_INVALID"),
    (status = 429, description = "RATE_LIMITED"),
))]
pub async fn sign_up(
    State(api): State<Arc<Api>>,
    visit: Visit,
    uri: Uri,
    headers: HeaderMap,
    body: JsonBody<SignUpBody>,
) -> Result<Response, Problem> {
    refuse_foreign_origin(&headers, &uri)?;
    let SignUpBody { email, password, display_name } = body.value;
    let request = SignUp { email, password, display_name: display_name.unwrap_or_default() };
    let signed_in = api.accounts.sign_up(&request, &visit).await?;
    answer(&api, StatusCode::CREATED, signed_in).await
}

/// Sign in. The cookie of an earlier sign-in of the same viewer ends that one.
#[utoipa::path(post, path = "/sign-in", tag = "accounts", request_body = SignInBody, responses(
    (status = 200, description = "Signed in; the cookie is set", body = SignedInBody),
    (status = 401, description = "SIGN_IN_FAILED"),
    (status = 429, description = "RATE_LIMITED"),
))]
pub async fn sign_in(
    State(api): State<Arc<Api>>,
    visit: Visit,
    uri: Uri,
    headers: HeaderMap,
    body: JsonBody<SignInBody>,
) -> Result<Response, Problem> {
    refuse_foreign_origin(&headers, &uri)?;
    let SignInBody { email, password } = body.value;
    let signed_in = api.accounts.sign_in(&email, &password, &visit, cookie(&headers, COOKIE)).await?;
    answer(&api, StatusCode::OK, signed_in).await
}

/// Sign out: the token is no longer valid.
#[utoipa::path(post, path = "/sign-out", tag = "accounts", security((), ("bearer" = []), ("cookie" = [])), responses(
    (status = 204, description = "Signed out; the cookie is cleared"),
))]
pub async fn sign_out(State(api): State<Arc<Api>>, Anyone(caller): Anyone) -> Result<Response, Problem> {
    if let Some(caller) = caller {
        api.accounts.sign_out(caller.token()).await?;
    }
    let cleared = format!("{COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cleared)]).into_response())
}

/// Who one is, and where one seems to be.
#[utoipa::path(get, path = "/me", tag = "accounts", security((), ("bearer" = []), ("cookie" = [])), responses(
    (status = 200, description = "The caller", body = MeBody),
))]
pub async fn me(
    State(api): State<Arc<Api>>,
    Anyone(caller): Anyone,
    At(place): At,
    at: AtStorefront,
) -> Result<Json<MeBody>, Problem> {
    let viewer = match caller {
        Some(Caller::Viewer { id, .. }) => api.db.viewer(id).await?,
        Some(Caller::Operator { .. }) | None => None,
    };
    let (viewer, home) = match viewer {
        Some(viewer) => {
            let home = api.db.home(viewer.id).await?.map(|home| home.territory);
            (Some(viewer_body(&api, viewer).await?), home)
        }
        None => (None, None),
    };
    let storefront = at.storefront.slug.clone();
    let (livemode, device_limit) = (api.livemode, api.sessions.devices().limit());
    Ok(Json(MeBody { viewer, territory: place.territory, home, storefront, livemode, device_limit }))
}

async fn answer(
    api: &Api,
    status: StatusCode,
    signed_in: Result<SignedIn, SignInRefusal>,
) -> Result<Response, Problem> {
    let SignedIn { viewer, secret } = signed_in.map_err(|refusal| match refusal {
        SignInRefusal::Failed => {
            Problem::new(StatusCode::UNAUTHORIZED, "SIGN_IN_FAILED", "Email and password do not match an account.")
        }
        SignInRefusal::TooMany { retry_after } => Problem::too_many(retry_after),
    })?;
    let max_age = limits::API_TOKEN_AGE.as_secs();
    let cookie = format!("{COOKIE}={secret}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={max_age}");
    let body = SignedInBody { viewer: viewer_body(api, viewer).await?, api_token: secret };
    Ok((status, [(header::SET_COOKIE, cookie)], Json(body)).into_response())
}

/// The answer to a password that was not changed.
pub fn password_refused(refusal: PasswordRefusal) -> Problem {
    match refusal {
        PasswordRefusal::Wrong => {
            let detail = "The present password is another one.";
            Problem::new(StatusCode::FORBIDDEN, "PASSWORD_WRONG", detail).with_param("current")
        }
        PasswordRefusal::TooMany { retry_after } => Problem::too_many(retry_after),
    }
}

pub async fn viewer_body(api: &Api, viewer: Viewer) -> Result<ViewerBody, Problem> {
    let now = api.clock.now();
    let memberships = api.db.memberships(viewer.id, api.livemode).await?;
    let ends_at = memberships.iter().filter(|row| row.is_active(now)).map(|row| row.ends_at).max();
    Ok(ViewerBody {
        id: viewer.id,
        email: viewer.email,
        display_name: Some(viewer.display_name).filter(|name| !name.is_empty()),
        language: viewer.language,
        member: ends_at.is_some(),
        membership_ends_at: ends_at,
    })
}
