//! Callbacks of payment providers: signed, and only a hint to ask the provider.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use http::{HeaderMap, StatusCode};

use crate::api::Api;
use crate::api::body::read_all;
use crate::api::problem::Problem;
use crate::base::limits;

/// A payment provider says that something happened.
#[utoipa::path(post, path = "/payments/{provider}/callback", tag = "payments", operation_id = "payment_callback",
    params(("provider" = String, Path, description = "A provider's name, such as `sandbox`")),
    request_body(content_type = "application/json", content = Object), responses(
    (status = 204, description = "Heard"),
    (status = 401, description = "CALLBACK_SIGNATURE_INVALID"),
    (status = 404, description = "PAYMENT_PROVIDER_UNKNOWN, PAYMENT_NOT_FOUND"),
))]
pub async fn callback(
    State(api): State<Arc<Api>>,
    Path(provider): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Problem> {
    let body = read_all(body, limits::PAYMENT_CALLBACK_BYTES_MAX).await?;
    match api.checkout.notified(&provider, &headers, &body).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(error) if error.code() == "PAYMENT_METHOD_UNKNOWN" => Err(Problem::new(
            StatusCode::NOT_FOUND,
            "PAYMENT_PROVIDER_UNKNOWN",
            "There is no such payment provider here.",
        )),
        Err(error) => Err(error.into()),
    }
}
