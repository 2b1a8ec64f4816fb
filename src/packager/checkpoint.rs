//! How far a rung is encoded for good: what of its file is on the disk, and what it was made of and with. A job that is
//! begun again after its worker was killed goes on from there, where it makes the same of the same film.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use crate::base::error::{Error, Result};
use crate::media::time::Ticks;
use crate::packager::refusal;
use crate::packager::scan::Scan;

const EXTENSION: &str = "checkpoint";
const BYTES_MAX: u64 = 4096;

/// Lies as `{id}.checkpoint` beside the track's file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// What the track is made of and with, as [`made_of`] says it.
    pub made_of: String,
    #[serde(flatten)]
    pub extent: Extent,
}

/// So much of a track's file, all of it whole segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extent {
    pub bytes: u64,
    pub segments: u32,
    /// Where the last of them ends.
    pub end: Ticks,
}

impl Checkpoint {
    /// That of track `id`, if it has one and its file is there as far.
    pub fn read(dir: &Path, id: &str) -> Option<Checkpoint> {
        let mut json = Vec::new();
        File::open(path(dir, id)).ok()?.take(BYTES_MAX).read_to_end(&mut json).ok()?;
        let checkpoint: Checkpoint = serde_json::from_slice(&json).ok()?;
        let is_there = fs::metadata(track_path(dir, id)).is_ok_and(|meta| meta.len() >= checkpoint.extent.bytes);
        (is_there && checkpoint.extent.end > 0).then_some(checkpoint)
    }

    /// Writes it, once the track's file is on the disk as far. It is the old one or the new one, whatever happens.
    pub fn write(&self, dir: &Path, id: &str) -> Result<()> {
        let json =
            serde_json::to_vec(self).map_err(|error| Error::internal("a checkpoint has no JSON").with_source(error))?;
        let (path, new) = (path(dir, id), dir.join(format!("{id}.{EXTENSION}-new")));
        let write = || {
            let mut file = File::create(&new)?;
            file.write_all(&json)?;
            file.sync_all()?;
            fs::rename(&new, &path)?;
            File::open(dir)?.sync_all()
        };
        write().map_err(refusal::of_write)
    }
}

/// Whether something in `dir` can be gone on with.
pub fn has_any(dir: &Path) -> bool {
    fs::read_dir(dir).is_ok_and(|entries| {
        entries.flatten().any(|entry| entry.path().extension().is_some_and(|extension| extension == EXTENSION))
    })
}

/// Removes everything from `dir` but tracks that have checkpoints, these among them if `is_wanted`.
pub fn keep(dir: &Path, is_wanted: impl Fn(&str) -> bool) -> std::io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let id = path.file_stem().and_then(|id| id.to_str()).unwrap_or_default();
        let is_kept = (path == self::path(dir, id) || path == track_path(dir, id))
            && is_wanted(id)
            && Checkpoint::read(dir, id).is_some();
        if !is_kept {
            if path.is_dir() { fs::remove_dir_all(&path)? } else { fs::remove_file(&path)? }
        }
    }
    Ok(())
}

/// Removes the checkpoints of tracks that are whole.
pub fn remove_all(dir: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == EXTENSION) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// What a film is known by: its file as it lies there, and where its pictures are. In base64.
pub fn film(file: &File, scan: &Scan) -> String {
    let mut digest = Context::new(&SHA256);
    if let Ok(meta) = file.metadata() {
        digest.update(format!("{} {} {}", meta.len(), meta.mtime(), meta.mtime_nsec()).as_bytes());
    }
    digest.update(format!(" {:?} {} {}", scan.timescale, scan.end, scan.video_bytes).as_bytes());
    for pts in scan.presented.iter().chain(&scan.entries) {
        digest.update(&pts.to_be_bytes());
    }
    BASE64.encode(digest.finish())
}

