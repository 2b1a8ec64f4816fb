//! Offers: what can be bought under an avail.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::api::body::{Id, JsonBody, QueryOf};
use crate::api::caller::AnOperator;
use crate::api::idempotency::{IdempotencyKey, key_reused};
use crate::api::page::{List, PageQuery};
use crate::api::problem::Problem;
use crate::api::role::Editor;
use crate::base::clock::UtcMs;
use crate::base::error::Error;
use crate::base::id::{AvailId, OfferId, TitleId};
use crate::base::money::Money;
use crate::operator::{Operators, avails, compliance, titles};
use crate::rights::avail::LicenseType;
use crate::rights::grant::GrantClock;
use crate::rights::offer::{Offer, OfferKind};
use crate::store::db::Written;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOfferBody {
    #[schema(value_type = OfferKindBody)]
    kind: OfferKind,
    list_price: Money,
    /// For members; not above the list price.
    member_price: Option<Money>,
    clock: ClockBody,
    /// Streams at once, 1 if not said.
    #[serde(default = "one")]
    streams: u32,
    /// From when it is sold although its window has not opened; viewing begins with the window.
    presale_from_at: Option<UtcMs>,
    /// How long before the end of its window it is sold no more; 0 if not said.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 2_592_000)]
    sales_cutoff_s: i64,
}

/// When the viewing period begins.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ClockBody {
    OnPurchase {
        watch_s: i64,
    },
    /// For members, until members have the title anyway; `watch_s` is the longest.
    UntilMembers {
        watch_s: i64,
    },
    OnFirstPlay {
        start_within_s: i64,
        watch_s: i64,
    },
    /// Of what is bought for good.
    Forever {},
}

#[derive(Serialize, ToSchema)]
#[schema(as = OperatorOffer)]
pub struct OfferBody {
    id: OfferId,
    title_id: TitleId,
    avail_id: AvailId,
    #[schema(value_type = OfferKindBody)]
    kind: OfferKind,
    list_price: Money,
    member_price: Option<Money>,
    clock: ClockBody,
    streams: u32,
    presale_from_at: Option<UtcMs>,
    /// How long before the end of its window it is sold no more.
    sales_cutoff_s: i64,
    /// From when it is sold no more.
    withdrawn_at: Option<UtcMs>,
}

#[derive(ToSchema)]
#[schema(as = OfferKind, rename_all = "snake_case")]
pub enum OfferKindBody {
    Pvod,
    Rental,
    Buy,
}

fn one() -> u32 {
    1
}

/// The offers under an avail.
#[utoipa::path(get, path = "/operator/avails/{id}/offers", tag = "operator", operation_id = "operator_list_offers",
    params(("id" = AvailId, Path), PageQuery), security(("bearer" = [])), responses(
    (status = 200, description = "A page of offers", body = List<OfferBody>),
    (status = 404, description = "AVAIL_NOT_FOUND"),
))]
pub async fn list(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    Id(avail_id): Id<AvailId>,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<List<OfferBody>>, Problem> {
    let avail = avails::find(&operators, avail_id).await?;
    let snapshot = operators.api.follower.snapshot();
    let offers = snapshot.title(avail.title_id).map(|title| title.offers_of(avail_id).cloned().collect());
    query.cut(offers.unwrap_or_default(), |offer: &Offer| offer.id.to_string(), |offer| OfferBody::new(&offer))
}

/// Put something on sale. An offer is never edited: make another one.
#[utoipa::path(post, path = "/operator/avails/{id}/offers", tag = "operator", operation_id = "operator_create_offer",
    params(("id" = AvailId, Path)), request_body = NewOfferBody, security(("bearer" = [])), responses(
    (status = 201, description = "The offer", body = OfferBody),
    (status = 404, description = "AVAIL_NOT_FOUND"),
    (status = 409, description = "LICENCE_REQUIRED: in China, of what was made there"),
    (status = 422, description = "OFFER_INVALID, LICENSE_TYPE_NOT_SOLD, IDEMPOTENCY_KEY_REUSED"),
))]
pub async fn create(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    Id(avail_id): Id<AvailId>,
    key: IdempotencyKey,
    body: JsonBody<NewOfferBody>,
) -> Result<Response, Problem> {
    let api = &operators.api;
    let idempotency = key.of(&operator.caller, &body.digest);
    // A repeated request is answered before it is judged: what was in order when it was made may have changed.
    if let Some(key) = &idempotency
        && let Some(Written::Replay { id }) = api.db.written(key).await?
    {
        return made(&operators, id.parse()?).await;
    }
    let avail = avails::find(&operators, avail_id).await?;
    if !avail.license_type.is_sold() {
        let detail = "Only a vod or est avail is sold title by title; this one is for members or free.";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "LICENSE_TYPE_NOT_SOLD", detail));
    }
    let now = api.clock.now();
    compliance::require_clearance(&titles::find(&operators, avail.title_id).await?, &avail, now)?;
    let NewOfferBody { kind, list_price, member_price, clock, streams, presale_from_at, sales_cutoff_s } = body.value;
    if (avail.license_type == LicenseType::Est) != (kind == OfferKind::Buy) {
        let detail = "Under an est avail titles are bought for good, with an offer of the kind `buy`; under a vod avail \
            they are not.";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "OFFER_INVALID", detail).with_param("kind"));
    }
    if presale_from_at.is_some_and(|from_at| from_at >= avail.window.start_at) {
        let detail = "A presale begins before the window opens.";
        return Err(
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "OFFER_INVALID", detail).with_param("presale_from_at")
        );
    }
    let offer = Offer {
        id: OfferId::new(now),
        title_id: avail.title_id,
        avail_id,
        kind,
        list_price,
        member_price,
        clock: clock.into(),
        streams,
        presale_from_at,
        sales_cutoff_ms: sales_cutoff_s.saturating_mul(1000),
        withdrawn_at: None,
    };
    offer.check()?;
    let sold_until = offer.sold_until(&avail);
    if offer.sales_cutoff_ms > 0 && sold_until.is_none_or(|until| until <= avail.window.start_at) {
        let detail = match sold_until {
            None => "The window has no end before which the sale could end.",
            Some(_) => "The sale would end before the window opens.",
        };
        return Err(
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "OFFER_INVALID", detail).with_param("sales_cutoff_s")
        );
    }
    match api.db.insert_offer(&offer, idempotency.as_ref(), now).await? {
        Written::New(()) => {
            api.follower.announce().await;
            operators.audit(&operator, "offer.create", &offer.id.to_string(), json!({"offer": offer})).await?;
            Ok((StatusCode::CREATED, Json(OfferBody::new(&offer))).into_response())
        }
        Written::Replay { id } => made(&operators, id.parse()?).await,
        Written::KeyReused => Err(key_reused()),
    }
}

