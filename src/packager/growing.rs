//! What can be played of a film that is still being packaged: the copied picture and the sound as far as they are
//! written, and each encoded rung once it is whole. The worker says what it is going to write and when it is done with a
//! track; what is there is read from the files with our own reader, and a segment counts only where it lies on the grid
//! that was announced.

use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::base::error::{Error, Result};
use crate::base::limits;
use crate::media::growth::Growth;
use crate::media::rendition::{AssetIndex, TrackMedia};
use crate::media::time::{Ticks, Timescale};
use crate::packager::protocol::{Planned, TrackDraft};
use crate::packager::readback;
use crate::packager::renditions::AAC_GROUPS;
use crate::packager::track_file::{BEGINNING_SEGMENTS, TrackFile, wrong};

/// A segment of sound begins with the first of its samples behind the picture's boundary. A sample lasts 128 ms at most,
/// and sound with gaps of more than 100 ms is never copied.
const SOUND_APART_US_MAX: i64 = 250_000;
/// A segment of sound can be longer than that of the picture by one sample.
const SOUND_LONGER_MS_MAX: u64 = 128;

/// What can be played of a film that is being packaged.
#[derive(Debug)]
pub struct Grown {
    pub growth: Growth,
    /// Each track's file, open: it can be read whatever becomes of its name.
    pub files: HashMap<String, Arc<File>>,
    /// SHA-256, in base64, of how picture and sound begin. A job that is done again writes the same bytes where this is the same.
    pub fingerprint: String,
}

/// The tracks of one job while they are written.
pub struct GrowingTracks {
    dir: PathBuf,
    planned: Planned,
    /// In the order of the plan; none of what is not written yet.
    tracks: Vec<Option<TrackFile>>,
    /// What the worker is done with.
    done: Vec<String>,
    /// What can be played.
    joined: Vec<String>,
}

impl GrowingTracks {
    /// Follows what a worker writes into `dir`; an error when no film can be planned so.
    pub fn new(dir: PathBuf, planned: Planned) -> Result<GrowingTracks> {
        planned.require_possible()?;
        let tracks = planned.tracks.iter().map(|_| None).collect();
        Ok(GrowingTracks { dir, planned, tracks, done: Vec::new(), joined: Vec::new() })
    }

    /// The worker is done with these.
    pub fn done(&mut self, tracks: &[String]) {
        self.done.extend_from_slice(tracks);
    }

    /// Reads what was written since the last time; none while there is not enough to begin with. An error when something
    /// was written that cannot be published.
    pub fn look(&mut self) -> Result<Option<Grown>> {
        for (draft, track) in self.planned.tracks.iter().zip(&mut self.tracks) {
            let is_done = self.done.contains(&draft.id);
            let grows = draft.is_copied || matches!(draft.media, TrackMedia::Audio(_));
            if !grows && !is_done {
                continue;
            }
            if track.is_none() {
                // It is made when its pass begins.
                let Ok(file) = File::open(self.dir.join(format!("{}.mp4", draft.id))) else { continue };
                *track = Some(TrackFile::new(Arc::new(file), draft));
            }
            let Some(track) = track else { continue };
            let known = track.spans().count();
            track.read_on()?;
            self.planned.require_on_grid(draft, track, known)?;
            let count = track.spans().count();
            let can_begin = count >= BEGINNING_SEGMENTS || (is_done && count > 0);
            if can_begin && !self.joined.contains(&draft.id) {
                self.joined.push(draft.id.clone());
            }
        }
        let Some(fingerprint) = self.fingerprint() else { return Ok(None) };
        let mut files = HashMap::new();
        let mut tracks = Vec::new();
        for track in self.tracks.iter().flatten() {
            let Some(mut index) = track.so_far().filter(|index| self.joined.contains(&index.id)) else { continue };
            for segment in &mut index.segments {
                // Trick play comes when the asset is complete.
                segment.sync_bytes = 0;
            }
            files.insert(index.id.clone(), track.file().clone());
            tracks.push(index);
        }
        let growth = Growth {
            index: AssetIndex::new(tracks),
            whole: self.joined.iter().filter(|id| self.done.contains(id)).cloned().collect(),
            target_s: self.planned.target_s(),
            film_ms: self.planned.timescale.rescale(self.planned.end, Timescale::MILLISECONDS) as u64,
            planned: self.planned.tracks.iter().map(|draft| (draft.id.clone(), draft.media.clone())).collect(),
        };
        Ok(Some(Grown { growth, files, fingerprint }))
    }

