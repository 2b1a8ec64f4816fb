//! A playback session: one viewing. The entitlement it opened with, and so its attribution, never changes.

use serde::{Deserialize, Serialize};

use crate::base::clock::UtcMs;
use crate::base::id::{AssetId, SessionId, TitleId, ViewerId};
use crate::base::territory::Territory;
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
    pub asset_id: AssetId,
    /// Where it was opened from, if that was known.
    pub territory: Option<Territory>,
    pub entitlement: Entitlement,
    pub opened_at: UtcMs,
    /// The token's end: the hard end or the oldest a session gets, whichever comes first.
    pub expires_at: UtcMs,
    pub revoked_at: Option<UtcMs>,
    /// The viewer left, or it was revoked.
    pub ended_at: Option<UtcMs>,
}
