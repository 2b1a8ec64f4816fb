//! Invitations: what they open, what still blocks, and what is used before them.

use super::*;
use crate::base::id::ScreenerId;
use crate::rights::screener::ScreenerKind;
use crate::rights::trace::{Check, Outcome};

fn begins() -> UtcMs {
    UtcMs(pvod_start().0 - 20 * DAY_MS)
}

fn ends() -> UtcMs {
    UtcMs(pvod_start().0 - 10 * DAY_MS)
}

pub fn screener(cinema: &Cinema) -> Screener {
    Screener {
        id: ScreenerId::new(UtcMs(1)),
        title_id: cinema.rights.title.id,
        viewer_id: cinema.viewer_id,
        kind: ScreenerKind::Festival,
        starts_at: begins(),
        ends_at: ends(),
        streams: 1,
        territories: None,
        note: None,
        created_at: UtcMs(1),
        revoked_at: None,
    }
}

fn invited_to(screener: &Screener) -> ViewerRights {
    ViewerRights { screeners: vec![screener.clone()], ..ViewerRights::default() }
}

/// A draft, a title that is not announced, no window in the territory, an unknown one, no release licence: each at the
/// beginning and at the end.
#[test]
fn an_invitation_opens_what_is_open_to_nobody_and_ends_hard() {
    type Change = fn(&mut Cinema);
    let rows: [(&str, Change, Option<Territory>, &str); 5] = [
        ("a draft", |cinema| cinema.rights.title.status = TitleStatus::Draft, Some(cn()), "TITLE_NOT_FOUND"),
        (
            "not announced",
            |cinema| cinema.rights.title.details.announced_at = Some(pvod_start()),
            Some(cn()),
            "TITLE_NOT_FOUND",
        ),
        ("no window there", |_| {}, Some("US".parse().unwrap()), "GEO_NOT_LICENSED"),
        ("nobody knows where", |_| {}, None, "GEO_NOT_LICENSED"),
        ("no licence", |cinema| cinema.rights.title.details.country = Some(cn()), Some(cn()), "LICENCE_REQUIRED"),
    ];
    for (name, change, territory, others) in rows {
        let mut cinema = cinema();
        change(&mut cinema);
        let viewer = invited_to(&screener(&cinema));
        let around = |instant: UtcMs| [-1, 0, 1].map(|ms| cinema.answer_in(&viewer, territory, UtcMs(instant.0 + ms)));
        assert_eq!(around(begins()), ["WINDOW_NOT_OPEN", "screener", "screener"], "{name}");
        assert_eq!(around(ends()), ["screener", "SCREENING_OVER", "SCREENING_OVER"], "{name}");
        assert_eq!(cinema.answer_in(&nobody(), territory, begins()), others, "{name}: to everybody else");
        let revoked = invited_to(&Screener { revoked_at: Some(begins()), ..screener(&cinema) });
        assert_eq!(cinema.answer_in(&revoked, territory, begins()), others, "{name}: revoked");
    }
}

#[test]
fn what_is_blocked_by_law_or_by_us_is_blocked_for_the_invited_too() {
    let revoke = |cinema: &mut Cinema| {
        let licence = Licence { kind: LicenceKind::OnlineFiling, number: "V31001572104501".into() };
        cinema.rights.title.details.country = Some(cn());
        let revocation = Revocation { licence, at: begins(), reason: String::new() };
        cinema.rights.title.details.compliance.revocations.push(revocation);
    };
    for status in [TitleStatus::Live, TitleStatus::Draft, TitleStatus::Suspended, TitleStatus::Withdrawn] {
        for (is_revoked, is_empty) in [(false, false), (true, false), (false, true)] {
            let mut cinema = cinema();
            let given = screener(&cinema);
            let viewer = invited_to(&given);
            cinema.rights.screeners.push(given);
            let session = cinema.session(&viewer, begins());
            cinema.rights.title.status = status;
            if is_revoked {
                revoke(&mut cinema);
            }
            if is_empty {
                cinema.rights.title.parts.clear();
            }
            let expected = match status {
                TitleStatus::Suspended => "TITLE_SUSPENDED",
                TitleStatus::Withdrawn => "TITLE_WITHDRAWN",
                _ if is_empty => "TITLE_SUSPENDED",
                _ if is_revoked => "LICENCE_REVOKED",
                _ => "screener",
            };
            let row = (status, is_revoked, is_empty);
            assert_eq!(cinema.answer(&viewer, begins()), expected, "{row:?}");
            let goes_on = |place| {
                let answer = still_entitled(&session, &cinema.rights, None, None, place, begins());
                answer.map_or_else(DenialCode::as_str, |()| "screener")
            };
            assert_eq!(goes_on(Some(cn())), expected, "{row:?}");
            // Nobody knows where that is: it may be China.
            assert_eq!(
                (cinema.answer_in(&viewer, None, begins()).as_str(), goes_on(None)),
                (expected, expected),
                "{row:?}"
            );
        }
    }
}

/// A grant that runs, a membership, a free window, a grant that waits to be started, beside an invitation.
#[test]
fn an_invitation_is_used_before_what_would_start_a_clock_and_after_everything_else() {
    for bits in 0..16u32 {
        let [runs, is_member, is_free, waits] = [8, 4, 2, 1].map(|bit| bits & bit != 0);
        let mut cinema = cinema();
        let title_id = cinema.rights.title.id;
        for avail in &mut cinema.rights.avails {
            avail.window = window(pvod_start(), None);
        }
        if is_free {
            cinema.rights.avails.push(avail(title_id, LicenseType::Avod, window(pvod_start(), None)));
        }
        let grants = [runs.then(|| cinema.bought(pvod_start())), waits.then(|| cinema.rented(pvod_start()))];
        let members = is_member.then(|| cinema.member(UtcMs(i64::MAX)));
        let mut viewer = with(grants.into_iter().flatten().collect(), members.into_iter().collect());
        viewer.screeners = vec![Screener { ends_at: UtcMs(i64::MAX), ..screener(&cinema) }];
        let expected = match (runs, is_member, is_free) {
            (true, _, _) => "grant",
            (_, true, _) => "membership",
            (_, _, true) => "free",
            _ => "screener",
        };
        assert_eq!(cinema.answer(&viewer, pvod_start()), expected, "{bits:04b}");
    }
}

