//! What a window lets be seen and heard of a film, where that is not all of it: its languages, and how tall a picture. A
//! session keeps those it was opened under to its end.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::base::error::Result;
use crate::rights::language_terms::LanguageTerms;

/// Less than everything; where nothing is kept back there are no caps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Caps {
    pub languages: Option<LanguageTerms>,
    pub format_profile: FormatProfile,
}

/// `FormatProfile` of Avails: the class of the tallest picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FormatProfile {
    /// Up to 1024 × 576.
    Sd,
    /// Up to 1920 × 1080.
    Hd,
    /// As tall as there is.
    #[default]
    Uhd,
}

impl FormatProfile {
    pub fn as_str(self) -> &'static str {
        match self {
            FormatProfile::Sd => "sd",
            FormatProfile::Hd => "hd",
            FormatProfile::Uhd => "uhd",
        }
    }

    pub fn parse(text: &str) -> Option<FormatProfile> {
        [FormatProfile::Sd, FormatProfile::Hd, FormatProfile::Uhd].into_iter().find(|format| format.as_str() == text)
    }

    /// The largest picture, in pixels: the classes in which keys are licensed, so that no key of a class opens more than
    /// the class.
    pub fn pixels_max(self) -> u64 {
        match self {
            FormatProfile::Sd => 1024 * 576,
            FormatProfile::Hd => 1920 * 1080,
            FormatProfile::Uhd => u64::MAX,
        }
    }
}

impl Caps {
    /// None where nothing is kept back.
    pub fn of(languages: Option<LanguageTerms>, format_profile: FormatProfile) -> Option<Arc<Caps>> {
        let languages = languages.filter(|terms| !terms.are_none()).map(LanguageTerms::ordered);
        let is_all = languages.is_none() && format_profile == FormatProfile::Uhd;
        (!is_all).then(|| Arc::new(Caps { languages, format_profile }))
    }

    pub fn check(&self) -> Result<()> {
        self.languages.as_ref().map_or(Ok(()), LanguageTerms::check)
    }
}

/// Caps that are shared, as they are written.
pub mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Caps;

    #[allow(clippy::ref_option, reason = "serde hands out references")]
    pub fn serialize<S: Serializer>(caps: &Option<Arc<Caps>>, serializer: S) -> Result<S::Ok, S::Error> {
        caps.as_deref().serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Arc<Caps>>, D::Error> {
        Ok(Option::<Caps>::deserialize(deserializer)?.map(Arc::new))
    }
}

/// Whether they are not for all languages.
pub fn keep_languages_back(caps: Option<&Caps>) -> bool {
    caps.is_some_and(|caps| caps.languages.is_some())
}

/// Whether some language may be heard under both.
pub fn hear_together(one: Option<&Caps>, other: Option<&Caps>) -> bool {
    let terms = one.and_then(|caps| caps.languages.as_ref()).zip(other.and_then(|caps| caps.languages.as_ref()));
    terms.is_none_or(|(one, other)| one.hear_together(other))
}

/// Whether `after` lets out everything that `before` did.
pub fn keep(after: Option<&Caps>, before: Option<&Caps>) -> bool {
    let languages = |caps: Option<&Caps>| caps.and_then(|caps| caps.languages.clone());
    let format = |caps: Option<&Caps>| caps.map_or(FormatProfile::Uhd, |caps| caps.format_profile);
    format(after) >= format(before) && languages(after).is_none_or(|terms| terms.keeps(languages(before).as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allow(text: &str) -> LanguageTerms {
        LanguageTerms::Allow(text.split_whitespace().map(|entry| entry.parse().unwrap()).collect())
    }

    #[test]
    fn caps_that_keep_nothing_back_are_none() {
        assert_eq!(Caps::of(None, FormatProfile::Uhd), None);
        assert_eq!(Caps::of(Some(allow("*")), FormatProfile::Uhd), None);
        assert_eq!(
            Caps::of(Some(allow("zh en zh")), FormatProfile::Uhd),
            Caps::of(Some(allow("en zh")), FormatProfile::Uhd)
        );
        let hd = Caps::of(Some(allow("* zh:dub")), FormatProfile::Hd).unwrap();
        assert_eq!((hd.languages.clone(), hd.format_profile), (None, FormatProfile::Hd));
        let stored = serde_json::to_string(&*hd).unwrap();
        assert_eq!(serde_json::from_str::<Caps>(&stored).unwrap(), *hd);
    }

    #[test]
    fn a_rung_or_a_language_less_is_less() {
        use FormatProfile::{Hd, Sd, Uhd};
        let kept = |after: (Option<LanguageTerms>, FormatProfile), before: (Option<LanguageTerms>, FormatProfile)| {
            keep(Caps::of(after.0, after.1).as_deref(), Caps::of(before.0, before.1).as_deref())
        };
        assert!(kept((None, Uhd), (None, Uhd)) && kept((None, Uhd), (Some(allow("zh")), Sd)));
        assert!(kept((Some(allow("zh en")), Hd), (Some(allow("zh")), Sd)));
        assert!(!kept((None, Hd), (None, Uhd)) && !kept((None, Sd), (Some(allow("zh")), Hd)));
        assert!(!kept((Some(allow("zh")), Uhd), (None, Sd)) && !kept((Some(allow("zh")), Hd), (Some(allow("en")), Hd)));
    }
}
