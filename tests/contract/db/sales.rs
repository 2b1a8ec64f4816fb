use marquee::base::id::{MembershipId, PlanId, PurchaseId};
use marquee::base::money::{Currency, Money};
use marquee::ledger::purchase::{PaymentAction, PaymentActionKind, PurchaseStatus};
use marquee::rights::membership::{Membership, Plan};
use marquee::store::db::Page;
use marquee::store::db::commerce::{PurchaseClosed, SandboxAct, Settled};
use marquee::store::db::playback::Change;
use marquee::store::db::sales::{Callback, PaymentEvent, PaymentEventKind, Sale, SaleFilter, WatchedSale};

use super::Backend;
use crate::scene::{NOW, Scene, audit_line, grant_for, key, later, sale};

const ALL: Page = Page { after: None, limit: 9 };

pub async fn sales_are_found_by_everything_that_is_asked(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let (paid, _, grant) = scene.paid(&db).await;
    let grace = scene.with_viewer(&db, "Grace@example.com").await;
    let (refunded, refund) = grace.refunded(&db).await;
    let pending = grace.begun(&db).await;
    let found = async |filter: SaleFilter| -> Vec<PurchaseId> {
        let mut ids: Vec<_> = db.sales(&filter, &ALL).await.unwrap().iter().map(|sale| sale.purchase.id).collect();
        ids.sort_unstable();
        ids
    };
    let sorted = |mut ids: Vec<PurchaseId>| {
        ids.sort_unstable();
        ids
    };
    let none = SaleFilter::default;
    let hers = sorted(vec![refunded.id, pending.id]);
    assert_eq!(found(none()).await, sorted(vec![paid.id, refunded.id, pending.id]));
    for (filter, expected) in [
        (SaleFilter { status: Some(PurchaseStatus::Refunded), ..none() }, vec![refunded.id]),
        (SaleFilter { viewer_id: Some(grace.viewer.id), ..none() }, hers.clone()),
        (SaleFilter { viewer_email: Some("GRACE@example.com".into()), ..none() }, hers.clone()),
        (SaleFilter { viewer_email: Some("grace".into()), ..none() }, vec![]),
        (SaleFilter { query: Some("gRace@".into()), ..none() }, hers.clone()),
        (SaleFilter { query: Some(paid.id.to_string()), ..none() }, vec![paid.id]),
        (SaleFilter { query: Some(pending.payment_id.to_string()), ..none() }, vec![pending.id]),
        (SaleFilter { query: Some("%".into()), ..none() }, vec![]),
        (SaleFilter { title_id: Some(marquee::base::id::TitleId::new(later(7))), ..none() }, vec![]),
        (SaleFilter { from: Some(NOW), to: Some(later(1)), ..none() }, sorted(vec![paid.id, refunded.id, pending.id])),
        (SaleFilter { from: Some(later(1)), ..none() }, vec![]),
        (SaleFilter { to: Some(NOW), ..none() }, vec![]),
    ] {
        assert_eq!(found(filter.clone()).await, expected, "{filter:?}");
    }
    let whole = Sale {
        purchase: db.purchase(paid.id).await.unwrap().unwrap(),
        viewer_email: scene.viewer.email.clone(),
        given: grant.into(),
        refund: None,
    };
    let watched = |sale: Sale| WatchedSale { sale, watched_ms: 0, furthest_permille: None, is_cut_short: false };
    assert_eq!(db.sale(paid.id).await.unwrap(), Some(watched(whole.clone())));
    assert_eq!(db.sale(refunded.id).await.unwrap().unwrap().sale.refund, Some(refund));
    let (title, territory) = (scene.title.id, paid.territory);
    let page = |after: Option<PurchaseId>| Page { after: after.map(|id| id.to_string()), limit: 1 };
    assert_eq!(db.paid_sales(title, Some(territory), &page(None)).await.unwrap(), [watched(whole)]);
    assert_eq!(db.paid_sales(title, Some(territory), &page(Some(paid.id))).await.unwrap(), []);
    assert_eq!(db.paid_sales(title, Some("DE".parse().unwrap()), &page(None)).await.unwrap(), []);
    assert_eq!(db.paid_sales(title, None, &page(None)).await.unwrap(), []);
    assert_eq!(db.sale(PurchaseId::new(NOW)).await.unwrap(), None);
}

pub async fn a_purchase_leaves_a_trail(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let purchase = scene.begun(&db).await;
    let action = PaymentAction { kind: PaymentActionKind::QrCode, url: "/cashier/x".into(), expires_at: later(900) };
    db.keep_payment_action(purchase.id, &action).await.unwrap();
    assert_eq!(db.purchase(purchase.id).await.unwrap().unwrap().payment_action, Some(action.clone()));
    for at in [5, 6] {
        db.hear_callback(purchase.id, "evt", later(at)).await.unwrap();
    }
    let (entry, grant) = (sale(&purchase), grant_for(&purchase));
    db.settle_purchase(purchase.id, Some("evt"), &entry, &grant.clone().into()).await.unwrap();
    let session = scene.session(&grant);
    let session = marquee::rights::session::PlaybackSession { opened_at: later(20), ..session };
    db.insert_session(&session).await.unwrap();
    let stranger = scene.session(&grant_for(&scene.purchase()));
    db.insert_session(&marquee::rights::session::PlaybackSession { opened_at: later(21), ..stranger }).await.unwrap();

    let trail = db.trail(purchase.id).await.unwrap();
    assert_eq!(trail.callbacks, [Callback { event_id: "evt".into(), first_at: later(5), times: 2 }]);
    let paid = PaymentEvent { id: "evt".into(), kind: PaymentEventKind::Paid, recorded_at: entry.facts().at };
    assert_eq!(trail.payments, [paid]);
    assert_eq!(trail.entries.iter().map(|entry| &entry.entry).collect::<Vec<_>>(), [&entry]);
    assert_eq!(trail.sessions, [session]);
    // What the payer had to do is of no use any more, and stays as it was.
    let late = PaymentAction { url: "/elsewhere".into(), ..action.clone() };
    db.keep_payment_action(purchase.id, &late).await.unwrap();
    assert_eq!(db.purchase(purchase.id).await.unwrap().unwrap().payment_action, Some(action));
}

