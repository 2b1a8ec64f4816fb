//! The integration tests: real servers on port 0, one module per room that can be reached from outside.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod api;
mod audio;
mod cbcs;
mod card;
mod cli;
mod clients;
mod cluster;
mod crash;
mod film;
mod http;
mod iframes;
mod ladder;
mod licenses;
mod origin;
mod packager;
mod packager_exact;
mod packager_picture;
mod packager_table;
mod process;
mod publish_kills;
mod recovery;
mod sealing;
mod server;
mod storefront;
mod subtitles;
