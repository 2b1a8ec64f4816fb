//! The web as a source: reqwest over rustls, with the roots that the machine trusts. Every answer is bounded in bytes and
//! in time, and so is everything that is read together. Errors never hold a URL.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::BytesMut;
use futures_util::StreamExt;
use http::{StatusCode, header};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use url::Url;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::limits;
use crate::inspect::source::{Part, Source, too_large, unreadable};

/// Reads `http` and `https`.
pub struct Web {
    client: Client,
    read_bytes: AtomicU64,
}

impl Web {
    pub fn new() -> Result<Web> {
        crate::http::tls::install_provider();
        let client = Client::builder()
            .user_agent(concat!("marquee/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::custom(|attempt| {
                let was_https = attempt.previous().iter().any(|url| url.scheme() == "https");
                let is_web = matches!(attempt.url().scheme(), "http" | "https");
                if attempt.previous().len() > limits::INSPECT_REDIRECTS_MAX {
                    attempt.error("it is redirected too often")
                } else if !is_web || (was_https && attempt.url().scheme() == "http") {
                    attempt.error("it is redirected away from HTTPS")
                } else {
                    attempt.follow()
                }
            }))
            .connect_timeout(limits::INSPECT_CONNECT_TIMEOUT)
            .read_timeout(limits::INSPECT_SILENCE_MAX)
            .timeout(limits::INSPECT_ANSWER_MAX)
            .build()
            .map_err(|error| Error::internal("setting up the HTTP client").with_source(error))?;
        Ok(Web { client, read_bytes: AtomicU64::new(0) })
    }

    async fn body(&self, url: &Url, response: Response, wanted: u64) -> Result<BytesMut> {
        let mut body = BytesMut::new();
        let mut stream = response.bytes_stream();
        while (body.len() as u64) < wanted
            && let Some(part) = stream.next().await
        {
            let part = part.map_err(|error| failed(url, error))?;
            body.extend_from_slice(&part);
            let read = self.read_bytes.fetch_add(part.len() as u64, Ordering::Relaxed) + part.len() as u64;
            if read > limits::INSPECT_BYTES_MAX {
                return Err(too_large(url, limits::INSPECT_BYTES_MAX));
            }
        }
        body.truncate(usize::try_from(wanted).unwrap_or(usize::MAX));
        Ok(body)
    }
}

#[async_trait]
impl Source for Web {
    async fn read(&self, url: &Url, range: Range<u64>) -> Result<Part> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(unreadable(url, "it is not on the web"));
        }
        let wanted = range.end.saturating_sub(range.start);
        let mut request = self.client.get(url.clone());
        // A whole resource is asked for as players do, which lets a server compress it.
        let is_part = range.start > 0 || range.end <= limits::INSPECT_RANGE_BYTES_MAX;
        if is_part {
            let last = range.end.saturating_sub(1).max(range.start);
            // A range of a compressed form is nothing that can be opened.
            request = request.header(header::ACCEPT_ENCODING, "identity");
            request = request.header(header::RANGE, format!("bytes={}-{last}", range.start));
        }
        let response = request.send().await.map_err(|error| failed(url, error))?;
        let content_type =
            response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (skip, total) = match response.status() {
            StatusCode::PARTIAL_CONTENT if is_part => (0, content_range_total(&response)),
            // A server that knows no ranges sends everything.
            StatusCode::OK => (range.start, response.content_length()),
            StatusCode::RANGE_NOT_SATISFIABLE if is_part => {
                let total_bytes = content_range_total(&response).unwrap_or(0);
                return Ok(Part { bytes: bytes::Bytes::new(), total_bytes, content_type });
            }
            status => return Err(refused(url, status)),
        };
        if skip > limits::SEGMENT_BYTES_MAX {
            return Err(unreadable(url, "the server gives no byte ranges"));
        }
        let mut bytes = self.body(url, response, skip + wanted).await?;
        let bytes = bytes.split_off(usize::try_from(skip).unwrap_or(usize::MAX).min(bytes.len())).freeze();
        let total_bytes = total.unwrap_or(range.start + bytes.len() as u64);
        Ok(Part { bytes, total_bytes, content_type })
    }
}

/// The length in `Content-Range: bytes 0-99/LENGTH`.
fn content_range_total(response: &Response) -> Option<u64> {
    response.headers().get(header::CONTENT_RANGE)?.to_str().ok()?.rsplit_once('/')?.1.parse().ok()
}

fn refused(url: &Url, status: StatusCode) -> Error {
    let error = unreadable(url, &format!("the server answers {status}"));
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Error::new(ErrorKind::Forbidden, "INSPECT_UNREADABLE", error.message())
        }
        status if status.is_server_error() => Error::new(ErrorKind::Unavailable, "INSPECT_UNREADABLE", error.message()),
        _ => error,
    }
}

fn failed(url: &Url, error: reqwest::Error) -> Error {
    let (kind, why) = if error.is_timeout() {
        (ErrorKind::Timeout, "the server takes too long")
    } else if error.is_redirect() {
        (ErrorKind::Unavailable, "it is redirected too often, or away from HTTPS")
    } else if error.is_connect() {
        (ErrorKind::Unavailable, "there is no connection to the server")
    } else {
        (ErrorKind::Unavailable, "the answer breaks off")
    };
    Error::new(kind, "INSPECT_UNREADABLE", unreadable(url, why).message()).with_source(error.without_url())
}

const _: () = assert!(limits::INSPECT_SILENCE_MAX.as_millis() < limits::INSPECT_ANSWER_MAX.as_millis());
