//! The parental lock of an account: an age, and the PIN that opens what is for older viewers. A PIN is short, so it is
//! hashed as passwords are and there are few tries; the password opens the lock's settings too, and an operator can take
//! the lock away.

use std::net::IpAddr;
use std::time::Duration;

use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::ViewerId;
use crate::base::limits;
use crate::commerce::account::{Accounts, PasswordRefusal};
use crate::store::db::lock::{Lock, PinTry};

/// What a viewer shows to change the lock.
#[derive(Clone, Debug, Default)]
pub struct LockProof {
    pub pin: Option<String>,
    pub password: Option<String>,
}

/// Another lock.
#[derive(Clone, Debug)]
pub struct LockEdit {
    pub age_limit: u8,
    /// The one there is stays, where none is given.
    pub pin: Option<String>,
}

/// Why a lock stays shut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockRefusal {
    /// Neither PIN nor password came.
    ProofMissing,
    PinWrong {
        left: u32,
    },
    PinLocked {
        until: UtcMs,
    },
    PasswordWrong,
    TooMany {
        retry_after: Duration,
    },
}

impl Accounts {
    pub async fn lock(&self, viewer: ViewerId) -> Result<Option<Lock>> {
        self.db.lock(viewer).await
    }

    /// Whether the PIN is the one of the viewer's lock; one that has no lock opens with any.
    pub async fn try_pin(&self, viewer: ViewerId, pin: &str) -> Result<Result<(), LockRefusal>> {
        // What no PIN can be is no try.
        check_pin(pin)?;
        let (pin_hash, left, locked_until) = match self.db.begin_pin_try(viewer, self.clock.now()).await? {
            None => return Ok(Ok(())),
            Some(PinTry::Locked { until }) => return Ok(Err(LockRefusal::PinLocked { until })),
            Some(PinTry::Counted { pin_hash, left, locked_until }) => (pin_hash, left, locked_until),
        };
        if self.passwords.verify(pin, Some(&pin_hash)).await? {
            self.db.end_pin_tries(viewer).await?;
            return Ok(Ok(()));
        }
        let wrong = LockRefusal::PinWrong { left };
        Ok(Err(locked_until.map_or(wrong, |until| LockRefusal::PinLocked { until })))
    }

    /// Sets or changes the lock; one that is there asks for its PIN or the password.
    pub async fn set_lock(
        &self,
        viewer: ViewerId,
        edit: &LockEdit,
        proof: &LockProof,
        from: IpAddr,
    ) -> Result<Result<Lock, LockRefusal>> {
        if edit.age_limit > limits::AGE_LIMIT_MAX {
            let message = format!("An age limit lies between 0 and {}.", limits::AGE_LIMIT_MAX);
            return Err(Error::new(ErrorKind::Unprocessable, "LOCK_INVALID", message).with_param("age_limit"));
        }
        if let Some(pin) = &edit.pin {
            check_pin(pin)?;
        }
        if self.db.lock(viewer).await?.is_some()
            && let Err(refusal) = self.prove(viewer, proof, from).await?
        {
            return Ok(Err(refusal));
        }
        let pin_hash = match &edit.pin {
            Some(pin) => Some(self.passwords.hash(pin).await?),
            None => None,
        };
        if !self.db.set_lock(viewer, edit.age_limit, pin_hash.as_deref()).await? {
            let message = "Choose a PIN of 4 to 6 digits.";
            return Err(Error::new(ErrorKind::Unprocessable, "PIN_INVALID", message).with_param("pin"));
        }
        Ok(Ok(Lock { age_limit: edit.age_limit, locked_until: None }))
    }

    /// Takes the lock away, for whoever knows its PIN or the password.
    pub async fn remove_lock(
        &self,
        viewer: ViewerId,
        proof: &LockProof,
        from: IpAddr,
    ) -> Result<Result<(), LockRefusal>> {
        if self.db.lock(viewer).await?.is_none() {
            return Ok(Ok(()));
        }
        if let Err(refusal) = self.prove(viewer, proof, from).await? {
            return Ok(Err(refusal));
        }
        self.db.remove_lock(viewer).await?;
        Ok(Ok(()))
    }

    async fn prove(&self, viewer: ViewerId, proof: &LockProof, from: IpAddr) -> Result<Result<(), LockRefusal>> {
        if let Some(pin) = &proof.pin {
            return self.try_pin(viewer, pin).await;
        }
        let Some(password) = &proof.password else { return Ok(Err(LockRefusal::ProofMissing)) };
        Ok(self.verify_password(viewer, password, from).await?.map_err(|refusal| match refusal {
            PasswordRefusal::Wrong => LockRefusal::PasswordWrong,
            PasswordRefusal::TooMany { retry_after } => LockRefusal::TooMany { retry_after },
        }))
    }
}

/// Digits only: it is typed with a remote control.
fn check_pin(pin: &str) -> Result<()> {
    let is_pin = limits::PIN_DIGITS.contains(&pin.len()) && pin.bytes().all(|byte| byte.is_ascii_digit());
    let refusal = || Error::new(ErrorKind::Unprocessable, "PIN_INVALID", "A PIN has 4 to 6 digits.");
    if is_pin { Ok(()) } else { Err(refusal().with_param("pin")) }
}
