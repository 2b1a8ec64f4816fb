//! Avails: where, when and under which licence type a title is on offer.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::api::body::{Edit, Id, JsonBody, QueryOf};
use crate::api::caller::AnOperator;
use crate::api::caps::{self, FormatProfileBody, LanguagesBody};
use crate::api::idempotency::{IdempotencyKey, key_reused};
use crate::api::page::{List, PageQuery};
use crate::api::problem::Problem;
use crate::api::role::Editor;
use crate::base::clock::UtcMs;
use crate::base::error::{Error, Result as BaseResult};
use crate::base::id::{AvailId, DealId, HoldbackId, PartyId, TitleId};
use crate::base::limits;
use crate::base::territory::{Territory, TerritorySet};
use crate::operator::Operators;
use crate::rights::avail::{Avail, LicenseType};
use crate::rights::caps::FormatProfile;
use crate::rights::conflict::{Conflict, Findings, findings, held_back, uncleared};
use crate::rights::snapshot::TitleRights;
use crate::rights::window::Window;
use crate::store::db::Written;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAvailBody {
    #[schema(value_type = LicenseTypeBody)]
    license_type: LicenseType,
    /// Free text such as `PVOD`.
    description: Option<String>,
    #[schema(value_type = TerritoriesBody)]
    territories: TerritorySet,
    start_at: UtcMs,
    /// From this instant nothing is sold and no member or free session opens.
    end_at: Option<UtcMs>,
    /// The IANA zone that the window was agreed in.
    zone: String,
    /// From this instant nobody watches.
    hard_end_at: Option<UtcMs>,
    /// All that the film has, where this is not said.
    languages: Option<LanguagesBody>,
    /// The tallest picture: `sd` up to 1024 × 576, `hd` up to 1920 × 1080, `uhd` as tall as there is.
    #[serde(default)]
    #[schema(value_type = FormatProfileBody, required = false)]
    format_profile: FormatProfile,
}

/// An avail that is thought of.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckAvailBody {
    #[schema(value_type = LicenseTypeBody)]
    license_type: LicenseType,
    description: Option<String>,
    #[schema(value_type = TerritoriesBody)]
    territories: TerritorySet,
    start_at: UtcMs,
    end_at: Option<UtcMs>,
    zone: String,
    hard_end_at: Option<UtcMs>,
    languages: Option<LanguagesBody>,
    #[serde(default)]
    #[schema(value_type = FormatProfileBody, required = false)]
    format_profile: FormatProfile,
    /// The avail of the title that it would take the place of.
    replaces: Option<AvailId>,
}

/// What meets an avail.
#[derive(Serialize, ToSchema)]
#[schema(as = AvailFindings)]
pub struct FindingsBody {
    /// With any of these it is refused.
    conflicts: Vec<ConflictBody>,
    warnings: Vec<ConflictBody>,
}

/// One avail that meets another.
#[derive(Serialize, ToSchema)]
#[schema(as = AvailConflict)]
pub struct ConflictBody {
    /// The other one; of `HELD_BACK`, `EXCLUSIVE`, `LICENCE_REQUIRED` and `ORIGIN_UNKNOWN` the one that it is about.
    avail_id: AvailId,
    #[schema(value_type = LicenseTypeBody)]
    license_type: LicenseType,
    /// Where both apply.
    #[schema(value_type = TerritoriesBody)]
    territories: TerritorySet,
    from: UtcMs,
    /// Null where neither ends, or what it waits for has no date.
    to: Option<UtcMs>,
    /// Days of overlap, or that it opens too early, begun ones counted whole; null where there is no end.
    days: Option<i64>,
    #[schema(
        pattern = "^(OVERLAP|HELD_BACK|EXCLUSIVE|PVOD_AFTER_FREE|PVOD_AFTER_MEMBER|FREE_BEFORE_PVOD_ENDS|MEMBER_BEFORE_PVOD_ENDS|FREE_DURING_MEMBER|\
            LICENCE_REQUIRED|ORIGIN_UNKNOWN)$"
    )]
    code: String,
    /// One sentence for a person.
    says: String,
    /// What it opens too early for.
    holdback_id: Option<HoldbackId>,
    /// To whom that was promised.
    party: Option<String>,
    /// Of `EXCLUSIVE`: by which deal another party has it alone, and which.
    deal_id: Option<DealId>,
    party_id: Option<PartyId>,
}

