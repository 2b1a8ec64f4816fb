//! Changes of a title's whole plan: windows and holdbacks that are made, moved and taken away in one step.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::api::body::{Edit, Id, JsonBody};
use crate::api::caller::AnOperator;
use crate::api::caps::{FormatProfileBody, LanguagesBody};
use crate::api::problem::Problem;
use crate::api::role::Editor;
use crate::base::clock::UtcMs;
use crate::base::error::Result as BaseResult;
use crate::base::id::{AvailId, DealId, HoldbackId, OfferId, TitleId};
use crate::base::limits;
use crate::operator::Operators;
use crate::operator::avails::{AvailBody, AvailEditBody, ConflictBody, NewAvailBody, title_not_found};
use crate::operator::holdbacks::{HoldbackBody, NewHoldbackBody};
use crate::rights::avail::Avail;
use crate::rights::caps::FormatProfile;
use crate::rights::conflict::{findings, uncleared};
use crate::rights::holdback::{Holdback, HoldbackEvent};
use crate::rights::offer::Offer;
use crate::rights::plan::PlanChange;
use crate::rights::snapshot::TitleRights;
use crate::store::db::catalog::Run;

/// What is to become of a plan. All of it happens, or nothing.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanChangeBody {
    #[serde(default)]
    new_avails: Vec<NewAvailBody>,
    #[serde(default)]
    moved_avails: Vec<MovedAvailBody>,
    #[serde(default)]
    removed_avails: Vec<AvailId>,
    #[serde(default)]
    new_holdbacks: Vec<NewHoldbackBody>,
    #[serde(default)]
    removed_holdbacks: Vec<HoldbackId>,
    /// Say what would come of it, and write nothing.
    #[serde(default)]
    dry_run: bool,
}

/// What is not named stays; null takes an end away.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MovedAvail)]
pub struct MovedAvailBody {
    id: AvailId,
    start_at: Option<UtcMs>,
    #[serde(default)]
    #[schema(value_type = Option<UtcMs>)]
    end_at: Edit<Option<UtcMs>>,
    #[serde(default)]
    #[schema(value_type = Option<UtcMs>)]
    hard_end_at: Edit<Option<UtcMs>>,
    #[serde(default)]
    #[schema(value_type = Option<LanguagesBody>)]
    languages: Edit<Option<LanguagesBody>>,
    #[schema(value_type = Option<FormatProfileBody>)]
    format_profile: Option<FormatProfile>,
}

/// What has become of a plan, or would.
#[derive(Serialize, ToSchema)]
#[schema(as = ChangedPlan)]
pub struct ChangedPlanBody {
    title_id: TitleId,
    new_avails: Vec<AvailBody>,
    /// As they are afterwards.
    moved_avails: Vec<AvailBody>,
    removed_avails: Vec<AvailId>,
    /// On sale in windows that are taken away.
    removed_offers: Vec<OfferId>,
    new_holdbacks: Vec<HoldbackBody>,
    removed_holdbacks: Vec<HoldbackId>,
    /// Where a paid window is worth less for what else is open; 100 at most.
    warnings: Vec<ConflictBody>,
}

/// Change a plan in one step: a cinema opening and the window online that waits for it move together, and windows change
/// places. What comes of it is looked at as a whole.
#[utoipa::path(post, path = "/operator/titles/{id}/plan", tag = "operator", operation_id = "operator_change_plan",
    params(("id" = TitleId, Path)), request_body = PlanChangeBody, security(("bearer" = [])), responses(
    (status = 200, description = "What has changed, or with `dry_run` would", body = ChangedPlanBody),
    (status = 404, description = "TITLE_NOT_FOUND, AVAIL_NOT_FOUND, HOLDBACK_NOT_FOUND"),
    (status = 409, description = "AVAIL_CONFLICT, with at most 100 `conflicts`; AVAIL_IN_USE, DEAL_CONFLICT, \
        TOO_MANY_HOLDBACKS"),
    (status = 422, description = "WINDOW_EMPTY, ZONE_INVALID, HARD_END_BEFORE_START, LANGUAGES_INVALID, DEAL_NOT_FOUND, \
        FIELD_INVALID"),
))]
pub async fn change(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    Id(title_id): Id<TitleId>,
    body: JsonBody<PlanChangeBody>,
) -> Result<Json<ChangedPlanBody>, Problem> {
    let title = operators.api.db.rights_of(title_id).await?.ok_or_else(title_not_found)?;
    let run = if body.value.dry_run { Run::Dry } else { Run::Real };
    let change = body.value.into_change(&title, operators.api.clock.now())?;
    let mut done = apply(&operators, &operator, "plan.change", vec![change], run).await?;
    Ok(Json(done.pop().ok_or_else(title_not_found)?))
}

