//! Titles as operators see and edit them.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use crate::api::body::{Edit, Id, JsonBody, QueryOf};
use crate::api::caller::AnOperator;
use crate::api::etag::{etag, require_version};
use crate::api::film::{self, CreditBody, LicenceBody, WindowBody};
use crate::api::idempotency::{IdempotencyKey, key_reused};
use crate::api::merchandise::ArticleBody;
use crate::api::page::{List, PageQuery};
use crate::api::posters;
use crate::api::problem::Problem;
use crate::api::role::Editor;
use crate::api::titles::TitleState;
use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind};
use crate::base::id::{AssetId, PartyId, TitleId};
use crate::base::limits;
use crate::base::protection::ProtectionScheme;
use crate::base::territory::Territory;
use crate::catalog::compliance::ComplianceState;
use crate::catalog::details::{Credit, TitleDetails};
use crate::catalog::episodes::EpisodeTerms;
use crate::catalog::genre::Genre;
use crate::catalog::merchandise::Merchandise;
use crate::catalog::placement::Placement;
use crate::catalog::production::Production;
use crate::catalog::series::Season;
use crate::catalog::title::{Title, TitleStatus};
use crate::operator::Operators;
use crate::operator::compliance::LicenceStateBody;
use crate::operator::series::SeasonBody;
use crate::operator::thresholds::ProductionBody;
use crate::operator::title_changes;
use crate::operator::title_films::{self, CleanEditBody, ClipAssetBody, PlacementBody};
use crate::rights::entitlement::decide_anywhere;
use crate::rights::party::PartyKind;
use crate::rights::snapshot::TitleRights;
use crate::rights::window::WindowPhase;
use crate::store::db::Written;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTitleBody {
    /// By BCP 47 language tag; at least one.
    name: BTreeMap<String, String>,
    #[serde(default)]
    synopsis: BTreeMap<String, String>,
    /// Part 1 first.
    #[serde(default)]
    assets: Vec<AssetId>,
    #[serde(default = "draft")]
    #[schema(value_type = StatusBody)]
    status: TitleStatus,
    #[serde(default)]
    tagline: BTreeMap<String, String>,
    /// In the order of the credits.
    #[serde(default)]
    cast: Vec<CreditBody>,
    /// Parties of the kind `producer`: whose film it is.
    #[serde(default)]
    producers: Vec<PartyId>,
    /// Slugs, such as `science_fiction`.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    genres: Vec<Genre>,
    year: Option<u16>,
    country: Option<Territory>,
    content_rating: Option<String>,
    /// From which age on it may be seen without a parental lock asking for its PIN: 0 to 18. Not rated, if not said.
    min_age: Option<u8>,
    /// By part, part 1 first; may be shorter than `assets`.
    #[serde(default)]
    part_names: Vec<BTreeMap<String, String>>,
    /// By part, from when anybody may watch it at all; may be shorter than `assets`.
    #[serde(default)]
    part_opens_at: Vec<Option<UtcMs>>,
    /// Its parts are episodes that are had one by one, wherever a `vod` window is open.
    #[schema(value_type = Option<EpisodeTermsBody>)]
    episodes: Option<EpisodeTerms>,
    /// Which season of which series it is.
    #[schema(value_type = Option<SeasonBody>)]
    season: Option<Season>,
    /// Before this instant nobody is told of it, whatever its status and its windows.
    announced_at: Option<UtcMs>,
    trailer_asset_id: Option<AssetId>,
    /// Further short films about it, in the order they are shown in.
    #[serde(default)]
    clips: Vec<ClipAssetBody>,
    /// What shops of others sell of it, in the order of the shelf.
    #[serde(default)]
    #[schema(value_type = Vec<ArticleBody>)]
    merchandise: Vec<Merchandise>,
    /// What of somebody else's is seen in it.
    #[serde(default)]
    #[schema(value_type = Vec<PlacementBody>)]
    placements: Vec<Placement>,
    /// What is shown instead of a part where what is placed in it may not be. Where two would do, the first.
    #[serde(default)]
    clean_edits: Vec<CleanEditBody>,
    /// How much of the film anybody may watch while it is on: 1 to 1800, and a quarter of part 1 at most.
    preview_seconds: Option<u32>,
    /// Among titles that stand alike in a list the smaller comes first.
    #[serde(default)]
    rank: i32,
    /// How the film is sealed where it is not free.
    #[serde(default)]
    #[schema(value_type = ProtectionBody, default = "aes128")]
    protection: ProtectionScheme,
    /// For the regulator of China.
    #[schema(value_type = Option<ProductionBody>)]
    production: Option<Production>,
}

