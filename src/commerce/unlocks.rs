//! Unlocking episodes: for coins of the viewer's wallet, or as a reward for advertising that somebody else has seen to.
//!
//! What may be unlocked, and for how much, is what the decision says would help; what is taken and what is had are one
//! transaction. An episode is unlocked once, however many tabs ask for it.

use std::sync::Arc;

use crate::base::clock::{Clock, UtcMs};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{AvailId, TitleId, UnlockId, ViewerId};
use crate::base::territory::Territory;
use crate::playback::follower::Follower;
use crate::playback::sessions::Sessions;
use crate::rights::avail::LicenseType;
use crate::rights::denial::{Denial, DenialCode, NextOption};
use crate::rights::entitlement::{Cause, Decision, ViewerRights, decide_part};
use crate::rights::language_range::LanguageRange;
use crate::rights::portability::deemed;
use crate::rights::reach::Reach;
use crate::rights::snapshot::TitleRights;
use crate::rights::unlock::{Unlock, UnlockMeans, day_begins};
use crate::store::db::Db;
use crate::store::db::wallet::Unlocked;

/// Unlocks episodes.
pub struct Unlocks {
    db: Arc<dyn Db>,
    clock: Clock,
    follower: Arc<Follower>,
    sessions: Arc<Sessions>,
    livemode: bool,
}

/// Which episode, for whom and where.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub viewer_id: ViewerId,
    pub title_id: TitleId,
    /// Counted from 1.
    pub part: u32,
    pub territory: Option<Territory>,
    /// The language to hear it in, where one is asked for.
    pub language: Option<LanguageRange>,
}

/// An episode that is the viewer's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    pub unlock: Unlock,
    /// By this request, and not by an earlier one.
    pub is_new: bool,
}

/// Why nothing was unlocked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnlockRefusal {
    /// It costs something else than the viewer was told.
    PriceChanged { coins: u32 },
    /// The wallet has less than it costs.
    TooFewCoins { coins: u64, needed: u32 },
    /// No more rewards today, or none at all of this title.
    NoRewardsLeft,
    /// The viewer can watch it without.
    Open,
    /// It is not to be had here and now.
    Denied(Denial),
}

/// What the decision offers.
struct Terms {
    avail_id: AvailId,
    coins: u32,
    rewards_left: u32,
    /// The most that the viewer has paid for an episode of the title.
    paid_before: u32,
}

impl Unlocks {
    pub fn new(
        db: Arc<dyn Db>,
        clock: Clock,
        follower: Arc<Follower>,
        sessions: Arc<Sessions>,
        livemode: bool,
    ) -> Unlocks {
        Unlocks { db, clock, follower, sessions, livemode }
    }

    /// Takes what the episode costs, which the viewer was told, from the wallet. Asked again, it takes nothing.
    pub async fn buy(&self, wanted: Wanted, coins_told: u32) -> Result<Result<Given, UnlockRefusal>> {
        self.unlock(wanted, |terms| {
            if terms.coins != coins_told {
                return Err(UnlockRefusal::PriceChanged { coins: terms.coins });
            }
            Ok(UnlockMeans::Coins(terms.coins))
        })
        .await
    }

    /// Unlocks it unasked: what a viewer who has switched that on wants of Play, for no more than the viewer has paid for an
    /// episode of the title before.
    pub async fn buy_unasked(&self, wanted: Wanted) -> Result<Result<Given, UnlockRefusal>> {
        self.unlock(wanted, |terms| {
            if terms.coins > terms.paid_before {
                return Err(UnlockRefusal::PriceChanged { coins: terms.coins });
            }
            Ok(UnlockMeans::Coins(terms.coins))
        })
        .await
    }

    /// The viewer has watched advertising for it, which whoever asks answers for.
    pub async fn reward(&self, wanted: Wanted) -> Result<Result<Given, UnlockRefusal>> {
        self.unlock(wanted, |terms| {
            if terms.rewards_left == 0 { Err(UnlockRefusal::NoRewardsLeft) } else { Ok(UnlockMeans::Reward) }
        })
        .await
    }

