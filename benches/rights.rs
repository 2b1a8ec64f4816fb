//! Decisions over small and large catalogues, and what a change of a large one costs, beside the memory that holds it.
//!
//! Titles have five windows, each of all 249 territories; viewers are nobody, a member, or somebody who bought the title.
//! What is asked for is drawn by Zipf's law (exponent 1), as an audience does, and uniformly, as no cache likes it.
//!
//! `cargo bench --bench rights [-- decide|load]`; the database of `load` is under `TMPDIR`.

#![expect(clippy::unwrap_used, reason = "a bench that cannot go on has nothing to say")]
#![expect(unsafe_code, reason = "an allocator that counts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::fmt::Write;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use marquee::base::clock::{Clock, UtcMs};
use marquee::base::id::{AssetId, AvailId, GrantId, MembershipId, OfferId, PlanId, PurchaseId, TitleId, ViewerId};
use marquee::base::money::{Currency, Money};
use marquee::base::territory::{Territory, TerritorySet};
use marquee::catalog::details::TitleDetails;
use marquee::catalog::title::{Title, TitleStatus};
use marquee::playback::follower::Follower;
use marquee::rights::avail::{Avail, LicenseType};
use marquee::rights::entitlement::{Decision, ViewerRights, decide};
use marquee::rights::grant::{Grant, GrantCause, GrantClock};
use marquee::rights::membership::Membership;
use marquee::rights::offer::{Offer, OfferKind};
use marquee::rights::snapshot::{Snapshot, TitleRights};
use marquee::rights::window::Window;
use marquee::store::db::{Db, sqlite};
use marquee::store::state::memory::MemoryState;
use sqlx::{ConnectOptions, Connection};

const DAY_MS: i64 = 24 * 3600 * 1000;
const NOW: UtcMs = UtcMs(20_000 * DAY_MS);
const DECISIONS: usize = 2_000_000;
/// Drawn, with their viewers, before they are decided: so many titles that a processor's nearest caches lose them again.
const DRAWN: usize = 10_000;

struct Counting;

static LIVE_BYTES: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: everything is passed on to the system's allocator as it came; counting touches no memory of its callers.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE_BYTES.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: as our caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        LIVE_BYTES.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as our caller promises.
        unsafe { System.dealloc(place, layout) }
    }
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let is_wanted = |part: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == part);
    if is_wanted("decide") {
        for titles in [1_000, 1_000_000] {
            decisions(titles);
        }
    }
    if is_wanted("load") {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(load(1_000_000));
    }
}

/// Numbers without a pattern (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, count: usize) -> usize {
        (self.next() % count as u64) as usize
    }

    /// A rank below `count`, the first one the most often, by the inverse of the harmonic sum.
    fn zipf(&mut self, count: usize) -> usize {
        let share = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        (((count as f64 + 1.0).powf(share)) - 1.0) as usize % count
    }
}

/// Paid, for members, free, and two that are over or to come.
fn rights(n: usize) -> TitleRights {
    let at = |days: i64| UtcMs(NOW.0 + days * DAY_MS);
    let id = TitleId::new(at(-400));
    let avail = |license_type, from: i64, to: Option<i64>| Avail {
        id: AvailId::new(at(from)),
        title_id: id,
        license_type,
        description: None,
        territories: TerritorySet::of(TerritorySet::world().members().iter()),
        window: Window { start_at: at(from), end_at: to.map(at), zone: "Asia/Shanghai".into() },
        hard_end_at: None,
        caps: None,
    };
    let avails = vec![
        avail(LicenseType::Vod, -300, Some(-200)),
        avail(LicenseType::Vod, -7, Some(7)),
        avail(LicenseType::Svod, if n.is_multiple_of(3) { -1 } else { 7 }, Some(180)),
        avail(LicenseType::Avod, if n.is_multiple_of(7) { -1 } else { 180 }, None),
        avail(LicenseType::Vod, 30, Some(60)),
    ];
    let offer = Offer {
        id: OfferId::new(at(-300)),
        title_id: id,
        avail_id: avails[1].id,
        kind: OfferKind::Pvod,
        list_price: Money::new(1800, Currency::CNY),
        member_price: Some(Money::new(900, Currency::CNY)),
        clock: GrantClock::OnPurchase { watch_ms: 2 * DAY_MS },
        streams: 1,
        presale_from_at: None,
        sales_cutoff_ms: 0,
        withdrawn_at: None,
    };
    let title = Title {
        id,
        name: [("zh-CN".to_owned(), format!("影片{n}")), ("en".to_owned(), format!("Film {n}"))].into(),
        synopsis: [].into(),
        status: TitleStatus::Live,
        parts: vec![AssetId::new(at(-400))],
        runtime_ms: 92 * 60_000,
        details: TitleDetails { country: "NL".parse().ok(), ..TitleDetails::default() },
        created_at: at(-400),
        version: 1,
    };
    TitleRights { avails, offers: vec![offer], ..TitleRights::of(title) }
}

