//! Merchandise of a title: what somebody else's shop sells of it. We carry a link, a SKU and where a click came from; we
//! keep no stock and take no money.

use serde::{Deserialize, Serialize};

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::TitleId;
use crate::base::limits;
use crate::base::money::Money;
use crate::catalog::details::check_text;
use crate::catalog::title::LocalizedText;

/// One article.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Merchandise {
    /// The shop's own word for it; letters, digits, `-`, `_` and `.`.
    pub sku: String,
    pub name: LocalizedText,
    /// What the shop asks, as far as it is said here.
    #[serde(default)]
    pub price: Option<Money>,
    /// The article in the shop, over HTTPS.
    pub url: String,
    /// When a player shows it.
    #[serde(default)]
    pub cues: Vec<Cue>,
}

/// An instant of a film.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cue {
    /// Counted from 1.
    pub part: u32,
    /// From the beginning of the part.
    pub at_ms: i64,
}

impl Merchandise {
    /// Refuses what no operator can have meant, in a title of `parts` parts.
    pub fn check(&self, parts: usize) -> Result<()> {
        if !is_word(&self.sku, limits::SKU_BYTES_MAX, b"-_.") {
            return refuse(format!("A SKU has 1 to {} letters, digits, - _ .", limits::SKU_BYTES_MAX));
        }
        if self.name.is_empty() {
            return refuse("An article needs a name in at least one language.".into());
        }
        check_text("merchandise", &self.name, limits::NAME_CHARS_MAX)?;
        if self.price.is_some_and(|price| !(0..=limits::PRICE_MINOR_MAX).contains(&price.minor)) {
            return refuse("A price is not below zero.".into());
        }
        let host = self.url.strip_prefix("https://").and_then(|rest| rest.split(['/', '?', '#']).next());
        let is_plain = self.url.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte));
        let is_link = host.is_some_and(|host| !host.is_empty() && !host.contains('@'));
        if !is_link || !is_plain || self.url.len() > limits::SHOP_URL_BYTES_MAX {
            return refuse(format!("The link of {} begins with https:// and names the article in the shop.", self.sku));
        }
        if self.cues.len() > limits::CUES_PER_ARTICLE_MAX {
            return refuse(format!("An article is shown at most {} times.", limits::CUES_PER_ARTICLE_MAX));
        }
        let film_max_ms = limits::FILM_DURATION_MAX.as_millis() as i64;
        let is_cue = |cue: &Cue| (1..=parts).contains(&(cue.part as usize)) && (0..film_max_ms).contains(&cue.at_ms);
        if !self.cues.iter().all(is_cue) {
            return refuse(format!("An article is shown at a time of one of the title's {parts} parts."));
        }
        Ok(())
    }

    /// Where a click goes: the shop, told the title and the campaign that it comes from.
    pub fn link(&self, title: TitleId, campaign: Option<&str>) -> String {
        let (page, fragment) = match self.url.split_once('#') {
            Some((page, fragment)) => (page, format!("#{fragment}")),
            None => (&*self.url, String::new()),
        };
        let joint = if page.contains('?') { '&' } else { '?' };
        let campaign = campaign.map(|campaign| format!("&utm_campaign={campaign}")).unwrap_or_default();
        format!("{page}{joint}utm_source=marquee&utm_content={title}{campaign}{fragment}")
    }
}

/// All of a title's, each SKU once.
pub fn check_all(merchandise: &[Merchandise], parts: usize) -> Result<()> {
    if merchandise.len() > limits::MERCHANDISE_PER_TITLE_MAX {
        return refuse(format!("A title has at most {} articles.", limits::MERCHANDISE_PER_TITLE_MAX));
    }
    for (place, article) in merchandise.iter().enumerate() {
        article.check(parts)?;
        if merchandise[..place].iter().any(|other| other.sku == article.sku) {
            return refuse(format!("The SKU {} is there twice.", article.sku));
        }
    }
    Ok(())
}

/// The word of a campaign, where it is one: it comes from links that anybody can write.
pub fn campaign(text: &str) -> Option<&str> {
    Some(text).filter(|text| is_word(text, limits::CAMPAIGN_BYTES_MAX, b"-_."))
}

fn is_word(text: &str, bytes_max: usize, also: &[u8]) -> bool {
    (1..=bytes_max).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || also.contains(&byte))
}

fn refuse(message: String) -> Result<()> {
    Err(Error::new(ErrorKind::Unprocessable, "TITLE_INVALID", message).with_param("merchandise"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::UtcMs;

    fn article(url: &str) -> Merchandise {
        Merchandise {
            sku: "MUG-1".into(),
            name: [("en".to_owned(), "A mug".to_owned())].into(),
            price: None,
            url: url.into(),
            cues: vec![Cue { part: 1, at_ms: 0 }],
        }
    }

    #[test]
    fn a_click_tells_the_shop_where_it_comes_from() {
        let title = TitleId::new(UtcMs(1));
        let from = format!("utm_source=marquee&utm_content={title}");
        for (url, campaign, link) in [
            ("https://shop.example/mug", None, format!("https://shop.example/mug?{from}")),
            ("https://shop.example/mug?a=1", None, format!("https://shop.example/mug?a=1&{from}")),
            (
                "https://shop.example/mug#red",
                Some("spring"),
                format!("https://shop.example/mug?{from}&utm_campaign=spring#red"),
            ),
        ] {
            article(url).check(1).unwrap();
            assert_eq!(article(url).link(title, campaign), link);
        }
    }

    #[test]
    fn what_is_no_article_is_refused() {
        let good = article("https://shop.example/mug");
        for wrong in [
            article("http://shop.example/mug"),
            article("https://"),
            article("https://shop.example@evil.example/"),
            article("https://shop.example/a b"),
            article("javascript:alert(1)"),
            Merchandise { sku: String::new(), ..good.clone() },
            Merchandise { sku: "a/b".into(), ..good.clone() },
            Merchandise { name: [].into(), ..good.clone() },
            Merchandise { cues: vec![Cue { part: 2, at_ms: 0 }], ..good.clone() },
            Merchandise { cues: vec![Cue { part: 0, at_ms: 0 }], ..good.clone() },
            Merchandise { cues: vec![Cue { part: 1, at_ms: -1 }], ..good.clone() },
        ] {
            assert_eq!(wrong.check(1).unwrap_err().param(), Some("merchandise"), "{wrong:?}");
        }
        assert!(check_all(&[good.clone(), good.clone()], 1).is_err(), "a SKU is one article");
        assert!(check_all(&vec![good; limits::MERCHANDISE_PER_TITLE_MAX + 1], 1).is_err());
        assert_eq!(campaign("spring_2027.a-b"), Some("spring_2027.a-b"));
        for wrong in ["", "a b", "a&b", "春", &"x".repeat(limits::CAMPAIGN_BYTES_MAX + 1)] {
            assert_eq!(campaign(wrong), None);
        }
    }
}
