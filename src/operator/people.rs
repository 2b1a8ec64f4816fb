//! The people who run this server, and those of other parties: who they are, in which role, and how they get in. The
//! server's own operator, which has no address, is not among them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::body::{Id, JsonBody, QueryOf};
use crate::api::page::{List, PageQuery};
use crate::api::problem::Problem;
use crate::api::role::Owner;
use crate::base::clock::UtcMs;
use crate::base::id::{OperatorId, PartyId};
use crate::commerce::account::operators::NewLink;
use crate::operator::Operators;
use crate::operator::console::{OperatorBody, RoleBody};
use crate::rights::snapshot::Snapshot;
use crate::store::db::operator::{Edited, Operator, OperatorEdit};

/// The page that a one-time link opens; its secret stands in the fragment, which no server sees.
pub const WELCOME_PAGE: &str = "/console/welcome#";

#[derive(Serialize, ToSchema)]
#[schema(as = OperatorPerson)]
pub struct PersonBody {
    #[serde(flatten)]
    operator: OperatorBody,
    /// Nobody has come in by the link yet.
    invited: bool,
    disabled_at: Option<UtcMs>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOperatorBody {
    name: String,
    email: String,
    #[schema(inline)]
    role: RoleBody,
    /// With the role `party`, and only with it: of which one.
    party_id: Option<PartyId>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OperatorEditBody {
    role: Option<RoleBody>,
    /// With the role `party`, and only with it: of which one.
    party_id: Option<PartyId>,
    /// True ends the operator's sign-ins, tokens and links at once.
    disabled: Option<bool>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = OperatorInvited)]
pub struct InvitedBody {
    operator: PersonBody,
    /// Shown only here. Whoever has it comes in, once.
    link: String,
    expires_at: UtcMs,
}

#[derive(Serialize, ToSchema)]
#[schema(as = OperatorNewLink)]
pub struct NewLinkBody {
    /// Shown only here. Whoever has it comes in, once.
    link: String,
    expires_at: UtcMs,
}

/// Everybody, oldest first.
#[utoipa::path(get, path = "/operator/operators", tag = "console", operation_id = "list_operators", params(PageQuery),
    security(("bearer" = [])), responses((status = 200, description = "A page of operators", body = List<PersonBody>)))]
pub async fn list(
    State(operators): State<Arc<Operators>>,
    _: Owner,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<List<PersonBody>>, Problem> {
    let mut people = operators.api.db.operators().await?;
    people.retain(|operator| operator.email.is_some());
    let snapshot = operators.api.follower.snapshot();
    query.cut(people, |operator| operator.id.to_string(), |operator| PersonBody::new(&snapshot, operator))
}

/// Invite somebody.
#[utoipa::path(post, path = "/operator/operators", tag = "console", operation_id = "invite_operator",
    request_body = NewOperatorBody, security(("bearer" = [])), responses(
    (status = 201, description = "The operator, and the link that lets them in", body = InvitedBody),
    (status = 409, description = "EMAIL_TAKEN"),
    (status = 422, description = "EMAIL_INVALID, NAME_INVALID, PARTY_NOT_FOUND"),
))]
pub async fn invite(
    State(operators): State<Arc<Operators>>,
    owner: Owner,
    headers: HeaderMap,
    body: JsonBody<NewOperatorBody>,
) -> Result<Response, Problem> {
    let NewOperatorBody { name, email, role, party_id } = body.value;
    let role = role.of(&operators, party_id)?;
    let (operator, link) = operators.api.accounts.invite_operator(owner.id, &email, &name, role).await?;
    let NewLinkBody { link, expires_at } = NewLinkBody::new(&link, &headers);
    let operator = PersonBody::new(&operators.api.follower.snapshot(), operator);
    let body = InvitedBody { operator, link, expires_at };
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

/// Another role, or whether the operator may come in at all.
#[utoipa::path(patch, path = "/operator/operators/{id}", tag = "console", operation_id = "edit_operator",
    params(("id" = OperatorId, Path)), request_body = OperatorEditBody, security(("bearer" = [])), responses(
    (status = 200, description = "The operator as it is now", body = PersonBody),
    (status = 404, description = "OPERATOR_NOT_FOUND"),
    (status = 409, description = "LAST_OWNER"),
    (status = 422, description = "PARTY_NOT_FOUND, FIELD_INVALID"),
))]
pub async fn edit(
    State(operators): State<Arc<Operators>>,
    owner: Owner,
    Id(id): Id<OperatorId>,
    body: JsonBody<OperatorEditBody>,
) -> Result<Json<PersonBody>, Problem> {
    let OperatorEditBody { role, party_id, disabled } = body.value;
    let role = match (role, party_id) {
        (None, None) => None,
        (None, Some(_)) => {
            let detail = "Say the role party too: nobody of the house is moved to a party by its id alone.";
            let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "FIELD_INVALID", detail);
            return Err(problem.with_param("role"));
        }
        (Some(role), party_id) => Some(role.of(&operators, party_id)?),
    };
    match operators.api.accounts.edit_operator(owner.id, id, OperatorEdit { role, disabled }).await? {
        Edited::Done(operator) => Ok(Json(PersonBody::new(&operators.api.follower.snapshot(), operator))),
        Edited::Unknown => Err(not_found()),
        Edited::LastOwner => {
            let detail = "This is the only owner who can sign in. Make another one first.";
            Err(Problem::new(StatusCode::CONFLICT, "LAST_OWNER", detail))
        }
    }
}

/// A new link, for whoever has forgotten the password or lost the first one. Earlier links of the operator are void.
#[utoipa::path(post, path = "/operator/operators/{id}/link", tag = "console", operation_id = "link_operator",
    params(("id" = OperatorId, Path)), security(("bearer" = [])), responses(
    (status = 201, description = "The link", body = NewLinkBody),
    (status = 404, description = "OPERATOR_NOT_FOUND, of a disabled one too"),
))]
pub async fn link(
    State(operators): State<Arc<Operators>>,
    owner: Owner,
    Id(id): Id<OperatorId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let link = operators.api.accounts.link_operator(owner.id, id).await?.ok_or_else(not_found)?;
    Ok((StatusCode::CREATED, Json(NewLinkBody::new(&link, &headers))).into_response())
}

fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "OPERATOR_NOT_FOUND", "There is no such operator.")
}

impl NewLinkBody {
    /// Whole for a browser, which says where it is; a program knows where it called.
    fn new(link: &NewLink, headers: &HeaderMap) -> NewLinkBody {
        let origin = headers.get(header::ORIGIN).and_then(|value| value.to_str().ok()).unwrap_or_default();
        NewLinkBody { link: format!("{origin}{WELCOME_PAGE}{}", link.secret), expires_at: link.expires_at }
    }
}

impl PersonBody {
    fn new(snapshot: &Snapshot, operator: Operator) -> PersonBody {
        PersonBody {
            invited: !operator.has_password,
            disabled_at: operator.disabled_at,
            operator: OperatorBody::new(snapshot, operator),
        }
    }
}
