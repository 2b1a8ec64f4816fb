//! A language as a contract names it: a BCP 47 tag that stands for itself and for everything more special (`zh` for
//! `zh-Hant-HK` too), `*` for any language, or `und` for one that nobody has declared.
//!
//! Contracts and films write one language in several ways, so both are compared in one form: the shortest code (`en`, not
//! `eng`: RFC 5646, 2.2.1), Chinese languages below `zh` (`yue` as `zh-yue`), and the script of Chinese where its region
//! implies it (`zh-TW` as `zh-hant-tw`). What is meant is found by extended filtering (RFC 4647, 3.3.2).

use std::fmt;

use serde::{Deserialize, Serialize};

/// A range of languages. Two that mean the same are equal, in whatever way they were written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LanguageRange {
    /// In the common form.
    subtags: Vec<String>,
}

/// RFC 5646 asks for tags of this length to be kept whole.
const TAG_BYTES_MAX: usize = 35;
const ANY: &str = "*";
const UNDETERMINED: &str = "und";

/// ISO 639-2, terminology and bibliographic codes, with the ISO 639-1 code that BCP 47 writes instead.
const SHORTEST: &str = "aar aa abk ab ave ae afr af aka ak amh am arg an ara ar asm as ava av aym ay aze az bak ba bel be \
    bul bg bih bh bis bi bam bm ben bn bod bo tib bo bre br bos bs cat ca che ce cha ch cos co cre cr ces cs cze cs chu cu \
    chv cv cym cy wel cy dan da deu de ger de div dv dzo dz ewe ee ell el gre el eng en epo eo spa es est et eus eu baq eu \
    fas fa per fa ful ff fin fi fij fj fao fo fra fr fre fr fry fy gle ga gla gd glg gl grn gn guj gu glv gv hau ha heb he \
    hin hi hmo ho hrv hr hat ht hun hu hye hy arm hy her hz ina ia ind id ile ie ibo ig iii ii ipk ik ido io isl is ice is \
    ita it iku iu jpn ja jav jv kat ka geo ka kon kg kik ki kua kj kaz kk kal kl khm km kan kn kor ko kau kr kas ks kur ku \
    kom kv cor kw kir ky lat la ltz lb lug lg lim li lin ln lao lo lit lt lub lu lav lv mlg mg mah mh mri mi mao mi mkd mk \
    mac mk mal ml mon mn mar mr msa ms may ms mlt mt mya my bur my nau na nob nb nde nd nep ne ndo ng nld nl dut nl nno nn \
    nor no nbl nr nav nv nya ny oci oc oji oj orm om ori or oss os pan pa pli pi pol pl pus ps por pt que qu roh rm run rn \
    ron ro rum ro rus ru kin rw san sa srd sc snd sd sme se sag sg sin si slk sk slo sk slv sl smo sm sna sn som so sqi sq \
    alb sq srp sr ssw ss sot st sun su swe sv swa sw tam ta tel te tgk tg tha th tir ti tuk tk tgl tl tsn tn ton to tur tr \
    tso ts tat tt twi tw tah ty uig ug ukr uk urd ur uzb uz ven ve vie vi vol vo wln wa wol wo xho xh yid yi yor yo zha za \
    zho zh chi zh zul zu";

/// The languages that `zh` holds and that have codes of their own (RFC 5646, 2.2.2).
const CHINESE: [&str; 14] =
    ["cdo", "cjy", "cmn", "cpx", "csp", "czh", "czo", "gan", "hak", "hsn", "mnp", "nan", "wuu", "yue"];

impl LanguageRange {
    /// Nothing where this has not the form of a tag.
    pub fn parse(text: &str) -> Option<LanguageRange> {
        if text == ANY {
            return Some(LanguageRange { subtags: vec![ANY.to_owned()] });
        }
        let range = is_tag(text).then(|| LanguageRange { subtags: common_form(text) })?;
        // What is written again must be read again: the common form can be longer.
        (range.to_string().len() <= TAG_BYTES_MAX).then_some(range)
    }

    /// Whether it means a language that a track declares, or declares none of.
    pub fn means(&self, language: Option<&str>) -> bool {
        self.means_subtags(&common_form(language.unwrap_or(UNDETERMINED)))
    }

    /// Whether it means all that the other one means.
    pub fn covers(&self, other: &LanguageRange) -> bool {
        self.means_subtags(&other.subtags)
    }

