use std::sync::Arc;

use marquee::base::id::{OperatorId, PartyId};
use marquee::store::db::account::{Bearer, TokenKind};
use marquee::store::db::operator::{Edited, Operator, OperatorEdit, OperatorLink, Role, Welcome};
use marquee::store::db::{Db, Page};

use super::Backend;
use super::account::token;
use super::deal::party;
use crate::scene::{NOW, audit_line, later};

const ALL: Page = Page { after: None, limit: 100 };

pub fn operator(email: Option<&str>, role: Role) -> Operator {
    Operator {
        id: OperatorId::new(NOW),
        email: email.map(str::to_owned),
        name: "Olga".into(),
        role,
        has_password: false,
        created_at: NOW,
        last_seen_at: None,
        disabled_at: None,
    }
}

fn link(byte: u8, operator_id: Option<OperatorId>) -> OperatorLink {
    OperatorLink {
        digest: [byte; 32],
        operator_id,
        created_at: NOW,
        expires_at: later(100),
        used_at: None,
        voided_at: None,
    }
}

fn welcome(email: &str) -> Welcome {
    Welcome {
        id: OperatorId::new(NOW),
        email: email.into(),
        name: "Olga Owner".into(),
        password_hash: format!("hash of {email}"),
    }
}

/// Somebody who came in by a link that makes an owner.
async fn owner(db: &Arc<dyn Db>, email: &str, byte: u8) -> Operator {
    db.insert_link(&link(byte, None), &audit_line("operator.link")).await.unwrap();
    let line = audit_line("operator.welcome");
    db.accept_link(&[byte; 32], &welcome(email), NOW, &line).await.unwrap().unwrap()
}

/// `(action, actor, subject)` of every line.
async fn noted(db: &Arc<dyn Db>) -> Vec<(String, String, String)> {
    let lines = db.audit_lines(0, 100).await.unwrap();
    lines.into_iter().map(|chained| (chained.line.action, chained.line.actor, chained.line.subject)).collect()
}

pub async fn operators_are_listed_and_found_by_address_in_any_case(backend: &impl Backend) {
    let db = backend.open().await;
    assert_eq!(db.operators().await.unwrap(), []);
    let own = operator(None, Role::Owner);
    let olga = operator(Some("Olga@Example.com"), Role::ReadOnly);
    for one in [&own, &olga] {
        db.insert_operator(one, &audit_line("operator.create")).await.unwrap();
    }
    let mut expected = vec![own, olga.clone()];
    expected.sort_by_key(|operator| operator.id);
    assert_eq!(db.operators().await.unwrap(), expected);
    assert_eq!(db.operator(olga.id).await.unwrap(), Some(olga.clone()));
    assert_eq!(db.operator_credentials("oLGA@example.COM").await.unwrap(), Some((olga.clone(), None)));
    assert_eq!(db.operator_credentials("").await.unwrap(), None);

    let again = operator(Some("OLGA@example.com"), Role::Owner);
    let taken = db.insert_operator(&again, &audit_line("operator.taken")).await.unwrap_err();
    assert_eq!(taken.code(), "EMAIL_TAKEN");
    db.insert_operator(&operator(None, Role::Owner), &audit_line("operator.create")).await.unwrap();

    assert!(db.rename_operator(olga.id, "Olga II", &audit_line("operator.rename")).await.unwrap());
    assert!(!db.rename_operator(OperatorId::new(NOW), "x", &audit_line("operator.unknown")).await.unwrap());
    assert_eq!(db.operator(olga.id).await.unwrap().unwrap().name, "Olga II");
    let actions: Vec<_> = noted(&db).await.into_iter().map(|(action, ..)| action).collect();
    assert_eq!(
        actions,
        ["operator.create", "operator.create", "operator.create", "operator.rename"],
        "refusals leave none"
    );
}

