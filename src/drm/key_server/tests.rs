//! The client against key servers of our own on a loopback port: one that checks the shape of the request, as far
//! as a table written by hand knows it, and answers, over TLS, and ones that misbehave.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use uuid::Uuid;

use super::*;
use crate::base::clock::UtcMs;
use crate::base::drm_system::DrmSystem;
use crate::base::id::KeyId;
use crate::base::xml::Element;
use crate::drm::contract::TrackType;
use crate::drm::cpix::RequestedKey;
use crate::media::protect::Iv;

const CPIX: &str = "urn:dashif:org:cpix";
const HASTY: Patience =
    Patience { attempt: Duration::from_millis(400), attempts_max: 2, retry_after: Duration::from_millis(1) };
const PATIENT: Patience =
    Patience { attempt: Duration::from_secs(20), attempts_max: 2, retry_after: Duration::from_millis(1) };

fn request() -> KeyRequest {
    let key = |track_type| RequestedKey { id: KeyId::new(UtcMs(1)), track_type, iv: Iv::from_bytes([7; 16]) };
    let keys = [TrackType::Audio, TrackType::Sd, TrackType::Hd1, TrackType::Hd2, TrackType::Uhd].map(key).to_vec();
    KeyRequest { content_id: "ast_1 & co".to_owned(), keys, systems: DrmSystem::ALL.to_vec() }
}

fn server(port: u16, patience: Patience) -> KeyServer {
    let url = format!("http://127.0.0.1:{port}/speke");
    KeyServer::new(KeyServerOptions { url, authorization: None, patience }, None).unwrap()
}

/// The text of an HTTP answer.
fn http(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nX-Speke-Version: 2.1\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
}

/// The head and the body of one request.
async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> (String, String) {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if body.len() >= length.parse().unwrap() {
                return (head, body.to_owned());
            }
        }
        assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "the request ends early");
    }
}

/// A server that answers each connection with what `answer` says for its number; the port, and how many came.
async fn misbehaving(answer: impl Fn(usize, &str) -> String + Send + 'static) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let connections = Arc::new(AtomicUsize::new(0));
    let counter = connections.clone();
    tokio::spawn(async move {
        let mut open = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let n = counter.fetch_add(1, Ordering::SeqCst);
            let (_, body) = read_request(&mut stream).await;
            // A client that has seen enough hangs up.
            let _ = stream.write_all(answer(n, &body).as_bytes()).await;
            open.push(stream);
        }
    });
    (port, connections)
}

