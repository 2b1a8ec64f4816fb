//! The hash chain of the journal: each entry's hash covers the one before it, so that an entry that is changed, dropped
//! or slipped in later is found by recomputing. The hash is SHA-256 over the previous hash and the entry's JSON.

use std::fmt;

use aws_lc_rs::digest;

use crate::base::error::{Error, Result};
use crate::ledger::entry::Entry;

/// A link of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainHash(pub [u8; 32]);

impl fmt::Display for ChainHash {
    /// In hex.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What the first entry follows.
pub const GENESIS: ChainHash = ChainHash([0; 32]);

/// The hash of `entry` when it follows `previous`.
pub fn link(previous: ChainHash, entry: &Entry) -> Result<ChainHash> {
    let json = serde_json::to_vec(entry).map_err(|error| Error::internal("an entry as JSON").with_source(error))?;
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(&previous.0);
    context.update(&json);
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    Ok(ChainHash(hash))
}
