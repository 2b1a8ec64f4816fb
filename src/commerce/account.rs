//! Accounts: signing up, signing in, and the API tokens that stand for both afterwards.
//!
//! A token is `mqv_test_…` (a viewer's) or `mqo_test_…` (an operator's), `live` where money is real: 256 random bits in
//! base64url. Only its SHA-256 is stored. Signing in answers alike, in words and in time, whether the account exists.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ipnet::IpNet;

use crate::base::clock::Clock;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{ApiTokenId, OperatorId, ViewerId};
use crate::base::limits;
use crate::commerce::password::Passwords;
use crate::commerce::rates::Rates;
use crate::http::peer::client_network;
use crate::playback::vault::random;
use crate::store::db::Db;
use crate::store::db::account::{ApiToken, Bearer, Operator, Viewer};
use crate::store::state::{Rate, State};

const SECRET_BYTES: usize = 32;
const MINUTE: Duration = Duration::from_secs(60);

/// Knows who is who.
pub struct Accounts {
    db: Arc<dyn Db>,
    clock: Clock,
    passwords: Passwords,
    rates: Rates,
    livemode: bool,
}

/// Who makes a request, by a token that is valid now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    Viewer { id: ViewerId, token: ApiTokenId },
    Operator { id: OperatorId, token: ApiTokenId },
}

/// What a new viewer says of themselves.
#[derive(Clone, Debug)]
pub struct SignUp {
    pub email: String,
    pub password: String,
    pub display_name: String,
}

/// A viewer and a fresh token. The secret is shown once and never printed.
pub struct SignedIn {
    pub viewer: Viewer,
    pub secret: String,
}

/// Why nobody is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInRefusal {
    /// Unknown account or wrong password: which of them is not told.
    Failed,
    TooMany {
        retry_after: Duration,
    },
}

impl Caller {
    /// The id that audit lines and idempotency keys are kept under.
    pub fn name(&self) -> String {
        match self {
            Caller::Viewer { id, .. } => id.to_string(),
            Caller::Operator { id, .. } => id.to_string(),
        }
    }

    pub fn token(&self) -> ApiTokenId {
        match self {
            Caller::Viewer { token, .. } | Caller::Operator { token, .. } => *token,
        }
    }

    pub fn viewer_id(&self) -> Option<ViewerId> {
        match self {
            Caller::Viewer { id, .. } => Some(*id),
            Caller::Operator { .. } => None,
        }
    }
}

impl Accounts {
    pub fn new(db: Arc<dyn Db>, state: Arc<dyn State>, clock: Clock, livemode: bool) -> Result<Accounts> {
        let rates = Rates::new(state, clock.clone());
        Ok(Accounts { db, clock, passwords: Passwords::new()?, rates, livemode })
    }

    /// Makes an account and signs it in. `Conflict` (`EMAIL_TAKEN`) when the address has one.
    pub async fn sign_up(&self, request: &SignUp, from: IpAddr) -> Result<Result<SignedIn, SignInRefusal>> {
        check_email(&request.email)?;
        check_password(&request.password)?;
        check_display_name(&request.display_name)?;
        if let Rate::Over { retry_after } = self.count_address("sign-up", from).await {
            return Ok(Err(SignInRefusal::TooMany { retry_after }));
        }
        let password_hash = self.passwords.hash(&request.password).await?;
        let now = self.clock.now();
        let viewer = Viewer {
            id: ViewerId::new(now),
            email: request.email.clone(),
            display_name: request.display_name.trim().to_owned(),
            created_at: now,
        };
        self.db.insert_viewer(&viewer, &password_hash).await?;
        let secret = self.issue_token(Bearer::Viewer(viewer.id)).await?;
        Ok(Ok(SignedIn { viewer, secret }))
    }