/// What is not named stays; null takes away.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TitleEditBody {
    name: Option<BTreeMap<String, String>>,
    synopsis: Option<BTreeMap<String, String>>,
    assets: Option<Vec<AssetId>>,
    #[schema(value_type = Option<StatusBody>)]
    status: Option<TitleStatus>,
    tagline: Option<BTreeMap<String, String>>,
    cast: Option<Vec<CreditBody>>,
    producers: Option<Vec<PartyId>>,
    #[schema(value_type = Option<Vec<String>>)]
    genres: Option<Vec<Genre>>,
    #[serde(default)]
    #[schema(value_type = Option<u16>)]
    year: Edit<Option<u16>>,
    #[serde(default)]
    #[schema(value_type = Option<Territory>)]
    country: Edit<Option<Territory>>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    content_rating: Edit<Option<String>>,
    #[serde(default)]
    #[schema(value_type = Option<u8>)]
    min_age: Edit<Option<u8>>,
    part_names: Option<Vec<BTreeMap<String, String>>>,
    part_opens_at: Option<Vec<Option<UtcMs>>>,
    #[serde(default)]
    #[schema(value_type = Option<EpisodeTermsBody>)]
    episodes: Edit<Option<EpisodeTerms>>,
    #[serde(default)]
    #[schema(value_type = Option<SeasonBody>)]
    season: Edit<Option<Season>>,
    #[serde(default)]
    #[schema(value_type = Option<UtcMs>)]
    announced_at: Edit<Option<UtcMs>>,
    #[serde(default)]
    #[schema(value_type = Option<AssetId>)]
    trailer_asset_id: Edit<Option<AssetId>>,
    clips: Option<Vec<ClipAssetBody>>,
    #[schema(value_type = Option<Vec<ArticleBody>>)]
    merchandise: Option<Vec<Merchandise>>,
    #[schema(value_type = Option<Vec<PlacementBody>>)]
    placements: Option<Vec<Placement>>,
    clean_edits: Option<Vec<CleanEditBody>>,
    #[serde(default)]
    #[schema(value_type = Option<u32>)]
    preview_seconds: Edit<Option<u32>>,
    rank: Option<i32>,
    #[schema(value_type = Option<ProtectionBody>)]
    protection: Option<ProtectionScheme>,
    #[serde(default)]
    #[schema(value_type = Option<ProductionBody>)]
    production: Edit<Option<Production>>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = OperatorTitle)]
