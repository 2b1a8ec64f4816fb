//! What anybody may watch of a film: its beginning, under keys that open nothing else.

use std::time::Duration;

use marquee::base::id::{AssetId, TitleId};
use marquee::base::protection::ProtectionScheme;
use marquee::media::protect::{ContentKey, Iv, Protection, decrypt_segment};
use marquee::origin::path::Target;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::film;
use crate::licenses;
use crate::server::{Answer, Server};

const TRACK: &str = "v360";

/// A title on sale whose first six seconds anybody may see: of segments of four seconds two, as the sixth second is in
/// the second.
struct Stage {
    server: Server,
    title: TitleId,
    asset: AssetId,
    offer: marquee::base::id::OfferId,
}

/// A session, by the secret in its URLs.
struct Playing {
    token: String,
    body: Value,
}

impl Stage {
    async fn open() -> Stage {
        let server = Server::start().await;
        let (title, offer) = server.pvod().await;
        let asset = server.app.db.title(title).await.unwrap().unwrap().parts[0];
        let stage = Stage { server, title, asset, offer };
        assert_eq!(stage.edit(json!({"preview_seconds": 6})).await["preview_seconds"], 6);
        stage
    }

    async fn edit(&self, body: Value) -> Value {
        let request = self.server.request(Method::PATCH, &format!("/api/v1/operator/titles/{}", self.title));
        let edited = self.server.send(request.bearer_auth(&self.server.operator).json(&body)).await;
        assert_eq!(edited.status, StatusCode::OK, "{}", edited.text());
        edited.json()
    }

    async fn ask(&self, wish: Value) -> Answer {
        self.server.send(self.server.request(Method::POST, "/api/v1/playback-sessions").json(&wish)).await
    }

    async fn preview(&self) -> Playing {
        let answer = self.ask(json!({"title_id": self.title, "preview": true})).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        Playing::of(answer.json())
    }

    async fn get(&self, playing: &Playing, target: Target<'_>) -> Answer {
        self.server.get(&format!("/play/{}{}", playing.token, path(&target))).await
    }

    async fn status(&self, playing: &Playing, target: Target<'_>) -> u16 {
        self.get(playing, target).await.status.as_u16()
    }

    fn segment(&self, n: u32) -> Target<'static> {
        Target::Segment { asset: self.asset, track: TRACK, n }
    }

    fn key(&self) -> Target<'static> {
        Target::Key { asset: self.asset, track: TRACK }
    }

    /// The key that a session is given, with the IV that its playlist names.
    async fn protection(&self, playing: &Playing) -> Protection {
        let playlist = self.get(playing, Target::Playlist { asset: self.asset, track: TRACK }).await;
        let iv = playlist.text().split("IV=0x").nth(1).unwrap().to_owned();
        let iv: Vec<u8> = (0..16).map(|n| u8::from_str_radix(&iv[2 * n..2 * n + 2], 16).unwrap()).collect();
        let key = self.get(playing, self.key()).await;
        Protection {
            key: ContentKey::from_bytes(key.body.as_slice().try_into().unwrap()),
            iv: Iv::from_bytes(iv.as_slice().try_into().unwrap()),
        }
    }
}

impl Playing {
    fn of(body: Value) -> Playing {
        let url = body["playback_url"].as_str().unwrap();
        Playing { token: url.split('/').nth(2).unwrap().to_owned(), body }
    }
}

