//! Clients that do exactly what they are told, unlike good ones.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A raw connection, plain or over TLS.
pub struct Raw(pub Box<dyn Stream>);

impl Raw {
    pub async fn plain(address: SocketAddr) -> Raw {
        Raw(Box::new(TcpStream::connect(address).await.unwrap()))
    }

    pub async fn tls(address: SocketAddr, alpn: &[u8]) -> Raw {
        Raw(Box::new(tls(address, alpn).await))
    }

    /// Sends; a server that has hung up is noticed when reading.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.0.write_all(bytes.as_ref()).await;
        let _ = self.0.flush().await;
    }

    /// Everything until the server closes; panics when it has not within five seconds.
    pub async fn read_to_end(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(5), self.0.read_to_end(&mut bytes)).await;
        let _ = read.expect("the server closes the connection");
        bytes
    }

    pub async fn text_to_end(&mut self) -> String {
        String::from_utf8_lossy(&self.read_to_end().await).into_owned()
    }

    /// Reads until `mark` has come.
    pub async fn read_until(&mut self, mark: impl AsRef<[u8]>) -> Vec<u8> {
        let mut bytes = Vec::new();
        let read = async {
            while !bytes.ends_with(mark.as_ref()) {
                let byte = self.0.read_u8().await.expect("the connection is open");
                bytes.push(byte);
            }
        };
        tokio::time::timeout(Duration::from_secs(5), read).await.expect("the mark comes");
        bytes
    }

    /// Nothing comes, and the connection stays open, for so long.
    pub async fn stays_open_for(&mut self, duration: Duration) -> bool {
        tokio::time::timeout(duration, self.0.read_u8()).await.is_err()
    }
}

pub async fn tls(address: SocketAddr, alpn: &[u8]) -> TlsStream<TcpStream> {
    marquee::http::tls::install_provider();
    let mut config = rustls::ClientConfig::builder()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate))
        .with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
}

#[derive(Debug)]
struct AnyCertificate;

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// A client that knows the protocol. It trusts any certificate: these tests are not about trust.
pub fn polite(http2: bool) -> reqwest::Client {
    marquee::http::tls::install_provider();
    let builder = reqwest::Client::builder().danger_accept_invalid_certs(true).timeout(Duration::from_secs(5));
    if http2 { builder.http2_prior_knowledge() } else { builder.http1_only() }.build().unwrap()
}

pub const H2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// One HTTP/2 frame.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// HEADERS of a request for `path`, HPACK without Huffman.
pub fn headers(stream: u32, method: &str, path: &str, end_stream: bool) -> Vec<u8> {
    let mut block = Vec::new();
    // Literals without indexing, named by the static table: :method, :path, :authority, and :scheme https.
    for (name, value) in [(2u8, method), (4, path), (1, "localhost")] {
        block.push(name);
        assert!(value.len() < 127);
        block.push(value.len() as u8);
        block.extend(value.as_bytes());
    }
    block.push(0x87);
    frame(1, 4 | u8::from(end_stream), stream, &block)
}

/// Type, flags, stream and payload of every whole frame in `bytes`.
pub fn frames(mut bytes: &[u8]) -> Vec<(u8, u8, u32, Vec<u8>)> {
    let mut frames = Vec::new();
    while bytes.len() >= 9 {
        let length = u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]) as usize;
        if bytes.len() < 9 + length {
            break;
        }
        let stream = u32::from_be_bytes([bytes[5], bytes[6], bytes[7], bytes[8]]);
        frames.push((bytes[3], bytes[4], stream, bytes[9..9 + length].to_vec()));
        bytes = &bytes[9 + length..];
    }
    frames
}
