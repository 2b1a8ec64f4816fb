use marquee::base::clock::UtcMs;
use marquee::base::error::ErrorKind;
use marquee::base::id::{AssetId, AvailId, HoldbackId, OfferId, TitleId};
use marquee::base::territory::TerritorySet;
use marquee::catalog::asset::{
    Asset, AssetDetails, AssetState, PackagedSummary, RenditionSummary, SourceSummary, SourceTrack, TrackKind,
};
use marquee::catalog::title::{Title, TitleStatus};
use marquee::rights::avail::{Avail, LicenseType};
use marquee::rights::caps::{Caps, FormatProfile};
use marquee::rights::grant::{Grant, GrantClock};
use marquee::rights::holdback::{Holdback, HoldbackEvent};
use marquee::rights::language_terms::{LanguageTerms, Sound};
use marquee::rights::offer::Offer;
use marquee::rights::plan::PlanChange;
use marquee::rights::snapshot::TitleRights;
use marquee::rights::window::Window;
use marquee::store::db::catalog::Run;
use marquee::store::db::playback::Change;
use marquee::store::db::{Page, WholeCatalog, Written};

use super::Backend;
use crate::scene::{NOW, Scene, avail, grant_for, key, later, offer, other_body, sale, title};

pub async fn a_title_is_kept_whole_and_edited_by_version(backend: &impl Backend) {
    let db = backend.open().await;
    let first = title();
    db.insert_title(&first, None).await.unwrap();
    assert_eq!(db.title(first.id).await.unwrap(), Some(first.clone()));
    let second = Title { status: TitleStatus::Suspended, parts: vec![], version: 2, ..first.clone() };
    db.update_title(&second, later(1)).await.unwrap();
    assert_eq!(db.title(first.id).await.unwrap(), Some(second.clone()));
    // Somebody who had loaded version 1 as well.
    let error = db.update_title(&Title { version: 2, ..first }, later(2)).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Precondition, "VERSION_CONFLICT"));
    assert_eq!(db.title(second.id).await.unwrap(), Some(second));
    let error = db.update_title(&Title { version: 2, ..title() }, NOW).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(
        db.insert_title(&db.catalog().await.unwrap().titles[0], None).await.unwrap_err().kind(),
        ErrorKind::Conflict
    );
}

pub async fn avails_and_offers_are_kept_whole(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let bare = Avail {
        id: AvailId::new(later(1)),
        description: None,
        // Where the other one, of the same licence type, does not apply.
        territories: TerritorySet { exclude: ["CN".parse().unwrap()].into(), ..TerritorySet::world() },
        hard_end_at: None,
        caps: Caps::of(None, FormatProfile::Hd),
        window: marquee::rights::window::Window { end_at: None, ..scene.avail.window.clone() },
        ..scene.avail.clone()
    };
    db.insert_avail(&bare, None, NOW).await.unwrap();
    let plain = Offer {
        member_price: None,
        clock: GrantClock::OnPurchase { watch_ms: 5 },
        id: marquee::base::id::OfferId::new(later(1)),
        presale_from_at: Some(later(-5)),
        sales_cutoff_ms: 7_200_000,
        ..offer(&bare)
    };
    db.insert_offer(&plain, None, NOW).await.unwrap();
    assert_eq!(db.avail(bare.id).await.unwrap(), Some(bare.clone()));
    assert_eq!(db.offer(plain.id).await.unwrap(), Some(plain.clone()));
    let rights = TitleRights {
        avails: vec![scene.avail, bare.clone()],
        offers: vec![scene.offer, plain],
        ..TitleRights::of(scene.title.clone())
    };
    let TitleRights { title, avails, offers, holdbacks, deals, screeners, sounds, .. } = rights.clone();
    let deliveries = Vec::new();
    let whole = WholeCatalog { titles: vec![title], avails, offers, holdbacks, deals, screeners, deliveries, sounds };
    assert_eq!(db.catalog().await.unwrap(), whole);
    assert_eq!(db.rights_of(scene.title.id).await.unwrap(), Some(rights));
    assert_eq!(db.rights_of(TitleId::new(later(9))).await.unwrap(), None);
    let moved = Avail { hard_end_at: Some(later(7)), ..bare };
    db.update_avail(&moved, later(1)).await.unwrap();
    assert_eq!(db.avail(moved.id).await.unwrap(), Some(moved.clone()));
    let none = Avail { id: AvailId::new(NOW), ..moved };
    assert_eq!(db.update_avail(&none, NOW).await.unwrap_err().kind(), ErrorKind::NotFound);
}

