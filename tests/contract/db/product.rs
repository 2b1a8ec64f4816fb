use std::collections::BTreeMap;
use std::sync::Arc;

use marquee::base::id::{
    CoinLotId, CouponId, GrantId, MembershipId, OfferId, PaymentId, PlanId, ProductId, PurchaseId,
};
use marquee::base::money::{Currency, Money};
use marquee::ledger::coupon::{Coupon, CouponUses, FundedBy, Off};
use marquee::ledger::entry::LedgerAccount;
use marquee::ledger::purchase::{Discount, Good, Line, Purchase};
use marquee::ledger::rules;
use marquee::ledger::wallet::{CoinKind, CoinLot};
use marquee::rights::grant::GrantCause;
use marquee::rights::membership::{Membership, Plan};
use marquee::rights::product::{Gives, Product};
use marquee::store::check;
use marquee::store::db::commerce::{Begun, Given, PurchaseClosed, Settled};
use marquee::store::db::playback::Change;
use marquee::store::db::{Db, Written};

use super::Backend;
use crate::scene::{NOW, Scene, avail, grant_for, key, later, offer, other_body, refund_of, title};

const DAY_MS: i64 = 86_400_000;

pub async fn products_and_coupons_are_made_and_ended_once(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let [week, coins, bundle] = products(&db, &scene).await;
    let again = db.insert_product(&week, Some(&key("week"))).await.unwrap();
    assert_eq!(again, Written::Replay { id: week.id.to_string() });
    assert_eq!(db.insert_product(&week, Some(&other_body(&key("week")))).await.unwrap(), Written::KeyReused);
    assert_eq!(db.products().await.unwrap(), [week.clone(), coins.clone(), bundle.clone()]);
    let nothing = Gives::Bundle { offer_ids: vec![scene.offer.id, OfferId::new(NOW)] };
    let nothing = Product { id: ProductId::new(later(9)), gives: nothing, ..bundle.clone() };
    assert_eq!(db.insert_product(&nothing, None).await.unwrap_err().code(), "OFFER_NOT_FOUND");
    assert_eq!(db.products().await.unwrap().len(), 3, "nothing of it is there");

    let cursor = db.changes(None, 0).await.unwrap().cursor;
    assert!(db.withdraw_product(week.id, later(5)).await.unwrap());
    assert!(!db.withdraw_product(week.id, later(6)).await.unwrap());
    assert_eq!(db.withdraw_product(ProductId::new(NOW), NOW).await.unwrap_err().code(), "PRODUCT_NOT_FOUND");
    assert_eq!(db.products().await.unwrap()[0].withdrawn_at, Some(later(5)));
    assert_eq!(db.changes(Some(cursor), 9).await.unwrap().changes, [Change::Catalog]);
    // The window of an offer that is in a bundle stays.
    assert_eq!(db.delete_avail(scene.avail.id, later(-10 * DAY_MS)).await.unwrap_err().code(), "AVAIL_IN_USE");

    let half = coupon("HALF", Off::Percent(50));
    assert_eq!(db.insert_coupon(&half, Some(&key("half"))).await.unwrap(), Written::New(()));
    assert_eq!(db.insert_coupon(&half, Some(&key("half"))).await.unwrap(), Written::Replay { id: half.id.to_string() });
    let twin = Coupon { id: CouponId::new(later(1)), ..half.clone() };
    assert_eq!(db.insert_coupon(&twin, None).await.unwrap_err().code(), "COUPON_CODE_TAKEN");
    assert_eq!(db.coupon_by_code("HALF").await.unwrap(), Some(half.clone()));
    assert_eq!(db.coupon_by_code("half").await.unwrap(), None, "codes are folded before they are asked for");
    assert_eq!(db.coupon(half.id).await.unwrap(), Some(half.clone()));
    assert!(db.void_coupon(half.id, later(7)).await.unwrap());
    assert!(!db.void_coupon(half.id, later(8)).await.unwrap());
    assert_eq!(db.void_coupon(CouponId::new(NOW), NOW).await.unwrap_err().code(), "COUPON_NOT_FOUND");
    assert_eq!(db.coupons(false).await.unwrap(), [(Coupon { void_at: Some(later(7)), ..half }, 0)]);
}

