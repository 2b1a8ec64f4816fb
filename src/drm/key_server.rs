//! The client of a key server: SPEKE v2.1, that is a CPIX document posted over HTTPS, and one back.
//!
//! Every attempt has a connection of its own, and a bound on its time and on the answer's size. Tried again are a
//! connection that fails, a status 429 and a status from 500: the request names its keys, so asking twice gives the same
//! ones. A redirect is not followed: keys come from the address that the operator wrote, and from nowhere else. Nothing
//! of an answer is logged.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderValue, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::limits;
use crate::drm::cpix::{self, IssuedKey, KeyRequest};

const SPEKE_VERSION: &str = "2.1";
const X_SPEKE_VERSION: &str = "x-speke-version";

/// Where a key server is and how it knows us.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    uri: Uri,
    host: String,
    port: u16,
    /// None on this machine's own plain HTTP.
    tls: Option<(TlsConnector, ServerName<'static>)>,
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
        let uri: Uri = url.parse().map_err(|_| wrong("is not a URL"))?;
        let authority = uri.authority().ok_or_else(|| wrong("names no host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("has a user name in it; put the Authorization header into a file of its own"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let (tls, port) = match uri.scheme_str() {
            Some("https") => {
                let name = ServerName::try_from(host.clone()).map_err(|_| wrong("has a host that is no name"))?;
                (Some((TlsConnector::from(Arc::new(client_config(ca_file)?)), name)), 443)
            }
            Some("http") if is_this_machine(&host) => (None, 80),
            Some("http") => return Err(wrong("is http, and keys would travel in the clear")),
            _ => return Err(wrong("is neither https nor http")),
        };
        let port = authority.port_u16().unwrap_or(port);
        Ok(KeyServer { uri, host, port, tls, authorization, patience })
    }

    /// The keys of one asset. Errors say what the operator can do; none says anything of a key.
    pub async fn keys(&self, request: &KeyRequest) -> Result<Vec<IssuedKey>> {
        let document = Bytes::from(request.to_xml()?);
        let mut wait = self.patience.retry_after;
        for attempt in 1.. {
            let tried = tokio::time::timeout(self.patience.attempt, self.attempt(document.clone())).await;
            match tried.unwrap_or_else(|_| Err(Failure::Passing(timeout()))) {
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

    async fn attempt(&self, document: Bytes) -> Result<String, Failure> {
        let unreachable = |error: std::io::Error| Failure::Passing(unreachable(error));
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(unreachable)?;
        match &self.tls {
            None => self.exchange(stream, document).await,
            Some((connector, name)) => {
                let stream = connector.connect(name.clone(), stream).await.map_err(unreachable)?;
                self.exchange(stream, document).await
            }
        }
    }

    async fn exchange<S>(&self, stream: S, document: Bytes) -> Result<String, Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let broken = |error: hyper::Error| Failure::Passing(unreachable(error));
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        // It is dropped, and the connection closed, with this attempt.
        let mut driver = tokio::task::JoinSet::new();
        driver.spawn(connection);
        let request = self.request(document).map_err(Failure::Lasting)?;
        let response = sender.send_request(request).await.map_err(broken)?;
        judge(response.status())?;
        let version = response.headers().get(X_SPEKE_VERSION).map(|version| version.to_str().unwrap_or_default());
        if version != Some(SPEKE_VERSION) {
            return Err(Failure::Lasting(cpix::wrong_version("SPEKE", SPEKE_VERSION, version)));
        }
        let body = Limited::new(response.into_body(), limits::KEY_SERVER_ANSWER_BYTES_MAX);
        let body = body.collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() {
                let bound = format!("it is longer than {} bytes", limits::KEY_SERVER_ANSWER_BYTES_MAX);
                return Failure::Lasting(cpix::invalid(&bound));
            }
            Failure::Passing(unreachable(error))
        })?;
        let text = String::from_utf8(body.to_bytes().to_vec());
        text.map_err(|_| Failure::Lasting(cpix::invalid("it is not UTF-8")))
    }

    fn request(&self, document: Bytes) -> Result<Request<Full<Bytes>>> {
        let wrong = |error: http::Error| Error::internal("a request to the key server").with_source(error);
        let path = self.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        let host = self.uri.authority().map_or("", http::uri::Authority::as_str);
        let mut request = Request::post(path)
            .header(HOST, host)
            .header(CONTENT_TYPE, "application/xml")
            .header(X_SPEKE_VERSION, SPEKE_VERSION)
            .body(Full::new(document))
            .map_err(wrong)?;
        if let Some(authorization) = &self.authorization {
            let mut authorization = authorization.clone();
            authorization.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, authorization);
        }
        Ok(request)
    }
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

fn timeout() -> Error {
    Error::new(ErrorKind::Timeout, "KEY_SERVER_TIMEOUT", "The key server does not answer in time; try again later.")
}

fn unreachable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "KEY_SERVER_UNREACHABLE",
        "The key server cannot be reached. Check its address, its certificate and the network.",
    )
    .with_source(error)
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn client_config(ca_file: Option<&Path>) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    match ca_file {
        Some(path) => {
            let wrong = |reason: String| {
                let message = format!("The CA file {} cannot be used: {reason}.", path.display());
                Error::new(ErrorKind::Config, "KEY_SERVER_CA_INVALID", message)
            };
            let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
            for certificate in read.map_err(|error| wrong(error.to_string()))? {
                roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(wrong("it holds no certificate".to_owned()));
            }
        }
        None => {
            // Those that cannot be read are left out; without any, no certificate is trusted.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    Ok(ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::internal("no TLS version is left").with_source(error))?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

#[cfg(test)]
mod tests;