pub async fn caps_are_kept_whole_and_never_less(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let terms = |text: &str| LanguageTerms::Allow(text.split(' ').map(|entry| entry.parse().unwrap()).collect());
    let capped = |text: &str, format| Avail { caps: Caps::of(Some(terms(text)), format), ..scene.avail.clone() };
    let before = UtcMs(scene.avail.window.start_at.0 - 1);
    let zh = capped("zh en:sub", FormatProfile::Hd);
    db.update_avail(&zh, before).await.unwrap();
    assert_eq!(db.avail(zh.id).await.unwrap(), Some(zh.clone()));
    // What a film speaks is known with its title, and when the rest of it comes.
    let film = scene.title.parts[0];
    let rendition = |kind, language: Option<&str>| RenditionSummary {
        track: "a".into(),
        kind,
        codec: "mp4a.40.2".into(),
        width: None,
        height: None,
        frame_rate_milli: None,
        channels: None,
        language: language.map(str::to_owned),
        peak_bits_per_s: 1,
        is_copied: false,
        size_bytes: 1,
    };
    let renditions = vec![
        rendition(TrackKind::Video, None),
        rendition(TrackKind::Audio, Some("zh")),
        rendition(TrackKind::Audio, None),
        rendition(TrackKind::Text, Some("en")),
    ];
    let asset = |packaged, state| Asset {
        id: film,
        source_name: "film.mov".into(),
        duration_ms: 1000,
        created_at: NOW,
        details: AssetDetails { packaged, ..AssetDetails::default() },
        state,
    };
    let partial = AssetState::Partial { fingerprint: "a".into() };
    db.insert_asset(&asset(None, partial)).await.unwrap();
    assert_eq!(db.rights_of(scene.title.id).await.unwrap().unwrap().sounds, [].into());
    let seen = db.changes(None, 100).await.unwrap().cursor;
    let packaged = PackagedSummary { renditions, segment_count: 1, target_duration_s: 6 };
    db.insert_asset(&asset(Some(packaged), AssetState::Complete)).await.unwrap();
    let changes = db.changes(Some(seen), 100).await.unwrap().changes;
    assert_eq!(changes, [Change::Title(scene.title.id), Change::Catalog]);
    let sounds = [(film, Sound(vec![Some("zh".into()), None]))].into();
    assert_eq!(db.rights_of(scene.title.id).await.unwrap().unwrap().sounds, sounds);
    assert_eq!(db.catalog().await.unwrap().sounds, sounds);
    // Before it opens it may become less; from then on, or where somebody buys, it only becomes more.
    let less = [capped("zh", FormatProfile::Hd), capped("zh en:sub", FormatProfile::Sd)];
    for less in &less {
        db.update_avail(less, before).await.unwrap();
        db.update_avail(&zh, before).await.unwrap();
    }
    let plan = |avail: &Avail| PlanChange { edited_avails: vec![avail.clone()], ..PlanChange::of(avail.title_id) };
    for bought in [false, true] {
        let at = if bought { before } else { scene.avail.window.start_at };
        if bought {
            scene.begun(&db).await;
        }
        for less in &less {
            assert_eq!(db.update_avail(less, at).await.unwrap_err().code(), "AVAIL_IN_USE");
            assert_eq!(db.change_plans(&[plan(less)], Run::Dry, at).await.unwrap_err().code(), "AVAIL_IN_USE");
        }
        db.change_plans(&[plan(&capped("zh en fr:dub", FormatProfile::Uhd))], Run::Dry, at).await.unwrap();
    }
    let more = capped("zh en", FormatProfile::Uhd);
    db.update_avail(&more, scene.avail.window.start_at).await.unwrap();
    assert_eq!(db.avail(more.id).await.unwrap(), Some(more));
    let whole = Avail { caps: None, ..zh };
    db.update_avail(&whole, later(1)).await.unwrap();
    let rights = db.rights_of(scene.title.id).await.unwrap().unwrap();
    assert_eq!((&rights.avails[..], rights.sounds), (&[whole][..], [].into()), "nobody asks what it speaks");
}

