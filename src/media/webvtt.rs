//! WebVTT as HLS carries it (RFC 8216bis, 3.5): each segment is a file of its own whose header maps the cues' clock to
//! the film's. Both begin at 0 here, and no file has an edit list, so the map is the identity. A cue that reaches over a
//! boundary stands in every segment that it touches, with its own times: players join what is equal.

use std::fmt::Write;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Words on the screen, from `start_ms` until just before `end_ms`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cue {
    pub start_ms: u64,
    pub end_ms: u64,
    pub place: CuePlace,
    /// Cue text: markup of WebVTT, no empty line.
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CuePlace {
    Bottom,
    Middle,
    Top,
}

const HEADER: &str = "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0\n";

/// The segment `[from_ms, to_ms)` of these cues; without cues it is the header alone.
pub fn segment(cues: &[Cue], from_ms: u64, to_ms: u64) -> Vec<u8> {
    let mut text = String::from(HEADER);
    for cue in cues.iter().filter(|cue| cue.start_ms < to_ms && cue.end_ms > from_ms) {
        let settings = match cue.place {
            CuePlace::Bottom => "",
            CuePlace::Middle => " line:50%",
            CuePlace::Top => " line:0",
        };
        // Writing to a String cannot fail.
        let _ = write!(text, "\n{} --> {}{settings}\n{}\n", stamp(cue.start_ms), stamp(cue.end_ms), cue.text);
    }
    text.into_bytes()
}

/// Whether this can stand in a file: it ends after it begins, and its text cannot be taken for anything else.
pub fn is_sound(cue: &Cue) -> bool {
    let lines_hold = cue.text.split('\n').all(|line| !line.trim().is_empty() && !line.contains("-->"));
    cue.start_ms < cue.end_ms && lines_hold && !cue.text.contains(['\r', '\0'])
}

/// A timestamp as cues have it.
pub fn stamp(ms: u64) -> String {
    let at = Duration::from_millis(ms);
    let seconds = at.as_secs();
    format!("{:02}:{:02}:{:02}.{:03}", seconds / 3600, seconds / 60 % 60, seconds % 60, at.subsec_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cue(start_ms: u64, end_ms: u64, text: &str) -> Cue {
        Cue { start_ms, end_ms, place: CuePlace::Bottom, text: text.into() }
    }

    fn text(cues: &[Cue], from_ms: u64, to_ms: u64) -> String {
        String::from_utf8(segment(cues, from_ms, to_ms)).unwrap()
    }

    #[test]
    fn a_cue_stands_in_every_segment_that_it_touches_with_its_own_times() {
        let cues = [cue(5_000, 7_000, "over"), Cue { place: CuePlace::Top, ..cue(3_661_001, 3_662_000, "late") }];
        let over = "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0\n\n00:00:05.000 --> 00:00:07.000\nover\n";
        assert_eq!(text(&cues, 0, 6_000), over);
        assert_eq!(text(&cues, 6_000, 12_000), over);
        assert_eq!(text(&cues, 12_000, 18_000), HEADER);
        assert!(text(&cues, 3_660_000, 3_666_000).ends_with("\n01:01:01.001 --> 01:01:02.000 line:0\nlate\n"));
    }

    #[test]
    fn a_cue_belongs_to_the_instants_from_its_start_to_before_its_end() {
        let cues = [cue(6_000, 12_000, "x")];
        assert_eq!(text(&cues, 0, 6_000), HEADER);
        assert_ne!(text(&cues, 0, 6_001), HEADER);
        assert_ne!(text(&cues, 11_999, 18_000), HEADER);
        assert_eq!(text(&cues, 12_000, 18_000), HEADER);
    }

    #[test]
    fn what_would_end_a_cue_early_is_not_sound() {
        assert!(is_sound(&cue(0, 1, "one\ntwo")));
        for wrong in ["", "one\n\ntwo", "one\n", "a --> b", "one\r"] {
            assert!(!is_sound(&cue(0, 1, wrong)), "{wrong:?}");
        }
        assert!(!is_sound(&cue(1, 1, "x")));
    }
}
