//! A title as far as a list of something else needs it: to show which film a purchase or a grant is about.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::api::posters;
use crate::base::id::TitleId;
use crate::rights::snapshot::Snapshot;

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TitleBrief {
    id: TitleId,
    /// By BCP 47 language tag.
    name: BTreeMap<String, String>,
    poster_url: Option<String>,
}

impl TitleBrief {
    /// A title is never deleted: one that is not in the snapshot was written a moment ago, and has no name yet.
    pub fn of(snapshot: &Snapshot, id: TitleId) -> TitleBrief {
        let title = snapshot.title(id).map(|rights| &rights.title);
        TitleBrief {
            id,
            name: title.map(|title| title.name.clone()).unwrap_or_default(),
            poster_url: title.and_then(|title| posters::urls(title).landscape),
        }
    }

    pub fn name(&self) -> &BTreeMap<String, String> {
        &self.name
    }
}
