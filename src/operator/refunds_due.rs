//! The refunds that a revoked licence and outages make due: found in what was bought and watched, and given back a batch at a time.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::api::body::{Id, QueryOf};
use crate::api::caller::AnOperator;
use crate::api::page::{List, PageQuery};
use crate::api::problem::Problem;
use crate::api::role::Treasurer;
use crate::base::clock::UtcMs;
use crate::base::error::Result as BaseResult;
use crate::base::id::{PurchaseId, TitleId};
use crate::base::limits;
use crate::base::money::{Currency, Money};
use crate::base::territory::Territory;
use crate::catalog::compliance::{ComplianceState, Revocation};
use crate::catalog::title::Title;
use crate::ledger::purchase::PurchaseStatus;
use crate::ledger::refund_rule::{RefundFacts, RefundRule};
use crate::operator::Operators;
use crate::operator::sales::{PurchaseRow, RefundBody};
use crate::operator::titles;
use crate::rights::grant::Grant;
use crate::rights::snapshot::Snapshot;
use crate::store::db::sales::{Sale, WatchedSale};
use crate::store::db::{Idempotency, Page};

/// What is due.
#[derive(Serialize, ToSchema)]
#[schema(as = RefundsDue)]
pub struct RefundsDueBody {
    /// When the licence was revoked; null where it stands, and only outages make something due.
    revoked_at: Option<UtcMs>,
    count: usize,
    /// All of them together, by currency.
    amounts: Vec<Money>,
    /// The oldest, 200 at most.
    data: Vec<PurchaseRow>,
}

/// What was given back by one request.
#[derive(Serialize, ToSchema)]
#[schema(as = RefundsGiven)]
pub struct RefundsGivenBody {
    refunds: Vec<RefundBody>,
    failed: Vec<FailedRefundBody>,
    /// How many are still due, those that failed among them.
    left: usize,
    /// Where to go on; null when all that is due has been tried.
    next_cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = FailedRefund)]
pub struct FailedRefundBody {
    purchase_id: PurchaseId,
    code: String,
    message: String,
}

/// What is due to buyers: in China since the title's release licence was revoked, for each purchase whose grant was alive
/// then; and wherever an outage left less time than the film is long. Of each less than nine tenths were watched.
#[utoipa::path(get, path = "/operator/titles/{id}/refunds-due", tag = "operator", operation_id = "operator_list_refunds_due",
    params(("id" = TitleId, Path)), security(("bearer" = [])), responses(
    (status = 200, description = "What is due", body = RefundsDueBody),
    (status = 404, description = "TITLE_NOT_FOUND"),
))]
pub async fn show(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    Id(title_id): Id<TitleId>,
) -> Result<Json<RefundsDueBody>, Problem> {
    let title = titles::find(&operators, title_id).await?;
    let revocation = revocation(&title, operators.api.clock.now());
    let due = due(&operators, &title, revocation).await?;
    let mut amounts: Vec<(Currency, i64)> = Vec::new();
    for (sale, _) in &due {
        let Money { minor, currency } = sale.purchase.price;
        match amounts.iter_mut().find(|(other, _)| *other == currency) {
            Some((_, sum)) => *sum = sum.saturating_add(minor),
            None => amounts.push((currency, minor)),
        }
    }
    let snapshot = operators.api.follower.snapshot();
    Ok(Json(RefundsDueBody {
        revoked_at: revocation.map(|revocation| revocation.at),
        count: due.len(),
        amounts: amounts.into_iter().map(|(currency, minor)| Money::new(minor, currency)).collect(),
        data: due
            .iter()
            .take(limits::PAGE_ROWS_MAX as usize)
            .map(|(sale, _)| PurchaseRow::new(&snapshot, sale))
            .collect(),
    }))
}

