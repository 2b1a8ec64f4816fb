//! The library: playlists, init segments, media segments and keys of packaged assets, given out only against an
//! [`Entitled`]. Playlists are written once per asset and protection and hold nothing personal; segments are read and
//! sealed once and then come from memory. A film that is still being packaged is opened anew as it grows.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use quick_cache::sync::Cache;

use crate::base::drm_system::DrmSystem;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{AssetId, KeyId};
use crate::base::limits;
use crate::base::protection::ProtectionScheme;
use crate::drm::contract::TrackType;
use crate::media::chapters::Chapter;
use crate::media::cmaf;
use crate::media::rendition::{FORMAT_VERSION, TrackIndex, TrackMedia, Variant};
use crate::media::timeline::ClipKind;
use crate::playback::asset::{LicensedKeys, OpenAsset, OpenTrack, Opener, Playlist, etag, not_found, within};
use crate::playback::cache::{Piece, SegmentCache, SegmentKey};
use crate::playback::clearkey;
use crate::playback::gate::Entitled;
use crate::playback::growing::{GrowingFilm, GrowingFilms};
use crate::playback::keys::ContentKeys;
use crate::playback::presentation::Presentation;
use crate::store::blobs::Blobs;
use crate::store::key::ObjectKey;

/// Bytes with the strong validator of exactly these bytes.
#[derive(Clone, Debug)]
pub struct Media {
    pub bytes: Bytes,
    /// With its quotation marks.
    pub etag: HeaderValue,
    pub content_type: &'static str,
}

/// Gives out packaged assets.
pub struct Library {
    opener: Opener,
    assets: Cache<Presentation, Arc<OpenAsset>>,
    /// Of films that grow, by revision.
    growing_assets: Cache<(Presentation, u64), Arc<OpenAsset>>,
    segments: SegmentCache,
}

/// Who gives licences of a film.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Licensing {
    pub systems: Vec<DrmSystem>,
    pub clearkey: bool,
}

impl Library {
    pub fn new(blobs: Blobs, keys: ContentKeys, licensed_keys: LicensedKeys, segment_cache_bytes: u64) -> Library {
        let assets = Cache::new(limits::ASSETS_CACHED_MAX);
        let growing_assets = Cache::new(limits::GROWING_ASSETS_CACHED_MAX);
        let opener = Opener { blobs, keys, licensed_keys, growing: GrowingFilms::default() };
        Library { opener, assets, growing_assets, segments: SegmentCache::new(segment_cache_bytes) }
    }

    /// What is played while it is packaged here.
    pub fn growing(&self) -> &GrowingFilms {
        &self.opener.growing
    }

    /// Sees to it that an asset has the keys that `cbcs` needs, before anybody plays it.
    pub async fn issue_keys(&self, asset_id: AssetId) -> Result<()> {
        self.opener.issue_keys(asset_id).await
    }

    /// The multivariant playlist of the session: of a film that grows, of what is there now.
    pub async fn multivariant(&self, entitled: &Entitled) -> Result<Playlist> {
        Ok(self.asset(entitled).await?.multivariant.clone())
    }

    /// The media playlist of one track.
    pub async fn playlist(&self, entitled: &Entitled, track: &str) -> Result<Playlist> {
        let film = self.film(entitled).await?;
        let grown = self.opener.growing.of_session(film.id, entitled.opened_at());
        let asset = match grown.filter(|grown| grown.growth.index.track(track).is_some()) {
            Some(grown) => Box::pin(self.grown(entitled.presentation(), grown)).await?,
            None => film,
        };
        Ok(asset.track(track)?.playlist.clone())
    }

    /// The init segment of one track, always readable.
    pub async fn init(&self, entitled: &Entitled, track: &str) -> Result<Media> {
        let asset = self.asset(entitled).await?;
        let index = asset.index_of(track)?;
        self.media(&asset, index, Piece::Init).await
    }

    /// Segment `n` of a video or audio track, encrypted unless the title is free.
    pub async fn segment(&self, entitled: &Entitled, track: &str, n: u32) -> Result<Media> {
        let asset = self.asset(entitled).await?;
        let index = asset.index_of(track)?;
        if index.is_text() { Err(not_found()) } else { self.media(&asset, index, Piece::Segment(n)).await }
    }

    /// Segment `n` of a text track, encrypted like the rest.
    pub async fn text(&self, entitled: &Entitled, track: &str, n: u32) -> Result<Media> {
        let asset = self.asset(entitled).await?;
        let index = asset.index_of(track)?;
        if index.is_text() { self.media(&asset, index, Piece::Segment(n)).await } else { Err(not_found()) }
    }

    /// The I-frame playlist of one video track.
    pub async fn iframes(&self, entitled: &Entitled, track: &str) -> Result<Playlist> {
        let asset = self.film(entitled).await?;
        asset.track(track)?.iframes.clone().ok_or_else(not_found)
    }

