//! A package whose process is killed again and again is finished in the end, and nobody can tell from it: what was
//! encoded for good stays byte by byte, and every picture is there at its time.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use marquee::base::clock::Clock;
use marquee::base::id::AssetId;
use marquee::media::rendition::AssetIndex;
use serde_json::Value;

use crate::film;
use crate::process::ServerProcess;
use crate::recovery::{Desk, names, orphaned_workers, until};

const LENGTH_S: u32 = 60;
const KILLS: usize = 2;
/// Of the same picture encoded twice; of neighbouring pictures of this film it is below 25.
const PSNR_MIN_DB: f64 = 30.0;

fn ffmpeg(args: &[&str]) -> String {
    let output = Command::new("ffmpeg").args(["-v", "error", "-nostdin"]).args(args).output().expect("ffmpeg runs");
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Noise makes it slow to encode, and the counter tells its pictures apart.
fn make(film: &Path, options: &[&str]) {
    let picture = format!("testsrc2=size=854x480:rate=25:duration={LENGTH_S},noise=alls=5:allf=t");
    let tone = format!("sine=frequency=440:sample_rate=48000:duration={LENGTH_S}");
    let inputs = ["-y", "-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &tone, "-pix_fmt", "yuv420p"];
    ffmpeg(&[&inputs[..], options, &["-c:a", "aac", "-ac", "2", film.to_str().unwrap()]].concat());
}

fn package(film: &Path, out: &Path, options: &[&str]) -> Child {
    let mut command = Command::new(film::binary());
    command.arg("package").arg(film).arg("--out").arg(out).args(["--json", "--no-pictures"]).args(options);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn finish(child: Child) -> Value {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The checkpoints in the folder of a job for `out`: the rung and how many bytes of it are there for good.
fn checkpoints(out: &Path) -> Vec<(String, u64)> {
    let Ok(entries) = fs::read_dir(staging_of(out)) else { return Vec::new() };
    let mut found: Vec<(String, u64)> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            let id = name.strip_suffix(".checkpoint")?.to_owned();
            let checkpoint: Value = serde_json::from_slice(&fs::read(entry.path()).ok()?).ok()?;
            Some((id, checkpoint["bytes"].as_u64().unwrap()))
        })
        .collect();
    found.sort();
    found
}

fn staging_of(out: &Path) -> PathBuf {
    out.with_file_name(format!(".{}.partial", out.file_name().unwrap().to_str().unwrap()))
}

/// The rungs that are there for good, each with its bytes.
type Durable = Vec<(String, Vec<u8>)>;

/// Packages, and kills the process whenever there is more to go on with of all `rungs`; what it had each time.
fn package_under_fire(film: &Path, out: &Path, rungs: usize) -> (Vec<Durable>, Value) {
    let mut kills = Vec::new();
    let mut known = Vec::new();
    loop {
        let mut child = package(film, out, &[]);
        let start = Instant::now();
        loop {
            let present = checkpoints(out);
            if kills.len() < KILLS && present.len() == rungs && present != known {
                child.kill().unwrap();
                child.wait().unwrap();
                // The worker dies with its parent, but not in the same instant.
                std::thread::sleep(Duration::from_millis(300));
                known = checkpoints(out);
                let durable = known.iter().map(|(id, bytes)| {
                    let mut file = fs::read(staging_of(out).join(format!("{id}.mp4"))).unwrap();
                    file.truncate(*bytes as usize);
                    (id.clone(), file)
                });
                kills.push(durable.collect());
                break;
            }
            if child.try_wait().unwrap().is_some() {
                return (kills, finish(child));
            }
            assert!(start.elapsed() < Duration::from_secs(300), "the job does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn index_of(out: &Path) -> AssetIndex {
    AssetIndex::from_json(&fs::read(out.join("index.json")).unwrap()).unwrap()
}

/// The presentation times of all pictures, decoded.
fn times(track: &Path) -> Vec<String> {
    let said = ffmpeg(&["-xerror", "-i", track.to_str().unwrap(), "-map", "0:v", "-f", "framehash", "-"]);
    let lines = said.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split(',').nth(2).unwrap().trim().to_owned()).collect()
}

fn worst_psnr(a: &Path, b: &Path) -> f64 {
    let log = a.with_extension("psnr");
    let filter = format!("psnr=stats_file={}", log.display());
    ffmpeg(&["-i", a.to_str().unwrap(), "-i", b.to_str().unwrap(), "-lavfi", &filter, "-f", "null", "-"]);
    let stats = fs::read_to_string(log).unwrap();
    let of_line = |line: &str| line.split("psnr_y:").nth(1)?.split(' ').next()?.parse::<f64>().ok();
    stats.lines().map(|line| of_line(line).unwrap_or(f64::INFINITY)).fold(f64::INFINITY, f64::min)
}

/// `rungs` are those that are encoded.
fn a_killed_package_goes_on(name: &str, rungs: usize, options: &[&str]) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let film = folder.path().join(name);
    make(&film, options);
    let (undisturbed, disturbed) = (folder.path().join("undisturbed"), folder.path().join("disturbed"));
    let said = finish(package(&film, &undisturbed, &[]));
    assert_eq!(said["resumed_at_s"], Value::Null);
    let (kills, said) = package_under_fire(&film, &disturbed, rungs);
    assert_eq!(kills.len(), KILLS, "the film is too short to be killed so often");
    assert!(said["resumed_at_s"].as_f64().is_some_and(|at_s| at_s > 0.0), "{said}");
    assert!(!staging_of(&disturbed).exists());
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    assert_eq!(sorted(names(&undisturbed)), sorted(names(&disturbed)));

    let (whole, resumed) = (index_of(&undisturbed), index_of(&disturbed));
    assert_eq!(whole.tracks.len(), resumed.tracks.len());
    for (whole, resumed) in whole.tracks.iter().zip(&resumed.tracks) {
        let id = &whole.id;
        let durations = |track: &marquee::media::rendition::TrackIndex| {
            track.segments.iter().map(|segment| segment.duration_ticks).collect::<Vec<_>>()
        };
        assert_eq!((id, durations(whole)), (&resumed.id, durations(resumed)));
        let file = format!("{id}.mp4");
        let bytes = fs::read(disturbed.join(&file)).unwrap();
        let mut had = 0;
        for (_, durable) in kills.iter().flatten().filter(|(rung, _)| rung == id) {
            assert!(bytes.starts_with(durable), "{id}: what was encoded for good has changed");
            had += 1;
        }
        if had == 0 {
            // Copied, or sound: made anew, and the same.
            assert!(bytes == fs::read(undisturbed.join(&file)).unwrap(), "{id}");
            continue;
        }
        let (a, b) = (undisturbed.join(&file), disturbed.join(&file));
        assert_eq!(times(&a), times(&b), "{id}");
        let psnr = worst_psnr(&a, &b);
        println!("{name} {id}: {had} times there already, worst PSNR {psnr:.1} dB");
        assert!(psnr > PSNR_MIN_DB, "{id}: {psnr}");
    }
}

#[test]
fn a_ladder_below_a_copied_picture_goes_on_after_kills() {
    a_killed_package_goes_on("closed.mp4", 1, &["-c:v", "libx264", "-preset", "ultrafast", "-g", "50"]);
}

#[test]
fn a_film_of_open_groups_goes_on_after_kills() {
    let params = "open-gop=1:bframes=3:keyint=48:min-keyint=48:scenecut=0";
    a_killed_package_goes_on("open.mkv", 2, &["-c:v", "libx264", "-preset", "veryfast", "-x264-params", params]);
}

#[test]
fn an_interlaced_film_goes_on_after_kills() {
    let options = ["-c:v", "mpeg2video", "-b:v", "8M", "-flags", "+ilme+ildct", "-bf", "2", "-g", "15"];
    a_killed_package_goes_on("interlaced.ts", 2, &options);
}

#[test]
fn another_film_or_another_ladder_begins_anew() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (film, out) = (folder.path().join("film.mp4"), folder.path().join("out"));
    let options = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "50"];
    make(&film, &options);
    let stop_midway = || {
        let mut child = package(&film, &out, &[]);
        while checkpoints(&out).is_empty() {
            assert!(child.try_wait().unwrap().is_none(), "it ended before it could be killed");
            std::thread::sleep(Duration::from_millis(20));
        }
        let signal = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        assert!(signal.success());
        let said = String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
        assert!(said.contains("CANCELLED") && said.contains("goes on from there"), "{said}");
        assert!(said.contains(staging_of(&out).to_str().unwrap()), "{said}");
    };
    stop_midway();
    let unlike = fs::metadata(&film).unwrap().len();
    make(&film, &[&options[..], &["-metadata", "title=another"]].concat());
    assert_ne!(fs::metadata(&film).unwrap().len(), unlike);
    assert_eq!(finish(package(&film, &out, &[]))["resumed_at_s"], Value::Null);

    fs::remove_dir_all(&out).unwrap();
    stop_midway();
    // Nothing of the ladder is left in a package that only copies.
    finish(package(&film, &out, &["--copy"]));
    let mut tracks: Vec<_> = index_of(&out).tracks.into_iter().map(|track| format!("{}.mp4", track.id)).collect();
    tracks.sort();
    let mut files = names(&out);
    files.retain(|name| [".mp4", ".checkpoint"].iter().any(|end| name.ends_with(end)));
    files.sort();
    assert_eq!(files, tracks);
}

/// Killed the first time, asked to end the second.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_goes_on_with_the_film_that_it_was_encoding() {
    marquee::http::tls::install_provider();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let film = folder.path().join("film.mp4");
    make(&film, &["-c:v", "libx264", "-preset", "ultrafast", "-g", "50"]);
    let desk = Desk::open(folder.path().join("data")).await;
    let mut server = ServerProcess::start(&desk.data);
    let job = desk.upload_file(&server, &film).await;
    let out = desk.work().join(AssetId::of_job(job.parse().unwrap()).to_string());
    let mut known = Vec::new();
    for ends in [false, true] {
        until("more to go on with", || !checkpoints(&out).is_empty() && checkpoints(&out) != known);
        if ends {
            server.terminate();
            let (status, talk) = server.ended();
            assert_eq!(status.code(), Some(0), "{talk}");
            assert!(talk.contains("encoding goes on where an earlier job was stopped"), "{talk}");
        } else {
            let killed = server.id();
            server.kill();
            until("no worker without its server", || orphaned_workers(killed).is_empty());
        }
        known = checkpoints(&out);
        assert!(!known.is_empty());
        // A folder of a job that nobody knows is not kept.
        fs::create_dir_all(desk.work().join(format!(".{}.partial", AssetId::new(Clock::system().now())))).unwrap();
        desk.let_leases_run_out().await;
        server = ServerProcess::start(&desk.data);
        assert!(names(&desk.work()).iter().all(|name| desk.work().join(name) == staging_of(&out)));
    }
    let finished = desk.finished(&server, &job).await;
    assert_eq!(finished["status"], "done", "{finished}");
    assert!(names(&desk.work()).is_empty());
    server.terminate();
    let (_, talk) = server.ended();
    assert!(talk.contains("encoding goes on where an earlier job was stopped"), "{talk}");
}
