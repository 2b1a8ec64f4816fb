//! Storefronts as operators see and edit them.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::api::body::{Id, JsonBody, QueryOf};
use crate::api::caller::AnOperator;
use crate::api::etag::{etag, require_version};
use crate::api::idempotency::{IdempotencyKey, key_reused};
use crate::api::page::{List, PageQuery};
use crate::api::problem::Problem;
use crate::api::role::Editor;
use crate::api::storefront::ThemeBody;
use crate::base::id::StorefrontId;
use crate::base::money::Currency;
use crate::base::territory::{Territory, TerritorySet};
use crate::catalog::storefront::{Storefront, Theme};
use crate::operator::Operators;
use crate::operator::avails::TerritoriesBody;
use crate::store::db::Written;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewStorefront)]
pub struct NewStorefrontBody {
    #[schema(pattern = "^[a-z][a-z0-9-]{0,39}$")]
    slug: String,
    /// By BCP 47 language tag.
    name: BTreeMap<String, String>,
    /// `host` (any port) or `host:port`, in lower case.
    #[serde(default)]
    hosts: Vec<String>,
    /// The first is for whoever has not chosen.
    languages: Vec<String>,
    #[schema(value_type = String, pattern = "^[A-Z]{3}$")]
    currency: Currency,
    /// The whole world, if not said.
    #[serde(default)]
    #[schema(value_type = TerritoriesBody)]
    territories: TerritorySet,
    /// Where an address is taken to be that nothing else places.
    default_territory: Option<Territory>,
    #[schema(pattern = "^#[0-9a-f]{6}$")]
    accent: String,
    #[serde(default = "auto")]
    #[schema(value_type = ThemeBody)]
    theme: Theme,
    #[serde(default)]
    tagline: BTreeMap<String, String>,
    /// Takes that from the one that is.
    #[serde(default)]
    is_default: bool,
}

/// What is not named stays; null takes the default territory away.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StorefrontEdit)]
pub struct StorefrontEditBody {
    slug: Option<String>,
    name: Option<BTreeMap<String, String>>,
    hosts: Option<Vec<String>>,
    languages: Option<Vec<String>>,
    #[schema(value_type = Option<String>)]
    currency: Option<Currency>,
    #[schema(value_type = Option<TerritoriesBody>)]
    territories: Option<TerritorySet>,
    #[serde(default)]
    #[schema(value_type = Option<Territory>)]
    default_territory: TerritoryEdit,
    accent: Option<String>,
    #[schema(value_type = Option<ThemeBody>)]
    theme: Option<Theme>,
    tagline: Option<BTreeMap<String, String>>,
    is_default: Option<bool>,
}

/// What becomes of the default territory.
#[derive(Clone, Copy, Default)]
enum TerritoryEdit {
    /// It was not named.
    #[default]
    Keep,
    Set(Option<Territory>),
}

#[derive(Serialize, ToSchema)]
#[schema(as = Storefront)]
pub struct StorefrontBody {
    id: StorefrontId,
    slug: String,
    name: BTreeMap<String, String>,
    hosts: Vec<String>,
    languages: Vec<String>,
    #[schema(value_type = String, pattern = "^[A-Z]{3}$")]
    currency: Currency,
    #[schema(value_type = TerritoriesBody)]
    territories: TerritorySet,
    default_territory: Option<Territory>,
    accent: String,
    #[schema(value_type = ThemeBody)]
    theme: Theme,
    tagline: BTreeMap<String, String>,
    /// Serves every host that no other storefront names.
    is_default: bool,
    /// Grows with each edit; quoted, it is the `ETag`.
    version: i64,
}

fn auto() -> Theme {
    Theme::Auto
}

/// All storefronts, oldest first.
#[utoipa::path(get, path = "/operator/storefronts", tag = "operator", operation_id = "operator_list_storefronts",
    params(PageQuery), security(("bearer" = [])), responses(
    (status = 200, description = "A page of storefronts", body = List<StorefrontBody>),
))]
pub async fn list(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<List<StorefrontBody>>, Problem> {
    let storefronts = operators.api.db.storefronts().await?;
    query.cut(storefronts, |storefront| storefront.id.to_string(), StorefrontBody::new)
}

/// Make a storefront.
#[utoipa::path(post, path = "/operator/storefronts", tag = "operator", operation_id = "operator_create_storefront",
    request_body = NewStorefrontBody, security(("bearer" = [])), responses(
    (status = 201, description = "The storefront", body = StorefrontBody),
    (status = 409, description = "SLUG_TAKEN, HOST_TAKEN, STOREFRONTS_FULL"),
    (status = 422, description = "STOREFRONT_INVALID, IDEMPOTENCY_KEY_REUSED"),
))]
pub async fn create(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    key: IdempotencyKey,
    body: JsonBody<NewStorefrontBody>,
) -> Result<Response, Problem> {
    let api = &operators.api;
    let now = api.clock.now();
    let new = body.value;
    let storefront = Storefront {
        id: StorefrontId::new(now),
        slug: new.slug,
        name: new.name,
        hosts: new.hosts,
        languages: new.languages,
        currency: new.currency,
        territories: new.territories,
        default_territory: new.default_territory,
        accent: new.accent,
        theme: new.theme,
        tagline: new.tagline,
        is_default: new.is_default,
        version: 1,
    };
    storefront.check()?;
    let idempotency = key.of(&operator.caller, &body.digest);
    match api.db.insert_storefront(&storefront, idempotency.as_ref(), now).await? {
        Written::New(()) => {
            api.follower.announce().await;
            let detail = json!({"storefront": storefront});
            operators.audit(&operator, "storefront.create", &storefront.id.to_string(), detail).await?;
            Ok(answer(StatusCode::CREATED, storefront))
        }
        Written::Replay { id } => Ok(answer(StatusCode::CREATED, find(&operators, id.parse()?).await?)),
        Written::KeyReused => Err(key_reused()),
    }
}

