//! Programs, run and measured.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use marquee::packager::job::{self, Encoding, FilmReader, PackageRequest, Phase, Progress};

/// What a run took.
#[derive(Clone, Copy, Debug)]
pub struct Took {
    pub wall_s: f64,
    /// Of the process and all it started, user and system.
    pub cpu_s: f64,
    /// The largest of them.
    pub memory_mib: f64,
}

/// Runs a program to its end, which must be a good one.
#[expect(
    unsafe_code,
    clippy::zombie_processes,
    reason = "the C library alone tells what a child took, as it waits for it"
)]
pub fn measure(command: &mut Command) -> Took {
    let start = Instant::now();
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut talk = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut talk).unwrap_or(0);
    let (mut status, mut usage) = (0, std::mem::MaybeUninit::<libc::rusage>::zeroed());
    // SAFETY: the process is a child of ours that nobody else waits for; both pointers are to memory of their types, and
    // any rusage is a valid one.
    let usage = unsafe {
        assert_eq!(libc::wait4(child.id() as i32, &raw mut status, 0, usage.as_mut_ptr()), child.id() as i32);
        usage.assume_init()
    };
    let wall_s = start.elapsed().as_secs_f64();
    assert!(std::process::ExitStatus::from_raw(status).success(), "{command:?} failed: {talk}");
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    let cpu_s = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    Took { wall_s, cpu_s, memory_mib: usage.ru_maxrss as f64 / 1024.0 }
}

/// The middle one by wall time.
pub fn median(mut all: Vec<Took>) -> Took {
    all.sort_by(|a, b| a.wall_s.total_cmp(&b.wall_s));
    all[all.len() / 2]
}

pub fn ffmpeg(arguments: &[&str]) -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-y"]).args(arguments);
    command
}

/// Our own program.
pub fn marquee(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_marquee"));
    command.args(arguments);
    command
}

/// The film, played `times` times in a row without being encoded again.
pub fn repeated(film: &Path, times: u32, to: &Path) {
    let again = (times - 1).to_string();
    let (film, to) = (text(film), text(to));
    measure(&mut ffmpeg(&["-stream_loop", &again, "-i", film, "-c", "copy", "-movflags", "+faststart", to]));
}

/// Reads a file, so that whoever comes first has it in memory like everybody after; its length.
pub fn warm(file: &Path) -> u64 {
    std::io::copy(&mut File::open(file).unwrap(), &mut std::io::sink()).unwrap()
}

/// Makes everything in a folder durable, as our own program does with what it writes.
pub fn sync(folder: &Path) {
    for file in files(folder) {
        File::open(file).and_then(|file| file.sync_all()).unwrap();
    }
    File::open(folder).and_then(|folder| folder.sync_all()).unwrap();
}

pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

pub fn load() -> String {
    fs::read_to_string("/proc/loadavg").unwrap_or_default().split(' ').next().unwrap_or_default().to_owned()
}

/// How like the film a track is: SSIM of the luma over all pictures, the film scaled to the track's size.
pub fn ssim(track: &Path, film: &Path, width: u32, height: u32) -> f64 {
    let graph = format!(
        "[1:v]scale={width}:{height}:flags=bicubic,format=yuv420p,settb=1/1000,setpts=N[a];[0:v]format=yuv420p,settb=1/1000,setpts=N[b];[b][a]ssim"
    );
    let output = Command::new("ffmpeg")
        .args(["-v", "info", "-nostdin", "-i", text(track), "-i", text(film), "-lavfi", &graph, "-f", "null", "-"])
        .output()
        .expect("ffmpeg runs");
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    let said = talk.lines().find(|line| line.contains("SSIM Y:")).unwrap_or_else(|| panic!("{talk}"));
    said.split("Y:").nth(1).and_then(|rest| rest.split(' ').next()).unwrap().parse().unwrap()
}

/// The settings of our own encoder, for FFmpeg's program.
pub fn encode_as_we_do(command: &mut Command, cap_bits_per_s: u64) {
    command.args(["-c:v", "libx264", "-preset", "veryfast", "-profile:v", "high", "-crf", "22", "-forced-idr", "1"]);
    command.args(["-maxrate", &cap_bits_per_s.to_string(), "-bufsize", &(cap_bits_per_s * 3 / 2).to_string()]);
    command.args(["-x264-params", "scenecut=0:keyint=infinite:min-keyint=1:open-gop=0"]);
    command.args(["-force_key_frames", "expr:gte(t,n_forced*2)", "-fps_mode", "vfr"]);
}

/// One packaging job without pictures, in a fresh folder; what its worker took.
#[expect(unsafe_code, reason = "the C library alone tells what children took")]
pub fn job(film: &Path, out: &Path, encoding: Encoding, reader: FilmReader) -> Took {
    let children_s = || {
        let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
        // SAFETY: the pointer is to memory of its type, and any rusage is a valid one.
        let usage = unsafe {
            assert_eq!(libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr()), 0);
            usage.assume_init()
        };
        let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
        seconds(usage.ru_utime) + seconds(usage.ru_stime)
    };
    let _ = fs::remove_dir_all(out);
    let mut request = PackageRequest::new(env!("CARGO_BIN_EXE_marquee-worker"), film, out, encoding);
    (request.reader, request.pictures) = (reader, false);
    let (start, before_s) = (Instant::now(), children_s());
    let mut memory_mib: f64 = 0.0;
    let on_progress = |progress: &Progress| {
        if progress.phase < Phase::Checking {
            memory_mib = memory_mib.max(peak_of_worker().unwrap_or(0.0));
        }
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(job::package(request, on_progress, std::future::pending())).unwrap();
    Took { wall_s: start.elapsed().as_secs_f64(), cpu_s: children_s() - before_s, memory_mib }
}

/// The most memory that the worker of this process has held, while it has one.
pub fn peak_of_worker() -> Option<f64> {
    let me = format!("PPid:\t{}", std::process::id());
    let statuses = fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| fs::read_to_string(entry.path().join("status")).ok());
    let mut workers =
        statuses.filter(|status| status.starts_with("Name:\tmarquee") && status.lines().any(|line| line == me));
    let status = workers.next()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(peak.trim().trim_end_matches(" kB").trim().parse::<f64>().ok()? / 1024.0)
}
