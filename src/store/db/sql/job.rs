//! SQL of [`JobDb`].

use std::time::Duration;

use async_trait::async_trait;

use super::error::corrupt;
use super::playback::append_change;
use super::row::{AFTER_ALL, Columns, to_json};
use super::{Connection, Row, SqlDb, catalog, idempotency};
use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{AssetId, JobId, UploadId};
use crate::base::limits;
use crate::catalog::asset::Asset;
use crate::catalog::licence::CardSource;
use crate::store::db::job::{Job, JobDb, JobOutcome, JobProgress, JobState, JobWork, SidecarKind, Upload, UploadRole};
use crate::store::db::playback::Change;
use crate::store::db::{Idempotency, Page, Written};

#[async_trait]
impl JobDb for SqlDb {
    async fn insert_upload(&self, upload: &Upload, idempotency: Option<&Idempotency>) -> Result<Written<()>> {
        let (upload, idempotency) = (upload.clone(), idempotency.cloned());
        self.write(move |conn| Box::pin(async move { insert_upload(conn, &upload, idempotency.as_ref()).await })).await
    }

    async fn upload(&self, id: UploadId) -> Result<Option<Upload>> {
        let row = sqlx::query("SELECT * FROM upload WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(upload).transpose()
    }

    async fn advance_upload(&self, id: UploadId, received_bytes: u64) -> Result<()> {
        self.write(move |conn| {
            Box::pin(async move {
                let advanced = sqlx::query("UPDATE upload SET received_bytes = $2 WHERE id = $1 AND job_id IS NULL")
                    .bind(id.to_string())
                    .bind(bytes(received_bytes)?)
                    .execute(&mut *conn)
                    .await?;
                if advanced.rows_affected() == 0 { Err(not_open(conn, id).await?) } else { Ok(()) }
            })
        })
        .await
    }

    async fn complete_upload(&self, id: UploadId, job: &Job) -> Result<()> {
        let job = job.clone();
        self.write(move |conn| {
            Box::pin(async move {
                let completed = sqlx::query("UPDATE upload SET job_id = $2 WHERE id = $1 AND job_id IS NULL")
                    .bind(id.to_string())
                    .bind(job.id.to_string())
                    .execute(&mut *conn)
                    .await?;
                if completed.rows_affected() == 0 {
                    return Err(not_open(conn, id).await?);
                }
                sqlx::query(
                    "UPDATE upload SET job_id = $2 WHERE EXISTS (SELECT 1 FROM upload AS film \
                     WHERE film.id = $1 AND film.beside LIKE '%\"' || upload.id || '\"%')",
                )
                .bind(id.to_string())
                .bind(job.id.to_string())
                .execute(&mut *conn)
                .await?;
                insert_job(conn, &job).await
            })
        })
        .await
    }

    async fn delete_upload(&self, id: UploadId) -> Result<bool> {
        self.write(move |conn| {
            Box::pin(async move {
                if film_with(conn, id).await?.is_some() {
                    return Ok(false);
                }
                sqlx::query("DELETE FROM upload WHERE id = $1").bind(id.to_string()).execute(conn).await?;
                Ok(true)
            })
        })
        .await
    }

    async fn beside(&self, films: &[UploadId]) -> Result<Vec<Upload>> {
        let films = self.uploads(films).await?;
        let beside: Vec<UploadId> = films.iter().flat_map(Upload::beside).copied().collect();
        self.uploads(&beside).await
    }

    async fn open_uploads(&self) -> Result<Vec<Upload>> {
        let rows =
            sqlx::query("SELECT * FROM upload WHERE job_id IS NULL ORDER BY id").fetch_all(&self.readers).await?;
        rows.iter().map(upload).collect()
    }

    async fn insert_job(&self, job: &Job) -> Result<()> {
        let job = job.clone();
        self.write(move |conn| Box::pin(async move { insert_job(conn, &job).await })).await
    }

    async fn queue_card(&self, job: &Job) -> Result<bool> {
        let job = job.clone();
        self.write(move |conn| Box::pin(async move { queue_card(conn, &job).await })).await
    }

    async fn card_job(&self, source: &CardSource) -> Result<Option<Job>> {
        let row = sqlx::query("SELECT * FROM job WHERE card = $1 ORDER BY id DESC LIMIT 1")
            .bind(to_json(source)?)
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(job).transpose()
    }

    async fn job(&self, id: JobId) -> Result<Option<Job>> {
        let row =
            sqlx::query("SELECT * FROM job WHERE id = $1").bind(id.to_string()).fetch_optional(&self.readers).await?;
        row.as_ref().map(job).transpose()
    }

    async fn jobs(&self, page: &Page) -> Result<Vec<Job>> {
        let rows = sqlx::query("SELECT * FROM job WHERE id < $1 ORDER BY id DESC LIMIT $2")
            .bind(page.after.as_deref().unwrap_or(AFTER_ALL))
            .bind(i64::from(page.limit))
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(job).collect()
    }

    async fn claim_job(&self, node: &str, now: UtcMs, ttl: Duration) -> Result<Option<Job>> {
        let node = node.to_owned();
        self.write(move |conn| {
            Box::pin(async move {
                let row = sqlx::query(
                    "UPDATE job SET status = 'running', node = $1, lease_until = $2 WHERE id = \
                     (SELECT id FROM job WHERE status = 'queued' OR (status = 'running' AND lease_until <= $3) \
                     ORDER BY id LIMIT 1) RETURNING *",
                )
                .bind(&node)
                .bind((now + ttl).0)
                .bind(now.0)
                .fetch_optional(conn)
                .await?;
                row.as_ref().map(job).transpose()
            })
        })
        .await
    }

    async fn renew_job(&self, id: JobId, node: &str, progress: &JobProgress, until: UtcMs) -> Result<bool> {
        let (node, permille) = (node.to_owned(), progress.permille.min(1000));
        let stage = progress.stage.as_ref().map(to_json).transpose()?;
        self.write(move |conn| {
            Box::pin(async move {
                let renewed = sqlx::query(
                    "UPDATE job SET lease_until = $3, progress_permille = $4, stage = $5 \
                     WHERE id = $1 AND node = $2 AND status = 'running'",
                )
                .bind(id.to_string())
                .bind(&node)
                .bind(until.0)
                .bind(i64::from(permille))
                .bind(stage)
                .execute(conn)
                .await?;
                Ok(renewed.rows_affected() == 1)
            })
        })
        .await
    }

    async fn begin_asset(&self, id: JobId, node: &str, asset: &Asset, at: UtcMs) -> Result<bool> {
        let (node, asset) = (node.to_owned(), asset.clone());
        self.write(move |conn| Box::pin(async move { begin_asset(conn, id, &node, &asset, at).await })).await
    }

    async fn publish_asset(&self, id: JobId, node: &str, asset: &Asset, at: UtcMs) -> Result<bool> {
        let (node, asset) = (node.to_owned(), asset.clone());
        self.write(move |conn| {
            Box::pin(async move {
                let outcome = JobOutcome::Done { asset_id: asset.id };
                let is_ours = finish_job(conn, id, &node, &outcome, at).await?;
                if is_ours {
                    catalog::insert_asset(conn, &asset).await?;
                }
                Ok(is_ours)
            })
        })
        .await
    }

    async fn finish_job(&self, id: JobId, node: &str, outcome: &JobOutcome, at: UtcMs) -> Result<bool> {
        let (node, outcome) = (node.to_owned(), outcome.clone());
        self.write(move |conn| Box::pin(async move { finish_job(conn, id, &node, &outcome, at).await })).await
    }
}

async fn insert_upload(
    conn: &mut Connection,
    upload: &Upload,
    idempotency: Option<&Idempotency>,
) -> Result<Written<()>> {
    if let Some(written) = idempotency::seen(conn, idempotency).await? {
        return Ok(written);
    }
    check_beside(conn, upload.beside()).await?;
    sqlx::query(
        "INSERT INTO upload (id, file_name, length_bytes, received_bytes, created_at, job_id, sidecar, beside) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(upload.id.to_string())
    .bind(&upload.file_name)
    .bind(bytes(upload.length_bytes)?)
    .bind(bytes(upload.received_bytes)?)
    .bind(upload.created_at.0)
    .bind(upload.job_id.map(|id| id.to_string()))
    .bind(upload.sidecar().map(to_json).transpose()?)
    .bind(to_json(&upload.beside())?)
    .execute(&mut *conn)
    .await?;
    idempotency::remember(conn, idempotency, &upload.id.to_string(), upload.created_at).await?;
    Ok(Written::New(()))
}

/// Whether a film may have these uploads beside it.
async fn check_beside(conn: &mut Connection, beside: &[UploadId]) -> Result<()> {
    let (mut audio, mut subtitles) = (0, 0);
    for (place, id) in beside.iter().enumerate() {
        let row =
            sqlx::query("SELECT * FROM upload WHERE id = $1").bind(id.to_string()).fetch_optional(&mut *conn).await?;
        let upload = row.as_ref().map(upload).transpose()?;
        let sidecar = upload.as_ref().and_then(|upload| Some((upload, upload.sidecar()?)));
        let Some((upload, sidecar)) = sidecar else {
            let message = format!("{id} is no upload of sound or subtitles.");
            return Err(Error::new(ErrorKind::Unprocessable, "SIDECAR_UNKNOWN", message));
        };
        if upload.job_id.is_some() || film_with(conn, *id).await?.is_some() || beside[..place].contains(id) {
            let message = format!("{id} is beside a film already. Upload the file again.");
            return Err(Error::new(ErrorKind::Conflict, "SIDECAR_TAKEN", message));
        }
        if !upload.is_whole() {
            let message = format!("{id} has not arrived whole. Finish it before the film.");
            return Err(Error::new(ErrorKind::Conflict, "SIDECAR_NOT_WHOLE", message));
        }
        match sidecar.kind {
            SidecarKind::Audio => audio += 1,
            SidecarKind::Subtitles => subtitles += 1,
        }
    }
    if audio > limits::AUDIO_TRACKS_MAX || subtitles > limits::TEXT_TRACKS_MAX {
        let (audio, subtitles) = (limits::AUDIO_TRACKS_MAX, limits::TEXT_TRACKS_MAX);
        let message = format!("A film has at most {audio} files of sound and {subtitles} of subtitles beside it.");
        return Err(Error::new(ErrorKind::Unprocessable, "SIDECARS_TOO_MANY", message));
    }
    Ok(())
}

impl SqlDb {
    /// Those of these uploads that there are, in this order.
    async fn uploads(&self, ids: &[UploadId]) -> Result<Vec<Upload>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let places: Vec<String> = (1..=ids.len()).map(|place| format!("${place}")).collect();
        let sql = format!("SELECT * FROM upload WHERE id IN ({})", places.join(", "));
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for id in ids {
            query = query.bind(id.to_string());
        }
        let rows = query.fetch_all(&self.readers).await?;
        let mut found: Vec<Upload> = rows.iter().map(upload).collect::<Result<_>>()?;
        found.sort_by_key(|upload| ids.iter().position(|id| *id == upload.id));
        Ok(found)
    }
}

/// The film on its way that has this upload beside it.
async fn film_with(conn: &mut Connection, id: UploadId) -> Result<Option<Row>> {
    let film = sqlx::query(
        "SELECT film.id FROM upload AS film \
         WHERE film.job_id IS NULL AND film.beside LIKE '%\"' || $1 || '\"%' LIMIT 1",
    );
    Ok(film.bind(id.to_string()).fetch_optional(conn).await?)
}

async fn queue_card(conn: &mut Connection, job: &Job) -> Result<bool> {
    let (_, card) = work_columns(&job.work)?;
    let present = sqlx::query(
        "SELECT id FROM asset WHERE card = $1 \
         UNION ALL SELECT id FROM job WHERE card = $1 AND status IN ('queued', 'running') LIMIT 1",
    )
    .bind(card)
    .fetch_optional(&mut *conn)
    .await?;
    if present.is_some() {
        return Ok(false);
    }
    insert_job(conn, job).await?;
    Ok(true)
}

/// The upload and the card.
fn work_columns(work: &JobWork) -> Result<(Option<String>, Option<String>)> {
    Ok(match work {
        JobWork::Film { upload_id } => (Some(upload_id.to_string()), None),
        JobWork::Card(source) => (None, Some(to_json(source)?)),
    })
}

async fn insert_job(conn: &mut Connection, job: &Job) -> Result<()> {
    let columns = StateColumns::of(&job.state);
    let (upload_id, card) = work_columns(&job.work)?;
    sqlx::query(
        "INSERT INTO job (id, upload_id, source_name, status, progress_permille, created_at, finished_at, asset_id, \
         failure_code, failure_message, lease_until, card) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $6, $11)",
    )
    .bind(job.id.to_string())
    .bind(upload_id)
    .bind(&job.source_name)
    .bind(columns.status)
    .bind(i64::from(job.progress.permille))
    .bind(job.created_at.0)
    .bind(job.finished_at.map(|at| at.0))
    .bind(columns.asset_id)
    .bind(columns.failure_code)
    .bind(columns.failure_message)
    .bind(card)
    .execute(conn)
    .await?;
    Ok(())
}

async fn begin_asset(conn: &mut Connection, id: JobId, node: &str, asset: &Asset, at: UtcMs) -> Result<bool> {
    let ours = sqlx::query("SELECT id FROM job WHERE id = $1 AND node = $2 AND status = 'running'")
        .bind(id.to_string())
        .bind(node)
        .fetch_optional(&mut *conn)
        .await?;
    if ours.is_none() {
        return Ok(false);
    }
    let known =
        sqlx::query("SELECT * FROM asset WHERE id = $1").bind(asset.id.to_string()).fetch_optional(&mut *conn).await?;
    let known = known.as_ref().map(catalog::asset).transpose()?;
    match known {
        Some(known) if known.state == asset.state => return Ok(true),
        Some(_) => end_sessions(conn, asset.id, at).await?,
        None => {}
    }
    catalog::insert_asset(conn, asset).await?;
    Ok(true)
}

/// Ends every session on an asset whose bytes are not what they were.
async fn end_sessions(conn: &mut Connection, asset: AssetId, at: UtcMs) -> Result<()> {
    let ended: Vec<String> =
        sqlx::query_scalar("UPDATE session SET ended_at = $2 WHERE asset_id = $1 AND ended_at IS NULL RETURNING id")
            .bind(asset.to_string())
            .bind(at.0)
            .fetch_all(&mut *conn)
            .await?;
    for id in ended {
        let id = id.parse().map_err(|_| corrupt("A session's row is damaged."))?;
        append_change(conn, Change::Session(id), at).await?;
    }
    Ok(())
}

async fn finish_job(conn: &mut Connection, id: JobId, node: &str, outcome: &JobOutcome, at: UtcMs) -> Result<bool> {
    let columns = StateColumns::of_outcome(outcome);
    let finished = sqlx::query(
        "UPDATE job SET status = $3, asset_id = $4, failure_code = $5, failure_message = $6, finished_at = $7, \
         progress_permille = CASE WHEN $3 = 'done' THEN 1000 ELSE progress_permille END \
         WHERE id = $1 AND node = $2 AND status = 'running'",
    )
    .bind(id.to_string())
    .bind(node)
    .bind(columns.status)
    .bind(columns.asset_id)
    .bind(columns.failure_code)
    .bind(columns.failure_message)
    .bind(at.0)
    .execute(&mut *conn)
    .await?;
    let is_ours = finished.rows_affected() == 1;
    if is_ours && matches!(outcome, JobOutcome::Failed { .. }) {
        let removed = sqlx::query("DELETE FROM asset WHERE id = $1 AND partial_fingerprint IS NOT NULL")
            .bind(AssetId::of_job(id).to_string())
            .execute(&mut *conn)
            .await?;
        if removed.rows_affected() > 0 {
            append_change(conn, Change::Catalog, at).await?;
        }
    }
    Ok(is_ours)
}

/// Why an upload that should be open is not.
async fn not_open(conn: &mut Connection, id: UploadId) -> Result<Error> {
    let row = sqlx::query("SELECT id FROM upload WHERE id = $1").bind(id.to_string()).fetch_optional(conn).await?;
    Ok(match row {
        Some(_) => Error::new(ErrorKind::Conflict, "UPLOAD_COMPLETE", "This upload is complete already."),
        None => Error::new(ErrorKind::NotFound, "UPLOAD_NOT_FOUND", "There is no such upload."),
    })
}

/// A job's state as it is stored.
struct StateColumns<'a> {
    status: &'static str,
    asset_id: Option<String>,
    failure_code: Option<&'a str>,
    failure_message: Option<&'a str>,
}

