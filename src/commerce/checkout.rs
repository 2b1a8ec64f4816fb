//! Checkout: an order becomes a purchase, a payment, an entry in the ledger and what it gives, exactly once, whatever dies in
//! between.
//!
//! A purchase is recorded as pending, with the caller's idempotency key, before the provider hears of it. What the
//! provider then says is applied in one transaction. A pending purchase that nobody came back for is asked about again
//! by [`Checkout::run`], so a crash at any point ends in the state that the provider knows.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;

use crate::audience::Audience;
use crate::audience::news::Item;
use crate::base::clock::{Clock, UtcMs};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{
    AuditId, CoinLotId, GrantId, MembershipId, PaymentId, PurchaseId, RefundId, StorefrontId, ViewerId,
};
use crate::base::limits;
use crate::base::shutdown::Shutdown;
use crate::commerce::provider::{PaymentProvider, PaymentState};
use crate::commerce::quotes::{Quoted, Quotes, Wanted};
use crate::ledger::entry::LedgerAccount;
use crate::ledger::purchase::{ClosedBecause, Line, Purchase, PurchaseStatus, Refund};
use crate::ledger::rules;
use crate::ledger::wallet::{CoinKind, CoinLot};
use crate::playback::follower::Follower;
use crate::playback::sessions::Sessions;
use crate::rights::denial::{Denial, DenialCode, NextOption};
use crate::rights::grant::{Grant, GrantCause};
use crate::rights::membership::Membership;
use crate::rights::offer::Offer;
use crate::rights::product::{Gives, days_after};
use crate::rights::reach::Reach;
use crate::rights::snapshot::TitleRights;
use crate::store::db::audit::AuditLine;
use crate::store::db::commerce::{Begun, Given, PurchaseClosed, Settled};
use crate::store::db::{Db, Idempotency, Written};

const PENDING_AT_ONCE: u32 = 500;
/// A provider is asked about a payment whose callback has not come by then.
const CALLBACK_LATE_AFTER: Duration = Duration::from_secs(10);
const SWEEP_EVERY: Duration = Duration::from_secs(1);
const RETURN_AGAIN_EVERY: Duration = Duration::from_secs(60);
const QUOTES_PER_ORDER_MAX: usize = 3;

/// Sells.
pub struct Checkout {
    db: Arc<dyn Db>,
    clock: Clock,
    follower: Arc<Follower>,
    quotes: Quotes,
    providers: Vec<Arc<dyn PaymentProvider>>,
    audience: Arc<Audience>,
    livemode: bool,
}

/// What a viewer orders.
#[derive(Clone, Debug)]
pub struct Order {
    pub wanted: Wanted,
    pub storefront_id: StorefrontId,
    /// The campaign whose link the viewer came by.
    pub campaign: Option<String>,
    /// From when members have it without paying, as the buyer was told and agrees.
    pub accepted_members_from_at: Option<UtcMs>,
    /// A provider's name.
    pub method: String,
    /// What the provider wants to know.
    pub details: serde_json::Value,
    pub idempotency: Idempotency,
}

/// A purchase with what it gave.
#[derive(Clone, Debug)]
pub struct Bought {
    pub purchase: Purchase,
    pub given: Given,
    pub refund: Option<Refund>,
}

impl Checkout {
    pub fn new(
        db: Arc<dyn Db>,
        clock: Clock,
        follower: Arc<Follower>,
        sessions: Arc<Sessions>,
        providers: Vec<Arc<dyn PaymentProvider>>,
        audience: Arc<Audience>,
        livemode: bool,
    ) -> Checkout {
        let quotes = Quotes { db: db.clone(), clock: clock.clone(), follower: follower.clone(), sessions, livemode };
        Checkout { db, clock, follower, quotes, providers, audience, livemode }
    }

    /// What an order would cost, or why it would be refused.
    pub async fn quote(&self, wanted: &Wanted) -> Result<std::result::Result<Quoted, Denial>> {
        self.quotes.quote(wanted).await
    }

