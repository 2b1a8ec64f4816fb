//! One session's quality of experience: a fold of its notes, in the order they arrive, that never looks back.
//!
//! What a page claims is held against this server's clock: an event lies where its report's arrival says, between the
//! opening of the session and now, so nobody watches longer than a session has been open. `docs/metrics.md` defines each
//! number. Once our own player has spoken, CMCD adds lines to the timeline and nothing to the numbers.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::base::clock::UtcMs;
use crate::base::limits;
use crate::telemetry::cmcd::Cmcd;
use crate::telemetry::event::{EventKind, PlayerEvent, Rung};
use crate::telemetry::note::{Fact, Line, Note, Source};

/// The film is cut into this many parts for retention.
pub const PARTS: u32 = 50;
const PARTS_PERMILLE: u64 = 20;
/// Playing is believed for this long without a position that moves.
const EVIDENCE_GAP_MAX_MS: u64 = 30_000;
const STARTUP_MS_MAX: u64 = 600_000;
/// A clock that runs a little differently is no lie.
const SKEW_MS: u64 = 1_000;

/// The fold's whole state; what is zero or unknown is not written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Qoe {
    pub startup_ms: Option<u64>,
    pub started_at: Option<UtcMs>,
    pub start_failed_at: Option<UtcMs>,
    pub exited_before_start: bool,
    /// Without those that a seek caused, and without what came before the first frame.
    pub stalls: u64,
    pub rebuffer_ms: u64,
    pub watched_ms: u64,
    pub errors: Vec<ErrorCount>,
    pub rung: Option<Rung>,
    /// Bit n: something of the n-th fiftieth of the film was played.
    pub reached: u64,
    /// How far into the film something was played.
    pub furthest_permille: Option<u64>,
    pub last_heard_at: Option<UtcMs>,
    /// Lines of the timeline so far.
    pub lines: u32,
    /// The latest instant that the numbers reach. A player reports what was seconds ago; what is heard of others meanwhile
    /// is no reason to move it.
    folded_at: Option<UtcMs>,
    pressed_at: Option<UtcMs>,
    /// Where playing was last seen to run.
    anchor: Option<Anchor>,
    /// What is left of the card, as far as is known.
    card_left_ms: u64,
    stalled_at: Option<UtcMs>,
    is_seeking: bool,
    /// The page's clock at its latest event.
    page_ms: Option<u64>,
    has_player: bool,
    cmcd_line_at: Option<UtcMs>,
}

/// How often a code came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorCount {
    pub code: String,
    pub count: u64,
    pub last_at: UtcMs,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Anchor {
    at: UtcMs,
    position_ms: Option<u64>,
}

/// What the fold must know of the session itself.
#[derive(Clone, Copy, Debug)]
pub struct Scope {
    pub opened_at: UtcMs,
    /// Of the part that is played; zero when unknown.
    pub duration_ms: u64,
    /// How long the card before it is: no time at it is watched, and every position that is told counts from its start.
    pub card_ms: u64,
}

impl Qoe {
    /// Takes a note in and gives the lines it adds to the timeline.
    pub fn take(&mut self, scope: Scope, note: &Note) -> Vec<Line> {
        let mut lines = Vec::new();
        match note {
            Note::Player { received_at, sent_at_ms, events } => {
                self.has_player = true;
                for event in events {
                    if self.page_ms.is_some_and(|page_ms| event.at_ms <= page_ms) && self.is_repeated(event, events) {
                        continue;
                    }
                    let age_ms = sent_at_ms.unwrap_or(event.at_ms).saturating_sub(event.at_ms);
                    let at = self.instant(scope, *received_at, age_ms);
                    self.apply(scope, at, &event.kind);
                    lines.push(Line {
                        at,
                        source: Source::Player,
                        kind: event.kind.name().to_owned(),
                        detail: event.kind.detail(),
                    });
                }
                let newest = events.iter().map(|event| event.at_ms).max();
                self.page_ms = self.page_ms.max(newest);
            }
            Note::Cmcd { at, report } => {
                let at = self.instant(scope, *at, 0);
                lines.extend(self.take_cmcd(scope, at, report));
            }
            Note::Server { at, fact } => {
                let detail = match fact {
                    Fact::Denied(code) => json!({"code": code}),
                    Fact::FirstPlaylist | Fact::FirstKey | Fact::FirstSegment => json!({}),
                };
                lines.push(Line { at: *at, source: Source::Server, kind: fact.as_str().to_owned(), detail });
                self.last_heard_at = self.last_heard_at.max(Some(*at));
            }
        }
        lines.truncate((limits::TIMELINE_LINES_MAX - self.lines.min(limits::TIMELINE_LINES_MAX)) as usize);
        self.lines += lines.len() as u32;
        lines
    }

