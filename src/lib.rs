//! Marquee: a film file goes in, and a paid, entitled, windowed HLS playback comes out.
//!
//! The rooms stand here from the bottom to the top; a room uses only rooms above its own line. `tests/tidy.rs` holds
//! the exact table of allowed edges and fails on any other. `ARCHITECTURE.md` is the map.

pub mod base;
pub mod media;
pub mod hls;
pub mod drm;
pub mod catalog;
pub mod rights;
pub mod ledger;
pub mod telemetry;
pub mod store;
pub mod audience;
pub mod http;
pub mod inspect;
pub mod packager;
pub mod playback;
pub mod commerce;
pub mod origin;
pub mod api;
pub mod operator;
pub mod web;
pub mod config;
pub mod app;
pub mod cmd;
