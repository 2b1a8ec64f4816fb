//! What a server that was killed in the middle of packaging leaves, and what the next one makes of it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use marquee::base::clock::Clock;
use marquee::base::id::{AssetId, UploadId};
use marquee::base::limits;
use reqwest::StatusCode;
use serde_json::Value;
use sqlx::Connection as _;

use crate::film;
use crate::process::{ServerProcess, sound_report};
use crate::server::Server;

const PATIENCE: Duration = Duration::from_secs(60);

/// An operator at a server that may be another one tomorrow.
pub struct Desk {
    pub data: PathBuf,
    token: String,
    client: reqwest::Client,
}

impl Desk {
    pub async fn open(data: PathBuf) -> Desk {
        Desk::open_after(data, async |_| {}).await
    }

    /// A desk at a server that has been prepared.
    pub async fn open_after(data: PathBuf, prepare: impl AsyncFnOnce(&Server)) -> Desk {
        let folder = data.clone();
        let server = Server::start_at(Clock::system().now(), |config| config.data = folder).await;
        let token = server.operator.clone();
        prepare(&server).await;
        server.stop().await;
        Desk { data, token, client: reqwest::Client::new() }
    }

    pub async fn get(&self, server: &ServerProcess, path: &str) -> Value {
        let url = format!("{}/api/v1/operator/{path}", server.base);
        self.client.get(url).bearer_auth(&self.token).send().await.unwrap().json().await.unwrap()
    }

    pub async fn post(&self, server: &ServerProcess, path: &str, body: &Value) -> Value {
        let url = format!("{}/api/v1/operator/{path}", server.base);
        let request = self.client.post(url).bearer_auth(&self.token).json(body);
        let key = format!("key-{}", AssetId::new(Clock::system().now()));
        request.header("idempotency-key", key).send().await.unwrap().json().await.unwrap()
    }

    pub async fn put(&self, server: &ServerProcess, path: &str, body: &Value) -> Value {
        let url = format!("{}/api/v1/operator/{path}", server.base);
        self.client.put(url).bearer_auth(&self.token).json(body).send().await.unwrap().json().await.unwrap()
    }

    /// Uploads the test film; the job's id.
    pub async fn upload(&self, server: &ServerProcess) -> String {
        self.upload_file(server, &film::file()).await
    }

    pub async fn upload_file(&self, server: &ServerProcess, film: &Path) -> String {
        self.upload_as(server, film, &[]).await.1.unwrap()
    }

    /// The upload, and the job that it has become.
    pub async fn upload_as(
        &self,
        server: &ServerProcess,
        file: &Path,
        metadata: &[(&str, &str)],
    ) -> (String, Option<String>) {
        let film = std::fs::read(file).unwrap();
        let metadata = metadata.iter().map(|(key, value)| format!("{key} {}", BASE64_STANDARD.encode(value)));
        let post = self.client.post(format!("{}/api/v1/operator/uploads", server.base)).bearer_auth(&self.token);
        let post = post.header("tus-resumable", "1.0.0").header("upload-length", film.len());
        let post = post.header("upload-metadata", metadata.collect::<Vec<_>>().join(","));
        let created = post.send().await.unwrap();
        assert_eq!(created.status(), StatusCode::CREATED);
        let location = created.headers()["location"].to_str().unwrap();
        let (url, id) = (format!("{}{location}", server.base), location.rsplit('/').next().unwrap().to_owned());
        let patch = self.client.patch(url).bearer_auth(&self.token).header("tus-resumable", "1.0.0");
        let patch = patch.header("upload-offset", 0).header("content-type", "application/offset+octet-stream");
        let whole = patch.body(film).send().await.unwrap();
        assert_eq!(whole.status(), StatusCode::NO_CONTENT);
        let job = whole.headers().get("marquee-job").map(|job| job.to_str().unwrap().to_owned());
        (id, job)
    }

    /// A lease lasts 60 s. As if they had passed.
    pub async fn let_leases_run_out(&self) {
        let file = format!("sqlite:{}", self.data.join("db/marquee.sqlite").display());
        let mut connection = sqlx::SqliteConnection::connect(&file).await.unwrap();
        sqlx::raw_sql("UPDATE job SET lease_until = 0 WHERE status = 'running'")
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
    }

