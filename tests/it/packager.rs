//! The packager on real films: what is copied is the source, what is encoded is aligned with it, and what cannot be
//! done is refused and leaves nothing behind.

use std::fs;
use std::future::pending;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use marquee::base::clock::UtcMs;
use marquee::base::id::AssetId;
use marquee::media::rendition::{AssetIndex, TrackIndex, TrackMedia};
use marquee::packager::job::{
    self, Encoding, PackageRequest, Packaged, Phase, PictureRequest, PictureShape, Progress, SidecarFile,
};
use marquee::packager::{publish, sandbox};
use marquee::store::blobs::Blobs;
use marquee::store::key::ObjectKey;

/// A film of the shared collection; `None`, loudly, when it is not on this machine.
pub fn film(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("MARQUEE_TEST_MEDIA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/media"), PathBuf::from);
    let found = Some(root.join(name)).filter(|path| path.exists());
    if found.is_none() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{name} is missing and this is CI");
        eprintln!("NOT TESTED: {name} is missing; set MARQUEE_TEST_MEDIA to the folder of films");
    }
    found
}

fn request(input: &Path, out_dir: &Path, encoding: Encoding) -> PackageRequest {
    PackageRequest::new(env!("CARGO_BIN_EXE_marquee-worker"), input, out_dir, encoding)
}

pub async fn package(input: &Path, out_dir: &Path, encoding: Encoding) -> marquee::base::error::Result<Packaged> {
    job::package(request(input, out_dir, encoding), |_| {}, pending()).await
}

