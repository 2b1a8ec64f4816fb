//! The `EXT-X-KEY` line that a key server gives for one DRM system (the content of CPIX `HLSSignalingData`), taken apart
//! and checked: what goes into our playlists is written anew from what was understood.

use serde::{Deserialize, Serialize};

use crate::base::drm_system::DrmSystem;

const TAG: &str = "#EXT-X-KEY:";

/// What a playlist says of one DRM system. The IV is the track's, and the method is `SAMPLE-AES`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyTag {
    pub uri: String,
    /// `KEYFORMATVERSIONS`.
    pub key_format_versions: String,
    /// `KEYID`, 128 bits as `0x` and 32 hexadecimal digits; Widevine's players want it.
    pub key_id: Option<String>,
}

impl KeyTag {
    /// Reads the one `EXT-X-KEY` line of `text`; `Err` says what is wrong with it. Other lines, which are a vendor's own,
    /// are left out.
    pub fn parse(text: &str, system: DrmSystem) -> Result<KeyTag, String> {
        let mut lines = text.lines().filter_map(|line| line.trim().strip_prefix(TAG));
        let line = lines.next().ok_or("it has no EXT-X-KEY line")?;
        if lines.next().is_some() {
            return Err("it has more than one EXT-X-KEY line".to_owned());
        }
        let attributes = attributes(line).ok_or("its attributes cannot be read")?;
        let find = |name: &str| attributes.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
        if find("METHOD") != Some("SAMPLE-AES") {
            return Err("its METHOD is not SAMPLE-AES".to_owned());
        }
        if find("KEYFORMAT") != Some(system.key_format()) {
            return Err(format!("its KEYFORMAT is not {}", system.key_format()));
        }
        let uri = find("URI").unwrap_or_default();
        // A quoted string ends at a quotation mark; nothing else that is legal in a URI is a danger to a playlist.
        let is_uri = uri.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
        if !is_uri || !uri.starts_with(system.uri_start()) {
            return Err(format!("its URI does not begin with {}", system.uri_start()));
        }
        let versions = find("KEYFORMATVERSIONS").unwrap_or("1");
        if versions.is_empty() || !versions.bytes().all(|byte| byte.is_ascii_digit() || byte == b'/') {
            return Err("its KEYFORMATVERSIONS are no numbers".to_owned());
        }
        let key_id = find("KEYID").map(str::to_lowercase);
        if key_id.as_deref().is_some_and(|key_id| !is_hex_128(key_id)) {
            return Err("its KEYID is not of 128 bits".to_owned());
        }
        Ok(KeyTag { uri: uri.to_owned(), key_format_versions: versions.to_owned(), key_id })
    }
}

fn is_hex_128(text: &str) -> bool {
    text.strip_prefix("0x").is_some_and(|hex| hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// An attribute list (RFC 8216bis, 4.2); `None` where it is not one. Quotation marks are taken off.
fn attributes(mut text: &str) -> Option<Vec<(&str, &str)>> {
    let mut attributes: Vec<(&str, &str)> = Vec::new();
    while !text.is_empty() {
        let (name, rest) = text.split_once('=')?;
        let (value, rest) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => rest.split_at(rest.find(',').unwrap_or(rest.len())),
        };
        let is_name = !name.is_empty() && name.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'-'));
        if !is_name || attributes.iter().any(|(other, _)| *other == name) {
            return None;
        }
        attributes.push((name, value));
        text = match rest.strip_prefix(',') {
            Some(more) if !more.is_empty() => more,
            None if rest.is_empty() => rest,
            _ => return None,
        };
    }
    Some(attributes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_taken_apart() {
        let text = "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"data:text/plain;base64,AAA=\",KEYID=0x00112233445566778899AABBCCDDEEFF,KEYFORMAT=\"urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed\",KEYFORMATVERSIONS=\"1\"\n";
        let tag = KeyTag {
            uri: "data:text/plain;base64,AAA=".to_owned(),
            key_format_versions: "1".to_owned(),
            key_id: Some("0x00112233445566778899aabbccddeeff".to_owned()),
        };
        assert_eq!(KeyTag::parse(text, DrmSystem::Widevine), Ok(tag));
        let fairplay = "#VENDOR\r\n#EXT-X-KEY:METHOD=SAMPLE-AES,KEYFORMAT=\"com.apple.streamingkeydelivery\",URI=\"skd://k?a=1,b=2\"\r\n";
        let tag = KeyTag { uri: "skd://k?a=1,b=2".to_owned(), key_format_versions: "1".to_owned(), key_id: None };
        assert_eq!(KeyTag::parse(fairplay, DrmSystem::FairPlay), Ok(tag));
    }

    #[test]
    fn a_line_that_would_mislead_a_player_is_refused() {
        let good = "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://k\",KEYFORMAT=\"com.apple.streamingkeydelivery\",KEYFORMATVERSIONS=\"1\"";
        KeyTag::parse(good, DrmSystem::FairPlay).unwrap();
        assert!(KeyTag::parse(good, DrmSystem::PlayReady).unwrap_err().contains("KEYFORMAT"));
        let change = |from: &str, to: &str| {
            let text = good.replace(from, to);
            assert_ne!(text, good);
            KeyTag::parse(&text, DrmSystem::FairPlay).unwrap_err()
        };
        assert!(change("#EXT-X-KEY", "#EXT-X-SESSION-KEY").contains("no EXT-X-KEY"));
        assert!(change("SAMPLE-AES", "AES-128").contains("METHOD"));
        assert!(change("skd://k", "https://evil.example/k").contains("URI"));
        assert!(change("skd://k", "skd://k k").contains("URI"));
        assert!(change("S=\"1\"", "S=\"a\"").contains("KEYFORMATVERSIONS"));
        assert!(change("S=\"1\"", "S=\"1\",KEYID=0x12").contains("KEYID"));
        assert!(change("S=\"1\"", "S=\"1\",METHOD=NONE").contains("attributes"));
        assert!(change("S=\"1\"", "S=\"1\"x").contains("attributes"));
        assert!(change("S=\"1\"", "S=\"1").contains("attributes"));
        let twice = format!("{good}\n{good}");
        assert!(KeyTag::parse(&twice, DrmSystem::FairPlay).unwrap_err().contains("more than one"));
    }
}
