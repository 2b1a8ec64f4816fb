//! Objects over the `object_store` crate: local files and S3 alike. An object appears whole or not at all, and what is
//! here is not changed afterwards, only deleted.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use object_store::local::LocalFileSystem;
use object_store::{
    Attribute, Attributes, ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, WriteMultipart,
};
use tokio::io::AsyncReadExt;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::AssetId;
use crate::store::key::{ASSETS, ObjectKey};

/// One part of a large upload; S3 asks for at least 5 MiB.
const PART_BYTES: usize = 8 * 1024 * 1024;
/// Parts in flight at once.
const PARTS_AT_ONCE: usize = 4;

/// A handle on the object store, cheap to clone.
#[derive(Clone)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
    /// A local folder knows no content types and refuses attributes.
    has_attributes: bool,
}

/// What a `head` tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobMeta {
    pub bytes: u64,
}

impl Blobs {
    /// Objects as files below `dir`, which is made when it is not there.
    pub fn local(dir: &Path) -> Result<Blobs> {
        std::fs::create_dir_all(dir).map_err(|error| {
            Error::new(ErrorKind::Config, "STORE_UNUSABLE", format!("The folder {} cannot be made.", dir.display()))
                .with_source(error)
        })?;
        let store = LocalFileSystem::new_with_prefix(dir).map_err(|error| classify(error, "opening the store"))?;
        Ok(Blobs { store: Arc::new(store.with_fsync(true)), has_attributes: false })
    }

