//! An HLS presentation, read whole: the Multivariant Playlist, each Media Playlist once, and of each segment what its boxes
//! say. What cannot be read is a finding, and the rest is read all the same.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::StreamExt;
use url::Url;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::limits;
use crate::hls::media::SegmentKind;
use crate::inspect::check;
use crate::inspect::playlist::{Media, MediaSegment, Multivariant, Playlist, Tagged};
use crate::inspect::report::Findings;
use crate::inspect::segment::{self, Init, Piece, SegmentFacts};
use crate::inspect::source::{Part, Source, spoken_from, whole};
use crate::inspect::webvtt::WebVttSegment;
use crate::media::protect::{ContentKey, Iv, Protection};

/// Everything that was read.
pub struct Presentation {
    /// The name of its playlist, as it may be shown.
    pub subject: String,
    /// `None` where a Media Playlist was inspected by itself.
    pub multivariant: Option<Multivariant>,
    /// By URI, as the Multivariant Playlist has it.
    pub playlists: Vec<LoadedPlaylist>,
}

/// A Media Playlist with its segments.
pub struct LoadedPlaylist {
    /// The URI by which the Multivariant Playlist knows it; empty where there is none.
    pub uri: String,
    pub subject: String,
    pub media: Media,
    pub form: SegmentForm,
    /// By place among [`Media::maps`].
    pub inits: Vec<Option<Init>>,
    /// By place among [`Media::segments`].
    pub segments: Vec<LoadedSegment>,
}

/// What the segments of a playlist are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentForm {
    FragmentedMp4,
    WebVtt,
    /// MPEG-2 transport streams, packed audio and whatever else: measured, not looked into.
    Other,
}

pub enum LoadedSegment {
    Fragmented(SegmentFacts),
    WebVtt {
        segment: WebVttSegment,
        bytes: u64,
    },
    Other {
        bytes: u64,
    },
    /// It could not be read, which is noted.
    Unread,
}

impl LoadedSegment {
    pub fn bytes(&self) -> Option<u64> {
        match self {
            LoadedSegment::Fragmented(facts) => Some(facts.bytes),
            LoadedSegment::WebVtt { bytes, .. } | LoadedSegment::Other { bytes } => Some(*bytes),
            LoadedSegment::Unread => None,
        }
    }
}

impl LoadedPlaylist {
    /// The init segment that most of it goes by: the first.
    pub fn init(&self) -> Option<&Init> {
        self.inits.iter().flatten().next()
    }

    pub fn is_video(&self) -> bool {
        self.init().is_some_and(Init::is_video)
    }

    pub fn duration_s(&self) -> f64 {
        self.media.segments.iter().map(|segment| segment.duration_s).sum()
    }

    /// The segments that hold samples, each with its line of the playlist.
    pub fn fragmented(&self) -> impl Iterator<Item = (&MediaSegment, &SegmentFacts, &Init)> {
        self.media.segments.iter().zip(&self.segments).filter_map(|(said, loaded)| match loaded {
            LoadedSegment::Fragmented(facts) => {
                let init = self.inits.get(said.map?)?.as_ref()?;
                Some((said, facts, init))
            }
            _ => None,
        })
    }
}

/// The kinds of playlist that the Multivariant Playlist can call one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Segments,
    Iframes,
}

