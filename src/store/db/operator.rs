//! Operators: who runs this server, in which role, and the one-time links by which they get in. Every write here carries
//! its audit line, which is written in the same transaction.

use async_trait::async_trait;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::base::id::{ApiTokenId, OperatorId, PartyId};
use crate::store::db::Page;
use crate::store::db::account::ApiToken;
use crate::store::db::audit::AuditLine;

/// Operators, their links and their tokens.
#[async_trait]
pub trait OperatorDb: Send + Sync {
    /// `Conflict` (`EMAIL_TAKEN`) when the address is another operator's. Addresses are compared in lower case.
    async fn insert_operator(&self, operator: &Operator, line: &AuditLine) -> Result<()>;

    /// All of them, oldest first.
    async fn operators(&self) -> Result<Vec<Operator>>;

    async fn operator(&self, id: OperatorId) -> Result<Option<Operator>>;

    /// The operator with this address, and the password hash where there is one yet.
    async fn operator_credentials(&self, email: &str) -> Result<Option<(Operator, Option<String>)>>;

    /// Whether somebody who is an owner now can sign in with a password.
    async fn owner_exists(&self) -> Result<bool>;

    /// False when there is no such operator.
    async fn rename_operator(&self, id: OperatorId, name: &str, line: &AuditLine) -> Result<bool>;

    /// A new role, or whether the operator may still come in. Disabling, and a move to another party or back, end their
    /// tokens and links at once.
    async fn edit_operator(&self, id: OperatorId, edit: OperatorEdit, at: UtcMs, line: &AuditLine) -> Result<Edited>;

    /// Sets the password and ends every sign-in of the operator but `kept`.
    async fn set_operator_password(
        &self,
        id: OperatorId,
        password_hash: &str,
        kept: ApiTokenId,
        at: UtcMs,
        line: &AuditLine,
    ) -> Result<()>;

    /// Keeps the link; those made earlier for the same purpose are void.
    async fn insert_link(&self, link: &OperatorLink, line: &AuditLine) -> Result<()>;

    /// The link with this digest, whatever became of it.
    async fn link(&self, digest: &[u8; 32]) -> Result<Option<OperatorLink>>;

    /// Uses the link once: sets the password and ends the operator's sign-ins and other links. A link for an owner makes
    /// an operator with this id, or makes the one who has the address an owner again. Actor and subject of the line
    /// become the operator. `None` when the link is not to be used (any more) at `at`.
    async fn accept_link(
        &self,
        digest: &[u8; 32],
        welcome: &Welcome,
        at: UtcMs,
        line: &AuditLine,
    ) -> Result<Option<Operator>>;

    /// A token of an operator, made by signing in or for a program.
    async fn insert_operator_token(&self, token: &ApiToken, line: &AuditLine) -> Result<()>;

    /// Tokens for programs that are valid at `now`, newest first.
    async fn operator_tokens(&self, now: UtcMs, page: &Page) -> Result<Vec<ApiToken>>;

    /// Ends a token for a program; false when there is none that is valid at `at`.
    async fn revoke_operator_token(&self, id: ApiTokenId, at: UtcMs, line: &AuditLine) -> Result<bool>;
}

/// Who runs this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    pub id: OperatorId,
    /// `None` for the server's own, which nobody signs in as: the bearer of the token in the data folder.
    pub email: Option<String>,
    pub name: String,
    pub role: Role,
    /// Without a password an operator has been invited and has not come in yet.
    pub has_password: bool,
    pub created_at: UtcMs,
    pub last_seen_at: Option<UtcMs>,
    pub disabled_at: Option<UtcMs>,
}

/// What an operator may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything, operators, tokens and settings included.
    Owner,
    /// Catalogue, rights, offers, members, sessions, uploads; reads all but what is the owner's.
    Operator,
    /// Money: refunds, the ledger, statements; reads all but what is the owner's.
    Finance,
    /// Reads all but what is the owner's.
    ReadOnly,
    /// Belongs to another party, and has to do with what is its.
    Party(PartyId),
}