pub struct TitleBody {
    id: TitleId,
    name: BTreeMap<String, String>,
    synopsis: BTreeMap<String, String>,
    assets: Vec<AssetId>,
    #[schema(value_type = StatusBody)]
    status: TitleStatus,
    /// Of all parts together, without the trailer.
    runtime_ms: i64,
    tagline: BTreeMap<String, String>,
    cast: Vec<CreditBody>,
    producers: Vec<PartyId>,
    #[schema(value_type = Vec<String>)]
    genres: Vec<Genre>,
    year: Option<u16>,
    country: Option<Territory>,
    content_rating: Option<String>,
    min_age: Option<u8>,
    part_names: Vec<BTreeMap<String, String>>,
    part_opens_at: Vec<Option<UtcMs>>,
    #[schema(value_type = Option<EpisodeTermsBody>)]
    episodes: Option<EpisodeTerms>,
    #[schema(value_type = Option<SeasonBody>)]
    season: Option<Season>,
    announced_at: Option<UtcMs>,
    trailer_asset_id: Option<AssetId>,
    clips: Vec<ClipAssetBody>,
    #[schema(value_type = Vec<ArticleBody>)]
    merchandise: Vec<Merchandise>,
    #[schema(value_type = Vec<PlacementBody>)]
    placements: Vec<Placement>,
    clean_edits: Vec<CleanEditBody>,
    preview_seconds: Option<u32>,
    rank: i32,
    #[schema(value_type = ProtectionBody)]
    protection: ProtectionScheme,
    #[schema(value_type = Option<ProductionBody>)]
    production: Option<Production>,
    licence: Option<LicenceBody>,
    /// Where it stands in China, now.
    #[schema(value_type = LicenceStateBody)]
    licence_state: ComplianceState,
    /// A poster of this shape was uploaded.
    poster_portrait: bool,
    poster_landscape: bool,
    poster_url: Option<String>,
    /// As somebody without an account would see it, wherever it is licensed.
    commerce_state: TitleState,
    /// The next window that opens.
    next_window: Option<WindowBody>,
    /// There is a film to play.
    has_asset: bool,
    avail_count: usize,
    /// Without withdrawn ones.
    offers_count: usize,
    created_at: UtcMs,
    /// Grows with each edit; quoted, it is the `ETag`.
    version: i64,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TitlesQuery {
    /// Rows on the page, 50 if not said.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// A piece of a name in any language, in any case; or a title's id.
    query: Option<String>,
    #[param(inline, value_type = Option<StatusBody>)]
    status: Option<TitleStatus>,
    /// Where it stands in China.
    #[param(inline, value_type = Option<LicenceStateBody>)]
    licence_state: Option<ComplianceState>,
}

/// Where a title stands.
#[derive(ToSchema)]
#[schema(as = TitleStatus, rename_all = "snake_case")]
pub enum StatusBody {
    Draft,
    Live,
    Suspended,
    Withdrawn,
}

/// `aes128` seals whole segments and plays everywhere; `cbcs` seals samples, which a browser's decryption module opens.
#[derive(ToSchema)]
#[schema(as = Protection, rename_all = "lowercase")]
pub enum ProtectionBody {
    Aes128,
    Cbcs,
}

/// Parts as episodes that are had one by one.
#[derive(ToSchema)]
#[schema(as = EpisodeTerms)]
#[expect(dead_code, reason = "the schema of catalog::EpisodeTerms")]
pub struct EpisodeTermsBody {
    /// Episodes 1 to this one are free.
    free: u32,
    /// What each of the others costs.
    coins: u32,
    /// How many a viewer may have a day for watching advertising; 0 if not said.
    rewarded_per_day: Option<u32>,
}

fn draft() -> TitleStatus {
    TitleStatus::Draft
}

/// All titles, oldest first.
#[utoipa::path(get, path = "/operator/titles", tag = "operator", operation_id = "operator_list_titles",
    params(TitlesQuery), security(("bearer" = [])), responses(
    (status = 200, description = "A page of titles", body = List<TitleBody>),
))]
pub async fn list(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    QueryOf(asked): QueryOf<TitlesQuery>,
) -> Result<Json<List<TitleBody>>, Problem> {
    let TitlesQuery { limit, cursor, query, status, licence_state } = asked;
    if query.as_ref().is_some_and(|query| query.chars().count() > limits::QUERY_CHARS_MAX) {
        let detail = format!("A query has at most {} characters.", limits::QUERY_CHARS_MAX);
        return Err(Problem::new(StatusCode::BAD_REQUEST, "QUERY_INVALID", detail).with_param("query"));
    }
    let query = query.unwrap_or_default().trim().to_lowercase();
    let (snapshot, now) = (operators.api.follower.snapshot(), operators.api.clock.now());
    let is_asked_for = |title: &&Arc<TitleRights>| {
        let title = &title.title;
        let has_name = || title.name.values().any(|name| name.to_lowercase().contains(&query));
        status.is_none_or(|status| title.status == status)
            && licence_state.is_none_or(|state| title.compliance_state(now) == state)
            && (title.id.to_string() == query || has_name())
    };
    let titles: Vec<Arc<TitleRights>> = snapshot.titles().filter(is_asked_for).cloned().collect();
    PageQuery { limit, cursor }.cut(
        titles,
        |title| title.title.id.to_string(),
        |title| TitleBody::new(title.title.clone(), Some(&title), now),
    )
}

