//! The client of a licence server: a decryption module's challenge posted over HTTPS with a token that says what the
//! viewer may have, and the licence back. No viewer learns the address, and nothing of a challenge or an answer is logged.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, StatusCode};
use reqwest::{Client, Response};
use url::Url;

use crate::base::drm_system::DrmSystem;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::limits;
use crate::drm::trust;
use crate::http::outbound::{self, Unread};

/// The action of PlayReady's SOAP message that asks for a licence.
const ACQUIRE_LICENSE: &str = "http://schemas.microsoft.com/DRM/2007/03/protocols/AcquireLicense";

/// Asks the licence servers of one DRM service.
pub struct LicenseClient {
    client: Client,
    /// What the token travels in; in `Authorization` it is a bearer's.
    token_header: HeaderName,
}

/// Where one system's licences are, or another thing that its players need.
#[derive(Clone)]
pub struct LicenseAddress(Url);

impl LicenseAddress {
    /// `key` is what the configuration calls it.
    pub fn new(url: &str, key: &str) -> Result<LicenseAddress> {
        outbound::address(url).map(LicenseAddress).map_err(|reason| {
            let message = format!("drm.{key} {reason}. Write it as https://host/path.");
            Error::new(ErrorKind::Config, "LICENSE_SERVER_URL_INVALID", message)
        })
    }
}

impl LicenseClient {
    /// Every request has `timeout`, from the connection to the last byte.
    pub fn new(token_header: &str, ca_file: Option<&Path>, timeout: Duration) -> Result<LicenseClient> {
        let token_header = HeaderName::try_from(token_header).map_err(|error| {
            let message = "drm.license_token_header is not the name of a header.";
            Error::new(ErrorKind::Config, "DRM_CONFIG_INCOMPLETE", message).with_source(error)
        })?;
        let client = trust::client(ca_file, timeout)?.build();
        let client =
            client.map_err(|error| Error::internal("setting up the client of a licence server").with_source(error))?;
        Ok(LicenseClient { client, token_header })
    }

    /// The licence for a challenge. It is asked for once: players ask again.
    pub async fn license(
        &self,
        address: &LicenseAddress,
        system: DrmSystem,
        token: &str,
        challenge: Bytes,
    ) -> Result<Bytes> {
        let value =
            if self.token_header == http::header::AUTHORIZATION { format!("Bearer {token}") } else { token.to_owned() };
        let mut value = HeaderValue::try_from(value)
            .map_err(|error| Error::internal("a licence token in a header").with_source(error))?;
        value.set_sensitive(true);
        let mut request = self
            .client
            .post(address.0.clone())
            .header(CONTENT_TYPE, content_type(system))
            .header(self.token_header.clone(), value);
        if system == DrmSystem::PlayReady {
            request = request.header("soapaction", format!("\"{ACQUIRE_LICENSE}\""));
        }
        read(request.body(challenge).send().await.map_err(failed)?).await
    }

    /// What lies at an address, such as FairPlay's certificate.
    pub async fn fetch(&self, address: &LicenseAddress) -> Result<Bytes> {
        read(self.client.get(address.0.clone()).send().await.map_err(failed)?).await
    }
}

/// Of challenges, and of licences.
pub fn content_type(system: DrmSystem) -> &'static str {
    match system {
        DrmSystem::PlayReady => "text/xml; charset=utf-8",
        DrmSystem::Widevine | DrmSystem::FairPlay => "application/octet-stream",
    }
}

async fn read(response: Response) -> Result<Bytes> {
    judge(response.status())?;
    let answer = outbound::body(response, limits::LICENSE_ANSWER_BYTES_MAX).await.map_err(|unread| match unread {
        Unread::TooLong => invalid("is longer than an answer may be"),
        Unread::Broken(error) => failed(error),
    })?;
    if answer.is_empty() { Err(invalid("is empty")) } else { Ok(answer.into()) }
}

