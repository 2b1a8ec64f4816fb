//! Partners at our door: playing for their viewers, and what concerns themselves. Their programs sign what they send
//! ([`crate::commerce::partners`]); their people sign in at the console's door.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::api::Api;
use crate::api::body::{Id, JsonBody, QueryOf};
use crate::api::caller::{AParty, At, bearer};
use crate::api::caps::{self, FormatProfileBody, LanguagesBody};
use crate::api::deliveries::DealDeliveryBody;
use crate::api::page::{List, PageQuery};
use crate::api::playback_sessions::play;
use crate::api::problem::Problem;
use crate::base::clock::UtcMs;
use crate::base::error::Error;
use crate::base::id::{DealId, OutageId, PartyId, TitleId};
use crate::base::territory::Territory;
use crate::commerce::account::Visit;
use crate::commerce::partners::{Signed, TokenRefusal};
use crate::playback::feature::Feature;
use crate::playback::sessions::{OpenRequest, Watcher};
use crate::rights::caps::FormatProfile;
use crate::rights::deal::{Carriage, Deal, DealEdit, Drift};
use crate::rights::language_range::LanguageRange;
use crate::rights::snapshot::TitleRights;
use crate::store::db::outage::RecordedOutage;
use crate::store::state::Rate;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PartnerPlayBody {
    /// Counted from 1, and 1 if not said.
    part: Option<u32>,
    /// A BCP 47 tag. Of several deals one under which the part is heard in this language goes first; it refuses nothing.
    #[schema(value_type = Option<String>)]
    language: Option<LanguageRange>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PremiereBody {
    deal_id: DealId,
    /// When the title was there for the first viewer.
    opened_at: UtcMs,
}

/// A deal as its party sees it.
#[derive(Serialize, ToSchema)]
pub struct PartnerDealBody {
    id: DealId,
    title_id: TitleId,
    /// Of the title, by language tag.
    name: BTreeMap<String, String>,
    /// Its viewers play from this server.
    from_us: bool,
    territories: Vec<Territory>,
    /// Null where it is about all languages.
    languages: Option<LanguagesBody>,
    #[schema(value_type = FormatProfileBody)]
    format_profile: FormatProfile,
    start_at: UtcMs,
    end_at: Option<UtcMs>,
    zone: String,
    /// When it really opened, as the party says.
    opened_at: Option<UtcMs>,
    /// When it was taken back.
    revoked_at: Option<UtcMs>,
    /// The opening is not the one that was agreed, or nobody has said that it was.
    #[schema(value_type = Option<String>, pattern = "^(early|late|unreported)$")]
    alarm: Option<Drift>,
    /// Of the newest file of each part that was sent and not recalled the one that is settled least: rejected, then not
    /// answered, then accepted.
    delivery: Option<DealDeliveryBody>,
    /// Of a broadcast that is near, the parts that no file has been accepted of.
    missing_parts: Vec<u32>,
}

/// An outage of a party's, and what it has given back to its viewers here.
#[derive(Serialize, ToSchema)]
pub struct PartnerOutageBody {
    id: OutageId,
    /// Null: all of them.
    title_ids: Option<Vec<TitleId>>,
    from: UtcMs,
    to: UtcMs,
    reason: String,
    created_at: UtcMs,
    /// Of its vouchers.
    extended_grants: u32,
    /// All of them together.
    extended_seconds: i64,
    /// Of its viewers who were playing from this server.
    extended_sessions: u32,
}

/// The key of a package.
#[derive(Serialize, ToSchema)]
pub struct PartnerKeyBody {
    deal_id: DealId,
    package: String,
    /// Sixteen bytes in hex.
    key: String,
}

/// Press Play for a viewer of a partner's. The token (`Authorization: Bearer`, scope `play`) says who and what.
#[utoipa::path(post, path = "/partner/playback-sessions", tag = "partners",
    operation_id = "create_partner_playback_session", request_body = PartnerPlayBody, security(("bearer" = [])),
    responses(
    (status = 201, description = "The session", body = crate::api::playback_sessions::PlaybackSessionBody),
    (status = 401, description = "PARTNER_TOKEN_INVALID, PARTNER_TOKEN_EXPIRED"),
    (status = 403, description = "WINDOW_NOT_OPEN, WINDOW_CLOSED, GEO_NOT_LICENSED, LICENCE_REQUIRED, LICENCE_REVOKED, \
        RENTAL_EXPIRED, TOO_MANY_STREAMS, TITLE_SUSPENDED"),
    (status = 404, description = "TITLE_NOT_FOUND: also where the partner has no deal about it; PART_NOT_FOUND"),
    (status = 410, description = "TITLE_WITHDRAWN"),
    (status = 429, description = "RATE_LIMITED"),
    (status = 503, description = "PARTNER_KEYS_UNAVAILABLE, CARD_NOT_READY"),
))]
pub async fn play_for(
    State(api): State<Arc<Api>>,
    At(place): At,
    visit: Visit,
    headers: HeaderMap,
    body: JsonBody<PartnerPlayBody>,
) -> Result<Response, Problem> {
    let token = signed(&api, &headers, &visit).await?;
    let Signed::Play { title_id, pass, territory } = token else { return Err(wrong_scope()) };
    if let Rate::Over { retry_after } = api.accounts.count_partner_session(pass.viewer).await {
        return Err(Problem::too_many(retry_after));
    }
    let PartnerPlayBody { part, language } = body.value;
    let request = OpenRequest {
        watcher: Watcher::Partner(pass),
        device: visit.device,
        title_id,
        feature: Feature::Part(part.unwrap_or(1)),
        territory: territory.or(place.territory),
        network: Some(place.network),
        // Whom its viewers keep from what is the party's to ask.
        age_limit: None,
        wanted: language,
        campaign: None,
    };
    play(&api, request, &pass.party_id.to_string()).await
}

