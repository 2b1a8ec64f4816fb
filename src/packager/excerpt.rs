//! An excerpt: the beginning of a packaged asset as an asset of its own. A track is its init segment and its media
//! segments one after another, so the beginning of an asset is the beginning of each of its files: bytes are copied and
//! the index is cut short. Nothing is decoded. The new asset has its own name, and so its own keys.

use crate::base::clock::UtcMs;
use crate::base::error::{Error, Result};
use crate::base::id::AssetId;
use crate::catalog::asset::{Asset, AssetDetails, AssetState};
use crate::media::rendition::{AssetIndex, TrackIndex};
use crate::media::time::Timescale;
use crate::packager::{publish, summary};
use crate::store::blobs::Blobs;
use crate::store::key::ObjectKey;

/// Stores the first segments of `source` that together last at least `length_ms` (all of it, where it is shorter) under
/// `id`. The index goes last: what broke off is no asset.
pub async fn excerpt(blobs: &Blobs, source: &Asset, id: AssetId, length_ms: u64, at: UtcMs) -> Result<Asset> {
    let index = publish::index_of(blobs, source.id).await?;
    let short = beginning(index, length_ms)?;
    let mut stored = Vec::new();
    if let Err(error) = copy(blobs, source.id, id, &short, &mut stored).await {
        for key in &stored {
            if let Err(error) = blobs.delete(key).await {
                tracing::warn!(asset = %id, error = %error.log_line(), "an object of a failed excerpt stays");
            }
        }
        return Err(error);
    }
    let noted = source.details.packaged.iter().flat_map(|packaged| &packaged.renditions);
    let copied: Vec<String> =
        noted.filter(|rendition| rendition.is_copied).map(|rendition| rendition.track.clone()).collect();
    Ok(Asset {
        id,
        source_name: source.source_name.clone(),
        duration_ms: short.duration_ms as i64,
        created_at: at,
        details: AssetDetails {
            card_of: None,
            excerpt_of: Some(source.id),
            source: source.details.source.clone(),
            packaged: Some(summary::packaged(&short, &copied)),
        },
        state: AssetState::Complete,
    })
}

async fn copy(
    blobs: &Blobs,
    source: AssetId,
    excerpt: AssetId,
    index: &AssetIndex,
    stored: &mut Vec<ObjectKey>,
) -> Result<()> {
    for track in &index.tracks {
        let key = |asset| ObjectKey::AssetTrack { asset, file: track.file_name() };
        blobs.copy_beginning(&key(source), &key(excerpt), bytes(track)).await?;
        stored.push(key(excerpt));
    }
    let (from, to) = (ObjectKey::AssetPoster { asset: source }, ObjectKey::AssetPoster { asset: excerpt });
    blobs.put(&to, blobs.get(&from).await?).await?;
    stored.push(to);
    blobs.put(&ObjectKey::AssetIndex { asset: excerpt }, index.to_json()?.into()).await
}

/// Where the last segment of a track ends in its file.
pub fn bytes(track: &TrackIndex) -> u64 {
    track.segments.last().map_or(track.init_bytes, |segment| segment.offset + segment.bytes)
}

/// The index of the first segments: as many of each track, as their boundaries lie together.
fn beginning(mut index: AssetIndex, length_ms: u64) -> Result<AssetIndex> {
    let Some((video, _)) = index.video().next() else { return Err(Error::internal("an asset without video")) };
    let wanted = video.timescale.ticks_of_ms(length_ms);
    let reaches = (1..=video.segments.len()).find(|count| {
        let ticks: u64 = video.segments.iter().take(*count).map(|segment| segment.duration_ticks).sum();
        i64::try_from(ticks).is_ok_and(|ticks| ticks >= wanted)
    });
    let count = reaches.unwrap_or(video.segments.len());
    let end_ms = video.timescale.rescale(video.segment_start(count), Timescale::MILLISECONDS);
    for track in &mut index.tracks {
        // Sound may end a segment before the picture does; a track that has nothing here has nothing to say.
        track.segments.truncate(count);
        if track.segments.is_empty() {
            return Err(Error::internal(format!("track {} has no segments", track.id)));
        }
        track.measure();
    }
    let short = AssetIndex::new(index.tracks);
    assert!(short.duration_ms.abs_diff(end_ms as u64) <= 1, "an excerpt is as long as its segments");
    Ok(short)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::rendition::{AudioIndex, AudioRole, SegmentIndex, TrackMedia, VideoIndex, VideoRange};

    fn track(id: &str, media: TrackMedia, per_second: u32, seconds: &[u64]) -> TrackIndex {
        let mut offset = 100;
        let segments = seconds.iter().map(|seconds| {
            offset += 1000;
            SegmentIndex {
                duration_ticks: seconds * u64::from(per_second),
                offset: offset - 1000,
                bytes: 1000,
                sync_bytes: 0,
                sync_offset: None,
            }
        });
        TrackIndex {
            id: id.into(),
            codec: "avc1.64001F".into(),
            timescale: Timescale::new(per_second).unwrap(),
            init_bytes: 100,
            start_ticks: 0,
            peak_bits_per_s: 0,
            average_bits_per_s: 0,
            media,
            segments: segments.collect(),
        }
    }

    fn index() -> AssetIndex {
        let video = VideoIndex { width: 640, height: 360, frame_rate_milli: 24_000, video_range: VideoRange::Sdr };
        let audio = AudioIndex {
            channels: 2,
            sample_rate: 48_000,
            language: None,
            name: "Audio".into(),
            is_default: true,
            group: "stereo".into(),
            role: AudioRole::Main,
            joc_objects: None,
        };
        AssetIndex::new(vec![
            track("v360", TrackMedia::Video(video), 24_000, &[6, 6, 6, 6]),
            track("a-und-2", TrackMedia::Audio(audio), 48_000, &[6, 6, 7]),
        ])
    }

    #[test]
    fn an_excerpt_ends_at_the_first_boundary_that_is_long_enough() {
        let segments = |ms| {
            let short = beginning(index(), ms).unwrap();
            let counts: Vec<usize> = short.tracks.iter().map(|track| track.segments.len()).collect();
            (short.duration_ms, counts)
        };
        assert_eq!(segments(1), (6_000, vec![1, 1]));
        assert_eq!(segments(6_000), (6_000, vec![1, 1]));
        assert_eq!(segments(6_001), (12_000, vec![2, 2]));
        assert_eq!(segments(24_000), (24_000, vec![4, 3]));
        assert_eq!(segments(99_000), (24_000, vec![4, 3]), "all of it, where it is shorter");
    }

    #[test]
    fn bytes_are_a_beginning_of_the_file() {
        let short = beginning(index(), 12_000).unwrap();
        assert_eq!(bytes(&short.tracks[0]), 2_100);
        assert_eq!(short.tracks[0].segments, index().tracks[0].segments[..2]);
    }
}
