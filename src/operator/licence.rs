//! The release licence of a title, and where its cards stand.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::api::body::{Id, JsonBody};
use crate::api::caller::AnOperator;
use crate::api::problem::Problem;
use crate::api::role::Editor;
use crate::base::id::{AssetId, TitleId};
use crate::base::territory::Territory;
use crate::catalog::licence::{Licence, LicenceKind};
use crate::catalog::title::Title;
use crate::operator::cards::{CardState, FilmCard};
use crate::operator::jobs::JobErrorBody;
use crate::operator::{Operators, titles};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LicenceEditBody {
    #[schema(value_type = String, pattern = "^(online_release|theatrical_release|online_filing)$")]
    kind: LicenceKind,
    /// As it is written on the licence; of its kind's shape, such as `（总局）网影审字（2022）第001号`.
    number: String,
}

#[derive(Serialize, ToSchema)]
#[schema(as = TitleLicence)]
pub struct LicenceBody {
    #[schema(value_type = String, pattern = "^(online_release|theatrical_release|online_filing)$")]
    kind: LicenceKind,
    number: String,
    /// Where the film opens with a card that shows the number. None where the configuration asks for no card before films
    /// under this kind of licence.
    card_territories: Vec<Territory>,
    /// By part, part 1 first, then those of clean edits; none where no card is asked for.
    cards: Vec<CardBody>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ReleaseCard)]
pub struct CardBody {
    /// Counted from 1.
    part: u32,
    /// The asset that it is shown before.
    film_id: AssetId,
    /// Which is not the part itself.
    is_clean_edit: bool,
    status: CardStatus,
    /// Once it is ready.
    asset_id: Option<AssetId>,
    duration_ms: Option<i64>,
    /// Once it has failed; writing the licence again tries again.
    error: Option<JobErrorBody>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CardStatus {
    Queued,
    Making,
    Ready,
    Failed,
}

/// The licence of a title.
#[utoipa::path(get, path = "/operator/titles/{id}/licence", tag = "operator", operation_id = "operator_show_licence",
    params(("id" = TitleId, Path)), security(("bearer" = [])), responses(
    (status = 200, description = "The licence and its cards", body = LicenceBody),
    (status = 404, description = "TITLE_NOT_FOUND, LICENCE_NOT_FOUND"),
))]
pub async fn show(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    Id(id): Id<TitleId>,
) -> Result<Json<LicenceBody>, Problem> {
    let title = titles::find(&operators, id).await?;
    let not_found = || Problem::new(StatusCode::NOT_FOUND, "LICENCE_NOT_FOUND", "This title has no licence.");
    Ok(Json(answer(&operators, &title).await?.ok_or_else(not_found)?))
}

/// Set the licence of a title. Where its territories ask for one, a card is made for each part; until it is, the film is
/// not shown there. The same licence again makes what has failed anew.
#[utoipa::path(put, path = "/operator/titles/{id}/licence", tag = "operator", operation_id = "operator_set_licence",
    params(("id" = TitleId, Path)), request_body = LicenceEditBody, security(("bearer" = [])), responses(
    (status = 200, description = "The licence and its cards", body = LicenceBody),
    (status = 404, description = "TITLE_NOT_FOUND"),
    (status = 412, description = "VERSION_CONFLICT"),
    (status = 422, description = "LICENCE_NUMBER_INVALID"),
))]
pub async fn put(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    Id(id): Id<TitleId>,
    body: JsonBody<LicenceEditBody>,
) -> Result<Json<LicenceBody>, Problem> {
    let LicenceEditBody { kind, number } = body.value;
    let licence = Licence { kind, number };
    licence.check()?;
    let title = write(&operators, id, Some(licence.clone())).await?;
    operators.cards.queue(&title).await?;
    let detail = json!({"kind": licence.kind, "number": licence.number});
    operators.audit(&operator, "title.licence", &id.to_string(), detail).await?;
    Ok(Json(answer(&operators, &title).await?.ok_or_else(Problem::not_found)?))
}

/// Take the licence away: from the next session on there is no card, and a title made in China is offered there no more.
#[utoipa::path(delete, path = "/operator/titles/{id}/licence", tag = "operator",
    operation_id = "operator_remove_licence",
    params(("id" = TitleId, Path)), security(("bearer" = [])), responses(
    (status = 204, description = "The title has no licence"),
    (status = 404, description = "TITLE_NOT_FOUND"),
    (status = 412, description = "VERSION_CONFLICT"),
))]
pub async fn remove(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    Id(id): Id<TitleId>,
) -> Result<StatusCode, Problem> {
    write(&operators, id, None).await?;
    operators.audit(&operator, "title.licence_remove", &id.to_string(), json!({})).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The title with this licence, written where it had another.
async fn write(operators: &Operators, id: TitleId, licence: Option<Licence>) -> Result<Title, Problem> {
    let mut title = titles::find(operators, id).await?;
    if title.details.licence != licence {
        title.details.licence = licence;
        title.details.compliance = title.details.compliance.under_another_licence();
        title.version += 1;
        operators.api.db.update_title(&title, operators.api.clock.now()).await?;
        operators.api.follower.announce().await;
    }
    Ok(title)
}

async fn answer(operators: &Operators, title: &Title) -> Result<Option<LicenceBody>, Problem> {
    let Some(Licence { kind, number }) = title.details.licence.clone() else { return Ok(None) };
    let states = operators.cards.states(title).await?;
    let card_territories = operators.cards.territories(&Licence { kind, number: number.clone() }).to_vec();
    let cards = states.into_iter().map(|card| CardBody::new(title, card)).collect();
    Ok(Some(LicenceBody { kind, number, card_territories, cards }))
}

impl CardBody {
    fn new(title: &Title, card: FilmCard) -> CardBody {
        let FilmCard { part, film, state } = card;
        let is_clean_edit = title.part(part) != Some(film);
        let bare = |status| CardBody {
            part,
            film_id: film,
            is_clean_edit,
            status,
            asset_id: None,
            duration_ms: None,
            error: None,
        };
        match state {
            CardState::Ready(card) => CardBody {
                asset_id: Some(card.asset_id),
                duration_ms: Some(card.duration_ms),
                ..bare(CardStatus::Ready)
            },
            CardState::Queued => bare(CardStatus::Queued),
            CardState::Making => bare(CardStatus::Making),
            CardState::Failed { code, message } => {
                CardBody { error: Some(JobErrorBody { code, message }), ..bare(CardStatus::Failed) }
            }
        }
    }
}
