use marquee::base::clock::UtcMs;
use marquee::base::limits;
use marquee::store::db::lock::{Lock, PinTry};

use super::Backend;
use crate::scene::{NOW, Scene, later};

pub async fn a_lock_is_kept_and_its_tries_are_counted(backend: &impl Backend) {
    let db = backend.open().await;
    let viewer = Scene::set(&db).await.viewer.id;
    assert_eq!(db.lock(viewer).await.unwrap(), None);
    assert_eq!(db.begin_pin_try(viewer, NOW).await.unwrap(), None);
    assert!(!db.set_lock(viewer, 12, None).await.unwrap(), "a new one needs a PIN");
    assert!(db.set_lock(viewer, 12, Some("hash")).await.unwrap());
    assert_eq!(db.lock(viewer).await.unwrap(), Some(Lock { age_limit: 12, locked_until: None }));
    let counted = |left, locked_until| Some(PinTry::Counted { pin_hash: "hash".into(), left, locked_until });
    for left in [4, 3] {
        assert_eq!(db.begin_pin_try(viewer, NOW).await.unwrap(), counted(left, None));
    }
    db.end_pin_tries(viewer).await.unwrap();
    for left in [4, 3, 2, 1] {
        assert_eq!(db.begin_pin_try(viewer, NOW).await.unwrap(), counted(left, None));
    }
    let until = NOW + limits::PIN_LOCKED;
    assert_eq!(db.begin_pin_try(viewer, NOW).await.unwrap(), counted(0, Some(until)));
    for at in [NOW, later(1), UtcMs(until.0 - 1)] {
        assert_eq!(db.begin_pin_try(viewer, at).await.unwrap(), Some(PinTry::Locked { until }));
    }
    assert_eq!(db.lock(viewer).await.unwrap(), Some(Lock { age_limit: 12, locked_until: Some(until) }));
    assert_eq!(db.begin_pin_try(viewer, until).await.unwrap(), counted(4, None), "it may be tried again");
    // Another age keeps the PIN.
    assert!(db.set_lock(viewer, 6, None).await.unwrap());
    assert_eq!(db.begin_pin_try(viewer, until).await.unwrap(), counted(4, None));
    assert!(db.remove_lock(viewer).await.unwrap());
    assert!(!db.remove_lock(viewer).await.unwrap());
    assert_eq!(db.lock(viewer).await.unwrap(), None);
}
