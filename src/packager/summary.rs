//! A packaged asset in the catalogue's words: what an operator is shown of it.

use crate::catalog::asset::{PackagedSummary, RenditionSummary, TrackKind};
use crate::media::rendition::{AssetIndex, TrackIndex, TrackMedia};
use crate::packager::excerpt;

/// What `index` holds; `copied` names the tracks whose samples are those of the source.
pub fn packaged(index: &AssetIndex, copied: &[String]) -> PackagedSummary {
    let segments = index.tracks.iter().flat_map(|track| {
        let per_second = u64::from(track.timescale.per_second());
        track.segments.iter().map(move |segment| (segment.duration_ticks + per_second / 2) / per_second)
    });
    PackagedSummary {
        renditions: index.tracks.iter().map(|track| rendition(track, copied.contains(&track.id))).collect(),
        segment_count: index.video().map(|(track, _)| track.segments.len() as u32).max().unwrap_or(0),
        target_duration_s: segments.max().unwrap_or(0) as u32,
    }
}

fn rendition(track: &TrackIndex, is_copied: bool) -> RenditionSummary {
    let bare = RenditionSummary {
        track: track.id.clone(),
        kind: TrackKind::Video,
        codec: track.codec.clone(),
        width: None,
        height: None,
        frame_rate_milli: None,
        channels: None,
        language: None,
        peak_bits_per_s: track.peak_bits_per_s,
        is_copied,
        size_bytes: excerpt::bytes(track),
    };
    match &track.media {
        TrackMedia::Video(video) => RenditionSummary {
            width: Some(video.width),
            height: Some(video.height),
            frame_rate_milli: Some(video.frame_rate_milli),
            ..bare
        },
        TrackMedia::Audio(audio) => RenditionSummary {
            kind: TrackKind::Audio,
            channels: Some(audio.channels),
            language: audio.language.clone(),
            ..bare
        },
        TrackMedia::Text(text) => RenditionSummary { kind: TrackKind::Text, language: text.language.clone(), ..bare },
    }
}
