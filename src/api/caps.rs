//! What of a film a window lets be seen and heard, as operators write it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::base::error::Result as BaseResult;
use crate::rights::caps::{Caps, FormatProfile};
use crate::rights::language_terms::{LanguageTerms, LanguageUse};

/// Either the languages that are allowed, and no others, or those that are held back. Each is a BCP 47 tag, which stands
/// for everything below it too, `*` for any, or `und` for what declares none; `:dub` for sound, `:sub` for subtitles, both
/// without: `zh`, `en:sub`, `*:dub`. The list of a window that has opened only grows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[schema(as = Languages)]
pub enum LanguagesBody {
    Allow(Vec<String>),
    HoldBack(Vec<String>),
}

#[derive(ToSchema)]
#[schema(as = FormatProfile, rename_all = "snake_case")]
pub enum FormatProfileBody {
    Sd,
    Hd,
    Uhd,
}

impl LanguagesBody {
    pub fn of(caps: Option<&Caps>) -> Option<LanguagesBody> {
        let written = |list: &[LanguageUse]| list.iter().map(LanguageUse::to_string).collect();
        Some(match caps?.languages.as_ref()? {
            LanguageTerms::Allow(list) => LanguagesBody::Allow(written(list)),
            LanguageTerms::HoldBack(list) => LanguagesBody::HoldBack(written(list)),
        })
    }

    fn read(self) -> BaseResult<LanguageTerms> {
        let read = |list: Vec<String>| list.iter().map(|entry| entry.parse()).collect::<BaseResult<Vec<LanguageUse>>>();
        let terms = match self {
            LanguagesBody::Allow(list) => LanguageTerms::Allow(read(list)?),
            LanguagesBody::HoldBack(list) => LanguageTerms::HoldBack(read(list)?),
        };
        terms.check()?;
        Ok(terms)
    }
}

/// What an operator has written.
pub fn read(languages: Option<LanguagesBody>, format_profile: FormatProfile) -> BaseResult<Option<Arc<Caps>>> {
    Ok(Caps::of(languages.map(LanguagesBody::read).transpose()?, format_profile))
}

pub fn format_profile(caps: Option<&Caps>) -> FormatProfile {
    caps.map_or(FormatProfile::Uhd, |caps| caps.format_profile)
}
