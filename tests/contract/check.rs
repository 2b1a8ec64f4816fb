//! `check` finds each kind of damage that is planted in the file behind its back.

use std::path::Path;
use std::sync::Arc;

use marquee::store::check::{Report, check};
use marquee::store::db::Db;
use marquee::store::db::sqlite;
use marquee::store::db::voucher::Redemption;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};

use crate::db::{Backend, SqliteFile, outage, product, wallet};
use crate::scene::{Scene, audit_line};

/// A file with a paid, a refunded and a pending purchase and some audit lines, tampered with by `sql`, as checked.
async fn damaged_by(sql: &str) -> Report {
    let file = SqliteFile::new();
    let db = file.open().await;
    fill(&db).await;
    let sound = check(&*db).await.unwrap();
    assert_eq!((sound.entries, sound.audit_lines, sound.purchases, sound.vouchers, sound.grants), (5, 3, 5, 1, 3));
    assert_eq!(sound.findings, []);
    db.close().await;
    tamper(&file.path(), sql).await;
    check(&sqlite::open(&file.path()).await.unwrap()).await.unwrap()
}

async fn fill(db: &Arc<dyn Db>) {
    let scene = Scene::set(db).await;
    scene.refunded(db).await;
    outage::recorded(db, &scene).await;
    scene.with_viewer(db, "grace@example.com").await.begun(db).await;
    let (_, vouchers) = scene.vouchers(db).await;
    let guest = scene.with_viewer(db, "guest@example.com").await;
    assert_eq!(db.redeem_voucher(&guest.gift(vouchers[0].id), 0).await.unwrap(), Redemption::Done);
    wallet::unlocked(db, &scene).await;
    product::bought(db, &scene).await;
    for action in ["one", "two", "three"] {
        db.append_audit(&audit_line(action)).await.unwrap();
    }
}

async fn tamper(path: &Path, sql: &str) {
    let mut connection = raw(path).await;
    for trigger in ["entry", "posting", "audit"] {
        for verb in ["changes", "goes"] {
            let drop = format!("DROP TRIGGER {trigger}_never_{verb}");
            sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut connection).await.unwrap();
        }
    }
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

async fn raw(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).foreign_keys(false).connect().await.unwrap()
}

