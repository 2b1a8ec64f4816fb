//! The films of a title as an operator names them: its parts and what is shown instead of them, its trailer and its
//! clips, each a packaged asset.

use std::collections::BTreeMap;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::problem::Problem;
use crate::base::id::AssetId;
use crate::base::protection::ProtectionScheme;
use crate::base::territory::TerritorySet;
use crate::catalog::asset::Asset;
use crate::catalog::details::{FilmClip, Trailer};
use crate::catalog::placement::{CleanEdit, PlacementCategory};
use crate::catalog::title::Title;
use crate::operator::Operators;
use crate::operator::avails::TerritoriesBody;

/// A short film about the film, besides its trailer.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ClipAsset)]
pub struct ClipAssetBody {
    /// By BCP 47 language tag; at least one.
    name: BTreeMap<String, String>,
    asset_id: AssetId,
    /// As the asset has it; what is sent is not looked at.
    runtime_ms: Option<i64>,
}

/// What of somebody else's is seen in a part.
#[derive(ToSchema)]
#[schema(as = Placement)]
#[expect(dead_code, reason = "the schema of catalog::Placement")]
pub struct PlacementBody {
    /// Counted from 1.
    part: u32,
    brand: String,
    category: PlacementCategoryBody,
    /// The operator's own word for it.
    contract: Option<String>,
    /// From the beginning of the part.
    in_seconds: u32,
    out_seconds: u32,
    /// For how much of that it is seen.
    exposure_seconds: u32,
}

#[derive(ToSchema)]
#[schema(as = PlacementCategory, rename_all = "snake_case")]
pub enum PlacementCategoryBody {
    Alcohol,
    Tobacco,
    Gambling,
    Medicine,
    Finance,
    Food,
    InfantFood,
    Other,
}

/// What is shown instead of a part.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CleanEdit)]
pub struct CleanEditBody {
    /// Counted from 1.
    part: u32,
    asset_id: AssetId,
    /// Where it is shown, whatever else holds there.
    #[schema(value_type = Option<TerritoriesBody>)]
    territories: Option<TerritorySet>,
    /// Of these nothing is seen in it: it is shown wherever a placement of the part may not be, if it names all such.
    #[serde(default)]
    #[schema(value_type = Vec<PlacementCategoryBody>)]
    categories: Vec<PlacementCategory>,
}

/// Of a title sealed with `cbcs` every part and every clean edit has its keys before the title is written: where they come from a key server
/// that is away, nothing is changed and the request can be sent again.
pub async fn issue_keys(operators: &Operators, title: &Title) -> Result<(), Problem> {
    if title.details.protection == ProtectionScheme::Cbcs {
        for film in title.films() {
            operators.api.library.issue_keys(film).await?;
        }
    }
    Ok(())
}

/// Episodes that viewers have unlocked keep their places: a number is what was paid for.
pub async fn require_places(operators: &Operators, title: &Title, assets: &[AssetId]) -> Result<(), Problem> {
    let unlocked = operators.api.db.unlocked_parts(title.id).await?;
    let moved = title.moved_parts(&unlocked, assets);
    if moved.is_empty() {
        return Ok(());
    }
    let list = moved.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let detail = format!(
        "Viewers have unlocked part {list}, which would move or go. Leave its place to it or to a new cut of it; add others \
         behind it."
    );
    Err(Problem::new(StatusCode::CONFLICT, "PARTS_UNLOCKED", detail).with_param("assets"))
}

/// The running time of each part; refuses one that is not packaged, and an excerpt, which is no film.
pub async fn part_runtimes_ms(operators: &Operators, assets: &[AssetId]) -> Result<Vec<i64>, Problem> {
    let mut runtimes_ms = Vec::with_capacity(assets.len());
    for (index, id) in assets.iter().enumerate() {
        let param = || format!("assets[{index}]");
        let asset = packaged(operators, *id, param).await?;
        refuse_excerpt(&asset, param)?;
        runtimes_ms.push(asset.duration_ms);
    }
    Ok(runtimes_ms)
}

pub async fn trailer_of(operators: &Operators, id: AssetId) -> Result<Trailer, Problem> {
    let asset = packaged(operators, id, || "trailer_asset_id".to_owned()).await?;
    Ok(Trailer { asset_id: id, runtime_ms: asset.duration_ms })
}

/// The clips with their running times.
pub async fn clips_of(operators: &Operators, clips: Vec<ClipAssetBody>) -> Result<Vec<FilmClip>, Problem> {
    let mut found = Vec::with_capacity(clips.len());
    for (index, ClipAssetBody { name, asset_id, .. }) in clips.into_iter().enumerate() {
        let asset = packaged(operators, asset_id, || format!("clips[{index}]")).await?;
        found.push(FilmClip { name, asset_id, runtime_ms: asset.duration_ms });
    }
    Ok(found)
}

/// The clean edits with their running times. One that is still being packaged is none yet: unlike a part it would be asked
/// for by nobody who waits for it.
pub async fn clean_edits_of(operators: &Operators, edits: Vec<CleanEditBody>) -> Result<Vec<CleanEdit>, Problem> {
    let mut found = Vec::with_capacity(edits.len());
    for (index, CleanEditBody { part, asset_id, territories, categories }) in edits.into_iter().enumerate() {
        let param = || format!("clean_edits[{index}]");
        let asset = packaged(operators, asset_id, param).await?;
        refuse_excerpt(&asset, param)?;
        if asset.state.is_partial() {
            let detail = format!("{asset_id} is still being made. Name it as a clean edit when its job is done.");
            let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "ASSET_PARTIAL", detail);
            return Err(problem.with_param(param()));
        }
        found.push(CleanEdit { part, asset_id, runtime_ms: asset.duration_ms, territories, categories });
    }
    Ok(found)
}

fn refuse_excerpt(asset: &Asset, param: impl Fn() -> String) -> Result<(), Problem> {
    if asset.details.excerpt_of.is_none() {
        return Ok(());
    }
    let detail = format!("{} is an excerpt; it can be a trailer or a clip, not a part.", asset.id);
    Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "ASSET_IS_EXCERPT", detail).with_param(param()))
}

async fn packaged(operators: &Operators, id: AssetId, param: impl Fn() -> String) -> Result<Asset, Problem> {
    let refused =
        |code, detail: String| Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail).with_param(param()));
    match operators.api.db.asset(id).await? {
        None => refused("ASSET_NOT_FOUND", format!("There is no asset {id}.")),
        Some(asset) if asset.details.card_of.is_some() => {
            refused("ASSET_IS_CARD", format!("{id} is a release card; the film it opens is the part."))
        }
        Some(asset) => Ok(asset),
    }
}

impl From<FilmClip> for ClipAssetBody {
    fn from(clip: FilmClip) -> ClipAssetBody {
        ClipAssetBody { name: clip.name, asset_id: clip.asset_id, runtime_ms: Some(clip.runtime_ms) }
    }
}

impl From<CleanEdit> for CleanEditBody {
    fn from(edit: CleanEdit) -> CleanEditBody {
        let CleanEdit { part, asset_id, territories, categories, .. } = edit;
        CleanEditBody { part, asset_id, territories, categories }
    }
}
