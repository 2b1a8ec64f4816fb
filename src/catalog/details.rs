//! What a title tells of itself besides its name: what a viewer reads before choosing it, and what an operator sets for
//! the shop window. All of it may be missing.

use serde::{Deserialize, Serialize};

use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{AssetId, PartyId, PosterId};
use crate::base::limits;
use crate::base::protection::ProtectionScheme;
use crate::base::territory::Territory;
use crate::catalog::compliance::Compliance;
use crate::catalog::episodes::EpisodeTerms;
use crate::catalog::genre::Genre;
use crate::catalog::licence::Licence;
use crate::catalog::merchandise::{self, Merchandise};
use crate::catalog::placement::{CleanEdit, Placement};
use crate::catalog::production::Production;
use crate::catalog::series::Season;
use crate::catalog::thresholds::Scales;
use crate::catalog::title::LocalizedText;

/// The years a film can be of.
const YEARS: std::ops::RangeInclusive<u16> = 1888..=2200;

/// What is told of a title. It lies in memory as it is written here: first what every decision reads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[repr(C)]
pub struct TitleDetails {
    /// Before this instant nobody is told of it (`SuppressionLiftDate`).
    pub announced_at: Option<UtcMs>,
    /// Where it was made.
    pub country: Option<Territory>,
    /// How it is sealed where it is not free.
    pub protection: ProtectionScheme,
    /// Where its parts are episodes that are had one by one.
    pub episodes: Option<EpisodeTerms>,
    /// By part, from when anybody may watch it at all, where that is later than its windows; may be shorter than the parts.
    pub part_opens_at: Vec<Option<UtcMs>>,
    pub placements: Vec<Placement>,
    /// Where two would do for a territory the first is shown.
    pub clean_edits: Vec<CleanEdit>,
    /// Its release licence in China.
    pub licence: Option<Licence>,
    pub compliance: Compliance,
    pub tagline: LocalizedText,
    /// In the order of the credits.
    pub cast: Vec<Credit>,
    /// Whose film it is.
    pub producers: Vec<PartyId>,
    pub genres: Vec<Genre>,
    pub year: Option<u16>,
    /// As the operator's market writes it: `PG-13`, `12`.
    pub content_rating: Option<String>,
    /// From which age on it may be seen without a parental lock asking for its PIN.
    pub min_age: Option<u8>,
    /// By part, part 1 first; may be shorter than the parts.
    pub part_names: Vec<LocalizedText>,
    /// By part, as its asset says.
    pub part_runtimes_ms: Vec<i64>,
    pub season: Option<Season>,
    pub trailer: Option<Trailer>,
    /// Further short films about it, in the order they are shown in.
    pub clips: Vec<FilmClip>,
    /// In the order of the shelf.
    pub merchandise: Vec<Merchandise>,
    /// How much of the film anybody may watch while it is on, from its beginning, in milliseconds.
    pub preview_ms: Option<i64>,
    /// Among titles that stand alike in a list the smaller comes first.
    pub rank: i32,
    pub posters: Posters,
    /// What it cost, and where that was filed, for the regulator of China.
    pub production: Option<Production>,
    /// How large that is to the regulator: filled where the table of thresholds is known, and not stored.
    #[serde(skip)]
    pub scales: Scales,
}

/// A short film about the film; no part of it and not counted in its running time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trailer {
    pub asset_id: AssetId,
    pub runtime_ms: i64,
}

/// Another short film about the film: a scene, a making-of. It plays where and when the trailer does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilmClip {
    pub name: LocalizedText,
    pub asset_id: AssetId,
    pub runtime_ms: i64,
}

/// The posters that an operator has uploaded; without a landscape one a picture of the film stands in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Posters {
    /// 2:3.
    pub portrait: Option<PosterId>,
    /// 16:9.
    pub landscape: Option<PosterId>,
}

/// One person of the cast or crew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credit {
    pub name: LocalizedText,
    pub role: CreditRole,
    /// Whom an actor plays.
    #[serde(default)]
    pub character: Option<LocalizedText>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CreditRole {
    Director,
    Writer,
    Actor,
    Producer,
}

impl TitleDetails {
    /// The asset of the trailer, or of the first clip: what speaks for a film that is not there yet.
    pub fn teaser(&self) -> Option<AssetId> {
        let trailer = self.trailer.map(|trailer| trailer.asset_id);
        trailer.or_else(|| self.clips.first().map(|clip| clip.asset_id))
    }

