//! A partner's viewer on our origin: what the partner says of them, and whether its deal lets them watch. What they have
//! with the partner gives them nothing with us, and the reverse.

use crate::base::clock::UtcMs;
use crate::base::id::{DealId, PartyId, PartyViewerId};
use crate::base::territory::Territory;
use crate::catalog::compliance::Charge;
use crate::rights::avail::LicenseType;
use crate::rights::clearance::Clearance;
use crate::rights::deal::{Carriage, Deal};
use crate::rights::denial::{Denial, DenialCode, NextOption};
use crate::rights::edit;
use crate::rights::entitlement::{Cause, Decision, Entitlement, listing_denial, title_denial};
use crate::rights::language_range::LanguageRange;
use crate::rights::language_terms::Hearing;
use crate::rights::session::PlaybackSession;
use crate::rights::snapshot::TitleRights;
use crate::rights::window::WindowPhase;

/// What a partner has signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartnerPass {
    pub party_id: PartyId,
    pub viewer: PartyViewerId,
    /// From this instant its viewer may watch no more.
    pub until: UtcMs,
}

/// Whether a viewer of a partner's may open a session for a part: the title, its licence and the deal are asked, and
/// everything else is the partner's word.
pub fn decide_partner(
    title: &TitleRights,
    part: u32,
    pass: &PartnerPass,
    wanted: Option<&LanguageRange>,
    territory: Option<Territory>,
    now: UtcMs,
) -> Decision {
    match walk(title, part, pass, wanted, territory, now) {
        Ok(entitlement) => Decision::Allow(entitlement),
        Err(denial) => Decision::Deny(denial),
    }
}

fn walk(
    title: &TitleRights,
    part: u32,
    pass: &PartnerPass,
    wanted: Option<&LanguageRange>,
    territory: Option<Territory>,
    now: UtcMs,
) -> Result<Entitlement, Denial> {
    // Of a title without a deal of theirs they are told nothing.
    let deals = title.deals.iter().filter(|deal| deal.party_id == pass.party_id && deal.revoked_at.is_none());
    let mut deals: Vec<_> = deals.filter_map(|deal| Some((deal, delivered(deal)?))).collect();
    if deals.is_empty() {
        return Err(Denial::of(DenialCode::TitleNotListed));
    }
    let clearance = Clearance::of(&title.title, territory, now);
    title_denial(&title.title, now).or(clearance.denial()).map_or(Ok(()), |code| Err(Denial::of(code)))?;
    let Some(territory) = territory else { return Err(Denial::of(DenialCode::GeoNotLicensed)) };
    deals.retain(|(deal, _)| deal.territories.contains(territory));
    if deals.is_empty() {
        return Err(Denial::of(DenialCode::GeoNotLicensed));
    }
    deals.retain(|(deal, _)| deal.window.phase(now) != WindowPhase::Closed);
    if deals.is_empty() {
        return Err(Denial::of(DenialCode::WindowClosed));
    }
    deals.retain(|(_, terms)| clearance.0.clears(terms.charge()));
    if deals.is_empty() {
        return Err(Denial::of(DenialCode::LicenceRequired));
    }
    let opening = |deal: &Deal| deal.opening(&title.holdbacks, &title.avails, &title.deals, territory);
    // Of several the first under which the part is heard as it is wanted, or at all.
    let hearing = |deal: &Deal| title.hearing(part, deal.caps.as_deref(), Some(territory), wanted);
    let open = deals.iter().filter(|(deal, _)| opening(deal).is_some_and(|at| at <= now));
    let Some((deal, terms)) = open.rev().max_by_key(|(deal, _)| hearing(deal)) else {
        return Err(not_open(deals.iter().filter_map(|(deal, _)| opening(deal)).min()));
    };
    if let Some(opens_at) = title.title.part_opening(part, now) {
        return Err(not_open(Some(opens_at)));
    }
    if now >= pass.until {
        return Err(Denial::of(DenialCode::RentalExpired));
    }
    if hearing(deal) == Hearing::Mute {
        return Err(Denial::of(DenialCode::LanguageHeldBack));
    }
    edit::require(title, part, Some(territory))?;
    Ok(Entitlement {
        cause: Cause::Partner(pass.viewer),
        avail_id: None,
        deal_id: Some(deal.id),
        ends_at: Some(pass.until),
        starts_clock: false,
        streams: terms.streams,
        beside: None,
        home: None,
        preview_ms: None,
        reference: None,
        protection: (terms.charge() == Charge::Paid).then_some(title.title.details.protection),
        caps: deal.caps.clone(),
    })
}

