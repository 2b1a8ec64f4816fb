//! What a node has made of the catalogue change by change is what it would make of the whole of it: over changes at random,
//! also ones that are refused.

use std::sync::Arc;

use marquee::base::clock::{SimClock, UtcMs};
use marquee::base::id::{DealId, HoldbackId, OfferId, PartyId};
use marquee::base::territory::TerritorySet;
use marquee::catalog::title::{Title, TitleStatus};
use marquee::playback::follower::Follower;
use marquee::rights::avail::{Avail, LicenseType};
use marquee::rights::deal::{Carriage, Deal, DealEdit, Exclusivity};
use marquee::rights::entitlement::decide_anywhere;
use marquee::rights::holdback::{Holdback, HoldbackEvent};
use marquee::rights::offer::Offer;
use marquee::rights::party::{Party, PartyKind};
use marquee::rights::snapshot::{Snapshot, TitleRights};
use marquee::rights::window::Window;
use marquee::store::db::Db;
use marquee::store::state::State;
use marquee::store::state::memory::MemoryState;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::db::{Backend, PostgresDatabase, SqliteFile};
use crate::scene::{self, NOW, later};

const DAY_MS: i64 = 86_400_000;
const TITLES: usize = 3;

/// One thing that an operator does. Numbers choose among what is there.
#[derive(Clone, Debug)]
enum Act {
    Status(usize, TitleStatus),
    Open(usize, LicenseType, i64, i64, bool),
    Move(usize, i64, i64),
    Remove(usize),
    Price(usize),
    Withdraw(usize),
    Hold(usize, i64, u16),
    LetGo(usize),
    Deal(usize, LicenseType, i64, i64, bool),
    EndDeal(usize, i64),
    DropDeal(usize),
}

