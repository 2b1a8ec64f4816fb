//! The caller's coins, and the episodes that are unlocked with them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::api::Api;
use crate::api::body::JsonBody;
use crate::api::caller::{AViewer, At};
use crate::api::problem::Problem;
use crate::base::clock::UtcMs;
use crate::base::error::Result as BaseResult;
use crate::base::id::{CoinLotId, TitleId, UnlockId, ViewerId};
use crate::commerce::unlocks::{UnlockRefusal, Wanted};
use crate::ledger::wallet::{CoinKind, CoinLot, balance};
use crate::rights::language_range::LanguageRange;
use crate::rights::unlock::Unlock;
use crate::store::state::Rate;

#[derive(Serialize, ToSchema)]
pub struct WalletBody {
    /// What can be spent now.
    coins: u64,
    /// Play unlocks an episode that there are coins for, without asking.
    auto_unlock: bool,
    /// Those with something left, in the order in which they are spent.
    lots: Vec<MyLotBody>,
}

/// Coins that came together.
#[derive(Serialize, ToSchema)]
#[schema(as = MyCoinLot)]
pub struct MyLotBody {
    id: CoinLotId,
    #[schema(value_type = String, pattern = "^(paid|bonus)$")]
    kind: CoinKind,
    coins: u32,
    left: u32,
    added_at: UtcMs,
    expires_at: Option<UtcMs>,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = WalletEdit)]
#[serde(deny_unknown_fields)]
pub struct WalletEditBody {
    auto_unlock: bool,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUnlockBody {
    title_id: TitleId,
    /// Counted from 1.
    part: u32,
    /// What the viewer was told it costs.
    coins: u32,
    /// A BCP 47 tag: of two windows in languages of their own the one that it is heard in.
    #[schema(value_type = Option<String>)]
    language: Option<LanguageRange>,
}

#[derive(Serialize, ToSchema)]
pub struct UnlockBody {
    id: UnlockId,
    title_id: TitleId,
    part: u32,
    /// What it cost; zero for a reward.
    coins: u32,
    unlocked_at: UtcMs,
}

/// The caller's coins.
#[utoipa::path(get, path = "/me/wallet", tag = "accounts", operation_id = "show_my_wallet",
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, description = "The wallet", body = WalletBody),
))]
pub async fn show(State(api): State<Arc<Api>>, viewer: AViewer) -> Result<Json<WalletBody>, Problem> {
    Ok(Json(wallet(&api, viewer.id).await?))
}

/// Switch unlocking without asking on or off.
#[utoipa::path(patch, path = "/me/wallet", tag = "accounts", operation_id = "edit_my_wallet",
    request_body = WalletEditBody, security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, description = "The wallet as it is now", body = WalletBody),
))]
pub async fn edit(
    State(api): State<Arc<Api>>,
    viewer: AViewer,
    body: JsonBody<WalletEditBody>,
) -> Result<Json<WalletBody>, Problem> {
    api.db.set_auto_unlock(viewer.id, body.value.auto_unlock).await?;
    Ok(Json(wallet(&api, viewer.id).await?))
}

/// Unlock an episode for coins. It is paid once: the same request again, from wherever, takes nothing.
#[utoipa::path(post, path = "/unlocks", tag = "purchases", operation_id = "create_unlock", request_body = NewUnlockBody,
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 201, description = "The episode is the viewer's", body = UnlockBody),
    (status = 402, description = "TOO_FEW_COINS, with `coins` and `needed`"),
    (status = 403, description = "GEO_NOT_LICENSED, LICENCE_REQUIRED, LICENCE_REVOKED, WINDOW_NOT_OPEN, WINDOW_CLOSED, \
        TITLE_SUSPENDED; PAYMENT_REQUIRED, MEMBERSHIP_REQUIRED, RENTAL_EXPIRED, START_BY_PASSED where it is not had for coins"),
    (status = 404, description = "TITLE_NOT_FOUND, PART_NOT_FOUND"),
    (status = 409, description = "PRICE_CHANGED, with `coins`; ALREADY_OWNED"),
    (status = 410, description = "TITLE_WITHDRAWN"),
    (status = 429, description = "RATE_LIMITED"),
))]
pub async fn unlock(
    State(api): State<Arc<Api>>,
    viewer: AViewer,
    At(place): At,
    body: JsonBody<NewUnlockBody>,
) -> Result<Response, Problem> {
    if let Rate::Over { retry_after } = api.accounts.count_purchase(viewer.id).await {
        return Err(Problem::too_many(retry_after));
    }
    let NewUnlockBody { title_id, part, coins, language } = body.value;
    let wanted = Wanted { viewer_id: viewer.id, title_id, part, territory: place.territory, language };
    match api.unlocks.buy(wanted, coins).await? {
        Ok(given) => Ok((StatusCode::CREATED, Json(UnlockBody::new(&given.unlock))).into_response()),
        Err(refusal) => {
            let problem = refused(&refusal);
            let detail = json!({"code": problem.code(), "part": part, "territory": place.territory});
            api.audit(&viewer.id.to_string(), "unlock.deny", &title_id.to_string(), detail).await?;
            Err(problem)
        }
    }
}

async fn wallet(api: &Api, viewer: ViewerId) -> BaseResult<WalletBody> {
    let now = api.clock.now();
    let lots = api.db.coin_lots(viewer, api.livemode).await?;
    Ok(WalletBody {
        coins: balance(&lots, now),
        auto_unlock: api.db.auto_unlocks(viewer).await?,
        lots: CoinLot::in_order(&lots, now).into_iter().map(|lot| MyLotBody::new(lot, now)).collect(),
    })
}

/// What a refusal to unlock says.
pub fn refused(refusal: &UnlockRefusal) -> Problem {
    match refusal {
        UnlockRefusal::Denied(denial) => Problem::denied(denial),
        UnlockRefusal::TooFewCoins { coins, needed } => Problem::new(
            StatusCode::PAYMENT_REQUIRED,
            "TOO_FEW_COINS",
            format!("This episode costs {needed} coins and you have {coins}."),
        )
        .with("coins", json!(coins))
        .with("needed", json!(needed)),
        UnlockRefusal::PriceChanged { coins } => {
            let detail = format!("This episode costs {coins} coins now. Nothing was taken.");
            Problem::new(StatusCode::CONFLICT, "PRICE_CHANGED", detail).with("coins", json!(coins)).with_param("coins")
        }
        UnlockRefusal::NoRewardsLeft => Problem::new(
            StatusCode::CONFLICT,
            "NO_REWARDS_LEFT",
            "No more episodes of this title for advertising today.",
        ),
        UnlockRefusal::Open => {
            Problem::new(StatusCode::CONFLICT, "ALREADY_OWNED", "This episode can be watched already; press Play.")
        }
    }
}

impl UnlockBody {
    pub fn new(unlock: &Unlock) -> UnlockBody {
        UnlockBody {
            id: unlock.id,
            title_id: unlock.title_id,
            part: unlock.part,
            coins: unlock.means.coins(),
            unlocked_at: unlock.unlocked_at,
        }
    }
}

impl MyLotBody {
    fn new(lot: &CoinLot, now: UtcMs) -> MyLotBody {
        MyLotBody {
            id: lot.id,
            kind: lot.kind,
            coins: lot.coins,
            left: lot.left(now),
            added_at: lot.added_at,
            expires_at: lot.expires_at,
        }
    }
}
