//! Licences of DRM systems: a viewer's challenge goes to the operator's licence server, with what the viewer may have in a
//! signed token.

use std::collections::BTreeMap;

use bytes::Bytes;
use tokio::sync::{OnceCell, Semaphore};

use crate::base::clock::{Clock, UtcMs};
use crate::base::drm_system::DrmSystem;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::KeyId;
use crate::base::limits;
use crate::drm::contract::TrackType;
use crate::drm::license_server::{LicenseAddress, LicenseClient, content_type};
use crate::drm::license_token::{LicenseRights, LicenseTokens};
use crate::playback::gate::Entitled;

/// What Widevine's module sends to get the certificate that it encrypts its challenges for: a request without a key.
const WIDEVINE_CERTIFICATE_REQUEST: [u8; 2] = [8, 4];

/// A DRM service: its addresses, and how it believes us.
pub struct LicenseService {
    pub client: LicenseClient,
    pub tokens: LicenseTokens,
    pub servers: BTreeMap<DrmSystem, LicenseAddress>,
    pub fairplay_certificate: Option<LicenseAddress>,
    pub clock: Clock,
}

/// What a decryption module gets.
pub struct License {
    pub bytes: Bytes,
    pub content_type: &'static str,
}

/// Passes challenges on, a bounded number at once.
pub struct Licenses {
    /// None where no DRM is configured.
    service: Option<LicenseService>,
    waiting: Semaphore,
    certificate: OnceCell<Bytes>,
}

impl Licenses {
    pub fn new(service: Option<LicenseService>) -> Licenses {
        Licenses { service, waiting: Semaphore::new(limits::LICENSES_WAITING_MAX), certificate: OnceCell::new() }
    }

    /// The licence for a challenge of at least one byte: of `keys`, until `ends_at` at the latest.
    pub async fn license(
        &self,
        system: DrmSystem,
        entitled: &Entitled,
        ends_at: UtcMs,
        keys: Vec<(KeyId, TrackType)>,
        challenge: Bytes,
    ) -> Result<License> {
        let service = self.service.as_ref().ok_or_else(no_server)?;
        let server = service.servers.get(&system).ok_or_else(no_server)?;
        if challenge.is_empty() {
            let message = "A licence request has the challenge of a decryption module in its body.";
            return Err(Error::new(ErrorKind::Invalid, "LICENSE_REQUEST_INVALID", message));
        }
        let rights =
            LicenseRights { session: entitled.session_id(), asset: entitled.presentation().film, ends_at, keys };
        let token = service.tokens.sign(&rights, system, service.clock.now())?;
        let _place = self.waiting.try_acquire().map_err(|_| {
            let message = "Too many viewers wait for a licence. Try again in a moment.";
            Error::new(ErrorKind::Unavailable, "LICENSES_WAITING_MAX", message)
        })?;
        let bytes = service.client.license(server, system, &token, challenge).await?;
        Ok(License { bytes, content_type: content_type(system) })
    }

    /// FairPlay's certificate, fetched once.
    pub async fn certificate(&self) -> Result<Bytes> {
        let service = self.service.as_ref().ok_or_else(no_server)?;
        let address = service.fairplay_certificate.as_ref().ok_or_else(no_server)?;
        self.certificate.get_or_try_init(|| service.client.fetch(address)).await.cloned()
    }
}

/// Whether a challenge asks for no key, so that its answer starts no rental.
pub fn is_preparation(system: DrmSystem, challenge: &[u8]) -> bool {
    system == DrmSystem::Widevine && challenge == WIDEVINE_CERTIFICATE_REQUEST
}

fn no_server() -> Error {
    let message = "This server has no licences of that DRM system.";
    Error::new(ErrorKind::NotFound, "LICENSE_SYSTEM_UNKNOWN", message)
}