pub fn output(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output().unwrap();
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn payload_hash(file: &Path, stream: &str) -> String {
    output(
        "ffmpeg",
        &["-v", "error", "-i", file.to_str().unwrap(), "-map", stream, "-c", "copy", "-f", "streamhash", "-"],
    )
}

/// Presentation times of a track, in microseconds, in order.
pub fn presented_us(file: &Path, stream: &str) -> Vec<i64> {
    let file = file.to_str().unwrap();
    let args = ["-v", "error", "-select_streams", stream, "-show_entries", "packet=pts_time", "-of", "csv=p=0", file];
    let mut times: Vec<i64> = output("ffprobe", &args)
        .lines()
        .filter_map(|line| line.trim_end_matches(',').parse::<f64>().ok())
        .map(|seconds| (seconds * 1e6).round() as i64)
        .collect();
    times.sort_unstable();
    times
}

fn decodes(playlist: &Path) {
    let args = ["-v", "error", "-xerror", "-i", playlist.to_str().unwrap(), "-map", "0", "-f", "null", "-"];
    let output = Command::new("ffmpeg").args(args).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn starts(track: &TrackIndex) -> Vec<i64> {
    (0..track.segments.len()).map(|n| track.segment_start(n)).collect()
}

/// Everything that must hold of any published folder, seen by readers that are not ours.
pub fn check(dir: &Path, index: &AssetIndex) {
    assert_eq!(AssetIndex::from_json(&fs::read(dir.join("index.json")).unwrap()).unwrap(), *index);
    let main = fs::read(dir.join("main.m3u8")).unwrap();
    let Ok(m3u8_rs::Playlist::MasterPlaylist(main)) = m3u8_rs::parse_playlist_res(&main) else {
        panic!("m3u8-rs does not read main.m3u8");
    };
    assert!(!main.variants.is_empty() && main.independent_segments);
    let (top, _) = index.video().next().unwrap();
    for (track, _) in index.video() {
        assert_eq!(starts(track), starts(top), "boundaries of {} and {}", track.id, top.id);
    }
    for track in &index.tracks {
        let text = fs::read(dir.join(format!("{}.m3u8", track.id))).unwrap();
        let Ok(m3u8_rs::Playlist::MediaPlaylist(playlist)) = m3u8_rs::parse_playlist_res(&text) else {
            panic!("m3u8-rs does not read {}.m3u8", track.id);
        };
        assert!(playlist.end_list);
        assert_eq!(playlist.segments.len(), track.segments.len());
        let sum: f64 = playlist.segments.iter().map(|segment| f64::from(segment.duration)).sum();
        let length = track.timescale.seconds(track.duration_ticks());
        assert!((sum - length).abs() < 0.01, "{}: {sum} s of EXTINF, {length} s of track", track.id);
        let longest = playlist.segments.iter().map(|segment| segment.duration.round() as u64).max().unwrap();
        assert!(longest <= playlist.target_duration);
        if track.is_text() {
            continue;
        }
        second_reader(&dir.join(track.file_name()), track);
        if let TrackMedia::Audio(_) = track.media {
            audio_follows_video(track, top);
        }
    }
    assert!(fs::read(dir.join("poster.jpg")).unwrap().starts_with(&[0xff, 0xd8, 0xff]));
    decodes(&dir.join("main.m3u8"));
}

/// Each audio segment begins at the first sample at or after its video boundary.
fn audio_follows_video(audio: &TrackIndex, video: &TrackIndex) {
    assert_eq!(audio.segments.len(), video.segments.len(), "{}", audio.id);
    for (heard, seen) in starts(audio).into_iter().zip(starts(video)) {
        let late = audio.timescale.seconds(heard) - video.timescale.seconds(seen);
        let sample = 1024.0 / f64::from(audio.timescale.per_second());
        assert!((-1e-4..sample * 2.0).contains(&late), "{}: {late} s after the boundary", audio.id);
    }
}

/// shiguredo_mp4, a reader that shares no code with ours, decodes every box.
fn second_reader(file: &Path, track: &TrackIndex) {
    use shiguredo_mp4::boxes::{MoofBox, MoovBox};
    use shiguredo_mp4::{Decode, Either};
    let bytes = fs::read(file).unwrap();
    let ftyp_bytes = u32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize;
    let (moov, size) = MoovBox::decode(&bytes[ftyp_bytes..]).unwrap();
    assert_eq!((ftyp_bytes + size) as u64, track.init_bytes);
    assert_eq!(moov.trak_boxes.len(), 1);
    assert!(moov.trak_boxes[0].edts_box.is_none());
    let _: &Either<_, _> = &moov.trak_boxes[0].mdia_box.minf_box.smhd_or_vmhd_box.clone().unwrap();
    for segment in &track.segments {
        let (moof, _) = MoofBox::decode(&bytes[segment.offset as usize..]).unwrap();
        let traf = &moof.traf_boxes[0];
        let ticks: u64 = traf.trun_boxes[0].samples.iter().map(|sample| u64::from(sample.duration.unwrap())).sum();
        assert_eq!(ticks, segment.duration_ticks);
    }
}

fn is_empty(dir: &Path) -> bool {
    fs::read_dir(dir).unwrap().next().is_none()
}

#[tokio::test]
async fn a_copied_film_has_the_payloads_and_times_of_its_source() {
    for name in [
        "films/bbb-480p-30s-51.mp4",
        "films/bottle-40s-noaudio.mp4",
        "torture/vfr-dropped-frames.mp4",
        "torture/multi-audio-ass-srt.mkv",
    ] {
        let Some(input) = film(name) else { continue };
        let root = tempfile::tempdir().unwrap();
        let out = root.path().join("out");
        let packaged = package(&input, &out, Encoding::CopyOnly).await.unwrap();
        check(&out, &packaged.index);
        let (top, _) = packaged.index.video().next().unwrap();
        let copied = out.join(format!("{}.mp4", top.id));
        assert_eq!(payload_hash(&copied, "0:v:0"), payload_hash(&input, "0:v:0"), "{name}");
        let (source, seen) = (presented_us(&input, "v:0"), presented_us(&copied, "v:0"));
        assert_eq!(source.len(), seen.len());
        assert_eq!(seen[0], 0);
        // Matroska and ffprobe round to milliseconds and microseconds.
        let drift = source.iter().zip(&seen).map(|(source_us, seen_us)| (source_us - source[0] - seen_us).abs()).max();
        assert!(drift <= Some(2), "{name}: {drift:?} µs");
    }
}

#[tokio::test]
async fn a_ladder_is_aligned_with_its_copied_top_rung_and_keeps_surround() {
    let Some(input) = film("films/bbb-480p-30s-51.mp4") else { return };
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("out");
    let packaged = package(&input, &out, Encoding::Ladder).await.unwrap();
    check(&out, &packaged.index);
    let ids: Vec<&str> = packaged.index.tracks.iter().map(|track| track.id.as_str()).collect();
    assert_eq!(ids, ["v480", "v360", "a-und-2", "a-und-6"]);
    assert_eq!(payload_hash(&out.join("v480.mp4"), "0:v:0"), payload_hash(&input, "0:v:0"));
    assert_eq!(presented_us(&out.join("v360.mp4"), "v:0"), presented_us(&out.join("v480.mp4"), "v:0"));
    // The encoded stereo begins with the picture, as the source does once its edit list is honoured.
    assert_eq!(presented_us(&out.join("a-und-2.mp4"), "a:0")[0], 0);
    assert_eq!(presented_us(&out.join("a-und-6.mp4"), "a:0")[0], 0);

    let blobs = Blobs::local(&root.path().join("store")).unwrap();
    let asset = AssetId::new(UtcMs(0));
    let stored = publish::publish(&blobs, asset, &out, &packaged.index).await.unwrap();
    assert!(stored > 1_000_000);
    let json = blobs.get(&ObjectKey::AssetIndex { asset }).await.unwrap();
    assert_eq!(AssetIndex::from_json(&json).unwrap(), packaged.index);
    let key = ObjectKey::AssetTrack { asset, file: "v360.mp4".into() };
    let segment = packaged.index.track("v360").unwrap().segments[1];
    let bytes = blobs.get_range(&key, segment.offset..segment.offset + segment.bytes).await.unwrap();
    assert_eq!(&bytes[4..8], b"moof");
}

#[tokio::test]
async fn what_cannot_be_copied_is_encoded_whatever_it_is() {
    for name in
        ["torture/prores-tmcd-23976-pcm24.mov", "torture/pts-wrap-33bit.ts", "torture/exo-roadtrip-vp92-10bit.webm"]
    {
        let Some(input) = film(name) else { continue };
        let root = tempfile::tempdir().unwrap();
        let out = root.path().join("out");
        let packaged = package(&input, &out, Encoding::Ladder).await.unwrap();
        check(&out, &packaged.index);
    }
}

#[tokio::test]
async fn a_film_that_is_none_is_refused_with_its_code_and_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let text = root.path().join("text.mp4");
    fs::write(&text, "not a film, whatever its name says\n".repeat(500)).unwrap();
    let empty = root.path().join("empty.mp4");
    fs::write(&empty, b"").unwrap();
    let mut table = vec![
        (root.path().join("no-such-file.mp4"), Encoding::Ladder, "INPUT_NOT_FOUND"),
        (root.path().to_owned(), Encoding::Ladder, "INPUT_NOT_A_FILM"),
        (text, Encoding::Ladder, "INPUT_NOT_A_FILM"),
        (empty, Encoding::Ladder, "INPUT_EMPTY"),
    ];
    for (name, encoding, code) in [
        ("torture/truncated-mdat-faststart.mp4", Encoding::Ladder, "INPUT_TRUNCATED"),
        ("torture/exo-sample_ac3_aac.mp4", Encoding::Ladder, "INPUT_NO_VIDEO"),
        ("torture/moviepy-rot180-vfr-phone.mp4", Encoding::CopyOnly, "COPY_NEEDS_ENCODING"),
        ("torture/exo-sample_with_srt.mkv", Encoding::CopyOnly, "COPY_NEEDS_ENCODING"),
    ] {
        table.extend(film(name).map(|input| (input, encoding, code)));
    }
    if let Some(whole) = film("films/bbb-480p-30s-51.mp4") {
        // Its moov is at the end, so the front half has none.
        let half = root.path().join("half.mp4");
        fs::write(&half, &fs::read(whole).unwrap()[..2_000_000]).unwrap();
        table.push((half, Encoding::Ladder, "INPUT_TRUNCATED"));
    }
    let outs = root.path().join("outs");
    fs::create_dir(&outs).unwrap();
    for (input, encoding, code) in table {
        let error = package(&input, &outs.join("out"), encoding).await.unwrap_err();
        assert_eq!(error.code(), code, "{}: {error:?}", input.display());
        assert!(is_empty(&outs), "{code} left something behind");
    }
}

#[tokio::test]
async fn an_output_that_is_taken_or_cannot_be_written_is_refused() {
    let Some(input) = film("films/bottle-40s-noaudio.mp4") else { return };
    let root = tempfile::tempdir().unwrap();
    let taken = root.path().join("taken");
    fs::create_dir(&taken).unwrap();
    fs::write(taken.join("mine"), b"x").unwrap();
    assert_eq!(package(&input, &taken, Encoding::CopyOnly).await.unwrap_err().code(), "OUTPUT_EXISTS");
    assert_eq!(fs::read(taken.join("mine")).unwrap(), b"x");
    // A folder cannot be moved onto a link, though it leads to an empty folder.
    fs::create_dir(root.path().join("empty")).unwrap();
    std::os::unix::fs::symlink(root.path().join("empty"), root.path().join("link")).unwrap();
    let linked = package(&input, &root.path().join("link"), Encoding::CopyOnly).await;
    assert_eq!(linked.unwrap_err().code(), "OUTPUT_EXISTS");
    for place in [taken.join("mine/out"), PathBuf::from("/proc/marquee-out")] {
        assert_eq!(package(&input, &place, Encoding::CopyOnly).await.unwrap_err().code(), "OUTPUT_NOT_WRITABLE");
    }
}

/// Nobody writes into the pipe: to open it would be to wait.
#[tokio::test]
async fn what_is_no_file_is_refused_at_once_and_leaves_no_folder() {
    let root = tempfile::tempdir().unwrap();
    let pipe = root.path().join("pipe");
    output("mkfifo", &[pipe.to_str().unwrap()]);
    let out = root.path().join("deep/er/out");
    for input in [&*pipe, Path::new("/dev/zero"), root.path()] {
        let refused = tokio::time::timeout(Duration::from_secs(5), package(input, &out, Encoding::Ladder)).await;
        assert_eq!(refused.unwrap().unwrap_err().code(), "INPUT_NOT_A_FILM", "{}", input.display());
    }
    let prose = root.path().join("prose.mp4");
    fs::write(&prose, "Once upon a time there was a rabbit.").unwrap();
    assert_eq!(package(&prose, &out, Encoding::Ladder).await.unwrap_err().code(), "INPUT_NOT_A_FILM");
    assert!(!root.path().join("deep").exists(), "nor the folders above it");
}

/// Sound that cannot be decoded, in the film and beside it, is refused by its name; a language that is none is not kept.
#[tokio::test]
async fn sound_of_which_too_little_decodes_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    let text = |name: &str| at(name).to_str().unwrap().to_owned();
    let film = crate::film::file();
    output("ffmpeg", &["-v", "error", "-f", "lavfi", "-i", "sine=d=20", "-c:a", "flac", &text("good.flac")]);
    let good = fs::read(at("good.flac")).unwrap();
    for (name, whole) in [("bad.flac", 200), ("torn.flac", good.len() / 4)] {
        let damaged: Vec<u8> = good[..whole].iter().copied().chain(vec![0x55; good.len() - whole]).collect();
        fs::write(at(name), damaged).unwrap();
    }
    let wav = ["-v", "error", "-f", "lavfi", "-i", "sine=d=0.1", "-af", "atrim=end_sample=0", "-c:a", "pcm_s16le"];
    output("ffmpeg", &[&wav[..], &[&text("silent.wav")]].concat());
    for name in ["bad.flac", "silent.wav"] {
        let mut request = request(&film, &at("out"), Encoding::Ladder);
        request.audio = vec![SidecarFile { language: "fr".into(), path: at(name), name: name.into() }];
        let refused = job::package(request, |_| {}, pending()).await.unwrap_err();
        assert_eq!(refused.code(), "AUDIO_UNREADABLE", "{name}: {}", refused.log_line());
        assert!(refused.message().contains(name), "{}", refused.message());
    }
    let mut torn = request(&film, &at("torn"), Encoding::Ladder);
    torn.audio = vec![SidecarFile { language: "fr".into(), path: at("torn.flac"), name: "torn.flac".into() }];
    let warnings = job::package(torn, |_| {}, pending()).await.unwrap().warnings;
    assert!(warnings.iter().any(|said| said.contains("of the 20.0 s of torn.flac")), "{warnings:?}");
    let long = format!("language={}", "x".repeat(100_000));
    let mux = |more: &[&str], name: &str| {
        let inputs =
            ["-v", "error", "-i", film.to_str().unwrap(), "-i", &text("good.flac"), "-map", "0:v", "-map", "1:a"];
        let copy = ["-c", "copy", "-metadata:s:a:0", &long];
        output("ffmpeg", &[&inputs[..], &copy, more, &[&text(name)]].concat());
    };
    mux(&["-bsf:a", "noise=amount=1"], "noise.mkv");
    let refused = package(&at("noise.mkv"), &at("out"), Encoding::Ladder).await.unwrap_err();
    assert_eq!(refused.code(), "INPUT_DAMAGED", "{}", refused.log_line());
    mux(&[], "good.mkv");
    let packaged = package(&at("good.mkv"), &at("out"), Encoding::Ladder).await.unwrap();
    assert!(packaged.index.track("a-und-2").is_some(), "{:?}", packaged.index.tracks);
}

