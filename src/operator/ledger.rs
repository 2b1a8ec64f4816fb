//! The journal as it is read in the console.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::body::QueryOf;
use crate::api::page::List;
use crate::api::problem::Problem;
use crate::api::role::Treasurer;
use crate::base::clock::UtcMs;
use crate::base::id::{EntryId, PurchaseId};
use crate::base::limits;
use crate::ledger::entry::EntryKind;
use crate::operator::Operators;
use crate::store::db::commerce::ChainedEntry;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LedgerQuery {
    /// Entries after this position; `next_cursor` of the page before.
    after: Option<i64>,
    /// Entries on the page, 50 if not said.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Entry)]
pub struct EntryBody {
    id: EntryId,
    /// 1 for the first of all; without gaps.
    position: i64,
    at: UtcMs,
    #[schema(value_type = String, pattern = "^(purchase|refund)$")]
    kind: EntryKind,
    purchase_id: PurchaseId,
    /// The entry that this one takes back.
    reverses: Option<EntryId>,
    livemode: bool,
    /// SHA-256 over the hash of the entry before it and this one, in hex.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    hash: String,
    postings: Vec<PostingBody>,
}

/// Positive is a debit, negative a credit; they sum to zero.
#[derive(Serialize, ToSchema)]
#[schema(as = Posting)]
pub struct PostingBody {
    /// `provider:NAME`, `sales:TITLE`, `memberships:PLAN` or `coins`.
    account: String,
    /// In minor units.
    amount: i64,
    #[schema(pattern = "^[A-Z]{3}$")]
    currency: String,
}

/// The journal, oldest first.
#[utoipa::path(get, path = "/operator/ledger", tag = "operator", operation_id = "operator_list_entries",
    params(LedgerQuery), security(("bearer" = [])), responses(
    (status = 200, description = "A page of entries; `next_cursor` is a position for `after`", body = List<EntryBody>),
))]
pub async fn list(
    State(operators): State<Arc<Operators>>,
    _: Treasurer,
    QueryOf(query): QueryOf<LedgerQuery>,
) -> Result<Json<List<EntryBody>>, Problem> {
    let limit = query.limit.unwrap_or(limits::PAGE_ROWS_DEFAULT);
    if !(1..=limits::PAGE_ROWS_MAX).contains(&limit) {
        let detail = format!("A page has 1 to {} rows.", limits::PAGE_ROWS_MAX);
        return Err(Problem::new(StatusCode::BAD_REQUEST, "LIMIT_INVALID", detail).with_param("limit"));
    }
    let mut entries = operators.api.db.entries(query.after.unwrap_or(0).max(0), limit + 1).await?;
    let is_last = entries.len() <= limit as usize;
    entries.truncate(limit as usize);
    let next_cursor = entries.last().filter(|_| !is_last).map(|entry| entry.position.to_string());
    Ok(Json(List { data: entries.iter().map(EntryBody::new).collect(), next_cursor }))
}

impl EntryBody {
    pub fn new(chained: &ChainedEntry) -> EntryBody {
        let facts = chained.entry.facts();
        EntryBody {
            id: facts.id,
            position: chained.position,
            at: facts.at,
            kind: facts.kind,
            purchase_id: facts.purchase_id,
            reverses: facts.reverses,
            livemode: facts.livemode,
            hash: chained.hash.to_string(),
            postings: chained
                .entry
                .postings()
                .iter()
                .map(|posting| PostingBody {
                    account: posting.account.to_string(),
                    amount: posting.amount.minor,
                    currency: posting.amount.currency.to_string(),
                })
                .collect(),
        }
    }
}
