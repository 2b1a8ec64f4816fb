//! Languages of audio tracks: from the three letters that containers carry (ISO 639-2, either form) to the BCP 47 tag
//! that a playlist needs and a name that a viewer reads.

/// A language as a playlist states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Language {
    pub tag: &'static str,
    pub name: &'static str,
}

/// ISO 639-2/T, ISO 639-2/B, ISO 639-1, the language's own name.
const TABLE: &[(&str, &str, &str, &str)] = &[
    ("ara", "ara", "ar", "العربية"),
    ("bul", "bul", "bg", "Български"),
    ("ces", "cze", "cs", "Čeština"),
    ("dan", "dan", "da", "Dansk"),
    ("deu", "ger", "de", "Deutsch"),
    ("ell", "gre", "el", "Ελληνικά"),
    ("eng", "eng", "en", "English"),
    ("est", "est", "et", "Eesti"),
    ("fas", "per", "fa", "فارسی"),
    ("fin", "fin", "fi", "Suomi"),
    ("fra", "fre", "fr", "Français"),
    ("heb", "heb", "he", "עברית"),
    ("hin", "hin", "hi", "हिन्दी"),
    ("hrv", "hrv", "hr", "Hrvatski"),
    ("hun", "hun", "hu", "Magyar"),
    ("ind", "ind", "id", "Bahasa Indonesia"),
    ("isl", "ice", "is", "Íslenska"),
    ("ita", "ita", "it", "Italiano"),
    ("jpn", "jpn", "ja", "日本語"),
    ("kor", "kor", "ko", "한국어"),
    ("lav", "lav", "lv", "Latviešu"),
    ("lit", "lit", "lt", "Lietuvių"),
    ("msa", "may", "ms", "Bahasa Melayu"),
    ("nld", "dut", "nl", "Nederlands"),
    ("nor", "nor", "no", "Norsk"),
    ("pol", "pol", "pl", "Polski"),
    ("por", "por", "pt", "Português"),
    ("ron", "rum", "ro", "Română"),
    ("rus", "rus", "ru", "Русский"),
    ("slk", "slo", "sk", "Slovenčina"),
    ("slv", "slv", "sl", "Slovenščina"),
    ("spa", "spa", "es", "Español"),
    ("srp", "srp", "sr", "Српски"),
    ("swe", "swe", "sv", "Svenska"),
    ("tam", "tam", "ta", "தமிழ்"),
    ("tha", "tha", "th", "ไทย"),
    ("tur", "tur", "tr", "Türkçe"),
    ("ukr", "ukr", "uk", "Українська"),
    ("vie", "vie", "vi", "Tiếng Việt"),
    ("zho", "chi", "zh", "中文"),
];

/// The language behind an ISO 639 code of two or three letters; `None` for `und` and for what the table lacks.
pub fn from_code(code: &str) -> Option<Language> {
    let code = code.split('-').next().unwrap_or(code).to_ascii_lowercase();
    TABLE
        .iter()
        .find(|(terminology, bibliographic, short, _)| [terminology, bibliographic, short].contains(&&code.as_str()))
        .map(|&(_, _, tag, name)| Language { tag, name })
}

/// Whether this has the form of a language tag (RFC 5646, 2.1): a language of two or three letters that is not `und`, and
/// subtags of letters and digits.
pub fn is_tag(text: &str) -> bool {
    let mut subtags = text.split('-');
    let is_language = subtags.next().is_some_and(|language| {
        (2..=3).contains(&language.len())
            && language.bytes().all(|byte| byte.is_ascii_alphabetic())
            && language != "und"
    });
    let is_subtag = |subtag: &str| (1..=8).contains(&subtag.len()) && subtag.bytes().all(|b| b.is_ascii_alphanumeric());
    is_language && text.len() <= 35 && subtags.all(is_subtag)
}

/// The name of written Chinese by the script or region of its tag; `None` for anything else.
pub fn chinese(tag: &str) -> Option<&'static str> {
    match tag.to_ascii_lowercase().as_str() {
        "zh-hans" | "zh-cn" | "zh-sg" | "zh-hans-cn" => Some("简体中文"),
        "zh-hant" | "zh-tw" | "zh-hk" | "zh-hant-tw" | "zh-hant-hk" => Some("繁體中文"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_code_are_one_language() {
        assert_eq!(from_code("ger"), from_code("deu"));
        assert_eq!(from_code("chi").unwrap().tag, "zh");
        assert_eq!(from_code("EN-us").unwrap().name, "English");
        assert_eq!(from_code("und"), None);
        for tag in ["en", "fil", "zh-Hans", "yue-Hant-HK", "en-3", "ca"] {
            assert!(is_tag(tag), "{tag}");
        }
        for wrong in ["", "e", "und", "engl", "en-", "en-a_b", "en/..", "中文", "-en", "en-123456789", "a-b"] {
            assert!(!is_tag(wrong), "{wrong}");
        }
        assert_eq!((chinese("zh-Hant"), chinese("zh"), chinese("en-GB")), (Some("繁體中文"), None, None));
    }
}