#[tokio::test]
async fn a_full_disk_is_said_to_be_full_and_left_as_it_was() {
    let Some(input) = film("films/bbb-480p-30s-51.mp4") else { return };
    let root = tempfile::tempdir().unwrap();
    let disk = root.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(&disk).status();
    if !mounted.is_ok_and(|status| status.success()) {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "CI cannot mount a tmpfs");
        eprintln!("NOT TESTED: a full disk (mounting a tmpfs needs root)");
        return;
    }
    let result = package(&input, &disk.join("out"), Encoding::CopyOnly).await;
    let left = !is_empty(&disk);
    Command::new("umount").arg(&disk).status().unwrap();
    assert_eq!(result.unwrap_err().code(), "DISK_FULL");
    assert!(!left);
}

/// The worker that has `input` open.
fn worker_of(input: &Path) -> Option<String> {
    let input = input.canonicalize().unwrap();
    fs::read_dir("/proc").unwrap().flatten().find_map(|entry| {
        let pid = entry.file_name().into_string().ok()?;
        let is_worker = fs::read(entry.path().join("cmdline")).ok()?.ends_with(b"marquee-worker\0");
        let mut open = fs::read_dir(entry.path().join("fd")).ok()?.flatten();
        let has_input = open.any(|descriptor| fs::read_link(descriptor.path()).is_ok_and(|target| target == input));
        (is_worker && has_input).then_some(pid)
    })
}

