//! Requests to servers of others: to addresses that the operator wrote and to nowhere else. A redirect is not followed,
//! and time and size of an answer have bounds.

use std::time::Duration;

use futures_util::StreamExt;
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Response};
use url::{Host, Url};

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

/// A client whose requests have `timeout` each, from the connection to the last byte.
pub fn client(timeout: Duration) -> ClientBuilder {
    tls::install_provider();
    Client::builder().redirect(Policy::none()).no_proxy().http1_only().timeout(timeout)
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
