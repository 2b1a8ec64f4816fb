//! Posters: a picture that an operator has uploaded for a title, or a picture of its film.

use std::sync::Arc;

use axum::extract::{FromRequestParts, State};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{StatusCode, header};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::api::body::{Id, QueryOf};
use crate::api::caller::{Anyone, any_operator};
use crate::api::problem::Problem;
use crate::api::titles::{listed_title, title_shown_to};
use crate::api::{Api, BASE};
use crate::base::id::TitleId;
use crate::catalog::title::Title;
use crate::store::key::ObjectKey;

const LISTED_CACHE: &str = "public, max-age=300";
/// Of a title that only operators see.
const UNLISTED_CACHE: &str = "private, no-cache";

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PosterQuery {
    /// Landscape if not said.
    #[param(inline)]
    #[serde(default)]
    pub shape: PosterShape,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PosterShape {
    /// 2:3; only where one was uploaded.
    Portrait,
    /// 16:9 where one was uploaded, or a picture of the film in its shape.
    #[default]
    Landscape,
}

/// Where a title's posters are, as far as there are any.
pub struct PosterUrls {
    pub landscape: Option<String>,
    pub portrait: Option<String>,
}

/// The poster of a listed title. An operator sees those of other titles too, and an invited viewer those of theirs.
#[utoipa::path(get, path = "/titles/{id}/poster.jpg", tag = "titles", operation_id = "show_poster",
    params(("id" = TitleId, Path), PosterQuery), responses(
    (status = 200, description = "A JPEG", content_type = "image/jpeg"),
    (status = 304, description = "The poster that the caller has"),
    (status = 404, description = "TITLE_NOT_FOUND, or a title without such a poster"),
    (status = 410, description = "TITLE_WITHDRAWN"),
))]
pub async fn poster(
    State(api): State<Arc<Api>>,
    mut parts: Parts,
    Id(id): Id<TitleId>,
    QueryOf(query): QueryOf<PosterQuery>,
) -> Result<Response, Problem> {
    let (title, cache) = match listed_title(&api, id) {
        Ok(title) => (title, LISTED_CACHE),
        Err(problem) => match (any_operator(&api, &parts).await, api.follower.snapshot().title(id)) {
            (Ok(_), Some(title)) => (title.clone(), UNLISTED_CACHE),
            _ => match Anyone::from_request_parts(&mut parts, &api).await {
                Ok(Anyone(caller)) => {
                    let viewer_id = caller.and_then(|caller| caller.viewer_id());
                    (title_shown_to(&api, id, viewer_id)?, UNLISTED_CACHE)
                }
                Err(_) => return Err(problem),
            },
        },
    };
    let key = key(&title.title, query.shape).ok_or_else(Problem::not_found)?;
    // Neither an asset's poster nor an uploaded one ever changes: another one has another name.
    let name = key.path();
    let etag = format!("\"{}\"", name.as_ref().trim_end_matches(".jpg"));
    let caching = [(header::ETAG, etag.clone()), (header::CACHE_CONTROL, cache.to_owned())];
    if parts.headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
        return Ok((StatusCode::NOT_MODIFIED, caching).into_response());
    }
    let jpeg = (api.posters)(key).await?;
    Ok((caching, [(header::CONTENT_TYPE, "image/jpeg")], jpeg).into_response())
}

/// The posters there are.
pub fn urls(title: &Title) -> PosterUrls {
    let url = format!("{BASE}/titles/{}/poster.jpg", title.id);
    PosterUrls {
        portrait: key(title, PosterShape::Portrait).map(|_| format!("{url}?shape=portrait")),
        landscape: key(title, PosterShape::Landscape).map(|_| url),
    }
}

/// The picture that stands for a title in this shape. Before the film is there, its trailer speaks for it.
fn key(title: &Title, shape: PosterShape) -> Option<ObjectKey> {
    let posters = title.details.posters;
    let uploaded = match shape {
        PosterShape::Portrait => posters.portrait,
        PosterShape::Landscape => posters.landscape,
    };
    match (uploaded, shape) {
        (Some(poster), _) => Some(ObjectKey::TitlePoster { title: title.id, poster }),
        (None, PosterShape::Portrait) => None,
        (None, PosterShape::Landscape) => {
            title.part(1).or(title.details.teaser()).map(|asset| ObjectKey::AssetPoster { asset })
        }
    }
}
