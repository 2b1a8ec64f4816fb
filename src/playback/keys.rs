//! Content keys: one with a constant IV for each asset, track, scheme and extent, stored wrapped. A key that players are handed
//! for one scheme opens nothing of another. Which keys an asset has is settled once and for ever: its segments are in
//! caches and on their way.
//!
//! Keys of this server are drawn when they are first needed. Keys of a key server seal `cbcs` only, and are issued before
//! anybody plays. A preview has keys of its own, always of this server: they open nothing of the film.

use std::sync::Arc;

use crate::base::clock::Clock;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{AssetId, KeyId};
use crate::base::protection::ProtectionScheme;
use crate::drm::contract::TrackType;
use crate::drm::cpix::{DrmSignal, IssuedKey};
use crate::drm::key_provider::{KeyProvider, OwnKeys};
use crate::media::protect::{ContentKey, Iv, Protection};
use crate::playback::vault::Vault;
use crate::store::db::Db;
use crate::store::db::playback::{KeyExtent, KeyUse, WrappedKey};

/// Gives out the keys that this server holds.
pub struct ContentKeys {
    db: Arc<dyn Db>,
    vault: Arc<Vault>,
    clock: Clock,
    provider: Arc<dyn KeyProvider>,
}

/// What seals one track, and what DRM systems are told of it: nothing of a key of our own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackKey {
    pub id: KeyId,
    pub protection: Protection,
    pub signals: Vec<DrmSignal>,
}

impl ContentKeys {
    /// `provider` makes the keys of `cbcs`.
    pub fn new(db: Arc<dyn Db>, vault: Arc<Vault>, clock: Clock, provider: Arc<dyn KeyProvider>) -> ContentKeys {
        ContentKeys { db, vault, clock, provider }
    }

    /// The key of one track. One that a key server has to make and has not made yet is `Unavailable` (`KEYS_NOT_ISSUED`).
    pub async fn of(
        &self,
        asset: AssetId,
        track: &str,
        track_type: TrackType,
        scheme: ProtectionScheme,
        extent: KeyExtent,
    ) -> Result<TrackKey> {
        let key_use = KeyUse { asset, track: track.to_owned(), scheme, extent };
        if let Some(stored) = self.db.content_key(&key_use).await? {
            return self.open(&key_use, &stored);
        }
        let provider: &dyn KeyProvider = match (scheme, extent) {
            (ProtectionScheme::Cbcs, KeyExtent::Film) => &*self.provider,
            (ProtectionScheme::Aes128, _) | (_, KeyExtent::Preview) => &OwnKeys,
        };
        if provider.is_remote() {
            let message = "The keys of this film have not been issued yet. Set its protection once more.";
            return Err(Error::new(ErrorKind::Unavailable, "KEYS_NOT_ISSUED", message));
        }
        let issued = provider.issue(asset, &[track_type], self.clock.now()).await?;
        self.store(std::slice::from_ref(&key_use), &issued).await?;
        // Somebody else may have been quicker.
        let stored = self.db.content_key(&key_use).await?;
        self.open(&key_use, &stored.ok_or_else(|| Error::internal("a stored key is gone"))?)
    }

    /// Sees to it that every track of an asset that `cbcs` seals has its key. Tried again, it asks for what is missing.
    pub async fn issue(&self, asset: AssetId, tracks: &[(&str, TrackType)]) -> Result<()> {
        let (scheme, extent) = (ProtectionScheme::Cbcs, KeyExtent::Film);
        let use_of = |track: &str| KeyUse { asset, track: track.to_owned(), scheme, extent };
        let uses: Vec<KeyUse> = tracks.iter().map(|(track, _)| use_of(track)).collect();
        let mut is_missing = false;
        for key_use in &uses {
            is_missing |= self.db.content_key(key_use).await?.is_none();
        }
        if !is_missing {
            return Ok(());
        }
        let types: Vec<TrackType> = tracks.iter().map(|(_, track_type)| *track_type).collect();
        let issued = self.provider.issue(asset, &types, self.clock.now()).await?;
        self.store(&uses, &issued).await
    }

