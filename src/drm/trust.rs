//! Whom the servers of a DRM service may be certified by.

use std::path::Path;
use std::time::Duration;

use reqwest::{Certificate, ClientBuilder};

use crate::base::error::{Error, ErrorKind, Result};
use crate::http::outbound;

/// A client that trusts what is in `ca_file`, or what the system trusts.
pub fn client(ca_file: Option<&Path>, timeout: Duration) -> Result<ClientBuilder> {
    let builder = outbound::client(timeout);
    let Some(path) = ca_file else { return Ok(builder) };
    let wrong = |reason: String| {
        let message = format!("The CA file {} cannot be used: {reason}.", path.display());
        Error::new(ErrorKind::Config, "DRM_CA_INVALID", message)
    };
    let pem = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let certificates = Certificate::from_pem_bundle(&pem).map_err(|error| wrong(error.to_string()))?;
    if certificates.is_empty() {
        return Err(wrong("it holds no certificate".to_owned()));
    }
    let builder = builder.tls_built_in_root_certs(false);
    Ok(certificates.into_iter().fold(builder, ClientBuilder::add_root_certificate))
}