    /// Buys. The same order with the same key is the same purchase, whenever it is repeated.
    pub async fn buy(&self, order: &Order) -> Result<Result<Bought, Denial>> {
        if let Some(earlier) = self.replay(&order.idempotency).await? {
            return Ok(Ok(earlier));
        }
        self.require_sane_clock()?;
        let provider = match self.provider(&order.method) {
            Ok(provider) => provider.clone(),
            Err(_) if self.providers.is_empty() => return Ok(Err(Denial::of(DenialCode::SalesClosed))),
            Err(error) => return Err(error),
        };
        let details = provider.read_details(&order.details)?;
        for _ in 0..QUOTES_PER_ORDER_MAX {
            let quoted = match self.quotes.quote(&order.wanted).await {
                Ok(Ok(quoted)) => quoted,
                // What stands in the way may be what this very order has bought meanwhile.
                Ok(Err(denial)) => return Ok(self.replay(&order.idempotency).await?.ok_or(denial)),
                Err(error) => {
                    return self.replay(&order.idempotency).await?.map_or(Err(error), |earlier| Ok(Ok(earlier)));
                }
            };
            if let Some(from_at) = quoted.members_from_at
                && order.accepted_members_from_at.is_none_or(|accepted| accepted <= quoted.at || accepted > from_at)
            {
                let next = vec![NextOption::Wait { opens_at: from_at }];
                return Ok(Err(Denial { next, ..Denial::of(DenialCode::MembersSoon) }));
            }
            let now = quoted.at;
            let purchase = Purchase {
                id: PurchaseId::new(now),
                viewer_id: order.wanted.viewer_id,
                good: quoted.good,
                storefront_id: order.storefront_id,
                price: quoted.price,
                is_member_price: quoted.is_member_price,
                discount: quoted.discount,
                territory: quoted.territory,
                campaign: order.campaign.clone(),
                provider: provider.name().to_owned(),
                payment_id: PaymentId::new(now),
                payment_details: details.clone(),
                payment_action: None,
                status: PurchaseStatus::Pending,
                closed_because: None,
                accepted_members_from_at: quoted.members_from_at.and(order.accepted_members_from_at),
                livemode: self.livemode,
                created_at: now,
                decided_at: None,
            };
            match self.db.begin_purchase(&purchase, quoted.grants_seen, &order.idempotency).await? {
                Written::New(Begun::Recorded) => {
                    self.audience.news.tell(Item::Order(purchase.id));
                    let said = provider.create(&purchase, now).await?;
                    self.apply(&purchase, said).await?;
                    return Ok(Ok(self.bought(purchase.id).await?));
                }
                Written::New(Begun::RightsChanged) => {}
                Written::New(Begun::OtherPending(other)) => {
                    return Err(Error::new(
                        ErrorKind::Conflict,
                        "PURCHASE_PENDING",
                        format!("Another purchase of the same, {other}, waits for its payment."),
                    ));
                }
                Written::Replay { id } => return Ok(Ok(self.settled(id.parse()?).await?)),
                Written::KeyReused => return Err(key_reused()),
            }
        }
        Err(Error::new(ErrorKind::Unavailable, "RIGHTS_CHANGING", "Your purchases are changing; try again."))
    }

    /// A provider calls: what happened is asked of the provider, and applied once.
    pub async fn notified(&self, provider: &str, headers: &HeaderMap, body: &[u8]) -> Result<()> {
        self.require_sane_clock()?;
        let provider = self.provider(provider)?.clone();
        let notification = provider.verify_notification(headers, body)?;
        let Some(purchase) = self.db.purchase_by_payment(notification.payment_id).await? else {
            return Err(Error::new(ErrorKind::NotFound, "PAYMENT_NOT_FOUND", "There is no such payment."));
        };
        let now = self.clock.now();
        self.db.hear_callback(purchase.id, &notification.event_id, now).await?;
        let said = provider.query(&purchase, now).await?;
        self.apply(&purchase, said).await
    }

