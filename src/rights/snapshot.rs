//! Everything the catalogue says about rights, in memory: what `decide` and the gate read. A change of the catalogue
//! makes a new snapshot, which has everything else in common with the one before; nobody ever sees half of one.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::base::clock::UtcMs;
use crate::base::id::{
    AssetId, AvailId, CollectionId, DealId, OfferId, PartyId, ProductId, ScreenerId, SeriesId, TitleId, ViewerId,
};
use crate::base::money::Currency;
use crate::base::shared_map::SharedMap;
use crate::base::territory::Territory;
use crate::catalog::collection::Collection;
use crate::catalog::licence::{CardSource, ReleaseCard};
use crate::catalog::series::{Season, Series};
use crate::catalog::storefront::Storefronts;
use crate::catalog::title::{Title, TitleStatus};
use crate::rights::avail::Avail;
use crate::rights::caps::{Caps, hear_together, keep_languages_back};
use crate::rights::deal::Deal;
use crate::rights::delivery::{StandingDelivery, missing_parts};
use crate::rights::edit;
use crate::rights::holdback::Holdback;
use crate::rights::language_range::LanguageRange;
use crate::rights::language_terms::{Hearing, LanguageTerms, Sound, TrackUse};
use crate::rights::offer::Offer;
use crate::rights::party::Party;
use crate::rights::placement_blocks::PlacementBlocks;
use crate::rights::product::Product;
use crate::rights::screener::Screener;

/// One title with its avails, offers, holdbacks, deals and what was sent under them, and invitations. It lies in memory as it
/// is written here: first what every decision reads.
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct TitleRights {
    pub avails: Vec<Avail>,
    pub offers: Vec<Offer>,
    pub holdbacks: Vec<Holdback>,
    pub deals: Vec<Deal>,
    pub title: Title,
    pub screeners: Vec<Screener>,
    /// The files that parties have, the newest last.
    pub deliveries: Vec<StandingDelivery>,
    /// What is heard in its films, as far as it is known: only of a title some window of which keeps languages back.
    pub sounds: BTreeMap<AssetId, Sound>,
    /// What may not be placed where; only of a title with placements.
    pub placement_blocks: Option<Arc<PlacementBlocks>>,
}

impl TitleRights {
    /// A title that nothing is known of yet.
    pub fn of(title: Title) -> TitleRights {
        TitleRights {
            title,
            avails: Vec::new(),
            offers: Vec::new(),
            holdbacks: Vec::new(),
            deals: Vec::new(),
            screeners: Vec::new(),
            deliveries: Vec::new(),
            sounds: BTreeMap::new(),
            placement_blocks: None,
        }
    }

    pub fn avail(&self, id: AvailId) -> Option<&Avail> {
        self.avails.iter().find(|avail| avail.id == id)
    }

    /// What of a part may be heard in a territory under these caps by somebody who wants a language. Where it is not known
    /// what the film speaks, that is told when it is opened.
    pub fn hearing(
        &self,
        part: u32,
        caps: Option<&Caps>,
        place: Option<Territory>,
        wanted: Option<&LanguageRange>,
    ) -> Hearing {
        let terms = caps.and_then(|caps| caps.languages.as_ref());
        if terms.is_none() && wanted.is_none() {
            return Hearing::Wanted;
        }
        if let Some(sound) = self.sound(part, place) {
            return sound.hearing(terms, wanted);
        }
        let is_wanted = wanted.is_none_or(|range| terms.is_none_or(|terms| terms.let_range_be_heard(range)));
        if is_wanted { Hearing::Wanted } else { Hearing::Other }
    }

    /// Whether all of its sound in a territory that `before` lets out may be heard under these together.
    pub fn is_all_heard(&self, under: &[Option<&Caps>], before: Option<&Caps>, place: Option<Territory>) -> bool {
        let before = before.and_then(|caps| caps.languages.as_ref());
        // One that keeps nothing back lets out everything.
        let under = under.iter().map(|caps| caps.and_then(|caps| caps.languages.as_ref()));
        let under: Option<Vec<&LanguageTerms>> = under.collect();
        let Some(under) = under else { return true };
        let sounds = self.sounds_in(place);
        if sounds.is_empty() {
            return under.iter().any(|terms| terms.keep_heard(before));
        }
        let is_let = |terms: &LanguageTerms, language: Option<&str>| terms.let_out(language, TrackUse::Heard);
        let mut tracks = sounds.iter().flat_map(|sound| &sound.0).map(Option::as_deref);
        tracks.all(|language| {
            before.is_some_and(|before| !is_let(before, language)) || under.iter().any(|terms| is_let(terms, language))
        })
    }