/// Reads the presentation whose playlist lies at `root`.
pub async fn read(source: &dyn Source, root: &Url, findings: &mut Findings) -> Result<Presentation> {
    let part = whole(source, root, limits::INSPECT_PLAYLIST_BYTES_MAX).await?;
    let subject = spoken_from(root, root);
    check_content_type(&part, root, &subject, findings);
    let mut loader = Loader { source, root, keys: HashMap::new(), findings };
    match Playlist::read(&part.bytes, &subject, loader.findings)? {
        Playlist::Media(media) => {
            let playlist = loader.load(String::new(), root, media).await;
            Ok(Presentation { subject, multivariant: None, playlists: vec![playlist] })
        }
        Playlist::Multivariant(multivariant) => {
            let named = |list: &[Tagged], role: Role| {
                list.iter().filter_map(|tagged| Some((tagged.line, tagged.uri.clone()?, role))).collect::<Vec<_>>()
            };
            let mut wanted = named(&multivariant.variants, Role::Segments);
            wanted.extend(named(&multivariant.renditions, Role::Segments));
            wanted.extend(named(&multivariant.iframe_variants, Role::Iframes));
            let mut playlists: Vec<LoadedPlaylist> = Vec::new();
            let mut tried: Vec<String> = Vec::new();
            for (line, uri, role) in wanted {
                let place = format!("{subject}:{line}");
                if tried.contains(&uri) {
                    if let Some(known) = playlists.iter().find(|playlist| playlist.uri == uri) {
                        check_role(role, &known.media, &known.subject, &place, loader.findings);
                    }
                    continue;
                }
                tried.push(uri.clone());
                if tried.len() > limits::INSPECT_PLAYLISTS_MAX {
                    let detail = format!("It names more than {} playlists.", limits::INSPECT_PLAYLISTS_MAX);
                    return Err(Error::new(ErrorKind::TooLarge, "INSPECT_TOO_LARGE", detail));
                }
                if let Some(playlist) = loader.fetch(uri, role, &place).await {
                    playlists.push(playlist);
                }
            }
            Ok(Presentation { subject, multivariant: Some(multivariant), playlists })
        }
    }
}

/// A MIME type of playlists, or a name that says as much (4).
fn check_content_type(part: &Part, url: &Url, subject: &str, findings: &mut Findings) {
    let Some(said) = &part.content_type else { return };
    let essence = said.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_named = [".m3u8", ".m3u"].iter().any(|extension| url.path().ends_with(extension));
    let is_playlist = matches!(essence.as_str(), "application/vnd.apple.mpegurl" | "audio/mpegurl");
    // Some servers know only the older of the names.
    let is_tolerated = is_named && matches!(essence.as_str(), "application/x-mpegurl" | "audio/x-mpegurl");
    if !is_playlist && !is_tolerated {
        findings.note(check::PLAYLIST_CONTENT_TYPE, subject, "", format!("It is served as {essence}."));
    }
}

fn check_role(role: Role, media: &Media, subject: &str, place: &str, findings: &mut Findings) {
    if role == Role::Iframes && !media.is_iframes_only {
        let message = format!("{subject} does not say so.");
        findings.note(check::IFRAMES_ONLY_MISSING, place, "", message);
    }
}

struct Loader<'a> {
    source: &'a dyn Source,
    root: &'a Url,
    /// `None` where a key cannot be had, which is noted once.
    keys: HashMap<Url, Option<ContentKey>>,
    findings: &'a mut Findings,
}

