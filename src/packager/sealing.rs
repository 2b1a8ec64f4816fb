//! A package that leaves sealed: the tracks of a finished folder are written anew under one key, which goes into a file
//! elsewhere.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::base::id::KeyId;
use crate::base::protection::ProtectionScheme;
use crate::media::cmaf::sync_sample_segment;
use crate::media::protect::{ContentKey, Iv, Protection};
use crate::media::rendition::{AssetIndex, TrackIndex};
use crate::media::seal::{Signal, TrackSeal, scheme_of};
use crate::packager::checkpoint;
use crate::packager::refusal::{self, Refusal};
use crate::packager::staging;

/// How a package is to be sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealing {
    pub scheme: ProtectionScheme,
    /// Where the sixteen bytes of the key go; must not exist, and lies outside the package.
    pub key_file: PathBuf,
    /// Where players will find them: what the playlists say.
    pub key_uri: String,
}

impl Sealing {
    /// Refuses a key file that exists, or that would lie in the package.
    pub fn check(&self, out_dir: &Path) -> Result<()> {
        let shown = self.key_file.display();
        if self.key_file.symlink_metadata().is_ok() {
            let message =
                format!("There is a key file {shown} already; name another. A key that is lost cannot be made again.");
            return Err(Refusal::KeyFileExists.error(message));
        }
        let key_folder = self.key_file.parent().unwrap_or(Path::new("/"));
        let key_folder = place_of(key_folder).map_err(|error| self.not_writable().with_source(error))?;
        let package = place_of(out_dir).map_err(refusal::of_folder)?;
        if [&package, &staging::dir_of(&package)].iter().any(|folder| key_folder.starts_with(folder)) {
            let message =
                format!("The key file {shown} would lie in the package, where everybody reads it; name another place.");
            return Err(Refusal::KeyFileInPackage.error(message));
        }
        if !key_folder.is_dir() {
            return Err(self.not_writable());
        }
        Ok(())
    }

    /// Seals every track in `dir` and says so in `index`; what the playlist of each has to say, and the key.
    pub fn seal(
        &self,
        dir: &Path,
        index: &mut AssetIndex,
        now: UtcMs,
    ) -> Result<(ContentKey, HashMap<String, Signal>)> {
        let (key, key_id) = (ContentKey::random()?, KeyId::new(now));
        let mut signals = HashMap::new();
        for track in &mut index.tracks {
            let path = dir.join(track.file_name());
            let mut clear = File::open(&path).map_err(refusal::of_write)?;
            let init = read(&mut clear, track.init_bytes)?;
            let protection = Protection { key: key.clone(), iv: Iv::random()? };
            let seal = match scheme_of(track, self.scheme) {
                ProtectionScheme::Aes128 => TrackSeal::aes128(key_id, protection),
                ProtectionScheme::Cbcs => TrackSeal::cbcs(key_id, protection, &init)?,
            };
            let sealed_path = path.with_extension("sealed");
            let mut sealed = File::create_new(&sealed_path).map_err(refusal::of_write)?;
            let mut iframes = (seal.signal().scheme == ProtectionScheme::Aes128 && track.has_sync_bytes())
                .then(|| File::create_new(dir.join(track.iframes_file_name())).map_err(refusal::of_write))
                .transpose()?;
            seal_track(&seal, track, &init.into(), &mut clear, &mut sealed, iframes.as_mut())?;
            iframes.map_or(Ok(()), |file| file.sync_all()).map_err(refusal::of_write)?;
            sealed.sync_all().map_err(refusal::of_write)?;
            // Nobody may go on encoding where it is sealed.
            checkpoint::remove(dir, &track.id)?;
            fs::rename(&sealed_path, &path).map_err(refusal::of_write)?;
            signals.insert(track.id.clone(), seal.signal());
        }
        Ok((key, signals))
    }

    /// Writes the key where only its owner reads it.
    pub fn write_key(&self, key: &ContentKey) -> Result<()> {
        let write = || {
            let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.key_file)?;
            file.write_all(key.expose())?;
            file.sync_all()
        };
        write().map_err(|error| self.not_writable().with_source(error))
    }

    fn not_writable(&self) -> crate::base::error::Error {
        let message = format!("The key file {} cannot be written; name a place that can.", self.key_file.display());
        Refusal::KeyFileNotWritable.error(message)
    }
}

/// Where a path leads, also where its last folders are not there yet.
fn place_of(path: &Path) -> std::io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    let is_there = |folder: &&Path| folder.symlink_metadata().is_ok();
    let there = path.ancestors().find(is_there).unwrap_or(Path::new("/"));
    let rest = path.strip_prefix(there).unwrap_or(Path::new(""));
    Ok(fs::canonicalize(there)?.join(rest))
}

/// Init segment and segments one after the other, as they lay in the clear file. What is sealed as a whole cannot be opened
/// in part, so the first pictures of such segments go, each sealed for itself, into `iframes`.
fn seal_track(
    seal: &TrackSeal,
    track: &mut TrackIndex,
    init: &Bytes,
    clear: &mut File,
    out: &mut File,
    mut iframes: Option<&mut File>,
) -> Result<()> {
    let sealed_init = seal.seal_init(init)?;
    out.write_all(&sealed_init).map_err(refusal::of_write)?;
    track.init_bytes = sealed_init.len() as u64;
    let mut offset = track.init_bytes;
    let mut sync_offset = 0;
    for segment in &mut track.segments {
        let stored = read(clear, segment.bytes)?;
        let sealed = seal.seal_segment(&stored)?;
        out.write_all(&sealed).map_err(refusal::of_write)?;
        let bytes = sealed.len() as u64;
        if let Some(iframes) = iframes.as_deref_mut() {
            let picture = seal.seal_segment(&sync_sample_segment(&stored[..segment.sync_bytes as usize])?)?;
            iframes.write_all(&picture).map_err(refusal::of_write)?;
            (segment.sync_offset, segment.sync_bytes) = (Some(sync_offset), picture.len() as u64);
            sync_offset += segment.sync_bytes;
        } else if segment.sync_bytes > 0 {
            // The boxes before the first sample have grown.
            segment.sync_bytes += bytes - segment.bytes;
        }
        (segment.offset, segment.bytes) = (offset, bytes);
        offset += bytes;
    }
    track.measure();
    Ok(())
}

fn read(file: &mut File, bytes: u64) -> Result<Vec<u8>> {
    let mut buffer = vec![0; bytes as usize];
    file.read_exact(&mut buffer).map_err(refusal::of_write)?;
    Ok(buffer)
}
