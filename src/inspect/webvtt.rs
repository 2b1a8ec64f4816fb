//! A WebVTT segment (RFC 8216bis, 3.5) as it is read: its header, the map of its clock, its cues.

use crate::inspect::check;
use crate::inspect::segment::Fault;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebVttSegment {
    /// What is added to a cue's time to get media time, in milliseconds.
    pub shift_ms: i64,
    pub cues: Vec<SegmentCue>,
    pub faults: Vec<Fault>,
}

/// A cue in media time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentCue {
    pub start_ms: i64,
    pub end_ms: i64,
    pub text: String,
}

const ARROW: &str = "-->";
/// MPEG-2 timestamps count 90 in a millisecond.
const MPEG_TICKS_PER_MS: i64 = 90;

impl WebVttSegment {
    pub fn read(bytes: &[u8]) -> WebVttSegment {
        let mut segment = WebVttSegment::default();
        let text = String::from_utf8_lossy(bytes);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text).replace("\r\n", "\n");
        let mut blocks = text.split("\n\n").map(|block| block.trim_matches('\n'));
        let header = blocks.next().unwrap_or_default();
        let mut header_lines = header.lines();
        let first = header_lines.next().unwrap_or_default();
        if first != "WEBVTT" && !first.starts_with("WEBVTT ") && !first.starts_with("WEBVTT\t") {
            segment.faults.push((check::WEBVTT_HEADER, "It begins with something else.".to_owned()));
            return segment;
        }
        match header_lines.find_map(|line| line.strip_prefix("X-TIMESTAMP-MAP=")) {
            None => segment.faults.push((check::TIMESTAMP_MAP_MISSING, "Its header has none.".to_owned())),
            Some(map) => match shift_ms(map) {
                Some(shift_ms) => segment.shift_ms = shift_ms,
                None => segment.faults.push((check::TIMESTAMP_MAP_WRONG, "It cannot be read.".to_owned())),
            },
        }
        for block in blocks.filter(|block| block.contains(ARROW)) {
            let mut lines = block.lines().skip_while(|line| !line.contains(ARROW));
            let times = lines.next().unwrap_or_default();
            match timings(times) {
                Some((start, end)) if start < end => segment.cues.push(SegmentCue {
                    start_ms: start + segment.shift_ms,
                    end_ms: end + segment.shift_ms,
                    text: lines.collect::<Vec<_>>().join("\n"),
                }),
                Some(_) => segment.faults.push((check::CUE_INVALID, "A cue ends before it begins.".to_owned())),
                None => segment.faults.push((check::CUE_INVALID, "A cue's timings cannot be read.".to_owned())),
            }
        }
        segment
    }
}

/// `LOCAL:00:00:00.000,MPEGTS:900000`, in either order.
fn shift_ms(map: &str) -> Option<i64> {
    let (mut local, mut mpeg) = (None, None);
    for part in map.split(',') {
        match part.trim().split_once(':')? {
            ("LOCAL", time) if local.is_none() => local = Some(stamp_ms(time)?),
            ("MPEGTS", ticks) if mpeg.is_none() => {
                mpeg = Some(ticks.parse::<u64>().ok().filter(|&ticks| ticks < 1 << 33)? as i64);
            }
            _ => return None,
        }
    }
    Some(mpeg? / MPEG_TICKS_PER_MS - local?)
}

fn timings(line: &str) -> Option<(i64, i64)> {
    let (start, rest) = line.split_once(ARROW)?;
    Some((stamp_ms(start.trim())?, stamp_ms(rest.split_whitespace().next()?)?))
}

/// `[HH:]MM:SS.mmm`
fn stamp_ms(text: &str) -> Option<i64> {
    let (clock, millis) = text.split_once('.')?;
    let number = |text: &str| text.parse::<u32>().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    let mut seconds = 0_i64;
    let parts: Vec<&str> = clock.split(':').collect();
    if !(2..=3).contains(&parts.len()) || millis.len() != 3 {
        return None;
    }
    for part in parts {
        seconds = seconds * 60 + i64::from(number(part)?);
    }
    Some(seconds * 1000 + i64::from(number(millis)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<&'static str> {
        WebVttSegment::read(text.as_bytes()).faults.iter().map(|(check, _)| check.id).collect()
    }

    #[test]
    fn cues_are_moved_by_the_map() {
        let text = "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:01.000\n\nNOTE x\n\n1\n00:02.000 --> 01:00:03.500 line:0\none\ntwo\n";
        let segment = WebVttSegment::read(text.as_bytes());
        assert_eq!((segment.shift_ms, &segment.faults), (9_000, &vec![]));
        let cue = SegmentCue { start_ms: 11_000, end_ms: 3_612_500, text: "one\ntwo".into() };
        assert_eq!(segment.cues, [cue]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let map = "X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0";
        assert_eq!(faults("1\n00:00.000 --> 00:01.000\nx"), ["WEBVTT_HEADER"]);
        assert_eq!(faults("WEBVTT\n"), ["TIMESTAMP_MAP_MISSING"]);
        for wrong in ["LOCAL:0,MPEGTS:0", "LOCAL:00:00:00.000", "MPEGTS:x,LOCAL:00:00:00.000"] {
            assert_eq!(faults(&format!("WEBVTT\nX-TIMESTAMP-MAP={wrong}\n")), ["TIMESTAMP_MAP_WRONG"], "{wrong}");
        }
        for wrong in ["00:02.000 --> 00:01.000", "00:02 --> 00:03.000", "a --> b", "00:00.0 --> 00:01.000"] {
            assert_eq!(faults(&format!("WEBVTT\n{map}\n\n{wrong}\nx\n")), ["CUE_INVALID"], "{wrong}");
        }
    }
}
