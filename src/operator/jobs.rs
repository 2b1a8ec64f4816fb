//! Packaging jobs: the routes that show them, and the runner that works them off. A job is claimed with a lease that is
//! renewed while it runs; a node that dies loses it to another.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use futures_util::future::BoxFuture;
use http::StatusCode;
use serde::Serialize;
use tokio::sync::Notify;
use utoipa::ToSchema;

use crate::api::body::{Id, QueryOf};
use crate::api::caller::AnOperator;
use crate::api::page::{List, PageQuery};
use crate::api::problem::Problem;
use crate::audience::Audience;
use crate::audience::news::Item;
use crate::base::clock::{Clock, UtcMs};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{AssetId, JobId, OperatorId, UploadId};
use crate::base::limits;
use crate::base::shutdown::Shutdown;
use crate::catalog::asset::Asset;
use crate::catalog::licence::CardSource;
use crate::operator::Operators;
use crate::operator::assets::SourceBody;
use crate::operator::cards::Cards;
use crate::operator::uploads::Uploads;
use crate::packager::job::SidecarFile;
use crate::playback::follower::Follower;
use crate::store::db::Db;
use crate::store::db::job::{
    Job, JobOutcome, JobProgress, JobStage, JobState, JobWork, Playable, Sidecar, SidecarKind, StageName, Upload,
};

const LOOK_EVERY: Duration = Duration::from_secs(2);

/// A film and the files beside it.
#[derive(Clone, Debug)]
pub struct FilmFiles {
    pub film: PathBuf,
    pub audio: Vec<SidecarFile>,
    pub subtitles: Vec<SidecarFile>,
}

/// Makes an asset of a film: reads the files, publishes under the id, says how far it is.
pub type Package = Arc<dyn Fn(FilmFiles, AssetId, ProgressSink) -> BoxFuture<'static, Result<Asset>> + Send + Sync>;

/// Makes a card and publishes it under the id.
pub type MakeCard = Arc<dyn Fn(CardSource, AssetId) -> BoxFuture<'static, Result<Asset>> + Send + Sync>;

/// How assets are made.
pub struct Makers {
    pub film: Package,
    pub card: MakeCard,
}

/// Where a packager says how far it is.
#[derive(Clone, Debug, Default)]
pub struct ProgressSink(Arc<Said>);

#[derive(Debug, Default)]
struct Said {
    progress: Mutex<JobProgress>,
    /// The asset as far as it is there, until it has been noted.
    begun: Mutex<Option<Asset>>,
    has_begun: Notify,
}

/// Works off jobs, one at a time.
pub struct JobRunner {
    db: Arc<dyn Db>,
    clock: Clock,
    follower: Arc<Follower>,
    uploads: Arc<Uploads>,
    cards: Arc<Cards>,
    makers: Makers,
    audience: Arc<Audience>,
    node: String,
}

#[derive(Serialize, ToSchema)]
pub struct JobBody {
    id: JobId,
    /// The film that it packages; null of a card.
    upload_id: Option<UploadId>,
    /// The film whose release card it makes.
    card_of: Option<AssetId>,
    /// The name of the uploaded file; of a card, the number on it.
    source_name: String,
    status: JobStatus,
    /// The files that were uploaded beside the film, in their order.
    beside: Vec<SidecarBody>,
    /// From 0 to 1.
    progress: f64,
    /// What it is doing: `probing`, `encoding`, `poster`, `checking`, `publishing`. Null unless it runs.
    #[schema(value_type = Option<String>)]
    stage: Option<StageName>,
    /// Seconds of film per second.
    speed: Option<f64>,
    /// Seconds until this stage is over.
    eta_s: Option<u32>,
    /// What came in, as soon as it is known.
    source: Option<SourceBody>,
    /// Once it is done, and while it runs once the film can be played.
    asset_id: Option<AssetId>,
    /// How much can be played already. Null unless it runs, and where nothing can.
    playable: Option<PlayableBody>,
    /// Once it has failed.
    error: Option<JobErrorBody>,
    created_at: UtcMs,
    finished_at: Option<UtcMs>,
}

