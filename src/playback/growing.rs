//! Films that are played while they are packaged on this node. What grows is told here, segment by segment, by whoever
//! wired the packager to the library; the bytes come from its work folder until the store has them.
//!
//! ```text
//! (nothing) ── grow ──→ growing ── complete ──→ kept for the sessions that were opened before, as long as they last
//!     ↑                    │
//!     └───── interrupt ────┘
//! ```
//!
//! A playlist that a session has seen never changes its kind (RFC 8216bis, 6.2.1): a session that was opened while the
//! film grew is given the EVENT form of these tracks to its end. Its multivariant playlist is that of the moment.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::sync::watch;

use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::base::id::AssetId;
use crate::base::limits;
use crate::media::growth::Growth;

/// Reads a part of a track's file, by the id of the track.
pub type TrackBytes = Arc<dyn Fn(&str, Range<u64>) -> BoxFuture<'static, Result<Bytes>> + Send + Sync>;

/// The films that grow on this node, or did while sessions were opened on them.
#[derive(Default)]
pub struct GrowingFilms {
    films: RwLock<HashMap<AssetId, Place>>,
    revisions: AtomicU64,
    /// Told with every track that joins a film, and when a film is complete.
    choices: watch::Sender<()>,
}

/// A film as far as it is there.
pub struct GrowingFilm {
    pub growth: Growth,
    /// Of this process: another one for everything that was ever told.
    pub revision: u64,
}

/// What a session can choose from, as far as it can become more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    tracks: usize,
    is_complete: bool,
}

struct Place {
    film: Arc<GrowingFilm>,
    /// None once the store has them.
    bytes: Option<TrackBytes>,
    completed_at: Option<UtcMs>,
}

impl GrowingFilms {
    /// This much of the film is there now.
    pub fn grow(&self, asset: AssetId, growth: Growth, bytes: TrackBytes) {
        let mut films = self.films.write().unwrap_or_else(PoisonError::into_inner);
        let known = films.get(&asset).filter(|place| place.completed_at.is_none());
        // A worker that follows one that was killed makes again, byte by byte, what can be played already.
        if known.is_some_and(|place| place.film.growth == growth || !place.film.growth.has_become(&growth.index)) {
            return;
        }
        let has_joined = known.is_some_and(|place| place.film.growth.index.tracks.len() != growth.index.tracks.len());
        let film = GrowingFilm { growth, revision: self.revisions.fetch_add(1, Ordering::Relaxed) };
        films.insert(asset, Place { film: Arc::new(film), bytes: Some(bytes), completed_at: None });
        if has_joined {
            self.choices.send_replace(());
        }
    }

    /// All of the film is in the store.
    pub fn complete(&self, asset: AssetId, at: UtcMs) {
        let mut films = self.films.write().unwrap_or_else(PoisonError::into_inner);
        films.retain(|_, place| place.completed_at.is_none_or(|completed| completed + limits::SESSION_AGE_MAX > at));
        if let Some(place) = films.get_mut(&asset) {
            (place.bytes, place.completed_at) = (None, Some(at));
            if !place.film.is_whole() {
                films.remove(&asset);
            }
            self.choices.send_replace(());
        }
    }

    /// Hears when a choice may have become more.
    pub fn choices(&self) -> watch::Receiver<()> {
        self.choices.subscribe()
    }

    /// It will not be finished, or not here.
    pub fn interrupt(&self, asset: AssetId) {
        let mut films = self.films.write().unwrap_or_else(PoisonError::into_inner);
        if films.get(&asset).is_some_and(|place| place.completed_at.is_none()) {
            films.remove(&asset);
        }
    }

    /// The film, while it grows.
    pub fn now(&self, asset: AssetId) -> Option<Arc<GrowingFilm>> {
        self.find(asset, |place| place.completed_at.is_none().then(|| place.film.clone()))
    }

    /// The film, for a session that was opened while it grew.
    pub fn of_session(&self, asset: AssetId, opened_at: UtcMs) -> Option<Arc<GrowingFilm>> {
        self.find(asset, |place| {
            place.completed_at.is_none_or(|completed_at| opened_at < completed_at).then(|| place.film.clone())
        })
    }

    /// What a session can choose from that was opened while the film grew; none of one that did not.
    pub fn choice(&self, asset: AssetId, opened_at: UtcMs) -> Option<Choice> {
        self.find(asset, |place| {
            place.completed_at.is_none_or(|completed_at| opened_at < completed_at).then(|| Choice {
                tracks: place.film.growth.index.tracks.len(),
                is_complete: place.completed_at.is_some(),
            })
        })
    }

