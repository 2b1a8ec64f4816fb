//! One purchase with everything it led to, and its story in order.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::api::accounts::{ViewerBody, viewer_body};
use crate::api::body::Id;
use crate::api::caller::AnOperator;
use crate::api::grants::GrantRow;
use crate::api::problem::Problem;
use crate::api::purchases::BoughtMembershipBody;
use crate::base::clock::UtcMs;
use crate::base::error::Error;
use crate::base::id::PurchaseId;
use crate::ledger::purchase::PurchaseStatus;
use crate::ledger::refund_rule::RefundRule;
use crate::operator::Operators;
use crate::operator::ledger::EntryBody;
use crate::operator::offers::OfferBody;
use crate::operator::refunds_due;
use crate::operator::sales::{PurchaseRow, RefundBody};
use crate::operator::sessions::SessionBody;
use crate::operator::wallets::LotBody;
use crate::store::db::sales::{PaymentEventKind, Sale, Trail};

#[derive(Serialize, ToSchema)]
#[schema(as = PurchaseDetail)]
pub struct SaleDetail {
    #[serde(flatten)]
    row: PurchaseRow,
    viewer: ViewerBody,
    offer: Option<OfferBody>,
    /// What it gave: of a bundle a grant for each title.
    grants: Vec<GrantRow>,
    membership: Option<BoughtMembershipBody>,
    coin_lots: Vec<LotBody>,
    refund: Option<RefundBody>,
    /// Why its money should go back, where a rule says so and it has not: an operator may refund without one.
    #[schema(value_type = Option<String>, pattern = "^(outage|licence_withdrawn|unstarted|tried)$")]
    refund_rule: Option<RefundRule>,
    /// What it wrote into the journal.
    entries: Vec<EntryBody>,
    /// Oldest first.
    events: Vec<EventBody>,
    /// Opened under its grants, newest first.
    sessions: Vec<SessionBody>,
}

/// Something that happened to a purchase and was recorded when it did.
#[derive(Serialize, ToSchema)]
#[schema(as = PurchaseEvent)]
pub struct EventBody {
    at: UtcMs,
    kind: EventKind,
    #[schema(value_type = Object)]
    detail: Value,
}

/// In the order in which they stand where they happened at once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PurchaseEventKind)]
pub enum EventKind {
    Begun,
    /// The provider called, and its signature was right.
    Callback,
    Paid,
    Declined,
    /// Nobody paid in time.
    Expired,
    /// Somebody paid afterwards, and was given the money back.
    LatePaymentReturned,
    Grant,
    FirstPlay,
    Refund,
    GrantRevoked,
}

/// One purchase.
#[utoipa::path(get, path = "/operator/purchases/{id}", tag = "operator", operation_id = "operator_show_purchase",
    params(("id" = PurchaseId, Path)), security(("bearer" = [])), responses(
    (status = 200, description = "The purchase and everything it led to", body = SaleDetail),
    (status = 404, description = "PURCHASE_NOT_FOUND"),
))]
pub async fn show(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    Id(id): Id<PurchaseId>,
) -> Result<Json<SaleDetail>, Problem> {
    let api = &operators.api;
    let not_found = || Problem::new(StatusCode::NOT_FOUND, "PURCHASE_NOT_FOUND", "There is no such purchase.");
    let watched = api.db.sale(id).await?.ok_or_else(not_found)?;
    let refund_rule = refunds_due::rule_of(&watched, &api.follower.snapshot(), api.clock.now());
    let sale = watched.sale;
    let trail = api.db.trail(id).await?;
    let viewer = api.db.viewer(sale.purchase.viewer_id).await?;
    let viewer = viewer.ok_or_else(|| Error::internal(format!("the viewer of {id} is gone")))?;
    let (snapshot, now) = (api.follower.snapshot(), api.clock.now());
    let session = |session| SessionBody::new(session, Some(sale.viewer_email.clone()), &snapshot);
    let sessions = trail.sessions.iter().map(session).collect();
    Ok(Json(SaleDetail {
        row: PurchaseRow::new(&snapshot, &sale),
        viewer: viewer_body(api, viewer).await?,
        offer: sale.purchase.good.offer_id().and_then(|id| snapshot.offer(id)).map(|(_, offer)| OfferBody::new(offer)),
        grants: sale.given.grants.iter().map(|grant| GrantRow::new(&snapshot, grant, now)).collect(),
        membership: sale.given.membership.as_ref().map(BoughtMembershipBody::new),
        coin_lots: sale.given.coins.iter().map(|lot| LotBody::new(lot, now)).collect(),
        events: events(&sale, &trail),
        refund_rule,
        refund: sale.refund.map(RefundBody::new),
        entries: trail.entries.iter().map(EntryBody::new).collect(),
        sessions,
    }))
}

fn events(Sale { purchase, given, refund, .. }: &Sale, trail: &Trail) -> Vec<EventBody> {
    let mut events = Vec::new();
    let mut happened = |at: UtcMs, kind, detail| events.push(EventBody { at, kind, detail });
    let begun = json!({"price": purchase.price, "provider": purchase.provider, "payment_id": purchase.payment_id,
        "territory": purchase.territory});
    happened(purchase.created_at, EventKind::Begun, begun);
    for callback in &trail.callbacks {
        let detail = json!({"event_id": callback.event_id, "times": callback.times});
        happened(callback.first_at, EventKind::Callback, detail);
    }
    for payment in &trail.payments {
        let kind = match payment.kind {
            PaymentEventKind::Paid => EventKind::Paid,
            PaymentEventKind::Declined => EventKind::Declined,
            PaymentEventKind::Late => EventKind::LatePaymentReturned,
        };
        happened(payment.recorded_at, kind, json!({"event_id": payment.id}));
    }
    if let (PurchaseStatus::Expired, Some(at)) = (purchase.status, purchase.decided_at) {
        happened(at, EventKind::Expired, json!({}));
    }
    for grant in &given.grants {
        happened(grant.issued_at, EventKind::Grant, json!({"grant_id": grant.id, "expires_at": grant.expires_at()}));
        if let Some(at) = grant.first_play_at {
            happened(at, EventKind::FirstPlay, json!({"grant_id": grant.id}));
        }
        if let Some(at) = grant.revoked_at {
            happened(at, EventKind::GrantRevoked, json!({"grant_id": grant.id}));
        }
    }
    if let Some(refund) = refund {
        let detail = json!({"refund_id": refund.id, "amount": refund.amount, "reason": refund.reason});
        happened(refund.created_at, EventKind::Refund, detail);
    }
    events.sort_by_key(|event| (event.at, event.kind));
    events
}
