//! The embedded front end: the pages of the storefront and of the console, and the hashed files they load.
//!
//! `ui/` is the TypeScript and Svelte source; `./dev build` puts its output into `ui/dist`, and that folder is embedded
//! here. A release binary holds the files; a debug binary reads them from disk at its first request. Where the front
//! end was never built, every page is a placeholder that says what to run, so that `cargo test` needs no Node.
//!
//! This room knows nothing of the HTTP framework: [`page`] maps a path to an [`Asset`], and the caller answers with
//! [`Asset::body`], the asset's fields and [`SECURITY_HEADERS`].
//!
//! - Files under `/assets/` carry a hash of their content in their name and are immutable.
//! - The pages are two documents, so that a viewer never loads the console: [`STOREFRONT`] and [`CONSOLE`] list their
//!   addresses as the front end's routers know them. They are always revalidated, under a policy that admits nothing
//!   inline and no foreign host. hls.js plays from `blob:` media, keeps subtitles in an empty `data:` track, and runs
//!   its worker from a file of ours.

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use rust_embed::RustEmbed;
use std::{collections::HashMap, io::Write, sync::Arc, sync::LazyLock};

/// The `Content-Security-Policy` of every page.
pub const PAGE_CSP: &str = "default-src 'self'; media-src 'self' blob: data:; worker-src 'self' blob:; \
    img-src 'self' data:; style-src 'self'; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; \
    form-action 'self'";

/// Headers that every answer of this room carries, names in lower case.
pub const SECURITY_HEADERS: [(&str, &str); 4] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

const IMMUTABLE: &str = "public, max-age=31536000, immutable";
const REVALIDATE: &str = "no-cache";
/// Below this a gzip body saves no packet.
const GZIP_BYTES_MIN: usize = 1024;

/// One file of the front end, ready to be sent.
#[derive(Clone, Debug)]
pub struct Asset {
    pub bytes: Bytes,
    /// The same content in gzip; absent where the file is small or compressed already.
    pub gzip: Option<Bytes>,
    pub content_type: &'static str,
    pub cache_control: &'static str,
    /// A weak validator, so that it holds for both encodings.
    pub etag: Arc<str>,
    /// The policy of a document; files that are not documents have none.
    pub csp: Option<&'static str>,
}

/// What to send of an [`Asset`]; every answer also says `Vary: Accept-Encoding`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    pub bytes: Bytes,
    pub content_encoding: Option<&'static str>,
}

impl Asset {
    fn new(bytes: Bytes, content_type: &'static str) -> Self {
        let gzip = compressible(content_type).then(|| gzip(&bytes)).flatten();
        let etag = etag(&bytes);
        Self { bytes, gzip, content_type, cache_control: IMMUTABLE, etag, csp: None }
    }

    fn document(html: Bytes) -> Self {
        Self { cache_control: REVALIDATE, csp: Some(PAGE_CSP), ..Self::new(html, "text/html; charset=utf-8") }
    }

    /// The body for a request with this `Accept-Encoding`.
    pub fn body(&self, accept_encoding: Option<&str>) -> Body {
        match &self.gzip {
            Some(gzip) if accept_encoding.is_some_and(accepts_gzip) => {
                Body { bytes: gzip.clone(), content_encoding: Some("gzip") }
            }
            _ => Body { bytes: self.bytes.clone(), content_encoding: None },
        }
    }

    /// Whether a request with this `If-None-Match` is answered with 304 (RFC 9110, 13.1.2: weak comparison).
    pub fn not_modified(&self, if_none_match: &str) -> bool {
        let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
        if_none_match.split(',').any(|tag| tag.trim() == "*" || opaque(tag) == opaque(&self.etag))
    }
}

/// The asset at this path of the URL; `None` where the front end has nothing.
pub fn page(path: &str) -> Option<Asset> {
    FRONT_END.page(path)
}

static FRONT_END: LazyLock<FrontEnd> =
    LazyLock::new(|| FrontEnd::of(Dist::iter().filter_map(|name| Some((name.to_string(), Dist::get(&name)?.data)))));

#[derive(RustEmbed)]
#[folder = "src/web/ui/dist"]
#[allow_missing = true]
struct Dist;

/// The addresses of `index.html`; `*` is one segment. `src/lib/route.svelte.ts` holds the same list.
pub const STOREFRONT: &[&str] = &[
    "/",
    "/title/*",
    "/watch/*",
    "/series/*",
    "/collection/*",
    "/purchases",
    "/purchases/*",
    "/redeem",
    "/account",
    "/cashier/*",
    "/sign-in",
];

/// The addresses of `console.html`; `src/console/routes.ts` holds the same list.
pub const CONSOLE: &[&str] = &["/console", "/console/*", "/console/*/*"];

struct FrontEnd {
    storefront: Asset,
    console: Asset,
    /// By path of the URL.
    files: HashMap<String, Asset>,
}

