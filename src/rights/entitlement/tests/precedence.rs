//! Which answer comes first where several are true. The expected values are written by hand, every combination in a row.

use super::edits::placed_in_china;
use super::languages::allow;
use super::screeners::screener;
use super::*;
use crate::rights::external::ExternalWord;
use crate::rights::language_terms::Sound;

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

/// Somebody who may watch, until something stands in the way.
struct Stand {
    cinema: Cinema,
    viewer: ViewerRights,
    now: UtcMs,
}

type Change = fn(&mut Stand);

/// Each second obstacle, with the answer.
type Pairs = Vec<(&'static str, &'static str)>;

impl Stand {
    /// A grant runs, and its window is open.
    fn ready() -> Stand {
        let cinema = cinema();
        let viewer = with(vec![cinema.bought(pvod_start())], vec![]);
        Stand { cinema, viewer, now: pvod_start() }
    }

    fn answer(&self) -> String {
        self.cinema.answer(&self.viewer, self.now)
    }

    fn has(&mut self, clock: GrantClock, issued_at: UtcMs) {
        self.viewer = with(vec![self.cinema.grant(clock, issued_at)], vec![]);
    }
}

const WATCH_MS: i64 = 48 * HOUR_MS;

/// What can stand in the way, in the order of the checks.
const OBSTACLES: [(&str, Change); 20] = [
    ("withdrawn", |stand| stand.cinema.rights.title.status = TitleStatus::Withdrawn),
    ("draft", |stand| stand.cinema.rights.title.status = TitleStatus::Draft),
    ("unannounced", |stand| stand.cinema.rights.title.details.announced_at = Some(UtcMs(i64::MAX))),
    ("suspended", |stand| stand.cinema.rights.title.status = TitleStatus::Suspended),
    ("no film", |stand| stand.cinema.rights.title.parts.clear()),
    ("revoked", |stand| {
        let licence = Licence { kind: LicenceKind::OnlineFiling, number: "V31001572104501".into() };
        let revocation = Revocation { licence, at: UtcMs(0), reason: String::new() };
        stand.cinema.rights.title.details.country = Some(cn());
        stand.cinema.rights.title.details.compliance.revocations.push(revocation);
    }),
    ("elsewhere", |stand| {
        for avail in &mut stand.cinema.rights.avails {
            avail.territories = TerritorySet::of(["DE".parse().unwrap()]);
        }
    }),
    ("unlicensed", |stand| {
        stand.viewer = nobody();
        stand.cinema.rights.title.details.country = Some(cn());
    }),
    ("presold", |stand| {
        stand.now = UtcMs(pvod_start().0 - 1);
        let bought = stand.cinema.bought(UtcMs(pvod_start().0 - DAY_MS));
        stand.viewer = with(vec![Grant { available_at: pvod_start(), ..bought }], vec![]);
    }),
    ("expired", |stand| {
        stand.has(GrantClock::OnPurchase { watch_ms: WATCH_MS }, UtcMs(pvod_start().0 - WATCH_MS));
    }),
    ("passed", |stand| {
        let start_within_ms = 5 * DAY_MS;
        let clock = GrantClock::OnFirstPlay { start_within_ms, watch_ms: WATCH_MS };
        stand.has(clock, UtcMs(pvod_start().0 - start_within_ms));
    }),
    ("lapsed", |stand| stand.has(GrantClock::UntilMembers { watch_ms: WATCH_MS }, pvod_start())),
    ("unpaid", |stand| stand.viewer = nobody()),
    ("no member", |stand| (stand.viewer, stand.now) = (nobody(), pvod_end())),
    ("early", |stand| (stand.viewer, stand.now) = (nobody(), UtcMs(pvod_start().0 - 1))),
    ("closed", |stand| (stand.viewer, stand.now) = (nobody(), at("2027-07-28T20:00:00+08:00"))),
    ("unheard of", |stand| stand.viewer = ViewerRights { external: Some(External::Silent), ..nobody() }),
    ("part waits", |stand| stand.cinema.rights.title.details.part_opens_at = vec![Some(UtcMs(i64::MAX))]),
    ("mute", |stand| {
        let rights = &mut stand.cinema.rights;
        rights.sounds = rights.title.parts.iter().map(|part| (*part, Sound(vec![Some("zh".into())]))).collect();
        for avail in &mut rights.avails {
            avail.caps = allow("fr");
        }
    }),
    ("no edit", |stand| placed_in_china(&mut stand.cinema)),
];

