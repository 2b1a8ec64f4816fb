//! Trailers and previews.

use super::*;

#[test]
fn a_trailer_plays_as_long_as_its_title_is_listed() {
    let mut cinema = cinema();
    let Decision::Allow(entitlement) = decide_trailer(&cinema.rights.title, Some(cn()), pvod_start()) else {
        panic!("denied")
    };
    assert!(entitlement.protection.is_none() && !entitlement.starts_clock && entitlement.streams == 0);
    let free = PlaybackSession {
        entitlement,
        viewer_id: None,
        ..cinema.session(&with(vec![cinema.bought(pvod_start())], vec![]), pvod_start())
    };
    let still = |cinema: &Cinema| still_entitled(&free, &cinema.rights, None, None, None, at("2030-01-01T00:00:00Z"));
    assert_eq!(still(&cinema), Ok(()));
    for (status, code) in
        [(TitleStatus::Draft, DenialCode::TitleNotListed), (TitleStatus::Suspended, DenialCode::TitleSuspended)]
    {
        cinema.rights.title.status = status;
        assert_eq!(decide_trailer(&cinema.rights.title, Some(cn()), pvod_start()), Decision::Deny(Denial::of(code)));
        assert_eq!(still(&cinema), Err(code));
    }
    // A revoked licence ends it in China, and only there.
    cinema.rights.title.status = TitleStatus::Live;
    cinema.rights.title.details.country = Some(cn());
    let licence = Licence { kind: LicenceKind::OnlineFiling, number: "V31001572104501".into() };
    cinema.rights.title.details.licence = Some(licence.clone());
    let revocation = Revocation { licence, at: pvod_start(), reason: "-".into() };
    cinema.rights.title.details.compliance.revocations = vec![revocation];
    let plays = |territory, now| {
        let opens = matches!(decide_trailer(&cinema.rights.title, territory, now), Decision::Allow(_));
        (opens, still_entitled(&free, &cinema.rights, None, None, territory, now))
    };
    let revoked = (false, Err(DenialCode::LicenceRevoked));
    assert_eq!(plays(Some(cn()), UtcMs(pvod_start().0 - 1)), (true, Ok(())));
    assert_eq!(plays(Some(cn()), pvod_start()), revoked);
    assert_eq!(plays(Some("DE".parse().unwrap()), pvod_start()), (true, Ok(())));
}

