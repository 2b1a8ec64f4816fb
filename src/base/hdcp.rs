//! Versions of HDCP, in the words of the W3C's HDCP version registry.

use serde::{Deserialize, Serialize};

/// The least that the way to the screen must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum HdcpLevel {
    #[serde(rename = "1.0")]
    V1_0,
    #[serde(rename = "1.1")]
    V1_1,
    #[serde(rename = "1.2")]
    V1_2,
    #[serde(rename = "1.3")]
    V1_3,
    #[serde(rename = "1.4")]
    V1_4,
    #[serde(rename = "2.0")]
    V2_0,
    #[serde(rename = "2.1")]
    V2_1,
    #[serde(rename = "2.2")]
    V2_2,
    #[serde(rename = "2.3")]
    V2_3,
}

/// The content that a way to the screen may carry: where HDCP 2.2 or later is asked for, only what knows of *Type 1* does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HdcpType {
    Type0,
    Type1,
}

impl HdcpType {
    /// As `HDCP-LEVEL` says it (RFC 8216bis, 4.4.6.2).
    pub fn as_str(self) -> &'static str {
        match self {
            HdcpType::Type0 => "TYPE-0",
            HdcpType::Type1 => "TYPE-1",
        }
    }
}

impl HdcpLevel {
    pub fn content_type(self) -> HdcpType {
        if self >= HdcpLevel::V2_2 { HdcpType::Type1 } else { HdcpType::Type0 }
    }
}
