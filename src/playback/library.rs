//! The library: playlists, init segments, media segments and keys of packaged assets, given out only against an
//! [`Entitled`]. Playlists are written once per asset and protection and hold nothing personal; segments are read and
//! encrypted once and then come from memory.

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::HeaderValue;
use quick_cache::sync::Cache;

use crate::base::clock::Clock;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{AssetId, KeyId};
use crate::base::limits;
use crate::hls::build::{self, Form};
use crate::media::cmaf;
use crate::media::protect::{ContentKey, Iv, Protection, encrypt_segment};
use crate::media::rendition::{AssetIndex, FORMAT_VERSION, TrackIndex, TrackMedia};
use crate::media::timeline::Timeline;
use crate::playback::cache::{Piece, SegmentCache, SegmentKey};
use crate::playback::gate::Entitled;
use crate::playback::vault::Vault;
use crate::store::blobs::Blobs;
use crate::store::db::Db;
use crate::store::db::playback::WrappedKey;
use crate::store::key::ObjectKey;

/// Bytes with the strong validator of exactly these bytes.
#[derive(Clone, Debug)]
pub struct Media {
    pub bytes: Bytes,
    /// With its quotation marks.
    pub etag: HeaderValue,
    pub content_type: &'static str,
}

/// A playlist or another text, also compressed.
#[derive(Clone, Debug)]
pub struct Playlist {
    pub identity: Bytes,
    pub gzip: Bytes,
    pub etag: HeaderValue,
}

/// Opens packaged assets.
pub struct Library {
    db: Arc<dyn Db>,
    blobs: Blobs,
    vault: Arc<Vault>,
    clock: Clock,
    assets: Cache<AssetId, Arc<OpenAsset>>,
    segments: SegmentCache,
}

/// An asset's index and everything that is written from it once.
struct OpenAsset {
    index: AssetIndex,
    multivariant: Playlist,
    storyboard: Option<Playlist>,
    tracks: HashMap<String, OpenTrack>,
}

struct OpenTrack {
    key_id: KeyId,
    protection: Protection,
    playlist: Forms,
    /// Of a video track.
    iframes: Option<Forms>,
}

