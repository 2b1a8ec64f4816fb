//! Operators: coming in by a one-time link or a password, and the tokens of their programs. Whatever is written here
//! takes its audit line with it.

use std::net::IpAddr;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{ApiTokenId, AuditId, OperatorId};
use crate::base::limits;
use crate::commerce::account::token::{self, sha256};
use crate::commerce::account::{Accounts, PasswordRefusal, SignInRefusal, Visit, check_email, check_password};
use crate::http::peer::client_network;
use crate::store::db::account::{ApiToken, Bearer, TokenKind};
use crate::store::db::audit::AuditLine;
use crate::store::db::operator::{Edited, Operator, OperatorEdit, OperatorLink, Role, Welcome};
use crate::store::state::Rate;

const NOBODY: &str = "nobody";
const SHORT_DIGEST_BYTES: usize = 6;

/// An operator in the console, and the secret of the cookie.
pub struct OperatorSignedIn {
    pub operator: Operator,
    pub secret: String,
}

/// A fresh link's secret, shown once.
pub struct NewLink {
    pub secret: String,
    pub expires_at: UtcMs,
}

/// What a link is for, told to whoever holds it.
pub struct LinkOffer {
    /// Whom it lets in; `None` makes an owner.
    pub operator: Option<Operator>,
    pub expires_at: UtcMs,
}

/// Why a link lets nobody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkRefusal {
    Unknown,
    Used,
    /// Its day is over, or a newer one took its place.
    Expired,
    TooMany {
        retry_after: Duration,
    },
}

/// What somebody says who comes in by a link.
#[derive(Clone, Debug)]
pub struct Arrival {
    pub secret: String,
    /// An invited operator's address stands already; what is said here must be that.
    pub email: Option<String>,
    /// An invited operator keeps the name that stands, if none is said.
    pub name: Option<String>,
    pub password: String,
}

impl Accounts {
    /// The server's own operator, with a first token.
    pub async fn add_operator(&self, name: &str) -> Result<(Operator, String)> {
        let now = self.clock.now();
        let operator = Operator {
            id: OperatorId::new(now),
            email: None,
            name: name.to_owned(),
            role: Role::Owner,
            has_password: false,
            created_at: now,
            last_seen_at: None,
            disabled_at: None,
        };
        let line = self.line("system", "operator.create", &operator.id, &json!({"name": name}));
        self.db.insert_operator(&operator, &line).await?;
        let secret = self.issue_token(Bearer::Operator(operator.id)).await?;
        Ok((operator, secret))
    }

    /// A link that makes an owner; those made earlier are void. Only who can start the server gets one.
    pub async fn owner_link(&self) -> Result<NewLink> {
        self.new_link(None, "system").await
    }

    /// Invites somebody, with the link that lets them in. `Conflict` (`EMAIL_TAKEN`) when the address is an operator's.
    pub async fn invite_operator(
        &self,
        by: OperatorId,
        email: &str,
        name: &str,
        role: Role,
    ) -> Result<(Operator, NewLink)> {
        check_email(email)?;
        let name = checked_name(name)?;
        let now = self.clock.now();
        let operator = Operator {
            id: OperatorId::new(now),
            email: Some(email.to_owned()),
            name,
            role,
            has_password: false,
            created_at: now,
            last_seen_at: None,
            disabled_at: None,
        };
        let detail = json!({"email": email, "name": operator.name, "role": role, "party_id": role.party()});
        let line = self.line(&by.to_string(), "operator.create", &operator.id, &detail);
        self.db.insert_operator(&operator, &line).await?;
        let link = self.new_link(Some(operator.id), &by.to_string()).await?;
        Ok((operator, link))
    }

    /// A new link for an operator who has forgotten the password or lost the first one; `None` when there is no such
    /// operator, or one who may not come in.
    pub async fn link_operator(&self, by: OperatorId, id: OperatorId) -> Result<Option<NewLink>> {
        match self.db.operator(id).await? {
            Some(Operator { email: Some(_), disabled_at: None, .. }) => {
                Ok(Some(self.new_link(Some(id), &by.to_string()).await?))
            }
            _ => Ok(None),
        }
    }

    /// What a link is for. It stays unused.
    pub async fn check_link(&self, secret: &str, from: IpAddr) -> Result<Result<LinkOffer, LinkRefusal>> {
        if let Rate::Over { retry_after } = self.count_address("operator-link", from).await {
            return Ok(Err(LinkRefusal::TooMany { retry_after }));
        }
        if !token::is_body(secret) {
            return Ok(Err(LinkRefusal::Unknown));
        }
        let Some(link) = self.db.link(&sha256(secret.as_bytes())).await? else {
            return Ok(Err(LinkRefusal::Unknown));
        };
        if let Some(refusal) = refusal(&link, self.clock.now()) {
            return Ok(Err(refusal));
        }
        let operator = match link.operator_id {
            Some(id) => self.db.operator(id).await?,
            None => None,
        };
        Ok(Ok(LinkOffer { operator, expires_at: link.expires_at }))
    }

