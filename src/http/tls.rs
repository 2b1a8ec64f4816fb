//! TLS: which versions, ciphers and protocols, and where the certificate comes from.
//!
//! rustls with aws-lc-rs, TLS 1.2 and 1.3. AES-128-GCM comes first and the server's order counts: it is the cheapest
//! cipher per byte on machines with AES instructions (PERFORMANCE, 0.38 CPU-s/GB against 1.3 of ChaCha20).

use std::fs;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{CertificateParams, DnType, KeyPair, SanType};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{CipherSuite, ServerConfig, ServerConnection};

use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::limits;

pub(crate) const ALPN_H2: &[u8] = b"h2";
const ALPN_HTTP1: &[u8] = b"http/1.1";

const DEV_CERTIFICATE: &str = "dev-cert.pem";
const DEV_KEY: &str = "dev-key.pem";

/// A PEM certificate chain and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// Makes aws-lc-rs, with AES-128-GCM first, the provider of this process. The first thing `main` and every test harness
/// do; doing it again changes nothing.
pub fn install_provider() {
    // An error means that one is installed already.
    let _ = provider().install_default();
}

fn provider() -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    // A stable sort: what is not AES-128 keeps its order behind it.
    provider.cipher_suites.sort_by_key(|suite| {
        !matches!(
            suite.suite(),
            CipherSuite::TLS13_AES_128_GCM_SHA256
                | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
                | CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
        )
    });
    provider
}

/// The configuration of an HTTPS listener with this certificate.
pub fn server_config(files: &CertificateFiles) -> Result<Arc<ServerConfig>> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect)
        .map_err(|error| unreadable(&files.certificate, "certificate", error))?;
    if chain.is_empty() {
        return Err(invalid(format!("{} holds no certificate.", files.certificate.display())));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| unreadable(&files.key, "private key", error))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::internal("no TLS version is left").with_source(error))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| {
            let (certificate, key) = (files.certificate.display(), files.key.display());
            invalid(format!("The certificate {certificate} and the key {key} do not make a pair: {error}."))
                .with_source(error)
        })?;
    config.alpn_protocols = vec![ALPN_H2.to_vec(), ALPN_HTTP1.to_vec()];
    config.ignore_client_order = true;
    config.ticketer = aws_lc_rs::Ticketer::new()
        .map_err(|error| Error::internal("no TLS session tickets can be made").with_source(error))?;
    Ok(Arc::new(config))
}

/// Bounds what rustls holds of a response before it asks to be written out.
pub(crate) fn bound_buffer(connection: &mut ServerConnection) {
    connection.set_buffer_limit(Some(limits::TLS_BUFFER_BYTES));
}

fn unreadable(path: &Path, what: &str, error: rustls::pki_types::pem::Error) -> Error {
    let path = path.display();
    let message = match &error {
        rustls::pki_types::pem::Error::Io(io) => format!("The {what} {path} cannot be read: {io}."),
        _ => format!("{path} is not a PEM file with a {what}: {error}."),
    };
    invalid(message).with_source(error)
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::Config, "TLS_CERT_INVALID", message)
}

/// The self-signed certificate in `folder` for localhost, 127.0.0.1 and ::1. Made when there is none, or when the one
/// there is older than its year; the key is readable by this user only.
pub fn development_certificate(folder: &Path, now: UtcMs) -> Result<CertificateFiles> {
    let files = CertificateFiles { certificate: folder.join(DEV_CERTIFICATE), key: folder.join(DEV_KEY) };
    if files.key.exists() && is_fresh(&files.certificate, now) {
        return Ok(files);
    }
    make_certificate(folder, &files, now).map_err(|error| {
        let message = format!("No development certificate could be made in {}: {error}.", folder.display());
        Error::new(ErrorKind::Config, "TLS_CERT_NOT_MADE", message).with_source(error)
    })?;
    Ok(files)
}

