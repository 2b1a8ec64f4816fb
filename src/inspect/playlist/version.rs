//! Which EXT-X-VERSION a feature needs (RFC 8216bis, 8).

use crate::inspect::playlist::attributes::Attributes;

const KEY_IV: u64 = 2;
pub const FRACTIONS: u64 = 3;
pub const BYTE_RANGES: u64 = 4;
const KEY_FORMATS: u64 = 5;
/// EXT-X-MAP together with EXT-X-I-FRAMES-ONLY.
pub const MAP_OF_IFRAMES: u64 = 5;
pub const MAP: u64 = 6;
pub const SERVICES: u64 = 7;
const VARIABLES: u64 = 8;
pub const SKIP: u64 = 9;
const QUERY_VARIABLES: u64 = 11;

pub fn of_key(attributes: &Attributes) -> u64 {
    let has_format = attributes.quoted("KEYFORMAT").is_some() || attributes.quoted("KEYFORMATVERSIONS").is_some();
    if has_format || attributes.plain("METHOD").is_some_and(|method| method.starts_with("SAMPLE-AES")) {
        KEY_FORMATS
    } else if attributes.plain("IV").is_some() {
        KEY_IV
    } else {
        1
    }
}

pub fn of_define(value: &str) -> u64 {
    if value.contains("QUERYPARAM=") { QUERY_VARIABLES } else { VARIABLES }
}
