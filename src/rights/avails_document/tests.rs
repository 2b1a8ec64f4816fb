//! What is written, what is read, and what is refused.

use super::*;
use crate::base::id::{AssetId, OfferId};
use crate::base::money::{Currency, Money};
use crate::catalog::details::TitleDetails;
use crate::catalog::title::TitleStatus;
use crate::rights::caps::{Caps, FormatProfile};
use crate::rights::grant::GrantClock;
use crate::rights::language_terms::LanguageTerms;
use crate::rights::offer::{Offer, OfferKind};

fn rights(avails: Vec<Avail>) -> TitleRights {
    let title = Title {
        id: "ttl_00000000000000000000000001".parse().unwrap(),
        name: [("zh-CN".to_owned(), "雾港孤刀 & \"<1>\"".to_owned())].into(),
        synopsis: [].into(),
        status: TitleStatus::Live,
        parts: vec![AssetId::new(UtcMs(1))],
        runtime_ms: 5_520_000,
        details: TitleDetails { year: Some(2027), ..TitleDetails::default() },
        created_at: UtcMs(1),
        version: 1,
    };
    TitleRights { avails, ..TitleRights::of(title) }
}

fn avail(license_type: LicenseType, territories: TerritorySet, start: &str, end: Option<&str>, zone: &str) -> Avail {
    let at = |text: &str| UtcMs::parse(text).unwrap();
    Avail {
        id: AvailId::new(at(start)),
        title_id: "ttl_00000000000000000000000001".parse().unwrap(),
        license_type,
        description: None,
        territories,
        window: Window { start_at: at(start), end_at: end.map(at), zone: zone.to_owned() },
        hard_end_at: None,
        caps: None,
    }
}

/// `+` allows, `-` holds back.
fn terms(text: &str) -> LanguageTerms {
    let list = text[1..].split_whitespace().map(|entry| entry.parse().unwrap()).collect();
    if text.starts_with('+') { LanguageTerms::Allow(list) } else { LanguageTerms::HoldBack(list) }
}

/// Every field, in every form that it has.
fn plan() -> Vec<Avail> {
    let of = |codes: &[&str]| TerritorySet::of(codes.iter().map(|code| code.parse().unwrap()));
    let mut abroad = TerritorySet::world();
    abroad.exclude = ["CN".parse().unwrap(), "HK".parse().unwrap()].into();
    let pvod =
        avail(LicenseType::Vod, of(&["CN"]), "2027-01-15T12:00:00Z", Some("2027-01-29T12:00:00Z"), "Asia/Shanghai");
    let summer = avail(LicenseType::Svod, abroad, "2027-07-01T00:00:00.001Z", None, "America/Los_Angeles");
    vec![
        Avail {
            description: Some("PVOD & 云影院首映".into()),
            hard_end_at: Some(UtcMs::parse("2027-03-01T00:00:00Z").unwrap()),
            caps: Caps::of(Some(terms("+ *:dub zh-Hans en:sub")), FormatProfile::Hd),
            ..pvod
        },
        Avail { caps: Caps::of(Some(terms("- fr-CA:dub *:sub und")), FormatProfile::Uhd), ..summer },
        avail(LicenseType::Est, of(&["US"]), "2027-05-01T00:00:00Z", None, "America/New_York"),
        Avail {
            caps: Caps::of(None, FormatProfile::Sd),
            ..avail(
                LicenseType::Avod,
                TerritorySet::world(),
                "2028-01-01T00:00:00Z",
                Some("2029-01-01T00:00:00Z"),
                "UTC",
            )
        },
        avail(
            LicenseType::Vod,
            of(&["DE", "FR"]),
            "2027-03-27T23:00:00Z",
            Some("2027-03-28T22:00:00Z"),
            "Europe/Berlin",
        ),
    ]
}

fn wanted(avail: &Avail) -> WantedAvail {
    let Avail { id, title_id: _, license_type, description, territories, window, hard_end_at, caps } = avail.clone();
    let (id, is_zone_guessed) = (Some(id), false);
    WantedAvail { id, license_type, description, territories, window, is_zone_guessed, hard_end_at, caps }
}

