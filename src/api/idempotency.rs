//! `Idempotency-Key`: the caller's id of a write. The same key with the same request is answered with what it made the
//! first time, also after a restart; with another request it is refused.

use aws_lc_rs::digest::{Context, SHA256};
use axum::extract::FromRequestParts;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::StatusCode;
use http::request::Parts;

use crate::api::problem::Problem;
use crate::base::limits;
use crate::commerce::account::Caller;
use crate::store::db::Idempotency;

pub const HEADER: &str = "idempotency-key";

/// The header, if it was sent.
pub struct IdempotencyKey(pub Option<String>);

impl IdempotencyKey {
    /// What the database keeps with the write.
    pub fn of(&self, caller: &Caller, request_digest: &str) -> Option<Idempotency> {
        self.0.as_ref().map(|key| Idempotency {
            caller: caller.name(),
            key: key.clone(),
            request_digest: request_digest.to_owned(),
        })
    }

    /// The same, for a write that moves money: 400 without a key.
    pub fn required(&self, caller: &Caller, request_digest: &str) -> Result<Idempotency, Problem> {
        self.of(caller, request_digest).ok_or_else(|| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "IDEMPOTENCY_KEY_REQUIRED",
                "Send an Idempotency-Key header, so that a repeated request does not buy twice.",
            )
            .with_param("Idempotency-Key")
        })
    }
}

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<IdempotencyKey, Problem> {
        let Some(value) = parts.headers.get(HEADER) else { return Ok(IdempotencyKey(None)) };
        let is_key = (1..=limits::IDEMPOTENCY_KEY_BYTES_MAX).contains(&value.len());
        match value.to_str() {
            Ok(key) if is_key => Ok(IdempotencyKey(Some(key.to_owned()))),
            _ => Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "IDEMPOTENCY_KEY_INVALID",
                format!(
                    "An Idempotency-Key has 1 to {} printable ASCII characters.",
                    limits::IDEMPOTENCY_KEY_BYTES_MAX
                ),
            )
            .with_param("Idempotency-Key")),
        }
    }
}

/// The answer to a key that another request used.
pub fn key_reused() -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "IDEMPOTENCY_KEY_REUSED",
        "This Idempotency-Key was used for another request. Use a new key.",
    )
    .with_param("Idempotency-Key")
}

/// SHA-256 over the parts of a request, each preceded by its length, so that no two requests meet in one text.
pub fn digest(parts: &[&[u8]]) -> String {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    BASE64_URL_SAFE_NO_PAD.encode(context.finish())
}
