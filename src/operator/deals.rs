//! Deals: what other parties may do with a title, and whether each keeps to it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::api::body::{Edit, Id, JsonBody, QueryOf};
use crate::api::caller::AnOperator;
use crate::api::caps::{self, FormatProfileBody, LanguagesBody};
use crate::api::collections::SlotBody;
use crate::api::deliveries::DealDeliveryBody;
use crate::api::idempotency::{IdempotencyKey, key_reused};
use crate::api::page::{List, PageQuery};
use crate::api::problem::Problem;
use crate::api::role::Editor;
use crate::api::title_brief::TitleBrief;
use crate::base::clock::UtcMs;
use crate::base::error::Result as BaseResult;
use crate::base::id::{AvailId, DealId, HoldbackId, PartyId, TitleId};
use crate::base::money::Money;
use crate::base::territory::TerritorySet;
use crate::catalog::title::Title;
use crate::operator::Operators;
use crate::operator::avails::{LicenseTypeBody, TerritoriesBody, awaited, title_not_found};
use crate::operator::sales::ReasonBody;
use crate::rights::avail::LicenseType;
use crate::rights::caps::FormatProfile;
use crate::rights::conflict::uncleared_deal;
use crate::rights::deal::{
    Carriage, Deal, DealConflict, DealEdit, DealWarning, Drift, Exclusivity, Met, Slot, findings,
};
use crate::rights::snapshot::Snapshot;
use crate::rights::window::Window;
use crate::store::db::Written;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDealBody {
    party_id: PartyId,
    /// The contract that it stands in.
    contract: Option<String>,
    #[schema(value_type = CarriageBody)]
    carriage: Carriage,
    #[schema(value_type = TerritoriesBody)]
    territories: TerritorySet,
    /// All languages, if not said. What is exclusive is so in these.
    languages: Option<LanguagesBody>,
    /// As tall as there is, if not said.
    #[serde(default)]
    #[schema(value_type = Option<FormatProfileBody>)]
    format_profile: FormatProfile,
    start_at: UtcMs,
    end_at: Option<UtcMs>,
    /// The IANA zone that it was agreed in.
    zone: String,
    #[schema(value_type = Option<ExclusivityBody>)]
    exclusivity: Option<Exclusivity>,
}

/// What is not named stays; null takes an end or a report away.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DealEditBody {
    start_at: Option<UtcMs>,
    #[serde(default)]
    #[schema(value_type = Option<UtcMs>)]
    end_at: Edit<Option<UtcMs>>,
    #[serde(default)]
    #[schema(value_type = Option<UtcMs>)]
    opened_at: Edit<Option<UtcMs>>,
    /// Of a broadcast: all of them.
    #[schema(value_type = Option<Vec<SlotBody>>)]
    slots: Option<Vec<Slot>>,
}

/// How the party shows it.
#[derive(ToSchema)]
#[schema(as = Carriage, rename_all = "snake_case")]
pub enum CarriageBody {
    #[schema(title = "Platform")]
    Platform {
        #[schema(inline)]
        license_type: LicenseTypeBody,
        /// What its viewers pay.
        price: Option<Money>,
        /// Its viewers play from this server, each in so many places at once; it delivers by itself, if not said.
        streams: Option<u32>,
    },
    #[schema(title = "Cinema")]
    Cinema {},
    #[schema(title = "Broadcast")]
    Broadcast {
        channel: String,
        /// Under what it may be broadcast; nothing is without.
        clearance: String,
        runs: u32,
        /// When it is on the air, as far as that is settled: in their order, inside the deal's window, at most as many as
        /// `runs`, 104 at most.
        #[schema(required = false)]
        slots: Vec<SlotBody>,
        /// Whether the channel may show it again when a viewer asks; false, if not said.
        #[schema(required = false)]
        catch_up: bool,
    },
}

/// Nobody else shows it meanwhile.
#[derive(ToSchema)]
#[schema(as = Exclusivity)]
#[expect(dead_code, reason = "the schema of rights::Exclusivity")]
pub struct ExclusivityBody {
    /// We do; false, if not said.
    with_us: Option<bool>,
    /// These parties do.
    with: Option<Vec<PartyId>>,
    /// In what; what the deal itself is about, if not said.
    media: Option<Vec<MediumBody>>,
}