impl FrontEnd {
    fn of<B: AsRef<[u8]>>(built: impl Iterator<Item = (String, B)>) -> Self {
        let mut documents = HashMap::new();
        let mut files = HashMap::new();
        for (name, data) in built {
            let bytes = Bytes::copy_from_slice(data.as_ref());
            if name == "index.html" || name == "console.html" {
                documents.insert(name, Asset::document(bytes));
            } else if name.starts_with("assets/")
                && let Some(content_type) = content_type(&name)
            {
                files.insert(format!("/{name}"), Asset::new(bytes, content_type));
            }
        }
        let mut document = |name: &str| {
            let placeholder = || Asset::document(Bytes::from_static(PLACEHOLDER.as_bytes()));
            documents.remove(name).unwrap_or_else(placeholder)
        };
        Self { storefront: document("index.html"), console: document("console.html"), files }
    }

    fn page(&self, path: &str) -> Option<Asset> {
        if is_one_of(STOREFRONT, path) {
            Some(self.storefront.clone())
        } else if is_one_of(CONSOLE, path) {
            Some(self.console.clone())
        } else {
            self.files.get(path).cloned()
        }
    }
}

fn is_one_of(patterns: &[&str], path: &str) -> bool {
    let segments: Vec<&str> = path.split('/').collect();
    patterns.iter().any(|pattern| {
        let wanted: Vec<&str> = pattern.split('/').collect();
        let fits = |(want, have): (&&str, &&str)| if *want == "*" { !have.is_empty() } else { want == have };
        wanted.len() == segments.len() && wanted.iter().zip(&segments).all(fits)
    })
}

/// The types that the front end is made of. A file of any other kind is not served until it stands here.
fn content_type(name: &str) -> Option<&'static str> {
    Some(match name.rsplit_once('.')?.1 {
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "json" => "application/json",
        "png" => "image/png",
        "jpg" => "image/jpeg",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        _ => return None,
    })
}

fn compressible(content_type: &str) -> bool {
    content_type.starts_with("text/") || matches!(content_type, "image/svg+xml" | "application/json")
}

fn gzip(bytes: &Bytes) -> Option<Bytes> {
    if bytes.len() < GZIP_BYTES_MIN {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).ok()?;
    let compressed = encoder.finish().ok()?;
    (compressed.len() < bytes.len()).then(|| compressed.into())
}

fn etag(bytes: &[u8]) -> Arc<str> {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    format!("W/\"{}\"", BASE64_URL_SAFE_NO_PAD.encode(&digest.as_ref()[..16])).into()
}

/// Whether `Accept-Encoding` admits gzip (RFC 9110, 12.5.3): named, or covered by `*`, with a weight above zero.
fn accepts_gzip(accept_encoding: &str) -> bool {
    let weight_of = |wanted: &str| {
        accept_encoding.split(',').find_map(|part| {
            let (coding, parameters) = part.split_once(';').unwrap_or((part, ""));
            let weight = parameters.trim().strip_prefix("q=").map_or(Some(1.0), |q| q.trim().parse::<f32>().ok());
            coding.trim().eq_ignore_ascii_case(wanted).then_some(weight.unwrap_or(0.0))
        })
    };
    weight_of("gzip").or_else(|| weight_of("*")).is_some_and(|weight| weight > 0.0)
}

