//! SQL of [`CatalogDb`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use futures_util::TryStreamExt;

use super::deal::deal;
use super::delivery::{STANDING, standing_of, titled};
use super::plan::{
    self, Plan, avail, delete_avail, delete_holdback, holdback, insert_avail, insert_holdback, plan_of,
    refuse_conflicts, update_avail,
};
use super::playback::append_change;
use super::row::{Columns, clock_columns, to_json};
use super::screener::{screener, screeners_of};
use super::series::require_season;
use super::{Connection, Row, SqlDb, idempotency};
use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{AssetId, AvailId, HoldbackId, OfferId, TitleId};
use crate::base::money::Money;
use crate::catalog::asset::{Asset, AssetDetails, AssetState};
use crate::catalog::licence::{CardSource, ReleaseCard};
use crate::catalog::title::{Title, TitleStatus};
use crate::rights::avail::Avail;
use crate::rights::caps::keep_languages_back;
use crate::rights::holdback::Holdback;
use crate::rights::language_terms::Sound;
use crate::rights::offer::{Offer, OfferKind};
use crate::rights::plan::PlanChange;
use crate::rights::snapshot::TitleRights;
use crate::store::db::catalog::Run;
use crate::store::db::playback::Change;
use crate::store::db::{CatalogDb, Idempotency, Page, WholeCatalog, Written};

#[async_trait]
impl CatalogDb for SqlDb {
    async fn insert_title(&self, title: &Title, idempotency: Option<&Idempotency>) -> Result<Written<()>> {
        let (title, idempotency) = (title.clone(), idempotency.cloned());
        self.write(move |conn| Box::pin(async move { insert_title(conn, &title, idempotency.as_ref()).await })).await
    }

    async fn update_title(&self, title: &Title, at: UtcMs) -> Result<()> {
        let title = title.clone();
        self.write(move |conn| Box::pin(async move { update_title(conn, &title, at).await })).await
    }

    async fn title(&self, id: TitleId) -> Result<Option<Title>> {
        let row =
            sqlx::query("SELECT * FROM title WHERE id = $1").bind(id.to_string()).fetch_optional(&self.readers).await?;
        row.as_ref().map(title).transpose()
    }

    async fn insert_asset(&self, asset: &Asset) -> Result<()> {
        let asset = asset.clone();
        self.write(move |conn| Box::pin(async move { insert_asset(conn, &asset).await })).await
    }

    async fn asset(&self, id: AssetId) -> Result<Option<Asset>> {
        let row =
            sqlx::query("SELECT * FROM asset WHERE id = $1").bind(id.to_string()).fetch_optional(&self.readers).await?;
        row.as_ref().map(asset).transpose()
    }

    async fn assets(&self, page: &Page) -> Result<Vec<Asset>> {
        let rows = sqlx::query("SELECT * FROM asset WHERE id > $1 ORDER BY id LIMIT $2")
            .bind(page.after.as_deref().unwrap_or(""))
            .bind(i64::from(page.limit))
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(asset).collect()
    }

    async fn cards(&self) -> Result<Vec<(CardSource, ReleaseCard)>> {
        let rows = sqlx::query("SELECT id, card, duration_ms FROM asset WHERE card IS NOT NULL ORDER BY id")
            .fetch_all(&self.readers)
            .await?;
        let card = |row: &Row| {
            Ok((row.json("card")?, ReleaseCard { asset_id: row.parsed("id")?, duration_ms: row.int("duration_ms")? }))
        };
        rows.iter().map(card).collect()
    }

    async fn card_is_played(&self, id: AssetId, now: UtcMs) -> Result<bool> {
        let row = sqlx::query("SELECT id FROM session WHERE card_asset_id = $1 AND expires_at > $2 LIMIT 1")
            .bind(id.to_string())
            .bind(now.0)
            .fetch_optional(&self.readers)
            .await?;
        Ok(row.is_some())
    }

    async fn delete_card(&self, id: AssetId, at: UtcMs) -> Result<()> {
        self.write(move |conn| {
            Box::pin(async move {
                sqlx::query("DELETE FROM asset WHERE id = $1 AND card IS NOT NULL")
                    .bind(id.to_string())
                    .execute(&mut *conn)
                    .await?;
                append_change(conn, Change::Catalog, at).await
            })
        })
        .await
    }

