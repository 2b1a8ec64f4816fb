//! Ingest: a film file becomes a packaged asset in the object store.

use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use tokio::sync::OnceCell;

use crate::api::PosterSource;
use crate::base::clock::{Clock, UtcMs};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{AssetId, JobId};
use crate::base::limits;
use crate::catalog::asset::{Asset, AssetDetails, AssetState};
use crate::catalog::licence::CardSource;
use crate::inspect::asset::inspect;
use crate::operator::jobs::{FilmFiles, MakeCard, Package, ProgressSink};
use crate::operator::settings::DecoderVersion;
use crate::operator::studio::Redraw;
use crate::packager::growing::Grown;
use crate::packager::job::{
    self, CardRequest, CardText, Encoding, PackageRequest, Phase, PictureRequest, Prepared, Progress,
};
use crate::packager::protocol::SelfTest;
use crate::packager::publish::{self, publish};
use crate::packager::refusal::Refusal;
use crate::packager::{staging, summary};
use crate::playback::growing::TrackBytes;
use crate::playback::library::Library;
use crate::store::blobs::Blobs;
use crate::store::db::Db;
use crate::store::db::job::{JobStage, JobState, Playable, StageName};

/// How often, and how far apart, the removal of what was left behind is tried.
const REMOVALS: u32 = 40;
const REMOVAL_PAUSE: Duration = Duration::from_millis(5);

/// Packages a film in a folder below `work`, publishes it under `asset_id` and removes the folder. Dropped, it leaves what
/// the next attempt can go on with.
pub async fn package_and_publish(
    blobs: &Blobs,
    clock: &Clock,
    files: &FilmFiles,
    asset_id: AssetId,
    work: &Path,
    on_progress: impl FnMut(&Progress),
) -> Result<Asset> {
    require_sandbox().await?;
    make_work_folder(work)?;
    // A process that was killed between storing and recording has left files that nobody knows of.
    blobs.remove_asset(asset_id).await?;
    let out = work.join(asset_id.to_string());
    let mut request = PackageRequest::new(job::worker_program()?, &files.film, &out, Encoding::Ladder);
    (request.audio, request.subtitles) = (files.audio.clone(), files.subtitles.clone());
    let result = async {
        let mut on_progress = on_progress;
        let packaged = prepare(&request, &mut on_progress).await?;
        let total_s = packaged.index.duration_ms as f64 / 1e3;
        let (phase, source) = (Phase::Finished, packaged.source.clone());
        on_progress(&Progress { phase, done_s: total_s, total_s, speed: 0.0, eta_s: None, source, grown: None });
        let published = publish(blobs, asset_id, packaged.dir(), &packaged.index).await;
        let (index, source, copied) = (packaged.index.clone(), packaged.source.clone(), packaged.copied.clone());
        packaged.discard();
        published?;
        report(blobs, asset_id).await;
        Ok(Asset {
            id: asset_id,
            source_name: files.film.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            duration_ms: index.duration_ms as i64,
            created_at: clock.now(),
            details: AssetDetails {
                excerpt_of: None,
                card_of: None,
                source: source.as_deref().cloned(),
                packaged: Some(summary::packaged(&index, &copied)),
            },
            state: AssetState::Complete,
        })
    }
    .await;
    if result.is_err() {
        // A job that has failed is not begun again.
        remove_folder(&staging::dir_of(&out));
    }
    result
}

/// A worker that was killed is followed by another, which goes on with what was made for good; one that did not get this
/// far with a film so often will not with the next.
async fn prepare(request: &PackageRequest, on_progress: &mut impl FnMut(&Progress)) -> Result<Prepared> {
    let mut deaths = 0;
    loop {
        match job::prepare(request.clone(), &mut *on_progress, std::future::pending()).await {
            Err(error) if error.code() == Refusal::WorkerKilled.code() && deaths < limits::WORKER_DEATHS_MAX - 1 => {
                deaths += 1;
                tracing::warn!(film = %request.input.display(), deaths, error = %error.log_line(), "a worker was killed");
            }
            outcome => return outcome,
        }
    }
}

/// Says in the log what is wrong with a fresh asset, by which clause. The asset stays: whether it plays is for people to
/// say.
async fn report(blobs: &Blobs, asset: AssetId) {
    match inspect(blobs, asset).await {
        Ok(findings) => {
            for finding in &findings.list {
                let (check, place) = (finding.check.id, &finding.place);
                tracing::warn!(%asset, check, place, found = finding.message, "a published asset breaks a clause");
            }
        }
        Err(error) => tracing::warn!(%asset, error = %error.log_line(), "a published asset cannot be inspected"),
    }
}

