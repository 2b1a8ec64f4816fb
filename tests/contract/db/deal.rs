use marquee::base::error::ErrorKind;
use marquee::base::id::{DealId, PartyId};
use marquee::rights::avail::LicenseType;
use marquee::rights::deal::{Carriage, Deal, Exclusivity};
use marquee::rights::party::{Party, PartyKind, Signer};
use marquee::rights::window::Window;
use marquee::store::db::Written;

use super::Backend;
use crate::scene::{NOW, Scene, key, later, other_body};

pub async fn parties_are_kept_whole_and_edited_by_version(backend: &impl Backend) {
    let db = backend.open().await;
    let first = party(1, Some("https://films.example"));
    assert_eq!(db.insert_party(&first, Some(&key("party"))).await.unwrap(), Written::New(()));
    let replay = Written::Replay { id: first.id.to_string() };
    assert_eq!(db.insert_party(&first, Some(&key("party"))).await.unwrap(), replay);
    assert_eq!(db.insert_party(&first, Some(&other_body(&key("party")))).await.unwrap(), Written::KeyReused);
    let taken = db.insert_party(&party(2, Some("https://films.example")), None).await.unwrap_err();
    assert_eq!((taken.code(), taken.param()), ("ISSUER_TAKEN", Some("signer.issuer")));
    let second = party(3, None);
    db.insert_party(&second, None).await.unwrap();
    assert_eq!(db.parties().await.unwrap(), [first.clone(), second.clone()]);

    let edited = Party { name: "Others".into(), version: 2, ..first.clone() };
    db.update_party(&edited, later(1)).await.unwrap();
    assert_eq!(db.update_party(&edited, later(1)).await.unwrap_err().code(), "VERSION_CONFLICT");
    let thief = Party { signer: first.signer.clone(), version: 2, ..second.clone() };
    assert_eq!(db.update_party(&thief, later(1)).await.unwrap_err().code(), "ISSUER_TAKEN");
    let nobody = db.update_party(&Party { version: 2, ..party(9, None) }, later(1)).await.unwrap_err();
    assert_eq!((nobody.kind(), nobody.code()), (ErrorKind::NotFound, "PARTY_NOT_FOUND"));
    assert_eq!(db.parties().await.unwrap(), [edited, second]);
}

pub async fn deals_are_kept_with_their_title_and_refused_where_its_plan_is_against_them(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let (mine, other) = (party(1, None), party(2, None));
    db.insert_party(&mine, None).await.unwrap();
    db.insert_party(&other, None).await.unwrap();
    let shared = deal(&scene, &mine);
    assert_eq!(db.insert_deal(&shared, Some(&key("deal")), NOW).await.unwrap(), Written::New(()));
    let replay = Written::Replay { id: shared.id.to_string() };
    assert_eq!(db.insert_deal(&shared, Some(&key("deal")), NOW).await.unwrap(), replay);
    assert_eq!(db.deal(shared.id).await.unwrap(), Some(shared.clone()));
    assert_eq!(db.rights_of(scene.title.id).await.unwrap().unwrap().deals, std::slice::from_ref(&shared));
    assert_eq!(db.catalog().await.unwrap().deals, std::slice::from_ref(&shared));
    let nobodys = Deal { id: DealId::new(NOW), party_id: PartyId::new(NOW), ..shared.clone() };
    assert_eq!(db.insert_deal(&nobodys, None, NOW).await.unwrap_err().code(), "PARTY_NOT_FOUND");

    // Neither our own window nor another party's deal lies in what one party has alone.
    let alone = Deal {
        id: DealId::new(later(1)),
        party_id: other.id,
        exclusivity: Some(Exclusivity::default()),
        ..shared.clone()
    };
    let refused = db.insert_deal(&alone, None, NOW).await.unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (ErrorKind::Conflict, "DEAL_CONFLICT"));
    assert_eq!(db.deal(alone.id).await.unwrap(), None);
    let end = scene.avail.window.end_at.unwrap();
    let after =
        |deal: &Deal| Deal { window: Window { start_at: end, end_at: None, ..deal.window.clone() }, ..deal.clone() };
    db.insert_deal(&after(&alone), None, NOW).await.unwrap();
    let mut longer = scene.avail.clone();
    longer.window.end_at = None;
    let refused = db.update_avail(&longer, NOW).await.unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (ErrorKind::Conflict, "AVAIL_CONFLICT"));
    assert!(refused.message().contains(&alone.id.to_string()), "{}", refused.message());
    let refused = db.update_deal(&after(&shared), NOW).await.unwrap_err();
    assert_eq!(refused.code(), "DEAL_CONFLICT");
    assert_eq!(db.deal(shared.id).await.unwrap(), Some(shared.clone()), "nothing of it was written");

    // What is over meets nothing, and what has begun is not taken away.
    assert_eq!(db.delete_deal(shared.id, shared.window.start_at).await.unwrap_err().code(), "DEAL_OPENED");
    let reported = Deal { opened_at: Some(later(7)), ..shared.clone() };
    db.update_deal(&reported, NOW).await.unwrap();
    assert_eq!(db.deal(shared.id).await.unwrap(), Some(reported));
    db.delete_deal(alone.id, NOW).await.unwrap();
    assert_eq!(db.deal(alone.id).await.unwrap(), None);
    assert_eq!(db.delete_deal(alone.id, NOW).await.unwrap_err().code(), "DEAL_NOT_FOUND");
    assert_eq!(db.update_deal(&alone, NOW).await.unwrap_err().code(), "DEAL_NOT_FOUND");
    db.update_avail(&longer, NOW).await.unwrap();
}

fn party(at: i64, issuer: Option<&str>) -> Party {
    let signer = issuer.map(|issuer| Signer { issuer: issuer.into(), jwks_url: format!("{issuer}/jwks.json") });
    Party {
        id: PartyId::new(later(at)),
        name: "Films".into(),
        kind: PartyKind::Partner,
        signer,
        created_at: NOW,
        version: 1,
    }
}

/// In the window that is ours.
fn deal(scene: &Scene, party: &Party) -> Deal {
    Deal {
        id: DealId::new(NOW),
        title_id: scene.title.id,
        party_id: party.id,
        contract: Some("2027-4711".into()),
        carriage: Carriage::Platform {
            license_type: LicenseType::Vod,
            price: Some(scene.offer.list_price),
            streams: Some(1),
        },
        territories: scene.avail.territories,
        window: scene.avail.window.clone(),
        exclusivity: None,
        opened_at: None,
    }
}
