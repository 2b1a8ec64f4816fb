//! On SQLite: opening, group commit, a full disk. The contract of the port is in `tests/contract/db.rs`.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use super::*;
use crate::base::error::ErrorKind;
use crate::base::id::AuditId;
use crate::base::limits;
use crate::base::protection::ProtectionScheme;
use crate::ledger::coupon::FundedBy;
use crate::store::db::AuditDb;
use crate::store::db::audit::AuditLine;
use crate::store::db::playback::{KeyExtent, KeyUse, WrappedKey};
use crate::store::db::sqlite;
use crate::store::db::{CatalogDb, CheckDb, CommerceDb, PlaybackDb};

fn line(detail: String) -> AuditLine {
    let at = UtcMs(1_800_000_000_000);
    AuditLine { id: AuditId::new(at), at, actor: "a".into(), action: "b".into(), subject: "c".into(), detail }
}

async fn open_code(path: &Path) -> (ErrorKind, &'static str, String) {
    let error = sqlite::open(path).await.err().expect("it must not open");
    (error.kind(), error.code(), error.message().to_owned())
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a file");
    std::fs::write(&file, "x").unwrap();
    for path in [file.join("data/marquee.db"), "/proc/marquee.db".into(), folder.path().to_owned()] {
        let (kind, code, message) = open_code(&path).await;
        assert_eq!((kind, code), (ErrorKind::Config, "DATA_NOT_WRITABLE"), "{path:?}");
        assert!(message.contains(path.parent().unwrap().to_str().unwrap()), "{message}");
    }
}

#[tokio::test]
async fn what_is_not_our_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("marquee.db");
    let text = "This is a letter, and long enough that nobody takes it for an empty file. ".repeat(20);
    std::fs::write(&path, &text).unwrap();
    assert_eq!(open_code(&path).await.1, "DB_CORRUPT");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);

    let foreign = folder.path().join("foreign.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&foreign).create_if_missing(true);
    let mut connection = sqlx::ConnectOptions::connect(&options).await.unwrap();
    sqlx::query("CREATE TABLE somebody_elses (a INT)").execute(&mut connection).await.unwrap();
    sqlx::Connection::close(connection).await.unwrap();
    assert_eq!(open_code(&foreign).await.1, "DB_CORRUPT");
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/marquee.db");
    let db = sqlite::open(&path).await.unwrap();
    db.write(|conn| {
        Box::pin(async move {
            sqlx::query("INSERT INTO schema_version (version) VALUES (999)").execute(conn).await?;
            Ok(())
        })
    })
    .await
    .unwrap();
    db.close().await;
    let (kind, code, message) = open_code(&path).await;
    assert_eq!((kind, code), (ErrorKind::Config, "SCHEMA_TOO_NEW"));
    assert!(message.contains("999"), "{message}");
}

