//! The sandbox's cashier: where a telephone that has scanned a code pays, or does not. Test mode only, and no account is
//! asked for: whoever knows the payment's id is its payer.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::Api;
use crate::api::body::{Id, JsonBody};
use crate::api::problem::Problem;
use crate::api::products;
use crate::base::id::PaymentId;
use crate::base::money::Money;
use crate::commerce::sandbox::{AtCashier, CashierStatus, Sandbox};
use crate::store::db::commerce::SandboxAct;

#[derive(Serialize, ToSchema)]
pub struct SandboxPaymentBody {
    payment_id: PaymentId,
    amount: Money,
    /// By BCP 47 language tag.
    name: BTreeMap<String, String>,
    #[schema(value_type = String, pattern = "^(pending|paid|declined|expired)$")]
    status: CashierStatus,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActBody {
    act: ActName,
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SandboxAct)]
pub enum ActName {
    Pay,
    Decline,
}

/// A payment at the sandbox's cashier.
#[utoipa::path(get, path = "/sandbox/payments/{id}", tag = "payments", operation_id = "show_sandbox_payment",
    params(("id" = PaymentId, Path)), responses(
    (status = 200, description = "The payment", body = SandboxPaymentBody),
    (status = 404, description = "PAYMENT_NOT_FOUND: no payment of the cashier's, or a live server"),
))]
pub async fn show(State(api): State<Arc<Api>>, Id(id): Id<PaymentId>) -> Result<Json<SandboxPaymentBody>, Problem> {
    let payment = sandbox(&api)?.at_cashier(id).await?.ok_or_else(not_found)?;
    Ok(Json(body(&api, payment)))
}

/// Pay, or decline: the first to press decides.
#[utoipa::path(post, path = "/sandbox/payments/{id}", tag = "payments", operation_id = "press_sandbox_payment",
    params(("id" = PaymentId, Path)), request_body = ActBody, responses(
    (status = 200, description = "The payment as it is now", body = SandboxPaymentBody),
    (status = 404, description = "PAYMENT_NOT_FOUND: no payment of the cashier's, or a live server"),
))]
pub async fn press(
    State(api): State<Arc<Api>>,
    Id(id): Id<PaymentId>,
    request: JsonBody<ActBody>,
) -> Result<Json<SandboxPaymentBody>, Problem> {
    let act = match request.value.act {
        ActName::Pay => SandboxAct::Pay,
        ActName::Decline => SandboxAct::Decline,
    };
    let payment = sandbox(&api)?.press(&api.checkout, id, act).await?.ok_or_else(not_found)?;
    Ok(Json(body(&api, payment)))
}

fn sandbox(api: &Api) -> Result<&Sandbox, Problem> {
    api.sandbox.as_deref().ok_or_else(not_found)
}

fn body(api: &Api, AtCashier { purchase, status }: AtCashier) -> SandboxPaymentBody {
    SandboxPaymentBody {
        payment_id: purchase.payment_id,
        amount: purchase.price,
        name: products::name_of(&api.follower.snapshot(), &purchase.good),
        status,
    }
}

fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "PAYMENT_NOT_FOUND", "There is no such payment.")
}