pub async fn a_link_lets_in_once_and_in_time(backend: &impl Backend) {
    let db = backend.open().await;
    let olga = operator(Some("olga@example.com"), Role::Finance);
    db.insert_operator(&olga, &audit_line("operator.create")).await.unwrap();
    let invitation = link(1, Some(olga.id));
    db.insert_link(&invitation, &audit_line("operator.link")).await.unwrap();
    assert_eq!(db.link(&[1; 32]).await.unwrap(), Some(invitation.clone()));
    assert_eq!(db.link(&[2; 32]).await.unwrap(), None);

    let line = audit_line("operator.welcome");
    let olgas = welcome("olga@example.com");
    assert_eq!(db.accept_link(&[2; 32], &olgas, NOW, &line).await.unwrap(), None, "unknown");
    assert_eq!(db.accept_link(&[1; 32], &olgas, later(100), &line).await.unwrap(), None, "too late");
    assert_eq!(db.operator_credentials("olga@example.com").await.unwrap().unwrap().1, None);
    let inside = Operator { name: "Olga Owner".into(), has_password: true, ..olga.clone() };
    assert_eq!(db.accept_link(&[1; 32], &olgas, later(99), &line).await.unwrap(), Some(inside.clone()));
    assert_eq!(db.accept_link(&[1; 32], &olgas, later(99), &line).await.unwrap(), None, "used");
    let credentials = db.operator_credentials("olga@example.com").await.unwrap();
    assert_eq!(credentials, Some((inside, Some("hash of olga@example.com".into()))));
    assert_eq!(db.link(&[1; 32]).await.unwrap(), Some(OperatorLink { used_at: Some(later(99)), ..invitation }));
    let own = olga.id.to_string();
    assert_eq!(noted(&db).await.last(), Some(&("operator.welcome".into(), own.clone(), own)));
    assert!(!db.owner_exists().await.unwrap());
}

pub async fn an_owner_is_made_by_link_and_made_again_by_another(backend: &impl Backend) {
    let db = backend.open().await;
    db.insert_operator(&operator(None, Role::Owner), &audit_line("operator.create")).await.unwrap();
    assert!(!db.owner_exists().await.unwrap(), "nobody signs in as the server");
    let olga = owner(&db, "olga@example.com", 1).await;
    assert_eq!((olga.role, olga.email.as_deref(), olga.has_password), (Role::Owner, Some("olga@example.com"), true));
    assert!(db.owner_exists().await.unwrap());

    let other = owner(&db, "other@example.com", 2).await;
    let edit = OperatorEdit { role: Some(Role::ReadOnly), disabled: Some(true) };
    db.edit_operator(olga.id, edit, NOW, &audit_line("operator.edit")).await.unwrap();
    let again = owner(&db, "OLGA@example.com", 3).await;
    assert_eq!(again, olga, "the same operator, an owner who may come in");
    assert_ne!(again.id, other.id);
    assert_eq!(db.operators().await.unwrap().len(), 3);
}

pub async fn a_new_link_voids_the_one_before_of_its_purpose(backend: &impl Backend) {
    let db = backend.open().await;
    let (olga, oscar) = (operator(Some("olga@e.com"), Role::Operator), operator(Some("oscar@e.com"), Role::Operator));
    for one in [&olga, &oscar] {
        db.insert_operator(one, &audit_line("operator.create")).await.unwrap();
    }
    for (byte, whose) in [(1, None), (2, Some(olga.id)), (3, Some(oscar.id)), (4, None), (5, Some(olga.id))] {
        db.insert_link(&link(byte, whose), &audit_line("operator.link")).await.unwrap();
    }
    let mut voided = Vec::new();
    for byte in 1..=5 {
        voided.push(db.link(&[byte; 32]).await.unwrap().unwrap().voided_at.is_some());
    }
    assert_eq!(voided, [true, true, false, false, false]);
    let line = audit_line("operator.welcome");
    assert_eq!(db.accept_link(&[1; 32], &welcome("x@e.com"), NOW, &line).await.unwrap(), None);
    assert_eq!(db.accept_link(&[2; 32], &welcome("olga@e.com"), NOW, &line).await.unwrap(), None);
    assert!(db.accept_link(&[5; 32], &welcome("olga@e.com"), NOW, &line).await.unwrap().is_some());
}

pub async fn one_link_lets_one_in_of_many(backend: &impl Backend) {
    let db = backend.open().await;
    db.insert_link(&link(1, None), &audit_line("operator.link")).await.unwrap();
    let attempts = (0..16).map(|place| {
        let db = db.clone();
        tokio::spawn(async move {
            let line = audit_line("operator.welcome");
            db.accept_link(&[1; 32], &welcome(&format!("{place}@example.com")), NOW, &line).await.unwrap()
        })
    });
    let came_in = futures_util::future::join_all(attempts).await;
    assert_eq!(came_in.into_iter().filter(|attempt| attempt.as_ref().unwrap().is_some()).count(), 1);
    assert_eq!(db.operators().await.unwrap().len(), 1);
    assert_eq!(noted(&db).await.len(), 2);
}