    /// Distinct codes in the order they first came.
    pub fn error_codes(&self) -> Vec<String> {
        self.errors.iter().map(|error| error.code.clone()).collect()
    }

    pub fn error_count(&self) -> u64 {
        self.errors.iter().map(|error| error.count).sum()
    }

    /// A report that is sent again begins where an earlier one did; events of one report may share an instant.
    fn is_repeated(&self, event: &PlayerEvent, report: &[PlayerEvent]) -> bool {
        let page_ms = self.page_ms.unwrap_or_default();
        event.at_ms < page_ms || report.first().is_some_and(|first| first.at_ms <= page_ms)
    }

    /// Where on this server's clock something lies that was `age_ms` old when it arrived.
    fn instant(&mut self, scope: Scope, received_at: UtcMs, age_ms: u64) -> UtcMs {
        let earliest = self.folded_at.map_or(scope.opened_at, |folded| folded.max(scope.opened_at));
        let at = (received_at - Duration::from_millis(age_ms)).max(earliest.min(received_at));
        self.last_heard_at = self.last_heard_at.max(Some(at));
        at
    }

    fn apply(&mut self, scope: Scope, at: UtcMs, event: &EventKind) {
        self.folded_at = self.folded_at.max(Some(at));
        match event {
            EventKind::PlayPressed => {
                self.pressed_at.get_or_insert(at);
            }
            EventKind::FirstFrame { startup_ms } => self.start(scope, at, *startup_ms),
            EventKind::StartFailed { code } => {
                self.count_error(code, at);
                self.fail_start(at);
            }
            EventKind::ExitBeforeStart => self.leave(at),
            EventKind::StallStart => {
                self.watch_until(scope, at, None);
                self.stalled_at.get_or_insert(at);
            }
            EventKind::StallEnd { ms, seeking } => {
                self.watch_until(scope, at, None);
                self.end_stall(at, Some(*ms), *seeking || self.is_seeking);
                self.is_seeking = false;
                self.run_from(at, None);
            }
            EventKind::Seek { from_ms, to_ms } => {
                self.watch_until(scope, at, Some(*from_ms));
                self.is_seeking = true;
                self.run_from(at, Some(*to_ms));
            }
            EventKind::Rung(rung) => self.rung = Some(*rung),
            EventKind::Error { code, fatal } => {
                self.count_error(code, at);
                if *fatal {
                    self.fail_start(at);
                }
            }
            EventKind::Position { position_ms, playing, .. } => {
                self.watch_until(scope, at, Some(*position_ms));
                if *playing && self.stalled_at.is_none() {
                    self.is_seeking = false;
                    self.run_from(at, Some(*position_ms));
                }
            }
            EventKind::Pause => self.watch_until(scope, at, None),
            EventKind::Resume => self.run_from(at, None),
            EventKind::Ended => {
                self.watch_until(
                    scope,
                    at,
                    Some(scope.duration_ms).filter(|duration| *duration > 0).map(|duration| scope.card_ms + duration),
                );
            }
            EventKind::Closed => {
                self.watch_until(scope, at, None);
                self.leave(at);
            }
            EventKind::Visibility { .. } => {}
        }
    }

