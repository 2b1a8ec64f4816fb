use marquee::base::clock::UtcMs;
use marquee::base::error::{Error, ErrorKind};
use marquee::base::id::{DealId, DeliveryId, OperatorId};
use marquee::base::limits;
use marquee::rights::deal::Deal;
use marquee::rights::delivery::{Answer, Delivered, Delivery, Recall, StandingDelivery};
use marquee::store::db::playback::Change;
use marquee::store::db::{Page, Written};

use super::Backend;
use super::deal::{deal, party};
use crate::scene::{NOW, Scene, key, later, other_body};

const ALL: Page = Page { after: None, limit: 9 };

fn delivery(deal: &Deal, at: i64) -> Delivery {
    Delivery {
        id: DeliveryId::new(later(at)),
        deal_id: deal.id,
        part: 1,
        file_name: "film.mxf".into(),
        format: "MXF OP1a, XDCAM HD422 50i".into(),
        sha256: "0f".repeat(32),
        size_bytes: (1 << 53) - 1,
        runtime_ms: Some(5_400_040),
        method: "LTO-8 by courier".into(),
        note: Some("两盘".into()),
        sent_at: NOW,
        sent_by: OperatorId::new(NOW),
        created_at: later(at),
    }
}

fn fresh(delivery: &Delivery) -> Delivered {
    Delivered { delivery: delivery.clone(), answer: None, recall: None }
}

pub async fn a_delivery_stays_as_it_was_sent_and_is_answered_and_recalled_once(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let party = party(1, None);
    db.insert_party(&party, None).await.unwrap();
    let deal = deal(&scene, &party);
    let second = Deal { id: DealId::new(later(1)), ..deal.clone() };
    db.insert_deal(&deal, None, NOW).await.unwrap();
    db.insert_deal(&second, None, NOW).await.unwrap();
    let cursor = db.changes(None, 1).await.unwrap().cursor;
    let (one, two) = (delivery(&deal, 1), delivery(&deal, 2));
    assert_eq!(db.insert_delivery(&one, Some(&key("sent"))).await.unwrap(), Written::New(()));
    let replay = Written::Replay { id: one.id.to_string() };
    assert_eq!(db.insert_delivery(&one, Some(&key("sent"))).await.unwrap(), replay);
    assert_eq!(db.insert_delivery(&one, Some(&other_body(&key("sent")))).await.unwrap(), Written::KeyReused);
    db.insert_delivery(&two, None).await.unwrap();
    let nowhere = Delivery { deal_id: DealId::new(NOW), ..delivery(&deal, 3) };
    let refused = db.insert_delivery(&nowhere, None).await.unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (ErrorKind::NotFound, "DEAL_NOT_FOUND"));
    assert_eq!(db.deliveries(deal.id, &ALL).await.unwrap(), [fresh(&two), fresh(&one)]);
    let rest = Page { after: Some(two.id.to_string()), limit: 1 };
    assert_eq!(db.deliveries(deal.id, &rest).await.unwrap(), [fresh(&one)]);
    assert_eq!(db.deliveries(second.id, &ALL).await.unwrap(), []);
    assert_eq!(db.delivery(one.id).await.unwrap(), Some(fresh(&one)));
    assert_eq!(db.delivery(nowhere.id).await.unwrap(), None);

    // Two who answer at once are not both heard.
    let answer = |accepted, at| Answer {
        accepted,
        reason: (!accepted).then(|| "丢帧".to_owned()),
        at: later(at),
        by: party.id.to_string(),
        for_party: at == 4,
    };
    let (yes, no) = (answer(true, 3), answer(false, 4));
    let other_deal = db.answer_delivery(one.id, Some(second.id), &yes).await.unwrap_err();
    assert_eq!((other_deal.kind(), other_deal.code()), (ErrorKind::NotFound, "DELIVERY_NOT_FOUND"));
    let (heard, late) =
        tokio::join!(db.answer_delivery(one.id, Some(deal.id), &yes), db.answer_delivery(one.id, None, &no));
    let (said, refused) = match (heard, late) {
        (Ok(said), Err(refused)) | (Err(refused), Ok(said)) => (said, refused),
        both => panic!("{both:?}"),
    };
    assert_eq!((refused.kind(), refused.code()), (ErrorKind::Conflict, "DELIVERY_ANSWERED"));
    assert_eq!(db.delivery(one.id).await.unwrap(), Some(said.clone()));
    let standing = [&said, &fresh(&two)].map(|delivered| {
        let Delivery { id, deal_id, part, sent_at, .. } = delivered.delivery;
        StandingDelivery { id, deal_id, part, sent_at, status: delivered.status() }
    });
    assert_eq!(db.rights_of(scene.title.id).await.unwrap().unwrap().deliveries, standing);
    let titled: Vec<_> = standing.iter().map(|standing| (scene.title.id, *standing)).collect();
    assert_eq!(db.catalog().await.unwrap().deliveries, titled);

    let recall = |at| Recall { reason: "The sound is off.".into(), at: later(at), by: one.sent_by };
    let recalled = Delivered { recall: Some(recall(5)), ..said };
    assert_eq!(db.recall_delivery(one.id, &recall(5)).await.unwrap(), recalled);
    assert_eq!(db.recall_delivery(one.id, &recall(6)).await.unwrap_err().code(), "DELIVERY_RECALLED");
    db.recall_delivery(two.id, &recall(6)).await.unwrap();
    assert_eq!(db.answer_delivery(two.id, None, &yes).await.unwrap_err().code(), "DELIVERY_RECALLED");
    assert_eq!(db.recall_delivery(nowhere.id, &recall(7)).await.unwrap_err().code(), "DELIVERY_NOT_FOUND");
    assert_eq!(db.delivery(one.id).await.unwrap(), Some(recalled));
    assert_eq!(db.rights_of(scene.title.id).await.unwrap().unwrap().deliveries, []);
    assert_eq!(db.changes(Some(cursor), 9).await.unwrap().changes, [Change::Title(scene.title.id); 5]);

    // Two who ask for the last place do not both get it.
    let many: Vec<Delivery> =
        (0..limits::DELIVERIES_PER_DEAL_MAX as i64 - 3).map(|n| delivery(&deal, 100 + n)).collect();
    let sent = futures_util::future::join_all(many.iter().map(|one| db.insert_delivery(one, None))).await;
    assert!(sent.iter().all(Result::is_ok));
    let (one, other) = (delivery(&deal, 52), delivery(&deal, 53));
    let (one, other) = tokio::join!(db.insert_delivery(&one, None), db.insert_delivery(&other, None));
    let refused: Vec<_> = [one, other].into_iter().filter_map(Result::err).collect();
    assert_eq!(refused.iter().map(Error::code).collect::<Vec<_>>(), ["TOO_MANY_DELIVERIES"]);

    // What was sent is a reason to keep the deal.
    let before = UtcMs(deal.window.start_at.0 - 1);
    assert_eq!(db.delete_deal(deal.id, before).await.unwrap_err().code(), "DEAL_DELIVERED");
    db.delete_deal(second.id, before).await.unwrap();
}
