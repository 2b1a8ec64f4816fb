//! In which languages a caller may hear a part, where one right has some of them and another right has others: what is asked
//! for before Play.

use serde::Serialize;
use utoipa::ToSchema;

use crate::api::titles::Via;
use crate::base::clock::UtcMs;
use crate::base::territory::Territory;
use crate::rights::entitlement::{Decision, Entitlement, ViewerRights, decide_part};
use crate::rights::language_range::LanguageRange;
use crate::rights::language_terms::Hearing;
use crate::rights::portability::deemed;
use crate::rights::snapshot::TitleRights;

/// A language of a part's sound, and what plays where it is asked for.
#[derive(Serialize, ToSchema)]
#[schema(as = Heard)]
pub struct HeardBody {
    /// A BCP 47 tag; `und` where a track declares none.
    language: String,
    via: Via,
    /// Playing it in this language would start a rental clock.
    starts_clock: bool,
    /// It is also heard where no language is asked for.
    is_first: bool,
}

/// The languages in which a part may be heard; none where it makes no difference which one is asked for.
pub fn heard(
    title: &TitleRights,
    part: u32,
    viewer: &ViewerRights,
    territory: Option<Territory>,
    now: UtcMs,
) -> Vec<HeardBody> {
    let place = deemed(viewer.home, territory);
    let Some(sound) = title.sound(part, place).filter(|_| title.keeps_languages_back()) else { return Vec::new() };
    let decide = |wanted: Option<LanguageRange>| match decide_part(
        title,
        part,
        &ViewerRights { wanted, ..viewer.clone() },
        territory,
        now,
    ) {
        Decision::Allow(right) => Some(right),
        Decision::Deny(_) => None,
    };
    let Some(first) = decide(None) else { return Vec::new() };
    let hears = |right: &Entitlement, language: &LanguageRange| {
        title.hearing(part, right.caps.as_deref(), place, Some(language)) == Hearing::Wanted
    };
    let mut seen: Vec<LanguageRange> = Vec::new();
    let mut heard: Vec<HeardBody> = Vec::new();
    for tag in sound.0.iter().map(|tag| tag.as_deref().unwrap_or("und")) {
        let Some(language) = LanguageRange::parse(tag).filter(|language| !seen.contains(language)) else { continue };
        if let Some(right) = decide(Some(language.clone())).filter(|right| hears(right, &language)) {
            heard.push(HeardBody {
                language: tag.to_owned(),
                via: right.cause.into(),
                starts_clock: right.starts_clock,
                is_first: hears(&first, &language),
            });
        }
        seen.push(language);
    }
    if heard.iter().all(|heard| heard.is_first) { Vec::new() } else { heard }
}