/// What the terms of each transaction say, by their names and values, in their order.
fn terms_of(document: &str) -> Vec<Vec<String>> {
    let root = Element::parse(document).unwrap();
    let entry = root.children(AVAILS, "Avail").next().unwrap();
    let say = |term: &Element| {
        let value = term.elements().next().unwrap();
        format!("{} {} {}", term.attribute("termName").unwrap(), value.name, value.text())
    };
    entry.children(AVAILS, "Transaction").map(|it| it.children(AVAILS, "Term").map(say).collect()).collect()
}

#[test]
fn announcement_and_rental_periods_are_written_and_not_taken_over() {
    const HOUR_MS: i64 = 3_600_000;
    let cn = || TerritorySet::of(["CN".parse().unwrap()]);
    let zone = "Asia/Shanghai";
    let vod = avail(LicenseType::Vod, cn(), "2027-01-15T12:00:00Z", Some("2027-01-29T12:00:00Z"), zone);
    let est = avail(LicenseType::Est, cn(), "2027-02-15T12:00:00Z", None, zone);
    let mut title = rights(vec![vod.clone(), est.clone()]);
    let offer = |avail: &Avail, amount, clock| Offer {
        id: OfferId::new(UtcMs(amount)),
        title_id: avail.title_id,
        avail_id: avail.id,
        kind: OfferKind::Rental,
        list_price: Money::new(amount, Currency::CNY),
        member_price: None,
        clock,
        streams: 1,
        presale_from_at: None,
        sales_cutoff_ms: 0,
        withdrawn_at: None,
    };
    title.offers = vec![
        offer(&vod, 1800, GrantClock::OnPurchase { watch_ms: 48 * HOUR_MS }),
        offer(&vod, 600, GrantClock::OnFirstPlay { start_within_ms: 720 * HOUR_MS, watch_ms: 5_400_000 }),
        offer(&vod, 900, GrantClock::UntilMembers { watch_ms: 24 * HOUR_MS }),
        Offer { withdrawn_at: Some(UtcMs(1)), ..offer(&vod, 700, GrantClock::OnPurchase { watch_ms: 24 * HOUR_MS }) },
        offer(&est, 6800, GrantClock::Forever),
    ];
    let document = |title: &TitleRights| write(title, "Marquee", UtcMs(0)).unwrap();
    assert_eq!(
        terms_of(&document(&title)),
        [
            vec![
                "SRP Money 18.00",
                "RentalDuration Duration PT48H",
                "SRP Money 6.00",
                "RentalDuration Duration PT720H",
                "WatchDuration Duration PT5400S",
                "SRP Money 9.00",
                "marquee:zone Text Asia/Shanghai",
            ],
            vec!["SRP Money 68.00", "marquee:zone Text Asia/Shanghai"],
        ]
    );
    title.title.details.announced_at = Some(UtcMs::parse("2026-12-24T16:00:00Z").unwrap());
    let announced = document(&title);
    for terms in terms_of(&announced) {
        assert_eq!(terms[0], "SuppressionLiftDate Event 2026-12-25T00:00:00+08:00");
    }
    let read = read(&announced).unwrap().remove(0);
    assert_eq!(read.wanted, [wanted(&vod), wanted(&est)]);
    let notes: Vec<(&str, &str)> =
        read.notes.iter().map(|note| (note.path.strip_prefix("Avail[1]/").unwrap(), note.says.as_str())).collect();
    let announcement = "Announcements are not taken over: say at the title when it is announced.";
    let (price, period) =
        ("Prices are not taken over: make offers.", "Rental periods are not taken over: make offers.");
    assert_eq!(
        notes,
        [
            ("Transaction[1]/Term[SuppressionLiftDate]", announcement),
            ("Transaction[1]/Term[SRP]", price),
            ("Transaction[1]/Term[RentalDuration]", period),
            ("Transaction[1]/Term[WatchDuration]", period),
            ("Transaction[2]/Term[SuppressionLiftDate]", announcement),
            ("Transaction[2]/Term[SRP]", price),
        ]
    );
}

