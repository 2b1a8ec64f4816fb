//! A playback session: one viewing. The entitlement it opened with, and so its attribution, never changes.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::clock::UtcMs;
use crate::base::id::{AssetId, SessionId, TitleId, ViewerId};
use crate::base::territory::Territory;
use crate::catalog::licence::ReleaseCard;
use crate::rights::entitlement::Entitlement;

/// One viewing of one part of a title.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaybackSession {
    pub id: SessionId,
    /// Nobody, where a free title is watched without an account.
    pub viewer_id: Option<ViewerId>,
    /// What it was opened on is called, for the viewer to tell sessions apart.
    pub device: String,
    pub title_id: TitleId,
    pub part: u32,
    /// The film.
    pub asset_id: AssetId,
    /// What is played before it.
    pub card: Option<ReleaseCard>,
    /// Where it was opened from, if that was known.
    pub territory: Option<Territory>,
    pub entitlement: Entitlement,
    /// The campaign whose link its viewer came by.
    #[serde(default)]
    pub campaign: Option<String>,
    pub opened_at: UtcMs,
    /// The token's end: the hard end or the oldest a session gets, whichever comes first.
    pub expires_at: UtcMs,
    pub revoked_at: Option<UtcMs>,
    /// The viewer left, or it was revoked.
    pub ended_at: Option<UtcMs>,
}

impl PlaybackSession {
    /// For how long the card still runs, counted from the opening; `None` once it has run, or where there is none.
    pub fn card_left(&self, now: UtcMs) -> Option<Duration> {
        let ends_at = self.opened_at + Duration::from_millis(self.card?.duration_ms.unsigned_abs());
        (now < ends_at).then(|| ends_at.since(now))
    }
}
