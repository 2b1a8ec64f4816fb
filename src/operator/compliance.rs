//! The licence desk: where a title stands in China, and what is recorded of that. The record of who recorded what, and
//! when, is the audit log.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::api::body::{Id, JsonBody};
use crate::api::caller::AnOperator;
use crate::api::problem::Problem;
use crate::api::role::Editor;
use crate::base::clock::UtcMs;
use crate::base::id::{AssetId, OperatorId, TitleId};
use crate::base::money::Money;
use crate::base::territory::Territory;
use crate::catalog::compliance::{Charge, Compliance, ComplianceEvent, ComplianceState, Confirmation, Revocation};
use crate::catalog::thresholds::{Form, Scale};
use crate::catalog::title::Title;
use crate::operator::thresholds::{LicenceFormBody, province_code};
use crate::operator::{Operators, titles};
use crate::rights::avail::Avail;

/// Something that has happened to a title. The licence itself is recorded at `/licence`.
#[derive(Deserialize, ToSchema)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = ComplianceEvent)]
pub enum EventBody {
    /// 规划备案
    Plan {
        /// 规划备案号
        number: String,
        /// When it was filed; now, if not said. By the table of that day it is told whether the production is a key one.
        at: Option<UtcMs>,
    },
    /// 成片送审
    Submit,
    /// The licence was looked up: it exists, and is of a film of this name, cut and length.
    Confirm {
        /// From this instant it no longer holds.
        expires_at: Option<UtcMs>,
    },
    /// Free of charge and not promoted: no licence is needed.
    DeclareOrdinary,
    /// The regulator has taken the licence back. Nothing of the title is sold or played in China any more.
    Revoke { reason: String },
}

/// Where a title stands in China.
#[derive(ToSchema)]
#[schema(as = LicenceState, rename_all = "snake_case")]
pub enum LicenceStateBody {
    NotApplicable,
    /// Nobody has said where it was made.
    OriginUnknown,
    None,
    Planned,
    InReview,
    Licensed,
    Filed,
    Ordinary,
    ChangePending,
    Expired,
    Revoked,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Compliance)]
pub struct ComplianceBody {
    #[schema(value_type = LicenceStateBody)]
    state: ComplianceState,
    /// Whether it may be sold and shown to members in China, and whether it may be shown free of charge.
    clears_paid: bool,
    clears_free: bool,
    planning_number: Option<String>,
    planned_at: Option<UtcMs>,
    submitted_at: Option<UtcMs>,
    confirmation: Option<ConfirmationBody>,
    expires_at: Option<UtcMs>,
    /// Oldest first.
    revocations: Vec<RevocationBody>,
    /// How large the regulator takes the production for; null where its cost is not known, or no line of the table says.
    #[schema(value_type = Option<String>, pattern = "^(key|ordinary|other)$")]
    scale: Option<Scale>,
    /// By which line of the table.
    threshold: Option<ReachedThresholdBody>,
}

/// The line of the table that a title is measured by.
#[derive(Serialize, ToSchema)]
#[schema(as = ReachedLicenceThreshold)]
pub struct ReachedThresholdBody {
    /// `*`: all.
    province: String,
    #[schema(value_type = LicenceFormBody)]
    form: Form,
    /// From midnight in China.
    #[schema(format = Date)]
    from: String,
    /// From which cost on it is key.
    amount: Money,
}

#[derive(Serialize, ToSchema)]
#[schema(as = LicenceConfirmation)]
pub struct ConfirmationBody {
    by: OperatorId,
    at: UtcMs,
    /// What the licence is bound to: the name that its card shows, the films, the running time.
    name: String,
    assets: Vec<AssetId>,
    runtime_ms: i64,
}

#[derive(Serialize, ToSchema)]
#[schema(as = LicenceRevocation)]
pub struct RevocationBody {
    number: String,
    at: UtcMs,
    reason: String,
}

/// Where a title stands.
#[utoipa::path(get, path = "/operator/titles/{id}/compliance", tag = "operator",
    operation_id = "operator_show_compliance", params(("id" = TitleId, Path)), security(("bearer" = [])), responses(
    (status = 200, description = "Where it stands in China", body = ComplianceBody),
    (status = 404, description = "TITLE_NOT_FOUND"),
))]
pub async fn show(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    Id(id): Id<TitleId>,
) -> Result<Json<ComplianceBody>, Problem> {
    let title = titles::find(&operators, id).await?;
    Ok(Json(ComplianceBody::new(&title, operators.api.clock.now())))
}