impl StateColumns<'_> {
    fn of(state: &JobState) -> StateColumns<'_> {
        let unfinished = |status| StateColumns { status, asset_id: None, failure_code: None, failure_message: None };
        match state {
            JobState::Queued => unfinished("queued"),
            JobState::Running => unfinished("running"),
            JobState::Finished(outcome) => StateColumns::of_outcome(outcome),
        }
    }

    fn of_outcome(outcome: &JobOutcome) -> StateColumns<'_> {
        match outcome {
            JobOutcome::Done { asset_id } => StateColumns {
                status: "done",
                asset_id: Some(asset_id.to_string()),
                failure_code: None,
                failure_message: None,
            },
            JobOutcome::Failed { code, message } => StateColumns {
                status: "failed",
                asset_id: None,
                failure_code: Some(code),
                failure_message: Some(message),
            },
        }
    }
}

fn bytes(count: u64) -> Result<i64> {
    i64::try_from(count).map_err(|_| Error::new(ErrorKind::TooLarge, "UPLOAD_TOO_LARGE", "The file is too large."))
}

fn upload(row: &Row) -> Result<Upload> {
    Ok(Upload {
        id: row.parsed("id")?,
        file_name: row.text("file_name")?,
        length_bytes: row.count("length_bytes")?,
        received_bytes: row.count("received_bytes")?,
        created_at: row.instant("created_at")?,
        job_id: row.parsed_opt("job_id")?,
        role: match row.json_opt("sidecar")? {
            Some(sidecar) => UploadRole::Sidecar(sidecar),
            None => UploadRole::Film { beside: row.json("beside")? },
        },
    })
}

pub fn job(row: &Row) -> Result<Job> {
    let state = match row.text("status")?.as_str() {
        "queued" => JobState::Queued,
        "running" => JobState::Running,
        "done" => JobState::Finished(JobOutcome::Done { asset_id: row.parsed("asset_id")? }),
        "failed" => JobState::Finished(JobOutcome::Failed {
            code: row.text("failure_code")?,
            message: row.text("failure_message")?,
        }),
        other => return Err(corrupt("A job's row is damaged.").with_internal(format!("status {other}"))),
    };
    Ok(Job {
        id: row.parsed("id")?,
        work: match row.parsed_opt("upload_id")? {
            Some(upload_id) => JobWork::Film { upload_id },
            None => JobWork::Card(row.json("card")?),
        },
        source_name: row.text("source_name")?,
        state,
        progress: JobProgress {
            permille: row.count("progress_permille")?,
            stage: row.text_opt("stage")?.map(|_| row.json("stage")).transpose()?,
        },
        created_at: row.instant("created_at")?,
        finished_at: row.instant_opt("finished_at")?,
    })
}