fn not_open(opens_at: Option<UtcMs>) -> Denial {
    let next = opens_at.map(|opens_at| NextOption::Wait { opens_at }).into_iter().collect();
    Denial { next, ..Denial::of(DenialCode::WindowNotOpen) }
}

/// Whether an open session of a partner's viewer goes on: the deal stands and covers the territory, and the partner's word
/// reaches so far. The end of the window ends nothing that was begun. Whoever has gone to another territory since must find
/// it open and cleared there.
pub fn partner_goes_on(
    session: &PlaybackSession,
    title: &TitleRights,
    territory: Option<Territory>,
    now: UtcMs,
) -> Result<(), DenialCode> {
    let id: Option<DealId> = session.entitlement.deal_id;
    let deal = id.and_then(|id| title.deal(id)).filter(|deal| deal.revoked_at.is_none());
    let (deal, terms) = deal.and_then(|deal| Some((deal, delivered(deal)?))).ok_or(DenialCode::WindowClosed)?;
    let place = territory.filter(|territory| deal.territories.contains(*territory));
    let place = place.ok_or(DenialCode::GeoNotLicensed)?;
    if session.territory != territory {
        if !Clearance::of(&title.title, territory, now).0.clears(terms.charge()) {
            return Err(DenialCode::LicenceRequired);
        }
        if deal.opening(&title.holdbacks, &title.avails, &title.deals, place).is_none_or(|opens_at| opens_at > now) {
            return Err(DenialCode::WindowNotOpen);
        }
    }
    let is_over = session.entitlement.ends_at.is_some_and(|ends_at| now >= ends_at);
    if is_over { Err(DenialCode::RentalExpired) } else { Ok(()) }
}

/// Whether a party may have the key of a package that it was sent under `deal`: from the deal's opening, while it stands, of a
/// title that may be shown.
pub fn key_is_due(title: &TitleRights, deal: &Deal, now: UtcMs) -> Result<(), Denial> {
    let in_china = deal.territories.contains(Territory::CHINA).then_some(Territory::CHINA);
    let clearance = Clearance::of(&title.title, in_china, now);
    // What was sealed elsewhere needs no film here.
    let listing = listing_denial(title.title.standing(now));
    listing.or(clearance.denial()).map_or(Ok(()), |code| Err(Denial::of(code)))?;
    let is_free = matches!(deal.carriage, Carriage::Platform { license_type: LicenseType::Avod, .. });
    if !clearance.0.clears(if is_free { Charge::Free } else { Charge::Paid }) {
        return Err(Denial::of(DenialCode::LicenceRequired));
    }
    if deal.window.phase(now) == WindowPhase::Closed {
        return Err(Denial::of(DenialCode::WindowClosed));
    }
    match key_opens_at(title, deal) {
        Some(opens_at) if opens_at <= now => Ok(()),
        opens_at => Err(not_open(opens_at)),
    }
}

/// When a deal opens in the first of its territories, as things are planned.
pub fn key_opens_at(title: &TitleRights, deal: &Deal) -> Option<UtcMs> {
    let places = deal.territories.members();
    places.iter().filter_map(|place| deal.opening(&title.holdbacks, &title.avails, &title.deals, place)).min()
}

/// How viewers of a platform play from this server.
struct Terms {
    license_type: LicenseType,
    streams: u32,
}

impl Terms {
    fn charge(&self) -> Charge {
        if self.license_type == LicenseType::Avod { Charge::Free } else { Charge::Paid }
    }
}

fn delivered(deal: &Deal) -> Option<Terms> {
    match deal.carriage {
        Carriage::Platform { license_type, streams: Some(streams), .. } => Some(Terms { license_type, streams }),
        _ => None,
    }
}
