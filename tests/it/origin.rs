//! The origin over HTTP: who gets which bytes, and when no longer.

use std::fmt::Write;
use std::time::Duration;

use marquee::base::clock::UtcMs;
use marquee::base::drm_system::DrmSystem;
use marquee::base::id::{AssetId, TitleId};
use marquee::media::protect::{ContentKey, Iv, Protection, decrypt_segment};
use marquee::origin::path::Target;
use marquee::origin::serve::PlayRequest;
use marquee::rights::avail::LicenseType;
use marquee::rights::grant::GrantClock;
use marquee::store::key::ObjectKey;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::film;
use crate::licenses;
use crate::server::{HOUR, Server, outcome};

const TRACK: &str = "v360";
const TEXT: &str = "t-en";

/// One URL of each kind. A kind that is missing here does not compile in [`name`].
fn every_target(asset: AssetId) -> Vec<Target<'static>> {
    vec![
        Target::Multivariant,
        Target::Playlist { asset, track: TRACK },
        Target::Init { asset, track: TRACK },
        Target::Segment { asset, track: TRACK, n: 0 },
        Target::IFramePlaylist { asset, track: TRACK },
        Target::IFrame { asset, track: TRACK, n: 0 },
        Target::Text { asset, track: TEXT, n: 0 },
        Target::Key { asset, track: TRACK },
        Target::ClearKeyLicense,
        Target::License { system: DrmSystem::Widevine },
        Target::FairPlayCertificate,
        Target::Storyboard { asset },
        Target::Sheet { asset, n: 0 },
        Target::Chapters { asset },
    ]
}

