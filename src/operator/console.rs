//! Operators at the door of the console: the one-time link, signing in and out, and one's own account.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, Uri, header};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::api::accounts::{PasswordBody, password_refused};
use crate::api::body::JsonBody;
use crate::api::caller::{AnOperator, CONSOLE_COOKIE, refuse_foreign_origin};
use crate::api::problem::Problem;
use crate::api::role::{Oneself, require};
use crate::base::clock::UtcMs;
use crate::base::id::{OperatorId, PartyId};
use crate::base::limits;
use crate::commerce::account::operators::{Arrival, LinkOffer, LinkRefusal, OperatorSignedIn};
use crate::commerce::account::{SignInRefusal, Visit};
use crate::operator::Operators;
use crate::operator::parties::PartyKindBody;
use crate::rights::party::PartyKind;
use crate::rights::snapshot::Snapshot;
use crate::store::db::operator::{Operator, Role};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkBody {
    /// What stands behind the `#` of the link.
    token: String,
}

#[derive(Serialize, ToSchema)]
pub struct LinkOfferBody {
    /// `owner` makes an owner; `invite` lets an operator in who is there already.
    #[schema(value_type = String, pattern = "^(owner|invite)$")]
    kind: &'static str,
    #[schema(value_type = RoleBody)]
    role: Role,
    /// Of the invited operator.
    email: Option<String>,
    /// Of the invited operator.
    name: Option<String>,
    /// Whose person is invited, where not the house's.
    party: Option<PartyBrief>,
    expires_at: UtcMs,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WelcomeBody {
    token: String,
    /// Needed from an owner; an invited operator's stands already.
    email: Option<String>,
    /// Needed from an owner.
    name: Option<String>,
    #[schema(min_length = 8)]
    password: String,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = OperatorSignIn)]
#[serde(deny_unknown_fields)]
pub struct SignInBody {
    email: String,
    password: String,
}

#[derive(Serialize, ToSchema)]
#[schema(as = OperatorSignedIn)]
pub struct SignedInBody {
    operator: OperatorBody,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Operator)]
pub struct OperatorBody {
    pub id: OperatorId,
    pub name: String,
    /// Null of the server's own operator, whose token lies in the data folder.
    pub email: Option<String>,
    #[schema(value_type = RoleBody)]
    pub role: Role,
    /// Whose person it is, where not the house's.
    pub party: Option<PartyBrief>,
    pub created_at: UtcMs,
    pub last_seen_at: Option<UtcMs>,
}

/// Another party, as far as its people are told apart by it.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = PartyBrief)]
pub struct PartyBrief {
    id: PartyId,
    name: String,
    #[schema(value_type = PartyKindBody)]
    kind: PartyKind,
}

/// What an operator may do.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = OperatorRole)]
pub enum RoleBody {
    Owner,
    Operator,
    Finance,
    ReadOnly,
    /// A person of another party, who has to do with what is its (`/partner/…`).
    Party,
}

#[derive(Serialize, ToSchema)]
#[schema(as = OperatorMe)]
pub struct MeBody {
    /// With the role that this sign-in or token has.
    operator: OperatorBody,
    livemode: bool,
    /// Whether somebody can sign in as an owner.
    owner_exists: bool,
    /// Of the server.
    version: &'static str,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = OperatorMeEdit)]
#[serde(deny_unknown_fields)]
pub struct MeEditBody {
    name: String,
}

/// What a one-time link is for. It stays unused.
#[utoipa::path(post, path = "/operator/welcome/check", tag = "console", operation_id = "check_operator_link",
    request_body = LinkBody, responses(
    (status = 200, description = "The link can be used", body = LinkOfferBody),
    (status = 404, description = "LINK_NOT_FOUND"),
    (status = 410, description = "LINK_USED, LINK_EXPIRED"),
))]
pub async fn check(
    State(operators): State<Arc<Operators>>,
    visit: Visit,
    body: JsonBody<LinkBody>,
) -> Result<Json<LinkOfferBody>, Problem> {
    let offer = operators.api.accounts.check_link(&body.value.token, visit.address).await?;
    let LinkOffer { operator, expires_at } = offer.map_err(link_refused)?;
    Ok(Json(match operator {
        None => LinkOfferBody { kind: "owner", role: Role::Owner, email: None, name: None, party: None, expires_at },
        Some(operator) => LinkOfferBody {
            kind: "invite",
            role: operator.role,
            party: PartyBrief::of(&operators.api.follower.snapshot(), operator.role),
            email: operator.email,
            name: Some(operator.name),
            expires_at,
        },
    }))
}