/// Removes what jobs of a process that was killed left in `work`, but for the folders of jobs that are to be gone on with.
/// For the start only: nobody works there yet.
pub async fn tidy_work_folder(db: &dyn Db, work: &Path) -> Result<()> {
    let Ok(entries) = std::fs::read_dir(work) else { return Ok(()) };
    for entry in entries.flatten() {
        let path = entry.path();
        let asset = path.file_name().and_then(|name| name.to_str()).and_then(staging::destination_of);
        let job = match asset.and_then(|asset| asset.parse().ok()) {
            Some(asset) => db.job(JobId::of_asset(asset)).await?,
            None => None,
        };
        if !job.is_some_and(|job| matches!(job.state, JobState::Queued | JobState::Running)) {
            remove_folder(&path);
        }
    }
    // It stays where something is left in it.
    let _ = std::fs::remove_dir(work);
    Ok(())
}

fn remove_folder(folder: &Path) {
    for attempt in 1..=REMOVALS {
        match std::fs::remove_dir_all(folder) {
            Ok(()) => return,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            // A worker whose server was killed a moment ago may still be dying, and writing.
            Err(_) if attempt < REMOVALS => std::thread::sleep(REMOVAL_PAUSE),
            Err(error) => tracing::warn!(folder = %folder.display(), %error, "a work folder stays behind"),
        }
    }
}

/// The packaging of jobs. What is there of a film already is played from the library.
pub fn packager(blobs: Blobs, clock: Clock, work: PathBuf, library: Arc<Library>) -> Package {
    Arc::new(move |files: FilmFiles, asset_id, progress: ProgressSink| {
        let (blobs, clock, work) = (blobs.clone(), clock.clone(), work.clone());
        let mut showing = Showing { library: library.clone(), asset_id, has_begun: false };
        async move {
            let asset = package_and_publish(&blobs, &clock, &files, asset_id, &work, |step: &Progress| {
                progress.set(permille(step));
                progress.set_stage(stage(step));
                if let Some(grown) = &step.grown {
                    showing.show(grown, step, &progress, clock.now());
                }
            })
            .await?;
            showing.library.growing().complete(asset_id, clock.now());
            Ok(asset)
        }
        .boxed()
    })
}

/// The showing of a film that is being packaged; dropped before it is complete, it is over.
struct Showing {
    library: Arc<Library>,
    asset_id: AssetId,
    has_begun: bool,
}

impl Showing {
    fn show(&mut self, grown: &Arc<Grown>, step: &Progress, progress: &ProgressSink, now: UtcMs) {
        self.library.growing().grow(self.asset_id, grown.growth.clone(), bytes_of(grown.clone()));
        if std::mem::replace(&mut self.has_begun, true) {
            return;
        }
        progress.begin(Asset {
            id: self.asset_id,
            source_name: String::new(),
            duration_ms: grown.growth.film_ms as i64,
            created_at: now,
            details: AssetDetails { source: step.source.as_deref().cloned(), ..AssetDetails::default() },
            state: AssetState::Partial { fingerprint: grown.fingerprint.clone() },
        });
    }
}

impl Drop for Showing {
    fn drop(&mut self) {
        self.library.growing().interrupt(self.asset_id);
    }
}

/// Reads what has been written, off the threads that answer.
fn bytes_of(grown: Arc<Grown>) -> TrackBytes {
    Arc::new(move |track, range| {
        let file = grown.files.get(track).cloned();
        async move {
            let failed = || Error::internal("reading what is being written");
            let file = file.ok_or_else(failed)?;
            let read = move || {
                let mut bytes = vec![0; (range.end - range.start) as usize];
                file.read_exact_at(&mut bytes, range.start).map(|()| Bytes::from(bytes))
            };
            let read = tokio::task::spawn_blocking(read).await.map_err(|error| failed().with_source(error))?;
            read.map_err(|error| failed().with_source(error))
        }
        .boxed()
    })
}

/// The making of release cards, each in a folder below `work`, lettered in `font`.
pub fn card_maker(blobs: Blobs, clock: Clock, work: PathBuf, font: PathBuf) -> MakeCard {
    Arc::new(move |source: CardSource, asset_id| {
        let (blobs, clock, scratch) = (blobs.clone(), clock.clone(), work.join(asset_id.to_string()));
        let font = font.clone();
        async move { make_card(&blobs, &clock, source, asset_id, CardPlace { scratch, font }).await }.boxed()
    })
}

struct CardPlace {
    scratch: PathBuf,
    font: PathBuf,
}

async fn make_card(
    blobs: &Blobs,
    clock: &Clock,
    source: CardSource,
    asset_id: AssetId,
    place: CardPlace,
) -> Result<Asset> {
    require_sandbox().await?;
    make_work_folder(place.scratch.parent().unwrap_or(&place.scratch))?;
    blobs.remove_asset(asset_id).await?;
    let film = publish::index_of(blobs, source.film).await?;
    let worker = job::worker_program()?;
    let text = CardText {
        kind: source.licence.kind.chinese().to_owned(),
        number: source.licence.number.clone(),
        name: source.name.clone(),
    };
    let card = job::card(CardRequest { film, text, font: place.font, scratch: place.scratch, worker }).await?;
    publish(blobs, asset_id, card.dir(), &card.index).await?;
    report(blobs, asset_id).await;
    Ok(Asset {
        id: asset_id,
        source_name: source.licence.number.clone(),
        duration_ms: card.index.duration_ms as i64,
        created_at: clock.now(),
        details: AssetDetails {
            packaged: Some(summary::packaged(&card.index, &[])),
            card_of: Some(source),
            ..AssetDetails::default()
        },
        state: AssetState::Complete,
    })
}