fn codes(report: &Report) -> Vec<&'static str> {
    let mut codes: Vec<_> = report.findings.iter().map(|finding| finding.code).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_damage_is_found() {
    let table: &[(&str, &[&str])] = &[
        ("UPDATE entry SET at = at + 1 WHERE position = 2", &["ENTRY_CHAIN_BROKEN"]),
        ("UPDATE posting SET account = 'provider:mine' WHERE line = 0", &["ENTRY_CHAIN_BROKEN"]),
        (
            "UPDATE posting SET amount_minor = amount_minor + 1 WHERE line = 0 \
             AND entry_id = (SELECT id FROM entry WHERE position = 3)",
            &["ENTRY_DAMAGED", "SALE_AMOUNT_WRONG", "SUM_NOT_ZERO"],
        ),
        (
            "UPDATE posting SET amount_minor = 2 * amount_minor WHERE entry_id = \
             (SELECT id FROM entry WHERE position = 3)",
            &["ENTRY_CHAIN_BROKEN", "SALE_AMOUNT_WRONG"],
        ),
        (
            "DELETE FROM posting WHERE entry_id = (SELECT id FROM entry WHERE position = 2); \
             DELETE FROM entry WHERE position = 2",
            &["ENTRY_MISSING", "REVERSAL_AMOUNT_WRONG", "REVERSAL_COUNT_WRONG"],
        ),
        (
            "DELETE FROM posting WHERE entry_id = (SELECT id FROM entry WHERE position = 3); \
             DELETE FROM entry WHERE position = 3",
            &["ENTRY_MISSING", "SALE_AMOUNT_WRONG", "SALE_COUNT_WRONG"],
        ),
        (
            "DELETE FROM posting WHERE line = 1 AND entry_id = (SELECT id FROM entry WHERE position = 1)",
            &["ENTRY_DAMAGED", "SUM_NOT_ZERO"],
        ),
        ("UPDATE audit SET detail = '{}' WHERE position = 2", &["AUDIT_CHAIN_BROKEN"]),
        ("DELETE FROM audit WHERE position = 2", &["AUDIT_MISSING"]),
        ("UPDATE audit SET id = 'nonsense' WHERE position = 2", &["AUDIT_DAMAGED"]),
        ("DELETE FROM viewer_grant WHERE revoked_at IS NULL", &["GRANT_COUNT_WRONG", "STORAGE_DAMAGED"]),
        ("DELETE FROM viewer_grant WHERE voucher_id IS NOT NULL", &["GRANT_COUNT_WRONG"]),
        ("UPDATE viewer_grant SET streams = 9 WHERE voucher_id IS NOT NULL", &["GRANT_CHANGED"]),
        (
            "UPDATE viewer_grant SET viewer_id = (SELECT id FROM viewer WHERE email_folded = 'grace@example.com') \
             WHERE voucher_id IS NOT NULL",
            &["GRANT_CHANGED"],
        ),
        (
            "UPDATE voucher SET redeemed_at = NULL, viewer_id = NULL WHERE redeemed_at IS NOT NULL",
            &["GRANT_CHANGED", "GRANT_COUNT_WRONG"],
        ),
        (
            "UPDATE voucher SET redeemed_at = 1, viewer_id = (SELECT id FROM viewer LIMIT 1) WHERE redeemed_at IS NULL",
            &["GRANT_COUNT_WRONG"],
        ),
        ("DELETE FROM voucher WHERE redeemed_at IS NOT NULL", &["CAUSE_MISSING", "STORAGE_DAMAGED"]),
        (
            "PRAGMA ignore_check_constraints = ON; UPDATE viewer_grant SET purchase_id = NULL, voucher_id = NULL \
             WHERE voucher_id IS NOT NULL",
            &["CAUSE_MISSING", "GRANT_COUNT_WRONG", "STORAGE_DAMAGED"],
        ),
        ("UPDATE viewer_grant SET revoked_at = NULL", &["GRANT_NOT_REVOKED"]),
        ("UPDATE viewer_grant SET watch_ms = watch_ms + 1 WHERE revoked_at IS NULL", &["GRANT_CHANGED"]),
        ("UPDATE purchase SET price_minor = 1 WHERE status = 'paid'", &["SALE_AMOUNT_WRONG"]),
        (
            "UPDATE purchase SET status = 'paid', decided_at = 1 WHERE status = 'pending'",
            &["GRANT_COUNT_WRONG", "SALE_AMOUNT_WRONG", "SALE_COUNT_WRONG"],
        ),
        (
            "UPDATE purchase SET status = 'declined' WHERE status = 'paid'",
            &["COINS_MISSING", "GRANT_COUNT_WRONG", "MEMBERSHIP_COUNT_WRONG", "SALE_AMOUNT_WRONG", "SALE_COUNT_WRONG"],
        ),
        ("DELETE FROM refund", &["REFUND_AMOUNT_WRONG", "REFUND_COUNT_WRONG"]),
        ("DELETE FROM purchase WHERE status = 'paid'", &["CAUSE_MISSING", "STORAGE_DAMAGED"]),
        ("UPDATE coin_debit SET coins = coins + 1", &["COINS_WRONG"]),
        ("DELETE FROM coin_debit", &["COINS_WRONG"]),
        ("UPDATE coin_lot SET coins = 10", &["COINS_WRONG"]),
        ("UPDATE viewer_grant SET extended_ms = 60000 WHERE voucher_id IS NOT NULL", &["EXTENSION_WRONG"]),
        ("UPDATE outage_extension SET extended_ms = extended_ms - 1", &["EXTENSION_WRONG"]),
        ("UPDATE outage SET from_at = to_at - 1", &["EXTENSION_WRONG"]),
        ("UPDATE outage SET party_id = 'par_0'", &["EXTENSION_WRONG", "STORAGE_DAMAGED"]),
        (
            "UPDATE coin_lot SET viewer_id = (SELECT id FROM viewer WHERE email_folded = 'grace@example.com')",
            &["COINS_MISSING", "COINS_WRONG"],
        ),
        ("UPDATE membership SET purchase_id = NULL", &["MEMBERSHIP_COUNT_WRONG"]),
        ("UPDATE coin_lot SET purchase_id = NULL", &["COINS_MISSING"]),
        (
            "UPDATE membership SET purchase_id = (SELECT id FROM purchase WHERE status = 'refunded') \
             WHERE purchase_id IS NOT NULL",
            &["GIVEN_NOT_TAKEN_BACK", "MEMBERSHIP_COUNT_WRONG"],
        ),
        (
            "UPDATE membership SET purchase_id = 'pur_0'",
            &["CAUSE_MISSING", "MEMBERSHIP_COUNT_WRONG", "STORAGE_DAMAGED"],
        ),
        ("DELETE FROM offer", &["STORAGE_DAMAGED"]),
        (
            "INSERT INTO asset (id, source_name, duration_ms, details, created_at, partial_fingerprint) \
             VALUES ('ast_of_no_job', 'film', 1, '{}', 1, 'a')",
            &["CAUSE_MISSING"],
        ),
    ];
    for (sql, expected) in table {
        let report = damaged_by(sql).await;
        assert_eq!(codes(&report), *expected, "{sql}: {:#?}", report.findings);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_after_an_entry_that_cannot_be_read_is_still_checked() {
    let report = damaged_by(
        "DELETE FROM posting WHERE entry_id = (SELECT id FROM entry WHERE position = 1); \
         UPDATE entry SET at = 1 WHERE position = 2",
    )
    .await;
    let subjects: Vec<_> =
        report.findings.iter().filter(|finding| finding.code.starts_with("ENTRY")).map(ToString::to_string).collect();
    assert_eq!(subjects.len(), 2, "{subjects:?}");
    assert!(subjects[0].starts_with("ENTRY_DAMAGED entry 1"), "{subjects:?}");
    assert!(subjects[1].starts_with("ENTRY_CHAIN_BROKEN entry 2"), "{subjects:?}");
    assert_eq!(report.entries, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn journals_only_grow() {
    let file = SqliteFile::new();
    let db = file.open().await;
    fill(&db).await;
    let mut connection = raw(&file.path()).await;
    for sql in [
        "UPDATE entry SET at = 1",
        "DELETE FROM entry",
        "UPDATE posting SET amount_minor = 0",
        "DELETE FROM posting",
        "UPDATE audit SET actor = 'somebody'",
        "DELETE FROM audit",
    ] {
        let error = sqlx::query(sql).execute(&mut connection).await.unwrap_err().to_string();
        assert!(error.contains("immutable") || error.contains("append-only"), "{sql}: {error}");
    }
    assert!(check(&*db).await.unwrap().is_sound());
}