    /// Removes what was never finished below `dir`: an asset exists once its index does. For the one process that writes
    /// there, before it begins to.
    pub fn remove_unfinished(dir: &Path) -> Result<()> {
        let failed = |error| Error::internal("looking for unfinished assets").with_source(error);
        let assets = match std::fs::read_dir(dir.join(ASSETS)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            assets => assets.map_err(failed)?,
        };
        for asset in assets {
            let asset = asset.map_err(failed)?;
            // What is not named by us is not ours to remove.
            let Some(id) = asset.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            if !dir.join(ObjectKey::AssetIndex { asset: id }.path().as_ref()).exists() {
                tracing::info!(asset = %id, "an asset that was never finished is removed");
                std::fs::remove_dir_all(asset.path()).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// Removes whatever is stored of an asset, the index first: without it there is no asset.
    pub async fn remove_asset(&self, id: AssetId) -> Result<()> {
        self.delete(&ObjectKey::AssetIndex { asset: id }).await?;
        let folder = object_store::path::Path::from(format!("{ASSETS}/{id}"));
        let mut stored = self.store.list(Some(&folder));
        while let Some(object) = stored.next().await {
            let object = object.map_err(|error| classify(error, "looking for what is stored of an asset"))?;
            match self.store.delete(&object.location).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(classify(error, "removing what is stored of an asset")),
            }
        }
        Ok(())
    }

    /// Any other store of the crate.
    pub fn over(store: Arc<dyn ObjectStore>) -> Blobs {
        Blobs { store, has_attributes: true }
    }

    /// Stores the file at `source`, streamed; returns its length.
    pub async fn put_file(&self, key: &ObjectKey, source: &Path) -> Result<u64> {
        let mut file = tokio::fs::File::open(source).await.map_err(|error| {
            Error::internal(format!("{} cannot be opened for storing", source.display())).with_source(error)
        })?;
        let options = PutMultipartOptions { attributes: self.attributes(key), ..PutMultipartOptions::default() };
        let upload = self
            .store
            .put_multipart_opts(&key.path(), options)
            .await
            .map_err(|error| classify(error, "beginning an upload"))?;
        let mut writer = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
        let mut total = 0;
        loop {
            let mut part = Vec::with_capacity(PART_BYTES);
            let read = (&mut file).take(PART_BYTES as u64).read_to_end(&mut part).await;
            let read = match read {
                Ok(read) => read,
                Err(error) => {
                    abort(writer).await;
                    return Err(Error::internal("reading a file to store it").with_source(error));
                }
            };
            if read == 0 {
                break;
            }
            total += read as u64;
            if let Err(error) = writer.wait_for_capacity(PARTS_AT_ONCE).await {
                abort(writer).await;
                return Err(classify(error, "uploading a part"));
            }
            writer.put(part.into());
        }
        writer.finish().await.map_err(|error| classify(error, "finishing an upload"))?;
        Ok(total)
    }

    /// Stores the first `bytes` of one object as another, a part at a time.
    pub async fn copy_beginning(&self, from: &ObjectKey, to: &ObjectKey, bytes: u64) -> Result<()> {
        let options = PutMultipartOptions { attributes: self.attributes(to), ..PutMultipartOptions::default() };
        let upload = self.store.put_multipart_opts(&to.path(), options).await;
        let upload = upload.map_err(|error| classify(error, "beginning a copy"))?;
        let mut writer = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
        let mut done = 0;
        while done < bytes {
            let end = bytes.min(done + PART_BYTES as u64);
            let part = match self.get_range(from, done..end).await {
                Ok(part) => part,
                Err(error) => {
                    abort(writer).await;
                    return Err(error);
                }
            };
            if let Err(error) = writer.wait_for_capacity(PARTS_AT_ONCE).await {
                abort(writer).await;
                return Err(classify(error, "copying a part"));
            }
            writer.put(part);
            done = end;
        }
        writer.finish().await.map(|_| ()).map_err(|error| classify(error, "finishing a copy"))
    }

    /// Stores `bytes`.
    pub async fn put(&self, key: &ObjectKey, bytes: Bytes) -> Result<()> {
        let options = PutOptions { attributes: self.attributes(key), ..PutOptions::default() };
        let put = self.store.put_opts(&key.path(), PutPayload::from_bytes(bytes), options).await;
        put.map(|_| ()).map_err(|error| classify(error, "storing an object"))
    }

    pub async fn get(&self, key: &ObjectKey) -> Result<Bytes> {
        let found = self.store.get(&key.path()).await.map_err(|error| classify(error, "reading an object"))?;
        found.bytes().await.map_err(|error| classify(error, "reading an object"))
    }

    pub async fn get_range(&self, key: &ObjectKey, range: Range<u64>) -> Result<Bytes> {
        let wanted = range.end.saturating_sub(range.start);
        let bytes = self
            .store
            .get_range(&key.path(), range)
            .await
            .map_err(|error| classify(error, "reading a range of an object"))?;
        if bytes.len() as u64 != wanted {
            return Err(Error::internal(format!("{} is shorter than its index says", key.path())));
        }
        Ok(bytes)
    }

    pub async fn head(&self, key: &ObjectKey) -> Result<BlobMeta> {
        let meta = self.store.head(&key.path()).await.map_err(|error| classify(error, "asking for an object"))?;
        Ok(BlobMeta { bytes: meta.size })
    }

    /// Deletes an object; one that is not there counts as deleted.
    pub async fn delete(&self, key: &ObjectKey) -> Result<()> {
        match self.store.delete(&key.path()).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(classify(error, "deleting an object")),
        }
    }

    fn attributes(&self, key: &ObjectKey) -> Attributes {
        if self.has_attributes {
            Attributes::from_iter([(Attribute::ContentType, key.content_type())])
        } else {
            Attributes::new()
        }
    }
}

/// Gives up an upload; a part that lingers is the store's to collect.
async fn abort(writer: WriteMultipart) {
    if let Err(error) = writer.abort().await {
        tracing::warn!(%error, "an upload could not be aborted");
    }
}

/// The kind of a foreign error, found once.
fn classify(error: object_store::Error, doing: &str) -> Error {
    let is_full = std::iter::successors(Some(&error as &(dyn std::error::Error + 'static)), |error| error.source())
        .filter_map(|error| error.downcast_ref::<std::io::Error>())
        .any(|error| matches!(error.raw_os_error(), Some(libc::ENOSPC | libc::EDQUOT)));
    let (kind, code, message) = match &error {
        _ if is_full => (ErrorKind::StorageFull, "DISK_FULL", "The disk of the store is full."),
        object_store::Error::NotFound { .. } => (ErrorKind::NotFound, "OBJECT_NOT_FOUND", "There is no such object."),
        object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. } => {
            (ErrorKind::Conflict, "OBJECT_EXISTS", "There is such an object already.")
        }
        object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
            (ErrorKind::Config, "STORE_FORBIDDEN", "The store refuses our credentials.")
        }
        _ => (ErrorKind::Unavailable, "STORE_UNAVAILABLE", "The store does not answer as it should; try again."),
    };
    Error::new(kind, code, message).with_internal(doing.to_owned()).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::UtcMs;
    use crate::base::id::{AssetId, UploadId};

    #[tokio::test]
    async fn an_object_is_stored_read_in_part_and_deleted() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = Blobs::local(&dir.path().join("store")).unwrap();
        let asset = AssetId::new(UtcMs(0));
        let key = ObjectKey::AssetTrack { asset, file: "v720.mp4".into() };
        let source = dir.path().join("source");
        let bytes: Vec<u8> = (0..PART_BYTES * 2 + 77).map(|n| (n / 7) as u8).collect();
        std::fs::write(&source, &bytes).unwrap();
        assert_eq!(blobs.put_file(&key, &source).await.unwrap(), bytes.len() as u64);
        assert_eq!(blobs.head(&key).await.unwrap().bytes, bytes.len() as u64);
        assert_eq!(blobs.get(&key).await.unwrap(), bytes);
        assert_eq!(blobs.get_range(&key, 10..20).await.unwrap(), bytes[10..20]);
        blobs.delete(&key).await.unwrap();
        blobs.delete(&key).await.unwrap();
        assert_eq!(blobs.get(&key).await.unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[tokio::test]
    async fn the_beginning_of_an_object_is_copied_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = Blobs::local(dir.path()).unwrap();
        let key = || ObjectKey::AssetTrack { asset: AssetId::new(UtcMs(0)), file: "v720.mp4".into() };
        let (from, to, other) = (key(), key(), key());
        let bytes: Vec<u8> = (0..PART_BYTES + 99).map(|n| (n / 7) as u8).collect();
        blobs.put(&from, bytes.clone().into()).await.unwrap();
        blobs.copy_beginning(&from, &to, PART_BYTES as u64 + 7).await.unwrap();
        assert_eq!(blobs.get(&to).await.unwrap(), bytes[..PART_BYTES + 7]);
        assert!(blobs.copy_beginning(&from, &other, bytes.len() as u64 + 1).await.is_err());
        assert_eq!(blobs.head(&other).await.unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[tokio::test]
    async fn a_range_past_the_end_is_an_error_and_not_a_short_answer() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = Blobs::local(dir.path()).unwrap();
        let key = ObjectKey::Upload { upload: UploadId::new(UtcMs(0)) };
        blobs.put(&key, Bytes::from_static(b"hello")).await.unwrap();
        assert_eq!(blobs.get_range(&key, 1..3).await.unwrap(), "el");
        assert!(blobs.get_range(&key, 1..9).await.is_err());
    }
}
