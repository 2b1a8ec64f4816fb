//! Requests to the servers of a DRM service: to addresses that the operator wrote and to nowhere else. A redirect is not
//! followed, and time and size of an answer have bounds.

use std::path::Path;
use std::time::Duration;

use futures_util::StreamExt;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Response};
use url::{Host, Url};

use crate::base::error::{Error, ErrorKind, Result};
use crate::http::tls;

/// What keeps an answer from being read.
#[derive(Debug)]
pub enum Unread {
    TooLong,
    Broken(reqwest::Error),
}

/// Reads an address; `Err` says what is wrong with it, and not which it is: some operators write a password into it.
pub fn address(url: &str) -> Result<Url, &'static str> {
    let url: Url = url.parse().map_err(|_| "is not a URL")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("has a user name in it, which is not used");
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if url.host().is_some_and(|host| is_this_machine(&host)) => Ok(url),
        "http" => Err("is http, and secrets would travel in the clear"),
        _ => Err("is neither https nor http"),
    }
}

/// Trusts what is in `ca_file`, or what the system trusts. Every request has `timeout`, from the connection to the last
/// byte.
pub fn client(ca_file: Option<&Path>, timeout: Duration) -> Result<ClientBuilder> {
    tls::install_provider();
    let builder = Client::builder().redirect(Policy::none()).no_proxy().http1_only().timeout(timeout);
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

/// The body of an answer.
pub async fn body(response: Response, bytes_max: usize) -> Result<Vec<u8>, Unread> {
    let mut bytes = Vec::new();
    let mut parts = response.bytes_stream();
    while let Some(part) = parts.next().await {
        bytes.extend_from_slice(&part.map_err(Unread::Broken)?);
        if bytes.len() > bytes_max {
            return Err(Unread::TooLong);
        }
    }
    Ok(bytes)
}

fn is_this_machine(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}
