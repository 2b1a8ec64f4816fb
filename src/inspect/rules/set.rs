//! The Media Playlists of a presentation against each other.

use crate::inspect::check;
use crate::inspect::presentation::{LoadedPlaylist, Presentation, SegmentForm};
use crate::inspect::report::Findings;

/// Sound may begin at the first frame after the picture, and end up to half a second before it.
const LENGTH_SLACK_S: f64 = 1.0;
const DECIMALS_S: f64 = 0.001;

pub fn check(presentation: &Presentation, findings: &mut Findings) {
    check_target_durations(&presentation.playlists, findings);
    check_boundaries(&presentation.playlists, findings);
    check_times(&presentation.playlists, findings);
    check_lengths(&presentation.playlists, findings);
}

fn whole(playlists: &[LoadedPlaylist]) -> impl Iterator<Item = &LoadedPlaylist> {
    playlists.iter().filter(|playlist| !playlist.media.is_iframes_only)
}

fn check_target_durations(playlists: &[LoadedPlaylist], findings: &mut Findings) {
    let is_exempt = |playlist: &LoadedPlaylist| {
        playlist.form == SegmentForm::WebVtt && playlist.media.playlist_type.as_deref() == Some("VOD")
    };
    let mut first: Option<(&str, u64)> = None;
    for playlist in whole(playlists).filter(|playlist| !is_exempt(playlist)) {
        let Some(target) = playlist.media.target_duration_s else { continue };
        let (other, expected) = *first.get_or_insert((&playlist.subject, target));
        if target != expected {
            let message = format!("It is {target} s, and that of {other} is {expected} s.");
            findings.note(check::TARGET_DURATION_DIFFERS, &playlist.subject, "", message);
        }
    }
}

/// All video begins its segments at the same instants.
fn check_boundaries(playlists: &[LoadedPlaylist], findings: &mut Findings) {
    let mut first: Option<(&str, Vec<f64>)> = None;
    // Of a playlist that could not be read whole something else is wrong.
    let is_read = |playlist: &LoadedPlaylist| {
        let sampled = playlist.fragmented().filter(|(_, facts, _)| facts.samples > 0).count();
        sampled == playlist.media.segments.len()
    };
    for playlist in whole(playlists).filter(|playlist| playlist.is_video() && is_read(playlist)) {
        let starts: Vec<f64> = playlist
            .fragmented()
            .filter(|(_, facts, _)| facts.samples > 0)
            .map(|(_, facts, init)| init.timescale.seconds(facts.start_ticks))
            .collect();
        let Some((other, expected)) = &first else {
            first = Some((&playlist.subject, starts));
            continue;
        };
        let differs = starts.iter().zip(expected).position(|(start, expected)| (start - expected).abs() > DECIMALS_S);
        let message = match differs {
            Some(n) => {
                format!("Segment {n} begins at {:.3} s, and that of {other} at {:.3} s.", starts[n], expected[n])
            }
            None if starts.len() != expected.len() => {
                format!("It has {} segments, and {other} has {}.", starts.len(), expected.len())
            }
            None => continue,
        };
        findings.note(check::BOUNDARIES_DIFFER, &playlist.subject, "", message);
    }
}

/// The time that samples say against the time in the playlist, both counted from the first video segment. A playlist may
/// begin later than the picture by one sample, as sound does.
fn check_times(playlists: &[LoadedPlaylist], findings: &mut Findings) {
    let first_start = |playlist: &LoadedPlaylist| {
        let (said, facts, init) = playlist.fragmented().find(|(_, facts, _)| facts.samples > 0)?;
        let before = playlist.media.segments.iter().take_while(|segment| segment.line < said.line);
        let elapsed_s: f64 = before.map(|segment| segment.duration_s).sum();
        Some(init.timescale.seconds(facts.start_ticks) - elapsed_s)
    };
    let reference = whole(playlists).filter(|playlist| playlist.is_video()).find_map(first_start);
    let Some(base_s) = reference.or_else(|| whole(playlists).find_map(first_start)) else { return };
    for playlist in playlists {
        // Behind a discontinuity another clock may run.
        let mut elapsed_s = 0.0;
        let starts = playlist.media.segments.iter().map(|segment| {
            let start = elapsed_s;
            elapsed_s += segment.duration_s;
            (segment.line, start)
        });
        let starts: Vec<(usize, f64)> = starts.collect();
        for (said, facts, init) in playlist.fragmented().filter(|(_, facts, _)| facts.samples > 0) {
            if said.is_discontinuity {
                break;
            }
            let Some((line, said_s)) = starts.iter().find(|(line, _)| *line == said.line) else { continue };
            let real_s = init.timescale.seconds(facts.start_ticks) - base_s;
            let slack_s = init.timescale.seconds(i64::from(facts.sample_ticks_max)) + 2.0 * DECIMALS_S;
            let slack_s = if init.is_video() { slack_s } else { slack_s.max(0.1) };
            if (real_s - said_s).abs() > slack_s {
                let message =
                    format!("Its samples begin at {real_s:.3} s, and in the playlist it begins at {said_s:.3} s.");
                findings.note(check::SEGMENT_TIME_WRONG, &playlist.subject, format_args!(":{line}"), message);
            }
        }
    }
}

fn check_lengths(playlists: &[LoadedPlaylist], findings: &mut Findings) {
    let Some(first) = playlists.iter().find(|playlist| playlist.media.has_ended) else { return };
    for playlist in playlists.iter().filter(|playlist| playlist.media.has_ended) {
        let off_s = playlist.duration_s() - first.duration_s();
        if off_s.abs() > LENGTH_SLACK_S {
            let message = format!(
                "It lasts {:.3} s, and {} lasts {:.3} s.",
                playlist.duration_s(),
                first.subject,
                first.duration_s()
            );
            findings.note(check::LENGTH_DIFFERS, &playlist.subject, "", message);
        }
    }
}
