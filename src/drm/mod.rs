//! DRM systems: which there are, what their key servers are asked and answer (CPIX, SPEKE), and the client that asks.

pub mod contract;
pub mod cpix;
pub mod key_server;
pub mod key_tag;
pub mod system;
pub mod xml;