    /// Of what a player begins with, once all of it has joined.
    fn fingerprint(&self) -> Option<String> {
        let mut digest = Context::new(&SHA256);
        for id in self.planned.first_needed() {
            let track = self.tracks.iter().flatten().find(|track| track.id() == id)?;
            digest.update(&self.joined.iter().any(|joined| joined == id).then(|| track.beginning())?);
        }
        Some(BASE64.encode(digest.finish()))
    }
}

impl Planned {
    fn require_possible(&self) -> Result<()> {
        readback::require_usable_ids(&self.tracks)?;
        let ticks = |length: std::time::Duration| self.timescale.ticks_of_ms(length.as_millis() as u64);
        let span_max = ticks(limits::COPIED_SYNC_GAP_MAX + limits::COPIED_SEGMENT_MIN);
        let are_spans = (0..self.boundaries.len())
            .filter_map(|n| self.span(n))
            .all(|(start, end)| (1..=span_max).contains(&end.saturating_sub(start)));
        let is_film = self.boundaries.first() == Some(&0) && self.end <= ticks(limits::FILM_DURATION_MAX);
        if are_spans && is_film {
            Ok(())
        } else {
            Err(Error::internal("the worker plans segments that no film can have"))
        }
    }

    /// What a player begins with: the copied picture, and, where there is sound, what plays unasked in the codec that
    /// every player has; copied where it is, for that is there first.
    fn first_needed(&self) -> impl Iterator<Item = &str> {
        let is_picture = |draft: &&TrackDraft| matches!(draft.media, TrackMedia::Video(_)) && draft.is_copied;
        let is_sound = |draft: &&TrackDraft| matches!(&draft.media, TrackMedia::Audio(audio) if audio.is_default && AAC_GROUPS.contains(&&*audio.group));
        let mut sounds = self.tracks.iter().filter(is_sound);
        let copied = sounds.clone().find(|draft| draft.is_copied);
        let sound = copied.or_else(|| sounds.next());
        self.tracks.iter().find(is_picture).into_iter().chain(sound).map(|draft| draft.id.as_str())
    }

    /// Where segment `n` of the picture begins and ends.
    fn span(&self, n: usize) -> Option<(Ticks, Ticks)> {
        let start = *self.boundaries.get(n)?;
        Some((start, self.boundaries.get(n + 1).copied().unwrap_or(self.end)))
    }

    /// The target duration of the whole presentation.
    fn target_s(&self) -> u64 {
        let ms = |(start, end): (Ticks, Ticks)| self.timescale.rescale(end - start, Timescale::MILLISECONDS) as u64;
        let longest_ms = (0..self.boundaries.len()).filter_map(|n| self.span(n)).map(ms).max().unwrap_or(0);
        (longest_ms + SOUND_LONGER_MS_MAX + 500) / 1000
    }

