//! What speaks against an avail beside the others of its title. Two avails of one licence type never overlap in a common
//! territory and in a language that may be heard under both, and none opens before what its title's holdbacks allow: those
//! are conflicts and are refused. Windows of different types may overlap, and where that makes a paid window worth less it
//! is a warning; so is one under which nothing would be offered in China.

use crate::base::clock::UtcMs;
use crate::base::id::{AvailId, DealId, HoldbackId, PartyId};
use crate::base::territory::{Territory, TerritorySet};
use crate::catalog::compliance::ComplianceState;
use crate::catalog::title::Title;
use crate::rights::avail::{Avail, LicenseType};
use crate::rights::caps::hear_together;
use crate::rights::clearance::Clearance;
use crate::rights::deal::{Carriage, Deal, DealWarning};
use crate::rights::holdback::Holdback;
use crate::rights::window::WindowPhase;

const DAY_MS: i64 = 24 * 3600 * 1000;

/// One other avail that meets the proposed one, or an avail that opens too early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The other avail, or the one that opens too early or that another party keeps out.
    pub avail_id: AvailId,
    pub license_type: LicenseType,
    /// Where both apply.
    pub territories: TerritorySet,
    /// When both are open, or one is before it may be: `[from, to)`. A holdback whose event is not planned has no end.
    pub from: UtcMs,
    pub to: Option<UtcMs>,
    pub code: ConflictCode,
    /// What it opens too early for, and to whom that was promised.
    pub holdback: Option<(HoldbackId, String)>,
    /// Who has it alone meanwhile.
    pub deal: Option<(DealId, PartyId)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConflictCode {
    /// The same licence type twice.
    Overlap,
    /// A window opens while a contract holds it back.
    HeldBack,
    /// Another party has it alone.
    Exclusive,
    /// A paid window opens while the title is free already.
    PvodAfterFree,
    /// A paid window opens while members have the title already.
    PvodAfterMember,
    /// A free window opens before a paid one ends.
    FreeBeforePvodEnds,
    /// A member window opens before a paid one ends.
    MemberBeforePvodEnds,
    /// What members are offered is free at the same time.
    FreeDuringMember,
    /// In China it is not cleared for what the window is to offer.
    LicenceRequired,
    /// Nobody has said where it was made, and nothing of it is offered in China before that.
    OriginUnknown,
}

/// Everything that meets a proposed avail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// These stand against it.
    pub conflicts: Vec<Conflict>,
    /// These an operator should have meant.
    pub warnings: Vec<Conflict>,
}

impl ConflictCode {
    pub fn as_str(self) -> &'static str {
        match self {
            ConflictCode::Overlap => "OVERLAP",
            ConflictCode::HeldBack => "HELD_BACK",
            ConflictCode::Exclusive => "EXCLUSIVE",
            ConflictCode::PvodAfterFree => "PVOD_AFTER_FREE",
            ConflictCode::PvodAfterMember => "PVOD_AFTER_MEMBER",
            ConflictCode::FreeBeforePvodEnds => "FREE_BEFORE_PVOD_ENDS",
            ConflictCode::MemberBeforePvodEnds => "MEMBER_BEFORE_PVOD_ENDS",
            ConflictCode::FreeDuringMember => "FREE_DURING_MEMBER",
            ConflictCode::LicenceRequired => "LICENCE_REQUIRED",
            ConflictCode::OriginUnknown => "ORIGIN_UNKNOWN",
        }
    }

    /// One sentence for a person.
    pub fn says(self) -> &'static str {
        match self {
            ConflictCode::HeldBack => "The window opens before a contract allows it.",
            ConflictCode::Exclusive => "Another party has the title alone meanwhile.",
            ConflictCode::Overlap => "Two windows of one licence type overlap in a common territory and language.",
            ConflictCode::PvodAfterFree => "The paid window opens while the title is free already.",
            ConflictCode::PvodAfterMember => "The paid window opens while members have the title already.",
            ConflictCode::FreeBeforePvodEnds => "The free window opens before the paid one ends.",
            ConflictCode::MemberBeforePvodEnds => "The member window opens before the paid one ends.",
            ConflictCode::FreeDuringMember => "The title is free while members are offered it.",
            ConflictCode::OriginUnknown => {
                "Nothing opens in China under it before somebody says where the title was made: what was made in China needs \
                a licence there."
            }
            ConflictCode::LicenceRequired => "Nothing opens in China under it before the title is cleared for it.",
        }
    }
}

