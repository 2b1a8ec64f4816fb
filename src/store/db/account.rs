//! Accounts: viewers, their password hashes, and the tokens of viewers and operators (of which only digests are kept).

use std::collections::HashMap;

use async_trait::async_trait;

use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::base::id::{ApiTokenId, OperatorId, ViewerId};
use crate::rights::portability::Home;
use crate::store::db::Page;
use crate::store::db::operator::Role;

/// Who can sign in, and with what.
#[async_trait]
pub trait AccountDb: Send + Sync {
    /// `Conflict` (`EMAIL_TAKEN`) when the address is in use. Addresses are compared in lower case.
    async fn insert_viewer(&self, viewer: &Viewer, password_hash: &str) -> Result<()>;

    /// Where a viewer lives, if that has been verified.
    async fn home(&self, viewer: ViewerId) -> Result<Option<Home>>;

    /// `NotFound` when there is no such viewer.
    async fn set_home(&self, viewer: ViewerId, home: Option<&Home>) -> Result<()>;

    async fn viewer(&self, id: ViewerId) -> Result<Option<Viewer>>;

    /// The addresses of these viewers.
    async fn emails(&self, ids: &[ViewerId]) -> Result<HashMap<ViewerId, String>>;

    /// The viewer with this address, and the password hash.
    async fn credentials(&self, email: &str) -> Result<Option<(Viewer, String)>>;

    /// The name and the language; the viewer as it is then.
    async fn edit_viewer(&self, id: ViewerId, edit: &ViewerEdit) -> Result<Option<Viewer>>;

    /// Sets the password and ends every sign-in of the viewer but `kept`.
    async fn set_password(&self, id: ViewerId, password_hash: &str, kept: ApiTokenId, at: UtcMs) -> Result<()>;

    async fn insert_api_token(&self, token: &ApiToken) -> Result<()>;

    /// The token with this digest, if it has neither expired nor been revoked at `now` and its bearer may come in.
    async fn api_token(&self, digest: &[u8; 32], now: UtcMs) -> Result<Option<ValidToken>>;

    /// Whether the token is still one that [`AccountDb::api_token`] would find, and not of another party's person.
    async fn is_api_token_valid(&self, id: ApiTokenId, now: UtcMs) -> Result<bool>;

    async fn revoke_api_token(&self, id: ApiTokenId, at: UtcMs) -> Result<()>;

    /// The token was used; so was its operator's account.
    async fn note_seen(&self, id: ApiTokenId, at: UtcMs) -> Result<()>;

    /// A viewer's tokens that are valid at `now`, newest first.
    async fn sign_ins(&self, viewer: ViewerId, now: UtcMs, page: &Page) -> Result<Vec<ApiToken>>;

    /// Ends a viewer's token; false when it is not theirs or not valid at `at`.
    async fn end_sign_in(&self, viewer: ViewerId, id: ApiTokenId, at: UtcMs) -> Result<bool>;

    /// A viewer's token takes the place of `replaced`, one of the same viewer's, which ends: it is a device of the account if
    /// that was one and was valid.
    async fn replace_sign_in(&self, replaced: ApiTokenId, token: &ApiToken) -> Result<()>;

    /// A viewer's tokens that are devices of the account and valid at `now`, in the order in which they became that.
    async fn devices(&self, viewer: ViewerId, now: UtcMs) -> Result<Vec<ApiTokenId>>;

    /// Makes a viewer's token a device of the account where it is none yet; false where there are `limit` others. One of
    /// many at once gets the last place. `Unauthorized` (`UNAUTHENTICATED`) when the token is not valid at `at`.
    async fn register_device(&self, viewer: ViewerId, id: ApiTokenId, limit: u32, at: UtcMs) -> Result<bool>;
}

/// Who watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    pub id: ViewerId,
    pub email: String,
    pub display_name: String,
    /// BCP 47; `None` until the viewer chooses.
    pub language: Option<String>,
    pub created_at: UtcMs,
}

/// What changes about a viewer; what is not named stays.
#[derive(Clone, Debug, Default)]
pub struct ViewerEdit {
    pub display_name: Option<String>,
    pub language: Option<String>,
}

/// A bearer secret's record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    pub id: ApiTokenId,
    pub bearer: Bearer,
    pub kind: TokenKind,
    /// The device it was made on, or what its maker calls it.
    pub name: String,
    /// SHA-256 of the secret.
    pub digest: [u8; 32],
    pub created_at: UtcMs,
    pub expires_at: UtcMs,
    pub last_seen_at: Option<UtcMs>,
    /// Of a viewer's: since when it is one of the account's devices.
    pub registered_at: Option<UtcMs>,
}

/// A token that is valid now, with the role that its bearer has if that is an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidToken {
    pub token: ApiToken,
    pub operator_role: Option<Role>,
}

/// Whose token it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearer {
    Viewer(ViewerId),
    Operator(OperatorId),
}

/// What a token was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// Signing in; it may what its bearer may.
    SignIn,
    /// A program of an operator's; it may at most what this role may.
    Program(Role),
}