/// A dub or subtitles in a file of their own.
#[derive(Serialize, ToSchema)]
#[schema(as = Sidecar)]
pub struct SidecarBody {
    upload_id: UploadId,
    file_name: String,
    /// `audio` or `subtitles`.
    #[schema(value_type = String)]
    kind: SidecarKind,
    language: String,
}

#[derive(Serialize, ToSchema)]
pub struct PlayableBody {
    /// From the beginning on, of the picture.
    segments: u32,
    playable_ms: u64,
    /// How long the film will be.
    film_ms: u64,
    /// What is there to choose from: ids of tracks.
    tracks: Vec<String>,
    /// What will be there: ids of tracks, those of words aside.
    planned: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    Queued,
    Running,
    Done,
    Failed,
}

#[derive(Serialize, ToSchema)]
pub struct JobErrorBody {
    pub code: String,
    pub message: String,
}

/// Packaging jobs, newest first.
#[utoipa::path(get, path = "/operator/jobs", tag = "operator", operation_id = "operator_list_jobs",
    params(PageQuery), security(("bearer" = [])), responses(
    (status = 200, description = "A page of jobs", body = List<JobBody>),
))]
pub async fn list(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<List<JobBody>>, Problem> {
    let rows = operators.api.db.jobs(&query.page()?).await?;
    let films: Vec<UploadId> = rows.iter().filter_map(|job| job.work.upload_id()).collect();
    let beside = operators.api.db.beside(&films).await?;
    query.list(rows, |row| row.id.to_string(), |job| JobBody::new(job, &beside))
}

/// One job.
#[utoipa::path(get, path = "/operator/jobs/{id}", tag = "operator", operation_id = "operator_show_job",
    params(("id" = JobId, Path)), security(("bearer" = [])), responses(
    (status = 200, description = "The job", body = JobBody),
    (status = 404, description = "JOB_NOT_FOUND"),
))]
pub async fn show(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    Id(id): Id<JobId>,
) -> Result<Json<JobBody>, Problem> {
    let not_found = || Problem::new(StatusCode::NOT_FOUND, "JOB_NOT_FOUND", "There is no such job.");
    Ok(Json(JobBody::find(&*operators.api.db, id).await?.ok_or_else(not_found)?))
}

impl SidecarBody {
    fn new(upload: &Upload) -> Option<SidecarBody> {
        let Sidecar { kind, language } = upload.sidecar()?.clone();
        Some(SidecarBody { upload_id: upload.id, file_name: upload.file_name.clone(), kind, language })
    }
}

impl From<Playable> for PlayableBody {
    fn from(playable: Playable) -> PlayableBody {
        let Playable { segments, playable_ms, film_ms, tracks, planned } = playable;
        PlayableBody { segments, playable_ms, film_ms, tracks, planned }
    }
}

impl ProgressSink {
    /// Thousandths of the work.
    pub fn set(&self, permille: u32) {
        self.lock().permille = permille.min(1000);
    }

    /// What is being done.
    pub fn set_stage(&self, stage: JobStage) {
        self.lock().stage = Some(stage);
    }

    /// The asset can be played in part. To be said once.
    pub fn begin(&self, asset: Asset) {
        *self.0.begun.lock().unwrap_or_else(PoisonError::into_inner) = Some(asset);
        self.0.has_begun.notify_one();
    }

    fn get(&self) -> JobProgress {
        self.lock().clone()
    }

