//! Product placement (植入): what of somebody else's is seen in a film, for how long and under which contract. It is in the
//! picture, so nothing is left out when the film is played. Where it may not be seen, a clean edit is shown instead:
//! another packaged asset of the part, for some territories, or wherever placements of some categories may not be shown.

use serde::{Deserialize, Serialize};

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::AssetId;
use crate::base::limits;
use crate::base::territory::{Territory, TerritorySet};
use crate::catalog::title::Title;

/// One brand in one stretch of a part, `[in, out)` in whole seconds from its beginning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Placement {
    /// Counted from 1.
    pub part: u32,
    pub brand: String,
    pub category: PlacementCategory,
    /// The operator's own word for it.
    #[serde(default)]
    pub contract: Option<String>,
    pub in_seconds: u32,
    pub out_seconds: u32,
    /// For how much of that it is seen.
    pub exposure_seconds: u32,
}

/// What is placed, as laws on advertising tell it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlacementCategory {
    Alcohol,
    Tobacco,
    Gambling,
    Medicine,
    Finance,
    Food,
    InfantFood,
    Other,
}

/// Another edit of a part, without what may not be seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CleanEdit {
    /// Counted from 1.
    pub part: u32,
    pub asset_id: AssetId,
    pub runtime_ms: i64,
    /// Where it is shown, whatever else holds there.
    pub territories: Option<TerritorySet>,
    /// Of these nothing is seen in it: it is shown wherever a placement of the part may not be, if it names all such.
    pub categories: Vec<PlacementCategory>,
}

impl CleanEdit {
    /// Whether it is made for a territory. An unknown one is none.
    pub fn is_for(&self, place: Option<Territory>) -> bool {
        self.territories.as_ref().is_some_and(|set| place.is_some_and(|place| set.contains(place)))
    }
}

/// Refuses what no operator can have meant of a title's placements and clean edits.
pub fn check_all(title: &Title) -> Result<()> {
    let (placements, edits) = (&title.details.placements, &title.details.clean_edits);
    if placements.len() > limits::PLACEMENTS_PER_TITLE_MAX {
        let message = format!("A title has at most {} placements.", limits::PLACEMENTS_PER_TITLE_MAX);
        return refuse("placements", message);
    }
    for placement in placements {
        placement.check(title)?;
    }
    if edits.len() > limits::CLEAN_EDITS_PER_TITLE_MAX {
        let message = format!("A title has at most {} clean edits.", limits::CLEAN_EDITS_PER_TITLE_MAX);
        return refuse("clean_edits", message);
    }
    for edit in edits {
        edit.check(title)?;
    }
    Ok(())
}

impl Placement {
    fn check(&self, title: &Title) -> Result<()> {
        let refuse = |message: String| refuse("placements", message);
        if title.part(self.part).is_none() {
            return refuse(format!("{} is placed in part {}, which is not there.", self.brand, self.part));
        }
        let is_named = |text: &str, chars_max| !text.trim().is_empty() && text.chars().count() <= chars_max;
        if !is_named(&self.brand, limits::NAME_CHARS_MAX) {
            return refuse(format!("A brand has 1 to {} characters.", limits::NAME_CHARS_MAX));
        }
        if !self.contract.as_deref().is_none_or(|contract| is_named(contract, limits::REASON_CHARS_MAX)) {
            return refuse(format!("A contract has 1 to {} characters.", limits::REASON_CHARS_MAX));
        }
        // A film may end within a second.
        let seconds = title.part_runtime_ms(self.part).saturating_add(999) / 1000;
        if self.in_seconds >= self.out_seconds || i64::from(self.out_seconds) > seconds {
            return refuse(format!(
                "{} is seen from an instant of part {} to a later one, in its {seconds} seconds.",
                self.brand, self.part
            ));
        }
        if !(1..=self.out_seconds - self.in_seconds).contains(&self.exposure_seconds) {
            return refuse(format!(
                "{} is seen for 1 second at least, and no longer than from its beginning to its end.",
                self.brand
            ));
        }
        Ok(())
    }
}

impl CleanEdit {
    fn check(&self, title: &Title) -> Result<()> {
        let refuse = |message: String| refuse("clean_edits", message);
        let Some(film) = title.part(self.part) else {
            return refuse(format!("There is no part {} to show in a clean edit.", self.part));
        };
        if film == self.asset_id {
            return refuse(format!("{film} is part {} itself.", self.part));
        }
        let is_repeated = |(place, category)| self.categories[..place].contains(category);
        if self.categories.iter().enumerate().any(is_repeated) {
            return refuse("A clean edit names each category once.".into());
        }
        if self.territories.is_none() && self.categories.is_empty() {
            return refuse("Say where a clean edit is shown, or of which categories nothing is seen in it.".into());
        }
        // Its release licence is bound to the cut that was looked at.
        if title.details.country == Some(Territory::CHINA) && self.is_for(Some(Territory::CHINA)) {
            return refuse(
                "In China a title that was made there is shown in the cut that its release licence is for. Leave CN out."
                    .into(),
            );
        }
        Ok(())
    }
}