    /// Where the bytes of its tracks are, while they are not in the store.
    pub fn bytes(&self, asset: AssetId) -> Option<TrackBytes> {
        self.find(asset, |place| place.bytes.clone())
    }

    fn find<T>(&self, asset: AssetId, look: impl FnOnce(&Place) -> Option<T>) -> Option<T> {
        look(self.films.read().unwrap_or_else(PoisonError::into_inner).get(&asset)?)
    }
}

impl GrowingFilm {
    fn is_whole(&self) -> bool {
        self.growth.index.tracks.iter().all(|track| self.growth.is_whole(&track.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::rendition::{AssetIndex, SegmentIndex, TrackIndex, TrackMedia, VideoIndex, VideoRange};
    use crate::media::time::Timescale;

    fn growth(tracks: &[&str], whole: &[&str]) -> Growth {
        let track = |id: &&str| TrackIndex {
            id: (*id).to_owned(),
            codec: "avc1.64001E".into(),
            timescale: Timescale::MILLISECONDS,
            init_bytes: 700,
            start_ticks: 0,
            peak_bits_per_s: 1,
            average_bits_per_s: 1,
            media: TrackMedia::Video(VideoIndex {
                width: 640,
                height: 360,
                frame_rate_milli: 25_000,
                video_range: VideoRange::Sdr,
            }),
            segments: vec![SegmentIndex {
                duration_ticks: 6000,
                offset: 700,
                bytes: 100,
                sync_bytes: 0,
                sync_offset: None,
            }],
        };
        let whole = whole.iter().map(|&id| id.to_owned()).collect();
        Growth {
            index: AssetIndex::new(tracks.iter().map(track).collect()),
            whole,
            target_s: 6,
            film_ms: 6000,
            planned: Vec::new(),
        }
    }

    fn nothing() -> TrackBytes {
        Arc::new(|_, _| Box::pin(async { Ok(Bytes::new()) }))
    }

    #[test]
    fn a_session_has_more_to_choose_from_with_every_rung_and_when_the_film_is_complete() {
        let (films, asset) = (GrowingFilms::default(), AssetId::new(UtcMs(1)));
        let choice = || films.choice(asset, UtcMs(10));
        assert_eq!(choice(), None);
        films.grow(asset, growth(&["v720"], &[]), nothing());
        let first = choice();
        films.grow(asset, growth(&["v720"], &["v720"]), nothing());
        assert!(first.is_some() && choice() == first, "a longer track is no other track");
        films.grow(asset, growth(&["v720", "v360"], &["v720", "v360"]), nothing());
        let second = choice();
        assert_ne!(second, first);
        films.complete(asset, UtcMs(20));
        assert!(choice().is_some() && choice() != second);
        assert_eq!(films.choice(asset, UtcMs(20)), None, "it had all of it from the beginning");
    }

    #[test]
    fn what_is_told_twice_is_one_revision_and_after_an_interruption_it_is_another() {
        let (films, asset) = (GrowingFilms::default(), AssetId::new(UtcMs(1)));
        let revision = || films.now(asset).unwrap().revision;
        films.grow(asset, growth(&["v720"], &[]), nothing());
        let first = revision();
        films.grow(asset, growth(&["v720"], &[]), nothing());
        assert_eq!(revision(), first);
        films.interrupt(asset);
        assert!(films.now(asset).is_none() && films.bytes(asset).is_none());
        films.grow(asset, growth(&["v720"], &[]), nothing());
        assert_ne!(revision(), first);
    }

    #[test]
    fn a_complete_film_keeps_its_form_for_the_sessions_of_before_as_long_as_there_can_be_any() {
        let (films, asset) = (GrowingFilms::default(), AssetId::new(UtcMs(1)));
        films.grow(asset, growth(&["v720"], &["v720"]), nothing());
        films.complete(asset, UtcMs(20));
        films.interrupt(asset);
        assert!(films.now(asset).is_none() && films.bytes(asset).is_none());
        assert!(films.of_session(asset, UtcMs(19)).is_some() && films.of_session(asset, UtcMs(20)).is_none());
        films.complete(AssetId::new(UtcMs(2)), UtcMs(20) + limits::SESSION_AGE_MAX);
        assert!(films.of_session(asset, UtcMs(19)).is_none());
        // A playlist that would never end is not kept.
        films.grow(asset, growth(&["v720"], &[]), nothing());
        films.complete(asset, UtcMs(20));
        assert!(films.of_session(asset, UtcMs(19)).is_none());
    }
}
