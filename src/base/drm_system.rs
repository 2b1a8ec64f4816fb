//! The DRM systems whose signalling goes into playlists, with their registered system ids (DASH-IF) and the KEYFORMATs
//! that players know them by.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DrmSystem {
    Widevine,
    PlayReady,
    FairPlay,
}

impl DrmSystem {
    pub const ALL: [DrmSystem; 3] = [DrmSystem::Widevine, DrmSystem::PlayReady, DrmSystem::FairPlay];

    pub fn as_str(self) -> &'static str {
        match self {
            DrmSystem::Widevine => "widevine",
            DrmSystem::PlayReady => "playready",
            DrmSystem::FairPlay => "fairplay",
        }
    }

    /// The UUID in CPIX documents and `pssh` boxes.
    pub fn system_id(self) -> &'static str {
        match self {
            DrmSystem::Widevine => "edef8ba9-79d6-4ace-a3c8-27dcd51d21ed",
            DrmSystem::PlayReady => "9a04f079-9840-4286-ab92-e65be0885f95",
            DrmSystem::FairPlay => "94ce86fb-07ff-4f43-adb8-93d2fa968ca2",
        }
    }

    /// `KEYFORMAT` of `EXT-X-KEY`.
    pub fn key_format(self) -> &'static str {
        match self {
            DrmSystem::Widevine => "urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed",
            DrmSystem::PlayReady => "com.microsoft.playready",
            DrmSystem::FairPlay => "com.apple.streamingkeydelivery",
        }
    }

    /// How the `URI` of its `EXT-X-KEY` begins. Widevine and PlayReady carry their data in it; FairPlay names the key.
    pub fn uri_start(self) -> &'static str {
        match self {
            DrmSystem::Widevine | DrmSystem::PlayReady => "data:text/plain;",
            DrmSystem::FairPlay => "skd://",
        }
    }

    /// FairPlay has no `pssh` box.
    pub fn has_pssh(self) -> bool {
        self != DrmSystem::FairPlay
    }
}
