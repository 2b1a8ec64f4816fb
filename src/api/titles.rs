//! The catalogue as one caller sees it here and now: each title with the decision about playing it and the offers that
//! would be sold.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::body::{Id, QueryOf};
use crate::api::caller::{Anyone, At};
use crate::api::page::{List, PageQuery};
use crate::api::problem::Problem;
use crate::api::{Api, BASE};
use crate::base::clock::UtcMs;
use crate::base::id::{OfferId, TitleId, ViewerId};
use crate::base::money::Money;
use crate::base::territory::Territory;
use crate::catalog::title::{Title, TitleStatus};
use crate::rights::avail::Avail;
use crate::rights::entitlement::{
    Cause, Decision, Denial, DenialCode, NextOption, ViewerRights, covered_avails, decide,
};
use crate::rights::grant::GrantClock;
use crate::rights::offer::{Offer, OfferKind};
use crate::rights::snapshot::TitleRights;

const HOUR_MS: f64 = 3_600_000.0;
const POSTER_CACHE: &str = "public, max-age=300";

#[derive(Serialize, ToSchema)]
pub struct TitleBody {
    id: TitleId,
    /// By BCP 47 language tag.
    name: BTreeMap<String, String>,
    synopsis: BTreeMap<String, String>,
    runtime_ms: i64,
    poster_url: Option<String>,
    state: TitleState,
    decision: DecisionBody,
    offers: Vec<OfferBody>,
}

/// What the storefront's button is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TitleState {
    ForSale,
    /// Included for members.
    Member,
    Free,
    OpensLater,
    NotAvailable,
    /// Bought by the caller and still theirs.
    Acquired,
}

#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum DecisionBody {
    Allow(AllowBody),
    Deny(DenyBody),
}

#[derive(Serialize, ToSchema)]
pub struct AllowBody {
    /// Always true.
    allow: bool,
    via: Via,
    ends_at: Option<UtcMs>,
    /// Pressing Play starts the viewing period.
    starts_clock: bool,
}

#[derive(Serialize, ToSchema)]
pub struct DenyBody {
    /// Always false.
    allow: bool,
    code: String,
    message: String,
    next: Vec<NextBody>,
}

/// The right that plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    Grant,
    Membership,
    Free,
}

/// What would help.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "action")]
pub enum NextBody {
    Buy { offer_id: OfferId, price: Money },
    Join,
    Wait { opens_at: UtcMs },
}

#[derive(Serialize, ToSchema)]
pub struct OfferBody {
    id: OfferId,
    #[schema(value_type = String, pattern = "^(pvod|rental)$")]
    kind: OfferKind,
    /// What this caller would pay.
    price: Money,
    list_price: Money,
    member_price: Option<Money>,
    /// The viewing period.
    watch_hours: f64,
    /// Within how many days it must be started; null where the period runs from the purchase.
    start_within_days: Option<f64>,
    opens_at: UtcMs,
    closes_at: Option<UtcMs>,
    on_sale: bool,
}

/// The titles on show.
#[utoipa::path(get, path = "/titles", tag = "titles", operation_id = "list_titles", params(PageQuery),
    security((), ("bearer" = []), ("cookie" = [])), responses(
    (status = 200, description = "A page of titles, oldest first", body = List<TitleBody>),
))]
pub async fn list(
    State(api): State<Arc<Api>>,
    Anyone(caller): Anyone,
    At(place): At,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<List<TitleBody>>, Problem> {
    let viewer_id = caller.and_then(|caller| caller.viewer_id());
    let rights = all_rights(&api, viewer_id).await?;
    let now = api.clock.now();
    let snapshot = api.follower.snapshot();
    let listed = snapshot
        .titles()
        .filter(|title| matches!(title.title.status, TitleStatus::Live | TitleStatus::Suspended))
        .cloned()
        .collect();
    query.cut(
        listed,
        |title: &Arc<TitleRights>| title.title.id.to_string(),
        |title| title_body(&title, &rights.of(title.title.id), place.territory, now),
    )
}

/// One title.
#[utoipa::path(get, path = "/titles/{id}", tag = "titles", operation_id = "show_title", params(("id" = TitleId, Path)),
    security((), ("bearer" = []), ("cookie" = [])), responses(
    (status = 200, description = "The title", body = TitleBody),
    (status = 404, description = "TITLE_NOT_FOUND"),
    (status = 410, description = "TITLE_WITHDRAWN"),
))]
pub async fn show(
    State(api): State<Arc<Api>>,
    Anyone(caller): Anyone,
    At(place): At,
    Id(id): Id<TitleId>,
) -> Result<Json<TitleBody>, Problem> {
    let title = listed_title(&api, id)?;
    let viewer_id = caller.and_then(|caller| caller.viewer_id());
    let rights = api.sessions.viewer_rights(viewer_id, id).await?;
    Ok(Json(title_body(&title, &rights, place.territory, api.clock.now())))
}

/// The poster of a listed title.
#[utoipa::path(get, path = "/titles/{id}/poster.jpg", tag = "titles", operation_id = "show_poster", params(("id" = TitleId, Path)), responses(
    (status = 200, description = "A JPEG", content_type = "image/jpeg"),
    (status = 304, description = "The poster that the caller has"),
    (status = 404, description = "TITLE_NOT_FOUND, or a title without a film"),
    (status = 410, description = "TITLE_WITHDRAWN"),
))]
pub async fn poster(State(api): State<Arc<Api>>, headers: HeaderMap, Id(id): Id<TitleId>) -> Result<Response, Problem> {
    let title = listed_title(&api, id)?;
    let asset_id = title.title.part(1).ok_or_else(Problem::not_found)?;
    // The poster is the asset's, and an asset never changes.
    let etag = format!("\"{asset_id}\"");
    let caching = [(header::ETAG, etag.clone()), (header::CACHE_CONTROL, POSTER_CACHE.to_owned())];
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
        return Ok((StatusCode::NOT_MODIFIED, caching).into_response());
    }
    let jpeg = (api.posters)(asset_id).await?;
    Ok((caching, [(header::CONTENT_TYPE, "image/jpeg")], jpeg).into_response())
}

