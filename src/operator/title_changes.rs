//! What an edit has changed of a title, for the audit log.

use serde_json::{Value, json};

use crate::catalog::title::Title;

/// What decides who may watch, what of it and for how much, before and after; and the rest by the version.
pub fn between(before: &Title, after: &Title) -> Value {
    let said = |title: &Title| {
        let details = &title.details;
        [
            ("episodes", json!(details.episodes)),
            ("part_opens_at", json!(details.part_opens_at)),
            ("announced_at", json!(details.announced_at)),
            ("preview_ms", json!(details.preview_ms)),
            ("min_age", json!(details.min_age)),
            ("merchandise", json!(details.merchandise)),
            ("placements", json!(details.placements)),
            ("clean_edits", json!(details.clean_edits)),
            ("season", json!(details.season)),
            ("producers", json!(details.producers)),
            ("production", json!(details.production)),
        ]
    };
    let mut changes = json!({"version": after.version, "status": [before.status, after.status], "assets": after.parts});
    for ((name, before), (_, after)) in said(before).into_iter().zip(said(after)) {
        if before != after {
            changes[name] = json!([before, after]);
        }
    }
    changes
}
