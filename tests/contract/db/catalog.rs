use marquee::base::error::ErrorKind;
use marquee::base::id::{AssetId, AvailId};
use marquee::base::territory::TerritorySet;
use marquee::catalog::asset::Asset;
use marquee::catalog::title::{Title, TitleStatus};
use marquee::rights::avail::Avail;
use marquee::rights::grant::GrantClock;
use marquee::rights::offer::Offer;
use marquee::store::db::playback::Change;
use marquee::store::db::{Page, Written};

use super::Backend;
use crate::scene::{NOW, Scene, avail, key, later, offer, other_body, title};

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
    assert_eq!(db.insert_title(&db.catalog().await.unwrap().0[0], None).await.unwrap_err().kind(), ErrorKind::Conflict);
}

pub async fn avails_and_offers_are_kept_whole(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let bare = Avail {
        id: AvailId::new(later(1)),
        description: None,
        territories: TerritorySet::world(),
        hard_end_at: None,
        window: marquee::rights::window::Window { end_at: None, ..scene.avail.window.clone() },
        ..scene.avail.clone()
    };
    db.insert_avail(&bare, None, NOW).await.unwrap();
    let plain = Offer {
        member_price: None,
        clock: GrantClock::OnPurchase { watch_ms: 5 },
        id: marquee::base::id::OfferId::new(later(1)),
        ..offer(&bare)
    };
    db.insert_offer(&plain, None, NOW).await.unwrap();
    assert_eq!(db.avail(bare.id).await.unwrap(), Some(bare.clone()));
    assert_eq!(db.offer(plain.id).await.unwrap(), Some(plain.clone()));
    assert_eq!(
        db.catalog().await.unwrap(),
        (vec![scene.title], vec![scene.avail, bare.clone()], vec![scene.offer, plain])
    );
    let moved = Avail { hard_end_at: Some(later(7)), ..bare };
    db.update_avail(&moved, later(1)).await.unwrap();
    assert_eq!(db.avail(moved.id).await.unwrap(), Some(moved.clone()));
    let none = Avail { id: AvailId::new(NOW), ..moved };
    assert_eq!(db.update_avail(&none, NOW).await.unwrap_err().kind(), ErrorKind::NotFound);
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
    let asset =
        |ms| Asset { id: AssetId::new(later(ms)), source_name: "film.mov".into(), duration_ms: 1000, created_at: NOW };
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
    db.update_title(&Title { version: 2, ..scene.title }, later(1)).await.unwrap();
    db.update_avail(&scene.avail, later(1)).await.unwrap();
    let asset = Asset { id: AssetId::new(NOW), source_name: "f".into(), duration_ms: 0, created_at: NOW };
    db.insert_asset(&asset).await.unwrap();
    let changes = db.changes(Some(0), 100).await.unwrap();
    assert_eq!((changes.changes, changes.cursor), (vec![Change::Catalog; 6], 6));
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
