//! Whether advertising goes with a viewing: what an AVOD window asks for. Whoever has paid, with money, coins or a
//! membership, sees none, and neither does whoever is shown a trailer, a preview or a free episode of a series that is
//! sold. What a partner shows its own viewers is the partner's.

use serde::Serialize;

use crate::rights::avail::LicenseType;
use crate::rights::entitlement::{Cause, Entitlement};
use crate::rights::snapshot::TitleRights;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ads {
    None,
    Required,
}

impl Ads {
    pub fn of(right: &Entitlement, title: &TitleRights) -> Ads {
        let avail = right.avail_id.and_then(|id| title.avail(id));
        let is_open_for_ads = avail.is_some_and(|avail| avail.license_type == LicenseType::Avod);
        if right.cause == Cause::Free && is_open_for_ads { Ads::Required } else { Ads::None }
    }
}