    async fn insert_avails(
        &self,
        avails: &[Avail],
        idempotency: Option<&Idempotency>,
        at: UtcMs,
    ) -> Result<Written<()>> {
        let (avails, idempotency) = (avails.to_vec(), idempotency.cloned());
        self.write(move |conn| {
            Box::pin(async move {
                if let Some(written) = idempotency::seen(conn, idempotency.as_ref()).await? {
                    return Ok(written);
                }
                for avail in &avails {
                    insert_avail(conn, avail).await?;
                    append_change(conn, Change::Title(avail.title_id), at).await?;
                }
                // They may wait for one another.
                for avail in &avails {
                    refuse_conflicts(conn, avail, at).await?;
                }
                let ids: Vec<String> = avails.iter().map(|avail| avail.id.to_string()).collect();
                idempotency::remember(conn, idempotency.as_ref(), &ids.join(" "), at).await?;
                Ok(Written::New(()))
            })
        })
        .await
    }

    async fn update_avail(&self, avail: &Avail, at: UtcMs) -> Result<()> {
        let avail = avail.clone();
        self.write(move |conn| Box::pin(async move { update_avail(conn, &avail, at).await })).await
    }

    async fn change_plans(&self, changes: &[PlanChange], run: Run, at: UtcMs) -> Result<()> {
        let (changes, is_asked) = (changes.to_vec(), Arc::new(AtomicBool::new(false)));
        let asked = is_asked.clone();
        let written = self.write(move |conn| {
            Box::pin(async move {
                for change in &changes {
                    plan::change(conn, change, at).await?;
                }
                asked.store(run == Run::Dry, Ordering::Relaxed);
                // What has failed is rolled back.
                if run == Run::Dry { Err(Error::internal("a dry run ends here")) } else { Ok(()) }
            })
        });
        match written.await {
            Err(_) if is_asked.load(Ordering::Relaxed) => Ok(()),
            written => written,
        }
    }

    async fn avail(&self, id: AvailId) -> Result<Option<Avail>> {
        let row =
            sqlx::query("SELECT * FROM avail WHERE id = $1").bind(id.to_string()).fetch_optional(&self.readers).await?;
        row.as_ref().map(avail).transpose()
    }

    async fn insert_offer(&self, offer: &Offer, idempotency: Option<&Idempotency>, at: UtcMs) -> Result<Written<()>> {
        let (offer, idempotency) = (offer.clone(), idempotency.cloned());
        self.write(move |conn| {
            Box::pin(async move {
                if let Some(written) = idempotency::seen(conn, idempotency.as_ref()).await? {
                    return Ok(written);
                }
                insert_offer(conn, &offer).await?;
                idempotency::remember(conn, idempotency.as_ref(), &offer.id.to_string(), at).await?;
                append_change(conn, Change::Title(offer.title_id), at).await?;
                Ok(Written::New(()))
            })
        })
        .await
    }

    async fn offer(&self, id: OfferId) -> Result<Option<Offer>> {
        let row =
            sqlx::query("SELECT * FROM offer WHERE id = $1").bind(id.to_string()).fetch_optional(&self.readers).await?;
        row.as_ref().map(offer).transpose()
    }

    async fn delete_avail(&self, id: AvailId, at: UtcMs) -> Result<()> {
        self.write(move |conn| Box::pin(async move { delete_avail(conn, id, at).await })).await
    }

    async fn withdraw_offer(&self, id: OfferId, at: UtcMs) -> Result<bool> {
        self.write(move |conn| Box::pin(async move { withdraw_offer(conn, id, at).await })).await
    }

    async fn insert_holdback(
        &self,
        holdback: &Holdback,
        idempotency: Option<&Idempotency>,
        at: UtcMs,
    ) -> Result<Written<()>> {
        let (holdback, idempotency) = (holdback.clone(), idempotency.cloned());
        self.write(move |conn| {
            Box::pin(async move {
                if let Some(written) = idempotency::seen(conn, idempotency.as_ref()).await? {
                    return Ok(written);
                }
                insert_holdback(conn, &holdback, at).await?;
                idempotency::remember(conn, idempotency.as_ref(), &holdback.id.to_string(), at).await?;
                append_change(conn, Change::Title(holdback.title_id), at).await?;
                Ok(Written::New(()))
            })
        })
        .await
    }

