//! The section `[drm]`: the DRM service whose key server makes the keys of films, and whose licence servers give them to
//! players. Without one this server draws its own keys.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::base::drm_system::DrmSystem;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::hdcp::HdcpLevel;

/// Where the token of a licence request travels unless it is said.
pub const LICENSE_TOKEN_HEADER: &str = "x-license-token";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DrmConfig {
    /// `https://…` of SPEKE v2.1.
    pub key_server_url: Option<String>,
    /// A file that holds the value of the `Authorization` header.
    pub key_server_authorization_file: Option<PathBuf>,
    /// Certificates in PEM to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    pub systems: Vec<DrmSystem>,
    pub widevine_license_url: Option<String>,
    pub playready_license_url: Option<String>,
    pub fairplay_license_url: Option<String>,
    pub fairplay_certificate_url: Option<String>,
    /// A file with the secret that signs what licence servers are told.
    pub license_token_key_file: Option<PathBuf>,
    pub license_token_header: String,
    pub hdcp_above_720p: Option<HdcpLevel>,
    pub hdcp_above_1080p: Option<HdcpLevel>,
    /// Hand the keys out to ClearKey and plain players too.
    pub bare_keys: bool,
}

impl Default for DrmConfig {
    fn default() -> DrmConfig {
        DrmConfig {
            key_server_url: None,
            key_server_authorization_file: None,
            ca_file: None,
            systems: Vec::new(),
            widevine_license_url: None,
            playready_license_url: None,
            fairplay_license_url: None,
            fairplay_certificate_url: None,
            license_token_key_file: None,
            license_token_header: LICENSE_TOKEN_HEADER.to_owned(),
            hdcp_above_720p: None,
            hdcp_above_1080p: None,
            bare_keys: false,
        }
    }
}

impl DrmConfig {
    /// Where a system's licences are, and what that key is called.
    pub fn license_url(&self, system: DrmSystem) -> (Option<&str>, &'static str) {
        let (url, name) = match system {
            DrmSystem::Widevine => (&self.widevine_license_url, "widevine_license_url"),
            DrmSystem::PlayReady => (&self.playready_license_url, "playready_license_url"),
            DrmSystem::FairPlay => (&self.fairplay_license_url, "fairplay_license_url"),
        };
        (url.as_deref(), name)
    }

    /// Refuses a half of it: a film that is believed to be under DRM and is not is worse than none.
    pub fn check(&self) -> Result<()> {
        let Some(url) = &self.key_server_url else {
            return if *self == DrmConfig::default() {
                Ok(())
            } else {
                Err(incomplete("Set drm.key_server_url, or nothing of [drm]."))
            };
        };
        if url.is_empty() {
            return Err(incomplete("drm.key_server_url is empty. Write it as https://host/path."));
        }
        if self.systems.is_empty() {
            return Err(incomplete("Name in drm.systems at least one of widevine, playready and fairplay."));
        }
        let mut systems = self.systems.clone();
        systems.sort_unstable();
        systems.dedup();
        if systems.len() != self.systems.len() {
            return Err(incomplete("Name each system in drm.systems once."));
        }
        for system in DrmSystem::ALL {
            let (url, name) = self.license_url(system);
            match (self.systems.contains(&system), url) {
                (true, None) => {
                    return Err(incomplete(&format!("drm.systems names {}: set drm.{name}.", system.as_str())));
                }
                (false, Some(_)) => {
                    let message =
                        format!("drm.{name} is set: name {} in drm.systems, or leave it out.", system.as_str());
                    return Err(incomplete(&message));
                }
                _ => {}
            }
        }
        if self.systems.contains(&DrmSystem::FairPlay) != self.fairplay_certificate_url.is_some() {
            return Err(incomplete(
                "Set drm.fairplay_certificate_url where drm.systems names fairplay, and only there.",
            ));
        }
        if self.license_token_key_file.is_none() {
            return Err(incomplete("Set drm.license_token_key_file: licence servers believe only what is signed."));
        }
        Ok(())
    }
}

pub(super) fn incomplete(message: &str) -> Error {
    Error::new(ErrorKind::Config, "DRM_CONFIG_INCOMPLETE", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_of_it_is_refused_and_says_what_is_missing() {
        let whole = DrmConfig {
            key_server_url: Some("https://keys.example/speke".into()),
            systems: DrmSystem::ALL.to_vec(),
            widevine_license_url: Some("https://widevine.example/".into()),
            playready_license_url: Some("https://playready.example/".into()),
            fairplay_license_url: Some("https://fairplay.example/".into()),
            fairplay_certificate_url: Some("https://fairplay.example/certificate".into()),
            license_token_key_file: Some("/etc/marquee/license-token.key".into()),
            ..DrmConfig::default()
        };
        assert!(whole.check().is_ok() && DrmConfig::default().check().is_ok());
        let refused = |change: fn(&mut DrmConfig), named: &str| {
            let mut config = whole.clone();
            change(&mut config);
            let error = config.check().unwrap_err();
            assert_eq!(error.code(), "DRM_CONFIG_INCOMPLETE");
            assert!(error.message().contains(named), "{}", error.message());
        };
        refused(|config| config.key_server_url = None, "drm.key_server_url");
        refused(|config| config.key_server_url = Some(String::new()), "drm.key_server_url");
        refused(|config| config.systems.clear(), "drm.systems");
        refused(|config| config.systems.push(DrmSystem::Widevine), "once");
        refused(|config| config.systems.retain(|system| *system != DrmSystem::PlayReady), "drm.playready_license_url");
        refused(|config| config.widevine_license_url = None, "drm.widevine_license_url");
        refused(|config| config.fairplay_certificate_url = None, "drm.fairplay_certificate_url");
        refused(|config| config.license_token_key_file = None, "drm.license_token_key_file");
    }
}
