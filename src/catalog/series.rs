//! A series: seasons that belong together. A season is a title of its own, with its own parts, licence, windows and offers;
//! a series is never played or sold.

use serde::{Deserialize, Serialize};

use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::SeriesId;
use crate::base::limits;
use crate::catalog::details::check_text;
use crate::catalog::title::LocalizedText;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Series {
    pub id: SeriesId,
    pub name: LocalizedText,
    pub synopsis: LocalizedText,
    pub created_at: UtcMs,
    /// Grows by one with each edit.
    pub version: i64,
}

/// Which season of which series a title is. No two titles are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Season {
    pub series_id: SeriesId,
    /// Counted from 1, as viewers count them.
    pub number: u32,
}

impl Series {
    /// Refuses what no operator can have meant.
    pub fn check(&self) -> Result<()> {
        let refuse = |error: Error| {
            let param = error.param().unwrap_or_default().to_owned();
            Error::new(ErrorKind::Unprocessable, "SERIES_INVALID", error.message().to_owned()).with_param(param)
        };
        if self.name.is_empty() {
            let message = "A series needs a name in at least one language.";
            return Err(Error::new(ErrorKind::Unprocessable, "SERIES_INVALID", message).with_param("name"));
        }
        check_text("name", &self.name, limits::NAME_CHARS_MAX).map_err(refuse)?;
        check_text("synopsis", &self.synopsis, limits::SYNOPSIS_CHARS_MAX).map_err(refuse)
    }
}

impl Season {
    pub fn check(self) -> Result<()> {
        if (1..=limits::SEASON_MAX).contains(&self.number) {
            return Ok(());
        }
        let message = format!("A season has a number from 1 to {}.", limits::SEASON_MAX);
        Err(Error::new(ErrorKind::Unprocessable, "TITLE_INVALID", message).with_param("season"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_operator_can_have_meant_is_refused() {
        let text = |language: &str, text: &str| LocalizedText::from([(language.to_owned(), text.to_owned())]);
        let (id, created_at) = (SeriesId::new(UtcMs(1)), UtcMs(1));
        let series = |name, synopsis| Series { id, name, synopsis, created_at, version: 1 };
        series(text("en", "Fog"), LocalizedText::new()).check().unwrap();
        for (wrong, param) in [
            (series(LocalizedText::new(), LocalizedText::new()), "name"),
            (series(text("english!", "Fog"), LocalizedText::new()), "name"),
            (series(text("en", "Fog"), text("en", " ")), "synopsis"),
        ] {
            let error = wrong.check().unwrap_err();
            assert_eq!((error.code(), error.param()), ("SERIES_INVALID", Some(param)));
        }
        let season = |number| Season { series_id: id, number }.check().is_ok();
        assert_eq!([0, 1, 999, 1000].map(season), [false, true, true, false]);
    }
}