fn make_work_folder(work: &Path) -> Result<()> {
    std::fs::create_dir_all(work).map_err(|error| {
        Error::new(ErrorKind::Config, "DATA_NOT_WRITABLE", format!("{} cannot be written.", work.display()))
            .with_source(error)
    })
}

/// How much of the whole work is done. A pass over a film takes a fraction of the time that encoding it does.
fn permille(step: &Progress) -> u32 {
    let within = |from: f64, to: f64| {
        let share = if step.total_s > 0.0 { (step.done_s / step.total_s).clamp(0.0, 1.0) } else { 0.0 };
        (from + (to - from) * share) as u32
    };
    match step.phase {
        Phase::Opening => 0,
        Phase::Scanning => within(0.0, 100.0),
        Phase::Copying => within(100.0, 160.0),
        Phase::Sound => within(160.0, 180.0),
        Phase::Measuring => within(180.0, 200.0),
        Phase::Packaging => within(200.0, 940.0),
        Phase::Poster => 940,
        Phase::Checking => 960,
        Phase::Finished => 980,
    }
}

/// What an operator is told of it.
fn stage(step: &Progress) -> JobStage {
    JobStage {
        name: match step.phase {
            Phase::Opening | Phase::Scanning => StageName::Probing,
            Phase::Copying | Phase::Sound | Phase::Measuring | Phase::Packaging => StageName::Encoding,
            Phase::Poster => StageName::Poster,
            Phase::Checking => StageName::Checking,
            Phase::Finished => StageName::Publishing,
        },
        speed_milli: (step.speed > 0.0).then_some((step.speed * 1000.0) as u32),
        eta_s: step.eta_s.map(|eta_s| eta_s.ceil() as u32),
        source: step.source.as_deref().cloned(),
        playable: step.grown.as_deref().map(|grown| {
            let growth = &grown.growth;
            Playable {
                segments: growth.index.video().map(|(track, _)| track.segments.len() as u32).max().unwrap_or(0),
                playable_ms: growth.playable_ms(),
                film_ms: growth.film_ms,
                tracks: growth.index.tracks.iter().map(|track| track.id.clone()).collect(),
                planned: growth.planned.iter().map(|(id, _)| id.clone()).collect(),
            }
        }),
    }
}

/// Reads posters out of the object store.
pub fn posters(blobs: Blobs) -> PosterSource {
    Arc::new(move |key| {
        let blobs = blobs.clone();
        async move { blobs.get(&key).await }.boxed()
    })
}

/// Draws uploaded pictures anew, each in a folder of its own below `work`.
pub fn redraw(work: PathBuf) -> Redraw {
    Arc::new(move |picture: Bytes, shape| {
        let work = work.clone();
        async move {
            require_sandbox().await?;
            let failed = |error: std::io::Error| {
                Error::new(ErrorKind::Config, "DATA_NOT_WRITABLE", "The work folder cannot be written.")
                    .with_source(error)
            };
            // A folder that only one picture is in; what a process that was killed here leaves is emptied at the next start.
            let folder = work.join(format!("picture-{}", uuid::Uuid::now_v7().simple()));
            tokio::fs::create_dir_all(&folder).await.map_err(failed)?;
            let (input, scratch) = (folder.join("in"), folder.join("out"));
            let drawn = async {
                tokio::fs::write(&input, &picture).await.map_err(failed)?;
                let worker = job::worker_program()?;
                job::picture(&PictureRequest { input: input.clone(), shape, scratch, worker }).await
            };
            let drawn = drawn.await;
            if let Err(error) = tokio::fs::remove_dir_all(&folder).await {
                tracing::warn!(folder = %folder.display(), %error, "a work folder stays behind");
            }
            drawn.map(Bytes::from)
        }
        .boxed()
    })
}

/// What the worker says of itself, asked once per process.
async fn self_test() -> Result<&'static SelfTest> {
    static TEST: OnceCell<SelfTest> = OnceCell::const_new();
    TEST.get_or_try_init(|| async { job::self_test(&job::worker_program()?).await }).await
}

/// Which library decodes films.
pub fn decoder() -> DecoderVersion {
    Arc::new(|| async { Ok(self_test().await?.decoder.clone()) }.boxed())
}

/// No film is opened where the worker could get out of its sandbox.
async fn require_sandbox() -> Result<()> {
    let attempts = &self_test().await?.attempts;
    let escapes: Vec<&str> =
        attempts.iter().filter(|attempt| attempt.worked).map(|attempt| attempt.what.as_str()).collect();
    if escapes.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Config,
        "SANDBOX_OPEN",
        format!("The sandbox of the film worker does not hold ({}); no film is opened.", escapes.join(", ")),
    ))
}