    /// Signs in.
    pub async fn sign_in(&self, email: &str, password: &str, from: IpAddr) -> Result<Result<SignedIn, SignInRefusal>> {
        let account =
            format!("sign-in/account/{}", BASE64_URL_SAFE_NO_PAD.encode(sha256(email.to_lowercase().as_bytes())));
        let from_here = format!("{account}/{}", client_network(from));
        let rates = [
            self.count_address("sign-in", from).await,
            self.rates.count(&from_here, limits::SIGN_INS_PER_ACCOUNT_PER_MINUTE, MINUTE).await,
            self.rates.count(&account, limits::SIGN_INS_PER_ACCOUNT_EVERYWHERE_PER_MINUTE, MINUTE).await,
        ];
        for rate in rates {
            if let Rate::Over { retry_after } = rate {
                return Ok(Err(SignInRefusal::TooMany { retry_after }));
            }
        }
        // What no account can have costs no hash, and says nothing about any account.
        if email.len() > limits::EMAIL_BYTES_MAX || password.len() > limits::PASSWORD_BYTES_MAX {
            return Ok(Err(SignInRefusal::Failed));
        }
        let known = self.db.credentials(email).await?;
        let hash = known.as_ref().map(|(_, hash)| hash.as_str());
        let is_right = self.passwords.verify(password, hash).await?;
        match known {
            Some((viewer, _)) if is_right => {
                let secret = self.issue_token(Bearer::Viewer(viewer.id)).await?;
                Ok(Ok(SignedIn { viewer, secret }))
            }
            _ => Ok(Err(SignInRefusal::Failed)),
        }
    }

    /// The token is no longer valid.
    pub async fn sign_out(&self, token: ApiTokenId) -> Result<()> {
        self.db.revoke_api_token(token, self.clock.now()).await
    }

    /// An operator's account with its first token.
    pub async fn add_operator(&self, name: &str) -> Result<(Operator, String)> {
        let now = self.clock.now();
        let operator = Operator { id: OperatorId::new(now), name: name.to_owned(), created_at: now };
        self.db.insert_operator(&operator).await?;
        let secret = self.issue_token(Bearer::Operator(operator.id)).await?;
        Ok((operator, secret))
    }

    /// A new token; the secret exists only in the answer.
    pub async fn issue_token(&self, bearer: Bearer) -> Result<String> {
        let body: [u8; SECRET_BYTES] = random()?;
        let secret = format!("{}{}", self.prefix(bearer), BASE64_URL_SAFE_NO_PAD.encode(body));
        let now = self.clock.now();
        let age = match bearer {
            Bearer::Viewer(_) => limits::API_TOKEN_AGE,
            Bearer::Operator(_) => limits::OPERATOR_TOKEN_AGE,
        };
        let token = ApiToken {
            id: ApiTokenId::new(now),
            bearer,
            digest: sha256(secret.as_bytes()),
            created_at: now,
            expires_at: now + age,
        };
        self.db.insert_api_token(&token).await?;
        Ok(secret)
    }

    /// Whose token this is, if it is one of this server and of this hour.
    pub async fn authenticate(&self, secret: &str) -> Result<Option<Caller>> {
        if !is_well_formed(secret, self.mode()) {
            return Ok(None);
        }
        let token = self.db.api_token(&sha256(secret.as_bytes()), self.clock.now()).await?;
        Ok(token.map(|ApiToken { id: token, bearer, .. }| match bearer {
            Bearer::Viewer(id) => Caller::Viewer { id, token },
            Bearer::Operator(id) => Caller::Operator { id, token },
        }))
    }

    /// Counts an order of a viewer.
    pub async fn count_purchase(&self, viewer: ViewerId) -> Rate {
        self.rates.count(&format!("purchase/{viewer}"), limits::PURCHASES_PER_VIEWER_PER_MINUTE, MINUTE).await
    }

    /// Counts the opening of a session, by its viewer or, without one, by its network.
    pub async fn count_session(&self, viewer: Option<ViewerId>, network: IpNet) -> Rate {
        let (key, limit) = match viewer {
            Some(viewer) => (format!("session/{viewer}"), limits::SESSIONS_PER_VIEWER_PER_MINUTE),
            None => (format!("session/network/{network}"), limits::ANONYMOUS_SESSIONS_PER_NETWORK_PER_MINUTE),
        };
        self.rates.count(&key, limit, MINUTE).await
    }