#[derive(ToSchema)]
#[schema(as = Medium, rename_all = "snake_case")]
pub enum MediumBody {
    Vod,
    Est,
    Svod,
    Avod,
    Cinema,
    Broadcast,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Deal)]
pub struct DealBody {
    id: DealId,
    title: TitleBrief,
    party_id: PartyId,
    party_name: String,
    contract: Option<String>,
    #[schema(value_type = CarriageBody)]
    carriage: Carriage,
    #[schema(value_type = TerritoriesBody)]
    territories: TerritorySet,
    /// Null where it is about all languages.
    languages: Option<LanguagesBody>,
    #[schema(value_type = FormatProfileBody)]
    format_profile: FormatProfile,
    start_at: UtcMs,
    end_at: Option<UtcMs>,
    zone: String,
    #[schema(value_type = Option<ExclusivityBody>)]
    exclusivity: Option<Exclusivity>,
    /// When it really opened, as the party says.
    opened_at: Option<UtcMs>,
    /// When it was taken back.
    revoked_at: Option<UtcMs>,
    /// By how much that is later than agreed; less than zero where it is earlier.
    drift_ms: Option<i64>,
    /// The opening is not the one that was agreed, or nobody has said that it was.
    #[schema(value_type = Option<String>, pattern = "^(early|late|unreported)$")]
    alarm: Option<Drift>,
    /// Of the newest file of each part that was sent and not recalled the one that is settled least: rejected, then not
    /// answered, then accepted.
    delivery: Option<DealDeliveryBody>,
    /// Of a broadcast that is near, the parts that the channel has accepted no file of.
    missing_parts: Vec<u32>,
}

/// A deal as it was written.
#[derive(Serialize, ToSchema)]
#[schema(as = WrittenDeal)]
pub struct WrittenDealBody {
    #[serde(flatten)]
    deal: DealBody,
    /// Where its party could offer nothing in China as the title stands there.
    warnings: Vec<DealWarningBody>,
}

/// What an operator should have meant by a deal.
#[derive(Serialize, ToSchema)]
#[schema(as = DealWarning)]
pub struct DealWarningBody {
    #[schema(value_type = LicenseTypeBody)]
    license_type: LicenseType,
    #[schema(value_type = TerritoriesBody)]
    territories: TerritorySet,
    from: UtcMs,
    to: Option<UtcMs>,
    /// Begun ones counted whole; null where there is no end.
    days: Option<i64>,
    #[schema(pattern = "^(LICENCE_REQUIRED|ORIGIN_UNKNOWN)$")]
    code: String,
    /// One sentence for a person.
    says: String,
}

/// What speaks against a deal: one of the three.
#[derive(Serialize, ToSchema)]
#[schema(as = DealConflict)]
pub struct DealConflictBody {
    /// Our own window, in what the party was to have alone.
    avail_id: Option<AvailId>,
    /// Another deal: one of both parties was to have it alone.
    deal_id: Option<DealId>,
    /// It opens before this allows.
    holdback_id: Option<HoldbackId>,
    #[schema(value_type = TerritoriesBody)]
    territories: TerritorySet,
    from: UtcMs,
    to: Option<UtcMs>,
    /// Begun ones counted whole; null where there is no end.
    days: Option<i64>,
}

