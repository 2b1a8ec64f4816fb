//! Chooses where content keys come from.

use std::sync::Arc;

use http::HeaderValue;

use crate::base::error::{Error, ErrorKind, Result};
use crate::config::drm::DrmConfig;
use crate::drm::key_provider::{KeyProvider, KeyServerKeys, OwnKeys};
use crate::drm::key_server::{KeyServer, KeyServerOptions, Patience};

/// The key server of the configuration, or this server itself.
pub fn key_provider(config: &DrmConfig) -> Result<Arc<dyn KeyProvider>> {
    config.check()?;
    let Some(url) = config.key_server_url.clone() else { return Ok(Arc::new(OwnKeys)) };
    let authorization = config.key_server_authorization_file.as_deref().map(|path| {
        let wrong = |reason: String| {
            let message = format!("The file of drm.key_server_authorization_file, {}, {reason}.", path.display());
            Error::new(ErrorKind::Config, "DRM_CONFIG_INCOMPLETE", message)
        };
        let text = std::fs::read_to_string(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
        let value = HeaderValue::try_from(text.trim()).ok().filter(|value| !value.is_empty());
        value.ok_or_else(|| wrong("is not the value of a header".to_owned()))
    });
    let options = KeyServerOptions { url, authorization: authorization.transpose()?, patience: Patience::default() };
    let server = KeyServer::new(options, config.key_server_ca_file.as_deref())?;
    Ok(Arc::new(KeyServerKeys { server, systems: config.systems.clone() }))
}
