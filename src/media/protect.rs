//! Whole-segment AES-128 (RFC 8216bis, 5.2 and 4.4.4.4 `METHOD=AES-128`): CBC with PKCS #7 padding over the bytes of
//! one media segment, each segment under the same explicit IV. Init segments stay clear: `EXT-X-MAP` stands before
//! `EXT-X-KEY`. A key and an IV are types of their own that print nothing of what they hold.

use std::fmt;

use aws_lc_rs::cipher::{
    AES_128, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rand;

use crate::base::error::{Error, Result};

/// A 128-bit content key. It has no `Display` and its `Debug` hides it; [`ContentKey::expose`] is the only way out.
#[derive(Clone, PartialEq, Eq)]
pub struct ContentKey([u8; 16]);

impl ContentKey {
    pub fn from_bytes(bytes: [u8; 16]) -> ContentKey {
        ContentKey(bytes)
    }

    /// A new key from the operating system's source of randomness.
    pub fn random() -> Result<ContentKey> {
        random().map(ContentKey)
    }

    /// The bytes, for the key response and for wrapping.
    pub fn expose(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentKey(…)")
    }
}

/// A 128-bit initialization vector; public in the playlist, but not a thing for logs either.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Iv([u8; 16]);

impl Iv {
    pub fn from_bytes(bytes: [u8; 16]) -> Iv {
        Iv(bytes)
    }

    pub fn random() -> Result<Iv> {
        random().map(Iv)
    }

    pub fn expose(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for Iv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Iv(…)")
    }
}

/// What encrypts one (asset, track): its key and its constant IV.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protection {
    pub key: ContentKey,
    pub iv: Iv,
}

/// `segment`, encrypted; longer by 1 to 16 bytes of padding.
pub fn encrypt_segment(segment: &[u8], protection: &Protection) -> Result<Vec<u8>> {
    let mut sealed = Vec::with_capacity(segment.len() + 16);
    sealed.extend_from_slice(segment);
    let key = UnboundCipherKey::new(&AES_128, protection.key.expose()).map_err(fault)?;
    let context = EncryptionContext::Iv128(FixedLength::from(protection.iv.expose()));
    PaddedBlockEncryptingKey::cbc_pkcs7(key)
        .and_then(|key| key.less_safe_encrypt(&mut sealed, context))
        .map_err(fault)?;
    Ok(sealed)
}

/// The way back, as a client takes it.
pub fn decrypt_segment(sealed: &[u8], protection: &Protection) -> Result<Vec<u8>> {
    let mut segment = sealed.to_vec();
    let key = UnboundCipherKey::new(&AES_128, protection.key.expose()).map_err(fault)?;
    let context = DecryptionContext::Iv128(FixedLength::from(protection.iv.expose()));
    let len = PaddedBlockDecryptingKey::cbc_pkcs7(key)
        .and_then(|key| key.decrypt(&mut segment, context).map(|plain| plain.len()))
        .map_err(fault)?;
    segment.truncate(len);
    Ok(segment)
}

fn random() -> Result<[u8; 16]> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(fault)?;
    Ok(bytes)
}

pub(crate) fn fault(error: aws_lc_rs::error::Unspecified) -> Error {
    Error::internal("AES-128 in CBC failed").with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn protection() -> Protection {
        Protection { key: ContentKey::from_bytes([7; 16]), iv: Iv::from_bytes([9; 16]) }
    }

    #[test]
    fn a_segment_survives_the_way_there_and_back() {
        for len in [0, 1, 15, 16, 17, 100_000] {
            let segment: Vec<u8> = (0..len).map(|n| n as u8).collect();
            let sealed = encrypt_segment(&segment, &protection()).unwrap();
            assert_eq!(sealed.len(), len / 16 * 16 + 16);
            assert_eq!(decrypt_segment(&sealed, &protection()).unwrap(), segment);
        }
    }

    #[test]
    fn the_cipher_is_the_one_of_the_published_vector() {
        // NIST SP 800-38A, F.2.1: CBC-AES128, first block.
        let key = *b"\x2b\x7e\x15\x16\x28\xae\xd2\xa6\xab\xf7\x15\x88\x09\xcf\x4f\x3c";
        let iv = *b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f";
        let plain = *b"\x6b\xc1\xbe\xe2\x2e\x40\x9f\x96\xe9\x3d\x7e\x11\x73\x93\x17\x2a";
        let protection = Protection { key: ContentKey::from_bytes(key), iv: Iv::from_bytes(iv) };
        let sealed = encrypt_segment(&plain, &protection).unwrap();
        assert_eq!(&sealed[..16], b"\x76\x49\xab\xac\x81\x19\xb2\x46\xce\xe9\x8e\x9b\x12\xe9\x19\x7d");
    }

    #[test]
    fn neither_key_nor_iv_prints() {
        assert_eq!(format!("{:?}", protection()), "Protection { key: ContentKey(…), iv: Iv(…) }");
    }
}
