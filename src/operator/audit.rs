//! The audit log, read newest first.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::api::body::QueryOf;
use crate::api::caller::AnOperator;
use crate::api::page::{List, PageQuery, cursor_invalid};
use crate::api::problem::Problem;
use crate::base::clock::UtcMs;
use crate::base::id::AuditId;
use crate::operator::Operators;
use crate::store::db::audit::{AuditFilter, NamedAuditLine};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// An id, `system` or `nobody`.
    actor: Option<String>,
    /// `title.edit`, or all that begins with `title.`
    action: Option<String>,
    subject: Option<String>,
    /// At this instant or later.
    from: Option<UtcMs>,
    /// Before this instant.
    to: Option<UtcMs>,
    /// Rows on the page, 50 if not said.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = AuditLine)]
pub struct AuditBody {
    id: AuditId,
    at: UtcMs,
    actor: String,
    /// What the operator or viewer is called now.
    actor_name: Option<String>,
    action: String,
    subject: String,
    #[schema(value_type = Object)]
    detail: Value,
    /// Its place in the log, counted from 1.
    position: i64,
}

/// What was done and what was refused, newest first.
#[utoipa::path(get, path = "/operator/audit", tag = "console", operation_id = "list_audit", params(AuditQuery),
    security(("bearer" = [])), responses((status = 200, description = "A page of the log", body = List<AuditBody>)))]
pub async fn list(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    QueryOf(query): QueryOf<AuditQuery>,
) -> Result<Json<List<AuditBody>>, Problem> {
    let AuditQuery { actor, action, subject, from, to, limit, cursor } = query;
    let query = PageQuery { limit, cursor };
    let page = query.page()?;
    let before = match &page.after {
        Some(after) => Some(after.parse().map_err(|_| cursor_invalid())?),
        None => None,
    };
    let filter = AuditFilter { actor, action, subject, from, to };
    let rows = operators.api.db.audit_page(&filter, before, page.limit).await?;
    query.list(rows, |row| row.position.to_string(), AuditBody::new)
}

impl AuditBody {
    fn new(NamedAuditLine { position, line, actor_name }: NamedAuditLine) -> AuditBody {
        AuditBody {
            id: line.id,
            at: line.at,
            actor: line.actor,
            actor_name,
            action: line.action,
            subject: line.subject,
            // It was JSON when it was written.
            detail: serde_json::from_str(&line.detail).unwrap_or_default(),
            position,
        }
    }
}
