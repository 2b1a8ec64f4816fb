//! An asset as it is opened: its index, the playlists that are written from it once, and what seals each track. Opened
//! from the store, or, while its film is being packaged here, from what has grown.

use std::collections::HashMap;
use std::io::Write;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::HeaderValue;

use crate::base::drm_system::DrmSystem;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::hdcp::HdcpType;
use crate::base::id::AssetId;
use crate::base::limits;
use crate::base::protection::ProtectionScheme;
use crate::drm::contract::TrackType;
use crate::drm::output_protection::OutputProtection;
use crate::hls::build::{self, DrmTags, Form, Sealed};
use crate::hls::chapters;
use crate::media::growth::Growth;
use crate::media::preview;
use crate::media::rendition::{AssetIndex, FORMAT_VERSION, TrackIndex, TrackMedia, Variant};
use crate::media::seal::{TrackSeal, scheme_of};
use crate::media::timeline::Timeline;
use crate::playback::capped;
use crate::playback::growing::GrowingFilms;
use crate::playback::keys::{ContentKeys, TrackKey};
use crate::playback::presentation::Presentation;
use crate::store::blobs::Blobs;
use crate::store::db::playback::KeyExtent;
use crate::store::key::ObjectKey;

/// A playlist or another text, also compressed.
#[derive(Clone, Debug)]
pub struct Playlist {
    pub identity: Bytes,
    pub gzip: Bytes,
    pub etag: HeaderValue,
}

/// What is asked of players for keys that DRM systems license.
#[derive(Clone, Copy, Debug)]
pub struct LicensedKeys {
    pub bare: BareKeys,
    pub output: OutputProtection,
}

/// Whether keys that DRM systems license are also handed out as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BareKeys {
    Refused,
    HandedOut,
}

/// The index of a film and everything that is written from it once, for all who are shown it so. A card is opened as a
/// film of its own that is clear; its playlists are given to nobody.
pub struct OpenAsset {
    pub id: AssetId,
    pub index: AssetIndex,
    pub multivariant: Playlist,
    pub storyboard: Option<Playlist>,
    /// As JSON, on the clock of the presentation.
    pub chapters: Option<Playlist>,
    pub tracks: HashMap<String, OpenTrack>,
}

pub struct OpenTrack {
    /// None where it leaves clear.
    pub seal: Option<Arc<TrackSeal>>,
    pub track_type: TrackType,
    /// Of a key that DRM systems license.
    pub drm: Option<DrmTags>,
    pub playlist: Playlist,
    /// Of a video track.
    pub iframes: Option<Playlist>,
}

/// Opens assets.
pub struct Opener {
    pub blobs: Blobs,
    pub keys: ContentKeys,
    pub licensed_keys: LicensedKeys,
    pub growing: GrowingFilms,
}

impl Opener {
    /// The film as the store has it.
    pub async fn open(&self, presentation: &Presentation) -> Result<Arc<OpenAsset>> {
        let index = self.index(presentation.film).await?;
        let index = match &presentation.caps {
            Some(caps) => capped::of_film(&index, caps)?,
            None => index,
        };
        let index = match presentation.preview_ms {
            Some(ms) => preview::of_film(&index, ms).ok_or_else(no_preview)?,
            None => index,
        };
        self.write(presentation, index, None).await
    }

    /// The film as far as it has grown.
    pub async fn open_growing(&self, presentation: &Presentation, growth: &Growth) -> Result<Arc<OpenAsset>> {
        let capped = presentation.caps.as_ref().map(|caps| capped::of_growth(growth, caps)).transpose()?;
        let growth = capped.as_ref().unwrap_or(growth);
        match presentation.preview_ms {
            Some(ms) => {
                let index = preview::of_growth(growth, ms).ok_or_else(preview_not_ready)?;
                self.write(presentation, index, None).await
            }
            None => self.write(presentation, growth.index.clone(), Some(growth)).await,
        }
    }

