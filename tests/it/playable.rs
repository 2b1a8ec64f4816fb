//! Playable at once: a film that needs no encoding for its top rung is played while the rest of the ladder is still being
//! made, by the real program and through HTTP. The worker is held with SIGSTOP where a test wants to look around.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::process::{ServerProcess, marquee, run, signal, sound_report};
use crate::publish_kills::worker_of;
use crate::recovery::{Desk, names, orphaned_workers, until};

const LOOK_EVERY: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(60);

/// A film of 30 s in 1280×720, in GOPs of 2 s with a stereo tone: its top rung and its sound are copied, two rungs are encoded.
fn film(folder: &Path) -> PathBuf {
    let film = folder.join("film.mp4");
    let (picture, tone) = ("testsrc2=size=1280x720:rate=24:duration=30", "sine=sample_rate=48000:duration=30");
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-y", "-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", tone]);
    ffmpeg.args(["-c:v", "libx264", "-preset", "ultrafast", "-g", "48", "-keyint_min", "48", "-sc_threshold", "0"]);
    ffmpeg.args(["-pix_fmt", "yuv420p", "-c:a", "aac", "-ac", "2"]).arg(&film);
    assert!(ffmpeg.status().unwrap().success());
    film
}

/// Whoever watches.
struct Watch {
    client: reqwest::Client,
    /// Up to and with the token.
    root: String,
    asset: String,
}

type Got = Result<Vec<u8>, (StatusCode, String)>;

impl Watch {
    async fn url(&self, url: String) -> Got {
        let answer = self.client.get(url).send().await.unwrap();
        let status = answer.status();
        let body = answer.bytes().await.unwrap().to_vec();
        if status.is_success() {
            return Ok(body);
        }
        let problem: Value = serde_json::from_slice(&body).unwrap();
        Err((status, problem["code"].as_str().unwrap().to_owned()))
    }

    async fn get(&self, path: &str) -> Got {
        self.url(format!("{}/{}/{path}", self.root, self.asset)).await
    }

    async fn text(&self, path: &str) -> String {
        String::from_utf8(self.get(path).await.unwrap()).unwrap()
    }

    async fn rungs(&self) -> Vec<String> {
        let main = String::from_utf8(self.url(format!("{}/main.m3u8", self.root)).await.unwrap()).unwrap();
        let uris = main.lines().filter(|line| !line.starts_with('#'));
        uris.map(|uri| uri.split('/').next_back().unwrap().to_owned()).collect()
    }

    /// The same session at another server.
    fn at(&self, before: &str, server: &ServerProcess) -> Watch {
        let root = self.root.replacen(before, &server.base, 1);
        Watch { client: self.client.clone(), root, asset: self.asset.clone() }
    }
}