    /// Whether the segments from the `known`th on lie where they were announced.
    fn require_on_grid(&self, draft: &TrackDraft, track: &TrackFile, known: usize) -> Result<()> {
        let Some(scale) = track.timescale() else { return Ok(()) };
        let microseconds = |ticks, scale: Timescale| scale.rescale(ticks, Timescale::MICROSECONDS);
        for (n, (start, end)) in track.spans().enumerate().skip(known) {
            let is_there = self.span(n).is_some_and(|(from, to)| {
                if matches!(draft.media, TrackMedia::Video(_)) {
                    return scale == self.timescale && (start, end) == (from, to);
                }
                let after = microseconds(start, scale) - microseconds(from, self.timescale);
                let longer = microseconds(end - start, scale) - microseconds(to - from, self.timescale);
                // The instants of two scales agree to the microsecond.
                (-1..=SOUND_APART_US_MAX).contains(&after) && longer <= SOUND_LONGER_MS_MAX as i64 * 1000
            });
            if !is_there {
                return Err(wrong(&draft.id, &format!("segment {n} is not where it was announced")));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::media::avc::AvcConfig;
    use crate::media::cmaf::{InitMedia, SampleTiming, write_fragment_head, write_init};
    use crate::media::rendition::{AudioIndex, AudioRole, VideoIndex, VideoRange};

    const SECOND: Ticks = 1000;

    fn video(id: &str, is_copied: bool) -> TrackDraft {
        let media = VideoIndex { width: 640, height: 360, frame_rate_milli: 25_000, video_range: VideoRange::Sdr };
        TrackDraft { id: id.into(), is_copied, media: TrackMedia::Video(media) }
    }

    fn sound(group: &str) -> TrackDraft {
        let media = AudioIndex {
            channels: 2,
            sample_rate: 48_000,
            language: None,
            name: "Audio".into(),
            is_default: true,
            group: group.into(),
            role: AudioRole::Main,
            joc_objects: None,
        };
        TrackDraft { id: format!("a-{group}"), is_copied: true, media: TrackMedia::Audio(media) }
    }

    /// Five segments of 4 s and one of 2 s.
    fn planned(tracks: Vec<TrackDraft>) -> Planned {
        let boundaries = (0..6).map(|n| n * 4 * SECOND).collect();
        Planned { tracks, timescale: Timescale::MILLISECONDS, boundaries, end: 22 * SECOND }
    }

    /// A worker's folder, to which segments are added.
    struct Folder(tempfile::TempDir);

    impl Folder {
        fn begin(&self, draft: &TrackDraft) {
            let (media, scale) = match draft.media {
                TrackMedia::Video(_) => {
                    let config = AvcConfig::from_extradata(&[0, 0, 1, 0x67, 0x64, 0, 0x1e, 1, 0, 0, 1, 0x68, 1]);
                    let (config, sample_aspect) = (config.unwrap(), (1, 1));
                    (InitMedia::Avc { config, width: 640, height: 360, sample_aspect, colour: None }, 1000)
                }
                _ => {
                    (InitMedia::Aac { asc: vec![0x11, 0x90], channels: 2, sample_rate: 48_000, bits_per_s: 1 }, 48_000)
                }
            };
            let init = write_init(&media, Timescale::new(scale).unwrap(), None);
            std::fs::write(self.0.path().join(format!("{}.mp4", draft.id)), init).unwrap();
        }

        fn add(&self, draft: &TrackDraft, spans: &[(Ticks, Ticks)]) {
            let path = self.0.path().join(format!("{}.mp4", draft.id));
            let mut file = std::fs::File::options().append(true).open(path).unwrap();
            for &(pts, end) in spans {
                let head = write_fragment_head(1, &[SampleTiming { pts, bytes: 3, is_sync: true }], end).unwrap();
                file.write_all(&[&head[..], b"abc"].concat()).unwrap();
            }
        }
    }

    fn seconds(from: Ticks, to: Ticks, scale: Ticks) -> (Ticks, Ticks) {
        (from * scale, to * scale)
    }

    #[test]
    fn a_film_is_there_with_three_segments_of_picture_and_sound_and_encoded_rungs_join_when_they_are_done() {
        let folder = Folder(tempfile::tempdir().unwrap());
        let (top, rung, stereo, dolby) = (video("v720", true), video("v360", false), sound("stereo"), sound("ac-3"));
        let tracks = vec![top.clone(), rung.clone(), stereo.clone(), dolby.clone()];
        let mut growing = GrowingTracks::new(folder.0.path().to_owned(), planned(tracks)).unwrap();
        let look = |growing: &mut GrowingTracks| {
            let grown = growing.look().unwrap()?;
            let tracks = grown.growth.index.tracks.iter().map(|track| (track.id.clone(), track.segments.len()));
            Some((tracks.collect::<Vec<_>>(), grown.growth.whole.clone(), grown.fingerprint))
        };
        let named = |tracks: &[(&str, usize)]| -> Vec<(String, usize)> {
            tracks.iter().map(|&(id, count)| (id.to_owned(), count)).collect()
        };
        assert!(look(&mut growing).is_none());
        for draft in [&top, &rung, &stereo] {
            folder.begin(draft);
        }
        let early = [seconds(0, 4, 1000), seconds(4, 8, 1000), seconds(8, 12, 1000)];
        folder.add(&top, &early);
        folder.add(&rung, &early);
        folder.add(&stereo, &[seconds(0, 4, 48_000), seconds(4, 8, 48_000)]);
        assert!(look(&mut growing).is_none(), "the sound has two segments");
        folder.add(&stereo, &[(8 * 48_000, 12 * 48_000 + 900)]);
        let (tracks, whole, fingerprint) = look(&mut growing).unwrap();
        assert_eq!((tracks, whole), (named(&[("v720", 3), ("a-stereo", 3)]), vec![]));

        folder.add(&top, &[seconds(12, 16, 1000), seconds(16, 20, 1000), seconds(20, 22, 1000)]);
        folder.add(&rung, &[seconds(12, 16, 1000), seconds(16, 20, 1000), seconds(20, 22, 1000)]);
        growing.done(&["v720".to_owned(), "v360".to_owned()]);
        let (tracks, whole, later) = look(&mut growing).unwrap();
        assert_eq!(tracks, named(&[("v720", 6), ("v360", 6), ("a-stereo", 3)]));
        assert_eq!((whole, later), (vec!["v720".to_owned(), "v360".to_owned()], fingerprint));
    }

    #[test]
    fn a_segment_beside_the_grid_is_an_error() {
        let stereo = sound("stereo");
        let late = (4 * 48_000 + 48_000 / 3, 8 * 48_000);
        for (draft, spans) in [
            (video("v720", true), [seconds(0, 4, 1000), seconds(4, 7, 1000)]),
            (video("v720", true), [seconds(0, 5, 1000), seconds(5, 8, 1000)]),
            (stereo.clone(), [(0, late.0), late]),
            (stereo, [seconds(0, 4, 48_000), (4 * 48_000, 9 * 48_000)]),
        ] {
            let folder = Folder(tempfile::tempdir().unwrap());
            folder.begin(&draft);
            folder.add(&draft, &spans);
            let mut growing = GrowingTracks::new(folder.0.path().to_owned(), planned(vec![draft])).unwrap();
            let error = growing.look().err().unwrap().log_line();
            assert!(error.contains("is not where it was announced"), "{error}");
        }
    }

    #[test]
    fn a_plan_that_no_film_can_have_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let is_possible = |planned: Planned| GrowingTracks::new(folder.path().to_owned(), planned).is_ok();
        let film = || planned(vec![video("v720", true)]);
        assert!(is_possible(film()));
        assert!(!is_possible(Planned { boundaries: vec![], ..film() }));
        assert!(!is_possible(Planned { boundaries: vec![1, 4000], ..film() }), "the film begins at 0");
        assert!(!is_possible(Planned { boundaries: vec![0, 4000, 4000], ..film() }));
        assert!(!is_possible(Planned { end: 20 * SECOND, ..film() }), "the last segment is empty");
        assert!(!is_possible(Planned { end: 37 * SECOND, ..film() }), "and may not be of 17 s");
        assert!(!is_possible(planned(vec![video("../v720", true)])));
        // Instants far apart do not overflow.
        assert!(!is_possible(Planned { boundaries: vec![0, Ticks::MIN], end: Ticks::MAX, ..film() }));
    }

    #[test]
    fn no_segment_is_longer_than_the_target_of_the_first_playlist() {
        assert_eq!(planned(vec![]).target_s(), 4);
        let boundaries = vec![0, 5400];
        assert_eq!(Planned { boundaries, end: 8000, ..planned(vec![]) }.target_s(), 6, "sound of 5.528 s");
    }
}