/// Give back what is due, the oldest first, so many purchases at most as a page has rows; `next_cursor` goes on after those,
/// past what could not be given. Each is a refund of its own, given once however often it is asked for.
#[utoipa::path(post, path = "/operator/titles/{id}/refunds-due", tag = "operator", operation_id = "operator_give_refunds_due",
    params(("id" = TitleId, Path), PageQuery), security(("bearer" = [])), responses(
    (status = 200, description = "What was given back, and what is left", body = RefundsGivenBody),
    (status = 404, description = "TITLE_NOT_FOUND"),
))]
pub async fn give(
    State(operators): State<Arc<Operators>>,
    operator: Treasurer,
    Id(title_id): Id<TitleId>,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<RefundsGivenBody>, Problem> {
    let title = titles::find(&operators, title_id).await?;
    let revocation = revocation(&title, operators.api.clock.now());
    let due = due(&operators, &title, revocation).await?;
    let count = due.len();
    let Json(List { data, next_cursor }) =
        query.cut_after(due, |text| text.parse().ok(), |(sale, _)| &sale.purchase.id, |row| row)?;
    let (mut refunds, mut failed) = (Vec::new(), Vec::new());
    for (sale, rule) in data {
        let reason = reason(rule, revocation);
        let purchase_id = sale.purchase.id;
        let idempotency = Idempotency {
            caller: operator.caller.name(),
            key: format!("refund-due/{purchase_id}"),
            request_digest: title_id.to_string(),
        };
        match operators.api.checkout.refund(purchase_id, &reason, &idempotency).await {
            Ok(refund) => {
                let detail = json!({"refund_id": refund.id, "amount": refund.amount, "reason": reason,
                    "rule": rule});
                operators.audit(&operator, "purchase.refund", &purchase_id.to_string(), detail).await?;
                refunds.push(RefundBody::new(refund));
            }
            Err(error) => {
                tracing::warn!(error = error.log_line(), %purchase_id, "a refund that is due could not be given");
                let (code, message) = (error.code().to_owned(), error.message().to_owned());
                failed.push(FailedRefundBody { purchase_id, code, message });
            }
        }
    }
    let left = count - refunds.len();
    Ok(Json(RefundsGivenBody { refunds, failed, left, next_cursor }))
}

/// Of the licence that the title has, where it has been revoked.
fn revocation(title: &Title, now: UtcMs) -> Option<&Revocation> {
    let is_revoked = title.compliance_state(now) == ComplianceState::Revoked;
    title.details.compliance.revocations.last().filter(|_| is_revoked)
}

fn reason(rule: RefundRule, revocation: Option<&Revocation>) -> String {
    let why = match (rule, revocation) {
        (RefundRule::LicenceWithdrawn, Some(revocation)) => format!("Licence revoked: {}", revocation.reason),
        _ => "An outage left less time than the film is long.".to_owned(),
    };
    why.chars().take(limits::REASON_CHARS_MAX).collect()
}

async fn due(
    operators: &Operators,
    title: &Title,
    revocation: Option<&Revocation>,
) -> BaseResult<Vec<(Sale, RefundRule)>> {
    let (mut due, mut after) = (Vec::new(), None);
    let now = operators.api.clock.now();
    loop {
        let page = Page { after, limit: limits::PAGE_ROWS_MAX };
        let licensed = revocation.map(|_| Territory::CHINA);
        let sales = operators.api.db.paid_sales(title.id, licensed, &page).await?;
        let Some(last) = sales.last() else { return Ok(due) };
        after = Some(last.sale.purchase.id.to_string());
        for watched in sales {
            let licensed = revocation.filter(|_| watched.sale.purchase.territory == Territory::CHINA);
            let rule = rule(&watched, licensed, now);
            let is_due = |rule: &RefundRule| matches!(rule, RefundRule::Outage | RefundRule::LicenceWithdrawn);
            due.extend(rule.filter(is_due).map(|rule| (watched.sale, rule)));
        }
    }
}

/// By which rule the money of a purchase should go back; none of one that is not paid.
pub fn rule_of(watched: &WatchedSale, snapshot: &Snapshot, now: UtcMs) -> Option<RefundRule> {
    let purchase = &watched.sale.purchase;
    let title = purchase.good.title_id().and_then(|id| snapshot.title(id));
    let is_there = purchase.territory == Territory::CHINA;
    let revoked = title.filter(|_| is_there).and_then(|title| revocation(&title.title, now));
    rule(watched, revoked, now)
}

fn rule(watched: &WatchedSale, revocation: Option<&Revocation>, now: UtcMs) -> Option<RefundRule> {
    let WatchedSale { sale, watched_ms, furthest_permille, is_cut_short } = watched;
    // What was taken back by hand before is nobody's loss; what a membership was used for is not asked.
    let (paid_at, expires_at) = match (sale.given.grants.as_slice(), sale.given.coins.as_slice()) {
        ([], []) => return None,
        ([], lots) if sale.given.coins_spent() > 0 || lots.iter().any(|lot| lot.void_at.is_some()) => return None,
        ([], [lot, ..]) => (lot.added_at, lot.expires_at),
        (grants, _) if grants.iter().any(|grant| grant.revoked_at.is_some()) => return None,
        ([first, ..], _) => {
            let shortest = sale.given.grants.iter().map(Grant::lasts_until).min();
            (first.issued_at, shortest.filter(|_| sale.given.grants.iter().any(|grant| grant.expires_at().is_some())))
        }
    };
    let facts = RefundFacts {
        paid_at,
        expires_at,
        // Of a bundle one title is no reason to give back all of it.
        is_cut_short: *is_cut_short && sale.purchase.good.title_id().is_some(),
        licence_revoked_at: revocation.map(|revocation| revocation.at),
        watched_ms: *watched_ms,
        furthest_permille: *furthest_permille,
    };
    RefundRule::of(&facts, now).filter(|_| sale.purchase.status == PurchaseStatus::Paid)
}
