//! Packaged films: what they were made of, what was made of them, and excerpts of them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::api::body::{Id, JsonBody, QueryOf};
use crate::api::caller::AnOperator;
use crate::api::page::{List, PageQuery};
use crate::api::problem::Problem;
use crate::api::role::Editor;
use crate::base::clock::UtcMs;
use crate::base::id::{AssetId, TitleId};
use crate::base::limits;
use crate::catalog::asset::{Asset, PackagedSummary, RenditionSummary, SourceSummary, SourceTrack, TrackKind};
use crate::operator::Operators;

#[derive(Serialize, ToSchema)]
pub struct AssetBody {
    id: AssetId,
    /// `complete`; or `partial` while its job is at work: it can be played as far as it is there.
    status: AssetStatus,
    /// The name of the file it was made from.
    source_name: String,
    duration_ms: i64,
    created_at: UtcMs,
    /// The asset that this is the beginning of.
    excerpt_of: Option<AssetId>,
    /// The film that this is the release card of.
    card_of: Option<AssetId>,
    /// What came in; null where it was not noted.
    source: Option<SourceBody>,
    /// What was made of it; null where it was not noted.
    renditions: Option<Vec<RenditionBody>>,
    segments: Option<SegmentsBody>,
    /// The titles that it is a part or the trailer of.
    titles: Vec<TitleId>,
}

#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AssetStatus {
    Partial,
    Complete,
}

#[derive(Serialize, ToSchema)]
pub struct SourceBody {
    name: String,
    /// `mp4`, `matroska`, `mpegts`.
    container: String,
    duration_ms: Option<i64>,
    size_bytes: u64,
    tracks: Vec<SourceTrackBody>,
}

#[derive(Serialize, ToSchema)]
pub struct SourceTrackBody {
    #[schema(value_type = String, pattern = "^(video|audio)$")]
    kind: TrackKind,
    /// Such as `h264`.
    codec: String,
    width: Option<u32>,
    height: Option<u32>,
    frame_rate: Option<f64>,
    channels: Option<u32>,
    sample_rate: Option<u32>,
    language: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct RenditionBody {
    track: String,
    #[schema(value_type = String, pattern = "^(video|audio)$")]
    kind: TrackKind,
    /// RFC 6381.
    codec: String,
    width: Option<u32>,
    height: Option<u32>,
    /// The highest of any segment.
    bitrate_bps: u64,
    frame_rate: Option<f64>,
    channels: Option<u32>,
    language: Option<String>,
    /// Taken from the source as it was.
    copied: bool,
    size_bytes: u64,
}

#[derive(Serialize, ToSchema)]
pub struct SegmentsBody {
    count: u32,
    target_duration_s: u32,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExcerptBody {
    /// From the beginning, to the first segment boundary at or after it; 1 s to 10 minutes.
    length_ms: u64,
}

/// All assets.
#[utoipa::path(get, path = "/operator/assets", tag = "operator", operation_id = "operator_list_assets",
    params(PageQuery), security(("bearer" = [])), responses(
    (status = 200, description = "A page of assets", body = List<AssetBody>),
))]
pub async fn list(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<List<AssetBody>>, Problem> {
    let rows = operators.api.db.assets(&query.page()?).await?;
    query.list(rows, |row| row.id.to_string(), |asset| AssetBody::new(asset, &operators))
}

/// One asset.
#[utoipa::path(get, path = "/operator/assets/{id}", tag = "operator", operation_id = "operator_show_asset",
    params(("id" = AssetId, Path)), security(("bearer" = [])), responses(
    (status = 200, description = "The asset", body = AssetBody),
    (status = 404, description = "ASSET_NOT_FOUND"),
))]
pub async fn show(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    Id(id): Id<AssetId>,
) -> Result<Json<AssetBody>, Problem> {
    Ok(Json(AssetBody::new(find(&operators, id).await?, &operators)))
}

