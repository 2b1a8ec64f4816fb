//! A window: when something may be done, half-open `[start_at, end_at)` in UTC, with the zone it was declared in kept
//! beside it for display and audit.

use serde::{Deserialize, Serialize};

use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};

/// `[start_at, end_at)`; without an end it stays open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(C)]
pub struct Window {
    pub start_at: UtcMs,
    pub end_at: Option<UtcMs>,
    /// The IANA zone the operator declared it in, such as `Asia/Shanghai`.
    pub zone: String,
}

/// Where an instant lies in relation to a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowPhase {
    NotOpen,
    Open,
    Closed,
}

impl Window {
    pub fn phase(&self, now: UtcMs) -> WindowPhase {
        if now < self.start_at {
            WindowPhase::NotOpen
        } else if self.end_at.is_some_and(|end_at| now >= end_at) {
            WindowPhase::Closed
        } else {
            WindowPhase::Open
        }
    }

    pub fn is_open(&self, now: UtcMs) -> bool {
        self.phase(now) == WindowPhase::Open
    }

    /// When both are open: `[from, to)`.
    pub fn common(&self, other: &Window) -> Option<(UtcMs, Option<UtcMs>)> {
        let from = self.start_at.max(other.start_at);
        let to = match (self.end_at, other.end_at) {
            (Some(one), Some(another)) => Some(one.min(another)),
            (one, another) => one.or(another),
        };
        to.is_none_or(|to| to > from).then_some((from, to))
    }

    /// Refuses an empty interval and a zone nobody knows.
    pub fn check(&self) -> Result<()> {
        if self.end_at.is_some_and(|end_at| end_at <= self.start_at) {
            return Err(Error::new(ErrorKind::Unprocessable, "WINDOW_EMPTY", "The window must end after it starts.")
                .with_param("end_at"));
        }
        if jiff::tz::TimeZone::get(&self.zone).is_err() {
            return Err(Error::new(
                ErrorKind::Unprocessable,
                "ZONE_INVALID",
                format!("\"{}\" is not an IANA time zone such as Asia/Shanghai.", self.zone),
            )
            .with_param("zone"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_half_open() {
        use WindowPhase::{Closed, NotOpen, Open};
        let window = Window { start_at: UtcMs(100), end_at: Some(UtcMs(200)), zone: "UTC".into() };
        let phases = [99, 100, 101, 199, 200, 201].map(|at| window.phase(UtcMs(at)));
        assert_eq!(phases, [NotOpen, Open, Open, Open, Closed, Closed]);
        assert!(Window { end_at: None, ..window }.is_open(UtcMs(i64::MAX)));
    }

    #[test]
    fn an_empty_window_and_an_unknown_zone_are_refused() {
        let window =
            |end: i64, zone: &str| Window { start_at: UtcMs(100), end_at: Some(UtcMs(end)), zone: zone.into() };
        assert_eq!(window(100, "UTC").check().unwrap_err().code(), "WINDOW_EMPTY");
        assert_eq!(window(101, "Asia/Peking").check().unwrap_err().code(), "ZONE_INVALID");
        window(101, "Asia/Shanghai").check().unwrap();
    }
}
