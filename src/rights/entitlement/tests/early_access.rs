//! What is bought to be watched before members have the title.

use super::*;

#[test]
fn early_access_needs_a_membership_until_members_have_the_title() {
    let mut cinema = cinema();
    cinema.rights.offers[0].clock = GrantClock::UntilMembers { watch_ms: 90 * DAY_MS };
    let bought = cinema.grant(GrantClock::UntilMembers { watch_ms: 90 * DAY_MS }, pvod_start());
    let lapses_at = UtcMs(pvod_start().0 + 5 * DAY_MS);
    let owner = |ends_at| with(vec![bought.clone()], vec![cinema.member(ends_at)]);
    let (lapsing, kept) = (owner(lapses_at), owner(UtcMs(pvod_end().0 + DAY_MS)));
    for (instant, offset_ms, viewer, expected) in [
        (lapses_at, -1, &lapsing, "grant"),
        (lapses_at, 0, &lapsing, "MEMBERSHIP_REQUIRED"),
        (lapses_at, 1, &lapsing, "MEMBERSHIP_REQUIRED"),
        (pvod_end(), -1, &kept, "grant"),
        (pvod_end(), 0, &kept, "membership"),
        (pvod_end(), 1, &kept, "membership"),
        (pvod_end(), 0, &lapsing, "MEMBERSHIP_REQUIRED"),
    ] {
        assert_eq!(cinema.answer(viewer, UtcMs(instant.0 + offset_ms)), expected, "{instant} {offset_ms}");
    }
    // Its longest, where members get the title late.
    cinema.rights.avails.retain(|avail| avail.license_type == LicenseType::Vod);
    let ends_at = UtcMs(pvod_start().0 + 90 * DAY_MS);
    let kept = with(vec![bought.clone()], vec![cinema.member(UtcMs(i64::MAX))]);
    assert_eq!(cinema.answer(&kept, UtcMs(ends_at.0 - 1)), "grant");
    assert_eq!(cinema.answer(&kept, ends_at), "RENTAL_EXPIRED");
    let sold = |viewer: &ViewerRights| {
        let quoted = quote(&cinema.rights, &cinema.rights.offers[0], viewer, Some(cn()), pvod_start());
        quoted.map_err(|denial| (denial.code, denial.next))
    };
    assert_eq!(sold(&nobody()), Err((DenialCode::MembershipRequired, vec![NextOption::Join])));
    assert!(sold(&ViewerRights { grants: vec![], ..kept }).is_ok());
}

/// It stands in the way of no other purchase, and what was for members before does not end it.
#[test]
fn early_access_that_does_not_play_is_no_possession() {
    let mut cinema = cinema();
    let title_id = cinema.rights.title.id;
    let rental = cinema.rights.offers[0].clone();
    let early = Offer { clock: GrantClock::UntilMembers { watch_ms: 365 * DAY_MS }, ..rental.clone() };
    cinema.rights.offers[0] = Offer { id: OfferId::new(UtcMs(2)), ..early };
    cinema.rights.offers.push(rental);
    let [early, rental] = [0, 1].map(|place| cinema.rights.offers[place].clone());
    // Members had it long before, and nothing of that is left.
    let past = window(UtcMs(pvod_start().0 - 400 * DAY_MS), Some(UtcMs(pvod_start().0 - 300 * DAY_MS)));
    cinema.rights.avails.push(avail(title_id, LicenseType::Svod, past));
    // The paid window stays open, and the members' one ends.
    cinema.rights.avails[0].window.end_at = None;
    let ended = UtcMs(at("2027-07-28T20:00:00+08:00").0);
    let bought = cinema.grant(GrantClock::UntilMembers { watch_ms: 365 * DAY_MS }, pvod_start());
    let lapsed = with(vec![bought.clone()], vec![]);
    let kept = with(vec![bought], vec![cinema.member(UtcMs(i64::MAX))]);
    let sold = |offer: &Offer, viewer: &ViewerRights, now| {
        quote(&cinema.rights, offer, viewer, Some(cn()), now).map_or_else(|denial| denial.code.as_str(), |_| "sold")
    };
    let member = with(vec![], vec![cinema.member(UtcMs(i64::MAX))]);
    assert_eq!(sold(&early, &member, pvod_start()), "sold");
    assert_eq!(sold(&rental, &lapsed, pvod_start()), "sold", "the lapsed buyer may rent it");
    assert_eq!(sold(&rental, &kept, pvod_start()), "ALREADY_OWNED");
    for (now, whole, on_early) in [
        (UtcMs(pvod_end().0 - 1), "grant", "sold"),
        (pvod_end(), "membership", "WINDOW_CLOSED"),
        (UtcMs(ended.0 - 1), "membership", "WINDOW_CLOSED"),
        (ended, "PAYMENT_REQUIRED", "WINDOW_CLOSED"),
    ] {
        assert_eq!(cinema.answer(&kept, now), whole, "{now}");
        assert_eq!(sold(&early, &member, now), on_early, "{now}");
        let Decision::Deny(denial) = decide(&cinema.rights, &member, Some(cn()), now) else { continue };
        let is_offered =
            denial.next.iter().any(|next| matches!(next, NextOption::Buy { offer_id, .. } if *offer_id == early.id));
        assert_eq!(is_offered, on_early == "sold", "what is offered is what is sold: {now}");
    }
    assert_eq!(sold(&rental, &kept, ended), "sold");
}
