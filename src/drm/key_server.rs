//! The client of a key server: SPEKE v2.1, that is a CPIX document posted over HTTPS, and one back.
//!
//! Every attempt has a connection of its own, and a bound on its time and on the answer's size. Tried again are a
//! connection that fails, a status 429 and a status from 500: the request names its keys, so asking twice gives the same
//! ones. A redirect is not followed: keys come from the address that the operator wrote, and from nowhere else. Nothing
//! of an answer is logged.

use std::path::Path;
use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use reqwest::{Client, Response};
use url::Url;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::limits;
use crate::drm::cpix::{self, IssuedKey, KeyRequest};
use crate::drm::trust;
use crate::http::outbound::{self, Unread};

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
        let url = outbound::address(&url).map_err(wrong)?;
        let authorization = authorization.map(|mut value| {
            value.set_sensitive(true);
            value
        });
        let client = trust::client(ca_file, patience.attempt)?.pool_max_idle_per_host(0).build();
        let client =
            client.map_err(|error| Error::internal("setting up the client of a key server").with_source(error))?;
        Ok(KeyServer { client, url, authorization, patience })
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

async fn body(response: Response) -> Result<String, Failure> {
    let bytes = outbound::body(response, limits::KEY_SERVER_ANSWER_BYTES_MAX).await.map_err(|unread| match unread {
        Unread::TooLong => {
            let bound = format!("it is longer than {} bytes", limits::KEY_SERVER_ANSWER_BYTES_MAX);
            Failure::Lasting(cpix::invalid(&bound))
        }
        Unread::Broken(error) => failed(error),
    })?;
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

#[cfg(test)]
mod tests;
