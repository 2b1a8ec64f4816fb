//! The conformance report of an asset: what is wrong with its presentation, by which clause.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::body::Id;
use crate::api::caller::AnOperator;
use crate::api::problem::Problem;
use crate::base::id::AssetId;
use crate::inspect::check::Severity;
use crate::inspect::report::{Finding, Findings};
use crate::operator::Operators;
use crate::operator::assets::find_complete;

#[derive(Serialize, ToSchema)]
pub struct ConformanceBody {
    asset_id: AssetId,
    /// Nothing was found.
    conforms: bool,
    errors: usize,
    warnings: usize,
    findings: Vec<FindingBody>,
    /// Further ones of the same kinds, which are only counted.
    further_findings: u64,
}

#[derive(Serialize, ToSchema)]
pub struct FindingBody {
    /// Stable, such as `BANDWIDTH_WRONG`.
    id: &'static str,
    #[schema(value_type = String, pattern = "^(error|warning)$")]
    severity: Severity,
    /// The document and section that says so.
    clause: &'static str,
    /// The rule that is broken.
    rule: &'static str,
    /// A playlist and its line.
    place: String,
    /// What was found there.
    message: String,
}

/// What is wrong with an asset, by RFC 8216bis, Apple's HLS Authoring Specification, ISO/IEC 14496-12 and 23000-19. It is our
/// own reading of them.
#[utoipa::path(get, path = "/operator/assets/{id}/conformance", tag = "operator", operation_id = "operator_show_conformance",
    params(("id" = AssetId, Path)), security(("bearer" = [])), responses(
    (status = 200, description = "The report", body = ConformanceBody),
    (status = 404, description = "ASSET_NOT_FOUND, or MEDIA_NOT_FOUND where its bytes are not here"),
    (status = 409, description = "ASSET_PARTIAL"),
))]
pub async fn show(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    Id(id): Id<AssetId>,
) -> Result<Json<ConformanceBody>, Problem> {
    let asset = find_complete(&operators, id).await?;
    let findings = operators.reports.of(asset.id).await?;
    Ok(Json(ConformanceBody::new(asset.id, &findings)))
}

impl ConformanceBody {
    fn new(asset_id: AssetId, findings: &Findings) -> ConformanceBody {
        ConformanceBody {
            asset_id,
            conforms: findings.is_empty(),
            errors: findings.of(Severity::Error),
            warnings: findings.of(Severity::Warning),
            findings: findings.list.iter().map(FindingBody::new).collect(),
            further_findings: findings.more,
        }
    }
}

impl FindingBody {
    fn new(finding: &Finding) -> FindingBody {
        FindingBody {
            id: finding.check.id,
            severity: finding.check.severity,
            clause: finding.check.clause,
            rule: finding.check.rule,
            place: finding.place.clone(),
            message: finding.message.clone(),
        }
    }
}