/// Each obstacle by itself and with each one of a later check, and those of a title with each other as far as a title can
/// be both. What is for want of a right (`presold` to `part waits`) is one check; `of_several_wants` below has its order.
/// A later check is heard only where the earlier one would offer what does not help.
#[test]
fn of_two_obstacles_the_earlier_check_answers() {
    let (none, gone, later) = ("TITLE_NOT_FOUND", "TITLE_WITHDRAWN", "TITLE_SUSPENDED");
    let (mute, edit, soon) = ("LANGUAGE_HELD_BACK", "CLEAN_EDIT_MISSING", "WINDOW_NOT_OPEN");
    let after_title = [
        "revoked",
        "elsewhere",
        "unlicensed",
        "presold",
        "expired",
        "passed",
        "lapsed",
        "unpaid",
        "no member",
        "early",
        "closed",
        "unheard of",
        "part waits",
        "mute",
        "no edit",
    ];
    let after = |count: usize, code| after_title[count..].iter().map(|second| (*second, code)).collect::<Vec<_>>();
    let rows: [(&str, &str, Pairs); 20] = [
        ("withdrawn", gone, [vec![("unannounced", gone), ("no film", gone)], after(0, gone)].concat()),
        ("draft", none, [vec![("unannounced", none), ("no film", none)], after(0, none)].concat()),
        ("unannounced", none, [vec![("suspended", none), ("no film", none)], after(0, none)].concat()),
        ("suspended", later, [vec![("no film", later)], after(0, later)].concat()),
        ("no film", later, after(0, later)),
        ("revoked", "LICENCE_REVOKED", after(1, "LICENCE_REVOKED")),
        ("elsewhere", "GEO_NOT_LICENSED", after(2, "GEO_NOT_LICENSED")),
        ("unlicensed", "LICENCE_REQUIRED", vec![("mute", "LICENCE_REQUIRED"), ("no edit", "LICENCE_REQUIRED")]),
        ("presold", soon, vec![("mute", soon), ("no edit", soon)]),
        ("expired", "RENTAL_EXPIRED", vec![("mute", "RENTAL_EXPIRED"), ("no edit", edit)]),
        ("passed", "START_BY_PASSED", vec![("mute", "START_BY_PASSED"), ("no edit", edit)]),
        ("lapsed", "MEMBERSHIP_REQUIRED", vec![("mute", "MEMBERSHIP_REQUIRED"), ("no edit", edit)]),
        ("unpaid", "PAYMENT_REQUIRED", vec![("mute", mute), ("no edit", edit)]),
        ("no member", "MEMBERSHIP_REQUIRED", vec![("mute", mute), ("no edit", edit)]),
        // What opens and cannot be heard is nothing to wait for.
        ("early", soon, vec![("mute", "WINDOW_CLOSED"), ("no edit", soon)]),
        ("closed", "WINDOW_CLOSED", vec![("mute", "WINDOW_CLOSED"), ("no edit", "WINDOW_CLOSED")]),
        ("unheard of", "ENTITLEMENT_HOOK_UNAVAILABLE", vec![("mute", mute), ("no edit", edit)]),
        ("part waits", soon, vec![("mute", soon), ("no edit", soon)]),
        ("mute", mute, vec![("no edit", mute)]),
        ("no edit", edit, vec![]),
    ];
    assert_eq!(Stand::ready().answer(), "grant");
    let change = |name: &str| OBSTACLES.iter().find(|(other, _)| *other == name).unwrap().1;
    assert_eq!(rows.each_ref().map(|(first, ..)| *first), OBSTACLES.map(|(name, _)| name));
    for (first, alone, pairs) in rows {
        let mut stand = Stand::ready();
        change(first)(&mut stand);
        assert_eq!(stand.answer(), alone, "{first}");
        for (second, expected) in pairs {
            let mut stand = Stand::ready();
            change(first)(&mut stand);
            change(second)(&mut stand);
            assert_eq!(stand.answer(), expected, "{first}, {second}");
        }
    }
}