#[test]
fn what_is_written_is_read_field_by_field() {
    let title = rights(plan());
    let document = write(&title, "Marquee Cinema", UtcMs::parse("2026-11-27T00:00:00Z").unwrap()).unwrap();
    let entries = read(&document).unwrap();
    assert_eq!(entries.len(), 1);
    let entry = &entries[0];
    assert_eq!((entry.title_id, entry.kind), (Some(title.title.id), EntryKind::FullExtract));
    let mut avails = plan();
    avails.sort_by_key(|avail| avail.window.start_at);
    let ids = |avail: &Avail| title.avails.iter().find(|other| other.window == avail.window).unwrap().clone();
    assert_eq!(entry.wanted, avails.iter().map(|avail| wanted(&ids(avail))).collect::<Vec<_>>());
    assert_eq!(entry.notes, []);
    for said in [
        "<avails:Start>2027-01-15T20:00:00+08:00</avails:Start>",
        // Either side of the night on which clocks go forward.
        "<avails:Start>2027-03-28T00:00:00+01:00</avails:Start>",
        "<avails:End>2027-03-29T00:00:00+02:00</avails:End>",
        "<avails:Start>2027-06-30T17:00:00.001-07:00</avails:Start>",
        "<avails:EndCondition>Open</avails:EndCondition>",
        "<avails:AllowedLanguage asset=\"dub\">x-any</avails:AllowedLanguage>",
        "<avails:AllowedLanguage>zh-Hans</avails:AllowedLanguage>",
        "<avails:HoldbackLanguage asset=\"dub\">fr-CA</avails:HoldbackLanguage>",
        "<avails:FormatProfile>SD</avails:FormatProfile>",
        "<avails:FormatProfile>HD</avails:FormatProfile>",
        "<avails:FormatProfile>UHD</avails:FormatProfile>",
    ] {
        assert!(document.contains(said), "{said}\n{document}");
    }
}

/// A document of one transaction as others write it.
fn foreign(transaction: &str) -> String {
    format!(
        "<a:AvailList xmlns:a='http://www.movielabs.com/schema/avails/v2.4/avails' xmlns:md='http://www.movielabs.com/schema/md/v2.7/md'>\
         <a:Avail><a:ALID>md:alid:sofaspud.com:krfs</a:ALID><a:Disposition><a:EntryType>Full Extract</a:EntryType></a:Disposition><a:AvailType>single</a:AvailType>\
         <a:Asset contentID='md:cid:sofaspud.com:krfs'/><a:Transaction TransactionID='ssc-1'>{transaction}</a:Transaction></a:Avail></a:AvailList>"
    )
}

fn transaction(territories: &[&str], start: &str, end: &str) -> String {
    let country = |code: &&str| format!("<a:Territory><md:country>{code}</md:country></a:Territory>");
    let territories: String = territories.iter().map(country).collect();
    format!("<a:LicenseType>TVOD</a:LicenseType>{territories}<a:Start>{start}</a:Start>{end}")
}

const OPEN: &str = "<a:EndCondition>Open</a:EndCondition>";

#[test]
fn an_instant_of_others_is_taken_at_its_offset_or_at_the_clocks_of_its_territories() {
    let window = |territories: &[&str], start: &str| {
        let entry = read(&foreign(&transaction(territories, start, OPEN))).map(|mut entries| entries.remove(0));
        let mut entry = entry.map_err(|error| (error.code(), error.param().unwrap().to_owned()))?;
        let window = entry.wanted.remove(0).window;
        Ok((window.start_at.to_string(), window.zone))
    };
    let is = |at: &str, zone: &str| Ok((at.to_owned(), zone.to_owned()));
    assert_eq!(window(&["US"], "2027-05-05T00:00:00Z"), is("2027-05-05T00:00:00.000Z", "UTC"));
    let berlin = is("2027-05-04T22:00:00.000Z", "Europe/Berlin");
    assert_eq!(window(&["DE", "FR"], "2027-05-05T00:00:00+02:00"), berlin);
    assert_eq!(window(&["US", "DE"], "2027-05-05T00:00:00+02:00"), berlin, "whose clock shows it");
    assert_eq!(window(&["DE", "FR"], "2027-05-05T00:00:00"), berlin);
    assert_eq!(window(&["CN"], "2027-05-05T00:00:00"), is("2027-05-04T16:00:00.000Z", "Asia/Shanghai"));
    let refused = Err(("AVAILS_INVALID", "Avail[1]/Transaction[1]/Start".to_owned()));
    assert_eq!(window(&["DE", "US"], "2027-05-05T00:00:00"), refused, "it is another instant in each");
    assert_eq!(window(&["DE"], "2027-05-05"), berlin, "a day begins at midnight");
    for wrong in ["soon", "2027-02-30T00:00:00Z", "2027-05-05T25:00:00"] {
        assert_eq!(window(&["DE"], wrong), refused, "{wrong}");
    }
}

