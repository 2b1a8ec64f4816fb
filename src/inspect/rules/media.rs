//! One Media Playlist against its segments.

use crate::inspect::check;
use crate::inspect::presentation::{LoadedPlaylist, LoadedSegment};
use crate::inspect::report::Findings;
use crate::inspect::webvtt::SegmentCue;

/// What EXTINF may lose to being written in decimals.
const DECIMALS_S: f64 = 0.001;
/// The times of cues and of EXTINF are both rounded to milliseconds.
const CUE_SLACK_MS: i64 = 1;

pub fn check(playlist: &LoadedPlaylist, is_presentation_independent: bool, findings: &mut Findings) {
    check_ends(playlist, findings);
    check_target_duration(playlist, findings);
    check_durations(playlist, findings);
    check_sync(playlist, is_presentation_independent, findings);
    check_joins(playlist, findings);
    check_cues(playlist, findings);
}

fn check_ends(playlist: &LoadedPlaylist, findings: &mut Findings) {
    let media = &playlist.media;
    match media.playlist_type.as_deref() {
        None if media.has_ended => {
            let message = "It has ended and has no type.".to_owned();
            findings.note(check::PLAYLIST_TYPE_MISSING, &playlist.subject, "", message);
        }
        Some("VOD") if !media.has_ended => {
            findings.note(check::ENDLIST_MISSING, &playlist.subject, "", "It has no EXT-X-ENDLIST.".to_owned());
        }
        _ => {}
    }
}

fn check_target_duration(playlist: &LoadedPlaylist, findings: &mut Findings) {
    let Some(target) = playlist.media.target_duration_s else {
        findings.note(check::TARGET_DURATION_MISSING, &playlist.subject, "", "It has none.".to_owned());
        return;
    };
    for segment in &playlist.media.segments {
        if segment.duration_s.round() > target as f64 {
            let message = format!("It lasts {} s, and the target duration is {target} s.", segment.duration_s);
            findings.note(
                check::TARGET_DURATION_EXCEEDED,
                &playlist.subject,
                format_args!(":{}", segment.line),
                message,
            );
        }
    }
}

/// EXTINF against the samples. What an I-frame playlist says is how long its picture is shown, not its sample's duration.
fn check_durations(playlist: &LoadedPlaylist, findings: &mut Findings) {
    if playlist.media.is_iframes_only {
        return;
    }
    let mut drift_s = 0.0_f64;
    let mut is_told = false;
    let mut last = None;
    for (said, facts, init) in playlist.fragmented().filter(|(_, facts, _)| facts.samples > 0) {
        let scale = f64::from(init.timescale.per_second());
        let real_s = facts.duration_ticks as f64 / scale;
        let sample_s = f64::from(facts.sample_ticks_max) / scale;
        let off_s = said.duration_s - real_s;
        drift_s += off_s;
        last = Some((said.line, sample_s));
        if off_s.abs() > sample_s + DECIMALS_S {
            is_told = true;
            let message = format!("It says {} s, and the samples last {real_s:.6} s.", said.duration_s);
            findings.note(check::EXTINF_WRONG, &playlist.subject, format_args!(":{}", said.line), message);
        }
    }
    if let Some((line, sample_s)) = last
        && drift_s.abs() > sample_s + DECIMALS_S
        && !is_told
    {
        let message = format!("All together are {drift_s:.3} s off.");
        findings.note(check::EXTINF_WRONG, &playlist.subject, format_args!(":{line}"), message);
    }
}

fn check_sync(playlist: &LoadedPlaylist, is_presentation_independent: bool, findings: &mut Findings) {
    let says_so = is_presentation_independent || playlist.media.is_independent;
    if playlist.media.is_iframes_only {
        check_iframes(playlist, findings);
        return;
    }
    if playlist.is_video() && !says_so {
        findings.note(check::INDEPENDENT_SEGMENTS_MISSING, &playlist.subject, "", "Nothing says so.".to_owned());
    }
    for (said, facts, _) in playlist.fragmented().filter(|(_, facts, init)| init.is_video() && facts.samples > 0) {
        if !facts.begins_with_sync {
            let check = if says_so { check::INDEPENDENT_SEGMENTS_FALSE } else { check::SEGMENT_NOT_SYNC };
            let message = "Its first sample needs earlier ones.".to_owned();
            findings.note(check, &playlist.subject, format_args!(":{}", said.line), message);
        }
    }
}