/// What is not named stays; null takes an end away.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AvailEditBody {
    pub start_at: Option<UtcMs>,
    #[serde(default)]
    #[schema(value_type = Option<UtcMs>)]
    pub end_at: Edit<Option<UtcMs>>,
    #[serde(default)]
    #[schema(value_type = Option<UtcMs>)]
    pub hard_end_at: Edit<Option<UtcMs>>,
    /// Null lets all languages be had.
    #[serde(default)]
    #[schema(value_type = Option<LanguagesBody>)]
    pub languages: Edit<Option<LanguagesBody>>,
    #[schema(value_type = Option<FormatProfileBody>)]
    pub format_profile: Option<FormatProfile>,
}

#[derive(Serialize, ToSchema)]
pub struct AvailBody {
    id: AvailId,
    title_id: TitleId,
    #[schema(value_type = LicenseTypeBody)]
    license_type: LicenseType,
    description: Option<String>,
    #[schema(value_type = TerritoriesBody)]
    territories: TerritorySet,
    start_at: UtcMs,
    end_at: Option<UtcMs>,
    zone: String,
    hard_end_at: Option<UtcMs>,
    /// Null where all that the film has may be had.
    languages: Option<LanguagesBody>,
    #[schema(value_type = FormatProfileBody)]
    format_profile: FormatProfile,
}

#[derive(ToSchema)]
#[schema(as = LicenseType, rename_all = "snake_case")]
pub enum LicenseTypeBody {
    Vod,
    Est,
    Svod,
    Avod,
}

/// The whole world, or what is included; less what is excluded.
#[derive(ToSchema)]
#[schema(as = Territories)]
#[expect(dead_code, reason = "the schema of base::TerritorySet")]
pub struct TerritoriesBody {
    include: Option<Vec<Territory>>,
    exclude: Option<Vec<Territory>>,
}

/// A title's avails.
#[utoipa::path(get, path = "/operator/titles/{id}/avails", tag = "operator", operation_id = "operator_list_avails",
    params(("id" = TitleId, Path), PageQuery), security(("bearer" = [])), responses(
    (status = 200, description = "A page of avails", body = List<AvailBody>),
    (status = 404, description = "TITLE_NOT_FOUND"),
))]
pub async fn list(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    Id(title_id): Id<TitleId>,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<List<AvailBody>>, Problem> {
    let snapshot = operators.api.follower.snapshot();
    let title = snapshot.title(title_id).ok_or_else(title_not_found)?;
    query.cut(title.avails.clone(), |avail| avail.id.to_string(), AvailBody::new)
}

/// Open a window.
#[utoipa::path(post, path = "/operator/titles/{id}/avails", tag = "operator", operation_id = "operator_create_avail",
    params(("id" = TitleId, Path)), request_body = NewAvailBody, security(("bearer" = [])), responses(
    (status = 201, description = "The avail", body = AvailBody),
    (status = 404, description = "TITLE_NOT_FOUND"),
    (status = 409, description = "AVAIL_CONFLICT, with `conflicts`"),
    (status = 422, description = "WINDOW_EMPTY, ZONE_INVALID, HARD_END_BEFORE_START, LANGUAGES_INVALID, IDEMPOTENCY_KEY_REUSED"),
))]
pub async fn create(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    Id(title_id): Id<TitleId>,
    key: IdempotencyKey,
    body: JsonBody<NewAvailBody>,
) -> Result<Response, Problem> {
    let api = &operators.api;
    if api.db.title(title_id).await?.is_none() {
        return Err(title_not_found());
    }
    let now = api.clock.now();
    let avail = body.value.into_avail(title_id, now)?;
    let idempotency = key.of(&operator.caller, &body.digest);
    let written = api.db.insert_avail(&avail, idempotency.as_ref(), now).await;
    let avail = match or_conflicts(&operators, std::slice::from_ref(&avail), written).await? {
        Written::New(()) => {
            api.follower.announce().await;
            let detail = json!({"title_id": title_id, "avail": avail});
            operators.audit(&operator, "avail.create", &avail.id.to_string(), detail).await?;
            avail
        }
        Written::Replay { id } => find(&operators, id.parse()?).await?,
        Written::KeyReused => return Err(key_reused()),
    };
    Ok((StatusCode::CREATED, Json(AvailBody::new(avail))).into_response())
}