pub async fn what_a_product_gives_comes_and_goes_with_the_money(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let [week, coins, bundle] = products(&db, &scene).await;

    // Two weeks that are bought one after the other follow one another.
    let first = member_for_a_week(&db, &scene, &week).await;
    let second = member_for_a_week(&db, &scene, &week).await;
    let one = db.given(first.id).await.unwrap().membership.unwrap();
    let two = db.given(second.id).await.unwrap().membership.unwrap();
    assert_eq!((one.starts_at, one.ends_at), (later(10), later(10 + 7 * DAY_MS)));
    assert_eq!((two.starts_at, two.ends_at), (one.ends_at, later(10 + 14 * DAY_MS)));
    let mut memberships = db.memberships(scene.viewer.id, false).await.unwrap();
    memberships.sort_by_key(|membership| membership.starts_at);
    assert_eq!(memberships, [one.clone(), two.clone()]);
    let entry = db.entry_of_purchase(first.id).await.unwrap().unwrap();
    let Gives::Membership { plan_id, .. } = week.gives else { unreachable!() };
    assert_eq!(entry.postings()[1].account, LedgerAccount::Memberships(plan_id));

    let bought = coins_for(&db, &scene, &coins).await;
    let lots = db.given(bought.id).await.unwrap().coins;
    assert_eq!(
        lots.iter().map(|lot| (lot.kind, lot.coins)).collect::<Vec<_>>(),
        [(CoinKind::Paid, 500), (CoinKind::Bonus, 50)]
    );
    let both = both_films(&db, &scene, &bundle).await;
    let given = db.given(both.id).await.unwrap();
    assert_eq!(given.grants.len(), 2);
    let postings = db.entry_of_purchase(both.id).await.unwrap().unwrap();
    let amounts: Vec<i64> = postings.postings().iter().map(|posting| posting.amount.minor).collect();
    assert_eq!(amounts, [2000, -1000, -1000]);
    // It is found among the sales of each of its titles.
    let filter = marquee::store::db::sales::SaleFilter { title_id: Some(scene.title.id), ..Default::default() };
    let page = marquee::store::db::Page { after: None, limit: 9 };
    assert_eq!(db.sales(&filter, &page).await.unwrap()[0].purchase.id, both.id);
    let report = check::check(&*db).await.unwrap();
    assert_eq!(report.findings, []);

    // Coins are held before their money goes back, and are there again where it does not.
    assert!(db.hold_coins(bought.id, later(15)).await.unwrap());
    let left = async || {
        let lots = db.coin_lots(scene.viewer.id, false).await.unwrap();
        marquee::ledger::wallet::balance(&lots, later(16))
    };
    assert_eq!(left().await, 0);
    db.release_coins(bought.id).await.unwrap();
    assert_eq!(left().await, 550);
    // What was bought with no real money is nothing where money is real.
    assert_eq!(db.memberships(scene.viewer.id, true).await.unwrap(), []);

    // All of it goes back.
    for purchase in [&first, &bought, &both] {
        let entry = db.entry_of_purchase(purchase.id).await.unwrap().unwrap();
        let reversal = rules::reversal(&entry, later(20)).unwrap();
        let refund = marquee::ledger::purchase::Refund {
            id: marquee::base::id::RefundId::new(later(20)),
            ..refund_of(purchase)
        };
        let key = key(&format!("refund {}", purchase.id));
        assert_eq!(db.record_refund(&refund, &reversal, &key).await.unwrap(), Written::New(Settled::Done));
    }
    assert_eq!(db.given(first.id).await.unwrap().membership.unwrap().revoked_at, Some(later(20)));
    let second = db.given(second.id).await.unwrap().membership.unwrap();
    assert_eq!((second.starts_at, second.ends_at), (later(20), later(20 + 7 * DAY_MS)), "it leaves no gap");
    assert!(db.given(bought.id).await.unwrap().coins.iter().all(|lot| lot.void_at == Some(later(20))));
    assert!(db.given(both.id).await.unwrap().grants.iter().all(|grant| grant.revoked_at == Some(later(20))));
    assert_eq!(check::check(&*db).await.unwrap().findings, []);

    // A film is not bought alone while the bundle with it is being paid for, nor a product twice at once.
    let pending = of_product(&scene, &bundle, bundle_lines(&db, &bundle).await);
    let seen = db.grants(scene.viewer.id, None).await.unwrap().len();
    assert_eq!(db.begin_purchase(&pending, seen, &key("p1")).await.unwrap(), Written::New(Begun::Recorded));
    let twin = Purchase { id: PurchaseId::new(NOW), payment_id: PaymentId::new(NOW), ..pending.clone() };
    let other = Written::New(Begun::OtherPending(pending.id));
    assert_eq!(db.begin_purchase(&twin, seen, &key("p2")).await.unwrap(), other);
    assert_eq!(db.begin_purchase(&scene.purchase(), 1, &key("p3")).await.unwrap(), other);
    // What does not add up is not begun.
    let odd = Purchase { price: Money::new(1999, Currency::CNY), ..twin };
    db.close_purchase(pending.id, None, PurchaseClosed::Declined, later(30)).await.unwrap();
    db.begin_purchase(&odd, seen, &key("p4")).await.unwrap_err();
}

