//! What needs a hand, and the one sentence of health: facts and codes, for the console to put into words.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::base::id::TitleId;
use crate::base::limits;
use crate::base::territory::Territory;
use crate::catalog::compliance::ComplianceState;
use crate::catalog::title::TitleStatus;
use crate::operator::Operators;
use crate::rights::avail::Avail;
use crate::rights::deal::{Carriage, Deal};
use crate::rights::snapshot::{Snapshot, TitleRights};
use crate::rights::window::WindowPhase;
use crate::store::db::board::BoardRows;
use crate::store::db::job::{JobOutcome, JobState};

const OPENS_SOON: Duration = Duration::from_secs(48 * 3600);
const OPENS_VERY_SOON: Duration = Duration::from_secs(2 * 3600);
const LICENCE_ENDS_SOON: Duration = Duration::from_secs(30 * 24 * 3600);
const CLOSES_SOON: Duration = Duration::from_secs(24 * 3600);
const DISK_FREE_BYTES_MIN: u64 = 5 * 1024 * 1024 * 1024;
/// Fewer attempts say nothing about a share of them.
const STARTS_JUDGED_MIN: u64 = 10;
const FAILURES_WARN: f64 = 0.03;
const FAILURES_BAD: f64 = 0.10;

/// Something a person should look at.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Hand)]
pub struct HandBody {
    pub code: &'static str,
    pub level: Level,
    pub title_id: Option<TitleId>,
    /// What else it is about: an avail, a job, a purchase.
    pub subject: Option<String>,
    /// When it happens, or happened.
    pub at: Option<UtcMs>,
    #[schema(value_type = Object)]
    pub facts: Value,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Health)]
pub struct HealthBody {
    pub level: Level,
    pub code: &'static str,
    #[schema(value_type = Object)]
    pub facts: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Good,
    Warn,
    Bad,
}

/// Room on the disk that holds the data folder.
#[derive(Clone, Copy, Debug)]
pub struct Disk {
    pub free_bytes: u64,
    pub total_bytes: u64,
}

/// The list, worst first.
pub async fn hand(operators: &Operators, snapshot: &Snapshot, rows: &BoardRows, now: UtcMs) -> Result<Vec<HandBody>> {
    let api = &operators.api;
    let mut hand = Vec::new();
    let general = |code, level, facts| HandBody { code, level, title_id: None, subject: None, at: None, facts };
    if let Some(disk) = (operators.disk)().filter(|disk| disk.free_bytes < DISK_FREE_BYTES_MIN) {
        let facts = json!({"free_bytes": disk.free_bytes, "total_bytes": disk.total_bytes});
        hand.push(general("DISK_LOW", Level::Bad, facts));
    }
    if api.state.ping().await.is_err() {
        hand.push(general("STATE_FALLBACK", Level::Warn, json!({})));
    }
    if !api.db.owner_exists().await? {
        hand.push(general("OWNER_MISSING", Level::Warn, json!({})));
    }
    if snapshot.titles().next().is_none() {
        hand.push(general("NO_TITLES", Level::Warn, json!({})));
    }
    for title in snapshot.titles() {
        licence(title, now, &mut hand);
        windows(title, now, &mut hand);
        premieres(snapshot, title, now, &mut hand);
        missing_files(snapshot, title, now, &mut hand);
    }
    for late in &rows.pending_late {
        hand.push(HandBody {
            code: "PAYMENT_PENDING_LATE",
            level: Level::Warn,
            title_id: late.title_id,
            subject: Some(late.purchase_id.to_string()),
            at: Some(late.created_at),
            facts: json!({}),
        });
    }
    for job in &rows.failed_jobs {
        let JobState::Finished(JobOutcome::Failed { code, message }) = &job.state else { continue };
        hand.push(HandBody {
            code: "JOB_FAILED",
            level: Level::Warn,
            title_id: None,
            subject: Some(job.id.to_string()),
            at: job.finished_at,
            facts: json!({"source_name": job.source_name, "code": code, "message": message}),
        });
    }
    hand.sort_by(|one, other| other.level.cmp(&one.level).then(one.at.cmp(&other.at)));
    hand.truncate(limits::HAND_ROWS_MAX);
    Ok(hand)
}

/// One sentence: the worst thing there is.
pub fn health(hand: &[HandBody], rows: &BoardRows, viewers: u64, is_clock_doubtful: bool) -> HealthBody {
    let (starts, failures) = (rows.recent_starts, rows.recent_failures);
    let attempts = starts + failures;
    let share = if attempts >= STARTS_JUDGED_MIN { failures as f64 / attempts as f64 } else { 0.0 };
    let said = |level, code, facts| HealthBody { level, code, facts };
    let failing = || json!({"starts": starts, "failures": failures, "share": share});
    let of_code = |code: &str| hand.iter().filter(|row| row.code == code).count();
    if is_clock_doubtful {
        return said(Level::Bad, "CLOCK_DOUBTFUL", json!({}));
    }
    if share >= FAILURES_BAD {
        return said(Level::Bad, "START_FAILURES", failing());
    }
    if let Some(worst) = hand.iter().find(|row| row.level == Level::Bad) {
        return said(Level::Bad, worst.code, worst.facts.clone());
    }
    if share >= FAILURES_WARN {
        return said(Level::Warn, "START_FAILURES", failing());
    }
    for code in ["STATE_FALLBACK", "PAYMENT_PENDING_LATE", "JOB_FAILED", "PREMIERE_DRIFT", "DELIVERY_MISSING"] {
        if of_code(code) > 0 {
            return said(Level::Warn, code, json!({"count": of_code(code)}));
        }
    }
    said(Level::Good, "ALL_GOOD", json!({"viewers_now": viewers, "starts": starts, "failures": failures}))
}