    fn begun(&self) -> Option<Asset> {
        self.0.begun.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, JobProgress> {
        self.0.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl JobRunner {
    pub fn new(
        db: Arc<dyn Db>,
        clock: Clock,
        follower: Arc<Follower>,
        uploads: Arc<Uploads>,
        cards: Arc<Cards>,
        makers: Makers,
        audience: Arc<Audience>,
    ) -> JobRunner {
        // Any name will do that no other process has.
        let node = OperatorId::new(clock.now()).to_string().replace(OperatorId::PREFIX, "node");
        JobRunner { db, clock, follower, uploads, cards, makers, audience, node }
    }

    /// Works until shutdown. A job that runs then is given up, and claimed again when its lease has run out.
    pub async fn run(self: Arc<Self>, shutdown: Shutdown) {
        // What a process that was killed did not come to, and what failed for want of a font that is there now.
        if let Err(error) = self.cards.queue_all().await {
            tracing::warn!(error = error.log_line(), "release cards could not be queued");
        }
        loop {
            let has_worked = tokio::select! {
                () = shutdown.begun() => return,
                worked = self.work_once() => worked.unwrap_or_else(|error| {
                    tracing::warn!(error = error.log_line(), "a packaging job could not be worked off");
                    false
                }),
            };
            if !has_worked {
                tokio::select! {
                    () = shutdown.begun() => return,
                    () = self.uploads.job_queued() => {}
                    () = tokio::time::sleep(LOOK_EVERY) => {}
                }
            }
        }
    }

    /// Works off one job; false when there is none.
    pub async fn work_once(&self) -> Result<bool> {
        let now = self.clock.now();
        let Some(job) = self.db.claim_job(&self.node, now, limits::JOB_LEASE_TTL).await? else { return Ok(false) };
        self.audience.news.tell(Item::Job(job.id));
        let progress = ProgressSink::default();
        let packaged = tokio::select! {
            packaged = self.package(&job, progress.clone()) => packaged,
            lost = self.keep_lease(&job, &progress) => {
                lost?;
                tracing::warn!(job = %job.id, "another node has taken over a job");
                return Ok(true);
            }
        };
        let at = self.clock.now();
        let is_ours = match packaged {
            Ok(asset) => self.db.publish_asset(job.id, &self.node, &asset, at).await?,
            Err(error) => {
                tracing::warn!(job = %job.id, error = error.log_line(), "an asset was not made");
                let outcome = JobOutcome::Failed { code: error.code().to_owned(), message: error.message().to_owned() };
                self.db.finish_job(job.id, &self.node, &outcome, at).await?
            }
        };
        self.follower.announce().await;
        self.audience.news.tell(Item::Job(job.id));
        if let JobWork::Film { upload_id } = job.work
            && is_ours
        {
            self.uploads.remove_bytes(upload_id).await?;
            self.cards.queue_of(AssetId::of_job(job.id)).await?;
        }
        Ok(true)
    }

    async fn package(&self, job: &Job, progress: ProgressSink) -> Result<Asset> {
        let upload_id = match &job.work {
            JobWork::Film { upload_id } => *upload_id,
            JobWork::Card(source) => return (self.makers.card)(source.clone(), AssetId::of_job(job.id)).await,
        };
        let film = self.uploads.path(upload_id);
        let mut files = FilmFiles { film, audio: Vec::new(), subtitles: Vec::new() };
        for upload in self.db.beside(&[upload_id]).await? {
            let Some(Sidecar { kind, language }) = upload.sidecar().cloned() else { continue };
            let file = SidecarFile { language, path: self.uploads.path(upload.id), name: upload.file_name };
            match kind {
                SidecarKind::Audio => files.audio.push(file),
                SidecarKind::Subtitles => files.subtitles.push(file),
            }
        }
        let beside = files.audio.iter().chain(&files.subtitles).map(|file| &file.path);
        for path in std::iter::once(&files.film).chain(beside) {
            if !tokio::fs::try_exists(path).await.unwrap_or(false) {
                let message = "An uploaded file is gone. Upload the film and the files beside it again.";
                return Err(Error::new(ErrorKind::NotFound, "UPLOAD_LOST", message));
            }
        }
        let mut asset = (self.makers.film)(files, AssetId::of_job(job.id), progress).await?;
        // The packager saw only the upload's id.
        asset.source_name.clone_from(&job.source_name);
        Ok(asset)
    }

    /// Returns when the job is somebody else's. A database that is away is waited for: the lease tells.
    async fn keep_lease(&self, job: &Job, progress: &ProgressSink) -> Result<()> {
        let id = job.id;
        let (mut noted, mut renewed_at) = (JobProgress::default(), self.clock.monotonic());
        loop {
            tokio::select! {
                () = progress.0.has_begun.notified() => {}
                () = self.clock.sleep(limits::JOB_PROGRESS_EVERY) => {}
            }
            if let Some(asset) = progress.begun()
                && !self.begin(job, asset, progress).await
            {
                return Ok(());
            }
            let (present, now) = (progress.get(), self.clock.monotonic());
            if present == noted && now < renewed_at + limits::JOB_LEASE_TTL / 3 {
                continue;
            }
            let until = self.clock.now() + limits::JOB_LEASE_TTL;
            match self.db.renew_job(id, &self.node, &present, until).await {
                Ok(true) => {
                    (noted, renewed_at) = (present, now);
                    self.audience.news.tell(Item::Job(id));
                }
                Ok(false) => return Ok(()),
                Err(error) => tracing::warn!(job = %id, error = error.log_line(), "a job's lease was not renewed"),
            }
        }
    }
}

impl JobRunner {
    /// The asset can be played in part: it enters the catalogue. False when the job is somebody else's.
    async fn begin(&self, job: &Job, mut asset: Asset, progress: &ProgressSink) -> bool {
        asset.source_name.clone_from(&job.source_name);
        match self.db.begin_asset(job.id, &self.node, &asset, self.clock.now()).await {
            Ok(is_ours) => {
                self.follower.announce().await;
                is_ours
            }
            Err(error) => {
                tracing::warn!(job = %job.id, error = error.log_line(), "an asset was not begun");
                // For the next time; the lease tells whether the database is back.
                *progress.0.begun.lock().unwrap_or_else(PoisonError::into_inner) = Some(asset);
                true
            }
        }
    }
}

impl JobBody {
    pub async fn find(db: &dyn Db, id: JobId) -> Result<Option<JobBody>> {
        let Some(job) = db.job(id).await? else { return Ok(None) };
        let beside = db.beside(job.work.upload_id().as_slice()).await?;
        Ok(Some(JobBody::new(job, &beside)))
    }

    /// With those files of `beside` that are its own.
    fn new(job: Job, beside: &[Upload]) -> JobBody {
        let (status, asset_id, error) = match job.state {
            JobState::Queued => (JobStatus::Queued, None, None),
            JobState::Running => (JobStatus::Running, None, None),
            JobState::Finished(JobOutcome::Done { asset_id }) => (JobStatus::Done, Some(asset_id), None),
            JobState::Finished(JobOutcome::Failed { code, message }) => {
                (JobStatus::Failed, None, Some(JobErrorBody { code, message }))
            }
        };
        let upload_id = job.work.upload_id();
        let card_of = match job.work {
            JobWork::Film { .. } => None,
            JobWork::Card(source) => Some(source.film),
        };
        let beside = beside.iter().filter(|upload| upload.job_id == Some(job.id));
        let running = (status == JobStatus::Running).then_some(job.progress.stage.as_ref()).flatten();
        let playable = running.and_then(|stage| stage.playable.clone());
        let asset_id = asset_id.or(playable.as_ref().map(|_| AssetId::of_job(job.id)));
        JobBody {
            playable: playable.map(PlayableBody::from),
            stage: running.map(|stage| stage.name),
            speed: running.and_then(|stage| stage.speed_milli).map(|milli| f64::from(milli) / 1000.0),
            eta_s: running.and_then(|stage| stage.eta_s),
            source: job.progress.stage.and_then(|stage| stage.source).map(SourceBody::from),
            id: job.id,
            upload_id,
            card_of,
            source_name: job.source_name,
            beside: beside.filter_map(SidecarBody::new).collect(),
            progress: if status == JobStatus::Done { 1.0 } else { f64::from(job.progress.permille) / 1000.0 },
            status,
            asset_id,
            error,
            created_at: job.created_at,
            finished_at: job.finished_at,
        }
    }
}