    pub async fn finished(&self, server: &ServerProcess, job: &str) -> Value {
        let start = Instant::now();
        loop {
            let shown = self.get(server, &format!("jobs/{job}")).await;
            match shown["status"].as_str() {
                Some("queued" | "running") => assert!(start.elapsed() < PATIENCE + limits::JOB_LEASE_TTL, "{shown}"),
                _ => return shown,
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub fn work(&self) -> PathBuf {
        self.data.join("work")
    }

    pub fn assets(&self) -> PathBuf {
        self.data.join("objects/assets")
    }
}

pub fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Looks, without a pause, until it sees it.
pub fn until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "{what} was not seen");
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Processes of our program that work on films and whose server is gone. They were handed to another parent.
pub fn orphaned_workers(server: u32) -> Vec<String> {
    let is_orphan = |process: &&String| {
        let of = |what: &str| std::fs::read_to_string(format!("/proc/{process}/{what}")).unwrap_or_default();
        let parent = of("status").lines().find_map(|line| line.strip_prefix("PPid:\t")?.parse::<u32>().ok());
        let is_worker = of("cmdline").ends_with("marquee-worker\0") && parent != Some(server);
        let binary = std::fs::read_link(format!("/proc/{process}/exe")).unwrap_or_default();
        // Other tests package at the same time, from this process.
        is_worker && binary == Path::new(env!("CARGO_BIN_EXE_marquee-worker")) && parent != Some(std::process::id())
    };
    names(Path::new("/proc")).iter().filter(is_orphan).cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_whose_server_is_killed_while_packaging_is_published_once_by_the_next_one() {
    marquee::http::tls::install_provider();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let desk = Desk::open(folder.path().join("data")).await;
    // Made before the first kill: the film takes longer than anything else here.
    film::file();

    // Killed while the worker works.
    let server = ServerProcess::start(&desk.data);
    let job = desk.upload(&server).await;
    until("a work folder", || !names(&desk.work()).is_empty());
    let killed = server.id();
    server.kill();
    until("no worker without its server", || orphaned_workers(killed).is_empty());
    assert_eq!(names(&desk.data.join("uploads")).len(), 1, "the film is still there");

    // Killed while the tracks are on their way into the store.
    desk.let_leases_run_out().await;
    let server = ServerProcess::start(&desk.data);
    until("an asset on its way", || !names(&desk.assets()).is_empty());
    server.kill();
    let unfinished = names(&desk.assets());

    // What else a process may leave that dies between a file and its row; and what is none of ours.
    let orphan = UploadId::new(Clock::system().now()).to_string();
    std::fs::write(desk.data.join("uploads").join(&orphan), b"orphan").unwrap();
    std::fs::write(desk.data.join("uploads/notes.txt"), b"an operator's").unwrap();
    // A process that dies between the last object and the asset's row leaves an asset that nobody knows of.
    let stored = desk.assets().join(AssetId::of_job(job.parse().unwrap()).to_string());
    std::fs::create_dir_all(&stored).unwrap();
    std::fs::write(stored.join("index.json"), b"{}").unwrap();
    std::fs::write(stored.join("v999.mp4"), b"of an earlier attempt").unwrap();
    let empty = AssetId::new(Clock::system().now()).to_string();
    std::fs::create_dir(desk.assets().join(&empty)).unwrap();
    std::fs::create_dir_all(desk.work().join(".ast.partial-1-x")).unwrap();

    desk.let_leases_run_out().await;
    let server = ServerProcess::start(&desk.data);
    assert!(!names(&desk.assets()).contains(&empty));
    assert!(!desk.data.join("uploads").join(&orphan).exists());
    assert!(!names(&desk.work()).contains(&".ast.partial-1-x".to_owned()));
    let finished = desk.finished(&server, &job).await;
    assert_eq!(finished["status"], "done", "{finished}");
    let assets = desk.get(&server, "assets").await;
    assert_eq!(assets["data"].as_array().unwrap().len(), 1, "{assets}");
    assert_eq!(assets["data"][0]["id"], finished["asset_id"]);
    let jobs = desk.get(&server, "jobs").await;
    assert_eq!(jobs["data"].as_array().unwrap().len(), 1, "{jobs}");

    // Finished means finished: no later start takes it up again, and nothing lies about.
    server.terminate();
    let (status, talk) = server.ended();
    assert_eq!(status.code(), Some(0), "{talk}");
    desk.let_leases_run_out().await;
    let server = ServerProcess::start(&desk.data);
    assert_eq!(desk.finished(&server, &job).await, finished);
    assert_eq!(desk.get(&server, "assets").await, assets);
    let stored: Vec<String> = names(&desk.assets());
    println!("unfinished at the second kill: {unfinished:?}; stored at the end: {stored:?}");
    assert_eq!(stored, [finished["asset_id"].as_str().unwrap()]);
    assert!(!desk.assets().join(&stored[0]).join("v999.mp4").exists());
    assert_eq!(names(&desk.work()), [] as [String; 0]);
    assert_eq!(names(&desk.data.join("uploads")), ["notes.txt"]);
    server.terminate();
    server.ended();
    sound_report(&desk.data);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "waits for a lease of 60 s; ./dev soak runs it"]
async fn soak_a_job_is_claimed_again_when_its_lease_has_run_out() {
    if std::env::var_os("MARQUEE_TEST_SOAK").is_none() {
        return;
    }
    marquee::http::tls::install_provider();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let desk = Desk::open(folder.path().join("data")).await;
    film::file();
    let server = ServerProcess::start(&desk.data);
    let job = desk.upload(&server).await;
    until("a work folder", || !names(&desk.work()).is_empty());
    server.kill();
    let start = Instant::now();
    let server = ServerProcess::start(&desk.data);
    let finished = desk.finished(&server, &job).await;
    assert_eq!(finished["status"], "done", "{finished}");
    println!("published {:?} after the restart", start.elapsed());
    assert!(start.elapsed() + Duration::from_secs(5) > limits::JOB_LEASE_TTL, "the lease was not respected");
}
