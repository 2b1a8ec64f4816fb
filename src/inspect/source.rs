//! Where the bytes of what is inspected come from: a folder, the web, or the store of assets. Every resource has a URL;
//! relative references are resolved against it (RFC 3986, 5), whatever the source.

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use url::Url;

use crate::base::error::{Error, ErrorKind, Result};

/// Reads resources in parts. What is not there, lies elsewhere or does not answer is an error.
#[async_trait]
pub trait Source: Send + Sync {
    /// The bytes of `range` that exist; never more than it asks for.
    async fn read(&self, url: &Url, range: Range<u64>) -> Result<Part>;
}

/// Some bytes of a resource.
#[derive(Clone, Debug)]
pub struct Part {
    pub bytes: Bytes,
    /// The length of the whole resource.
    pub total_bytes: u64,
    /// Content-Type, where a server said one.
    pub content_type: Option<String>,
}

/// The whole resource, at most `bytes_max` of it.
pub async fn whole(source: &dyn Source, url: &Url, bytes_max: u64) -> Result<Part> {
    // One byte more than is allowed tells an endless resource from one that just fits.
    let part = source.read(url, 0..bytes_max + 1).await?;
    if part.total_bytes > bytes_max || part.bytes.len() as u64 > bytes_max {
        return Err(too_large(url, bytes_max));
    }
    Ok(part)
}

pub(crate) fn too_large(url: &Url, bytes_max: u64) -> Error {
    let detail = format!("{} is larger than {bytes_max} bytes, which is all that is read of it.", spoken(url));
    Error::new(ErrorKind::TooLarge, "INSPECT_TOO_LARGE", detail)
}

pub(crate) fn unreadable(url: &Url, why: &str) -> Error {
    Error::new(ErrorKind::NotFound, "INSPECT_UNREADABLE", format!("{} cannot be read: {why}.", spoken(url)))
}

/// A segment of a path that is longer than this may be a token.
const PATH_SEGMENT_CHARS_MAX: usize = 40;

/// A URL as it may be shown: a path or a query can hold a token (`/play/{token}/…`), so of the web only the host and the
/// last name are said, and a name that is long is not.
pub fn spoken(url: &Url) -> String {
    let name = url.path_segments().and_then(|mut segments| segments.next_back()).unwrap_or_default();
    match url.scheme() {
        "file" => url.to_file_path().map_or_else(|()| quiet(name), |path| path.display().to_string()),
        "http" | "https" => {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            format!("{}://{}{port}/…/{}", url.scheme(), url.host_str().unwrap_or_default(), quiet(name))
        }
        _ => quiet(url.path().trim_start_matches('/')),
    }
}

/// The same, relative to the folder of `root`, where it lies in there.
pub fn spoken_from(root: &Url, url: &Url) -> String {
    let folder = root.join(".").ok();
    match folder.and_then(|folder| url.as_str().strip_prefix(folder.as_str()).map(str::to_owned)) {
        Some(path) => {
            let path = path.split(['?', '#']).next().unwrap_or_default();
            path.split('/').map(quiet).collect::<Vec<_>>().join("/")
        }
        None => spoken(url),
    }
}

fn quiet(name: &str) -> String {
    let is_plain = name.chars().all(|letter| !letter.is_control());
    if is_plain && name.chars().count() <= PATH_SEGMENT_CHARS_MAX { name.to_owned() } else { "…".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_hold_a_token_is_not_said() {
        let token = "eyJhbGciOiJFZERTQSJ9.eyJzaWQiOiJzZXNfMDFtOCJ9.c2lnbmF0dXJl";
        let main = Url::parse(&format!("https://cinema.example:8443/play/{token}/main.m3u8?token={token}")).unwrap();
        assert_eq!(spoken(&main), "https://cinema.example:8443/…/main.m3u8");
        let track = main.join("ast_1/v720/0.m4s?auth=secret").unwrap();
        assert_eq!(spoken_from(&main, &track), "ast_1/v720/0.m4s");
        assert_eq!(spoken_from(&main, &main.join(&format!("{token}/0.m4s")).unwrap()), "…/0.m4s");
        let elsewhere = Url::parse(&format!("http://user:pass@cdn.example/{token}/seg.m4s?{token}#{token}")).unwrap();
        assert_eq!(spoken_from(&main, &elsewhere), "http://cdn.example/…/seg.m4s");
        assert_eq!(
            spoken(&Url::parse(&format!("https://cinema.example/{token}")).unwrap()),
            "https://cinema.example/…/…"
        );
        assert_eq!(spoken(&Url::parse("file:///films/main.m3u8").unwrap()), "/films/main.m3u8");
    }
}