pub async fn holdbacks_are_kept_whole_and_by_the_plan(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let holdback = Holdback {
        id: HoldbackId::new(NOW),
        title_id: scene.title.id,
        party: "横店院线".into(),
        contract: Some("2027-014".into()),
        event: HoldbackEvent::CinemaOpening { opens_at: scene.avail.window.start_at, zone: "Asia/Shanghai".into() },
        lag_days: 0,
        territories: TerritorySet::world(),
        license_types: vec![LicenseType::Vod],
    };
    let before = db.changes(None, 100).await.unwrap().cursor;
    assert_eq!(db.insert_holdback(&holdback, Some(&key("held")), later(1)).await.unwrap(), Written::New(()));
    let id = holdback.id.to_string();
    assert_eq!(db.insert_holdback(&holdback, Some(&key("held")), later(2)).await.unwrap(), Written::Replay { id });
    assert_eq!(db.holdback(holdback.id).await.unwrap(), Some(holdback.clone()));
    assert_eq!(db.catalog().await.unwrap().holdbacks, std::slice::from_ref(&holdback));
    assert_eq!(db.rights_of(scene.title.id).await.unwrap().unwrap().holdbacks, std::slice::from_ref(&holdback));
    assert_eq!(db.changes(Some(before), 100).await.unwrap().changes, [Change::Title(scene.title.id)]);
    let mut early = scene.avail.clone();
    early.window.start_at = UtcMs(early.window.start_at.0 - 1);
    assert_eq!(db.update_avail(&early, later(3)).await.unwrap_err().code(), "AVAIL_CONFLICT");
    assert_eq!(db.avail(early.id).await.unwrap(), Some(scene.avail), "nothing is left of it");
    let strict = Holdback { id: HoldbackId::new(later(4)), lag_days: 1, ..holdback.clone() };
    assert_eq!(db.insert_holdback(&strict, None, later(4)).await.unwrap_err().code(), "HOLDBACK_CONFLICT");
    assert_eq!(db.holdback(strict.id).await.unwrap(), None);
    db.delete_holdback(holdback.id, later(5)).await.unwrap();
    assert_eq!(db.delete_holdback(holdback.id, later(6)).await.unwrap_err().code(), "HOLDBACK_NOT_FOUND");
    db.update_avail(&early, later(7)).await.unwrap();
}

pub async fn plans_are_changed_whole_or_not_at_all(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let other = title();
    db.insert_title(&other, None).await.unwrap();
    let there = async |title| db.rights_of(title).await.unwrap().unwrap().avails;
    let before = there(scene.title.id).await;
    let next = Avail {
        id: AvailId::new(later(1)),
        window: Window { start_at: UtcMs(scene.avail.window.start_at.0 + 10), ..scene.avail.window.clone() },
        ..scene.avail.clone()
    };
    let shorter = Avail {
        window: Window { end_at: Some(next.window.start_at), ..scene.avail.window.clone() },
        ..scene.avail.clone()
    };
    let split = PlanChange {
        new_avails: vec![next.clone()],
        edited_avails: vec![shorter.clone()],
        ..PlanChange::of(scene.title.id)
    };
    let meets = PlanChange { new_avails: vec![avail(other.id), avail(other.id)], ..PlanChange::of(other.id) };
    let error = db.change_plans(&[split.clone(), meets], Run::Real, later(2)).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Conflict, "AVAIL_CONFLICT"));
    assert_eq!((there(scene.title.id).await, there(other.id).await), (before, vec![]));
    let cursor = db.changes(None, 100).await.unwrap().cursor;
    let fine = PlanChange { new_avails: vec![avail(other.id)], ..PlanChange::of(other.id) };
    db.change_plans(&[split.clone(), fine.clone()], Run::Dry, later(3)).await.unwrap();
    assert_eq!(there(other.id).await, vec![], "a dry run writes nothing");
    db.change_plans(&[split, fine], Run::Real, later(3)).await.unwrap();
    assert_eq!((there(scene.title.id).await, there(other.id).await.len()), (vec![shorter, next.clone()], 1));
    let changes = db.changes(Some(cursor), 100).await.unwrap().changes;
    assert_eq!(changes, [Change::Title(scene.title.id), Change::Title(other.id)]);
    for (change, code) in [
        (PlanChange { gone_avails: vec![AvailId::new(NOW)], ..PlanChange::of(other.id) }, "AVAIL_NOT_FOUND"),
        (PlanChange { gone_avails: vec![next.id], ..PlanChange::of(other.id) }, "AVAIL_NOT_FOUND"),
        (PlanChange { gone_holdbacks: vec![HoldbackId::new(NOW)], ..PlanChange::of(other.id) }, "HOLDBACK_NOT_FOUND"),
    ] {
        let kind = db.change_plans(std::slice::from_ref(&change), Run::Dry, UtcMs(0)).await.unwrap_err();
        assert_eq!((kind.kind(), kind.code()), (ErrorKind::NotFound, code));
    }
    assert!(db.avail(next.id).await.unwrap().is_some(), "it is another title's");
    // What it was stays what it is; of what has opened nothing is taken away, and a dry run says so, too.
    let free = Avail { license_type: LicenseType::Avod, ..next.clone() };
    let abroad = Avail { territories: TerritorySet::of(["DE".parse().unwrap()]), ..next.clone() };
    let everywhere = Avail { territories: TerritorySet::world(), ..next.clone() };
    let opened = next.window.start_at;
    for (edited, at, expected) in [
        (&free, UtcMs(0), Some("AVAIL_KIND_FIXED")),
        (&abroad, opened, Some("AVAIL_IN_USE")),
        (&abroad, UtcMs(opened.0 - 1), None),
        (&everywhere, opened, None),
    ] {
        let change = PlanChange { edited_avails: vec![edited.clone()], ..PlanChange::of(next.title_id) };
        let asked = db.change_plans(&[change], Run::Dry, at).await;
        assert_eq!(asked.err().map(|error| error.code()), expected, "{edited:?}");
    }
}

