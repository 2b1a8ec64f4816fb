//! The pass that copies: the top rung and the sound that the plan takes over sample by sample. It goes first, and alone,
//! for it takes seconds where encoding takes hours.

use std::fs::File;
use std::path::Path;

use crate::base::error::Result;
use crate::base::limits;
use crate::packager::audio::{AudioSettings, CopiedAudio};
use crate::packager::captions::Captions;
use crate::packager::film_reader::{PlainFilm, SampleTaken};
use crate::packager::libav;
use crate::packager::plan::Plan;
use crate::packager::probe::{self, AudioSource, Source};
use crate::packager::scan::Scan;
use crate::packager::video::CopiedVideo;

/// The tracks that are written, those of sound each with what it comes from.
struct Tracks<'a> {
    video: Option<CopiedVideo<'a>>,
    audio: Vec<(&'a AudioSource, CopiedAudio)>,
}

impl<'a> Tracks<'a> {
    fn start(dir: &Path, source: &'a Source, scan: &'a Scan, plan: &Plan) -> Result<Tracks<'a>> {
        let start_video = |id| CopiedVideo::start(dir, id, &source.video, scan, &plan.grid);
        let video = plan.copied.as_deref().map(start_video).transpose()?;
        let settings = AudioSettings::new(dir, scan, plan);
        let mut audio = Vec::new();
        for copied in plan.audio.iter().filter(|audio| audio.is_copied()) {
            if let (Some(from), Some(found)) = (source.audio.get(copied.source), scan.audio.get(copied.source)) {
                audio.push((from, CopiedAudio::start(copied, from, found, &settings)?));
            }
        }
        Ok(Tracks { video, audio })
    }

    /// What is in the film is taken from it as it lies there.
    fn copy_from(&mut self, film: &PlainFilm) -> Result<()> {
        if let Some(video) = &mut self.video {
            video.copy_from(film.file())?;
        }
        for (source, track) in &mut self.audio {
            if source.beside.is_none() {
                track.copy_from(film.file())?;
            }
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.video.is_none() && self.audio.is_empty()
    }

    fn finish(self) -> Result<()> {
        if let Some(video) = self.video {
            video.finish()?;
        }
        self.audio.into_iter().try_for_each(|(_, track)| track.finish())
    }
}

/// Writes the copied tracks of `plan` into `dir`, and finds the captions in the pictures of a plain film. `on_progress`
/// gets the seconds of film passed.
pub fn run(
    file: &File,
    dir: &Path,
    source: &Source,
    scan: &Scan,
    plan: &Plan,
    plain: Option<&PlainFilm>,
    mut on_progress: impl FnMut(f64),
) -> Result<Option<Captions>> {
    let mut tracks = Tracks::start(dir, source, scan, plan)?;
    let in_picture = source.captions.iter().find(|captions| captions.stream == source.video.stream);
    let mut captions = plain.and(in_picture).map(|source| Captions::of(source.clone(), scan.origin));
    if tracks.is_empty() && captions.is_none() {
        return Ok(None);
    }
    if let Some(film) = plain {
        tracks.copy_from(film)?;
    }
    let wanted = |stream| {
        ((tracks.video.is_some() || captions.is_some()) && stream == source.video.stream)
            || tracks.audio.iter().any(|(source, _)| source.is_of_film(stream))
    };
    let wanted: Vec<usize> = (0..limits::FILM_STREAMS_MAX).filter(|&stream| wanted(stream)).collect();
    let mut take = |stream: usize, sample: SampleTaken| {
        if stream == source.video.stream {
            if let Some(pts) = sample.pts {
                on_progress(scan.timescale.seconds(scan.origin.since(pts, source.video.time_base, scan.timescale)));
            }
            if let (Some(captions), Some(film)) = (&mut captions, plain) {
                captions.take(sample.pts, &film.before_slices(&sample.payload)?);
            }
            tracks.video.as_mut().map_or(Ok(()), |video| video.push(sample))
        } else if let Some((_, track)) = tracks.audio.iter_mut().find(|(source, _)| source.is_of_film(stream)) {
            track.push(sample)
        } else {
            Ok(())
        }
    };
    if let Some(film) = plain {
        film.each_taken(|stream| wanted.contains(&stream), take)?;
    } else {
        let mut input = probe::demux(file)?;
        while let Some(packet) = libav::next_packet(&mut input).map_err(libav::fault("reading the film"))? {
            take(packet.stream(), packet.into())?;
        }
    }
    for (source, track) in &mut tracks.audio {
        if let Some(beside) = &source.beside {
            beside.each_packet(source.stream, |packet| track.push(packet.into()))?;
        }
    }
    tracks.finish()?;
    Ok(captions)
}
