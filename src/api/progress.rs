//! Where a viewer left off in a title, as their players tell it.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::Api;
use crate::api::body::{Id, JsonBody};
use crate::api::caller::AViewer;
use crate::api::problem::Problem;
use crate::base::id::TitleId;
use crate::catalog::title::TitleStatus;
use crate::rights::snapshot::TitleRights;
use crate::store::db::progress::Progress;
use crate::store::state::Rate;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceBody {
    /// Counted from 1.
    part: u32,
    position_ms: i64,
    /// Of the part.
    duration_ms: i64,
}

/// Note where one is. The last call wins.
#[utoipa::path(put, path = "/progress/{title_id}", tag = "playback", operation_id = "put_progress",
    params(("title_id" = TitleId, Path)), request_body = PlaceBody, security(("bearer" = []), ("cookie" = [])),
    responses(
    (status = 204, description = "It is noted"),
    (status = 404, description = "TITLE_NOT_FOUND, PART_NOT_FOUND"),
    (status = 422, description = "PROGRESS_INVALID"),
    (status = 429, description = "RATE_LIMITED"),
))]
pub async fn put(
    State(api): State<Arc<Api>>,
    viewer: AViewer,
    Id(title_id): Id<TitleId>,
    body: JsonBody<PlaceBody>,
) -> Result<StatusCode, Problem> {
    let PlaceBody { part, position_ms, duration_ms } = body.value;
    if let Rate::Over { retry_after } = api.accounts.count_progress(viewer.id).await {
        return Err(Problem::too_many(retry_after));
    }
    let (snapshot, now) = (api.follower.snapshot(), api.clock.now());
    let is_invited = |title: &TitleRights| title.screeners_of(viewer.id).any(|screener| screener.revoked_at.is_none());
    let is_shown = |title: &&Arc<TitleRights>| title.title.standing(now) != TitleStatus::Draft || is_invited(title);
    let title = snapshot.title(title_id).filter(is_shown);
    let Some(title) = title else {
        return Err(Problem::new(StatusCode::NOT_FOUND, "TITLE_NOT_FOUND", "There is no such title."));
    };
    if title.title.part(part).is_none() {
        return Err(
            Problem::new(StatusCode::NOT_FOUND, "PART_NOT_FOUND", "This title has no such part.").with_param("part")
        );
    }
    if duration_ms <= 0 || !(0..=duration_ms).contains(&position_ms) {
        let detail = "A position lies between the beginning and the end of its part.";
        return Err(
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "PROGRESS_INVALID", detail).with_param("position_ms")
        );
    }
    let progress = Progress { title_id, part, position_ms, duration_ms, updated_at: api.clock.now() };
    api.db.put_progress(viewer.id, &progress).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Begin anew next time.
#[utoipa::path(delete, path = "/progress/{title_id}", tag = "playback", operation_id = "forget_progress",
    params(("title_id" = TitleId, Path)), security(("bearer" = []), ("cookie" = [])), responses(
    (status = 204, description = "It is forgotten, or there was none"),
))]
pub async fn forget(
    State(api): State<Arc<Api>>,
    viewer: AViewer,
    Id(title_id): Id<TitleId>,
) -> Result<StatusCode, Problem> {
    api.db.forget_progress(viewer.id, title_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
