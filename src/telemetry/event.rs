//! Events of our own player. Whatever a page sends is read as far as it makes sense: an unknown kind, or a known one
//! without what it needs, is no event and no error. Numbers may have a fraction, as a page's clock has.

use serde_json::{Map, Value, json};

use crate::base::limits;

/// One event at its instant on the page's monotonic clock.
#[derive(Clone, Debug, PartialEq)]
pub struct PlayerEvent {
    /// Milliseconds since the page began this session.
    pub at_ms: u64,
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum EventKind {
    PlayPressed,
    FirstFrame { startup_ms: Option<u64> },
    StartFailed { code: String },
    ExitBeforeStart,
    StallStart,
    StallEnd { ms: u64, seeking: bool },
    Seek { from_ms: u64, to_ms: u64 },
    Rung(Rung),
    Error { code: String, fatal: bool },
    Position { position_ms: u64, playing: bool, rate: f64 },
    Pause,
    Resume,
    Ended,
    Closed,
    Visibility { state: String },
}

/// A rung of the ladder, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Rung {
    pub bitrate_bps: u64,
    pub width: u64,
    pub height: u64,
}

impl PlayerEvent {
    /// Reads one element of a report.
    pub fn read(value: &Value) -> Option<PlayerEvent> {
        let fields = value.as_object()?;
        Some(PlayerEvent { at_ms: number(fields, "at_ms")?, kind: EventKind::read(fields)? })
    }
}

impl EventKind {
    fn read(fields: &Map<String, Value>) -> Option<EventKind> {
        let flag = |name| fields.get(name).and_then(Value::as_bool).unwrap_or_default();
        Some(match fields.get("kind")?.as_str()? {
            "play_pressed" => EventKind::PlayPressed,
            "first_frame" => EventKind::FirstFrame { startup_ms: number(fields, "startup_ms") },
            "start_failed" => EventKind::StartFailed { code: code(fields) },
            "exit_before_start" => EventKind::ExitBeforeStart,
            "stall_start" => EventKind::StallStart,
            "stall_end" => EventKind::StallEnd { ms: number(fields, "ms")?, seeking: flag("seeking") },
            "seek" => EventKind::Seek { from_ms: number(fields, "from_ms")?, to_ms: number(fields, "to_ms")? },
            "rung" => EventKind::Rung(Rung {
                bitrate_bps: number(fields, "bitrate_bps")?,
                width: number(fields, "width").unwrap_or_default(),
                height: number(fields, "height").unwrap_or_default(),
            }),
            "error" => EventKind::Error { code: code(fields), fatal: flag("fatal") },
            "position" => EventKind::Position {
                position_ms: number(fields, "position_ms")?,
                playing: flag("playing"),
                rate: fields.get("rate").and_then(Value::as_f64).filter(|rate| rate.is_finite()).unwrap_or(1.0),
            },
            "pause" => EventKind::Pause,
            "resume" => EventKind::Resume,
            "ended" => EventKind::Ended,
            "closed" => EventKind::Closed,
            "visibility" => EventKind::Visibility { state: word(fields.get("state").and_then(Value::as_str)) },
            _ => return None,
        })
    }

    /// The word on the wire and in the timeline.
    pub fn name(&self) -> &'static str {
        match self {
            EventKind::PlayPressed => "play_pressed",
            EventKind::FirstFrame { .. } => "first_frame",
            EventKind::StartFailed { .. } => "start_failed",
            EventKind::ExitBeforeStart => "exit_before_start",
            EventKind::StallStart => "stall_start",
            EventKind::StallEnd { .. } => "stall_end",
            EventKind::Seek { .. } => "seek",
            EventKind::Rung(_) => "rung",
            EventKind::Error { .. } => "error",
            EventKind::Position { .. } => "position",
            EventKind::Pause => "pause",
            EventKind::Resume => "resume",
            EventKind::Ended => "ended",
            EventKind::Closed => "closed",
            EventKind::Visibility { .. } => "visibility",
        }
    }

    /// What the timeline says besides the word: only what was read, so nothing a page adds is kept.
    pub fn detail(&self) -> Value {
        match self {
            EventKind::FirstFrame { startup_ms } => json!({"startup_ms": startup_ms}),
            EventKind::StartFailed { code } => json!({"code": code}),
            EventKind::StallEnd { ms, seeking } => json!({"ms": ms, "seeking": seeking}),
            EventKind::Seek { from_ms, to_ms } => json!({"from_ms": from_ms, "to_ms": to_ms}),
            EventKind::Rung(rung) => json!(rung),
            EventKind::Error { code, fatal } => json!({"code": code, "fatal": fatal}),
            EventKind::Position { position_ms, playing, rate } => {
                json!({"position_ms": position_ms, "playing": playing, "rate": rate})
            }
            EventKind::Visibility { state } => json!({"state": state}),
            EventKind::PlayPressed
            | EventKind::ExitBeforeStart
            | EventKind::StallStart
            | EventKind::Pause
            | EventKind::Resume
            | EventKind::Ended
            | EventKind::Closed => json!({}),
        }
    }
}