/// Make an asset of the beginning of another one, for a trailer. Its bytes are copied, its keys are its own.
#[utoipa::path(post, path = "/operator/assets/{id}/excerpt", tag = "operator", operation_id = "operator_excerpt_asset",
    params(("id" = AssetId, Path)), request_body = ExcerptBody, security(("bearer" = [])), responses(
    (status = 201, description = "The new asset", body = AssetBody),
    (status = 404, description = "ASSET_NOT_FOUND, or MEDIA_NOT_FOUND where its bytes are not here"),
    (status = 409, description = "ASSET_PARTIAL"),
    (status = 422, description = "EXCERPT_INVALID"),
))]
pub async fn excerpt(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    Id(id): Id<AssetId>,
    body: JsonBody<ExcerptBody>,
) -> Result<(StatusCode, Json<AssetBody>), Problem> {
    let ExcerptBody { length_ms } = body.value;
    let bounds = limits::EXCERPT_MIN.as_millis()..=limits::EXCERPT_MAX.as_millis();
    if !bounds.contains(&u128::from(length_ms)) {
        let detail = format!("An excerpt has {} to {} ms.", bounds.start(), bounds.end());
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "EXCERPT_INVALID", detail).with_param("length_ms"));
    }
    let source = find_complete(&operators, id).await?;
    let asset = operators.studio.excerpt(source, length_ms).await?;
    operators.api.db.insert_asset(&asset).await?;
    operators.api.follower.announce().await;
    let detail = json!({"excerpt_of": id, "length_ms": length_ms, "duration_ms": asset.duration_ms});
    operators.audit(&operator, "asset.excerpt", &asset.id.to_string(), detail).await?;
    Ok((StatusCode::CREATED, Json(AssetBody::new(asset, &operators))))
}

pub(crate) async fn find(operators: &Operators, id: AssetId) -> Result<Asset, Problem> {
    let asset = operators.api.db.asset(id).await?;
    asset.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "ASSET_NOT_FOUND", "There is no such asset."))
}

/// An asset of which all is there.
pub(crate) async fn find_complete(operators: &Operators, id: AssetId) -> Result<Asset, Problem> {
    let asset = find(operators, id).await?;
    if asset.state.is_partial() {
        let detail = "This asset is still being made. Ask again when its job is done.";
        return Err(Problem::new(StatusCode::CONFLICT, "ASSET_PARTIAL", detail));
    }
    Ok(asset)
}

impl AssetBody {
    fn new(asset: Asset, operators: &Operators) -> AssetBody {
        let has_asset = |title: &&Arc<crate::rights::snapshot::TitleRights>| {
            let details = &title.title.details;
            let is_clip = || details.clips.iter().any(|clip| clip.asset_id == asset.id);
            let trailer = details.trailer.map(|trailer| trailer.asset_id);
            title.title.films().any(|film| film == asset.id) || trailer == Some(asset.id) || is_clip()
        };
        let snapshot = operators.api.follower.snapshot();
        let titles = snapshot.titles().filter(has_asset).map(|title| title.title.id).collect();
        let (renditions, segments) = match asset.details.packaged {
            Some(packaged) => {
                let PackagedSummary { renditions, segment_count, target_duration_s } = packaged;
                let renditions = renditions.into_iter().map(RenditionBody::from).collect();
                (Some(renditions), Some(SegmentsBody { count: segment_count, target_duration_s }))
            }
            None => (None, None),
        };
        AssetBody {
            id: asset.id,
            status: if asset.state.is_partial() { AssetStatus::Partial } else { AssetStatus::Complete },
            source_name: asset.source_name,
            duration_ms: asset.duration_ms,
            created_at: asset.created_at,
            excerpt_of: asset.details.excerpt_of,
            card_of: asset.details.card_of.map(|source| source.film),
            source: asset.details.source.map(SourceBody::from),
            renditions,
            segments,
            titles,
        }
    }
}

impl From<SourceSummary> for SourceBody {
    fn from(source: SourceSummary) -> SourceBody {
        SourceBody {
            name: source.name,
            container: source.container,
            duration_ms: source.duration_ms,
            size_bytes: source.size_bytes,
            tracks: source.tracks.into_iter().map(SourceTrackBody::from).collect(),
        }
    }
}

impl From<SourceTrack> for SourceTrackBody {
    fn from(track: SourceTrack) -> SourceTrackBody {
        SourceTrackBody {
            kind: track.kind,
            codec: track.codec,
            width: track.width,
            height: track.height,
            frame_rate: track.frame_rate_milli.map(thousandths),
            channels: track.channels,
            sample_rate: track.sample_rate,
            language: track.language,
        }
    }
}

impl From<RenditionSummary> for RenditionBody {
    fn from(rendition: RenditionSummary) -> RenditionBody {
        RenditionBody {
            track: rendition.track,
            kind: rendition.kind,
            codec: rendition.codec,
            width: rendition.width,
            height: rendition.height,
            bitrate_bps: rendition.peak_bits_per_s,
            frame_rate: rendition.frame_rate_milli.map(thousandths),
            channels: rendition.channels,
            language: rendition.language,
            copied: rendition.is_copied,
            size_bytes: rendition.size_bytes,
        }
    }
}

fn thousandths(milli: u32) -> f64 {
    f64::from(milli) / 1000.0
}