    async fn holdback(&self, id: HoldbackId) -> Result<Option<Holdback>> {
        let row = sqlx::query("SELECT body FROM holdback WHERE id = $1").bind(id.to_string());
        row.fetch_optional(&self.readers).await?.as_ref().map(holdback).transpose()
    }

    async fn delete_holdback(&self, id: HoldbackId, at: UtcMs) -> Result<()> {
        self.write(move |conn| Box::pin(async move { delete_holdback(conn, id, at).await })).await
    }

    async fn rights_of(&self, id: TitleId) -> Result<Option<TitleRights>> {
        let mut moment = self.readers.begin().await?;
        let rights = rights_of(&mut moment, id).await?;
        moment.rollback().await?;
        Ok(rights)
    }

    async fn catalog(&self) -> Result<WholeCatalog> {
        // One transaction sees one moment.
        let mut moment = self.readers.begin().await?;
        let titles = all(&mut moment, "SELECT * FROM title ORDER BY id", title).await?;
        let avails = all(&mut moment, "SELECT * FROM avail ORDER BY id", avail).await?;
        let offers = all(&mut moment, "SELECT * FROM offer ORDER BY id", offer).await?;
        let holdbacks = all(&mut moment, "SELECT body FROM holdback ORDER BY id", holdback).await?;
        let deals = all(&mut moment, "SELECT body FROM deal ORDER BY id", deal).await?;
        let screeners = all(&mut moment, "SELECT body FROM screener ORDER BY id", screener).await?;
        let deliveries = all(&mut moment, STANDING, titled).await?;
        let of_avails = avails.iter().map(|avail| (avail.title_id, &avail.caps));
        let of_deals = deals.iter().map(|deal| (deal.title_id, &deal.caps));
        let kept = of_avails.chain(of_deals).filter(|(_, caps)| keep_languages_back(caps.as_deref()));
        let kept: BTreeSet<TitleId> = kept.map(|(title, _)| title).collect();
        let films = titles.iter().filter(|title| kept.contains(&title.id)).flat_map(Title::films);
        let sounds = sounds(&mut moment, films.collect()).await?;
        moment.rollback().await?;
        Ok(WholeCatalog { titles, avails, offers, holdbacks, deals, sounds, screeners, deliveries })
    }
}

/// Row by row: of a large table the rows take more room than what is read from them.
async fn all<T>(conn: &mut Connection, query: &'static str, read: fn(&Row) -> Result<T>) -> Result<Vec<T>> {
    let mut rows = sqlx::query(query).fetch(conn);
    let mut all = Vec::new();
    while let Some(row) = rows.try_next().await? {
        all.push(read(&row)?);
    }
    Ok(all)
}

async fn rights_of(conn: &mut Connection, id: TitleId) -> Result<Option<TitleRights>> {
    let one = sqlx::query("SELECT * FROM title WHERE id = $1").bind(id.to_string()).fetch_optional(&mut *conn).await?;
    let Some(found) = one.as_ref().map(title).transpose()? else { return Ok(None) };
    let Plan { avails, holdbacks, deals } = plan_of(conn, id).await?;
    let offers = sqlx::query("SELECT * FROM offer WHERE title_id = $1 ORDER BY id").bind(id.to_string());
    let offers = offers.fetch_all(&mut *conn).await?;
    let offers = offers.iter().map(offer).collect::<Result<_>>()?;
    let mut caps = avails.iter().map(|avail| &avail.caps).chain(deals.iter().map(|deal| &deal.caps));
    let matters = caps.any(|caps| keep_languages_back(caps.as_deref()));
    let films = if matters { found.films().collect() } else { [].into() };
    let sounds = sounds(&mut *conn, films).await?;
    let screeners = screeners_of(conn, id).await?;
    let deliveries = standing_of(conn, id).await?;
    Ok(Some(TitleRights {
        title: found,
        avails,
        offers,
        holdbacks,
        deals,
        screeners,
        deliveries,
        sounds,
        placement_blocks: None,
    }))
}

