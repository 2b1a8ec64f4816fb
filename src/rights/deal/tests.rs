use super::*;
use crate::rights::caps::FormatProfile;
use crate::rights::holdback::HoldbackEvent;
use crate::rights::language_terms::LanguageTerms;

const DAY_MS: i64 = 24 * 3_600_000;

fn window(start_day: i64, end_day: Option<i64>) -> Window {
    let at = |day: i64| UtcMs(day * DAY_MS);
    Window { start_at: at(start_day), end_at: end_day.map(at), zone: "UTC".into() }
}

fn places(codes: &[&str]) -> TerritorySet {
    TerritorySet::of(codes.iter().map(|code| code.parse().unwrap()))
}

fn platform(license_type: LicenseType) -> Carriage {
    Carriage::Platform { license_type, price: None, streams: None }
}

fn deal(party: i64, carriage: Carriage, codes: &[&str], window: Window) -> Deal {
    Deal {
        id: DealId::new(UtcMs(party)),
        title_id: TitleId::new(UtcMs(1)),
        party_id: PartyId::from_bytes(u128::from(party.unsigned_abs()).to_be_bytes()),
        contract: None,
        carriage,
        territories: places(codes),
        caps: None,
        window,
        exclusivity: None,
        opened_at: None,
        revoked_at: None,
    }
}

fn alone(deal: Deal) -> Deal {
    Deal { exclusivity: Some(Exclusivity::default()), ..deal }
}

fn ours(license_type: LicenseType, codes: &[&str], window: Window) -> Avail {
    Avail {
        id: AvailId::new(UtcMs(1)),
        title_id: TitleId::new(UtcMs(1)),
        license_type,
        description: None,
        territories: places(codes),
        window,
        hard_end_at: None,
        caps: None,
    }
}

fn met(proposed: &Deal, avails: &[Avail], deals: &[Deal], holdbacks: &[Holdback]) -> Vec<(&'static str, Option<i64>)> {
    let word = |conflict: &DealConflict| match conflict.met {
        Met::Avail(_) => "avail",
        Met::Deal(_) => "deal",
        Met::Holdback(_) => "holdback",
    };
    let found = findings(proposed, avails, deals, holdbacks, UtcMs(0));
    found.iter().map(|conflict| (word(conflict), conflict.days())).collect()
}

#[test]
fn what_a_party_has_alone_nobody_else_shows_there_and_then() {
    use LicenseType::{Svod, Vod};
    let us = ours(Vod, &["US", "CN"], window(10, Some(20)));
    let other = deal(2, platform(Vod), &["US"], window(10, Some(20)));
    let shared = deal(1, platform(Vod), &["US"], window(0, None));
    assert_eq!(met(&shared, std::slice::from_ref(&us), std::slice::from_ref(&other), &[]), [], "拼播");
    let presold = alone(shared.clone());
    for (avail, other, expected) in [
        (&us, None, vec![("avail", Some(10))]),
        (&us, Some(&other), vec![("avail", Some(10)), ("deal", Some(10))]),
        (&ours(Svod, &["US"], window(10, Some(20))), None, vec![]),
        (&ours(Vod, &["CN"], window(10, Some(20))), None, vec![]),
        (&ours(Vod, &["US"], window(-9, Some(0))), None, vec![]),
        (&ours(Vod, &["US"], window(3, None)), None, vec![("avail", None)]),
    ] {
        let others: Vec<Deal> = other.into_iter().cloned().collect();
        assert_eq!(met(&presold, std::slice::from_ref(avail), &others, &[]), expected);
        // Whichever of both comes later is refused.
        if let Some(other) = other {
            assert_eq!(met(other, &[], std::slice::from_ref(&presold), &[]), [("deal", Some(10))]);
        }
    }
    // Two platforms alone (联合独播), and we with them.
    let group = Exclusivity { with_us: true, with: vec![other.party_id], media: vec![] };
    let pair = Deal { exclusivity: Some(group), ..shared };
    assert_eq!(met(&pair, std::slice::from_ref(&us), std::slice::from_ref(&other), &[]), []);
    let third = deal(3, platform(Vod), &["US"], window(10, Some(20)));
    assert_eq!(met(&third, &[], std::slice::from_ref(&pair), &[]), [("deal", Some(10))]);
    // A group can keep out what it does not show itself, such as television.
    let screens = Exclusivity { media: vec![Medium::Vod, Medium::Broadcast], ..Exclusivity::default() };
    let broad = Deal { exclusivity: Some(screens), ..deal(1, platform(Vod), &["CN"], window(0, Some(5))) };
    let channel = Carriage::Broadcast {
        channel: "北京卫视".into(),
        clearance: "（京）剧审字".into(),
        runs: 1,
        slots: vec![],
        catch_up: false,
    };
    let shown = deal(4, channel, &["CN"], window(4, Some(9)));
    assert_eq!(met(&shown, &[], std::slice::from_ref(&broad), &[]), [("deal", Some(1))]);
}

