//! Titles under DRM: keys of a key server, what playlists and init segments say of them, and who gets none.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use marquee::base::id::AssetId;
use marquee::base::xml::Element;
use reqwest::{Method, StatusCode};
use serde_json::json;
use uuid::Uuid;

use crate::drm_service::{DrmService, FAIRPLAY, PLAYREADY, WIDEVINE, key_line, key_of, pssh_of};
use crate::film;
use crate::licenses::ask;
use crate::server::{Answer, Server, outcome};

const CPIX: &str = "urn:dashif:org:cpix";

async fn server(service: &DrmService, bare_keys: bool) -> Server {
    Server::start_with(|config| {
        service.configure(config);
        config.drm.bare_keys = bare_keys;
    })
    .await
}

/// A session of a film under DRM: its token and asset.
async fn sealed(server: &Server) -> (String, AssetId) {
    let (title, offer) = server.pvod().await;
    server.seal_with_cbcs(title).await;
    let viewer = server.viewer(&format!("viewer{title}")).await;
    server.buy(&viewer, offer).await;
    let url = server.play(&viewer, title).await;
    let asset = server.app.db.title(title).await.unwrap().unwrap().parts[0];
    (url.split('/').nth(2).unwrap().to_owned(), asset)
}

/// The ids of the keys that were asked for in one document, by the type of track.
fn kids(document: &[u8]) -> Vec<(String, String)> {
    let root = Element::parse(std::str::from_utf8(document).unwrap()).unwrap();
    let rules = root.child(CPIX, "ContentKeyUsageRuleList").unwrap().children(CPIX, "ContentKeyUsageRule");
    let of = |rule: &Element, name: &str| rule.attribute(name).unwrap().to_owned();
    rules.map(|rule| (of(rule, "intendedTrackType"), of(rule, "kid"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_under_drm_says_each_system_its_key_and_hands_none_out() {
    let service = DrmService::start().await;
    let server = server(&service, false).await;
    let (token, asset) = sealed(&server).await;

    let asked = service.asked("/keys");
    assert_eq!(asked.len(), 1, "once for all tracks");
    assert_eq!(asked[0].headers["x-speke-version"], "2.1");
    let document = std::str::from_utf8(&asked[0].body).unwrap();
    assert!(document.contains(&format!("contentId=\"{asset}\"")), "{document}");
    let kids = kids(&asked[0].body);
    let [(audio_type, audio_kid), (video_type, video_kid)] = &kids[..] else { panic!("{kids:?}") };
    assert_eq!([audio_type, video_type], ["AUDIO", "SD"]);

    for (track, kid) in [("v360", video_kid), ("a-und-2", audio_kid)] {
        let playlist = server.get(&format!("/play/{token}/{asset}/{track}.m3u8")).await;
        let expected: Vec<String> = [WIDEVINE, PLAYREADY, FAIRPLAY].map(|system| key_line(system, kid)).into();
        let lines: Vec<&str> = playlist.text().lines().filter(|line| line.contains("KEY")).collect();
        assert_eq!(lines, expected, "{track}");
        assert!(playlist.text().find("#EXT-X-MAP") < playlist.text().find("#EXT-X-KEY"));

        let key = server.get(&format!("/play/{token}/{asset}/{track}/key")).await;
        assert_eq!((key.status, outcome(&key)), (StatusCode::FORBIDDEN, "KEY_NEEDS_LICENSE".to_owned()));
        let init = server.get(&format!("/play/{token}/{asset}/{track}/init.mp4")).await.body;
        let holds = |bytes: &[u8]| init.windows(bytes.len()).any(|window| window == bytes);
        assert!(holds(&pssh_of(WIDEVINE, kid)) && holds(&pssh_of(PLAYREADY, kid)), "{track}");

        // The key server's key opens it.
        let packaged = film::packaged().await;
        let stored = std::fs::read(packaged.dir.join(format!("{track}.mp4"))).unwrap();
        let segments = packaged.index.track(track).unwrap().segments.len();
        let mut sealed = init;
        for n in 0..segments {
            sealed.extend(server.get(&format!("/play/{token}/{asset}/{track}/{n}.m4s")).await.body);
        }
        let opened = packets(&sealed, Some(&key_of(kid)));
        assert!(opened.len() > 500 && opened == packets(&stored, None), "{track}");
        assert_ne!(packets(&sealed, Some(&[0; 16])), opened, "{track}");
    }
    let pictures = server.get(&format!("/play/{token}/{asset}/v360/iframes.m3u8")).await;
    assert!(pictures.text().contains(&key_line(FAIRPLAY, video_kid)) && !pictures.text().contains("identity"));
    let main = server.get(&format!("/play/{token}/main.m3u8")).await;
    assert!(!main.text().contains("KEY"), "a licence is asked for when the film is played");
    // Words have no samples that a DRM system could open.
    let words = server.get(&format!("/play/{token}/{asset}/t-en.m3u8")).await;
    assert!(
        words.text().contains("#EXT-X-KEY:METHOD=AES-128,URI=\"t-en/key\"") && !words.text().contains("SAMPLE-AES")
    );
    assert_eq!(server.get(&format!("/play/{token}/{asset}/t-en/key")).await.body.len(), 16);
    assert_eq!(outcome(&ask(&server, &token, &["AAAAAAAAAAAAAAAAAAAAAQ"]).await), "KEY_NEEDS_LICENSE");
    server.stop().await;
}

/// The hash of each packet, as FFmpeg reads the file from a pipe.
fn packets(file: &[u8], key: Option<&[u8; 16]>) -> Vec<String> {
    use std::io::{Seek, Write};
    let mut input = tempfile::tempfile().unwrap();
    input.write_all(file).unwrap();
    input.rewind().unwrap();
    let key = key.map(|key| Uuid::from_bytes(*key).simple().to_string());
    let mut command = std::process::Command::new("ffmpeg");
    command.args(["-v", "error"]).args(key.iter().flat_map(|key| ["-decryption_key", key]));
    command.args(["-i", "pipe:0", "-map", "0", "-c", "copy", "-f", "framehash", "-hash", "md5", "-"]);
    let output = command.stdin(input).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    // The first packet of a sealed film has its `pssh` as side data behind these.
    let packet = |line: &str| line.split(',').take(6).collect::<Vec<_>>().join(",");
    text.lines().filter(|line| !line.starts_with('#')).map(packet).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_may_have_keys_handed_out_beside_drm() {
    let service = DrmService::start().await;
    let server = server(&service, true).await;
    let (token, asset) = sealed(&server).await;
    let playlist = server.get(&format!("/play/{token}/{asset}/v360.m3u8")).await;
    let formats: Vec<&str> =
        playlist.text().split("KEYFORMAT=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let widevine = format!("urn:uuid:{WIDEVINE}");
    let expected =
        [&*widevine, "com.microsoft.playready", "com.apple.streamingkeydelivery", "org.w3.clearkey", "identity"];
    assert_eq!(formats, expected);
    let (_, kid) = kids(&service.asked("/keys")[0].body).remove(1);
    let clearkey = playlist.text().lines().find(|line| line.contains("org.w3.clearkey")).unwrap();
    let named = crate::licenses::key_id(clearkey);
    assert_eq!(named, URL_SAFE_NO_PAD.encode(Uuid::parse_str(&kid).unwrap()));
    let license = ask(&server, &token, &[&named]).await;
    assert_eq!(license.json()["keys"][0]["k"], json!(URL_SAFE_NO_PAD.encode(key_of(&kid))));
    assert_eq!(server.get(&format!("/play/{token}/{asset}/v360/key")).await.body, key_of(&kid));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_server_that_is_away_stops_the_change_and_nothing_that_plays() {
    let service = DrmService::start().await;
    let server = server(&service, false).await;
    let (before, before_asset) = sealed(&server).await;

    service.set_fault(Some(401));
    let (title, _) = server.pvod().await;
    let protect = async || -> Answer {
        let request = server.request(Method::PATCH, &format!("/api/v1/operator/titles/{title}"));
        server.send(request.bearer_auth(&server.operator).json(&json!({"protection": "cbcs"}))).await
    };
    let refused = protect().await;
    assert_eq!(
        (refused.status, outcome(&refused)),
        (StatusCode::SERVICE_UNAVAILABLE, "KEY_SERVER_UNAUTHORIZED".into())
    );
    assert!(!refused.text().contains(&service.base) && !refused.text().contains("own words"), "{}", refused.text());
    let shown = server.api(&server.operator, &format!("/operator/titles/{title}")).await.json();
    assert_eq!((&shown["protection"], &shown["version"]), (&json!("aes128"), &json!(1)));
    let made = json!({"name": {"en": "New"}, "assets": [server.asset().await], "protection": "cbcs"});
    let refused = server.post(&server.operator, "/operator/titles", &made).await;
    assert_eq!(outcome(&refused), "KEY_SERVER_UNAUTHORIZED");
    // What has its keys goes on: its playlists are first read now.
    assert_eq!(server.get(&format!("/play/{before}/{before_asset}/v360.m3u8")).await.status, StatusCode::OK);
    assert_eq!(server.get(&format!("/play/{before}/{before_asset}/v360/1.m4s")).await.status, StatusCode::OK);

    service.set_fault(None);
    assert_eq!(protect().await.status, StatusCode::OK);
    assert_eq!(server.post(&server.operator, "/operator/titles", &made).await.status, StatusCode::CREATED);
    let count = service.asked("/keys").len();
    assert_eq!(protect().await.status, StatusCode::OK);
    assert_eq!(service.asked("/keys").len(), count, "keys that are there are not asked for again");
    server.stop().await;
}
