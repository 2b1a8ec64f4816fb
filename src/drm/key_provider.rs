//! Where content keys come from: this server draws them, or a key server of DRM systems makes them.

use async_trait::async_trait;

use crate::base::clock::UtcMs;
use crate::base::drm_system::DrmSystem;
use crate::base::error::{Error, Result};
use crate::base::id::{AssetId, KeyId};
use crate::drm::contract::TrackType;
use crate::drm::cpix::{IssuedKey, KeyRequest, RequestedKey};
use crate::drm::key_server::KeyServer;
use crate::media::protect::{ContentKey, Iv, Protection};

/// Makes content keys. Keeping them is the caller's.
#[async_trait]
pub trait KeyProvider: Send + Sync {
    /// Whether its keys come from somebody else, who may be away: such keys are asked for when a film is put under
    /// protection, and never while somebody waits for a segment.
    fn is_remote(&self) -> bool;

    /// New keys for one asset: one for each of `tracks`, in their order.
    async fn issue(&self, asset: AssetId, tracks: &[TrackType], now: UtcMs) -> Result<Vec<IssuedKey>>;
}

/// Draws a key of its own for each track. No DRM system knows them.
pub struct OwnKeys;

#[async_trait]
impl KeyProvider for OwnKeys {
    fn is_remote(&self) -> bool {
        false
    }

    async fn issue(&self, _asset: AssetId, tracks: &[TrackType], now: UtcMs) -> Result<Vec<IssuedKey>> {
        let draw = |track_type: &TrackType| {
            let protection = Protection { key: ContentKey::random()?, iv: Iv::random()? };
            Ok(IssuedKey { id: KeyId::new(now), track_type: *track_type, protection, signals: Vec::new() })
        };
        tracks.iter().map(draw).collect()
    }
}

/// Asks a key server: tracks of one type share a key, and every key comes with what each of `systems` is told of it.
pub struct KeyServerKeys {
    pub server: KeyServer,
    pub systems: Vec<DrmSystem>,
}

#[async_trait]
impl KeyProvider for KeyServerKeys {
    fn is_remote(&self) -> bool {
        true
    }

    async fn issue(&self, asset: AssetId, tracks: &[TrackType], now: UtcMs) -> Result<Vec<IssuedKey>> {
        let mut types = tracks.to_vec();
        types.sort_unstable();
        types.dedup();
        let ask = |track_type| Ok(RequestedKey { id: KeyId::new(now), track_type, iv: Iv::random()? });
        let keys = types.into_iter().map(ask).collect::<Result<Vec<_>>>()?;
        let request = KeyRequest { content_id: asset.to_string(), keys, systems: self.systems.clone() };
        let issued = self.server.keys(&request).await?;
        let of_type = |track_type: &TrackType| issued.iter().find(|key| key.track_type == *track_type).cloned();
        let keys: Option<Vec<_>> = tracks.iter().map(of_type).collect();
        keys.ok_or_else(|| Error::internal("a key server's answer lacks a type of track"))
    }
}
