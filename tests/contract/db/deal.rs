use marquee::base::clock::UtcMs;
use marquee::base::error::ErrorKind;
use marquee::base::id::{DealId, HoldbackId, PartyId};
use marquee::rights::avail::LicenseType;
use marquee::rights::caps::{Caps, FormatProfile};
use marquee::rights::deal::{Carriage, Deal, DealEdit, Exclusivity, Slot};
use marquee::rights::holdback::{Holdback, HoldbackEvent};
use marquee::rights::language_terms::LanguageTerms;
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
    let to = |start_at, end_at| DealEdit { start_at: Some(start_at), end_at: Some(end_at), ..DealEdit::default() };
    let early = UtcMs(NOW.0 - 1);
    let refused = db.edit_deal(shared.id, None, to(end, None), early).await.unwrap_err();
    assert_eq!(refused.code(), "DEAL_CONFLICT");
    assert_eq!(db.deal(shared.id).await.unwrap(), Some(shared.clone()), "nothing of it was written");
    let group = Exclusivity { with: vec![PartyId::new(NOW)], ..Exclusivity::default() };
    let typo = Deal { id: DealId::new(later(2)), exclusivity: Some(group), ..after(&alone) };
    let refused = db.insert_deal(&typo, None, NOW).await.unwrap_err();
    assert_eq!((refused.code(), refused.param()), ("PARTY_NOT_FOUND", Some("exclusivity.with")));

    // What has begun is not taken away, and a party changes what is its own and nothing else.
    assert_eq!(db.delete_deal(shared.id, shared.window.start_at).await.unwrap_err().code(), "DEAL_OPENED");
    let opened = DealEdit { opened_at: Some(Some(later(7))), ..DealEdit::default() };
    assert_eq!(
        db.edit_deal(shared.id, Some(other.id), opened.clone(), later(8)).await.unwrap_err().code(),
        "DEAL_NOT_FOUND"
    );
    let ended = DealEdit { end_at: Some(Some(later(9))), ..DealEdit::default() };
    let (told, moved) = tokio::join!(
        db.edit_deal(shared.id, Some(mine.id), opened.clone(), later(8)),
        db.edit_deal(shared.id, None, ended, later(8))
    );
    told.unwrap();
    moved.unwrap();
    let window = Window { end_at: Some(later(9)), ..shared.window.clone() };
    let both = Deal { opened_at: Some(later(7)), window, ..shared.clone() };
    assert_eq!(db.deal(shared.id).await.unwrap(), Some(both.clone()), "neither undoes the other");
    assert!(db.revoke_deal(shared.id, later(8)).await.unwrap());
    assert!(!db.revoke_deal(shared.id, later(9)).await.unwrap());
    assert_eq!(db.deal(shared.id).await.unwrap(), Some(Deal { revoked_at: Some(later(8)), ..both }));

    // The slots of a broadcast are kept with it, and written all at once or not at all.
    let slot = |from: i64, to: i64| Slot { start_at: later(from), end_at: later(to) };
    let on_air = |slots: Vec<Slot>| Carriage::Broadcast {
        channel: "一套".into(),
        clearance: "x".into(),
        runs: 2,
        slots,
        catch_up: true,
    };
    let window = Window { start_at: later(0), end_at: Some(later(100)), zone: "UTC".into() };
    let first = vec![slot(0, 10)];
    let aired = Deal { id: DealId::new(later(3)), carriage: on_air(first.clone()), window, ..deal(&scene, &mine) };
    db.insert_deal(&aired, None, NOW).await.unwrap();
    assert_eq!(db.deal(aired.id).await.unwrap(), Some(aired.clone()));
    let to = |slots: Vec<Slot>| DealEdit { slots: Some(slots), ..DealEdit::default() };
    let early = db.edit_deal(aired.id, None, to(vec![slot(-1, 5)]), NOW).await.unwrap_err();
    assert_eq!((early.code(), early.param()), ("DEAL_INVALID", Some("slots")));
    assert_eq!(db.deal(aired.id).await.unwrap(), Some(aired.clone()));
    let both = vec![slot(0, 10), slot(90, 100)];
    let (before, after) = db.edit_deal(aired.id, None, to(both.clone()), NOW).await.unwrap();
    assert_eq!((before.carriage.slots(), after.carriage.slots()), (&first[..], &both[..]));
    assert_eq!(db.deal(aired.id).await.unwrap(), Some(Deal { carriage: on_air(both), ..aired }));

    db.delete_deal(alone.id, NOW).await.unwrap();
    assert_eq!(db.deal(alone.id).await.unwrap(), None);
    for refused in [
        db.delete_deal(alone.id, NOW).await.unwrap_err(),
        db.edit_deal(alone.id, None, opened, later(8)).await.unwrap_err(),
        db.revoke_deal(alone.id, NOW).await.unwrap_err(),
    ] {
        assert_eq!(refused.code(), "DEAL_NOT_FOUND");
    }
    db.update_avail(&longer, NOW).await.unwrap();
}

/// Whichever is written later is refused: the deal, the holdback, or the move of the window that a holdback counts from.
pub async fn no_deal_comes_to_open_before_a_holdback_lets_it(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let mine = party(1, None);
    db.insert_party(&mine, None).await.unwrap();
    let start = later(20_000_000);
    let window = Window { start_at: start, end_at: None, ..scene.avail.window.clone() };
    let carriage = Carriage::Platform { license_type: LicenseType::Svod, price: None, streams: None };
    let shown = Deal { window, carriage, ..deal(&scene, &mine) };
    db.insert_deal(&shown, None, NOW).await.unwrap();
    let holdback = |event| Holdback {
        id: HoldbackId::new(later(1)),
        title_id: scene.title.id,
        party: "横店院线".into(),
        contract: None,
        event,
        lag_days: 0,
        territories: scene.avail.territories,
        license_types: vec![LicenseType::Svod],
    };
    let cinema = |ms| holdback(HoldbackEvent::CinemaOpening { opens_at: UtcMs(start.0 + ms), zone: "UTC".into() });
    let refused = db.insert_holdback(&cinema(1), None, NOW).await.unwrap_err();
    assert_eq!(refused.code(), "DEAL_CONFLICT", "{}", refused.message());
    assert!(refused.message().contains(&shown.id.to_string()), "{}", refused.message());
    db.insert_holdback(&cinema(0), None, NOW).await.unwrap();
}

pub fn party(at: i64, issuer: Option<&str>) -> Party {
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
pub fn deal(scene: &Scene, party: &Party) -> Deal {
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
        caps: Caps::of(Some(LanguageTerms::Allow(vec!["zh".parse().unwrap()])), FormatProfile::Hd),
        window: scene.avail.window.clone(),
        exclusivity: None,
        opened_at: None,
        revoked_at: None,
    }
}
