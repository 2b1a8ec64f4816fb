//! The only reader of wall and monotonic time. Everything that depends on "now" takes a [`Clock`] or a [`UtcMs`], so
//! that a test can stand one millisecond before a boundary, on it, and after it.

use std::fmt;
use std::ops::{Add, Sub};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::limits;

/// A UTC instant in milliseconds since 1970-01-01T00:00:00Z. In JSON it is an RFC 3339 string with milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcMs(pub i64);

impl UtcMs {
    /// Reads an RFC 3339 instant with an offset (`2027-01-15T20:00:00+08:00`).
    pub fn parse(text: &str) -> Result<UtcMs> {
        let parsed: jiff::Timestamp = text.parse().map_err(|error| {
            Error::new(
                ErrorKind::Invalid,
                "TIME_INVALID",
                format!("\"{text}\" is not an RFC 3339 instant with an offset."),
            )
            .with_source(error)
        })?;
        Ok(UtcMs(parsed.as_millisecond()))
    }

    /// Milliseconds from `earlier` to `self`; zero when `earlier` is the later one.
    pub fn since(self, earlier: UtcMs) -> Duration {
        Duration::from_millis(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }
}

impl Add<Duration> for UtcMs {
    type Output = UtcMs;

    fn add(self, duration: Duration) -> UtcMs {
        UtcMs(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for UtcMs {
    type Output = UtcMs;

    fn sub(self, duration: Duration) -> UtcMs {
        UtcMs(self.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for UtcMs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(timestamp) => write!(f, "{timestamp:.3}"),
            // Nobody means the year 10000: what is written can be read.
            Err(_) if self.0 > 0 => write!(f, "{:.3}", jiff::Timestamp::MAX),
            Err(_) => write!(f, "{:.3}", jiff::Timestamp::MIN),
        }
    }
}

impl fmt::Debug for UtcMs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for UtcMs {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for UtcMs {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        UtcMs::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// A handle on time, cheap to clone. [`Clock::system`] reads the machine; a [`SimClock`] is moved by a test.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System(Arc<Anchor>),
    Sim(Arc<Sim>),
}

/// Where wall and monotonic time stood when the process began.
struct Anchor {
    wall: UtcMs,
    monotonic: Instant,
}

struct Sim {
    now: Mutex<SimNow>,
    moved: watch::Sender<UtcMs>,
}

struct SimNow {
    wall: UtcMs,
    start: UtcMs,
    monotonic: Duration,
}

impl Clock {
    pub fn system() -> Clock {
        Clock(Source::System(Arc::new(Anchor { wall: system_wall(), monotonic: Instant::now() })))
    }

    /// The wall clock, UTC.
    pub fn now(&self) -> UtcMs {
        match &self.0 {
            Source::System(_) => system_wall(),
            Source::Sim(sim) => sim.lock().wall,
        }
    }

    /// Time since this clock was made; never goes back and is not moved by a wall clock that is set.
    pub fn monotonic(&self) -> Duration {
        match &self.0 {
            Source::System(anchor) => anchor.monotonic.elapsed(),
            Source::Sim(sim) => sim.lock().monotonic,
        }
    }

    /// Wall and monotonic time disagree by more than `limits::CLOCK_DOUBT_MAX` since the process began.
    pub fn is_doubtful(&self) -> bool {
        let start = match &self.0 {
            Source::System(anchor) => anchor.wall,
            Source::Sim(sim) => sim.lock().start,
        };
        let expected = start + self.monotonic();
        (self.now().0 - expected.0).unsigned_abs() > limits::CLOCK_DOUBT_MAX.as_millis() as u64
    }

    /// Sleeps until `duration` has passed on this clock; under simulation, until a test has moved it that far.
    pub async fn sleep(&self, duration: Duration) {
        match &self.0 {
            Source::System(_) => tokio::time::sleep(duration).await,
            Source::Sim(sim) => {
                let until = self.monotonic() + duration;
                let mut moved = sim.moved.subscribe();
                while self.monotonic() < until {
                    if moved.changed().await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}

impl Sim {
    fn lock(&self) -> std::sync::MutexGuard<'_, SimNow> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn system_wall() -> UtcMs {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UtcMs(since_epoch.as_millis() as i64)
}

/// The hand on a simulated clock.
#[derive(Clone)]
pub struct SimClock(Arc<Sim>);

impl SimClock {
    pub fn new(start: UtcMs) -> SimClock {
        let now = Mutex::new(SimNow { wall: start, start, monotonic: Duration::ZERO });
        SimClock(Arc::new(Sim { now, moved: watch::Sender::new(start) }))
    }

    /// The clock that this hand moves.
    pub fn clock(&self) -> Clock {
        Clock(Source::Sim(self.0.clone()))
    }

    /// Time passes.
    pub fn advance(&self, duration: Duration) {
        let wall = {
            let mut now = self.0.lock();
            now.wall = now.wall + duration;
            now.monotonic += duration;
            now.wall
        };
        self.0.moved.send_replace(wall);
    }

    /// Time passes until `instant`.
    ///
    /// # Panics
    /// When `instant` has passed: use [`SimClock::set_wall`] to set a clock back.
    pub fn advance_to(&self, instant: UtcMs) {
        let now = self.0.lock().wall;
        assert!(instant >= now, "{instant} has passed; it is {now}");
        self.advance(instant.since(now));
    }

    /// Somebody sets the wall clock; no time passes.
    pub fn set_wall(&self, instant: UtcMs) {
        self.0.lock().wall = instant;
        self.0.moved.send_replace(instant);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_read_with_any_offset_and_written_in_utc() {
        let instant = UtcMs::parse("2027-01-15T20:00:00+08:00").unwrap();
        assert_eq!(instant.to_string(), "2027-01-15T12:00:00.000Z");
        assert_eq!(UtcMs::parse("2027-01-15").unwrap_err().code(), "TIME_INVALID");
    }

    #[test]
    fn a_wall_clock_that_is_set_by_more_than_the_limit_is_doubtful() {
        let sim = SimClock::new(UtcMs(1_000_000_000));
        let clock = sim.clock();
        sim.advance(Duration::from_secs(86_400));
        assert!(!clock.is_doubtful());
        sim.set_wall(clock.now() + limits::CLOCK_DOUBT_MAX);
        assert!(!clock.is_doubtful());
        sim.set_wall(clock.now() + Duration::from_millis(1));
        assert!(clock.is_doubtful());
    }

    #[tokio::test]
    async fn a_simulated_sleep_ends_when_the_clock_is_moved() {
        let sim = SimClock::new(UtcMs(0));
        let clock = sim.clock();
        let sleeper = tokio::spawn(async move { clock.sleep(Duration::from_millis(10)).await });
        tokio::task::yield_now().await;
        sim.advance(Duration::from_millis(9));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        sim.advance(Duration::from_millis(1));
        sleeper.await.unwrap();
    }
}