fn catalogue(count: usize) -> Snapshot {
    let (mut titles, mut avails, mut offers) = (Vec::new(), Vec::new(), Vec::new());
    for n in 0..count {
        let TitleRights { title, avails: windows, offers: sold, .. } = rights(n);
        titles.push(title);
        avails.extend(windows);
        offers.extend(sold);
    }
    Snapshot::new(titles, avails, offers, Vec::new(), Vec::new())
}

/// A viewer of each kind for a title.
fn viewers(title: &TitleRights) -> [ViewerRights; 3] {
    let viewer_id = ViewerId::new(NOW);
    let member = Membership {
        id: MembershipId::new(NOW),
        viewer_id,
        plan_id: PlanId::new(NOW),
        streams: 2,
        starts_at: UtcMs(0),
        ends_at: UtcMs(i64::MAX),
        revoked_at: None,
        purchase_id: None,
    };
    let grant = Grant {
        id: GrantId::new(NOW),
        viewer_id,
        title_id: title.title.id,
        avail_id: title.avails[1].id,
        offer_id: title.offers[0].id,
        cause: GrantCause::Purchase(PurchaseId::new(NOW)),
        clock: GrantClock::OnPurchase { watch_ms: 2 * DAY_MS },
        issued_at: NOW,
        available_at: NOW,
        first_play_at: None,
        hard_end_at: None,
        streams: 1,
        revoked_at: None,
        extended_ms: 0,
        start_extended_ms: 0,
        livemode: false,
    };
    let nobody = ViewerRights::default();
    [
        nobody.clone(),
        ViewerRights { memberships: vec![member], ..nobody.clone() },
        ViewerRights { grants: vec![grant], ..nobody },
    ]
}

fn quantile(sorted: &[u32], share: f64) -> u32 {
    sorted[((sorted.len() - 1) as f64 * share) as usize]
}

fn decisions(count: usize) {
    let before = LIVE_BYTES.load(Ordering::Relaxed);
    let snapshot = catalogue(count);
    let bytes = LIVE_BYTES.load(Ordering::Relaxed) - before;
    println!("\n{count} titles x 249 territories x 5 windows: {} bytes a title", bytes / count);
    let mut dice = Dice(7);
    // The most asked for lies anywhere.
    let mut ids: Vec<TitleId> = snapshot.titles().map(|title| title.title.id).collect();
    for n in (1..ids.len()).rev() {
        ids.swap(n, dice.below(n + 1));
    }
    let everywhere: Vec<Territory> = TerritorySet::world().members().iter().collect();
    let clock_ns = cost_of_the_clock_ns();
    let read = reads(bytes, clock_ns);
    println!(
        "  a read of a line of as much memory: median {} ns, p99 {} ns, p99.9 {} ns",
        quantile(&read, 0.5),
        quantile(&read, 0.99),
        quantile(&read, 0.999)
    );
    for (law, draw) in [("Zipf", Dice::zipf as fn(&mut Dice, usize) -> usize), ("uniform", Dice::below)] {
        let mut took = Vec::with_capacity(DECISIONS);
        let mut allowed = 0;
        // The first half warms.
        for round in 0..2 * DECISIONS / DRAWN {
            let drawn: Vec<(TitleId, Territory, ViewerRights)> = (0..DRAWN)
                .map(|_| {
                    let id = ids[draw(&mut dice, ids.len())];
                    let viewers = viewers(snapshot.title(id).unwrap());
                    (id, everywhere[dice.below(everywhere.len())], viewers[dice.below(3)].clone())
                })
                .collect();
            for (id, territory, viewer) in &drawn {
                // What a viewer has has just been read.
                let viewer = black_box(viewer.clone());
                let start = Instant::now();
                let title = snapshot.title(black_box(*id)).unwrap();
                let decision = black_box(decide(title, &viewer, Some(*territory), NOW));
                let elapsed = start.elapsed();
                allowed += usize::from(matches!(decision, Decision::Allow(_)));
                if round * DRAWN >= DECISIONS {
                    took.push((elapsed.as_nanos() as u32).saturating_sub(clock_ns));
                }
            }
        }
        took.sort_unstable();
        println!(
            "  {law:<8} decide: median {} ns, p99 {} ns (at most 1000), p99.9 {} ns, {:.1} reads; {:.0} % allowed",
            quantile(&took, 0.5),
            quantile(&took, 0.99),
            quantile(&took, 0.999),
            f64::from(quantile(&took, 0.5)) / f64::from(quantile(&read, 0.5).max(1)),
            100.0 * allowed as f64 / (2 * DECISIONS) as f64,
        );
    }
    if count >= 1_000_000 {
        change(snapshot, &ids);
    }
}

