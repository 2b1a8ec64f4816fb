//! Titles as other parties see them: those that they produced, and those that they have a deal about. Of all others there
//! is nothing to see.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::body::{Id, QueryOf};
use crate::api::caller::AParty;
use crate::api::caps::{self, FormatProfileBody, LanguagesBody};
use crate::api::page::{List, PageQuery};
use crate::api::problem::Problem;
use crate::base::clock::UtcMs;
use crate::base::id::{DealId, PartyId, TitleId};
use crate::base::territory::TerritorySet;
use crate::catalog::compliance::ComplianceState;
use crate::catalog::title::TitleStatus;
use crate::operator::Operators;
use crate::operator::avails::{AvailBody, TerritoriesBody, title_not_found};
use crate::operator::compliance::LicenceStateBody;
use crate::operator::deals::CarriageBody;
use crate::operator::title_sales::{SalesParams, TitleSalesBody, sales_of};
use crate::operator::titles::StatusBody;
use crate::rights::caps::FormatProfile;
use crate::rights::deal::{Carriage, Deal, Drift};
use crate::rights::delivery::DeliveryStatus;
use crate::rights::snapshot::{Snapshot, TitleRights};

#[derive(Serialize, ToSchema)]
#[schema(as = PartnerTitle)]
pub struct PartnerTitleBody {
    id: TitleId,
    name: BTreeMap<String, String>,
    #[schema(value_type = StatusBody)]
    status: TitleStatus,
    runtime_ms: i64,
    /// What the caller has to do with it: one or both.
    relation: Vec<Relation>,
    /// Where it stands in China; for its producers alone.
    #[schema(value_type = Option<LicenceStateBody>)]
    licence_state: Option<ComplianceState>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = PartnerTitleWhole)]
pub struct WholeTitleBody {
    #[serde(flatten)]
    title: PartnerTitleBody,
    /// Our windows; for its producers alone.
    windows: Vec<AvailBody>,
    /// All deals about it for its producers, and for others their own.
    deals: Vec<TitleDealBody>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PartnerRelation)]
pub enum Relation {
    Producer,
    Deal,
}

/// A deal as those see it whose film it is about.
#[derive(Serialize, ToSchema)]
#[schema(as = PartnerTitleDeal)]
pub struct TitleDealBody {
    id: DealId,
    party_name: String,
    /// It is the caller's own.
    own: bool,
    /// Of others without price and streams.
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
    opened_at: Option<UtcMs>,
    revoked_at: Option<UtcMs>,
    #[schema(value_type = Option<String>, pattern = "^(early|late|unreported)$")]
    alarm: Option<Drift>,
    /// How the files fared that were sent and not recalled: of the newest of each part the one that is settled least.
    delivery: Option<TitleDeliveryBody>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = PartnerTitleDelivery)]
pub struct TitleDeliveryBody {
    #[schema(value_type = String, pattern = "^(sent|accepted|rejected)$")]
    status: DeliveryStatus,
}

/// Titles that the caller produced or has a deal about, in id order.
#[utoipa::path(get, path = "/partner/titles", tag = "partners", operation_id = "list_partner_titles",
    params(PageQuery), security(("bearer" = [])), responses(
    (status = 200, description = "A page of titles", body = List<PartnerTitleBody>),
    (status = 401, description = "PARTNER_TOKEN_INVALID, PARTNER_TOKEN_EXPIRED"),
    (status = 403, description = "PARTY_REQUIRED"),
    (status = 503, description = "PARTNER_KEYS_UNAVAILABLE"),
))]
pub async fn list(
    State(operators): State<Arc<Operators>>,
    party: AParty,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<List<PartnerTitleBody>>, Problem> {
    let (snapshot, now) = (operators.api.follower.snapshot(), operators.api.clock.now());
    let its: Vec<PartnerTitleBody> =
        snapshot.titles().filter_map(|title| PartnerTitleBody::of(title, party.id, now)).collect();
    query.cut(its, |title| title.id.to_string(), |title| title)
}

/// One of them, with what is agreed about it.
#[utoipa::path(get, path = "/partner/titles/{id}", tag = "partners", operation_id = "show_partner_title",
    params(("id" = TitleId, Path)), security(("bearer" = [])), responses(
    (status = 200, description = "The title", body = WholeTitleBody),
    (status = 401, description = "PARTNER_TOKEN_INVALID, PARTNER_TOKEN_EXPIRED"),
    (status = 403, description = "PARTY_REQUIRED"),
    (status = 404, description = "TITLE_NOT_FOUND: also where the caller has nothing to do with it"),
    (status = 503, description = "PARTNER_KEYS_UNAVAILABLE"),
))]
pub async fn show(
    State(operators): State<Arc<Operators>>,
    party: AParty,
    Id(id): Id<TitleId>,
) -> Result<Json<WholeTitleBody>, Problem> {
    let (snapshot, now) = (operators.api.follower.snapshot(), operators.api.clock.now());
    let title = snapshot.title(id).ok_or_else(title_not_found)?;
    let body = PartnerTitleBody::of(title, party.id, now).ok_or_else(title_not_found)?;
    let is_producer = body.relation.contains(&Relation::Producer);
    let windows = if is_producer { title.avails.iter().cloned().map(AvailBody::new).collect() } else { Vec::new() };
    let deals = title.deals.iter().filter(|deal| is_producer || deal.party_id == party.id);
    let deals = deals.map(|deal| TitleDealBody::new(&snapshot, title, deal, party.id, now)).collect();
    Ok(Json(WholeTitleBody { title: body, windows, deals }))
}

