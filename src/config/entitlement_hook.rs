//! The section `[entitlement_hook]`: an operator's own billing, which is asked who may watch.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::error::{Error, ErrorKind, Result};

/// Milliseconds that a request may have.
const TIMEOUT_MS: std::ops::RangeInclusive<u64> = 100..=10_000;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EntitlementHookConfig {
    /// `https://…`; without it nobody is asked.
    pub url: Option<String>,
    /// A file with the secret that signs what is asked.
    pub secret_file: Option<PathBuf>,
    pub timeout_ms: u64,
}

impl Default for EntitlementHookConfig {
    fn default() -> EntitlementHookConfig {
        EntitlementHookConfig { url: None, secret_file: None, timeout_ms: 2_000 }
    }
}

impl EntitlementHookConfig {
    /// Where to ask and the file of the secret; nothing where nobody is asked. A half of it is refused.
    pub fn checked(&self) -> Result<Option<(&str, &PathBuf)>> {
        let invalid = |message: &str| Err(Error::new(ErrorKind::Config, "ENTITLEMENT_HOOK_INVALID", message));
        if !TIMEOUT_MS.contains(&self.timeout_ms) {
            return invalid("entitlement_hook.timeout_ms is 100 to 10000.");
        }
        match (&self.url, &self.secret_file) {
            (None, None) => Ok(None),
            (Some(url), Some(secret_file)) => Ok(Some((url, secret_file))),
            _ => invalid("Set entitlement_hook.url and entitlement_hook.secret_file, or neither."),
        }
    }

    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_of_it_is_refused() {
        let none = EntitlementHookConfig::default;
        let url = || Some("https://billing.example/hook".to_owned());
        let file = || Some(PathBuf::from("/etc/marquee/hook"));
        assert_eq!(none().checked().unwrap(), None);
        assert!(EntitlementHookConfig { url: url(), secret_file: file(), ..none() }.checked().unwrap().is_some());
        for wrong in [
            EntitlementHookConfig { url: url(), ..none() },
            EntitlementHookConfig { secret_file: file(), ..none() },
            EntitlementHookConfig { timeout_ms: 99, ..none() },
            EntitlementHookConfig { timeout_ms: 10_001, ..none() },
        ] {
            assert_eq!(wrong.checked().unwrap_err().code(), "ENTITLEMENT_HOOK_INVALID");
        }
    }
}
