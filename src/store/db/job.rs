//! Uploads and packaging jobs. A job is a row that a node claims for a time and must renew; a node that dies loses it.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::base::id::{AssetId, JobId, UploadId};
use crate::catalog::asset::{Asset, SourceSummary};
use crate::catalog::licence::CardSource;
use crate::store::db::{Idempotency, Page, Written};

/// Work that outlives its request.
#[async_trait]
pub trait JobDb: Send + Sync {
    /// Of a film with files beside it: those must be whole, at most so many of each kind as a film may have, and no other
    /// film's; an error says which is not.
    async fn insert_upload(&self, upload: &Upload, idempotency: Option<&Idempotency>) -> Result<Written<()>>;

    async fn upload(&self, id: UploadId) -> Result<Option<Upload>>;

    /// Sets how much has arrived.
    async fn advance_upload(&self, id: UploadId, received_bytes: u64) -> Result<()>;

    /// The upload of a film is whole: in one transaction it and the files beside it are marked so and its job is queued.
    async fn complete_upload(&self, id: UploadId, job: &Job) -> Result<()>;

    /// False where a film that is on its way has it beside it.
    async fn delete_upload(&self, id: UploadId) -> Result<bool>;

    /// The files beside these uploaded films, film by film, in the order of each.
    async fn beside(&self, films: &[UploadId]) -> Result<Vec<Upload>>;

    async fn open_uploads(&self) -> Result<Vec<Upload>>;

    async fn insert_job(&self, job: &Job) -> Result<()>;

    /// Queues the making of a card, unless it is made, queued or being made: then false.
    async fn queue_card(&self, job: &Job) -> Result<bool>;

    /// The newest job that makes, made or failed to make exactly this card.
    async fn card_job(&self, source: &CardSource) -> Result<Option<Job>>;

    async fn job(&self, id: JobId) -> Result<Option<Job>>;

    /// Newest first.
    async fn jobs(&self, page: &Page) -> Result<Vec<Job>>;

    /// The oldest job that is queued, or running with a lease that has run out, now running under `node`'s lease.
    async fn claim_job(&self, node: &str, now: UtcMs, ttl: Duration) -> Result<Option<Job>>;

    /// Renews the lease and notes how far it is; false when another node has it now.
    async fn renew_job(&self, id: JobId, node: &str, progress: &JobProgress, until: UtcMs) -> Result<bool>;

    /// The asset enters the catalogue in part, if `node` still has its job. Where an attempt that died had it there
    /// already and began it otherwise, the sessions that saw that beginning end.
    async fn begin_asset(&self, id: JobId, node: &str, asset: &Asset, at: UtcMs) -> Result<bool>;

    /// The asset enters the catalogue whole and its job is done, in one transaction, if `node` still has it: a film is
    /// published once, whoever dies in between.
    async fn publish_asset(&self, id: JobId, node: &str, asset: &Asset, at: UtcMs) -> Result<bool>;

    /// `running -> done | failed`, if `node` still has it. Of a job that failed no part of its asset stays.
    async fn finish_job(&self, id: JobId, node: &str, outcome: &JobOutcome, at: UtcMs) -> Result<bool>;
}

/// A file on its way in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    pub id: UploadId,
    pub file_name: String,
    pub length_bytes: u64,
    pub received_bytes: u64,
    pub created_at: UtcMs,
    /// The job that was queued when it was whole; of a file beside a film, that of the film.
    pub job_id: Option<JobId>,
    pub role: UploadRole,
}

/// What a file is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UploadRole {
    /// It is packaged when it is whole, with the files of these uploads beside it.
    Film { beside: Vec<UploadId> },
    /// It waits for a film that names it.
    Sidecar(Sidecar),
}

/// A file of sound or subtitles beside a film.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sidecar {
    pub kind: SidecarKind,
    /// BCP 47 or ISO 639.
    pub language: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SidecarKind {
    Audio,
    Subtitles,
}

impl Upload {
    pub fn is_whole(&self) -> bool {
        self.received_bytes == self.length_bytes
    }

    pub fn sidecar(&self) -> Option<&Sidecar> {
        match &self.role {
            UploadRole::Film { .. } => None,
            UploadRole::Sidecar(sidecar) => Some(sidecar),
        }
    }

    pub fn beside(&self) -> &[UploadId] {
        match &self.role {
            UploadRole::Film { beside } => beside,
            UploadRole::Sidecar(_) => &[],
        }
    }
}

/// The making of one asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    pub id: JobId,
    pub work: JobWork,
    /// For people: the name of the file, or the number on the card.
    pub source_name: String,
    pub state: JobState,
    pub progress: JobProgress,
    pub created_at: UtcMs,
    pub finished_at: Option<UtcMs>,
}

/// What an asset is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobWork {
    /// An uploaded film.
    Film { upload_id: UploadId },
    /// The release card of a film.
    Card(CardSource),
}

impl JobWork {
    pub fn upload_id(&self) -> Option<UploadId> {
        match self {
            JobWork::Film { upload_id } => Some(*upload_id),
            JobWork::Card(_) => None,
        }
    }
}

/// How far a job is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobProgress {
    pub permille: u32,
    /// What it is doing; nothing before it has begun.
    pub stage: Option<JobStage>,
}

/// What a job is doing, and how fast.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobStage {
    pub name: StageName,
    /// Thousandths of a second of film per second.
    pub speed_milli: Option<u32>,
    /// Seconds until this stage is over, at this speed.
    pub eta_s: Option<u32>,
    /// What was found in the file, as soon as it is known.
    pub source: Option<SourceSummary>,
    /// What can be played already.
    #[serde(default)]
    pub playable: Option<Playable>,
}

/// How much of a film that is being packaged can be played.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Playable {
    /// Of the picture.
    pub segments: u32,
    pub playable_ms: u64,
    /// How long the film will be.
    pub film_ms: u64,
    /// The tracks that are there.
    pub tracks: Vec<String>,
    /// The tracks that there will be, words aside.
    #[serde(default)]
    pub planned: Vec<String>,
}

/// In the order they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageName {
    /// Finding out what is in the file.
    Probing,
    Encoding,
    /// Choosing the picture that stands for the film.
    Poster,
    /// Reading back what was written.
    Checking,
    /// Into the object store.
    Publishing,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobState {
    Queued,
    Running,
    Finished(JobOutcome),
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobOutcome {
    Done { asset_id: AssetId },
    Failed { code: String, message: String },
}
