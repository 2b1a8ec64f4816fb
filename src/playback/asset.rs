//! A packaged asset that is open: its index, and everything that is written from it once for all who are shown it so.

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::HeaderValue;

use crate::base::drm_system::DrmSystem;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::AssetId;
use crate::base::limits;
use crate::base::protection::ProtectionScheme;
use crate::drm::contract::TrackType;
use crate::hls::build::{self, DrmTags, Form, Sealed};
use crate::media::rendition::{AssetIndex, FORMAT_VERSION, TrackIndex, TrackMedia};
use crate::media::seal::{TrackSeal, scheme_of};
use crate::media::timeline::Timeline;
use crate::playback::keys::{ContentKeys, TrackKey};
use crate::playback::presentation::Presentation;
use crate::store::blobs::Blobs;
use crate::store::key::ObjectKey;

/// A playlist or another text, also compressed.
#[derive(Clone, Debug)]
pub struct Playlist {
    pub identity: Bytes,
    pub gzip: Bytes,
    pub etag: HeaderValue,
}

/// Whether keys that DRM systems license are also handed out as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BareKeys {
    Refused,
    HandedOut,
}

/// The index of a film and everything that is written from it once, for all who are shown it so. A card is opened as a
/// film of its own that is clear; its playlists are given to nobody.
pub(super) struct OpenAsset {
    pub(super) id: AssetId,
    pub(super) index: AssetIndex,
    pub(super) multivariant: Playlist,
    pub(super) storyboard: Option<Playlist>,
    pub(super) tracks: HashMap<String, OpenTrack>,
}

pub(super) struct OpenTrack {
    /// None where it leaves clear.
    pub(super) seal: Option<Arc<TrackSeal>>,
    pub(super) track_type: TrackType,
    /// Of a key that DRM systems license.
    pub(super) drm: Option<DrmTags>,
    pub(super) playlist: Playlist,
    /// Of a video track.
    pub(super) iframes: Option<Playlist>,
}

/// Reads what is stored of an asset, and its keys.
pub(super) struct Opener {
    pub(super) blobs: Blobs,
    pub(super) keys: ContentKeys,
    pub(super) bare_keys: BareKeys,
}

impl Opener {
    /// Sees to it that an asset has the keys that `cbcs` needs, before anybody plays it.
    pub(super) async fn issue_keys(&self, asset_id: AssetId) -> Result<()> {
        let index = self.index(asset_id).await?;
        let tracks: Vec<_> = index.tracks.iter().filter(|track| !track.is_text()).collect();
        let tracks: Vec<_> = tracks.iter().map(|track| (track.id.as_str(), track_type(track))).collect();
        self.keys.issue(asset_id, &tracks).await
    }

    pub(super) async fn open(&self, presentation: Presentation) -> Result<Arc<OpenAsset>> {
        let id = presentation.film;
        let index = self.index(id).await?;
        let card = match presentation.card {
            Some(card) => Some((card.to_string(), self.index(card).await?)),
            None => None,
        };
        let name = id.to_string();
        let timeline = Timeline::of_asset(&name, &index);
        let (timeline, behind) = match &card {
            Some((card, index)) => (timeline.behind_card(card, index), format!("-{card}")),
            None => (timeline, String::new()),
        };
        let form = presentation.protection.map_or("c", ProtectionScheme::as_str);
        let seals = index.tracks.iter().map(|track| self.seal(presentation, track));
        let seals = futures_util::future::try_join_all(seals).await?;
        let mut tracks = HashMap::new();
        for (track, seal) in index.tracks.iter().zip(seals) {
            let (seal, drm) = seal.map_or((None, None), |(seal, drm)| (Some(seal), drm));
            let signal = seal.as_ref().map(TrackSeal::signal);
            let sealed = |key_uri| signal.map(|signal| Sealed { signal, key_uri, drm: drm.as_ref() });
            let form = if drm.as_ref().is_some_and(|drm| !drm.hands_out_key) { "drm" } else { form };
            let name = format!("{FORMAT_VERSION}-{id}-{}", track.id);
            let key_uri = format!("{}/key", track.id);
            let text = build::media(&timeline, &track.id, Form::Served, sealed(&key_uri)).ok_or_else(not_found)?;
            let media = playlist(text, &format!("{name}-{form}{behind}"))?;
            let iframes = build::iframes(&timeline, &track.id, Form::Served, sealed("key"))
                .map(|text| playlist(text, &format!("{name}-i-{form}{behind}")));
            let (seal, iframes) = (seal.map(Arc::new), iframes.transpose()?);
            let open = OpenTrack { seal, track_type: track_type(track), drm, playlist: media, iframes };
            tracks.insert(track.id.clone(), open);
        }
        let multivariant =
            playlist(build::multivariant(&timeline, Form::Served), &format!("{FORMAT_VERSION}-{id}-main{behind}"))?;
        let storyboard = index.storyboard.map(|storyboard| {
            let text = storyboard.to_webvtt(index.duration_ms, |sheet| format!("storyboard/{sheet}.jpg"));
            playlist(text.into(), &format!("{FORMAT_VERSION}-{id}-storyboard"))
        });
        let storyboard = storyboard.transpose()?;
        Ok(Arc::new(OpenAsset { id, index, multivariant, storyboard, tracks }))
    }

