//! What a title says of its film: who made it, its parts, its trailer and its preview, and when it is on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::hearing::HeardBody;
use crate::api::titles::DecisionBody;
use crate::base::clock::UtcMs;
use crate::base::territory::Territory;
use crate::catalog::details::{Credit, CreditRole};
use crate::catalog::episodes::EpisodeTerms;
use crate::catalog::licence::LicenceKind;
use crate::catalog::title::Title;
use crate::rights::avail::{Avail, LicenseType};
use crate::rights::entitlement::Decision;
use crate::rights::snapshot::TitleRights;
use crate::rights::teaser::decide_preview;

/// One person of the cast or crew.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Credit)]
pub struct CreditBody {
    /// By BCP 47 language tag.
    name: BTreeMap<String, String>,
    #[schema(value_type = String, pattern = "^(director|writer|actor|producer)$")]
    role: CreditRole,
    /// Whom an actor plays.
    #[serde(default)]
    character: Option<BTreeMap<String, String>>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Part)]
pub struct PartBody {
    /// Counted from 1.
    pub part: u32,
    name: Option<BTreeMap<String, String>>,
    runtime_ms: i64,
    /// From when it may be watched at all, where that is said for it.
    opens_at: Option<UtcMs>,
    /// About playing this part; null in a list of titles.
    pub decision: Option<DecisionBody>,
    /// The languages to choose from before Play, where not all of them are heard under the right that is used first; empty
    /// otherwise, and in a list of titles.
    pub heard: Vec<HeardBody>,
}

/// Parts as episodes that are had one by one.
#[derive(Serialize, ToSchema)]
#[schema(as = Episodes)]
pub struct EpisodesBody {
    /// Episodes 1 to this one are free.
    free: u32,
    /// What each of the others costs.
    coins: u32,
    /// How many a viewer may have a day for watching advertising.
    rewarded_per_day: u32,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Trailer)]
pub struct TrailerBody {
    runtime_ms: i64,
}

/// Another short film about the film. It plays as the trailer does.
#[derive(Serialize, ToSchema)]
#[schema(as = FilmClip)]
pub struct FilmClipBody {
    /// By BCP 47 language tag.
    name: BTreeMap<String, String>,
    runtime_ms: i64,
}

/// The beginning of the film may be watched now, by anybody.
#[derive(Serialize, ToSchema)]
#[schema(as = Preview)]
pub struct PreviewBody {
    /// How long it is about: it ends with a segment.
    runtime_ms: i64,
}

/// Under which licence a title is shown in China; the number stands on its page.
#[derive(Serialize, ToSchema)]
#[schema(as = Licence)]
pub struct LicenceBody {
    #[schema(value_type = String, pattern = "^(online_release|theatrical_release|online_filing)$")]
    kind: LicenceKind,
    number: String,
}

/// When and how the title is on, where the caller is.
#[derive(Serialize, ToSchema)]
#[schema(as = Window)]
pub struct WindowBody {
    #[schema(value_type = String, pattern = "^(vod|est|svod|avod)$")]
    license_type: LicenseType,
    description: Option<String>,
    start_at: UtcMs,
    /// Of what is sold: until when.
    end_at: Option<UtcMs>,
    /// Nobody watches from then on, whatever was bought.
    hard_end_at: Option<UtcMs>,
    /// The IANA zone that the window was agreed in.
    zone: String,
}

/// The parts in their order.
pub fn parts(title: &Title) -> Vec<PartBody> {
    (1..)
        .zip(&title.parts)
        .map(|(part, _)| {
            let name = title.details.part_names.get(part as usize - 1).filter(|name| !name.is_empty());
            let opens_at = title.details.part_opens_at.get(part as usize - 1).copied().flatten();
            PartBody {
                part,
                name: name.cloned(),
                runtime_ms: title.part_runtime_ms(part),
                opens_at,
                decision: None,
                heard: Vec::new(),
            }
        })
        .collect()
}

pub fn episodes(title: &Title) -> Option<EpisodesBody> {
    let EpisodeTerms { free, coins, rewarded_per_day } = title.details.episodes?;
    Some(EpisodesBody { free, coins, rewarded_per_day })
}

pub fn trailer(title: &Title) -> Option<TrailerBody> {
    title.details.trailer.map(|trailer| TrailerBody { runtime_ms: trailer.runtime_ms })
}

pub fn clips(title: &Title) -> Vec<FilmClipBody> {
    let clips = title.details.clips.iter();
    clips.map(|clip| FilmClipBody { name: clip.name.clone(), runtime_ms: clip.runtime_ms }).collect()
}

pub fn preview(title: &TitleRights, territory: Option<Territory>, now: UtcMs) -> Option<PreviewBody> {
    match decide_preview(title, None, territory, now)? {
        Decision::Allow(entitlement) => entitlement.preview_ms.map(|runtime_ms| PreviewBody { runtime_ms }),
        Decision::Deny(_) => None,
    }
}

pub fn licence(title: &Title) -> Option<LicenceBody> {
    let licence = title.details.licence.clone()?;
    Some(LicenceBody { kind: licence.kind, number: licence.number })
}

/// The windows of `avails`, by their start; one in which the title is sold, and no episode of it, ends with the sale.
pub fn windows(title: &TitleRights, avails: &[&Avail], now: UtcMs) -> Vec<WindowBody> {
    let mut avails = avails.to_vec();
    avails.sort_by_key(|avail| (avail.window.start_at, avail.id));
    let sold_until = |avail: &Avail| {
        let is_whole = title.title.details.episodes.is_none();
        let offers = title.offers_of(avail.id).filter(|offer| is_whole && !offer.is_withdrawn(now));
        // One without an end is the latest.
        let latest = offers.map(|offer| offer.sold_until(avail)).max_by_key(|until| until.map_or(i64::MAX, |at| at.0));
        let end_at = avail.window.end_at;
        latest.filter(|until| until.is_none_or(|at| at > avail.window.start_at)).unwrap_or(end_at).or(end_at)
    };
    avails.into_iter().map(|avail| WindowBody { end_at: sold_until(avail), ..WindowBody::new(avail) }).collect()
}

impl WindowBody {
    pub fn new(avail: &Avail) -> WindowBody {
        WindowBody {
            license_type: avail.license_type,
            description: avail.description.clone(),
            start_at: avail.window.start_at,
            end_at: avail.window.end_at,
            hard_end_at: avail.hard_end_at,
            zone: avail.window.zone.clone(),
        }
    }
}

impl From<&Credit> for CreditBody {
    fn from(credit: &Credit) -> CreditBody {
        CreditBody { name: credit.name.clone(), role: credit.role, character: credit.character.clone() }
    }
}

impl From<CreditBody> for Credit {
    fn from(body: CreditBody) -> Credit {
        Credit { name: body.name, role: body.role, character: body.character }
    }
}
