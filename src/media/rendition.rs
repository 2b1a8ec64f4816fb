//! The index of a packaged asset (`index.json`): what tracks it has and where each segment of each track lies. It is
//! written once, at publishing, and read by everything that serves the asset; it holds all that a playlist says.

use serde::{Deserialize, Serialize};

use crate::base::error::{Error, ErrorKind, Result};
use crate::media::chapters::Chapter;
use crate::media::rate::{average_bits_per_s, peak_bits_per_s};
use crate::media::storyboard::Storyboard;
use crate::media::time::{Ticks, Timescale};

/// What this code writes and the only version it reads; part of every `ETag` of the asset.
pub const FORMAT_VERSION: u32 = 1;

/// A packaged asset: one CMAF file per track, segment-aligned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetIndex {
    pub format_version: u32,
    /// The longest video track, in milliseconds.
    pub duration_ms: u64,
    /// Video from the largest to the smallest, then audio, default first, then text.
    pub tracks: Vec<TrackIndex>,
    /// An asset of before there were any has none, nor has an excerpt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storyboard: Option<Storyboard>,
    /// Those of an excerpt are not kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chapters: Vec<Chapter>,
}

/// One track: `{id}.mp4`, its init segment in `[0, init_bytes)`; of words `{id}.vtt`, which has none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackIndex {
    /// `v1080`, `a-en-2`: lower-case letters, digits and hyphens.
    pub id: String,
    /// RFC 6381.
    pub codec: String,
    pub timescale: Timescale,
    pub init_bytes: u64,
    /// Presentation time of the first segment; 0 for video.
    pub start_ticks: Ticks,
    /// The peak segment bit rate (RFC 8216bis, 4.1), measured.
    pub peak_bits_per_s: u64,
    /// All bytes over the whole duration.
    pub average_bits_per_s: u64,
    #[serde(flatten)]
    pub media: TrackMedia,
    pub segments: Vec<SegmentIndex>,
}