pub async fn what_refers_to_nothing_is_refused(backend: &impl Backend) {
    let db = backend.open().await;
    let orphan = avail(title().id);
    assert_eq!(db.insert_avail(&orphan, None, NOW).await.unwrap_err().code(), "REFERENCE_UNKNOWN");
    assert_eq!(db.avail(orphan.id).await.unwrap(), None);
    assert_eq!(db.changes(None, 1).await.unwrap().cursor, 0, "nothing is left of it");
}

pub async fn assets_come_in_pages(backend: &impl Backend) {
    let db = backend.open().await;
    let source = SourceSummary {
        name: "film.mov".into(),
        container: "mp4".into(),
        duration_ms: Some(1000),
        size_bytes: 7,
        tracks: vec![SourceTrack::bare(TrackKind::Video, "h264")],
    };
    let excerpt_of = Some(AssetId::new(NOW));
    let details = AssetDetails { excerpt_of, source: Some(source), ..AssetDetails::default() };
    let asset = |ms| Asset {
        id: AssetId::new(later(ms)),
        source_name: "film.mov".into(),
        duration_ms: 1000,
        created_at: NOW,
        details: details.clone(),
        state: AssetState::Complete,
    };
    let assets: Vec<_> = (0..5).map(asset).collect();
    for asset in &assets {
        db.insert_asset(asset).await.unwrap();
    }
    assert_eq!(db.asset(assets[3].id).await.unwrap(), Some(assets[3].clone()));
    assert_eq!(db.assets(&Page { after: None, limit: 3 }).await.unwrap(), assets[..3]);
    let next = Page { after: Some(assets[2].id.to_string()), limit: 3 };
    assert_eq!(db.assets(&next).await.unwrap(), assets[3..]);
}

pub async fn every_write_is_a_change(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let title = Change::Title(scene.title.id);
    db.update_title(&Title { version: 2, ..scene.title }, later(1)).await.unwrap();
    db.update_avail(&scene.avail, later(1)).await.unwrap();
    let asset = Asset {
        id: AssetId::new(NOW),
        source_name: "f".into(),
        duration_ms: 0,
        created_at: NOW,
        details: AssetDetails::default(),
        state: AssetState::Complete,
    };
    db.insert_asset(&asset).await.unwrap();
    let changes = db.changes(Some(0), 100).await.unwrap();
    assert_eq!((changes.changes, changes.cursor), (vec![title, title, title, title, title, Change::Catalog], 6));
}

pub async fn a_repeated_key_replays_and_another_body_is_refused(backend: &impl Backend) {
    let db = backend.open().await;
    let (title, key) = (title(), key("once"));
    let replay = |id: String| Written::Replay { id };
    assert_eq!(db.insert_title(&title, Some(&key)).await.unwrap(), Written::New(()));
    let again = crate::scene::title();
    assert_eq!(db.insert_title(&again, Some(&key)).await.unwrap(), replay(title.id.to_string()));
    assert_eq!(db.insert_title(&again, Some(&other_body(&key))).await.unwrap(), Written::KeyReused);
    assert_eq!(db.title(again.id).await.unwrap(), None);
    // Another caller may choose the same key.
    let hers = marquee::store::db::Idempotency { caller: "operator".into(), ..key.clone() };
    let avail = avail(title.id);
    assert_eq!(db.insert_avail(&avail, Some(&hers), NOW).await.unwrap(), Written::New(()));
    assert_eq!(db.insert_avail(&avail, Some(&hers), NOW).await.unwrap(), replay(avail.id.to_string()));
    let offer = offer(&avail);
    let third = crate::scene::key("third");
    assert_eq!(db.insert_offer(&offer, Some(&third), NOW).await.unwrap(), Written::New(()));
    assert_eq!(db.insert_offer(&offer, Some(&third), NOW).await.unwrap(), replay(offer.id.to_string()));
    assert_eq!(db.changes(None, 1).await.unwrap().cursor, 3, "a replay is no change");
}

