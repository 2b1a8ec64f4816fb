//! Coins in viewers' wallets, and episodes unlocked as a reward. Whoever takes the money for coins, or shows the
//! advertising, tells us here.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::api::body::{Id, JsonBody};
use crate::api::caller::AnOperator;
use crate::api::idempotency::{IdempotencyKey, key_reused};
use crate::api::problem::Problem;
use crate::api::role::{Editor, Treasurer};
use crate::api::title_brief::TitleBrief;
use crate::api::wallet::{UnlockBody, refused};
use crate::base::clock::UtcMs;
use crate::base::error::Error;
use crate::base::id::{CoinLotId, TitleId, ViewerId};
use crate::base::money::Money;
use crate::base::territory::Territory;
use crate::commerce::unlocks::{Given, UnlockRefusal, Wanted};
use crate::ledger::wallet::{CoinKind, CoinLot, balance};
use crate::operator::Operators;
use crate::operator::sales::ReasonBody;
use crate::rights::language_range::LanguageRange;
use crate::rights::unlock::{Unlock, UnlockMeans};
use crate::store::db::Written;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLotBody {
    #[schema(value_type = String, pattern = "^(paid|bonus)$")]
    kind: CoinKind,
    #[schema(minimum = 1)]
    coins: u32,
    /// What was paid for all of it; of paid coins only.
    cost: Option<Money>,
    /// Never, if not said.
    expires_at: Option<UtcMs>,
    /// Where it came from: one line.
    note: String,
}

#[derive(Serialize, ToSchema)]
#[schema(as = CoinLot)]
pub struct LotBody {
    id: CoinLotId,
    viewer_id: ViewerId,
    #[schema(value_type = String, pattern = "^(paid|bonus)$")]
    kind: CoinKind,
    coins: u32,
    spent: u32,
    /// What can still be spent of it.
    left: u32,
    cost: Option<Money>,
    expires_at: Option<UtcMs>,
    note: String,
    added_at: UtcMs,
    void_at: Option<UtcMs>,
    livemode: bool,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ViewerWallet)]
pub struct ViewerWalletBody {
    /// What can be spent now.
    coins: u64,
    /// Newest first.
    lots: Vec<LotBody>,
    /// Newest first.
    unlocks: Vec<UnlockRow>,
}

#[derive(Serialize, ToSchema)]
pub struct UnlockRow {
    title: TitleBrief,
    #[serde(flatten)]
    unlock: UnlockBody,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RewardBody {
    title_id: TitleId,
    /// Counted from 1.
    part: u32,
    /// Where the viewer is.
    territory: Territory,
    /// A BCP 47 tag: of two windows in languages of their own the one that it is heard in.
    #[schema(value_type = Option<String>)]
    language: Option<LanguageRange>,
}

/// A viewer's coins and what they were spent on.
#[utoipa::path(get, path = "/operator/viewers/{id}/wallet", tag = "operator", operation_id = "operator_show_wallet",
    params(("id" = ViewerId, Path)), security(("bearer" = [])), responses(
    (status = 200, description = "The wallet", body = ViewerWalletBody),
    (status = 404, description = "VIEWER_NOT_FOUND"),
))]
pub async fn show(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    Id(viewer): Id<ViewerId>,
) -> Result<Json<ViewerWalletBody>, Problem> {
    let api = &operators.api;
    require_viewer(&operators, viewer).await?;
    let (snapshot, now) = (api.follower.snapshot(), api.clock.now());
    let lots = api.db.coin_lots(viewer, api.livemode).await?;
    let unlocks = api.db.unlocks(viewer, None).await?;
    let ours = unlocks.iter().rev().filter(|unlock| unlock.livemode == api.livemode);
    let row = |unlock: &Unlock| UnlockRow {
        title: TitleBrief::of(&snapshot, unlock.title_id),
        unlock: UnlockBody::new(unlock),
    };
    Ok(Json(ViewerWalletBody {
        coins: balance(&lots, now),
        unlocks: ours.map(row).collect(),
        lots: lots.iter().rev().map(|lot| LotBody::new(lot, now)).collect(),
    }))
}

/// Put coins into a viewer's wallet: what was paid for elsewhere, or what is given.
#[utoipa::path(post, path = "/operator/viewers/{id}/coin-lots", tag = "operator",
    operation_id = "operator_create_coin_lot", params(("id" = ViewerId, Path)), request_body = NewLotBody,
    security(("bearer" = [])), responses(
    (status = 201, description = "The lot", body = LotBody),
    (status = 400, description = "IDEMPOTENCY_KEY_REQUIRED"),
    (status = 404, description = "VIEWER_NOT_FOUND"),
    (status = 409, description = "TOO_MANY_COIN_LOTS"),
    (status = 422, description = "COINS_INVALID, IDEMPOTENCY_KEY_REUSED"),
))]
pub async fn create(
    State(operators): State<Arc<Operators>>,
    operator: Treasurer,
    Id(viewer_id): Id<ViewerId>,
    key: IdempotencyKey,
    body: JsonBody<NewLotBody>,
) -> Result<Response, Problem> {
    let api = &operators.api;
    let idempotency = key.required(&operator.caller, &body.digest)?;
    let now = api.clock.now();
    let NewLotBody { kind, coins, cost, expires_at, note } = body.value;
    let lot = CoinLot {
        id: CoinLotId::new(now),
        viewer_id,
        kind,
        coins,
        spent: 0,
        cost,
        expires_at,
        note: note.trim().to_owned(),
        added_at: now,
        void_at: None,
        livemode: api.livemode,
        purchase_id: None,
    };
    // A repeated request is answered before it is judged: what was good when it was made may have passed.
    if api.db.written(&idempotency).await?.is_none() {
        lot.check()?;
    }
    let lot = match api.db.insert_coin_lot(&lot, &idempotency).await? {
        Written::New(()) => {
            operators.audit(&operator, "coin_lot.create", &lot.id.to_string(), json!({"lot": lot})).await?;
            lot
        }
        Written::Replay { id } => find(&operators, id.parse()?).await?,
        Written::KeyReused => return Err(key_reused()),
    };
    Ok((StatusCode::CREATED, Json(LotBody::new(&lot, now))).into_response())
}