    /// Uses a link: whoever comes in has this password from now on and is signed in.
    pub async fn welcome(&self, arrival: &Arrival, visit: &Visit) -> Result<Result<OperatorSignedIn, LinkRefusal>> {
        let offer = match self.check_link(&arrival.secret, visit.address).await? {
            Ok(offer) => offer,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let stands = offer.operator.as_ref();
        let email = match (&arrival.email, stands.and_then(|operator| operator.email.as_ref())) {
            (Some(said), Some(stands)) if said.to_lowercase() != stands.to_lowercase() => {
                return Err(email_invalid("This link is for another address."));
            }
            (_, Some(stands)) => stands.clone(),
            (Some(said), None) => said.clone(),
            (None, None) => return Err(email_invalid("Give the address that you will sign in with.")),
        };
        check_email(&email)?;
        let name = arrival.name.as_deref().or(stands.map(|operator| operator.name.as_str())).unwrap_or_default();
        let name = checked_name(name)?;
        check_password(&arrival.password)?;
        let password_hash = self.passwords.hash(&arrival.password).await?;
        let now = self.clock.now();
        let welcome = Welcome { id: OperatorId::new(now), email, name, password_hash };
        let line = self.line(NOBODY, "operator.welcome", &welcome.id, &json!({"email": welcome.email}));
        let digest = sha256(arrival.secret.as_bytes());
        match self.db.accept_link(&digest, &welcome, now, &line).await? {
            Some(operator) => Ok(Ok(self.sign_in_to_console(operator, &visit.device).await?)),
            // Somebody else was faster.
            None => Ok(Err(LinkRefusal::Used)),
        }
    }

    /// Signs an operator in. A failure is noted, with the address as a digest where it is nobody's: people type their
    /// password there.
    pub async fn operator_sign_in(
        &self,
        email: &str,
        password: &str,
        visit: &Visit,
    ) -> Result<Result<OperatorSignedIn, SignInRefusal>> {
        if let Rate::Over { retry_after } = self.count_sign_in("console-sign-in", email, visit.address).await {
            return Ok(Err(SignInRefusal::TooMany { retry_after }));
        }
        if email.len() > limits::EMAIL_BYTES_MAX || password.len() > limits::PASSWORD_BYTES_MAX {
            return Ok(Err(SignInRefusal::Failed));
        }
        let known = self.db.operator_credentials(email).await?;
        let hash = known.as_ref().and_then(|(_, hash)| hash.as_deref());
        let is_right = self.passwords.verify(password, hash).await?;
        let known = known.map(|(operator, _)| operator);
        match known {
            Some(operator) if is_right && operator.disabled_at.is_none() => {
                Ok(Ok(self.sign_in_to_console(operator, &visit.device).await?))
            }
            known => {
                let subject = match &known {
                    Some(operator) => operator.id.to_string(),
                    None => format!("email:{}", short_digest(email)),
                };
                let network = client_network(visit.address).to_string();
                let detail = json!({"network": network, "device": visit.device});
                self.db.append_audit(&self.line(NOBODY, "operator.sign_in_failed", &subject, &detail)).await?;
                Ok(Err(SignInRefusal::Failed))
            }
        }
    }

    /// Another password; every sign-in of the operator but this one ends.
    pub async fn change_operator_password(
        &self,
        (id, kept): (OperatorId, ApiTokenId),
        current: &str,
        new: &str,
        from: IpAddr,
    ) -> Result<Result<(), PasswordRefusal>> {
        check_password(new).map_err(|error| error.with_param("new"))?;
        let Some(Operator { email: Some(email), .. }) = self.db.operator(id).await? else {
            return Ok(Err(PasswordRefusal::Wrong));
        };
        if let Rate::Over { retry_after } = self.count_sign_in("console-sign-in", &email, from).await {
            return Ok(Err(PasswordRefusal::TooMany { retry_after }));
        }
        let hash = self.db.operator_credentials(&email).await?.and_then(|(_, hash)| hash);
        if current.len() > limits::PASSWORD_BYTES_MAX || !self.passwords.verify(current, hash.as_deref()).await? {
            return Ok(Err(PasswordRefusal::Wrong));
        }
        let hash = self.passwords.hash(new).await?;
        let line = self.line(&id.to_string(), "operator.password", &id, &json!({}));
        self.db.set_operator_password(id, &hash, kept, self.clock.now(), &line).await?;
        Ok(Ok(()))
    }

    /// What one is called.
    pub async fn rename_operator(&self, id: OperatorId, name: &str) -> Result<bool> {
        let name = checked_name(name)?;
        let line = self.line(&id.to_string(), "operator.rename", &id, &json!({"name": name}));
        self.db.rename_operator(id, &name, &line).await
    }

    pub async fn edit_operator(&self, by: OperatorId, id: OperatorId, edit: OperatorEdit) -> Result<Edited> {
        let party_id = edit.role.and_then(Role::party);
        let detail = json!({"role": edit.role, "party_id": party_id, "disabled": edit.disabled});
        let line = self.line(&by.to_string(), "operator.edit", &id, &detail);
        self.db.edit_operator(id, edit, self.clock.now(), &line).await
    }

    /// A token for a program; the secret exists only in the answer.
    pub async fn issue_program_token(
        &self,
        by: OperatorId,
        name: &str,
        role: Role,
        age: Duration,
    ) -> Result<(ApiToken, String)> {
        let name = checked_name(name)?;
        let (token, secret) = self.new_token(Bearer::Operator(by), TokenKind::Program(role), &name, age)?;
        let detail = json!({"name": name, "role": role, "expires_at": token.expires_at});
        let line = self.line(&by.to_string(), "token.create", &token.id, &detail);
        self.db.insert_operator_token(&token, &line).await?;
        Ok((token, secret))
    }

    pub async fn revoke_program_token(&self, by: OperatorId, id: ApiTokenId) -> Result<bool> {
        let line = self.line(&by.to_string(), "token.revoke", &id, &json!({}));
        self.db.revoke_operator_token(id, self.clock.now(), &line).await
    }

    async fn sign_in_to_console(&self, operator: Operator, device: &str) -> Result<OperatorSignedIn> {
        let bearer = Bearer::Operator(operator.id);
        let (token, secret) = self.new_token(bearer, TokenKind::SignIn, device, limits::CONSOLE_SIGN_IN_AGE)?;
        let detail = json!({"device": device, "token": token.id});
        let line = self.line(&operator.id.to_string(), "operator.sign_in", &operator.id, &detail);
        self.db.insert_operator_token(&token, &line).await?;
        Ok(OperatorSignedIn { operator, secret })
    }

    async fn new_link(&self, operator_id: Option<OperatorId>, by: &str) -> Result<NewLink> {
        let secret = token::body()?;
        let now = self.clock.now();
        let link = OperatorLink {
            digest: sha256(secret.as_bytes()),
            operator_id,
            created_at: now,
            expires_at: now + limits::OPERATOR_LINK_AGE,
            used_at: None,
            voided_at: None,
        };
        let subject = operator_id.map_or_else(|| "owner".to_owned(), |id| id.to_string());
        let line = self.line(by, "operator.link", &subject, &json!({"expires_at": link.expires_at}));
        self.db.insert_link(&link, &line).await?;
        Ok(NewLink { secret, expires_at: link.expires_at })
    }

    fn line(&self, actor: &str, action: &str, subject: &impl ToString, detail: &Value) -> AuditLine {
        let at = self.clock.now();
        AuditLine {
            id: AuditId::new(at),
            at,
            actor: actor.to_owned(),
            action: action.to_owned(),
            subject: subject.to_string(),
            detail: detail.to_string(),
        }
    }
}

fn refusal(link: &OperatorLink, now: UtcMs) -> Option<LinkRefusal> {
    if link.used_at.is_some() {
        Some(LinkRefusal::Used)
    } else if link.voided_at.is_some() || link.expires_at <= now {
        Some(LinkRefusal::Expired)
    } else {
        None
    }
}

/// Enough to tell one from another, too little to guess from.
fn short_digest(text: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(&sha256(text.to_lowercase().as_bytes())[..SHORT_DIGEST_BYTES])
}

fn checked_name(name: &str) -> Result<String> {
    let name = name.trim();
    if !name.is_empty() && name.chars().count() <= limits::NAME_CHARS_MAX && !name.chars().any(char::is_control) {
        return Ok(name.to_owned());
    }
    let message = format!("Give a name of at most {} characters.", limits::NAME_CHARS_MAX);
    Err(Error::new(ErrorKind::Unprocessable, "NAME_INVALID", message).with_param("name"))
}

fn email_invalid(message: &str) -> Error {
    Error::new(ErrorKind::Unprocessable, "EMAIL_INVALID", message).with_param("email")
}