    async fn index(&self, asset_id: AssetId) -> Result<AssetIndex> {
        let object = ObjectKey::AssetIndex { asset: asset_id };
        AssetIndex::from_json(&within(limits::SEGMENT_READ_TIMEOUT, self.blobs.get(&object)).await?)
    }

    /// What seals a track of the film, and what its playlists tell DRM systems.
    async fn seal(
        &self,
        presentation: Presentation,
        track: &TrackIndex,
    ) -> Result<Option<(TrackSeal, Option<DrmTags>)>> {
        let Some(scheme) = presentation.protection.map(|chosen| scheme_of(track, chosen)) else { return Ok(None) };
        let TrackKey { id, protection, signals } =
            self.keys.of(presentation.film, &track.id, track_type(track), scheme).await?;
        if scheme == ProtectionScheme::Aes128 {
            return Ok(Some((TrackSeal::aes128(id, protection), None)));
        }
        let object = ObjectKey::AssetTrack { asset: presentation.film, file: track.file_name() };
        let init = within(limits::SEGMENT_READ_TIMEOUT, self.blobs.get_range(&object, 0..track.init_bytes)).await?;
        let system_headers = signals.iter().filter_map(|signal| signal.pssh.clone()).collect();
        let seal = TrackSeal::cbcs(id, protection, &init)?.with_system_headers(system_headers);
        let drm = (!signals.is_empty()).then(|| DrmTags {
            systems: signals.into_iter().map(|signal| (signal.system, signal.key_tag)).collect(),
            hands_out_key: self.bare_keys == BareKeys::HandedOut,
        });
        Ok(Some((seal, drm)))
    }
}

impl OpenTrack {
    pub(super) fn systems(&self) -> impl Iterator<Item = DrmSystem> {
        self.drm.iter().flat_map(|drm| &drm.systems).map(|(system, _)| *system)
    }

    pub(super) fn is_licensed_only(&self) -> bool {
        self.drm.as_ref().is_some_and(|drm| !drm.hands_out_key)
    }
}

impl OpenAsset {
    pub(super) fn track(&self, id: &str) -> Result<&OpenTrack> {
        self.tracks.get(id).ok_or_else(not_found)
    }

    pub(super) fn index_of(&self, id: &str) -> Result<&TrackIndex> {
        self.index.track(id).ok_or_else(not_found)
    }
}

/// Of words it matters to nobody.
pub(super) fn track_type(track: &TrackIndex) -> TrackType {
    match &track.media {
        TrackMedia::Video(video) => TrackType::of_video(video.width, video.height),
        TrackMedia::Audio(_) | TrackMedia::Text(_) => TrackType::Audio,
    }
}

/// A strong entity tag.
pub(super) fn etag(text: &str) -> Result<HeaderValue> {
    HeaderValue::try_from(format!("\"{text}\"")).map_err(|error| Error::internal("an entity tag").with_source(error))
}

pub(super) fn playlist(identity: Bytes, name: &str) -> Result<Playlist> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let gzip = encoder.write_all(&identity).and_then(|()| encoder.finish());
    let gzip = gzip.map_err(|error| Error::internal("compressing a playlist").with_source(error))?;
    Ok(Playlist { identity, gzip: gzip.into(), etag: etag(name)? })
}

pub(super) async fn within<T>(limit: Duration, reading: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(limit, reading).await.unwrap_or_else(|_| {
        Err(Error::new(ErrorKind::Timeout, "STORE_TIMEOUT", "The store of films does not answer; try again."))
    })
}

pub(super) fn not_found() -> Error {
    Error::new(ErrorKind::NotFound, "MEDIA_NOT_FOUND", "There is no such track or segment.")
}