    /// Of those that are there already, nothing changes.
    async fn store(&self, uses: &[KeyUse], issued: &[IssuedKey]) -> Result<()> {
        let wrapped = uses.iter().zip(issued).map(|(key_use, key)| Ok((key_use.clone(), self.wrap(key_use, key)?)));
        self.db.insert_content_keys(&wrapped.collect::<Result<Vec<_>>>()?).await
    }

    /// Key, IV, and the signals as JSON where there are any.
    fn wrap(&self, key_use: &KeyUse, issued: &IssuedKey) -> Result<WrappedKey> {
        let mut plain = issued.protection.key.expose().to_vec();
        plain.extend_from_slice(issued.protection.iv.expose());
        if !issued.signals.is_empty() {
            let json = serde_json::to_vec(&issued.signals);
            plain.extend(json.map_err(|error| Error::internal("the signals of a key").with_source(error))?);
        }
        Ok(WrappedKey { id: issued.id, wrapped: self.vault.wrap(&plain, &purpose(key_use))? })
    }

    fn open(&self, key_use: &KeyUse, stored: &WrappedKey) -> Result<TrackKey> {
        let plain = self.vault.unwrap(&stored.wrapped, &purpose(key_use))?;
        let parts = plain.split_first_chunk().and_then(|(key, rest)| Some((*key, rest.split_first_chunk()?)));
        let (key, (iv, signals)) = parts.ok_or_else(|| Error::internal("a stored key has the wrong length"))?;
        let signals = match signals {
            [] => Vec::new(),
            json => serde_json::from_slice(json)
                .map_err(|error| Error::internal("the signals of a stored key").with_source(error))?,
        };
        let protection = Protection { key: ContentKey::from_bytes(key), iv: Iv::from_bytes(*iv) };
        Ok(TrackKey { id: stored.id, protection, signals })
    }
}