/// Why somebody has no right, two at a time. None of it: every window is closed.
#[test]
fn of_several_wants_the_most_helpful_true_one_is_said() {
    let wants: [(&str, Change); 10] = [
        ("unlicensed", |stand| stand.cinema.rights.title.details.country = Some(cn())),
        ("unheard of", |stand| {
            stand.cinema.rights.avails[0].window.end_at = None;
            stand.viewer.external = Some(External::Silent);
        }),
        ("presold", |stand| {
            let bought = stand.cinema.bought(pvod_start());
            stand.viewer.grants.push(Grant { available_at: UtcMs(stand.now.0 + DAY_MS), ..bought });
        }),
        ("lapsed", |stand| {
            let clock = GrantClock::UntilMembers { watch_ms: 20 * DAY_MS };
            stand.viewer.grants.push(stand.cinema.grant(clock, pvod_start()));
        }),
        // Five days after the window opened, and so later than the next.
        ("passed", |stand| {
            let clock = GrantClock::OnFirstPlay { start_within_ms: 5 * DAY_MS, watch_ms: WATCH_MS };
            stand.viewer.grants.push(stand.cinema.grant(clock, pvod_start()));
        }),
        ("expired", |stand| {
            let clock = GrantClock::OnPurchase { watch_ms: WATCH_MS };
            stand.viewer.grants.push(stand.cinema.grant(clock, pvod_start()));
        }),
        ("sold", |stand| {
            stand.cinema.rights.avails[0].window.end_at = None;
            stand.cinema.rights.offers[0].withdrawn_at = None;
        }),
        ("for members", |stand| stand.cinema.rights.avails[1].window.end_at = None),
        ("to come", |stand| {
            let later = window(UtcMs(stand.now.0 + DAY_MS), None);
            let avail = avail(stand.cinema.rights.title.id, LicenseType::Avod, later);
            stand.cinema.rights.avails.push(Avail { id: AvailId::new(UtcMs(2)), ..avail });
        }),
        ("part waits", |stand| stand.cinema.rights.title.details.part_opens_at = vec![Some(UtcMs(i64::MAX))]),
    ];
    let (pay, join, soon) = ("PAYMENT_REQUIRED", "MEMBERSHIP_REQUIRED", "WINDOW_NOT_OPEN");
    let (unheard, passed) = ("ENTITLEMENT_HOOK_UNAVAILABLE", "START_BY_PASSED");
    let (licence, expired, closed) = ("LICENCE_REQUIRED", "RENTAL_EXPIRED", "WINDOW_CLOSED");
    // Alone, and with each of those after it. Nobody is asked elsewhere about a part that waits.
    let table: [&[&str]; 10] = [
        &[licence, licence, licence, licence, licence, licence, licence, licence, licence, licence],
        &[unheard, unheard, unheard, unheard, unheard, unheard, unheard, unheard],
        &[soon, soon, soon, soon, soon, soon, soon, soon],
        &[join, join, join, join, join, join, join],
        &[passed, passed, passed, passed, passed, passed],
        &[expired, expired, expired, expired, expired],
        &[pay, pay, pay, soon],
        &[join, join, soon],
        &[soon, soon],
        &[closed],
    ];
    for (place, row) in table.into_iter().enumerate() {
        for (offset, expected) in row.iter().enumerate() {
            let mut stand = Stand::ready();
            (stand.viewer, stand.now) = (nobody(), UtcMs(pvod_start().0 + 10 * DAY_MS));
            stand.cinema.rights.offers[0].withdrawn_at = Some(pvod_start());
            for avail in &mut stand.cinema.rights.avails {
                avail.window = window(pvod_start(), Some(stand.now));
            }
            let (first, second) = (wants[place], wants[place + offset]);
            first.1(&mut stand);
            if offset > 0 {
                second.1(&mut stand);
            }
            assert_eq!(stand.answer(), *expected, "{}, {}", first.0, second.0);
        }
    }
}