/// A title that anybody may know of.
fn listed_title(api: &Api, id: TitleId) -> Result<Arc<TitleRights>, Problem> {
    let refuse = |code| Err(Problem::denied(&Denial::of(code)));
    match api.follower.snapshot().title(id) {
        None => refuse(DenialCode::TitleNotListed),
        Some(title) => match title.title.status {
            TitleStatus::Draft => refuse(DenialCode::TitleNotListed),
            TitleStatus::Withdrawn => refuse(DenialCode::TitleWithdrawn),
            TitleStatus::Live | TitleStatus::Suspended => Ok(title.clone()),
        },
    }
}

/// What a viewer brings to every title.
struct AllRights(ViewerRights);

impl AllRights {
    fn of(&self, title: TitleId) -> ViewerRights {
        let grants = self.0.grants.iter().filter(|grant| grant.title_id == title).cloned().collect();
        ViewerRights { grants, memberships: self.0.memberships.clone() }
    }
}

async fn all_rights(api: &Api, viewer: Option<ViewerId>) -> Result<AllRights, Problem> {
    let Some(viewer) = viewer else { return Ok(AllRights(ViewerRights::default())) };
    let mut grants = api.db.grants(viewer, None).await?;
    grants.retain(|grant| grant.livemode == api.livemode);
    Ok(AllRights(ViewerRights { grants, memberships: api.db.memberships(viewer).await? }))
}

fn title_body(title: &TitleRights, viewer: &ViewerRights, territory: Option<Territory>, now: UtcMs) -> TitleBody {
    let Title { id, name, synopsis, runtime_ms, .. } = &title.title;
    let decision = decide(title, viewer, territory, now);
    let is_member = viewer.is_member(now);
    let offers = covered_avails(title, territory)
        .into_iter()
        .flat_map(|avail| title.offers_of(avail.id).map(move |offer| (avail, offer)))
        .map(|(avail, offer)| offer_body(title, avail, offer, is_member, now))
        .collect();
    TitleBody {
        id: *id,
        name: name.clone(),
        synopsis: synopsis.clone(),
        runtime_ms: *runtime_ms,
        poster_url: title.title.part(1).map(|_| format!("{BASE}/titles/{id}/poster.jpg")),
        state: state(&decision),
        decision: decision.into(),
        offers,
    }
}

fn state(decision: &Decision) -> TitleState {
    let denial = match decision {
        Decision::Allow(entitlement) => {
            return match entitlement.cause {
                Cause::Grant(_) => TitleState::Acquired,
                Cause::Membership(_) => TitleState::Member,
                Cause::Free => TitleState::Free,
            };
        }
        Decision::Deny(denial) => denial,
    };
    let has = |wanted: fn(&NextOption) -> bool| denial.next.iter().any(wanted);
    if has(|option| matches!(option, NextOption::Buy { .. })) {
        TitleState::ForSale
    } else if has(|option| matches!(option, NextOption::Join)) {
        TitleState::Member
    } else if has(|option| matches!(option, NextOption::Wait { .. })) {
        TitleState::OpensLater
    } else {
        TitleState::NotAvailable
    }
}

fn offer_body(title: &TitleRights, avail: &Avail, offer: &Offer, is_member: bool, now: UtcMs) -> OfferBody {
    let (watch_ms, start_within_ms) = match offer.clock {
        GrantClock::OnPurchase { watch_ms } => (watch_ms, None),
        GrantClock::OnFirstPlay { start_within_ms, watch_ms } => (watch_ms, Some(start_within_ms)),
    };
    OfferBody {
        id: offer.id,
        kind: offer.kind,
        price: offer.price(is_member),
        list_price: offer.list_price,
        member_price: offer.member_price,
        watch_hours: watch_ms as f64 / HOUR_MS,
        start_within_days: start_within_ms.map(|ms| ms as f64 / (24.0 * HOUR_MS)),
        opens_at: avail.window.start_at,
        closes_at: avail.window.end_at,
        on_sale: title.title.status == TitleStatus::Live && avail.window.is_open(now) && !avail.has_hard_ended(now),
    }
}

impl From<Cause> for Via {
    fn from(cause: Cause) -> Via {
        match cause {
            Cause::Grant(_) => Via::Grant,
            Cause::Membership(_) => Via::Membership,
            Cause::Free => Via::Free,
        }
    }
}

impl From<Decision> for DecisionBody {
    fn from(decision: Decision) -> DecisionBody {
        match decision {
            Decision::Allow(entitlement) => DecisionBody::Allow(AllowBody {
                allow: true,
                via: entitlement.cause.into(),
                ends_at: entitlement.ends_at,
                starts_clock: entitlement.starts_clock,
            }),
            Decision::Deny(denial) => DecisionBody::Deny(DenyBody {
                allow: false,
                code: denial.code.as_str().to_owned(),
                message: denial.code.message().to_owned(),
                next: denial.next.into_iter().map(NextBody::from).collect(),
            }),
        }
    }
}

impl From<NextOption> for NextBody {
    fn from(option: NextOption) -> NextBody {
        match option {
            NextOption::Buy { offer_id, price } => NextBody::Buy { offer_id, price },
            NextOption::Join => NextBody::Join,
            NextOption::Wait { opens_at } => NextBody::Wait { opens_at },
        }
    }
}
