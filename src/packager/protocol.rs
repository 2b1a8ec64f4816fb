//! What supervisor and worker say to each other: one JSON line in on stdin, JSON lines out on stdout.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::media::rendition::TrackMedia;
use crate::packager::sandbox::SandboxReport;

/// The descriptor on which the worker finds the film, already open for reading.
pub const INPUT_FD: i32 = 3;

/// What the worker is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum WorkerOrder {
    Package {
        out_dir: PathBuf,
        encoding: Encoding,
    },
    /// Try to break out of the sandbox and report what worked.
    SelfTest {
        out_dir: PathBuf,
    },
}

/// Whether anything may be re-encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Copy what can be copied, encode the rest of the ladder.
    Ladder,
    /// Copy or refuse.
    CopyOnly,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum WorkerMessage {
    Sandboxed(SandboxReport),
    Progress { phase: Phase, done_s: f64, total_s: f64 },
    Done(WorkerReport),
    SelfTested { escapes: Vec<String> },
    Refused { code: String, message: String, internal: String },
}

/// What a job is doing, in the order it does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    Opening,
    Scanning,
    Packaging,
    Poster,
    Checking,
    Finished,
}

/// What the worker wrote; the bytes themselves say the rest.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WorkerReport {
    pub tracks: Vec<TrackDraft>,
    pub warnings: Vec<String>,
}

/// A track as the worker describes it, in the order of the index.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrackDraft {
    pub id: String,
    #[serde(flatten)]
    pub media: TrackMedia,
}
