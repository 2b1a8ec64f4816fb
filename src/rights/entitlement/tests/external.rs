//! The word of the operator's own billing: it is asked for last, and opens no window.

use super::*;
use crate::rights::external::{ExternalWord, Question, question};

fn allows(avail_id: AvailId, until: UtcMs) -> External {
    External::Allows(ExternalWord { avail_id, until, streams: 2, reference: Some("A-17".into()) })
}

fn told(external: External) -> ViewerRights {
    ViewerRights { external: Some(external), ..nobody() }
}

#[test]
fn it_is_asked_about_open_windows_and_by_who_has_nothing() {
    let mut cinema = cinema();
    let asked = |cinema: &Cinema, viewer: &ViewerRights, now| question(&cinema.rights, 1, viewer, Some(cn()), now);
    let around = |cinema: &Cinema, instant: UtcMs| {
        [-1, 0, 1].map(|ms| {
            let found = asked(cinema, &nobody(), UtcMs(instant.0 + ms));
            found.map_or_else(Vec::new, |question| question.avails.into_iter().map(|(id, _)| id).collect())
        })
    };
    let (pvod, svod) = (cinema.pvod, cinema.svod);
    assert_eq!(around(&cinema, pvod_start()), [vec![], vec![pvod], vec![pvod]]);
    assert_eq!(around(&cinema, pvod_end()), [vec![pvod], vec![svod], vec![svod]]);
    let now = pvod_start();
    let expected = Question {
        title_id: cinema.rights.title.id,
        part: 1,
        territory: Some(cn()),
        at: now,
        avails: vec![(pvod, LicenseType::Vod)],
    };
    assert_eq!(asked(&cinema, &nobody(), now), Some(expected.clone()));
    assert_eq!(asked(&cinema, &with(vec![cinema.bought(now)], vec![]), now), None, "it plays anyway");
    assert_eq!(question(&cinema.rights, 1, &nobody(), Some("DE".parse().unwrap()), now), None, "no window there");
    assert_eq!(question(&cinema.rights, 1, &nobody(), None, now), None);
    // A window in which nothing is sold here is the operator's own to sell.
    cinema.rights.offers.clear();
    assert_eq!(asked(&cinema, &nobody(), now), Some(expected));
    cinema.rights.title.details.part_opens_at = vec![Some(UtcMs(now.0 + 1))];
    assert_eq!(asked(&cinema, &nobody(), now), None, "the part waits");
    cinema.rights.title.status = TitleStatus::Suspended;
    assert_eq!(asked(&cinema, &nobody(), now), None);
}

#[test]
fn its_word_holds_in_the_window_and_until_it_ends() {
    let mut cinema = cinema();
    let until = UtcMs(pvod_start().0 + HOUR_MS);
    let viewer = told(allows(cinema.pvod, until));
    assert_eq!(cinema.around(&viewer, pvod_start()), ["WINDOW_NOT_OPEN", "external", "external"]);
    assert_eq!(cinema.around(&viewer, until), ["external", "PAYMENT_REQUIRED", "PAYMENT_REQUIRED"]);
    let long = told(allows(cinema.pvod, UtcMs(i64::MAX)));
    assert_eq!(cinema.around(&long, pvod_end()), ["external", "MEMBERSHIP_REQUIRED", "MEMBERSHIP_REQUIRED"]);
    assert_eq!(cinema.answer_in(&long, Some("DE".parse().unwrap()), pvod_start()), "GEO_NOT_LICENSED");
    assert_eq!(cinema.answer(&told(allows(cinema.svod, until)), pvod_start()), "PAYMENT_REQUIRED", "not open yet");
    assert_eq!(cinema.answer(&told(allows(AvailId::new(UtcMs(9)), until)), pvod_start()), "PAYMENT_REQUIRED");
    // What is had of us comes first.
    let both = ViewerRights { grants: vec![cinema.rented(pvod_start())], ..viewer.clone() };
    assert_eq!(cinema.answer(&both, pvod_start()), "grant");

    let session = cinema.session(&viewer, pvod_start());
    let right = &session.entitlement;
    assert_eq!((right.ends_at, right.streams, right.reference.as_deref()), (Some(until), 2, Some("A-17")));
    let goes_on = |cinema: &Cinema, now| still_entitled(&session, &cinema.rights, None, None, Some(cn()), now);
    let around = [-1, 0, 1].map(|ms| goes_on(&cinema, UtcMs(until.0 + ms)));
    assert_eq!(around, [Ok(()), Err(DenialCode::RentalExpired), Err(DenialCode::RentalExpired)]);
    let elsewhere = still_entitled(&session, &cinema.rights, None, None, Some("DE".parse().unwrap()), pvod_start());
    assert_eq!(elsewhere, Err(DenialCode::GeoNotLicensed));
    // A hard end is one for everybody.
    let hard = UtcMs(pvod_start().0 + HOUR_MS / 2);
    cinema.rights.avails[0].hard_end_at = Some(hard);
    assert_eq!(cinema.session(&viewer, pvod_start()).entitlement.ends_at, Some(hard));
    assert_eq!(goes_on(&cinema, hard), Err(DenialCode::WindowClosed));
}

#[test]
fn silence_is_no_answer_and_a_no_is_one() {
    let mut cinema = cinema();
    let (silent, denied) = (told(External::Silent), told(External::Denies));
    let unheard = "ENTITLEMENT_HOOK_UNAVAILABLE";
    assert_eq!(cinema.around(&silent, pvod_start()), ["WINDOW_NOT_OPEN", unheard, unheard]);
    assert_eq!(cinema.answer(&denied, pvod_start()), "PAYMENT_REQUIRED");
    let bought = ViewerRights { grants: vec![cinema.bought(pvod_start())], ..silent.clone() };
    assert_eq!(cinema.answer(&bought, pvod_start()), "grant", "who has it of us is not affected");
    cinema.rights.offers.clear();
    assert_eq!(cinema.answer(&nobody(), pvod_start()), "WINDOW_NOT_OPEN", "nobody was asked");
    assert_eq!(cinema.answer(&denied, pvod_start()), "PAYMENT_REQUIRED", "it is sold elsewhere");
    let (_, steps) = explain(&cinema.rights, 1, &denied, Some(cn()), pvod_start());
    let step = steps.iter().find(|step| step.check == Check::External).unwrap();
    assert_eq!((step.outcome, step.code), (trace::Outcome::Fail, None));
}
