//! What playback needs of the database: sessions, the rental clock, content keys, and the cursor that every node follows.

use async_trait::async_trait;

use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::base::id::{AssetId, GrantId, KeyId, MembershipId, SessionId, TitleId, ViewerId};
use crate::base::protection::ProtectionScheme;
use crate::rights::session::PlaybackSession;
use crate::store::db::Page;

/// Sessions and what they play with.
#[async_trait]
pub trait PlaybackDb: Send + Sync {
    async fn insert_session(&self, session: &PlaybackSession) -> Result<()>;

    async fn session(&self, id: SessionId) -> Result<Option<PlaybackSession>>;

    /// Sessions that are neither ended nor past their expiry at `now`, newest first.
    async fn open_sessions(&self, now: UtcMs, page: &Page) -> Result<Vec<PlaybackSession>>;

    /// Those of them that are this viewer's.
    async fn open_sessions_of(&self, viewer: ViewerId, now: UtcMs, page: &Page) -> Result<Vec<PlaybackSession>>;

    /// The viewer left; false when it had ended already. Appends a `Change::Session`.
    async fn end_session(&self, id: SessionId, at: UtcMs) -> Result<bool>;

    /// Revokes and appends a `Change::Session`; false when it was revoked already, `NotFound` when there is none.
    async fn revoke_session(&self, id: SessionId, reason: &str, at: UtcMs) -> Result<bool>;

    /// Starts the rental clock if it does not run yet and returns the first play, whoever's it was. Durable when it
    /// returns; appends a `Change::Grant` when it started it. A revoked grant is a `Conflict` (`GRANT_REVOKED`).
    async fn start_clock(&self, grant: GrantId, at: UtcMs) -> Result<UtcMs>;

    /// Changes after `cursor` in order, at most `limit`. A cursor of `None` means: only tell where the end is.
    async fn changes(&self, cursor: Option<i64>, limit: u32) -> Result<Changes>;

    /// Drops changes older than `before` but keeps the newest, so that the cursor never goes back.
    async fn forget_changes(&self, before: UtcMs) -> Result<()>;

    /// Drops at most `limit` sessions that expired before `before`; how many there were.
    async fn forget_sessions(&self, before: UtcMs, limit: u32) -> Result<u64>;

    /// The key stored for this use.
    async fn content_key(&self, key_use: &KeyUse) -> Result<Option<WrappedKey>>;

    /// Stores those of the keys whose use has none yet, all at once; one that is there stays for ever.
    async fn insert_content_keys(&self, keys: &[(KeyUse, WrappedKey)]) -> Result<()>;

    /// The server's own signing keys by name, newest first: wrapped like content keys.
    async fn signing_keys(&self) -> Result<Vec<SigningKey>>;

    async fn insert_signing_key(&self, key: &SigningKey) -> Result<()>;
}

/// Something a running node must hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A title was written, or an avail or offer of it.
    Title(TitleId),
    /// A storefront or an asset was written.
    Catalog,
    /// A grant was revoked or extended, or its clock started.
    Grant(GrantId),
    /// A membership was ended early.
    Membership(MembershipId),
    /// A session was revoked, extended or ended.
    Session(SessionId),
}

/// A stretch of the change log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    pub changes: Vec<Change>,
    /// Where to go on.
    pub cursor: i64,
}

/// What a content key seals. All variants of a track share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyUse {
    pub asset: AssetId,
    pub track: String,
    pub scheme: ProtectionScheme,
    pub extent: KeyExtent,
}

/// How far a key reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyExtent {
    Film,
    /// The beginning that anybody may watch: a key of its own, which opens nothing else.
    Preview,
}

impl KeyExtent {
    pub fn as_str(self) -> &'static str {
        match self {
            KeyExtent::Film => "film",
            KeyExtent::Preview => "preview",
        }
    }
}

/// A content key, its IV and what DRM systems are told of it as they are stored: encrypted under the master key. Several
/// tracks of an asset may have the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    pub id: KeyId,
    pub wrapped: Vec<u8>,
}

/// A key that tokens are signed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKey {
    pub id: KeyId,
    pub wrapped: Vec<u8>,
    pub created_at: UtcMs,
}
