//! What parties sign: tokens for their viewers, and their own reports. A token is believed where its issuer is a party's,
//! and a key of that party's JWK set signed it (RFC 7515, 7517, 7519, 8725).
//!
//! ```text
//! header   alg RS256, PS256, ES256 or EdDSA, as the key says; kid
//! claims   iss, aud "marquee/partner", sub, exp (24 hours from now at most), nbf where it is said
//!          scope     "play": sub is a viewer of the party's, who may watch title_id until `until` (exp where not said)
//!                    "report": the party itself speaks
//! ```
//!
//! A set is fetched when a token needs it, kept for an hour, and fetched again where a token names a key that is not in it,
//! at most twice a minute. Where it cannot be fetched the one that is there is used for a day.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

use crate::base::clock::{Clock, UtcMs};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{PartyId, PartyViewerId, TitleId};
use crate::base::limits;
use crate::http::outbound;
use crate::playback::follower::Follower;
use crate::rights::partner_pass::PartnerPass;
use crate::rights::party::{Party, Signer};

const AUDIENCE: &str = "marquee/partner";
/// By how much the clocks of others may be ahead of ours.
const SKEW: Duration = Duration::from_secs(60);
const KEPT: Duration = Duration::from_secs(3600);
const KEPT_WITHOUT_ANSWER: Duration = Duration::from_secs(24 * 3600);
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(30);
const ALGORITHMS: [Algorithm; 4] = [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA];

/// Believes parties.
pub struct Partners {
    follower: Arc<Follower>,
    clock: Clock,
    client: reqwest::Client,
    sets: Mutex<HashMap<PartyId, KeySet>>,
}

/// What a token was found to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signed {
    /// A viewer of the party's may watch this.
    Play { title_id: TitleId, pass: PartnerPass },
    /// The party itself.
    Report { party_id: PartyId },
}

/// Why a token is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenRefusal {
    /// Malformed, of nobody we know, for somebody else, signed by no key of the party's, or saying too little.
    Invalid,
    Expired,
}

#[derive(Clone)]
struct KeySet {
    signer: Signer,
    keys: Arc<JwkSet>,
    fetched: Duration,
    asked: Duration,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    exp: i64,
    nbf: Option<i64>,
    scope: Scope,
    title_id: Option<TitleId>,
    until: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Scope {
    Play,
    Report,
}

#[derive(Deserialize)]
struct Unverified {
    iss: String,
}

impl Partners {
    pub fn new(follower: Arc<Follower>, clock: Clock) -> Result<Partners> {
        let client = outbound::client(limits::JWKS_TIMEOUT).build();
        let client = client.map_err(|error| Error::internal("a client for key sets").with_source(error))?;
        Ok(Partners { follower, clock, client, sets: Mutex::default() })
    }

    /// What a token says, or why it is not believed. `Unavailable` where its party's keys cannot be had.
    pub async fn read(&self, token: &str) -> Result<Result<Signed, TokenRefusal>> {
        if token.len() > limits::PARTNER_TOKEN_BYTES_MAX {
            return Ok(Err(TokenRefusal::Invalid));
        }
        let Some((party, kid, algorithm)) = self.claimed(token) else { return Ok(Err(TokenRefusal::Invalid)) };
        let Some(key) = self.key(&party, &kid).await? else { return Ok(Err(TokenRefusal::Invalid)) };
        Ok(self.verified(token, &party, &key, algorithm))
    }

    /// Whose token it says it is, and by which key. Nothing else of it is believed yet.
    fn claimed(&self, token: &str) -> Option<(Party, String, Algorithm)> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        let Unverified { iss } = jsonwebtoken::dangerous::insecure_decode_claims(token).ok()?;
        let snapshot = self.follower.snapshot();
        let is_its = |party: &&Party| party.signer.as_ref().is_some_and(|signer| signer.issuer == iss);
        let party = snapshot.parties().find(is_its)?.clone();
        ALGORITHMS.contains(&header.alg).then_some((party, header.kid?, header.alg))
    }

