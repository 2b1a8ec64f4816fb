//! Recomputes what the database must be true to: both hash chains, sums that are zero, and for each purchase the grant,
//! the entries and the refund that its status asks for, and for each redeemed voucher its grant. It reads only, page by page, and reports all that it finds.

use std::fmt;

use crate::base::error::{Error, Result};
use crate::base::id::{PurchaseId, VoucherId};
use crate::ledger::chain::{self, ChainHash, GENESIS};
use crate::ledger::purchase::PurchaseStatus;
use crate::store::db::Db;
use crate::store::db::audit::{AUDIT_GENESIS, ChainedAuditLine, audit_link};
use crate::store::db::check::{Tally, VoucherTally};
use crate::store::db::commerce::ChainedEntry;

const PAGE_ROWS: u32 = 500;
/// A file that is damaged throughout is described by its first findings.
const FINDINGS_MAX: usize = 1_000;

/// What was read, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub entries: u64,
    pub audit_lines: u64,
    pub purchases: u64,
    /// Redeemed.
    pub vouchers: u64,
    pub grants: u64,
    pub findings: Vec<Finding>,
}

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Stable and upper-case.
    pub code: &'static str,
    /// An id, or the place in a chain.
    pub subject: String,
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.code, self.subject, self.message)
    }
}

impl Report {
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }

    fn find(&mut self, code: &'static str, subject: impl fmt::Display, message: impl Into<String>) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding { code, subject: subject.to_string(), message: message.into() });
        }
    }
}

/// Checks the whole database. An error means that it could not be read; what is wrong in it is in the report.
pub async fn check(db: &dyn Db) -> Result<Report> {
    let mut report = Report::default();
    for fault in db.storage_faults().await? {
        report.find("STORAGE_DAMAGED", "database", fault);
    }
    check_journal(db, &mut report).await?;
    check_sums(db, &mut report).await?;
    check_audit(db, &mut report).await?;
    check_purchases(db, &mut report).await?;
    check_vouchers(db, &mut report).await?;
    for id in db.strays(PAGE_ROWS).await? {
        report.find("CAUSE_MISSING", id, "what it was caused by does not exist");
    }
    for id in db.wrong_coins(PAGE_ROWS).await? {
        report.find("COINS_WRONG", id, "what was taken from the wallet is not what was paid with it");
    }
    for id in db.wrong_extensions(PAGE_ROWS).await? {
        report.find("EXTENSION_WRONG", id, "its time is not what outages have given back");
    }
    Ok(report)
}

async fn check_journal(db: &dyn Db, report: &mut Report) -> Result<()> {
    let (mut position, mut previous) = (0, Some(GENESIS));
    loop {
        match db.entries(position, PAGE_ROWS).await {
            Ok(page) if page.is_empty() => return Ok(()),
            Ok(page) => {
                for chained in &page {
                    check_entry(chained, position, previous, report)?;
                    (position, previous) = (chained.position, Some(chained.hash));
                }
            }
            // Somewhere in this page is one that cannot be read: go one by one until it is found.
            Err(error) if is_damage(&error) => match db.entries(position, 1).await {
                Ok(one) => {
                    for chained in &one {
                        check_entry(chained, position, previous, report)?;
                        (position, previous) = (chained.position, Some(chained.hash));
                    }
                }
                Err(error) if is_damage(&error) => {
                    report.entries += 1;
                    position += 1;
                    report.find("ENTRY_DAMAGED", format!("entry {position}"), error.log_line());
                    previous = db.entry_hash(position).await.unwrap_or(None);
                }
                Err(error) => return Err(error),
            },
            Err(error) => return Err(error),
        }
    }
}

/// `previous` is unknown after an entry whose hash cannot be read.
fn check_entry(chained: &ChainedEntry, after: i64, previous: Option<ChainHash>, report: &mut Report) -> Result<()> {
    report.entries += 1;
    let place = format!("entry {}", chained.position);
    if chained.position != after + 1 {
        report.find("ENTRY_MISSING", &place, format!("the entry before it is {after}"));
    } else if let Some(previous) = previous
        && chain::link(previous, &chained.entry)? != chained.hash
    {
        report.find("ENTRY_CHAIN_BROKEN", &place, "its hash is not that of its content and the entry before it");
    }
    Ok(())
}

async fn check_sums(db: &dyn Db, report: &mut Report) -> Result<()> {
    for sum in db.posting_sums().await? {
        if sum.minor != 0 {
            report.find("SUM_NOT_ZERO", sum.currency, format!("all postings sum to {sum}"));
        }
    }
    Ok(())
}