#[test]
fn what_is_not_executed_here_is_refused_and_what_is_only_lost_is_said() {
    let refused = |transaction: &str| {
        let error = read(&foreign(transaction)).unwrap_err();
        (error.code(), error.param().unwrap().strip_prefix("Avail[1]/Transaction[1]/").unwrap_or_default().to_owned())
    };
    let usual = transaction(&["DE"], "2027-05-05T00:00:00Z", OPEN);
    let with = |more: &str| format!("{usual}{more}");
    let unsupported = |path: &str| ("AVAILS_UNSUPPORTED", path.to_owned());
    assert_eq!(refused(&with("<a:FormatProfile>3D</a:FormatProfile>")), unsupported("FormatProfile"));
    let sound = "<a:AllowedLanguage asset='audio'>fr</a:AllowedLanguage>";
    assert_eq!(refused(&with(sound)), unsupported("AllowedLanguage/@asset"));
    assert_eq!(refused(&with("<a:WindowDuration>P1M</a:WindowDuration>")), unsupported("WindowDuration"));
    assert_eq!(refused(&usual.replace("TVOD", "POEST")), unsupported("LicenseType"));
    assert_eq!(refused(&usual.replace("Open", "ESTStart")), unsupported("EndCondition"));
    let condition =
        usual.replace("<a:Start>2027-05-05T00:00:00Z</a:Start>", "<a:StartCondition>Immediate</a:StartCondition>");
    assert_eq!(refused(&condition), unsupported("Start"));
    let region = usual.replace("md:country>DE</md:country", "md:countryRegion>DE-BY</md:countryRegion");
    assert_eq!(refused(&region), unsupported("Territory[1]"));
    let invalid = |path: &str| ("AVAILS_INVALID", path.to_owned());
    let (allowed, held_back) =
        ("<a:AllowedLanguage>fr</a:AllowedLanguage>", "<a:HoldbackLanguage>en</a:HoldbackLanguage>");
    assert_eq!(refused(&with(&format!("{allowed}{held_back}"))), invalid("HoldbackLanguage"), "one or the other");
    assert_eq!(refused(&with(&allowed.replace("fr", "French"))), invalid("AllowedLanguage"));
    assert_eq!(refused(&with(&allowed.replace("e>fr", "e asset='sub'>fr"))), invalid("AllowedLanguage"), "mute");
    assert_eq!(refused(&with(&held_back.replace("en", "*"))), invalid("HoldbackLanguage"), "mute");
    assert_eq!(refused(&usual.replace(">DE<", ">XX<")), invalid("Territory[1]"));
    assert_eq!(refused(&usual.replace(OPEN, "")), invalid(""));
    assert_eq!(refused(&usual.replace(OPEN, "<a:End>2027-05-05T00:00:00Z</a:End>")), invalid(""), "an empty window");

    let price = "<a:Term termName='SRP'><a:Money currency='EUR'>4.99</a:Money></a:Term>";
    let lift = "<a:Term termName='SuppressionLiftDate'><a:Event>2027-04-06</a:Event></a:Term>";
    let said = with(&format!("<a:AllowedLanguage>en</a:AllowedLanguage><a:ContractID>7</a:ContractID>{price}{lift}"));
    let notes: Vec<String> = read(&foreign(&said)).unwrap()[0].notes.iter().map(|note| note.path.clone()).collect();
    let paths = ["ContractID", "Term[SRP]", "Term[SuppressionLiftDate]"];
    assert_eq!(notes, paths.map(|path| format!("Avail[1]/Transaction[1]/{path}")));
    let caps = |more: &str| read(&foreign(&with(more))).unwrap().remove(0).wanted.remove(0).caps;
    assert_eq!(caps(allowed), Caps::of(Some(terms("+ fr")), FormatProfile::Uhd));
    let twice =
        "<a:HoldbackLanguage asset='subdub'>eng</a:HoldbackLanguage><a:FormatProfile HDR='HDR10'>HD</a:FormatProfile>";
    assert_eq!(caps(twice), Caps::of(Some(terms("- en")), FormatProfile::Hd));
    assert_eq!(caps("<a:AllowedLanguage>*</a:AllowedLanguage>"), None);
}