    /// Whether something of its sound in a territory may be heard under both.
    pub fn is_heard_under_both(&self, one: Option<&Caps>, other: Option<&Caps>, place: Option<Territory>) -> bool {
        let sounds = self.sounds_in(place);
        if sounds.is_empty() || sounds.iter().any(|sound| sound.0.is_empty()) {
            return hear_together(one, other);
        }
        let is_let = |caps: Option<&Caps>, language: Option<&str>| {
            let terms = caps.and_then(|caps| caps.languages.as_ref());
            terms.is_none_or(|terms| terms.let_out(language, TrackUse::Heard))
        };
        let mut tracks = sounds.iter().flat_map(|sound| &sound.0).map(Option::as_deref);
        tracks.any(|language| is_let(one, language) && is_let(other, language))
    }

    /// What is heard in its parts in a territory, as far as it is known.
    fn sounds_in(&self, place: Option<Territory>) -> Vec<&Sound> {
        let parts = u32::try_from(self.title.parts.len()).unwrap_or(u32::MAX);
        (1..=parts).filter_map(|part| self.sound(part, place)).collect()
    }

    /// Whether something of a part may be heard in a territory under an avail.
    pub fn is_heard(&self, part: u32, avail: &Avail, place: Option<Territory>) -> bool {
        self.hearing(part, avail.caps.as_deref(), place, None) != Hearing::Mute
    }

    /// What is heard in what is shown of a part in a territory, as far as it is known.
    pub fn sound(&self, part: u32, place: Option<Territory>) -> Option<&Sound> {
        self.sounds.get(&edit::film_of(self, part, place)?)
    }

    /// Whether any part is heard under it: nothing is sold under which none is.
    pub fn is_heard_at_all(&self, avail: &Avail, place: Option<Territory>) -> bool {
        let parts = u32::try_from(self.title.parts.len()).unwrap_or(u32::MAX);
        avail.caps.is_none() || (1..=parts).any(|part| self.is_heard(part, avail, place))
    }

    /// Whether a window or a deal keeps languages back: then it matters what its films speak.
    pub fn keeps_languages_back(&self) -> bool {
        self.avails.iter().any(|avail| keep_languages_back(avail.caps.as_deref()))
            || self.deals.iter().any(|deal| keep_languages_back(deal.caps.as_deref()))
    }

    pub fn deal(&self, id: DealId) -> Option<&Deal> {
        self.deals.iter().find(|deal| deal.id == id)
    }

    /// Of the newest files of each part that a deal's party has the one that is settled least.
    pub fn delivery_of(&self, deal: DealId) -> Option<&StandingDelivery> {
        let mut seen = BTreeSet::new();
        let its = self.deliveries.iter().rev().filter(|delivery| delivery.deal_id == deal);
        its.filter(|delivery| seen.insert(delivery.part)).min_by_key(|delivery| delivery.status.settled())
    }

    /// The parts that a channel has accepted no file of, while that is urgent; none of a title that nobody may show.
    pub fn missing_parts(&self, deal: &Deal, now: UtcMs) -> Vec<u32> {
        if self.title.status == TitleStatus::Withdrawn {
            return Vec::new();
        }
        let parts = u32::try_from(self.title.parts.len()).unwrap_or(u32::MAX);
        missing_parts(deal, parts, &self.deliveries, now)
    }

    pub fn screener(&self, id: ScreenerId) -> Option<&Screener> {
        self.screeners.iter().find(|screener| screener.id == id)
    }

    /// What a viewer is invited to of it, revoked or over as it may be.
    pub fn screeners_of(&self, viewer: ViewerId) -> impl Iterator<Item = &Screener> {
        self.screeners.iter().filter(move |screener| screener.viewer_id == viewer)
    }

