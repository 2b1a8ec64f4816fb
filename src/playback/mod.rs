//! One viewing from its opening to its end: sessions, their tokens, the gate that every request passes, and the library
//! that gives out bytes only against the gate's proof.
//!
//! The media path runs through `token`, `gate`, `library` and `cache`; `follower`, `sessions`, `devices`, `keys` and
//! `vault` keep what these read; `clearkey` is the form of ClearKey licences, `licenses` has those of DRM systems made.

pub mod asset;
pub mod cache;
pub mod capped;
pub mod clearkey;
pub mod denied;
pub mod devices;
pub mod external;
pub mod feature;
pub mod follower;
pub mod gate;
pub mod growing;
pub mod keys;
pub mod leases;
pub mod library;
pub mod licenses;
pub mod place;
pub mod presentation;
pub mod sessions;
pub mod token;
pub mod vault;
