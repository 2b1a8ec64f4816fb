//! The secrets that stand for a sign-in: `mqv_test_…` a viewer's, `mqo_test_…` a program's of an operator, `mqc_test_…`
//! an operator's in the console, `live` where money is real: 256 random bits in base64url. Only the SHA-256 is stored.

use aws_lc_rs::digest;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::base::error::Result;
use crate::playback::vault::random;
use crate::store::db::account::{Bearer, TokenKind};

const SECRET_BYTES: usize = 32;
const VIEWER: &str = "mqv";
const PROGRAM: &str = "mqo";
const CONSOLE: &str = "mqc";

/// A fresh secret for a token of this kind.
pub fn mint(bearer: Bearer, kind: TokenKind, mode: &str) -> Result<String> {
    let prefix = match (bearer, kind) {
        (Bearer::Viewer(_), _) => VIEWER,
        (Bearer::Operator(_), TokenKind::Program(_)) => PROGRAM,
        (Bearer::Operator(_), TokenKind::SignIn) => CONSOLE,
    };
    Ok(format!("{prefix}_{mode}_{}", body()?))
}

/// The secret of a one-time link. It has no prefix: it stands in an address that says what it is.
pub fn body() -> Result<String> {
    let body: [u8; SECRET_BYTES] = random()?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(body))
}

/// Whether this may be a token of a server in this mode.
pub fn is_well_formed(secret: &str, mode: &str) -> bool {
    let body = [VIEWER, PROGRAM, CONSOLE]
        .iter()
        .find_map(|prefix| secret.strip_prefix(prefix)?.strip_prefix('_')?.strip_prefix(mode)?.strip_prefix('_'));
    body.is_some_and(is_body)
}

pub fn is_body(body: &str) -> bool {
    BASE64_URL_SAFE_NO_PAD.decode(body).is_ok_and(|bytes| bytes.len() == SECRET_BYTES)
}

/// Whether this is a secret of the console's, which is a cookie and nothing else.
pub fn is_of_console(secret: &str) -> bool {
    secret.strip_prefix(CONSOLE).is_some_and(|rest| rest.starts_with('_'))
}

pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_of_the_other_mode_is_none_of_ours() {
        let body = BASE64_URL_SAFE_NO_PAD.encode([7; 32]);
        assert!(is_well_formed(&format!("mqv_test_{body}"), "test"));
        assert!(is_well_formed(&format!("mqo_live_{body}"), "live"));
        assert!(is_well_formed(&format!("mqc_live_{body}"), "live"));
        assert!(!is_well_formed(&format!("mqv_live_{body}"), "test"));
        assert!(!is_well_formed(&format!("mqx_test_{body}"), "test"));
        assert!(!is_well_formed("mqv_test_short", "test"));
    }

    #[test]
    fn the_console_has_secrets_of_its_own() {
        let body = BASE64_URL_SAFE_NO_PAD.encode([7; 32]);
        assert!(is_of_console(&format!("mqc_test_{body}")));
        assert!(!is_of_console(&format!("mqo_test_{body}")));
        assert!(!is_of_console(&format!("mqv_test_{body}")));
    }
}
