//! A title: a work as a viewer knows it, of one or more parts, each part an asset.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{AssetId, TitleId};
use crate::base::limits;
use crate::catalog::details::{TitleDetails, check_text};
use crate::catalog::licence::{CardSource, card_name};
use crate::catalog::placement;

/// A text by BCP 47 language tag (`zh-CN`, `en`).
pub type LocalizedText = BTreeMap<String, String>;

/// A work in the catalogue. It lies in memory as it is written here: first what every decision reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(C)]
pub struct Title {
    pub id: TitleId,
    pub status: TitleStatus,
    /// Part 1 first; empty until a film has been packaged for it.
    pub parts: Vec<AssetId>,
    /// The running time of all parts together.
    pub runtime_ms: i64,
    pub details: TitleDetails,
    pub name: LocalizedText,
    pub synopsis: LocalizedText,
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
        placement::check_all(self)?;
        self.details.check(self.parts.len())
    }

    /// Gives it other parts, each with its running time. What is said of a part goes with its film, wherever that is put; a
    /// film that is new takes over what is said of the one whose place it takes, where that one is gone.
    pub fn set_parts(&mut self, parts: Vec<AssetId>, runtimes_ms: Vec<i64>) {
        let before = std::mem::replace(&mut self.parts, parts);
        let details = &mut self.details;
        let mut is_used = vec![false; before.len()];
        let same: Vec<Option<usize>> = self
            .parts
            .iter()
            .map(|asset| {
                let old = (0..before.len()).find(|old| !is_used[*old] && before[*old] == *asset)?;
                is_used[old] = true;
                Some(old)
            })
            .collect();
        let taken_over = |place: usize| is_used.get(place).is_some_and(|is_used| !is_used).then_some(place);
        let from = || same.iter().enumerate().map(|(place, old)| old.or_else(|| taken_over(place)));
        let (names, opens_at) = (std::mem::take(&mut details.part_names), std::mem::take(&mut details.part_opens_at));
        details.part_names =
            from().map(|old| old.and_then(|old| names.get(old).cloned()).unwrap_or_default()).collect();
        details.part_opens_at = from().map(|old| old.and_then(|old| opens_at.get(old).copied().flatten())).collect();
        let origins: Vec<Option<usize>> = from().collect();
        let stays = |part: &mut u32| {
            let old = part.checked_sub(1).map(|place| place as usize);
            let new = (1..).zip(&origins).find(|(_, origin)| old.is_some() && **origin == old);
            new.map(|(place, _)| *part = place).is_some()
        };
        details.placements.retain_mut(|placement| stays(&mut placement.part));
        details.clean_edits.retain_mut(|edit| stays(&mut edit.part));
        while details.part_names.last().is_some_and(BTreeMap::is_empty) {
            details.part_names.pop();
        }
        while details.part_opens_at.last().is_some_and(Option::is_none) {
            details.part_opens_at.pop();
        }
        self.runtime_ms = runtimes_ms.iter().fold(0, |sum, ms| sum.saturating_add(*ms));
        details.part_runtimes_ms = runtimes_ms;
    }

    /// Of the parts that are not to move, those that `parts` would move or take away, counted from 1. Another film may take
    /// the place of one, unless it is a part itself.
    pub fn moved_parts(&self, fixed: &[u32], parts: &[AssetId]) -> Vec<u32> {
        let is_kept = |part: u32| {
            let place = part as usize - 1;
            let (before, after) = (self.parts.get(place), parts.get(place));
            before == after || after.is_some_and(|after| !self.parts.contains(after))
        };
        fixed.iter().copied().filter(|part| !is_kept(*part)).collect()
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

    /// What the card before one of its films is made of, where the title has a licence.
    pub fn card_source(&self, film: AssetId) -> Option<CardSource> {
        let licence = self.details.licence.clone()?;
        Some(CardSource { film, licence, name: card_name(&self.name).to_owned() })
    }

    /// Everything that is shown as one of its parts: the parts, then their clean edits.
    pub fn films(&self) -> impl Iterator<Item = AssetId> + '_ {
        self.films_of_parts().map(|(_, film)| film)
    }

    /// The same, each with its part, counted from 1.
    pub fn films_of_parts(&self) -> impl Iterator<Item = (u32, AssetId)> + '_ {
        let edits = self.details.clean_edits.iter().map(|edit| (edit.part, edit.asset_id));
        (1..).zip(self.parts.iter().copied()).chain(edits)
    }

    /// The asset of part `part`, counted from 1.
    pub fn part(&self, part: u32) -> Option<AssetId> {
        let index = usize::try_from(part.checked_sub(1)?).ok()?;
        self.parts.get(index).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asset(n: i64) -> AssetId {
        AssetId::from_bytes(u128::from(n.unsigned_abs()).to_be_bytes())
    }

    fn series() -> Title {
        let name = |text: &str| LocalizedText::from([("en".to_owned(), text.to_owned())]);
        Title {
            id: TitleId::new(UtcMs(1)),
            name: name("A series"),
            synopsis: LocalizedText::new(),
            status: TitleStatus::Live,
            parts: vec![asset(1), asset(2), asset(3)],
            runtime_ms: 3,
            details: TitleDetails {
                part_names: vec![name("one"), name("two"), name("three")],
                part_opens_at: vec![None, None, Some(UtcMs(9))],
                ..TitleDetails::default()
            },
            created_at: UtcMs(1),
            version: 1,
        }
    }

    #[test]
    fn what_is_said_of_a_part_goes_with_its_film() {
        let at = |ms: i64| Some(UtcMs(ms));
        for (parts, names, opens_at) in [
            (vec![1, 2, 3], "one two three", vec![None, None, at(9)]),
            (vec![3, 1], "three one", vec![at(9)]),
            (vec![1, 2], "one two", vec![]),
            (vec![1, 4, 3], "one two three", vec![None, None, at(9)]),
            (vec![4, 1, 2, 3], "- one two three", vec![None, None, None, at(9)]),
            (vec![1, 2, 4], "one two three", vec![None, None, at(9)]),
            (vec![1, 2, 3, 3], "one two three", vec![None, None, at(9)]),
            (vec![], "", vec![]),
        ] {
            let mut title = series();
            let runtimes_ms = vec![7; parts.len()];
            title.set_parts(parts.iter().copied().map(asset).collect(), runtimes_ms.clone());
            let said: Vec<&str> =
                title.details.part_names.iter().map(|name| name.get("en").map_or("-", String::as_str)).collect();
            assert_eq!((said.join(" ").as_str(), &title.details.part_opens_at), (names, &opens_at), "{parts:?}");
            assert_eq!((title.runtime_ms, title.details.part_runtimes_ms), (7 * parts.len() as i64, runtimes_ms));
        }
    }

    #[test]
    fn parts_that_are_not_to_move_may_be_cut_anew() {
        for (parts, moved) in [
            (vec![1, 2, 3], vec![]),
            (vec![1, 2, 3, 4], vec![]),
            (vec![1, 4, 3], vec![]),
            (vec![1, 2], vec![3]),
            (vec![2, 1, 3], vec![2]),
            (vec![4, 1, 2, 3], vec![2, 3]),
        ] {
            let parts_wanted: Vec<AssetId> = parts.iter().copied().map(asset).collect();
            assert_eq!(series().moved_parts(&[2, 3], &parts_wanted), moved, "{parts:?}");
        }
    }
}
