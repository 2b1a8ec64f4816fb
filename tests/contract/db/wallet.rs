use std::sync::Arc;

use marquee::base::error::ErrorKind;
use marquee::base::id::{CoinLotId, UnlockId, ViewerId};
use marquee::base::money::{Currency, Money};
use marquee::ledger::wallet::{CoinKind, CoinLot};
use marquee::rights::unlock::{Unlock, UnlockMeans};
use marquee::store::check;
use marquee::store::db::wallet::Unlocked;
use marquee::store::db::{Db, Written};

use super::Backend;
use crate::scene::{NOW, Scene, key, later, other_body};

pub async fn coins_are_added_once_and_taken_back_once(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let lot = paid(&scene, 500);
    let first = key("lot");
    assert_eq!(db.insert_coin_lot(&lot, &first).await.unwrap(), Written::New(()));
    assert_eq!(db.insert_coin_lot(&lot, &first).await.unwrap(), Written::Replay { id: lot.id.to_string() });
    assert_eq!(db.insert_coin_lot(&lot, &other_body(&first)).await.unwrap(), Written::KeyReused);
    let bonus = CoinLot {
        id: CoinLotId::new(later(1)),
        kind: CoinKind::Bonus,
        cost: None,
        expires_at: Some(later(50)),
        ..paid(&scene, 60)
    };
    assert_eq!(db.insert_coin_lot(&bonus, &key("bonus")).await.unwrap(), Written::New(()));
    assert_eq!(db.coin_lots(scene.viewer.id, false).await.unwrap(), [lot.clone(), bonus.clone()]);
    assert_eq!(db.coin_lots(scene.viewer.id, true).await.unwrap(), []);
    let nobody = CoinLot { id: CoinLotId::new(NOW), viewer_id: ViewerId::new(NOW), ..lot.clone() };
    assert_eq!(db.insert_coin_lot(&nobody, &key("nobody")).await.unwrap_err().code(), "VIEWER_NOT_FOUND");

    assert!(db.void_coin_lot(lot.id, "refunded", later(5)).await.unwrap());
    assert!(!db.void_coin_lot(lot.id, "again", later(6)).await.unwrap());
    assert_eq!(db.coin_lot(lot.id).await.unwrap(), Some(CoinLot { void_at: Some(later(5)), ..lot }));
    assert_eq!(db.coin_lot(CoinLotId::new(NOW)).await.unwrap(), None);
    let error = db.void_coin_lot(CoinLotId::new(NOW), "none", NOW).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::NotFound, "COIN_LOT_NOT_FOUND"));
}

pub async fn an_episode_is_unlocked_once_and_paid_for_once(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let (lot, bonus) = funded(&db, &scene).await;
    let wanted = unlock(&scene, 11, UnlockMeans::Coins(60));
    assert_eq!(db.unlock(&wanted, None).await.unwrap(), Unlocked::Done);
    let again = Unlock { id: UnlockId::new(later(1)), ..wanted.clone() };
    assert_eq!(db.unlock(&again, None).await.unwrap(), Unlocked::Already(wanted.clone()));
    // Also at once, from two places.
    let other = unlock(&scene, 12, UnlockMeans::Coins(60));
    let twin = Unlock { id: UnlockId::new(later(2)), ..other.clone() };
    let (one, two) = tokio::join!(db.unlock(&other, None), db.unlock(&twin, None));
    let told = [one.unwrap(), two.unwrap()];
    assert_eq!(told.iter().filter(|told| **told == Unlocked::Done).count(), 1, "{told:?}");
    let spent = |lots: Vec<CoinLot>| lots.into_iter().map(|lot| (lot.id, lot.spent)).collect::<Vec<_>>();
    assert_eq!(spent(db.coin_lots(scene.viewer.id, false).await.unwrap()), [(lot.id, 90), (bonus.id, 30)]);

    // Too few coins, and nothing is taken.
    let dear = unlock(&scene, 13, UnlockMeans::Coins(411));
    assert_eq!(db.unlock(&dear, None).await.unwrap(), Unlocked::Short { coins: 410 });
    assert_eq!(db.unlock(&Unlock { means: UnlockMeans::Coins(410), ..dear }, None).await.unwrap(), Unlocked::Done);
    let parts: Vec<u32> =
        db.unlocks(scene.viewer.id, Some(scene.title.id)).await.unwrap().iter().map(|unlock| unlock.part).collect();
    assert_eq!(parts.len(), 3);
    assert_eq!(db.unlocks(scene.viewer.id, None).await.unwrap().len(), 3);
    assert_eq!(db.unlocked_parts(scene.title.id).await.unwrap(), [11, 12, 13]);
    let other = scene.with_viewer(&db, "grace@example.com").await;
    assert_eq!(db.unlocks(other.viewer.id, None).await.unwrap(), []);
    assert_eq!(check::check(&*db).await.unwrap().findings, []);
}