    /// Whether some language may be meant by both.
    pub fn meets(&self, other: &LanguageRange) -> bool {
        if self.is_any() || other.is_any() {
            return true;
        }
        // Of scripts, of regions and of Chinese languages a tag has one each.
        let is_letters = |subtag: &str| subtag.bytes().all(|byte| byte.is_ascii_alphabetic());
        let is_script: fn(&str) -> bool = |subtag| subtag.len() == 4;
        let is_region = |subtag: &str| subtag.len() == 2 || (subtag.len() == 3 && !is_letters(subtag));
        let is_language = |subtag: &str| subtag.len() == 3 && is_letters(subtag);
        let is_apart = |is_it: &dyn Fn(&str) -> bool| {
            let find = |range: &'_ LanguageRange| range.subtags[1..].iter().find(|subtag| is_it(subtag)).cloned();
            find(self).zip(find(other)).is_some_and(|(one, another)| one != another)
        };
        self.subtags[0] == other.subtags[0] && !is_apart(&is_script) && !is_apart(&is_region) && !is_apart(&is_language)
    }

    pub fn is_any(&self) -> bool {
        self.subtags[0] == ANY
    }

    /// RFC 4647, 3.3.2: the first subtags are the same, the others follow in this order, and between them may stand
    /// others that begin no extension.
    fn means_subtags(&self, tag: &[String]) -> bool {
        if self.is_any() {
            return true;
        }
        let mut rest = tag.iter();
        if rest.next() != self.subtags.first() {
            return false;
        }
        self.subtags[1..].iter().all(|wanted| {
            for subtag in rest.by_ref() {
                if subtag == wanted {
                    return true;
                }
                if subtag.len() == 1 {
                    return false;
                }
            }
            false
        })
    }
}

impl TryFrom<String> for LanguageRange {
    type Error = String;

    fn try_from(text: String) -> Result<LanguageRange, String> {
        LanguageRange::parse(&text).ok_or_else(|| format!("\"{text}\" is no language tag such as zh or en-GB."))
    }
}

impl From<LanguageRange> for String {
    fn from(range: LanguageRange) -> String {
        range.to_string()
    }
}

/// As BCP 47 writes it: `zh-Hant-TW`, `yue`.
impl fmt::Display for LanguageRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_chinese = |subtag: &String| CHINESE.contains(&subtag.as_str());
        let own_code = self.subtags[0] == "zh" && self.subtags.get(1).is_some_and(is_chinese);
        let mut is_extended = false;
        for (place, subtag) in self.subtags[usize::from(own_code)..].iter().enumerate() {
            if place > 0 {
                formatter.write_str("-")?;
            }
            // RFC 5646, 2.1.1: scripts have a capital, regions are capitals, unless an extension has begun.
            match subtag.len() {
                4 if place > 0 && !is_extended && subtag.as_bytes()[0].is_ascii_alphabetic() => {
                    write!(formatter, "{}{}", subtag[..1].to_ascii_uppercase(), &subtag[1..])?;
                }
                2 if place > 0 && !is_extended => formatter.write_str(&subtag.to_ascii_uppercase())?,
                _ => formatter.write_str(subtag)?,
            }
            is_extended |= subtag.len() == 1;
        }
        Ok(())
    }
}

/// The form of a tag (RFC 5646, 2.1), as far as it matters here.
fn is_tag(text: &str) -> bool {
    let mut subtags = text.split('-');
    let is_language =
        |language: &str| (2..=3).contains(&language.len()) && language.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_subtag = |subtag: &str| (1..=8).contains(&subtag.len()) && subtag.bytes().all(|b| b.is_ascii_alphanumeric());
    text.len() <= TAG_BYTES_MAX && subtags.next().is_some_and(is_language) && subtags.all(is_subtag)
}

