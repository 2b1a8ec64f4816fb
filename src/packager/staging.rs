//! The folder a job works in: beside its destination, renamed onto it at the end. A published folder is whole or not
//! there. One job at a time works in it, and what a killed one has encoded is found by the next.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind as IoErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::error::Result;
use crate::packager::checkpoint;
use crate::packager::refusal::{self, Refusal};

/// How often, and how far apart, a folder is tried to take or to remove while a killed worker may still be dying.
const ATTEMPTS: u32 = 40;
const PAUSE: Duration = Duration::from_millis(5);

/// A folder that removes itself unless it is published, or holds work that another job can go on with.
#[derive(Debug)]
pub struct Staging {
    dir: PathBuf,
    destination: PathBuf,
    /// The folder, locked. Whoever inherits it works here too.
    lock: File,
    /// Folders above the destination that were made for it, the outermost first.
    made: Vec<PathBuf>,
    end: End,
}

/// What becomes of the folder when it is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// It stays if there is something to go on with.
    Undecided,
    Discarded,
    Published,
}

impl Staging {
    /// The folder of the job that publishes to `destination`: empty, or with what an earlier one has made durable.
    pub fn create(destination: &Path) -> Result<Staging> {
        if is_taken(destination) {
            return Err(exists(destination));
        }
        let destination = std::path::absolute(destination).map_err(refusal::of_write)?;
        let (Some(parent), Some(_)) = (destination.parent(), destination.file_name()) else {
            return Err(exists(&destination));
        };
        let mut made: Vec<PathBuf> = parent.ancestors().take_while(|folder| !folder.exists()).map(Into::into).collect();
        made.reverse();
        fs::create_dir_all(parent).map_err(refusal::of_folder)?;
        let dir = dir_of(&destination);
        let lock = take(&dir, &destination)?;
        let staging = Staging { dir, destination, lock, made, end: End::Undecided };
        checkpoint::keep(&staging.dir, |_| true).map_err(refusal::of_write)?;
        Ok(staging)
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// For whoever is to work in the folder: it stays locked as long as this is open anywhere.
    pub fn lock(&self) -> &File {
        &self.lock
    }

    /// Whether there is work in it that another job can go on with.
    pub fn can_be_resumed(&self) -> bool {
        checkpoint::has_any(&self.dir)
    }

    /// Removes the folder with everything in it.
    pub fn discard(mut self) {
        self.end = End::Discarded;
    }

    /// Makes the folder durable and gives it its name.
    pub fn publish(mut self) -> Result<PathBuf> {
        checkpoint::remove_all(&self.dir).map_err(refusal::of_write)?;
        sync_dir(&self.dir)?;
        if is_taken(&self.destination) {
            return Err(exists(&self.destination));
        }
        fs::rename(&self.dir, &self.destination).map_err(|error| match error.kind() {
            IoErrorKind::AlreadyExists | IoErrorKind::DirectoryNotEmpty | IoErrorKind::NotADirectory => {
                exists(&self.destination)
            }
            _ => refusal::of_write(error),
        })?;
        self.end = End::Published;
        if let Some(parent) = self.destination.parent() {
            sync_dir(parent)?;
        }
        Ok(self.destination.clone())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        match self.end {
            End::Published => return,
            End::Undecided if self.can_be_resumed() => return,
            End::Undecided | End::Discarded => {}
        }
        for _ in 0..ATTEMPTS {
            match fs::remove_dir_all(&self.dir) {
                Err(error) if error.kind() != IoErrorKind::NotFound => std::thread::sleep(PAUSE),
                _ => {
                    // Somebody may have found a use for them.
                    self.made.iter().rev().for_each(|folder| drop(fs::remove_dir(folder)));
                    return;
                }
            }
        }
        tracing::warn!(dir = %self.dir.display(), "the folder of a failed job could not be removed");
    }
}

/// Where a job for this destination works.
pub fn dir_of(destination: &Path) -> PathBuf {
    let name = destination.file_name().unwrap_or_default().to_string_lossy();
    destination.with_file_name(format!(".{name}.partial"))
}

/// The name of the destination that this is the folder of, by its own.
pub fn destination_of(name: &str) -> Option<&str> {
    name.strip_prefix('.')?.strip_suffix(".partial")
}

/// Makes the folder and locks it, or takes over one that nobody works in.
fn take(dir: &Path, destination: &Path) -> Result<File> {
    for _ in 0..ATTEMPTS {
        match fs::create_dir(dir) {
            Err(error) if error.kind() != IoErrorKind::AlreadyExists => return Err(refusal::of_folder(error)),
            _ => {}
        }
        let Ok(lock) = File::open(dir) else { continue };
        match lock.try_lock() {
            // It may have been published or removed before it was locked.
            Ok(()) if is_at(&lock, dir) => return Ok(lock),
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            Err(TryLockError::Error(error)) => return Err(refusal::of_folder(error)),
        }
    }
    let message = format!("Another job is making {}; wait for it, or choose another folder.", destination.display());
    Err(Refusal::OutputBusy.error(message))
}

fn is_at(folder: &File, dir: &Path) -> bool {
    let identity = |meta: fs::Metadata| (meta.dev(), meta.ino());
    let there = fs::symlink_metadata(dir).map(identity);
    folder.metadata().map(identity).is_ok_and(|locked| there.is_ok_and(|there| there == locked))
}

/// An empty folder may be published onto; anything else is someone's.
fn is_taken(destination: &Path) -> bool {
    // A link to an empty folder is none that a folder could be moved onto.
    if destination.symlink_metadata().is_ok_and(|meta| meta.is_symlink()) {
        return true;
    }
    match fs::read_dir(destination) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) => error.kind() != IoErrorKind::NotFound && destination.symlink_metadata().is_ok(),
    }
}