fn signal(input: &Path, name: &str) -> bool {
    worker_of(input).is_some_and(|pid| Command::new("kill").args([name, &pid]).status().unwrap().success())
}

#[tokio::test]
async fn a_worker_killed_at_any_moment_fails_its_job_and_leaves_nothing() {
    let Some(source) = film("films/bbb-480p-30s-51.mp4") else { return };
    let root = tempfile::tempdir().unwrap();
    let input = root.path().join("film.mp4");
    fs::copy(source, &input).unwrap();
    let outs = root.path().join("outs");
    fs::create_dir(&outs).unwrap();
    let mut kills = 0;
    for moment in 0.. {
        let mut seen = 0;
        let mut killed = None;
        let on_progress = |progress: &Progress| {
            if seen == moment && progress.phase < Phase::Checking {
                assert!(signal(&input, "-KILL"), "no worker to kill at {progress:?}");
                killed = Some(progress.phase);
            }
            seen += 1;
        };
        let result = job::package(request(&input, &outs.join("out"), Encoding::CopyOnly), on_progress, pending()).await;
        let Some(phase) = killed else {
            result.unwrap();
            break;
        };
        assert_eq!(result.unwrap_err().code(), "WORKER_KILLED", "{phase:?}");
        assert!(is_empty(&outs), "killed while {phase:?}");
        kills += 1;
    }
    assert!(kills >= 4, "only {kills} moments");
}