fn common_form(tag: &str) -> Vec<String> {
    let mut subtags: Vec<String> = tag.split('-').map(str::to_ascii_lowercase).collect();
    if subtags[0].len() == 3 {
        let words: Vec<&str> = SHORTEST.split_ascii_whitespace().collect();
        if let Some(pair) = words.chunks(2).find(|pair| pair[0] == subtags[0]) {
            pair[1].clone_into(&mut subtags[0]);
        } else if CHINESE.contains(&subtags[0].as_str()) {
            subtags.insert(0, "zh".to_owned());
        }
    }
    if subtags[0] == "zh" {
        let end = subtags.iter().position(|subtag| subtag.len() == 1).unwrap_or(subtags.len());
        let has_script = subtags[1..end].iter().any(|subtag| subtag.len() == 4);
        let region = subtags[1..end].iter().position(|subtag| subtag.len() == 2).map(|place| place + 1);
        if let Some(place) = region.filter(|_| !has_script) {
            let script = match subtags[place].as_str() {
                "cn" | "sg" | "my" => "hans",
                "tw" | "hk" | "mo" => "hant",
                _ => return subtags,
            };
            subtags.insert(place, script.to_owned());
        }
    }
    subtags
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> LanguageRange {
        LanguageRange::parse(text).unwrap()
    }

    #[test]
    fn what_is_read_is_written_so_that_it_is_read_again() {
        assert_eq!(LanguageRange::parse("zh-TW-x-aaaaaaaa-bbbbbbbb-cccccccc"), None, "its common form is too long");
        for text in ["zh-TW", "yue", "eng", "zh-CN-x-abc", "*", "und", "sr-Latn-RS", "cmn-Hans-CN"] {
            let range = range(text);
            assert_eq!(LanguageRange::parse(&range.to_string()), Some(range), "{text}");
        }
    }

    #[test]
    fn a_range_means_itself_and_what_is_more_special() {
        for (text, meant, other) in [
            ("zh", "zh zh-Hans zh-Hant-HK ZH-cn yue cmn-Hans chi zho", "en und za"),
            ("zh-Hant", "zh-Hant zh-TW zh-Hant-HK yue-Hant yue-HK", "zh zh-Hans zh-CN yue"),
            ("zh-TW", "zh-TW zh-Hant-TW zh-yue-Hant-TW", "zh-Hant zh-HK zh"),
            ("yue", "yue zh-yue yue-Hant-HK", "zh cmn zh-HK"),
            ("en", "en eng en-GB ENG-us", "enm ang"),
            ("eng-GB", "en-GB en-gb-oed", "en en-US"),
            ("de", "ger deu de-CH", "gsw"),
            ("en-GB", "en-Latn-GB", "en-x-gb"),
            ("fil", "fil fil-PH", "fi"),
            ("und", "und", "en zh"),
            ("*", "und en zh-Hant", ""),
        ] {
            for tag in meant.split_whitespace() {
                assert!(range(text).means(Some(tag)), "{text} means {tag}");
            }
            for tag in other.split_whitespace() {
                assert!(!range(text).means(Some(tag)), "{text} does not mean {tag}");
            }
        }
        assert!(range("und").means(None) && range("*").means(None) && !range("en").means(None));
    }

    #[test]
    fn two_ranges_meet_where_a_tag_may_be_in_both() {
        for (one, other, meet) in [
            ("zh", "zh-Hant", true),
            ("yue", "zh-Hant", true),
            ("yue", "cmn", false),
            ("zh-Hans", "zh-Hant", false),
            ("zh-TW", "zh-HK", false),
            ("en-GB", "en-US", false),
            ("en", "fr", false),
            ("*", "und", true),
        ] {
            assert_eq!(
                (range(one).meets(&range(other)), range(other).meets(&range(one))),
                (meet, meet),
                "{one} {other}"
            );
        }
    }

    #[test]
    fn it_is_written_as_bcp_47_writes_it() {
        for (written, read) in [
            ("zh-Hans-CN", "zh-cn"),
            ("zh-Hant-TW", "CHI-HANT-tw"),
            ("yue-Hant-HK", "zh-yue-hk"),
            ("en-GB", "eng-gb"),
            ("es-419", "es-419"),
            ("en-x-gb", "EN-X-GB"),
            ("und", "UND"),
            ("*", "*"),
        ] {
            assert_eq!(range(read).to_string(), written);
            assert_eq!(range(written), range(read), "{read}");
        }
        let wrong = ["", "e", "engl", "en_GB", "en-", "-en", "en GB", "中文", "en-123456789", "*-CH", "x-any"];
        for wrong in wrong.into_iter().chain([&*"en-abcdefgh".repeat(4)]) {
            assert_eq!(LanguageRange::parse(wrong), None, "{wrong}");
        }
        let words: Vec<&str> = SHORTEST.split_ascii_whitespace().collect();
        assert!(words.chunks(2).all(|pair| (pair[0].len(), pair[1].len()) == (3, 2)));
    }
}
