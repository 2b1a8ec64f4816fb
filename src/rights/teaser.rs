//! What makes people want a film: its trailer, and the preview, which is its beginning. Anybody may see them, but not
//! everywhere and always.

use crate::base::clock::UtcMs;
use crate::base::territory::Territory;
use crate::catalog::title::Title;
use crate::rights::avail::{Avail, LicenseType};
use crate::rights::clearance::Clearance;
use crate::rights::denial::{Denial, DenialCode, NextOption};
use crate::rights::edit;
use crate::rights::entitlement::{Cause, Decision, Entitlement, enter, listing_denial};
use crate::rights::portability::deemed;
use crate::rights::reach::Reach;
use crate::rights::snapshot::TitleRights;
use crate::rights::trace::Silent;

/// Whether the trailer of a title may be played: by anybody, as long as the title is listed and, in China, its licence has
/// not been revoked. Whether it has one is not asked here.
pub fn decide_trailer(title: &Title, territory: Option<Territory>, now: UtcMs) -> Decision {
    match listing_denial(title.standing(now)).or_else(|| Clearance::of(title, territory, now).denial()) {
        Some(code) => Decision::Deny(Denial::of(code)),
        None => Decision::Allow(Entitlement {
            cause: Cause::Trailer,
            avail_id: None,
            deal_id: None,
            ends_at: None,
            starts_clock: false,
            streams: 0,
            beside: None,
            home: None,
            preview_ms: None,
            reference: None,
            protection: None,
            caps: None,
        }),
    }
}

/// Whether the beginning of a film may be watched by anybody: while a window of the title is open there, and no longer.
/// None where the title has no preview. Who lives at `home` in the European Economic Area is taken to be there.
pub fn decide_preview(
    title: &TitleRights,
    home: Option<Territory>,
    territory: Option<Territory>,
    now: UtcMs,
) -> Option<Decision> {
    let preview_ms = title.title.preview_ms()?;
    let reach = match enter(title, deemed(home, territory), now, &mut Silent) {
        Ok(reach) => reach,
        Err(code) => return Some(Decision::Deny(Denial::of(code))),
    };
    if let Some(opens_at) = title.title.part_opening(1, now) {
        let next = vec![NextOption::Wait { opens_at }];
        return Some(Decision::Deny(Denial { next, ..Denial::of(DenialCode::WindowNotOpen) }));
    }
    let open: Vec<&Avail> = LicenseType::ALL.into_iter().flat_map(|kind| reach.open_avails(kind, now)).collect();
    let Some(avail) = open.iter().copied().find(|avail| reach.is_heard(1, avail)) else {
        let held_back = Denial::of(DenialCode::LanguageHeldBack);
        return Some(Decision::Deny(if open.is_empty() { nothing_is_on(&reach, now) } else { held_back }));
    };
    if let Err(denial) = edit::require(title, 1, deemed(home, territory)) {
        return Some(Decision::Deny(denial));
    }
    let is_free = avail.license_type == LicenseType::Avod;
    Some(Decision::Allow(Entitlement {
        cause: Cause::Preview,
        avail_id: Some(avail.id),
        deal_id: None,
        ends_at: avail.window.end_at.into_iter().chain(avail.hard_end_at).min(),
        starts_clock: false,
        streams: 0,
        beside: None,
        home,
        preview_ms: Some(preview_ms),
        reference: None,
        protection: (!is_free).then_some(title.title.details.protection),
        caps: avail.caps.clone(),
    }))
}

/// Whether a preview that was opened under `avail` goes on, wherever that window was moved to since.
pub fn preview_goes_on(title: &TitleRights, avail: &Avail, now: UtcMs) -> bool {
    avail.window.is_open(now) && title.title.preview_ms().is_some() && title.title.part_opening(1, now).is_none()
}

fn nothing_is_on(reach: &Reach<'_>, now: UtcMs) -> Denial {
    if reach.offered().next().is_none() {
        return Denial::of(DenialCode::LicenceRequired);
    }
    match reach.offered().filter_map(|avail| reach.opening(avail, now)).min() {
        Some(opens_at) => Denial { next: vec![NextOption::Wait { opens_at }], ..Denial::of(DenialCode::WindowNotOpen) },
        None => Denial::of(DenialCode::WindowClosed),
    }
}