/// The caller's deals.
#[utoipa::path(get, path = "/partner/deals", tag = "partners", operation_id = "list_partner_deals",
    security(("bearer" = [])), responses(
    (status = 200, description = "All deals of the party that are not over", body = List<PartnerDealBody>),
    (status = 401, description = "PARTNER_TOKEN_INVALID, PARTNER_TOKEN_EXPIRED"),
    (status = 403, description = "PARTY_REQUIRED"),
    (status = 503, description = "PARTNER_KEYS_UNAVAILABLE"),
))]
pub async fn list_deals(State(api): State<Arc<Api>>, party: AParty) -> Result<Json<List<PartnerDealBody>>, Problem> {
    let (snapshot, now) = (api.follower.snapshot(), api.clock.now());
    let mut deals = Vec::new();
    for title in snapshot.titles() {
        let its = |deal: &&Deal| deal.party_id == party.id && deal.is_alive(now);
        deals.extend(title.deals.iter().filter(its).map(|deal| PartnerDealBody::new(title, deal, now)));
    }
    deals.sort_by_key(|deal| (deal.start_at, deal.id));
    Ok(Json(List { data: deals, next_cursor: None }))
}

/// One of the caller's deals.
#[utoipa::path(get, path = "/partner/deals/{id}", tag = "partners", operation_id = "show_partner_deal",
    params(("id" = DealId, Path)), security(("bearer" = [])), responses(
    (status = 200, description = "The deal, also one that is over", body = PartnerDealBody),
    (status = 401, description = "PARTNER_TOKEN_INVALID, PARTNER_TOKEN_EXPIRED"),
    (status = 403, description = "PARTY_REQUIRED"),
    (status = 404, description = "DEAL_NOT_FOUND: also of another party's"),
    (status = 503, description = "PARTNER_KEYS_UNAVAILABLE"),
))]
pub async fn show_deal(
    State(api): State<Arc<Api>>,
    party: AParty,
    Id(id): Id<DealId>,
) -> Result<Json<PartnerDealBody>, Problem> {
    let deal = api.db.deal(id).await?.filter(|deal| deal.party_id == party.id);
    let deal = deal.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "DEAL_NOT_FOUND", "There is no such deal."))?;
    let snapshot = api.follower.snapshot();
    let title = snapshot.title(deal.title_id).ok_or_else(|| Error::internal("a deal without its title"))?;
    Ok(Json(PartnerDealBody::new(title, &deal, api.clock.now())))
}

