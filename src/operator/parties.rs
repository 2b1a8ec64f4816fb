//! Other parties: platforms that co-release, circuits, broadcasters, distributors, producers.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::api::body::{Edit, Id, JsonBody, QueryOf};
use crate::api::caller::AnOperator;
use crate::api::etag::{etag, require_version};
use crate::api::idempotency::{IdempotencyKey, key_reused};
use crate::api::page::{List, PageQuery};
use crate::api::problem::Problem;
use crate::api::role::Editor;
use crate::base::clock::UtcMs;
use crate::base::id::PartyId;
use crate::http::outbound;
use crate::operator::Operators;
use crate::rights::party::{Party, PartyKind, Signer};
use crate::store::db::Written;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPartyBody {
    name: String,
    #[schema(value_type = PartyKindBody)]
    kind: PartyKind,
    #[schema(value_type = Option<SignerBody>)]
    signer: Option<Signer>,
}

/// What is not named stays; null takes the signer away.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PartyEditBody {
    name: Option<String>,
    #[serde(default)]
    #[schema(value_type = Option<SignerBody>)]
    signer: Edit<Option<Signer>>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Party)]
pub struct PartyBody {
    id: PartyId,
    name: String,
    #[schema(value_type = PartyKindBody)]
    kind: PartyKind,
    #[schema(value_type = Option<SignerBody>)]
    signer: Option<Signer>,
    created_at: UtcMs,
    /// Grows with each edit; quoted, it is the `ETag`.
    version: i64,
}

#[derive(ToSchema)]
#[schema(as = PartyKind, rename_all = "snake_case")]
pub enum PartyKindBody {
    /// A platform that co-releases.
    Partner,
    /// A circuit of cinemas.
    Circuit,
    Broadcaster,
    /// Whoever was sold a territory.
    Distributor,
    /// Whose film it is.
    Producer,
}

/// Who signs for a party.
#[derive(ToSchema)]
#[schema(as = Signer)]
#[expect(dead_code, reason = "the schema of rights::Signer")]
pub struct SignerBody {
    /// `iss` of its tokens.
    issuer: String,
    /// Where its JWK set is: https, or http on this machine.
    jwks_url: String,
}

/// All parties, oldest first.
#[utoipa::path(get, path = "/operator/parties", tag = "operator", operation_id = "operator_list_parties",
    params(PageQuery), security(("bearer" = [])), responses(
    (status = 200, description = "A page of parties", body = List<PartyBody>),
))]
pub async fn list(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<List<PartyBody>>, Problem> {
    query.cut(operators.api.db.parties().await?, |party| party.id.to_string(), PartyBody::new)
}

/// Make a party.
#[utoipa::path(post, path = "/operator/parties", tag = "operator", operation_id = "operator_create_party",
    request_body = NewPartyBody, security(("bearer" = [])), responses(
    (status = 201, description = "The party", body = PartyBody),
    (status = 409, description = "ISSUER_TAKEN, PARTIES_FULL"),
    (status = 422, description = "PARTY_INVALID, IDEMPOTENCY_KEY_REUSED"),
))]
pub async fn create(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    key: IdempotencyKey,
    body: JsonBody<NewPartyBody>,
) -> Result<Response, Problem> {
    let api = &operators.api;
    let now = api.clock.now();
    let NewPartyBody { name, kind, signer } = body.value;
    let party = Party { id: PartyId::new(now), name, kind, signer, created_at: now, version: 1 };
    check(&party)?;
    let idempotency = key.of(&operator.caller, &body.digest);
    match api.db.insert_party(&party, idempotency.as_ref()).await? {
        Written::New(()) => {
            api.follower.announce().await;
            operators.audit(&operator, "party.create", &party.id.to_string(), json!({"party": party})).await?;
            Ok(answer(StatusCode::CREATED, party))
        }
        Written::Replay { id } => Ok(answer(StatusCode::CREATED, find(&operators, id.parse()?).await?)),
        Written::KeyReused => Err(key_reused()),
    }
}

/// Edit a party: what is not named stays. With `If-Match`, only the version that the operator has seen.
#[utoipa::path(patch, path = "/operator/parties/{id}", tag = "operator", operation_id = "operator_edit_party",
    params(("id" = PartyId, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that was read")),
    request_body = PartyEditBody, security(("bearer" = [])), responses(
    (status = 200, description = "The party as it is now", body = PartyBody),
    (status = 404, description = "PARTY_NOT_FOUND"),
    (status = 409, description = "ISSUER_TAKEN"),
    (status = 412, description = "VERSION_CONFLICT"),
    (status = 422, description = "PARTY_INVALID"),
))]
pub async fn edit(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    Id(id): Id<PartyId>,
    headers: HeaderMap,
    body: JsonBody<PartyEditBody>,
) -> Result<Response, Problem> {
    let api = &operators.api;
    let before = find(&operators, id).await?;
    require_version(&headers, before.version, "party")?;
    let PartyEditBody { name, signer } = body.value;
    let party = Party {
        name: name.unwrap_or_else(|| before.name.clone()),
        signer: signer.of(before.signer.clone()),
        version: before.version + 1,
        ..before.clone()
    };
    check(&party)?;
    api.db.update_party(&party, api.clock.now()).await?;
    api.follower.announce().await;
    let detail = json!({"before": before, "after": party});
    operators.audit(&operator, "party.edit", &id.to_string(), detail).await?;
    Ok(answer(StatusCode::OK, party))
}

fn check(party: &Party) -> Result<(), Problem> {
    party.check()?;
    if let Some(signer) = &party.signer
        && let Err(reason) = outbound::address(&signer.jwks_url)
    {
        let detail = format!("The address of the key set {reason}.");
        let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "PARTY_INVALID", detail);
        return Err(problem.with_param("signer.jwks_url"));
    }
    Ok(())
}

async fn find(operators: &Operators, id: PartyId) -> Result<Party, Problem> {
    let party = operators.api.db.parties().await?.into_iter().find(|party| party.id == id);
    party.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "PARTY_NOT_FOUND", "There is no such party."))
}

fn answer(status: StatusCode, party: Party) -> Response {
    (status, [(header::ETAG, etag(party.version))], Json(PartyBody::new(party))).into_response()
}

impl PartyBody {
    fn new(party: Party) -> PartyBody {
        let Party { id, name, kind, signer, created_at, version } = party;
        PartyBody { id, name, kind, signer, created_at, version }
    }
}
