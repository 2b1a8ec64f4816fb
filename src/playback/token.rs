//! The playback token: a JWT that names one session and nothing else, after RFC 8725. One algorithm, a `kid` from our own
//! set, `typ`, `iss`, `aud`, `nbf` and `exp` all required. A token is verified once per node and then known by its text.
//!
//! The token stands in the path of every URL of a playback, because native players keep neither headers nor queries on
//! child URIs. It is never printed.

use std::sync::Arc;

use arc_swap::ArcSwap;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};

use crate::base::clock::UtcMs;
use crate::base::error::{Error, Result};
use crate::base::id::{KeyId, SessionId};
use crate::base::limits;
use crate::playback::vault::{Vault, random};
use crate::rights::session::PlaybackSession;
use crate::store::db::PlaybackDb;
use crate::store::db::playback::SigningKey;

const ISSUER: &str = "marquee";
const AUDIENCE: &str = "marquee/play";
const TYP: &str = "play+jwt";

/// Signs and verifies playback tokens.
pub struct Tokens {
    keys: ArcSwap<Vec<TokenKey>>,
    /// Tokens whose signature has been checked, by their text.
    verified: Cache<Box<str>, Verified>,
}

struct TokenKey {
    id: KeyId,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

/// What a valid token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    pub session_id: SessionId,
    not_before: UtcMs,
    expires_at: UtcMs,
}

/// Why a token opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenRefusal {
    /// Not a token of ours: malformed, forged, signed by another key, for another audience.
    Invalid,
    Expired,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: SessionId,
    nbf: i64,
    exp: i64,
}

impl Tokens {
    /// Loads the signing keys from the database, or makes the first one.
    pub async fn open(db: &dyn PlaybackDb, vault: &Vault, now: UtcMs) -> Result<Tokens> {
        let mut stored = db.signing_keys().await?;
        if stored.is_empty() {
            let id = KeyId::new(now);
            let secret: [u8; 32] = random()?;
            let key = SigningKey { id, wrapped: vault.wrap(&secret, &purpose(id))?, created_at: now };
            db.insert_signing_key(&key).await?;
            stored = db.signing_keys().await?;
        }
        let keys = stored
            .iter()
            .map(|key| {
                let secret = vault.unwrap(&key.wrapped, &purpose(key.id))?;
                Ok(TokenKey {
                    id: key.id,
                    encoding: EncodingKey::from_secret(&secret),
                    decoding: DecodingKey::from_secret(&secret),
                })
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Tokens { keys: ArcSwap::new(Arc::new(keys)), verified: Cache::new(limits::SESSIONS_CACHED_MAX) })
    }

    /// The token of a session.
    pub fn mint(&self, session: &PlaybackSession) -> Result<String> {
        let keys = self.keys.load();
        let key = keys.first().ok_or_else(|| Error::internal("no signing key"))?;
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some(TYP.into());
        header.kid = Some(key.id.to_string());
        let claims = Claims {
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            sub: session.id,
            nbf: session.opened_at.0.div_euclid(1000),
            // Rounded up: a token never ends before its session does.
            exp: session.expires_at.0.saturating_add(999).div_euclid(1000),
        };
        jsonwebtoken::encode(&header, &claims, &key.encoding)
            .map_err(|error| Error::internal("signing a token").with_source(error))
    }

    /// What the token says, if it is ours and of this hour.
    pub fn verify(&self, token: &str, now: UtcMs) -> Result<Verified, TokenRefusal> {
        if token.len() > limits::TOKEN_BYTES_MAX {
            return Err(TokenRefusal::Invalid);
        }
        let verified = if let Some(verified) = self.verified.get(token) {
            verified
        } else {
            let verified = self.check_signature(token).ok_or(TokenRefusal::Invalid)?;
            self.verified.insert(token.into(), verified);
            verified
        };
        // The clock that minted it may stand as far from this one as is still trusted: a step back by a second, or a
        // node that runs a little late, must not cut off who has just pressed Play.
        if now < verified.not_before - limits::CLOCK_DOUBT_MAX {
            Err(TokenRefusal::Invalid)
        } else if now >= verified.expires_at {
            Err(TokenRefusal::Expired)
        } else {
            Ok(verified)
        }
    }

    fn check_signature(&self, token: &str) -> Option<Verified> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        if header.typ.as_deref() != Some(TYP) || header.alg != Algorithm::HS256 {
            return None;
        }
        let kid: KeyId = header.kid?.parse().ok()?;
        let keys = self.keys.load();
        let key = keys.iter().find(|key| key.id == kid)?;
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        // Time is ours to check, on our own clock, at every request.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let claims = jsonwebtoken::decode::<Claims>(token, &key.decoding, &validation).ok()?.claims;
        Some(Verified {
            session_id: claims.sub,
            not_before: UtcMs(claims.nbf.checked_mul(1000)?),
            expires_at: UtcMs(claims.exp.checked_mul(1000)?),
        })
    }
}

fn purpose(id: KeyId) -> String {
    format!("signing/{id}")
}
