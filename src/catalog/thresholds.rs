//! From which cost on a title is a key one (重点) in China, which needs a release licence even where it is free: dated, and
//! different by form and province. The figures are data and no law of ours; an operator can replace them.
//!
//! A line has five columns, apart by tabs: form, province (`*`: all), from which day on (midnight in China), and the costs
//! in yuan from which it is key, and ordinary (`-`: below key all is). Lines that begin with `#` say where it is from. Of the
//! lines that have begun those of the title's own province count before those of all, and of these the latest.

use std::str::FromStr;

use jiff::civil::Date;
use serde::Serialize;

use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::limits;
use crate::base::money::{Currency, Money};
use crate::base::territory::Territory;
use crate::base::territory_zone::{midnight, zone_of};
use crate::catalog::genre::Genre;
use crate::catalog::production::{Production, Province};
use crate::catalog::title::Title;

const SHIPPED: &str = include_str!("licence_thresholds.tsv");
const FEN: i64 = 100;

/// The whole table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thresholds(Vec<Threshold>);

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold {
    pub form: Form,
    /// All, where none is named.
    pub province: Option<Province>,
    pub from: Date,
    /// Midnight of that day in China.
    pub from_at: UtcMs,
    pub key_from: Money,
    pub ordinary_from: Option<Money>,
}

/// What the regulator tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    Film,
    Series,
    MicroDrama,
    Animation,
}

/// How large a production is to the regulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// 重点
    Key,
    /// 普通
    Ordinary,
    /// 其他
    Other,
}

/// How a title stands in the table, from each instant at which that changes: made where the table is known, and not stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scales(Vec<(UtcMs, Scale, Threshold)>);

impl Form {
    pub const ALL: [Form; 4] = [Form::Film, Form::Series, Form::MicroDrama, Form::Animation];

    pub fn as_str(self) -> &'static str {
        match self {
            Form::Film => "film",
            Form::Series => "series",
            Form::MicroDrama => "micro_drama",
            Form::Animation => "animation",
        }
    }

    /// By what a title says of itself; none of what was made for cinemas.
    pub fn of(title: &Title) -> Option<Form> {
        let has = |genre| title.details.genres.contains(&genre);
        if has(Genre::MicroDrama) {
            return Some(Form::MicroDrama);
        }
        if has(Genre::Theatrical) {
            return None;
        }
        if has(Genre::Animation) {
            return Some(Form::Animation);
        }
        let is_series = has(Genre::WebSeries) || title.details.episodes.is_some();
        Some(if is_series { Form::Series } else { Form::Film })
    }
}

impl Threshold {
    fn scale(&self, cost: Money) -> Scale {
        if cost.minor >= self.key_from.minor {
            return Scale::Key;
        }
        match self.ordinary_from {
            Some(ordinary_from) if cost.minor < ordinary_from.minor => Scale::Other,
            _ => Scale::Ordinary,
        }
    }
}

impl Thresholds {
    /// The table that this program comes with.
    pub fn shipped() -> Result<Thresholds> {
        Thresholds::parse(SHIPPED)
    }

    /// Reads a table; the error names the line.
    pub fn parse(text: &str) -> Result<Thresholds> {
        let mut rows: Vec<Threshold> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |reason: &str| {
                let message = format!("Line {} of the thresholds: {reason}.", index + 1);
                Error::new(ErrorKind::Config, "THRESHOLDS_INVALID", message)
            };
            let row = row(line).map_err(wrong)?;
            let is_said =
                |other: &Threshold| (other.form, other.province, other.from) == (row.form, row.province, row.from);
            if rows.iter().any(is_said) {
                return Err(wrong("another line says the same form, province and day"));
            }
            if rows.len() >= limits::THRESHOLDS_MAX {
                return Err(wrong(&format!("there are more than {}", limits::THRESHOLDS_MAX)));
            }
            rows.push(row);
        }
        Ok(Thresholds(rows))
    }

    pub fn rows(&self) -> &[Threshold] {
        &self.0
    }

    /// What counts for a form in a province at an instant.
    pub fn at(&self, form: Form, province: Province, at: UtcMs) -> Option<&Threshold> {
        let begun = || self.0.iter().filter(|row| row.form == form && row.from_at <= at);
        let latest =
            |province: Option<Province>| begun().filter(|row| row.province == province).max_by_key(|row| row.from_at);
        latest(Some(province)).or_else(|| latest(None))
    }

    /// The same title with how it stands here.
    pub fn scaled(&self, mut title: Title) -> Title {
        title.details.scales = self.scales(&title).unwrap_or_default();
        title
    }

    /// As of its planning filing, for good; without one, and where the table says nothing of that day, by the table of the
    /// day.
    fn scales(&self, title: &Title) -> Option<Scales> {
        let Production { cost, province } = title.details.production?;
        let form = Form::of(title).filter(|_| title.details.country == Some(Territory::CHINA))?;
        let at = |instant| {
            let row = self.at(form, province, instant)?;
            Some((row.scale(cost), *row))
        };
        if let Some((scale, row)) = title.details.compliance.planned_at.and_then(at) {
            return Some(Scales(vec![(UtcMs(i64::MIN), scale, row)]));
        }
        let mut changes: Vec<UtcMs> = self.0.iter().filter(|row| row.form == form).map(|row| row.from_at).collect();
        changes.sort_unstable();
        changes.dedup();
        Some(Scales(changes.into_iter().filter_map(|from| at(from).map(|(scale, row)| (from, scale, row))).collect()))
    }
}