/// Report the real opening of a deal's title on the caller's own screens. The last report stands.
#[utoipa::path(post, path = "/partner/premieres", tag = "partners", operation_id = "report_premiere",
    request_body = PremiereBody, security(("bearer" = [])), responses(
    (status = 200, description = "The deal as it is now", body = PartnerDealBody),
    (status = 401, description = "PARTNER_TOKEN_INVALID, PARTNER_TOKEN_EXPIRED"),
    (status = 403, description = "PARTY_REQUIRED, CROSS_ORIGIN"),
    (status = 404, description = "DEAL_NOT_FOUND"),
    (status = 422, description = "DEAL_INVALID: it has not opened yet"),
    (status = 429, description = "RATE_LIMITED"),
    (status = 503, description = "PARTNER_KEYS_UNAVAILABLE"),
))]
pub async fn report_premiere(
    State(api): State<Arc<Api>>,
    party: AParty,
    body: JsonBody<PremiereBody>,
) -> Result<Json<PartnerDealBody>, Problem> {
    if let Rate::Over { retry_after } = api.accounts.count_partner_report(party.id).await {
        return Err(Problem::too_many(retry_after));
    }
    let PremiereBody { deal_id, opened_at } = body.value;
    let now = api.clock.now();
    let edit = DealEdit { opened_at: Some(Some(opened_at)), ..DealEdit::default() };
    let (_, deal) = api.db.edit_deal(deal_id, Some(party.id), edit, now).await?;
    api.follower.announce().await;
    let detail = json!({"title_id": deal.title_id, "opened_at": opened_at, "planned_at": deal.window.start_at});
    api.audit(&party.actor, "deal.premiere", &deal_id.to_string(), detail).await?;
    let snapshot = api.follower.snapshot();
    let title = snapshot.title(deal.title_id).ok_or_else(|| Error::internal("a deal without its title"))?;
    Ok(Json(PartnerDealBody::new(title, &deal, now)))
}

/// The key of the package that was shipped under a deal: not before the deal opens.
#[utoipa::path(get, path = "/partner/deals/{id}/package-key", tag = "partners", operation_id = "take_package_key",
    params(("id" = DealId, Path)), security(("bearer" = [])), responses(
    (status = 200, description = "The key", body = PartnerKeyBody),
    (status = 401, description = "PARTNER_TOKEN_INVALID, PARTNER_TOKEN_EXPIRED"),
    (status = 403, description = "WINDOW_NOT_OPEN, with when; WINDOW_CLOSED, LICENCE_REQUIRED, LICENCE_REVOKED, \
        TITLE_SUSPENDED; PARTY_REQUIRED"),
    (status = 404, description = "DEAL_NOT_FOUND, PACKAGE_KEY_NOT_FOUND"),
    (status = 410, description = "TITLE_WITHDRAWN"),
    (status = 429, description = "RATE_LIMITED"),
    (status = 503, description = "PARTNER_KEYS_UNAVAILABLE"),
))]
pub async fn take_package_key(
    State(api): State<Arc<Api>>,
    party: AParty,
    Id(id): Id<DealId>,
) -> Result<Response, Problem> {
    if let Rate::Over { retry_after } = api.accounts.count_partner_report(party.id).await {
        return Err(Problem::too_many(retry_after));
    }
    match api.package_keys.take(id, party.id).await? {
        Ok((kept, key)) => {
            let detail = json!({"package": kept.package});
            api.audit(&party.actor, "deal.package_key_taken", &id.to_string(), detail).await?;
            let key = format!("{:032x}", u128::from_be_bytes(key));
            let body = Json(PartnerKeyBody { deal_id: id, package: kept.package, key });
            Ok(([(header::CACHE_CONTROL, "no-store")], body).into_response())
        }
        Err(denial) => {
            let detail = json!({"code": denial.code.as_str()});
            api.audit(&party.actor, "deal.package_key_denied", &id.to_string(), detail).await?;
            Err(Problem::denied(&denial))
        }
    }
}

