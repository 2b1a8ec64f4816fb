//! What is decided where a window keeps languages back. The film speaks Chinese and English.

use super::*;
use crate::rights::caps::FormatProfile;
use crate::rights::language_range::LanguageRange;
use crate::rights::language_terms::{LanguageTerms, Sound};
use crate::rights::trace::{Check, Outcome};

pub fn allow(text: &str) -> Option<Arc<Caps>> {
    let list = text.split_whitespace().map(|entry| entry.parse().unwrap()).collect();
    Caps::of(Some(LanguageTerms::Allow(list)), FormatProfile::Hd)
}

/// A paid window, one for members and a free one, all open, each with its languages.
fn speaking(paid: &str, members: &str, free: &str) -> Cinema {
    let mut cinema = cinema();
    let rights = &mut cinema.rights;
    let free_avail = avail(rights.title.id, LicenseType::Avod, window(pvod_start(), None));
    rights.avails.push(Avail { id: AvailId::new(UtcMs(2)), ..free_avail });
    for (avail, languages) in rights.avails.iter_mut().zip([paid, members, free]) {
        avail.window.start_at = pvod_start();
        avail.caps = allow(languages);
    }
    let sound = Sound(vec![Some("zh".into()), Some("en".into())]);
    rights.sounds = [(rights.title.parts[0], sound)].into();
    cinema
}

#[test]
fn a_mute_right_gives_way_to_the_next() {
    let member = |cinema: &Cinema| cinema.member(UtcMs(i64::MAX));
    for (paid, members, free, brings, expected) in [
        ("zh", "zh", "zh", "running", "grant"),
        ("fr", "zh", "zh", "running", "membership"),
        ("fr", "fr", "zh", "running", "free"),
        ("fr", "fr", "fr", "running", "LANGUAGE_HELD_BACK"),
        ("zh", "fr", "fr", "waiting", "grant"),
        ("zh", "fr", "zh", "waiting", "free"),
        ("fr", "fr", "fr", "waiting", "LANGUAGE_HELD_BACK"),
        ("fr", "en", "fr", "member", "membership"),
        ("zh", "fr", "fr", "member", "PAYMENT_REQUIRED"),
        ("zh", "fr", "fr", "nothing", "PAYMENT_REQUIRED"),
        ("fr", "zh", "fr", "nothing", "MEMBERSHIP_REQUIRED"),
        ("fr", "fr", "en:dub", "nothing", "free"),
        ("fr", "fr", "fr", "nothing", "LANGUAGE_HELD_BACK"),
    ] {
        let cinema = speaking(paid, members, free);
        let viewer = match brings {
            "running" => with(vec![cinema.bought(pvod_start())], vec![member(&cinema)]),
            "waiting" => with(vec![cinema.rented(pvod_start())], vec![member(&cinema)]),
            "member" => with(vec![], vec![member(&cinema)]),
            _ => nobody(),
        };
        assert_eq!(cinema.answer(&viewer, pvod_start()), expected, "{paid} {members} {free} {brings}");
    }
}

#[test]
fn of_two_windows_of_a_kind_the_one_that_is_wanted_is_used() {
    // Two windows for members, in Chinese and in English; a rental of another in English too.
    let mut cinema = speaking("en", "zh", "fr");
    let english = Avail { id: AvailId::new(UtcMs(9)), caps: allow("en"), ..cinema.rights.avails[1].clone() };
    cinema.rights.avails.push(english);
    let [paid, chinese, _, english] = [0, 1, 2, 3].map(|n: usize| cinema.rights.avails[n].id);
    let member = vec![cinema.member(UtcMs(i64::MAX))];
    let rented = vec![cinema.rented(pvod_start())];
    let used = |cinema: &Cinema, grants: Vec<Grant>, memberships: Vec<Membership>, wanted: Option<&str>| {
        let wanted = wanted.map(|tag| LanguageRange::parse(tag).unwrap());
        let viewer = ViewerRights { wanted, ..with(grants, memberships) };
        cinema.session(&viewer, pvod_start()).entitlement.avail_id.unwrap()
    };
    for (wanted, expected) in
        [(None, chinese), (Some("zh"), chinese), (Some("en"), english), (Some("ja"), chinese), (Some("*"), chinese)]
    {
        assert_eq!(used(&cinema, rented.clone(), member.clone(), wanted), expected, "{wanted:?}");
    }
    // Asked for by name, a rental is started rather than another language shown; and not where it does not help.
    cinema.rights.avails[3].caps = allow("fr");
    assert_eq!(used(&cinema, rented.clone(), member.clone(), Some("en")), paid);
    assert_eq!(used(&cinema, rented.clone(), member.clone(), None), chinese);
    assert_eq!(used(&cinema, rented.clone(), member.clone(), Some("ja")), chinese);
    // The first one that is heard at all, where the first of them is not.
    cinema.rights.avails[1].caps = allow("fr");
    cinema.rights.avails[3].caps = allow("en");
    assert_eq!(used(&cinema, vec![], member.clone(), None), english);
    // What the film speaks may not be known; then the window's own terms tell.
    cinema.rights.sounds.clear();
    assert_eq!(used(&cinema, vec![], member.clone(), Some("en")), english);
    assert_eq!(used(&cinema, vec![], member.clone(), Some("fr")), chinese);
}

