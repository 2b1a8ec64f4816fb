//! Batches of vouchers: made, listed, taken back. A code is shown in the answer that makes it and nowhere else.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::api::body::{Id, JsonBody, QueryOf};
use crate::api::caller::{AParty, AnOperator};
use crate::api::idempotency::{IdempotencyKey, key_reused};
use crate::api::page::{List, PageQuery};
use crate::api::problem::Problem;
use crate::api::role::Editor;
use crate::api::title_brief::TitleBrief;
use crate::base::clock::UtcMs;
use crate::base::error::Error;
use crate::base::id::{OfferId, PartyId, TitleId, VoucherBatchId};
use crate::base::limits;
use crate::operator::Operators;
use crate::operator::offers::OfferBody;
use crate::rights::snapshot::Snapshot;
use crate::rights::voucher::VoucherBatch;
use crate::store::db::Written;
use crate::store::db::voucher::CountedBatch;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewVoucherBatch)]
pub struct NewBatchBody {
    title_id: TitleId,
    /// What each voucher gives: one of the title's offers.
    offer_id: OfferId,
    #[schema(minimum = 1, maximum = 10_000)]
    count: u32,
    /// From this instant none is redeemed any more.
    expires_at: UtcMs,
    /// For operators: whom they are for.
    #[serde(default)]
    note: String,
    /// Who sells them, where it is not this server: the tickets of a circuit of cinemas.
    party_id: Option<PartyId>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = VoucherBatch)]
pub struct BatchBody {
    id: VoucherBatchId,
    title: TitleBrief,
    offer: Option<OfferBody>,
    count: u32,
    redeemed: u32,
    expires_at: UtcMs,
    note: String,
    /// Who sells them, where it is not this server.
    party_id: Option<PartyId>,
    party_name: Option<String>,
    created_at: UtcMs,
    /// When the rest was taken back.
    void_at: Option<UtcMs>,
    livemode: bool,
}

/// A batch as whoever sells its vouchers sees it.
#[derive(Serialize, ToSchema)]
#[schema(as = PartnerVoucherBatch)]
pub struct PartnerBatchBody {
    id: VoucherBatchId,
    title: TitleBrief,
    count: u32,
    redeemed: u32,
    expires_at: UtcMs,
    created_at: UtcMs,
    /// When the rest was taken back.
    void_at: Option<UtcMs>,
    livemode: bool,
}

#[derive(Serialize, ToSchema)]
#[schema(as = MadeVoucherBatch)]
pub struct MadeBatchBody {
    batch: BatchBody,
    /// Shown only here, and to the same request again.
    codes: Vec<String>,
}

/// Batches of vouchers, newest first.
#[utoipa::path(get, path = "/operator/voucher-batches", tag = "operator",
    operation_id = "operator_list_voucher_batches", params(PageQuery), security(("bearer" = [])), responses(
    (status = 200, description = "A page of batches", body = List<BatchBody>),
))]
pub async fn list(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<List<BatchBody>>, Problem> {
    let rows = operators.api.db.voucher_batches(None, &query.page()?).await?;
    let snapshot = operators.api.follower.snapshot();
    query.list(rows, |row| row.batch.id.to_string(), |row| BatchBody::new(&snapshot, row))
}

/// Vouchers that the caller sells, the newest batch first.
#[utoipa::path(get, path = "/partner/voucher-batches", tag = "partners",
    operation_id = "list_partner_voucher_batches", params(PageQuery), security(("bearer" = [])), responses(
    (status = 200, description = "A page of batches", body = List<PartnerBatchBody>),
    (status = 401, description = "PARTNER_TOKEN_INVALID, PARTNER_TOKEN_EXPIRED"),
    (status = 403, description = "PARTY_REQUIRED"),
    (status = 503, description = "PARTNER_KEYS_UNAVAILABLE"),
))]
pub async fn list_of_party(
    State(operators): State<Arc<Operators>>,
    party: AParty,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<List<PartnerBatchBody>>, Problem> {
    let rows = operators.api.db.voucher_batches(Some(party.id), &query.page()?).await?;
    let snapshot = operators.api.follower.snapshot();
    query.list(rows, |row| row.batch.id.to_string(), |row| PartnerBatchBody::new(&snapshot, row))
}

/// Make vouchers.
#[utoipa::path(post, path = "/operator/voucher-batches", tag = "operator",
    operation_id = "operator_create_voucher_batch", request_body = NewBatchBody, security(("bearer" = [])), responses(
    (status = 201, description = "The batch and its codes", body = MadeBatchBody),
    (status = 400, description = "IDEMPOTENCY_KEY_REQUIRED"),
    (status = 422, description = "VOUCHERS_INVALID, OFFER_NOT_FOUND, PARTY_NOT_FOUND, IDEMPOTENCY_KEY_REUSED"),
))]
pub async fn create(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    key: IdempotencyKey,
    body: JsonBody<NewBatchBody>,
) -> Result<Response, Problem> {
    let api = &operators.api;
    let idempotency = key.required(&operator.caller, &body.digest)?;
    let now = api.clock.now();
    let snapshot = api.follower.snapshot();
    let new = body.value;
    // A repeated request is answered before it is judged: what was good when it was made may have passed.
    let is_known = api.db.written(&idempotency).await?.is_some();
    if !is_known {
        new.check(now)?;
        if snapshot.offer(new.offer_id).is_none_or(|(_, offer)| offer.title_id != new.title_id) {
            return Err(invalid("OFFER_NOT_FOUND", "offer_id", "The title has no such offer."));
        }
        if new.party_id.is_some_and(|id| snapshot.party(id).is_none()) {
            return Err(invalid("PARTY_NOT_FOUND", "party_id", "There is no such party."));
        }
    }
    let batch = VoucherBatch {
        id: VoucherBatchId::new(now),
        title_id: new.title_id,
        offer_id: new.offer_id,
        count: new.count,
        expires_at: new.expires_at,
        note: new.note.trim().to_owned(),
        party_id: new.party_id,
        created_at: now,
        void_at: None,
        livemode: api.livemode,
    };
    let (counted, codes) = match api.vouchers.make(batch, &idempotency).await? {
        Written::New((batch, codes)) => {
            let detail = json!({"batch": batch});
            operators.audit(&operator, "voucher_batch.create", &batch.id.to_string(), detail).await?;
            (CountedBatch { batch, redeemed: 0 }, codes)
        }
        Written::Replay { id } => {
            let earlier = api.db.voucher_batch(id.parse()?).await?;
            let earlier = earlier.ok_or_else(|| Error::internal(format!("voucher batch {id} is gone")))?;
            let codes = api.vouchers.shown(&earlier.batch);
            (earlier, codes)
        }
        Written::KeyReused => return Err(key_reused()),
    };
    Ok((StatusCode::CREATED, Json(MadeBatchBody { batch: BatchBody::new(&snapshot, counted), codes })).into_response())
}

