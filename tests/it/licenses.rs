//! Titles sealed with `cbcs`: their playlists, their ClearKey licences, and what their keys open and what not.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use marquee::base::id::{AssetId, TitleId};
use marquee::rights::avail::LicenseType;
use marquee::rights::grant::GrantClock;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::film;
use crate::server::{Answer, Server, outcome};

/// The key id in a media playlist, as licence requests write it.
pub fn key_id(playlist: &str) -> String {
    let uri = playlist.split("URI=\"data:text/plain;base64,").nth(1).expect("a ClearKey line");
    URL_SAFE_NO_PAD.encode(STANDARD.decode(uri.split('"').next().unwrap()).unwrap())
}

/// Asks for a licence.
pub async fn ask(server: &Server, token: &str, key_ids: &[&str]) -> Answer {
    ask_from(server, "CN", &format!("/play/{token}/license/clearkey"), key_ids).await
}

pub async fn ask_from(server: &Server, territory: &str, path: &str, key_ids: &[&str]) -> Answer {
    let body = json!({"kids": key_ids, "type": "temporary"});
    let request = server.client.post(format!("{}{path}", server.base)).header("x-country", territory);
    server.send(request.json(&body)).await
}

/// A session of a sealed title: its token and asset.
async fn sealed(server: &Server) -> (String, AssetId, TitleId) {
    let (title, offer) = server.pvod().await;
    server.seal_with_cbcs(title).await;
    let viewer = server.viewer(&format!("viewer{title}")).await;
    server.buy(&viewer, offer).await;
    let url = server.play(&viewer, title).await;
    let asset = server.app.db.title(title).await.unwrap().unwrap().parts[0];
    (url.split('/').nth(2).unwrap().to_owned(), asset, title)
}

