//! The audit log: who did what and what was refused, append-only, each line's hash covering the one before.

use async_trait::async_trait;
use aws_lc_rs::digest;
use serde::Serialize;

use crate::base::clock::UtcMs;
use crate::base::error::{Error, Result};
use crate::base::id::AuditId;

/// The log of operator writes, grants and denials.
#[async_trait]
pub trait AuditDb: Send + Sync {
    async fn append_audit(&self, line: &AuditLine) -> Result<()>;

    /// Lines in order with their hashes, after the given position (0 for the first page).
    async fn audit_lines(&self, after: i64, limit: u32) -> Result<Vec<ChainedAuditLine>>;

    /// Lines that the filter lets through, newest first, before the given position.
    async fn audit_page(&self, filter: &AuditFilter, before: Option<i64>, limit: u32) -> Result<Vec<NamedAuditLine>>;
}

/// One line of the log. No token, key or password is ever in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditLine {
    pub id: AuditId,
    pub at: UtcMs,
    /// Who: a viewer's or operator's id, or `system`.
    pub actor: String,
    /// What: `title.create`, `session.deny`.
    pub action: String,
    /// To what: an id.
    pub subject: String,
    /// The rest, as JSON.
    pub detail: String,
}

/// A line at its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainedAuditLine {
    pub position: i64,
    pub line: AuditLine,
    pub hash: [u8; 32],
}

/// Which lines to read; what is not named is no condition.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    pub actor: Option<String>,
    /// Whole, or up to a dot: `title.` is every action on titles.
    pub action: Option<String>,
    pub subject: Option<String>,
    pub from: Option<UtcMs>,
    /// Not included.
    pub to: Option<UtcMs>,
}

/// A line at its place, with what its actor is called now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedAuditLine {
    pub position: i64,
    pub line: AuditLine,
    pub actor_name: Option<String>,
}

/// What the first line follows.
pub const AUDIT_GENESIS: [u8; 32] = [0; 32];

/// The hash of `line` when it follows `previous`: SHA-256 over the previous hash and the line's JSON.
pub fn audit_link(previous: &[u8; 32], line: &AuditLine) -> Result<[u8; 32]> {
    let json = serde_json::to_vec(line).map_err(|error| Error::internal("an audit line as JSON").with_source(error))?;
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(previous);
    context.update(&json);
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    Ok(hash)
}
