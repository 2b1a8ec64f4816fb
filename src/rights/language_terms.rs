//! In which languages a title may be had: those that a contract allows, or all but those that it holds back
//! (`AllowedLanguage` and `HoldbackLanguage` of Avails, which exclude each other). Each entry is a language and what it is
//! for: `zh:dub` is heard, `zh:sub` is read, `zh` is both.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::limits;
use crate::rights::language_range::LanguageRange;

/// One list or the other.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum LanguageTerms {
    /// These, and no others. A track that declares no language is none of them, unless `und` or `*` is.
    Allow(Vec<LanguageUse>),
    /// All but these. A track that declares no language is none of them, unless `und` or `*` is.
    HoldBack(Vec<LanguageUse>),
}

/// A language and what it is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LanguageUse {
    pub language: LanguageRange,
    pub medium: LanguageMedium,
}

/// The words of Avails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LanguageMedium {
    /// Sound, the original's too.
    Dub,
    /// Subtitles and captions.
    Sub,
    SubDub,
}

/// What a track is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrackUse {
    Heard,
    Read,
}

/// What somebody hears of a part, who may want one language: later is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hearing {
    /// Nothing of it.
    Mute,
    /// Something, and not what is wanted.
    Other,
    /// What is wanted; anything, where nothing is.
    Wanted,
}

/// The languages of a film's sound, track by track; none where a track declares none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sound(pub Vec<Option<String>>);

impl LanguageMedium {
    pub fn as_str(self) -> &'static str {
        match self {
            LanguageMedium::Dub => "dub",
            LanguageMedium::Sub => "sub",
            LanguageMedium::SubDub => "subdub",
        }
    }

    pub fn parse(text: &str) -> Option<LanguageMedium> {
        [LanguageMedium::Dub, LanguageMedium::Sub, LanguageMedium::SubDub]
            .into_iter()
            .find(|medium| medium.as_str() == text)
    }

    fn is_for(self, track: TrackUse) -> bool {
        match self {
            LanguageMedium::SubDub => true,
            LanguageMedium::Dub => track == TrackUse::Heard,
            LanguageMedium::Sub => track == TrackUse::Read,
        }
    }
}

impl Sound {
    /// What of it is heard under these terms by somebody who wants a language. A silent film needs none.
    pub fn hearing(&self, terms: Option<&LanguageTerms>, wanted: Option<&LanguageRange>) -> Hearing {
        if self.0.is_empty() {
            return Hearing::Wanted;
        }
        let is_let = |language: Option<&str>| terms.is_none_or(|terms| terms.let_out(language, TrackUse::Heard));
        let mut heard = self.0.iter().map(Option::as_deref).filter(|language| is_let(*language)).peekable();
        if heard.peek().is_none() {
            return Hearing::Mute;
        }
        let is_wanted = wanted.is_none_or(|range| heard.any(|language| range.means(language)));
        if is_wanted { Hearing::Wanted } else { Hearing::Other }
    }
}

impl LanguageTerms {
    /// In one order and each entry once, so that terms that are written alike are alike.
    pub fn ordered(self) -> LanguageTerms {
        let order = |mut list: Vec<LanguageUse>| {
            list.sort();
            list.dedup();
            list
        };
        match self {
            LanguageTerms::Allow(list) => LanguageTerms::Allow(order(list)),
            LanguageTerms::HoldBack(list) => LanguageTerms::HoldBack(order(list)),
        }
    }

    pub fn list(&self) -> &[LanguageUse] {
        let (LanguageTerms::Allow(list) | LanguageTerms::HoldBack(list)) = self;
        list
    }

    /// Refuses lists that nobody can have meant.
    pub fn check(&self) -> Result<()> {
        let refuse = |message: String| {
            Err(Error::new(ErrorKind::Unprocessable, "LANGUAGES_INVALID", message).with_param("languages"))
        };
        let list = self.list();
        if list.is_empty() || list.len() > limits::LANGUAGES_PER_AVAIL_MAX {
            let max = limits::LANGUAGES_PER_AVAIL_MAX;
            return refuse(format!("Name 1 to {max} languages, or leave the list out: then all may be had."));
        }
        let mut heard = self.named(TrackUse::Heard);
        let is_mute = match self {
            LanguageTerms::Allow(_) => heard.next().is_none(),
            LanguageTerms::HoldBack(_) => heard.any(LanguageRange::is_any),
        };
        if is_mute {
            let message =
                "Nothing could be heard under it. Say what may be, such as zh:dub, or *:dub for any language.";
            return refuse(message.to_owned());
        }
        Ok(())
    }