pub async fn a_coupon_is_used_no_more_often_than_it_may(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let half = Coupon { uses_max: Some(2), ..coupon("HALF", Off::Percent(50)) };
    db.insert_coupon(&half, None).await.unwrap();
    let cheap = |scene: &Scene, off: i64| {
        let whole = scene.purchase();
        let price = Money::new(whole.price.minor - off, whole.price.currency);
        let Good::Offer(line) = whole.good.clone() else { unreachable!() };
        let amount = Money::new(off, Currency::CNY);
        let discount = Some(Discount { coupon_id: half.id, amount, funded_by: FundedBy::Producer });
        Purchase { price, good: Good::Offer(Line { price, ..line }), discount, ..whole }
    };
    let wrong = cheap(&scene, 901);
    assert_eq!(db.begin_purchase(&wrong, 0, &key("wrong")).await.unwrap(), Written::New(Begun::RightsChanged));
    // Of thirty who use it at once two do.
    let mut scenes = Vec::new();
    for n in 0..30 {
        scenes.push(scene.with_viewer(&db, &format!("viewer{n}@example.com")).await);
    }
    let begun = scenes.iter().map(|scene| {
        let (db, purchase) = (db.clone(), cheap(scene, 900));
        async move { (purchase.clone(), db.begin_purchase(&purchase, 0, &key(&purchase.id.to_string())).await) }
    });
    let begun = futures_util::future::join_all(begun).await;
    let (used, refused): (Vec<_>, Vec<_>) = begun.into_iter().partition(|(_, begun)| begun.is_ok());
    assert_eq!((used.len(), refused.len()), (2, 28));
    assert!(refused.iter().all(|(_, begun)| begun.as_ref().unwrap_err().code() == "COUPON_EXHAUSTED"));
    let purchase = db.purchase(used[0].0.id).await.unwrap().unwrap();
    assert_eq!(purchase, used[0].0);
    let uses = db.coupon_uses(&half, purchase.viewer_id, false).await.unwrap();
    assert_eq!(uses, CouponUses { by_all: 2, by_viewer: 1 });
    assert_eq!(db.coupon_uses(&half, purchase.viewer_id, true).await.unwrap(), CouponUses::default());
    // One that comes to nothing gives its use back.
    db.close_purchase(purchase.id, None, PurchaseClosed::Expired, later(5)).await.unwrap();
    assert_eq!(db.coupons(false).await.unwrap()[0].1, 1);
    let next = cheap(&scene, 900);
    assert_eq!(db.begin_purchase(&next, 0, &key("next")).await.unwrap(), Written::New(Begun::Recorded));
}

/// A paid week as a member and paid coins, for whoever looks at the books.
pub async fn bought(db: &Arc<dyn Db>, scene: &Scene) {
    let [week, coins, _] = products(db, scene).await;
    member_for_a_week(db, scene, &week).await;
    coins_for(db, scene, &coins).await;
}

async fn products(db: &Arc<dyn Db>, scene: &Scene) -> [Product; 3] {
    let plan = Plan { id: PlanId::new(NOW), name: "Weekly".into(), streams: 2 };
    db.insert_plan(&plan, None, NOW).await.unwrap();
    let other = title();
    db.insert_title(&other, None).await.unwrap();
    let window = avail(other.id);
    db.insert_avail(&window, None, NOW).await.unwrap();
    let second = offer(&window);
    db.insert_offer(&second, None, NOW).await.unwrap();
    let product = |ms, name: &str, gives, minor| Product {
        id: ProductId::new(later(ms)),
        name: BTreeMap::from([("en".into(), name.into())]),
        gives,
        price: Money::new(minor, Currency::CNY),
        sold_from_at: None,
        sold_until: Some(later(100)),
        withdrawn_at: None,
        created_at: NOW,
    };
    let week = product(1, "A week", Gives::Membership { plan_id: plan.id, days: 7 }, 1500);
    let coins = product(2, "500 coins", Gives::Coins { coins: 500, bonus: 50, expires_after_days: None }, 499);
    let bundle = product(3, "Both", Gives::Bundle { offer_ids: vec![scene.offer.id, second.id] }, 2000);
    assert_eq!(db.insert_product(&week, Some(&key("week"))).await.unwrap(), Written::New(()));
    db.insert_product(&coins, None).await.unwrap();
    db.insert_product(&bundle, None).await.unwrap();
    [week, coins, bundle]
}