pub async fn a_late_payment_is_recorded_once_and_audited(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let purchase = scene.begun(&db).await;
    let record = async || db.record_late_payment(purchase.id, "evt", &audit_line("late")).await.unwrap();
    assert_eq!(record().await, Settled::AlreadyDecided, "it is not late while it is pending");
    db.close_purchase(purchase.id, None, PurchaseClosed::Expired, later(9)).await.unwrap();
    assert_eq!(record().await, Settled::Done);
    assert_eq!(record().await, Settled::AlreadyDecided);
    assert_eq!(db.audit_lines(0, 9).await.unwrap().len(), 1);
    assert_eq!(db.trail(purchase.id).await.unwrap().payments[0].kind, PaymentEventKind::Late);
    let (paid, _, _) = scene.with_viewer(&db, "grace@example.com").await.paid(&db).await;
    let of_paid = db.record_late_payment(paid.id, "other", &audit_line("late")).await.unwrap();
    assert_eq!(of_paid, Settled::AlreadyDecided);
}

pub async fn the_first_to_press_decides(backend: &impl Backend) {
    let db = backend.open().await;
    let payment = marquee::base::id::PaymentId::new(NOW);
    assert_eq!(db.sandbox_act(payment).await.unwrap(), None);
    assert_eq!(db.press_sandbox(payment, SandboxAct::Decline, NOW).await.unwrap(), SandboxAct::Decline);
    assert_eq!(db.press_sandbox(payment, SandboxAct::Pay, later(1)).await.unwrap(), SandboxAct::Decline);
    assert_eq!(db.sandbox_act(payment).await.unwrap(), Some((SandboxAct::Decline, NOW)));
}

pub async fn viewers_are_found_by_how_their_address_begins(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    scene.refunded(&db).await;
    scene.paid(&db).await;
    let grace = scene.with_viewer(&db, "Grace@example.com").await;
    let plan = Plan { id: PlanId::new(NOW), name: "Gold".into(), streams: 4 };
    db.insert_plan(&plan, None, NOW).await.unwrap();
    let membership = Membership {
        id: MembershipId::new(NOW),
        viewer_id: grace.viewer.id,
        plan_id: plan.id,
        streams: 4,
        starts_at: NOW,
        ends_at: later(1_000),
        revoked_at: None,
        purchase_id: None,
    };
    db.insert_membership(&membership, None).await.unwrap();
    let found = async |prefix: Option<&str>, at| db.audience(prefix, &ALL, later(at)).await.unwrap();
    assert_eq!(found(None, 0).await.len(), 2);
    assert_eq!(found(Some("x"), 0).await, []);
    let ada = found(Some("aDa@"), 0).await.remove(0);
    assert_eq!(ada.viewer, scene.viewer);
    assert_eq!((ada.is_member, ada.purchases, ada.sign_ins), (false, 2, 0));
    assert_eq!(ada.spent, [Money::new(1800, Currency::CNY)], "what was refunded is not spent");
    for (at, is_member) in [(0, true), (999, true), (1_000, false)] {
        assert_eq!(db.patron(grace.viewer.id, later(at)).await.unwrap().unwrap().is_member, is_member, "{at}");
        let active = db.members(Some(true), &ALL, later(at)).await.unwrap();
        let rest = db.members(Some(false), &ALL, later(at)).await.unwrap();
        assert_eq!((active.len(), rest.len()), (usize::from(is_member), usize::from(!is_member)), "{at}");
    }
    let member = db.members(None, &ALL, NOW).await.unwrap().remove(0);
    assert_eq!((member.viewer_email.as_str(), member.plan_name.as_str()), ("Grace@example.com", "Gold"));
    assert_eq!(member.membership, membership);
}

pub async fn a_membership_is_ended_early_once(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let plan = Plan { id: PlanId::new(NOW), name: "Gold".into(), streams: 4 };
    db.insert_plan(&plan, None, NOW).await.unwrap();
    let id = MembershipId::new(NOW);
    let membership = Membership {
        id,
        viewer_id: scene.viewer.id,
        plan_id: plan.id,
        streams: 4,
        starts_at: NOW,
        ends_at: later(1_000),
        revoked_at: None,
        purchase_id: None,
    };
    db.insert_membership(&membership, Some(&key("join"))).await.unwrap();
    let cursor = db.changes(None, 1).await.unwrap().cursor;
    assert!(db.end_membership(id, "asked", later(5)).await.unwrap());
    assert!(!db.end_membership(id, "asked again", later(6)).await.unwrap());
    assert_eq!(db.membership(id).await.unwrap().unwrap().revoked_at, Some(later(5)));
    assert_eq!(db.changes(Some(cursor), 9).await.unwrap().changes, [Change::Membership(id)]);
    let nobody = db.end_membership(MembershipId::new(NOW), "x", NOW).await.unwrap_err();
    assert_eq!(nobody.code(), "MEMBERSHIP_NOT_FOUND");
}
