use std::sync::Arc;

use marquee::base::error::ErrorKind;
use marquee::base::id::{VoucherBatchId, VoucherId};
use marquee::rights::grant::Grant;
use marquee::rights::voucher::VoucherBatch;
use marquee::store::check;
use marquee::store::db::voucher::{CountedBatch, NewVoucher, Redemption, Voucher};
use marquee::store::db::{Db, Page, Written};

use super::Backend;
use crate::scene::{NOW, Scene, grant_for, key, later, other_body};

pub async fn a_batch_is_kept_with_all_its_vouchers(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let (batch, vouchers) = scene.vouchers(&db).await;
    let key = key(&batch.id.to_string());
    let replay = Written::Replay { id: batch.id.to_string() };
    assert_eq!(db.insert_voucher_batch(&batch, &vouchers, &key).await.unwrap(), replay);
    let reused = db.insert_voucher_batch(&batch, &vouchers, &other_body(&key)).await.unwrap();
    assert_eq!(reused, Written::KeyReused);
    let counted = CountedBatch { batch: batch.clone(), redeemed: 0 };
    assert_eq!(db.voucher_batch(batch.id).await.unwrap(), Some(counted));
    assert_eq!(db.voucher_batch(VoucherBatchId::new(NOW)).await.unwrap(), None);
    let free = Voucher { id: vouchers[0].id, batch: batch.clone(), redeemed: None };
    assert_eq!(db.voucher_of_code(&[1; 32]).await.unwrap(), Some(free));
    assert_eq!(db.voucher_of_code(&[3; 32]).await.unwrap(), None);
    // One code that is there already: nothing of the other batch stays.
    let other = VoucherBatch { id: VoucherBatchId::new(later(1)), ..batch.clone() };
    let error = db.insert_voucher_batch(&other, &vouchers, &crate::scene::key("other")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let listed = db.voucher_batches(None, &Page { after: None, limit: 9 }).await.unwrap();
    assert_eq!(listed.into_iter().map(|row| row.batch).collect::<Vec<_>>(), [batch]);
}

pub async fn a_voucher_gives_one_grant_to_one_viewer(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let (batch, vouchers) = scene.vouchers(&db).await;
    let gift = scene.gift(vouchers[0].id);
    assert_eq!(db.redeem_voucher(&gift, 0).await.unwrap(), Redemption::Done);
    assert_eq!(db.grant(gift.id).await.unwrap(), Some(gift.clone()));
    let redeemed = Some((scene.viewer.id, gift.clone()));
    assert_eq!(db.voucher_of_code(&[1; 32]).await.unwrap().unwrap().redeemed, redeemed);
    assert_eq!(db.voucher_batch(batch.id).await.unwrap().unwrap().redeemed, 1);
    assert_eq!(db.entries(0, 9).await.unwrap(), [], "no money has moved");

    let other = scene.with_viewer(&db, "grace@example.com").await;
    assert_eq!(db.redeem_voucher(&other.gift(vouchers[0].id), 0).await.unwrap(), Redemption::Changed);
    assert_eq!(db.grants(other.viewer.id, None).await.unwrap(), []);
    let report = check::check(&*db).await.unwrap();
    assert_eq!((report.vouchers, report.grants, report.findings), (1, 1, vec![]));
}

pub async fn a_voucher_is_not_redeemed_late_void_or_on_other_rights(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let (batch, vouchers) = scene.vouchers(&db).await;
    let at = |ms| Grant { issued_at: later(ms), available_at: later(ms), ..scene.gift(vouchers[0].id) };
    let nobody = scene.gift(VoucherId::new(NOW));
    assert_eq!(db.redeem_voucher(&nobody, 0).await.unwrap(), Redemption::Changed);
    assert_eq!(db.redeem_voucher(&at(1_000), 0).await.unwrap(), Redemption::Changed, "at its end");
    assert_eq!(db.redeem_voucher(&at(1), 1).await.unwrap(), Redemption::Changed, "another number of grants");
    let live = Grant { livemode: true, ..at(1) };
    assert_eq!(db.redeem_voucher(&live, 0).await.unwrap(), Redemption::Changed, "of a test server");
    db.redeem_voucher(&grant_for(&scene.purchase()), 0).await.unwrap_err();
    let pending = scene.begun(&db).await;
    assert_eq!(db.redeem_voucher(&at(1), 0).await.unwrap(), Redemption::OtherPending(pending.id));
    let other = scene.with_viewer(&db, "grace@example.com").await;
    let last = Grant { issued_at: later(999), available_at: later(999), ..other.gift(vouchers[0].id) };
    assert_eq!(db.redeem_voucher(&last, 0).await.unwrap(), Redemption::Done, "one millisecond before its end");

    assert!(db.void_voucher_batch(batch.id, later(5)).await.unwrap());
    assert!(!db.void_voucher_batch(batch.id, later(6)).await.unwrap());
    let counted = db.voucher_batch(batch.id).await.unwrap().unwrap();
    assert_eq!((counted.batch.void_at, counted.redeemed), (Some(later(5)), 1));
    let third = scene.with_viewer(&db, "third@example.com").await;
    assert_eq!(db.redeem_voucher(&third.gift(vouchers[1].id), 0).await.unwrap(), Redemption::Changed, "void");
    assert_eq!(db.grants(other.viewer.id, None).await.unwrap(), [last], "what was redeemed stays");
    let error = db.void_voucher_batch(VoucherBatchId::new(NOW), NOW).await.unwrap_err();
    assert_eq!(error.code(), "VOUCHER_BATCH_NOT_FOUND");
}

pub async fn one_voucher_of_many_hands_is_redeemed_once(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let (_, vouchers) = scene.vouchers(&db).await;
    let mut hands = Vec::new();
    for hand in 0..30 {
        hands.push(scene.with_viewer(&db, &format!("hand{hand}@example.com")).await.gift(vouchers[0].id));
    }
    let tasks = hands.into_iter().map(|grant| {
        let db: Arc<dyn Db> = db.clone();
        tokio::spawn(async move { db.redeem_voucher(&grant, 0).await.unwrap() })
    });
    let found = futures_util::future::join_all(tasks).await;
    let done = found.iter().filter(|found| *found.as_ref().unwrap() == Redemption::Done).count();
    assert_eq!(done, 1);
    let report = check::check(&*db).await.unwrap();
    assert_eq!((report.vouchers, report.grants, report.findings), (1, 1, vec![]));
}

/// Each code is tried by everybody at once, whoever has won how many before.
pub async fn a_thousand_codes_in_thirty_hands_are_a_thousand_grants(backend: &impl Backend) {
    const CODES: u32 = 1000;
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let batch = VoucherBatch { count: CODES, ..scene.batch() };
    let hash = |code: u32| std::array::from_fn(|place| code.to_be_bytes().get(place).copied().unwrap_or(7));
    let vouchers: Vec<NewVoucher> =
        (0..CODES).map(|code| NewVoucher { id: VoucherId::new(NOW), code_hash: hash(code) }).collect();
    assert_eq!(db.insert_voucher_batch(&batch, &vouchers, &key("thousand")).await.unwrap(), Written::New(()));
    let mut hands = Vec::new();
    for hand in 0..30 {
        hands.push((scene.with_viewer(&db, &format!("hand{hand}@example.com")).await, 0));
    }
    for voucher in &vouchers {
        let tasks = hands.iter().map(|(hand, won)| {
            let (db, grant, won): (Arc<dyn Db>, _, _) = (db.clone(), hand.gift(voucher.id), *won);
            tokio::spawn(async move { db.redeem_voucher(&grant, won).await.unwrap() })
        });
        let found = futures_util::future::join_all(tasks).await;
        let mut winners = 0;
        for ((_, won), found) in hands.iter_mut().zip(found) {
            let is_won = found.unwrap() == Redemption::Done;
            winners += u32::from(is_won);
            *won += usize::from(is_won);
        }
        assert_eq!(winners, 1);
    }
    for (hand, won) in &hands {
        assert_eq!(db.grants(hand.viewer.id, None).await.unwrap().len(), *won);
    }
    assert_eq!(hands.iter().map(|(_, won)| won).sum::<usize>(), CODES as usize);
    assert_eq!(db.voucher_batch(batch.id).await.unwrap().unwrap().redeemed, CODES);
    let report = check::check(&*db).await.unwrap();
    assert_eq!((report.vouchers, report.grants, report.findings), (1000, 1000, vec![]));
}
