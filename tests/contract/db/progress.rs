use marquee::store::db::progress::Progress;

use super::Backend;
use crate::scene::{Scene, later, title};

pub async fn the_last_place_in_a_title_is_kept_for_each_viewer(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let (ada, bob) = (scene.viewer.id, scene.with_viewer(&db, "bob@example.com").await.viewer.id);
    let (first, second) = (scene.title.id, title());
    db.insert_title(&second, None).await.unwrap();
    assert_eq!(db.progress(ada, first).await.unwrap(), None);

    let place = |title_id, part, position_ms, ms| Progress {
        title_id,
        part,
        position_ms,
        duration_ms: 90_000,
        updated_at: later(ms),
    };
    db.put_progress(ada, &place(first, 1, 5_000, 1)).await.unwrap();
    db.put_progress(ada, &place(second.id, 1, 0, 2)).await.unwrap();
    db.put_progress(bob, &place(first, 1, 70_000, 3)).await.unwrap();
    // Back to the beginning of another part: the last write wins, not the furthest place.
    db.put_progress(ada, &place(first, 2, 90_000, 4)).await.unwrap();
    db.put_progress(ada, &place(first, 2, 1_000, 5)).await.unwrap();

    assert_eq!(db.progress(ada, first).await.unwrap(), Some(place(first, 2, 1_000, 5)));
    assert_eq!(db.progress_of(ada).await.unwrap(), [place(first, 2, 1_000, 5), place(second.id, 1, 0, 2)]);
    assert_eq!(db.progress_of(bob).await.unwrap(), [place(first, 1, 70_000, 3)]);

    assert!(db.put_progress(ada, &place(first, 1, 90_001, 6)).await.is_err(), "past the end");
    db.forget_progress(ada, first).await.unwrap();
    db.forget_progress(ada, first).await.unwrap();
    assert_eq!(db.progress(ada, first).await.unwrap(), None);
    assert_eq!(db.progress(bob, first).await.unwrap(), Some(place(first, 1, 70_000, 3)), "only hers");
}
