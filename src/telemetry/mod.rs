//! What is said of a playback while it runs, and what it amounts to: CMCD as players send it, events of our own player,
//! notes of this server, and the fold that makes one session's quality of experience of them. Pure; no I/O, no clock.

pub mod cmcd;
pub mod event;
pub mod note;
pub mod qoe;
