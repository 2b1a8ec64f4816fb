//! The client of a key server: SPEKE v2.1, that is a CPIX document posted over HTTPS, and one back.
//!
//! Every attempt has a connection of its own, and a bound on its time and on the answer's size. Tried again are a
//! connection that fails, a status 429 and a status from 500: the request names its keys, so asking twice gives the same
//! ones. A redirect is not followed: keys come from the address that the operator wrote, and from nowhere else. Nothing
//! of an answer is logged.

use std::path::Path;
use std::time::Duration;

use futures_util::StreamExt;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Response};
use url::{Host, Url};

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::limits;
use crate::drm::cpix::{self, IssuedKey, KeyRequest};
use crate::http::tls;

const SPEKE_VERSION: &str = "2.1";
const X_SPEKE_VERSION: &str = "x-speke-version";

/// Where a key server is and how it knows us.
#[derive(Clone)]
pub struct KeyServerOptions {
    /// `https://…`; `http://…` only where the host is this machine.
    pub url: String,
    /// The value of the `Authorization` header. It is never printed.
    pub authorization: Option<HeaderValue>,
    pub patience: Patience,
}

/// How long is waited, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For one attempt, from the connection to the last byte.
    pub attempt: Duration,
    pub attempts_max: u32,
    /// Before the second attempt, and twice as long before each later one.
    pub retry_after: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            attempt: limits::KEY_SERVER_TIMEOUT,
            attempts_max: limits::KEY_SERVER_ATTEMPTS_MAX,
            retry_after: limits::KEY_SERVER_RETRY_AFTER,
        }
    }
}

/// Asks one key server.
pub struct KeyServer {
    client: Client,
    url: Url,
    authorization: Option<HeaderValue>,
    patience: Patience,
}

/// Why an attempt failed, and whether another one may do better.
enum Failure {
    Passing(Error),
    Lasting(Error),
}

impl KeyServer {
    /// Checks the address and reads the certificates to trust: those in `ca_file`, or the system's.
    pub fn new(options: KeyServerOptions, ca_file: Option<&Path>) -> Result<KeyServer> {
        let KeyServerOptions { url, authorization, patience } = options;
        // The address is not repeated: some operators write a password into it.
        let wrong = |reason: &str| {
            let message = format!("The key server's URL {reason}. Write it as https://host/path.");
            Error::new(ErrorKind::Config, "KEY_SERVER_URL_INVALID", message)
        };
        let url: Url = url.parse().map_err(|_| wrong("is not a URL"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("has a user name in it; put the Authorization header into a file of its own"));
        }
        match url.scheme() {
            "https" => {}
            "http" if url.host().is_some_and(|host| is_this_machine(&host)) => {}
            "http" => return Err(wrong("is http, and keys would travel in the clear")),
            _ => return Err(wrong("is neither https nor http")),
        }
        let authorization = authorization.map(|mut value| {
            value.set_sensitive(true);
            value
        });
        Ok(KeyServer { client: client(ca_file, patience.attempt)?, url, authorization, patience })
    }

    /// The keys of one asset. Errors say what the operator can do; none says anything of a key.
    pub async fn keys(&self, request: &KeyRequest) -> Result<Vec<IssuedKey>> {
        let document = request.to_xml()?;
        let mut wait = self.patience.retry_after;
        for attempt in 1.. {
            match self.attempt(document.clone()).await {
                Ok(answer) => return request.read_answer(&answer),
                Err(Failure::Passing(_)) if attempt < self.patience.attempts_max => {
                    tokio::time::sleep(wait).await;
                    wait *= 2;
                }
                Err(Failure::Passing(error) | Failure::Lasting(error)) => return Err(error),
            }
        }
        Err(Error::internal("no attempt at the key server was made"))
    }

