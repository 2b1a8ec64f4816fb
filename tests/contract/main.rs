//! One suite per port, run against every adapter. An adapter whose service is missing fails loudly.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod check;
mod db;
mod postgres;
mod postgres_server;
mod recomputed;
mod redis_server;
mod scene;
mod state;
