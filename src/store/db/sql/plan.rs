//! SQL of release plans: avails and holdbacks, and changes of several of them at once.

use sqlx::error::DatabaseError;

use super::deal::{deal, refuse_early_deals};
use super::playback::append_change;
use super::row::{Columns, to_json};
use super::{Connection, Row};
use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{AvailId, HoldbackId, TitleId};
use crate::base::limits;
use crate::rights::avail::{Avail, LicenseType};
use crate::rights::caps::{self, Caps, FormatProfile};
use crate::rights::conflict::{Conflict, findings, held_back};
use crate::rights::deal::Deal;
use crate::rights::holdback::{Holdback, HoldbackEvent};
use crate::rights::plan::PlanChange;
use crate::rights::window::Window;
use crate::store::db::playback::Change;

/// Changes the plan of a title. What comes of it is looked at as a whole: on the way there windows may meet.
pub async fn change(conn: &mut Connection, change: &PlanChange, at: UtcMs) -> Result<()> {
    let elsewhere = |other: TitleId| other != change.title_id;
    for id in &change.gone_holdbacks {
        if elsewhere(remove_holdback(conn, *id).await?.title_id) {
            return Err(holdback_not_found());
        }
    }
    for id in &change.gone_avails {
        if elsewhere(remove_avail(conn, *id, at).await?.title_id) {
            return Err(avail_not_found());
        }
    }
    for avail in &change.edited_avails {
        require_same_kind(conn, avail, at).await?;
        write_avail(conn, avail, at).await?;
    }
    for avail in &change.new_avails {
        insert_avail(conn, avail).await?;
    }
    for holdback in &change.new_holdbacks {
        write_holdback(conn, holdback).await?;
    }
    let Plan { avails, holdbacks, deals } = plan_of(conn, change.title_id).await?;
    require_few(holdbacks.len())?;
    change.new_holdbacks.iter().try_for_each(|holdback| require_deal(holdback, &deals))?;
    if let Some(conflict) = change.conflicts(&avails, &holdbacks, &deals, at).first() {
        return Err(refused(conflict, |id| change.writes(id)));
    }
    refuse_early_deals(conn, change.title_id, at).await?;
    append_change(conn, Change::Title(change.title_id), at).await
}

/// The windows of a title, what holds them back, and what others may do.
pub struct Plan {
    pub avails: Vec<Avail>,
    pub holdbacks: Vec<Holdback>,
    pub deals: Vec<Deal>,
}

pub async fn plan_of(conn: &mut Connection, id: TitleId) -> Result<Plan> {
    let avails = sqlx::query("SELECT * FROM avail WHERE title_id = $1 ORDER BY id").bind(id.to_string());
    let avails = avails.fetch_all(&mut *conn).await?;
    let holdbacks = sqlx::query("SELECT body FROM holdback WHERE title_id = $1 ORDER BY id").bind(id.to_string());
    let holdbacks = holdbacks.fetch_all(&mut *conn).await?;
    let deals = sqlx::query("SELECT body FROM deal WHERE title_id = $1 ORDER BY id").bind(id.to_string());
    let deals = deals.fetch_all(&mut *conn).await?;
    Ok(Plan {
        avails: avails.iter().map(avail).collect::<Result<_>>()?,
        holdbacks: holdbacks.iter().map(holdback).collect::<Result<_>>()?,
        deals: deals.iter().map(deal).collect::<Result<_>>()?,
    })
}