/// Its file was written less than its life ago, less a day.
fn is_fresh(certificate: &Path, now: UtcMs) -> bool {
    let written_at = fs::metadata(certificate).and_then(|metadata| metadata.modified()).ok();
    let written_at = written_at.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    written_at.is_some_and(|since_epoch| {
        let age_ms = now.0 - since_epoch.as_millis() as i64;
        age_ms < (limits::DEV_CERTIFICATE_DAYS - 1) * 24 * 3600 * 1000
    })
}

fn make_certificate(folder: &Path, files: &CertificateFiles, now: UtcMs) -> io::Result<()> {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).map_err(io::Error::other)?;
    params.subject_alt_names.push(SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    params.subject_alt_names.push(SanType::IpAddress(IpAddr::V6(Ipv6Addr::LOCALHOST)));
    params.distinguished_name.push(DnType::CommonName, "Marquee development");
    let day = std::time::Duration::from_secs(24 * 3600);
    let (year, month, date) = utc_date(now - day)?;
    params.not_before = rcgen::date_time_ymd(year, month, date);
    let (year, month, date) = utc_date(now + day * limits::DEV_CERTIFICATE_DAYS as u32)?;
    params.not_after = rcgen::date_time_ymd(year, month, date);
    let key = KeyPair::generate().map_err(io::Error::other)?;
    let certificate = params.self_signed(&key).map_err(io::Error::other)?;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    // The key first: a certificate without one would be taken for a finished pair.
    write_anew(&files.key, &key.serialize_pem(), 0o600)?;
    write_anew(&files.certificate, &certificate.pem(), 0o644)
}

fn utc_date(instant: UtcMs) -> io::Result<(i32, u8, u8)> {
    let date =
        jiff::Timestamp::from_millisecond(instant.0).map_err(io::Error::other)?.to_zoned(jiff::tz::TimeZone::UTC);
    Ok((i32::from(date.year()), date.month() as u8, date.day() as u8))
}

/// Writes beside and renames, so that nobody sees half a file.
fn write_anew(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let beside = path.with_extension("new");
    let _ = fs::remove_file(&beside);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Clock;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_development_certificate_is_made_once_and_its_key_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("tls");
        let now = Clock::system().now();
        let files = development_certificate(&inner, now).unwrap();
        let certificate = fs::read(&files.certificate).unwrap();
        assert_eq!(fs::metadata(&files.key).unwrap().permissions().mode() & 0o777, 0o600);
        server_config(&files).unwrap();
        development_certificate(&inner, now).unwrap();
        assert_eq!(fs::read(&files.certificate).unwrap(), certificate);
        development_certificate(&inner, now + std::time::Duration::from_secs(365 * 86_400)).unwrap();
        assert_ne!(fs::read(&files.certificate).unwrap(), certificate);
    }

    #[test]
    fn what_is_wrong_with_a_certificate_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let now = Clock::system().now();
        let good = development_certificate(&folder.path().join("a"), now).unwrap();
        let other = development_certificate(&folder.path().join("b"), now).unwrap();
        let empty = folder.path().join("empty.pem");
        fs::write(&empty, "").unwrap();
        for (certificate, key, says) in [
            (folder.path().join("none"), good.key.clone(), "cannot be read"),
            (empty.clone(), good.key.clone(), "no certificate"),
            (good.certificate.clone(), empty, "private key"),
            (good.certificate.clone(), other.key, "do not make a pair"),
        ] {
            let error = server_config(&CertificateFiles { certificate, key }).unwrap_err();
            assert_eq!((error.kind(), error.code()), (ErrorKind::Config, "TLS_CERT_INVALID"));
            assert!(error.message().contains(says), "{}", error.message());
        }
    }

    #[test]
    fn aes_128_comes_first() {
        let suites: Vec<_> = provider().cipher_suites.iter().map(rustls::SupportedCipherSuite::suite).collect();
        assert_eq!(suites[0], CipherSuite::TLS13_AES_128_GCM_SHA256);
        assert_eq!(suites.len(), aws_lc_rs::default_provider().cipher_suites.len());
    }
}