#[test]
fn an_invitation_that_is_over_hides_nothing_that_can_be_had() {
    let cinema = cinema();
    let given = screener(&cinema);
    assert_eq!(cinema.answer(&invited_to(&given), pvod_start()), "PAYMENT_REQUIRED");
    assert_eq!(cinema.answer(&invited_to(&given), pvod_end()), "MEMBERSHIP_REQUIRED");
    // It waits for whatever comes first.
    let later = Screener { starts_at: UtcMs(pvod_start().0 - DAY_MS), ends_at: pvod_end(), ..given.clone() };
    let viewer = ViewerRights { screeners: vec![given, later.clone()], ..ViewerRights::default() };
    let Decision::Deny(denial) = decide(&cinema.rights, &viewer, Some(cn()), ends()) else { panic!("allowed") };
    assert_eq!((denial.code, denial.is_acquired), (DenialCode::WindowNotOpen, true));
    assert_eq!(denial.next, [NextOption::Wait { opens_at: later.starts_at }]);
    // Every part is open to whoever is invited, and whatever the title says of its episodes.
    let mut cinema = cinema;
    cinema.rights.title.details.part_opens_at = vec![Some(pvod_end())];
    assert_eq!(cinema.answer(&viewer, begins()), "screener");
}

#[test]
fn a_session_by_invitation_is_sealed_and_ends_with_it_or_where_it_does_not_hold() {
    let mut cinema = cinema();
    let given = Screener { territories: Some(TerritorySet::of([cn()])), streams: 2, ..screener(&cinema) };
    cinema.rights.screeners = vec![given.clone()];
    let viewer = invited_to(&given);
    let us = Some("US".parse().unwrap());
    assert_eq!(cinema.answer_in(&viewer, us, begins()), "GEO_NOT_LICENSED");
    let session = cinema.session(&viewer, begins());
    let right = &session.entitlement;
    assert_eq!((right.cause, right.streams, right.ends_at), (Cause::Screener(given.id), 2, Some(ends())));
    assert_eq!(right.protection, Some(cinema.rights.title.details.protection));
    assert!(!right.starts_clock && right.avail_id.is_none());
    let goes_on = |cinema: &Cinema, place, now| {
        let answer = still_entitled(&session, &cinema.rights, None, None, place, now);
        let (explained, steps) = explain_going_on(&session, &cinema.rights, None, None, place, now);
        assert_eq!(explained, answer);
        assert_eq!((steps.last().unwrap().check, steps.last().unwrap().code), (Check::Screener, answer.err()));
        answer
    };
    assert_eq!(goes_on(&cinema, Some(cn()), UtcMs(ends().0 - 1)), Ok(()));
    assert_eq!(goes_on(&cinema, Some(cn()), ends()), Err(DenialCode::ScreeningOver));
    assert_eq!(goes_on(&cinema, us, begins()), Err(DenialCode::GeoNotLicensed));
    // Every window may go: it stands on none.
    cinema.rights.avails.clear();
    assert_eq!(goes_on(&cinema, Some(cn()), begins()), Ok(()));
    cinema.rights.screeners[0].revoked_at = Some(begins());
    assert_eq!(goes_on(&cinema, Some(cn()), begins()), Err(DenialCode::InvitationRevoked));
}

#[test]
fn the_explanation_says_what_was_overruled() {
    let mut cinema = cinema();
    cinema.rights.title.status = TitleStatus::Draft;
    let viewer = invited_to(&screener(&cinema));
    let said = |now| {
        let (decision, steps) = explain(&cinema.rights, 1, &viewer, Some(cn()), now);
        assert_eq!(decision, decide(&cinema.rights, &viewer, Some(cn()), now));
        steps.iter().map(|step| (step.check, step.outcome, step.code)).collect::<Vec<_>>()
    };
    assert_eq!(said(begins()), [(Check::Title, Outcome::Fail, None), (Check::Screener, Outcome::Pass, None)]);
    let over = (Check::Screener, Outcome::Fail, Some(DenialCode::ScreeningOver));
    assert_eq!(said(ends()), [(Check::Title, Outcome::Fail, None), over]);
}

#[test]
fn an_invitation_that_nobody_can_have_meant_is_refused() {
    let good = screener(&cinema());
    good.check().unwrap();
    let far = UtcMs(good.starts_at.0 + 366 * DAY_MS);
    Screener { ends_at: far, ..good.clone() }.check().unwrap();
    for (screener, param) in [
        (Screener { ends_at: good.starts_at, ..good.clone() }, "ends_at"),
        (Screener { ends_at: UtcMs(far.0 + 1), ..good.clone() }, "ends_at"),
        (Screener { created_at: good.ends_at, ..good.clone() }, "ends_at"),
        (Screener { streams: 0, ..good.clone() }, "streams"),
        (Screener { streams: 11, ..good.clone() }, "streams"),
        (Screener { note: Some(" ".into()), ..good.clone() }, "note"),
    ] {
        let error = screener.check().unwrap_err();
        assert_eq!((error.code(), error.param()), ("SCREENER_INVALID", Some(param)));
    }
}
