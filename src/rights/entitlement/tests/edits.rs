//! Which edit of a part is shown where, and who is told that there is none.

use super::*;
use crate::catalog::placement::PlacementCategory::{self, Alcohol, Food, Tobacco};
use crate::catalog::placement::{CleanEdit, Placement};
use crate::rights::caps::FormatProfile;
use crate::rights::edit::{self, edit_of, is_shown_at_all};
use crate::rights::language_terms::{LanguageTerms, Sound};
use crate::rights::placement_blocks::{PlacementBlock, PlacementBlocks};
use crate::rights::trace::Check;

/// What is shown in a table of these tests: the film, a clean edit by its number, or nothing.
const FILM: u8 = 0;
const NOTHING: u8 = u8::MAX;

fn territories(codes: &str) -> TerritorySet {
    let include = codes.split_whitespace().map(|code| code.parse().unwrap()).collect();
    TerritorySet { include, ..TerritorySet::default() }
}

fn place(code: &str) -> Option<Territory> {
    code.parse().ok()
}

fn edit(n: u8, codes: Option<&str>, categories: &[PlacementCategory]) -> CleanEdit {
    let asset_id = AssetId::from_bytes([n; 16]);
    let territories = codes.map(territories);
    CleanEdit { part: 1, asset_id, runtime_ms: 60_000, territories, categories: categories.to_vec() }
}

/// A film on in China, Germany and the United States, with beer, a cigar and bread in it. Beer may not be shown in the
/// first two, cigars in Germany and France.
fn placed(edits: Vec<CleanEdit>) -> Cinema {
    let mut cinema = cinema();
    for avail in &mut cinema.rights.avails {
        avail.territories = territories("CN DE US");
    }
    place_in(&mut cinema, &[Food, Alcohol, Tobacco, Alcohol]);
    cinema.rights.title.details.clean_edits = edits;
    cinema
}

/// With something in its first part that may not be shown in China.
pub fn placed_in_china(cinema: &mut Cinema) {
    place_in(cinema, &[Alcohol]);
}

fn place_in(cinema: &mut Cinema, categories: &[PlacementCategory]) {
    let placement = |category: &PlacementCategory| Placement {
        part: 1,
        brand: "Brand".into(),
        category: *category,
        contract: None,
        in_seconds: 0,
        out_seconds: 1,
        exposure_seconds: 1,
    };
    cinema.rights.title.details.placements = categories.iter().map(placement).collect();
    let block = |category, codes| PlacementBlock { category, territories: territories(codes) };
    let blocks = vec![block(Alcohol, "CN DE"), block(Tobacco, "DE FR")];
    cinema.rights.placement_blocks = Some(Arc::new(PlacementBlocks { blocks, version: 1 }));
}

fn shown(cinema: &Cinema, place: Option<Territory>) -> u8 {
    match edit_of(&cinema.rights, 1, place) {
        Ok(None) => FILM,
        Ok(Some(edit)) => edit.asset_id.to_bytes()[0],
        Err(code) => {
            assert_eq!(code, DenialCode::CleanEditMissing);
            NOTHING
        }
    }
}

#[test]
fn a_clean_edit_is_shown_where_it_is_for_and_where_it_answers() {
    let sober = || edit(1, None, &[Alcohol]);
    let clean = || edit(2, None, &[Tobacco, Alcohol]);
    let german = || edit(3, Some("DE"), &[]);
    let places = [place("CN"), place("DE"), place("US"), place("FR"), None];
    for (edits, expected) in [
        (vec![], [NOTHING, NOTHING, FILM, NOTHING, NOTHING]),
        (vec![sober()], [1, NOTHING, FILM, NOTHING, NOTHING]),
        (vec![clean()], [2, 2, FILM, 2, 2]),
        (vec![sober(), clean()], [1, 2, FILM, 2, 2]),
        // What is made for a territory is shown there first, whatever it says of categories.
        (vec![clean(), german()], [2, 3, FILM, 2, 2]),
        (vec![german()], [NOTHING, 3, FILM, NOTHING, NOTHING]),
        (vec![edit(4, Some("US"), &[Alcohol])], [4, NOTHING, 4, NOTHING, NOTHING]),
        (vec![CleanEdit { part: 2, ..clean() }], [NOTHING, NOTHING, FILM, NOTHING, NOTHING]),
    ] {
        let mut cinema = placed(edits.clone());
        assert_eq!(places.map(|place| shown(&cinema, place)), expected, "{edits:?}");
        let any = places.map(|place| is_shown_at_all(&cinema.rights, place));
        assert_eq!(any, expected.map(|shown| shown != NOTHING), "{edits:?}");
        assert_eq!(edit_of(&cinema.rights, 3, place("DE")), Ok(None), "nothing is placed in another part");
        // What was made in China is shown there as it was licensed, or not at all.
        cinema.rights.title.details.country = place("CN");
        let at_home = [NOTHING, expected[1], expected[2], expected[3], expected[4]];
        assert_eq!(places.map(|place| shown(&cinema, place)), at_home, "{edits:?}");
        cinema.rights.placement_blocks = None;
        assert_eq!(shown(&cinema, place("CN")), FILM);
    }
}