/// Take back what is left of a lot, as when its money went back. What it was spent on stays; voiding twice is voiding once.
#[utoipa::path(post, path = "/operator/coin-lots/{id}/void", tag = "operator", operation_id = "operator_void_coin_lot",
    params(("id" = CoinLotId, Path)), request_body = ReasonBody, security(("bearer" = [])), responses(
    (status = 200, description = "The lot as it is now", body = LotBody),
    (status = 404, description = "COIN_LOT_NOT_FOUND"),
    (status = 422, description = "REASON_INVALID"),
))]
pub async fn void(
    State(operators): State<Arc<Operators>>,
    operator: Treasurer,
    Id(id): Id<CoinLotId>,
    body: JsonBody<ReasonBody>,
) -> Result<Json<LotBody>, Problem> {
    let api = &operators.api;
    let reason = body.value.checked()?;
    let now = api.clock.now();
    let is_new = api.db.void_coin_lot(id, &reason, now).await?;
    let lot = find(&operators, id).await?;
    if is_new {
        let detail = json!({"reason": reason, "spent": lot.spent, "coins": lot.coins});
        operators.audit(&operator, "coin_lot.void", &id.to_string(), detail).await?;
    }
    Ok(Json(LotBody::new(&lot, now)))
}

/// Unlock an episode for a viewer who has watched advertising for it to its end. The server that showed it answers for
/// that; how many there are a day is the title's. Asked again, the answer is the same.
#[utoipa::path(post, path = "/operator/viewers/{id}/rewards", tag = "operator", operation_id = "operator_create_reward",
    params(("id" = ViewerId, Path)), request_body = RewardBody, security(("bearer" = [])), responses(
    (status = 201, description = "The episode is the viewer's", body = UnlockBody),
    (status = 403, description = "GEO_NOT_LICENSED, LICENCE_REQUIRED, LICENCE_REVOKED, WINDOW_NOT_OPEN, WINDOW_CLOSED, \
        TITLE_SUSPENDED; PAYMENT_REQUIRED and others where the title has no episodes for advertising"),
    (status = 404, description = "VIEWER_NOT_FOUND, TITLE_NOT_FOUND, PART_NOT_FOUND"),
    (status = 409, description = "NO_REWARDS_LEFT, ALREADY_OWNED"),
    (status = 410, description = "TITLE_WITHDRAWN"),
))]
pub async fn reward(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    Id(viewer_id): Id<ViewerId>,
    body: JsonBody<RewardBody>,
) -> Result<Response, Problem> {
    require_viewer(&operators, viewer_id).await?;
    let RewardBody { title_id, part, territory, language } = body.value;
    let wanted = Wanted { viewer_id, title_id, part, territory: Some(territory), language };
    let detail = json!({"viewer_id": viewer_id, "title_id": title_id, "part": part});
    match operators.api.unlocks.reward(wanted).await? {
        // What was bought is no reward.
        Ok(Given { unlock, .. }) if unlock.means != UnlockMeans::Reward => Err(refused(&UnlockRefusal::Open)),
        Ok(Given { unlock, is_new }) => {
            if is_new {
                operators.audit(&operator, "unlock.reward", &unlock.id.to_string(), detail).await?;
            }
            Ok((StatusCode::CREATED, Json(UnlockBody::new(&unlock))).into_response())
        }
        Err(refusal) => Err(refused(&refusal)),
    }
}

async fn require_viewer(operators: &Operators, id: ViewerId) -> Result<(), Problem> {
    let not_found = || Problem::new(StatusCode::NOT_FOUND, "VIEWER_NOT_FOUND", "There is no such viewer.");
    operators.api.db.viewer(id).await?.map(|_| ()).ok_or_else(not_found)
}

async fn find(operators: &Operators, id: CoinLotId) -> Result<CoinLot, Error> {
    operators.api.db.coin_lot(id).await?.ok_or_else(|| Error::internal(format!("lot {id} is gone")))
}

impl LotBody {
    pub fn new(lot: &CoinLot, now: UtcMs) -> LotBody {
        LotBody {
            left: lot.left(now),
            id: lot.id,
            viewer_id: lot.viewer_id,
            kind: lot.kind,
            coins: lot.coins,
            spent: lot.spent,
            cost: lot.cost,
            expires_at: lot.expires_at,
            note: lot.note.clone(),
            added_at: lot.added_at,
            void_at: lot.void_at,
            livemode: lot.livemode,
        }
    }
}
