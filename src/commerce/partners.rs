//! What parties sign: tokens for their viewers, and their own reports. A token is believed where its issuer is a party's,
//! and a key of that party's JWK set signed it (RFC 7515, 7517, 7519, 8725).
//!
//! ```text
//! header   alg RS256, PS256, ES256 or EdDSA, as the key says; kid; no crit
//! claims   iss, aud "marquee/partner", sub, exp (24 hours from now at most), nbf where it is said
//!          scope     "play": sub is a viewer of the party's in `territory` (where the request comes from, where not said),
//!                    who may watch title_id until `until` (exp where not said)
//!                    "report": the party itself speaks
//! ```
//!
//! Instants are seconds since 1970. A set is fetched when a token needs it, by one at a time for each party, kept for an
//! hour, and asked for again, where a token names a key that is not in it or it could not be had, twice a minute at most.
//! Where it cannot be fetched the one that is there is used for a day.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{Jwk, JwkSet, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::{Deserialize, Deserializer};

use crate::base::clock::{Clock, UtcMs};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{PartyId, PartyViewerId, TitleId};
use crate::base::limits;
use crate::base::territory::Territory;
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
    sets: Mutex<HashMap<PartyId, Arc<tokio::sync::Mutex<KeySet>>>>,
}

/// What a token was found to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signed {
    /// A viewer of the party's may watch this.
    Play { title_id: TitleId, pass: PartnerPass, territory: Option<Territory> },
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

