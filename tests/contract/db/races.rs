//! Many callers at once.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use marquee::base::id::{AssetId, KeyId};
use marquee::base::protection::ProtectionScheme;
use marquee::store::check;
use marquee::store::db::Written;
use marquee::store::db::account::{Bearer, TokenKind};
use marquee::store::db::commerce::{Begun, Settled};
use marquee::store::db::playback::{KeyExtent, KeyUse, WrappedKey};

use super::Backend;
use super::account::token;
use super::job::job;
use crate::scene::{NOW, Scene, audit_line, grant_for, key, later, sale, viewer};

/// Runs `racer` `count` times at once and gives what each got.
async fn race<T, F>(count: i64, racer: impl Fn(i64) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let racers: Vec<_> = (0..count).map(|index| tokio::spawn(racer(index))).collect();
    let mut results = Vec::new();
    for racer in racers {
        results.push(racer.await.unwrap());
    }
    results
}

pub async fn one_key_begins_one_purchase(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Arc::new(Scene::set(&db).await);
    let begun = race(50, |_| {
        let (db, scene) = (db.clone(), scene.clone());
        async move { db.begin_purchase(&scene.purchase(), 0, &key("once")).await.unwrap() }
    })
    .await;
    let id = db.pending_purchases(9).await.unwrap()[0].id.to_string();
    let new = begun.iter().filter(|begun| **begun == Written::New(Begun::Recorded)).count();
    let replayed = begun.iter().filter(|begun| **begun == Written::Replay { id: id.clone() }).count();
    assert_eq!((new, replayed), (1, 49));
    assert_eq!(db.pending_purchases(9).await.unwrap().len(), 1);
}

pub async fn one_of_many_sign_ins_becomes_the_last_device(backend: &impl Backend) {
    let db = backend.open().await;
    let ada = viewer("ada@example.com");
    db.insert_viewer(&ada, "hash").await.unwrap();
    let tokens: Arc<Vec<_>> =
        Arc::new((0..30).map(|byte| token(Bearer::Viewer(ada.id), TokenKind::SignIn, byte)).collect());
    for token in tokens.iter() {
        db.insert_api_token(token).await.unwrap();
    }
    for first in &tokens[..4] {
        assert!(db.register_device(ada.id, first.id, 5, NOW).await.unwrap());
    }
    let registered = race(26, |index| {
        let (db, viewer, id) = (db.clone(), ada.id, tokens[4 + index as usize].id);
        async move { db.register_device(viewer, id, 5, later(1)).await.unwrap() }
    })
    .await;
    assert_eq!(registered.iter().filter(|is_registered| **is_registered).count(), 1);
    assert_eq!(db.devices(ada.id, later(1)).await.unwrap().len(), 5);
}

pub async fn two_keys_begin_one_purchase_of_a_title(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Arc::new(Scene::set(&db).await);
    let begun = race(50, |index| {
        let (db, scene) = (db.clone(), scene.clone());
        async move { db.begin_purchase(&scene.purchase(), 0, &key(&index.to_string())).await.unwrap() }
    })
    .await;
    let pending = db.pending_purchases(9).await.unwrap();
    assert_eq!(pending.len(), 1);
    let new = begun.iter().filter(|begun| **begun == Written::New(Begun::Recorded)).count();
    let beside = begun.iter().filter(|begun| **begun == Written::New(Begun::OtherPending(pending[0].id))).count();
    assert_eq!((new, beside), (1, 49));
}

pub async fn one_clock_starts_at_one_instant(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let (_, _, grant) = scene.paid(&db).await;
    let cursor = db.changes(None, 1).await.unwrap().cursor;
    let starts = race(20, |index| {
        let (db, id) = (db.clone(), grant.id);
        async move { db.start_clock(id, later(index)).await.unwrap() }
    })
    .await;
    assert!(starts.iter().all(|start| *start == starts[0]), "{starts:?}");
    assert_eq!(db.grant(grant.id).await.unwrap().unwrap().first_play_at, Some(starts[0]));
    assert_eq!(db.changes(Some(cursor), 99).await.unwrap().changes.len(), 1);
}

pub async fn one_purchase_is_settled_by_one_of_many(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let purchase = scene.begun(&db).await;
    let settled = race(20, |index| {
        let (db, purchase) = (db.clone(), purchase.clone());
        async move {
            let event = format!("evt_{}", index % 3);
            let (entry, grant) = (sale(&purchase), grant_for(&purchase));
            db.settle_purchase(purchase.id, Some(&event), &entry, &grant.clone().into()).await.unwrap()
        }
    })
    .await;
    assert_eq!(settled.iter().filter(|settled| **settled == Settled::Done).count(), 1);
    assert_eq!(db.entries(0, 9).await.unwrap().len(), 1);
    assert!(check::check(&*db).await.unwrap().is_sound());
}

pub async fn one_track_gets_one_key(backend: &impl Backend) {
    let db = backend.open().await;
    let asset = AssetId::new(NOW);
    let keys = race(20, |index| {
        let db = db.clone();
        async move {
            let proposed = WrappedKey { id: KeyId::new(NOW), wrapped: vec![index as u8; 60] };
            let key_use = |track: &str| KeyUse {
                asset,
                track: track.into(),
                scheme: ProtectionScheme::Cbcs,
                extent: KeyExtent::Film,
            };
            let both = ["v1", "v2"].map(|track| (key_use(track), proposed.clone()));
            db.insert_content_keys(&both).await.unwrap();
            [db.content_key(&key_use("v1")).await.unwrap(), db.content_key(&key_use("v2")).await.unwrap()]
        }
    })
    .await;
    assert!(keys.iter().flatten().all(|key| key.is_some() && *key == keys[0][0]), "both tracks have one race's key");
}

pub async fn a_job_has_one_worker(backend: &impl Backend) {
    let db = backend.open().await;
    for ms in 0..5 {
        db.insert_job(&job(ms)).await.unwrap();
    }
    let claimed = race(20, |index| {
        let db = db.clone();
        async move { db.claim_job(&format!("node {index}"), NOW, Duration::from_secs(60)).await.unwrap() }
    })
    .await;
    let mut ids: Vec<_> = claimed.into_iter().flatten().map(|job| job.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 5);
}

pub async fn changes_are_seen_in_order_while_they_are_written(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Arc::new(Scene::set(&db).await);
    let reader = tokio::spawn({
        let db = db.clone();
        async move {
            let (mut cursor, mut seen) = (0, 0);
            while seen < 103 {
                let changes = db.changes(Some(cursor), 7).await.unwrap();
                seen += changes.changes.len() as i64;
                cursor = changes.cursor;
                assert_eq!(seen, cursor, "no change is skipped");
            }
        }
    });
    race(100, |_| {
        let (db, scene) = (db.clone(), scene.clone());
        async move { db.update_avail(&scene.avail, NOW).await.unwrap() }
    })
    .await;
    tokio::time::timeout(Duration::from_secs(20), reader).await.expect("all are seen").unwrap();
}

pub async fn a_write_whose_caller_is_gone_is_done_whole(backend: &impl Backend) {
    let db = backend.open().await;
    for index in 0..50 {
        let line = audit_line(&format!("act.{index}"));
        let write = db.append_audit(&line);
        // The caller leaves at some moment or other.
        let _ = tokio::time::timeout(Duration::from_micros(index * 20), write).await;
    }
    db.close().await;
    let db = backend.open().await;
    let report = check::check(&*db).await.unwrap();
    assert!(report.is_sound(), "{report:?}");
    assert!(report.audit_lines > 0);
}
