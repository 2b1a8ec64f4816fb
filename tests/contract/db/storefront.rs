use marquee::base::error::ErrorKind;
use marquee::base::id::StorefrontId;
use marquee::catalog::storefront::{Storefront, Theme};
use marquee::store::db::Written;
use marquee::store::db::playback::Change;

use super::Backend;
use crate::scene::{NOW, key, other_body};

fn abroad() -> Storefront {
    Storefront {
        id: StorefrontId::new(NOW),
        slug: "abroad".into(),
        hosts: vec!["abroad.example".into(), "a.example:8443".into()],
        currency: "USD".parse().unwrap(),
        default_territory: Some("US".parse().unwrap()),
        theme: Theme::Dark,
        is_default: false,
        version: 1,
        ..Storefront::first()
    }
}

pub async fn a_server_begins_with_one_storefront(backend: &impl Backend) {
    let db = backend.open().await;
    assert_eq!(db.storefronts().await.unwrap(), [Storefront::first()]);
}

pub async fn storefronts_are_kept_whole_and_edited_by_version(backend: &impl Backend) {
    let db = backend.open().await;
    let (mut abroad, key) = (abroad(), key("abroad"));
    let cursor = db.changes(None, 1).await.unwrap().cursor;
    assert_eq!(db.insert_storefront(&abroad, Some(&key), NOW).await.unwrap(), Written::New(()));
    assert_eq!(db.storefronts().await.unwrap(), [Storefront::first(), abroad.clone()]);
    let replay = Written::Replay { id: abroad.id.to_string() };
    assert_eq!(db.insert_storefront(&abroad, Some(&key), NOW).await.unwrap(), replay);
    assert_eq!(db.insert_storefront(&abroad, Some(&other_body(&key)), NOW).await.unwrap(), Written::KeyReused);

    abroad.version = 2;
    abroad.hosts = vec!["a.example:8443".into(), "b.example".into()];
    abroad.default_territory = None;
    db.update_storefront(&abroad, NOW).await.unwrap();
    assert_eq!(db.storefronts().await.unwrap()[1], abroad);
    assert_eq!(db.update_storefront(&abroad, NOW).await.unwrap_err().kind(), ErrorKind::Precondition);
    let nobody = Storefront { id: StorefrontId::new(NOW), slug: "nobody".into(), hosts: vec![], ..abroad.clone() };
    assert_eq!(db.update_storefront(&nobody, NOW).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(db.changes(Some(cursor), 9).await.unwrap().changes, [Change::Catalog, Change::Catalog]);
}

pub async fn a_slug_and_a_host_are_one_storefronts(backend: &impl Backend) {
    let db = backend.open().await;
    db.insert_storefront(&abroad(), None, NOW).await.unwrap();
    let refused = async |storefront: Storefront| {
        db.insert_storefront(&storefront, None, NOW).await.unwrap_err().code().to_owned()
    };
    assert_eq!(refused(Storefront { hosts: vec![], ..abroad() }).await, "SLUG_TAKEN");
    let third = Storefront { slug: "third".into(), hosts: vec!["a.example:8443".into()], ..abroad() };
    assert_eq!(refused(third).await, "HOST_TAKEN");
    let first = Storefront { hosts: vec!["abroad.example".into()], version: 2, ..Storefront::first() };
    assert_eq!(db.update_storefront(&first, NOW).await.unwrap_err().code(), "HOST_TAKEN");
    assert_eq!(db.storefronts().await.unwrap()[0], Storefront::first(), "nothing of it stays");
}

pub async fn exactly_one_storefront_is_the_default(backend: &impl Backend) {
    let db = backend.open().await;
    let demoted = Storefront { is_default: false, version: 2, ..Storefront::first() };
    assert_eq!(db.update_storefront(&demoted, NOW).await.unwrap_err().code(), "DEFAULT_NEEDED");
    let abroad = Storefront { is_default: true, ..abroad() };
    db.insert_storefront(&abroad, None, NOW).await.unwrap();
    assert_eq!(db.storefronts().await.unwrap(), [demoted.clone(), abroad.clone()]);
    let back = Storefront { is_default: true, version: 3, ..demoted };
    db.update_storefront(&back, NOW).await.unwrap();
    let abroad = Storefront { is_default: false, version: 2, ..abroad };
    assert_eq!(db.storefronts().await.unwrap(), [back, abroad]);
}
