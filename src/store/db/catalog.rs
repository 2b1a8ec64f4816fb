//! What the catalogue needs of the database.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::base::id::{AssetId, AvailId, HoldbackId, OfferId, TitleId};
use crate::catalog::asset::Asset;
use crate::catalog::licence::{CardSource, ReleaseCard};
use crate::catalog::title::Title;
use crate::rights::avail::Avail;
use crate::rights::deal::Deal;
use crate::rights::delivery::StandingDelivery;
use crate::rights::holdback::Holdback;
use crate::rights::language_terms::Sound;
use crate::rights::offer::Offer;
use crate::rights::plan::PlanChange;
use crate::rights::screener::Screener;
use crate::rights::snapshot::TitleRights;
use crate::store::db::{Idempotency, Page, Written};

/// Titles, assets, avails, holdbacks and offers. Every write of a title, or of what belongs
/// to it, appends a `Change::Title`, every other one a `Change::Catalog`.
#[async_trait]
pub trait CatalogDb: Send + Sync {
    async fn insert_title(&self, title: &Title, idempotency: Option<&Idempotency>) -> Result<Written<()>>;

    /// Replaces the title whose present version is `title.version - 1`; `Precondition` (`VERSION_CONFLICT`) otherwise,
    /// `NotFound` when there is none.
    async fn update_title(&self, title: &Title, at: UtcMs) -> Result<()>;

    async fn title(&self, id: TitleId) -> Result<Option<Title>>;

    /// Records an asset whose bytes are in the object store already. Titles that were played of it while it was made change
    /// with it.
    async fn insert_asset(&self, asset: &Asset) -> Result<()>;

    async fn asset(&self, id: AssetId) -> Result<Option<Asset>>;

    async fn assets(&self, page: &Page) -> Result<Vec<Asset>>;

    /// The release cards that are made, the oldest first.
    async fn cards(&self) -> Result<Vec<(CardSource, ReleaseCard)>>;

    /// Whether a session that is not over at `now` plays this card.
    async fn card_is_played(&self, id: AssetId, now: UtcMs) -> Result<bool>;

    /// Forgets a card whose bytes are gone.
    async fn delete_card(&self, id: AssetId, at: UtcMs) -> Result<()>;

    /// Records an avail; `Conflict` (`AVAIL_CONFLICT`) where another of the title has the same licence type in a common
    /// territory at the same time, or where with it a window opens before a holdback allows.
    async fn insert_avail(&self, avail: &Avail, idempotency: Option<&Idempotency>, at: UtcMs) -> Result<Written<()>> {
        self.insert_avails(std::slice::from_ref(avail), idempotency, at).await
    }

    /// Records avails, all of them or none; `Conflict` as above. A replay names their ids with a space between each two.
    async fn insert_avails(
        &self,
        avails: &[Avail],
        idempotency: Option<&Idempotency>,
        at: UtcMs,
    ) -> Result<Written<()>>;

    /// Replaces an avail; `NotFound` when there is none, `Conflict` as above, and where it has opened by `at`, or something of
    /// it was bought, and it would let out less (`AVAIL_IN_USE`). Grants that wait for its opening wait for the new one.
    async fn update_avail(&self, avail: &Avail, at: UtcMs) -> Result<()>;

    /// Changes the plans of titles, all of them or none; each is looked at as it is in the end. `NotFound` when something that
    /// is to be changed or removed is not there, `Conflict` as above, and as for removing.
    /// A window keeps its licence type (`AVAIL_KIND_FIXED`), and one that has opened by `at` or of which something was bought
    /// its territories, its languages and its rungs. A dry run asks all of that and writes nothing.
    async fn change_plans(&self, changes: &[PlanChange], run: Run, at: UtcMs) -> Result<()>;

    async fn avail(&self, id: AvailId) -> Result<Option<Avail>>;

    /// Removes an avail that has not opened, with its offers; `Conflict` when it has opened by `at` or anything of it was
    /// bought (`AVAIL_IN_USE`), or another waits for its opening (`AVAIL_AWAITED`); `NotFound` when there is none.
    async fn delete_avail(&self, id: AvailId, at: UtcMs) -> Result<()>;

    /// Records a holdback; `Conflict` where a window of its title opens before it allows (`HOLDBACK_CONFLICT`) or the title
    /// has as many as it may (`TOO_MANY_HOLDBACKS`).
    async fn insert_holdback(
        &self,
        holdback: &Holdback,
        idempotency: Option<&Idempotency>,
        at: UtcMs,
    ) -> Result<Written<()>>;

    async fn holdback(&self, id: HoldbackId) -> Result<Option<Holdback>>;

    /// `NotFound` when there is none.
    async fn delete_holdback(&self, id: HoldbackId, at: UtcMs) -> Result<()>;

    async fn insert_offer(&self, offer: &Offer, idempotency: Option<&Idempotency>, at: UtcMs) -> Result<Written<()>>;

    /// From `at` on the offer is sold no more; false when it was withdrawn already, `NotFound` when there is none.
    async fn withdraw_offer(&self, id: OfferId, at: UtcMs) -> Result<bool>;

    async fn offer(&self, id: OfferId) -> Result<Option<Offer>>;

    /// A title with everything a snapshot has of it, in id order, read at one moment.
    async fn rights_of(&self, id: TitleId) -> Result<Option<TitleRights>>;

    /// Everything a snapshot is made of, in id order, read at one moment.
    async fn catalog(&self) -> Result<WholeCatalog>;
}

/// Whether something is done, or only asked whether it could be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    Dry,
    Real,
}

/// All that is known of titles and their rights.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WholeCatalog {
    pub titles: Vec<Title>,
    pub avails: Vec<Avail>,
    pub offers: Vec<Offer>,
    pub holdbacks: Vec<Holdback>,
    pub deals: Vec<Deal>,
    /// Of the films of titles that have a window which keeps languages back.
    pub sounds: BTreeMap<AssetId, Sound>,
    pub screeners: Vec<Screener>,
    /// The files that parties have, each with the title of its deal.
    pub deliveries: Vec<(TitleId, StandingDelivery)>,
}
