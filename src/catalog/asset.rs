//! An asset: one packaged edit. Immutable once complete; a new package is a new asset. Many titles may share one.

use serde::{Deserialize, Serialize};

use crate::base::clock::UtcMs;
use crate::base::id::AssetId;
use crate::catalog::licence::CardSource;

/// One packaged edit of a film, as the catalogue knows it; its bytes and index are in the object store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asset {
    pub id: AssetId,
    /// The file it was made from, by name only.
    pub source_name: String,
    pub duration_ms: i64,
    pub created_at: UtcMs,
    pub details: AssetDetails,
    pub state: AssetState,
}

/// How much of an asset there is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AssetState {
    /// All of it is in the object store, and it never changes.
    Complete,
    /// Its job is at work, and what is there can be played on the node that packages it. It only grows, and when it is
    /// complete it is the same asset.
    Partial {
        /// SHA-256 of its beginning, in base64: an attempt that makes another one makes another film of it.
        fingerprint: String,
    },
}

impl AssetDetails {
    /// The languages of its sound, track by track; none where that was not noted.
    pub fn sound_languages(&self) -> Option<Vec<Option<String>>> {
        let sound = |rendition: &&RenditionSummary| rendition.kind == TrackKind::Audio;
        let packaged = self.packaged.as_ref()?;
        Some(packaged.renditions.iter().filter(sound).map(|rendition| rendition.language.clone()).collect())
    }
}

impl AssetState {
    pub fn is_partial(&self) -> bool {
        matches!(self, AssetState::Partial { .. })
    }
}

/// What was found and made when the asset was packaged; an asset of before this was noted has none of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AssetDetails {
    /// The asset that this is the beginning of. An excerpt is a trailer, never a part of a title.
    pub excerpt_of: Option<AssetId>,
    /// What it is the release card of. A card opens a film, and is never a part of a title.
    pub card_of: Option<CardSource>,
    pub source: Option<SourceSummary>,
    pub packaged: Option<PackagedSummary>,
}

/// The film as it came in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceSummary {
    /// By name only.
    pub name: String,
    /// `mp4`, `matroska`, `mpegts`.
    pub container: String,
    /// As far as the container says.
    pub duration_ms: Option<i64>,
    pub size_bytes: u64,
    pub tracks: Vec<SourceTrack>,
}

/// One track that was found; what is not said is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceTrack {
    pub kind: TrackKind,
    /// By its usual short name: `h264`, `aac`.
    pub codec: String,
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub frame_rate_milli: Option<u32>,
    pub channels: Option<u32>,
    pub sample_rate: Option<u32>,
    pub language: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrackKind {
    Video,
    Audio,
    Text,
}

/// What the packager made of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackagedSummary {
    pub renditions: Vec<RenditionSummary>,
    pub segment_count: u32,
    /// What the playlists say: no segment is longer.
    pub target_duration_s: u32,
}

/// One track of the asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenditionSummary {
    pub track: String,
    pub kind: TrackKind,
    /// RFC 6381.
    pub codec: String,
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub frame_rate_milli: Option<u32>,
    pub channels: Option<u32>,
    pub language: Option<String>,
    /// The highest of any segment.
    pub peak_bits_per_s: u64,
    /// Taken from the source as it was, not encoded.
    pub is_copied: bool,
    pub size_bytes: u64,
}

impl SourceTrack {
    /// A track of which only this is said.
    pub fn bare(kind: TrackKind, codec: &str) -> SourceTrack {
        SourceTrack {
            kind,
            codec: codec.to_owned(),
            width: None,
            height: None,
            frame_rate_milli: None,
            channels: None,
            sample_rate: None,
            language: None,
        }
    }
}
