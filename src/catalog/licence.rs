//! The release licence of a title in China: which kind, and its number. Only the number's shape is known here; whether
//! the licence exists is for people to look up.
//!
//! | kind | Chinese | example |
//! |---|---|---|
//! | `online_release` | 网络剧片发行许可证 | `（总局）网影审字（2022）第001号`, `（冀）网微剧审字（2022）第001号` |
//! | `theatrical_release` | 电影公映许可证 | `电审故字〔2023〕第791号` |
//! | `online_filing` | 上线备案号, before June 2022 | letters and digits |

use serde::{Deserialize, Serialize};

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::AssetId;
use crate::base::territory::Territory;
use crate::catalog::title::LocalizedText;

/// A licence as it is written on the release card.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Licence {
    pub kind: LicenceKind,
    pub number: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LicenceKind {
    /// 网络剧片发行许可证
    OnlineRelease,
    /// 电影公映许可证
    TheatricalRelease,
    /// 上线备案号
    OnlineFiling,
}

/// Everything that a card is made of: where one of it differs, it is another card.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardSource {
    /// The film's asset, whose tracks it has.
    pub film: AssetId,
    pub licence: Licence,
    /// The name that it shows.
    pub name: String,
}

/// A card that is made: an asset of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ReleaseCard {
    pub asset_id: AssetId,
    pub duration_ms: i64,
}

/// Where, and for which licences, a film opens with its card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardPolicy {
    pub territories: Vec<Territory>,
    pub licences: Vec<LicenceKind>,
}

impl CardPolicy {
    /// Whether a film under this licence opens with a card for who watches in `territory`.
    pub fn asks_for_card(&self, licence: &Licence, territory: Option<Territory>) -> bool {
        self.licences.contains(&licence.kind)
            && territory.is_some_and(|territory| self.territories.contains(&territory))
    }
}

impl LicenceKind {
    /// What the card calls it.
    pub fn chinese(self) -> &'static str {
        match self {
            LicenceKind::OnlineRelease => "网络剧片发行许可证",
            LicenceKind::TheatricalRelease => "电影公映许可证",
            LicenceKind::OnlineFiling => "上线备案号",
        }
    }
}

/// Where a licence of the online kind was issued: the administration itself, or a province by its short name.
const ISSUERS: &str = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼";
const HEAD_OFFICE: &str = "总局";
/// What is licensed: film, series, micro-drama, animation.
const FORMS: [&str; 4] = ["微剧", "动漫", "影", "剧"];
const FILING_CHARS: std::ops::RangeInclusive<usize> = 6..=40;

impl Licence {
    /// Refuses a number that does not have the shape of its kind.
    pub fn check(&self) -> Result<()> {
        let number = self.number.as_str();
        let (is_shaped, example) = match self.kind {
            LicenceKind::OnlineRelease => (is_online_release(number).is_some(), "（总局）网影审字（2022）第001号"),
            LicenceKind::TheatricalRelease => (is_theatrical_release(number).is_some(), "电审故字〔2023〕第791号"),
            LicenceKind::OnlineFiling => (is_filing(number), "letters and digits, 6 to 40 of them"),
        };
        if is_shaped {
            return Ok(());
        }
        let message = format!("A number of the kind {} looks like this: {example}.", self.kind.chinese());
        Err(Error::new(ErrorKind::Unprocessable, "LICENCE_NUMBER_INVALID", message).with_param("number"))
    }
}

/// The name that the card shows: the Chinese one, or else the first.
pub fn card_name(name: &LocalizedText) -> &str {
    let chinese = name.iter().find(|(language, _)| language.split('-').next() == Some("zh"));
    chinese.or_else(|| name.iter().next()).map_or("", |(_, text)| text)
}

fn is_online_release(number: &str) -> Option<()> {
    let rest = number.strip_prefix(['（', '('])?;
    let (issuer, rest) = rest.split_once(['）', ')'])?;
    let mut province = issuer.chars();
    let is_province = province.next().is_some_and(|char| ISSUERS.contains(char)) && province.next().is_none();
    (is_province || issuer == HEAD_OFFICE).then_some(())?;
    let rest = rest.strip_prefix('网')?;
    let rest = FORMS.iter().find_map(|form| rest.strip_prefix(form))?.strip_prefix("审字")?;
    year_and_number(rest, ['（', '(', '〔'], ['）', ')', '〕'], 3..=4)
}