    /// Writes the playlists of a film, and finds what seals it.
    async fn write(
        &self,
        presentation: &Presentation,
        index: AssetIndex,
        growth: Option<&Growth>,
    ) -> Result<Arc<OpenAsset>> {
        let id = presentation.film;
        let card = self.card(presentation).await?;
        let name = id.to_string();
        let timeline = Timeline { growth, ..Timeline::of_asset(&name, &index) };
        let (timeline, behind) = behind_card(timeline, card.as_ref());
        let behind = presentation.preview_ms.map_or_else(|| behind.clone(), |ms| format!("{behind}-preview{ms}"));
        let behind = if presentation.caps.is_some() { format!("{behind}-{}", renditions_mark(&index)) } else { behind };
        let form = presentation.protection.map_or("c", ProtectionScheme::as_str);
        let seals = index.tracks.iter().map(|track| self.seal(presentation, track));
        let seals = futures_util::future::try_join_all(seals).await?;
        let mut tracks = HashMap::new();
        for (track, seal) in index.tracks.iter().zip(seals) {
            let (seal, drm) = seal.map_or((None, None), |(seal, drm)| (Some(seal), drm));
            let signal = seal.as_ref().map(TrackSeal::signal);
            let sealed = |key_uri| signal.map(|signal| Sealed { signal, key_uri, drm: drm.as_ref() });
            let form = if drm.as_ref().is_some_and(|drm| !drm.hands_out_key) { "drm" } else { form };
            let mark = growth.map_or_else(String::new, |growth| {
                format!("-{}{}", track.segments.len(), if growth.is_whole(&track.id) { "whole" } else { "part" })
            });
            let name = format!("{FORMAT_VERSION}-{id}-{}{mark}", track.id);
            let key_uri = format!("{}/key", track.id);
            let text = build::media(&timeline, &track.id, Form::Served, sealed(&key_uri)).ok_or_else(not_found)?;
            let media = playlist(text, &format!("{name}-{form}{behind}"))?;
            let iframes = build::iframes(&timeline, &track.id, Form::Served, sealed("key"))
                .map(|text| playlist(text, &format!("{name}-i-{form}{behind}")));
            let (seal, iframes) = (seal.map(Arc::new), iframes.transpose()?);
            let open = OpenTrack { seal, track_type: track_type(&track.media), drm, playlist: media, iframes };
            tracks.insert(track.id.clone(), open);
        }
        // Of what grows the rates change too.
        let mark = growth.map_or_else(String::new, |growth| {
            let segments = growth.index.tracks.iter().map(|track| track.segments.len()).sum::<usize>();
            format!("-{}-{segments}", growth.index.tracks.len())
        });
        let hdcp_type = |track: &TrackIndex| {
            let open = tracks.get(&track.id).filter(|open| open.drm.is_some())?;
            Some(self.licensed_keys.output.of(open.track_type)?.content_type())
        };
        let hdcp: String = index.tracks.iter().filter_map(hdcp_type).map(HdcpType::as_str).collect();
        let text = build::multivariant(&timeline, Form::Served, hdcp_type);
        let multivariant = playlist(text, &format!("{FORMAT_VERSION}-{id}-main{behind}{mark}{hdcp}"))?;
        let storyboard = index.storyboard.map(|storyboard| {
            let text = storyboard.to_webvtt(index.duration_ms, |sheet| format!("storyboard/{sheet}.jpg"));
            playlist(text.into(), &format!("{FORMAT_VERSION}-{id}-storyboard"))
        });
        let storyboard = storyboard.transpose()?;
        let chapters = chapters::json(&timeline)
            .map(|json| playlist(json, &format!("{FORMAT_VERSION}-{id}-chapters{behind}")))
            .transpose()?;
        Ok(Arc::new(OpenAsset { id, index, multivariant, storyboard, chapters, tracks }))
    }

    /// Sees to it that an asset has the keys that `cbcs` needs, before anybody plays it: of one that grows, those of all
    /// the tracks that it will have.
    pub async fn issue_keys(&self, asset_id: AssetId) -> Result<()> {
        let planned = match self.growing.now(asset_id) {
            Some(film) => film.growth.planned.clone(),
            None => self.index(asset_id).await?.tracks.into_iter().map(|track| (track.id, track.media)).collect(),
        };
        let tracks: Vec<_> = planned.iter().filter(|(_, media)| !matches!(media, TrackMedia::Text(_))).collect();
        let tracks: Vec<_> = tracks.iter().map(|(id, media)| (id.as_str(), track_type(media))).collect();
        self.keys.issue(asset_id, &tracks).await
    }

    /// The release card, by its name and its index.
    async fn card(&self, presentation: &Presentation) -> Result<Option<(String, AssetIndex)>> {
        let Some(card) = presentation.card else { return Ok(None) };
        Ok(Some((card.to_string(), self.index(card).await?)))
    }

    async fn index(&self, asset_id: AssetId) -> Result<AssetIndex> {
        let object = ObjectKey::AssetIndex { asset: asset_id };
        let json = within(limits::SEGMENT_READ_TIMEOUT, self.blobs.get(&object)).await.map_err(|error| {
            // A title is made of what is there: then its job has died.
            if error.kind() == ErrorKind::NotFound { interrupted().with_source(error) } else { error }
        })?;
        AssetIndex::from_json(&json)
    }