#[tokio::test]
async fn a_database_of_the_first_version_keeps_its_titles_keys_and_purchases() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("marquee.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut old = sqlx::ConnectOptions::connect(&options).await.unwrap();
    let key_use = KeyUse {
        asset: "ast_00000000000000000000000001".parse().unwrap(),
        track: "v720".into(),
        scheme: ProtectionScheme::Aes128,
        extent: KeyExtent::Film,
    };
    let rows = "CREATE TABLE schema_version (version BIGINT PRIMARY KEY); INSERT INTO schema_version VALUES (1);
        INSERT INTO title (id, name, synopsis, status, parts, runtime_ms, details, created_at, version)
        VALUES ('ttl_00000000000000000000000001', '{\"en\":\"Old\"}', '{}', 'draft', '[]', 1000, '{}', 1, 1);
        INSERT INTO content_key (asset_id, track, id, wrapped)
        VALUES ('ast_00000000000000000000000001', 'v720', 'key_00000000000000000000000001', 'YXMgaXQgd2Fz');
        INSERT INTO avail (id, title_id, license_type, territories, start_at, zone)
        VALUES ('avl_00000000000000000000000001', 'ttl_00000000000000000000000001', 'vod', '{}', 1, 'UTC');
        INSERT INTO offer (id, title_id, avail_id, kind, list_price_minor, currency, watch_ms, streams)
        VALUES ('off_00000000000000000000000001', 'ttl_00000000000000000000000001', 'avl_00000000000000000000000001',
            'rental', 1200, 'CNY', 1000, 1);
        INSERT INTO viewer (id, email, email_folded, display_name, password_hash, created_at)
        VALUES ('vwr_00000000000000000000000001', 'a@b.example', 'a@b.example', 'A', 'hash', 1);
        INSERT INTO purchase (id, viewer_id, title_id, avail_id, offer_id, storefront_id, price_minor, currency,
            is_member_price, territory, provider, payment_id, payment_details, status, livemode, created_at, decided_at)
        VALUES ('pur_00000000000000000000000001', 'vwr_00000000000000000000000001', 'ttl_00000000000000000000000001',
            'avl_00000000000000000000000001', 'off_00000000000000000000000001', 'sfr_00000000000000000000000000', 1200,
            'CNY', 0, 'CN', 'sandbox', 'pay_00000000000000000000000001', '{}', 'paid', 0, 1, 2);
        INSERT INTO viewer_grant (id, viewer_id, title_id, avail_id, offer_id, purchase_id, watch_ms, issued_at,
            available_at, streams, livemode)
        VALUES ('gra_00000000000000000000000001', 'vwr_00000000000000000000000001', 'ttl_00000000000000000000000001',
            'avl_00000000000000000000000001', 'off_00000000000000000000000001', 'pur_00000000000000000000000001', 1000,
            2, 2, 1, 0);";
    for script in [include_str!("../schema.sql"), include_str!("../sqlite/guards.sql"), rows] {
        sqlx::raw_sql(script).execute(&mut old).await.unwrap();
    }
    sqlx::Connection::close(old).await.unwrap();

    let db = sqlite::open(&path).await.unwrap();
    let proposed = WrappedKey { id: "key_00000000000000000000000009".parse().unwrap(), wrapped: b"another".to_vec() };
    let cbcs = KeyUse { scheme: ProtectionScheme::Cbcs, ..key_use.clone() };
    let keys = [(key_use.clone(), proposed.clone()), (cbcs.clone(), proposed.clone())];
    db.insert_content_keys(&keys).await.unwrap();
    let kept = db.content_key(&key_use).await.unwrap().unwrap();
    assert_eq!(
        (kept.id.to_string().as_str(), kept.wrapped.as_slice()),
        ("key_00000000000000000000000001", b"as it was".as_slice())
    );
    assert_eq!(db.content_key(&cbcs).await.unwrap(), Some(proposed), "another scheme has a key of its own");
    let title = db.title("ttl_00000000000000000000000001".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(title.details.protection, ProtectionScheme::Aes128, "what every title was sealed with before");
    let bought = db.purchase("pur_00000000000000000000000001".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((bought.price.minor, bought.good.title_id()), (1200, Some(title.id)));
    let grant = db.given(bought.id).await.unwrap().grants.pop().unwrap();
    assert_eq!((grant.expires_at(), bought.good.offer_id()), (Some(UtcMs(1002)), Some(grant.offer_id)));
    assert_eq!(db.storage_faults().await.unwrap(), [] as [&str; 0]);
    // What was made anew is still referred to.
    for table in ["purchase", "offer", "avail"] {
        let deleted = db.write(move |conn| {
            Box::pin(async move {
                let sql = format!("DELETE FROM {table}");
                Ok(sqlx::query(sqlx::AssertSqlSafe(sql)).execute(conn).await.map(|_| ())?)
            })
        });
        deleted.await.unwrap_err();
    }
    // As version 22 kept what a coupon took off.
    let as_it_was = "INSERT INTO coupon (id, code, body) VALUES ('cpn_00000000000000000000000001', 'HALF', '{}');
        UPDATE purchase SET coupon_id = 'cpn_00000000000000000000000001', discount_minor = 600;
        ALTER TABLE purchase DROP COLUMN discount_funded_by; DELETE FROM schema_version WHERE version = 23";
    let kept =
        db.write(move |conn| Box::pin(async move { Ok(sqlx::raw_sql(as_it_was).execute(conn).await.map(|_| ())?) }));
    kept.await.unwrap();
    db.close().await;
    let db = sqlite::open(&path).await.unwrap();
    let discount = db.purchase(bought.id).await.unwrap().unwrap().discount.unwrap();
    assert_eq!((discount.amount.minor, discount.funded_by), (600, FundedBy::Platform));
    db.close().await;
    assert!(sqlite::open(&path).await.is_ok(), "a second time there is nothing to do");
}

#[tokio::test]
async fn a_commit_waits_for_the_disk_and_readers_cannot_write() {
    let folder = tempfile::tempdir().unwrap();
    let db = sqlite::open(&folder.path().join("marquee.db")).await.unwrap();
    let pragmas = db
        .write(|conn| {
            Box::pin(async move {
                let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&mut *conn).await?;
                let journal: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut *conn).await?;
                let foreign_keys: i64 = sqlx::query_scalar("PRAGMA foreign_keys").fetch_one(&mut *conn).await?;
                Ok((synchronous, journal, foreign_keys))
            })
        })
        .await
        .unwrap();
    assert_eq!(pragmas, (2, "wal".to_owned(), 1));
    sqlx::query("DELETE FROM change").execute(&db.readers).await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_that_wait_share_commits() {
    let folder = tempfile::tempdir().unwrap();
    let db = Arc::new(sqlite::open(&folder.path().join("marquee.db")).await.unwrap());
    let writes: Vec<_> = (0..200)
        .map(|index| {
            let db = db.clone();
            tokio::spawn(async move { db.append_audit(&line(index.to_string())).await })
        })
        .collect();
    for write in writes {
        write.await.unwrap().unwrap();
    }
    assert!(db.commits() < 100, "{} commits for 200 writes", db.commits());
    assert_eq!(db.audit_lines(0, 999).await.unwrap().len(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_fails_or_panics_takes_nothing_else_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let db = sqlite::open(&folder.path().join("marquee.db")).await.unwrap();
    let half = || {
        db.write(|conn| {
            Box::pin(async move {
                audit::append(conn, &line("half".into())).await?;
                Err::<(), _>(crate::base::error::Error::internal("on purpose"))
            })
        })
    };
    let panic = || {
        db.write::<(), _>(|conn| {
            Box::pin(async move {
                audit::append(conn, &line("panic".into())).await?;
                panic!("on purpose")
            })
        })
    };
    let (one, two) = (line("one".into()), line("two".into()));
    let done = tokio::join!(db.append_audit(&one), half(), panic(), db.append_audit(&two));
    assert!(done.0.is_ok() && done.1.is_err() && done.2.is_err() && done.3.is_ok());
    let lines: Vec<_> = db.audit_lines(0, 9).await.unwrap().into_iter().map(|chained| chained.line).collect();
    assert_eq!(lines, [one, two]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_is_full_refuses_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let db = Arc::new(sqlite::open(&folder.path().join("marquee.db")).await.unwrap());
    let (open_gate, gate) = tokio::sync::oneshot::channel::<()>();
    let (begin, begun) = tokio::sync::oneshot::channel::<()>();
    let blocking = tokio::spawn({
        let db = db.clone();
        async move {
            db.write(move |_| {
                Box::pin(async move {
                    begin.send(()).unwrap();
                    let _ = gate.await;
                    Ok(())
                })
            })
            .await
        }
    });
    begun.await.unwrap();
    let mut waiting = Vec::new();
    let refused = loop {
        let mut write = Box::pin({
            let db = db.clone();
            async move { db.append_audit(&line(String::new())).await }
        });
        match futures_util::poll!(&mut write) {
            std::task::Poll::Ready(Err(error)) => break error,
            _ => waiting.push(write),
        }
        assert!(waiting.len() <= 2 * limits::DB_WRITES_QUEUED_MAX, "the queue has no bound");
    };
    assert_eq!((refused.kind(), refused.code()), (ErrorKind::Unavailable, "DB_BUSY"));
    open_gate.send(()).unwrap();
    blocking.await.unwrap().unwrap();
    let waiting_len = waiting.len();
    for write in waiting {
        write.await.unwrap();
    }
    assert_eq!(db.audit_lines(0, 9999).await.unwrap().len(), waiting_len);
}

/// SQLite says the same of a file that may not grow as of a disk that is full.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_writes_and_the_server_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let db = sqlite::open(&folder.path().join("marquee.db")).await.unwrap();
    let limit_pages = |sql: &'static str| {
        db.write(move |conn| {
            Box::pin(async move {
                sqlx::query(sql).execute(conn).await?;
                Ok(())
            })
        })
    };
    db.append_audit(&line("before".into())).await.unwrap();
    limit_pages("PRAGMA max_page_count = 1").await.unwrap();
    let (small, large) = (line("small".into()), line("x".repeat(4_000_000)));
    let (first, second) = tokio::join!(db.append_audit(&small), db.append_audit(&large));
    let error = second.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::StorageFull, "DISK_FULL"));
    let small_is_in = first.map_err(|error| assert_eq!(error.code(), "DISK_FULL")).is_ok();
    db.ping().await.unwrap();
    assert_eq!(db.audit_lines(0, 9).await.unwrap().len(), 1 + usize::from(small_is_in), "what was answered is so");
    limit_pages("PRAGMA max_page_count = 1000000").await.unwrap();
    db.append_audit(&large).await.unwrap();
}

