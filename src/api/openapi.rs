//! The OpenAPI 3.1 document: generated from the handlers, and completed here with what all of them share. The schemas of
//! the base vocabulary stand here, as `base` knows no framework.

use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::routing::get;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, Info, OpenApi, OpenApiBuilder, Ref, RefOr, Required, Response, ResponseBuilder,
};
use utoipa::{PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use crate::api::caller::{CONSOLE_COOKIE, COOKIE};
use crate::api::problem::ProblemBody;
use crate::api::{BASE, process_routes, viewer_routes};
use crate::base::clock::UtcMs;
use crate::base::id::{
    ApiTokenId, AssetId, AuditId, AvailId, CoinLotId, CollectionId, CouponId, DealId, DeliveryId, EntryId, GrantId,
    HoldbackId, JobId, MembershipId, OfferId, OperatorId, OutageId, PartyId, PaymentId, PlanId, ProductId, PurchaseId,
    RefundId, ScreenerId, SeriesId, SessionId, StorefrontId, TitleId, UnlockId, UploadId, ViewerId, VoucherBatchId,
    VoucherId,
};
use crate::base::limits;
use crate::base::money::Money;
use crate::base::territory::Territory;

const NO_SCOPES: [&str; 0] = [];

/// The document before the handlers' part.
pub fn frame_document() -> OpenApi {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("An API token: `mqv_…` of a viewer, `mqo_…` of an operator."))
        .build();
    let cookie = ApiKey::Cookie(ApiKeyValue::with_description(
        COOKIE,
        "Set by sign-up and sign-in. Unsafe methods need an `Origin` of this server with it.",
    ));
    let console = ApiKey::Cookie(ApiKeyValue::with_description(
        CONSOLE_COOKIE,
        "Set by an operator's sign-in. Unsafe methods need an `Origin` of this server with it.",
    ));
    let mut schemas = Vec::new();
    ProblemBody::schemas(&mut schemas);
    let components = ComponentsBuilder::new()
        .schema("Problem", ProblemBody::schema())
        .schemas_from_iter(schemas)
        .security_scheme("bearer", SecurityScheme::Http(bearer))
        .security_scheme("cookie", SecurityScheme::ApiKey(cookie))
        .security_scheme("console", SecurityScheme::ApiKey(console))
        .build();
    let mut info = Info::new("Marquee", env!("CARGO_PKG_VERSION"));
    info.description = Some(
        "Sells films and plays them. Errors are RFC 9457 problem details with a stable `code`; money is in minor units; \
         instants are RFC 3339 UTC."
            .into(),
    );
    OpenApiBuilder::new().info(info).components(Some(components)).build()
}

/// The document of the whole service: of this room's routes and of `rooms`, which stand under the API's base.
pub fn document(rooms: OpenApi) -> OpenApi {
    let viewers = OpenApiRouter::<()>::with_openapi(viewer_routes().into_openapi());
    let whole = OpenApiRouter::<()>::with_openapi(frame_document())
        .nest(BASE, viewers.merge(OpenApiRouter::with_openapi(rooms)))
        .merge(OpenApiRouter::with_openapi(process_routes().into_openapi()));
    finish(whole.into_openapi())
}

/// Adds what every operation has: the problems it may answer, and the idempotency key of a POST.
pub fn finish(mut document: OpenApi) -> OpenApi {
    for (path, item) in &mut document.paths.paths {
        let operations = [
            (false, &mut item.get),
            (false, &mut item.head),
            (false, &mut item.options),
            (true, &mut item.post),
            (false, &mut item.put),
            (false, &mut item.patch),
            (false, &mut item.delete),
        ];
        for (is_post, operation) in operations {
            let Some(operation) = operation else { continue };
            add_problems(operation, path);
            if path.starts_with(&format!("{BASE}/operator/"))
                && let Some(schemes) = operation.security.as_mut()
            {
                schemes.push(SecurityRequirement::new("console", NO_SCOPES));
            }
            if is_post && is_stored_under_key(path) {
                let is_required =
                    ["/purchases", "/refunds", "/voucher-batches"].iter().any(|maker| path.ends_with(maker));
                add_idempotency_key(operation, is_required);
            }
        }
    }
    document
}