fn check_iframes(playlist: &LoadedPlaylist, findings: &mut Findings) {
    for (said, facts, _) in playlist.fragmented().filter(|(_, facts, _)| facts.samples > 0) {
        let is_sealed = said.key.is_some_and(|key| playlist.media.keys[key].method == "AES-128");
        let padding = if is_sealed { 16 } else { 0 };
        let is_exact = (facts.first_sample_end..=facts.first_sample_end + padding).contains(&facts.bytes);
        if !facts.begins_with_sync || !is_exact {
            let message = format!(
                "It has {} bytes, and its first sample, {} sync sample, ends at byte {}.",
                facts.bytes,
                if facts.begins_with_sync { "a" } else { "no" },
                facts.first_sample_end
            );
            findings.note(check::IFRAME_NOT_SINGLE, &playlist.subject, format_args!(":{}", said.line), message);
        }
    }
}

/// Each segment begins where the one before it ends. Where a segment is missing, nothing is known of the next.
fn check_joins(playlist: &LoadedPlaylist, findings: &mut Findings) {
    if playlist.media.is_iframes_only {
        return;
    }
    let mut before: Option<(u64, u64, Option<usize>)> = None;
    for (said, facts, init) in playlist.fragmented() {
        let Some(time) = facts.decode_time else {
            before = None;
            continue;
        };
        if let Some((msn, end, map)) = before
            && msn + 1 == said.msn
            && map == said.map
            && !said.is_discontinuity
            && end != time
        {
            let off_s = (time as f64 - end as f64) / f64::from(init.timescale.per_second());
            let message = format!("It begins {off_s:+.3} s from where the one before it ends.");
            findings.note(check::SEGMENT_TIME_GAP, &playlist.subject, format_args!(":{}", said.line), message);
        }
        before = Some((said.msn, time.saturating_add(facts.duration_ticks), said.map));
    }
}

/// Cues touch their segment and are in every one they touch. Their clock is that of the first segment's begin, 0.
fn check_cues(playlist: &LoadedPlaylist, findings: &mut Findings) {
    let mut start_s = 0.0;
    let mut previous: Vec<&SegmentCue> = Vec::new();
    for (said, loaded) in playlist.media.segments.iter().zip(&playlist.segments) {
        let from_ms = (start_s * 1000.0_f64).round() as i64;
        start_s += said.duration_s;
        let to_ms = (start_s * 1000.0_f64).round() as i64;
        let LoadedSegment::WebVtt { segment, .. } = loaded else {
            previous.clear();
            continue;
        };
        let place = format!(":{}", said.line);
        for cue in &segment.cues {
            if cue.end_ms < from_ms - CUE_SLACK_MS || cue.start_ms > to_ms + CUE_SLACK_MS {
                let message = format!(
                    "A cue of {} to {} ms stands in the segment of {from_ms} to {to_ms} ms.",
                    cue.start_ms, cue.end_ms
                );
                findings.note(check::CUE_OUTSIDE, &playlist.subject, &place, message);
            }
        }
        let reaching = previous.iter().filter(|cue| cue.end_ms > from_ms + CUE_SLACK_MS && cue.start_ms < from_ms);
        for cue in reaching {
            let is_there = segment.cues.iter().any(|other| other.text == cue.text && other.end_ms == cue.end_ms);
            if !is_there {
                let message = format!("A cue of {} to {} ms ends in here and is missing.", cue.start_ms, cue.end_ms);
                findings.note(check::CUE_MISSING, &playlist.subject, &place, message);
            }
        }
        previous = segment.cues.iter().collect();
    }
}

/// The frame rate of a video playlist: the shortest sample that is not the last of a segment. `None` without samples.
pub fn frame_rates(playlist: &LoadedPlaylist) -> Option<(f64, f64)> {
    let mut shortest: Option<f64> = None;
    let (mut samples, mut seconds) = (0.0, 0.0);
    for (_, facts, init) in playlist.fragmented().filter(|(_, facts, _)| facts.samples > 0) {
        let scale = f64::from(init.timescale.per_second());
        let sample_s = f64::from(facts.sample_ticks_min) / scale;
        shortest = Some(shortest.map_or(sample_s, |shortest| shortest.min(sample_s)));
        samples += facts.samples as f64;
        seconds += facts.duration_ticks as f64 / scale;
    }
    let shortest = shortest.filter(|_| seconds > 0.0)?;
    Some((samples / seconds, 1.0 / shortest))
}