/// What a binary shows that was built without Node. It needs no script and no style.
const PLACEHOLDER: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>Marquee: the front end is not built</title>
</head>
<body>
<main>
<h1>The front end is not built</h1>
<p>This binary was built without its pages; the server and its API work. To build both:</p>
<pre>./dev build</pre>
<p>or, with Node 20.19 or newer:</p>
<pre>npm --prefix src/web/ui ci
npm --prefix src/web/ui run build
cargo build</pre>
<p lang="zh-CN">这个程序构建时没有包含网页，服务器与 API 可正常使用。运行上面的命令即可构建网页。</p>
</main>
</body>
</html>
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn front_end() -> FrontEnd {
        let script = "console.log('a long script');".repeat(100);
        let files = [
            ("index.html", "<!doctype html><title>Marquee</title>".to_owned()),
            ("console.html", "<!doctype html><title>Console</title>".to_owned()),
            ("assets/index-Bx1.js", script),
            ("assets/index-Bx2.css", "body{}".to_owned()),
            ("assets/notes.txt", "not a part of the front end".to_owned()),
            (".vite/manifest.json", "{}".to_owned()),
        ];
        FrontEnd::of(files.into_iter().map(|(name, text)| (name.to_owned(), text.into_bytes())))
    }

    #[test]
    fn pages_are_two_documents_under_the_policy() {
        let front_end = front_end();
        for (path, name) in [
            ("/", "Marquee"),
            ("/watch/ttl_0123", "Marquee"),
            ("/purchases/pur_0123", "Marquee"),
            ("/console", "Console"),
            ("/console/orders", "Console"),
            ("/console/orders/pur_0123", "Console"),
        ] {
            let asset = front_end.page(path).unwrap();
            assert_eq!(&asset.bytes[..], format!("<!doctype html><title>{name}</title>").as_bytes(), "{path}");
            assert_eq!(asset.content_type, "text/html; charset=utf-8");
            assert_eq!(asset.cache_control, "no-cache");
            assert_eq!(asset.csp, Some(PAGE_CSP));
        }
    }

    #[test]
    fn the_policy_admits_nothing_inline_and_no_foreign_host() {
        for forbidden in ["unsafe", "http:", "https:", " *"] {
            assert!(!PAGE_CSP.contains(forbidden), "{forbidden} in {PAGE_CSP}");
        }
        assert!(!PAGE_CSP.contains("  "), "the policy is one line of single spaces");
    }

    #[test]
    fn hashed_files_are_immutable_and_compressed() {
        let asset = front_end().page("/assets/index-Bx1.js").unwrap();
        assert_eq!(asset.content_type, "text/javascript; charset=utf-8");
        assert_eq!(asset.cache_control, "public, max-age=31536000, immutable");
        assert_eq!(asset.csp, None);

        let body = asset.body(Some("br, gzip;q=0.8"));
        assert_eq!(body.content_encoding, Some("gzip"));
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&body.bytes[..]).read_to_end(&mut plain).unwrap();
        assert_eq!(plain, asset.bytes);
        assert_eq!(asset.body(None), Body { bytes: asset.bytes.clone(), content_encoding: None });
    }

    #[test]
    fn a_small_file_is_not_compressed() {
        let asset = front_end().page("/assets/index-Bx2.css").unwrap();
        assert_eq!(asset.gzip, None);
        assert_eq!(asset.body(Some("gzip")).content_encoding, None);
    }

    #[test]
    fn nothing_else_is_served() {
        let front_end = front_end();
        for path in [
            "",
            "/index.html",
            "/watch",
            "/watch/",
            "/watch/a/b",
            "/console/",
            "/console/orders/a/b",
            "/consoles",
            "/assets/",
            "/assets/notes.txt",
            "/assets/missing.js",
            "/assets/../index.html",
            "/.vite/manifest.json",
        ] {
            assert!(front_end.page(path).is_none(), "{path}");
        }
    }

    #[test]
    fn without_a_build_the_pages_say_what_to_run() {
        let front_end = FrontEnd::of(std::iter::empty::<(String, Vec<u8>)>());
        let asset = front_end.page("/watch/ttl_0123").unwrap();
        let text = std::str::from_utf8(&asset.bytes).unwrap();
        assert!(text.contains("./dev build"));
        assert!(!text.contains("<script") && !text.contains("style="), "the policy would refuse it");
        assert_eq!(asset.csp, Some(PAGE_CSP));
        assert_eq!(asset.cache_control, "no-cache");
    }

    #[test]
    fn the_embedded_front_end_or_its_placeholder_answers() {
        assert!(page("/").is_some());
        assert!(page("/api/v1/me").is_none());
    }

    /// Holds for a built front end and, with nothing to look at, for the placeholder.
    #[test]
    fn every_file_that_the_document_names_is_there() {
        let document = page("/").unwrap();
        let html = std::str::from_utf8(&document.bytes).unwrap();
        for name in html.split("\"/assets/").skip(1).filter_map(|rest| rest.split('"').next()) {
            let asset = page(&format!("/assets/{name}")).unwrap_or_else(|| panic!("{name} is missing"));
            assert!(asset.cache_control.contains("immutable"));
        }
        assert!(!html.contains("<style") && !html.contains(" style="), "the policy would refuse it");
    }

    #[test]
    fn validators_compare_weakly() {
        let asset = front_end().page("/").unwrap();
        let strong = asset.etag.trim_start_matches("W/").to_owned();
        assert!(asset.not_modified(&asset.etag));
        assert!(asset.not_modified(&format!("\"other\", {strong}")));
        assert!(asset.not_modified("*"));
        assert!(!asset.not_modified("\"other\""));
        assert_ne!(asset.etag, front_end().page("/assets/index-Bx1.js").unwrap().etag);
    }

    #[test]
    fn gzip_is_negotiated_by_weight() {
        for (header, expected) in [
            ("gzip", true),
            ("GZIP;q=1.0", true),
            ("br, *;q=0.1", true),
            ("gzip;q=0", false),
            ("*;q=0", false),
            ("gzip;q=0, *", false),
            ("gzip;q=nonsense", false),
            ("br", false),
            ("", false),
        ] {
            assert_eq!(accepts_gzip(header), expected, "{header:?}");
        }
    }
}