#[test]
fn early_access_ends_where_members_get_its_own_language() {
    let mut cinema = speaking("en", "zh", "fr");
    cinema.rights.offers[0].clock = GrantClock::UntilMembers { watch_ms: 30 * DAY_MS };
    let clock = GrantClock::UntilMembers { watch_ms: 30 * DAY_MS };
    let viewer = with(vec![cinema.grant(clock, pvod_start())], vec![cinema.member(UtcMs(i64::MAX))]);
    assert_eq!(cinema.answer(&viewer, pvod_start()), "grant", "members have it in Chinese only");
    cinema.rights.avails[1].caps = allow("zh en");
    assert_eq!(cinema.answer(&viewer, pvod_start()), "membership");
    // Bought in every language: one of two is not what was bought, and both are.
    cinema.rights.avails[0].caps = None;
    for (members, expected) in [("zh", "grant"), ("en", "grant"), ("fr", "grant"), ("zh en:dub", "membership")] {
        cinema.rights.avails[1].caps = allow(members);
        assert_eq!(cinema.answer(&viewer, pvod_start()), expected, "{members}");
    }
    // Two windows of theirs give both together.
    let english = Avail { id: AvailId::new(UtcMs(9)), caps: allow("en"), ..cinema.rights.avails[1].clone() };
    cinema.rights.avails.push(english);
    for (members, expected) in [("fr", "grant"), ("zh", "membership")] {
        cinema.rights.avails[1].caps = allow(members);
        assert_eq!(cinema.answer(&viewer, pvod_start()), expected, "{members} and en");
    }
    cinema.rights.avails.pop();
    // Where nobody knows what it speaks, the terms alone tell.
    cinema.rights.sounds.clear();
    assert_eq!(cinema.answer(&viewer, pvod_start()), "grant");
    cinema.rights.avails[1].caps = allow("*:dub");
    assert_eq!(cinema.answer(&viewer, pvod_start()), "membership");
}

#[test]
fn whoever_has_one_language_may_buy_another() {
    let mut cinema = speaking("zh", "fr", "fr");
    let english = Avail { id: AvailId::new(UtcMs(9)), caps: allow("en"), ..cinema.rights.avails[0].clone() };
    let offer = Offer { id: OfferId::new(UtcMs(9)), avail_id: english.id, ..cinema.rights.offers[0].clone() };
    cinema.rights.avails.push(english);
    cinema.rights.offers.push(offer);
    let viewer = with(vec![cinema.bought(pvod_start())], vec![]);
    let [chinese, english] = [0, 1].map(|n: usize| {
        quote(&cinema.rights, &cinema.rights.offers[n], &viewer, Some(cn()), pvod_start()).map_err(|denial| denial.code)
    });
    assert_eq!(chinese.err(), Some(DenialCode::AlreadyOwned));
    assert!(english.is_ok());
    // What the contracts share and the film does not speak makes no difference.
    (cinema.rights.avails[0].caps, cinema.rights.avails[3].caps) = (allow("zh fr"), allow("en fr"));
    assert!(quote(&cinema.rights, &cinema.rights.offers[1], &viewer, Some(cn()), pvod_start()).is_ok());
}

#[test]
fn an_unlock_is_watched_in_a_later_window_in_which_it_is_heard() {
    let mut cinema = speaking("zh", "fr", "fr");
    cinema.rights.title.details.episodes = Some(EpisodeTerms { free: 0, coins: 60, rewarded_per_day: 0 });
    let unlocks = vec![cinema.unlocked(1, UnlockMeans::Coins(60), pvod_start())];
    cinema.rights.avails[0].hard_end_at = Some(UtcMs(pvod_start().0 + DAY_MS));
    for (n, languages) in [(8, "fr"), (9, "en")] {
        let mut later = Avail { id: AvailId::new(UtcMs(n)), caps: allow(languages), ..cinema.rights.avails[0].clone() };
        (later.window.start_at, later.hard_end_at) = (UtcMs(pvod_start().0 + DAY_MS), None);
        cinema.rights.avails.push(later);
    }
    let viewer = ViewerRights { unlocks, ..nobody() };
    let right = cinema.session(&viewer, UtcMs(pvod_start().0 + DAY_MS)).entitlement;
    assert_eq!((right.cause.rule(), right.caps), ("unlock", allow("en")));
}