/// What the caller's outages have given back to its viewers here, newest first.
#[utoipa::path(get, path = "/partner/outages", tag = "partners", operation_id = "list_partner_outages",
    params(PageQuery), security(("bearer" = [])), responses(
    (status = 200, description = "A page of outages that were recorded of the party", body = List<PartnerOutageBody>),
    (status = 401, description = "PARTNER_TOKEN_INVALID, PARTNER_TOKEN_EXPIRED"),
    (status = 403, description = "PARTY_REQUIRED"),
    (status = 503, description = "PARTNER_KEYS_UNAVAILABLE"),
))]
pub async fn list_outages(
    State(api): State<Arc<Api>>,
    party: AParty,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<List<PartnerOutageBody>>, Problem> {
    let outages = api.db.outages(Some(party.id), &query.page()?).await?;
    query.list(outages, |recorded| recorded.outage.id.to_string(), PartnerOutageBody::new)
}

/// The party that has signed a token about itself.
pub async fn reporter(api: &Api, headers: &HeaderMap, visit: &Visit) -> Result<PartyId, Problem> {
    match signed(api, headers, visit).await? {
        Signed::Report { party_id } => Ok(party_id),
        Signed::Play { .. } => Err(wrong_scope()),
    }
}

/// What the caller's token says. Tokens are counted before they are looked at: looking can mean asking somebody else.
async fn signed(api: &Api, headers: &HeaderMap, visit: &Visit) -> Result<Signed, Problem> {
    if let Rate::Over { retry_after } = api.accounts.count_partner_token(visit.address).await {
        return Err(Problem::too_many(retry_after));
    }
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(bearer);
    let Some(token) = token else { return Err(token_invalid()) };
    api.partners.read(token).await?.map_err(|refusal| match refusal {
        TokenRefusal::Invalid => token_invalid(),
        TokenRefusal::Expired => Problem::new(
            StatusCode::UNAUTHORIZED,
            "PARTNER_TOKEN_EXPIRED",
            "The partner's token is over; sign another.",
        ),
    })
}

pub fn token_invalid() -> Problem {
    let detail = "Send a token that a partner of this server has signed: see the API's documentation for its claims.";
    Problem::new(StatusCode::UNAUTHORIZED, "PARTNER_TOKEN_INVALID", detail)
}

fn wrong_scope() -> Problem {
    let detail = "A token of scope play opens sessions, one of scope report reports: this is the other one.";
    Problem::new(StatusCode::UNAUTHORIZED, "PARTNER_TOKEN_INVALID", detail)
}

impl PartnerOutageBody {
    fn new(recorded: RecordedOutage) -> PartnerOutageBody {
        let RecordedOutage { outage, effect } = recorded;
        PartnerOutageBody {
            id: outage.id,
            title_ids: outage.title_ids,
            from: outage.from,
            to: outage.to,
            reason: outage.reason,
            created_at: outage.created_at,
            extended_grants: effect.grants,
            extended_seconds: effect.extended_ms / 1000,
            extended_sessions: effect.sessions,
        }
    }
}

impl PartnerDealBody {
    fn new(title: &TitleRights, deal: &Deal, now: UtcMs) -> PartnerDealBody {
        PartnerDealBody {
            id: deal.id,
            title_id: deal.title_id,
            name: title.title.name.clone(),
            from_us: matches!(deal.carriage, Carriage::Platform { streams: Some(_), .. }),
            territories: deal.territories.members().iter().collect(),
            languages: LanguagesBody::of(deal.caps.as_deref()),
            format_profile: caps::format_profile(deal.caps.as_deref()),
            start_at: deal.window.start_at,
            end_at: deal.window.end_at,
            zone: deal.window.zone.clone(),
            opened_at: deal.opened_at,
            revoked_at: deal.revoked_at,
            alarm: deal.drift(now).filter(|_| deal.revoked_at.is_none()),
            delivery: title.delivery_of(deal.id).map(DealDeliveryBody::from),
            missing_parts: title.missing_parts(deal, now),
        }
    }
}
