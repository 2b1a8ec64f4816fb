//! Content keys: one with a constant IV for each asset, track and scheme, drawn at random when it is first needed and
//! stored wrapped. A key that players are handed for one scheme opens nothing of another.

use std::sync::Arc;

use crate::base::clock::Clock;
use crate::base::error::{Error, Result};
use crate::base::id::{AssetId, KeyId};
use crate::base::protection::ProtectionScheme;
use crate::media::protect::{ContentKey, Iv, Protection};
use crate::playback::vault::Vault;
use crate::store::db::Db;
use crate::store::db::playback::{KeyUse, WrappedKey};

/// Gives out the keys that this server holds.
pub struct ContentKeys {
    db: Arc<dyn Db>,
    vault: Arc<Vault>,
    clock: Clock,
}

impl ContentKeys {
    pub fn new(db: Arc<dyn Db>, vault: Arc<Vault>, clock: Clock) -> ContentKeys {
        ContentKeys { db, vault, clock }
    }

    /// The key and IV in the database, or new ones that are stored there first.
    pub async fn of(&self, asset: AssetId, track: &str, scheme: ProtectionScheme) -> Result<(KeyId, Protection)> {
        let purpose = match scheme {
            ProtectionScheme::Aes128 => format!("content/{asset}/{track}"),
            ProtectionScheme::Cbcs => format!("content/{asset}/{track}/cbcs"),
        };
        let mut fresh = ContentKey::random()?.expose().to_vec();
        fresh.extend_from_slice(Iv::random()?.expose());
        let proposed = WrappedKey { id: KeyId::new(self.clock.now()), wrapped: self.vault.wrap(&fresh, &purpose)? };
        let stored = self.db.content_key(&KeyUse { asset, track: track.to_owned(), scheme }, &proposed).await?;
        let plain = self.vault.unwrap(&stored.wrapped, &purpose)?;
        let pair = plain.split_first_chunk().and_then(|(key, iv)| Some((*key, iv.try_into().ok()?)));
        let (key, iv) = pair.ok_or_else(|| Error::internal("a stored key has the wrong length"))?;
        Ok((stored.id, Protection { key: ContentKey::from_bytes(key), iv: Iv::from_bytes(iv) }))
    }
}