    /// Takes a paid purchase back: the money, the ledger entry and the grant together.
    pub async fn refund(&self, id: PurchaseId, reason: &str, idempotency: &Idempotency) -> Result<Refund> {
        self.require_sane_clock()?;
        let purchase = self.purchase(id).await?;
        let earlier = self.db.refund_of(id).await?;
        // Before any money moves: a key that is known moves none.
        match (self.db.written(idempotency).await?, earlier.clone()) {
            (None, _) => {}
            (Some(Written::Replay { .. }), Some(refund)) => return Ok(refund),
            (Some(_), _) => return Err(key_reused()),
        }
        if purchase.status == PurchaseStatus::Paid {
            if !self.db.hold_coins(id, self.clock.now()).await? {
                return Err(Error::new(
                    ErrorKind::Conflict,
                    "COINS_SPENT",
                    "Coins of this purchase have been spent; it cannot be given back. Void what is left of them instead.",
                ));
            }
            if let Err(error) = self.provider(&purchase.provider)?.refund(&purchase).await {
                self.db.release_coins(id).await?;
                return Err(error);
            }
        } else if earlier.is_none() {
            return Err(Error::new(
                ErrorKind::Conflict,
                "PURCHASE_NOT_PAID",
                format!("The purchase is {}; only a paid one can be refunded.", purchase.status.as_str()),
            ));
        }
        let entry = self.db.entry_of_purchase(id).await?;
        let entry = entry.ok_or_else(|| Error::internal(format!("{id} is paid and has no entry")))?;
        let now = self.clock.now();
        let refund = Refund {
            id: RefundId::new(now),
            purchase_id: id,
            amount: purchase.price,
            reason: reason.to_owned(),
            created_at: now,
        };
        let written = self.db.record_refund(&refund, &rules::reversal(&entry, now)?, idempotency).await?;
        self.follower.announce().await;
        match written {
            Written::New(Settled::Done) => {
                self.audience.news.tell(Item::Order(id));
                Ok(refund)
            }
            Written::KeyReused => Err(key_reused()),
            Written::New(Settled::AlreadyDecided) => {
                Err(Error::new(ErrorKind::Conflict, "ALREADY_REFUNDED", "The purchase has been refunded already."))
            }
            Written::Replay { .. } => {
                self.db.refund_of(id).await?.ok_or_else(|| Error::internal(format!("the refund of {id} is gone")))
            }
        }
    }