pub async fn insert_avail(conn: &mut Connection, avail: &Avail) -> Result<()> {
    sqlx::query(
        "INSERT INTO avail \
         (id, title_id, license_type, description, territories, start_at, end_at, zone, hard_end_at, languages, \
         format_profile) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(avail.id.to_string())
    .bind(avail.title_id.to_string())
    .bind(avail.license_type.as_str())
    .bind(&avail.description)
    .bind(to_json(&avail.territories)?)
    .bind(avail.window.start_at.0)
    .bind(avail.window.end_at.map(|end_at| end_at.0))
    .bind(&avail.window.zone)
    .bind(avail.hard_end_at.map(|hard_end_at| hard_end_at.0))
    .bind(languages_column(avail)?)
    .bind(format_profile(avail).as_str())
    .execute(conn)
    .await?;
    Ok(())
}

/// Asked in the transaction of the write, so that two windows made at once do not both get in.
pub async fn refuse_conflicts(conn: &mut Connection, proposed: &Avail, at: UtcMs) -> Result<()> {
    let Plan { avails, holdbacks, deals } = plan_of(conn, proposed.title_id).await?;
    let found = findings(proposed, &avails, &holdbacks, &deals, at).conflicts;
    found.first().map_or(Ok(()), |conflict| Err(refused(conflict, |id| id == proposed.id)))
}

/// `is_asked_for` tells the windows that are to be written from those that are there.
fn refused(conflict: &Conflict, is_asked_for: impl Fn(AvailId) -> bool) -> Error {
    if let Some((deal, _)) = conflict.deal {
        let days = conflict.days().map_or(String::new(), |days| format!(", {days} days"));
        let message = format!("It falls into what another party has alone by its deal {deal}{days}.");
        return Error::new(ErrorKind::Conflict, "AVAIL_CONFLICT", message);
    }
    let message = match &conflict.holdback {
        None => format!("It overlaps with {}, of the same licence type, in a common territory.", conflict.avail_id),
        Some((_, party)) if is_asked_for(conflict.avail_id) => too_early("It opens", conflict, party),
        Some((_, party)) => too_early(&format!("With it {} opens", conflict.avail_id), conflict, party),
    };
    Error::new(ErrorKind::Conflict, "AVAIL_CONFLICT", message)
}

fn too_early(what: &str, conflict: &Conflict, party: &str) -> String {
    match conflict.days() {
        Some(1) => format!("{what} a day too early for what {party} was promised."),
        Some(days) => format!("{what} {days} days too early for what {party} was promised."),
        None => format!("{what} although what {party} was promised has no date yet."),
    }
}

pub async fn insert_holdback(conn: &mut Connection, holdback: &Holdback, at: UtcMs) -> Result<()> {
    let Plan { avails, holdbacks: present, deals } = plan_of(conn, holdback.title_id).await?;
    require_few(present.len() + 1)?;
    require_deal(holdback, &deals)?;
    if let Some(conflict) = held_back(&avails, std::slice::from_ref(holdback), &deals, at).first() {
        let message = too_early(&format!("{} opens", conflict.avail_id), conflict, &holdback.party);
        return Err(Error::new(ErrorKind::Conflict, "HOLDBACK_CONFLICT", message));
    }
    write_holdback(conn, holdback).await?;
    refuse_early_deals(conn, holdback.title_id, at).await
}

/// What it counts from is a deal of its title.
fn require_deal(holdback: &Holdback, deals: &[Deal]) -> Result<()> {
    match holdback.event {
        HoldbackEvent::DealOpening { deal_id } if !deals.iter().any(|deal| deal.id == deal_id) => {
            let message = format!("The title has no deal {deal_id}.");
            Err(Error::new(ErrorKind::Unprocessable, "DEAL_NOT_FOUND", message).with_param("event.deal_id"))
        }
        _ => Ok(()),
    }
}

fn require_few(holdbacks: usize) -> Result<()> {
    if holdbacks > limits::HOLDBACKS_PER_TITLE_MAX {
        let message = format!("A title has at most {} holdbacks.", limits::HOLDBACKS_PER_TITLE_MAX);
        return Err(Error::new(ErrorKind::Conflict, "TOO_MANY_HOLDBACKS", message));
    }
    Ok(())
}

async fn write_holdback(conn: &mut Connection, holdback: &Holdback) -> Result<()> {
    sqlx::query("INSERT INTO holdback (id, title_id, body) VALUES ($1, $2, $3)")
        .bind(holdback.id.to_string())
        .bind(holdback.title_id.to_string())
        .bind(to_json(holdback)?)
        .execute(conn)
        .await?;
    Ok(())
}

pub async fn delete_holdback(conn: &mut Connection, id: HoldbackId, at: UtcMs) -> Result<()> {
    let found = remove_holdback(conn, id).await?;
    append_change(conn, Change::Title(found.title_id), at).await
}

async fn remove_holdback(conn: &mut Connection, id: HoldbackId) -> Result<Holdback> {
    let row = sqlx::query("SELECT body FROM holdback WHERE id = $1").bind(id.to_string());
    let Some(found) = row.fetch_optional(&mut *conn).await?.as_ref().map(holdback).transpose()? else {
        return Err(holdback_not_found());
    };
    sqlx::query("DELETE FROM holdback WHERE id = $1").bind(id.to_string()).execute(&mut *conn).await?;
    Ok(found)
}

fn languages_column(avail: &Avail) -> Result<Option<String>> {
    avail.caps.as_ref().and_then(|caps| caps.languages.as_ref()).map(to_json).transpose()
}

fn format_profile(avail: &Avail) -> FormatProfile {
    avail.caps.as_ref().map_or(FormatProfile::Uhd, |caps| caps.format_profile)
}

pub async fn update_avail(conn: &mut Connection, avail: &Avail, at: UtcMs) -> Result<()> {
    let before = avail_by_id(conn, avail.id).await?;
    require_same_caps(conn, &before, avail, at).await?;
    write_avail(conn, avail, at).await?;
    refuse_conflicts(conn, avail, at).await?;
    refuse_early_deals(conn, avail.title_id, at).await?;
    append_change(conn, Change::Title(avail.title_id), at).await
}

async fn write_avail(conn: &mut Connection, avail: &Avail, at: UtcMs) -> Result<()> {
    let updated = sqlx::query(
        "UPDATE avail SET title_id = $2, license_type = $3, description = $4, territories = $5, start_at = $6, \
         end_at = $7, zone = $8, hard_end_at = $9, languages = $10, format_profile = $11 WHERE id = $1",
    )
    .bind(avail.id.to_string())
    .bind(avail.title_id.to_string())
    .bind(avail.license_type.as_str())
    .bind(&avail.description)
    .bind(to_json(&avail.territories)?)
    .bind(avail.window.start_at.0)
    .bind(avail.window.end_at.map(|end_at| end_at.0))
    .bind(&avail.window.zone)
    .bind(avail.hard_end_at.map(|hard_end_at| hard_end_at.0))
    .bind(languages_column(avail)?)
    .bind(format_profile(avail).as_str())
    .execute(&mut *conn)
    .await?;
    if updated.rows_affected() == 0 {
        return Err(avail_not_found());
    }
    // What was bought before the opening waits for it, wherever it is moved to.
    sqlx::query(
        "UPDATE viewer_grant SET available_at = CASE WHEN issued_at > $2 THEN issued_at ELSE $2 END \
         WHERE avail_id = $1 AND available_at > $3 AND first_play_at IS NULL",
    )
    .bind(avail.id.to_string())
    .bind(avail.window.start_at.0)
    .bind(at.0)
    .execute(&mut *conn)
    .await?;
    Ok(())
}

pub async fn delete_avail(conn: &mut Connection, id: AvailId, at: UtcMs) -> Result<()> {
    let found = remove_avail(conn, id, at).await?;
    let Plan { avails, holdbacks, deals } = plan_of(conn, found.title_id).await?;
    if let Some(waiting) = held_back(&avails, &holdbacks, &deals, at).first() {
        let message = format!("{} waits for its opening; remove that one, or the holdback, first.", waiting.avail_id);
        return Err(Error::new(ErrorKind::Conflict, "AVAIL_AWAITED", message));
    }
    refuse_early_deals(conn, found.title_id, at).await?;
    append_change(conn, Change::Title(found.title_id), at).await
}

/// Offers, grants and sessions stand on what a window was.
async fn require_same_kind(conn: &mut Connection, avail: &Avail, at: UtcMs) -> Result<()> {
    let before = avail_by_id(conn, avail.id).await?;
    if (before.title_id, before.license_type) != (avail.title_id, avail.license_type) {
        let message = format!("The window {} keeps its licence type; make another one.", avail.id);
        return Err(Error::new(ErrorKind::Conflict, "AVAIL_KIND_FIXED", message));
    }
    let is_kept = before.territories.members().iter().all(|territory| avail.territories.contains(territory));
    if !is_kept && is_in_use(conn, &before, at).await? {
        let message = format!(
            "The window {} has opened, or something of it was bought: no territory is taken from it.",
            avail.id
        );
        return Err(Error::new(ErrorKind::Conflict, "AVAIL_IN_USE", message));
    }
    require_same_caps(conn, &before, avail, at).await
}

/// Whoever bought, bought what was let out then. More may be let out at any time.
async fn require_same_caps(conn: &mut Connection, before: &Avail, avail: &Avail, at: UtcMs) -> Result<()> {
    if !caps::keep(avail.caps.as_deref(), before.caps.as_deref()) && is_in_use(conn, before, at).await? {
        let message = format!(
            "The window {} has opened, or something of it was bought: no language and no rung is taken from it. End it, \
             and make another.",
            avail.id
        );
        return Err(Error::new(ErrorKind::Conflict, "AVAIL_IN_USE", message));
    }
    Ok(())
}

async fn avail_by_id(conn: &mut Connection, id: AvailId) -> Result<Avail> {
    let row = sqlx::query("SELECT * FROM avail WHERE id = $1").bind(id.to_string()).fetch_optional(conn).await?;
    row.as_ref().map(avail).transpose()?.ok_or_else(avail_not_found)
}

async fn is_in_use(conn: &mut Connection, avail: &Avail, at: UtcMs) -> Result<bool> {
    let bought = "SELECT 1 FROM purchase WHERE avail_id = $1 OR product_id IN \
        (SELECT b.product_id FROM bundle_offer b JOIN offer f ON f.id = b.offer_id WHERE f.avail_id = $1) LIMIT 1";
    let bought: Option<i64> = sqlx::query_scalar(bought).bind(avail.id.to_string()).fetch_optional(&mut *conn).await?;
    let unlocked: Option<i64> = sqlx::query_scalar("SELECT 1 FROM episode_unlock WHERE avail_id = $1 LIMIT 1")
        .bind(avail.id.to_string())
        .fetch_optional(conn)
        .await?;
    Ok(avail.window.start_at <= at || bought.is_some() || unlocked.is_some())
}

/// What refers to the avail holds it; its offers go with it.
async fn remove_avail(conn: &mut Connection, id: AvailId, at: UtcMs) -> Result<Avail> {
    let found = avail_by_id(conn, id).await?;
    if is_in_use(conn, &found, at).await? {
        return Err(avail_in_use(id));
    }
    let held = |error: sqlx::Error| {
        let is_held = error.as_database_error().is_some_and(DatabaseError::is_foreign_key_violation);
        if is_held { avail_in_use(id) } else { error.into() }
    };
    sqlx::query("DELETE FROM offer WHERE avail_id = $1")
        .bind(id.to_string())
        .execute(&mut *conn)
        .await
        .map_err(held)?;
    sqlx::query("DELETE FROM avail WHERE id = $1").bind(id.to_string()).execute(&mut *conn).await.map_err(held)?;
    Ok(found)
}

fn holdback_not_found() -> Error {
    Error::new(ErrorKind::NotFound, "HOLDBACK_NOT_FOUND", "There is no such holdback.")
}

fn avail_not_found() -> Error {
    Error::new(ErrorKind::NotFound, "AVAIL_NOT_FOUND", "There is no such avail.")
}

fn avail_in_use(id: AvailId) -> Error {
    Error::new(
        ErrorKind::Conflict,
        "AVAIL_IN_USE",
        format!(
            "The window {id} has opened, something of it was bought, or a bundle has an offer of it. End it instead."
        ),
    )
}

pub fn avail(row: &Row) -> Result<Avail> {
    Ok(Avail {
        id: row.parsed("id")?,
        title_id: row.parsed("title_id")?,
        license_type: row.word("license_type", LicenseType::parse)?,
        description: row.text_opt("description")?,
        territories: row.json("territories")?,
        window: Window {
            start_at: row.instant("start_at")?,
            end_at: row.instant_opt("end_at")?,
            zone: row.text("zone")?,
        },
        hard_end_at: row.instant_opt("hard_end_at")?,
        caps: Caps::of(row.json_opt("languages")?, row.word("format_profile", FormatProfile::parse)?),
    })
}

pub fn holdback(row: &Row) -> Result<Holdback> {
    row.json("body")
}