    async fn unlock(
        &self,
        wanted: Wanted,
        choose: impl Fn(&Terms) -> Result<UnlockMeans, UnlockRefusal> + Send,
    ) -> Result<Result<Given, UnlockRefusal>> {
        if self.clock.is_doubtful() {
            return Err(Error::new(
                ErrorKind::Unavailable,
                "CLOCK_DOUBTFUL",
                "This server's clock has jumped; nothing is unlocked until that is mended.",
            ));
        }
        let Wanted { viewer_id, title_id, part, .. } = wanted;
        let now = self.clock.now();
        let snapshot = self.follower.snapshot();
        let Some(title) = snapshot.title(title_id) else {
            return Ok(Err(UnlockRefusal::Denied(Denial::of(DenialCode::TitleNotListed))));
        };
        let terms = match self.terms(title, &wanted, now).await? {
            Ok(terms) => terms,
            Err(Standing::Unlocked(unlock)) => return Ok(Ok(Given { unlock, is_new: false })),
            Err(Standing::Refused(refusal)) => return Ok(Err(refusal)),
        };
        let means = match choose(&terms) {
            Ok(means) => means,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let unlock = Unlock {
            id: UnlockId::new(now),
            viewer_id,
            title_id,
            part,
            avail_id: terms.avail_id,
            means,
            unlocked_at: now,
            livemode: self.livemode,
        };
        let rewards = match means {
            UnlockMeans::Coins(_) => None,
            UnlockMeans::Reward => rewards(title, terms.avail_id, now),
        };
        Ok(match self.db.unlock(&unlock, rewards).await? {
            Unlocked::Done => Ok(Given { unlock, is_new: true }),
            Unlocked::Already(unlock) => Ok(Given { unlock, is_new: false }),
            Unlocked::Short { coins } => Err(UnlockRefusal::TooFewCoins { coins, needed: means.coins() }),
            Unlocked::NoRewardsLeft => Err(UnlockRefusal::NoRewardsLeft),
        })
    }

    /// What the episode could be had for, or how the viewer stands to it already.
    async fn terms(&self, title: &TitleRights, wanted: &Wanted, now: UtcMs) -> Result<Result<Terms, Standing>> {
        let Wanted { viewer_id, part, territory, ref language, .. } = *wanted;
        if title.title.part(part).is_none() {
            let message = format!("This title has {} parts; there is no part {part}.", title.title.parts.len());
            return Err(Error::new(ErrorKind::NotFound, "PART_NOT_FOUND", message).with_param("part"));
        }
        let rights = self.sessions.asked_rights(Some(viewer_id), title, part, territory).await?;
        let viewer = ViewerRights { wanted: language.clone(), ..rights };
        let paid_before = viewer.unlocks.iter().map(|unlock| unlock.means.coins()).max().unwrap_or(0);
        let denial = match decide_part(title, part, &viewer, territory, now) {
            Decision::Allow(right) => {
                let unlock = viewer.unlocks.into_iter().find(|unlock| right.cause == Cause::Unlock(unlock.id));
                return Ok(Err(unlock.map_or(Standing::Refused(UnlockRefusal::Open), Standing::Unlocked)));
            }
            Decision::Deny(denial) => denial,
        };
        let price = denial.next.iter().find_map(|option| match option {
            NextOption::Unlock { coins, .. } => Some(*coins),
            _ => None,
        });
        let reach = Reach::of(title, deemed(viewer.home, territory), now);
        let avail = reach.open_avail(LicenseType::Vod, part, language.as_ref(), now);
        let left = denial.next.iter().find_map(|option| match option {
            NextOption::Reward { left, .. } => Some(*left),
            _ => None,
        });
        Ok(match (avail, price) {
            (Some(avail), Some(coins)) => {
                Ok(Terms { avail_id: avail.id, coins, rewards_left: left.unwrap_or(0), paid_before })
            }
            _ => Err(Standing::Refused(UnlockRefusal::Denied(denial))),
        })
    }
}

/// From when the rewards of the day count, and how many there may be.
fn rewards(title: &TitleRights, avail_id: AvailId, now: UtcMs) -> Option<(UtcMs, u32)> {
    let terms = title.title.details.episodes?;
    let zone = &title.avail(avail_id)?.window.zone;
    Some((day_begins(zone, now), terms.rewarded_per_day))
}

/// How a viewer stands to an episode that is not to be unlocked any more.
enum Standing {
    Unlocked(Unlock),
    Refused(UnlockRefusal),
}