fn path(target: &Target<'_>) -> String {
    match target {
        Target::Multivariant => "/main.m3u8".to_owned(),
        Target::Playlist { asset, track } => format!("/{asset}/{track}.m3u8"),
        Target::IFramePlaylist { asset, track } => format!("/{asset}/{track}/iframes.m3u8"),
        Target::IFrame { asset, track, n } => format!("/{asset}/{track}/i{n}.m4s"),
        Target::Segment { asset, track, n } => format!("/{asset}/{track}/{n}.m4s"),
        Target::Text { asset, track, n } => format!("/{asset}/{track}/{n}.vtt"),
        Target::Key { asset, track } => format!("/{asset}/{track}/key"),
        Target::Storyboard { asset } => format!("/{asset}/storyboard.vtt"),
        Target::Sheet { asset, n } => format!("/{asset}/storyboard/{n}.jpg"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn anybody_sees_the_beginning_and_nothing_else() {
    let stage = Stage::open().await;
    let page = stage.server.get(&format!("/api/v1/titles/{}", stage.title)).await.json();
    assert_eq!(
        (&page["preview"], &page["decision"]["code"]),
        (&json!({"runtime_ms": 6000}), &json!("PAYMENT_REQUIRED"))
    );
    let playing = stage.preview().await;
    assert_eq!((&playing.body["via"], &playing.body["starts_clock"]), (&json!("preview"), &json!(false)));
    assert_eq!(playing.body["clips"], json!([{"kind": "film", "start_ms": 0, "duration_ms": 8000}]));
    assert_eq!(
        (&playing.body["storyboard_url"], &playing.body["ends_at"]),
        (&json!(null), &page["windows"][0]["end_at"])
    );

    let playlist = stage.get(&playing, Target::Playlist { asset: stage.asset, track: TRACK }).await;
    assert_eq!(playlist.text().matches("#EXTINF").count(), 2, "{}", playlist.text());
    assert!(playlist.text().ends_with("#EXT-X-ENDLIST\n"));
    let (asset, first_beyond) = (stage.asset, 2);
    let of = |n| {
        [
            Target::Segment { asset, track: TRACK, n },
            Target::IFrame { asset, track: TRACK, n },
            Target::Text { asset, track: "t-en", n },
        ]
    };
    let packaged = film::packaged().await;
    let segments = packaged.index.track(TRACK).unwrap().segments.len() as u32;
    assert!(segments > first_beyond + 1);
    for n in 0..segments {
        for target in of(n) {
            let expected = if n < first_beyond { 200 } else { 404 };
            assert_eq!(stage.status(&playing, target).await, expected, "{target:?}");
        }
    }
    for target in [Target::Storyboard { asset }, Target::Sheet { asset, n: 0 }] {
        assert_eq!(stage.status(&playing, target).await, 404, "{target:?}");
    }
    let audio = packaged.index.audio().next().unwrap().0;
    for (n, expected) in [(0, 200), (1, 200), (2, 404)] {
        let target = Target::Segment { asset, track: &audio.id, n };
        assert_eq!(stage.status(&playing, target).await, expected);
    }
    stage.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_a_preview_opens_no_segment_of_the_film() {
    let stage = Stage::open().await;
    let (preview, again) = (stage.preview().await, stage.preview().await);
    let viewer = stage.server.viewer("payer").await;
    stage.server.buy(&viewer, stage.offer).await;
    let paid = Playing::of(stage.server.open(&viewer.token, stage.title).await.json());
    let (of_preview, of_film) = (stage.protection(&preview).await, stage.protection(&paid).await);
    assert_ne!(of_preview.key, of_film.key);
    let packaged = film::packaged().await;
    let file = std::fs::read(packaged.dir.join(format!("{TRACK}.mp4"))).unwrap();
    for (n, segment) in packaged.index.track(TRACK).unwrap().segments.iter().enumerate() {
        let stored = &file[segment.offset as usize..(segment.offset + segment.bytes) as usize];
        let sealed = stage.get(&paid, stage.segment(n as u32)).await.body;
        assert_eq!(decrypt_segment(&sealed, &of_film).unwrap(), stored);
        assert!(decrypt_segment(&sealed, &of_preview).ok().is_none_or(|opened| opened != stored), "segment {n}");
        if n < 2 {
            let sealed = stage.get(&preview, stage.segment(n as u32)).await.body;
            assert_eq!(decrypt_segment(&sealed, &of_preview).unwrap(), stored);
            assert_eq!(stage.get(&again, stage.segment(n as u32)).await.body, sealed, "the same bytes for everybody");
        }
    }

    // Whoever has rented and whose time is over gets no key at all, of either kind, with what they had.
    stage.server.sim.advance(Duration::from_secs(48 * 3600));
    for target in [stage.key(), stage.segment(0), Target::Multivariant] {
        let answer = stage.get(&paid, target).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "a token lasts a day");
    }
    let viewer = stage.server.signed_in_again(&viewer).await;
    let denied = stage.server.open(&viewer.token, stage.title).await;
    assert_eq!((denied.status, denied.code()), (StatusCode::FORBIDDEN, "RENTAL_EXPIRED".to_owned()));
    stage.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renter_whose_time_is_over_gets_no_key() {
    let stage = Stage::open().await;
    let viewer = stage.server.viewer("renter").await;
    stage.server.buy(&viewer, stage.offer).await;
    stage.server.sim.advance(Duration::from_secs(47 * 3600));
    let viewer = stage.server.signed_in_again(&viewer).await;
    let playing = Playing::of(stage.server.open(&viewer.token, stage.title).await.json());
    stage.server.sim.advance(Duration::from_millis(3_599_000));
    assert_eq!(stage.status(&playing, stage.key()).await, 200);
    stage.server.sim.advance(Duration::from_secs(1));
    for target in [stage.key(), stage.segment(0), Target::Multivariant] {
        let answer = stage.get(&playing, target).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::FORBIDDEN, "RENTAL_EXPIRED".to_owned()), "{target:?}");
    }
    stage.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_sealed_with_cbcs_has_licences_of_its_own() {
    let stage = Stage::open().await;
    stage.server.seal_with_cbcs(stage.title).await;
    let preview = stage.preview().await;
    assert_eq!(preview.body["licenses"][0]["system"], json!("clearkey"));
    let viewer = stage.server.viewer("payer").await;
    stage.server.buy(&viewer, stage.offer).await;
    let paid = Playing::of(stage.server.open(&viewer.token, stage.title).await.json());
    let mut ids = Vec::new();
    for playing in [&preview, &paid] {
        let playlist = stage.get(playing, Target::Playlist { asset: stage.asset, track: TRACK }).await;
        ids.push(licenses::key_id(playlist.text()));
    }
    assert_ne!(ids[0], ids[1]);
    let ask = async |playing: &Playing, id: &str| {
        let path = format!("/play/{}/license/clearkey", playing.token);
        licenses::ask_from(&stage.server, "CN", &path, &[id]).await.status.as_u16()
    };
    assert_eq!([ask(&preview, &ids[0]).await, ask(&preview, &ids[1]).await], [200, 404]);
    assert_eq!([ask(&paid, &ids[0]).await, ask(&paid, &ids[1]).await], [404, 200]);
    assert_eq!(
        stage.server.app.db.title(stage.title).await.unwrap().unwrap().details.protection,
        ProtectionScheme::Cbcs
    );
    stage.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_previewed_is_refused_with_a_reason() {
    let stage = Stage::open().await;
    let title = stage.title;
    for (wish, status, code) in [
        (json!({"title_id": title, "preview": true, "trailer": true}), 422, "FIELD_INVALID"),
        (json!({"title_id": title, "preview": true, "part": 1}), 422, "FIELD_INVALID"),
        (json!({"title_id": TitleId::new(stage.server.now()), "preview": true}), 404, "TITLE_NOT_FOUND"),
    ] {
        let answer = stage.ask(wish).await;
        assert_eq!((answer.status.as_u16(), &*answer.code()), (status, code));
    }
    let url = format!("{}/api/v1/playback-sessions", stage.server.base);
    let abroad =
        stage.server.client.post(url).header("x-country", "US").json(&json!({"title_id": title, "preview": true}));
    assert_eq!(stage.server.send(abroad).await.code(), "GEO_NOT_LICENSED");
    for seconds in [0, 1801] {
        let request = stage.server.request(Method::PATCH, &format!("/api/v1/operator/titles/{title}"));
        let body = json!({"preview_seconds": seconds});
        let answer = stage.server.send(request.bearer_auth(&stage.server.operator).json(&body)).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::UNPROCESSABLE_ENTITY, "TITLE_INVALID".to_owned()));
        assert_eq!(answer.json()["param"], "preview_seconds");
    }
    stage.edit(json!({"preview_seconds": null})).await;
    let answer = stage.ask(json!({"title_id": title, "preview": true})).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::NOT_FOUND, "PREVIEW_NOT_FOUND".to_owned()));
    let page = stage.server.get(&format!("/api/v1/titles/{title}")).await.json();
    assert_eq!(page["preview"], json!(null));
    stage.server.stop().await;
}
