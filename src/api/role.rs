//! What a role may do at a route: the handler names one of these in its signature, and so nobody has to remember to ask.
//!
//! Reading takes [`AnOperator`], and where a body says what is asked, [`Reader`]. What is written takes [`Editor`],
//! [`Treasurer`] or [`Owner`]; [`Oneself`] is for what concerns one's own account only, and alone of these lets people of
//! other parties in. `AnOperator` at a route that writes is an `Editor`'s. What is a party's takes
//! [`AParty`](crate::api::caller::AParty).

use std::ops::Deref;

use axum::extract::FromRequestParts;
use http::StatusCode;
use http::request::Parts;
use serde_json::json;

use crate::api::AsApi;
use crate::api::caller::{AnOperator, any_operator};
use crate::api::problem::Problem;
use crate::store::db::operator::Role;

macro_rules! requirements {
    ($($(#[$doc:meta])* $name:ident = $role:expr;)*) => {$(
        $(#[$doc])*
        pub struct $name(pub AnOperator);

        impl Deref for $name {
            type Target = AnOperator;

            fn deref(&self) -> &AnOperator {
                &self.0
            }
        }

        impl<S: AsApi> FromRequestParts<S> for $name {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<$name, Problem> {
                let operator = any_operator(state.api(), parts).await?;
                require(&operator, $role)?;
                Ok($name(operator))
            }
        }
    )*};
}

requirements! {
    /// Who reads what takes a body to ask for. It writes nothing.
    Reader = Role::ReadOnly;
    /// Who edits: catalogue, rights, offers, members, vouchers, sessions, uploads, storefronts.
    Editor = Role::Operator;
    /// Who moves money: refunds, the ledger, statements.
    Treasurer = Role::Finance;
    /// Whose server it is: operators, tokens, settings.
    Owner = Role::Owner;
}

/// Whoever has an account at the console's door, at that account.
pub struct Oneself(pub AnOperator);

impl Deref for Oneself {
    type Target = AnOperator;

    fn deref(&self) -> &AnOperator {
        &self.0
    }
}

impl<S: AsApi> FromRequestParts<S> for Oneself {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Oneself, Problem> {
        Ok(Oneself(any_operator(state.api(), parts).await?))
    }
}

/// Refuses a role that does not reach this far, and says which would.
pub fn require(operator: &AnOperator, role: Role) -> Result<(), Problem> {
    if operator.role.covers(role) {
        return Ok(());
    }
    let detail = format!("This needs the role {}; yours is {}.", role.as_str(), operator.role.as_str());
    Err(Problem::new(StatusCode::FORBIDDEN, "ROLE_REQUIRED", detail).with("role", json!(role)))
}
