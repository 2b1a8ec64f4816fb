//! Accounts: viewers, their password hashes, and API tokens of viewers and operators (of which only digests are kept).

use async_trait::async_trait;

use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::base::id::{ApiTokenId, OperatorId, ViewerId};

/// Who can sign in, and with what.
#[async_trait]
pub trait AccountDb: Send + Sync {
    /// `Conflict` (`EMAIL_TAKEN`) when the address is in use. Addresses are compared in lower case.
    async fn insert_viewer(&self, viewer: &Viewer, password_hash: &str) -> Result<()>;

    async fn viewer(&self, id: ViewerId) -> Result<Option<Viewer>>;

    /// The viewer with this address, and the password hash.
    async fn credentials(&self, email: &str) -> Result<Option<(Viewer, String)>>;

    async fn insert_operator(&self, operator: &Operator) -> Result<()>;

    async fn operators(&self) -> Result<Vec<Operator>>;

    async fn insert_api_token(&self, token: &ApiToken) -> Result<()>;

    /// The token with this digest, if it has neither expired nor been revoked at `now`.
    async fn api_token(&self, digest: &[u8; 32], now: UtcMs) -> Result<Option<ApiToken>>;

    async fn revoke_api_token(&self, id: ApiTokenId, at: UtcMs) -> Result<()>;
}

/// Who watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    pub id: ViewerId,
    pub email: String,
    pub display_name: String,
    pub created_at: UtcMs,
}

/// Who runs this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    pub id: OperatorId,
    pub name: String,
    pub created_at: UtcMs,
}

/// A bearer secret's record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    pub id: ApiTokenId,
    pub bearer: Bearer,
    /// SHA-256 of the secret.
    pub digest: [u8; 32],
    pub created_at: UtcMs,
    pub expires_at: UtcMs,
}

/// Whose token it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearer {
    Viewer(ViewerId),
    Operator(OperatorId),
}
