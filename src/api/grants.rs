//! What a viewer's purchases and vouchers gave.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::Api;
use crate::api::body::QueryOf;
use crate::api::caller::AViewer;
use crate::api::page::{List, PageQuery};
use crate::api::problem::Problem;
use crate::api::title_brief::TitleBrief;
use crate::base::clock::UtcMs;
use crate::base::id::{GrantId, PurchaseId, TitleId, VoucherId};
use crate::rights::grant::{Grant, GrantPhase};
use crate::rights::snapshot::Snapshot;

#[derive(Clone, Serialize, ToSchema)]
pub struct GrantBody {
    id: GrantId,
    title_id: TitleId,
    /// What gave it: a purchase or a voucher, never both.
    purchase_id: Option<PurchaseId>,
    voucher_id: Option<VoucherId>,
    phase: GrantPhaseBody,
    issued_at: UtcMs,
    /// When viewing may begin; later than `issued_at` where it was bought before the window opened.
    available_at: UtcMs,
    /// When the viewing period began; null before first play.
    first_play_at: Option<UtcMs>,
    /// When it ends as things stand; before first play, by when it must be started; null where it was bought for good.
    expires_at: Option<UtcMs>,
    /// What outages have added to the period that `expires_at` ends; 0 where there were none.
    extended_seconds: i64,
    streams: u32,
    revoked_at: Option<UtcMs>,
    livemode: bool,
}

/// A grant and the film it is for.
#[derive(Serialize, ToSchema)]
#[schema(as = GrantWithTitle)]
pub struct GrantRow {
    #[serde(flatten)]
    grant: GrantBody,
    title: TitleBrief,
}

/// Where a grant stands.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = GrantPhase)]
pub enum GrantPhaseBody {
    /// Bought before its window opened; it waits for the opening.
    Upcoming,
    Unstarted,
    Running,
    Expired,
    StartByPassed,
    Revoked,
}

/// The caller's grants, oldest first.
#[utoipa::path(get, path = "/grants", tag = "purchases", operation_id = "list_grants", params(PageQuery),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, description = "A page of grants", body = List<GrantRow>),
))]
pub async fn list(
    State(api): State<Arc<Api>>,
    viewer: AViewer,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<List<GrantRow>>, Problem> {
    let grants = api.db.grants(viewer.id, None).await?;
    let now = api.clock.now();
    let snapshot = api.follower.snapshot();
    query.cut(grants, |grant| grant.id.to_string(), |grant| GrantRow::new(&snapshot, &grant, now))
}

impl GrantRow {
    pub fn new(snapshot: &Snapshot, grant: &Grant, now: UtcMs) -> GrantRow {
        GrantRow { grant: GrantBody::new(grant, now), title: TitleBrief::of(snapshot, grant.title_id) }
    }
}

impl GrantBody {
    pub fn new(grant: &Grant, now: UtcMs) -> GrantBody {
        GrantBody {
            phase: match grant.phase(now) {
                GrantPhase::Upcoming => GrantPhaseBody::Upcoming,
                GrantPhase::Unstarted => GrantPhaseBody::Unstarted,
                GrantPhase::Running => GrantPhaseBody::Running,
                GrantPhase::Expired => GrantPhaseBody::Expired,
                GrantPhase::StartByPassed => GrantPhaseBody::StartByPassed,
                GrantPhase::Revoked => GrantPhaseBody::Revoked,
            },
            expires_at: grant.expires_at(),
            extended_seconds: grant.extension_ms() / 1000,
            id: grant.id,
            title_id: grant.title_id,
            purchase_id: grant.cause.purchase_id(),
            voucher_id: grant.cause.voucher_id(),
            issued_at: grant.issued_at,
            available_at: grant.available_at,
            first_play_at: grant.first_play_at,
            streams: grant.streams,
            revoked_at: grant.revoked_at,
            livemode: grant.livemode,
        }
    }
}