pub async fn the_last_owner_stays(backend: &impl Backend) {
    let db = backend.open().await;
    let own = operator(None, Role::Owner);
    let invited = operator(Some("invited@example.com"), Role::Owner);
    for one in [&own, &invited] {
        db.insert_operator(one, &audit_line("operator.create")).await.unwrap();
    }
    let olga = owner(&db, "olga@example.com", 1).await;
    let edit = |id, role, disabled| {
        let db = db.clone();
        async move {
            db.edit_operator(id, OperatorEdit { role, disabled }, NOW, &audit_line("operator.edit")).await.unwrap()
        }
    };
    assert_eq!(edit(olga.id, Some(Role::Operator), None).await, Edited::LastOwner, "an invitation is no owner");
    assert_eq!(edit(olga.id, None, Some(true)).await, Edited::LastOwner);
    assert_eq!(edit(own.id, None, Some(true)).await, Edited::Unknown);
    assert_eq!(edit(OperatorId::new(NOW), None, Some(true)).await, Edited::Unknown);
    assert_eq!(db.operator(olga.id).await.unwrap(), Some(olga.clone()));

    let other = owner(&db, "other@example.com", 2).await;
    let demoted = Operator { role: Role::Operator, ..olga.clone() };
    assert_eq!(edit(olga.id, Some(Role::Operator), None).await, Edited::Done(demoted.clone()));
    assert_eq!(db.operator(olga.id).await.unwrap(), Some(demoted));
    assert_eq!(edit(other.id, None, Some(true)).await, Edited::LastOwner);
    let edits = noted(&db).await.into_iter().filter(|(action, ..)| action == "operator.edit").count();
    assert_eq!(edits, 1, "what is refused is not noted as done");
}

pub async fn disabling_ends_everything_of_an_operator(backend: &impl Backend) {
    let db = backend.open().await;
    let olga = owner(&db, "olga@example.com", 1).await;
    let oscar = operator(Some("oscar@example.com"), Role::Operator);
    db.insert_operator(&oscar, &audit_line("operator.create")).await.unwrap();
    db.insert_link(&link(2, Some(oscar.id)), &audit_line("operator.link")).await.unwrap();
    let kinds = [
        (oscar.id, TokenKind::SignIn, 10),
        (oscar.id, TokenKind::Program(Role::Operator), 11),
        (olga.id, TokenKind::SignIn, 12),
    ];
    for (id, kind, byte) in kinds {
        let token = token(Bearer::Operator(id), kind, byte);
        db.insert_operator_token(&token, &audit_line("token.create")).await.unwrap();
    }
    let edit = |disabled| OperatorEdit { role: None, disabled: Some(disabled) };
    let line = || audit_line("operator.edit");
    let disabled = Operator { disabled_at: Some(later(5)), ..oscar.clone() };
    assert_eq!(db.edit_operator(oscar.id, edit(true), later(5), &line()).await.unwrap(), Edited::Done(disabled));
    for (byte, is_valid) in [(10, false), (11, false), (12, true)] {
        assert_eq!(db.api_token(&[byte; 32], later(5)).await.unwrap().is_some(), is_valid, "{byte}");
    }
    assert_eq!(db.accept_link(&[2; 32], &welcome("oscar@example.com"), later(6), &line()).await.unwrap(), None);
    assert_eq!(db.edit_operator(oscar.id, edit(false), later(7), &line()).await.unwrap(), Edited::Done(oscar));
    assert_eq!(db.api_token(&[11; 32], later(7)).await.unwrap(), None, "what has ended stays ended");
}

pub async fn a_new_password_ends_the_other_sign_ins(backend: &impl Backend) {
    let db = backend.open().await;
    let olga = owner(&db, "olga@example.com", 1).await;
    db.insert_link(&link(2, Some(olga.id)), &audit_line("operator.link")).await.unwrap();
    let bearer = Bearer::Operator(olga.id);
    let kept = token(bearer, TokenKind::SignIn, 10);
    for token in
        [kept.clone(), token(bearer, TokenKind::SignIn, 11), token(bearer, TokenKind::Program(Role::Owner), 12)]
    {
        db.insert_operator_token(&token, &audit_line("token.create")).await.unwrap();
    }
    let line = audit_line("operator.password");
    db.set_operator_password(olga.id, "new", kept.id, NOW, &line).await.unwrap();
    assert_eq!(db.operator_credentials("olga@example.com").await.unwrap().unwrap().1, Some("new".into()));
    for (byte, is_valid) in [(10, true), (11, false), (12, true)] {
        assert_eq!(db.api_token(&[byte; 32], NOW).await.unwrap().is_some(), is_valid, "{byte}");
    }
    assert!(db.link(&[2; 32]).await.unwrap().unwrap().voided_at.is_some());
    db.note_seen(kept.id, later(3)).await.unwrap();
    assert_eq!(db.operator(olga.id).await.unwrap().unwrap().last_seen_at, Some(later(3)));
}