    /// The first sample of segment `n` of one video track as a segment of its own, encrypted like that.
    pub async fn iframe(&self, entitled: &Entitled, track: &str, n: u32) -> Result<Media> {
        let asset = self.asset(entitled).await?;
        let index = asset.index_of(track)?;
        self.media(&asset, index, Piece::SyncSample(n)).await
    }

    /// The content key of one track; a title that is served clear has none.
    pub async fn key(&self, entitled: &Entitled, track: &str) -> Result<Bytes> {
        let asset = self.asset(entitled).await?;
        let open = asset.track(track)?;
        let seal = open.seal.as_ref().ok_or_else(not_found)?;
        if open.is_licensed_only() {
            return Err(licensed_only());
        }
        Ok(Bytes::copy_from_slice(seal.key().expose()))
    }

    /// The ClearKey licence for the keys that `request` names, all of them of this asset.
    pub async fn license(&self, entitled: &Entitled, request: &[u8]) -> Result<Bytes> {
        if entitled.presentation().protection != Some(ProtectionScheme::Cbcs) {
            return Err(not_found());
        }
        let asset = self.asset(entitled).await?;
        if asset.tracks.values().any(OpenTrack::is_licensed_only) {
            return Err(licensed_only());
        }
        let seals = asset.tracks.values().filter_map(|open| open.seal.as_ref()).filter(|seal| seal.changes_init());
        let seals: HashMap<_, _> = seals.map(|seal| (seal.key_id().to_bytes(), seal)).collect();
        let key_ids = clearkey::read_request(request)?;
        let asked: Option<Vec<_>> = key_ids.iter().map(|id| seals.get(id)).collect();
        let asked = asked.ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                "LICENSE_KEY_UNKNOWN",
                "The request names a key that this film does not have.",
            )
        })?;
        clearkey::write_license(asked.into_iter().map(|seal| (seal.key_id(), seal.key())))
    }

    /// The keys of the session's film that `system` licenses, each once, with the type of the tracks that are under it.
    pub async fn licensed_keys(&self, entitled: &Entitled, system: DrmSystem) -> Result<Vec<(KeyId, TrackType)>> {
        let asset = self.film(entitled).await?;
        let is_licensed = |open: &&OpenTrack| open.systems().any(|other| other == system);
        let licensed = asset.tracks.values().filter(is_licensed);
        let mut keys: Vec<_> =
            licensed.filter_map(|open| Some((open.seal.as_ref()?.key_id(), open.track_type))).collect();
        keys.sort_unstable();
        keys.dedup();
        if keys.is_empty() { Err(not_found()) } else { Ok(keys) }
    }

    /// The systems that licences are to be had of, as far as this can be told now.
    pub async fn licensing(&self, presentation: &Presentation) -> Licensing {
        let none = Licensing::default();
        if presentation.protection != Some(ProtectionScheme::Cbcs) {
            return none;
        }
        let Ok(asset) = self.open_once(presentation).await else { return none };
        let mut systems: Vec<DrmSystem> = asset.tracks.values().flat_map(OpenTrack::systems).collect();
        systems.sort_unstable();
        systems.dedup();
        Licensing { systems, clearkey: !asset.tracks.values().any(OpenTrack::is_licensed_only) }
    }

    /// Whether there is a storyboard, as far as this can be told now.
    pub async fn has_storyboard(&self, presentation: &Presentation) -> bool {
        let asset = self.open_once(presentation).await;
        asset.is_ok_and(|asset| asset.storyboard.is_some())
    }

    /// Whether the film can be shown so now: that something of it may be heard is told here, where nobody has noted what it
    /// speaks, and that the pictures which may be shown are there already.
    pub async fn require_shown(&self, presentation: &Presentation) -> Result<()> {
        if presentation.caps.is_some() { self.open_once(presentation).await.map(drop) } else { Ok(()) }
    }

    /// How long the film is as it is shown, as far as this can be told now.
    pub async fn film_ms(&self, presentation: &Presentation) -> Option<i64> {
        let asset = self.open_once(presentation).await.ok()?;
        i64::try_from(asset.index.duration_ms).ok()
    }

    /// The WebVTT file of the film's storyboard.
    pub async fn storyboard(&self, entitled: &Entitled) -> Result<Playlist> {
        self.film(entitled).await?.storyboard.clone().ok_or_else(not_found)
    }

    /// The film's chapters, as far as this can be told now.
    pub async fn chapters(&self, presentation: &Presentation) -> Vec<Chapter> {
        let asset = self.open_once(presentation).await;
        asset.map_or_else(|_| Vec::new(), |asset| asset.index.chapters.clone())
    }

    /// The same as players of Apple's read them.
    pub async fn chapters_json(&self, entitled: &Entitled) -> Result<Playlist> {
        self.film(entitled).await?.chapters.clone().ok_or_else(not_found)
    }

    /// Sheet `n` of the storyboard, always clear.
    pub async fn sheet(&self, entitled: &Entitled, n: u32) -> Result<Media> {
        let (asset_id, asset) = (entitled.presentation().film, self.film(entitled).await?);
        asset.index.storyboard.filter(|storyboard| n < storyboard.sheets).ok_or_else(not_found)?;
        // A name that no track can have.
        let key = SegmentKey {
            asset_id,
            track: "storyboard.jpg".into(),
            variant: Variant::A,
            piece: Piece::Segment(n),
            protection: None,
        };
        let make = || async move {
            let object = ObjectKey::AssetStoryboard { asset: asset_id, sheet: n };
            let bytes = within(limits::SEGMENT_READ_TIMEOUT, self.opener.blobs.get(&object)).await?;
            let etag = etag(&format!("{FORMAT_VERSION}-{asset_id}-storyboard-{n}"))?;
            Ok(Media { bytes, etag, content_type: "image/jpeg" })
        };
        self.segments.get_or_make(&key, make).await
    }

    async fn media(&self, asset: &OpenAsset, index: &TrackIndex, piece: Piece) -> Result<Media> {
        let range = range_of(index, piece).ok_or_else(not_found)?;
        // No film has marks yet.
        let variant = Variant::A;
        let open = asset.track(&index.id)?;
        let seal = open.seal.as_ref().filter(|seal| piece != Piece::Init || seal.changes_init());
        let key = &SegmentKey {
            asset_id: asset.id,
            track: index.id.as_str().into(),
            variant,
            piece,
            protection: seal.map(|seal| seal.key_id()),
        };
        let content_type = match index.media {
            TrackMedia::Video(_) => "video/mp4",
            TrackMedia::Audio(_) => "audio/mp4",
            TrackMedia::Text(_) => "text/vtt",
        };
        let make = || async move {
            let stored = self.opener.read(key.asset_id, index, variant, range).await?;
            let clear = match piece {
                Piece::SyncSample(_) => Bytes::from(cmaf::sync_sample_segment(&stored)?),
                Piece::Init | Piece::Segment(_) => stored,
            };
            let bytes = match seal.cloned() {
                None => clear,
                Some(seal) if piece == Piece::Init => seal.seal_init(&clear)?,
                // A segment takes milliseconds to seal: not on the thread that answers everybody else.
                Some(seal) => tokio::task::spawn_blocking(move || seal.seal_segment(&clear))
                    .await
                    .map_err(|error| Error::internal("sealing a segment").with_source(error))??,
            };
            let form = key.protection.map_or_else(|| "c".to_owned(), |key_id| key_id.to_string());
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

    /// The clip that the path names.
    async fn asset(&self, entitled: &Entitled) -> Result<Arc<OpenAsset>> {
        let presentation = entitled.presentation();
        match (entitled.clip(), presentation.card) {
            (ClipKind::Card, Some(card)) => self.open_once(&presentation.of_card(card)).await,
            _ => self.open_once(presentation).await,
        }
    }

    /// The film, which alone has playlists.
    async fn film(&self, entitled: &Entitled) -> Result<Arc<OpenAsset>> {
        match entitled.clip() {
            ClipKind::Film => self.open_once(entitled.presentation()).await,
            ClipKind::Card => Err(not_found()),
        }
    }

    async fn open_once(&self, presentation: &Presentation) -> Result<Arc<OpenAsset>> {
        if let Some(asset) = self.assets.get(presentation) {
            return Ok(asset);
        }
        // What is rare is boxed, here and below: every request's future would be as large as the largest part of it.
        if let Some(film) = self.opener.growing.now(presentation.film) {
            return Box::pin(self.grown(presentation, film)).await;
        }
        Box::pin(self.assets.get_or_insert_async(presentation, self.opener.open(presentation))).await
    }

    async fn grown(&self, presentation: &Presentation, film: Arc<GrowingFilm>) -> Result<Arc<OpenAsset>> {
        let open = self.opener.open_growing(presentation, &film.growth);
        self.growing_assets.get_or_insert_async(&(presentation.clone(), film.revision), open).await
    }
}

/// Where a piece lies in the track's file; `None` when the track has none such.
fn range_of(index: &TrackIndex, piece: Piece) -> Option<Range<u64>> {
    let from = |n: u32| index.segments.get(n as usize);
    match piece {
        Piece::Init => Some(0..index.init_bytes).filter(|range| !range.is_empty()),
        Piece::Segment(n) => from(n).map(|segment| segment.offset..segment.offset + segment.bytes),
        Piece::SyncSample(n) => from(n)
            .filter(|segment| segment.sync_bytes > 0)
            .map(|segment| segment.offset..segment.offset + segment.sync_bytes),
    }
}

fn licensed_only() -> Error {
    let message = "The keys of this film are given by licences of its DRM systems only.";
    Error::new(ErrorKind::Forbidden, "KEY_NEEDS_LICENSE", message)
}