/// Record what has happened. Takes effect at once, for open sessions too.
#[utoipa::path(post, path = "/operator/titles/{id}/compliance", tag = "operator",
    operation_id = "operator_record_compliance", params(("id" = TitleId, Path)), request_body = EventBody,
    security(("bearer" = [])), responses(
    (status = 200, description = "Where it stands now", body = ComplianceBody),
    (status = 404, description = "TITLE_NOT_FOUND"),
    (status = 409, description = "COMPLIANCE_EVENT_REFUSED"),
    (status = 412, description = "VERSION_CONFLICT"),
    (status = 422, description = "FIELD_INVALID, REASON_INVALID, LICENCE_EXPIRED"),
))]
pub async fn record(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    Id(id): Id<TitleId>,
    body: JsonBody<EventBody>,
) -> Result<Json<ComplianceBody>, Problem> {
    let mut title = titles::find(&operators, id).await?;
    let (event, now) = (ComplianceEvent::from(body.value), operators.api.clock.now());
    let name = event.as_str();
    let before = title.compliance_state(now);
    title.details.compliance = title.complied(event, operator.id, now)?;
    title.version += 1;
    operators.api.db.update_title(&title, now).await?;
    operators.api.follower.announce().await;
    // The day of its filing may have changed.
    let title = operators.api.follower.thresholds().scaled(title);
    let after = title.compliance_state(now);
    let detail = json!({"event": name, "before": before, "after": after, "compliance": title.details.compliance,
        "licence": title.details.licence});
    operators.audit(&operator, "title.compliance", &id.to_string(), detail).await?;
    Ok(Json(ComplianceBody::new(&title, now)))
}

/// Refuses what may not be published in China: an offer for money, of a title that has no licence there.
pub fn require_clearance(title: &Title, avail: &Avail, now: UtcMs) -> Result<(), Problem> {
    let state = title.compliance_state(now);
    if !avail.territories.contains(Territory::CHINA) || state.clears(Charge::Paid) {
        return Ok(());
    }
    let detail = match state {
        ComplianceState::OriginUnknown => {
            "Nobody has said where the title was made, and what was made in China is sold there only under a release \
            licence. Set the title's country, or exclude CN from the window."
        }
        _ => {
            "The title was made in China and has no release licence that is in order, so it is not sold there. \
            Record and confirm the licence, or exclude CN from the window."
        }
    };
    Err(Problem::new(StatusCode::CONFLICT, "LICENCE_REQUIRED", detail).with("state", json!(state)))
}

impl From<EventBody> for ComplianceEvent {
    fn from(body: EventBody) -> ComplianceEvent {
        match body {
            EventBody::Plan { number, at } => ComplianceEvent::Plan { number, at },
            EventBody::Submit => ComplianceEvent::Submit,
            EventBody::Confirm { expires_at } => ComplianceEvent::Confirm { expires_at },
            EventBody::DeclareOrdinary => ComplianceEvent::DeclareOrdinary,
            EventBody::Revoke { reason } => ComplianceEvent::Revoke { reason },
        }
    }
}

impl ComplianceBody {
    fn new(title: &Title, now: UtcMs) -> ComplianceBody {
        let state = title.compliance_state(now);
        let scale = title.details.scales.at(now);
        let Compliance {
            planning_number,
            planned_at,
            submitted_at,
            confirmation,
            expires_at,
            revocations,
            is_ordinary: _,
        } = title.details.compliance.clone();
        ComplianceBody {
            state,
            clears_paid: state.clears(Charge::Paid),
            clears_free: state.clears(Charge::Free),
            planning_number,
            planned_at,
            submitted_at,
            confirmation: confirmation.map(ConfirmationBody::new),
            expires_at,
            revocations: revocations.into_iter().map(RevocationBody::new).collect(),
            scale: scale.map(|(scale, _)| scale),
            threshold: scale.map(|(_, row)| ReachedThresholdBody {
                province: province_code(row),
                form: row.form,
                from: row.from.to_string(),
                amount: row.key_from,
            }),
        }
    }
}

impl ConfirmationBody {
    fn new(confirmation: Confirmation) -> ConfirmationBody {
        let Confirmation { by, at, film } = confirmation;
        ConfirmationBody { by, at, name: film.name, assets: film.parts, runtime_ms: film.runtime_ms }
    }
}

impl RevocationBody {
    fn new(revocation: Revocation) -> RevocationBody {
        let Revocation { licence, at, reason } = revocation;
        RevocationBody { number: licence.number, at, reason }
    }
}