pub async fn windows_of_one_kind_do_not_overlap(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let end = scene.avail.window.end_at.unwrap();
    let from = |ms: i64| Avail {
        id: AvailId::new(later(1)),
        window: Window { start_at: UtcMs(end.0 + ms), end_at: None, ..scene.avail.window.clone() },
        hard_end_at: None,
        ..scene.avail.clone()
    };
    let error = db.insert_avail(&from(-1), None, NOW).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Conflict, "AVAIL_CONFLICT"));
    let next = from(0);
    db.insert_avail(&next, None, NOW).await.unwrap();
    let moved = Avail { window: from(-1).window, ..next.clone() };
    assert_eq!(db.update_avail(&moved, NOW).await.unwrap_err().code(), "AVAIL_CONFLICT");
    assert_eq!(db.avail(next.id).await.unwrap(), Some(next.clone()), "nothing was moved");
    // Two at once: one gets in.
    let (one, other) = (Avail { license_type: LicenseType::Svod, ..from(0) }, from(0));
    let other = Avail { license_type: LicenseType::Svod, ..other };
    let (first, second) = tokio::join!(db.insert_avail(&one, None, NOW), db.insert_avail(&other, None, NOW));
    assert_eq!([first.is_ok(), second.is_ok()].iter().filter(|is_ok| **is_ok).count(), 1);
}

pub async fn an_avail_goes_while_nothing_stands_on_it(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let error = db.delete_avail(scene.avail.id, NOW).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Conflict, "AVAIL_IN_USE"), "it opens at this instant");
    let before = UtcMs(NOW.0 - 1);
    let other = avail(scene.title.id);
    let other = Avail { territories: TerritorySet::of(["DE".parse().unwrap()]), ..other };
    db.insert_avail(&other, None, NOW).await.unwrap();
    let offer = offer(&other);
    db.insert_offer(&offer, None, NOW).await.unwrap();
    db.delete_avail(other.id, before).await.unwrap();
    assert_eq!((db.avail(other.id).await.unwrap(), db.offer(offer.id).await.unwrap()), (None, None));
    assert_eq!(db.delete_avail(other.id, before).await.unwrap_err().kind(), ErrorKind::NotFound);
    scene.begun(&db).await;
    assert_eq!(db.delete_avail(scene.avail.id, before).await.unwrap_err().code(), "AVAIL_IN_USE", "somebody buys");
    assert_eq!(db.offer(scene.offer.id).await.unwrap(), Some(scene.offer), "nothing of it is gone");
}

pub async fn an_offer_is_withdrawn_once(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    assert!(db.withdraw_offer(scene.offer.id, later(5)).await.unwrap());
    assert!(!db.withdraw_offer(scene.offer.id, later(9)).await.unwrap());
    assert_eq!(db.offer(scene.offer.id).await.unwrap().unwrap().withdrawn_at, Some(later(5)));
    assert_eq!(db.withdraw_offer(OfferId::new(NOW), NOW).await.unwrap_err().kind(), ErrorKind::NotFound);
}

pub async fn who_waits_for_an_opening_waits_for_the_new_one(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let (waiting, started) =
        (scene.begun(&db).await, scene.with_viewer(&db, "ben@example.com").await.paid(&db).await.2);
    let grant = Grant { available_at: later(500), ..grant_for(&waiting) };
    db.settle_purchase(waiting.id, None, &sale(&waiting), &grant.clone().into()).await.unwrap();
    let moved = |start_at| Avail { window: Window { start_at, ..scene.avail.window.clone() }, ..scene.avail.clone() };
    let available_at = || async { db.grant(grant.id).await.unwrap().unwrap().available_at };
    db.update_avail(&moved(later(900)), later(499)).await.unwrap();
    assert_eq!(available_at().await, later(900));
    db.update_avail(&moved(later(1)), later(600)).await.unwrap();
    assert_eq!(available_at().await, grant.issued_at, "never before it was issued");
    db.update_avail(&moved(later(2000)), later(1000)).await.unwrap();
    assert_eq!(available_at().await, grant.issued_at, "what could be watched can be watched");
    assert_eq!(db.grant(started.id).await.unwrap().unwrap().available_at, started.available_at);
}
