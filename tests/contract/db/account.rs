use marquee::base::id::ApiTokenId;
use marquee::store::db::Page;
use marquee::store::db::account::{ApiToken, Bearer, TokenKind, ValidToken, Viewer, ViewerEdit};
use marquee::store::db::operator::Role;

use super::Backend;
use super::operator::operator;
use crate::scene::{NOW, audit_line, later, viewer};

pub async fn a_viewer_is_found_by_id_and_by_address_in_any_case(backend: &impl Backend) {
    let db = backend.open().await;
    let ada = viewer("Ada@Example.com");
    db.insert_viewer(&ada, "$argon2id$").await.unwrap();
    assert_eq!(db.viewer(ada.id).await.unwrap(), Some(ada.clone()));
    assert_eq!(db.credentials("aDA@example.COM").await.unwrap(), Some((ada.clone(), "$argon2id$".into())));
    assert_eq!(db.credentials("nobody@example.com").await.unwrap(), None);
    assert_eq!(db.viewer(viewer("x").id).await.unwrap(), None);
    let grace = viewer("grace@example.com");
    db.insert_viewer(&grace, "$argon2id$").await.unwrap();
    let asked = [ada.id, viewer("x").id];
    assert_eq!(db.emails(&asked).await.unwrap(), [(ada.id, ada.email)].into());
    assert!(db.emails(&[]).await.unwrap().is_empty());
}

pub async fn an_address_has_one_account(backend: &impl Backend) {
    let db = backend.open().await;
    let ada = viewer("ada@example.com");
    db.insert_viewer(&ada, "first").await.unwrap();
    let error = db.insert_viewer(&viewer("ADA@example.com"), "second").await.unwrap_err();
    assert_eq!(error.code(), "EMAIL_TAKEN");
    assert_eq!(db.credentials("ada@example.com").await.unwrap(), Some((ada, "first".into())));
}

pub async fn a_token_is_found_by_its_digest_until_it_ends(backend: &impl Backend) {
    let db = backend.open().await;
    let ada = viewer("ada@example.com");
    db.insert_viewer(&ada, "hash").await.unwrap();
    let operator = operator(None, Role::Finance);
    db.insert_operator(&operator, &audit_line("operator.create")).await.unwrap();
    let hers = token(Bearer::Viewer(ada.id), TokenKind::SignIn, 1);
    let his = token(Bearer::Operator(operator.id), TokenKind::Program(Role::Owner), 255);
    db.insert_api_token(&hers).await.unwrap();
    db.insert_api_token(&his).await.unwrap();
    let her_valid = ValidToken { token: hers.clone(), operator_role: None };
    let his_valid = ValidToken { token: his.clone(), operator_role: Some(Role::Finance) };
    assert_eq!(db.api_token(&[1; 32], later(99)).await.unwrap(), Some(her_valid));
    assert_eq!(db.api_token(&[255; 32], NOW).await.unwrap(), Some(his_valid.clone()));
    assert_eq!(db.api_token(&[1; 32], later(100)).await.unwrap(), None, "expired");
    assert_eq!(db.api_token(&[2; 32], NOW).await.unwrap(), None, "unknown");
    assert!(db.is_api_token_valid(hers.id, later(99)).await.unwrap());
    assert!(!db.is_api_token_valid(hers.id, later(100)).await.unwrap(), "expired");
    db.revoke_api_token(hers.id, NOW).await.unwrap();
    assert!(!db.is_api_token_valid(hers.id, NOW).await.unwrap(), "revoked");
    assert_eq!(db.api_token(&[1; 32], NOW).await.unwrap(), None, "revoked");
    assert_eq!(db.api_token(&[255; 32], NOW).await.unwrap(), Some(his_valid));
}

