//! Which answer comes first where several are true. The expected values are written by hand, every combination in a row.

use super::*;

/// Something that stands in the way, or that the viewer brings.
const T: bool = true;
const F: bool = false;

/// Suspended, a revoked licence, no window in the territory, nothing bought: all sixteen combinations.
#[test]
fn of_several_reasons_the_first_in_the_order_of_checks_is_said() {
    let table = [
        (F, F, F, F, "grant"),
        (F, F, F, T, "PAYMENT_REQUIRED"),
        (F, F, T, F, "GEO_NOT_LICENSED"),
        (F, F, T, T, "GEO_NOT_LICENSED"),
        (F, T, F, F, "LICENCE_REVOKED"),
        (F, T, F, T, "LICENCE_REVOKED"),
        (F, T, T, F, "LICENCE_REVOKED"),
        (F, T, T, T, "LICENCE_REVOKED"),
        (T, F, F, F, "TITLE_SUSPENDED"),
        (T, F, F, T, "TITLE_SUSPENDED"),
        (T, F, T, F, "TITLE_SUSPENDED"),
        (T, F, T, T, "TITLE_SUSPENDED"),
        (T, T, F, F, "TITLE_SUSPENDED"),
        (T, T, F, T, "TITLE_SUSPENDED"),
        (T, T, T, F, "TITLE_SUSPENDED"),
        (T, T, T, T, "TITLE_SUSPENDED"),
    ];
    for (is_suspended, is_revoked, is_elsewhere, is_unpaid, expected) in table {
        let mut cinema = cinema();
        if is_suspended {
            cinema.rights.title.status = TitleStatus::Suspended;
        }
        if is_revoked {
            let licence = Licence { kind: LicenceKind::OnlineFiling, number: "V31001572104501".into() };
            cinema.rights.title.details.country = Some(cn());
            let revocation = Revocation { licence, at: pvod_start(), reason: String::new() };
            cinema.rights.title.details.compliance.revocations.push(revocation);
        }
        if is_elsewhere {
            for avail in &mut cinema.rights.avails {
                avail.territories = TerritorySet::of(["DE".parse().unwrap()]);
            }
        }
        let viewer = if is_unpaid { nobody() } else { with(vec![cinema.bought(pvod_start())], vec![]) };
        let row = (is_suspended, is_revoked, is_elsewhere, is_unpaid);
        assert_eq!(cinema.answer(&viewer, pvod_start()), expected, "{row:?}");
    }
}

/// A grant that runs, a membership, a free window, a grant that waits to be started: all sixteen combinations, where every
/// window is open.
#[test]
fn of_several_rights_the_first_in_their_order_is_used() {
    let table = [
        (F, F, F, F, "PAYMENT_REQUIRED", F),
        (F, F, F, T, "grant", T),
        (F, F, T, F, "free", F),
        (F, F, T, T, "free", F),
        (F, T, F, F, "membership", F),
        (F, T, F, T, "membership", F),
        (F, T, T, F, "membership", F),
        (F, T, T, T, "membership", F),
        (T, F, F, F, "grant", F),
        (T, F, F, T, "grant", F),
        (T, F, T, F, "grant", F),
        (T, F, T, T, "grant", F),
        (T, T, F, F, "grant", F),
        (T, T, F, T, "grant", F),
        (T, T, T, F, "grant", F),
        (T, T, T, T, "grant", F),
    ];
    for (runs, is_member, is_free, waits, expected, starts_clock) in table {
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
        let viewer = with(grants.into_iter().flatten().collect(), members.into_iter().collect());
        let row = (runs, is_member, is_free, waits);
        assert_eq!(cinema.answer(&viewer, pvod_start()), expected, "{row:?}");
        let starts = match decide(&cinema.rights, &viewer, Some(cn()), pvod_start()) {
            Decision::Allow(right) => right.starts_clock,
            Decision::Deny(_) => false,
        };
        assert_eq!(starts, starts_clock, "{row:?}");
    }
}

/// What was had and is lost, an offer on sale, a window for members, a window to come: all combinations, for somebody who
/// is no member and whose rental, where there is one, has run out.
#[test]
fn of_several_things_that_would_help_the_most_helpful_is_said() {
    let table = [
        (F, F, F, F, "WINDOW_CLOSED", ""),
        (F, F, F, T, "WINDOW_NOT_OPEN", "wait"),
        (F, F, T, F, "MEMBERSHIP_REQUIRED", "join"),
        (F, F, T, T, "MEMBERSHIP_REQUIRED", "join"),
        (F, T, F, F, "PAYMENT_REQUIRED", "buy"),
        (F, T, F, T, "PAYMENT_REQUIRED", "buy"),
        (F, T, T, F, "PAYMENT_REQUIRED", "buy join"),
        (F, T, T, T, "PAYMENT_REQUIRED", "buy join"),
        (T, F, F, F, "RENTAL_EXPIRED", ""),
        (T, F, F, T, "RENTAL_EXPIRED", "wait"),
        (T, F, T, F, "RENTAL_EXPIRED", "join"),
        (T, F, T, T, "RENTAL_EXPIRED", "join"),
        (T, T, F, F, "RENTAL_EXPIRED", "buy"),
        (T, T, F, T, "RENTAL_EXPIRED", "buy"),
        (T, T, T, F, "RENTAL_EXPIRED", "buy join"),
        (T, T, T, T, "RENTAL_EXPIRED", "buy join"),
    ];
    let now = UtcMs(pvod_start().0 + 10 * DAY_MS);
    for (is_lost, is_sold, is_for_members, is_to_come, expected, helps) in table {
        let mut cinema = cinema();
        let title_id = cinema.rights.title.id;
        let open = |is_open| if is_open { window(pvod_start(), None) } else { window(pvod_start(), Some(now)) };
        cinema.rights.avails[0].window = open(is_sold);
        cinema.rights.avails[1].window = open(is_for_members);
        if is_to_come {
            let later = UtcMs(now.0 + DAY_MS);
            cinema.rights.avails.push(avail(title_id, LicenseType::Avod, window(later, None)));
        }
        let grants = is_lost.then(|| cinema.bought(pvod_start()));
        let viewer = with(grants.into_iter().collect(), vec![]);
        let row = (is_lost, is_sold, is_for_members, is_to_come);
        let Decision::Deny(denial) = decide(&cinema.rights, &viewer, Some(cn()), now) else { panic!("{row:?}") };
        let said: Vec<&str> = denial
            .next
            .iter()
            .map(|next| match next {
                NextOption::Buy { .. } => "buy",
                NextOption::Unlock { .. } | NextOption::Reward { .. } => panic!("{next:?}"),
                NextOption::Join => "join",
                NextOption::Wait { .. } => "wait",
            })
            .collect();
        assert_eq!((denial.code.as_str(), said.join(" ").as_str()), (expected, helps), "{row:?}");
    }
}
