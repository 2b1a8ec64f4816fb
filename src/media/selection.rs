//! Some of a film's renditions: those pictures that fit, and those tracks that may be had. Everybody who is shown less than
//! a film has, is shown what is left of its index.

use std::collections::BTreeSet;

use crate::media::rendition::{AssetIndex, AudioRole, TrackIndex, TrackMedia, VideoIndex};

/// The video tracks whose pictures fit, or, where none does, the smallest: a film is never without a picture.
pub fn pictures<'a>(
    tracks: impl Iterator<Item = (&'a str, &'a TrackMedia)>,
    fits: impl Fn(&VideoIndex) -> bool,
) -> BTreeSet<&'a str> {
    let video: Vec<(&str, &VideoIndex)> = tracks
        .filter_map(|(id, media)| match media {
            TrackMedia::Video(video) => Some((id, video)),
            TrackMedia::Audio(_) | TrackMedia::Text(_) => None,
        })
        .collect();
    let fitting: BTreeSet<&str> = video.iter().filter(|(_, video)| fits(video)).map(|(id, _)| *id).collect();
    if !fitting.is_empty() {
        return fitting;
    }
    let smallest = video.iter().map(|(_, video)| pixels(video)).min();
    video.iter().filter(|(_, video)| Some(pixels(video)) == smallest).map(|(id, _)| *id).collect()
}

pub fn pixels(video: &VideoIndex) -> u64 {
    u64::from(video.width) * u64::from(video.height)
}

/// Each track by its id.
pub fn tracks(film: &AssetIndex) -> impl Iterator<Item = (&str, &TrackMedia)> {
    film.tracks.iter().map(|track| (track.id.as_str(), &track.media))
}

/// The film with those tracks only. Where the sound that players begin with is not among them, they begin with the first.
pub fn of_film(film: &AssetIndex, is_kept: impl Fn(&TrackIndex) -> bool) -> AssetIndex {
    let mut tracks: Vec<TrackIndex> = film.tracks.iter().filter(|track| is_kept(track)).cloned().collect();
    let audio = || {
        tracks.iter().filter_map(|track| match &track.media {
            TrackMedia::Audio(audio) => Some(audio),
            TrackMedia::Video(_) | TrackMedia::Text(_) => None,
        })
    };
    if !audio().any(|audio| audio.is_default) {
        let first = audio().find(|audio| audio.role == AudioRole::Main).or_else(|| audio().next());
        let first = first.map(|audio| audio.name.clone());
        for track in &mut tracks {
            if let TrackMedia::Audio(audio) = &mut track.media {
                audio.is_default = first.as_ref() == Some(&audio.name);
            }
        }
    }
    AssetIndex { storyboard: film.storyboard, chapters: film.chapters.clone(), ..AssetIndex::new(tracks) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::rendition::VideoRange;

    fn video(width: u32, height: u32) -> TrackMedia {
        TrackMedia::Video(VideoIndex { width, height, frame_rate_milli: 25_000, video_range: VideoRange::Sdr })
    }

    #[test]
    fn the_smallest_picture_stays_where_none_fits() {
        let all = [("v1080", video(1920, 1080)), ("v720", video(1280, 720)), ("v720-hevc", video(1280, 720))];
        let fit = |lines: u32| {
            let fits = |video: &VideoIndex| video.height <= lines;
            pictures(all.iter().map(|(id, media)| (*id, media)), fits).into_iter().collect::<Vec<_>>()
        };
        assert_eq!(fit(1080), ["v1080", "v720", "v720-hevc"]);
        assert_eq!(fit(1079), ["v720", "v720-hevc"]);
        assert_eq!(fit(100), ["v720", "v720-hevc"]);
        assert!(pictures(std::iter::empty(), |_| true).is_empty());
    }
}
