//! The file of a text track: one WebVTT segment after another on the film's own grid, so that a byte range is a file. The
//! worker leaves the cues as data, and the supervisor, which believes nothing it says, checks and writes them.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use crate::base::error::{Error, Result};
use crate::base::limits;
use crate::media::rendition::{SegmentIndex, TextIndex, TrackIndex, TrackMedia};
use crate::media::time::{Ticks, Timescale};
use crate::media::webvtt::{self, Cue};
use crate::packager::refusal::{self, Refusal};

/// JSON around the words of a cue, and the escapes in them.
const CUE_JSON_BYTES_MAX: usize = 128;
const ESCAPED_MAX: usize = 6;

/// Leaves the cues of track `id` in `dir` for the supervisor.
pub fn leave_cues(dir: &Path, id: &str, cues: &[Cue]) -> Result<()> {
    let json = serde_json::to_vec(cues).map_err(|error| Error::internal("cues have no JSON").with_source(error))?;
    fs::write(cues_path(dir, id), json).map_err(refusal::of_write)
}

/// Writes `{id}.vtt` from the cues that were left, in segments that begin where those of `film` do.
pub fn write(dir: &Path, id: String, words: TextIndex, film: &TrackIndex) -> Result<TrackIndex> {
    let cues = take_cues(dir, &id)?;
    write_cues(dir, id, words, film, &cues)
}

/// Writes `{id}.vtt` from these cues, likewise; without any it says nothing for as long.
pub fn write_cues(dir: &Path, id: String, words: TextIndex, film: &TrackIndex, cues: &[Cue]) -> Result<TrackIndex> {
    if film.segments.len() > limits::SEGMENTS_MAX {
        return Err(Error::internal(format!("the film of {id} has too many segments")));
    }
    let mut file = File::create_new(dir.join(format!("{id}.vtt"))).map_err(refusal::of_write)?;
    let ms = |ticks| film.timescale.rescale(ticks, Timescale::MILLISECONDS).max(0) as u64;
    let mut segments = Vec::with_capacity(film.segments.len());
    let mut offset = 0;
    let mut elapsed = film.start_ticks;
    for of_film in &film.segments {
        let from_ms = ms(elapsed);
        elapsed += of_film.duration_ticks as Ticks;
        let to_ms = ms(elapsed);
        let segment = webvtt::segment(cues, from_ms, to_ms);
        if offset + segment.len() as u64 > limits::TEXT_TRACK_BYTES_MAX {
            let mib = limits::TEXT_TRACK_BYTES_MAX >> 20;
            return Err(Refusal::InputTooLarge
                .error(format!("The subtitles {id} overlap so much that they would fill more than {mib} MiB.")));
        }
        file.write_all(&segment).map_err(refusal::of_write)?;
        let bytes = segment.len() as u64;
        segments.push(SegmentIndex {
            duration_ticks: to_ms - from_ms,
            offset,
            bytes,
            sync_bytes: 0,
            sync_offset: None,
        });
        offset += bytes;
    }
    file.sync_all().map_err(refusal::of_write)?;
    let mut track = TrackIndex {
        id,
        codec: "wvtt".to_owned(),
        timescale: Timescale::MILLISECONDS,
        init_bytes: 0,
        start_ticks: 0,
        peak_bits_per_s: 0,
        average_bits_per_s: 0,
        media: TrackMedia::Text(words),
        segments,
    };
    track.measure();
    Ok(track)
}

/// What the worker left, which is gone then.
fn take_cues(dir: &Path, id: &str) -> Result<Vec<Cue>> {
    let wrong = |what: &str| Error::internal(format!("the cues of {id} are not usable: {what}"));
    let path = cues_path(dir, id);
    let bytes_max = limits::TEXT_BYTES_MAX * ESCAPED_MAX + limits::TEXT_CUES_MAX * CUE_JSON_BYTES_MAX;
    let mut json = Vec::new();
    File::open(&path)
        .and_then(|file| file.take(bytes_max as u64).read_to_end(&mut json))
        .map_err(|error| wrong("they cannot be read").with_source(error))?;
    let cues: Vec<Cue> = serde_json::from_slice(&json).map_err(|error| wrong("no cues").with_source(error))?;
    if cues.is_empty() || cues.len() > limits::TEXT_CUES_MAX || !cues.iter().all(webvtt::is_sound) {
        return Err(wrong("one breaks the format"));
    }
    fs::remove_file(&path).map_err(refusal::of_write)?;
    Ok(cues)
}

