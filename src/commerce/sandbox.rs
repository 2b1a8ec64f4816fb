//! The sandbox: a payment provider that moves no money and does what it is told, for demos and tests. The outcome is
//! part of the payment details, and the purchase keeps it; what is pressed at the sandbox's cashier, the page that a
//! `qr_code` or a `challenge` leads to, is kept in the database. So the sandbox says the same after a restart.
//!
//! Callbacks are signed as a real provider signs them: `Sandbox-Signature: t=<unix seconds>,v1=<HMAC-SHA-256 hex>` over
//! `<t>.<body>`, with a secret of this server.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::hmac;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use crate::base::clock::{Clock, UtcMs};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::PaymentId;
use crate::base::limits;
use crate::base::shutdown::Shutdown;
use crate::commerce::checkout::Checkout;
use crate::commerce::provider::{Notification, PaymentProvider, PaymentState};
use crate::ledger::purchase::{PaymentAction, PaymentActionKind, Purchase, PurchaseStatus};
use crate::store::db::Db;
use crate::store::db::commerce::SandboxAct;

/// How long a payment with the outcome `pending` stays pending.
pub const PENDING_FOR: Duration = Duration::from_secs(3);
/// A callback older than this is refused.
const CALLBACK_AGE_MAX: Duration = Duration::from_secs(300);
const CALLBACKS_EVERY: Duration = Duration::from_millis(500);
const CALLBACKS_AT_ONCE: u32 = 100;
const SIGNATURE_HEADER: &str = "sandbox-signature";

/// A provider of test payments.
pub struct Sandbox {
    db: Arc<dyn Db>,
    clock: Clock,
    secret: hmac::Key,
}

/// What a test payment is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SandboxOutcome {
    /// Paid at once.
    Paid,
    /// Declined at once.
    Declined,
    /// Pending, and paid [`PENDING_FOR`] later.
    Pending,
    /// As `pending`, with its callback sent twice.
    CallbackTwice,
    /// Pending until somebody pays at the cashier, whose address is a code to be scanned.
    QrCode,
    /// Pending until the payer confirms at the cashier.
    Challenge,
}

