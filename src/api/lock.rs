//! The parental lock of a viewer's account.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::api::Api;
use crate::api::body::JsonBody;
use crate::api::caller::AViewer;
use crate::api::problem::Problem;
use crate::base::clock::UtcMs;
use crate::commerce::account::Visit;
use crate::commerce::account::lock::{LockEdit, LockProof, LockRefusal};
use crate::store::db::lock::Lock;

/// What is for older viewers than `age_limit`, or has no age, asks for the PIN.
#[derive(Serialize, ToSchema)]
#[schema(as = ParentalLock)]
pub struct LockBody {
    age_limit: u8,
    /// No PIN is looked at before, after too many wrong ones.
    locked_until: Option<UtcMs>,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = ParentalLockEdit)]
#[serde(deny_unknown_fields)]
pub struct LockEditBody {
    /// 0 to 17.
    age_limit: u8,
    /// 4 to 6 digits; the one there is stays, if not said.
    #[schema(pattern = "^[0-9]{4,6}$")]
    new_pin: Option<String>,
    /// Where there is a lock: its PIN, or the password.
    pin: Option<String>,
    password: Option<String>,
}

/// One of the two.
#[derive(Deserialize, ToSchema)]
#[schema(as = ParentalLockProof)]
#[serde(deny_unknown_fields)]
pub struct ProofBody {
    pin: Option<String>,
    password: Option<String>,
}

/// The lock; null without one.
#[utoipa::path(get, path = "/me/lock", tag = "accounts", operation_id = "show_my_lock",
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, description = "The lock, or null", body = Option<LockBody>),
))]
pub async fn show(State(api): State<Arc<Api>>, viewer: AViewer) -> Result<Json<Option<LockBody>>, Problem> {
    let (lock, now) = (api.accounts.lock(viewer.id).await?, api.clock.now());
    Ok(Json(lock.map(|lock| LockBody::new(lock, now))))
}

/// Set a lock, or change it.
#[utoipa::path(put, path = "/me/lock", tag = "accounts", operation_id = "set_my_lock", request_body = LockEditBody,
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, description = "The lock as it is now", body = LockBody),
    (status = 403, description = "PIN_REQUIRED, PIN_WRONG with `tries_left`, PIN_LOCKED with `locked_until`, PASSWORD_WRONG"),
    (status = 422, description = "PIN_INVALID, LOCK_INVALID"),
    (status = 429, description = "RATE_LIMITED"),
))]
pub async fn set(
    State(api): State<Arc<Api>>,
    viewer: AViewer,
    visit: Visit,
    body: JsonBody<LockEditBody>,
) -> Result<Json<LockBody>, Problem> {
    let LockEditBody { age_limit, new_pin, pin, password } = body.value;
    let (edit, proof) = (LockEdit { age_limit, pin: new_pin }, LockProof { pin, password });
    let lock = api.accounts.set_lock(viewer.id, &edit, &proof, visit.address).await?.map_err(refused)?;
    let name = viewer.caller.name();
    api.audit(&name, "lock.set", &name, json!({"age_limit": age_limit})).await?;
    Ok(Json(LockBody::new(lock, api.clock.now())))
}

/// Take the lock away. Without one there is nothing to do.
#[utoipa::path(post, path = "/me/lock/remove", tag = "accounts", operation_id = "remove_my_lock", request_body = ProofBody,
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 204, description = "There is no lock"),
    (status = 403, description = "PIN_REQUIRED, PIN_WRONG with `tries_left`, PIN_LOCKED with `locked_until`, PASSWORD_WRONG"),
    (status = 422, description = "PIN_INVALID"),
    (status = 429, description = "RATE_LIMITED"),
))]
pub async fn remove(
    State(api): State<Arc<Api>>,
    viewer: AViewer,
    visit: Visit,
    body: JsonBody<ProofBody>,
) -> Result<StatusCode, Problem> {
    let ProofBody { pin, password } = body.value;
    api.accounts.remove_lock(viewer.id, &LockProof { pin, password }, visit.address).await?.map_err(refused)?;
    let name = viewer.caller.name();
    api.audit(&name, "lock.remove", &name, json!({})).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a viewer whose PIN or password does not open the lock is told.
pub fn refused(refusal: LockRefusal) -> Problem {
    let refuse = |code, detail: &str| Problem::new(StatusCode::FORBIDDEN, code, detail);
    match refusal {
        LockRefusal::ProofMissing => refuse("PIN_REQUIRED", "Enter the PIN of this account, or its password."),
        LockRefusal::PinWrong { left } => {
            let detail = format!("This is not the PIN. Tries left: {left}.");
            refuse("PIN_WRONG", &detail).with_param("pin").with("tries_left", json!(left))
        }
        LockRefusal::PinLocked { until } => {
            let detail =
                "There were too many wrong PINs. Wait until it may be tried again, or change it with the password.";
            refuse("PIN_LOCKED", detail).with_param("pin").with("locked_until", json!(until))
        }
        LockRefusal::PasswordWrong => refuse("PASSWORD_WRONG", "This is not the password.").with_param("password"),
        LockRefusal::TooMany { retry_after } => Problem::too_many(retry_after),
    }
}

impl LockBody {
    pub fn new(lock: Lock, now: UtcMs) -> LockBody {
        LockBody { age_limit: lock.age_limit, locked_until: lock.locked_until.filter(|until| now < *until) }
    }
}
