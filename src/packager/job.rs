//! The supervisor of one packaging job. It opens the film, starts a worker, follows what it says, and publishes what it
//! wrote only after reading it back. Dropping the job or cancelling it kills the worker and keeps what another job for the
//! same folder can go on with; any failure leaves nothing.
//!
//! ```text
//! checks → staging folder → worker ──(progress)──→ index read back → playlists, index.json → rename
//!              └──────────────── any failure: kill, remove ────────────────┘
//! ```

use std::fs::{self, File};
use std::future::Future;
use std::io::{Read, Write};
use std::num::NonZero;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::clock::{Clock, UtcMs};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::limits;
use crate::base::protection::ProtectionScheme;
use crate::catalog::asset::SourceSummary;
use crate::hls;
use crate::hls::build::{self, Form, Sealed};
use crate::media::chapters;
use crate::media::protect::ContentKey;
use crate::media::rendition::{AssetIndex, TrackIndex, TrackMedia};
use crate::media::storyboard::Storyboard;
use crate::media::timeline::Timeline;
use crate::packager::growing::{GrowingTracks, Grown};
use crate::packager::inputs::{SidecarKind, open_input, open_sidecars};
use crate::packager::protocol::{
    CardTrack, PICTURE_FILE, PackageOrder, SelfTest, SidecarOrder, WorkerMessage, WorkerOrder, WorkerReport,
};
use crate::packager::refusal::{self, Refusal};
use crate::packager::sealing::Sealing;
use crate::packager::staging::Staging;
use crate::packager::worker_process::Worker;
use crate::packager::{card, readback, text_file};

pub use crate::media::language::is_tag as is_language_tag;
pub use crate::packager::encoder::VideoCodec;
pub use crate::packager::protocol::{CardText, Encoding, FilmReader, Phase, PictureShape};

/// What to package, and where to.
#[derive(Clone, Debug)]
pub struct PackageRequest {
    pub input: PathBuf,
    /// Must not exist, or be empty.
    pub out_dir: PathBuf,
    pub encoding: Encoding,
    /// [`FilmReader::Marquee`] where it can, and libav otherwise; or always libav.
    pub reader: FilmReader,
    /// Whether to make poster and storyboard; a film of the server has them.
    pub pictures: bool,
    /// What rungs are encoded in, the first the one that players without a preference begin with; none twice.
    pub codecs: Vec<VideoCodec>,
    /// AAC, AC-3, E-AC-3, MP3, Opus, Vorbis, FLAC, ALAC or PCM; at most [`limits::AUDIO_TRACKS_MAX`].
    pub audio: Vec<SidecarFile>,
    /// SubRip, ASS, WebVTT or TTML; at most [`limits::TEXT_TRACKS_MAX`].
    pub subtitles: Vec<SidecarFile>,
    /// None for a clear package.
    pub sealing: Option<Sealing>,
    /// The `marquee-worker` program.
    pub worker: PathBuf,
    /// A worker that says nothing for this long is killed.
    pub silence_max: Duration,
}

/// Sound or subtitles in a file of their own. Their times count from the film's first picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SidecarFile {
    /// BCP 47 or ISO 639.
    pub language: String,
    pub path: PathBuf,
    /// What people are told of it.
    pub name: String,
}

impl PackageRequest {
    pub fn new(
        worker: impl Into<PathBuf>,
        input: impl Into<PathBuf>,
        out_dir: impl Into<PathBuf>,
        encoding: Encoding,
    ) -> PackageRequest {
        PackageRequest {
            input: input.into(),
            out_dir: out_dir.into(),
            encoding,
            reader: FilmReader::Marquee,
            pictures: true,
            codecs: vec![VideoCodec::H264],
            audio: Vec::new(),
            subtitles: Vec::new(),
            sealing: None,
            worker: worker.into(),
            silence_max: limits::WORKER_SILENCE_MAX,
        }
    }
}