/// Make a title.
#[utoipa::path(post, path = "/operator/titles", tag = "operator", operation_id = "operator_create_title",
    request_body = NewTitleBody, security(("bearer" = [])), responses(
    (status = 201, description = "The title", body = TitleBody),
    (status = 409, description = "SEASON_TAKEN"),
    (status = 422, description = "TITLE_INVALID, PARTY_NOT_FOUND, SERIES_NOT_FOUND, ASSET_NOT_FOUND, ASSET_IS_EXCERPT, \
        ASSET_IS_CARD, ASSET_PARTIAL, IDEMPOTENCY_KEY_REUSED"),
    (status = 503, description = "KEY_SERVER_UNREACHABLE and other codes of a key server; nothing was made"),
))]
pub async fn create(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    key: IdempotencyKey,
    body: JsonBody<NewTitleBody>,
) -> Result<Response, Problem> {
    let api = &operators.api;
    let now = api.clock.now();
    let mut title = Title {
        id: TitleId::new(now),
        name: BTreeMap::new(),
        synopsis: BTreeMap::new(),
        status: TitleStatus::Draft,
        parts: Vec::new(),
        runtime_ms: 0,
        details: TitleDetails::default(),
        created_at: now,
        version: 1,
    };
    TitleEditBody::from(body.value).apply(&operators, &mut title).await?;
    title.check()?;
    title_films::issue_keys(&operators, &title).await?;
    let idempotency = key.of(&operator.caller, &body.digest);
    match api.db.insert_title(&title, idempotency.as_ref()).await? {
        Written::New(()) => {
            api.follower.announce().await;
            let detail = json!({"name": title.name, "status": title.status});
            operators.audit(&operator, "title.create", &title.id.to_string(), detail).await?;
            Ok(answer(&operators, StatusCode::CREATED, title))
        }
        Written::Replay { id } => Ok(answer(&operators, StatusCode::CREATED, find(&operators, id.parse()?).await?)),
        Written::KeyReused => Err(key_reused()),
    }
}

/// One title, whatever its status.
#[utoipa::path(get, path = "/operator/titles/{id}", tag = "operator", operation_id = "operator_show_title",
    params(("id" = TitleId, Path)), security(("bearer" = [])), responses(
    (status = 200, description = "The title; `ETag` is its version", body = TitleBody),
    (status = 404, description = "TITLE_NOT_FOUND"),
))]
pub async fn show(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    Id(id): Id<TitleId>,
) -> Result<Response, Problem> {
    let title = find(&operators, id).await?;
    Ok(answer(&operators, StatusCode::OK, title))
}

/// Edit a title: what is not named stays. With `If-Match`, only the version that the operator has seen.
#[utoipa::path(patch, path = "/operator/titles/{id}", tag = "operator", operation_id = "operator_edit_title",
    params(("id" = TitleId, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that was read")),
    request_body = TitleEditBody, security(("bearer" = [])), responses(
    (status = 200, description = "The title as it is now", body = TitleBody),
    (status = 404, description = "TITLE_NOT_FOUND"),
    (status = 409, description = "PARTS_UNLOCKED, SEASON_TAKEN, ORIGIN_RECORDED"),
    (status = 412, description = "VERSION_CONFLICT"),
    (status = 422, description = "TITLE_INVALID, PARTY_NOT_FOUND, SERIES_NOT_FOUND, ASSET_NOT_FOUND, ASSET_IS_EXCERPT, \
        ASSET_IS_CARD, ASSET_PARTIAL"),
    (status = 503, description = "KEY_SERVER_UNREACHABLE and other codes of a key server; nothing was changed"),
))]
pub async fn edit(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    Id(id): Id<TitleId>,
    headers: HeaderMap,
    body: JsonBody<TitleEditBody>,
) -> Result<Response, Problem> {
    let api = &operators.api;
    let mut title = find(&operators, id).await?;
    require_version(&headers, title.version, "title")?;
    let before = title.clone();
    let needs_keys = body.value.protection.is_some() || body.value.assets.is_some() || body.value.clean_edits.is_some();
    body.value.apply(&operators, &mut title).await?;
    title.version += 1;
    title.check()?;
    if needs_keys {
        title_films::issue_keys(&operators, &title).await?;
    }
    api.db.update_title(&title, api.clock.now()).await?;
    api.follower.announce().await;
    // For another film, or another name, there is another card.
    operators.cards.queue(&title).await?;
    let detail = title_changes::between(&before, &title);
    operators.audit(&operator, "title.edit", &id.to_string(), detail).await?;
    Ok(answer(&operators, StatusCode::OK, title))
}

