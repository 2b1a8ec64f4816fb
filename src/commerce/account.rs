//! Accounts: viewers sign up and in, operators come in by link or password, and a token stands for either afterwards.
//! Signing in answers alike, in words and in time, whether the account exists.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ipnet::IpNet;

use crate::base::clock::Clock;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{ApiTokenId, OperatorId, PartyId, PartyViewerId, SessionId, ViewerId};
use crate::base::limits;
use crate::commerce::account::token::{is_well_formed, sha256};
use crate::commerce::password::Passwords;
use crate::commerce::rates::Rates;
use crate::http::peer::client_network;
use crate::store::db::Db;
use crate::store::db::account::{ApiToken, Bearer, TokenKind, ValidToken, Viewer, ViewerEdit};
use crate::store::db::operator::Role;
use crate::store::state::{Rate, State};

pub mod device;
pub mod lock;
pub mod operators;
pub mod token;

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
    Operator { id: OperatorId, token: ApiTokenId, role: Role },
}

/// Where a sign-in is made.
#[derive(Clone, Debug)]
pub struct Visit {
    pub address: IpAddr,
    /// What the device is called, as [`device::device_name`] puts it.
    pub device: String,
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

/// Why an account stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordRefusal {
    /// The present password is another one.
    Wrong,
    TooMany {
        retry_after: Duration,
    },
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
    pub async fn sign_up(&self, request: &SignUp, visit: &Visit) -> Result<Result<SignedIn, SignInRefusal>> {
        check_email(&request.email)?;
        check_password(&request.password)?;
        check_display_name(&request.display_name)?;
        if let Rate::Over { retry_after } = self.count_address("sign-up", visit.address).await {
            return Ok(Err(SignInRefusal::TooMany { retry_after }));
        }
        let password_hash = self.passwords.hash(&request.password).await?;
        let now = self.clock.now();
        let viewer = Viewer {
            id: ViewerId::new(now),
            email: request.email.clone(),
            display_name: request.display_name.trim().to_owned(),
            language: None,
            created_at: now,
        };
        self.db.insert_viewer(&viewer, &password_hash).await?;
        let secret = self.sign_in_viewer(viewer.id, &visit.device, None).await?;
        Ok(Ok(SignedIn { viewer, secret }))
    }

