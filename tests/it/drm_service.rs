//! A DRM service of our own on a loopback port: a key server that speaks CPIX 2.4 in SPEKE v2.1, and licence servers that
//! believe what is signed with their secret.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use marquee::base::xml::Element;
use marquee::config::Config;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

const CPIX: &str = "urn:dashif:org:cpix";
pub const WIDEVINE: &str = "edef8ba9-79d6-4ace-a3c8-27dcd51d21ed";
pub const PLAYREADY: &str = "9a04f079-9840-4286-ab92-e65be0885f95";
pub const FAIRPLAY: &str = "94ce86fb-07ff-4f43-adb8-93d2fa968ca2";

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    pub path: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

/// What the service does, and what it was asked.
#[derive(Default)]
struct State {
    /// Every request is answered with this status instead.
    fault: Option<u16>,
    asked: Vec<Asked>,
}

pub struct DrmService {
    pub base: String,
    state: Arc<Mutex<State>>,
    secret_file: tempfile::NamedTempFile,
}

/// What signs licence tokens.
pub const SECRET: &str = "forty bytes that two servers and no other";
pub const CERTIFICATE: &[u8] = b"a FairPlay certificate";

impl DrmService {
    pub async fn start() -> DrmService {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let state: Arc<Mutex<State>> = Arc::default();
        let serving = state.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(answer(stream, serving.clone()));
            }
        });
        let secret_file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(secret_file.path(), format!("{SECRET}\n")).unwrap();
        DrmService { base, state, secret_file }
    }

    /// Has a server get its keys here.
    pub fn configure(&self, config: &mut Config) {
        config.drm.key_server_url = Some(format!("{}/keys", self.base));
        config.drm.systems = marquee::base::drm_system::DrmSystem::ALL.to_vec();
        let at = |path: &str| Some(format!("{}{path}", self.base));
        config.drm.widevine_license_url = at("/license/widevine?tenant=1");
        config.drm.playready_license_url = at("/license/playready");
        config.drm.fairplay_license_url = at("/license/fairplay");
        config.drm.fairplay_certificate_url = at("/certificate");
        config.drm.license_token_key_file = Some(self.secret_file.path().to_owned());
    }

    pub fn set_fault(&self, status: Option<u16>) {
        self.state().fault = status;
    }

    /// The requests whose path begins so, in their order.
    pub fn asked(&self, path: &str) -> Vec<Asked> {
        self.state().asked.iter().filter(|asked| asked.path.starts_with(path)).cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The value of the key with this id: its bytes from behind.
pub fn key_of(kid: &str) -> [u8; 16] {
    let mut bytes = Uuid::parse_str(kid).unwrap().into_bytes();
    bytes.reverse();
    bytes
}

/// A whole `pssh` box of version 0 that carries the key's id.
pub fn pssh_of(system: &str, kid: &str) -> Vec<u8> {
    let ids = [system, kid].map(|id| Uuid::parse_str(id).unwrap().into_bytes());
    [b"\0\0\0\x30pssh\0\0\0\0", &ids[0][..], b"\0\0\0\x10", &ids[1][..]].concat()
}

/// What the service says of a key to one system's players.
pub fn key_line(system: &str, kid: &str) -> String {
    let data = |system: &str| format!("data:text/plain;base64,{}", STANDARD.encode(pssh_of(system, kid)));
    let bare = kid.replace('-', "");
    match system {
        WIDEVINE => format!(
            "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"{}\",KEYID=0x{bare},\
             KEYFORMAT=\"urn:uuid:{WIDEVINE}\",KEYFORMATVERSIONS=\"1\"",
            data(WIDEVINE)
        ),
        PLAYREADY => format!(
            "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"{}\",KEYFORMAT=\"com.microsoft.playready\",KEYFORMATVERSIONS=\"1\"",
            data(PLAYREADY)
        ),
        FAIRPLAY => format!(
            "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://{kid}\",\
             KEYFORMAT=\"com.apple.streamingkeydelivery\",KEYFORMATVERSIONS=\"1\""
        ),
        other => panic!("no system {other}"),
    }
}

async fn answer(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let Some(asked) = read(&mut stream).await else { return };
    let fault = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.asked.push(asked.clone());
        state.fault
    };
    let (status, body) = match (fault, asked.path.as_str()) {
        (Some(status), _) => (status, b"the service's own words".to_vec()),
        (None, "/keys") => (200, keys(&String::from_utf8(asked.body).unwrap()).into_bytes()),
        (None, "/certificate") => (200, CERTIFICATE.to_vec()),
        (None, path) if path.starts_with("/license/") => license(&asked),
        (None, _) => (404, Vec::new()),
    };
    let head = format!(
        "HTTP/1.1 {status} Said\r\nX-Speke-Version: 2.1\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    // A client that has seen enough hangs up.
    let _ = stream.write_all(&[head.as_bytes(), &body].concat()).await;
}

async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
            let mut lines = head.lines();
            let path = lines.next()?.split(' ').nth(1)?.to_owned();
            let header =
                |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
            let headers: BTreeMap<_, _> = lines.filter_map(header).collect();
            let length: usize = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
            if bytes.len() >= end + 4 + length {
                return Some(Asked { path, headers, body: bytes[end + 4..].to_vec() });
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// The licence for what has a good token: the challenge from behind.
fn license(asked: &Asked) -> (u16, Vec<u8>) {
    let token = asked.headers.get("x-license-token").and_then(|token| claims(token));
    if token.is_none() {
        return (403, b"no token".to_vec());
    }
    (200, asked.body.iter().rev().copied().collect())
}

/// What a token says, where it is signed with the secret. Whether it has run out is the clock of a test's.
pub fn claims(token: &str) -> Option<Value> {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_audience(&["license-server"]);
    validation.set_issuer(&["marquee"]);
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    validation.validate_exp = false;
    let key = DecodingKey::from_secret(SECRET.as_bytes());
    let token = jsonwebtoken::decode::<Value>(token, &key, &validation).ok()?;
    (token.header.typ.as_deref() == Some("license+jwt")).then_some(token.claims)
}

/// The answer to a CPIX document that asks for keys.
fn keys(document: &str) -> String {
    let root = Element::parse(document).unwrap();
    let of = |list, item| root.child(CPIX, list).unwrap().children(CPIX, item).collect::<Vec<_>>();
    let content = |key: &&Element| {
        let (kid, iv) = (key.attribute("kid").unwrap(), key.attribute("explicitIV").unwrap());
        let value = STANDARD.encode(key_of(kid));
        format!(
            "<ContentKey kid='{kid}' explicitIV='{iv}' commonEncryptionScheme='cbcs'><Data><p:Secret>\
             <p:PlainValue>{value}</p:PlainValue></p:Secret></Data></ContentKey>"
        )
    };
    let contents: Vec<String> = of("ContentKeyList", "ContentKey").iter().map(content).collect();
    let system = |asked: &&Element| {
        let (kid, id) = (asked.attribute("kid").unwrap(), asked.attribute("systemId").unwrap());
        let pssh = asked
            .child(CPIX, "PSSH")
            .map(|_| format!("<PSSH>{}</PSSH>", STANDARD.encode(pssh_of(id, kid))))
            .unwrap_or_default();
        let line = STANDARD.encode(key_line(id, kid));
        format!(
            "<DRMSystem kid='{kid}' systemId='{id}'>{pssh}<HLSSignalingData playlist='media'>{line}</HLSSignalingData>\
             </DRMSystem>"
        )
    };
    let systems: Vec<String> = of("DRMSystemList", "DRMSystem").iter().map(system).collect();
    let content_id = root.attribute("contentId").unwrap();
    format!(
        "<CPIX xmlns='{CPIX}' xmlns:p='urn:ietf:params:xml:ns:keyprov:pskc' contentId='{content_id}' version='2.4'>\
         <ContentKeyList>{}</ContentKeyList><DRMSystemList>{}</DRMSystemList></CPIX>",
        contents.concat(),
        systems.concat()
    )
}