/// What would meet an avail, before it is made or moved.
#[utoipa::path(post, path = "/operator/titles/{id}/avails/check", tag = "operator",
    operation_id = "operator_check_avail", params(("id" = TitleId, Path)), request_body = CheckAvailBody,
    security(("bearer" = [])), responses(
    (status = 200, description = "Conflicts and warnings; nothing is written", body = FindingsBody),
    (status = 404, description = "TITLE_NOT_FOUND; AVAIL_NOT_FOUND of what it would replace"),
    (status = 422, description = "WINDOW_EMPTY, ZONE_INVALID, HARD_END_BEFORE_START, LANGUAGES_INVALID"),
))]
pub async fn check(
    State(operators): State<Arc<Operators>>,
    _: Editor,
    Id(title_id): Id<TitleId>,
    body: JsonBody<CheckAvailBody>,
) -> Result<Json<FindingsBody>, Problem> {
    let snapshot = operators.api.follower.snapshot();
    let title = snapshot.title(title_id).ok_or_else(title_not_found)?;
    let wanted = body.value;
    if let Some(replaced) = wanted.replaces
        && title.avail(replaced).is_none()
    {
        return Err(avail_not_found().with_param("replaces"));
    }
    let proposed = Avail {
        id: wanted.replaces.unwrap_or_else(|| AvailId::new(operators.api.clock.now())),
        title_id,
        license_type: wanted.license_type,
        description: wanted.description,
        territories: wanted.territories,
        window: Window { start_at: wanted.start_at, end_at: wanted.end_at, zone: wanted.zone },
        hard_end_at: wanted.hard_end_at,
        caps: caps::read(wanted.languages, wanted.format_profile)?,
    };
    proposed.check()?;
    let now = operators.api.clock.now();
    let mut found = findings(&proposed, &title.avails, &title.holdbacks, &title.deals, now);
    found.warnings.extend(uncleared(&proposed, &title.title, now.max(proposed.window.start_at)));
    Ok(Json(FindingsBody::new(&found)))
}

/// Remove an avail that has not opened and of which nothing was bought, with its offers.
#[utoipa::path(delete, path = "/operator/avails/{id}", tag = "operator", operation_id = "operator_delete_avail",
    params(("id" = AvailId, Path)), security(("bearer" = [])), responses(
    (status = 204, description = "It is gone"),
    (status = 404, description = "AVAIL_NOT_FOUND"),
    (status = 409, description = "AVAIL_AWAITED, with `conflicts`; AVAIL_IN_USE"),
))]
pub async fn remove(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    Id(id): Id<AvailId>,
) -> Result<StatusCode, Problem> {
    let api = &operators.api;
    let avail = find(&operators, id).await?;
    match api.db.delete_avail(id, api.clock.now()).await {
        Err(error) if error.code() == "AVAIL_AWAITED" => {
            let without = |title: &mut TitleRights| title.avails.retain(|avail| avail.id != id);
            return Err(awaited(&operators, avail.title_id, error, without).await?);
        }
        done => done?,
    }
    api.follower.announce().await;
    operators.audit(&operator, "avail.delete", &id.to_string(), json!({"avail": avail})).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What was written, or the refusal with what the avail met.
pub async fn or_conflicts<T>(operators: &Operators, avails: &[Avail], written: BaseResult<T>) -> Result<T, Problem> {
    let error = match written {
        Ok(written) => return Ok(written),
        Err(error) if error.code() == "AVAIL_CONFLICT" => error,
        Err(error) => return Err(error.into()),
    };
    operators.api.follower.poll().await?;
    let snapshot = operators.api.follower.snapshot();
    let found = avails.iter().filter_map(|avail| {
        let title = snapshot.title(avail.title_id)?;
        Some(findings(avail, &title.avails, &title.holdbacks, &title.deals, operators.api.clock.now()))
    });
    let conflicts: Vec<ConflictBody> = found.flat_map(|found| FindingsBody::new(&found).conflicts).collect();
    Err(Problem::from(error).with("conflicts", json!(conflicts)))
}

/// The refusal of a change that something waits for, with the windows that would open too early: what of the title's plan
/// speaks against it as `change` leaves it.
pub async fn awaited(
    operators: &Operators,
    title_id: TitleId,
    error: Error,
    change: impl FnOnce(&mut TitleRights),
) -> Result<Problem, Problem> {
    let mut title = operators.api.db.rights_of(title_id).await?.ok_or_else(title_not_found)?;
    change(&mut title);
    let found = held_back(&title.avails, &title.holdbacks, &title.deals, operators.api.clock.now());
    let told = found.iter().take(limits::FINDINGS_TOLD_MAX);
    let conflicts: Vec<ConflictBody> = told.map(ConflictBody::new).collect();
    Ok(Problem::from(error).with("conflicts", json!(conflicts)))
}

/// Move a window, or let more of the film out. Times take effect at once, for open sessions too; languages and the tallest
/// picture for sessions that are opened from then on.
#[utoipa::path(patch, path = "/operator/avails/{id}", tag = "operator", operation_id = "operator_edit_avail",
    params(("id" = AvailId, Path)), request_body = AvailEditBody, security(("bearer" = [])), responses(
    (status = 200, description = "The avail as it is now", body = AvailBody),
    (status = 404, description = "AVAIL_NOT_FOUND"),
    (status = 409, description = "AVAIL_CONFLICT, with `conflicts`; AVAIL_IN_USE where less would be let out"),
    (status = 422, description = "WINDOW_EMPTY, HARD_END_BEFORE_START, LANGUAGES_INVALID"),
))]
pub async fn edit(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    Id(id): Id<AvailId>,
    body: JsonBody<AvailEditBody>,
) -> Result<Json<AvailBody>, Problem> {
    let api = &operators.api;
    let before = find(&operators, id).await?;
    let avail = body.value.applied_to(before.clone())?;
    let written = api.db.update_avail(&avail, api.clock.now()).await;
    or_conflicts(&operators, std::slice::from_ref(&avail), written).await?;
    api.follower.announce().await;
    let ends = |avail: &Avail| json!([avail.window.start_at, avail.window.end_at, avail.hard_end_at]);
    let mut detail = json!({"before": ends(&before), "after": ends(&avail)});
    if before.caps != avail.caps {
        detail["caps"] = json!({"before": before.caps.as_deref(), "after": avail.caps.as_deref()});
    }
    operators.audit(&operator, "avail.edit", &id.to_string(), detail).await?;
    Ok(Json(AvailBody::new(avail)))
}

