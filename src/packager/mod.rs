//! A film goes in, a published asset comes out. The only room that knows ffmpeg.
//!
//! ```text
//! supervisor (job)                      worker process (worker, in a sandbox)
//!   opens the input, makes a folder  →    probe → scan → plan (ladder, measure, renditions, segmenter)
//!   reads progress                   ←    copy → encode (→ mux) → poster, storyboard
//!   re-reads what was written (readback), writes playlists and index, renames the folder
//! ```
//!
//! libav runs in the worker alone: no network, no files but the output folder and the one input descriptor, bounded
//! memory and time. The supervisor parses what comes back with our own reader and believes nothing else.

pub mod audio;
pub mod audio_file;
pub mod captions;
pub mod card;
pub mod chapters;
mod checkpoint;
pub mod copy;
pub mod encoder;
pub mod excerpt;
mod film_bytes;
mod film_reader;
pub mod growing;
mod hdr;
mod inputs;
pub mod job;
pub mod ladder;
pub mod lettering;
pub mod libav;
pub mod measure;
pub mod mux;
pub mod picture;
pub mod plan;
pub mod poster;
pub mod probe;
pub mod protocol;
pub mod publish;
pub mod readback;
pub mod refusal;
pub mod renditions;
pub mod rung;
pub mod sandbox;
pub mod scaling;
pub mod scan;
pub mod sealing;
pub mod segmenter;
pub mod sidecar;
pub mod staging;
pub mod storyboard;
pub mod subtitle;
pub mod summary;
pub mod text_file;
pub mod track_file;
pub mod transcode;
pub mod video;
pub mod worker;
mod worker_process;
mod writeback;