/// The worker that is installed beside this program: libav is linked to it, and to nothing that faces a network.
pub fn worker_program() -> Result<PathBuf> {
    let own = std::env::current_exe()
        .map_err(|error| Error::internal("this program does not know its own path").with_source(error))?;
    let worker = own.with_file_name("marquee-worker");
    if worker.is_file() {
        return Ok(worker);
    }
    let message = format!("{} is missing; install it beside this program.", worker.display());
    Err(Error::new(ErrorKind::Config, "WORKER_MISSING", message))
}

/// How far a job is. Seconds of film, except `eta_s`, which is seconds of waiting.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Progress {
    pub phase: Phase,
    pub done_s: f64,
    pub total_s: f64,
    /// Seconds of film per second, over this phase.
    pub speed: f64,
    pub eta_s: Option<f64>,
    /// What was found in the film, once it is known.
    #[serde(skip)]
    pub source: Option<Arc<SourceSummary>>,
    /// What can be played already, if anything can.
    #[serde(skip)]
    pub grown: Option<Arc<Grown>>,
}

/// A film that is packaged whole in a folder that has no name yet. Dropped, it keeps what another job for the same folder
/// can go on with.
#[derive(Debug)]
pub struct Prepared {
    staging: Staging,
    sealing: Option<(Sealing, ContentKey)>,
    pub reader: FilmReader,
    pub index: AssetIndex,
    pub source: Option<Arc<SourceSummary>>,
    /// The tracks whose samples are those of the source.
    pub copied: Vec<String>,
    pub warnings: Vec<String>,
    /// From which second of the film on pictures were encoded, where an earlier job for the same folder was stopped.
    pub resumed_at_s: Option<f64>,
}

/// A published folder.
#[derive(Clone, Debug, Serialize)]
pub struct Packaged {
    pub dir: PathBuf,
    /// What took the samples out of the film.
    pub reader: FilmReader,
    pub index: AssetIndex,
    #[serde(skip)]
    pub source: Option<Arc<SourceSummary>>,
    /// The tracks whose samples are those of the source.
    #[serde(skip)]
    pub copied: Vec<String>,
    pub warnings: Vec<String>,
    /// From which second of the film on pictures were encoded, where an earlier job for the same folder was stopped.
    pub resumed_at_s: Option<f64>,
    pub elapsed_s: f64,
}

/// Packages a film into a folder of its own. `cancel` ends the job with `CANCELLED` when it completes.
pub async fn package(
    request: PackageRequest,
    mut on_progress: impl FnMut(&Progress),
    cancel: impl Future<Output = ()>,
) -> Result<Packaged> {
    let clock = Clock::system();
    let prepared = prepare(request, &mut on_progress, cancel).await?;
    let publishing = tokio::task::spawn_blocking(move || prepared.publish(clock.monotonic()));
    let packaged = publishing.await.map_err(|error| Error::internal("publishing panicked").with_source(error))??;
    let total_s = packaged.index.duration_ms as f64 / 1e3;
    let (phase, done_s, speed, eta_s) = (Phase::Finished, total_s, 0.0, None);
    on_progress(&Progress { phase, done_s, total_s, speed, eta_s, source: None, grown: None });
    Ok(packaged)
}

