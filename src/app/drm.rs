//! Chooses where content keys come from, and who licenses them.

use std::path::Path;
use std::sync::Arc;

use http::HeaderValue;

use crate::base::clock::Clock;
use crate::base::drm_system::DrmSystem;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::limits;
use crate::config::drm::DrmConfig;
use crate::drm::key_provider::{KeyProvider, KeyServerKeys, OwnKeys};
use crate::drm::key_server::{KeyServer, KeyServerOptions, Patience};
use crate::drm::license_server::{LicenseAddress, LicenseClient};
use crate::drm::license_token::LicenseTokens;
use crate::drm::output_protection::OutputProtection;
use crate::playback::licenses::{LicenseService, Licenses};

/// The key server of the configuration, or this server itself.
pub fn key_provider(config: &DrmConfig) -> Result<Arc<dyn KeyProvider>> {
    config.check()?;
    let Some(url) = config.key_server_url.clone() else { return Ok(Arc::new(OwnKeys)) };
    let authorization = config.key_server_authorization_file.as_deref().map(|path| {
        let value = HeaderValue::try_from(secret(path, "key_server_authorization_file")?);
        value.map_err(|error| {
            let message = "The file of drm.key_server_authorization_file is not the value of a header.";
            Error::new(ErrorKind::Config, "DRM_CONFIG_INCOMPLETE", message).with_source(error)
        })
    });
    let options = KeyServerOptions { url, authorization: authorization.transpose()?, patience: Patience::default() };
    let server = KeyServer::new(options, config.ca_file.as_deref())?;
    Ok(Arc::new(KeyServerKeys { server, systems: config.systems.clone() }))
}

/// Where licences are asked for; of a configuration that [`key_provider`] has accepted.
pub fn licenses(config: &DrmConfig, clock: Clock) -> Result<Licenses> {
    let Some(key_file) = config.license_token_key_file.as_deref() else { return Ok(Licenses::new(None)) };
    let server = |system: DrmSystem| {
        let (url, name) = config.license_url(system);
        url.map(|url| Ok((system, LicenseAddress::new(url, name)?)))
    };
    let certificate = config.fairplay_certificate_url.as_deref();
    Ok(Licenses::new(Some(LicenseService {
        client: LicenseClient::new(
            &config.license_token_header,
            config.ca_file.as_deref(),
            limits::LICENSE_SERVER_TIMEOUT,
        )?,
        tokens: LicenseTokens::new(secret(key_file, "license_token_key_file")?.as_bytes(), output_protection(config))?,
        servers: DrmSystem::ALL.into_iter().filter_map(server).collect::<Result<_>>()?,
        fairplay_certificate: certificate
            .map(|url| LicenseAddress::new(url, "fairplay_certificate_url"))
            .transpose()?,
        clock,
    })))
}

pub fn output_protection(config: &DrmConfig) -> OutputProtection {
    OutputProtection { above_720p: config.hdcp_above_720p, above_1080p: config.hdcp_above_1080p }
}

/// What a file holds, without the spaces around it.
fn secret(path: &Path, key: &str) -> Result<String> {
    let wrong = |reason: String| {
        let message = format!("The file of drm.{key}, {}, {reason}.", path.display());
        Error::new(ErrorKind::Config, "DRM_CONFIG_INCOMPLETE", message)
    };
    let text = std::fs::read_to_string(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let text = text.trim();
    if text.is_empty() { Err(wrong("is empty".to_owned())) } else { Ok(text.to_owned()) }
}