    /// The names of the payment methods that are taken here.
    pub fn methods(&self) -> Vec<&'static str> {
        self.providers.iter().map(|provider| provider.name()).collect()
    }

    /// A purchase with what it gave.
    pub async fn bought(&self, id: PurchaseId) -> Result<Bought> {
        let purchase = self.purchase(id).await?;
        let refund = match purchase.status {
            PurchaseStatus::Refunded => self.db.refund_of(id).await?,
            _ => None,
        };
        Ok(Bought { purchase, given: self.db.given(id).await?, refund })
    }

    /// Looks after pending purchases, and after payments that have not gone back, until shutdown.
    pub async fn run(self: Arc<Self>, shutdown: Shutdown) {
        let sweeps = async {
            loop {
                tokio::time::sleep(SWEEP_EVERY).await;
                if let Err(error) = self.sweep().await {
                    tracing::warn!(error = error.log_line(), "pending purchases could not be looked after");
                }
            }
        };
        let returns = async {
            loop {
                tokio::time::sleep(RETURN_AGAIN_EVERY).await;
                if let Err(error) = self.return_again().await {
                    tracing::warn!(error = error.log_line(), "payments that were not kept could not be looked after");
                }
            }
        };
        tokio::select! {
            () = shutdown.begun() => {}
            () = sweeps => {}
            () = returns => {}
        }
    }

    /// Asks once about every purchase that has waited long enough for its callback to be late; one that nobody paid in
    /// time expires. Nothing expires by a clock that is in doubt, and a purchase that cannot be asked about keeps no other one
    /// waiting.
    pub async fn sweep(&self) -> Result<()> {
        let now = self.clock.now();
        if self.clock.is_doubtful() {
            return Ok(());
        }
        for purchase in self.db.pending_purchases(PENDING_AT_ONCE).await? {
            if now < purchase.created_at + CALLBACK_LATE_AFTER {
                continue;
            }
            if let Err(error) = self.ask_again(&purchase, now).await {
                tracing::warn!(purchase = %purchase.id, error = error.log_line(), "a purchase stays pending");
            }
        }
        Ok(())
    }

    /// Gives back once more what was paid and not kept, where that has not been done yet.
    pub async fn return_again(&self) -> Result<()> {
        if self.clock.is_doubtful() {
            return Ok(());
        }
        let mut after = None;
        loop {
            let page = self.db.unreturned_purchases(after, PENDING_AT_ONCE).await?;
            for purchase in &page {
                let tried = match self.provider(&purchase.provider) {
                    Ok(provider) => match provider.query(purchase, self.clock.now()).await {
                        Ok(PaymentState::Paid { event_id, amount, .. }) if amount == purchase.price => {
                            self.return_late(purchase.id, &event_id).await
                        }
                        said => said.and_then(|said| Err(Error::internal(format!("its provider says {said:?}")))),
                    },
                    Err(error) => Err(error),
                };
                if let Err(error) = tried {
                    tracing::warn!(purchase = %purchase.id, error = error.log_line(), "a payment has not gone back yet");
                }
            }
            after = page.last().map(|purchase| purchase.id);
            if page.len() < PENDING_AT_ONCE as usize {
                return Ok(());
            }
        }
    }

    async fn ask_again(&self, purchase: &Purchase, now: UtcMs) -> Result<()> {
        let Ok(provider) = self.provider(&purchase.provider) else { return Ok(()) };
        match provider.query(purchase, now).await? {
            PaymentState::Pending { .. } if now >= purchase.created_at + limits::PAYMENT_PENDING_MAX => {
                self.db.close_purchase(purchase.id, None, PurchaseClosed::Expired, now).await?;
                self.audience.news.tell(Item::Order(purchase.id));
                Ok(())
            }
            said => self.apply(purchase, said).await,
        }
    }

    async fn apply(&self, purchase: &Purchase, said: PaymentState) -> Result<()> {
        let now = self.clock.now();
        match said {
            PaymentState::Pending { action: Some(action) } if purchase.payment_action.as_ref() != Some(&action) => {
                self.db.keep_payment_action(purchase.id, &action).await?;
            }
            PaymentState::Pending { .. } => {}
            PaymentState::Declined { event_id } => {
                self.db.close_purchase(purchase.id, Some(&event_id), PurchaseClosed::Declined, now).await?;
                self.audience.news.tell(Item::Order(purchase.id));
            }
            PaymentState::Paid { amount, .. } if amount != purchase.price => {
                tracing::error!(purchase = %purchase.id, %amount, price = %purchase.price, "paid another amount; held for a person");
            }
            PaymentState::Paid { event_id, at, .. } => {
                if let Some(why) = self.why_not_kept(purchase, at, now).await? {
                    self.db.close_purchase(purchase.id, None, PurchaseClosed::NotKept(why), now).await?;
                    self.audience.news.tell(Item::Order(purchase.id));
                    return self.return_late(purchase.id, &event_id).await;
                }
                let (given, account) = self.due(purchase, now).await?;
                let entry = rules::sale(purchase, account, now)?;
                let settled = self.db.settle_purchase(purchase.id, Some(&event_id), &entry, &given).await?;
                if settled == Settled::AlreadyDecided {
                    self.return_late(purchase.id, &event_id).await?;
                } else {
                    self.audience.news.tell(Item::Order(purchase.id));
                }
            }
        }
        Ok(())
    }

    /// Why a payment that was taken at `at` does not buy what was ordered: what would play for nobody is not sold, though its
    /// payment took so long, and what is for members, or their price, is for whoever is one when the payment is taken.
    async fn why_not_kept(&self, purchase: &Purchase, at: UtcMs, now: UtcMs) -> Result<Option<ClosedBecause>> {
        if purchase.status != PurchaseStatus::Pending {
            return Ok(None);
        }
        if self.is_over_for_members(purchase, now) {
            return Ok(Some(ClosedBecause::MembersHaveIt));
        }
        let snapshot = self.follower.snapshot();
        let offers =
            || purchase.good.lines().iter().filter_map(|line| snapshot.offer(line.offer_id)).map(|(_, offer)| offer);
        let has_two_prices = purchase.good.offer_id().is_some() && offers().any(|it| it.price(true) != it.price(false));
        let is_for_members = offers().any(|offer| !offer.is_for(false));
        if !has_two_prices && !is_for_members {
            return Ok(None);
        }
        let memberships = self.db.memberships(purchase.viewer_id, purchase.livemode).await?;
        let was_active = |membership: Membership| membership.as_of(at).is_some_and(|then| then.is_active(at));
        let is_member = memberships.into_iter().any(was_active);
        Ok(if is_for_members && !is_member {
            Some(ClosedBecause::MembershipEnded)
        } else {
            (has_two_prices && is_member != purchase.is_member_price).then_some(ClosedBecause::MemberPriceChanged)
        })
    }

    /// Whether early access is being paid for that members had got meanwhile.
    fn is_over_for_members(&self, purchase: &Purchase, now: UtcMs) -> bool {
        let snapshot = self.follower.snapshot();
        let is_over = |line: &Line| {
            snapshot.offer(line.offer_id).is_some_and(|(title, offer)| {
                let reach = Reach::of(title, Some(purchase.territory), now);
                let avail = title.avail(offer.avail_id);
                offer.clock.needs_membership()
                    && avail.is_some_and(|avail| reach.members_have_since(avail, purchase.created_at, now))
            })
        };
        purchase.good.lines().iter().any(is_over)
    }

    /// Money that came when the purchase had ended without it, or that is not kept, goes back to the payer. The provider tells
    /// us again until that is done, and what is not kept is looked after, so a failure here loses nothing.
    async fn return_late(&self, id: PurchaseId, event_id: &str) -> Result<()> {
        let purchase = self.purchase(id).await?;
        if !matches!(purchase.status, PurchaseStatus::Declined | PurchaseStatus::Expired) {
            return Ok(());
        }
        self.provider(&purchase.provider)?.refund(&purchase).await?;
        let now = self.clock.now();
        let detail = serde_json::json!({"event_id": event_id, "amount": purchase.price, "status": purchase.status,
            "closed_because": purchase.closed_because});
        let line = AuditLine {
            id: AuditId::new(now),
            at: now,
            actor: "system".into(),
            action: "payment.late_refund".into(),
            subject: id.to_string(),
            detail: detail.to_string(),
        };
        if self.db.record_late_payment(id, event_id, &line).await? == Settled::Done {
            self.audience.news.tell(Item::Order(id));
            tracing::warn!(purchase = %id, "a payment came too late, or was not kept, and was given back");
        }
        Ok(())
    }

    /// What a purchase gives, by its offers and its product as they stand: neither is ever edited. And the account that has
    /// sold it, where it is of no title.
    async fn due(&self, purchase: &Purchase, now: UtcMs) -> Result<(Given, Option<LedgerAccount>)> {
        let gone = || Error::internal(format!("what {} is of is gone", purchase.id));
        let snapshot = self.follower.snapshot();
        let mut given = Given::default();
        for line in purchase.good.lines() {
            let (title, offer) = snapshot.offer(line.offer_id).ok_or_else(gone)?;
            let cause = GrantCause::Purchase(purchase.id);
            given.grants.push(new_grant(cause, purchase.viewer_id, purchase.livemode, (title, offer), now));
        }
        let Some(product_id) = purchase.good.product_id() else { return Ok((given, None)) };
        let product = snapshot.product(product_id).ok_or_else(gone)?;
        let account = match product.gives {
            Gives::Bundle { .. } => None,
            Gives::Membership { plan_id, days } => {
                let plan = self.db.plan(plan_id).await?.ok_or_else(gone)?;
                given.membership = Some(Membership {
                    id: MembershipId::new(now),
                    viewer_id: purchase.viewer_id,
                    plan_id,
                    streams: plan.streams,
                    starts_at: now,
                    ends_at: days_after(now, days),
                    revoked_at: None,
                    purchase_id: Some(purchase.id),
                });
                Some(LedgerAccount::Memberships(plan_id))
            }
            Gives::Coins { coins, bonus, expires_after_days } => {
                let expires_at = expires_after_days.map(|days| days_after(now, days));
                given.coins = bought_coins(purchase, coins, bonus, expires_at, now);
                Some(LedgerAccount::Coins)
            }
        };
        Ok((given, account))
    }

    fn require_sane_clock(&self) -> Result<()> {
        if self.clock.is_doubtful() {
            return Err(Error::new(
                ErrorKind::Unavailable,
                "CLOCK_DOUBTFUL",
                "This server's clock has jumped; no money moves until that is mended.",
            ));
        }
        Ok(())
    }

    /// The purchase an earlier request with this key made, if there was one with the same body.
    async fn replay(&self, idempotency: &Idempotency) -> Result<Option<Bought>> {
        match self.db.written(idempotency).await? {
            None => Ok(None),
            Some(Written::Replay { id }) => Ok(Some(self.settled(id.parse()?).await?)),
            Some(_) => Err(key_reused()),
        }
    }

    /// The purchase, after asking the provider once more if its first request never got that far.
    async fn settled(&self, id: PurchaseId) -> Result<Bought> {
        let purchase = self.purchase(id).await?;
        if purchase.status == PurchaseStatus::Pending {
            let said = self.provider(&purchase.provider)?.query(&purchase, self.clock.now()).await?;
            self.apply(&purchase, said).await?;
        }
        self.bought(id).await
    }

    async fn purchase(&self, id: PurchaseId) -> Result<Purchase> {
        let purchase = self.db.purchase(id).await?;
        purchase.ok_or_else(|| Error::new(ErrorKind::NotFound, "PURCHASE_NOT_FOUND", "There is no such purchase."))
    }

    fn provider(&self, name: &str) -> Result<&Arc<dyn PaymentProvider>> {
        self.providers.iter().find(|provider| provider.name() == name).ok_or_else(|| {
            Error::new(
                ErrorKind::Unprocessable,
                "PAYMENT_METHOD_UNKNOWN",
                format!("There is no payment method \"{name}\" here."),
            )
            .with_param("payment.method")
        })
    }
}

