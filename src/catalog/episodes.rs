//! How the episodes of a series are had one by one: the first ones free, each of the others for coins or for watching
//! advertising. It holds wherever a `Vod` window of the title is open.

use serde::{Deserialize, Serialize};

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::limits;

/// The terms of one series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpisodeTerms {
    /// Episodes 1 to this one are free.
    pub free: u32,
    /// What each of the others costs.
    pub coins: u32,
    /// How many a viewer may unlock a day by watching advertising.
    #[serde(default)]
    pub rewarded_per_day: u32,
}

impl EpisodeTerms {
    pub fn check(&self) -> Result<()> {
        let refuse = |message: String| {
            Err(Error::new(ErrorKind::Unprocessable, "TITLE_INVALID", message).with_param("episodes"))
        };
        if !(1..=limits::EPISODE_COINS_MAX).contains(&self.coins) {
            return refuse(format!("An episode costs 1 to {} coins.", limits::EPISODE_COINS_MAX));
        }
        if self.free as usize > limits::PARTS_PER_TITLE_MAX {
            return refuse(format!("At most {} episodes are free.", limits::PARTS_PER_TITLE_MAX));
        }
        if self.rewarded_per_day as usize > limits::PARTS_PER_TITLE_MAX {
            let message = format!("At most {} episodes a day are for advertising.", limits::PARTS_PER_TITLE_MAX);
            return refuse(message);
        }
        Ok(())
    }

    pub fn is_free(&self, part: u32) -> bool {
        (1..=self.free).contains(&part)
    }
}