/// Serves the document as `/openapi.json`.
pub fn serve(router: Router, document: &OpenApi) -> Router {
    // A document made of the schema types above is always JSON.
    let json: Arc<str> = document.to_pretty_json().unwrap_or_default().into();
    router.route(
        "/openapi.json",
        get(move || {
            let json = json.to_string();
            async move { ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-cache")], json) }
        }),
    )
}

/// Whether a POST is stored with its idempotency key. What signs in or plays gives a fresh secret each time, a
/// revocation is idempotent as it is, and a provider's callback has an event id.
fn is_stored_under_key(path: &str) -> bool {
    let makers = [
        "/purchases",
        "/refunds",
        "/titles",
        "/avails",
        "/offers",
        "/products",
        "/coupons",
        "/plans",
        "/memberships",
        "/uploads",
        "/storefronts",
        "/voucher-batches",
        "/deliveries",
        "/collections",
    ];
    makers.iter().any(|maker| path.ends_with(maker))
}

fn add_problems(operation: &mut Operation, path: &str) {
    let mut statuses = vec![("429", "Too many of these; later it works"), ("503", "A dependency is away, or overload")];
    if operation.security.is_some() {
        statuses.push(("401", "UNAUTHENTICATED: no or no valid token"));
        statuses.push(("403", "CROSS_ORIGIN, VIEWER_REQUIRED, OPERATOR_REQUIRED, ROLE_REQUIRED with `role`"));
    }
    if operation.request_body.is_some() {
        statuses.push(("400", "JSON_INVALID"));
        statuses.push(("413", "BODY_TOO_LARGE"));
        statuses.push(("415", "CONTENT_TYPE_UNSUPPORTED"));
        statuses.push(("422", "FIELD_INVALID, with `param`"));
    }
    if path.contains('{') {
        statuses.push(("404", "Nothing that the caller may know of"));
    }
    let responses = &mut operation.responses.responses;
    for (status, description) in statuses {
        responses.entry(status.into()).or_insert_with(|| RefOr::T(problem(description)));
    }
    for (status, response) in responses.iter_mut() {
        if let RefOr::T(response) = response
            && (status.starts_with('4') || status.starts_with('5'))
            && response.content.is_empty()
        {
            *response = problem(&response.description);
        }
    }
    responses.insert("default".into(), RefOr::T(problem("Any other problem")));
}

fn problem(description: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(description).content("application/problem+json", content).build()
}

fn add_idempotency_key(operation: &mut Operation, is_required: bool) {
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(limits::IDEMPOTENCY_KEY_BYTES_MAX))
        .build();
    let parameter = ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(if is_required { Required::True } else { Required::False })
        .description(Some("The same key with the same request is answered alike; with another request it is refused."))
        .schema(Some(Schema::Object(schema)))
        .build();
    operation.parameters.get_or_insert_default().push(RefOr::T(parameter));
}

macro_rules! id_schemas {
    ($($id:ident)*) => {$(
        impl PartialSchema for $id {
            fn schema() -> RefOr<Schema> {
                text(Some(&format!("^{}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$", $id::PREFIX)), None)
            }
        }

        impl ToSchema for $id {}
    )*};
}

id_schemas! {
    ApiTokenId AssetId AuditId AvailId CoinLotId CollectionId CouponId DealId DeliveryId EntryId GrantId HoldbackId JobId MembershipId OfferId OperatorId OutageId PartyId PaymentId PlanId ProductId
    PurchaseId RefundId ScreenerId SeriesId SessionId StorefrontId TitleId UnlockId UploadId ViewerId VoucherBatchId VoucherId
}

impl PartialSchema for UtcMs {
    fn schema() -> RefOr<Schema> {
        text(None, Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
    }
}

impl ToSchema for UtcMs {
    fn name() -> std::borrow::Cow<'static, str> {
        "Instant".into()
    }
}

impl PartialSchema for Territory {
    fn schema() -> RefOr<Schema> {
        text(Some("^[A-Z]{2}$"), None)
    }
}

impl ToSchema for Territory {}

impl PartialSchema for Money {
    fn schema() -> RefOr<Schema> {
        let amount = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .description(Some("In minor units: fen, cents."));
        let currency = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[A-Z]{3}$"));
        ObjectBuilder::new()
            .property("amount", amount)
            .property("currency", currency)
            .required("amount")
            .required("currency")
            .into()
    }
}

impl ToSchema for Money {}

fn text(pattern: Option<&str>, format: Option<SchemaFormat>) -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).pattern(pattern).format(format).into()
}