impl Conflict {
    /// Days of overlap, begun ones counted whole; none where neither window ends.
    pub fn days(&self) -> Option<i64> {
        days_begun(self.from, self.to)
    }
}

/// Days of a stretch, begun ones counted whole; none where it has no end.
pub fn days_begun(from: UtcMs, to: Option<UtcMs>) -> Option<i64> {
    to.map(|to| (to.0.saturating_sub(from.0) + DAY_MS - 1).div_euclid(DAY_MS))
}

/// What of `others` (the avails of the title) meets `proposed`, and what would open too early with it. An avail does not
/// meet itself: one that is edited is proposed under its own id.
pub fn findings(proposed: &Avail, others: &[Avail], holdbacks: &[Holdback], deals: &[Deal], now: UtcMs) -> Findings {
    let mut findings = Findings::default();
    if !holdbacks.is_empty() {
        let others = others.iter().filter(|other| other.id != proposed.id).cloned();
        let plan: Vec<Avail> = others.chain([proposed.clone()]).collect();
        findings.conflicts = held_back(&plan, holdbacks, deals, now);
    }
    findings.conflicts.extend(kept_out(proposed, deals, now));
    for other in others.iter().filter(|other| other.id != proposed.id) {
        let Some(conflict) = meeting(proposed, other) else { continue };
        if conflict.code == ConflictCode::Overlap {
            findings.conflicts.push(conflict);
        } else {
            findings.warnings.push(conflict);
        }
    }
    findings
}

/// The windows of a plan that open too early, and for which holdback. What is over by now cannot be moved any more.
pub fn held_back(avails: &[Avail], holdbacks: &[Holdback], deals: &[Deal], now: UtcMs) -> Vec<Conflict> {
    let mut found = Vec::new();
    for holdback in holdbacks {
        let lift = holdback.lift(avails, deals);
        let is_over = |avail: &Avail| avail.window.phase(now) == WindowPhase::Closed;
        for avail in avails.iter().filter(|avail| lift.holds(avail.window.start_at) && !is_over(avail)) {
            found.extend(holdback.of(avail).map(|territories| Conflict {
                avail_id: avail.id,
                license_type: avail.license_type,
                territories,
                from: avail.window.start_at,
                to: lift.at(),
                code: ConflictCode::HeldBack,
                holdback: Some((holdback.id, holdback.party.clone())),
                deal: None,
            }));
        }
    }
    found
}

/// A window in which nothing would be offered in China as the title stands there now.
pub fn uncleared(avail: &Avail, title: &Title, now: UtcMs) -> Option<Conflict> {
    if avail.window.phase(now) == WindowPhase::Closed {
        return None;
    }
    let (code, territories) = uncleared_in(&avail.territories, avail.license_type, title, now)?;
    Some(Conflict {
        avail_id: avail.id,
        license_type: avail.license_type,
        territories,
        from: avail.window.start_at,
        to: avail.window.end_at,
        code,
        holdback: None,
        deal: None,
    })
}

/// A deal under which its party could offer nothing in China as the title stands there now. The licence is one for what is
/// offered online: cinemas and television are not asked about.
pub fn uncleared_deal(deal: &Deal, title: &Title, now: UtcMs) -> Option<DealWarning> {
    let Carriage::Platform { license_type, .. } = deal.carriage else { return None };
    if !deal.is_alive(now) {
        return None;
    }
    let (code, territories) = uncleared_in(&deal.territories, license_type, title, now)?;
    Some(DealWarning { license_type, territories, from: deal.window.start_at, to: deal.window.end_at, code })
}

