//! An avail: the right to offer a title, in MovieLabs' sense: licence type, territories, window, and what of the film. An avail's end ends
//! sale (and the opening of new member and free sessions) at that instant; it ends viewing only through `hard_end_at`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{AvailId, TitleId};
use crate::base::limits;
use crate::base::territory::TerritorySet;
use crate::rights::caps::{Caps, shared};
use crate::rights::window::Window;

/// The right to offer one title in some territories for some time. It lies in memory as it is written here: first what
/// every decision reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(C)]
pub struct Avail {
    pub territories: TerritorySet,
    pub license_type: LicenseType,
    /// `FixedEndDate`: nobody watches under this avail at or after this instant, whatever was bought.
    pub hard_end_at: Option<UtcMs>,
    pub id: AvailId,
    /// What of the film it lets be seen and heard, where that is not all.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "shared")]
    pub caps: Option<Arc<Caps>>,
    pub window: Window,
    pub title_id: TitleId,
    /// `LicenseRightsDescription`: free text such as `PVOD` or `New Release`.
    pub description: Option<String>,
}

/// The Avails vocabulary as far as it is executed here. `Avod` is a bilateral value, as the vocabulary has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LicenseType {
    /// Pay per title for some time, through an offer. PVOD is `Vod` with a description.
    Vod,
    /// Electronic sell-through: a title is bought for good, through an offer.
    Est,
    /// Included for members.
    Svod,
    /// Free to watch.
    Avod,
}

impl LicenseType {
    pub const ALL: [LicenseType; 4] = [LicenseType::Vod, LicenseType::Est, LicenseType::Svod, LicenseType::Avod];

    pub fn as_str(self) -> &'static str {
        match self {
            LicenseType::Vod => "vod",
            LicenseType::Est => "est",
            LicenseType::Svod => "svod",
            LicenseType::Avod => "avod",
        }
    }

    pub fn parse(text: &str) -> Option<LicenseType> {
        LicenseType::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Whether a title is sold under it by itself, through offers.
    pub fn is_sold(self) -> bool {
        matches!(self, LicenseType::Vod | LicenseType::Est)
    }
}

impl Avail {
    pub fn check(&self) -> Result<()> {
        self.window.check()?;
        let is_line = |text: &String| {
            (1..=limits::NAME_CHARS_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control)
        };
        if self.description.as_ref().is_some_and(|text| !is_line(text)) {
            let message = format!("A description is one line of 1 to {} characters.", limits::NAME_CHARS_MAX);
            return Err(Error::new(ErrorKind::Unprocessable, "FIELD_INVALID", message).with_param("description"));
        }
        if self.hard_end_at.is_some_and(|hard_end_at| hard_end_at <= self.window.start_at) {
            return Err(Error::new(
                ErrorKind::Unprocessable,
                "HARD_END_BEFORE_START",
                "The hard end must lie after the start of the window.",
            )
            .with_param("hard_end_at"));
        }
        self.caps.as_ref().map_or(Ok(()), |caps| caps.check())
    }

    /// Whether a hard end has come.
    pub fn has_hard_ended(&self, now: UtcMs) -> bool {
        self.hard_end_at.is_some_and(|hard_end_at| now >= hard_end_at)
    }
}
