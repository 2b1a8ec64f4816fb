use marquee::base::error::ErrorKind;
use marquee::base::id::{SeriesId, TitleId};
use marquee::catalog::series::{Season, Series};
use marquee::catalog::title::Title;
use marquee::store::db::Written;
use marquee::store::db::playback::Change;

use super::Backend;
use crate::scene::{NOW, Scene, key, later, title};

fn series() -> Series {
    let name = [("en".to_owned(), "Fog".to_owned()), ("zh-CN".to_owned(), "雾".to_owned())].into();
    Series { id: SeriesId::new(NOW), name, synopsis: [].into(), created_at: NOW, version: 1 }
}

fn season(series: &Series, number: u32, title: Title) -> Title {
    let mut title = title;
    title.details.season = Some(Season { series_id: series.id, number });
    title
}

pub async fn a_season_of_a_series_is_one_title(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let (fog, rain, key) = (series(), Series { id: SeriesId::new(later(1)), ..series() }, key("fog"));
    let cursor = db.changes(None, 1).await.unwrap().cursor;
    assert_eq!(db.insert_series(&fog, Some(&key)).await.unwrap(), Written::New(()));
    assert_eq!(db.insert_series(&fog, Some(&key)).await.unwrap(), Written::Replay { id: fog.id.to_string() });
    db.insert_series(&rain, None).await.unwrap();
    assert_eq!(db.series().await.unwrap(), [fog.clone(), rain.clone()]);
    assert_eq!(db.changes(Some(cursor), 9).await.unwrap().changes, [Change::Catalog, Change::Catalog]);

    // The title that is there becomes the first season, another one the second.
    let first = season(&fog, 1, Title { version: 2, ..scene.title.clone() });
    db.update_title(&first, NOW).await.unwrap();
    assert_eq!(db.title(first.id).await.unwrap(), Some(first.clone()));
    let fresh = |n| Title { id: TitleId::new(later(n)), ..title() };
    let taken = db.insert_title(&season(&fog, 1, fresh(1)), None).await.unwrap_err();
    assert_eq!((taken.kind(), taken.code(), taken.param()), (ErrorKind::Conflict, "SEASON_TAKEN", Some("season")));
    let second = season(&fog, 2, fresh(2));
    db.insert_title(&second, None).await.unwrap();
    db.insert_title(&season(&rain, 1, fresh(3)), None).await.unwrap();
    let taken = db.update_title(&season(&fog, 1, Title { version: 2, ..second.clone() }), NOW).await.unwrap_err();
    assert_eq!(taken.code(), "SEASON_TAKEN");
    assert_eq!(db.title(second.id).await.unwrap(), Some(second.clone()), "nothing was written");
    let nowhere = db.insert_title(&season(&series(), 1, fresh(4)), None).await.unwrap_err();
    assert_eq!((nowhere.kind(), nowhere.code()), (ErrorKind::Unprocessable, "SERIES_NOT_FOUND"));
    // Of two who ask for a number at once one gets it.
    let (one, other) = (season(&fog, 3, fresh(5)), season(&fog, 3, fresh(6)));
    let (one, other) = tokio::join!(db.insert_title(&one, None), db.insert_title(&other, None));
    assert_eq!([&one, &other].iter().filter(|written| written.is_ok()).count(), 1, "{one:?} {other:?}");
    // A number that was given up is free.
    let free = Title { version: 3, ..scene.title.clone() };
    db.update_title(&free, NOW).await.unwrap();
    db.update_title(&season(&fog, 1, Title { version: 2, ..second }), NOW).await.unwrap();

    let renamed = Series { version: 2, synopsis: [("en".to_owned(), "It is wet.".to_owned())].into(), ..rain.clone() };
    db.update_series(&renamed, NOW).await.unwrap();
    assert_eq!(db.series().await.unwrap()[1], renamed);
    assert_eq!(db.update_series(&renamed, NOW).await.unwrap_err().kind(), ErrorKind::Precondition);
    assert_eq!(db.update_series(&series(), NOW).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(db.delete_series(rain.id, NOW).await.unwrap_err().code(), "SERIES_IN_USE");
    let third = Series { id: SeriesId::new(later(2)), ..series() };
    db.insert_series(&third, None).await.unwrap();
    db.delete_series(third.id, NOW).await.unwrap();
    assert_eq!(db.delete_series(third.id, NOW).await.unwrap_err().code(), "SERIES_NOT_FOUND");
    assert_eq!(db.series().await.unwrap(), [fog, renamed]);
}
