//! Clearance: whether a title's compliance lets it be offered in a territory. In China what was made there is offered for
//! money or to members only under a release licence, and otherwise not at all unless it is declared ordinary and free.
//!
//! A licence that is missing, has run out or waits to be confirmed again stops what would begin: sales, and sessions of
//! members and of free viewers. What was bought plays on. One that was revoked stops everything.

use crate::base::clock::UtcMs;
use crate::base::territory::Territory;
use crate::catalog::compliance::{Charge, ComplianceState};
use crate::catalog::title::Title;
use crate::rights::avail::{Avail, LicenseType};
use crate::rights::denial::DenialCode;

/// How a title stands in one territory at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clearance(pub ComplianceState);

impl Clearance {
    /// An unknown territory is never China: no avail covers it.
    pub fn of(title: &Title, territory: Option<Territory>, now: UtcMs) -> Clearance {
        Clearance(match territory {
            Some(Territory::CHINA) => title.compliance_state(now),
            _ => ComplianceState::NotApplicable,
        })
    }

    /// Whether the title may be offered under `avail`.
    pub fn allows(self, avail: &Avail) -> bool {
        self.allows_type(avail.license_type)
    }

    /// Whether the title may be offered so.
    pub fn allows_type(self, license_type: LicenseType) -> bool {
        self.0.clears(match license_type {
            LicenseType::Vod | LicenseType::Est | LicenseType::Svod => Charge::Paid,
            LicenseType::Avod => Charge::Free,
        })
    }

    /// Why nothing plays, whoever asks.
    pub fn denial(self) -> Option<DenialCode> {
        (self.0 == ComplianceState::Revoked).then_some(DenialCode::LicenceRevoked)
    }
}