fn coupon(code: &str, off: Off) -> Coupon {
    Coupon {
        id: CouponId::new(NOW),
        code: code.into(),
        off,
        title_ids: Vec::new(),
        product_ids: Vec::new(),
        starts_at: NOW,
        ends_at: later(100),
        uses_max: None,
        uses_per_viewer: 1,
        funded_by: FundedBy::Producer,
        note: String::new(),
        void_at: None,
        created_at: NOW,
    }
}

fn of_product(scene: &Scene, product: &Product, lines: Vec<Line>) -> Purchase {
    let good = Good::Product { product_id: product.id, lines };
    Purchase { good, price: product.price, ..scene.purchase() }
}

async fn settled(db: &Arc<dyn Db>, purchase: &Purchase, seen: usize, account: Option<LedgerAccount>, given: &Given) {
    let begun = db.begin_purchase(purchase, seen, &key(&purchase.id.to_string())).await.unwrap();
    assert_eq!(begun, Written::New(Begun::Recorded));
    let entry = rules::sale(purchase, account, later(10)).unwrap();
    assert!(db.settle_purchase(purchase.id, None, &entry, &Given::default()).await.is_err(), "it must give something");
    assert_eq!(db.settle_purchase(purchase.id, None, &entry, given).await.unwrap(), Settled::Done);
}

async fn member_for_a_week(db: &Arc<dyn Db>, scene: &Scene, week: &Product) -> Purchase {
    let Gives::Membership { plan_id, .. } = week.gives else { unreachable!() };
    let purchase = of_product(scene, week, Vec::new());
    let membership = Membership {
        id: MembershipId::new(later(10)),
        viewer_id: scene.viewer.id,
        plan_id,
        streams: 2,
        starts_at: later(10),
        ends_at: later(10 + 7 * DAY_MS),
        revoked_at: None,
        purchase_id: Some(purchase.id),
    };
    let given = Given { membership: Some(membership), ..Given::default() };
    settled(db, &purchase, 0, Some(LedgerAccount::Memberships(plan_id)), &given).await;
    purchase
}

async fn coins_for(db: &Arc<dyn Db>, scene: &Scene, coins: &Product) -> Purchase {
    let purchase = of_product(scene, coins, Vec::new());
    let lot = |ms, kind, coins, cost| CoinLot {
        id: CoinLotId::new(later(ms)),
        viewer_id: scene.viewer.id,
        kind,
        coins,
        spent: 0,
        cost,
        expires_at: None,
        note: "bought".into(),
        added_at: later(10),
        void_at: None,
        livemode: false,
        purchase_id: Some(purchase.id),
    };
    let lots = vec![lot(10, CoinKind::Paid, 500, Some(purchase.price)), lot(11, CoinKind::Bonus, 50, None)];
    settled(db, &purchase, 0, Some(LedgerAccount::Coins), &Given { coins: lots, ..Given::default() }).await;
    purchase
}

async fn bundle_lines(db: &Arc<dyn Db>, bundle: &Product) -> Vec<Line> {
    let mut lines = Vec::new();
    for id in bundle.gives.offer_ids() {
        let offer = db.offer(*id).await.unwrap().unwrap();
        let price = Money::new(1000, Currency::CNY);
        lines.push(Line { title_id: offer.title_id, avail_id: offer.avail_id, offer_id: offer.id, price });
    }
    lines
}

async fn both_films(db: &Arc<dyn Db>, scene: &Scene, bundle: &Product) -> Purchase {
    let purchase = of_product(scene, bundle, bundle_lines(db, bundle).await);
    let grants = purchase.good.lines().iter().map(|line| marquee::rights::grant::Grant {
        id: GrantId::new(later(10)),
        title_id: line.title_id,
        avail_id: line.avail_id,
        offer_id: line.offer_id,
        cause: GrantCause::Purchase(purchase.id),
        ..grant_for(&scene.purchase())
    });
    settled(db, &purchase, 0, None, &Given { grants: grants.collect(), ..Given::default() }).await;
    purchase
}