/// The title, or 404.
pub async fn find(operators: &Operators, id: TitleId) -> Result<Title, Problem> {
    let title = operators.api.db.title(id).await?;
    let title = title.map(|title| operators.api.follower.thresholds().scaled(title));
    title.ok_or_else(|| not_found_error().into())
}

pub fn not_found_error() -> Error {
    Error::new(ErrorKind::NotFound, "TITLE_NOT_FOUND", "There is no such title.")
}

impl TitleEditBody {
    async fn apply(self, operators: &Operators, title: &mut Title) -> Result<(), Problem> {
        let replace = |text: Option<BTreeMap<String, String>>, place: &mut BTreeMap<String, String>| {
            *place = text.unwrap_or(std::mem::take(place));
        };
        replace(self.name, &mut title.name);
        replace(self.synopsis, &mut title.synopsis);
        title.status = self.status.unwrap_or(title.status);
        let details = &mut title.details;
        replace(self.tagline, &mut details.tagline);
        if let Some(cast) = self.cast {
            details.cast = cast.into_iter().map(Credit::from).collect();
        }
        if let Some(producers) = self.producers {
            let snapshot = operators.api.follower.snapshot();
            let is_producer = |id: &PartyId| snapshot.party(*id).is_some_and(|party| party.kind == PartyKind::Producer);
            if !producers.iter().all(is_producer) {
                let detail = "A producer is a party of that kind: see GET /operator/parties.";
                let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "PARTY_NOT_FOUND", detail);
                return Err(problem.with_param("producers"));
            }
            details.producers = producers;
        }
        if let Some(genres) = self.genres {
            details.genres = genres;
        }
        details.year = self.year.of(details.year);
        let country = self.country.of(details.country);
        details.require_origin(country)?;
        details.country = country;
        details.content_rating = self.content_rating.of(details.content_rating.take());
        details.merchandise = self.merchandise.unwrap_or(std::mem::take(&mut details.merchandise));
        details.min_age = self.min_age.of(details.min_age);
        details.rank = self.rank.unwrap_or(details.rank);
        details.protection = self.protection.unwrap_or(details.protection);
        if let Edit::Set(trailer) = self.trailer_asset_id {
            details.trailer = match trailer {
                Some(id) => Some(title_films::trailer_of(operators, id).await?),
                None => None,
            };
        }
        if let Some(clips) = self.clips {
            details.clips = title_films::clips_of(operators, clips).await?;
        }
        if let Edit::Set(seconds) = self.preview_seconds {
            details.preview_ms = seconds.map(|seconds| i64::from(seconds) * 1000);
        }
        if let Some(assets) = self.assets {
            title_films::require_places(operators, title, &assets).await?;
            let runtimes_ms = title_films::part_runtimes_ms(operators, &assets).await?;
            title.set_parts(assets, runtimes_ms);
        }
        let details = &mut title.details;
        details.placements = self.placements.unwrap_or(std::mem::take(&mut details.placements));
        if let Some(edits) = self.clean_edits {
            details.clean_edits = title_films::clean_edits_of(operators, edits).await?;
        }
        if let Some(names) = self.part_names {
            details.part_names = names;
        }
        if let Some(opens_at) = self.part_opens_at {
            details.part_opens_at = opens_at;
        }
        details.episodes = self.episodes.of(details.episodes);
        details.season = self.season.of(details.season);
        details.announced_at = self.announced_at.of(details.announced_at);
        details.production = self.production.of(details.production);
        Ok(())
    }
}

