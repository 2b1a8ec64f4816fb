use marquee::base::error::ErrorKind;
use marquee::base::id::{MembershipId, PlanId, PurchaseId};
use marquee::ledger::chain::{self, GENESIS};
use marquee::ledger::purchase::{ClosedBecause, Purchase, PurchaseStatus};
use marquee::ledger::rules;
use marquee::rights::grant::Grant;
use marquee::rights::membership::{Membership, Plan};
use marquee::store::check;
use marquee::store::db::commerce::{Begun, PurchaseClosed, Settled};
use marquee::store::db::playback::Change;
use marquee::store::db::sales::SaleFilter;
use marquee::store::db::{Page, Written};

use super::Backend;
use crate::scene::{NOW, Scene, audit_line, grant_for, key, later, other_body, refund_of, sale};

pub async fn a_purchase_is_recorded_once_by_its_key(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let (purchase, key) = (scene.purchase(), key("once"));
    assert_eq!(db.begin_purchase(&purchase, 0, &key).await.unwrap(), Written::New(Begun::Recorded));
    assert_eq!(db.purchase(purchase.id).await.unwrap(), Some(purchase.clone()));
    assert_eq!(db.purchase_by_payment(purchase.payment_id).await.unwrap(), Some(purchase.clone()));
    assert_eq!(db.pending_purchases(10).await.unwrap(), std::slice::from_ref(&purchase));
    let again = scene.purchase();
    let replay = Written::Replay { id: purchase.id.to_string() };
    assert_eq!(db.begin_purchase(&again, 0, &key).await.unwrap(), replay);
    assert_eq!(db.begin_purchase(&again, 0, &other_body(&key)).await.unwrap(), Written::KeyReused);
    assert_eq!(db.purchase(again.id).await.unwrap(), None);
}

pub async fn a_purchase_is_not_begun_beside_another_or_on_other_rights(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let first = scene.begun(&db).await;
    let (other, fresh) = (scene.purchase(), key("fresh"));
    let beside = db.begin_purchase(&other, 0, &fresh).await.unwrap();
    assert_eq!(beside, Written::New(Begun::OtherPending(first.id)));
    db.settle_purchase(first.id, None, &sale(&first), &grant_for(&first).into()).await.unwrap();
    assert_eq!(db.begin_purchase(&other, 0, &fresh).await.unwrap(), Written::New(Begun::RightsChanged));
    assert_eq!(db.purchase(other.id).await.unwrap(), None);
    // What did not begin has not used up its key.
    assert_eq!(db.begin_purchase(&other, 1, &fresh).await.unwrap(), Written::New(Begun::Recorded));
    let somebody_else = scene.with_viewer(&db, "grace@example.com").await;
    somebody_else.begun(&db).await;
}

pub async fn a_settled_purchase_has_its_entry_and_its_grant(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let (purchase, entry, grant) = scene.paid(&db).await;
    let paid = Purchase { status: PurchaseStatus::Paid, decided_at: Some(entry.facts().at), ..purchase.clone() };
    assert_eq!(db.purchase(purchase.id).await.unwrap(), Some(paid));
    assert_eq!(db.pending_purchases(10).await.unwrap(), []);
    assert_eq!(db.entry_of_purchase(purchase.id).await.unwrap(), Some(entry.clone()));
    assert_eq!(db.grant(grant.id).await.unwrap(), Some(grant.clone()));
    assert_eq!(db.given(purchase.id).await.unwrap().grants.pop(), Some(grant.clone()));
    assert_eq!(db.grants(scene.viewer.id, Some(scene.title.id)).await.unwrap(), std::slice::from_ref(&grant));
    assert_eq!(db.grants(scene.viewer.id, None).await.unwrap(), [grant]);
    let chained = db.entries(0, 10).await.unwrap();
    assert_eq!(chained.len(), 1);
    assert_eq!((chained[0].position, &chained[0].entry), (1, &entry));
    assert_eq!(chained[0].hash, chain::link(GENESIS, &entry).unwrap());
    assert!(check::check(&*db).await.unwrap().is_sound());
}