#[test]
fn nobody_is_shown_or_sold_what_may_not_be_seen_and_waiting_is_still_said() {
    let now = pvod_start();
    let cinema = placed(vec![edit(1, None, &[Alcohol])]);
    let bought = with(vec![cinema.bought(now)], vec![]);
    let answers = |viewer: &ViewerRights| ["CN", "DE", "US"].map(|code| cinema.answer_in(viewer, place(code), now));
    assert_eq!(answers(&bought), ["grant", "CLEAN_EDIT_MISSING", "grant"]);
    assert_eq!(answers(&nobody()), ["PAYMENT_REQUIRED", "CLEAN_EDIT_MISSING", "PAYMENT_REQUIRED"]);
    let sold =
        |code| quote(&cinema.rights, &cinema.rights.offers[0], &nobody(), place(code), now).map_err(|it| it.code);
    assert_eq!((sold("CN").is_ok(), sold("DE").err()), (true, Some(DenialCode::CleanEditMissing)));
    let before = UtcMs(now.0 - 1);
    assert_eq!(cinema.answer_in(&nobody(), place("DE"), before), "WINDOW_NOT_OPEN");
    assert_eq!(cinema.answer_in(&nobody(), place("FR"), now), "GEO_NOT_LICENSED");
    // Who lives where it may be seen takes it along within the Area, and the other way round.
    let mut union = placed(vec![]);
    for avail in &mut union.rights.avails {
        avail.territories = territories("DE IT");
    }
    let bought_there = with(vec![union.bought(now)], vec![]);
    let home = |home| ViewerRights { home: place(home), ..bought_there.clone() };
    assert_eq!(union.answer_in(&home("IT"), place("DE"), now), "grant");
    assert_eq!(union.answer_in(&home("DE"), place("IT"), now), "CLEAN_EDIT_MISSING");

    // The explanation comes to the same, by one step.
    let (decision, steps) = explain(&cinema.rights, 1, &bought, place("DE"), now);
    assert_eq!(decision, Decision::Deny(Denial::of(DenialCode::CleanEditMissing)));
    let coded: Vec<Check> = steps.iter().filter(|step| step.code.is_some()).map(|step| step.check).collect();
    assert_eq!(coded, [Check::Edit]);
    assert_eq!(steps.last().unwrap().facts["blocked"], serde_json::json!(["alcohol", "tobacco"]));
    let (_, steps) = explain(&cinema.rights, 1, &nobody(), place("DE"), now);
    let coded: Vec<Check> = steps.iter().filter(|step| step.code.is_some()).map(|step| step.check).collect();
    assert_eq!(coded, [Check::Edit]);

    // Who goes on elsewhere is asked anew.
    let session = cinema.session(&bought, now);
    let goes_on = still_entitled(&session, &cinema.rights, bought.grants.first(), None, place("DE"), now);
    assert_eq!(goes_on, Err(DenialCode::CleanEditMissing));
}