#[test]
fn what_nobody_could_hear_is_not_sold_and_what_helps_is_said() {
    let cinema = speaking("fr", "zh", "fr");
    let offer = &cinema.rights.offers[0];
    let refused = quote(&cinema.rights, offer, &nobody(), Some(cn()), pvod_start()).unwrap_err();
    assert_eq!((refused.code, refused.next), (DenialCode::LanguageHeldBack, vec![NextOption::Join]));
    let next = |cinema: &Cinema, viewer: &ViewerRights| match decide(&cinema.rights, viewer, Some(cn()), pvod_start()) {
        Decision::Deny(denial) => denial.next,
        Decision::Allow(_) => panic!("allowed"),
    };
    let mut mute = speaking("fr", "fr", "fr");
    assert_eq!(next(&mute, &nobody()), []);
    // A window that opens later, in which it is heard, is worth waiting for; one in which it is not, is not.
    for (languages, expected) in [("fr", vec![]), ("zh", vec![NextOption::Wait { opens_at: pvod_end() }])] {
        mute.rights.avails[2].window.start_at = pvod_end();
        mute.rights.avails[2].caps = allow(languages);
        assert_eq!(next(&mute, &with(vec![mute.bought(pvod_start())], vec![])), expected, "{languages}");
    }
    // Whoever has what is mute can buy what is heard, and plays that.
    let mut two = speaking("zh", "fr", "fr");
    let abroad = Avail { id: AvailId::new(UtcMs(3)), caps: allow("fr"), ..two.rights.avails[0].clone() };
    let mute = Grant { avail_id: abroad.id, ..two.bought(UtcMs(pvod_start().0 + 1)) };
    two.rights.avails.push(abroad);
    let now = UtcMs(pvod_start().0 + 1);
    assert!(quote(&two.rights, &two.rights.offers[0], &with(vec![mute.clone()], vec![]), Some(cn()), now).is_ok());
    let heard = two.bought(pvod_start());
    let viewer = with(vec![mute, heard.clone()], vec![]);
    assert_eq!(two.session(&viewer, now).entitlement.cause, Cause::Grant(heard.id));
    // Presale too.
    let mut cinema = speaking("zh", "fr", "fr");
    cinema.rights.offers[0].presale_from_at = Some(UtcMs(0));
    let before = UtcMs(pvod_start().0 - 1);
    assert!(quote(&cinema.rights, &cinema.rights.offers[0], &nobody(), Some(cn()), before).is_ok());
    cinema.rights.avails[0].caps = allow("fr");
    let refused = quote(&cinema.rights, &cinema.rights.offers[0], &nobody(), Some(cn()), before).unwrap_err();
    assert_eq!(refused.code, DenialCode::LanguageHeldBack);
}

#[test]
fn members_get_soon_what_they_get_in_all_of_its_languages() {
    const HOUR: i64 = 3_600_000;
    let now = UtcMs(pvod_start().0 + DAY_MS);
    let in_hours = |hours: i64| UtcMs(now.0 + hours * HOUR);
    // Windows for members by their languages and how many hours from now they open; what is bought is in Chinese and English.
    for (windows, expected) in [
        (vec![("zh en", 24)], Some(24)),
        (vec![("zh en", 25)], None),
        (vec![("zh", 5)], None),
        (vec![("zh", 5), ("en", 7)], Some(7)),
        (vec![("zh", -5), ("en", 7)], Some(7)),
        (vec![("zh", -5), ("en", -7)], None),
        (vec![("fr", 1), ("zh en fr", 3)], Some(3)),
        (vec![], None),
    ] {
        let mut cinema = speaking("zh en", "fr", "fr");
        let members = cinema.rights.avails[1].clone();
        cinema.rights.avails.truncate(1);
        for (n, (languages, hours)) in windows.iter().enumerate() {
            let mut avail = Avail { id: AvailId::new(UtcMs(20 + n as i64)), caps: allow(languages), ..members.clone() };
            avail.window.start_at = in_hours(*hours);
            cinema.rights.avails.push(avail);
        }
        let quoted = quote(&cinema.rights, &cinema.rights.offers[0], &nobody(), Some(cn()), now).unwrap();
        assert_eq!(quoted.members_from_at, expected.map(in_hours), "{windows:?}");
    }
}

