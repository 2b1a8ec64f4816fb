//! Whether an offer may be bought, and for how much: `start_at <= now < end_at - sales_cutoff` of its avail, or in its presale
//! before that; in a licensed territory, by somebody who does not own it.

use crate::base::clock::UtcMs;
use crate::base::limits;
use crate::base::money::Money;
use crate::base::territory::Territory;
use crate::rights::denial::{Denial, DenialCode, NextOption};
use crate::rights::entitlement::{ViewerRights, title_denial};
use crate::rights::grant::{Grant, GrantClock};
use crate::rights::offer::{Offer, OfferKind, SalePhase};
use crate::rights::portability::deemed;
use crate::rights::reach::Reach;
use crate::rights::remedy::next_options;
use crate::rights::snapshot::TitleRights;

/// What buying would cost this viewer now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    pub price: Money,
    pub is_member_price: bool,
    /// When members get what is rented without paying, where that is soon.
    pub members_from_at: Option<UtcMs>,
}

/// The price of `offer` for this viewer here and now, or why it is not sold.
pub fn quote(
    title: &TitleRights,
    offer: &Offer,
    viewer: &ViewerRights,
    territory: Option<Territory>,
    now: UtcMs,
) -> Result<Quote, Denial> {
    if let Some(code) = title_denial(&title.title, now) {
        return Err(Denial::of(code));
    }
    let reach = Reach::of(title, deemed(viewer.home, territory), now);
    if let Some(code) = reach.clearance.denial() {
        return Err(Denial::of(code));
    }
    let Some(avail) = reach.covered.iter().find(|avail| avail.id == offer.avail_id) else {
        return Err(Denial::of(DenialCode::GeoNotLicensed));
    };
    if !reach.clearance.allows(avail) {
        return Err(Denial::of(DenialCode::LicenceRequired));
    }
    if reach.is_held(avail, now) && avail.window.is_open(now) {
        let next = next_options(&reach, viewer, now);
        return Err(Denial { next, ..Denial::of(DenialCode::WindowNotOpen) });
    }
    let refuse = |code| Denial { next: next_options(&reach, viewer, now), ..Denial::of(code) };
    match offer.sale_phase(avail, now) {
        SalePhase::NotOpen { sold_from_at } => {
            let next = vec![NextOption::Wait { opens_at: sold_from_at }];
            return Err(Denial { next, ..Denial::of(DenialCode::WindowNotOpen) });
        }
        SalePhase::Closed => return Err(refuse(DenialCode::WindowClosed)),
        SalePhase::Withdrawn => return Err(refuse(DenialCode::OfferWithdrawn)),
        SalePhase::Open | SalePhase::Presale => {}
    }
    if !reach.is_heard_at_all(avail) {
        return Err(refuse(DenialCode::LanguageHeldBack));
    }
    if !reach.is_shown_at_all() {
        return Err(Denial::of(DenialCode::CleanEditMissing));
    }
    let is_member = viewer.is_member(now);
    if !reach.sells(offer, avail, now) {
        return Err(refuse(DenialCode::WindowClosed));
    }
    if !offer.is_for(is_member) {
        return Err(refuse(DenialCode::MembershipRequired));
    }
    let is_usable_here = |grant: &Grant| {
        // Who rents it may still buy it for good.
        (offer.kind != OfferKind::Buy || grant.clock == GrantClock::Forever)
            && grant.is_live(now)
            && reach.covered.iter().any(|had| {
                had.id == grant.avail_id
                    && reach.is_heard_at_all(had)
                    && reach.is_heard_under_both(had, avail)
                    && reach.plays_beside(grant, had, viewer.membership(now), now)
            })
    };
    if viewer.grants.iter().any(is_usable_here) {
        return Err(Denial::of(DenialCode::AlreadyOwned));
    }
    let is_member_price = offer.member_price.is_some() && is_member;
    let is_rented = offer.kind != OfferKind::Buy;
    let members_from_at = if is_rented { reach.members_get(avail, now, now + limits::MEMBERS_SOON) } else { None };
    Ok(Quote { price: offer.price(is_member_price), is_member_price, members_from_at })
}