/// All deals that are not over, by their opening: the board of partners.
#[utoipa::path(get, path = "/operator/deals", tag = "operator", operation_id = "operator_list_all_deals",
    params(PageQuery), security(("bearer" = [])), responses(
    (status = 200, description = "A page of deals", body = List<DealBody>),
))]
pub async fn board(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<List<DealBody>>, Problem> {
    let (snapshot, now) = (operators.api.follower.snapshot(), operators.api.clock.now());
    let goes_on = |deal: &&Deal| deal.is_alive(now);
    let deals = snapshot.titles().flat_map(|title| title.deals.iter().filter(goes_on).cloned());
    let mut placed: Vec<(String, Deal)> = deals.map(|deal| (place(&deal), deal)).collect();
    placed.sort_by(|one, other| one.0.cmp(&other.0));
    let is_place = |text: &&str| text.split_at_checked(16).is_some_and(|(_, id)| id.parse::<DealId>().is_ok());
    let parse = |text: &str| Some(text).filter(is_place).map(str::to_owned);
    query.cut_after(placed, parse, |(place, _)| place, |(_, deal)| DealBody::new(&snapshot, deal, now))
}

/// Where a deal stands on the board; sorts by its opening.
fn place(deal: &Deal) -> String {
    format!("{:016x}{}", deal.window.start_at.0.max(0), deal.id)
}

/// A title's deals.
#[utoipa::path(get, path = "/operator/titles/{id}/deals", tag = "operator", operation_id = "operator_list_deals",
    params(("id" = TitleId, Path), PageQuery), security(("bearer" = [])), responses(
    (status = 200, description = "A page of deals", body = List<DealBody>),
    (status = 404, description = "TITLE_NOT_FOUND"),
))]
pub async fn list(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    Id(title_id): Id<TitleId>,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<List<DealBody>>, Problem> {
    let (snapshot, now) = (operators.api.follower.snapshot(), operators.api.clock.now());
    let title = snapshot.title(title_id).ok_or_else(title_not_found)?;
    query.cut(title.deals.clone(), |deal| deal.id.to_string(), |deal| DealBody::new(&snapshot, deal, now))
}

/// Record a deal.
#[utoipa::path(post, path = "/operator/titles/{id}/deals", tag = "operator", operation_id = "operator_create_deal",
    params(("id" = TitleId, Path)), request_body = NewDealBody, security(("bearer" = [])), responses(
    (status = 201, description = "The deal", body = WrittenDealBody),
    (status = 404, description = "TITLE_NOT_FOUND"),
    (status = 409, description = "DEAL_CONFLICT, with `conflicts`; TOO_MANY_DEALS"),
    (status = 422, description = "DEAL_INVALID, WINDOW_EMPTY, ZONE_INVALID, LANGUAGES_INVALID, PARTY_NOT_FOUND, \
        IDEMPOTENCY_KEY_REUSED"),
))]
pub async fn create(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    Id(title_id): Id<TitleId>,
    key: IdempotencyKey,
    body: JsonBody<NewDealBody>,
) -> Result<Response, Problem> {
    let api = &operators.api;
    let title = api.db.title(title_id).await?.ok_or_else(title_not_found)?;
    let now = api.clock.now();
    let deal = body.value.into_deal(title_id, now)?;
    let idempotency = key.of(&operator.caller, &body.digest);
    let written = api.db.insert_deal(&deal, idempotency.as_ref(), now).await;
    let deal = match or_conflicts(&operators, &deal, written).await? {
        Written::New(()) => {
            api.follower.announce().await;
            operators.audit(&operator, "deal.create", &deal.id.to_string(), json!({"deal": deal})).await?;
            deal
        }
        Written::Replay { id } => find(&operators, id.parse()?).await?,
        Written::KeyReused => return Err(key_reused()),
    };
    let body = WrittenDealBody::new(&api.follower.snapshot(), &title, deal, now);
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

/// Move a deal, end it, or note when it really opened.
#[utoipa::path(patch, path = "/operator/deals/{id}", tag = "operator", operation_id = "operator_edit_deal",
    params(("id" = DealId, Path)), request_body = DealEditBody, security(("bearer" = [])), responses(
    (status = 200, description = "The deal as it is now", body = WrittenDealBody),
    (status = 404, description = "DEAL_NOT_FOUND"),
    (status = 409, description = "DEAL_CONFLICT, DEAL_AWAITED, both with `conflicts`; DEAL_OPENED"),
    (status = 422, description = "WINDOW_EMPTY, DEAL_INVALID"),
))]
pub async fn edit(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    Id(id): Id<DealId>,
    body: JsonBody<DealEditBody>,
) -> Result<Json<WrittenDealBody>, Problem> {
    let api = &operators.api;
    let now = api.clock.now();
    let DealEditBody { start_at, end_at, opened_at, slots } = body.value;
    let set = |edit| if let Edit::Set(value) = edit { Some(value) } else { None };
    let edit = DealEdit { start_at, end_at: set(end_at), opened_at: set(opened_at), slots };
    let written = api.db.edit_deal(id, None, edit.clone(), now).await;
    let (before, deal) = match written {
        Err(error) if matches!(error.code(), "DEAL_CONFLICT" | "DEAL_AWAITED") => {
            let wanted = find(&operators, id).await?.edited(edit, now)?;
            or_conflicts(&operators, &wanted, Err(error)).await?
        }
        written => written?,
    };
    api.follower.announce().await;
    let said = |deal: &Deal| json!([deal.window.start_at, deal.window.end_at, deal.opened_at]);
    let mut detail = json!({"before": said(&before), "after": said(&deal)});
    if before.carriage != deal.carriage {
        detail["slots"] = json!({"before": before.carriage.slots(), "after": deal.carriage.slots()});
    }
    operators.audit(&operator, "deal.edit", &id.to_string(), detail).await?;
    let title = api.db.title(deal.title_id).await?.ok_or_else(title_not_found)?;
    Ok(Json(WrittenDealBody::new(&api.follower.snapshot(), &title, deal, now)))
}

