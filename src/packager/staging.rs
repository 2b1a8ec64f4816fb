//! The folder a job works in: beside its destination, renamed onto it at the end and removed otherwise. A published
//! folder is whole or not there.

use std::fs;
use std::io::ErrorKind as IoErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use uuid::Uuid;

use crate::base::error::Result;
use crate::packager::refusal::{self, Refusal};

/// How often, and how far apart, a removal is tried while a killed worker may still be dying.
const REMOVALS: u32 = 40;
const REMOVAL_PAUSE: Duration = Duration::from_millis(5);

/// A folder that removes itself unless it is published.
#[derive(Debug)]
pub struct Staging {
    dir: PathBuf,
    destination: PathBuf,
    is_published: bool,
}

impl Staging {
    pub fn create(destination: &Path) -> Result<Staging> {
        if is_taken(destination) {
            return Err(exists(destination));
        }
        let destination = std::path::absolute(destination).map_err(refusal::of_write)?;
        let (Some(parent), Some(name)) = (destination.parent(), destination.file_name()) else {
            return Err(exists(&destination));
        };
        fs::create_dir_all(parent).map_err(refusal::of_folder)?;
        remove_orphans(parent, &name.to_string_lossy());
        // The process id lets a later job tell the folder of a dead process from that of a running one.
        let unique = Uuid::now_v7().simple();
        let dir = parent.join(format!(".{}.partial-{}-{unique}", name.to_string_lossy(), std::process::id()));
        fs::create_dir(&dir).map_err(refusal::of_folder)?;
        Ok(Staging { dir, destination, is_published: false })
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Makes the folder durable and gives it its name.
    pub fn publish(mut self) -> Result<PathBuf> {
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
        self.is_published = true;
        if let Some(parent) = self.destination.parent() {
            sync_dir(parent)?;
        }
        Ok(self.destination.clone())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if self.is_published {
            return;
        }
        for _ in 0..REMOVALS {
            match fs::remove_dir_all(&self.dir) {
                Err(error) if error.kind() != IoErrorKind::NotFound => std::thread::sleep(REMOVAL_PAUSE),
                _ => return,
            }
        }
        tracing::warn!(dir = %self.dir.display(), "the folder of a failed job could not be removed");
    }
}

/// An empty folder may be published onto; anything else is someone's.
fn is_taken(destination: &Path) -> bool {
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

/// Removes what a job for the same destination left behind when its whole process was killed.
fn remove_orphans(parent: &Path, name: &str) {
    let prefix = format!(".{name}.partial-");
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let file_name = entry.file_name();
        let Some(rest) = file_name.to_str().and_then(|file_name| file_name.strip_prefix(&prefix)) else { continue };
        let pid = rest.split('-').next().and_then(|pid| pid.parse::<u32>().ok());
        if pid.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
            // What cannot be removed now is tried again by the next job.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
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
        assert_eq!(fs::read_dir(out.parent().unwrap()).unwrap().count(), 0);
        let staging = Staging::create(&out).unwrap();
        fs::write(staging.dir().join("file"), b"x").unwrap();
        assert_eq!(staging.publish().unwrap(), out);
        assert_eq!(fs::read(out.join("file")).unwrap(), b"x");
        assert_eq!(Staging::create(&out).unwrap_err().code(), "OUTPUT_EXISTS");
    }

    #[test]
    fn what_a_dead_process_left_is_removed_and_what_a_live_one_has_is_not() {
        let root = tempfile::tempdir().unwrap();
        let dead = root.path().join(".out.partial-4194305-x");
        let live = root.path().join(format!(".out.partial-{}-x", std::process::id()));
        fs::create_dir(&dead).unwrap();
        fs::create_dir(&live).unwrap();
        let staging = Staging::create(&root.path().join("out")).unwrap();
        assert!(!dead.exists() && live.exists());
        drop(staging);
    }
}
