//! A film that is played while it is packaged, over HTTP and step by step: what the packager would tell is told here.

use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use marquee::base::id::{AssetId, OfferId, TitleId};
use marquee::media::growth::Growth;
use marquee::media::rendition::AssetIndex;
use marquee::packager::publish::publish;
use marquee::playback::growing::TrackBytes;
use reqwest::StatusCode;

use crate::film;
use crate::server::Server;

const PATIENCE: Duration = Duration::from_secs(5);
const HEARTBEAT: Duration = Duration::from_secs(30);

/// The smaller rung of the test: the same picture under another name.
const RUNG: &str = "v180";

/// The test film as the packager would tell it: the picture and the sound up to so many segments.
async fn growth(segments: usize, whole: &[&str], has_rung: bool) -> Growth {
    let mut index = film::packaged().await.index.clone();
    index.storyboard = None;
    index.chapters.clear();
    index.tracks.retain(|track| !track.is_text());
    for track in &mut index.tracks {
        track.segments.truncate(segments);
        track.segments.iter_mut().for_each(|segment| segment.sync_bytes = 0);
    }
    if has_rung {
        let mut rung = index.tracks[0].clone();
        rung.id = RUNG.into();
        index.tracks.insert(1, rung);
    }
    let whole = whole.iter().map(|&id| id.to_owned()).collect();
    Growth { index: AssetIndex::new(index.tracks), whole, target_s: 5, film_ms: 24_000, planned: Vec::new() }
}

async fn bytes() -> TrackBytes {
    let dir = film::packaged().await.dir.clone();
    Arc::new(move |track, range| {
        let file = std::fs::File::open(dir.join(format!("{}.mp4", track.replace(RUNG, "v360")))).unwrap();
        let mut bytes = vec![0; (range.end - range.start) as usize];
        file.read_exact_at(&mut bytes, range.start).unwrap();
        Box::pin(async move { Ok(Bytes::from(bytes)) })
    })
}

struct Stage {
    server: Server,
    asset: AssetId,
}

impl Stage {
    async fn set() -> Stage {
        // Nothing is kept in memory: every answer is read from where it lies now.
        let server = Server::start_with(|config| config.cache.segments_mib = 0).await;
        let asset = AssetId::new(server.now());
        Stage { server, asset }
    }

    async fn grow(&self, segments: usize, whole: &[&str], has_rung: bool) {
        let growth = growth(segments, whole, has_rung).await;
        self.server.app.library.growing().grow(self.asset, growth, bytes().await);
    }

    /// All of it is in the store.
    async fn complete(&self) {
        let packaged = film::packaged().await;
        publish(&self.server.app.blobs, self.asset, &packaged.dir, &packaged.index).await.unwrap();
        self.server.app.library.growing().complete(self.asset, self.server.now());
    }

    /// A title of the film, sealed so.
    async fn sell(&self, scheme: &str) -> (TitleId, OfferId) {
        let (title, offer) = self.server.pvod_of(self.asset).await;
        if scheme == "cbcs" {
            self.server.seal_with_cbcs(title).await;
        }
        (title, offer)
    }

    /// A session of somebody who has bought it.
    async fn play(&self, name: &str, (title, offer): (TitleId, OfferId)) -> String {
        let viewer = self.server.viewer(name).await;
        self.server.buy(&viewer, offer).await;
        self.server.play(&viewer, title).await
    }

    /// What stands below a session's playlist.
    async fn get(&self, main: &str, path: &str) -> Result<Vec<u8>, (StatusCode, String)> {
        let url = format!("{}/{}/{path}", main.strip_suffix("/main.m3u8").unwrap(), self.asset);
        let answer = self.server.get(&url).await;
        if answer.status.is_success() { Ok(answer.body) } else { Err((answer.status, answer.code())) }
    }

    async fn text(&self, main: &str, path: &str) -> String {
        String::from_utf8(self.get(main, path).await.unwrap()).unwrap()
    }

