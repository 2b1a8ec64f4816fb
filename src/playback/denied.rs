//! The one map from a denial to an answer: what a client is told when it may not watch or buy.

use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};

use crate::base::limits;
use crate::http::respond::Problem;
use crate::rights::denial::{Denial, DenialCode};

/// The problem that a denial is answered with: its code, the rule that fired and what would help.
pub fn problem(denial: &Denial) -> Problem {
    let next = serde_json::to_value(&denial.next).unwrap_or_default();
    let status = status(denial.code);
    let problem = Problem::new(status, denial.code.as_str(), denial.code.message())
        .with("rule", rule(denial.code))
        .with("next", next);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        // As long as nobody asks again anyway.
        return problem.with_header(RETRY_AFTER, HeaderValue::from(limits::ENTITLEMENT_SILENCE_KEPT.as_secs()));
    }
    problem
}

fn status(code: DenialCode) -> StatusCode {
    match code {
        DenialCode::TitleNotListed => StatusCode::NOT_FOUND,
        DenialCode::TitleWithdrawn | DenialCode::OfferWithdrawn => StatusCode::GONE,
        DenialCode::AlreadyOwned | DenialCode::MembersSoon => StatusCode::CONFLICT,
        DenialCode::EntitlementHookUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        DenialCode::TitleSuspended
        | DenialCode::LicenceRequired
        | DenialCode::LicenceRevoked
        | DenialCode::GeoNotLicensed
        | DenialCode::GrantRevoked
        | DenialCode::SessionRevoked
        | DenialCode::SessionEnded
        | DenialCode::SessionExpired
        | DenialCode::RentalExpired
        | DenialCode::StartByPassed
        | DenialCode::PaymentRequired
        | DenialCode::MembershipRequired
        | DenialCode::WindowNotOpen
        | DenialCode::WindowClosed
        | DenialCode::LanguageHeldBack
        | DenialCode::CleanEditMissing
        | DenialCode::InvitationRevoked
        | DenialCode::ScreeningOver
        | DenialCode::DeviceLimit
        | DenialCode::PinRequired
        | DenialCode::TooManyStreams
        | DenialCode::SalesClosed => StatusCode::FORBIDDEN,
    }
}

/// The rule that a denial comes from.
pub fn rule(code: DenialCode) -> &'static str {
    match code {
        DenialCode::TitleNotListed | DenialCode::TitleWithdrawn | DenialCode::TitleSuspended => "title_status",
        DenialCode::LicenceRequired | DenialCode::LicenceRevoked => "licence",
        DenialCode::GeoNotLicensed => "territory",
        DenialCode::GrantRevoked | DenialCode::RentalExpired | DenialCode::StartByPassed => "grant",
        DenialCode::SessionRevoked | DenialCode::SessionEnded | DenialCode::SessionExpired => "session",
        DenialCode::PaymentRequired | DenialCode::MembershipRequired | DenialCode::EntitlementHookUnavailable => {
            "entitlement"
        }
        DenialCode::WindowNotOpen | DenialCode::WindowClosed => "window",
        DenialCode::LanguageHeldBack => "languages",
        DenialCode::CleanEditMissing => "edit",
        DenialCode::InvitationRevoked | DenialCode::ScreeningOver => "screener",
        DenialCode::DeviceLimit => "device_limit",
        DenialCode::PinRequired => "parental_lock",
        DenialCode::TooManyStreams => "stream_limit",
        DenialCode::AlreadyOwned => "ownership",
        DenialCode::OfferWithdrawn | DenialCode::MembersSoon | DenialCode::SalesClosed => "sales",
    }
}
