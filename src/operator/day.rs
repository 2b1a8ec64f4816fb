//! Days and hours of a zone: where the board's day begins and where the same day of a week ago did, also where a day has
//! 23 or 25 hours.

use http::StatusCode;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};

use crate::api::problem::Problem;
use crate::base::clock::UtcMs;
use crate::base::error::{Error, Result};
use crate::base::limits;
use crate::store::db::board::Span;

/// A zone somebody named.
#[derive(Clone, Debug)]
pub struct Zone {
    pub name: String,
    zone: TimeZone,
}

/// A day of a zone and the one a week before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    /// From midnight to midnight.
    pub today: Span,
    pub week_ago: Span,
    /// From that day's midnight to the same time of day as now.
    pub week_ago_so_far: Span,
}

impl Zone {
    pub fn parse(name: &str) -> Result<Zone, Problem> {
        let zone = (name.len() <= limits::TELEMETRY_WORD_BYTES_MAX).then(|| TimeZone::get(name).ok()).flatten();
        let zone = zone.ok_or_else(|| {
            let detail = "That is not an IANA time zone such as Asia/Shanghai.";
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "ZONE_INVALID", detail).with_param("zone")
        })?;
        Ok(Zone { name: name.to_owned(), zone })
    }

    pub fn day(&self, now: UtcMs) -> Result<Day> {
        let now = self.zoned(now)?;
        let then = now.checked_sub(7.days()).map_err(out_of_range)?;
        let week_ago = whole_day(&then)?;
        let so_far = Span { from: week_ago.from, to: instant(&then) };
        Ok(Day { today: whole_day(&now)?, week_ago, week_ago_so_far: so_far })
    }

    /// Midnight of the day that is `days` before `now`'s.
    pub fn days_before(&self, now: UtcMs, days: i32) -> Result<UtcMs> {
        let then = self.zoned(now)?.checked_sub(days.days()).map_err(out_of_range)?;
        Ok(whole_day(&then)?.from)
    }

    /// The midnights that lie in a stretch, begun with the one that it begins after.
    pub fn days(&self, span: Span) -> Result<Vec<Span>> {
        let mut days = Vec::new();
        let mut at = span.from;
        while at < span.to {
            let day = whole_day(&self.zoned(at)?)?;
            days.push(day);
            at = day.to.max(UtcMs(at.0 + 1));
        }
        Ok(days)
    }

    fn zoned(&self, at: UtcMs) -> Result<Zoned> {
        let at = Timestamp::from_millisecond(at.0).map_err(out_of_range)?;
        Ok(at.to_zoned(self.zone.clone()))
    }
}

fn whole_day(at: &Zoned) -> Result<Span> {
    let from = at.start_of_day().map_err(out_of_range)?;
    let to = at.tomorrow().and_then(|tomorrow| tomorrow.start_of_day()).map_err(out_of_range)?;
    Ok(Span { from: instant(&from), to: instant(&to) })
}

fn instant(at: &Zoned) -> UtcMs {
    UtcMs(at.timestamp().as_millisecond())
}

fn out_of_range(error: jiff::Error) -> Error {
    Error::internal("an instant beyond the calendar").with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> UtcMs {
        UtcMs::parse(text).unwrap()
    }

    #[test]
    fn a_day_begins_at_its_zones_midnight() {
        let day = Zone::parse("Asia/Shanghai").unwrap().day(at("2027-01-15T12:30:00Z")).unwrap();
        assert_eq!(day.today, Span { from: at("2027-01-14T16:00:00Z"), to: at("2027-01-15T16:00:00Z") });
        assert_eq!(day.week_ago, Span { from: at("2027-01-07T16:00:00Z"), to: at("2027-01-08T16:00:00Z") });
        assert_eq!(day.week_ago_so_far.to, at("2027-01-08T12:30:00Z"));
        let midnight = Zone::parse("Asia/Shanghai").unwrap().day(at("2027-01-14T16:00:00Z")).unwrap();
        assert_eq!(midnight.today, day.today);
        assert_eq!(midnight.week_ago_so_far.from, midnight.week_ago_so_far.to);
        let before = Zone::parse("Asia/Shanghai").unwrap().day(at("2027-01-14T15:59:59.999Z")).unwrap();
        assert_eq!(before.today.to, day.today.from);
    }

    #[test]
    fn a_day_may_have_23_hours_and_a_week_ago_is_the_same_time_of_day() {
        let zone = Zone::parse("Europe/Berlin").unwrap();
        let day = zone.day(at("2027-03-28T10:00:00Z")).unwrap();
        assert_eq!(day.today, Span { from: at("2027-03-27T23:00:00Z"), to: at("2027-03-28T22:00:00Z") });
        assert_eq!(day.week_ago_so_far.to, at("2027-03-21T11:00:00Z"), "noon in Berlin both times");
        let days = zone.days(Span { from: at("2027-03-27T12:00:00Z"), to: at("2027-03-29T00:00:00Z") }).unwrap();
        assert_eq!(days.len(), 3);
        assert!(days.windows(2).all(|pair| pair[0].to == pair[1].from));
    }

    #[test]
    fn a_zone_nobody_knows_is_refused() {
        for name in ["", "Mars/Olympus", &"a".repeat(200), "../../etc/passwd"] {
            assert_eq!(Zone::parse(name).unwrap_err().code(), "ZONE_INVALID");
        }
    }
}
