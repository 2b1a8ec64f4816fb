use marquee::base::error::ErrorKind;
use marquee::base::id::{AssetId, KeyId};
use marquee::base::protection::ProtectionScheme;
use marquee::catalog::licence::ReleaseCard;
use marquee::rights::session::PlaybackSession;
use marquee::store::db::Page;
use marquee::store::db::playback::{Change, KeyExtent, KeyUse, SigningKey, WrappedKey};

use super::Backend;
use crate::scene::{NOW, Scene, grant_for, later};

const ALL: Page = Page { after: None, limit: 9 };

pub async fn a_session_is_open_until_it_ends(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let (_, _, grant) = scene.paid(&db).await;
    let session = scene.session(&grant);
    let card = Some(ReleaseCard { asset_id: AssetId::new(NOW), duration_ms: 5_005 });
    let nobodys = PlaybackSession { viewer_id: None, id: scene.session(&grant).id, card, ..session.clone() };
    for session in [&session, &nobodys] {
        db.insert_session(session).await.unwrap();
        assert_eq!(db.session(session.id).await.unwrap().as_ref(), Some(session));
    }
    assert_eq!(db.open_sessions(NOW, &ALL).await.unwrap().len(), 2);
    assert_eq!(db.open_sessions(session.expires_at, &ALL).await.unwrap(), []);
    let cursor = db.changes(None, 1).await.unwrap().cursor;
    assert!(db.end_session(session.id, later(5)).await.unwrap());
    assert!(!db.end_session(session.id, later(6)).await.unwrap());
    let ended = PlaybackSession { ended_at: Some(later(5)), ..session.clone() };
    assert_eq!(db.session(session.id).await.unwrap(), Some(ended));
    assert_eq!(db.open_sessions(NOW, &ALL).await.unwrap(), [nobodys]);
    assert_eq!(db.changes(Some(cursor), 9).await.unwrap().changes, [Change::Session(session.id)]);
    let unknown = scene.session(&grant).id;
    assert_eq!(db.session(unknown).await.unwrap(), None);
    assert_eq!(db.end_session(unknown, NOW).await.unwrap_err().kind(), ErrorKind::NotFound);
}

pub async fn open_sessions_are_listed_for_their_viewer(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let other = scene.with_viewer(&db, "other@example.com").await;
    let (_, _, grant) = scene.paid(&db).await;
    let mut hers = vec![scene.session(&grant), scene.session(&grant)];
    for session in [&hers[0], &hers[1], &other.session(&grant)] {
        db.insert_session(session).await.unwrap();
    }
    hers.sort_by_key(|session| std::cmp::Reverse(session.id));
    let viewer = scene.viewer.id;
    assert_eq!(db.open_sessions_of(viewer, NOW, &ALL).await.unwrap(), hers);
    let second = Page { after: Some(hers[0].id.to_string()), limit: 9 };
    assert_eq!(db.open_sessions_of(viewer, NOW, &second).await.unwrap(), hers[1..]);
    assert_eq!(db.open_sessions_of(viewer, hers[0].expires_at, &ALL).await.unwrap(), []);
    db.end_session(hers[0].id, later(5)).await.unwrap();
    assert_eq!(db.open_sessions_of(viewer, NOW, &ALL).await.unwrap(), hers[1..]);
    assert_eq!(db.open_sessions_of(other.viewer.id, NOW, &ALL).await.unwrap().len(), 1);
}

pub async fn a_session_is_revoked_once(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let (_, _, grant) = scene.paid(&db).await;
    let session = scene.session(&grant);
    db.insert_session(&session).await.unwrap();
    let cursor = db.changes(None, 1).await.unwrap().cursor;
    assert!(db.revoke_session(session.id, "shared", later(5)).await.unwrap());
    assert!(!db.revoke_session(session.id, "shared", later(6)).await.unwrap());
    let revoked = PlaybackSession { revoked_at: Some(later(5)), ended_at: Some(later(5)), ..session.clone() };
    assert_eq!(db.session(session.id).await.unwrap(), Some(revoked));
    assert_eq!(db.open_sessions(NOW, &ALL).await.unwrap(), []);
    assert_eq!(db.changes(Some(cursor), 9).await.unwrap().changes, [Change::Session(session.id)]);
    let unknown = scene.session(&grant).id;
    assert_eq!(db.revoke_session(unknown, "x", NOW).await.unwrap_err().kind(), ErrorKind::NotFound);
}