    fn verified(&self, token: &str, party: &Party, key: &Jwk, algorithm: Algorithm) -> Result<Signed, TokenRefusal> {
        let invalid = TokenRefusal::Invalid;
        let is_for_it = key.common.key_algorithm.is_none_or(|named| named.to_string() == format!("{algorithm:?}"));
        let decoding = DecodingKey::from_jwk(key).map_err(|_| invalid)?;
        let mut validation = Validation::new(algorithm);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["iss", "sub", "aud", "exp"]);
        // By our own clock, below.
        (validation.validate_exp, validation.validate_nbf) = (false, false);
        let decoded = jsonwebtoken::decode::<Claims>(token, &decoding, &validation).map_err(|_| invalid)?;
        let claims = decoded.claims;
        let now = self.clock.now();
        let seconds = |at: i64| UtcMs(at.saturating_mul(1000));
        let is_its = party.signer.as_ref().is_some_and(|signer| signer.issuer == claims.iss);
        let is_early = claims.nbf.is_some_and(|nbf| seconds(nbf) > now + SKEW);
        let is_too_long = seconds(claims.exp) > now + limits::PARTNER_TOKEN_AGE_MAX;
        let is_named = !claims.sub.is_empty() && claims.sub.len() <= limits::PARTNER_SUBJECT_BYTES_MAX;
        if !is_its || !is_for_it || is_early || is_too_long || !is_named {
            return Err(invalid);
        }
        if seconds(claims.exp) <= now {
            return Err(TokenRefusal::Expired);
        }
        match claims.scope {
            Scope::Report => Ok(Signed::Report { party_id: party.id }),
            Scope::Play => {
                let until = seconds(claims.until.unwrap_or(claims.exp));
                let pass = PartnerPass { party_id: party.id, viewer: viewer_of(party.id, &claims.sub), until };
                Ok(Signed::Play { title_id: claims.title_id.ok_or(invalid)?, pass })
            }
        }
    }

    /// The key of a party's set; none where the set that there is now has no such key.
    async fn key(&self, party: &Party, kid: &str) -> Result<Option<Jwk>> {
        let Some(signer) = &party.signer else { return Ok(None) };
        let now = self.clock.monotonic();
        let known = self.sets().get(&party.id).filter(|set| set.signer == *signer).cloned();
        let find = |keys: &JwkSet| keys.find(kid).cloned();
        let is_asked = |set: &KeySet| now.saturating_sub(set.asked) < ASKED_AGAIN_AFTER;
        if let Some(set) = &known {
            let found = find(&set.keys);
            let is_fresh = now.saturating_sub(set.fetched) < KEPT;
            if (found.is_some() && is_fresh) || is_asked(set) {
                return Ok(found);
            }
        }
        match self.fetch(signer).await {
            Ok(keys) => {
                let set = KeySet { signer: signer.clone(), keys: Arc::new(keys), fetched: now, asked: now };
                let found = find(&set.keys);
                self.sets().insert(party.id, set);
                Ok(found)
            }
            Err(reason) => {
                tracing::warn!(party = %party.id, reason, "a party's keys cannot be fetched");
                let Some(set) = known.filter(|set| now.saturating_sub(set.fetched) < KEPT_WITHOUT_ANSWER) else {
                    return Err(Error::new(
                        ErrorKind::Unavailable,
                        "PARTNER_KEYS_UNAVAILABLE",
                        "The keys of the partner that signed this cannot be fetched; try again shortly.",
                    ));
                };
                let found = find(&set.keys);
                self.sets().insert(party.id, KeySet { asked: now, ..set });
                Ok(found)
            }
        }
    }

    async fn fetch(&self, signer: &Signer) -> Result<JwkSet, String> {
        let url = outbound::address(&signer.jwks_url).map_err(str::to_owned)?;
        let answer = self.client.get(url).send().await.map_err(|error| error.without_url().to_string())?;
        if !answer.status().is_success() {
            return Err(format!("it answers {}", answer.status()));
        }
        let body = outbound::body(answer, limits::JWKS_BYTES_MAX).await.map_err(|unread| format!("{unread:?}"))?;
        let set: JwkSet = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
        if set.keys.len() > limits::JWKS_KEYS_MAX { Err("it has too many keys".to_owned()) } else { Ok(set) }
    }

    fn sets(&self) -> std::sync::MutexGuard<'_, HashMap<PartyId, KeySet>> {
        self.sets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A name of our own for a viewer of a party's, who is told to nobody.
fn viewer_of(party: PartyId, subject: &str) -> PartyViewerId {
    let hash = digest(&SHA256, format!("{party}/{subject}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_ref()[..16]);
    PartyViewerId::from_bytes(bytes)
}
