//! The preview of a film: its first segments, in no more than moderate definition.

use crate::media::growth::Growth;
use crate::media::rendition::{AssetIndex, TrackIndex, TrackMedia, VideoIndex};
use crate::media::selection::{self, pictures};
use crate::media::time::Timescale;

/// The shorter side of the largest picture of a preview, where the film has one so small.
const SIDE_MAX: u32 = 720;

/// The segments that begin before `length_ms`, of every track; never the whole film. None where there is nothing to show
/// without showing all.
pub fn of_film(film: &AssetIndex, length_ms: i64) -> Option<AssetIndex> {
    let segments = segments(film, length_ms)?.min(grid(film)?.segments.len().saturating_sub(1));
    if segments == 0 { None } else { Some(cut(film, segments)) }
}

/// The same of a film that is being made, once all that is there of it reaches further.
pub fn of_growth(growth: &Growth, length_ms: i64) -> Option<AssetIndex> {
    let segments = segments(&growth.index, length_ms)?;
    let is_there = |track: &TrackIndex| track.segments.len() > segments || growth.is_whole(&track.id);
    let has_more = grid(&growth.index)?.segments.len() > segments;
    (segments > 0 && has_more && growth.index.tracks.iter().all(is_there)).then(|| cut(&growth.index, segments))
}

/// The track whose segments those of all others go with.
fn grid(film: &AssetIndex) -> Option<&TrackIndex> {
    film.video().next().map(|(track, _)| track)
}

fn segments(film: &AssetIndex, length_ms: i64) -> Option<usize> {
    let grid = grid(film)?;
    let begins_before = |n: &usize| grid.timescale.rescale(grid.segment_start(*n), Timescale::MILLISECONDS) < length_ms;
    Some((0..grid.segments.len()).take_while(begins_before).count())
}

fn cut(film: &AssetIndex, segments: usize) -> AssetIndex {
    let fitting = pictures(selection::tracks(film), |video: &VideoIndex| video.width.min(video.height) <= SIDE_MAX);
    let is_video = |track: &TrackIndex| matches!(track.media, TrackMedia::Video(_));
    let is_shown = |track: &&TrackIndex| !is_video(track) || fitting.contains(track.id.as_str());
    let tracks = film.tracks.iter().filter(is_shown).map(|track| {
        let mut track = track.clone();
        track.segments.truncate(segments);
        track.measure();
        track
    });
    let mut preview = AssetIndex::new(tracks.collect());
    preview.chapters = film.chapters.iter().filter(|chapter| chapter.start_ms < preview.duration_ms).cloned().collect();
    preview
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::chapters::Chapter;
    use crate::media::rendition::{SegmentIndex, VideoIndex, VideoRange};
    use crate::media::storyboard::Storyboard;

    /// Segments of 6 s.
    fn track(width: u32, height: u32, segments: u64) -> TrackIndex {
        let segment = |n: u64| SegmentIndex {
            duration_ticks: 6000,
            offset: 700 + n * 100,
            bytes: 100,
            sync_bytes: 40,
            sync_offset: None,
        };
        TrackIndex {
            id: format!("v{height}"),
            codec: "avc1.64001E".into(),
            timescale: Timescale::MILLISECONDS,
            init_bytes: 700,
            start_ticks: 0,
            peak_bits_per_s: 0,
            average_bits_per_s: 0,
            media: TrackMedia::Video(VideoIndex {
                width,
                height,
                frame_rate_milli: 25_000,
                video_range: VideoRange::Sdr,
            }),
            segments: (0..segments).map(segment).collect(),
        }
    }

    fn film(tracks: Vec<TrackIndex>) -> AssetIndex {
        AssetIndex::new(tracks)
    }

    fn shown(preview: Option<AssetIndex>) -> Option<(Vec<String>, u64)> {
        preview.map(|preview| (preview.tracks.iter().map(|track| track.id.clone()).collect(), preview.duration_ms))
    }

    #[test]
    fn a_preview_ends_with_the_segment_that_its_length_falls_into() {
        let film = film(vec![track(640, 360, 100)]);
        for (length_ms, lasts_ms) in [(1, 6000), (5999, 6000), (6000, 6000), (6001, 12_000), (360_000, 360_000)] {
            assert_eq!(of_film(&film, length_ms).unwrap().duration_ms, lasts_ms, "{length_ms}");
        }
    }

    #[test]
    fn a_preview_is_never_the_whole_film() {
        assert_eq!(of_film(&film(vec![track(640, 360, 3)]), 60_000).unwrap().duration_ms, 12_000);
        assert_eq!(of_film(&film(vec![track(640, 360, 1)]), 1000), None);
        assert_eq!(of_film(&film(Vec::new()), 1000), None);
    }

    #[test]
    fn a_preview_has_no_large_picture_no_storyboard_and_no_chapter_of_what_it_does_not_show() {
        let mut whole = film(vec![track(1920, 1080, 9), track(1280, 720, 9), track(640, 360, 9)]);
        whole.storyboard = Some(Storyboard::of_film(54_000, 160, 90));
        let chapter = |start_ms, title: &str| Chapter { start_ms, title: title.into() };
        whole.chapters = vec![chapter(0, "Dawn"), chapter(11_999, "Noon"), chapter(12_000, "Who did it")];
        let preview = of_film(&whole, 12_000).unwrap();
        assert_eq!((preview.storyboard, preview.chapters.len()), (None, 2));
        assert_eq!(shown(Some(preview)), Some((vec!["v720".into(), "v360".into()], 12_000)));
        let tall = film(vec![track(1080, 1920, 9), track(720, 1280, 9)]);
        assert_eq!(shown(of_film(&tall, 1)), Some((vec!["v1280".into()], 6000)));
        let large = film(vec![track(3840, 2160, 9), track(1920, 1080, 9)]);
        assert_eq!(shown(of_film(&large, 1)), Some((vec!["v1080".into()], 6000)), "the smallest, if none is small");
    }

    #[test]
    fn the_preview_of_a_film_that_grows_is_there_once_the_film_goes_on_after_it() {
        let growth = |segments: [u64; 2], whole: &[&str]| Growth {
            index: film(vec![track(1280, 720, segments[0]), track(640, 360, segments[1])]),
            whole: whole.iter().map(|&id| id.to_owned()).collect(),
            target_s: 6,
            film_ms: 60_000,
            planned: Vec::new(),
        };
        assert_eq!(of_growth(&growth([2, 3], &[]), 12_000), None, "the film may end there");
        assert_eq!(of_growth(&growth([3, 2], &[]), 12_000), None, "a track lags behind");
        assert_eq!(of_growth(&growth([3, 3], &[]), 12_000).unwrap().duration_ms, 12_000);
        assert_eq!(of_growth(&growth([3, 2], &["v360"]), 12_000).unwrap().duration_ms, 12_000);
        assert_eq!(of_growth(&growth([3, 3], &[]), 0), None);
    }
}
