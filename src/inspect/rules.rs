//! What must be true of a presentation, once everything in it has been read.

mod media;
mod multivariant;
mod set;

use crate::inspect::presentation::Presentation;
use crate::inspect::report::Findings;

/// Checks everything that needs more than one line.
pub fn check(presentation: &Presentation, findings: &mut Findings) {
    let is_independent = presentation.multivariant.as_ref().is_some_and(|multivariant| multivariant.is_independent);
    for playlist in &presentation.playlists {
        media::check(playlist, is_independent, findings);
    }
    set::check(presentation, findings);
    if let Some(multivariant) = &presentation.multivariant {
        multivariant::check(presentation, multivariant, findings);
    }
}