/// Does everything but give the folder its name.
pub async fn prepare(
    request: PackageRequest,
    mut on_progress: impl FnMut(&Progress),
    cancel: impl Future<Output = ()>,
) -> Result<Prepared> {
    let clock = Clock::system();
    check_codecs(&request)?;
    let input = open_input(&request.input)?;
    let audio = open_sidecars(&request.audio, SidecarKind::Audio)?;
    let subtitles = open_sidecars(&request.subtitles, SidecarKind::Subtitles)?;
    let sidecars = audio.iter().chain(&subtitles).map(|(file, _)| file);
    let orders = |sidecars: &[(File, SidecarOrder)]| sidecars.iter().map(|(_, order)| order.clone()).collect();
    if let Some(sealing) = &request.sealing {
        sealing.check(&request.out_dir)?;
    }
    let staging = Staging::create(&request.out_dir)?;
    // The worker keeps the folder locked, for it may outlive this process by a moment.
    let files: Vec<&File> = [&input, staging.lock()].into_iter().chain(sidecars).collect();
    // Declared after the folder, so that it is dropped, and the worker killed, before the folder is removed.
    let mut worker = Worker::start(
        &request.worker,
        &WorkerOrder::Package(PackageOrder {
            out_dir: staging.dir().to_owned(),
            film: input.as_raw_fd(),
            encoding: request.encoding,
            reader: request.reader,
            pictures: request.pictures,
            codecs: request.codecs.clone(),
            audio: orders(&audio),
            subtitles: orders(&subtitles),
            cores: thread::available_parallelism().map_or(1, NonZero::get).min(limits::ENCODER_THREADS_MAX),
        }),
        &files,
    )
    .await?;
    let mut warnings = Vec::new();
    let mut pace = Pace::new(clock.clone());
    let size_bytes = input.metadata().map_or(0, |meta| meta.len());
    let name = request.input.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (folder, mut growing, mut resumed_at_s) = (staging.dir().to_owned(), None, None);
    let work = async {
        loop {
            match worker.next(request.silence_max).await? {
                WorkerMessage::Sandboxed(report) if warnings.is_empty() => {
                    warnings.extend(report.warning().map(str::to_owned));
                }
                WorkerMessage::Sandboxed(_) => {}
                WorkerMessage::Found(source) => {
                    pace.source = Some(Arc::new(SourceSummary { name: name.clone(), size_bytes, ..source }));
                }
                WorkerMessage::Planned(planned) => growing = Some(GrowingTracks::new(folder.clone(), planned)?),
                WorkerMessage::Resumed { at_s } => {
                    tracing::info!(film = name, at_s, "encoding goes on where an earlier job was stopped");
                    resumed_at_s = Some(at_s);
                    pace.begins_s = at_s;
                }
                WorkerMessage::Wrote { tracks } => growing.iter_mut().for_each(|growing| growing.done(&tracks)),
                WorkerMessage::Progress { phase, done_s, total_s } => {
                    if let Some(tracks) = growing.take() {
                        growing = look(tracks, &mut pace.grown).await;
                    }
                    on_progress(&pace.at(phase, done_s, total_s));
                }
                WorkerMessage::Done(report) => break Ok(report),
                WorkerMessage::Refused { code, message, internal } => {
                    break Err(Refusal::of_code(&code).error(message).with_internal(internal));
                }
                WorkerMessage::SelfTested(_) | WorkerMessage::Pictured | WorkerMessage::Carded => {
                    break Err(Error::internal("the worker answered another order"));
                }
            }
        }
    };
    let outcome: Result<WorkerReport> = tokio::select! {
        outcome = work => outcome,
        () = cancel => Err(Refusal::Cancelled.error(cancelled(&staging))),
    };
    let report = match outcome {
        Ok(report) => report,
        Err(error) => {
            worker.kill().await;
            let kept = [Refusal::Cancelled, Refusal::WorkerKilled, Refusal::WorkerStalled];
            if !kept.iter().any(|kept| kept.code() == error.code()) {
                staging.discard();
            }
            return Err(error);
        }
    };
    worker.end().await?;
    let length_s = pace.total_s;
    on_progress(&pace.at(Phase::Checking, 0.0, length_s));
    warnings.extend(report.warnings);
    let copied = report.tracks.iter().filter(|draft| draft.is_copied).map(|draft| draft.id.clone()).collect();
    let reader = report.reader;
    let (sealing, grown, now) = (request.sealing, pace.grown.clone(), clock.now());
    let finishing = tokio::task::spawn_blocking(move || {
        let result = readback::index(staging.dir(), report.tracks).and_then(|mut index| {
            if grown.is_some_and(|grown| !grown.growth.has_become(&index)) {
                return Err(Error::internal(
                    "what could be played while the film was packaged is not what was written",
                ));
            }
            // What the worker says is believed no more than what a film says.
            let said = report.chapters.into_iter().map(|chapter| (chapter.start_ms as i64, chapter.title));
            index.chapters = chapters::sound(said, index.duration_ms);
            let sealing = finish(staging.dir(), &mut index, report.storyboard, sealing, now)?;
            Ok((index, sealing))
        });
        match result {
            Ok((index, sealing)) => Ok((staging, index, sealing)),
            Err(error) => {
                staging.discard();
                Err(error)
            }
        }
    });
    let finished = finishing.await.map_err(|error| Error::internal("checking panicked").with_source(error))?;
    let (staging, index, sealing) = finished?;
    let source = pace.source.take();
    Ok(Prepared { staging, sealing, reader, index, source, copied, warnings, resumed_at_s })
}

