//! Wires the operator's own billing, where there is one.

use std::sync::Arc;

use prometheus_client::registry::Registry;

use crate::base::clock::Clock;
use crate::base::error::{Error, ErrorKind, Result};
use crate::commerce::entitlement_hook::{EntitlementHook, HookOptions};
use crate::config::entitlement_hook::EntitlementHookConfig;
use crate::playback::external::ExternalBilling;

/// The hook of the configuration.
pub fn billing(
    config: &EntitlementHookConfig,
    clock: Clock,
    registry: &mut Registry,
) -> Result<Option<Arc<dyn ExternalBilling>>> {
    let Some((url, secret_file)) = config.checked()? else { return Ok(None) };
    let secret = std::fs::read_to_string(secret_file).map_err(|error| {
        let message =
            format!("The file of entitlement_hook.secret_file, {}, cannot be read: {error}.", secret_file.display());
        Error::new(ErrorKind::Config, "ENTITLEMENT_HOOK_INVALID", message)
    })?;
    let options = HookOptions { url: url.to_owned(), secret: secret.trim().to_owned(), timeout: config.timeout() };
    Ok(Some(Arc::new(EntitlementHook::new(&options, clock, registry)?)))
}