/// What is heard in these films, as far as it was noted when they were packaged.
async fn sounds(conn: &mut Connection, films: BTreeSet<AssetId>) -> Result<BTreeMap<AssetId, Sound>> {
    let mut sounds = BTreeMap::new();
    for film in films {
        let row = sqlx::query("SELECT details FROM asset WHERE id = $1").bind(film.to_string());
        let Some(row) = row.fetch_optional(&mut *conn).await? else { continue };
        let details: AssetDetails = row.json("details")?;
        sounds.extend(details.sound_languages().map(|languages| (film, Sound(languages))));
    }
    Ok(sounds)
}

/// Of an asset that is there in part the rest comes with it; a complete one is there already or not at all.
pub async fn insert_asset(conn: &mut Connection, asset: &Asset) -> Result<()> {
    let fingerprint = match &asset.state {
        AssetState::Complete => None,
        AssetState::Partial { fingerprint } => Some(fingerprint),
    };
    let partial = sqlx::query("DELETE FROM asset WHERE id = $1 AND partial_fingerprint IS NOT NULL")
        .bind(asset.id.to_string())
        .execute(&mut *conn)
        .await?;
    sqlx::query(
        "INSERT INTO asset (id, source_name, duration_ms, created_at, details, card, partial_fingerprint) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(asset.id.to_string())
    .bind(&asset.source_name)
    .bind(asset.duration_ms)
    .bind(asset.created_at.0)
    .bind(to_json(&asset.details)?)
    .bind(asset.details.card_of.as_ref().map(to_json).transpose()?)
    .bind(fingerprint)
    .execute(&mut *conn)
    .await?;
    if partial.rows_affected() > 0 && fingerprint.is_none() {
        // Now it is known what it speaks.
        let titles = sqlx::query("SELECT id FROM title WHERE parts LIKE $1").bind(format!("%\"{}\"%", asset.id));
        for row in titles.fetch_all(&mut *conn).await? {
            append_change(conn, Change::Title(row.parsed("id")?), asset.created_at).await?;
        }
    }
    append_change(conn, Change::Catalog, asset.created_at).await
}

async fn insert_title(conn: &mut Connection, title: &Title, idempotency: Option<&Idempotency>) -> Result<Written<()>> {
    if let Some(written) = idempotency::seen(conn, idempotency).await? {
        return Ok(written);
    }
    require_season(conn, title).await?;
    let season = title.details.season;
    sqlx::query(
        "INSERT INTO title (id, name, synopsis, status, parts, runtime_ms, created_at, version, details, series_id, \
         season) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(title.id.to_string())
    .bind(to_json(&title.name)?)
    .bind(to_json(&title.synopsis)?)
    .bind(title.status.as_str())
    .bind(to_json(&title.parts)?)
    .bind(title.runtime_ms)
    .bind(title.created_at.0)
    .bind(title.version)
    .bind(to_json(&title.details)?)
    .bind(season.map(|season| season.series_id.to_string()))
    .bind(season.map(|season| i64::from(season.number)))
    .execute(&mut *conn)
    .await?;
    idempotency::remember(conn, idempotency, &title.id.to_string(), title.created_at).await?;
    append_change(conn, Change::Title(title.id), title.created_at).await?;
    Ok(Written::New(()))
}

async fn update_title(conn: &mut Connection, title: &Title, at: UtcMs) -> Result<()> {
    require_season(conn, title).await?;
    let season = title.details.season;
    let updated = sqlx::query(
        "UPDATE title SET name = $2, synopsis = $3, status = $4, parts = $5, runtime_ms = $6, version = $7, \
         details = $9, series_id = $10, season = $11 WHERE id = $1 AND version = $8",
    )
    .bind(title.id.to_string())
    .bind(to_json(&title.name)?)
    .bind(to_json(&title.synopsis)?)
    .bind(title.status.as_str())
    .bind(to_json(&title.parts)?)
    .bind(title.runtime_ms)
    .bind(title.version)
    .bind(title.version - 1)
    .bind(to_json(&title.details)?)
    .bind(season.map(|season| season.series_id.to_string()))
    .bind(season.map(|season| i64::from(season.number)))
    .execute(&mut *conn)
    .await?;
    if updated.rows_affected() == 1 {
        return append_change(conn, Change::Title(title.id), at).await;
    }
    let present: Option<i64> = sqlx::query_scalar("SELECT version FROM title WHERE id = $1")
        .bind(title.id.to_string())
        .fetch_optional(conn)
        .await?;
    Err(match present {
        Some(version) => Error::new(
            ErrorKind::Precondition,
            "VERSION_CONFLICT",
            format!("The title has been changed by somebody else and is at version {version}; load it again."),
        ),
        None => Error::new(ErrorKind::NotFound, "TITLE_NOT_FOUND", "There is no such title."),
    })
}

async fn withdraw_offer(conn: &mut Connection, id: OfferId, at: UtcMs) -> Result<bool> {
    let withdrawn = sqlx::query("UPDATE offer SET withdrawn_at = $2 WHERE id = $1 AND withdrawn_at IS NULL")
        .bind(id.to_string())
        .bind(at.0)
        .execute(&mut *conn)
        .await?;
    let present =
        sqlx::query("SELECT * FROM offer WHERE id = $1").bind(id.to_string()).fetch_optional(&mut *conn).await?;
    match present.as_ref().map(offer).transpose()? {
        Some(offer) if withdrawn.rows_affected() == 1 => {
            append_change(conn, Change::Title(offer.title_id), at).await?;
            Ok(true)
        }
        Some(_) => Ok(false),
        None => Err(Error::new(ErrorKind::NotFound, "OFFER_NOT_FOUND", "There is no such offer.")),
    }
}

async fn insert_offer(conn: &mut Connection, offer: &Offer) -> Result<()> {
    let currency = offer.list_price.currency;
    assert!(
        offer.member_price.is_none_or(|price| price.currency == currency),
        "Offer::check has seen that both prices are in one currency"
    );
    let (start_within_ms, watch_ms, until_members) = clock_columns(offer.clock);
    sqlx::query(
        "INSERT INTO offer (id, title_id, avail_id, kind, list_price_minor, member_price_minor, currency, \
         start_within_ms, watch_ms, streams, presale_from_at, withdrawn_at, until_members, sales_cutoff_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind(offer.id.to_string())
    .bind(offer.title_id.to_string())
    .bind(offer.avail_id.to_string())
    .bind(offer.kind.as_str())
    .bind(offer.list_price.minor)
    .bind(offer.member_price.map(|price| price.minor))
    .bind(currency.code())
    .bind(start_within_ms)
    .bind(watch_ms)
    .bind(i64::from(offer.streams))
    .bind(offer.presale_from_at.map(|at| at.0))
    .bind(offer.withdrawn_at.map(|at| at.0))
    .bind(until_members)
    .bind(offer.sales_cutoff_ms)
    .execute(conn)
    .await?;
    Ok(())
}

fn title(row: &Row) -> Result<Title> {
    Ok(Title {
        id: row.parsed("id")?,
        name: row.json("name")?,
        synopsis: row.json("synopsis")?,
        status: row.word("status", TitleStatus::parse)?,
        parts: row.json("parts")?,
        runtime_ms: row.int("runtime_ms")?,
        details: row.json("details")?,
        created_at: row.instant("created_at")?,
        version: row.int("version")?,
    })
}

pub fn asset(row: &Row) -> Result<Asset> {
    Ok(Asset {
        id: row.parsed("id")?,
        source_name: row.text("source_name")?,
        duration_ms: row.int("duration_ms")?,
        details: row.json("details")?,
        created_at: row.instant("created_at")?,
        state: match row.text_opt("partial_fingerprint")? {
            None => AssetState::Complete,
            Some(fingerprint) => AssetState::Partial { fingerprint },
        },
    })
}

fn offer(row: &Row) -> Result<Offer> {
    let list_price = row.money("list_price_minor")?;
    let member_price = row.int_opt("member_price_minor")?.map(|minor| Money::new(minor, list_price.currency));
    Ok(Offer {
        id: row.parsed("id")?,
        title_id: row.parsed("title_id")?,
        avail_id: row.parsed("avail_id")?,
        kind: row.word("kind", OfferKind::parse)?,
        list_price,
        member_price,
        clock: row.grant_clock()?,
        streams: row.count("streams")?,
        presale_from_at: row.instant_opt("presale_from_at")?,
        sales_cutoff_ms: row.int("sales_cutoff_ms")?,
        withdrawn_at: row.instant_opt("withdrawn_at")?,
    })
}