fn uncleared_in(
    territories: &TerritorySet,
    license_type: LicenseType,
    title: &Title,
    now: UtcMs,
) -> Option<(ConflictCode, TerritorySet)> {
    let clearance = Clearance::of(title, Some(Territory::CHINA), now);
    let code = match clearance.0 {
        ComplianceState::OriginUnknown => ConflictCode::OriginUnknown,
        _ => ConflictCode::LicenceRequired,
    };
    if clearance.allows_type(license_type) {
        return None;
    }
    Some((code, territories.common(&TerritorySet::of([Territory::CHINA]))?))
}

/// Where a window lies in what another party has alone. What is over by now is not asked about.
fn kept_out(avail: &Avail, deals: &[Deal], now: UtcMs) -> Vec<Conflict> {
    let conflict = |deal: &Deal| {
        let met = deal.meets_avail(avail).filter(|met| met.to.is_none_or(|to| to > now))?;
        Some(Conflict {
            avail_id: avail.id,
            license_type: avail.license_type,
            territories: met.territories,
            from: met.from,
            to: met.to,
            code: ConflictCode::Exclusive,
            holdback: None,
            deal: Some((deal.id, deal.party_id)),
        })
    };
    deals.iter().filter_map(conflict).collect()
}

fn meeting(proposed: &Avail, other: &Avail) -> Option<Conflict> {
    let territories = proposed.territories.common(&other.territories)?;
    let (from, to) = proposed.window.common(&other.window)?;
    if !hear_together(proposed.caps.as_deref(), other.caps.as_deref()) {
        return None;
    }
    let code = code(proposed, other);
    Some(Conflict {
        avail_id: other.id,
        license_type: other.license_type,
        territories,
        from,
        to,
        code,
        holdback: None,
        deal: None,
    })
}