/// Come in by a one-time link: the password is set, and the other sign-ins of this operator end.
#[utoipa::path(post, path = "/operator/welcome", tag = "console", operation_id = "welcome_operator",
    request_body = WelcomeBody, responses(
    (status = 201, description = "Signed in; the cookie is set", body = SignedInBody),
    (status = 404, description = "LINK_NOT_FOUND"),
    (status = 410, description = "LINK_USED, LINK_EXPIRED"),
    (status = 422, description = "EMAIL_INVALID, NAME_INVALID, PASSWORD_INVALID"),
))]
pub async fn welcome(
    State(operators): State<Arc<Operators>>,
    visit: Visit,
    uri: Uri,
    headers: HeaderMap,
    body: JsonBody<WelcomeBody>,
) -> Result<Response, Problem> {
    refuse_foreign_origin(&headers, &uri)?;
    let WelcomeBody { token, email, name, password } = body.value;
    let arrival = Arrival { secret: token, email, name, password };
    let signed_in = operators.api.accounts.welcome(&arrival, &visit).await?;
    Ok(answer(&operators, StatusCode::CREATED, signed_in.map_err(link_refused)?))
}

/// Sign in to the console.
#[utoipa::path(post, path = "/operator/sign-in", tag = "console", operation_id = "sign_in_operator",
    request_body = SignInBody, responses(
    (status = 200, description = "Signed in; the cookie is set", body = SignedInBody),
    (status = 401, description = "SIGN_IN_FAILED"),
    (status = 429, description = "RATE_LIMITED"),
))]
pub async fn sign_in(
    State(operators): State<Arc<Operators>>,
    visit: Visit,
    uri: Uri,
    headers: HeaderMap,
    body: JsonBody<SignInBody>,
) -> Result<Response, Problem> {
    refuse_foreign_origin(&headers, &uri)?;
    let SignInBody { email, password } = body.value;
    let signed_in = operators.api.accounts.operator_sign_in(&email, &password, &visit).await?;
    let signed_in = signed_in.map_err(|refusal| match refusal {
        SignInRefusal::Failed => {
            Problem::new(StatusCode::UNAUTHORIZED, "SIGN_IN_FAILED", "Email and password do not match an account.")
        }
        SignInRefusal::TooMany { retry_after } => Problem::too_many(retry_after),
    })?;
    Ok(answer(&operators, StatusCode::OK, signed_in))
}

/// Sign out of the console: the sign-in is over. With a program's token, that token is.
#[utoipa::path(post, path = "/operator/sign-out", tag = "console", operation_id = "sign_out_operator",
    security((), ("bearer" = [])), responses((status = 204, description = "Signed out; the cookie is cleared")))]
pub async fn sign_out(
    State(operators): State<Arc<Operators>>,
    operator: Result<Oneself, Problem>,
) -> Result<Response, Problem> {
    match operator {
        Ok(operator) => {
            let token = operator.caller.token();
            operators.audit(&operator, "operator.sign_out", &token.to_string(), json!({})).await?;
            operators.api.accounts.sign_out(token).await?;
        }
        // Whoever is out already is out.
        Err(problem) if problem.status() == StatusCode::UNAUTHORIZED => {}
        Err(problem) => return Err(problem),
    }
    let cleared = format!("{CONSOLE_COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0");
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cleared)]).into_response())
}

/// Who one is.
#[utoipa::path(get, path = "/operator/me", tag = "console", operation_id = "show_operator_me",
    security(("bearer" = [])), responses((status = 200, description = "The caller", body = MeBody)))]
pub async fn me(State(operators): State<Arc<Operators>>, operator: Oneself) -> Result<Json<MeBody>, Problem> {
    me_body(&operators, &operator).await
}

/// What one is called.
#[utoipa::path(patch, path = "/operator/me", tag = "console", operation_id = "edit_operator_me",
    request_body = MeEditBody, security(("bearer" = [])), responses(
    (status = 200, description = "The caller", body = MeBody),
    (status = 422, description = "NAME_INVALID"),
))]
pub async fn edit_me(
    State(operators): State<Arc<Operators>>,
    operator: Oneself,
    body: JsonBody<MeEditBody>,
) -> Result<Json<MeBody>, Problem> {
    // A program that may less than its operator may not be taken for them.
    let whole = operators.api.db.operator(operator.id).await?.ok_or_else(Problem::unauthenticated)?;
    require(&operator, whole.role)?;
    operators.api.accounts.rename_operator(operator.id, &body.value.name).await?;
    me_body(&operators, &operator).await
}