    async fn attempt(&self, document: Vec<u8>) -> Result<String, Failure> {
        let mut request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/xml")
            .header(X_SPEKE_VERSION, SPEKE_VERSION)
            .body(document);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        let response = request.send().await.map_err(failed)?;
        judge(response.status())?;
        let version = response.headers().get(X_SPEKE_VERSION).map(|version| version.to_str().unwrap_or_default());
        if version != Some(SPEKE_VERSION) {
            return Err(Failure::Lasting(cpix::wrong_version("SPEKE", SPEKE_VERSION, version)));
        }
        body(response).await
    }
}

/// Trusts what is in `ca_file`, or what the system trusts. Every attempt has `timeout`, from the connection to the last
/// byte.
fn client(ca_file: Option<&Path>, timeout: Duration) -> Result<Client> {
    tls::install_provider();
    let mut builder =
        Client::builder().redirect(Policy::none()).no_proxy().http1_only().pool_max_idle_per_host(0).timeout(timeout);
    if let Some(path) = ca_file {
        let wrong = |reason: String| {
            let message = format!("The CA file {} cannot be used: {reason}.", path.display());
            Error::new(ErrorKind::Config, "KEY_SERVER_CA_INVALID", message)
        };
        let pem = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
        let certificates = Certificate::from_pem_bundle(&pem).map_err(|error| wrong(error.to_string()))?;
        if certificates.is_empty() {
            return Err(wrong("it holds no certificate".to_owned()));
        }
        builder = builder.tls_built_in_root_certs(false);
        for certificate in certificates {
            builder = builder.add_root_certificate(certificate);
        }
        return builder.build().map_err(|error| wrong(error.to_string()));
    }
    builder.build().map_err(|error| Error::internal("setting up the client of a key server").with_source(error))
}

async fn body(response: Response) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let mut parts = response.bytes_stream();
    while let Some(part) = parts.next().await {
        bytes.extend_from_slice(&part.map_err(failed)?);
        if bytes.len() > limits::KEY_SERVER_ANSWER_BYTES_MAX {
            let bound = format!("it is longer than {} bytes", limits::KEY_SERVER_ANSWER_BYTES_MAX);
            return Err(Failure::Lasting(cpix::invalid(&bound)));
        }
    }
    String::from_utf8(bytes).map_err(|_| Failure::Lasting(cpix::invalid("it is not UTF-8")))
}

/// A status that is not an answer.
fn judge(status: StatusCode) -> Result<(), Failure> {
    let error = |code, message: String| Error::new(ErrorKind::Unavailable, code, message);
    match status.as_u16() {
        200 => Ok(()),
        300..=399 => Err(Failure::Lasting(error(
            "KEY_SERVER_REDIRECTS",
            format!(
                "The key server redirects (status {status}), which is not followed. Set the address that it means."
            ),
        ))),
        401 | 403 => Err(Failure::Lasting(error(
            "KEY_SERVER_UNAUTHORIZED",
            format!(
                "The key server does not let us in (status {status}). Check the file with its Authorization header."
            ),
        ))),
        429 | 500..=599 => Err(Failure::Passing(error(
            "KEY_SERVER_UNAVAILABLE",
            format!("The key server has a fault (status {status}). Try again later, or ask whoever runs it."),
        ))),
        _ => Err(Failure::Lasting(error(
            "KEY_SERVER_REFUSED",
            format!("The key server refuses the request (status {status}). Its log says why."),
        ))),
    }
}

/// The URL stays out of it: it may hold what nobody else should read.
fn failed(error: reqwest::Error) -> Failure {
    Failure::Passing(if error.is_timeout() {
        Error::new(ErrorKind::Timeout, "KEY_SERVER_TIMEOUT", "The key server does not answer in time; try again later.")
    } else {
        let message = "The key server cannot be reached. Check its address, its certificate and the network.";
        Error::new(ErrorKind::Unavailable, "KEY_SERVER_UNREACHABLE", message).with_source(error.without_url())
    })
}

fn is_this_machine(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests;