    /// The title with the offers of one currency only: what a storefront sells of it.
    pub fn sold_in(&self, currency: Currency) -> Cow<'_, TitleRights> {
        let is_sold = |offer: &Offer| offer.list_price.currency == currency;
        if self.offers.iter().all(is_sold) {
            return Cow::Borrowed(self);
        }
        let offers = self.offers.iter().filter(|offer| is_sold(offer)).cloned().collect();
        Cow::Owned(TitleRights { offers, ..self.clone() })
    }

    /// The offers under one avail.
    pub fn offers_of(&self, avail: AvailId) -> impl Iterator<Item = &Offer> {
        self.offers.iter().filter(move |offer| offer.avail_id == avail)
    }
}

fn key_of(season: Season) -> (SeriesId, u32) {
    (season.series_id, season.number)
}

/// All titles at one moment of the catalogue.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    titles: SharedMap<TitleId, Arc<TitleRights>>,
    offers: SharedMap<OfferId, TitleId>,
    /// Oldest first.
    order: Arc<Vec<TitleId>>,
    storefronts: Arc<Storefronts>,
    parties: Arc<HashMap<PartyId, Party>>,
    /// Oldest first.
    products: Arc<Vec<Product>>,
    placement_blocks: Arc<PlacementBlocks>,
    series: Arc<BTreeMap<SeriesId, Series>>,
    /// By series and number.
    seasons: Arc<BTreeMap<(SeriesId, u32), TitleId>>,
    collections: Arc<BTreeMap<CollectionId, Collection>>,
    /// By film; the newest last.
    cards: Arc<HashMap<AssetId, Vec<(CardSource, ReleaseCard)>>>,
}

impl Snapshot {
    /// Titles keep the order they come in.
    pub fn new(
        titles: Vec<Title>,
        avails: Vec<Avail>,
        offers: Vec<Offer>,
        holdbacks: Vec<Holdback>,
        deals: Vec<Deal>,
    ) -> Snapshot {
        let order: Vec<TitleId> = titles.iter().map(|title| title.id).collect();
        let offer_titles = offers.iter().map(|offer| (offer.id, offer.title_id)).collect();
        let seasons = titles.iter().filter_map(|title| Some((key_of(title.details.season?), title.id))).collect();
        let mut rights: HashMap<TitleId, TitleRights> =
            titles.into_iter().map(|title| (title.id, TitleRights::of(title))).collect();
        for avail in avails {
            if let Some(entry) = rights.get_mut(&avail.title_id) {
                entry.avails.push(avail);
            }
        }
        for offer in offers {
            if let Some(entry) = rights.get_mut(&offer.title_id) {
                entry.offers.push(offer);
            }
        }
        for holdback in holdbacks {
            if let Some(entry) = rights.get_mut(&holdback.title_id) {
                entry.holdbacks.push(holdback);
            }
        }
        for deal in deals {
            if let Some(entry) = rights.get_mut(&deal.title_id) {
                entry.deals.push(deal);
            }
        }
        let titles = rights.into_iter().map(|(id, mut entry)| {
            entry.avails.shrink_to_fit();
            entry.offers.shrink_to_fit();
            entry.holdbacks.shrink_to_fit();
            entry.deals.shrink_to_fit();
            (id, Arc::new(entry))
        });
        Snapshot {
            titles: titles.collect(),
            offers: offer_titles,
            order: order.into(),
            seasons: Arc::new(seasons),
            ..Snapshot::default()
        }
    }

    /// The same with who is invited to what.
    pub fn with_screeners(self, screeners: Vec<Screener>) -> Snapshot {
        let mut invited: HashMap<TitleId, Vec<Screener>> = HashMap::new();
        for screener in screeners {
            invited.entry(screener.title_id).or_default().push(screener);
        }
        let with = |(id, screeners): (TitleId, Vec<Screener>)| {
            Some(TitleRights { screeners, ..TitleRights::clone(self.title(id)?) })
        };
        let titles: Vec<TitleRights> = invited.into_iter().filter_map(with).collect();
        if titles.is_empty() { self } else { self.with_titles(titles) }
    }