impl Prepared {
    pub fn dir(&self) -> &Path {
        self.staging.dir()
    }

    /// Removes the folder.
    pub fn discard(self) {
        self.staging.discard();
    }

    /// Gives the folder its name.
    fn publish(self, elapsed: Duration) -> Result<Packaged> {
        let Prepared { staging, sealing, reader, index, source, copied, warnings, resumed_at_s } = self;
        // Before the folder is there: a sealed film without its key is nothing.
        if let Some((sealing, key)) = &sealing {
            sealing.write_key(key)?;
        }
        let published = staging.publish();
        if let (Err(_), Some((sealing, _))) = (&published, &sealing) {
            let _ = fs::remove_file(&sealing.key_file);
        }
        let (dir, elapsed_s) = (published?, elapsed.as_secs_f64());
        Ok(Packaged { dir, reader, index, source, copied, warnings, resumed_at_s, elapsed_s })
    }
}

fn cancelled(staging: &Staging) -> String {
    if staging.can_be_resumed() {
        let dir = staging.dir().display();
        format!(
            "The job was stopped. What it has encoded is kept in {dir}: the same command goes on from there. Remove that \
             folder if you will not."
        )
    } else {
        "The job was cancelled.".to_owned()
    }
}

/// What is asked for and could not be sealed is refused before it is encoded.
fn check_codecs(request: &PackageRequest) -> Result<()> {
    let is_cbcs = request.sealing.as_ref().is_some_and(|sealing| sealing.scheme == ProtectionScheme::Cbcs);
    match request.codecs.iter().find(|&&codec| is_cbcs && codec != VideoCodec::H264) {
        None => Ok(()),
        Some(codec) => {
            let message = format!("A track of {} cannot be sealed with cbcs; choose aes128.", codec.as_str());
            Err(Error::new(ErrorKind::Unsupported, "CBCS_CODEC_UNSUPPORTED", message))
        }
    }
}

/// A picture that is to be written anew.
#[derive(Clone, Debug)]
pub struct PictureRequest {
    pub input: PathBuf,
    pub shape: PictureShape,
    /// Must not exist; it is gone when the answer is there.
    pub scratch: PathBuf,
    /// The `marquee-worker` program.
    pub worker: PathBuf,
}

/// Reads an uploaded picture in a worker and gives it back as a JPEG in its shape.
pub async fn picture(request: &PictureRequest) -> Result<Vec<u8>> {
    let input = match open_input(&request.input) {
        // It is told to whoever sent it, who knows no file of ours.
        Err(error) if error.code() == Refusal::InputEmpty.code() => {
            return Err(Refusal::PictureInvalid.error("This is no picture: it has no bytes."));
        }
        opened => opened?,
    };
    let staging = Staging::create(&request.scratch)?;
    let order =
        WorkerOrder::Picture { out_dir: staging.dir().to_owned(), picture: input.as_raw_fd(), shape: request.shape };
    // After the folder, as above.
    let mut worker = Worker::start(&request.worker, &order, &[&input]).await?;
    loop {
        match worker.next(limits::PICTURE_SILENCE_MAX).await? {
            WorkerMessage::Pictured => break,
            WorkerMessage::Refused { code, message, internal } => {
                return Err(Refusal::of_code(&code).error(message).with_internal(internal));
            }
            _ => {}
        }
    }
    worker.end().await?;
    let mut jpeg = Vec::new();
    File::open(staging.dir().join(PICTURE_FILE))
        .and_then(|file| file.take(limits::POSTER_BYTES_MAX as u64 + 1).read_to_end(&mut jpeg))
        .map_err(refusal::of_write)?;
    if !jpeg.starts_with(&readback::JPEG_START) || jpeg.len() > limits::POSTER_BYTES_MAX {
        return Err(Error::internal("the worker wrote no picture"));
    }
    Ok(jpeg)
}

