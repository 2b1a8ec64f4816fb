//! What a node has made of the catalogue change by change is what it would make of the whole of it: over changes at random,
//! also ones that are refused.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use marquee::base::clock::{SimClock, UtcMs};
use marquee::base::id::{AvailId, DealId, HoldbackId, OfferId, PartyId};
use marquee::base::territory::TerritorySet;
use marquee::catalog::title::{Title, TitleStatus};
use marquee::playback::follower::Follower;
use marquee::rights::avail::{Avail, LicenseType};
use marquee::rights::caps::{Caps, FormatProfile};
use marquee::rights::deal::{Carriage, Deal, DealEdit, Exclusivity};
use marquee::rights::entitlement::decide_anywhere;
use marquee::rights::holdback::{Holdback, HoldbackEvent};
use marquee::rights::language_terms::LanguageTerms;
use marquee::rights::offer::Offer;
use marquee::rights::party::{Party, PartyKind};
use marquee::rights::plan::PlanChange;
use marquee::rights::snapshot::{Snapshot, TitleRights};
use marquee::rights::window::Window;
use marquee::store::db::Db;
use marquee::store::db::catalog::Run;
use marquee::store::state::State;
use marquee::store::state::memory::MemoryState;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::db::{Backend, PostgresDatabase, SqliteFile};
use crate::scene::{self, NOW, later};

const DAY_MS: i64 = 86_400_000;
const TITLES: usize = 3;

/// A window: its kind, its first day, how many days, whether it is in China alone or everywhere, and which language is heard
/// under it: 0 for all of them.
type Opening = (LicenseType, i64, i64, bool, usize);

/// One thing that an operator does. Numbers choose among what is there.
#[derive(Clone, Debug)]
enum Act {
    Status(usize, TitleStatus),
    Open(usize, LicenseType, i64, i64, bool),
    Move(usize, i64, i64),
    Remove(usize),
    /// New windows, windows that move, and windows that go, all at once.
    Plan(usize, Vec<Opening>, Vec<(usize, i64, i64)>, Vec<usize>),
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
    let made = proptest::collection::vec((kind(), 0i64..20, 1i64..10, any::<bool>(), 0usize..3), 0..3);
    let moved = proptest::collection::vec((0usize..9, 0i64..20, 1i64..10), 0..4);
    let gone = proptest::collection::vec(0usize..9, 0..2);
    prop_oneof![
        1 => (title(), status).prop_map(|(title, status)| Act::Status(title, status)),
        4 => (title(), kind(), 0i64..20, 1i64..10, any::<bool>()).prop_map(|(t, k, s, d, b)| Act::Open(t, k, s, d, b)),
        2 => (0usize..9, 0i64..20, 1i64..10).prop_map(|(which, start, days)| Act::Move(which, start, days)),
        1 => (0usize..9).prop_map(Act::Remove),
        4 => (title(), made, moved, gone).prop_map(|(title, made, moved, gone)| Act::Plan(title, made, moved, gone)),
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
        for title in follower.snapshot().titles() {
            prop_assert_eq!(met(&title.avails), None, "after {:?}", act);
        }
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

/// Two windows that no plan has at once: of one licence type, open at one instant in one territory, and heard in a language
/// that is heard in both.
fn met(avails: &[Avail]) -> Option<(&Avail, &Avail)> {
    let meet = |one: &Avail, other: &Avail| {
        one.license_type == other.license_type
            && one.territories.common(&other.territories).is_some()
            && one.window.common(&other.window).is_some()
            && (one.caps.is_none() || other.caps.is_none() || one.caps == other.caps)
    };
    let mut pairs =
        avails.iter().enumerate().flat_map(|(place, one)| avails[..place].iter().map(move |other| (one, other)));
    pairs.find(|(one, other)| meet(one, other))
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
    let open = |title: usize, (license_type, start, days, is_here, language): Opening| {
        let territories = if is_here { here() } else { TerritorySet::world() };
        let bare = scene::avail(titles[title].id);
        let heard = ["*", "zh:dub", "en:dub"][language].parse().unwrap();
        let caps = Caps::of(Some(LanguageTerms::Allow(vec![heard])), FormatProfile::Uhd);
        Avail { license_type, territories, window: window(start, days), hard_end_at: None, caps, ..bare }
    };
    match *act {
        Act::Status(title, status) => {
            let title = &mut titles[title];
            let edited = Title { status, version: title.version + 1, ..title.clone() };
            db.update_title(&edited, NOW).await.unwrap();
            *title = edited;
        }
        Act::Open(title, license_type, start, days, is_here) => {
            let _ = db.insert_avail(&open(title, (license_type, start, days, is_here, 0)), None, NOW).await;
        }
        Act::Move(which, start, days) => {
            let Some(avail) = avails.get(which) else { return };
            let _ = db.update_avail(&Avail { window: window(start, days), ..(*avail).clone() }, NOW).await;
        }
        Act::Remove(which) => {
            let Some(avail) = avails.get(which) else { return };
            let _ = db.delete_avail(avail.id, UtcMs(NOW.0 - 1)).await;
        }
        Act::Plan(title, ref made, ref moved, ref gone) => {
            let present = known.title(titles[title].id).map_or(&[][..], |title| &title.avails);
            let named = |which: usize| (!present.is_empty()).then(|| &present[which % present.len()]);
            let gone: BTreeSet<AvailId> = gone.iter().filter_map(|which| named(*which)).map(|avail| avail.id).collect();
            let moved = moved.iter().filter_map(|(which, start, days)| {
                Some(Avail { window: window(*start, *days), ..named(*which)?.clone() })
            });
            let moved: BTreeMap<AvailId, Avail> = moved.map(|avail| (avail.id, avail)).collect();
            let change = PlanChange {
                new_avails: made.iter().map(|opening| open(title, *opening)).collect(),
                edited_avails: moved.into_values().filter(|avail| !gone.contains(&avail.id)).collect(),
                gone_avails: gone.into_iter().collect(),
                ..PlanChange::of(titles[title].id)
            };
            let _ = db.change_plans(&[change], Run::Real, UtcMs(NOW.0 - 1)).await;
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
