//! What a session plays: a film, alone or behind its release card.

use std::sync::Arc;

use crate::base::id::AssetId;
use crate::base::protection::ProtectionScheme;
use crate::media::timeline::ClipKind;
use crate::rights::caps::Caps;
use crate::rights::session::PlaybackSession;

/// The clips of a session. All sessions with the same ones are given the same bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Presentation {
    pub film: AssetId,
    pub card: Option<AssetId>,
    /// How the film leaves; none is clear. A card always leaves clear.
    pub protection: Option<ProtectionScheme>,
    /// How much of the film is shown, where that is not all of it.
    pub preview_ms: Option<i64>,
    /// Which of its renditions are shown, where those are not all of them.
    pub caps: Option<Arc<Caps>>,
}

impl Presentation {
    pub fn of(session: &PlaybackSession) -> Presentation {
        Presentation {
            film: session.asset_id,
            card: session.card.map(|card| card.asset_id),
            protection: session.entitlement.protection,
            preview_ms: session.entitlement.preview_ms,
            caps: session.entitlement.caps.clone(),
        }
    }

    /// A card alone, unsealed, in the renditions that the film behind it has.
    pub fn of_card(&self, card: AssetId) -> Presentation {
        Presentation { film: card, card: None, protection: None, preview_ms: None, caps: self.caps.clone() }
    }

    /// Which of its clips an asset is; `None` where it is none of them.
    pub fn clip(&self, asset: AssetId) -> Option<ClipKind> {
        if asset == self.film {
            return Some(ClipKind::Film);
        }
        (Some(asset) == self.card).then_some(ClipKind::Card)
    }
}
