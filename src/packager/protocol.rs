//! What supervisor and worker say to each other: one JSON line in on stdin, JSON lines out on stdout.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::catalog::asset::SourceSummary;
use crate::media::chapters::Chapter;
use crate::media::rendition::{TrackIndex, TrackMedia};
use crate::media::storyboard::Storyboard;
use crate::media::time::{Ticks, Timescale};
use crate::packager::encoder::VideoCodec;
use crate::packager::sandbox::{Attempt, SandboxReport};

/// A descriptor of the supervisor that the worker inherits, open for reading.
pub type Inherited = i32;

/// What the worker is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum WorkerOrder {
    Package(PackageOrder),
    /// Read a picture and write it anew, cut to a shape.
    Picture {
        out_dir: PathBuf,
        picture: Inherited,
        shape: PictureShape,
    },
    /// Make a release card with the tracks of the film that it opens.
    Card {
        out_dir: PathBuf,
        font: Inherited,
        text: CardText,
        tracks: Vec<CardTrack>,
    },
    /// Try to break out of the sandbox and report each attempt.
    SelfTest {
        out_dir: PathBuf,
    },
}

/// A film that is to be packaged.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PackageOrder {
    pub out_dir: PathBuf,
    pub film: Inherited,
    pub encoding: Encoding,
    /// What may read the film.
    pub reader: FilmReader,
    /// Whether to make poster and storyboard.
    pub pictures: bool,
    /// None twice.
    pub codecs: Vec<VideoCodec>,
    pub audio: Vec<SidecarOrder>,
    pub subtitles: Vec<SidecarOrder>,
    /// That the encoders share. The worker cannot see what a container allows it.
    pub cores: usize,
}

/// A file of sound or subtitles beside the film.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SidecarOrder {
    pub file: Inherited,
    /// For people.
    pub name: String,
    pub language: String,
}

/// What a release card says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardText {
    /// What the licence is called.
    pub kind: String,
    pub number: String,
    /// The film's.
    pub name: String,
}

/// A picture or audio track of the film, as its index has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CardTrack {
    pub id: String,
    /// RFC 6381.
    pub codec: String,
    pub peak_bits_per_s: u64,
    #[serde(flatten)]
    pub media: TrackMedia,
}

impl From<TrackIndex> for CardTrack {
    fn from(track: TrackIndex) -> CardTrack {
        CardTrack { id: track.id, codec: track.codec, peak_bits_per_s: track.peak_bits_per_s, media: track.media }
    }
}

/// What a picture order leaves in its folder.
pub const PICTURE_FILE: &str = "picture.jpg";

/// The shape that a picture is cut to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PictureShape {
    /// 2:3, at most 1000 wide.
    Portrait,
    /// 16:9, at most 1920 wide.
    Landscape,
}

/// Whether anything may be re-encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Copy what can be copied, encode the rest of the ladder at rates that are measured.
    Ladder,
    /// The same at the rates of an ordinary film, for comparisons.
    FixedLadder,
    /// Copy or refuse.
    CopyOnly,
}

/// What takes the samples out of the film.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FilmReader {
    /// Our own, of plain MP4 and MOV files that can be copied.
    Marquee,
    Libav,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum WorkerMessage {
    Sandboxed(SandboxReport),
    /// What is in the film; its name and size are the supervisor's to know.
    Found(SourceSummary),
    /// What will be written, of a film that can be played meanwhile.
    Planned(Planned),
    Progress {
        phase: Phase,
        done_s: f64,
        total_s: f64,
    },
    /// Encoding goes on from this second of the film, where an earlier worker was killed.
    Resumed {
        at_s: f64,
    },
    /// These tracks are written to their ends.
    Wrote {
        tracks: Vec<String>,
    },
    Done(WorkerReport),
    /// The picture is written as [`PICTURE_FILE`].
    Pictured,
    /// The card's tracks are written.
    Carded,
    SelfTested(SelfTest),
    Refused {
        code: String,
        message: String,
        internal: String,
    },
}

/// What a worker says of itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SelfTest {
    /// `libavcodec 59.37.100`
    pub decoder: String,
    /// What it tried to break out; ingest runs only when none of it worked.
    pub attempts: Vec<Attempt>,
}

/// What a job is doing, in the order it does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    Opening,
    Scanning,
    /// Of what need not be encoded.
    Copying,
    /// Encoding sound, and reading words, of a film whose picture is copied.
    Sound,
    /// How hard the rest is to encode.
    Measuring,
    Packaging,
    Poster,
    Checking,
    Finished,
}

/// What the worker is going to write: a copied picture, and the rest of the ladder on the same grid.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Planned {
    /// In the order of the index, without words.
    pub tracks: Vec<TrackDraft>,
    pub timescale: Timescale,
    /// Where the segments of the picture begin, and where the last one ends.
    pub boundaries: Vec<Ticks>,
    pub end: Ticks,
}

/// What the worker wrote; the bytes themselves say the rest.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WorkerReport {
    pub reader: FilmReader,
    pub tracks: Vec<TrackDraft>,
    pub storyboard: Option<Storyboard>,
    pub chapters: Vec<Chapter>,
    pub warnings: Vec<String>,
}

/// A track as the worker describes it, in the order of the index.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrackDraft {
    pub id: String,
    /// The samples are those of the source.
    pub is_copied: bool,
    #[serde(flatten)]
    pub media: TrackMedia,
}