#[tokio::test]
async fn a_job_that_is_cancelled_dropped_or_stalls_ends_its_worker() {
    let Some(source) = film("films/sintel_trailer-720p.mp4") else { return };
    let root = tempfile::tempdir().unwrap();
    let input = root.path().join("film.mp4");
    fs::copy(source, &input).unwrap();
    let outs = root.path().join("outs");
    fs::create_dir(&outs).unwrap();
    let ask = || request(&input, &outs.join("out"), Encoding::Ladder);

    let cancel = tokio::time::sleep(Duration::from_millis(600));
    assert_eq!(job::package(ask(), |_| {}, cancel).await.unwrap_err().code(), "CANCELLED");
    assert!(is_empty(&outs) && worker_of(&input).is_none());

    let dropped = tokio::time::timeout(Duration::from_millis(600), job::package(ask(), |_| {}, pending())).await;
    assert!(dropped.is_err() && is_empty(&outs));

    let mut stalling = ask();
    stalling.silence_max = Duration::from_secs(2);
    let on_progress = |progress: &Progress| {
        if progress.phase == Phase::Packaging {
            signal(&input, "-STOP");
        }
    };
    assert_eq!(job::package(stalling, on_progress, pending()).await.unwrap_err().code(), "WORKER_STALLED");
    assert!(is_empty(&outs) && worker_of(&input).is_none());
}

