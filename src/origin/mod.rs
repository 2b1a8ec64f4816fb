//! The HLS origin: `/play/…`. It has no path to the store: everything it gives out comes from the library, against the
//! gate's proof.

pub mod meter;
pub mod path;
pub mod serve;
