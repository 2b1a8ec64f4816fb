//! Redeeming a voucher.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::api::Api;
use crate::api::body::JsonBody;
use crate::api::caller::{AViewer, At};
use crate::api::grants::GrantBody;
use crate::api::problem::Problem;
use crate::api::title_brief::TitleBrief;
use crate::commerce::voucher::{RedeemRefusal, Redeemer};
use crate::store::state::Rate;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RedeemBody {
    /// In any case, with or without separators.
    code: String,
}

#[derive(Serialize, ToSchema)]
pub struct RedeemedBody {
    grant: GrantBody,
    title: TitleBrief,
}

/// Redeem a code. The same viewer is given the same grant again; nobody else is given anything.
#[utoipa::path(post, path = "/vouchers/redeem", tag = "purchases", operation_id = "redeem_voucher",
    request_body = RedeemBody, security(("bearer" = []), ("cookie" = [])), responses(
    (status = 201, description = "What the voucher gave", body = RedeemedBody),
    (status = 403, description = "GEO_NOT_LICENSED, WINDOW_NOT_OPEN, WINDOW_CLOSED, TITLE_SUSPENDED"),
    (status = 404, description = "VOUCHER_UNKNOWN"),
    (status = 409, description = "VOUCHER_USED, ALREADY_OWNED, PURCHASE_PENDING"),
    (status = 410, description = "VOUCHER_EXPIRED, TITLE_WITHDRAWN"),
    (status = 429, description = "RATE_LIMITED"),
))]
pub async fn redeem(
    State(api): State<Arc<Api>>,
    viewer: AViewer,
    At(place): At,
    body: JsonBody<RedeemBody>,
) -> Result<Response, Problem> {
    if let Rate::Over { retry_after } = api.vouchers.count_attempt(viewer.id, place.address).await {
        return Err(Problem::too_many(retry_after));
    }
    let redeemer = Redeemer { viewer_id: viewer.id, territory: place.territory };
    let actor = viewer.id.to_string();
    match api.vouchers.redeem(&body.value.code, redeemer).await? {
        Ok(grant) => {
            let detail = json!({"title_id": grant.title_id, "cause": grant.cause});
            api.audit(&actor, "voucher.redeem", &grant.id.to_string(), detail).await?;
            let body = RedeemedBody {
                title: TitleBrief::of(&api.follower.snapshot(), grant.title_id),
                grant: GrantBody::new(&grant, api.clock.now()),
            };
            Ok((StatusCode::CREATED, Json(body)).into_response())
        }
        Err(refusal) => {
            let problem = refused(refusal);
            let detail = json!({"code": problem.code(), "territory": place.territory});
            api.audit(&actor, "voucher.deny", &actor, detail).await?;
            Err(problem)
        }
    }
}

fn refused(refusal: RedeemRefusal) -> Problem {
    let (status, code, detail) = match refusal {
        RedeemRefusal::Denied(denial) => return Problem::denied(&denial),
        RedeemRefusal::PurchasePending(other) => {
            let detail =
                format!("A purchase of this title, {other}, waits for its payment. Finish it, or let it expire.");
            return Problem::new(StatusCode::CONFLICT, "PURCHASE_PENDING", detail);
        }
        RedeemRefusal::Unknown => {
            (StatusCode::NOT_FOUND, "VOUCHER_UNKNOWN", "There is no such code. Check it for mistyped characters.")
        }
        RedeemRefusal::Used => (StatusCode::CONFLICT, "VOUCHER_USED", "This code has been redeemed already."),
        RedeemRefusal::Expired => (StatusCode::GONE, "VOUCHER_EXPIRED", "This code is no longer valid."),
    };
    Problem::new(status, code, detail).with_param("code")
}