/// Each attempt is denied in the sandbox and works outside of it, so that none is denied for another reason.
#[tokio::test]
async fn nothing_gets_out_of_the_sandbox() {
    let inside = job::self_test(Path::new(env!("CARGO_BIN_EXE_marquee-worker"))).await.unwrap();
    assert!(inside.decoder.starts_with("libavcodec "), "{}", inside.decoder);
    let inside = inside.attempts;
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("out");
    fs::create_dir(&folder).unwrap();
    let outside = sandbox::attempts(&folder);
    // A kernel can be built, or told, to have neither.
    let may_be_missing = ["reach the network by io_uring", "make a call by its x32 number"];
    for (inside, outside) in inside.iter().zip(&outside) {
        let said = |worked: bool| if worked { "works" } else { "denied" };
        println!("{}: {} inside, {} outside", inside.what, said(inside.worked), said(outside.worked));
    }
    assert_eq!(inside.len(), 24);
    for (inside, outside) in inside.iter().zip(outside) {
        assert!(!inside.worked, "{}", inside.what);
        assert!(
            outside.worked || may_be_missing.contains(&&*outside.what),
            "{} does not work outside either",
            outside.what
        );
    }
}

#[test]
fn the_command_prints_its_result_as_json_and_its_progress_as_lines() {
    let Some(input) = film("films/bottle-40s-noaudio.mp4") else { return };
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("out");
    let done = Command::new(env!("CARGO_BIN_EXE_marquee"))
        .args(["package", input.to_str().unwrap(), "--out", out.to_str().unwrap(), "--copy", "--json"])
        .output()
        .unwrap();
    assert!(done.status.success());
    let result: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(result["index"]["tracks"][0]["id"], "v360");
    let phases: Vec<String> = String::from_utf8(done.stderr)
        .unwrap()
        .lines()
        .filter_map(|line| serde_json::from_str::<Progress>(line).ok())
        .map(|progress| format!("{:?}", progress.phase))
        .collect();
    assert_eq!(phases, ["Opening", "Scanning", "Copying", "Packaging", "Poster", "Checking", "Finished"]);
}

fn picture(path: &Path, size: &str, options: &[&str]) -> PathBuf {
    let source = format!("testsrc2=size={size}:rate=1:duration=1");
    let mut args = vec!["-v", "error", "-y", "-f", "lavfi", "-i", &source, "-frames:v", "1"];
    args.extend_from_slice(options);
    args.push(path.to_str().unwrap());
    output("ffmpeg", &args);
    path.to_owned()
}

async fn drawn(input: &Path, shape: PictureShape) -> Result<(u32, u32), String> {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.jpg");
    fs::write(&out, jpeg_of(input, shape).await?).unwrap();
    let probed = output(
        "ffprobe",
        &["-v", "error", "-show_entries", "stream=codec_name,width,height", "-of", "csv=p=0", out.to_str().unwrap()],
    );
    let mut fields = probed.trim().split(',');
    assert_eq!(fields.next(), Some("mjpeg"));
    let mut side = || fields.next().unwrap().parse().unwrap();
    Ok((side(), side()))
}

