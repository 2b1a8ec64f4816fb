//! A title: a work as a viewer knows it, of one or more parts, each part an asset.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{AssetId, TitleId};
use crate::base::limits;
use crate::catalog::details::{TitleDetails, check_text};
use crate::catalog::licence::{CardSource, card_name};

/// A text by BCP 47 language tag (`zh-CN`, `en`).
pub type LocalizedText = BTreeMap<String, String>;

/// A work in the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Title {
    pub id: TitleId,
    pub name: LocalizedText,
    pub synopsis: LocalizedText,
    pub status: TitleStatus,
    /// Part 1 first; empty until a film has been packaged for it.
    pub parts: Vec<AssetId>,
    /// The running time of all parts together.
    pub runtime_ms: i64,
    pub details: TitleDetails,
    pub created_at: UtcMs,
    /// Grows by one with each edit; the `ETag` of the operator API.
    pub version: i64,
}

/// Where a title stands in the catalogue, set by an operator. What may be sold and watched is computed from windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TitleStatus {
    /// In preparation: 404 for everyone without a grant.
    Draft,
    Live,
    /// Blocked for a time: listed, neither sold nor played.
    Suspended,
    /// Taken down for good; the row stays as a tombstone.
    Withdrawn,
}

impl TitleStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            TitleStatus::Draft => "draft",
            TitleStatus::Live => "live",
            TitleStatus::Suspended => "suspended",
            TitleStatus::Withdrawn => "withdrawn",
        }
    }

    pub fn parse(text: &str) -> Option<TitleStatus> {
        [TitleStatus::Draft, TitleStatus::Live, TitleStatus::Suspended, TitleStatus::Withdrawn]
            .into_iter()
            .find(|status| status.as_str() == text)
    }
}

impl Title {
    /// Refuses what no operator can have meant.
    pub fn check(&self) -> Result<()> {
        let refuse = |param: &str, message: String| {
            Err(Error::new(ErrorKind::Unprocessable, "TITLE_INVALID", message).with_param(param))
        };
        if self.name.is_empty() {
            return refuse("name", "A title needs a name in at least one language.".into());
        }
        check_text("name", &self.name, limits::NAME_CHARS_MAX)?;
        if self.synopsis.values().any(|text| text.chars().count() > limits::SYNOPSIS_CHARS_MAX) {
            return refuse("synopsis", format!("A synopsis has at most {} characters.", limits::SYNOPSIS_CHARS_MAX));
        }
        if self.parts.len() > limits::PARTS_PER_TITLE_MAX {
            return refuse("parts", format!("A title has at most {} parts.", limits::PARTS_PER_TITLE_MAX));
        }
        self.details.check(self.parts.len())
    }

    /// Where it stands for everybody but operators: one that has not been announced is as if in preparation.
    pub fn standing(&self, now: UtcMs) -> TitleStatus {
        let is_announced = self.details.announced_at.is_none_or(|announced_at| now >= announced_at);
        match self.status {
            TitleStatus::Live | TitleStatus::Suspended if !is_announced => TitleStatus::Draft,
            status => status,
        }
    }

    /// The running time of part `part`, counted from 1.
    pub fn part_runtime_ms(&self, part: u32) -> i64 {
        let index = part.checked_sub(1).and_then(|index| usize::try_from(index).ok());
        match index.and_then(|index| self.details.part_runtimes_ms.get(index)) {
            Some(runtime_ms) => *runtime_ms,
            // A title of one part is as long as its part.
            None if self.parts.len() == 1 => self.runtime_ms,
            None => 0,
        }
    }

    /// How much of part 1 its preview shows: what the operator has set, and a quarter of the part at most.
    pub fn preview_ms(&self) -> Option<i64> {
        let quarter = self.part_runtime_ms(1) / 4;
        self.details.preview_ms.map(|ms| ms.min(quarter)).filter(|ms| *ms > 0)
    }

    /// From when part `part` may be watched at all, where that is still to come.
    pub fn part_opening(&self, part: u32, now: UtcMs) -> Option<UtcMs> {
        let index = usize::try_from(part.checked_sub(1)?).ok()?;
        (*self.details.part_opens_at.get(index)?).filter(|opens_at| now < *opens_at)
    }

    /// What the card of part `part` is made of, where the title has a licence.
    pub fn card_source(&self, part: u32) -> Option<CardSource> {
        let (film, licence) = (self.part(part)?, self.details.licence.clone()?);
        Some(CardSource { film, licence, name: card_name(&self.name).to_owned() })
    }

    /// The asset of part `part`, counted from 1.
    pub fn part(&self, part: u32) -> Option<AssetId> {
        let index = usize::try_from(part.checked_sub(1)?).ok()?;
        self.parts.get(index).copied()
    }
}