pub async fn a_person_of_a_party_is_told_from_the_house(backend: &impl Backend) {
    let db = backend.open().await;
    let party = party(1, None);
    db.insert_party(&party, None).await.unwrap();
    let hao = operator(Some("hao@example.com"), Role::Party(party.id));
    db.insert_operator(&hao, &audit_line("operator.create")).await.unwrap();
    assert_eq!(db.operator(hao.id).await.unwrap(), Some(hao.clone()));
    let stranger = operator(Some("eve@example.com"), Role::Party(PartyId::new(NOW)));
    assert!(db.insert_operator(&stranger, &audit_line("operator.create")).await.is_err(), "of no party that is there");
    // A token of the house's that they had before is a party's now.
    let bearer = Bearer::Operator(hao.id);
    for token in [token(bearer, TokenKind::SignIn, 1), token(bearer, TokenKind::Program(Role::Owner), 2)] {
        db.insert_operator_token(&token, &audit_line("token.create")).await.unwrap();
        let valid = db.api_token(&token.digest, NOW).await.unwrap().unwrap();
        assert_eq!(valid.operator_role, Some(Role::Party(party.id)));
        assert!(!db.is_api_token_valid(token.id, NOW).await.unwrap(), "a feed of the house ends");
    }
    let edit = async |role| {
        let edit = OperatorEdit { role: Some(role), disabled: None };
        db.edit_operator(hao.id, edit, NOW, &audit_line("operator.edit")).await.unwrap();
        db.operator(hao.id).await.unwrap().unwrap().role
    };
    assert_eq!(edit(Role::ReadOnly).await, Role::ReadOnly);
    for digest in [[1; 32], [2; 32]] {
        assert_eq!(db.api_token(&digest, NOW).await.unwrap(), None, "nobody takes a key along");
    }
    assert_eq!(edit(Role::Party(party.id)).await, Role::Party(party.id));
    // The link that makes an owner makes one of them too: who starts the server gives it.
    assert_eq!(owner(&db, "hao@example.com", 3).await.role, Role::Owner);
}

pub async fn tokens_for_programs_are_listed_and_ended(backend: &impl Backend) {
    let db = backend.open().await;
    let own = operator(None, Role::Owner);
    db.insert_operator(&own, &audit_line("operator.create")).await.unwrap();
    let bearer = Bearer::Operator(own.id);
    let sign_in = token(bearer, TokenKind::SignIn, 1);
    let mut programs =
        vec![token(bearer, TokenKind::Program(Role::Finance), 2), token(bearer, TokenKind::Program(Role::Owner), 3)];
    for token in programs.iter().chain([&sign_in]) {
        db.insert_operator_token(token, &audit_line("token.create")).await.unwrap();
    }
    programs.sort_by_key(|token| std::cmp::Reverse(token.id));
    assert_eq!(db.operator_tokens(NOW, &ALL).await.unwrap(), programs);
    assert_eq!(db.operator_tokens(later(100), &ALL).await.unwrap(), [], "expired");
    let line = audit_line("token.revoke");
    assert!(!db.revoke_operator_token(sign_in.id, NOW, &line).await.unwrap(), "a sign-in is not a program's");
    assert!(!db.revoke_operator_token(programs[0].id, later(100), &line).await.unwrap());
    assert!(db.revoke_operator_token(programs[0].id, NOW, &line).await.unwrap());
    assert!(!db.revoke_operator_token(programs[0].id, NOW, &line).await.unwrap());
    assert_eq!(db.operator_tokens(NOW, &ALL).await.unwrap(), programs[1..]);
    let revoked = noted(&db).await.into_iter().filter(|(action, ..)| action == "token.revoke").count();
    assert_eq!(revoked, 1);
}