/// A name, the attributes that are required, the others, and the children in their order.
type SchemaElement = (&'static str, &'static [&'static str], &'static [&'static str], &'static [&'static str]);

/// The parts of the schema (CPIX, cpix.xsd) that a request has.
const SCHEMA: &[SchemaElement] = &[
    ("CPIX", &["contentId", "version"], &[], &["ContentKeyList", "DRMSystemList", "ContentKeyUsageRuleList"]),
    ("ContentKeyList", &[], &[], &["ContentKey"]),
    ("ContentKey", &["kid", "commonEncryptionScheme"], &["explicitIV"], &[]),
    ("DRMSystemList", &[], &[], &["DRMSystem"]),
    ("DRMSystem", &["systemId", "kid"], &[], &["PSSH", "HLSSignalingData"]),
    ("PSSH", &[], &[], &[]),
    ("HLSSignalingData", &[], &["playlist"], &[]),
    ("ContentKeyUsageRuleList", &[], &[], &["ContentKeyUsageRule"]),
    ("ContentKeyUsageRule", &["kid", "intendedTrackType"], &[], &["VideoFilter", "AudioFilter"]),
    ("VideoFilter", &[], &["minPixels", "maxPixels"], &[]),
    ("AudioFilter", &[], &[], &[]),
];

fn validate(element: &Element) {
    let (name, required, optional, children) =
        SCHEMA.iter().find(|row| row.0 == element.name).unwrap_or_else(|| panic!("{} is unknown", element.name));
    assert_eq!(element.namespace, CPIX, "{name}");
    for attribute in *required {
        assert!(element.attribute(attribute).is_some_and(|value| !value.is_empty()), "{name} lacks {attribute}");
    }
    for attribute in element.attribute_names() {
        assert!(required.contains(&attribute) || optional.contains(&attribute), "{name} has {attribute}");
    }
    let mut place = 0;
    for child in element.elements() {
        let found = children.iter().position(|name| *name == child.name);
        let found = found.unwrap_or_else(|| panic!("{name} has a {}", child.name));
        assert!(found >= place, "{} is out of order in {name}", child.name);
        place = found;
        validate(child);
    }
}

/// What a key server answers to a request: a key that is the id itself, and signals of every system asked for.
fn answer(request: &str) -> String {
    let root = Element::parse(request).unwrap();
    validate(&root);
    let of = |list, item| root.child(CPIX, list).unwrap().children(CPIX, item).collect::<Vec<_>>();
    let keys: Vec<String> = of("ContentKeyList", "ContentKey")
        .iter()
        .map(|key| {
            let kid = key.attribute("kid").unwrap();
            let value = BASE64.encode(Uuid::parse_str(kid).unwrap().into_bytes());
            format!(
                "<c:ContentKey kid='{kid}' commonEncryptionScheme='cbcs'><c:Data><k:Secret><k:PlainValue>{value}\
                 </k:PlainValue></k:Secret></c:Data></c:ContentKey>"
            )
        })
        .collect();
    let systems: Vec<String> = of("DRMSystemList", "DRMSystem")
        .iter()
        .map(|asked| {
            let (kid, id) = (asked.attribute("kid").unwrap(), asked.attribute("systemId").unwrap());
            let system = DrmSystem::ALL.into_iter().find(|system| system.system_id() == id).unwrap();
            let uri = if system == DrmSystem::FairPlay {
                format!("skd://{kid}")
            } else {
                "data:text/plain;base64,AA==".to_owned()
            };
            let tag = format!("#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"{uri}\",KEYFORMAT=\"{}\"", system.key_format());
            let mut pssh = b"\0\0\0\x20pssh\0\0\0\0".to_vec();
            pssh.extend(Uuid::parse_str(id).unwrap().into_bytes());
            pssh.extend([0; 4]);
            let pssh = asked.child(CPIX, "PSSH").map(|_| format!("<c:PSSH>{}</c:PSSH>", BASE64.encode(pssh)));
            format!(
                "<c:DRMSystem kid='{kid}' systemId='{id}'>{}<c:HLSSignalingData playlist='media'>{}\
                 </c:HLSSignalingData></c:DRMSystem>",
                pssh.unwrap_or_default(),
                BASE64.encode(tag)
            )
        })
        .collect();
    let content = root.attribute("contentId").unwrap().replace('&', "&amp;");
    format!(
        "<c:CPIX xmlns:c='{CPIX}' xmlns:k='urn:ietf:params:xml:ns:keyprov:pskc' contentId='{content}' version='2.4'>\
         <c:ContentKeyList>{}</c:ContentKeyList><c:DRMSystemList>{}</c:DRMSystemList></c:CPIX>",
        keys.concat(),
        systems.concat()
    )
}

#[tokio::test]
async fn a_key_server_is_asked_over_tls_and_trusted_by_its_authority_only() {
    let folder = tempfile::tempdir().unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, certificate.pem()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("localhost:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let head = Arc::new(Mutex::new(String::new()));
    let seen = head.clone();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // A client that does not trust us ends the handshake.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let (head, body) = read_request(&mut stream).await;
            *seen.lock().unwrap() = head;
            stream.write_all(http("200 OK", "", &answer(&body)).as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
        }
    });
    let options = KeyServerOptions {
        url: format!("https://localhost:{port}/speke/v2.1?tenant=1"),
        authorization: Some(HeaderValue::from_static("Bearer s3cret")),
        patience: PATIENT,
    };
    let request = request();
    let keys = KeyServer::new(options.clone(), Some(&ca_file)).unwrap().keys(&request).await.unwrap();
    assert_eq!(keys.len(), 5);
    for (asked, issued) in request.keys.iter().zip(&keys) {
        assert_eq!((issued.id, issued.track_type), (asked.id, asked.track_type));
        assert_eq!(issued.protection.key.expose(), &asked.id.to_bytes());
        assert_eq!(issued.protection.iv, asked.iv);
        let systems: Vec<_> = issued.signals.iter().map(|signal| (signal.system, signal.pssh.is_some())).collect();
        assert_eq!(systems, DrmSystem::ALL.map(|system| (system, system.has_pssh())));
    }
    let head = head.lock().unwrap().clone();
    for line in [
        "post /speke/v2.1?tenant=1 http/1.1",
        "content-type: application/xml",
        "x-speke-version: 2.1",
        "authorization: bearer s3cret",
        &format!("host: localhost:{port}"),
    ] {
        assert!(head.lines().any(|other| other == line), "{line} is not in {head}");
    }
    // The machine's own authorities have not signed it.
    let error = KeyServer::new(options, None).unwrap().keys(&request).await.unwrap_err();
    assert_eq!(error.code(), "KEY_SERVER_UNREACHABLE");
}

#[tokio::test]
async fn an_answer_that_is_none_has_a_code_and_is_not_asked_for_twice() {
    let version = http("200 OK", "", "").replace("2.1", "2.0");
    let no_version = version.replace("X-Speke-Version: 2.0\r\n", "");
    let cases = [
        (http("302 Found", "Location: http://127.0.0.1:1/\r\n", ""), "KEY_SERVER_REDIRECTS"),
        (http("307 Temporary Redirect", "Location: /\r\n", ""), "KEY_SERVER_REDIRECTS"),
        (http("401 Unauthorized", "", ""), "KEY_SERVER_UNAUTHORIZED"),
        (http("422 Unprocessable Entity", "", "Unsupported SPEKE version"), "KEY_SERVER_REFUSED"),
        (http("204 No Content", "", ""), "KEY_SERVER_REFUSED"),
        (version, "KEY_SERVER_WRONG_VERSION"),
        (no_version, "KEY_SERVER_WRONG_VERSION"),
        (http("200 OK", "", &"x".repeat(10 * 1024 * 1024)), "KEY_SERVER_ANSWER_INVALID"),
        (http("200 OK", "", "{}"), "KEY_SERVER_ANSWER_INVALID"),
    ];
    for (text, code) in cases {
        let start: String = text.chars().take(80).collect();
        let (port, connections) = misbehaving(move |_, _| text.clone()).await;
        let error = server(port, PATIENT).keys(&request()).await.unwrap_err();
        assert_eq!(error.code(), code, "{start}");
        assert_eq!(connections.load(Ordering::SeqCst), 1, "{start}");
    }
}

#[tokio::test]
async fn a_fault_that_passes_is_asked_again_for_the_same_keys() {
    let (port, connections) = misbehaving(|n, body| match n {
        0 => http("503 Service Unavailable", "", ""),
        _ => http("200 OK", "", &answer(body)),
    })
    .await;
    assert_eq!(server(port, PATIENT).keys(&request()).await.unwrap().len(), 5);
    assert_eq!(connections.load(Ordering::SeqCst), 2);
    let (port, connections) = misbehaving(|_, _| http("500 Oops", "", "")).await;
    assert_eq!(server(port, PATIENT).keys(&request()).await.unwrap_err().code(), "KEY_SERVER_UNAVAILABLE");
    assert_eq!(connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_server_that_is_silent_or_gone_is_given_up() {
    for text in ["", "HTTP/1.1 200 OK\r\nX-Speke-Version: 2.1\r\nContent-Length: 9\r\n\r\n<"] {
        let (port, _) = misbehaving(move |_, _| text.to_owned()).await;
        let error = server(port, HASTY).keys(&request()).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Timeout, "KEY_SERVER_TIMEOUT"));
    }
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    assert_eq!(server(gone, HASTY).keys(&request()).await.unwrap_err().code(), "KEY_SERVER_UNREACHABLE");
}

#[test]
fn keys_travel_over_tls_or_inside_this_machine() {
    let code = |url: &str| {
        let options = KeyServerOptions { url: url.to_owned(), authorization: None, patience: PATIENT };
        KeyServer::new(options, None).map(|_| ()).map_err(|error| error.code())
    };
    for url in ["https://keys.example/speke", "https://[2001:db8::1]:8443/", "http://127.0.0.1:1/", "http://[::1]/"] {
        assert_eq!(code(url), Ok(()), "{url}");
    }
    for url in ["http://keys.example/speke", "http://127.0.0.1.example/", "ftp://h/", "/speke", "https://u:p@h/", ""] {
        assert_eq!(code(url), Err("KEY_SERVER_URL_INVALID"), "{url}");
    }
}

#[test]
fn a_file_without_a_certificate_is_no_ca_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for path in [file.path(), Path::new("/nowhere.pem")] {
        let url = "https://keys.example/".to_owned();
        let options = KeyServerOptions { url, authorization: None, patience: PATIENT };
        assert_eq!(KeyServer::new(options, Some(path)).err().unwrap().code(), "DRM_CA_INVALID");
    }
}
