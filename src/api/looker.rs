//! Who looks at titles: from where, in which storefront, and with what they have.

use std::sync::Arc;

use crate::api::Api;
use crate::api::problem::Problem;
use crate::api::storefront::AtStorefront;
use crate::api::titles::{AllRights, TitleBody, all_rights, is_listed, is_on_show, title_body};
use crate::base::clock::UtcMs;
use crate::base::id::ViewerId;
use crate::base::territory::Territory;
use crate::rights::snapshot::{Snapshot, TitleRights};
use crate::store::db::progress::Progress;

pub struct Looker {
    pub snapshot: Arc<Snapshot>,
    pub territory: Option<Territory>,
    pub now: UtcMs,
    rights: AllRights,
    progress: Vec<Progress>,
    at: AtStorefront,
}

impl Looker {
    pub async fn of(
        api: &Api,
        viewer: Option<ViewerId>,
        territory: Option<Territory>,
        at: AtStorefront,
    ) -> Result<Looker, Problem> {
        let rights = all_rights(api, viewer).await?;
        let progress = match viewer {
            Some(viewer) => api.db.progress_of(viewer).await?,
            None => Vec::new(),
        };
        Ok(Looker { snapshot: api.follower.snapshot(), territory, now: api.clock.now(), rights, progress, at })
    }

    /// Whether a title is on show here, or theirs.
    pub fn sees(&self, title: &TitleRights) -> bool {
        is_listed(title, self.now)
            && (is_on_show(title, &self.at.storefront, self.now) || self.rights.has(title.title.id, self.now))
    }

    pub fn body(&self, title: &TitleRights) -> TitleBody {
        let id = title.title.id;
        let storefront = &self.at.storefront;
        let progress = self.progress.iter().find(|progress| progress.title_id == id);
        let sold = title.sold_in(storefront.currency);
        let body = title_body(&sold, &self.rights.of(id), progress, self.territory, self.now);
        body.with_season(&self.snapshot, &title.title, storefront, self.now)
    }
}