/// Makes changes, or asks whether they could be made; what becomes of each plan. Each that is made is a line of the audit log.
pub async fn apply(
    operators: &Operators,
    operator: &AnOperator,
    action: &str,
    changes: Vec<PlanChange>,
    run: Run,
) -> Result<Vec<ChangedPlanBody>, Problem> {
    let api = &operators.api;
    let (now, mut answers, mut lines) = (api.clock.now(), Vec::new(), Vec::new());
    for change in &changes {
        let title = api.db.rights_of(change.title_id).await?.ok_or_else(title_not_found)?;
        require_its_own(change, &title)?;
        let (avails, holdbacks) = change.applied_to(&title.avails, &title.holdbacks);
        let conflicts = change.conflicts(&avails, &holdbacks, &title.deals, now);
        if !conflicts.is_empty() {
            let conflicts: Vec<ConflictBody> =
                conflicts.iter().take(limits::FINDINGS_TOLD_MAX).map(ConflictBody::new).collect();
            let detail = "The plan cannot be made so: windows meet, or open too early. Nothing was written.";
            let problem = Problem::new(StatusCode::CONFLICT, "AVAIL_CONFLICT", detail);
            return Err(problem.with("conflicts", json!(conflicts)));
        }
        lines.push((change.title_id, json!({"change": change, "before": before(change, &title)})));
        answers.push(ChangedPlanBody::new(change, &TitleRights { avails, holdbacks, ..title }));
    }
    api.db.change_plans(&changes, run, now).await?;
    if run == Run::Real {
        api.follower.announce().await;
        for ((title_id, line), _) in lines.into_iter().zip(&changes).filter(|(_, change)| !change.is_empty()) {
            operators.audit(operator, action, &title_id.to_string(), line).await?;
        }
    }
    Ok(answers)
}

/// What was there of what is moved or taken away.
fn before(change: &PlanChange, title: &TitleRights) -> Value {
    let is_touched = |avail: &&Avail| change.writes(avail.id) || change.gone_avails.contains(&avail.id);
    let is_gone = |holdback: &&Holdback| change.gone_holdbacks.contains(&holdback.id);
    let avails: Vec<&Avail> = title.avails.iter().filter(is_touched).collect();
    let holdbacks: Vec<&Holdback> = title.holdbacks.iter().filter(is_gone).collect();
    json!({"avails": avails, "holdbacks": holdbacks})
}