    /// The same with what parties were sent.
    pub fn with_deliveries(self, deliveries: Vec<(TitleId, StandingDelivery)>) -> Snapshot {
        let mut sent: HashMap<TitleId, Vec<StandingDelivery>> = HashMap::new();
        for (title, delivery) in deliveries {
            sent.entry(title).or_default().push(delivery);
        }
        let with = |(id, deliveries): (TitleId, Vec<StandingDelivery>)| {
            Some(TitleRights { deliveries, ..TitleRights::clone(self.title(id)?) })
        };
        let titles: Vec<TitleRights> = sent.into_iter().filter_map(with).collect();
        if titles.is_empty() { self } else { self.with_titles(titles) }
    }

    /// The same with these titles as they are now; one that was not there comes last.
    pub fn with_titles(&self, rights: Vec<TitleRights>) -> Snapshot {
        let ids = |rights: &TitleRights| rights.offers.iter().map(|offer| offer.id).collect::<Vec<_>>();
        let before = rights.iter().filter_map(|rights| self.title(rights.title.id));
        let gone: Vec<OfferId> = before.flat_map(|before| ids(before)).collect();
        let offers = rights.iter().flat_map(|rights| ids(rights).into_iter().map(|offer| (offer, rights.title.id)));
        let offers = self.offers.changed(gone, offers);
        let new = rights.iter().map(|rights| rights.title.id).filter(|id| self.titles.get(id).is_none());
        let new: Vec<TitleId> = new.collect();
        let order =
            if new.is_empty() { self.order.clone() } else { Arc::new(self.order.iter().copied().chain(new).collect()) };
        let seasons = self.seasons_with(&rights);
        let titles = rights.into_iter().map(|mut rights| {
            let has_placements = !rights.title.details.placements.is_empty();
            rights.placement_blocks = has_placements.then(|| self.placement_blocks.clone());
            (rights.title.id, Arc::new(rights))
        });
        Snapshot { titles: self.titles.changed([], titles), offers, order, seasons, ..self.clone() }
    }

    /// Which titles are seasons, with these as they are now.
    fn seasons_with(&self, rights: &[TitleRights]) -> Arc<BTreeMap<(SeriesId, u32), TitleId>> {
        let before = |rights: &TitleRights| self.title(rights.title.id)?.title.details.season;
        let is_same = |rights: &TitleRights| before(rights) == rights.title.details.season;
        if rights.iter().all(is_same) {
            return self.seasons.clone();
        }
        let mut seasons = BTreeMap::clone(&self.seasons);
        for rights in rights {
            // Another title may have taken its place already.
            if let Some(key) = before(rights).map(key_of)
                && seasons.get(&key) == Some(&rights.title.id)
            {
                seasons.remove(&key);
            }
        }
        let now = rights.iter().filter_map(|rights| Some((key_of(rights.title.details.season?), rights.title.id)));
        seasons.extend(now);
        Arc::new(seasons)
    }

    /// The same with what is heard in these films.
    pub fn with_sounds(self, sounds: &BTreeMap<AssetId, Sound>) -> Snapshot {
        let of = |rights: &Arc<TitleRights>| {
            let heard = |asset: AssetId| Some((asset, sounds.get(&asset)?.clone()));
            let sounds: BTreeMap<_, _> = rights.title.films().filter_map(heard).collect();
            (!sounds.is_empty()).then(|| TitleRights { sounds, ..TitleRights::clone(rights) })
        };
        let heard: Vec<TitleRights> =
            self.titles().filter(|rights| rights.keeps_languages_back()).filter_map(of).collect();
        if heard.is_empty() { self } else { self.with_titles(heard) }
    }

    /// The same with the brands that the titles are sold under.
    pub fn with_storefronts(self, storefronts: Storefronts) -> Snapshot {
        Snapshot { storefronts: Arc::new(storefronts), ..self }
    }

    /// The same with whom deals are made with.
    pub fn with_parties(self, parties: Vec<Party>) -> Snapshot {
        let parties = parties.into_iter().map(|party| (party.id, party)).collect();
        Snapshot { parties: Arc::new(parties), ..self }
    }

    /// The same with what is sold besides the offers of titles, oldest first.
    pub fn with_products(self, products: Vec<Product>) -> Snapshot {
        Snapshot { products: Arc::new(products), ..self }
    }