/// A copy of a track. Copies differ in their marks only: the same samples at the same instants, under the same key and in
/// the same segments. A track without marks is its own `A`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Variant {
    A,
    B,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum TrackMedia {
    Video(VideoIndex),
    Audio(AudioIndex),
    Text(TextIndex),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoIndex {
    /// As displayed, in square pixels.
    pub width: u32,
    pub height: u32,
    /// Thousandths of a frame per second: 23976 is 23.976.
    pub frame_rate_milli: u32,
    pub video_range: VideoRange,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum VideoRange {
    Sdr,
    Hlg,
    Pq,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioIndex {
    pub channels: u32,
    pub sample_rate: u32,
    /// BCP 47; `None` when the source does not say.
    pub language: Option<String>,
    /// What a viewer reads; unique within the group.
    pub name: String,
    pub is_default: bool,
    /// The rendition group: `stereo`, `surround` (AAC), `ac-3`, `ec-3`.
    pub group: String,
    #[serde(default, skip_serializing_if = "AudioRole::is_main")]
    pub role: AudioRole,
    /// Of E-AC-3 with joint object coding (Atmos): how many objects there are at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joc_objects: Option<u8>,
}

/// What a rendition of the sound is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AudioRole {
    #[default]
    Main,
    /// People who made the film talk over it.
    Commentary,
    /// A voice tells what is seen.
    DescribesVideo,
}

impl AudioRole {
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
    fn is_main(&self) -> bool {
        *self == AudioRole::Main
    }
}

/// Words over the picture, as WebVTT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextIndex {
    /// BCP 47; `None` when the source does not say.
    pub language: Option<String>,
    /// What a viewer reads; unique among the text tracks.
    pub name: String,
    /// Only what has to be read to follow the film: signs, and what is spoken in another language.
    pub is_forced: bool,
    /// Tells of sounds too, for who cannot hear them.
    pub describes_sound: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentIndex {
    pub duration_ticks: u64,
    pub offset: u64,
    pub bytes: u64,
    /// Of video: the bytes up to the end of the first sample, which is a sync sample; 0 where it is not known.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub sync_bytes: u64,
    /// Where the first sample, sealed as a segment of its own, stands in [`TrackIndex::iframes_file_name`]; then `sync_bytes`
    /// is how long it is there. Only in packages whose segments are sealed as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync_offset: Option<u64>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_zero(bytes: &u64) -> bool {
    *bytes == 0
}

impl AssetIndex {
    pub fn new(tracks: Vec<TrackIndex>) -> AssetIndex {
        let duration_ms = tracks
            .iter()
            .filter(|track| matches!(track.media, TrackMedia::Video(_)))
            .map(|track| track.timescale.rescale(track.duration_ticks(), Timescale::MILLISECONDS) as u64)
            .max()
            .unwrap_or(0);
        AssetIndex { format_version: FORMAT_VERSION, duration_ms, tracks, storyboard: None, chapters: Vec::new() }
    }

    pub fn from_json(json: &[u8]) -> Result<AssetIndex> {
        let index: AssetIndex = serde_json::from_slice(json)
            .map_err(|error| Error::internal("index.json cannot be read").with_source(error))?;
        if index.format_version != FORMAT_VERSION {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "ASSET_FORMAT_UNKNOWN",
                format!("The asset has format {}, this program reads {FORMAT_VERSION}.", index.format_version),
            ));
        }
        Ok(index)
    }

    pub fn to_json(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(|error| Error::internal("index.json cannot be written").with_source(error))
    }

    pub fn track(&self, id: &str) -> Option<&TrackIndex> {
        self.tracks.iter().find(|track| track.id == id)
    }

    pub fn video(&self) -> impl Iterator<Item = (&TrackIndex, &VideoIndex)> {
        self.tracks.iter().filter_map(|track| match &track.media {
            TrackMedia::Video(video) => Some((track, video)),
            TrackMedia::Audio(_) | TrackMedia::Text(_) => None,
        })
    }

    pub fn audio(&self) -> impl Iterator<Item = (&TrackIndex, &AudioIndex)> {
        self.tracks.iter().filter_map(|track| match &track.media {
            TrackMedia::Audio(audio) => Some((track, audio)),
            TrackMedia::Video(_) | TrackMedia::Text(_) => None,
        })
    }

    pub fn text(&self) -> impl Iterator<Item = (&TrackIndex, &TextIndex)> {
        self.tracks.iter().filter_map(|track| match &track.media {
            TrackMedia::Text(text) => Some((track, text)),
            TrackMedia::Video(_) | TrackMedia::Audio(_) => None,
        })
    }
}

impl TrackIndex {
    /// The file that holds the track.
    pub fn file_name(&self) -> String {
        self.file_name_of(Variant::A)
    }

    /// The file that holds this copy: `v720.mp4`, `v720.b.mp4`. No id has a dot.
    pub fn file_name_of(&self, variant: Variant) -> String {
        let mark = match variant {
            Variant::A => "",
            Variant::B => ".b",
        };
        format!("{}{mark}.{}", self.id, if self.is_text() { "vtt" } else { "mp4" })
    }

    /// The file of the first samples that were sealed each for itself.
    pub fn iframes_file_name(&self) -> String {
        format!("{}-iframes.mp4", self.id)
    }

    pub fn is_text(&self) -> bool {
        matches!(self.media, TrackMedia::Text(_))
    }

    pub fn duration_ticks(&self) -> Ticks {
        self.segments.iter().map(|segment| segment.duration_ticks as Ticks).sum()
    }

    /// Whether the first sample of every segment can be had alone, for trick play.
    pub fn has_sync_bytes(&self) -> bool {
        !self.segments.is_empty() && self.segments.iter().all(|segment| segment.sync_bytes > 0)
    }

    /// The presentation time at which segment `n` begins.
    pub fn segment_start(&self, n: usize) -> Ticks {
        self.start_ticks + self.segments.iter().take(n).map(|segment| segment.duration_ticks as Ticks).sum::<Ticks>()
    }

    /// Sets the measured bit rates from the segments.
    pub fn measure(&mut self) {
        let Rates { peak_bits_per_s, average_bits_per_s } = Rates::of(&[self], |segment| segment.bytes);
        (self.peak_bits_per_s, self.average_bits_per_s) = (peak_bits_per_s, average_bits_per_s);
    }
}

/// Bit rates, rounded up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// The peak segment bit rate (RFC 8216bis, 4.1); no less than the average.
    pub peak_bits_per_s: u64,
    pub average_bits_per_s: u64,
}

