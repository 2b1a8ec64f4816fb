//! A stored asset as a source: the static form of its presentation, whose playlists are written from its index and whose
//! bytes are those of the store. What is checked is thus what viewers are given, before it is sealed for a session.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use quick_cache::sync::Cache;
use url::Url;

use crate::base::error::{Error, Result};
use crate::base::id::AssetId;
use crate::base::limits;
use crate::hls::build::{self, Form};
use crate::inspect::report::Findings;
use crate::inspect::source::{Part, Source, unreadable};
use crate::inspect::{presentation, rules};
use crate::media::rendition::AssetIndex;
use crate::media::timeline::Timeline;
use crate::store::blobs::Blobs;
use crate::store::key::ObjectKey;

/// Reads one asset of the store.
struct StoredAsset<'a> {
    blobs: &'a Blobs,
    asset: AssetId,
    index: &'a AssetIndex,
}

/// Inspects a stored asset: what is wrong with it.
pub async fn inspect(blobs: &Blobs, asset: AssetId) -> Result<Findings> {
    let json = blobs.get(&ObjectKey::AssetIndex { asset }).await?;
    let index = AssetIndex::from_json(&json)?;
    let source = StoredAsset { blobs, asset, index: &index };
    let root =
        Url::parse("asset:///main.m3u8").map_err(|error| Error::internal("an asset's URL").with_source(error))?;
    let mut findings = Findings::default();
    let presentation = presentation::read(&source, &root, &mut findings).await?;
    rules::check(&presentation, &mut findings);
    Ok(findings)
}

/// Reports by asset. An asset never changes, so neither does its report; whoever asks meanwhile waits for the same one.
pub struct AssetReports {
    blobs: Blobs,
    made: Cache<AssetId, Arc<Findings>>,
}

impl AssetReports {
    pub fn new(blobs: Blobs) -> AssetReports {
        AssetReports { blobs, made: Cache::new(limits::INSPECT_REPORTS_CACHED_MAX) }
    }

    pub async fn of(&self, asset: AssetId) -> Result<Arc<Findings>> {
        let make = async { inspect(&self.blobs, asset).await.map(Arc::new) };
        Box::pin(self.made.get_or_insert_async(&asset, make)).await
    }
}

impl StoredAsset<'_> {
    fn playlist(&self, name: &str) -> Option<Bytes> {
        let timeline = Timeline::of_asset("", self.index);
        let name = name.strip_suffix(".m3u8")?;
        match name {
            "main" => Some(build::multivariant(&timeline, Form::Static, |_| None)),
            _ => match name.strip_suffix("-iframes") {
                Some(track) => build::iframes(&timeline, track, Form::Static, None),
                None => build::media(&timeline, name, Form::Static, None),
            },
        }
    }
}

#[async_trait]
impl Source for StoredAsset<'_> {
    async fn read(&self, url: &Url, range: Range<u64>) -> Result<Part> {
        let name = url.path().trim_start_matches('/');
        if let Some(playlist) = self.playlist(name) {
            let total_bytes = playlist.len() as u64;
            let within = |at: u64| usize::try_from(at.min(total_bytes)).unwrap_or(usize::MAX);
            let bytes = playlist.slice(within(range.start)..within(range.end));
            return Ok(Part { bytes, total_bytes, content_type: None });
        }
        let track = self.index.tracks.iter().find(|track| track.file_name() == name);
        let Some(track) = track else { return Err(unreadable(url, "the asset has no such track")) };
        let key = ObjectKey::AssetTrack { asset: self.asset, file: track.file_name() };
        let total_bytes = self.blobs.head(&key).await?.bytes;
        let range = range.start.min(total_bytes)..range.end.min(total_bytes);
        let bytes = if range.is_empty() { Bytes::new() } else { self.blobs.get_range(&key, range).await? };
        Ok(Part { bytes, total_bytes, content_type: None })
    }
}
