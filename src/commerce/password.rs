//! Password hashes: argon2id with 19 MiB, two passes and one lane, on a blocking thread, at most
//! `limits::PASSWORD_HASHES_AT_ONCE` at once. A verification for an account that does not exist takes as long as one
//! that fails.

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::limits;
use crate::playback::vault::random;

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;

/// Hashes and verifies.
pub struct Passwords {
    at_once: Semaphore,
    queued: Semaphore,
    /// The hash of a password that nobody has, verified in place of an unknown account's.
    nobody: String,
}

impl Passwords {
    pub fn new() -> Result<Passwords> {
        let unguessable: [u8; 32] = random()?;
        Ok(Passwords {
            at_once: Semaphore::new(limits::PASSWORD_HASHES_AT_ONCE),
            queued: Semaphore::new(limits::PASSWORD_HASHES_QUEUED_MAX),
            nobody: hash_now(&unguessable)?,
        })
    }

    /// The hash to keep, in PHC form.
    pub async fn hash(&self, password: &str) -> Result<String> {
        let password = password.to_owned();
        self.in_turn(move || hash_now(password.as_bytes())).await?
    }

    /// Whether the password is the one that was hashed; never for an account without a hash, after the same work.
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool> {
        let is_known = hash.is_some();
        let (password, hash) = (password.to_owned(), hash.unwrap_or(&self.nobody).to_owned());
        let is_right = self
            .in_turn(move || {
                let parsed = PasswordHash::new(&hash).map_err(|error| broken(&error))?;
                Ok::<_, Error>(argon2()?.verify_password(password.as_bytes(), &parsed).is_ok())
            })
            .await??;
        Ok(is_right && is_known)
    }

    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let busy =
            || Error::new(ErrorKind::Unavailable, "SIGN_IN_BUSY", "Too many sign-ins at once; try again shortly.");
        let _queued = self.queued.try_acquire().map_err(|_| busy())?;
        let _turn = self.at_once.acquire().await.map_err(|_| busy())?;
        tokio::task::spawn_blocking(work).await.map_err(|error| Error::internal("a password hash").with_source(error))
    }
}

fn argon2() -> Result<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)
        .map_err(|error| Error::internal(format!("argon2 parameters: {error}")))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash_now(password: &[u8]) -> Result<String> {
    let salt: [u8; SALT_BYTES] = random()?;
    let salt = SaltString::encode_b64(&salt).map_err(|error| broken(&error))?;
    let hash = argon2()?.hash_password(password, &salt).map_err(|error| broken(&error))?;
    Ok(hash.to_string())
}

fn broken(error: &argon2::password_hash::Error) -> Error {
    Error::internal(format!("a password hash: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_opens_its_own_hash_and_nobody_opens_an_unknown_account() {
        let passwords = Passwords::new().unwrap();
        let hash = passwords.hash("correct horse").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.verify("correct horse", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("correct horsf", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("correct horse", None).await.unwrap());
        assert_ne!(hash, passwords.hash("correct horse").await.unwrap());
    }
}