#[test]
fn an_exclusive_stretch_shares_no_instant_with_ours() {
    let presold = alone(deal(1, platform(LicenseType::Vod), &["US"], window(10, Some(20))));
    let ends = |ms: i64| {
        let mut before = ours(LicenseType::Vod, &["US"], window(0, None));
        before.window.end_at = Some(UtcMs(10 * DAY_MS + ms));
        presold.meets_avail(&before).map(|met| (met.from.0, met.to))
    };
    assert_eq!([ends(-1), ends(0)], [None, None]);
    assert_eq!(ends(1), Some((10 * DAY_MS, Some(UtcMs(10 * DAY_MS + 1)))));
    let us: Territory = "US".parse().unwrap();
    let (paid, members) = [LicenseType::Vod, LicenseType::Svod].map(|kind| ours(kind, &["US"], window(0, None))).into();
    let kept = |at: i64| kept_until(std::slice::from_ref(&presold), &paid, us, UtcMs(at));
    let (from, to) = (10 * DAY_MS, 20 * DAY_MS);
    assert_eq!([kept(from - 1), kept(to), kept(to + 1)], [None, None, None]);
    assert_eq!([kept(from), kept(from + 1), kept(to - 1)], [Some(Lift::At(UtcMs(to))); 3]);
    assert_eq!(kept_until(std::slice::from_ref(&presold), &members, us, UtcMs(from)), None);
    let endless = Deal { window: window(10, None), ..presold };
    assert_eq!(kept_until(&[endless], &paid, us, UtcMs(from)), Some(Lift::Unplanned));
}

#[test]
fn what_is_exclusive_in_a_language_is_anybodys_in_the_others() {
    let speaking = |language: &str| {
        let list = vec![format!("{language}:dub").parse().unwrap()];
        Caps::of(Some(LanguageTerms::Allow(list)), FormatProfile::Uhd)
    };
    let stretch = || window(0, Some(5));
    let hindi = Deal { caps: speaking("hi"), ..alone(deal(1, platform(LicenseType::Svod), &["IN"], stretch())) };
    let theirs = |caps| Deal { caps, ..deal(2, platform(LicenseType::Svod), &["IN"], stretch()) };
    let our_own = |caps| Avail { caps, ..ours(LicenseType::Svod, &["IN"], stretch()) };
    let place: Territory = "IN".parse().unwrap();
    for (caps, meets) in [(speaking("hi"), true), (speaking("hi-Deva"), true), (speaking("ta"), false), (None, true)] {
        let expected = |word| if meets { vec![(word, Some(5))] } else { vec![] };
        assert_eq!(met(&hindi, &[our_own(caps.clone())], &[], &[]), expected("avail"), "{caps:?}");
        assert_eq!(met(&hindi, &[], &[theirs(caps.clone())], &[]), expected("deal"), "{caps:?}");
        let kept = kept_until(std::slice::from_ref(&hindi), &our_own(caps), place, UtcMs(0));
        assert_eq!(kept.is_some(), meets);
    }
}

#[test]
fn a_holdback_holds_partners_and_broadcasters_too() {
    let circuit = |license_types: Vec<LicenseType>| Holdback {
        id: HoldbackId::new(UtcMs(1)),
        title_id: TitleId::new(UtcMs(1)),
        party: "横店院线".into(),
        contract: None,
        event: HoldbackEvent::CinemaOpening { opens_at: UtcMs(10 * DAY_MS), zone: "UTC".into() },
        lag_days: 5,
        territories: places(&["CN"]),
        license_types,
    };
    let channel = || Carriage::Broadcast {
        channel: "一套".into(),
        clearance: "x".into(),
        runs: 1,
        slots: vec![],
        catch_up: false,
    };
    for (carriage, codes, start_day, kinds, expected) in [
        (platform(LicenseType::Vod), "CN", 12, vec![], vec![("holdback", Some(3))]),
        (platform(LicenseType::Vod), "CN", 15, vec![], vec![]),
        (platform(LicenseType::Vod), "US", 12, vec![], vec![]),
        (platform(LicenseType::Vod), "CN", 12, vec![LicenseType::Svod], vec![]),
        (channel(), "CN", 12, vec![], vec![("holdback", Some(3))]),
        (channel(), "CN", 12, vec![LicenseType::Vod], vec![]),
        (Carriage::Cinema, "CN", 12, vec![], vec![]),
    ] {
        let proposed = deal(1, carriage, &[codes], window(start_day, Some(40)));
        assert_eq!(met(&proposed, &[], &[], &[circuit(kinds)]), expected, "{proposed:?}");
    }
}

