//! The release licence in China.

use super::*;

/// 《纸鸢行动》 of the domain, by what is recorded of its licence: who may do what in China, and abroad.
#[test]
fn in_china_a_licence_comes_before_everything_else() {
    let licence =
        Licence { kind: LicenceKind::OnlineRelease, number: "（总局）网影审字（2022）第001号".into() };
    let now = UtcMs(pvod_start().0 + DAY_MS);
    let mut bare = cinema();
    bare.rights.title.details.country = Some(cn());
    let free = avail(bare.rights.title.id, LicenseType::Avod, window(pvod_end(), None));
    bare.rights.avails[1].window.start_at = pvod_start();
    bare.rights.avails.push(free);
    for avail in &mut bare.rights.avails {
        avail.territories = TerritorySet::of([cn(), "DE".parse().unwrap()]);
    }
    let film = LicensedFilm::of(&bare.rights.title);
    let by = OperatorId::new(UtcMs(1));
    let licensed = Compliance {
        confirmation: Some(Confirmation { by, at: UtcMs(2), film: film.clone() }),
        ..Compliance::default()
    };
    let renamed = LicensedFilm { name: "雾港".into(), ..film.clone() };
    let cut = LicensedFilm { runtime_ms: film.runtime_ms + 1, ..film.clone() };
    let of = |film: LicensedFilm| Compliance {
        confirmation: Some(Confirmation { by, at: UtcMs(2), film }),
        ..Compliance::default()
    };
    let revocation = |at: UtcMs, licence: &Licence| Revocation { licence: licence.clone(), at, reason: "-".into() };
    let other = Licence { kind: LicenceKind::TheatricalRelease, number: "电审故字〔2023〕第791号".into() };
    let revoked = Compliance { revocations: vec![revocation(now, &licence)], ..licensed.clone() };
    let (some, none) = (Some(&licence), None);
    let required = "LICENCE_REQUIRED";
    // What is recorded; a member, a buyer, anybody, and somebody in the shop.
    let table = [
        (none, Compliance::default(), [required, "grant", required, required]),
        (
            none,
            Compliance { planning_number: Some("1".into()), ..Compliance::default() },
            [required, "grant", required, required],
        ),
        (
            none,
            Compliance { submitted_at: Some(UtcMs(1)), ..Compliance::default() },
            [required, "grant", required, required],
        ),
        (
            none,
            Compliance { is_ordinary: true, ..Compliance::default() },
            ["WINDOW_NOT_OPEN", "grant", "WINDOW_NOT_OPEN", required],
        ),
        (some, Compliance::default(), [required, "grant", required, required]),
        (some, licensed.clone(), ["membership", "grant", "PAYMENT_REQUIRED", "sold"]),
        (some, of(renamed), [required, "grant", required, required]),
        (some, of(cut), [required, "grant", required, required]),
        (some, Compliance { expires_at: Some(now), ..licensed.clone() }, [required, "grant", required, required]),
        (
            some,
            Compliance { expires_at: Some(UtcMs(now.0 + 1)), ..licensed.clone() },
            ["membership", "grant", "PAYMENT_REQUIRED", "sold"],
        ),
        (some, revoked.clone(), ["LICENCE_REVOKED"; 4]),
        (
            some,
            Compliance { revocations: vec![revocation(UtcMs(now.0 + 1), &licence)], ..licensed.clone() },
            ["membership", "grant", "PAYMENT_REQUIRED", "sold"],
        ),
        // Another licence counts when it is confirmed, and not before.
        (Some(&other), Compliance { confirmation: None, ..revoked.clone() }, ["LICENCE_REVOKED"; 4]),
        (none, Compliance { confirmation: None, ..revoked.clone() }, ["LICENCE_REVOKED"; 4]),
        (Some(&other), revoked.clone(), ["membership", "grant", "PAYMENT_REQUIRED", "sold"]),
    ];
    let member = with(vec![], vec![bare.member(UtcMs(i64::MAX))]);
    let buyer = with(vec![bare.bought(pvod_start())], vec![]);
    for (licence, compliance, expected) in table {
        let (pvod, svod, viewer_id) = (bare.pvod, bare.svod, bare.viewer_id);
        let mut cinema = Cinema { rights: bare.rights.clone(), pvod, svod, viewer_id };
        cinema.rights.title.details.licence = licence.cloned();
        cinema.rights.title.details.compliance = compliance.clone();
        let shop = |territory| {
            let offer = &cinema.rights.offers[0];
            quote(&cinema.rights, offer, &nobody(), Some(territory), now)
                .map_or_else(|denial| denial.code.as_str(), |_| "sold")
        };
        let answers = [&member, &buyer, &nobody()].map(|viewer| cinema.answer(viewer, now));
        assert_eq!(answers, expected[..3], "{licence:?} {compliance:?}");
        assert_eq!(shop(cn()), expected[3], "{licence:?} {compliance:?}");
        let abroad = Some("DE".parse().unwrap());
        assert_eq!(cinema.answer_in(&member, abroad, now), "membership", "it is China's licence");
        assert_eq!(shop("DE".parse().unwrap()), "sold");
        assert_eq!(cinema.answer_in(&member, Some("US".parse().unwrap()), now), "GEO_NOT_LICENSED");
        // Who watches already.
        let entitlement = Entitlement {
            home: None,
            cause: Cause::Grant(buyer.grants[0].id),
            avail_id: Some(cinema.pvod),
            deal_id: None,
            ends_at: None,
            starts_clock: false,
            streams: 1,
            beside: None,
            preview_ms: None,
            reference: None,
            protection: None,
            caps: None,
        };
        let session = cinema.session_under(entitlement, now);
        let goes_on =
            |territory| still_entitled(&session, &cinema.rights, Some(&buyer.grants[0]), None, territory, now);
        let is_over = expected[1] == "LICENCE_REVOKED";
        assert_eq!(goes_on(Some(cn())), if is_over { Err(DenialCode::LicenceRevoked) } else { Ok(()) });
        assert_eq!(goes_on(abroad), Ok(()));
        let (decision, steps) = explain(&cinema.rights, 1, &buyer, Some(cn()), now);
        assert_eq!(decision, decide(&cinema.rights, &buyer, Some(cn()), now));
        assert_eq!((steps[0].check, steps[1].check), (trace::Check::Title, trace::Check::Licence));
    }
}