fn cues_path(dir: &Path, id: &str) -> PathBuf {
    dir.join(format!("{id}.cues"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::rendition::{VideoIndex, VideoRange};
    use crate::media::webvtt::CuePlace;

    fn film() -> TrackIndex {
        let video = VideoIndex { width: 640, height: 360, frame_rate_milli: 23_976, video_range: VideoRange::Sdr };
        let segment = SegmentIndex { duration_ticks: 144_144, offset: 0, bytes: 1, sync_bytes: 0, sync_offset: None };
        TrackIndex {
            id: "v360".into(),
            codec: String::new(),
            timescale: Timescale::new(24_000).unwrap(),
            init_bytes: 1,
            start_ticks: 0,
            peak_bits_per_s: 0,
            average_bits_per_s: 0,
            media: TrackMedia::Video(video),
            segments: vec![segment; 3],
        }
    }

    fn words() -> TextIndex {
        TextIndex { language: None, name: "Subtitles".into(), is_forced: false, describes_sound: false }
    }

    #[test]
    fn every_byte_range_is_a_file_and_the_grid_is_the_films() {
        let dir = tempfile::tempdir().unwrap();
        let cues = [Cue { start_ms: 5_000, end_ms: 6_007, place: CuePlace::Bottom, text: "over".into() }];
        leave_cues(dir.path(), "t-en", &cues).unwrap();
        let track = write(dir.path(), "t-en".into(), words(), &film()).unwrap();
        let durations: Vec<u64> = track.segments.iter().map(|segment| segment.duration_ticks).collect();
        assert_eq!(durations, [6_006, 6_006, 6_006]);
        let file = fs::read(dir.path().join("t-en.vtt")).unwrap();
        let says: Vec<bool> = track
            .segments
            .iter()
            .map(|segment| {
                let bytes = &file[segment.offset as usize..(segment.offset + segment.bytes) as usize];
                let text = std::str::from_utf8(bytes).unwrap();
                assert!(text.starts_with("WEBVTT\n"), "{text}");
                text.contains("over")
            })
            .collect();
        assert_eq!(says, [true, true, false]);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "the cues themselves are gone");
    }

    #[test]
    fn cues_that_all_last_as_long_as_the_film_do_not_fill_the_disk() {
        let dir = tempfile::tempdir().unwrap();
        let cue = Cue { start_ms: 0, end_ms: 18_018, place: CuePlace::Bottom, text: "x".repeat(8_000) };
        leave_cues(dir.path(), "t-en", &vec![cue; 500]).unwrap();
        let film = TrackIndex { segments: vec![film().segments[0]; 40], ..film() };
        assert!(write(dir.path(), "t-en".into(), words(), &film).is_ok(), "in three segments");
        let cue = Cue { start_ms: 0, end_ms: 240_240, place: CuePlace::Bottom, text: "x".repeat(8_000) };
        leave_cues(dir.path(), "t-fr", &vec![cue; 500]).unwrap();
        assert_eq!(write(dir.path(), "t-fr".into(), words(), &film).unwrap_err().code(), "INPUT_TOO_LARGE");
    }

    #[test]
    fn what_is_no_cue_is_not_published() {
        let dir = tempfile::tempdir().unwrap();
        for wrong in ["", "[]", r#"[{"start_ms":0,"end_ms":1,"place":"bottom","text":"a\n\nb"}]"#] {
            fs::write(dir.path().join("t-en.cues"), wrong).unwrap();
            assert!(write(dir.path(), "t-en".into(), words(), &film()).is_err(), "{wrong}");
            assert!(!dir.path().join("t-en.vtt").exists());
        }
    }
}