    fn take_cmcd(&mut self, scope: Scope, at: UtcMs, report: &Cmcd) -> Option<Line> {
        if !self.has_player {
            self.apply_cmcd(scope, at, report);
        } else if let Some(bitrate_bps) = report.video_bitrate_bps()
            && self.rung.is_none()
        {
            self.rung = Some(Rung { bitrate_bps, ..Rung::default() });
        }
        let is_news = report.is_starved() || report.text("e").is_some_and(|event| event != "t");
        let is_due = self.cmcd_line_at.is_none_or(|last| at.since(last) >= limits::CMCD_LINE_EVERY);
        if !is_news && !is_due {
            return None;
        }
        self.cmcd_line_at = Some(at);
        let kind = report.text("e").map_or("request", |_| "report");
        Some(Line { at, source: Source::Cmcd, kind: kind.to_owned(), detail: report.detail() })
    }

    /// What a player of somebody else's says, as far as it means what our own would have said.
    fn apply_cmcd(&mut self, scope: Scope, at: UtcMs, report: &Cmcd) {
        if report.text("sta").is_some() || report.number("msd").is_some() {
            self.folded_at = self.folded_at.max(Some(at));
        }
        if let Some(bitrate_bps) = report.video_bitrate_bps() {
            self.rung = Some(Rung { bitrate_bps, ..Rung::default() });
        }
        if let Some(delay) = report.number("msd").filter(|delay| *delay >= 0.0) {
            self.start(scope, at, Some(delay as u64));
        }
        let position_ms = report.number("pt").filter(|position| *position >= 0.0).map(|position| position as u64);
        match report.text("sta") {
            Some("s" | "d") => {
                self.pressed_at.get_or_insert(at);
            }
            Some("p") => {
                self.start(scope, at, None);
                self.watch_until(scope, at, position_ms);
                self.end_stall(at, None, self.is_seeking);
                self.is_seeking = false;
                self.run_from(at, position_ms);
            }
            Some("k") => {
                self.watch_until(scope, at, None);
                self.is_seeking = true;
            }
            Some("r" | "w") => {
                self.watch_until(scope, at, position_ms);
                self.stalled_at.get_or_insert(at);
            }
            Some("a" | "e") => self.watch_until(scope, at, position_ms),
            Some("f") => self.fail_start(at),
            Some("q") => {
                self.watch_until(scope, at, position_ms);
                self.leave(at);
            }
            _ => {}
        }
        for code in report.error_codes() {
            self.count_error(&code, at);
        }
    }

    fn start(&mut self, scope: Scope, at: UtcMs, startup_ms: Option<u64>) {
        if self.started_at.is_some() {
            return;
        }
        self.started_at = Some(at);
        let measured = || self.pressed_at.map(|pressed_at| at.since(pressed_at).as_millis() as u64);
        self.startup_ms = startup_ms.or_else(measured).map(|ms| ms.min(STARTUP_MS_MAX));
        // It came after all.
        self.start_failed_at = None;
        self.exited_before_start = false;
        self.stalled_at = None;
        self.furthest_permille.get_or_insert(0);
        self.card_left_ms = scope.card_ms;
        self.run_from(at, None);
    }

    fn fail_start(&mut self, at: UtcMs) {
        if self.started_at.is_none() {
            self.start_failed_at.get_or_insert(at);
            self.exited_before_start = false;
        }
    }

    /// The viewer goes: before the start, or out of a stall that never ended.
    fn leave(&mut self, at: UtcMs) {
        if self.started_at.is_none() {
            self.exited_before_start = self.start_failed_at.is_none();
        } else {
            self.end_stall(at, None, self.is_seeking);
        }
        self.anchor = None;
    }