async fn check_audit(db: &dyn Db, report: &mut Report) -> Result<()> {
    let (mut position, mut previous) = (0, AUDIT_GENESIS);
    loop {
        let page = match db.audit_lines(position, PAGE_ROWS).await {
            Err(error) if is_damage(&error) => {
                report.find("AUDIT_DAMAGED", format!("audit after {position}"), error.log_line());
                return Ok(());
            }
            page => page?,
        };
        if page.is_empty() {
            return Ok(());
        }
        for ChainedAuditLine { position: place, line, hash } in page {
            report.audit_lines += 1;
            if place != position + 1 {
                report.find("AUDIT_MISSING", format!("audit {place}"), format!("the line before it is {position}"));
            } else if audit_link(&previous, &line)? != hash {
                let message = "its hash is not that of its content and the line before it";
                report.find("AUDIT_CHAIN_BROKEN", format!("audit {place}"), message);
            }
            (position, previous) = (place, hash);
        }
    }
}

async fn check_purchases(db: &dyn Db, report: &mut Report) -> Result<()> {
    let mut after: Option<PurchaseId> = None;
    loop {
        let page = db.tallies(after, PAGE_ROWS).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.purchase_id);
        for tally in &page {
            report.purchases += 1;
            report.grants += u64::from(tally.grants);
            check_tally(tally, report);
        }
    }
}

async fn check_vouchers(db: &dyn Db, report: &mut Report) -> Result<()> {
    let mut after: Option<VoucherId> = None;
    loop {
        let page = db.voucher_tallies(after, PAGE_ROWS).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.voucher_id);
        for VoucherTally { voucher_id, is_redeemed, grants, grants_faithful } in page {
            report.vouchers += 1;
            report.grants += u64::from(grants);
            if grants != u32::from(is_redeemed) {
                let (redeemed, due) = if is_redeemed { ("redeemed", 1) } else { ("unredeemed", 0) };
                let message = format!("a voucher that is {redeemed} has {due} grants, this one has {grants}");
                report.find("GRANT_COUNT_WRONG", voucher_id, message);
            }
            if grants_faithful != grants {
                report.find(
                    "GRANT_CHANGED",
                    voucher_id,
                    "its grant does not say what the redemption and its offer say",
                );
            }
        }
    }
}

/// What belongs to a purchase of each status, no more and no less.
fn check_tally(tally: &Tally, report: &mut Report) {
    let (sold, returned) = match tally.status {
        PurchaseStatus::Pending | PurchaseStatus::Declined | PurchaseStatus::Expired => (0, 0),
        PurchaseStatus::Paid => (1, 0),
        PurchaseStatus::Refunded => (1, 1),
    };
    let status = tally.status.as_str();
    let mut expect = |code, expected: i64, found: i64, what: &str| {
        if expected != found {
            let message = format!("a {status} purchase has {expected} {what}, this one has {found}");
            report.find(code, tally.purchase_id, message);
        }
    };
    expect("GRANT_COUNT_WRONG", sold * i64::from(tally.grants_due), i64::from(tally.grants), "grants");
    let memberships = i64::from(tally.memberships);
    expect("MEMBERSHIP_COUNT_WRONG", sold * i64::from(tally.memberships_due), memberships, "memberships");
    expect("COINS_MISSING", sold * i64::from(tally.coins_due), i64::from(tally.coins), "additions to the wallet");
    expect("SALE_COUNT_WRONG", sold, i64::from(tally.sales), "sale entries");
    expect("REVERSAL_COUNT_WRONG", returned, i64::from(tally.reversals), "reversing entries");
    expect("REFUND_COUNT_WRONG", returned, i64::from(tally.refunds), "refunds");
    let price = tally.price.minor;
    expect("SALE_AMOUNT_WRONG", sold * price, tally.sold_minor, "minor units in its sale");
    expect("REVERSAL_AMOUNT_WRONG", returned * price, tally.reversed_minor, "minor units in its reversal");
    expect("REFUND_AMOUNT_WRONG", returned * price, tally.refunded_minor, "minor units refunded");
    if tally.grants_faithful != tally.grants {
        report.find("GRANT_CHANGED", tally.purchase_id, "its grant does not say what the purchase and its offer say");
    }
    // A grant of a purchase that is paid may be revoked for other reasons; one of a refunded purchase must be.
    if tally.status == PurchaseStatus::Refunded && (tally.memberships_left > 0 || tally.coins_left > 0) {
        let message = "it is refunded, and a membership or coins of it are not taken back";
        report.find("GIVEN_NOT_TAKEN_BACK", tally.purchase_id, message);
    }
    if tally.status == PurchaseStatus::Refunded && tally.grants_revoked != tally.grants {
        report.find("GRANT_NOT_REVOKED", tally.purchase_id, "it is refunded and its grant is not revoked");
    }
}

/// The row is there and cannot be what it says.
fn is_damage(error: &Error) -> bool {
    error.code() == "DB_CORRUPT"
}
