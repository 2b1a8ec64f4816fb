//! The segment cache: whole segments in memory as they leave, encrypted where they are protected, weighed by their
//! bytes. However many viewers want a segment at once, it is read and encrypted once.

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::base::error::Result;
use crate::base::id::{AssetId, KeyId};
use crate::media::rendition::Variant;
use crate::playback::library::Media;

/// Which bytes: the key is part of the name, and each scheme has its own, so copies in different protection never meet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SegmentKey {
    pub asset_id: AssetId,
    pub track: Box<str>,
    pub variant: Variant,
    pub piece: Piece,
    pub protection: Option<KeyId>,
}

/// What of a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Piece {
    Init,
    Segment(u32),
    /// The first sample of this segment alone.
    SyncSample(u32),
}

/// Segments by key.
pub struct SegmentCache(Cache<SegmentKey, Media, Bytewise>);

#[derive(Clone)]
struct Bytewise;

impl Weighter<SegmentKey, Media> for Bytewise {
    fn weight(&self, key: &SegmentKey, segment: &Media) -> u64 {
        (segment.bytes.len() + key.track.len() + size_of::<SegmentKey>()) as u64
    }
}

/// What a segment weighs on average, which sizes the cache's table.
const SEGMENT_BYTES_USUAL: u64 = 1024 * 1024;

impl SegmentCache {
    /// Holds at most `capacity_bytes`.
    pub fn new(capacity_bytes: u64) -> SegmentCache {
        let estimated = (capacity_bytes / SEGMENT_BYTES_USUAL).max(16) as usize;
        SegmentCache(Cache::with_weighter(estimated, capacity_bytes, Bytewise))
    }

    /// The segment, made by `make` if it is not there; everybody else who asks meanwhile waits for that one.
    pub async fn get_or_make<F>(&self, key: &SegmentKey, make: impl FnOnce() -> F) -> Result<Media>
    where
        F: Future<Output = Result<Media>>,
    {
        match self.0.get(key) {
            Some(segment) => Ok(segment),
            None => Box::pin(self.0.get_or_insert_async(key, make())).await,
        }
    }
}