/// The sales of one that the caller produced.
#[utoipa::path(get, path = "/partner/titles/{id}/sales", tag = "partners", operation_id = "show_partner_title_sales",
    params(("id" = TitleId, Path), SalesParams), security(("bearer" = [])), responses(
    (status = 200, description = "Sales in a stretch", body = TitleSalesBody),
    (status = 401, description = "PARTNER_TOKEN_INVALID, PARTNER_TOKEN_EXPIRED"),
    (status = 403, description = "PARTY_REQUIRED"),
    (status = 404, description = "TITLE_NOT_FOUND: also where the caller has not produced it"),
    (status = 422, description = "ZONE_INVALID, CURRENCY_INVALID, RANGE_INVALID"),
    (status = 503, description = "PARTNER_KEYS_UNAVAILABLE"),
))]
pub async fn sales(
    State(operators): State<Arc<Operators>>,
    party: AParty,
    Id(id): Id<TitleId>,
    QueryOf(params): QueryOf<SalesParams>,
) -> Result<Json<TitleSalesBody>, Problem> {
    let snapshot = operators.api.follower.snapshot();
    let is_its = snapshot.title(id).is_some_and(|title| title.title.details.producers.contains(&party.id));
    if !is_its {
        return Err(title_not_found());
    }
    Ok(Json(sales_of(&operators, id, &params).await?))
}

impl PartnerTitleBody {
    /// None where the party has nothing to do with the title.
    fn of(TitleRights { title, deals, .. }: &TitleRights, party: PartyId, now: UtcMs) -> Option<PartnerTitleBody> {
        let is_producer = title.details.producers.contains(&party);
        let has_deal = deals.iter().any(|deal| deal.party_id == party && deal.revoked_at.is_none());
        let relation = [(is_producer, Relation::Producer), (has_deal, Relation::Deal)];
        let relation: Vec<Relation> =
            relation.into_iter().filter_map(|(is, relation)| is.then_some(relation)).collect();
        (!relation.is_empty()).then(|| PartnerTitleBody {
            id: title.id,
            name: title.name.clone(),
            status: title.status,
            runtime_ms: title.runtime_ms,
            relation,
            licence_state: is_producer.then(|| title.compliance_state(now)),
        })
    }
}

impl TitleDealBody {
    fn new(snapshot: &Snapshot, title: &TitleRights, deal: &Deal, party: PartyId, now: UtcMs) -> TitleDealBody {
        let own = deal.party_id == party;
        let carriage = match &deal.carriage {
            Carriage::Platform { license_type, .. } if !own => {
                Carriage::Platform { license_type: *license_type, price: None, streams: None }
            }
            carriage => carriage.clone(),
        };
        TitleDealBody {
            id: deal.id,
            party_name: snapshot.party(deal.party_id).map(|party| party.name.clone()).unwrap_or_default(),
            own,
            carriage,
            territories: deal.territories,
            languages: LanguagesBody::of(deal.caps.as_deref()),
            format_profile: caps::format_profile(deal.caps.as_deref()),
            start_at: deal.window.start_at,
            end_at: deal.window.end_at,
            zone: deal.window.zone.clone(),
            opened_at: deal.opened_at,
            revoked_at: deal.revoked_at,
            alarm: deal.drift(now).filter(|_| deal.revoked_at.is_none()),
            delivery: title.delivery_of(deal.id).map(|delivery| TitleDeliveryBody { status: delivery.status }),
        }
    }
}
