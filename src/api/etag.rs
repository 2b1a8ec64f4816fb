//! The version of what is edited, as HTTP says it.

use http::{HeaderMap, StatusCode, header};

use crate::api::problem::Problem;

/// The `ETag` of a version.
pub fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

/// Refuses an edit of another version than the one that `If-Match` names, where it names one; `what` is what is edited.
pub fn require_version(headers: &HeaderMap, version: i64, what: &str) -> Result<(), Problem> {
    match headers.get(header::IF_MATCH) {
        Some(wanted) if wanted != "*" && *wanted != etag(version) => {
            let detail = format!("Somebody has edited this {what} since you read it. Read it again.");
            Err(Problem::new(StatusCode::PRECONDITION_FAILED, "VERSION_CONFLICT", detail).with_param("If-Match"))
        }
        _ => Ok(()),
    }
}