/// Every right with every later one, where every window is open.
#[test]
fn of_two_rights_the_earlier_is_used() {
    let rights: [(&str, Change); 8] = [
        ("free episode", |stand| {
            let terms = EpisodeTerms { free: 1, coins: 60, rewarded_per_day: 0 };
            stand.cinema.rights.title.details.episodes = Some(terms);
        }),
        ("unlock", |stand| stand.viewer.unlocks.push(stand.cinema.unlocked(1, UnlockMeans::Reward, pvod_start()))),
        ("running", |stand| stand.viewer.grants.push(stand.cinema.bought(pvod_start()))),
        ("membership", |stand| stand.viewer.memberships.push(stand.cinema.member(UtcMs(i64::MAX)))),
        ("free", |stand| {
            let open = avail(stand.cinema.rights.title.id, LicenseType::Avod, window(pvod_start(), None));
            stand.cinema.rights.avails.push(Avail { id: AvailId::new(UtcMs(2)), ..open });
        }),
        ("screener", |stand| {
            let invitation = Screener { ends_at: UtcMs(i64::MAX), ..screener(&stand.cinema) };
            stand.viewer.screeners.push(invitation);
        }),
        ("unstarted", |stand| stand.viewer.grants.push(stand.cinema.rented(pvod_start()))),
        ("external", |stand| {
            let (avail_id, until) = (stand.cinema.pvod, UtcMs(i64::MAX));
            let word = ExternalWord { avail_id, until, streams: 1, reference: None };
            stand.viewer.external = Some(External::Allows(word));
        }),
    ];
    let table: [&[&str]; 8] = [
        &[
            "free episode",
            "free episode",
            "free episode",
            "free episode",
            "free episode",
            "free episode",
            "free episode",
            "free episode",
        ],
        &["unlock", "unlock", "unlock", "unlock", "unlock", "unlock", "unlock"],
        &["running", "running", "running", "running", "running", "running"],
        &["membership", "membership", "membership", "membership", "membership"],
        &["free", "free", "free", "free"],
        &["screener", "screener", "screener"],
        &["unstarted", "unstarted"],
        &["external"],
    ];
    for (place, row) in table.into_iter().enumerate() {
        for (offset, expected) in row.iter().enumerate() {
            let mut stand = Stand::ready();
            stand.viewer = nobody();
            for avail in &mut stand.cinema.rights.avails {
                avail.window = window(pvod_start(), None);
            }
            let (first, second) = (rights[place], rights[place + offset]);
            first.1(&mut stand);
            if offset > 0 {
                second.1(&mut stand);
            }
            let decision = decide(&stand.cinema.rights, &stand.viewer, Some(cn()), stand.now);
            let Decision::Allow(right) = decision else { panic!("{} {}: {decision:?}", first.0, second.0) };
            let used = match right.cause {
                Cause::Free if right.avail_id == Some(stand.cinema.pvod) => "free episode",
                Cause::Grant(_) if right.starts_clock => "unstarted",
                Cause::Grant(_) => "running",
                cause => cause.rule(),
            };
            assert_eq!(used, *expected, "{}, {}", first.0, second.0);
        }
    }
}

/// Of what the account has its devices are counted, and of what is anybody's or a partner's none.
#[test]
fn a_device_is_asked_for_by_each_right_of_the_account_and_by_no_other() {
    for (cause, expected) in [
        (Cause::Grant(GrantId::new(pvod_start())), T),
        (Cause::Membership(MembershipId::new(pvod_start())), T),
        (Cause::Unlock(UnlockId::new(pvod_start())), T),
        (Cause::External, T),
        (Cause::Screener(ScreenerId::new(pvod_start())), T),
        (Cause::Free, F),
        (Cause::Partner(PartyViewerId::new(pvod_start())), F),
        (Cause::Trailer, F),
        (Cause::Preview, F),
    ] {
        assert_eq!(cause.is_of_account(), expected, "{cause:?}");
    }
}