    /// A stall is over; `claimed_ms` is how long the page says it was.
    fn end_stall(&mut self, at: UtcMs, claimed_ms: Option<u64>, is_seek: bool) {
        let seen_ms = self.stalled_at.take().map(|stalled_at| at.since(stalled_at).as_millis() as u64);
        if self.started_at.is_none() || is_seek {
            return;
        }
        let ms = match (seen_ms, claimed_ms) {
            (Some(seen_ms), Some(claimed_ms)) if claimed_ms <= seen_ms.saturating_add(SKEW_MS) => claimed_ms,
            (Some(seen_ms), _) => seen_ms,
            // Its beginning was lost: it is only claimed.
            (None, Some(claimed_ms)) => claimed_ms.min(EVIDENCE_GAP_MAX_MS),
            (None, None) => return,
        };
        self.stalls += 1;
        self.rebuffer_ms += ms;
    }

    fn run_from(&mut self, at: UtcMs, position_ms: Option<u64>) {
        if self.started_at.is_some() {
            self.anchor = Some(Anchor { at, position_ms });
        }
    }

    /// Playing ran until here, as far as there is evidence: the time that passed, and no more than the position moved.
    fn watch_until(&mut self, scope: Scope, at: UtcMs, position_ms: Option<u64>) {
        let Some(anchor) = self.anchor.take() else { return };
        let wall_ms = at.since(anchor.at).as_millis() as u64;
        let (Some(from_ms), Some(to_ms)) = (anchor.position_ms, position_ms) else {
            // What runs first is the card.
            let of_card_ms = wall_ms.min(self.card_left_ms);
            self.card_left_ms -= of_card_ms;
            self.watched_ms += (wall_ms - of_card_ms).min(EVIDENCE_GAP_MAX_MS);
            if let Some(position_ms) = position_ms.and_then(|position_ms| self.in_film(scope, position_ms)) {
                self.reach(scope, position_ms, position_ms);
            }
            return;
        };
        let Some(to_ms) = self.in_film(scope, to_ms) else { return };
        let from_ms = from_ms.saturating_sub(scope.card_ms);
        let moved_ms = to_ms.saturating_sub(from_ms);
        self.watched_ms += wall_ms.min(moved_ms);
        // Faster than anything plays: a seek that was not told.
        let is_played = moved_ms > 0 && moved_ms <= wall_ms.saturating_mul(4) + SKEW_MS;
        if is_played {
            self.reach(scope, from_ms, to_ms);
        }
    }

    /// A position of the player, in the film: none in its card.
    fn in_film(&mut self, scope: Scope, position_ms: u64) -> Option<u64> {
        self.card_left_ms = scope.card_ms.saturating_sub(position_ms);
        position_ms.checked_sub(scope.card_ms)
    }

    fn reach(&mut self, scope: Scope, from_ms: u64, to_ms: u64) {
        if scope.duration_ms == 0 {
            return;
        }
        let permille = |position_ms: u64| (position_ms.saturating_mul(1000) / scope.duration_ms).min(1000);
        let part = |permille: u64| (permille / PARTS_PERMILLE).min(u64::from(PARTS) - 1);
        for part in part(permille(from_ms))..=part(permille(to_ms)) {
            self.reached |= 1 << part;
        }
        self.furthest_permille = self.furthest_permille.max(Some(permille(to_ms)));
    }

    fn count_error(&mut self, code: &str, at: UtcMs) {
        let is_full = self.errors.len() >= limits::ERROR_CODES_PER_SESSION_MAX;
        let code = if is_full && !self.errors.iter().any(|error| error.code == code) { "OTHER" } else { code };
        match self.errors.iter_mut().find(|error| error.code == code) {
            Some(error) => {
                error.count += 1;
                error.last_at = at;
            }
            None => self.errors.push(ErrorCount { code: code.to_owned(), count: 1, last_at: at }),
        }
    }
}

/// The value that `permille` of a sorted list do not exceed, by the nearest rank: the smallest value with at least that
/// share of the list at or below it.
pub fn percentile(sorted: &[u64], permille: u64) -> Option<u64> {
    let rank = (sorted.len() as u64 * permille).div_ceil(1000).max(1);
    sorted.get(rank as usize - 1).copied()
}

#[cfg(test)]
mod tests;