/// A release card that is to be made.
#[derive(Clone, Debug)]
pub struct CardRequest {
    /// The film that it opens.
    pub film: AssetIndex,
    pub text: CardText,
    pub font: PathBuf,
    /// Must not exist; it holds the card until that is dropped.
    pub scratch: PathBuf,
    /// The `marquee-worker` program.
    pub worker: PathBuf,
}

/// A release card in a folder that is removed with it.
pub struct Card {
    staging: Staging,
    pub index: AssetIndex,
}

impl Card {
    pub fn dir(&self) -> &Path {
        self.staging.dir()
    }
}

/// Makes a release card: one segment of every track that the film has.
pub async fn card(request: CardRequest) -> Result<Card> {
    let CardRequest { film, text, font, scratch, worker } = request;
    let shown = font.display();
    let font = File::open(&font).map_err(|error| {
        let message = format!(
            "There is no font {shown} to write release cards in. Install one with Chinese characters, such as Debian's \
             fonts-noto-cjk."
        );
        Refusal::CardFontMissing.error(message).with_source(error)
    })?;
    let (words, tracks): (Vec<TrackIndex>, Vec<TrackIndex>) = film.tracks.into_iter().partition(TrackIndex::is_text);
    let tracks: Vec<CardTrack> = tracks.into_iter().map(CardTrack::from).collect();
    let staging = Staging::create(&scratch)?;
    let out_dir = staging.dir().to_owned();
    let order = WorkerOrder::Card { out_dir, font: font.as_raw_fd(), text, tracks: tracks.clone() };
    // After the folder, as above.
    let mut worker = Worker::start(&worker, &order, &[&font]).await?;
    loop {
        match worker.next(limits::CARD_SILENCE_MAX).await? {
            WorkerMessage::Carded => break,
            WorkerMessage::Refused { code, message, internal } => {
                return Err(Refusal::of_code(&code).error(message).with_internal(internal));
            }
            _ => {}
        }
    }
    worker.end().await?;
    let reading = tokio::task::spawn_blocking(move || {
        let mut index = readback::index(staging.dir(), card::drafts(&tracks))?;
        for track in words {
            let (Some(picture), TrackMedia::Text(words)) = (index.tracks.first(), track.media) else { continue };
            let silent = text_file::write_cues(staging.dir(), track.id, words, picture, &[])?;
            index.tracks.push(silent);
        }
        Ok(Card { staging, index })
    });
    reading.await.map_err(|error| Error::internal("reading a card back").with_source(error))?
}

/// Starts a worker that tries to break out, and says what it tried and what it is.
pub async fn self_test(worker: &Path) -> Result<SelfTest> {
    let root = std::env::temp_dir().join(format!("marquee-self-test-{}", uuid::Uuid::now_v7().simple()));
    let staging = Staging::create(&root)?;
    let order = WorkerOrder::SelfTest { out_dir: staging.dir().to_owned() };
    let mut worker = Worker::start(worker, &order, &[]).await?;
    loop {
        match worker.next(limits::WORKER_SILENCE_MAX).await? {
            WorkerMessage::SelfTested(test) => return Ok(test),
            WorkerMessage::Refused { code, message, internal } => {
                return Err(Refusal::of_code(&code).error(message).with_internal(internal));
            }
            _ => {}
        }
    }
}

