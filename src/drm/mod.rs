//! DRM systems: where content keys come from, what key servers are asked and answer (CPIX, SPEKE), and the client that
//! asks.

pub mod contract;
pub mod cpix;
pub mod key_provider;
pub mod key_server;
pub mod license_server;
pub mod license_token;
pub mod output_protection;
pub mod trust;
