//! Reads an MP4 file or an HLS presentation as a stranger would, says what is in it, and what is wrong with it and by
//! which clause. Everything read is hostile until it has been read: each length, count and depth is bounded.
//!
//! ```text
//! source (folder, web, asset) → playlist → presentation → rules → report
//!                             → file (boxes, movie)     ↗
//! ```
//!
//! Nothing here uses libav, and nothing trusts what the packager said it wrote. The reader of a worker's output, which
//! every publication passes, is another one: `packager::readback`.

pub mod asset;
pub mod boxes;
pub mod check;
pub mod file;
pub mod folder;
pub mod fragment;
pub mod movie;
pub mod playlist;
pub mod presentation;
pub mod report;
pub mod rules;
pub mod sample_entry;
pub mod segment;
pub mod source;
pub mod web;
pub mod webvtt;

#[cfg(test)]
mod tests;
