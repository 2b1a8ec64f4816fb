//! How much room there is on the disk that holds the data folder.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::operator::DiskSource;
use crate::operator::hand::Disk;

/// Looks each time it is asked.
pub fn source(data: PathBuf) -> DiskSource {
    Arc::new(move || look(&data))
}

fn look(folder: &Path) -> Option<Disk> {
    let path = CString::new(folder.as_os_str().as_bytes()).ok()?;
    // SAFETY: the structure is plain numbers, the path ends in a zero, and both outlive the call.
    #[allow(unsafe_code)]
    let stat = unsafe {
        let mut stat: libc::statvfs = std::mem::zeroed();
        (libc::statvfs(path.as_ptr(), &raw mut stat) == 0).then_some(stat)?
    };
    Some(Disk { free_bytes: stat.f_bavail * stat.f_frsize, total_bytes: stat.f_blocks * stat.f_frsize })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_room_and_what_is_none_has_not() {
        let disk = look(&std::env::temp_dir()).unwrap();
        assert!(disk.free_bytes <= disk.total_bytes && disk.total_bytes > 0);
        assert!(look(Path::new("/nowhere/at/all")).is_none());
    }
}
