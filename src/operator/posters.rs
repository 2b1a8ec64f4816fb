//! Posters that operators upload. What a viewer gets is never the file that came in, but what the worker drew of it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, StatusCode, header};
use serde_json::json;

use crate::api::body::{Id, QueryOf, read_all};
use crate::api::posters::{PosterQuery, PosterShape};
use crate::api::problem::Problem;
use crate::api::role::Editor;
use crate::base::error::Result as BaseResult;
use crate::base::id::{PosterId, TitleId};
use crate::base::limits;
use crate::operator::{Operators, titles};
use crate::packager::job::PictureShape;

const TYPES: [&str; 3] = ["image/jpeg", "image/png", "image/webp"];
/// How often a poster is put into a title that somebody else is editing.
const TRIES: u32 = 5;

/// Upload a poster: a JPEG, PNG or WebP of at most 8 MiB. Its middle is cut to the shape, and it is written anew.
#[utoipa::path(post, path = "/operator/titles/{id}/poster", tag = "operator", operation_id = "operator_upload_poster",
    params(("id" = TitleId, Path), PosterQuery), request_body(content(
        (Vec<u8> = "image/jpeg"), (Vec<u8> = "image/png"), (Vec<u8> = "image/webp"),
    )), security(("bearer" = [])), responses(
    (status = 204, description = "It is the title's poster"),
    (status = 404, description = "TITLE_NOT_FOUND"),
    (status = 413, description = "BODY_TOO_LARGE, PICTURE_TOO_LARGE"),
    (status = 415, description = "CONTENT_TYPE_UNSUPPORTED"),
    (status = 422, description = "PICTURE_INVALID, PICTURE_TOO_SMALL"),
))]
pub async fn upload(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    Id(id): Id<TitleId>,
    QueryOf(query): QueryOf<PosterQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Problem> {
    if headers.get(header::CONTENT_TYPE).is_none_or(|kind| !TYPES.iter().any(|known| kind == known)) {
        let detail = "Send a picture with Content-Type: image/jpeg, image/png or image/webp.";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "CONTENT_TYPE_UNSUPPORTED", detail)
            .with_param("Content-Type"));
    }
    titles::find(&operators, id).await?;
    let picture = read_all(body, limits::POSTER_BYTES_MAX).await?;
    let (shape, name) = match query.shape {
        PosterShape::Portrait => (PictureShape::Portrait, "portrait"),
        PosterShape::Landscape => (PictureShape::Landscape, "landscape"),
    };
    let poster = operators.studio.draw(id, picture, shape).await?;
    match hang(&operators, id, poster, shape).await {
        Ok(earlier) => {
            if let Some(earlier) = earlier {
                operators.studio.discard(id, earlier).await;
            }
        }
        Err(error) => {
            operators.studio.discard(id, poster).await;
            return Err(error.into());
        }
    }
    let detail = json!({"shape": name, "poster": poster});
    operators.audit(&operator, "title.poster", &id.to_string(), detail).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes it the title's poster; the one that was there before.
async fn hang(
    operators: &Operators,
    id: TitleId,
    poster: PosterId,
    shape: PictureShape,
) -> BaseResult<Option<PosterId>> {
    let api = &operators.api;
    let mut tries = 0;
    loop {
        let mut title = api.db.title(id).await?.ok_or_else(titles::not_found_error)?;
        let posters = &mut title.details.posters;
        let place = match shape {
            PictureShape::Portrait => &mut posters.portrait,
            PictureShape::Landscape => &mut posters.landscape,
        };
        let earlier = place.replace(poster);
        title.version += 1;
        tries += 1;
        match api.db.update_title(&title, api.clock.now()).await {
            Ok(()) => {
                api.follower.announce().await;
                return Ok(earlier);
            }
            Err(error) if error.code() == "VERSION_CONFLICT" && tries < TRIES => {}
            Err(error) => return Err(error),
        }
    }
}
