//! Ingest: a film file becomes a packaged asset in the object store.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::OnceCell;

use crate::api::PosterSource;
use crate::base::clock::Clock;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::AssetId;
use crate::catalog::asset::Asset;
use crate::operator::jobs::{Package, ProgressSink};
use crate::packager::job::{self, Encoding, PackageRequest, Progress};
use crate::packager::publish::publish;
use crate::store::blobs::Blobs;
use crate::store::key::ObjectKey;

/// How often, and how far apart, the removal of what was left behind is tried.
const REMOVALS: u32 = 40;
const REMOVAL_PAUSE: Duration = Duration::from_millis(5);

/// Packages `film` in a folder below `work`, publishes it under `asset_id` and removes the folder, whatever happens.
pub async fn package_and_publish(
    blobs: &Blobs,
    clock: &Clock,
    film: &Path,
    asset_id: AssetId,
    work: &Path,
    on_progress: impl FnMut(&Progress),
) -> Result<Asset> {
    require_sandbox().await?;
    std::fs::create_dir_all(work).map_err(|error| {
        Error::new(ErrorKind::Config, "DATA_NOT_WRITABLE", format!("{} cannot be written.", work.display()))
            .with_source(error)
    })?;
    let out = work.join(asset_id.to_string());
    let request = PackageRequest::new(film, &out, Encoding::Ladder)?;
    let result = async {
        let packaged = job::package(request, on_progress, std::future::pending()).await?;
        publish(blobs, asset_id, &packaged.dir, &packaged.index).await?;
        Ok(Asset {
            id: asset_id,
            source_name: film.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            duration_ms: packaged.index.duration_ms as i64,
            created_at: clock.now(),
        })
    }
    .await;
    if let Err(error) = std::fs::remove_dir_all(&out)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(folder = %out.display(), %error, "a work folder stays behind");
    }
    result
}

/// Removes what jobs of a process that was killed left in `work`. For the start only: nobody works there yet.
pub fn empty_work_folder(work: &Path) {
    for attempt in 1..=REMOVALS {
        match std::fs::remove_dir_all(work) {
            Ok(()) => return,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            // A worker whose server was killed a moment ago may still be dying, and writing.
            Err(_) if attempt < REMOVALS => std::thread::sleep(REMOVAL_PAUSE),
            Err(error) => tracing::warn!(folder = %work.display(), %error, "work folders stay behind"),
        }
    }
}

/// The packaging of jobs.
pub fn packager(blobs: Blobs, clock: Clock, work: PathBuf) -> Package {
    Arc::new(move |film: PathBuf, asset_id, progress: ProgressSink| {
        let (blobs, clock, work) = (blobs.clone(), clock.clone(), work.clone());
        async move {
            package_and_publish(&blobs, &clock, &film, asset_id, &work, |step: &Progress| {
                if step.total_s > 0.0 {
                    progress.set((step.done_s / step.total_s * 1000.0).clamp(0.0, 1000.0) as u32);
                }
            })
            .await
        }
        .boxed()
    })
}

/// Reads posters out of the object store.
pub fn posters(blobs: Blobs) -> PosterSource {
    Arc::new(move |asset| {
        let blobs = blobs.clone();
        async move { blobs.get(&ObjectKey::AssetPoster { asset }).await }.boxed()
    })
}

/// No film is opened where the worker could get out of its sandbox. Tried once per process.
async fn require_sandbox() -> Result<()> {
    static ESCAPES: OnceCell<Vec<String>> = OnceCell::const_new();
    let escapes = ESCAPES
        .get_or_try_init(|| async {
            let worker = std::env::current_exe().map_err(|error| Error::internal("our own path").with_source(error))?;
            job::self_test(&worker).await
        })
        .await?;
    if escapes.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Config,
        "SANDBOX_OPEN",
        format!("The sandbox of the film worker does not hold ({}); no film is opened.", escapes.join(", ")),
    ))
}