/// A payment at the sandbox's cashier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AtCashier {
    pub purchase: Purchase,
    pub status: CashierStatus,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CashierStatus {
    Pending,
    Paid,
    Declined,
    Expired,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Details {
    #[serde(default = "paid")]
    outcome: SandboxOutcome,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Callback {
    event_id: String,
    payment_id: PaymentId,
}

fn paid() -> SandboxOutcome {
    SandboxOutcome::Paid
}

impl Sandbox {
    pub fn new(db: Arc<dyn Db>, clock: Clock, secret: &[u8]) -> Sandbox {
        Sandbox { db, clock, secret: hmac::Key::new(hmac::HMAC_SHA256, secret) }
    }

    /// A payment that waits at the cashier or has been there; any other is none of the cashier's.
    pub async fn at_cashier(&self, payment: PaymentId) -> Result<Option<AtCashier>> {
        let Some(purchase) = self.db.purchase_by_payment(payment).await? else { return Ok(None) };
        let Some(action) = purchase.payment_action.as_ref().filter(|_| purchase.provider == self.name()) else {
            return Ok(None);
        };
        let status = match purchase.status {
            PurchaseStatus::Paid | PurchaseStatus::Refunded => CashierStatus::Paid,
            PurchaseStatus::Declined => CashierStatus::Declined,
            PurchaseStatus::Expired => CashierStatus::Expired,
            PurchaseStatus::Pending => match self.db.sandbox_act(payment).await? {
                Some((SandboxAct::Pay, _)) => CashierStatus::Paid,
                Some((SandboxAct::Decline, _)) => CashierStatus::Declined,
                None if self.clock.now() >= action.expires_at => CashierStatus::Expired,
                None => CashierStatus::Pending,
            },
        };
        Ok(Some(AtCashier { purchase, status }))
    }

    /// Somebody pays or declines at the cashier: the first to do so decides. The callback goes out at once. Who pays for
    /// a purchase that has expired meanwhile is a late payer, as real ones are.
    pub async fn press(&self, checkout: &Checkout, payment: PaymentId, act: SandboxAct) -> Result<Option<AtCashier>> {
        let Some(AtCashier { purchase, .. }) = self.at_cashier(payment).await? else { return Ok(None) };
        self.db.press_sandbox(payment, act, self.clock.now()).await?;
        self.send(checkout, &purchase).await?;
        self.at_cashier(payment).await
    }

    /// A signed callback about a payment, as this sandbox would send it: header value and body.
    pub fn callback(&self, payment: PaymentId) -> Result<(String, Vec<u8>)> {
        let callback = Callback { event_id: event_id(payment), payment_id: payment };
        let body = serde_json::to_vec(&callback).map_err(|error| Error::internal("a callback").with_source(error))?;
        let at_s = self.clock.now().0.div_euclid(1000);
        let tag = hmac::sign(&self.secret, &signed_text(at_s, &body));
        Ok((format!("t={at_s},v1={}", hex(tag.as_ref())), body))
    }

    /// Sends what is due now. A callback that is refused keeps no other one waiting.
    pub async fn send_due(&self, checkout: &Checkout, db: &dyn Db) -> Result<()> {
        let now = self.clock.now();
        for purchase in db.pending_purchases(CALLBACKS_AT_ONCE).await? {
            for _ in 0..callbacks_due(&purchase, now) {
                if let Err(error) = self.send(checkout, &purchase).await {
                    tracing::warn!(purchase = %purchase.id, error = error.log_line(), "a sandbox callback was lost");
                }
            }
        }
        Ok(())
    }

    async fn send(&self, checkout: &Checkout, purchase: &Purchase) -> Result<()> {
        let (signature, body) = self.callback(purchase.payment_id)?;
        let signature = HeaderValue::try_from(signature)
            .map_err(|error| Error::internal("a signature header").with_source(error))?;
        let headers = HeaderMap::from_iter([(HeaderName::from_static(SIGNATURE_HEADER), signature)]);
        checkout.notified(self.name(), &headers, &body).await
    }
}

/// Sends the sandbox's callbacks, as often as each payment asks for, until shutdown.
pub async fn send_callbacks(sandbox: Arc<Sandbox>, checkout: Arc<Checkout>, db: Arc<dyn Db>, shutdown: Shutdown) {
    loop {
        tokio::select! {
            () = shutdown.begun() => return,
            () = tokio::time::sleep(CALLBACKS_EVERY) => {}
        }
        if let Err(error) = sandbox.send_due(&checkout, &*db).await {
            tracing::warn!(error = error.log_line(), "no sandbox callbacks were sent");
        }
    }
}

#[async_trait]
impl PaymentProvider for Sandbox {
    fn name(&self) -> &'static str {
        "sandbox"
    }

    fn is_live(&self) -> bool {
        false
    }

    fn read_details(&self, details: &serde_json::Value) -> Result<String> {
        let details: Details = serde_json::from_value(details.clone()).map_err(|error| {
            Error::new(
                ErrorKind::Unprocessable,
                "PAYMENT_DETAILS_INVALID",
                "The sandbox takes an outcome: paid, declined, pending, callback_twice, qr_code or challenge.",
            )
            .with_param("payment.outcome")
            .with_source(error)
        })?;
        serde_json::to_string(&details.outcome).map_err(|error| Error::internal("an outcome").with_source(error))
    }

    async fn create(&self, purchase: &Purchase, now: UtcMs) -> Result<PaymentState> {
        self.query(purchase, now).await
    }

    async fn query(&self, purchase: &Purchase, now: UtcMs) -> Result<PaymentState> {
        let event_id = event_id(purchase.payment_id);
        let paid = |at| PaymentState::Paid { event_id: event_id.clone(), amount: purchase.price, at };
        let kind = match outcome(purchase)? {
            SandboxOutcome::Paid => return Ok(paid(purchase.created_at)),
            SandboxOutcome::Declined => return Ok(PaymentState::Declined { event_id }),
            SandboxOutcome::Pending | SandboxOutcome::CallbackTwice => {
                let due_at = purchase.created_at + PENDING_FOR;
                return Ok(if now >= due_at { paid(due_at) } else { PaymentState::Pending { action: None } });
            }
            SandboxOutcome::QrCode => PaymentActionKind::QrCode,
            SandboxOutcome::Challenge => PaymentActionKind::Challenge,
        };
        Ok(match self.db.sandbox_act(purchase.payment_id).await? {
            Some((SandboxAct::Pay, at)) => paid(at),
            Some((SandboxAct::Decline, _)) => PaymentState::Declined { event_id },
            None => {
                let url = format!("/cashier/{}", purchase.payment_id);
                let expires_at = purchase.created_at + limits::PAYMENT_PENDING_MAX;
                PaymentState::Pending { action: Some(PaymentAction { kind, url, expires_at }) }
            }
        })
    }

    async fn refund(&self, _purchase: &Purchase) -> Result<()> {
        Ok(())
    }

    fn verify_notification(&self, headers: &HeaderMap, body: &[u8]) -> Result<Notification> {
        let refuse = |message: &str| Error::new(ErrorKind::Unauthorized, "CALLBACK_SIGNATURE_INVALID", message);
        let header = headers.get(SIGNATURE_HEADER).and_then(|value| value.to_str().ok());
        let (at_s, tag) = header.and_then(read_signature).ok_or_else(|| refuse("The callback is not signed."))?;
        hmac::verify(&self.secret, &signed_text(at_s, body), &tag)
            .map_err(|_| refuse("The signature of the callback is wrong."))?;
        let now_s = self.clock.now().0.div_euclid(1000);
        if now_s.abs_diff(at_s) > CALLBACK_AGE_MAX.as_secs() {
            return Err(refuse("The callback is too old."));
        }
        let callback: Callback = serde_json::from_slice(body).map_err(|error| {
            Error::new(ErrorKind::Invalid, "CALLBACK_INVALID", "The callback cannot be read.").with_source(error)
        })?;
        Ok(Notification { event_id: callback.event_id, payment_id: callback.payment_id })
    }
}

fn outcome(purchase: &Purchase) -> Result<SandboxOutcome> {
    serde_json::from_str(&purchase.payment_details)
        .map_err(|error| Error::internal(format!("payment details of {}", purchase.id)).with_source(error))
}

/// How often the callback of this purchase is sent.
fn callbacks_due(purchase: &Purchase, now: UtcMs) -> usize {
    if now < purchase.created_at + PENDING_FOR {
        return 0;
    }
    match outcome(purchase) {
        Ok(SandboxOutcome::Pending) => 1,
        Ok(SandboxOutcome::CallbackTwice) => 2,
        _ => 0,
    }
}

/// One event per payment: a test payment is decided once.
fn event_id(payment: PaymentId) -> String {
    format!("sandbox:{payment}")
}

fn signed_text(at_s: i64, body: &[u8]) -> Vec<u8> {
    let mut text = format!("{at_s}.").into_bytes();
    text.extend_from_slice(body);
    text
}

fn read_signature(header: &str) -> Option<(i64, Vec<u8>)> {
    let (at, tag) = header.strip_prefix("t=")?.split_once(",v1=")?;
    let tag = (0..tag.len())
        .step_by(2)
        .map(|start| u8::from_str_radix(tag.get(start..start + 2)?, 16).ok())
        .collect::<Option<Vec<u8>>>()?;
    Some((at.parse().ok()?, tag))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
