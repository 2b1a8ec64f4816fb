//! Which edit of a part is shown in a territory: the part itself, or a clean edit of it. A clean edit that is made for the
//! territory comes first; else, where a placement of the part may not be shown there, the first that names all categories
//! which may not. Where there is none the part is not shown there.
//!
//! In China a title that was made there is shown in the cut that its release licence is bound to, and in no other.

use crate::base::id::AssetId;
use crate::base::territory::Territory;
use crate::catalog::placement::{CleanEdit, PlacementCategory};
use crate::rights::denial::{Denial, DenialCode, NextOption};
use crate::rights::entitlement::Decision;
use crate::rights::portability::deemed;
use crate::rights::session::PlaybackSession;
use crate::rights::snapshot::TitleRights;
use crate::rights::trace::{self, Tracer};

/// The clean edit that is shown of part `part`, counted from 1; none where the part itself is.
pub fn edit_of(title: &TitleRights, part: u32, place: Option<Territory>) -> Result<Option<&CleanEdit>, DenialCode> {
    let details = &title.title.details;
    if details.placements.is_empty() && details.clean_edits.is_empty() {
        return Ok(None);
    }
    let blocked = blocked(title, part, place);
    if !is_licensed_cut(title, place) {
        let mut edits = details.clean_edits.iter().filter(|edit| edit.part == part);
        if let Some(edit) = edits.clone().find(|edit| edit.is_for(place)) {
            return Ok(Some(edit));
        }
        let answers = |edit: &&CleanEdit| blocked.iter().all(|category| edit.categories.contains(category));
        if !blocked.is_empty()
            && let Some(edit) = edits.find(answers)
        {
            return Ok(Some(edit));
        }
    }
    if blocked.is_empty() { Ok(None) } else { Err(DenialCode::CleanEditMissing) }
}

/// The asset that is shown of a part, or would be.
pub fn film_of(title: &TitleRights, part: u32, place: Option<Territory>) -> Option<AssetId> {
    match edit_of(title, part, place) {
        Ok(Some(edit)) => Some(edit.asset_id),
        Ok(None) | Err(_) => title.title.part(part),
    }
}

/// Refuses a part that may not be shown in a territory.
pub fn require(title: &TitleRights, part: u32, place: Option<Territory>) -> Result<(), Denial> {
    edit_of(title, part, place).map(|_| ()).map_err(Denial::of)
}

/// Whether a session that was opened elsewhere may go on in a territory: it goes on showing the film that it began with.
/// A block that comes later ends nothing for who has stayed.
pub fn goes_on(session: &PlaybackSession, title: &TitleRights, place: Option<Territory>) -> Result<(), DenialCode> {
    let details = &title.title.details;
    let has_edits = !details.placements.is_empty() || !details.clean_edits.is_empty();
    if !has_edits || deemed(session.entitlement.home, session.territory) == place {
        return Ok(());
    }
    // Parts may have been put in another order since.
    let shown = title.title.films_of_parts().find(|(_, film)| *film == session.asset_id);
    let part = shown.map_or(session.part, |(part, _)| part);
    let is_another = match edit_of(title, part, place)? {
        Some(edit) => edit.asset_id != session.asset_id,
        None => is_licensed_cut(title, place) && title.title.part(part) != Some(session.asset_id),
    };
    // Opened anew it is shown.
    if is_another { Err(DenialCode::SessionEnded) } else { Ok(()) }
}

fn is_licensed_cut(title: &TitleRights, place: Option<Territory>) -> bool {
    place == Some(Territory::CHINA) && title.title.details.country == place
}

/// Whether any part may be shown in a territory: nothing is sold where none may.
pub fn is_shown_at_all(title: &TitleRights, place: Option<Territory>) -> bool {
    let parts = u32::try_from(title.title.parts.len()).unwrap_or(u32::MAX);
    title.title.details.placements.is_empty() || (1..=parts).any(|part| edit_of(title, part, place).is_ok())
}

/// What becomes of a decision about a part by what may be seen of it where it is asked for: a right that could show
/// nothing is none, and nothing is offered that would not help. `place` is where the viewer is taken to be.
pub fn shown(
    decision: Decision,
    title: &TitleRights,
    part: u32,
    place: Option<Territory>,
    territory: Option<Territory>,
    tracer: &mut impl Tracer,
) -> Decision {
    let details = &title.title.details;
    if details.placements.is_empty() && details.clean_edits.is_empty() {
        return decision;
    }
    let place = match &decision {
        Decision::Allow(right) => deemed(right.home, territory),
        Decision::Deny(denial) if denial.next.iter().any(costs_something) => place,
        Decision::Deny(_) => return decision,
    };
    let edit = edit_of(title, part, place);
    if edit.is_ok() && matches!(decision, Decision::Deny(_)) {
        return decision;
    }
    tracer.step(|| trace::edit(edit, part, &blocked(title, part, place), place));
    match edit {
        Ok(_) => decision,
        Err(code) => Decision::Deny(Denial::of(code)),
    }
}

/// The categories of placements of a part that may not be shown in a territory, each once.
fn blocked(title: &TitleRights, part: u32, place: Option<Territory>) -> Vec<PlacementCategory> {
    let Some(blocks) = &title.placement_blocks else { return Vec::new() };
    let placements = title.title.details.placements.iter().filter(|placement| placement.part == part);
    let mut categories: Vec<PlacementCategory> =
        placements.map(|placement| placement.category).filter(|category| blocks.forbid(*category, place)).collect();
    categories.sort_unstable();
    categories.dedup();
    categories
}

fn costs_something(option: &NextOption) -> bool {
    !matches!(option, NextOption::Wait { .. })
}
