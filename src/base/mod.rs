//! Vocabulary without I/O and without product knowledge. Uses no other room.

pub mod clock;
pub mod drm_system;
pub mod error;
pub mod hdcp;
pub mod id;
pub mod limits;
pub mod money;
pub mod protection;
pub mod shared_map;
pub mod shutdown;
pub mod territory;
pub mod territory_zone;
pub mod xml;
