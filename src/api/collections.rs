//! Collections as a viewer sees them: those that are open, each with what of it is on show here.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::Api;
use crate::api::body::{Id, QueryOf};
use crate::api::caller::{Anyone, At};
use crate::api::looker::Looker;
use crate::api::page::{List, PageQuery};
use crate::api::problem::Problem;
use crate::api::storefront::AtStorefront;
use crate::api::titles::TitleBody;
use crate::base::clock::UtcMs;
use crate::base::id::{CollectionId, ViewerId};
use crate::base::territory::Territory;
use crate::catalog::collection::Collection;
use crate::catalog::compliance::ComplianceState;
use crate::rights::airing::airing;
use crate::rights::clearance::Clearance;
use crate::rights::deal::{Deal, Slot};
use crate::rights::snapshot::TitleRights;

const TITLES_LISTED: usize = 12;

/// A collection in a list.
#[derive(Serialize, ToSchema)]
#[schema(as = CollectionBrief)]
pub struct CollectionBriefBody {
    id: CollectionId,
    /// By BCP 47 language tag.
    name: BTreeMap<String, String>,
    synopsis: BTreeMap<String, String>,
    start_at: UtcMs,
    end_at: Option<UtcMs>,
    /// The first twelve that are on show here.
    titles: Vec<TitleBody>,
    /// How many are on show here.
    count: usize,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Collection)]
pub struct CollectionBody {
    id: CollectionId,
    name: BTreeMap<String, String>,
    synopsis: BTreeMap<String, String>,
    start_at: UtcMs,
    end_at: Option<UtcMs>,
    /// The television channel that carries it too.
    channel: Option<String>,
    /// Those that are on show here, in the operator's order.
    titles: Vec<CollectedTitleBody>,
}

/// A title of a collection.
#[derive(Serialize, ToSchema)]
#[schema(as = CollectedTitle)]
pub struct CollectedTitleBody {
    #[serde(flatten)]
    title: TitleBody,
    /// Within which time the channel may show it, where the caller is, and when it does, as far as that is settled.
    airing: Option<AiringBody>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Airing)]
pub struct AiringBody {
    starts_at: UtcMs,
    ends_at: Option<UtcMs>,
    /// When it is on the air, as far as that is settled; those that are over too.
    #[schema(value_type = Vec<SlotBody>)]
    slots: Vec<Slot>,
}

/// One run on a channel: `[start_at, end_at)`.
#[derive(ToSchema)]
#[schema(as = Slot)]
#[expect(dead_code, reason = "the schema of rights::Slot")]
pub struct SlotBody {
    start_at: UtcMs,
    end_at: UtcMs,
}