fn refuse(param: &str, message: String) -> Result<()> {
    Err(Error::new(ErrorKind::Unprocessable, "TITLE_INVALID", message).with_param(param))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::UtcMs;
    use crate::base::id::TitleId;
    use crate::catalog::details::TitleDetails;
    use crate::catalog::title::{LocalizedText, TitleStatus};

    fn asset(n: u8) -> AssetId {
        AssetId::from_bytes([n; 16])
    }

    fn territories(codes: &[&str]) -> TerritorySet {
        TerritorySet { include: codes.iter().map(|code| code.parse().unwrap()).collect(), ..TerritorySet::default() }
    }

    /// Two parts, of ten seconds and of ten and a bit.
    fn title() -> Title {
        Title {
            id: TitleId::new(UtcMs(1)),
            name: LocalizedText::from([("en".to_owned(), "A film".to_owned())]),
            synopsis: LocalizedText::new(),
            status: TitleStatus::Live,
            parts: vec![asset(1), asset(2)],
            runtime_ms: 20_001,
            details: TitleDetails {
                part_runtimes_ms: vec![10_000, 10_001],
                country: Some(Territory::CHINA),
                placements: vec![Placement {
                    part: 1,
                    brand: "Ale".into(),
                    category: PlacementCategory::Alcohol,
                    contract: None,
                    in_seconds: 0,
                    out_seconds: 10,
                    exposure_seconds: 10,
                }],
                clean_edits: vec![CleanEdit {
                    part: 2,
                    asset_id: asset(3),
                    runtime_ms: 9_000,
                    territories: Some(territories(&["DE"])),
                    categories: vec![],
                }],
                ..TitleDetails::default()
            },
            created_at: UtcMs(1),
            version: 1,
        }
    }

    #[test]
    fn what_no_operator_can_have_meant_is_refused() {
        let checked = |edit: &dyn Fn(&mut Placement, &mut CleanEdit)| {
            let mut title = title();
            let TitleDetails { placements, clean_edits, .. } = &mut title.details;
            edit(&mut placements[0], &mut clean_edits[0]);
            title.check().map_err(|error| error.param().unwrap_or_default().to_owned())
        };
        let (ok, placements, edits) = (Ok(()), Err("placements".to_owned()), Err("clean_edits".to_owned()));
        assert_eq!(checked(&|_, _| {}), ok);
        assert_eq!(checked(&|it, _| it.part = 0), placements);
        assert_eq!(checked(&|it, _| it.part = 3), placements);
        assert_eq!(checked(&|it, _| it.out_seconds = 11), placements);
        assert_eq!(checked(&|it, _| (it.part, it.out_seconds) = (2, 11)), ok, "the last second is one");
        assert_eq!(checked(&|it, _| (it.part, it.out_seconds) = (2, 12)), placements);
        assert_eq!(checked(&|it, _| it.in_seconds = 9), placements, "it is seen for longer than it is there");
        assert_eq!(checked(&|it, _| (it.in_seconds, it.exposure_seconds) = (9, 1)), ok);
        assert_eq!(checked(&|it, _| it.in_seconds = 10), placements);
        assert_eq!(checked(&|it, _| it.exposure_seconds = 0), placements);
        assert_eq!(checked(&|it, _| it.brand = " ".into()), placements);
        assert_eq!(checked(&|it, _| it.contract = Some(String::new())), placements);
        assert_eq!(checked(&|_, it| it.part = 3), edits);
        assert_eq!(checked(&|_, it| it.asset_id = asset(2)), edits);
        assert_eq!(checked(&|_, it| it.territories = None), edits, "it would be shown nowhere");
        assert_eq!(checked(&|_, it| (it.territories, it.categories) = (None, vec![PlacementCategory::Food])), ok);
        assert_eq!(checked(&|_, it| it.categories = vec![PlacementCategory::Food; 2]), edits);
        assert_eq!(checked(&|_, it| it.territories = Some(territories(&["DE", "CN"]))), edits);
        assert_eq!(
            checked(&|_, it| it.territories = Some(TerritorySet::default())),
            edits,
            "the world has China in it"
        );
        let mut foreign = title();
        foreign.details.country = None;
        foreign.details.clean_edits[0].territories = Some(territories(&["CN"]));
        foreign.check().unwrap();
    }

    #[test]
    fn placements_and_clean_edits_go_with_their_film() {
        let mut title = title();
        title.set_parts(vec![asset(2), asset(1)], vec![10_001, 10_000]);
        let TitleDetails { placements, clean_edits, .. } = &title.details;
        assert_eq!((placements[0].part, clean_edits[0].part), (2, 1));
        // A new cut takes over what is said of the one whose place it takes.
        title.set_parts(vec![asset(4), asset(1)], vec![10_000, 10_000]);
        assert_eq!((title.details.placements[0].part, title.details.clean_edits[0].part), (2, 1));
        title.set_parts(vec![asset(1)], vec![10_000]);
        assert_eq!((title.details.placements[0].part, title.details.clean_edits.len()), (1, 0));
    }
}
