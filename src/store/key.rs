//! Every stored object: its path, its content type and how long anyone may keep a copy.

use object_store::path::Path;

use crate::base::id::{AssetId, PosterId, TitleId, UploadId};

/// The folder of all assets.
pub const ASSETS: &str = "assets";

/// An object by what it is, never by a path made elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ObjectKey {
    /// One track of an asset by the name of its file: all of its segments, `{id}.mp4` or `{id}.vtt`.
    AssetTrack { asset: AssetId, file: String },
    /// The asset's index; an asset exists once this does.
    AssetIndex { asset: AssetId },
    /// A frame of the film.
    AssetPoster { asset: AssetId },
    /// A sheet of small pictures of the film, numbered from 0.
    AssetStoryboard { asset: AssetId, sheet: u32 },
    /// A picture that was uploaded for a title; another one is another poster.
    TitlePoster { title: TitleId, poster: PosterId },
    /// A film on its way in.
    Upload { upload: UploadId },
}

/// How long a copy may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CachePolicy {
    /// The bytes behind this key never change.
    Immutable,
    /// Never kept.
    NoStore,
}

impl ObjectKey {
    pub fn path(&self) -> Path {
        match self {
            ObjectKey::AssetTrack { asset, file } => Path::from_iter([ASSETS, &asset.to_string(), file]),
            ObjectKey::AssetIndex { asset } => Path::from_iter([ASSETS, &asset.to_string(), "index.json"]),
            ObjectKey::AssetPoster { asset } => Path::from_iter([ASSETS, &asset.to_string(), "poster.jpg"]),
            ObjectKey::AssetStoryboard { asset, sheet } => {
                Path::from_iter([ASSETS, &asset.to_string(), &format!("storyboard-{sheet}.jpg")])
            }
            ObjectKey::TitlePoster { title, poster } => {
                Path::from_iter(["posters", &title.to_string(), &format!("{poster}.jpg")])
            }
            ObjectKey::Upload { upload } => Path::from_iter(["uploads", &upload.to_string()]),
        }
    }

    pub fn content_type(&self) -> &'static str {
        match self {
            ObjectKey::AssetTrack { file, .. } => match file.rsplit_once('.') {
                Some((_, "vtt")) => "text/vtt",
                _ => "video/mp4",
            },
            ObjectKey::AssetIndex { .. } => "application/json",
            ObjectKey::AssetPoster { .. } | ObjectKey::AssetStoryboard { .. } | ObjectKey::TitlePoster { .. } => {
                "image/jpeg"
            }
            ObjectKey::Upload { .. } => "application/octet-stream",
        }
    }

    pub fn cache_policy(&self) -> CachePolicy {
        match self {
            ObjectKey::AssetTrack { .. }
            | ObjectKey::AssetIndex { .. }
            | ObjectKey::AssetPoster { .. }
            | ObjectKey::AssetStoryboard { .. }
            | ObjectKey::TitlePoster { .. } => CachePolicy::Immutable,
            ObjectKey::Upload { .. } => CachePolicy::NoStore,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::UtcMs;

    #[test]
    fn a_key_knows_its_path_and_a_track_name_cannot_climb() {
        let asset = AssetId::new(UtcMs(0));
        let key = ObjectKey::AssetTrack { asset, file: "v720.mp4".into() };
        assert_eq!(key.path().as_ref(), format!("assets/{asset}/v720.mp4"));
        let climbing = ObjectKey::AssetTrack { asset, file: "../../etc/passwd".into() };
        assert_eq!(climbing.path().parts().count(), 3);
    }
}
