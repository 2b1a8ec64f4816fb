//! A [`Timeline`] of [`Clip`]s: the one model behind a film, a session with ads, a screening and a linear channel.
//! Today a timeline is one whole film, alone or behind its release card. Each clip has times and init segments of its own:
//! between two of them is a discontinuity.

use crate::media::growth::Growth;
use crate::media::rendition::{AssetIndex, TrackIndex};

/// What is played, in order.
#[derive(Clone, Debug)]
pub struct Timeline<'a> {
    pub clips: Vec<Clip<'a>>,
    /// Of a film that is still being made: how far it is.
    pub growth: Option<&'a Growth>,
}

/// A run of whole segments of one asset.
#[derive(Clone, Copy, Debug)]
pub struct Clip<'a> {
    pub kind: ClipKind,
    /// The asset as URLs name it.
    pub asset: &'a str,
    pub index: &'a AssetIndex,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClipKind {
    /// The release card of the film; it leaves clear, whatever seals the film.
    Card,
    Film,
}

impl<'a> Timeline<'a> {
    /// A film from its first segment to its last.
    pub fn of_asset(asset: &'a str, index: &'a AssetIndex) -> Timeline<'a> {
        Timeline { clips: vec![Clip { kind: ClipKind::Film, asset, index }], growth: None }
    }

    /// A film that is still being made, from its first segment to the last that is there.
    pub fn of_growth(asset: &'a str, growth: &'a Growth) -> Timeline<'a> {
        Timeline { growth: Some(growth), ..Timeline::of_asset(asset, &growth.index) }
    }

    /// The same behind `card`, which has every track that the film has.
    pub fn behind_card(self, asset: &'a str, index: &'a AssetIndex) -> Timeline<'a> {
        let mut clips = vec![Clip { kind: ClipKind::Card, asset, index }];
        clips.extend(self.clips);
        Timeline { clips, ..self }
    }

    /// The film, whose tracks are those of the whole.
    pub fn film(&self) -> Option<Clip<'a>> {
        self.clips.iter().find(|clip| clip.kind == ClipKind::Film).copied()
    }

    /// A track in each clip, in their order; `None` where a clip lacks it.
    pub fn track(&self, id: &str) -> Option<Vec<(Clip<'a>, &'a TrackIndex)>> {
        self.clips.iter().map(|clip| clip.index.track(id).map(|track| (*clip, track))).collect()
    }
}