/// What is moved or taken away is there, belongs to the title and is named once; and the whole is bounded.
fn require_its_own(change: &PlanChange, title: &TitleRights) -> Result<(), Problem> {
    let moved = change.edited_avails.iter().map(|avail| avail.id);
    let avails: Vec<AvailId> = moved.chain(change.gone_avails.iter().copied()).collect();
    if let Some(id) = avails.iter().find(|id| title.avail(**id).is_none()) {
        return Err(not_found(*id));
    }
    if let Some(id) =
        change.gone_holdbacks.iter().find(|id| !title.holdbacks.iter().any(|holdback| holdback.id == **id))
    {
        let detail = format!("There is no holdback {id} of this title.");
        return Err(Problem::new(StatusCode::NOT_FOUND, "HOLDBACK_NOT_FOUND", &detail));
    }
    let of_title = |id: DealId| title.deal(id).is_some();
    let counted = change.new_holdbacks.iter().filter_map(|holdback| match holdback.event {
        HoldbackEvent::DealOpening { deal_id } => Some(deal_id),
        _ => None,
    });
    if let Some(id) = counted.into_iter().find(|id| !of_title(*id)) {
        let detail = format!("The title has no deal {id}.");
        let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "DEAL_NOT_FOUND", &detail);
        return Err(problem.with_param("new_holdbacks.event.deal_id"));
    }
    let mut seen = HashSet::new();
    if let Some(twice) = avails.iter().find(|id| !seen.insert(**id)) {
        let detail = format!("{twice} is named twice.");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "FIELD_INVALID", &detail).with_param("moved_avails"));
    }
    if change.new_avails.len() + avails.len() > limits::AVAILS_PER_CHANGE_MAX {
        let detail = format!("One change has at most {} windows.", limits::AVAILS_PER_CHANGE_MAX);
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "FIELD_INVALID", &detail).with_param("new_avails"));
    }
    Ok(())
}

fn not_found(id: AvailId) -> Problem {
    let detail = format!("There is no window {id} of this title.");
    Problem::new(StatusCode::NOT_FOUND, "AVAIL_NOT_FOUND", &detail)
}

impl PlanChangeBody {
    /// What it makes of this title's plan.
    pub fn into_change(self, title: &TitleRights, now: UtcMs) -> Result<PlanChange, Problem> {
        let title_id = title.title.id;
        let moved = self.moved_avails.into_iter().map(|moved| {
            let MovedAvailBody { id, start_at, end_at, hard_end_at, languages, format_profile } = moved;
            let avail = title.avail(id).cloned().ok_or_else(|| not_found(id))?;
            Ok(AvailEditBody { start_at, end_at, hard_end_at, languages, format_profile }.applied_to(avail)?)
        });
        let new_avails = self.new_avails.into_iter().map(|avail| avail.into_avail(title_id, now));
        let new_holdbacks = self.new_holdbacks.into_iter().map(|holdback| holdback.into_holdback(title_id, now));
        Ok(PlanChange {
            title_id,
            edited_avails: moved.collect::<Result<_, Problem>>()?,
            new_avails: new_avails.collect::<BaseResult<_>>()?,
            gone_avails: self.removed_avails,
            new_holdbacks: new_holdbacks.collect::<BaseResult<_>>()?,
            gone_holdbacks: self.removed_holdbacks,
        })
    }
}

impl ChangedPlanBody {
    /// `title` is as it is afterwards.
    pub fn new(change: &PlanChange, title: &TitleRights) -> ChangedPlanBody {
        let PlanChange { title_id, new_avails, edited_avails, gone_avails, new_holdbacks, gone_holdbacks } = change;
        let written = change.new_avails.iter().chain(&change.edited_avails);
        let warnings = |avail: &Avail| {
            let start_at = avail.window.start_at;
            let met = findings(avail, &title.avails, &[], &[], start_at).warnings;
            met.into_iter().chain(uncleared(avail, &title.title, start_at))
        };
        let found = written.flat_map(warnings);
        let is_gone = |offer: &&Offer| gone_avails.contains(&offer.avail_id) && offer.withdrawn_at.is_none();
        let holdback = |holdback| HoldbackBody::new(holdback, &title.avails, &title.deals);
        ChangedPlanBody {
            title_id: *title_id,
            warnings: found.take(limits::FINDINGS_TOLD_MAX).map(|conflict| ConflictBody::new(&conflict)).collect(),
            removed_offers: title.offers.iter().filter(is_gone).map(|offer| offer.id).collect(),
            new_avails: new_avails.iter().cloned().map(AvailBody::new).collect(),
            moved_avails: edited_avails.iter().cloned().map(AvailBody::new).collect(),
            removed_avails: gone_avails.clone(),
            new_holdbacks: new_holdbacks.iter().cloned().map(holdback).collect(),
            removed_holdbacks: gone_holdbacks.clone(),
        }
    }
}
