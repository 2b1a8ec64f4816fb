//! What a viewer is invited to: titles that nobody else may see yet, or not in this way.

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
use crate::base::id::{ScreenerId, TitleId};
use crate::catalog::title::TitleStatus;
use crate::rights::screener::{Screener, ScreenerKind};
use crate::rights::window::WindowPhase;

/// An invitation as whoever is invited sees it.
#[derive(Serialize, ToSchema)]
#[schema(as = Invitation)]
pub struct InvitationBody {
    id: ScreenerId,
    title_id: TitleId,
    title: TitleBrief,
    #[schema(value_type = ScreenerKindBody)]
    kind: ScreenerKind,
    phase: ScreenerPhaseBody,
    starts_at: UtcMs,
    /// Nothing plays under it from then on.
    ends_at: UtcMs,
}

/// Why somebody is invited.
#[derive(ToSchema)]
#[schema(as = ScreenerKind, rename_all = "snake_case")]
pub enum ScreenerKindBody {
    Festival,
    Press,
    Jury,
    Internal,
}

/// Where an invitation stands.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ScreenerPhase)]
pub enum ScreenerPhaseBody {
    Upcoming,
    Open,
    Over,
    Revoked,
}

/// What the caller is invited to now or will be, oldest first.
#[utoipa::path(get, path = "/me/invitations", tag = "accounts", operation_id = "list_my_invitations", params(PageQuery),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, description = "A page of invitations", body = List<InvitationBody>),
))]
pub async fn list(
    State(api): State<Arc<Api>>,
    viewer: AViewer,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<List<InvitationBody>>, Problem> {
    let (snapshot, now) = (api.follower.snapshot(), api.clock.now());
    let mut screeners = api.db.screeners_of(viewer.id).await?;
    let is_shown = |id| snapshot.title(id).is_some_and(|title| title.title.standing(now) != TitleStatus::Withdrawn);
    screeners.retain(|screener| screener.is_alive(now) && is_shown(screener.title_id));
    query.cut(
        screeners,
        |screener| screener.id.to_string(),
        |screener| InvitationBody {
            id: screener.id,
            title_id: screener.title_id,
            title: TitleBrief::of(&snapshot, screener.title_id),
            phase: ScreenerPhaseBody::of(&screener, now),
            kind: screener.kind,
            starts_at: screener.starts_at,
            ends_at: screener.ends_at,
        },
    )
}

impl ScreenerPhaseBody {
    pub fn of(screener: &Screener, now: UtcMs) -> ScreenerPhaseBody {
        match screener.phase(now) {
            _ if screener.revoked_at.is_some() => ScreenerPhaseBody::Revoked,
            WindowPhase::NotOpen => ScreenerPhaseBody::Upcoming,
            WindowPhase::Open => ScreenerPhaseBody::Open,
            WindowPhase::Closed => ScreenerPhaseBody::Over,
        }
    }
}
