//! Chapters as Apple's players read them: a JSON array, which the Multivariant Playlist names as session data
//! (`com.apple.hls.chapters`).
//!
//! ```json
//! [{"chapter": 1, "start-time": 0, "duration": 61.5, "titles": [{"language": "und", "title": "Dawn"}]}]
//! ```

use bytes::Bytes;
use serde_json::{Value, json};

use crate::media::timeline::{ClipKind, Timeline};

/// The name of session data that holds chapters.
pub const DATA_ID: &str = "com.apple.hls.chapters";

/// The chapters of the film, on the clock of the presentation; `None` where it has none.
pub fn json(timeline: &Timeline<'_>) -> Option<Bytes> {
    let film = timeline.film()?.index;
    let before = timeline.clips.iter().take_while(|clip| clip.kind != ClipKind::Film);
    let begins_ms: u64 = before.map(|clip| clip.index.duration_ms).sum();
    let seconds = |ms: u64| ms as f64 / 1e3;
    let ends = film.chapters.iter().skip(1).map(|next| next.start_ms).chain([film.duration_ms]);
    let chapters = film.chapters.iter().zip(ends).zip(1..).map(|((chapter, end_ms), number)| {
        let mut said = json!({
            "chapter": number,
            "start-time": seconds(begins_ms + chapter.start_ms),
            "duration": seconds(end_ms - chapter.start_ms),
        });
        if !chapter.title.is_empty() {
            said["titles"] = json!([{"language": "und", "title": chapter.title}]);
        }
        said
    });
    let chapters: Vec<Value> = chapters.collect();
    (!chapters.is_empty()).then(|| Value::from(chapters).to_string().into())
}