impl Role {
    /// The roles of the house.
    pub const HOUSE: [Role; 4] = [Role::Owner, Role::Operator, Role::Finance, Role::ReadOnly];

    pub fn as_str(self) -> &'static str {
        match self {
            Role::Owner => "owner",
            Role::Operator => "operator",
            Role::Finance => "finance",
            Role::ReadOnly => "read_only",
            Role::Party(_) => "party",
        }
    }

    /// A role of the house by its name.
    pub fn parse(text: &str) -> Option<Role> {
        Role::HOUSE.into_iter().find(|role| role.as_str() == text)
    }

    pub fn party(self) -> Option<PartyId> {
        if let Role::Party(id) = self { Some(id) } else { None }
    }

    /// Whether this role may all that `other` may. The house and the parties have nothing in common.
    pub fn covers(self, other: Role) -> bool {
        let is_of_house = self.party().is_none() && other.party().is_none();
        self == other || (is_of_house && (self == Role::Owner || other == Role::ReadOnly))
    }

    /// What both roles may; where one of them is a party's, what that party may.
    pub fn within(self, other: Role) -> Role {
        if self.party().is_some() {
            self
        } else if other.party().is_some() {
            other
        } else if other.covers(self) {
            self
        } else if self.covers(other) {
            other
        } else {
            Role::ReadOnly
        }
    }
}

impl Serialize for Role {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A role of the house.
impl<'de> Deserialize<'de> for Role {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Role, D::Error> {
        let text = String::deserialize(deserializer)?;
        Role::parse(&text).ok_or_else(|| de::Error::custom("not one of owner, operator, finance, read_only"))
    }
}

/// What changes about an operator; what is not named stays.
#[derive(Clone, Copy, Debug, Default)]
pub struct OperatorEdit {
    pub role: Option<Role>,
    pub disabled: Option<bool>,
}

/// What became of an edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edited {
    Done(Operator),
    /// There is no such operator, or it is the server's own.
    Unknown,
    /// Nobody could let anybody in any more.
    LastOwner,
}

/// A link that lets somebody in once. Only the digest of its secret is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorLink {
    /// SHA-256 of the secret.
    pub digest: [u8; 32],
    /// Whom it lets in; `None` makes an owner.
    pub operator_id: Option<OperatorId>,
    pub created_at: UtcMs,
    pub expires_at: UtcMs,
    pub used_at: Option<UtcMs>,
    /// A newer one took its place, or the operator was disabled.
    pub voided_at: Option<UtcMs>,
}

/// What somebody says who comes in by a link.
#[derive(Clone, Debug)]
pub struct Welcome {
    /// The id of the operator, if one is made.
    pub id: OperatorId,
    pub email: String,
    pub name: String,
    pub password_hash: String,
}

#[cfg(test)]
mod tests {
    use super::Role::{Finance, Operator, Owner, Party, ReadOnly};
    use super::*;

    #[test]
    fn two_roles_share_what_both_may() {
        let table = [
            (Owner, [Owner, Operator, Finance, ReadOnly]),
            (Operator, [Operator, Operator, ReadOnly, ReadOnly]),
            (Finance, [Finance, ReadOnly, Finance, ReadOnly]),
            (ReadOnly, [ReadOnly; 4]),
        ];
        for (one, shared) in table {
            for (other, expected) in Role::HOUSE.into_iter().zip(shared) {
                assert_eq!(one.within(other), expected, "{one:?} {other:?}");
                assert_eq!(other.within(one), expected, "{other:?} {one:?}");
            }
            assert_eq!(Role::parse(one.as_str()), Some(one));
        }
    }

    #[test]
    fn a_party_and_the_house_share_nothing() {
        let now = UtcMs(1_800_000_000_000);
        let (ours, others) = (Party(PartyId::new(now)), Party(PartyId::new(now)));
        for role in Role::HOUSE {
            assert!(!ours.covers(role) && !role.covers(ours), "{role:?}");
            assert_eq!((ours.within(role), role.within(ours)), (ours, ours), "{role:?}");
        }
        assert!(ours.covers(ours) && !ours.covers(others));
        assert_eq!(Role::parse("party"), None, "not without the party");
    }
}