    /// Signs in. A browser that is signed in already says by which secret: where that is the same viewer's, the new
    /// sign-in takes its place among the account's devices, and it ends.
    pub async fn sign_in(
        &self,
        email: &str,
        password: &str,
        visit: &Visit,
        present: Option<&str>,
    ) -> Result<Result<SignedIn, SignInRefusal>> {
        if let Rate::Over { retry_after } = self.count_sign_in("sign-in", email, visit.address).await {
            return Ok(Err(SignInRefusal::TooMany { retry_after }));
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
                let secret = self.sign_in_viewer(viewer.id, &visit.device, present).await?;
                Ok(Ok(SignedIn { viewer, secret }))
            }
            _ => Ok(Err(SignInRefusal::Failed)),
        }
    }

    /// The token is no longer valid.
    pub async fn sign_out(&self, token: ApiTokenId) -> Result<()> {
        self.db.revoke_api_token(token, self.clock.now()).await
    }

    /// What the viewer is called and in which language; `None` when the viewer is gone.
    pub async fn edit_viewer(&self, id: ViewerId, mut edit: ViewerEdit) -> Result<Option<Viewer>> {
        if let Some(name) = &mut edit.display_name {
            check_display_name(name)?;
            *name = name.trim().to_owned();
        }
        if let Some(language) = &edit.language {
            check_language(language)?;
        }
        self.db.edit_viewer(id, &edit).await
    }

    /// Another password; every sign-in but this one ends.
    pub async fn change_password(
        &self,
        (viewer, token): (ViewerId, ApiTokenId),
        current: &str,
        new: &str,
        from: IpAddr,
    ) -> Result<Result<(), PasswordRefusal>> {
        check_password(new).map_err(|error| error.with_param("new"))?;
        if let Err(refusal) = self.verify_password(viewer, current, from).await? {
            return Ok(Err(refusal));
        }
        let hash = self.passwords.hash(new).await?;
        self.db.set_password(viewer, &hash, token, self.clock.now()).await?;
        Ok(Ok(()))
    }

    /// Whether it is the viewer's password; counted as a sign-in is.
    async fn verify_password(
        &self,
        viewer: ViewerId,
        password: &str,
        from: IpAddr,
    ) -> Result<Result<(), PasswordRefusal>> {
        let Some(Viewer { email, .. }) = self.db.viewer(viewer).await? else {
            return Ok(Err(PasswordRefusal::Wrong));
        };
        if let Rate::Over { retry_after } = self.count_sign_in("sign-in", &email, from).await {
            return Ok(Err(PasswordRefusal::TooMany { retry_after }));
        }
        let hash = self.db.credentials(&email).await?.map(|(_, hash)| hash);
        if password.len() > limits::PASSWORD_BYTES_MAX || !self.passwords.verify(password, hash.as_deref()).await? {
            return Ok(Err(PasswordRefusal::Wrong));
        }
        Ok(Ok(()))
    }

    /// A new token: a viewer's sign-in, or an operator's token for a program that may everything. The secret exists only
    /// in the answer.
    pub async fn issue_token(&self, bearer: Bearer) -> Result<String> {
        let (kind, age) = match bearer {
            Bearer::Viewer(_) => (TokenKind::SignIn, limits::API_TOKEN_AGE),
            Bearer::Operator(_) => (TokenKind::Program(Role::Owner), limits::OPERATOR_TOKEN_AGE),
        };
        let (token, secret) = self.new_token(bearer, kind, "Made on the server", age)?;
        self.db.insert_api_token(&token).await?;
        Ok(secret)
    }

    async fn sign_in_viewer(&self, viewer: ViewerId, device: &str, present: Option<&str>) -> Result<String> {
        let bearer = Bearer::Viewer(viewer);
        let (token, secret) = self.new_token(bearer, TokenKind::SignIn, device, limits::API_TOKEN_AGE)?;
        let known = match present {
            Some(present) => self.db.api_token(&sha256(present.as_bytes()), token.created_at).await?,
            None => None,
        };
        match known {
            Some(known) if known.token.bearer == bearer => self.db.replace_sign_in(known.token.id, &token).await?,
            _ => self.db.insert_api_token(&token).await?,
        }
        Ok(secret)
    }

    fn new_token(&self, bearer: Bearer, kind: TokenKind, name: &str, age: Duration) -> Result<(ApiToken, String)> {
        let secret = token::mint(bearer, kind, self.mode())?;
        let now = self.clock.now();
        let token = ApiToken {
            id: ApiTokenId::new(now),
            bearer,
            kind,
            name: name.to_owned(),
            digest: sha256(secret.as_bytes()),
            created_at: now,
            expires_at: now + age,
            last_seen_at: None,
            registered_at: None,
        };
        Ok((token, secret))
    }

    /// Whose token this is, if it is one of this server and of this hour.
    pub async fn authenticate(&self, secret: &str) -> Result<Option<Caller>> {
        if !is_well_formed(secret, self.mode()) {
            return Ok(None);
        }
        let now = self.clock.now();
        let Some(valid) = self.db.api_token(&sha256(secret.as_bytes()), now).await? else { return Ok(None) };
        if valid.token.last_seen_at.is_none_or(|at| now - limits::SEEN_EVERY >= at)
            && let Err(error) = self.db.note_seen(valid.token.id, now).await
        {
            // Who may come in does not depend on when they came last.
            tracing::debug!(error = error.log_line(), "when a token was used is not noted");
        }
        Ok(caller(&valid))
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

    /// Counts the page of a title that is shown with what an operator's own billing says.
    pub async fn count_title_page(&self, viewer: ViewerId) -> Rate {
        self.rates.count(&format!("title-page/{viewer}"), limits::TITLE_PAGES_ASKED_PER_VIEWER_PER_MINUTE, MINUTE).await
    }

    /// Counts an attempt to open a session for a partner's viewer.
    pub async fn count_partner_session(&self, viewer: PartyViewerId) -> Rate {
        self.rates.count(&format!("session/{viewer}"), limits::SESSIONS_PER_VIEWER_PER_MINUTE, MINUTE).await
    }

    /// Counts a token of some party's, good or bad, from an address.
    pub async fn count_partner_token(&self, from: IpAddr) -> Rate {
        let limit = limits::PARTNER_TOKENS_PER_ADDRESS_PER_MINUTE;
        self.rates.count(&format!("partner/address/{}", client_network(from)), limit, MINUTE).await
    }

    /// Counts a report of a party's.
    pub async fn count_partner_report(&self, party: PartyId) -> Rate {
        self.rates.count(&format!("partner/{party}"), limits::PARTNER_REPORTS_PER_MINUTE, MINUTE).await
    }

    /// Counts a click on merchandise.
    pub async fn count_click(&self, network: IpNet) -> Rate {
        self.rates.count(&format!("click/network/{network}"), limits::CLICKS_PER_NETWORK_PER_MINUTE, MINUTE).await
    }

    /// Counts a place that a player notes.
    pub async fn count_progress(&self, viewer: ViewerId) -> Rate {
        self.rates.count(&format!("progress/{viewer}"), limits::PROGRESS_PER_VIEWER_PER_MINUTE, MINUTE).await
    }

    /// Counts an attempt to sign in: of the address, of the account from this network, of the account from everywhere.
    async fn count_sign_in(&self, what: &str, email: &str, from: IpAddr) -> Rate {
        let account =
            format!("{what}/account/{}", BASE64_URL_SAFE_NO_PAD.encode(sha256(email.to_lowercase().as_bytes())));
        let from_here = format!("{account}/{}", client_network(from));
        let rates = [
            self.count_address(what, from).await,
            self.rates.count(&from_here, limits::SIGN_INS_PER_ACCOUNT_PER_MINUTE, MINUTE).await,
            self.rates.count(&account, limits::SIGN_INS_PER_ACCOUNT_EVERYWHERE_PER_MINUTE, MINUTE).await,
        ];
        rates.into_iter().find(|rate| *rate != Rate::Within).unwrap_or(Rate::Within)
    }

    /// Counts a player's report on its session.
    pub async fn count_report(&self, session: SessionId) -> Rate {
        let limit = limits::TELEMETRY_REPORTS_PER_SESSION_PER_MINUTE;
        self.rates.count(&format!("telemetry/{session}"), limit, MINUTE).await
    }

    /// Counts a body of CMCD reports from a network.
    pub async fn count_cmcd(&self, network: IpNet) -> Rate {
        self.rates.count(&format!("cmcd/{network}"), limits::CMCD_REPORTS_PER_NETWORK_PER_MINUTE, MINUTE).await
    }

    async fn count_address(&self, what: &str, from: IpAddr) -> Rate {
        // One household holds a whole IPv6 network: it counts as one address.
        let address = match from.to_canonical() {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(_) => client_network(from).to_string(),
        };
        self.rates.count(&format!("{what}/address/{address}"), limits::SIGN_INS_PER_ADDRESS_PER_MINUTE, MINUTE).await
    }

    fn mode(&self) -> &'static str {
        if self.livemode { "live" } else { "test" }
    }
}