    /// What seals a track of the film, and what its playlists tell DRM systems.
    async fn seal(
        &self,
        presentation: &Presentation,
        track: &TrackIndex,
    ) -> Result<Option<(TrackSeal, Option<DrmTags>)>> {
        let Some(scheme) = presentation.protection.map(|chosen| scheme_of(track, chosen)) else { return Ok(None) };
        let extent = presentation.preview_ms.map_or(KeyExtent::Film, |_| KeyExtent::Preview);
        let TrackKey { id, protection, signals } =
            self.keys.of(presentation.film, &track.id, track_type(&track.media), scheme, extent).await?;
        if scheme == ProtectionScheme::Aes128 {
            return Ok(Some((TrackSeal::aes128(id, protection), None)));
        }
        let init = self.read(presentation.film, track, Variant::A, 0..track.init_bytes).await?;
        let system_headers = signals.iter().filter_map(|signal| signal.pssh.clone()).collect();
        let seal = TrackSeal::cbcs(id, protection, &init)?.with_system_headers(system_headers);
        let drm = (!signals.is_empty()).then(|| DrmTags {
            systems: signals.into_iter().map(|signal| (signal.system, signal.key_tag)).collect(),
            hands_out_key: self.licensed_keys.bare == BareKeys::HandedOut,
        });
        Ok(Some((seal, drm)))
    }

    /// A part of a track's file, wherever that is now.
    pub async fn read(&self, asset: AssetId, track: &TrackIndex, variant: Variant, range: Range<u64>) -> Result<Bytes> {
        if let Some(bytes) = self.growing.bytes(asset) {
            return within(limits::SEGMENT_READ_TIMEOUT, bytes(&track.id, range)).await;
        }
        let object = ObjectKey::AssetTrack { asset, file: track.file_name_of(variant) };
        within(limits::SEGMENT_READ_TIMEOUT, self.blobs.get_range(&object, range)).await
    }
}

impl OpenTrack {
    pub fn systems(&self) -> impl Iterator<Item = DrmSystem> {
        self.drm.iter().flat_map(|drm| &drm.systems).map(|(system, _)| *system)
    }

    pub fn is_licensed_only(&self) -> bool {
        self.drm.as_ref().is_some_and(|drm| !drm.hands_out_key)
    }
}

impl OpenAsset {
    pub fn track(&self, id: &str) -> Result<&OpenTrack> {
        self.tracks.get(id).ok_or_else(not_found)
    }

    pub fn index_of(&self, id: &str) -> Result<&TrackIndex> {
        self.index.track(id).ok_or_else(not_found)
    }
}

/// Of words it matters to nobody.
fn track_type(media: &TrackMedia) -> TrackType {
    match media {
        TrackMedia::Video(video) => TrackType::of_video(video.width, video.height),
        TrackMedia::Audio(_) | TrackMedia::Text(_) => TrackType::Audio,
    }
}

/// What is played behind the card, and what that adds to an entity tag.
fn behind_card<'a>(film: Timeline<'a>, card: Option<&'a (String, AssetIndex)>) -> (Timeline<'a>, String) {
    match card {
        Some((card, index)) => (film.behind_card(card, index), format!("-{card}")),
        None => (film, String::new()),
    }
}

/// What tells the playlists of some renditions of a film from those of others.
fn renditions_mark(index: &AssetIndex) -> String {
    let mut digest = digest::Context::new(&digest::SHA256);
    for track in &index.tracks {
        digest.update(track.id.as_bytes());
        digest.update(b";");
    }
    let hash = digest.finish();
    let first: [u8; 8] = std::array::from_fn(|place| hash.as_ref()[place]);
    format!("{:016x}", u64::from_be_bytes(first))
}

fn interrupted() -> Error {
    let message = "This film is not here to be played: it was being prepared, and that was interrupted. Try again in a \
                   minute; if it stays so, tell whoever sells it.";
    Error::new(ErrorKind::Unavailable, "FILM_INTERRUPTED", message)
}

fn no_preview() -> Error {
    Error::new(ErrorKind::NotFound, "PREVIEW_NOT_FOUND", "This film is too short to have a preview.")
}

fn preview_not_ready() -> Error {
    let message = "This film is being prepared; its preview is there in a minute. Try again then.";
    Error::new(ErrorKind::Unavailable, "PREVIEW_NOT_READY", message)
}

/// A strong entity tag.
pub fn etag(text: &str) -> Result<HeaderValue> {
    HeaderValue::try_from(format!("\"{text}\"")).map_err(|error| Error::internal("an entity tag").with_source(error))
}

fn playlist(identity: Bytes, name: &str) -> Result<Playlist> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let gzip = encoder.write_all(&identity).and_then(|()| encoder.finish());
    let gzip = gzip.map_err(|error| Error::internal("compressing a playlist").with_source(error))?;
    Ok(Playlist { identity, gzip: gzip.into(), etag: etag(name)? })
}

pub async fn within<T>(limit: Duration, reading: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(limit, reading).await.unwrap_or_else(|_| {
        Err(Error::new(ErrorKind::Timeout, "STORE_TIMEOUT", "The store of films does not answer; try again."))
    })
}

pub fn not_found() -> Error {
    Error::new(ErrorKind::NotFound, "MEDIA_NOT_FOUND", "There is no such track or segment.")
}