impl Scales {
    /// Where the title stands at an instant, and by which line; nothing where none says.
    pub fn at(&self, now: UtcMs) -> Option<(Scale, &Threshold)> {
        let (_, scale, row) = self.0.iter().rev().find(|(from, ..)| *from <= now)?;
        Some((*scale, row))
    }
}

fn row(line: &str) -> Result<Threshold, &'static str> {
    let columns: Vec<&str> = line.split('\t').map(str::trim).collect();
    let [form, province, from, key_from, ordinary_from] = columns[..] else {
        return Err("it has other than five columns, apart by tabs");
    };
    let form = Form::ALL.into_iter().find(|known| known.as_str() == form);
    let province = match province {
        "*" => None,
        code => Some(Province::from_str(code).map_err(|_| "the province is neither * nor one of ISO 3166-2:CN")?),
    };
    let from: Date = from.parse().map_err(|_| "the day is not of the form 2025-01-01")?;
    let yuan = |text: &str| {
        let amount = text.parse::<i64>().ok().filter(|amount| *amount > 0)?.checked_mul(FEN)?;
        Some(Money::new(amount, Currency::CNY))
    };
    let key_from = yuan(key_from).ok_or("the cost from which it is key is no whole number of yuan")?;
    let ordinary_from = match ordinary_from {
        "-" => None,
        text => Some(yuan(text).ok_or("the cost from which it is ordinary is neither - nor a whole number of yuan")?),
    };
    if ordinary_from.is_some_and(|ordinary_from| ordinary_from.minor >= key_from.minor) {
        return Err("what is ordinary costs less than what is key");
    }
    Ok(Threshold {
        form: form.ok_or("the form is none of film, series, micro_drama and animation")?,
        province,
        from,
        from_at: midnight(from, zone_of(Territory::CHINA)).map_err(|_| "there is no such day")?,
        key_from,
        ordinary_from,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::{OperatorId, TitleId};
    use crate::catalog::compliance::{ComplianceEvent, ComplianceState};
    use crate::catalog::details::TitleDetails;
    use crate::catalog::title::TitleStatus;

    fn at(text: &str) -> UtcMs {
        UtcMs::parse(text).unwrap()
    }

    fn title(genre: Genre, yuan: i64, province: &str) -> Title {
        let cost = Money::new(yuan * FEN, Currency::CNY);
        Title {
            id: TitleId::new(UtcMs(1)),
            name: [("zh-CN".to_owned(), "片名".to_owned())].into(),
            synopsis: [].into(),
            status: TitleStatus::Live,
            parts: Vec::new(),
            runtime_ms: 0,
            details: TitleDetails {
                genres: vec![genre],
                country: Some(Territory::CHINA),
                production: Some(Production { cost, province: province.parse().unwrap() }),
                ..TitleDetails::default()
            },
            created_at: UtcMs(1),
            version: 1,
        }
    }

    fn scale(table: &Thresholds, title: &Title, now: UtcMs) -> Option<Scale> {
        table.scaled(title.clone()).details.scales.at(now).map(|(scale, _)| scale)
    }

    #[test]
    fn the_shipped_table_has_the_figures_of_the_domain() {
        let table = Thresholds::shipped().unwrap();
        let now = at("2026-06-01T00:00:00Z");
        for (genre, yuan, expected) in [
            (Genre::OnlineFilm, 999_999, Scale::Ordinary),
            (Genre::OnlineFilm, 1_000_000, Scale::Key),
            (Genre::WebSeries, 4_999_999, Scale::Ordinary),
            (Genre::WebSeries, 5_000_000, Scale::Key),
            (Genre::Animation, 4_999_999, Scale::Ordinary),
            (Genre::Animation, 5_000_000, Scale::Key),
            (Genre::MicroDrama, 299_999, Scale::Other),
            (Genre::MicroDrama, 300_000, Scale::Ordinary),
            (Genre::MicroDrama, 999_999, Scale::Ordinary),
            (Genre::MicroDrama, 1_000_000, Scale::Key),
        ] {
            assert_eq!(scale(&table, &title(genre, yuan, "ZJ"), now), Some(expected), "{genre:?} {yuan}");
        }
        assert_eq!(scale(&table, &title(Genre::Theatrical, 1, "ZJ"), now), None);
        let mut abroad = title(Genre::OnlineFilm, 1_000_000, "ZJ");
        abroad.details.country = Some("DE".parse().unwrap());
        assert_eq!(scale(&table, &abroad, now), None);
        let mut unknown = title(Genre::OnlineFilm, 1, "ZJ");
        unknown.details.production = None;
        assert_eq!(scale(&table, &unknown, now), None);
    }

    #[test]
    fn a_line_counts_from_midnight_in_china_and_in_its_province_before_all() {
        let table = Thresholds::parse(
            "micro_drama\t*\t2025-01-01\t1000000\t300000\nmicro_drama\tZJ\t2026-03-01\t3000000\t300000\n\
             micro_drama\t*\t2027-01-01\t500000\t-\n",
        )
        .unwrap();
        let around = |province: &str, instant: &str| {
            let title = title(Genre::MicroDrama, 1_000_000, province);
            [-1, 0, 1].map(|ms| scale(&table, &title, UtcMs(at(instant).0 + ms)))
        };
        let (key, ordinary) = (Some(Scale::Key), Some(Scale::Ordinary));
        assert_eq!(around("ZJ", "2025-01-01T00:00:00+08:00"), [None, key, key]);
        assert_eq!(around("ZJ", "2026-03-01T00:00:00+08:00"), [key, ordinary, ordinary]);
        assert_eq!(around("BJ", "2026-03-01T00:00:00+08:00"), [key, key, key]);
        assert_eq!(around("ZJ", "2027-01-01T00:00:00+08:00"), [ordinary; 3], "its own counts before all");
        // What was planned stands by the day of its filing.
        let mut planned = title(Genre::MicroDrama, 1_000_000, "ZJ");
        planned.details.compliance.planned_at = Some(at("2026-03-01T00:00:00+08:00"));
        assert_eq!(scale(&table, &planned, at("2025-06-01T00:00:00Z")), ordinary);
        planned.details.compliance.planned_at = Some(UtcMs(at("2026-03-01T00:00:00+08:00").0 - 1));
        assert_eq!(scale(&table, &planned, at("2028-06-01T00:00:00Z")), key);
    }

    #[test]
    fn what_is_key_is_not_ordinary_whenever_that_is_known() {
        let table = Thresholds::shipped().unwrap();
        let (by, now) = (OperatorId::new(UtcMs(1)), at("2026-06-01T00:00:00Z"));
        let mut small = table.scaled(title(Genre::OnlineFilm, 999_999, "ZJ"));
        small.details.compliance = small.complied(ComplianceEvent::DeclareOrdinary, by, now).unwrap();
        assert_eq!(small.compliance_state(now), ComplianceState::Ordinary);
        // It has cost more after all.
        small.details.production = title(Genre::OnlineFilm, 1_000_000, "ZJ").details.production;
        let large = table.scaled(small);
        assert_eq!(large.compliance_state(now), ComplianceState::None);
        assert_eq!(large.compliance_state(at("2019-02-14T15:59:59.999Z")), ComplianceState::Ordinary);
        assert_eq!(large.compliance_state(at("2019-02-14T16:00:00Z")), ComplianceState::None);
        let refused = large.complied(ComplianceEvent::DeclareOrdinary, by, now).unwrap_err();
        assert_eq!(refused.code(), "COMPLIANCE_EVENT_REFUSED");
        assert!(refused.message().contains("¥1000000"), "{}", refused.message());
    }

    #[test]
    fn a_table_that_is_wrong_says_in_which_line() {
        let good = "# a comment\n\nfilm\t*\t2019-02-15\t1000000\t-\n";
        assert_eq!(Thresholds::parse(good).unwrap().rows().len(), 1);
        for wrong in [
            "film\t*\t2019-02-15\t1000000",
            "film\t*\t2019-02-15\t1000000\t-\t-",
            "opera\t*\t2020-02-15\t1000000\t-",
            "film\tXX\t2020-02-15\t1000000\t-",
            "film\t*\t2020-02-30\t1000000\t-",
            "film\t*\t2020-02-15\t0\t-",
            "film\t*\t2020-02-15\t1.5\t-",
            "film\t*\t2020-02-15\t92233720368547759\t-",
            "film\t*\t2020-02-15\t1000000\t1000000",
            "film\t*\t2020-02-15\t1000000\t",
            "film\t*\t2019-02-15\t2000000\t-",
        ] {
            let error = Thresholds::parse(&format!("{good}{wrong}\n")).unwrap_err();
            assert_eq!(error.code(), "THRESHOLDS_INVALID");
            assert!(error.message().starts_with("Line 4 "), "{wrong}: {}", error.message());
        }
        let many: Vec<String> =
            (0..=limits::THRESHOLDS_MAX).map(|year| format!("film\t*\t{}-01-01\t1\t-\n", 1000 + year)).collect();
        assert_eq!(Thresholds::parse(&many.concat()).unwrap_err().code(), "THRESHOLDS_INVALID");
    }
}
