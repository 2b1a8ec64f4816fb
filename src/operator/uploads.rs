//! Files on their way in: `<data>/uploads/<id>`, appended to without being held in memory.
//!
//! The file is flushed to disk before a new offset is recorded, so the recorded offset is never more than is there; what
//! lies beyond it after a crash is cut off at the next append. A film that is whole becomes a job in one transaction; a file
//! beside one waits for the film that names it, and goes with its job.
//! **Invariant:** at most one append at a time per upload.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::fs::File;
use tokio::io::{AsyncSeekExt, AsyncWriteExt};
use tokio::sync::Notify;

use crate::base::clock::{Clock, UtcMs};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{JobId, UploadId};
use crate::base::limits;
use crate::base::shutdown::Shutdown;
use crate::store::db::job::{Job, JobProgress, JobState, JobWork, Upload, UploadRole};
use crate::store::db::{Db, Idempotency, Written};

const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// Takes files in.
pub struct Uploads {
    db: Arc<dyn Db>,
    clock: Clock,
    dir: PathBuf,
    busy: Mutex<HashSet<UploadId>>,
    queued: Notify,
}

/// Why nothing was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppendRefusal {
    NotFound,
    /// Another request is appending.
    Busy,
    /// So much has arrived; go on from there.
    WrongOffset {
        received_bytes: u64,
    },
    /// More than the upload was declared to have.
    TooLong,
    /// A film that is on its way has it beside it.
    BesideFilm,
}

/// The turn of one request at one upload.
struct Turn<'a> {
    busy: &'a Mutex<HashSet<UploadId>>,
    id: UploadId,
}

impl Uploads {
    pub fn new(db: Arc<dyn Db>, clock: Clock, dir: PathBuf) -> Uploads {
        Uploads { db, clock, dir, busy: Mutex::default(), queued: Notify::new() }
    }

    /// Where the bytes are.
    pub fn path(&self, id: UploadId) -> PathBuf {
        self.dir.join(id.to_string())
    }

    /// When an upload that is not whole is thrown away.
    pub fn expires_at(upload: &Upload) -> UtcMs {
        upload.created_at + limits::UPLOAD_KEPT
    }

    /// Opens an upload of `length_bytes`.
    pub async fn create(
        &self,
        file_name: String,
        length_bytes: u64,
        role: UploadRole,
        idempotency: Option<&Idempotency>,
    ) -> Result<Written<Upload>> {
        if self.db.open_uploads().await?.len() >= limits::UPLOADS_OPEN_MAX {
            return Err(Error::new(
                ErrorKind::TooMany,
                "UPLOADS_OPEN_MAX",
                format!("{} uploads are open already. Finish or delete one.", limits::UPLOADS_OPEN_MAX),
            ));
        }
        let now = self.clock.now();
        let id = UploadId::new(now);
        let upload = Upload { id, file_name, length_bytes, received_bytes: 0, created_at: now, job_id: None, role };
        create_file(&self.dir, &self.path(id)).await.map_err(|error| failed(&error))?;
        match self.db.insert_upload(&upload, idempotency).await {
            Ok(Written::New(())) => Ok(Written::New(upload)),
            other => {
                remove_file(&self.path(id)).await;
                Ok(match other? {
                    Written::Replay { id } => Written::Replay { id },
                    _ => Written::KeyReused,
                })
            }
        }
    }

    /// The upload, if it has not expired.
    pub async fn find(&self, id: UploadId) -> Result<Option<Upload>> {
        let now = self.clock.now();
        let upload = self.db.upload(id).await?;
        Ok(upload.filter(|upload| upload.job_id.is_some() || now < Uploads::expires_at(upload)))
    }

    /// Appends a body at `offset`. What arrives of a body that breaks off is kept. Runs to its end even when nobody waits
    /// for it any more.
    pub async fn append<S, E>(
        self: &Arc<Self>,
        id: UploadId,
        offset: u64,
        body: S,
    ) -> Result<Result<Upload, AppendRefusal>>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + Unpin + 'static,
        E: Send + 'static,
    {
        let uploads = self.clone();
        let appending = tokio::spawn(async move { uploads.append_in_turn(id, offset, body).await });
        appending.await.map_err(|error| Error::internal("an upload").with_source(error))?
    }

    /// Throws an upload away; false when there is none that could be.
    pub async fn delete(&self, id: UploadId) -> Result<Result<(), AppendRefusal>> {
        let Some(_turn) = self.take_turn(id) else { return Ok(Err(AppendRefusal::Busy)) };
        match self.find(id).await? {
            Some(upload) if upload.job_id.is_none() => {
                Ok(if self.discard(id).await? { Ok(()) } else { Err(AppendRefusal::BesideFilm) })
            }
            _ => Ok(Err(AppendRefusal::NotFound)),
        }
    }

    /// The bytes of a film, and of the files beside it, are no longer needed.
    pub async fn remove_bytes(&self, film: UploadId) -> Result<()> {
        for upload in self.db.beside(&[film]).await? {
            remove_file(&self.path(upload.id)).await;
        }
        remove_file(&self.path(film)).await;
        Ok(())
    }

    /// Removes files that no upload and no unfinished job stands behind: a process died between a file and its row. For
    /// the start only: a file is made before its row.
    pub async fn remove_orphans(&self) -> Result<()> {
        let Ok(mut files) = tokio::fs::read_dir(&self.dir).await else { return Ok(()) };
        while let Ok(Some(file)) = files.next_entry().await {
            // What is not named by us is not ours to remove.
            let Some(id) = file.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            if !self.is_needed(id).await? {
                tracing::info!(upload = %id, "a file that nothing refers to is removed");
                remove_file(&file.path()).await;
            }
        }
        Ok(())
    }

