//! A party: somebody else who shows films that we show too, and has a contract about it.

use serde::{Deserialize, Serialize};

use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::PartyId;
use crate::base::limits;

/// Whom deals are made with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    pub id: PartyId,
    pub name: String,
    pub kind: PartyKind,
    /// Who signs for it, where it signs anything.
    pub signer: Option<Signer>,
    pub created_at: UtcMs,
    /// Grows by one with each edit.
    pub version: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartyKind {
    /// A platform that co-releases (拼播).
    Partner,
    /// A circuit of cinemas (院线).
    Circuit,
    Broadcaster,
    /// Whoever was sold a territory (版权预售).
    Distributor,
    /// Whose film it is (片方).
    Producer,
}

/// Where the keys are found that a party signs tokens with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signer {
    /// `iss` of its tokens, as it stands there.
    pub issuer: String,
    /// A JWK set (RFC 7517).
    pub jwks_url: String,
}

impl Party {
    /// Refuses what no operator can have meant; whether `jwks_url` is an address is not asked here.
    pub fn check(&self) -> Result<()> {
        let refuse = |param: &str, message: String| {
            Err(Error::new(ErrorKind::Unprocessable, "PARTY_INVALID", message).with_param(param))
        };
        let is_long = self.name.chars().count() > limits::NAME_CHARS_MAX;
        if self.name.trim().is_empty() || is_long || self.name.chars().any(char::is_control) {
            return refuse("name", format!("A party has a name of 1 to {} characters.", limits::NAME_CHARS_MAX));
        }
        if let Some(Signer { issuer, .. }) = &self.signer
            && (issuer.trim().is_empty()
                || issuer.len() > limits::ISSUER_BYTES_MAX
                || issuer.chars().any(char::is_control))
        {
            let message = format!("An issuer has 1 to {} bytes.", limits::ISSUER_BYTES_MAX);
            return refuse("signer.issuer", message);
        }
        Ok(())
    }
}