pub async fn the_clock_starts_once(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let (_, _, grant) = scene.paid(&db).await;
    let cursor = db.changes(None, 1).await.unwrap().cursor;
    assert_eq!(db.start_clock(grant.id, later(50)).await.unwrap(), later(50));
    assert_eq!(db.start_clock(grant.id, later(60)).await.unwrap(), later(50));
    assert_eq!(db.grant(grant.id).await.unwrap().unwrap().first_play_at, Some(later(50)));
    assert_eq!(db.changes(Some(cursor), 9).await.unwrap().changes, [Change::Grant(grant.id)]);
    db.revoke_grant(grant.id, "fraud", later(70)).await.unwrap();
    let error = db.start_clock(grant.id, later(80)).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Conflict, "GRANT_REVOKED"));
    let unknown = grant_for(&scene.purchase()).id;
    assert_eq!(db.start_clock(unknown, NOW).await.unwrap_err().kind(), ErrorKind::NotFound);
}

pub async fn changes_come_in_order_and_the_newest_is_never_forgotten(backend: &impl Backend) {
    let db = backend.open().await;
    let start = db.changes(None, 9).await.unwrap();
    assert_eq!((start.changes, start.cursor), (vec![], 0));
    let scene = Scene::set(&db).await;
    let (_, _, grant) = scene.paid(&db).await;
    db.revoke_grant(grant.id, "fraud", NOW).await.unwrap();
    let page = db.changes(Some(0), 3).await.unwrap();
    assert_eq!((page.changes, page.cursor), (vec![Change::Title(scene.title.id); 3], 3));
    let page = db.changes(Some(3), 3).await.unwrap();
    assert_eq!((page.changes, page.cursor), (vec![Change::Grant(grant.id)], 4));
    let page = db.changes(Some(4), 3).await.unwrap();
    assert_eq!((page.changes, page.cursor), (vec![], 4));
    db.forget_changes(later(1_000_000)).await.unwrap();
    let page = db.changes(Some(0), 9).await.unwrap();
    assert_eq!((page.changes, page.cursor), (vec![Change::Grant(grant.id)], 4));
    assert_eq!(db.changes(None, 9).await.unwrap().cursor, 4);
    db.update_avail(&scene.avail, NOW).await.unwrap();
    assert_eq!(db.changes(Some(4), 9).await.unwrap().cursor, 5);
}

pub async fn a_track_has_one_key_for_each_scheme_and_extent(backend: &impl Backend) {
    let db = backend.open().await;
    let key = |byte| WrappedKey { id: KeyId::new(NOW), wrapped: vec![byte; 60] };
    let (v1, first) = (
        KeyUse {
            asset: AssetId::new(NOW),
            track: "v1".into(),
            scheme: ProtectionScheme::Aes128,
            extent: KeyExtent::Film,
        },
        key(1),
    );
    let keep = async |key_use: &KeyUse, key: &WrappedKey| {
        db.insert_content_keys(&[(key_use.clone(), key.clone())]).await.unwrap();
        db.content_key(key_use).await.unwrap().unwrap()
    };
    assert_eq!(db.content_key(&v1).await.unwrap(), None);
    assert_eq!(keep(&v1, &first).await, first);
    assert_eq!(keep(&v1, &key(2)).await, first);
    for (n, other) in [
        KeyUse { track: "v2".into(), ..v1.clone() },
        KeyUse { asset: AssetId::new(NOW), ..v1.clone() },
        KeyUse { scheme: ProtectionScheme::Cbcs, ..v1.clone() },
        KeyUse { extent: KeyExtent::Preview, ..v1.clone() },
    ]
    .iter()
    .enumerate()
    {
        let own = key(3 + n as u8);
        assert_eq!(keep(other, &own).await, own);
        assert_eq!(keep(other, &key(9)).await, own);
    }
    assert_eq!(keep(&v1, &key(9)).await, first);
    // Tracks of one type share a key; those that have one keep it.
    let shared = key(8);
    let of = |track: &str| (KeyUse { track: track.into(), ..v1.clone() }, shared.clone());
    db.insert_content_keys(&[of("v1"), of("v3"), of("v4")]).await.unwrap();
    for (track, expected) in [("v1", &first), ("v3", &shared), ("v4", &shared)] {
        assert_eq!(db.content_key(&of(track).0).await.unwrap().as_ref(), Some(expected), "{track}");
    }
}

pub async fn signing_keys_come_newest_first(backend: &impl Backend) {
    let db = backend.open().await;
    assert_eq!(db.signing_keys().await.unwrap(), []);
    let keys = [1, 2, 3].map(|ms| SigningKey {
        id: KeyId::new(later(ms)),
        wrapped: vec![ms as u8; 60],
        created_at: later(ms),
    });
    for key in &keys {
        db.insert_signing_key(key).await.unwrap();
    }
    let newest_first: Vec<_> = keys.into_iter().rev().collect();
    assert_eq!(db.signing_keys().await.unwrap(), newest_first);
}