/// A function that writes a track's playlist.
type WritePlaylist = fn(&Timeline<'_>, &str, Form, Option<Iv>) -> Option<Bytes>;

/// One playlist, without and with its key.
struct Forms {
    clear: Playlist,
    protected: Playlist,
}

impl Forms {
    fn of(&self, entitled: &Entitled) -> Playlist {
        if entitled.is_protected() { self.protected.clone() } else { self.clear.clone() }
    }
}

impl Library {
    pub fn new(db: Arc<dyn Db>, blobs: Blobs, vault: Arc<Vault>, clock: Clock, segment_cache_bytes: u64) -> Library {
        let assets = Cache::new(limits::ASSETS_CACHED_MAX);
        Library { db, blobs, vault, clock, assets, segments: SegmentCache::new(segment_cache_bytes) }
    }

    /// The multivariant playlist of the session's asset.
    pub async fn multivariant(&self, entitled: &Entitled) -> Result<Playlist> {
        Ok(self.asset(entitled).await?.multivariant.clone())
    }

    /// The media playlist of one track.
    pub async fn playlist(&self, entitled: &Entitled, track: &str) -> Result<Playlist> {
        let asset = self.asset(entitled).await?;
        Ok(asset.track(track)?.playlist.of(entitled))
    }

    /// The init segment of one track, always clear.
    pub async fn init(&self, entitled: &Entitled, track: &str) -> Result<Media> {
        let asset = self.asset(entitled).await?;
        let index = asset.index_of(track)?;
        self.media(entitled, &asset, index, Piece::Init).await
    }

    /// Segment `n` of a video or audio track, encrypted unless the title is free.
    pub async fn segment(&self, entitled: &Entitled, track: &str, n: u32) -> Result<Media> {
        let asset = self.asset(entitled).await?;
        let index = asset.index_of(track)?;
        if index.is_text() { Err(not_found()) } else { self.media(entitled, &asset, index, Piece::Segment(n)).await }
    }

    /// Segment `n` of a text track, encrypted like the rest.
    pub async fn text(&self, entitled: &Entitled, track: &str, n: u32) -> Result<Media> {
        let asset = self.asset(entitled).await?;
        let index = asset.index_of(track)?;
        if index.is_text() { self.media(entitled, &asset, index, Piece::Segment(n)).await } else { Err(not_found()) }
    }

    /// The I-frame playlist of one video track.
    pub async fn iframes(&self, entitled: &Entitled, track: &str) -> Result<Playlist> {
        let asset = self.asset(entitled).await?;
        let iframes = asset.track(track)?.iframes.as_ref().ok_or_else(not_found)?;
        Ok(iframes.of(entitled))
    }

    /// The first sample of segment `n` of one video track as a segment of its own, encrypted like that.
    pub async fn iframe(&self, entitled: &Entitled, track: &str, n: u32) -> Result<Media> {
        let asset = self.asset(entitled).await?;
        let index = asset.index_of(track)?;
        self.media(entitled, &asset, index, Piece::SyncSample(n)).await
    }

    /// The content key of one track; a title that is served clear has none.
    pub async fn key(&self, entitled: &Entitled, track: &str) -> Result<Bytes> {
        let asset = self.asset(entitled).await?;
        let open = asset.track(track)?;
        if entitled.is_protected() {
            Ok(Bytes::copy_from_slice(open.protection.key.expose()))
        } else {
            Err(not_found())
        }
    }

    /// Whether there is a storyboard, as far as this can be told now.
    pub async fn has_storyboard(&self, id: AssetId) -> bool {
        let asset = self.open_once(id).await;
        asset.is_ok_and(|asset| asset.storyboard.is_some())
    }

    /// The WebVTT file of the asset's storyboard.
    pub async fn storyboard(&self, entitled: &Entitled) -> Result<Playlist> {
        self.asset(entitled).await?.storyboard.clone().ok_or_else(not_found)
    }

    /// Sheet `n` of the storyboard, always clear.
    pub async fn sheet(&self, entitled: &Entitled, n: u32) -> Result<Media> {
        let (asset_id, asset) = (entitled.asset_id(), self.asset(entitled).await?);
        asset.index.storyboard.filter(|storyboard| n < storyboard.sheets).ok_or_else(not_found)?;
        // A name that no track can have.
        let key = SegmentKey {
            asset_id,
            track: "storyboard.jpg".into(),
            variant: 0,
            piece: Piece::Segment(n),
            protection: None,
        };
        let make = || async move {
            let object = ObjectKey::AssetStoryboard { asset: asset_id, sheet: n };
            let bytes = within(limits::SEGMENT_READ_TIMEOUT, self.blobs.get(&object)).await?;
            let etag = etag(&format!("{FORMAT_VERSION}-{asset_id}-storyboard-{n}"))?;
            Ok(Media { bytes, etag, content_type: "image/jpeg" })
        };
        self.segments.get_or_make(&key, make).await
    }

    async fn media(&self, entitled: &Entitled, asset: &OpenAsset, index: &TrackIndex, piece: Piece) -> Result<Media> {
        let range = range_of(index, piece).ok_or_else(not_found)?;
        let open = asset.track(&index.id)?;
        // Init segments are always clear.
        let protection = (entitled.is_protected() && piece != Piece::Init).then_some(&open.protection);
        let key = &SegmentKey {
            asset_id: entitled.asset_id(),
            track: index.id.as_str().into(),
            variant: 0,
            piece,
            protection: protection.map(|_| open.key_id),
        };
        let content_type = match index.media {
            TrackMedia::Video(_) => "video/mp4",
            TrackMedia::Audio(_) => "audio/mp4",
            TrackMedia::Text(_) => "text/vtt",
        };
        let make = || async move {
            let object = ObjectKey::AssetTrack { asset: key.asset_id, file: index.file_name() };
            let stored = within(limits::SEGMENT_READ_TIMEOUT, self.blobs.get_range(&object, range)).await?;
            let clear = match piece {
                Piece::SyncSample(_) => Bytes::from(cmaf::sync_sample_segment(&stored)?),
                Piece::Init | Piece::Segment(_) => stored,
            };
            let bytes = match protection.cloned() {
                None => clear,
                // A segment takes milliseconds to encrypt: not on the thread that answers everybody else.
                Some(protection) => {
                    tokio::task::spawn_blocking(move || encrypt_segment(&clear, &protection).map(Bytes::from))
                        .await
                        .map_err(|error| Error::internal("encrypting a segment").with_source(error))??
                }
            };
            let form = if protection.is_some() { 'e' } else { 'c' };
            let place = match piece {
                Piece::Init => "init".to_owned(),
                Piece::Segment(n) => n.to_string(),
                Piece::SyncSample(n) => format!("i{n}"),
            };
            let etag = etag(&format!("{FORMAT_VERSION}-{}-{}-{place}-{form}", key.asset_id, key.track))?;
            Ok(Media { bytes, etag, content_type })
        };
        self.segments.get_or_make(key, make).await
    }

    async fn asset(&self, entitled: &Entitled) -> Result<Arc<OpenAsset>> {
        self.open_once(entitled.asset_id()).await
    }

    async fn open_once(&self, id: AssetId) -> Result<Arc<OpenAsset>> {
        if let Some(asset) = self.assets.get(&id) {
            return Ok(asset);
        }
        // What is rare is boxed, here and below: every request's future would be as large as the largest part of it.
        Box::pin(self.assets.get_or_insert_async(&id, self.open(id))).await
    }

    async fn open(&self, id: AssetId) -> Result<Arc<OpenAsset>> {
        let object = ObjectKey::AssetIndex { asset: id };
        let json = within(limits::SEGMENT_READ_TIMEOUT, self.blobs.get(&object)).await?;
        let index = AssetIndex::from_json(&json)?;
        let name = id.to_string();
        let timeline = Timeline::of_asset(&name, &index);
        let mut tracks = HashMap::new();
        for track in &index.tracks {
            let (key_id, protection) = self.protection(id, &track.id).await?;
            let forms = |write: WritePlaylist, name: &str| -> Result<Option<Forms>> {
                let write = |iv| write(&timeline, &track.id, Form::Served, iv);
                let (Some(clear), Some(protected)) = (write(None), write(Some(protection.iv))) else { return Ok(None) };
                let name = format!("{FORMAT_VERSION}-{id}-{name}");
                let clear = playlist(clear, &format!("{name}-c"))?;
                Ok(Some(Forms { clear, protected: playlist(protected, &format!("{name}-e"))? }))
            };
            let media = forms(build::media, &track.id)?.ok_or_else(not_found)?;
            let iframes = forms(build::iframes, &format!("{}-i", track.id))?;
            tracks.insert(track.id.clone(), OpenTrack { key_id, protection, playlist: media, iframes });
        }
        let multivariant =
            playlist(build::multivariant(&timeline, Form::Served), &format!("{FORMAT_VERSION}-{id}-main"))?;
        let storyboard = index.storyboard.map(|storyboard| {
            let text = storyboard.to_webvtt(index.duration_ms, |sheet| format!("storyboard/{sheet}.jpg"));
            playlist(text.into(), &format!("{FORMAT_VERSION}-{id}-storyboard"))
        });
        let storyboard = storyboard.transpose()?;
        Ok(Arc::new(OpenAsset { index, multivariant, storyboard, tracks }))
    }

    /// The track's key and IV: those in the database, or new ones that are stored there first.
    async fn protection(&self, asset: AssetId, track: &str) -> Result<(KeyId, Protection)> {
        let purpose = format!("content/{asset}/{track}");
        let mut fresh = ContentKey::random()?.expose().to_vec();
        fresh.extend_from_slice(Iv::random()?.expose());
        let proposed = WrappedKey { id: KeyId::new(self.clock.now()), wrapped: self.vault.wrap(&fresh, &purpose)? };
        let stored = self.db.content_key(asset, track, &proposed).await?;
        let plain = self.vault.unwrap(&stored.wrapped, &purpose)?;
        let (key, iv) = plain.split_at_checked(16).ok_or_else(|| Error::internal("a stored key is too short"))?;
        let sixteen = |bytes: &[u8]| -> Result<[u8; 16]> {
            bytes.try_into().map_err(|_| Error::internal("a stored key has the wrong length"))
        };
        let protection = Protection { key: ContentKey::from_bytes(sixteen(key)?), iv: Iv::from_bytes(sixteen(iv)?) };
        Ok((stored.id, protection))
    }
}

impl OpenAsset {
    fn track(&self, id: &str) -> Result<&OpenTrack> {
        self.tracks.get(id).ok_or_else(not_found)
    }

    fn index_of(&self, id: &str) -> Result<&TrackIndex> {
        self.index.track(id).ok_or_else(not_found)
    }
}

/// Where a piece lies in the track's file; `None` when the track has none such.
fn range_of(index: &TrackIndex, piece: Piece) -> Option<std::ops::Range<u64>> {
    let from = |n: u32| index.segments.get(n as usize);
    match piece {
        Piece::Init => Some(0..index.init_bytes).filter(|range| !range.is_empty()),
        Piece::Segment(n) => from(n).map(|segment| segment.offset..segment.offset + segment.bytes),
        Piece::SyncSample(n) => from(n)
            .filter(|segment| segment.sync_bytes > 0)
            .map(|segment| segment.offset..segment.offset + segment.sync_bytes),
    }
}

/// A strong entity tag.
fn etag(text: &str) -> Result<HeaderValue> {
    HeaderValue::try_from(format!("\"{text}\"")).map_err(|error| Error::internal("an entity tag").with_source(error))
}

fn playlist(identity: Bytes, name: &str) -> Result<Playlist> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let gzip = encoder.write_all(&identity).and_then(|()| encoder.finish());
    let gzip = gzip.map_err(|error| Error::internal("compressing a playlist").with_source(error))?;
    Ok(Playlist { identity, gzip: gzip.into(), etag: etag(name)? })
}

async fn within<T>(limit: Duration, reading: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(limit, reading).await.unwrap_or_else(|_| {
        Err(Error::new(ErrorKind::Timeout, "STORE_TIMEOUT", "The store of films does not answer; try again."))
    })
}

fn not_found() -> Error {
    Error::new(ErrorKind::NotFound, "MEDIA_NOT_FOUND", "There is no such track or segment.")
}