    async fn choices(&self, main: &str) -> Vec<String> {
        let text = String::from_utf8(self.server.get(main).await.body).unwrap();
        let uris = text.lines().filter(|line| !line.starts_with('#'));
        uris.map(|uri| uri.split('/').next_back().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn a_sealed_film_is_played_while_it_grows_and_its_bytes_are_those_of_the_complete_one() {
    for scheme in ["aes128", "cbcs"] {
        let stage = Stage::set().await;
        let missing = (StatusCode::NOT_FOUND, "MEDIA_NOT_FOUND".to_owned());
        stage.grow(3, &[], false).await;
        let sold = stage.sell(scheme).await;
        let main = stage.play("early", sold).await;
        assert_eq!(stage.choices(&main).await, ["v360.m3u8"]);

        // Three segments and no end.
        let first = stage.text(&main, "v360.m3u8").await;
        assert!(first.contains("#EXT-X-PLAYLIST-TYPE:EVENT\n") && first.contains("#EXT-X-START:TIME-OFFSET=0\n"));
        assert!(first.contains("#EXT-X-TARGETDURATION:5\n") && first.ends_with("v360/2.m4s\n"), "{first}");
        let early = [
            stage.get(&main, "v360/init.mp4").await.unwrap(),
            stage.get(&main, "v360/2.m4s").await.unwrap(),
            stage.get(&main, "a-und-2/0.m4s").await.unwrap(),
            stage.get(&main, "v360/key").await.unwrap(),
        ];
        assert_eq!(stage.get(&main, "v360/3.m4s").await, Err(missing.clone()));
        assert_eq!(stage.get(&main, "v360/iframes.m3u8").await, Err(missing.clone()), "trick play comes at the end");
        assert_eq!(stage.get(&main, "storyboard.vtt").await, Err(missing.clone()));

        // One more; what was there stays as it was.
        stage.grow(4, &[], false).await;
        let second = stage.text(&main, "v360.m3u8").await;
        assert_eq!(second.strip_prefix(&first).map(|more| more.ends_with("\nv360/3.m4s\n")), Some(true), "{second}");
        assert!(stage.get(&main, "v360/3.m4s").await.is_ok());
        // A worker that begins again has less at first; nobody notices.
        stage.grow(2, &[], false).await;
        assert_eq!(stage.text(&main, "v360.m3u8").await, second);

        // A rung joins: for who comes then, and for who is there.
        stage.server.sim.advance(Duration::from_secs(1));
        stage.grow(6, &["v360", "a-und-2", RUNG], true).await;
        let late = stage.play("late", sold).await;
        assert_eq!(stage.choices(&late).await, ["v360.m3u8", "v180.m3u8"]);
        assert_eq!(stage.choices(&main).await, ["v360.m3u8", "v180.m3u8"]);
        assert!(stage.text(&main, "v180.m3u8").await.ends_with("v180/5.m4s\n#EXT-X-ENDLIST\n"));
        assert!(stage.text(&main, "a-und-2.m3u8").await.ends_with("a-und-2/5.m4s\n#EXT-X-ENDLIST\n"));
        let last = stage.text(&main, "v360.m3u8").await;
        assert!(last.starts_with(&second) && last.ends_with("v360/5.m4s\n#EXT-X-ENDLIST\n"), "{last}");

        // Complete: the same bytes, from the store.
        stage.server.sim.advance(Duration::from_secs(1));
        stage.complete().await;
        assert_eq!(stage.text(&main, "v360.m3u8").await, last, "a playlist never changes its kind");
        assert!(stage.text(&main, "t-en.m3u8").await.contains("#EXT-X-PLAYLIST-TYPE:VOD\n"), "words join then");
        let whole = stage.play("last", sold).await;
        assert_eq!(stage.server.get(&main).await.text(), stage.server.get(&whole).await.text());
        let form = stage.text(&whole, "v360.m3u8").await;
        assert!(form.contains("#EXT-X-PLAYLIST-TYPE:VOD\n") && !form.contains("EXT-X-START"), "{form}");
        assert!(stage.get(&whole, "v360/iframes.m3u8").await.is_ok() && stage.get(&whole, "t-en.m3u8").await.is_ok());
        let present = [
            stage.get(&main, "v360/init.mp4").await.unwrap(),
            stage.get(&main, "v360/2.m4s").await.unwrap(),
            stage.get(&main, "a-und-2/0.m4s").await.unwrap(),
            stage.get(&main, "v360/key").await.unwrap(),
        ];
        assert!(early == present, "{scheme}: what was played early is not what was published");
        // The rung of this test is in no store.
        assert!(stage.get(&late, "v180/0.m4s").await.is_err());
    }
}

#[tokio::test]
async fn an_interrupted_film_is_refused_in_clear_words_and_goes_on_where_it_was() {
    let stage = Stage::set().await;
    stage.grow(3, &[], false).await;
    let main = stage.play("somebody", stage.sell("aes128").await).await;
    let (playlist, segment) = (stage.text(&main, "v360.m3u8").await, stage.get(&main, "v360/1.m4s").await);
    stage.server.app.library.growing().interrupt(stage.asset);
    let interrupted = Err((StatusCode::SERVICE_UNAVAILABLE, "FILM_INTERRUPTED".to_owned()));
    for path in ["v360.m3u8", "v360/1.m4s", "v360/key"] {
        assert_eq!(stage.get(&main, path).await, interrupted, "{path}");
    }
    let answer = stage.server.get(&main).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::SERVICE_UNAVAILABLE, "FILM_INTERRUPTED".to_owned()));
    assert!(!answer.header("retry-after").is_empty() && answer.text().contains("Try again"), "{}", answer.text());
    // The next attempt writes the same bytes: the session never knows.
    stage.grow(3, &[], false).await;
    assert_eq!((stage.text(&main, "v360.m3u8").await, stage.get(&main, "v360/1.m4s").await), (playlist, segment));
    assert_eq!(stage.choices(&main).await, ["v360.m3u8"]);
}

#[tokio::test]
async fn whoever_watches_is_told_when_there_is_more_to_choose_from() {
    let stage = Stage::set().await;
    stage.grow(3, &[], false).await;
    let (title, offer) = stage.sell("aes128").await;
    let viewer = stage.server.viewer("somebody").await;
    stage.server.buy(&viewer, offer).await;
    let session = stage.server.open(&viewer.token, title).await.json();
    let url = format!("{}{}", stage.server.base, session["events_url"].as_str().unwrap());
    let mut events =
        reqwest::Client::new().get(url).bearer_auth(&viewer.token).header("x-country", "CN").send().await.unwrap();
    let mut next = async || {
        let event = tokio::time::timeout(PATIENCE, events.chunk()).await.expect("an event was due").unwrap().unwrap();
        String::from_utf8(event.to_vec()).unwrap().lines().next().unwrap().to_owned()
    };
    assert_eq!(next().await, "event: heartbeat");
    // More of the same is in the playlists.
    stage.grow(6, &["v360", "a-und-2"], false).await;
    stage.server.sim.advance(HEARTBEAT);
    assert_eq!(next().await, "event: heartbeat");
    stage.grow(6, &["v360", "a-und-2", RUNG], true).await;
    assert_eq!(next().await, "event: more", "at once");
    stage.complete().await;
    assert_eq!(next().await, "event: more");
    stage.server.sim.advance(HEARTBEAT);
    assert_eq!(next().await, "event: heartbeat");
}