#[test]
fn a_premiere_drifts_by_more_than_a_minute() {
    let agreed = deal(1, platform(LicenseType::Vod), &["CN"], window(10, None));
    let start = 10 * DAY_MS;
    let opened = |ms: i64| Deal { opened_at: Some(UtcMs(start + ms)), ..agreed.clone() }.drift(UtcMs(start + DAY_MS));
    assert_eq!([opened(-60_001), opened(-60_000), opened(0)], [Some(Drift::Early), None, None]);
    assert_eq!([opened(60_000), opened(60_001)], [None, Some(Drift::Late)]);
    let silent = |ms: i64| agreed.drift(UtcMs(start + ms));
    assert_eq!([silent(599_999), silent(600_000)], [None, Some(Drift::Unreported)]);
    assert_eq!([silent(7 * DAY_MS - 1), silent(7 * DAY_MS)], [Some(Drift::Unreported), None], "a week later");
    let from_us = Carriage::Platform { license_type: LicenseType::Vod, price: None, streams: Some(1) };
    assert_eq!(Deal { carriage: from_us, ..agreed }.drift(UtcMs(start + DAY_MS)), None, "we know ourselves");
}

#[test]
fn what_no_operator_can_have_meant_is_refused_by_its_field() {
    let good = deal(1, platform(LicenseType::Vod), &["CN"], window(1, Some(2)));
    good.check().unwrap();
    let broadcast = |channel: &str, clearance: &str, runs| Carriage::Broadcast {
        channel: channel.into(),
        clearance: clearance.into(),
        runs,
        slots: vec![],
        catch_up: false,
    };
    let nowhere = serde_json::from_str(r#"{"include":["DE"],"exclude":["DE"]}"#).unwrap();
    let minus = Money::new(-1, crate::base::money::Currency::CNY);
    for (wrong, param) in [
        (Deal { contract: Some(" ".into()), ..good.clone() }, "contract"),
        (Deal { territories: nowhere, ..good.clone() }, "territories"),
        (Deal { carriage: broadcast("", "x", 1), ..good.clone() }, "carriage.channel"),
        (Deal { carriage: broadcast("一套", " ", 1), ..good.clone() }, "carriage.clearance"),
        (Deal { carriage: broadcast("一套", "x", 0), ..good.clone() }, "carriage.runs"),
        (
            Deal {
                carriage: Carriage::Platform { license_type: LicenseType::Vod, price: Some(minus), streams: None },
                ..good.clone()
            },
            "carriage.price",
        ),
        (
            Deal {
                carriage: Carriage::Platform { license_type: LicenseType::Vod, price: None, streams: Some(0) },
                ..good.clone()
            },
            "carriage.streams",
        ),
    ] {
        assert_eq!(wrong.check().unwrap_err().param(), Some(param));
    }
    assert_eq!(Deal { window: window(2, Some(2)), ..good }.check().unwrap_err().code(), "WINDOW_EMPTY");
}

#[test]
fn slots_are_runs_inside_the_window_that_share_no_instant() {
    let agreed = deal(1, Carriage::Cinema, &["CN"], window(10, Some(20)));
    let (start, end) = (10 * DAY_MS, 20 * DAY_MS);
    let on = |runs: u32, slots: &[(i64, i64)], window: &Window| {
        let slots = slots.iter().map(|(from, to)| Slot { start_at: UtcMs(*from), end_at: UtcMs(*to) }).collect();
        let carriage =
            Carriage::Broadcast { channel: "一套".into(), clearance: "x".into(), runs, slots, catch_up: false };
        Deal { carriage, window: window.clone(), ..agreed.clone() }
    };
    let bounded = &agreed.window;
    let endless = window(10, None);
    let many = |count: i64| (0..count).map(|n| (start + n, start + n + 1)).collect::<Vec<_>>();
    for (runs, slots, window, is_good) in [
        (1, vec![], bounded, true),
        (1, vec![(start, end)], bounded, true),
        (1, vec![(start - 1, end)], bounded, false),
        (1, vec![(start, end + 1)], bounded, false),
        (1, vec![(start, end + 1)], &endless, true),
        (1, vec![(start, start)], bounded, false),
        (1, vec![(start + 1, start)], bounded, false),
        (1, vec![(start, start + 5), (start + 5, start + 9)], bounded, false),
        (2, vec![(start, start + 5), (start + 5, start + 9)], bounded, true),
        (2, vec![(start, start + 5), (start + 4, start + 9)], bounded, false),
        (2, vec![(start + 5, start + 9), (start, start + 5)], bounded, false),
        (200, many(104), bounded, true),
        (200, many(105), bounded, false),
    ] {
        let refused = on(runs, &slots, window).check().err();
        let told = refused.as_ref().map(|error| (error.code(), error.param()));
        let expected = (!is_good).then_some(("DEAL_INVALID", Some("carriage.slots")));
        assert_eq!(told, expected, "{runs} {slots:?}");
    }

    // They are settled later, and move with nothing: an end that would cut one off is refused.
    let settled = on(2, &[(start, start + 5)], bounded);
    let edit = |slots: &[(i64, i64)]| DealEdit {
        slots: Some(on(2, slots, bounded).carriage.slots().to_vec()),
        ..DealEdit::default()
    };
    let of_edit = |deal: &Deal, edit: DealEdit| {
        deal.edited(edit, UtcMs(start)).map_err(|error| (error.code(), error.param().map(str::to_owned)))
    };
    let named = |param: &str| ("DEAL_INVALID", Some(param.to_owned()));
    let two = [(start, start + 5), (start + 7, start + 9)];
    assert_eq!(of_edit(&settled, edit(&two)).unwrap(), on(2, &two, bounded));
    assert_eq!(of_edit(&settled, edit(&[])).unwrap(), on(2, &[], bounded));
    assert_eq!(of_edit(&settled, edit(&[(start - 1, start)])).unwrap_err(), named("slots"));
    let ended = |ms: i64| DealEdit { end_at: Some(Some(UtcMs(start + ms))), ..DealEdit::default() };
    assert_eq!(of_edit(&settled, ended(4)).unwrap_err(), named("slots"));
    assert_eq!(of_edit(&settled, ended(5)).unwrap().window.end_at, Some(UtcMs(start + 5)));
    assert_eq!(of_edit(&agreed, edit(&[])).unwrap_err(), named("slots"), "in cinemas there are none");
}

#[test]
fn a_broadcast_that_was_agreed_before_slots_were_kept_has_none() {
    let kept = r#"{"kind":"broadcast","channel":"一套","clearance":"x","runs":2}"#;
    let slots =
        Carriage::Broadcast {
            channel: "一套".into(), clearance: "x".into(), runs: 2, slots: vec![], catch_up: false
        };
    assert_eq!(serde_json::from_str::<Carriage>(kept).unwrap(), slots);
}

#[test]
fn a_deal_that_has_begun_keeps_its_beginning() {
    let agreed = deal(1, platform(LicenseType::Vod), &["CN"], window(10, Some(20)));
    let start = agreed.window.start_at;
    let to = |day: i64| DealEdit { start_at: Some(UtcMs(day * DAY_MS)), ..DealEdit::default() };
    let code = |edit, now: i64| agreed.edited(edit, UtcMs(start.0 + now)).map_err(|error| error.code().to_owned());
    assert_eq!(code(to(11), -1).unwrap().window.start_at, UtcMs(11 * DAY_MS));
    assert_eq!(code(to(11), 0).unwrap_err(), "DEAL_OPENED");
    assert_eq!(code(to(10), 0).unwrap(), agreed, "it is where it was");
    let opened = |ms: i64| DealEdit { opened_at: Some(Some(UtcMs(start.0 + ms))), ..DealEdit::default() };
    assert_eq!(code(opened(5), 4).unwrap_err(), "DEAL_INVALID");
    assert_eq!(code(opened(5), 5).unwrap().opened_at, Some(UtcMs(start.0 + 5)));
    let ended = DealEdit { end_at: Some(Some(start)), ..DealEdit::default() };
    assert_eq!(code(ended, 5).unwrap_err(), "WINDOW_EMPTY");
}
