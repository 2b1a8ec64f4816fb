use marquee::base::id::{ApiTokenId, OperatorId};
use marquee::store::db::account::{ApiToken, Bearer, Operator};

use super::Backend;
use crate::scene::{NOW, later, viewer};

pub async fn a_viewer_is_found_by_id_and_by_address_in_any_case(backend: &impl Backend) {
    let db = backend.open().await;
    let ada = viewer("Ada@Example.com");
    db.insert_viewer(&ada, "$argon2id$").await.unwrap();
    assert_eq!(db.viewer(ada.id).await.unwrap(), Some(ada.clone()));
    assert_eq!(db.credentials("aDA@example.COM").await.unwrap(), Some((ada, "$argon2id$".into())));
    assert_eq!(db.credentials("nobody@example.com").await.unwrap(), None);
    assert_eq!(db.viewer(viewer("x").id).await.unwrap(), None);
}

pub async fn an_address_has_one_account(backend: &impl Backend) {
    let db = backend.open().await;
    let ada = viewer("ada@example.com");
    db.insert_viewer(&ada, "first").await.unwrap();
    let error = db.insert_viewer(&viewer("ADA@example.com"), "second").await.unwrap_err();
    assert_eq!(error.code(), "EMAIL_TAKEN");
    assert_eq!(db.credentials("ada@example.com").await.unwrap(), Some((ada, "first".into())));
}

pub async fn operators_are_listed(backend: &impl Backend) {
    let db = backend.open().await;
    assert_eq!(db.operators().await.unwrap(), []);
    let operators =
        ["one", "two"].map(|name| Operator { id: OperatorId::new(NOW), name: name.into(), created_at: NOW });
    for operator in &operators {
        db.insert_operator(operator).await.unwrap();
    }
    let mut expected = operators.to_vec();
    expected.sort_by_key(|operator| operator.id);
    assert_eq!(db.operators().await.unwrap(), expected);
}

pub async fn a_token_is_found_by_its_digest_until_it_ends(backend: &impl Backend) {
    let db = backend.open().await;
    let ada = viewer("ada@example.com");
    db.insert_viewer(&ada, "hash").await.unwrap();
    let operator = Operator { id: OperatorId::new(NOW), name: "one".into(), created_at: NOW };
    db.insert_operator(&operator).await.unwrap();
    let token = |bearer, byte| ApiToken {
        id: ApiTokenId::new(NOW),
        bearer,
        digest: [byte; 32],
        created_at: NOW,
        expires_at: later(100),
    };
    let (hers, his) = (token(Bearer::Viewer(ada.id), 1), token(Bearer::Operator(operator.id), 255));
    db.insert_api_token(&hers).await.unwrap();
    db.insert_api_token(&his).await.unwrap();
    assert_eq!(db.api_token(&[1; 32], later(99)).await.unwrap(), Some(hers.clone()));
    assert_eq!(db.api_token(&[255; 32], NOW).await.unwrap(), Some(his.clone()));
    assert_eq!(db.api_token(&[1; 32], later(100)).await.unwrap(), None, "expired");
    assert_eq!(db.api_token(&[2; 32], NOW).await.unwrap(), None, "unknown");
    db.revoke_api_token(hers.id, NOW).await.unwrap();
    assert_eq!(db.api_token(&[1; 32], NOW).await.unwrap(), None, "revoked");
    assert_eq!(db.api_token(&[255; 32], NOW).await.unwrap(), Some(his));
}
