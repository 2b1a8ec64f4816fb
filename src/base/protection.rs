//! How the segments of a title leave where they are not clear.

use std::fmt;

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProtectionScheme {
    /// Whole segments (RFC 8216bis, `METHOD=AES-128`): every HLS player opens them.
    #[default]
    Aes128,
    /// Samples (ISO/IEC 23001-7, scheme `cbcs`; `METHOD=SAMPLE-AES`): the browser's decryption module opens them.
    Cbcs,
}

impl ProtectionScheme {
    pub const ALL: [ProtectionScheme; 2] = [ProtectionScheme::Aes128, ProtectionScheme::Cbcs];

    pub fn as_str(self) -> &'static str {
        match self {
            ProtectionScheme::Aes128 => "aes128",
            ProtectionScheme::Cbcs => "cbcs",
        }
    }
}

impl fmt::Display for ProtectionScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
