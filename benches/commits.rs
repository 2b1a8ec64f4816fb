//! Purchases a second (begun and settled, each answered after its fsync) from one caller and from many at once, beside
//! what the disk of the same folder can do: appends a second, each with its own fsync.
//!
//! `cargo bench --bench commits`; the folder is under `TMPDIR`.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a bench that cannot go on has nothing to say")]

#[path = "../tests/contract/scene.rs"]
#[expect(dead_code, reason = "the contract suite needs more of it")]
mod scene;

use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use marquee::store::db::Db;
use marquee::store::db::sql::SqlDb;
use marquee::store::db::sqlite;

use scene::{Scene, grant_for, key, sale};

const FSYNCS: u32 = 200;
const PURCHASES: u32 = 2_000;

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().expect("a folder for the bench");
    let fsyncs_per_s = fsyncs_per_s(folder.path());
    println!("disk: {fsyncs_per_s:.0} fsyncs/s ({})", folder.path().display());
    for callers in [1, 16, 128, 512] {
        let sqlite =
            Arc::new(sqlite::open(&folder.path().join(format!("{callers}.db"))).await.expect("a new database"));
        let (purchases_per_s, commits_each) = purchases_per_s(&sqlite, callers).await;
        println!(
            "{callers:>4} callers: {purchases_per_s:.0} purchases/s, {commits_each:.2} commits each, {:.2} purchases per fsync of the disk",
            purchases_per_s / fsyncs_per_s,
        );
        sqlite.close().await;
    }
}

fn fsyncs_per_s(folder: &std::path::Path) -> f64 {
    let mut file = std::fs::File::create(folder.join("fsync")).expect("a new file");
    let start = Instant::now();
    for _ in 0..FSYNCS {
        file.write_all(&[7; 4096]).expect("room on the disk");
        file.sync_data().expect("a disk that works");
    }
    f64::from(FSYNCS) / start.elapsed().as_secs_f64()
}

async fn purchases_per_s(sqlite: &Arc<SqlDb>, callers: u32) -> (f64, f64) {
    let db: Arc<dyn Db> = sqlite.clone();
    let first = Scene::set(&db).await;
    let mut scenes = Vec::new();
    for caller in 0..callers {
        scenes.push(first.with_viewer(&db, &format!("{caller}@example.com")).await);
    }
    let each = PURCHASES / callers;
    let (start, commits) = (Instant::now(), sqlite.commits());
    let buyers: Vec<_> = scenes
        .into_iter()
        .map(|scene| {
            let db = db.clone();
            tokio::spawn(async move {
                for seen in 0..each as usize {
                    let purchase = scene.purchase();
                    let idempotency = key(&purchase.id.to_string());
                    db.begin_purchase(&purchase, seen, &idempotency).await.expect("begun");
                    let (entry, grant) = (sale(&purchase), grant_for(&purchase));
                    db.settle_purchase(purchase.id, None, &entry, &grant.into()).await.expect("settled");
                }
            })
        })
        .collect();
    for buyer in buyers {
        buyer.await.expect("bought");
    }
    let purchases = f64::from(each * callers);
    (purchases / start.elapsed().as_secs_f64(), (sqlite.commits() - commits) as f64 / purchases)
}
