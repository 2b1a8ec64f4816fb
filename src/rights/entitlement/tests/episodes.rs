//! Series that are had episode by episode: 《替身新娘九十天》, three episodes, the first one free, 60 coins for each of the
//! others and two a day for advertising, while its pay window is open.

use super::*;

const T: bool = true;
const F: bool = false;

fn series() -> Cinema {
    let mut cinema = cinema();
    cinema.rights.offers.clear();
    cinema.rights.title.parts = [1, 2, 3].map(|at| AssetId::new(UtcMs(at))).to_vec();
    cinema.rights.title.details.episodes = Some(EpisodeTerms { free: 1, coins: 60, rewarded_per_day: 2 });
    cinema
}

fn had(unlocks: Vec<Unlock>) -> ViewerRights {
    ViewerRights { unlocks, ..ViewerRights::default() }
}

/// The rule, or the code and what would help.
fn of_part(cinema: &Cinema, part: u32, viewer: &ViewerRights, now: UtcMs) -> String {
    let denial = match decide_part(&cinema.rights, part, viewer, Some(cn()), now) {
        Decision::Allow(right) => return right.cause.rule().into(),
        Decision::Deny(denial) => denial,
    };
    let helps = denial.next.iter().map(|next| match next {
        NextOption::Buy { .. } => " buy".to_owned(),
        NextOption::Unlock { part, coins } => format!(" unlock {part} for {coins}"),
        NextOption::Reward { part, left } => format!(" reward {part} of {left}"),
        NextOption::Join => " join".to_owned(),
        NextOption::Wait { opens_at } => format!(" wait {}", opens_at.0 - pvod_start().0),
    });
    denial.code.as_str().to_owned() + &helps.collect::<String>()
}

/// Free, unlocked, member: all eight combinations, where every window is open.
#[test]
fn an_episode_that_is_free_or_unlocked_comes_before_the_membership() {
    let table = [
        (F, F, F, "PAYMENT_REQUIRED unlock 2 for 60 reward 2 of 2 join"),
        (F, F, T, "membership"),
        (F, T, F, "unlock"),
        (F, T, T, "unlock"),
        (T, F, F, "free"),
        (T, F, T, "free"),
        (T, T, F, "free"),
        (T, T, T, "free"),
    ];
    for (is_free, is_unlocked, is_member, expected) in table {
        let mut cinema = series();
        for avail in &mut cinema.rights.avails {
            avail.window = window(pvod_start(), None);
        }
        let part = if is_free { 1 } else { 2 };
        let unlock = is_unlocked.then(|| cinema.unlocked(part, UnlockMeans::Coins(60), pvod_start()));
        let memberships = is_member.then(|| cinema.member(UtcMs(i64::MAX))).into_iter().collect();
        let viewer = ViewerRights { memberships, ..had(unlock.into_iter().collect()) };
        assert_eq!(of_part(&cinema, part, &viewer, pvod_start()), expected, "{is_free} {is_unlocked} {is_member}");
    }
}