    /// Whether a track of this language may be had.
    pub fn let_out(&self, language: Option<&str>, track: TrackUse) -> bool {
        let is_named = self.named(track).any(|range| range.means(language));
        match self {
            LanguageTerms::Allow(_) => is_named,
            LanguageTerms::HoldBack(_) => !is_named,
        }
    }

    /// Whether something that is meant by `range` may be heard.
    pub fn let_range_be_heard(&self, range: &LanguageRange) -> bool {
        let mut named = self.named(TrackUse::Heard);
        match self {
            LanguageTerms::Allow(_) => named.any(|allowed| allowed.meets(range)),
            LanguageTerms::HoldBack(_) => !named.any(|held_back| held_back.covers(range)),
        }
    }

    /// Whether some language may be heard under both.
    pub fn hear_together(&self, other: &LanguageTerms) -> bool {
        let heard = TrackUse::Heard;
        match (self, other) {
            (LanguageTerms::Allow(_), _) => self.named(heard).any(|range| other.let_range_be_heard(range)),
            (LanguageTerms::HoldBack(_), LanguageTerms::Allow(_)) => other.hear_together(self),
            // There is no end of languages.
            (LanguageTerms::HoldBack(_), LanguageTerms::HoldBack(_)) => true,
        }
    }

    /// Whether everything stays that `before` let out, whatever films there are.
    pub fn keeps(&self, before: Option<&LanguageTerms>) -> bool {
        self.keep_heard(before) && self.keep_of(TrackUse::Read, before)
    }

    /// The same of sound alone.
    pub fn keep_heard(&self, before: Option<&LanguageTerms>) -> bool {
        self.keep_of(TrackUse::Heard, before)
    }

    fn keep_of(&self, track: TrackUse, before: Option<&LanguageTerms>) -> bool {
        let any = |range: &LanguageRange| range.is_any();
        match (self, before) {
            (LanguageTerms::Allow(_), None) => self.named(track).any(any),
            (LanguageTerms::HoldBack(_), None) => self.named(track).next().is_none(),
            (LanguageTerms::Allow(_), Some(before @ LanguageTerms::Allow(_))) => {
                before.named(track).all(|was| self.named(track).any(|is| is.covers(was)))
            }
            (LanguageTerms::HoldBack(_), Some(before @ LanguageTerms::HoldBack(_))) => {
                self.named(track).all(|is| before.named(track).any(|was| was.covers(is)))
            }
            (LanguageTerms::HoldBack(_), Some(before @ LanguageTerms::Allow(_))) => {
                self.named(track).all(|is| before.named(track).all(|was| !was.meets(is)))
            }
            (LanguageTerms::Allow(_), Some(before @ LanguageTerms::HoldBack(_))) => {
                self.named(track).any(any) || before.named(track).any(any)
            }
        }
    }

    /// Whether they hold nothing back.
    pub fn are_none(&self) -> bool {
        self.keeps(None)
    }

    fn named(&self, track: TrackUse) -> impl Iterator<Item = &LanguageRange> {
        self.list().iter().filter(move |entry| entry.medium.is_for(track)).map(|entry| &entry.language)
    }
}

impl fmt::Display for LanguageUse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.medium {
            LanguageMedium::SubDub => write!(formatter, "{}", self.language),
            medium => write!(formatter, "{}:{}", self.language, medium.as_str()),
        }
    }
}

impl FromStr for LanguageUse {
    type Err = Error;

    fn from_str(text: &str) -> Result<LanguageUse> {
        let (language, medium) = text.split_once(':').unwrap_or((text, "subdub"));
        let read = LanguageRange::parse(language).zip(LanguageMedium::parse(medium));
        let (language, medium) = read.ok_or_else(|| {
            let message = format!("\"{text}\" is no language such as zh, zh-Hant:sub or *:dub.");
            Error::new(ErrorKind::Unprocessable, "LANGUAGES_INVALID", message).with_param("languages")
        })?;
        Ok(LanguageUse { language, medium })
    }
}

impl TryFrom<String> for LanguageUse {
    type Error = String;

    fn try_from(text: String) -> Result<LanguageUse, String> {
        text.parse().map_err(|error: Error| error.message().to_owned())
    }
}