fn name(target: &Target<'_>) -> &'static str {
    match target {
        Target::Multivariant => "main.m3u8",
        Target::Playlist { .. } => "{track}.m3u8",
        Target::Init { .. } => "init.mp4",
        Target::Segment { .. } => "{n}.m4s",
        Target::IFramePlaylist { .. } => "iframes.m3u8",
        Target::IFrame { .. } => "i{n}.m4s",
        Target::Text { .. } => "{n}.vtt",
        Target::Key { .. } => "key",
        Target::ClearKeyLicense => "clearkey",
        Target::License { system } => system.as_str(),
        Target::FairPlayCertificate => "fairplay.cer",
        Target::Storyboard { .. } => "storyboard.vtt",
        Target::Sheet { .. } => "{n}.jpg",
        Target::Chapters { .. } => "chapters.json",
    }
}

fn url(token: &str, target: &Target<'_>) -> String {
    match *target {
        Target::Multivariant => format!("/play/{token}/main.m3u8"),
        Target::Playlist { asset, track } => format!("/play/{token}/{asset}/{track}.m3u8"),
        Target::Init { asset, track } => format!("/play/{token}/{asset}/{track}/init.mp4"),
        Target::Segment { asset, track, n } => format!("/play/{token}/{asset}/{track}/{n}.m4s"),
        Target::IFramePlaylist { asset, track } => format!("/play/{token}/{asset}/{track}/iframes.m3u8"),
        Target::IFrame { asset, track, n } => format!("/play/{token}/{asset}/{track}/i{n}.m4s"),
        Target::Text { asset, track, n } => format!("/play/{token}/{asset}/{track}/{n}.vtt"),
        Target::Key { asset, track } => format!("/play/{token}/{asset}/{track}/key"),
        Target::ClearKeyLicense => format!("/play/{token}/license/clearkey"),
        Target::License { system } => format!("/play/{token}/license/{}", system.as_str()),
        Target::FairPlayCertificate => format!("/play/{token}/license/fairplay.cer"),
        Target::Storyboard { asset } => format!("/play/{token}/{asset}/storyboard.vtt"),
        Target::Sheet { asset, n } => format!("/play/{token}/{asset}/storyboard/{n}.jpg"),
        Target::Chapters { asset } => format!("/play/{token}/{asset}/chapters.json"),
    }
}

fn token_of(playback_url: &str) -> String {
    playback_url.split('/').nth(2).unwrap().to_owned()
}

async fn asset_of(server: &Server, title: TitleId) -> AssetId {
    server.app.db.title(title).await.unwrap().unwrap().parts[0]
}

/// Invariant 8: every URL × every kind of caller. The statuses are written by hand.
#[tokio::test(flavor = "multi_thread")]
async fn every_url_answers_every_caller_as_the_table_says() {
    const EXPECTED: &str = "\
caller             main.m3u8  {track}.m3u8  init.mp4  {n}.m4s  iframes.m3u8  i{n}.m4s  {n}.vtt  key  clearkey  widevine  fairplay.cer  storyboard.vtt  {n}.jpg  chapters.json
no token           404        404           404       404      404           404       404      404  404       404       404           404             404      404
not a token        401        401           401       401      401           401       401      401  401       401       401           401             401      401
forged             401        401           401       401      401           401       401      401  401       401       401           401             401      401
expired            401        401           401       401      401           401       401      401  401       401       401           401             401      401
other title        200        404           404       404      404           404       404      404  404       404       404           404             404      404
revoked            403        403           403       403      403           403       403      403  403       403       403           403             403      403
ended              403        403           403       403      403           403       403      403  403       403       403           403             403      403
wrong territory    403        403           403       403      403           403       403      403  403       403       403           403             403      403
valid              200        200           200       200      200           200       200      200  404       404       404           200             200      200
valid, free        200        200           200       200      200           200       200      404  404       404       404           200             200      200
valid, cbcs        200        200           200       200      200           200       200      200  200       404       404           200             200      200
revoked, cbcs      403        403           403       403      403           403       403      403  403       403       403           403             403      403
";
    let server = Server::start().await;
    let (title, offer) = server.pvod().await;
    let asset = asset_of(&server, title).await;
    let (other_title, other_offer) = server.pvod().await;
    let free = server.title(asset).await;
    server.avail(free, LicenseType::Avod, None).await;

    let early = server.viewer("early").await;
    server.buy(&early, offer).await;
    let expired = token_of(&server.play(&early, title).await);
    server.sim.advance(HOUR * 24 + Duration::from_secs(1));

    let viewer = server.viewer("viewer").await;
    server.buy(&viewer, offer).await;
    let valid = token_of(&server.play(&viewer, title).await);
    let (head, signature) = valid.rsplit_once('.').unwrap();
    let forged = format!("{head}.{}", signature.chars().rev().collect::<String>());

    let other = server.viewer("other").await;
    server.buy(&other, other_offer).await;
    let foreign = token_of(&server.play(&other, other_title).await);

    let refunded = server.viewer("refunded").await;
    let grant = server.buy(&refunded, offer).await["grant"]["id"].as_str().unwrap().to_owned();
    let revoked = token_of(&server.play(&refunded, title).await);
    let answer =
        server.post(&server.operator, &format!("/operator/grants/{grant}/revoke"), &json!({"reason": "test"})).await;
    assert!(answer.status.is_success(), "{}", answer.text());

    let leaver = server.viewer("leaver").await;
    server.buy(&leaver, offer).await;
    let opened = server.open(&leaver.token, title).await.json();
    let ended = token_of(opened["playback_url"].as_str().unwrap());
    let id = opened["id"].as_str().unwrap();
    let delete = server.request(Method::DELETE, &format!("/api/v1/playback-sessions/{id}")).bearer_auth(&leaver.token);
    assert_eq!(server.send(delete).await.status, StatusCode::NO_CONTENT);

    let clear = token_of(&server.play(&viewer, free).await);

    let (sealed, sealed_offer) = server.pvod_of(asset).await;
    server.seal_with_cbcs(sealed).await;
    server.buy(&viewer, sealed_offer).await;
    let cbcs = token_of(&server.play(&viewer, sealed).await);
    let key_id = licenses::key_id(server.get(&url(&cbcs, &Target::Playlist { asset, track: TRACK })).await.text());
    let refunded = server.viewer("again").await;
    let grant = server.buy(&refunded, sealed_offer).await["grant"]["id"].as_str().unwrap().to_owned();
    let cbcs_revoked = token_of(&server.play(&refunded, sealed).await);
    let path = format!("/operator/grants/{grant}/revoke");
    assert!(server.post(&server.operator, &path, &json!({"reason": "test"})).await.status.is_success());

    let callers: [(&str, Option<&str>, &str); 12] = [
        ("no token", None, "CN"),
        ("not a token", Some("abc"), "CN"),
        ("forged", Some(&forged), "CN"),
        ("expired", Some(&expired), "CN"),
        ("other title", Some(&foreign), "CN"),
        ("revoked", Some(&revoked), "CN"),
        ("ended", Some(&ended), "CN"),
        ("wrong territory", Some(&valid), "US"),
        ("valid", Some(&valid), "CN"),
        ("valid, free", Some(&clear), "CN"),
        ("valid, cbcs", Some(&cbcs), "CN"),
        ("revoked, cbcs", Some(&cbcs_revoked), "CN"),
    ];
    let targets = every_target(asset);
    let mut table = format!("{:19}", "caller");
    for target in &targets {
        write!(table, "{}  ", name(target)).unwrap();
    }
    table = format!("{}\n", table.trim_end());
    for (caller, token, territory) in callers {
        let mut row = format!("{caller:19}");
        for target in &targets {
            let path = match token {
                Some(token) => url(token, target),
                None => url("", target).replace("/play//", "/play/"),
            };
            let answer = match target {
                Target::ClearKeyLicense | Target::License { .. } => {
                    licenses::ask_from(&server, territory, &path, &[&key_id]).await
                }
                _ => server.get_from(territory, &path).await,
            };
            let status = answer.status.as_u16();
            write!(row, "{status:<width$}", width = name(target).len() + 2).unwrap();
        }
        table.push_str(row.trim_end());
        table.push('\n');
    }
    assert_eq!(table, EXPECTED, "\n{table}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn protected_segments_decrypt_to_what_is_stored_and_only_with_the_key() {
    let server = Server::start().await;
    let (title, offer) = server.pvod().await;
    let asset = asset_of(&server, title).await;
    let free = server.title(asset).await;
    server.avail(free, LicenseType::Avod, None).await;
    let viewer = server.viewer("viewer").await;
    server.buy(&viewer, offer).await;
    let paid = token_of(&server.play(&viewer, title).await);
    let clear = token_of(&server.play(&viewer, free).await);

    let playlist = server.get(&url(&paid, &Target::Playlist { asset, track: TRACK })).await;
    let playlist = playlist.text();
    assert!(!playlist.contains(&paid), "a playlist holds nothing personal");
    let map = playlist.find("#EXT-X-MAP").unwrap();
    let key_line = playlist.find("#EXT-X-KEY:METHOD=AES-128,").unwrap();
    assert!(map < key_line, "init segments are clear");
    let iv_text = playlist.split("IV=0x").nth(1).unwrap().split(['\n', ',']).next().unwrap();
    let iv: Vec<u8> = (0..16).map(|n| u8::from_str_radix(&iv_text[2 * n..2 * n + 2], 16).unwrap()).collect();
    let key = server.get(&url(&paid, &Target::Key { asset, track: TRACK })).await;
    assert_eq!(key.header("cache-control"), "no-store");
    let protection = Protection {
        key: ContentKey::from_bytes(key.body.as_slice().try_into().unwrap()),
        iv: Iv::from_bytes(iv.as_slice().try_into().unwrap()),
    };
    let packaged = film::packaged().await;
    let file = std::fs::read(packaged.dir.join(format!("{TRACK}.mp4"))).unwrap();
    let track = packaged.index.track(TRACK).unwrap();
    assert!(track.segments.len() > 2);
    for (n, segment) in track.segments.iter().enumerate() {
        let target = Target::Segment { asset, track: TRACK, n: n as u32 };
        let stored = &file[segment.offset as usize..(segment.offset + segment.bytes) as usize];
        let sealed = server.get(&url(&paid, &target)).await.body;
        assert_ne!(sealed, stored);
        assert_eq!(decrypt_segment(&sealed, &protection).unwrap(), stored);
        assert_eq!(server.get(&url(&clear, &target)).await.body, stored);
    }
    let beyond = Target::Segment { asset, track: TRACK, n: track.segments.len() as u32 };
    assert_eq!(server.get(&url(&paid, &beyond)).await.status, StatusCode::NOT_FOUND);
    for misnamed in [
        Target::Segment { asset, track: TEXT, n: 0 },
        Target::Init { asset, track: TEXT },
        Target::IFramePlaylist { asset, track: TEXT },
        Target::IFrame { asset, track: TEXT, n: 0 },
        Target::Text { asset, track: TRACK, n: 0 },
    ] {
        assert_eq!(server.get(&url(&paid, &misnamed)).await.status, StatusCode::NOT_FOUND, "{misnamed:?}");
    }

    // A sync sample alone is sealed like its segment, and is the first sample of it, byte by byte.
    let iframes = server.get(&url(&paid, &Target::IFramePlaylist { asset, track: TRACK })).await;
    let iframes = iframes.text();
    assert!(iframes.contains("#EXT-X-I-FRAMES-ONLY\n") && iframes.contains("URI=\"key\"") && !iframes.contains(&paid));
    for (n, segment) in track.segments.iter().enumerate() {
        let target = Target::IFrame { asset, track: TRACK, n: n as u32 };
        let clear_iframe = server.get(&url(&clear, &target)).await.body;
        let sealed = server.get(&url(&paid, &target)).await.body;
        assert_eq!(decrypt_segment(&sealed, &protection).unwrap(), clear_iframe);
        let beginning = &file[segment.offset as usize..(segment.offset + segment.sync_bytes) as usize];
        let mdat = clear_iframe.windows(4).position(|four| four == b"mdat").unwrap() + 4;
        assert!(beginning.ends_with(&clear_iframe[mdat..]) && clear_iframe.len() > mdat + 100);
        assert!(clear_iframe.len() < segment.bytes as usize);
    }

    // Words are sealed like the rest, under a key of their own.
    let playlist = server.get(&url(&paid, &Target::Playlist { asset, track: TEXT })).await;
    let playlist = playlist.text();
    assert!(playlist.contains("#EXT-X-KEY:METHOD=AES-128,URI=\"t-en/key\"") && !playlist.contains("#EXT-X-MAP"));
    let text = Target::Text { asset, track: TEXT, n: 1 };
    let words = server.get(&url(&clear, &text)).await;
    assert_eq!(words.header("content-type"), "text/vtt");
    assert_eq!(
        words.text(),
        format!("{}\n00:00:03.500 --> 00:00:09.000\n<i>Over</i> two boundaries\n", film::TEXT_HEADER)
    );
    let sealed = server.get(&url(&paid, &text)).await.body;
    let text_key = server.get(&url(&paid, &Target::Key { asset, track: TEXT })).await.body;
    assert_ne!(text_key, protection.key.expose());
    let iv_text = playlist.split("IV=0x").nth(1).unwrap();
    let iv: Vec<u8> = (0..16).map(|n| u8::from_str_radix(&iv_text[2 * n..2 * n + 2], 16).unwrap()).collect();
    let protection = Protection {
        key: ContentKey::from_bytes(text_key.as_slice().try_into().unwrap()),
        iv: Iv::from_bytes(iv.as_slice().try_into().unwrap()),
    };
    assert_eq!(decrypt_segment(&sealed, &protection).unwrap(), words.body);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_has_the_storyboard_of_its_film() {
    let server = Server::start().await;
    let (title, offer) = server.pvod().await;
    let asset = asset_of(&server, title).await;
    let viewer = server.viewer("viewer").await;
    server.buy(&viewer, offer).await;
    let session = server.open(&viewer.token, title).await.json();
    let token = token_of(session["playback_url"].as_str().unwrap());
    let storyboard_url = session["storyboard_url"].as_str().unwrap();
    assert_eq!(storyboard_url, url(&token, &Target::Storyboard { asset }));

    let answer = server.get(storyboard_url).await;
    assert_eq!([answer.header("content-type"), answer.header("cache-control")], ["text/vtt", "no-store"]);
    let text = answer.text();
    assert_eq!(text.matches(" --> ").count(), 12, "24 s of film, a picture every 2 s");
    assert!(!text.contains(&token), "a storyboard holds nothing personal");
    assert!(text.starts_with("WEBVTT\n\n00:00:00.000 --> 00:00:02.000\nstoryboard/0.jpg#xywh=0,0,160,90\n"), "{text}");
    assert!(text.ends_with("\n00:00:22.000 --> 00:00:24.000\nstoryboard/0.jpg#xywh=160,180,160,90\n"), "{text}");
    let zipped = server.send(server.request(Method::GET, storyboard_url).header("accept-encoding", "gzip")).await;
    assert_eq!(zipped.header("content-encoding"), "gzip");
    assert_ne!(zipped.header("etag"), answer.header("etag"));

    let sheet = Target::Sheet { asset, n: 0 };
    let answer = server.get(&url(&token, &sheet)).await;
    assert_eq!(answer.header("content-type"), "image/jpeg");
    assert_eq!(answer.header("cache-control"), "private, max-age=86400, immutable");
    let written = std::fs::read(film::packaged().await.dir.join("storyboard-0.jpg")).unwrap();
    assert_eq!(answer.body, written, "as it was packaged, and clear");
    let request = server.request(Method::GET, &url(&token, &sheet)).header("if-none-match", answer.header("etag"));
    assert_eq!(server.send(request).await.status, StatusCode::NOT_MODIFIED);
    let beyond = Target::Sheet { asset, n: 1 };
    assert_eq!(server.get(&url(&token, &beyond)).await.status, StatusCode::NOT_FOUND);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_has_the_chapters_of_its_film() {
    let server = Server::start().await;
    let (title, offer) = server.pvod().await;
    let asset = asset_of(&server, title).await;
    let viewer = server.viewer("viewer").await;
    server.buy(&viewer, offer).await;
    let session = server.open(&viewer.token, title).await.json();
    let chapters = json!([
        {"start_ms": 0, "title": "Opening"},
        {"start_ms": 9_500, "title": "第二章"},
        {"start_ms": 16_000, "title": ""},
    ]);
    assert_eq!(session["chapters"], chapters);
    let token = token_of(session["playback_url"].as_str().unwrap());
    let main = server.get(&url(&token, &Target::Multivariant)).await;
    let line = format!("#EXT-X-SESSION-DATA:DATA-ID=\"com.apple.hls.chapters\",URI=\"{asset}/chapters.json\"\n");
    assert!(main.text().contains(&line), "{}", main.text());

    let answer = server.get(&url(&token, &Target::Chapters { asset })).await;
    assert_eq!([answer.header("content-type"), answer.header("cache-control")], ["application/json", "no-store"]);
    let named = |title| json!([{"language": "und", "title": title}]);
    let expected = json!([
        {"chapter": 1, "start-time": 0.0, "duration": 9.5, "titles": named("Opening")},
        {"chapter": 2, "start-time": 9.5, "duration": 6.5, "titles": named("第二章")},
        {"chapter": 3, "start-time": 16.0, "duration": 8.0},
    ]);
    assert_eq!(answer.json(), expected);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rental_clock_starts_with_the_first_key_and_ends_48_hours_later() {
    let server = Server::start().await;
    let title = server.title(server.asset().await).await;
    let asset = asset_of(&server, title).await;
    let avail = server.avail(title, LicenseType::Vod, None).await;
    let clock = GrantClock::OnFirstPlay { start_within_ms: 30 * 24 * 3_600_000, watch_ms: 48 * 3_600_000 };
    let offer = server.offer(&avail, clock).await;
    let viewer = server.viewer("viewer").await;
    let bought_at = server.now();
    let grant_id = server.buy(&viewer, offer).await["grant"]["id"].as_str().unwrap().parse().unwrap();
    let first_play = || async { server.app.db.grant(grant_id).await.unwrap().unwrap().first_play_at };

    // Everything before the key leaves the clock alone.
    server.sim.advance(HOUR);
    let token = token_of(&server.play(&viewer, title).await);
    let gives_keys =
        |target: &Target<'_>| matches!(target, Target::Key { .. } | Target::ClearKeyLicense | Target::License { .. });
    for target in every_target(asset).into_iter().filter(|target| !gives_keys(target)) {
        // There is no DRM here.
        let is_there = target != Target::FairPlayCertificate;
        let expected = if is_there { StatusCode::OK } else { StatusCode::NOT_FOUND };
        assert_eq!(server.get(&url(&token, &target)).await.status, expected);
    }
    let key_url = url(&token, &Target::Key { asset, track: TRACK });
    let no_key = [
        server.get(&url(&token, &Target::Key { asset, track: "nothing" })).await.status,
        server.send(server.request(Method::HEAD, &key_url)).await.status,
        server.send(server.request(Method::POST, &key_url)).await.status,
        server.send(server.request(Method::DELETE, &key_url)).await.status,
        server.send(server.request(Method::OPTIONS, &key_url)).await.status,
        server.get_from("US", &key_url).await.status,
    ];
    assert_eq!(no_key.map(|status| status.as_u16()), [404, 200, 405, 405, 204, 403]);
    assert_eq!(first_play().await, None, "who gets no key starts no clock");

    // One millisecond before the start-by it plays, at it no more.
    let start_by = UtcMs(bought_at.0 + 30 * 24 * 3_600_000);
    server.advance_to(start_by, -1);
    let late = server.play(&viewer, title).await;
    server.advance_to(start_by, 0);
    assert_eq!(outcome(&server.get(&late).await), "START_BY_PASSED");
    let key = Target::Key { asset, track: TRACK };
    assert_eq!(outcome(&server.get(&url(&token_of(&late), &key)).await), "START_BY_PASSED");
    assert_eq!(first_play().await, None, "a denied request starts no clock");
    let viewer = server.signed_in_again(&viewer).await;
    assert_eq!(outcome(&server.open(&viewer.token, title).await), "START_BY_PASSED");
    server.stop().await;

    let server = Server::start().await;
    let title = server.title(server.asset().await).await;
    let asset = asset_of(&server, title).await;
    let avail = server.avail(title, LicenseType::Vod, None).await;
    let offer = server.offer(&avail, clock).await;
    let viewer = server.viewer("viewer").await;
    let grant_id = server.buy(&viewer, offer).await["grant"]["id"].as_str().unwrap().parse().unwrap();
    let token = token_of(&server.play(&viewer, title).await);
    let key = Target::Key { asset, track: TRACK };
    let started_at = server.now();
    assert_eq!(server.get(&url(&token, &key)).await.status, StatusCode::OK);
    let grant = server.app.db.grant(grant_id).await.unwrap().unwrap();
    assert_eq!(grant.first_play_at, Some(started_at), "durable before the answer");
    let expires_at = started_at + HOUR * 48;
    // A token lives a day: near the end another session is open.
    server.advance_to(expires_at, -1);
    let token = token_of(&server.play(&viewer, title).await);
    let segment = Target::Segment { asset, track: TRACK, n: 1 };
    assert_eq!(server.get(&url(&token, &segment)).await.status, StatusCode::OK);
    for offset_ms in [0, 1] {
        server.advance_to(expires_at, offset_ms);
        for target in every_target(asset) {
            assert_eq!(
                outcome(&server.get(&url(&token, &target)).await),
                "RENTAL_EXPIRED",
                "{offset_ms} {}",
                name(&target)
            );
        }
    }
    let denied = server.open(&viewer.token, title).await;
    assert_eq!((outcome(&denied).as_str(), &denied.json()["next"][0]["action"]), ("RENTAL_EXPIRED", &json!("buy")));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_closes_ends_sale_but_not_viewing() {
    let server = Server::start().await;
    let (title, offer) = server.pvod().await;
    let end = server.now() + HOUR * 24 * 14;
    let viewers = [server.viewer("before").await, server.viewer("at").await, server.viewer("after").await];
    let buy = |viewer: usize| {
        let body = json!({"offer_id": offer, "payment": {"method": "sandbox", "outcome": "paid"}});
        let (server, token) = (&server, viewers[viewer].token.clone());
        async move { outcome(&server.post(&token, "/purchases", &body).await) }
    };
    server.advance_to(end, -1);
    assert_eq!(buy(0).await, "201");
    let playing = server.play(&viewers[0], title).await;
    server.advance_to(end, 0);
    assert_eq!(buy(1).await, "WINDOW_CLOSED");
    assert_eq!(server.get(&playing).await.status, StatusCode::OK);
    server.advance_to(end, 1);
    assert_eq!(buy(2).await, "WINDOW_CLOSED");
    assert_eq!(outcome(&server.open(&viewers[2].token, title).await), "WINDOW_CLOSED");
    assert_eq!(server.get(&playing).await.status, StatusCode::OK);
    server.sim.advance(Duration::from_secs(90));
    let again = server.play(&viewers[0], title).await;
    assert_eq!(server.get(&again).await.status, StatusCode::OK);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rental_is_one_stream_until_its_lease_has_run_out() {
    let server = Server::start().await;
    let (title, offer) = server.pvod().await;
    let viewer = server.viewer("viewer").await;
    server.buy(&viewer, offer).await;
    let first = server.play(&viewer, title).await;
    assert_eq!(outcome(&server.open(&viewer.token, title).await), "TOO_MANY_STREAMS");
    server.sim.advance(Duration::from_millis(89_999));
    assert_eq!(outcome(&server.open(&viewer.token, title).await), "TOO_MANY_STREAMS");
    server.sim.advance(Duration::from_millis(1));
    let second = server.play(&viewer, title).await;
    assert_eq!(server.get(&second).await.status, StatusCode::OK);
    // The first one comes back: its renewal finds the slot taken, and from then on it is refused.
    server.get(&first).await;
    let mut refused = false;
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        refused |= outcome(&server.get(&first).await) == "TOO_MANY_STREAMS";
    }
    assert!(refused);
    assert_eq!(server.get(&second).await.status, StatusCode::OK);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_membership_plays_what_is_included_on_as_many_streams_as_its_plan_has() {
    let server = Server::start().await;
    let title = server.title(server.asset().await).await;
    server.avail(title, LicenseType::Svod, None).await;
    let stranger = server.viewer("stranger").await;
    assert_eq!(outcome(&server.open(&stranger.token, title).await), "MEMBERSHIP_REQUIRED");
    let member = server.member("member", server.now() + HOUR * 24).await;
    for _ in 0..2 {
        let url = server.play(&member, title).await;
        assert_eq!(server.get(&url).await.status, StatusCode::OK);
    }
    assert_eq!(outcome(&server.open(&member.token, title).await), "TOO_MANY_STREAMS");
    let shown = server.api(&member.token, &format!("/titles/{title}")).await.json();
    assert_eq!((&shown["decision"]["via"], &shown["decision"]["starts_clock"]), (&json!("membership"), &json!(false)));
    server.sim.advance(HOUR * 24);
    assert_eq!(outcome(&server.open(&member.token, title).await), "MEMBERSHIP_REQUIRED");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_shared_between_two_networks_is_refused_and_a_viewer_who_moves_is_not() {
    let server = Server::start().await;
    let (title, offer) = server.pvod().await;
    let viewer = server.viewer("viewer").await;
    server.buy(&viewer, offer).await;
    let url = server.play(&viewer, title).await;
    let from = |address: &str| {
        let request = server.request(Method::GET, &url).header("x-forwarded-for", address);
        server.send(request)
    };
    for address in ["198.51.100.1", "198.51.100.2", "203.0.113.1", "203.0.113.1"] {
        assert_eq!(from(address).await.status, StatusCode::OK, "moved to {address}");
        server.sim.advance(Duration::from_secs(5));
    }
    let mut refused = false;
    for turn in 0..40 {
        let address = if turn % 2 == 0 { "198.51.100.1" } else { "203.0.113.1" };
        refused |= outcome(&from(address).await) == "TOO_MANY_STREAMS";
        server.sim.advance(Duration::from_secs(1));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(refused, "two networks in turn");

    let (title, offer) = server.pvod().await;
    server.buy(&viewer, offer).await;
    let url = server.play(&viewer, title).await;
    let mut refused = false;
    for turn in 0..40 {
        let address = format!("198.51.{}.1", 100 + turn % 5);
        let request = server.request(Method::GET, &url).header("x-forwarded-for", address);
        refused |= outcome(&server.send(request).await) == "TOO_MANY_STREAMS";
        server.sim.advance(Duration::from_secs(1));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(refused, "five networks in turn");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn playlists_are_compressed_media_is_ranged_and_both_are_conditional() {
    let server = Server::start().await;
    let (title, offer) = server.pvod().await;
    let asset = asset_of(&server, title).await;
    let viewer = server.viewer("viewer").await;
    server.buy(&viewer, offer).await;
    let token = token_of(&server.play(&viewer, title).await);
    let playlist = url(&token, &Target::Playlist { asset, track: TRACK });
    let plain = server.get(&playlist).await;
    assert_eq!(plain.header("content-type"), "application/vnd.apple.mpegurl");
    assert_eq!(plain.header("access-control-allow-origin"), "*");
    assert_eq!(plain.header("referrer-policy"), "no-referrer");
    let zipped = server.send(server.request(Method::GET, &playlist).header("accept-encoding", "gzip")).await;
    assert_eq!(zipped.header("content-encoding"), "gzip");
    let mut unzipped = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(zipped.body.as_slice()), &mut unzipped).unwrap();
    assert_eq!(unzipped, plain.text());
    assert_ne!(zipped.header("etag"), plain.header("etag"));
    let same = server.send(server.request(Method::GET, &playlist).header("if-none-match", plain.header("etag"))).await;
    assert_eq!((same.status, same.body.len()), (StatusCode::NOT_MODIFIED, 0));

    let segment = url(&token, &Target::Segment { asset, track: TRACK, n: 0 });
    let whole = server.get(&segment).await;
    assert_eq!(whole.header("content-type"), "video/mp4");
    assert_eq!(whole.header("cache-control"), "private, max-age=86400, immutable");
    let part = server.send(server.request(Method::GET, &segment).header("range", "bytes=10-19")).await;
    assert_eq!((part.status, part.body.as_slice()), (StatusCode::PARTIAL_CONTENT, &whole.body[10..20]));
    assert_eq!(part.header("content-range"), format!("bytes 10-19/{}", whole.body.len()));
    let beyond = server.send(server.request(Method::GET, &segment).header("range", "bytes=999999999-")).await;
    assert_eq!(beyond.status, StatusCode::RANGE_NOT_SATISFIABLE);
    let head = server.send(server.request(Method::HEAD, &segment)).await;
    assert_eq!((head.body.len(), head.header("content-length")), (0, whole.body.len().to_string().as_str()));
    let posted = server.send(server.request(Method::POST, &segment)).await;
    assert_eq!(posted.status, StatusCode::METHOD_NOT_ALLOWED);
    let preflight = server.send(server.request(Method::OPTIONS, &segment)).await;
    assert_eq!(preflight.status, StatusCode::NO_CONTENT);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn crooked_urls_find_nothing_and_their_token_is_not_repeated() {
    let server = Server::start().await;
    let (title, offer) = server.pvod().await;
    let asset = asset_of(&server, title).await;
    let viewer = server.viewer("viewer").await;
    server.buy(&viewer, offer).await;
    let token = token_of(&server.play(&viewer, title).await);
    let long = "a".repeat(3000);
    for path in [
        format!("/play/{token}/{asset}/../{asset}/v360.m3u8"),
        format!("/play/{token}/{asset}/%2e%2e/%2e%2e/etc/passwd"),
        format!("/play/{token}/{asset}/v360/00.m4s"),
        format!("/play/{token}/{asset}/v360/4294967296.m4s"),
        format!("/play/{token}/{asset}/v360/../../../../db/marquee.sqlite"),
        format!("/play/{token}//main.m3u8"),
        format!("/play/{token}/{asset}/{long}.m3u8"),
        format!("/play/{token}/{asset}/nothing.m3u8"),
        format!("/play/{token}"),
        "/play/".to_owned(),
    ] {
        // The client would tidy the path up; the wire does not.
        let raw = raw_get(&server, &path).await;
        assert!(raw.starts_with("HTTP/1.1 404"), "{path}: {raw}");
        assert!(!raw.contains(&token), "{raw}");
    }
    let over = format!("/play/{}/main.m3u8", "a".repeat(2000));
    assert!(raw_get(&server, &over).await.starts_with("HTTP/1.1 401"));
    let over = format!("/play/{}/main.m3u8", "a".repeat(5000));
    assert!(raw_get(&server, &over).await.starts_with("HTTP/1.1 414"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cmcd_reaches_the_timeline_and_changes_no_byte() {
    let server = Server::start().await;
    let (title, offer) = server.pvod().await;
    let ann = server.viewer("ann").await;
    server.buy(&ann, offer).await;
    let opened = server.open(&ann.token, title).await.json();
    let playback_url = opened["playback_url"].as_str().unwrap().to_owned();
    let token = token_of(&playback_url);
    let asset = asset_of(&server, title).await;
    let segment = url(&token, &Target::Segment { asset, track: TRACK, n: 0 });
    let plain = server.get(&segment).await;
    assert_eq!(plain.status, StatusCode::OK);
    let queries = ["CMCD=br%3D640%2Cbs%2Cot%3Dv", "x=1&CMCD=%", "CMCD=", "CMCD", &format!("CMCD={}", "a".repeat(3000))];
    for query in queries {
        let answer = server.get(&format!("{segment}?{query}")).await;
        assert_eq!((answer.status, &answer.body), (StatusCode::OK, &plain.body), "{query}");
    }
    let with_headers =
        server.request(Method::GET, &segment).header("CMCD-Object", "br=320,ot=v").header("CMCD-Status", "bs");
    assert_eq!(server.send(with_headers).await.body, plain.body);
    // A refused request is noted once, however often it comes.
    for _ in 0..3 {
        assert_eq!(server.get_from("DE", &segment).await.code(), "GEO_NOT_LICENSED");
    }
    server.app.audience.collector.write_queued().await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let id = opened["id"].as_str().unwrap();
    let lines = server.api(&server.operator, &format!("/operator/playback-sessions/{id}/timeline")).await.json();
    let of = |source: &str| {
        let lines = lines.as_array().unwrap().iter().filter(|line| line["source"] == source);
        lines.map(|line| format!("{} {}", line["kind"].as_str().unwrap(), line["detail"])).collect::<Vec<_>>()
    };
    assert_eq!(of("cmcd"), [r#"request {"br":640,"bs":true,"ot":"v"}"#, r#"request {"br":320,"ot":"v","bs":true}"#]);
    let server_says = of("server");
    assert!(server_says.contains(&"first_segment {}".to_owned()), "{server_says:?}");
    assert_eq!(server_says.iter().filter(|line| line.contains("GEO_NOT_LICENSED")).count(), 1, "{server_says:?}");
    assert!(!lines.to_string().contains(&token));
    let qoe = server.api(&server.operator, &format!("/operator/playback-sessions/{id}")).await.json();
    assert_eq!(qoe["qoe"]["rung_now"]["bitrate_bps"], 320_000);
    server.stop().await;
}

/// Every request allocates its own state, as large as its largest part: a rare path that is not boxed is paid for by
/// every segment (docs/performance.md).
#[tokio::test(flavor = "multi_thread")]
async fn the_state_of_a_request_stays_small() {
    const STATE_BYTES_MAX: usize = 1_024;
    let server = Server::start().await;
    let (method, headers) = (Method::GET, reqwest::header::HeaderMap::new());
    let request = PlayRequest {
        method: &method,
        path: "/play/",
        query: None,
        headers: &headers,
        body: Ok(bytes::Bytes::new()),
        place: server.app.places.find([127, 0, 0, 1].into(), None, || None),
        clock: &server.app.clock,
    };
    let bytes = size_of_val(&server.app.origin.serve(&request));
    assert!(bytes <= STATE_BYTES_MAX, "{bytes} bytes");
    server.stop().await;
}

async fn raw_get(server: &Server, path: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let address = server.base.strip_prefix("http://").unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nX-Country: CN\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn ffmpeg_decodes_the_whole_film_over_https_without_an_error() {
    let server = Server::start().await;
    let (title, offer) = server.pvod().await;
    let viewer = server.viewer("viewer").await;
    server.buy(&viewer, offer).await;
    let url = format!("{}{}", server.https, server.play(&viewer, title).await);
    // FFmpeg sends no country header; the session must be open to its address.
    let output = tokio::process::Command::new("ffmpeg")
        .args([
            "-v",
            "error",
            "-xerror",
            "-headers",
            "X-Country: CN\r\n",
            "-i",
            &url,
            "-map",
            "0:v",
            "-map",
            "0:a",
            "-f",
            "null",
            "-",
        ])
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
    server.stop().await;
}

/// An excerpt is an asset of its own: clear as a trailer, with keys of its own as anything else, and its bytes are the
/// beginning of the film's.
#[tokio::test(flavor = "multi_thread")]
async fn an_excerpt_plays_as_a_trailer_without_an_account() {
    let server = Server::start().await;
    let (title, offer) = server.pvod().await;
    let asset = asset_of(&server, title).await;
    let body = json!({"length_ms": 7_000});
    let made = server.post(&server.operator, &format!("/operator/assets/{asset}/excerpt"), &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let made = made.json();
    let short: AssetId = made["id"].as_str().unwrap().parse().unwrap();
    assert_eq!((&made["duration_ms"], &made["excerpt_of"]), (&json!(8_000), &json!(asset)));
    assert_eq!(made["segments"]["count"], 2);
    let request = server.request(Method::PATCH, &format!("/api/v1/operator/titles/{title}"));
    let edited = request.bearer_auth(&server.operator).json(&json!({"trailer_asset_id": short}));
    assert_eq!(server.send(edited).await.status, StatusCode::OK);

    let wish = json!({"title_id": title, "trailer": true});
    let open = server.send(server.request(Method::POST, "/api/v1/playback-sessions").json(&wish)).await;
    assert_eq!((open.status, &open.json()["via"]), (StatusCode::CREATED, &json!("trailer")));
    assert_eq!(open.json()["storyboard_url"], json!(null), "an excerpt has none");
    assert_eq!(open.json()["chapters"], json!([]), "nor these");
    let token = token_of(open.json()["playback_url"].as_str().unwrap());
    let statuses = |asset: AssetId| {
        let (server, token) = (&server, &token);
        async move {
            let mut statuses = Vec::new();
            for target in every_target(asset) {
                let answer = match target {
                    Target::ClearKeyLicense | Target::License { .. } => {
                        licenses::ask_from(server, "CN", &url(token, &target), &["AAAAAAAAAAAAAAAAAAAAAQ"]).await
                    }
                    _ => server.get(&url(token, &target)).await,
                };
                statuses.push(answer.status.as_u16());
            }
            statuses
        }
    };
    let of_an_excerpt = [200, 200, 200, 200, 200, 200, 200, 404, 404, 404, 404, 404, 404, 404];
    assert_eq!(statuses(short).await, of_an_excerpt, "clear, and without storyboard and chapters");
    let of_another = [200, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404];
    assert_eq!(statuses(asset).await, of_another, "the film is not the trailer");
    let segment = |asset, n| Target::Segment { asset, track: TRACK, n };
    assert_eq!(server.get(&url(&token, &segment(short, 2))).await.status, StatusCode::NOT_FOUND, "it ends there");
    let abroad = server.get_from("US", &url(&token, &segment(short, 1))).await;
    assert_eq!(abroad.status, StatusCode::OK);

    let free = server.title(asset).await;
    server.avail(free, LicenseType::Avod, None).await;
    let film = token_of(&server.play(&server.viewer("ann").await, free).await);
    let same = server.get(&url(&film, &segment(asset, 1))).await.body;
    assert_eq!(abroad.body, same);
    let poster = server.app.blobs.get(&ObjectKey::AssetPoster { asset: short }).await.unwrap();
    assert_eq!(poster, server.app.blobs.get(&ObjectKey::AssetPoster { asset }).await.unwrap());

    // As the film of another title it has keys, and they are not those of the film it was cut from.
    let (ben, again) = (server.viewer("ben").await, server.title(short).await);
    let avail = server.avail(again, LicenseType::Vod, None).await;
    let sold = server.offer(&avail, GrantClock::OnPurchase { watch_ms: 3_600_000 }).await;
    server.buy(&ben, sold).await;
    server.buy(&ben, offer).await;
    let key = |asset| Target::Key { asset, track: TRACK };
    let (cut, whole) = (token_of(&server.play(&ben, again).await), token_of(&server.play(&ben, title).await));
    let keys = [server.get(&url(&cut, &key(short))).await.body, server.get(&url(&whole, &key(asset))).await.body];
    assert_eq!([keys[0].len(), keys[1].len()], [16, 16]);
    assert_ne!(keys[0], keys[1]);

    let request = server.request(Method::PATCH, &format!("/api/v1/operator/titles/{title}"));
    let gone = request.bearer_auth(&server.operator).json(&json!({"status": "suspended"}));
    server.send(gone).await;
    assert_eq!(outcome(&server.get(&url(&token, &segment(short, 0))).await), "TITLE_SUSPENDED");
    server.stop().await;
}
