//! A collection (专题): titles that are shown together under a theme for a time, in an order. Each stays what it is: what of
//! it is on show somewhere, and what it costs, is its own. A showcase (展播) is one that a television channel carries too.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{CollectionId, PartyId, TitleId};
use crate::base::limits;
use crate::catalog::details::check_text;
use crate::catalog::title::LocalizedText;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collection {
    pub id: CollectionId,
    pub name: LocalizedText,
    pub synopsis: LocalizedText,
    /// In the order that they are shown in, each once.
    pub title_ids: Vec<TitleId>,
    /// It is shown in `[start_at, end_at)`; without an end it stays.
    pub start_at: UtcMs,
    pub end_at: Option<UtcMs>,
    /// The IANA zone that this was said in.
    pub zone: String,
    pub showcase: Option<Showcase>,
    pub created_at: UtcMs,
    /// Grows by one with each edit.
    pub version: i64,
}

/// The channel that carries a collection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Showcase {
    /// A broadcaster.
    pub party_id: PartyId,
    /// As its deals name it.
    pub channel: String,
}

impl Collection {
    pub fn is_open(&self, now: UtcMs) -> bool {
        self.start_at <= now && self.end_at.is_none_or(|end_at| now < end_at)
    }

    /// Refuses what no operator can have meant.
    pub fn check(&self) -> Result<()> {
        let refuse = |error: Error| {
            let param = error.param().unwrap_or_default().to_owned();
            invalid(&param, error.message().to_owned())
        };
        if self.name.is_empty() {
            return Err(invalid("name", "A collection needs a name in at least one language.".into()));
        }
        check_text("name", &self.name, limits::NAME_CHARS_MAX).map_err(refuse)?;
        check_text("synopsis", &self.synopsis, limits::SYNOPSIS_CHARS_MAX).map_err(refuse)?;
        let max = limits::TITLES_PER_COLLECTION_MAX;
        if !(1..=max).contains(&self.title_ids.len()) {
            return Err(invalid("title_ids", format!("A collection has 1 to {max} titles.")));
        }
        let mut seen = HashSet::new();
        if let Some(twice) = self.title_ids.iter().find(|id| !seen.insert(**id)) {
            return Err(invalid("title_ids", format!("The title {twice} is named twice; each has one place.")));
        }
        if self.end_at.is_some_and(|end_at| end_at <= self.start_at) {
            return Err(invalid("end_at", "A collection ends after it starts.".into()));
        }
        if jiff::tz::TimeZone::get(&self.zone).is_err() {
            let message = format!("\"{}\" is not an IANA time zone such as Asia/Shanghai.", self.zone);
            return Err(invalid("zone", message));
        }
        self.showcase.as_ref().map_or(Ok(()), Showcase::check)
    }
}

impl Showcase {
    fn check(&self) -> Result<()> {
        let Showcase { channel, .. } = self;
        let max = limits::NAME_CHARS_MAX;
        if channel.trim().is_empty() || channel.chars().count() > max || channel.chars().any(char::is_control) {
            return Err(invalid("showcase.channel", format!("Name the channel in one line of 1 to {max} characters.")));
        }
        Ok(())
    }
}

fn invalid(param: &str, message: String) -> Error {
    Error::new(ErrorKind::Unprocessable, "COLLECTION_INVALID", message).with_param(param)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(language: &str, text: &str) -> LocalizedText {
        LocalizedText::from([(language.to_owned(), text.to_owned())])
    }

    fn collection() -> Collection {
        Collection {
            id: CollectionId::new(UtcMs(1)),
            name: text("en", "Fog week"),
            synopsis: LocalizedText::new(),
            title_ids: vec![TitleId::new(UtcMs(1))],
            start_at: UtcMs(100),
            end_at: Some(UtcMs(200)),
            zone: "Asia/Shanghai".into(),
            showcase: None,
            created_at: UtcMs(1),
            version: 1,
        }
    }

    #[test]
    fn it_is_open_from_its_start_to_its_end() {
        let open = |collection: &Collection| [99, 100, 199, 200].map(|now| collection.is_open(UtcMs(now)));
        assert_eq!(open(&collection()), [false, true, true, false]);
        assert_eq!(open(&Collection { end_at: None, ..collection() }), [false, true, true, true]);
    }

    #[test]
    fn what_no_operator_can_have_meant_is_refused_by_its_field() {
        let good = collection();
        let titles = |count: i64| (0..count).map(|n| TitleId::new(UtcMs(n))).collect::<Vec<_>>();
        let on = |channel: &str| Some(Showcase { party_id: PartyId::new(UtcMs(1)), channel: channel.to_owned() });
        for (collection, param) in [
            (good.clone(), None),
            (Collection { name: LocalizedText::new(), ..good.clone() }, Some("name")),
            (Collection { name: text("english!", "Fog"), ..good.clone() }, Some("name")),
            (Collection { synopsis: text("en", " "), ..good.clone() }, Some("synopsis")),
            (Collection { title_ids: Vec::new(), ..good.clone() }, Some("title_ids")),
            (Collection { title_ids: titles(100), ..good.clone() }, None),
            (Collection { title_ids: titles(101), ..good.clone() }, Some("title_ids")),
            (
                Collection { title_ids: [&good.title_ids[..], &good.title_ids[..]].concat(), ..good.clone() },
                Some("title_ids"),
            ),
            (Collection { end_at: Some(UtcMs(101)), ..good.clone() }, None),
            (Collection { end_at: Some(UtcMs(100)), ..good.clone() }, Some("end_at")),
            (Collection { zone: "Asia/Peking".into(), ..good.clone() }, Some("zone")),
            (Collection { showcase: on("Films"), ..good.clone() }, None),
            (Collection { showcase: on(" "), ..good.clone() }, Some("showcase.channel")),
            (Collection { showcase: on("two\nlines"), ..good.clone() }, Some("showcase.channel")),
        ] {
            let refused = collection.check().err();
            assert_eq!(refused.as_ref().and_then(Error::param), param, "{collection:?}");
            assert!(refused.is_none_or(|error| error.code() == "COLLECTION_INVALID"));
        }
    }
}