impl From<LanguageUse> for String {
    fn from(entry: LanguageUse) -> String {
        entry.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<LanguageUse> {
        text.split_whitespace().map(|entry| entry.parse().unwrap()).collect()
    }

    /// `+` allows, `-` holds back.
    fn terms(text: &str) -> LanguageTerms {
        match text.split_at(1) {
            ("+", rest) => LanguageTerms::Allow(list(rest)),
            (_, rest) => LanguageTerms::HoldBack(list(rest)),
        }
    }

    #[test]
    fn what_is_allowed_or_not_held_back_may_be_had() {
        use TrackUse::{Heard, Read};
        for (text, language, heard, read) in [
            ("+ zh", Some("zh-Hant"), true, true),
            ("+ zh", Some("en"), false, false),
            ("+ zh", None, false, false),
            ("+ zh:dub en:sub", Some("zh"), true, false),
            ("+ zh:dub en:sub", Some("en"), false, true),
            ("+ *:dub zh:sub", Some("fr"), true, false),
            ("+ *:dub zh:sub", None, true, false),
            ("+ zh und:dub", None, true, false),
            ("- fr", Some("fr-CA"), false, false),
            ("- fr", Some("en"), true, true),
            ("- fr", None, true, true),
            ("- fr:sub", Some("fr"), true, false),
            ("- fr:dub *:sub", Some("fr"), false, false),
            ("- fr:dub *:sub", Some("en"), true, false),
            ("- und:dub", None, false, true),
        ] {
            let had = |track| terms(text).let_out(language, track);
            assert_eq!((had(Heard), had(Read)), (heard, read), "{text} {language:?}");
        }
    }

    #[test]
    fn what_is_heard_under_both_is_what_neither_leaves_to_the_other() {
        for (one, other, expected) in [
            ("+ zh:dub", "+ zh:dub", true),
            ("+ zh:dub", "+ zh-Hant:dub", true),
            ("+ zh:dub", "+ en:dub", false),
            ("+ zh:dub en:sub", "+ en:dub zh:sub", false),
            ("+ *:dub", "+ en:dub", true),
            ("+ es-419:dub", "+ es-ES:dub", false),
            ("+ es-419:dub", "+ es:dub", true),
            ("+ und:dub", "+ en:dub", false),
            ("+ zh:dub", "- zh:dub", false),
            ("+ zh:dub", "- zh:sub", true),
            ("+ zh:dub", "- zh-Hant:dub", true),
            ("+ zh-Hant:dub", "- zh:dub", false),
            ("+ zh:dub en:dub", "- zh:dub", true),
            ("- zh:dub", "- en:dub", true),
        ] {
            assert_eq!(terms(one).hear_together(&terms(other)), expected, "{one} {other}");
            assert_eq!(terms(other).hear_together(&terms(one)), expected, "{other} {one}");
        }
    }

    #[test]
    fn a_film_is_heard_in_one_language_at_least_or_is_silent() {
        let sound = |tags: &[&str]| Sound(tags.iter().map(|tag| (*tag != "-").then(|| (*tag).to_owned())).collect());
        let heard = |text: &str, tracks: &[&str], wanted: Option<&str>| {
            let wanted = wanted.map(|tag| LanguageRange::parse(tag).unwrap());
            sound(tracks).hearing(Some(&terms(text)), wanted.as_ref())
        };
        for (text, tracks, wanted, expected) in [
            ("+ zh", &["en", "zh"][..], None, Hearing::Wanted),
            ("+ zh", &["en", "-"], None, Hearing::Mute),
            ("- en", &["en", "-"], None, Hearing::Wanted),
            ("- en", &["en", "en-GB"], None, Hearing::Mute),
            ("+ zh", &["en", "zh"], Some("zh"), Hearing::Wanted),
            ("+ zh", &["en", "zh"], Some("en"), Hearing::Other),
            ("+ zh", &["en"], Some("en"), Hearing::Mute),
            ("+ zh", &[], Some("en"), Hearing::Wanted),
        ] {
            assert_eq!(heard(text, tracks, wanted), expected, "{text} {tracks:?} {wanted:?}");
        }
        assert_eq!(sound(&["en"]).hearing(None, None), Hearing::Wanted);
    }

    #[test]
    fn lists_that_nobody_means_are_refused() {
        for text in ["+", "-", "+ zh:sub", "- *", "- *:dub en:sub"] {
            let refused = terms(text).check().unwrap_err();
            assert_eq!((refused.code(), refused.param()), ("LANGUAGES_INVALID", Some("languages")), "{text}");
        }
        for text in ["+ zh:dub", "+ *:dub zh:sub", "- *:sub", "- und"] {
            terms(text).check().unwrap();
        }
        let many = vec![list("zh")[0].clone(); limits::LANGUAGES_PER_AVAIL_MAX + 1];
        assert!(LanguageTerms::Allow(many.clone()).check().is_err());
        assert_eq!(LanguageTerms::Allow(many).ordered(), terms("+ zh"));
        for wrong in ["", ":dub", "zh:", "zh:DUB", "zh:audio", "zh:sub:dub", "z"] {
            assert_eq!(wrong.parse::<LanguageUse>().unwrap_err().code(), "LANGUAGES_INVALID", "{wrong}");
        }
        let json = serde_json::json!({"allow": ["zh-Hant-TW:dub", "en"]});
        let read: LanguageTerms =
            serde_json::from_value(serde_json::json!({"allow": ["zh-tw:dub", "eng:subdub"]})).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), json);
        for wrong in [serde_json::json!({"allow": ["zh"], "hold_back": ["en"]}), serde_json::json!({"allow": [7]})] {
            assert!(serde_json::from_value::<LanguageTerms>(wrong).is_err());
        }
    }

    #[test]
    fn terms_keep_what_was_let_out_or_take_some_of_it_away() {
        for (before, after, is_kept) in [
            ("none", "+ zh", false),
            ("none", "+ *", true),
            ("none", "+ *:dub", false),
            ("none", "- fr", false),
            ("+ zh", "+ zh en", true),
            ("+ zh en", "+ zh", false),
            ("+ zh-Hant", "+ zh", true),
            ("+ zh", "+ zh-Hant", false),
            ("+ zh:dub", "+ zh", true),
            ("+ zh", "+ zh:dub", false),
            ("+ zh", "+ *:dub zh:sub", true),
            ("+ zh", "- fr", true),
            ("+ zh fr-CA", "- fr", false),
            ("+ zh fr", "- fr-CA", false),
            ("+ zh fr:sub", "- fr:dub", true),
            ("+ und:dub", "- und:sub", true),
            ("- fr", "- fr-CA", true),
            ("- fr-CA", "- fr", false),
            ("- fr en", "- fr", true),
            ("- fr", "- fr en:sub", false),
            ("- fr", "+ zh", false),
            ("- fr", "+ *", true),
            ("- fr *:sub", "+ *:dub", true),
        ] {
            let before_terms = (before != "none").then(|| terms(before));
            assert_eq!(terms(after).keeps(before_terms.as_ref()), is_kept, "{before} → {after}");
        }
        assert!(terms("+ *").are_none() && !terms("+ *:dub zh:sub").are_none() && !terms("- en").are_none());
    }

    mod property {
        use proptest::prelude::*;

        use super::*;

        const TAGS: [Option<&str>; 9] = [
            None,
            Some("zh"),
            Some("zh-Hant"),
            Some("zh-TW"),
            Some("yue"),
            Some("yue-Hant"),
            Some("zh-Hant-HK"),
            Some("en"),
            Some("en-GB"),
        ];

        fn any_terms() -> impl Strategy<Value = LanguageTerms> {
            let languages = ["*", "und", "zh", "zh-Hant", "zh-TW", "yue", "en", "en-GB"];
            let entry = (prop::sample::select(languages.to_vec()), prop::sample::select(vec!["", ":dub", ":sub"]));
            let entry = entry.prop_map(|(language, medium)| format!("{language}{medium}").parse().unwrap());
            (any::<bool>(), prop::collection::vec(entry, 0..4)).prop_map(|(is_allowed, list)| {
                if is_allowed { LanguageTerms::Allow(list) } else { LanguageTerms::HoldBack(list) }
            })
        }

        proptest! {
            /// No language is taken away by terms that are said to keep what was let out.
            #[test]
            fn what_is_kept_is_still_let_out(before in any_terms(), after in any_terms()) {
                for track in [TrackUse::Heard, TrackUse::Read] {
                    for tag in TAGS {
                        let is_lost = before.let_out(tag, track) && !after.let_out(tag, track);
                        prop_assert!(!(is_lost && after.keeps(Some(&before))), "{tag:?}");
                    }
                }
                prop_assert!(before.keeps(Some(&before)) && after.keeps(Some(&after.clone().ordered())));
            }
        }
    }
}