/// Reads the pictures back, clears away what is no part of the package, seals the tracks if they are to be, writes playlists and index.
fn finish(
    dir: &Path,
    index: &mut AssetIndex,
    storyboard: Option<Storyboard>,
    sealing: Option<Sealing>,
    now: UtcMs,
) -> Result<Option<(Sealing, ContentKey)>> {
    if let Some(storyboard) = storyboard {
        readback::storyboard(dir, &storyboard, index.duration_ms)?;
        index.storyboard = Some(storyboard);
    }
    readback::poster(dir)?;
    readback::remove_strange(dir, index)?;
    if let Some(storyboard) = &index.storyboard {
        let text = storyboard.to_webvtt(index.duration_ms, Storyboard::file_name);
        write(dir, "storyboard.vtt", text.as_bytes())?;
    }
    let sealed = sealing.as_ref().map(|sealing| sealing.seal(dir, index, now)).transpose()?;
    let timeline = Timeline::of_asset("", index);
    let of_track = |track: &str| {
        let ((_, signals), sealing) = sealed.as_ref().zip(sealing.as_ref())?;
        Some(Sealed { signal: *signals.get(track)?, key_uri: &sealing.key_uri, drm: None })
    };
    write(dir, "main.m3u8", &build::multivariant(&timeline, Form::Static, |_| None))?;
    if let Some(chapters) = hls::chapters::json(&timeline) {
        write(dir, build::CHAPTERS_FILE, &chapters)?;
    }
    for track in &index.tracks {
        if let Some(playlist) = build::media(&timeline, &track.id, Form::Static, of_track(&track.id)) {
            write(dir, &format!("{}.m3u8", track.id), &playlist)?;
        }
        if let Some(playlist) = build::iframes(&timeline, &track.id, Form::Static, of_track(&track.id)) {
            write(dir, &build::iframes_file(&track.id), &playlist)?;
        }
    }
    write(dir, "index.json", &index.to_json()?)?;
    Ok(sealing.zip(sealed.map(|(key, _)| key)))
}

/// Reads what has been written since the last time, off the threads that answer. What cannot be published is not for
/// playing either: then what can be played stays as it is, and reading everything back will say what is wrong.
async fn look(mut tracks: GrowingTracks, grown: &mut Option<Arc<Grown>>) -> Option<GrowingTracks> {
    match tokio::task::spawn_blocking(move || tracks.look().map(|grown| (tracks, grown))).await {
        Ok(Ok((tracks, now))) => {
            *grown = now.map(Arc::new);
            Some(tracks)
        }
        Ok(Err(error)) => {
            tracing::warn!(error = error.log_line(), "a film cannot be played before it is complete");
            None
        }
        Err(_) => None,
    }
}

fn write(dir: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let mut file = fs::File::create_new(dir.join(name)).map_err(refusal::of_write)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(refusal::of_write)
}

/// Speed and time left, from what the worker says.
struct Pace {
    clock: Clock,
    phase: Option<Phase>,
    since: Duration,
    total_s: f64,
    /// Where encoding begins; what comes before was encoded earlier.
    begins_s: f64,
    source: Option<Arc<SourceSummary>>,
    grown: Option<Arc<Grown>>,
}

impl Pace {
    fn new(clock: Clock) -> Pace {
        Pace { clock, phase: None, since: Duration::ZERO, total_s: 0.0, begins_s: 0.0, source: None, grown: None }
    }

    fn at(&mut self, phase: Phase, done_s: f64, total_s: f64) -> Progress {
        let now = self.clock.monotonic();
        let begins_s = if phase == Phase::Packaging { self.begins_s } else { 0.0 };
        if self.phase != Some(phase) || done_s < begins_s {
            (self.phase, self.since) = (Some(phase), now);
        }
        self.total_s = total_s;
        let waited_s = now.saturating_sub(self.since).as_secs_f64();
        let speed = if waited_s > 0.0 { (done_s - begins_s) / waited_s } else { 0.0 };
        let eta_s = (speed > 0.0 && total_s > 0.0).then(|| (total_s - done_s).max(0.0) / speed);
        Progress { phase, done_s, total_s, speed, eta_s, source: self.source.clone(), grown: self.grown.clone() }
    }
}