/// What is wrong with a title's windows.
fn windows(title: &TitleRights, now: UtcMs, hand: &mut Vec<HandBody>) {
    if title.title.status == TitleStatus::Withdrawn {
        return;
    }
    let mut has_window = false;
    for avail in &title.avails {
        if avail.window.phase(now) == WindowPhase::Closed || avail.has_hard_ended(now) {
            continue;
        }
        has_window = true;
        let mut say = |code, level, at| {
            let facts = json!({"license_type": avail.license_type, "start_at": avail.window.start_at,
                "end_at": avail.window.end_at, "zone": avail.window.zone});
            let subject = Some(avail.id.to_string());
            hand.push(HandBody { code, level, title_id: Some(title.title.id), subject, at: Some(at), facts });
        };
        let start_at = avail.window.start_at;
        if now + OPENS_SOON >= start_at {
            let level = if now + OPENS_VERY_SOON >= start_at { Level::Bad } else { Level::Warn };
            if title.title.parts.is_empty() {
                say("WINDOW_OPENS_NO_ASSET", level, start_at);
            }
            let is_sold = title.title.details.episodes.is_some() || title.offers_of(avail.id).next().is_some();
            if avail.license_type.is_sold() && !is_sold {
                say("WINDOW_OPENS_NO_OFFER", level, start_at);
            }
        }
        if let Some(end_at) = ends_at(avail).filter(|end_at| now < *end_at && *end_at <= now + CLOSES_SOON) {
            say("WINDOW_CLOSES_SOON", Level::Warn, end_at);
        }
    }
    if title.title.status == TitleStatus::Live && !has_window {
        let title_id = Some(title.title.id);
        let facts = json!({"windows": title.avails.len()});
        hand.push(HandBody {
            code: "LIVE_WITHOUT_WINDOW",
            level: Level::Warn,
            title_id,
            subject: None,
            at: None,
            facts,
        });
    }
}

/// What has a window or a deal in China and was changed since it was licensed there, or whose licence ends soon or has ended.
fn licence(rights: &TitleRights, now: UtcMs, hand: &mut Vec<HandBody>) {
    let title = &rights.title;
    let is_for_china = |avail: &Avail| {
        avail.territories.contains(Territory::CHINA)
            && avail.window.phase(now) != WindowPhase::Closed
            && !avail.has_hard_ended(now)
    };
    let is_shown_there = |deal: &Deal| deal.is_alive(now) && deal.territories.contains(Territory::CHINA);
    let is_concerned = rights.avails.iter().any(is_for_china) || rights.deals.iter().any(is_shown_there);
    if title.status == TitleStatus::Withdrawn || !is_concerned {
        return;
    }
    let expires_at = title.details.compliance.expires_at;
    let (code, level, at) = match (title.compliance_state(now), expires_at) {
        (ComplianceState::OriginUnknown, _) => ("ORIGIN_UNKNOWN", Level::Warn, None),
        (ComplianceState::ChangePending, _) => ("LICENCE_CHANGE_PENDING", Level::Warn, None),
        (ComplianceState::Expired, at) => ("LICENCE_EXPIRED", Level::Bad, at),
        (ComplianceState::Licensed | ComplianceState::Filed, Some(at)) if now + LICENCE_ENDS_SOON >= at => {
            ("LICENCE_EXPIRES_SOON", Level::Warn, Some(at))
        }
        _ => return,
    };
    let facts = json!({"expires_at": expires_at});
    hand.push(HandBody { code, level, title_id: Some(title.id), subject: None, at, facts });
}

/// Openings of other parties that are not what was agreed.
fn premieres(snapshot: &Snapshot, title: &TitleRights, now: UtcMs, hand: &mut Vec<HandBody>) {
    for deal in title.deals.iter().filter(|deal| deal.is_alive(now)) {
        let Some(drift) = deal.drift(now) else { continue };
        let party = snapshot.party(deal.party_id).map(|party| party.name.clone());
        let facts = json!({"drift": drift, "party": party, "opened_at": deal.opened_at});
        hand.push(HandBody {
            code: "PREMIERE_DRIFT",
            level: Level::Warn,
            title_id: Some(title.title.id),
            subject: Some(deal.id.to_string()),
            at: Some(deal.window.start_at),
            facts,
        });
    }
}

/// Broadcasts that are near, and whose channel has not accepted a file of each part.
fn missing_files(snapshot: &Snapshot, title: &TitleRights, now: UtcMs, hand: &mut Vec<HandBody>) {
    for deal in &title.deals {
        let Carriage::Broadcast { channel, .. } = &deal.carriage else { continue };
        let missing = title.missing_parts(deal, now);
        if missing.is_empty() {
            continue;
        }
        let party = snapshot.party(deal.party_id).map(|party| party.name.clone());
        hand.push(HandBody {
            code: "DELIVERY_MISSING",
            level: Level::Warn,
            title_id: Some(title.title.id),
            subject: Some(deal.id.to_string()),
            at: Some(deal.window.start_at),
            facts: json!({"party": party, "channel": channel, "missing_parts": missing}),
        });
    }
}

fn ends_at(avail: &Avail) -> Option<UtcMs> {
    avail.window.end_at.into_iter().chain(avail.hard_end_at).min()
}
