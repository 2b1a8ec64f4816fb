//! A film behind its release card, as sessions are given it.

use std::fmt::Write;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use marquee::base::id::{AssetId, GrantId, TitleId};
use marquee::base::limits::LEASE_TTL;
use marquee::base::protection::ProtectionScheme;
use marquee::catalog::asset::{Asset, AssetDetails, AssetState};
use marquee::catalog::licence::{Licence, LicenceKind};
use marquee::media::protect::{ContentKey, Iv, Protection, decrypt_segment};
use marquee::packager::publish::publish;
use marquee::rights::avail::LicenseType;
use marquee::rights::grant::GrantClock;
use reqwest::StatusCode;

use crate::licenses::{ask, key_id};
use crate::server::{Server, TestViewer, outcome};
use crate::{card, film};

const TRACK: &str = "v360";
pub const CARD_MS: i64 = 5_000;
const FIRST_PLAY: GrantClock = GrantClock::OnFirstPlay { start_within_ms: 86_400_000, watch_ms: 48 * 3_600_000 };

/// Gives a title of the test film a licence, and the card that goes with it.
pub async fn license(server: &Server, title: TitleId) -> AssetId {
    let db = &server.app.db;
    let mut title = db.title(title).await.unwrap().unwrap();
    title.details.licence = Some(Licence {
        kind: LicenceKind::OnlineRelease,
        number: "（总局）网影审字（2022）第001号".into(),
    });
    title.version += 1;
    let scratch = tempfile::tempdir().unwrap();
    let made = card::made(film::packaged().await.index.clone(), scratch.path()).await;
    let id = AssetId::new(server.now());
    publish(&server.app.blobs, id, made.dir(), &made.index).await.unwrap();
    let details = AssetDetails { card_of: title.card_source(title.parts[0]), ..AssetDetails::default() };
    let duration_ms = made.index.duration_ms as i64;
    let asset = Asset {
        id,
        source_name: "card".into(),
        duration_ms,
        created_at: server.now(),
        details,
        state: AssetState::Complete,
    };
    db.insert_asset(&asset).await.unwrap();
    db.update_title(&title, server.now()).await.unwrap();
    server.app.follower.announce().await;
    id
}

/// A film that is sold and its card.
struct Licensed {
    title: TitleId,
    film: AssetId,
    card: AssetId,
    viewer: TestViewer,
    grant: GrantId,
}

async fn licensed(server: &Server) -> Licensed {
    let film = server.asset().await;
    let title = server.title(film).await;
    let avail = server.avail(title, LicenseType::Vod, None).await;
    let offer = server.offer(&avail, FIRST_PLAY).await;
    let viewer = server.viewer("viewer").await;
    let grant = server.buy(&viewer, offer).await["grant"]["id"].as_str().unwrap().parse().unwrap();
    Licensed { title, film, card: license(server, title).await, viewer, grant }
}

/// `/play/{token}` of a new session.
async fn base_of(server: &Server, viewer: &TestViewer, title: TitleId) -> String {
    server.play(viewer, title).await.strip_suffix("/main.m3u8").unwrap().to_owned()
}

