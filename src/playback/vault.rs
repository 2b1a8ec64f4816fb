//! The vault wraps the server's keys with a master key that lives in a file of its own: AES-256-GCM, a random nonce in
//! front, and the key's purpose as associated data, so that one wrapped key cannot be passed off as another.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk, Salt};
use aws_lc_rs::{hmac, rand};

use crate::base::error::{Error, ErrorKind, Result};

const MASTER_KEY_LEN: usize = 32;

/// The holder of the master key. It is never printed and never leaves the process.
pub struct Vault {
    wrapping: RandomizedNonceKey,
    deriving: Prk,
}

impl Vault {
    /// Reads the master key from `path`, or makes one there, readable by its owner only.
    pub fn open(path: &Path) -> Result<Vault> {
        let wrong = |message: String| Error::new(ErrorKind::Config, "MASTER_KEY_INVALID", message);
        match std::fs::read(path) {
            Ok(bytes) if bytes.len() == MASTER_KEY_LEN => Vault::new(&bytes),
            Ok(bytes) => Err(wrong(format!(
                "The master key file {} has {} bytes instead of {MASTER_KEY_LEN}. Restore it from your backup.",
                path.display(),
                bytes.len()
            ))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vault::create(path),
            Err(error) => {
                Err(wrong(format!("The master key file {} cannot be read.", path.display())).with_source(error))
            }
        }
    }

    pub fn new(master_key: &[u8]) -> Result<Vault> {
        let wrapping = RandomizedNonceKey::new(&AES_256_GCM, master_key)
            .map_err(|error| Error::internal("the master key").with_source(error))?;
        Ok(Vault { wrapping, deriving: Salt::new(HKDF_SHA256, b"marquee").extract(master_key) })
    }

    fn create(path: &Path) -> Result<Vault> {
        let key: [u8; MASTER_KEY_LEN] = random()?;
        let write = || -> std::io::Result<()> {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
            file.write_all(&key)?;
            file.sync_all()
        };
        write().map_err(|error| {
            Error::new(
                ErrorKind::Config,
                "MASTER_KEY_NOT_WRITABLE",
                format!("The master key file {} cannot be written.", path.display()),
            )
            .with_source(error)
        })?;
        Vault::new(&key)
    }

    /// A key for keyed hashes that only this master key gives, one for each `purpose`. It is the same after a restart.
    pub fn derive(&self, purpose: &str) -> Result<hmac::Key> {
        let info = [purpose.as_bytes()];
        let derived = self.deriving.expand(&info, hmac::HMAC_SHA256);
        derived.map(hmac::Key::from).map_err(|error| Error::internal("deriving a key").with_source(error))
    }

    /// Encrypts `plain` for one `purpose`.
    pub fn wrap(&self, plain: &[u8], purpose: &str) -> Result<Vec<u8>> {
        let mut sealed = plain.to_vec();
        let nonce = self
            .wrapping
            .seal_in_place_append_tag(Aad::from(purpose.as_bytes()), &mut sealed)
            .map_err(|error| Error::internal("wrapping a key").with_source(error))?;
        let mut wrapped = nonce.as_ref().to_vec();
        wrapped.append(&mut sealed);
        Ok(wrapped)
    }

    /// What was wrapped for this `purpose`; refuses anything else.
    pub fn unwrap(&self, wrapped: &[u8], purpose: &str) -> Result<Vec<u8>> {
        let broken = || {
            Error::internal(format!("the key for {purpose} does not open: another master key, or a damaged database"))
        };
        let (nonce, sealed) = wrapped.split_at_checked(NONCE_LEN).ok_or_else(broken)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| broken())?;
        let mut sealed = sealed.to_vec();
        let plain =
            self.wrapping.open_in_place(nonce, Aad::from(purpose.as_bytes()), &mut sealed).map_err(|_| broken())?;
        Ok(plain.to_vec())
    }
}

/// Random bytes from the system's generator.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|error| Error::internal("the random generator").with_source(error))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_opens_for_its_purpose_only() {
        let vault = Vault::new(&[7; 32]).unwrap();
        let wrapped = vault.wrap(b"secret", "ast_1/v1080").unwrap();
        assert_eq!(vault.unwrap(&wrapped, "ast_1/v1080").unwrap(), b"secret");
        assert!(vault.unwrap(&wrapped, "ast_1/v720").is_err());
        assert!(Vault::new(&[8; 32]).unwrap().unwrap(&wrapped, "ast_1/v1080").is_err());
        assert!(vault.unwrap(&wrapped[..5], "ast_1/v1080").is_err());
        assert!(!wrapped.windows(6).any(|window| window == b"secret"));
    }

    #[test]
    fn a_derived_key_is_the_master_keys_and_the_purposes() {
        let tag = |master: u8, purpose: &str| {
            let key = Vault::new(&[master; 32]).unwrap().derive(purpose).unwrap();
            hmac::sign(&key, b"text").as_ref().to_vec()
        };
        assert_eq!(tag(7, "a"), tag(7, "a"));
        assert_ne!(tag(7, "a"), tag(7, "b"));
        assert_ne!(tag(7, "a"), tag(8, "a"));
    }

    #[test]
    fn the_master_key_is_made_once_and_is_its_owners() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/master.key");
        let wrapped = Vault::open(&path).unwrap().wrap(b"secret", "p").unwrap();
        assert_eq!(Vault::open(&path).unwrap().unwrap(&wrapped, "p").unwrap(), b"secret");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&path, b"short").unwrap();
        assert_eq!(Vault::open(&path).err().unwrap().code(), "MASTER_KEY_INVALID");
    }
}