    /// The same with the series that there are.
    pub fn with_series(self, series: Vec<Series>) -> Snapshot {
        let series = series.into_iter().map(|series| (series.id, series)).collect();
        Snapshot { series: Arc::new(series), ..self }
    }

    pub fn series(&self, id: SeriesId) -> Option<&Series> {
        self.series.get(&id)
    }

    /// The seasons of a series by their numbers.
    pub fn seasons(&self, id: SeriesId) -> impl Iterator<Item = (u32, &Arc<TitleRights>)> {
        let of_series = self.seasons.range((id, 0)..=(id, u32::MAX));
        of_series.filter_map(|((_, number), title)| Some((*number, self.title(*title)?)))
    }

    /// The same with the collections that there are.
    pub fn with_collections(self, collections: Vec<Collection>) -> Snapshot {
        let collections = collections.into_iter().map(|collection| (collection.id, collection)).collect();
        Snapshot { collections: Arc::new(collections), ..self }
    }

    pub fn collection(&self, id: CollectionId) -> Option<&Collection> {
        self.collections.get(&id)
    }

    /// Oldest first.
    pub fn collections(&self) -> impl Iterator<Item = &Collection> {
        self.collections.values()
    }

    /// The same with what may not be placed where.
    pub fn with_placement_blocks(self, blocks: PlacementBlocks) -> Snapshot {
        if *self.placement_blocks == blocks {
            return self;
        }
        let snapshot = Snapshot { placement_blocks: Arc::new(blocks), ..self };
        let has_placements = |rights: &&Arc<TitleRights>| !rights.title.details.placements.is_empty();
        let concerned: Vec<TitleRights> =
            snapshot.titles().filter(has_placements).map(|rights| TitleRights::clone(rights)).collect();
        if concerned.is_empty() { snapshot } else { snapshot.with_titles(concerned) }
    }

    pub fn product(&self, id: ProductId) -> Option<&Product> {
        self.products.binary_search_by_key(&id, |product| product.id).ok().map(|place| &self.products[place])
    }

    pub fn products(&self) -> &[Product] {
        &self.products
    }

    pub fn party(&self, id: PartyId) -> Option<&Party> {
        self.parties.get(&id)
    }

    /// In no order.
    pub fn parties(&self) -> impl Iterator<Item = &Party> {
        self.parties.values()
    }

    /// The same with the release cards that are made, the newest last.
    pub fn with_cards(self, made: Vec<(CardSource, ReleaseCard)>) -> Snapshot {
        let mut cards: HashMap<AssetId, Vec<_>> = HashMap::new();
        for (source, card) in made {
            cards.entry(source.film).or_default().push((source, card));
        }
        Snapshot { cards: Arc::new(cards), ..self }
    }

    /// The card made of exactly this, or else the newest with the same licence under another name: a title that is being
    /// renamed keeps its card until there is a new one.
    pub fn card(&self, source: &CardSource) -> Option<ReleaseCard> {
        let cards = self.cards.get(&source.film)?;
        let same_licence = || cards.iter().rev().find(|(made, _)| made.licence == source.licence);
        self.exact_card(source).or_else(|| same_licence().map(|(_, card)| *card))
    }

    /// The card made of exactly this.
    pub fn exact_card(&self, source: &CardSource) -> Option<ReleaseCard> {
        let cards = self.cards.get(&source.film)?;
        cards.iter().find(|(made, _)| made == source).map(|(_, card)| *card)
    }

    pub fn storefronts(&self) -> &Storefronts {
        &self.storefronts
    }

    pub fn title(&self, id: TitleId) -> Option<&Arc<TitleRights>> {
        self.titles.get(&id)
    }

    /// The title that an offer belongs to, and the offer.
    pub fn offer(&self, id: OfferId) -> Option<(&Arc<TitleRights>, &Offer)> {
        let title = self.titles.get(self.offers.get(&id)?)?;
        let offer = title.offers.iter().find(|offer| offer.id == id)?;
        Some((title, offer))
    }

    /// All titles, newest last.
    pub fn titles(&self) -> impl Iterator<Item = &Arc<TitleRights>> {
        self.order.iter().filter_map(|id| self.titles.get(id))
    }
}
