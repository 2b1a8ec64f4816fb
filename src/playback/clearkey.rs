//! ClearKey licences (W3C Encrypted Media Extensions, 9.1): a JSON request that names keys by their ids, and a JSON Web
//! Key set that holds them. Ids and keys are base64url without padding.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::KeyId;
use crate::base::limits;
use crate::media::protect::ContentKey;

#[derive(Deserialize)]
struct Request {
    kids: Vec<String>,
    #[serde(rename = "type", default)]
    session: SessionType,
}

#[derive(Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum SessionType {
    #[default]
    Temporary,
    PersistentLicense,
}

#[derive(Serialize)]
struct License {
    keys: Vec<Jwk>,
    #[serde(rename = "type")]
    session: &'static str,
}

#[derive(Serialize)]
struct Jwk {
    kty: &'static str,
    kid: String,
    k: String,
}

/// The key ids that a licence request names, in the bytes of an `EXT-X-KEY` or a `tenc`.
pub fn read_request(body: &[u8]) -> Result<Vec<[u8; 16]>> {
    let invalid = |message: &str| Error::new(ErrorKind::Invalid, "LICENSE_REQUEST_INVALID", message);
    let request: Request = serde_json::from_slice(body).map_err(|error| {
        let message = "A licence request is {\"kids\":[\"…\"],\"type\":\"temporary\"}, ids in base64url.";
        invalid(message).with_source(error)
    })?;
    if request.session == SessionType::PersistentLicense {
        let message = "Licences of this server are for one viewing; ask for the type temporary.";
        return Err(Error::new(ErrorKind::Unprocessable, "LICENSE_TYPE_REFUSED", message));
    }
    if request.kids.is_empty() || request.kids.len() > limits::LICENSE_KEYS_MAX {
        return Err(invalid("A licence request names 1 to 64 keys."));
    }
    let key_id = |text: &String| URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok();
    let key_ids: Option<Vec<_>> = request.kids.iter().map(key_id).collect();
    key_ids.ok_or_else(|| invalid("A key id is 16 bytes in base64url without padding."))
}

/// The licence with these keys.
pub fn write_license<'a>(keys: impl Iterator<Item = (KeyId, &'a ContentKey)>) -> Result<Bytes> {
    let keys = keys.map(|(key_id, key)| Jwk {
        kty: "oct",
        kid: URL_SAFE_NO_PAD.encode(key_id.to_bytes()),
        k: URL_SAFE_NO_PAD.encode(key.expose()),
    });
    let license = License { keys: keys.collect(), session: "temporary" };
    let json = serde_json::to_vec(&license).map_err(|error| Error::internal("a licence").with_source(error))?;
    Ok(json.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::UtcMs;

    #[test]
    fn a_request_is_read_as_browsers_write_it() {
        let body = br#"{"kids":["AAAAAAAAAAAAAAAAAAAAAQ","_____________________w"],"type":"temporary"}"#;
        let mut first = [0; 16];
        first[15] = 1;
        assert_eq!(read_request(body).unwrap(), [first, [0xff; 16]]);
        assert_eq!(read_request(br#"{"kids":["AAAAAAAAAAAAAAAAAAAAAQ"]}"#).unwrap(), [first]);
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let many = format!(r#"{{"kids":[{}]}}"#, vec![r#""AAAAAAAAAAAAAAAAAAAAAQ""#; 65].join(","));
        for body in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"kids":[]}"#,
            r#"{"kids":["AAAA"]}"#,
            r#"{"kids":["AAAAAAAAAAAAAAAAAAAAAQ=="]}"#,
            r#"{"kids":[1]}"#,
            r#"{"kids":["AAAAAAAAAAAAAAAAAAAAAQ"],"type":"forever"}"#,
            &"[".repeat(4_000),
            &many,
        ] {
            assert_eq!(read_request(body.as_bytes()).unwrap_err().code(), "LICENSE_REQUEST_INVALID", "{body}");
        }
        let persistent = br#"{"kids":["AAAAAAAAAAAAAAAAAAAAAQ"],"type":"persistent-license"}"#;
        assert_eq!(read_request(persistent).unwrap_err().code(), "LICENSE_TYPE_REFUSED");
    }

    #[test]
    fn a_license_is_a_key_set() {
        let (key_id, key) = (KeyId::new(UtcMs(1)), ContentKey::from_bytes([0; 16]));
        let license = write_license([(key_id, &key)].into_iter()).unwrap();
        let kid = URL_SAFE_NO_PAD.encode(key_id.to_bytes());
        let expected =
            format!(r#"{{"keys":[{{"kty":"oct","kid":"{kid}","k":"AAAAAAAAAAAAAAAAAAAAAA"}}],"type":"temporary"}}"#);
        assert_eq!(license, expected);
    }
}