pub async fn a_viewer_is_edited_by_what_is_named(backend: &impl Backend) {
    let db = backend.open().await;
    let (ada, bob) = (viewer("ada@example.com"), viewer("bob@example.com"));
    db.insert_viewer(&ada, "hash").await.unwrap();
    db.insert_viewer(&bob, "hash").await.unwrap();
    let language = ViewerEdit { language: Some("zh-CN".into()), ..ViewerEdit::default() };
    let speaking = Viewer { language: Some("zh-CN".into()), ..ada.clone() };
    assert_eq!(db.edit_viewer(ada.id, &language).await.unwrap(), Some(speaking.clone()));
    let name = ViewerEdit { display_name: Some(String::new()), ..ViewerEdit::default() };
    let nameless = Viewer { display_name: String::new(), ..speaking };
    assert_eq!(db.edit_viewer(ada.id, &name).await.unwrap(), Some(nameless.clone()));
    assert_eq!(db.viewer(ada.id).await.unwrap(), Some(nameless));
    assert_eq!(db.viewer(bob.id).await.unwrap(), Some(bob));
    assert_eq!(db.edit_viewer(viewer("x").id, &name).await.unwrap(), None);
}

pub async fn sign_ins_are_listed_and_ended_by_whose_they_are(backend: &impl Backend) {
    let db = backend.open().await;
    let (ada, bob) = (viewer("ada@example.com"), viewer("bob@example.com"));
    let mut hers = Vec::new();
    for (person, bytes) in [(&ada, [1, 2, 3]), (&bob, [4, 5, 6])] {
        db.insert_viewer(person, "hash").await.unwrap();
        for byte in bytes {
            let token = token(Bearer::Viewer(person.id), TokenKind::SignIn, byte);
            db.insert_api_token(&token).await.unwrap();
            if person.id == ada.id {
                hers.push(token);
            }
        }
    }
    hers.sort_by_key(|token| std::cmp::Reverse(token.id));
    let all = Page { after: None, limit: 10 };
    assert_eq!(db.sign_ins(ada.id, NOW, &all).await.unwrap(), hers);
    let second = Page { after: Some(hers[0].id.to_string()), limit: 1 };
    assert_eq!(db.sign_ins(ada.id, NOW, &second).await.unwrap(), [hers[1].clone()]);
    assert_eq!(db.sign_ins(ada.id, later(100), &all).await.unwrap(), [], "expired");

    db.note_seen(hers[0].id, later(5)).await.unwrap();
    let seen = ApiToken { last_seen_at: Some(later(5)), ..hers[0].clone() };
    assert_eq!(db.sign_ins(ada.id, NOW, &all).await.unwrap()[0], seen);

    assert!(!db.end_sign_in(bob.id, hers[1].id, NOW).await.unwrap(), "not his");
    assert!(!db.end_sign_in(ada.id, hers[1].id, later(100)).await.unwrap(), "expired");
    assert!(db.end_sign_in(ada.id, hers[1].id, NOW).await.unwrap());
    assert!(!db.end_sign_in(ada.id, hers[1].id, NOW).await.unwrap(), "ended");
    assert_eq!(db.sign_ins(ada.id, NOW, &all).await.unwrap(), [seen.clone(), hers[2].clone()]);

    db.set_password(ada.id, "new hash", hers[0].id, NOW).await.unwrap();
    assert_eq!(db.sign_ins(ada.id, NOW, &all).await.unwrap(), [seen]);
    assert_eq!(db.credentials("ada@example.com").await.unwrap().unwrap().1, "new hash");
    assert_eq!(db.sign_ins(bob.id, NOW, &all).await.unwrap().len(), 3);
    assert_eq!(db.credentials("bob@example.com").await.unwrap().unwrap().1, "hash");
}