/// What a track is made of and with: the film, everything that is decided about it, and the encoder's own word, which
/// names its version. In base64.
pub fn made_of(film: &str, decided: &str, encoder: &[u8]) -> String {
    let mut digest = Context::new(&SHA256);
    for part in [env!("CARGO_PKG_VERSION").as_bytes(), film.as_bytes(), decided.as_bytes(), encoder] {
        digest.update(&(part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    BASE64.encode(digest.finish())
}

/// Removes the checkpoint of track `id`, whose file becomes something else.
pub fn remove(dir: &Path, id: &str) -> Result<()> {
    remove_if_there(&path(dir, id))
}

/// Removes what there is of track `id`.
pub fn forget(dir: &Path, id: &str) -> Result<()> {
    remove(dir, id)?;
    remove_if_there(&track_path(dir, id))
}

fn remove_if_there(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(refusal::of_write(error)),
        _ => Ok(()),
    }
}

/// The name of the checkpoint of track `id`.
pub fn name(id: &str) -> String {
    format!("{id}.{EXTENSION}")
}

fn path(dir: &Path, id: &str) -> PathBuf {
    dir.join(name(id))
}

fn track_path(dir: &Path, id: &str) -> PathBuf {
    dir.join(format!("{id}.mp4"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint(bytes: u64) -> Checkpoint {
        Checkpoint { made_of: "x".into(), extent: Extent { bytes, segments: 2, end: 12_000 } }
    }

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_checkpoint_counts_where_its_track_is_as_long() {
        let dir = tempfile::tempdir().unwrap();
        checkpoint(4).write(dir.path(), "v360").unwrap();
        assert_eq!(Checkpoint::read(dir.path(), "v360"), None, "there is no track");
        fs::write(dir.path().join("v360.mp4"), b"abc").unwrap();
        assert_eq!(Checkpoint::read(dir.path(), "v360"), None, "it is shorter");
        fs::write(dir.path().join("v360.mp4"), b"abcde").unwrap();
        assert_eq!(Checkpoint::read(dir.path(), "v360"), Some(checkpoint(4)));
        checkpoint(5).write(dir.path(), "v360").unwrap();
        assert_eq!(Checkpoint::read(dir.path(), "v360"), Some(checkpoint(5)));
        fs::write(dir.path().join("v360.checkpoint"), b"{").unwrap();
        assert_eq!(Checkpoint::read(dir.path(), "v360"), None);
    }

    #[test]
    fn what_cannot_be_gone_on_with_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["v360.mp4", "v720.mp4", "v1080.mp4", "a-en-2.mp4", "t-en.cues", "v360.checkpoint-new"] {
            fs::write(dir.path().join(name), b"abcde").unwrap();
        }
        fs::create_dir(dir.path().join("folder")).unwrap();
        checkpoint(5).write(dir.path(), "v720").unwrap();
        checkpoint(5).write(dir.path(), "v360").unwrap();
        checkpoint(9).write(dir.path(), "v1080").unwrap();
        keep(dir.path(), |_| true).unwrap();
        assert_eq!(names(dir.path()), ["v360.checkpoint", "v360.mp4", "v720.checkpoint", "v720.mp4"]);
        keep(dir.path(), |id| id == "v360").unwrap();
        assert_eq!(names(dir.path()), ["v360.checkpoint", "v360.mp4"]);
        assert!(has_any(dir.path()));
        remove_all(dir.path()).unwrap();
        assert_eq!(names(dir.path()), ["v360.mp4"]);
        assert!(!has_any(dir.path()));
    }

    #[test]
    fn another_encoder_another_plan_or_another_film_is_something_else() {
        let known = made_of("film", "rung", b"encoder");
        assert_eq!(known, made_of("film", "rung", b"encoder"));
        for other in [
            made_of("filn", "rung", b"encoder"),
            made_of("film", "rungs", b"encoder"),
            made_of("film", "rung", b"encoders"),
            made_of("filmr", "ung", b"encoder"),
        ] {
            assert_ne!(known, other);
        }
    }
}
