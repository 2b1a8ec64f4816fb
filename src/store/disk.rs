//! How much room the data folder has and takes.

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Bytes that this process may still write to the file system of `folder`.
#[allow(unsafe_code)]
pub fn free_bytes(folder: &Path) -> io::Result<u64> {
    let path = CString::new(folder.as_os_str().as_bytes())?;
    // SAFETY: `path` is a C string that outlives the call, and all-zero bytes are a valid `statvfs`, which the call fills.
    let (failed, space) = unsafe {
        let mut space: libc::statvfs = std::mem::zeroed();
        (libc::statvfs(path.as_ptr(), &raw mut space) != 0, space)
    };
    if failed { Err(io::Error::last_os_error()) } else { Ok(space.f_bavail.saturating_mul(space.f_frsize)) }
}

/// Bytes in all files below `folder`. Links are not followed; a file that goes meanwhile counts for nothing.
pub fn used_bytes(folder: &Path) -> io::Result<u64> {
    let mut used: u64 = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)?.flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() => used = used.saturating_add(entry.metadata().map_or(0, |data| data.len())),
                _ => {}
            }
        }
    }
    Ok(used)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_below_count_and_links_do_not() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("a")).unwrap();
        std::fs::write(folder.path().join("a/one"), [0; 70]).unwrap();
        std::fs::write(folder.path().join("two"), [0; 7]).unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("a/round")).unwrap();
        assert_eq!(used_bytes(folder.path()).unwrap(), 77);
        assert!(free_bytes(folder.path()).unwrap() > 0);
        assert!(free_bytes(&folder.path().join("not there")).is_err());
    }
}