    async fn is_needed(&self, id: UploadId) -> Result<bool> {
        let Some(upload) = self.db.upload(id).await? else { return Ok(false) };
        let Some(job_id) = upload.job_id else { return Ok(true) };
        let job = self.db.job(job_id).await?;
        Ok(job.is_some_and(|job| !matches!(job.state, JobState::Finished(_))))
    }

    /// A job has been queued.
    pub fn tell_of_job(&self) {
        self.queued.notify_one();
    }

    /// Returns when a job has been queued on this node.
    pub async fn job_queued(&self) {
        self.queued.notified().await;
    }

    /// Sweeps until shutdown.
    pub async fn run(self: Arc<Self>, shutdown: Shutdown) {
        loop {
            if let Err(error) = self.sweep().await {
                tracing::warn!(error = error.log_line(), "uploads could not be swept");
            }
            tokio::select! {
                () = shutdown.begun() => return,
                () = tokio::time::sleep(SWEEP_EVERY) => {}
            }
        }
    }

    /// Throws away what has expired, and queues the films that were whole when the process died. A file beside a film
    /// that is on its way is kept.
    pub async fn sweep(&self) -> Result<()> {
        let now = self.clock.now();
        for upload in self.db.open_uploads().await? {
            let Some(_turn) = self.take_turn(upload.id) else { continue };
            if upload.is_whole() && upload.sidecar().is_none() {
                self.complete(upload).await?;
            } else if now >= Uploads::expires_at(&upload) {
                self.discard(upload.id).await?;
            }
        }
        Ok(())
    }

    async fn append_in_turn<S, E>(
        &self,
        id: UploadId,
        offset: u64,
        mut body: S,
    ) -> Result<Result<Upload, AppendRefusal>>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
    {
        let Some(_turn) = self.take_turn(id) else { return Ok(Err(AppendRefusal::Busy)) };
        let Some(mut upload) = self.find(id).await? else { return Ok(Err(AppendRefusal::NotFound)) };
        if offset != upload.received_bytes {
            return Ok(Err(AppendRefusal::WrongOffset { received_bytes: upload.received_bytes }));
        }
        if upload.job_id.is_some() {
            return Ok(Ok(upload));
        }
        let mut file = open_at(&self.path(id), offset).await.map_err(|error| failed(&error))?;
        let mut written = offset;
        let mut is_whole_body = true;
        while let Some(chunk) = body.next().await {
            let Ok(chunk) = chunk else {
                is_whole_body = false;
                break;
            };
            if chunk.len() as u64 > upload.length_bytes - written {
                return Ok(Err(AppendRefusal::TooLong));
            }
            file.write_all(&chunk).await.map_err(|error| failed(&error))?;
            written += chunk.len() as u64;
            if written - upload.received_bytes >= limits::UPLOAD_RECORDED_EVERY_BYTES {
                self.record(&mut upload, &mut file, written).await?;
            }
        }
        self.record(&mut upload, &mut file, written).await?;
        if upload.is_whole() && upload.sidecar().is_none() {
            upload = self.complete(upload).await?;
        } else if !is_whole_body {
            return Err(Error::new(
                ErrorKind::Invalid,
                "BODY_INCOMPLETE",
                "The body did not arrive whole; go on from the new offset.",
            ));
        }
        Ok(Ok(upload))
    }

    /// Durable first, then recorded.
    async fn record(&self, upload: &mut Upload, file: &mut File, written: u64) -> Result<()> {
        if written == upload.received_bytes {
            return Ok(());
        }
        file.flush().await.map_err(|error| failed(&error))?;
        file.sync_data().await.map_err(|error| failed(&error))?;
        self.db.advance_upload(upload.id, written).await?;
        upload.received_bytes = written;
        Ok(())
    }

    async fn complete(&self, mut upload: Upload) -> Result<Upload> {
        let now = self.clock.now();
        let job = Job {
            id: JobId::new(now),
            work: JobWork::Film { upload_id: upload.id },
            source_name: upload.file_name.clone(),
            state: JobState::Queued,
            progress: JobProgress::default(),
            created_at: now,
            finished_at: None,
        };
        self.db.complete_upload(upload.id, &job).await?;
        self.tell_of_job();
        upload.job_id = Some(job.id);
        Ok(upload)
    }

    /// False where a film that is on its way needs it.
    async fn discard(&self, id: UploadId) -> Result<bool> {
        let is_gone = self.db.delete_upload(id).await?;
        if is_gone {
            remove_file(&self.path(id)).await;
        }
        Ok(is_gone)
    }

    fn take_turn(&self, id: UploadId) -> Option<Turn<'_>> {
        let is_free = self.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        is_free.then(|| Turn { busy: &self.busy, id })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

async fn create_file(dir: &Path, path: &Path) -> std::io::Result<()> {
    tokio::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).await?;
    let file = File::options().write(true).create_new(true).mode(0o600).open(path).await?;
    file.sync_all().await?;
    File::open(dir).await?.sync_all().await
}

/// What lies beyond the recorded offset was never acknowledged.
async fn open_at(path: &Path, offset: u64) -> std::io::Result<File> {
    let mut file = File::options().write(true).open(path).await?;
    file.set_len(offset).await?;
    file.seek(std::io::SeekFrom::Start(offset)).await?;
    Ok(file)
}

async fn remove_file(path: &Path) {
    match tokio::fs::remove_file(path).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!(%error, "an upload's file could not be removed");
        }
        _ => {}
    }
}

fn failed(error: &std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            Error::new(ErrorKind::StorageFull, "STORAGE_FULL", "The disk for uploads is full.")
        }
        _ => Error::internal(format!("an upload's file: {error}")),
    }
}
