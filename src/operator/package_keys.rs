//! Keys of packages that were shipped to a deal's party: kept here until the premiere, and shown to no operator.

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
use crate::base::error::{Error, ErrorKind};
use crate::base::id::DealId;
use crate::base::limits;
use crate::operator::Operators;
use crate::rights::partner_pass::key_opens_at;
use crate::store::db::deal::KeptKey;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewPackageKey)]
pub struct NewPackageKeyBody {
    /// Which package it opens, for people: a file name, a digest.
    package: String,
    /// The sixteen bytes of `marquee package --key-file`, in hex.
    #[schema(pattern = "^[0-9a-fA-F]{32}$")]
    key: String,
}

/// A key that is kept; the key itself is its party's alone.
#[derive(Serialize, ToSchema)]
#[schema(as = PackageKey)]
pub struct PackageKeyBody {
    deal_id: DealId,
    package: String,
    kept_at: UtcMs,
    /// From when its party may have it, as things are planned; null while nothing says when.
    opens_at: Option<UtcMs>,
    /// When its party first had it.
    taken_at: Option<UtcMs>,
}

/// Keep the key of a package for the deal that it was shipped under. Another key takes its place.
#[utoipa::path(put, path = "/operator/deals/{id}/package-key", tag = "operator", operation_id = "operator_keep_package_key",
    params(("id" = DealId, Path)), request_body = NewPackageKeyBody, security(("bearer" = [])), responses(
    (status = 200, description = "What is kept", body = PackageKeyBody),
    (status = 404, description = "DEAL_NOT_FOUND"),
    (status = 422, description = "PACKAGE_KEY_INVALID"),
))]
pub async fn keep(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    Id(id): Id<DealId>,
    body: JsonBody<NewPackageKeyBody>,
) -> Result<Json<PackageKeyBody>, Problem> {
    let NewPackageKeyBody { package, key } = body.value;
    let package = package.trim();
    let is_line = !package.chars().any(char::is_control);
    if !(1..=limits::NAME_CHARS_MAX).contains(&package.chars().count()) || !is_line {
        let message = format!("A package is named in 1 to {} characters.", limits::NAME_CHARS_MAX);
        return Err(invalid("package", message));
    }
    let key = key_of(&key).ok_or_else(|| invalid("key", "A key is sixteen bytes in hex: 32 digits.".into()))?;
    let kept = operators.api.package_keys.keep(id, package, &key).await?;
    operators.audit(&operator, "deal.package_key", &id.to_string(), json!({"package": package})).await?;
    shown(&operators, kept).await
}

/// What is kept for a deal.
#[utoipa::path(get, path = "/operator/deals/{id}/package-key", tag = "operator", operation_id = "operator_show_package_key",
    params(("id" = DealId, Path)), security(("bearer" = [])), responses(
    (status = 200, description = "What is kept", body = PackageKeyBody),
    (status = 404, description = "PACKAGE_KEY_NOT_FOUND"),
))]
pub async fn show(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    Id(id): Id<DealId>,
) -> Result<Json<PackageKeyBody>, Problem> {
    let kept =
        operators.api.db.package_key(id).await?.ok_or_else(|| {
            Problem::new(StatusCode::NOT_FOUND, "PACKAGE_KEY_NOT_FOUND", "No key is kept for this deal.")
        })?;
    shown(&operators, kept).await
}

async fn shown(operators: &Operators, kept: KeptKey) -> Result<Json<PackageKeyBody>, Problem> {
    let api = &operators.api;
    let gone = || Error::internal("a key without its deal");
    let deal = api.db.deal(kept.deal_id).await?.ok_or_else(gone)?;
    let snapshot = api.follower.snapshot();
    let opens_at = snapshot.title(deal.title_id).and_then(|title| key_opens_at(title, &deal));
    let KeptKey { deal_id, package, kept_at, taken_at, .. } = kept;
    Ok(Json(PackageKeyBody { deal_id, package, kept_at, opens_at, taken_at }))
}

fn key_of(text: &str) -> Option<[u8; 16]> {
    if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u128::from_str_radix(text, 16).ok().map(u128::to_be_bytes)
}

fn invalid(param: &str, message: String) -> Problem {
    Error::new(ErrorKind::Unprocessable, "PACKAGE_KEY_INVALID", message).with_param(param).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_from_hex_and_from_nothing_else() {
        let key = key_of("000102030405060708090a0b0c0D0E0F").unwrap();
        assert_eq!(key, std::array::from_fn(|place| place as u8));
        for wrong in ["", "00", &"0".repeat(31), &"0".repeat(33), &"+".repeat(32), &"é".repeat(16)] {
            assert_eq!(key_of(wrong), None, "{wrong}");
        }
    }
}