async fn made(operators: &Operators, id: OfferId) -> Result<Response, Problem> {
    let offer = operators.api.db.offer(id).await?.ok_or_else(|| Error::internal(format!("offer {id} is gone")))?;
    Ok((StatusCode::CREATED, Json(OfferBody::new(&offer))).into_response())
}

/// Sell it no more, from now on. What was bought stays. Withdrawing twice is withdrawing once.
#[utoipa::path(post, path = "/operator/offers/{id}/withdraw", tag = "operator",
    operation_id = "operator_withdraw_offer", params(("id" = OfferId, Path)), security(("bearer" = [])), responses(
    (status = 200, description = "The offer as it is now", body = OfferBody),
    (status = 404, description = "OFFER_NOT_FOUND"),
))]
pub async fn withdraw(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    Id(id): Id<OfferId>,
) -> Result<Json<OfferBody>, Problem> {
    let api = &operators.api;
    if api.db.withdraw_offer(id, api.clock.now()).await? {
        api.follower.announce().await;
        operators.audit(&operator, "offer.withdraw", &id.to_string(), json!({})).await?;
    }
    let offer = api.db.offer(id).await?.ok_or_else(|| Error::internal(format!("offer {id} is gone")))?;
    Ok(Json(OfferBody::new(&offer)))
}

impl OfferBody {
    pub fn new(offer: &Offer) -> OfferBody {
        OfferBody {
            id: offer.id,
            title_id: offer.title_id,
            avail_id: offer.avail_id,
            kind: offer.kind,
            list_price: offer.list_price,
            member_price: offer.member_price,
            clock: offer.clock.into(),
            streams: offer.streams,
            presale_from_at: offer.presale_from_at,
            sales_cutoff_s: offer.sales_cutoff_ms / 1000,
            withdrawn_at: offer.withdrawn_at,
        }
    }
}

impl From<ClockBody> for GrantClock {
    fn from(clock: ClockBody) -> GrantClock {
        let ms = |seconds: i64| seconds.saturating_mul(1000);
        match clock {
            ClockBody::OnPurchase { watch_s } => GrantClock::OnPurchase { watch_ms: ms(watch_s) },
            ClockBody::UntilMembers { watch_s } => GrantClock::UntilMembers { watch_ms: ms(watch_s) },
            ClockBody::OnFirstPlay { start_within_s, watch_s } => {
                GrantClock::OnFirstPlay { start_within_ms: ms(start_within_s), watch_ms: ms(watch_s) }
            }
            ClockBody::Forever {} => GrantClock::Forever,
        }
    }
}

impl From<GrantClock> for ClockBody {
    fn from(clock: GrantClock) -> ClockBody {
        match clock {
            GrantClock::OnPurchase { watch_ms } => ClockBody::OnPurchase { watch_s: watch_ms / 1000 },
            GrantClock::UntilMembers { watch_ms } => ClockBody::UntilMembers { watch_s: watch_ms / 1000 },
            GrantClock::OnFirstPlay { start_within_ms, watch_ms } => {
                ClockBody::OnFirstPlay { start_within_s: start_within_ms / 1000, watch_s: watch_ms / 1000 }
            }
            GrantClock::Forever => ClockBody::Forever {},
        }
    }
}