impl Loader<'_> {
    async fn fetch(&mut self, uri: String, role: Role, place: &str) -> Option<LoadedPlaylist> {
        let url = match self.root.join(&uri) {
            Ok(url) => url,
            Err(error) => {
                self.findings.note(check::RESOURCE_UNREADABLE, place, "", format!("Its URI is none: {error}."));
                return None;
            }
        };
        let subject = spoken_from(self.root, &url);
        let read = whole(self.source, &url, limits::INSPECT_PLAYLIST_BYTES_MAX).await;
        let read = read.and_then(|part| {
            check_content_type(&part, &url, &subject, self.findings);
            Playlist::read(&part.bytes, &subject, self.findings)
        });
        match read {
            Ok(Playlist::Media(media)) => {
                check_role(role, &media, &subject, place, self.findings);
                Some(self.load(uri, &url, media).await)
            }
            Ok(Playlist::Multivariant(_)) => {
                let message = format!("{subject} is a Multivariant Playlist.");
                self.findings.note(check::PLAYLIST_MIXED, place, "", message);
                None
            }
            Err(error) => {
                self.findings.note(check::RESOURCE_UNREADABLE, place, "", error.message().to_owned());
                None
            }
        }
    }

    async fn load(&mut self, uri: String, url: &Url, media: Media) -> LoadedPlaylist {
        let subject = spoken_from(self.root, url);
        let keys = self.keys_of(url, &subject, &media).await;
        let inits = self.inits_of(url, &subject, &media, &keys).await;
        let mut playlist = LoadedPlaylist {
            uri,
            subject,
            form: if media.maps.is_empty() { SegmentForm::Other } else { SegmentForm::FragmentedMp4 },
            media,
            inits,
            segments: Vec::new(),
        };
        if playlist.media.segments.len() > limits::SEGMENTS_MAX {
            let message = format!("It has {} segments; the first are read.", playlist.media.segments.len());
            self.findings.note(check::RESOURCE_UNREADABLE, &playlist.subject, "", message);
        }
        if playlist.form == SegmentForm::Other {
            playlist.form = self.form_of(url, &playlist, &keys).await;
        }
        let read = (0..playlist.media.segments.len().min(limits::SEGMENTS_MAX))
            .map(|place| self.read_segment(url, &playlist, place, &keys))
            .collect::<Vec<_>>();
        let read: Vec<Result<LoadedSegment>> =
            futures_util::stream::iter(read).buffered(limits::INSPECT_READS_AT_ONCE).collect().await;
        for (place, outcome) in read.into_iter().enumerate() {
            let segment = &playlist.media.segments[place];
            let place = format!(":{}", segment.line);
            let loaded = match outcome {
                Ok(loaded) => loaded,
                Err(error) => {
                    let message = error.message().to_owned();
                    self.findings.note(check::RESOURCE_UNREADABLE, &playlist.subject, &place, message);
                    LoadedSegment::Unread
                }
            };
            let faults = match &loaded {
                LoadedSegment::Fragmented(facts) => facts.faults.as_slice(),
                LoadedSegment::WebVtt { segment, .. } => segment.faults.as_slice(),
                _ => &[],
            };
            for (check, message) in faults {
                self.findings.note(check, &playlist.subject, &place, message.clone());
            }
            playlist.segments.push(loaded);
        }
        playlist
    }

    /// What opens the segments of each key of AES-128: its content key, and its IV where it says one.
    async fn keys_of(&mut self, url: &Url, subject: &str, media: &Media) -> Vec<Option<(ContentKey, Option<Iv>)>> {
        let mut found = Vec::with_capacity(media.keys.len());
        for key in &media.keys {
            let location = key.uri.as_deref().and_then(|uri| url.join(uri).ok());
            let (Some(location), "AES-128") = (location, key.method.as_str()) else {
                found.push(None);
                continue;
            };
            if !self.keys.contains_key(&location) {
                let place = format!(":{}", key.line);
                let content_key = match whole(self.source, &location, 16).await {
                    Ok(part) => <[u8; 16]>::try_from(part.bytes.as_ref())
                        .map_err(|_| format!("The key has {} bytes.", part.bytes.len())),
                    Err(error) => Err(error.message().to_owned()),
                };
                let content_key = match content_key {
                    Ok(bytes) => Some(ContentKey::from_bytes(bytes)),
                    Err(message) => {
                        self.findings.note(check::KEY_INVALID, subject, &place, message);
                        None
                    }
                };
                self.keys.insert(location.clone(), content_key);
            }
            let content_key = self.keys.get(&location).cloned().flatten();
            found.push(content_key.map(|content_key| (content_key, key.iv.map(Iv::from_bytes))));
        }
        found
    }

    async fn inits_of(
        &mut self,
        url: &Url,
        subject: &str,
        media: &Media,
        keys: &[Option<(ContentKey, Option<Iv>)>],
    ) -> Vec<Option<Init>> {
        let mut inits = Vec::with_capacity(media.maps.len());
        for map in &media.maps {
            let place = format!(":{}", map.line);
            let is_whole_encrypted = |key: usize| media.keys[key].method == "AES-128";
            let protection = match map.key.filter(|&key| is_whole_encrypted(key)) {
                None => Ok(None),
                Some(key) => match keys[key].clone() {
                    Some((key, Some(iv))) => Ok(Some(Arc::new(Protection { key, iv }))),
                    Some((_, None)) => {
                        self.findings.note(check::MAP_IV_MISSING, subject, &place, "The key has no IV.".to_owned());
                        Err(())
                    }
                    None => Err(()),
                },
            };
            let (Ok(protection), Ok(location)) = (protection, url.join(&map.uri)) else {
                inits.push(None);
                continue;
            };
            let piece = Piece {
                source: self.source,
                url: &location,
                range: map.range.clone(),
                protection: protection.as_deref(),
            };
            let mut faults = Vec::new();
            let init = match piece.whole(limits::INSPECT_RANGE_BYTES_MAX).await {
                Ok(bytes) => Init::read(&bytes, &mut faults).map_err(|error| {
                    faults.push((check::INIT_SEGMENT_WRONG, error.message().to_owned()));
                }),
                Err(error) => {
                    faults.push((check::RESOURCE_UNREADABLE, error.message().to_owned()));
                    Err(())
                }
            };
            for (check, message) in faults {
                self.findings.note(check, subject, &place, message);
            }
            inits.push(init.ok());
        }
        inits
    }

    /// What segments without an EXT-X-MAP are, from the first of them.
    async fn form_of(
        &mut self,
        url: &Url,
        playlist: &LoadedPlaylist,
        keys: &[Option<(ContentKey, Option<Iv>)>],
    ) -> SegmentForm {
        let Some(first) = playlist.media.segments.first() else { return SegmentForm::Other };
        let Ok(location) = url.join(&first.uri) else { return SegmentForm::Other };
        let Ok(protection) = protection_of(&playlist.media, first, keys) else { return SegmentForm::Other };
        let piece =
            Piece { source: self.source, url: &location, range: first.range.clone(), protection: protection.as_ref() };
        // That it cannot be read is noted where it is read as a segment.
        let Ok((bytes, _)) = piece.beginning().await else { return SegmentForm::Other };
        let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
        let extension = location.path().rsplit('.').next().unwrap_or_default();
        let is_text_name = matches!(extension, "vtt" | "webvtt");
        if text.starts_with(b"WEBVTT") || is_text_name {
            return SegmentForm::WebVtt;
        }
        if matches!(bytes.get(4..8), Some(b"ftyp" | b"styp" | b"moof" | b"sidx" | b"moov")) {
            let message = "The segments are fragmented MPEG-4.".to_owned();
            self.findings.note(check::MAP_MISSING, &playlist.subject, format_args!(":{}", first.line), message);
        }
        SegmentForm::Other
    }

    async fn read_segment(
        &self,
        url: &Url,
        playlist: &LoadedPlaylist,
        place: usize,
        keys: &[Option<(ContentKey, Option<Iv>)>],
    ) -> Result<LoadedSegment> {
        let said = &playlist.media.segments[place];
        if said.is_gap {
            return Ok(LoadedSegment::Unread);
        }
        let location = url.join(&said.uri).map_err(|error| {
            Error::new(ErrorKind::Invalid, "INSPECT_UNREADABLE", format!("Its URI is none: {error}."))
        })?;
        let Ok(protection) = protection_of(&playlist.media, said, keys) else { return Ok(LoadedSegment::Unread) };
        let piece =
            Piece { source: self.source, url: &location, range: said.range.clone(), protection: protection.as_ref() };
        match playlist.form {
            SegmentForm::WebVtt => {
                let text = piece.whole(limits::INSPECT_RANGE_BYTES_MAX).await?;
                let bytes = text.len() as u64;
                Ok(LoadedSegment::WebVtt { segment: WebVttSegment::read(&text), bytes })
            }
            SegmentForm::Other => Ok(LoadedSegment::Other { bytes: piece.beginning().await?.1 }),
            SegmentForm::FragmentedMp4 => {
                let Some(init) = said.map.and_then(|map| playlist.inits.get(map)?.as_ref()) else {
                    return Ok(LoadedSegment::Other { bytes: piece.beginning().await?.1 });
                };
                let kind = if playlist.media.is_iframes_only { SegmentKind::SyncSample } else { SegmentKind::Whole };
                Ok(LoadedSegment::Fragmented(segment::read(&piece, init, kind).await?))
            }
        }
    }
}

/// What opens this segment: nothing is needed, this, or an error where it cannot be had. Without an IV that is said it is
/// the media sequence number (4.4.4.4). Samples that are encrypted one by one leave the boxes clear.
fn protection_of(
    media: &Media,
    segment: &MediaSegment,
    keys: &[Option<(ContentKey, Option<Iv>)>],
) -> std::result::Result<Option<Protection>, ()> {
    let Some(place) = segment.key.filter(|&key| media.keys[key].method == "AES-128") else { return Ok(None) };
    let (key, iv) = keys[place].clone().ok_or(())?;
    let iv = iv.unwrap_or_else(|| Iv::from_bytes(u128::from(segment.msn).to_be_bytes()));
    Ok(Some(Protection { key, iv }))
}