fn code(one: &Avail, other: &Avail) -> ConflictCode {
    use LicenseType::{Avod, Svod, Vod};
    let (paid, open) = match (one.license_type, other.license_type) {
        (this, that) if this == that => return ConflictCode::Overlap,
        (Svod, Avod) | (Avod, Svod) => return ConflictCode::FreeDuringMember,
        (Vod, _) => (one, other),
        (_, _) => (other, one),
    };
    let is_later = open.window.start_at > paid.window.start_at;
    match (open.license_type, is_later) {
        (Avod, false) => ConflictCode::PvodAfterFree,
        (Avod, true) => ConflictCode::FreeBeforePvodEnds,
        (_, false) => ConflictCode::PvodAfterMember,
        (_, true) => ConflictCode::MemberBeforePvodEnds,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::{AssetId, TitleId};
    use crate::catalog::details::TitleDetails;
    use crate::catalog::title::TitleStatus;
    use crate::rights::caps::{Caps, FormatProfile};
    use crate::rights::deal::Medium;
    use crate::rights::holdback::HoldbackEvent;
    use crate::rights::language_terms::LanguageTerms;
    use crate::rights::window::Window;

    fn avail(license_type: LicenseType, codes: &[&str], start_day: i64, end_day: Option<i64>) -> Avail {
        let at = |day: i64| UtcMs(day * DAY_MS);
        Avail {
            id: AvailId::new(UtcMs(1)),
            title_id: TitleId::new(UtcMs(1)),
            license_type,
            description: None,
            territories: TerritorySet::of(codes.iter().map(|code| code.parse().unwrap())),
            window: Window { start_at: at(start_day), end_at: end_day.map(at), zone: "UTC".into() },
            hard_end_at: None,
            caps: None,
        }
    }

    fn title() -> Title {
        Title {
            id: TitleId::new(UtcMs(1)),
            name: [("zh-CN".to_owned(), "雾港孤刀".to_owned())].into(),
            synopsis: [].into(),
            status: TitleStatus::Live,
            parts: vec![AssetId::new(UtcMs(1))],
            runtime_ms: 92 * 60_000,
            details: TitleDetails::default(),
            created_at: UtcMs(1),
            version: 1,
        }
    }

    fn codes(found: &[Conflict]) -> Vec<&'static str> {
        found.iter().map(|conflict| conflict.code.as_str()).collect()
    }

    #[test]
    fn one_licence_type_never_overlaps_in_a_common_territory() {
        use LicenseType::Vod;
        let other = avail(Vod, &["CN", "DE"], 10, Some(20));
        let find = |proposed: &Avail| findings(proposed, std::slice::from_ref(&other), &[], &[], UtcMs(0)).conflicts;
        let found = find(&avail(Vod, &["DE", "FR"], 15, None));
        assert_eq!(codes(&found), ["OVERLAP"]);
        assert_eq!((found[0].avail_id, found[0].days()), (other.id, Some(5)));
        assert_eq!(found[0].territories, TerritorySet::of(["DE".parse().unwrap()]));
        assert_eq!((found[0].from, found[0].to), (UtcMs(15 * DAY_MS), Some(UtcMs(20 * DAY_MS))));
        assert_eq!(find(&avail(Vod, &["FR"], 15, None)), [], "no common territory");
        assert_eq!(find(&Avail { id: other.id, ..avail(Vod, &["CN"], 15, None) }), [], "it does not meet itself");
        assert_eq!(codes(&find(&avail(Vod, &[], 15, Some(16)))), ["OVERLAP"], "the world has them all");
        assert_eq!(
            findings(&avail(Vod, &["CN"], 5, None), &[avail(Vod, &["CN"], 7, None)], &[], &[], UtcMs(0)).conflicts[0]
                .days(),
            None
        );
    }

    #[test]
    fn what_is_heard_in_different_languages_does_not_meet() {
        use LicenseType::{Avod, Svod};
        let speaking = |mut avail: Avail, languages: Option<LanguageTerms>| {
            avail.caps = Caps::of(languages, FormatProfile::Hd);
            avail
        };
        let list = |text: &str| text.split(' ').map(|entry| entry.parse().unwrap()).collect::<Vec<_>>();
        let chinese = || speaking(avail(Svod, &["CN"], 0, Some(5)), Some(LanguageTerms::Allow(list("zh:dub *:sub"))));
        for (languages, expected) in [
            (None, vec!["OVERLAP"]),
            (Some(LanguageTerms::Allow(list("yue"))), vec!["OVERLAP"]),
            (Some(LanguageTerms::Allow(list("en zh:sub"))), vec![]),
            (Some(LanguageTerms::HoldBack(list("zh"))), vec![]),
        ] {
            let other = speaking(avail(Svod, &["CN"], 0, Some(5)), languages.clone());
            let found = findings(&chinese(), &[other], &[], &[], UtcMs(0));
            assert_eq!(codes(&found.conflicts), expected, "{languages:?}");
            let free = speaking(avail(Avod, &["CN"], 0, Some(5)), languages);
            let found = findings(&chinese(), &[free], &[], &[], UtcMs(0));
            assert_eq!(found.warnings.len(), expected.len());
        }
    }

    #[test]
    fn a_window_that_china_has_not_cleared_is_told_of() {
        use LicenseType::{Avod, Est, Svod, Vod};
        let mut film = title();
        let told = |film: &Title, avail: &Avail, now: i64| {
            uncleared(avail, film, UtcMs(now)).map(|found| (found.code.as_str(), found.territories, found.days()))
        };
        let china = TerritorySet::of([Territory::CHINA]);
        let both = |kind| avail(kind, &["CN", "DE"], 0, Some(5));
        assert_eq!(told(&film, &both(Vod), 0), Some(("ORIGIN_UNKNOWN", china, Some(5))));
        film.details.country = Some("NL".parse().unwrap());
        assert_eq!(told(&film, &both(Vod), 0), None, "it was not made there");
        film.details.country = Some(Territory::CHINA);
        let expected = Some(("LICENCE_REQUIRED", china, Some(5)));
        for kind in LicenseType::ALL {
            assert_eq!(told(&film, &both(kind), 0), expected, "{kind:?}");
        }
        assert_eq!(told(&film, &both(Vod), 5 * DAY_MS - 1), expected);
        assert_eq!(told(&film, &both(Vod), 5 * DAY_MS), None, "it is over");
        assert_eq!(told(&film, &avail(Vod, &["DE"], 0, None), 0), None, "it is elsewhere");
        film.details.compliance.is_ordinary = true;
        assert_eq!(told(&film, &both(Avod), 0), None, "what is ordinary is free");
        for kind in [Vod, Est, Svod] {
            assert_eq!(told(&film, &both(kind), 0), expected, "{kind:?}");
        }
    }

    #[test]
    fn a_deal_that_china_has_not_cleared_is_told_of() {
        let mut film = title();
        let platform = |license_type| Carriage::Platform { license_type, price: None, streams: None };
        let deal = |carriage: Carriage, codes: &[&str]| Deal {
            id: DealId::new(UtcMs(1)),
            title_id: TitleId::new(UtcMs(1)),
            party_id: PartyId::new(UtcMs(1)),
            contract: None,
            carriage,
            territories: TerritorySet::of(codes.iter().map(|code| code.parse().unwrap())),
            caps: None,
            window: Window { start_at: UtcMs(0), end_at: Some(UtcMs(5 * DAY_MS)), zone: "UTC".into() },
            exclusivity: None,
            opened_at: None,
            revoked_at: None,
        };
        let both = LicenseType::ALL.map(|kind| deal(platform(kind), &["CN", "DE"]));
        let [paid, ..] = &both;
        let elsewhere = deal(platform(LicenseType::Vod), &["DE"]);
        let shown = [
            deal(Carriage::Cinema, &["CN"]),
            deal(
                Carriage::Broadcast {
                    channel: "一套".into(),
                    clearance: "x".into(),
                    runs: 1,
                    slots: vec![],
                    catch_up: false,
                },
                &["CN"],
            ),
        ];
        let told = |film: &Title, deal: &Deal, now: i64| {
            uncleared_deal(deal, film, UtcMs(now)).map(|found| (found.code.as_str(), found.territories, found.days()))
        };
        let china = TerritorySet::of([Territory::CHINA]);
        assert_eq!(told(&film, paid, 0), Some(("ORIGIN_UNKNOWN", china, Some(5))));
        film.details.country = Some("NL".parse().unwrap());
        assert_eq!(told(&film, paid, 0), None, "it was not made there");
        film.details.country = Some(Territory::CHINA);
        let expected = Some(("LICENCE_REQUIRED", china, Some(5)));
        for deal in &both {
            assert_eq!(told(&film, deal, 0), expected, "{deal:?}");
        }
        for deal in &shown {
            assert_eq!(told(&film, deal, 0), None, "it is not online: {deal:?}");
        }
        assert_eq!(told(&film, paid, 5 * DAY_MS - 1), expected);
        assert_eq!(told(&film, paid, 5 * DAY_MS), None, "it is over");
        assert_eq!(told(&film, &Deal { revoked_at: Some(UtcMs(0)), ..paid.clone() }, 0), None, "it was taken back");
        assert_eq!(told(&film, &elsewhere, 0), None);
        film.details.compliance.is_ordinary = true;
        for deal in &both {
            let is_free = deal.carriage.medium() == Medium::Avod;
            assert_eq!(told(&film, deal, 0), expected.filter(|_| !is_free), "what is ordinary is free: {deal:?}");
        }
    }

    #[test]
    fn neighbours_share_no_instant_and_one_millisecond_is_too_much() {
        let other = avail(LicenseType::Svod, &["CN"], 10, Some(20));
        let ends = |ms: i64| {
            let mut before = avail(LicenseType::Svod, &["CN"], 5, None);
            before.window.end_at = Some(UtcMs(10 * DAY_MS + ms));
            let found = findings(&before, std::slice::from_ref(&other), &[], &[], UtcMs(0)).conflicts;
            (found.len(), found.first().and_then(Conflict::days))
        };
        assert_eq!([ends(-1), ends(0), ends(1)], [(0, None), (0, None), (1, Some(1))]);
        let starts = |ms: i64| {
            let mut after = avail(LicenseType::Svod, &["CN"], 0, None);
            after.window.start_at = UtcMs(20 * DAY_MS + ms);
            findings(&after, std::slice::from_ref(&other), &[], &[], UtcMs(0)).conflicts.len()
        };
        assert_eq!([starts(-1), starts(0), starts(1)], [1, 0, 0]);
    }

    #[test]
    fn what_makes_a_paid_window_worth_less_is_a_warning() {
        use LicenseType::{Avod, Svod, Vod};
        let table = [
            (Vod, 10, Avod, 5, "PVOD_AFTER_FREE"),
            (Vod, 10, Avod, 10, "PVOD_AFTER_FREE"),
            (Vod, 10, Svod, 5, "PVOD_AFTER_MEMBER"),
            (Vod, 10, Avod, 11, "FREE_BEFORE_PVOD_ENDS"),
            (Vod, 10, Svod, 11, "MEMBER_BEFORE_PVOD_ENDS"),
            (Svod, 10, Avod, 5, "FREE_DURING_MEMBER"),
        ];
        for (one, one_starts, other, other_starts, code) in table {
            let (one, other) = (avail(one, &["CN"], one_starts, Some(20)), avail(other, &["CN"], other_starts, None));
            for found in [
                findings(&one, std::slice::from_ref(&other), &[], &[], UtcMs(0)),
                findings(&other, std::slice::from_ref(&one), &[], &[], UtcMs(0)),
            ] {
                assert_eq!((codes(&found.warnings), found.conflicts.len()), (vec![code], 0));
            }
        }
        let after = avail(Svod, &["CN"], 20, None);
        assert_eq!(
            findings(&after, &[avail(Vod, &["CN"], 10, Some(20))], &[], &[], UtcMs(0)),
            Findings::default(),
            "a window after it"
        );
    }

    #[test]
    fn what_opens_before_a_contract_allows_is_refused_with_the_days() {
        use LicenseType::{Svod, Vod};
        let circuit = |lag_days| Holdback {
            id: HoldbackId::new(UtcMs(1)),
            title_id: TitleId::new(UtcMs(1)),
            party: "横店院线".into(),
            contract: None,
            event: HoldbackEvent::CinemaOpening { opens_at: UtcMs(10 * DAY_MS), zone: "UTC".into() },
            lag_days,
            territories: TerritorySet::of(["CN".parse().unwrap()]),
            license_types: vec![],
        };
        let starts = |ms: i64| {
            let mut online = avail(Vod, &["CN", "HK"], 0, None);
            online.window.start_at = UtcMs(27 * DAY_MS + ms);
            let found = findings(&online, &[], &[circuit(17), circuit(3)], &[], UtcMs(0)).conflicts;
            found.first().map(|found| (found.code, found.days(), found.territories, found.avail_id == online.id))
        };
        let only_cn = TerritorySet::of(["CN".parse().unwrap()]);
        assert_eq!(starts(-1), Some((ConflictCode::HeldBack, Some(1), only_cn, true)));
        assert_eq!([starts(0), starts(1)], [None, None]);
        assert_eq!(starts(-2 * DAY_MS - 1).unwrap().1, Some(3));
        // What is moved can leave another window too early.
        let waits = Holdback {
            event: HoldbackEvent::WindowOpening { license_type: Vod, territory: "CN".parse().unwrap() },
            license_types: vec![Svod],
            ..circuit(5)
        };
        let (paid, member) = (avail(Vod, &["CN"], 10, Some(12)), avail(Svod, &["CN"], 15, None));
        let plan = [paid.clone(), member.clone()];
        assert_eq!(held_back(&plan, std::slice::from_ref(&waits), &[], UtcMs(0)), []);
        let later = Avail { window: avail(Vod, &[], 11, Some(12)).window, ..paid };
        let found = findings(&later, &plan, std::slice::from_ref(&waits), &[], UtcMs(0)).conflicts;
        assert_eq!((found[0].avail_id, found[0].days(), found.len()), (member.id, Some(1), 1));
        let is_over = avail(Vod, &["CN"], 1, Some(5));
        assert_eq!(held_back(std::slice::from_ref(&is_over), &[circuit(17)], &[], UtcMs(5 * DAY_MS)), []);
        assert_eq!(held_back(&[is_over], &[circuit(17)], &[], UtcMs(5 * DAY_MS - 1)).len(), 1);
        let unplanned = held_back(&[member], &[waits], &[], UtcMs(0));
        assert_eq!((unplanned[0].to, unplanned[0].days()), (None, None));
    }
}