/// Take back what nobody has redeemed. What has been redeemed stays; voiding twice is voiding once.
#[utoipa::path(post, path = "/operator/voucher-batches/{id}/void", tag = "operator",
    operation_id = "operator_void_voucher_batch", params(("id" = VoucherBatchId, Path)), security(("bearer" = [])),
    responses(
    (status = 200, description = "The batch as it is now", body = BatchBody),
    (status = 404, description = "VOUCHER_BATCH_NOT_FOUND"),
))]
pub async fn void(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    Id(id): Id<VoucherBatchId>,
) -> Result<Json<BatchBody>, Problem> {
    let api = &operators.api;
    let is_new = api.db.void_voucher_batch(id, api.clock.now()).await?;
    let row = api.db.voucher_batch(id).await?;
    let row = row.ok_or_else(|| Error::internal(format!("voucher batch {id} is gone")))?;
    if is_new {
        let detail = json!({"redeemed": row.redeemed, "count": row.batch.count});
        operators.audit(&operator, "voucher_batch.void", &id.to_string(), detail).await?;
    }
    Ok(Json(BatchBody::new(&api.follower.snapshot(), row)))
}

impl NewBatchBody {
    fn check(&self, now: UtcMs) -> Result<(), Problem> {
        if !(1..=limits::VOUCHERS_PER_BATCH_MAX).contains(&self.count) {
            let detail = format!("A batch has 1 to {} vouchers.", limits::VOUCHERS_PER_BATCH_MAX);
            return Err(invalid("VOUCHERS_INVALID", "count", &detail));
        }
        if self.expires_at <= now || self.expires_at > now + limits::VOUCHER_AGE_MAX {
            let detail = "Vouchers expire in the future, and within five years.";
            return Err(invalid("VOUCHERS_INVALID", "expires_at", detail));
        }
        if self.note.chars().count() > limits::REASON_CHARS_MAX || self.note.chars().any(char::is_control) {
            let detail = format!("A note is one line of at most {} characters.", limits::REASON_CHARS_MAX);
            return Err(invalid("VOUCHERS_INVALID", "note", &detail));
        }
        Ok(())
    }
}

fn invalid(code: &str, param: &str, detail: &str) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail).with_param(param)
}

impl PartnerBatchBody {
    fn new(snapshot: &Snapshot, CountedBatch { batch, redeemed }: CountedBatch) -> PartnerBatchBody {
        PartnerBatchBody {
            id: batch.id,
            title: TitleBrief::of(snapshot, batch.title_id),
            count: batch.count,
            redeemed,
            expires_at: batch.expires_at,
            created_at: batch.created_at,
            void_at: batch.void_at,
            livemode: batch.livemode,
        }
    }
}

impl BatchBody {
    fn new(snapshot: &Snapshot, CountedBatch { batch, redeemed }: CountedBatch) -> BatchBody {
        BatchBody {
            id: batch.id,
            title: TitleBrief::of(snapshot, batch.title_id),
            offer: snapshot.offer(batch.offer_id).map(|(_, offer)| OfferBody::new(offer)),
            count: batch.count,
            redeemed,
            expires_at: batch.expires_at,
            note: batch.note,
            party_id: batch.party_id,
            party_name: batch.party_id.and_then(|id| snapshot.party(id)).map(|party| party.name.clone()),
            created_at: batch.created_at,
            void_at: batch.void_at,
            livemode: batch.livemode,
        }
    }
}