/// What is known of a party's keys. Whoever holds it is the one who asks.
#[derive(Default)]
struct KeySet {
    signer: Option<Signer>,
    keys: Option<(Arc<JwkSet>, Duration)>,
    asked: Option<Duration>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    #[serde(deserialize_with = "seconds")]
    exp: UtcMs,
    #[serde(default, deserialize_with = "some_seconds")]
    nbf: Option<UtcMs>,
    scope: Scope,
    title_id: Option<TitleId>,
    #[serde(default, deserialize_with = "some_seconds")]
    until: Option<UtcMs>,
    territory: Option<Territory>,
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
        let Some(key) = self.key(&party, &kid, algorithm).await? else { return Ok(Err(TokenRefusal::Invalid)) };
        Ok(self.verified(token, &party, &key, algorithm))
    }

    /// Whose token it says it is, and by which key. Nothing else of it is believed yet.
    fn claimed(&self, token: &str) -> Option<(Party, String, Algorithm)> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        // What a token asks to be understood, and is not, is refused with it (RFC 7515, 4.1.11).
        let fields = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').next()?).ok()?;
        let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&fields).ok()?;
        if fields.contains_key("crit") || !ALGORITHMS.contains(&header.alg) {
            return None;
        }
        let Unverified { iss } = jsonwebtoken::dangerous::insecure_decode_claims(token).ok()?;
        let snapshot = self.follower.snapshot();
        let is_its = |party: &&Party| party.signer.as_ref().is_some_and(|signer| signer.issuer == iss);
        let party = snapshot.parties().find(is_its)?.clone();
        Some((party, header.kid?, header.alg))
    }

    fn verified(&self, token: &str, party: &Party, key: &Jwk, algorithm: Algorithm) -> Result<Signed, TokenRefusal> {
        let invalid = TokenRefusal::Invalid;
        let decoding = DecodingKey::from_jwk(key).map_err(|_| invalid)?;
        let mut validation = Validation::new(algorithm);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["iss", "sub", "aud", "exp"]);
        // By our own clock, below.
        (validation.validate_exp, validation.validate_nbf) = (false, false);
        let decoded = jsonwebtoken::decode::<Claims>(token, &decoding, &validation).map_err(|_| invalid)?;
        let claims = decoded.claims;
        let now = self.clock.now();
        let is_its = party.signer.as_ref().is_some_and(|signer| signer.issuer == claims.iss);
        let is_early = claims.nbf.is_some_and(|nbf| nbf > now + SKEW);
        let is_too_long = claims.exp > now + limits::PARTNER_TOKEN_AGE_MAX;
        let is_named = !claims.sub.is_empty() && claims.sub.len() <= limits::PARTNER_SUBJECT_BYTES_MAX;
        if !is_its || is_early || is_too_long || !is_named {
            return Err(invalid);
        }
        if claims.exp <= now {
            return Err(TokenRefusal::Expired);
        }
        let until = claims.until.unwrap_or(claims.exp);
        if until > now + limits::PARTNER_WORD_AGE_MAX {
            return Err(invalid);
        }
        match claims.scope {
            Scope::Report => Ok(Signed::Report { party_id: party.id }),
            Scope::Play => {
                let pass = PartnerPass { party_id: party.id, viewer: viewer_of(party.id, &claims.sub), until };
                let title_id = claims.title_id.ok_or(invalid)?;
                Ok(Signed::Play { title_id, pass, territory: claims.territory })
            }
        }
    }

    /// The key of a party's set that signs so; none where the set that there is now has no such key.
    async fn key(&self, party: &Party, kid: &str, algorithm: Algorithm) -> Result<Option<Jwk>> {
        let Some(signer) = &party.signer else { return Ok(None) };
        let find = |keys: &JwkSet| keys.keys.iter().find(|key| signs(key, kid, algorithm)).cloned();
        let shared = self.sets().entry(party.id).or_default().clone();
        let mut set = shared.lock().await;
        if set.signer.as_ref() != Some(signer) {
            *set = KeySet { signer: Some(signer.clone()), ..KeySet::default() };
        }
        let now = self.clock.monotonic();
        let age = |at: Duration| now.saturating_sub(at);
        let is_fresh = set.keys.as_ref().is_some_and(|(_, fetched)| age(*fetched) < KEPT);
        let found = set.keys.as_ref().and_then(|(keys, _)| find(keys));
        let is_asked = set.asked.is_some_and(|asked| age(asked) < ASKED_AGAIN_AFTER);
        if !(is_asked || (is_fresh && found.is_some())) {
            set.asked = Some(now);
            match self.fetch(signer).await {
                Ok(keys) => set.keys = Some((Arc::new(keys), now)),
                Err(reason) => tracing::warn!(party = %party.id, reason, "a party's keys cannot be fetched"),
            }
        }
        match &set.keys {
            Some((keys, fetched)) if age(*fetched) < KEPT_WITHOUT_ANSWER => Ok(find(keys)),
            _ => Err(Error::new(
                ErrorKind::Unavailable,
                "PARTNER_KEYS_UNAVAILABLE",
                "The keys of the partner that signed this cannot be fetched; try again in half a minute.",
            )),
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

    fn sets(&self) -> std::sync::MutexGuard<'_, HashMap<PartyId, Arc<tokio::sync::Mutex<KeySet>>>> {
        self.sets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a key is the one that is named, and is for signing so.
fn signs(key: &Jwk, kid: &str, algorithm: Algorithm) -> bool {
    let common = &key.common;
    let is_of_kind = DecodingKey::from_jwk(key).is_ok_and(|key| key.family() == algorithm.family());
    common.key_id.as_deref() == Some(kid)
        && is_of_kind
        && common.public_key_use.as_ref().is_none_or(|use_| *use_ == PublicKeyUse::Signature)
        && common.key_operations.as_ref().is_none_or(|operations| operations.contains(&KeyOperations::Verify))
        && common.key_algorithm.is_none_or(|named| named.to_string() == format!("{algorithm:?}"))
}

/// A `NumericDate` of RFC 7519, which may have a fraction.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<UtcMs, D::Error> {
    let seconds = f64::deserialize(deserializer)?;
    Ok(UtcMs((seconds * 1000.0) as i64))
}

fn some_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<UtcMs>, D::Error> {
    let seconds = Option::<f64>::deserialize(deserializer)?;
    Ok(seconds.map(|seconds| UtcMs((seconds * 1000.0) as i64)))
}

/// A name of our own for a viewer of a party's, who is told to nobody.
fn viewer_of(party: PartyId, subject: &str) -> PartyViewerId {
    let hash = digest(&SHA256, format!("{party}/{subject}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_ref()[..16]);
    PartyViewerId::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_key_is_taken_for_what_it_is_for() {
        let key = |more: Value| {
            let mut key = json!({"kty": "OKP", "crv": "Ed25519", "kid": "a",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
            key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            serde_json::from_value::<Jwk>(key).unwrap()
        };
        for (more, is_taken) in [
            (json!({}), true),
            (json!({"use": "sig", "alg": "EdDSA", "key_ops": ["verify"]}), true),
            (json!({"use": "enc"}), false),
            (json!({"key_ops": ["sign"]}), false),
            (json!({"alg": "ES256"}), false),
            (json!({"kid": "b"}), false),
        ] {
            assert_eq!(signs(&key(more.clone()), "a", Algorithm::EdDSA), is_taken, "{more}");
        }
        assert!(!signs(&key(json!({})), "a", Algorithm::ES256), "of another kind");
    }

    #[test]
    fn a_viewer_of_one_party_is_none_of_another() {
        let party = |n: u8| PartyId::from_bytes([n; 16]);
        assert_eq!(viewer_of(party(1), "ada"), viewer_of(party(1), "ada"));
        assert_ne!(viewer_of(party(1), "ada"), viewer_of(party(2), "ada"));
        assert_ne!(viewer_of(party(1), "ada"), viewer_of(party(1), "bob"));
    }
}