/// An operator's program may what both its token and the operator may.
fn caller(ValidToken { token, operator_role }: &ValidToken) -> Option<Caller> {
    Some(match token.bearer {
        Bearer::Viewer(id) => Caller::Viewer { id, token: token.id },
        Bearer::Operator(id) => {
            let role = match token.kind {
                TokenKind::SignIn => (*operator_role)?,
                TokenKind::Program(role) => role.within((*operator_role)?),
            };
            Caller::Operator { id, token: token.id, role }
        }
    })
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

/// The shape of a BCP 47 tag.
fn check_language(language: &str) -> Result<()> {
    let is_subtag = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let is_primary = |part: &str| (2..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic());
    let mut parts = language.split('-');
    if language.len() <= limits::LANGUAGE_BYTES_MAX && parts.next().is_some_and(is_primary) && parts.all(is_subtag) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Unprocessable, "LANGUAGE_INVALID", "Give a language tag such as zh-CN.")
        .with_param("language"))
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
    fn a_language_is_a_tag() {
        for good in ["en", "zh-CN", "zh-Hans-CN"] {
            check_language(good).unwrap();
        }
        for bad in ["", "e", "en_US", "en-", "-en", "englishes-x", "中文", &"en-aa".repeat(20)] {
            assert_eq!(check_language(bad).unwrap_err().code(), "LANGUAGE_INVALID", "{bad}");
        }
    }
}
