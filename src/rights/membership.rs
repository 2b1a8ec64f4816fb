//! Membership: a viewer's subscription to a plan, active over `[starts_at, ends_at)`.

use serde::{Deserialize, Serialize};

use crate::base::clock::UtcMs;
use crate::base::id::{MembershipId, PlanId, PurchaseId, ViewerId};

/// What can be subscribed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub id: PlanId,
    pub name: String,
    /// Streams at once under one membership.
    pub streams: u32,
}

/// One viewer's subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    pub id: MembershipId,
    pub viewer_id: ViewerId,
    pub plan_id: PlanId,
    /// The plan's streams, at the time it was joined.
    pub streams: u32,
    pub starts_at: UtcMs,
    pub ends_at: UtcMs,
    pub revoked_at: Option<UtcMs>,
    /// What was paid for it, where it was bought here.
    #[serde(default)]
    pub purchase_id: Option<PurchaseId>,
}

impl Membership {
    pub fn is_active(&self, now: UtcMs) -> bool {
        self.revoked_at.is_none() && self.starts_at <= now && now < self.ends_at
    }
}