/// One storefront.
#[utoipa::path(get, path = "/operator/storefronts/{id}", tag = "operator", operation_id = "operator_show_storefront",
    params(("id" = StorefrontId, Path)), security(("bearer" = [])), responses(
    (status = 200, description = "The storefront; `ETag` is its version", body = StorefrontBody),
    (status = 404, description = "STOREFRONT_NOT_FOUND"),
))]
pub async fn show(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    Id(id): Id<StorefrontId>,
) -> Result<Response, Problem> {
    Ok(answer(StatusCode::OK, find(&operators, id).await?))
}

/// Edit a storefront: what is not named stays. With `If-Match`, only the version that the operator has seen.
#[utoipa::path(patch, path = "/operator/storefronts/{id}", tag = "operator", operation_id = "operator_edit_storefront",
    params(("id" = StorefrontId, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that was read")),
    request_body = StorefrontEditBody, security(("bearer" = [])), responses(
    (status = 200, description = "The storefront as it is now", body = StorefrontBody),
    (status = 404, description = "STOREFRONT_NOT_FOUND"),
    (status = 409, description = "SLUG_TAKEN, HOST_TAKEN, DEFAULT_NEEDED"),
    (status = 412, description = "VERSION_CONFLICT"),
    (status = 422, description = "STOREFRONT_INVALID"),
))]
pub async fn edit(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    Id(id): Id<StorefrontId>,
    headers: HeaderMap,
    body: JsonBody<StorefrontEditBody>,
) -> Result<Response, Problem> {
    let api = &operators.api;
    let before = find(&operators, id).await?;
    require_version(&headers, before.version, "storefront")?;
    let (edit, old) = (body.value, before.clone());
    let storefront = Storefront {
        id,
        slug: edit.slug.unwrap_or(old.slug),
        name: edit.name.unwrap_or(old.name),
        hosts: edit.hosts.unwrap_or(old.hosts),
        languages: edit.languages.unwrap_or(old.languages),
        currency: edit.currency.unwrap_or(old.currency),
        territories: edit.territories.unwrap_or(old.territories),
        default_territory: edit.default_territory.of(old.default_territory),
        accent: edit.accent.unwrap_or(old.accent),
        theme: edit.theme.unwrap_or(old.theme),
        tagline: edit.tagline.unwrap_or(old.tagline),
        is_default: edit.is_default.unwrap_or(old.is_default),
        version: old.version + 1,
    };
    storefront.check()?;
    api.db.update_storefront(&storefront, api.clock.now()).await?;
    api.follower.announce().await;
    let detail = json!({"before": before, "after": storefront});
    operators.audit(&operator, "storefront.edit", &id.to_string(), detail).await?;
    Ok(answer(StatusCode::OK, storefront))
}

async fn find(operators: &Operators, id: StorefrontId) -> Result<Storefront, Problem> {
    let storefronts = operators.api.db.storefronts().await?;
    let found = storefronts.into_iter().find(|storefront| storefront.id == id);
    found.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "STOREFRONT_NOT_FOUND", "There is no such storefront."))
}

fn answer(status: StatusCode, storefront: Storefront) -> Response {
    (status, [(header::ETAG, etag(storefront.version))], Json(StorefrontBody::new(storefront))).into_response()
}

impl TerritoryEdit {
    fn of(self, before: Option<Territory>) -> Option<Territory> {
        match self {
            TerritoryEdit::Keep => before,
            TerritoryEdit::Set(territory) => territory,
        }
    }
}

impl<'de> Deserialize<'de> for TerritoryEdit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<TerritoryEdit, D::Error> {
        Option::deserialize(deserializer).map(TerritoryEdit::Set)
    }
}

impl StorefrontBody {
    fn new(storefront: Storefront) -> StorefrontBody {
        StorefrontBody {
            id: storefront.id,
            slug: storefront.slug,
            name: storefront.name,
            hosts: storefront.hosts,
            languages: storefront.languages,
            currency: storefront.currency,
            territories: storefront.territories,
            default_territory: storefront.default_territory,
            accent: storefront.accent,
            theme: storefront.theme,
            tagline: storefront.tagline,
            is_default: storefront.is_default,
            version: storefront.version,
        }
    }
}
