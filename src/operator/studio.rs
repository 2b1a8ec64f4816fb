//! The studio: what an operator makes besides films. Posters are drawn anew by a worker, a few at a time; trailers are the
//! beginning of a packaged film.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;

use crate::base::clock::Clock;
use crate::base::error::{Error, Result};
use crate::base::id::{AssetId, PosterId, TitleId};
use crate::base::limits;
use crate::catalog::asset::Asset;
use crate::packager::excerpt::excerpt;
use crate::packager::job::PictureShape;
use crate::store::blobs::Blobs;
use crate::store::key::ObjectKey;

/// Reads a picture as it was uploaded and gives it back as a JPEG in a shape.
pub type Redraw = Arc<dyn Fn(Bytes, PictureShape) -> BoxFuture<'static, Result<Bytes>> + Send + Sync>;

pub struct Studio {
    blobs: Blobs,
    clock: Clock,
    redraw: Redraw,
    turns: Semaphore,
}

impl Studio {
    pub fn new(blobs: Blobs, clock: Clock, redraw: Redraw) -> Studio {
        Studio { blobs, clock, redraw, turns: Semaphore::new(limits::POSTERS_AT_ONCE) }
    }

    /// Draws the picture anew and stores it; it belongs to no title until it is written there.
    pub async fn draw(&self, title: TitleId, picture: Bytes, shape: PictureShape) -> Result<PosterId> {
        let _turn = self.turns.acquire().await.map_err(|error| Error::internal("the studio").with_source(error))?;
        let jpeg = (self.redraw)(picture, shape).await?;
        let poster = PosterId::new(self.clock.now());
        self.blobs.put(&ObjectKey::TitlePoster { title, poster }, jpeg).await?;
        Ok(poster)
    }

    /// Throws a poster away that no title has any more.
    pub async fn discard(&self, title: TitleId, poster: PosterId) {
        if let Err(error) = self.blobs.delete(&ObjectKey::TitlePoster { title, poster }).await {
            tracing::warn!(poster = %poster, error = error.log_line(), "a poster that is not used stays");
        }
    }

    /// The beginning of `source`, stored as an asset of its own. Runs to its end even when nobody waits for it any more.
    pub async fn excerpt(&self, source: Asset, length_ms: u64) -> Result<Asset> {
        let (blobs, now) = (self.blobs.clone(), self.clock.now());
        let copying = tokio::spawn(async move { excerpt(&blobs, &source, AssetId::new(now), length_ms, now).await });
        copying.await.map_err(|error| Error::internal("an excerpt").with_source(error))?
    }
}
