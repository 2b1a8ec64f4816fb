use marquee::base::error::ErrorKind;
use marquee::base::id::ScreenerId;
use marquee::base::territory::TerritorySet;
use marquee::rights::screener::{Screener, ScreenerKind};
use marquee::store::db::Written;
use marquee::store::db::playback::Change;

use super::Backend;
use crate::scene::{NOW, Scene, key, later, other_body};

pub async fn invitations_are_kept_with_their_title_and_their_viewer(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let other = scene.with_viewer(&db, "Bob@example.com").await;
    let cursor = db.changes(None, 0).await.unwrap().cursor;
    let first = screener(&scene, 1);
    assert_eq!(db.insert_screener(&first, Some(&key("invite")), NOW).await.unwrap(), Written::New(()));
    let replay = Written::Replay { id: first.id.to_string() };
    assert_eq!(db.insert_screener(&first, Some(&key("invite")), NOW).await.unwrap(), replay);
    let reused = db.insert_screener(&first, Some(&other_body(&key("invite"))), NOW).await.unwrap();
    assert_eq!(reused, Written::KeyReused);
    let bare = Screener { territories: None, note: None, ..screener(&other, 2) };
    db.insert_screener(&bare, None, NOW).await.unwrap();
    let both = [first.clone(), bare.clone()];
    assert_eq!(db.rights_of(scene.title.id).await.unwrap().unwrap().screeners, both);
    assert_eq!(db.catalog().await.unwrap().screeners, both);
    assert_eq!(db.screeners_of(other.viewer.id).await.unwrap(), [bare]);
    assert_eq!(db.screener(first.id).await.unwrap(), Some(first.clone()));

    assert!(db.revoke_screener(first.id, later(1)).await.unwrap());
    assert!(!db.revoke_screener(first.id, later(2)).await.unwrap());
    let revoked = Screener { revoked_at: Some(later(1)), ..first };
    assert_eq!(db.screeners_of(scene.viewer.id).await.unwrap(), [revoked]);
    let nobody = db.revoke_screener(ScreenerId::new(NOW), NOW).await.unwrap_err();
    assert_eq!((nobody.kind(), nobody.code()), (ErrorKind::NotFound, "SCREENER_NOT_FOUND"));
    let changes = db.changes(Some(cursor), 10).await.unwrap().changes;
    assert_eq!(changes, [Change::Title(scene.title.id); 3], "made twice, revoked once");
}

fn screener(scene: &Scene, n: i64) -> Screener {
    Screener {
        id: ScreenerId::new(later(n)),
        title_id: scene.title.id,
        viewer_id: scene.viewer.id,
        kind: ScreenerKind::Jury,
        starts_at: NOW,
        ends_at: later(9),
        streams: 2,
        territories: Some(TerritorySet::of(["CN".parse().unwrap()])),
        note: Some("Jury of the festival".into()),
        created_at: NOW,
        revoked_at: None,
    }
}
