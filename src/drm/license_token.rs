//! The token that tells a licence server what a viewer may have: a JWT (RFC 7519), HS256 under a secret that only this
//! server and the licence server know.
//!
//! ```text
//! header   {"typ":"license+jwt","alg":"HS256"}
//! claims   iss "marquee", aud "license-server", iat, exp (60 s later), jti
//!          session, content_id, system
//!          license_expires_at      seconds since 1970: nothing of the licence may play after that
//!          keys                    [{kid, track_type, hdcp}]: all keys of the film, and what the way to the screen of the
//!                                  pictures under each must have at least; null where nothing is asked
//! ```

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::Serialize;
use uuid::Uuid;

use crate::base::clock::UtcMs;
use crate::base::drm_system::DrmSystem;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::hdcp::HdcpLevel;
use crate::base::id::{AssetId, KeyId, RequestId, SessionId};
use crate::base::limits;
use crate::drm::contract::TrackType;
use crate::drm::output_protection::OutputProtection;

const TYP: &str = "license+jwt";
const ISSUER: &str = "marquee";
const AUDIENCE: &str = "license-server";
/// Of HS256 (RFC 7518, 3.2).
const SECRET_BYTES_MIN: usize = 32;

/// What a viewer may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LicenseRights {
    pub session: SessionId,
    pub asset: AssetId,
    /// When viewing ends.
    pub ends_at: UtcMs,
    pub keys: Vec<(KeyId, TrackType)>,
}

/// Signs tokens.
pub struct LicenseTokens {
    secret: EncodingKey,
    output: OutputProtection,
}

#[derive(Serialize)]
struct Claims {
    iss: &'static str,
    aud: &'static str,
    iat: i64,
    exp: i64,
    jti: RequestId,
    session: SessionId,
    content_id: AssetId,
    system: DrmSystem,
    license_expires_at: i64,
    keys: Vec<KeyClaim>,
}

#[derive(Serialize)]
struct KeyClaim {
    kid: String,
    track_type: &'static str,
    hdcp: Option<HdcpLevel>,
}

impl LicenseTokens {
    /// `secret` has at least 32 bytes.
    pub fn new(secret: &[u8], output: OutputProtection) -> Result<LicenseTokens> {
        if secret.len() < SECRET_BYTES_MIN {
            let message =
                format!("The secret of licence tokens is shorter than {SECRET_BYTES_MIN} bytes. Draw a longer one.");
            return Err(Error::new(ErrorKind::Config, "LICENSE_TOKEN_KEY_INVALID", message));
        }
        Ok(LicenseTokens { secret: EncodingKey::from_secret(secret), output })
    }

    pub fn sign(&self, rights: &LicenseRights, system: DrmSystem, now: UtcMs) -> Result<String> {
        let iat = now.0.div_euclid(1000);
        let key = |(id, track_type): &(KeyId, TrackType)| KeyClaim {
            kid: Uuid::from_bytes(id.to_bytes()).to_string(),
            track_type: track_type.as_str(),
            hdcp: self.output.of(*track_type),
        };
        let claims = Claims {
            iss: ISSUER,
            aud: AUDIENCE,
            iat,
            exp: iat + limits::LICENSE_TOKEN_TTL.as_secs() as i64,
            jti: RequestId::new(now),
            session: rights.session,
            content_id: rights.asset,
            system,
            license_expires_at: rights.ends_at.0.div_euclid(1000),
            keys: rights.keys.iter().map(key).collect(),
        };
        let header = Header { typ: Some(TYP.to_owned()), ..Header::new(Algorithm::HS256) };
        encode(&header, &claims, &self.secret).map_err(|error| Error::internal("a licence token").with_source(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_secret_is_refused() {
        let code =
            |secret: &[u8]| LicenseTokens::new(secret, OutputProtection::default()).map(|_| ()).map_err(|e| e.code());
        assert_eq!(code(&[7; 31]), Err("LICENSE_TOKEN_KEY_INVALID"));
        assert_eq!(code(&[7; 32]), Ok(()));
    }
}