pub async fn rewards_are_counted_from_an_instant(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let reward = |part, ms| Unlock { unlocked_at: later(ms), ..unlock(&scene, part, UnlockMeans::Reward) };
    let limit = |ms| Some((later(ms), 2));
    assert_eq!(db.unlock(&reward(1, 0), limit(0)).await.unwrap(), Unlocked::Done);
    assert_eq!(db.unlock(&reward(2, 1), limit(0)).await.unwrap(), Unlocked::Done);
    assert_eq!(db.unlock(&reward(3, 2), limit(0)).await.unwrap(), Unlocked::NoRewardsLeft);
    assert_eq!(db.unlock(&reward(3, 2), limit(1)).await.unwrap(), Unlocked::Done, "the day before does not count");
    let known = db.unlock(&reward(1, 9), limit(0)).await.unwrap();
    assert!(matches!(known, Unlocked::Already(unlock) if unlock.part == 1));
}

pub async fn a_viewer_switches_asking_off(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    assert!(!db.auto_unlocks(scene.viewer.id).await.unwrap());
    db.set_auto_unlock(scene.viewer.id, true).await.unwrap();
    assert!(db.auto_unlocks(scene.viewer.id).await.unwrap());
    assert!(!db.auto_unlocks(ViewerId::new(NOW)).await.unwrap());
}

/// An episode that was unlocked from two lots.
pub async fn unlocked(db: &Arc<dyn Db>, scene: &Scene) {
    funded(db, scene).await;
    assert_eq!(db.unlock(&unlock(scene, 11, UnlockMeans::Coins(60)), None).await.unwrap(), Unlocked::Done);
}

/// 500 paid coins and 30 given ones.
async fn funded(db: &Arc<dyn Db>, scene: &Scene) -> (CoinLot, CoinLot) {
    let lot = paid(scene, 500);
    let bonus = CoinLot { id: CoinLotId::new(later(1)), kind: CoinKind::Bonus, cost: None, ..paid(scene, 30) };
    for lot in [&lot, &bonus] {
        assert_eq!(db.insert_coin_lot(lot, &key(&lot.id.to_string())).await.unwrap(), Written::New(()));
    }
    (lot, bonus)
}

fn paid(scene: &Scene, coins: u32) -> CoinLot {
    CoinLot {
        id: CoinLotId::new(NOW),
        viewer_id: scene.viewer.id,
        kind: CoinKind::Paid,
        coins,
        spent: 0,
        cost: Some(Money::new(499, Currency::USD)),
        expires_at: None,
        note: "Receipt 4711".into(),
        added_at: NOW,
        void_at: None,
        livemode: false,
        purchase_id: None,
    }
}

fn unlock(scene: &Scene, part: u32, means: UnlockMeans) -> Unlock {
    Unlock {
        id: UnlockId::new(NOW),
        viewer_id: scene.viewer.id,
        title_id: scene.title.id,
        part,
        avail_id: scene.avail.id,
        means,
        unlocked_at: NOW,
        livemode: false,
    }
}
