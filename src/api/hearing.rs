//! In which languages a caller may hear a part, where one right has some of them and another right has others: what is asked
//! for before Play.

use serde::Serialize;
use utoipa::ToSchema;

use crate::api::titles::Via;
use crate::base::clock::UtcMs;
use crate::base::territory::Territory;
use crate::rights::entitlement::{Decision, Entitlement, ViewerRights, decide_part};
use crate::rights::language_range::LanguageRange;
use crate::rights::language_terms::TrackUse;
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

/// The languages in which a part may be heard by `decision` or where they are asked for; none where that makes no difference.
pub fn heard(
    title: &TitleRights,
    part: u32,
    viewer: &ViewerRights,
    decision: &Decision,
    territory: Option<Territory>,
    now: UtcMs,
) -> Vec<HeardBody> {
    let Decision::Allow(first) = decision else { return Vec::new() };
    let Some(sound) = title.sound(part, deemed(viewer.home, territory)) else { return Vec::new() };
    let lets_out = |right: &Entitlement, tag: Option<&str>| {
        let terms = right.caps.as_deref().and_then(|caps| caps.languages.as_ref());
        terms.is_none_or(|terms| terms.let_out(tag, TrackUse::Heard))
    };
    let mut tags: Vec<Option<&str>> = Vec::new();
    for tag in sound.0.iter().map(Option::as_deref) {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    if tags.iter().all(|tag| lets_out(first, *tag)) {
        return Vec::new();
    }
    let mut asking = viewer.clone();
    let mut asked = |tag: Option<&str>| {
        asking.wanted = Some(LanguageRange::parse(tag.unwrap_or("und"))?);
        match decide_part(title, part, &asking, territory, now) {
            Decision::Allow(right) => Some(right).filter(|right| lets_out(right, tag)),
            Decision::Deny(_) => None,
        }
    };
    let mut heard = Vec::new();
    for tag in tags {
        let is_first = lets_out(first, tag);
        let Some(right) = (if is_first { Some(first.clone()) } else { asked(tag) }) else { continue };
        let language = tag.unwrap_or("und").to_owned();
        heard.push(HeardBody { language, via: right.cause.into(), starts_clock: right.starts_clock, is_first });
    }
    if heard.iter().all(|heard| heard.is_first) { Vec::new() } else { heard }
}
