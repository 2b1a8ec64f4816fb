//! What is noted of a session, by whom, and the lines of its timeline that come of it.

use serde_json::Value;

use crate::base::clock::UtcMs;
use crate::base::id::SessionId;
use crate::telemetry::cmcd::Cmcd;
use crate::telemetry::event::PlayerEvent;

/// Something said of a session.
#[derive(Clone, Debug)]
pub enum Note {
    /// A report of our own player.
    Player { received_at: UtcMs, sent_at_ms: Option<u64>, events: Vec<PlayerEvent> },
    /// CMCD, of a request for media or reported by itself.
    Cmcd { at: UtcMs, report: Cmcd },
    /// A fact that this server knows by itself.
    Server { at: UtcMs, fact: Fact },
}

/// What this server saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    FirstPlaylist,
    FirstKey,
    FirstSegment,
    /// A request was refused with this code.
    Denied(&'static str),
}

/// The notes of one session that are written together.
#[derive(Clone, Debug)]
pub struct SessionNotes {
    pub session_id: SessionId,
    pub notes: Vec<Note>,
}

/// One line of a timeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub at: UtcMs,
    pub source: Source,
    pub kind: String,
    pub detail: Value,
}

/// Who said it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Player,
    Cmcd,
    Server,
}

impl Source {
    pub fn as_str(self) -> &'static str {
        match self {
            Source::Player => "player",
            Source::Cmcd => "cmcd",
            Source::Server => "server",
        }
    }

    pub fn parse(text: &str) -> Option<Source> {
        [Source::Player, Source::Cmcd, Source::Server].into_iter().find(|source| source.as_str() == text)
    }
}

impl Fact {
    pub fn as_str(self) -> &'static str {
        match self {
            Fact::FirstPlaylist => "first_playlist",
            Fact::FirstKey => "first_key",
            Fact::FirstSegment => "first_segment",
            Fact::Denied(_) => "denied",
        }
    }
}
