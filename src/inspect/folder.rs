//! A folder on this machine as a source. What a playlist in it refers to is read only where it lies in the folder too.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use async_trait::async_trait;
use url::Url;

use crate::base::error::{Error, Result};
use crate::inspect::source::{Part, Source, spoken, unreadable};

/// Reads files at or below one folder.
pub struct Folder {
    /// With every symbolic link followed.
    root: PathBuf,
}

impl Folder {
    pub fn new(root: &std::path::Path) -> Result<Folder> {
        let root = root
            .canonicalize()
            .map_err(|error| Error::internal(format!("{} cannot be resolved", root.display())).with_source(error))?;
        Ok(Folder { root })
    }
}

#[async_trait]
impl Source for Folder {
    async fn read(&self, url: &Url, range: Range<u64>) -> Result<Part> {
        let path = url.to_file_path().map_err(|()| unreadable(url, "it does not lie in this folder"))?;
        let root = self.root.clone();
        let read = tokio::task::spawn_blocking(move || {
            let path = path.canonicalize()?;
            let metadata = path.metadata()?;
            if !path.starts_with(&root) || !metadata.is_file() {
                return Ok(None);
            }
            let total_bytes = metadata.len();
            let wanted = range.end.min(total_bytes).saturating_sub(range.start);
            let mut bytes = vec![0; usize::try_from(wanted).unwrap_or(usize::MAX)];
            File::open(path)?.read_exact_at(&mut bytes, range.start)?;
            Ok(Some(Part { bytes: bytes.into(), total_bytes, content_type: None }))
        });
        let read = read.await.map_err(|error| Error::internal("reading a file").with_source(error))?;
        match read {
            Ok(Some(part)) => Ok(part),
            Ok(None) => Err(unreadable(url, "it is not a file of this folder")),
            Err(error) => {
                let error: std::io::Error = error;
                Err(unreadable(url, &error.kind().to_string()).with_internal(spoken(url)).with_source(error))
            }
        }
    }
}
