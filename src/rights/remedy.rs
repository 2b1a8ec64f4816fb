//! What is said to a viewer who has no right to watch: the most helpful true reason, and what would help.

use crate::base::clock::UtcMs;
use crate::rights::avail::{Avail, LicenseType};
use crate::rights::denial::{Denial, DenialCode, NextOption};
use crate::rights::entitlement::{Cause, Entitlement, ViewerRights};
use crate::rights::episode::Episode;
use crate::rights::grant::{Grant, GrantPhase};
use crate::rights::reach::Reach;
use crate::rights::snapshot::TitleRights;

/// What can be had to hear the part, by who has nothing of it yet; to others, that what they have is mute.
pub fn nothing_heard(episode: &Episode<'_>, right: &Entitlement) -> Denial {
    let denial = no_entitlement(episode);
    let is_theirs = matches!(right.cause, Cause::Grant(_) | Cause::Unlock(_));
    let is_to_be_had = matches!(denial.code, DenialCode::PaymentRequired | DenialCode::MembershipRequired);
    if is_to_be_had && !is_theirs {
        denial
    } else {
        Denial { next: denial.next, ..Denial::of(DenialCode::LanguageHeldBack) }
    }
}

/// The most helpful true reason: what the viewer had and lost, then what can be had now, then when it opens.
pub fn no_entitlement(episode: &Episode<'_>) -> Denial {
    let Episode { reach, viewer, now, .. } = *episode;
    if reach.offered().next().is_none() {
        return Denial::of(DenialCode::LicenceRequired);
    }
    let avail_of = |grant: &Grant| reach.covered.iter().copied().find(|avail| avail.id == grant.avail_id);
    let has = |grant: &Grant| avail_of(grant).is_some();
    let members_have =
        |grant: &Grant| avail_of(grant).is_some_and(|avail| reach.members_have_since(avail, grant.issued_at, now));
    let upcoming = |grant: &&Grant| grant.phase(now) == GrantPhase::Upcoming && has(grant);
    if let Some(grant) = viewer.grants.iter().filter(upcoming).min_by_key(|grant| grant.available_at) {
        let next = vec![NextOption::Wait { opens_at: grant.available_at }];
        return Denial { code: DenialCode::WindowNotOpen, next, is_acquired: true };
    }
    let next = episode.options(next_options(reach, viewer, now));
    let lost = viewer
        .grants
        .iter()
        .filter(|grant| has(grant))
        .filter_map(|grant| match grant.phase(now) {
            GrantPhase::Expired => Some((grant.lasts_until(), DenialCode::RentalExpired)),
            GrantPhase::StartByPassed => Some((grant.lasts_until(), DenialCode::StartByPassed)),
            GrantPhase::Running if grant.clock.needs_membership() && members_have(grant) => None,
            GrantPhase::Running if grant.clock.needs_membership() && !viewer.is_member(now) => {
                Some((now, DenialCode::MembershipRequired))
            }
            // Alive and not used: the avail it was bought under has hard-ended.
            GrantPhase::Running | GrantPhase::Unstarted => Some((now, DenialCode::RentalExpired)),
            GrantPhase::Upcoming | GrantPhase::Revoked => None,
        })
        .max_by_key(|(at, _)| *at);
    let code = match lost {
        Some((_, code)) => code,
        None if next.iter().any(|option| matches!(option, NextOption::Buy { .. } | NextOption::Unlock { .. })) => {
            DenialCode::PaymentRequired
        }
        None if next.contains(&NextOption::Join) => DenialCode::MembershipRequired,
        None if reach.is_mute(episode.part, now) => DenialCode::LanguageHeldBack,
        None if next.iter().any(|option| matches!(option, NextOption::Wait { .. })) => DenialCode::WindowNotOpen,
        None => DenialCode::WindowClosed,
    };
    Denial { next, ..Denial::of(code) }
}

/// What can be done now; and only when there is nothing, when the next window opens.
pub fn next_options(reach: &Reach<'_>, viewer: &ViewerRights, now: UtcMs) -> Vec<NextOption> {
    let title = reach.title;
    let is_member = viewer.is_member(now);
    let mut options: Vec<NextOption> = reach
        .offered()
        .filter(|avail| avail.license_type.is_sold())
        .flat_map(|avail| title.offers_of(avail.id).filter(|offer| reach.sells(offer, avail, now)))
        .filter(|offer| offer.is_for(is_member))
        .map(|offer| NextOption::Buy { offer_id: offer.id, price: offer.price(is_member) })
        .collect();
    let has_members = || reach.open_avails(LicenseType::Svod, now).any(|avail| reach.is_heard_at_all(avail));
    if !is_member && (has_members() || is_for_members(title, reach, viewer, now)) {
        options.push(NextOption::Join);
    }
    if options.is_empty() {
        let heard = reach.offered().filter(|avail| reach.is_heard_at_all(avail));
        let opening = heard.filter_map(|avail| reach.opening(avail, now)).min();
        options.extend(opening.map(|opens_at| NextOption::Wait { opens_at }));
    }
    options
}

/// Whether members could buy, or play what this viewer has, before members have the title.
fn is_for_members(title: &TitleRights, reach: &Reach<'_>, viewer: &ViewerRights, now: UtcMs) -> bool {
    let is_sold = |avail: &Avail| {
        title.offers_of(avail.id).any(|offer| offer.clock.needs_membership() && reach.sells(offer, avail, now))
    };
    let waits = |grant: &Grant| {
        grant.clock.needs_membership()
            && grant.phase(now) == GrantPhase::Running
            && reach
                .covered
                .iter()
                .any(|avail| avail.id == grant.avail_id && !reach.members_have_since(avail, grant.issued_at, now))
    };
    reach.offered().any(is_sold) || viewer.grants.iter().any(waits)
}