/// What a wrapped key is for: it cannot be passed off as another.
fn purpose(KeyUse { asset, track, scheme, extent }: &KeyUse) -> String {
    let scheme = match scheme {
        ProtectionScheme::Aes128 => "",
        ProtectionScheme::Cbcs => "/cbcs",
    };
    let extent = match extent {
        KeyExtent::Film => "",
        KeyExtent::Preview => "/preview",
    };
    format!("content/{asset}/{track}{scheme}{extent}")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::base::clock::{SimClock, UtcMs};
    use crate::base::drm_system::DrmSystem;
    use crate::hls::key_tag::KeyTag;
    use crate::store::db::sqlite;

    const TRACKS: [(&str, TrackType); 3] =
        [("v360", TrackType::Sd), ("a-en-2", TrackType::Audio), ("a-fr-2", TrackType::Audio)];

    /// One key for all tracks, and how often it was asked for.
    #[derive(Default)]
    struct Elsewhere(AtomicUsize);

    #[async_trait::async_trait]
    impl KeyProvider for Elsewhere {
        fn is_remote(&self) -> bool {
            true
        }

        async fn issue(&self, _: AssetId, tracks: &[TrackType], now: UtcMs) -> Result<Vec<IssuedKey>> {
            self.0.fetch_add(1, Ordering::SeqCst);
            let key_tag = KeyTag { uri: "skd://key".into(), key_format_versions: "1".into(), key_id: None };
            let signal = DrmSignal { system: DrmSystem::FairPlay, pssh: Some(vec![0, 255]), key_tag };
            let protection = Protection { key: ContentKey::from_bytes([3; 16]), iv: Iv::from_bytes([4; 16]) };
            let id = KeyId::new(now);
            let key = |track_type: &TrackType| IssuedKey {
                id,
                track_type: *track_type,
                protection: protection.clone(),
                signals: vec![signal.clone()],
            };
            Ok(tracks.iter().map(key).collect())
        }
    }

    async fn keys(folder: &tempfile::TempDir) -> (ContentKeys, ContentKeys, Arc<Elsewhere>) {
        let db: Arc<dyn Db> = Arc::new(sqlite::open(&folder.path().join("db.sqlite")).await.unwrap());
        let vault = Arc::new(Vault::new(&[7; 32]).unwrap());
        let clock = SimClock::new(UtcMs(1)).clock();
        let elsewhere = Arc::new(Elsewhere::default());
        let of = |provider| ContentKeys::new(db.clone(), vault.clone(), clock.clone(), provider);
        (of(Arc::new(OwnKeys)), of(elsewhere.clone()), elsewhere)
    }

    #[tokio::test]
    async fn keys_of_a_key_server_are_asked_for_once_and_not_while_somebody_waits() {
        let folder = tempfile::tempdir().unwrap();
        let (_, keys, elsewhere) = keys(&folder).await;
        let asset = AssetId::new(UtcMs(1));
        let of = async |track: usize| {
            let (track, track_type) = TRACKS[track];
            keys.of(asset, track, track_type, ProtectionScheme::Cbcs, KeyExtent::Film).await
        };
        assert_eq!(of(0).await.unwrap_err().code(), "KEYS_NOT_ISSUED");
        assert_eq!(elsewhere.0.load(Ordering::SeqCst), 0);
        keys.issue(asset, &TRACKS).await.unwrap();
        keys.issue(asset, &TRACKS).await.unwrap();
        assert_eq!(elsewhere.0.load(Ordering::SeqCst), 1);
        let (video, audio) = (of(0).await.unwrap(), of(1).await.unwrap());
        assert_eq!(video, audio, "what was issued, signals and all");
        assert_eq!((video.protection.key.expose(), video.protection.iv.expose()), (&[3; 16], &[4; 16]));
        assert_eq!(
            (video.signals[0].pssh.as_deref(), &*video.signals[0].key_tag.uri),
            (Some(&[0, 255][..]), "skd://key")
        );
        // Whole segments are under a key of our own, whoever makes the others.
        let whole = keys.of(asset, "v360", TrackType::Sd, ProtectionScheme::Aes128, KeyExtent::Film).await.unwrap();
        assert!(whole.signals.is_empty() && whole.protection.key != video.protection.key);
        // A preview has a key of its own, of ours, in either scheme.
        for scheme in [ProtectionScheme::Aes128, ProtectionScheme::Cbcs] {
            let preview = keys.of(asset, "v360", TrackType::Sd, scheme, KeyExtent::Preview).await.unwrap();
            assert!(preview.signals.is_empty() && preview.id != whole.id && preview.id != video.id);
            for other in [&whole, &video] {
                assert_ne!(preview.protection.key, other.protection.key);
            }
        }
        assert_eq!(elsewhere.0.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn an_asset_keeps_the_keys_that_it_has() {
        let folder = tempfile::tempdir().unwrap();
        let (own, server, elsewhere) = keys(&folder).await;
        let asset = AssetId::new(UtcMs(1));
        let mut before = Vec::new();
        for (track, track_type) in TRACKS {
            before.push(own.of(asset, track, track_type, ProtectionScheme::Cbcs, KeyExtent::Film).await.unwrap());
        }
        assert!(before[0] != before[1] && before[1] != before[2], "each track has a key of its own");
        server.issue(asset, &TRACKS).await.unwrap();
        assert_eq!(elsewhere.0.load(Ordering::SeqCst), 0);
        for ((track, track_type), before) in TRACKS.into_iter().zip(before) {
            assert_eq!(
                server.of(asset, track, track_type, ProtectionScheme::Cbcs, KeyExtent::Film).await.unwrap(),
                before
            );
        }
    }
}