/// What reading the clock twice takes.
fn cost_of_the_clock_ns() -> u32 {
    let mut all: Vec<u32> = (0..100_000).map(|_| Instant::now().elapsed().as_nanos() as u32).collect();
    all.sort_unstable();
    quantile(&all, 0.5)
}

/// What the machine takes for one read of memory, of lines at random: where the next one lies is in the one before. No
/// decision about a title that no cache holds can be faster.
fn reads(bytes: usize, clock_ns: u32) -> Vec<u32> {
    let mut dice = Dice(6);
    let mut order: Vec<usize> = (0..bytes / size_of::<Line>()).collect();
    for n in (1..order.len()).rev() {
        order.swap(n, dice.below(n + 1));
    }
    let mut lines = vec![Line { next: 0 }; order.len()];
    for (n, line) in order.iter().enumerate() {
        lines[*line].next = order[(n + 1) % order.len()];
    }
    let mut at = order[0];
    let mut took = Vec::with_capacity(DECISIONS);
    // The first half warms.
    for round in 0..2 * DECISIONS {
        let start = Instant::now();
        at = black_box(lines[black_box(at)].next);
        let elapsed = start.elapsed();
        if round >= DECISIONS {
            took.push((elapsed.as_nanos() as u32).saturating_sub(clock_ns));
        }
    }
    took.sort_unstable();
    took
}

/// As much memory as a cache reads at once.
#[derive(Clone)]
#[repr(align(64))]
struct Line {
    next: usize,
}

/// Decisions on one thread while another changes titles as fast as it can.
fn change(snapshot: Snapshot, ids: &[TitleId]) {
    let shared = ArcSwap::from_pointee(snapshot);
    let is_over = AtomicBool::new(false);
    let (mut changes, mut slowest) = (Vec::new(), Duration::ZERO);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let (mut dice, mut took) = (Dice(8), Vec::new());
            let nobody = ViewerRights::default();
            while !is_over.load(Ordering::Relaxed) {
                let id = ids[dice.zipf(ids.len())];
                let start = Instant::now();
                let snapshot = shared.load();
                black_box(decide(snapshot.title(id).unwrap(), &nobody, Some(Territory::CHINA), NOW));
                took.push(start.elapsed().as_nanos() as u32);
            }
            took.sort_unstable();
            took
        });
        let mut dice = Dice(9);
        for _ in 0..2_000 {
            let present = shared.load_full();
            let title = present.title(ids[dice.below(ids.len())]).unwrap();
            let mut changed = TitleRights::clone(title);
            changed.title.version += 1;
            let start = Instant::now();
            shared.store(Arc::new(present.with_titles(vec![changed])));
            let elapsed = start.elapsed();
            slowest = slowest.max(elapsed);
            changes.push(elapsed.as_nanos() as u32);
        }
        is_over.store(true, Ordering::Relaxed);
        let took = reader.join().unwrap();
        changes.sort_unstable();
        println!(
            "  a change of one title: median {} us, slowest {} us; decisions meanwhile: p99 {} ns, slowest {} us",
            quantile(&changes, 0.5) / 1_000,
            slowest.as_micros(),
            quantile(&took, 0.99),
            took[took.len() - 1] / 1_000,
        );
    });
}