    /// Whether it is for older viewers than those of a parental lock's age. What nobody has rated may be for anybody.
    pub fn is_above(&self, age_limit: u8) -> bool {
        self.min_age.is_none_or(|age| age > age_limit)
    }

    /// Refuses what no operator can have meant; `parts` is how many the title has.
    pub fn check(&self, parts: usize) -> Result<()> {
        check_text("tagline", &self.tagline, limits::NAME_CHARS_MAX)?;
        if self.cast.len() > limits::CREDITS_PER_TITLE_MAX {
            return refuse("cast", format!("A title has at most {} credits.", limits::CREDITS_PER_TITLE_MAX));
        }
        for credit in &self.cast {
            check_name("cast", &credit.name)?;
            if let Some(character) = &credit.character {
                check_name("cast", character)?;
                if credit.role != CreditRole::Actor {
                    return refuse("cast", "Only an actor plays a character.".into());
                }
            }
        }
        let is_named_twice = |(place, id): (usize, &PartyId)| self.producers[..place].contains(id);
        if self.producers.len() > limits::PRODUCERS_PER_TITLE_MAX
            || self.producers.iter().enumerate().any(is_named_twice)
        {
            let message = format!("At most {} producers, each once.", limits::PRODUCERS_PER_TITLE_MAX);
            return refuse("producers", message);
        }
        let is_repeated = |(place, genre): (usize, &Genre)| self.genres[..place].contains(genre);
        if self.genres.len() > limits::GENRES_PER_TITLE_MAX || self.genres.iter().enumerate().any(is_repeated) {
            let message = format!("At most {} genres, each once.", limits::GENRES_PER_TITLE_MAX);
            return refuse("genres", message);
        }
        if self.year.is_some_and(|year| !YEARS.contains(&year)) {
            return refuse("year", format!("The year lies between {} and {}.", YEARS.start(), YEARS.end()));
        }
        if let Some(rating) = &self.content_rating
            && (rating.trim().is_empty() || rating.chars().count() > limits::CONTENT_RATING_CHARS_MAX)
        {
            let message = format!("A content rating has 1 to {} characters.", limits::CONTENT_RATING_CHARS_MAX);
            return refuse("content_rating", message);
        }
        if self.min_age.is_some_and(|age| age > limits::MIN_AGE_MAX) {
            return refuse("min_age", format!("An age lies between 0 and {}.", limits::MIN_AGE_MAX));
        }
        if self.part_names.len() > parts {
            return refuse("part_names", format!("There are {parts} parts to name."));
        }
        if self.clips.len() > limits::CLIPS_PER_TITLE_MAX {
            return refuse("clips", format!("A title has at most {} clips.", limits::CLIPS_PER_TITLE_MAX));
        }
        for clip in &self.clips {
            check_name("clips", &clip.name)?;
        }
        merchandise::check_all(&self.merchandise, parts)?;
        if self.part_opens_at.len() > parts {
            return refuse("part_opens_at", format!("There are {parts} parts to open."));
        }
        if let Some(terms) = &self.episodes {
            terms.check()?;
        }
        if let Some(season) = self.season {
            season.check()?;
        }
        for name in &self.part_names {
            check_text("part_names", name, limits::NAME_CHARS_MAX)?;
        }
        let preview_max = limits::PREVIEW_MAX;
        if self.preview_ms.is_some_and(|ms| !(1..=preview_max.as_millis() as i64).contains(&ms)) {
            return refuse("preview_seconds", format!("A preview has 1 to {} seconds.", preview_max.as_secs()));
        }
        if let Some(production) = &self.production {
            production.check()?;
        }
        if self.rank.unsigned_abs() > limits::RANK_MAX {
            return refuse("rank", format!("A rank lies between -{0} and {0}.", limits::RANK_MAX));
        }
        Ok(())
    }
}

/// A text in at least one language.
fn check_name(param: &str, name: &LocalizedText) -> Result<()> {
    if name.is_empty() {
        return refuse(param, "A name is needed in at least one language.".into());
    }
    check_text(param, name, limits::NAME_CHARS_MAX)
}

/// Texts that say something, by the tag of a language.
pub fn check_text(param: &str, text: &LocalizedText, chars_max: usize) -> Result<()> {
    for (language, text) in text {
        if !is_language(language) {
            return refuse(param, format!("\"{language}\" is not a language tag such as en or zh-CN."));
        }
        if text.trim().is_empty() || text.chars().count() > chars_max {
            return refuse(param, format!("The text in {language} must have 1 to {chars_max} characters."));
        }
    }
    Ok(())
}