fn is_theatrical_release(number: &str) -> Option<()> {
    year_and_number(number.strip_prefix("电审故字")?, ['〔'], ['〕'], 1..=4)
}

/// `（2022）第001号`
fn year_and_number<const N: usize>(
    text: &str,
    open: [char; N],
    close: [char; N],
    digits: std::ops::RangeInclusive<usize>,
) -> Option<()> {
    let (year, rest) = text.strip_prefix(open)?.split_once(close)?;
    let number = rest.strip_prefix('第')?.strip_suffix('号')?;
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    (year.len() == 4 && is_digits(year) && digits.contains(&number.len()) && is_digits(number)).then_some(())
}

fn is_filing(number: &str) -> bool {
    FILING_CHARS.contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_the_shape_of_its_kind() {
        use LicenceKind::{OnlineFiling, OnlineRelease, TheatricalRelease};
        for (kind, number, is_good) in [
            (OnlineRelease, "（总局）网影审字（2022）第001号", true),
            (OnlineRelease, "(总局)网剧审字(2023)第0123号", true),
            (OnlineRelease, "（冀）网微剧审字〔2022〕第001号", true),
            (OnlineRelease, "（沪）网动漫审字（2024）第012号", true),
            (OnlineRelease, "（局）网影审字（2022）第001号", false),
            (OnlineRelease, "（京津）网影审字（2022）第001号", false),
            (OnlineRelease, "（总局）网影审字（22）第001号", false),
            (OnlineRelease, "（总局）网影审字（2022）第01号", false),
            (OnlineRelease, "（总局）网影审字（2022）第00001号", false),
            (OnlineRelease, "（总局）网歌审字（2022）第001号", false),
            (OnlineRelease, "（总局）网影审字（2022）第001号 ", false),
            (OnlineRelease, "（总局）网影审字（２０２２）第001号", false),
            (OnlineRelease, "电审故字〔2023〕第791号", false),
            (OnlineRelease, "", false),
            (TheatricalRelease, "电审故字〔2023〕第791号", true),
            (TheatricalRelease, "电审故字〔2023〕第1号", true),
            (TheatricalRelease, "电审故字（2023）第791号", false),
            (TheatricalRelease, "电审故字〔2023〕第79a号", false),
            (TheatricalRelease, "电审故字〔2023〕第号", false),
            (OnlineFiling, "V31001572104501", true),
            (OnlineFiling, "V310", false),
            (OnlineFiling, "V3100157 2104501", false),
        ] {
            let licence = Licence { kind, number: number.into() };
            assert_eq!(licence.check().is_ok(), is_good, "{number}");
        }
        let wrong = Licence { kind: OnlineRelease, number: "001".into() }.check().unwrap_err();
        assert_eq!((wrong.code(), wrong.param()), ("LICENCE_NUMBER_INVALID", Some("number")));
    }

    #[test]
    fn the_policy_asks_for_a_card_by_territory_and_kind() {
        let territory = |code: &str| Some(code.parse::<Territory>().unwrap());
        let policy =
            CardPolicy { territories: vec![territory("CN").unwrap()], licences: vec![LicenceKind::OnlineRelease] };
        let asks = |kind, territory| policy.asks_for_card(&Licence { kind, number: String::new() }, territory);
        assert!(asks(LicenceKind::OnlineRelease, territory("CN")));
        assert!(!asks(LicenceKind::OnlineRelease, territory("DE")));
        assert!(!asks(LicenceKind::OnlineRelease, None));
        assert!(!asks(LicenceKind::TheatricalRelease, territory("CN")), "such a film has its head in itself");
    }

    #[test]
    fn the_card_shows_the_chinese_name() {
        let name = |texts: &[(&str, &str)]| -> LocalizedText {
            texts.iter().map(|(language, text)| ((*language).to_owned(), (*text).to_owned())).collect()
        };
        assert_eq!(card_name(&name(&[("en", "The Lone Blade"), ("zh-CN", "雾港孤刀")])), "雾港孤刀");
        assert_eq!(card_name(&name(&[("en", "The Lone Blade"), ("fr", "La lame")])), "The Lone Blade");
    }
}
