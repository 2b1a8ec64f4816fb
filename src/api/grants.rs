//! What a viewer's purchases gave.

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
use crate::base::clock::UtcMs;
use crate::base::id::{GrantId, PurchaseId, TitleId};
use crate::rights::grant::{Grant, GrantPhase};

#[derive(Clone, Serialize, ToSchema)]
pub struct GrantBody {
    id: GrantId,
    title_id: TitleId,
    purchase_id: PurchaseId,
    phase: GrantPhaseBody,
    issued_at: UtcMs,
    /// When the viewing period began; null before first play.
    first_play_at: Option<UtcMs>,
    /// When it ends as things stand; before first play, by when it must be started.
    expires_at: UtcMs,
    streams: u32,
    revoked_at: Option<UtcMs>,
    livemode: bool,
}

/// Where a grant stands.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = GrantPhase)]
pub enum GrantPhaseBody {
    Unstarted,
    Running,
    Expired,
    StartByPassed,
    Revoked,
}

/// The caller's grants, oldest first.
#[utoipa::path(get, path = "/grants", tag = "purchases", operation_id = "list_grants", params(PageQuery),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, description = "A page of grants", body = List<GrantBody>),
))]
pub async fn list(
    State(api): State<Arc<Api>>,
    viewer: AViewer,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<List<GrantBody>>, Problem> {
    let grants = api.db.grants(viewer.id, None).await?;
    let now = api.clock.now();
    query.cut(grants, |grant| grant.id.to_string(), |grant| GrantBody::new(&grant, now))
}

impl GrantBody {
    pub fn new(grant: &Grant, now: UtcMs) -> GrantBody {
        GrantBody {
            phase: match grant.phase(now) {
                GrantPhase::Unstarted => GrantPhaseBody::Unstarted,
                GrantPhase::Running => GrantPhaseBody::Running,
                GrantPhase::Expired => GrantPhaseBody::Expired,
                GrantPhase::StartByPassed => GrantPhaseBody::StartByPassed,
                GrantPhase::Revoked => GrantPhaseBody::Revoked,
            },
            expires_at: grant.expires_at(),
            id: grant.id,
            title_id: grant.title_id,
            purchase_id: grant.purchase_id,
            issued_at: grant.issued_at,
            first_play_at: grant.first_play_at,
            streams: grant.streams,
            revoked_at: grant.revoked_at,
            livemode: grant.livemode,
        }
    }

    pub fn issued_at(&self) -> UtcMs {
        self.issued_at
    }
}