async fn playlist_of(server: &Server, token: &str, asset: AssetId, track: &str) -> String {
    server.get(&format!("/play/{token}/{asset}/{track}.m3u8")).await.text().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_license_holds_the_keys_that_were_asked_for_and_no_others() {
    let server = Server::start().await;
    let (token, asset, _) = sealed(&server).await;
    let (video, audio) = ("v360", "a-und-2");
    let mut keys = Vec::new();
    for track in [video, audio] {
        let playlist = playlist_of(&server, &token, asset, track).await;
        let lines: Vec<&str> =
            playlist.lines().filter(|line| line.starts_with("#EXT-X-KEY:METHOD=SAMPLE-AES,")).collect();
        assert!(lines.len() == 2 && lines[1].contains(&format!("URI=\"{track}/key\"")), "{playlist}");
        assert!(playlist.find("#EXT-X-MAP") < playlist.find("#EXT-X-KEY") && !playlist.contains(&token));
        let key = server.get(&format!("/play/{token}/{asset}/{track}/key")).await.body;
        keys.push((key_id(&playlist), URL_SAFE_NO_PAD.encode(key)));
    }
    let main = server.get(&format!("/play/{token}/main.m3u8")).await;
    assert!(!main.text().contains("SESSION-KEY"), "a key is asked for when the film is played");

    let answer = ask(&server, &token, &[&keys[0].0]).await;
    assert_eq!([answer.header("content-type"), answer.header("cache-control")], ["application/json", "no-store"]);
    let jwk = |(kid, k): &(String, String)| json!({"kty": "oct", "kid": kid, "k": k});
    assert_eq!(answer.json(), json!({"keys": [jwk(&keys[0])], "type": "temporary"}));
    let both = ask(&server, &token, &[&keys[1].0, &keys[0].0]).await.json();
    assert_eq!(both["keys"], json!([jwk(&keys[1]), jwk(&keys[0])]));

    // Keys of another film, of another scheme of this film, and of its words: none is given, nor any beside it.
    let (other, other_asset, _) = sealed(&server).await;
    let foreign = key_id(&playlist_of(&server, &other, other_asset, video).await);
    for wrong in [&foreign[..], "AAAAAAAAAAAAAAAAAAAAAQ"] {
        for ids in [vec![wrong], vec![&keys[0].0, wrong]] {
            let answer = ask(&server, &token, &ids).await;
            assert_eq!(outcome(&answer), "LICENSE_KEY_UNKNOWN");
        }
    }
    let words = playlist_of(&server, &token, asset, "t-en").await;
    assert!(words.contains("#EXT-X-KEY:METHOD=AES-128,URI=\"t-en/key\"") && !words.contains("SAMPLE-AES"), "{words}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_scheme_and_each_track_has_a_key_of_its_own() {
    let server = Server::start().await;
    let (token, asset, title) = sealed(&server).await;
    let (plain, plain_offer) = server.pvod_of(asset).await;
    let viewer = server.viewer("plain").await;
    server.buy(&viewer, plain_offer).await;
    let plain = server.play(&viewer, plain).await.split('/').nth(2).unwrap().to_owned();
    let mut keys = Vec::new();
    for (token, track) in
        [(&token, "v360"), (&token, "a-und-2"), (&token, "t-en"), (&plain, "v360"), (&plain, "a-und-2")]
    {
        keys.push(server.get(&format!("/play/{token}/{asset}/{track}/key")).await.body);
    }
    for (n, key) in keys.iter().enumerate() {
        assert!(key.len() == 16 && !keys[..n].contains(key), "{n}");
    }
    let segment = |token: &str| format!("/play/{token}/{asset}/v360/0.m4s");
    let (cbcs, whole) = (server.get(&segment(&token)).await, server.get(&segment(&plain)).await);
    assert_ne!(cbcs.header("etag"), whole.header("etag"));
    assert_eq!(&cbcs.body[4..8], b"moof", "its boxes are readable");
    assert_ne!(&whole.body[4..8], b"moof");
    // What a session is sealed with is settled when it opens.
    let request = server.request(Method::PATCH, &format!("/api/v1/operator/titles/{title}"));
    let edited = request.bearer_auth(&server.operator).json(&json!({"protection": "aes128"}));
    assert_eq!(server.send(edited).await.status, StatusCode::OK);
    assert_eq!(server.get(&segment(&token)).await.body, cbcs.body);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_license_request_gets_nothing() {
    let server = Server::start().await;
    let (token, asset, _) = sealed(&server).await;
    let kid = key_id(&playlist_of(&server, &token, asset, "v360").await);
    let path = format!("/play/{token}/license/clearkey");
    let post = async |body: Vec<u8>| server.send(server.request(Method::POST, &path).body(body)).await;
    for body in [vec![], b"{".to_vec(), b"[]".to_vec(), br#"{"kids":"x"}"#.to_vec(), vec![0xff; 100], vec![b'['; 4000]]
    {
        assert_eq!(outcome(&post(body).await), "LICENSE_REQUEST_INVALID");
    }
    let persistent = json!({"kids": [kid], "type": "persistent-license"}).to_string();
    assert_eq!(outcome(&post(persistent.into_bytes()).await), "LICENSE_TYPE_REFUSED");
    let long = post(vec![b' '; 4097]).await;
    assert_eq!((long.status, long.code()), (StatusCode::PAYLOAD_TOO_LARGE, "LICENSE_REQUEST_INVALID".to_owned()));
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let answer = server.send(server.request(method, &path)).await;
        assert_eq!((answer.status, answer.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "POST"));
    }
    let segment = server.send(server.request(Method::POST, &format!("/play/{token}/{asset}/v360/0.m4s"))).await;
    assert_eq!(segment.status, StatusCode::METHOD_NOT_ALLOWED);
    let preflight = server.send(server.request(Method::OPTIONS, &path)).await;
    assert!(preflight.header("access-control-allow-methods").contains("POST"));
    assert_eq!(ask(&server, &token, &[&kid]).await.status, StatusCode::OK, "a browser without a type is answered");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rental_clock_starts_with_the_first_license_and_none_is_given_when_it_has_run_out() {
    let server = Server::start().await;
    let title = server.title(server.asset().await).await;
    let avail = server.avail(title, LicenseType::Vod, None).await;
    let clock = GrantClock::OnFirstPlay { start_within_ms: 30 * 24 * 3_600_000, watch_ms: 2 * 3_600_000 };
    let offer = server.offer(&avail, clock).await;
    server.seal_with_cbcs(title).await;
    let viewer = server.viewer("viewer").await;
    server.buy(&viewer, offer).await;
    let asset = server.app.db.title(title).await.unwrap().unwrap().parts[0];
    let token = server.play(&viewer, title).await.split('/').nth(2).unwrap().to_owned();
    let starts_clock = async || -> Value {
        server.api(&viewer.token, &format!("/titles/{title}")).await.json()["decision"]["starts_clock"].clone()
    };

    let kid = key_id(&playlist_of(&server, &token, asset, "v360").await);
    server.get(&format!("/play/{token}/{asset}/v360/init.mp4")).await;
    server.get(&format!("/play/{token}/{asset}/v360/0.m4s")).await;
    assert_eq!(ask(&server, &token, &["AAAAAAAAAAAAAAAAAAAAAQ"]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(starts_clock().await, json!(true), "sealed bytes and refused licences start nothing");
    assert_eq!(ask(&server, &token, &[&kid]).await.status, StatusCode::OK);
    assert_eq!(starts_clock().await, json!(false));
    server.sim.advance(Duration::from_secs(2 * 3_600 - 1));
    assert_eq!(ask(&server, &token, &[&kid]).await.status, StatusCode::OK);
    server.sim.advance(Duration::from_secs(2));
    let late = ask(&server, &token, &[&kid]).await;
    assert_eq!(outcome(&late), "RENTAL_EXPIRED");
    assert!(!late.text().contains(&kid));
    server.stop().await;
}

/// Every byte by FFmpeg through the playlists: the sealed film decodes to the pictures and the sound of the clear one.
#[tokio::test(flavor = "multi_thread")]
async fn ffmpeg_plays_a_sealed_film_as_it_plays_the_clear_one() {
    let server = Server::start().await;
    let (token, asset, _) = sealed(&server).await;
    let packaged = film::packaged().await;
    let hashes = async |input: &str, map: &str| {
        let output = tokio::process::Command::new("ffmpeg")
            .args(["-v", "error", "-xerror"])
            .args(if input.starts_with("http") { &["-headers", "X-Country: CN\r\n"][..] } else { &[] })
            .args(["-i", input, "-map", map, "-c", "copy", "-f", "streamhash", "-hash", "md5", "-"])
            .output()
            .await
            .unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    for (track, map) in [("v360", "0:v:0"), ("a-und-2", "0:a:0")] {
        let sealed = hashes(&format!("{}/play/{token}/{asset}/{track}.m3u8", server.base), map).await;
        let clear = hashes(packaged.dir.join(format!("{track}.m3u8")).to_str().unwrap(), map).await;
        assert_eq!(sealed, clear, "{track}");
    }
    server.stop().await;
}
