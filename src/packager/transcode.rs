//! Everything of a plan that is not copied, in one pass: one demuxer, one video decoder, all tracks at once.
//!
//! ```text
//! packets ─┬─ decoder → filters (scaled once per rung) ─→ a thread per rung: libx264 → writer
//!          ├─ words → cues
//!          └─ audio → decoder → stereo, 5.1 → AAC ──────→ writers
//! ```

use std::fs::File;
use std::path::Path;

use crate::base::error::{Error, Result};
use crate::media::rendition::TrackMedia;
use crate::packager::audio::{AudioSettings, EncodedAudio, EncodedTrack};
use crate::packager::libav;
use crate::packager::plan::Plan;
use crate::packager::probe::{self, AudioSource, Source, TextPlace};
use crate::packager::protocol::TrackDraft;
use crate::packager::refusal::Refusal;
use crate::packager::scan::Scan;
use crate::packager::subtitle::{Said, TextTrack};
use crate::packager::video::EncodedVideo;
use crate::packager::{sidecar, text_file};

/// What was written beside the tracks that the plan names.
#[derive(Default)]
pub struct Written {
    /// The text tracks that have something to say.
    pub text: Vec<TrackDraft>,
    pub warnings: Vec<String>,
}

impl Written {
    pub fn add(&mut self, more: Written) {
        self.text.extend(more.text);
        self.warnings.extend(more.warnings);
    }
}

/// Writes the tracks of `plan` that are not copied into `dir`. `on_resume` gets the second of the film from which on
/// pictures are still to be encoded, where an earlier worker was killed.
pub fn run(
    file: &File,
    dir: &Path,
    source: &Source,
    scan: &Scan,
    plan: &Plan,
    on_resume: impl FnOnce(f64),
    mut on_progress: impl FnMut(f64),
) -> Result<Written> {
    if plan.is_copied() {
        return Ok(Written::default());
    }
    let mut input = probe::demux(file)?;
    let mut encoded = if plan.encoded.is_empty() {
        None
    } else {
        let stream = input.stream(source.video.stream).ok_or_else(changed)?;
        let decoder = probe::open_decoder(&stream)?;
        Some(EncodedVideo::start(dir, file, decoder, &source.video, scan, plan)?)
    };
    if let Some(at) = encoded.as_ref().and_then(EncodedVideo::resumes_at) {
        on_resume(scan.timescale.seconds(at));
    }
    let settings = AudioSettings::new(dir, scan, plan);
    let mut encoded_audio = Vec::new();
    for audio in plan.audio.iter().filter(|audio| !audio.is_copied()) {
        let Some(from) = source.audio.get(audio.source) else { continue };
        let track = EncodedTrack::start(audio, from, &settings)?;
        let made_of = |(source, _): &&mut (&AudioSource, EncodedAudio)| std::ptr::eq(*source, from);
        if let Some((_, encoded)) = encoded_audio.iter_mut().find(made_of) {
            encoded.add(track);
            continue;
        }
        let encoded = if let Some(beside) = &from.beside {
            beside.with_stream(from.stream, |stream| EncodedAudio::start(from, stream, &settings, track))?
        } else {
            let stream = input.stream(from.stream).ok_or_else(changed)?;
            EncodedAudio::start(from, &stream, &settings, track)?
        };
        encoded_audio.push((from, encoded));
    }
    let end_ms = scan.end_ms();
    let mut text = Vec::new();
    for words in &plan.text {
        let Some(from) = source.text.get(words.source) else { continue };
        match &from.place {
            TextPlace::Stream(place) => {
                let stream = input.stream(*place).ok_or_else(changed)?;
                text.push((Some(*place), words, TextTrack::start(from, &stream, scan.origin, end_ms)?));
            }
            TextPlace::File { name, text: file } => {
                text.push((None, words, sidecar::read(from, name, file, end_ms)?));
            }
            TextPlace::Captions(cues) => text.push((None, words, TextTrack::of_cues(from, cues, end_ms))),
        }
    }
    let needs_film = encoded.is_some()
        || encoded_audio.iter().any(|(source, _)| source.beside.is_none())
        || text.iter().any(|(stream, ..)| stream.is_some());
    while needs_film && let Some(packet) = libav::next_packet(&mut input).map_err(libav::fault("reading the film"))? {
        let from = packet.stream();
        if from == source.video.stream {
            if let Some(pts) = packet.pts() {
                on_progress(scan.timescale.seconds(scan.origin.since(pts, source.video.time_base, scan.timescale)));
            }
            if let Some(encoded) = &mut encoded {
                encoded.push(&packet)?;
            }
            continue;
        }
        if let Some((_, track)) = encoded_audio.iter_mut().find(|(source, _)| source.is_of_film(from)) {
            track.push(&packet)?;
        }
        if let Some((_, _, track)) = text.iter_mut().find(|(stream, ..)| *stream == Some(from)) {
            track.push(&packet);
        }
    }
    for (source, track) in &mut encoded_audio {
        if let Some(beside) = &source.beside {
            beside.each_packet(source.stream, |packet| {
                on_progress(scan.timescale.seconds(scan.end));
                track.push(&packet)
            })?;
        }
    }
    let mut warnings = Vec::new();
    let mut damaged = 0;
    if let Some(encoded) = encoded {
        damaged += encoded.finish()?;
    }
    for (_, track) in encoded_audio {
        let heard = track.finish()?;
        damaged += heard.damaged;
        warnings.extend(heard.warning);
    }
    if damaged > 0 {
        warnings.push(format!("{damaged} packets of the film were damaged and are missing from the encoded tracks."));
    }
    let mut drafts = Vec::new();
    for (_, words, track) in text {
        let Said { cues, left_out, reason } = track.finish();
        if left_out > 0 {
            let reason = reason.map_or(String::new(), |reason| format!(": {reason}"));
            warnings.push(format!("{left_out} packets of the subtitles {} could not be read{reason}.", words.id));
        }
        if cues.is_empty() {
            warnings.push(format!("The subtitles {} have no words and are left out.", words.id));
            continue;
        }
        text_file::leave_cues(dir, &words.id, &cues)?;
        drafts.push(TrackDraft {
            id: words.id.clone(),
            is_copied: false,
            media: TrackMedia::Text(words.index.clone()),
        });
    }
    Ok(Written { text: drafts, warnings })
}

fn changed() -> Error {
    Refusal::InputDamaged.error("The film changes as it is read.")
}