impl From<NewTitleBody> for TitleEditBody {
    fn from(body: NewTitleBody) -> TitleEditBody {
        TitleEditBody {
            name: Some(body.name),
            synopsis: Some(body.synopsis),
            assets: Some(body.assets),
            status: Some(body.status),
            tagline: Some(body.tagline),
            cast: Some(body.cast),
            producers: Some(body.producers),
            genres: Some(body.genres),
            year: Edit::Set(body.year),
            country: Edit::Set(body.country),
            content_rating: Edit::Set(body.content_rating),
            min_age: Edit::Set(body.min_age),
            part_names: Some(body.part_names),
            part_opens_at: Some(body.part_opens_at),
            episodes: Edit::Set(body.episodes),
            season: Edit::Set(body.season),
            announced_at: Edit::Set(body.announced_at),
            trailer_asset_id: Edit::Set(body.trailer_asset_id),
            clips: Some(body.clips),
            merchandise: Some(body.merchandise),
            placements: Some(body.placements),
            clean_edits: Some(body.clean_edits),
            preview_seconds: Edit::Set(body.preview_seconds),
            rank: Some(body.rank),
            protection: Some(body.protection),
            production: Edit::Set(body.production),
        }
    }
}

fn answer(operators: &Operators, status: StatusCode, title: Title) -> Response {
    let snapshot = operators.api.follower.snapshot();
    let rights = snapshot.title(title.id).cloned();
    let etag = etag(title.version);
    let body = TitleBody::new(title, rights.as_deref(), operators.api.clock.now());
    (status, [(header::ETAG, etag)], Json(body)).into_response()
}

impl TitleBody {
    /// `rights` are what this node knows of its windows; nothing of a title that it has not heard of yet.
    fn new(title: Title, rights: Option<&TitleRights>, now: UtcMs) -> TitleBody {
        let avails = rights.map(|rights| &rights.avails[..]).unwrap_or_default();
        let offers = rights.map(|rights| &rights.offers[..]).unwrap_or_default();
        let upcoming = avails.iter().filter(|avail| avail.window.phase(now) == WindowPhase::NotOpen);
        let state = rights.map(|rights| TitleState::of(&decide_anywhere(rights, now)));
        TitleBody {
            id: title.id,
            licence: film::licence(&title),
            licence_state: title.compliance_state(now),
            poster_portrait: title.details.posters.portrait.is_some(),
            poster_landscape: title.details.posters.landscape.is_some(),
            poster_url: posters::urls(&title).landscape,
            commerce_state: state.unwrap_or(TitleState::NotAvailable),
            next_window: upcoming.min_by_key(|avail| avail.window.start_at).map(WindowBody::new),
            has_asset: !title.parts.is_empty(),
            avail_count: avails.len(),
            offers_count: offers.iter().filter(|offer| !offer.is_withdrawn(now)).count(),
            name: title.name,
            synopsis: title.synopsis,
            assets: title.parts,
            status: title.status,
            runtime_ms: title.runtime_ms,
            tagline: title.details.tagline,
            cast: title.details.cast.iter().map(CreditBody::from).collect(),
            producers: title.details.producers,
            genres: title.details.genres,
            year: title.details.year,
            country: title.details.country,
            content_rating: title.details.content_rating,
            min_age: title.details.min_age,
            part_names: title.details.part_names,
            part_opens_at: title.details.part_opens_at,
            episodes: title.details.episodes,
            season: title.details.season,
            announced_at: title.details.announced_at,
            merchandise: title.details.merchandise,
            placements: title.details.placements,
            clean_edits: title.details.clean_edits.into_iter().map(CleanEditBody::from).collect(),
            trailer_asset_id: title.details.trailer.map(|trailer| trailer.asset_id),
            clips: title.details.clips.into_iter().map(ClipAssetBody::from).collect(),
            preview_seconds: title.details.preview_ms.map(|ms| (ms / 1000) as u32),
            protection: title.details.protection,
            production: title.details.production,
            rank: title.details.rank,
            created_at: title.created_at,
            version: title.version,
        }
    }
}
