//! Keys of packages that were shipped to partners before a premiere: whoever has the package has a film that nobody can
//! open, until this server gives its key out.

use std::sync::Arc;

use crate::base::clock::Clock;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{DealId, PartyId};
use crate::playback::follower::Follower;
use crate::playback::vault::Vault;
use crate::rights::denial::Denial;
use crate::rights::partner_pass::key_is_due;
use crate::store::db::Db;
use crate::store::db::deal::KeptKey;

/// Keeps and gives out.
pub struct PackageKeys {
    db: Arc<dyn Db>,
    vault: Arc<Vault>,
    clock: Clock,
    follower: Arc<Follower>,
}

impl PackageKeys {
    pub fn new(db: Arc<dyn Db>, vault: Arc<Vault>, clock: Clock, follower: Arc<Follower>) -> PackageKeys {
        PackageKeys { db, vault, clock, follower }
    }

    /// Keeps the key of a package for a deal, in place of another one.
    pub async fn keep(&self, deal_id: DealId, package: &str, key: &[u8; 16]) -> Result<KeptKey> {
        let wrapped = self.vault.wrap(key, &purpose(deal_id))?;
        let (package, kept_at) = (package.to_owned(), self.clock.now());
        let kept = KeptKey { deal_id, package, kept_at, taken_at: None, wrapped };
        self.db.keep_package_key(&kept).await?;
        Ok(kept)
    }

    /// The key, for the party of the deal, once it may open what it was sent; or why not. Other parties' deals are not there.
    pub async fn take(
        &self,
        deal_id: DealId,
        party_id: PartyId,
    ) -> Result<std::result::Result<(KeptKey, [u8; 16]), Denial>> {
        let now = self.clock.now();
        if self.clock.is_doubtful() {
            let message = "This server's clock has jumped; no key is given out until that is mended.";
            return Err(Error::new(ErrorKind::Unavailable, "CLOCK_DOUBTFUL", message));
        }
        self.follower.require_fresh().await?;
        let snapshot = self.follower.snapshot();
        let kept = self.db.package_key(deal_id).await?;
        let deal = self.db.deal(deal_id).await?.filter(|deal| deal.party_id == party_id && deal.revoked_at.is_none());
        let deal = deal.ok_or_else(|| Error::new(ErrorKind::NotFound, "DEAL_NOT_FOUND", "There is no such deal."))?;
        let kept = kept.ok_or_else(|| {
            let message = "No key is kept for this deal. Ask whoever sent the package.";
            Error::new(ErrorKind::NotFound, "PACKAGE_KEY_NOT_FOUND", message)
        })?;
        let title = snapshot.title(deal.title_id).ok_or_else(|| Error::internal("a deal without its title"))?;
        if let Err(denial) = key_is_due(title, &deal, now) {
            return Ok(Err(denial));
        }
        let plain = self.vault.unwrap(&kept.wrapped, &purpose(deal_id))?;
        let key = plain.try_into().map_err(|_| Error::internal("a package key that is not sixteen bytes"))?;
        self.db.note_package_key_taken(deal_id, now).await?;
        Ok(Ok((KeptKey { taken_at: kept.taken_at.or(Some(now)), ..kept }, key)))
    }
}

fn purpose(deal_id: DealId) -> String {
    format!("package key of {deal_id}")
}
