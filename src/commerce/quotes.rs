//! What an order would cost here and now, and what it would buy: an offer or a product, with a coupon or without.

use std::sync::Arc;

use crate::base::clock::{Clock, UtcMs};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{OfferId, ProductId, ViewerId};
use crate::base::limits;
use crate::base::money::{Currency, Money};
use crate::base::territory::Territory;
use crate::catalog::title::TitleStatus;
use crate::ledger::coupon::{self, Coupon};
use crate::ledger::purchase::{Discount, Good, Line, shares};
use crate::ledger::wallet::CoinLot;
use crate::playback::follower::Follower;
use crate::playback::sessions::Sessions;
use crate::rights::denial::{Denial, DenialCode};
use crate::rights::offer::Offer;
use crate::rights::portability::deemed;
use crate::rights::product::{Gives, Product};
use crate::rights::sale::{self, quote};
use crate::rights::snapshot::{Snapshot, TitleRights};
use crate::store::db::Db;

/// Says what things cost.
pub struct Quotes {
    pub db: Arc<dyn Db>,
    pub clock: Clock,
    pub follower: Arc<Follower>,
    pub sessions: Arc<Sessions>,
    pub livemode: bool,
}

/// What somebody would buy.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub viewer_id: ViewerId,
    pub what: What,
    /// The storefront's: it sells nothing in another one.
    pub currency: Currency,
    pub territory: Option<Territory>,
    pub coupon: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Offer(OfferId),
    Product(ProductId),
}

/// What it comes to.
#[derive(Clone, Debug)]
pub struct Quoted {
    pub good: Good,
    /// With the discount taken off.
    pub price: Money,
    pub is_member_price: bool,
    pub discount: Option<Discount>,
    /// Where the buyer is taken to be: nothing is sold where that is unknown.
    pub territory: Territory,
    /// When members get a title of it without paying, where that is soon.
    pub members_from_at: Option<UtcMs>,
    /// How many grants the buyer has of its titles.
    pub grants_seen: usize,
    pub at: UtcMs,
}

impl Quotes {
    /// What `wanted` costs, or why it is not sold.
    pub async fn quote(&self, wanted: &Wanted) -> Result<std::result::Result<Quoted, Denial>> {
        let now = self.clock.now();
        let snapshot = self.follower.snapshot();
        let (list_prices, good, full_price, is_member_price, members_from_at, grants_seen) = match wanted.what {
            What::Offer(offer_id) => {
                let (title, offer) = sold_offer(&snapshot, offer_id, wanted.currency).ok_or_else(offer_not_found)?;
                match self.line(wanted, title, offer, now).await? {
                    Ok((line, quote, grants)) => {
                        let price = line.price;
                        (vec![price], Good::Offer(line), price, quote.is_member_price, quote.members_from_at, grants)
                    }
                    Err(denial) if denial.code == DenialCode::TitleNotListed => return Err(offer_not_found()),
                    Err(denial) => return Ok(Err(denial)),
                }
            }
            What::Product(product_id) => {
                let product = snapshot.product(product_id).filter(|product| product.price.currency == wanted.currency);
                let product = product.ok_or_else(product_not_found)?;
                // Nobody is told of a title that nobody may know of.
                let is_secret = |id: &OfferId| {
                    snapshot.offer(*id).is_none_or(|(title, _)| title.title.standing(now) == TitleStatus::Draft)
                };
                if product.gives.offer_ids().iter().any(is_secret) {
                    return Err(product_not_found());
                }
                if !product.is_sold(now) {
                    return Err(not_sold(product, now));
                }
                if matches!(product.gives, Gives::Coins { .. }) {
                    self.require_room_for_coins(wanted.viewer_id).await?;
                }
                let (mut lines, mut soonest, mut grants) = (Vec::new(), None, 0);
                for offer_id in product.gives.offer_ids() {
                    let sold = sold_offer(&snapshot, *offer_id, wanted.currency);
                    let (title, offer) = sold.ok_or_else(product_not_found)?;
                    match self.line(wanted, title, offer, now).await? {
                        Ok((line, quote, seen)) => {
                            grants += seen;
                            soonest = soonest.into_iter().chain(quote.members_from_at).min();
                            lines.push(line);
                        }
                        Err(denial) => return Err(bundle_is_short(title, &denial)),
                    }
                }
                let list_prices = lines.iter().map(|line: &Line| line.price).collect();
                (list_prices, Good::Product { product_id, lines }, product.price, false, soonest, grants)
            }
        };
        let home = self.db.home(wanted.viewer_id).await?.map(|home| home.territory);
        let Some(territory) = deemed(home, wanted.territory) else {
            return Ok(Err(Denial::of(DenialCode::GeoNotLicensed)));
        };
        let discount = match &wanted.coupon {
            Some(code) => Some(self.discount(code, wanted.viewer_id, &good, full_price, now).await?),
            None => None,
        };
        let off = discount.map_or(0, |discount| discount.amount.minor);
        let price = Money { minor: full_price.minor - off, ..full_price };
        let good = priced(good, price, &list_prices);
        Ok(Ok(Quoted { good, price, is_member_price, discount, territory, members_from_at, grants_seen, at: now }))
    }

