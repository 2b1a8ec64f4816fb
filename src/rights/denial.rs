//! A denial: why somebody may not watch or buy, with a stable code, and what would help.

use serde::{Deserialize, Serialize};

use crate::base::clock::UtcMs;
use crate::base::id::OfferId;
use crate::base::money::Money;

/// Why not, and what would help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    pub code: DenialCode,
    pub next: Vec<NextOption>,
    /// The viewer has the title already and only waits for its opening.
    pub is_acquired: bool,
}

/// Stable codes, in the order the checks are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DenialCode {
    /// Nothing the caller may know of.
    TitleNotListed,
    TitleWithdrawn,
    TitleSuspended,
    /// In China, where it was made, it may not be offered so.
    LicenceRequired,
    LicenceRevoked,
    GeoNotLicensed,
    GrantRevoked,
    SessionRevoked,
    SessionEnded,
    /// It has run for as long as one may.
    SessionExpired,
    RentalExpired,
    StartByPassed,
    PaymentRequired,
    MembershipRequired,
    WindowNotOpen,
    WindowClosed,
    /// Who has nothing of ours may have it of the operator's own billing, and that does not answer.
    EntitlementHookUnavailable,
    /// Of all languages of the film none may be heard here.
    LanguageHeldBack,
    /// Something is placed in it that may not be shown there, and no clean edit answers it.
    CleanEditMissing,
    /// The invitation was taken back.
    InvitationRevoked,
    /// The invitation has ended, and nothing else is open.
    ScreeningOver,
    /// The account has as many devices as it may, and this is none of them.
    DeviceLimit,
    /// It is for older viewers than the account's parental lock lets through.
    PinRequired,
    TooManyStreams,
    /// A purchase of what is owned already.
    AlreadyOwned,
    /// The offer is sold no more, though its window is open.
    OfferWithdrawn,
    /// Members get it soon without paying, and the buyer has not said that they know.
    MembersSoon,
    /// This server takes no payments, or not in this mode.
    SalesClosed,
}

/// What the viewer can do about a denial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "action")]
pub enum NextOption {
    Buy {
        offer_id: OfferId,
        price: Money,
    },
    /// One episode, for coins.
    Unlock {
        part: u32,
        coins: u32,
    },
    /// One episode, for advertising that is watched to its end; how many more today.
    Reward {
        part: u32,
        left: u32,
    },
    Join,
    Wait {
        opens_at: UtcMs,
    },
}

