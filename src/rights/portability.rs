//! Portability: who lives in the European Economic Area and travels in it is served as at home. By Regulation (EU) 2017/1128
//! a service that is paid for gives its subscribers the same catalogue while they are in another member state for a time, for
//! nothing extra, and their use of it is deemed to take place at home. Where home is has been verified before.

use serde::{Deserialize, Serialize};

use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::territory::Territory;

/// The member states and the other states of the Economic Area, sorted.
const AREA: [&str; 30] = [
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS", "IT", "LI", "LT",
    "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
];
/// Article 5(1): not more than two are used.
const MEANS_MAX: usize = 2;

/// Where a viewer lives, and who has verified it by what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Home {
    pub territory: Territory,
    pub means: Vec<HomeMeans>,
    pub verified_at: UtcMs,
    pub verified_by: String,
}

/// What the residence was verified by: the list of Article 5(1), (a) to (k).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HomeMeans {
    /// Or another means of electronic identification that is notified.
    IdentityCard,
    /// A bank account or a card of that state.
    PaymentDetails,
    /// Where a set-top box or the like is installed.
    DeviceInstallation,
    /// Of a licence fee for broadcasting.
    LicenceFee,
    /// A contract for internet or telephone.
    TelecomContract,
    ElectoralRoll,
    LocalTaxes,
    UtilityBill,
    /// A billing or postal address. By itself it proves nothing, nor do the two below.
    PostalAddress,
    Declaration,
    IpAddress,
}

impl HomeMeans {
    /// Whether it counts beside another one only.
    fn is_weak(self) -> bool {
        matches!(self, HomeMeans::PostalAddress | HomeMeans::Declaration | HomeMeans::IpAddress)
    }
}

impl Home {
    /// Refuses a home outside the area, and what verifies nothing.
    pub fn check(&self) -> Result<()> {
        let refuse = |param: &str, message: &str| {
            Err(Error::new(ErrorKind::Unprocessable, "HOME_INVALID", message.to_owned()).with_param(param))
        };
        if !is_in_area(self.territory) {
            return refuse(
                "territory",
                "Only a home in the European Economic Area makes a difference when its viewer travels.",
            );
        }
        let is_twice = self.means.len() == 2 && self.means[0] == self.means[1];
        if !(1..=MEANS_MAX).contains(&self.means.len()) || is_twice {
            return refuse("means", "A residence is verified by one or two means.");
        }
        if self.means.iter().all(|means| means.is_weak()) {
            return refuse(
                "means",
                "An address, a declaration and an IP address count only beside one of the other means.",
            );
        }
        Ok(())
    }
}

pub fn is_in_area(territory: Territory) -> bool {
    AREA.binary_search(&territory.code()).is_ok()
}

/// Where a viewer is taken to be: at home, while both home and the place are in the area; otherwise where they are.
pub fn deemed(home: Option<Territory>, here: Option<Territory>) -> Option<Territory> {
    let travels = home.is_some_and(is_in_area) && here.is_some_and(is_in_area);
    if travels { home } else { here }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn territory(code: &str) -> Option<Territory> {
        (!code.is_empty()).then(|| code.parse().unwrap())
    }

    #[test]
    fn whoever_lives_in_the_area_and_is_in_it_is_at_home() {
        assert!(AREA.is_sorted() && AREA.iter().all(|code| code.parse::<Territory>().is_ok()));
        for (home, here, expected) in [
            ("DE", "DE", "DE"),
            ("DE", "FR", "DE"),
            ("NO", "SE", "NO"),
            ("DE", "US", "US"),
            ("DE", "GB", "GB"),
            ("DE", "CH", "CH"),
            ("US", "DE", "DE"),
            ("", "FR", "FR"),
            ("DE", "", ""),
        ] {
            assert_eq!(deemed(territory(home), territory(here)), territory(expected), "{home} in {here}");
        }
    }

    #[test]
    fn a_home_is_verified_by_two_means_at_most_of_which_one_is_strong() {
        use HomeMeans::{Declaration, IdentityCard, IpAddress, PaymentDetails, UtilityBill};
        let code = |home: &str, means: &[HomeMeans]| {
            let home = Home {
                territory: home.parse().unwrap(),
                means: means.to_vec(),
                verified_at: UtcMs(0),
                verified_by: "opr".into(),
            };
            home.check().err().map(|error| error.param().unwrap().to_owned())
        };
        for (means, is_good) in [
            (vec![IdentityCard], true),
            (vec![PaymentDetails, IpAddress], true),
            (vec![], false),
            (vec![IpAddress], false),
            (vec![IpAddress, Declaration], false),
            (vec![UtilityBill, UtilityBill], false),
            (vec![IdentityCard, PaymentDetails, UtilityBill], false),
        ] {
            assert_eq!(code("DE", &means).is_none(), is_good, "{means:?}");
        }
        assert_eq!(code("US", &[IdentityCard]), Some("territory".into()));
    }
}