/// The PVOD window, and the member window that follows it, each a millisecond before, at and after its ends.
#[test]
fn a_preview_plays_while_a_window_is_open_and_ends_with_it() {
    let mut cinema = cinema();
    assert_eq!(decide_preview(&cinema.rights, None, Some(cn()), pvod_start()), None, "nobody has said how long");
    cinema.rights.title.details.preview_ms = Some(360_000);
    let answer = |cinema: &Cinema, territory: Option<Territory>, now: UtcMs| match decide_preview(
        &cinema.rights,
        None,
        territory,
        now,
    )
    .unwrap()
    {
        Decision::Allow(right) => {
            assert_eq!((right.cause, right.streams, right.starts_clock), (Cause::Preview, 0, false));
            Ok((right.preview_ms.unwrap(), right.ends_at, right.protection.is_some()))
        }
        Decision::Deny(denial) => Err((denial.code, denial.next)),
    };
    let around =
        |cinema: &Cinema, instant: UtcMs| [-1, 0, 1].map(|ms| answer(cinema, Some(cn()), UtcMs(instant.0 + ms)));
    let (svod_end, shown) = (at("2027-07-28T20:00:00+08:00"), |until| Ok((360_000, Some(until), true)));
    let waits = Err((DenialCode::WindowNotOpen, vec![NextOption::Wait { opens_at: pvod_start() }]));
    let closed = || Err((DenialCode::WindowClosed, vec![]));
    assert_eq!(around(&cinema, pvod_start()), [waits, shown(pvod_end()), shown(pvod_end())]);
    assert_eq!(around(&cinema, pvod_end()), [shown(pvod_end()), shown(svod_end), shown(svod_end)]);
    assert_eq!(around(&cinema, svod_end), [shown(svod_end), closed(), closed()]);
    let germany = "DE".parse().unwrap();
    assert_eq!(answer(&cinema, Some(germany), pvod_start()), Err((DenialCode::GeoNotLicensed, vec![])));
    assert_eq!(answer(&cinema, None, pvod_start()), Err((DenialCode::GeoNotLicensed, vec![])));

    // A session of it ends with the window that it was opened in, the hard end, the title or the territory.
    let Some(Decision::Allow(entitlement)) = decide_preview(&cinema.rights, None, Some(cn()), pvod_start()) else {
        panic!("denied")
    };
    let session = PlaybackSession {
        entitlement,
        viewer_id: None,
        ..cinema.session(&with(vec![cinema.bought(pvod_start())], vec![]), pvod_start())
    };
    let still = |cinema: &Cinema, territory: &str, now: UtcMs| {
        still_entitled(&session, &cinema.rights, None, None, Some(territory.parse().unwrap()), now)
    };
    let ends = [-1, 0, 1].map(|ms| still(&cinema, "CN", UtcMs(pvod_end().0 + ms)));
    assert_eq!(ends, [Ok(()), Err(DenialCode::WindowClosed), Err(DenialCode::WindowClosed)]);
    assert_eq!(still(&cinema, "DE", pvod_start()), Err(DenialCode::GeoNotLicensed));
    let planned = cinema.rights.avails[0].window.clone();
    cinema.rights.avails[0].window.end_at = Some(UtcMs(pvod_start().0 + 5));
    let moved = [4, 5, 6].map(|ms| still(&cinema, "CN", UtcMs(pvod_start().0 + ms)));
    assert_eq!(
        moved,
        [Ok(()), Err(DenialCode::WindowClosed), Err(DenialCode::WindowClosed)],
        "wherever it is moved to"
    );
    cinema.rights.avails[0].window.end_at = None;
    assert_eq!(still(&cinema, "CN", pvod_end()), Ok(()));
    cinema.rights.avails[0].window = planned;
    cinema.rights.title.details.preview_ms = None;
    assert_eq!(still(&cinema, "CN", pvod_start()), Err(DenialCode::WindowClosed), "it was taken away");
    cinema.rights.title.details.preview_ms = Some(360_000);
    cinema.rights.title.status = TitleStatus::Suspended;
    assert_eq!(still(&cinema, "CN", pvod_start()), Err(DenialCode::TitleSuspended));
    assert_eq!(answer(&cinema, Some(cn()), pvod_start()), Err((DenialCode::TitleSuspended, vec![])));
    cinema.rights.title.status = TitleStatus::Live;
    cinema.rights.avails[0].hard_end_at = Some(UtcMs(pvod_start().0 + 1000));
    let around = |cinema: &Cinema| [999, 1000, 1001].map(|ms| still(cinema, "CN", UtcMs(pvod_start().0 + ms)));
    assert_eq!(around(&cinema), [Ok(()), Err(DenialCode::WindowClosed), Err(DenialCode::WindowClosed)]);
    let cut_short = answer(&cinema, Some(cn()), pvod_start());
    assert_eq!(cut_short, Ok((360_000, Some(UtcMs(pvod_start().0 + 1000)), true)));

    // At most a quarter of the part; in a free window as clear as the film; in China only with a licence.
    cinema.rights.title.runtime_ms = 60_000;
    cinema.rights.avails = vec![avail(cinema.rights.title.id, LicenseType::Avod, window(pvod_start(), None))];
    assert_eq!(answer(&cinema, Some(cn()), pvod_start()), Ok((15_000, None, false)));
    cinema.rights.title.details.country = Some(cn());
    assert_eq!(answer(&cinema, Some(cn()), pvod_start()), Err((DenialCode::LicenceRequired, vec![])));
}