impl DenialCode {
    pub fn as_str(self) -> &'static str {
        match self {
            DenialCode::TitleNotListed => "TITLE_NOT_FOUND",
            DenialCode::TitleWithdrawn => "TITLE_WITHDRAWN",
            DenialCode::TitleSuspended => "TITLE_SUSPENDED",
            DenialCode::LicenceRequired => "LICENCE_REQUIRED",
            DenialCode::LicenceRevoked => "LICENCE_REVOKED",
            DenialCode::GeoNotLicensed => "GEO_NOT_LICENSED",
            DenialCode::GrantRevoked => "GRANT_REVOKED",
            DenialCode::SessionRevoked => "SESSION_REVOKED",
            DenialCode::SessionEnded => "SESSION_ENDED",
            DenialCode::SessionExpired => "SESSION_EXPIRED",
            DenialCode::RentalExpired => "RENTAL_EXPIRED",
            DenialCode::StartByPassed => "START_BY_PASSED",
            DenialCode::PaymentRequired => "PAYMENT_REQUIRED",
            DenialCode::MembershipRequired => "MEMBERSHIP_REQUIRED",
            DenialCode::WindowNotOpen => "WINDOW_NOT_OPEN",
            DenialCode::WindowClosed => "WINDOW_CLOSED",
            DenialCode::EntitlementHookUnavailable => "ENTITLEMENT_HOOK_UNAVAILABLE",
            DenialCode::LanguageHeldBack => "LANGUAGE_HELD_BACK",
            DenialCode::CleanEditMissing => "CLEAN_EDIT_MISSING",
            DenialCode::InvitationRevoked => "INVITATION_REVOKED",
            DenialCode::ScreeningOver => "SCREENING_OVER",
            DenialCode::DeviceLimit => "DEVICE_LIMIT",
            DenialCode::PinRequired => "PIN_REQUIRED",
            DenialCode::TooManyStreams => "TOO_MANY_STREAMS",
            DenialCode::AlreadyOwned => "ALREADY_OWNED",
            DenialCode::OfferWithdrawn => "OFFER_WITHDRAWN",
            DenialCode::MembersSoon => "MEMBERS_SOON",
            DenialCode::SalesClosed => "SALES_CLOSED",
        }
    }

    /// Whether it says nothing but how the title stands.
    pub fn is_of_title(self) -> bool {
        matches!(self, DenialCode::TitleNotListed | DenialCode::TitleWithdrawn | DenialCode::TitleSuspended)
    }

    /// One sentence for a person: what is the case and what to do.
    pub fn message(self) -> &'static str {
        match self {
            DenialCode::TitleNotListed => "There is no such title.",
            DenialCode::TitleWithdrawn => "This title has been withdrawn.",
            DenialCode::TitleSuspended => "This title is not available for the moment. Please try again later.",
            DenialCode::LicenceRequired => {
                "This title may not be offered where you are until its release licence is in order."
            }
            DenialCode::LicenceRevoked => {
                "The release licence of this title has been revoked; it may no longer be shown."
            }
            DenialCode::GeoNotLicensed => "This title is not licensed where you are.",
            DenialCode::GrantRevoked => {
                "Your access to this title has been withdrawn. If you did not ask for a refund, contact support."
            }
            DenialCode::SessionRevoked => "This playback has been ended. Press Play to start again.",
            DenialCode::SessionEnded => "This playback has ended. Press Play to start again.",
            DenialCode::SessionExpired => "This playback has run for as long as one may. Press Play to start again.",
            DenialCode::RentalExpired => "The viewing period is over. You can buy the title again while it is on sale.",
            DenialCode::StartByPassed => "The title was not started in time. You can buy it again while it is on sale.",
            DenialCode::PaymentRequired => "This has to be paid for before it is watched.",
            DenialCode::MembershipRequired => "This title is for members.",
            DenialCode::WindowNotOpen => "This title has not opened yet.",
            DenialCode::WindowClosed => "This title is no longer on offer.",
            DenialCode::EntitlementHookUnavailable => {
                "Whether you have this title cannot be asked just now. Try again in a moment."
            }
            DenialCode::LanguageHeldBack => {
                "The languages that this title has may not be heard where you are, the way it is on offer now."
            }
            DenialCode::CleanEditMissing => {
                "This title may not be shown where you are in the edit that there is. It comes back with another one."
            }
            DenialCode::InvitationRevoked => {
                "Your invitation to this title has been withdrawn. Ask whoever invited you."
            }
            DenialCode::ScreeningOver => {
                "Your invitation to this title has ended. Ask whoever invited you for another one."
            }
            DenialCode::DeviceLimit => {
                "This account is in use on as many devices as it may be. Sign out one of them under your account."
            }
            DenialCode::PinRequired => "Enter the PIN of this account: this title is for older viewers, or not rated.",
            DenialCode::TooManyStreams => "Too many streams at once. Stop watching elsewhere, or wait 90 seconds.",
            DenialCode::AlreadyOwned => "You already have this title; press Play.",
            DenialCode::OfferWithdrawn => "This offer has been withdrawn. Load the page again to see what is on sale.",
            DenialCode::MembersSoon => {
                "Members watch this soon without paying. Buy it all the same, or wait until then."
            }
            DenialCode::SalesClosed => "This server does not take payments.",
        }
    }
}

impl Denial {
    pub fn of(code: DenialCode) -> Denial {
        Denial { code, next: Vec::new(), is_acquired: false }
    }
}