const CHILD_DATABASE: &str = "MARQUEE_TEST_DATABASE";

/// Writes until its files may not grow any more, and says what was answered.
#[tokio::test]
#[ignore = "a_commit_that_does_not_reach_the_disk_ends_the_process runs it in a process of its own"]
async fn child_that_writes_until_a_commit_fails() {
    let path = std::env::var(CHILD_DATABASE).expect("run by the test below");
    let db = sqlite::open(Path::new(&path)).await.unwrap();
    loop {
        match db.append_audit(&line("x".repeat(100_000))).await {
            Ok(()) => eprintln!("answered"),
            Err(error) => eprintln!("refused: {error:?}"),
        }
    }
}

#[test]
fn a_commit_that_does_not_reach_the_disk_ends_the_process() {
    const SIGABRT: i32 = 6;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("marquee.db");
    // A write past the limit fails with EFBIG once the signal is ignored, which SQLite takes for a broken disk.
    let child = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -c 0; ulimit -f 4096; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--nocapture", "--exact"])
        .arg("store::db::sql::tests::child_that_writes_until_a_commit_fails")
        .env(CHILD_DATABASE, &path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stderr);
    assert_eq!(child.status.signal(), Some(SIGABRT), "{said}");
    let answered = said.matches("answered").count();
    assert!(answered > 0 && !said.contains("refused"), "{said}");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let db = sqlite::open(&path).await.unwrap();
        let report = crate::store::check::check(&db).await.unwrap();
        assert_eq!((report.audit_lines, report.findings), (answered as u64, vec![]));
    });
}
