//! The files that a job opens for its worker, which opens none itself.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::base::error::Result;
use crate::base::limits;
use crate::packager::job::SidecarFile;
use crate::packager::protocol::SidecarOrder;
use crate::packager::refusal::Refusal;

fn open_file(path: &Path) -> Result<File> {
    let shown = path.display();
    // A pipe that nobody writes into would be waited for.
    let open = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path);
    open.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Refusal::InputNotFound.error(format!("There is no file {shown}.")),
        _ => Refusal::InputUnreadable.error(format!("{shown} cannot be opened for reading.")).with_source(error),
    })
}

/// A film, which is a file with something in it.
pub fn open_input(path: &Path) -> Result<File> {
    let shown = path.display();
    let file = open_file(path)?;
    let meta = file
        .metadata()
        .map_err(|error| Refusal::InputUnreadable.error(format!("{shown} cannot be read.")).with_source(error))?;
    if !meta.is_file() {
        return Err(Refusal::InputNotAFilm.error(format!("{shown} is not a file.")));
    }
    if meta.len() == 0 {
        return Err(Refusal::InputEmpty.error(format!("{shown} is empty (0 bytes); copy it again.")));
    }
    if meta.len() > limits::UPLOAD_BYTES_MAX {
        return Err(
            Refusal::InputTooLarge.error(format!("{shown} is larger than {} GiB.", limits::UPLOAD_BYTES_MAX >> 30))
        );
    }
    Ok(file)
}

/// What a file beside the film holds.
#[derive(Clone, Copy)]
pub enum SidecarKind {
    Audio,
    Subtitles,
}

/// Files beside the film, each with what is ordered of it.
pub fn open_sidecars(files: &[SidecarFile], kind: SidecarKind) -> Result<Vec<(File, SidecarOrder)>> {
    let (refusal, what, files_max, bytes_max) = match kind {
        SidecarKind::Audio => (Refusal::AudioUnreadable, "sound", limits::AUDIO_TRACKS_MAX, limits::UPLOAD_BYTES_MAX),
        SidecarKind::Subtitles => {
            (Refusal::SubtitleUnreadable, "subtitles", limits::TEXT_TRACKS_MAX, limits::TEXT_FILE_BYTES_MAX)
        }
    };
    let open = |sidecar: &SidecarFile| {
        let SidecarFile { path, name, language } = sidecar.clone();
        let file = open_file(&path)?;
        if file.metadata().is_ok_and(|meta| !meta.is_file() || meta.len() > bytes_max) {
            return Err(refusal.error(format!("{name} is no file of at most {} MiB.", bytes_max >> 20)));
        }
        let order = SidecarOrder { file: file.as_raw_fd(), name, language };
        Ok((file, order))
    };
    if files.len() > files_max {
        return Err(refusal.error(format!("At most {files_max} files of {what} are accepted.")));
    }
    files.iter().map(open).collect()
}