pub async fn a_sign_in_becomes_a_device_while_there_is_room(backend: &impl Backend) {
    let db = backend.open().await;
    let (ada, bob) = (viewer("ada@example.com"), viewer("bob@example.com"));
    for person in [&ada, &bob] {
        db.insert_viewer(person, "hash").await.unwrap();
    }
    let mut tokens = Vec::new();
    for (byte, lives) in [(1, 100), (2, 50), (3, 100), (4, 100)] {
        let token = ApiToken { expires_at: later(lives), ..token(Bearer::Viewer(ada.id), TokenKind::SignIn, byte) };
        db.insert_api_token(&token).await.unwrap();
        tokens.push(token.id);
    }
    let [tv, phone, tablet, laptop] = tokens[..] else { panic!("{tokens:?}") };
    let his = token(Bearer::Viewer(bob.id), TokenKind::SignIn, 5);
    db.insert_api_token(&his).await.unwrap();
    assert_eq!(db.devices(ada.id, NOW).await.unwrap(), []);

    assert!(db.register_device(ada.id, tv, 2, later(1)).await.unwrap());
    assert!(db.register_device(ada.id, phone, 2, later(2)).await.unwrap());
    assert!(!db.register_device(ada.id, tablet, 2, later(3)).await.unwrap(), "there are two others");
    assert!(db.register_device(ada.id, tv, 2, later(3)).await.unwrap(), "it is one already");
    assert!(db.register_device(ada.id, tv, 1, later(3)).await.unwrap(), "a lower limit takes nothing away");
    assert!(db.register_device(bob.id, his.id, 2, later(3)).await.unwrap(), "his account is another one");
    assert_eq!(db.devices(ada.id, later(3)).await.unwrap(), [tv, phone]);
    assert_eq!(db.devices(bob.id, later(3)).await.unwrap(), [his.id]);
    let registered: Vec<_> = db.sign_ins(ada.id, NOW, &Page { after: None, limit: 10 }).await.unwrap();
    let since = |id| registered.iter().find(|token| token.id == id).unwrap().registered_at;
    assert_eq!((since(tv), since(phone), since(tablet)), (Some(later(1)), Some(later(2)), None));

    // The phone's sign-in runs out, and the television is signed out.
    assert!(!db.register_device(ada.id, tablet, 2, later(49)).await.unwrap());
    assert!(db.register_device(ada.id, tablet, 2, later(50)).await.unwrap());
    assert!(!db.register_device(ada.id, laptop, 2, later(50)).await.unwrap());
    assert!(db.end_sign_in(ada.id, tv, later(50)).await.unwrap());
    assert!(db.register_device(ada.id, laptop, 2, later(51)).await.unwrap());
    assert_eq!(db.devices(ada.id, later(51)).await.unwrap(), [tablet, laptop]);
    for (id, why) in [(tv, "signed out"), (phone, "expired"), (his.id, "not hers")] {
        let error = db.register_device(ada.id, id, 9, later(51)).await.unwrap_err();
        assert_eq!(error.code(), "UNAUTHENTICATED", "{why}");
    }
}

pub async fn a_new_sign_in_takes_the_place_of_the_one_before(backend: &impl Backend) {
    let db = backend.open().await;
    let ada = viewer("ada@example.com");
    db.insert_viewer(&ada, "hash").await.unwrap();
    let [first, second, third] = [1, 2, 3].map(|byte| token(Bearer::Viewer(ada.id), TokenKind::SignIn, byte));
    db.insert_api_token(&first).await.unwrap();
    assert!(db.register_device(ada.id, first.id, 1, NOW).await.unwrap());
    db.replace_sign_in(first.id, &second).await.unwrap();
    let valid = async || db.sign_ins(ada.id, NOW, &Page { after: None, limit: 10 }).await.unwrap();
    let second = ApiToken { registered_at: Some(NOW), ..second };
    assert_eq!(valid().await, std::slice::from_ref(&second));
    // One that is over has no place to give.
    let third = ApiToken { id: ApiTokenId::new(later(1)), ..third };
    db.replace_sign_in(first.id, &third).await.unwrap();
    assert_eq!(valid().await, [third, second]);
}

pub fn token(bearer: Bearer, kind: TokenKind, byte: u8) -> ApiToken {
    ApiToken {
        id: ApiTokenId::new(NOW),
        bearer,
        kind,
        name: "Chrome on Linux".into(),
        digest: [byte; 32],
        created_at: NOW,
        expires_at: later(100),
        last_seen_at: None,
        registered_at: None,
    }
}