#[test]
fn a_session_keeps_the_caps_of_its_window() {
    let mut cinema = speaking("zh", "en", "zh en");
    let viewer = with(vec![cinema.bought(pvod_start())], vec![]);
    let session = cinema.session(&viewer, pvod_start());
    assert_eq!(session.entitlement.caps, allow("zh"));
    cinema.rights.avails[0].caps = allow("fr");
    let goes_on = still_entitled(&session, &cinema.rights, viewer.grants.first(), None, Some(cn()), pvod_start());
    assert_eq!(goes_on, Ok(()), "what was opened goes on");
    let json = serde_json::to_value(&session.entitlement).unwrap();
    assert_eq!(serde_json::from_value::<Entitlement>(json.clone()).unwrap(), session.entitlement);
    assert_eq!(json["caps"], serde_json::json!({"languages": {"allow": ["zh"]}, "format_profile": "hd"}));
    cinema.rights.avails[0].caps = None;
    let whole = cinema.session(&viewer, pvod_start()).entitlement;
    assert_eq!(serde_json::to_value(&whole).unwrap().get("caps"), None, "as before there were any");
}

#[test]
fn previews_have_the_caps_of_a_window_that_is_heard() {
    let mut cinema = speaking("fr", "fr", "en");
    cinema.rights.title.details.preview_ms = Some(60_000);
    let preview = |cinema: &Cinema| match decide_preview(&cinema.rights, None, Some(cn()), pvod_start()).unwrap() {
        Decision::Allow(right) => right.caps.ok_or("none"),
        Decision::Deny(denial) => Err(denial.code.as_str()),
    };
    assert_eq!(preview(&cinema), Ok(allow("en").unwrap()));
    cinema.rights.avails[2].caps = allow("fr");
    assert_eq!(preview(&cinema), Err("LANGUAGE_HELD_BACK"));
}

#[test]
fn what_is_not_known_or_silent_is_not_refused() {
    let mut cinema = speaking("fr", "fr", "fr");
    let film = cinema.rights.title.parts[0];
    cinema.rights.sounds.clear();
    assert_eq!(cinema.answer(&nobody(), pvod_start()), "free", "that is found when it is opened");
    cinema.rights.sounds.insert(film, Sound(vec![]));
    assert_eq!(cinema.answer(&nobody(), pvod_start()), "free", "a silent film");
    cinema.rights.sounds.insert(film, Sound(vec![None]));
    assert_eq!(cinema.answer(&nobody(), pvod_start()), "LANGUAGE_HELD_BACK", "nothing is declared");
    cinema.rights.avails[2].caps =
        Caps::of(Some(LanguageTerms::HoldBack(vec!["fr".parse().unwrap()])), FormatProfile::Uhd);
    assert_eq!(cinema.answer(&nobody(), pvod_start()), "free", "what declares nothing is not held back");
}

#[test]
fn an_explanation_says_which_right_is_mute() {
    let cinema = speaking("zh", "fr", "fr");
    let viewer = with(vec![cinema.rented(pvod_start())], vec![cinema.member(UtcMs(i64::MAX))]);
    let (decision, steps) = explain(&cinema.rights, 1, &viewer, Some(cn()), pvod_start());
    assert!(matches!(decision, Decision::Allow(_)));
    let asked: Vec<_> = steps
        .iter()
        .filter(|step| step.check == Check::Languages)
        .map(|step| (step.outcome, step.code, step.facts["avail_id"].as_str().unwrap().to_owned()))
        .collect();
    let [paid, members, free] = [0, 1, 2].map(|n: usize| cinema.rights.avails[n].id.to_string());
    let mute = Some(DenialCode::LanguageHeldBack);
    assert_eq!(asked, [(Outcome::Fail, mute, members), (Outcome::Fail, mute, free), (Outcome::Pass, None, paid)]);
}

#[test]
fn an_episode_that_is_mute_is_not_unlocked() {
    let mut cinema = speaking("zh", "fr", "fr");
    cinema.rights.title.details.episodes = Some(EpisodeTerms { free: 0, coins: 60, rewarded_per_day: 1 });
    cinema.rights.title.parts.push(AssetId::new(UtcMs(2)));
    cinema.rights.sounds.insert(cinema.rights.title.parts[1], Sound(vec![Some("ja".into())]));
    let refused =
        |part: u32, viewer: &ViewerRights| match decide_part(&cinema.rights, part, viewer, Some(cn()), pvod_start()) {
            Decision::Deny(denial) => {
                (denial.code, denial.next.iter().any(|next| matches!(next, NextOption::Unlock { .. })))
            }
            Decision::Allow(right) => panic!("{right:?}"),
        };
    assert_eq!(refused(1, &nobody()), (DenialCode::PaymentRequired, true));
    assert!(!refused(2, &nobody()).1);
    let unlocks = vec![cinema.unlocked(2, UnlockMeans::Coins(60), pvod_start())];
    let viewer = ViewerRights { unlocks, ..nobody() };
    assert_eq!(refused(2, &viewer), (DenialCode::LanguageHeldBack, false), "it was cut anew");
}