/// The form of a BCP 47 tag: a language of two or three letters, then subtags.
fn is_language(tag: &str) -> bool {
    let mut subtags = tag.split('-');
    let is_primary =
        |subtag: &str| matches!(subtag.len(), 2 | 3) && subtag.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_subtag =
        |subtag: &str| (1..=8).contains(&subtag.len()) && subtag.bytes().all(|byte| byte.is_ascii_alphanumeric());
    tag.len() <= limits::LANGUAGE_TAG_BYTES_MAX && subtags.next().is_some_and(is_primary) && subtags.all(is_subtag)
}

fn refuse(param: &str, message: String) -> Result<()> {
    Err(Error::new(ErrorKind::Unprocessable, "TITLE_INVALID", message).with_param(param))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(language: &str, text: &str) -> LocalizedText {
        [(language.to_owned(), text.to_owned())].into()
    }

    fn refused(details: &TitleDetails) -> String {
        details.check(1).unwrap_err().param().unwrap().to_owned()
    }

    #[test]
    fn what_no_operator_can_have_meant_is_refused_by_its_field() {
        let none = TitleDetails::default;
        let terms = |coins, free| EpisodeTerms { free, coins, rewarded_per_day: 0 };
        let actor =
            Credit { name: text("en", "Ann"), role: CreditRole::Actor, character: Some(text("en", "A rabbit")) };
        let clip = |name| FilmClip { name, asset_id: AssetId::new(UtcMs(1)), runtime_ms: 1 };
        let whole = TitleDetails {
            clips: vec![clip(text("en", "A scene"))],
            tagline: text("zh-CN", "大雄兔"),
            cast: vec![actor.clone()],
            genres: vec![Genre::Animation, Genre::Comedy],
            year: Some(2008),
            content_rating: Some("PG".into()),
            part_names: vec![text("en", "The whole film")],
            part_opens_at: vec![Some(UtcMs(1))],
            episodes: Some(terms(60, 10)),
            rank: -3,
            ..none()
        };
        whole.check(1).unwrap();
        let director = Credit { role: CreditRole::Director, ..actor.clone() };
        let nobody = Credit { name: [].into(), ..actor };
        for (details, param) in [
            (TitleDetails { tagline: text("english!", "x"), ..none() }, "tagline"),
            (TitleDetails { tagline: text("en", " "), ..none() }, "tagline"),
            (TitleDetails { cast: vec![director], ..none() }, "cast"),
            (TitleDetails { cast: vec![nobody; 1], ..none() }, "cast"),
            (TitleDetails { cast: vec![whole.cast[0].clone(); limits::CREDITS_PER_TITLE_MAX + 1], ..none() }, "cast"),
            (TitleDetails { genres: vec![Genre::War, Genre::War], ..none() }, "genres"),
            (TitleDetails { year: Some(1887), ..none() }, "year"),
            (TitleDetails { content_rating: Some(String::new()), ..none() }, "content_rating"),
            (TitleDetails { min_age: Some(19), ..none() }, "min_age"),
            (TitleDetails { clips: vec![clip([].into())], ..none() }, "clips"),
            (TitleDetails { clips: vec![clip(text("en", "A scene")); 21], ..none() }, "clips"),
            (TitleDetails { part_names: vec![text("en", "1"), text("en", "2")], ..none() }, "part_names"),
            (TitleDetails { part_opens_at: vec![None, Some(UtcMs(1))], ..none() }, "part_opens_at"),
            (TitleDetails { episodes: Some(terms(0, 3)), ..none() }, "episodes"),
            (TitleDetails { episodes: Some(terms(100_001, 3)), ..none() }, "episodes"),
            (TitleDetails { episodes: Some(terms(60, 201)), ..none() }, "episodes"),
            (TitleDetails { preview_ms: Some(0), ..none() }, "preview_seconds"),
            (TitleDetails { preview_ms: Some(1_800_001), ..none() }, "preview_seconds"),
            (TitleDetails { rank: i32::MIN, ..none() }, "rank"),
        ] {
            assert_eq!(refused(&details), param);
        }
    }

    #[test]
    fn what_nobody_has_rated_is_above_every_limit() {
        let rated = |min_age| TitleDetails { min_age, ..TitleDetails::default() };
        let above = |min_age| [0, 11, 12, 13, 17].map(|limit| rated(min_age).is_above(limit));
        assert_eq!(above(Some(12)), [true, true, false, false, false]);
        assert_eq!(above(Some(0)), [false; 5]);
        assert_eq!(above(Some(18)), [true; 5]);
        assert_eq!(above(None), [true; 5]);
    }
}
