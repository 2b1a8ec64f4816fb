//! Every URL of the origin as one enum, with its text beside it.
//!
//! The token is a path segment because native players send no custom headers and drop cookies and queries, while
//! relative URIs inherit a path. A path is read strictly: no percent-encoding, no empty segment, no second spelling of
//! anything.

use crate::base::drm_system::DrmSystem;
use crate::base::id::AssetId;
use crate::playback::gate::WishKind;

/// A URL below `/play/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlayPath<'a> {
    /// Secret: never printed.
    pub token: &'a str,
    pub target: Target<'a>,
}

/// What a URL names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// `/play/{token}/main.m3u8`
    Multivariant,
    /// `/play/{token}/{asset}/{track}.m3u8`
    Playlist { asset: AssetId, track: &'a str },
    /// `/play/{token}/{asset}/{track}/init.mp4`
    Init { asset: AssetId, track: &'a str },
    /// `/play/{token}/{asset}/{track}/{n}.m4s`, n from 0 within the asset
    Segment { asset: AssetId, track: &'a str, n: u32 },
    /// `/play/{token}/{asset}/{track}/iframes.m3u8`
    IFramePlaylist { asset: AssetId, track: &'a str },
    /// `/play/{token}/{asset}/{track}/i{n}.m4s`, the first sample of segment n
    IFrame { asset: AssetId, track: &'a str, n: u32 },
    /// `/play/{token}/{asset}/{track}/{n}.vtt`, of a text track
    Text { asset: AssetId, track: &'a str, n: u32 },
    /// `/play/{token}/{asset}/{track}/key`
    Key { asset: AssetId, track: &'a str },
    /// `/play/{token}/license/clearkey`, asked with POST for keys of the session's asset
    ClearKeyLicense,
    /// `/play/{token}/license/{system}`, asked with POST for the keys of the session's asset
    License { system: DrmSystem },
    /// `/play/{token}/license/fairplay.cer`
    FairPlayCertificate,
    /// `/play/{token}/{asset}/chapters.json`
    Chapters { asset: AssetId },
    /// `/play/{token}/{asset}/storyboard.vtt`
    Storyboard { asset: AssetId },
    /// `/play/{token}/{asset}/storyboard/{n}.jpg`, n from 0 within the asset
    Sheet { asset: AssetId, n: u32 },
}

impl<'a> PlayPath<'a> {
    /// Reads a URL's path; `None` is a 404.
    pub fn decode(path: &'a str) -> Option<PlayPath<'a>> {
        let mut parts = path.strip_prefix("/play/")?.split('/');
        let token = parts.next().filter(|token| is_token(token))?;
        let target = match (parts.next()?, parts.next(), parts.next(), parts.next()) {
            ("main.m3u8", None, None, None) => Target::Multivariant,
            ("license", Some("clearkey"), None, None) => Target::ClearKeyLicense,
            ("license", Some("fairplay.cer"), None, None) => Target::FairPlayCertificate,
            ("license", Some(name), None, None) => {
                Target::License { system: DrmSystem::ALL.into_iter().find(|system| system.as_str() == name)? }
            }
            (asset, Some("chapters.json"), None, None) => Target::Chapters { asset: asset.parse().ok()? },
            (asset, Some("storyboard.vtt"), None, None) => Target::Storyboard { asset: asset.parse().ok()? },
            (asset, Some(playlist), None, None) => {
                Target::Playlist { asset: asset.parse().ok()?, track: track(playlist.strip_suffix(".m3u8")?)? }
            }
            (asset, Some(name), Some(object), None) => {
                let (asset, track) = (asset.parse().ok()?, track(name)?);
                match object {
                    "init.mp4" => Target::Init { asset, track },
                    "key" => Target::Key { asset, track },
                    "iframes.m3u8" => Target::IFramePlaylist { asset, track },
                    segment => match segment.split_once('.')? {
                        (name, "m4s") => match name.strip_prefix('i') {
                            Some(n) => Target::IFrame { asset, track, n: number(n)? },
                            None => Target::Segment { asset, track, n: number(name)? },
                        },
                        (n, "vtt") => Target::Text { asset, track, n: number(n)? },
                        // A track may have any name: it has no pictures.
                        (n, "jpg") if name == "storyboard" => Target::Sheet { asset, n: number(n)? },
                        _ => return None,
                    },
                }
            }
            _ => return None,
        };
        Some(PlayPath { token, target })
    }
}

impl Target<'_> {
    /// The route, as it may be printed.
    pub fn template(&self) -> &'static str {
        match self {
            Target::Multivariant => "/play/{token}/main.m3u8",
            Target::Playlist { .. } => "/play/{token}/{asset}/{track}.m3u8",
            Target::Init { .. } => "/play/{token}/{asset}/{track}/init.mp4",
            Target::Segment { .. } => "/play/{token}/{asset}/{track}/{n}.m4s",
            Target::IFramePlaylist { .. } => "/play/{token}/{asset}/{track}/iframes.m3u8",
            Target::IFrame { .. } => "/play/{token}/{asset}/{track}/i{n}.m4s",
            Target::Text { .. } => "/play/{token}/{asset}/{track}/{n}.vtt",
            Target::Key { .. } => "/play/{token}/{asset}/{track}/key",
            Target::ClearKeyLicense => "/play/{token}/license/clearkey",
            Target::License { system: DrmSystem::Widevine } => "/play/{token}/license/widevine",
            Target::License { system: DrmSystem::PlayReady } => "/play/{token}/license/playready",
            Target::License { system: DrmSystem::FairPlay } => "/play/{token}/license/fairplay",
            Target::FairPlayCertificate => "/play/{token}/license/fairplay.cer",
            Target::Chapters { .. } => "/play/{token}/{asset}/chapters.json",
            Target::Storyboard { .. } => "/play/{token}/{asset}/storyboard.vtt",
            Target::Sheet { .. } => "/play/{token}/{asset}/storyboard/{n}.jpg",
        }
    }

    pub fn asset(&self) -> Option<AssetId> {
        match *self {
            Target::Multivariant | Target::ClearKeyLicense | Target::License { .. } | Target::FairPlayCertificate => {
                None
            }
            Target::Playlist { asset, .. }
            | Target::Init { asset, .. }
            | Target::Segment { asset, .. }
            | Target::IFramePlaylist { asset, .. }
            | Target::IFrame { asset, .. }
            | Target::Text { asset, .. }
            | Target::Key { asset, .. }
            | Target::Chapters { asset }
            | Target::Storyboard { asset }
            | Target::Sheet { asset, .. } => Some(asset),
        }
    }

    pub fn wish_kind(&self) -> WishKind {
        match self {
            Target::Multivariant
            | Target::Playlist { .. }
            | Target::IFramePlaylist { .. }
            | Target::Init { .. }
            | Target::FairPlayCertificate
            | Target::Chapters { .. }
            | Target::Storyboard { .. }
            | Target::Sheet { .. } => WishKind::Preparation,
            Target::Segment { .. } | Target::IFrame { .. } | Target::Text { .. } => WishKind::Segment,
            Target::Key { .. } | Target::ClearKeyLicense | Target::License { .. } => WishKind::Key,
        }
    }
}

/// Looks at every byte of what is nearly always a token: a loop without an early end takes many bytes at once.
fn is_token(text: &str) -> bool {
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !text.is_empty() && text.bytes().fold(true, |good, byte| good & is_good(byte))
}

fn track(text: &str) -> Option<&str> {
    let is_track =
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    is_track.then_some(text)
}

/// A decimal number in its one spelling.
fn number(text: &str) -> Option<u32> {
    let is_canonical = text == "0" || !text.starts_with('0');
    (is_canonical && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::clock::UtcMs;

    #[test]
    fn every_url_has_one_spelling() {
        let asset = AssetId::new(UtcMs(1));
        let track = "v1080";
        let all = [
            Target::Multivariant,
            Target::Playlist { asset, track },
            Target::Init { asset, track },
            Target::Segment { asset, track, n: 0 },
            Target::Segment { asset, track, n: 1234 },
            Target::IFramePlaylist { asset, track },
            Target::IFrame { asset, track, n: 0 },
            Target::Text { asset, track, n: 0 },
            Target::Key { asset, track },
            Target::ClearKeyLicense,
            Target::License { system: DrmSystem::Widevine },
            Target::License { system: DrmSystem::PlayReady },
            Target::License { system: DrmSystem::FairPlay },
            Target::FairPlayCertificate,
            Target::Chapters { asset },
            Target::Storyboard { asset },
            Target::Sheet { asset, n: 0 },
            Target::Sheet { asset, n: 12 },
        ];
        for target in all {
            let n = match target {
                Target::Segment { n, .. }
                | Target::IFrame { n, .. }
                | Target::Text { n, .. }
                | Target::Sheet { n, .. } => n.to_string(),
                _ => String::new(),
            };
            let path = target
                .template()
                .replace("{token}", "eyJ0.e-Y_.sig")
                .replace("{asset}", &asset.to_string())
                .replace("{track}", track)
                .replace("{n}", &n);
            assert_eq!(PlayPath::decode(&path), Some(PlayPath { token: "eyJ0.e-Y_.sig", target }), "{path}");
            let rest = path.strip_prefix("/play/eyJ0.e-Y_.sig/").unwrap();
            for wrong in [
                format!("{path}/"),
                format!("/play//{rest}"),
                format!("/play/{rest}"),
                format!("/play/a%2eb/{rest}"),
                format!("/play/t/../t/{rest}"),
                path.replace("/v1080", "/V1080"),
                path.replace("/storyboard", "/storyboards"),
                path.replace("/chapters", "/chapter"),
                path.replace("/license", "/licence"),
                path.to_uppercase(),
            ] {
                assert!(PlayPath::decode(&wrong).is_none_or(|read| wrong == path && read.target == target), "{wrong}");
            }
        }
        for segment in ["00.m4s", "01.m4s", "-1.m4s", "+1.m4s", ".m4s", "4294967296.m4s", "1.m4s.m4s", "1"] {
            assert_eq!(PlayPath::decode(&format!("/play/t/{asset}/v1080/{segment}")), None, "{segment}");
        }
        let wrong = ["storyboard", "storyboard/", "storyboard/00.jpg", "storyboard/.jpg", "storyboard/x.jpg"];
        for wrong in wrong.into_iter().chain(["v1080/0.jpg", "v1080.jpg", "storyboard/0.jpg/0.jpg", "storyboard.jpg"]) {
            assert_eq!(PlayPath::decode(&format!("/play/t/{asset}/{wrong}")), None, "{wrong}");
        }
        let path = format!("/play/t/{asset}/storyboard/key");
        let named_so = Target::Key { asset, track: "storyboard" };
        assert_eq!(PlayPath::decode(&path).map(|path| path.target), Some(named_so), "a track may have any name");
    }

    proptest! {
        #[test]
        fn no_path_panics(path in "(/play/)?[ -~/]{0,80}") {
            let _ = PlayPath::decode(&path);
        }
    }
}
