//! An asset while it is being made: its first tracks, each as far as it is written. What is here once never changes; a
//! track only gets longer, and further tracks join.

use crate::media::rendition::{AssetIndex, SegmentIndex, TrackIndex, TrackMedia};

/// The part of an asset that can be played already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Growth {
    /// The tracks that are there, in the order of the whole index. There is no trick play yet, and no storyboard.
    pub index: AssetIndex,
    /// The tracks to which nothing is added any more.
    pub whole: Vec<String>,
    /// What every playlist says from the beginning (EXT-X-TARGETDURATION must not change): no segment will be longer.
    pub target_s: u64,
    /// How long the film will be.
    pub film_ms: u64,
    /// All the tracks that it will have but words, by id.
    pub planned: Vec<(String, TrackMedia)>,
}

impl Growth {
    pub fn is_whole(&self, track: &str) -> bool {
        self.whole.iter().any(|whole| whole == track)
    }

    /// How much of the picture can be played.
    pub fn playable_ms(&self) -> u64 {
        self.index.duration_ms
    }

    /// Whether `index` is what this has become: every track that was here begins as it did, and is no longer than it was
    /// where it was whole.
    pub fn has_become(&self, index: &AssetIndex) -> bool {
        self.index.tracks.iter().all(|early| {
            index.track(&early.id).is_some_and(|late| {
                let is_as_long = late.segments.len() == early.segments.len();
                begins_as(late, early) && (is_as_long || !self.is_whole(&early.id))
            })
        })
    }
}

fn begins_as(late: &TrackIndex, early: &TrackIndex) -> bool {
    let place = |segment: &SegmentIndex| (segment.duration_ticks, segment.offset, segment.bytes);
    (&late.codec, late.timescale, late.init_bytes, late.start_ticks, &late.media)
        == (&early.codec, early.timescale, early.init_bytes, early.start_ticks, &early.media)
        && late.segments.len() >= early.segments.len()
        && late.segments.iter().zip(&early.segments).all(|(late, early)| place(late) == place(early))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::rendition::{VideoIndex, VideoRange};
    use crate::media::time::Timescale;

    fn index(segments: usize) -> AssetIndex {
        let video = VideoIndex { width: 640, height: 360, frame_rate_milli: 25_000, video_range: VideoRange::Sdr };
        let segment = |n: u64| SegmentIndex {
            duration_ticks: 6000,
            offset: 700 + n * 100,
            bytes: 100,
            sync_bytes: 40,
            sync_offset: None,
        };
        AssetIndex::new(vec![TrackIndex {
            id: "v360".into(),
            codec: "avc1.64001E".into(),
            timescale: Timescale::MILLISECONDS,
            init_bytes: 700,
            start_ticks: 0,
            peak_bits_per_s: 0,
            average_bits_per_s: 0,
            media: TrackMedia::Video(video),
            segments: (0..segments as u64).map(segment).collect(),
        }])
    }

    #[test]
    fn what_was_played_is_the_beginning_of_what_is_published() {
        let growth = |whole: &[&str]| Growth {
            index: index(3),
            whole: whole.iter().map(|&id| id.to_owned()).collect(),
            target_s: 6,
            film_ms: 30_000,
            planned: Vec::new(),
        };
        assert!(growth(&[]).has_become(&index(3)) && growth(&[]).has_become(&index(5)));
        assert!(!growth(&[]).has_become(&index(2)), "something that was played is missing");
        assert!(growth(&["v360"]).has_become(&index(3)) && !growth(&["v360"]).has_become(&index(4)));
        let mut other = index(5);
        other.tracks[0].segments[1].bytes += 1;
        assert!(!growth(&[]).has_become(&other));
        other.tracks.clear();
        assert!(!growth(&[]).has_become(&other));
        let mut plain = index(5);
        plain.tracks[0].segments[1].sync_bytes = 0;
        assert!(growth(&[]).has_become(&plain), "where the first sample ends is found at the end");
    }
}