fn exists(destination: &Path) -> crate::base::error::Error {
    Refusal::OutputExists.error(format!("{} exists already; choose another folder.", destination.display()))
}

fn sync_dir(dir: &Path) -> Result<()> {
    fs::File::open(dir).and_then(|dir| dir.sync_all()).map_err(refusal::of_write)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_published_whole_or_removed() {
        let root = tempfile::tempdir().unwrap();
        let out = root.path().join("deep/out");
        let staging = Staging::create(&out).unwrap();
        fs::write(staging.dir().join("file"), b"x").unwrap();
        drop(staging);
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0, "nor the folder above it");
        let staging = Staging::create(&out).unwrap();
        fs::write(staging.dir().join("file"), b"x").unwrap();
        assert_eq!(staging.publish().unwrap(), out);
        assert_eq!(fs::read(out.join("file")).unwrap(), b"x");
        assert_eq!(Staging::create(&out).unwrap_err().code(), "OUTPUT_EXISTS");
    }

    #[test]
    fn one_job_at_a_time_works_for_a_destination() {
        let root = tempfile::tempdir().unwrap();
        let out = root.path().join("out");
        let staging = Staging::create(&out).unwrap();
        assert_eq!(Staging::create(&out).unwrap_err().code(), "OUTPUT_BUSY");
        // A worker that lives on works there too.
        let inherited = staging.lock().try_clone().unwrap();
        fs::write(staging.dir().join("v360.mp4"), b"x").unwrap();
        fs::write(staging.dir().join("v360.checkpoint"), br#"{"made_of":"","bytes":1,"segments":1,"end":1}"#).unwrap();
        drop(staging);
        assert_eq!(Staging::create(&out).unwrap_err().code(), "OUTPUT_BUSY");
        drop(inherited);
        assert!(Staging::create(&out).is_ok());
    }

    #[test]
    fn what_is_durable_is_kept_and_the_rest_is_removed() {
        let root = tempfile::tempdir().unwrap();
        let out = root.path().join("out");
        let fill = |staging: &Staging| {
            fs::write(staging.dir().join("v360.mp4"), b"x").unwrap();
            fs::write(staging.dir().join("a-en-2.mp4"), b"x").unwrap();
            fs::write(staging.dir().join("v360.checkpoint"), br#"{"made_of":"","bytes":1,"segments":1,"end":1}"#)
                .unwrap();
        };
        let staging = Staging::create(&out).unwrap();
        fill(&staging);
        drop(staging);
        let staging = Staging::create(&out).unwrap();
        assert!(staging.can_be_resumed());
        assert!(staging.dir().join("v360.mp4").exists() && !staging.dir().join("a-en-2.mp4").exists());
        staging.discard();
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);

        let staging = Staging::create(&out).unwrap();
        assert!(!staging.can_be_resumed());
        fill(&staging);
        staging.publish().unwrap();
        assert!(out.join("v360.mp4").exists() && !out.join("v360.checkpoint").exists());
    }
}