/// Take a deal back: nothing opens under it any more, and what is playing ends at its next request. Revoking twice is
/// revoking once.
#[utoipa::path(post, path = "/operator/deals/{id}/revoke", tag = "operator", operation_id = "operator_revoke_deal",
    params(("id" = DealId, Path)), request_body = ReasonBody, security(("bearer" = [])), responses(
    (status = 200, description = "The deal as it is now", body = DealBody),
    (status = 404, description = "DEAL_NOT_FOUND"),
    (status = 422, description = "REASON_INVALID"),
))]
pub async fn revoke(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    Id(id): Id<DealId>,
    body: JsonBody<ReasonBody>,
) -> Result<Json<DealBody>, Problem> {
    let api = &operators.api;
    let reason = body.value.checked()?;
    let now = api.clock.now();
    if api.db.revoke_deal(id, now).await? {
        api.follower.announce().await;
        operators.audit(&operator, "deal.revoke", &id.to_string(), json!({"reason": reason})).await?;
    }
    Ok(Json(DealBody::new(&api.follower.snapshot(), find(&operators, id).await?, now)))
}

/// Take away a deal that has not begun.
#[utoipa::path(delete, path = "/operator/deals/{id}", tag = "operator", operation_id = "operator_delete_deal",
    params(("id" = DealId, Path)), security(("bearer" = [])), responses(
    (status = 204, description = "It is gone"),
    (status = 404, description = "DEAL_NOT_FOUND"),
    (status = 409, description = "DEAL_AWAITED, with `conflicts`; DEAL_OPENED, DEAL_DELIVERED"),
))]
pub async fn remove(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    Id(id): Id<DealId>,
) -> Result<StatusCode, Problem> {
    let api = &operators.api;
    let deal = find(&operators, id).await?;
    match api.db.delete_deal(id, api.clock.now()).await {
        Err(error) if error.code() == "DEAL_AWAITED" => {
            return Err(awaited(&operators, deal.title_id, error, |title| {
                title.holdbacks.retain(|holdback| holdback.counts_from(id));
                title.deals.retain(|deal| deal.id != id);
            })
            .await?);
        }
        done => done?,
    }
    api.follower.announce().await;
    operators.audit(&operator, "deal.delete", &id.to_string(), json!({"deal": deal})).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What was written, or the refusal with what the deal met.
async fn or_conflicts<T>(operators: &Operators, deal: &Deal, written: BaseResult<T>) -> Result<T, Problem> {
    let error = match written {
        Ok(written) => return Ok(written),
        Err(error) if error.code() == "DEAL_CONFLICT" => error,
        Err(error) if error.code() == "DEAL_AWAITED" => {
            return Err(awaited(operators, deal.title_id, error, |title| {
                title.holdbacks.retain(|holdback| holdback.counts_from(deal.id));
                title.deals.retain(|other| other.id != deal.id);
                title.deals.push(deal.clone());
            })
            .await?);
        }
        Err(error) => return Err(error.into()),
    };
    operators.api.follower.poll().await?;
    let snapshot = operators.api.follower.snapshot();
    let title = snapshot.title(deal.title_id).ok_or_else(title_not_found)?;
    let now = operators.api.clock.now();
    let found = findings(deal, &title.avails, &title.deals, &title.holdbacks, now);
    let conflicts: Vec<DealConflictBody> = found.iter().map(DealConflictBody::new).collect();
    Err(Problem::from(error).with("conflicts", json!(conflicts)))
}

pub async fn find(operators: &Operators, id: DealId) -> Result<Deal, Problem> {
    let deal = operators.api.db.deal(id).await?;
    deal.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "DEAL_NOT_FOUND", "There is no such deal."))
}