/// Another password. The other sign-ins of this operator end.
#[utoipa::path(post, path = "/operator/me/password", tag = "console", operation_id = "change_operator_password",
    request_body = PasswordBody, security(("bearer" = [])), responses(
    (status = 204, description = "It is changed"),
    (status = 403, description = "PASSWORD_WRONG"),
    (status = 422, description = "PASSWORD_INVALID"),
    (status = 429, description = "RATE_LIMITED"),
))]
pub async fn change_password(
    State(operators): State<Arc<Operators>>,
    operator: Oneself,
    visit: Visit,
    body: JsonBody<PasswordBody>,
) -> Result<StatusCode, Problem> {
    let PasswordBody { current, new } = body.value;
    let who = (operator.id, operator.caller.token());
    let changed = operators.api.accounts.change_operator_password(who, &current, &new, visit.address).await?;
    changed.map_err(password_refused)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn me_body(operators: &Operators, caller: &AnOperator) -> Result<Json<MeBody>, Problem> {
    let db = &operators.api.db;
    let operator = db.operator(caller.id).await?.ok_or_else(Problem::unauthenticated)?;
    let operator = Operator { role: caller.role, ..operator };
    Ok(Json(MeBody {
        operator: OperatorBody::new(&operators.api.follower.snapshot(), operator),
        livemode: operators.api.livemode,
        owner_exists: db.owner_exists().await?,
        version: env!("CARGO_PKG_VERSION"),
    }))
}

fn answer(
    operators: &Operators,
    status: StatusCode,
    OperatorSignedIn { operator, secret }: OperatorSignedIn,
) -> Response {
    let max_age = limits::CONSOLE_SIGN_IN_AGE.as_secs();
    let cookie = format!("{CONSOLE_COOKIE}={secret}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={max_age}");
    let operator = OperatorBody::new(&operators.api.follower.snapshot(), operator);
    let body = SignedInBody { operator };
    (status, [(header::SET_COOKIE, cookie)], Json(body)).into_response()
}

fn link_refused(refusal: LinkRefusal) -> Problem {
    match refusal {
        LinkRefusal::Unknown => Problem::new(StatusCode::NOT_FOUND, "LINK_NOT_FOUND", "There is no such link."),
        LinkRefusal::Used => {
            Problem::new(StatusCode::GONE, "LINK_USED", "This link has been used. Sign in, or ask for a new one.")
        }
        LinkRefusal::Expired => {
            Problem::new(StatusCode::GONE, "LINK_EXPIRED", "This link no longer works. Ask for a new one.")
        }
        LinkRefusal::TooMany { retry_after } => Problem::too_many(retry_after),
    }
}

impl PartyBrief {
    fn of(snapshot: &Snapshot, role: Role) -> Option<PartyBrief> {
        let party = snapshot.party(role.party()?)?;
        Some(PartyBrief { id: party.id, name: party.name.clone(), kind: party.kind })
    }
}

impl RoleBody {
    /// The role, of this party where it is one's.
    pub fn of(self, operators: &Operators, party_id: Option<PartyId>) -> Result<Role, Problem> {
        let invalid =
            |code, detail: &str| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail).with_param("party_id");
        let role = match self {
            RoleBody::Owner => Role::Owner,
            RoleBody::Operator => Role::Operator,
            RoleBody::Finance => Role::Finance,
            RoleBody::ReadOnly => Role::ReadOnly,
            RoleBody::Party => {
                let party = party_id.filter(|id| operators.api.follower.snapshot().party(*id).is_some());
                let detail = "Say of which party: its id is among those of GET /operator/parties.";
                return party.map(Role::Party).ok_or_else(|| invalid("PARTY_NOT_FOUND", detail));
            }
        };
        match party_id {
            None => Ok(role),
            Some(_) => Err(invalid("FIELD_INVALID", "Only with the role party is somebody of another party.")),
        }
    }
}

impl OperatorBody {
    pub fn new(snapshot: &Snapshot, operator: Operator) -> OperatorBody {
        OperatorBody {
            party: PartyBrief::of(snapshot, operator.role),
            id: operator.id,
            name: operator.name,
            email: operator.email,
            role: operator.role,
            created_at: operator.created_at,
            last_seen_at: operator.last_seen_at,
        }
    }
}