impl Rates {
    /// Of tracks that are played one after another, measured by `bytes` of each segment.
    pub fn of(tracks: &[&TrackIndex], bytes: impl Fn(&SegmentIndex) -> u64) -> Rates {
        let segments: Vec<(u64, f64)> = tracks
            .iter()
            .flat_map(|track| {
                let seconds = |segment: &SegmentIndex| track.timescale.seconds(segment.duration_ticks as Ticks);
                track.segments.iter().map(|segment| (bytes(segment), seconds(segment))).collect::<Vec<_>>()
            })
            .collect();
        let target_s = segments.iter().map(|(_, seconds)| seconds.round()).fold(1.0, f64::max);
        let average_bits_per_s = match tracks {
            // To the bit, however long the track is.
            [track] => {
                let bits = u128::from(segments.iter().map(|(bytes, _)| bytes).sum::<u64>()) * 8;
                let ticks = track.duration_ticks().max(1).unsigned_abs();
                let rate = (bits * u128::from(track.timescale.per_second())).div_ceil(u128::from(ticks));
                u64::try_from(rate).unwrap_or(u64::MAX)
            }
            _ => average_bits_per_s(&segments).ceil() as u64,
        };
        let peak_bits_per_s = (peak_bits_per_s(&segments, target_s).ceil() as u64).max(average_bits_per_s);
        Rates { peak_bits_per_s, average_bits_per_s }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn index() -> AssetIndex {
        let mut track = TrackIndex {
            id: "v720".into(),
            codec: "avc1.64001F".into(),
            timescale: Timescale::new(24_000).unwrap(),
            init_bytes: 700,
            start_ticks: 0,
            peak_bits_per_s: 0,
            average_bits_per_s: 0,
            media: TrackMedia::Video(VideoIndex {
                width: 1280,
                height: 720,
                frame_rate_milli: 24_000,
                video_range: VideoRange::Sdr,
            }),
            segments: vec![
                SegmentIndex {
                    duration_ticks: 96_000,
                    offset: 700,
                    bytes: 1_000_000,
                    sync_bytes: 0,
                    sync_offset: None,
                },
                SegmentIndex {
                    duration_ticks: 48_000,
                    offset: 1_000_700,
                    bytes: 100_000,
                    sync_bytes: 0,
                    sync_offset: None,
                },
            ],
        };
        track.measure();
        AssetIndex::new(vec![track])
    }

    #[test]
    fn rates_are_measured_and_the_index_survives_json() {
        let index = index();
        assert_eq!(index.duration_ms, 6000);
        assert_eq!(index.tracks[0].peak_bits_per_s, 2_000_000);
        assert_eq!(index.tracks[0].average_bits_per_s, 1_466_667);
        assert_eq!(index.tracks[0].segment_start(1), 96_000);
        assert_eq!(AssetIndex::from_json(&index.to_json().unwrap()).unwrap(), index);
    }

    #[test]
    fn each_copy_of_a_track_has_a_file_of_its_own() {
        let track = &index().tracks[0];
        assert_eq!([track.file_name_of(Variant::A), track.file_name_of(Variant::B)], ["v720.mp4", "v720.b.mp4"]);
        assert_eq!(track.file_name(), "v720.mp4");
    }

    #[test]
    fn storyboard_and_chapters_are_there_or_not_said() {
        let bare = index();
        let said = String::from_utf8(bare.to_json().unwrap()).unwrap();
        assert!(!said.contains("storyboard") && !said.contains("chapters"));
        let chapters = vec![Chapter { start_ms: 0, title: "Dawn".to_owned() }];
        let index = AssetIndex { storyboard: Some(Storyboard::of_film(6000, 160, 90)), chapters, ..bare };
        assert_eq!(AssetIndex::from_json(&index.to_json().unwrap()).unwrap(), index);
    }

    #[test]
    fn another_format_version_is_refused() {
        let json = String::from_utf8(index().to_json().unwrap()).unwrap().replace("_version\":1", "_version\":2");
        assert_eq!(AssetIndex::from_json(json.as_bytes()).unwrap_err().code(), "ASSET_FORMAT_UNKNOWN");
    }
}
