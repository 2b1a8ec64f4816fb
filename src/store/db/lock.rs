//! Parental locks of viewers' accounts, and the tries at their PINs.

use async_trait::async_trait;

use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::base::id::ViewerId;

/// Locks by viewer.
#[async_trait]
pub trait LockDb: Send + Sync {
    async fn lock(&self, viewer: ViewerId) -> Result<Option<Lock>>;

    /// Sets, or replaces, a lock, with another PIN if one is given. Tries are forgotten. False, and nothing done, where a
    /// lock that is new has no PIN.
    async fn set_lock(&self, viewer: ViewerId, age_limit: u8, pin_hash: Option<&str>) -> Result<bool>;

    /// Takes the lock away; false when there was none.
    async fn remove_lock(&self, viewer: ViewerId) -> Result<bool>;

    /// Counts a try before it is made, so that many at once are no more than allowed, and gives the PIN's hash for it.
    /// None where there is no lock.
    async fn begin_pin_try(&self, viewer: ViewerId, at: UtcMs) -> Result<Option<PinTry>>;

    /// The try was right: those before it are forgotten.
    async fn end_pin_tries(&self, viewer: ViewerId) -> Result<()>;
}

/// A lock as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lock {
    /// What is for older viewers than this asks for the PIN.
    pub age_limit: u8,
    /// No PIN is looked at before.
    pub locked_until: Option<UtcMs>,
}

/// A try at a PIN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PinTry {
    /// It is one; if it is wrong, so many are left, and with none left nothing is looked at until then.
    Counted { pin_hash: String, left: u32, locked_until: Option<UtcMs> },
    /// There were too many wrong ones.
    Locked { until: UtcMs },
}
