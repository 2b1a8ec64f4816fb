//! A plan before it is saved: who could watch under it, step by step. It is asked as the dry run asks, and nothing is
//! written.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::body::{Id, JsonBody};
use crate::api::problem::Problem;
use crate::api::role::Reader;
use crate::base::clock::UtcMs;
use crate::base::id::{TitleId, ViewerId};
use crate::base::territory::Territory;
use crate::operator::Operators;
use crate::operator::avails::title_not_found;
use crate::operator::explain::{Asked, ExplanationBody, asked_about, checked_part, explained, rights_to};
use crate::operator::plans::{ChangedPlanBody, PlanChangeBody, apply};
use crate::rights::language_terms::Sound;
use crate::rights::plan::PlanChange;
use crate::rights::snapshot::TitleRights;
use crate::store::db::catalog::Run;

/// A plan that is thought of, and who asks to watch under it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanQuestionBody {
    /// Its `dry_run` says nothing here.
    plan: PlanChangeBody,
    /// Nobody signed in, if not said.
    viewer_id: Option<ViewerId>,
    /// Counted from 1, and 1 if not said.
    part: Option<u32>,
    /// An unknown territory, if not said.
    territory: Option<Territory>,
    /// Now, if not said. Before now what the viewer had then counts.
    at: Option<UtcMs>,
}

/// What an explanation would say if the plan were saved now.
#[derive(Serialize, ToSchema)]
#[schema(as = PlanExplanation)]
pub struct PlanExplanationBody {
    #[serde(flatten)]
    explanation: ExplanationBody,
    /// What the dry run says.
    plan: ChangedPlanBody,
}

/// Who could watch this under a plan that is not saved, where and when, and why. Offers stay as they are: a new paid window
/// has none, so nothing is sold in it.
#[utoipa::path(post, path = "/operator/titles/{id}/plan/explain", tag = "operator", operation_id = "operator_explain_plan",
    params(("id" = TitleId, Path)), request_body = PlanQuestionBody, security(("bearer" = [])), responses(
    (status = 200, description = "The decision, step by step, and what the dry run says", body = PlanExplanationBody),
    (status = 404, description = "TITLE_NOT_FOUND, PART_NOT_FOUND, VIEWER_NOT_FOUND, AVAIL_NOT_FOUND, HOLDBACK_NOT_FOUND"),
    (status = 409, description = "AVAIL_CONFLICT, with at most 100 `conflicts`; AVAIL_IN_USE, DEAL_CONFLICT, \
        TOO_MANY_HOLDBACKS"),
    (status = 422, description = "WINDOW_EMPTY, ZONE_INVALID, HARD_END_BEFORE_START, LANGUAGES_INVALID, DEAL_NOT_FOUND, \
        FIELD_INVALID"),
))]
pub async fn explain(
    State(operators): State<Arc<Operators>>,
    reader: Reader,
    Id(title_id): Id<TitleId>,
    body: JsonBody<PlanQuestionBody>,
) -> Result<Json<PlanExplanationBody>, Problem> {
    let api = &operators.api;
    let PlanQuestionBody { plan, viewer_id, part, territory, at } = body.value;
    let (title, now) = (api.db.rights_of(title_id).await?.ok_or_else(title_not_found)?, api.clock.now());
    let part = checked_part(&title, part)?;
    let is_now = at.is_none();
    let (at, is_past) = asked_about(at, now);
    let mut viewer = rights_to(&operators, viewer_id, title_id).await?;
    let change = plan.into_change(&title, now)?;
    let mut said = apply(&operators, &reader, "plan.change", vec![change.clone()], Run::Dry).await?;
    let plan = said.pop().ok_or_else(title_not_found)?;
    let title = changed(&operators, &change, title).await?;
    change.apply_to_grants(&mut viewer.grants, now);
    let viewer = if is_past { viewer.as_of(at) } else { viewer };
    let asked = Asked { part, viewer_id, territory, at };
    let explanation = explained(&operators, &title, &viewer, asked, is_now).await?;
    Ok(Json(PlanExplanationBody { explanation, plan }))
}

/// The title as decisions would find it.
async fn changed(operators: &Operators, change: &PlanChange, title: TitleRights) -> Result<TitleRights, Problem> {
    let api = &operators.api;
    let (mut avails, holdbacks) = change.applied_to(&title.avails, &title.holdbacks);
    avails.sort_by_key(|avail| avail.id);
    let mut title = TitleRights { avails, holdbacks, ..title };
    title.placement_blocks =
        api.follower.snapshot().title(title.title.id).and_then(|title| title.placement_blocks.clone());
    // What its films speak is read only where it matters, and it may matter from now on.
    if title.keeps_languages_back() && title.sounds.is_empty() {
        for film in title.title.films() {
            let languages = api.db.asset(film).await?.and_then(|asset| asset.details.sound_languages());
            title.sounds.extend(languages.map(|languages| (film, Sound(languages))));
        }
    }
    Ok(title)
}