/// A status that is not an answer. What it says is for whoever runs the two servers, not for the viewer.
fn judge(status: StatusCode) -> Result<()> {
    match status.as_u16() {
        200 => Ok(()),
        300..=399 => Err(invalid("is a redirect, which is not followed")),
        400..=499 if status != StatusCode::TOO_MANY_REQUESTS => Err(Error::new(
            ErrorKind::Forbidden,
            "LICENSE_REFUSED",
            "The licence server gives this device no licence for this film. Try another device or browser.",
        )
        .with_internal(format!("a licence server answered {status}"))),
        _ => Err(unavailable().with_internal(format!("a licence server answered {status}"))),
    }
}

fn invalid(reason: &str) -> Error {
    let message = "The licence server's answer cannot be used. Try again later.";
    Error::new(ErrorKind::Unavailable, "LICENSE_SERVER_ANSWER_INVALID", message)
        .with_internal(format!("the answer of a licence server {reason}"))
}

fn unavailable() -> Error {
    let message = "The licence server cannot be reached. Try again in a moment.";
    Error::new(ErrorKind::Unavailable, "LICENSE_SERVER_UNAVAILABLE", message)
}

fn failed(error: reqwest::Error) -> Error {
    if error.is_timeout() {
        let message = "The licence server does not answer in time. Try again in a moment.";
        return Error::new(ErrorKind::Timeout, "LICENSE_SERVER_TIMEOUT", message);
    }
    unavailable().with_source(error.without_url())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// What comes of a server that answers every connection with `answer`, and then holds it.
    async fn asked(answer: String) -> Result<Bytes> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let held = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = [0; 4096];
            assert!(stream.read(&mut head).await.unwrap() > 0);
            // A client that has seen enough hangs up.
            let _ = stream.write_all(answer.as_bytes()).await;
            std::future::pending::<()>().await;
        });
        let client = LicenseClient::new("x-license-token", None, Duration::from_millis(400)).unwrap();
        let address = LicenseAddress::new(&url, "widevine_license_url").unwrap();
        let license = client.license(&address, DrmSystem::Widevine, "token", Bytes::from_static(b"challenge")).await;
        held.abort();
        license
    }

    #[tokio::test]
    async fn an_answer_has_bounds_in_time_and_size() {
        let whole = |body: &str| format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        assert_eq!(asked(whole("licence")).await.unwrap(), "licence");
        let code = async |answer: String| asked(answer).await.unwrap_err().code();
        assert_eq!(code(String::new()).await, "LICENSE_SERVER_TIMEOUT");
        assert_eq!(code("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".into()).await, "LICENSE_SERVER_TIMEOUT");
        assert_eq!(code(whole("")).await, "LICENSE_SERVER_ANSWER_INVALID");
        assert_eq!(code(whole(&"x".repeat(257 * 1024))).await, "LICENSE_SERVER_ANSWER_INVALID");
    }

    #[tokio::test]
    async fn a_server_that_is_gone_is_unavailable() {
        let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let client = LicenseClient::new("authorization", None, Duration::from_secs(5)).unwrap();
        let address = LicenseAddress::new(&format!("http://{gone}/"), "fairplay_certificate_url").unwrap();
        let error = client.fetch(&address).await.unwrap_err();
        assert_eq!(error.code(), "LICENSE_SERVER_UNAVAILABLE");
        assert!(!error.message().contains(&gone.port().to_string()));
    }

    #[test]
    fn an_address_that_would_show_secrets_is_refused_by_its_name() {
        for url in ["http://licenses.example/", "https://user:hunter2@licenses.example/", "licenses.example"] {
            let error = LicenseAddress::new(url, "playready_license_url").err().unwrap();
            assert_eq!(error.code(), "LICENSE_SERVER_URL_INVALID");
            assert!(error.message().contains("drm.playready_license_url") && !error.message().contains("hunter2"));
        }
        assert_eq!(
            LicenseClient::new("no header", None, Duration::ZERO).err().unwrap().code(),
            "DRM_CONFIG_INCOMPLETE"
        );
    }
}