#[test]
fn episodes_are_had_while_the_window_is_open_and_stay_until_a_hard_end() {
    let mut cinema = series();
    cinema.rights.avails.truncate(1);
    let viewer = had(vec![cinema.unlocked(2, UnlockMeans::Coins(60), pvod_start())]);
    let around = |cinema: &Cinema, part, viewer: &ViewerRights, instant: UtcMs| {
        [-1, 0, 1].map(|ms| of_part(cinema, part, viewer, UtcMs(instant.0 + ms)))
    };
    let locked = "PAYMENT_REQUIRED unlock 3 for 60 reward 3 of 2";
    assert_eq!(around(&cinema, 1, &nobody(), pvod_start()), ["WINDOW_NOT_OPEN wait 0", "free", "free"]);
    assert_eq!(around(&cinema, 3, &viewer, pvod_start()), ["WINDOW_NOT_OPEN wait 0", locked, locked]);
    assert_eq!(around(&cinema, 1, &nobody(), pvod_end()), ["free", "WINDOW_CLOSED", "WINDOW_CLOSED"]);
    assert_eq!(around(&cinema, 2, &viewer, pvod_end()), ["unlock", "unlock", "unlock"], "it was paid for");
    assert_eq!(around(&cinema, 3, &viewer, pvod_end()), [locked, "WINDOW_CLOSED", "WINDOW_CLOSED"]);
    let hard_end = UtcMs(pvod_end().0 + DAY_MS);
    cinema.rights.avails[0].hard_end_at = Some(hard_end);
    assert_eq!(around(&cinema, 2, &viewer, hard_end), ["unlock", "WINDOW_CLOSED", "WINDOW_CLOSED"]);
    // The rights go on in another window, and so does what was paid for.
    let title_id = cinema.rights.title.id;
    cinema.rights.avails.push(avail(title_id, LicenseType::Vod, window(hard_end, None)));
    assert_eq!(around(&cinema, 2, &viewer, hard_end), ["unlock", "unlock", "unlock"]);
    let Decision::Allow(right) = decide_part(&cinema.rights, 2, &viewer, Some(cn()), hard_end) else { panic!() };
    assert_eq!((right.avail_id, right.streams), (Some(cinema.rights.avails[1].id), 1));
    assert_eq!(right.protection, Some(ProtectionScheme::Aes128));
    let session = cinema.session_under(right, hard_end);
    assert_eq!(still_entitled(&session, &cinema.rights, None, None, Some(cn()), hard_end), Ok(()));
    // Elsewhere it is not shown.
    assert_eq!(
        decide_part(&cinema.rights, 2, &viewer, Some("DE".parse().unwrap()), hard_end),
        Decision::Deny(Denial::of(DenialCode::GeoNotLicensed))
    );
}

#[test]
fn a_part_opens_for_everybody_at_its_instant() {
    let mut cinema = series();
    let opens_at = UtcMs(pvod_start().0 + DAY_MS);
    cinema.rights.title.details.part_opens_at = vec![Some(opens_at), Some(opens_at)];
    let member = with(vec![], vec![cinema.member(UtcMs(i64::MAX))]);
    let viewer = had(vec![cinema.unlocked(2, UnlockMeans::Coins(60), pvod_start())]);
    let around =
        |part, viewer: &ViewerRights| [-1, 0, 1].map(|ms| of_part(&cinema, part, viewer, UtcMs(opens_at.0 + ms)));
    let wait = format!("WINDOW_NOT_OPEN wait {DAY_MS}");
    assert_eq!(around(1, &nobody()), [&wait, "free", "free"]);
    assert_eq!(around(2, &viewer), [&wait, "unlock", "unlock"]);
    // Nobody pays for what has not opened.
    let locked = "PAYMENT_REQUIRED unlock 2 for 60 reward 2 of 2";
    assert_eq!(around(2, &nobody()), [&wait, locked, locked]);
    assert_eq!(of_part(&cinema, 3, &member, pvod_start()), "PAYMENT_REQUIRED unlock 3 for 60 reward 3 of 2");
    let later = UtcMs(pvod_end().0 + 1);
    assert_eq!(of_part(&cinema, 3, &member, later), "membership");
}

#[test]
fn rewards_are_offered_until_those_of_the_day_are_used_up() {
    let cinema = series();
    let midnight = at("2027-01-17T00:00:00+08:00");
    let reward = |part, ms| cinema.unlocked(part, UnlockMeans::Reward, UtcMs(midnight.0 + ms));
    for (unlocks, ms, expected) in [
        (vec![], 0, "PAYMENT_REQUIRED unlock 3 for 60 reward 3 of 2"),
        (vec![reward(2, 0)], 1, "PAYMENT_REQUIRED unlock 3 for 60 reward 3 of 1"),
        (vec![reward(2, 0), reward(7, 1)], DAY_MS - 1, "PAYMENT_REQUIRED unlock 3 for 60"),
        (vec![reward(2, 0), reward(7, 1)], DAY_MS, "PAYMENT_REQUIRED unlock 3 for 60 reward 3 of 2"),
        (vec![reward(2, -2), reward(7, -1)], 0, "PAYMENT_REQUIRED unlock 3 for 60 reward 3 of 2"),
    ] {
        assert_eq!(of_part(&cinema, 3, &had(unlocks), UtcMs(midnight.0 + ms)), expected, "{ms}");
    }
}
