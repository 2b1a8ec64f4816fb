//! The section `[playback]`: on how many devices an account is used.

use serde::{Deserialize, Serialize};

use crate::base::error::{Error, ErrorKind, Result};

const DEVICES: std::ops::RangeInclusive<u32> = 1..=100;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlaybackConfig {
    pub devices_per_account: u32,
}

impl Default for PlaybackConfig {
    fn default() -> PlaybackConfig {
        PlaybackConfig { devices_per_account: 5 }
    }
}

impl PlaybackConfig {
    /// How many devices an account may watch on, if that is a number that can be.
    pub fn device_limit(&self) -> Result<u32> {
        if DEVICES.contains(&self.devices_per_account) {
            return Ok(self.devices_per_account);
        }
        Err(Error::new(ErrorKind::Config, "CONFIG_INVALID", "playback.devices_per_account is 1 to 100."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_1_to_100_devices() {
        let limit = |devices_per_account| PlaybackConfig { devices_per_account }.device_limit();
        assert_eq!(PlaybackConfig::default().device_limit().unwrap(), 5);
        assert_eq!((limit(1).unwrap(), limit(100).unwrap()), (1, 100));
        for wrong in [0, 101] {
            assert_eq!(limit(wrong).unwrap_err().code(), "CONFIG_INVALID");
        }
    }
}
