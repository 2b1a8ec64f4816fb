//! Puts a packaged folder into the store under an asset id. Tracks go first and the index last: an asset exists once its
//! index does, and what a failed publication left is deleted.

use std::path::Path;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::AssetId;
use crate::media::rendition::AssetIndex;
use crate::media::storyboard::Storyboard;
use crate::packager::readback::POSTER_FILE;
use crate::store::blobs::Blobs;
use crate::store::key::ObjectKey;

/// Stores the folder at `dir`, which holds what `index` says; the bytes stored.
pub async fn publish(blobs: &Blobs, asset: AssetId, dir: &Path, index: &AssetIndex) -> Result<u64> {
    let mut stored = Vec::new();
    let result = put_all(blobs, asset, dir, index, &mut stored).await;
    if result.is_err() {
        for key in &stored {
            if let Err(error) = blobs.delete(key).await {
                tracing::warn!(asset = %asset, error = %error.log_line(), "an object of a failed publication stays");
            }
        }
    }
    result
}

/// What is stored of an asset.
pub async fn index_of(blobs: &Blobs, asset: AssetId) -> Result<AssetIndex> {
    match blobs.get(&ObjectKey::AssetIndex { asset }).await {
        Ok(json) => AssetIndex::from_json(&json),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(Error::new(ErrorKind::NotFound, "MEDIA_NOT_FOUND", "The bytes of this asset are not here."))
        }
        Err(error) => Err(error),
    }
}

async fn put_all(
    blobs: &Blobs,
    asset: AssetId,
    dir: &Path,
    index: &AssetIndex,
    stored: &mut Vec<ObjectKey>,
) -> Result<u64> {
    let mut bytes = 0;
    for track in &index.tracks {
        let key = ObjectKey::AssetTrack { asset, file: track.file_name() };
        bytes += blobs.put_file(&key, &dir.join(track.file_name())).await?;
        stored.push(key);
    }
    let poster = ObjectKey::AssetPoster { asset };
    bytes += blobs.put_file(&poster, &dir.join(POSTER_FILE)).await?;
    stored.push(poster);
    for sheet in 0..index.storyboard.map_or(0, |storyboard| storyboard.sheets) {
        let key = ObjectKey::AssetStoryboard { asset, sheet };
        bytes += blobs.put_file(&key, &dir.join(Storyboard::file_name(sheet))).await?;
        stored.push(key);
    }
    let json = index.to_json()?;
    bytes += json.len() as u64;
    blobs.put(&ObjectKey::AssetIndex { asset }, json.into()).await?;
    Ok(bytes)
}