impl WrittenDealBody {
    fn new(snapshot: &Snapshot, title: &Title, deal: Deal, now: UtcMs) -> WrittenDealBody {
        let warning = uncleared_deal(&deal, title, now.max(deal.window.start_at));
        let warnings = warning.iter().map(DealWarningBody::new).collect();
        WrittenDealBody { deal: DealBody::new(snapshot, deal, now), warnings }
    }
}

impl DealWarningBody {
    fn new(warning: &DealWarning) -> DealWarningBody {
        DealWarningBody {
            license_type: warning.license_type,
            territories: warning.territories,
            from: warning.from,
            to: warning.to,
            days: warning.days(),
            code: warning.code.as_str().to_owned(),
            says: warning.code.says().to_owned(),
        }
    }
}

impl NewDealBody {
    fn into_deal(self, title_id: TitleId, now: UtcMs) -> BaseResult<Deal> {
        let NewDealBody {
            party_id,
            contract,
            carriage,
            territories,
            languages,
            format_profile,
            start_at,
            end_at,
            zone,
            exclusivity,
        } = self;
        let caps = caps::read(languages, format_profile)?;
        let (id, window) = (DealId::new(now), Window { start_at, end_at, zone });
        let deal = Deal {
            id,
            title_id,
            party_id,
            contract,
            carriage,
            territories,
            caps,
            window,
            exclusivity,
            opened_at: None,
            revoked_at: None,
        };
        deal.check()?;
        Ok(deal)
    }
}

impl DealBody {
    fn new(snapshot: &Snapshot, deal: Deal, now: UtcMs) -> DealBody {
        let title = snapshot.title(deal.title_id);
        DealBody {
            title: TitleBrief::of(snapshot, deal.title_id),
            party_name: snapshot.party(deal.party_id).map(|party| party.name.clone()).unwrap_or_default(),
            drift_ms: deal.opened_at.map(|opened_at| opened_at.0 - deal.window.start_at.0),
            alarm: deal.drift(now),
            delivery: title.and_then(|title| title.delivery_of(deal.id)).map(DealDeliveryBody::from),
            missing_parts: title.map(|title| title.missing_parts(&deal, now)).unwrap_or_default(),
            id: deal.id,
            party_id: deal.party_id,
            contract: deal.contract,
            carriage: deal.carriage,
            territories: deal.territories,
            languages: LanguagesBody::of(deal.caps.as_deref()),
            format_profile: caps::format_profile(deal.caps.as_deref()),
            start_at: deal.window.start_at,
            end_at: deal.window.end_at,
            zone: deal.window.zone,
            exclusivity: deal.exclusivity,
            opened_at: deal.opened_at,
            revoked_at: deal.revoked_at,
        }
    }
}

impl DealConflictBody {
    fn new(conflict: &DealConflict) -> DealConflictBody {
        let (mut avail_id, mut deal_id, mut holdback_id) = (None, None, None);
        match conflict.met {
            Met::Avail(id) => avail_id = Some(id),
            Met::Deal(id) => deal_id = Some(id),
            Met::Holdback(id) => holdback_id = Some(id),
        }
        DealConflictBody {
            avail_id,
            deal_id,
            holdback_id,
            territories: conflict.territories,
            from: conflict.from,
            to: conflict.to,
            days: conflict.days(),
        }
    }
}