/// The job once something of its film can be played.
async fn playable(desk: &Desk, server: &ServerProcess, job: &str) -> Value {
    let start = Instant::now();
    loop {
        let shown = desk.get(server, &format!("jobs/{job}")).await;
        if !shown["playable"].is_null() {
            return shown;
        }
        assert_eq!((shown["status"] != "failed", start.elapsed() < PATIENCE), (true, true), "{shown}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Puts an asset on show, free for everybody; the title.
async fn show(desk: &Desk, server: &ServerProcess, asset: &Value) -> Value {
    let title = json!({"name": {"en": "At once"}, "assets": [asset], "status": "live", "country": "NL"});
    let title = desk.post(server, "titles", &title).await;
    let free = json!({"license_type": "avod", "territories": {"include": ["CN"]}, "start_at": "2026-01-01T00:00:00Z", "zone": "UTC"});
    let avail = desk.post(server, &format!("titles/{}/avails", title["id"].as_str().unwrap()), &free).await;
    assert!(avail["id"].is_string(), "{avail}");
    title["id"].clone()
}

async fn play(server: &ServerProcess, title: &Value, asset: &Value) -> Watch {
    let client = reqwest::Client::new();
    let request = client.post(format!("{}/api/v1/playback-sessions", server.base)).json(&json!({"title_id": title}));
    let opened: Value = request.send().await.unwrap().json().await.unwrap();
    let url = opened["playback_url"].as_str().unwrap_or_else(|| panic!("{opened}"));
    let root = format!("{}{}", server.base, url.strip_suffix("/main.m3u8").unwrap());
    Watch { client, root, asset: asset.as_str().unwrap().to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_is_played_while_its_ladder_is_made_and_goes_on_when_the_server_was_killed_meanwhile() {
    marquee::http::tls::install_provider();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let desk = Desk::open(folder.path().join("data")).await;
    let film = film(folder.path());

    let server = ServerProcess::start(&desk.data);
    let job = desk.upload_file(&server, &film).await;
    let early = playable(&desk, &server, &job).await;
    let worker = worker_of(server.id()).expect("the ladder is not made yet");
    signal(worker, "-STOP");
    println!("playable: {}", early["playable"]);
    assert_eq!(
        (&early["playable"]["film_ms"], &early["playable"]["tracks"], &early["playable"]["planned"]),
        (&json!(30_000), &json!(["v720", "a-und-2"]), &json!(["v720", "v480", "v360", "a-und-2"]))
    );
    let asset = early["asset_id"].clone();
    let shown = desk.get(&server, &format!("assets/{}", asset.as_str().unwrap())).await;
    assert_eq!((&shown["status"], &shown["duration_ms"]), (&json!("partial"), &json!(30_000)), "{shown}");
    let refused = desk.get(&server, &format!("assets/{}/conformance", asset.as_str().unwrap())).await;
    assert_eq!(refused["code"], "ASSET_PARTIAL");
    assert_eq!(names(&desk.assets()), [] as [String; 0], "nothing is in the store before it is complete");
    let title = show(&desk, &server, &asset).await;
    let watch = play(&server, &title, &asset).await;
    assert_eq!(watch.rungs().await, ["v720.m3u8"]);
    assert!(watch.text("v720.m3u8").await.contains("#EXT-X-PLAYLIST-TYPE:EVENT\n"));
    let paths = ["v720/init.mp4", "v720/0.m4s", "v720/2.m4s", "a-und-2/init.mp4", "a-und-2/1.m4s"];
    let mut first = Vec::new();
    for path in paths {
        first.push(watch.get(path).await.unwrap());
    }

    // The server dies. The next one knows of the asset and says clearly that it is not there; then it is there again.
    let before = server.base.clone();
    let killed = server.id();
    server.kill();
    signal(worker, "-CONT");
    until("no worker without its server", || orphaned_workers(killed).is_empty());
    let check = run(marquee(&["check", "--json", "--data"]).arg(&desk.data));
    let report: Value = serde_json::from_str(&check.stdout).unwrap();
    assert_eq!(
        (check.exit, &report["assets"], &report["assets_being_made"]),
        (Some(0), &json!(0), &json!(1)),
        "{report}"
    );
    let server = ServerProcess::start(&desk.data);
    let shown = desk.get(&server, &format!("assets/{}", asset.as_str().unwrap())).await;
    assert_eq!(shown["status"], "partial", "{shown}");
    let watch = watch.at(&before, &server);
    assert_eq!(watch.get("v720/2.m4s").await, Err((StatusCode::SERVICE_UNAVAILABLE, "FILM_INTERRUPTED".to_owned())));
    desk.let_leases_run_out().await;
    let start = Instant::now();
    while let Err((status, code)) = watch.get("v720/2.m4s").await {
        assert_eq!((status, code.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "FILM_INTERRUPTED"));
        assert!(start.elapsed() < PATIENCE);
        tokio::time::sleep(LOOK_EVERY).await;
    }
    for (path, first) in paths.iter().zip(&first) {
        assert!(watch.get(path).await.as_ref() == Ok(first), "{path} is another one after the restart");
    }

    // Complete: the same asset, the same bytes; also who was there has all rungs now.
    let finished = desk.finished(&server, &job).await;
    assert_eq!(
        (&finished["status"], &finished["asset_id"], &finished["playable"]),
        (&json!("done"), &asset, &Value::Null)
    );
    let shown = desk.get(&server, &format!("assets/{}", asset.as_str().unwrap())).await;
    assert_eq!(shown["status"], "complete", "{shown}");
    let playlist = watch.text("v720.m3u8").await;
    assert!(playlist.contains(":EVENT\n") && playlist.ends_with("v720/7.m4s\n#EXT-X-ENDLIST\n"), "{playlist}");
    let late = play(&server, &title, &asset).await;
    let all = ["v720.m3u8", "v480.m3u8", "v360.m3u8"];
    assert_eq!(
        (watch.rungs().await, late.rungs().await),
        (all.map(str::to_owned).into(), all.map(str::to_owned).into())
    );
    assert!(watch.get("v360/7.m4s").await.is_ok());
    for (path, first) in paths.iter().zip(&first) {
        assert!(watch.get(path).await.as_ref() == Ok(first), "{path} is another one in the store");
    }
    server.terminate();
    server.ended();
    sound_report(&desk.data);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_whose_job_fails_while_it_is_played_is_gone_and_says_so() {
    marquee::http::tls::install_provider();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let desk = Desk::open(folder.path().join("data")).await;
    let film = film(folder.path());
    let server = ServerProcess::start(&desk.data);
    let job = desk.upload_file(&server, &film).await;
    let asset = playable(&desk, &server, &job).await["asset_id"].clone();
    let worker = worker_of(server.id()).expect("the ladder is not made yet");
    signal(worker, "-STOP");
    let title = show(&desk, &server, &asset).await;
    let watch = play(&server, &title, &asset).await;
    assert!(watch.get("v720/0.m4s").await.is_ok());
    signal(worker, "-KILL");

    // Another goes on with it, and nobody who watches notices.
    let next = || async {
        until("another worker", || worker_of(server.id()).is_some_and(|next| next != worker));
        worker_of(server.id()).unwrap()
    };
    let second = next().await;
    assert!(watch.get("v720/0.m4s").await.is_ok() && watch.get("v720.m3u8").await.is_ok());
    signal(second, "-KILL");
    until("a third worker", || worker_of(server.id()).is_some_and(|next| next != second));
    signal(worker_of(server.id()).unwrap(), "-KILL");
    assert_eq!(desk.finished(&server, &job).await["error"]["code"], "WORKER_KILLED");
    let interrupted = Err((StatusCode::SERVICE_UNAVAILABLE, "FILM_INTERRUPTED".to_owned()));
    assert_eq!(watch.get("v720.m3u8").await, interrupted);
    assert_eq!(desk.get(&server, &format!("assets/{}", asset.as_str().unwrap())).await["code"], "ASSET_NOT_FOUND");
    assert_eq!((names(&desk.assets()), names(&desk.work())), (vec![], vec![]));
    server.terminate();
    server.ended();
    sound_report(&desk.data);
}
