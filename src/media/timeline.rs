//! A [`Timeline`] of [`Clip`]s: the one model behind a film, a session with ads, a screening and a linear channel.
//! Today a timeline is one whole asset; a discontinuity between clips comes with the second clip.

use crate::media::rendition::AssetIndex;

/// What is played, in order.
#[derive(Clone, Debug)]
pub struct Timeline<'a> {
    pub clips: Vec<Clip<'a>>,
}

/// A run of whole segments of one asset.
#[derive(Clone, Copy, Debug)]
pub struct Clip<'a> {
    /// The asset as URLs name it.
    pub asset: &'a str,
    pub index: &'a AssetIndex,
}

impl<'a> Timeline<'a> {
    /// A film from its first segment to its last.
    pub fn of_asset(asset: &'a str, index: &'a AssetIndex) -> Timeline<'a> {
        Timeline { clips: vec![Clip { asset, index }] }
    }
}