    async fn count_address(&self, what: &str, from: IpAddr) -> Rate {
        // One household holds a whole IPv6 network: it counts as one address.
        let address = match from.to_canonical() {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(_) => client_network(from).to_string(),
        };
        self.rates.count(&format!("{what}/address/{address}"), limits::SIGN_INS_PER_ADDRESS_PER_MINUTE, MINUTE).await
    }

    fn prefix(&self, bearer: Bearer) -> String {
        let role = match bearer {
            Bearer::Viewer(_) => "mqv",
            Bearer::Operator(_) => "mqo",
        };
        format!("{role}_{}_", self.mode())
    }

    fn mode(&self) -> &'static str {
        if self.livemode { "live" } else { "test" }
    }
}

fn is_well_formed(secret: &str, mode: &str) -> bool {
    let body = ["mqv", "mqo"]
        .iter()
        .find_map(|role| secret.strip_prefix(role)?.strip_prefix('_')?.strip_prefix(mode)?.strip_prefix('_'));
    body.is_some_and(|body| BASE64_URL_SAFE_NO_PAD.decode(body).is_ok_and(|bytes| bytes.len() == SECRET_BYTES))
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    hash
}

/// Only the shape: whether mail arrives there is for a mail to find out.
fn check_email(email: &str) -> Result<()> {
    let is_shaped = email.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && local.len() <= 64
            && !domain.is_empty()
            && !domain.contains('@')
            && domain.split('.').all(|label| !label.is_empty())
            && !email.chars().any(|character| character.is_whitespace() || character.is_control())
    });
    if is_shaped && email.len() <= limits::EMAIL_BYTES_MAX {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Unprocessable, "EMAIL_INVALID", "Give an email address such as ann@example.com.")
        .with_param("email"))
}

fn check_password(password: &str) -> Result<()> {
    if password.chars().count() >= limits::PASSWORD_CHARS_MIN && password.len() <= limits::PASSWORD_BYTES_MAX {
        return Ok(());
    }
    let message = format!("A password has at least {} characters.", limits::PASSWORD_CHARS_MIN);
    Err(Error::new(ErrorKind::Unprocessable, "PASSWORD_INVALID", message).with_param("password"))
}

fn check_display_name(name: &str) -> Result<()> {
    if name.chars().count() <= limits::NAME_CHARS_MAX && !name.chars().any(char::is_control) {
        return Ok(());
    }
    let message =
        format!("A display name has at most {} characters and no control characters.", limits::NAME_CHARS_MAX);
    Err(Error::new(ErrorKind::Unprocessable, "DISPLAY_NAME_INVALID", message).with_param("display_name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_email_address_has_one_at_and_no_gaps() {
        for good in ["ann@example.com", "a+b@mail.example.com", "影@例子.中国", "root@localhost"] {
            check_email(good).unwrap();
        }
        for bad in ["", "ann", "@example.com", "ann@", "a@b@c", "ann @example.com", "ann@example..com", "ann@.com"] {
            assert_eq!(check_email(bad).unwrap_err().code(), "EMAIL_INVALID", "{bad}");
        }
        assert!(check_email(&format!("a@{}.com", "b".repeat(300))).is_err());
    }

    #[test]
    fn a_password_is_counted_in_characters() {
        assert_eq!(check_password("1234567").unwrap_err().code(), "PASSWORD_INVALID");
        check_password("12345678").unwrap();
        check_password("八个字的密码啊啊").unwrap();
        assert!(check_password(&"x".repeat(limits::PASSWORD_BYTES_MAX + 1)).is_err());
    }

    #[test]
    fn a_token_of_the_other_mode_is_none_of_ours() {
        let body = BASE64_URL_SAFE_NO_PAD.encode([7; 32]);
        assert!(is_well_formed(&format!("mqv_test_{body}"), "test"));
        assert!(is_well_formed(&format!("mqo_live_{body}"), "live"));
        assert!(!is_well_formed(&format!("mqv_live_{body}"), "test"));
        assert!(!is_well_formed(&format!("mqx_test_{body}"), "test"));
        assert!(!is_well_formed("mqv_test_short", "test"));
    }
}
