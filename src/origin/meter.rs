//! What the origin counts: requests by kind of URL and status class, and bytes handed out. Handles are made once, so a
//! request costs two additions.

use std::sync::atomic::AtomicU64;

use http::{Response, StatusCode};
use http_body::Body as _;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::{Registry, Unit};

use crate::base::drm_system::DrmSystem;
use crate::http::body::Body;
use crate::origin::path::Target;

/// The routes by [`place`]; the last is where a URL that names nothing is counted.
const ROUTES: [&str; 17] = [
    "/play/{token}/main.m3u8",
    "/play/{token}/{asset}/{track}.m3u8",
    "/play/{token}/{asset}/{track}/init.mp4",
    "/play/{token}/{asset}/{track}/{n}.m4s",
    "/play/{token}/{asset}/{track}/{n}.vtt",
    "/play/{token}/{asset}/{track}/iframes.m3u8",
    "/play/{token}/{asset}/{track}/i{n}.m4s",
    "/play/{token}/{asset}/{track}/key",
    "/play/{token}/{asset}/storyboard.vtt",
    "/play/{token}/{asset}/storyboard/{n}.jpg",
    "/play/{token}/license/clearkey",
    "/play/{token}/license/widevine",
    "/play/{token}/license/playready",
    "/play/{token}/license/fairplay",
    "/play/{token}/license/fairplay.cer",
    "/play/{token}/{asset}/chapters.json",
    "/play/",
];
const CLASSES: [&str; 3] = ["2xx", "4xx", "5xx"];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PlayLabels {
    route: &'static str,
    status: &'static str,
}

/// The counters of one origin.
pub struct Meter {
    requests: [[Counter<u64, AtomicU64>; CLASSES.len()]; ROUTES.len()],
    bytes: Counter<u64, AtomicU64>,
}

impl Meter {
    /// Makes the counters in `registry`.
    pub fn new(registry: &mut Registry) -> Meter {
        let family = Family::<PlayLabels, Counter<u64, AtomicU64>>::default();
        let help = "Requests for playlists, media and keys, by route and status class";
        registry.register("play_requests", help, family.clone());
        let bytes = Counter::default();
        registry.register_with_unit("play_sent", "Bodies of playlists, media and keys", Unit::Bytes, bytes.clone());
        let requests =
            ROUTES.map(|route| CLASSES.map(|status| family.get_or_create(&PlayLabels { route, status }).clone()));
        Meter { requests, bytes }
    }

    /// Counts one answer.
    pub fn count(&self, target: Option<&Target<'_>>, response: &Response<Body>) {
        self.requests[place(target)][class(response.status())].inc();
        self.bytes.inc_by(response.body().size_hint().exact().unwrap_or(0));
    }
}

fn place(target: Option<&Target<'_>>) -> usize {
    match target {
        Some(Target::Multivariant) => 0,
        Some(Target::Playlist { .. }) => 1,
        Some(Target::Init { .. }) => 2,
        Some(Target::Segment { .. }) => 3,
        Some(Target::Text { .. }) => 4,
        Some(Target::IFramePlaylist { .. }) => 5,
        Some(Target::IFrame { .. }) => 6,
        Some(Target::Key { .. }) => 7,
        Some(Target::Storyboard { .. }) => 8,
        Some(Target::Sheet { .. }) => 9,
        Some(Target::ClearKeyLicense) => 10,
        Some(Target::License { system: DrmSystem::Widevine }) => 11,
        Some(Target::License { system: DrmSystem::PlayReady }) => 12,
        Some(Target::License { system: DrmSystem::FairPlay }) => 13,
        Some(Target::FairPlayCertificate) => 14,
        Some(Target::Chapters { .. }) => 15,
        None => 16,
    }
}

/// A conditional request that is answered with 304 went well.
fn class(status: StatusCode) -> usize {
    match status.as_u16() / 100 {
        0..=3 => 0,
        4 => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::UtcMs;
    use crate::base::id::AssetId;

    #[test]
    fn an_answer_is_counted_under_its_route_and_class() {
        let (asset, track) = (AssetId::new(UtcMs(1)), "v360");
        let targets = [
            Target::Multivariant,
            Target::Playlist { asset, track },
            Target::Init { asset, track },
            Target::Segment { asset, track, n: 0 },
            Target::Key { asset, track },
            Target::Chapters { asset },
            Target::Storyboard { asset },
            Target::Sheet { asset, n: 0 },
            Target::ClearKeyLicense,
            Target::License { system: DrmSystem::Widevine },
            Target::License { system: DrmSystem::PlayReady },
            Target::License { system: DrmSystem::FairPlay },
            Target::FairPlayCertificate,
        ];
        for target in &targets {
            assert_eq!(ROUTES[place(Some(target))], target.template());
        }
        let mut registry = Registry::default();
        let meter = Meter::new(&mut registry);
        let mut answer = Response::new(Body::full("segment"));
        meter.count(Some(&targets[3]), &answer);
        *answer.status_mut() = StatusCode::FORBIDDEN;
        meter.count(None, &answer);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        let segment = r#"play_requests_total{route="/play/{token}/{asset}/{track}/{n}.m4s",status="2xx"} 1"#;
        let nothing = r#"play_requests_total{route="/play/",status="4xx"} 1"#;
        for line in [segment, nothing, "play_sent_bytes_total 14"] {
            assert!(text.contains(line), "{text}");
        }
    }
}