/// The avail, or 404.
pub async fn find(operators: &Operators, id: AvailId) -> Result<Avail, Problem> {
    let avail = operators.api.db.avail(id).await?;
    avail.ok_or_else(avail_not_found)
}

fn avail_not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "AVAIL_NOT_FOUND", "There is no such avail.")
}

pub fn title_not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "TITLE_NOT_FOUND", "There is no such title.")
}

impl NewAvailBody {
    pub fn into_avail(self, title_id: TitleId, now: UtcMs) -> BaseResult<Avail> {
        let NewAvailBody { license_type, description, territories, start_at, end_at, zone, hard_end_at, .. } = self;
        let caps = caps::read(self.languages, self.format_profile)?;
        let (id, window) = (AvailId::new(now), Window { start_at, end_at, zone });
        let avail = Avail { territories, license_type, hard_end_at, id, caps, window, title_id, description };
        avail.check()?;
        Ok(avail)
    }
}

impl AvailEditBody {
    pub fn applied_to(self, mut avail: Avail) -> BaseResult<Avail> {
        let AvailEditBody { start_at, end_at, hard_end_at, languages, format_profile } = self;
        avail.window.start_at = start_at.unwrap_or(avail.window.start_at);
        avail.window.end_at = end_at.of(avail.window.end_at);
        avail.hard_end_at = hard_end_at.of(avail.hard_end_at);
        let caps = avail.caps.as_deref();
        let format_profile = format_profile.unwrap_or_else(|| caps::format_profile(caps));
        avail.caps = caps::read(languages.of(LanguagesBody::of(caps)), format_profile)?;
        avail.check()?;
        Ok(avail)
    }
}

impl FindingsBody {
    fn new(found: &Findings) -> FindingsBody {
        let all = |conflicts: &[Conflict]| conflicts.iter().map(ConflictBody::new).collect();
        FindingsBody { conflicts: all(&found.conflicts), warnings: all(&found.warnings) }
    }
}

impl ConflictBody {
    pub fn new(conflict: &Conflict) -> ConflictBody {
        ConflictBody {
            days: conflict.days(),
            avail_id: conflict.avail_id,
            license_type: conflict.license_type,
            territories: conflict.territories,
            from: conflict.from,
            to: conflict.to,
            code: conflict.code.as_str().to_owned(),
            says: conflict.code.says().to_owned(),
            holdback_id: conflict.holdback.as_ref().map(|(id, _)| *id),
            party: conflict.holdback.as_ref().map(|(_, party)| party.clone()),
            deal_id: conflict.deal.map(|(id, _)| id),
            party_id: conflict.deal.map(|(_, id)| id),
        }
    }
}

impl AvailBody {
    pub fn new(avail: Avail) -> AvailBody {
        let Window { start_at, end_at, zone } = avail.window;
        AvailBody {
            id: avail.id,
            title_id: avail.title_id,
            license_type: avail.license_type,
            description: avail.description,
            territories: avail.territories,
            start_at,
            end_at,
            zone,
            hard_end_at: avail.hard_end_at,
            languages: LanguagesBody::of(avail.caps.as_deref()),
            format_profile: caps::format_profile(avail.caps.as_deref()),
        }
    }
}