/// Collections that are open and of which something is on show here, the newest first by their start.
#[utoipa::path(get, path = "/collections", tag = "titles", operation_id = "list_collections", params(PageQuery),
    security((), ("bearer" = []), ("cookie" = [])), responses(
    (status = 200, description = "A page of collections", body = List<CollectionBriefBody>),
))]
pub async fn list(
    State(api): State<Arc<Api>>,
    Anyone(caller): Anyone,
    At(place): At,
    at: AtStorefront,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<List<CollectionBriefBody>>, Problem> {
    let looker = looker(&api, caller.and_then(|caller| caller.viewer_id()), place.territory, at).await?;
    let open = looker.snapshot.collections().filter(|collection| collection.is_open(looker.now));
    let mut shown: Vec<(String, &Collection, Vec<&Arc<TitleRights>>)> = open
        .map(|collection| (position(collection), collection, titles_of(&looker, collection)))
        .filter(|(_, _, titles)| !titles.is_empty())
        .collect();
    shown.sort_by(|one, other| one.0.cmp(&other.0));
    let is_position = |text: &&str| text.split_at_checked(16).is_some_and(|(_, id)| id.parse::<CollectionId>().is_ok());
    let parse = |text: &str| Some(text).filter(is_position).map(str::to_owned);
    query.cut_after(
        shown,
        parse,
        |(position, ..)| position,
        |(_, collection, titles)| CollectionBriefBody {
            id: collection.id,
            name: collection.name.clone(),
            synopsis: collection.synopsis.clone(),
            start_at: collection.start_at,
            end_at: collection.end_at,
            count: titles.len(),
            titles: titles.into_iter().take(TITLES_LISTED).map(|title| looker.body(title)).collect(),
        },
    )
}

/// One collection, with its titles that are on show here or that the caller has.
#[utoipa::path(get, path = "/collections/{id}", tag = "titles", operation_id = "show_collection",
    params(("id" = CollectionId, Path)), security((), ("bearer" = []), ("cookie" = [])), responses(
    (status = 200, description = "The collection", body = CollectionBody),
    (status = 404, description = "COLLECTION_NOT_FOUND: also before its start, from its end on, and where nothing of it is \
        on show"),
))]
pub async fn show(
    State(api): State<Arc<Api>>,
    Anyone(caller): Anyone,
    At(place): At,
    at: AtStorefront,
    Id(id): Id<CollectionId>,
) -> Result<Json<CollectionBody>, Problem> {
    let looker = looker(&api, caller.and_then(|caller| caller.viewer_id()), place.territory, at).await?;
    let not_found = || Problem::new(StatusCode::NOT_FOUND, "COLLECTION_NOT_FOUND", "There is no such collection.");
    let collection = looker.snapshot.collection(id).filter(|collection| collection.is_open(looker.now));
    let collection = collection.ok_or_else(not_found)?;
    let titles = titles_of(&looker, collection);
    if titles.is_empty() {
        return Err(not_found());
    }
    let on_air = |title: &TitleRights| {
        let deal = airing(collection, &title.deals, Some(place.territory?), looker.now)?;
        Some(AiringBody::from(deal))
    };
    Ok(Json(CollectionBody {
        id,
        name: collection.name.clone(),
        synopsis: collection.synopsis.clone(),
        start_at: collection.start_at,
        end_at: collection.end_at,
        channel: collection.showcase.as_ref().map(|showcase| showcase.channel.clone()),
        titles: titles
            .into_iter()
            .map(|title| CollectedTitleBody { title: looker.body(title), airing: on_air(title) })
            .collect(),
    }))
}

/// Where a collection stands in the list; what starts later sorts first.
fn position(collection: &Collection) -> String {
    format!("{:016x}{}", i64::MAX - collection.start_at.0.max(0), collection.id)
}

/// Where nothing is open nobody's rights are asked for.
async fn looker(
    api: &Api,
    viewer: Option<ViewerId>,
    territory: Option<Territory>,
    at: AtStorefront,
) -> Result<Looker, Problem> {
    let (snapshot, now) = (api.follower.snapshot(), api.clock.now());
    let viewer = viewer.filter(|_| snapshot.collections().any(|collection| collection.is_open(now)));
    Looker::of(api, viewer, territory, at).await
}

/// Those that are on show here or that the viewer has, in the collection's order. To stand on the front page and under a
/// theme is to be promoted, which in China takes a licence: what is ordinary there is left out.
fn titles_of<'l>(looker: &'l Looker, collection: &Collection) -> Vec<&'l Arc<TitleRights>> {
    let is_ordinary = |title: &TitleRights| {
        Clearance::of(&title.title, looker.territory, looker.now) == Clearance(ComplianceState::Ordinary)
    };
    let titles = collection.title_ids.iter().filter_map(|id| looker.snapshot.title(*id));
    titles.filter(|title| looker.sees(title) && !is_ordinary(title)).collect()
}

impl From<&Deal> for AiringBody {
    fn from(deal: &Deal) -> AiringBody {
        AiringBody {
            starts_at: deal.window.start_at,
            ends_at: deal.window.end_at,
            slots: deal.carriage.slots().to_vec(),
        }
    }
}
