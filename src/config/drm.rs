//! The section `[drm]`: the key server whose keys DRM systems license. Without one this server draws its own keys.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::base::drm_system::DrmSystem;
use crate::base::error::{Error, ErrorKind, Result};

#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DrmConfig {
    /// `https://…` of SPEKE v2.1.
    pub key_server_url: Option<String>,
    /// A file that holds the value of the `Authorization` header.
    pub key_server_authorization_file: Option<PathBuf>,
    /// Certificates in PEM to trust instead of the system's.
    pub key_server_ca_file: Option<PathBuf>,
    pub systems: Vec<DrmSystem>,
    /// Hand the keys out to ClearKey and plain players too.
    pub bare_keys: bool,
}

impl DrmConfig {
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
    }
}
