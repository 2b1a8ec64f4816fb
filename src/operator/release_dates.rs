//! Windows that are agreed by date: one request opens a title in many territories, in each at its own midnight.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::api::body::{Id, JsonBody};
use crate::api::caller::AnOperator;
use crate::api::caps::{self, FormatProfileBody, LanguagesBody};
use crate::api::idempotency::{IdempotencyKey, key_reused};
use crate::api::problem::Problem;
use crate::api::role::Editor;
use crate::base::id::{AvailId, TitleId};
use crate::base::territory::TerritorySet;
use crate::base::territory_zone;
use crate::operator::Operators;
use crate::operator::avails::{self, AvailBody, LicenseTypeBody, TerritoriesBody};
use crate::rights::avail::{Avail, LicenseType};
use crate::rights::caps::FormatProfile;
use crate::rights::release_dates::windows;
use crate::store::db::Written;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseDatesBody {
    #[schema(value_type = LicenseTypeBody)]
    license_type: LicenseType,
    /// Free text such as `PVOD`.
    description: Option<String>,
    #[schema(value_type = TerritoriesBody)]
    territories: TerritorySet,
    /// The first day, from its midnight in each territory.
    #[schema(format = Date)]
    start_date: String,
    /// The day that is none of it any more, from its midnight in each territory.
    #[schema(format = Date)]
    end_date: Option<String>,
    /// As of a window that opens at an instant.
    languages: Option<LanguagesBody>,
    #[serde(default)]
    #[schema(value_type = FormatProfileBody, required = false)]
    format_profile: FormatProfile,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ReleaseWindows)]
pub struct ReleaseWindowsBody {
    /// The one that opens first comes first.
    data: Vec<AvailBody>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = TerritoryZones)]
pub struct TerritoryZonesBody {
    data: Vec<TerritoryZoneBody>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = TerritoryZone)]
pub struct TerritoryZoneBody {
    territory: &'static str,
    /// IANA.
    zone: &'static str,
}

/// Open a window in each territory at the midnight of its own zone: an avail for each instant, all of them or none.
#[utoipa::path(post, path = "/operator/titles/{id}/release-dates", tag = "operator",
    operation_id = "operator_create_release_dates", params(("id" = TitleId, Path)), request_body = ReleaseDatesBody,
    security(("bearer" = [])), responses(
    (status = 201, description = "The avails", body = ReleaseWindowsBody),
    (status = 404, description = "TITLE_NOT_FOUND"),
    (status = 409, description = "AVAIL_CONFLICT, with `conflicts`"),
    (status = 422, description = "WINDOW_EMPTY, LANGUAGES_INVALID, FIELD_INVALID, IDEMPOTENCY_KEY_REUSED"),
))]
pub async fn create(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    Id(title_id): Id<TitleId>,
    key: IdempotencyKey,
    body: JsonBody<ReleaseDatesBody>,
) -> Result<Response, Problem> {
    let api = &operators.api;
    if api.db.title(title_id).await?.is_none() {
        return Err(avails::title_not_found());
    }
    let now = api.clock.now();
    let ReleaseDatesBody { license_type, description, territories, start_date, end_date, languages, format_profile } =
        body.value;
    let caps = caps::read(languages, format_profile)?;
    let start = date("start_date", &start_date)?;
    let end = end_date.as_deref().map(|end| date("end_date", end)).transpose()?;
    let planned: Vec<Avail> = windows(territories.members(), start, end)?
        .into_iter()
        .map(|(include, window)| Avail {
            id: AvailId::new(now),
            title_id,
            license_type,
            description: description.clone(),
            territories: TerritorySet::of(include.iter()),
            window,
            hard_end_at: None,
            caps: caps.clone(),
        })
        .collect();
    if planned.is_empty() {
        let detail = "No territory is left: everything that is included is excluded, too.";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "FIELD_INVALID", detail).with_param("territories"));
    }
    for avail in &planned {
        avail.check()?;
    }
    let idempotency = key.of(&operator.caller, &body.digest);
    let written = api.db.insert_avails(&planned, idempotency.as_ref(), now).await;
    let made = match avails::or_conflicts(&operators, &planned, written).await? {
        Written::New(()) => {
            api.follower.announce().await;
            let detail =
                json!({"title_id": title_id, "start_date": start_date, "end_date": end_date, "avails": planned});
            operators.audit(&operator, "avail.release_dates", &title_id.to_string(), detail).await?;
            planned
        }
        Written::Replay { id } => {
            let mut made = Vec::new();
            for id in id.split(' ') {
                made.push(avails::find(&operators, id.parse()?).await?);
            }
            made
        }
        Written::KeyReused => return Err(key_reused()),
    };
    let data = made.into_iter().map(AvailBody::new).collect();
    Ok((StatusCode::CREATED, Json(ReleaseWindowsBody { data })).into_response())
}

fn date(param: &str, text: &str) -> Result<Date, Problem> {
    text.parse().map_err(|_| {
        let detail = format!("\"{text}\" is not a day such as 2027-04-02.");
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "FIELD_INVALID", detail).with_param(param)
    })
}

/// Where a date begins in each territory.
#[utoipa::path(get, path = "/operator/territory-zones", tag = "operator", operation_id = "operator_list_territory_zones",
    security(("bearer" = [])), responses((status = 200, description = "All territories", body = TerritoryZonesBody)))]
pub async fn zones(_: AnOperator) -> Json<TerritoryZonesBody> {
    let data = territory_zone::all().map(|(territory, zone)| TerritoryZoneBody { territory, zone }).collect();
    Json(TerritoryZonesBody { data })
}