/// What `cause` gives by an offer. The viewing period of a paid order begins when the payment is in: nobody loses hours
/// to a slow provider. One that was sold before its window opened begins with the window.
pub fn new_grant(
    cause: GrantCause,
    viewer_id: ViewerId,
    livemode: bool,
    (title, offer): (&TitleRights, &Offer),
    now: UtcMs,
) -> Grant {
    let avail = title.avail(offer.avail_id);
    Grant {
        id: GrantId::new(now),
        viewer_id,
        title_id: offer.title_id,
        avail_id: offer.avail_id,
        offer_id: offer.id,
        cause,
        clock: offer.clock,
        issued_at: now,
        available_at: avail.map_or(now, |avail| avail.window.start_at.max(now)),
        first_play_at: None,
        hard_end_at: avail.and_then(|avail| avail.hard_end_at),
        streams: offer.streams,
        revoked_at: None,
        extended_ms: 0,
        start_extended_ms: 0,
        livemode,
    }
}

/// Paid coins with what was paid for them, and those that are given with them. What a coupon made free is given too.
fn bought_coins(purchase: &Purchase, coins: u32, bonus: u32, expires_at: Option<UtcMs>, now: UtcMs) -> Vec<CoinLot> {
    let lot = |kind, coins, cost| CoinLot {
        id: CoinLotId::new(now),
        viewer_id: purchase.viewer_id,
        kind,
        coins,
        spent: 0,
        cost,
        expires_at,
        note: purchase.id.to_string(),
        added_at: now,
        void_at: None,
        livemode: purchase.livemode,
        purchase_id: Some(purchase.id),
    };
    if purchase.price.minor == 0 {
        return vec![lot(CoinKind::Bonus, coins.saturating_add(bonus), None)];
    }
    let paid = lot(CoinKind::Paid, coins, Some(purchase.price));
    let given = (bonus > 0).then(|| lot(CoinKind::Bonus, bonus, None));
    std::iter::once(paid).chain(given).collect()
}

fn key_reused() -> Error {
    Error::new(
        ErrorKind::Unprocessable,
        "IDEMPOTENCY_KEY_REUSED",
        "This Idempotency-Key was used for another request. Use a new key.",
    )
    .with_param("Idempotency-Key")
}