#[test]
fn what_stands_there_twice_or_is_empty_is_refused() {
    let usual = transaction(&["DE"], "2027-05-05T00:00:00Z", OPEN);
    let end = |value: &str| format!("<a:Term termName='FixedEndDate'>{value}</a:Term>");
    let (one, two) = ("<a:Event>2027-06-01T00:00:00Z</a:Event>", "<a:Event>2027-07-01T00:00:00Z</a:Event>");
    let param = |document: &str| read(document).map_err(|error| (error.code(), error.param().unwrap().to_owned()));
    let refused = |path: &str| Err(("AVAILS_INVALID", format!("Avail[1]{path}")));
    assert!(param(&foreign(&format!("{usual}{}", end(one)))).is_ok());
    for said in [end("<a:Text>2027-06-01T00:00:00Z</a:Text>"), end(""), format!("{}{}", end(one), end(two))] {
        assert_eq!(param(&foreign(&format!("{usual}{said}"))), refused("/Transaction[1]/Term[FixedEndDate]"), "{said}");
    }
    let twice = usual.replace("<md:country>DE</md:country>", "<md:country>DE</md:country><md:country>FR</md:country>");
    assert_eq!(param(&foreign(&twice)), refused("/Transaction[1]/Territory[1]"));
    let document = foreign(&usual);
    let [one, two] = ["ttl_00000000000000000000000001", "ttl_00000000000000000000000002"];
    let named = document.replace("alid:sofaspud.com:krfs", &format!("alid:{one}"));
    assert_eq!(read(&named).unwrap()[0].title_id, Some(one.parse().unwrap()));
    assert_eq!(param(&named.replace("cid:sofaspud.com:krfs", &format!("cid:{two}"))), refused("/ALID"));
    let bundle = param(&document.replace(">single<", ">bundle<"));
    assert_eq!(bundle, Err(("AVAILS_UNSUPPORTED", "Avail[1]/AvailType".to_owned())));
    let many = format!("<a:Transaction>{usual}</a:Transaction>").repeat(limits::AVAILS_PER_CHANGE_MAX);
    let many = document.replace("</a:Avail>", &format!("{many}</a:Avail>"));
    assert_eq!(param(&many), Err(("AVAILS_INVALID", String::new())));
}

#[test]
fn what_xml_cannot_say_is_not_written() {
    let ancient = avail(LicenseType::Avod, TerritorySet::world(), "1800-01-01T00:00:00Z", None, "Europe/Paris");
    let mut title = rights(vec![Avail { description: Some("a\u{7}b".into()), ..ancient }]);
    title.title.name = [("en".to_owned(), "One\u{b}\u{ffff}Two".to_owned())].into();
    let document = write(&title, "Marquee", UtcMs(0)).unwrap();
    assert!(document.contains(">ab<") && document.contains(">OneTwo<"), "{document}");
    // Offsets had seconds then.
    assert!(document.contains("<avails:Start>1800-01-01T00:00:00.000Z</avails:Start>"), "{document}");
}

#[test]
fn a_document_that_is_none_is_refused() {
    let refused = |document: &str| {
        let error = read(document).unwrap_err();
        (error.code(), error.param().unwrap().to_owned())
    };
    let usual = foreign(&transaction(&["DE"], "2027-05-05T00:00:00Z", OPEN));
    let invalid = |path: &str| ("AVAILS_INVALID", path.to_owned());
    for document in ["", "{}", "<AvailList/>", &usual.replace("schema/avails", "schema/other"), &usual[..400]] {
        assert_eq!(refused(document), invalid(""), "{document}");
    }
    assert_eq!(refused(&usual.replace("Full Extract", "Replace")), invalid("Avail[1]/Disposition/EntryType"));
    assert_eq!(refused(&usual.replace("<a:ALID>md:alid:sofaspud.com:krfs</a:ALID>", "")), invalid("Avail[1]"));
    let update = usual.replace("Full Extract", "Update");
    assert_eq!(refused(&update), invalid("Avail[1]/Transaction[1]/@TransactionID"));
}