pub async fn a_purchase_is_settled_once(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let (purchase, _, grant) = scene.paid(&db).await;
    let again = db.settle_purchase(purchase.id, None, &sale(&purchase), &grant_for(&purchase).into()).await.unwrap();
    assert_eq!(again, Settled::AlreadyDecided);
    let late = db.close_purchase(purchase.id, None, PurchaseClosed::Expired, NOW).await.unwrap();
    assert_eq!(late, Settled::AlreadyDecided);
    assert_eq!(db.entries(0, 10).await.unwrap().len(), 1);
    assert_eq!(db.grants(scene.viewer.id, None).await.unwrap(), [grant]);
    let nobody = PurchaseId::new(NOW);
    assert_eq!(db.purchase(nobody).await.unwrap(), None);
    let error = db.close_purchase(nobody, None, PurchaseClosed::Expired, NOW).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

pub async fn an_event_counts_once(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let first = scene.begun(&db).await;
    let settle = |purchase: &Purchase| {
        let (db, purchase) = (db.clone(), purchase.clone());
        async move {
            let (entry, grant) = (sale(&purchase), grant_for(&purchase));
            db.settle_purchase(purchase.id, Some("evt_1"), &entry, &grant.clone().into()).await.unwrap()
        }
    };
    assert_eq!(settle(&first).await, Settled::Done);
    assert_eq!(settle(&first).await, Settled::AlreadyDecided);
    // The same event for another purchase is nonsense, and changes nothing.
    let second = scene.with_viewer(&db, "grace@example.com").await.begun(&db).await;
    assert_eq!(settle(&second).await, Settled::AlreadyDecided);
    assert_eq!(db.purchase(second.id).await.unwrap(), Some(second.clone()));
    assert_eq!(db.given(second.id).await.unwrap().grants.pop(), None);
    let closed = db.close_purchase(second.id, Some("evt_2"), PurchaseClosed::Declined, later(5)).await.unwrap();
    assert_eq!(closed, Settled::Done);
    assert_eq!(db.entries(0, 10).await.unwrap().len(), 1);
}

pub async fn a_purchase_ends_without_money(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let not_kept = |why| (PurchaseClosed::NotKept(why), PurchaseStatus::Expired, Some(why));
    for (closed, status, closed_because) in [
        (PurchaseClosed::Declined, PurchaseStatus::Declined, None),
        (PurchaseClosed::Expired, PurchaseStatus::Expired, None),
        not_kept(ClosedBecause::MembersHaveIt),
        not_kept(ClosedBecause::MemberPriceChanged),
        not_kept(ClosedBecause::MembershipEnded),
    ] {
        let purchase = scene.begun(&db).await;
        assert_eq!(db.close_purchase(purchase.id, None, closed, later(5)).await.unwrap(), Settled::Done);
        let ended = Purchase { status, closed_because, decided_at: Some(later(5)), ..purchase.clone() };
        assert_eq!(db.purchase(purchase.id).await.unwrap(), Some(ended.clone()));
        // What was paid and not kept is looked after until it has gone back.
        let expected = if closed_because.is_some() { vec![ended] } else { vec![] };
        assert_eq!(db.unreturned_purchases(None, 9).await.unwrap(), expected);
        assert_eq!(db.unreturned_purchases(Some(purchase.id), 9).await.unwrap(), []);
        if closed_because.is_some() {
            let line = audit_line("payment.late_refund");
            db.record_late_payment(purchase.id, &format!("evt_{}", purchase.id), &line).await.unwrap();
            assert_eq!(db.unreturned_purchases(None, 9).await.unwrap(), []);
        }
        let late = db.settle_purchase(purchase.id, None, &sale(&purchase), &grant_for(&purchase).into()).await.unwrap();
        assert_eq!(late, Settled::AlreadyDecided, "a late payment does not resurrect it");
    }
    assert_eq!(db.entries(0, 10).await.unwrap(), []);
    assert_eq!(db.grants(scene.viewer.id, None).await.unwrap(), []);
    assert!(check::check(&*db).await.unwrap().is_sound());
}

pub async fn a_refund_takes_everything_back_once(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let (purchase, entry, grant) = scene.paid(&db).await;
    let (refund, key) = (refund_of(&purchase), key("refund"));
    let reversal = rules::reversal(&entry, refund.created_at).unwrap();
    let cursor = db.changes(None, 1).await.unwrap().cursor;
    let done = db.record_refund(&refund, &reversal, &key).await.unwrap();
    assert_eq!(done, Written::New(Settled::Done));
    assert_eq!(db.purchase(purchase.id).await.unwrap().unwrap().status, PurchaseStatus::Refunded);
    assert_eq!(db.refund_of(purchase.id).await.unwrap(), Some(refund.clone()));
    let revoked = Grant { revoked_at: Some(refund.created_at), ..grant.clone() };
    assert_eq!(db.grant(grant.id).await.unwrap(), Some(revoked));
    assert_eq!(db.changes(Some(cursor), 10).await.unwrap().changes, [Change::Grant(grant.id)]);
    let chained = db.entries(1, 10).await.unwrap();
    assert_eq!((chained[0].position, &chained[0].entry), (2, &reversal));
    assert_eq!(chained[0].hash, chain::link(chain::link(GENESIS, &entry).unwrap(), &reversal).unwrap());
    assert_eq!(db.entry_of_purchase(purchase.id).await.unwrap(), Some(entry), "the sale is still the sale");

    let replay = Written::Replay { id: refund.id.to_string() };
    assert_eq!(db.record_refund(&refund, &reversal, &key).await.unwrap(), replay);
    assert_eq!(db.record_refund(&refund, &reversal, &other_body(&key)).await.unwrap(), Written::KeyReused);
    let twice = db.record_refund(&refund_of(&purchase), &reversal, &crate::scene::key("again")).await.unwrap();
    assert_eq!(twice, Written::New(Settled::AlreadyDecided));
    assert_eq!(db.entries(0, 10).await.unwrap().len(), 2);
    let report = check::check(&*db).await.unwrap();
    assert_eq!((report.entries, report.purchases, report.grants, report.findings), (2, 1, 1, vec![]));
}

pub async fn a_grant_is_revoked_once(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let (_, _, grant) = scene.paid(&db).await;
    let cursor = db.changes(None, 1).await.unwrap().cursor;
    assert!(db.revoke_grant(grant.id, "fraud", later(30)).await.unwrap());
    assert!(!db.revoke_grant(grant.id, "fraud again", later(40)).await.unwrap());
    assert_eq!(db.grant(grant.id).await.unwrap().unwrap().revoked_at, Some(later(30)));
    assert_eq!(db.changes(Some(cursor), 10).await.unwrap().changes, [Change::Grant(grant.id)]);
    let nobody = grant_for(&scene.purchase()).id;
    assert_eq!(db.revoke_grant(nobody, "x", NOW).await.unwrap_err().kind(), ErrorKind::NotFound);
}

pub async fn what_belongs_to_another_purchase_is_refused_whole(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let purchase = scene.begun(&db).await;
    let stranger = scene.purchase();
    db.settle_purchase(purchase.id, None, &sale(&stranger), &grant_for(&purchase).into()).await.unwrap_err();
    db.settle_purchase(purchase.id, None, &sale(&purchase), &grant_for(&stranger).into()).await.unwrap_err();
    // A grant whose offer does not exist fails last of all; nothing before it stays.
    let wrong = Grant { offer_id: marquee::base::id::OfferId::new(later(9)), ..grant_for(&purchase) };
    db.settle_purchase(purchase.id, Some("evt"), &sale(&purchase), &wrong.clone().into()).await.unwrap_err();
    assert_eq!(db.purchase(purchase.id).await.unwrap(), Some(purchase.clone()));
    assert_eq!(db.entries(0, 10).await.unwrap(), []);
    let done =
        db.settle_purchase(purchase.id, Some("evt"), &sale(&purchase), &grant_for(&purchase).into()).await.unwrap();
    assert_eq!(done, Settled::Done);
}

pub async fn lists_are_paged_newest_first(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let mut purchases = Vec::new();
    for ms in 0..5 {
        let purchase = Purchase { id: PurchaseId::new(later(ms)), ..scene.purchase() };
        db.begin_purchase(&purchase, 0, &key(&ms.to_string())).await.unwrap();
        db.close_purchase(purchase.id, None, PurchaseClosed::Declined, NOW).await.unwrap();
        purchases.insert(0, db.purchase(purchase.id).await.unwrap().unwrap());
    }
    let hers = scene.with_viewer(&db, "grace@example.com").await.begun(&db).await;
    let page = |after: Option<&Purchase>, limit| Page { after: after.map(|purchase| purchase.id.to_string()), limit };
    let his = Some(scene.viewer.id);
    let list = async |viewer_id, page: Page| -> Vec<Purchase> {
        let filter = SaleFilter { viewer_id, ..SaleFilter::default() };
        db.sales(&filter, &page).await.unwrap().into_iter().map(|sale| sale.purchase).collect()
    };
    assert_eq!(list(his, page(None, 2)).await, purchases[..2]);
    assert_eq!(list(his, page(Some(&purchases[1]), 9)).await, purchases[2..]);
    let all = list(None, page(None, 9)).await;
    assert_eq!(all.len(), 6);
    assert!(all.contains(&hers) && all.is_sorted_by(|newer, older| newer.id > older.id));
}

pub async fn plans_and_memberships_are_kept(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let plan = Plan { id: PlanId::new(NOW), name: "Gold".into(), streams: 4 };
    assert_eq!(db.insert_plan(&plan, Some(&key("plan")), NOW).await.unwrap(), Written::New(()));
    let replay = Written::Replay { id: plan.id.to_string() };
    assert_eq!(db.insert_plan(&plan, Some(&key("plan")), NOW).await.unwrap(), replay);
    assert_eq!(db.plan(plan.id).await.unwrap(), Some(plan.clone()));
    assert_eq!(db.plans().await.unwrap(), std::slice::from_ref(&plan));
    let membership = Membership {
        id: MembershipId::new(NOW),
        viewer_id: scene.viewer.id,
        plan_id: plan.id,
        streams: 4,
        starts_at: NOW,
        ends_at: later(1000),
        revoked_at: None,
        purchase_id: None,
    };
    assert_eq!(db.insert_membership(&membership, Some(&key("join"))).await.unwrap(), Written::New(()));
    let replay = Written::Replay { id: membership.id.to_string() };
    assert_eq!(db.insert_membership(&membership, Some(&key("join"))).await.unwrap(), replay);
    assert_eq!(db.membership(membership.id).await.unwrap(), Some(membership.clone()));
    assert_eq!(db.memberships(scene.viewer.id, false).await.unwrap(), [membership]);
}

pub async fn keys_are_forgotten(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let (purchase, key) = (scene.purchase(), key("once"));
    db.begin_purchase(&purchase, 0, &key).await.unwrap();
    db.forget_idempotency_keys(NOW).await.unwrap();
    let replay = Written::Replay { id: purchase.id.to_string() };
    assert_eq!(db.begin_purchase(&purchase, 0, &key).await.unwrap(), replay);
    db.forget_idempotency_keys(later(1)).await.unwrap();
    let anew = db.begin_purchase(&scene.purchase(), 0, &key).await.unwrap();
    assert_eq!(anew, Written::New(Begun::OtherPending(purchase.id)));
}

pub async fn everything_is_there_after_it_was_opened_again(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let (refunded, refund) = scene.refunded(&db).await;
    let (paid, _, grant) = scene.paid(&db).await;
    db.append_audit(&crate::scene::audit_line("act")).await.unwrap();
    db.start_clock(grant.id, later(50)).await.unwrap();
    let before = (db.entries(0, 10).await.unwrap(), db.audit_lines(0, 10).await.unwrap());
    db.close().await;
    for error in [db.ping().await.unwrap_err(), db.start_clock(grant.id, NOW).await.unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
    let db = backend.open().await;
    assert_eq!((db.entries(0, 10).await.unwrap(), db.audit_lines(0, 10).await.unwrap()), before);
    assert_eq!(db.refund_of(refunded.id).await.unwrap(), Some(refund));
    assert_eq!(db.given(paid.id).await.unwrap().grants.pop().unwrap().first_play_at, Some(later(50)));
    assert_eq!(db.title(scene.title.id).await.unwrap(), Some(scene.title));
    assert!(check::check(&*db).await.unwrap().is_sound());
    db.ping().await.unwrap();
}