#[test]
fn previews_partners_and_invited_viewers_are_shown_no_more_and_trailers_are_no_films() {
    let now = pvod_start();
    let mut cinema = placed(vec![edit(1, None, &[Alcohol])]);
    cinema.rights.title.details.preview_ms = Some(60_000);
    let preview = |code| match decide_preview(&cinema.rights, None, place(code), now).unwrap() {
        Decision::Allow(right) => right.cause.rule(),
        Decision::Deny(denial) => denial.code.as_str(),
    };
    assert_eq!(["CN", "DE", "US"].map(preview), ["preview", "CLEAN_EDIT_MISSING", "preview"]);
    let trailer = decide_trailer(&cinema.rights.title, place("DE"), now);
    assert!(matches!(trailer, Decision::Allow(right) if right.cause == Cause::Trailer));
    let screener = screeners::screener(&cinema);
    let invited = ViewerRights { screeners: vec![screener.clone()], ..ViewerRights::default() };
    let answers = ["CN", "DE", "US"].map(|code| cinema.answer_in(&invited, place(code), screener.starts_at));
    assert_eq!(answers, ["screener", "CLEAN_EDIT_MISSING", "screener"]);
    assert_eq!(cinema.answer_in(&invited, None, screener.starts_at), "CLEAN_EDIT_MISSING", "it may be anywhere");
}

/// The film speaks Chinese; its clean edit was dubbed.
#[test]
fn languages_are_those_of_the_edit_that_is_shown() {
    let mut cinema = placed(vec![edit(1, None, &[Alcohol, Tobacco])]);
    let rights = &mut cinema.rights;
    let (film, clean) = (rights.title.parts[0], AssetId::from_bytes([1; 16]));
    let sound = |language: &str| Sound(vec![Some(language.to_owned())]);
    rights.sounds = [(film, sound("zh")), (clean, sound("de"))].into();
    let list = vec!["de".parse().unwrap()];
    rights.avails[0].caps = Caps::of(Some(LanguageTerms::Allow(list)), FormatProfile::Uhd);
    let bought = with(vec![cinema.bought(pvod_start())], vec![]);
    let answers = ["DE", "US"].map(|code| cinema.answer_in(&bought, place(code), pvod_start()));
    assert_eq!(answers, ["grant", "LANGUAGE_HELD_BACK"]);
}

#[test]
fn who_goes_on_elsewhere_sees_what_may_be_seen_there() {
    let cinema = placed(vec![edit(7, Some("DE"), &[])]);
    let (germany, america, china) = (place("DE"), place("US"), place("CN"));
    let viewer = ViewerRights { grants: vec![cinema.rented(pvod_start())], ..nobody() };
    let session = |territory, asset_id| {
        let Decision::Allow(right) = decide(&cinema.rights, &viewer, territory, pvod_start()) else { panic!("denied") };
        PlaybackSession { asset_id, territory, ..cinema.session_under(right, pvod_start()) }
    };
    let film = cinema.rights.title.part(1).unwrap();
    let goes_on = |session: &PlaybackSession, here| {
        still_entitled(session, &cinema.rights, viewer.grants.first(), None, here, pvod_start())
    };
    let of_film = session(america, film);
    assert_eq!(goes_on(&of_film, america), Ok(()));
    assert_eq!(goes_on(&of_film, germany), Err(DenialCode::SessionEnded), "another edit is shown there");
    assert_eq!(goes_on(&of_film, china), Err(DenialCode::CleanEditMissing));
    let clean = session(germany, AssetId::from_bytes([7; 16]));
    assert_eq!([goes_on(&clean, germany), goes_on(&clean, america)], [Ok(()), Ok(())]);
    // The film is what counts, at whatever place it stands now; and in China only the licensed cut.
    let mut moved = cinema.rights.clone();
    moved.title.parts.insert(0, AssetId::from_bytes([9; 16]));
    for placement in &mut moved.title.details.placements {
        placement.part = 2;
    }
    assert_eq!(edit::goes_on(&of_film, &moved, china), Err(DenialCode::CleanEditMissing));
    let mut made_there = cinema.rights.clone();
    made_there.title.details.country = china;
    made_there.placement_blocks = None;
    assert_eq!(edit::goes_on(&clean, &made_there, china), Err(DenialCode::SessionEnded));
    assert_eq!(edit::goes_on(&of_film, &made_there, china), Ok(()));
}