/// A code as it is kept: a short word, or `OTHER`.
pub fn word(text: Option<&str>) -> String {
    let is_word = |text: &&str| {
        (1..=limits::TELEMETRY_WORD_BYTES_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':'))
    };
    text.filter(is_word).unwrap_or("OTHER").to_owned()
}

fn code(fields: &Map<String, Value>) -> String {
    word(fields.get("code").and_then(Value::as_str))
}

/// A number that is not negative, rounded. What lies beyond any film is cut off there.
pub fn number(fields: &Map<String, Value>, name: &str) -> Option<u64> {
    let number = fields.get(name)?.as_f64().filter(|number| number.is_finite() && *number >= 0.0)?;
    Some(number.round().min(limits::TELEMETRY_NUMBER_MAX as f64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_and_nothing_else_is_kept() {
        let table = [
            (json!({"kind": "play_pressed"}), json!({})),
            (json!({"kind": "first_frame", "startup_ms": 812.6}), json!({"startup_ms": 813})),
            (json!({"kind": "start_failed", "code": "NET_1"}), json!({"code": "NET_1"})),
            (json!({"kind": "exit_before_start"}), json!({})),
            (json!({"kind": "stall_start"}), json!({})),
            (json!({"kind": "stall_end", "ms": 3, "seeking": true}), json!({"ms": 3, "seeking": true})),
            (json!({"kind": "seek", "from_ms": 1, "to_ms": 2}), json!({"from_ms": 1, "to_ms": 2})),
            (json!({"kind": "rung", "bitrate_bps": 5}), json!({"bitrate_bps": 5, "width": 0, "height": 0})),
            (json!({"kind": "error", "code": "<script>"}), json!({"code": "OTHER", "fatal": false})),
            (
                json!({"kind": "position", "position_ms": 9, "playing": true, "rate": 1.5, "secret": "x"}),
                json!({"position_ms": 9, "playing": true, "rate": 1.5}),
            ),
            (json!({"kind": "pause"}), json!({})),
            (json!({"kind": "resume"}), json!({})),
            (json!({"kind": "ended"}), json!({})),
            (json!({"kind": "closed"}), json!({})),
            (json!({"kind": "visibility", "state": "hidden"}), json!({"state": "hidden"})),
        ];
        for (mut sent, kept) in table {
            sent["at_ms"] = json!(1000.4);
            let event = PlayerEvent::read(&sent).unwrap();
            assert_eq!((event.at_ms, event.kind.name()), (1000, sent["kind"].as_str().unwrap()));
            assert_eq!(event.kind.detail(), kept);
        }
    }

    #[test]
    fn what_makes_no_sense_is_no_event() {
        for sent in [
            json!({"at_ms": 1, "kind": "dance"}),
            json!({"at_ms": 1}),
            json!({"kind": "pause"}),
            json!({"at_ms": -1, "kind": "pause"}),
            json!({"at_ms": "1", "kind": "pause"}),
            json!({"at_ms": 1, "kind": "seek", "from_ms": 1}),
            json!([1]),
            json!(null),
        ] {
            assert_eq!(PlayerEvent::read(&sent), None, "{sent}");
        }
    }
}