async fn jpeg_of(input: &Path, shape: PictureShape) -> Result<Vec<u8>, String> {
    let folder = tempfile::tempdir().unwrap();
    let request = PictureRequest {
        input: input.to_owned(),
        shape,
        scratch: folder.path().join("out"),
        worker: env!("CARGO_BIN_EXE_marquee-worker").into(),
    };
    let jpeg = job::picture(&request).await.map_err(|error| error.code().to_owned())?;
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
    Ok(jpeg)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_cut_to_its_shape_and_written_anew() {
    use PictureShape::{Landscape, Portrait};
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let jpeg = picture(&at("a.jpg"), "1200x1800", &["-pix_fmt", "yuvj420p"]);
    let png = picture(&at("a.png"), "1500x1500", &["-pix_fmt", "rgba"]);
    let grey = picture(&at("b.png"), "640x360", &["-pix_fmt", "gray16be"]);
    let webp = picture(&at("a.webp"), "2400x1000", &["-c:v", "libwebp"]);
    assert_eq!(drawn(&jpeg, Portrait).await, Ok((1000, 1500)));
    assert_eq!(drawn(&jpeg, Landscape).await, Ok((1200, 674)));
    assert_eq!(drawn(&png, Portrait).await, Ok((1000, 1500)));
    assert_eq!(drawn(&grey, Landscape).await, Ok((640, 360)), "never enlarged");
    assert_eq!(drawn(&webp, Landscape).await, Ok((1778, 1000)));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_the_file_itself_is_in_the_picture() {
    const MARK: &[u8] = b"<script>not a colour profile</script>";
    let folder = tempfile::tempdir().unwrap();
    let mut jpeg = fs::read(picture(&folder.path().join("a.jpg"), "640x360", &["-pix_fmt", "yuvj420p"])).unwrap();
    // APP2 with an ICC profile in one piece (ICC.1, B.4), and a comment.
    for (marker, head) in [(0xe2, &b"ICC_PROFILE\0\x01\x01"[..]), (0xfe, b"")] {
        let length = u16::try_from(2 + head.len() + MARK.len()).unwrap().to_be_bytes();
        let segment = [&[0xff, marker][..], &length, head, MARK].concat();
        jpeg.splice(2..2, segment);
    }
    let input = folder.path().join("marked.jpg");
    fs::write(&input, jpeg).unwrap();
    let drawn = jpeg_of(&input, PictureShape::Landscape).await.unwrap();
    assert!(!drawn.windows(MARK.len()).any(|bytes| bytes == MARK));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_picture_of_ours_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let written = |name: &str, bytes: &[u8]| {
        fs::write(at(name), bytes).unwrap();
        at(name)
    };
    let whole = fs::read(picture(&at("whole.png"), "800x1200", &[])).unwrap();
    let bomb = {
        // A header that promises a picture of 60000 × 60000.
        let mut bytes = whole.clone();
        bytes[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
        bytes
    };
    for (name, input, codes) in [
        ("text", written("text", b"no picture at all"), &["PICTURE_INVALID"][..]),
        ("empty", written("empty.png", b""), &["PICTURE_INVALID"]),
        ("svg", written("x.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"), &["PICTURE_INVALID"]),
        ("gif", picture(&at("x.gif"), "640x360", &[]), &["PICTURE_INVALID"]),
        ("film", picture(&at("x.mp4"), "640x360", &["-pix_fmt", "yuv420p"]), &["PICTURE_INVALID"]),
        ("cut off", written("cut.png", &whole[..40]), &["PICTURE_INVALID"]),
        ("bomb", written("bomb.png", &bomb), &["PICTURE_TOO_LARGE", "PICTURE_INVALID"]),
        ("wide", picture(&at("wide.png"), "8200x20", &[]), &["PICTURE_TOO_LARGE"]),
        ("small", picture(&at("small.png"), "190x400", &[]), &["PICTURE_TOO_SMALL"]),
    ] {
        let refused = drawn(&input, PictureShape::Portrait).await.unwrap_err();
        assert!(codes.contains(&refused.as_str()), "{name}: {refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_found_and_what_was_copied_is_said() {
    let packaged = crate::film::packaged().await;
    let source = packaged.source.as_deref().unwrap();
    assert_eq!((source.name.as_str(), source.container.as_str()), ("film.mp4", "mp4"));
    assert!(source.size_bytes > 10_000 && source.duration_ms.unwrap().abs_diff(24_000) < 100);
    let codecs: Vec<_> = source.tracks.iter().map(|track| track.codec.as_str()).collect();
    assert_eq!(codecs, ["h264", "aac", "mov_text"]);
    assert_eq!((source.tracks[0].width, source.tracks[0].frame_rate_milli), (Some(640), Some(24_000)));
    assert_eq!((source.tracks[1].channels, source.tracks[1].sample_rate), (Some(2), Some(48_000)));
    let summary = marquee::packager::summary::packaged(&packaged.index, &packaged.copied);
    assert!(summary.renditions.iter().any(|rendition| rendition.track == "v360" && rendition.is_copied));
    for rendition in &summary.renditions {
        let file = packaged.dir.join(packaged.index.track(&rendition.track).unwrap().file_name());
        assert_eq!(rendition.size_bytes, fs::metadata(file).unwrap().len(), "{}", rendition.track);
    }
    assert_eq!(summary.segment_count as usize, packaged.index.tracks[0].segments.len());
}

/// A film of 62 s that has one colour for every two seconds, black on its left half.
fn colours(film: &Path, size: &str) {
    let step = |left: u32, times: u32| format!("if(lt(X,W/2),{left},28+mod(floor(T/2)*{times},200))");
    let source = format!(
        "nullsrc=size=16x9:rate=24:duration=62,geq=lum='{}':cb='{}':cr='128',scale={size}:flags=neighbor,format=yuv420p",
        step(16, 37),
        step(128, 53)
    );
    let path = film.to_str().unwrap();
    // With B pictures: what is decoded first is not what is shown first.
    let gop = ["-c:v", "libx264", "-preset", "veryfast", "-g", "48", "-keyint_min", "48", "-sc_threshold", "0"];
    output("ffmpeg", &[&["-v", "error", "-f", "lavfi", "-i", source.as_str()], gop.as_slice(), &[path]].concat());
}

/// Mean red, green and blue of part of a picture, as FFmpeg decodes it.
fn mean_colour(input: &[&str], part: &str) -> [f64; 3] {
    let filter = format!("crop={part},scale=1:1:flags=area");
    let out = ["-frames:v", "1", "-vf", &filter, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"];
    let pixel = Command::new("ffmpeg").args(["-v", "error"]).args(input).args(out).output().unwrap();
    assert!(pixel.status.success(), "{}", String::from_utf8_lossy(&pixel.stderr));
    [0, 1, 2].map(|channel| f64::from(pixel.stdout[channel]))
}

#[tokio::test]
async fn the_storyboard_shows_the_picture_of_each_instant() {
    let root = tempfile::tempdir().unwrap();
    let film = root.path().join("film.mp4");
    colours(&film, "800x450");
    // A transport stream begins at another instant than 0.
    let stream = root.path().join("film.ts");
    output("ffmpeg", &["-v", "error", "-i", film.to_str().unwrap(), "-c", "copy", stream.to_str().unwrap()]);
    let expected: Vec<[f64; 3]> = (0..31)
        .map(|n| mean_colour(&["-ss", &(n * 2).to_string(), "-i", film.to_str().unwrap()], "iw/4:ih/2:iw*5/8:ih/4"))
        .collect();
    // The first is taken from the smallest rung, the others from the film itself.
    for (name, input, encoding) in [
        ("rungs", &film, Encoding::Ladder),
        ("copied", &film, Encoding::CopyOnly),
        ("stream", &stream, Encoding::CopyOnly),
    ] {
        let out = root.path().join(name);
        let storyboard = package(input, &out, encoding).await.unwrap().index.storyboard.unwrap();
        assert_eq!((storyboard.interval_ms, storyboard.count, storyboard.sheets), (2_000, 31, 2), "{name}");
        assert_eq!((storyboard.tile_width, storyboard.tile_height), (160, 90), "{name}");
        let text = fs::read_to_string(out.join("storyboard.vtt")).unwrap();
        assert!(
            text.contains("\n00:01:00.000 --> 00:01:02.000\nstoryboard-1.jpg#xywh=0,90,160,90\n"),
            "{name}: {text}"
        );
        for (n, wanted) in expected.iter().enumerate() {
            let (sheet, row, column) = (n / 25, n % 25 / 5, n % 5);
            let sheet = out.join(format!("storyboard-{sheet}.jpg"));
            let part = |x: usize| format!("40:44:{}:{}", column * 160 + x, row * 90 + 24);
            let seen = mean_colour(&["-i", sheet.to_str().unwrap()], &part(100));
            let differs = |other: &[f64; 3]| seen.iter().zip(other).any(|(a, b)| (a - b).abs() > 6.0);
            assert!(!differs(wanted), "{name}, picture {n}: {seen:?} is not {wanted:?}");
            assert_eq!(expected.iter().filter(|other| differs(other)).count(), 30, "{name}, picture {n} is no other");
            let left = mean_colour(&["-i", sheet.to_str().unwrap()], &part(20));
            assert!(left.iter().all(|channel| *channel < 12.0), "{name}, picture {n} is dark on its left: {left:?}");
        }
    }
}

#[tokio::test]
async fn a_storyboard_is_upright_and_in_square_pixels() {
    for (name, size) in
        [("torture/exo-h265_with_metadata_track.mp4", (90, 160)), ("torture/mp4ff-bbb-10s-sar4-3.mp4", (160, 90))]
    {
        let Some(input) = film(name) else { continue };
        let root = tempfile::tempdir().unwrap();
        let packaged = package(&input, &root.path().join("out"), Encoding::Ladder).await.unwrap();
        let storyboard = packaged.index.storyboard.unwrap();
        assert_eq!((storyboard.tile_width, storyboard.tile_height), size, "{name}");
    }
}