/// A whole catalogue from a file of SQLite, and how soon a node has a change of it.
async fn load(count: usize) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("marquee.sqlite");
    sqlite::open(&file).await.unwrap().close().await;
    fill(&file, count).await;
    let db: Arc<dyn Db> = Arc::new(sqlite::open(&file).await.unwrap());
    let clock = Clock::system();
    let state = Arc::new(MemoryState::new(clock.clone()));
    let before = LIVE_BYTES.load(Ordering::Relaxed);
    let start = Instant::now();
    let follower = Follower::open(db.clone(), state, clock.clone()).await.unwrap();
    let loaded_s = start.elapsed().as_secs_f64();
    let bytes = LIVE_BYTES.load(Ordering::Relaxed) - before;
    let snapshot = follower.snapshot();
    println!(
        "\nload: {} titles with 5 windows each from SQLite in {loaded_s:.1} s, {} bytes a title",
        snapshot.titles().count(),
        bytes / count
    );
    let ids: Vec<TitleId> = snapshot.titles().map(|title| title.title.id).collect();
    drop(snapshot);
    let mut took = Vec::new();
    for n in 0..200 {
        let mut title = db.title(ids[n * ids.len() / 200]).await.unwrap().unwrap();
        (title.version, title.status) = (title.version + 1, TitleStatus::Suspended);
        let start = Instant::now();
        db.update_title(&title, clock.now()).await.unwrap();
        follower.announce().await;
        let snapshot = follower.snapshot();
        assert_eq!(snapshot.title(title.id).unwrap().title.status, TitleStatus::Suspended);
        took.push(start.elapsed().as_micros() as u32);
    }
    took.sort_unstable();
    println!(
        "  from the write of a title to its decision: median {:.1} ms, slowest {:.1} ms (at most 1000)",
        f64::from(quantile(&took, 0.5)) / 1e3,
        f64::from(took[took.len() - 1]) / 1e3
    );
}

/// Written by the database itself: its rows are those that the API would have made.
async fn fill(file: &std::path::Path, count: usize) {
    let mut connection = sqlx::sqlite::SqliteConnectOptions::new().filename(file).connect().await.unwrap();
    let details =
        serde_json::to_string(&TitleDetails { country: "NL".parse().ok(), ..TitleDetails::default() }).unwrap();
    let numbers = format!("WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < {})", count - 1);
    let title = "'ttl_01mcc5rm00' || printf('%016d', n)";
    let now = NOW.0;
    let mut script = format!(
        "PRAGMA synchronous = OFF; BEGIN; {numbers} INSERT INTO title (id, name, synopsis, status, parts, runtime_ms, \
         details, created_at, version) SELECT {title}, json_object('en', 'Film ' || n, 'zh-CN', '影片' || n), '{{}}', \
         'live', '[\"ast_01mcc5rm000000000000000000\"]', 5520000, '{details}', {now}, 1 FROM n;"
    );
    for (place, (license_type, from, to)) in
        [("vod", -300, -200), ("vod", -7, 7), ("svod", 7, 180), ("avod", 180, 400), ("vod", 30, 60)]
            .into_iter()
            .enumerate()
    {
        write!(
            script,
            "{numbers} INSERT INTO avail (id, title_id, license_type, territories, start_at, end_at, zone) SELECT \
             'avl_01mcc5rm0' || {place} || printf('%016d', n), {title}, '{license_type}', '{{\"include\":[],\"exclude\":[]}}', \
             {}, {}, 'Asia/Shanghai' FROM n;",
            now + from * DAY_MS,
            now + to * DAY_MS
        )
        .unwrap();
    }
    script += "COMMIT;";
    sqlx::raw_sql(sqlx::AssertSqlSafe(script)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}