/// How many pictures FFmpeg decodes of these bytes, without a complaint.
fn pictures(bytes: &[u8]) -> usize {
    let mut child = Command::new("ffmpeg")
        .args(["-v", "error", "-xerror", "-i", "pipe:0", "-map", "0:v", "-f", "framecrc", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let bytes = bytes.to_vec();
    let writing = std::thread::spawn(move || stdin.write_all(&bytes));
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
    writing.join().unwrap().unwrap();
    String::from_utf8(output.stdout).unwrap().lines().filter(|line| !line.starts_with('#')).count()
}

/// The init segment of one clip and every segment behind it, as they leave.
async fn fetched(server: &Server, base: &str, asset: AssetId, segments: usize) -> (Vec<u8>, Vec<Vec<u8>>) {
    let init = server.get(&format!("{base}/{asset}/{TRACK}/init.mp4")).await;
    assert_eq!(init.status, StatusCode::OK);
    let mut bodies = Vec::new();
    for n in 0..segments {
        let segment = server.get(&format!("{base}/{asset}/{TRACK}/{n}.m4s")).await;
        assert_eq!(segment.status, StatusCode::OK);
        bodies.push(segment.body);
    }
    (init.body, bodies)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_follows_its_card_in_every_protection() {
    let server = Server::start().await;
    let Licensed { title, film, card, viewer, .. } = licensed(&server).await;
    let index = &film::packaged().await.index;
    let count = index.track(TRACK).unwrap().segments.len();
    let mut of_film = String::new();
    for n in 0..count {
        writeln!(of_film, "#EXTINF:4.000000,\n{TRACK}/{n}.m4s").unwrap();
    }
    for scheme in [None, Some(ProtectionScheme::Aes128), Some(ProtectionScheme::Cbcs)] {
        // A rental is one stream: the one before has left.
        server.sim.advance(LEASE_TTL);
        let session = match scheme {
            None => {
                let free = server.title(film).await;
                server.avail(free, LicenseType::Avod, None).await;
                // The same film under the same licence and name has the same card.
                let mut copy = server.app.db.title(free).await.unwrap().unwrap();
                copy.details.licence = server.app.db.title(title).await.unwrap().unwrap().details.licence;
                copy.version += 1;
                server.app.db.update_title(&copy, server.now()).await.unwrap();
                server.app.follower.announce().await;
                free
            }
            Some(ProtectionScheme::Aes128) => title,
            Some(ProtectionScheme::Cbcs) => {
                server.seal_with_cbcs(title).await;
                title
            }
        };
        let base = base_of(&server, &viewer, session).await;
        let playlist = server.get(&format!("{base}/{film}/{TRACK}.m3u8")).await;
        let playlist = playlist.text();
        let (keys, unkeyed): (Vec<&str>, Vec<&str>) = playlist.lines().partition(|line| line.starts_with("#EXT-X-KEY"));
        assert_eq!(
            unkeyed.join("\n") + "\n",
            format!(
                "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:5\n#EXT-X-MEDIA-SEQUENCE:0\n\
                 #EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-INDEPENDENT-SEGMENTS\n\
                 #EXT-X-MAP:URI=\"../{card}/{TRACK}/init.mp4\"\n#EXTINF:5.000000,\n../{card}/{TRACK}/0.m4s\n\
                 #EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"{TRACK}/init.mp4\"\n{of_film}#EXT-X-ENDLIST\n"
            )
        );
        let methods: Vec<&str> =
            keys.iter().map(|key| key.split("METHOD=").nth(1).unwrap().split(',').next().unwrap()).collect();
        let expected: &[&str] = match scheme {
            None => &[],
            Some(ProtectionScheme::Aes128) => &["NONE", "AES-128"],
            Some(ProtectionScheme::Cbcs) => &["NONE", "SAMPLE-AES", "SAMPLE-AES"],
        };
        assert_eq!(methods, expected);

        // The card and the film each decode whole: the card without a key, the film with its own.
        let (init, segments) = fetched(&server, &base, card, 1).await;
        assert_eq!(pictures(&[init, segments.concat()].concat()), 120, "{scheme:?}");
        let (init, segments) = fetched(&server, &base, film, count).await;
        let opened = match scheme {
            None => segments.concat(),
            Some(ProtectionScheme::Aes128) => {
                server.sim.advance(Duration::from_millis(CARD_MS as u64));
                let key = server.get(&format!("{base}/{film}/{TRACK}/key")).await.body;
                let iv = keys[1].split("IV=0x").nth(1).unwrap();
                let iv = std::array::from_fn(|n| u8::from_str_radix(&iv[2 * n..2 * n + 2], 16).unwrap());
                let key = ContentKey::from_bytes(key.as_slice().try_into().unwrap());
                let protection = Protection { key, iv: Iv::from_bytes(iv) };
                segments.iter().flat_map(|segment| decrypt_segment(segment, &protection).unwrap()).collect()
            }
            // FFmpeg's own reading of sealed samples is tested where they are made.
            Some(ProtectionScheme::Cbcs) => continue,
        };
        assert_eq!(pictures(&[init, opened].concat()), 24 * film::DURATION_S as usize, "{scheme:?}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_reaches_the_clips_of_its_presentation_and_no_others() {
    let server = Server::start().await;
    let Licensed { title, film, card, viewer, .. } = licensed(&server).await;
    let base = base_of(&server, &viewer, title).await;
    let status = async |path: String| server.get(&path).await.status.as_u16();
    for (piece, expected) in [
        ("v360/init.mp4", 200),
        ("v360/0.m4s", 200),
        ("v360/i0.m4s", 200),
        ("t-en/0.vtt", 200),
        ("v360/1.m4s", 404),
        ("v360/key", 404),
        // A card has no playlists of its own, no keys, no storyboard and no chapters.
        ("v360.m3u8", 404),
        ("v360/iframes.m3u8", 404),
        ("chapters.json", 404),
        ("storyboard.vtt", 404),
        ("storyboard/0.jpg", 404),
    ] {
        assert_eq!(status(format!("{base}/{card}/{piece}")).await, expected, "{piece}");
    }
    assert_eq!(status(format!("{base}/{film}/storyboard.vtt")).await, 200, "its times are those of the film");

    let starts = async |base: &str| -> Vec<f64> {
        let chapters = server.get(&format!("{base}/{film}/chapters.json")).await.json();
        chapters.as_array().unwrap().iter().map(|chapter| chapter["start-time"].as_f64().unwrap()).collect()
    };
    assert_eq!(starts(&base).await, [5.0, 14.5, 21.0], "behind the card");

    // Who is not asked to see the card is given the film alone, and cannot reach the card.
    let other = server.title(film).await;
    server.avail(other, LicenseType::Avod, None).await;
    let plain = base_of(&server, &viewer, other).await;
    let playlist = server.get(&format!("{plain}/{film}/{TRACK}.m3u8")).await;
    assert!(!playlist.text().contains("DISCONTINUITY"));
    assert_eq!(starts(&plain).await, [0.0, 9.5, 16.0]);
    let own = server.get(&format!("{base}/{film}/{TRACK}.m3u8")).await;
    assert_ne!(own.header("etag"), playlist.header("etag"));
    assert_eq!(status(format!("{plain}/{card}/v360/0.m4s")).await, 404);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_says_where_a_card_is_shown() {
    let server = Server::start_with(|config| config.release_card.territories = vec!["DE".parse().unwrap()]).await;
    let Licensed { title, film, viewer, .. } = licensed(&server).await;
    let base = base_of(&server, &viewer, title).await;
    let playlist = server.get(&format!("{base}/{film}/{TRACK}.m3u8")).await;
    assert!(!playlist.text().contains("DISCONTINUITY"), "this is CN");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_card_a_film_is_not_shown_where_one_is_asked_for() {
    let server = Server::start().await;
    let Licensed { title, viewer, .. } = licensed(&server).await;
    let mut changed = server.app.db.title(title).await.unwrap().unwrap();
    changed.name = [("en".to_owned(), "A Test, renamed".to_owned())].into();
    changed.version += 1;
    server.app.db.update_title(&changed, server.now()).await.unwrap();
    server.app.follower.announce().await;
    assert_eq!(outcome(&server.open(&viewer.token, title).await), "201", "its card until there is a new one");

    changed.details.licence.as_mut().unwrap().number = "（总局）网影审字（2022）第002号".into();
    changed.version += 1;
    server.app.db.update_title(&changed, server.now()).await.unwrap();
    server.app.follower.announce().await;
    let refused = server.open(&viewer.token, title).await;
    assert_eq!((refused.status, outcome(&refused).as_str()), (StatusCode::SERVICE_UNAVAILABLE, "CARD_NOT_READY"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_withheld_for_as_long_as_the_card_runs_and_the_card_starts_no_clock() {
    for scheme in [ProtectionScheme::Aes128, ProtectionScheme::Cbcs] {
        let server = Server::start().await;
        let Licensed { title, film, card, viewer, grant } = licensed(&server).await;
        if scheme == ProtectionScheme::Cbcs {
            server.seal_with_cbcs(title).await;
        }
        let first_play = async || server.app.db.grant(grant).await.unwrap().unwrap().first_play_at;
        let base = base_of(&server, &viewer, title).await;
        let opened_at = server.now();
        let token = base.strip_prefix("/play/").unwrap();
        let key = format!("{base}/{film}/{TRACK}/key");
        let playlist = server.get(&format!("{base}/{film}/{TRACK}.m3u8")).await;
        for piece in [format!("{card}/{TRACK}/0.m4s"), format!("{film}/{TRACK}/0.m4s")] {
            assert_eq!(server.get(&format!("{base}/{piece}")).await.status, StatusCode::OK, "media is not withheld");
        }
        // Each instant with what is said then: the seconds that are left, rounded up.
        for (offset_ms, retry_after) in [(0, "5"), (1, "5"), (1_000, "4"), (1_001, "4"), (CARD_MS - 1, "1")] {
            server.sim.advance_to(marquee::base::clock::UtcMs(opened_at.0 + offset_ms));
            let mut answers = vec![server.get(&key).await];
            if scheme == ProtectionScheme::Cbcs {
                answers.push(ask(&server, token, &[&key_id(playlist.text())]).await);
            }
            for answer in answers {
                assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{offset_ms}");
                assert_eq!((answer.code().as_str(), answer.header("retry-after")), ("CARD_RUNNING", retry_after));
            }
        }
        assert_eq!(first_play().await, None, "neither the card nor a key that was withheld starts the clock");
        server.advance_to(opened_at, CARD_MS);
        let answer = match scheme {
            ProtectionScheme::Aes128 => server.get(&key).await,
            ProtectionScheme::Cbcs => ask(&server, token, &[&key_id(playlist.text())]).await,
        };
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(first_play().await, Some(server.now()));
        server.stop().await;
    }
}
