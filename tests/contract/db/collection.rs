use marquee::base::error::ErrorKind;
use marquee::base::id::{CollectionId, PartyId, TitleId};
use marquee::base::limits;
use marquee::catalog::collection::{Collection, Showcase};
use marquee::catalog::title::Title;
use marquee::rights::party::{Party, PartyKind};
use marquee::store::db::Written;
use marquee::store::db::playback::Change;

use super::Backend;
use super::deal::party;
use crate::scene::{NOW, Scene, key, later, other_body, title};

pub async fn a_collection_is_kept_whole_and_edited_by_version(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let other = Title { id: TitleId::new(later(1)), ..title() };
    db.insert_title(&other, None).await.unwrap();
    let channel = Party { kind: PartyKind::Broadcaster, ..party(1, None) };
    let platform = party(2, None);
    db.insert_party(&channel, None).await.unwrap();
    db.insert_party(&platform, None).await.unwrap();
    let on = |party_id| Some(Showcase { party_id, channel: "电影频道".into() });
    let fog = Collection {
        id: CollectionId::new(NOW),
        name: [("en".to_owned(), "Fog week".to_owned()), ("zh-CN".to_owned(), "雾周".to_owned())].into(),
        synopsis: [].into(),
        // Not in the order of their ids.
        title_ids: vec![other.id, scene.title.id],
        start_at: NOW,
        end_at: Some(later(9)),
        zone: "Asia/Shanghai".into(),
        showcase: on(channel.id),
        created_at: NOW,
        version: 1,
    };
    let cursor = db.changes(None, 1).await.unwrap().cursor;
    assert_eq!(db.insert_collection(&fog, Some(&key("fog"))).await.unwrap(), Written::New(()));
    let replay = Written::Replay { id: fog.id.to_string() };
    assert_eq!(db.insert_collection(&fog, Some(&key("fog"))).await.unwrap(), replay);
    assert_eq!(db.insert_collection(&fog, Some(&other_body(&key("fog")))).await.unwrap(), Written::KeyReused);
    let edited =
        Collection { title_ids: vec![scene.title.id], end_at: None, showcase: None, version: 2, ..fog.clone() };
    db.update_collection(&edited, NOW).await.unwrap();
    assert_eq!(db.update_collection(&edited, NOW).await.unwrap_err().code(), "VERSION_CONFLICT");
    assert_eq!(db.collections().await.unwrap(), std::slice::from_ref(&edited));
    assert_eq!(db.changes(Some(cursor), 9).await.unwrap().changes, [Change::Catalog, Change::Catalog]);

    // Whatever it names is there, and is what it is named as.
    let nobody = PartyId::new(NOW);
    let fresh = |n| Collection { id: CollectionId::new(later(n)), version: 1, ..edited.clone() };
    for (wrong, code, param) in [
        (Collection { title_ids: vec![scene.title.id, TitleId::new(NOW)], ..fresh(1) }, "TITLE_NOT_FOUND", "title_ids"),
        (Collection { showcase: on(nobody), ..fresh(1) }, "PARTY_NOT_FOUND", "showcase.party_id"),
        (Collection { showcase: on(platform.id), ..fresh(1) }, "COLLECTION_INVALID", "showcase.party_id"),
    ] {
        let edit = Collection { id: fog.id, version: 3, ..wrong.clone() };
        for refused in
            [db.insert_collection(&wrong, None).await.unwrap_err(), db.update_collection(&edit, NOW).await.unwrap_err()]
        {
            let told = (refused.kind(), refused.code(), refused.param());
            assert_eq!(told, (ErrorKind::Unprocessable, code, Some(param)));
        }
    }
    let none = db.update_collection(&fresh(1), NOW).await.unwrap_err();
    assert_eq!((none.kind(), none.code()), (ErrorKind::NotFound, "COLLECTION_NOT_FOUND"));

    // Of two who ask for the last place at once one gets it.
    let many: Vec<Collection> = (1..limits::COLLECTIONS_MAX as i64 - 1).map(fresh).collect();
    let made = futures_util::future::join_all(many.iter().map(|one| db.insert_collection(one, None))).await;
    assert!(made.iter().all(Result::is_ok));
    let (one, two) = (fresh(500), fresh(501));
    let (one, two) = tokio::join!(db.insert_collection(&one, None), db.insert_collection(&two, None));
    let full: Vec<_> = [one, two].into_iter().filter_map(Result::err).collect();
    assert_eq!(
        full.iter().map(|error| (error.kind(), error.code())).collect::<Vec<_>>(),
        [(ErrorKind::Conflict, "COLLECTIONS_FULL")]
    );
    db.delete_collection(fog.id, NOW).await.unwrap();
    assert_eq!(db.delete_collection(fog.id, NOW).await.unwrap_err().code(), "COLLECTION_NOT_FOUND");
    db.insert_collection(&fresh(502), None).await.unwrap();
    assert_eq!(db.collections().await.unwrap().len(), limits::COLLECTIONS_MAX);
}
