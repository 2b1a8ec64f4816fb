//! The devices of an account: sign-ins of its viewer that have played what the account has. There are so many and no
//! more; one that is signed out, or whose sign-in has run out, makes room for another.

use std::sync::Arc;

use crate::base::clock::{Clock, UtcMs};
use crate::base::error::Result;
use crate::base::id::ViewerId;
use crate::playback::sessions::Watcher;
use crate::store::db::Db;

/// Whether a device may play what its account has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It is one of the account's, or nothing is asked of it.
    Had,
    /// It can become one.
    Free,
    Taken,
}

pub struct Devices {
    db: Arc<dyn Db>,
    clock: Clock,
    limit: u32,
}

impl Devices {
    pub fn new(db: Arc<dyn Db>, clock: Clock, limit: u32) -> Devices {
        Devices { db, clock, limit }
    }

    /// How many an account may have.
    pub fn limit(&self) -> u32 {
        self.limit
    }

    /// How many an account has now.
    pub async fn count(&self, viewer: ViewerId) -> Result<usize> {
        Ok(self.db.devices(viewer, self.clock.now()).await?.len())
    }

    /// Where the device that asks stands.
    pub async fn place(&self, watcher: Watcher) -> Result<Place> {
        let Watcher::Viewer(viewer, sign_in) = watcher else { return Ok(Place::Had) };
        let devices = self.db.devices(viewer, self.clock.now()).await?;
        Ok(if devices.contains(&sign_in) {
            Place::Had
        } else if devices.len() < self.limit as usize {
            Place::Free
        } else {
            Place::Taken
        })
    }

    /// Makes a device that opens a session at `at` one of its account's, where it needs a place; false where another one was
    /// faster.
    pub async fn register(&self, place: Place, watcher: Watcher, at: UtcMs) -> Result<bool> {
        match (place, watcher) {
            (Place::Free, Watcher::Viewer(viewer, sign_in)) => {
                self.db.register_device(viewer, sign_in, self.limit, at).await
            }
            _ => Ok(true),
        }
    }
}