fn any_act() -> impl Strategy<Value = Act> {
    let kind = || prop_oneof![Just(LicenseType::Vod), Just(LicenseType::Svod), Just(LicenseType::Avod)];
    let status = prop_oneof![Just(TitleStatus::Live), Just(TitleStatus::Draft), Just(TitleStatus::Suspended)];
    let title = || 0..TITLES;
    prop_oneof![
        1 => (title(), status).prop_map(|(title, status)| Act::Status(title, status)),
        4 => (title(), kind(), 0i64..20, 1i64..10, any::<bool>()).prop_map(|(t, k, s, d, b)| Act::Open(t, k, s, d, b)),
        2 => (0usize..9, 0i64..20, 1i64..10).prop_map(|(which, start, days)| Act::Move(which, start, days)),
        1 => (0usize..9).prop_map(Act::Remove),
        2 => (0usize..9).prop_map(Act::Price),
        1 => (0usize..9).prop_map(Act::Withdraw),
        1 => (title(), 0i64..20, 0u16..5).prop_map(|(title, at, lag)| Act::Hold(title, at, lag)),
        1 => (0usize..9).prop_map(Act::LetGo),
        1 => (title(), kind(), 0i64..20, 1i64..10, any::<bool>()).prop_map(|(t, k, s, d, x)| Act::Deal(t, k, s, d, x)),
        1 => (0usize..9, 1i64..30).prop_map(|(which, end)| Act::EndDeal(which, end)),
        1 => (0usize..9).prop_map(Act::DropDeal),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_followed_knows_what_one_that_has_read_all_knows_in_sqlite() {
    holds(24, SqliteFile::new);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_followed_knows_what_one_that_has_read_all_knows_in_postgres() {
    let runtime = tokio::runtime::Handle::current();
    holds(8, move || tokio::task::block_in_place(|| runtime.block_on(PostgresDatabase::new())));
}

fn holds<B: Backend>(cases: u32, backend: impl Fn() -> B) {
    let runtime = tokio::runtime::Handle::current();
    let mut runner = TestRunner::new(Config { cases, max_shrink_iters: 40, ..Config::default() });
    let plans = proptest::collection::vec(any_act(), 10..60);
    tokio::task::block_in_place(|| {
        runner.run(&plans, |acts| {
            let backend = backend();
            runtime.block_on(follow(&backend, &acts))
        })
    })
    .unwrap();
}

async fn follow(backend: &impl Backend, acts: &[Act]) -> Result<(), TestCaseError> {
    let db = backend.open().await;
    let clock = SimClock::new(NOW).clock();
    let open = async || {
        let state: Arc<dyn State> = Arc::new(MemoryState::new(clock.clone()));
        Follower::open(db.clone(), state, clock.clone()).await.unwrap()
    };
    let follower = open().await;
    let mut titles = Vec::new();
    for _ in 0..TITLES {
        let title = scene::title();
        db.insert_title(&title, None).await.unwrap();
        titles.push(title);
    }
    let party = Party {
        id: PartyId::new(NOW),
        name: "Films".into(),
        kind: PartyKind::Partner,
        signer: None,
        created_at: NOW,
        version: 1,
    };
    db.insert_party(&party, None).await.unwrap();
    for act in acts {
        apply(&db, &mut titles, &party, &follower.snapshot(), act).await;
        follower.poll().await.unwrap();
    }
    let (followed, read) = (follower.snapshot(), open().await.snapshot());
    let rights = |snapshot: &Snapshot| snapshot.titles().map(|title| TitleRights::clone(title)).collect::<Vec<_>>();
    prop_assert_eq!(rights(&followed), rights(&read));
    for (one, other) in followed.titles().zip(read.titles()) {
        for offer in &other.offers {
            prop_assert!(followed.offer(offer.id).is_some());
        }
        for days in 0..30 {
            for offset_ms in [-1, 0, 1] {
                let now = UtcMs(NOW.0 + days * DAY_MS + offset_ms);
                prop_assert_eq!(decide_anywhere(one, now), decide_anywhere(other, now));
            }
        }
    }
    db.close().await;
    Ok(())
}

/// Does it, where there is something to do it to; a refusal is as good.
async fn apply(db: &Arc<dyn Db>, titles: &mut [Title], party: &Party, known: &Snapshot, act: &Act) {
    let all: Vec<&TitleRights> = known.titles().map(AsRef::as_ref).collect();
    let avails: Vec<&Avail> = all.iter().flat_map(|title| &title.avails).collect();
    let offers: Vec<&Offer> = all.iter().flat_map(|title| &title.offers).collect();
    let holdbacks: Vec<&Holdback> = all.iter().flat_map(|title| &title.holdbacks).collect();
    let deals: Vec<&Deal> = all.iter().flat_map(|title| &title.deals).collect();
    let at = |day: i64| UtcMs(NOW.0 + day * DAY_MS);
    let window = |start: i64, days: i64| Window {
        start_at: at(start),
        end_at: Some(at(start + days)),
        zone: "Asia/Shanghai".into(),
    };
    let here = || TerritorySet::of(["CN".parse().unwrap()]);
    match *act {
        Act::Status(title, status) => {
            let title = &mut titles[title];
            let edited = Title { status, version: title.version + 1, ..title.clone() };
            db.update_title(&edited, NOW).await.unwrap();
            *title = edited;
        }
        Act::Open(title, license_type, start, days, is_here) => {
            let territories = if is_here { here() } else { TerritorySet::world() };
            let bare = scene::avail(titles[title].id);
            let avail = Avail { license_type, territories, window: window(start, days), hard_end_at: None, ..bare };
            let _ = db.insert_avail(&avail, None, NOW).await;
        }
        Act::Move(which, start, days) => {
            let Some(avail) = avails.get(which) else { return };
            let _ = db.update_avail(&Avail { window: window(start, days), ..(*avail).clone() }, NOW).await;
        }
        Act::Remove(which) => {
            let Some(avail) = avails.get(which) else { return };
            let _ = db.delete_avail(avail.id, UtcMs(NOW.0 - 1)).await;
        }
        Act::Price(which) => {
            let Some(avail) = avails.get(which) else { return };
            let offer = Offer { id: OfferId::new(later(1)), ..scene::offer(avail) };
            let _ = db.insert_offer(&offer, None, NOW).await;
        }
        Act::Withdraw(which) => {
            let Some(offer) = offers.get(which) else { return };
            let _ = db.withdraw_offer(offer.id, NOW).await;
        }
        Act::Hold(title, day, lag_days) => {
            let holdback = Holdback {
                id: HoldbackId::new(NOW),
                title_id: titles[title].id,
                party: "横店院线".into(),
                contract: None,
                event: HoldbackEvent::CinemaOpening { opens_at: at(day), zone: "Asia/Shanghai".into() },
                lag_days,
                territories: here(),
                license_types: vec![],
            };
            let _ = db.insert_holdback(&holdback, None, NOW).await;
        }
        Act::LetGo(which) => {
            let Some(holdback) = holdbacks.get(which) else { return };
            let _ = db.delete_holdback(holdback.id, NOW).await;
        }
        Act::Deal(title, license_type, start, days, is_alone) => {
            let deal = Deal {
                id: DealId::new(NOW),
                title_id: titles[title].id,
                party_id: party.id,
                contract: None,
                carriage: Carriage::Platform { license_type, price: None, streams: None },
                territories: here(),
                window: window(start, days),
                caps: None,
                exclusivity: is_alone.then(Exclusivity::default),
                opened_at: None,
                revoked_at: None,
            };
            let _ = db.insert_deal(&deal, None, NOW).await;
        }
        Act::EndDeal(which, day) => {
            let Some(deal) = deals.get(which) else { return };
            let edit = DealEdit { end_at: Some(Some(at(day))), ..DealEdit::default() };
            let _ = db.edit_deal(deal.id, None, edit, NOW).await;
        }
        Act::DropDeal(which) => {
            let Some(deal) = deals.get(which) else { return };
            let _ = db.delete_deal(deal.id, UtcMs(NOW.0 - 1)).await;
        }
    }
}
