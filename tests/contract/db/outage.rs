use std::sync::Arc;

use marquee::base::error::ErrorKind;
use marquee::base::id::{OperatorId, OutageId, PartyId, TitleId};
use marquee::rights::grant::Grant;
use marquee::rights::outage::Outage;
use marquee::store::check;
use marquee::store::db::commerce::Settled;
use marquee::store::db::outage::{OutageEffect, RecordedOutage};
use marquee::store::db::playback::Change;
use marquee::store::db::{Db, Page, Written};

use super::Backend;
use crate::scene::{NOW, Scene, grant_for, key, later, other_body, sale};

const HOUR: i64 = 3_600_000;
const ALL: Page = Page { after: None, limit: 9 };

fn outage(from_ms: i64, to_ms: i64) -> Outage {
    Outage {
        id: OutageId::new(later(to_ms)),
        party_id: None,
        title_ids: None,
        from: later(from_ms),
        to: later(to_ms),
        reason: "A power cut.".into(),
        created_at: later(to_ms),
        created_by: OperatorId::new(NOW),
    }
}

/// A paid purchase without a hard end, and an outage of the hour after it.
pub async fn recorded(db: &Arc<dyn Db>, scene: &Scene) -> (Grant, Outage) {
    let purchase = scene.begun(db).await;
    let grant = Grant { hard_end_at: None, ..grant_for(&purchase) };
    let settled = db.settle_purchase(purchase.id, None, &sale(&purchase), &grant.clone().into()).await.unwrap();
    assert_eq!(settled, Settled::Done);
    let outage = outage(0, HOUR);
    let effect = OutageEffect { grants: 1, extended_ms: HOUR, sessions: 0, refunds_due: 0 };
    assert_eq!(db.measure_outage(&outage).await.unwrap(), effect);
    assert_eq!(db.record_outage(&outage, Some(&key("outage"))).await.unwrap(), Written::New(effect));
    (grant, outage)
}

pub async fn an_outage_is_given_back_once(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    // What is held by its window's end has no room for more; it is met all the same.
    let held = scene.with_viewer(&db, "held@example.com").await.paid(&db).await.2;
    let revoked = scene.with_viewer(&db, "revoked@example.com").await.paid(&db).await.2;
    db.revoke_grant(revoked.id, "fraud", later(11)).await.unwrap();
    let cursor = db.changes(None, 1).await.unwrap().cursor;
    let (grant, first) = recorded(&db, &scene).await;
    let extended = Grant { start_extended_ms: HOUR, ..grant.clone() };
    assert_eq!(db.grant(grant.id).await.unwrap(), Some(extended.clone()));
    for same in [&held, &revoked] {
        assert_eq!(db.grant(same.id).await.unwrap().unwrap().expires_at(), same.expires_at());
    }
    assert_eq!(db.changes(Some(cursor), 9).await.unwrap().changes, [Change::Grant(grant.id)]);
    let replay = Written::Replay { id: first.id.to_string() };
    assert_eq!(db.record_outage(&first, Some(&key("outage"))).await.unwrap(), replay);
    let reused = db.record_outage(&first, Some(&other_body(&key("outage")))).await.unwrap();
    assert_eq!(reused, Written::KeyReused);

    // The clock of the film itself begins later, and without what was added to the time to start it in.
    db.start_clock(grant.id, later(2 * HOUR)).await.unwrap();
    let nothing = OutageEffect::default();
    let again = outage(0, HOUR + 1);
    assert_eq!(db.record_outage(&again, None).await.unwrap(), Written::New(nothing));
    let second = Outage { title_ids: Some(vec![scene.title.id]), ..outage(HOUR, 3 * HOUR + 1) };
    let effect = OutageEffect { grants: 1, extended_ms: HOUR + 60_000, sessions: 0, refunds_due: 0 };
    assert_eq!(db.record_outage(&second, None).await.unwrap(), Written::New(effect));
    let started = db.grant(grant.id).await.unwrap().unwrap();
    assert_eq!((started.extended_ms, started.start_extended_ms), (HOUR + 60_000, HOUR));
    assert_eq!(started.expires_at(), Some(later(2 * HOUR + 172_800_000 + HOUR + 60_000)));

    // When it has been lost it is to be given back, until it is.
    let late = |from_ms, to_ms| Outage { created_at: later(400 * HOUR), ..outage(from_ms, to_ms) };
    let effect = OutageEffect { grants: 1, extended_ms: 2 * HOUR, sessions: 0, refunds_due: 1 };
    let none_due = OutageEffect { extended_ms: HOUR, refunds_due: 0, ..effect };
    assert_eq!(db.measure_outage(&late(4 * HOUR, 5 * HOUR)).await.unwrap(), none_due, "two days were left after it");
    assert_eq!(
        db.measure_outage(&late(50 * HOUR, 51 * HOUR)).await.unwrap(),
        none_due,
        "there was too little before it"
    );
    let purchase = held.cause.purchase_id().unwrap();
    let late = late(49 * HOUR, 51 * HOUR);
    assert_eq!(db.record_outage(&late, None).await.unwrap(), Written::New(effect));
    let due: Vec<_> = db.paid_sales(scene.title.id, None, &ALL).await.unwrap();
    assert_eq!(due.iter().map(|due| due.sale.purchase.id).collect::<Vec<_>>(), [grant.cause.purchase_id().unwrap()]);
    assert!(due[0].is_cut_short && !db.sale(purchase).await.unwrap().unwrap().is_cut_short);

    let listed = db.outages(None, &ALL).await.unwrap();
    assert_eq!(listed.len(), 4);
    assert_eq!(listed[0], RecordedOutage { outage: late.clone(), effect });
    let rest = Page { after: Some(late.id.to_string()), limit: 1 };
    assert_eq!(db.outages(None, &rest).await.unwrap()[0].outage, second);
    assert_eq!(db.outages(Some(PartyId::new(NOW)), &ALL).await.unwrap(), []);
    assert_eq!(db.outage(first.id).await.unwrap().unwrap().outage, first);
    assert_eq!(db.outage(OutageId::new(NOW)).await.unwrap(), None);
    assert_eq!(check::check(&*db).await.unwrap().findings, []);

    for (outage, code) in [
        (Outage { party_id: Some(PartyId::new(NOW)), ..again.clone() }, "PARTY_NOT_FOUND"),
        (Outage { title_ids: Some(vec![TitleId::new(NOW)]), ..again }, "TITLE_NOT_FOUND"),
    ] {
        let refused = db.record_outage(&outage, None).await.unwrap_err();
        assert_eq!((refused.kind(), refused.code()), (ErrorKind::Unprocessable, code));
    }
}
