//! What seals one track under its key, whichever the scheme, and what its playlists say of it.

use bytes::Bytes;

use crate::base::error::Result;
use crate::base::id::KeyId;
use crate::base::protection::ProtectionScheme;
use crate::media::cbcs::Cbcs;
use crate::media::protect::{ContentKey, Iv, Protection, encrypt_segment};
use crate::media::rendition::TrackIndex;

/// A track's key at work.
pub struct TrackSeal {
    key_id: KeyId,
    protection: Protection,
    /// None for `aes128`.
    cbcs: Option<Cbcs>,
}

/// What a playlist says of a sealed track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signal {
    pub scheme: ProtectionScheme,
    pub key_id: KeyId,
    pub iv: Iv,
}

/// The scheme of one track where its title has `chosen`. Words have no samples to seal: beside `cbcs` their segments are
/// `aes128`, which players open themselves.
pub fn scheme_of(track: &TrackIndex, chosen: ProtectionScheme) -> ProtectionScheme {
    if track.is_text() { ProtectionScheme::Aes128 } else { chosen }
}

impl TrackSeal {
    pub fn aes128(key_id: KeyId, protection: Protection) -> TrackSeal {
        TrackSeal { key_id, protection, cbcs: None }
    }

    /// `init` is the track's clear init segment.
    pub fn cbcs(key_id: KeyId, protection: Protection, init: &[u8]) -> Result<TrackSeal> {
        let cbcs = Some(Cbcs::new(init, key_id, &protection)?);
        Ok(TrackSeal { key_id, protection, cbcs })
    }

    /// With a `pssh` box of each DRM system in the init segment.
    pub fn with_system_headers(self, headers: Vec<Vec<u8>>) -> TrackSeal {
        TrackSeal { cbcs: self.cbcs.map(|cbcs| cbcs.with_system_headers(headers)), ..self }
    }

    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    pub fn key(&self) -> &ContentKey {
        &self.protection.key
    }

    pub fn signal(&self) -> Signal {
        let scheme = if self.cbcs.is_some() { ProtectionScheme::Cbcs } else { ProtectionScheme::Aes128 };
        Signal { scheme, key_id: self.key_id, iv: self.protection.iv }
    }

    /// Whether an init segment says something of the seal; under `aes128` it is the clear one.
    pub fn changes_init(&self) -> bool {
        self.cbcs.is_some()
    }

    /// The init segment that goes with sealed segments; itself clear.
    pub fn seal_init(&self, init: &Bytes) -> Result<Bytes> {
        self.cbcs.as_ref().map_or_else(|| Ok(init.clone()), |cbcs| cbcs.seal_init(init).map(Bytes::from))
    }

    /// A whole segment, or a single sync sample as one.
    pub fn seal_segment(&self, segment: &[u8]) -> Result<Bytes> {
        let sealed = match &self.cbcs {
            Some(cbcs) => cbcs.seal_segment(segment),
            None => encrypt_segment(segment, &self.protection),
        };
        sealed.map(Bytes::from)
    }
}