    /// One offer as it would be bought, and how many grants of its title there are.
    async fn line(
        &self,
        wanted: &Wanted,
        title: &TitleRights,
        offer: &Offer,
        now: UtcMs,
    ) -> Result<std::result::Result<(Line, sale::Quote, usize), Denial>> {
        let viewer = self.sessions.viewer_rights(Some(wanted.viewer_id), offer.title_id).await?;
        Ok(quote(title, offer, &viewer, wanted.territory, now).map(|quoted| {
            let Offer { title_id, avail_id, id: offer_id, .. } = *offer;
            (Line { title_id, avail_id, offer_id, price: quoted.price }, quoted, viewer.grants.len())
        }))
    }

    async fn discount(
        &self,
        code: &str,
        viewer_id: ViewerId,
        good: &Good,
        price: Money,
        now: UtcMs,
    ) -> Result<Discount> {
        let code = Coupon::fold(code);
        if !Coupon::is_code(&code) {
            return Err(coupon::unknown());
        }
        let found = self.db.coupon_by_code(&code).await?.ok_or_else(coupon::unknown)?;
        let uses = self.db.coupon_uses(&found, viewer_id, self.livemode).await?;
        let amount = found.discount(good, price, uses, now)?;
        Ok(Discount { coupon_id: found.id, amount, funded_by: found.funded_by })
    }

    async fn require_room_for_coins(&self, viewer_id: ViewerId) -> Result<()> {
        // A purchase adds two lots at most: paid ones, and such as are given with them.
        let lots = self.db.coin_lots(viewer_id, self.livemode).await?;
        if CoinLot::in_order(&lots, self.clock.now()).len() + 2 > limits::COIN_LOTS_PER_VIEWER_MAX {
            let message =
                format!("A wallet holds at most {} lots of coins. Spend some first.", limits::COIN_LOTS_PER_VIEWER_MAX);
            return Err(Error::new(ErrorKind::Conflict, "TOO_MANY_COIN_LOTS", message));
        }
        Ok(())
    }
}

/// The same with the price that is paid shared out over its titles.
fn priced(good: Good, price: Money, list_prices: &[Money]) -> Good {
    match good {
        Good::Offer(line) => Good::Offer(Line { price, ..line }),
        Good::Product { product_id, lines } if lines.is_empty() => Good::Product { product_id, lines },
        Good::Product { product_id, lines } => {
            let shares = shares(price, list_prices);
            let lines = lines.into_iter().zip(shares).map(|(line, price)| Line { price, ..line }).collect();
            Good::Product { product_id, lines }
        }
    }
}

fn sold_offer(snapshot: &Snapshot, id: OfferId, currency: Currency) -> Option<(&TitleRights, &Offer)> {
    let (title, offer) = snapshot.offer(id)?;
    (offer.list_price.currency == currency).then_some((&**title, offer))
}

fn not_sold(product: &Product, now: UtcMs) -> Error {
    let refuse =
        |code, message: &str| Error::new(ErrorKind::Conflict, code, message.to_owned()).with_param("product_id");
    match product.sold_from_at {
        _ if product.is_withdrawn(now) => refuse("PRODUCT_WITHDRAWN", "This is no longer sold. Load the page again."),
        Some(from_at) if now < from_at => refuse("PRODUCT_NOT_OPEN", "This is not sold yet."),
        _ => refuse("PRODUCT_CLOSED", "This is no longer sold. Load the page again."),
    }
}

fn bundle_is_short(title: &TitleRights, denial: &Denial) -> Error {
    let names = &title.title.name;
    let name: &str = names.get("en").or_else(|| names.values().next()).map_or("a title", String::as_str);
    match denial.code {
        DenialCode::AlreadyOwned => {
            let message = format!("You have {name} of this bundle already. Buy the others by themselves.");
            Error::new(ErrorKind::Conflict, "BUNDLE_OWNED_IN_PART", message)
        }
        code => {
            let message = format!("{name} of this bundle cannot be bought now: {}", code.message());
            Error::new(ErrorKind::Conflict, "BUNDLE_INCOMPLETE", message)
        }
    }
    .with_param("product_id")
}

fn offer_not_found() -> Error {
    Error::new(ErrorKind::NotFound, "OFFER_NOT_FOUND", "There is no such offer.").with_param("offer_id")
}

fn product_not_found() -> Error {
    Error::new(ErrorKind::NotFound, "PRODUCT_NOT_FOUND", "There is no such product.").with_param("product_id")
}
