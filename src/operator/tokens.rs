//! Tokens for programs: each an operator's, for at most the role it was made with.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::body::{Id, JsonBody, QueryOf};
use crate::api::page::{List, PageQuery};
use crate::api::problem::Problem;
use crate::api::role::Owner;
use crate::base::clock::UtcMs;
use crate::base::id::{ApiTokenId, OperatorId};
use crate::base::limits;
use crate::operator::Operators;
use crate::store::db::account::{ApiToken, Bearer, TokenKind};
use crate::store::db::operator::Role;

const DAY: Duration = Duration::from_secs(24 * 3600);

#[derive(Serialize, ToSchema)]
#[schema(as = OperatorToken)]
pub struct TokenBody {
    id: ApiTokenId,
    name: String,
    #[schema(value_type = String, pattern = "^(owner|operator|finance|read_only)$")]
    role: Role,
    /// Who made it; it may no more than they may.
    operator_id: Option<OperatorId>,
    created_at: UtcMs,
    expires_at: UtcMs,
    last_seen_at: Option<UtcMs>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTokenBody {
    name: String,
    #[schema(value_type = String, pattern = "^(owner|operator|finance|read_only)$")]
    role: Role,
    #[schema(minimum = 1, maximum = 365)]
    expires_in_days: u32,
}

#[derive(Serialize, ToSchema)]
#[schema(as = OperatorNewToken)]
pub struct MadeTokenBody {
    token: TokenBody,
    /// For the `Authorization` header; shown only here.
    secret: String,
}

/// Tokens that are valid, newest first.
#[utoipa::path(get, path = "/operator/tokens", tag = "console", operation_id = "list_operator_tokens",
    params(PageQuery), security(("bearer" = [])), responses(
    (status = 200, description = "A page of tokens", body = List<TokenBody>),
))]
pub async fn list(
    State(operators): State<Arc<Operators>>,
    _: Owner,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<List<TokenBody>>, Problem> {
    let api = &operators.api;
    let rows = api.db.operator_tokens(api.clock.now(), &query.page()?).await?;
    query.list(rows, |token| token.id.to_string(), TokenBody::new)
}

/// Make a token.
#[utoipa::path(post, path = "/operator/tokens", tag = "console", operation_id = "create_operator_token",
    request_body = NewTokenBody, security(("bearer" = [])), responses(
    (status = 201, description = "The token with its secret", body = MadeTokenBody),
    (status = 422, description = "NAME_INVALID, TOKEN_AGE_INVALID"),
))]
pub async fn create(
    State(operators): State<Arc<Operators>>,
    owner: Owner,
    body: JsonBody<NewTokenBody>,
) -> Result<Response, Problem> {
    let NewTokenBody { name, role, expires_in_days } = body.value;
    let age = DAY * expires_in_days;
    if age < DAY || age > limits::OPERATOR_TOKEN_AGE {
        let days = limits::OPERATOR_TOKEN_AGE.as_secs() / DAY.as_secs();
        let detail = format!("A token is valid for 1 to {days} days.");
        return Err(
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "TOKEN_AGE_INVALID", detail).with_param("expires_in_days")
        );
    }
    let (token, secret) = operators.api.accounts.issue_program_token(owner.id, &name, role, age).await?;
    Ok((StatusCode::CREATED, Json(MadeTokenBody { token: TokenBody::new(token), secret })).into_response())
}

/// End a token.
#[utoipa::path(delete, path = "/operator/tokens/{id}", tag = "console", operation_id = "revoke_operator_token",
    params(("id" = ApiTokenId, Path)), security(("bearer" = [])), responses(
    (status = 204, description = "It is no longer valid"),
    (status = 404, description = "TOKEN_NOT_FOUND"),
))]
pub async fn revoke(
    State(operators): State<Arc<Operators>>,
    owner: Owner,
    Id(id): Id<ApiTokenId>,
) -> Result<StatusCode, Problem> {
    if operators.api.accounts.revoke_program_token(owner.id, id).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Problem::new(StatusCode::NOT_FOUND, "TOKEN_NOT_FOUND", "There is no such token, or it is over."))
}

impl TokenBody {
    fn new(token: ApiToken) -> TokenBody {
        TokenBody {
            id: token.id,
            name: token.name,
            role: match token.kind {
                TokenKind::Program(role) => role,
                TokenKind::SignIn => Role::ReadOnly,
            },
            operator_id: match token.bearer {
                Bearer::Operator(id) => Some(id),
                Bearer::Viewer(_) => None,
            },
            created_at: token.created_at,
            expires_at: token.expires_at,
            last_seen_at: token.last_seen_at,
        }
    }
}
